//! Rooms from their making to their archive: named, announced, renamed, retried, put away, taken out.

use super::company::Company;
use super::house::Plan;
use super::stage::{Play, Seen, Spot, Stage, TEAM};
use crate::slack_world::{Fault, Trouble};
use firebell::core::directory::Target;
use firebell::core::id::Severity;
use firebell::core::rooms::{Invite, Template};

fn planned() -> Plan {
    furnished(Plan::all())
}

/// With a name, a meeting, a digest and a guest for each room.
pub(super) fn furnished(mut plan: Plan) -> Plan {
    plan.rooms.name = Template::parse("war-{id}-{title}").unwrap();
    plan.rooms.meeting = Some(Template::parse("https://meet.example/{id}").unwrap());
    plan.rooms.announce = Some("incidents".to_owned());
    plan.rooms.invite = vec![Invite {
        severity: Some(Severity(0)),
        targets: vec![Target::Person("dee".to_owned())],
        ..Invite::default()
    }];
    plan
}

const NEWS: Spot = Spot::Channel("incidents");

fn slack_name(c: &Company, room: &Spot) -> (String, bool) {
    let Spot::Room(id) = room else {
        panic!("a room")
    };
    let all = c.slack.world().channels();
    let found = all.iter().find(|ch| ch.id == *id).unwrap();
    (found.name.clone(), found.archived)
}

fn discord_name(c: &Company, room: &Spot) -> (String, String) {
    let Spot::Room(id) = room else {
        panic!("a room")
    };
    c.discord.world().channel_and_category(id)
}

#[tokio::test]
async fn a_room_has_its_name_its_call_its_people_and_one_announcement_that_is_kept_up_to_date() {
    let c = Company::open(planned()).await;
    c.house.fires("Größe", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    assert_eq!(
        slack_name(&c, &rooms.slack).0,
        "war-1-groesse-groesse-is-bad"
    );
    assert_eq!(
        discord_name(&c, &rooms.discord).0,
        "war-1-groesse-groesse-is-bad"
    );
    let hung = async || {
        let calls = c.slack.world().calls("bookmarks.add");
        calls
            .iter()
            .any(|b| b.arg("link") == "https://meet.example/1")
            .then_some(())
    };
    c.house.expect("a bookmark of the call", hung).await;
    let pinned = |m: &Seen| format!("{:?}", m.discord().json()).contains("https://meet.example/1");
    c.discord
        .sees("bo", &rooms.discord, "the call among the links", pinned)
        .await;
    let page = c
        .console
        .reads(
            "bo",
            &format!(
                "/rooms/{}",
                match &rooms.console {
                    Spot::Room(id) => id.as_str(),
                    _ => "",
                }
            ),
        )
        .await;
    assert!(page.contains("https://meet.example/1"));
    let invited = async || {
        let calls = c.slack.world().calls("conversations.invite");
        let dee = c.slack.world().user("dee").id().to_owned();
        calls
            .iter()
            .any(|call| call.arg("users").contains(&dee))
            .then_some(())
    };
    c.house
        .expect("Dee, whom nobody paged, is asked in", invited)
        .await;
    for told in ["triggered", "ana"] {
        c.slack.card("bo", &NEWS, 1, told).await;
    }
    let first = c.slack.card("bo", &NEWS, 1, "war-1-groesse").await;
    assert!(
        first.buttons.is_empty(),
        "whoever acts goes to the room: {first:?}"
    );
    let other = c.discord.card("bo", &NEWS, 1, "war-1-groesse").await;
    c.slack.command("ana", &rooms.slack, "ack", &[]).await;
    let later = c
        .slack
        .card("bo", &NEWS, 1, "ana, first acknowledged")
        .await;
    assert_eq!(later.slack().ts, first.slack().ts, "edited in place");
    let later = c
        .discord
        .card("bo", &NEWS, 1, "ana, first acknowledged")
        .await;
    assert_eq!(
        later.discord().id(),
        other.discord().id(),
        "edited in place"
    );
    c.slack.assert_harmless().await;
}

#[tokio::test]
async fn a_room_is_renamed_and_everything_still_leads_to_it() {
    let c = Company::open(planned()).await;
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    let values = [("title", "Payments fail in the EU")];
    c.discord
        .command("bo", &rooms.discord, "rename", &values)
        .await;
    let renamed = async || {
        let both = [
            slack_name(&c, &rooms.slack).0,
            discord_name(&c, &rooms.discord).0,
        ];
        both.iter()
            .all(|n| n == "war-1-payments-fail-in-the-eu")
            .then_some(())
    };
    c.house.expect("the new name", renamed).await;
    c.cards(&rooms, "Payments fail in the EU").await;
    c.slack.says("ana", &rooms.slack, "still here").await;
    let heard = |m: &Seen| m.words.contains("still here");
    c.discord
        .sees("bo", &rooms.discord, "words in the renamed room", heard)
        .await;
    assert_eq!(c.rooms(1).await.slack, rooms.slack);
}

#[tokio::test]
async fn rooms_are_put_away_after_their_end_and_come_back_with_the_incident() {
    let mut plan = planned();
    plan.rooms.archive_after_ms = Some(0);
    let c = Company::open(plan).await;
    c.slack.world().tune(|t| t.bots_may_unarchive = true);
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    c.slack.command("ana", &rooms.slack, "resolve", &[]).await;
    let away = async || {
        let incident = c.house.incident(1).await?;
        let shelved = incident.talk.shelved.len() == 3;
        let slack = slack_name(&c, &rooms.slack).1;
        let discord = discord_name(&c, &rooms.discord).1 == "Incidents archive";
        (shelved && slack && discord).then_some(())
    };
    c.house.expect("three rooms put away", away).await;
    let page = c
        .console
        .reads(
            "bo",
            &format!(
                "/rooms/{}",
                match &rooms.console {
                    Spot::Room(id) => id.as_str(),
                    _ => "",
                }
            ),
        )
        .await;
    assert!(page.contains("This room is archived"));
    // What is written meanwhile goes nowhere and holds up nothing.
    c.house.notes(1, "the invoice came").await;
    c.house
        .tells(
            1,
            firebell::core::incident::Command::Reopen {
                by: crate::world::person("dee"),
            },
        )
        .await;
    for room in [&rooms.slack] {
        c.slack.line("bo", room, "dee").await;
    }
    let back = async || {
        let incident = c.house.incident(1).await?;
        let same = incident.rooms.len() == 3
            && [
                ("slack", &rooms.slack),
                ("discord", &rooms.discord),
                ("console", &rooms.console),
            ]
            .iter()
            .all(|(p, spot)| Spot::Room(incident.rooms[*p].clone()) == **spot);
        (same && discord_name(&c, &rooms.discord).1 == "Incidents").then_some(())
    };
    c.house.expect("the same three rooms", back).await;
    assert!(!slack_name(&c, &rooms.slack).1);
}

#[tokio::test]
async fn where_a_bot_may_not_open_an_archived_room_another_one_is_made() {
    let mut plan = planned();
    plan.rooms.archive_after_ms = Some(0);
    let c = Company::open(plan).await;
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    c.slack.command("ana", &rooms.slack, "resolve", &[]).await;
    c.house
        .until(1, "put away", |i| (i.talk.shelved.len() == 3).then_some(()))
        .await;
    c.house
        .tells(
            1,
            firebell::core::incident::Command::Reopen {
                by: crate::world::person("dee"),
            },
        )
        .await;
    let new = c
        .house
        .until(1, "a room on Slack", |i| i.rooms.get("slack").cloned())
        .await;
    assert_ne!(Spot::Room(new.clone()), rooms.slack);
    let new = Spot::Room(new);
    assert_eq!(slack_name(&c, &new).0, "war-1-down-down-is-bad-2");
    c.slack.line("bo", &new, "dee").await;
    c.slack.assert_harmless().await;
}

#[tokio::test]
async fn what_failed_of_a_room_is_told_with_its_reason_and_done_by_a_retry() {
    let c = Company::open(planned()).await;
    c.slack.world().meets(
        Fault::on("conversations.setTopic").is(Trouble::Error("restricted_action".to_owned())),
    );
    c.slack
        .world()
        .meets(Fault::on("pins.add").is(Trouble::Error("not_pinnable".to_owned())));
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    let told =
        "the topic of the room on slack failed: Slack's conversations.setTopic: restricted_action";
    let card = c.slack.card("bo", &rooms.slack, 1, told).await;
    assert!(
        card.buttons.iter().any(|b| b == "Retry the room"),
        "{card:?}"
    );
    c.slack
        .card("bo", &rooms.slack, 1, "the pinned things of the room")
        .await;
    let page = c.console.reads("bo", "/incidents/1").await;
    assert!(page.contains("restricted_action") && page.contains("Retry"));
    c.slack.world().is_well();
    // A crash in between changes nothing.
    c.house.restarts().await;
    let card = c
        .discord
        .card("bo", &rooms.discord, 1, "the topic of the room")
        .await;
    let answer = c.discord.press("bo", &card, "Retry the room").await;
    assert!(answer.text.contains("tried again"), "{answer:?}");
    let done = async || {
        let shows = c
            .house
            .engine()
            .store()
            .shows(firebell::core::id::IncidentId(1))
            .await
            .unwrap();
        let mine = shows.iter().filter(|s| s.platform == "slack");
        mine.clone()
            .all(|s| s.error.is_empty() && s.want <= s.have)
            .then_some(())
    };
    c.house.expect("every step done", done).await;
    let rooms_made = c.slack.world().channels();
    let rooms_made = rooms_made.iter().filter(|ch| ch.name.starts_with("war-1"));
    assert_eq!(rooms_made.count(), 1, "no second room");
    let gone = |m: &Seen| m.card && m.words.contains("#1 ") && !m.words.contains("failed:");
    c.slack
        .sees("bo", &rooms.slack, "a card without trouble", gone)
        .await;
}

#[tokio::test]
async fn a_small_incident_is_talked_about_in_a_thread_below_its_card() {
    let mut plan = planned();
    plan.rooms.threads.insert(Severity(1));
    let c = Company::open(plan).await;
    c.house.fires("Slow", "warning").await;
    let rooms = c.rooms(1).await;
    let Spot::Room(thread) = &rooms.slack else {
        panic!("a room")
    };
    let (channel, _) = thread.split_once(':').expect("a thread of a channel");
    let card = c.slack.card("bo", &TEAM, 1, "Slow").await;
    assert_eq!(card.slack().channel, channel);
    let ana = c.slack.world().user("ana");
    ana.joins(channel);
    ana.answers(card.slack(), "looking at it");
    let heard = |m: &Seen| m.words.contains("looking at it");
    c.discord
        .sees("bo", &rooms.discord, "an answer in the thread", heard)
        .await;
    let Spot::Room(below) = &rooms.discord else {
        panic!("a room")
    };
    let shown = c.discord.card("bo", &TEAM, 1, "Slow").await;
    assert_eq!(*below, shown.discord().id().to_string(), "below its card");
    c.discord.says("bo", &rooms.discord, "me too").await;
    let lifted = async || {
        let all = c.slack.world().messages(channel);
        all.into_iter()
            .find(|m| m.words().contains("me too") && m.thread_ts.is_some())
    };
    c.house
        .expect("an answer below the card on Slack", lifted)
        .await;
    // A mark on an answer, and on what is repeated there, is a mark in that room.
    let written = c.slack.world().messages(channel).into_iter();
    let written = written.rev().find(|m| m.words().contains("looking at it"));
    let written = written.expect("the answer");
    ana.reacts(&written, "pushpin");
    let kept = format!("\"message\":\"{}\"", written.ts);
    let marked = async || {
        let all = c.house.story(1).await;
        all.into_iter()
            .find(|e| e.contains("\"kept\"") && e.contains(&kept))
    };
    c.house.expect("the mark", marked).await;
    let lifted = c.slack.world().messages(channel).into_iter();
    let lifted = lifted.rev().find(|m| m.words().contains("me too"));
    ana.reacts(&lifted.expect("the repetition"), "pushpin");
    let marked = async || {
        let all = c.house.story(1).await;
        all.into_iter()
            .find(|e| e.contains("\"kept\"") && e.contains("\"platform\":\"discord\""))
    };
    c.house.expect("the mark on the repetition", marked).await;
    ana.unreacts(&written, "pushpin");
    c.house.until_told(1, "\"unkept\"").await;
    let made = c.slack.world().channels();
    assert!(
        !made.iter().any(|ch| ch.name.starts_with("war-1")),
        "no room"
    );
    // It grows: a room of its own.
    c.slack
        .command("ana", &TEAM, "promote", &[("incident", "1")])
        .await;
    let room = c
        .house
        .until(1, "a room", |i| {
            i.rooms.get("slack").filter(|r| !r.contains(':')).cloned()
        })
        .await;
    c.slack.line("bo", &Spot::Room(room), "made it major").await;
}

#[tokio::test]
async fn a_full_server_makes_way_by_its_oldest_archived_room_and_says_so() {
    let mut plan = Plan::only("discord");
    plan.rooms.archive_after_ms = Some(0);
    let house = std::sync::Arc::new(super::house::House::open(plan).await);
    let c = super::on_discord::OnDiscord::of(house);
    let room = c.major("One").await;
    c.card("ana", &room, 1, "paged ana").await;
    c.command("ana", &room, "resolve", &[]).await;
    c.house()
        .until(1, "put away", |i| {
            (!i.talk.shelved.is_empty()).then_some(())
        })
        .await;
    let full = c.world().fills_up();
    c.house().fires("Two", "critical").await;
    let second = c.room(2).await;
    c.card("ana", &second, 2, "paged ana").await;
    let told =
        |m: &Seen| m.words.contains("the oldest archived room") && m.words.contains("/incidents/1");
    c.sees("bo", &Spot::Channel("general"), "what was removed", told)
        .await;
    let Spot::Room(first) = &room else {
        panic!("a room")
    };
    assert!(!c.world().has_channel(first), "{full}");
}
