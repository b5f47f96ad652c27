//! The ways requests come: sockets and everything that ends them, signed HTTP, several workspaces.

use super::{PATIENCE, Side, directory, engine, quick_world, settings};
use crate::slack_world::{Fault, Trouble};
use firebell::chat::heard::Voice;
use firebell::hear::Ear;
use firebell::platform::slack::{self, Slack};
use secrecy::SecretString;
use std::sync::Arc;

/// A command still gets through.
async fn works(side: &Side, n: usize) {
    let ana = side.world.user("ana");
    let line = format!("/firebell new number{n} is wrong");
    ana.types(&line, "general").await.assert_acked();
    side.world
        .expect_message("general", &format!("number{n} is wrong"))
        .await;
}

/// What ends a socket, and its name.
type Deed = (&'static str, fn(&Side));

#[tokio::test]
async fn every_end_of_a_socket_is_survived() {
    let side = Side::start().await;
    works(&side, 0).await;
    let opened = || side.world.calls("apps.connections.open").len();
    let deeds: [Deed; 6] = [
        ("warning", |s| s.world.disconnects("warning")),
        ("refresh", |s| s.world.disconnects("refresh_requested")),
        ("closed", |s| s.world.closes_sockets(1001)),
        ("refused", |s| s.world.closes_sockets(1008)),
        ("dropped", |s| s.world.drops_sockets()),
        ("frozen", |s| s.world.freezes_sockets()),
    ];
    for (n, (what, deed)) in deeds.into_iter().enumerate() {
        let before = opened();
        deed(&side);
        side.world
            .expect(what, PATIENCE, |s| {
                let calls = s
                    .calls
                    .iter()
                    .filter(|c| c.method == "apps.connections.open");
                (calls.count() > before).then_some(())
            })
            .await;
        side.world.expect_connected(1).await;
        side.up().await;
        works(&side, n + 1).await;
    }
    assert!(side.world.late().is_empty(), "{:?}", side.world.late());
}

#[tokio::test]
async fn the_next_socket_is_open_before_the_old_one_goes() {
    let side = Side::start().await;
    side.world.disconnects("refresh_requested");
    side.world
        .expect("two sockets at once", PATIENCE, |s| {
            (s.sockets.open.len() == 2).then_some(())
        })
        .await;
    side.world
        .expect("one socket", PATIENCE, |s| {
            (s.sockets.open.len() == 1).then_some(())
        })
        .await;
    works(&side, 1).await;
}

#[tokio::test]
async fn socket_mode_that_was_switched_off_is_said_plainly() {
    let side = Side::start().await;
    let opening = "apps.connections.open";
    let tried = side.world.calls(opening).len();
    side.world
        .meets(Fault::on(opening).is(Trouble::Status(503)));
    side.world.disconnects("link_disabled");
    side.down("Socket Mode is switched off").await;
    side.world.drops_sockets();
    // What else goes wrong until it is back is not the reason.
    side.world.expect_calls(opening, tried + 4).await;
    side.down("Socket Mode is switched off").await;
    let told = side.slack.link().state().trouble;
    assert!(told.is_some_and(|t| t.contains("switched off")));
    side.world.is_well();
    side.up().await;
}

#[tokio::test]
async fn a_line_that_ends_before_the_next_one_opens_is_said() {
    let side = Side::start().await;
    let opening = Fault::on("apps.connections.open");
    side.world.meets(opening.is(Trouble::Status(503)));
    side.world.disconnects("refresh_requested");
    side.world.drops_sockets();
    side.down("HTTP 503").await;
    side.world.is_well();
    side.up().await;
}

#[tokio::test]
async fn a_bad_app_token_is_said_plainly() {
    let world = quick_world().await;
    let side = Side::unconnected(world, |s| {
        s.app_token = Some(SecretString::from("xapp-1-nonsense"));
    })
    .await;
    slack::start(std::slice::from_ref(&side.slack), &side.ear);
    side.down("refuses the app token").await;
}

#[tokio::test]
async fn workspaces_of_one_app_share_a_socket_and_get_what_is_theirs() {
    let first = quick_world().await;
    let second = first.second_team("umbrella", &["zoe"]);
    let scratch = tempfile::tempdir().unwrap();
    let engine = engine(&scratch, directory(&first)).await;
    let place = |world, name: &str| {
        let mut settings = settings(world);
        settings.place.name = name.to_owned();
        Arc::new(Slack::new(engine.clone(), &settings).unwrap())
    };
    let places = [place(&first, "slack"), place(&second, "umbrella")];
    let voices = places.iter().map(|p| p.clone() as Arc<dyn Voice>);
    let ear = Ear::new(engine.clone(), voices.collect());
    slack::start(&places, &ear);
    first.expect_connected(1).await;
    for (world, name) in [(&first, "ana"), (&second, "zoe")] {
        let line = format!("/firebell new {name} sees smoke");
        world
            .user(name)
            .types(&line, "general")
            .await
            .assert_acked();
        world
            .expect_message("general", &format!("{name} sees smoke"))
            .await;
    }
    assert_eq!(first.calls("apps.connections.open").len(), 1);
    // A third one is not configured: it is acknowledged and nothing happens.
    let third = first.second_team("initech", &["bill"]);
    third
        .user("bill")
        .types("/firebell new smoke", "general")
        .await
        .assert_acked();
    let quiet = third.messages("general");
    assert!(quiet.iter().all(|m| !m.words().contains("smoke")));
}

#[tokio::test]
async fn signed_requests_are_heard_and_forged_or_replayed_ones_refused() {
    let side = Side::by_http(quick_world().await).await;
    side.world.verifies_url().await.unwrap();
    works(&side, 1).await;
    let room = side.world.user("ana").creates_channel("ops");
    side.world.user("ana").invites("firebell", &room);
    side.world.user("ana").says(&room, "hello");
    let said = side
        .world
        .expect_sent("the message", |s| {
            s.payload["event"]["text"] == "hello" && s.acked_after.is_some()
        })
        .await;
    assert_eq!(
        side.world
            .posts_forged(&said, Some("another secret"), 0)
            .await,
        401
    );
    assert_eq!(side.world.posts_forged(&said, None, 301).await, 401);
    assert_eq!(side.world.posts_forged(&said, None, 60).await, 200);
    assert!(
        !side.world.replays(&said).await.acked,
        "a replay is refused"
    );
}

#[tokio::test]
async fn what_is_for_another_app_of_the_workspace_is_refused() {
    let side = Side::by_http(quick_world().await).await;
    let room = side.major("Broken").await;
    let ana = side.world.user("ana");
    ana.joins(&room);
    ana.says(&room, "hello");
    let said = side.world.expect_sent("the message", |s| {
        s.payload["event"]["text"] == "hello" && s.acked_after.is_some()
    });
    let mut other = said.await;
    side.until_told(1, "hello").await;
    other.payload["event_id"] = "Ev0OTHER".into();
    other.payload["event"]["text"] = "for somebody else".into();
    other.payload["api_app_id"] = "A0SOMEBODY".into();
    assert_eq!(side.world.posts_forged(&other, None, 0).await, 403);
    // The app's own id is let in, so it was that.
    other.payload["event"]["text"] = "for firebell".into();
    other.payload["api_app_id"] = side.world.app_id().into();
    assert_eq!(side.world.posts_forged(&other, None, 0).await, 200);
    side.until_told(1, "for firebell").await;
    let told = side.story(1).await;
    assert!(!told.iter().any(|e| e.contains("for somebody else")));
}

#[tokio::test]
async fn a_form_is_opened_and_its_errors_told_by_http_too() {
    let side = Side::by_http(quick_world().await).await;
    let ana = side.world.user("ana");
    ana.types("/firebell new", "general").await.assert_acked();
    let form = side.world.expect_view("ana", "Declare").await;
    let sent = ana.submits(&form, &[("title", "by http")]).await;
    assert!(sent.errors.is_empty(), "{:?}", sent.errors);
    side.until_told(1, "by http").await;
}

#[tokio::test]
async fn a_request_too_large_is_refused_before_it_is_read() {
    let side = Side::unconnected(quick_world().await, |s| s.app_token = None).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let router = slack::router(side.slack.clone(), side.ear.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = |body: String| client.post(&url).body(body).send();
    assert_eq!(
        post("x".repeat(2 * 1024 * 1024)).await.unwrap().status(),
        413
    );
    assert_eq!(
        post("ssl_check=1&token=x".to_owned())
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        post("command=%2Ffirebell".to_owned())
            .await
            .unwrap()
            .status(),
        401
    );
    let forged = "{\"type\":\"url_verification\",\"challenge\":\"x\"}";
    assert_eq!(post(forged.to_owned()).await.unwrap().status(), 401);
}
