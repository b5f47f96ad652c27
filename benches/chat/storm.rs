//! Five hundred incidents in a minute, within the limits of both platforms.

use crate::bell::{Bell, Ledger, Plan, Told};
use crate::tally::{Spread, ratio, say, secs, until};
use std::time::Duration;
use tokio::time::Instant;

/// Incidents, and how long they take to begin.
const INCIDENTS: usize = 500;
const WITHIN: Duration = Duration::from_secs(60);
const SERVICES: usize = 10;

pub async fn run() {
    let bare = once(false).await;
    let full = once(true).await;
    let count = full.ledger.pages.len();
    say(&format!(
        "{} incidents within {}, {SERVICES} services, {} people on call, Slack at a message a second and channel \
         and its tiers, Discord at 5 in 5 s and channel and 50/s over all",
        full.ledger.incidents,
        secs(WITHIN),
        SERVICES * 2,
    ));
    for platform in ["slack", "discord"] {
        let (own, without) = (full.pages(platform), bare.pages(platform));
        say(&format!(
            "{platform}: {} pages out after {}; without cards: {}; p50 with / without {}",
            own.count(),
            own.words(),
            without.words(),
            ratio(own.percentile(50), without.percentile(50)),
        ));
    }
    let lost = full.ledger.pages.iter().filter(|p| !p.is_out());
    say(&format!("pages not out: {} of {count}", lost.count()));
    let naive = full.ledger.facts;
    for platform in ["slack", "discord"] {
        say(&format!(
            "{platform}: {}; naively, one for each of {naive} changes",
            full.told.words(platform)
        ));
    }
    say(&format!(
        "the last card was up to date {} after the last incident",
        secs(full.rest)
    ));
    say(&format!(
        "the alert's request itself: {}",
        full.posts.words()
    ));
}

struct Outcome {
    ledger: Ledger,
    told: Told,
    /// From the last incident to the last call.
    rest: Duration,
    posts: Spread,
}

impl Outcome {
    /// How long each page took to be out.
    fn pages(&self, platform: &str) -> Spread {
        let own = self
            .ledger
            .pages
            .iter()
            .filter(|p| p.row.detail == platform);
        Spread::of(own.filter(|p| p.is_out()).map(|p| p.after).collect())
    }
}

async fn once(channels: bool) -> Outcome {
    let bell = Bell::open(&Plan {
        channels,
        ..Plan::of(SERVICES)
    })
    .await;
    let before = bell.calls().await;
    let begin = Instant::now();
    let mut posts = Vec::new();
    for n in 0..INCIDENTS {
        until(begin + WITHIN * u32::try_from(n).unwrap() / u32::try_from(INCIDENTS).unwrap()).await;
        let sent = bell.fires(&[format!("Storm{n:05}s")], n % SERVICES).await;
        posts.push(sent.at.elapsed());
    }
    let last = Instant::now();
    let quiet = bell.is_quiet().await;
    Outcome {
        told: bell.told(before).await,
        rest: quiet.saturating_duration_since(last),
        posts: Spread::of(posts),
        ledger: bell.ends().await,
    }
}
