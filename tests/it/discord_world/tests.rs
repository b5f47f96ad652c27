//! The stand-in's own rules, asked by a plain client.

mod client;
mod gateway_tests;
mod limits_tests;
mod rest_tests;
mod rooms_tests;
mod signed_tests;
mod talk_tests;

use super::{DiscordWorld, Rule};

/// What a bot of ours asks the gateway for.
pub fn bot_intents() -> u64 {
    client::INTENTS
}

/// A plain client of this world.
pub fn plain(world: &DiscordWorld) -> client::Bot {
    client::Bot::new(world)
}

/// A world, its client and the path of the messages of `#general`, without brakes: what is refused is
/// refused for what it is.
async fn unhurried() -> (DiscordWorld, client::Bot, String) {
    let world = DiscordWorld::start().await;
    world.limits(Rule::new("* /**", 1000, 1000));
    world.limits_everything(1000);
    let (bot, general) = (plain(&world), world.room_id("general"));
    (world, bot, format!("/channels/{general}/messages"))
}
