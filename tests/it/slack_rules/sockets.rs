//! Socket Mode: who gets what, what is sent again, and how a socket ends.

use super::app::App;
use crate::slack_world::{Fault, Sequence, SlackWorld, Trouble};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

async fn sockets() -> (SlackWorld, App) {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    (world, app)
}

async fn opens(app: &App) -> Value {
    let opener = app.with_token(app.world.app_token());
    opener.call("apps.connections.open", json!({})).await
}

#[tokio::test]
async fn a_ticket_opens_one_socket() {
    let (world, app) = sockets().await;
    assert_eq!(
        app.refusal("apps.connections.open", json!({})).await,
        "not_allowed_token_type"
    );
    let url = opens(&app).await["url"].as_str().unwrap().to_owned();
    let (mut first, _) = connect_async(&url).await.unwrap();
    assert!(connect_async(&url).await.is_err());
    let hello = futures_util::StreamExt::next(&mut first)
        .await
        .unwrap()
        .unwrap();
    let hello: Value = serde_json::from_str(hello.to_text().unwrap()).unwrap();
    assert_eq!(hello["num_connections"], 1);
    assert_eq!(hello["connection_info"]["app_id"], world.app_id());
    assert!(hello["debug_info"]["approximate_connection_time"].is_u64());
}

#[tokio::test]
async fn an_eleventh_socket_is_turned_away() {
    let (world, app) = sockets().await;
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(app.connects().await);
    }
    world.expect_connected(10).await;
    let url = opens(&app).await["url"].as_str().unwrap().to_owned();
    let (mut stream, _) = connect_async(&url).await.unwrap();
    let told = futures_util::StreamExt::next(&mut stream)
        .await
        .unwrap()
        .unwrap();
    assert!(told.to_text().unwrap().contains("too_many_websockets"));
}

#[tokio::test]
async fn sockets_take_turns_and_each_envelope_goes_over_one() {
    let (world, app) = sockets().await;
    let (mut one, mut two) = (app.connects().await, app.connects().await);
    world.expect_connected(2).await;
    world.subscribes(&["app_home_opened"]);
    for name in ["ana", "bo"] {
        world.user(name).opens_home();
    }
    let (first, second) = tokio::join!(one.next(), two.next());
    let of = |e: Option<Value>| {
        e.unwrap()["payload"]["event"]["user"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_ne!(of(first), of(second));
    assert_eq!(world.sent().len(), 2);
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_once_more() {
    let (world, app) = sockets().await;
    world.tune(|t| t.ack_within = Duration::from_millis(50));
    world.subscribes(&["app_home_opened"]);
    let mut socket = app.connects().await;
    world.user("ana").opens_home();
    let (first, again) = (socket.next().await.unwrap(), socket.next().await.unwrap());
    assert_eq!(
        (&first["retry_attempt"], &first["retry_reason"]),
        (&json!(0), &json!(""))
    );
    assert_eq!(
        (&again["retry_attempt"], &again["retry_reason"]),
        (&json!(1), &json!("timeout"))
    );
    assert_eq!(first["payload"]["event_id"], again["payload"]["event_id"]);
    assert_ne!(first["envelope_id"], again["envelope_id"]);
    socket.acks(&again, None).await;
    let sent = world
        .expect_sent("the second", |s| s.acked_after.is_some())
        .await;
    assert_eq!(sent.retry, 1);
    assert_eq!(world.late().len(), 1);
    // too late is told as well, twice is a fault
    socket.acks(&first, None).await;
    socket.acks(&first, None).await;
    socket.acks(&json!({"envelope_id": "none"}), None).await;
    world
        .expect("the faults", Duration::from_secs(5), |s| {
            (s.violations.len() == 2).then_some(())
        })
        .await;
    assert_eq!(world.late().len(), 2);
    let told = world.forgives();
    assert!(
        told[0].contains("twice") && told[1].contains("nothing"),
        "{told:?}"
    );
}

#[tokio::test]
async fn without_a_socket_a_person_is_told_and_events_wait() {
    let (world, app) = sockets().await;
    let reply = world.user("ana").types("/firebell help", "general").await;
    assert_eq!(reply.outcome.error.as_deref(), Some("dispatch_failed"));
    world.user("bo").opens_home();
    let mut socket = app.connects().await;
    let late = socket.next().await.unwrap();
    assert_eq!(late["payload"]["event"]["type"], "app_home_opened");
    assert_eq!(late["retry_attempt"], 1);
}

#[tokio::test]
async fn an_app_that_stays_silent_times_out_for_the_person() {
    let (world, app) = sockets().await;
    world.tune(|t| {
        t.ack_within = Duration::from_millis(40);
        t.resend = false;
    });
    let _socket = app.connects().await;
    let reply = world.user("ana").types("/firebell help", "general").await;
    assert!(!reply.outcome.acked);
    assert_eq!(reply.outcome.error.as_deref(), Some("operation_timeout"));
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test]
async fn a_socket_ends_in_every_way() {
    let (world, app) = sockets().await;
    let mut socket = app.connects().await;
    for reason in ["warning", "refresh_requested", "link_disabled"] {
        world.disconnects(reason);
        assert_eq!(socket.next().await.unwrap()["reason"], reason);
    }
    // it was told to go, so nothing is sent over it any more
    let reply = world.user("ana").types("/firebell help", "general").await;
    assert_eq!(reply.outcome.error.as_deref(), Some("dispatch_failed"));
    assert_eq!(world.sockets(), 1);
    drop(socket);
    world.expect_disconnected().await;

    let mut closed = app.connects().await;
    world.closes_sockets(1001);
    let frame = futures_util::StreamExt::next(&mut closed.stream)
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(frame, Message::Close(Some(f)) if u16::from(f.code) == 1001));

    let mut dropped = app.connects().await;
    world.drops_sockets();
    assert!(
        futures_util::StreamExt::next(&mut dropped.stream)
            .await
            .unwrap()
            .is_err()
    );
    world.expect_disconnected().await;
}

#[tokio::test]
async fn a_frozen_socket_pings_no_more_and_others_get_its_work() {
    let (world, app) = sockets().await;
    world.tune(|t| t.ping_every = Duration::from_millis(20));
    let mut frozen = app.connects().await;
    let ping = futures_util::StreamExt::next(&mut frozen.stream)
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(ping, Message::Ping(_)));
    world.freezes_sockets();
    let silence = async {
        // what was under way still comes
        while futures_util::StreamExt::next(&mut frozen.stream)
            .await
            .is_some()
        {}
    };
    assert!(
        tokio::time::timeout(Duration::from_millis(200), silence)
            .await
            .is_err()
    );
    app.listens().await;
    world.expect_connected(1).await;
    world
        .user("ana")
        .types("/firebell help", "general")
        .await
        .assert_acked();
}

#[tokio::test]
async fn a_workspace_that_is_down_takes_nobody() {
    let (world, app) = sockets().await;
    let mut socket = app.connects().await;
    world.goes_down();
    assert!(socket.next().await.is_none());
    assert!(app.tries("auth.test", json!({})).await.is_err());
    world.comes_back();
    app.connects().await;
    world.meets(
        Fault::on("apps.connections.open")
            .times(1)
            .is(Trouble::Error("internal_error".to_owned())),
    );
    assert_eq!(opens(&app).await["error"], "internal_error");
    assert_eq!(opens(&app).await["ok"], true);
}

#[tokio::test]
async fn events_come_twice_backwards_and_again() {
    let (world, app) = sockets().await;
    world.subscribes(&["app_home_opened"]);
    let mut socket = app.connects().await;
    world.tune(|t| t.duplicate_events = true);
    world.user("ana").opens_home();
    let (one, two) = (socket.next().await.unwrap(), socket.next().await.unwrap());
    assert_eq!(one["payload"], two["payload"]);
    world.tune(|t| t.duplicate_events = false);
    for order in [Sequence::AsTheyHappened, Sequence::LatestFirst] {
        world.holds_events();
        world.user("bo").opens_home();
        world.user("cy").opens_home();
        world.lets_events_go(order);
        let who = socket.next().await.unwrap()["payload"]["event"]["user"].clone();
        let first = if order == Sequence::LatestFirst {
            "cy"
        } else {
            "bo"
        };
        assert_eq!(who, world.user(first).id());
        socket.next().await.unwrap();
    }
    let sent = world.sent().pop().unwrap();
    let replay = async { world.replays(&sent).await };
    let bot = async {
        let envelope = socket.next().await.unwrap();
        socket.acks(&envelope, None).await;
        envelope
    };
    let (outcome, envelope) = tokio::join!(replay, bot);
    assert!(outcome.acked);
    assert_eq!(envelope["payload"], sent.payload);
}
