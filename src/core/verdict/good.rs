//! Whether what was agreed on still holds: asked when a run is released and before it is started.

use super::slots::{Filled, fill, fits, slots};
use super::{Case, Scope, judge};
use crate::core::action;
use crate::core::directory::{Action, ArgKind, Directory};
use crate::core::id::{Actor, RunId};
use crate::core::incident::{Incident, Run, RunState};
use crate::core::time::Time;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Whether a run that was agreed on may still start (or, while it waits for that, be rehearsed): the action is the same, it would start the same,
/// the rules still let the requester, every approver still holds their slot, and it is not too late.
///
/// # Errors
/// Why not, in words for the room.
pub fn still_good(
    incident: &Incident,
    run: RunId,
    directory: &Directory,
    now: Time,
) -> Result<(), String> {
    let found = incident
        .runs
        .get(&run)
        .ok_or_else(|| format!("{run} is not a run of {}", incident.id))?;
    if let RunState::Ended(outcome) = &found.state {
        return Err(format!("{run} is over: {}", outcome.word()));
    }
    if let Some(until) = valid_until(found).filter(|until| *until < now) {
        return Err(format!(
            "its approval was valid until {}; ask again if it is still wanted",
            until.rfc3339()
        ));
    }
    if matches!(found.state, RunState::Asked { .. }) {
        // Nobody has to have agreed yet: this is its rehearsal.
        return may_ask(incident, found, directory, now).map(|_| ());
    }
    agreed(incident, found, &found.approved, directory, now)
}

/// Who asked may still ask for exactly this.
fn may_ask<'d>(
    incident: &Incident,
    run: &Run,
    directory: &'d Directory,
    now: Time,
) -> Result<Cow<'d, Action>, String> {
    let action = current(run, directory)?;
    same_plan(incident, run, &action)?;
    let verdict = judge(&Case {
        who: &run.by,
        action: &action,
        scope: Scope::of(incident),
        at: now,
        door: run.terms.door.as_deref(),
        directory,
    });
    if verdict.allowed {
        Ok(action)
    } else {
        Err(verdict.said)
    }
}

/// Until when what was approved must start; `None`: it waits for approval, or there is no limit.
#[must_use]
pub fn valid_until(run: &Run) -> Option<Time> {
    let waits = matches!(run.state, RunState::Asked { .. } | RunState::Ended(_));
    let limit = run.terms.valid_for_ms;
    let since = run.approved_at?;
    (!waits && limit > 0).then(|| since.plus_ms(limit))
}

/// The action as it was asked for: of a dry run, its "only look" mode.
pub(in crate::core) fn current<'d>(
    run: &Run,
    directory: &'d Directory,
) -> Result<Cow<'d, Action>, String> {
    let action = directory
        .actions
        .get(&run.action)
        .ok_or_else(|| format!("the action {} is no longer configured", run.action))?;
    if action.digest != run.digest {
        return Err(format!(
            "the action changed: the file of {} was changed; ask again",
            run.action
        ));
    }
    if !run.terms.dry {
        return Ok(Cow::Borrowed(action));
    }
    let looking = action.looking().map(Cow::Owned);
    looking.ok_or_else(|| format!("the action changed: {} has no dry run any more", run.action))
}

/// The same with these people's agreement.
pub(in crate::core) fn agreed(
    incident: &Incident,
    run: &Run,
    by: &[Actor],
    directory: &Directory,
    now: Time,
) -> Result<(), String> {
    let action = may_ask(incident, run, directory, now)?;
    if run.terms.break_glass {
        return glass(&run.by, &action, incident, directory);
    }
    for person in by {
        let judged = judge(&Case {
            who: person,
            action: &action,
            scope: Scope::of(incident),
            at: now,
            door: None,
            directory,
        });
        if run.needs > 0 && judged.forbidden() {
            return Err(judged.said);
        }
    }
    let filled = seated(incident, run, by, &action, directory, now);
    if filled.whole() {
        Ok(())
    } else {
        Err(format!(
            "who approved no longer holds the roles for it; it needs {}",
            super::missing(run, &filled)
        ))
    }
}

/// Who fills which slot, by the roles people hold now. Who asked fills none under four eyes.
pub(in crate::core) fn seated(
    incident: &Incident,
    run: &Run,
    by: &[Actor],
    action: &Action,
    directory: &Directory,
    now: Time,
) -> Filled {
    let (slots, scope) = (slots(run), Scope::of(incident));
    let mut people: Vec<&Actor> = Vec::new();
    for person in by {
        let own = four_eyes(run) && person.same(&run.by);
        if !own && !people.iter().any(|p| p.same(person)) {
            people.push(person);
        }
    }
    let table: Vec<Vec<bool>> = people
        .iter()
        .map(|p| {
            let fits = |need| fits(p, need, action, scope, now, directory);
            slots.iter().map(fits).collect()
        })
        .collect();
    fill(people.len(), slots.len(), &|person, slot| {
        table[person][slot]
    })
}

/// What a waiting run still needs, in words; empty: nothing, or it does not wait.
#[must_use]
pub fn wanting(incident: &Incident, run: &Run, directory: &Directory, now: Time) -> String {
    if !matches!(run.state, RunState::Asked { .. }) {
        return String::new();
    }
    if run.needs == 0 {
        return "a confirmation".to_owned();
    }
    let filled = match directory.actions.get(&run.action) {
        Some(action) => seated(incident, run, &run.approved, action, directory, now),
        None => Filled {
            slots: vec![None; slots(run).len()],
        },
    };
    super::missing(run, &filled)
}

/// Who asked does not count. Journals older than the word mean it so.
pub(in crate::core) fn four_eyes(run: &Run) -> bool {
    run.needs > 0 && (run.terms.four_eyes || run.terms.required.is_empty())
}

/// Whether somebody may pass over the approval of an action on this incident.
pub(in crate::core) fn glass(
    by: &Actor,
    action: &Action,
    incident: &Incident,
    directory: &Directory,
) -> Result<(), String> {
    let Some(glass) = &action.approval.break_glass else {
        return Err(format!(
            "`{}` has no break-glass: its file says nothing of it. It needs its approvals.",
            action.id
        ));
    };
    let person = by.person().and_then(|p| directory.people.get(p));
    let holds = person.is_some_and(|p| glass.roles.iter().any(|r| p.roles.contains(r)));
    if !holds {
        return Err(format!(
            "{} needs the role {} to break the glass of `{}`.",
            by.name(),
            glass.roles.join(" or "),
            action.id
        ));
    }
    match glass.min_severity {
        Some(least) if incident.severity > least => Err(format!(
            "`{}` may be run without approval from {} on; this is {}.",
            action.id,
            directory.severity_name(least),
            directory.severity_name(incident.severity)
        )),
        _ => Ok(()),
    }
}

/// What would start now is what was asked for: lists and connections may have changed meanwhile.
fn same_plan(incident: &Incident, run: &Run, action: &Action) -> Result<(), String> {
    // Journals older than the terms do not say what else there was.
    if run.terms.subject.is_empty() {
        return Ok(());
    }
    let changed = |why: &str| format!("the action changed: {why}; ask again");
    let mut given = BTreeMap::new();
    for arg in action.args.iter().filter(|a| a.from_label.is_none()) {
        if let Some(value) = run.terms.args.get(&arg.name) {
            let value = match arg.kind {
                ArgKind::Duration { .. } => format!("{value}s"),
                _ => value.clone(),
            };
            given.insert(arg.name.clone(), value);
        }
    }
    let plan = action::bind(action, &given, &incident.labels()).map_err(|why| changed(&why))?;
    if plan.argv != run.argv || plan.target != run.terms.target {
        return Err(changed("it would start something else now"));
    }
    Ok(())
}
