//! `/healthz`: the process answers. `/readyz`: it can take an alert and keep it.

use crate::chat::heard::Voice;
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
    name: String,
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

/// The database answers and the desk takes work; 503 with the list of checks otherwise. Chat
/// platforms are in the list and make it `degraded`.
pub async fn readyz(State(app): State<App>) -> Response {
    let (store, engine) = tokio::join!(
        check("database", LIMIT, app.engine.store().ping()),
        // An empty change-set goes through the desk like any other, and writes nothing.
        check("engine", LIMIT, app.engine.write(ChangeSet::default())),
    );
    let mut checks = vec![store, engine];
    let ready = checks.iter().all(|c| c.ok);
    checks.extend(app.chat.voices.iter().map(|v| platform(v.as_ref())));
    // A chat platform that is gone makes firebell no less able to take an alert: a load balancer
    // that took it out would make things worse. It is told all the same.
    let (code, status) = match (ready, checks.iter().all(|c| c.ok)) {
        (true, true) => (StatusCode::OK, "ready"),
        (true, false) => (StatusCode::OK, "degraded"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    (code, Json(Readiness { status, checks })).into_response()
}

/// How a chat platform is connected, in the words the adapter found; they hold no secret.
fn platform(voice: &dyn Voice) -> Check {
    let state = voice.link().state();
    Check {
        name: format!("chat {}", voice.platform()),
        ok: state.trouble.is_none(),
        detail: state.trouble.unwrap_or_else(|| state.missing.join(" ")),
        took_ms: 0,
    }
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
        name: name.to_owned(),
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
