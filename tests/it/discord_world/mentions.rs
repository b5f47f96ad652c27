//! Whom a message rings: what its content names, cut down by `allowed_mentions`.
//!
//! Discord leaves what stands in code alone; the stand-in does not, so that nothing here rests on a
//! fence a sender's text could close.

use super::model::{Channel, Id, Rung, id_of, list};
use super::permissions::MENTION_EVERYONE;
use super::state::State;
use regex::Regex;
use serde_json::Value;

/// Who is rung by a message of `author` with this content; `replied` is the author of what it answers.
pub fn rung(
    state: &State,
    channel: &Channel,
    author: Id,
    body: &Value,
    replied: Option<Id>,
) -> Rung {
    let content = body["content"].as_str().unwrap_or_default();
    let allowed = &body["allowed_mentions"];
    let parses =
        |what: &str| allowed.is_null() || list(&allowed["parse"]).iter().any(|kind| kind == what);
    let listed = |what: &str, id: Id| list(&allowed[what]).iter().any(|v| id_of(v) == Some(id));
    let may_all = state.may(channel, author, MENTION_EVERYONE);
    let mut rung = Rung {
        everyone: named(content, r"@(everyone|here)\b") && parses("everyone") && may_all,
        users: found(content, r"<@!?(\d+)>"),
        roles: found(content, r"<@&(\d+)>"),
    };
    let users = parses("users");
    rung.users.retain(|id| state.users.contains_key(id));
    rung.users.retain(|id| users || listed("users", *id));
    let roles = parses("roles");
    let guild = state.guild_of(channel);
    rung.roles.retain(|id| {
        let role = guild.and_then(|g| g.roles.get(id));
        role.is_some_and(|role| role.mentionable || may_all)
    });
    rung.roles.retain(|id| roles || listed("roles", *id));
    let pinged = allowed.is_null() || allowed["replied_user"] == Value::Bool(true);
    if let Some(replied) = replied.filter(|id| pinged && !rung.users.contains(id)) {
        rung.users.push(replied);
    }
    rung
}

fn named(content: &str, pattern: &str) -> bool {
    Regex::new(pattern).unwrap().is_match(content)
}

fn found(content: &str, pattern: &str) -> Vec<Id> {
    let pattern = Regex::new(pattern).unwrap();
    let mut ids: Vec<Id> = pattern
        .captures_iter(content)
        .filter_map(|m| m[1].parse().ok())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
