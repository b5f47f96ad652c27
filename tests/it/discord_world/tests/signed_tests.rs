//! Interactions over HTTP, judged by serenity's verifier.

use super::client::Bot;
use crate::discord_world::{DiscordWorld, Signing};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use serenity::interactions_endpoint::Verifier;
use std::sync::Arc;

async fn endpoint(
    State(verifier): State<Arc<Verifier>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let (signature, stamp) = (
        header("x-signature-ed25519"),
        header("x-signature-timestamp"),
    );
    if verifier.verify(signature, stamp, &body).is_err() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let answer = match (
        asked["type"].as_u64(),
        asked["data"]["options"][0]["name"].as_str(),
    ) {
        (Some(1), _) => json!({"type": 1}),
        (_, Some("note")) => json!({"type": 4, "data": {"content": "Written down.", "flags": 64}}),
        (_, Some("ack")) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => std::future::pending().await,
    };
    axum::Json(answer).into_response()
}

async fn scene() -> DiscordWorld {
    let world = DiscordWorld::start().await;
    Bot::new(&world).registers().await;
    let router = Router::new().route("/discord", post(endpoint));
    let router = router.with_state(Arc::new(Verifier::new(&world.public_key())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/discord", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    world.uses_endpoint(&url);
    world
}

#[tokio::test]
async fn an_endpoint_is_tried_with_every_kind_of_signature() {
    let world = scene().await;
    assert_eq!(
        world.pings_endpoint(Signing::Right).await,
        (200, json!({"type": 1}))
    );
    for wrong in [
        Signing::WrongKey,
        Signing::Tampered,
        Signing::Missing,
        Signing::Garbage,
    ] {
        assert_eq!(world.pings_endpoint(wrong).await.0, 401, "{wrong:?}");
    }
    // The verifier looks at no clock; our own endpoint has to.
    assert_eq!(world.pings_endpoint(Signing::Aged(3600)).await.0, 200);
}

#[tokio::test]
async fn the_body_of_the_answer_is_the_first_answer() {
    let (world, ana) = {
        let world = scene().await;
        let ana = world.user("ana");
        (world, ana)
    };
    let asked = ana.runs("note", &[], "general");
    let reply = asked.reply().await;
    assert!(reply.ephemeral() && reply.has("Written down."));
    assert_eq!(world.posts(&asked.payload(), Signing::Right).await.0, 200);
    assert!(
        ana.runs("ack", &[], "general")
            .refused()
            .await
            .contains("500")
    );
    let late = ana.runs("run", &[("action", "x")], "general");
    assert!(late.refused().await.contains("did not answer"));
    late.goes_unanswered().await;
    assert!(!late.token().is_empty() && world.identifies() == 0);
}
