//! Between a run that is agreed on and its start: keys, limits, lines, and what stops it there.
//!
//! Promises: a key that is not to be had is answered with who has it; whatever would still start is
//! ended when its incident is over; what the first page waits for never holds it longer than said.

use super::command::{Refusal, Scene};
use super::event::Event;
use super::opening::after;
use super::parts::Outcome;
use super::{Climb, Incident, Run, RunState, runs};
use crate::core::automation;
use crate::core::brakes::{Hold, by_itself, failed};
use crate::core::directory::Action;
use crate::core::id::RunId;
use crate::core::text::count;
use crate::core::time::{Time, human_ms};
use crate::core::verdict;
use std::sync::Arc;

/// When time ends or starts a run: nobody agreed in time, it waits for a key too long or beyond the
/// time its approval is good for, or it starts by itself.
fn due(run: &Run) -> Option<Time> {
    match run.state {
        RunState::Asked { expires } => Some(expires),
        RunState::Queued { until } => {
            let valid = verdict::valid_until(run);
            Some(valid.map_or(until, |t| t.min(until)))
        }
        RunState::Armed { start } => Some(start),
        _ => None,
    }
}

/// The earliest of these times.
pub(super) fn next_expiry(incident: &Incident) -> Option<Time> {
    incident.runs.values().filter_map(|run| due(run)).min()
}

/// Requests that have lapsed, and waits for a key that took too long.
pub(super) fn expired(incident: &Incident, scene: &Scene<'_>) -> Vec<Event> {
    let lapsed = |(id, run): (&RunId, &Arc<Run>)| match run.state {
        RunState::Asked { expires } if expires <= scene.now => Some(Event::RunExpired { run: *id }),
        RunState::Queued { until } if until <= scene.now => {
            let still = match scene.brakes.free(*id, &run.terms.locks, scene.now) {
                Err(busy) => busy.words(scene.directory.zone),
                Ok(()) => "its keys came free too late.".to_owned(),
            };
            let waited = human_ms(run.terms.wait_ms);
            let still = still.trim_end_matches('.');
            Some(refused(*id, format!("it waited {waited}, and {still}")))
        }
        RunState::Queued { .. } if verdict::valid_until(run).is_some_and(|t| t <= scene.now) => {
            Some(Event::RunExpired { run: *id })
        }
        _ => None,
    };
    incident.runs.iter().filter_map(lapsed).collect()
}

/// A run that is not started.
pub(in crate::core) fn refused(run: RunId, why: String) -> Event {
    Event::RunEnded {
        run,
        outcome: Outcome::NotStarted { why },
        duration_ms: 0,
        bytes: 0,
        tail: String::new(),
        notes: Vec::new(),
    }
}

/// What becomes of a run that everybody agreed to: it starts, or waits for its keys.
///
/// # Errors
/// When a key is not to be had and the action does not wait, or it ran often enough.
pub(in crate::core) fn release(
    incident: &Incident,
    scene: &Scene<'_>,
    run: RunId,
    asked: &Run,
) -> Result<Vec<Event>, Refusal> {
    if let Some(action) = scene.directory.actions.get(&asked.action)
        && !asked.terms.dry
    {
        capped(incident, scene, run, action)?;
    }
    match scene.brakes.free(run, &asked.terms.locks, scene.now) {
        Ok(()) => Ok(vec![Event::RunReleased { run }]),
        Err(busy) if asked.terms.wait_ms > 0 => {
            let rests = matches!(busy.with.state, Hold::Resting { .. });
            Ok(vec![Event::RunQueued {
                run,
                key: busy.key,
                behind: (!rests).then_some(busy.with.run),
                until: scene.now.plus_ms(asked.terms.wait_ms),
            }])
        }
        Err(busy) => Err(Refusal::Busy {
            why: busy.words(scene.directory.zone),
            incident: busy.with.incident,
        }),
    }
}

/// Whether it ran often enough: in this incident, and within the hour.
pub(super) fn capped(
    incident: &Incident,
    scene: &Scene<'_>,
    run: RunId,
    action: &Action,
) -> Result<(), Refusal> {
    let ran = |(id, r): &(&RunId, &Arc<Run>)| {
        let counts = match &r.state {
            RunState::Queued { .. } | RunState::Released | RunState::Running => true,
            RunState::Ended(outcome) => !matches!(outcome, Outcome::NotStarted { .. }),
            RunState::Asked { .. } | RunState::Armed { .. } => false,
        };
        r.action == action.id && **id != run && counts && !r.terms.dry
    };
    let here = incident.runs.iter().filter(ran).count();
    if let Some(most) = action.lock.max_per_incident.filter(|m| here >= *m as usize) {
        return Err(Refusal::Invalid {
            why: format!(
                "`{}` ran {} in this incident, and {most} is the most its file allows.",
                action.id,
                count(here, "time")
            ),
        });
    }
    let starts = scene.brakes.starts(&action.id, scene.now, false);
    if let Some(most) = action.lock.max_per_hour.filter(|m| starts >= *m as usize) {
        return Err(Refusal::Invalid {
            why: format!(
                "`{}` ran {} within the last hour, and {most} is the most its file allows.",
                action.id,
                count(starts, "time")
            ),
        });
    }
    Ok(())
}

/// A run that waits may have its keys now.
pub(super) fn go(
    incident: &Incident,
    scene: &Scene<'_>,
    run: RunId,
) -> Result<Vec<Event>, Refusal> {
    let found = runs::known(incident, run)?;
    if !matches!(found.state, RunState::Queued { .. }) {
        return Err(Refusal::NothingToDo {
            what: format!("{run} does not wait for a key."),
        });
    }
    // Files, rules and roles may have changed while it waited.
    let good = verdict::still_good(incident, run, scene.directory, scene.now);
    let action = scene.directory.actions.get(&found.action);
    let no = good.err().or_else(|| {
        let action = action.filter(|_| by_itself(found))?;
        automation::brake(incident, scene, action)
    });
    if let Some(no) = no {
        return Ok(vec![refused(run, no)]);
    }
    match release(incident, scene, run, found) {
        // It keeps its place.
        Ok(events) if matches!(events.as_slice(), [Event::RunQueued { .. }]) => {
            Err(Refusal::NotYet)
        }
        Ok(events) => Ok(events),
        Err(Refusal::Busy { .. }) => Err(Refusal::NotYet),
        Err(no) => Ok(vec![refused(run, no.to_string())]),
    }
}

/// What would start by itself, or waits to, does not any more.
pub(super) fn disarm(
    incident: &Incident,
    action: Option<&str>,
    why: &str,
) -> Result<Vec<Event>, Refusal> {
    let of = |r: &Run| by_itself(r) && action.is_none_or(|a| a == r.action);
    let armed = |r: &Run| matches!(r.state, RunState::Armed { .. } | RunState::Queued { .. });
    let runs = incident.runs.iter().filter(|(_, r)| of(r) && armed(r));
    let events: Vec<Event> = runs.map(|(id, _)| refused(*id, why.to_owned())).collect();
    if events.is_empty() {
        return Err(Refusal::NothingToDo {
            what: "Nothing of it would start by itself.".to_owned(),
        });
    }
    Ok(events)
}

/// What these events leave behind: nothing starts any more when it is over, and nothing by itself
/// when every alert has cleared.
pub(super) fn aftermath(incident: &Incident, scene: &Scene<'_>, events: &[Event]) -> Vec<Event> {
    let over = events
        .iter()
        .any(|e| matches!(e, Event::Resolved { .. } | Event::Merged { .. }));
    let cleared = events
        .iter()
        .any(|e| matches!(e, Event::Cleared { left: 0, .. }));
    if !over && !cleared {
        return Vec::new();
    }
    let why = if cleared {
        "every alert has cleared"
    } else {
        "the incident is over"
    };
    let ends = |r: &Arc<Run>| match r.state {
        RunState::Armed { .. } => true,
        RunState::Queued { .. } => over || by_itself(r),
        _ => false,
    };
    if !incident.runs.values().any(ends) {
        return Vec::new();
    }
    let mut then = incident.clone();
    after(&mut then, scene, events);
    let runs = then.runs.iter().filter(|(_, r)| ends(r));
    runs.map(|(id, _)| refused(*id, why.to_owned())).collect()
}

/// The first page waits no longer than until now.
pub(super) fn lift(incident: &mut Incident, at: Time) {
    let Some(held) = &mut incident.held else {
        return;
    };
    held.lifted = true;
    if let Climb::Next {
        round: 0,
        rung: 0,
        due,
    } = &mut incident.climb
    {
        *due = (*due).min(at);
    }
}

/// Whether `action` is what undoes this run, and that was not asked for yet.
pub(super) fn undoes(
    incident: &Incident,
    scene: &Scene<'_>,
    undone: RunId,
    action: &Action,
) -> Result<(), Refusal> {
    let found = runs::known(incident, undone)?;
    if found.terms.dry {
        return Err(Refusal::NothingToDo {
            what: format!(
                "{undone} was a dry run: it changed nothing, so there is nothing to undo."
            ),
        });
    }
    match &found.state {
        RunState::Ended(Outcome::NotStarted { .. }) => {
            return Err(Refusal::NothingToDo {
                what: format!("{undone} never started; there is nothing to undo."),
            });
        }
        RunState::Ended(_) => {}
        _ => {
            return Err(Refusal::NothingToDo {
                what: format!("{undone} is not over yet; cancel it instead."),
            });
        }
    }
    let current = scene.directory.actions.get(&found.action);
    let way = current.and_then(|a| a.rollback.as_ref());
    if way.is_none_or(|r| r.action != action.id) {
        return Err(Refusal::Invalid {
            why: format!("`{}` is not what undoes `{}`.", action.id, found.action),
        });
    }
    let again = |(_, r): &(&RunId, &Arc<Run>)| {
        let worked = match &r.state {
            RunState::Ended(outcome) => failed(outcome) == Some(false),
            _ => true,
        };
        r.terms.undoes == Some(undone) && worked
    };
    match incident.runs.iter().find(again) {
        Some((id, r)) => Err(Refusal::NothingToDo {
            what: format!("{} asked for that already: {id}.", r.by.name()),
        }),
        None => Ok(()),
    }
}

/// Whether `action` is what shows how this run went, and nobody knows that yet.
pub(super) fn checks(
    incident: &Incident,
    scene: &Scene<'_>,
    checked: RunId,
    action: &Action,
) -> Result<(), Refusal> {
    let found = runs::known(incident, checked)?;
    let unknown = matches!(found.state, RunState::Ended(Outcome::Unknown { .. }));
    if !unknown || found.settled.is_some() {
        return Err(Refusal::NothingToDo {
            what: format!("{checked} has no unknown outcome; there is nothing to check."),
        });
    }
    let current = scene.directory.actions.get(&found.action);
    let way = current.and_then(|a| a.check.as_deref());
    if way == Some(action.id.as_str()) {
        return Ok(());
    }
    Err(Refusal::Invalid {
        why: format!("`{}` is not what checks `{}`.", action.id, found.action),
    })
}

/// The first page does not wait for a run that did not do what it should.
pub(super) fn waits_no_more(incident: &mut Incident, run: RunId, at: Time) {
    if incident.held.is_some_and(|h| h.run == run) {
        lift(incident, at);
    }
}
