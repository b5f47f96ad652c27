//! What a run writes, shown in a room while it writes, and the forms about runs.

use super::side::{ROOM, Side};
use firebell::core::directory::{Action, How, ProcessRun};
use firebell::core::id::RunId;
use firebell::core::incident::{Ask, Command, Outcome};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Lines it writes, ten a second.
const LINES: usize = 70;
/// From one edit to the next, with what a busy machine takes.
const PACE: Duration = Duration::from_millis(2900);

impl Side {
    fn knows(&self, actions: Vec<Action>) {
        let mut directory = (*self.engine.directory()).clone();
        for action in actions {
            let action = Arc::new(action);
            directory.actions.insert(action.id.clone(), action);
        }
        self.engine.replace_directory(directory);
    }

    async fn runs_now(&self, run: i64, action: &str) {
        let by = || crate::world::person("ana");
        let ask = Command::AskRun {
            by: by(),
            run: RunId(run),
            action: self.engine.directory().actions[action].clone(),
            args: BTreeMap::new(),
            ask: Ask::default(),
        };
        self.tells(1, ask).await;
        let run = RunId(run);
        self.tells(1, Command::ApproveRun { by: by(), run }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_output_of_a_run_is_one_message_edited_at_the_pace_of_people_to_its_final_state() {
    let side = Side::start().await;
    let text = format!(
        "i=0; while [ $i -lt {LINES} ]; do echo \"line $i\"; i=$((i+1)); /bin/sleep 0.1; done"
    );
    side.knows(vec![Action {
        title: "Chatter".to_owned(),
        ..Action::of_program("chatter", &["/bin/sh", "-c", &text])
    }]);
    side.fires("Down").await;
    side.world.expect_message(ROOM, "Down is bad").await;
    side.runs_now(1, "chatter").await;
    side.expect_kind(1, "run_ended").await;
    let last = format!("line {}", LINES - 1);
    let shown = side.world.expect_message(ROOM, &last).await;
    assert!(shown.has("“Chatter” succeeded (exit code 0)"), "{shown:?}");
    side.rests().await;
    let all = side.world.messages(ROOM);
    let of_run = all.iter().filter(|m| m.has("“Chatter”") && m.has(&last));
    assert_eq!(of_run.count(), 1, "{all:#?}");
    let edits = side.world.calls("PATCH", "/channels/**");
    let id = shown.id().to_string();
    let edits: Vec<_> = edits.iter().filter(|c| c.path.ends_with(&id)).collect();
    assert!(
        (1..=4).contains(&edits.len()),
        "{} edits of seven seconds",
        edits.len()
    );
    for pair in edits[..edits.len() - 1].windows(2) {
        let apart = pair[1].at.duration_since(pair[0].at);
        assert!(apart >= PACE, "{apart:?} between two edits");
    }
    side.world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_and_a_silence_are_buttons_and_an_unknown_outcome_is_settled_in_a_form() {
    let side = Side::start().await;
    let (world, ana) = (&side.world, side.world.user("ana"));
    side.knows(vec![Action {
        title: "Drain".to_owned(),
        how: How::Process(ProcessRun {
            argv: vec!["/bin/sleep".to_owned(), "300".to_owned()],
            dry_run: vec!["/bin/echo".to_owned(), "would drain".to_owned()],
            ..ProcessRun::default()
        }),
        ..Action::of_program("drain", &[])
    }]);
    side.fires("Down").await;
    let card = world.expect_message(ROOM, "Down is bad").await;
    assert!(
        card.buttons().iter().any(|b| b == "Silence"),
        "{:?}",
        card.buttons()
    );
    ana.runs("run", &[("action", "drain"), ("dry-run", "yes")], ROOM)
        .reply()
        .await;
    world.expect_message(ROOM, "would drain").await;
    let looked = side.expect_kind(1, "run_asked").await;
    assert!(looked.contains("dry: true"), "{looked}");
    side.runs_now(70, "drain").await;
    let lost = Command::RunEnded {
        run: RunId(70),
        outcome: Outcome::Unknown {
            why: "the machine went down".to_owned(),
        },
        duration_ms: 0,
        bytes: 0,
        tail: String::new(),
        notes: Vec::new(),
    };
    side.tells(1, lost).await;
    let settle = [
        ("how", "worked"),
        ("run", "run-70"),
        ("note", "the pool is back"),
    ];
    let told = ana.runs("settle", &settle, ROOM).reply().await;
    assert!(told.has("is settled: it worked"), "{told:?}");
    let kept = side.expect_kind(1, "run_settled").await;
    assert!(kept.contains("the pool is back"), "{kept}");
    world.assert_clean();
}
