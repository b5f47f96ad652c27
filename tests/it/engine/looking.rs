//! Dry runs and checks through the engine: what runs, what is told, what counts.

use super::runs::ended;
use super::*;
use firebell::chat::card;
use firebell::core::directory::{Action, ActionClass, How, Lock, Need, ProcessRun};
use firebell::core::incident::Ask;
use std::sync::Arc;

/// `drain` needs Bo beside who asks, holds a key, has a dry run, and `pool` shows what came of it.
async fn world(url: &str) -> World {
    let mut directory = super::super::world::directory();
    let drain = Action {
        title: "Drain".to_owned(),
        class: ActionClass::Remediation,
        check: Some("pool".to_owned()),
        lock: Lock {
            keys: vec!["pool:web".to_owned()],
            ..Lock::default()
        },
        how: How::Process(ProcessRun {
            argv: vec!["/bin/sleep".to_owned(), "300".to_owned()],
            dry_run: vec!["/bin/echo".to_owned(), "would drain web-1".to_owned()],
            ..ProcessRun::default()
        }),
        ..Action::of_program("drain", &[])
    };
    let pool = Action {
        title: "Show the pool".to_owned(),
        ..Action::of_program("pool", &["/bin/echo", "web-1 is out of the pool"])
    };
    for action in [drain, pool] {
        let action = Arc::new(action);
        directory.actions.insert(action.id.clone(), action);
    }
    let w = World::with(url, directory).await;
    w.fire("Down", MAJOR).await;
    w
}

async fn ask(w: &World, run: i64, action: &str, ask: Ask) {
    let command = Command::AskRun {
        by: person("ana"),
        run: RunId(run),
        action: w.directory.actions[action].clone(),
        args: BTreeMap::new(),
        ask,
    };
    w.tell(1, command).await;
}

fn dry() -> Ask {
    Ask {
        dry: true,
        ..Ask::default()
    }
}

#[tokio::test]
async fn a_dry_run_runs_the_dry_argv_alone_is_shown_like_any_run_and_audited_as_one() {
    on_both(async |database| {
        let mut w = world(&database.url).await;
        w.configure(|d| {
            let mut drain = (*d.actions["drain"]).clone();
            drain.approval.required = vec![Need {
                roles: Vec::new(),
                count: 1,
            }];
            d.actions.insert("drain".to_owned(), Arc::new(drain));
        })
        .await;
        ask(&w, 1, "drain", dry()).await;
        assert_eq!(ended(&w, 1).await, Outcome::Succeeded { exit: 0 });
        w.settle().await;
        let row = w.engine.store().run(RunId(1)).await.unwrap().unwrap();
        assert_eq!(row.output, "would drain web-1\n");
        let live = w.platform.live.lock().unwrap().clone();
        let (_, _, last) = live.last().expect("its output is shown in the room");
        assert!(last.title.contains("Drain (dry run)"), "{}", last.title);
        assert!(last.tail.contains("would drain web-1"), "{}", last.tail);
        let audit = w.engine.store().audit_after(0, 100).await.unwrap();
        let asked: Vec<_> = audit.iter().filter(|e| e.run == Some(1)).collect();
        assert_eq!(asked[0].kind, "dry_run");
        assert!(
            asked[0].detail.contains("\"dry_run\":true"),
            "{}",
            asked[0].detail
        );
        // The key is free, and the action itself still waits for somebody.
        ask(&w, 2, "drain", Ask::default()).await;
        let incident = w.incident(1).await;
        assert_eq!(incident.runs[&RunId(2)].needs, 1);
        assert_eq!(incident.waiting_runs().count(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_same_press_of_a_dry_run_twice_is_one_run() {
    let w = world("sqlite::memory:").await;
    let press = || async {
        firebell::dispatch::press(
            &w.engine,
            person("ana"),
            "console",
            IncidentId(1),
            &firebell::chat::Press::DryRun {
                action: "drain".to_owned(),
            },
            0,
            "click:1",
        )
        .await
    };
    let (first, again) = (press().await, press().await);
    assert!(
        first.ok && first.text.contains("would drain web-1"),
        "{first:?}"
    );
    assert_eq!(first.text, again.text);
    w.settle().await;
    assert_eq!(w.incident(1).await.runs.len(), 1);
}

#[tokio::test]
async fn what_nobody_knows_is_looked_at_beside_the_buttons_that_settle_it() {
    on_both(async |database| {
        let mut w = world(&database.url).await;
        ask(&w, 1, "drain", Ask::default()).await;
        let confirm = Command::ApproveRun {
            by: person("ana"),
            run: RunId(1),
        };
        w.tell(1, confirm).await;
        while w.engine.store().run(RunId(1)).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        // The machine went down and came back: a claim, no shim, no result.
        let folder = std::fs::read_dir(w.scratch().join("runs"))
            .unwrap()
            .flatten();
        let folder = folder
            .map(|e| e.path())
            .find(|p| p.join("claim").exists())
            .unwrap();
        std::fs::write(
            folder.join("claim"),
            "{\"pid\":1,\"born\":1,\"boot\":\"b\"}",
        )
        .unwrap();
        w.kill_and_restart().await;
        assert!(matches!(ended(&w, 1).await, Outcome::Unknown { .. }));
        let incident = w.incident(1).await;
        let buttons = card::run_buttons(RunId(1), &incident.runs[&RunId(1)], &w.directory);
        let labels: Vec<_> = buttons.iter().map(|b| b.label.as_str()).collect();
        assert_eq!(
            labels,
            [
                "run-1: Show the pool",
                "run-1: it worked",
                "run-1: it did not work"
            ]
        );
        let looked = firebell::dispatch::press(
            &w.engine,
            person("bo"),
            "console",
            IncidentId(1),
            &buttons[0].press,
            0,
            "click:look",
        )
        .await;
        assert!(looked.ok, "{}", looked.text);
        loop {
            let incident = w.incident(1).await;
            let check = incident.check_of(RunId(1));
            if check.is_some_and(|(_, r)| r.ended_at.is_some()) {
                break;
            }
            tokio::task::yield_now().await;
        }
        w.settle().await;
        let incident = w.incident(1).await;
        let card = card::card(&incident, &w.directory, w.clock.now(), "");
        let line = card.lines.iter().find(|l| l.starts_with("run-1 "));
        let line = line.unwrap_or_else(|| panic!("{:?}", card.lines));
        assert!(
            line.contains("looked and succeeded (exit code 0): web-1 is out of the pool"),
            "{line}"
        );
        // What it wrote stands in the room with the buttons that settle.
        let live = w.platform.live.lock().unwrap().clone();
        let (_, _, last) = live.last().unwrap();
        assert!(last.title.contains("Show the pool"), "{}", last.title);
        let labels: Vec<_> = last.buttons.iter().map(|b| b.label.as_str()).collect();
        assert!(labels.contains(&"run-1: it worked"), "{labels:?}");
    })
    .await;
}
