//! Automation: which actions start by themselves, when, and what holds them back.
//!
//! Promises: nothing starts by itself without an explicit rule; every brake is on unless a file
//! loosens it, and none can be taken off; a page that waits for a run has its deadline in the
//! journal, and leaves at it, or as soon as the run did not do what it should.

use super::action;
use super::brakes::by_itself;
use super::directory::{Action, ActionClass, AutoLevel, Directory};
use super::id::{Actor, RunId};
use super::incident::{
    Event, Incident, RunState, Scene, Status, Wish, ask_by_itself, refused, release,
};
use super::route;
use super::text::count;
use super::time::Time;
use super::verdict::{Case, Scope, judge};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Starts by itself in an hour, where a file says nothing.
const PER_HOUR: u32 = 6;
/// Failures in a row that turn an action off, where a file says nothing.
const FAILURES: u32 = 2;
/// Open incidents from which on only diagnostics start by themselves, where a file says nothing.
const STORM: u32 = 20;
/// A page never waits longer than this for a run, milliseconds, whatever a file says.
pub const HOLD_MAX_MS: i64 = 30 * 60_000;
/// Diagnostics that start by themselves on one incident.
const DIAGNOSTICS: usize = 3;

/// Whether the rules let an action start by itself on this incident, in words. The one place where
/// they are asked about it: no rule with `auto = true`, no start.
///
/// # Errors
/// Why not, with the remedy.
pub fn auto_allowed(
    directory: &Directory,
    incident: &Incident,
    action: &Action,
    at: Time,
) -> Result<String, String> {
    let verdict = judge(&Case {
        who: &BY,
        action,
        scope: Scope::of(incident),
        at,
        door: None,
        directory,
    });
    if verdict.allowed {
        Ok(verdict.said)
    } else {
        Err(verdict.said.trim_end_matches('.').to_owned())
    }
}

/// Whether an action is of the kind that may start by itself at all.
///
/// # Errors
/// What its file lacks.
pub fn eligible(action: &Action) -> Result<(), String> {
    let looks = action.class == ActionClass::Diagnostic;
    if !(looks || action.idempotent && action.reversible) {
        return Err(
            "only a diagnostic, or a remediation that is idempotent and reversible, may start by itself"
                .to_owned(),
        );
    }
    if action.approvals() > 0 {
        return Err("it needs the approval of people".to_owned());
    }
    Ok(())
}

/// How far an action goes on this incident: what the route or its file says, as far as the rules let it.
#[must_use]
pub fn level(directory: &Directory, incident: &Incident, action: &Action, at: Time) -> AutoLevel {
    let (wanted, _) = route::automation(directory, &incident.labels(), action);
    if wanted == AutoLevel::Suggest || eligible(action).is_err() {
        return AutoLevel::Suggest;
    }
    match auto_allowed(directory, incident, action, at) {
        Ok(_) => wanted,
        Err(_) => AutoLevel::Suggest,
    }
}

/// Actions whose files, or whose route, want them to start by themselves on an alert with these labels.
#[must_use]
pub fn candidates(
    directory: &Directory,
    service: Option<&str>,
    labels: &super::alert::Labels,
) -> Vec<Arc<Action>> {
    let wants = |a: &&Arc<Action>| route::automation(directory, labels, a).0 >= AutoLevel::Delayed;
    let fits = |a: &&Arc<Action>| action::offered(a, service, labels).is_ok();
    directory
        .actions
        .values()
        .filter(wants)
        .filter(fits)
        .cloned()
        .collect()
}

/// Why an action must not start by itself now: the first brake that is on, in their order. Keys and
/// cool-downs come after them, as for any run.
#[must_use]
pub fn brake(incident: &Incident, scene: &Scene<'_>, action: &Action) -> Option<String> {
    if let Err(why) = eligible(action) {
        return Some(why);
    }
    if let Err(why) = auto_allowed(scene.directory, incident, action, scene.now) {
        return Some(why);
    }
    if let Some(off) = scene.brakes.switches.all_off() {
        return Some(format!("automation is {}", off.words(scene.directory.zone)));
    }
    if let Some(off) = scene.brakes.switches.own_off(&action.id) {
        return Some(format!("it is {}", off.words(scene.directory.zone)));
    }
    if !incident.is_open() || incident.firing.is_empty() {
        return Some("nothing fires any more".to_owned());
    }
    if let Some(mute) = incident.muted_at(scene.now) {
        return Some(format!("a silence covers the incident: {}", mute.words));
    }
    let storm = or(action.auto.storm, STORM);
    let open = scene.brakes.open;
    if action.class != ActionClass::Diagnostic && open > storm as usize {
        return Some(format!(
            "{} are open, more than {storm}: only diagnostics start by themselves",
            count(open, "incident")
        ));
    }
    let cap = or(action.auto.max_per_hour, PER_HOUR);
    let starts = scene.brakes.starts(&action.id, scene.now, true);
    if starts >= cap as usize {
        return Some(format!(
            "it started by itself {} within the last hour, and {cap} are allowed",
            count(starts, "time")
        ));
    }
    None
}

fn or(said: u32, usual: u32) -> u32 {
    if said == 0 { usual } else { said }
}

/// Failures in a row that turn this action off.
#[must_use]
pub fn breaker_at(action: &Action) -> u32 {
    or(action.auto.failures, FAILURES)
}

/// Arms what starts by itself on an incident that was just opened: the events, and a sentence for
/// each action that wanted to and may not.
pub(super) fn arm(
    incident: &Incident,
    scene: &Scene<'_>,
    wanted: &[(RunId, Arc<Action>)],
) -> (Vec<Event>, Vec<String>) {
    let (mut events, mut why) = (Vec::new(), Vec::new());
    let (mut diagnostics, mut remediated) = (0, false);
    for (run, action) in wanted {
        let looks = action.class == ActionClass::Diagnostic;
        let full = if looks {
            diagnostics >= DIAGNOSTICS
        } else {
            remediated
        };
        let no = brake(incident, scene, action).or_else(|| {
            full.then(|| "another action starts by itself on this incident".to_owned())
        });
        let level = level(scene.directory, incident, action, scene.now);
        if let Some(no) = no {
            why.push(format!("`{}` does not start by itself: {no}", action.id));
            continue;
        }
        if level < AutoLevel::Delayed {
            continue;
        }
        if let (_, Some(route)) = route::automation(scene.directory, &incident.labels(), action) {
            why.push(format!(
                "`{}` goes as far as {} by the route {route}",
                action.id,
                level.word()
            ));
        }
        let args = BTreeMap::new();
        let ask = super::incident::Ask {
            auto: Some(level),
            ..super::incident::Ask::default()
        };
        let wish = Wish {
            run: *run,
            action,
            args: &args,
            ask: &ask,
        };
        match ask_by_itself(incident, scene, &wish) {
            Err(no) => why.push(format!("`{}` does not start by itself: {no}", action.id)),
            Ok(asked) => {
                let start = scene.now.plus_ms(action.auto.delay_ms.max(0));
                let hold = holds(incident, action, level)
                    .then(|| start.plus_ms(action.auto.clear_within_ms.min(HOLD_MAX_MS)));
                events.push(asked);
                events.push(Event::RunArmed {
                    run: *run,
                    start,
                    hold,
                });
                diagnostics += usize::from(looks);
                remediated |= !looks;
            }
        }
    }
    (events, why)
}

/// Whether the page waits for this run. Looking heals nothing, and an incident that does not
/// resolve by itself needs somebody anyway.
fn holds(incident: &Incident, action: &Action, level: AutoLevel) -> bool {
    level == AutoLevel::BeforePage
        && action.class == ActionClass::Remediation
        && action.auto.clear_within_ms > 0
        && incident.auto_resolve
        && incident.status == Status::Triggered
}

/// What was armed and is due: released, put in line for its keys, or not started, with the reason.
pub(super) fn due(incident: &Incident, scene: &Scene<'_>) -> Vec<Event> {
    let armed = incident
        .runs
        .iter()
        .filter_map(|(id, run)| match run.state {
            RunState::Armed { start } if start <= scene.now => Some((*id, run)),
            _ => None,
        });
    let mut events = Vec::new();
    for (id, run) in armed {
        let current = scene.directory.actions.get(&run.action);
        let no = match current {
            Some(action) if action.digest == run.digest => {
                brake(incident, scene, action).or_else(|| lowered(incident, scene, action))
            }
            Some(_) => Some("its file was changed".to_owned()),
            None => Some("it is no longer configured".to_owned()),
        };
        match no {
            Some(no) => events.push(refused(id, format!("it does not start by itself: {no}"))),
            None => events.extend(
                release(incident, scene, id, run)
                    .unwrap_or_else(|no| vec![refused(id, no.to_string())]),
            ),
        }
    }
    events
}

/// Why it does not start any more although nothing brakes it: the route was told so meanwhile.
fn lowered(incident: &Incident, scene: &Scene<'_>, action: &Action) -> Option<String> {
    match route::automation(scene.directory, &incident.labels(), action) {
        (level, Some(route)) if level < AutoLevel::Delayed => Some(format!(
            "the route {route} lets it go no further than {}",
            level.word()
        )),
        _ => None,
    }
}

/// Turned off after failures in a row, if this outcome was the last straw.
pub(super) fn tripped(incident: &Incident, scene: &Scene<'_>, run: RunId) -> Option<Event> {
    let ran = incident.runs.get(&run).filter(|r| by_itself(r))?;
    let action = scene.directory.actions.get(&ran.action);
    let most = action.map_or(FAILURES, |a| breaker_at(a));
    let failures = scene.brakes.switches.failures(&ran.action) + 1;
    let on = scene.brakes.switches.own_off(&ran.action).is_none();
    (on && failures >= most).then(|| Event::AutoStopped {
        action: ran.action.clone(),
        why: format!("{} in a row", count(failures as usize, "failure")),
    })
}

/// When the next armed run is due.
#[must_use]
pub fn next_start(incident: &Incident) -> Option<Time> {
    let starts = incident.runs.values().filter_map(|r| match r.state {
        RunState::Armed { start } => Some(start),
        _ => None,
    });
    starts.min()
}

/// Who acts when nobody does.
pub(super) const BY: Actor = Actor::Firebell;

/// What runs by itself, in words: `automation status`.
#[must_use]
pub fn status(directory: &Directory) -> String {
    let zone = directory.zone;
    let mut lines = vec![match directory.switches.all_off() {
        None => "Automation is on.".to_owned(),
        Some(off) => format!(
            "Automation is {}. `automation on` turns it on again.",
            off.words(zone)
        ),
    }];
    for (action, off) in directory.switches.actions_off() {
        lines.push(format!(
            "`{action}` is {}. `automation on {action}` turns it on again.",
            off.words(zone)
        ));
    }
    let wants = |a: &&Arc<Action>| a.auto.level > AutoLevel::Suggest;
    let listed: Vec<String> = directory
        .actions
        .values()
        .filter(wants)
        .map(|a| format!("`{}` ({})", a.id, a.auto.level.word()))
        .collect();
    lines.push(if listed.is_empty() {
        "No action's file asks for more than a suggestion.".to_owned()
    } else {
        format!(
            "Files ask for {}, as far as rules let them.",
            super::text::list(&listed)
        )
    });
    lines.join("\n")
}
