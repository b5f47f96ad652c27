//! Why an incident paged whom it paged, whom it did not, and what happens next.
//!
//! Everything here is read from the journal, where each decision left its reason, or foretold by
//! [`forecast`](super::forecast) from the state and the configuration as they are; nothing is
//! decided anew, so what is explained is what happened.

use super::action::shown;
use super::directory::{Directory, Policy};
use super::forecast::{self, Script};
use super::hours::minute_words;
use super::id::Actor;
use super::incident::{Climb, Event, Incident, PagedPerson, Record, Skipped, Status};
use super::route::freeze;
use super::text::list;
use super::time::{Time, human_ms};
use super::timeline::{Names, format, sentence};
use chrono_tz::Tz;
use serde::Serialize;

/// How far ahead is looked, seconds: a ladder that takes longer than a week is a mistake.
const AHEAD_SECS: u64 = 7 * 86_400;

/// The answer to "why me, and what now".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Where it stands, one sentence.
    pub stands: String,
    /// Why this route, service, severity and policy.
    pub belongs: Vec<String>,
    /// Who was paged, by which ways and why, and what became of it, oldest first.
    pub paged: Vec<Step>,
    /// Who could have been paged and was not, and why.
    pub passed_over: Vec<Step>,
    /// What happens next unless somebody acts; empty: nothing happens by itself.
    pub next: Vec<Step>,
    /// What is worth knowing besides: an edited policy that is not followed.
    pub notes: Vec<String>,
}

/// Something at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// When.
    pub at: Time,
    /// What and why.
    pub what: String,
}

/// Explains an incident. `journal` is its whole journal.
#[must_use]
pub fn explain(
    incident: &Incident,
    journal: &[Record],
    directory: &Directory,
    now: Time,
) -> Explanation {
    let names = Names::of(journal).in_zone(directory.zone);
    let mut told = Explanation {
        stands: stands(incident, &names),
        belongs: Vec::new(),
        paged: Vec::new(),
        passed_over: Vec::new(),
        next: next(incident, directory, names, now),
        notes: notes(incident, directory),
    };
    for record in journal {
        match &record.event {
            Event::Opened { why, .. } => told.belongs.clone_from(why),
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
            }
            | Event::Reminded {
                people,
                skipped,
                why,
            } => {
                let pages = people.iter().map(|p| page(p, why, record, journal));
                told.paged.extend(pages);
                told.passed_over.extend(passed(skipped, record.at));
            }
            Event::RungSkipped { skipped, .. } => {
                told.passed_over.extend(passed(skipped, record.at));
            }
            _ => {}
        }
    }
    told
}

impl Explanation {
    /// As plain text, times in a zone.
    #[must_use]
    pub fn text(&self, zone: Option<Tz>) -> String {
        let mut out = format!("{}\n", self.stands);
        let clock = |at: Time| format(at, zone, "%a %-d %b %H:%M:%S %Z");
        let mut part = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                out.push_str(&format!("\n{title}\n"));
                for line in lines {
                    out.push_str(&format!("  {line}\n"));
                }
            }
        };
        let steps = |steps: &[Step]| -> Vec<String> {
            let each = steps.iter();
            each.map(|s| format!("{}  {}", clock(s.at), s.what))
                .collect()
        };
        part("Where it belongs", self.belongs.clone());
        part("Who was paged, and why", steps(&self.paged));
        part("Who was not paged, and why", steps(&self.passed_over));
        part("What happens next unless somebody acts", steps(&self.next));
        part("Worth knowing", self.notes.clone());
        out
    }
}

fn stands(incident: &Incident, names: &Names) -> String {
    let who = incident.acked_by.as_ref().map_or("Somebody", |a| a.name());
    let how = match incident.status {
        Status::Resolved => "is over".to_owned(),
        Status::Acknowledged => match incident.snoozed_until {
            Some(until) => format!("is with {who} until {}", names.time(until)),
            None => format!("is with {who}"),
        },
        Status::Triggered => match &incident.climb {
            Climb::Exhausted { .. } => {
                "is with nobody, and the catch-all is being alarmed".to_owned()
            }
            _ if incident.agreed.is_empty() => "is with nobody yet".to_owned(),
            _ => {
                let names: Vec<&str> = incident.agreed.iter().map(Actor::name).collect();
                format!(
                    "has been acknowledged by {}, and needs more people",
                    list(&names)
                )
            }
        },
    };
    format!("{} “{}” {how}.", incident.id, incident.title)
}

fn page(person: &PagedPerson, why: &str, record: &Record, journal: &[Record]) -> Step {
    let became: Vec<String> = person
        .contacts
        .iter()
        .map(
            |contact| match became(&person.id, contact, record.seq, journal) {
                Some(how) => format!("{contact} {how}"),
                None => format!("{contact} is on its way"),
            },
        )
        .collect();
    Step {
        at: record.at,
        what: format!(
            "{}: {}; {why}. By {}.",
            person.name,
            person.why,
            list(&became)
        ),
    }
}

/// What became of a page: the first report on this contact after it left.
fn became(person: &str, contact: &str, after: u32, journal: &[Record]) -> Option<String> {
    let later = journal.iter().filter(|r| r.seq > after);
    later.into_iter().find_map(|r| match &r.event {
        Event::PageDelivered {
            person: p,
            contact: c,
            ..
        } if p == person && c == contact => Some("(delivered)".to_owned()),
        Event::PageFailed {
            person: p,
            contact: c,
            why,
        } if p == person && c == contact => Some(format!("(failed: {why})")),
        _ => None,
    })
}

fn passed(skipped: &[Skipped], at: Time) -> impl Iterator<Item = Step> + '_ {
    skipped.iter().map(move |s| Step {
        at,
        what: format!("{}: {}.", s.who, s.why),
    })
}

fn next(incident: &Incident, directory: &Directory, mut names: Names, now: Time) -> Vec<Step> {
    let facts = forecast::future(
        incident,
        directory,
        Script::default(),
        now.plus_secs(AHEAD_SECS),
    );
    for fact in &facts {
        names.learn(&fact.event);
    }
    facts
        .iter()
        .map(|r| Step {
            at: r.at.max(now),
            what: foretold(&r.event, &names),
        })
        .collect()
}

/// What an event will be, in words for the future.
#[must_use]
pub fn foretold(event: &Event, names: &Names) -> String {
    let who = |people: &[PagedPerson]| {
        let each = people.iter();
        let each: Vec<String> = each
            .map(|p| format!("{} by {} ({})", p.name, list(&p.contacts), p.why))
            .collect();
        list(&each)
    };
    let not = |skipped: &[Skipped]| {
        let each = skipped.iter();
        let each: Vec<String> = each.map(|s| format!("{} ({})", s.who, s.why)).collect();
        list(&each)
    };
    match event {
        Event::Paged {
            people,
            channels,
            skipped,
            why,
            rung,
            ..
        } => {
            let mut parts = Vec::new();
            if !people.is_empty() {
                parts.push(format!("page {}", who(people)));
            }
            parts.extend(channels.iter().map(|c| format!("tell #{c}")));
            if !skipped.is_empty() {
                parts.push(format!("pass over {}", not(skipped)));
            }
            let step = rung.map_or(String::new(), |(_, n)| format!("step {}: ", n + 1));
            format!("{step}{}, because {why}", list(&parts))
        }
        Event::RungSkipped { rung, skipped } => format!(
            "step {} reaches nobody and the next one follows at once: {}",
            rung.1 + 1,
            not(skipped)
        ),
        Event::CatchAll { people, why, .. } if people.is_empty() => {
            format!("nobody can be alarmed, which is said in every channel, because {why}")
        }
        Event::CatchAll { people, why, .. } => {
            format!("alarm the catch-all, {}, because {why}", who(people))
        }
        Event::Reminded { people, why, .. } => format!("remind {}, because {why}", who(people)),
        Event::Retriggered { why, .. } => format!("start the ladder again, because {why}"),
        Event::RunAsked {
            run, title, argv, ..
        } => format!("prepare {run} “{title}”: {}", shown(argv)),
        Event::RunReleased { run } => format!("start {run}"),
        event => sentence(event, names),
    }
}

fn notes(incident: &Incident, directory: &Directory) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(policy) = edited(incident, directory) {
        notes.push(format!(
            "The policy {} was edited since: `follow {}` lets it follow the new one.",
            policy.id, incident.id
        ));
    }
    if let Some(secs) = incident.ladder.remind_secs {
        let ms = i64::try_from(secs)
            .unwrap_or(i64::MAX / 1000)
            .saturating_mul(1000);
        notes.push(format!(
            "Whoever has it is asked again when nothing moves for {}.",
            human_ms(ms)
        ));
    }
    if let Some(minute) = incident.ladder.rest_until {
        notes.push(format!(
            "Whoever was paged in the night is passed over until {} for what is not urgent, while somebody else is there.",
            minute_words(minute)
        ));
    }
    notes
}

/// The policy of an open incident as it is now, when that is not what it follows.
#[must_use]
pub fn edited<'a>(incident: &Incident, directory: &'a Directory) -> Option<&'a Policy> {
    let policy = directory.policies.get(&incident.ladder.policy)?;
    (incident.is_open() && freeze(policy) != *incident.ladder).then_some(policy)
}
