//! What an incident is: private, a drill, of a type, a part of another; and what it has to do with.

use super::answers::{NotDone, NotSeen};
use super::body::{Body, Which, cause};
use super::hands::visible;
use super::incidents::{detail, missing};
use super::params::not_allowed;
use super::shape::IncidentDetail;
use crate::core::id::IncidentId;
use crate::core::incident::{Command, Shape};
use crate::core::related::suggest;
use crate::core::sight::Sight;
use crate::engine::{Tie, person};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use crate::store::IncidentQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Other incidents that are looked at for what may have to do with one.
const LOOKED_AT: i64 = 300;

/// Who may see it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrivateBody {
    /// Only those it concerns, or everybody.
    pub private: bool,
    /// Why; goes on the timeline.
    #[serde(default)]
    pub why: String,
}

/// Whether it is practised.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrillBody {
    /// It is.
    pub drill: bool,
}

/// Of which type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypeBody {
    /// Id of a configured type; `null`: of none.
    #[serde(rename = "type")]
    pub type_id: Option<String>,
}

/// Who is let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteBody {
    /// Directory id.
    #[schema(example = "bo")]
    pub person: String,
}

/// What it has to do with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelateBody {
    /// Number of the other incident.
    pub to: i64,
    /// They have nothing to do with each other after all.
    #[serde(default)]
    pub undo: bool,
    /// What they have in common.
    #[serde(default)]
    pub why: String,
}

/// What it is a part of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ParentBody {
    /// Number of the whole; `null`: it stands for itself.
    pub parent: Option<i64>,
}

/// An incident this one is tied to.
#[derive(Debug, Serialize, ToSchema)]
pub struct TieOut {
    /// Its number.
    pub id: i64,
    /// Its title; empty when it is not for everybody.
    pub title: String,
    /// Where a part stands; why it is related or might be.
    pub words: String,
}

/// What an incident is tied to.
#[derive(Debug, Serialize, ToSchema)]
pub struct TiesOut {
    /// The whole it is a part of.
    pub parent: Option<TieOut>,
    /// Its parts.
    pub parts: Vec<TieOut>,
    /// What it has to do with.
    pub related: Vec<TieOut>,
    /// What it may have to do with, best first, each with the reason.
    pub suggested: Vec<TieOut>,
}

/// What it is a part of, its parts, what it has to do with and what it might.
#[utoipa::path(
    get,
    path = "/incidents/{id}/related",
    tag = "incidents",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, body = TiesOut),
        NotSeen,
    )
)]
pub async fn get_ties(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
) -> Result<Json<TiesOut>, Problem> {
    let directory = app.engine.directory();
    let incident = app.engine.incident(id).await?.ok_or_else(|| missing(id))?;
    let query = IncidentQuery {
        sight: caller.sight(&directory),
        limit: LOOKED_AT,
        ..IncidentQuery::default()
    };
    let (rows, _) = app.engine.store().incidents(&query).await?;
    let others: Vec<_> = rows.iter().map(crate::store::IncidentRow::glance).collect();
    let tie = |id: IncidentId, title: &str, words: &str| TieOut {
        id: id.0,
        title: title.to_owned(),
        words: words.to_owned(),
    };
    let suggested = suggest(&incident, &others, &directory);
    Ok(Json(TiesOut {
        parent: (incident.parent.as_ref()).map(|(id, title)| tie(*id, title, "")),
        parts: (incident.children.iter())
            .map(|(id, c)| tie(*id, &c.title, &c.status))
            .collect(),
        related: (incident.related.iter())
            .map(|(id, (title, why))| tie(*id, title, why))
            .collect(),
        suggested: suggested
            .iter()
            .map(|s| tie(s.id, &s.title, &s.why))
            .collect(),
    }))
}

/// Makes it private, or public again.
#[utoipa::path(
    post,
    path = "/incidents/{id}/private",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = PrivateBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 403, description = "Only its lead, or whom the configuration names, makes it public", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: it is so already", body = ErrorBody),
        NotDone,
    )
)]
pub async fn set_private(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<PrivateBody>,
) -> Result<Response, Problem> {
    let shape = Shape::Private {
        private: body.private,
        why: body.why,
    };
    reshape(&app, &caller, &headers, id, shape).await
}

/// Says that it is a drill, or that it is real.
#[utoipa::path(
    post,
    path = "/incidents/{id}/drill",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = DrillBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: it is so already", body = ErrorBody),
        NotDone,
    )
)]
pub async fn set_drill(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(DrillBody { drill }): Body<DrillBody>,
) -> Result<Response, Problem> {
    reshape(&app, &caller, &headers, id, Shape::Drill { drill }).await
}

/// Says of what type it is.
#[utoipa::path(
    post,
    path = "/incidents/{id}/type",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = TypeBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 400, description = "The body or the key does not fit, or there is no such type", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: it is so already", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn set_type(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<TypeBody>,
) -> Result<Response, Problem> {
    let directory = app.engine.directory();
    let found = match &body.type_id {
        None => None,
        Some(id) => match directory.types.iter().find(|t| t.id == *id) {
            Some(found) => Some(found),
            None => {
                let ids: Vec<&str> = directory.types.iter().map(|t| t.id.as_str()).collect();
                return Err(not_allowed("type", id, &ids));
            }
        },
    };
    let shape = Shape::Type {
        type_id: found.map(|t| t.id.clone()),
        name: found.map(|t| t.name.clone()),
        runs: found.map(|t| t.runs).unwrap_or_default(),
    };
    reshape(&app, &caller, &headers, id, shape).await
}

/// Lets somebody see a private incident.
#[utoipa::path(
    post,
    path = "/incidents/{id}/invite",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = InviteBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 400, description = "The body or the key does not fit, or nobody is called so", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: they are in already", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn invite(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<InviteBody>,
) -> Result<Response, Problem> {
    let directory = app.engine.directory();
    if !directory.people.contains_key(&body.person) {
        let what = format!("`person`: `{}` is not in the directory.", body.person);
        return Err(Problem::bad("bad_body", what));
    }
    let who = person(&directory, &body.person);
    reshape(&app, &caller, &headers, id, Shape::Invite { who }).await
}

/// Says that it has to do with another incident, or has not.
#[utoipa::path(
    post,
    path = "/incidents/{id}/relate",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = RelateBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: it is so already", body = ErrorBody),
        NotDone,
    )
)]
pub async fn relate(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<RelateBody>,
) -> Result<Response, Problem> {
    let to = IncidentId(body.to);
    visible(&app, &caller, to).await?;
    let link = if body.undo {
        Tie::Unrelate { to }
    } else {
        Tie::Relate { to, why: body.why }
    };
    tie(&app, &caller, &headers, id, link).await
}

/// Makes it a part of another incident, or of none.
#[utoipa::path(
    post,
    path = "/incidents/{id}/parent",
    tag = "incidents",
    params(
        ("id" = i64, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new"),
    ),
    request_body = ParentBody,
    responses(
        (status = 200, description = "Done, or done before with this key", body = IncidentDetail),
        (status = 400, description = "The body or the key does not fit, or it would be a part of itself", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: it is so already", body = ErrorBody),
        (status = 503, description = "It cannot be stored now; try again with the same key", body = ErrorBody),
    )
)]
pub async fn set_parent(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    headers: HeaderMap,
    Body(body): Body<ParentBody>,
) -> Result<Response, Problem> {
    let parent = body.parent.map(IncidentId);
    if let Some(parent) = parent {
        visible(&app, &caller, parent).await?;
    }
    tie(&app, &caller, &headers, id, Tie::Parent { parent }).await
}

async fn reshape(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    id: IncidentId,
    shape: Shape,
) -> Result<Response, Problem> {
    // A token without the scope could not read what it has hidden, nor undo it.
    let hides = matches!(shape, Shape::Private { private: true, .. });
    if hides && caller.sight(&app.engine.directory()) == Sight::Public {
        return Err(Problem::bad(
            "needs_scope",
            "This token would not see the incident any more: give it scopes = [\"private\"] in firebell.toml.",
        ));
    }
    let command = Command::Shape {
        by: caller.actor(),
        shape: Box::new(shape),
    };
    super::acts::submit(app, caller, headers, id, command).await
}

async fn tie(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    id: IncidentId,
    link: Tie,
) -> Result<Response, Problem> {
    let cause = cause(caller, headers)?;
    app.engine.tie(&cause, id, link, caller.actor()).await?;
    Ok(Json(detail(app, id).await?).into_response())
}
