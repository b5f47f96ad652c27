//! Shapes of events about leading an incident.

use super::journal::{ana, at, bo};
use firebell::core::id::Actor;
use firebell::core::incident::{CheckItem, ConductEvent, DueThing, Event, NeededRole};

fn due(number: u32, text: &str, owner: Option<Actor>) -> DueThing {
    DueThing {
        number,
        text: text.to_owned(),
        owner,
    }
}

fn roles() -> Vec<(&'static str, ConductEvent)> {
    let (role, name) = ("scribe".to_owned(), "Scribe".to_owned());
    vec![
        (
            "roles_needed",
            ConductEvent::RolesNeeded {
                roles: vec![NeededRole {
                    role: "commander".to_owned(),
                    name: "Commander".to_owned(),
                    remind_at: Some(at("14:20:00")),
                    unfilled: "nobody is on call on Commanders".to_owned(),
                }],
                why: "it is major".to_owned(),
            },
        ),
        (
            "role_given",
            ConductEvent::RoleGiven {
                by: ana(),
                role: role.clone(),
                name: name.clone(),
                to: bo(),
                from: Some(ana()),
                why: String::new(),
            },
        ),
        (
            "role_given-from-a-schedule",
            ConductEvent::RoleGiven {
                by: Actor::Firebell,
                role: role.clone(),
                name: name.clone(),
                to: bo(),
                from: None,
                why: "on call on Scribes until Mon 09:00".to_owned(),
            },
        ),
        (
            "role_offered",
            ConductEvent::RoleOffered {
                by: ana(),
                role: role.clone(),
                name: name.clone(),
                to: bo(),
            },
        ),
        (
            "role_declined",
            ConductEvent::RoleDeclined {
                by: bo(),
                role: role.clone(),
                name: name.clone(),
            },
        ),
        (
            "role_released",
            ConductEvent::RoleReleased {
                by: bo(),
                role: role.clone(),
                name: name.clone(),
                who: bo(),
                remind_at: Some(at("14:30:00")),
            },
        ),
        (
            "role_waived",
            ConductEvent::RoleWaived {
                by: ana(),
                role: role.clone(),
                name: name.clone(),
            },
        ),
        (
            "role_vacant",
            ConductEvent::RoleVacant {
                role,
                name,
                for_ms: 600_000,
            },
        ),
        (
            "responder_joined",
            ConductEvent::ResponderJoined {
                by: ana(),
                who: bo(),
            },
        ),
        (
            "responder_left",
            ConductEvent::ResponderLeft {
                by: bo(),
                who: bo(),
                to: Some(ana()),
            },
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list of events")]
fn work() -> Vec<(&'static str, ConductEvent)> {
    let (task, text) = (2, "look at <b>the replicas</b>".to_owned());
    vec![
        (
            "checklist_added",
            ConductEvent::ChecklistAdded {
                list: "major".to_owned(),
                title: "Major incident".to_owned(),
                items: vec![CheckItem {
                    item: 1,
                    text: "Name a commander".to_owned(),
                    role: Some("commander".to_owned()),
                    role_name: "Commander".to_owned(),
                    due: Some(at("14:10:00")),
                    link: "https://wiki.example.org/ic".to_owned(),
                    action: Some("restart-checkout".to_owned()),
                }],
                why: "it is sev1".to_owned(),
            },
        ),
        (
            "ticked",
            ConductEvent::Ticked {
                by: ana(),
                item: 1,
                text: "Name a commander".to_owned(),
                done: true,
            },
        ),
        (
            "ticked-off-again",
            ConductEvent::Ticked {
                by: ana(),
                item: 1,
                text: "Name a commander".to_owned(),
                done: false,
            },
        ),
        (
            "overdue",
            ConductEvent::Overdue {
                items: vec![due(1, "Name a commander", None)],
            },
        ),
        (
            "task_added",
            ConductEvent::TaskAdded {
                by: ana(),
                task,
                text: text.clone(),
                owner: Some(bo()),
                due: Some(at("16:00:00")),
                follow_up: true,
            },
        ),
        (
            "task_changed",
            ConductEvent::TaskChanged {
                by: bo(),
                task,
                text: text.clone(),
                owner: Some(ana()),
                due: None,
                was: Some(bo()),
            },
        ),
        (
            "task_finished",
            ConductEvent::TaskFinished {
                by: bo(),
                task,
                text: text.clone(),
                done: true,
            },
        ),
        (
            "task_dropped",
            ConductEvent::TaskDropped {
                by: bo(),
                task,
                text,
            },
        ),
        (
            "task_due",
            ConductEvent::TaskDue {
                tasks: vec![due(2, "look at the replicas", Some(bo()))],
            },
        ),
        (
            "decided",
            ConductEvent::Decided {
                by: ana(),
                text: "we roll back".to_owned(),
                happened_at: Some(at("14:03:00")),
            },
        ),
        (
            "reported",
            ConductEvent::Reported {
                by: ana(),
                conditions: "errors at 20 %, rising".to_owned(),
                actions: "rolling back".to_owned(),
                needs: String::new(),
            },
        ),
    ]
}

/// By the names of their golden files.
pub fn shapes() -> Vec<(&'static str, Event)> {
    let all = roles().into_iter().chain(work());
    let mut shapes: Vec<(&'static str, Event)> = all
        .map(|(name, event)| (name, Event::Conduct(event)))
        .collect();
    shapes.push((
        "lead_changed-from-a-schedule",
        Event::LeadChanged {
            by: Actor::Firebell,
            lead: bo(),
            from: Some(ana()),
            why: "on call on Commanders until Mon 09:00".to_owned(),
        },
    ));
    shapes
}
