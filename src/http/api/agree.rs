//! Acts on runs: look at one, approve it, say no, stop it, settle it. The same key is the same act.

use super::answers::NotDone;
use super::body::{Body, cause};
use super::runs::{RunOut, run_of};
use crate::core::id::{Actor, IncidentId, RunId};
use crate::core::incident::Command;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;

/// The door of rules: `door = ["api"]`.
pub(super) const DOOR: &str = "api";

/// Characters of a note; what chat platforms let people write.
const NOTE_CHARS: usize = 2000;

/// What is approved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveBody {
    /// The `subject` of the run as it was looked at. A run that would do anything else by now is not
    /// approved.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub subject: String,
}

/// Nothing yet; may be left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectBody {}

/// A run as it is now.
#[utoipa::path(
    get,
    path = "/runs/{id}",
    tag = "incidents",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, body = RunOut),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such run", body = ErrorBody),
        (status = 503, description = "The database does not answer; try again", body = ErrorBody),
    )
)]
pub async fn get_run(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<RunOut>, Problem> {
    let (incident, run) = which(&app, &caller, &id).await?;
    shown(&app, incident, run).await
}

/// Approves a run, as the person whose token it is.
#[utoipa::path(
    post,
    path = "/runs/{id}/approve",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = ApproveBody,
    responses(
        (status = 200, description = "Approved; `missing` says what it still needs", body = RunOut),
        (status = 403, description = "The token is no person's, or the rules do not let that person", body = ErrorBody),
        (status = 404, description = "There is no such run", body = ErrorBody),
        (status = 409, description = "Refused: it is over, lapsed, or would do something else", body = ErrorBody),
        NotDone,
    )
)]
pub async fn approve_run(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<ApproveBody>,
) -> Result<Json<RunOut>, Problem> {
    let approve = |by, run| Command::ApproveRun { by, run };
    act(&app, &caller, (&headers, &id), Some(body.subject), approve).await
}

/// Says no to a run, as the person whose token it is. That ends it.
#[utoipa::path(
    post,
    path = "/runs/{id}/reject",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body(content = Option<RejectBody>, description = "May be left out"),
    responses(
        (status = 200, description = "It will not run", body = RunOut),
        (status = 403, description = "The token is no person's, or not of somebody who may", body = ErrorBody),
        (status = 404, description = "There is no such run", body = ErrorBody),
        (status = 409, description = "Refused: it is over", body = ErrorBody),
        NotDone,
    )
)]
pub async fn reject_run(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(RejectBody {}): Body<RejectBody>,
) -> Result<Json<RunOut>, Problem> {
    let reject = |by, run| Command::RejectRun { by, run };
    act(&app, &caller, (&headers, &id), None, reject).await
}

/// How a run went.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleBody {
    /// It did what it should.
    pub good: bool,
    /// How that is known; for the timeline.
    #[serde(default)]
    pub note: String,
}

/// Stops a run, as the person whose token it is: it is asked to end, and killed after its grace.
#[utoipa::path(
    post,
    path = "/runs/{id}/stop",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body(content = Option<RejectBody>, description = "May be left out"),
    responses(
        (status = 200, description = "It was asked to stop", body = RunOut),
        (status = 403, description = "The token is no person's, or not of somebody who may", body = ErrorBody),
        (status = 404, description = "There is no such run", body = ErrorBody),
        (status = 409, description = "Refused: it is over, or was asked before", body = ErrorBody),
        NotDone,
    )
)]
pub async fn stop_run(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(RejectBody {}): Body<RejectBody>,
) -> Result<Json<RunOut>, Problem> {
    let stop = |by, run| Command::CancelRun { by, run };
    act(&app, &caller, (&headers, &id), None, stop).await
}

/// Says how a run with an unknown outcome went, as the person whose token it is.
#[utoipa::path(
    post,
    path = "/runs/{id}/settle",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = SettleBody,
    responses(
        (status = 200, description = "It is settled; its keys are free", body = RunOut),
        (status = 403, description = "The token is no person's, or not of somebody who may", body = ErrorBody),
        (status = 404, description = "There is no such run", body = ErrorBody),
        (status = 409, description = "Refused: its outcome is known, or was settled", body = ErrorBody),
        NotDone,
    )
)]
pub async fn settle_run(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<SettleBody>,
) -> Result<Json<RunOut>, Problem> {
    let settle = |by, run| Command::SettleRun {
        by,
        run,
        good: body.good,
        note: crate::core::text::cut(body.note.trim(), NOTE_CHARS),
    };
    act(&app, &caller, (&headers, &id), None, settle).await
}

/// Finds the run that `id` names and does something with it as the person whose token it is; `seen`
/// is the subject they looked at.
async fn act(
    app: &App,
    caller: &Caller,
    (headers, id): (&HeaderMap, &str),
    seen: Option<String>,
    what: impl FnOnce(Actor, RunId) -> Command,
) -> Result<Json<RunOut>, Problem> {
    let (incident, run) = which(app, caller, id).await?;
    if seen.as_deref().is_some_and(str::is_empty) {
        return Err(Problem::bad(
            "bad_body",
            "`subject` is empty; send the `subject` of the run you looked at.",
        ));
    }
    let cause = cause(caller, headers)?;
    let command = Command::Through {
        door: DOOR.to_owned(),
        seen,
        command: Box::new(what(caller.actor(), run)),
    };
    let done = app.engine.submit(&cause, incident, command).await?;
    if done.incident != incident {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "idempotency_key_reused",
            "This Idempotency-Key was used for another act; use a new one.",
        ));
    }
    shown(app, incident, run).await
}

/// The run a path names and the incident it belongs to.
pub(super) async fn which(
    app: &App,
    caller: &Caller,
    text: &str,
) -> Result<(IncidentId, RunId), Problem> {
    let digits = text.strip_prefix("run-").unwrap_or(text);
    let missing = || {
        Problem::missing(format!(
            "There is no run `{}`; its number is needed, such as 3.",
            crate::core::text::cut(text, 40)
        ))
    };
    let run = digits.parse::<i64>().ok().filter(|n| *n > 0).map(RunId);
    let run = run.ok_or_else(missing)?;
    let found = app.engine.store().incident_of_run(run).await?;
    let incident = found.ok_or_else(missing)?;
    // Of an incident this program may not see there is no run either.
    let seen = super::hands::visible(app, caller, incident).await;
    seen.map_err(|problem| match problem.status {
        StatusCode::NOT_FOUND => missing(),
        _ => problem,
    })?;
    Ok((incident, run))
}

pub(super) async fn shown(app: &App, id: IncidentId, run: RunId) -> Result<Json<RunOut>, Problem> {
    let gone = || Problem::missing(format!("There is no {run}."));
    let incident = app.engine.incident(id).await?.ok_or_else(gone)?;
    let found = incident.runs.get(&run).ok_or_else(gone)?;
    let row = app.engine.store().run(run).await?;
    let directory = app.engine.directory();
    let mut out = run_of(run.0, found, row);
    out.missing = crate::core::verdict::wanting(&incident, found, &directory, app.engine.now());
    Ok(Json(out))
}
