//! What being on call has cost whom.

use super::Console;
use super::calendar::day;
use super::load::{self, Moment};
use super::trouble::Trouble;
use super::view::calendar::plan::date;
use super::view::fairness::{self as draw, Row, Told};
use super::view::frame::Here;
use super::viewer::Viewer;
use crate::core::schedule::{Schedule, instant, ledger};
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{Days, NaiveDate, NaiveTime};
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Days that are looked at when nothing is said, with today.
const DAYS: u64 = 90;
/// More than two years are not a question of fairness, and take their time.
const DAYS_MAX: i64 = 800;

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
    let today = date(moment.now, zone);
    let (from, to) = span(&wanted, today)?;
    let begin = |date: NaiveDate| instant(zone, date.and_time(NaiveTime::MIN));
    let (since, until) = (
        begin(from),
        begin(to.checked_add_days(Days::new(1)).unwrap_or(to)),
    );
    let schedules = schedules(&moment, &wanted.schedule)?;
    let directory = &moment.directory;
    let home = |id: &str| directory.people.get(id).map(|p| p.zone);
    let weights = &directory.fairness;
    let book = ledger(schedules.iter().copied(), weights, &home, since, until);
    let pages = console
        .app
        .engine
        .store()
        .pages_by_person(since, until)
        .await?;
    let people: BTreeSet<&str> = schedules
        .iter()
        .flat_map(|s| s.everybody())
        .chain(book.rows.keys().map(String::as_str))
        .collect();
    let mut rows: Vec<Row> = people
        .iter()
        .map(|id| Row {
            person: (*id).to_owned(),
            share: book.person(id),
            pages: pages.get(*id).copied().unwrap_or(0),
        })
        .collect();
    rows.sort_by_cached_key(|r| (Reverse(r.share.weighted_ms), r.person.clone()));
    let told = Told {
        from,
        to,
        today,
        schedule: wanted.schedule.clone(),
        balance: book.balance(people.iter().copied()),
        rows,
    };
    let body = draw::fairness(moment.scene(), &told);
    load::page(
        &console,
        &moment,
        (Here::OnCall, "/oncall/fairness"),
        "Fairness",
        &body,
    )
    .await
}

/// First and last day.
fn span(wanted: &Wanted, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), Trouble> {
    let to = match wanted.to.as_str() {
        "" => today,
        text => day(text)?,
    };
    let from = match wanted.from.as_str() {
        "" => to.checked_sub_days(Days::new(DAYS - 1)).unwrap_or(to),
        text => day(text)?,
    };
    if from > to {
        return Err(Trouble::Invalid(format!(
            "The last day ({to}) is before the first ({from}); exchange them."
        )));
    }
    if (to - from).num_days() > DAYS_MAX {
        return Err(Trouble::Invalid(format!(
            "From {from} to {to} are more than {DAYS_MAX} days; ask for fewer."
        )));
    }
    Ok((from, to))
}

fn schedules<'a>(moment: &'a Moment, id: &str) -> Result<Vec<&'a Schedule>, Trouble> {
    let all = &moment.directory.schedules;
    if id.is_empty() {
        return Ok(all.values().collect());
    }
    let one = all.get(id).map(|s| vec![s]);
    one.ok_or_else(|| Trouble::NotFound(format!("There is no schedule {id}.")))
}
