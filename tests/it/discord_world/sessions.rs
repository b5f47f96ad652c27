//! Gateway sessions: what each has been told, by number, so that it can be told again; who gets which
//! event, and with how much of a message.

use super::model::{Channel, Id, Message};
use super::permissions::VIEW_CHANNEL;
use super::shapes;
use super::state::State;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

pub const GUILDS: u64 = 1;
pub const GUILD_MEMBERS: u64 = 1 << 1;
pub const GUILD_PRESENCES: u64 = 1 << 8;
pub const GUILD_MESSAGES: u64 = 1 << 9;
pub const GUILD_MESSAGE_REACTIONS: u64 = 1 << 10;
pub const DIRECT_MESSAGES: u64 = 1 << 12;
pub const DIRECT_MESSAGE_REACTIONS: u64 = 1 << 13;
pub const MESSAGE_CONTENT: u64 = 1 << 15;
/// Those that have to be switched on in the developer portal.
pub const PRIVILEGED: u64 = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT;

/// What a connection is told to do.
#[derive(Clone, Debug)]
pub enum Out {
    Frame(Value),
    /// A close frame with this code, or one without any.
    Close(Option<u16>),
    /// The TCP connection ends without a word.
    Drop,
    /// From now on the connection neither answers nor tells anything, and stays open.
    Zombie,
}

pub struct Session {
    pub id: String,
    pub intents: u64,
    pub seq: u64,
    /// Everything told so far, for a resume.
    pub told: Vec<(u64, Value)>,
    pub line: Option<UnboundedSender<Out>>,
    /// False once it cannot be resumed any more.
    pub valid: bool,
    pub resumes: usize,
}

impl Session {
    /// Tells an event: it gets the next number, and waits for a resume when nobody listens.
    pub fn tell(&mut self, name: &str, data: &Value) {
        self.seq += 1;
        let frame = json!({"op": 0, "s": self.seq, "t": name, "d": data});
        self.told.push((self.seq, frame.clone()));
        self.send(Out::Frame(frame));
    }

    pub fn send(&mut self, out: Out) {
        let gone = self
            .line
            .as_ref()
            .is_some_and(|line| line.send(out).is_err());
        if gone {
            self.line = None;
        }
    }
}

impl State {
    /// Tells every session that asked for `intents` (0: everybody).
    pub fn publish(&mut self, name: &str, intents: u64, data: &Value) {
        let times = 1 + usize::from(self.doubled.contains(name));
        for session in self.sessions.iter_mut().filter(|s| s.valid) {
            if intents == 0 || session.intents & intents != 0 {
                for _ in 0..times {
                    session.tell(name, data);
                }
            }
        }
    }

    /// Tells of something in a channel, when the bot can see it.
    pub fn publish_in(&mut self, channel: &Channel, name: &str, intents: (u64, u64), data: &Value) {
        if self.may(channel, self.bot, VIEW_CHANNEL) {
            let intent = if channel.guild.is_some() {
                intents.0
            } else {
                intents.1
            };
            self.publish(name, intent, data);
        }
    }

    /// Tells of a message; without the intent for it, and without a reason, not of its content.
    pub fn publish_message(&mut self, name: &str, id: Id) {
        let message = self.messages[&id].clone();
        let channel = self.channels[&message.channel].clone();
        if message.ephemeral() || !self.may(&channel, self.bot, VIEW_CHANNEL) {
            return;
        }
        let (full, bare) = (shapes::message_event(self, &message), self.bare(&message));
        let open = self.may_read(&channel, &message);
        let intent = if channel.guild.is_some() {
            GUILD_MESSAGES
        } else {
            DIRECT_MESSAGES
        };
        let times = 1 + usize::from(self.doubled.contains(name));
        for session in self
            .sessions
            .iter_mut()
            .filter(|s| s.valid && s.intents & intent != 0)
        {
            let shown = open || session.intents & MESSAGE_CONTENT != 0;
            for _ in 0..times {
                session.tell(name, if shown { &full } else { &bare });
            }
        }
    }

    fn may_read(&self, channel: &Channel, message: &Message) -> bool {
        let mentioned = message.content.contains(&format!("<@{}>", self.bot));
        channel.guild.is_none() || message.author == self.bot || mentioned
    }

    fn bare(&self, message: &Message) -> Value {
        let mut bare = shapes::message_event(self, message);
        bare["content"] = json!("");
        for key in ["embeds", "attachments", "components"] {
            bare[key] = json!([]);
        }
        bare
    }

    pub fn publish_channel(&mut self, name: &str, channel: &Channel) {
        let data = shapes::channel(self, channel);
        self.publish_in(channel, name, (GUILDS, 0), &data);
    }

    /// Sends to whatever is connected now, past numbers and intents.
    pub fn send_all(&mut self, out: &Out) {
        for session in &mut self.sessions {
            session.send(out.clone());
        }
    }
}
