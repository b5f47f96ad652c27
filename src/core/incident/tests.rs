//! Lives written by hand: one sentence each.

use super::*;
use crate::core::alert::AlertRef;
use crate::core::brakes::Brakes;
use crate::core::directory::{
    Contact, ContactKind, Directory, Person, Rung, SeverityName, Target, Team, Urgency, Waking,
};
use crate::core::schedule::{Schedule, parse_handoff};
use chrono::NaiveDateTime;
use chrono_tz::Tz;

mod approvals;
mod conduct;
mod reach;
mod rest;
mod shape;
pub(super) mod told;

/// Noon of a Monday.
pub(super) const NOON: Time = Time(1_794_830_400_000);

/// Ana and Bo can be paged, Cy has no contact; the schedule `web` hands off from Ana to Bo on Mondays at 09:00 UTC.
pub(super) fn directory() -> Directory {
    let person = |id: &str, name: &str, reachable: bool| Person {
        id: id.to_owned(),
        name: name.to_owned(),
        email: None,
        zone: Tz::UTC,
        identities: BTreeMap::new(),
        roles: vec!["responder".to_owned()],
        contacts: if reachable {
            vec![Contact {
                name: "console".to_owned(),
                kind: ContactKind::Chat {
                    platform: "console".to_owned(),
                },
            }]
        } else {
            Vec::new()
        },
        waking: Waking::default(),
    };
    let people = [
        person("ana", "Ana", true),
        person("bo", "Bo", true),
        person("cy", "Cy", false),
    ];
    let schedule = Schedule::rotation(
        "web",
        "Web",
        Tz::UTC,
        (
            parse_handoff("0 9 * * MON").unwrap(),
            NaiveDateTime::parse_from_str("2026-01-05 09:00", "%Y-%m-%d %H:%M").unwrap(),
        ),
        &["ana", "bo"],
    );
    let scale = ["sev1", "sev2", "sev3"];
    Directory {
        people: people.into_iter().map(|p| (p.id.clone(), p)).collect(),
        teams: [
            ("nobody", vec![]),
            ("web", vec!["ana".to_owned(), "bo".to_owned()]),
        ]
        .into_iter()
        .map(|(id, members)| {
            let team = Team {
                id: id.to_owned(),
                name: id.to_owned(),
                members,
                channel: None,
                policy: None,
            };
            (id.to_owned(), team)
        })
        .collect(),
        schedules: BTreeMap::from([("web".to_owned(), schedule)]),
        severities: scale
            .iter()
            .map(|s| SeverityName {
                name: (*s).to_owned(),
                labels: Vec::new(),
                urgency: if *s == "sev3" {
                    Urgency::Low
                } else {
                    Urgency::High
                },
                ..SeverityName::default()
            })
            .collect(),
        catch_all: vec![Target::Person("bo".to_owned())],
        platforms: vec!["console".to_owned()],
        ..Directory::default()
    }
}

pub(super) fn ladder(targets: &[Target], repeat: u8) -> Ladder {
    let rungs = targets
        .iter()
        .map(|t| Rung {
            when: crate::core::directory::When::default(),
            acks: 1,
            targets: vec![t.clone()],
            wait_secs: 300,
        })
        .collect();
    Ladder {
        remind_secs: None,
        rest_until: None,
        policy: "p".to_owned(),
        rungs,
        repeat,
    }
}

pub(super) fn alert(n: i64) -> AlertRef {
    AlertRef {
        id: AlertId(n),
        source: "prom".to_owned(),
        fingerprint: format!("f{n}"),
        name: "Down".to_owned(),
        summary: "api is down".to_owned(),
        starts_at: NOON.plus_ms(-60_000),
        url: String::new(),
    }
}

pub(super) fn open_as(ladder: Option<Ladder>) -> OpenAs {
    OpenAs {
        turn: 0,
        origin: Origin::Alert {
            source: "prom".to_owned(),
        },
        title: "api is down".to_owned(),
        severity: Severity(1),
        major_at: Severity(0),
        major: false,
        service: None,
        team: None,
        channel: None,
        group_key: "g".to_owned(),
        labels: Labels::new(),
        auto_resolve: true,
        auto_resolve_after_ms: None,
        hold_while_firing: true,
        ladder,
        group_wait_ms: 0,
        why: vec!["route default".to_owned()],
        alerts: vec![alert(1)],
        nature: super::Nature::default(),
        said: Vec::new(),
        auto: Vec::new(),
    }
}

/// An incident, its journal and what it asked for, driven by hand.
pub(super) struct Life {
    pub directory: Directory,
    pub now: Time,
    pub incident: Incident,
    pub journal: Vec<Record>,
    pub effects: Vec<Effect>,
    pub brakes: Brakes,
}

impl Life {
    pub(super) fn new() -> Life {
        let incident = Incident::new(IncidentId(1));
        Life {
            directory: directory(),
            now: NOON,
            incident,
            journal: Vec::new(),
            effects: Vec::new(),
            brakes: Brakes::default(),
        }
    }

    pub(super) fn opened(ladder: Ladder) -> Life {
        let mut life = Life::new();
        life.tell(Command::Open(Box::new(open_as(Some(ladder)))));
        life
    }

    pub(super) fn try_tell(&mut self, command: Command) -> Result<Vec<&'static str>, Refusal> {
        let scene = Scene {
            now: self.now,
            directory: &self.directory,
            brakes: &self.brakes,
        };
        let events = decide(&self.incident, &scene, command)?;
        self.effects.clear();
        let kinds = events.iter().map(Event::kind).collect();
        for event in events {
            let record = Record {
                seq: self.incident.seq + 1,
                at: self.now,
                cause: "test".to_owned(),
                event,
            };
            evolve(&mut self.incident, &record);
            self.brakes.evolve(&self.incident, &record);
            self.effects.extend(react(&self.incident, &record));
            self.journal.push(record);
        }
        Ok(kinds)
    }

    pub(super) fn tell(&mut self, command: Command) -> Vec<&'static str> {
        self.try_tell(command).unwrap()
    }

    pub(super) fn wait_until_due(&mut self) -> Vec<&'static str> {
        self.now = wake_at(&self.incident).expect("time would stand still");
        self.tell(Command::Wake)
    }

    pub(super) fn paged(&self) -> Vec<String> {
        let pages = self.effects.iter().filter_map(|e| {
            if let Effect::Page { person, .. } = e {
                Some(person.clone())
            } else {
                None
            }
        });
        pages.collect()
    }
}

pub(super) fn ana() -> Actor {
    Actor::Person {
        id: "ana".to_owned(),
        name: "Ana".to_owned(),
    }
}

pub(super) fn person(id: &str) -> Target {
    Target::Person(id.to_owned())
}

#[test]
fn an_alert_pages_whoever_is_on_call_at_that_instant() {
    let life = Life::opened(ladder(&[Target::Schedule("web".to_owned())], 0));
    let turn = life.directory.schedules["web"].on_call(NOON);
    assert_eq!(life.paged(), turn.people);
    let Event::Paged { people, .. } = &life.journal[1].event else {
        panic!("{:?}", life.journal[1])
    };
    assert!(
        people[0].why.starts_with("on call on Web until Mon"),
        "{}",
        people[0].why
    );
}

#[test]
fn nobody_acknowledges_and_the_ladder_is_climbed_at_absolute_times() {
    let mut life = Life::opened(ladder(&[person("ana"), person("bo")], 1));
    assert_eq!(life.paged(), ["ana"]);
    assert_eq!(life.wait_until_due(), ["paged"]);
    assert_eq!(
        (life.paged(), life.now),
        (vec!["bo".to_owned()], NOON.plus_secs(300))
    );
    life.wait_until_due();
    assert_eq!(
        (life.paged(), life.now),
        (vec!["ana".to_owned()], NOON.plus_secs(600)),
        "the second round"
    );
    life.wait_until_due();
    assert_eq!(life.wait_until_due(), ["catch_all"]);
    assert_eq!(life.paged(), ["bo"]);
    assert_eq!(
        life.wait_until_due(),
        ["catch_all"],
        "an incident nobody has is never forgotten"
    );
}

#[test]
fn a_late_engine_climbs_one_rung_and_not_a_volley() {
    let mut life = Life::opened(ladder(&[person("ana"), person("bo"), person("ana")], 0));
    life.now = NOON.plus_secs(3600);
    assert_eq!(life.tell(Command::Wake), ["paged"]);
    assert_eq!(wake_at(&life.incident), Some(life.now.plus_secs(300)));
}

#[test]
fn a_rung_that_reaches_nobody_is_skipped_at_once_and_says_why() {
    let life = Life::opened(ladder(
        &[
            person("cy"),
            Target::Team("nobody".to_owned()),
            person("ana"),
        ],
        0,
    ));
    let kinds: Vec<&str> = life.journal.iter().map(|r| r.event.kind()).collect();
    assert_eq!(kinds, ["opened", "rung_skipped", "rung_skipped", "paged"]);
    let Event::RungSkipped { skipped, .. } = &life.journal[1].event else {
        panic!()
    };
    assert_eq!(
        (skipped[0].who.as_str(), skipped[0].why.as_str()),
        ("person cy", "has no contact")
    );
}

#[test]
fn when_nobody_on_the_ladder_can_be_paged_the_catch_all_is_alarmed_at_once() {
    let life = Life::opened(ladder(&[person("cy"), person("ghost")], 3));
    assert_eq!(life.paged(), ["bo"]);
    assert_eq!(life.journal.last().unwrap().event.kind(), "catch_all");
}

#[test]
fn no_policy_at_all_still_alarms_the_catch_all() {
    let life = Life::opened(Ladder::default());
    assert_eq!(life.paged(), ["bo"]);
}

#[test]
fn when_even_the_catch_all_reaches_nobody_every_channel_is_told_and_time_goes_on() {
    let mut life = Life::new();
    life.directory.catch_all = vec![person("cy")];
    life.tell(Command::Open(Box::new(open_as(Some(ladder(
        &[person("cy")],
        0,
    ))))));
    assert!(life.effects.contains(&Effect::Say {
        to: Place::Everywhere
    }));
    assert_eq!(wake_at(&life.incident), Some(NOON.plus_secs(300)));
}

#[test]
fn an_acknowledged_incident_is_left_in_peace() {
    let mut life = Life::opened(ladder(&[person("ana"), person("bo")], 1));
    life.tell(Command::Acknowledge { by: ana() });
    assert!(life.effects.contains(&Effect::StandDown));
    assert_eq!(wake_at(&life.incident), None);
    life.now = NOON.plus_secs(86_400);
    assert_eq!(life.try_tell(Command::Wake), Err(Refusal::NotYet));
}

#[test]
fn the_second_to_acknowledge_is_told_who_was_first() {
    let mut life = Life::opened(ladder(&[person("ana")], 0));
    life.tell(Command::Acknowledge { by: ana() });
    let by = Actor::Person {
        id: "bo".to_owned(),
        name: "Bo".to_owned(),
    };
    let refusal = life.try_tell(Command::Acknowledge { by }).unwrap_err();
    assert_eq!(refusal.to_string(), "Ana has already acknowledged this.");
}

#[test]
fn a_snooze_ends_and_the_ladder_starts_again() {
    let mut life = Life::opened(ladder(&[person("ana")], 0));
    life.tell(Command::Snooze {
        by: ana(),
        until: NOON.plus_secs(1800),
    });
    assert_eq!(life.wait_until_due(), ["retriggered", "paged"]);
    assert_eq!(life.now, NOON.plus_secs(1800));
}

#[test]
fn it_resolves_only_when_every_alert_has_cleared() {
    let mut life = Life::opened(ladder(&[person("ana")], 0));
    life.tell(Command::Fire {
        alerts: vec![alert(2)],
        worst: Severity(1),
    });
    let clear = |n| Command::Clear {
        alerts: vec![AlertId(n)],
        why: "ended at its source".to_owned(),
    };
    assert_eq!(life.tell(clear(1)), ["cleared"]);
    assert_eq!(life.tell(clear(2)), ["cleared", "resolved"]);
    assert_eq!(life.incident.status, Status::Resolved);
}

#[test]
fn a_worse_alert_breaks_an_acknowledgement_of_a_lesser_one() {
    let mut life = Life::opened(ladder(&[person("ana")], 0));
    life.tell(Command::Acknowledge { by: ana() });
    assert_eq!(
        life.tell(Command::Fire {
            alerts: vec![alert(2)],
            worst: Severity(1)
        }),
        ["fired"]
    );
    let kinds = life.tell(Command::Fire {
        alerts: vec![alert(3)],
        worst: Severity(0),
    });
    assert_eq!(
        kinds,
        [
            "fired",
            "severity_changed",
            "promoted",
            "retriggered",
            "paged"
        ]
    );
}

#[test]
fn a_page_that_cannot_be_delivered_lets_the_next_rung_go_at_once() {
    let mut life = Life::opened(ladder(&[person("ana"), person("bo")], 0));
    let failed = Command::PageFailed {
        person: "ana".to_owned(),
        contact: "console".to_owned(),
        why: "410".to_owned(),
    };
    assert_eq!(life.tell(failed), ["page_failed", "paged"]);
    assert_eq!(life.paged(), ["bo"]);
}

#[test]
fn one_of_two_failed_contacts_does_not_hurry_the_ladder() {
    let mut life = Life::opened(ladder(&[Target::Team("web".to_owned()), person("bo")], 0));
    let failed = |p: &str| Command::PageFailed {
        person: p.to_owned(),
        contact: "console".to_owned(),
        why: "410".to_owned(),
    };
    assert_eq!(life.tell(failed("ana")), ["page_failed"]);
    let delivered = Command::PageDelivered {
        person: "bo".to_owned(),
        contact: "console".to_owned(),
        attempts: 1,
        via: String::new(),
    };
    assert_eq!(life.tell(delivered), ["page_delivered"]);
    assert_eq!(life.paged(), Vec::<String>::new());
}

#[test]
fn asking_for_somebody_who_cannot_be_paged_alarms_the_catch_all() {
    let mut life = Life::opened(ladder(&[person("ana")], 0));
    let page = Command::Page {
        by: ana(),
        target: person("cy"),
        message: "help".to_owned(),
    };
    assert_eq!(life.tell(page), ["catch_all"]);
    assert_eq!(life.paged(), ["bo"]);
}

#[test]
fn a_declared_incident_without_a_ladder_belongs_to_who_declared_it() {
    let mut life = Life::new();
    let open = OpenAs {
        origin: Origin::Declared { by: ana() },
        major: true,
        alerts: Vec::new(),
        ..open_as(None)
    };
    assert_eq!(
        life.tell(Command::Open(Box::new(open))),
        ["opened", "promoted"]
    );
    assert_eq!(life.incident.status, Status::Acknowledged);
    assert!(life.incident.lead.as_ref().is_some_and(|l| l.same(&ana())));
    assert_eq!(wake_at(&life.incident), None);
}

#[test]
fn a_group_wait_delays_the_first_page_and_nothing_else() {
    let mut life = Life::new();
    let open = OpenAs {
        group_wait_ms: 30_000,
        ..open_as(Some(ladder(&[person("ana")], 0)))
    };
    assert_eq!(life.tell(Command::Open(Box::new(open))), ["opened"]);
    assert_eq!(wake_at(&life.incident), Some(NOON.plus_ms(30_000)));
    assert_eq!(life.wait_until_due(), ["paged"]);
}

#[test]
fn a_stale_escalate_is_answered_and_not_obeyed() {
    let mut life = Life::opened(ladder(&[person("ana"), person("bo")], 0));
    let drawn_at = life.incident.seq;
    life.wait_until_due();
    let refusal = life
        .try_tell(Command::Escalate {
            by: ana(),
            as_of: Some(drawn_at),
        })
        .unwrap_err();
    assert!(matches!(refusal, Refusal::Stale { .. }), "{refusal:?}");
    let now = life.incident.seq;
    assert_eq!(
        life.tell(Command::Escalate {
            by: ana(),
            as_of: Some(now)
        }),
        ["catch_all"]
    );
}

fn lost(why: &str) -> Command {
    Command::PlaceFailed {
        platform: "slack".to_owned(),
        place: THE_ROOM.to_owned(),
        why: why.to_owned(),
    }
}

fn room(id: &str) -> Command {
    Command::RoomReady {
        platform: "slack".to_owned(),
        room: id.to_owned(),
        name: "inc-1".to_owned(),
    }
}

#[test]
fn a_room_that_is_lost_is_made_anew_three_times_and_told_once_each() {
    let mut incident = Incident::new(IncidentId(1));
    let directory = directory();
    let scene = Scene {
        now: NOON,
        directory: &directory,
        brakes: &Brakes::default(),
    };
    let mut go = |command: Command| {
        let events = decide(&incident, &scene, command)?;
        let mut effects = Vec::new();
        for event in events {
            let record = Record {
                seq: incident.seq + 1,
                at: NOON,
                cause: String::new(),
                event,
            };
            evolve(&mut incident, &record);
            effects.extend(react(&incident, &record));
        }
        Ok::<_, Refusal>((effects, incident.rooms.get("slack").cloned()))
    };
    let mut open = open_as(None);
    open.major = true;
    go(Command::Open(Box::new(open))).unwrap();
    let again = Effect::Show {
        surface: Surface::Room,
    };
    for n in 0..3 {
        let (_, known) = go(room(&format!("C{n}"))).unwrap();
        assert_eq!(known, Some(format!("C{n}")));
        let (effects, known) = go(lost("archived")).unwrap();
        assert!(effects.contains(&again), "{effects:?}");
        let loud = Effect::Say {
            to: Place::LoudExcept("slack".to_owned()),
        };
        assert!(effects.contains(&loud), "{effects:?}");
        assert_eq!(known, None);
        assert!(go(lost("still archived")).is_err(), "told once");
    }
    go(room("C9")).unwrap();
    assert!(go(lost("archived once more")).is_err(), "somebody means it");
}
