//! A hundred things at once.

use super::house::{House, Plan, firing};
use super::on_slack::OnSlack;
use super::stage::{Spot, Stage, TEAM};
use regex::Regex;
use std::sync::Arc;

/// Incidents that begin at once.
const STORM: usize = 100;
/// Messages to one person that a storm may cost.
const FEW: usize = 5;

/// How many pages a message stands for.
fn pages(words: &str) -> usize {
    let counted = Regex::new(r"(\d+) pages").unwrap();
    let found = counted.captures(words);
    found.map_or(1, |c| c[1].parse().unwrap())
}

#[tokio::test]
async fn a_hundred_incidents_are_few_messages_to_one_person_and_cards_at_their_pace() {
    let plan = Plan {
        pace_ms: 20,
        ..Plan::only("slack")
    };
    let slack = OnSlack::of(Arc::new(House::open(plan).await));
    // Twice the pace firebell keeps to: whoever runs ahead of it is refused.
    slack.world().tune(|t| {
        t.post_burst = 10;
        t.post_per_sec = 100.0;
    });
    let storm = (0..STORM).map(|n| firing(&format!("Slow{n}"), "warning"));
    slack.house().fire_all(storm.collect()).await;
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
    let refused = posts.iter().filter(|c| c.status == 429).count();
    assert_eq!(refused, 0, "the channel's pace was kept");
    let at = |channel: &str| {
        let all = posts.iter().filter(|c| c.arg("channel") == channel);
        all.map(|c| c.at_micros).collect::<Vec<_>>()
    };
    let (cards, paged) = (at(&web), at(&own));
    assert_eq!(cards.len(), STORM, "one card each");
    assert!(
        paged.last() < cards.get(STORM / 2),
        "the pages did not wait for the cards"
    );
}
