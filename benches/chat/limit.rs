//! Limits that are met: one channel at a message a second with hundreds of incidents at once, and
//! refusals that come again and again.

use crate::bell::{Bell, Plan};
use crate::discord_world::Fault as DiscordFault;
use crate::slack_world::{Fault as SlackFault, Trouble};
use crate::tally::{say, secs, until};
use std::time::Duration;
use tokio::time::Instant;

/// Incidents at once, one service.
const AT_ONCE: usize = 300;
/// Incidents, and how many of them a second, while every fifth message is refused.
const REFUSED: usize = 100;
const RATE: u32 = 5;

pub async fn run() {
    at_once().await;
    every_fifth().await;
}

/// Everybody is told by one page or another; the channel's cards follow at its pace.
async fn at_once() {
    let bell = Bell::open(&Plan {
        people: 1,
        ..Plan::of(1)
    })
    .await;
    let before = bell.calls().await;
    let names: Vec<String> = (0..AT_ONCE).map(|n| format!("Limit{n:05}l")).collect();
    let sent = bell.fires(&names, 0).await;
    let done = bell.is_quiet().await;
    let told = bell.told(before).await;
    let ledger = bell.ends().await;
    say(&format!(
        "{AT_ONCE} incidents at once, one person, one channel at a message a second"
    ));
    for platform in ["slack", "discord"] {
        let own = ledger.pages.iter().filter(|p| p.row.detail == platform);
        let out: Vec<_> = own.filter(|p| p.is_out()).collect();
        let last = out.iter().map(|p| p.after).max().unwrap_or_default();
        say(&format!(
            "{platform}: {} of {AT_ONCE} paged, the last after {}; {}",
            out.len(),
            secs(last),
            told.words(platform),
        ));
    }
    let cards = done.saturating_duration_since(sent.at);
    say(&format!(
        "every card was in its channel and up to date after {}",
        secs(cards)
    ));
}

/// A refusal for every fifth message of a channel, as a limiter in front of the platform may give.
async fn every_fifth() {
    let bell = Bell::open(&Plan {
        limits: false,
        ..Plan::of(10)
    })
    .await;
    let before = bell.calls().await;
    let begin = Instant::now();
    let (mut on_slack, mut on_discord) = (0, 0);
    let mut n = 0;
    let mut next = begin;
    while n < REFUSED {
        let posts = bell.slack.calls("chat.postMessage").len();
        if posts / 5 > on_slack {
            on_slack = posts / 5;
            let limited = SlackFault::on("chat.postMessage").is(Trouble::RateLimited(1));
            bell.slack.meets(limited.times(1));
        }
        let posts = bell.discord.calls("POST", "/channels/*/messages").len();
        if posts / 5 > on_discord {
            on_discord = posts / 5;
            bell.discord.breaks(
                "POST /channels/*/messages",
                DiscordFault::shared_limit(1.0),
                Some(1),
            );
        }
        if Instant::now() >= next {
            bell.fires(&[format!("Fifth{n:05}f")], n % 10).await;
            n += 1;
            next += Duration::from_secs(1) / RATE;
        }
        until(Instant::now() + Duration::from_millis(5)).await;
    }
    bell.is_quiet().await;
    let told = bell.told(before).await;
    let refused = (told.of("slack").1, told.of("discord").1);
    let ledger = bell.ends().await;
    let missing = ledger.pages.iter().filter(|p| !p.is_out()).count();
    say(&format!(
        "every fifth message refused with 429 ({} by Slack, {} by Discord): {missing} of {} pages missing",
        refused.0,
        refused.1,
        ledger.pages.len(),
    ));
}
