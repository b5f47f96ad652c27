//! Telling others by API: what everybody would read, updates, and what became of each telling.

use super::acts::submit;
use super::answers::NotDone;
use super::body::{Body, Which};
use super::hands::visible;
use super::shape::IncidentDetail;
use crate::core::board::Condition;
use crate::core::incident::{Audience, Command, UpdateWish, compose, preview};
use crate::core::time::parse_duration_ms;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Tellings that are listed.
const TELLINGS: i64 = 500;

/// An update.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateBody {
    /// At most 3,000 characters; may be left out when there is a status.
    #[serde(default)]
    #[schema(example = "We rolled back and watch.")]
    pub text: String,
    /// Id of a status of the scale.
    #[schema(example = "monitoring")]
    pub status: Option<String>,
    /// `internal` when left out, or `public`.
    pub audience: Option<String>,
    /// What everybody reads as the title; the first public update needs one.
    pub title: Option<String>,
    /// Components and how they are: `operational`, `maintenance`, `degraded`, `partial`, `major`.
    #[serde(default)]
    pub components: BTreeMap<String, String>,
    /// When the next one follows, such as `30m`.
    pub next: Option<String>,
    /// For a public update: the digest of the preview somebody has read.
    pub seen: Option<String>,
}

/// What everybody would read.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewBody {
    /// Line by line.
    pub text: String,
    /// To be sent as `seen` with the update.
    pub digest: String,
}

/// What became of one telling.
#[derive(Debug, Serialize, ToSchema)]
pub struct Telling {
    /// Who, with most of a mail address hidden.
    pub to: String,
    /// The update's place in the journal.
    pub seq: u32,
    /// `waiting`, `done`, `failed`, `passed`.
    pub state: String,
    /// Tries so far.
    pub attempts: u32,
    /// Why not, in words; empty: no reason.
    pub error: String,
    /// Last change, RFC 3339.
    pub updated_at: String,
}

/// A list of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct TellingList {
    /// Newest update first.
    pub tellings: Vec<Telling>,
}

impl UpdateBody {
    fn wish(self, caller: &Caller) -> Result<UpdateWish, Problem> {
        let bad = |why: String| Problem::bad("bad_body", why);
        let audience = match self.audience.as_deref() {
            None => Audience::Internal,
            Some(word) => Audience::parse(word)
                .ok_or_else(|| bad("`audience` is neither `internal` nor `public`.".to_owned()))?,
        };
        let next = self.next.as_deref().map(parse_duration_ms).transpose();
        let components = self.components.into_iter().map(|(id, word)| {
            let found = Condition::parse(&word);
            found.map(|c| (id, c)).ok_or_else(|| {
                let words = Condition::ALL.map(Condition::word).join(", ");
                bad(format!("`components`: {word:?} is none of {words}."))
            })
        });
        Ok(UpdateWish {
            status: self.status,
            audience,
            title: self.title,
            components: components.collect::<Result<_, _>>()?,
            next_ms: next.map_err(|why| bad(format!("`next`: {why}.")))?,
            seen: self.seen,
            ..UpdateWish::internal(caller.actor(), &self.text)
        })
    }
}

/// Tells others how an incident stands.
#[utoipa::path(
    post,
    path = "/incidents/{id}/updates",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = UpdateBody,
    responses(
        (status = 200, description = "Told, or told before with this key", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: nothing would change, or everybody would read something else than `seen`", body = ErrorBody),
        NotDone,
    )
)]
pub async fn post_update(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<UpdateBody>,
) -> Result<Response, Problem> {
    let wish = body.wish(&caller)?;
    submit(&app, &caller, &headers, id, Command::Update(Box::new(wish))).await
}

/// Shows what everybody would read of a public update; nothing is recorded.
#[utoipa::path(
    post,
    path = "/incidents/{id}/updates/preview",
    tag = "incidents",
    params(("id" = i64, Path, description = "Its number")),
    request_body = UpdateBody,
    responses(
        (status = 200, description = "What everybody would read", body = PreviewBody),
        (status = 400, description = "The body does not fit", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody),
        (status = 503, description = "It cannot be read now", body = ErrorBody),
    )
)]
pub async fn preview_update(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    Body(body): Body<UpdateBody>,
) -> Result<Json<PreviewBody>, Problem> {
    visible(&app, &caller, id).await?;
    let wish = UpdateWish {
        audience: Audience::Public,
        ..body.wish(&caller)?
    };
    let found = app.engine.incident(id).await?;
    let incident = found.ok_or_else(|| Problem::missing(format!("There is no incident {id}.")))?;
    let directory = app.engine.directory();
    let update = compose(&incident, &directory, app.engine.now(), &wish)
        .map_err(crate::engine::Failure::from)?;
    let read = preview(&incident, &update, directory.zone);
    Ok(Json(PreviewBody {
        text: read.text,
        digest: read.digest,
    }))
}

/// Lists who was told of an incident's updates and what became of it.
#[utoipa::path(
    get,
    path = "/incidents/{id}/tellings",
    tag = "incidents",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, description = "Newest update first", body = TellingList),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 503, description = "It cannot be read now", body = ErrorBody),
    )
)]
pub async fn list_tellings(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
) -> Result<Json<TellingList>, Problem> {
    visible(&app, &caller, id).await?;
    let rows = app.engine.tellings(Some(id), TELLINGS).await?;
    let tellings = rows.into_iter().map(|(to, row)| Telling {
        to,
        seq: row.seq,
        state: row.state,
        attempts: row.attempts,
        error: row.error,
        updated_at: row.updated_at.rfc3339(),
    });
    Ok(Json(TellingList {
        tellings: tellings.collect(),
    }))
}
