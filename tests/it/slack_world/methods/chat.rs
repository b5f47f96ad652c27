//! Messages: `chat.*`.

use super::Seat;
use crate::slack_world::args::{Answer, Fail, fail, object};
use crate::slack_world::blocks::{self, Surface};
use crate::slack_world::model::{Channel, Kind, Message};
use crate::slack_world::shape;
use serde_json::{Map, Value, json};

/// Characters of a message; more is cut by Slack, and here refused, so that nothing is lost unseen.
const TEXT: usize = 40_000;

/// What a message is made of, checked.
pub struct Content {
    pub text: String,
    pub blocks: Vec<Value>,
    pub attachments: Vec<Value>,
    pub metadata: Option<Value>,
}

/// Reads and checks the parts of a message out of a call or of what is posted to a `response_url`.
pub fn content(args: crate::slack_world::args::Args) -> Result<Content, Fail> {
    let list = |name: &str, error: &str| match args.structure(name) {
        Ok(Some(Value::Array(all))) => Ok(all),
        Ok(None) => Ok(Vec::new()),
        _ => Err(Fail::from(error)),
    };
    let blocks = list("blocks", "invalid_blocks_format")?;
    let attachments = list("attachments", "invalid_attachments")?;
    let text = args.str("text").to_owned();
    if text.chars().count() > TEXT {
        return fail("msg_too_long");
    }
    if text.trim().is_empty() && blocks.is_empty() && attachments.is_empty() {
        return fail("no_text");
    }
    let blocks = blocks::check(blocks, Surface::Message)
        .map_err(|messages| Fail::explained("invalid_blocks", &messages))?;
    let metadata = args.structure("metadata");
    let metadata = metadata.map_err(|()| Fail::from("invalid_metadata_format"))?;
    if let Some(metadata) = &metadata {
        check_metadata(metadata)?;
    }
    Ok(Content {
        text,
        blocks,
        attachments,
        metadata,
    })
}

/// `event_type` and a flat `event_payload`, together at most 2 kB of payload (docs.slack.dev, "message
/// metadata"; the size is the documented 2 000 characters of one value and 8 000 of all).
fn check_metadata(metadata: &Value) -> Result<(), Fail> {
    let kind = metadata["event_type"].as_str().unwrap_or("");
    let named = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
    if kind.is_empty() || kind.len() > 255 || !kind.chars().all(named) {
        return fail("invalid_metadata_schema");
    }
    let Some(payload) = metadata["event_payload"].as_object() else {
        return fail("invalid_metadata_schema");
    };
    if payload.values().any(Value::is_null) {
        return fail("invalid_metadata_format");
    }
    if metadata["event_payload"].to_string().len() > 8000 {
        return fail("metadata_too_large");
    }
    Ok(())
}

impl Seat<'_> {
    pub fn post_message(&mut self) -> Answer {
        let channel = self.destination()?;
        let content = content(self.args)?;
        let thread = self.args.str("thread_ts");
        if !thread.is_empty() && self.state.message(&channel.id, thread).is_none() {
            return fail("thread_not_found");
        }
        let mut message = self.message(&channel, content);
        message.thread_ts = Some(thread.to_owned()).filter(|t| !t.is_empty());
        if self.args.flag("reply_broadcast") && message.thread_ts.is_some() {
            message.subtype = Some("thread_broadcast".to_owned());
        }
        let (ts, shown) = (message.ts.clone(), shape::message(self.state, &message));
        self.state.say(message);
        Ok(object(
            json!({"channel": channel.id, "ts": ts, "message": shown}),
        ))
    }

    /// A channel's id or name, or a user, whose conversation with the app opens.
    fn destination(&mut self) -> Result<Channel, Fail> {
        let named = self.args.need("channel")?.to_owned();
        let id = if self.state.user(&named).is_some_and(|u| !u.deleted) {
            self.state.direct(&self.team, &named)
        } else {
            let by_name = self
                .state
                .channel_named(&self.team, named.trim_start_matches('#'));
            by_name.map_or(named, |c| c.id.clone())
        };
        let found = self.state.channel(&id).filter(|c| c.team == self.team);
        let channel = found.cloned().ok_or(Fail::from("channel_not_found"))?;
        let member = channel.members.contains(&self.bot);
        if !member && channel.kind != Kind::Public {
            return fail("channel_not_found");
        }
        if channel.archived {
            return fail("is_archived");
        }
        let anywhere = self.state.tokens.scopes.contains("chat:write.public");
        if !member && !anywhere {
            return fail("not_in_channel");
        }
        Ok(channel)
    }

    fn message(&mut self, channel: &Channel, content: Content) -> Message {
        let known = [
            "channel",
            "text",
            "blocks",
            "attachments",
            "metadata",
            "thread_ts",
            "ts",
        ];
        let args: Map<String, Value> = (self.args.0.iter())
            .filter(|(name, _)| !known.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Message {
            channel: channel.id.clone(),
            ts: self.state.clock.ts(),
            user: self.bot.clone(),
            bot_id: Some(self.state.team(&self.team).bot_id.clone()),
            text: content.text,
            blocks: content.blocks,
            attachments: content.attachments,
            metadata: content.metadata,
            args,
            ..Message::default()
        }
    }

    pub fn post_ephemeral(&mut self) -> Answer {
        let channel = self.own_channel("channel")?;
        let user = self.args.need("user")?.to_owned();
        if !channel.members.contains(&user) {
            return fail("user_not_in_channel");
        }
        let content = content(self.args)?;
        let mut message = self.message(&channel, content);
        message.ephemeral_to = Some(user);
        let ts = message.ts.clone();
        self.state.messages.push(message);
        Ok(object(json!({"message_ts": ts})))
    }

    /// The bot's own message that a call is about.
    fn own_message(&self, channel: &str, ts: &str, error: &str) -> Result<Message, Fail> {
        let found = self.state.message(channel, ts);
        let message = found.filter(|m| m.ephemeral_to.is_none());
        let message = message.cloned().ok_or(Fail::from("message_not_found"))?;
        if message.user != self.bot {
            return fail(error);
        }
        Ok(message)
    }

    pub fn update_message(&mut self) -> Answer {
        let channel = self.channel("channel")?;
        let ts = self.args.need("ts")?.to_owned();
        if channel.archived {
            return fail("is_archived");
        }
        let before = self.own_message(&channel.id, &ts, "cant_update_message")?;
        let given = |name: &str| self.args.0.contains_key(name);
        // what is not given stays; an empty list takes away
        let mut all = self.args.0.clone();
        if !given("text") && !given("blocks") && !given("attachments") {
            return fail("no_text");
        }
        let kept = [
            ("text", json!(before.text)),
            ("blocks", json!(before.blocks)),
            ("attachments", json!(before.attachments)),
        ];
        for (name, value) in kept {
            all.entry(name).or_insert(value);
        }
        let content = content(crate::slack_world::args::Args(&all))?;
        let now = self.state.clock.ts();
        let (bot, metadata) = (self.bot.clone(), given("metadata"));
        self.state.rewrite(&channel.id, &ts, &bot, &now, |m| {
            m.text.clone_from(&content.text);
            m.blocks.clone_from(&content.blocks);
            m.attachments.clone_from(&content.attachments);
            if metadata {
                m.metadata.clone_from(&content.metadata);
            }
        });
        let after = self
            .state
            .message(&channel.id, &ts)
            .expect("it was there")
            .clone();
        let shown = shape::message(self.state, &after);
        let text = after.text;
        Ok(object(
            json!({"channel": channel.id, "ts": ts, "text": text, "message": shown}),
        ))
    }

    pub fn delete_message(&mut self) -> Answer {
        let channel = self.channel("channel")?;
        let ts = self.args.need("ts")?.to_owned();
        self.own_message(&channel.id, &ts, "cant_delete_message")?;
        self.state.unsay(&channel.id, &ts);
        Ok(object(json!({"channel": channel.id, "ts": ts})))
    }

    /// Where a message is seen in the client.
    pub fn link(&self, channel: &str, ts: &str) -> String {
        let domain = &self.state.team(&self.team).domain;
        let digits = ts.replace('.', "");
        format!("https://{domain}.slack.com/archives/{channel}/p{digits}")
    }

    pub fn permalink(&mut self) -> Answer {
        let channel = self.channel("channel")?;
        let ts = self.args.need("message_ts")?;
        if self.state.message(&channel.id, ts).is_none() {
            return fail("message_not_found");
        }
        let permalink = self.link(&channel.id, ts);
        Ok(object(
            json!({"channel": channel.id, "permalink": permalink}),
        ))
    }
}
