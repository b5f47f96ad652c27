//! `schedules/ID.toml`: layers, or the short form with one rotation.

use super::calendars::Calendars;
use super::folders::{Entry, Reading};
use super::reader::{Said, Table, nearest};
use super::settings::{parse_zone, zone};
use super::tree::{Kind, Node};
use super::{overrides, tree::Place};
use crate::core::directory::Person;
use crate::core::schedule::{
    Handoff, Layer, Listed, OnHolidays, Rotation, Schedule, Source, Version, Window, instant,
    parse_handoff,
};
use crate::core::time::Time;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Layers of one schedule, versions counted.
const LAYERS_MAX: usize = 200;
/// Turns of one rotation.
const TURNS_MAX: usize = 500;
/// Nobody's turn.
const NONE: &str = "none";

/// What reading a schedule needs besides its file.
pub(super) struct Near<'a> {
    pub reading: &'a Reading<'a>,
    pub calendars: &'a Calendars<'a>,
    pub people: &'a BTreeMap<String, Person>,
}

/// `schedules/ID.toml`.
pub(super) fn schedule(id: &str, table: Table<'_>, near: &Near<'_>) -> Option<Schedule> {
    let sink = near.reading.sink;
    let name = table
        .text("name")
        .map_or_else(|| id.to_owned(), |s| s.value);
    let zone = zone(&table, near.reading.zone);
    let holidays = table.text("holidays");
    let tables = table.tables("layers", "a layer");
    let short = ["handoff", "starts", "people"];
    let is_short = short.iter().any(|k| table.has(k)) || tables.is_empty();
    if is_short && !tables.is_empty() {
        let key = short
            .iter()
            .find(|k| table.has(k))
            .copied()
            .unwrap_or("handoff");
        let what = format!("the schedule {id} has both layers and a `{key}` of its own");
        sink.fault(
            &table.place_of(key),
            what,
            "move it into one of the [[layers]]",
        );
    }
    let clock = zone.unwrap_or(Tz::UTC);
    let holidays = holidays.map(|said| near.calendars.holidays(&said, clock, sink));
    let known = holidays.is_some();
    let mut schedule = Schedule {
        id: id.to_owned(),
        name,
        zone: clock,
        holidays: holidays.unwrap_or_default(),
        ..Schedule::default()
    };
    if is_short {
        let rotation = rotation(&table, near);
        let mut version = Version::of(clock, Source::Rotation(rotation?));
        version.shadows = near.reading.many(Entry::Person, &table, "shadow");
        schedule.layers = vec![Layer {
            name: "rotation".to_owned(),
            versions: vec![version],
        }];
    } else {
        let of = Of {
            near,
            zone: clock,
            known_holidays: known,
        };
        schedule.layers = layers(tables, &of);
    }
    overrides::temporary(&table, &mut schedule, near.reading);
    overrides::overrides(&table, &mut schedule, near.reading);
    table.done();
    zone.map(|_| schedule)
}

/// What layers have in common.
struct Of<'a> {
    near: &'a Near<'a>,
    zone: Tz,
    known_holidays: bool,
}

/// Tables with one name are the versions of one layer.
fn layers(tables: Vec<Table<'_>>, of: &Of<'_>) -> Vec<Layer> {
    let sink = of.near.reading.sink;
    let mut layers: Vec<Layer> = Vec::new();
    for (n, table) in tables.into_iter().enumerate() {
        if n == LAYERS_MAX {
            let what = format!("the schedule has more than {LAYERS_MAX} layers");
            sink.fault(&table.place, what, "remove versions that ended long ago");
        }
        let name = table.need_text("name", "\"weekdays\"");
        let place = table.place.clone();
        let versions = version(table, of);
        let Some(name) = name else {
            continue;
        };
        for (level, version) in versions {
            // A calendar with levels makes a layer of each.
            let name = match level {
                Some(level) => format!("{} level {level}", name.value),
                None => name.value.clone(),
            };
            add(&mut layers, name, version, &place, sink);
        }
    }
    for layer in &mut layers {
        layer.versions.sort_by_key(|v| v.from);
    }
    layers
}

fn add(
    layers: &mut Vec<Layer>,
    name: String,
    version: Version,
    place: &Place,
    sink: &super::reader::Sink,
) {
    match layers.iter_mut().find(|l| l.name == name) {
        Some(layer) => {
            if layer.versions.iter().any(|v| v.from == version.from) {
                let what =
                    format!("two layers are called {name} and begin to count at the same time");
                let fix = "rename one, or give one effective-from = \"2026-06-01 09:00\" to make it a later version";
                sink.fault(place, what, fix);
            }
            layer.versions.push(version);
        }
        None => layers.push(Layer {
            name,
            versions: vec![version],
        }),
    }
}

/// One `[[layers]]` table: a version, or several when a calendar has levels.
fn version(table: Table<'_>, of: &Of<'_>) -> Vec<(Option<i32>, Version)> {
    let reading = of.near.reading;
    let said_zone = table.text("zone");
    let zone = said_zone.and_then(|said| parse_zone(&table, &said));
    let zone = zone.unwrap_or(of.zone);
    let level = table.int("level", -1000..=1000);
    let level = i32::try_from(level.unwrap_or(0)).unwrap_or(0);
    let from = table.text("effective-from");
    let from = from.and_then(|said| wall(&table, "effective-from", &said));
    let common = Version {
        from: from.map_or(Time(i64::MIN), |w| instant(zone, w)),
        level,
        windows: windows(&table),
        on_holidays: on_holidays(&table, of.known_holidays),
        shadows: reading.many(Entry::Person, &table, "shadow"),
        paged: table.flag("paged").unwrap_or(true),
        ..Version::of(zone, Source::Listed(Listed::default()))
    };
    let sources = match table.text("source") {
        Some(said) => of_calendar(&table, &said, &common, of.near),
        None => rotation(&table, of.near)
            .map(|r| (level, Source::Rotation(r)))
            .into_iter()
            .collect(),
    };
    table.done();
    let version = |(own, source)| {
        let version = Version {
            level: own,
            source,
            ..common.clone()
        };
        ((own != level).then_some(own), version)
    };
    sources.into_iter().map(version).collect()
}

/// The shifts of a calendar by level; one without any is a layer that never has anybody.
fn of_calendar(
    table: &Table<'_>,
    said: &Said<String>,
    common: &Version,
    near: &Near<'_>,
) -> Vec<(i32, Source)> {
    let sink = near.reading.sink;
    for key in ["handoff", "starts", "people", "count"] {
        if table.get(key).is_some() {
            let what =
                format!("a layer with a `source` has no `{key}`: the calendar says who is when");
            sink.fault(&table.place_of(key), what, "remove one of the two");
        }
    }
    let (zone, level) = (common.zone, common.level);
    let shifts = near.calendars.shifts(said, zone, level, near.people, sink);
    let listed = shifts.into_iter().map(|(l, s)| (l, Source::Listed(s)));
    let mut sources: Vec<(i32, Source)> = listed.collect();
    if sources.is_empty() {
        sources.push((level, Source::Listed(Listed::default())));
    }
    sources
}

/// `handoff`, `starts`, `people` and `count`.
fn rotation(table: &Table<'_>, near: &Near<'_>) -> Option<Rotation> {
    let starts = table.need_text("starts", "\"2026-01-05 09:00\"");
    let starts = starts.and_then(|said| wall(table, "starts", &said));
    let handoff = handoff(table);
    let turns = turns(table, near);
    let count = table.int("count", 1..=20).unwrap_or(1);
    Some(Rotation {
        starts: starts?,
        handoff: handoff?,
        turns: turns?,
        count: usize::try_from(count).unwrap_or(1),
    })
}

/// A wall time of this century.
pub(super) fn wall(
    table: &Table<'_>,
    key: &'static str,
    said: &Said<String>,
) -> Option<NaiveDateTime> {
    let wall = NaiveDateTime::parse_from_str(&said.value, "%Y-%m-%d %H:%M").ok();
    let wall = wall.filter(|w| (2000..2200).contains(&chrono::Datelike::year(w)));
    if wall.is_none() {
        let what = format!(
            "`{key}` cannot be {:?}: it is not a wall time of this century",
            said.value
        );
        let fix = format!("write {key} = \"2026-01-05 09:00\", as the clock on the wall shows it");
        table.sink.fault(&said.place, what, fix);
    }
    wall
}

/// A word, a cron expression, or a list of lengths.
fn handoff(table: &Table<'_>) -> Option<Handoff> {
    const FIX: &str =
        "write handoff = \"weekly\", \"0 9 * * MON\" for Mondays at 09:00, or [\"4d\", \"3d\"]";
    let Some(node) = table.get("handoff") else {
        if !table.has("handoff") {
            table.missing("handoff", "\"0 9 * * MON\"");
        }
        return None;
    };
    let (place, read) = match &node.kind {
        Kind::List(_) => {
            let said = table.texts("handoff").unwrap_or_default();
            let lengths = said.iter().map(|s| s.value.as_str());
            (table.place_of("handoff"), Handoff::sequence(lengths))
        }
        _ => {
            let said = table.text("handoff")?;
            (said.place, parse_handoff(&said.value))
        }
    };
    match read {
        Ok(handoff) => Some(handoff),
        Err(why) => {
            let what = format!("`handoff`: {}", why.lines().next().unwrap_or_default());
            table.sink.fault(&place, what, FIX);
            None
        }
    }
}

/// `["ana", ["bo", "cy"], "none"]`: a person, a group, or nobody for each turn.
fn turns(table: &Table<'_>, near: &Near<'_>) -> Option<Vec<Vec<String>>> {
    let sink = near.reading.sink;
    let nobody = |what: String| {
        let fix = "add people = [\"ana\", \"bo\"] in order of their turns";
        sink.fault(&table.place_of("people"), what, fix);
        None
    };
    let Some(node) = table.get("people") else {
        return nobody("the rotation has no people, so nobody would ever be on call".to_owned());
    };
    let Kind::List(items) = &node.kind else {
        // Says what it must be.
        return table.texts("people").map(|_| Vec::new());
    };
    if items.len() > TURNS_MAX {
        return nobody(format!("the rotation has more than {TURNS_MAX} turns"));
    }
    let turns: Vec<Vec<String>> = items.iter().map(|item| group(item, near)).collect();
    if turns.iter().all(Vec::is_empty) {
        return nobody("the rotation has no people, so nobody would ever be on call".to_owned());
    }
    Some(turns)
}

fn group(item: &Node, near: &Near<'_>) -> Vec<String> {
    let one = |node: &Node| {
        let Kind::Text(id) = &node.kind else {
            let what = format!(
                "`people` has {} where a person's id belongs",
                node.kind.words()
            );
            let fix = "write people = [\"ana\", [\"bo\", \"cy\"], \"none\"]";
            near.reading.sink.fault(&node.place, what, fix);
            return None;
        };
        if id == NONE {
            return None;
        }
        let said = Said {
            value: id.clone(),
            place: node.place.clone(),
        };
        near.reading.mention(Entry::Person, "people", &said);
        Some(id.clone())
    };
    match &item.kind {
        Kind::List(items) => items.iter().filter_map(one).collect(),
        _ => one(item).into_iter().collect(),
    }
}

/// `hours = ["mon-fri 09:00-17:00"]`.
fn windows(table: &Table<'_>) -> Vec<Window> {
    let said = table.texts("hours").unwrap_or_default();
    let mut windows = Vec::new();
    for s in said {
        match Window::parse(&s.value) {
            Ok(window) => windows.push(window),
            Err(why) => table.sink.fault(
                &s.place,
                format!("`hours`: {why}"),
                "write hours = [\"mon-fri 09:00-17:00\", \"sat,sun\", \"22:00-06:00\"]",
            ),
        }
    }
    windows
}

fn on_holidays(table: &Table<'_>, known: bool) -> OnHolidays {
    let Some(said) = table.text("holidays") else {
        return OnHolidays::Also;
    };
    let rule = match said.value.as_str() {
        "only" => OnHolidays::Only,
        "never" => OnHolidays::Never,
        "also" => OnHolidays::Also,
        other => {
            let fix = nearest(other, ["only", "never", "also"].into_iter()).map_or_else(
                || "write holidays = \"only\" or \"never\"".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let what = format!("`holidays` of a layer cannot be {other:?}");
            table.sink.fault(&said.place, what, fix);
            return OnHolidays::Also;
        }
    };
    if rule != OnHolidays::Also && !known {
        let what = "this layer goes by holidays, and the schedule names none";
        let fix = "add holidays = \"holidays.ics\" at the top of the file";
        table.sink.fault(&said.place, what, fix);
    }
    rule
}
