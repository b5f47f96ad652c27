//! Consequences of who does what: lines in the room, and words to whoever it concerns.

use super::super::{Effect, Event, Incident, Place, Record, Surface};
use super::ConductEvent;
use crate::core::id::Actor;

/// What a fact of leading an incident brings about.
pub(in super::super) fn react(incident: &Incident, record: &Record) -> Vec<Effect> {
    let mut effects: Vec<Effect> = told(incident, &record.event)
        .into_iter()
        .map(|person| Effect::Tell { person })
        .collect();
    let board = match &record.event {
        Event::Conduct(event) => {
            effects.extend(place(incident, event).map(|to| Effect::Say { to }));
            true
        }
        Event::LeadChanged { .. }
        | Event::RoomOpened { .. }
        | Event::Resolved { .. }
        | Event::Reopened { .. }
        | Event::Merged { .. }
        | Event::Redacted(_) => true,
        _ => false,
    };
    if board && incident.major && incident.conduct.has_board() {
        effects.push(Effect::Show {
            surface: Surface::Board,
        });
    }
    effects
}

/// Where it is said. A room of an incident that is over may be closed, and is left alone.
fn place(incident: &Incident, event: &ConductEvent) -> Option<Place> {
    let quiet = match event {
        // The board shows them.
        ConductEvent::RolesNeeded { .. }
        | ConductEvent::ChecklistAdded { .. }
        | ConductEvent::Ticked { .. } => true,
        // Whose they are is told in person.
        ConductEvent::TaskDue { tasks } => {
            !incident.is_open() || tasks.iter().all(|t| t.owner.is_some())
        }
        _ => false,
    };
    if quiet || !incident.is_open() {
        return None;
    }
    let aloud = matches!(
        event,
        ConductEvent::Overdue { .. } | ConductEvent::TaskDue { .. }
    );
    match (incident.major, aloud) {
        (true, _) => Some(Place::Room),
        // Somebody has to hear of it.
        (false, true) => Some(Place::Loud),
        (false, false) => None,
    }
}

/// Ids of the people it is told in person: whoever gets, loses or owes something by somebody else's act.
fn told(incident: &Incident, event: &Event) -> Vec<String> {
    let mut whom: Vec<&Actor> = Vec::new();
    let by = crate::core::timeline::by(event);
    match event {
        Event::LeadChanged { lead, from, .. } => {
            whom.push(lead);
            whom.extend(from);
        }
        Event::Conduct(event) => match event {
            // What somebody leaves behind is their own news.
            ConductEvent::ResponderLeft { who, .. } => whom.push(who),
            ConductEvent::TaskDue { tasks } => {
                whom.extend(tasks.iter().filter_map(|t| t.owner.as_ref()));
                let nobodys = tasks.iter().any(|t| t.owner.is_none());
                if nobodys && !incident.is_open() {
                    let known = [&incident.lead, &incident.resolved_by, &incident.acked_by];
                    whom.extend(known.into_iter().flatten().find(|a| a.person().is_some()));
                }
            }
            ConductEvent::TaskChanged { owner, was, .. } => {
                if was.is_some() || owner.is_some() {
                    whom.extend(owner);
                    whom.extend(was);
                }
            }
            other => whom.extend(other.named()),
        },
        _ => {}
    }
    let mut ids: Vec<String> = whom
        .into_iter()
        .filter(|w| by.is_none_or(|by| !by.same(w)))
        .filter_map(|w| w.person().map(str::to_owned))
        .collect();
    ids.sort();
    ids.dedup();
    ids
}
