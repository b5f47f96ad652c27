//! The sentences about leading an incident.

use super::Names;
use crate::core::id::Actor;
use crate::core::incident::{ConductEvent, DueThing};
use crate::core::text::{count, list};
use crate::core::time::{Time, human_ms};

/// One sentence or a few.
pub(super) fn conduct(event: &ConductEvent, names: &Names) -> String {
    match event {
        ConductEvent::RolesNeeded { .. }
        | ConductEvent::RoleGiven { .. }
        | ConductEvent::RoleOffered { .. }
        | ConductEvent::RoleDeclined { .. }
        | ConductEvent::RoleReleased { .. }
        | ConductEvent::RoleWaived { .. }
        | ConductEvent::RoleVacant { .. } => role(event, names),
        ConductEvent::ResponderJoined { by, who } if by.same(who) => {
            format!("{} joined the response.", who.name())
        }
        ConductEvent::ResponderJoined { by, who } => {
            format!("{} brought {} into the response.", by.name(), who.name())
        }
        ConductEvent::ResponderLeft { by, who, to } => left(by, who, to.as_ref()),
        ConductEvent::ChecklistAdded {
            title, items, why, ..
        } => format!(
            "The checklist “{title}” began, with {}: {why}.",
            count(items.len(), "line")
        ),
        ConductEvent::Ticked {
            by,
            item,
            text,
            done: true,
        } => format!("{} ticked {item}: {text}", by.name()),
        ConductEvent::Ticked { by, item, text, .. } => {
            format!("{} took the tick off {item}: {text}", by.name())
        }
        ConductEvent::Overdue { items } => format!(
            "Overdue on the checklist: {}. `tick {}` ticks it.",
            things(items),
            items.first().map_or(1, |i| i.number)
        ),
        ConductEvent::Decided { by, text, .. } => format!("{} decided: {text}", by.name()),
        ConductEvent::Reported {
            by,
            conditions,
            actions,
            needs,
        } => {
            let or = |text: &str| {
                if text.is_empty() {
                    "nothing".to_owned()
                } else {
                    text.to_owned()
                }
            };
            format!(
                "{} reported. Conditions: {conditions} Actions: {} Needs: {}",
                by.name(),
                or(actions),
                or(needs)
            )
        }
        _ => task(event, names),
    }
}

fn role(event: &ConductEvent, names: &Names) -> String {
    match event {
        ConductEvent::RolesNeeded { roles, why } => {
            let all: Vec<&str> = roles.iter().map(|r| r.name.as_str()).collect();
            let unfilled: Vec<String> = roles
                .iter()
                .filter(|r| !r.unfilled.is_empty())
                .map(|r| format!(" Nobody is {} by themselves: {}.", r.name, r.unfilled))
                .collect();
            format!(
                "Somebody has to be {}: {why}.{}",
                list(&all),
                unfilled.concat()
            )
        }
        ConductEvent::RoleGiven {
            by,
            name,
            to,
            from,
            why,
            ..
        } => {
            let before = from
                .as_ref()
                .map_or(String::new(), |f| format!(" {} was before.", f.name()));
            let to_name = to.name();
            if !why.is_empty() {
                format!("{to_name} is {name}: {why}.{before}")
            } else if by.same(to) {
                format!("{to_name} took the role {name}.{before}")
            } else {
                format!("{} made {to_name} {name}.{before}", by.name())
            }
        }
        ConductEvent::RoleOffered { by, role, name, to } => format!(
            "{} asked {} to be {name}. `role {role} accept` takes it, `role {role} decline` does not.",
            by.name(),
            to.name()
        ),
        ConductEvent::RoleDeclined { by, name, .. } => {
            format!("{} cannot be {name}.", by.name())
        }
        ConductEvent::RoleReleased {
            by,
            name,
            who,
            remind_at,
            ..
        } => {
            let next = remind_at.map_or(String::new(), |at| {
                format!(
                    " Somebody has to be; the room is reminded at {}.",
                    names.time(at)
                )
            });
            if by.same(who) {
                format!("{} is {name} no more.{next}", who.name())
            } else {
                format!(
                    "{} took the role {name} from {}.{next}",
                    by.name(),
                    who.name()
                )
            }
        }
        ConductEvent::RoleWaived { by, name, .. } => {
            format!("{} said that nobody has to be {name} here.", by.name())
        }
        ConductEvent::RoleVacant { role, name, for_ms } => format!(
            "Nobody has been {name} for {}. `role {role} me` takes it, `role {role} skip` does without.",
            human_ms(*for_ms)
        ),
        _ => String::new(),
    }
}

fn left(by: &Actor, who: &Actor, to: Option<&Actor>) -> String {
    let on = to.map_or(String::new(), |to| {
        format!(" {} goes on with what they had.", to.name())
    });
    if by.same(who) {
        format!("{} left the response.{on}", who.name())
    } else {
        format!("{} let {} go from the response.{on}", by.name(), who.name())
    }
}

fn task(event: &ConductEvent, names: &Names) -> String {
    match event {
        ConductEvent::TaskAdded {
            by,
            task,
            text,
            owner,
            due,
            follow_up,
        } => {
            let what = if *follow_up { "Follow-up" } else { "Task" };
            format!(
                "{what} {task} by {}: {text} ({})",
                by.name(),
                whose(owner.as_ref(), *due, names)
            )
        }
        ConductEvent::TaskChanged {
            by,
            task,
            text,
            owner,
            due,
            ..
        } => format!(
            "{} changed task {task}: {text} ({})",
            by.name(),
            whose(owner.as_ref(), *due, names)
        ),
        ConductEvent::TaskFinished {
            by,
            task,
            text,
            done: true,
        } => format!("{} finished task {task}: {text}", by.name()),
        ConductEvent::TaskFinished { by, task, text, .. } => {
            format!("{} opened task {task} again: {text}", by.name())
        }
        ConductEvent::TaskDropped { by, task, text } => {
            format!("{} took task {task} off the list: {text}", by.name())
        }
        ConductEvent::TaskDue { tasks } => format!(
            "Due by now: {}. `done {}` finishes it.",
            things(tasks),
            tasks.first().map_or(1, |t| t.number)
        ),
        _ => String::new(),
    }
}

/// `Bo, due 23 Nov 16:00 UTC`.
fn whose(owner: Option<&Actor>, due: Option<Time>, names: &Names) -> String {
    let owner = owner.map_or("nobody’s yet", Actor::name);
    match due {
        Some(at) => format!("{owner}, due {}", names.time(at)),
        None => owner.to_owned(),
    }
}

/// `3 “restart the pool” (Bo)`.
fn things(all: &[DueThing]) -> String {
    let one = |t: &DueThing| {
        let owner = t
            .owner
            .as_ref()
            .map_or(String::new(), |o| format!(" ({})", o.name()));
        format!("{} “{}”{owner}", t.number, t.text)
    };
    list(&all.iter().map(one).collect::<Vec<String>>())
}
