//! Alertmanager's API v2 apart from the intake of alerts, for amtool, Karma and Grafana's data source, and the
//! health paths probes expect.
//!
//! The shapes are those of Alertmanager's `api/v2/openapi.yaml`. The lists stream: the table is
//! walked in pieces and never held, and a row's JSON is passed on as it is stored. Silences are made,
//! changed and ended here too; whoever may read may do that, as in Alertmanager.

mod groups;
mod list;
mod query;
mod row;
mod silences;

use super::App;
use super::hooks::auth;
use crate::core::time::Time;
use axum::Json;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{StreamExt, TryStreamExt, stream};
use query::Filter;
use serde_json::json;
use std::sync::Arc;

/// The receiver of alerts that belong to an incident.
const ON_CALL: &str = "on-call";
/// The receiver of alerts that are kept and page nobody.
const NOBODY: &str = "nobody";

struct Reading {
    app: App,
    started_at: Time,
}

/// The reading routes.
pub fn router(app: App) -> Router {
    let started_at = app.engine.now();
    Router::new()
        .route("/api/v2/alerts", get(alerts))
        .route("/api/v2/alerts/groups", get(groups))
        .route("/api/v2/silences", get(silences::list).post(silences::post))
        .route(
            "/api/v2/silence/{id}",
            get(silences::one).delete(silences::end),
        )
        .route("/api/v2/status", get(status))
        .route("/api/v2/receivers", get(receivers))
        .route("/-/healthy", get(|| async { "OK" }))
        .route("/-/ready", get(ready))
        .with_state(Arc::new(Reading { app, started_at }))
}

type Pairs = Query<Vec<(String, String)>>;

async fn alerts(
    State(reading): State<Arc<Reading>>,
    headers: HeaderMap,
    Query(pairs): Pairs,
) -> Result<Response, Response> {
    let filter = reading.filter(&headers, &pairs)?;
    Ok(streamed(list::Walk::new(&reading.app, filter)).await)
}

async fn groups(
    State(reading): State<Arc<Reading>>,
    headers: HeaderMap,
    Query(pairs): Pairs,
) -> Result<Response, Response> {
    let filter = reading.filter(&headers, &pairs)?;
    match groups::Walk::new(&reading.app, &filter).await {
        Ok(walk) => Ok(streamed(walk).await),
        Err(fault) => Err(unavailable(&fault)),
    }
}

/// A walk over the table that writes a JSON document piece by piece.
trait Pieces: Send + Sized + 'static {
    /// The next piece; `None` after the last.
    fn next(
        &mut self,
    ) -> impl Future<Output = Result<Option<Bytes>, crate::store::StoreFault>> + Send;
}

/// The document as a body. The first piece is fetched before the status is sent, so that a store
/// that is down is a 503; one that fails later breaks the connection off, which no client takes
/// for the end.
async fn streamed(mut walk: impl Pieces) -> Response {
    let first = match walk.next().await {
        Ok(first) => first.unwrap_or_default(),
        Err(fault) => return unavailable(&fault),
    };
    let rest = stream::try_unfold(walk, async |mut walk| {
        Ok(walk.next().await?.map(|piece| (piece, walk)))
    });
    let all = stream::once(async { Ok(first) }).chain(rest).inspect_err(
        |e: &crate::store::StoreFault| {
            tracing::error!(error = %e, "a list broke off");
        },
    );
    let body = Body::from_stream(all);
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

async fn status(
    State(reading): State<Arc<Reading>>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    reading.authorise(&headers)?;
    let status = json!({
        "cluster": { "status": "disabled", "peers": [] },
        "config": { "original": "# firebell is configured by its own files; see `firebell check`\n" },
        "uptime": reading.started_at.rfc3339(),
        "versionInfo": {
            "branch": "firebell",
            "buildDate": "",
            "buildUser": "",
            "goVersion": "",
            "revision": "",
            "version": env!("CARGO_PKG_VERSION"),
        },
    });
    Ok(Json(status).into_response())
}

async fn receivers(
    State(reading): State<Arc<Reading>>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    reading.authorise(&headers)?;
    Ok(Json(json!([{ "name": ON_CALL }, { "name": NOBODY }])).into_response())
}

/// Ready when the store answers: a sender may deliver.
async fn ready(State(reading): State<Arc<Reading>>) -> Response {
    match reading.app.engine.store().ping().await {
        Ok(()) => "OK".into_response(),
        Err(fault) => unavailable(&fault),
    }
}

impl Reading {
    #[expect(clippy::result_large_err, reason = "the answer itself, moved once")]
    fn authorise(&self, headers: &HeaderMap) -> Result<(), Response> {
        if auth::may_read(&self.app.settings, headers) {
            return Ok(());
        }
        let why = "no known token came with this request: send a source's or an API token as bearer or as the password of basic authentication";
        Err(auth::challenge(
            (StatusCode::UNAUTHORIZED, Json(why)).into_response(),
        ))
    }

    #[expect(clippy::result_large_err, reason = "the answer itself, moved once")]
    fn filter(&self, headers: &HeaderMap, pairs: &[(String, String)]) -> Result<Filter, Response> {
        self.authorise(headers)?;
        Filter::parse(pairs).map_err(|why| (StatusCode::BAD_REQUEST, Json(why)).into_response())
    }
}

fn unavailable(fault: &crate::store::StoreFault) -> Response {
    tracing::error!(error = %fault, "alerts could not be read");
    // The fault's own words may name the database's address; they are for the log.
    let why = "the store does not answer; the reason is in firebell's log";
    (StatusCode::SERVICE_UNAVAILABLE, Json(why)).into_response()
}
