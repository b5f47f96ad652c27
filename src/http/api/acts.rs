//! Acting on incidents: acknowledge, resolve, note, declare. The same key is the same act.

use super::answers::NotDone;
use super::body::{Body, Which, cause};
use super::declare::{DeclareBody, open_as};
use super::incidents::detail;
use super::shape::IncidentDetail;
use crate::core::id::IncidentId;
use crate::core::incident::Command;
use crate::core::schedule::parse_at;
use crate::core::time::Time;
use crate::engine::Done;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono_tz::Tz;
use serde::Deserialize;
use utoipa::ToSchema;

/// A body with nothing in it yet; may be left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyBody {}

/// Something worth remembering.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteBody {
    /// At most 3,000 characters.
    #[schema(example = "Rolled checkout back to 4.1.7")]
    pub text: String,
    /// When it happened, if not now: RFC 3339, `2026-11-22 14:03` or `14:03` in the configured zone.
    #[schema(example = "2026-11-22T14:03:00Z")]
    pub at: Option<String>,
}

/// Takes the incident: paging stops.
#[utoipa::path(
    post,
    path = "/incidents/{id}/acknowledge",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body(content = Option<EmptyBody>, description = "May be left out"),
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: already acknowledged or resolved, or the key was used for another incident", body = ErrorBody),
        NotDone,
    )
)]
pub async fn acknowledge(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<Response, Problem> {
    let by = caller.actor();
    submit(&app, &caller, &headers, id, Command::Acknowledge { by }).await
}

/// Ends the incident.
#[utoipa::path(
    post,
    path = "/incidents/{id}/resolve",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body(content = Option<EmptyBody>, description = "May be left out"),
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: already resolved, or the key was used for another incident", body = ErrorBody),
        NotDone,
    )
)]
pub async fn resolve(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<Response, Problem> {
    let by = caller.actor();
    submit(&app, &caller, &headers, id, Command::Resolve { by }).await
}

/// Puts a note on the timeline.
#[utoipa::path(
    post,
    path = "/incidents/{id}/notes",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = NoteBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused, or the key was used for another incident", body = ErrorBody),
        NotDone,
    )
)]
pub async fn note(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<NoteBody>,
) -> Result<Response, Problem> {
    let happened_at = body.at.map(|text| moment(&app, &text)).transpose()?;
    let command = Command::Note {
        by: caller.actor(),
        text: body.text,
        happened_at,
    };
    submit(&app, &caller, &headers, id, command).await
}

pub(super) fn moment(app: &App, text: &str) -> Result<Time, Problem> {
    let zone = app.engine.directory().zone.unwrap_or(Tz::UTC);
    parse_at(text, zone, app.engine.now())
        .map_err(|why| Problem::bad("bad_body", format!("`at`: {why}.")))
}

/// Opens an incident by hand.
#[utoipa::path(
    post,
    path = "/incidents",
    tag = "incidents",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act: it answers the incident opened before")),
    request_body = DeclareBody,
    responses(
        (status = 201, description = "Opened", body = IncidentDetail),
        (status = 200, description = "Opened before with this key", body = IncidentDetail),
        (status = 409, description = "Refused", body = ErrorBody),
        NotDone,
    )
)]
pub async fn declare(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(body): Body<DeclareBody>,
) -> Result<Response, Problem> {
    let cause = cause(&caller, &headers)?;
    let open = open_as(&app.engine.directory(), caller.actor(), &body)?;
    let done = app.engine.open(&cause, open).await?;
    let status = if done.repeated {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    answer(&app, done, status).await
}

pub(super) async fn submit(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    id: IncidentId,
    command: Command,
) -> Result<Response, Problem> {
    let cause = cause(caller, headers)?;
    let done = app.engine.submit(&cause, id, command).await?;
    if done.incident != id {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "idempotency_key_reused",
            format!(
                "This Idempotency-Key was used for incident {}; use a new one for another act.",
                done.incident
            ),
        ));
    }
    answer(app, done, StatusCode::OK).await
}

pub(super) async fn answer(app: &App, done: Done, status: StatusCode) -> Result<Response, Problem> {
    let body = detail(app, done.incident).await?;
    let mut response = (status, Json(body)).into_response();
    if done.repeated {
        response
            .headers_mut()
            .insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}
