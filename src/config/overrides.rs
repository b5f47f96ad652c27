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
    let sink = reading.sink;
    for table in table.tables("temporary", "a temporary schedule") {
        let name = table.text("name").map(|s| s.value);
        let name = name.unwrap_or_else(|| "temporary schedule".to_owned());
        let span = span(&table, schedule.zone);
        let tables = table.tables("shifts", "a shift");
        if tables.len() > SHIFTS_MAX {
            let what = format!("{name} has more than {SHIFTS_MAX} shifts");
            sink.fault(&table.place, what, "a rotation says it shorter");
        }
        let within = Within {
            name: &name,
            span,
            schedule,
            reading,
        };
        let shifts = tables.into_iter().filter_map(|t| within.shift(t)).collect();
        if let Some((since, until)) = span {
            let overlaps = |t: &&Temporary| t.since < until && since < t.until;
            if let Some(other) = schedule.temporary.iter().find(overlaps) {
                let what = format!("{name} overlaps with {}", other.name);
                sink.fault(&table.place, what, "end one before the other begins");
            }
            schedule.temporary.push(Temporary {
                name,
                since,
                until,
                shifts,
            });
        }
        table.done();
    }
}

/// The temporary schedule a shift is in.
struct Within<'a> {
    name: &'a str,
    span: Option<(Time, Time)>,
    schedule: &'a Schedule,
    reading: &'a Reading<'a>,
}

impl Within<'_> {
    fn shift(&self, table: Table<'_>) -> Option<Shift> {
        let sink = self.reading.sink;
        let people = self.reading.many(Entry::Person, &table, "people");
        if table.no_items("people") {
            let fix = "name people, or leave the shift out: a hole means nobody";
            sink.fault(&table.place, "this shift has no people", fix);
        }
        let own = span(&table, self.schedule.zone);
        let place = table.place.clone();
        table.done();
        let ((since, until), whole) = (own?, self.span?);
        if since < whole.0 || whole.1 < until {
            let (name, end) = (self.name, self.schedule.local(whole.1));
            let what = format!("this shift is not within {name}, which lasts until {end}");
            sink.fault(&place, what, "cut the shift or widen the span");
        }
        Some(Shift {
            since,
            until,
            people: people.into(),
            title: "".into(),
        })
    }
}

/// Overrides that are kept in files: older than any that people make while firebell runs, unless
/// `created` says when; of two in a file the later one counts as newer.
pub(super) fn overrides(table: &Table<'_>, schedule: &mut Schedule, reading: &Reading<'_>) {
    for (n, table) in table
        .tables("overrides", "an override")
        .into_iter()
        .enumerate()
    {
        let place = table.place.clone();
        let Some(new) = one(n, table, schedule, reading) else {
            continue;
        };
        if schedule.overrides.iter().any(|o| o.id == new.id) {
            let what = format!("two overrides have the id {}", new.id);
            reading.sink.fault(&place, what, "give each its own");
        }
        match check_override(schedule, &new) {
            Ok(warnings) => {
                for warning in warnings {
                    let fix = "remove the override, or change whom it is for";
                    reading.sink.warn(&place, warning, fix);
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

/// The n-th override of a file.
fn one(n: usize, table: Table<'_>, schedule: &Schedule, reading: &Reading<'_>) -> Option<Override> {
    let zone = schedule.zone;
    let person = |key: &'static str| {
        let said = table.text(key)?;
        reading.mention(Entry::Person, key, &said);
        Some(said.value)
    };
    let (add, remove) = (person("add"), person("remove"));
    let span = span(&table, zone);
    let text = |key: &'static str, default: String| table.text(key).map_or(default, |s| s.value);
    let id = text("id", format!("file-{}", n + 1));
    let by = text("by", format!("schedules/{}.toml", schedule.id));
    let note = text("note", String::new());
    let created = table.text("created");
    let created = created.and_then(|said| wall(&table, "created", &said));
    let order = Time(i64::try_from(n).unwrap_or(i64::MAX));
    let created = created.map_or(order, |w| instant(zone, w));
    table.done();
    let (since, until) = span?;
    Some(Override {
        id,
        remove,
        add,
        since,
        until,
        by,
        created,
        note,
    })
}
