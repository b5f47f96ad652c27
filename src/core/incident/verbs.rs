//! Who has it changes hands: given back, given on, opened again, merged; and held by a silence.
//!
//! Promises: each of these ends with somebody being paged, somebody having it, or a deadline at which
//! it goes on. Two people who act on the same sight of an incident get one act, and the later one is
//! told whose it was.

use super::command::{Command, Refusal, Scene};
use super::event::Event;
use super::parts::Ladder;
use super::{Incident, Status, climb, decide as judge, severity::worsened};
use crate::core::directory::Target;
use crate::core::id::{Actor, IncidentId, Seq};
use crate::core::time::Time;
use std::sync::Arc;

/// How long somebody an incident was given to has before they are paged again: the usual first wait
/// of a policy.
const TAKE_SECS: u64 = 5 * 60;
/// How often they are paged again before the catch-all is alarmed.
const TAKE_ROUNDS: u8 = 2;

pub(super) fn decide(
    incident: &Incident,
    scene: &Scene<'_>,
    command: Command,
) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Mute {
            silence,
            words,
            until,
        } => mute(incident, scene, silence, words, until),
        Command::Unmute { why } => {
            if incident.muted.is_none() || !incident.is_open() {
                return Err(nothing("No silence covers it."));
            }
            Ok(unmuted(incident, scene, &why))
        }
        Command::Unacknowledge { by } => unacknowledge(incident, scene, by),
        Command::Reopen { by } => reopen(incident, scene, by),
        Command::Reassign { by, target } => reassign(incident, scene, by, target),
        Command::Merge { by, into, title } => merge(incident, by, into, title),
        Command::Absorb { by, from } => absorb(incident, scene, by, &from),
        // `decide` sends nothing else here.
        _ => Err(nothing("There is nothing to do.")),
    }
}

/// A command given looking at `seq`: whoever was faster since is named.
pub(super) fn as_of(
    incident: &Incident,
    scene: &Scene<'_>,
    seq: Seq,
    command: Command,
) -> Result<Vec<Event>, Refusal> {
    if let Some((changed, by)) = &incident.course
        && *changed > seq
        && !matches!(by, Actor::Firebell)
    {
        let did = match (incident.status, incident.snoozed_until) {
            (Status::Resolved, _) => "resolved it",
            (Status::Acknowledged, Some(_)) => "snoozed it",
            (Status::Acknowledged, None) => "acknowledged it",
            (Status::Triggered, _) => "let it page again",
        };
        return Err(Refusal::Stale {
            now: format!("{} {did}", by.name()),
        });
    }
    judge(incident, scene, command)
}

fn nothing(what: &str) -> Refusal {
    Refusal::NothingToDo {
        what: what.to_owned(),
    }
}

/// Who resolved it, when that was a person.
pub(super) fn resolved_already(incident: &Incident) -> Refusal {
    match &incident.resolved_by {
        Some(by) if !matches!(by, Actor::Firebell) => Refusal::ResolvedBy {
            by: by.name().to_owned(),
        },
        _ => Refusal::AlreadyResolved,
    }
}

fn mute(
    incident: &Incident,
    scene: &Scene<'_>,
    silence: String,
    words: String,
    until: Time,
) -> Result<Vec<Event>, Refusal> {
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    if until <= scene.now {
        return Err(nothing("That silence is over."));
    }
    if let Some(known) = &incident.muted
        && (known.silence == silence && known.until == until)
    {
        return Err(nothing("It is silenced already."));
    }
    Ok(vec![Event::Muted {
        silence,
        words,
        until,
    }])
}

/// The silence no longer covers it. While nobody has it, it pages again.
pub(super) fn unmuted(incident: &Incident, scene: &Scene<'_>, why: &str) -> Vec<Event> {
    let mut events = vec![Event::Unmuted {
        why: why.to_owned(),
    }];
    if incident.status == Status::Triggered {
        events.extend(climb::climb(&without_mute(incident), scene, 0, 0, why));
    }
    events
}

/// The incident as it is once no silence covers it.
pub(super) fn without_mute(incident: &Incident) -> Incident {
    Incident {
        muted: None,
        ..incident.clone()
    }
}

fn unacknowledge(incident: &Incident, scene: &Scene<'_>, by: Actor) -> Result<Vec<Event>, Refusal> {
    match (incident.status, &incident.course) {
        (Status::Resolved, _) => {
            let who = resolved_already(incident);
            Err(nothing(&format!(
                "{who} `reopen {}` makes it page again.",
                incident.id
            )))
        }
        (Status::Triggered, Some((_, who))) => Err(nothing(&format!(
            "Nobody has it: {} let it page again already.",
            who.name()
        ))),
        (Status::Triggered, None) => Err(nothing("Nobody has it: it pages already.")),
        (Status::Acknowledged, _) => {
            let why = format!("{} gave it back", by.name());
            let again = Event::Unacknowledged { by };
            Ok(paging_again(incident, scene, again, &why))
        }
    }
}

fn reopen(incident: &Incident, scene: &Scene<'_>, by: Actor) -> Result<Vec<Event>, Refusal> {
    if let Some(into) = incident.merged_into {
        return Err(nothing(&format!(
            "It was merged into {into} and goes on there."
        )));
    }
    if incident.is_open() {
        let who = incident.course.as_ref().map(|(_, by)| by.name());
        return Err(nothing(&who.map_or_else(
            || "It is open.".to_owned(),
            |who| format!("It is open; {who} was the last to act on it."),
        )));
    }
    let why = format!("reopened by {}", by.name());
    Ok(paging_again(incident, scene, Event::Reopened { by }, &why))
}

/// The fact that it pages again, and the first page.
fn paging_again(incident: &Incident, scene: &Scene<'_>, fact: Event, why: &str) -> Vec<Event> {
    let mut events = vec![fact];
    if incident.muted_at(scene.now).is_none() {
        events.extend(climb::climb(incident, scene, 0, 0, why));
    }
    events
}

fn reassign(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    target: Target,
) -> Result<Vec<Event>, Refusal> {
    if !incident.is_open() {
        return Err(resolved_already(incident));
    }
    let to = target.words();
    let climb::Reached {
        people, skipped, ..
    } = climb::resolve(std::slice::from_ref(&target), scene, incident.turn);
    if people.is_empty() {
        // Giving it to nobody would be losing it.
        let why: Vec<String> = skipped
            .iter()
            .map(|s| format!("{} {}", s.who, s.why))
            .collect();
        return Err(Refusal::Invalid {
            why: format!(
                "Nobody can be paged there ({}), so it stays where it is. Name somebody with a contact.",
                crate::core::text::list(&why)
            ),
        });
    }
    let ladder = Ladder {
        policy: format!("given to {to}"),
        rungs: vec![crate::core::directory::Rung {
            when: crate::core::directory::When::default(),
            targets: vec![target],
            wait_secs: TAKE_SECS,
            acks: 1,
        }],
        repeat: TAKE_ROUNDS,
        remind_secs: None,
        rest_until: None,
    };
    let why = format!("{} gave it to {to}", by.name());
    let theirs = Incident {
        ladder: Arc::new(ladder.clone()),
        muted: None,
        agreed: Vec::new(),
        ..incident.clone()
    };
    let mut events = vec![Event::Reassigned { by, to, ladder }];
    events.extend(climb::climb(&theirs, scene, 0, 0, &why));
    Ok(events)
}

fn merge(
    incident: &Incident,
    by: Actor,
    into: IncidentId,
    title: String,
) -> Result<Vec<Event>, Refusal> {
    if let Some(known) = incident.merged_into {
        return Err(nothing(&format!("It was merged into {known} already.")));
    }
    if into == incident.id {
        return Err(Refusal::Invalid {
            why: "An incident cannot be merged into itself; name another one.".to_owned(),
        });
    }
    if !incident.is_open() {
        return Err(resolved_already(incident));
    }
    Ok(vec![Event::Merged { by, into, title }])
}

fn absorb(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    from: &Incident,
) -> Result<Vec<Event>, Refusal> {
    if !incident.is_open() {
        let why = format!("{} is resolved; merge into one that is open.", incident.id);
        return Err(Refusal::Invalid { why });
    }
    let mut events = vec![Event::Absorbed {
        by,
        from: from.id,
        title: from.title.clone(),
        groups: from.groups().cloned().collect(),
        firing: from.firing.iter().copied().collect(),
        alerts: from.alerts,
        began_at: from.began_at,
    }];
    events.extend(worsened(incident, scene, from.severity));
    Ok(events)
}
