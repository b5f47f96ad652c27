//! The people, services, policies and actions of the World.

use firebell::core::directory::{
    Action, Approval, Contact, ContactKind, Directory, IncidentType, Limits, Person, Policy, Route,
    Rung, Service, SeverityName, Target, Team,
};
use firebell::core::id::Severity;
use firebell::core::matcher::Matcher;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Ana then Bo are paged five minutes apart, Cy has no contact, Dee is the catch-all; service
/// `checkout` is major at sev1 and has a channel; `echo` is an action that needs nobody's approval,
/// `restart` one that does.
pub fn directory() -> Directory {
    let contact = || {
        vec![Contact {
            name: "console".to_owned(),
            kind: ContactKind::Chat {
                platform: "console".to_owned(),
            },
        }]
    };
    let people = ["ana", "bo", "cy", "dee"].map(|id| Person {
        id: id.to_owned(),
        name: id.to_owned(),
        email: None,
        zone: chrono_tz::Tz::UTC,
        identities: BTreeMap::new(),
        roles: Vec::new(),
        contacts: if id == "cy" { Vec::new() } else { contact() },
        waking: firebell::core::directory::Waking::default(),
    });
    let rung = |id: &str| Rung {
        when: firebell::core::directory::When::default(),
        acks: 1,
        targets: vec![Target::Person(id.to_owned())],
        wait_secs: 300,
    };
    let severity = |name: &str, label: &str| SeverityName {
        name: name.to_owned(),
        labels: vec![label.to_owned()],
        urgency: firebell::core::directory::Urgency::High,
        ..SeverityName::default()
    };
    let actions = [
        action("echo", 0, &["/bin/echo", "hello from the action"]),
        action("restart", 1, &["/bin/echo", "restarted"]),
    ];
    let mut directory = Directory {
        people: people.into_iter().map(|p| (p.id.clone(), p)).collect(),
        catch_all: vec![Target::Person("dee".to_owned())],
        severities: vec![severity("sev1", "critical"), severity("sev2", "warning")],
        types: vec![
            kind("outage", "Outage"),
            IncidentType {
                private: true,
                severity: Some(Severity(0)),
                ..kind("security", "Security")
            },
        ],
        platforms: vec!["console".to_owned()],
        actions: actions
            .into_iter()
            .map(|a| (a.id.clone(), Arc::new(a)))
            .collect(),
        route: Route {
            name: "default".to_owned(),
            group_by: vec!["alertname".to_owned()],
            severity: Severity(1),
            page: true,
            children: vec![Route {
                name: "default/noise".to_owned(),
                matchers: vec![Matcher::parse("severity=none").unwrap()],
                ..Route::default()
            }],
            ..Route::default()
        },
        ..Directory::default()
    };
    let policy = Policy {
        remind_secs: None,
        rest_until: None,
        id: "web".to_owned(),
        rungs: vec![rung("ana"), rung("bo")],
        repeat: 0,
    };
    directory.policies.insert("web".to_owned(), policy);
    let team = Team {
        id: "web".to_owned(),
        name: "Web".to_owned(),
        members: vec!["ana".to_owned(), "bo".to_owned()],
        channel: Some("web".to_owned()),
        policy: Some("web".to_owned()),
    };
    directory.teams.insert("web".to_owned(), team);
    directory.services.insert("checkout".to_owned(), service());
    directory
}

/// A type of incident with nothing special about it.
fn kind(id: &str, name: &str) -> IncidentType {
    IncidentType {
        id: id.to_owned(),
        name: name.to_owned(),
        ..IncidentType::default()
    }
}

fn service() -> Service {
    Service {
        id: "checkout".to_owned(),
        name: "Checkout".to_owned(),
        team: "web".to_owned(),
        tier: 1,
        depends_on: Vec::new(),
        links: BTreeMap::new(),
        policy: None,
        channel: None,
        matchers: vec![Matcher::parse("service=checkout").unwrap()],
        major_at: Severity(0),
        auto_resolve: true,
        support: None,
        auto_resolve_after_ms: None,
        hold_while_firing: true,
    }
}

fn action(id: &str, approvals: u8, argv: &[&str]) -> Action {
    Action {
        approval: Approval {
            request_ttl_ms: 600_000,
            ..Approval::by_others(approvals)
        },
        limits: Limits {
            timeout_ms: 10_000,
            kill_grace_ms: 1000,
            output_bytes: 100_000,
            ..Limits::default()
        },
        ..Action::of_program(id, argv)
    }
}
