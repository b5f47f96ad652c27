//! Stories of the Discord adapter: a real engine on SQLite, the real adapter and ear, and the
//! stand-in of Discord on the other side.

mod acts;
mod declare;
mod lines;
mod live;
mod side;
mod signed;

use crate::discord_world::Fault;
use crate::world::{alert, person};
use firebell::chat::Chat;
use firebell::core::alert::AlertKind;
use firebell::core::time::Time;
use serde_json::json;
use side::{ROOM, Side};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_major_incident_gets_a_room_with_everything_in_it_and_ends_by_button() {
    let side = Side::start().await;
    let (world, ana) = (&side.world, side.world.user("ana"));
    side.fires("Down").await;

    let room = world.expect_channel(ROOM).await;
    let category = world.expect_channel("Incidents").await;
    assert_eq!(room["parent_id"], category["id"]);
    assert!(
        room["topic"]
            .as_str()
            .unwrap()
            .ends_with("https://firebell.test/incidents/1 fb:1"),
        "{room}"
    );
    let card = world
        .expect_message_where(ROOM, "a pinned card", |m| {
            m.has("Down is bad") && m.pinned()
        })
        .await;
    assert!(card.has("sev1 #1 triggered"));
    world
        .expect_message_where(ROOM, "pinned links", |m| m.has("links:1") && m.pinned())
        .await;
    world.expect_message("web", "Down is bad").await;
    let page = world.expect_message(&ana.dm(), "#1").await;
    assert!(
        page.text()
            .starts_with("sev1 #1 [checkout] Down: Down is bad"),
        "{}",
        page.text()
    );
    side.only_the_crew_was_rung();

    let told = ana.clicks(&page, "Acknowledge").followup(0).await;
    assert!(told.ephemeral(), "{told:?}");
    side.expect_status(1, "acknowledged").await;
    let card = world
        .expect_message_where(ROOM, "an acknowledged card", |m| {
            m.id() == card.id() && m.has("acknowledged")
        })
        .await;
    ana.clicks(&card, "Resolve").followup(0).await;
    side.expect_status(1, "resolved").await;
    world
        .expect_message_where(ROOM, "a resolved card", |m| {
            m.id() == card.id() && m.has("resolved")
        })
        .await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_complete_ask_and_answer() {
    let side = Side::start().await;
    let (world, ana) = (&side.world, side.world.user("ana"));
    side.fires("Down").await;
    let card = world
        .expect_message_where(ROOM, "a pinned card", |m| {
            m.has("Down is bad") && m.pinned()
        })
        .await;

    let offered = ana
        .completes("run", "action", "res", "general")
        .choices()
        .await;
    assert_eq!(offered[0].1, "restart");
    let offered = ana
        .completes("ack", "incident", "1", "general")
        .choices()
        .await;
    assert_eq!(offered[0].1, "1");
    let told = ana
        .runs("ack", &[("incident", "1")], "general")
        .reply()
        .await;
    assert!(told.ephemeral(), "{told:?}");
    side.expect_status(1, "acknowledged").await;
    let no = ana
        .runs("ack", &[("incident", "99")], "general")
        .reply()
        .await;
    assert!(no.ephemeral() && no.has("🚫"), "{no:?}");
    let line = ana.runs("oncall", &[], "general").reply().await;
    assert!(line.ephemeral());

    let form = ana.clicks(&card, "Note").modal().await;
    let label = form.labels().into_iter().find(|l| l == "Text").unwrap();
    let told = ana
        .submits(&form, &[(label.as_str(), "deploy rolled back")])
        .reply()
        .await;
    assert!(told.ephemeral() && !told.has("🚫"), "{told:?}");
    side.expect_kind(1, "noted").await;
    let by_room = ana
        .runs("note", &[("text", "it was the cache")], ROOM)
        .reply()
        .await;
    assert!(by_room.ephemeral());
    side.expect_kinds(1, "noted", 2).await;

    // A line by hand in the conversation with the bot.
    ana.says(&ana.dm(), "resolve #1");
    side.expect_status(1, "resolved").await;
    world.expect_message(&ana.dm(), "is resolved").await;
    side.only_the_crew_was_rung();
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_in_a_room_is_on_the_timeline() {
    let side = Side::start().await;
    let (world, ana, bo) = (&side.world, side.world.user("ana"), side.world.user("bo"));
    side.fires("Down").await;
    world
        .expect_message_where(ROOM, "pinned links", |m| m.has("links:1") && m.pinned())
        .await;
    bo.says("general", "not about it");
    let said = bo.says(ROOM, &format!("<@{}> it is the cache", ana.id()));
    let spoke = side.expect_kind(1, "spoke").await;
    assert!(spoke.contains("@Ana it is the cache"), "{spoke}");
    bo.edits(&said, "it is the database");
    assert!(
        side.expect_kind(1, "reworded")
            .await
            .contains("it is the database")
    );
    bo.reacts(&said, "📌");
    assert!(
        side.expect_kind(1, "kept")
            .await
            .contains("marked with :pushpin:")
    );
    let other = ana.says(ROOM, "rolled back");
    ana.pins(&other);
    side.expect_kinds(1, "kept", 2).await;
    let menu = ana.uses_menu("Add to timeline", &bo.says(ROOM, "errors are gone"));
    menu.reply().await;
    side.expect_kinds(1, "kept", 3).await;
    bo.deletes(&said);
    side.expect_kind(1, "unsaid").await;
    side.expect_kinds(1, "spoke", 3).await;
    side.rests().await;
    let counts = (side.count(1, "spoke").await, side.count(1, "unsaid").await);
    assert_eq!(counts, (3, 1));
    side.only_the_crew_was_rung();
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_people_of_the_server_may_act() {
    let side = Side::start().await;
    let (world, cy) = (&side.world, side.world.user("cy"));
    side.fires("Down").await;
    // Nobody the directory knows may still take it.
    cy.runs("ack", &[("incident", "1")], "general")
        .reply()
        .await;
    side.expect_status(1, "acknowledged").await;
    let stranger = world.stranger("mallory");
    let dm = stranger.dm();
    stranger.says(&dm, "resolve #1");
    // Discord itself does not deliver the answer to somebody who shares no server.
    let told = world
        .expect_calls("POST", &format!("/channels/{dm}/messages"), 1)
        .await;
    let told = told[0].body.to_string();
    assert!(told.contains("not a member of the server"), "{told}");
    assert!(!told.contains("workspace"), "Slack's word: {told}");
    let elsewhere = world.guild("Elsewhere");
    cy.joins(elsewhere);
    assert_eq!(side.status(1).await, "acknowledged");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_an_alert_ring_and_link_nothing() {
    let side = Side::start().await;
    let world = &side.world;
    side.fires("@everyone <@&1> [click](https://evil.test) ```")
        .await;
    let room = world
        .expect("the room", |w| {
            w.channels(w.home())
                .into_iter()
                .find(|n| n.starts_with("inc-1-"))
        })
        .await;
    world
        .expect_message_where(&room, "a pinned card", |m| m.has("is bad") && m.pinned())
        .await;
    world.expect_message("web", "everyone").await;
    side.only_the_crew_was_rung();
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn done_and_dropped_neither_loses_nor_doubles() {
    let side = Side::start().await;
    let (world, bo) = (&side.world, side.world.user("bo"));
    world.breaks("POST /channels/*/messages", Fault::DoneAndDropped, Some(2));
    world.breaks("POST /guilds/*/channels", Fault::DoneAndDropped, Some(2));
    side.fires("Down").await;
    world
        .expect_message_where(ROOM, "pinned links", |m| m.has("links:1") && m.pinned())
        .await;
    let rooms = world.channels(world.home());
    assert_eq!(
        rooms.iter().filter(|n| n.starts_with("inc-1")).count(),
        1,
        "{rooms:?}"
    );
    assert_eq!(
        rooms.iter().filter(|n| *n == "Incidents").count(),
        1,
        "{rooms:?}"
    );
    world.breaks("POST /channels/*/messages", Fault::DoneAndDropped, Some(1));
    side.tells(
        1,
        firebell::core::incident::Command::Acknowledge { by: person("bo") },
    )
    .await;
    bo.says(ROOM, "on it");
    world.expect_message(ROOM, "acknowledged").await;
    side.rests().await;
    let lines = world
        .messages(ROOM)
        .into_iter()
        .filter(|m| {
            m.json()["content"]
                .as_str()
                .unwrap()
                .contains("acknowledged it")
        })
        .count();
    let cards = world
        .messages(ROOM)
        .into_iter()
        .filter(|m| m.has("card:1"))
        .count();
    assert!(lines <= 1 && cards == 1, "{lines} {cards}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_kept_to_the_millisecond_and_stops_no_other_channel() {
    let side = Side::start().await;
    let world = &side.world;
    side.fires("Down").await;
    world
        .expect_message_where(ROOM, "pinned links", |m| m.has("links:1") && m.pinned())
        .await;
    let room = world.room_id(ROOM);
    let route = format!("POST /channels/{room}/messages");
    let before = world
        .calls("POST", &format!("/channels/{room}/messages"))
        .len();
    world.breaks(&route, Fault::shared_limit(1.5), Some(1));
    side.tells(
        1,
        firebell::core::incident::Command::Note {
            by: person("bo"),
            text: "first".to_owned(),
            happened_at: None,
        },
    )
    .await;
    let calls = world
        .expect_calls("POST", &format!("/channels/{room}/messages"), before + 2)
        .await;
    let (refused, again) = (&calls[before], &calls[before + 1]);
    assert_eq!(refused.status, 429);
    assert!(
        again.at - refused.at >= Duration::from_millis(1500),
        "{:?}",
        again.at - refused.at
    );

    world.breaks(&route, Fault::Hang, None);
    side.tells(
        1,
        firebell::core::incident::Command::Note {
            by: person("bo"),
            text: "second".to_owned(),
            happened_at: None,
        },
    )
    .await;
    side.discord
        .page("bo", &[side.page(1).await])
        .await
        .unwrap();
    world.expect_message(&world.user("bo").dm(), "#1").await;
    world.mends();
    world.expect_message(ROOM, "second").await;
    side.rests().await;
    let seconds = world
        .messages(ROOM)
        .into_iter()
        .filter(|m| m.has("second"))
        .count();
    assert_eq!(seconds, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_room_is_made_anew() {
    let side = Side::start().await;
    let world = &side.world;
    side.fires("Down").await;
    world
        .expect_message_where(ROOM, "pinned links", |m| m.has("links:1") && m.pinned())
        .await;
    let first = world.room_id(ROOM);
    world.removes_channel(ROOM);
    world
        .expect("another room", |w| {
            w.channel_named(ROOM).filter(|c| c["id"] != first)
        })
        .await;
    world
        .expect_message_where(ROOM, "a pinned card", |m| {
            m.has("Down is bad") && m.pinned()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_takes_no_messages_is_told_of_with_the_fix() {
    let side = Side::start().await;
    let (world, ana) = (&side.world, side.world.user("ana"));
    ana.closes_dms();
    side.fires("Down").await;
    let why = side.expect_kind(1, "page_failed").await;
    assert!(why.contains("allow direct messages"), "{why}");
    assert!(world.expect_message(ROOM, "Down is bad").await.has("sev1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_said_and_not_tried_again() {
    let side = Side::start().await;
    let world = &side.world;
    world.revokes_token();
    side.fires("Down").await;
    side.expect_trouble("token").await;
    side.rests().await;
    assert!(
        world.invalid_requests() < 10,
        "{}",
        world.invalid_requests()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_was_thrown_out_says_so() {
    let side = Side::start().await;
    let (world, home) = (&side.world, side.world.home());
    world.kicks_bot(home);
    side.expect_trouble("is not in the Discord server").await;
    // News that was overtaken is not believed.
    let path = format!("/guilds/{home}");
    let asked = world.calls("GET", &path).len();
    world.tells_guild_late(home);
    world.expect_calls("GET", &path, asked + 1).await;
    side.rests().await;
    side.expect_trouble("is not in the Discord server").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_permissions_are_named_with_what_they_cost() {
    let side = Side::with(|world, _| world.bot_loses(1 << 51)).await;
    side.expect("a missing permission", |s| {
        s.link().missing.iter().any(|m| m.contains("Pin Messages"))
    })
    .await;
    side.world.bot_loses(1 << 4);
    side.expect("another one", |s| {
        s.link()
            .missing
            .iter()
            .any(|m| m.contains("Manage Channels"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_lose_the_connection_is_survived() {
    let side = Side::start().await;
    let (world, bo) = (&side.world, side.world.user("bo"));
    side.fires("Down").await;
    world
        .expect_message_where(ROOM, "pinned links", |m| m.has("links:1") && m.pinned())
        .await;
    let ways: [fn(&crate::discord_world::DiscordWorld); 5] = [
        |w| w.drops_connection(),
        |w| w.closes(4000),
        |w| w.asks_reconnect(),
        |w| w.interrupts_session(),
        |w| w.ends_session(),
    ];
    for (n, way) in ways.into_iter().enumerate() {
        way(world);
        // Written while nobody listens.
        bo.says(ROOM, &format!("word {n}"));
        world
            .expect_within(Duration::from_secs(20), "the bot back", |w| {
                (w.connected() > 0).then_some(())
            })
            .await;
        side.expect_kinds_within(1, "spoke", n + 1, Duration::from_secs(20))
            .await;
    }
    let told = bo
        .runs("ack", &[("incident", "1")], "general")
        .reply()
        .await;
    assert!(told.ephemeral());
    assert_eq!(side.count(1, "spoke").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_told_twice_count_once() {
    let side = Side::start().await;
    let (world, bo) = (&side.world, side.world.user("bo"));
    side.fires("Down").await;
    world
        .expect_message_where(ROOM, "pinned links", |m| m.has("links:1") && m.pinned())
        .await;
    for name in [
        "MESSAGE_CREATE",
        "MESSAGE_REACTION_ADD",
        "INTERACTION_CREATE",
    ] {
        world.doubles(name);
    }
    let said = bo.says(ROOM, "once");
    bo.reacts(&said, "📌");
    bo.runs("note", &[("text", "again")], ROOM).reply().await;
    side.expect_kind(1, "noted").await;
    side.expect_kind(1, "kept").await;
    side.rests().await;
    assert_eq!(
        (
            side.count(1, "spoke").await,
            side.count(1, "noted").await,
            side.count(1, "kept").await
        ),
        (1, 1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_from_the_gateway_harms_nothing() {
    let side = Side::start().await;
    let world = &side.world;
    for (name, data) in [
        ("MESSAGE_CREATE", json!({"id": 7, "channel_id": null})),
        ("INTERACTION_CREATE", json!({"type": 99})),
        ("SOMETHING_NEW", json!([1])),
        ("MESSAGE_UPDATE", json!("x")),
    ] {
        world.tells(name, &data);
    }
    side.fires("Down").await;
    world
        .user("bo")
        .runs("ack", &[("incident", "1")], "general")
        .reply()
        .await;
    side.expect_status(1, "acknowledged").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_room_is_open_to_its_crew_only() {
    let side = Side::with(|_, settings| settings.place.private_rooms = true).await;
    let (world, ana, bo) = (&side.world, side.world.user("ana"), side.world.user("bo"));
    world.bot_may(
        crate::discord_world::permissions::BOT | crate::discord_world::permissions::MANAGE_ROLES,
    );
    side.fires("Down").await;
    world
        .expect_message_where(ROOM, "pinned links", |m| m.has("links:1") && m.pinned())
        .await;
    side.tells(
        1,
        firebell::core::incident::Command::Acknowledge { by: person("bo") },
    )
    .await;
    let room = world
        .expect("a room open to bo", |w| {
            w.channel_named(ROOM).filter(|c| {
                c["permission_overwrites"]
                    .to_string()
                    .contains(&bo.id().to_string())
            })
        })
        .await;
    let rights = room["permission_overwrites"].to_string();
    assert!(
        rights.contains(&format!(
            "\"deny\":\"{}\",\"id\":\"{}\"",
            1 << 10,
            world.home()
        )),
        "{rights}"
    );
    drop(ana);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_category_is_followed_by_another() {
    let side = Side::with(|world, _| world.set(|s| s.category_channels = 50)).await;
    let world = &side.world;
    let first = world.category(world.home(), "Incidents");
    for n in 0..50 {
        side.inside(first, &format!("old-{n}"));
    }
    side.fires("Down").await;
    let room = world.expect_channel(ROOM).await;
    assert_eq!(
        room["parent_id"],
        world.expect_channel("Incidents 2").await["id"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_registered_once() {
    let side = Side::start().await;
    let path = "/applications/*/guilds/*/commands";
    side.world.expect_calls("PUT", path, 1).await;
    let names: Vec<String> = side
        .world
        .commands(Some(side.world.home()))
        .iter()
        .map(|c| c["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "firebell",
            "crew",
            "comms",
            "Add to timeline",
            "Declare an incident"
        ]
    );
    let again = Side::on(side.world.clone(), |_, _| ()).await;
    again
        .expect("it at home", |s| s.link().trouble.is_none())
        .await;
    assert_eq!(side.world.calls("PUT", path).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_clears_ends_it_on_discord() {
    let side = Side::start().await;
    side.fires("Down").await;
    side.world.expect_message(ROOM, "Down is bad").await;
    let labels = [("severity", "critical"), ("service", "checkout")];
    let over = alert("Down", &labels, AlertKind::Resolved, side.engine.now());
    side.engine.take(vec![over]).await.unwrap();
    side.world
        .expect_message_where(ROOM, "a resolved card", |m| {
            m.has("card:1") && m.has("resolved")
        })
        .await;
    assert!(side.engine.now() > Time(0));
}
