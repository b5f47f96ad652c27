//! Climbing the ladder: who is paged next, and what happens when nobody can be.
//!
//! Promises: a climb always ends in somebody being alarmed or in a line that says, everywhere,
//! that nobody could be; and it always moves the deadline, so time can never stand still.
//! Deadlines are absolute instants in the journal. A late engine climbs one rung per deadline it
//! finds in the past, counted from now: a backlog never turns into a volley of pages.

use super::command::Scene;
use super::event::{Event, PagedPerson, Skipped};
use super::{Climb, Incident};
use crate::core::directory::Target;
use crate::core::time::Time;
use std::collections::BTreeSet;

/// From one alarm of the catch-all to the next; doubles each time, up to a day.
/// Half an hour: long enough to act on the first, short enough that a missed one is not the night.
const CATCH_ALL_EVERY_SECS: u64 = 30 * 60;
/// When not even the catch-all could be alarmed, try again this soon.
const NOBODY_AT_ALL_SECS: u64 = 5 * 60;
const DAY_SECS: u64 = 86_400;

/// Who a list of targets means at this instant, and who of them cannot be paged.
pub(super) fn resolve(targets: &[Target], scene: &Scene<'_>) -> (Vec<PagedPerson>, Vec<Skipped>) {
    let (mut people, mut skipped, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for target in targets {
        for (id, why) in members(target, scene, &mut skipped) {
            if !seen.insert(id.clone()) {
                continue;
            }
            match scene.directory.people.get(&id) {
                Some(p) if !p.contacts.is_empty() => people.push(PagedPerson {
                    id,
                    name: p.name.clone(),
                    why,
                    contacts: p.contacts.iter().map(|c| c.name.clone()).collect(),
                }),
                Some(_) => skipped.push(Skipped {
                    who: format!("person {id}"),
                    why: "has no contact".to_owned(),
                }),
                None => skipped.push(Skipped {
                    who: format!("person {id}"),
                    why: "is not in the directory".to_owned(),
                }),
            }
        }
    }
    (people, skipped)
}

fn members(
    target: &Target,
    scene: &Scene<'_>,
    skipped: &mut Vec<Skipped>,
) -> Vec<(String, String)> {
    let mut skip = |why: &str| {
        skipped.push(Skipped {
            who: target.words(),
            why: why.to_owned(),
        });
    };
    match target {
        Target::Person(id) => vec![(id.clone(), "named by the policy".to_owned())],
        Target::Team(id) => match scene.directory.teams.get(id) {
            Some(team) if !team.members.is_empty() => team
                .members
                .iter()
                .map(|m| (m.clone(), format!("member of team {}", team.name)))
                .collect(),
            Some(_) => {
                skip("has no members");
                Vec::new()
            }
            None => {
                skip("is not in the directory");
                Vec::new()
            }
        },
        Target::Schedule(id) => match scene.directory.schedules.get(id) {
            Some(schedule) => {
                let turn = schedule.on_call(scene.now);
                if turn.people.is_empty() {
                    skip("nobody is on call");
                }
                let why = format!(
                    "on call on {} until {}",
                    schedule.name,
                    schedule.local(turn.until)
                );
                turn.people.into_iter().map(|p| (p, why.clone())).collect()
            }
            None => {
                skip("is not in the directory");
                Vec::new()
            }
        },
    }
}

/// Climbs from `round`/`rung`: the first rung that reaches somebody, else the catch-all.
pub(super) fn climb(
    incident: &Incident,
    scene: &Scene<'_>,
    round: u8,
    rung: usize,
    why: &str,
) -> Vec<Event> {
    let ladder = &incident.ladder;
    let mut events = Vec::new();
    let (mut round, mut rung) = (round, rung);
    if ladder.rungs.is_empty() {
        let why = if ladder.policy.is_empty() {
            "no escalation policy applies".to_owned()
        } else {
            format!("policy {} has no steps", ladder.policy)
        };
        return vec![catch_all(scene, 0, &why)];
    }
    // As many skips in a row as there are rungs: the whole ladder reaches nobody at this instant.
    while events.len() < ladder.rungs.len() {
        if rung >= ladder.rungs.len() {
            if round >= ladder.repeat {
                break;
            }
            (round, rung) = (round + 1, 0);
        }
        let step = &ladder.rungs[rung];
        let (people, skipped) = resolve(&step.targets, scene);
        let at = (round, u32::try_from(rung).unwrap_or(u32::MAX));
        if people.is_empty() {
            events.push(Event::RungSkipped { rung: at, skipped });
            rung += 1;
            continue;
        }
        let why = if events.is_empty() {
            why.to_owned()
        } else {
            format!("{why}; the step before reached nobody")
        };
        let next_due = Some(scene.now.plus_secs(step.wait_secs.max(1)));
        events.push(Event::Paged {
            rung: Some(at),
            people,
            skipped,
            why,
            next_due,
        });
        return events;
    }
    let why = if events.len() == ladder.rungs.len() {
        "nobody on the ladder could be paged"
    } else {
        "the whole ladder was climbed and nobody acknowledged"
    };
    events.push(catch_all(scene, 0, why));
    events
}

/// Alarms the catch-all for the `times`-th time (from 0).
pub(super) fn catch_all(scene: &Scene<'_>, times: u32, why: &str) -> Event {
    let (people, skipped) = resolve(&scene.directory.catch_all, scene);
    let wait = if people.is_empty() {
        NOBODY_AT_ALL_SECS
    } else {
        CATCH_ALL_EVERY_SECS
            .saturating_mul(1 << times.min(6))
            .min(DAY_SECS)
    };
    Event::CatchAll {
        people,
        skipped,
        why: why.to_owned(),
        next_due: scene.now.plus_secs(wait),
    }
}

/// What is due on the ladder at `scene.now`; empty when nothing is.
pub(super) fn due(incident: &Incident, scene: &Scene<'_>) -> Vec<Event> {
    match incident.climb {
        Climb::Next { round, rung, due } if due <= scene.now => {
            let why = match (round, rung) {
                (0, 0) => "it was opened".to_owned(),
                (r, 0) => format!("nobody acknowledged; round {}", r + 1),
                _ => "nobody acknowledged in time".to_owned(),
            };
            climb(incident, scene, round, rung, &why)
        }
        Climb::Exhausted { times, due } if due <= scene.now => {
            vec![catch_all(scene, times, "still nobody has acknowledged")]
        }
        _ => Vec::new(),
    }
}

/// The rung after the last one climbed, for "escalate now" and for a rung that failed to arrive.
pub(super) fn next_now(incident: &Incident, scene: &Scene<'_>, why: &str) -> Vec<Event> {
    match incident.climb {
        Climb::Next { round, rung, .. } => climb(incident, scene, round, rung, why),
        Climb::Exhausted { times, .. } => vec![catch_all(scene, times, why)],
        Climb::Resting => climb(incident, scene, 0, 0, why),
    }
}

/// Starts the ladder again from its first rung, now: whoever had it no longer does.
pub(super) fn retrigger(incident: &Incident, scene: &Scene<'_>, why: &str) -> Vec<Event> {
    if let Some(mute) = incident.muted_at(scene.now) {
        // Nobody has it any more, and nobody is paged for it before the silence ends.
        return vec![Event::Retriggered {
            why: why.to_owned(),
            due: mute.until,
        }];
    }
    let mut events = vec![Event::Retriggered {
        why: why.to_owned(),
        due: scene.now,
    }];
    events.extend(climb(incident, scene, 0, 0, why));
    events
}

/// The state after the rung at `(round, rung)` was climbed.
pub(super) fn after(round: u8, rung: u32, due: Time) -> Climb {
    Climb::Next {
        round,
        rung: rung as usize + 1,
        due,
    }
}
