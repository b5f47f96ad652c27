//! Tasks and follow-ups.

use super::super::body::{Body, Which};
use super::{ConductOut, known, submit};
use crate::core::id::IncidentId;
use crate::core::incident::{ConductCommand, TaskChange};
use crate::core::schedule::{Edge, parse_when};
use crate::core::time::Time;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono_tz::Tz;
use serde::Deserialize;
use utoipa::ToSchema;

/// Something to be done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskBody {
    /// What, in one line of at most 500 characters.
    #[schema(example = "Alert on replica lag")]
    pub text: String,
    /// Person id of whose it is.
    #[schema(example = "bo")]
    pub owner: Option<String>,
    /// By when: RFC 3339, or as people write it in the configured zone: `fri 16:00`, `2h`.
    #[schema(example = "2026-11-27T16:00:00Z")]
    pub due: Option<String>,
    /// After the incident: an action item of its postmortem.
    #[serde(default)]
    pub follow_up: bool,
}

/// What changes of a task; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskChangeBody {
    /// What it says.
    pub text: Option<String>,
    /// Person id; empty: nobody's.
    pub owner: Option<String>,
    /// As in a new task; empty: at no time.
    pub due: Option<String>,
    /// Done, or not after all; alone.
    pub done: Option<bool>,
}

/// Adds a task or a follow-up.
#[utoipa::path(
    post,
    path = "/incidents/{id}/tasks",
    tag = "command",
    params(
        ("id" = i64, Path, description = "The incident's number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = TaskBody,
    responses(
        (status = 201, description = "Added", body = ConductOut),
        (status = 200, description = "Added before with this key", body = ConductOut),
        (status = 400, description = "The body or the key does not fit, or names what is not there", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused, or the key was used for another incident", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn add_task(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<TaskBody>,
) -> Result<Response, Problem> {
    let due = body.due.as_deref().map(|d| moment(&app, d)).transpose()?;
    let command = ConductCommand::AddTask {
        by: caller.actor(),
        text: body.text,
        owner: known(&app, "owner", body.owner.as_deref())?,
        due,
        follow_up: body.follow_up,
        floor: app.engine.item_floor(id).await?,
    };
    submit(&app, &caller, &headers, id, command, StatusCode::CREATED).await
}

/// Changes a task, or says that it is done.
#[utoipa::path(
    patch,
    path = "/incidents/{id}/tasks/{task}",
    tag = "command",
    params(
        ("id" = i64, Path, description = "The incident's number"),
        ("task" = u32, Path, description = "The task's number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = TaskChangeBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = ConductOut),
        (status = 400, description = "The body or the key does not fit, or names what is not there", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: it is so already", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn change_task(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body<TaskChangeBody>,
) -> Result<Response, Problem> {
    let (id, task) = numbers(&path)?;
    let by = caller.actor();
    let changes = body.text.is_some() || body.owner.is_some() || body.due.is_some();
    let command = match (body.done, changes) {
        (Some(done), false) => ConductCommand::FinishTask { by, task, done },
        (None, true) => ConductCommand::ChangeTask {
            by,
            task,
            change: change(&app, body)?,
        },
        _ => {
            return Err(Problem::bad(
                "bad_body",
                "Give either `done`, or what changes of `text`, `owner` and `due`.",
            ));
        }
    };
    submit(&app, &caller, &headers, id, command, StatusCode::OK).await
}

/// Takes a task off the list.
#[utoipa::path(
    delete,
    path = "/incidents/{id}/tasks/{task}",
    tag = "command",
    params(
        ("id" = i64, Path, description = "The incident's number"),
        ("task" = u32, Path, description = "The task's number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    responses(
        (status = 200, description = "Done, or done before with this key", body = ConductOut),
        (status = 400, description = "The key does not fit", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused, or the key was used for another incident", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn drop_task(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (id, task) = numbers(&path)?;
    let by = caller.actor();
    let command = ConductCommand::DropTask { by, task };
    submit(&app, &caller, &headers, id, command, StatusCode::OK).await
}

/// The incident and the task a path names. Anything else is nowhere.
fn numbers((id, task): &(String, String)) -> Result<(IncidentId, u32), Problem> {
    let id: Option<i64> = id.parse().ok().filter(|n| *n > 0);
    let found = id.zip(task.parse().ok());
    found
        .map(|(id, task)| (IncidentId(id), task))
        .ok_or_else(|| {
            Problem::missing(
                "There is nothing there; the numbers of an incident and of a task are needed.",
            )
        })
}

fn change(app: &App, body: TaskChangeBody) -> Result<TaskChange, Problem> {
    let owner = match body.owner.as_deref() {
        None => None,
        Some("") => Some(None),
        Some(id) => Some(known(app, "owner", Some(id))?),
    };
    let due = match body.due.as_deref() {
        None => None,
        Some("") => Some(None),
        Some(text) => Some(Some(moment(app, text)?)),
    };
    Ok(TaskChange {
        text: body.text,
        owner,
        due,
    })
}

/// A time to come.
fn moment(app: &App, text: &str) -> Result<Time, Problem> {
    let zone = app.engine.directory().zone.unwrap_or(Tz::UTC);
    parse_when(text, zone, app.engine.now(), Edge::From)
        .map_err(|why| Problem::bad("bad_body", format!("`due`: {why}.")))
}
