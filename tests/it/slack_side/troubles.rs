//! What goes wrong between firebell and Slack, and what still comes true.

use super::{Side, quick_world, rotation};
use crate::slack_world::{Fault, Trouble};
use firebell::chat::heard::Voice;
use firebell::chat::{Chat, Line, Retry, RoomRef};
use firebell::core::id::{Actor, IncidentId};
use firebell::platform::slack::scopes::SCOPES;
use secrecy::SecretString;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

fn line(key: &str) -> Line {
    Line {
        key: key.to_owned(),
        incident: IncidentId(1),
        seq: 2,
        by: Actor::Firebell,
        text: format!("line {key}"),
        run: None,
        seen: String::new(),
    }
}

#[tokio::test]
async fn retry_after_is_passed_on_exactly_and_closes_only_its_channel() {
    let side = Side::start().await;
    let ana = side.world.user("ana");
    let rooms = ["ops", "dev"].map(|name| {
        let id = ana.creates_channel(name);
        ana.invites("firebell", &id);
        id
    });
    let fault = Fault::on("chat.postMessage").is(Trouble::RateLimited(31));
    side.world.meets(fault.in_channel(&rooms[0]).times(1));
    let [hot, cool] = rooms.map(RoomRef::Room);
    let refused = side.slack.say(&hot, &line("1"), false).await.unwrap_err();
    assert_eq!(refused.retry, Retry::AfterMs(31_000));
    let begin = Instant::now();
    side.slack
        .turn(Some(&cool), firebell::chat::Budget::Line)
        .await;
    side.slack.say(&cool, &line("2"), false).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5));
    let closed = side.slack.turn(Some(&hot), firebell::chat::Budget::Page);
    let closed = tokio::time::timeout(Duration::from_millis(300), closed).await;
    assert!(closed.is_err(), "the gate of the hot channel is closed");
}

#[tokio::test]
async fn a_channel_that_hangs_delays_no_other() {
    let side = Side::start().await;
    side.fires("Slow", "warning").await;
    side.card("web", "Slow").await;
    let web = side.world.channel_named("web").id;
    side.world
        .meets(Fault::everywhere().is(Trouble::Hang).in_channel(&web));
    let begin = Instant::now();
    let room = side.fires_another().await;
    side.card(&room, "Broken").await;
    side.page("ana", "Broken").await;
    assert!(begin.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn a_refused_token_is_said_and_a_good_one_is_noticed() {
    let side = Side::start().await;
    for error in ["token_revoked", "account_inactive", "invalid_auth"] {
        side.world.refuses_tokens(Some(error));
        let place = RoomRef::Channel("web".to_owned());
        let fault = side.slack.say(&place, &line(error), false).await;
        assert_eq!(fault.unwrap_err().retry, Retry::Backoff);
        side.down(error).await;
        side.world.refuses_tokens(None);
        side.slack.say(&place, &line(error), true).await.unwrap();
        side.up().await;
    }
}

#[tokio::test]
async fn the_removal_of_the_app_is_noticed_by_its_event() {
    let side = Side::start().await;
    side.world.user("ana").uninstalls_the_app();
    side.down("install the app again").await;
}

#[tokio::test]
async fn missing_scopes_are_named_with_what_they_cost() {
    let world = quick_world().await;
    let some: Vec<&str> = (SCOPES.iter().map(|s| s.name))
        .filter(|s| !["pins:write", "groups:read"].contains(s))
        .collect();
    world.grants(&some);
    let side = Side::with(world, |_| {}).await;
    let lacks = side.slack.link().state().missing;
    assert_eq!(lacks.len(), 2, "{lacks:?}");
    assert!(
        lacks
            .iter()
            .any(|l| l.contains("pins:write") && l.contains("not pinned"))
    );
    // Without them everything else goes on.
    let room = side.major("HighErrors").await;
    side.card(&room, "HighErrors").await;
}

#[tokio::test]
async fn tokens_are_exchanged_and_the_newest_is_kept() {
    let world = quick_world().await;
    let kept = rotation(&world);
    let side = Side::with(world, |s| s.rotation = Some(kept.clone())).await;
    let exchanged = side.world.expect_calls("oauth.v2.access", 1).await;
    assert_eq!(exchanged.len(), 1);
    let place = RoomRef::Channel("web".to_owned());
    side.slack.say(&place, &line("1"), false).await.unwrap();
    // It runs out before anybody thought.
    side.world.time_passes(Duration::from_secs(13 * 3600));
    side.slack.say(&place, &line("2"), false).await.unwrap();
    side.world.expect_calls("oauth.v2.access", 2).await;
    let stored = side
        .engine
        .store()
        .key("slack:slack:refresh")
        .await
        .unwrap();
    assert!(stored.is_some_and(|s| s.starts_with("xoxe-")));
}

#[tokio::test]
async fn a_restart_works_off_what_was_heard_and_posts_nothing_twice() {
    let side = Side::start().await;
    let room = side.major("HighErrors").await;
    let card = side.card(&room, "HighErrors").await;
    let side = side.restarts().await;
    firebell::platform::slack::start(std::slice::from_ref(&side.slack), &side.ear);
    side.ear.catch_up().await.unwrap();
    side.up().await;
    let ana = side.world.user("ana");
    ana.clicks(&card, "Acknowledge").await.assert_acked();
    side.until("ana has it", |i| i.acked_by.clone(), 1).await;
    side.world
        .expect_message_where(&room, "the card, acknowledged", |m| {
            m.ts == card.ts && m.text.contains("acknowledged")
        })
        .await;
}

#[tokio::test]
async fn slack_down_for_a_while_loses_nothing() {
    let side = Side::start().await;
    let room = side.major("HighErrors").await;
    side.card(&room, "HighErrors").await;
    side.world.goes_down();
    side.down("").await;
    side.fires("Broken", "critical").await;
    side.world.comes_back();
    side.up().await;
    let other = side.room(2).await;
    side.card(&other, "Broken").await;
    side.page("ana", "Broken").await;
}

#[tokio::test]
async fn answers_that_are_lost_neither_lose_nor_double_anything() {
    let side = Side::start().await;
    for method in [
        "chat.postMessage",
        "conversations.create",
        "conversations.setPurpose",
        "pins.add",
        "bookmarks.add",
    ] {
        let lost = Fault::on(method).is(Trouble::DoThenDrop);
        side.world.meets(lost.times(2));
    }
    let room = side.major("HighErrors").await;
    side.card(&room, "HighErrors").await;
    let notes: Vec<String> = (0..5).map(|n| format!("note number {n}")).collect();
    for note in &notes {
        let lost = Fault::on("chat.postMessage").is(Trouble::DoThenDrop);
        side.world.meets(lost.in_channel(&room).times(1));
        let line = format!("/firebell note #1 {note}");
        side.world
            .user("ana")
            .types(&line, "general")
            .await
            .assert_acked();
        side.world.expect_message(&room, note).await;
    }
    side.world.expect_message(&room, "note number 4").await;
    let said = side.world.messages(&room);
    let cards = said.iter().filter(|m| m.words().contains("Acknowledge"));
    assert_eq!(cards.count(), 1);
    let told: Vec<&String> = (said.iter())
        .filter_map(|m| notes.iter().find(|n| m.words().contains(n.as_str())))
        .collect();
    assert_eq!(told, notes.iter().collect::<Vec<_>>());
    let rooms = side.world.channels();
    assert_eq!(
        rooms.iter().filter(|c| c.name.starts_with("inc-")).count(),
        1
    );
}

#[tokio::test]
async fn under_slacks_own_limits_lines_keep_their_order() {
    let side = Side::with(crate::slack_world::SlackWorld::start().await, |_| {}).await;
    let room = side.major("HighErrors").await;
    let notes: Vec<String> = (0..8).map(|n| format!("note number {n}")).collect();
    for note in &notes {
        let line = format!("/firebell note #1 {note}");
        side.world
            .user("ana")
            .types(&line, "general")
            .await
            .assert_acked();
        side.until_told(1, note).await;
    }
    side.world.expect_message(&room, "note number 7").await;
    let said = side.world.messages(&room);
    let told: Vec<&String> = (said.iter())
        .filter_map(|m| notes.iter().find(|n| m.words().contains(n.as_str())))
        .collect();
    assert_eq!(told, notes.iter().collect::<Vec<_>>());
    let posts = side.world.calls("chat.postMessage");
    assert!(posts.iter().any(|c| c.status == 429), "the limit was met");
}

#[tokio::test]
async fn everything_goes_through_a_proxy_where_one_is_configured() {
    let proxy = Proxy::start().await;
    let address = format!("http://ana:secret@{}", proxy.address);
    let side = Side::with(quick_world().await, |s| {
        s.place.net.proxy = Some(SecretString::from(address));
    })
    .await;
    let room = side.major("HighErrors").await;
    side.card(&room, "HighErrors").await;
    let ana = side.world.user("ana");
    ana.types("/firebell ack 1", "general").await.assert_acked();
    side.world.expect_ephemeral("ana", "#1").await;
    let seen = proxy.seen.lock().unwrap().clone();
    // The Web API and the socket by a tunnel, the rest by plain requests; all with the password.
    assert!(
        seen.iter().filter(|h| h.starts_with("CONNECT ")).count() >= 2,
        "{seen:?}"
    );
    assert!(
        seen.iter().any(|h| h.contains("/api/auth.test")),
        "{seen:?}"
    );
    let known = "proxy-authorization: basic ";
    assert!(
        seen.iter().all(|h| h.to_lowercase().contains(known)),
        "{seen:?}"
    );
}

/// An HTTP proxy that remembers what it was asked.
struct Proxy {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = seen.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(Proxy::pass(client, told.clone()));
            }
        });
        Proxy { address, seen }
    }

    async fn pass(mut client: TcpStream, seen: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await?);
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        seen.lock().unwrap().push(text.clone());
        let target = text.split(' ').nth(1).unwrap_or_default();
        let tunnel = text.starts_with("CONNECT ");
        let host = target.trim_start_matches("http://").split('/').next();
        let mut server = TcpStream::connect(host.unwrap_or_default()).await?;
        if tunnel {
            client
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?;
        } else {
            server.write_all(&head).await?;
        }
        tokio::io::copy_bidirectional(&mut client, &mut server).await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_certificate_file_that_is_none_is_refused_at_the_start() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = super::engine(&scratch, firebell::core::directory::Directory::default()).await;
    let mut settings = super::settings(&quick_world().await);
    for (name, content) in [("missing.pem", None), ("empty.pem", Some("no certificate"))] {
        let path = scratch.path().join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        settings.place.net.extra_ca = Some(path);
        let made = firebell::platform::slack::Slack::new(engine.clone(), &settings);
        let why = made.err().map(|e| format!("{e:#}")).unwrap_or_default();
        assert!(why.contains(name), "{why}");
    }
}

impl Side {
    async fn fires_another(&self) -> String {
        self.fires("Broken", "critical").await;
        self.room(2).await
    }
}
