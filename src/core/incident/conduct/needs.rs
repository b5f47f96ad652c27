//! What an incident asks for as it gets worse: checklists to work off, roles to be filled, and who
//! gets them by themselves. Everything is frozen into the journal here; later reads of it need no
//! configuration.

use super::super::opening::after;
use super::super::{Event, Incident, PagedPerson, Scene, Status, reach};
use super::ask::filled;
use super::{CheckItem, ConductEvent, NeededRole};
use crate::core::directory::{COMMANDER, Checklist, IncidentRole, Target};
use crate::core::id::Actor;

/// What follows from a decision for leading the incident; `events` are what was decided.
pub(in super::super) fn aftermath(
    before: &Incident,
    scene: &Scene<'_>,
    events: &[Event],
) -> Vec<Event> {
    let worse = |e: &Event| {
        matches!(
            e,
            Event::Opened { .. }
                | Event::Promoted { .. }
                | Event::SeverityChanged { .. }
                | Event::TypeSet(_)
                | Event::Reopened { .. }
        )
    };
    let rules = &scene.directory.conduct;
    if (rules.roles.is_empty() && rules.checklists.is_empty()) || !events.iter().any(worse) {
        return Vec::new();
    }
    let mut incident = before.clone();
    after(&mut incident, scene, events);
    if !incident.is_open() {
        return Vec::new();
    }
    let mut out = checklists(&incident, scene);
    let roles = needed(&incident, scene);
    if roles.is_empty() {
        return out;
    }
    let by = events
        .iter()
        .find(|e| worse(e))
        .and_then(crate::core::timeline::by);
    // Whoever declared it leads until whoever is on duty for that is known, which is now.
    let opening = before.seq == 0;
    let mut facts = Vec::new();
    let mut wanted = Vec::new();
    for spec in roles {
        let (given, unfilled) = fill(&incident, scene, spec, opening, by);
        after(&mut incident, scene, &given);
        facts.extend(given);
        wanted.push(NeededRole {
            role: spec.id.clone(),
            name: spec.name.clone(),
            remind_at: scene
                .directory
                .conduct
                .remind_after_ms
                .map(|ms| scene.now.plus_ms(ms)),
            unfilled,
        });
    }
    out.push(Event::Conduct(ConductEvent::RolesNeeded {
        roles: wanted,
        why: if incident.major {
            "it is major".to_owned()
        } else {
            format!("it is {}", scene.directory.severity_name(incident.severity))
        },
    }));
    out.extend(facts);
    out
}

/// The roles somebody has to have from now on; after a reopening also those that are empty still.
fn needed<'a>(incident: &Incident, scene: &Scene<'a>) -> Vec<&'a IncidentRole> {
    let conduct = &incident.conduct;
    let reopened = incident.reopened.is_some_and(|(_, at)| at == scene.now);
    let fresh = |role: &&IncidentRole| {
        let known = conduct.needed.contains_key(&role.id);
        let again = reopened && incident.holders(&role.id).is_empty();
        role.is_needed(incident.major, incident.severity)
            && !conduct.waived.contains(&role.id)
            && (!known || again)
    };
    let roles = scene.directory.conduct.roles.iter();
    roles.map(AsRef::as_ref).filter(fresh).collect()
}

/// Who gets a role by themselves, with the page that tells them; and why nobody does.
fn fill(
    incident: &Incident,
    scene: &Scene<'_>,
    spec: &IncidentRole,
    opening: bool,
    by: Option<&Actor>,
) -> (Vec<Event>, String) {
    let Some(from) = &spec.from else {
        return (Vec::new(), String::new());
    };
    let declared = opening && spec.id == COMMANDER;
    if !incident.holders(&spec.id).is_empty() && !declared {
        return (Vec::new(), String::new());
    }
    let (people, why) = match on_duty(from, scene) {
        Ok(found) => found,
        Err(why) => return (Vec::new(), why),
    };
    let mut events = Vec::new();
    for id in people.iter().take(if spec.many { usize::MAX } else { 1 }) {
        let Some(person) = scene.directory.people.get(id) else {
            continue;
        };
        let actor = Actor::Person {
            id: id.clone(),
            name: person.name.clone(),
        };
        if incident.holders(&spec.id).iter().any(|h| h.same(&actor)) {
            continue;
        }
        events.push(filled(incident, spec, actor.clone(), why.clone()));
        let theirs = by.is_some_and(|by| by.same(&actor));
        if spec.page && !theirs && may_wake(incident, scene, id) {
            events.extend(page(scene, id, spec, &why));
        }
    }
    (events, String::new())
}

/// Nobody is paged twice at once, nor while a silence covers it.
fn may_wake(incident: &Incident, scene: &Scene<'_>, id: &str) -> bool {
    let practised = incident.nature.drill && !scene.directory.drills.page;
    incident.status != Status::Resolved
        && !practised
        && incident.muted_at(scene.now).is_none()
        && !incident.paged.contains_key(id)
}

fn page(scene: &Scene<'_>, id: &str, spec: &IncidentRole, why: &str) -> Option<Event> {
    let person = scene.directory.people.get(id)?;
    let (contacts, _) = scene.directory.usable(person);
    if contacts.is_empty() {
        return None;
    }
    let paged = PagedPerson {
        id: id.to_owned(),
        name: person.name.clone(),
        why: why.to_owned(),
        contacts: contacts.into_iter().map(|c| c.name.clone()).collect(),
        later: Vec::new(),
    };
    Some(Event::Paged {
        rung: None,
        people: reach::by_rules(vec![paged], crate::core::directory::Urgency::High, scene),
        channels: Vec::new(),
        skipped: Vec::new(),
        why: format!("{} is {} of this incident", person.name, spec.name),
        next_due: None,
    })
}

/// Who a role is filled from at this instant, and why them.
fn on_duty(from: &Target, scene: &Scene<'_>) -> Result<(Vec<String>, String), String> {
    match from {
        Target::Person(id) => Ok((vec![id.clone()], "named by the configuration".to_owned())),
        Target::Schedule(id) => {
            let Some(schedule) = scene.directory.schedules.get(id) else {
                return Err(format!("there is no schedule {id}"));
            };
            let turn = schedule.on_call(scene.now);
            if turn.people.is_empty() {
                return Err(format!("nobody is on call on {}", schedule.name));
            }
            let until = schedule.local(turn.until);
            Ok((
                turn.people,
                format!("on call on {} until {until}", schedule.name),
            ))
        }
        other => Err(format!("{} is no person", other.words())),
    }
}

/// The checklists that fit and have not begun.
fn checklists(incident: &Incident, scene: &Scene<'_>) -> Vec<Event> {
    let mut next = 1 + incident.conduct.checks().count();
    let mut out = Vec::new();
    for list in &scene.directory.conduct.checklists {
        let begun = incident
            .conduct
            .checklists
            .iter()
            .any(|l| l.list == list.id);
        if begun || !(fits(list, incident) || belongs(list, incident, scene)) {
            continue;
        }
        let item = |(n, i): (usize, &crate::core::directory::ChecklistItem)| CheckItem {
            item: u32::try_from(next + n).unwrap_or(u32::MAX),
            text: i.text.clone(),
            role_name: i
                .role
                .as_deref()
                .map_or_else(String::new, |r| scene.directory.conduct.role_name(r)),
            role: i.role.clone(),
            due: i.due_ms.map(|ms| scene.now.plus_ms(ms)),
            link: i.link.clone(),
            action: i.action.clone(),
        };
        let items: Vec<CheckItem> = list.items.iter().enumerate().map(item).collect();
        next += items.len();
        out.push(Event::Conduct(ConductEvent::ChecklistAdded {
            list: list.id.clone(),
            title: list.title.clone(),
            items,
            why: why(list, incident, scene),
        }));
    }
    out
}

fn fits(list: &Checklist, incident: &Incident) -> bool {
    let among = |all: &[String], one: Option<&String>| {
        all.is_empty() || one.is_some_and(|one| all.contains(one))
    };
    (incident.major || list.minor)
        && list
            .from_severity
            .is_none_or(|worst| incident.severity <= worst)
        && among(&list.services, incident.service.as_ref())
        && among(&list.teams, incident.team.as_ref())
        && among(&list.types, incident.nature.type_id.as_ref())
}

/// The list the incident's type begins with, however bad it is.
fn belongs(list: &Checklist, incident: &Incident, scene: &Scene<'_>) -> bool {
    let id = incident.nature.type_id.as_ref();
    let kind = id.and_then(|id| scene.directory.types.iter().find(|t| t.id == *id));
    kind.and_then(|k| k.checklist.as_ref()) == Some(&list.id)
}

fn why(list: &Checklist, incident: &Incident, scene: &Scene<'_>) -> String {
    if belongs(list, incident, scene) {
        let name = incident.nature.type_name.as_deref().unwrap_or_default();
        return format!("it is of the type {name}");
    }
    let severity = scene.directory.severity_name(incident.severity);
    match (list.from_severity, incident.major) {
        (Some(_), _) => format!("it is {severity}"),
        (None, true) => "it is major".to_owned(),
        (None, false) => "it was opened".to_owned(),
    }
}
