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

use super::{Card, Line, board};
use crate::core::action;
use crate::core::directory::{Action, Directory, Target};
use crate::core::id::{Actor, IncidentId, Severity};
use crate::core::incident::{Climb, DRILL, Event, Incident, Record, Status};
use crate::core::text::{self, count};
use crate::core::time::{Time, human_ms};
use crate::core::timeline::{self, Names};
use chrono_tz::Tz;
use std::sync::Arc;

/// Slack's limit for a topic, the tightest of the platforms.
const TOPIC_CHARS: usize = 250;
/// Tied incidents that are named on a card; the page has them all.
const TIES: usize = 5;
/// Characters of their titles there.
const TIE_CHARS: usize = 60;
/// Links of a service that hang in a room.
const LINKS: usize = 10;
/// Characters of one thing that failed of a room; the incident's page has all of it.
const TROUBLE_CHARS: usize = 200;

/// Draws the card. `url` is the incident's page on the console.
#[must_use]
pub fn card(incident: &Incident, directory: &Directory, now: Time, url: &str) -> Card {
    let view = View {
        incident,
        directory,
        now,
    };
    let level = directory.level(incident.severity);
    let mut facts = view.facts();
    if let Some(found) = incident.recalled.as_ref().filter(|_| incident.is_open()) {
        let pages = url.rsplit_once('/').map_or("", |(pages, _)| pages);
        let words = format!(
            "{} had the same alert; what was learned: {pages}/{}/postmortem",
            found.of, found.of.0
        );
        facts.push(("seen before".to_owned(), words));
    }
    Card {
        incident: incident.id,
        seq: incident.seq,
        title: incident.headline(),
        status: incident.status.word().to_owned(),
        severity: directory.severity_name(incident.severity),
        severity_index: incident.severity.0,
        facts,
        lines: view.lines(),
        buttons: view.buttons(),
        url: url.to_owned(),
        private: incident.nature.private,
        emoji: level.map_or_else(String::new, |l| l.emoji.clone()),
        colour: level.and_then(|l| l.colour),
    }
}

/// The line that says an event of a private incident where everybody reads: that somebody is needed,
/// and nothing of what it is about. `None`: it need not be said there.
#[must_use]
pub fn line_outside(incident: &Incident, record: &Record, n: u32) -> Option<Line> {
    let text = match &record.event {
        Event::CatchAll { people, .. } if people.is_empty() => {
            "NOBODY COULD BE ALARMED for a private incident. Whoever may see private incidents: please look at the console now, and call the right person."
        }
        Event::CatchAll { .. } => {
            "A private incident needs somebody: nobody on its policy could be paged, and the catch-all was alarmed."
        }
        Event::RunAsked { terms, .. } if terms.break_glass => {
            "The approval of an action was passed over on a private incident; the audit says by whom and why."
        }
        Event::AutoStopped { .. } => {
            "An action was turned off after failures on a private incident; `automation` says which."
        }
        _ => return None,
    };
    Some(Line {
        key: format!("{}:{}:{n}", incident.id.0, record.seq),
        incident: incident.id,
        seq: record.seq,
        by: Actor::Firebell,
        text: text.to_owned(),
        run: None,
        seen: String::new(),
    })
}

/// The card of an incident that has become private, where everybody reads: nothing stands on it.
#[must_use]
pub fn veiled(incident: &Incident, url: &str) -> Card {
    Card {
        incident: incident.id,
        seq: incident.seq,
        title: "This incident is private now".to_owned(),
        status: "private".to_owned(),
        severity: "private".to_owned(),
        severity_index: u8::MAX,
        lines: vec!["Only those it concerns see it.".to_owned()],
        url: url.to_owned(),
        private: true,
        ..Card::default()
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
            by,
            text,
            platform,
            answers,
            ..
        } => {
            let to = answers.as_ref().map_or("", |a| &a.name);
            let text = match to {
                "" => text.clone(),
                to => format!("(to {to}) {text}"),
            };
            (from(by, platform), text, None)
        }
        Event::Reworded {
            by, text, platform, ..
        } => (from(by, platform), format!("(corrected) {text}"), None),
        Event::Attached(file) => (
            from(&file.by, &file.platform),
            format!(
                "attached {}",
                crate::core::incident::file_words(&file.name, &file.kind, file.bytes)
            ),
            None,
        ),
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
    if let Some(standing) = &incident.told.standing {
        parts.push(standing.name.clone());
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
    if let Some(meeting) = &directory.rooms.meeting {
        let address = meeting.address(incident, directory);
        links.push(("Meeting".to_owned(), address));
    }
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

/// What an incident's message in the channel for announcements shows: the card at a glance, and where
/// its room is. Whoever wants to act goes there.
#[must_use]
pub fn digest(card: Card, room: Option<&str>) -> Card {
    const SHOWN: [&str; 4] = ["where", "since", "who has it", "lead"];
    let mut facts = card.facts;
    facts.retain(|(label, _)| SHOWN.contains(&label.as_str()));
    facts.extend(room.map(|name| ("room".to_owned(), name.to_owned())));
    Card {
        facts,
        lines: Vec::new(),
        buttons: Vec::new(),
        ..card
    }
}

/// The words of a message that was changed or taken back, as they take the place of those that stand
/// elsewhere; `said` is who had written it where, and the key and number of the line.
#[must_use]
pub fn amended(record: &Record, said: (&Actor, &str), key: String, line: Line) -> Option<Line> {
    let text = match &record.event {
        Event::Reworded { text, .. } => format!("{text} (edited)"),
        Event::Unsaid { .. } => "(deleted by its author)".to_owned(),
        _ => return None,
    };
    Some(Line {
        key,
        by: from(said.0, said.1),
        text,
        ..line
    })
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
        facts.extend(self.ties());
        if let Some(change) = i.preceded.iter().find(|p| p.close) {
            let before = human_ms(i.began_at.since_ms(change.at));
            facts.push((
                "changed before",
                format!("{}, {before} before it began", change.words()),
            ));
        }
        if let Some(lead) = &i.lead {
            facts.push(("lead", lead.name().to_owned()));
        }
        let others = board::other_roles(i, self.directory);
        if !others.is_empty() {
            facts.push(("roles", others));
        }
        let work = board::work_line(i);
        if !work.is_empty() {
            facts.push(("to do", work));
        }
        if let Some(meeting) = self.directory.rooms.meeting.as_ref().filter(|_| i.major) {
            facts.push(("meeting", meeting.address(i, self.directory)));
        }
        facts.extend(self.trouble().map(|words| ("room", words)));
        facts.extend(self.told());
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

    /// What failed of its rooms and was not done since.
    fn trouble(&self) -> Option<String> {
        let failed = self.incident.talk.trouble.iter();
        let words: Vec<String> = failed
            .map(|((platform, place), why)| {
                text::cut(
                    &format!("{place} on {platform} failed: {why}"),
                    TROUBLE_CHARS,
                )
            })
            .collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// Where it stands for those who wait, and when they hear again.
    fn told(&self) -> Vec<(&'static str, String)> {
        let told = &self.incident.told;
        let standing = told.standing.as_ref().map(|s| ("status", s.name.clone()));
        let due = told
            .next_due
            .map(|at| ("next update", format!("due {}", self.clock(at))));
        standing.into_iter().chain(due).collect()
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

    /// What it is a part of, its parts, and what it has to do with.
    fn ties(&self) -> Vec<(&'static str, String)> {
        let i = self.incident;
        let titled = |id: IncidentId, title: &str| match title {
            "" => id.to_string(),
            title => format!("{id} {}", text::cut(title, TIE_CHARS)),
        };
        let mut ties = Vec::new();
        if let Some((id, title)) = &i.parent {
            ties.push(("part of", titled(*id, title)));
        }
        if !i.children.is_empty() {
            let open = i.open_parts().len();
            let parts = i.children.iter().take(TIES);
            let mut said: Vec<String> = parts
                .map(|(id, c)| format!("{} {}", titled(*id, &c.title), c.status))
                .collect();
            if i.children.len() > TIES {
                said.push(format!("{} more", i.children.len() - TIES));
            }
            let all = count(i.children.len(), "part");
            ties.push((
                "parts",
                format!("{open} of {all} open: {}", text::list(&said)),
            ));
        }
        if !i.related.is_empty() {
            let known = i.related.iter().take(TIES);
            let mut said: Vec<String> = known.map(|(id, (t, _))| titled(*id, t)).collect();
            if i.related.len() > TIES {
                said.push(format!("{} more", i.related.len() - TIES));
            }
            ties.push(("related", text::list(&said)));
        }
        ties
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
        let labels = i.labels();
        let fits = |a: &&Arc<Action>| {
            i.nature.permits(a.class) && action::offered(a, i.service.as_deref(), &labels).is_ok()
        };
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
