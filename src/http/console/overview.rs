//! Pages that only show: overview, on call, services, alerts, quarantine.

use super::Console;
use super::calendar::coverage;
use super::load::{self, Moment};
use super::trouble::Trouble;
use super::view::{self, frame::Here};
use super::viewer::Viewer;
use crate::store::AlertQuery;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

/// Alerts per page.
const PER_PAGE: i64 = 50;
/// Payloads shown.
const QUARANTINED: i64 = 50;

pub(super) async fn overview(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let shown = load::overview(&console, &moment).await?;
    let body = view::overview::overview(moment.scene(), &shown);
    load::page(&console, &moment, (Here::Overview, "/"), "Now", &body).await
}

pub(super) async fn oncall(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let findings = coverage(&moment);
    let body = view::oncall::oncall(moment.scene(), &load::duties(&moment), &findings);
    load::page(
        &console,
        &moment,
        (Here::OnCall, "/oncall"),
        "On call",
        &body,
    )
    .await
}

pub(super) async fn actions(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let body = view::actions::actions(moment.scene());
    load::page(
        &console,
        &moment,
        (Here::Actions, "/actions"),
        "Runbook actions",
        &body,
    )
    .await
}

pub(super) async fn services(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let body = view::lists::services(moment.scene());
    load::page(
        &console,
        &moment,
        (Here::Services, "/services"),
        "Services",
        &body,
    )
    .await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct AlertsQuery {
    show: String,
    page: i64,
}

/// Newest first: the store counts ids upwards, so the pages are counted from its end.
pub(super) async fn alerts(
    State(console): State<Console>,
    viewer: Viewer,
    Query(asked): Query<AlertsQuery>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let firing = asked.show != "all";
    let page = asked.page.clamp(0, 1_000_000);
    let mut query = AlertQuery {
        firing: firing.then_some(true),
        sight: moment.viewer.sight.clone(),
        ..AlertQuery::default()
    };
    let store = console.app.engine.store();
    let total = store.count_alerts(&query).await?;
    let end = (total - page * PER_PAGE).max(0);
    query.offset = (end - PER_PAGE).max(0);
    query.limit = end - query.offset;
    let mut rows = store.alerts(&query).await?;
    rows.reverse();
    let body = view::lists::alerts(moment.scene(), &rows, firing, page, PER_PAGE, total);
    load::page(
        &console,
        &moment,
        (Here::Alerts, "/alerts"),
        "Alerts",
        &body,
    )
    .await
}

pub(super) async fn quarantine(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let (rows, total) = console.app.engine.store().quarantine(QUARANTINED).await?;
    let body = view::lists::quarantine(moment.scene(), &rows, total);
    load::page(
        &console,
        &moment,
        (Here::Quarantine, "/quarantine"),
        "Quarantine",
        &body,
    )
    .await
}
