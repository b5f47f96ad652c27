//! What a person types into a command's options, as the values Discord makes of it.

use super::model::{Id, list, text};
use super::shapes;
use super::state::State;
use serde_json::{Value, json};

/// The given options in their registered types; fails for one that is not registered or does not fit.
pub fn fill(
    state: &State,
    guild: Option<Id>,
    words: &str,
    options: &Value,
    given: &[(&str, &str)],
    resolved: &mut Value,
) -> Vec<Value> {
    let one = |(name, typed): &(&str, &str)| {
        let option = list(options).iter().find(|o| o["name"] == *name);
        let option = option.unwrap_or_else(|| panic!("{words} has no option {name:?}"));
        let value = value(state, guild, option, typed, resolved);
        json!({"name": name, "type": option["type"], "value": value})
    };
    given.iter().map(one).collect()
}

/// Fails when an option that is required was not given.
pub fn none_missing(words: &str, options: &Value, given: &[(&str, &str)]) {
    for option in list(options).iter().filter(|o| o["required"] == true) {
        let name = text(&option["name"]);
        let there = given.iter().any(|(given, _)| *given == name);
        assert!(there, "{words} requires {name:?}");
    }
}

fn value(
    state: &State,
    guild: Option<Id>,
    option: &Value,
    typed: &str,
    resolved: &mut Value,
) -> Value {
    let name = text(&option["name"]);
    let choices = list(&option["choices"]);
    if !choices.is_empty() {
        let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        let hit = choices
            .iter()
            .find(|c| c["name"] == typed || plain(&c["value"]) == typed);
        return hit.unwrap_or_else(|| panic!("{name} does not offer {typed:?}"))["value"].clone();
    }
    match option["type"].as_u64() {
        Some(3) => {
            let length = typed.chars().count() as u64;
            let least = option["min_length"].as_u64().unwrap_or(0);
            let most = option["max_length"].as_u64().unwrap_or(6000);
            assert!(
                (least..=most).contains(&length),
                "{name} takes {least} to {most} characters"
            );
            json!(typed)
        }
        Some(4) => {
            let number: i64 = typed
                .parse()
                .unwrap_or_else(|_| panic!("{name} takes an integer"));
            within(&name, option, json!(number).as_f64().unwrap());
            json!(number)
        }
        Some(5) => json!(
            typed
                .parse::<bool>()
                .unwrap_or_else(|_| panic!("{name} takes true or false"))
        ),
        Some(10) => {
            let number: f64 = typed
                .parse()
                .unwrap_or_else(|_| panic!("{name} takes a number"));
            within(&name, option, number);
            json!(number)
        }
        Some(kind @ 6..=9) => resolve(state, guild, kind, typed, resolved),
        other => panic!("{name} has type {other:?}, which people cannot type"),
    }
}

fn within(name: &str, option: &Value, number: f64) {
    let least = option["min_value"].as_f64().unwrap_or(f64::MIN);
    let most = option["max_value"].as_f64().unwrap_or(f64::MAX);
    assert!(
        (least..=most).contains(&number),
        "{name} takes {least} to {most}"
    );
}

/// A person (6), channel (7), role (8) or either of people and roles (9) by name; what is known of it
/// goes into `resolved`.
pub fn resolve(
    state: &State,
    guild: Option<Id>,
    kind: u64,
    name: &str,
    resolved: &mut Value,
) -> Value {
    let user = state.user_named(name).filter(|_| matches!(kind, 6 | 9));
    if let Some(user) = user {
        resolved["users"][user.to_string()] = shapes::user(&state.users[&user]);
        let server = guild.and_then(|g| state.guilds.get(&g));
        if let Some(member) = server.and_then(|g| g.members.get(&user)) {
            let mut shape = shapes::partial_member(member);
            shape["permissions"] =
                json!(super::permissions::in_guild(server.unwrap(), user).to_string());
            resolved["members"][user.to_string()] = shape;
        }
        return json!(user.to_string());
    }
    let role = guild
        .and_then(|g| state.role_named(g, name))
        .filter(|_| matches!(kind, 8 | 9));
    if let (Some(role), Some(guild)) = (role, guild) {
        let server = &state.guilds[&guild];
        resolved["roles"][role.to_string()] = shapes::role(server, &server.roles[&role]);
        return json!(role.to_string());
    }
    let channel = state.channel_named(name).filter(|_| kind == 7);
    let channel =
        channel.unwrap_or_else(|| panic!("Discord knows nothing of type {kind} called {name:?}"));
    let mut shape = shapes::channel(state, &state.channels[&channel]);
    shape["permissions"] = json!(
        state
            .rights(&state.channels[&channel], state.bot)
            .to_string()
    );
    resolved["channels"][channel.to_string()] = shape;
    json!(channel.to_string())
}
