//! Agreeing to a run, and saying no to it.
//!
//! Races it knows: two approvals at once are decided one after the other, so the quorum is counted
//! once; a no and a yes at once are whichever came first, and the other is told; an approval at the
//! instant the request lapses is too late, whether or not its end was recorded yet.

use super::command::{Refusal, Scene};
use super::event::Event;
use super::parts::Outcome;
use super::runs::{Manner, known};
use super::{Incident, Run, RunState, gate};
use crate::core::directory::{Action, Need};
use crate::core::id::{Actor, RunId};
use crate::core::role;
use crate::core::timeline;
use crate::core::verdict::{self, Case, Scope};

/// Characters of a subject that a button carries at least.
const SEEN_CHARS: usize = 16;

pub(super) fn approve(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    run: RunId,
    manner: Manner<'_>,
) -> Result<Vec<Event>, Refusal> {
    let asked = pending(incident, scene, run)?;
    let action = verdict::current(asked, scene.directory).map_err(|now| Refusal::Stale { now })?;
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    seen(asked, run, manner.seen)?;
    if asked.unrehearsed() {
        return Err(Refusal::NothingToDo {
            what: format!(
                "{run} is being rehearsed in its only-look mode first; approve it when you have seen what that wrote."
            ),
        });
    }
    may_agree(incident, scene, asked, &by, &action, manner)?;
    if asked.needs == 0 {
        let events = vec![approved(asked, run, by.clone())];
        return release(incident, scene, (run, asked), &[by], events);
    }
    let mut agreed = asked.approved.clone();
    let seats =
        |by: &[Actor]| verdict::seated(incident, asked, by, &action, scene.directory, scene.now);
    let before = seats(&agreed);
    agreed.push(by.clone());
    let after = seats(&agreed);
    if after.filled() <= before.filled() {
        return Err(Refusal::Forbidden {
            why: format!(
                "{} holds no role that is still needed for {run}. It needs {}.",
                by.name(),
                verdict::missing(asked, &before)
            ),
        });
    }
    let events = vec![approved(asked, run, by)];
    if after.whole() {
        release(incident, scene, (run, asked), &agreed, events)
    } else {
        Ok(events)
    }
}

/// Everybody who has to has agreed: it may start, if what they agreed on still holds.
fn release(
    incident: &Incident,
    scene: &Scene<'_>,
    (run, asked): (RunId, &Run),
    by: &[Actor],
    mut events: Vec<Event>,
) -> Result<Vec<Event>, Refusal> {
    verdict::agreed(incident, asked, by, scene.directory, scene.now)
        .map_err(|why| Refusal::Forbidden { why })?;
    events.extend(gate::release(incident, scene, run, asked)?);
    Ok(events)
}

/// Whether somebody may agree to a run, whichever slot that fills.
fn may_agree(
    incident: &Incident,
    scene: &Scene<'_>,
    asked: &Run,
    by: &Actor,
    action: &Action,
    manner: Manner<'_>,
) -> Result<(), Refusal> {
    let forbidden = |why: String| Err(Refusal::Forbidden { why });
    let judged = verdict::judge(&Case {
        who: by,
        action,
        scope: Scope::of(incident),
        at: scene.now,
        door: manner.door,
        directory: scene.directory,
    });
    if asked.needs == 0 {
        if asked.terms.break_glass {
            verdict::may_break(by, action, incident, scene.directory)
                .map_err(|why| Refusal::Forbidden { why })?;
        }
        return if judged.allowed {
            Ok(())
        } else {
            forbidden(judged.said)
        };
    }
    role::linked(by, scene.directory)?;
    if verdict::four_eyes(asked) && by.same(&asked.by) {
        return forbidden(format!(
            "{} asked for this run and cannot approve it. Somebody else has to.",
            by.name()
        ));
    }
    if asked.approved.iter().any(|a| a.same(by)) {
        return Err(Refusal::NothingToDo {
            what: "You have already approved this run.".to_owned(),
        });
    }
    if judged.forbidden() {
        return forbidden(judged.said);
    }
    // A slot for anybody is for whoever may run it; who fills no other is told why they may not.
    let fits = |need: &Need| {
        verdict::fits(
            by,
            need,
            action,
            Scope::of(incident),
            scene.now,
            scene.directory,
        )
    };
    let slots = verdict::slots(asked);
    if !slots.iter().any(fits) && slots.iter().any(|s| s.roles.is_empty()) {
        return forbidden(judged.said);
    }
    Ok(())
}

/// A button or form drawn before something changed approves nothing.
fn seen(asked: &Run, run: RunId, seen: Option<&str>) -> Result<(), Refusal> {
    let Some(seen) = seen.filter(|s| !s.is_empty()) else {
        return Ok(());
    };
    if seen.len() >= SEEN_CHARS && asked.terms.subject.starts_with(seen) {
        return Ok(());
    }
    Err(Refusal::Stale {
        now: format!("what {run} would do is not what this showed; look at it again"),
    })
}

fn approved(asked: &Run, run: RunId, by: Actor) -> Event {
    let subject = asked.terms.subject.clone();
    Event::RunApproved { run, by, subject }
}

/// One no ends it. Open to who asked, who leads, who may run it and who could approve it.
pub(super) fn reject(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    run: RunId,
) -> Result<Vec<Event>, Refusal> {
    let asked = match incident.runs.get(&run) {
        // What would start by itself, or waits for a key, is stopped by the same word.
        Some(r) if matches!(r.state, RunState::Armed { .. } | RunState::Queued { .. }) => r,
        _ => pending(incident, scene, run)?,
    };
    let leads = incident.lead.as_ref().is_some_and(|lead| lead.same(&by));
    if !by.same(&asked.by)
        && !leads
        && let Some(action) = scene.directory.actions.get(&asked.action)
    {
        let fits = |need: &Need| {
            verdict::fits(
                &by,
                need,
                action,
                Scope::of(incident),
                scene.now,
                scene.directory,
            )
        };
        if !verdict::slots(asked).iter().any(fits) {
            role::may_run(&by, action, scene.directory)?;
        }
    }
    Ok(vec![Event::RunRejected { run, by }])
}

/// A run that waits for agreement; what came too late is told what it was too late for.
fn pending<'i>(incident: &'i Incident, scene: &Scene<'_>, run: RunId) -> Result<&'i Run, Refusal> {
    let found = known(incident, run)?;
    waits(found, run)?;
    match found.state {
        RunState::Asked { expires } if expires <= scene.now => Err(lapsed(found, run)),
        _ => Ok(found),
    }
}

pub(super) fn waits(found: &Run, run: RunId) -> Result<(), Refusal> {
    match &found.state {
        RunState::Asked { .. } => Ok(()),
        RunState::Armed { start } => Err(Refusal::Stale {
            now: format!(
                "{run} starts by itself at {}; `reject` stops it",
                timeline::format(*start, None, "%H:%M:%S %Z")
            ),
        }),
        RunState::Queued { .. } | RunState::Released | RunState::Running => Err(Refusal::Stale {
            now: format!("{run} was already released"),
        }),
        RunState::Ended(Outcome::NotStarted { why }) if why == LAPSED => Err(lapsed(found, run)),
        RunState::Ended(Outcome::NotStarted { why }) => Err(Refusal::Stale {
            now: format!("{run} did not start: {why}"),
        }),
        RunState::Ended(outcome) => Err(Refusal::Stale {
            now: format!("{run} is over: {}", outcome.word()),
        }),
    }
}

/// Why a request that nobody agreed to in time did not run.
pub(super) const LAPSED: &str = "nobody approved it in time";

fn lapsed(found: &Run, run: RunId) -> Refusal {
    Refusal::Stale {
        now: format!(
            "{run} lapsed before enough people had agreed. Ask for `{}` again if it is still wanted",
            found.action
        ),
    }
}
