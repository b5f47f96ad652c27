//! How one person is woken: steps, failures, quiet hours.

use super::*;
use crate::core::directory::{Rule, Service, Step, Support};
use crate::core::hours::{Hours, Quiet};

const NIGHTLY: [bool; 7] = [false; 7];

fn contact(name: &str) -> Contact {
    Contact {
        name: name.to_owned(),
        kind: ContactKind::Chat {
            platform: name.to_owned(),
        },
    }
}

fn steps(urgency: Urgency, steps: &[(u64, &[&str])]) -> Rule {
    let step = |(after_secs, contacts): &(u64, &[&str])| Step {
        after_secs: *after_secs,
        contacts: contacts.iter().map(|c| (*c).to_owned()).collect(),
    };
    Rule {
        urgency,
        steps: steps.iter().map(step).collect(),
    }
}

/// Ana by push at once, by text after two minutes, by phone after four; quiet from 22:00 to 07:00.
fn life() -> Life {
    let mut life = Life::new();
    let ana = life.directory.people.get_mut("ana").unwrap();
    ana.contacts = ["push", "sms", "voice"].map(contact).into();
    ana.waking = Waking {
        rules: vec![steps(
            Urgency::High,
            &[(0, &["push"]), (120, &["sms"]), (240, &["voice"])],
        )],
        quiet: Some(Quiet {
            from: 22 * 60,
            to: 7 * 60,
            digest: 7 * 60 + 30,
            days: NIGHTLY,
        }),
    };
    life
}

fn open(life: &mut Life, severity: u8) -> Vec<&'static str> {
    let open = OpenAs {
        severity: Severity(severity),
        ..open_as(Some(ladder(&[person("ana"), person("bo")], 0)))
    };
    life.tell(Command::Open(Box::new(open)))
}

fn to(life: &Life) -> Vec<String> {
    let pages = life.effects.iter().filter_map(|e| match e {
        Effect::Page { person, contact } => Some(format!("{person} {contact}")),
        _ => None,
    });
    pages.collect()
}

fn failed(contact: &str) -> Command {
    Command::PageFailed {
        person: "ana".to_owned(),
        contact: contact.to_owned(),
        why: "503".to_owned(),
    }
}

fn delivered(contact: &str) -> Command {
    Command::PageDelivered {
        person: "ana".to_owned(),
        contact: contact.to_owned(),
        attempts: 1,
        via: String::new(),
    }
}

#[test]
fn steps_follow_at_absolute_times_until_somebody_has_it() {
    let mut life = life();
    open(&mut life, 0);
    assert_eq!(to(&life), ["ana push"]);
    life.tell(delivered("push"));
    assert_eq!(life.wait_until_due(), ["chased"]);
    assert_eq!(
        (to(&life), life.now),
        (vec!["ana sms".to_owned()], NOON.plus_secs(120))
    );
    assert_eq!(life.wait_until_due(), ["chased"]);
    assert_eq!(
        (to(&life), life.now),
        (vec!["ana voice".to_owned()], NOON.plus_secs(240))
    );
    assert_eq!(life.wait_until_due(), ["paged"]);
    assert_eq!(
        (to(&life), life.now),
        (vec!["bo console".to_owned()], NOON.plus_secs(300))
    );
}

#[test]
fn an_acknowledgement_stops_every_step() {
    let mut life = life();
    open(&mut life, 0);
    life.tell(Command::Acknowledge { by: ana() });
    assert_eq!(wake_at(&life.incident), None);
    assert_eq!(life.incident.chase.len(), 0);
}

#[test]
fn a_step_that_fails_is_followed_by_the_next_at_once_and_the_last_by_the_ladder() {
    let mut life = life();
    open(&mut life, 0);
    assert_eq!(life.tell(failed("push")), ["page_failed", "chased"]);
    assert_eq!((to(&life), life.now), (vec!["ana sms".to_owned()], NOON));
    assert_eq!(life.tell(failed("sms")), ["page_failed", "chased"]);
    assert_eq!(to(&life), ["ana voice"]);
    assert_eq!(life.tell(failed("voice")), ["page_failed", "paged"]);
    assert_eq!(to(&life), ["bo console"]);
    let Event::Paged { why, .. } = &life.journal.last().unwrap().event else {
        panic!("{:?}", life.journal.last())
    };
    assert_eq!(why, "no page of the step before could be delivered");
}

#[test]
fn what_was_taken_and_did_not_arrive_counts_as_failed() {
    let mut life = life();
    open(&mut life, 0);
    life.tell(delivered("push"));
    assert_eq!(life.tell(failed("push")), ["page_failed", "chased"]);
    assert_eq!(to(&life), ["ana sms"]);
    life.tell(delivered("sms"));
    life.wait_until_due();
    assert_eq!(to(&life), ["ana voice"]);
    life.tell(delivered("voice"));
    // The text was never seen, but the call arrived.
    assert_eq!(life.tell(failed("sms")), ["page_failed"]);
    assert_eq!(life.tell(failed("voice")), ["page_failed", "paged"]);
    assert_eq!(to(&life), ["bo console"]);
}

#[test]
fn one_of_two_contacts_of_a_step_that_fails_hurries_nobody() {
    let mut life = life();
    let ana = life.directory.people.get_mut("ana").unwrap();
    ana.waking.rules = vec![steps(
        Urgency::High,
        &[(0, &["push", "sms"]), (120, &["voice"])],
    )];
    open(&mut life, 0);
    assert_eq!(to(&life), ["ana push", "ana sms"]);
    assert_eq!(life.tell(failed("push")), ["page_failed"]);
    assert_eq!(life.tell(failed("sms")), ["page_failed", "chased"]);
    assert_eq!(to(&life), ["ana voice"]);
}

#[test]
fn a_late_engine_takes_all_steps_of_a_person_as_one() {
    let mut life = life();
    open(&mut life, 0);
    life.now = NOON.plus_secs(299);
    assert_eq!(life.tell(Command::Wake), ["chased"]);
    assert_eq!(to(&life), ["ana sms", "ana voice"]);
}

#[test]
fn low_urgency_waits_for_the_morning_and_the_ladder_waits_with_it() {
    let mut life = life();
    life.now = NOON.plus_secs(12 * 3600);
    let midnight = life.now;
    open(&mut life, 2);
    assert_eq!(to(&life), Vec::<String>::new());
    assert_eq!(life.incident.urgency, Urgency::Low);
    assert_eq!(life.wait_until_due(), ["chased"]);
    let morning = midnight.plus_secs(7 * 3600 + 1800);
    assert_eq!(life.now, morning);
    assert_eq!(
        to(&life),
        ["ana push", "ana sms", "ana voice"],
        "low urgency has no rule"
    );
    assert_eq!(life.wait_until_due(), ["paged"]);
    assert_eq!(life.now, morning.plus_secs(300));
    assert_eq!(to(&life), ["bo console"]);
}

#[test]
fn high_urgency_never_waits_and_neither_does_the_catch_all() {
    let mut life = life();
    life.now = NOON.plus_secs(12 * 3600);
    open(&mut life, 1);
    assert_eq!(to(&life), ["ana push"]);
    let mut life = self::life();
    life.directory.catch_all = vec![person("ana")];
    life.now = NOON.plus_secs(12 * 3600);
    let open = OpenAs {
        severity: Severity(2),
        ..open_as(Some(ladder(&[], 0)))
    };
    assert_eq!(
        life.tell(Command::Open(Box::new(open))),
        ["opened", "catch_all"]
    );
    assert_eq!(to(&life), ["ana push", "ana sms", "ana voice"]);
}

#[test]
fn what_becomes_urgent_wakes_who_slept_through_it() {
    let mut life = life();
    life.now = NOON.plus_secs(12 * 3600);
    open(&mut life, 2);
    let worse = Command::Fire {
        alerts: vec![alert(2)],
        worst: Severity(1),
    };
    assert_eq!(life.tell(worse), ["fired", "severity_changed", "chased"]);
    assert_eq!(to(&life), ["ana push", "ana sms", "ana voice"]);
    assert_eq!(life.incident.urgency, Urgency::High);
}

#[test]
fn the_hours_of_a_service_decide_and_say_why() {
    let mut life = life();
    let service = Service {
        auto_resolve_after_ms: None,
        hold_while_firing: true,
        id: "shop".to_owned(),
        name: "Shop".to_owned(),
        team: "web".to_owned(),
        tier: 2,
        depends_on: Vec::new(),
        links: BTreeMap::new(),
        policy: None,
        channel: None,
        matchers: Vec::new(),
        major_at: Severity(0),
        auto_resolve: true,
        support: Some(Support {
            hours: Hours {
                days: [true, true, true, true, true, false, false],
                from: 8 * 60,
                to: 18 * 60,
                zone: Tz::UTC,
            },
            outside: Urgency::Low,
        }),
    };
    life.directory.services.insert("shop".to_owned(), service);
    for (hour, urgency, word) in [(12, Urgency::High, "inside"), (22, Urgency::Low, "outside")] {
        let mut life = Life {
            directory: life.directory.clone(),
            ..Life::new()
        };
        life.now = NOON.plus_secs((hour - 12) * 3600);
        let open = OpenAs {
            service: Some("shop".to_owned()),
            ..open_as(Some(ladder(&[person("ana")], 0)))
        };
        life.tell(Command::Open(Box::new(open)));
        let Event::Opened {
            why,
            urgency: frozen,
            ..
        } = &life.journal[0].event
        else {
            panic!("{:?}", life.journal[0])
        };
        assert_eq!(*frozen, urgency);
        assert_eq!(
            *why.last().unwrap(),
            format!(
                "{} urgency: {word} the support hours of Shop (Mon-Fri 08:00-18:00 UTC)",
                urgency.word()
            )
        );
    }
}

#[test]
fn a_contact_nobody_verified_is_used_only_when_there_is_no_other() {
    let mut life = life();
    let name = |c: &str| ("ana".to_owned(), c.to_owned());
    life.directory.unverified = ["push", "sms"].map(name).into();
    open(&mut life, 0);
    assert_eq!(
        to(&life),
        Vec::<String>::new(),
        "the call is the first step that is left"
    );
    life.wait_until_due();
    assert_eq!(
        (to(&life), life.now),
        (vec!["ana voice".to_owned()], NOON.plus_secs(240))
    );

    let mut life = self::life();
    life.directory.unverified = ["push", "sms", "voice"].map(name).into();
    open(&mut life, 0);
    assert_eq!(to(&life), ["ana push"], "better a wrong number than none");
    let why = life.journal.iter().find_map(|r| match &r.event {
        Event::Paged { people, .. } => people.first().map(|p| p.why.as_str()),
        _ => None,
    });
    assert!(
        why.unwrap_or_default()
            .ends_with("no contact of theirs is verified, so all are tried")
    );
}

#[test]
fn a_page_asked_for_while_somebody_has_it_uses_every_contact_at_once() {
    let mut life = life();
    open(&mut life, 0);
    life.tell(Command::Acknowledge { by: ana() });
    let page = Command::Page {
        by: ana(),
        target: person("ana"),
        message: String::new(),
    };
    life.tell(page);
    assert_eq!(to(&life), ["ana push", "ana sms", "ana voice"]);
    assert_eq!(wake_at(&life.incident), None, "nothing follows by itself");
}
