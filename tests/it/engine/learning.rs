//! What past incidents teach: the same whether it is learned one by one or all at once.

use super::*;
use crate::world::directory;
use firebell::core::directory::{Action, ActionClass};
use firebell::core::incident::{Ask, Shape};
use firebell::core::learn::{Learned, Pattern};
use std::sync::Arc;

fn pattern() -> Pattern {
    Pattern {
        service: "checkout".to_owned(),
        alert: "Slow".to_owned(),
        labels: BTreeMap::new(),
    }
}

async fn world(url: &str) -> World {
    let mut directory = directory();
    let heal = Action {
        class: ActionClass::Remediation,
        idempotent: true,
        reversible: true,
        ..Action::of_program("heal", &["/bin/true"])
    };
    directory.actions.insert(heal.id.clone(), Arc::new(heal));
    World::with(url, directory).await
}

/// An incident from its alert to its end; `by` runs the action a minute after the opening.
async fn incident(w: &World, id: i64, by: Option<&str>, clears_after_secs: i64) {
    of(w, CHECKOUT, id, by, clears_after_secs).await;
}

async fn of(w: &World, labels: &[(&str, &str)], id: i64, by: Option<&str>, clears_after_secs: i64) {
    w.fire("Slow", labels).await;
    w.advance_secs(60).await;
    if let Some(by) = by {
        let ask = Command::AskRun {
            by: person(by),
            run: RunId(id),
            action: w.directory.actions["heal"].clone(),
            args: BTreeMap::new(),
            ask: Ask::default(),
        };
        w.tell(id, ask).await;
        let approve = Command::ApproveRun {
            by: person(by),
            run: RunId(id),
        };
        w.tell(id, approve).await;
        while !w.kinds(id).await.contains(&"run_ended") {
            tokio::task::yield_now().await;
        }
    }
    w.advance_secs(clears_after_secs).await;
    w.clear("Slow", labels).await;
    assert_eq!(w.incident(id).await.status, Status::Resolved);
}

async fn learned(w: &World) -> Learned {
    Learned::of(w.engine.store().teachings(1000).await.unwrap())
}

#[tokio::test]
async fn what_helped_is_said_with_what_happened_without_it_and_proposed_once() {
    on_both(async |database| {
        let mut w = world(&database.url).await;
        for id in 1..=2 {
            incident(&w, id, None, 3600).await;
        }
        for id in 3..=7 {
            incident(&w, id, Some(["ana", "bo"][usize::from(id % 2 == 0)]), 120).await;
        }
        incident(&w, 8, Some("ana"), 3000).await;
        let known = w.engine.directory().learned.clone();
        assert_eq!(
            known.evidence(&pattern(), "heal").words("heal"),
            "`heal` ran in 6 of the last 8 incidents like this; 5 recovered within 10 minutes; left alone, 0 of 2 did."
        );
        let lines = w.platform.lines("#web");
        let proposed = lines.iter().filter(|l| l.contains("could go to `one-click`"));
        assert_eq!(proposed.count(), 1, "{lines:?}");
        // A merged one teaches nothing.
        w.fire("Slow", CHECKOUT).await;
        w.fire("Down", CHECKOUT).await;
        w.engine.merge("m", IncidentId(9), IncidentId(10), person("ana")).await.unwrap();
        w.settle().await;
        assert_eq!(w.engine.directory().learned.like(&pattern()).len(), 8);
        // One by one, all at once after a start, and all at once from the journals alone.
        let before = learned(&w).await;
        assert_eq!(*w.engine.directory().learned, before);
        w.kill_and_restart().await;
        assert_eq!(*w.engine.directory().learned, before);
        let mut read = Vec::new();
        for id in 1..=10 {
            let journal = w.journal(id).await;
            read.extend(firebell::core::learn::lesson(IncidentId(id), &journal));
        }
        assert_eq!(Learned::of(read), before);
        // The table is lost: it is made again, the same.
        database.raw("delete from teachings").await;
        w.kill_and_restart().await;
        assert_eq!(learned(&w).await, before);
        let lines = w.platform.lines("#web");
        let proposed = lines.iter().filter(|l| l.contains("could go to `one-click`"));
        assert_eq!(proposed.count(), 1, "told once");
    })
    .await;
}

#[tokio::test]
async fn an_incident_that_is_opened_again_teaches_when_it_is_over_again() {
    on_both(async |database| {
        let w = world(&database.url).await;
        incident(&w, 1, Some("ana"), 60).await;
        assert_eq!(w.engine.directory().learned.like(&pattern()).len(), 1);
        w.tell(1, Command::Reopen { by: person("ana") }).await;
        assert_eq!(w.engine.directory().learned.like(&pattern()).len(), 0);
        w.tell(1, Command::Resolve { by: person("ana") }).await;
        assert_eq!(w.engine.directory().learned.like(&pattern()).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn drills_teach_nothing_and_earn_no_proposal_until_somebody_says_they_were_real() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("firebell.db").display());
    let mut w = world(&url).await;
    let practised = [CHECKOUT, &[("drill", "yes")]].concat();
    for id in 1..=2 {
        of(&w, &practised, id, None, 3600).await;
    }
    for id in 3..=8 {
        let by = ["ana", "bo"][usize::from(id % 2 == 0)];
        of(&w, &practised, id, Some(by), 120).await;
    }
    let proposed = |w: &World| {
        let lines = w.platform.lines("#web");
        lines.iter().filter(|l| l.contains("could go to")).count()
    };
    w.settle().await;
    assert_eq!(*w.engine.directory().learned, Learned::default());
    assert_eq!(learned(&w).await, Learned::default());
    assert_eq!(proposed(&w), 0);
    // The same incidents, said to be real: they teach, and what they show is proposed.
    for id in 1..=8 {
        let real = Shape::Drill { drill: false };
        let command = Command::Shape {
            by: person("ana"),
            shape: Box::new(real),
        };
        w.tell(id, command).await;
    }
    assert_eq!(w.engine.directory().learned.like(&pattern()).len(), 8);
    assert_eq!(proposed(&w), 1);
    let before = learned(&w).await;
    w.kill_and_restart().await;
    assert_eq!(*w.engine.directory().learned, before);
}
