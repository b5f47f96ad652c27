//! The timeline: the journal read aloud, one calm sentence per event.
//!
//! Promises: every event has a sentence, in the past tense, that says why and blames nobody; the
//! same journal gives the same words for ever, because every name in them comes from the journal
//! and never from today's configuration. Text from alerts and people is passed on as it is:
//! whoever shows it escapes it.

mod asked;
mod changes;
mod conduct;
mod runs;
mod sentence;
mod talk;
mod told;

pub use runs::outcome;
pub use sentence::sentence;

use super::alert::AlertRef;
use super::id::{Actor, RunId, Seq, Severity};
use super::incident::{Event, Origin, Record, Redacted};
use super::time::Time;
use chrono::{TimeZone, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use std::collections::BTreeMap;

/// How the ids and numbers in events read, learned from the events themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    severities: BTreeMap<Severity, String>,
    people: BTreeMap<String, String>,
    runs: BTreeMap<RunId, String>,
    zone: Option<Tz>,
}

impl Names {
    /// Learned from a whole journal.
    #[must_use]
    pub fn of(journal: &[Record]) -> Names {
        let mut names = Names::default();
        for record in journal {
            names.learn(&record.event);
        }
        names
    }

    /// Times inside sentences are shown in this zone; `None`: UTC.
    #[must_use]
    pub fn in_zone(mut self, zone: Option<Tz>) -> Names {
        self.zone = zone;
        self
    }

    /// Remembers the names one event tells.
    pub fn learn(&mut self, event: &Event) {
        if let Some(by) = by(event) {
            self.meet(by);
        }
        match event {
            Event::Opened {
                severity,
                severity_name,
                ..
            } => self.name_severity(*severity, severity_name),
            Event::SeverityChanged { to, to_name, .. } => self.name_severity(*to, to_name),
            Event::Paged { people, .. }
            | Event::CatchAll { people, .. }
            | Event::Reminded { people, .. } => {
                for p in people {
                    self.people.insert(p.id.clone(), p.name.clone());
                }
            }
            Event::LeadChanged { lead, .. } => self.meet(lead),
            Event::Conduct(event) => {
                event.named().for_each(|who| self.meet(who));
            }
            Event::RunAsked { run, title, .. } => self.name_run(*run, title),
            _ => {}
        }
    }

    /// Remembers what a person is called.
    pub fn meet(&mut self, actor: &Actor) {
        if let Actor::Person { id, name } = actor {
            self.people.insert(id.clone(), name.clone());
        }
    }

    /// Remembers what a run is about.
    pub fn name_run(&mut self, run: RunId, title: &str) {
        self.runs.insert(run, title.to_owned());
    }

    /// Remembers what a severity is called.
    pub fn name_severity(&mut self, severity: Severity, name: &str) {
        self.severities.insert(severity, name.to_owned());
    }

    /// The name of a severity, if the journal tells it.
    #[must_use]
    pub fn severity(&self, severity: Severity) -> Option<&str> {
        self.severities.get(&severity).map(String::as_str)
    }

    /// The name of a person, else the id.
    #[must_use]
    pub fn person<'a>(&'a self, id: &'a str) -> &'a str {
        self.people.get(id).map_or(id, String::as_str)
    }

    /// `run-3 “Restart checkout”`.
    #[must_use]
    pub fn run(&self, run: RunId) -> String {
        self.runs
            .get(&run)
            .map_or_else(|| run.to_string(), |title| format!("{run} “{title}”"))
    }

    /// `22 Nov 14:03 UTC`.
    #[must_use]
    pub fn time(&self, at: Time) -> String {
        format(at, self.zone, "%-d %b %H:%M %Z")
    }
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The event it tells.
    pub seq: Seq,
    /// When it happened; timelines are in this order.
    pub happened_at: Time,
    /// When firebell recorded it.
    pub recorded_at: Time,
    /// Name of whoever did it: a person, a source, a token, `firebell`.
    pub actor: String,
    /// `Event::kind`, or `detected` for the begin of the first alert.
    pub kind: &'static str,
    /// The sentence; plain text, not escaped.
    pub text: String,
    /// What it rests on: the event's number and its cause.
    pub source: String,
}

/// The timeline of a journal, by when things happened, then in the order they were recorded.
#[must_use]
pub fn entries(journal: &[Record]) -> Vec<Entry> {
    let names = Names::of(journal);
    let mut entries: Vec<Entry> = Vec::with_capacity(journal.len() + 1);
    for record in journal {
        entries.extend(detected(record));
        if matches!(record.event, Event::Preceded { .. }) {
            entries.extend(changes::entries(record));
            continue;
        }
        entries.push(Entry {
            seq: record.seq,
            happened_at: happened_at(record),
            recorded_at: record.at,
            actor: who(&record.event),
            kind: record.event.kind(),
            text: sentence(&record.event, &names),
            source: citation(record),
        });
    }
    talk::fates(journal, &mut entries);
    // Stable: the begin of an alert stays before the opening it led to.
    entries.sort_by_key(|e| (e.happened_at, e.seq));
    entries
}

/// When it happened: for a note the time its author gave.
#[must_use]
pub fn happened_at(record: &Record) -> Time {
    match &record.event {
        Event::Noted {
            happened_at: Some(at),
            ..
        } => *at,
        Event::Conduct(event) => event.happened_at().unwrap_or(record.at),
        Event::Kept(kept) => kept.written_at,
        _ => record.at,
    }
}

/// The begin of the first alert, by its sender's clock. A clock that runs ahead is not believed.
fn detected(record: &Record) -> Option<Entry> {
    let Event::Opened { alerts, .. } = &record.event else {
        return None;
    };
    let first = alerts.iter().min_by_key(|a| a.starts_at)?;
    (first.starts_at <= record.at).then(|| Entry {
        seq: record.seq,
        happened_at: first.starts_at,
        recorded_at: record.at,
        actor: first.source.clone(),
        kind: "detected",
        text: format!("{} began, by the clock of {}.", first.name, first.source),
        source: alert_citation(first),
    })
}

fn alert_citation(alert: &AlertRef) -> String {
    format!(
        "{} from {}, fingerprint {}",
        alert.id, alert.source, alert.fingerprint
    )
}

/// `event 7, click:8f3a`; a message also names where it was written.
#[must_use]
pub fn citation(record: &Record) -> String {
    let mut words = format!("event {}", record.seq);
    if !record.cause.is_empty() {
        words.push_str(", ");
        words.push_str(&record.cause);
    }
    if let Event::Spoke {
        platform, message, ..
    }
    | Event::Reworded {
        platform, message, ..
    }
    | Event::Unsaid {
        platform, message, ..
    } = &record.event
    {
        words.push_str(&format!(", {platform} message {message}"));
    }
    if let Event::Kept(kept) = &record.event {
        words.push_str(&format!(", {} message {}", kept.platform, kept.message));
    }
    if let Event::Attached(file) = &record.event {
        words.push_str(&format!(
            ", {} message {}, sha256 {}",
            file.platform, file.message, file.sha256
        ));
    }
    words
}

/// Who an event says did it; `None`: firebell itself, by a rule, or an alert source.
#[must_use]
pub fn by(event: &Event) -> Option<&Actor> {
    match event {
        Event::Updated(update) => Some(&update.by),
        Event::CadenceSet(set) => Some(&set.by).filter(|by| **by != Actor::Firebell),
        Event::Opened {
            origin: Origin::Declared { by },
            ..
        }
        | Event::Acknowledged { by }
        | Event::AckCounted { by, .. }
        | Event::LadderChanged { by, .. }
        | Event::Snoozed { by, .. }
        | Event::Unacknowledged { by }
        | Event::Reopened { by }
        | Event::Reassigned { by, .. }
        | Event::Merged { by, .. }
        | Event::Absorbed { by, .. }
        | Event::Resolved { by, .. }
        | Event::SeverityChanged { by, .. }
        | Event::Promoted { by, .. }
        | Event::LeadChanged { by, .. }
        | Event::Noted { by, .. }
        | Event::Spoke { by, .. }
        | Event::Reworded { by, .. }
        | Event::Unsaid { by, .. }
        | Event::Joined { by, .. }
        | Event::Left { by, .. }
        | Event::RunAsked { by, .. }
        | Event::RunApproved { by, .. }
        | Event::RunCancelAsked { by, .. }
        | Event::RunSettled { by, .. }
        | Event::RunRejected { by, .. }
        | Event::Redacted(Redacted { by, .. })
        | Event::RoomRetried { by } => Some(by),
        Event::Retitled(e) => Some(&e.by),
        Event::Archived(e) => Some(&e.by),
        Event::Unkept(e) => Some(&e.by),
        Event::Kept(kept) => Some(&kept.by),
        Event::Attached(file) => Some(&file.by),
        Event::FileRefused(file) => Some(&file.by),
        Event::Hidden(e) => Some(&e.by),
        Event::Revealed(e) => Some(&e.by),
        Event::Invited(e) => Some(&e.by),
        Event::DrillSet(e) => Some(&e.by),
        Event::TypeSet(e) => Some(&e.by),
        Event::Related(e) => Some(&e.by),
        Event::Unrelated(e) => Some(&e.by),
        Event::ParentSet(e) => Some(&e.by),
        Event::ChildSet(e) => Some(&e.by),
        Event::Conduct(event) => event.by(),
        _ => None,
    }
}

fn who(event: &Event) -> String {
    match event {
        Event::Opened {
            origin: Origin::Alert { source },
            ..
        } => source.clone(),
        Event::Fired { alerts } => {
            let mut sources: Vec<&str> = alerts.iter().map(|a| a.source.as_str()).collect();
            sources.sort_unstable();
            sources.dedup();
            super::text::list(&sources)
        }
        _ => by(event).map_or("firebell", Actor::name).to_owned(),
    }
}

/// An instant in a zone (`None`: UTC) by a `chrono` format. The ends of the calendar are `never`.
#[must_use]
pub fn format(at: Time, zone: Option<Tz>, pattern: &str) -> String {
    // Year 9999: beyond it no sender's clock means anything, and a zone's offset could overflow.
    const LAST_MS: i64 = 253_402_300_799_999;
    if at.0.unsigned_abs() > LAST_MS.unsigned_abs() {
        return "never".to_owned();
    }
    let utc = at.utc().naive_utc();
    match zone {
        Some(zone) => zone.from_utc_datetime(&utc).format(pattern).to_string(),
        None => Utc.from_utc_datetime(&utc).format(pattern).to_string(),
    }
}
