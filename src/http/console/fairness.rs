//! What being on call has cost whom.

use super::Console;
use super::load::{self, Moment};
use super::trouble::Trouble;
use super::view::fairness::{self as draw, Told};
use super::view::frame::Here;
use super::viewer::Viewer;
use crate::core::fairness::{self as ledger, days, span};
use axum::extract::{Query, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    from: String,
    to: String,
    schedule: String,
}

/// The page.
pub(super) async fn fairness(
    State(console): State<Console>,
    viewer: Viewer,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let zone = moment.viewer.zone;
    let today = ledger::today(zone, moment.now);
    let asked = days(&wanted.from, &wanted.to, today).map_err(Trouble::Invalid)?;
    let (since, until) = span(zone, asked.0, asked.1);
    let store = console.app.engine.store();
    let pages = store.pages_by_person(since, until).await?;
    let schedule = Some(wanted.schedule.as_str()).filter(|id| !id.is_empty());
    let book = ledger::book(&moment.directory, schedule, asked, zone, &pages)
        .map_err(Trouble::NotFound)?;
    let body = draw::fairness(moment.scene(), &Told { today, book });
    let here = (Here::OnCall, "/fairness");
    load::page(&console, &moment, here, "Fairness", &body).await
}

/// From where the page was before. For now only: a schedule of that name may come.
pub(super) fn moved(RawQuery(query): RawQuery) -> Response {
    let query = query.map(|q| format!("?{q}")).unwrap_or_default();
    Redirect::temporary(&format!("/fairness{query}")).into_response()
}
