//! What readers are told of, and the numbers adapters give out.

use crate::core::id::{IncidentId, RoomId, RunId};

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
