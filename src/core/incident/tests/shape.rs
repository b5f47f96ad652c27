//! What an incident is changes: who sees it then, what is told where, and what may run.

use super::*;
use crate::core::directory::{ActionClass, RunsPolicy};
use crate::core::incident::{Nature, Recalled, Shape};
use crate::core::sight::Sight;

fn actor(id: &str) -> Actor {
    Actor::Person {
        id: id.to_owned(),
        name: id.to_owned(),
    }
}

fn shape(shape: Shape) -> Command {
    Command::Shape {
        by: actor("ana"),
        shape: Box::new(shape),
    }
}

fn private(private: bool) -> Command {
    shape(Shape::Private {
        private,
        why: "customer data".to_owned(),
    })
}

/// A declared incident with a room on slack and a card in #web.
fn declared() -> Life {
    let mut life = Life::new();
    let open = OpenAs {
        origin: Origin::Declared { by: actor("ana") },
        channel: Some("web".to_owned()),
        major: true,
        ..open_as(None)
    };
    life.tell(Command::Open(Box::new(open)));
    let room = Command::RoomReady {
        platform: "slack".to_owned(),
        room: "C1".to_owned(),
        name: "inc-1".to_owned(),
    };
    life.tell(room);
    life
}

#[test]
fn what_becomes_private_leaves_its_open_places_and_says_what_was_known() {
    let mut life = declared();
    life.effects.clear();
    life.tell(private(true));
    assert!(life.incident.nature.private);
    assert!(life.incident.rooms.is_empty() && life.incident.room_lost("slack"));
    let shows = |surface| life.effects.contains(&Effect::Show { surface });
    assert!(shows(Surface::Room), "it is made anew");
    assert!(
        shows(Surface::ChannelCard),
        "drawn once more, with nothing on it"
    );
    let said = crate::core::timeline::sentence(
        &life.journal.last().unwrap().event,
        &crate::core::timeline::Names::default(),
    );
    assert!(
        said.contains("its card in #web, its room on slack"),
        "{said}"
    );
    assert!(said.contains("that is not undone"), "{said}");
    life.effects.clear();
    life.tell(Command::Resolve { by: actor("ana") });
    assert!(
        !life.effects.contains(&Effect::Show {
            surface: Surface::ChannelCard
        }),
        "no card of it changes any more"
    );
    assert!(matches!(
        life.try_tell(private(true)),
        Err(Refusal::NothingToDo { .. })
    ));
}

#[test]
fn only_its_lead_or_whom_the_files_name_makes_it_public() {
    let mut life = declared();
    life.tell(private(true));
    let by_bo = Command::Shape {
        by: actor("bo"),
        shape: Box::new(Shape::Private {
            private: false,
            why: String::new(),
        }),
    };
    let no = life.try_tell(by_bo.clone()).unwrap_err();
    assert!(matches!(no, Refusal::Forbidden { .. }), "{no:?}");
    life.directory.insiders.people = vec!["bo".to_owned()];
    life.tell(by_bo);
    assert!(!life.incident.nature.private);
}

#[test]
fn it_concerns_whom_it_paged_who_acts_and_who_is_let_in() {
    let mut life = declared();
    life.tell(private(true));
    let sees = |life: &Life, id: &str| Sight::person(id, &life.directory).sees(&life.incident);
    assert!(sees(&life, "ana"));
    assert!(!sees(&life, "bo"));
    let page = Command::Page {
        by: actor("ana"),
        target: Target::Person("bo".to_owned()),
        message: String::new(),
    };
    life.tell(page);
    assert!(sees(&life, "bo"), "who is paged must see what for");
    let kim = Actor::Unlinked {
        id: "slack:U9".to_owned(),
        name: "Kim".to_owned(),
    };
    assert!(!Sight::of(&kim, &life.directory).sees(&life.incident));
    let joins = Command::Join {
        by: kim.clone(),
        platform: "slack".to_owned(),
    };
    life.tell(joins);
    assert!(Sight::of(&kim, &life.directory).sees(&life.incident));
}

#[test]
fn channels_of_a_policy_are_told_nothing_of_a_private_incident() {
    let mut life = declared();
    life.tell(private(true));
    life.effects.clear();
    let page = Command::Page {
        by: actor("ana"),
        target: Target::Channel("web".to_owned()),
        message: "help".to_owned(),
    };
    life.tell(page);
    // Nobody was reached: the catch-all is, and no channel hears why.
    let Event::CatchAll { why, .. } = &life.journal.last().unwrap().event else {
        panic!("{:?}", life.journal.last());
    };
    assert!(why.contains("is not told of a private incident"), "{why}");
    let told = life.effects.iter().any(|e| {
        matches!(
            e,
            Effect::Say {
                to: Place::Channel(_)
            }
        )
    });
    assert!(!told, "{:?}", life.effects);
}

#[test]
fn a_type_or_a_drill_keeps_actions_from_running() {
    let nature = |runs| Nature {
        runs,
        ..Nature::default()
    };
    for (runs, looks, changes) in [
        (RunsPolicy::All, true, true),
        (RunsPolicy::ReadOnly, true, false),
        (RunsPolicy::None, false, false),
    ] {
        let nature = nature(runs);
        assert_eq!(nature.permits(ActionClass::Diagnostic), looks);
        assert_eq!(nature.permits(ActionClass::Remediation), changes);
    }
    let mut life = declared();
    life.directory.drills.runs = RunsPolicy::None;
    life.tell(shape(Shape::Drill { drill: true }));
    assert_eq!(life.incident.nature.runs, RunsPolicy::None);
    assert_eq!(life.incident.headline(), "DRILL: api is down");
    life.tell(shape(Shape::Drill { drill: false }));
    assert_eq!(life.incident.nature.runs, RunsPolicy::All);
}

#[test]
fn whoever_declares_tells_more_than_a_title_and_nothing_of_it_is_lost() {
    let mut life = Life::new();
    let long = "x".repeat(7_000);
    let open = OpenAs {
        origin: Origin::Declared { by: actor("ana") },
        said: vec!["since the deploy".to_owned(), long.clone()],
        ..open_as(None)
    };
    life.tell(Command::Open(Box::new(open)));
    let notes: Vec<&str> = life
        .journal
        .iter()
        .filter_map(|r| match &r.event {
            Event::Noted { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(notes[0], "since the deploy");
    assert_eq!(notes[1..].concat(), long);
    assert_eq!(notes.len(), 4);
}

#[test]
fn what_was_learned_before_is_recalled_once_while_somebody_can_use_it() {
    let recall = |of| {
        shape(Shape::Recall(Recalled {
            of: IncidentId(of),
            alert: "Slow".to_owned(),
        }))
    };
    let mut life = declared();
    let own = life.incident.id.0;
    assert!(life.try_tell(recall(own)).is_err(), "not of itself");
    assert_eq!(life.try_tell(recall(77)), Ok(vec!["recalled"]));
    let card = Effect::Show {
        surface: Surface::ChannelCard,
    };
    assert!(life.effects.contains(&card), "it stands on the card");
    let again = life.try_tell(recall(78));
    assert!(
        matches!(again, Err(Refusal::NothingToDo { .. })),
        "{again:?}"
    );
    let mut over = declared();
    over.tell(Command::Resolve { by: actor("ana") });
    assert_eq!(over.try_tell(recall(77)), Err(Refusal::AlreadyResolved));
}
