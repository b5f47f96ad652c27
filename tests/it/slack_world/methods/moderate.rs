//! Channels change: `conversations.invite`, `kick`, `rename`, `setTopic`, `setPurpose`.

use super::Seat;
use super::channels::fault_of_name;
use crate::slack_world::args::{Answer, Fail, fail, object};
use crate::slack_world::model::Channel;
use crate::slack_world::shape;
use serde_json::{Map, Value, json};

impl Seat<'_> {
    pub fn invite(&mut self) -> Answer {
        let channel = self.own_channel("channel")?;
        let users = self.args.list("users");
        if users.is_empty() {
            return fail("no_user");
        }
        if users.len() > 1000 {
            return fail("too_many_users");
        }
        let (mut errors, mut good) = (Vec::new(), Vec::new());
        for user in users {
            match self.uninvitable(&channel, &user) {
                Some(error) => errors.push((user, error)),
                None => good.push(user),
            }
        }
        if !errors.is_empty() && !self.args.flag("force") {
            let first = errors[0].1;
            let told =
                |(user, error): &(String, &str)| json!({"ok": false, "error": error, "user": user});
            let errors: Vec<Value> = errors.iter().map(told).collect();
            return Err(Fail::with(first, json!({"errors": errors})));
        }
        let bot = self.bot.clone();
        for user in good {
            self.state.enter(&channel.id, &user, Some(&bot));
        }
        let channel = self.state.channel(&channel.id).expect("a channel");
        Ok(object(
            json!({"channel": shape::channel(self.state, channel)}),
        ))
    }

    fn uninvitable(&self, channel: &Channel, user: &str) -> Option<&'static str> {
        if user == self.bot {
            return Some("cant_invite_self");
        }
        let Some(known) = self.state.user(user) else {
            return Some("user_not_found");
        };
        if channel.members.contains(user) {
            Some("already_in_channel")
        } else if known.deleted {
            Some("cant_invite")
        } else if known.team != self.team {
            Some("user_team_not_in_channel")
        } else if known.is_ultra_restricted && self.is_in_a_channel(user) {
            Some("ura_max_channels")
        } else {
            None
        }
    }

    /// A single-channel guest has one channel.
    fn is_in_a_channel(&self, user: &str) -> bool {
        let mut channels = self.state.channels.iter();
        channels.any(|c| !c.name.is_empty() && c.members.contains(user))
    }

    pub fn kick(&mut self) -> Answer {
        let channel = self.own_channel("channel")?;
        let user = self.args.need("user")?;
        if user == self.bot {
            return fail("cant_kick_self");
        }
        if channel.general {
            return fail("cant_kick_from_general");
        }
        if self.state.user(user).is_none() {
            return fail("user_not_found");
        }
        if !channel.members.contains(user) {
            return fail("not_in_channel");
        }
        self.state.exit(&channel.id, user);
        Ok(object(json!({"errors": {}})))
    }

    pub fn rename(&mut self) -> Answer {
        let channel = self.own_channel("channel")?;
        let name = self.args.str("name").to_owned();
        if let Some(error) = fault_of_name(&name) {
            return fail(error);
        }
        let other = self.state.channel_named(&self.team, &name);
        if other.is_some_and(|c| c.id != channel.id) {
            return fail("name_taken");
        }
        if channel.creator != self.bot {
            // a bot may rename what it created; the rest is for members with more rights
            return fail("not_authorized");
        }
        let found = self.state.channel_mut(&channel.id).expect("a channel");
        let before = std::mem::replace(&mut found.name, name);
        found.previous_names.push(before);
        let renamed = found.clone();
        let bot = self.bot.clone();
        self.state.channel_event(&renamed, "rename", &bot);
        Ok(object(
            json!({"channel": shape::channel(self.state, &renamed)}),
        ))
    }

    /// The topic or the purpose, 250 characters at most.
    pub fn describe(&mut self, what: &str) -> Answer {
        let channel = self.own_channel("channel")?;
        let text = self.args.str(what).to_owned();
        if text.chars().count() > 250 {
            return fail("too_long");
        }
        let found = self.state.channel_mut(&channel.id).expect("a channel");
        let old = if what == "topic" {
            &mut found.topic
        } else {
            &mut found.purpose
        };
        let changed = *old != text;
        old.clone_from(&text);
        if changed {
            let told = format!("set the channel {what}: {text}");
            let bot = self.bot.clone();
            self.state
                .notice(&channel.id, &bot, &format!("channel_{what}"), &told);
        }
        if what == "topic" {
            let channel = self.state.channel(&channel.id).expect("a channel");
            return Ok(object(
                json!({"channel": shape::channel(self.state, channel)}),
            ));
        }
        Ok(Map::from_iter([(what.to_owned(), json!(text))]))
    }
}
