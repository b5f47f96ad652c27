//! From an alert's request to the first call of a platform that tells of it.

use crate::bell::{Bell, Plan, Sent};
use crate::discord_world::Fault as DiscordFault;
use crate::peer;
use crate::slack_world::{Fault as SlackFault, Trouble};
use crate::tally::{Spread, ms, ratio, say, until};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Alerts a second, each an incident.
const RATE: u32 = 20;
/// Of them, how many.
pub const ALERTS: usize = 400;
/// At this rate each has one to page every two seconds, within the limits of a channel, and there are 40
/// calls a second, within Discord's limit over everything.
const SERVICES: usize = 40;

/// Which platform accepts calls and never answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hanging {
    Nobody,
    Slack,
    Discord,
}

pub async fn run() {
    let both = once(Hanging::Nobody).await;
    let slack_hangs = once(Hanging::Slack).await;
    let discord_hangs = once(Hanging::Discord).await;
    say(&format!(
        "{RATE} new incidents a second; alert's request to the first call that tells of it"
    ));
    say(&format!("Slack, both up:           {}", both.slack.words()));
    say(&format!(
        "Discord, both up:         {}",
        both.discord.words()
    ));
    say(&format!(
        "Slack, Discord hanging:   {}",
        discord_hangs.slack.words()
    ));
    say(&format!(
        "Discord, Slack hanging:   {}",
        slack_hangs.discord.words()
    ));
    for (name, ill, well) in [
        (
            "Slack, Discord hanging / both up",
            &discord_hangs.slack,
            &both.slack,
        ),
        (
            "Discord, Slack hanging / both up",
            &slack_hangs.discord,
            &both.discord,
        ),
    ] {
        let (p50, p99) = (
            ratio(ill.percentile(50), well.percentile(50)),
            ratio(ill.percentile(99), well.percentile(99)),
        );
        say(&format!("{name}: p50 {p50}, p99 {p99}"));
    }
    let Some(peer) = peer::run(RATE, ALERTS).await else {
        return say("Alertmanager is not there to be compared with.");
    };
    say(&format!(
        "Alertmanager to a Slack webhook: {}",
        peer.words()
    ));
    for (name, own) in [("Slack", &both.slack), ("Discord", &both.discord)] {
        say(&format!(
            "{name} / Alertmanager: p50 {} (aim 2x, goal 1x), p99 {} (aim 3x, goal 1.5x)",
            ratio(own.percentile(50), peer.percentile(50)),
            ratio(own.percentile(99), peer.percentile(99)),
        ));
    }
    say(&format!(
        "Grafana OnCall took 1,100 ms to a webhook; a thousandth is {}",
        ms(Duration::from_micros(1100))
    ));
}

struct Told {
    slack: Spread,
    discord: Spread,
}

async fn once(hanging: Hanging) -> Told {
    let bell = Bell::open(&Plan {
        limits: false,
        people: 1,
        ..Plan::of(SERVICES)
    })
    .await;
    match hanging {
        Hanging::Nobody => {}
        Hanging::Slack => bell.slack.meets(SlackFault::everywhere().is(Trouble::Hang)),
        Hanging::Discord => bell.discord.breaks("*", DiscordFault::Hang, None),
    }
    let begin = Instant::now();
    let mut sent = BTreeMap::new();
    for n in 0..ALERTS {
        until(begin + Duration::from_secs(1) / RATE * u32::try_from(n).unwrap()).await;
        let name = name(n);
        let at = bell.fires(std::slice::from_ref(&name), n % SERVICES).await;
        sent.insert(name, at);
    }
    until(Instant::now() + Duration::from_secs(2)).await;
    let slack = bell.slack_calls().await;
    let slack = slack
        .iter()
        .map(|c| (serde_json::to_string(&c.args).unwrap(), c));
    let slack = firsts(&sent, slack, Sent::to_slack);
    let discord = bell.discord_calls();
    let discord = discord.iter().map(|c| (c.body.to_string(), c));
    let discord = firsts(&sent, discord, Sent::to_discord);
    assert!(
        hanging == Hanging::Slack || slack.count() == ALERTS,
        "{} on Slack",
        slack.count()
    );
    assert!(
        hanging == Hanging::Discord || discord.count() == ALERTS,
        "{} on Discord",
        discord.count()
    );
    Told { slack, discord }
}

/// What an alert is called; no name is the beginning of another.
pub fn name(n: usize) -> String {
    format!("Wire{n:05}w")
}

/// How long it took until each was told of first. Calls come in the order they were made.
pub fn firsts<C>(
    sent: &BTreeMap<String, Sent>,
    calls: impl Iterator<Item = (String, C)>,
    took: impl Fn(Sent, C) -> Duration,
) -> Spread {
    let word = regex::Regex::new(r"Wire\d{5}w").unwrap();
    let mut first: BTreeMap<String, Duration> = BTreeMap::new();
    for (body, call) in calls {
        let Some(found) = word.find(&body) else {
            continue;
        };
        if let Some(at) = sent.get(found.as_str())
            && !first.contains_key(found.as_str())
        {
            first.insert(found.as_str().to_owned(), took(*at, call));
        }
    }
    Spread::of(first.into_values().collect())
}
