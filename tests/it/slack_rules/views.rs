//! Modals and Home tabs.

use super::app::{App, Socket};
use crate::slack_world::{SlackWorld, View};
use serde_json::{Value, json};
use std::time::Duration;

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text})
}

fn modal() -> Value {
    json!({
        "type": "modal", "callback_id": "declare", "private_metadata": "m", "notify_on_close": true,
        "title": plain("Declare"), "submit": plain("Send"), "close": plain("Cancel"),
        "blocks": [
            {"type": "input", "block_id": "what", "label": plain("What"),
             "element": {"type": "plain_text_input", "action_id": "text", "max_length": 20}},
            {"type": "input", "block_id": "who", "label": plain("Lead"), "optional": true,
             "element": {"type": "users_select", "action_id": "user"}},
            {"type": "input", "block_id": "how", "label": plain("Severity"),
             "element": {"type": "static_select", "action_id": "sev",
                "initial_option": {"text": plain("sev2"), "value": "2"},
                "options": [{"text": plain("sev1"), "value": "1"}, {"text": plain("sev2"), "value": "2"}]}},
            {"type": "actions", "block_id": "more", "elements": [
                {"type": "button", "action_id": "add", "text": plain("More"), "value": "v"},
                {"type": "static_select", "action_id": "env", "placeholder": plain("Where"),
                 "options": [{"text": plain("prod"), "value": "p"}]}]},
        ],
    })
}

/// A world with the modal open in front of ana, and the app's socket.
async fn open() -> (SlackWorld, App, Socket, View) {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    let mut socket = app.connects().await;
    let trigger = trigger(&world, &mut socket).await;
    let opened = app
        .call(
            "views.open",
            json!({"trigger_id": trigger, "view": modal()}),
        )
        .await;
    assert_eq!(opened["ok"], true, "{opened}");
    let view = world.expect_view("ana", "Declare").await;
    (world, app, socket, view)
}

async fn trigger(world: &SlackWorld, socket: &mut Socket) -> String {
    let ana = world.user("ana");
    let (reply, _) = tokio::join!(ana.types("/firebell", "general"), acks(socket, None));
    reply.assert_acked().trigger_id
}

async fn acks(socket: &mut Socket, answer: Option<Value>) -> Value {
    loop {
        let envelope = socket.next().await.unwrap();
        if envelope["type"] == "events_api" {
            socket.acks(&envelope, None).await;
            continue;
        }
        socket.acks(&envelope, answer).await;
        return envelope["payload"].clone();
    }
}

#[tokio::test]
async fn a_trigger_opens_one_modal_and_soon() {
    let (world, app, mut socket, _) = open().await;
    let used = world.sent()[0].payload["trigger_id"].clone();
    let again = json!({"trigger_id": used, "view": modal()});
    assert_eq!(
        app.refusal("views.open", again).await,
        "exchanged_trigger_id"
    );
    let none = json!({"trigger_id": "1.2.x", "view": modal()});
    assert_eq!(app.refusal("views.open", none).await, "invalid_trigger_id");
    world.stops_the_clock();
    let fresh = trigger(&world, &mut socket).await;
    world.time_passes(Duration::from_millis(3001));
    let late = json!({"trigger_id": fresh, "view": modal()});
    assert_eq!(app.refusal("views.open", late).await, "expired_trigger_id");
}

#[tokio::test]
async fn a_modal_is_filled_in_sent_and_answered() {
    let (world, _app, mut socket, view) = open().await;
    let ana = world.user("ana");
    let errors = json!({"response_action": "errors", "errors": {"what": "say more"}});
    let entered = [("What", "slow"), ("who", "bo")];
    let (submitted, payload) = tokio::join!(
        ana.submits(&view, &entered),
        acks(&mut socket, Some(errors))
    );
    assert_eq!(submitted.errors["what"], "say more");
    assert_eq!(submitted.view.unwrap().id, view.id);
    let values = &payload["view"]["state"]["values"];
    assert_eq!(
        values["what"]["text"],
        json!({"type": "plain_text_input", "value": "slow"})
    );
    assert_eq!(
        values["who"]["user"]["selected_user"],
        world.user("bo").id()
    );
    assert_eq!(values["how"]["sev"]["selected_option"]["value"], "2");
    assert_eq!(payload["view"]["private_metadata"], "m");

    let pressed = async {
        ana.picks_in(&view, "Where", "prod").await.assert_acked();
        ana.clicks_in(&view, "More").await.assert_acked();
    };
    let heard = async {
        acks(&mut socket, None).await;
        acks(&mut socket, None).await
    };
    let ((), payload) = tokio::join!(pressed, heard);
    assert_eq!(
        payload["container"],
        json!({"type": "view", "view_id": view.id})
    );
    let chosen = &payload["view"]["state"]["values"]["more"]["env"]["selected_option"]["value"];
    assert_eq!(chosen, "p");

    let mut next = modal();
    next["title"] = plain("Step two");
    let push = json!({"response_action": "push", "view": next});
    let (submitted, _) = tokio::join!(
        ana.submits(&view, &[("How", "x")][..0]),
        acks(&mut socket, Some(push))
    );
    let top = submitted.view.unwrap();
    assert_eq!(
        (top.title(), top.previous.as_ref()),
        ("Step two", Some(&view.id))
    );
    let clear = json!({"response_action": "clear"});
    let (submitted, _) = tokio::join!(
        ana.submits(&top, &[("What", "y")]),
        acks(&mut socket, Some(clear))
    );
    assert!(submitted.reply.outcome.acked && submitted.view.is_none());
    assert!(ana.looks_at().is_none());
}

#[tokio::test]
async fn slacks_client_sends_no_modal_that_is_wrong() {
    let (world, _app, mut socket, view) = open().await;
    let ana = world.user("ana");
    let wrong: [&'static [(&str, &str)]; 3] = [
        &[],
        &[("What", "more than twenty letters")],
        &[("Nowhere", "x")],
    ];
    for entered in wrong {
        let (ana, view) = (ana.clone(), view.clone());
        let sent = tokio::spawn(async move { ana.submits(&view, entered).await });
        assert!(sent.await.is_err());
    }
    let (reply, payload) = tokio::join!(ana.closes(&view), acks(&mut socket, None));
    assert!(reply.unwrap().outcome.acked);
    assert_eq!(payload["type"], "view_closed");
}

#[tokio::test]
async fn views_change_by_hash_and_homes_are_drawn() {
    let (world, app, mut socket, view) = open().await;
    let update = async |hash: &str| {
        app.call(
            "views.update",
            json!({"view_id": view.id, "hash": hash, "view": modal()}),
        )
        .await
    };
    assert_eq!(update("0.0").await["error"], "hash_conflict");
    let changed = update(&view.hash).await;
    assert_ne!(changed["view"]["hash"], view.hash.as_str());
    let lost = json!({"view_id": "V404", "view": modal()});
    assert_eq!(app.refusal("views.update", lost).await, "not_found");
    let mut top = view.clone();
    for _ in 0..2 {
        let ana = world.user("ana");
        let (reply, _) = tokio::join!(ana.clicks_in(&top, "More"), acks(&mut socket, None));
        let push = json!({"trigger_id": reply.trigger_id, "view": modal()});
        assert_eq!(app.call("views.push", push).await["ok"], true);
        top = ana.looks_at().unwrap();
    }
    let ana = world.user("ana");
    let (reply, _) = tokio::join!(ana.clicks_in(&top, "More"), acks(&mut socket, None));
    let push = json!({"trigger_id": reply.trigger_id, "view": modal()});
    assert_eq!(app.refusal("views.push", push).await, "push_limit_reached");

    let blocks = json!([{"type": "section", "text": {"type": "mrkdwn", "text": "your incidents"}}]);
    let home = json!({"user_id": ana.id(), "view": {"type": "home", "blocks": blocks}});
    assert_eq!(app.call("views.publish", home).await["ok"], true);
    world.expect_home("ana", "your incidents").await;
    let modal_as_home = json!({"user_id": ana.id(), "view": modal()});
    assert_eq!(
        app.refusal("views.publish", modal_as_home).await,
        "invalid_arguments"
    );
}

#[tokio::test]
async fn the_parts_of_a_view_have_their_limits() {
    let (world, app, mut socket, _) = open().await;
    let edges: [(&str, Value, Value); 6] = [
        ("title", plain(&"x".repeat(24)), plain(&"x".repeat(25))),
        ("submit", plain(&"x".repeat(24)), plain(&"x".repeat(25))),
        ("close", plain(&"x".repeat(24)), plain(&"x".repeat(25))),
        (
            "private_metadata",
            json!("x".repeat(3000)),
            json!("x".repeat(3001)),
        ),
        (
            "callback_id",
            json!("x".repeat(255)),
            json!("x".repeat(256)),
        ),
        ("submit", plain("Send"), Value::Null),
    ];
    let many = |n: usize| -> Value { (0..n).map(|_| json!({"type": "divider"})).collect() };
    let mut all = edges.to_vec();
    all.push(("blocks", many(100), many(101)));
    for (name, good, bad) in all {
        let mut view = modal();
        view[name] = bad;
        let trigger = trigger(&world, &mut socket).await;
        let told = app
            .call("views.open", json!({"trigger_id": trigger, "view": view}))
            .await;
        assert_eq!(told["error"], "invalid_arguments", "{name}");
        view[name] = good;
        let told = app
            .call("views.open", json!({"trigger_id": trigger, "view": view}))
            .await;
        assert_eq!(told["ok"], true, "{name}: {told}");
    }
}
