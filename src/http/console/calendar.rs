//! The calendar of a schedule, and its feed's address.

use super::Console;
use super::load::{self, Moment};
use super::told::Asker;
use super::trouble::Trouble;
use super::view::calendar::{self as draw, Around, Asked, Range};
use super::view::frame::Here;
use super::viewer::Viewer;
use crate::core::fairness::day;
use crate::core::schedule::{Finding, Kind, Schedule, findings};
use crate::http::feed::{self, Whose};
use axum::extract::{Path, Query, RawQuery, State};
use axum::response::Response;
use serde::Deserialize;

/// How far coverage is looked at.
const AHEAD_MS: i64 = 30 * 86_400_000;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    view: String,
    on: String,
    zone: String,
}

/// The page.
pub(super) async fn calendar(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
    query: RawQuery,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    if id == "fairness" && !moment.directory.schedules.contains_key(&id) {
        return Ok(super::fairness::moved(query));
    }
    let schedule = schedule(&moment, &id)?;
    let asked = read(&moment, schedule, &wanted)?;
    let engine = &console.app.engine;
    let of = |f: &Finding| {
        let other = matches!(&f.kind, Kind::Twice { other, .. } if *other == id);
        other || f.schedule == id
    };
    let around = Around {
        duty: load::duty(schedule, moment.now),
        findings: coverage(&moment).into_iter().filter(of).collect(),
        feed: feed::address(engine, &Whose::Schedule(id.clone())).await?,
    };
    let body = draw::calendar(moment.scene(), asked, &around);
    let (path, title) = (asked.here(), schedule.name.clone());
    load::page(&console, &moment, (Here::OnCall, &path), &title, &body).await
}

pub(super) fn schedule<'a>(moment: &'a Moment, id: &str) -> Result<&'a Schedule, Trouble> {
    let found = moment.directory.schedules.get(id);
    found.ok_or_else(|| Trouble::NotFound(format!("There is no schedule {id}.")))
}

fn read<'a>(
    moment: &Moment,
    schedule: &'a Schedule,
    wanted: &Wanted,
) -> Result<Asked<'a>, Trouble> {
    let no = |what: String| Err(Trouble::Invalid(what));
    let range = match wanted.view.as_str() {
        "" | "week" => Range::Week,
        "month" => Range::Month,
        other => return no(format!("`view` is week or month, not `{other}`.")),
    };
    let theirs = match wanted.zone.as_str() {
        "" | "mine" => false,
        "schedule" => true,
        other => return no(format!("`zone` is mine or schedule, not `{other}`.")),
    };
    let zone = if theirs {
        schedule.zone
    } else {
        moment.viewer.zone
    };
    let on = match wanted.on.as_str() {
        "" => draw::plan::date(moment.now, zone),
        text => day(text).map_err(Trouble::Invalid)?,
    };
    Ok(Asked {
        schedule,
        range,
        on,
        theirs,
    })
}

/// What will go wrong with who is on call in the next thirty days, on any schedule.
pub(super) fn coverage(moment: &Moment) -> Vec<Finding> {
    let directory = &moment.directory;
    findings(
        directory.schedules.values(),
        &directory.leaves,
        &|id| directory.unreachable(id),
        moment.now,
        moment.now.plus_ms(AHEAD_MS),
    )
}

/// Ends the feed's old address.
pub(super) async fn rotate(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    if let Err(answer) = asker.actor(&console, &viewer) {
        return Ok(*answer);
    }
    let moment = Moment::new(&console, viewer);
    let name = schedule(&moment, &id)?.name.clone();
    feed::rotate(&console.app.engine, &Whose::Schedule(id)).await?;
    Ok(asker.tell(
        true,
        &format!("The calendar of {name} has a new address; the old one no longer works."),
    ))
}
