//! The ingest doors. They authenticate, bound, decode, hand over to the engine, and answer when
//! the alerts are durable; nothing else happens before the answer.
//!
//! Status codes are chosen for what real senders do with them: Alertmanager and Prometheus try
//! again after a 5xx and give up after a 4xx, 429 included. So a store that is down is always 503,
//! and a 4xx is only what no repetition can put right. What cannot be understood is also kept in
//! quarantine, where people see it.
//!
//! No middleware here: these routes are the hot path.

mod alertmanager;
mod answer;
pub(super) mod auth;
mod body;
mod changes;
mod pagerduty;
mod plain;
mod quarantine;

use super::App;
use crate::config::Source;
use crate::core::time::Time;
use crate::engine::Failure;
use crate::ingest::counters::{Counters, PathCounters};
use crate::ingest::repeat::RepeatKey;
use crate::ingest::{Context, Door, FORMATS, Format};
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use quarantine::Budget;
use std::sync::Arc;

/// What all doors share.
struct Hooks {
    app: App,
    counters: Arc<Counters>,
    key: RepeatKey,
    budget: Budget,
}

/// One door: a path, its format and its numbers.
struct Hook {
    hooks: Arc<Hooks>,
    format: &'static Format,
    index: usize,
}

/// The ingest routes, and what is counted there.
pub fn router(app: App) -> (Router, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    let hooks = Arc::new(Hooks {
        app,
        counters: Arc::clone(&counters),
        // Version 4 UUIDs are drawn from the operating system's generator.
        key: RepeatKey::new(|| uuid::Uuid::new_v4().into_bytes()),
        budget: Budget::default(),
    });
    let router = FORMATS
        .iter()
        .enumerate()
        .fold(Router::new(), |router, (index, format)| {
            let handler = match format.door {
                Door::Alertmanager => post(alertmanager::take),
                Door::PagerDuty => post(pagerduty::take),
                Door::Plain => post(plain::take),
            };
            let hook = Arc::new(Hook {
                hooks: Arc::clone(&hooks),
                format,
                index,
            });
            router.merge(Router::new().route(format.path, handler).with_state(hook))
        });
    (router.merge(changes::router(hooks)), counters)
}

impl Hook {
    fn app(&self) -> &App {
        &self.hooks.app
    }

    fn counters(&self) -> &PathCounters {
        &self.hooks.counters.paths[self.index]
    }

    /// The source whose token the headers carry.
    #[expect(clippy::result_large_err, reason = "the answer itself, moved once")]
    fn source(&self, headers: &HeaderMap) -> Result<&Source, Response> {
        let token = auth::presented(headers);
        let source = token.and_then(|t| auth::source(&self.app().settings, &t));
        source.ok_or_else(|| self.stranger())
    }

    /// 401: no token, or none that is known.
    fn stranger(&self) -> Response {
        self.counters().unauthorised.one();
        let why = "no known token came with this request: send a source's token as bearer, as the password of basic authentication or, to PagerDuty's path, as routing_key";
        auth::challenge(self.no(StatusCode::UNAUTHORIZED, &[why.to_owned()]))
    }

    /// The whole body, within the limit.
    async fn body(&self, headers: &HeaderMap, body: axum::body::Body) -> Result<Bytes, Response> {
        let limit = self.app().settings.limits.body_bytes;
        body::read(headers, body, limit).await.map_err(|unread| {
            if matches!(unread, body::Unread::TooLarge { .. }) {
                self.counters().too_large.one();
            }
            self.no(unread.status(), &[unread.to_string()])
        })
    }

    fn context<'a>(&'a self, source: &'a Source, now: Time, generated_key: &'a str) -> Context<'a> {
        Context {
            source: &source.name,
            now,
            resolve_timeout_ms: source.resolve_timeout_ms,
            limits: &self.app().settings.limits,
            generated_key,
            mapping: source.mapping.as_ref(),
        }
    }

    /// The engine could not take them: 503, so that every sender tries again.
    fn unavailable(&self, failure: &Failure) -> Response {
        self.counters().unavailable.one();
        tracing::error!(path = self.format.path, error = %failure, "alerts could not be stored, the sender is told to try again");
        self.no(StatusCode::SERVICE_UNAVAILABLE, &[failure.to_string()])
    }

    fn no(&self, status: StatusCode, errors: &[String]) -> Response {
        answer::no(self.format.door, status, errors)
    }
}
