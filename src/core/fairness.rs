//! Who has carried how much of being on call, with the pages; and what a change would do to that.
//!
//! One count for the console, the chat commands and the terminal. Pages of the future are not known:
//! a preview lets those of the weeks before come again, at the same weekday and hour of the
//! schedule's clock, and asks who would be on call then.

use super::directory::Directory;
use super::id::{IncidentId, Seq};
use super::schedule::{Difference, Ledger, Schedule, Share, effect, instant, ledger};
use super::time::Time;
use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Days that are looked at when nothing is said, with today.
const DAYS: u64 = 90;
/// More than two years are not a question of fairness, and take their time.
const DAYS_MAX: i64 = 800;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a week.
const WEEK_MS: i64 = 7 * 24 * HOUR_MS;

/// One person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Directory id.
    pub person: String,
    /// Hours.
    pub share: Share,
    /// Pages that arrived, on whatever schedule.
    pub pages: i64,
}

/// What a span of days has cost whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Id, or `None`: every schedule.
    pub schedule: Option<String>,
    /// How even the weighted hours are, percent.
    pub balance: u32,
    /// Whoever carries most first.
    pub rows: Vec<Row>,
}

/// A page that reached somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageAt {
    /// When it left.
    pub at: Time,
    /// Whom, by directory id.
    pub person: String,
    /// About which incident.
    pub incident: IncidentId,
    /// By which of its facts: several people are paged by one.
    pub seq: Seq,
}

/// What somebody carries, or would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Hours.
    pub share: Share,
    /// Pages, if those of the weeks before came again.
    pub pages: i64,
}

/// What a change of a schedule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Who would be on call instead of whom.
    pub differences: Vec<Difference>,
    /// By person: now, and after the change. Whoever carries most after it first.
    pub rows: Vec<(String, Load, Load)>,
    /// How even it is, percent: now, and after.
    pub balance: (u32, u32),
}

/// First and last day of what was asked for: empty texts are today and ninety days.
///
/// # Errors
/// In words, with the remedy.
pub fn days(from: &str, to: &str, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), String> {
    let to = if to.is_empty() { today } else { day(to)? };
    let from = if from.is_empty() {
        to.checked_sub_days(Days::new(DAYS - 1)).unwrap_or(to)
    } else {
        day(from)?
    };
    if from > to {
        return Err(format!(
            "The last day ({to}) is before the first ({from}); exchange them."
        ));
    }
    if (to - from).num_days() > DAYS_MAX {
        return Err(format!(
            "From {from} to {to} are more than {DAYS_MAX} days; ask for fewer."
        ));
    }
    Ok((from, to))
}

/// A date, within what zones are known for.
///
/// # Errors
/// In words with an example.
pub fn day(text: &str) -> Result<NaiveDate, String> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let known = date.filter(|d| (1970..2400).contains(&d.year()));
    known.ok_or_else(|| format!("`{text}` is not a date such as 2026-11-30."))
}

/// The date on the wall of a zone.
#[must_use]
pub fn today(zone: Tz, now: Time) -> NaiveDate {
    zone.from_utc_datetime(&now.utc().naive_utc()).date_naive()
}

/// Days as instants: the first of the first day, and the first after the last.
#[must_use]
pub fn span(zone: Tz, from: NaiveDate, to: NaiveDate) -> (Time, Time) {
    let begin = |date: NaiveDate| instant(zone, date.and_time(NaiveTime::MIN));
    (begin(from), begin(to.succ_opt().unwrap_or(to)))
}

/// The book of some days on the clock of `zone`. `pages`: how many reached whom in them.
///
/// # Errors
/// There is no such schedule.
pub fn book(
    directory: &Directory,
    schedule: Option<&str>,
    (from, to): (NaiveDate, NaiveDate),
    zone: Tz,
    pages: &BTreeMap<String, i64>,
) -> Result<Book, String> {
    let schedules: Vec<&Schedule> = match schedule {
        None => directory.schedules.values().collect(),
        Some(id) => {
            let one = directory.schedules.get(id);
            vec![one.ok_or_else(|| format!("There is no schedule {id}."))?]
        }
    };
    let (since, until) = span(zone, from, to);
    let home = |id: &str| directory.people.get(id).map(|p| p.zone);
    let all = schedules.iter().copied();
    let hours = ledger(all, &directory.fairness, &home, since, until);
    let people: BTreeSet<&str> = schedules
        .iter()
        .flat_map(|s| s.everybody())
        .chain(hours.rows.keys().map(String::as_str))
        .collect();
    let mut rows: Vec<Row> = people
        .iter()
        .map(|id| Row {
            person: (*id).to_owned(),
            share: hours.person(id),
            pages: pages.get(*id).copied().unwrap_or(0),
        })
        .collect();
    rows.sort_by_cached_key(|r| (Reverse(r.share.weighted_ms), r.person.clone()));
    Ok(Book {
        from,
        to,
        schedule: schedule.map(str::to_owned),
        balance: hours.balance(people.iter().copied()),
        rows,
    })
}

/// The book in words, a line a person, at most `lines`; `pages`: whether they were counted.
#[must_use]
pub fn told(directory: &Directory, book: &Book, pages: bool, lines: usize) -> String {
    let what = match &book.schedule {
        None => "all schedules".to_owned(),
        Some(id) => {
            let schedule = directory.schedules.get(id);
            schedule.map_or_else(|| id.clone(), |s| s.name.clone())
        }
    };
    let even = if book.rows.len() > 1 {
        format!(", {}% even", book.balance)
    } else {
        String::new()
    };
    let mut out = format!("On call, {what}, {} to {}{even}:", book.from, book.to);
    if book.rows.is_empty() {
        out.push_str("\nnobody.");
    }
    for row in book.rows.iter().take(lines) {
        let share = &row.share;
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "\n{}: weighted {}; {} on call, of these {} at night, {} on weekends, {} on holidays; {}",
            directory.person_name(&row.person),
            hours(share.weighted_ms),
            hours(share.total_ms),
            hours(share.night_ms),
            hours(share.weekend_ms),
            hours(share.holiday_ms),
            super::text::count(usize::try_from(share.shifts).unwrap_or(0), "shift"),
        );
        if pages {
            let n = usize::try_from(row.pages).unwrap_or(0);
            let _ = write!(out, ", {}", super::text::count(n, "page"));
        }
    }
    if book.rows.len() > lines {
        let _ = write!(
            out,
            "\nand {} more, on the console.",
            book.rows.len() - lines
        );
    }
    out
}

/// Whole hours, rounded.
#[must_use]
pub fn hours(ms: i64) -> String {
    format!("{} h", (ms + HOUR_MS / 2) / HOUR_MS)
}

/// How far back the pages are from which those of `[from, until)` are guessed: whole weeks, so that
/// weekdays stay what they are.
#[must_use]
pub fn before(from: Time, until: Time) -> Time {
    from.plus_ms(-weeks(from, until) * WEEK_MS)
}

fn weeks(from: Time, until: Time) -> i64 {
    (until.since_ms(from).max(1) + WEEK_MS - 1) / WEEK_MS
}

/// Compares two versions of a schedule in `[from, until)`. `pages` are those since [`before`].
#[must_use]
pub fn preview(
    directory: &Directory,
    (now, then): (&Schedule, &Schedule),
    pages: &[PageAt],
    from: Time,
    until: Time,
) -> Preview {
    let home = |id: &str| directory.people.get(id).map(|p| p.zone);
    let effect = effect(now, then, &directory.fairness, &home, from, until);
    let again = again(now, pages, from, until);
    let (old, new) = (expected(now, &again), expected(then, &again));
    let people: BTreeSet<&str> = [now, then]
        .iter()
        .flat_map(|s| s.everybody())
        .chain(effect.before.rows.keys().map(String::as_str))
        .chain(effect.after.rows.keys().map(String::as_str))
        .collect();
    let load = |book: &Ledger, pages: &BTreeMap<String, i64>, id: &str| Load {
        share: book.person(id),
        pages: pages.get(id).copied().unwrap_or(0),
    };
    let mut rows: Vec<(String, Load, Load)> = people
        .iter()
        .map(|id| {
            let now = load(&effect.before, &old, id);
            ((*id).to_owned(), now, load(&effect.after, &new, id))
        })
        .filter(|(_, now, then)| (now.share.total_ms, then.share.total_ms) != (0, 0))
        .collect();
    rows.sort_by_cached_key(|(id, _, then)| (Reverse(then.share.weighted_ms), id.clone()));
    let all = || rows.iter().map(|(id, _, _)| id.as_str());
    Preview {
        balance: (effect.before.balance(all()), effect.after.balance(all())),
        differences: effect.differences,
        rows,
    }
}

/// The instants at which the pages of a schedule's people would come again, each page once.
fn again(schedule: &Schedule, pages: &[PageAt], from: Time, until: Time) -> Vec<Time> {
    let people = schedule.everybody();
    let mut seen = BTreeSet::new();
    let ahead = u64::try_from(7 * weeks(from, until)).unwrap_or(0);
    let moved = |at: Time| {
        let wall = schedule.zone.from_utc_datetime(&at.utc().naive_utc());
        let wall = wall.naive_local().checked_add_days(Days::new(ahead));
        wall.map(|wall| instant(schedule.zone, wall))
    };
    pages
        .iter()
        .filter(|p| people.contains(p.person.as_str()))
        .filter(|p| seen.insert((p.incident, p.seq)))
        .filter_map(|p| moved(p.at))
        .filter(|at| *at >= from && *at < until)
        .collect()
}

fn expected(schedule: &Schedule, again: &[Time]) -> BTreeMap<String, i64> {
    let mut found = BTreeMap::new();
    for at in again {
        for person in schedule.on_call(*at).people {
            *found.entry(person).or_default() += 1;
        }
    }
    found
}

/// The effect on people in words, a line a person; `pages`: whether those of the past are known.
#[must_use]
pub fn previewed(directory: &Directory, preview: &Preview, pages: bool) -> String {
    let mut out = String::new();
    for (id, now, then) in &preview.rows {
        let (a, b) = (&now.share, &then.share);
        let _ = write!(
            out,
            "{}: {} → {} on call, {} → {} at night, {} → {} on weekends, weighted {} → {}",
            directory.person_name(id),
            hours(a.total_ms),
            hours(b.total_ms),
            hours(a.night_ms),
            hours(b.night_ms),
            hours(a.weekend_ms),
            hours(b.weekend_ms),
            hours(a.weighted_ms),
            hours(b.weighted_ms),
        );
        if pages {
            let _ = write!(out, ", pages {} → {}", now.pages, then.pages);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::schedule::parse_handoff;

    fn at(text: &str) -> Time {
        Time::parse_rfc3339(text).unwrap()
    }

    fn weekly(people: &[&str]) -> Schedule {
        let starts = "2026-03-02T09:00:00".parse().unwrap();
        let handoff = parse_handoff("weekly").unwrap();
        Schedule::rotation("web", "Web", Tz::Europe__Berlin, (handoff, starts), people)
    }

    #[test]
    fn a_span_is_ninety_days_unless_it_is_said_and_is_never_turned_round() {
        let today = day("2026-11-30").unwrap();
        let (from, to) = days("", "", today).unwrap();
        assert_eq!((to - from).num_days(), 89);
        assert_eq!(
            days("2026-11-01", "2026-11-07", today).unwrap().0,
            day("2026-11-01").unwrap()
        );
        for (from, to, part) in [
            ("2026-12-02", "2026-12-01", "exchange them"),
            ("2020-01-01", "2026-01-01", "more than 800 days"),
            ("soon", "", "is not a date such as"),
        ] {
            let no = days(from, to, today).unwrap_err();
            assert!(no.contains(part), "{no}");
        }
    }

    #[test]
    fn a_preview_lets_the_pages_of_the_weeks_before_come_again_on_the_same_clock() {
        let (now, then) = (weekly(&["ana", "bo"]), weekly(&["ana", "bo", "cy"]));
        let mut directory = Directory::default();
        directory.schedules.insert("web".to_owned(), now.clone());
        // From the Monday the clocks of Berlin are on summer time: three weeks, ana, bo, ana.
        let (from, until) = (at("2026-03-30T07:00:00Z"), at("2026-04-20T07:00:00Z"));
        assert_eq!(before(from, until), at("2026-03-09T07:00:00Z"));
        let page = |text: &str, person: &str, n| PageAt {
            at: at(text),
            person: person.to_owned(),
            incident: IncidentId(n),
            seq: 2,
        };
        let pages = [
            // 08:30 on a Monday in winter: still the turn before, also when it comes again in summer.
            page("2026-03-16T07:30:00Z", "bo", 1),
            page("2026-03-17T02:00:00Z", "ana", 2),
            // The same page told two people, and one of nobody's on this schedule.
            page("2026-03-17T02:00:00Z", "bo", 2),
            page("2026-03-17T02:00:00Z", "dee", 3),
        ];
        let p = preview(&directory, (&now, &then), &pages, from, until);
        let row = |id: &str| p.rows.iter().find(|r| r.0 == id).cloned().unwrap();
        assert_eq!((row("ana").1.pages, row("ana").2.pages), (1, 0));
        assert_eq!((row("bo").1.pages, row("bo").2.pages), (1, 1));
        assert_eq!(row("cy").1.share.total_ms, 0);
        assert_eq!(row("cy").2.share.total_ms, WEEK_MS);
        assert_eq!(p.balance.1, 100);
        let words = previewed(&directory, &p, true);
        assert!(
            words.contains("cy: 0 h → 168 h on call, 0 h → 63 h at night"),
            "{words}"
        );
        assert!(!previewed(&directory, &p, false).contains("pages"));
    }
}
