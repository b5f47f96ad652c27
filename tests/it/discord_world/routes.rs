//! Which request is which: the table of routes, and those that only read.

use super::model::{CATEGORY, Id, id_of};
use super::problem::{self, Problem};
use super::sessions::GUILD_MEMBERS;
use super::state::{Call, State};
use super::{channels, commands, interactions, messages, pins, shapes};
use serde_json::{Value, json};

/// An answer that says yes.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

/// What every route gives.
pub type Told = Result<Answer, Problem>;

/// 200 with a body.
#[expect(clippy::unnecessary_wraps, reason = "what a route ends with")]
pub fn ok(body: Value) -> Told {
    Ok(Answer { status: 200, body })
}

/// 204.
#[expect(clippy::unnecessary_wraps, reason = "what a route ends with")]
pub fn nothing() -> Told {
    Ok(Answer {
        status: 204,
        body: Value::Null,
    })
}

/// Whether a request needs no token of the bot: its path holds one, or it is the gateway's address.
pub fn open(call: &Call) -> bool {
    matches!(
        call.segments().as_slice(),
        ["interactions" | "webhooks", ..] | ["gateway"]
    )
}

/// A snowflake of a path; what is none is a fault of the form.
pub fn id(segment: &str) -> Result<Id, Problem> {
    id_of(&json!(segment)).ok_or_else(|| {
        let message = format!("Value \"{segment}\" is not snowflake.");
        problem::invalid("id", "NUMBER_TYPE_COERCE", &message)
    })
}

/// Does what the request asks.
pub fn route(state: &mut State, call: &Call) -> Told {
    let segments = call.segments();
    match segments.as_slice() {
        ["gateway", ..] => gateway(state, call),
        ["users", rest @ ..] => users(state, call, rest),
        ["guilds", guild, rest @ ..] => guilds(state, call, id(guild)?, rest),
        ["channels", channel, rest @ ..] => channels_route(state, call, id(channel)?, rest),
        ["applications", "@me"] | ["oauth2", "applications", "@me"] if call.method == "GET" => {
            ok(shapes::application(state))
        }
        ["applications", app, rest @ ..] => commands::route(state, call, id(app)?, rest),
        ["interactions", which, token, "callback"] if call.method == "POST" => {
            interactions::callback(state, call, id(which)?, token)
        }
        ["webhooks", app, token, rest @ ..] => {
            interactions::webhook(state, call, id(app)?, token, rest)
        }
        _ => Err(problem::no_route()),
    }
}

fn gateway(state: &State, call: &Call) -> Told {
    let url = format!("ws://{}/gateway", state.address);
    match (call.method.as_str(), call.segments().as_slice()) {
        ("GET", ["gateway"]) => ok(json!({"url": url})),
        ("GET", ["gateway", "bot"]) => ok(json!({
            "url": url, "shards": 1,
            "session_start_limit": {"total": 1000, "remaining": 1000, "reset_after": 86_400_000, "max_concurrency": 1},
        })),
        _ => Err(problem::no_route()),
    }
}

fn users(state: &mut State, call: &Call, rest: &[&str]) -> Told {
    match (call.method.as_str(), rest) {
        ("GET", ["@me"]) => ok(shapes::own_user(state)),
        ("POST", ["@me", "channels"]) => channels::open_dm(state, call),
        ("GET", ["@me", "guilds"]) => {
            let mine = state.guilds.values();
            let mine = mine.filter(|g| g.members.contains_key(&state.bot));
            ok(mine.map(|g| json!({
                "id": g.id.to_string(), "name": g.name, "icon": null, "banner": null, "owner": false,
                "permissions": super::permissions::in_guild(g, state.bot).to_string(), "features": [],
            })).collect())
        }
        ("GET", [who]) => {
            let user = state.users.get(&id(who)?);
            ok(shapes::user(user.ok_or_else(problem::unknown_user)?))
        }
        _ => Err(problem::no_route()),
    }
}

fn guilds(state: &mut State, call: &Call, guild: Id, rest: &[&str]) -> Told {
    if (call.method.as_str(), rest) == ("POST", &["channels"]) {
        return channels::create(state, call, guild);
    }
    let found = state.guild(guild)?;
    match (call.method.as_str(), rest) {
        ("GET", []) => ok(shapes::guild(state, found)),
        ("GET", ["channels"]) => {
            let here = state.channels.values().filter(|c| c.guild == Some(guild));
            let here = here.filter(|c| c.kind <= CATEGORY || c.kind == 5);
            let seen = here.filter(|c| state.may(c, state.bot, super::permissions::VIEW_CHANNEL));
            ok(seen.map(|c| shapes::channel(state, c)).collect())
        }
        ("GET", ["roles"]) => ok(found
            .roles
            .values()
            .map(|r| shapes::role(found, r))
            .collect()),
        ("GET", ["members"]) => members(state, call, guild),
        ("GET", ["members", "search"]) => search(state, call, guild),
        ("GET", ["members", who]) => {
            let who = if *who == "@me" { state.bot } else { id(who)? };
            if !found.members.contains_key(&who) {
                return Err(problem::unknown_member());
            }
            ok(shapes::member(state, found, who))
        }
        _ => Err(problem::no_route()),
    }
}

/// How many a list may hold: `?limit=`.
pub fn limit(call: &Call, usual: usize, most: usize) -> Result<usize, Problem> {
    let Some(asked) = call.query.get("limit") else {
        return Ok(usual);
    };
    let asked: usize = asked.parse().unwrap_or(0);
    if (1..=most).contains(&asked) {
        return Ok(asked);
    }
    let message = format!("int value should be between 1 and {most}.");
    Err(problem::invalid("limit", "NUMBER_TYPE_MAX", &message))
}

fn members(state: &State, call: &Call, guild: Id) -> Told {
    if state.settings.privileged & GUILD_MEMBERS == 0 {
        return Err(problem::missing_access());
    }
    let guild = &state.guilds[&guild];
    let after = call.query.get("after").and_then(|a| a.parse().ok());
    let after: Id = after.unwrap_or(0);
    let page = guild.members.keys().filter(|m| **m > after);
    let page = page.take(limit(call, 1, 1000)?);
    ok(page.map(|m| shapes::member(state, guild, *m)).collect())
}

fn search(state: &State, call: &Call, guild: Id) -> Told {
    let guild = &state.guilds[&guild];
    let start = call
        .query
        .get("query")
        .cloned()
        .unwrap_or_default()
        .to_lowercase();
    let begins = |id: &&Id| {
        let nick = guild.members[id].nick.clone().unwrap_or_default();
        let names = [state.users[id].name.clone(), nick];
        names
            .iter()
            .any(|name| name.to_lowercase().starts_with(&start))
    };
    let found = guild
        .members
        .keys()
        .filter(begins)
        .take(limit(call, 1, 1000)?);
    ok(found.map(|m| shapes::member(state, guild, *m)).collect())
}

fn channels_route(state: &mut State, call: &Call, channel: Id, rest: &[&str]) -> Told {
    match (call.method.as_str(), rest) {
        ("GET", []) => ok(shapes::channel(state, state.channel(channel)?)),
        ("PATCH", []) => channels::edit(state, call, channel),
        ("DELETE", []) => channels::delete(state, channel),
        ("PUT", ["permissions", of]) => channels::set_overwrite(state, call, channel, id(of)?),
        ("DELETE", ["permissions", of]) => channels::drop_overwrite(state, channel, id(of)?),
        ("POST", ["typing"]) => state.channel(channel).and_then(|_| nothing()),
        ("GET", ["messages", "pins"]) => pins::page(state, call, channel),
        ("GET", ["pins"]) => pins::old_list(state, channel),
        ("PUT", ["messages", "pins", m] | ["pins", m]) => pins::pin(state, channel, id(m)?),
        ("DELETE", ["messages", "pins", m] | ["pins", m]) => pins::unpin(state, channel, id(m)?),
        ("POST", ["messages"]) => messages::create(state, call, channel),
        ("GET", ["messages"]) => messages::list_page(state, call, channel),
        ("GET", ["messages", m]) => messages::one(state, channel, id(m)?),
        ("PATCH", ["messages", m]) => messages::edit(state, call, channel, id(m)?),
        ("DELETE", ["messages", m]) => messages::delete(state, channel, id(m)?),
        ("POST", ["messages", m, "threads"]) => channels::thread(state, call, channel, id(m)?),
        (method @ ("PUT" | "DELETE"), ["messages", m, "reactions", emoji, "@me"]) => {
            pins::react(state, channel, id(m)?, emoji, method == "PUT")
        }
        _ => Err(problem::no_route()),
    }
}
