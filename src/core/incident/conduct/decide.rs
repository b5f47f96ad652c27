//! Judgement about leading an incident: a command becomes events, or a refusal in words.

use super::super::command::Command;
use super::super::decide::NOTE_CHARS;
use super::super::{Event, Incident, Refusal, Scene, verbs};
use super::ask::{self, Manner, invalid, nothing, somebody};
use super::{ConductCommand, ConductEvent, REPORT_CHARS, TaskChange, tasks};
use crate::core::directory::Target;
use crate::core::id::Actor;
use crate::core::time::Time;
use crate::core::timeline;

type Decision = Result<Vec<Event>, Refusal>;

/// A clock that runs ahead by less than this is believed, and its time taken as now.
const SKEW_MS: i64 = 60_000;
/// What happened earlier than this before the first alert belongs to another story.
const BEFORE_MS: i64 = 86_400_000;

pub(in super::super) fn decide(
    incident: &Incident,
    scene: &Scene<'_>,
    command: ConductCommand,
) -> Decision {
    match command {
        ConductCommand::GiveRole { by, role, to, ask } => {
            let manner = if ask { Manner::Ask } else { Manner::Usual };
            ask::give(incident, scene, by, &role, to, manner)
        }
        ConductCommand::AnswerRole { by, role, yes } => {
            ask::answer(incident, scene, by, &role, yes)
        }
        ConductCommand::ReleaseRole { by, role, who } => {
            ask::release(incident, scene, &by, &role, who.as_ref())
        }
        ConductCommand::WaiveRole { by, role } => ask::waive(incident, scene, by, &role),
        ConductCommand::Join { by, who } => join(incident, by, who),
        ConductCommand::Leave { by, who, to } => leave(incident, scene, &by, who, to),
        ConductCommand::Tick { by, item, done } => tick(incident, by, item, done),
        ConductCommand::AddTask { .. }
        | ConductCommand::ChangeTask { .. }
        | ConductCommand::FinishTask { .. }
        | ConductCommand::DropTask { .. } => tasks::decide(incident, scene, command),
        ConductCommand::Decide {
            by,
            text,
            happened_at,
        } => {
            let text = words(&text, "A decision", NOTE_CHARS, "decision we roll back")?;
            let happened_at = when_checked(incident, scene, happened_at)?;
            Ok(one(ConductEvent::Decided {
                by,
                text,
                happened_at,
            }))
        }
        ConductCommand::Report {
            by,
            conditions,
            actions,
            needs,
        } => report(by, &conditions, &actions, &needs),
    }
}

pub(super) fn one(event: ConductEvent) -> Vec<Event> {
    vec![Event::Conduct(event)]
}

/// Words that are there and not too many.
fn words(text: &str, what: &str, max: usize, example: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(invalid(format!("{what} needs words: `{example}`.")));
    }
    if text.chars().count() > max {
        return Err(invalid(format!(
            "{what} is at most {max} characters; split it."
        )));
    }
    Ok(text.to_owned())
}

/// A time somebody gives for what happened: not to come, and not long before the incident began.
pub(in super::super) fn when_checked(
    incident: &Incident,
    scene: &Scene<'_>,
    at: Option<Time>,
) -> Result<Option<Time>, Refusal> {
    let Some(at) = at else { return Ok(None) };
    let show = |t: Time| timeline::format(t, scene.directory.zone, "%-d %b %Y %H:%M %Z");
    if at > scene.now.plus_ms(SKEW_MS) {
        return Err(invalid(format!(
            "`at`: {} is in the future (it is {} now); say when it happened, or leave the time out.",
            show(at),
            show(scene.now)
        )));
    }
    if at < incident.began_at.plus_ms(-BEFORE_MS) {
        return Err(invalid(format!(
            "`at`: {} is more than a day before this incident began ({}); give a later time, with its date: `at 2026-11-22 14:03`.",
            show(at),
            show(incident.began_at)
        )));
    }
    Ok(Some(at.min(scene.now)))
}

fn report(by: Actor, conditions: &str, actions: &str, needs: &str) -> Decision {
    let mut parts = Vec::new();
    for (name, text) in [
        ("conditions", conditions),
        ("actions", actions),
        ("needs", needs),
    ] {
        let text = text.trim();
        if text.chars().count() > REPORT_CHARS {
            return Err(invalid(format!(
                "`{name}` is at most {REPORT_CHARS} characters; shorten it."
            )));
        }
        parts.push(text.to_owned());
    }
    if parts[0].is_empty() {
        return Err(invalid(
            "`conditions` is missing: say what is seen, such as \"errors at 20 %, rising\".",
        ));
    }
    let [conditions, actions, needs] = <[String; 3]>::try_from(parts).unwrap_or_default();
    Ok(one(ConductEvent::Reported {
        by,
        conditions,
        actions,
        needs,
    }))
}

fn join(incident: &Incident, by: Actor, who: Actor) -> Decision {
    if !incident.is_open() {
        return Err(verbs::resolved_already(incident));
    }
    somebody(&who, "take part")?;
    if incident.conduct.joined.iter().any(|(j, _)| j.same(&who)) {
        return Err(nothing(format!("{} takes part already.", who.name())));
    }
    Ok(one(ConductEvent::ResponderJoined { by, who }))
}

/// Nothing somebody had is left lying: it goes to who was named, or is free and says so.
fn leave(
    incident: &Incident,
    scene: &Scene<'_>,
    by: &Actor,
    who: Actor,
    to: Option<Actor>,
) -> Decision {
    if !incident.is_open() {
        return Err(verbs::resolved_already(incident));
    }
    let has_it = incident.acked_by.as_ref().is_some_and(|a| a.same(&who));
    let roles = incident.roles_of(&who);
    let tasks: Vec<u32> = incident
        .conduct
        .open_tasks()
        // What is for afterwards is not part of the response.
        .filter(|t| !t.follow_up && t.owner.as_ref().is_some_and(|o| o.same(&who)))
        .map(|t| t.task)
        .collect();
    let joined = incident.conduct.joined.iter().any(|(j, _)| j.same(&who));
    if !joined && !has_it && roles.is_empty() && tasks.is_empty() {
        return Err(nothing(format!("{} does not take part.", who.name())));
    }
    if let Some(to) = &to {
        somebody(to, "go on with it")?;
        if to.same(&who) {
            return Err(invalid("`to`: name somebody else than who leaves."));
        }
    }
    if has_it && to.as_ref().is_none_or(|t| t.person().is_none()) {
        return Err(invalid(format!(
            "{} has this incident: name a person of the directory who takes it over (`leave to=@bo`), or give it back first (`unack`), so that it pages again.",
            who.name()
        )));
    }
    let mut events = Vec::new();
    for role in roles {
        events.extend(match &to {
            Some(to) => ask::hand(incident, scene, by, role, (&who, to))?,
            None => ask::release(incident, scene, by, role, Some(&who))?,
        });
    }
    for task in tasks {
        let change = TaskChange {
            owner: Some(to.clone()),
            ..TaskChange::default()
        };
        events.extend(tasks::change(incident, scene, by.clone(), task, change)?);
    }
    if let Some(target) = to.as_ref().and_then(Actor::person).filter(|_| has_it) {
        let target = Target::Person(target.to_owned());
        let given = Command::Reassign {
            by: by.clone(),
            target,
        };
        events.extend(verbs::decide(incident, scene, given)?);
    }
    events.push(Event::Conduct(ConductEvent::ResponderLeft {
        by: by.clone(),
        who,
        to,
    }));
    Ok(events)
}

fn tick(incident: &Incident, by: Actor, item: u32, done: bool) -> Decision {
    let Some(check) = incident.conduct.check(item) else {
        let last = incident.conduct.checks().count();
        return Err(invalid(match last {
            0 => "This incident has no checklist.".to_owned(),
            n => format!("There is no line {item}; the checklists have 1 to {n}."),
        }));
    };
    match (&check.done, done) {
        (Some((who, _)), true) => {
            return Err(nothing(format!("{} has ticked it already.", who.name())));
        }
        (None, false) => return Err(nothing("It is not ticked.")),
        _ => {}
    }
    Ok(one(ConductEvent::Ticked {
        by,
        item,
        text: check.item.text.clone(),
        done,
    }))
}
