//! The lists of a postmortem: pages, responders, actions, conversation, alerts.

use super::parts::{ActionRun, AlertLine, Earlier, PageSent, Responder, Spoken, Stamp};
use crate::core::alert::AlertRef;
use crate::core::id::{Actor, RunId};
use crate::core::incident::{Event, PagedPerson, Record, Skipped, file_words};
use crate::core::stats;
use crate::core::text::count;
use crate::core::timeline::{self, Names, citation};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Every page, in the order it was decided.
pub(super) fn pages(journal: &[Record], zone: Option<Tz>) -> Vec<PageSent> {
    let mut pages: Vec<PageSent> = Vec::new();
    for record in journal {
        match &record.event {
            Event::Paged {
                people,
                skipped,
                why,
                ..
            }
            | Event::CatchAll {
                people,
                skipped,
                why,
                ..
            } => {
                pages.extend(people.iter().flat_map(|p| sent(record, p, why, zone)));
                pages.extend(skipped.iter().map(|s| not_sent(record, s, zone)));
            }
            Event::Chased {
                person,
                name,
                contacts,
                why,
                ..
            } => {
                let step = PagedPerson {
                    id: person.clone(),
                    name: name.clone(),
                    why: "a later step".to_owned(),
                    contacts: contacts.clone(),
                    later: Vec::new(),
                };
                pages.extend(sent(record, &step, why, zone));
            }
            Event::RungSkipped { skipped, .. } => {
                pages.extend(skipped.iter().map(|s| not_sent(record, s, zone)));
            }
            Event::PageDelivered {
                person,
                contact,
                attempts,
                ..
            } => {
                let detail = count(*attempts as usize, "attempt");
                settle(&mut pages, person, contact, "delivered", detail);
            }
            Event::PageFailed {
                person,
                contact,
                why,
            } => settle(&mut pages, person, contact, "failed", why.clone()),
            _ => {}
        }
    }
    pages
}

fn sent(record: &Record, person: &PagedPerson, why: &str, zone: Option<Tz>) -> Vec<PageSent> {
    let one = |contact: &String| PageSent {
        at: Stamp::of(record.at, zone),
        person: person.id.clone(),
        name: person.name.clone(),
        contact: contact.clone(),
        outcome: "unconfirmed".to_owned(),
        detail: String::new(),
        why: format!("{}; {why}", person.why),
        source: citation(record),
    };
    person.contacts.iter().map(one).collect()
}

fn not_sent(record: &Record, skipped: &Skipped, zone: Option<Tz>) -> PageSent {
    PageSent {
        at: Stamp::of(record.at, zone),
        person: skipped.who.clone(),
        name: skipped.who.clone(),
        contact: String::new(),
        outcome: "skipped".to_owned(),
        detail: skipped.why.clone(),
        why: String::new(),
        source: citation(record),
    }
}

/// The journal tells the end of a page by person and contact: it belongs to the oldest open one.
fn settle(pages: &mut [PageSent], person: &str, contact: &str, outcome: &str, detail: String) {
    let open = pages
        .iter_mut()
        .find(|p| p.outcome == "unconfirmed" && p.person == person && p.contact == contact);
    if let Some(page) = open {
        outcome.clone_into(&mut page.outcome);
        page.detail = detail;
    }
}

/// Everybody who did something or was paged, in the order they appear.
pub(super) fn responders(journal: &[Record], names: &Names, zone: Option<Tz>) -> Vec<Responder> {
    let mut out: Vec<(Responder, Vec<(&'static str, usize)>)> = Vec::new();
    for record in journal {
        if let Some(actor) = timeline::by(&record.event)
            && let Some(id) = identity(actor)
        {
            let at = place(&mut out, id, actor.name());
            let did = &mut out[at].1;
            let verb = verb(record.event.kind());
            match did.iter_mut().find(|(v, _)| *v == verb) {
                Some((_, n)) => *n += 1,
                None => did.push((verb, 1)),
            }
        }
        if let Event::Conduct(event) = &record.event {
            // Whoever was given something took part, whatever they did about it.
            for who in event.named() {
                if let Some(id) = identity(who) {
                    place(&mut out, id, who.name());
                }
            }
        }
        if let Event::Paged { people, .. } | Event::CatchAll { people, .. } = &record.event {
            let late = stats::out_of_hours(record.at, zone.unwrap_or(Tz::UTC));
            for p in people {
                let at = place(&mut out, &p.id, names.person(&p.id));
                out[at].0.pages += 1;
                out[at].0.out_of_hours += u32::from(late);
            }
        }
    }
    out.into_iter()
        .map(|(mut responder, did)| {
            responder.did = did.into_iter().map(times).collect();
            responder
        })
        .collect()
}

fn times((verb, n): (&'static str, usize)) -> String {
    match n {
        1 => verb.to_owned(),
        n => format!("{verb} {n} times"),
    }
}

fn identity(actor: &Actor) -> Option<&str> {
    match actor {
        Actor::Person { id, .. } | Actor::Unlinked { id, .. } => Some(id),
        Actor::Token { name } => Some(name),
        Actor::Firebell | Actor::Source { .. } => None,
    }
}

fn place(out: &mut Vec<(Responder, Vec<(&'static str, usize)>)>, id: &str, name: &str) -> usize {
    if let Some(at) = out.iter().position(|(r, _)| r.id == id) {
        return at;
    }
    let new = Responder {
        id: id.to_owned(),
        name: name.to_owned(),
        ..Responder::default()
    };
    out.push((new, Vec::new()));
    out.len() - 1
}

fn verb(kind: &'static str) -> &'static str {
    match kind {
        "opened" => "declared it",
        "severity_changed" => "set the severity",
        "promoted" => "made it major",
        "lead_changed" => "named the lead",
        "spoke" => "wrote",
        "reworded" => "corrected a message",
        "unsaid" => "deleted a message",
        "joined" => "joined the room",
        "left" => "left the room",
        "run_asked" => "asked for a run",
        "run_approved" => "approved a run",
        "run_rejected" => "said no to a run",
        "redacted" => "removed a line",
        "retitled" => "renamed it",
        "archived" => "had the rooms archived",
        "room_retried" => "had the rooms tried again",
        "kept" => "put a message on the timeline",
        "unkept" => "took a message off the timeline",
        "attached" | "file_refused" => "sent a file",
        "role_given" => "gave a role",
        "role_offered" => "asked for somebody in a role",
        "role_declined" => "declined a role",
        "role_released" => "ended a role",
        "role_waived" => "did without a role",
        "responder_joined" => "joined",
        "responder_left" => "left the response",
        "ticked" => "ticked a checklist",
        "task_added" => "added a task",
        "task_changed" => "changed a task",
        "task_finished" => "finished a task",
        "task_dropped" => "dropped a task",
        other => other,
    }
}

/// Every action that was asked for, in that order.
pub(super) fn actions(journal: &[Record], zone: Option<Tz>) -> Vec<ActionRun> {
    let mut order: Vec<RunId> = Vec::new();
    let mut runs: BTreeMap<RunId, ActionRun> = BTreeMap::new();
    for record in journal {
        if let Some((id, asked)) = asked(record, zone) {
            order.push(id);
            runs.insert(id, asked);
        } else if let Some(id) = run_of(&record.event)
            && let Some(run) = runs.get_mut(&id)
        {
            run.sources.push(citation(record));
            advance(run, &record.event);
        }
    }
    order.iter().filter_map(|id| runs.remove(id)).collect()
}

fn asked(record: &Record, zone: Option<Tz>) -> Option<(RunId, ActionRun)> {
    let Event::RunAsked {
        run,
        action,
        title,
        digest,
        argv,
        by,
        needs,
        ..
    } = &record.event
    else {
        return None;
    };
    let asked = ActionRun {
        run: run.to_string(),
        action: action.clone(),
        title: title.clone(),
        argv: argv.clone(),
        digest: digest.clone(),
        asked_by: by.name().to_owned(),
        asked_at: Stamp::of(record.at, zone),
        needs: *needs,
        approved_by: Vec::new(),
        state: "asked".to_owned(),
        outcome: "nobody decided yet".to_owned(),
        duration_ms: None,
        bytes: None,
        tail: String::new(),
        sources: vec![citation(record)],
    };
    Some((*run, asked))
}

fn run_of(event: &Event) -> Option<RunId> {
    match event {
        Event::RunApproved { run, .. }
        | Event::RunRejected { run, .. }
        | Event::RunExpired { run }
        | Event::RunReleased { run }
        | Event::RunStarted { run }
        | Event::RunEnded { run, .. } => Some(*run),
        _ => None,
    }
}

fn advance(run: &mut ActionRun, event: &Event) {
    let mut stands = |state: &str, outcome: String| {
        state.clone_into(&mut run.state);
        run.outcome = outcome;
    };
    match event {
        Event::RunApproved { by, .. } => run.approved_by.push(by.name().to_owned()),
        Event::RunRejected { by, .. } => {
            stands(
                "not started",
                format!("{} said no; it did not run", by.name()),
            );
        }
        Event::RunExpired { .. } => stands(
            "not started",
            "nobody approved it in time; it did not run".to_owned(),
        ),
        Event::RunReleased { .. } => stands("released", "released, no start recorded".to_owned()),
        Event::RunStarted { .. } => stands("running", "started, no end recorded".to_owned()),
        Event::RunEnded {
            outcome,
            duration_ms,
            bytes,
            tail,
            ..
        } => {
            stands(outcome.word(), timeline::outcome(outcome));
            run.duration_ms = Some(*duration_ms);
            run.bytes = Some(*bytes);
            run.tail.clone_from(tail);
        }
        _ => {}
    }
}

/// A message while it is put together.
#[derive(Default)]
struct Message {
    /// Whom it answers; empty: nobody.
    to: String,
    /// What it says now.
    words: String,
    corrected: bool,
    deleted: bool,
    /// What came with it, a line each.
    files: Vec<String>,
}

impl Message {
    fn text(&self) -> String {
        let mut text = match (self.deleted, self.to.as_str()) {
            (true, _) => "(deleted by its author)".to_owned(),
            (false, "") => self.words.clone(),
            (false, to) => format!("(to {to}) {}", self.words),
        };
        if self.corrected && !self.deleted {
            text.push_str(" (corrected)");
        }
        for file in &self.files {
            text.push('\n');
            text.push_str(file);
        }
        text
    }
}

/// What was said, in order, as its authors left it: a corrected message says so and what it said before,
/// and of a deleted one only that it was there (the journal keeps both; removing for good is a
/// redaction).
pub(super) fn conversation(journal: &[Record], zone: Option<Tz>) -> Vec<Spoken> {
    let mut said: Vec<(Spoken, Message)> = Vec::new();
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for record in journal {
        let place = match &record.event {
            Event::Spoke {
                by,
                text,
                platform,
                message,
                answers,
            } => {
                places.insert((platform, message), said.len());
                let spoken = Spoken {
                    at: Stamp::of(record.at, zone),
                    by: by.name().to_owned(),
                    text: String::new(),
                    source: citation(record),
                    earlier: Vec::new(),
                };
                let message = Message {
                    to: answers.as_ref().map_or(String::new(), |a| a.name.clone()),
                    words: text.clone(),
                    ..Message::default()
                };
                said.push((spoken, message));
                continue;
            }
            Event::Reworded {
                platform, message, ..
            }
            | Event::Unsaid {
                platform, message, ..
            } => (platform.as_str(), message.as_str()),
            Event::Attached(file) => (file.platform.as_str(), file.message.as_str()),
            Event::FileRefused(file) => (file.platform.as_str(), file.message.as_str()),
            _ => continue,
        };
        if let Some((spoken, message)) = places.get(&place).and_then(|at| said.get_mut(*at)) {
            became(spoken, message, record, zone);
        }
    }
    let whole = |(spoken, message): (Spoken, Message)| Spoken {
        text: message.text(),
        ..spoken
    };
    said.into_iter().map(whole).collect()
}

/// What became of a message later.
fn became(spoken: &mut Spoken, message: &mut Message, record: &Record, zone: Option<Tz>) {
    match &record.event {
        Event::Reworded { text, .. } => {
            let before = std::mem::replace(&mut message.words, text.clone());
            message.corrected = true;
            spoken.earlier.push(Earlier {
                until: Stamp::of(record.at, zone),
                text: before,
            });
        }
        Event::Unsaid { .. } => {
            message.deleted = true;
            spoken.earlier.clear();
        }
        Event::Attached(file) => message.files.push(format!(
            "[file kept: {}, sha256 {}]",
            file_words(&file.name, &file.kind, file.bytes),
            file.sha256
        )),
        Event::FileRefused(file) => {
            let words = format!("[file not kept: {}; {}]", file.name, file.why);
            message.files.push(words);
        }
        _ => {}
    }
}

/// Every alert, in the order they joined.
pub(super) fn alerts(journal: &[Record]) -> Vec<AlertLine> {
    let mut out: Vec<AlertLine> = Vec::new();
    let mut places: BTreeMap<i64, usize> = BTreeMap::new();
    for record in journal {
        match &record.event {
            Event::Opened { alerts, .. } | Event::Fired { alerts } => {
                for alert in alerts {
                    places.insert(alert.id.0, out.len());
                    out.push(alert_line(alert));
                }
            }
            Event::Cleared { alerts, .. } => {
                for id in alerts {
                    if let Some(at) = places.get(&id.0) {
                        out[*at].cleared_at = Some(record.at.rfc3339());
                    }
                }
            }
            _ => {}
        }
    }
    out
}

fn alert_line(alert: &AlertRef) -> AlertLine {
    AlertLine {
        id: alert.id.0,
        source: alert.source.clone(),
        fingerprint: alert.fingerprint.clone(),
        name: alert.name.clone(),
        summary: alert.summary.clone(),
        starts_at: alert.starts_at.rfc3339(),
        cleared_at: None,
        url: alert.url.clone(),
    }
}
