//! Leading an incident at random: roles, responders, checklists, tasks.

use super::actor;
use crate::core::directory::{
    COMMANDER, Checklist, ChecklistItem, ConductRules, IncidentRole, RoleNeed, Target,
};
use crate::core::id::{Actor, Severity};
use crate::core::incident::{
    Command, ConductCommand, ConductEvent, Event, Incident, Record, TaskChange,
};
use crate::core::time::Time;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The shipped roles, one that many may have, and two checklists; who fills what is up to the life.
pub(super) fn rules(rng: &mut fastrand::Rng) -> ConductRules {
    let mut rules = ConductRules::shipped();
    rules.remind_after_ms = rng.bool().then(|| rng.i64(60_000..900_000));
    for role in &mut rules.roles {
        let role = Arc::make_mut(role);
        role.accept = rng.u8(0..4) == 0;
        role.from = rng.bool().then(|| Target::Schedule("web".to_owned()));
        if role.id != COMMANDER && rng.bool() {
            role.needed = RoleNeed::From(Severity(rng.u8(0..3)));
        }
    }
    rules.roles.push(Arc::new(IncidentRole {
        many: true,
        needed: RoleNeed::Major,
        from: rng.bool().then(|| Target::Person("cy".to_owned())),
        ..IncidentRole::named("expert", "Expert", "Knows.", &["Look."])
    }));
    for minor in [false, true] {
        let item = |n: i64| ChecklistItem {
            text: format!("do {n}"),
            due_ms: (n > 0).then_some(n * 300_000),
            ..ChecklistItem::default()
        };
        rules.checklists.push(Arc::new(Checklist {
            id: format!("list-{minor}"),
            title: "List".to_owned(),
            minor,
            from_severity: rng.bool().then(|| Severity(rng.u8(0..3))),
            items: (0..3).map(item).collect(),
            ..Checklist::default()
        }));
    }
    rules
}

/// Something about leading it.
pub(super) fn command(rng: &mut fastrand::Rng, now: Time, by: Actor) -> Command {
    let role = [COMMANDER, "scribe", "expert", "communications", "nonsense"][rng.usize(0..5)];
    let role = role.to_owned();
    let (who, task) = (actor(rng.usize(0..3)), rng.u32(1..4));
    let other = rng.bool().then(|| actor(rng.usize(0..3)));
    Command::Conduct(match rng.u8(0..16) {
        0..=2 => ConductCommand::GiveRole {
            by,
            role,
            to: who,
            ask: rng.u8(0..4) == 0,
        },
        3 => ConductCommand::AnswerRole {
            by,
            role,
            yes: rng.bool(),
        },
        4 => ConductCommand::ReleaseRole {
            by,
            role,
            who: other,
        },
        5 => ConductCommand::WaiveRole { by, role },
        6 => ConductCommand::Join { by, who },
        7 | 8 => ConductCommand::Leave { by, who, to: other },
        9 => ConductCommand::Tick {
            by,
            item: rng.u32(0..8),
            done: rng.bool(),
        },
        10 | 11 => ConductCommand::AddTask {
            by,
            text: "look".repeat(rng.usize(0..2)),
            owner: other,
            due: rng.bool().then(|| now.plus_secs(rng.u64(0..2000))),
            follow_up: rng.bool(),
            floor: rng.u32(0..3),
        },
        12 => ConductCommand::ChangeTask {
            by,
            task,
            change: TaskChange {
                owner: rng.bool().then_some(other),
                due: rng.bool().then(|| Some(now.plus_secs(rng.u64(0..2000)))),
                text: None,
            },
        },
        13 => ConductCommand::FinishTask {
            by,
            task,
            done: rng.bool(),
        },
        14 => ConductCommand::DropTask { by, task },
        _ if rng.bool() => ConductCommand::Decide {
            by,
            text: "we roll back".to_owned(),
            happened_at: Some(now.plus_secs(rng.u64(0..200)).plus_ms(-100_000)),
        },
        _ => ConductCommand::Report {
            by,
            conditions: "errors".to_owned(),
            actions: String::new(),
            needs: String::new(),
        },
    })
}

/// I65 and I66.
pub(super) fn check(incident: &Incident, journal: &[Record]) {
    for (role, holders) in &incident.conduct.roles {
        assert!(
            holders.len() <= 1 || role == "expert",
            "I65: several people are {role}"
        );
    }
    for gone in &incident.conduct.left {
        let owns = |t: &&crate::core::incident::Task| {
            !t.follow_up && t.owner.as_ref().is_some_and(|o| o.same(gone))
        };
        assert!(
            incident.roles_of(gone).is_empty(),
            "I65: {} has left with a role",
            gone.name()
        );
        assert!(
            incident.conduct.open_tasks().find(owns).is_none(),
            "I65: {} has left with a task",
            gone.name()
        );
    }
    let mut overdue = BTreeSet::new();
    let mut vacant = BTreeSet::new();
    let mut due = BTreeSet::new();
    for record in journal {
        let Event::Conduct(event) = &record.event else {
            continue;
        };
        match event {
            ConductEvent::Overdue { items } => {
                for item in items {
                    assert!(overdue.insert(item.number), "I66: a line was told twice");
                }
            }
            ConductEvent::RolesNeeded { roles, .. } => {
                for role in roles {
                    vacant.remove(&role.role);
                }
            }
            ConductEvent::RoleReleased { role, .. } => drop(vacant.remove(role)),
            ConductEvent::RoleVacant { role, .. } => {
                assert!(vacant.insert(role.clone()), "I66: a role was told twice");
            }
            // Another time is told of again.
            ConductEvent::TaskChanged { task, .. } => drop(due.remove(task)),
            ConductEvent::TaskDue { tasks } => {
                for task in tasks {
                    assert!(due.insert(task.number), "I66: a task was told twice");
                }
            }
            _ => {}
        }
    }
}
