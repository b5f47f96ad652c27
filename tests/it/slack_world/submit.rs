//! Filling in a modal and sending it, or closing it.

use super::blocks::views::check_view;
use super::menus::{self, Names};
use super::model::View;
use super::outbound::INTERACTIVE;
use super::people::{Person, Reply};
use super::person::blank;
use super::shape;
use super::state::State;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a person sees after sending a modal.
#[derive(Clone, Debug)]
pub struct Submitted {
    pub reply: Reply,
    /// What is wrong, by block; the modal stays open.
    pub errors: BTreeMap<String, String>,
    /// The modal they look at now.
    pub view: Option<View>,
}

impl Person {
    /// Enters values, named by label, `block_id` or `action_id`, and sends the modal.
    ///
    /// Fails where Slack's client would not send it: a needed field is empty, a text too long.
    pub async fn submits(&self, view: &View, entered: &[(&str, &str)]) -> Submitted {
        let (payload, reply) = self.world.core.change(|state| {
            let now = state.view(&view.id).cloned().expect("a view");
            assert!(
                now.open && now.user == self.user.id,
                "nobody looks at this modal"
            );
            let names = Names::of(state, &self.user.team);
            let values = filled(&now, entered, &names);
            state.view_mut(&view.id).expect("a view").values = values;
            let team = &self.user.team;
            let trigger = state.trigger(team, &self.user.id, Some(view.id.clone()));
            let payload = self.about_view(state, "view_submission", &view.id, &trigger);
            (payload, blank(&trigger, ""))
        });
        let reply = self.sends(INTERACTIVE, payload, reply).await;
        self.sees_after(view, reply)
    }

    fn about_view(&self, state: &State, kind: &str, view: &str, trigger: &str) -> Value {
        let view = state.view(view).expect("a view");
        json!({
            "type": kind,
            "team": shape::team(state, &self.user.team),
            "user": shape::actor(&self.user),
            "api_app_id": state.app_id,
            "token": "verification-token",
            "trigger_id": trigger,
            "view": shape::view(state, view),
            "response_urls": [],
            "is_enterprise_install": false,
            "enterprise": null,
        })
    }

    /// Follows `response_action`.
    fn sees_after(&self, view: &View, reply: Reply) -> Submitted {
        let body = reply.outcome.body.clone().unwrap_or_default();
        let mut errors = BTreeMap::new();
        if reply.outcome.acked {
            self.world
                .core
                .change(|state| match body["response_action"].as_str() {
                    None => state.close_view(&view.id),
                    Some("clear") => state.close_all(&self.user.id),
                    Some("errors") => {
                        errors = told(state, &view.id, &body["errors"]);
                    }
                    Some(action @ ("update" | "push")) => {
                        let pushed = action == "push";
                        state.answered_view(&view.id, body["view"].clone(), pushed);
                    }
                    Some(other) => state.violation(format!("there is no response_action {other}")),
                });
        }
        Submitted {
            reply,
            errors,
            view: self.looks_at(),
        }
    }

    /// Closes the modal without sending it.
    pub async fn closes(&self, view: &View) -> Option<Reply> {
        let told = view.body.get("notify_on_close") == Some(&Value::Bool(true));
        let payload = self.world.core.change(|state| {
            let mut payload = self.about_view(state, "view_closed", &view.id, "");
            payload["is_cleared"] = json!(false);
            if let Some(fields) = payload.as_object_mut() {
                fields.remove("trigger_id");
                fields.remove("response_urls");
            }
            state.close_view(&view.id);
            payload
        });
        if !told {
            return None;
        }
        Some(self.sends(INTERACTIVE, payload, blank("", "")).await)
    }
}

/// The errors of an answer; each belongs to an input of the view.
fn told(state: &mut State, view: &str, errors: &Value) -> BTreeMap<String, String> {
    let blocks = state.view(view).map(|v| v.blocks().to_vec());
    let blocks = blocks.unwrap_or_default();
    let mut all = BTreeMap::new();
    for (block, text) in errors.as_object().into_iter().flatten() {
        let input = blocks
            .iter()
            .any(|b| b["block_id"] == block.as_str() && b["type"] == "input");
        if !input {
            state.violation(format!(
                "an error for `{block}`, which is no input of the view"
            ));
        }
        all.insert(block.clone(), text.as_str().unwrap_or("").to_owned());
    }
    if all.is_empty() {
        state.violation("response_action errors without an error");
    }
    all
}

/// `state.values` after a person filled it in.
fn filled(view: &View, entered: &[(&str, &str)], names: &Names) -> Map<String, Value> {
    let mut values = view.values.clone();
    let mut used = 0;
    for (block, element) in menus::elements(view.blocks()) {
        if element["type"] == "button" {
            continue;
        }
        let (block_id, action_id) = (&block["block_id"], &element["action_id"]);
        let named = |(name, _): &&(&str, &str)| {
            block["label"]["text"] == *name || block_id == name || action_id == name
        };
        let id = (
            block_id.as_str().unwrap_or(""),
            action_id.as_str().unwrap_or(""),
        );
        let before = values
            .get(id.0)
            .map(|v| v[id.1].clone())
            .filter(|v| !v.is_null());
        let held = match entered.iter().find(named) {
            Some((_, text)) => {
                used += 1;
                allowed(block, element, text);
                menus::value(element, text, names)
            }
            None => before.unwrap_or_else(|| menus::initial(element)),
        };
        let optional = block["type"] != "input" || block["optional"] == true;
        let empty = held.as_object().is_none_or(|h| {
            let mut rest = h.iter().filter(|(name, _)| *name != "type");
            rest.all(|(_, v)| v.is_null() || v == "" || v == &json!([]))
        });
        assert!(
            optional || !empty,
            "`{}` has to be filled in",
            block["label"]["text"]
        );
        values.entry(id.0).or_insert_with(|| json!({}))[id.1] = held;
    }
    assert_eq!(
        used,
        entered.len(),
        "not every field of {entered:?} is in the modal"
    );
    values
}

/// What Slack's client lets a person type.
fn allowed(block: &Value, element: &Value, text: &str) {
    let (label, length) = (&block["label"]["text"], text.chars().count() as u64);
    let bound = |name: &str| element[name].as_u64();
    assert!(
        bound("max_length").is_none_or(|most| length <= most),
        "{label}: {length} is too long"
    );
    assert!(
        bound("min_length").is_none_or(|least| length >= least),
        "{label}: {length} is too short"
    );
    let several = element["multiline"] == true || element["type"] != "plain_text_input";
    assert!(several || !text.contains('\n'), "{label} has one line");
}

impl State {
    pub fn close_view(&mut self, id: &str) {
        if let Some(view) = self.view_mut(id) {
            view.open = false;
        }
    }

    pub fn close_all(&mut self, user: &str) {
        let own = self
            .views
            .iter_mut()
            .filter(|v| v.user == user && !v.is_home());
        own.for_each(|view| view.open = false);
    }

    /// A view that came as the answer to a submission.
    fn answered_view(&mut self, id: &str, body: Value, pushed: bool) {
        let body = match check_view(body, false) {
            Ok(body) => body,
            Err(faults) => {
                return self.violation(format!("the view of an answer is refused: {faults:?}"));
            }
        };
        let view = self.view(id).cloned().expect("a view");
        if pushed {
            self.show_view(&view.team, &view.user, body, Some(id.to_owned()));
        } else {
            self.change_view(id, body);
        }
    }
}
