//! What Discord tells, read into the port's [`Heard`]: pure, lenient, never failing.
//!
//! Payloads are read key by key from JSON, because typed models drop an event when a new field
//! surprises them. What is not for firebell is [`Reading::Ignored`] with the reason; a shape nobody
//! expected is [`Reading::Unknown`] with its kind, is counted, and harms nothing.

use super::text::plain;
use crate::chat::heard::{Deed, Heard, HeardFile, User};
use crate::core::time::Time;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The first millisecond of Discord's ids, since 1970.
const EPOCH_MS: i64 = 1_420_070_400_000;
/// Kinds of messages people write: a message, an answer to one.
const WRITTEN: [u64; 2] = [0, 19];
/// The kind of message that answers another one.
const ANSWER: u64 = 19;
/// The kind of message Discord posts when somebody pins one.
const PINNED: u64 = 6;

/// What came of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Somebody did something.
    Heard(Box<Heard>),
    /// Not for firebell, and why.
    Ignored(&'static str),
    /// A shape nobody expected, by its kind.
    Unknown(String),
}

/// Who is reading: what is needed to know besides the payload.
#[derive(Clone, Debug, Default)]
pub struct Here {
    /// The configured platform name.
    pub platform: String,
    /// The guild's id.
    pub guild: String,
    /// The bot's user id.
    pub me: String,
    /// Emoji that put a message on the timeline, and their names.
    pub keep: BTreeMap<String, String>,
    /// Names of channels and roles, by id.
    pub names: BTreeMap<String, String>,
    /// Rooms of incidents.
    pub rooms: BTreeSet<String>,
    /// Now.
    pub now: Time,
}

/// When an id was made.
#[must_use]
pub fn made_at(id: &str) -> Option<Time> {
    let ms = i64::try_from(id.parse::<u64>().ok()? >> 22).ok()?;
    Some(Time(ms + EPOCH_MS))
}

/// Reads an event of the gateway.
#[must_use]
pub fn read(kind: &str, event: &Value, here: &Here) -> Reading {
    let guild = text(event, "guild_id");
    if !guild.is_empty() && guild != here.guild {
        return Reading::Ignored("of another server");
    }
    match kind {
        "MESSAGE_CREATE" => written(event, here),
        "MESSAGE_UPDATE" => changed(event, here),
        "MESSAGE_DELETE" => deleted(event, here),
        "MESSAGE_REACTION_ADD" => reacted(event, here, true),
        "MESSAGE_REACTION_REMOVE" => reacted(event, here, false),
        _ => Reading::Unknown(kind.to_owned()),
    }
}

/// What happened in a thread, as an answer in the room it is in to the message it hangs on: a thread of a
/// message has that message's id.
pub(super) fn lifted(event: &Value, room: &str) -> Value {
    let mut event = event.clone();
    let thread = text(&event, "channel_id");
    event["channel_id"] = Value::from(room);
    let answers = event["message_reference"]["message_id"].is_string();
    if event["type"] == 0 || event["type"] == ANSWER {
        let to = if answers {
            event["message_reference"]["message_id"].clone()
        } else {
            Value::from(thread)
        };
        event["type"] = Value::from(ANSWER);
        event["message_reference"] = serde_json::json!({"channel_id": room, "message_id": to});
    }
    event
}

fn written(event: &Value, here: &Here) -> Reading {
    let (message, room) = (text(event, "id"), text(event, "channel_id"));
    let kind = event["type"].as_u64().unwrap_or(0);
    if message.is_empty() || room.is_empty() {
        return Reading::Unknown("MESSAGE_CREATE".to_owned());
    }
    let Some(by) = author(event, here) else {
        return Reading::Ignored("by a bot");
    };
    let direct = text(event, "guild_id").is_empty();
    if kind == PINNED && here.rooms.contains(&room) {
        let pinned = text(&event["message_reference"], "message_id");
        return kept(here, (by, room, pinned), "pinned", "pin");
    }
    if !WRITTEN.contains(&kind) {
        return Reading::Ignored("a message of Discord's own");
    }
    let words = words(event, here);
    let deed = if direct {
        Deed::Line { text: words }
    } else if here.rooms.contains(&room) {
        if words.trim().is_empty() {
            // The intent is missing, or it is a sticker.
            return Reading::Ignored("without words");
        }
        let answered = &event["message_reference"];
        let here = text(answered, "channel_id") == room && kind == ANSWER;
        Deed::Said {
            message: message.clone(),
            text: words,
            answers: if here {
                text(answered, "message_id")
            } else {
                String::new()
            },
            files: files(event),
        }
    } else {
        return Reading::Ignored("not in a room of an incident");
    };
    heard(here, format!("msg:{message}"), by, &room, deed, &message)
}

fn changed(event: &Value, here: &Here) -> Reading {
    let (message, room) = (text(event, "id"), text(event, "channel_id"));
    if !here.rooms.contains(&room) {
        return Reading::Ignored("not in a room of an incident");
    }
    // Pins and previews change a message too; only people's edits have a time.
    let edited = text(event, "edited_timestamp");
    if edited.is_empty() || event.get("content").is_none_or(Value::is_null) {
        return Reading::Ignored("its words are the same");
    }
    let Some(by) = author(event, here) else {
        return Reading::Ignored("by a bot");
    };
    let words = words(event, here);
    if message.is_empty() || words.trim().is_empty() {
        return Reading::Ignored("without words");
    }
    let deed = Deed::Edited {
        message: message.clone(),
        text: words,
    };
    let key = format!("edit:{message}:{edited}");
    match heard(here, key, by, &room, deed, &message) {
        Reading::Heard(mut heard) => {
            heard.at = Time::parse_rfc3339(&edited).unwrap_or(here.now);
            Reading::Heard(heard)
        }
        other => other,
    }
}

fn deleted(event: &Value, here: &Here) -> Reading {
    let (message, room) = (text(event, "id"), text(event, "channel_id"));
    if !here.rooms.contains(&room) {
        return Reading::Ignored("not in a room of an incident");
    }
    if message.is_empty() {
        return Reading::Unknown("MESSAGE_DELETE".to_owned());
    }
    // Discord does not say who took it away.
    let deed = Deed::Deleted {
        message: message.clone(),
    };
    match heard(
        here,
        format!("del:{message}"),
        somebody(),
        &room,
        deed,
        &message,
    ) {
        Reading::Heard(mut heard) => {
            heard.at = here.now;
            Reading::Heard(heard)
        }
        other => other,
    }
}

/// A reaction came, or was taken back.
fn reacted(event: &Value, here: &Here, came: bool) -> Reading {
    let room = text(event, "channel_id");
    if !here.rooms.contains(&room) {
        return Reading::Ignored("not in a room of an incident");
    }
    let emoji = text(&event["emoji"], "name");
    // The same picture with and without the sign that asks for colour.
    let emoji = emoji.trim_end_matches('\u{fe0f}');
    let Some(name) = here.keep.get(emoji) else {
        return Reading::Ignored("another emoji");
    };
    let user = &event["member"]["user"];
    let id = text(event, "user_id");
    if id == here.me || user["bot"].as_bool().unwrap_or(false) {
        return Reading::Ignored("by a bot");
    }
    let by = User {
        id,
        name: display(&event["member"], user),
        home: here.guild.clone(),
    };
    let message = text(event, "message_id");
    let how = format!("marked with :{name}:");
    if came {
        // Discord numbers reactions in no way, and the same one may come again after it went.
        let way = format!("mark:{}", here.now.0);
        return kept(here, (by, room, message), &how, &way);
    }
    let key = format!("unmark:{}:{message}:{}", here.now.0, by.id);
    let deed = Deed::Unkept {
        message: message.clone(),
        how,
    };
    heard(here, key, by, &room, deed, &message)
}

/// A message that was put on the timeline; the same one by the same way once.
pub(super) fn kept(
    here: &Here,
    (by, room, message): (User, String, String),
    how: &str,
    way: &str,
) -> Reading {
    let Some(written_at) = made_at(&message) else {
        return Reading::Unknown(way.to_owned());
    };
    let deed = Deed::Kept {
        message: message.clone(),
        text: String::new(),
        author: None,
        written_at,
        how: how.to_owned(),
        ours: false,
    };
    // Whoever was refused leaves the way open for others.
    let key = format!("{way}:{message}:{}", by.id);
    match heard(here, key, by, &room, deed, &message) {
        Reading::Heard(mut heard) => {
            heard.at = here.now;
            Reading::Heard(heard)
        }
        other => other,
    }
}

fn heard(here: &Here, key: String, by: User, room: &str, deed: Deed, message: &str) -> Reading {
    let reply_to = BTreeMap::from([("message".to_owned(), message.to_owned())]);
    Reading::Heard(Box::new(Heard {
        platform: here.platform.clone(),
        key,
        at: made_at(message).unwrap_or(here.now),
        by,
        room: room.to_owned(),
        deed,
        reply_to,
    }))
}

/// Whoever it was, Discord does not say.
pub(super) fn somebody() -> User {
    User {
        id: String::new(),
        name: "somebody".to_owned(),
        home: String::new(),
    }
}

/// The person who wrote a message; `None`: a bot, a webhook, or firebell itself.
pub(super) fn author(message: &Value, here: &Here) -> Option<User> {
    let user = &message["author"];
    let id = text(user, "id");
    let machine = user["bot"].as_bool().unwrap_or(false) || message["webhook_id"].is_string();
    if id.is_empty() || id == here.me || machine {
        return None;
    }
    let name = display(&message["member"], user);
    Some(User {
        id,
        name,
        home: here.guild.clone(),
    })
}

/// The name people see: the server's, else the account's.
pub(super) fn display(member: &Value, user: &Value) -> String {
    let names = [
        text(member, "nick"),
        text(user, "global_name"),
        text(user, "username"),
    ];
    let name = names
        .into_iter()
        .find(|n| !n.trim().is_empty())
        .unwrap_or_default();
    crate::core::text::cut(&plain(&name), 80)
}

/// The words of a message for people: mentions by name, attachments by name.
#[must_use]
pub(super) fn words(message: &Value, here: &Here) -> String {
    let mut people = BTreeMap::new();
    for user in message["mentions"].as_array().into_iter().flatten() {
        people.insert(text(user, "id"), display(&user["member"], user));
    }
    let mut words = readable(&text(message, "content"), &people, &here.names);
    for file in message["attachments"].as_array().into_iter().flatten() {
        let name = plain(&text(file, "filename"));
        if !words.is_empty() {
            words.push('\n');
        }
        words += &format!(
            "[attached: {}]",
            if name.is_empty() { "a file" } else { &name }
        );
    }
    words
}

/// What came with a message, where Discord keeps it.
fn files(message: &Value) -> Vec<HeardFile> {
    let all = message["attachments"].as_array().into_iter().flatten();
    let file = |f: &Value| HeardFile {
        id: text(f, "id"),
        name: text(f, "filename"),
        url: text(f, "url"),
        bytes: f["size"].as_u64().unwrap_or(0),
    };
    all.map(file).collect()
}

/// `<@1>`, `<#2>`, `<@&3>`, `<:smile:4>`, `<t:5>` as people read them.
fn readable(
    content: &str,
    people: &BTreeMap<String, String>,
    names: &BTreeMap<String, String>,
) -> String {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let sign = rest
            .find('>')
            .and_then(|close| Some((close, spoken(&rest[1..close], people, names)?)));
        match sign {
            Some((close, spoken)) => {
                out.push_str(&spoken);
                rest = &rest[close + 1..];
            }
            None => {
                out.push('<');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn spoken(
    sign: &str,
    people: &BTreeMap<String, String>,
    names: &BTreeMap<String, String>,
) -> Option<String> {
    let number = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
    let named = |mark: &str, id: &str, known: &BTreeMap<String, String>, what: &str| {
        let name = known.get(id).map_or_else(|| what.to_owned(), Clone::clone);
        format!("{mark}{name}")
    };
    if let Some(id) = sign.strip_prefix("@&").filter(|id| number(id)) {
        return Some(named("@", id, names, "a role"));
    }
    if let Some(id) = sign
        .strip_prefix('@')
        .map(|id| id.trim_start_matches('!'))
        .filter(|id| number(id))
    {
        return Some(named("@", id, people, "somebody"));
    }
    if let Some(id) = sign.strip_prefix('#').filter(|id| number(id)) {
        return Some(named("#", id, names, "a channel"));
    }
    if let Some(time) = sign.strip_prefix("t:") {
        let secs = time.split(':').next()?.parse::<i64>().ok()?;
        return Some(Time(secs.checked_mul(1000)?).rfc3339());
    }
    let emoji = sign.strip_prefix("a:").or_else(|| sign.strip_prefix(':'))?;
    let (name, id) = emoji.split_once(':')?;
    number(id).then(|| format!(":{name}:"))
}

/// A string of an object, empty for anything else.
pub(super) fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// The emoji of names people use for them; a name that is not here is an emoji of the guild.
#[must_use]
pub fn emoji(names: &[String]) -> BTreeMap<String, String> {
    const KNOWN: [(&str, &str); 12] = [
        ("pushpin", "📌"),
        ("round_pushpin", "📍"),
        ("stopwatch", "⏱"),
        ("timer_clock", "⏲"),
        ("star", "⭐"),
        ("memo", "📝"),
        ("pencil", "📝"),
        ("bookmark", "🔖"),
        ("eyes", "👀"),
        ("fire", "🔥"),
        ("white_check_mark", "✅"),
        ("warning", "⚠"),
    ];
    let one = |name: &String| {
        let known = KNOWN
            .iter()
            .find(|(n, _)| n == name)
            .map_or(name.as_str(), |(_, e)| e);
        (known.trim_end_matches('\u{fe0f}').to_owned(), name.clone())
    };
    names.iter().map(one).collect()
}

#[cfg(test)]
#[path = "inbound/tests.rs"]
mod tests;
