//! What can be read of channels: `conversations.list`, `info`, `members`, `history`, `replies`.

use super::Seat;
use crate::slack_world::args::{Answer, Args, Fail, fail, object};
use crate::slack_world::clock::number;
use crate::slack_world::model::{Channel, Kind, Message};
use crate::slack_world::shape;
use base64::Engine;
use serde_json::{Map, Value, json};

/// One page of a list, and the cursor of the next in `response_metadata`.
pub fn page(args: Args, name: &str, all: Vec<Value>, usual: u64, most: u64) -> Answer {
    let limit = args.number("limit").unwrap_or(usual).clamp(1, most) as usize;
    let from = match args.str("cursor") {
        "" => 0,
        cursor => offset(cursor).ok_or(Fail::from("invalid_cursor"))?,
    };
    let next = if from + limit < all.len() {
        base64::prelude::BASE64_STANDARD.encode(format!("next:{}", from + limit))
    } else {
        String::new()
    };
    let some: Vec<Value> = all.into_iter().skip(from).take(limit).collect();
    Ok(Map::from_iter([
        (name.to_owned(), Value::Array(some)),
        ("response_metadata".to_owned(), json!({"next_cursor": next})),
    ]))
}

fn offset(cursor: &str) -> Option<usize> {
    let text = base64::prelude::BASE64_STANDARD.decode(cursor).ok()?;
    let text = String::from_utf8(text).ok()?;
    text.strip_prefix("next:")?.parse().ok()
}

impl Seat<'_> {
    pub fn list(&mut self, method: &str) -> Answer {
        let mut types = self.args.list("types");
        if types.is_empty() {
            types.push("public_channel".to_owned());
        }
        let own = method == "users.conversations";
        let user = match self.args.str("user") {
            "" => self.bot.clone(),
            user => user.to_owned(),
        };
        let shown = |c: &&Channel| {
            let kind = match c.kind {
                Kind::Public => "public_channel",
                Kind::Private => "private_channel",
                Kind::Direct => "im",
                Kind::Group => "mpim",
            };
            c.team == self.team
                && types.iter().any(|t| t == kind)
                && (c.kind == Kind::Public || c.members.contains(&self.bot))
                && (!own || c.members.contains(&user))
                && !(c.archived && self.args.flag("exclude_archived"))
        };
        let channels = self.state.channels.iter().filter(shown);
        let channels = channels.map(|c| shape::channel(self.state, c)).collect();
        page(self.args, "channels", channels, 100, 1000)
    }

    pub fn info(&mut self) -> Answer {
        let channel = self.channel("channel")?;
        Ok(object(
            json!({"channel": shape::channel(self.state, &channel)}),
        ))
    }

    pub fn members(&mut self) -> Answer {
        let channel = self.channel("channel")?;
        let members = channel.members.iter().map(|m| json!(m)).collect();
        page(self.args, "members", members, 100, 1000)
    }

    /// The latest first; answers in threads are not part of it.
    pub fn history(&mut self) -> Answer {
        let channel = self.readable()?;
        let broadcast = |m: &Message| m.subtype.as_deref() == Some("thread_broadcast");
        let mut found: Vec<&Message> = (self.state.messages.iter())
            .filter(|m| m.channel == channel.id && self.within(m))
            .filter(|m| {
                m.thread_ts.is_none() || m.thread_ts.as_ref() == Some(&m.ts) || broadcast(m)
            })
            .collect();
        found.sort_by_key(|m| std::cmp::Reverse(number(&m.ts)));
        let shown = found.into_iter().map(|m| self.recalled(m)).collect();
        self.pages(&channel, shown)
    }

    /// The thread's first message, then its answers in order.
    pub fn replies(&mut self) -> Answer {
        let channel = self.readable()?;
        let ts = self.args.need("ts")?;
        let Some(parent) = self.state.message(&channel.id, ts) else {
            return fail("thread_not_found");
        };
        let root = parent.thread_ts.clone().unwrap_or_else(|| ts.to_owned());
        let mut found: Vec<&Message> = (self.state.messages.iter())
            .filter(|m| m.channel == channel.id && !m.deleted && m.ephemeral_to.is_none())
            .filter(|m| m.ts == root || (m.thread_ts.as_ref() == Some(&root) && self.within(m)))
            .collect();
        found.sort_by_key(|m| number(&m.ts));
        let shown = found.into_iter().map(|m| self.recalled(m)).collect();
        self.pages(&channel, shown)
    }

    fn readable(&self) -> Result<Channel, Fail> {
        let channel = self.channel("channel")?;
        if !channel.members.contains(&self.bot) {
            return fail("not_in_channel");
        }
        Ok(channel)
    }

    fn within(&self, m: &Message) -> bool {
        if m.deleted || m.ephemeral_to.is_some() {
            return false;
        }
        let ts = number(&m.ts);
        let bound = |name: &str| {
            Some(self.args.str(name))
                .filter(|t| !t.is_empty())
                .map(number)
        };
        let inclusive = self.args.flag("inclusive");
        let after = bound("oldest").is_none_or(|o| ts > o || (inclusive && ts == o));
        let before = bound("latest").is_none_or(|l| ts < l || (inclusive && ts == l));
        after && before
    }

    fn recalled(&self, m: &Message) -> Value {
        let mut shown = shape::message(self.state, m);
        if self.args.flag("include_all_metadata") && m.metadata.is_some() {
            shown["metadata"] = json!(m.metadata);
        }
        let answers = self.state.messages.iter().filter(|a| {
            a.channel == m.channel
                && a.thread_ts.as_ref() == Some(&m.ts)
                && a.ts != m.ts
                && !a.deleted
        });
        let (count, last) = answers.fold((0, None), |(n, _), a| (n + 1, Some(&a.ts)));
        if count > 0 {
            shown["thread_ts"] = json!(m.ts);
            shown["reply_count"] = json!(count);
            shown["latest_reply"] = json!(last);
        }
        shown
    }

    fn pages(&self, channel: &Channel, shown: Vec<Value>) -> Answer {
        let mut answer = page(self.args, "messages", shown, 100, 999)?;
        let more = answer["response_metadata"]["next_cursor"] != "";
        if !more {
            answer.remove("response_metadata");
        }
        answer.insert("has_more".to_owned(), json!(more));
        answer.insert("pin_count".to_owned(), json!(channel.pins.len()));
        Ok(answer)
    }
}
