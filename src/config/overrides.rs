//! `[[temporary]]` and `[[overrides]]` of a schedule's file.

use super::folders::{Entry, Reading};
use super::reader::Table;
use super::schedule::wall;
use crate::core::schedule::{Override, Schedule, Shift, Temporary, check_override, instant};
use crate::core::time::Time;
use chrono_tz::Tz;

/// Shifts of one temporary schedule.
const SHIFTS_MAX: usize = 1000;

/// `from` and `until` on the schedule's wall clock.
fn span(table: &Table<'_>, zone: Tz) -> Option<(Time, Time)> {
    let at = |key: &'static str, example: &str| {
        let said = table.need_text(key, example)?;
        wall(table, key, &said).map(|w| instant(zone, w))
    };
    let since = at("from", "\"2026-12-24 09:00\"");
    let until = at("until", "\"2026-12-27 09:00\"");
    let (since, until) = (since?, until?);
    if since >= until {
        let what = "`until` is not after `from`";
        let fix = "write the end of the span, later than its beginning";
        table.sink.fault(&table.place_of("until"), what, fix);
        return None;
    }
    Some((since, until))
}

/// Temporary schedules: a span in which only the given shifts count.
pub(super) fn temporary(table: &Table<'_>, schedule: &mut Schedule, reading: &Reading<'_>) {
    let zone = schedule.zone;
    for table in table.tables("temporary", "a temporary schedule") {
        let name = table
            .text("name")
            .map_or_else(|| "temporary schedule".to_owned(), |s| s.value);
        let whole = span(&table, zone);
        let tables = table.tables("shifts", "a shift");
        let mut shifts = Vec::new();
        for (n, shift) in tables.into_iter().enumerate() {
            if n == SHIFTS_MAX {
                let what = format!("{name} has more than {SHIFTS_MAX} shifts");
                reading
                    .sink
                    .fault(&shift.place, what, "a rotation says it shorter");
            }
            let people = reading.many(Entry::Person, &shift, "people");
            if shift.no_items("people") {
                let fix = "name people, or leave the shift out: a hole means nobody";
                reading
                    .sink
                    .fault(&shift.place, "this shift has no people", fix);
            }
            let within = span(&shift, zone);
            if let (Some((since, until)), Some(whole)) = (within, whole) {
                if since < whole.0 || whole.1 < until {
                    let what = format!(
                        "this shift is not within {name}, which lasts until {}",
                        schedule.local(whole.1)
                    );
                    reading
                        .sink
                        .fault(&shift.place, what, "cut the shift or widen the span");
                }
                shifts.push(Shift {
                    since,
                    until,
                    people: people.into(),
                    title: "".into(),
                });
            }
            shift.done();
        }
        if let Some((since, until)) = whole {
            let overlaps = |t: &&Temporary| t.since < until && since < t.until;
            if let Some(other) = schedule.temporary.iter().find(overlaps) {
                let what = format!("{name} overlaps with {}", other.name);
                reading
                    .sink
                    .fault(&table.place, what, "end one before the other begins");
            }
            schedule.temporary.push(Temporary {
                name,
                since,
                until,
                shifts: shifts.into_iter().collect(),
            });
        }
        table.done();
    }
}

/// Overrides that are kept in files: older than any that people make while firebell runs, unless
/// `created` says when; of two in a file the later one counts as newer.
pub(super) fn overrides(table: &Table<'_>, schedule: &mut Schedule, reading: &Reading<'_>) {
    let zone = schedule.zone;
    for (n, table) in table
        .tables("overrides", "an override")
        .into_iter()
        .enumerate()
    {
        let person = |key: &'static str| {
            let said = table.text(key)?;
            reading.mention(Entry::Person, key, &said);
            Some(said.value)
        };
        let (add, remove) = (person("add"), person("remove"));
        let span = span(&table, zone);
        let id = table
            .text("id")
            .map_or_else(|| format!("file-{}", n + 1), |s| s.value);
        let by = table
            .text("by")
            .map_or_else(|| format!("schedules/{}.toml", schedule.id), |s| s.value);
        let note = table.text("note").map_or_else(String::new, |s| s.value);
        let created = table.text("created");
        let created = created.and_then(|said| wall(&table, "created", &said));
        let order = Time(i64::try_from(n).unwrap_or(i64::MAX));
        let created = created.map_or(order, |w| instant(zone, w));
        let place = table.place.clone();
        table.done();
        let Some((since, until)) = span else {
            continue;
        };
        let new = Override {
            id,
            remove,
            add,
            since,
            until,
            by,
            created,
            note,
        };
        if schedule.overrides.iter().any(|o| o.id == new.id) {
            let what = format!("two overrides have the id {}", new.id);
            reading.sink.fault(&place, what, "give each its own");
        }
        match check_override(schedule, &new) {
            Ok(warnings) => {
                for warning in warnings {
                    reading.sink.warn(
                        &place,
                        warning,
                        "remove the override, or change whom it is for",
                    );
                }
                schedule.overrides.push(new);
            }
            Err(why) => {
                let fix = "write add, remove or both, with from and until";
                reading.sink.fault(&place, why, fix);
            }
        }
    }
}
