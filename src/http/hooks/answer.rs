//! Saying yes and no in each sender's own shape.

use crate::core::text::count;
use crate::ingest::{Decoded, Door, Refused};
use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// At most this many faults are named one by one; the rest are counted.
const NAMED: usize = 20;

/// Seconds after which a sender that honours `Retry-After` comes back: a restart is over by then.
const RETRY_SECS: HeaderValue = HeaderValue::from_static("5");

/// A refusal. Alertmanager answers a JSON string, PagerDuty its `invalid event`.
pub(super) fn no(door: Door, status: StatusCode, errors: &[String]) -> Response {
    let body = match door {
        Door::Alertmanager => json!(errors.join("; ")),
        Door::PagerDuty => json!({
            "status": if status == StatusCode::BAD_REQUEST { "invalid event" } else { "error" },
            "message": if status == StatusCode::BAD_REQUEST { "Event object is invalid" } else { "Event was not processed" },
            "errors": errors,
        }),
        Door::Plain => json!({ "error": errors.join("; ") }),
    };
    let mut response = (status, Json(body)).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, RETRY_SECS);
    }
    response
}

/// What became of a batch of which some were refused, one sentence each.
pub(super) fn partly(taken: usize, refused: &[Refused]) -> Vec<String> {
    let mut errors: Vec<String> = refused.iter().take(NAMED).map(Refused::to_string).collect();
    if refused.len() > NAMED {
        let rest = refused.len() - NAMED;
        errors.push(format!("{rest} more were refused"));
    }
    errors.push(format!("{} accepted", count(taken, "alert")));
    errors
}

/// What became of a batch, for the plain doors.
pub(super) fn summary(decoded: &Decoded, taken: usize) -> Response {
    let status = if decoded.refused.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    };
    let named: Vec<_> = decoded.refused.iter().take(NAMED).collect();
    let body = json!({
        "accepted": taken,
        "refused": decoded.refused.len(),
        "errors": named.iter().map(|r| json!({ "index": r.index, "why": r.why })).collect::<Vec<_>>(),
    });
    (status, Json(body)).into_response()
}

/// PagerDuty's 202 for a change, which has no key.
pub(super) fn change_processed() -> Response {
    let body = json!({ "status": "success", "message": "Event processed" });
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

/// PagerDuty's 202.
pub(super) fn processed(dedup_key: &str) -> Response {
    let body = json!({
        "status": "success",
        "message": "Event processed",
        "dedup_key": dedup_key,
    });
    (StatusCode::ACCEPTED, Json(body)).into_response()
}
