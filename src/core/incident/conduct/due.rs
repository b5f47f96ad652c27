//! Reminders: deadlines of the incident like any other. Each is told once, and waits while a silence
//! covers the incident.

use super::super::{Event, Incident, Scene};
use super::{Check, ConductEvent, DueThing, Task};
use crate::core::time::Time;

/// When somebody is reminded of something next.
pub(in super::super) fn next(incident: &Incident) -> Option<Time> {
    let tasks = incident.conduct.tasks.values().filter_map(task_due);
    if !incident.is_open() {
        return tasks.min();
    }
    let vacant = incident.vacant().filter_map(|(_, v)| v.remind_at);
    let checks = incident.conduct.checks().filter_map(check_due);
    let first = tasks.chain(vacant).chain(checks).min()?;
    let muted = incident.muted.as_ref();
    Some(muted.map_or(first, |m| first.max(m.until)))
}

fn task_due(task: &Task) -> Option<Time> {
    task.due.filter(|_| task.done_at.is_none() && !task.told)
}

fn check_due(check: &Check) -> Option<Time> {
    check
        .item
        .due
        .filter(|_| check.done.is_none() && !check.told)
}

/// What is to be told now; empty: nothing.
pub(in super::super) fn due(incident: &Incident, scene: &Scene<'_>) -> Vec<Event> {
    if next(incident).is_none_or(|at| at > scene.now) {
        return Vec::new();
    }
    let is_due = |at: Option<Time>| at.is_some_and(|at| at <= scene.now);
    let mut told = Vec::new();
    if incident.is_open() {
        for (role, vacancy) in incident.vacant() {
            if is_due(vacancy.remind_at) {
                told.push(ConductEvent::RoleVacant {
                    role: role.to_owned(),
                    name: incident.conduct.name(role).to_owned(),
                    for_ms: scene.now.since_ms(vacancy.since),
                });
            }
        }
        let checks = incident.conduct.checks().filter(|c| is_due(check_due(c)));
        let items: Vec<DueThing> = checks
            .map(|c| DueThing {
                number: c.item.item,
                text: c.item.text.clone(),
                owner: None,
            })
            .collect();
        if !items.is_empty() {
            told.push(ConductEvent::Overdue { items });
        }
    }
    let tasks = incident.conduct.tasks.values();
    let tasks: Vec<DueThing> = tasks
        .filter(|t| is_due(task_due(t)))
        .map(|t| DueThing {
            number: t.task,
            text: t.text.clone(),
            owner: t.owner.clone(),
        })
        .collect();
    if !tasks.is_empty() {
        told.push(ConductEvent::TaskDue { tasks });
    }
    told.into_iter().map(Event::Conduct).collect()
}
