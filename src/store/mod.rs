//! The cellar: the only SQL. One text for SQLite and PostgreSQL, one `migrations/` folder.
//!
//! Writing is one function, [`Store::commit`]: a change-set is written whole or not at all, under
//! this process's epoch, so that a second process on the same database is noticed, never mixed in.

mod rows;

pub use rows::*;

use crate::core::id::{IncidentId, RoomId, RunId};
use crate::core::incident::Record;

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    _todo: (),
}

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// Another process has taken the database over; this one must stop.
    #[error("another firebell process has taken over this database")]
    Fenced,
    /// The database did not answer or refused.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored value is not what this version wrote.
    #[error("the database holds something this version cannot read: {0}")]
    Unreadable(String),
}

/// Which incidents a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentQuery {
    /// `open` (triggered or acknowledged), a status word, or empty for all.
    pub status: String,
    /// Service id.
    pub service: Option<String>,
    /// Team id.
    pub team: Option<String>,
    /// Index into the scale.
    pub severity: Option<u8>,
    /// Part of the title, case-insensitive.
    pub text: Option<String>,
    /// From 0.
    pub offset: i64,
    /// At most this many.
    pub limit: i64,
}

/// Which alerts a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertQuery {
    /// Only firing (`Some(true)`) or resolved ones.
    pub firing: Option<bool>,
    /// Only of this source.
    pub source: Option<String>,
    /// Only of this incident.
    pub incident: Option<IncidentId>,
    /// Only with an id above this one: for walking a large table in pieces.
    pub after: i64,
    /// From 0, counted after the other filters.
    pub offset: i64,
    /// At most this many, ids ascending.
    pub limit: i64,
}

#[expect(
    clippy::unused_async,
    unused_variables,
    reason = "signatures first; the bodies arrive with store/sql"
)]
impl Store {
    /// Opens (and creates) the database at `sqlite:PATH`, `sqlite::memory:` or `postgres://…` and migrates it.
    ///
    /// # Errors
    /// When it cannot be reached, is newer than this version, or a migration fails.
    pub async fn open(url: &str) -> Result<Store, StoreFault> {
        todo!()
    }

    /// Takes the database over: raises the epoch, after which every other process's commits fail with `Fenced`.
    pub async fn take_over(&self) -> Result<i64, StoreFault> {
        todo!()
    }

    /// Writes a change-set under an epoch, durably, in one transaction.
    pub async fn commit(&self, epoch: i64, changes: &ChangeSet) -> Result<(), StoreFault> {
        todo!()
    }

    /// A cheap question the database must answer; for `/readyz` and `doctor`.
    pub async fn ping(&self) -> Result<(), StoreFault> {
        todo!()
    }

    /// The highest numbers given out.
    pub async fn high_water(&self) -> Result<HighWater, StoreFault> {
        todo!()
    }

    /// Firing alerts, ids ascending.
    pub async fn live_alerts(&self) -> Result<Vec<LiveAlert>, StoreFault> {
        todo!()
    }

    /// Alerts, ids ascending.
    pub async fn alerts(&self, query: &AlertQuery) -> Result<Vec<AlertRow>, StoreFault> {
        todo!()
    }

    /// How many alerts the query matches without `offset` and `limit`.
    pub async fn count_alerts(&self, query: &AlertQuery) -> Result<i64, StoreFault> {
        todo!()
    }

    /// Journals of all incidents that are open or still have a `wake_at`, each in order.
    pub async fn open_journals(&self) -> Result<Vec<(IncidentId, Vec<Record>)>, StoreFault> {
        todo!()
    }

    /// One journal in order; empty when there is no such incident.
    pub async fn journal(&self, id: IncidentId) -> Result<Vec<Record>, StoreFault> {
        todo!()
    }

    /// Incidents, newest first, and how many match in all.
    pub async fn incidents(
        &self,
        query: &IncidentQuery,
    ) -> Result<(Vec<IncidentRow>, i64), StoreFault> {
        todo!()
    }

    /// One incident's projection.
    pub async fn incident(&self, id: IncidentId) -> Result<Option<IncidentRow>, StoreFault> {
        todo!()
    }

    /// The answer to a cause, if it was answered.
    pub async fn answered(&self, cause: &str) -> Result<Option<InboxRow>, StoreFault> {
        todo!()
    }

    /// Outbox rows that are waiting or sending, ids ascending.
    pub async fn pending_outbox(&self) -> Result<Vec<OutboxRow>, StoreFault> {
        todo!()
    }

    /// Every outbox row of an incident, ids ascending: its delivery ledger.
    pub async fn deliveries(&self, id: IncidentId) -> Result<Vec<OutboxRow>, StoreFault> {
        todo!()
    }

    /// Surfaces whose `want` is above their `have`.
    pub async fn pending_shows(&self) -> Result<Vec<ShowRow>, StoreFault> {
        todo!()
    }

    /// Surfaces of open incidents and of one incident's platform, for remembering remote ids.
    pub async fn shows(&self, id: IncidentId) -> Result<Vec<ShowRow>, StoreFault> {
        todo!()
    }

    /// Rooms of the console, newest first, at most `limit`.
    pub async fn rooms(&self, limit: i64) -> Result<Vec<RoomRow>, StoreFault> {
        todo!()
    }

    /// One room by kind and name.
    pub async fn room_named(&self, kind: &str, name: &str) -> Result<Option<RoomRow>, StoreFault> {
        todo!()
    }

    /// One room.
    pub async fn room(&self, id: RoomId) -> Result<Option<RoomRow>, StoreFault> {
        todo!()
    }

    /// The `limit` newest messages of a room with an id below `before`, oldest first.
    pub async fn posts(
        &self,
        room: RoomId,
        before: i64,
        limit: i64,
    ) -> Result<Vec<PostRow>, StoreFault> {
        todo!()
    }

    /// Newest post id per room, for unread marks.
    pub async fn newest_posts(&self) -> Result<Vec<(RoomId, i64)>, StoreFault> {
        todo!()
    }

    /// A message by its idempotency key.
    pub async fn post_by_key(&self, key: &str) -> Result<Option<PostRow>, StoreFault> {
        todo!()
    }

    /// Runs of an incident, ids ascending.
    pub async fn runs(&self, id: IncidentId) -> Result<Vec<RunRow>, StoreFault> {
        todo!()
    }

    /// One run.
    pub async fn run(&self, id: RunId) -> Result<Option<RunRow>, StoreFault> {
        todo!()
    }

    /// Quarantined payloads, newest first, and how many there are in all.
    pub async fn quarantine(&self, limit: i64) -> Result<(Vec<QuarantineRow>, i64), StoreFault> {
        todo!()
    }
}
