//! Leading an incident: roles, responders, checklists, tasks, decisions and reports.

mod shape;
mod tasks;

pub use shape::ConductOut;
pub use tasks::*;

use super::acts::moment;
use super::body::{Body, Which, cause};
use super::hands::visible;
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{Command, ConductCommand};
use crate::engine::person;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;

/// Who is to have a role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBody {
    /// Id of the role.
    #[schema(example = "scribe")]
    pub role: String,
    /// Person id of who is to have it; left out: nobody has it any more.
    #[schema(example = "bo")]
    pub person: Option<String>,
    /// They are asked first.
    #[serde(default)]
    pub ask: bool,
    /// Nobody has to have it, and nobody is reminded.
    #[serde(default)]
    pub waive: bool,
}

/// Somebody comes or goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponderBody {
    /// Person id.
    #[schema(example = "bo")]
    pub person: String,
    /// They take part no more.
    #[serde(default)]
    pub leaves: bool,
    /// Person id of who goes on with what they have, when they leave.
    pub to: Option<String>,
}

/// A line of a checklist.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TickBody {
    /// Its number.
    #[schema(example = 3)]
    pub line: u32,
    /// Done, or not after all.
    #[serde(default = "yes")]
    pub done: bool,
}

/// Something that was decided.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    /// At most 3,000 characters.
    #[schema(example = "We roll back to 4.1.7")]
    pub text: String,
    /// When, if not now: RFC 3339, `2026-11-22 14:03` or `14:03` in the configured zone. Neither in the
    /// future, nor more than a day before the incident began.
    #[schema(example = "2026-11-22T14:03:00Z")]
    pub at: Option<String>,
}

/// How it stands. At most 1,000 characters each.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportBody {
    /// What is seen.
    #[schema(example = "errors at 20 %, rising")]
    pub conditions: String,
    /// What is being done.
    #[serde(default)]
    pub actions: String,
    /// What is missing.
    #[serde(default)]
    pub needs: String,
}

fn yes() -> bool {
    true
}

/// Who does what in an incident, and what is to be done.
#[utoipa::path(
    get,
    path = "/incidents/{id}/command",
    tag = "command",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, description = "Roles, responders, checklists, tasks, decisions and the newest report", body = ConductOut),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 503, description = "It cannot be read now; try again", body = ErrorBody),
    )
)]
pub async fn get_command(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
) -> Result<Json<ConductOut>, Problem> {
    visible(&app, &caller, id).await?;
    Ok(Json(whole(&app, id).await?))
}

/// Gives a role to somebody, ends it, or says that nobody has to have it.
#[utoipa::path(
    post,
    path = "/incidents/{id}/roles",
    tag = "command",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = RoleBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = ConductOut),
        (status = 400, description = "The body or the key does not fit, or names what is not there", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: they have it already, or the incident is resolved", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn set_role(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<RoleBody>,
) -> Result<Response, Problem> {
    let (by, role) = (caller.actor(), body.role);
    let to = known(&app, "person", body.person.as_deref())?;
    let command = match (to, body.waive) {
        (Some(_), true) => {
            return Err(Problem::bad(
                "bad_body",
                "Give either `person` or `waive`, not both.",
            ));
        }
        (Some(to), false) => ConductCommand::GiveRole {
            by,
            role,
            to,
            ask: body.ask,
        },
        (None, true) => ConductCommand::WaiveRole { by, role },
        (None, false) => ConductCommand::ReleaseRole {
            by,
            role,
            who: None,
        },
    };
    submit(&app, &caller, &headers, id, command, StatusCode::OK).await
}

/// Lets somebody take part, or go.
#[utoipa::path(
    post,
    path = "/incidents/{id}/responders",
    tag = "command",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = ResponderBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = ConductOut),
        (status = 400, description = "The body or the key does not fit, or names what is not there", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: they take part already, or leave with the incident in hand", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn set_responder(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<ResponderBody>,
) -> Result<Response, Problem> {
    let by = caller.actor();
    let who = one(&app, "person", &body.person)?;
    let to = known(&app, "to", body.to.as_deref())?;
    let command = if body.leaves {
        ConductCommand::Leave { by, who, to }
    } else {
        ConductCommand::Join { by, who }
    };
    submit(&app, &caller, &headers, id, command, StatusCode::OK).await
}

/// Ticks a line of a checklist, or takes the tick off.
#[utoipa::path(
    post,
    path = "/incidents/{id}/ticks",
    tag = "command",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = TickBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = ConductOut),
        (status = 400, description = "The body or the key does not fit, or names what is not there", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: it is so already", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn tick(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<TickBody>,
) -> Result<Response, Problem> {
    let command = ConductCommand::Tick {
        by: caller.actor(),
        item: body.line,
        done: body.done,
    };
    submit(&app, &caller, &headers, id, command, StatusCode::OK).await
}

/// Writes down what was decided.
#[utoipa::path(
    post,
    path = "/incidents/{id}/decisions",
    tag = "command",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = DecisionBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = ConductOut),
        (status = 400, description = "The body or the key does not fit, or names what is not there", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused, or the key was used for another incident", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn decide(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<DecisionBody>,
) -> Result<Response, Problem> {
    let happened_at = body.at.map(|text| moment(&app, &text)).transpose()?;
    let command = ConductCommand::Decide {
        by: caller.actor(),
        text: body.text,
        happened_at,
    };
    submit(&app, &caller, &headers, id, command, StatusCode::OK).await
}

/// Reports conditions, actions and needs.
#[utoipa::path(
    post,
    path = "/incidents/{id}/reports",
    tag = "command",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = ReportBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = ConductOut),
        (status = 400, description = "The body or the key does not fit, or names what is not there", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn report(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<ReportBody>,
) -> Result<Response, Problem> {
    let command = ConductCommand::Report {
        by: caller.actor(),
        conditions: body.conditions,
        actions: body.actions,
        needs: body.needs,
    };
    submit(&app, &caller, &headers, id, command, StatusCode::OK).await
}

/// A person of the directory.
fn one(app: &App, field: &str, id: &str) -> Result<Actor, Problem> {
    let directory = app.engine.directory();
    if directory.people.contains_key(id) {
        return Ok(person(&directory, id));
    }
    Err(Problem::bad(
        "bad_body",
        format!("`{field}`: there is no person `{id}` in the directory."),
    ))
}

fn known(app: &App, field: &str, id: Option<&str>) -> Result<Option<Actor>, Problem> {
    id.map(|id| one(app, field, id)).transpose()
}

async fn submit(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    id: IncidentId,
    command: ConductCommand,
    status: StatusCode,
) -> Result<Response, Problem> {
    visible(app, caller, id).await?;
    let cause = cause(caller, headers)?;
    let command = Command::Conduct(command);
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
    let status = if done.repeated {
        StatusCode::OK
    } else {
        status
    };
    let mut response = (status, Json(whole(app, id).await?)).into_response();
    if done.repeated {
        let replayed = HeaderValue::from_static("true");
        response
            .headers_mut()
            .insert("idempotency-replayed", replayed);
    }
    Ok(response)
}

async fn whole(app: &App, id: IncidentId) -> Result<ConductOut, Problem> {
    let found = app.engine.incident(id).await?;
    let incident = found.ok_or_else(|| Problem::missing(format!("There is no incident {id}.")))?;
    let journal = app.engine.store().journal(id).await?;
    Ok(ConductOut::of(&incident, &journal, &app.engine.directory()))
}
