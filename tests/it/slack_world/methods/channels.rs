//! Channels come and go: `conversations.create`, `open`, `close`, `join`, `leave`, `archive`.

use super::Seat;
use crate::slack_world::args::{Answer, Fail, fail, object};
use crate::slack_world::model::Kind;
use crate::slack_world::shape;
use serde_json::{Map, json};
use std::collections::BTreeSet;

/// What is wrong with a channel's name, in Slack's code for it.
pub fn fault_of_name(name: &str) -> Option<&'static str> {
    let punctuation = |c: char| c == '-' || c == '_';
    // letters of every script are allowed, but no capitals
    let allowed = |c: char| punctuation(c) || (c.is_alphanumeric() && !c.is_uppercase());
    if name.is_empty() {
        Some("invalid_name_required")
    } else if name.chars().count() > 80 {
        Some("invalid_name_maxlength")
    } else if name.chars().all(punctuation) {
        Some("invalid_name_punctuation")
    } else if !name.chars().all(allowed) {
        Some("invalid_name_specials")
    } else {
        None
    }
}

impl Seat<'_> {
    fn shown(&self, id: &str) -> serde_json::Value {
        let channel = self.state.channel(id).expect("a channel");
        shape::channel(self.state, channel)
    }

    pub fn create(&mut self) -> Answer {
        let name = self.args.str("name").to_owned();
        if let Some(error) = fault_of_name(&name) {
            return fail(error);
        }
        if self.state.channel_named(&self.team, &name).is_some() {
            return fail("name_taken");
        }
        let kind = if self.args.flag("is_private") {
            Kind::Private
        } else {
            Kind::Public
        };
        let members = BTreeSet::from([self.bot.clone()]);
        let id = self.state.open(&self.team, &name, kind, &self.bot, members);
        Ok(object(json!({"channel": self.shown(&id)})))
    }

    /// The conversation with one user; several make a group conversation.
    pub fn open(&mut self) -> Answer {
        let users = self.args.list("users");
        let id = match users.as_slice() {
            [] => self.channel("channel")?.id,
            [user] => {
                let known = self.state.user(user);
                let known = known.ok_or(Fail::from("user_not_found"))?;
                if known.deleted {
                    return fail("user_disabled");
                }
                if known.id == self.bot || known.is_bot {
                    return fail("cannot_dm_bot");
                }
                self.state.direct(&self.team, user)
            }
            users if users.len() > 8 => return fail("too_many_users"),
            users => {
                if users.iter().any(|u| self.state.user(u).is_none()) {
                    return fail("user_not_found");
                }
                let mut members: BTreeSet<String> = users.iter().cloned().collect();
                members.insert(self.bot.clone());
                let same = self
                    .state
                    .channels
                    .iter()
                    .find(|c| c.kind == Kind::Group && c.members == members);
                let same = same.map(|c| c.id.clone());
                let name = format!("mpdm-{}", users.join("--").to_lowercase());
                let bot = self.bot.clone();
                same.unwrap_or_else(|| {
                    self.state
                        .open(&self.team, &name, Kind::Group, &bot, members)
                })
            }
        };
        let channel = if self.args.flag("return_im") {
            self.shown(&id)
        } else {
            json!({"id": id})
        };
        Ok(object(json!({"channel": channel})))
    }

    pub fn close(&mut self) -> Answer {
        let channel = self.channel("channel")?;
        if matches!(channel.kind, Kind::Direct | Kind::Group) {
            return Ok(Map::new());
        }
        fail("method_not_supported_for_channel_type")
    }

    pub fn join(&mut self) -> Answer {
        let channel = self.channel("channel")?;
        if channel.kind != Kind::Public {
            return fail("method_not_supported_for_channel_type");
        }
        if channel.archived {
            return fail("is_archived");
        }
        let already = channel.members.contains(&self.bot);
        let bot = self.bot.clone();
        self.state.enter(&channel.id, &bot, None);
        let mut answer = object(json!({"channel": self.shown(&channel.id)}));
        if already {
            answer.insert("warning".to_owned(), json!("already_in_channel"));
            let metadata = json!({"warnings": ["already_in_channel"]});
            answer.insert("response_metadata".to_owned(), metadata);
        }
        Ok(answer)
    }

    pub fn leave(&mut self) -> Answer {
        let channel = self.channel("channel")?;
        if channel.general {
            return fail("cant_leave_general");
        }
        if channel.archived {
            return fail("is_archived");
        }
        if !channel.members.contains(&self.bot) {
            return Ok(object(json!({"not_in_channel": true})));
        }
        let bot = self.bot.clone();
        self.state.exit(&channel.id, &bot);
        Ok(Map::new())
    }

    /// Bots are put out of an archived channel, so they cannot bring it back.
    pub fn archive(&mut self) -> Answer {
        let channel = self.channel("channel")?;
        if channel.archived {
            return fail("already_archived");
        }
        if channel.general {
            return fail("cant_archive_general");
        }
        if matches!(channel.kind, Kind::Direct | Kind::Group) {
            return fail("method_not_supported_for_channel_type");
        }
        if !channel.members.contains(&self.bot) {
            return fail("not_in_channel");
        }
        let bot = self.bot.clone();
        self.state.archive(&channel.id, &bot, true);
        Ok(Map::new())
    }

    pub fn unarchive(&mut self) -> Answer {
        let id = self.args.need("channel")?;
        let found = self.state.channel(id).filter(|c| c.team == self.team);
        let channel = found.cloned().ok_or(Fail::from("channel_not_found"))?;
        if !channel.archived {
            return fail("not_archived");
        }
        if !self.state.tune.bots_may_unarchive {
            return fail("not_in_channel");
        }
        let bot = self.bot.clone();
        self.state.archive(&channel.id, &bot, false);
        self.state.enter(&channel.id, &bot, None);
        Ok(Map::new())
    }
}

impl crate::slack_world::state::State {
    /// Archives a channel or brings it back.
    pub fn archive(&mut self, id: &str, by: &str, archived: bool) {
        let bot = self.team(&self.team_of(id)).bot_user.clone();
        let channel = self.channel_mut(id).expect("a channel");
        channel.archived = archived;
        let channel = channel.clone();
        let what = if archived { "archive" } else { "unarchive" };
        self.channel_event(&channel, what, by);
        if archived {
            let channel = self.channel_mut(id).expect("a channel");
            channel.members.remove(&bot);
        }
    }
}
