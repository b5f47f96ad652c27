//! Reading alerts: what the senders told, and what became of it.

use super::answers::NotRead;
use super::params::{Asked, FromParams, LIMIT_DEFAULT, Paging, Params};
use super::shape::{AlertOut, Page};
use crate::core::id::IncidentId;
use crate::core::sight::Sight;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::store::AlertQuery;
use axum::extract::State;
use axum::{Extension, Json};
use utoipa::IntoParams;

/// Which alerts.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AlertParams {
    /// `open` or `firing` (the same; the default), `resolved` or `all`.
    #[param(example = "open")]
    status: Option<String>,
    /// Configured name of the source.
    source: Option<String>,
    /// Number of the incident.
    incident: Option<i64>,
    /// From 1.
    #[param(minimum = 1, default = 1)]
    page: Option<i64>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
}

impl FromParams for AlertParams {
    fn from_params(params: &mut Params) -> Result<AlertParams, Problem> {
        let status = params.choice("status", &["open", "firing", "resolved", "all"])?;
        let source = params.text("source")?;
        let incident = params.number("incident", 1, i64::MAX)?;
        let Paging { page, limit } = params.paging()?;
        Ok(AlertParams {
            status: status.map(str::to_owned),
            source,
            incident,
            page: Some(page),
            limit: Some(limit),
        })
    }
}

impl AlertParams {
    fn query(self, sight: Sight) -> (AlertQuery, Paging) {
        let paging = Paging {
            page: self.page.unwrap_or(1),
            limit: self.limit.unwrap_or(LIMIT_DEFAULT),
        };
        let query = AlertQuery {
            firing: match self.status.as_deref().unwrap_or("open") {
                "all" => None,
                word => Some(word != "resolved"),
            },
            source: self.source,
            incident: self.incident.map(IncidentId),
            sight,
            after: 0,
            offset: paging.offset(),
            limit: paging.limit,
        };
        (query, paging)
    }
}

/// Alerts, in the order they came.
#[utoipa::path(
    get,
    path = "/alerts",
    tag = "alerts",
    params(AlertParams),
    responses(
        (status = 200, body = Page<AlertOut>),
        NotRead,
    )
)]
pub async fn list_alerts(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Asked(params): Asked<AlertParams>,
) -> Result<Json<Page<AlertOut>>, Problem> {
    let (query, paging) = params.query(caller.sight(&app.engine.directory()));
    let store = app.engine.store();
    let rows = store.alerts(&query).await?;
    let total = store.count_alerts(&query).await?;
    let items: Result<Vec<AlertOut>, _> = rows.into_iter().map(AlertOut::of).collect();
    Ok(Json(Page {
        items: items?,
        page: paging.page,
        limit: paging.limit,
        total,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firing(status: &str) -> Option<bool> {
        let mut params = Params::new(vec![("status".to_owned(), status.to_owned())]);
        AlertParams::from_params(&mut params)
            .unwrap()
            .query(Sight::Public)
            .0
            .firing
    }

    #[test]
    fn open_means_firing_and_all_means_all() {
        assert_eq!(firing(""), Some(true));
        assert_eq!(firing("open"), Some(true));
        assert_eq!(firing("firing"), Some(true));
        assert_eq!(firing("resolved"), Some(false));
        assert_eq!(firing("all"), None);
    }
}
