//! Runbook actions: ask, approve, release, end.
//!
//! Promises: nothing runs unreleased; a released run is released once; whoever asked does not
//! count among the approvers under four eyes; what is started is exactly what everybody saw, because
//! the argv is in the journal before anyone can approve it; and the rules (`core::verdict`) are asked
//! at every step, the release included.

use super::agree::{LAPSED, approve, reject, waits};
use super::command::{Ask, Command, Refusal, Scene};
use super::event::Event;
use super::gate::{capped, checks, release, undoes, waits_no_more};
use super::opening::after;
use super::parts::{Outcome, Terms};
use super::{Climb, Held, Incident, Record, Run, RunState};
use crate::core::brakes::failed;
use crate::core::directory::Action;
use crate::core::id::{Actor, RunId};
use crate::core::text::cut;
use crate::core::time::Time;
use crate::core::verdict::{self, Case, Scope};
use crate::core::{action, automation, digest, role};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Characters of a reason.
const REASON_CHARS: usize = 500;

/// Where somebody does it, and what they saw.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner<'a> {
    /// `console`, `api`, or a chat platform by name.
    pub door: Option<&'a str>,
    /// The subject the button or form was drawn with, at least its first characters.
    pub seen: Option<&'a str>,
}

/// What people ask of runs.
pub(super) fn decide(
    incident: &Incident,
    scene: &Scene<'_>,
    manner: Manner<'_>,
    command: Command,
) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Through {
            door,
            seen,
            command,
        } => {
            let (door, seen) = (Some(door.as_str()), seen.as_deref());
            decide(incident, scene, Manner { door, seen }, *command)
        }
        Command::AskRun {
            by,
            run,
            action,
            args,
            ask,
        } => {
            let wish = Wish {
                run,
                action: &action,
                args: &args,
                ask: &ask,
            };
            self::ask(incident, scene, by, &wish, manner)
        }
        Command::ApproveRun { by, run } => approve(incident, scene, by, run, manner),
        Command::RejectRun { by, run } => reject(incident, scene, by, run),
        Command::CancelRun { by, run } => cancel(incident, scene, by, run),
        Command::SettleRun {
            by,
            run,
            good,
            note,
        } => settle(incident, scene, by, run, good, note),
        other => super::decide(incident, scene, other),
    }
}

/// A run somebody wishes.
pub(in crate::core) struct Wish<'a> {
    /// The number it gets.
    pub run: RunId,
    /// As configured now.
    pub action: &'a Action,
    /// As given, unchecked.
    pub args: &'a BTreeMap<String, String>,
    /// Why and in which way.
    pub ask: &'a Ask,
}

/// The request for a run that starts by itself, if the rules let it.
///
/// # Errors
/// When they do not, its arguments cannot be bound, or it ran often enough.
pub(in crate::core) fn ask_by_itself(
    incident: &Incident,
    scene: &Scene<'_>,
    wish: &Wish<'_>,
) -> Result<Event, Refusal> {
    capped(incident, scene, wish.run, wish.action)?;
    asked(incident, scene, automation::BY, wish, Manner::default())
}

pub(super) fn ask(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    wish: &Wish<'_>,
    manner: Manner<'_>,
) -> Result<Vec<Event>, Refusal> {
    let looks = wish.ask.dry.then(|| only_look(wish.action)).transpose()?;
    let wish = &Wish {
        action: looks.as_ref().unwrap_or(wish.action),
        ..*wish
    };
    let Wish {
        run, action, ask, ..
    } = *wish;
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    if by != Actor::Firebell || ask.auto.is_none() {
        role::may_run(&by, action, scene.directory)?;
    }
    if let Some(undone) = ask.undoes {
        undoes(incident, scene, undone, action)?;
    }
    if let Some(checked) = ask.checks {
        checks(incident, scene, checked, action)?;
    }
    let event = asked(incident, scene, by, wish, manner)?;
    capped(incident, scene, run, action)?;
    if let Event::RunAsked { terms, .. } = &event
        && terms.wait_ms == 0
        && let Err(busy) = scene.brakes.free(run, &terms.locks, scene.now)
    {
        // Said now, before anybody is asked to approve what cannot start.
        return Err(Refusal::Busy {
            why: busy.words(scene.directory.zone),
            incident: busy.with.incident,
        });
    }
    at_once(incident, scene, run, event)
}

/// What only looks because somebody pressed for exactly that waits for no second press.
fn at_once(
    incident: &Incident,
    scene: &Scene<'_>,
    run: RunId,
    asked: Event,
) -> Result<Vec<Event>, Refusal> {
    let Event::RunAsked {
        by, needs, terms, ..
    } = &asked
    else {
        return Ok(vec![asked]);
    };
    let presses = terms.dry || terms.checks.is_some();
    if !presses || *needs > 0 || terms.rehearse {
        return Ok(vec![asked]);
    }
    let agreed = Event::RunApproved {
        run,
        by: by.clone(),
        subject: terms.subject.clone(),
    };
    let mut events = vec![asked, agreed];
    let mut then = incident.clone();
    after(&mut then, scene, &events);
    let released = known(&then, run).and_then(|r| release(&then, scene, run, r))?;
    events.extend(released);
    Ok(events)
}

/// The "only look" mode of an action, as an action of its own.
fn only_look(action: &Action) -> Result<Action, Refusal> {
    action.looking().ok_or_else(|| Refusal::Invalid {
        why: format!(
            "`{}` has no dry run: its file names no `dry-run` in [run]. Nothing was done.",
            action.id
        ),
    })
}

/// The request as an event: allowed by the rules, checked, bound, with everything that is agreed on.
fn asked(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    wish: &Wish<'_>,
    manner: Manner<'_>,
) -> Result<Event, Refusal> {
    let Wish {
        run,
        action,
        args,
        ask,
    } = *wish;
    action::offered(action, incident.service.as_deref(), &incident.labels())
        .map_err(|why| Refusal::Invalid { why })?;
    if !incident.nature.permits(action.class) {
        return Err(Refusal::Forbidden {
            why: incident.nature.why_not(),
        });
    }
    let plan =
        action::bind(action, args, &incident.labels()).map_err(|why| Refusal::Invalid { why })?;
    let verdict = verdict::judge(&Case {
        who: &by,
        action,
        scope: Scope::of(incident),
        at: scene.now,
        door: manner.door,
        directory: scene.directory,
    });
    if !verdict.allowed {
        return Err(Refusal::Forbidden { why: verdict.said });
    }
    let reason = ask.reason.as_deref().map(|r| cut(r.trim(), REASON_CHARS));
    let reason = reason.filter(|r| !r.is_empty());
    let broken = if ask.break_glass {
        broken(incident, scene, &by, action, reason.as_deref())?
    } else {
        Terms::default()
    };
    let terms = Terms {
        reason,
        auto: ask.auto,
        undoes: ask.undoes,
        dry: ask.dry,
        checks: ask.checks,
        verdict: verdict.lines(),
        door: manner.door.map(str::to_owned),
        ..terms(incident, action, &plan, broken)
    };
    Ok(Event::RunAsked {
        run,
        action: action.id.clone(),
        title: action.title.clone(),
        digest: action.digest.clone(),
        argv: plan.argv,
        by,
        needs: if terms.break_glass {
            0
        } else {
            action.approvals()
        },
        expires: scene.now.plus_ms(action.approval.request_ttl_ms),
        terms: Box::new(terms),
    })
}

/// What a broken glass makes of the terms.
fn broken(
    incident: &Incident,
    scene: &Scene<'_>,
    by: &Actor,
    action: &Action,
    reason: Option<&str>,
) -> Result<Terms, Refusal> {
    if action.approvals() == 0 {
        return Err(Refusal::Invalid {
            why: format!(
                "`{}` needs no approval; run it without breaking a glass.",
                action.id
            ),
        });
    }
    verdict::may_break(by, action, incident, scene.directory)
        .map_err(|why| Refusal::Forbidden { why })?;
    if reason.is_none() {
        return Err(Refusal::Invalid {
            why: "Passing over an approval needs a reason: `--break-glass \"why\"`.".to_owned(),
        });
    }
    let glass = action.approval.break_glass.as_ref();
    Ok(Terms {
        break_glass: true,
        told: glass.map(|g| g.notify.clone()).unwrap_or_default(),
        ..Terms::default()
    })
}

/// Everything of the plan that approvers agree to.
fn terms(incident: &Incident, action: &Action, plan: &action::Plan, base: Terms) -> Terms {
    let environment = incident.environment().map(str::to_owned);
    let first = action.approval.dry_run_first && !base.break_glass;
    Terms {
        subject: plan.subject(action, incident.id, environment.as_deref()),
        target: plan.target.clone(),
        class: Some(action.class),
        risk: Some(action.risk),
        environment,
        idempotent: action.idempotent,
        args: plan.args.clone(),
        dry_run: plan.dry_run.clone(),
        rehearse: first && !plan.dry_run.is_empty(),
        locks: plan.locks.clone(),
        required: action.approval.required.clone(),
        four_eyes: action.approval.four_eyes,
        valid_for_ms: action.approval.valid_for_ms,
        wait_ms: action.lock.wait_ms,
        cooldown_ms: action.lock.cooldown_ms,
        unknown_ttl_ms: action.lock.unknown_ttl_ms,
        ..base
    }
}

pub(super) fn started(incident: &Incident, run: RunId) -> Result<Vec<Event>, Refusal> {
    match incident.runs.get(&run).map(|r| &r.state) {
        Some(RunState::Released) => Ok(vec![Event::RunStarted { run }]),
        _ => Err(Refusal::NothingToDo {
            what: format!("{run} is not waiting to be started."),
        }),
    }
}

pub(super) fn ended(
    incident: &Incident,
    scene: &Scene<'_>,
    event: Event,
    run: RunId,
) -> Result<Vec<Event>, Refusal> {
    match incident.runs.get(&run).map(|r| &r.state) {
        Some(RunState::Released | RunState::Running) => {
            let bad =
                matches!(&event, Event::RunEnded { outcome, .. } if failed(outcome) == Some(true));
            let tripped = bad.then(|| automation::tripped(incident, scene, run));
            Ok(std::iter::once(event).chain(tripped.flatten()).collect())
        }
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
    known(incident, run).and_then(|r| waits(r, run))?;
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
        RunState::Asked { .. } | RunState::Armed { .. } => Ok(vec![Event::RunRejected { run, by }]),
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

pub(super) fn known(incident: &Incident, run: RunId) -> Result<&Run, Refusal> {
    let found = incident.runs.get(&run).map(Arc::as_ref);
    found.ok_or_else(|| Refusal::Invalid {
        why: format!("{run} is not a run of incident {}.", incident.id),
    })
}

/// What an event about a run changes.
#[expect(clippy::too_many_lines, reason = "one arm for each event")]
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
                approved_at: None,
                terms: terms.clone(),
                rehearsed: None,
                rehearsed_seq: 0,
                cancel: None,
                settled: None,
                seen: None,
                ended_seq: 0,
                state: RunState::Asked { expires: *expires },
                asked_seq: record.seq,
                asked_at: at,
                ended_at: None,
            };
            incident.runs.insert(*run, Arc::new(asked));
        }
        Event::RunRehearsed {
            run,
            outcome,
            tail,
            digest,
        } => change(incident, *run, |r| {
            r.rehearsed = Some((outcome.clone(), tail.clone()));
            r.rehearsed_seq = record.seq;
            // What it wrote is part of what is agreed on from now on.
            r.terms.subject = digest::of([r.terms.subject.as_str(), digest]);
            r.approved.clear();
        }),
        Event::RunApproved { run, by, .. } => change(incident, *run, |r| {
            r.approved.push(by.clone());
            r.approved_at = Some(at);
        }),
        Event::RunRejected { run, by } => {
            let why = format!("rejected by {}", by.name());
            change(incident, *run, |r| r.end(Outcome::NotStarted { why }, at));
            waits_no_more(incident, *run, at);
        }
        Event::RunExpired { run } => {
            change(incident, *run, |r| {
                let why = match r.state {
                    RunState::Asked { .. } => LAPSED,
                    _ => "it could not start while its approval was valid",
                };
                let why = why.to_owned();
                r.end(Outcome::NotStarted { why }, at);
            });
            waits_no_more(incident, *run, at);
        }
        Event::RunArmed { run, start, hold } => {
            change(incident, *run, |r| {
                r.state = RunState::Armed { start: *start };
            });
            if let Some(until) = *hold
                && let Climb::Next {
                    round: 0,
                    rung: 0,
                    due,
                } = &mut incident.climb
                && until > *due
            {
                *due = until;
                incident.held = Some(Held {
                    run: *run,
                    until,
                    lifted: false,
                });
            }
        }
        Event::RunQueued { run, until, .. } => {
            change(incident, *run, |r| {
                r.state = RunState::Queued { until: *until }
            });
        }
        Event::RunReleased { run } => change(incident, *run, |r| r.state = RunState::Released),
        Event::RunStarted { run } => change(incident, *run, |r| r.state = RunState::Running),
        Event::RunEnded {
            run, outcome, tail, ..
        } => {
            change(incident, *run, |r| {
                r.end(outcome.clone(), at);
                r.seen = r.terms.checks.map(|_| tail.clone());
                r.ended_seq = record.seq;
            });
            if failed(outcome) != Some(false) {
                waits_no_more(incident, *run, at);
            }
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
        how(Arc::make_mut(run));
    }
}

impl Run {
    /// Its "only look" mode runs first, and has not yet.
    #[must_use]
    pub fn unrehearsed(&self) -> bool {
        self.terms.rehearse && self.rehearsed.is_none()
    }

    fn end(&mut self, outcome: Outcome, at: Time) {
        self.state = RunState::Ended(outcome);
        self.ended_at = Some(at);
    }
}
