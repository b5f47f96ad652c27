//! The journal of the golden files: one in which every kind of event happens.

mod beginning;

use beginning::beginning;
use firebell::core::alert::{AlertRef, Labels};
use firebell::core::change::{ChangeKind, ChangeState, Preceding};
use firebell::core::directory::{Rung, Target, Urgency};
use firebell::core::id::{Actor, AlertId, RunId, Severity};
use firebell::core::incident::{
    Event, Ladder, Nature, Origin, Outcome, PagedPerson, Record, Redacted, Skipped,
};
use firebell::core::time::Time;

mod waking;

pub use waking::waking_shapes;

pub fn at(clock: &str) -> Time {
    Time::parse_rfc3339(&format!("2026-11-22T{clock}Z")).expect(clock)
}

fn person(id: &str, name: &str) -> Actor {
    Actor::Person {
        id: id.to_owned(),
        name: name.to_owned(),
    }
}

pub fn ana() -> Actor {
    person("ana", "Ana Alves")
}

pub fn bo() -> Actor {
    person("bo", "Bo Berg")
}

pub fn guest() -> Actor {
    Actor::Unlinked {
        id: "slack:U9".to_owned(),
        name: "Kim".to_owned(),
    }
}

pub fn alert(id: i64, name: &str, clock: &str) -> AlertRef {
    AlertRef {
        id: AlertId(id),
        source: "prometheus".to_owned(),
        fingerprint: format!("f{id:015x}"),
        name: name.to_owned(),
        summary: format!("{name}: 12% of requests to /pay fail"),
        starts_at: at(clock),
        url: "https://prometheus.example/graph?g0.expr=up".to_owned(),
    }
}

pub fn ladder() -> Ladder {
    let rung = |target| Rung {
        when: firebell::core::directory::When::default(),
        acks: 1,
        targets: vec![target],
        wait_secs: 300,
    };
    Ladder {
        remind_secs: None,
        rest_until: None,
        policy: "web".to_owned(),
        rungs: vec![
            rung(Target::Schedule("web-primary".to_owned())),
            rung(Target::Schedule("web-secondary".to_owned())),
            rung(Target::Person("bo".to_owned())),
        ],
        repeat: 1,
    }
}

pub fn opened(title: &str, alerts: Vec<AlertRef>) -> Event {
    Event::Opened {
        turn: 0,
        origin: Origin::Alert {
            source: "prometheus".to_owned(),
        },
        title: title.to_owned(),
        severity: Severity(1),
        severity_name: "sev2".to_owned(),
        major_at: Severity(0),
        service: Some("checkout".to_owned()),
        team: Some("web".to_owned()),
        channel: Some("web-alerts".to_owned()),
        group_key: "default/web|checkout|alertname=\"HighErrorRate\"".to_owned(),
        labels: Labels::from([("alertname".to_owned(), "HighErrorRate".to_owned())]),
        auto_resolve: true,
        ladder: ladder(),
        first_page: Some(at("14:00:30")),
        alerts,
        why: vec![
            "route default/web".to_owned(),
            "service checkout by its labels".to_owned(),
            "severity sev2 from the alert's label".to_owned(),
            "policy web by the service".to_owned(),
            "grouped by alertname".to_owned(),
        ],
        urgency: Urgency::High,
        auto_resolve_after_ms: None,
        hold_while_firing: false,
        nature: Nature::default(),
    }
}

fn paged(id: &str, name: &str, contacts: &[&str]) -> PagedPerson {
    PagedPerson {
        id: id.to_owned(),
        name: name.to_owned(),
        why: "on call on Web primary until Mon 23 Nov 09:00 CET".to_owned(),
        contacts: contacts.iter().map(|c| (*c).to_owned()).collect(),
        later: Vec::new(),
    }
}

fn skipped(who: &str, why: &str) -> Skipped {
    Skipped {
        who: who.to_owned(),
        why: why.to_owned(),
    }
}

fn asked(run: i64, title: &str, needs: u8) -> Event {
    Event::RunAsked {
        run: RunId(run),
        action: "restart-service".to_owned(),
        title: title.to_owned(),
        digest: "9f86d081884c7d65".to_owned(),
        argv: vec!["/usr/local/bin/restart".to_owned(), "checkout".to_owned()],
        by: ana(),
        needs,
        expires: at("14:30:00"),
        terms: Box::default(),
    }
}

pub fn ended(run: i64, outcome: Outcome, tail: &str) -> Event {
    Event::RunEnded {
        run: RunId(run),
        outcome,
        duration_ms: 4_200,
        bytes: tail.len() as u64,
        tail: tail.to_owned(),
        notes: Vec::new(),
    }
}

/// A journal in order; causes are made from the clock.
pub fn journal(told: Vec<(&str, &str, Event)>) -> Vec<Record> {
    (1..)
        .zip(told)
        .map(|(seq, (clock, cause, event))| Record {
            seq,
            at: at(clock),
            cause: cause.to_owned(),
            event,
        })
        .collect()
}

/// An incident in which everything happens at least once.
pub fn rich() -> Vec<Record> {
    let mut told = beginning();
    told.extend(response());
    told.extend(runs());
    told.extend(ending());
    journal(told)
}

#[expect(clippy::too_many_lines, reason = "a list of events")]
fn response() -> Vec<(&'static str, &'static str, Event)> {
    vec![
        (
            "14:06:12",
            "click:a0",
            Event::AckCounted {
                by: ana(),
                have: 1,
                needs: 2,
            },
        ),
        (
            "14:06:13",
            "policy-edited:9f86",
            Event::PolicyEdited {
                policy: "web".to_owned(),
            },
        ),
        (
            "14:06:15",
            "command:f",
            Event::LadderChanged {
                by: ana(),
                ladder: ladder(),
            },
        ),
        ("14:06:20", "click:a1", Event::Acknowledged { by: bo() }),
        (
            "14:06:50",
            "wake",
            Event::Reminded {
                people: vec![PagedPerson {
                    why: "named by the policy".to_owned(),
                    ..paged("bo", "Bo Berg", &["console"])
                }],
                skipped: Vec::new(),
                why: "nothing has moved for 30 s after Bo Berg acknowledged".to_owned(),
            },
        ),
        (
            "14:07:00",
            "click:a2",
            Event::SeverityChanged {
                by: bo(),
                from: Severity(1),
                to: Severity(0),
                to_name: "sev1".to_owned(),
                why: "set by hand".to_owned(),
                urgency: None,
            },
        ),
        (
            "14:07:00",
            "click:a2",
            Event::Promoted {
                by: bo(),
                why: "sev1 is major for this service".to_owned(),
            },
        ),
        (
            "14:07:01",
            "room",
            Event::RoomOpened {
                platform: "console".to_owned(),
                room: "room-7".to_owned(),
                name: "inc-42-checkout-high-error-rate".to_owned(),
            },
        ),
        (
            "14:07:02",
            "room",
            Event::RoomFailed {
                platform: "slack".to_owned(),
                why: "the app may not create channels".to_owned(),
            },
        ),
        (
            "14:07:30",
            "click:a3",
            Event::LeadChanged {
                by: bo(),
                lead: bo(),
                from: None,
                why: String::new(),
            },
        ),
        (
            "14:08:00",
            "slack:m1",
            Event::LeadChanged {
                by: bo(),
                lead: ana(),
                from: None,
                why: String::new(),
            },
        ),
        (
            "14:09:00",
            "slack:m2",
            Event::Spoke {
                by: guest(),
                text: "Customers report failed payments\nsince about 13:55.".to_owned(),
                platform: "slack".to_owned(),
                message: "1763820540.000100".to_owned(),
                answers: None,
            },
        ),
        (
            "14:10:00",
            "slack:m3",
            Event::Noted {
                by: ana(),
                text: "Release 3.14 of payments went out.".to_owned(),
                happened_at: Some(at("13:55:00")),
            },
        ),
        (
            "14:10:30",
            "click:a4",
            Event::Snoozed {
                by: ana(),
                until: at("14:12:00"),
            },
        ),
        (
            "14:12:00",
            "wake",
            Event::Retriggered {
                why: "the snooze ended".to_owned(),
                due: at("14:12:00"),
            },
        ),
        ("14:12:10", "click:a5", Event::Acknowledged { by: ana() }),
    ]
}

fn runs() -> Vec<(&'static str, &'static str, Event)> {
    let run = |n| RunId(n);
    vec![
        ("14:13:00", "click:r1", asked(1, "Restart checkout", 1)),
        (
            "14:13:20",
            "click:r2",
            Event::RunApproved {
                run: run(1),
                by: bo(),
                subject: String::new(),
            },
        ),
        ("14:13:20", "click:r2", Event::RunReleased { run: run(1) }),
        ("14:13:21", "run", Event::RunStarted { run: run(1) }),
        (
            "14:13:25",
            "run",
            ended(
                1,
                Outcome::Succeeded { exit: 0 },
                "stopping checkout\n```\nstarted checkout\n",
            ),
        ),
        ("14:14:00", "click:r3", asked(2, "Drain node", 0)),
        (
            "14:14:05",
            "click:r4",
            Event::RunApproved {
                run: run(2),
                by: ana(),
                subject: String::new(),
            },
        ),
        ("14:14:05", "click:r4", Event::RunReleased { run: run(2) }),
        (
            "14:14:20",
            "start",
            ended(
                2,
                Outcome::Unknown {
                    why: "firebell was restarted while it ran".to_owned(),
                },
                "",
            ),
        ),
        (
            "14:15:00",
            "click:r5",
            asked(3, "Fail over the database", 2),
        ),
        (
            "14:15:10",
            "click:r6",
            Event::RunRejected {
                run: run(3),
                by: bo(),
            },
        ),
        ("14:15:20", "click:r7", asked(4, "Show logs", 1)),
        ("14:30:00", "wake", Event::RunExpired { run: run(4) }),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list of events")]
fn ending() -> Vec<(&'static str, &'static str, Event)> {
    let some: Vec<AlertId> = (3..=22).map(AlertId).collect();
    vec![
        (
            "14:31:00",
            "slack:m4",
            Event::Removed {
                kind: "spoke".to_owned(),
                platform: String::new(),
                message: String::new(),
            },
        ),
        (
            "14:32:00",
            "api:redact",
            Event::Redacted(Redacted {
                seq: 35,
                by: ana(),
                why: "it held a customer's name".to_owned(),
                what: String::new(),
            }),
        ),
        (
            "14:32:10",
            "slack:e1",
            Event::Joined {
                by: guest(),
                platform: "slack".to_owned(),
            },
        ),
        (
            "14:32:20",
            "slack:e2",
            Event::Reworded {
                by: guest(),
                text: "Customers report failed payments since 13:56.".to_owned(),
                platform: "slack".to_owned(),
                message: "1763820540.000100".to_owned(),
            },
        ),
        (
            "14:32:30",
            "discord:e3",
            Event::Spoke {
                by: bo(),
                text: "never mind".to_owned(),
                platform: "discord".to_owned(),
                message: "99".to_owned(),
                answers: None,
            },
        ),
        (
            "14:32:40",
            "discord:e4",
            Event::Unsaid {
                by: bo(),
                platform: "discord".to_owned(),
                message: "99".to_owned(),
            },
        ),
        (
            "14:32:50",
            "slack:e5",
            Event::Left {
                by: guest(),
                platform: "slack".to_owned(),
            },
        ),
        (
            "14:32:55",
            "delivery:3",
            Event::PlaceFailed {
                platform: "slack".to_owned(),
                place: "#web-alerts".to_owned(),
                why: "the channel was archived".to_owned(),
            },
        ),
        (
            "14:33:00",
            "alert:3",
            Event::Cleared {
                alerts: some,
                left: 2,
                why: "resolved by the sender".to_owned(),
            },
        ),
        (
            "14:35:00",
            "alert:1",
            Event::Cleared {
                alerts: vec![AlertId(1), AlertId(2)],
                left: 0,
                why: "not repeated in time".to_owned(),
            },
        ),
        (
            "14:35:00",
            "alert:1",
            Event::Resolved {
                by: Actor::Firebell,
                still_firing: 0,
                why: "every alert has cleared".to_owned(),
            },
        ),
    ]
}

/// A private drill of a configured type.
/// Shapes the rich journal has no place for.
pub fn other_shapes() -> Vec<(&'static str, Event)> {
    vec![
        (
            "opened-declared",
            Event::Opened {
                turn: 0,
                origin: Origin::Declared { by: guest() },
                title: "checkout is slow".to_owned(),
                severity: Severity(1),
                severity_name: "sev2".to_owned(),
                major_at: Severity(0),
                service: None,
                team: None,
                channel: None,
                group_key: String::new(),
                labels: Labels::new(),
                auto_resolve: false,
                ladder: Ladder::default(),
                first_page: None,
                alerts: Vec::new(),
                why: vec!["declared by Kim on slack".to_owned()],
                urgency: Urgency::High,
                auto_resolve_after_ms: None,
                hold_while_firing: false,
                nature: Nature::default(),
            },
        ),
        (
            "paged-by-hand",
            Event::Paged {
                channels: Vec::new(),
                rung: None,
                people: vec![paged("bo", "Bo Berg", &["console"])],
                skipped: Vec::new(),
                why: "asked for by Ana Alves: it burns".to_owned(),
                next_due: None,
            },
        ),
        (
            "resolved-by-token",
            Event::Resolved {
                by: Actor::Token {
                    name: "ci".to_owned(),
                },
                still_firing: 3,
                why: "resolved by hand".to_owned(),
            },
        ),
        (
            "acknowledged-by-source",
            Event::Acknowledged {
                by: Actor::Source {
                    name: "pagerduty".to_owned(),
                },
            },
        ),
        (
            "run_ended-failed",
            ended(1, Outcome::Failed { exit: 2 }, "no such host\n"),
        ),
        (
            "run_ended-killed",
            ended(1, Outcome::Killed { signal: 9 }, ""),
        ),
        (
            "run_ended-timed-out",
            ended(1, Outcome::TimedOut, "waiting\n"),
        ),
        (
            "run_ended-not-started",
            ended(
                1,
                Outcome::NotStarted {
                    why: "the program does not exist".to_owned(),
                },
                "",
            ),
        ),
        (
            "preceded",
            Event::Preceded {
                changes: vec![
                    Preceding {
                        source: "github".to_owned(),
                        key: "deployment:145988746".to_owned(),
                        kind: ChangeKind::Deploy,
                        state: ChangeState::Done,
                        summary: "deploy v2.31 of acme/checkout".to_owned(),
                        service: Some("checkout".to_owned()),
                        environment: "production".to_owned(),
                        author: "ana".to_owned(),
                        url: "https://github.example/acme/checkout/deployments".to_owned(),
                        at: at("13:50:00"),
                        points: 63,
                        close: true,
                        why: "7m before it began, on checkout itself; the first change of checkout within a week".to_owned(),
                    },
                ],
            },
        ),
    ]
}
