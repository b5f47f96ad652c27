//! Rooms are put away at their deadline and opened again, a message is on the timeline once, and what
//! failed is tried again when somebody asks.

use super::super::tests::{NOON, directory, open_as};
use super::*;
use crate::core::brakes::Brakes;
use crate::core::directory::Directory;
use crate::core::id::IncidentId;
use crate::core::incident::{Command, Effect, Surface, evolve, react, wake_at};

const HOUR_MS: i64 = 3_600_000;

struct Life {
    directory: Directory,
    now: Time,
    incident: Incident,
    effects: Vec<Effect>,
}

fn ana() -> Actor {
    person("ana", "Ana")
}

fn person(id: &str, name: &str) -> Actor {
    Actor::Person {
        id: id.to_owned(),
        name: name.to_owned(),
    }
}

impl Life {
    fn with(change: impl FnOnce(&mut Directory)) -> Life {
        let mut directory = directory();
        change(&mut directory);
        let mut life = Life {
            directory,
            now: NOON,
            incident: Incident::new(IncidentId(7)),
            effects: Vec::new(),
        };
        let mut open = open_as(None);
        open.origin = super::super::Origin::Declared { by: ana() };
        open.major = true;
        open.channel = Some("web".to_owned());
        life.does(Command::Open(Box::new(open))).unwrap();
        life
    }

    fn does(&mut self, command: Command) -> Result<Vec<Event>, Refusal> {
        let scene = Scene {
            now: self.now,
            directory: &self.directory,
            brakes: &Brakes::default(),
        };
        let events = super::super::decide(&self.incident, &scene, command)?;
        self.effects.clear();
        for event in &events {
            let record = Record {
                seq: self.incident.seq + 1,
                at: self.now,
                cause: "test".to_owned(),
                event: event.clone(),
            };
            evolve(&mut self.incident, &record);
            self.effects.extend(react(&self.incident, &record));
        }
        Ok(events)
    }

    fn talks(&mut self, talk: Talk) -> Result<Vec<Event>, Refusal> {
        self.does(Command::Talk(Box::new(talk)))
    }

    fn shows(&self, surface: Surface) -> bool {
        self.effects.contains(&Effect::Show { surface })
    }

    fn says(&self) -> bool {
        self.effects.iter().any(|e| matches!(e, Effect::Say { .. }))
    }

    fn room(&mut self, platform: &str) {
        self.does(Command::RoomReady {
            platform: platform.to_owned(),
            room: "C1".to_owned(),
            name: "inc-7".to_owned(),
        })
        .unwrap();
    }
}

fn message(by: Actor, how: &str) -> Talk {
    Talk::Keep(Box::new(KeptMessage {
        by,
        platform: "slack".to_owned(),
        message: "1.1".to_owned(),
        text: "it was the cache".to_owned(),
        author: "Bo".to_owned(),
        written_at: NOON.plus_ms(-60_000),
        how: how.to_owned(),
    }))
}

#[test]
fn rooms_are_put_away_at_their_deadline_and_come_back_with_the_incident() {
    let mut life = Life::with(|d| d.rooms.archive_after_ms = Some(HOUR_MS));
    life.room("slack");
    life.does(Command::Resolve { by: ana() }).unwrap();
    let due = NOON.plus_ms(HOUR_MS);
    assert_eq!(wake_at(&life.incident), Some(due));
    life.now = due.plus_ms(-1);
    assert_eq!(life.does(Command::Wake), Err(Refusal::NotYet));
    life.now = due;
    life.does(Command::Wake).unwrap();
    assert!(life.shows(Surface::Shelf) && !life.says());
    assert_eq!(wake_at(&life.incident), None, "nothing is due any more");
    // A room that is closed for good is not mistaken for one that is lost.
    let lost = Command::PlaceFailed {
        platform: "slack".to_owned(),
        place: THE_ROOM.to_owned(),
        why: "archived".to_owned(),
    };
    assert!(life.does(lost).is_err());
    life.talks(Talk::Shelved {
        platform: "slack".to_owned(),
        room: "C1".to_owned(),
    })
    .unwrap();
    assert!(life.incident.rooms.is_empty());
    // What happens meanwhile is not written into it.
    let note = Command::Note {
        by: ana(),
        text: "the invoice came".to_owned(),
        happened_at: None,
    };
    life.does(note).unwrap();
    assert!(!life.says());
    life.does(Command::Reopen { by: ana() }).unwrap();
    assert!(life.shows(Surface::Room) && life.says());
    assert_eq!(life.incident.talk.shelved["slack"], "C1");
    life.room("slack");
    assert!(life.incident.talk.shelved.is_empty());
}

#[test]
fn a_room_that_is_put_away_while_the_incident_is_opened_again_comes_back() {
    let mut life = Life::with(|_| {});
    life.room("slack");
    life.does(Command::Resolve { by: ana() }).unwrap();
    life.talks(Talk::Archive { by: ana() }).unwrap();
    life.does(Command::Reopen { by: ana() }).unwrap();
    // The platform had archived it before it heard of that.
    let shelved = Talk::Shelved {
        platform: "slack".to_owned(),
        room: "C1".to_owned(),
    };
    life.talks(shelved).unwrap();
    assert!(life.shows(Surface::Room), "{:?}", life.effects);
}

#[test]
fn nobody_puts_the_rooms_of_an_open_incident_away() {
    let mut life = Life::with(|_| {});
    let told = life.talks(Talk::Archive { by: ana() }).unwrap_err();
    assert!(told.to_string().contains("resolve it first"), "{told}");
    life.does(Command::Resolve { by: ana() }).unwrap();
    assert_eq!(
        wake_at(&life.incident),
        None,
        "without a delay people do it"
    );
    life.talks(Talk::Archive { by: ana() }).unwrap();
    assert!(life.talks(Talk::Archive { by: ana() }).is_err());
}

#[test]
fn a_message_is_on_the_timeline_once_and_whoever_marked_it_takes_it_back() {
    let mut life = Life::with(|_| {});
    life.talks(message(ana(), "marked with :pushpin:")).unwrap();
    let seq = life.incident.seq;
    let bo = || person("bo", "Bo");
    let again = life.talks(message(bo(), "pinned")).unwrap_err();
    assert!(again.to_string().contains("Ana has put"), "{again}");
    let unkeep = |by, how: &str| Talk::Unkeep {
        by,
        platform: "slack".to_owned(),
        message: "1.1".to_owned(),
        how: how.to_owned(),
    };
    assert!(life.talks(unkeep(bo(), "marked with :pushpin:")).is_err());
    assert!(life.talks(unkeep(ana(), "pinned")).is_err());
    let gone = life.talks(unkeep(ana(), "marked with :pushpin:")).unwrap();
    assert!(matches!(&gone[..], [Event::Unkept(e)] if e.seq == seq));
    // And it can be put there again.
    life.talks(message(bo(), "pinned")).unwrap();
}

#[test]
fn what_failed_is_told_until_it_is_tried_again() {
    let mut life = Life::with(|_| {});
    let retry = || Talk::Retry { by: ana() };
    assert!(life.talks(retry()).is_err(), "there is nothing to retry");
    let topic = super::super::react::FURNITURE[0];
    let fails = || Command::PlaceFailed {
        platform: "slack".to_owned(),
        place: topic.to_owned(),
        why: "missing_scope".to_owned(),
    };
    life.does(fails()).unwrap();
    assert!(life.shows(Surface::RoomCard), "the card tells it");
    assert!(life.does(fails()).is_err(), "it is told once");
    life.talks(retry()).unwrap();
    assert!(life.incident.talk.trouble.is_empty());
    for surface in [
        Surface::Topic,
        Surface::Room,
        Surface::Links,
        Surface::Digest,
    ] {
        assert!(life.shows(surface), "{surface:?}");
    }
    life.does(fails()).unwrap();
}

#[test]
fn a_small_incident_has_a_thread_until_it_gets_a_room() {
    let mut life = Life::with(|d| {
        d.rooms.threads.insert(Severity(2));
    });
    assert!(!life.incident.threads(), "it is major");
    let mut open = open_as(None);
    open.origin = super::super::Origin::Declared { by: ana() };
    (open.major, open.severity) = (false, Severity(2));
    open.channel = Some("web".to_owned());
    life.incident = Incident::new(IncidentId(8));
    life.does(Command::Open(Box::new(open))).unwrap();
    assert!(life.incident.threads() && life.shows(Surface::Room));
    assert!(!life.shows(Surface::RoomCard), "its card stands above it");
    life.room("slack");
    assert!(life.shows(Surface::Crew) && !life.shows(Surface::Topic));
    life.does(Command::Promote { by: ana() }).unwrap();
    assert!(!life.incident.threads() && life.incident.rooms.is_empty());
    assert!(life.shows(Surface::Room));
}
