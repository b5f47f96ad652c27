//! The voice: one port for Slack, Discord and the console, and the neutral things said through it.
//!
//! An adapter renders [`Card`] and [`Line`] in its own idiom. Nothing here trusts alert text:
//! only the composer mentions people, and by configured id.

pub mod card;
#[cfg(test)]
mod fixture;
pub mod grammar;
pub mod surface;
pub mod words;

use crate::core::id::{Actor, IncidentId, RunId, Seq};
use std::future::Future;
use std::pin::Pin;

/// A failed call to the outside, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Fault {
    /// In words, without secrets.
    pub why: String,
    /// Whether and when to try again.
    pub retry: Retry,
}

/// What to do after a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Back off as usual.
    Backoff,
    /// Not before this many milliseconds from now (`Retry-After`).
    AfterMs(i64),
    /// It will never work.
    Never,
}

/// A live card: drawn from state, edited in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// The incident it shows.
    pub incident: IncidentId,
    /// The state it was drawn at; carried by its buttons.
    pub seq: Seq,
    /// One line.
    pub title: String,
    /// `triggered`, `acknowledged`, `resolved`.
    pub status: String,
    /// Name of the severity.
    pub severity: String,
    /// Index of the severity, for colours.
    pub severity_index: u8,
    /// Label and value: service, since, who has it, what happens next.
    pub facts: Vec<(String, String)>,
    /// Short paragraphs: newest first.
    pub lines: Vec<String>,
    /// In the order shown.
    pub buttons: Vec<Button>,
    /// Link to the console page.
    pub url: String,
}

/// One button. It carries the state it was drawn at; a stale press is answered, never obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What it does.
    pub press: Press,
    /// How it looks.
    pub style: Style,
}

/// How a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The one to press.
    Primary,
    /// Everything else.
    Plain,
    /// Changes something in the world.
    Danger,
}

/// What a button does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Press {
    /// Acknowledge.
    Acknowledge,
    /// Resolve.
    Resolve,
    /// Climb the next rung now.
    Escalate,
    /// Snooze this long.
    Snooze {
        /// Milliseconds.
        ms: i64,
    },
    /// Give it a room.
    Promote,
    /// Take the lead.
    Lead,
    /// Open the form of an action.
    AskRun {
        /// Action id.
        action: String,
    },
    /// Confirm or approve a run.
    Approve {
        /// Which.
        run: RunId,
    },
    /// Reject or withdraw a run.
    Reject {
        /// Which.
        run: RunId,
    },
    /// Read the postmortem.
    Postmortem,
}

/// A line of text in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Idempotency key: `incident:seq:n`.
    pub key: String,
    /// The incident it is about.
    pub incident: IncidentId,
    /// The event it says.
    pub seq: Seq,
    /// Who says it; `Actor::Firebell` for an event's sentence.
    pub by: Actor,
    /// Plain text; the adapter escapes it.
    pub text: String,
    /// The run a confirmation is asked for, drawn with its buttons.
    pub run: Option<RunId>,
}

/// Where a line or card goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomRef {
    /// A room the adapter made, by its id.
    Room(String),
    /// A configured channel, by name.
    Channel(String),
}

/// A future of the port.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// A chat platform, outbound half.
pub trait Chat: Send + Sync {
    /// `console`, `slack`, `discord`.
    fn platform(&self) -> &'static str;

    /// Makes the room of an incident, or finds the one made before. Idempotent by incident.
    /// Answers its id and the name people see.
    fn open_room<'a>(&'a self, card: &'a Card, name: &'a str) -> Answer<'a, (String, String)>;

    /// Posts a line once. `again`: an earlier try may have succeeded; look before sending.
    fn say<'a>(&'a self, room: &'a RoomRef, line: &'a Line, again: bool) -> Answer<'a, String>;

    /// Posts a card, or edits the one at `remote`. Answers the message's id.
    fn show<'a>(&'a self, room: &'a RoomRef, card: &'a Card, remote: &'a str)
    -> Answer<'a, String>;

    /// Sends a page as a direct message to a directory person.
    fn page<'a>(
        &'a self,
        person: &'a str,
        key: &'a str,
        card: &'a Card,
        why: &'a str,
    ) -> Answer<'a, String>;
}
