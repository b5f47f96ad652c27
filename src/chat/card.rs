//! The live card, a room's lines and a room's name: state and events become the neutral things
//! every platform renders.
//!
//! Promises: a card tells at a glance what, where, how bad, since when, who has it and what happens
//! next; an incident that did not change draws the same card, so times are absolute and in a named
//! zone; what does not fit is counted, never dropped silently.

mod offers;
#[cfg(test)]
mod tests;

pub use offers::run_buttons;

use super::{Card, Line};
use crate::core::action;
use crate::core::directory::{Action, Directory, Target};
use crate::core::id::{Actor, Severity};
use crate::core::incident::{Climb, DRILL, Event, Incident, Record, Status};
use crate::core::text::{self, count};
use crate::core::time::Time;
use crate::core::timeline::{self, Names};
use chrono_tz::Tz;
use std::sync::Arc;

/// Slack's limit for a channel name, the tightest of the platforms.
const ROOM_CHARS: usize = 80;
/// Slack's limit for a topic, the tightest of the platforms.
const TOPIC_CHARS: usize = 250;
/// Links of a service that hang in a room.
const LINKS: usize = 10;

/// Draws the card. `url` is the incident's page on the console.
#[must_use]
pub fn card(incident: &Incident, directory: &Directory, now: Time, url: &str) -> Card {
    let view = View {
        incident,
        directory,
        now,
    };
    Card {
        incident: incident.id,
        seq: incident.seq,
        title: incident.headline(),
        status: incident.status.word().to_owned(),
        severity: directory.severity_name(incident.severity),
        severity_index: incident.severity.0,
        facts: view.facts(),
        lines: view.lines(),
        buttons: view.buttons(),
        url: url.to_owned(),
    }
}

/// The line that says an event; `n` tells apart the lines of one event. `None`: there is nothing
/// to say, because the event's content was removed meanwhile.
#[must_use]
pub fn line(incident: &Incident, record: &Record, n: u32, directory: &Directory) -> Option<Line> {
    let mut names = Names::default();
    // One event names only the severity it leads to.
    for (n, severity) in (0..).zip(&directory.severities) {
        names.name_severity(Severity(n), &severity.name);
    }
    for actor in [&incident.acked_by, &incident.lead].into_iter().flatten() {
        names.meet(actor);
    }
    for (id, run) in &incident.runs {
        names.name_run(*id, &run.title);
        names.meet(&run.by);
    }
    names.learn(&record.event);
    let (by, text, run) = match &record.event {
        Event::Removed { .. } => return None,
        Event::Spoke {
            by, text, platform, ..
        } => (from(by, platform), text.clone(), None),
        Event::Reworded {
            by, text, platform, ..
        } => (from(by, platform), format!("(corrected) {text}"), None),
        Event::RunAsked { run, .. } | Event::RunRehearsed { run, .. } => (
            Actor::Firebell,
            timeline::sentence(&record.event, &names),
            // Buttons stand below what is to be agreed on, the rehearsal where there is one.
            incident
                .runs
                .get(run)
                .filter(|r| !r.unrehearsed())
                .map(|_| *run),
        ),
        event => (Actor::Firebell, timeline::sentence(event, &names), None),
    };
    Some(Line {
        key: format!("{}:{}:{n}", incident.id.0, record.seq),
        incident: incident.id,
        seq: record.seq,
        by,
        text,
        seen: run
            .and_then(|run| incident.runs.get(&run))
            .map_or_else(String::new, |r| r.terms.subject.clone()),
        run,
    })
}

/// Somebody who spoke on another platform, by name and place: `Bo (discord)`.
fn from(by: &Actor, platform: &str) -> Actor {
    let mut by = by.clone();
    if let Actor::Person { name, .. } | Actor::Unlinked { name, .. } = &mut by {
        *name = format!("{name} ({platform})");
    }
    by
}

/// What stands above a room: how bad, where it stands, who leads.
#[must_use]
pub fn topic(incident: &Incident, directory: &Directory) -> String {
    let mut parts = vec![
        directory.severity_name(incident.severity),
        incident.status.word().to_owned(),
    ];
    if let Some(by) = incident
        .acked_by
        .as_ref()
        .filter(|_| incident.status == Status::Acknowledged)
    {
        parts.push(format!("with {}", by.name()));
    }
    if let Some(lead) = &incident.lead {
        parts.push(format!("lead {}", lead.name()));
    }
    parts.push(incident.title.clone());
    if incident.nature.private {
        parts.insert(0, "private".to_owned());
    }
    if incident.nature.drill {
        parts.insert(0, DRILL.to_owned());
    }
    text::cut(&parts.join(" · "), TOPIC_CHARS)
}

/// What hangs in a room: the incident's page, and the links of its service.
#[must_use]
pub fn links(incident: &Incident, directory: &Directory, url: &str) -> Vec<(String, String)> {
    let mut links = vec![("Timeline".to_owned(), url.to_owned())];
    let service = incident
        .service
        .as_ref()
        .and_then(|s| directory.services.get(s));
    if let Some(service) = service {
        let own = service.links.iter().map(|(k, v)| (k.clone(), v.clone()));
        links.extend(own.take(LINKS));
    }
    links
}

/// `inc-42-checkout-high-error-rate`: lowercase ASCII, at most 80 characters, cut between words.
#[must_use]
pub fn room_name(incident: &Incident) -> String {
    let service = incident.service.as_deref().map(slug).unwrap_or_default();
    let title = slug(&incident.title);
    let title = title
        .strip_prefix(&service)
        .map_or(title.as_str(), |rest| rest.trim_start_matches('-'));
    let kind = if incident.nature.drill { "-drill" } else { "" };
    let mut name = format!("inc-{}{kind}", incident.id.0);
    for word in service.split('-').chain(title.split('-')) {
        if word.is_empty() {
            continue;
        }
        if name.len() + 1 + word.len() > ROOM_CHARS {
            break;
        }
        name.push('-');
        name.push_str(word);
    }
    name
}

fn slug(text: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let dashed: String = text.chars().map(plain).collect();
    let words: Vec<&str> = dashed.split('-').filter(|w| !w.is_empty()).collect();
    words.join("-")
}

struct View<'a> {
    incident: &'a Incident,
    directory: &'a Directory,
    now: Time,
}

impl View<'_> {
    fn facts(&self) -> Vec<(String, String)> {
        let i = self.incident;
        let mut facts = vec![
            ("kind", i.nature.words()),
            ("where", self.place()),
            ("since", self.full(i.began_at)),
            ("alerts", self.alerts()),
            ("who has it", self.owner()),
            ("next", self.next()),
        ];
        facts.retain(|(k, v)| *k != "kind" || !v.is_empty());
        if i.alerts == 0 {
            facts.retain(|(k, _)| *k != "alerts");
        }
        if let Some(lead) = &i.lead {
            facts.push(("lead", lead.name().to_owned()));
        }
        if let Some(service) = i
            .service
            .as_ref()
            .and_then(|s| self.directory.services.get(s))
            && !service.depends_on.is_empty()
        {
            facts.push(("depends on", text::list(&service.depends_on)));
        }
        let owned = |(k, v): (&str, String)| (k.to_owned(), v);
        facts.into_iter().map(owned).collect()
    }

    fn place(&self) -> String {
        let service = self.incident.service.as_deref().map(|id| {
            let known = self.directory.services.get(id);
            known.map_or_else(
                || id.to_owned(),
                |s| format!("{} (tier {})", s.name, s.tier),
            )
        });
        let team = self.incident.team.as_deref().map(|id| {
            let known = self.directory.teams.get(id);
            known.map_or_else(|| format!("team {id}"), |t| format!("team {}", t.name))
        });
        let parts: Vec<String> = [service, team].into_iter().flatten().collect();
        if parts.is_empty() {
            return "no service known".to_owned();
        }
        parts.join(" · ")
    }

    fn alerts(&self) -> String {
        let (firing, all) = (self.incident.firing.len(), self.incident.alerts as usize);
        match firing {
            0 => format!("{} cleared", count(all, "alert")),
            n if n == all => format!("{} firing", count(n, "alert")),
            n => format!("{n} of {} firing", count(all, "alert")),
        }
    }

    fn owner(&self) -> String {
        let i = self.incident;
        let name = i.acked_by.as_ref().map_or("somebody", Actor::name);
        match (i.status, i.acked_at) {
            (Status::Acknowledged, Some(at)) => {
                format!("{name}, first acknowledged {}", self.clock(at))
            }
            (Status::Acknowledged, None) => name.to_owned(),
            (Status::Resolved, _) => "nobody has to".to_owned(),
            (Status::Triggered, _) if i.paged.is_empty() => "nobody yet".to_owned(),
            (Status::Triggered, _) => {
                let paged: Vec<String> = i
                    .paged
                    .iter()
                    .map(|(id, n)| {
                        let name = self.directory.person_name(id);
                        if *n > 1 {
                            format!("{name} ({n}×)")
                        } else {
                            name
                        }
                    })
                    .collect();
                format!("nobody yet; paged {}", text::list(&paged))
            }
        }
    }

    fn next(&self) -> String {
        let i = self.incident;
        if let (Status::Triggered, Some(mute)) = (i.status, i.muted_at(self.now)) {
            return format!(
                "silenced by {}; pages again at {} unless its alerts clear",
                mute.words,
                self.clock(mute.until)
            );
        }
        if let Some(into) = i.merged_into {
            return format!("it goes on as {into}");
        }
        match (i.status, &i.climb) {
            (Status::Resolved, _) => {
                let at = i
                    .resolved_at
                    .map_or(String::new(), |at| format!("resolved {}; ", self.clock(at)));
                format!("{at}the postmortem")
            }
            (Status::Acknowledged, _) => match i.snoozed_until {
                Some(until) => format!("pages again at {} unless resolved", self.clock(until)),
                None if i.auto_resolve && !i.firing.is_empty() => {
                    "no more pages; resolves by itself when the last alert clears".to_owned()
                }
                None => "no more pages; resolve it when it is over".to_owned(),
            },
            (Status::Triggered, Climb::Resting) => {
                "nothing by itself: escalate or acknowledge".to_owned()
            }
            (Status::Triggered, Climb::Next { round, rung, due }) => {
                self.next_step(*round, *rung, *due)
            }
            (Status::Triggered, Climb::Exhausted { due, .. }) => format!(
                "the catch-all is alarmed again at {} unless somebody acknowledges",
                self.clock(*due)
            ),
        }
    }

    fn next_step(&self, round: u8, rung: usize, due: Time) -> String {
        let ladder = &self.incident.ladder;
        // Behind the last rung stands the first one of the next round, and behind the last round the catch-all.
        let (round, rung) = if rung >= ladder.rungs.len() && round < ladder.repeat {
            (round + 1, 0)
        } else {
            (round, rung)
        };
        let Some(step) = ladder.rungs.get(rung) else {
            return format!(
                "alarm the catch-all at {} unless somebody acknowledges",
                self.clock(due)
            );
        };
        let whom: Vec<String> = step.targets.iter().map(|t| self.target(t, due)).collect();
        let again = if round > 0 {
            format!(", round {}", u16::from(round) + 1)
        } else {
            String::new()
        };
        format!(
            "page {}, step {} of {}{again}, at {} unless somebody acknowledges",
            text::list(&whom),
            rung + 1,
            ladder.rungs.len(),
            self.clock(due)
        )
    }

    /// A target, and who that will be when its time comes.
    fn target(&self, target: &Target, due: Time) -> String {
        match target {
            Target::Person(id) => self.directory.person_name(id),
            Target::Team(_) | Target::RoundRobin(_) | Target::Channel(_) | Target::Webhook(_) => {
                target.words()
            }
            Target::Schedule(id) => {
                let Some(schedule) = self.directory.schedules.get(id) else {
                    return format!("schedule {id} (not in the directory)");
                };
                let turn = schedule.on_call(due.max(self.now));
                let people: Vec<String> = turn
                    .people
                    .iter()
                    .map(|p| self.directory.person_name(p))
                    .collect();
                match people.as_slice() {
                    [] => format!("{id} (nobody is on call)"),
                    people => format!("{id} ({})", text::list(people)),
                }
            }
        }
    }

    fn offered(&self) -> Vec<&Arc<Action>> {
        let i = self.incident;
        let fits = |a: &&Arc<Action>| action::offered(a, i.service.as_deref(), &i.labels()).is_ok();
        // What helped before comes first.
        let found = self.directory.learned.suggestions(self.directory, i);
        let rank = |a: &Arc<Action>| {
            let at = found.iter().position(|(f, _)| f.id == a.id);
            at.unwrap_or(found.len())
        };
        let mut offered: Vec<&Arc<Action>> = self.directory.actions.values().filter(fits).collect();
        offered.sort_by_key(|a| rank(a));
        offered
    }

    fn zone(&self) -> Tz {
        self.directory.zone.unwrap_or(Tz::UTC)
    }

    /// `14:05 UTC`; with the date when that is another day than the opening.
    fn clock(&self, at: Time) -> String {
        let zone = Some(self.zone());
        let day = |t| timeline::format(t, zone, "%Y-%m-%d");
        if day(at) == day(self.incident.opened_at) {
            timeline::format(at, zone, "%H:%M %Z")
        } else {
            timeline::format(at, zone, "%-d %b %H:%M %Z")
        }
    }

    fn full(&self, at: Time) -> String {
        timeline::format(at, Some(self.zone()), "%a %-d %b %Y %H:%M %Z")
    }
}
