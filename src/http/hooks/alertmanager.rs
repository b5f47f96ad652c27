//! `POST /api/v2/alerts`, the hot path: a batch of unchanged repeats is answered without waiting for anything.

use super::{Hook, answer};
use crate::ingest::alertmanager_v2;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// 200 with an empty body; 400 naming the invalid alerts, the valid ones being stored.
pub(super) async fn take(State(hook): State<Arc<Hook>>, request: Request) -> Response {
    match try_take(&hook, request).await {
        Ok(response) | Err(response) => response,
    }
}

async fn try_take(hook: &Hook, request: Request) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let source = hook.source(&parts.headers)?;
    let body = hook.body(&parts.headers, body).await?;
    let engine = &hook.app().engine;
    let now = engine.now();
    let ctx = hook.context(source, now, "");
    let sorted = alertmanager_v2::sort(&body, &ctx, &hook.hooks.key, |hash, ends_at| {
        engine.refresh(hash, ends_at, now)
    });
    let sorted = match sorted {
        Ok(sorted) => sorted,
        Err(bad) => return Err(hook.poison(source, &body, None, &bad).await),
    };
    hook.counters().repeats.many(sorted.repeats);
    let fresh = sorted.fresh.len();
    if fresh > 0 {
        let taken = engine.take_hashed(sorted.fresh).await;
        taken.map_err(|failure| hook.unavailable(&failure))?;
        hook.counters().accepted.many(fresh);
    }
    if sorted.refused.is_empty() {
        return Ok(StatusCode::OK.into_response());
    }
    let errors = answer::partly(sorted.repeats + fresh, &sorted.refused);
    hook.refused(source, &body, sorted.refused.len(), &errors)
        .await?;
    Err(hook.no(StatusCode::BAD_REQUEST, &errors))
}
