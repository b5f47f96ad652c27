//! The stand-ins as stories have them.

use crate::discord_world::{DiscordWorld, Rule};
use crate::slack_world::SlackWorld;

/// A workspace without the limits that are not what a story is about.
pub async fn quick_slack() -> SlackWorld {
    let world = SlackWorld::start().await;
    world.tune(|t| {
        t.post_burst = 10_000;
        t.tiers = false;
    });
    world
}

pub async fn quick_discord() -> DiscordWorld {
    let world = DiscordWorld::start().await;
    for route in [
        "POST /channels/*/messages",
        "PATCH /channels/*/messages/*",
        "* /webhooks/**",
    ] {
        world.limits(Rule::new(route, 10_000, 1000));
    }
    world.limits_everything(10_000);
    world
}
