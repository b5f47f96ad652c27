//! Declaring from a message, by whomever; and a private incident's room.

use super::*;

#[tokio::test]
async fn a_stranger_declares_an_incident_from_a_message() {
    let side = Side::start().await;
    let (bo, cy) = (side.world.user("bo"), side.world.user("cy"));
    cy.joins("general");
    bo.joins("general");
    let said = bo.says("general", "nobody can log in\nsince the deploy");
    let shortcut = cy.uses_shortcut("declare_incident", &said).await;
    shortcut.assert_acked();
    let form = side.world.expect_view("cy", "Declare").await;
    let title = form
        .blocks()
        .iter()
        .find(|b| b["block_id"] == "title")
        .cloned();
    let first = title.unwrap()["element"]["initial_value"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(first.starts_with("nobody can log in\n"), "{first}");
    assert!(first.contains("/archives/"), "{first}");
    let sent = cy.submits(&form, &[("title", first.as_str())]).await;
    assert!(sent.errors.is_empty(), "{:?}", sent.errors);
    side.until_told(1, "since the deploy").await;
    let told = side
        .until_told(1, "Declared from the message https://")
        .await;
    assert!(told.contains("cy"), "{told}");
    let by = side.until("it is led", |i| i.lead.clone(), 1).await;
    assert_eq!((by.person(), by.name()), (None, "cy"));
    let title = side.until("its title", |i| Some(i.title.clone()), 1).await;
    assert_eq!(title, "nobody can log in");
    // Whoever firebell does not know may also page.
    cy.types("/firebell page #1 @bo please look", "general")
        .await
        .assert_acked();
    side.page("bo", "please look").await;
}

#[tokio::test]
async fn a_private_incident_has_a_private_room_and_is_answered_to_its_declarer_alone() {
    let side = Side::start().await;
    let ana = side.world.user("ana");
    ana.types("/firebell new sev1 the zebra escaped private", "general")
        .await
        .assert_acked();
    side.world
        .expect_ephemeral("ana", "the zebra escaped")
        .await;
    let room = side
        .until("a room", |i| i.rooms.get("slack").cloned(), 1)
        .await;
    side.channel_where(&room, "a private room", |c| {
        format!("{:?}", c.kind) == "Private"
    })
    .await;
    // Slack makes no public channel private: it goes on in another one.
    ana.types("/firebell new sev1 the lion escaped", "general")
        .await
        .assert_acked();
    let before = side
        .until("a room", |i| i.rooms.get("slack").cloned(), 2)
        .await;
    ana.types("/firebell private #2 after all", "general")
        .await
        .assert_acked();
    let moved = |i: &Incident| i.rooms.get("slack").filter(|r| **r != before).cloned();
    let after = side.until("another room", moved, 2).await;
    side.channel_where(&after, "a private room", |c| {
        format!("{:?}", c.kind) == "Private"
    })
    .await;
    // Whoever is not linked is let into the room of what they declared.
    let cy = side.world.user("cy");
    cy.types("/firebell new sev1 the goat escaped private", "general")
        .await
        .assert_acked();
    let room = side
        .until("a room", |i| i.rooms.get("slack").cloned(), 3)
        .await;
    side.channel_where(&room, "its declarer inside", |c| {
        c.members.contains(cy.id())
    })
    .await;
    let bo = side.world.user("bo");
    bo.types("/firebell list all", "general")
        .await
        .assert_acked();
    side.world
        .expect_ephemeral("bo", "There is no incident")
        .await;
    let home = side.story(1).await;
    assert!(home.iter().any(|e| e.contains("room_opened")), "{home:#?}");
}
