//! A hundred things at once.

use super::house::{House, Plan, firing};
use super::on_slack::OnSlack;
use super::stage::{Spot, Stage, TEAM};
use crate::slack_world::{Fault, Trouble};
use regex::Regex;
use std::sync::Arc;
use std::time::Duration;

/// Incidents that begin at once.
const STORM: usize = 100;
/// From one message of a channel to the next.
const PACE_MS: i64 = 40;
/// Messages to one person that a storm may cost.
const FEW: usize = 5;

/// How many pages a message stands for.
fn pages(words: &str) -> usize {
    let counted = Regex::new(r"(\d+) pages").unwrap();
    let found = counted.captures(words);
    found.map_or(1, |c| c[1].parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_incidents_are_few_messages_to_one_person_and_cards_at_their_pace() {
    let plan = Plan {
        pace_ms: PACE_MS,
        ..Plan::only("slack")
    };
    let slack = OnSlack::of(Arc::new(House::open(plan).await));
    // The channel is not there yet, and making it takes as long as many cards: they do not come
    // all at once afterwards.
    let slow = Trouble::Slow(Duration::from_secs(1));
    let making = Fault::on("conversations.create").is(slow);
    slack.world().meets(making.times(1));
    let mut storm: Vec<_> = (0..STORM)
        .map(|n| firing(&format!("Slow{n}"), "warning"))
        .collect();
    // What is decided together is one message: the first alone, and the rest behind it.
    let rest = storm.split_off(1);
    slack.house().fire_all(storm).await;
    slack.house().fire_all(rest).await;
    let direct = Spot::Direct("ana");
    let all_paged = async || {
        let seen = slack.seen("ana", &direct).await;
        let told: usize = seen.iter().map(|m| pages(&m.words)).sum();
        (told >= STORM).then_some((seen, told))
    };
    let (seen, told) = slack.house().expect("every page", all_paged).await;
    assert_eq!(told, STORM, "every incident is named or counted, once");
    assert!(seen.len() <= FEW, "{} messages", seen.len());
    assert_eq!(pages(&seen[0].words), 1, "the first page comes at once");
    let all_cards = async || {
        let seen = slack.seen("ana", &TEAM).await;
        (seen.iter().filter(|m| m.card).count() >= STORM).then_some(())
    };
    slack.house().expect("every card", all_cards).await;
    let world = slack.world();
    let (web, own) = (world.channel_named("web").id, world.user("ana").direct());
    let posts = world.calls("chat.postMessage");
    let at = |channel: &str| {
        let all = posts.iter().filter(|c| c.arg("channel") == channel);
        all.map(|c| c.at_micros).collect::<Vec<_>>()
    };
    let (cards, paged) = (at(&web), at(&own));
    assert_eq!(cards.len(), STORM, "one card each");
    // A busy machine may bring some of them closer together, never all.
    for part in [&cards[..], &cards[..STORM / 4]] {
        let took = part[part.len() - 1] - part[0];
        let least = (part.len() as u64 - 1) * PACE_MS as u64 * 1000 / 2;
        assert!(took > least, "{} cards in {took} µs", part.len());
    }
    assert!(
        paged.last() < cards.get(STORM / 2),
        "the pages did not wait for the cards"
    );
}
