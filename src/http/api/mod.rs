//! `/api/v1`: what programs may read and do. A public promise, described by `/api/v1/openapi.json`.
//!
//! Promises: nothing here answers without a token except its own description; every error has one
//! shape; every route is in the description, because both come from the same line of code.

mod acts;
mod agree;
mod alerts;
mod analytics;
mod answers;
mod ask;
mod attempts;
mod automation;
mod body;
mod changes;
mod conduct;
mod declare;
mod hands;
mod incidents;
mod nature;
mod oncall;
mod params;
mod postmortems;
mod rooms;
mod runs;
mod services;
mod shape;
mod silences;
mod summary;
mod updates;

use crate::http::App;
use crate::http::auth::require_token;
use crate::http::error::Problem;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use std::time::Duration;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use declare::{DeclareBody, open_as};

/// An answer takes at most this long; the database's own limits are far below.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

#[derive(OpenApi)]
#[openapi(
    info(
        title = "firebell",
        description = "Incidents, alerts, who is on call and the service directory. Times are RFC 3339 with milliseconds and `Z`. Every error is `{\"error\":{\"code\":\"…\",\"message\":\"…\"}}`; 503 means try again, with the same `Idempotency-Key` for acts.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "incidents", description = "What pages people"),
        (name = "command", description = "Who leads them, and what is to be done"),
        (name = "postmortems", description = "What was learned from them"),
        (name = "alerts", description = "What the senders told"),
        (name = "silences", description = "What is held back, until when and why"),
        (name = "automation", description = "What starts by itself, and the switch that stops it"),
        (name = "insight", description = "What was changed, and what past incidents tell"),
        (name = "directory", description = "Services and who is on call"),
    ),
    modifiers(&Bearer),
    security(("bearer" = [])),
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token of `[[tokens]]` in `firebell.toml`."))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

fn routes() -> OpenApiRouter<App> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(incidents::list_incidents, acts::declare))
        .routes(routes!(incidents::get_incident))
        .routes(routes!(incidents::get_timeline))
        .routes(routes!(incidents::get_deliveries))
        .routes(routes!(incidents::get_runs, ask::ask_run))
        .routes(routes!(ask::check_run))
        .routes(routes!(agree::get_run))
        .routes(routes!(agree::approve_run))
        .routes(routes!(agree::reject_run))
        .routes(routes!(
            postmortems::get_postmortem,
            postmortems::change_postmortem
        ))
        .routes(routes!(summary::get_summary, summary::act_on_summary))
        .routes(routes!(postmortems::list_postmortems))
        .routes(routes!(postmortems::search))
        .routes(routes!(agree::stop_run))
        .routes(routes!(agree::settle_run))
        .routes(routes!(rooms::get_rooms))
        .routes(routes!(rooms::retry_rooms))
        .routes(routes!(rooms::archive_rooms))
        .routes(routes!(rooms::rename))
        .routes(routes!(rooms::get_files))
        .routes(routes!(rooms::redact))
        .routes(routes!(rooms::redact_section))
        .routes(routes!(acts::acknowledge))
        .routes(routes!(acts::resolve))
        .routes(routes!(acts::note))
        .routes(routes!(conduct::get_command))
        .routes(routes!(conduct::set_role))
        .routes(routes!(conduct::set_responder))
        .routes(routes!(conduct::tick))
        .routes(routes!(conduct::add_task))
        .routes(routes!(conduct::change_task, conduct::drop_task))
        .routes(routes!(conduct::decide))
        .routes(routes!(conduct::report))
        .routes(routes!(updates::post_update))
        .routes(routes!(updates::preview_update))
        .routes(routes!(updates::list_tellings))
        .routes(routes!(hands::snooze))
        .routes(routes!(hands::unacknowledge))
        .routes(routes!(hands::reopen))
        .routes(routes!(hands::reassign))
        .routes(routes!(hands::merge))
        .routes(routes!(nature::get_ties))
        .routes(routes!(nature::set_private))
        .routes(routes!(nature::set_drill))
        .routes(routes!(nature::set_type))
        .routes(routes!(nature::invite))
        .routes(routes!(nature::relate))
        .routes(routes!(nature::set_parent))
        .routes(routes!(hands::acknowledge_many))
        .routes(routes!(hands::resolve_many))
        .routes(routes!(silences::list_silences, silences::make_silence))
        .routes(routes!(silences::end_silence))
        .routes(routes!(alerts::list_alerts))
        .routes(routes!(attempts::list_attempts))
        .routes(routes!(changes::list_changes))
        .routes(routes!(analytics::get_analytics))
        .routes(routes!(oncall::on_call))
        .routes(routes!(oncall::list_shifts))
        .routes(routes!(services::list_services))
        .routes(routes!(
            automation::get_automation,
            automation::set_automation
        ));
    OpenApiRouter::with_openapi(Description::openapi()).nest("/api/v1", v1)
}

/// The description of the API, as pretty JSON; also printed by `firebell openapi`.
#[must_use]
pub fn openapi() -> String {
    // Invariant: the description is made of strings and maps; serialising them cannot fail.
    routes()
        .into_openapi()
        .to_pretty_json()
        .unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}

/// The routes under `/api/v1`.
pub fn router(app: App) -> Router {
    let (v1, _) = routes().split_for_parts();
    // Made once: it only changes with the program.
    let description = bytes::Bytes::from(openapi());
    let described = get(move || {
        let body = description.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], body) }
    });
    v1.method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(body::BODY_BYTES))
        .route_layer(middleware::from_fn_with_state(app.clone(), require_token))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            ANSWER_WITHIN,
        ))
        // Answers hold what only a token's owner may see, and are old at once.
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .route("/api/v1/openapi.json", described)
        .with_state(app)
}

async fn wrong_method() -> Response {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        "This path does not take this method; /api/v1/openapi.json lists what there is.",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_names_every_error_and_the_token() {
        let doc: serde_json::Value = serde_json::from_str(&openapi()).unwrap();
        assert_eq!(
            doc["components"]["securitySchemes"]["bearer"]["scheme"],
            "bearer"
        );
        assert_eq!(doc["security"][0]["bearer"], serde_json::json!([]));
        let paths = doc["paths"].as_object().unwrap();
        assert!(paths.contains_key("/api/v1/incidents/{id}/acknowledge"));
        for (path, item) in paths {
            for (method, operation) in item.as_object().unwrap() {
                let answers = operation["responses"].as_object().unwrap();
                assert!(answers.contains_key("401"), "{method} {path}");
                assert!(
                    operation["operationId"].is_string() && operation["summary"].is_string(),
                    "{method} {path}"
                );
            }
        }
    }

    #[test]
    fn every_schema_that_is_referred_to_is_described() {
        let text = openapi();
        let doc: serde_json::Value = serde_json::from_str(&text).unwrap();
        let schemas = doc["components"]["schemas"].as_object().unwrap();
        let mut seen = 0;
        for part in text.split("\"#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
            seen += 1;
        }
        assert!(seen > 10);
    }
}
