//! Modals and the Home tab: `views.*`.

use super::Seat;
use crate::slack_world::args::{Answer, Fail, fail, object};
use crate::slack_world::blocks::views::check_view;
use crate::slack_world::model::View;
use crate::slack_world::shape;
use crate::slack_world::state::State;
use serde_json::{Map, Value, json};

/// Views on top of each other.
const DEEPEST: usize = 3;

impl Seat<'_> {
    /// The view of a call, checked.
    fn given(&self, home: bool) -> Result<Map<String, Value>, Fail> {
        let view = self.args.structure("view");
        let view = view.map_err(|()| Fail::from("invalid_arguments"))?;
        let Some(view) = view else {
            return Err(self.args.need("view").unwrap_err());
        };
        if view.to_string().len() > 250_000 {
            return fail("view_too_large");
        }
        check_view(view, home).map_err(|m| Fail::explained("invalid_arguments", &m))
    }

    /// `views.open` and `views.push`: whoever holds a fresh trigger may show a modal, once.
    pub fn open_view(&mut self, method: &str) -> Answer {
        let id = self.args.need("trigger_id")?;
        let body = self.given(false)?;
        let now = self.state.clock.micros();
        let trigger = self.state.triggers.get_mut(id);
        let Some(trigger) = trigger.filter(|t| t.team == self.team) else {
            return fail("invalid_trigger_id");
        };
        if trigger.used {
            return fail("exchanged_trigger_id");
        }
        if trigger.until < now {
            return fail("expired_trigger_id");
        }
        trigger.used = true;
        let trigger = trigger.clone();
        let below = trigger.view.filter(|_| method == "views.push");
        if method == "views.push" && below.is_none() {
            return fail("not_found");
        }
        if below
            .as_ref()
            .is_some_and(|b| self.state.depth(b) >= DEEPEST)
        {
            return fail("push_limit_reached");
        }
        self.external(&body, None)?;
        let shown = self.state.show_view(&self.team, &trigger.user, body, below);
        Ok(object(json!({"view": shown})))
    }

    /// An `external_id` belongs to one view.
    fn external(&self, body: &Map<String, Value>, own: Option<&str>) -> Result<(), Fail> {
        let name = body
            .get("external_id")
            .and_then(Value::as_str)
            .unwrap_or("");
        let mut others = self
            .state
            .views
            .iter()
            .filter(|v| v.open && Some(v.id.as_str()) != own);
        let same = |v: &View| v.body.get("external_id").and_then(Value::as_str) == Some(name);
        if !name.is_empty() && others.any(same) {
            return fail("duplicate_external_id");
        }
        Ok(())
    }

    pub fn update_view(&mut self) -> Answer {
        let (id, external) = (self.args.str("view_id"), self.args.str("external_id"));
        let named = |v: &&View| {
            let own = v.body.get("external_id").and_then(Value::as_str);
            (!id.is_empty() && v.id == id) || (!external.is_empty() && own == Some(external))
        };
        let found = self
            .state
            .views
            .iter()
            .filter(|v| v.open && v.team == self.team)
            .find(named);
        let view = found.cloned().ok_or(Fail::from("not_found"))?;
        let hash = self.args.str("hash");
        if !hash.is_empty() && hash != view.hash {
            return fail("hash_conflict");
        }
        let body = self.given(view.is_home())?;
        self.external(&body, Some(&view.id))?;
        let shown = self.state.change_view(&view.id, body);
        Ok(object(json!({"view": shown})))
    }

    /// Draws somebody's Home tab.
    pub fn publish_view(&mut self) -> Answer {
        let user = self.args.need("user_id")?.to_owned();
        let body = self.given(true)?;
        let known = self.state.user(&user).is_some_and(|u| u.team == self.team);
        if !known {
            return fail("user_not_found");
        }
        let found = self
            .state
            .views
            .iter()
            .find(|v| v.is_home() && v.user == user)
            .cloned();
        let shown = match found {
            None => self.state.show_view(&self.team, &user, body, None),
            Some(home) => {
                let hash = self.args.str("hash");
                if !hash.is_empty() && hash != home.hash {
                    return fail("hash_conflict");
                }
                self.state.change_view(&home.id, body)
            }
        };
        Ok(object(json!({"view": shown})))
    }
}

impl State {
    /// Puts a view in front of somebody, on top of another or alone.
    pub fn show_view(
        &mut self,
        team: &str,
        user: &str,
        body: Map<String, Value>,
        below: Option<String>,
    ) -> Value {
        let id = self.id("V");
        let root = below
            .as_ref()
            .and_then(|b| self.view(b))
            .map(|v| v.root.clone());
        let hash = self.hash();
        let view = View {
            root: root.unwrap_or_else(|| id.clone()),
            id,
            team: team.to_owned(),
            user: user.to_owned(),
            body,
            hash,
            previous: below,
            open: true,
            values: Map::new(),
        };
        let shown = shape::view(self, &view);
        self.views.push(view);
        shown
    }

    pub fn change_view(&mut self, id: &str, body: Map<String, Value>) -> Value {
        let hash = self.hash();
        let view = self.view_mut(id).expect("a view");
        view.body = body;
        view.hash = hash;
        let view = view.clone();
        shape::view(self, &view)
    }

    fn hash(&mut self) -> String {
        format!("{}.{:08x}", self.clock.secs(), fastrand::u32(..))
    }

    /// How many views lie on each other up to this one.
    fn depth(&self, id: &str) -> usize {
        let mut depth = 0;
        let mut next = Some(id.to_owned());
        while let Some(id) = next {
            depth += 1;
            next = self.view(&id).and_then(|v| v.previous.clone());
        }
        depth
    }
}
