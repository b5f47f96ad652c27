//! Ten seconds in which both platforms take calls and drop them.

use crate::bell::{Bell, Plan};
use crate::discord_world::Fault as DiscordFault;
use crate::slack_world::{Fault as SlackFault, Trouble};
use crate::tally::{say, secs, until};
use std::time::Duration;
use tokio::time::Instant;

/// Incidents, and how many of them a second: two pages and a card each, within Discord's limit over everything.
const INCIDENTS: usize = 120;
const RATE: u32 = 10;
const SERVICES: usize = 10;
/// The platforms are away from here, counted from the first incident, for this long.
const AWAY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));

pub async fn run() {
    let bell = Bell::open(&Plan {
        limits: false,
        ..Plan::of(SERVICES)
    })
    .await;
    let before = bell.calls().await;
    let begin = Instant::now();
    let down = async {
        until(begin + AWAY.0).await;
        bell.slack.meets(SlackFault::everywhere().is(Trouble::Drop));
        bell.discord.breaks("*", DiscordFault::Dropped, None);
        until(begin + AWAY.0 + AWAY.1).await;
        bell.slack.is_well();
        bell.discord.mends();
    };
    let storm = async {
        for n in 0..INCIDENTS {
            until(begin + Duration::from_secs(1) / RATE * u32::try_from(n).unwrap()).await;
            bell.fires(&[format!("Outage{n:05}o")], n % SERVICES).await;
        }
    };
    tokio::join!(down, storm);
    let end = begin + AWAY.0 + AWAY.1;
    let done = bell.is_quiet().await;
    // What never came to an answer was made in vain.
    let vain = bell.told_of(before, |answered| !answered).await;
    let end_ms =
        crate::bell::Sent::now().micros / 1000 - u64::try_from(end.elapsed().as_millis()).unwrap();
    let ledger = bell.ends().await;
    say(&format!(
        "{INCIDENTS} incidents at {RATE}/s, {} people; both platforms away for {}",
        SERVICES * 2,
        secs(AWAY.1)
    ));
    for platform in ["slack", "discord"] {
        let own: Vec<_> = ledger
            .pages
            .iter()
            .filter(|p| p.row.detail == platform)
            .collect();
        let missing = own.iter().filter(|p| !p.is_out()).count();
        let last = own
            .iter()
            .map(|p| p.row.updated_at.0.unsigned_abs())
            .max()
            .unwrap_or(0);
        let after = secs(Duration::from_millis(last.saturating_sub(end_ms)));
        say(&format!(
            "{platform}: {missing} of {} pages missing, the last out {after} after the end (aim 3 s, goal 1 s); in vain (goal 50): {}",
            own.len(),
            vain.words(platform),
        ));
    }
    let cards = done.saturating_duration_since(end);
    say(&format!(
        "the last card was up to date {} after the end",
        secs(cards)
    ));
}
