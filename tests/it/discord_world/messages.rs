//! Messages: posted, read, changed, taken back.

use super::mentions;
use super::model::{DM, Id, Message, Rung, id_of, list, text};
use super::permissions::{
    ATTACH_FILES, EMBED_LINKS, MANAGE_MESSAGES, READ_MESSAGE_HISTORY, SEND_MESSAGES,
    SEND_MESSAGES_IN_THREADS,
};
use super::problem::{self, Problem};
use super::routes::{Told, limit, nothing, ok};
use super::sessions::{DIRECT_MESSAGES, GUILD_MESSAGES};
use super::state::{Call, File, State};
use super::{rules, shapes};
use serde_json::{Value, json};

/// Flags an author may set: no embeds, silent.
const SETTABLE: u64 = 4 | 4096;

pub fn create(state: &mut State, call: &Call, channel: Id) -> Told {
    may_post(state, channel, &call.body, call.files.len())?;
    rules::message(&call.body, call.files.len())?;
    rules::not_empty(&call.body, call.files.len())?;
    if let Some(before) = same_nonce(state, &call.body) {
        // Discord refuses on purpose when the first was deleted meanwhile.
        let before = state.message(before.channel, before.id)?;
        return ok(shapes::message(state, before));
    }
    let replied = reference(state, channel, &call.body)?;
    let mut message = compose(state, channel, state.bot, &call.body, &call.files)?;
    message.reference = replied;
    let id = state.post(message);
    ok(shapes::message(state, &state.messages[&id]))
}

fn may_post(state: &State, channel: Id, body: &Value, files: usize) -> Result<(), Problem> {
    let place = state.channel(channel)?;
    if place.kind == super::model::CATEGORY {
        return Err(Problem::new(
            400,
            50008,
            "Cannot send messages in a non-text channel",
        ));
    }
    if place.archived {
        return Err(problem::archived());
    }
    if place.kind == DM {
        let who = place.recipient.and_then(|id| state.users.get(&id));
        let shares = |id: Id| {
            let both = |g: &&super::model::Guild| {
                g.members.contains_key(&id) && g.members.contains_key(&state.bot)
            };
            state.guilds.values().any(|g| both(&g))
        };
        if !who.is_some_and(|who| who.takes_dms && shares(who.id)) {
            return Err(Problem::new(
                403,
                50007,
                "Cannot send messages to this user",
            ));
        }
    }
    let thread = place.kind == super::model::THREAD;
    let mut need = if thread {
        SEND_MESSAGES_IN_THREADS
    } else {
        SEND_MESSAGES
    };
    if !list(&body["embeds"]).is_empty() {
        need |= EMBED_LINKS;
    }
    if files > 0 {
        need |= ATTACH_FILES;
    }
    state.demand(place, need)
}

fn same_nonce<'a>(state: &'a State, body: &Value) -> Option<&'a Message> {
    let nonce = body.get("nonce").filter(|n| !n.is_null())?;
    if body["enforce_nonce"] != json!(true) {
        return None;
    }
    let young = state.now_ms - state.settings.nonce_ms;
    state.messages.values().rev().find(|m| {
        m.author == state.bot && m.enforced && m.created_ms > young && same(m.nonce.as_ref(), nonce)
    })
}

/// `12` and `"12"` are one nonce.
fn same(one: Option<&Value>, other: &Value) -> bool {
    let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    one.is_some_and(|one| plain(one) == plain(other))
}

fn reference(state: &State, channel: Id, body: &Value) -> Result<Option<Id>, Problem> {
    let reference = &body["message_reference"];
    let Some(to) = id_of(&reference["message_id"]) else {
        return Ok(None);
    };
    if state.message(channel, to).is_ok() {
        return Ok(Some(to));
    }
    if reference["fail_if_not_exists"] == json!(false) {
        return Ok(None);
    }
    Err(problem::invalid(
        "message_reference",
        "REPLIES_UNKNOWN_MESSAGE",
        "Unknown message",
    ))
}

/// A message of this author from a body, not yet posted; the limits were checked.
pub fn compose(
    state: &mut State,
    channel: Id,
    author: Id,
    body: &Value,
    files: &[File],
) -> Result<Message, Problem> {
    let place = state.channels.get(&channel).cloned();
    let place = place.ok_or_else(problem::unknown_channel)?;
    let replied = id_of(&body["message_reference"]["message_id"]);
    let replied = replied
        .and_then(|id| state.messages.get(&id))
        .map(|m| m.author);
    let rung = mentions::rung(state, &place, author, body, replied);
    Ok(Message {
        id: state.snowflake(),
        channel,
        author,
        content: text(&body["content"]),
        embeds: shown_embeds(&body["embeds"]),
        components: numbered(&body["components"]),
        attachments: attachments(state, body, files)?,
        nonce: body.get("nonce").filter(|n| !n.is_null()).cloned(),
        enforced: body["enforce_nonce"] == json!(true),
        reference: None,
        flags: body["flags"].as_u64().unwrap_or(0) & (SETTABLE | 64),
        created_ms: state.now_ms,
        edited_ms: None,
        pinned_ms: None,
        reactions: Vec::new(),
        interaction: None,
        deleted: false,
        rung,
        before: Vec::new(),
    })
}

/// Embeds as Discord gives them back.
fn shown_embeds(embeds: &Value) -> Value {
    let shown = |embed: &Value| {
        let mut embed = embed.clone();
        embed["type"] = json!("rich");
        if let Some(fields) = embed["fields"].as_array_mut() {
            for field in fields {
                field["inline"] = json!(field["inline"] == json!(true));
            }
        }
        if let Some(map) = embed.as_object_mut() {
            map.retain(|_, value| !value.is_null());
        }
        if let Some(at) = embed["timestamp"]
            .as_str()
            .and_then(|t| chrono::DateTime::parse_from_rfc3339(t).ok())
        {
            embed["timestamp"] = json!(shapes::time(at.timestamp_millis()));
        } else if let Some(map) = embed.as_object_mut() {
            map.remove("timestamp");
        }
        embed
    };
    list(embeds).iter().map(shown).collect()
}

/// Components with the numbers Discord gives them.
fn numbered(components: &Value) -> Value {
    fn number(value: &mut Value, next: &mut u64) {
        if value["id"].as_u64().unwrap_or(0) == 0 {
            *next += 1;
            value["id"] = json!(*next);
        }
        if let Some(map) = value.as_object_mut() {
            map.retain(|_, value| !value.is_null());
        }
        if matches!(value["type"].as_u64(), Some(3 | 5..=8)) {
            for key in ["min_values", "max_values"] {
                if value[key].is_null() {
                    value[key] = json!(1);
                }
            }
        }
        if let Some(parts) = value.get_mut("components").and_then(Value::as_array_mut) {
            for part in parts {
                number(part, next);
            }
        }
    }
    let mut shown = list(components).to_vec();
    let mut next = 0;
    for row in &mut shown {
        number(row, &mut next);
    }
    Value::Array(shown)
}

fn attachments(state: &mut State, body: &Value, files: &[File]) -> Result<Vec<Value>, Problem> {
    let described = list(&body["attachments"]).to_vec();
    let mut made = Vec::new();
    for file in files {
        if file.bytes.len() > state.settings.upload_bytes {
            return Err(Problem::new(413, 40005, "Request entity too large"));
        }
        let about = described
            .iter()
            .find(|d| id_of(&d["id"]) == Some(file.index as u64));
        let id = state.snowflake();
        let url = format!("http://{}/attachments/{id}/{}", state.address, file.name);
        let mut shape = json!({
            "id": id.to_string(), "filename": file.name, "size": file.bytes.len(), "url": url,
            "proxy_url": url,
        });
        if let Some(kind) = &file.content_type {
            shape["content_type"] = json!(kind);
        }
        if let Some(about) = about.and_then(|d| d["description"].as_str()) {
            shape["description"] = json!(about);
        }
        made.push(shape);
    }
    Ok(made)
}

impl State {
    /// Keeps the message and tells of it.
    pub fn post(&mut self, message: Message) -> Id {
        let id = message.id;
        self.messages.insert(id, message);
        self.publish_message("MESSAGE_CREATE", id);
        id
    }

    /// Changes what a body names, rings nobody anew, and tells of it.
    pub fn change(&mut self, id: Id, body: &Value, files: &[File]) -> Result<(), Problem> {
        let made = attachments(self, body, files)?;
        let now_ms = self.now_ms;
        let message = self.messages.get_mut(&id).unwrap();
        if body.get("content").is_some() {
            let said = std::mem::replace(&mut message.content, text(&body["content"]));
            message.before.push(said);
        }
        if body.get("embeds").is_some() {
            message.embeds = shown_embeds(&body["embeds"]);
        }
        if body.get("components").is_some() {
            message.components = numbered(&body["components"]);
        }
        if let Some(kept) = body["attachments"].as_array() {
            let ids: Vec<Id> = kept.iter().filter_map(|a| id_of(&a["id"])).collect();
            message
                .attachments
                .retain(|a| id_of(&a["id"]).is_some_and(|id| ids.contains(&id)));
        }
        message.attachments.extend(made);
        if let Some(flags) = body["flags"].as_u64() {
            message.flags = (message.flags & !SETTABLE) | (flags & SETTABLE);
        }
        message.edited_ms = Some(now_ms);
        self.publish_message("MESSAGE_UPDATE", id);
        Ok(())
    }

    /// Takes a message away and tells of it.
    pub fn remove(&mut self, id: Id) {
        let message = self.messages.get_mut(&id).unwrap();
        message.deleted = true;
        let (hidden, channel) = (message.ephemeral(), self.channels[&message.channel].clone());
        let mut data = json!({"id": id.to_string(), "channel_id": channel.id.to_string()});
        if let Some(guild) = channel.guild {
            data["guild_id"] = json!(guild.to_string());
        }
        if !hidden {
            self.publish_in(
                &channel,
                "MESSAGE_DELETE",
                (GUILD_MESSAGES, DIRECT_MESSAGES),
                &data,
            );
        }
    }
}

pub fn list_page(state: &State, call: &Call, channel: Id) -> Told {
    let place = state.channel(channel)?;
    let most = limit(call, 50, 100)?;
    if !state.may(place, state.bot, READ_MESSAGE_HISTORY) {
        return ok(json!([]));
    }
    let bound = |key: &str| call.query.get(key).and_then(|v| v.parse::<Id>().ok());
    let mut found: Vec<&Message> = state.messages_in(channel).collect();
    if let Some(before) = bound("before") {
        found.retain(|m| m.id < before);
    }
    if let Some(after) = bound("after") {
        found.retain(|m| m.id > after);
        found.truncate(most);
    } else if let Some(around) = bound("around") {
        let at = found.partition_point(|m| m.id < around);
        let from = at.saturating_sub(most / 2);
        found = found.into_iter().skip(from).take(most).collect();
    }
    let page = found.into_iter().rev().take(most);
    ok(page.map(|m| shapes::message(state, m)).collect())
}

pub fn one(state: &State, channel: Id, id: Id) -> Told {
    let place = state.channel(channel)?;
    if !state.may(place, state.bot, READ_MESSAGE_HISTORY) {
        return Err(problem::missing_access());
    }
    ok(shapes::message(state, state.message(channel, id)?))
}

pub fn edit(state: &mut State, call: &Call, channel: Id, id: Id) -> Told {
    let place = state.channel(channel)?;
    let message = state.message(channel, id)?;
    if message.author != state.bot {
        let text = "Cannot edit a message authored by another user";
        return Err(Problem::new(403, 50005, text));
    }
    if place.archived {
        return Err(problem::archived());
    }
    rules::message(&call.body, call.files.len())?;
    still_something(message, &call.body, call.files.len())?;
    state.change(id, &call.body, &call.files)?;
    ok(shapes::message(state, &state.messages[&id]))
}

/// An edit may not empty a message.
pub fn still_something(message: &Message, body: &Value, files: usize) -> Result<(), Problem> {
    let mut after = json!({
        "content": message.content, "embeds": message.embeds, "components": message.components,
    });
    for key in ["content", "embeds", "components"] {
        if let Some(given) = body.get(key) {
            after[key] = given.clone();
        }
    }
    rules::not_empty(&after, files + message.attachments.len())
}

pub fn delete(state: &mut State, channel: Id, id: Id) -> Told {
    let place = state.channel(channel)?;
    let message = state.message(channel, id)?;
    if message.author != state.bot {
        state.demand(place, MANAGE_MESSAGES)?;
    }
    if place.archived {
        return Err(problem::archived());
    }
    state.remove(id);
    nothing()
}

/// A message a person wrote.
pub fn written(state: &mut State, channel: Id, author: Id, content: &str) -> Message {
    let body = json!({"content": content});
    let mut message = compose(state, channel, author, &body, &[]).unwrap();
    message.nonce = None;
    if author == state.bot {
        message.rung = Rung::default();
    }
    message
}
