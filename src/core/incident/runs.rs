//! Runbook actions: ask, approve, release, end.
//!
//! Promises: nothing runs unreleased; a released run is released once; whoever asked does not
//! count among the approvers; what is started is exactly what everybody saw, because the argv is
//! in the journal before anyone can approve it.

use super::command::{Ask, Refusal, Scene};
use super::event::Event;
use super::parts::{Outcome, Terms};
use super::{Incident, Record, Run, RunState};
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

/// A run somebody wishes.
pub(super) struct Wish<'a> {
    /// The number it gets.
    pub run: RunId,
    /// As configured now.
    pub action: &'a Action,
    /// As given, unchecked.
    pub args: &'a BTreeMap<String, String>,
    /// Why and in which way.
    pub ask: &'a Ask,
}

pub(super) fn ask(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    wish: &Wish<'_>,
) -> Result<Vec<Event>, Refusal> {
    let Wish {
        run,
        action,
        args,
        ask,
    } = *wish;
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    role::may_run(&by, action, scene.directory)?;
    action::offered(action, incident.service.as_deref(), &incident.labels)
        .map_err(|why| Refusal::Invalid { why })?;
    let plan =
        action::bind(action, args, &incident.labels).map_err(|why| Refusal::Invalid { why })?;
    let terms = Terms {
        reason: ask.reason.clone(),
        auto: ask.auto,
        undoes: ask.undoes,
        ..terms(incident, action, &plan)
    };
    Ok(vec![Event::RunAsked {
        run,
        action: action.id.clone(),
        title: action.title.clone(),
        digest: action.digest.clone(),
        argv: plan.argv,
        by,
        needs: action.approvals(),
        expires: scene.now.plus_ms(action.approval.request_ttl_ms),
        terms: Box::new(terms),
    }])
}

/// Everything of the plan that approvers agree to.
fn terms(incident: &Incident, action: &Action, plan: &action::Plan) -> Terms {
    let environment = action::environment(&incident.labels).map(str::to_owned);
    Terms {
        subject: plan.subject(action, incident.id, environment.as_deref()),
        target: plan.target.clone(),
        class: Some(action.class),
        risk: Some(action.risk),
        environment,
        idempotent: action.idempotent,
        args: plan.args.clone(),
        dry_run: plan.dry_run.clone(),
        locks: plan.locks.clone(),
        required: action.approval.required.clone(),
        four_eyes: action.approval.four_eyes,
        valid_for_ms: action.approval.valid_for_ms,
        ..Terms::default()
    }
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
        return Ok(vec![approved(asked, run, by), Event::RunReleased { run }]);
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
    let mut events = vec![approved(asked, run, by)];
    if enough {
        events.push(Event::RunReleased { run });
    }
    Ok(events)
}

fn approved(asked: &Run, run: RunId, by: Actor) -> Event {
    let subject = asked.terms.subject.clone();
    Event::RunApproved { run, by, subject }
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

/// The "only look" mode is over; approvers see what it wrote.
pub(super) fn rehearsed(
    incident: &Incident,
    run: RunId,
    outcome: Outcome,
    tail: String,
    digest: String,
) -> Result<Vec<Event>, Refusal> {
    pending(incident, run)?;
    Ok(vec![Event::RunRehearsed {
        run,
        outcome,
        tail,
        digest,
    }])
}

/// Stopping is open to whoever may run it, and to whoever asked for it.
pub(super) fn cancel(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    run: RunId,
) -> Result<Vec<Event>, Refusal> {
    let found = known(incident, run)?;
    if !by.same(&found.by)
        && let Some(action) = scene.directory.actions.get(&found.action)
    {
        role::may_run(&by, action, scene.directory)?;
    }
    match &found.state {
        RunState::Asked { .. } => Ok(vec![Event::RunRejected { run, by }]),
        RunState::Queued { .. } | RunState::Released | RunState::Running => {
            if let Some(first) = &found.cancel {
                return Err(Refusal::NothingToDo {
                    what: format!("{} has already asked {run} to stop.", first.name()),
                });
            }
            let mut events = vec![Event::RunCancelAsked {
                run,
                by: by.clone(),
            }];
            if matches!(found.state, RunState::Queued { .. }) {
                // Nobody else would end it: it was never released.
                events.push(Event::RunEnded {
                    run,
                    outcome: Outcome::NotStarted {
                        why: format!("{} stopped it before it started", by.name()),
                    },
                    duration_ms: 0,
                    bytes: 0,
                    tail: String::new(),
                    notes: Vec::new(),
                });
            }
            Ok(events)
        }
        RunState::Ended(outcome) => Err(Refusal::Stale {
            now: format!("{run} is over: {}", outcome.word()),
        }),
    }
}

/// A person looked at the target and says how a run with an unknown outcome went.
pub(super) fn settle(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    run: RunId,
    good: bool,
    note: String,
) -> Result<Vec<Event>, Refusal> {
    let found = known(incident, run)?;
    if let Some(action) = scene.directory.actions.get(&found.action) {
        role::may_run(&by, action, scene.directory)?;
    } else if by.person().is_none() {
        return Err(Refusal::Forbidden {
            why: format!(
                "{} is not linked to a person of the directory; settling a run needs one.",
                by.name()
            ),
        });
    }
    if let Some((first, _)) = &found.settled {
        return Err(Refusal::Stale {
            now: format!("{} has already settled {run}", first.name()),
        });
    }
    match &found.state {
        RunState::Ended(Outcome::Unknown { .. }) => Ok(vec![Event::RunSettled {
            run,
            by,
            good,
            note,
        }]),
        RunState::Ended(outcome) => Err(Refusal::Stale {
            now: format!("the outcome of {run} is known: {}", outcome.word()),
        }),
        _ => Err(Refusal::NothingToDo {
            what: format!("{run} is not over; there is nothing to settle."),
        }),
    }
}

fn known(incident: &Incident, run: RunId) -> Result<&Run, Refusal> {
    incident.runs.get(&run).ok_or_else(|| Refusal::Invalid {
        why: format!("{run} is not a run of incident {}.", incident.id),
    })
}

fn pending(incident: &Incident, run: RunId) -> Result<&Run, Refusal> {
    let found = known(incident, run)?;
    match &found.state {
        RunState::Asked { .. } => Ok(found),
        RunState::Queued { .. } | RunState::Released | RunState::Running => Err(Refusal::Stale {
            now: format!("{run} was already released"),
        }),
        RunState::Ended(outcome) => Err(Refusal::Stale {
            now: format!("{run} is over: {}", outcome.word()),
        }),
    }
}

/// What an event about a run changes.
pub(super) fn evolve(incident: &mut Incident, record: &Record) {
    let at = record.at;
    match &record.event {
        Event::RunAsked {
            run,
            action,
            title,
            digest,
            argv,
            by,
            needs,
            expires,
            terms,
        } => {
            let asked = Run {
                action: action.clone(),
                title: title.clone(),
                argv: argv.clone(),
                digest: digest.clone(),
                by: by.clone(),
                needs: *needs,
                approved: Vec::new(),
                terms: terms.clone(),
                rehearsed: None,
                cancel: None,
                settled: None,
                state: RunState::Asked { expires: *expires },
                asked_seq: record.seq,
                asked_at: at,
                ended_at: None,
            };
            incident.runs.insert(*run, asked);
        }
        Event::RunRehearsed {
            run, outcome, tail, ..
        } => change(incident, *run, |r| {
            r.rehearsed = Some((outcome.clone(), tail.clone()));
        }),
        Event::RunApproved { run, by, .. } => {
            change(incident, *run, |r| r.approved.push(by.clone()));
        }
        Event::RunRejected { run, by } => {
            let why = format!("rejected by {}", by.name());
            change(incident, *run, |r| r.end(Outcome::NotStarted { why }, at));
        }
        Event::RunExpired { run } => {
            let why = "nobody approved it in time".to_owned();
            change(incident, *run, |r| r.end(Outcome::NotStarted { why }, at));
        }
        Event::RunQueued { run, until, .. } => {
            change(incident, *run, |r| {
                r.state = RunState::Queued { until: *until }
            });
        }
        Event::RunReleased { run } => change(incident, *run, |r| r.state = RunState::Released),
        Event::RunStarted { run } => change(incident, *run, |r| r.state = RunState::Running),
        Event::RunEnded { run, outcome, .. } => {
            change(incident, *run, |r| r.end(outcome.clone(), at));
        }
        Event::RunCancelAsked { run, by } => {
            change(incident, *run, |r| r.cancel = Some(by.clone()));
        }
        Event::RunSettled { run, by, good, .. } => {
            change(incident, *run, |r| r.settled = Some((by.clone(), *good)));
        }
        _ => {}
    }
}

fn change(incident: &mut Incident, run: RunId, how: impl FnOnce(&mut Run)) {
    if let Some(run) = incident.runs.get_mut(&run) {
        how(run);
    }
}

impl Run {
    fn end(&mut self, outcome: Outcome, at: Time) {
        self.state = RunState::Ended(outcome);
        self.ended_at = Some(at);
    }
}
