//! Rooms of an incident and what was said in them: what failed, another try, the files, removal for good.

use super::acts::{EmptyBody, submit};
use super::answers::{NotDone, NotSeen};
use super::body::{Body, Which, cause};
use super::incidents::missing;
use super::shape::{All, IncidentDetail};
use crate::core::id::{IncidentId, Seq};
use crate::core::incident::{Command, Surface, Talk};
use crate::engine::Redaction;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use crate::store::FileRow;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing about a room, and how it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepOut {
    /// The chat platform.
    pub platform: String,
    /// `room`, `room-card`, `topic`, `crew`, `fixtures` (what is pinned), `links`, `name`, `shelf`
    /// (archiving), `digest` (the announcement), `channel-card`.
    pub step: String,
    /// `done`, `waiting` or `failed`.
    pub state: &'static str,
    /// Tries since it was last done.
    pub attempts: u32,
    /// Why it failed, or who was left out; empty: nothing.
    pub reason: String,
}

/// A file that came with a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileOut {
    /// The event that tells of it.
    pub seq: Seq,
    /// When it was kept.
    pub at: String,
    /// Its name; empty once it was removed.
    pub name: String,
    /// What it is by its first bytes.
    pub kind: String,
    /// Bytes.
    pub bytes: i64,
    /// SHA-256 in hex.
    pub sha256: String,
    /// It was removed for good.
    pub removed: bool,
    /// Where the console hands it out.
    pub url: String,
}

impl FileOut {
    fn of(row: FileRow, home: &str) -> FileOut {
        FileOut {
            url: format!("{home}/incidents/{}/files/{}", row.incident.0, row.seq),
            seq: row.seq,
            at: row.at.rfc3339(),
            name: row.name,
            kind: row.kind,
            bytes: row.bytes,
            sha256: row.sha256,
            removed: row.removed,
        }
    }
}

/// Another title.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TitleBody {
    /// What is wrong, at most 300 characters.
    #[schema(example = "Checkout is slow in the EU")]
    pub title: String,
}

/// Why something is removed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhyBody {
    /// Stands in its place.
    #[schema(example = "it holds a password")]
    pub why: String,
}

/// What was removed.
#[derive(Debug, Serialize, ToSchema)]
pub struct RedactedOut {
    /// In words.
    pub told: String,
}

/// How each thing about the incident's rooms stands, platform by platform.
#[utoipa::path(
    get,
    path = "/incidents/{id}/rooms",
    tag = "incidents",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, body = All<StepOut>),
        NotSeen,
    )
)]
pub async fn get_rooms(
    State(app): State<App>,
    Which(id): Which,
) -> Result<Json<All<StepOut>>, Problem> {
    let store = app.engine.store();
    store.incident(id).await?.ok_or_else(|| missing(id))?;
    let shows = store.shows(id).await?;
    let items = shows
        .into_iter()
        .filter(|s| Surface::parse(&s.surface).is_some())
        .map(|s| StepOut {
            state: match (s.want > s.have, s.error.is_empty() || s.attempts == 0) {
                (true, _) => "waiting",
                (false, true) => "done",
                (false, false) => "failed",
            },
            platform: s.platform,
            step: s.surface,
            attempts: s.attempts,
            reason: s.error,
        })
        .collect();
    Ok(Json(All { items }))
}

/// Tries again what failed of the rooms.
#[utoipa::path(
    post,
    path = "/incidents/{id}/rooms/retry",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body(content = Option<EmptyBody>, description = "May be left out"),
    responses(
        (status = 200, description = "Asked for", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: nothing failed", body = ErrorBody),
        NotDone,
    )
)]
pub async fn retry_rooms(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<Response, Problem> {
    let talk = Talk::Retry { by: caller.actor() };
    let command = Command::Talk(Box::new(talk));
    submit(&app, &caller, &headers, id, command).await
}

/// Puts the rooms of a resolved incident away now.
#[utoipa::path(
    post,
    path = "/incidents/{id}/rooms/archive",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body(content = Option<EmptyBody>, description = "May be left out"),
    responses(
        (status = 200, description = "Asked for", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: it is open, has no room, or they are archived", body = ErrorBody),
        NotDone,
    )
)]
pub async fn archive_rooms(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(EmptyBody {}): Body<EmptyBody>,
) -> Result<Response, Problem> {
    let talk = Talk::Archive { by: caller.actor() };
    let command = Command::Talk(Box::new(talk));
    submit(&app, &caller, &headers, id, command).await
}

/// Gives an incident another title; its rooms are renamed.
#[utoipa::path(
    post,
    path = "/incidents/{id}/rename",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = TitleBody,
    responses(
        (status = 200, description = "Done", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: it is called so already", body = ErrorBody),
        NotDone,
    )
)]
pub async fn rename(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<TitleBody>,
) -> Result<Response, Problem> {
    let talk = Talk::Retitle {
        by: caller.actor(),
        title: body.title,
    };
    let command = Command::Talk(Box::new(talk));
    submit(&app, &caller, &headers, id, command).await
}

/// The files that came with messages of the incident.
#[utoipa::path(
    get,
    path = "/incidents/{id}/files",
    tag = "incidents",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, body = All<FileOut>),
        NotSeen,
    )
)]
pub async fn get_files(
    State(app): State<App>,
    Which(id): Which,
) -> Result<Json<All<FileOut>>, Problem> {
    let store = app.engine.store();
    store.incident(id).await?.ok_or_else(|| missing(id))?;
    let files = store.files(id).await?;
    let home = app.engine.public_url();
    let items = files.into_iter().map(|f| FileOut::of(f, home)).collect();
    Ok(Json(All { items }))
}

/// Removes a line of the timeline for good, with everything that bears the same message.
#[utoipa::path(
    post,
    path = "/incidents/{id}/timeline/{line}/redact",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("line" = u32, Path, description = "Number of the event"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = WhyBody,
    responses(
        (status = 200, description = "Removed", body = RedactedOut),
        (status = 403, description = "Refused: neither its author nor a redactor", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: nothing a person wrote, or removed already", body = ErrorBody),
        NotDone,
    )
)]
pub async fn redact(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, line)): Path<(i64, Seq)>,
    headers: HeaderMap,
    Body(body): Body<WhyBody>,
) -> Result<Json<RedactedOut>, Problem> {
    let cause = cause(&caller, &headers)?;
    let wanted = Redaction {
        by: caller.actor(),
        incident: IncidentId(id),
        seq: line,
        why: body.why,
    };
    let told = app.engine.redact(&cause, wanted).await?;
    Ok(Json(RedactedOut { told }))
}

/// Removes for good all that people wrote into a section of the postmortem, with every revision of it.
#[utoipa::path(
    post,
    path = "/incidents/{id}/postmortem/{section}/redact",
    tag = "postmortems",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("section" = String, Path, description = "Anchor of the section, such as `impact`"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = WhyBody,
    responses(
        (status = 200, description = "Removed", body = RedactedOut),
        (status = 403, description = "Refused: neither its only author nor a redactor", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: there is no such section, or nobody has written there", body = ErrorBody),
        NotDone,
    )
)]
pub async fn redact_section(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, section)): Path<(i64, String)>,
    headers: HeaderMap,
    Body(body): Body<WhyBody>,
) -> Result<Json<RedactedOut>, Problem> {
    let cause = cause(&caller, &headers)?;
    let (by, id) = (caller.actor(), IncidentId(id));
    let done = app
        .engine
        .redact_section(&cause, &by, (id, &section), &body.why);
    Ok(Json(RedactedOut { told: done.await? }))
}
