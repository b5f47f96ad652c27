//! Tasks: added, changed, finished, dropped.

use super::super::{Event, Incident, Refusal, Scene};
use super::ask::{invalid, nothing, somebody};
use super::decide::one;
use super::{ConductCommand, ConductEvent, TASK_CHARS, TASKS, Task, TaskChange};
use crate::core::id::Actor;
use crate::core::time::Time;

type Decision = Result<Vec<Event>, Refusal>;

pub(super) fn decide(incident: &Incident, scene: &Scene<'_>, command: ConductCommand) -> Decision {
    match command {
        ConductCommand::AddTask {
            by,
            text,
            owner,
            due,
            follow_up,
            floor,
        } => {
            let text = line(&text)?;
            // What is wanted after the end is not part of the response.
            let follow_up = follow_up || !incident.is_open();
            // One that is late already is told at once; a task for now that is late is a slip.
            check(scene, owner.as_ref(), due.filter(|_| !follow_up))?;
            if incident.conduct.tasks.len() >= TASKS {
                return Err(invalid(format!(
                    "An incident has at most {TASKS} tasks; the rest belongs into a tracker."
                )));
            }
            Ok(one(ConductEvent::TaskAdded {
                by,
                task: incident.conduct.last_task.max(floor) + 1,
                text,
                owner,
                due,
                follow_up,
            }))
        }
        ConductCommand::ChangeTask { by, task, change } => {
            self::change(incident, scene, by, task, change)
        }
        ConductCommand::FinishTask { by, task, done } => {
            let known = find(incident, task)?;
            match (known.done_at, done) {
                (Some(_), true) => return Err(nothing(format!("Task {task} is done already."))),
                (None, false) => return Err(nothing(format!("Task {task} is open."))),
                _ => {}
            }
            Ok(one(ConductEvent::TaskFinished {
                by,
                task,
                text: known.text.clone(),
                done,
            }))
        }
        ConductCommand::DropTask { by, task } => {
            let text = find(incident, task)?.text.clone();
            Ok(one(ConductEvent::TaskDropped { by, task, text }))
        }
        // `decide` of the parent sends nothing else here.
        _ => Err(nothing("There is nothing to do.")),
    }
}

pub(super) fn change(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    task: u32,
    change: TaskChange,
) -> Decision {
    let known = find(incident, task)?;
    let text = match change.text {
        Some(text) => line(&text)?,
        None => known.text.clone(),
    };
    let owner = change.owner.unwrap_or_else(|| known.owner.clone());
    let due = change.due.unwrap_or(known.due);
    let sooner = due.filter(|_| due != known.due && !known.follow_up);
    check(scene, owner.as_ref(), sooner)?;
    let same = match (&owner, &known.owner) {
        (Some(a), Some(b)) => a.same(b),
        (None, None) => true,
        _ => false,
    };
    if same && text == known.text && due == known.due {
        return Err(nothing(format!("Task {task} is so already.")));
    }
    Ok(one(ConductEvent::TaskChanged {
        by,
        task,
        text,
        owner,
        due,
        was: known.owner.clone().filter(|_| !same),
    }))
}

fn find(incident: &Incident, task: u32) -> Result<&Task, Refusal> {
    incident.conduct.tasks.get(&task).ok_or_else(|| {
        invalid(match incident.conduct.tasks.len() {
            0 => format!("There is no task {task}; this incident has none."),
            _ => format!(
                "There is no task {task}; `tasks {}` lists them.",
                incident.id
            ),
        })
    })
}

/// One line of words.
fn line(text: &str) -> Result<String, Refusal> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return Err(invalid(
            "A task needs words: `task check the replicas owner=@bo due=16:00`.",
        ));
    }
    if text.chars().count() > TASK_CHARS {
        return Err(invalid(format!(
            "A task is one line of at most {TASK_CHARS} characters; shorten it."
        )));
    }
    Ok(text)
}

fn check(scene: &Scene<'_>, owner: Option<&Actor>, due: Option<Time>) -> Result<(), Refusal> {
    if let Some(owner) = owner {
        somebody(owner, "own a task")?;
    }
    if due.is_some_and(|due| due <= scene.now) {
        return Err(invalid("`due` is over already; give a time to come."));
    }
    Ok(())
}
