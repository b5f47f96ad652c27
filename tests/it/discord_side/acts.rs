//! What people do with commands, and what they are answered.

use super::side::{ROOM, Side};
use crate::discord_world::Signing;

#[tokio::test(flavor = "multi_thread")]
async fn what_concerns_everybody_is_said_aloud_and_its_buttons_are_not() {
    let side = Side::start().await;
    let (world, ana) = (&side.world, side.world.user("ana"));
    side.fires("Down").await;
    let asked = ana.runs(
        "page",
        &[
            ("whom", "bo"),
            ("message", "please look"),
            ("incident", "1"),
        ],
        "general",
    );
    let own = asked.reply().await;
    assert!(own.ephemeral(), "{own:?}");
    let aloud = asked.followup(0).await;
    assert!(!aloud.ephemeral() && aloud.has("bo"), "{aloud:?}");
    assert_eq!(
        aloud.buttons(),
        ["Open"],
        "a link, which anybody may follow"
    );
    let page = world.expect_message(&world.user("bo").dm(), "#1").await;
    assert!(page.has("Down"));
    // A refusal is nobody else's.
    let refused = ana.runs("ack", &[("incident", "99")], "general");
    assert!(refused.reply().await.ephemeral());
    side.rests().await;
    let general = world.messages("general");
    assert_eq!(general.len(), 1, "{general:?}");
    side.only_the_crew_was_rung();
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_asked_for_by_one_and_approved_by_another() {
    let side = Side::start().await;
    let (world, ana, bo) = (&side.world, side.world.user("ana"), side.world.user("bo"));
    side.fires("Down").await;
    world.expect_message(ROOM, "Down is bad").await;
    let restart = [("action", "restart"), ("incident", "1")];
    let asked = ana.runs("run", &restart, "general").reply().await;
    assert!(asked.has("needs 1 approval by somebody else"), "{asked:?}");
    let own = ana.runs("approve", &[], ROOM).reply().await;
    assert!(
        own.has("🚫"),
        "nobody approves what they asked for: {own:?}"
    );
    assert_eq!(side.count(1, "run_released").await, 0);
    let offered = bo.completes("approve", "run", "", ROOM).choices().await;
    assert_eq!(offered.len(), 1, "{offered:?}");
    let told = bo.runs("approve", &[("run", "run-1")], ROOM).reply().await;
    assert!(told.has("was released to start"), "{told:?}");
    side.expect_kind(1, "run_ended").await;
    world.expect_message(ROOM, "restarted").await;
    assert_eq!(side.count(1, "run_started").await, 1);
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_with_arguments_opens_a_form_and_runs_with_what_was_filled_in() {
    let side = Side::start().await;
    let (world, ana) = (&side.world, side.world.user("ana"));
    side.fires("Down").await;
    world.expect_message(ROOM, "Down is bad").await;
    let tail = [("action", "tail"), ("incident", "1")];
    let form = ana.runs("run", &tail, "general").modal().await;
    assert_eq!(form.labels(), ["lines"]);
    let bad = ana.submits(&form, &[("lines", "1000")]).reply().await;
    assert!(bad.has("🚫") && bad.has("lines"), "{bad:?}");
    let form = ana.runs("run", &tail, "general").modal().await;
    let asked = ana.submits(&form, &[("lines", "20")]).reply().await;
    assert!(asked.has("20 lines"), "exactly what will start: {asked:?}");
    let told = ana.runs("approve", &[], ROOM).reply().await;
    assert!(!told.has("🚫"), "{told:?}");
    side.expect_kind(1, "run_ended").await;
    world.expect_message(ROOM, "20 lines").await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_comes_as_a_file_for_the_eyes_of_whoever_asked() {
    let side = Side::start().await;
    let (world, ana) = (&side.world, side.world.user("ana"));
    side.fires("Down").await;
    ana.runs("resolve", &[("incident", "1")], "general")
        .reply()
        .await;
    side.expect_status(1, "resolved").await;
    let told = ana
        .runs("postmortem", &[("incident", "1")], "general")
        .reply()
        .await;
    assert!(told.ephemeral(), "{told:?}");
    let files = told.json()["attachments"].clone();
    assert_eq!(files[0]["filename"], "postmortem-1.md", "{files}");
    let sent = world.calls("PATCH", "/webhooks/**");
    let sent = sent.iter().find(|c| !c.files.is_empty()).unwrap();
    let text = String::from_utf8(sent.files[0].bytes.clone()).unwrap();
    assert!(text.starts_with("# ") && text.contains("Down"), "{text}");
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_told_to_whoever_did_it() {
    let side = Side::start().await;
    side.fires("Down").await;
    side.expect_status(1, "triggered").await;
    let other = side.is_fenced().await;
    let ana = side.world.user("ana");
    let asked = ana.runs("ack", &[("incident", "1")], "general");
    let told = asked.reply().await;
    assert!(
        told.ephemeral() && told.has("cannot store this"),
        "{told:?}"
    );
    assert_eq!(other.open_incidents()[0].status.word(), "triggered");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_http_what_cannot_be_kept_is_answered_503() {
    let side = Side::http().await;
    side.fires("Down").await;
    side.expect_status(1, "triggered").await;
    let ana = side.world.user("ana");
    let first = ana.runs("ack", &[("incident", "1")], "general");
    first.reply().await;
    let mut again = first.payload();
    let _other = side.is_fenced().await;
    again["id"] = (side.world.home() + 12_345).to_string().into();
    let (status, _) = side.world.posts(&again, Signing::Right).await;
    assert_eq!(status, 503);
    let refused = ana.runs("resolve", &[("incident", "1")], "general");
    assert!(refused.refused().await.contains("503"));
}
