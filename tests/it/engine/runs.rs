//! Runbook actions through the engine: approved, carried out, lost.

use super::*;
use firebell::core::directory::Action;
use firebell::core::incident::Ask;

#[tokio::test]
async fn an_action_runs_after_its_approval_and_its_outcome_is_on_the_timeline() {
    on_both(async |database| {
        let w = World::on(&database.url).await;
        w.fire("Down", MAJOR).await;
        let restart = w.directory.actions["restart"].clone();
        let ask = Command::AskRun {
            by: person("ana"),
            run: RunId(1),
            action: restart,
            args: BTreeMap::new(),
            ask: Ask::default(),
        };
        w.tell(1, ask).await;
        let own = w
            .engine
            .submit(
                "a",
                IncidentId(1),
                Command::ApproveRun {
                    by: person("ana"),
                    run: RunId(1),
                },
            )
            .await;
        assert!(matches!(
            own,
            Err(Failure::Refused(Refusal::Forbidden { .. }))
        ));
        w.tell(
            1,
            Command::ApproveRun {
                by: person("bo"),
                run: RunId(1),
            },
        )
        .await;
        let ended = ended(&w, 1).await;
        assert_eq!(ended, Outcome::Succeeded { exit: 0 });
        let row = w.engine.store().run(RunId(1)).await.unwrap().unwrap();
        assert_eq!(
            (row.state.as_str(), row.output.trim()),
            ("succeeded", "restarted")
        );
    })
    .await;
}

/// A run of `echo` with this program, asked for and confirmed.
async fn running(database: &str, argv: &[&str]) -> World {
    let mut directory = super::super::world::directory();
    let mut slow = (*directory.actions["echo"]).clone();
    slow.how = Action::of_program("echo", argv).how;
    slow.limits.kill_grace_ms = 500;
    directory
        .actions
        .insert("echo".to_owned(), std::sync::Arc::new(slow));
    let w = World::with(database, directory).await;
    w.fire("Down", MAJOR).await;
    echoes(&w).await;
    w
}

/// Ana asks for the first run, of `echo`, and confirms it.
pub(super) async fn echoes(w: &World) {
    let ask = Command::AskRun {
        by: person("ana"),
        run: RunId(1),
        action: w.directory.actions["echo"].clone(),
        args: BTreeMap::new(),
        ask: Ask::default(),
    };
    w.tell(1, ask).await;
    let confirm = Command::ApproveRun {
        by: person("ana"),
        run: RunId(1),
    };
    w.tell(1, confirm).await;
}

async fn is_running(w: &World) {
    while w.engine.store().run(RunId(1)).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_run_goes_on_through_a_crash_of_firebell_and_its_true_end_is_told() {
    on_both(async |database| {
        let text = "echo before; /bin/sleep 0.7; echo after; exit 3";
        let mut w = running(&database.url, &["/bin/sh", "-c", text]).await;
        is_running(&w).await;
        w.kill_and_restart().await;
        assert_eq!(ended(&w, 1).await, Outcome::Failed { exit: 3 });
        let row = w.engine.store().run(RunId(1)).await.unwrap().unwrap();
        assert_eq!((row.output.as_str(), row.bytes), ("before\nafter\n", 13));
        let journal = w.journal(1).await;
        let started = journal
            .iter()
            .filter(|r| matches!(r.event, Event::RunStarted { .. }));
        assert_eq!(started.count(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_run_that_is_stopped_says_who_wanted_it() {
    let w = running("sqlite::memory:", &["/bin/sleep", "300"]).await;
    is_running(&w).await;
    let stop = Command::CancelRun {
        by: person("bo"),
        run: RunId(1),
    };
    w.tell(1, stop).await;
    assert_eq!(ended(&w, 1).await, Outcome::Cancelled);
    let row = w.engine.store().run(RunId(1)).await.unwrap().unwrap();
    assert_eq!(row.state, "cancelled");
}

#[tokio::test]
async fn a_run_whose_truth_is_lost_is_unknown_said_loudly_and_settled_by_a_person() {
    on_both(async |database| {
        let mut w = running(&database.url, &["/bin/sleep", "5"]).await;
        is_running(&w).await;
        // The machine went down and came back: a claim, no shim, no result.
        let runs = w.scratch().join("runs");
        let folder = std::fs::read_dir(runs).unwrap().flatten();
        let folder = folder
            .map(|e| e.path())
            .find(|p| p.join("claim").exists())
            .unwrap();
        let claim = folder.join("claim");
        std::fs::write(&claim, "{\"pid\":1,\"born\":1,\"boot\":\"b\"}").unwrap();
        w.kill_and_restart().await;
        assert!(matches!(ended(&w, 1).await, Outcome::Unknown { .. }));
        w.settle().await;
        for place in ["room-of-1", "#web"] {
            let lines = w.platform.lines(place);
            let loud = lines
                .iter()
                .any(|l| l.contains("It may or may not have run. Check, then mark it."));
            assert!(loud, "{place}: {lines:?}");
        }
        let incident = w.engine.incident(IncidentId(1)).await.unwrap().unwrap();
        let buttons =
            firebell::chat::card::run_buttons(RunId(1), &incident.runs[&RunId(1)], &w.directory);
        let labels: Vec<&str> = buttons.iter().map(|b| b.label.as_str()).collect();
        assert_eq!(labels, ["run-1: it worked", "run-1: it did not work"]);
        let settle = Command::SettleRun {
            by: person("bo"),
            run: RunId(1),
            good: true,
            note: "the pool is back".to_owned(),
        };
        w.tell(1, settle).await;
        let incident = w.engine.incident(IncidentId(1)).await.unwrap().unwrap();
        assert_eq!(incident.runs[&RunId(1)].settled, Some((person("bo"), true)));
    })
    .await;
}

#[tokio::test]
async fn what_a_run_writes_is_one_message_of_the_room_that_is_edited_to_its_end() {
    let text = "i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo line $i; done; /bin/sleep 0.8; echo last; \
        /bin/sleep 3; echo xoxb-1234567890-abcdefghij";
    let w = running("sqlite::memory:", &["/bin/sh", "-c", text]).await;
    assert_eq!(ended(&w, 1).await, Outcome::Succeeded { exit: 0 });
    // The last drawing follows the line of the end.
    while !w
        .platform
        .live
        .lock()
        .unwrap()
        .iter()
        .any(|d| d.2.title.contains("succeeded"))
    {
        tokio::task::yield_now().await;
    }
    let drawn = w.platform.live.lock().unwrap().clone();
    assert!((2..=4).contains(&drawn.len()), "{drawn:#?}");
    let (first, last) = (&drawn[0], &drawn[drawn.len() - 1]);
    assert_eq!((first.0.as_str(), first.1.as_str()), ("room-of-1", ""));
    assert!(drawn[1..].iter().all(|d| d.1 == first.2.key), "{drawn:#?}");
    assert!(first.2.title.contains("is running"), "{first:?}");
    assert_eq!(
        first.2.buttons.len(),
        1,
        "it can be stopped there: {first:?}"
    );
    assert!(
        last.2.buttons.is_empty() && last.2.tail.ends_with("\nlast\n[masked]"),
        "{last:?}"
    );
    assert!(
        drawn.iter().all(|d| d.2.tail.lines().count() <= 15),
        "{drawn:#?}"
    );
    let row = w.engine.store().run(RunId(1)).await.unwrap().unwrap();
    assert_eq!(row.digest.len(), 64);
}

#[tokio::test]
async fn an_action_that_looks_first_shows_what_it_found_before_anybody_decides() {
    let mut directory = super::super::world::directory();
    let mut restart = (*directory.actions["restart"]).clone();
    let firebell::core::directory::How::Process(run) = &mut restart.how else {
        panic!("restart is a program")
    };
    run.dry_run = vec!["/bin/echo".to_owned(), "would restart 3".to_owned()];
    restart.approval.dry_run_first = true;
    directory
        .actions
        .insert("restart".to_owned(), std::sync::Arc::new(restart));
    let w = World::with("sqlite::memory:", directory).await;
    w.fire("Down", MAJOR).await;
    let ask = Command::AskRun {
        by: person("ana"),
        run: RunId(1),
        action: w.directory.actions["restart"].clone(),
        args: BTreeMap::new(),
        ask: Ask::default(),
    };
    w.tell(1, ask).await;
    let rehearsed = loop {
        let incident = w.engine.incident(IncidentId(1)).await.unwrap().unwrap();
        if let Some(found) = incident.runs[&RunId(1)].rehearsed.clone() {
            break found;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        rehearsed,
        (Outcome::Succeeded { exit: 0 }, "would restart 3".to_owned())
    );
    let approve = Command::ApproveRun {
        by: person("bo"),
        run: RunId(1),
    };
    w.tell(1, approve).await;
    assert_eq!(ended(&w, 1).await, Outcome::Succeeded { exit: 0 });
    let row = w.engine.store().run(RunId(1)).await.unwrap().unwrap();
    assert_eq!(row.output, "restarted\n");
}

pub(super) async fn ended(w: &World, id: i64) -> Outcome {
    loop {
        let journal = w.journal(id).await;
        let found = journal.iter().rev().find_map(|r| {
            if let Event::RunEnded { outcome, .. } = &r.event {
                Some((r.seq, outcome.clone()))
            } else {
                None
            }
        });
        // It is in the store a moment before readers see it.
        if let Some((seq, outcome)) = found
            && w.incident(id).await.seq >= seq
        {
            return outcome;
        }
        tokio::task::yield_now().await;
    }
}
