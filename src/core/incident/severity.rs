//! How bad it is, changed by hand or by a worse alert.

use super::command::{Refusal, Scene};
use super::event::Event;
use super::{Incident, Status, climb, reach};
use crate::core::id::{Actor, Severity};

/// An alert worse than the incident raises it.
pub(super) fn worsened(incident: &Incident, scene: &Scene<'_>, worst: Severity) -> Vec<Event> {
    let mut events = Vec::new();
    if worst < incident.severity {
        let to_name = scene.directory.severity_name(worst);
        let (urgency, woken) = reach::reconsidered(incident, scene, worst);
        events.push(Event::SeverityChanged {
            by: Actor::Firebell,
            from: incident.severity,
            to: worst,
            to_name: to_name.clone(),
            why: "an alert is worse".to_owned(),
            urgency,
        });
        events.extend(woken);
        if worst <= incident.major_at && !incident.major {
            events.push(Event::Promoted {
                by: Actor::Firebell,
                why: format!("{to_name} is major for this service"),
            });
        }
        if incident.status == Status::Acknowledged {
            // A worse alert must not be swallowed by an acknowledgement of a lesser one.
            let why = format!("severity rose to {to_name} after the acknowledgement");
            events.extend(climb::retrigger(incident, scene, &why));
        }
    }
    events
}

/// Sets it by hand.
pub(super) fn set(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    to: Severity,
) -> Result<Vec<Event>, Refusal> {
    if usize::from(to.0) >= scene.directory.severities.len() {
        return Err(Refusal::Invalid {
            why: "There is no such severity.".to_owned(),
        });
    }
    if let Some(why) = scene.directory.only_alerts_are(to) {
        return Err(Refusal::Invalid { why });
    }
    let to_name = scene.directory.severity_name(to);
    if to == incident.severity {
        return Err(Refusal::NothingToDo {
            what: format!("It already is {to_name}."),
        });
    }
    let promote = to <= incident.major_at && !incident.major;
    let (urgency, woken) = reach::reconsidered(incident, scene, to);
    let mut events = vec![Event::SeverityChanged {
        by: by.clone(),
        from: incident.severity,
        to,
        to_name: to_name.clone(),
        why: "set by hand".to_owned(),
        urgency,
    }];
    events.extend(woken);
    if promote {
        events.push(Event::Promoted {
            by,
            why: format!("{to_name} is major for this service"),
        });
    }
    Ok(events)
}
