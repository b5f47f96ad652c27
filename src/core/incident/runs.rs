//! Runbook actions: ask, approve, release, end.
//!
//! Promises: nothing runs unreleased; a released run is released once; whoever asked does not
//! count among the approvers; what is started is exactly what everybody saw, because the argv is
//! in the journal before anyone can approve it.

use super::command::{Refusal, Scene};
use super::event::Event;
use super::parts::Outcome;
use super::{Incident, Run, RunState};
use crate::core::action;
use crate::core::directory::Action;
use crate::core::id::{Actor, RunId};
use crate::core::role;
use crate::core::time::Time;
use std::collections::BTreeMap;

/// The earliest time a pending request lapses.
pub(super) fn next_expiry(incident: &Incident) -> Option<Time> {
    incident
        .runs
        .values()
        .filter_map(|r| {
            if let RunState::Asked { expires } = r.state {
                Some(expires)
            } else {
                None
            }
        })
        .min()
}

/// Requests that have lapsed.
pub(super) fn expired(incident: &Incident, now: Time) -> Vec<Event> {
    let lapsed = |r: &Run| matches!(r.state, RunState::Asked { expires } if expires <= now);
    incident
        .runs
        .iter()
        .filter(|(_, r)| lapsed(r))
        .map(|(id, _)| Event::RunExpired { run: *id })
        .collect()
}

pub(super) fn ask(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    run: RunId,
    action: &Action,
    args: &BTreeMap<String, String>,
) -> Result<Vec<Event>, Refusal> {
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    role::may_run(&by, action, scene.directory)?;
    action::offered(action, incident.service.as_deref(), &incident.labels)
        .map_err(|why| Refusal::Invalid { why })?;
    let argv =
        action::bind(action, args, &incident.labels).map_err(|why| Refusal::Invalid { why })?;
    Ok(vec![Event::RunAsked {
        run,
        action: action.id.clone(),
        title: action.title.clone(),
        digest: action.digest.clone(),
        argv,
        by,
        needs: action.approvals,
        expires: scene.now.plus_ms(action.approval_ttl_ms),
    }])
}

pub(super) fn approve(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    run: RunId,
) -> Result<Vec<Event>, Refusal> {
    let asked = pending(incident, run)?;
    let action = scene
        .directory
        .actions
        .get(&asked.action)
        .ok_or_else(|| Refusal::Stale {
            now: format!("the action {} is no longer configured", asked.action),
        })?;
    if action.digest != asked.digest {
        return Err(Refusal::Stale {
            now: format!("the file of {} was changed; ask again", asked.action),
        });
    }
    role::may_run(&by, action, scene.directory)?;
    role::may_run(&asked.by, action, scene.directory)?;
    if asked.needs == 0 {
        return Ok(vec![
            Event::RunApproved { run, by },
            Event::RunReleased { run },
        ]);
    }
    if by.same(&asked.by) {
        return Err(Refusal::Forbidden {
            why: format!(
                "{} asked for this run and cannot approve it. Somebody else has to.",
                by.name()
            ),
        });
    }
    if asked.approved.iter().any(|a| a.same(&by)) {
        return Err(Refusal::NothingToDo {
            what: "You have already approved this run.".to_owned(),
        });
    }
    let enough = asked.approved.len() + 1 >= usize::from(asked.needs);
    let mut events = vec![Event::RunApproved { run, by }];
    if enough {
        events.push(Event::RunReleased { run });
    }
    Ok(events)
}

pub(super) fn reject(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    run: RunId,
) -> Result<Vec<Event>, Refusal> {
    let asked = pending(incident, run)?;
    if !by.same(&asked.by)
        && let Some(action) = scene.directory.actions.get(&asked.action)
    {
        role::may_run(&by, action, scene.directory)?;
    }
    Ok(vec![Event::RunRejected { run, by }])
}

pub(super) fn started(incident: &Incident, run: RunId) -> Result<Vec<Event>, Refusal> {
    match incident.runs.get(&run).map(|r| &r.state) {
        Some(RunState::Released) => Ok(vec![Event::RunStarted { run }]),
        _ => Err(Refusal::NothingToDo {
            what: format!("{run} is not waiting to be started."),
        }),
    }
}

pub(super) fn ended(incident: &Incident, event: Event, run: RunId) -> Result<Vec<Event>, Refusal> {
    match incident.runs.get(&run).map(|r| &r.state) {
        Some(RunState::Released | RunState::Running) => Ok(vec![event]),
        // The truth arrived after all: an unknown outcome may be replaced by a known one, once.
        Some(RunState::Ended(Outcome::Unknown { .. }))
            if !matches!(
                event,
                Event::RunEnded {
                    outcome: Outcome::Unknown { .. },
                    ..
                }
            ) =>
        {
            Ok(vec![event])
        }
        _ => Err(Refusal::NothingToDo {
            what: format!("{run} is not running."),
        }),
    }
}

fn pending(incident: &Incident, run: RunId) -> Result<&Run, Refusal> {
    let found = incident.runs.get(&run).ok_or_else(|| Refusal::Invalid {
        why: format!("{run} is not a run of incident {}.", incident.id),
    })?;
    match &found.state {
        RunState::Asked { .. } => Ok(found),
        RunState::Released | RunState::Running => Err(Refusal::Stale {
            now: format!("{run} was already released"),
        }),
        RunState::Ended(outcome) => Err(Refusal::Stale {
            now: format!("{run} is over: {}", outcome.word()),
        }),
    }
}
