//! HTTP mode: signed requests, their time limit, and what is sent again.

use super::app::App;
use crate::slack_world::{RequestUrls, SlackWorld};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Heard = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// An app that checks signatures; its first answers are these statuses, 0 for none, then 200.
struct Listening {
    secret: String,
    heard: Heard,
    statuses: Mutex<Vec<u16>>,
    now: u64,
}

impl Listening {
    async fn for_world(world: &SlackWorld, statuses: &[u16]) -> Heard {
        let heard = Heard::default();
        let listening = Arc::new(Listening {
            secret: world.signing_secret(),
            heard: heard.clone(),
            statuses: Mutex::new(statuses.iter().rev().copied().collect()),
            now: world.look_at_the_clock(),
        });
        let router = Router::new()
            .route("/slack", post(take))
            .with_state(listening);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/slack", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        world.speaks_http(RequestUrls {
            events: url.clone(),
            commands: url.clone(),
            interactivity: url,
        });
        heard
    }

    fn valid(&self, headers: &HeaderMap, body: &str) -> bool {
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        let at = header("x-slack-request-timestamp");
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(format!("v0:{at}:{body}").as_bytes());
        let hex: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let fresh = self.now.abs_diff(at.parse().unwrap()) < 300;
        fresh && header("x-slack-signature") == format!("v0={hex}")
    }
}

async fn take(State(app): State<Arc<Listening>>, headers: HeaderMap, body: String) -> Response {
    if !app.valid(&headers, &body) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    app.heard.lock().unwrap().push((headers, body.clone()));
    let status = app.statuses.lock().unwrap().pop().unwrap_or(200);
    if status == 0 {
        std::future::pending::<()>().await;
    }
    if status != 200 {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    let value: Value = serde_json::from_str(&body).unwrap_or_default();
    value["challenge"]
        .as_str()
        .unwrap_or("")
        .to_owned()
        .into_response()
}

fn field(body: &str, name: &str) -> String {
    let url = reqwest::Url::parse(&format!("http://x/?{body}")).unwrap();
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.unwrap().1.into_owned()
}

#[tokio::test]
async fn requests_are_signed_and_shaped_as_slack_does() {
    let world = SlackWorld::start().await;
    let app = App::of(&world);
    let heard = Listening::for_world(&world, &[]).await;
    world.verifies_url().await.unwrap();
    let ana = world.user("ana");
    ana.types("/firebell ack 1", "general").await.assert_acked();
    let (headers, body) = heard.lock().unwrap().pop().unwrap();
    assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(field(&body, "command"), "/firebell");
    assert_eq!(field(&body, "text"), "ack 1");
    assert_eq!(field(&body, "user_id"), ana.id());

    let room = app.creates("inc").await;
    app.posts(&room, "hello").await;
    world
        .expect_sent("the message", |s| s.payload["event"]["text"] == "hello")
        .await;
    let said = world.expect_message("inc", "hello").await;
    ana.uses_shortcut("add_to_timeline", &said)
        .await
        .assert_acked();
    let (_, body) = heard.lock().unwrap().pop().unwrap();
    let payload: Value = serde_json::from_str(&field(&body, "payload")).unwrap();
    assert_eq!(payload["type"], "message_action");
    ana.uses_global_shortcut("declare").await.assert_acked();
}

#[tokio::test]
async fn forged_old_and_repeated_requests_can_be_made() {
    let world = SlackWorld::start().await;
    let heard = Listening::for_world(&world, &[]).await;
    world
        .user("ana")
        .types("/firebell ack 1", "general")
        .await
        .assert_acked();
    let sent = world.sent().pop().unwrap();
    assert_eq!(
        world.posts_forged(&sent, Some("another secret"), 0).await,
        401
    );
    assert_eq!(world.posts_forged(&sent, None, 600).await, 401);
    assert_eq!(world.posts_forged(&sent, None, 10).await, 200);
    assert!(world.replays(&sent).await.acked);
    let bodies: Vec<String> = heard
        .lock()
        .unwrap()
        .iter()
        .map(|(_, b)| b.clone())
        .collect();
    assert_eq!(bodies, vec![bodies[0].clone(); 3]);
}

#[tokio::test]
async fn events_are_sent_again_and_people_are_not_asked_twice() {
    let world = SlackWorld::start().await;
    world.tune(|t| t.ack_within = Duration::from_millis(300));
    let heard = Listening::for_world(&world, &[0, 200, 503, 200, 500]).await;
    for reason in ["http_timeout", "http_error"] {
        world.user("ana").opens_home();
        let again = |s: &crate::slack_world::Sent| {
            let posted = s.http.as_ref().unwrap();
            posted.status == 200 && posted.headers.iter().any(|(_, value)| value == reason)
        };
        world.expect_sent("the second try", again).await;
    }
    assert_eq!(world.late().len(), 2);
    let reply = world.user("ana").types("/firebell ack 1", "general").await;
    assert_eq!(
        reply.outcome.error.as_deref(),
        Some("http_service_error_500")
    );
    assert_eq!(heard.lock().unwrap().len(), 5);
    let retries: Vec<bool> = (heard.lock().unwrap().iter())
        .map(|(headers, _)| headers.contains_key("x-slack-retry-num"))
        .collect();
    assert_eq!(retries, [false, true, false, true, false]);
}
