//! The port's inbound half: what a person did on a platform, and the ways to answer them.
//!
//! An adapter verifies a payload, reads it leniently into a [`Heard`] and hands it over; foreign
//! shapes stop there. `Heard` is our own shape and is kept in the database until it is worked
//! off, so its fields may only be added to.

use super::form::Form;
use super::link::Link;
use super::{Answer, Button, Chat};
use crate::core::id::IncidentId;
use crate::core::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Somebody as the platform vouches for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Immutable id on the platform; all authorisation rests on it.
    pub id: String,
    /// Display name; for people to read only.
    pub name: String,
    /// Workspace or guild the user belongs to, when the payload says so.
    #[serde(default)]
    pub home: String,
}

/// Something a person did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The configured platform name.
    pub platform: String,
    /// Unique per act on this platform: event id, interaction id, trigger. The same key again is
    /// the platform's retry or a replay, and has no second effect.
    pub key: String,
    /// When it was done, by the platform's clock where it tells, else when it arrived.
    pub at: Time,
    /// Who.
    pub by: User,
    /// The platform's id of the channel; empty where there is none.
    pub room: String,
    /// What.
    pub deed: Deed,
    /// Where an answer goes, in the adapter's own words.
    #[serde(default)]
    pub reply_to: BTreeMap<String, String>,
}

/// A file that came with a message, where the platform keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardFile {
    /// The platform's id of it.
    pub id: String,
    /// As its sender calls it.
    pub name: String,
    /// Where it is; a stranger's words.
    pub url: String,
    /// Bytes, as the platform says; 0: it does not.
    pub bytes: u64,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// A command as one line of text, without its root.
    Line {
        /// `ack #42`.
        text: String,
    },
    /// A command with typed options, by the names of the command tree.
    Typed {
        /// `snooze`.
        verb: String,
        /// Argument name to value; `incident` is the number.
        options: BTreeMap<String, String>,
    },
    /// A button.
    Press {
        /// What the button carried.
        token: String,
        /// The message it stands on.
        message: String,
    },
    /// A form was sent.
    Submit {
        /// What the form carried.
        token: String,
        /// Field name to value; empty ones may be missing.
        values: BTreeMap<String, String>,
    },
    /// A message was written.
    Said {
        /// The platform's id of the message.
        message: String,
        /// The words, as plain text.
        text: String,
        /// The platform's id of the message it answers; empty: none.
        #[serde(default)]
        answers: String,
        /// What came with it.
        #[serde(default)]
        files: Vec<HeardFile>,
    },
    /// A message was changed.
    Edited {
        /// Which.
        message: String,
        /// The words now.
        text: String,
    },
    /// A message was deleted.
    Deleted {
        /// Which.
        message: String,
    },
    /// A message was put on the timeline: by shortcut, pin or reaction.
    Kept {
        /// Which.
        message: String,
        /// Its words; empty: the adapter is asked for them.
        text: String,
        /// Who wrote it, when known.
        author: Option<User>,
        /// When it was written.
        written_at: Time,
        /// `pinned`, `marked with :pushpin:`, `added by shortcut`.
        how: String,
        /// firebell itself wrote it: it repeats somebody, or is nothing for the timeline.
        #[serde(default)]
        ours: bool,
    },
    /// That was taken back.
    Unkept {
        /// Which.
        message: String,
        /// The way it was put there.
        how: String,
    },
    /// An incident is to be declared from a message.
    Declare {
        /// Which.
        message: String,
        /// Its words, as plain text.
        text: String,
        /// Where it stands, for a browser; empty: the platform does not say.
        link: String,
    },
    /// Came into the room.
    Joined,
    /// Left the room.
    Left,
    /// Opened the bot's home page.
    Home,
}

/// What a platform knows of somebody, asked when it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Immutable id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// E-mail, only where the platform has verified it itself.
    pub email: Option<String>,
    /// Why this account may look and not act: `a guest`, `a bot`, `from another organisation`,
    /// `deactivated`. `None`: a full member.
    pub limited: Option<String>,
}

/// What a platform knows of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Shared with another organisation: buttons and commands are read-only in it.
    pub shared: bool,
}

/// An answer to somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Plain text; the adapter escapes it.
    pub text: String,
    /// For everybody in the room; else for the asker alone.
    pub aloud: bool,
    /// It was done or answered; false: refused, and looks like it.
    pub ok: bool,
    /// The incident it is about.
    pub incident: Option<IncidentId>,
    /// Link to more.
    pub url: Option<String>,
    /// File name and content to attach.
    pub document: Option<(String, String)>,
    /// Buttons below it, drawn for `incident` at `seq`.
    pub buttons: Vec<Button>,
    /// The state the buttons were drawn at.
    pub seq: u32,
}

/// A person's own page on the platform (Slack's App Home).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Home {
    /// Greeting, or why this account cannot act.
    pub head: String,
    /// Title and lines: my shifts, my incidents, who is on call.
    pub sections: Vec<(String, Vec<String>)>,
    /// The console.
    pub url: String,
}

/// A chat platform that can be talked with.
pub trait Voice: Chat {
    /// How it is connected.
    fn link(&self) -> &Link;

    /// Answers whoever did it. May be called once per act, within the platform's time.
    fn answer<'a>(&'a self, heard: &'a Heard, said: &'a Said) -> Answer<'a, ()>;

    /// Opens a form in front of whoever did it.
    fn ask<'a>(&'a self, heard: &'a Heard, form: &'a Form) -> Answer<'a, ()>;

    /// Who somebody is. May be a little old; never older than five minutes.
    fn profile<'a>(&'a self, user: &'a str) -> Answer<'a, Profile>;

    /// What a channel is. May be a little old; never older than five minutes.
    fn channel<'a>(&'a self, room: &'a str) -> Answer<'a, Channel>;

    /// The words and author of a message; `None`: it is gone.
    fn message<'a>(&'a self, room: &'a str, message: &'a str)
    -> Answer<'a, Option<(User, String)>>;

    /// The room a message stands in when that is narrower than where the platform says it is: the thread
    /// of a channel. `None`: it is where it is said to be.
    fn thread_of<'a>(&'a self, room: &'a str, message: &'a str) -> Answer<'a, Option<String>> {
        let _ = (room, message);
        Box::pin(std::future::ready(Ok(None)))
    }

    /// The content of a file that came with a message, of at most so many bytes.
    fn fetch<'a>(&'a self, file: &'a HeardFile, most: u64) -> Answer<'a, bytes::Bytes> {
        let _ = (file, most);
        Box::pin(std::future::ready(Err(super::unable())))
    }

    /// Shows somebody their own page. Platforms without one do nothing.
    fn home<'a>(&'a self, user: &'a str, home: &'a Home) -> Answer<'a, ()>;
}
