//! What events are made of.

use crate::core::directory::{ActionClass, AutoLevel, Need, Risk, Rung, Target};
use crate::core::id::{Actor, RunId};
use crate::core::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// Stopped because somebody asked for it.
    Cancelled,
    /// Ended by the system because it used more memory than it may.
    OutOfMemory,
    /// What an engine that has no exit codes says of it.
    Reported {
        /// It succeeded.
        good: bool,
        /// In words: `answered 200`, `Rundeck says failed`.
        what: String,
    },
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
            Outcome::Succeeded { .. } | Outcome::Reported { good: true, .. } => "succeeded",
            Outcome::Failed { .. } | Outcome::Reported { good: false, .. } => "failed",
            Outcome::Cancelled => "cancelled",
            Outcome::OutOfMemory => "out of memory",
            Outcome::Killed { .. } => "killed",
            Outcome::TimedOut => "timed out",
            Outcome::NotStarted { .. } => "not started",
            Outcome::Unknown { .. } => "unknown",
        }
    }
}

/// What a run was asked for under, beside its argv: everything that approvers see and that must
/// not change between the request and the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that approvers read"
)]
#[serde(default)]
pub struct Terms {
    /// SHA-256 over the action's version, argv, target, incident and environment, hex: what an
    /// approval is bound to.
    pub subject: String,
    /// Where it runs, for people: `this machine`, `ssh web-1`, `rundeck main, job …`.
    pub target: String,
    /// Looks, or changes something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<ActionClass>,
    /// How much can go wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// The environment it touches, if the incident names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// A second start does no harm.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub idempotent: bool,
    /// Checked arguments by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    /// The argv of its "only look" mode; empty: it has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dry_run: Vec<String>,
    /// That mode runs before anybody decides.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rehearse: bool,
    /// Keys it holds while it runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<String>,
    /// The slots of its approval.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<Need>,
    /// The requester does not count.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub four_eyes: bool,
    /// Must start within this time after the last approval, milliseconds; 0: no limit.
    #[serde(skip_serializing_if = "is_zero")]
    pub valid_for_ms: i64,
    /// Waits this long for its keys, milliseconds; 0: not at all.
    #[serde(skip_serializing_if = "is_zero")]
    pub wait_ms: i64,
    /// Its keys rest this long after it, milliseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub cooldown_ms: i64,
    /// Holds its keys at most this long when its outcome is unknown, milliseconds; 0: until it is
    /// settled.
    #[serde(skip_serializing_if = "is_zero")]
    pub unknown_ttl_ms: i64,
    /// What the rules said, rule by rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdict: Vec<String>,
    /// Why, in the requester's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The approval was passed over in an emergency.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub break_glass: bool,
    /// Channels that are told of that, beside the incident's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<String>,
    /// Where it was asked for: `console`, `api`, or a chat platform by its configured name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub door: Option<String>,
    /// It started by itself, by this level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto: Option<AutoLevel>,
    /// It undoes this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<RunId>,
    /// Only its "only look" mode runs: `argv` is that of the dry run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry: bool,
    /// It looks how this run went, whose outcome nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<RunId>,
}

impl Terms {
    /// Nothing was agreed on beside the argv, as in journals older than the terms.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Terms::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(n: &i64) -> bool {
    *n == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape serde asks for"
)]
pub(super) fn is_none(n: &u64) -> bool {
    *n == 0
}
