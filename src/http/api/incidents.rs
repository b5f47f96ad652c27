//! Reading incidents: the list, one of them, and what its journal tells.

use super::answers::{NotRead, NotSeen};
use super::body::Which;
use super::params::{Asked, FromParams, Paging, Params, not_allowed};
use super::runs::{RunOut, runs_of};
use super::shape::{All, DeliveryOut, EntryOut, IncidentDetail, IncidentOut, Page};
use crate::core::directory::Directory;
use crate::core::id::{IncidentId, Severity};
use crate::core::incident::Record;
use crate::core::sight::Sight;
use crate::core::timeline;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::store::IncidentQuery;
use axum::extract::State;
use axum::{Extension, Json};
use utoipa::IntoParams;

/// Statuses a list can be asked for.
const STATUSES: [&str; 5] = ["open", "all", "triggered", "acknowledged", "resolved"];

/// Which incidents.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct IncidentParams {
    /// `open` (triggered or acknowledged; the default), `all`, `triggered`, `acknowledged` or `resolved`.
    #[param(example = "open")]
    status: Option<String>,
    /// Service id. Need not be in the configuration any more.
    service: Option<String>,
    /// Team id. Need not be in the configuration any more.
    team: Option<String>,
    /// Name of a severity.
    #[param(example = "sev1")]
    severity: Option<String>,
    /// Part of the title, whatever its case.
    q: Option<String>,
    /// Id of a type.
    #[param(rename = "type", example = "outage")]
    type_id: Option<String>,
    /// `true`: only drills; `false`: only what is real. Absent: both.
    drill: Option<String>,
    /// Only the parts of this incident.
    parent: Option<i64>,
    /// From 1.
    #[param(minimum = 1, default = 1)]
    page: Option<i64>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
}

impl FromParams for IncidentParams {
    fn from_params(params: &mut Params) -> Result<IncidentParams, Problem> {
        let status = params.choice("status", &STATUSES)?.map(str::to_owned);
        let (service, team) = (params.text("service")?, params.text("team")?);
        let (severity, q) = (params.text("severity")?, params.text("q")?);
        let type_id = params.text("type")?;
        let drill = params
            .choice("drill", &["true", "false"])?
            .map(str::to_owned);
        let parent = params.number("parent", 1, i64::MAX)?;
        let Paging { page, limit } = params.paging()?;
        Ok(IncidentParams {
            status,
            service,
            team,
            severity,
            q,
            type_id,
            drill,
            parent,
            page: Some(page),
            limit: Some(limit),
        })
    }
}

impl IncidentParams {
    fn query(
        self,
        directory: &Directory,
        sight: Sight,
    ) -> Result<(IncidentQuery, Paging), Problem> {
        let paging = Paging {
            page: self.page.unwrap_or(1),
            limit: self.limit.unwrap_or(super::params::LIMIT_DEFAULT),
        };
        let severity = self.severity.map(|name| severity(directory, &name));
        let query = IncidentQuery {
            status: match self.status.as_deref().unwrap_or("open") {
                "all" => String::new(),
                word => word.to_owned(),
            },
            service: self.service,
            team: self.team,
            severity: severity.transpose()?.map(|s| s.0),
            text: self.q,
            type_id: self.type_id,
            drill: self.drill.as_deref().map(|d| d == "true"),
            parent: self.parent.map(IncidentId),
            sight,
            offset: paging.offset(),
            limit: paging.limit,
        };
        Ok((query, paging))
    }
}

/// A severity by its name.
///
/// # Errors
/// 400 naming the scale.
pub fn severity(directory: &Directory, name: &str) -> Result<Severity, Problem> {
    directory.severity(name).ok_or_else(|| {
        let scale: Vec<&str> = directory
            .severities
            .iter()
            .map(|s| s.name.as_str())
            .collect();
        not_allowed("severity", name, &scale)
    })
}

/// Incidents, newest first.
#[utoipa::path(
    get,
    path = "/incidents",
    tag = "incidents",
    params(IncidentParams),
    responses(
        (status = 200, body = Page<IncidentOut>),
        NotRead,
    )
)]
pub async fn list_incidents(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Asked(params): Asked<IncidentParams>,
) -> Result<Json<Page<IncidentOut>>, Problem> {
    let directory = app.engine.directory();
    let (query, paging) = params.query(&directory, caller.sight(&directory))?;
    let (rows, total) = app.engine.store().incidents(&query).await?;
    let url = &app.settings.public_url;
    Ok(Json(Page {
        items: rows
            .into_iter()
            .map(|r| IncidentOut::of(r, &directory, url))
            .collect(),
        page: paging.page,
        limit: paging.limit,
        total,
    }))
}

/// One incident, as it is now.
#[utoipa::path(
    get,
    path = "/incidents/{id}",
    tag = "incidents",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, body = IncidentDetail),
        NotSeen,
    )
)]
pub async fn get_incident(
    State(app): State<App>,
    Which(id): Which,
) -> Result<Json<IncidentDetail>, Problem> {
    detail(&app, id).await.map(Json)
}

/// An incident as answers show it.
///
/// # Errors
/// 404 or 503.
pub async fn detail(app: &App, id: IncidentId) -> Result<IncidentDetail, Problem> {
    let incident = app.engine.incident(id).await?.ok_or_else(|| missing(id))?;
    Ok(IncidentDetail::of(
        &incident,
        &app.engine.directory(),
        &app.settings.public_url,
    ))
}

/// 404 for an incident.
#[must_use]
pub fn missing(id: IncidentId) -> Problem {
    Problem::missing(format!("There is no incident {id}."))
}

async fn journal(app: &App, id: IncidentId) -> Result<Vec<Record>, Problem> {
    let journal = app.engine.store().journal(id).await?;
    if journal.is_empty() {
        return Err(missing(id));
    }
    Ok(journal)
}

/// Everything that happened, in order, with the source of each line.
#[utoipa::path(
    get,
    path = "/incidents/{id}/timeline",
    tag = "incidents",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, body = All<EntryOut>),
        NotSeen,
    )
)]
pub async fn get_timeline(
    State(app): State<App>,
    Which(id): Which,
) -> Result<Json<All<EntryOut>>, Problem> {
    let journal = journal(&app, id).await?;
    let entries = timeline::entries(&journal);
    Ok(Json(All {
        items: entries.into_iter().map(EntryOut::from).collect(),
    }))
}

/// Every page, line and run that left or is to leave firebell, and where it stands.
#[utoipa::path(
    get,
    path = "/incidents/{id}/deliveries",
    tag = "incidents",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, body = All<DeliveryOut>),
        NotSeen,
    )
)]
pub async fn get_deliveries(
    State(app): State<App>,
    Which(id): Which,
) -> Result<Json<All<DeliveryOut>>, Problem> {
    let store = app.engine.store();
    store.incident(id).await?.ok_or_else(|| missing(id))?;
    let rows = store.deliveries(id).await?;
    Ok(Json(All {
        items: rows.into_iter().map(DeliveryOut::from).collect(),
    }))
}

/// Runbook actions asked for on this incident, with what they wrote.
#[utoipa::path(
    get,
    path = "/incidents/{id}/runs",
    tag = "incidents",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, body = All<RunOut>),
        NotSeen,
    )
)]
pub async fn get_runs(
    State(app): State<App>,
    Which(id): Which,
) -> Result<Json<All<RunOut>>, Problem> {
    let incident = app.engine.incident(id).await?.ok_or_else(|| missing(id))?;
    let rows = app.engine.store().runs(id).await?;
    Ok(Json(All {
        items: runs_of(&incident, rows),
    }))
}
