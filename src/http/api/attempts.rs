//! The delivery ledger: every try to wake somebody, and what came of it.

use super::answers::NotRead;
use super::params::{Asked, FromParams, LIMIT_DEFAULT, Paging, Params};
use super::shape::Page;
use crate::core::id::IncidentId;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::store::{AttemptQuery, AttemptRow};
use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// Which tries.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AttemptParams {
    /// Number of the incident.
    incident: Option<i64>,
    /// Id of the person.
    person: Option<String>,
    /// From 1.
    #[param(minimum = 1, default = 1)]
    page: Option<i64>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
}

impl FromParams for AttemptParams {
    fn from_params(params: &mut Params) -> Result<AttemptParams, Problem> {
        let incident = params.number("incident", 1, i64::MAX)?;
        let person = params.text("person")?;
        let Paging { page, limit } = params.paging()?;
        Ok(AttemptParams {
            incident,
            person,
            page: Some(page),
            limit: Some(limit),
        })
    }
}

/// One try to wake somebody. Addresses are never shown; contacts go by their names.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptOut {
    /// Its number.
    pub id: i64,
    /// When it began.
    #[schema(format = DateTime)]
    pub at: String,
    /// The incident of a page; absent for a test page or a code.
    pub incident: Option<i64>,
    /// Person id.
    pub person: String,
    /// Contact name.
    pub contact: String,
    /// `sms`, `voice`, `email`, `ntfy`, `pushover`, `webhook`, or the chat platform's name.
    #[schema(example = "sms")]
    pub kind: String,
    /// Name of the provider.
    pub provider: String,
    /// `page`, `test` or `code`.
    #[schema(example = "page")]
    pub purpose: String,
    /// Pages that shared the message.
    pub pages: i64,
    /// From the begin to the answer, milliseconds.
    pub latency_ms: i64,
    /// `failed`, `accepted`, `ringing`, `delivered`, `undelivered` or `cancelled`.
    #[schema(example = "delivered")]
    pub state: String,
    /// The provider's name for it; empty when it gave none.
    pub receipt: String,
    /// The provider's own word for its state; empty when it told none.
    pub status: String,
    /// Why it failed; empty when it did not.
    pub error: String,
    /// Last change.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

impl From<AttemptRow> for AttemptOut {
    fn from(row: AttemptRow) -> AttemptOut {
        AttemptOut {
            id: row.id,
            at: row.at.rfc3339(),
            incident: row.incident.map(|i| i.0),
            person: row.person,
            contact: row.contact,
            kind: row.kind,
            provider: row.provider,
            purpose: row.purpose,
            pages: row.pages,
            latency_ms: row.latency_ms,
            state: row.state,
            receipt: row.receipt,
            status: row.status,
            error: row.error,
            updated_at: row.updated_at.rfc3339(),
        }
    }
}

/// Every try to wake somebody, newest first.
#[utoipa::path(
    get,
    path = "/attempts",
    tag = "incidents",
    params(AttemptParams),
    responses(
        (status = 200, body = Page<AttemptOut>),
        NotRead,
    )
)]
pub async fn list_attempts(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Asked(params): Asked<AttemptParams>,
) -> Result<Json<Page<AttemptOut>>, Problem> {
    let paging = Paging {
        page: params.page.unwrap_or(1),
        limit: params.limit.unwrap_or(LIMIT_DEFAULT),
    };
    let query = AttemptQuery {
        incident: params.incident.map(IncidentId),
        person: params.person,
        sight: caller.sight(&app.engine.directory()),
        offset: paging.offset(),
        limit: paging.limit,
    };
    let (rows, total) = app.engine.store().attempts(&query).await?;
    Ok(Json(Page {
        items: rows.into_iter().map(AttemptOut::from).collect(),
        page: paging.page,
        limit: paging.limit,
        total,
    }))
}
