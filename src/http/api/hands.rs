//! Acts that let an incident change hands, and acts on several incidents at once.

use super::acts::{EmptyBody, answer, submit};
use super::answers::NotDone;
use super::body::{Body, Which, cause};
use super::shape::IncidentDetail;
use crate::core::directory::{Directory, Target};
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::Command;
use crate::core::time::{Time, parse_duration_ms};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Incidents one request may act on.
const MANY: usize = 200;

/// Until when somebody has it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SnoozeBody {
    /// RFC 3339; or `for`.
    #[schema(example = "2026-11-23T09:00:00Z")]
    pub until: Option<String>,
    /// A length of time; or `until`.
    #[schema(example = "30m")]
    pub r#for: Option<String>,
}

/// Whom it goes to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReassignBody {
    /// `person:ID`, `schedule:ID` or `team:ID`.
    #[schema(example = "person:bo")]
    pub to: String,
}

/// Which one goes on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeBody {
    /// The number of the incident that goes on.
    #[schema(example = 40)]
    pub into: i64,
}

/// Several incidents and a note.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManyBody {
    /// Their numbers, at most 200.
    #[schema(example = json!([12, 13, 14]))]
    pub ids: Vec<i64>,
    /// Put on the timeline of each.
    pub note: Option<String>,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManyOut {
    /// Done, or done before with this key.
    pub done: Vec<i64>,
    /// Refused, and why.
    pub refused: Vec<RefusedOut>,
}

/// One that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedOut {
    /// Its number.
    pub id: i64,
    /// A stable word.
    #[schema(example = "already_acknowledged")]
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// Takes the incident until a time; then it pages again unless it is resolved.
#[utoipa::path(
    post,
    path = "/incidents/{id}/snooze",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = SnoozeBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused", body = ErrorBody),
        NotDone,
    )
)]
pub async fn snooze(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<SnoozeBody>,
) -> Result<Response, Problem> {
    let until = end(
        app.engine.now(),
        body.until.as_deref(),
        body.r#for.as_deref(),
    )?;
    let by = caller.actor();
    submit(&app, &caller, &headers, id, Command::Snooze { by, until }).await
}

/// The end a body names.
///
/// # Errors
/// 400 naming the field.
pub fn end(now: Time, until: Option<&str>, length: Option<&str>) -> Result<Time, Problem> {
    match (until, length) {
        (Some(until), None) => Time::parse_rfc3339(until).ok_or_else(|| {
            Problem::bad(
                "bad_body",
                format!("`{until}` is not an RFC 3339 time such as 2026-11-23T09:00:00Z."),
            )
        }),
        (None, Some(length)) => {
            let ms = parse_duration_ms(length)
                .map_err(|why| Problem::bad("bad_body", format!("{why}.")))?;
            Ok(now.plus_ms(ms))
        }
        _ => Err(Problem::bad(
            "bad_body",
            "Give exactly one of an end and a length of time.",
        )),
    }
}

/// Gives the incident back: nobody has it, and it pages again.
#[utoipa::path(
    post,
    path = "/incidents/{id}/unacknowledge",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body(content = Option<EmptyBody>, description = "May be left out"),
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: nobody has it, or it is resolved", body = ErrorBody),
        NotDone,
    )
)]
pub async fn unacknowledge(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<Response, Problem> {
    let by = caller.actor();
    submit(&app, &caller, &headers, id, Command::Unacknowledge { by }).await
}

/// Opens a resolved incident again: it pages.
#[utoipa::path(
    post,
    path = "/incidents/{id}/reopen",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body(content = Option<EmptyBody>, description = "May be left out"),
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: it is open, was merged, or its group goes on as another one", body = ErrorBody),
        NotDone,
    )
)]
pub async fn reopen(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<Response, Problem> {
    let by = caller.actor();
    submit(&app, &caller, &headers, id, Command::Reopen { by }).await
}

/// Gives the incident to somebody else, who is paged until they acknowledge.
#[utoipa::path(
    post,
    path = "/incidents/{id}/reassign",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = ReassignBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 400, description = "The body or the key does not fit, or nobody can be paged there", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: it is resolved", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn reassign(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<ReassignBody>,
) -> Result<Response, Problem> {
    let target = target(&app.engine.directory(), &body.to)?;
    let by = caller.actor();
    submit(
        &app,
        &caller,
        &headers,
        id,
        Command::Reassign { by, target },
    )
    .await
}

fn target(directory: &Directory, text: &str) -> Result<Target, Problem> {
    let unknown = || {
        Problem::bad(
            "bad_body",
            format!(
                "`to`: `{text}` is nobody of the directory; write person:ID, schedule:ID or team:ID."
            ),
        )
    };
    let (kind, id) = text.split_once(':').ok_or_else(unknown)?;
    let id = id.to_owned();
    match kind {
        "person" if directory.people.contains_key(&id) => Ok(Target::Person(id)),
        "schedule" if directory.schedules.contains_key(&id) => Ok(Target::Schedule(id)),
        "team" if directory.teams.contains_key(&id) => Ok(Target::Team(id)),
        _ => Err(unknown()),
    }
}

/// Merges the incident into another one, which goes on with its alerts.
#[utoipa::path(
    post,
    path = "/incidents/{id}/merge",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "The number of the one that is closed"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = MergeBody,
    responses(
        (status = 200, description = "Done, or done before with this key: the incident that goes on", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: one of the two is resolved", body = ErrorBody),
        NotDone,
    )
)]
pub async fn merge(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<MergeBody>,
) -> Result<Response, Problem> {
    let cause = cause(&caller, &headers)?;
    visible(&app, &caller, IncidentId(body.into)).await?;
    let done = app
        .engine
        .merge(&cause, id, IncidentId(body.into), caller.actor())
        .await?;
    answer(&app, done, StatusCode::OK).await
}

/// Takes several incidents; each for itself.
#[utoipa::path(
    post,
    path = "/incidents/acknowledge",
    tag = "incidents",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new")),
    request_body = ManyBody,
    responses(
        (status = 200, description = "What became of each", body = ManyOut),
        (status = 400, description = "The body or the key does not fit", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 503, description = "Some of it cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn acknowledge_many(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(body): Body<ManyBody>,
) -> Result<Json<ManyOut>, Problem> {
    many(&app, &caller, &headers, body, |by| Command::Acknowledge {
        by,
    })
    .await
}

/// Ends several incidents; each for itself.
#[utoipa::path(
    post,
    path = "/incidents/resolve",
    tag = "incidents",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new")),
    request_body = ManyBody,
    responses(
        (status = 200, description = "What became of each", body = ManyOut),
        (status = 400, description = "The body or the key does not fit", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 503, description = "Some of it cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn resolve_many(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(body): Body<ManyBody>,
) -> Result<Json<ManyOut>, Problem> {
    many(&app, &caller, &headers, body, |by| Command::Resolve { by }).await
}

async fn many(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    body: ManyBody,
    command: impl Fn(Actor) -> Command,
) -> Result<Json<ManyOut>, Problem> {
    if body.ids.is_empty() || body.ids.len() > MANY {
        return Err(Problem::bad(
            "bad_body",
            format!("`ids` has 1 to {MANY} numbers."),
        ));
    }
    let cause = cause(caller, headers)?;
    let mut out = ManyOut {
        done: Vec::new(),
        refused: Vec::new(),
    };
    let note = body.note.filter(|n| !n.trim().is_empty());
    for id in body.ids {
        match one(
            app,
            caller,
            &format!("{cause}:{id}"),
            id,
            command(caller.actor()),
            note.as_deref(),
        )
        .await
        {
            Ok(()) => out.done.push(id),
            Err(p) if p.status == StatusCode::SERVICE_UNAVAILABLE => return Err(p),
            Err(p) => out.refused.push(RefusedOut {
                id,
                code: p.code.to_owned(),
                message: p.message,
            }),
        }
    }
    Ok(Json(out))
}

/// 404 for an incident that is there and not for this program.
pub(super) async fn visible(app: &App, caller: &Caller, id: IncidentId) -> Result<(), Problem> {
    let sight = caller.sight(&app.engine.directory());
    match app.engine.incident(id).await? {
        Some(incident) if !sight.sees(&incident) => Err(super::incidents::missing(id)),
        _ => Ok(()),
    }
}

async fn one(
    app: &App,
    caller: &Caller,
    cause: &str,
    id: i64,
    command: Command,
    note: Option<&str>,
) -> Result<(), Problem> {
    visible(app, caller, IncidentId(id)).await?;
    app.engine.submit(cause, IncidentId(id), command).await?;
    if let Some(text) = note {
        let note = Command::Note {
            by: caller.actor(),
            text: text.to_owned(),
            happened_at: None,
        };
        app.engine
            .submit(&format!("{cause}:note"), IncidentId(id), note)
            .await?;
    }
    Ok(())
}
