//! What the application has registered: globally and per server.

use super::command_rules;
use super::model::{Command, Id, list, text};
use super::problem::{self, Problem};
use super::routes::{Answer, Told, id, nothing, ok};
use super::shapes;
use super::state::{Call, State};
use serde_json::{Value, json};

/// `rest` is what follows the application: `commands…` or `guilds/{id}/commands…`.
pub fn route(state: &mut State, call: &Call, app: Id, rest: &[&str]) -> Told {
    if app != state.app {
        let message = "You are not authorized to perform this action on this application";
        return Err(Problem::new(403, 20012, message));
    }
    let (guild, rest) = match rest {
        ["guilds", guild, rest @ ..] => {
            let guild = id(guild)?;
            state.guild(guild)?;
            (Some(guild), rest)
        }
        rest => (None, rest),
    };
    match (call.method.as_str(), rest) {
        ("GET", ["commands"]) => ok(all(state, guild)),
        ("PUT", ["commands"]) => overwrite(state, call, guild),
        ("POST", ["commands"]) => create(state, call, guild),
        ("GET", ["commands", command]) => {
            let at = position(state, guild, id(command)?)?;
            ok(shapes::command(state, &state.commands[at]))
        }
        ("PATCH", ["commands", command]) => edit(state, call, guild, id(command)?),
        ("DELETE", ["commands", command]) => {
            let at = position(state, guild, id(command)?)?;
            state.commands.remove(at);
            nothing()
        }
        _ => Err(problem::no_route()),
    }
}

fn all(state: &State, guild: Option<Id>) -> Value {
    let here = state.commands.iter().filter(|c| c.guild == guild);
    here.map(|c| shapes::command(state, c)).collect()
}

fn position(state: &State, guild: Option<Id>, id: Id) -> Result<usize, Problem> {
    let found = state
        .commands
        .iter()
        .position(|c| c.id == id && c.guild == guild);
    found.ok_or_else(problem::unknown_command)
}

/// A definition with everything Discord adds to it.
fn completed(state: &mut State, given: &Value) -> Value {
    let mut body = given.clone();
    let usual = [
        ("type", json!(1)),
        ("description", json!("")),
        ("nsfw", json!(false)),
        ("default_member_permissions", Value::Null),
        ("contexts", Value::Null),
        ("integration_types", json!([0])),
    ];
    for (key, value) in usual {
        if body[key].is_null() {
            body[key] = value;
        }
    }
    if let Some(bits) = body["default_member_permissions"].as_u64() {
        body["default_member_permissions"] = json!(bits.to_string());
    }
    body["version"] = json!(state.snowflake().to_string());
    if let Some(map) = body.as_object_mut() {
        for key in [
            "options",
            "id",
            "name_localizations",
            "description_localizations",
        ] {
            if map.get(key).is_some_and(Value::is_null) || key == "id" {
                map.remove(key);
            }
        }
    }
    tidied(&mut body);
    body
}

/// Options without nulls, as Discord gives them back.
fn tidied(body: &mut Value) {
    let Some(options) = body["options"].as_array_mut() else {
        if let Some(map) = body.as_object_mut() {
            map.remove("options");
        }
        return;
    };
    for option in options {
        if let Some(map) = option.as_object_mut() {
            map.retain(|_, value| !value.is_null());
        }
        tidied(option);
    }
}

fn key(body: &Value) -> (u64, String) {
    (body["type"].as_u64().unwrap_or(1), text(&body["name"]))
}

fn overwrite(state: &mut State, call: &Call, guild: Option<Id>) -> Told {
    command_rules::check_all(list(&call.body))?;
    let here = |c: &Command| c.guild == guild;
    let before: Vec<Command> = state.commands.iter().filter(|c| here(c)).cloned().collect();
    state.commands.retain(|c| !here(c));
    for given in list(&call.body) {
        let kept = before.iter().find(|c| key(&c.body) == key(given));
        let id = kept.map(|c| c.id);
        put(state, guild, id, given);
    }
    ok(all(state, guild))
}

fn put(state: &mut State, guild: Option<Id>, id: Option<Id>, given: &Value) -> Value {
    let id = id.unwrap_or_else(|| state.snowflake());
    let body = completed(state, given);
    let command = Command { id, guild, body };
    let shape = shapes::command(state, &command);
    state.commands.push(command);
    shape
}

fn create(state: &mut State, call: &Call, guild: Option<Id>) -> Told {
    command_rules::check_one(&call.body)?;
    let same = |c: &Command| c.guild == guild && key(&c.body) == key(&call.body);
    let before = state.commands.iter().position(same);
    let id = before.map(|at| state.commands.remove(at).id);
    let status = if id.is_some() { 200 } else { 201 };
    let body = put(state, guild, id, &call.body);
    Ok(Answer { status, body })
}

fn edit(state: &mut State, call: &Call, guild: Option<Id>, id: Id) -> Told {
    let at = position(state, guild, id)?;
    let mut body = state.commands[at].body.clone();
    for (key, value) in call.body.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    command_rules::check_one(&body)?;
    state.commands.remove(at);
    ok(put(state, guild, Some(id), &body))
}
