//! The gateway's ways to go, and what is said and done about each.

use super::side::{ROOM, Side};
use crate::discord_world::DiscordWorld;
use crate::discord_world::sessions::{GUILD_MEMBERS, MESSAGE_CONTENT};
use std::time::Duration;

/// What takes a new session: five seconds of Discord's, and those of a busy machine.
const ANEW: Duration = Duration::from_secs(30);

async fn with_a_room(side: &Side) {
    side.fires("Down").await;
    side.world
        .expect_message_where(ROOM, "pinned links", |m| m.has("links:1") && m.pinned())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_the_gateway_refuses_is_said_and_not_tried_again_at_once() {
    let side = Side::start().await;
    side.world.closes(4004);
    side.expect_trouble("refuses the bot's token").await;
    // Longer than any other session is waited for.
    for _ in 0..4 {
        side.rests().await;
    }
    assert_eq!(side.world.identifies(), 1, "a refused token leads to a ban");
    // Only the gateway refuses it: what goes by REST goes on.
    with_a_room(&side).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn intents_the_gateway_refuses_are_named_and_done_without() {
    let side = Side::on(DiscordWorld::start().await, |world, _| {
        world.set(|s| s.refuses_intents = MESSAGE_CONTENT);
    })
    .await;
    side.world
        .expect_within(ANEW, "a session without the intent", |w| {
            (w.connected() > 0 && w.intents() & MESSAGE_CONTENT == 0).then_some(())
        })
        .await;
    side.expect("it at home, and what that costs", |s| {
        let link = s.link();
        let named = link.missing.iter().any(|m| m.contains("Message Content"));
        link.trouble.is_none() && named
    })
    .await;
    let bo = side.world.user("bo");
    side.fires("Down").await;
    bo.runs("ack", &[("incident", "1")], "general")
        .reply()
        .await;
    side.expect_status(1, "acknowledged").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_no_longer_answers_is_left_and_what_was_missed_is_heard() {
    let side = Side::with(|world, _| world.set(|s| s.heartbeat_ms = 400)).await;
    with_a_room(&side).await;
    side.world.turns_zombie();
    side.world.user("bo").says(ROOM, "is anybody there?");
    side.expect_kinds_within(1, "spoke", 1, ANEW).await;
    let begun = side.world.resumes() + side.world.identifies();
    assert!(begun > 1, "over the old line nothing was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ready_that_never_comes_is_said_and_waited_for_no_longer() {
    let side = Side::on(DiscordWorld::start().await, |world, settings| {
        world.set(|s| s.tells_ready = false);
        settings.place.net.timeout_ms = 300;
    })
    .await;
    side.expect_trouble("did not become ready within 1 second")
        .await;
    side.world.set(|s| s.tells_ready = true);
    side.world
        .expect_within(ANEW, "another session", |w| {
            (w.identifies() > 1).then_some(())
        })
        .await;
    side.expect("it at home", |s| s.link().trouble.is_none())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_without_a_code_is_survived() {
    let side = Side::with(|world, _| world.set(|s| s.heartbeat_ms = 400)).await;
    with_a_room(&side).await;
    side.world.closes_without_code();
    side.world.user("bo").says(ROOM, "while nobody listens");
    side.expect_kinds_within(1, "spoke", 1, ANEW).await;
    side.world
        .user("bo")
        .runs("ack", &[("incident", "1")], "general")
        .reply()
        .await;
    side.expect_status(1, "acknowledged").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_of_one_bot_share_a_connection_and_get_what_is_theirs() {
    let side = Side::in_two().await;
    let (world, bo) = (&side.world, side.world.user("bo"));
    let commands = "/applications/*/guilds/*/commands";
    world.expect_calls("PUT", commands, 2).await;
    side.fires("Down").await;
    let rooms = side.rooms(1).await;
    let second = &rooms["discord-2"];
    assert_ne!(&rooms["discord"], second);
    for room in rooms.values() {
        world.expect_message(room, "Down is bad").await;
    }
    bo.says(second, "it is the cache");
    let spoke = side.expect_kind(1, "spoke").await;
    assert!(spoke.contains("discord-2"), "{spoke}");
    // Mirrored into the other server's room.
    let mirrored = world.expect_message(&rooms["discord"], "it is the cache");
    assert!(mirrored.await.has("(discord-2)"));
    let told = bo.runs("ack", &[("incident", "1")], "ops").reply().await;
    assert!(told.ephemeral() && !told.has("🚫"), "{told:?}");
    side.expect_status(1, "acknowledged").await;
    assert_eq!(world.identifies(), 1, "one session for both");
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_the_server_left_the_room() {
    let side = Side::with(|world, _| world.set(|s| s.privileged |= GUILD_MEMBERS)).await;
    with_a_room(&side).await;
    let (cy, ana) = (side.world.user("cy"), side.world.user("ana"));
    // Nobody of the crew, and somebody who was paged.
    cy.leaves(side.world.home());
    ana.leaves(side.world.home());
    let left = side.expect_kind(1, "left").await;
    assert!(left.contains("ana"), "{left}");
    side.rests().await;
    assert_eq!(side.count(1, "left").await, 1);
}
