//! What was changed, as deploys and repositories told it.

use super::Console;
use super::load::{self, Moment};
use super::trouble::Trouble;
use super::view::changes::{self as draw, Told};
use super::view::frame::Here;
use super::viewer::Viewer;
use crate::store::ChangeQuery;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

/// Changes per page.
const PER_PAGE: i64 = 50;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    service: String,
    source: String,
    /// From 0.
    page: i64,
}

/// The page, newest first.
pub(super) async fn changes(
    State(console): State<Console>,
    viewer: Viewer,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let page = wanted.page.clamp(0, 1_000_000);
    let some = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
    let query = ChangeQuery {
        service: some(&wanted.service),
        source: some(&wanted.source),
        offset: page * PER_PAGE,
        limit: PER_PAGE,
        ..ChangeQuery::default()
    };
    let (rows, total) = console.app.engine.store().change_events(&query).await?;
    let settings = &console.app.settings;
    let tellers = settings.insight.tellers.iter().map(|t| t.name.clone());
    let sources = settings.sources.iter().map(|s| s.name.clone());
    let told = Told {
        rows,
        total,
        page,
        limit: PER_PAGE,
        service: wanted.service,
        source: wanted.source,
        sources: tellers.chain(sources).collect(),
    };
    let body = draw::changes(moment.scene(), &told);
    let here = (Here::Changes, "/changes");
    load::page(&console, &moment, here, "Changes", &body).await
}
