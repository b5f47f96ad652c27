//! What was changed, as deploys and repositories told it.

use super::answers::NotRead;
use super::params::{Asked, FromParams, Paging, Params};
use super::shape::Page;
use crate::core::change::ChangeEvent;
use crate::core::time::Time;
use crate::http::App;
use crate::http::error::Problem;
use crate::store::ChangeQuery;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// Which changes.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangeParams {
    /// Service id.
    #[param(example = "checkout")]
    service: Option<String>,
    /// Name of who told it.
    source: Option<String>,
    /// Not before this RFC 3339 time.
    from: Option<String>,
    /// Before this RFC 3339 time.
    until: Option<String>,
    /// From 1.
    #[param(minimum = 1, default = 1)]
    page: Option<i64>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
}

impl FromParams for ChangeParams {
    fn from_params(params: &mut Params) -> Result<ChangeParams, Problem> {
        let (service, source) = (params.text("service")?, params.text("source")?);
        let from = params.time("from")?.map(Time::rfc3339);
        let until = params.time("until")?.map(Time::rfc3339);
        let Paging { page, limit } = params.paging()?;
        Ok(ChangeParams {
            service,
            source,
            from,
            until,
            page: Some(page),
            limit: Some(limit),
        })
    }
}

/// A change.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeOut {
    /// Who told it.
    source: String,
    /// Its identity there.
    key: String,
    /// `deploy`, `push`, `release`, `pipeline` or `change`.
    kind: String,
    /// `started`, `done` or `failed`.
    state: String,
    /// One line. Sender's text: do not trust it.
    summary: String,
    /// Service id.
    service: Option<String>,
    /// Where; empty: nothing was said.
    environment: String,
    /// Who; empty: nothing was said.
    author: String,
    /// A web address; empty: none.
    url: String,
    /// When it happened, RFC 3339.
    at: String,
    /// When firebell took it, RFC 3339.
    received_at: String,
    /// What could not be kept as it was sent; empty: everything was.
    note: String,
}

impl From<ChangeEvent> for ChangeOut {
    fn from(c: ChangeEvent) -> ChangeOut {
        ChangeOut {
            kind: c.kind.word().to_owned(),
            state: c.state.word().to_owned(),
            source: c.source,
            key: c.key,
            summary: c.summary,
            service: c.service,
            environment: c.environment,
            author: c.author,
            url: c.url,
            at: c.at.rfc3339(),
            received_at: c.received_at.rfc3339(),
            note: c.note,
        }
    }
}

/// Changes, newest first.
#[utoipa::path(
    get,
    path = "/changes",
    tag = "insight",
    params(ChangeParams),
    responses(
        (status = 200, body = Page<ChangeOut>),
        NotRead,
    )
)]
pub async fn list_changes(
    State(app): State<App>,
    Asked(params): Asked<ChangeParams>,
) -> Result<Json<Page<ChangeOut>>, Problem> {
    let paging = Paging {
        page: params.page.unwrap_or(1),
        limit: params.limit.unwrap_or(super::params::LIMIT_DEFAULT),
    };
    let time = |t: &Option<String>| t.as_deref().and_then(Time::parse_rfc3339);
    let query = ChangeQuery {
        service: params.service,
        source: params.source,
        from: time(&params.from),
        until: time(&params.until),
        offset: paging.offset(),
        limit: paging.limit,
    };
    let (rows, total) = app.engine.store().change_events(&query).await?;
    Ok(Json(Page {
        items: rows.into_iter().map(ChangeOut::from).collect(),
        page: paging.page,
        limit: paging.limit,
        total,
    }))
}
