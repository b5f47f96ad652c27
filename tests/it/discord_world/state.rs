//! Everything the stand-in remembers, behind one lock, and the questions asked of it everywhere.

use super::faults::Planned;
use super::limits::Buckets;
use super::model::{Channel, Command, DM, EPOCH_MS, Guild, Id, Interaction, Message, User};
use super::permissions;
use super::problem::{self, Problem};
use super::sessions::Session;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One request the bot made, as it arrived, and what it was told.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// Under `/api/v10`.
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    /// The JSON, that of `payload_json` for an upload; null without one.
    pub body: Value,
    pub files: Vec<File>,
    /// On the world's clock.
    pub at_ms: i64,
    /// On the machine's, whatever test moved the world's.
    pub at: tokio::time::Instant,
    /// 0 until it is answered; it stays 0 for a request that never was.
    pub status: u16,
}

impl Call {
    pub fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|s| !s.is_empty()).collect()
    }
}

/// A file that came with a message.
#[derive(Clone, Debug)]
pub struct File {
    /// Of `files[n]`.
    pub index: usize,
    pub name: String,
    pub content_type: Option<String>,
    pub bytes: Vec<u8>,
}

/// What a test may set; the defaults are Discord's.
#[derive(Clone, Debug)]
pub struct Settings {
    pub heartbeat_ms: u64,
    /// Privileged intents switched on in the developer portal.
    pub privileged: u64,
    pub guild_channels: usize,
    pub category_channels: usize,
    pub pins: usize,
    /// How long a nonce names its message.
    pub nonce_ms: i64,
    /// Of one file.
    pub upload_bytes: usize,
    /// Renames and changes of topic one channel takes in ten minutes.
    pub renames: usize,
    /// Whoever identifies is told READY, and everything after it.
    pub tells_ready: bool,
    /// Intents the gateway refuses although the application's flags say they are on.
    pub refuses_intents: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            heartbeat_ms: 41_250,
            privileged: super::sessions::MESSAGE_CONTENT,
            guild_channels: 500,
            category_channels: 50,
            pins: 50,
            nonce_ms: 3 * 60_000,
            upload_bytes: 10 * 1024 * 1024,
            renames: 2,
            tells_ready: true,
            refuses_intents: 0,
        }
    }
}

/// The world's memory.
pub struct State {
    pub settings: Settings,
    pub now_ms: i64,
    pub address: String,
    pub token: String,
    pub app: Id,
    pub bot: Id,
    pub home: Id,
    pub users: BTreeMap<Id, User>,
    pub guilds: BTreeMap<Id, Guild>,
    pub channels: BTreeMap<Id, Channel>,
    pub messages: BTreeMap<Id, Message>,
    pub commands: Vec<Command>,
    pub interactions: BTreeMap<Id, Interaction>,
    pub sessions: Vec<Session>,
    pub calls: Vec<Call>,
    pub faults: Vec<Planned>,
    pub halt: crate::halt::Halt,
    pub buckets: Buckets,
    pub violations: Vec<String>,
    /// Answers of 401, 403 and 429 (but for shared limits): ten thousand of them in ten minutes ban.
    pub invalid: usize,
    /// Events of these names are delivered twice.
    pub doubled: BTreeSet<String>,
    /// Files that came with people's messages.
    pub uploads: BTreeMap<Id, Vec<u8>>,
    /// Where interactions are posted, signed; the gateway gets none of them then.
    pub endpoint: Option<String>,
    pub key: ed25519_dalek::SigningKey,
    newest: Id,
}

impl State {
    pub fn new(address: String) -> State {
        State {
            settings: Settings::default(),
            now_ms: 0,
            address,
            token: "MTEx.stand-in.token".to_owned(),
            app: 0,
            bot: 0,
            home: 0,
            users: BTreeMap::new(),
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            messages: BTreeMap::new(),
            commands: Vec::new(),
            interactions: BTreeMap::new(),
            sessions: Vec::new(),
            calls: Vec::new(),
            faults: Vec::new(),
            halt: crate::halt::Halt::default(),
            buckets: Buckets::default(),
            violations: Vec::new(),
            invalid: 0,
            doubled: BTreeSet::new(),
            uploads: BTreeMap::new(),
            endpoint: None,
            key: ed25519_dalek::SigningKey::from_bytes(&[7; 32]),
            newest: 0,
        }
    }

    /// A snowflake of now; later ones are greater.
    pub fn snowflake(&mut self) -> Id {
        let ms = u64::try_from(self.now_ms - EPOCH_MS).unwrap_or(0);
        self.newest = (ms << 22).max(self.newest + 1);
        self.newest
    }

    pub fn guild_of(&self, channel: &Channel) -> Option<&Guild> {
        channel.guild.and_then(|id| self.guilds.get(&id))
    }

    /// A server the bot is in.
    pub fn guild(&self, id: Id) -> Result<&Guild, Problem> {
        let guild = self.guilds.get(&id).ok_or_else(problem::unknown_guild)?;
        if guild.members.contains_key(&self.bot) {
            Ok(guild)
        } else {
            Err(problem::missing_access())
        }
    }

    /// A channel as the bot may reach it.
    pub fn channel(&self, id: Id) -> Result<&Channel, Problem> {
        let channel = self
            .channels
            .get(&id)
            .ok_or_else(problem::unknown_channel)?;
        if self.may(channel, self.bot, permissions::VIEW_CHANNEL) {
            Ok(channel)
        } else {
            Err(problem::missing_access())
        }
    }

    pub fn may(&self, channel: &Channel, user: Id, bits: u64) -> bool {
        if channel.kind == DM && channel.recipient != Some(user) && user != self.bot {
            return false;
        }
        self.rights(channel, user) & bits == bits
    }

    pub fn rights(&self, channel: &Channel, user: Id) -> u64 {
        // A thread follows its channel.
        let place = channel
            .parent
            .filter(|_| channel.kind == super::model::THREAD)
            .and_then(|parent| self.channels.get(&parent))
            .unwrap_or(channel);
        permissions::in_channel(self.guild_of(channel), place, user)
    }

    pub fn demand(&self, channel: &Channel, bits: u64) -> Result<(), Problem> {
        if self.may(channel, self.bot, bits) {
            Ok(())
        } else {
            Err(problem::missing_permissions())
        }
    }

    /// A message that is still there, in this channel, and not for one pair of eyes only.
    pub fn message(&self, channel: Id, id: Id) -> Result<&Message, Problem> {
        self.messages
            .get(&id)
            .filter(|m| m.channel == channel && !m.deleted && !m.ephemeral())
            .ok_or_else(problem::unknown_message)
    }

    pub fn messages_in(&self, channel: Id) -> impl DoubleEndedIterator<Item = &Message> {
        let here = self.messages.values();
        here.filter(move |m| m.channel == channel && !m.deleted && !m.ephemeral())
    }
}
