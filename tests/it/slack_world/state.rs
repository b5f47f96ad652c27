//! Everything a workspace remembers, under one lock.

use super::clock::Clock;
use super::fault::Fault;
use super::model::{
    Call, Channel, Hook, Kind, Message, Response, Team, Trigger, Upload, User, UserGroup, View,
};
use super::rate::Buckets;
use super::sockets::Sockets;
use super::tokens::Tokens;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The numbers a test may change; they begin as Slack's.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches of one workspace, each on its own"
)]
pub struct Tune {
    /// How long an app may take to acknowledge.
    pub ack_within: Duration,
    /// How long a `trigger_id` is good for.
    pub trigger_life: Duration,
    /// Messages a channel takes at once before it takes one a second.
    pub post_burst: u32,
    pub post_per_sec: f64,
    /// Whether the tiers (20, 50, 100 calls a minute) are kept.
    pub tiers: bool,
    /// Calls a minute of one method, instead of its tier.
    pub per_minute: BTreeMap<String, u32>,
    /// How often a socket is pinged.
    pub ping_every: Duration,
    /// Sends once more what was not acknowledged.
    pub resend: bool,
    /// Every event arrives twice, with the same `event_id`.
    pub duplicate_events: bool,
    /// Names in a command's text arrive as `<@U…|name>`, as apps ask for by their manifest.
    pub escape_commands: bool,
    /// Slack refuses it to bot tokens: an archived channel has no bots, and so `not_in_channel`.
    pub bots_may_unarchive: bool,
    /// Life of an access token that was rotated.
    pub token_life: Duration,
}

impl Default for Tune {
    fn default() -> Tune {
        Tune {
            ack_within: Duration::from_secs(3),
            trigger_life: Duration::from_secs(3),
            post_burst: 5,
            post_per_sec: 1.0,
            tiers: true,
            per_minute: BTreeMap::new(),
            ping_every: Duration::from_secs(5),
            resend: true,
            duplicate_events: false,
            escape_commands: true,
            bots_may_unarchive: false,
            token_life: Duration::from_secs(12 * 3600),
        }
    }
}

/// The events an app usually asks for in its manifest.
pub const EVENTS: [&str; 17] = [
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "channel_archive",
    "channel_rename",
    "channel_unarchive",
    "group_archive",
    "member_joined_channel",
    "member_left_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "pin_added",
    "pin_removed",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
];

/// Something that went to the app and what came of it.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// `events_api`, `slash_commands` or `interactive`.
    pub kind: &'static str,
    pub payload: Value,
    pub envelope_id: String,
    pub retry: u32,
    /// In time or late; `None` while it is not acknowledged.
    pub acked_after: Option<Duration>,
    /// The body of the acknowledgement.
    pub answer: Option<Value>,
    /// HTTP mode: what was posted, to be replayed byte by byte.
    pub http: Option<Posted>,
}

/// A signed request as it left.
#[derive(Clone, Debug)]
pub struct Posted {
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// What the app answered; 0 when nothing came.
    pub status: u16,
}

/// Where an app without sockets takes requests.
#[derive(Clone, Debug)]
pub struct RequestUrls {
    pub events: String,
    pub commands: String,
    pub interactivity: String,
}

pub struct State {
    pub clock: Clock,
    pub tune: Tune,
    /// `127.0.0.1:port`.
    pub host: String,
    pub app_id: String,
    pub signing_secret: String,
    pub teams: Vec<Team>,
    pub users: Vec<User>,
    pub channels: Vec<Channel>,
    pub messages: Vec<Message>,
    pub views: Vec<View>,
    pub usergroups: Vec<UserGroup>,
    pub uploads: Vec<Upload>,
    /// Ids of files that were asked for, in order.
    pub downloads: Vec<String>,
    /// HTTP status of the next answers to that.
    pub download_trouble: std::collections::VecDeque<u16>,
    /// Names of files nobody gets to the end of, as long as they stand here.
    pub slow_files: std::collections::BTreeSet<String>,
    pub tokens: Tokens,
    pub triggers: BTreeMap<String, Trigger>,
    pub hooks: BTreeMap<String, Hook>,
    pub responses: Vec<Response>,
    pub calls: Vec<Call>,
    /// What an app must not do; a test ends red with them.
    pub violations: Vec<String>,
    pub late: Vec<String>,
    pub faults: Vec<Fault>,
    pub halt: crate::halt::Halt,
    pub buckets: Buckets,
    pub sockets: Sockets,
    pub urls: Option<RequestUrls>,
    pub subscribed: BTreeSet<String>,
    /// Events that happened and are not sent yet.
    pub events: Vec<Value>,
    /// Events are kept back until they are let go.
    pub holding: bool,
    pub sent: Vec<Sent>,
    /// How much is sent and not yet acknowledged or given up.
    pub on_the_way: usize,
    /// What found no socket.
    pub undelivered: Vec<(&'static str, Value)>,
    pub next_id: u64,
}

impl State {
    pub fn new(host: String) -> State {
        State {
            clock: Clock::default(),
            tune: Tune::default(),
            host,
            app_id: "A0FIREBELL".to_owned(),
            signing_secret: format!("{:032x}", fastrand::u128(..)),
            teams: Vec::new(),
            users: Vec::new(),
            channels: Vec::new(),
            messages: Vec::new(),
            views: Vec::new(),
            usergroups: Vec::new(),
            uploads: Vec::new(),
            downloads: Vec::new(),
            download_trouble: std::collections::VecDeque::new(),
            slow_files: std::collections::BTreeSet::new(),
            tokens: Tokens::default(),
            triggers: BTreeMap::new(),
            hooks: BTreeMap::new(),
            responses: Vec::new(),
            calls: Vec::new(),
            violations: Vec::new(),
            late: Vec::new(),
            faults: Vec::new(),
            halt: crate::halt::Halt::default(),
            buckets: Buckets::default(),
            sockets: Sockets::default(),
            urls: None,
            subscribed: EVENTS.iter().map(|e| (*e).to_owned()).collect(),
            events: Vec::new(),
            holding: false,
            sent: Vec::new(),
            on_the_way: 0,
            undelivered: Vec::new(),
            next_id: 0,
        }
    }

    /// An id as Slack makes them: a letter that tells what it is, then capitals and digits.
    pub fn id(&mut self, letter: &str) -> String {
        self.next_id += 1;
        format!("{letter}0{:07}", self.next_id)
    }

    pub fn team(&self, id: &str) -> &Team {
        self.teams.iter().find(|t| t.id == id).expect("a team")
    }

    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|u| u.id == id)
    }

    pub fn user_named(&self, team: &str, name: &str) -> Option<&User> {
        let mut users = self.users.iter();
        users.find(|u| u.name == name && u.team == team)
    }

    pub fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|c| c.id == id)
    }

    pub fn channel_mut(&mut self, id: &str) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|c| c.id == id)
    }

    pub fn channel_named(&self, team: &str, name: &str) -> Option<&Channel> {
        let mut channels = self.channels.iter();
        channels.find(|c| c.team == team && c.name == name && !c.name.is_empty())
    }

    pub fn message(&self, channel: &str, ts: &str) -> Option<&Message> {
        let mut all = self.messages.iter().rev();
        all.find(|m| m.channel == channel && m.ts == ts && !m.deleted)
    }

    pub fn message_mut(&mut self, channel: &str, ts: &str) -> Option<&mut Message> {
        let mut all = self.messages.iter_mut().rev();
        all.find(|m| m.channel == channel && m.ts == ts && !m.deleted)
    }

    pub fn view(&self, id: &str) -> Option<&View> {
        self.views.iter().find(|v| v.id == id)
    }

    pub fn view_mut(&mut self, id: &str) -> Option<&mut View> {
        self.views.iter_mut().find(|v| v.id == id)
    }

    /// The conversation of the app with this user, opened when there is none.
    pub fn direct(&mut self, team: &str, user: &str) -> String {
        let bot = self.team(team).bot_user.clone();
        let pair = BTreeSet::from([bot.clone(), user.to_owned()]);
        let mut channels = self.channels.iter();
        if let Some(c) = channels.find(|c| c.kind == Kind::Direct && c.members == pair) {
            return c.id.clone();
        }
        self.open(team, "", Kind::Direct, &bot, pair)
    }

    /// A new conversation; its id.
    pub fn open(
        &mut self,
        team: &str,
        name: &str,
        kind: Kind,
        creator: &str,
        members: BTreeSet<String>,
    ) -> String {
        let id = self.id(match kind {
            Kind::Direct => "D",
            Kind::Private | Kind::Public => "C",
            Kind::Group => "G",
        });
        self.channels.push(Channel {
            id: id.clone(),
            team: team.to_owned(),
            name: name.to_owned(),
            kind,
            creator: creator.to_owned(),
            created: self.clock.secs(),
            archived: false,
            general: name == "general",
            ext_shared: false,
            members,
            topic: String::new(),
            purpose: String::new(),
            previous_names: Vec::new(),
            pins: Vec::new(),
            bookmarks: Vec::new(),
        });
        id
    }

    pub fn trigger(&mut self, team: &str, user: &str, view: Option<String>) -> String {
        let until = self.clock.micros() + self.tune.trigger_life.as_micros() as u64;
        let secs = self.clock.secs();
        self.next_id += 1;
        let id = format!("{secs}.{}.{:032x}", self.next_id, fastrand::u128(..));
        let trigger = Trigger {
            team: team.to_owned(),
            user: user.to_owned(),
            until,
            used: false,
            view,
        };
        self.triggers.insert(id.clone(), trigger);
        id
    }

    /// A `response_url`: five uses in thirty minutes.
    pub fn hook(
        &mut self,
        kind: &str,
        team: &str,
        user: &str,
        channel: &str,
        message: Option<String>,
    ) -> String {
        self.next_id += 1;
        let path = format!("{kind}/{team}/{}/{:032x}", self.next_id, fastrand::u128(..));
        let hook = Hook {
            team: team.to_owned(),
            user: user.to_owned(),
            channel: channel.to_owned(),
            message,
            until: self.clock.micros() + 30 * 60 * 1_000_000,
            left: 5,
        };
        self.hooks.insert(path.clone(), hook);
        format!("http://{}/hooks/{path}", self.host)
    }

    pub fn violation(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }
}
