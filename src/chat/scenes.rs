//! The scenes of the documentation's gallery: the life of a run, on a card and in its message.

use super::fixture::{ana, at, directory, incident};
use super::{Card, Live, card};
use crate::core::directory::{
    Action, ActionClass, Approval, Directory, How, Need, ProcessRun, Risk, Rollback,
};
use crate::core::id::{Actor, RunId};
use crate::core::incident::{Event, Incident, Outcome, PagedPerson, Terms};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a platform draws.
pub(crate) enum Scene {
    Card(Card),
    Live(Live),
}

const DRAIN: &str = "Take web-7 out of the load balancer";

fn bo() -> Actor {
    Actor::Person {
        id: "bo".to_owned(),
        name: "Bo Berg".to_owned(),
    }
}

/// An action that changes something, with everything an action can have, and two that look.
fn actions() -> Directory {
    let mut directory = directory();
    let drain = Action {
        title: DRAIN.to_owned(),
        class: ActionClass::Remediation,
        risk: Risk::Medium,
        approval: Approval::by_others(1),
        rollback: Some(Rollback {
            action: "web-undrain".to_owned(),
            args: BTreeMap::new(),
        }),
        check: Some("web-pool".to_owned()),
        how: How::Process(ProcessRun {
            argv: vec!["/usr/local/libexec/firebell/nginx-upstream".to_owned()],
            dry_run: vec!["/usr/local/libexec/firebell/nginx-upstream".to_owned()],
            ..ProcessRun::default()
        }),
        ..Action::of_program("web-drain", &[])
    };
    let undrain = Action {
        title: "Put web-7 back".to_owned(),
        class: ActionClass::Remediation,
        ..Action::of_program("web-undrain", &["/bin/true"])
    };
    let pool = Action {
        title: "Show the pool".to_owned(),
        ..Action::of_program("web-pool", &["/bin/true"])
    };
    let actions = [drain, undrain, pool].map(|a| (a.id.clone(), Arc::new(a)));
    directory.actions = actions.into();
    directory
}

fn paged() -> Vec<Event> {
    let people = vec![PagedPerson {
        id: "ana".to_owned(),
        name: "Ana Alves".to_owned(),
        why: "on call on web-primary since Mon 09:00".to_owned(),
        contacts: vec!["slack".to_owned()],
        later: Vec::new(),
    }];
    let paged = Event::Paged {
        channels: Vec::new(),
        rung: Some((0, 0)),
        people,
        skipped: Vec::new(),
        why: "it was opened".to_owned(),
        next_due: Some(at("2026-11-22T14:06:00Z")),
    };
    vec![paged, Event::Acknowledged { by: ana() }]
}

fn asked(run: i64, action: &str, title: &str, argv: &[&str], terms: Terms) -> Event {
    Event::RunAsked {
        run: RunId(run),
        action: action.to_owned(),
        title: title.to_owned(),
        digest: "digest of web-drain".to_owned(),
        argv: argv.iter().map(|a| (*a).to_owned()).collect(),
        by: ana(),
        needs: u8::from(!terms.required.is_empty()),
        expires: at("2026-11-22T14:18:00Z"),
        terms: Box::new(terms),
    }
}

/// `run-3`, asked for by Ana; Bo has to agree.
fn drains() -> Event {
    let terms = Terms {
        subject: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        target: "this machine".to_owned(),
        class: Some(ActionClass::Remediation),
        risk: Some(Risk::Medium),
        environment: Some("prod".to_owned()),
        four_eyes: true,
        required: vec![Need {
            roles: Vec::new(),
            count: 1,
        }],
        reason: Some("it answers 502 to one request in ten".to_owned()),
        ..Terms::default()
    };
    let argv = ["nginx-upstream", "drain", "checkout.servers", "web-7"];
    asked(3, "web-drain", DRAIN, &argv, terms)
}

fn released() -> Vec<Event> {
    let run = RunId(3);
    let approved = Event::RunApproved {
        run,
        by: bo(),
        subject: String::new(),
    };
    vec![
        drains(),
        approved,
        Event::RunReleased { run },
        Event::RunStarted { run },
    ]
}

fn ended(run: i64, outcome: Outcome, tail: &str) -> Event {
    Event::RunEnded {
        run: RunId(run),
        outcome,
        duration_ms: 2300,
        bytes: 64,
        tail: tail.to_owned(),
        notes: Vec::new(),
    }
}

fn lost() -> Vec<Event> {
    let looks = Terms {
        checks: Some(RunId(3)),
        class: Some(ActionClass::Diagnostic),
        ..Terms::default()
    };
    let run = RunId(4);
    let unknown = Outcome::Unknown {
        why: "this machine went down or was started anew while it ran".to_owned(),
    };
    let mut events = released();
    events.extend([
        ended(3, unknown, ""),
        asked(4, "web-pool", "Show the pool", &["/bin/pool"], looks),
        Event::RunReleased { run },
        Event::RunStarted { run },
        ended(
            4,
            Outcome::Succeeded { exit: 0 },
            "web-7 is down in checkout.servers, 5 others are up",
        ),
    ]);
    events
}

fn story(more: Vec<Event>) -> Incident {
    let mut events = paged();
    events.extend(more);
    incident(events)
}

/// Every scene with its name.
pub(crate) fn scenes() -> Vec<(&'static str, Scene)> {
    let directory = actions();
    let url = "https://firebell.example.org/incidents/42";
    let now = at("2026-11-22T14:04:00Z");
    let of = |more| Scene::Card(card::card(&story(more), &directory, now, url));
    let mut over = released();
    over.push(ended(3, Outcome::Succeeded { exit: 0 }, "web-7 drained"));
    let running = story(released());
    let live = Live {
        key: "42:run:3".to_owned(),
        incident: running.id,
        seq: running.seq,
        title: format!("run-3 “{DRAIN}” is running"),
        tail: "checkout.servers: web-7 marked down\nnginx: configuration is good\n38 connections left on web-7\n12 connections left on web-7".to_owned(),
        buttons: card::run_buttons(RunId(3), &running.runs[&RunId(3)], &directory),
    };
    vec![
        ("offers", of(Vec::new())),
        ("waits", of(vec![drains()])),
        ("live", Scene::Live(live)),
        ("undo", of(over)),
        ("unknown", of(lost())),
    ]
}
