//! Discord: a guild as a place for cards, rooms, pages, commands and buttons.
//!
//! Promises: a line is posted once (a nonce for some minutes, a mark below the words for ever); a
//! card is edited in place; pages of one person wait for no channel; no text rings, links or formats
//! anything; every call has a time-out and is tried once, because the engine tries again; an act is
//! kept before Discord gets its answer, which it gets within three seconds.
//!
//! Why the mark: Discord keeps a nonce for some minutes only and never shows it again, so a line
//! bears its key in small grey letters (`-# 42:7:0`), and a card in the footer of its embed. A mark in
//! a component would put a button below every line, and one in an embed would take the words out of
//! a phone's notification. The key is what the journal and the outbox know the line by.
//!
//! What Discord does not have: people do not join a text channel, so nobody is told to have come
//! into a room; only who leaves the server is noticed. It does not say who deleted a message.
//!
//! The gateway is serenity's, and with it its limits (see `gateway`); `proxy` and `extra-ca` are honoured by
//! a way of our own (`tunnel`). With `public-key` there is no gateway: interactions come by signed HTTP, and messages,
//! reactions and pins are not seen.

mod asked;
mod commands;
mod converse;
mod events;
mod gateway;
mod guild;
mod http;
mod inbound;
mod invite;
mod limits;
mod messages;
mod people;
mod reconcile;
mod render;
mod rest;
mod rooms;
mod shelf;
mod text;
mod tunnel;
mod voice;

pub use commands::commands;
pub use invite::{link as invite_link, number as permissions};

use crate::chat::heard::Voice;
use crate::chat::link::Link;
use crate::config::chat;
use crate::engine::Engine;
use crate::hear::Ear;
use crate::platform::gate::Gates;
use rest::{Refused, Rest};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// One configured guild.
pub struct Discord {
    engine: Engine,
    settings: chat::Discord,
    rest: Arc<Rest>,
    gates: Gates,
    link: Link,
    ear: OnceLock<Ear>,
    standing: Mutex<Standing>,
    guild: Mutex<guild::Known>,
    /// Channels and rooms are made one at a time, so that two calls do not make two.
    making: tokio::sync::Mutex<()>,
    /// Conversations with accounts.
    direct: Mutex<HashMap<String, String>>,
    people: people::People,
    /// Rooms of incidents, as far as they were asked for.
    rooms: Mutex<HashSet<String>>,
    /// Threads people opened, and the room each is in; `None`: it is in none.
    threads: Mutex<HashMap<String, Option<String>>>,
    /// The newest message read in each room.
    seen: Mutex<HashMap<String, u64>>,
    /// Interactions whose first answer is on its way.
    unanswered: Mutex<HashMap<String, watch::Receiver<bool>>>,
    /// Emoji that put a message on the timeline.
    keep: BTreeMap<String, String>,
}

/// What stands in the way, the gravest first.
#[derive(Debug, Default)]
struct Standing {
    token: Option<String>,
    guild: Option<String>,
    /// Counts what the gateway tells of the bot's place: an answer to an older question is no news.
    told: u64,
    gateway: Option<String>,
    start: Option<String>,
    /// Permissions that are missing.
    permissions: Vec<String>,
    /// Intents that are missing.
    intents: Vec<String>,
}

/// The configured guilds. Those of one bot share its limits, and its gateway.
///
/// # Errors
/// When a proxy or a certificate authority cannot be used.
pub fn all(engine: &Engine, settings: &[chat::Discord]) -> anyhow::Result<Vec<Arc<Discord>>> {
    let mut made: Vec<Arc<Discord>> = Vec::new();
    for one in settings {
        let same = |d: &&Arc<Discord>| same_bot(&d.settings, one);
        let rest = match made.iter().find(same) {
            Some(other) => other.rest.clone(),
            None => Arc::new(Rest::new(
                &one.place.net,
                one.token.clone(),
                engine.public_url(),
            )?),
        };
        made.push(Arc::new(Discord::new(engine.clone(), one.clone(), rest)));
    }
    Ok(made)
}

fn same_bot(one: &chat::Discord, other: &chat::Discord) -> bool {
    one.token.expose_secret() == other.token.expose_secret()
        && one.place.net.api_url == other.place.net.api_url
        && one.public_key == other.public_key
}

/// Introduces the bots to their guilds and connects them; runs until the process ends.
pub fn start(all: &[Arc<Discord>], ear: &Ear) {
    let mut bots: Vec<Vec<Arc<Discord>>> = Vec::new();
    for discord in all {
        // A second start has nothing to do.
        if discord.ear.set(ear.clone()).is_err() {
            continue;
        }
        let own = discord.clone();
        crate::engine::spawn(async move { own.introduce().await });
        if discord.settings.public_key.is_some() {
            continue;
        }
        let shared = bots
            .iter_mut()
            .find(|bot| Arc::ptr_eq(&bot[0].rest, &discord.rest));
        match shared {
            Some(bot) => bot.push(discord.clone()),
            None => bots.push(vec![discord.clone()]),
        }
    }
    for bot in bots {
        crate::engine::spawn(gateway::live(bot));
    }
}

impl Discord {
    fn new(engine: Engine, settings: chat::Discord, rest: Arc<Rest>) -> Discord {
        let unknown = Some("not connected yet".to_owned());
        let standing = Standing {
            gateway: settings
                .public_key
                .is_none()
                .then(|| unknown.clone())
                .flatten(),
            start: unknown,
            ..Standing::default()
        };
        Discord {
            gates: Gates::new(Duration::from_millis(
                settings.place.net.pace_ms.unsigned_abs(),
            )),
            keep: inbound::emoji(&settings.place.keep_reactions),
            engine,
            settings,
            rest,
            link: Link::default(),
            ear: OnceLock::new(),
            standing: Mutex::new(standing),
            guild: Mutex::default(),
            making: tokio::sync::Mutex::default(),
            direct: Mutex::default(),
            people: people::People::default(),
            rooms: Mutex::default(),
            threads: Mutex::default(),
            seen: Mutex::default(),
            unanswered: Mutex::default(),
        }
    }

    /// Signed interactions, at `/`: to be mounted where the application's Interactions Endpoint URL
    /// points. Answers 404 without `public-key`.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        http::router(self.clone())
    }

    /// The configured name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.place.name
    }

    /// How it is connected.
    #[must_use]
    pub fn link(&self) -> &Link {
        Voice::link(self)
    }

    /// The invite link, with the permissions firebell uses.
    #[must_use]
    pub fn invite(&self) -> String {
        invite::link(&self.settings.application)
    }

    /// Why nothing can be done in a guild the bot is not in, with the way in.
    fn not_there(&self) -> String {
        format!(
            "firebell is not in the Discord server {}, or was removed from it; somebody who may manage it invites it with {}",
            self.settings.guild,
            self.invite()
        )
    }

    /// Notices what a call tells of the connection.
    fn noticed(&self, result: Result<Value, Refused>) -> Result<Value, Refused> {
        match &result {
            Err(refused) if refused.unauthorized => {
                self.stand(|s| s.token = Some(rest::REVOKED.to_owned()));
            }
            Err(refused) if refused.code == 10004 => {
                self.stand(|s| s.guild = Some(self.not_there()));
            }
            Err(refused) if refused.status == 0 => {}
            _ => self.stand(|s| s.token = None),
        }
        result
    }

    async fn get(&self, path: &str) -> Result<Value, Refused> {
        let result = self.rest.get(path).await;
        self.noticed(result)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        let result = self.rest.post(path, body).await;
        self.noticed(result)
    }

    async fn patch(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        let result = self.rest.patch(path, body).await;
        self.noticed(result)
    }

    async fn put(&self, path: &str, body: Option<&Value>) -> Result<Value, Refused> {
        let result = self.rest.put(path, body).await;
        self.noticed(result)
    }

    /// Changes what stands in the way, and tells the link.
    fn stand(&self, change: impl FnOnce(&mut Standing)) {
        let (trouble, missing) = {
            let mut standing = lock(&self.standing);
            change(&mut standing);
            let s = &*standing;
            let trouble = [&s.token, &s.guild, &s.gateway, &s.start]
                .into_iter()
                .flatten()
                .next();
            (
                trouble.cloned(),
                [s.permissions.clone(), s.intents.clone()].concat(),
            )
        };
        let now = self.engine.now();
        match trouble {
            Some(why) => self.link.down(&why, now),
            None => self.link.up(now),
        }
        self.link.lacks(missing);
    }

    /// The incident's page on the console.
    fn page_of(&self, incident: i64) -> String {
        format!("{}/incidents/{incident}", self.engine.public_url())
    }

    /// All incidents on the console.
    fn home(&self) -> String {
        format!("{}/incidents", self.engine.public_url())
    }
}

/// What is behind the lock, even when somebody panicked with it in hand.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
