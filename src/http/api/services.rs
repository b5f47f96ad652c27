//! The service directory, as configured now.

use super::oncall::policy_of;
use super::params::{Asked, FromParams, Paging, Params};
use super::shape::Page;
use crate::core::directory::{Directory, Service};
use crate::http::App;
use crate::http::error::{ErrorBody, Problem};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Which services.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ServiceParams {
    /// Only of this team.
    team: Option<String>,
    /// Part of the id or name, whatever its case.
    q: Option<String>,
    /// From 1.
    #[param(minimum = 1, default = 1)]
    page: Option<i64>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
}

impl FromParams for ServiceParams {
    fn from_params(params: &mut Params) -> Result<ServiceParams, Problem> {
        let (team, q) = (params.text("team")?, params.text("q")?);
        let Paging { page, limit } = params.paging()?;
        Ok(ServiceParams {
            team,
            q,
            page: Some(page),
            limit: Some(limit),
        })
    }
}

/// One service.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceOut {
    /// Key.
    #[schema(example = "checkout")]
    pub id: String,
    /// Display name.
    pub name: String,
    /// Owner team's id.
    pub team: String,
    /// 1 is the most important.
    pub tier: u8,
    /// Services it needs.
    pub depends_on: Vec<String>,
    /// Services that need it.
    pub needed_by: Vec<String>,
    /// Named links: runbook, dashboard, repository.
    pub links: BTreeMap<String, String>,
    /// Escalation policy: its own, the team's or the default; `null`: only the catch-all.
    pub policy: Option<String>,
    /// Channel of its cards: its own or the team's.
    pub channel: Option<String>,
    /// This severity and worse give an incident a room.
    #[schema(example = "sev2")]
    pub major_at: String,
    /// Resolved by itself when every alert has cleared.
    pub auto_resolve: bool,
}

fn service_out(directory: &Directory, service: &Service) -> ServiceOut {
    let needed_by = directory
        .services
        .values()
        .filter(|s| s.depends_on.contains(&service.id))
        .map(|s| s.id.clone());
    ServiceOut {
        id: service.id.clone(),
        name: service.name.clone(),
        team: service.team.clone(),
        tier: service.tier,
        depends_on: service.depends_on.clone(),
        needed_by: needed_by.collect(),
        links: service.links.clone(),
        policy: policy_of(directory, &service.id).map(|p| p.id.clone()),
        channel: directory
            .channel(Some(&service.id), Some(&service.team))
            .map(str::to_owned),
        major_at: directory.severity_name(service.major_at),
        auto_resolve: service.auto_resolve,
    }
}

/// Services, by id.
#[utoipa::path(
    get,
    path = "/services",
    tag = "directory",
    params(ServiceParams),
    responses(
        (status = 200, body = Page<ServiceOut>),
        (status = 400, description = "A parameter is unknown or has a value that is not allowed", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
    )
)]
pub async fn list_services(
    State(app): State<App>,
    Asked(params): Asked<ServiceParams>,
) -> Result<Json<Page<ServiceOut>>, Problem> {
    let directory = app.engine.directory();
    let needle = params.q.map(|q| q.to_lowercase());
    let matches = |s: &Service| {
        params.team.as_ref().is_none_or(|t| *t == s.team)
            && needle.as_ref().is_none_or(|q| {
                s.id.to_lowercase().contains(q) || s.name.to_lowercase().contains(q)
            })
    };
    let found: Vec<&Service> = directory.services.values().filter(|s| matches(s)).collect();
    let paging = Paging {
        page: params.page.unwrap_or(1),
        limit: params.limit.unwrap_or(super::params::LIMIT_DEFAULT),
    };
    let offset = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
    let limit = usize::try_from(paging.limit).unwrap_or(usize::MAX);
    Ok(Json(Page {
        total: i64::try_from(found.len()).unwrap_or(i64::MAX),
        items: found
            .into_iter()
            .skip(offset)
            .take(limit)
            .map(|s| service_out(&directory, s))
            .collect(),
        page: paging.page,
        limit: paging.limit,
    }))
}
