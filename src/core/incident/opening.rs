//! The opening of an incident: with it what starts by itself, and the first page.

use super::command::{OpenAs, Scene};
use super::decide::NOTE_CHARS;
use super::event::Event;
use super::{Incident, Origin, Record, climb, evolve, talk};
use crate::core::automation;
use crate::core::brakes::Brakes;
use crate::core::change::{self, Preceding};
use crate::core::id::{Actor, IncidentId};
use crate::core::text;

pub(super) fn open(id: IncidentId, scene: &Scene<'_>, open: OpenAs) -> Vec<Event> {
    let OpenAs {
        ladder,
        group_wait_ms,
        major,
        origin,
        ..
    } = &open;
    let first_page = ladder.as_ref().map(|_| scene.now.plus_ms(*group_wait_ms));
    let severity_major = open.severity <= open.major_at;
    let promoted = (*major || severity_major).then(|| {
        let (by, why) = match origin {
            Origin::Declared { by } if *major => (by.clone(), "declared by hand".to_owned()),
            _ => (
                Actor::Firebell,
                format!(
                    "{} is major for this service",
                    scene.directory.severity_name(open.severity)
                ),
            ),
        };
        Event::Promoted { by, why }
    });
    let service = open.service.as_deref();
    let (urgency, reason) = scene.directory.urgency(open.severity, service, scene.now);
    let plan = talk::planned(scene, open.severity, service, open.nature.private);
    let auto = open.auto;
    let noted = notes(&open.origin, &open.said);
    let mut opened = Event::Opened {
        severity_name: scene.directory.severity_name(open.severity),
        origin: open.origin,
        title: text::cut(&open.title, 300),
        severity: open.severity,
        major_at: open.major_at,
        service: open.service,
        team: open.team,
        channel: open.channel,
        group_key: open.group_key,
        labels: open.labels,
        auto_resolve: open.auto_resolve,
        ladder: open.ladder.unwrap_or_default(),
        turn: open.turn,
        first_page,
        alerts: open.alerts,
        why: open.why.into_iter().chain(reason).collect(),
        urgency,
        auto_resolve_after_ms: open.auto_resolve_after_ms,
        hold_while_firing: open.hold_while_firing && open.auto_resolve_after_ms.is_some(),
        nature: open.nature,
    };
    // What starts by itself, and the first page, are decided with the opening: one commit, no trip
    // through the timer.
    let mut so_far = Incident::new(id);
    // It counts among the open ones from here on.
    let mut brakes = Brakes::default();
    if !auto.is_empty() {
        brakes = scene.brakes.clone();
        brakes.open += 1;
    }
    let scene = &Scene {
        brakes: if auto.is_empty() {
            scene.brakes
        } else {
            &brakes
        },
        ..*scene
    };
    after(&mut so_far, scene, std::slice::from_ref(&opened));
    let (armed, not) = automation::arm(&so_far, scene, &auto);
    if let Event::Opened { why, .. } = &mut opened {
        why.extend(not);
    }
    let mut events: Vec<Event> = [Some(opened), promoted, plan]
        .into_iter()
        .flatten()
        .collect();
    events.extend(noted);
    after(&mut so_far, scene, &events[1..]);
    after(&mut so_far, scene, &armed);
    events.extend(armed);
    let started = automation::due(&so_far, scene);
    after(&mut so_far, scene, &started);
    events.extend(started);
    if first_page.is_some_and(|t| t <= scene.now) {
        events.extend(climb::due(&so_far, scene));
    }
    // Behind the page, which waits for nothing.
    events.extend(preceded(&so_far, scene));
    events
}

/// The changes before an incident that it does not know yet.
pub(super) fn preceded(incident: &Incident, scene: &Scene<'_>) -> Option<Event> {
    let known = |p: &Preceding| {
        let same = |k: &Preceding| k.source == p.source && k.key == p.key;
        incident.preceded.iter().any(same)
    };
    let room = change::KEPT.saturating_sub(incident.preceded.len());
    let mut changes =
        change::preceding(&scene.directory.changes, scene.directory, incident.onset());
    changes.retain(|p| !known(p));
    changes.truncate(room);
    (!changes.is_empty()).then_some(Event::Preceded { changes })
}

/// What the declarer said beside the title, cut into notes: nothing of it is lost.
fn notes(origin: &Origin, said: &[String]) -> Vec<Event> {
    let Origin::Declared { by } = origin else {
        return Vec::new();
    };
    let note = |text: String| Event::Noted {
        by: by.clone(),
        text,
        happened_at: None,
    };
    let pieces = said
        .iter()
        .flat_map(|words| text::pieces(words, NOTE_CHARS));
    pieces.map(note).collect()
}

/// The incident as it will be after these events.
pub(super) fn after(incident: &mut Incident, scene: &Scene<'_>, events: &[Event]) {
    for event in events {
        let record = Record {
            seq: incident.seq + 1,
            at: scene.now,
            cause: String::new(),
            event: event.clone(),
        };
        evolve(incident, &record);
    }
}
