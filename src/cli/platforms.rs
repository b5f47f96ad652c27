//! The chat platforms that are switched on: put up, wired to the engine and the ear, and watched.

use crate::chat::Chat;
use crate::chat::heard::Voice;
use crate::config::Settings;
use crate::config::chat::Place;
use crate::engine::{self, Engine};
use crate::hear::Ear;
use crate::http::ChatDoors;
use crate::platform::console::{ConsoleChat, PLATFORM, channels};
use crate::platform::discord::{self, Discord};
use crate::platform::slack::{self, Slack};
use crate::platform::watch::{Listener, PATIENCE, watch};
use anyhow::Context;
use axum::Router;
use std::sync::Arc;

/// Slack and Discord as configured, not yet connected.
pub(super) struct Platforms {
    slack: Vec<Arc<Slack>>,
    discord: Vec<Arc<Discord>>,
    ear: Ear,
    /// What the doors need of them.
    pub doors: Arc<ChatDoors>,
}

impl Platforms {
    /// Puts them up.
    ///
    /// # Errors
    /// When one cannot be used as configured: a certificate that is no file, for instance.
    pub fn put_up(engine: &Engine, settings: &Settings) -> anyhow::Result<Platforms> {
        let named = |place: &Place| format!("the chat platform {} cannot be used", place.name);
        let slack = settings
            .slack
            .iter()
            .map(|s| {
                let made = Slack::new(engine.clone(), s).with_context(|| named(&s.place))?;
                Ok(Arc::new(made))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let discord = discord::all(engine, &settings.discord).context("Discord cannot be used")?;
        let voices: Vec<Arc<dyn Voice>> = slack
            .iter()
            .map(|s| s.clone() as Arc<dyn Voice>)
            .chain(discord.iter().map(|d| d.clone() as Arc<dyn Voice>))
            .collect();
        let ear = Ear::new(engine.clone(), voices.clone());
        let mut routes = Router::new();
        for (s, place) in slack.iter().zip(&settings.slack) {
            if place.app_token.is_none() {
                let path = format!("/slack/{}", place.place.name);
                routes = routes.nest(&path, slack::router(s.clone(), ear.clone()));
            }
        }
        for (d, place) in discord.iter().zip(&settings.discord) {
            if place.public_key.is_some() {
                let path = format!("/discord/{}/interactions", place.place.name);
                routes = routes.nest(&path, d.router());
            }
        }
        Ok(Platforms {
            slack,
            discord,
            ear,
            doors: Arc::new(ChatDoors { voices, routes }),
        })
    }

    /// Connects them, works off what was heard before, and lets the engine speak through them.
    ///
    /// # Errors
    /// When the store cannot be read, or the console's channels cannot be made.
    pub async fn open(self, engine: &Engine, settings: &Settings) -> anyhow::Result<()> {
        let mut chats: Vec<Arc<dyn Chat>> = Vec::new();
        let mut listeners = Vec::new();
        if settings.console.enabled {
            let console = console(engine, settings).await?;
            // The first configured channel: there always is one while the console is on.
            if let Some(channel) = settings.console.channels.first() {
                listeners.push(Listener {
                    chat: console.clone(),
                    channel: channel.clone(),
                });
            }
            chats.push(console);
        }
        let places = settings.slack.iter().map(|s| &s.place);
        let places = places.chain(settings.discord.iter().map(|d| &d.place));
        for (voice, place) in self.doors.voices.iter().zip(places) {
            chats.push(voice.clone());
            listeners.push(Listener {
                chat: voice.clone(),
                channel: place.channel.clone(),
            });
        }
        slack::start(&self.slack, &self.ear);
        discord::start(&self.discord, &self.ear);
        for voice in &self.doors.voices {
            let others = listeners
                .iter()
                .filter(|l| l.chat.platform() != voice.platform())
                .cloned()
                .collect();
            engine::spawn(watch(engine.clone(), voice.clone(), others, PATIENCE));
        }
        engine.deliver_through(chats);
        self.ear.catch_up().await?;
        Ok(())
    }
}

/// The console's adapter, with every channel it is to have.
pub(super) async fn console(
    engine: &Engine,
    settings: &Settings,
) -> anyhow::Result<Arc<ConsoleChat>> {
    debug_assert_eq!(PLATFORM, "console");
    let console = ConsoleChat::new(engine.clone());
    let names = channels(&settings.console.channels, &engine.directory());
    console
        .ensure_channels(names)
        .await
        .context("the console's channels could not be made")?;
    Ok(Arc::new(console))
}
