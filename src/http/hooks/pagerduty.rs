//! `POST /v2/enqueue`, PagerDuty's Events API v2.

use super::{Hook, answer, auth};
use crate::config::Source;
use crate::core::alert::{Alert, AlertKind};
use crate::core::id::Actor;
use crate::core::incident::Command;
use crate::engine::Failure;
use crate::ingest::pagerduty::routing_key;
use axum::extract::{Request, State};
use axum::response::Response;
use std::sync::Arc;

/// 202 with the `dedup_key`; 400 `invalid event` with every error.
pub(super) async fn take(State(hook): State<Arc<Hook>>, request: Request) -> Response {
    match try_take(&hook, request).await {
        Ok(response) | Err(response) => response,
    }
}

async fn try_take(hook: &Hook, request: Request) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let body = hook.body(&parts.headers, body).await?;
    let key = routing_key(&body);
    let settings = &hook.app().settings;
    let by_header = auth::presented(&parts.headers);
    let source = [by_header.as_deref(), key.as_deref()]
        .into_iter()
        .flatten()
        .find_map(|token| auth::source(settings, token))
        .ok_or_else(|| hook.stranger())?;
    let generated = uuid::Uuid::new_v4().simple().to_string();
    let ctx = hook.context(source, hook.app().engine.now(), &generated);
    let decoded = match (hook.format.decode)(&body, &ctx) {
        Ok(decoded) => decoded,
        Err(bad) => return Err(hook.poison(source, &body, key.as_deref(), &bad).await),
    };
    // One event is one alert; without any there is no key to answer with.
    let dedup_key = decoded.alerts.first().map(|a| a.fingerprint.clone());
    for alert in decoded.alerts {
        let done = hook.event(source, alert).await;
        done.map_err(|failure| hook.unavailable(&failure))?;
    }
    Ok(answer::processed(&dedup_key.unwrap_or_default()))
}

impl Hook {
    async fn event(&self, source: &Source, alert: Alert) -> Result<(), Failure> {
        if alert.kind == AlertKind::Acknowledged {
            return self.acknowledge(source, &alert.fingerprint).await;
        }
        self.app().engine.take(vec![alert]).await?;
        self.counters().accepted.one();
        Ok(())
    }

    /// An unknown or closed key and an incident somebody already has are accepted and dropped,
    /// as PagerDuty does.
    async fn acknowledge(&self, source: &Source, key: &str) -> Result<(), Failure> {
        let engine = &self.app().engine;
        let dropped = |why: &str| {
            self.counters().dropped.one();
            tracing::info!(source = %source.name, why, "an acknowledgement was dropped");
        };
        let Some(incident) = engine.incident_of_alert(&source.name, key) else {
            dropped("no open incident has an alert with this dedup_key");
            return Ok(());
        };
        let by = Actor::Source {
            name: source.name.clone(),
        };
        // Acknowledging twice is harmless, and the same key may be acknowledged again after the
        // incident has come back, so every request is a cause of its own.
        let cause = format!("alert:{}:{}", source.name, uuid::Uuid::new_v4().simple());
        match engine
            .submit(&cause, incident, Command::Acknowledge { by })
            .await
        {
            Ok(_) => {
                self.counters().accepted.one();
                Ok(())
            }
            Err(Failure::Refused(refusal)) => {
                dropped(&refusal.to_string());
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }
}
