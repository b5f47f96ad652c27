//! Rooms, cards, lines and pages as people see them.

use super::{Side, quick_world, settings};
use crate::slack_world::{Fault, Trouble};
use firebell::chat::{Chat, Line, RoomRef};
use firebell::core::id::{Actor, IncidentId};

#[tokio::test]
async fn a_major_incident_gets_a_furnished_room_a_card_in_the_channel_and_a_page() {
    let side = Side::start().await;
    let room = side.major("HighErrors").await;
    let world = &side.world;
    let channel = world
        .expect_channel("inc-1-checkout-higherrors-higherrors-is-bad")
        .await;
    assert_eq!(channel.id, room);
    let card = side.card(&room, "HighErrors is bad").await;
    let furnished = |s: &crate::slack_world::Channel| {
        s.pins.contains(&card.ts) && !s.bookmarks.is_empty() && !s.topic.is_empty()
    };
    let what = "pin, bookmark and topic";
    side.channel_where(&room, what, furnished).await;
    let channel = world.channel_named(&room);
    assert!(channel.purpose.contains("http://firebell.test/incidents/1"));
    assert!(
        channel.topic.starts_with("sev1 · triggered"),
        "{}",
        channel.topic
    );
    assert_eq!(
        channel.bookmarks[0].link,
        "http://firebell.test/incidents/1"
    );
    let ana = world.user("ana").id().to_owned();
    side.channel_where(&room, "ana is in it", |c| c.members.contains(&ana))
        .await;
    side.card("web", "HighErrors is bad").await;
    let page = side.page("ana", "HighErrors is bad").await;
    assert!(
        page.text.starts_with("sev1 #1 [checkout] "),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn a_card_is_updated_in_place_and_its_buttons_work() {
    let side = Side::start().await;
    side.fires("Slow", "warning").await;
    let ana = side.world.user("ana");
    let card = side.card("web", "Slow is bad").await;
    assert!(card.text.contains("triggered"), "{}", card.text);
    ana.clicks(&card, "Acknowledge").await.assert_acked();
    side.until_told(1, "acknowledged").await;
    let what = "the same card, acknowledged";
    let now = side
        .world
        .expect_message_where("web", what, |m| m.text.contains("acknowledged"))
        .await;
    assert_eq!(now.ts, card.ts);
    let cards = side.world.messages("web");
    let cards = cards.iter().filter(|m| m.words().contains("Slow is bad"));
    assert_eq!(cards.filter(|m| m.blocks[0]["type"] == "header").count(), 1);
    ana.clicks(&now, "Resolve").await.assert_acked();
    side.until("it is resolved", |i| i.resolved_at, 1).await;
}

#[tokio::test]
async fn a_page_is_acknowledged_by_its_button_and_the_ladder_stops() {
    let side = Side::start().await;
    side.fires("Slow", "warning").await;
    let page = side.page("ana", "Slow is bad").await;
    side.world
        .user("ana")
        .clicks(&page, "Acknowledge")
        .await
        .assert_acked();
    let by = side.until("ana has it", |i| i.acked_by.clone(), 1).await;
    assert_eq!(by.person(), Some("ana"));
    side.world.expect_ephemeral("ana", "#1").await;
}

#[tokio::test]
async fn a_name_that_is_taken_is_numbered_and_a_room_of_an_earlier_try_is_found() {
    let world = quick_world().await;
    world
        .user("bo")
        .creates_channel("inc-1-checkout-higherrors-higherrors-is-bad");
    world.meets(
        Fault::on("conversations.create")
            .is(Trouble::DoThenDrop)
            .times(2),
    );
    let side = Side::with(world, |_| {}).await;
    let room = side.major("HighErrors").await;
    let rooms = side.world.channels();
    let ours: Vec<&str> = (rooms.iter().filter(|c| c.name.starts_with("inc-1-")))
        .map(|c| c.name.as_str())
        .collect();
    let plain = "inc-1-checkout-higherrors-higherrors-is-bad";
    assert_eq!(ours, [plain, &format!("{plain}-2")]);
    assert_eq!(side.world.channel_named(&room).name, format!("{plain}-2"));
}

#[tokio::test]
async fn an_archived_room_is_made_anew() {
    let side = Side::start().await;
    let room = side.major("HighErrors").await;
    side.card(&room, "HighErrors").await;
    side.world.user("ana").archives(&room);
    side.world
        .user("ana")
        .types("/firebell note #1 still here", "general")
        .await
        .assert_acked();
    let other = side
        .until(
            "another room is open",
            |i| i.rooms.get("slack").filter(|r| **r != room).cloned(),
            1,
        )
        .await;
    side.card(&other, "HighErrors").await;
    side.world.expect_message(&other, "still here").await;
}

#[tokio::test]
async fn what_a_sender_wrote_mentions_nobody_and_links_nowhere() {
    let side = Side::start().await;
    let hostile = "<!channel> <@U1> <https://x.example|click> *b* &";
    let room = side.major(hostile).await;
    side.card(&room, "<!channel>").await;
    side.page("ana", "<!channel>").await;
    for call in side.world.calls("chat.postMessage") {
        let text = call.args["text"].as_str().unwrap();
        assert!(!text.contains('<') && !text.contains('>'), "{text}");
        for name in ["unfurl_links", "unfurl_media"] {
            assert_eq!(call.args[name], false);
        }
        assert!(call.args.keys().all(|k| k != "link_names" && k != "parse"));
        let blocks = call.args["blocks"].to_string();
        for part in blocks.split("\"type\":\"mrkdwn\"").skip(1) {
            assert!(!part.split('}').next().unwrap().contains("<!"), "{part}");
        }
    }
}

#[tokio::test]
async fn a_line_is_posted_once_though_its_answer_was_lost() {
    let side = Side::start().await;
    let room = side.world.user("ana").creates_channel("ops");
    side.world.user("ana").invites("firebell", &room);
    let line = Line {
        key: "1:2:0".to_owned(),
        incident: IncidentId(1),
        seq: 2,
        by: Actor::Firebell,
        text: "it happened".to_owned(),
        run: None,
        seen: String::new(),
    };
    let place = RoomRef::Room(room.clone());
    for trouble in [
        Trouble::DoThenDrop,
        Trouble::DoThenHang,
        Trouble::Status(503),
        Trouble::Drop,
    ] {
        let fault = Fault::on("chat.postMessage").is(trouble.clone()).times(1);
        side.world.meets(fault);
        let key = format!("{trouble:?}");
        let line = Line {
            key,
            ..line.clone()
        };
        let first = side.slack.say(&place, &line, false).await.unwrap_err();
        assert_eq!(first.retry, firebell::chat::Retry::Backoff, "{trouble:?}");
        let ts = side.slack.say(&place, &line, true).await.unwrap();
        assert_eq!(side.slack.say(&place, &line, true).await.unwrap(), ts);
    }
    let said = side.world.messages(&room);
    let said = said.iter().filter(|m| m.words().contains("it happened"));
    assert_eq!(said.count(), 4);
}

#[tokio::test]
async fn a_card_that_is_gone_is_posted_anew_and_one_that_cannot_be_drawn_is_told_in_plain_text() {
    let side = Side::start().await;
    side.fires("Slow", "warning").await;
    let card = side.card("web", "Slow is bad").await;
    let fault = Trouble::Error("message_not_found".to_owned());
    side.world
        .meets(Fault::on("chat.update").is(fault).times(1));
    let fault = Trouble::Error("invalid_blocks".to_owned());
    side.world
        .meets(Fault::on("chat.postMessage").is(fault).times(1));
    side.world
        .user("ana")
        .types("/firebell ack 1", "web")
        .await
        .assert_acked();
    let plain = side
        .world
        .expect_message_where("web", "the card in words", |m| {
            m.ts != card.ts && m.blocks.is_empty() && m.text.contains("acknowledged")
        })
        .await;
    assert!(plain.text.contains("Slow is bad"), "{}", plain.text);
}

#[tokio::test]
async fn private_rooms_are_private_and_a_channel_that_is_missing_is_made() {
    let side = Side::with(quick_world().await, |s| s.place.private_rooms = true).await;
    let room = side.major("HighErrors").await;
    let kind = side.world.channel_named(&room).kind;
    assert_eq!(format!("{kind:?}"), "Private");
    let web = side.world.expect_channel("web").await;
    assert_eq!(web.creator, side.world.bot_user());
    assert_eq!(settings(&side.world).place.channel, "incidents");
}

impl Side {
    /// Waits until something holds of a channel.
    pub async fn channel_where(
        &self,
        id: &str,
        what: &str,
        fits: impl Fn(&crate::slack_world::Channel) -> bool,
    ) {
        self.world
            .expect(what, super::PATIENCE, |s| {
                s.channel(id).filter(|c| fits(c)).map(|_| ())
            })
            .await;
    }
}
