//! How one person is woken: their own steps, one after the other, until somebody has it.
//!
//! Promises: the steps are data with absolute times, frozen in the event that paged the person, so
//! a restart finds them; a step that failed is followed by the next at once; what waits for the
//! morning waits in the journal and not in a queue. A late engine takes all steps of a person that
//! are due as one. The catch-all has no steps: it never waits.
//!
//! Road not taken: steps decided when they are due, from the configuration of that moment. A file
//! changed in the night would then change who is still to be woken in a running incident.

use super::Incident;
use super::command::Scene;
use super::event::Event;
use super::parts::{Later, PagedPerson};
use super::rest;
use crate::core::directory::{Person, Step, Urgency};
use crate::core::id::{Actor, Severity};
use crate::core::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is still to be done to wake somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chase {
    /// Display name when they were paged.
    pub name: String,
    /// Steps to come, in order; never empty.
    pub steps: Vec<Later>,
    /// Contacts of the step before of which nothing is known yet.
    pub open: BTreeSet<String>,
    /// Contacts of the step before that were reached.
    pub arrived: BTreeSet<String>,
}

/// Puts the persons' own steps in place of "everything at once".
pub(super) fn by_rules(
    people: Vec<PagedPerson>,
    urgency: Urgency,
    scene: &Scene<'_>,
) -> Vec<PagedPerson> {
    let one = |paged: PagedPerson| match scene.directory.people.get(&paged.id) {
        Some(person) => plan(paged, person, urgency, scene.now),
        None => paged,
    };
    people.into_iter().map(one).collect()
}

fn plan(paged: PagedPerson, person: &Person, urgency: Urgency, now: Time) -> PagedPerson {
    let morning = match urgency {
        Urgency::High => None,
        Urgency::Low => person
            .waking
            .quiet
            .as_ref()
            .and_then(|q| q.until(now, person.zone)),
    };
    let rule = person.waking.rules.iter().find(|r| r.urgency == urgency);
    let mut steps: Vec<Step> = rule.map_or_else(Vec::new, |r| usable(&r.steps, &paged.contacts));
    if steps.is_empty() {
        // No rule, or one that names only contacts that cannot be used: every contact that can.
        steps.push(Step {
            after_secs: 0,
            contacts: paged.contacts.clone(),
        });
    }
    let first = steps.first().map_or(0, |s| s.after_secs);
    let later = |step: Step| match morning {
        Some(morning) => Later {
            at: morning.plus_secs(step.after_secs - first),
            digest: step.after_secs == first,
            contacts: step.contacts,
        },
        None => Later {
            at: now.plus_secs(step.after_secs),
            digest: false,
            contacts: step.contacts,
        },
    };
    let (mut at_once, mut to_come) = (Vec::new(), Vec::new());
    for step in steps {
        if morning.is_none() && step.after_secs == 0 {
            at_once.extend(step.contacts);
        } else {
            to_come.push(later(step));
        }
    }
    PagedPerson {
        contacts: at_once,
        later: to_come,
        ..paged
    }
}

/// The steps without contacts that are not to be used.
fn usable(steps: &[Step], contacts: &[String]) -> Vec<Step> {
    let kept = |step: &Step| Step {
        after_secs: step.after_secs,
        contacts: (step.contacts.iter())
            .filter(|c| contacts.contains(c))
            .cloned()
            .collect(),
    };
    let steps = steps.iter().map(kept);
    steps.filter(|s| !s.contacts.is_empty()).collect()
}

/// When the ladder goes on after these people were paged. A rung of which everybody may sleep until
/// the morning waits with them, or the rungs above would be woken for what can wait.
pub(super) fn next_due(people: &[PagedPerson], now: Time, wait_secs: u64) -> Time {
    let waits = |p: &PagedPerson| {
        let first = p.later.first().filter(|l| l.digest);
        first.filter(|_| p.contacts.is_empty()).map(|l| l.at)
    };
    let mornings: Option<Vec<Time>> = people.iter().map(waits).collect();
    let from = mornings.and_then(|m| m.into_iter().min()).unwrap_or(now);
    from.plus_secs(wait_secs.max(1))
}

/// The steps that are due, without those of people whom the ladder pages anew at this instant.
pub(super) fn due(incident: &Incident, scene: &Scene<'_>, climbed: &[Event]) -> Vec<Event> {
    let anew: BTreeSet<&str> = climbed.iter().flat_map(paged_anew).collect();
    let due = |(id, chase): (&String, &Chase)| {
        let steps = chase.steps.iter();
        let steps = steps.take_while(|s| s.at <= scene.now).count();
        let why = match chase.steps.first() {
            Some(first) if first.digest => "it waited for the morning",
            _ => "nobody has acknowledged",
        };
        (steps > 0 && !anew.contains(id.as_str())).then(|| chased(id, chase, steps, why))
    };
    incident.chase.iter().filter_map(due).collect()
}

fn paged_anew(event: &Event) -> impl Iterator<Item = &str> {
    let people = match event {
        Event::Paged { people, .. } | Event::CatchAll { people, .. } => &people[..],
        _ => &[],
    };
    people.iter().map(|p| p.id.as_str())
}

/// What follows when a page to a contact is given up: the person's next step, when nothing else of
/// this one can arrive.
pub(super) fn failed(incident: &Incident, person: &str, contact: &str) -> Option<Event> {
    let chase = incident.chase.get(person)?;
    let mut of_step = chase.open.union(&chase.arrived).peekable();
    let last = of_step.peek().is_some() && of_step.all(|c| c == contact);
    let why = "the step before did not get through";
    last.then(|| chased(person, chase, 1, why))
}

/// The next step of everybody who need not sleep: nobody else of the rung was reached.
pub(super) fn hurried(incident: &Incident) -> Vec<Event> {
    let awake = |chase: &Chase| chase.steps.first().is_some_and(|s| !s.digest);
    let chases = incident.chase.iter().filter(|(_, chase)| awake(chase));
    chases
        .map(|(id, chase)| chased(id, chase, 1, "nobody else was reached"))
        .collect()
}

/// What a change of severity means: the urgency when it is another one, and who need not wait for
/// the morning any more.
pub(super) fn reconsidered(
    incident: &Incident,
    scene: &Scene<'_>,
    to: Severity,
) -> (Option<Urgency>, Vec<Event>) {
    let service = incident.service.as_deref();
    let (urgency, _) = scene.directory.urgency(to, service, scene.now);
    if urgency == incident.urgency {
        return (None, Vec::new());
    }
    let woken = |(id, chase): (&String, &Chase)| {
        let waits = chase.steps.first().is_some_and(|s| s.digest);
        waits.then(|| chased(id, chase, 1, "it became urgent"))
    };
    let woken = match urgency {
        Urgency::High if incident.status == super::Status::Triggered => {
            let waiting = incident.chase.iter().filter_map(woken);
            waiting.chain(rest::needed(incident, scene)).collect()
        }
        _ => Vec::new(),
    };
    (Some(urgency), woken)
}

fn chased(id: &str, chase: &Chase, steps: usize, why: &str) -> Event {
    let mut contacts: Vec<String> = Vec::new();
    for contact in chase.steps.iter().take(steps).flat_map(|s| &s.contacts) {
        if !contacts.contains(contact) {
            contacts.push(contact.clone());
        }
    }
    Event::Chased {
        person: id.to_owned(),
        name: chase.name.clone(),
        contacts,
        steps: u32::try_from(steps).unwrap_or(u32::MAX),
        digest: chase.steps.first().is_some_and(|s| s.digest),
        why: why.to_owned(),
    }
}

/// Remembers who was paged: what is still to be done for them takes the place of what was.
pub(super) fn paged(incident: &mut Incident, people: &[PagedPerson]) {
    for p in people {
        incident.chase.remove(&p.id);
        if p.later.is_empty() {
            continue;
        }
        let chase = Chase {
            name: p.name.clone(),
            steps: p.later.clone(),
            open: p.contacts.iter().cloned().collect(),
            arrived: BTreeSet::new(),
        };
        incident.chase.insert(p.id.clone(), chase);
    }
}

/// Remembers that somebody has done their part; the others are still to be woken.
pub(super) fn counted(incident: &mut Incident, by: &Actor) {
    incident.agreed.push(by.clone());
    if let Some(id) = by.person() {
        incident.chase.remove(id);
    }
}

/// Remembers that a step was taken.
pub(super) fn stepped(incident: &mut Incident, person: &str, contacts: &[String], steps: u32) {
    let expected = contacts.iter().map(|c| (person.to_owned(), c.clone()));
    incident.awaiting.extend(expected);
    let Some(chase) = incident.chase.get_mut(person) else {
        return;
    };
    let taken = chase.steps.len().min(steps as usize);
    chase.steps.drain(..taken);
    (chase.open, chase.arrived) = (contacts.iter().cloned().collect(), BTreeSet::new());
    if chase.steps.is_empty() {
        incident.chase.remove(person);
    }
}

/// Remembers what came of a page: it arrived, or it did not (any more).
pub(super) fn settled(incident: &mut Incident, person: &str, contact: &str, arrived: bool) {
    let key = (person.to_owned(), contact.to_owned());
    let known = incident.awaiting.remove(&key);
    if known && arrived {
        incident.arrived.insert(key);
    } else if !arrived {
        incident.arrived.remove(&key);
    }
    if let Some(chase) = incident.chase.get_mut(person) {
        if chase.open.remove(contact) && arrived {
            chase.arrived.insert(contact.to_owned());
        } else if !arrived {
            chase.arrived.remove(contact);
        }
    }
}

/// When the next step is due; only while nobody has it.
pub(super) fn next_step(incident: &Incident) -> Option<Time> {
    let firsts = incident.chase.values().filter_map(|c| c.steps.first());
    firsts.map(|s| s.at).min()
}
