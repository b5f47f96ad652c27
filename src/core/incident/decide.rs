//! Judgement: a command becomes events, or a refusal in words. Never an effect.

use super::command::{Command, Refusal, Scene};
use super::event::Event;
use super::opening::{self, after};
use super::{
    Incident, Status, THE_ROOM, climb, conduct, gate, reach, redacted, runs, severity, talk,
    update, verbs,
};
use crate::core::alert::AlertRef;
use crate::core::automation;
use crate::core::directory::COMMANDER;
use crate::core::id::{Actor, AlertId, Platform, Severity};
use crate::core::text;
use crate::core::time::human_ms;

/// A note is at most this long, in characters: what every platform can show in one message.
pub const NOTE_CHARS: usize = 3000;

/// Decides. The incident is as its journal tells; nothing is changed here.
///
/// # Errors
/// A [`Refusal`]: the answer is no, and nothing is recorded.
pub fn decide(
    incident: &Incident,
    scene: &Scene<'_>,
    command: Command,
) -> Result<Vec<Event>, Refusal> {
    let mut events = judge(incident, scene, command)?;
    let over = gate::aftermath(incident, scene, &events);
    events.extend(over);
    let asked_for = conduct::aftermath(incident, scene, &events);
    events.extend(asked_for);
    let told = update::aftermath(incident, scene, &events);
    events.extend(told);
    Ok(events)
}

fn judge(incident: &Incident, scene: &Scene<'_>, command: Command) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Open(open) if incident.seq == 0 => Ok(opening::open(incident.id, scene, *open)),
        Command::Open(_) => Err(Refusal::AlreadyOpen),
        _ if incident.seq == 0 => Err(Refusal::NoSuchIncident),
        Command::Fire { alerts, worst } => fire(incident, scene, alerts, worst),
        Command::Clear { alerts, why } => clear(incident, &alerts, why),
        Command::Wake => wake(incident, scene),
        Command::LookBack => look_back(incident, scene),
        Command::Acknowledge { by } => acknowledge(incident, by),
        Command::Snooze { by, until } => snooze(incident, scene, by, until),
        Command::Resolve { by } => resolve(incident, by),
        Command::AsOf { seq, command } => verbs::as_of(incident, scene, seq, *command),
        Command::Mute { .. }
        | Command::Unmute { .. }
        | Command::Unacknowledge { .. }
        | Command::Reopen { .. }
        | Command::Reassign { .. }
        | Command::Merge { .. }
        | Command::Absorb { .. } => verbs::decide(incident, scene, command),
        Command::PolicyEdited => climb::edited(incident, scene),
        Command::AdoptPolicy { by } => climb::adopt(incident, scene, by),
        Command::Escalate { by, as_of } => escalate(incident, scene, &by, as_of),
        Command::Page {
            by,
            target,
            message,
        } => page(incident, scene, &by, &target, &message),
        Command::SetSeverity { by, to } => severity::set(incident, scene, by, to),
        Command::Promote { by } => promote(incident, by),
        Command::Shape { by, shape } => super::shape::decide(incident, scene, by, *shape),
        Command::Lead { by, lead } => {
            conduct::give(incident, scene, by, COMMANDER, lead, conduct::Manner::Usual)
        }
        Command::Conduct(command) => conduct::decide(incident, scene, command),
        Command::Note {
            by,
            text,
            happened_at,
        } => {
            let happened_at = conduct::when_checked(incident, scene, happened_at)?;
            note(by, text, happened_at)
        }
        Command::Update(wish) => update::decide(incident, scene, &wish),
        Command::SetCadence { by, every_ms, next } => {
            update::set_cadence(incident, scene, by, every_ms, next)
        }
        Command::Speak {
            by,
            text,
            platform,
            message,
            answers,
        } => Ok(vec![Event::Spoke {
            by,
            text,
            platform,
            message,
            answers,
        }]),
        Command::Talk(talk) => talk::decide(incident, scene, *talk),
        Command::Reword {
            by,
            text,
            platform,
            message,
        } => Ok(vec![Event::Reworded {
            by,
            text,
            platform,
            message,
        }]),
        Command::Unsay {
            by,
            platform,
            message,
        } => Ok(vec![Event::Unsaid {
            by,
            platform,
            message,
        }]),
        Command::Join { by, platform } => Ok(vec![Event::Joined { by, platform }]),
        Command::Leave { by, platform } => Ok(vec![Event::Left { by, platform }]),
        Command::PlaceFailed {
            platform,
            place,
            why,
        } => place_failed(incident, platform, place, why),
        Command::AskRun { .. }
        | Command::CancelRun { .. }
        | Command::SettleRun { .. }
        | Command::ApproveRun { .. }
        | Command::RejectRun { .. }
        | Command::Through { .. } => {
            runs::decide(incident, scene, runs::Manner::default(), command)
        }
        report => self::report(incident, scene, report),
    }
}

/// What is known now of changes before it, and was not before.
fn look_back(incident: &Incident, scene: &Scene<'_>) -> Result<Vec<Event>, Refusal> {
    let nothing = || Refusal::NothingToDo {
        what: "No change is known that came before it and is not on its timeline.".to_owned(),
    };
    if !incident.is_open() {
        return Err(nothing());
    }
    opening::preceded(incident, scene)
        .map(|event| vec![event])
        .ok_or_else(nothing)
}

/// What came of something firebell did outside, and the removal of a line.
fn report(incident: &Incident, scene: &Scene<'_>, command: Command) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::ReleaseRun { run } => gate::go(incident, scene, run),
        Command::Disarm { action, why } => gate::disarm(incident, action.as_deref(), &why),
        Command::RunStarted { run } => runs::started(incident, run),
        Command::RunEnded {
            run,
            outcome,
            duration_ms,
            bytes,
            tail,
            notes,
        } => runs::ended(
            incident,
            scene,
            Event::RunEnded {
                run,
                outcome,
                duration_ms,
                bytes,
                tail,
                notes,
            },
            run,
        ),
        Command::RunRehearsed {
            run,
            outcome,
            tail,
            digest,
        } => runs::rehearsed(incident, run, outcome, tail, digest),
        Command::PageDelivered {
            person,
            contact,
            attempts,
            via,
        } => Ok(vec![Event::PageDelivered {
            person,
            contact,
            attempts,
            via,
        }]),
        Command::PageFailed {
            person,
            contact,
            why,
        } => Ok(page_failed(incident, scene, person, contact, why)),
        Command::RoomReady {
            platform,
            room,
            name,
        } => {
            if incident.rooms.contains_key(&platform) {
                return Err(Refusal::NothingToDo {
                    what: format!("There is already a room on {platform}."),
                });
            }
            Ok(vec![Event::RoomOpened {
                platform,
                room,
                name,
            }])
        }
        Command::RoomFailed { platform, why } => Ok(vec![Event::RoomFailed { platform, why }]),
        Command::Redact { by, seq, also, why } => redacted::lines(incident, &by, (seq, also), &why),
        Command::RedactBeside { by, what, why } => redacted::beside(by, what, &why),
        // `decide` has taken every other command.
        _ => Err(Refusal::NothingToDo {
            what: "There is nothing to do.".to_owned(),
        }),
    }
}

fn fire(
    incident: &Incident,
    scene: &Scene<'_>,
    alerts: Vec<AlertRef>,
    worst: Severity,
) -> Result<Vec<Event>, Refusal> {
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    let alerts: Vec<AlertRef> = alerts
        .into_iter()
        .filter(|a| !incident.firing.contains(&a.id))
        .collect();
    if alerts.is_empty() && worst >= incident.severity {
        return Err(Refusal::NothingToDo {
            what: "These alerts already fire here.".to_owned(),
        });
    }
    let mut events = Vec::new();
    let joined = !alerts.is_empty();
    if joined {
        events.push(Event::Fired { alerts });
    }
    let unmuted;
    let mut incident = incident;
    if joined && incident.muted_at(scene.now).is_some() {
        // What is silenced is kept elsewhere: whatever joins is not.
        let why = "an alert that is not silenced joined";
        events.extend(verbs::unmuted(incident, scene, why));
        unmuted = verbs::without_mute(incident);
        incident = &unmuted;
    }
    events.extend(severity::worsened(incident, scene, worst));
    Ok(events)
}

fn clear(incident: &Incident, alerts: &[AlertId], why: String) -> Result<Vec<Event>, Refusal> {
    let gone: Vec<AlertId> = alerts
        .iter()
        .copied()
        .filter(|a| incident.firing.contains(a))
        .collect();
    if gone.is_empty() {
        return Err(Refusal::NothingToDo {
            what: "None of these alerts fires here.".to_owned(),
        });
    }
    let left = incident.firing.len() - gone.len();
    let mut events = vec![Event::Cleared {
        alerts: gone,
        left: u32::try_from(left).unwrap_or(u32::MAX),
        why,
    }];
    if left == 0 && incident.is_open() && incident.auto_resolve {
        events.push(Event::Resolved {
            by: Actor::Firebell,
            still_firing: 0,
            why: "every alert has cleared".to_owned(),
        });
    }
    Ok(events)
}

fn wake(incident: &Incident, scene: &Scene<'_>) -> Result<Vec<Event>, Refusal> {
    let mut events = gate::expired(incident, scene);
    // Before it may resolve by itself: what was due was due.
    events.extend(conduct::due(incident, scene));
    if incident.resolves_at().is_none_or(|t| t > scene.now) {
        events.extend(automation::due(incident, scene));
    }
    let changed;
    let mut incident = incident;
    if !events.is_empty() {
        // A run that is not started may be what the first page waited for.
        let mut so_far = incident.clone();
        after(&mut so_far, scene, &events);
        changed = so_far;
        incident = &changed;
    }
    if incident.resolves_at().is_some_and(|t| t <= scene.now) {
        let ms = incident.forgotten.map_or(0, |f| f.after_ms);
        events.push(Event::Resolved {
            by: Actor::Firebell,
            still_firing: u32::try_from(incident.firing.len()).unwrap_or(u32::MAX),
            why: format!("nothing has happened for {}", human_ms(ms)),
        });
        return Ok(events);
    }
    match incident.status {
        Status::Triggered if incident.muted_at(scene.now).is_some() => {}
        Status::Triggered if incident.muted.is_some() => {
            events.extend(verbs::unmuted(incident, scene, "the silence ended"));
        }
        Status::Triggered => {
            let climbed = climb::due(incident, scene);
            events.extend(reach::due(incident, scene, &climbed));
            events.extend(climbed);
        }
        Status::Acknowledged if incident.snoozed_until.is_some_and(|t| t <= scene.now) => {
            events.extend(climb::retrigger(incident, scene, "the snooze ended"));
        }
        Status::Acknowledged if climb::remind_at(incident).is_some_and(|t| t <= scene.now) => {
            events.extend(climb::remind(incident, scene));
        }
        Status::Resolved => events.extend(talk::due(incident, scene)),
        Status::Acknowledged => {}
    }
    events.extend(update::due(incident, scene));
    if events.is_empty() {
        Err(Refusal::NotYet)
    } else {
        Ok(events)
    }
}

fn acknowledge(incident: &Incident, by: Actor) -> Result<Vec<Event>, Refusal> {
    match incident.status {
        Status::Resolved => Err(Refusal::AlreadyResolved),
        Status::Acknowledged if incident.snoozed_until.is_none() => {
            Err(Refusal::AlreadyAcknowledged {
                by: incident
                    .acked_by
                    .as_ref()
                    .map_or("Somebody", Actor::name)
                    .to_owned(),
            })
        }
        _ => climb::acknowledged(incident, by),
    }
}

fn snooze(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    until: crate::core::time::Time,
) -> Result<Vec<Event>, Refusal> {
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    if until <= scene.now {
        return Err(Refusal::Invalid {
            why: "A snooze must end in the future: `snooze 30m`.".to_owned(),
        });
    }
    let needs = climb::needs(incident);
    if incident.status == Status::Triggered && needs > 1 {
        return Err(Refusal::Invalid {
            why: format!("This step needs {needs} people to acknowledge; do that before a snooze."),
        });
    }
    Ok(vec![Event::Snoozed { by, until }])
}

fn resolve(incident: &Incident, by: Actor) -> Result<Vec<Event>, Refusal> {
    if !incident.is_open() {
        return Err(verbs::resolved_already(incident));
    }
    let still_firing = u32::try_from(incident.firing.len()).unwrap_or(u32::MAX);
    Ok(vec![Event::Resolved {
        by,
        still_firing,
        why: "resolved by hand".to_owned(),
    }])
}

fn escalate(
    incident: &Incident,
    scene: &Scene<'_>,
    by: &Actor,
    as_of: Option<u32>,
) -> Result<Vec<Event>, Refusal> {
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    if as_of.is_some_and(|seen| seen < incident.climbed_seq) {
        return Err(Refusal::Stale {
            now: "the next step has been paged already".to_owned(),
        });
    }
    let why = format!("escalated by {}", by.name());
    if incident.muted.is_some() {
        // Somebody who asks by hand means it, silence or not.
        let mut events = vec![Event::Unmuted { why: why.clone() }];
        let heard = verbs::without_mute(incident);
        events.extend(match incident.status {
            Status::Acknowledged => climb::retrigger(&heard, scene, &why),
            _ => climb::climb(&heard, scene, 0, 0, &why),
        });
        return Ok(events);
    }
    if incident.status == Status::Acknowledged {
        return Ok(climb::retrigger(incident, scene, &why));
    }
    Ok(climb::next_now(incident, scene, &why))
}

fn page(
    incident: &Incident,
    scene: &Scene<'_>,
    by: &Actor,
    target: &crate::core::directory::Target,
    message: &str,
) -> Result<Vec<Event>, Refusal> {
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    let mut reached = climb::resolve(std::slice::from_ref(target), scene, incident.turn);
    climb::unheard(incident, &mut reached);
    let climb::Reached {
        mut people,
        channels,
        skipped,
    } = reached;
    if incident.status == Status::Triggered {
        // While somebody has it nothing follows by itself, so all their contacts are used at once.
        people = reach::by_rules(people, super::Urgency::High, scene);
    }
    let mut why = format!("asked for by {}", by.name());
    if !message.trim().is_empty() {
        why = format!("{why}: {}", text::cut(message, 300));
    }
    if people.is_empty() && channels.is_empty() {
        let reason = skipped
            .iter()
            .map(|s| format!("{} {}", s.who, s.why))
            .collect::<Vec<_>>();
        let why = format!("{why}; {}", text::list(&reason));
        // Somebody asked for help and nobody can be reached that way: fail open, loudly.
        return Ok(vec![climb::catch_all(scene, 0, &why)]);
    }
    Ok(vec![Event::Paged {
        rung: None,
        people,
        channels,
        skipped,
        why,
        next_due: None,
    }])
}

fn promote(incident: &Incident, by: Actor) -> Result<Vec<Event>, Refusal> {
    if incident.major {
        return Err(Refusal::NothingToDo {
            what: "It already has a room.".to_owned(),
        });
    }
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    Ok(vec![Event::Promoted {
        by,
        why: "promoted by hand".to_owned(),
    }])
}

fn note(
    by: Actor,
    words: String,
    happened_at: Option<crate::core::time::Time>,
) -> Result<Vec<Event>, Refusal> {
    if words.trim().is_empty() {
        return Err(Refusal::Invalid {
            why: "A note needs words: `note at 14:03 we rolled back`.".to_owned(),
        });
    }
    if words.chars().count() > NOTE_CHARS {
        return Err(Refusal::Invalid {
            why: format!("A note is at most {NOTE_CHARS} characters; split it."),
        });
    }
    Ok(vec![Event::Noted {
        by,
        text: words,
        happened_at,
    }])
}

fn page_failed(
    incident: &Incident,
    scene: &Scene<'_>,
    person: String,
    contact: String,
    why: String,
) -> Vec<Event> {
    let key = (person, contact);
    // A receipt may say later that what was accepted did not arrive.
    let counts = incident.awaiting.contains(&key) || incident.arrived.contains(&key);
    let mut others = incident.awaiting.iter().chain(incident.arrived.iter());
    let last = counts && others.all(|k| *k == key);
    let (person, contact) = key;
    let next = reach::failed(incident, &person, &contact);
    let mut events = vec![Event::PageFailed {
        person,
        contact,
        why,
    }];
    if incident.status != Status::Triggered || incident.muted.is_some() {
        return events;
    }
    match next {
        Some(next) => events.push(next),
        _ if last => {
            let hurried = reach::hurried(incident);
            if hurried.is_empty() {
                let why = "no page of the step before could be delivered";
                events.extend(climb::next_now(incident, scene, why));
            }
            events.extend(hurried);
        }
        _ => {}
    }
    events
}

/// Rooms made anew on one platform before firebell gives up there: somebody who archives a room
/// again and again means it.
const ROOMS_LOST: u8 = 3;

/// Told once a place, or two platforms in trouble would tell each other about it for ever.
fn place_failed(
    incident: &Incident,
    platform: Platform,
    place: String,
    why: String,
) -> Result<Vec<Event>, Refusal> {
    let lost = incident.rooms_lost.get(&platform).copied().unwrap_or(0);
    let known = incident.closed.contains(&(platform.clone(), place.clone()));
    // What is put away is not lost.
    let shelved = place == THE_ROOM && incident.talk.archived;
    if known || shelved || place == THE_ROOM && lost >= ROOMS_LOST {
        return Err(Refusal::NothingToDo {
            what: format!("It is known that nothing can be posted in {place}."),
        });
    }
    Ok(vec![Event::PlaceFailed {
        platform,
        place,
        why,
    }])
}
