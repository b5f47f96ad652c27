//! Rooms and messages of the console, and the files that came with messages of any platform.

use super::backend::{Backend, Cell, Reader};
use super::bulk;
use super::decode;
use super::open::Pools;
use super::plan::{Miss, Plan};
use super::rows::ChangeSet;
use super::select::Select;
use super::{Db, Store, StoreFault};
use crate::core::id::{IncidentId, RoomId, Seq};
use crate::core::time::Time;
use std::collections::BTreeSet;
use std::time::Duration;

type Read<T> = Result<T, StoreFault>;

/// A room of the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRow {
    /// Which.
    pub id: RoomId,
    /// `general`, `web-alerts`, `inc-42-checkout`, or the person's id for direct messages.
    pub name: String,
    /// `channel`, `incident`, `direct`.
    pub kind: String,
    /// For `incident`.
    pub incident: Option<IncidentId>,
    /// When.
    pub created_at: Time,
    /// Since when it is put away.
    pub archived_at: Option<Time>,
}

/// A room of the console that is called something else, or put away or taken out again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomChange {
    /// Which.
    pub id: RoomId,
    /// What it is called now; unique within its kind.
    pub name: String,
    /// Since when it is put away.
    pub archived_at: Option<Time>,
}

/// What became of a message in a room of the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostChange {
    /// Which.
    pub id: i64,
    /// Its words now.
    pub text: String,
    /// `deleted` by its author, `removed` for good; empty: it stands.
    pub state: String,
    /// When.
    pub changed_at: Time,
}

/// A file that came with a message; its content is in the data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Of which incident.
    pub incident: IncidentId,
    /// The event that tells of it.
    pub seq: Seq,
    /// When it was kept.
    pub at: Time,
    /// Its name, without anything that means something to a path, a header or a browser.
    pub name: String,
    /// What it is by its first bytes.
    pub kind: String,
    /// Bytes.
    pub bytes: i64,
    /// SHA-256 in hex: where its content is; empty once it was removed.
    pub sha256: String,
    /// Removed for good.
    pub removed: bool,
}

/// A message in a room of the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostRow {
    /// Given out in order.
    pub id: i64,
    /// Where.
    pub room: RoomId,
    /// When.
    pub at: Time,
    /// Person id; empty: firebell.
    pub author: String,
    /// Name shown.
    pub author_name: String,
    /// `text` a person's words, `line` an event's sentence, `card` an incident's live card, `page` a page,
    /// `run` a run's live output, `answer` the reply to a command.
    pub kind: String,
    /// The incident of a card, line or page.
    pub incident: Option<IncidentId>,
    /// The event of a line, the run's number of a run.
    pub seq: Option<i64>,
    /// The words; empty for live kinds, which are drawn from state.
    pub text: String,
    /// Idempotency key; posting the same key again does nothing. Unique.
    pub key: String,
    /// `deleted` by its author, `removed` for good; empty: it stands.
    pub state: String,
    /// When its words were last changed.
    pub changed_at: Option<Time>,
    /// The message it answers.
    pub answers: Option<i64>,
}

/// Tables with words that can be removed for good.
const WORDY: [&str; 12] = [
    "events",
    "posts",
    "runs",
    "artifacts",
    "lessons",
    "files",
    "heard",
    "postmortems",
    "postmortem_revisions",
    "proposals",
    "updates",
    "notices",
];

/// A larger table of PostgreSQL is not written anew while firebell waits for it: at 100 MB/s this is one
/// second in which nobody is paged.
pub const ANEW_BYTES: i64 = 100 * 1024 * 1024;

/// Rows that a transaction may still read are kept by every vacuum, so those that began before are waited
/// for: this often is looked, with this pause.
const LOOKS: u32 = 100;
const LOOK: Duration = Duration::from_millis(100);

/// Transactions of this database that began before an instant, in seconds of its own clock.
const OLDER: &str = "select count(*) from pg_stat_activity where datname = current_database() \
    and pid <> pg_backend_pid() and extract(epoch from xact_start) < $1";

/// Returns when every transaction that sees the database of before now has ended.
async fn outlive(pools: &Pools<sqlx::Postgres>) -> Result<(), StoreFault> {
    let now = sqlx::query_scalar("select extract(epoch from clock_timestamp())::float8");
    let now: f64 = now.fetch_one(&pools.write).await?;
    for _ in 0..LOOKS {
        let older = sqlx::query_scalar(OLDER).bind(now);
        let older: i64 = older.fetch_one(&pools.write).await?;
        if older == 0 {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    let why = "a transaction of another program reads an older state of the database";
    Err(StoreFault::Unusable(why.to_owned()))
}

const FILE: &str = "select incident, seq, at, name, kind, bytes, sha256, state from files";

fn file<B: Backend>(mut row: Reader<'_, B>) -> Read<FileRow> {
    Ok(FileRow {
        incident: IncidentId(row.int()?),
        seq: row.small()?,
        at: Time(row.int()?),
        name: row.text()?,
        kind: row.text()?,
        bytes: row.int()?,
        sha256: row.text()?,
        removed: row.text()? == "removed",
    })
}

impl Store {
    /// Files of an incident, in the order they came.
    pub async fn files(&self, id: IncidentId) -> Result<Vec<FileRow>, StoreFault> {
        on!(self, pools => pools.files(id).await)
    }

    /// A file by the event that tells of it.
    pub async fn file(&self, id: IncidentId, seq: Seq) -> Result<Option<FileRow>, StoreFault> {
        on!(self, pools => pools.file(id, seq).await)
    }

    /// Every file that still needs this content.
    pub async fn files_of(&self, sha256: &str) -> Result<Vec<FileRow>, StoreFault> {
        on!(self, pools => pools.files_of(sha256).await)
    }

    /// A message of the console.
    pub async fn post(&self, id: i64) -> Result<Option<PostRow>, StoreFault> {
        on!(self, pools => pools.post(id).await)
    }

    /// The room of an incident on the console.
    pub async fn room_of(&self, incident: IncidentId) -> Result<Option<RoomRow>, StoreFault> {
        on!(self, pools => pools.room_of(incident).await)
    }

    /// The console's messages that say one of these events.
    pub async fn posts_of(
        &self,
        incident: IncidentId,
        seqs: &BTreeSet<Seq>,
    ) -> Result<Vec<PostRow>, StoreFault> {
        let mut posts = on!(self, pools => pools.posts_of(incident).await)?;
        posts.retain(|p| {
            let said = p.seq.and_then(|n| Seq::try_from(n).ok());
            said.is_some_and(|seq| seqs.contains(&seq)) && p.state != "removed"
        });
        Ok(posts)
    }

    /// Whether an incident has its room in a thread of this channel.
    pub async fn has_threads(&self, platform: &str, channel: &str) -> Result<bool, StoreFault> {
        on!(self, pools => pools.has_threads(platform, channel).await)
    }

    /// Whether the words of an incident are searched.
    pub async fn is_searched(&self, incident: IncidentId) -> Result<bool, StoreFault> {
        on!(self, pools => pools.is_searched(incident).await)
    }

    /// Takes out of the database's files what was overwritten or deleted: SQLite's write-ahead log is
    /// copied and emptied; PostgreSQL's tables are written anew (`vacuum full`), because its ordinary
    /// vacuum leaves the bytes of dead rows on their pages and removed words in the search's index. While a
    /// table is written anew everything that needs it waits, pages too, so one that is larger than
    /// [`ANEW_BYTES`] is only vacuumed. Answers which those were.
    ///
    /// # Errors
    /// When the database fails; what was removed is then in no answer, but may still stand in its files.
    pub async fn scrub(&self) -> Result<Vec<String>, StoreFault> {
        match &*self.db {
            Db::Sqlite(pools) => {
                let Some(pool) = &pools.checkpoint else {
                    return Ok(Vec::new());
                };
                // Who waits for readers inside of the database holds up commits, and with them pages.
                let at_once = Select::<sqlx::Sqlite>::new("pragma busy_timeout(0)");
                at_once.first(pool, |mut row| row.int()).await?;
                for _ in 0..LOOKS {
                    let round = Select::<sqlx::Sqlite>::new("pragma wal_checkpoint(truncate)");
                    // 1: somebody reads an older state, and the log is as it was.
                    if round.first(pool, |mut row| row.int()).await? != Some(1) {
                        return Ok(Vec::new());
                    }
                    tokio::time::sleep(LOOK).await;
                }
                let why =
                    "somebody reads an older state of the database, so its log cannot be emptied";
                Err(StoreFault::Unusable(why.to_owned()))
            }
            Db::Postgres(pools) => {
                outlive(pools).await?;
                let mut left = Vec::new();
                for table in WORDY {
                    let size = sqlx::query_scalar("select pg_total_relation_size($1::regclass)");
                    let size: i64 = size.bind(table).fetch_one(&pools.write).await?;
                    let anew = size <= ANEW_BYTES;
                    let full = if anew { "full" } else { "" };
                    let vacuum =
                        sqlx::AssertSqlSafe(format!("vacuum ({full}) {table}").replace("() ", ""));
                    sqlx::query(vacuum).execute(&pools.write).await?;
                    if !anew {
                        left.push(table.to_owned());
                    }
                }
                Ok(left)
            }
        }
    }

    /// The event that became a message: `remote` is the room and the message with a space between.
    pub async fn said_as(
        &self,
        incident: IncidentId,
        platform: &str,
        remote: &str,
    ) -> Result<Option<Seq>, StoreFault> {
        on!(self, pools => pools.said_as(incident, platform, remote).await)
    }
}

impl<B: Backend> Pools<B> {
    async fn files(&self, id: IncidentId) -> Read<Vec<FileRow>> {
        Select::<B>::new(FILE)
            .number("incident = ", Some(id.0))
            .then(" order by seq")
            .all(&self.read, file)
            .await
    }

    async fn file(&self, id: IncidentId, seq: Seq) -> Read<Option<FileRow>> {
        Select::<B>::new(FILE)
            .number("incident = ", Some(id.0))
            .number("seq = ", Some(i64::from(seq)))
            .first(&self.read, file)
            .await
    }

    async fn files_of(&self, sha256: &str) -> Read<Vec<FileRow>> {
        Select::<B>::new(FILE)
            .text("sha256 = ", Some(sha256))
            .only("state = 'kept'")
            .all(&self.read, file)
            .await
    }

    async fn post(&self, id: i64) -> Read<Option<PostRow>> {
        Select::<B>::new(decode::POST)
            .number("id = ", Some(id))
            .first(&self.read, decode::post)
            .await
    }

    async fn posts_of(&self, incident: IncidentId) -> Read<Vec<PostRow>> {
        Select::<B>::new(decode::POST)
            .number("incident = ", Some(incident.0))
            .only("kind in ('line', 'text', 'file')")
            .then(" order by id")
            .all(&self.read, decode::post)
            .await
    }

    /// The console's messages whose key is like this.
    pub(super) async fn posts_like(&self, key: &str) -> Read<Vec<PostRow>> {
        Select::<B>::new(decode::POST)
            .text("key like ", Some(key))
            .then(" order by id")
            .all(&self.read, decode::post)
            .await
    }

    async fn has_threads(&self, platform: &str, channel: &str) -> Read<bool> {
        let threads = format!("{channel}:%");
        let found = Select::<B>::new("select incident from shows")
            .only("surface = 'room'")
            .text("platform = ", Some(platform))
            .text("remote like ", Some(&threads))
            .first(&self.read, |mut row| row.int())
            .await?;
        Ok(found.is_some())
    }

    async fn is_searched(&self, incident: IncidentId) -> Read<bool> {
        let found = Select::<B>::new("select incident from lessons")
            .number("incident = ", Some(incident.0))
            .first(&self.read, |mut row| row.int())
            .await?;
        Ok(found.is_some())
    }

    async fn room_of(&self, incident: IncidentId) -> Read<Option<RoomRow>> {
        Select::<B>::new(decode::ROOM)
            .number("incident = ", Some(incident.0))
            .then(" order by id desc")
            .first(&self.read, decode::room)
            .await
    }

    async fn said_as(
        &self,
        incident: IncidentId,
        platform: &str,
        remote: &str,
    ) -> Read<Option<Seq>> {
        Select::<B>::new("select seq from outbox")
            .number("incident = ", Some(incident.0))
            .text("target = ", Some(platform))
            .text("remote = ", Some(remote))
            .first(&self.read, |mut row| row.small())
            .await
    }
}

impl<B: Backend> Plan<'_, B> {
    pub(super) fn rooms(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        use Miss::{Expected, Odd};
        for change in changes.room_changes.values() {
            let one = std::slice::from_ref(change);
            self.rows(&bulk::ROOM_CHANGES, Odd, one, |r| {
                Ok([
                    Cell::Int(r.id.0),
                    Cell::Text(&r.name),
                    Cell::Int(r.archived_at.map_or(0, |t| t.0)),
                ])
            })?;
        }
        let changed: Vec<&PostChange> = changes.post_changes.values().collect();
        self.rows(&bulk::POST_CHANGES, Odd, &changed, |p| {
            Ok([
                Cell::Int(p.id),
                Cell::Text(&p.text),
                Cell::Text(&p.state),
                Cell::Int(p.changed_at.0),
            ])
        })?;
        self.rows(&bulk::FILES, Expected, &changes.files, |f| {
            Ok([
                Cell::Int(f.incident.0),
                Cell::Int(i64::from(f.seq)),
                Cell::Int(f.at.0),
                Cell::Text(&f.name),
                Cell::Text(&f.kind),
                Cell::Int(f.bytes),
                Cell::Text(&f.sha256),
                Cell::Text(if f.removed { "removed" } else { "kept" }),
            ])
        })?;
        self.rows(
            &bulk::FILES_REMOVED,
            Odd,
            &changes.files_removed,
            |(id, seq)| Ok([Cell::Int(id.0), Cell::Int(i64::from(*seq))]),
        )
    }
}
