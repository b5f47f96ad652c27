//! Who is there: `auth.test`, `apps.connections.open`, `users.*`, `bots.info`, `usergroups.list`.

use super::Seat;
use super::reading::page;
use crate::slack_world::args::{Answer, Fail, fail, object};
use crate::slack_world::shape;
use serde_json::{Map, Value, json};

impl Seat<'_> {
    pub fn auth_test(&mut self) -> Map<String, Value> {
        let team = self.state.team(&self.team);
        object(json!({
            "url": format!("https://{}.slack.com/", team.domain),
            "team": team.domain,
            "user": "firebell",
            "team_id": team.id,
            "user_id": team.bot_user,
            "bot_id": team.bot_id,
            "is_enterprise_install": false,
        }))
    }

    /// A ticket for one socket.
    pub fn connections_open(&mut self) -> Map<String, Value> {
        let ticket = self.state.sockets.ticket();
        let (host, app) = (&self.state.host, &self.state.app_id);
        let url = format!("ws://{host}/link/?ticket={ticket}&app_id={app}");
        object(json!({"url": url}))
    }

    pub fn users(&mut self) -> Answer {
        let members = self.state.users.iter().filter(|u| u.team == self.team);
        let members = members.map(|u| shape::user(self.state, u)).collect();
        let mut answer = page(self.args, "members", members, 1000, 1000)?;
        answer.insert("cache_ts".to_owned(), json!(self.state.clock.secs()));
        Ok(answer)
    }

    pub fn user(&mut self) -> Answer {
        let found = self.state.user(self.args.need("user")?);
        let user = found.ok_or(Fail::from("user_not_found"))?;
        if user.team != self.team && !user.is_stranger {
            return fail("user_not_visible");
        }
        Ok(object(json!({"user": shape::user(self.state, user)})))
    }

    pub fn lookup(&mut self) -> Answer {
        let email = self.args.need("email")?;
        let mut users = self.state.users.iter();
        let found = users.find(|u| u.team == self.team && u.email.eq_ignore_ascii_case(email));
        let user = found.filter(|u| !u.deleted && !u.is_bot);
        let user = user.ok_or(Fail::from("users_not_found"))?;
        Ok(object(json!({"user": shape::user(self.state, user)})))
    }

    /// A bot, and the app it belongs to.
    pub fn bot_info(&mut self) -> Answer {
        let bot = self.args.need("bot")?;
        let team = self.state.team(&self.team);
        if team.bot_id != bot {
            return fail("bot_not_found");
        }
        Ok(object(json!({"bot": {
            "id": bot, "app_id": self.state.app_id, "user_id": team.bot_user, "name": "firebell",
            "deleted": false, "updated": self.state.clock.secs(),
            "icons": {"image_36": "", "image_48": "", "image_72": ""},
        }})))
    }

    pub fn usergroups(&mut self) -> Map<String, Value> {
        let groups = self.state.usergroups.iter().filter(|g| g.team == self.team);
        let shown = groups.map(|group| {
            let mut shown = json!({
                "id": group.id, "team_id": group.team, "is_usergroup": true, "name": group.name,
                "handle": group.handle, "description": "", "is_external": false,
                "date_create": 0, "date_update": 0, "date_delete": 0, "auto_type": null,
                "created_by": self.bot, "updated_by": self.bot, "deleted_by": null,
                "prefs": {"channels": [], "groups": []},
            });
            if self.args.flag("include_users") {
                shown["users"] = json!(group.users);
            }
            if self.args.flag("include_count") {
                shown["user_count"] = json!(group.users.len());
            }
            shown
        });
        let shown: Vec<Value> = shown.collect();
        object(json!({"usergroups": shown}))
    }
}
