//! What events are made of.

use crate::core::directory::{Rung, Target};
use crate::core::id::Actor;
use crate::core::time::Time;
use serde::{Deserialize, Serialize};

/// The policy an incident froze when it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    /// Id of the policy; empty: none applied.
    pub policy: String,
    /// From the first to the last.
    pub rungs: Vec<Rung>,
    /// Rounds after the first.
    pub repeat: u8,
    /// See [`Policy::remind_secs`](crate::core::directory::Policy::remind_secs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_secs: Option<u64>,
    /// See [`Policy::rest_until`](crate::core::directory::Policy::rest_until).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest_until: Option<u16>,
}

impl Ladder {
    /// Whether a step takes turns, so that the incidents its policy opens must be counted.
    #[must_use]
    pub fn takes_turns(&self) -> bool {
        let turns = |t: &Target| matches!(t, Target::RoundRobin(_));
        self.rungs.iter().any(|r| r.targets.iter().any(turns))
    }
}

/// Where an incident came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An alert.
    Alert {
        /// Source name.
        source: String,
    },
    /// Somebody declared it.
    Declared {
        /// Who.
        by: Actor,
    },
}

/// Somebody a page goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagedPerson {
    /// Directory id.
    pub id: String,
    /// Display name at that time.
    pub name: String,
    /// Why this person: `on call on web-primary since Mon 09:00`.
    pub why: String,
    /// Names of the contacts used at once.
    pub contacts: Vec<String>,
    /// What follows while nobody acknowledges, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Later>,
}

/// A later step to wake somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// When.
    pub at: Time,
    /// Names of the contacts.
    pub contacts: Vec<String>,
    /// It waits for the morning because it is of low urgency.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub digest: bool,
}

/// Somebody or something a rung named and could not page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// `schedule web-primary`, `person ana`.
    pub who: String,
    /// `nobody is on call`, `has no contact`.
    pub why: String,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A success code.
    Succeeded {
        /// The code.
        exit: i32,
    },
    /// Another code.
    Failed {
        /// The code.
        exit: i32,
    },
    /// Ended by a signal firebell did not send.
    Killed {
        /// Signal number.
        signal: i32,
    },
    /// Stopped by firebell at its time limit.
    TimedOut,
    /// Provably never started.
    NotStarted {
        /// Why.
        why: String,
    },
    /// The truth is lost; it may or may not have run.
    Unknown {
        /// What is known.
        why: String,
    },
}

impl Outcome {
    /// One word for lists and metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Succeeded { .. } => "succeeded",
            Outcome::Failed { .. } => "failed",
            Outcome::Killed { .. } => "killed",
            Outcome::TimedOut => "timed out",
            Outcome::NotStarted { .. } => "not started",
            Outcome::Unknown { .. } => "unknown",
        }
    }
}
