//! Lives about policies: turns, several acknowledgements, reminders, channels, edits.

use super::tests::{Life, NOON, ana, directory, ladder, open_as, person};
use super::*;
use crate::core::directory::{ContactKind, Policy, Target, Urgency, When};

fn bo() -> Actor {
    Actor::Person {
        id: "bo".to_owned(),
        name: "Bo".to_owned(),
    }
}

fn turns(turn: u64, repeat: u8) -> Life {
    let mut life = Life::new();
    let mut open = open_as(Some(ladder(
        &[Target::RoundRobin("web".to_owned())],
        repeat,
    )));
    open.turn = turn;
    life.tell(Command::Open(Box::new(open)));
    life
}

#[test]
fn a_round_robin_pages_the_next_of_the_team_for_each_incident_and_each_round() {
    let first: Vec<Vec<String>> = (0..4).map(|turn| turns(turn, 0).paged()).collect();
    assert_eq!(first, [["ana"], ["bo"], ["ana"], ["bo"]]);
    let mut life = turns(0, 1);
    assert_eq!(life.wait_until_due(), ["paged"]);
    assert_eq!(life.paged(), ["bo"], "the second round");
}

#[test]
fn whoever_cannot_be_paged_is_passed_over_with_a_reason() {
    let mut life = Life::new();
    let web = life.directory.teams.get_mut("web").unwrap();
    web.members = vec!["cy".to_owned(), "bo".to_owned()];
    let open = open_as(Some(ladder(&[Target::RoundRobin("web".to_owned())], 0)));
    life.tell(Command::Open(Box::new(open)));
    assert_eq!(life.paged(), ["bo"]);
    let Event::Paged { skipped, .. } = &life.journal[1].event else {
        panic!("{:?}", life.journal)
    };
    assert_eq!(
        (&*skipped[0].who, &*skipped[0].why),
        ("person cy", "has no contact")
    );
}

#[test]
fn a_step_that_needs_two_goes_on_after_the_first_acknowledgement() {
    let mut steps = ladder(
        &[
            Target::Team("web".to_owned()),
            Target::Team("web".to_owned()),
        ],
        0,
    );
    steps.rungs[0].acks = 2;
    steps.rungs[1].acks = 2;
    let mut life = Life::opened(steps);
    assert_eq!(
        life.tell(Command::Acknowledge { by: ana() }),
        ["ack_counted"]
    );
    assert_eq!(life.incident.status, Status::Triggered);
    assert_eq!(
        life.effects[0],
        Effect::Spare {
            person: "ana".to_owned()
        }
    );
    let twice = life
        .try_tell(Command::Acknowledge { by: ana() })
        .unwrap_err();
    assert_eq!(
        twice.to_string(),
        "You have acknowledged already; this step needs 1 more person."
    );
    life.wait_until_due();
    assert_eq!(life.paged(), ["bo"], "Ana has done her part");
    assert_eq!(
        life.tell(Command::Acknowledge { by: bo() }),
        ["acknowledged"]
    );
    assert_eq!(wake_at(&life.incident), None);
}

#[test]
fn a_snooze_does_not_get_round_a_step_that_needs_two() {
    let mut steps = ladder(&[Target::Team("web".to_owned())], 0);
    steps.rungs[0].acks = 2;
    let mut life = Life::opened(steps);
    let until = NOON.plus_secs(3600);
    let no = life
        .try_tell(Command::Snooze { by: ana(), until })
        .unwrap_err();
    assert!(no.to_string().contains("needs 2 people"), "{no}");
}

#[test]
fn when_nothing_moves_after_an_acknowledgement_its_owner_is_asked_and_then_everybody() {
    let mut steps = ladder(&[person("bo")], 0);
    steps.remind_secs = Some(1800);
    let mut life = Life::opened(steps);
    life.tell(Command::Acknowledge { by: ana() });
    // A note is movement.
    life.now = NOON.plus_secs(1000);
    let (text, happened_at) = ("looking".to_owned(), None);
    life.tell(Command::Note {
        by: ana(),
        text,
        happened_at,
    });
    assert_eq!(life.wait_until_due(), ["reminded"]);
    assert_eq!(
        (life.paged(), life.now),
        (vec!["ana".to_owned()], NOON.plus_secs(2800))
    );
    assert_eq!(life.incident.status, Status::Acknowledged);
    assert_eq!(life.wait_until_due(), ["retriggered", "paged"]);
    assert_eq!(
        (life.paged(), life.now),
        (vec!["bo".to_owned()], NOON.plus_secs(4600))
    );
}

#[test]
fn without_a_reminder_an_acknowledged_incident_wakes_nobody_months_later() {
    let mut life = Life::opened(ladder(&[person("bo")], 3));
    life.tell(Command::Acknowledge { by: ana() });
    assert_eq!(wake_at(&life.incident), None);
    life.now = NOON.plus_secs(200 * 86_400);
    assert_eq!(life.try_tell(Command::Wake), Err(Refusal::NotYet));
}

#[test]
fn a_step_can_tell_a_channel_and_waits_like_any_other() {
    let mut life = Life::opened(ladder(
        &[Target::Channel("alerts".to_owned()), person("bo")],
        0,
    ));
    assert!(life.paged().is_empty());
    let told = Effect::Say {
        to: Place::Channel("alerts".to_owned()),
    };
    assert!(life.effects.contains(&told), "{:?}", life.effects);
    assert_eq!(life.wait_until_due(), ["paged"]);
    assert_eq!(
        (life.paged(), life.now),
        (vec!["bo".to_owned()], NOON.plus_secs(300))
    );
}

#[test]
fn a_step_can_post_to_a_webhook_that_is_configured_and_to_no_other() {
    let targets = [Target::Webhook("bridge".to_owned()), person("bo")];
    let life = Life::opened(ladder(&targets, 0));
    assert_eq!(
        life.paged(),
        ["bo"],
        "an unknown webhook is passed over at once"
    );
    let mut life = Life::new();
    let url = "https://bridge.example/hook".to_owned().into();
    let hook = ContactKind::Webhook { url, secret: None };
    life.directory.webhooks.insert("bridge".to_owned(), hook);
    life.tell(Command::Open(Box::new(open_as(Some(ladder(&targets, 0))))));
    assert_eq!(life.paged(), ["webhook:bridge"]);
    assert!(
        life.incident.crew.is_empty(),
        "a webhook is nobody to invite"
    );
}

#[test]
fn an_edited_policy_is_followed_only_when_somebody_says_so() {
    let mut life = Life::opened(Ladder {
        policy: "p".to_owned(),
        ..ladder(&[person("ana"), person("ana"), person("ana")], 0)
    });
    let shorter = Policy {
        id: "p".to_owned(),
        rungs: ladder(&[person("bo")], 0).rungs,
        repeat: 0,
        remind_secs: None,
        rest_until: None,
    };
    life.directory.policies.insert("p".to_owned(), shorter);
    life.wait_until_due();
    assert_eq!(life.paged(), ["ana"], "frozen at its start");
    assert_eq!(
        life.tell(Command::AdoptPolicy { by: ana() }),
        ["ladder_changed"]
    );
    let again = life
        .try_tell(Command::AdoptPolicy { by: ana() })
        .unwrap_err();
    assert!(again.to_string().contains("as it is now"), "{again}");
    assert_eq!(
        life.wait_until_due(),
        ["catch_all"],
        "both its steps are past the new end"
    );
}

#[test]
fn the_catch_all_is_a_person_and_not_a_channel() {
    let mut life = Life::new();
    life.directory = directory();
    life.directory.catch_all = vec![Target::Channel("alerts".to_owned())];
    life.tell(Command::Open(Box::new(open_as(Some(ladder(&[], 0))))));
    let everywhere = Effect::Say {
        to: Place::Everywhere,
    };
    assert!(life.effects.contains(&everywhere), "{:?}", life.effects);
}

#[test]
fn a_step_that_does_not_count_now_is_passed_over_with_its_reason() {
    let mut steps = ladder(&[person("ana"), person("bo")], 1);
    steps.rungs[0].when = When {
        urgency: Some(Urgency::Low),
        ..When::default()
    };
    let mut life = Life::opened(steps);
    assert_eq!(life.paged(), ["bo"]);
    let passed = life.journal.iter().find_map(|r| match &r.event {
        Event::RungSkipped { skipped, .. } => Some(skipped[0].why.clone()),
        _ => None,
    });
    assert_eq!(passed.as_deref(), Some("is for low urgency only"));
    // The second round, when it has been open for long enough.
    Arc::make_mut(&mut life.incident.ladder).rungs[0].when = When {
        after_secs: Some(300),
        ..When::default()
    };
    assert_eq!(life.wait_until_due(), ["paged"]);
    assert_eq!(life.paged(), ["ana"]);
}

#[test]
fn a_policy_of_which_no_step_counts_now_alarms_the_catch_all() {
    let mut steps = ladder(&[person("ana")], 0);
    steps.rungs[0].when = When {
        inside_hours: Some(false),
        ..When::default()
    };
    let life = Life::opened(steps);
    assert_eq!(
        life.paged(),
        ["bo"],
        "a service without hours is always inside"
    );
}

#[test]
fn when_nobody_on_the_ladder_can_be_paged_every_channel_hears_of_the_catch_all() {
    let life = Life::opened(ladder(
        &[person("cy"), Target::Team("nobody".to_owned())],
        0,
    ));
    assert_eq!(life.paged(), ["bo"]);
    let everywhere = Effect::Say {
        to: Place::Everywhere,
    };
    assert!(life.effects.contains(&everywhere), "{:?}", life.effects);
    // A ladder that was climbed is told to its own people only.
    let mut life = Life::opened(ladder(&[person("ana")], 0));
    life.wait_until_due();
    assert!(!life.effects.contains(&everywhere), "{:?}", life.effects);
}
