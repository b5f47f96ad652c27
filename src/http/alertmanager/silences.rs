//! `/api/v2/silences` and `/api/v2/silence/{id}`, as Alertmanager answers them: bodies, order, codes
//! and words were compared with Alertmanager 0.25. A recurring silence or one of the files is shown
//! with its present or next window; a service is shown as a matcher on the label `service`.

use super::query::matcher;
use super::{Pairs, Reading};
use crate::core::incident::Refusal;
use crate::core::matcher::Matcher;
use crate::core::silence::{self, Silence, SilenceKind, SilenceState};
use crate::core::time::Time;
use crate::engine::{Failure, SilenceAct};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Alertmanager forgets expired silences after 120 hours by default.
const PAST_MS: i64 = 120 * 3_600_000;
/// Expired ones listed at most.
const PAST: i64 = 1000;
/// More than any client sends; each may cost as much memory as an expression may.
const MATCHERS_MAX: usize = 64;
/// The last instant Go's RFC 3339 can write: 9999-12-31T23:59:59.999Z.
const LAST: Time = Time(253_402_300_799_999);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    id: Option<String>,
    matchers: Option<Vec<Condition>>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    created_by: Option<String>,
    comment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Condition {
    name: Option<String>,
    value: Option<String>,
    is_regex: Option<bool>,
    is_equal: Option<bool>,
}

pub(super) async fn list(
    State(reading): State<Arc<Reading>>,
    headers: HeaderMap,
    Query(pairs): Pairs,
) -> Result<Response, Response> {
    reading.authorise(&headers)?;
    let filters = pairs.iter().filter(|(name, _)| name == "filter");
    let filter: Result<Vec<Matcher>, String> = filters.map(|(_, value)| matcher(value)).collect();
    let filter = filter.map_err(|why| words(StatusCode::BAD_REQUEST, &why))?;
    let engine = &reading.app.engine;
    let (now, directory) = (engine.now(), engine.directory());
    let mut all: Vec<Arc<Silence>> = silence::known(&directory).cloned().collect();
    all.retain(|s| s.state(now) != SilenceState::Expired);
    let past = engine
        .store()
        .past_silences(now, now.plus_ms(-PAST_MS), PAST)
        .await;
    all.extend(
        past.map_err(|f| super::unavailable(&f))?
            .into_iter()
            .map(Arc::new),
    );
    all.retain(|s| silence::fits_filter(s, &filter));
    // Active ones by their end, pending ones by their begin, expired ones the newest first.
    all.sort_by_key(|s| {
        let state = s.state(now);
        let (start, end) = window(s, now);
        let key = match state {
            SilenceState::Active => end.0,
            SilenceState::Pending => start.0,
            SilenceState::Expired => -end.0,
        };
        (state, key)
    });
    let shown: Vec<Value> = all.iter().map(|s| gettable(s, now)).collect();
    Ok(Json(shown).into_response())
}

pub(super) async fn one(
    State(reading): State<Arc<Reading>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    reading.authorise(&headers)?;
    check_id(&id)?;
    let engine = &reading.app.engine;
    let known = engine.directory().silences.get(&id).cloned();
    let found = match known {
        Some(known) => Some(known),
        None => {
            let stored = engine.store().silence(&id).await;
            stored.map_err(|f| super::unavailable(&f))?.map(Arc::new)
        }
    };
    match found {
        Some(found) => Ok(Json(gettable(&found, engine.now())).into_response()),
        None => Err(StatusCode::NOT_FOUND.into_response()),
    }
}

pub(super) async fn post(
    State(reading): State<Arc<Reading>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    reading.authorise(&headers)?;
    let posted: Posted = serde_json::from_slice(&body).map_err(|e| {
        let why = format!("parsing silence body from \"\" failed, because {e}");
        coded(StatusCode::BAD_REQUEST, 400, &why)
    })?;
    let engine = &reading.app.engine;
    let now = engine.now();
    let wanted = read(posted, &engine.directory(), now)?;
    let act = SilenceAct::Put {
        wanted: Box::new(wanted),
        fresh: uuid::Uuid::new_v4().to_string(),
    };
    match engine.silence(act).await {
        Ok(id) => Ok(Json(json!({ "silenceID": id })).into_response()),
        Err(Failure::Refused(Refusal::NoSuchSilence { .. })) => {
            Err(words(StatusCode::NOT_FOUND, "silence not found"))
        }
        Err(Failure::Refused(why)) => {
            let why = why.to_string();
            // Alertmanager's own two beginnings.
            let why = if why.contains(" time ") {
                format!("Failed to create silence: {why}")
            } else {
                format!("silence invalid: {why}")
            };
            Err(words(StatusCode::BAD_REQUEST, &why))
        }
        Err(failure) => Err(words(StatusCode::SERVICE_UNAVAILABLE, &failure.to_string())),
    }
}

pub(super) async fn end(
    State(reading): State<Arc<Reading>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    reading.authorise(&headers)?;
    check_id(&id)?;
    match reading.app.engine.silence(SilenceAct::End { id }).await {
        Ok(_) => Ok(StatusCode::OK.into_response()),
        // Alertmanager 0.25 answers 500 here; later ones and every client's sense say 404.
        Err(Failure::Refused(Refusal::NoSuchSilence { .. })) => {
            Err(words(StatusCode::NOT_FOUND, "silence not found"))
        }
        Err(Failure::Refused(why)) => Err(words(StatusCode::BAD_REQUEST, &why.to_string())),
        Err(failure) => Err(words(StatusCode::SERVICE_UNAVAILABLE, &failure.to_string())),
    }
}

#[expect(clippy::result_large_err, reason = "the answer itself, moved once")]
fn read(
    posted: Posted,
    directory: &crate::core::directory::Directory,
    now: Time,
) -> Result<Silence, Response> {
    let required = |name: &str| {
        coded(
            StatusCode::UNPROCESSABLE_ENTITY,
            602,
            &format!("{name} in body is required"),
        )
    };
    let comment = posted.comment.ok_or_else(|| required("comment"))?;
    let created_by = posted.created_by.ok_or_else(|| required("createdBy"))?;
    let ends_at = posted.ends_at.ok_or_else(|| required("endsAt"))?;
    let conditions = posted.matchers.ok_or_else(|| required("matchers"))?;
    let starts_at = posted.starts_at.ok_or_else(|| required("startsAt"))?;
    if conditions.is_empty() {
        let why = "matchers in body should have at least 1 items";
        return Err(coded(StatusCode::UNPROCESSABLE_ENTITY, 612, why));
    }
    if conditions.len() > MATCHERS_MAX {
        let why = format!("matchers in body should have at most {MATCHERS_MAX} items");
        return Err(coded(StatusCode::UNPROCESSABLE_ENTITY, 611, &why));
    }
    let time = |text: &str| {
        Time::parse_rfc3339(text).ok_or_else(|| {
            let why = format!("`{text}` is not a date-time of RFC 3339");
            coded(StatusCode::UNPROCESSABLE_ENTITY, 601, &why)
        })
    };
    let mut matchers = Vec::new();
    for (n, c) in conditions.into_iter().enumerate() {
        let need = |what: &str| required(&format!("matchers.{n}.{what}"));
        let name = c.name.ok_or_else(|| need("name"))?;
        let value = c.value.ok_or_else(|| need("value"))?;
        let regex = c.is_regex.ok_or_else(|| need("isRegex"))?;
        let op = match (regex, c.is_equal.unwrap_or(true)) {
            (false, true) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (true, false) => "!~",
        };
        if name.trim().is_empty() {
            let why =
                format!("silence invalid: invalid label matcher {n}: invalid label name {name:?}");
            return Err(words(StatusCode::BAD_REQUEST, &why));
        }
        matchers.push(Matcher::new(&name, op, &value).map_err(|e| {
            let why = format!("silence invalid: invalid label matcher {n}: {e}");
            words(StatusCode::BAD_REQUEST, &why)
        })?);
    }
    let owner = directory.people.values().find(|p| {
        let said = created_by.to_lowercase();
        said == p.id
            || said == p.name.to_lowercase()
            || p.email.as_ref().is_some_and(|e| said == e.to_lowercase())
    });
    Ok(Silence {
        id: posted.id.unwrap_or_default(),
        kind: SilenceKind::Silence,
        matchers,
        service: None,
        starts_at: time(&starts_at)?,
        ends_at: time(&ends_at)?.min(LAST),
        owner: owner.map(|p| p.id.clone()),
        created_by,
        comment,
        recurrence: None,
        updated_at: now,
    })
}

fn window(silence: &Silence, now: Time) -> silence::Span {
    let spans = silence.span(now).or_else(|| silence.last_span(now));
    spans.unwrap_or((silence.starts_at, silence.ends_at))
}

/// Alertmanager's `gettableSilence`.
fn gettable(silence: &Silence, now: Time) -> Value {
    let (start, end) = window(silence, now);
    let matchers: Vec<Value> = silence::shown(silence)
        .into_iter()
        .map(|(name, op, value)| {
            json!({
                "name": name,
                "value": value,
                "isRegex": op.ends_with('~'),
                "isEqual": op.starts_with('='),
            })
        })
        .collect();
    json!({
        "id": silence.id,
        "status": { "state": silence.state(now).word() },
        "updatedAt": silence.updated_at.rfc3339(),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "startsAt": start.min(LAST).rfc3339(),
        "endsAt": end.min(LAST).rfc3339(),
        "matchers": matchers,
    })
}

#[expect(clippy::result_large_err, reason = "the answer itself, moved once")]
fn check_id(id: &str) -> Result<(), Response> {
    if uuid::Uuid::parse_str(id).is_ok() || id.starts_with(silence::FILES) {
        return Ok(());
    }
    let why = format!("silenceID in path must be of type uuid: {id:?}");
    Err(coded(StatusCode::UNPROCESSABLE_ENTITY, 601, &why))
}

fn words(status: StatusCode, why: &str) -> Response {
    (status, Json(why)).into_response()
}

fn coded(status: StatusCode, code: u32, message: &str) -> Response {
    (status, Json(json!({ "code": code, "message": message }))).into_response()
}
