//! Interactions by signed HTTP: the request's body is signed with the application's key, the
//! response's body is the first answer.
//!
//! Discord tries endpoints with bad signatures and takes those that accept them out of use. It signs
//! no age, so requests more than five minutes old are refused here, and an interaction's id counts
//! once.

use super::Discord;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serenity::interactions_endpoint::Verifier;
use std::sync::Arc;

/// Interactions are a few kilobytes.
const BODY_BYTES: usize = 256 * 1024;
/// How far a request's time may be from ours, seconds.
const WINDOW_SECS: i64 = 300;

pub(super) fn router(discord: Arc<Discord>) -> Router {
    Router::new()
        .route("/", post(take))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(discord)
}

async fn take(State(discord): State<Arc<Discord>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(key) = &discord.settings.public_key else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let now_secs = discord.engine.now().0 / 1000;
    if !signed(key, &headers, &body, now_secs) {
        return (StatusCode::UNAUTHORIZED, "invalid request signature").into_response();
    }
    let Ok(it) = serde_json::from_slice(&body) else {
        discord.unheard("interaction:body");
        return StatusCode::BAD_REQUEST.into_response();
    };
    match discord.posted(&it).await {
        Some(first) => axum::Json(first).into_response(),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "firebell cannot store this right now",
        )
            .into_response(),
    }
}

/// Whether the application's key signed this time and body, and the time is now.
fn signed(key: &[u8; 32], headers: &HeaderMap, body: &[u8], now_secs: i64) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let (Some(signature), Some(stamp)) =
        (text("x-signature-ed25519"), text("x-signature-timestamp"))
    else {
        return false;
    };
    let Ok(verifier) = Verifier::try_new(*key) else {
        return false;
    };
    let near = stamp
        .parse::<i64>()
        .is_ok_and(|at| now_secs.saturating_sub(at).saturating_abs() <= WINDOW_SECS);
    near && verifier.verify(signature, stamp, body).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey};

    fn headers(key: &SigningKey, stamp: i64, body: &str) -> HeaderMap {
        let signature = key.sign(format!("{stamp}{body}").as_bytes());
        let hex: String = signature
            .to_bytes()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let mut headers = HeaderMap::new();
        headers.insert("x-signature-ed25519", hex.parse().unwrap());
        headers.insert("x-signature-timestamp", stamp.to_string().parse().unwrap());
        headers
    }

    #[test]
    fn only_what_discord_signed_lately_passes() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = key.verifying_key().to_bytes();
        let now = 1_800_000_000;
        let good = headers(&key, now, "{}");
        assert!(signed(&public, &good, b"{}", now));
        assert!(signed(&public, &good, b"{}", now + 300));
        assert!(!signed(&public, &good, b"{}", now + 301));
        assert!(!signed(&public, &good, b"{ }", now));
        assert!(!signed(
            &public,
            &headers(&SigningKey::from_bytes(&[8; 32]), now, "{}"),
            b"{}",
            now
        ));
        assert!(!signed(&public, &HeaderMap::new(), b"{}", now));
        let mut garbage = good.clone();
        garbage.insert("x-signature-ed25519", "zz".parse().unwrap());
        assert!(!signed(&public, &garbage, b"{}", now));
        garbage.insert("x-signature-timestamp", "soon".parse().unwrap());
        assert!(!signed(&public, &garbage, b"{}", now));
    }
}
