//! `maintenance/ID.toml`: planned work on a service, once or again and again; and `[silences]`.

use super::folders::{Entry, Reading};
use super::reader::{Said, Table};
use super::route::matchers;
use super::settings::zone;
use crate::core::alert::Labels;
use crate::core::schedule::{CronPlan, instant};
use crate::core::silence::{FILES, Recurrence, ReminderRules, Silence, SilenceKind, WINDOW_MAX_MS};
use crate::core::time::Time;
use chrono::NaiveDateTime;
use chrono_tz::Tz;

/// What a window that is written wrong should look like.
const ONCE: &str = "write starts = \"2026-12-01 22:00\" and ends = \"2026-12-01 23:30\"";
/// What one that recurs should look like.
const AGAIN: &str = "write every = \"0 22 * * SUN\" and duration = \"90m\"";

/// `maintenance/ID.toml`; `None`: a fault was said.
pub(super) fn maintenance(id: &str, table: Table<'_>, reading: &Reading<'_>) -> Option<Silence> {
    let service = reading.service(&table, "service");
    let matchers = matchers(&table, "match");
    let sink = reading.sink;
    if service.is_none() && matchers.is_empty() && !table.has("service") && !table.has("match") {
        let what = format!("the maintenance {id} is about nothing");
        sink.fault(
            &table.place,
            what,
            "add service = \"checkout\", or match = [\"job=api\"]",
        );
    }
    let everything = matchers.iter().all(|m| m.matches(&Labels::new()));
    if service.is_none() && !matchers.is_empty() && everything {
        let what = format!("the maintenance {id} would hold every alert back");
        let fix = "add a matcher that a missing label does not satisfy, such as \"job=api\"";
        sink.fault(&table.place_of("match"), what, fix);
    }
    let zone = zone(&table, reading.zone);
    let comment = table.text("comment").map(|s| s.value).unwrap_or_default();
    let owner = reading.one(Entry::Person, &table, "owner");
    let bounds = match zone {
        Some(zone) if table.has("every") => recurring(&table, reading, zone),
        Some(zone) => once(&table, reading, zone),
        None => None,
    };
    table.done();
    let (starts_at, ends_at, recurrence) = bounds?;
    Some(Silence {
        id: format!("{FILES}{id}"),
        kind: SilenceKind::Maintenance,
        matchers,
        service,
        starts_at,
        ends_at,
        created_by: format!("maintenance/{id}.toml"),
        owner,
        comment,
        recurrence,
        updated_at: Time(0),
    })
}

type Bounds = (Time, Time, Option<Recurrence>);

fn once(table: &Table<'_>, reading: &Reading<'_>, zone: Tz) -> Option<Bounds> {
    let starts = wall(table, reading, "starts", zone, true);
    let ends = wall(table, reading, "ends", zone, true);
    let (starts, ends) = (starts?, ends?);
    if ends <= starts {
        let what = "`ends` is not after `starts`, so the window never holds";
        reading.sink.fault(&table.place_of("ends"), what, ONCE);
        return None;
    }
    Some((starts, ends, None))
}

fn recurring(table: &Table<'_>, reading: &Reading<'_>, zone: Tz) -> Option<Bounds> {
    let sink = reading.sink;
    let duration = table.duration_ms("duration", 60_000..=WINDOW_MAX_MS);
    if !table.has("duration") {
        table.missing("duration", "\"90m\"");
    }
    // Both may be left out: it has always been so and always will be.
    let starts = wall(table, reading, "starts", zone, false);
    let ends = wall(table, reading, "ends", zone, false);
    let every = table.need_text("every", "\"0 22 * * SUN\"")?;
    let cron = match CronPlan::parse(&every.value) {
        Ok(cron) => cron,
        Err(why) => {
            let what = format!("`every`: {:?} is no cron expression: {why}", every.value);
            sink.fault(&every.place, what, AGAIN);
            return None;
        }
    };
    let recurrence = Recurrence {
        written: every.value,
        cron,
        zone,
        duration_ms: duration?,
    };
    let last = Time(253_402_300_799_000);
    Some((
        starts.unwrap_or(Time(0)),
        ends.unwrap_or(last),
        Some(recurrence),
    ))
}

fn wall(
    table: &Table<'_>,
    reading: &Reading<'_>,
    key: &'static str,
    zone: Tz,
    need: bool,
) -> Option<Time> {
    let said: Said<String> = if need {
        table.need_text(key, "\"2026-12-01 22:00\"")?
    } else {
        table.text(key)?
    };
    let wall = NaiveDateTime::parse_from_str(&said.value, "%Y-%m-%d %H:%M");
    match wall {
        Ok(wall) => Some(instant(zone, wall)),
        Err(_) => {
            let what = format!("`{key}` cannot be {:?}: it is not a wall time", said.value);
            reading.sink.fault(&said.place, what, ONCE);
            None
        }
    }
}

/// `[silences]`: when their owners are reminded.
pub(super) fn reminders(top: &Table<'_>) -> ReminderRules {
    let mut rules = ReminderRules::default();
    let Some(table) = top.table("silences", "[silences]") else {
        return rules;
    };
    if let Some(ms) = table.duration_ms("remind-before", 60_000..=7 * 86_400_000) {
        rules.before_ms = ms;
    }
    if let Some(ms) = table.duration_ms("remind-every", 3_600_000..=90 * 86_400_000) {
        rules.long_ms = ms;
    }
    table.done();
    rules
}
