//! What people do on Slack, and what comes of it.

use super::{Side, quick_world};
use crate::slack_world::View;
use firebell::chat::heard::Voice;

#[tokio::test]
async fn a_command_in_the_room_is_about_its_incident() {
    let side = Side::start().await;
    let room = side.major("HighErrors").await;
    side.world.user("ana").joins(&room);
    let ana = side.world.user("ana");
    ana.types("/firebell ack", &room).await.assert_acked();
    let by = side.until("ana has it", |i| i.acked_by.clone(), 1).await;
    assert_eq!(by.person(), Some("ana"));
    ana.types("/firebell nonsense", &room).await.assert_acked();
    side.world.expect_ephemeral("ana", "nonsense").await;
}

#[tokio::test]
async fn a_mention_and_a_direct_message_are_commands_too() {
    let side = Side::start().await;
    side.fires("Slow", "warning").await;
    let ana = side.world.user("ana");
    side.card("web", "Slow").await;
    ana.joins("web");
    ana.says("web", "@firebell ack #1");
    side.until("ana has it", |i| i.acked_by.clone(), 1).await;
    side.world.expect_ephemeral("ana", "#1").await;
    let direct = ana.direct();
    ana.says(&direct, "resolve #1");
    side.until("it is resolved", |i| i.resolved_at, 1).await;
    side.world.expect_message(&direct, "is resolved").await;
}

#[tokio::test]
async fn an_alias_implies_its_verb() {
    let side = Side::start().await;
    let ana = side.world.user("ana");
    ana.types("/page @bo the till is on fire", "general")
        .await
        .assert_acked();
    side.page("bo", "the till is on fire").await;
    ana.types("/oncall", "general").await.assert_acked();
    side.world.expect_ephemeral("ana", "schedule").await;
}

#[tokio::test]
async fn missing_words_are_asked_for_in_a_form() {
    let side = Side::start().await;
    side.fires("Slow", "warning").await;
    let card = side.card("web", "Slow").await;
    let ana = side.world.user("ana");
    ana.clicks(&card, "Note").await.assert_acked();
    let form = side.world.expect_view("ana", "Note").await;
    let entered = filled(&form, "the cache was cold");
    let sent = ana.submits(&form, &entered).await;
    assert!(sent.errors.is_empty(), "{:?}", sent.errors);
    side.until_told(1, "the cache was cold").await;
    ana.types("/firebell new", "general").await.assert_acked();
    let form = side.world.expect_view("ana", "Declare").await;
    let sent = ana.submits(&form, &[("title", "the till is down")]).await;
    assert!(sent.errors.is_empty(), "{:?}", sent.errors);
    side.until_told(2, "the till is down").await;
}

#[tokio::test]
async fn a_wrong_field_is_named_in_the_form() {
    let side = Side::start().await;
    side.fires("Slow", "warning").await;
    side.card("web", "Slow").await;
    let ana = side.world.user("ana");
    ana.types("/firebell note", "general").await.assert_acked();
    let form = side.world.expect_view("ana", "Note").await;
    let mut entered = filled(&form, "it broke");
    entered.push(("at", "25:99"));
    let sent = ana.submits(&form, &entered).await;
    assert_eq!(sent.errors.len(), 1, "{:?}", sent.errors);
    assert!(sent.view.is_some(), "the form stays open");
}

/// Every field that has to be filled: the incident, the first choice, or these words.
fn filled<'a>(form: &'a View, words: &'a str) -> Vec<(&'a str, &'a str)> {
    let needed = |b: &&serde_json::Value| b["type"] == "input" && b["optional"] == false;
    let entry = |b: &'a serde_json::Value| {
        let first = b["element"]["options"][0]["value"].as_str();
        let name = b["block_id"].as_str().unwrap();
        (
            name,
            first.unwrap_or(if name == "incident" { "1" } else { words }),
        )
    };
    form.blocks().iter().filter(needed).map(entry).collect()
}

#[tokio::test]
async fn what_is_said_in_a_room_is_on_the_timeline_with_its_changes() {
    let side = Side::start().await;
    let room = side.major("HighErrors").await;
    let ana = side.world.user("ana");
    ana.joins(&room);
    let first = ana.says(&room, "I look at a < b & c");
    side.until_told(1, "I look at a < b & c").await;
    ana.answers(&first, "in a thread");
    side.until_told(1, "in a thread").await;
    ana.edits(&first, "I looked");
    side.until_told(1, "I looked").await;
    ana.deletes(&first);
    side.until_told(1, "\"unsaid\"").await;
    let story = side.story(1).await;
    // What firebell itself says is not heard.
    let spoke = story.iter().filter(|e| e.contains("\"spoke\""));
    assert_eq!(spoke.count(), 2, "{story:#?}");
}

#[tokio::test]
async fn pins_reactions_and_the_shortcut_put_a_message_on_the_timeline() {
    let side = Side::start().await;
    let room = side.major("HighErrors").await;
    let (ana, bo) = (side.world.user("ana"), side.world.user("bo"));
    ana.joins(&room);
    bo.joins(&room);
    let one = bo.says(&room, "deploy 17 went out");
    ana.pins(&one);
    side.until_told(1, "\"deploy 17 went out\",\"author\"")
        .await;
    let two = bo.says(&room, "rolled it back");
    ana.reacts(&two, "pushpin");
    side.until_told(1, "\"rolled it back\",\"author\"").await;
    let three = bo.says(&room, "errors are gone");
    let shortcut = ana.uses_shortcut("add_to_timeline", &three).await;
    shortcut.assert_acked();
    let told = side.until_told(1, "\"errors are gone\",\"author\"").await;
    assert!(told.contains("\"bo\""), "{told}");
    assert!(told.contains("added by shortcut"), "{told}");
    // The same message again is the same entry.
    ana.pins(&two);
    ana.reacts(&three, "eyes");
    let four = bo.says(&room, "all calm");
    ana.pins(&four);
    side.until_told(1, "\"all calm\",\"author\"").await;
    let kept = side.story(1).await;
    assert_eq!(
        kept.iter().filter(|e| e.contains("\"kept\"")).count(),
        4,
        "{kept:#?}"
    );
}

#[tokio::test]
async fn a_guest_looks_and_does_not_act_and_a_stranger_may_acknowledge() {
    let side = Side::start().await;
    side.fires("Slow", "warning").await;
    let card = side.card("web", "Slow").await;
    let guest = side.world.adds_user("gil", |u| u.is_restricted = true);
    guest.clicks(&card, "Acknowledge").await.assert_acked();
    side.world.expect_ephemeral("gil", "a guest").await;
    assert!(
        side.until("it is there", |i| Some(i.acked_by.is_none()), 1)
            .await
    );
    let cy = side.world.user("cy");
    cy.clicks(&card, "Acknowledge").await.assert_acked();
    let by = side.until("cy has it", |i| i.acked_by.clone(), 1).await;
    assert_eq!((by.person(), by.name()), (None, "cy"));
}

#[tokio::test]
async fn nobody_acts_in_a_channel_that_is_shared_with_others() {
    let side = Side::start().await;
    side.fires("Slow", "warning").await;
    let card = side.card("web", "Slow").await;
    side.world.user("ana").shares("web");
    side.world
        .user("ana")
        .clicks(&card, "Acknowledge")
        .await
        .assert_acked();
    side.world.expect_ephemeral("ana", "shared").await;
    assert!(
        side.until("it is there", |i| Some(i.acked_by.is_none()), 1)
            .await
    );
}

#[tokio::test]
async fn the_same_act_again_has_one_effect() {
    let world = quick_world().await;
    world.tune(|t| t.duplicate_events = true);
    let side = Side::with(world, |_| {}).await;
    let room = side.major("HighErrors").await;
    let ana = side.world.user("ana");
    ana.joins(&room);
    ana.says(&room, "only once");
    ana.types("/firebell note a note", &room)
        .await
        .assert_acked();
    side.until_told(1, "only once").await;
    side.until_told(1, "a note").await;
    for kind in ["slash_commands", "events_api"] {
        let what = format!("one of {kind}");
        let sent = side.world.expect_sent(&what, |s| s.kind == kind).await;
        assert!(side.world.replays(&sent).await.acked);
    }
    ana.says(&room, "the end");
    side.until_told(1, "the end").await;
    let story = side.story(1).await;
    let times = |text: &str| story.iter().filter(|e| e.contains(text)).count();
    assert_eq!((times("only once"), times("a note")), (1, 1), "{story:#?}");
}

#[tokio::test]
async fn the_home_tab_tells_what_is_mine() {
    let side = Side::start().await;
    side.fires("Slow", "warning").await;
    side.page("ana", "Slow").await;
    side.world.user("ana").opens_home();
    let home = side.world.expect_home("ana", "You are ana here").await;
    assert!(home.words().contains("Slow is bad"), "{}", home.words());
}

#[tokio::test]
async fn a_postmortem_comes_as_a_file_or_without_the_scope_as_a_link() {
    let side = Side::start().await;
    side.fires("Slow", "warning").await;
    side.card("web", "Slow").await;
    let ana = side.world.user("ana");
    ana.types("/firebell resolve 1", "web").await.assert_acked();
    side.until("it is resolved", |i| i.resolved_at, 1).await;
    ana.types("/firebell postmortem 1", "web")
        .await
        .assert_acked();
    side.world.expect_ephemeral("ana", "postmortem-1.md").await;
    let file = side.world.file("postmortem-1.md").expect("the file");
    assert!(String::from_utf8(file).unwrap().contains("Slow is bad"));
    let all: Vec<&str> = firebell::platform::slack::scopes::SCOPES
        .iter()
        .map(|s| s.name)
        .filter(|s| *s != "files:write")
        .collect();
    side.world.grants(&all);
    ana.types("/firebell postmortem #1", "general")
        .await
        .assert_acked();
    side.world.expect_ephemeral("ana", "files:write").await;
}

#[tokio::test]
async fn whose_message_it_was_can_be_asked() {
    let side = Side::start().await;
    let bo = side.world.user("bo");
    let room = bo.creates_channel("ops");
    bo.invites("firebell", &room);
    let first = bo.says(&room, "one");
    let reply = bo.answers(&first, "two");
    for (message, words) in [(&first, "one"), (&reply, "two")] {
        let (user, text) = side
            .slack
            .message(&room, &message.ts)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((user.name.as_str(), text.as_str()), ("bo", words));
    }
    bo.deletes(&reply);
    assert_eq!(side.slack.message(&room, &reply.ts).await.unwrap(), None);
}
