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

#[tokio::test]
async fn a_crash_while_an_action_runs_ends_in_unknown_and_says_so_loudly() {
    on_both(async |database| {
        let mut directory = super::super::world::directory();
        let mut slow = (*directory.actions["echo"]).clone();
        slow.how = Action::of_program("echo", &["/bin/sleep", "5"]).how;
        directory
            .actions
            .insert("echo".to_owned(), std::sync::Arc::new(slow));
        let mut w = World::with(&database.url, directory).await;
        w.fire("Down", MAJOR).await;
        let echo = w.directory.actions["echo"].clone();
        w.tell(
            1,
            Command::AskRun {
                by: person("ana"),
                run: RunId(1),
                action: echo,
                args: BTreeMap::new(),
                ask: Ask::default(),
            },
        )
        .await;
        w.tell(
            1,
            Command::ApproveRun {
                by: person("ana"),
                run: RunId(1),
            },
        )
        .await;
        while w.engine.store().run(RunId(1)).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        w.kill_and_restart().await;
        assert!(matches!(ended(&w, 1).await, Outcome::Unknown { .. }));
        w.settle().await;
        for place in ["room-of-1", "#web"] {
            assert!(
                w.platform
                    .lines(place)
                    .iter()
                    .any(|l| l.to_lowercase().contains("unknown")),
                "{place}: {:?}",
                w.platform.lines(place)
            );
        }
    })
    .await;
}

async fn ended(w: &World, id: i64) -> Outcome {
    loop {
        let journal = w.journal(id).await;
        let found = journal.iter().rev().find_map(|r| {
            if let Event::RunEnded { outcome, .. } = &r.event {
                Some(outcome.clone())
            } else {
                None
            }
        });
        if let Some(outcome) = found {
            return outcome;
        }
        tokio::task::yield_now().await;
    }
}
