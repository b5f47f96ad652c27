//! `/healthz`: the process answers. `/readyz`: it can take an alert and keep it.

use crate::http::App;
use crate::store::ChangeSet;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::fmt::Display;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// A check that takes longer has failed: a load balancer's own limit is rarely below two seconds.
const LIMIT: Duration = Duration::from_secs(1);

/// What `/readyz` answers.
#[derive(Debug, Serialize)]
struct Readiness {
    status: &'static str,
    checks: Vec<Check>,
}

/// One thing that must work.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    /// What is wrong, in words; empty when nothing is.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    took_ms: u64,
}

/// The process is alive. Touches nothing: restarting firebell does not repair a database.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers and the desk takes work; 503 with the list of checks otherwise.
pub async fn readyz(State(app): State<App>) -> Response {
    let (store, engine) = tokio::join!(
        check("database", LIMIT, app.engine.store().ping()),
        // An empty change-set goes through the desk like any other, and writes nothing.
        check("engine", LIMIT, app.engine.write(ChangeSet::default())),
    );
    let checks = vec![store, engine];
    let ready = checks.iter().all(|c| c.ok);
    let (code, status) = if ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    (code, Json(Readiness { status, checks })).into_response()
}

async fn check<E: Display>(
    name: &'static str,
    limit: Duration,
    work: impl Future<Output = Result<(), E>>,
) -> Check {
    let start = Instant::now();
    let detail = match tokio::time::timeout(limit, work).await {
        Ok(Ok(())) => String::new(),
        Ok(Err(fault)) => {
            // Without a token nobody is told the driver's words; they are in the log.
            tracing::warn!(check = name, "not ready: {fault}");
            "failed; the log says why".to_owned()
        }
        Err(_) => format!("no answer within {} ms", limit.as_millis()),
    };
    Check {
        name,
        ok: detail.is_empty(),
        detail,
        took_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_check_that_never_answers_has_failed() {
        let silent = std::future::pending::<Result<(), String>>();
        let found = check("database", Duration::from_millis(1), silent).await;
        assert!(!found.ok);
        assert_eq!(found.detail, "no answer within 1 ms");
    }

    #[tokio::test]
    async fn a_failed_check_does_not_repeat_the_drivers_words() {
        let found = check("database", LIMIT, async { Err("postgres://u:secret@db") }).await;
        assert!(!found.ok);
        assert!(!found.detail.contains("secret"));
    }
}
