//! Formats that need nothing of their own: decode, take, summarise.

use super::{Hook, answer};
use crate::config::Source;
use crate::ingest::BadPayload;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;

/// 200 with how many were accepted; 400 naming the refused ones, the valid ones being stored.
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
    let ctx = hook.context(source, engine.now(), "");
    let mut decoded = match (hook.format.decode)(&body, &ctx) {
        Ok(decoded) => decoded,
        Err(bad) => return Err(hook.poison(source, &body, None, &bad).await),
    };
    let alerts = std::mem::take(&mut decoded.alerts);
    let taken = alerts.len();
    if taken > 0 {
        let stored = engine.take(alerts).await;
        stored.map_err(|failure| hook.unavailable(&failure))?;
        hook.counters().accepted.many(taken);
    }
    if !decoded.refused.is_empty() {
        let errors = answer::partly(taken, &decoded.refused);
        hook.refused(source, &body, decoded.refused.len(), &errors)
            .await?;
    }
    Ok(answer::summary(&decoded, taken))
}

impl Hook {
    /// Nothing of a payload can be taken: quarantine and 400; 503 when even that cannot be stored.
    pub(super) async fn poison(
        &self,
        source: &Source,
        body: &[u8],
        secret: Option<&str>,
        bad: &BadPayload,
    ) -> Response {
        match self.quarantine(source, body, secret, &bad.errors).await {
            Ok(()) => self.no(StatusCode::BAD_REQUEST, &bad.errors),
            Err(failure) => self.unavailable(&failure),
        }
    }

    /// Some alerts of a payload were refused: it is kept whole, with what was wrong.
    pub(super) async fn refused(
        &self,
        source: &Source,
        body: &[u8],
        how_many: usize,
        errors: &[String],
    ) -> Result<(), Response> {
        self.counters().refused.many(how_many);
        let kept = self.quarantine(source, body, None, errors).await;
        kept.map_err(|failure| self.unavailable(&failure))
    }
}
