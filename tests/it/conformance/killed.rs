//! firebell is killed between each two calls by which a room comes to be, and within each: the next process
//! goes on, and what is there in the end is there once. The same for the calls by which words are removed.

use super::company::{Company, Rooms};
use super::house::{House, Plan};
use super::on_discord::OnDiscord;
use super::on_slack::OnSlack;
use super::redaction::{SECRET, seq_of};
use super::rooms::furnished;
use super::stage::{Play, Seen, Spot, Stage, TEAM};
use crate::discord_world::permissions;
use crate::halt::Halt;
use firebell::core::id::IncidentId;
use firebell::core::incident::Event;
use std::sync::Arc;

/// More calls than a room takes; where it ends is found out.
const CALLS: usize = 60;

fn plan(platform: &str) -> Plan {
    furnished(Plan::only(platform))
}

/// Every surface of an incident is as it should be, and nothing is on its way.
async fn is_through(house: &House, id: i64) -> bool {
    let engine = house.engine();
    let store = engine.store();
    let shows = store.shows(IncidentId(id)).await.unwrap();
    let sent = store.deliveries(IncidentId(id)).await.unwrap();
    let open = |state: &str| matches!(state, "waiting" | "sending");
    let steps = ["room", "room-card", "topic", "fixtures", "links", "digest"];
    let there = |step: &str| shows.iter().any(|s| s.surface == step);
    steps.iter().all(|s| there(s))
        && shows.iter().all(|s| s.error.is_empty() && s.want <= s.have)
        && !sent.iter().any(|row| open(row.state.word()))
}

/// The n-th incident is killed at its n-th call, until there are no more calls. `done`: the call is done
/// and its answer is lost; else it never arrives.
async fn kills(
    house: &House,
    done: bool,
    halts: &(dyn Fn(Halt) + Sync),
    halted: &(dyn Fn() -> bool + Sync),
) -> i64 {
    for n in 0..CALLS {
        let id = i64::try_from(n).unwrap() + 1;
        halts(Halt::after(n, done));
        house.fires(&format!("Down{id}"), "critical").await;
        let probe = async || {
            let over = halted() || is_through(house, id).await;
            over.then_some(())
        };
        house.expect(&format!("call {n} of #{id}"), probe).await;
        if !halted() {
            halts(Halt::default());
            return id;
        }
        house.dies();
        halts(Halt::default());
        house.restarts().await;
        let probe = async || is_through(house, id).await.then_some(());
        house
            .expect(&format!("#{id} after it was killed at call {n}"), probe)
            .await;
        assert_eq!(house.count(id, "place_failed").await, 0, "call {n}");
        assert_eq!(house.count(id, "room_failed").await, 0, "call {n}");
        assert_eq!(house.count(id, "room_opened").await, 1, "call {n}");
    }
    panic!("a room takes more than {CALLS} calls");
}

async fn on_slack(done: bool) {
    let house = Arc::new(House::open(plan("slack")).await);
    let c = OnSlack::of(house.clone());
    let world = c.world();
    let last = kills(&house, done, &|h| world.halts(h), &|| world.halted()).await;
    assert!(
        last > 8,
        "a room, its topic, people, links, pin, cards and announcement: {last}"
    );
    for id in 1..=last {
        let all = world.channels().into_iter();
        let begin = format!("war-{id}-");
        let rooms: Vec<_> = all.filter(|ch| ch.name.starts_with(&begin)).collect();
        let [room] = rooms.as_slice() else {
            panic!("#{id} has {} rooms", rooms.len());
        };
        assert!(room.topic.contains("Down"), "#{id}: {}", room.topic);
        for who in ["ana", "dee"] {
            let user = world.user(who).id().to_owned();
            assert!(room.members.contains(&user), "#{id}: {who} is in");
        }
        let mut links: Vec<&str> = room.bookmarks.iter().map(|b| b.link.as_str()).collect();
        let number = links.len();
        links.sort_unstable();
        links.dedup();
        assert_eq!(links.len(), number, "#{id}: a link stands once: {links:?}");
        let call = format!("https://meet.example/{id}");
        assert!(links.contains(&call.as_str()), "#{id}: {links:?}");
        let spot = Spot::Room(room.id.clone());
        let cards = cards_in(&c, &spot, id).await;
        assert_eq!(cards, 1, "#{id}: one card in its room");
        let [pin] = room.pins.as_slice() else {
            panic!("#{id}: {:?}", room.pins);
        };
        let card = c.card("ana", &spot, id, "Down").await;
        assert_eq!(*pin, card.slack().ts, "#{id}: the card is pinned");
        once(&c, id, &spot).await;
    }
    world.assert_clean();
}

async fn cards_in<S: Stage>(stage: &S, spot: &Spot, id: i64) -> usize {
    let number = format!("#{id} ");
    let all = stage.seen("ana", spot).await.into_iter();
    all.filter(|m| m.card && m.words.contains(&number)).count()
}

/// One card where the team reads and one announcement; no line of firebell's twice.
async fn once<S: Stage>(stage: &S, id: i64, room: &Spot) {
    assert_eq!(
        cards_in(stage, &TEAM, id).await,
        1,
        "#{id}: one for the team"
    );
    let news = Spot::Channel("incidents");
    assert_eq!(
        cards_in(stage, &news, id).await,
        1,
        "#{id}: one announcement"
    );
    let lines = stage.seen("ana", room).await;
    let lines: Vec<String> = (lines.into_iter())
        .filter(|m| m.ours && !m.card)
        .map(|m| m.words)
        .collect();
    let mut apart = lines.clone();
    apart.sort();
    apart.dedup();
    assert_eq!(apart.len(), lines.len(), "#{id}: {lines:#?}");
}

#[tokio::test]
async fn a_room_on_slack_comes_to_be_once_wherever_firebell_is_killed() {
    on_slack(false).await;
}

#[tokio::test]
async fn a_room_on_slack_comes_to_be_once_whichever_answer_is_lost_with_firebell() {
    on_slack(true).await;
}

async fn on_discord(done: bool) {
    let house = Arc::new(House::open(plan("discord")).await);
    let c = OnDiscord::of(house.clone());
    let world = c.world();
    let last = kills(&house, done, &|h| world.halts(h), &|| world.halted()).await;
    assert!(last > 5, "a room, its pins, cards and announcement: {last}");
    for id in 1..=last {
        let rooms = world.channels_like(&format!("war-{id}-"));
        let [room] = rooms.as_slice() else {
            panic!("#{id} has rooms {rooms:?}");
        };
        let (topic, pins) = world.furniture(room);
        assert!(topic.contains("Down"), "#{id}: {topic}");
        let spot = Spot::Room(room.clone());
        assert_eq!(
            cards_in(&c, &spot, id).await,
            1,
            "#{id}: one card in its room"
        );
        let card = c.card("ana", &spot, id, "Down").await;
        let card = card.discord().id().to_string();
        assert_eq!(
            pins.iter().filter(|p| **p == card).count(),
            1,
            "#{id}: {pins:?}"
        );
        once(&c, id, &spot).await;
    }
}

#[tokio::test]
async fn a_room_on_discord_comes_to_be_once_wherever_firebell_is_killed() {
    on_discord(false).await;
}

#[tokio::test]
async fn a_room_on_discord_comes_to_be_once_whichever_answer_is_lost_with_firebell() {
    on_discord(true).await;
}

/// What everybody sees of #1 in its rooms, by platform.
async fn talk(c: &Company, rooms: &Rooms) -> [(&'static str, Vec<Seen>); 3] {
    [
        ("slack", c.slack.seen("ana", &rooms.slack).await),
        ("discord", c.discord.seen("ana", &rooms.discord).await),
        ("console", c.console.seen("ana", &rooms.console).await),
    ]
}

/// The words are in no room, nothing is on its way, and their stones are where firebell repeated them.
async fn is_gone(c: &Company, rooms: &Rooms, words: &str, why: &str) -> bool {
    let engine = c.house.engine();
    let sent = engine.store().deliveries(IncidentId(1)).await.unwrap();
    let open = |state: &str| matches!(state, "waiting" | "sending");
    let stone = format!("removed for good by ana: {why}");
    let all = talk(c, rooms).await;
    let held = |seen: &[Seen], words: &str| seen.iter().any(|m| m.words.contains(words));
    !sent.iter().any(|row| open(row.state.word()))
        && !all.iter().any(|(_, seen)| held(seen, words))
        && held(&all[0].1, &stone)
}

/// Words that were written on Discord and repeated elsewhere are removed again and again, each time
/// killed one call later, until there are no more calls.
async fn removes(done: bool, halts: &dyn Fn(&Company, Halt), halted: &dyn Fn(&Company) -> bool) {
    let mut plan = Plan::all();
    plan.rooms.redactors = vec!["responder".to_owned()];
    let c = Company::open(plan).await;
    let may = permissions::BOT | permissions::MANAGE_MESSAGES;
    c.discord.world().bot_may(may);
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    for n in 0..CALLS {
        let (words, why) = (format!("{SECRET}-{n}."), format!("reason {n}."));
        let found = |m: &Seen| m.words.contains(&words);
        c.discord.says("bo", &rooms.discord, &words).await;
        c.slack.sees("ana", &rooms.slack, &words, found).await;
        c.console.sees("ana", &rooms.console, &words, found).await;
        let line = seq_of(
            &c,
            |e| matches!(e, Event::Spoke { text, .. } if *text == words),
        );
        let line = line.await;
        halts(&c, Halt::after(n, done));
        let told = c.console.redacts("ana", 1, line, &why).await;
        assert_eq!(told["ok"], true, "call {n}: {told}");
        let over = async || {
            let over = halted(&c) || is_gone(&c, &rooms, &words, &why).await;
            over.then_some(())
        };
        c.house.expect(&format!("call {n}"), over).await;
        let was_halted = halted(&c);
        if was_halted {
            c.house.dies();
        }
        halts(&c, Halt::default());
        if was_halted {
            c.house.restarts().await;
        }
        let gone = async || is_gone(&c, &rooms, &words, &why).await.then_some(());
        let what = format!("{words} removed after it was killed at call {n}");
        c.house.expect(&what, gone).await;
        for (name, seen) in talk(&c, &rooms).await {
            let stones = seen.iter().filter(|m| m.words.contains(&why)).count();
            assert!(stones <= 2, "call {n}, {name}: {seen:#?}");
        }
        assert_eq!(c.house.count(1, "redacted").await, n + 1, "call {n}");
        if !was_halted {
            assert!(n > 1, "it takes more than {n} calls");
            return;
        }
    }
    panic!("a removal takes more than {CALLS} calls");
}

#[tokio::test]
async fn words_are_removed_on_slack_wherever_firebell_is_killed() {
    for done in [false, true] {
        let halts = |c: &Company, halt: Halt| c.slack.world().halts(halt);
        removes(done, &halts, &|c| c.slack.world().halted()).await;
    }
}

#[tokio::test]
async fn words_are_removed_on_discord_wherever_firebell_is_killed() {
    for done in [false, true] {
        let halts = |c: &Company, halt: Halt| c.discord.world().halts(halt);
        removes(done, &halts, &|c| c.discord.world().halted()).await;
    }
}
