//! Declaring from a message, by whomever; and a private incident's room.

use super::side::Side;
use crate::discord_world::permissions;
use firebell::core::id::{Actor, IncidentId};

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_declares_an_incident_from_a_message() {
    let side = Side::start().await;
    let (world, bo, cy) = (&side.world, side.world.user("bo"), side.world.user("cy"));
    let said = bo.says("general", "nobody can log in\nsince the deploy");
    let form = cy.uses_menu("Declare an incident", &said).modal().await;
    assert_eq!(form.title, "Declare an incident");
    assert!(form.labels().len() <= 5, "{:?}", form.labels());
    let first = form.data.to_string();
    assert!(first.contains("nobody can log in") && first.contains("discord.com/channels/"));
    let words = format!(
        "nobody can log in\nsince the deploy\n\n{}",
        "https://discord.com/channels/1/2/3"
    );
    let told = cy
        .submits(&form, &[("What is wrong?", words.as_str())])
        .reply()
        .await;
    assert!(told.has("#1 is open"), "{told:?}");
    side.expect_kind(1, "noted").await;
    let incident = side.engine.incident(IncidentId(1)).await.unwrap().unwrap();
    assert_eq!(incident.title, "nobody can log in");
    assert!(
        matches!(incident.lead, Some(Actor::Unlinked { .. })),
        "{:?}",
        incident.lead
    );
    let paged = cy
        .runs(
            "page",
            &[
                ("whom", "bo"),
                ("message", "please look"),
                ("incident", "1"),
            ],
            "general",
        )
        .reply()
        .await;
    assert!(!paged.has("🚫"), "{paged:?}");
    world.expect_message(&bo.dm(), "#1").await;
    world.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_words_opens_the_form() {
    let side = Side::start().await;
    let ana = side.world.user("ana");
    let form = ana.runs("new", &[("sev", "sev2")], "general").modal().await;
    assert_eq!(form.title, "Declare an incident");
    let told = ana
        .submits(&form, &[("What is wrong?", "the till is down")])
        .reply()
        .await;
    assert!(told.has("#1 is open"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_of_what_becomes_private_is_closed() {
    let side = Side::start().await;
    let (world, ana) = (&side.world, side.world.user("ana"));
    // As the invite asks: who may see a room is a matter of roles.
    world.bot_may(permissions::BOT | permissions::MANAGE_ROLES);
    let new = [("title", "the zebra escaped"), ("sev", "sev1")];
    ana.runs("new", &new, "general").reply().await;
    let room = world.expect_channel("inc-1-the-zebra-escaped").await;
    let closed = |channel: &serde_json::Value| {
        let guild = channel["guild_id"].as_str().unwrap_or_default().to_owned();
        let all = channel["permission_overwrites"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        all.iter()
            .any(|o| o["id"] == guild.as_str() && o["deny"] == "1024")
    };
    assert!(!closed(&room), "{room}");
    let said = ana
        .runs("private", &[("incident", "1")], "general")
        .reply()
        .await;
    assert!(said.has("is private now"), "{said:?}");
    world
        .expect("the room is closed", |world| {
            world
                .channel_named("inc-1-the-zebra-escaped")
                .filter(|room| closed(room))
        })
        .await;
    // And made so from the start.
    let new = [
        ("title", "the lion escaped"),
        ("sev", "sev1"),
        ("as", "private"),
    ];
    let told = ana.runs("new", &new, "general").reply().await;
    assert!(told.ephemeral(), "{told:?}");
    world
        .expect("another closed room", |world| {
            world
                .channel_named("inc-2-the-lion-escaped")
                .filter(|room| closed(room))
        })
        .await;
    world.assert_clean();
}
