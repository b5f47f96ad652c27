//! The future on paper, compared with what the four verbs do.

use super::tests::{NOON, directory};
use super::*;
use crate::core::alert::{Alert, AlertKind, Labels};
use crate::core::directory::{Directory, Policy, Route, Rung, Target};
use crate::core::forecast::{Script, of_alert};

fn house() -> Directory {
    let mut directory = directory();
    let rung = |id: &str| Rung {
        when: crate::core::directory::When::default(),
        targets: vec![Target::Person(id.to_owned())],
        wait_secs: 300,
        acks: 1,
    };
    let policy = Policy {
        id: "web".to_owned(),
        rungs: vec![rung("ana"), rung("cy"), rung("bo")],
        repeat: 0,
        remind_secs: None,
        rest_until: None,
    };
    directory.policies.insert("web".to_owned(), policy);
    directory.route = Route {
        name: "default".to_owned(),
        policy: Some("web".to_owned()),
        page: true,
        ..Route::default()
    };
    directory
}

fn alert() -> Alert {
    Alert {
        source: "prom".to_owned(),
        fingerprint: "f".to_owned(),
        kind: AlertKind::Firing,
        labels: [("alertname".to_owned(), "Down".to_owned())].into(),
        annotations: Labels::new(),
        starts_at: NOON,
        ends_at: Time::FAR,
        generator_url: String::new(),
    }
}

fn told(script: Script) -> Vec<(i64, &'static str)> {
    let facts = of_alert(&house(), &alert(), NOON, script, NOON.plus_secs(86_400)).unwrap();
    let each = facts
        .iter()
        .map(|r| (r.at.since_ms(NOON) / 1000, r.event.kind()));
    each.collect()
}

#[test]
fn the_whole_ladder_is_foretold_up_to_the_first_alarm_of_the_catch_all() {
    assert_eq!(
        told(Script::default()),
        [
            (0, "opened"),
            (0, "promoted"),
            (0, "paged"),
            (300, "rung_skipped"),
            (300, "paged"),
            (600, "catch_all")
        ]
    );
}

#[test]
fn a_script_acknowledges_and_breaks_contacts() {
    let by = Actor::Person {
        id: "bo".to_owned(),
        name: "Bo".to_owned(),
    };
    let script = Script {
        acts: vec![(NOON.plus_secs(60), Command::Acknowledge { by })],
        broken: [("ana".to_owned(), "console".to_owned())].into(),
    };
    assert_eq!(
        told(script),
        [
            (0, "opened"),
            (0, "promoted"),
            (0, "paged"),
            (0, "page_failed"),
            (0, "rung_skipped"),
            (0, "paged"),
            (60, "acknowledged")
        ]
    );
}

#[test]
fn a_quiet_alert_has_no_future_and_a_reason() {
    let mut directory = house();
    directory.route.page = false;
    let none = of_alert(&directory, &alert(), NOON, Script::default(), Time::FAR);
    assert_eq!(none.unwrap_err(), "route default pages nobody");
}

#[test]
fn what_starts_by_itself_and_the_page_that_waits_for_it_are_foretold() {
    use crate::core::directory::{Action, ActionClass, Auto, AutoLevel};
    use crate::core::verdict::{Rule, Rules};
    let heal = Action {
        class: ActionClass::Remediation,
        idempotent: true,
        reversible: true,
        auto: Auto {
            level: AutoLevel::BeforePage,
            delay_ms: 30_000,
            clear_within_ms: 300_000,
            ..Auto::default()
        },
        ..Action::of_program("heal", &["/bin/true"])
    };
    let mut directory = house();
    directory
        .actions
        .insert("heal".to_owned(), std::sync::Arc::new(heal));
    let told = |directory: &Directory| -> Vec<(i64, &'static str)> {
        let until = NOON.plus_secs(400);
        let facts = of_alert(directory, &alert(), NOON, Script::default(), until).unwrap();
        let each = facts.iter();
        each.map(|r| (r.at.since_ms(NOON) / 1000, r.event.kind()))
            .collect()
    };
    assert_eq!(told(&directory)[2], (0, "paged"), "no rule lets it");
    let mut rules = Rules::default();
    rules.rules.push(Rule {
        id: "r".to_owned(),
        auto: true,
        ..Rule::blank(true)
    });
    directory.permits = std::sync::Arc::new(rules);
    directory.route.service = Some("web".to_owned());
    let facts = told(&directory);
    assert_eq!(
        facts,
        [
            (0, "opened"),
            (0, "promoted"),
            (0, "run_asked"),
            (0, "run_armed"),
            (30, "run_released"),
            (330, "paged")
        ]
    );
}
