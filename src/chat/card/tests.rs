//! Cards of every state, lines and room names.

use super::{card, line};
use crate::chat::fixture::{ana, at, directory, incident};
use crate::chat::{Card, Press, Style};
use crate::core::id::{Actor, IncidentId, RunId, Severity};
use crate::core::incident::{Event, Incident, PagedPerson, Record};
use crate::core::time::Time;

fn draw(incident: &Incident) -> Card {
    card(
        incident,
        &directory(),
        at("2026-11-22T14:02:00Z"),
        "http://x/i/42",
    )
}

fn fact(card: &Card, name: &str) -> String {
    let found = card.facts.iter().find(|(k, _)| k == name);
    found.map(|(_, v)| v.clone()).unwrap_or_default()
}

fn labels(card: &Card) -> Vec<&str> {
    card.buttons.iter().map(|b| b.label.as_str()).collect()
}

fn paged() -> Event {
    Event::Paged {
        channels: Vec::new(),
        rung: Some((0, 0)),
        people: vec![PagedPerson {
            id: "ana".to_owned(),
            name: "Ana Alves".to_owned(),
            why: "on call".to_owned(),
            contacts: vec!["console".to_owned()],
            later: Vec::new(),
        }],
        skipped: Vec::new(),
        why: "it was opened".to_owned(),
        next_due: Some(at("2026-11-22T14:06:00Z")),
    }
}

fn asked(needs: u8) -> Event {
    Event::RunAsked {
        run: RunId(3),
        action: "restart".to_owned(),
        title: "Restart".to_owned(),
        digest: "d".to_owned(),
        argv: vec!["/usr/bin/true".to_owned(), "10".to_owned()],
        by: ana(),
        needs,
        expires: at("2026-11-22T14:20:00Z"),
        terms: Box::default(),
    }
}

#[test]
fn a_triggered_card_says_who_is_paged_next_and_when() {
    let c = draw(&incident(vec![paged()]));
    assert_eq!(c.status, "triggered");
    assert_eq!(c.severity, "sev2");
    assert_eq!(fact(&c, "where"), "Checkout (tier 1) · team Web");
    assert_eq!(fact(&c, "since"), "Sun 22 Nov 2026 14:00 UTC");
    assert_eq!(fact(&c, "who has it"), "nobody yet; paged Ana Alves");
    assert_eq!(
        fact(&c, "next"),
        "page Bo Berg, step 2 of 2, at 14:06 UTC unless somebody acknowledges"
    );
    assert_eq!(
        labels(&c),
        [
            "Acknowledge",
            "Resolve",
            "Escalate",
            "Snooze 30m",
            "Declare major",
            "Note",
            "Update",
            "Run: Title of restart",
            "Run: Title of show-logs"
        ]
    );
    assert_eq!(c.buttons[0].style, Style::Primary);
    assert!(c.buttons[1..7].iter().all(|b| b.style == Style::Plain));
    assert_eq!(c.buttons[7].style, Style::Danger);
}

#[test]
fn the_person_on_call_when_the_step_comes_is_named() {
    let c = draw(&incident(Vec::new()));
    // Three turns since 2 November: Ana, Bo, Ana.
    assert_eq!(
        fact(&c, "next"),
        "page web-primary (Ana Alves), step 1 of 2, at 14:00 UTC unless somebody acknowledges"
    );
}

#[test]
fn behind_the_last_step_comes_the_next_round_and_then_the_catch_all() {
    let step = |round, rung| {
        let Event::Paged {
            people,
            skipped,
            why,
            next_due,
            ..
        } = paged()
        else {
            unreachable!()
        };
        Event::Paged {
            channels: Vec::new(),
            rung: Some((round, rung)),
            people,
            skipped,
            why,
            next_due,
        }
    };
    let c = draw(&incident(vec![step(0, 1)]));
    assert!(fact(&c, "next").contains("step 1 of 2, round 2"), "{c:?}");
    let c = draw(&incident(vec![step(1, 1)]));
    assert!(
        fact(&c, "next").starts_with("alarm the catch-all at 14:06 UTC"),
        "{c:?}"
    );
}

#[test]
fn an_unchanged_incident_draws_the_same_card_later() {
    let i = incident(vec![paged()]);
    let later = card(
        &i,
        &directory(),
        at("2026-11-22T14:05:59Z"),
        "http://x/i/42",
    );
    assert_eq!(draw(&i), later);
}

#[test]
fn an_acknowledged_card_offers_no_acknowledge_and_says_who_has_it() {
    let c = draw(&incident(vec![Event::Acknowledged { by: ana() }]));
    assert_eq!(
        fact(&c, "who has it"),
        "Ana Alves, first acknowledged 14:01 UTC"
    );
    assert!(!labels(&c).contains(&"Acknowledge"));
    assert!(labels(&c).contains(&"Take the lead"));
    let c = draw(&incident(vec![Event::Snoozed {
        by: ana(),
        until: at("2026-11-23T06:30:00Z"),
    }]));
    assert_eq!(
        fact(&c, "next"),
        "pages again at 23 Nov 06:30 UTC unless resolved"
    );
}

#[test]
fn a_resolved_card_offers_the_postmortem_and_to_go_on_and_nothing_that_changes_the_world() {
    let c = draw(&incident(vec![
        asked(0),
        Event::Resolved {
            by: ana(),
            still_firing: 0,
            why: "resolved by hand".to_owned(),
        },
    ]));
    let presses: Vec<&Press> = c.buttons.iter().map(|b| &b.press).collect();
    assert_eq!(presses, [&Press::Postmortem, &Press::Reopen]);
}

#[test]
fn a_silenced_card_says_by_what_and_when_it_pages_again() {
    let muted = |until: &str| Event::Muted {
        silence: "s".to_owned(),
        words: "7dd5dcac (deploy)".to_owned(),
        until: at(until),
    };
    let next = |c: &Card| {
        let next = c.facts.iter().find(|(k, _)| k == "next");
        next.map(|(_, v)| v.clone()).unwrap()
    };
    let c = draw(&incident(vec![muted("2026-11-22T16:00:00Z")]));
    assert_eq!(
        next(&c),
        "silenced by 7dd5dcac (deploy); pages again at 16:00 UTC unless its alerts clear"
    );
    let merged = draw(&incident(vec![Event::Merged {
        by: ana(),
        into: IncidentId(40),
        title: "Down".to_owned(),
    }]));
    assert_eq!(next(&merged), "it goes on as #40");
    assert!(!labels(&merged).contains(&"Reopen"));
}

#[test]
fn a_waiting_run_shows_its_argv_and_its_buttons() {
    let c = draw(&incident(vec![asked(1)]));
    assert!(labels(&c).contains(&"Approve run-3"));
    assert!(labels(&c).contains(&"Reject run-3"));
    assert!(c.lines[0].contains(r#"["/usr/bin/true", "10"]"#), "{c:?}");
    assert!(c.lines[0].contains("1 approval by somebody else until 14:20 UTC"));
    let c = draw(&incident(vec![asked(0)]));
    assert!(labels(&c).contains(&"Confirm run-3"));
}

fn say(event: Event) -> Option<crate::chat::Line> {
    let i = incident(vec![event.clone()]);
    let record = Record {
        seq: 2,
        at: Time(0),
        cause: "c".to_owned(),
        event,
    };
    line(&i, &record, 1, &directory())
}

#[test]
fn a_change_of_severity_says_from_what_to_what() {
    let changed = Event::SeverityChanged {
        by: ana(),
        from: Severity(0),
        to: Severity(1),
        to_name: "sev2".to_owned(),
        why: "set by hand".to_owned(),
        urgency: None,
    };
    let told = say(changed).unwrap().text;
    assert_eq!(
        told,
        "Ana Alves lowered the severity from sev1 to sev2 (set by hand)."
    );
}

#[test]
fn a_request_carries_its_run_and_a_spoken_line_its_speaker() {
    let request = say(asked(0)).unwrap();
    assert_eq!(
        (request.key.as_str(), request.run),
        ("42:2:1", Some(RunId(3)))
    );
    assert_eq!(request.by, Actor::Firebell);
    let spoken = say(Event::Spoke {
        by: ana(),
        text: "looking".to_owned(),
        platform: "slack".to_owned(),
        message: "m".to_owned(),
        answers: None,
    })
    .unwrap();
    assert_eq!(spoken.by.person(), ana().person());
    assert_eq!(spoken.by.name(), format!("{} (slack)", ana().name()));
    assert_eq!(spoken.text, "looking");
    let removed = say(Event::Removed {
        kind: "spoke".to_owned(),
        platform: String::new(),
        message: String::new(),
    });
    assert_eq!(removed, None);
}

#[test]
fn a_room_name_is_short_ascii_and_says_the_service_once() {
    let mut i = incident(Vec::new());
    assert_eq!(named(&i), "inc-42-checkout-high-error-rate");
    i.service = None;
    i.title = "ÄÖ <!everyone> — 日本".to_owned();
    assert_eq!(named(&i), "inc-42-aeoe-everyone");
    i.title = "日本".to_owned();
    assert_eq!(named(&i), "inc-42");
    i.title = "word ".repeat(60);
    assert!(named(&i).len() <= 80 && named(&i).ends_with("-word"));
}

#[test]
fn a_page_fits_a_lock_screen_and_keeps_number_and_reason() {
    let mut i = incident(Vec::new());
    i.id = IncidentId(42);
    i.severity = Severity(1);
    i.title = "x".repeat(400);
    let text = crate::chat::words::page_text(&i, &directory(), "you are on call on Web primary");
    assert!(text.chars().count() <= 178, "{text}");
    assert!(text.starts_with("sev2 #42 [checkout] xxx"), "{text}");
    assert!(text.ends_with("you are on call on Web primary"), "{text}");
}

fn named(incident: &Incident) -> String {
    let directory = directory();
    directory.rooms.name.room_name(incident, &directory)
}
