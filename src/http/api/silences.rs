//! Silences and maintenance windows.

use super::answers::{NotDone, NotRead};
use super::body::{Body, cause};
use super::hands::end;
use super::params::{Asked, FromParams, Params};
use super::shape::All;
use crate::core::matcher::Matcher;
use crate::core::silence::{self, Silence, SilenceKind, SilenceState};
use crate::core::time::Time;
use crate::dispatch;
use crate::engine::SilenceAct;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// How far back expired ones are listed, milliseconds.
const PAST_MS: i64 = 30 * 86_400_000;
/// Expired ones listed at most.
const PAST: i64 = 200;

/// Which silences.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SilenceParams {
    /// `open` (active or pending; the default), `active`, `pending`, `expired` or `all`.
    #[param(example = "open")]
    status: Option<String>,
}

impl FromParams for SilenceParams {
    fn from_params(params: &mut Params) -> Result<SilenceParams, Problem> {
        let words = ["open", "active", "pending", "expired", "all"];
        let status = params.choice("status", &words)?.map(str::to_owned);
        Ok(SilenceParams { status })
    }
}

/// A silence.
#[derive(Debug, Serialize, ToSchema)]
pub struct SilenceOut {
    /// A UUID, or `maintenance/ID` for one of the files.
    pub id: String,
    /// `silence` or `maintenance`.
    pub kind: String,
    /// `active`, `pending` or `expired`.
    pub status: String,
    /// Service id.
    pub service: Option<String>,
    /// Conditions on labels; all must hold.
    #[schema(example = json!(["alertname=\"Disk\""]))]
    pub matchers: Vec<String>,
    /// Begin of the present window, or the next one.
    pub starts_at: String,
    /// End of the present window, or the next one.
    pub ends_at: String,
    /// The cron expression of one that recurs.
    pub recurrence: Option<String>,
    /// Who made it. May be any words.
    pub created_by: String,
    /// Directory id of its owner.
    pub owner: Option<String>,
    /// Why. May be any words.
    pub comment: String,
    /// Alerts held back in the present window, or the last one.
    pub held: i64,
    /// Last change.
    pub updated_at: String,
}

/// A new silence.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceBody {
    /// Service id; or `matchers`, or both.
    #[schema(example = "checkout")]
    pub service: Option<String>,
    /// Conditions such as `alertname="Disk"`; all must hold.
    #[serde(default)]
    pub matchers: Vec<String>,
    /// RFC 3339; now when left out.
    pub starts_at: Option<String>,
    /// RFC 3339; or `for`.
    #[schema(example = "2026-11-23T09:00:00Z")]
    pub ends_at: Option<String>,
    /// A length of time from now; or `ends_at`.
    #[schema(example = "2h")]
    pub r#for: Option<String>,
    /// Why.
    #[serde(default)]
    pub comment: String,
    /// Planned work instead of quiet; needs `service`.
    #[serde(default)]
    pub maintenance: bool,
}

async fn out(app: &App, s: &Silence) -> Result<SilenceOut, Problem> {
    let now = app.engine.now();
    let span = s.span(now).or_else(|| s.last_span(now));
    let (start, end) = span.unwrap_or((s.starts_at, s.ends_at));
    Ok(SilenceOut {
        id: s.id.clone(),
        kind: s.kind.word().to_owned(),
        status: s.state(now).word().to_owned(),
        service: s.service.clone(),
        matchers: s.matchers.iter().map(Matcher::to_string).collect(),
        starts_at: start.rfc3339(),
        ends_at: end.rfc3339(),
        recurrence: s.recurrence.as_ref().map(|r| r.written.clone()),
        created_by: s.created_by.clone(),
        owner: s.owner.clone(),
        comment: s.comment.clone(),
        held: dispatch::held(&app.engine, s).await?,
        updated_at: s.updated_at.rfc3339(),
    })
}

/// Silences: active ones first, then planned ones, then those that are over.
#[utoipa::path(
    get,
    path = "/silences",
    tag = "silences",
    params(SilenceParams),
    responses(
        (status = 200, body = All<SilenceOut>),
        NotRead,
    )
)]
pub async fn list_silences(
    State(app): State<App>,
    Asked(params): Asked<SilenceParams>,
) -> Result<Json<All<SilenceOut>>, Problem> {
    let (now, directory) = (app.engine.now(), app.engine.directory());
    let word = params.status.as_deref().unwrap_or("open");
    let mut all: Vec<Arc<Silence>> = silence::known(&directory).cloned().collect();
    all.retain(|s| s.state(now) != SilenceState::Expired);
    all.sort_by_key(|s| (s.state(now), s.span(now), s.id.clone()));
    if matches!(word, "expired" | "all") {
        let past = app
            .engine
            .store()
            .past_silences(now, now.plus_ms(-PAST_MS), PAST)
            .await?;
        all.extend(past.into_iter().map(Arc::new));
    }
    let mut items = Vec::new();
    for s in all {
        let state = s.state(now);
        let wanted = match word {
            "all" => true,
            "open" => state != SilenceState::Expired,
            word => state.word() == word,
        };
        if wanted {
            items.push(out(&app, &s).await?);
        }
    }
    Ok(Json(All { items }))
}

/// Holds alerts back for a while.
#[utoipa::path(
    post,
    path = "/silences",
    tag = "silences",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act: it answers the silence made before")),
    request_body = SilenceBody,
    responses(
        (status = 201, description = "Made, or made before with this key; it is durable and in force", body = SilenceOut),
        NotDone,
    )
)]
pub async fn make_silence(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(body): Body<SilenceBody>,
) -> Result<Response, Problem> {
    let cause = cause(&caller, &headers)?;
    let wanted = read(&app, &caller, body)?;
    let act = SilenceAct::Put {
        wanted: Box::new(wanted),
        fresh: dispatch::id_of(&cause),
    };
    let id = app.engine.silence(act).await?;
    Ok((StatusCode::CREATED, Json(shown(&app, &id).await?)).into_response())
}

async fn shown(app: &App, id: &str) -> Result<SilenceOut, Problem> {
    let known = app.engine.directory().silences.get(id).cloned();
    let found = match known {
        Some(known) => Some(known),
        None => app.engine.store().silence(id).await?.map(Arc::new),
    };
    let found = found.ok_or_else(|| Problem::missing(format!("There is no silence {id}.")))?;
    out(app, &found).await
}

fn read(app: &App, caller: &Caller, body: SilenceBody) -> Result<Silence, Problem> {
    let (now, directory) = (app.engine.now(), app.engine.directory());
    let bad = |why: String| Problem::bad("bad_body", why);
    if let Some(unknown) = body
        .service
        .as_ref()
        .filter(|s| !directory.services.contains_key(*s))
    {
        return Err(bad(format!("`service`: there is no service `{unknown}`.")));
    }
    if body.maintenance && body.service.is_none() {
        return Err(bad("`maintenance` needs a `service`.".to_owned()));
    }
    let matchers: Result<Vec<Matcher>, String> =
        body.matchers.iter().map(|m| Matcher::parse(m)).collect();
    let starts_at = match &body.starts_at {
        None => now,
        Some(text) => Time::parse_rfc3339(text)
            .ok_or_else(|| bad(format!("`starts_at`: `{text}` is not an RFC 3339 time.")))?,
    };
    Ok(Silence {
        id: String::new(),
        kind: if body.maintenance {
            SilenceKind::Maintenance
        } else {
            SilenceKind::Silence
        },
        matchers: matchers.map_err(|why| bad(format!("`matchers`: {why}.")))?,
        service: body.service,
        starts_at,
        ends_at: end(now, body.ends_at.as_deref(), body.r#for.as_deref())?,
        created_by: caller.name.clone(),
        owner: None,
        comment: body.comment,
        recurrence: None,
        updated_at: now,
    })
}

/// Ends a silence now: what still fires is routed at once.
#[utoipa::path(
    delete,
    path = "/silences/{id}",
    tag = "silences",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "It is over", body = SilenceOut),
        (status = 400, description = "It stands in a file", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such silence", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again", body = ErrorBody),
    )
)]
pub async fn end_silence(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<SilenceOut>, Problem> {
    let id = app.engine.silence(SilenceAct::End { id }).await?;
    shown(&app, &id).await.map(Json)
}
