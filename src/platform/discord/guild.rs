//! What is known of the guild: its channels and roles, the bot's place in it, its commands.

use super::inbound::text;
use super::{Discord, commands, invite, lock};
use crate::chat::surface::tree;
use crate::chat::{Fault, Retry};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Channels are asked for again after this long; with a gateway, changes are told before.
const KEEP: Duration = Duration::from_secs(60);
/// The first wait before something about the guild is asked again, and the longest.
pub(super) const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Kinds of channels.
pub(super) const TEXT: u64 = 0;
pub(super) const CATEGORY: u64 = 4;
pub(super) const NEWS: u64 = 5;

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Channel {
    pub id: String,
    pub kind: u64,
    pub name: String,
    pub topic: String,
    pub parent: String,
    /// Roles that must not look into it; a server's own number is everybody.
    pub closed_to: Vec<String>,
}

impl Channel {
    pub fn read(value: &Value) -> Channel {
        Channel {
            id: text(value, "id"),
            kind: value["type"].as_u64().unwrap_or(u64::MAX),
            name: text(value, "name"),
            topic: text(value, "topic"),
            parent: text(value, "parent_id"),
            closed_to: closed_to(value),
        }
    }
}

/// Roles a channel's overwrites keep from looking into it.
fn closed_to(channel: &Value) -> Vec<String> {
    let overwrites = channel["permission_overwrites"].as_array();
    let denies = |o: &&Value| {
        let deny = o["deny"].as_str().and_then(|d| d.parse::<u64>().ok());
        o["type"] == 0 && deny.unwrap_or(0) & invite::VIEW != 0
    };
    let closed = overwrites.into_iter().flatten().filter(denies);
    closed.map(|o| text(o, "id")).collect()
}

/// What was learnt of the guild.
#[derive(Default)]
pub(super) struct Known {
    pub me: String,
    channels: Option<(Instant, Arc<Vec<Channel>>)>,
    roles: BTreeMap<String, String>,
}

impl Discord {
    /// Every channel the bot sees. `fresh`: as it is now.
    pub(super) async fn channels(&self, fresh: bool) -> Result<Arc<Vec<Channel>>, Fault> {
        if !fresh
            && let Some((at, known)) = &lock(&self.guild).channels
            && at.elapsed() < KEEP
        {
            return Ok(known.clone());
        }
        let list = self
            .get(&format!("/guilds/{}/channels", self.settings.guild))
            .await?;
        let list: Vec<Channel> = list
            .as_array()
            .into_iter()
            .flatten()
            .map(Channel::read)
            .collect();
        let list = Arc::new(list);
        lock(&self.guild).channels = Some((Instant::now(), list.clone()));
        Ok(list)
    }

    /// Something about the channels has changed.
    pub(super) fn forget_channels(&self) {
        lock(&self.guild).channels = None;
    }

    /// Names of channels and roles by id, as far as they are known.
    pub(super) fn names(&self) -> BTreeMap<String, String> {
        let guild = lock(&self.guild);
        let mut names = guild.roles.clone();
        let channels = guild.channels.iter().flat_map(|(_, list)| list.iter());
        names.extend(channels.map(|c| (c.id.clone(), c.name.clone())));
        names
    }

    /// The bot's own user id; empty until it is known.
    pub(super) fn me(&self) -> String {
        lock(&self.guild).me.clone()
    }

    /// Makes the bot at home: who it is, what it may, its commands. Again and again until it works.
    pub(super) async fn introduce(&self) {
        let mut wait = AGAIN.0;
        while let Err(fault) = self.introduce_once().await {
            tracing::warn!(platform = self.name(), %fault, "Discord is not ready for firebell");
            self.stand(|s| s.start = Some(fault.why.clone()));
            let asked = if let Retry::AfterMs(ms) = fault.retry {
                Duration::from_millis(ms.unsigned_abs())
            } else {
                wait
            };
            tokio::time::sleep(asked.max(wait)).await;
            wait = (wait * 2).min(AGAIN.1);
        }
        self.stand(|s| s.start = None);
    }

    /// One look, for `firebell doctor`: who it is and the first thing to do when something is missing.
    /// Registers nothing.
    ///
    /// # Errors
    /// What is wrong and what to do about it.
    pub async fn examine(&self) -> Result<String, String> {
        let me = self.get("/users/@me").await.map_err(|refused| {
            format!(
                "{}; check `token` and, behind a proxy, `proxy` and `extra-ca`",
                refused.fault.why
            )
        })?;
        lock(&self.guild).me = text(&me, "id");
        self.check_permissions().await.map_err(|fault| fault.why)?;
        let missing = self.link.state().missing;
        if let Some(first) = missing.first() {
            let more = match missing.len() {
                1 => String::new(),
                n => format!(" (and {} more)", n - 1),
            };
            return Err(format!(
                "{first}{more} Open the invite link again and allow it: {}",
                self.invite()
            ));
        }
        Ok(format!(
            "server {} as {}",
            self.settings.guild,
            text(&me, "username")
        ))
    }

    async fn introduce_once(&self) -> Result<(), Fault> {
        let me = text(&self.get("/users/@me").await?, "id");
        lock(&self.guild).me = me;
        self.check_permissions().await?;
        self.register().await?;
        self.channels(true).await.map(drop)
    }

    /// Compares what the bot may with what it needs.
    /// Learns nothing when something newer was told meanwhile: whoever told it asks again.
    pub(super) async fn check_permissions(&self) -> Result<(), Fault> {
        let told = lock(&self.standing).told;
        let missing = self.missing_permissions().await?;
        self.stand(|s| {
            if s.told == told {
                (s.guild, s.permissions) = (None, missing);
            }
        });
        Ok(())
    }

    async fn missing_permissions(&self) -> Result<Vec<String>, Fault> {
        let (guild, me) = (&self.settings.guild, self.me());
        let found = self.get(&format!("/guilds/{guild}")).await;
        let found = found.map_err(|refused| match refused.code {
            50001 | 10004 => {
                let why = self.not_there();
                self.stand(|s| s.guild = Some(why.clone()));
                Fault {
                    why,
                    retry: Retry::Backoff,
                }
            }
            _ => refused.fault,
        })?;
        let member = self.get(&format!("/guilds/{guild}/members/{me}")).await?;
        let own = |id: &str| {
            id == guild
                || member["roles"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|r| r == id)
        };
        let (mut have, mut roles) = (0, BTreeMap::new());
        for role in found["roles"].as_array().into_iter().flatten() {
            let id = text(role, "id");
            if own(&id) {
                have |= text(role, "permissions").parse::<u64>().unwrap_or(0);
            }
            roles.insert(id, text(role, "name"));
        }
        if text(&found, "owner_id") == me {
            have = u64::MAX;
        }
        lock(&self.guild).roles = roles;
        Ok(invite::missing(have))
    }

    /// Registers the commands, when those that are there differ.
    async fn register(&self) -> Result<(), Fault> {
        let path = format!(
            "/applications/{}/guilds/{}/commands",
            self.settings.application, self.settings.guild
        );
        let wanted = commands::commands(tree(), &self.settings.place.aliases);
        let have = self.get(&path).await?;
        if commands::same(&have, &wanted) {
            return Ok(());
        }
        self.put(&path, Some(&wanted)).await?;
        tracing::info!(platform = self.name(), "Discord has the newest commands");
        Ok(())
    }
}
