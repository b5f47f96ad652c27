//! What happens in a workspace, and the events it makes.

use super::model::{Channel, Kind, Message};
use super::shape;
use super::state::State;
use serde_json::{Value, json};

impl State {
    /// A message appears.
    pub fn say(&mut self, message: Message) {
        let mut event = shape::message(self, &message);
        event["channel"] = json!(message.channel);
        event["event_ts"] = json!(message.ts);
        event["channel_type"] = json!(self.channel_type(&message.channel));
        if message.metadata.is_some() {
            event["metadata"] = json!(message.metadata);
        }
        let team = self.team_of(&message.channel);
        let bot = format!("<@{}>", self.team(&team).bot_user);
        let mentioned = message.bot_id.is_none() && message.text.contains(&bot);
        self.message_event(&message.channel, event.clone());
        if mentioned {
            event["type"] = json!("app_mention");
            if let Some(fields) = event.as_object_mut() {
                fields.remove("channel_type");
            }
            self.emit(&team, "app_mention", event);
        }
        self.messages.push(message);
    }

    /// A message gets other words.
    pub fn rewrite(
        &mut self,
        channel: &str,
        ts: &str,
        by: &str,
        now: &str,
        change: impl FnOnce(&mut Message),
    ) {
        let Some(before) = self.message(channel, ts).cloned() else {
            return;
        };
        let message = self.message_mut(channel, ts).expect("it is there");
        message.earlier.push(before.text.clone());
        message.edited = Some((by.to_owned(), now.to_owned()));
        change(message);
        let after = message.clone();
        let event = json!({
            "type": "message",
            "subtype": "message_changed",
            "message": shape::message(self, &after),
            "previous_message": shape::message(self, &before),
            "channel": channel,
            "hidden": true,
            "ts": now,
            "event_ts": now,
            "channel_type": self.channel_type(channel),
        });
        self.message_event(channel, event);
    }

    /// A message is gone.
    pub fn unsay(&mut self, channel: &str, ts: &str) {
        let Some(before) = self.message(channel, ts).cloned() else {
            return;
        };
        self.message_mut(channel, ts).expect("it is there").deleted = true;
        let now = self.clock.ts();
        let event = json!({
            "type": "message",
            "subtype": "message_deleted",
            "previous_message": shape::message(self, &before),
            "channel": channel,
            "hidden": true,
            "deleted_ts": ts,
            "event_ts": now,
            "ts": now,
            "channel_type": self.channel_type(channel),
        });
        self.message_event(channel, event);
        if let Some(channel) = self.channel_mut(channel) {
            channel.pins.retain(|pin| pin != ts);
        }
    }

    /// Somebody comes in; the message Slack writes about it too.
    pub fn enter(&mut self, channel: &str, user: &str, inviter: Option<&str>) {
        let team = self.team_of(channel);
        let channel_mut = self.channel_mut(channel).expect("a channel");
        if !channel_mut.members.insert(user.to_owned()) {
            return;
        }
        let letter = channel[..1].to_owned();
        let mut event = json!({
            "type": "member_joined_channel",
            "user": user,
            "channel": channel,
            "channel_type": letter,
            "team": team,
            "event_ts": self.clock.ts(),
        });
        if let Some(inviter) = inviter {
            event["inviter"] = json!(inviter);
        }
        self.emit(&team, "member_joined_channel", event);
        self.notice(channel, user, "channel_join", "has joined the channel");
    }

    pub fn exit(&mut self, channel: &str, user: &str) {
        let team = self.team_of(channel);
        let channel_mut = self.channel_mut(channel).expect("a channel");
        if !channel_mut.members.remove(user) {
            return;
        }
        let event = json!({
            "type": "member_left_channel",
            "user": user,
            "channel": channel,
            "channel_type": channel[..1],
            "team": team,
            "event_ts": self.clock.ts(),
        });
        self.emit(&team, "member_left_channel", event);
        self.notice(channel, user, "channel_leave", "has left the channel");
    }

    /// What Slack itself writes into a channel.
    pub fn notice(&mut self, channel: &str, user: &str, subtype: &str, text: &str) {
        let message = Message {
            channel: channel.to_owned(),
            ts: self.clock.ts(),
            user: user.to_owned(),
            text: format!("<@{user}> {text}"),
            subtype: Some(subtype.to_owned()),
            ..Message::default()
        };
        self.say(message);
    }

    /// `pin_added` or `pin_removed`.
    pub fn pin_event(&mut self, kind: &str, channel: &str, ts: &str, user: &str) {
        let team = self.team_of(channel);
        let Some(message) = self.message(channel, ts).cloned() else {
            return;
        };
        let now = self.clock.ts();
        let event = json!({
            "type": kind,
            "user": user,
            "channel_id": channel,
            "item": {
                "type": "message",
                "channel": channel,
                "message": shape::message(self, &message),
                "created": self.clock.secs(),
                "created_by": user,
            },
            "item_user": message.user,
            "pin_count": self.channel(channel).map_or(0, |c| c.pins.len()),
            "pinned_info": {"channel": channel, "pinned_by": user, "pinned_ts": self.clock.secs()},
            "event_ts": now,
        });
        self.emit(&team, kind, event);
    }

    pub fn reaction_event(&mut self, kind: &str, channel: &str, ts: &str, user: &str, name: &str) {
        let team = self.team_of(channel);
        let author = self
            .message(channel, ts)
            .map_or_else(String::new, |m| m.user.clone());
        let event = json!({
            "type": kind,
            "user": user,
            "item": {"type": "message", "channel": channel, "ts": ts},
            "reaction": name,
            "item_user": author,
            "event_ts": self.clock.ts(),
        });
        self.emit(&team, kind, event);
    }

    /// `channel_archive`, `channel_unarchive` or `channel_rename`, as its kind of channel calls it.
    pub fn channel_event(&mut self, channel: &Channel, what: &str, user: &str) {
        let family = if channel.kind == Kind::Private {
            "group"
        } else {
            "channel"
        };
        let kind = format!("{family}_{what}");
        let about = if what == "rename" {
            json!({"id": channel.id, "name": channel.name, "created": channel.created})
        } else {
            json!(channel.id)
        };
        let mut event = json!({"type": kind, "channel": about, "event_ts": self.clock.ts()});
        if what != "rename" {
            event["user"] = json!(user);
        }
        self.emit(&channel.team, &kind, event);
    }

    pub fn team_of(&self, channel: &str) -> String {
        self.channel(channel).expect("a channel").team.clone()
    }

    pub fn channel_type(&self, channel: &str) -> &'static str {
        match self.channel(channel).map(|c| c.kind) {
            Some(Kind::Private) => "group",
            Some(Kind::Direct) => "im",
            Some(Kind::Group) => "mpim",
            _ => "channel",
        }
    }

    /// A message event reaches the app only where its bot is.
    fn message_event(&mut self, channel: &str, event: Value) {
        let team = self.team_of(channel);
        let bot = &self.team(&team).bot_user;
        let there = self
            .channel(channel)
            .is_some_and(|c| c.members.contains(bot));
        if there {
            let name = format!("message.{}s", self.channel_type(channel)).replace("ims", "im");
            self.emit(&team, &name, event);
        }
    }

    /// Puts an event in line for the app, in the wrapper of the Events API.
    pub fn emit(&mut self, team: &str, name: &str, event: Value) {
        if !self.subscribed.contains(name) {
            return;
        }
        let id = self.id("Ev");
        let (bot, secs) = (self.team(team).bot_user.clone(), self.clock.secs());
        let mut wrapped = json!({
            "token": "verification-token",
            "team_id": team,
            "api_app_id": self.app_id,
            "type": "event_callback",
            "event_id": id,
            "event_time": secs,
            "authorizations": [{
                "enterprise_id": null,
                "team_id": team,
                "user_id": bot,
                "is_bot": true,
                "is_enterprise_install": false,
            }],
            "is_ext_shared_channel": false,
        });
        wrapped["event"] = event;
        if let Some(channel) = wrapped["event"]["channel"].as_str().map(str::to_owned) {
            let shared = self.channel(&channel).is_some_and(|c| c.ext_shared);
            wrapped["is_ext_shared_channel"] = json!(shared);
            wrapped["event_context"] = json!(format!("1-{name}-{team}-{channel}"));
        }
        self.events.push(wrapped);
    }
}
