//! The future of an incident on paper: what time alone will do to it, and what a script adds.
//!
//! The same four verbs that run the product are run ahead of the clock, so what is foretold is what
//! will happen, as long as the configuration and the people stay as they are. Nothing is sent, and
//! nothing random or unknown is guessed: pages count as delivered unless the script breaks them.

use super::alert::Alert;
use super::automation;
use super::brakes::Brakes;
use super::directory::Directory;
use super::id::{AlertId, IncidentId, RunId, Severity};
use super::incident::{
    Climb, Command, Declaration, Event, Incident, OpenAs, Origin, Record, Scene, alert_ref, decide,
    evolve, labelled_drill, wake_at,
};
use super::route::{Routed, Verdict, route};
use super::silence;
use super::text;
use super::time::Time;
use std::collections::{BTreeSet, VecDeque};

/// Facts foretold at most: a ladder of 20 steps climbed 21 times has fewer.
const FACTS_MAX: usize = 2000;

/// What happens besides time.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// What people do, by time ascending.
    pub acts: Vec<(Time, Command)>,
    /// Contacts that fail: person id and contact name.
    pub broken: BTreeSet<(String, String)>,
}

/// An alert's future: where it goes, and what follows until `until` or the end of the ladder.
///
/// # Errors
/// The reason why it would page nobody.
pub fn of_alert(
    directory: &Directory,
    alert: &Alert,
    at: Time,
    script: Script,
    until: Time,
) -> Result<Vec<Record>, String> {
    let routed = match route(directory, alert) {
        Verdict::Quiet { why } => return Err(why),
        Verdict::Incident(routed) => *routed,
    };
    if let Some(hold) = silence::hold(directory, &alert.labels, routed.service.as_deref(), at) {
        return Err(hold.why(directory.zone));
    }
    let worst = routed.severity;
    let alerts = vec![alert_ref(AlertId(1), alert)];
    let mut open = opening(directory, routed, alert, alerts, worst);
    let wanted = automation::candidates(directory, open.service.as_deref(), &open.labels);
    open.auto = (1..).map(RunId).zip(wanted).collect();
    let mut script = script;
    script.acts.insert(0, (at, Command::Open(Box::new(open))));
    let blank = Incident::new(IncidentId(1));
    Ok(future(&blank, directory, script, until))
}

/// How an incident is opened for alerts that belong together; `first` is the one that names it.
#[must_use]
pub fn opening(
    directory: &Directory,
    routed: Routed,
    first: &Alert,
    alerts: Vec<super::alert::AlertRef>,
    worst: Severity,
) -> OpenAs {
    let said = Declaration {
        type_id: routed.type_id,
        drill: labelled_drill(&first.labels).then_some(true),
        ..Declaration::default()
    };
    let own = said.kind(directory).and_then(|t| t.channel.clone());
    let usual = directory.channel(routed.service.as_deref(), routed.team.as_deref());
    let channel = own.or_else(|| usual.map(str::to_owned));
    OpenAs {
        origin: Origin::Alert {
            source: first.source.clone(),
        },
        title: title(first),
        severity: worst,
        major_at: routed.major_at,
        major: false,
        service: routed.service,
        team: routed.team,
        channel,
        group_key: routed.group_key,
        labels: first.labels.clone(),
        auto_resolve: routed.auto_resolve,
        auto_resolve_after_ms: routed.auto_resolve_after_ms,
        hold_while_firing: routed.hold_while_firing,
        ladder: Some(routed.ladder),
        turn: 0,
        group_wait_ms: routed.group_wait_ms,
        why: routed.why,
        alerts,
        nature: said.nature(directory),
        said: Vec::new(),
        auto: Vec::new(),
    }
}

fn title(alert: &Alert) -> String {
    let (name, summary) = (alert.name(), alert.summary());
    let whole = if name == summary {
        name.to_owned()
    } else {
        format!("{name}: {summary}")
    };
    text::cut(&whole, 300)
}

/// What follows on an incident as it is, until `until` or until only the catch-all is left, alarmed
/// again and again: its first alarm is the last fact.
#[must_use]
pub fn future(
    incident: &Incident,
    directory: &Directory,
    script: Script,
    until: Time,
) -> Vec<Record> {
    let mut life = Life {
        incident: incident.clone(),
        directory,
        broken: script.broken,
        failures: VecDeque::new(),
        brakes: Brakes::with(directory.switches.clone()),
        facts: Vec::new(),
    };
    let mut acts = VecDeque::from(script.acts);
    while life.facts.len() < FACTS_MAX {
        let exhausted = matches!(life.incident.climb, Climb::Exhausted { .. });
        let wake = wake_at(&life.incident).filter(|_| !exhausted || !acts.is_empty());
        let act = acts.front().map(|(at, _)| *at);
        let Some(now) = [wake, act]
            .into_iter()
            .flatten()
            .min()
            .filter(|t| *t <= until)
        else {
            break;
        };
        let acted = act.is_some_and(|at| at <= now).then(|| acts.pop_front());
        let command = acted.flatten().map_or(Command::Wake, |(_, act)| act);
        let wakes = matches!(command, Command::Wake);
        let moved = life.live(now, command);
        if wakes && !moved {
            break;
        }
    }
    life.facts
}

struct Life<'a> {
    incident: Incident,
    directory: &'a Directory,
    broken: BTreeSet<(String, String)>,
    failures: VecDeque<Command>,
    brakes: Brakes,
    facts: Vec<Record>,
}

impl Life<'_> {
    /// Decides one command and everything that fails because of it; tells whether anything came of it.
    fn live(&mut self, now: Time, command: Command) -> bool {
        let before = self.facts.len();
        let mut next = Some(command);
        while let Some(command) = next {
            self.decide(now, command);
            if self.facts.len() >= FACTS_MAX {
                break;
            }
            next = self.failures.pop_front();
        }
        self.facts.len() > before
    }

    fn decide(&mut self, now: Time, command: Command) {
        let scene = Scene {
            now,
            directory: self.directory,
            brakes: &self.brakes,
        };
        // A refusal is a fact about the script, and no fact about the incident.
        let events = decide(&self.incident, &scene, command).unwrap_or_default();
        for event in events {
            self.fail(&event);
            let record = Record {
                seq: self.incident.seq + 1,
                at: now,
                cause: "forecast".to_owned(),
                event,
            };
            evolve(&mut self.incident, &record);
            self.brakes.evolve(&self.incident, &record);
            self.facts.push(record);
        }
    }

    /// Pages by a contact the script has broken come back.
    fn fail(&mut self, event: &Event) {
        let (Event::Paged { people, .. } | Event::CatchAll { people, .. }) = event else {
            return;
        };
        for person in people {
            for contact in &person.contacts {
                if self.broken.contains(&(person.id.clone(), contact.clone())) {
                    self.failures.push_back(Command::PageFailed {
                        person: person.id.clone(),
                        contact: contact.clone(),
                        why: "it is broken in this script".to_owned(),
                    });
                }
            }
        }
    }
}
