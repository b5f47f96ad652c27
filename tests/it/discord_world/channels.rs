//! Rooms: made, changed, closed, opened to some and not to others.

use super::limits::Wait;
use super::model::{CATEGORY, Channel, DM, Id, Overwrite, TEXT, id_of, list, text};
use super::permissions::{self, MANAGE_CHANNELS, MANAGE_ROLES};
use super::problem::{self, Form, Problem};
use super::routes::{Answer, Told, nothing, ok};
use super::rules;
use super::shapes;
use super::state::{Call, State};
use serde_json::Value;

/// Discord's brake on names and topics.
const RENAME_WINDOW_MS: i64 = 600_000;

pub fn open_dm(state: &mut State, call: &Call) -> Told {
    let who = id_of(&call.body["recipient_id"]);
    let who = who.filter(|id| state.users.contains_key(id));
    let who = who.ok_or_else(|| Problem::new(400, 50033, "Invalid Recipient(s)"))?;
    let id = state.dm_with(who);
    ok(shapes::channel(state, &state.channels[&id]))
}

impl State {
    /// The conversation between the bot and this user, made when it is first needed.
    pub fn dm_with(&mut self, who: Id) -> Id {
        let found = self.channels.values().find(|c| c.recipient == Some(who));
        if let Some(found) = found {
            return found.id;
        }
        let id = self.snowflake();
        let mut channel = blank(id, DM);
        channel.recipient = Some(who);
        self.channels.insert(id, channel);
        id
    }
}

/// An empty channel.
pub fn blank(id: Id, kind: u64) -> Channel {
    Channel {
        id,
        kind,
        guild: None,
        name: String::new(),
        topic: None,
        position: 0,
        parent: None,
        overwrites: Vec::new(),
        recipient: None,
        archived: false,
        renamed_ms: Vec::new(),
        last_pin_ms: None,
    }
}

pub fn create(state: &mut State, call: &Call, guild: Id) -> Told {
    let rights = permissions::in_guild(state.guild(guild)?, state.bot);
    if rights & MANAGE_CHANNELS == 0 {
        return Err(problem::missing_permissions());
    }
    let kind = call.body["type"].as_u64().unwrap_or(TEXT);
    let mut channel = blank(0, kind);
    channel.guild = Some(guild);
    if call.body["name"].is_null() {
        return Err(problem::invalid(
            "name",
            "BASE_TYPE_REQUIRED",
            "This field is required",
        ));
    }
    let here = state
        .channels
        .values()
        .filter(|c| c.guild == Some(guild) && c.kind <= CATEGORY);
    let (count, most) = (here.count(), state.settings.guild_channels);
    if count >= most {
        let message = format!("Maximum number of server channels reached ({most})");
        return Err(Problem::new(400, 30013, &message));
    }
    fill(state, &mut channel, &call.body)?;
    channel.overwrites = overwrites(state, guild, &call.body["permission_overwrites"])?;
    if call.body["position"].is_null() {
        channel.position = count as u64;
    }
    channel.id = state.snowflake();
    state.channels.insert(channel.id, channel.clone());
    state.publish_channel("CHANNEL_CREATE", &channel);
    Ok(Answer {
        status: 201,
        body: shapes::channel(state, &channel),
    })
}

/// A thread below a message: it has the message's id, and there is one (docs, "Start Thread from Message").
pub fn thread(state: &mut State, call: &Call, channel: Id, message: Id) -> Told {
    let place = state.channel(channel)?.clone();
    state.message(channel, message)?;
    state.demand(&place, permissions::CREATE_PUBLIC_THREADS)?;
    if state.channels.contains_key(&message) {
        let text = "A thread has already been created for this message";
        return Err(Problem::new(400, 160_004, text));
    }
    let mut form = Form::default();
    let name = text(&call.body["name"]);
    form.length("name", &name, 1, 100);
    form.done()?;
    let mut made = blank(message, super::model::THREAD);
    (made.guild, made.parent) = (place.guild, Some(channel));
    made.name = name;
    made.overwrites.clone_from(&place.overwrites);
    state.channels.insert(message, made.clone());
    state.publish_channel("THREAD_CREATE", &made);
    Ok(Answer {
        status: 201,
        body: shapes::channel(state, &made),
    })
}

/// Takes over what a create or an edit says; the limits are Discord's.
fn fill(state: &State, channel: &mut Channel, body: &Value) -> Result<(), Problem> {
    let mut form = Form::default();
    if let Some(name) = body["name"].as_str() {
        form.length("name", name, 1, 100);
        channel.name = if channel.kind == CATEGORY {
            name.trim().to_owned()
        } else {
            rules::channel_name(name)
        };
        form.length("name", &channel.name, 1, 100);
    }
    if let Some(topic) = body.get("topic") {
        form.length("topic", &text(topic), 0, 1024);
        channel.topic = topic.as_str().filter(|t| !t.is_empty()).map(str::to_owned);
    }
    if let Some(position) = body["position"].as_u64() {
        channel.position = position;
    }
    if let Some(parent) = body.get("parent_id") {
        let moved = id_of(parent) != channel.parent;
        channel.parent = id_of(parent);
        if let Some(parent) = channel.parent.filter(|_| moved) {
            category(state, &mut form, channel.guild, parent);
        }
    }
    form.done()
}

fn category(state: &State, form: &mut Form, guild: Option<Id>, parent: Id) {
    let found = state.channels.get(&parent);
    let fits = found.is_some_and(|c| c.kind == CATEGORY && c.guild == guild);
    if !fits {
        form.fault(
            "parent_id",
            "CHANNEL_PARENT_INVALID",
            "Category does not exist",
        );
    }
    let inside = state.channels.values().filter(|c| c.parent == Some(parent));
    let most = state.settings.category_channels;
    if inside.count() >= most {
        let message = format!("Maximum number of channels in category reached ({most})");
        form.fault("parent_id", "CHANNEL_PARENT_MAX_CHANNELS", message);
    }
}

/// Reads overwrites; the bot may give and take only what it has itself.
fn overwrites(state: &State, guild: Id, given: &Value) -> Result<Vec<Overwrite>, Problem> {
    let guild = &state.guilds[&guild];
    let own = permissions::in_guild(guild, state.bot);
    let read = |value: &Value| -> Result<Overwrite, Problem> {
        let made = Overwrite {
            id: id_of(&value["id"]).unwrap_or(0),
            of_member: value["type"] == 1 || value["type"] == "1",
            allow: id_of(&value["allow"]).unwrap_or(0),
            deny: id_of(&value["deny"]).unwrap_or(0),
        };
        let known = if made.of_member {
            state.users.contains_key(&made.id)
        } else {
            guild.roles.contains_key(&made.id)
        };
        if !known {
            return Err(problem::unknown_overwrite());
        }
        let bits = made.allow | made.deny;
        // Who may change rights in a room is for administrators to say.
        let own_bits = if own & permissions::ADMINISTRATOR == 0 {
            own & !MANAGE_ROLES
        } else {
            u64::MAX
        };
        let beyond = bits & !own_bits;
        if beyond == 0 {
            Ok(made)
        } else {
            Err(problem::missing_permissions())
        }
    };
    list(given).iter().map(read).collect()
}

pub fn edit(state: &mut State, call: &Call, id: Id) -> Told {
    let before = state.channel(id)?.clone();
    if before.kind == DM {
        return Err(Problem::new(
            400,
            50024,
            "Cannot execute action on this channel type",
        ));
    }
    state.demand(&before, MANAGE_CHANNELS)?;
    let mut after = before.clone();
    fill(state, &mut after, &call.body)?;
    if let Some(given) = call.body.get("permission_overwrites") {
        state.demand(&before, MANAGE_ROLES)?;
        after.overwrites = overwrites(state, before.guild.unwrap_or(0), given)?;
    }
    if (&before.name, &before.topic) != (&after.name, &after.topic) {
        brake(state, &mut after)?;
    }
    if let Some(archived) = call.body["archived"].as_bool() {
        after.archived = archived;
    }
    state.channels.insert(id, after.clone());
    state.publish_channel("CHANNEL_UPDATE", &after);
    ok(shapes::channel(state, &after))
}

fn brake(state: &State, channel: &mut Channel) -> Result<(), Problem> {
    let since = state.now_ms - RENAME_WINDOW_MS;
    channel.renamed_ms.retain(|at| *at > since);
    if channel.renamed_ms.len() >= state.settings.renames {
        let first = channel.renamed_ms.first().copied().unwrap_or(state.now_ms);
        let mut problem = Problem::new(429, 0, "You are being rate limited.");
        problem.wait = Some(Wait {
            retry_after_ms: first - since,
            scope: Some("user"),
            global: false,
        });
        return Err(problem);
    }
    channel.renamed_ms.push(state.now_ms);
    Ok(())
}

pub fn delete(state: &mut State, id: Id) -> Told {
    let channel = state.channel(id)?.clone();
    let body = shapes::channel(state, &channel);
    if channel.kind != DM {
        state.demand(&channel, MANAGE_CHANNELS)?;
        state.remove_channel(id);
    }
    ok(body)
}

impl State {
    /// The room goes, with everything said in it; rooms of a category stay, outside of it.
    pub fn remove_channel(&mut self, id: Id) {
        let channel = self.channels[&id].clone();
        self.publish_channel("CHANNEL_DELETE", &channel);
        self.channels.remove(&id);
        for message in self.messages.values_mut().filter(|m| m.channel == id) {
            message.deleted = true;
        }
        for inside in self.channels.values_mut().filter(|c| c.parent == Some(id)) {
            inside.parent = None;
        }
    }

    /// Replaces what this role or member may do in the channel.
    pub fn overwrite(&mut self, channel: Id, made: Overwrite) {
        let channel = self.channels.get_mut(&channel).unwrap();
        channel.overwrites.retain(|o| o.id != made.id);
        channel.overwrites.push(made);
        let after = channel.clone();
        self.publish_channel("CHANNEL_UPDATE", &after);
    }
}

pub fn set_overwrite(state: &mut State, call: &Call, channel: Id, of: Id) -> Told {
    let found = state.channel(channel)?;
    let guild = found.guild.ok_or_else(problem::missing_access)?;
    state.demand(found, MANAGE_ROLES)?;
    let mut given = call.body.clone();
    given["id"] = of.to_string().into();
    let made = overwrites(state, guild, &Value::Array(vec![given]))?;
    for one in made {
        state.overwrite(channel, one);
    }
    nothing()
}

pub fn drop_overwrite(state: &mut State, channel: Id, of: Id) -> Told {
    let found = state.channel(channel)?;
    state.demand(found, MANAGE_ROLES)?;
    if !found.overwrites.iter().any(|o| o.id == of) {
        return Err(problem::unknown_overwrite());
    }
    let kept = state.channels.get_mut(&channel).unwrap();
    kept.overwrites.retain(|o| o.id != of);
    let after = kept.clone();
    state.publish_channel("CHANNEL_UPDATE", &after);
    nothing()
}
