//! How the bot answers a person: once within three seconds, then by the interaction's token for a
//! quarter of an hour.

use super::messages;
use super::model::{Id, Initial, Interaction, Message};
use super::problem::{self, Problem};
use super::routes::{Told, nothing, ok};
use super::state::{Call, File, State};
use super::{rules, shapes};
use serde_json::{Value, json};

pub const FIRST_ANSWER_MS: i64 = 3_000;
pub const TOKEN_MS: i64 = 15 * 60_000;

pub fn callback(state: &mut State, call: &Call, id: Id, token: &str) -> Told {
    let asked = state.interactions.get(&id);
    let asked = asked.filter(|asked| asked.token == token);
    let asked = asked.ok_or_else(problem::unknown_interaction)?;
    if asked.initial.is_some() {
        return Err(problem::already_acknowledged());
    }
    if state.now_ms - asked.created_ms > FIRST_ANSWER_MS {
        return Err(problem::unknown_interaction());
    }
    state.take_initial(id, &call.body, &call.files)?;
    if call
        .query
        .get("with_response")
        .is_some_and(|v| v == "true" || v == "1")
    {
        return ok(callback_shape(state, id));
    }
    nothing()
}

fn callback_shape(state: &State, id: Id) -> Value {
    let asked = &state.interactions[&id];
    let kind = asked.initial.as_ref().map_or(0, |initial| initial.kind);
    let mut interaction = json!({"id": id.to_string(), "type": asked.kind});
    if let Some(original) = asked.original.map(|m| &state.messages[&m]) {
        interaction["response_message_id"] = json!(original.id.to_string());
        interaction["response_message_loading"] = json!(original.flags & 128 != 0);
        interaction["response_message_ephemeral"] = json!(original.ephemeral());
        // Of a deferred answer there is nothing to show yet.
        if matches!(kind, 4 | 7) {
            let message = shapes::message(state, original);
            let resource = json!({"type": kind, "message": message});
            return json!({"interaction": interaction, "resource": resource});
        }
    }
    json!({"interaction": interaction})
}

/// Which first answers fit which interaction.
fn fits(kind: u64, asked: &Interaction) -> bool {
    match kind {
        4 | 5 => asked.kind != 4,
        6 | 7 => asked.message.is_some() && matches!(asked.kind, 3 | 5),
        8 => asked.kind == 4,
        9 => matches!(asked.kind, 2 | 3),
        _ => false,
    }
}

impl State {
    /// Takes the first answer, however it came.
    pub fn take_initial(&mut self, id: Id, body: &Value, files: &[File]) -> Result<(), Problem> {
        let asked = self.interactions[&id].clone();
        let kind = body["type"].as_u64().unwrap_or(0);
        let data = &body["data"];
        if !fits(kind, &asked) {
            let message = "This answer does not fit the interaction.";
            return Err(problem::invalid(
                "type",
                "INTERACTION_APPLICATION_COMMAND_CALLBACK_TYPE",
                message,
            ));
        }
        match kind {
            8 => rules::choices(data)?,
            9 => rules::modal(data)?,
            4 | 7 => rules::message(data, files.len()).map_err(under_data)?,
            _ => {}
        }
        let original = match kind {
            4 => {
                rules::not_empty(data, files.len())?;
                Some(self.answer_with(&asked, data, files, 0)?)
            }
            5 => Some(self.answer_with(&asked, data, &[], 128)?),
            7 => {
                let pressed = asked.message.unwrap();
                self.change(pressed, data, files)?;
                Some(pressed)
            }
            6 => asked.message,
            _ => None,
        };
        let asked = self.interactions.get_mut(&id).unwrap();
        asked.original = original;
        asked.initial = Some(Initial {
            kind,
            data: data.clone(),
            at_ms: self.now_ms,
        });
        Ok(())
    }

    fn answer_with(
        &mut self,
        asked: &Interaction,
        data: &Value,
        files: &[File],
        flags: u64,
    ) -> Result<Id, Problem> {
        let mut message = messages::compose(self, asked.channel, self.bot, data, files)?;
        message.interaction = Some(asked.id);
        message.flags |= flags;
        if flags & 128 != 0 {
            // "firebell is thinking…"
            message.content.clear();
        }
        Ok(self.post(message))
    }
}

/// Faults of a callback's message are told under `data`.
fn under_data(mut problem: Problem) -> Problem {
    problem.errors = json!({"data": problem.errors});
    problem
}

/// `rest` is what follows the token: nothing, or `messages/…`.
pub fn webhook(state: &mut State, call: &Call, app: Id, token: &str, rest: &[&str]) -> Told {
    let found = state.interactions.values().find(|i| i.token == token);
    let asked = found
        .filter(|_| app == state.app)
        .ok_or_else(problem::unknown_webhook)?;
    if state.now_ms - asked.created_ms > TOKEN_MS {
        return Err(problem::expired_token());
    }
    if asked.initial.is_none() {
        return Err(problem::unknown_webhook());
    }
    let asked = asked.clone();
    match (call.method.as_str(), rest) {
        ("POST", []) => followup(state, call, &asked),
        ("GET", ["messages", which]) => {
            let id = target(state, &asked, which)?;
            ok(shapes::message(state, &state.messages[&id]))
        }
        ("PATCH", ["messages", which]) => {
            let id = target(state, &asked, which)?;
            edit(state, call, id)
        }
        ("DELETE", ["messages", which]) => {
            let id = target(state, &asked, which)?;
            state.remove(id);
            nothing()
        }
        _ => Err(problem::no_route()),
    }
}

fn target(state: &State, asked: &Interaction, which: &str) -> Result<Id, Problem> {
    let id = if which == "@original" {
        asked.original
    } else {
        which
            .parse()
            .ok()
            .filter(|id| asked.followups.contains(id) || asked.original == Some(*id))
    };
    id.filter(|id| state.messages.get(id).is_some_and(|m| !m.deleted))
        .ok_or_else(problem::unknown_message)
}

fn edit(state: &mut State, call: &Call, id: Id) -> Told {
    rules::message(&call.body, call.files.len())?;
    let before: &Message = &state.messages[&id];
    messages::still_something(before, &call.body, call.files.len())?;
    let loading = before.flags & 128 != 0;
    if loading {
        fill(state, call, id)?;
    }
    state.change(id, &call.body, &call.files)?;
    ok(shapes::message(state, &state.messages[&id]))
}

/// A deferred answer gets its text: only now does it ring anybody.
fn fill(state: &mut State, call: &Call, id: Id) -> Result<(), Problem> {
    let channel = state.messages[&id].channel;
    let made = messages::compose(state, channel, state.bot, &call.body, &[])?;
    let message = state.messages.get_mut(&id).unwrap();
    message.flags &= !128;
    message.rung = made.rung;
    Ok(())
}

/// The first one after a deferred answer takes its place, as Discord does it.
fn followup(state: &mut State, call: &Call, asked: &Interaction) -> Told {
    rules::message(&call.body, call.files.len())?;
    rules::not_empty(&call.body, call.files.len())?;
    let waiting = asked
        .original
        .filter(|id| state.messages[id].flags & 128 != 0);
    if let Some(id) = waiting {
        return edit(state, call, id);
    }
    let mut message = messages::compose(state, asked.channel, state.bot, &call.body, &call.files)?;
    message.interaction = Some(asked.id);
    let id = state.post(message);
    let asked = state.interactions.get_mut(&asked.id).unwrap();
    asked.followups.push(id);
    ok(shapes::message(state, &state.messages[&id]))
}
