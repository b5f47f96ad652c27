//! Identifiers. Numbers are given out by the engine in order, names come from the configuration.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

number_id!(
    /// An incident. Shown as `#42`; the number is what people type.
    IncidentId, "#");
number_id!(
    /// One occurrence of an alert: from firing to resolved. A new firing is a new number.
    AlertId, "alert-");
number_id!(
    /// One requested run of a runbook action.
    RunId, "run-");
number_id!(
    /// A chat room of the built-in console.
    RoomId, "room-");

/// Position of an event in its incident's journal, counted from 1 without gaps.
pub type Seq = u32;

/// How bad: index into the configured severity scale, 0 is the worst.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Severity(pub u8);

/// Who did it: the immutable id that authorisation rests on, and the name people knew them by then.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Actor {
    /// firebell itself, acting on a rule.
    Firebell,
    /// A person of the directory, by their configured id.
    Person {
        /// The id in the directory.
        id: String,
        /// The display name at that time.
        name: String,
    },
    /// A chat user no directory entry is linked to. May declare and page, may not run actions.
    Unlinked {
        /// `platform:id`, immutable.
        id: String,
        /// The display name at that time.
        name: String,
    },
    /// An alert source, through its ingest token.
    Source {
        /// The configured source name.
        name: String,
    },
    /// A program, through an API token.
    Token {
        /// The configured token name.
        name: String,
    },
}

impl Actor {
    /// The name people read.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Actor::Firebell => "firebell",
            Actor::Person { name, .. }
            | Actor::Unlinked { name, .. }
            | Actor::Source { name }
            | Actor::Token { name } => name,
        }
    }

    /// The directory id, when this is a person of the directory.
    #[must_use]
    pub fn person(&self) -> Option<&str> {
        match self {
            Actor::Person { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Whether both are the same actor; display names do not count.
    #[must_use]
    pub fn same(&self, other: &Actor) -> bool {
        match (self, other) {
            (Actor::Person { id: a, .. }, Actor::Person { id: b, .. })
            | (Actor::Unlinked { id: a, .. }, Actor::Unlinked { id: b, .. })
            | (Actor::Source { name: a }, Actor::Source { name: b })
            | (Actor::Token { name: a }, Actor::Token { name: b }) => a == b,
            (Actor::Firebell, Actor::Firebell) => true,
            _ => false,
        }
    }
}

/// A chat platform an adapter speaks for: `console`, `slack`, `discord`.
pub type Platform = String;
