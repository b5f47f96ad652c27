//! The front doors: API, ingest, console, health. Foreign shapes stop here.

pub mod alertmanager;
pub mod api;
pub mod auth;
pub mod callbacks;
pub mod console;
pub mod error;
pub mod feed;
pub mod health;
pub mod hooks;
pub mod metrics;
pub mod page;
pub mod server;

use crate::chat::heard::Voice;
use crate::config::Settings;
use crate::engine::Engine;
use crate::metrics::Metrics;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use error::Problem;
use server::Stopped;
use std::sync::Arc;
use tower_http::set_header::SetResponseHeaderLayer;

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Decisions, reads and changes.
    pub engine: Engine,
    /// `firebell.toml`.
    pub settings: Arc<Settings>,
    /// Counters of this process; the same the engine records into.
    pub metrics: Arc<Metrics>,
    /// Chat platforms besides the console.
    pub chat: Arc<ChatDoors>,
}

/// Chat platforms besides the console: how they are connected, and where they call firebell.
#[derive(Default)]
pub struct ChatDoors {
    /// Each workspace and guild.
    pub voices: Vec<Arc<dyn Voice>>,
    /// Routes of those that speak to firebell by signed HTTP.
    pub routes: Router,
}

/// Sent with every answer outside the ingest routes, unless the handler says otherwise.
/// Nothing but the console is meant for a browser to show, and the console has rules of its own.
const BROWSER_RULES: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
];

/// Everything firebell serves; live streams end when `stopped` closes. The ingest routes are outside
/// every layer: they carry storms.
pub fn router(app: App, stopped: Option<Stopped>) -> Router {
    let (ingest, counters) = hooks::router(app.clone());
    metrics::count_ingest(&app.metrics, counters);
    let health = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .with_state(app.clone());
    let mut front = health
        .merge(api::router(app.clone()))
        .merge(feed::router(app.clone()))
        .merge(callbacks::router(app.clone()));
    if app.settings.console.enabled {
        front = front.merge(console::router(app.clone()));
    }
    front = front
        .merge(app.chat.routes.clone())
        .fallback(nowhere)
        .layer(middleware::from_fn_with_state(app.clone(), metrics::count));
    if let Some(stopped) = stopped {
        front = front.layer(middleware::map_response_with_state(
            stopped,
            server::end_streams,
        ));
    }
    for (name, value) in BROWSER_RULES {
        front = front.layer(SetResponseHeaderLayer::if_not_present(
            name,
            HeaderValue::from_static(value),
        ));
    }
    front.merge(ingest).merge(alertmanager::router(app))
}

/// A path nobody serves: JSON for programs, a sentence for people.
async fn nowhere(uri: Uri) -> Response {
    let path = uri.path();
    if path.starts_with("/api/") || path.starts_with("/v1/") || path.starts_with("/v2/") {
        return Problem::missing(
            "There is nothing here; /api/v1/openapi.json lists what there is.",
        )
        .into_response();
    }
    (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response()
}
