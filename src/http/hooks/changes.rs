//! The doors for changes: PagerDuty's change events, and `/v1/changes/NAME` for those
//! `[changes.from.NAME]` lets in. A change pages nobody; it is on the disk before it is answered.

use super::{Hooks, answer, auth, body};
use crate::config::insight::{Teller, TellerKind};
use crate::core::digest::hex;
use crate::engine::Failure;
use crate::ingest::change::{Context, Decoded, generic, github, gitlab, pagerduty};
use crate::ingest::pagerduty::routing_key;
use crate::ingest::{BadPayload, Door};
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde_json::json;
use sha2::Sha256;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// PagerDuty's path for change events.
const PAGERDUTY: &str = "/v2/change/enqueue";

type Decode = fn(&[u8], &str, &Context<'_>) -> Result<Decoded, BadPayload>;

pub(super) fn router(hooks: Arc<Hooks>) -> Router {
    Router::new()
        .route(PAGERDUTY, post(enqueue))
        .route("/v1/changes/{name}", post(told))
        .with_state(hooks)
}

/// A request of somebody who is known.
struct Known<'a> {
    source: &'a str,
    path: String,
    door: Door,
    teller: Option<&'a Teller>,
    event: String,
    secret: Option<String>,
    decode: Decode,
}

/// PagerDuty's door: 202, or 400 `invalid event` with every error.
async fn enqueue(State(hooks): State<Arc<Hooks>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match read(&hooks, &parts.headers, body, Door::PagerDuty).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let settings = &hooks.app.settings;
    let key = routing_key(&body);
    let by_header = auth::presented(&parts.headers);
    let source = [by_header.as_deref(), key.as_deref()]
        .into_iter()
        .flatten()
        .find_map(|token| auth::source(settings, token));
    let Some(source) = source else {
        hooks.app.metrics.change_told("unknown", "unauthorised");
        let why = "no known routing_key came with this change: send the token of a source, the same as for alerts";
        let errors = [why.to_owned()];
        return auth::challenge(answer::no(
            Door::PagerDuty,
            StatusCode::UNAUTHORIZED,
            &errors,
        ));
    };
    let known = Known {
        source: &source.name,
        path: PAGERDUTY.to_owned(),
        door: Door::PagerDuty,
        teller: None,
        event: String::new(),
        secret: key.map(std::borrow::Cow::into_owned),
        decode: pagerduty::decode,
    };
    take(&hooks, &known, &body).await
}

/// The doors of the configuration: 202 with how many were taken, and why something was left out.
async fn told(
    State(hooks): State<Arc<Hooks>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = match read(&hooks, &parts.headers, body, Door::Plain).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let tellers = &hooks.app.settings.insight.tellers;
    let teller = tellers.iter().find(|t| t.name == name);
    // Whether a name exists is not to be found out by asking.
    let Some(teller) = teller.filter(|t| genuine(t, &parts.headers, &body)) else {
        hooks.app.metrics.change_told("unknown", "unauthorised");
        let why = "this request does not prove that it comes from a [changes.from.NAME] of firebell.toml: GitHub signs it in X-Hub-Signature-256, GitLab sends the secret as X-Gitlab-Token, others send it as bearer";
        return answer::no(Door::Plain, StatusCode::UNAUTHORIZED, &[why.to_owned()]);
    };
    let (event, decode): (&str, Decode) = match teller.kind {
        TellerKind::Github => ("x-github-event", github::decode),
        TellerKind::Gitlab => ("x-gitlab-event", gitlab::decode),
        TellerKind::Generic => ("", generic::decode),
    };
    let event = parts.headers.get(event).and_then(|v| v.to_str().ok());
    let known = Known {
        source: &teller.name,
        path: format!("/v1/changes/{}", teller.name),
        door: Door::Plain,
        teller: Some(teller),
        event: event.unwrap_or_default().to_owned(),
        secret: None,
        decode,
    };
    take(&hooks, &known, &body).await
}

async fn read(
    hooks: &Hooks,
    headers: &HeaderMap,
    body: axum::body::Body,
    door: Door,
) -> Result<Bytes, Response> {
    let limit = hooks.app.settings.limits.body_bytes;
    let read = body::read(headers, body, limit).await;
    read.map_err(|unread| answer::no(door, unread.status(), &[unread.to_string()]))
}

/// Whether a request proves by the secret where it comes from; compared in constant time.
fn genuine(teller: &Teller, headers: &HeaderMap, body: &[u8]) -> bool {
    let secret = teller.secret.expose_secret().as_bytes();
    let header = |name: &str| headers.get(name).map(axum::http::HeaderValue::as_bytes);
    match teller.kind {
        TellerKind::Github => {
            let signature = header("x-hub-signature-256").and_then(|s| s.strip_prefix(b"sha256="));
            signature.is_some_and(|s| bool::from(signed(secret, body).as_bytes().ct_eq(s)))
        }
        TellerKind::Gitlab => header("x-gitlab-token").is_some_and(|t| t.ct_eq(secret).into()),
        TellerKind::Generic => {
            auth::presented(headers).is_some_and(|t| t.as_bytes().ct_eq(secret).into())
        }
    }
}

/// HMAC-SHA-256 in hex, as GitHub signs.
fn signed(secret: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret)
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

async fn take(hooks: &Hooks, known: &Known<'_>, body: &[u8]) -> Response {
    let (engine, metrics) = (&hooks.app.engine, &hooks.app.metrics);
    let directory = engine.directory();
    let ctx = Context {
        source: known.source,
        now: engine.now(),
        limits: &hooks.app.settings.limits,
        directory: &directory,
        teller: known.teller,
    };
    let decoded = match (known.decode)(body, &known.event, &ctx) {
        Ok(decoded) => decoded,
        Err(bad) => {
            metrics.change_told(known.source, "refused");
            let place = (known.source, known.path.as_str());
            let secret = known.secret.as_deref();
            let kept = hooks.quarantine(place, body, secret, &bad.errors).await;
            return match kept {
                Ok(_) => answer::no(known.door, StatusCode::BAD_REQUEST, &bad.errors),
                Err(failure) => unavailable(hooks, known, &failure),
            };
        }
    };
    let all = decoded.changes.len();
    let repeated = match engine.record_changes(decoded.changes).await {
        Ok(repeated) => repeated,
        Err(failure) => return unavailable(hooks, known, &failure),
    };
    for (outcome, n) in [
        ("accepted", all - repeated),
        ("repeated", repeated),
        ("left_out", usize::from(!decoded.left_out.is_empty())),
    ] {
        for _ in 0..n {
            metrics.change_told(known.source, outcome);
        }
    }
    match known.door {
        Door::PagerDuty => answer::change_processed(),
        _ => {
            let said = json!({
                "accepted": all - repeated,
                "repeated": repeated,
                "left_out": decoded.left_out,
            });
            (StatusCode::ACCEPTED, Json(said)).into_response()
        }
    }
}

fn unavailable(hooks: &Hooks, known: &Known<'_>, failure: &Failure) -> Response {
    hooks.app.metrics.change_told(known.source, "unavailable");
    tracing::error!(path = known.path, error = %failure, "a change could not be stored, the sender is told to try again");
    let errors = [failure.to_string()];
    answer::no(known.door, StatusCode::SERVICE_UNAVAILABLE, &errors)
}
