//! What a run writes, shown in a room while it writes: one message, edited at the pace of people, and forms
//! about runs.

use super::Side;
use firebell::core::directory::{Action, How, ProcessRun};
use firebell::core::id::{Actor, IncidentId, RunId};
use firebell::core::incident::{Ask, Command, Outcome};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Lines it writes, ten a second.
const LINES: usize = 70;
/// From one edit to the next, microseconds, with what a clock may be off.
const PACE_MICROS: u64 = 2_900_000;

fn person(id: &str) -> Actor {
    crate::world::person(id)
}

impl Side {
    /// With an action that writes line by line, one that does not end, and one with a dry run and a check.
    fn knows_runs(&self) {
        let mut directory = (*self.engine.directory()).clone();
        let text = format!(
            "i=0; while [ $i -lt {LINES} ]; do echo \"line $i\"; i=$((i+1)); /bin/sleep 0.1; done"
        );
        let chatter = Action {
            title: "Chatter".to_owned(),
            ..Action::of_program("chatter", &["/bin/sh", "-c", &text])
        };
        let drain = Action {
            title: "Drain".to_owned(),
            check: Some("pool".to_owned()),
            how: How::Process(ProcessRun {
                argv: vec!["/bin/sleep".to_owned(), "300".to_owned()],
                dry_run: vec!["/bin/echo".to_owned(), "would drain".to_owned()],
                ..ProcessRun::default()
            }),
            ..Action::of_program("drain", &[])
        };
        let pool = Action {
            title: "Show the pool".to_owned(),
            ..Action::of_program("pool", &["/bin/echo", "web-1 is out"])
        };
        for action in [chatter, drain, pool] {
            let action = Arc::new(action);
            directory.actions.insert(action.id.clone(), action);
        }
        self.engine.replace_directory(directory);
    }

    async fn tells(&self, cause: &str, command: Command) {
        let done = self.engine.submit(cause, IncidentId(1), command).await;
        done.unwrap_or_else(|e| panic!("{cause}: {e}"));
    }

    async fn runs(&self, run: i64, action: &str) {
        let action = self.engine.directory().actions[action].clone();
        let ask = Command::AskRun {
            by: person("ana"),
            run: RunId(run),
            action,
            args: BTreeMap::new(),
            ask: Ask::default(),
        };
        self.tells(&format!("ask:{run}"), ask).await;
        let yes = Command::ApproveRun {
            by: person("ana"),
            run: RunId(run),
        };
        self.tells(&format!("yes:{run}"), yes).await;
    }
}

#[tokio::test]
async fn the_output_of_a_run_is_one_message_edited_at_the_pace_of_people_to_its_final_state() {
    let side = Side::start().await;
    side.knows_runs();
    let room = side.major("HighErrors").await;
    side.card(&room, "HighErrors").await;
    side.runs(1, "chatter").await;
    let last = format!("line {}", LINES - 1);
    let what = "the final state of the output";
    let fits = |m: &crate::slack_world::Message| {
        let words = m.words();
        words.contains("“Chatter” succeeded (exit code 0)") && words.contains(&last)
    };
    let shown = side.world.expect_message_where(&room, what, fits).await;
    assert!(
        !shown.words().contains("line 2\n"),
        "only the last lines: {}",
        shown.words()
    );
    // One message, however much it wrote.
    let all = side.world.messages(&room);
    let of_run = all
        .iter()
        .filter(|m| m.words().contains("“Chatter”") && m.words().contains(&last));
    assert_eq!(of_run.count(), 1, "{all:#?}");
    let edits = side.world.calls("chat.update");
    let edits: Vec<_> = edits
        .iter()
        .filter(|c| c.args["ts"] == shown.ts.as_str())
        .collect();
    assert!(
        (1..=4).contains(&edits.len()),
        "{} edits of seven seconds",
        edits.len()
    );
    // Each at its time, but for the last, which is owed as soon as it is over.
    for pair in edits[..edits.len() - 1].windows(2) {
        let apart = pair[1].at_micros - pair[0].at_micros;
        assert!(apart >= PACE_MICROS, "{apart} µs between two edits");
    }
}

#[tokio::test]
async fn a_dry_run_is_a_button_beside_run_and_its_output_comes_to_the_room() {
    let side = Side::start().await;
    side.knows_runs();
    let room = side.major("HighErrors").await;
    let card = side.card(&room, "HighErrors").await;
    let ana = side.world.user("ana");
    ana.joins(&room);
    ana.clicks(&card, "Dry run: Drain").await.assert_acked();
    side.world
        .expect_message(&room, "asked for a dry run")
        .await;
    let shown = side.world.expect_message(&room, "would drain").await;
    assert!(
        shown.words().contains("Drain (dry run)"),
        "{}",
        shown.words()
    );
    side.until_told(1, "\"run_ended\"").await;
}

#[tokio::test]
async fn an_unknown_outcome_is_checked_by_a_button_and_settled_in_a_form_with_a_note() {
    let side = Side::start().await;
    side.knows_runs();
    let room = side.major("HighErrors").await;
    side.card(&room, "HighErrors").await;
    side.runs(7, "drain").await;
    let lost = Command::RunEnded {
        run: RunId(7),
        outcome: Outcome::Unknown {
            why: "the machine went down".to_owned(),
        },
        duration_ms: 0,
        bytes: 0,
        tail: String::new(),
        notes: Vec::new(),
    };
    side.tells("lost", lost).await;
    let ana = side.world.user("ana");
    ana.joins(&room);
    let card = |text: &'static str| {
        let fits = move |m: &crate::slack_world::Message| {
            m.blocks.iter().any(|b| b["type"] == "header") && m.words().contains(text)
        };
        side.world.expect_message_where(&room, text, fits)
    };
    let unknown = card("OUTCOME UNKNOWN").await;
    ana.clicks(&unknown, "run-7: Show the pool")
        .await
        .assert_acked();
    let looked = card("web-1 is out").await;
    ana.clicks(&looked, "run-7: it worked").await.assert_acked();
    let form = side.world.expect_view("ana", "run-7: it worked").await;
    let words = serde_json::to_string(form.blocks()).unwrap();
    assert!(
        words.contains("web-1 is out"),
        "what the check saw stands above it: {words}"
    );
    let sent = ana
        .submits(&form, &[("note", "it is out of the pool")])
        .await;
    assert!(sent.errors.is_empty(), "{:?}", sent.errors);
    let told = side.until_told(1, "\"run_settled\"").await;
    assert!(
        told.contains("it is out of the pool") && told.contains("\"good\":true"),
        "{told}"
    );
}

#[tokio::test]
async fn alerts_are_held_back_from_the_card_in_a_form_that_proposes_what_they_have_in_common() {
    let side = Side::start().await;
    let room = side.major("HighErrors").await;
    let card = side.card(&room, "HighErrors").await;
    let ana = side.world.user("ana");
    ana.joins(&room);
    ana.clicks(&card, "Silence").await.assert_acked();
    let form = side.world.expect_view("ana", "Silence #1").await;
    let words = serde_json::to_string(form.blocks()).unwrap();
    assert!(
        words.contains("alertname=") && words.contains("HighErrors"),
        "{words}"
    );
    let sent = ana.submits(
        &form,
        &[
            ("what", "alertname=\"HighErrors\""),
            ("duration", "2h"),
            ("comment", "deploy"),
        ],
    );
    let sent = sent.await;
    assert!(sent.errors.is_empty(), "{:?}", sent.errors);
    side.until_told(1, "\"muted\"").await;
}
