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
    if let (Value::Array(theirs), Value::Array(mine)) = (theirs, ours) {
        if let (Some(first), Some(own)) = (theirs.first(), mine.first()) {
            missing(first, own, &format!("{path}/0"), found);
        }
        return;
    }
    let (Value::Object(theirs), Value::Object(mine)) = (theirs, ours) else {
        let kind = |v: &Value| v.to_string().chars().next();
        let same = match (theirs, ours) {
            (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) => true,
            (Value::Bool(_), Value::Bool(_)) | (Value::Null, _) | (_, Value::Null) => true,
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

/// Fields of the examples that are a user token's, of an incoming webhook's message, or of before 2021.
const OLD: [&str; 16] = [
    "attachments",
    "email",
    "has_2fa",
    "is_read_only",
    "last_read",
    "latest",
    "locale",
    "phone",
    "skype",
    "subscribed",
    "subtype",
    "title",
    "unread_count",
    "unread_count_display",
    // only when asked for, and text in the example
    "user_count",
    "username",
];

/// Fails when a field of Slack's example is missing in our answer, those of `OLD` and pictures aside.
fn answers(method: &str, ours: &Value) {
    let Some(mut theirs) = fixture(&format!("slack_api_examples/{method}.json")) else {
        return;
    };
    prune(&mut theirs);
    let mut found = Vec::new();
    missing(&theirs, ours, "", &mut found);
    assert!(found.is_empty(), "{method}: {found:#?}\nours: {ours:#}");
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !OLD.contains(&name.as_str()) && !name.starts_with("image_"));
            fields.values_mut().for_each(prune);
        }
        Value::Array(all) => all.iter_mut().for_each(prune),
        _ => {}
    }
}

#[tokio::test]
async fn answers_have_the_fields_of_slacks_examples() {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    let ana = world.user("ana").id().to_owned();
    let does = async |method: &str, args: Value| {
        let answer = app.call(method, args).await;
        answers(method, &answer);
        answer
    };
    does("auth.test", json!({})).await;
    let made = does("conversations.create", json!({"name": "inc"})).await;
    let room = made["channel"]["id"].as_str().unwrap();
    does(
        "conversations.invite",
        json!({"channel": room, "users": ana}),
    )
    .await;
    does("conversations.open", json!({"users": ana})).await;
    let said = does("chat.postMessage", json!({"channel": room, "text": "t"})).await;
    let ts = said["ts"].as_str().unwrap();
    does(
        "chat.postMessage",
        json!({"channel": room, "text": "r", "thread_ts": ts}),
    )
    .await;
    does(
        "chat.update",
        json!({"channel": room, "ts": ts, "text": "u"}),
    )
    .await;
    does(
        "chat.postEphemeral",
        json!({"channel": room, "user": ana, "text": "e"}),
    )
    .await;
    does("pins.add", json!({"channel": room, "timestamp": ts})).await;
    read_all(&world, room, ts).await;
    does("chat.delete", json!({"channel": room, "ts": ts})).await;
    does("conversations.archive", json!({"channel": room})).await;
}

/// The same for what only reads.
async fn read_all(world: &SlackWorld, room: &str, ts: &str) {
    let app = App::of(world);
    world.adds_usergroup("sre", &["ana"]);
    let (ana, about) = (world.user("ana"), ("channel", room));
    for (method, args) in [
        ("conversations.info", vec![about]),
        ("conversations.history", vec![about, ("limit", "1")]),
        (
            "conversations.replies",
            vec![about, ("ts", ts), ("limit", "1")],
        ),
        ("conversations.members", vec![about]),
        ("conversations.list", vec![]),
        ("users.conversations", vec![]),
        ("users.list", vec![]),
        ("users.info", vec![("user", ana.id())]),
        ("users.lookupByEmail", vec![("email", "ana@acme.test")]),
        ("usergroups.list", vec![]),
        ("pins.list", vec![about]),
        ("chat.getPermalink", vec![about, ("message_ts", ts)]),
    ] {
        answers(method, &app.reads(method, &args).await);
    }
}
