//! Who is on call: the engine against plain definitions, and every case that people get wrong.

mod calendars;
mod edges;
mod fairness;
mod film;
mod gaps;
mod layers;
mod overrides;
mod rotations;
mod windows;
mod zones;

use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use firebell::core::schedule::{
    Layer, Listed, Override, Rotation, Schedule, Shift, Source, Temporary, Version, Window,
    parse_handoff,
};
use firebell::core::time::Time;

fn at(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap_or_else(|| panic!("{text} is RFC 3339"))
}

fn wall(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A rotation of one-letter people, one per turn: `abc`; `-` is nobody's turn.
fn turns(letters: &str) -> Vec<Vec<String>> {
    letters
        .chars()
        .map(|c| match c {
            '-' => Vec::new(),
            c => vec![c.to_string()],
        })
        .collect()
}

fn rotation(handoff: &str, starts: &str, letters: &str) -> Rotation {
    Rotation {
        starts: wall(starts),
        handoff: parse_handoff(handoff).unwrap(),
        turns: turns(letters),
        count: 1,
    }
}

/// The version of a layer, from which tests change what they are about.
fn version(zone: Tz, handoff: &str, starts: &str, letters: &str) -> Version {
    Version::of(zone, Source::Rotation(rotation(handoff, starts, letters)))
}

fn layer(name: &str, versions: Vec<Version>) -> Layer {
    Layer {
        name: name.to_owned(),
        versions,
    }
}

fn schedule(zone: Tz, layers: Vec<Layer>) -> Schedule {
    Schedule {
        id: "web".to_owned(),
        name: "Web".to_owned(),
        zone,
        layers,
        ..Schedule::default()
    }
}

/// One layer.
fn simple(zone: Tz, handoff: &str, starts: &str, letters: &str) -> Schedule {
    let version = version(zone, handoff, starts, letters);
    schedule(zone, vec![layer("rotation", vec![version])])
}

/// One layer within windows.
fn within(zone: Tz, handoff: &str, starts: &str, letters: &str, windows: &[&str]) -> Schedule {
    let mut version = version(zone, handoff, starts, letters);
    version.windows = windows.iter().map(|w| Window::parse(w).unwrap()).collect();
    schedule(zone, vec![layer("rotation", vec![version])])
}

/// `a>b` b covers a, `+b` b is added, `-a` a is taken off; made `age` milliseconds after the epoch.
fn over(what: &str, since: &str, until: &str, age: i64) -> Override {
    let (remove, add) = match (
        what.split_once('>'),
        what.strip_prefix('+'),
        what.strip_prefix('-'),
    ) {
        (Some((remove, add)), ..) => (Some(remove), Some(add)),
        (_, Some(add), _) => (None, Some(add)),
        (_, _, Some(remove)) => (Some(remove), None),
        _ => panic!("{what} is no override"),
    };
    Override {
        id: format!("{what} {age}"),
        remove: remove.map(str::to_owned),
        add: add.map(str::to_owned),
        since: at(since),
        until: at(until),
        by: "lea".to_owned(),
        created: Time(age),
        note: String::new(),
    }
}

fn listed(shifts: &[(&str, &str, &str)]) -> Listed {
    let one = |(people, since, until): &(&str, &str, &str)| Shift {
        since: at(since),
        until: at(until),
        people: people.chars().map(|c| c.to_string()).collect(),
        title: "".into(),
    };
    shifts.iter().map(one).collect()
}

fn temporary(since: &str, until: &str, shifts: &[(&str, &str, &str)]) -> Temporary {
    Temporary {
        name: "holiday roster".to_owned(),
        since: at(since),
        until: at(until),
        shifts: listed(shifts),
    }
}

/// Who is on call, sorted, as one word: `ab`; nobody is `-`.
fn who(schedule: &Schedule, when: &str) -> String {
    named(schedule.on_call(at(when)).people)
}

fn named(mut people: Vec<String>) -> String {
    people.sort();
    if people.is_empty() {
        "-".to_owned()
    } else {
        people.concat()
    }
}

/// The shifts of a span: `a 2026-03-02T08:00Z/2026-03-09T08:00Z`.
fn rendered(schedule: &Schedule, from: &str, until: &str) -> Vec<String> {
    let short = |t: Time| t.utc().format("%m-%dT%H:%MZ").to_string();
    let shifts = schedule.shifts(at(from), at(until));
    let line = |t: firebell::core::schedule::Turn| {
        format!("{} {}/{}", named(t.people), short(t.since), short(t.until))
    };
    shifts.into_iter().map(line).collect()
}
