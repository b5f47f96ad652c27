//! Memory: a fact changes the state. Cannot fail, never looks at the clock.

use super::event::Event;
use super::parts::{Ladder, Origin, PagedPerson};
use super::{
    Climb, Forgotten, Incident, Mute, Record, Status, THE_ROOM, climb, conduct, gate, reach,
    redacted, runs, shape, talk, update,
};
use crate::core::change::Preceding;
use crate::core::directory::WEBHOOK;
use crate::core::id::Actor;
use crate::core::time::Time;
use std::cmp::Reverse;
use std::sync::Arc;

/// Applies one record.
pub fn evolve(incident: &mut Incident, record: &Record) {
    incident.seq = record.seq;
    incident.updated_at = record.at;
    crew(incident, &record.event);
    shape::admit(incident, &record.event);
    course(incident, record);
    talk::evolve(incident, record);
    update::evolve(incident, record);
    if moves(&record.event) {
        (incident.moved_at, incident.reminded) = (record.at, false);
    }
    match &record.event {
        Event::Opened { .. } => opened(incident, record),
        Event::Fired { alerts } => {
            incident.alerts += u32::try_from(alerts.len()).unwrap_or(u32::MAX);
            incident.firing.extend(alerts.iter().map(|a| a.id));
            incident.cleared_at = None;
        }
        Event::Cleared { alerts, .. } => {
            for id in alerts {
                incident.firing.remove(id);
            }
            if incident.firing.is_empty() {
                incident.cleared_at = Some(record.at);
            }
        }
        Event::Acknowledged { by } => taken(incident, by, None, record.at),
        Event::AckCounted { by, .. } => reach::counted(incident, by),
        Event::LadderChanged { ladder, .. } => ladder_changed(incident, ladder),
        Event::Snoozed { by, until } => taken(incident, by, Some(*until), record.at),
        Event::Retriggered { due, .. } => climb_again(incident, *due, record.at),
        Event::Unacknowledged { .. }
        | Event::Reopened { .. }
        | Event::Reassigned { .. }
        | Event::Muted { .. }
        | Event::Unmuted { .. }
        | Event::Merged { .. }
        | Event::Absorbed { .. } => hands(incident, record),
        Event::Resolved { .. } => over(incident, record),
        Event::SeverityChanged { to, urgency, .. } => {
            if *to < incident.severity {
                // Worse than what the run was to heal.
                gate::lift(incident, record.at);
            }
            incident.severity = *to;
            incident.urgency = urgency.unwrap_or(incident.urgency);
        }
        Event::Preceded { changes } => preceded(incident, changes),
        Event::Promoted { .. } => incident.major = true,
        Event::LeadChanged { lead, .. } => conduct::lead_given(incident, lead),
        Event::Conduct(_) | Event::Joined { .. } | Event::Left { .. } => {
            conduct::evolve(incident, record);
        }
        Event::Hidden(_)
        | Event::Revealed(_)
        | Event::Invited(_)
        | Event::DrillSet(_)
        | Event::TypeSet(_)
        | Event::Related(_)
        | Event::Unrelated(_)
        | Event::ParentSet(_)
        | Event::ChildSet(_)
        | Event::ChildMoved(_)
        | Event::Recalled(_) => shape::evolve(incident, record),
        Event::RoomOpened { .. } | Event::PlaceFailed { .. } => place(incident, &record.event),
        Event::Paged { .. }
        | Event::Chased { .. }
        | Event::RungSkipped { .. }
        | Event::CatchAll { .. }
        | Event::Reminded { .. }
        | Event::PageDelivered { .. }
        | Event::PageFailed { .. } => paging(incident, record),
        Event::RunAsked { .. }
        | Event::RunRehearsed { .. }
        | Event::RunApproved { .. }
        | Event::RunRejected { .. }
        | Event::RunExpired { .. }
        | Event::RunArmed { .. }
        | Event::RunQueued { .. }
        | Event::RunReleased { .. }
        | Event::RunStarted { .. }
        | Event::RunEnded { .. }
        | Event::RunCancelAsked { .. }
        | Event::RunSettled { .. } => runs::evolve(incident, record),
        Event::Redacted(_) => redacted::evolve(incident, record),
        // Remembered by `talk`, or by the journal alone.
        _ => {}
    }
}

/// Somebody has it, for a while or until it is over.
fn taken(incident: &mut Incident, by: &Actor, until: Option<Time>, at: Time) {
    conduct::back(incident, by);
    rest(incident, Status::Acknowledged);
    incident.acked_by = Some(by.clone());
    incident.acked_at.get_or_insert(at);
    incident.snoozed_until = until;
}

/// A room is there, or a place cannot be posted in any more.
fn place(incident: &mut Incident, event: &Event) {
    match event {
        Event::RoomOpened { platform, room, .. } => {
            incident.rooms.insert(platform.clone(), room.clone());
            let place = (platform.clone(), THE_ROOM.to_owned());
            incident.closed.remove(&place);
        }
        Event::PlaceFailed {
            platform, place, ..
        } => {
            incident.closed.insert((platform.clone(), place.clone()));
            if place == THE_ROOM && incident.rooms.remove(platform).is_some() {
                *incident.rooms_lost.entry(platform.clone()).or_default() += 1;
            }
        }
        _ => {}
    }
}

fn preceded(incident: &mut Incident, changes: &[Preceding]) {
    incident.preceded.extend(changes.iter().cloned());
    // Stable: of equal rank, what was known first stays first.
    incident.preceded.sort_by_key(|p| Reverse(p.points));
}

/// What a press may be too late for, and what counts as something happening.
fn course(incident: &mut Incident, record: &Record) {
    let by = match &record.event {
        Event::Acknowledged { by }
        | Event::Snoozed { by, .. }
        | Event::Unacknowledged { by }
        | Event::Reopened { by }
        | Event::Reassigned { by, .. }
        | Event::Merged { by, .. }
        | Event::Resolved { by, .. } => Some(by),
        _ => None,
    };
    if let Some(by) = by {
        incident.course = Some((record.seq, by.clone()));
    }
    let happened = matches!(
        record.event,
        Event::Opened { .. }
            | Event::Fired { .. }
            | Event::Cleared { .. }
            | Event::Absorbed { .. }
            | Event::Noted { .. }
            | Event::Updated(_)
            | Event::Spoke { .. }
            | Event::Kept { .. }
            | Event::Attached { .. }
            | Event::SeverityChanged { .. }
            | Event::LeadChanged { .. }
            | Event::Promoted { .. }
            | Event::Retriggered { .. }
    ) || matches!(&record.event, Event::Conduct(event) if event.by().is_some());
    if happened || by.is_some() {
        incident.active_at = record.at;
    }
}

/// It changes hands, is merged, or a silence covers it.
fn hands(incident: &mut Incident, record: &Record) {
    match &record.event {
        Event::Unacknowledged { .. } => climb_again(incident, record.at, record.at),
        Event::Reopened { .. } => {
            incident.reopened = Some((record.seq, record.at));
            climb_again(incident, record.at, record.at);
            (incident.resolved_at, incident.resolved_by) = (None, None);
        }
        Event::Reassigned { ladder, .. } => {
            climb_again(incident, record.at, record.at);
            incident.muted = None;
            // What was agreed to was a step of the ladder before.
            incident.agreed.clear();
            incident.ladder = Arc::new(ladder.clone());
        }
        Event::Muted {
            silence,
            words,
            until,
        } => {
            incident.awaiting.clear();
            incident.chase.clear();
            incident.muted = Some(Mute {
                silence: silence.clone(),
                words: words.clone(),
                until: *until,
            });
        }
        Event::Unmuted { .. } => {
            incident.muted = None;
            if incident.status == Status::Triggered {
                climb_again(incident, record.at, record.at);
            }
        }
        Event::Merged { into, .. } => {
            over(incident, record);
            // They fire elsewhere from now on.
            incident.firing.clear();
            incident.merged_into = Some(*into);
        }
        Event::Absorbed {
            groups,
            firing,
            alerts,
            began_at,
            ..
        } => {
            incident.absorbed.extend(groups.iter().cloned());
            incident.firing.extend(firing);
            incident.alerts = incident.alerts.saturating_add(*alerts);
            incident.began_at = incident.began_at.min(*began_at);
            if !incident.firing.is_empty() {
                incident.cleared_at = None;
            }
        }
        _ => {}
    }
}

/// Nobody has it: the ladder is climbed from its first rung.
fn climb_again(incident: &mut Incident, due: Time, now: Time) {
    // A silence that ended while somebody had it was nobody's business; now it would be a deadline.
    incident.muted.take_if(|m| m.until <= now);
    incident.last_rung = None;
    incident.held = None;
    incident.chase.clear();
    incident.status = Status::Triggered;
    incident.acked_by = None;
    incident.snoozed_until = None;
    incident.climb = Climb::Next {
        round: 0,
        rung: 0,
        due,
    };
}

fn over(incident: &mut Incident, record: &Record) {
    rest(incident, Status::Resolved);
    incident.snoozed_until = None;
    incident.muted = None;
    incident.resolved_at = Some(record.at);
    if let Some(conduct) = incident.conduct.known_mut() {
        for task in conduct.tasks.values_mut() {
            task.follow_up |= task.done_at.is_none();
        }
    }
    if let Event::Resolved { by, .. } | Event::Merged { by, .. } = &record.event {
        incident.resolved_by = Some(by.clone());
    }
}

/// Whoever was woken, has it, leads or does something belongs in the room.
fn crew(incident: &mut Incident, event: &Event) {
    let one = |by: &Actor| by.person().map(str::to_owned);
    match event {
        Event::Paged { people, .. } | Event::CatchAll { people, .. } => {
            let people = people.iter().filter(|p| !p.id.starts_with(WEBHOOK));
            incident.crew.extend(people.map(|p| p.id.clone()));
        }
        Event::Opened {
            origin: Origin::Declared { by },
            ..
        }
        | Event::Acknowledged { by }
        | Event::AckCounted { by, .. }
        | Event::Snoozed { by, .. }
        | Event::Reopened { by }
        | Event::Absorbed { by, .. }
        | Event::Promoted { by, .. }
        | Event::RunAsked { by, .. } => incident.crew.extend(one(by)),
        Event::LeadChanged { lead, .. } => incident.crew.extend(one(lead)),
        Event::Updated(update) => incident.crew.extend(one(&update.by)),
        _ => {}
    }
}

fn opened(incident: &mut Incident, record: &Record) {
    let Event::Opened {
        origin,
        title,
        severity,
        major_at,
        service,
        team,
        channel,
        group_key,
        labels,
        auto_resolve,
        ladder,
        turn,
        first_page,
        alerts,
        urgency,
        auto_resolve_after_ms,
        hold_while_firing,
        nature,
        ..
    } = &record.event
    else {
        return;
    };
    incident.title.clone_from(title);
    incident.severity = *severity;
    incident.urgency = *urgency;
    incident.major_at = *major_at;
    incident.service.clone_from(service);
    incident.team.clone_from(team);
    incident.channel.clone_from(channel);
    incident.group_key.clone_from(group_key);
    let tags = labels.iter();
    incident.tags = tags
        .map(|(k, v)| (k.as_str().into(), v.as_str().into()))
        .collect();
    incident.auto_resolve = *auto_resolve;
    incident.nature = nature.clone();
    incident.forgotten = auto_resolve_after_ms.map(|after_ms| Forgotten {
        after_ms,
        hold_while_firing: *hold_while_firing,
    });
    incident.ladder = Arc::new(ladder.clone());
    incident.turn = *turn;
    incident.opened_at = record.at;
    incident.began_at = alerts
        .iter()
        .map(|a| a.starts_at)
        .min()
        .unwrap_or(record.at)
        .min(record.at);
    incident.alerts = u32::try_from(alerts.len()).unwrap_or(u32::MAX);
    incident.firing = alerts.iter().map(|a| a.id).collect();
    match (first_page, origin) {
        (Some(due), _) => {
            incident.climb = Climb::Next {
                round: 0,
                rung: 0,
                due: *due,
            }
        }
        // A person declared it and pages nobody: that person has it.
        (None, Origin::Declared { by }) => {
            incident.status = Status::Acknowledged;
            incident.acked_at = Some(record.at);
            incident.moved_at = record.at;
            incident.acked_by = Some(by.clone());
        }
        (None, Origin::Alert { .. }) => {}
    }
    if let Origin::Declared { by } = origin {
        incident.lead = Some(by.clone());
    }
}

/// It goes on where it stands: a rung that is no longer there is the end of the round.
fn ladder_changed(incident: &mut Incident, ladder: &Ladder) {
    incident.ladder = Arc::new(ladder.clone());
    incident.last_rung = None;
    match &mut incident.climb {
        Climb::Resting => {}
        Climb::Next { rung, .. } => *rung = (*rung).min(ladder.rungs.len()),
        Climb::Exhausted { due, .. } => {
            incident.climb = Climb::Next {
                round: 0,
                rung: 0,
                due: *due,
            }
        }
    }
}

/// Whether somebody did something about it: what counts as movement for a reminder.
fn moves(event: &Event) -> bool {
    match event {
        Event::RunStarted { .. } | Event::RunEnded { .. } | Event::RunSettled { .. } => true,
        Event::Updated(update) => update.by != Actor::Firebell,
        Event::Acknowledged { by }
        | Event::Snoozed { by, .. }
        | Event::SeverityChanged { by, .. }
        | Event::Promoted { by, .. }
        | Event::LeadChanged { by, .. }
        | Event::LadderChanged { by, .. }
        | Event::Noted { by, .. }
        | Event::Spoke { by, .. }
        | Event::Reworded { by, .. }
        | Event::RunAsked { by, .. }
        | Event::RunApproved { by, .. }
        | Event::RunCancelAsked { by, .. }
        | Event::RunRejected { by, .. } => *by != Actor::Firebell,
        Event::Conduct(event) => event.by().is_some_and(|by| *by != Actor::Firebell),
        _ => false,
    }
}

fn rest(incident: &mut Incident, status: Status) {
    incident.status = status;
    incident.climb = Climb::Resting;
    incident.awaiting.clear();
    incident.chase.clear();
    incident.agreed.clear();
    incident.last_rung = None;
}

fn expect(incident: &mut Incident, people: &[PagedPerson], fresh: bool) {
    if fresh {
        incident.awaiting.clear();
        incident.arrived.clear();
    }
    if incident.status == Status::Triggered {
        reach::paged(incident, people);
    }
    for p in people {
        *incident.paged.or_default(p.id.clone()) += 1;
        if fresh {
            incident
                .awaiting
                .extend(p.contacts.iter().map(|c| (p.id.clone(), c.clone())));
        }
    }
}

fn paging(incident: &mut Incident, record: &Record) {
    if matches!(
        record.event,
        Event::Paged { rung: Some(_), .. } | Event::CatchAll { .. }
    ) {
        incident.climbed_seq = record.seq;
        incident.held = None;
    }
    match &record.event {
        Event::Paged {
            rung: Some((round, rung)),
            people,
            next_due,
            ..
        } => {
            incident.climb = climb::after(*round, *rung, next_due.unwrap_or(Time::FAR));
            incident.last_rung = usize::try_from(*rung).ok();
            expect(incident, people, true);
        }
        Event::Paged {
            rung: None, people, ..
        } => expect(incident, people, false),
        Event::Reminded { people, .. } => {
            (incident.moved_at, incident.reminded) = (record.at, true);
            expect(incident, people, false);
        }
        Event::RungSkipped {
            rung: (round, rung),
            ..
        } => {
            if let Climb::Next { due, .. } = incident.climb {
                incident.climb = climb::after(*round, *rung, due);
            }
        }
        Event::CatchAll {
            people, next_due, ..
        } if incident.status == Status::Triggered => {
            let times = if let Climb::Exhausted { times, .. } = incident.climb {
                times
            } else {
                0
            };
            incident.climb = Climb::Exhausted {
                times: times + 1,
                due: *next_due,
            };
            // The catch-all has nothing behind it: a failed page there does not climb further.
            expect(incident, people, true);
            incident.awaiting.clear();
        }
        Event::Chased {
            person,
            contacts,
            steps,
            ..
        } => reach::stepped(incident, person, contacts, *steps),
        Event::PageDelivered {
            person, contact, ..
        } => reach::settled(incident, person, contact, true),
        Event::PageFailed {
            person, contact, ..
        } => reach::settled(incident, person, contact, false),
        _ => {}
    }
}
