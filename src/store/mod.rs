//! The cellar: the only SQL. One text for SQLite and PostgreSQL, one `migrations/` folder.
//!
//! Writing is one function, [`Store::commit`]: a change-set is written whole or not at all, under
//! this process's epoch, so that a second process on the same database is noticed, never mixed in.
//!
//! Races it knows: another process writing (the epoch), a caller that goes away (commits run in a task of
//! their own), the same cause or message twice (`on conflict do nothing`), two writers of one journal
//! (a unique index). It never waits for a network inside a transaction.

/// The same body once per database.
macro_rules! on {
    ($store:expr, $pools:ident => $body:expr) => {
        match &*$store.db {
            Db::Sqlite($pools) => $body,
            Db::Postgres($pools) => $body,
        }
    };
}

mod audit;
mod backend;
mod brakes;
mod bulk;
mod changes;
mod decode;
mod duty;
mod incident_row;
mod ledger;
mod lessons;
mod measures;
mod open;
mod plan;
mod postmortem;
mod probe;
mod proposals;
mod read;
mod restore;
mod rooms;
mod rows;
mod select;
mod sight;
mod silence;
mod update;
mod write;

pub use audit::AuditQuery;
pub use backend::Dialect;
pub(crate) use backend::storable;
pub use brakes::{LatchRow, SwitchedRow, TeachingRow};
pub use changes::{CHANGES_KEPT, ChangeQuery, InsightRows};
pub use duty::{CoverRow, PagedRow};
pub use incident_row::IncidentRow;
pub use ledger::{AttemptQuery, AttemptRow, ContactCodeRow, RINGING, ReceiptChange, VerifiedRow};
pub use lessons::{FoundRow, LessonRow, MARK, SearchFilter, WORDS_BYTES};
pub use measures::MeasureRow;
pub use open::schema;
pub use postmortem::{ExportRow, PostmortemItem, PostmortemQuery, PostmortemRow, RevisionRow};
pub use probe::Probe;
pub use rooms::{FileRow, PostChange, PostRow, RoomChange, RoomRow};
pub use rows::*;
pub use silence::{Held, NoticeRow, PERSON, PlaceChange, ROOM, SilenceRow, line_key};
pub use update::{BulletinRow, DraftRow, SubscriberRow, UpdateChanges, UpdateRow};

use crate::core::audit::{Checkpoint, Entry, Head};
use crate::core::brakes::{Latch, Switch};
use crate::core::fairness::PageAt;
use crate::core::id::{IncidentId, RoomId, RunId};
use crate::core::incident::{Incident, Record};
use crate::core::learn::Lesson;
use crate::core::sight::Sight;
use crate::core::silence::{Marks, Silence};
use crate::core::time::Time;
use open::Pools;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    db: Arc<Db>,
}

#[derive(Debug)]
enum Db {
    Sqlite(Pools<sqlx::Sqlite>),
    Postgres(Pools<sqlx::Postgres>),
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
    /// The database cannot be used by this version, or not at this address; says what to do.
    #[error("{0}")]
    Unusable(String),
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
    /// Id of a type.
    pub type_id: Option<String>,
    /// Only drills, or only what is real.
    pub drill: Option<bool>,
    /// Only the parts of this incident.
    pub parent: Option<IncidentId>,
    /// For whom.
    pub sight: Sight,
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
    /// For whom: alerts of incidents they may not see are left out.
    pub sight: Sight,
    /// Only with an id above this one: for walking a large table in pieces.
    pub after: i64,
    /// From 0, counted after the other filters.
    pub offset: i64,
    /// At most this many, ids ascending.
    pub limit: i64,
}

impl Store {
    /// Opens (and creates) the database at `sqlite:PATH`, `sqlite::memory:` or `postgres://…` and migrates it.
    ///
    /// # Errors
    /// When it cannot be reached, is newer than this version, or a migration fails; the words never repeat the address.
    pub async fn open(url: &str) -> Result<Store, StoreFault> {
        let db = open::open(url).await?;
        Ok(Store { db: Arc::new(db) })
    }

    /// Opens a database that is there, for reading alone: nothing is made, migrated or taken over, and
    /// a running firebell is not disturbed. `None`: there is none at this address.
    ///
    /// # Errors
    /// When it cannot be reached, or was written by another version's schema.
    pub async fn look(url: &str) -> Result<Option<Store>, StoreFault> {
        let db = open::look(url).await?;
        Ok(db.map(|db| Store { db: Arc::new(db) }))
    }

    /// Takes the database over: raises the epoch, after which every other process's commits fail with `Fenced`.
    pub async fn take_over(&self) -> Result<i64, StoreFault> {
        on!(self, pools => write::take_over(pools).await)
    }

    /// Writes a change-set under an epoch, durably, in one transaction.
    pub async fn commit(&self, epoch: i64, changes: &ChangeSet) -> Result<(), StoreFault> {
        on!(self, pools => write::commit(pools, epoch, changes).await)
    }

    /// A cheap question the database must answer; for `/readyz` and `doctor`.
    pub async fn ping(&self) -> Result<(), StoreFault> {
        on!(self, pools => pools.ping().await)
    }

    /// Whether this is the embedded database.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(*self.db, Db::Sqlite(_))
    }

    /// Name and version for `doctor`, or why they are not known.
    pub async fn version(&self) -> String {
        let answer = on!(self, pools => pools.version().await);
        answer.unwrap_or_else(|fault| format!("unknown ({fault})"))
    }

    /// Copies what SQLite's write-ahead log holds into the file, beside the writer and without holding it
    /// up, and tells how many pages the log holds, copied ones included; nothing and 0 on PostgreSQL. To be called when there is a quiet moment, at the latest every few seconds:
    /// from 256 MiB of log on, the writer does it itself and commits wait.
    ///
    /// # Errors
    /// When the database fails; the log then goes on growing.
    pub async fn checkpoint(&self) -> Result<i64, StoreFault> {
        on!(self, pools => pools.checkpoint().await)
    }

    /// The highest numbers given out.
    pub async fn high_water(&self) -> Result<HighWater, StoreFault> {
        on!(self, pools => pools.high_water().await)
    }

    /// How many incidents each policy with steps that take turns has opened.
    pub async fn turns(&self) -> Result<Vec<(String, u64)>, StoreFault> {
        on!(self, pools => pools.turns().await)
    }

    /// Alerts, ids ascending.
    pub async fn alerts(&self, query: &AlertQuery) -> Result<Vec<AlertRow>, StoreFault> {
        on!(self, pools => pools.alerts(query).await)
    }

    /// How many alerts the query matches without `offset` and `limit`.
    pub async fn count_alerts(&self, query: &AlertQuery) -> Result<i64, StoreFault> {
        on!(self, pools => pools.count_alerts(query).await)
    }

    /// The incidents that a starting process holds in memory, those that are open or still have a
    /// `wake_at`: each the fold of its journal, ids ascending.
    pub async fn open_incidents(&self) -> Result<Vec<Incident>, StoreFault> {
        on!(self, pools => restore::incidents(pools).await)
    }

    /// Every firing alert, in any order.
    pub async fn live_alerts(
        &self,
        each: impl FnMut(LiveAlert<'_>) + Send,
    ) -> Result<(), StoreFault> {
        on!(self, pools => restore::alerts(pools, each).await)
    }

    /// One journal in order; empty when there is no such incident.
    pub async fn journal(&self, id: IncidentId) -> Result<Vec<Record>, StoreFault> {
        on!(self, pools => pools.journal(id).await)
    }

    /// The first event of each incident that was opened in `[from, until)`, ids ascending.
    pub async fn openings(&self, from: Time, until: Time) -> Result<Vec<Record>, StoreFault> {
        on!(self, pools => pools.openings(from, until).await)
    }

    /// Incidents, newest first, and how many match in all.
    pub async fn incidents(
        &self,
        query: &IncidentQuery,
    ) -> Result<(Vec<IncidentRow>, i64), StoreFault> {
        on!(self, pools => pools.incidents(query).await)
    }

    /// Which incidents somebody must not see: few, because few are private.
    pub async fn hidden(&self, sight: &Sight) -> Result<BTreeSet<IncidentId>, StoreFault> {
        on!(self, pools => pools.hidden(sight).await)
    }

    /// One incident's projection.
    pub async fn incident(&self, id: IncidentId) -> Result<Option<IncidentRow>, StoreFault> {
        on!(self, pools => pools.incident(id).await)
    }

    /// The answer to a cause, if it was answered.
    pub async fn answered(&self, cause: &str) -> Result<Option<InboxRow>, StoreFault> {
        on!(self, pools => pools.answered(cause).await)
    }

    /// Reads every cause that was answered, in no order.
    pub async fn causes(&self, each: impl FnMut(&str) + Send) -> Result<(), StoreFault> {
        on!(self, pools => pools.causes(each).await)
    }

    /// Outbox rows that are waiting or sending, ids ascending.
    pub async fn pending_outbox(&self) -> Result<Vec<OutboxRow>, StoreFault> {
        on!(self, pools => pools.pending_outbox().await)
    }

    /// Every outbox row of an incident, ids ascending: its delivery ledger.
    pub async fn deliveries(&self, id: IncidentId) -> Result<Vec<OutboxRow>, StoreFault> {
        on!(self, pools => pools.deliveries(id).await)
    }

    /// Surfaces of incidents that are open or wait for a time, and any whose `want` is above their `have`.
    pub async fn pending_shows(&self) -> Result<Vec<ShowRow>, StoreFault> {
        on!(self, pools => pools.pending_shows().await)
    }

    /// Every surface of one incident, with its remote id.
    pub async fn shows(&self, id: IncidentId) -> Result<Vec<ShowRow>, StoreFault> {
        on!(self, pools => pools.shows(id).await)
    }

    /// Rooms of the console, newest first, at most `limit`.
    pub async fn rooms(&self, limit: i64) -> Result<Vec<RoomRow>, StoreFault> {
        on!(self, pools => pools.rooms(limit).await)
    }

    /// One room by kind and name.
    pub async fn room_named(&self, kind: &str, name: &str) -> Result<Option<RoomRow>, StoreFault> {
        on!(self, pools => pools.room_named(kind, name).await)
    }

    /// One room.
    pub async fn room(&self, id: RoomId) -> Result<Option<RoomRow>, StoreFault> {
        on!(self, pools => pools.room(id).await)
    }

    /// The `limit` newest messages of a room with an id below `before`, oldest first.
    pub async fn posts(
        &self,
        room: RoomId,
        before: i64,
        limit: i64,
    ) -> Result<Vec<PostRow>, StoreFault> {
        on!(self, pools => pools.posts(room, before, limit).await)
    }

    /// Newest post id per room, for unread marks.
    pub async fn newest_posts(&self) -> Result<Vec<(RoomId, i64)>, StoreFault> {
        on!(self, pools => pools.newest_posts().await)
    }

    /// A message by its idempotency key.
    pub async fn post_by_key(&self, key: &str) -> Result<Option<PostRow>, StoreFault> {
        on!(self, pools => pools.post_by_key(key).await)
    }

    /// Runs of an incident, ids ascending.
    pub async fn runs(&self, id: IncidentId) -> Result<Vec<RunRow>, StoreFault> {
        on!(self, pools => pools.runs(id).await)
    }

    /// One run.
    pub async fn run(&self, id: RunId) -> Result<Option<RunRow>, StoreFault> {
        on!(self, pools => pools.run(id).await)
    }

    /// The end of the audit's chain.
    pub async fn audit_head(&self) -> Result<Head, StoreFault> {
        on!(self, pools => pools.audit_head().await)
    }

    /// The entries of the audit after a number, in order, at most `limit`.
    pub async fn audit_after(&self, n: i64, limit: i64) -> Result<Vec<Entry>, StoreFault> {
        on!(self, pools => pools.audit_after(n, limit).await)
    }

    /// Entries of the audit, newest first.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Vec<Entry>, StoreFault> {
        on!(self, pools => pools.audit(query).await)
    }

    /// Every signed end of the audit's chain, oldest first; signatures are not looked at.
    pub async fn audit_checkpoints(&self) -> Result<Vec<Checkpoint>, StoreFault> {
        on!(self, pools => pools.audit_checkpoints().await)
    }

    /// The incident a run was asked for on.
    pub async fn incident_of_run(&self, run: RunId) -> Result<Option<IncidentId>, StoreFault> {
        on!(self, pools => pools.incident_of_run(run).await)
    }

    /// Every file of a run that still needs this content.
    pub async fn artifacts_of(&self, sha256: &str) -> Result<Vec<ArtifactRow>, StoreFault> {
        on!(self, pools => pools.artifacts_of(sha256).await)
    }

    /// Files a run left, in order.
    pub async fn artifacts(&self, run: RunId) -> Result<Vec<ArtifactRow>, StoreFault> {
        on!(self, pools => pools.artifacts(run).await)
    }

    /// What was heard on chat platforms and not yet worked off, ids ascending.
    pub async fn heard_waiting(&self) -> Result<Vec<HeardRow>, StoreFault> {
        on!(self, pools => pools.heard_waiting().await)
    }

    /// Whether an act of this key was heard on this platform before.
    pub async fn was_heard(&self, platform: &str, key: &str) -> Result<bool, StoreFault> {
        on!(self, pools => pools.was_heard(platform, key).await)
    }

    /// Until when was looked for news of turns; `None`: never.
    pub async fn looked(&self) -> Result<Option<Time>, StoreFault> {
        on!(self, pools => pools.looked().await)
    }

    /// Keys of news that is not told again.
    pub async fn told(&self) -> Result<BTreeSet<String>, StoreFault> {
        on!(self, pools => pools.told().await)
    }

    /// Every cover, by number.
    pub async fn covers(&self) -> Result<Vec<CoverRow>, StoreFault> {
        on!(self, pools => pools.covers().await)
    }

    /// Every account that was linked to a person beside the files.
    pub async fn links(&self) -> Result<Vec<LinkRow>, StoreFault> {
        on!(self, pools => pools.links().await)
    }

    /// A one-time code by its hash.
    pub async fn link_code(&self, code: &str) -> Result<Option<LinkCodeRow>, StoreFault> {
        on!(self, pools => pools.link_code(code).await)
    }

    /// A secret of our own by its name.
    pub async fn key(&self, name: &str) -> Result<Option<String>, StoreFault> {
        on!(self, pools => pools.key(name).await)
    }

    /// The incident whose room this is, open or not.
    pub async fn incident_of_room(
        &self,
        platform: &str,
        room: &str,
    ) -> Result<Option<IncidentId>, StoreFault> {
        on!(self, pools => pools.incident_of_room(platform, room).await)
    }

    /// How many pages of `[from, until)` reached whom, by person.
    pub async fn pages_by_person(
        &self,
        from: Time,
        until: Time,
    ) -> Result<BTreeMap<String, i64>, StoreFault> {
        on!(self, pools => pools.pages_by_person(from, until).await)
    }

    /// The pages of `[from, until)` that reached anybody, newest first, at most `limit`.
    pub async fn page_times(
        &self,
        from: Time,
        until: Time,
        limit: i64,
    ) -> Result<Vec<PageAt>, StoreFault> {
        on!(self, pools => pools.page_times(from, until, limit).await)
    }

    /// The pages of a span that reached a person, newest first, at most `limit`.
    pub async fn pages_of(
        &self,
        person: &str,
        span: (Time, Time),
        limit: i64,
    ) -> Result<Vec<PagedRow>, StoreFault> {
        on!(self, pools => pools.pages_of(person, span, limit).await)
    }

    /// Tries to wake people, newest first, and how many match in all.
    pub async fn attempts(
        &self,
        query: &AttemptQuery,
    ) -> Result<(Vec<AttemptRow>, i64), StoreFault> {
        on!(self, pools => pools.attempts(query).await)
    }

    /// The tries a provider knows by this name: several when pages shared a message.
    pub async fn attempts_of_receipt(&self, receipt: &str) -> Result<Vec<AttemptRow>, StoreFault> {
        on!(self, pools => pools.attempts_of_receipt(receipt).await)
    }

    /// What goes on ringing until it is cancelled.
    pub async fn ringing(&self) -> Result<Vec<AttemptRow>, StoreFault> {
        on!(self, pools => pools.ringing().await)
    }

    /// When pages left for a person since then, newest first.
    pub async fn paged_at(
        &self,
        person: &str,
        since: crate::core::time::Time,
    ) -> Result<Vec<crate::core::time::Time>, StoreFault> {
        on!(self, pools => pools.paged_at(person, since).await)
    }

    /// Every contact of which a code came back.
    pub async fn verified(&self) -> Result<Vec<VerifiedRow>, StoreFault> {
        on!(self, pools => pools.verified().await)
    }

    /// The code under way to a contact.
    pub async fn contact_code(
        &self,
        person: &str,
        contact: &str,
    ) -> Result<Option<ContactCodeRow>, StoreFault> {
        on!(self, pools => pools.contact_code(person, contact).await)
    }

    /// Silences that end after an instant, ids ascending.
    pub async fn live_silences(&self, after: Time) -> Result<Vec<Silence>, StoreFault> {
        on!(self, pools => pools.live_silences(after).await)
    }

    /// Silences that ended until `until` and after `since`, the newest end first.
    pub async fn past_silences(
        &self,
        until: Time,
        since: Time,
        limit: i64,
    ) -> Result<Vec<Silence>, StoreFault> {
        on!(self, pools => pools.past_silences(until, since, limit).await)
    }

    /// One silence.
    pub async fn silence(&self, id: &str) -> Result<Option<Silence>, StoreFault> {
        on!(self, pools => pools.silence(id).await)
    }

    /// What was said about silences, by id.
    pub async fn silence_marks(&self) -> Result<Vec<(String, Marks)>, StoreFault> {
        on!(self, pools => pools.silence_marks().await)
    }

    /// Firing alerts that wait for a silence to end.
    pub async fn held_alerts(&self) -> Result<Vec<AlertRow>, StoreFault> {
        on!(self, pools => pools.held_alerts().await)
    }

    /// What a silence has held since an instant, newest first, at most `limit`.
    pub async fn held_by(
        &self,
        silence: &str,
        since: Time,
        limit: i64,
    ) -> Result<Vec<AlertRow>, StoreFault> {
        on!(self, pools => pools.held_by(silence, since, limit).await)
    }

    /// How many alerts a silence has held since an instant.
    pub async fn count_held(&self, silence: &str, since: Time) -> Result<i64, StoreFault> {
        on!(self, pools => pools.count_held(silence, since).await)
    }

    /// Lines for channels that are still to be said, oldest first.
    pub async fn waiting_notices(&self) -> Result<Vec<NoticeRow>, StoreFault> {
        on!(self, pools => pools.waiting_notices().await)
    }

    /// What runs hold, want or let rest, and what was released since then.
    pub async fn latches(&self, since: Time) -> Result<Vec<Latch>, StoreFault> {
        on!(self, pools => pools.latches(since).await)
    }

    /// Whether things run by themselves, by name.
    pub async fn switches(&self) -> Result<Vec<(String, Switch)>, StoreFault> {
        on!(self, pools => pools.switches().await)
    }

    /// Who turned what off and on, newest first.
    pub async fn switch_log(&self, limit: i64) -> Result<Vec<SwitchedRow>, StoreFault> {
        on!(self, pools => pools.switch_log(limit).await)
    }

    /// The newest lessons of past incidents, newest first.
    pub async fn teachings(&self, limit: i64) -> Result<Vec<Lesson>, StoreFault> {
        on!(self, pools => pools.teachings(limit).await)
    }

    /// Incidents after this one whose journal has more to teach than was read, ids ascending.
    pub async fn unlearned(
        &self,
        after: IncidentId,
        limit: i64,
    ) -> Result<Vec<IncidentId>, StoreFault> {
        on!(self, pools => pools.unlearned(after, limit).await)
    }

    /// Quarantined payloads, newest first, and how many there are in all.
    pub async fn quarantine(&self, limit: i64) -> Result<(Vec<QuarantineRow>, i64), StoreFault> {
        on!(self, pools => pools.quarantine(limit).await)
    }
}
