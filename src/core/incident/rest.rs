//! Sleep protection: whoever was woken in the night is passed over for what is not urgent, until an
//! hour the policy names, in favour of others who are there for it.
//!
//! Promises: high urgency never asks; nobody is spared when that would leave the incident without
//! anybody, or a step without the people it needs; whoever is awake for this very incident goes on.
//! Only the first climb of the ladder spares: when nobody has acknowledged, everybody counts.

use super::climb::{self, Reached};
use super::command::Scene;
use super::event::Event;
use super::parts::{PagedPerson, Skipped};
use super::{Climb, Incident, Status, reach};
use crate::core::directory::{Urgency, WEBHOOK};
use crate::core::hours::rests_until;
use crate::core::schedule::spoken;

/// Why somebody is left in peace with this; `None`: they are not.
pub(super) fn tired(incident: &Incident, scene: &Scene<'_>, person: &str) -> Option<String> {
    let low = incident.urgency == Urgency::Low;
    let until = incident.ladder.rest_until.filter(|_| low)?;
    if incident.paged.contains_key(person) {
        return None;
    }
    let at = *scene.directory.nights.get(person)?;
    let zone = scene.directory.people.get(person)?.zone;
    let until = rests_until(at, zone, until).filter(|until| scene.now < *until)?;
    Some(format!(
        "was paged in the night, at {}, and is spared what is not urgent until {}",
        spoken(at, zone),
        spoken(until, zone)
    ))
}

/// Takes those who rest out of a step, with the reason. True: nobody is left of it, and somebody
/// further up is to have it at once.
pub(super) fn spare(
    incident: &Incident,
    scene: &Scene<'_>,
    (round, rung): (u8, usize),
    reached: &mut Reached,
) -> bool {
    let Some(step) = incident.ladder.rungs.get(rung).filter(|_| round == 0) else {
        return false;
    };
    let why = |p: &PagedPerson| tired(incident, scene, &p.id);
    if !reached.people.iter().any(|p| why(p).is_some()) {
        return false;
    }
    let awake = |p: &&PagedPerson| !p.id.starts_with(WEBHOOK) && why(p).is_none();
    let left = reached.people.iter().filter(awake).count();
    let enough = left >= usize::from(step.acks.max(1));
    if !enough && (left > 0 || !somebody_above(incident, scene, rung)) {
        return false;
    }
    for person in std::mem::take(&mut reached.people) {
        match why(&person) {
            None => reached.people.push(person),
            Some(why) => reached.skipped.push(Skipped {
                who: format!("person {}", person.id),
                why,
            }),
        }
    }
    !enough
}

/// Whether a later step that counts now has somebody who does not rest.
fn somebody_above(incident: &Incident, scene: &Scene<'_>, rung: usize) -> bool {
    let above = incident.ladder.rungs.iter().skip(rung + 1);
    let mut counting = above.filter(|step| climb::not_now(incident, scene, step).is_none());
    counting.any(|step| {
        let reached = climb::resolve(&step.targets, scene, incident.turn);
        let awake =
            |p: &PagedPerson| !p.id.starts_with(WEBHOOK) && tired(incident, scene, &p.id).is_none();
        reached.people.iter().any(awake)
    })
}

/// It became urgent: whoever was spared on the steps climbed so far is paged now.
pub(super) fn needed(incident: &Incident, scene: &Scene<'_>) -> Option<Event> {
    let Climb::Next { round, rung, .. } = incident.climb else {
        return None;
    };
    if incident.status != Status::Triggered || incident.muted_at(scene.now).is_some() {
        return None;
    }
    let climbed = if round == 0 { rung } else { usize::MAX };
    let targets: Vec<_> = (incident.ladder.rungs.iter().take(climbed))
        .flat_map(|step| step.targets.iter().cloned())
        .collect();
    let mut people = climb::resolve(&targets, scene, incident.turn).people;
    people.retain(|p| tired(incident, scene, &p.id).is_some());
    if people.is_empty() {
        return None;
    }
    Some(Event::Paged {
        rung: None,
        people: reach::by_rules(people, Urgency::High, scene),
        channels: Vec::new(),
        skipped: Vec::new(),
        why: "it became urgent".to_owned(),
        next_due: None,
    })
}
