//! `tests/*.toml` beside the configuration: rehearsals of policies, for `firebell test`.

use super::Fault;
use super::reader::{Said, Sink, Table, nearest};
use super::tree::parse;
use crate::core::alert::Labels;
use crate::core::directory::Directory;
use crate::core::rehearse::{Deed, Line, Rehearsal};
use crate::core::schedule::parse_at;
use crate::core::time::Time;
use chrono_tz::Tz;
use std::path::Path;
use std::sync::Arc;

/// A day: longer than any ladder people climb.
const UNTIL_MS: i64 = 86_400_000;
/// The longest look ahead.
const UNTIL_MAX_MS: i64 = 31 * 86_400_000;

/// A rehearsal and the line of its file it begins in.
#[derive(Clone, Debug)]
pub struct Written {
    /// What it says.
    pub rehearsal: Rehearsal,
    /// Counted from 1.
    pub line: usize,
}

/// Reads one file of rehearsals. People must be in the directory.
///
/// # Errors
/// Every fault, by line.
pub fn rehearsals(
    text: &str,
    file: &Path,
    directory: &Directory,
) -> Result<Vec<Written>, Vec<Fault>> {
    let sink = Sink::default();
    let found = read(text, file, directory, &sink).unwrap_or_default();
    let (faults, _) = sink.into_parts();
    if faults.is_empty() {
        Ok(found)
    } else {
        Err(faults)
    }
}

fn read(text: &str, file: &Path, directory: &Directory, sink: &Sink) -> Option<Vec<Written>> {
    let node = parse(text, &Arc::from(file), sink)?;
    let top = Table::open(&node, "a file of tests", sink)?;
    let tests = top.tables("test", "[[test]]");
    if tests.is_empty() {
        sink.fault(
            &top.place,
            "there is no test in this file",
            "write [[test]] with name, at, labels and expect",
        );
    }
    let found = tests.into_iter().filter_map(|t| one(t, directory));
    let found = found.collect();
    top.done();
    Some(found)
}

fn one(table: Table<'_>, directory: &Directory) -> Option<Written> {
    let line = table.place.line;
    let name = table.need_text("name", "\"a critical alert wakes the primary\"");
    let at = table
        .need_text("at", "\"2026-03-29T02:30:00+01:00\"")
        .and_then(|said| instant(&said, directory, table.sink));
    let labels = labels(&table, "labels");
    if labels.is_empty() {
        table.missing(
            "labels",
            "{ alertname = \"Down\", severity = \"critical\" }",
        );
    }
    let expect = lines(&table);
    let acts = acts(&table, directory);
    let broken = broken(&table, directory);
    let woken = table.texts("woken").unwrap_or_default();
    let known = |said: &Said<String>| person("woken", &said.value, said, directory, table.sink);
    let woken = woken.iter().filter_map(known).collect();
    let until_ms = table.duration_ms("until", 1000..=UNTIL_MAX_MS);
    let annotations = self::labels(&table, "annotations");
    table.done();
    Some(Written {
        line,
        rehearsal: Rehearsal {
            name: name?.value,
            at: at?,
            labels,
            annotations,
            acts,
            broken,
            woken,
            until_ms: until_ms.unwrap_or(UNTIL_MS),
            expect,
        },
    })
}

fn instant(said: &Said<String>, directory: &Directory, sink: &Sink) -> Option<Time> {
    let zone = directory.zone.unwrap_or(Tz::UTC);
    // A bare clock time would mean another day tomorrow.
    let dated = said.value.contains('-');
    match parse_at(&said.value, zone, Time(0)) {
        Ok(at) if dated => Some(at),
        _ => {
            let what = format!("`at` cannot be {:?}", said.value);
            let fix = "write at = \"2026-03-29T02:30:00+01:00\", or \"2026-03-29 02:30\" on the configured zone's clock";
            sink.fault(&said.place, what, fix);
            None
        }
    }
}

fn labels(table: &Table<'_>, key: &'static str) -> Labels {
    let said = table.map(key).into_iter();
    said.map(|(name, value)| (name, value.value)).collect()
}

fn lines(table: &Table<'_>) -> Vec<Line> {
    if table.no_items("expect") {
        table.missing("expect", "[\"0s page ana by console\"]");
    }
    let mut lines = Vec::new();
    for said in table.texts("expect").unwrap_or_default() {
        match Line::parse(&said.value) {
            Ok(line) => lines.push(line),
            Err(why) => {
                let what = format!("`expect`: {why}");
                let fix = "write what must happen, one line each";
                table.sink.fault(&said.place, what, fix);
            }
        }
    }
    lines
}

/// What a verb of a rehearsal makes of a person.
fn deed(verb: &str) -> Option<fn(String) -> Deed> {
    match verb {
        "ack" => Some(Deed::Acknowledge),
        "resolve" => Some(Deed::Resolve),
        "escalate" => Some(Deed::Escalate),
        _ => None,
    }
}

/// `acts = ["7m ack bo", "20m resolve ana"]`, by time.
fn acts(table: &Table<'_>, directory: &Directory) -> Vec<(i64, Deed)> {
    let mut acts = Vec::new();
    for said in table.texts("acts").unwrap_or_default() {
        let words: Vec<&str> = said.value.split_whitespace().collect();
        let read = match words.as_slice() {
            [after, verb, id] => crate::core::time::parse_duration_ms(after)
                .ok()
                .zip(deed(verb))
                .map(|(after, make)| (after, make, *id)),
            _ => None,
        };
        let Some((after, make, id)) = read else {
            let what = format!("`acts` cannot be {:?}", said.value);
            let fix = "write \"7m ack bo\"; the verbs are ack, resolve and escalate";
            table.sink.fault(&said.place, what, fix);
            continue;
        };
        if let Some(id) = person("acts", id, &said, directory, table.sink) {
            acts.push((after, make(id)));
        }
    }
    acts.sort_by_key(|(after, _)| *after);
    acts
}

/// `broken = ["ana/phone"]`.
fn broken(table: &Table<'_>, directory: &Directory) -> Vec<(String, String)> {
    let mut broken = Vec::new();
    for said in table.texts("broken").unwrap_or_default() {
        let Some((id, contact)) = said.value.split_once('/') else {
            let what = format!("`broken` cannot be {:?}", said.value);
            let fix = "write \"ana/phone\": a person and one of their contacts";
            table.sink.fault(&said.place, what, fix);
            continue;
        };
        let Some(id) = person("broken", id, &said, directory, table.sink) else {
            continue;
        };
        let contacts = &directory.people[&id].contacts;
        if contacts.iter().any(|c| c.name == contact) {
            broken.push((id, contact.to_owned()));
        } else {
            let names: Vec<&str> = contacts.iter().map(|c| c.name.as_str()).collect();
            let what = format!("`broken`: {id} has no contact {contact:?}");
            let fix = format!("name one of {}", names.join(", "));
            table.sink.fault(&said.place, what, fix);
        }
    }
    broken
}

fn person(
    key: &str,
    id: &str,
    said: &Said<String>,
    directory: &Directory,
    sink: &Sink,
) -> Option<String> {
    if directory.people.contains_key(id) {
        return Some(id.to_owned());
    }
    let fix = nearest(id, directory.people.keys().map(String::as_str)).map_or_else(
        || "name somebody of people/".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    let what = format!("`{key}` names the person {id:?}, who does not exist");
    sink.fault(&said.place, what, fix);
    None
}
