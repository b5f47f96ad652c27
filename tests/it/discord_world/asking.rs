//! Interactions in Discord's own shape, built from what the application registered and posted. What a
//! person could not do in a real client fails the test.

use super::model::{CATEGORY, Command, DM, Id, Interaction, Message, id_of, list, text};
use super::options;
use super::permissions::{USE_APPLICATION_COMMANDS, VIEW_CHANNEL};
use super::replies::{Modal, fields};
use super::shapes;
use super::state::State;
use serde_json::{Value, json};

/// What an interaction is about.
struct Ask {
    kind: u64,
    user: Id,
    channel: Id,
    message: Option<Id>,
    data: Value,
}

fn begin(state: &mut State, ask: &Ask) -> Id {
    let channel = state.channels[&ask.channel].clone();
    let who = ask.user;
    assert!(
        state.may(&channel, who, VIEW_CHANNEL),
        "{who} cannot see {}",
        channel.name
    );
    let id = state.snowflake();
    let token = format!("aW50ZXJhY3Rpb24{id:x}{:032x}", fastrand::u128(..));
    let mut place = shapes::channel(state, &channel);
    place["permissions"] = json!(state.rights(&channel, who).to_string());
    let mut payload = json!({
        "id": id.to_string(), "application_id": state.app.to_string(), "type": ask.kind,
        "data": &ask.data, "channel": place, "channel_id": channel.id.to_string(), "token": token,
        "version": 1, "locale": "en-US", "entitlements": [], "entitlement_sku_ids": [],
        "app_permissions": state.rights(&channel, state.bot).to_string(),
        "authorizing_integration_owners": {"0": channel.guild.unwrap_or(0).to_string()},
        "context": u8::from(channel.kind == DM), "attachment_size_limit": 10_485_760,
    });
    if let Some(guild) = state.guild_of(&channel) {
        let mut member = shapes::member(state, guild, who);
        member["permissions"] = json!(state.rights(&channel, who).to_string());
        payload["member"] = member;
        payload["guild_id"] = json!(guild.id.to_string());
        payload["guild_locale"] = json!("en-US");
        payload["guild"] = json!({"id": guild.id.to_string(), "locale": "en-US", "features": []});
    } else {
        payload["user"] = shapes::user(&state.users[&who]);
    }
    if let Some(message) = ask.message {
        payload["message"] = shapes::message(state, &state.messages[&message]);
    }
    state.interactions.insert(
        id,
        Interaction {
            id,
            kind: ask.kind,
            token,
            user: who,
            guild: channel.guild,
            channel: channel.id,
            created_ms: state.now_ms,
            message: ask.message,
            payload,
            initial: None,
            original: None,
            followups: Vec::new(),
            refused: None,
        },
    );
    id
}

/// The commands a person sees in this channel.
fn offered(state: &State, user: Id, channel: Id) -> Vec<Command> {
    let channel = &state.channels[&channel];
    assert!(channel.kind != CATEGORY, "nobody types in a category");
    let rights = state.rights(channel, user);
    let here = |c: &&Command| {
        let need = id_of(&c.body["default_member_permissions"]).unwrap_or(0);
        let contexts = list(&c.body["contexts"]);
        let place = u8::from(channel.kind == DM);
        let fits = contexts.is_empty() || contexts.iter().any(|v| *v == place);
        let scope = c.guild.is_none() || c.guild == channel.guild;
        let allowed = channel.kind == DM || rights & USE_APPLICATION_COMMANDS != 0;
        scope && fits && allowed && (channel.kind == DM || rights & need == need)
    };
    state.commands.iter().filter(here).cloned().collect()
}

/// The chosen command, the words below it, and the options at the end of them.
struct Chosen {
    command: Command,
    /// Kind and name of each step.
    steps: Vec<(u64, String)>,
    options: Value,
}

fn choose(state: &State, user: Id, channel: Id, words: &str) -> Chosen {
    let offered = offered(state, user, channel);
    let words: Vec<&str> = words.trim_start_matches('/').split_whitespace().collect();
    let mut found = Vec::new();
    for command in offered.iter().filter(|c| c.body["type"] == 1) {
        for leaf in leaves(&command.body) {
            let full: Vec<&str> = leaf.words.iter().map(String::as_str).collect();
            if full == words || full.ends_with(&words) {
                let exact = full == words;
                found.push((
                    exact,
                    Chosen {
                        command: command.clone(),
                        steps: leaf.steps,
                        options: leaf.options,
                    },
                ));
            }
        }
    }
    if found.iter().any(|(exact, _)| *exact) {
        found.retain(|(exact, _)| *exact);
    }
    let names: Vec<String> = offered.iter().map(|c| text(&c.body["name"])).collect();
    assert!(
        !found.is_empty(),
        "no command {words:?} is registered here; there are {names:?}"
    );
    assert!(
        found.len() == 1,
        "{words:?} is the end of more than one command"
    );
    found.remove(0).1
}

/// One way down to options.
struct Leaf {
    /// The words of it, the command's first.
    words: Vec<String>,
    steps: Vec<(u64, String)>,
    options: Value,
}

/// Every way down to options.
fn leaves(body: &Value) -> Vec<Leaf> {
    let name = text(&body["name"]);
    let nested = |o: &&Value| matches!(o["type"].as_u64(), Some(1 | 2));
    let below: Vec<&Value> = list(&body["options"]).iter().filter(nested).collect();
    if below.is_empty() {
        return vec![Leaf {
            words: vec![name],
            steps: Vec::new(),
            options: body["options"].clone(),
        }];
    }
    let mut all = Vec::new();
    for part in below {
        let step = (part["type"].as_u64().unwrap_or(0), text(&part["name"]));
        for mut leaf in leaves(part) {
            leaf.words.insert(0, name.clone());
            leaf.steps.insert(0, step.clone());
            all.push(leaf);
        }
    }
    all
}

fn command_data(chosen: &Chosen, filled: &[Value], resolved: Value) -> Value {
    let mut options = json!(filled);
    for (kind, name) in chosen.steps.iter().rev() {
        options = json!([{"type": kind, "name": name, "options": options}]);
    }
    let body = &chosen.command.body;
    let mut data = json!({
        "id": chosen.command.id.to_string(), "name": body["name"], "type": body["type"],
        "options": options,
    });
    if let Some(guild) = chosen.command.guild {
        data["guild_id"] = json!(guild.to_string());
    }
    if resolved.as_object().is_some_and(|map| !map.is_empty()) {
        data["resolved"] = resolved;
    }
    data
}

pub fn command(
    state: &mut State,
    user: Id,
    channel: Id,
    words: &str,
    given: &[(&str, &str)],
) -> Id {
    let chosen = choose(state, user, channel, words);
    let guild = state.channels[&channel].guild;
    let mut resolved = json!({});
    let filled = options::fill(state, guild, words, &chosen.options, given, &mut resolved);
    options::none_missing(words, &chosen.options, given);
    let data = command_data(&chosen, &filled, resolved);
    begin(
        state,
        &Ask {
            kind: 2,
            user,
            channel,
            message: None,
            data,
        },
    )
}

pub fn completion(
    state: &mut State,
    user: Id,
    channel: Id,
    words: &str,
    given: &[(&str, &str)],
    (option, typed): (&str, &str),
) -> Id {
    let chosen = choose(state, user, channel, words);
    let guild = state.channels[&channel].guild;
    let found = list(&chosen.options).iter().find(|o| o["name"] == option);
    let found = found.unwrap_or_else(|| panic!("{words} has no option {option:?}"));
    assert_eq!(
        found["autocomplete"], true,
        "{option} of {words} does not complete"
    );
    let mut resolved = json!({});
    let mut filled = options::fill(state, guild, words, &chosen.options, given, &mut resolved);
    // What is being typed is text whatever the option's type.
    filled.push(json!({"name": option, "type": found["type"], "value": typed, "focused": true}));
    let data = command_data(&chosen, &filled, resolved);
    begin(
        state,
        &Ask {
            kind: 4,
            user,
            channel,
            message: None,
            data,
        },
    )
}

pub fn message_menu(state: &mut State, user: Id, message: Id, name: &str) -> Id {
    let channel = state.messages[&message].channel;
    let offered = offered(state, user, channel);
    let command = offered
        .iter()
        .find(|c| c.body["type"] == 3 && c.body["name"] == name);
    let command =
        command.unwrap_or_else(|| panic!("no message command {name:?} is registered here"));
    let target = shapes::message(state, &state.messages[&message]);
    let mut data = json!({
        "id": command.id.to_string(), "name": name, "type": 3, "target_id": message.to_string(),
        "resolved": {"messages": {message.to_string(): target}},
    });
    if let Some(guild) = command.guild {
        data["guild_id"] = json!(guild.to_string());
    }
    begin(
        state,
        &Ask {
            kind: 2,
            user,
            channel,
            message: None,
            data,
        },
    )
}

/// A message this person has before them.
fn seen(state: &State, user: Id, message: Id) -> &Message {
    let found = &state.messages[&message];
    assert!(!found.deleted, "the message is gone");
    let asker = found.interaction.map(|id| state.interactions[&id].user);
    assert!(
        !found.ephemeral() || asker == Some(user),
        "only the one who asked sees this message"
    );
    found
}

fn part(state: &State, user: Id, message: Id, what: &str, test: impl Fn(&Value) -> bool) -> Value {
    let found = seen(state, user, message);
    let rows = list(&found.components).iter();
    let parts: Vec<&Value> = rows.flat_map(|row| list(&row["components"])).collect();
    let hit = parts.iter().find(|p| test(p));
    let hit = hit.unwrap_or_else(|| panic!("no {what} on {:?}; there are {parts:?}", found.text()));
    assert_ne!(hit["disabled"], true, "{what} is disabled");
    (*hit).clone()
}

fn pressed(state: &mut State, user: Id, message: Id, mut data: Value, part: &Value) -> Id {
    data["custom_id"] = part["custom_id"].clone();
    data["component_type"] = part["type"].clone();
    data["id"] = part["id"].clone();
    let channel = state.messages[&message].channel;
    begin(
        state,
        &Ask {
            kind: 3,
            user,
            channel,
            message: Some(message),
            data,
        },
    )
}

pub fn click(state: &mut State, user: Id, message: Id, label: &str) -> Id {
    let what = format!("button {label:?}");
    let part = part(state, user, message, &what, |p| {
        p["type"] == 2 && p["label"] == label
    });
    assert_ne!(
        part["style"], 5,
        "{what} is a link; nothing reaches the bot"
    );
    pressed(state, user, message, json!({}), &part)
}

pub fn select(state: &mut State, user: Id, message: Id, menu: &str, chosen: &[&str]) -> Id {
    let what = format!("menu {menu:?}");
    let named = |p: &Value| p["placeholder"] == menu || p["custom_id"] == menu;
    let part = part(state, user, message, &what, |p| p["type"] != 2 && named(p));
    let least = part["min_values"].as_u64().unwrap_or(1);
    let most = part["max_values"].as_u64().unwrap_or(1);
    assert!(
        (least..=most).contains(&(chosen.len() as u64)),
        "{what} takes {least} to {most}"
    );
    let guild = state.channels[&state.messages[&message].channel].guild;
    let mut resolved = json!({});
    let value = |state: &State, name: &str, resolved: &mut Value| match part["type"].as_u64() {
        Some(3) => {
            let options = list(&part["options"]).iter();
            let mut hits = options.filter(|o| o["label"] == name || o["value"] == name);
            let hit = hits
                .next()
                .unwrap_or_else(|| panic!("{what} has no option {name:?}"));
            hit["value"].clone()
        }
        // A menu of people, roles or channels: its number is one less than an option's.
        Some(kind) => options::resolve(state, guild, kind + 1, name, resolved),
        None => Value::Null,
    };
    let values: Vec<Value> = chosen
        .iter()
        .map(|name| value(state, name, &mut resolved))
        .collect();
    let mut data = json!({"values": values});
    if resolved.as_object().is_some_and(|map| !map.is_empty()) {
        data["resolved"] = resolved;
    }
    pressed(state, user, message, data, &part)
}

pub fn submit(state: &mut State, user: Id, form: &Modal, values: &[(&str, &str)]) -> Id {
    let before = state.interactions[&form.asked].clone();
    assert_eq!(
        before.user, user,
        "a form is filled in by whom it was shown to"
    );
    for (name, _) in values {
        let known = fields(&form.data)
            .iter()
            .any(|(label, f)| label == name || f["custom_id"] == *name);
        assert!(known, "the form has no field {name:?}");
    }
    let mut rows = Vec::new();
    for (row, (label, field)) in list(&form.data["components"])
        .iter()
        .zip(fields(&form.data))
    {
        let hit = values
            .iter()
            .find(|(name, _)| *name == label || field["custom_id"] == *name);
        let value = hit.map_or_else(|| text(&field["value"]), |(_, value)| (*value).to_owned());
        let length = value.chars().count() as u64;
        let least = field["min_length"].as_u64().unwrap_or(0);
        let most = field["max_length"].as_u64().unwrap_or(4000);
        let empty = length == 0 && field["required"] == false;
        let least = least.max(u64::from(field["required"] != false));
        assert!(
            empty || (least..=most).contains(&length),
            "{label:?} takes {least} to {most} characters"
        );
        let input = json!({"type": 4, "id": rows.len() * 2 + 2, "custom_id": field["custom_id"], "value": value});
        let id = rows.len() * 2 + 1;
        rows.push(if row["type"] == 18 {
            json!({"type": 18, "id": id, "component": input})
        } else {
            json!({"type": 1, "id": id, "components": [input]})
        });
    }
    let data = json!({"custom_id": form.data["custom_id"], "components": rows});
    begin(
        state,
        &Ask {
            kind: 5,
            user,
            channel: before.channel,
            message: before.message,
            data,
        },
    )
}
