//! Memory of who does what, and what is to be done.

use super::super::{Event, Incident, Record};
use super::{Check, CheckedList, ConductEvent, NeededRole, Report, Task, Vacancy};
use crate::core::directory::COMMANDER;
use crate::core::id::{Actor, Platform};
use crate::core::time::Time;

/// Applies what a record tells.
pub(in super::super) fn evolve(incident: &mut Incident, record: &Record) {
    let event = match &record.event {
        Event::Conduct(event) => event,
        Event::Joined { by, platform } => return present(incident, by, platform, true),
        Event::Left { by, platform } => return present(incident, by, platform, false),
        _ => return,
    };
    met(incident, event);
    match event {
        ConductEvent::RolesNeeded { roles, .. } => {
            for role in roles {
                needed(incident, role, record.at);
            }
        }
        ConductEvent::RoleGiven {
            role,
            name,
            to,
            from,
            ..
        } => {
            let holders = incident.conduct.roles.entry(role.clone()).or_default();
            holders.retain(|h| !h.same(to) && !from.as_ref().is_some_and(|f| f.same(h)));
            holders.push(to.clone());
            incident.conduct.names.insert(role.clone(), name.clone());
            taken(incident, role);
        }
        ConductEvent::RoleOffered { role, name, to, .. } => {
            incident.conduct.names.insert(role.clone(), name.clone());
            incident.conduct.offers.insert(role.clone(), to.clone());
        }
        ConductEvent::RoleDeclined { role, .. } => drop(incident.conduct.offers.remove(role)),
        ConductEvent::RoleReleased {
            role,
            who,
            remind_at,
            ..
        } => released(incident, role, who, *remind_at, record.at),
        ConductEvent::RoleWaived { role, .. } => {
            incident.conduct.needed.remove(role);
            incident.conduct.waived.insert(role.clone());
        }
        ConductEvent::RoleVacant { role, .. } => {
            if let Some(vacancy) = incident.conduct.needed.get_mut(role) {
                vacancy.remind_at = None;
            }
        }
        ConductEvent::ResponderJoined { who, .. } => {
            incident.conduct.joined.retain(|(j, _)| !j.same(who));
            incident.conduct.joined.push((who.clone(), record.at));
        }
        ConductEvent::ResponderLeft { who, .. } => {
            incident.conduct.joined.retain(|(j, _)| !j.same(who));
            incident.conduct.offers.retain(|_, asked| !asked.same(who));
            incident.conduct.left.push(who.clone());
        }
        ConductEvent::Reported {
            by,
            conditions,
            actions,
            needs,
        } => {
            incident.conduct.report = Some(Report {
                by: by.clone(),
                at: record.at,
                seq: record.seq,
                conditions: conditions.clone(),
                actions: actions.clone(),
                needs: needs.clone(),
            });
        }
        ConductEvent::Decided { .. } => {}
        _ => work(incident, event, record),
    }
}

/// Checklists and tasks.
fn work(incident: &mut Incident, event: &ConductEvent, record: &Record) {
    let (at, seq) = (record.at, record.seq);
    let conduct: &mut super::Conduct = &mut incident.conduct;
    match event {
        ConductEvent::ChecklistAdded {
            list, title, items, ..
        } => {
            let check = |item: &super::CheckItem| Check {
                item: item.clone(),
                done: None,
                told: false,
            };
            conduct.checklists.push(CheckedList {
                list: list.clone(),
                title: title.clone(),
                items: items.iter().map(check).collect(),
            });
        }
        ConductEvent::Ticked { by, item, done, .. } => {
            for check in checks(conduct).filter(|c| c.item.item == *item) {
                check.done = done.then(|| (by.clone(), at));
            }
        }
        ConductEvent::Overdue { items } => {
            for check in checks(conduct) {
                check.told |= items.iter().any(|i| i.number == check.item.item);
            }
        }
        ConductEvent::TaskAdded {
            by,
            task,
            text,
            owner,
            due,
            follow_up,
        } => {
            conduct.last_task = conduct.last_task.max(*task);
            let added = Task {
                task: *task,
                text: text.clone(),
                text_seq: seq,
                owner: owner.clone(),
                due: *due,
                follow_up: *follow_up,
                by: by.clone(),
                done_at: None,
                told: false,
            };
            conduct.tasks.insert(*task, added);
        }
        ConductEvent::TaskChanged {
            task,
            text,
            owner,
            due,
            ..
        } => {
            if let Some(known) = conduct.tasks.get_mut(task) {
                // Another time is told of again.
                known.told &= known.due == *due;
                (known.owner, known.due) = (owner.clone(), *due);
                known.text.clone_from(text);
                known.text_seq = seq;
            }
        }
        ConductEvent::TaskFinished { task, done, .. } => {
            if let Some(known) = conduct.tasks.get_mut(task) {
                known.done_at = done.then_some(at);
                // Whoever has left meanwhile does not come back by that.
                let gone = |o: &mut Actor| conduct.left.iter().any(|l| l.same(o));
                if !*done && !known.follow_up {
                    known.owner.take_if(gone);
                }
            }
        }
        ConductEvent::TaskDropped { task, .. } => drop(conduct.tasks.remove(task)),
        ConductEvent::TaskDue { tasks } => {
            for due in tasks {
                if let Some(known) = conduct.tasks.get_mut(&due.number) {
                    known.told = true;
                }
            }
        }
        _ => {}
    }
}

fn checks(conduct: &mut super::Conduct) -> impl Iterator<Item = &mut Check> {
    conduct.checklists.iter_mut().flat_map(|l| &mut l.items)
}

/// Who does something takes part again, and belongs in the room.
fn met(incident: &mut Incident, event: &ConductEvent) {
    let comes: Option<&Actor> = match event {
        ConductEvent::RoleGiven { to, .. } => Some(to),
        ConductEvent::ResponderJoined { who, .. } => Some(who),
        ConductEvent::TaskAdded {
            owner: Some(owner),
            follow_up: false,
            ..
        }
        | ConductEvent::TaskChanged {
            owner: Some(owner), ..
        } => Some(owner),
        _ => None,
    };
    if let Some(who) = comes {
        incident.conduct.left.retain(|l| !l.same(who));
        incident.crew.extend(who.person().map(str::to_owned));
    }
}

fn needed(incident: &mut Incident, role: &NeededRole, at: Time) {
    let vacancy = Vacancy {
        remind_at: role.remind_at,
        since: at,
    };
    let conduct: &mut super::Conduct = &mut incident.conduct;
    conduct.names.insert(role.role.clone(), role.name.clone());
    conduct.needed.insert(role.role.clone(), vacancy);
}

/// Who has it takes part again.
pub(in super::super) fn back(incident: &mut Incident, by: &Actor) {
    if let Some(conduct) = incident.conduct.known_mut() {
        conduct.left.retain(|l| !l.same(by));
    }
}

/// Somebody has it: nobody is asked any more.
pub(in super::super) fn taken(incident: &mut Incident, role: &str) {
    if let Some(conduct) = incident.conduct.known_mut() {
        conduct.offers.remove(role);
    }
}

fn released(incident: &mut Incident, role: &str, who: &Actor, remind_at: Option<Time>, at: Time) {
    if role == COMMANDER {
        incident.lead.take_if(|lead| lead.same(who));
    } else if let Some(holders) = incident.conduct.roles.get_mut(role) {
        holders.retain(|h| !h.same(who));
    }
    if let Some(vacancy) = incident.conduct.needed.get_mut(role) {
        *vacancy = Vacancy {
            remind_at,
            since: at,
        };
    }
}

/// Somebody came into the room on a platform, or left it.
fn present(incident: &mut Incident, by: &Actor, platform: &Platform, there: bool) {
    let present = &mut incident.conduct.present;
    let people = present.entry(platform.clone()).or_default();
    people.retain(|p| !p.same(by));
    if there {
        people.push(by.clone());
    }
    if people.is_empty() {
        present.remove(platform);
    }
}
