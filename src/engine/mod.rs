//! The boiler room: the only caller of `core::incident::decide`, the only owner of time.
//!
//! One task, the desk, takes everything that happens in batches, decides it against memory, and
//! writes the whole batch in one transaction before anybody gets an answer (group commit).

use crate::core::alert::Alert;
use crate::core::directory::Directory;
use crate::core::id::{Actor, IncidentId, Seq};
use crate::core::incident::{Command, Incident, OpenAs, Refusal};
use crate::core::time::Time;
use crate::store::{ChangeSet, Store};
use std::sync::Arc;
use tokio::sync::broadcast;

/// The running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    _todo: (),
}

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

/// Why a submitted command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A no, in words for the person.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store is down or this process is stopping; try again. HTTP 503.
    #[error("firebell cannot store this right now: {0}")]
    Unavailable(String),
}

/// Something changed and is committed; readers look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An incident (its card, page, timeline).
    Incident(IncidentId),
    /// A room of the console has a new message.
    Room(crate::core::id::RoomId),
    /// A run wrote output.
    Run(crate::core::id::RunId, IncidentId),
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
}

#[expect(
    clippy::unused_async,
    unused_variables,
    reason = "signatures first; the bodies arrive with engine/desk"
)]
impl Engine {
    /// Now, by the engine's clock.
    #[must_use]
    pub fn now(&self) -> Time {
        todo!()
    }

    /// The configuration in force.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        todo!()
    }

    /// Puts a new configuration in force.
    pub fn replace_directory(&self, directory: Directory) {
        todo!()
    }

    /// For reading.
    #[must_use]
    pub fn store(&self) -> &Store {
        todo!()
    }

    /// Puts a command to an incident. `cause` makes it idempotent: unique per human act, such as `click:<id>`.
    pub async fn submit(
        &self,
        cause: &str,
        id: IncidentId,
        command: Command,
    ) -> Result<Done, Failure> {
        todo!()
    }

    /// Opens an incident and gives it a number.
    pub async fn open(&self, cause: &str, open: OpenAs) -> Result<Done, Failure> {
        todo!()
    }

    /// Takes alerts of one source. When this returns `Ok` they are durable; incidents follow in the same commit.
    pub async fn take(&self, alerts: Vec<Alert>) -> Result<(), Failure> {
        todo!()
    }

    /// As [`Engine::take`], with the hash of each alert's raw text beside it, so that
    /// [`Engine::refresh`] knows the next repeat by it.
    pub async fn take_hashed(&self, alerts: Vec<(Alert, u128)>) -> Result<(), Failure> {
        todo!()
    }

    /// The fast path of unchanged repeats: when exactly this text (by its hash, see
    /// `ingest::repeat`) is a firing alert, its lease is extended to `ends_at` in memory and
    /// nothing else is to be done. False: unknown, ended or changed; decode and take it.
    /// Never waits and never writes.
    #[must_use]
    pub fn refresh(&self, hash: u128, ends_at: Time, now: Time) -> bool {
        todo!()
    }

    /// Writes rows that need no decision: messages, run output, quarantine.
    pub async fn write(&self, changes: ChangeSet) -> Result<(), Failure> {
        todo!()
    }

    /// The next number of a counter.
    #[must_use]
    pub fn next_id(&self, counter: Counter) -> i64 {
        todo!()
    }

    /// The incident as it is now (memory for open ones, the journal for others).
    pub async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, Failure> {
        todo!()
    }

    /// The open incident alerts with this identity belong to, for PagerDuty's `acknowledge`.
    #[must_use]
    pub fn incident_of_alert(&self, source: &str, fingerprint: &str) -> Option<IncidentId> {
        todo!()
    }

    /// Tells of every committed change from now on.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        todo!()
    }

    /// Announces a change adapters made.
    pub fn announce(&self, change: Change) {
        todo!()
    }
}

/// The actor a person id stands for.
#[must_use]
pub fn person(directory: &Directory, id: &str) -> Actor {
    Actor::Person {
        id: id.to_owned(),
        name: directory.person_name(id),
    }
}
