//! Asking for a run: of an action, of its dry run, or of what looks how another run went.

use super::agree::{DOOR, shown, which};
use super::answers::NotDone;
use super::body::{Body, Which, cause};
use super::hands::visible;
use super::runs::RunOut;
use crate::core::action;
use crate::core::directory::Action;
use crate::core::id::{IncidentId, RunId};
use crate::core::incident::{Ask, Command};
use crate::engine::Counter;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// What is to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskBody {
    /// Id of the action.
    #[schema(example = "web-drain")]
    pub action: String,
    /// Its arguments by name; those that come from labels are left out.
    #[serde(default)]
    pub args: BTreeMap<String, String>,
    /// Only its dry run: it starts at once, looks, and needs nobody's approval.
    #[serde(default)]
    pub dry_run: bool,
    /// Why, for the timeline.
    #[serde(default)]
    pub reason: Option<String>,
    /// Pass over the approval in an emergency; needs a `reason`, and a role the action's file names.
    #[serde(default)]
    pub break_glass: bool,
}

/// Nothing yet; may be left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckBody {}

/// Asks for a run, as the person whose token it is. It starts when somebody confirms or approves it with
/// its `subject`; a dry run starts at once.
#[utoipa::path(
    post,
    path = "/incidents/{id}/runs",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Number of the incident"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same run"),
    ),
    request_body = AskBody,
    responses(
        (status = 201, description = "Asked for; `state` and `missing` say what it waits for", body = RunOut),
        (status = 403, description = "The token is no person's, or the rules do not let that person", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: the action does not fit, a key is held, or it ran often enough", body = ErrorBody),
        NotDone,
    )
)]
pub async fn ask_run(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<AskBody>,
) -> Result<(StatusCode, Json<RunOut>), Problem> {
    visible(&app, &caller, id).await?;
    let directory = app.engine.directory();
    let Some(action) = directory.actions.get(&body.action) else {
        return Err(Problem::bad(
            "bad_body",
            format!(
                "`action`: there is no `{}`; `firebell actions list` lists them.",
                crate::core::text::cut(&body.action, 80)
            ),
        ));
    };
    if body.dry_run && body.break_glass {
        return Err(Problem::bad(
            "bad_body",
            "A dry run needs no approval, so there is none to pass over; leave `break_glass` out.",
        ));
    }
    let ask = Ask {
        reason: body.reason,
        break_glass: body.break_glass,
        dry: body.dry_run,
        ..Ask::default()
    };
    asked(
        &app,
        &caller,
        (&headers, id),
        (action.clone(), body.args, ask),
    )
    .await
}

/// Looks how a run went whose outcome nobody knows, with the diagnostic the action's file names for that.
#[utoipa::path(
    post,
    path = "/runs/{id}/check",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Number of the run whose outcome is unknown"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same check"),
    ),
    request_body(content = Option<CheckBody>, description = "May be left out"),
    responses(
        (status = 201, description = "The run that looks", body = RunOut),
        (status = 403, description = "The token is no person's, or the rules do not let that person", body = ErrorBody),
        (status = 404, description = "There is no such run", body = ErrorBody),
        (status = 409, description = "Refused: its outcome is known, or was settled", body = ErrorBody),
        NotDone,
    )
)]
pub async fn check_run(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(CheckBody {}): Body<CheckBody>,
) -> Result<(StatusCode, Json<RunOut>), Problem> {
    let (incident, run) = which(&app, &caller, &id).await?;
    let directory = app.engine.directory();
    let known = app.engine.incident(incident).await?;
    let checked = known.as_ref().and_then(|i| i.runs.get(&run));
    let missing = || Problem::missing(format!("There is no {run}."));
    let (action, args) = action::check_of(checked.ok_or_else(missing)?, &directory)
        .map_err(|why| Problem::bad("no_check", why))?;
    let ask = Ask {
        checks: Some(run),
        reason: Some(format!("looks how {run} went")),
        ..Ask::default()
    };
    asked(&app, &caller, (&headers, incident), (action, args, ask)).await
}

async fn asked(
    app: &App,
    caller: &Caller,
    (headers, id): (&HeaderMap, IncidentId),
    (action, args, ask): (Arc<Action>, BTreeMap<String, String>, Ask),
) -> Result<(StatusCode, Json<RunOut>), Problem> {
    let cause = cause(caller, headers)?;
    let command = Command::Through {
        door: DOOR.to_owned(),
        seen: None,
        command: Box::new(Command::AskRun {
            by: caller.actor(),
            run: RunId(app.engine.next_id(Counter::Run)),
            action,
            args,
            ask,
        }),
    };
    let done = app.engine.submit(&cause, id, command).await?;
    let reused = || {
        Problem::new(
            StatusCode::CONFLICT,
            "idempotency_key_reused",
            "This Idempotency-Key was used for another act; use a new one.",
        )
    };
    if done.incident != id {
        return Err(reused());
    }
    // Found by its event: with the same key again this is the run of the first time.
    let incident = app.engine.incident(id).await?.ok_or_else(reused)?;
    let (run, _) = incident.run_asked_by(done.seq).ok_or_else(reused)?;
    Ok((StatusCode::CREATED, shown(app, id, run).await?))
}
