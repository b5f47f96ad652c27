//! Pages of incidents: the list, and one in full.

use super::Console;
use super::load::{self, Moment};
use super::trouble::Trouble;
use super::view::frame::Here;
use super::view::incident::{self as draw, ListView};
use super::viewer::Viewer;
use crate::store::IncidentQuery;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

/// Incidents per page.
const PER_PAGE: i64 = 40;

#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    status: String,
    text: String,
    #[serde(rename = "type")]
    kind: String,
    drill: String,
    page: i64,
}

impl Default for Asked {
    fn default() -> Asked {
        Asked {
            status: "open".to_owned(),
            text: String::new(),
            kind: String::new(),
            drill: String::new(),
            page: 0,
        }
    }
}

pub(super) async fn list(
    State(console): State<Console>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let page = asked.page.clamp(0, 1_000_000);
    let query = IncidentQuery {
        status: asked.status.clone(),
        text: Some(asked.text.trim().to_owned()).filter(|t| !t.is_empty()),
        type_id: Some(asked.kind.clone()).filter(|t| !t.is_empty()),
        drill: match asked.drill.as_str() {
            "only" => Some(true),
            "without" => Some(false),
            _ => None,
        },
        sight: moment.viewer.sight.clone(),
        offset: page * PER_PAGE,
        limit: PER_PAGE,
        ..IncidentQuery::default()
    };
    let (rows, total) = console.app.engine.store().incidents(&query).await?;
    let shown = ListView {
        rows,
        total,
        page,
        limit: PER_PAGE,
        status: asked.status,
        text: asked.text,
        kind: asked.kind,
        drill: asked.drill,
    };
    let body = draw::list(moment.scene(), &shown);
    load::page(
        &console,
        &moment,
        (Here::Incidents, "/incidents"),
        "Incidents",
        &body,
    )
    .await
}

pub(super) async fn one(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<i64>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let incident = load::incident(&console, id).await?;
    let shown = load::incident_view(&console, &moment, &incident).await?;
    let body = draw::incident(moment.scene(), &shown);
    let title = format!("{} {}", incident.id, incident.title);
    let path = format!("/incidents/{id}");
    load::page(&console, &moment, (Here::Incidents, &path), &title, &body).await
}
