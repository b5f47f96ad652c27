//! What past incidents measure: the page, and its sheets to take along.

use super::Console;
use super::load::{self, Moment};
use super::trouble::Trouble;
use super::view::analytics::{self as draw, Told};
use super::view::frame::Here;
use super::viewer::Viewer;
use crate::core::analytics::{Report, Words, csv};
use crate::core::fairness::today;
use crate::engine::counted;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

/// The words of the form, as they came.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    from: String,
    to: String,
    service: String,
    team: String,
    severity: String,
    minutes: String,
}

impl Wanted {
    fn words(&self) -> Words {
        let text = |t: &String| t.trim().to_owned();
        Words {
            from: text(&self.from),
            to: text(&self.to),
            service: text(&self.service),
            team: text(&self.team),
            severity: text(&self.severity),
            minutes: text(&self.minutes),
        }
    }
}

async fn counted_for(console: &Console, moment: &Moment, words: &Words) -> Result<Report, Trouble> {
    let zone = moment.viewer.zone;
    let asked = words
        .asked(&moment.directory, zone, today(zone, moment.now))
        .map_err(Trouble::Invalid)?;
    let store = console.app.engine.store();
    Ok(counted(store, &moment.directory, &asked, moment.now).await?)
}

/// The page.
pub(super) async fn page(
    State(console): State<Console>,
    viewer: Viewer,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let words = wanted.words();
    let report = counted_for(&console, &moment, &words).await?;
    let told = Told {
        today: today(moment.viewer.zone, moment.now),
        words,
        report,
    };
    let body = draw::analytics(moment.scene(), &told);
    let here = (Here::Analytics, "/analytics");
    load::page(&console, &moment, here, "Analytics", &body).await
}

/// One sheet, CSV.
pub(super) async fn sheet(
    State(console): State<Console>,
    viewer: Viewer,
    Path(table): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let report = counted_for(&console, &moment, &wanted.words()).await?;
    let table = table.trim_end_matches(".csv");
    let sheet = csv(&moment.directory, &report, table)
        .ok_or_else(|| Trouble::NotFound(format!("There is no sheet `{table}`.")))?;
    let name = format!("attachment; filename=\"firebell-{table}.csv\"");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, sheet).into_response())
}
