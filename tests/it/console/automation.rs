//! The page of automation and the evidence behind its sentences.

use super::*;
use crate::browser::driver::{Driver, Screen};
use firebell::core::directory::{Action, ActionClass, Auto, AutoLevel};
use firebell::core::id::RunId;
use firebell::core::incident::{Ask, Command};
use firebell::core::verdict::{Rule, Rules};
use std::collections::BTreeMap;

const MINOR: &[(&str, &str)] = &[
    ("service", "checkout"),
    ("severity", "warning"),
    ("env", "prod"),
];

impl House {
    fn minutes(&self, n: i64) {
        self.clock.advance_ms(n * 60_000);
    }

    /// One incident with a run, from its alert to its end.
    async fn healed(&self, id: i64, by: Option<&str>) {
        self.fire("Slow", MINOR).await;
        self.minutes(1);
        self.engine.settle().await;
        if let Some(by) = by {
            let run = RunId(100 + id);
            let ask = Command::AskRun {
                by: super::super::world::person(by),
                run,
                action: self.engine.directory().actions["heal"].clone(),
                args: BTreeMap::new(),
                ask: Ask::default(),
            };
            let by = super::super::world::person(by);
            for (n, command) in [ask, Command::ApproveRun { by, run }]
                .into_iter()
                .enumerate()
            {
                let cause = format!("healed:{id}:{n}");
                self.engine
                    .submit(&cause, IncidentId(id), command)
                    .await
                    .unwrap();
            }
            loop {
                let journal = self.engine.store().journal(IncidentId(id)).await.unwrap();
                if journal.iter().any(|r| r.event.kind() == "run_ended") {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        self.minutes(if by.is_some() { 4 } else { 30 });
        let over = alert("Slow", MINOR, AlertKind::Resolved, self.engine.now());
        self.engine.take(vec![over]).await.unwrap();
        self.engine.settle().await;
    }

    /// Five runs by two people, two incidents left alone, and one that starts by itself soon.
    async fn taught() -> House {
        let house = House::open().await;
        let mut directory = directory();
        let heal = Action {
            title: "Restart the web server".to_owned(),
            class: ActionClass::Remediation,
            idempotent: true,
            reversible: true,
            ..Action::of_program("heal", &["/bin/true"])
        };
        let look = Action {
            title: "Show the log".to_owned(),
            auto: Auto {
                level: AutoLevel::Delayed,
                delay_ms: 600_000,
                ..Auto::default()
            },
            ..Action::of_program("look", &["/bin/true"])
        };
        for action in [heal, look] {
            directory
                .actions
                .insert(action.id.clone(), Arc::new(action));
        }
        let mut rules = Rules::default();
        rules.rules.push(Rule {
            id: "look-everywhere".to_owned(),
            auto: true,
            actions: vec!["look".to_owned()],
            ..Rule::blank(true)
        });
        directory.permits = Arc::new(rules);
        house.engine.replace_directory(directory);
        house.engine.settle().await;
        for id in 1..=7 {
            let by = ["bo", "ana"][usize::from(id % 2 == 0)];
            house.healed(id, (id > 2).then_some(by)).await;
        }
        house.fire("Slow", MINOR).await;
        house
    }
}

#[tokio::test]
async fn what_worked_is_shown_with_its_evidence_and_what_it_has_earned() {
    let h = House::taught().await;
    let page = h.page("ana", "/automation").await;
    for words in [
        " ran in 5 of the last 7 incidents like this; 5 recovered within 10 minutes; left alone, 0 of 2 did.",
        " ran 5 times in a row on checkout without a failure, started by 2 people",
        "level = &quot;one-click&quot;",
        "Show the log",
        "Slow on checkout (env=prod)",
        "It is on",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    let pattern = "%7B%22service%22%3A%22checkout%22%2C%22alert%22%3A%22Slow%22%2C%22labels%22%3A%7B%22env%22%3A%22prod%22%7D%7D";
    let evidence = h
        .page("ana", &format!("/learn?action=heal&pattern={pattern}"))
        .await;
    for words in [
        "How it is counted",
        "recovered",
        "did not run",
        "/incidents/7",
        "/incidents/1",
    ] {
        assert!(evidence.contains(words), "{words}\n{evidence}");
    }
    let gone = h
        .ask("ana", "/learn?action=heal&pattern=%7B%7D")
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), StatusCode::BAD_REQUEST);
    let incident = h.page("ana", "/incidents/8").await;
    for words in [
        "starts by itself",
        "Run it?",
        "What worked before",
        "Stop run-8",
    ] {
        assert!(incident.contains(words), "{words}\n{incident}");
    }
}

#[tokio::test]
async fn turning_it_off_is_said_on_every_page_until_somebody_turns_it_on() {
    let h = House::taught().await;
    let fields = [
        ("on", "off"),
        ("action", ""),
        ("why", "deploy"),
        ("click", CLICK),
    ];
    h.post("ana", "/automation", &fields).await;
    for path in ["/", "/incidents", "/automation", "/oncall"] {
        let page = h.page("bo", path).await;
        assert!(page.contains("Automation is off since"), "{path}");
    }
    let log = h.page("bo", "/automation").await;
    assert!(
        log.contains("Everything") && log.contains("deploy"),
        "{log}"
    );
    let click = "1".repeat(32);
    let fields = [
        ("on", "on"),
        ("action", ""),
        ("why", ""),
        ("click", &*click),
    ];
    h.post("bo", "/automation", &fields).await;
    assert!(!h.page("bo", "/").await.contains("Automation is off since"));
}

#[tokio::test]
async fn the_pages_of_automation_fit_every_screen() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let h = House::taught().await;
    let pattern = "%7B%22service%22%3A%22checkout%22%2C%22alert%22%3A%22Slow%22%2C%22labels%22%3A%7B%22env%22%3A%22prod%22%7D%7D";
    let learn = format!("/learn?action=heal&pattern={pattern}");
    for (name, screen) in [("desk", Screen::Desktop), ("phone", Screen::Phone)] {
        let tab = driver.open(name, screen, &h.base).await;
        for (page, path) in [
            ("automation", "/automation"),
            ("learn", &*learn),
            ("incident", "/incidents/8"),
        ] {
            tab.goto(path).await;
            tab.sees("main", "").await;
            tab.fits_the_screen(path).await;
            tab.shoot(&format!("brakes-{page}-{name}")).await;
        }
        tab.has_no_complaints().await;
    }
    let fields = [
        ("on", "off"),
        ("action", ""),
        ("why", "deploy"),
        ("click", CLICK),
    ];
    h.post("ana", "/automation", &fields).await;
    let tab = driver.open("off", Screen::Desktop, &h.base).await;
    tab.goto("/automation").await;
    tab.sees("main", "It is off").await;
    tab.fits_the_screen("/automation").await;
    tab.shoot("brakes-automation-off").await;
}
