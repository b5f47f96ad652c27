//! What the engine answers and tells, and the numbers it gives out.

use crate::core::id::{IncidentId, RoomId, RunId, Seq};
use crate::core::incident::Refusal;
use crate::store::StoreFault;

/// What a submitted command did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// The incident.
    pub incident: IncidentId,
    /// Its last event.
    pub seq: Seq,
    /// The same cause had been answered before; nothing new was done.
    pub repeated: bool,
}

/// How one incident is tied to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tie {
    /// They have to do with each other.
    Relate {
        /// The other one.
        to: IncidentId,
        /// What they have in common.
        why: String,
    },
    /// They have not.
    Unrelate {
        /// The other one.
        to: IncidentId,
    },
    /// It is a part of another one.
    Parent {
        /// The whole; `None`: it stands for itself.
        parent: Option<IncidentId>,
    },
}

/// Why a submitted command did nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// A no, in words for the person.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store is down or this process is stopping; try again. HTTP 503.
    #[error("firebell cannot store this right now: {0}")]
    Unavailable(String),
}

impl From<StoreFault> for Failure {
    fn from(fault: StoreFault) -> Failure {
        Failure::Unavailable(fault.to_string())
    }
}

/// Something changed and is committed; readers look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An incident (its card, page, timeline).
    Incident(IncidentId),
    /// A room of the console has a new message.
    Room(RoomId),
    /// A run wrote output.
    Run(RunId, IncidentId),
    /// The configuration was reloaded.
    Directory,
    /// Something was told to others, or somebody asked to be told.
    Updates,
}

/// Numbers for rows that adapters write themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// `rooms.id`
    Room,
    /// `posts.id`
    Post,
    /// Run numbers.
    Run,
    /// `quarantine.id`
    Quarantine,
    /// `heard.id`
    Heard,
    /// `attempts.id`
    Attempt,
}
