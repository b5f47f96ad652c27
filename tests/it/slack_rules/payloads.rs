//! What goes to the app has the shape of payloads by Slack's own hands: the fixtures of Bolt for
//! Python's tests, and the answers the shape of the examples in Slack's description of its API.

use super::app::{App, Socket};
use crate::slack_world::SlackWorld;
use serde_json::{Value, json};
use std::path::PathBuf;

/// A document by others, or `None` after saying that it is missing.
fn fixture(path: &str) -> Option<Value> {
    let own = std::env::var_os("FIREBELL_SPECS").map(PathBuf::from);
    let folder =
        own.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/specs"));
    let Ok(text) = std::fs::read_to_string(folder.join(path)) else {
        crate::tools::skip(&format!("{path} not found (FIREBELL_SPECS)"));
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// Fields that belong to an Enterprise Grid, or that Slack no longer sends.
const NOT_OURS: [&str; 8] = [
    "enterprise_id",
    "enterprise_name",
    "__form",
    "authed_users",
    "state",
    "authorizations",
    "blocks",
    "event_context",
];

/// What of `theirs` is missing in `ours` or has another type.
fn missing(theirs: &Value, ours: &Value, path: &str, found: &mut Vec<String>) {
    let (Value::Object(theirs), Value::Object(mine)) = (theirs, ours) else {
        let kind = |v: &Value| v.to_string().chars().next();
        let same = match (theirs, ours) {
            (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) => true,
            (Value::Bool(_), Value::Bool(_)) | (Value::Null, _) | (_, Value::Null) => true,
            (Value::Array(_), Value::Array(_)) => true,
            _ => kind(theirs) == kind(ours),
        };
        if !same {
            found.push(format!("{path}: {theirs} and {ours}"));
        }
        return;
    };
    for (name, value) in theirs {
        if NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        match mine.get(name) {
            None => found.push(format!("{path}/{name} is missing")),
            Some(own) => missing(value, own, &format!("{path}/{name}"), found),
        }
    }
}

fn holds(name: &str, ours: &Value) {
    let Some(theirs) = fixture(&format!("slack-bolt-payloads/{name}.json")) else {
        return;
    };
    let mut found = Vec::new();
    missing(&theirs, ours, "", &mut found);
    assert!(found.is_empty(), "{name}: {found:#?}\nours: {ours:#}");
}

async fn acks(socket: &mut Socket, kind: &str) -> Value {
    let envelope = socket.next_of(kind).await;
    socket.acks(&envelope, None).await;
    envelope["payload"].clone()
}

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": true})
}

#[tokio::test]
async fn commands_and_interactions_have_the_fields_of_slacks_own() {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    let mut socket = app.connects().await;
    let ana = world.user("ana");
    let (reply, command) = tokio::join!(
        ana.types("/hello-world Hi", "random"),
        acks(&mut socket, "slash_commands")
    );
    holds("slash.slash_command.slash_command_body", &command);

    let input = json!({"type": "input", "block_id": "hspI", "label": plain("Label"), "optional": false, "element": {"type": "plain_text_input", "action_id": "maBWU"}});
    let view = json!({"type": "modal", "callback_id": "view-id", "title": plain("My App"), "submit": plain("Submit"), "close": plain("Cancel"), "notify_on_close": true, "blocks": [input]});
    app.call(
        "views.open",
        json!({"trigger_id": reply.trigger_id, "view": view}),
    )
    .await;
    let view = world.expect_view("ana", "My App").await;
    let (_, sent) = tokio::join!(
        ana.submits(&view, &[("Label", "test")]),
        acks(&mut socket, "interactive")
    );
    holds("view_submission.view_submission.body", &sent);
    assert_eq!(
        sent["view"]["state"]["values"]["hspI"]["maBWU"]["value"],
        "test"
    );
    let (_, closed) = tokio::join!(ana.closes(&view), acks(&mut socket, "interactive"));
    let mut closed = closed;
    closed["response_urls"] = json!([]);
    holds("view_closed.view_closed.body", &closed);

    let room = app.creates("inc").await;
    let button = json!({"type": "button", "action_id": "a", "text": plain("Button"), "value": "click_me_123"});
    let blocks = json!([{"type": "actions", "block_id": "b", "elements": [button]}]);
    app.call(
        "chat.postMessage",
        json!({"channel": room, "text": "t", "blocks": blocks}),
    )
    .await;
    let message = world.expect_message("inc", "Button").await;
    let (_, click) = tokio::join!(
        ana.clicks(&message, "Button"),
        acks(&mut socket, "interactive")
    );
    holds("block_actions.block_actions.body", &click);
    assert_eq!(click["container"]["is_ephemeral"], false);
    let mut said = world.user("bo").says("random", "test");
    said.reactions.clear();
    let (_, short) = tokio::join!(
        ana.uses_shortcut("test-shortcut", &said),
        acks(&mut socket, "interactive")
    );
    holds("message_action.app_using_methods_in_class.payload", &short);
    let (_, global) = tokio::join!(
        ana.uses_global_shortcut("test-shortcut"),
        acks(&mut socket, "interactive")
    );
    holds("shortcut.shortcut.global_shortcut_body", &global);
}

#[tokio::test]
async fn events_have_the_fields_of_slacks_own() {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    let room = app.creates("inc").await;
    let mut socket = app.connects().await;
    let ana = world.user("ana");
    world.user("bo").invites("ana", &room);
    holds(
        "event_callback.events.join_event_body",
        &socket.next_event("member_joined_channel").await,
    );
    socket.next_event("message").await;
    let said = ana.says(&room, "original message");
    holds(
        "event_callback.message_bot.user_message_event_payload",
        &socket.next_event("message").await,
    );
    app.posts(&room, "by a bot").await;
    holds(
        "event_callback.message_bot.bot_message_event_payload",
        &socket.next_event("message").await,
    );
    ana.edits(&said, "updated message");
    holds(
        "event_callback.message_changed.event_payload",
        &socket.next_event("message").await,
    );
    ana.reacts(&said, "heart_eyes");
    holds(
        "event_callback.events.valid_reaction_added_body",
        &socket.next_event("reaction_added").await,
    );
    ana.deletes(&said);
    holds(
        "event_callback.message_deleted.event_payload",
        &socket.next_event("message").await,
    );
    ana.says(&room, "@firebell Hi there!");
    holds(
        "event_callback.events.valid_event_body",
        &socket.next_event("app_mention").await,
    );
    ana.leaves(&room);
    holds(
        "event_callback.events.left_event_body",
        &socket.next_event("member_left_channel").await,
    );
    world.user("bo").uninstalls_the_app();
    holds(
        "event_callback.events.tokens_revoked_body",
        &socket.next_event("tokens_revoked").await,
    );
    holds(
        "event_callback.events.app_uninstalled_body",
        &socket.next_event("app_uninstalled").await,
    );
}
