//! What Slack sends, read from raw JSON: pure, lenient, never surprised.
//!
//! Over one socket or by signed requests come the same payloads (docs.slack.dev, "Events API",
//! "Interaction payloads", "Slash commands"). A field that is missing or of another shape makes a
//! payload [`Reading::Unknown`] or leaves a part empty; nothing here panics. Bots are never heard,
//! and firebell least of all: it mirrors lines between platforms and would hear its own echo.

mod events;
mod interactive;
pub(super) use interactive::{DECLARE, SHORTCUT};
#[cfg(test)]
mod tests;

use super::own::Own;
use super::text;
use crate::chat::heard::{Deed, Heard, User};
use crate::core::time::Time;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a payload is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reading {
    /// Somebody did something.
    Heard(Box<Heard>),
    /// Something firebell only has to know.
    News(News),
    /// Nothing to do, and why.
    Ignored(&'static str),
    /// Of a kind nothing is known of.
    Unknown(String),
}

/// What firebell only has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A channel was archived, deleted, renamed or brought back.
    Channel(String),
    /// The token is good no more, and why.
    TokenGone(&'static str),
}

/// What reading needs to know besides the payload.
pub(super) struct Context<'a> {
    pub platform: &'a str,
    pub own: &'a Own,
    /// Command words that are switched on besides `firebell`.
    pub aliases: &'a [String],
    /// Emoji that put a message on the timeline.
    pub keep: &'a [String],
    /// For payloads that do not tell when.
    pub now: Time,
    /// A name people read, by id.
    pub name: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// The id in the directory, by id.
    pub person: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

/// Reads a payload.
pub(super) fn read(payload: &Value, context: &Context<'_>) -> Reading {
    match text_of(payload, "type") {
        "event_callback" => events::read(payload, context),
        "block_actions" => interactive::press(payload, context),
        "view_submission" => interactive::submit(payload, context),
        "message_action" => interactive::shortcut(payload, context),
        "view_closed" => Reading::Ignored("a form was closed"),
        "shortcut" => Reading::Ignored("a shortcut that is not firebell's"),
        "app_rate_limited" => Reading::Ignored("Slack holds events back for an hour"),
        "" if payload["command"].is_string() => interactive::command(payload, context),
        "" => Reading::Unknown("nothing".to_owned()),
        kind => Reading::Unknown(kind.to_owned()),
    }
}

/// Ids of the workspaces a payload may be for: who authorised it, and whose it says it is.
pub(super) fn teams(payload: &Value) -> Vec<String> {
    let authorised = payload["authorizations"].as_array().into_iter().flatten();
    let authorised = authorised.map(|a| &a["team_id"]);
    let named = [
        &payload["team_id"],
        &payload["team"]["id"],
        &payload["view"]["app_installed_team_id"],
        &payload["user"]["team_id"],
    ];
    authorised
        .chain(named)
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Ids of people whose names a payload leaves out: authors and whoever is mentioned.
pub(super) fn people(payload: &Value) -> Vec<String> {
    let event = &payload["event"];
    let messages = [
        event,
        &event["message"],
        &event["item"]["message"],
        &payload["message"],
    ];
    let mut found = Vec::new();
    for message in messages {
        let author = [&message["user"], &message["edited"]["user"]];
        found.extend(author.into_iter().filter_map(Value::as_str));
        found.extend(text::mentioned(text_of(message, "text")));
    }
    found.extend(event["item_user"].as_str());
    let mut found: Vec<String> = found.into_iter().map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

/// The words of a message as a person reads them, and the names of what hangs on it.
pub(super) fn words(message: &Value, name: &dyn Fn(&str) -> Option<String>) -> String {
    let mut words = text::plain(text_of(message, "text"), name);
    for file in message["files"].as_array().into_iter().flatten() {
        let title = ["name", "title", "id"];
        let title = title.map(|t| text_of(file, t));
        let title = title.into_iter().find(|t| !t.is_empty()).unwrap_or("?");
        if !words.is_empty() {
            words.push('\n');
        }
        words.push_str(&format!("[file: {title}]"));
    }
    words
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// The time of a `ts` such as `1652227646.593159`.
fn time(ts: &str) -> Option<Time> {
    let (secs, rest) = ts.split_once('.').unwrap_or((ts, ""));
    let secs: i64 = secs
        .parse()
        .ok()
        .filter(|s| (0..100_000_000_000).contains(s))?;
    let millis: String = rest.chars().chain("000".chars()).take(3).collect();
    Some(Time(secs * 1000 + millis.parse::<i64>().ok()?))
}

impl Context<'_> {
    /// Whether a message is by a bot, or by nobody a person could be.
    fn by_bot(&self, message: &Value) -> bool {
        let user = text_of(message, "user");
        !message["bot_id"].is_null()
            || text_of(message, "subtype") == "bot_message"
            || user == "USLACKBOT"
            || user == self.own.user
            || user.is_empty()
    }

    fn user(&self, id: &str, name: &str, home: &str) -> User {
        let known = (self.name)(id).filter(|n| !n.is_empty());
        let said = Some(name.to_owned()).filter(|n| !n.is_empty());
        User {
            id: id.to_owned(),
            name: known.or(said).unwrap_or_else(|| id.to_owned()),
            home: home.to_owned(),
        }
    }

    /// Words of a command: people are named as the directory knows them.
    fn command_words(&self, raw: &str) -> String {
        let named = |id: &str| (self.person)(id).or_else(|| (self.name)(id));
        text::plain(raw, &named).trim().to_owned()
    }

    fn heard(&self, key: String, at: Option<Time>, by: User, room: &str, deed: Deed) -> Heard {
        let mut reply_to = BTreeMap::from([("user".to_owned(), by.id.clone())]);
        if !room.is_empty() {
            reply_to.insert("channel".to_owned(), room.to_owned());
        }
        Heard {
            platform: self.platform.to_owned(),
            key,
            // Slack's clock may be a little ahead of ours.
            at: at.map_or(self.now, |at| at.min(self.now)),
            by,
            room: room.to_owned(),
            deed,
            reply_to,
        }
    }
}

impl Reading {
    fn heard(heard: Heard) -> Reading {
        Reading::Heard(Box::new(heard))
    }
}
