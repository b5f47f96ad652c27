//! A small directory for the tests of this room.

use super::form::{self, Form};
use super::{Card, Line, Page, card, words};
use crate::core::action::offered;
use crate::core::directory::{
    Action, ActionClass, Arg, ArgKind, Contact, ContactKind, Directory, IncidentType, Person,
    Policy, Rung, Service, SeverityName, Target, Team,
};
use crate::core::id::{Actor, IncidentId, Severity};
use crate::core::incident::{Event, Incident, Ladder, Origin, PagedPerson, Record};
use crate::core::schedule::{Schedule, parse_handoff};
use crate::core::time::Time;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) fn at(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

pub(crate) fn ana() -> Actor {
    Actor::Person {
        id: "ana".to_owned(),
        name: "Ana Alves".to_owned(),
    }
}

/// Ana and Bo of team web on schedule web-primary, service checkout, two actions, three severities.
pub(crate) fn directory() -> Directory {
    let mut d = Directory {
        severities: ["sev1", "sev2", "sev3"]
            .map(|n| SeverityName {
                name: n.to_owned(),
                labels: Vec::new(),
                urgency: crate::core::directory::Urgency::High,
                ..SeverityName::default()
            })
            .into(),
        statuses: ["Investigating", "Monitoring", "Resolved"]
            .map(|name| crate::core::incident::Standing {
                id: name.to_lowercase(),
                name: name.to_owned(),
                last: name == "Resolved",
                ..crate::core::incident::Standing::default()
            })
            .into(),
        zone: Some(Tz::UTC),
        conduct: std::sync::Arc::new(crate::core::directory::ConductRules::shipped()),
        types: vec![
            kind("outage", "Outage"),
            IncidentType {
                private: true,
                ..kind("security", "Security")
            },
        ],
        ..Directory::default()
    };
    for (id, name) in [("ana", "Ana Alves"), ("bo", "Bo Berg")] {
        d.people.insert(id.to_owned(), person(id, name));
    }
    d.teams.insert(
        "web".to_owned(),
        Team {
            id: "web".to_owned(),
            name: "Web".to_owned(),
            members: vec!["ana".to_owned(), "bo".to_owned()],
            channel: Some("web-alerts".to_owned()),
            policy: Some("web".to_owned()),
        },
    );
    d.services.insert("checkout".to_owned(), service());
    d.schedules.insert("web-primary".to_owned(), schedule());
    d.policies.insert(
        "web".to_owned(),
        Policy {
            remind_secs: None,
            rest_until: None,
            id: "web".to_owned(),
            rungs: rungs(),
            repeat: 1,
        },
    );
    for (id, class) in [
        ("show-logs", ActionClass::Diagnostic),
        ("restart", ActionClass::Remediation),
    ] {
        d.actions.insert(id.to_owned(), Arc::new(action(id, class)));
    }
    d
}

fn kind(id: &str, name: &str) -> IncidentType {
    IncidentType {
        id: id.to_owned(),
        name: name.to_owned(),
        ..IncidentType::default()
    }
}

fn person(id: &str, name: &str) -> Person {
    Person {
        email: None,
        id: id.to_owned(),
        name: name.to_owned(),
        zone: Tz::Europe__Berlin,
        identities: BTreeMap::from([("slack".to_owned(), format!("U-{id}"))]),
        roles: Vec::new(),
        contacts: vec![Contact {
            name: "console".to_owned(),
            kind: ContactKind::Chat {
                platform: "console".to_owned(),
            },
        }],
        waking: crate::core::directory::Waking::default(),
    }
}

fn service() -> Service {
    Service {
        id: "checkout".to_owned(),
        name: "Checkout".to_owned(),
        team: "web".to_owned(),
        tier: 1,
        depends_on: vec!["payments".to_owned()],
        links: BTreeMap::new(),
        policy: None,
        channel: None,
        matchers: Vec::new(),
        major_at: Severity(0),
        auto_resolve: true,
        support: None,
        auto_resolve_after_ms: None,
        hold_while_firing: true,
    }
}

fn schedule() -> Schedule {
    Schedule::rotation(
        "web-primary",
        "Web primary",
        Tz::Europe__Berlin,
        (
            parse_handoff("0 9 * * 1").unwrap(),
            NaiveDateTime::parse_from_str("2026-11-02 09:00", "%Y-%m-%d %H:%M").unwrap(),
        ),
        &["ana", "bo"],
    )
}

pub(crate) fn rungs() -> Vec<Rung> {
    [
        Target::Schedule("web-primary".to_owned()),
        Target::Person("bo".to_owned()),
    ]
    .map(|t| Rung {
        when: crate::core::directory::When::default(),
        acks: 1,
        targets: vec![t],
        wait_secs: 300,
    })
    .into()
}

fn action(id: &str, class: ActionClass) -> Action {
    let arg = Arg {
        name: "lines".to_owned(),
        help: "How many.".to_owned(),
        kind: ArgKind::Enum(vec!["10".to_owned(), "100".to_owned()]),
        default: None,
        from_label: None,
        strip_suffix: None,
    };
    Action {
        title: format!("Title of {id}"),
        class,
        services: vec!["checkout".to_owned()],
        args: vec![arg],
        digest: "d".to_owned(),
        ..Action::of_program(id, &["/usr/bin/true", "{lines}"])
    }
}

/// Incident 42 on checkout, opened at 14:00 UTC with the first step due then, and what follows.
pub(crate) fn incident(more: Vec<Event>) -> Incident {
    let opened = Event::Opened {
        turn: 0,
        origin: Origin::Alert {
            source: "prometheus".to_owned(),
        },
        title: "Checkout: high error rate".to_owned(),
        severity: Severity(1),
        severity_name: "sev2".to_owned(),
        major_at: Severity(0),
        service: Some("checkout".to_owned()),
        team: Some("web".to_owned()),
        channel: None,
        group_key: String::new(),
        labels: BTreeMap::new(),
        auto_resolve: true,
        ladder: Ladder {
            remind_secs: None,
            rest_until: None,
            policy: "web".to_owned(),
            rungs: rungs(),
            repeat: 1,
        },
        first_page: Some(at("2026-11-22T14:00:00Z")),
        alerts: Vec::new(),
        why: Vec::new(),
        urgency: crate::core::directory::Urgency::High,
        auto_resolve_after_ms: None,
        hold_while_firing: false,
        nature: crate::core::incident::Nature::default(),
    };
    let events = std::iter::once(opened).chain(more);
    let journal: Vec<Record> = (1..)
        .zip(events)
        .map(|(seq, event)| Record {
            seq,
            at: at("2026-11-22T14:00:00Z").plus_secs(u64::from(seq - 1) * 60),
            cause: format!("test:{seq}"),
            event,
        })
        .collect();
    let incident = Incident::replay(IncidentId(42), &journal);
    let d = directory();
    assert!(
        d.actions
            .values()
            .all(|a| offered(a, incident.service.as_deref(), &incident.labels()).is_ok())
    );
    incident
}

/// The messages the documentation shows: what a platform draws of this card, page, line and form.
pub(crate) struct Shown {
    pub(crate) card: Card,
    pub(crate) page: Page,
    pub(crate) line: Line,
    pub(crate) form: Form,
}

/// An incident whose second page is due, with a run that waits for its confirmation.
pub(crate) fn shown() -> Shown {
    let paged = Event::Paged {
        channels: Vec::new(),
        rung: Some((0, 0)),
        people: vec![PagedPerson {
            id: "ana".to_owned(),
            name: "Ana Alves".to_owned(),
            why: "on call on web-primary since Mon 09:00".to_owned(),
            contacts: vec!["slack".to_owned()],
            later: Vec::new(),
        }],
        skipped: Vec::new(),
        why: "it was opened".to_owned(),
        next_due: Some(at("2026-11-22T14:06:00Z")),
    };
    let incident = incident(vec![paged]);
    let directory = directory();
    let url = "https://firebell.example.org/incidents/42";
    let now = at("2026-11-22T14:02:00Z");
    let card = card::card(&incident, &directory, now, url);
    let why = "on call on web-primary since Mon 09:00; it was opened";
    Shown {
        page: Page {
            key: "42:2:0".to_owned(),
            text: words::page_text(&incident, &directory, why),
            card: card.clone(),
        },
        line: Line {
            key: "42:3:100".to_owned(),
            incident: incident.id,
            seq: 3,
            by: Actor::Person {
                id: "ana".to_owned(),
                name: "Ana Alves (discord)".to_owned(),
            },
            text: "Payments fail since about 13:55, only in the EU.".to_owned(),
            run: None,
            seen: String::new(),
        },
        form: form::of_verb("note", &directory, Some(&incident)).unwrap(),
        card,
    }
}

/// Compares with a file of `docs/messages`, or writes it with `UPDATE=1`.
pub(crate) fn documented(name: &str, message: &serde_json::Value) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/messages")
        .join(name);
    let now = format!("{message:#}\n");
    let update = std::env::var("UPDATE").is_ok();
    if update {
        std::fs::write(&path, &now).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == now,
        "docs/messages/{name} is not what is drawn now; UPDATE=1 cargo test documented writes it"
    );
}
