//! Rows as the tables hold them, and the change-set: everything one transaction writes, as data.

use super::brakes::{LatchRow, SwitchedRow, TeachingRow};
use super::changes::InsightRows;
use super::duty::CoverRow;
use super::incident_row::IncidentRow;
use super::ledger::{AttemptRow, ContactCodeRow, ReceiptChange, VerifiedRow};
use super::lessons::LessonRow;
use super::postmortem::{ExportRow, PostmortemRow, RevisionRow};
use super::rooms::{FileRow, PostChange, PostRow, RoomChange, RoomRow};
use super::silence::{Held, NoticeRow, PlaceChange, SilenceRow};
use super::update::UpdateChanges;
use crate::core::audit::{Checkpoint, Entry, Fact};
use crate::core::brakes::Switch;
use crate::core::id::{AlertId, IncidentId, RoomId, RunId, Seq};
use crate::core::incident::{Event, Record};
use crate::core::silence::Marks;
use crate::core::time::Time;
use std::collections::BTreeMap;

/// One occurrence of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    /// Given out in order, so that a storm appends to the end of the table.
    pub id: AlertId,
    /// Source name.
    pub source: String,
    /// Identity within the source.
    pub fingerprint: String,
    /// Hash of what the sender said, to tell a repeat from a change.
    pub digest: i64,
    /// Still firing.
    pub firing: bool,
    /// By the sender's clock.
    pub starts_at: Time,
    /// When it ended or will be taken as ended; `Time::FAR`: until resolved explicitly.
    pub ends_at: Time,
    /// When firebell took it.
    pub received_at: Time,
    /// Last change.
    pub updated_at: Time,
    /// The incident it belongs to; `None`: it pages nobody.
    pub incident: Option<IncidentId>,
    /// Why it paged, joined or stayed quiet; one sentence.
    pub why: String,
    /// JSON object `{"labels":{…},"annotations":{…},"generatorURL":"…"}`.
    pub body: String,
}

/// A change to a known alert. `None` fields stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertChange {
    /// Which.
    pub id: AlertId,
    /// Still firing.
    pub firing: bool,
    /// New end.
    pub ends_at: Time,
    /// Last change.
    pub updated_at: Time,
    /// New content and its digest.
    pub body: Option<(i64, String)>,
}

/// What is needed of a firing alert in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveAlert<'a> {
    /// Which.
    pub id: AlertId,
    /// Source name.
    pub source: &'a str,
    /// Identity within the source.
    pub fingerprint: &'a str,
    /// Hash of what the sender said.
    pub digest: i64,
    /// When it will be taken as ended.
    pub ends_at: Time,
    /// Its incident.
    pub incident: Option<IncidentId>,
}

/// A journal line with its place in the order of everything.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Counted over all incidents.
    pub pos: i64,
    /// Which incident.
    pub incident: IncidentId,
    /// The record; `record.event` is stored as JSON with its kind beside it.
    pub record: Record,
}

/// A cause that was answered; the same cause again gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxRow {
    /// `click:…`, `api:…`, `slack:…`; unique.
    pub cause: String,
    /// When.
    pub at: Time,
    /// What it changed.
    pub incident: IncidentId,
    /// The last event it caused.
    pub seq: Seq,
}

/// What an outbox row promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// At least once until acknowledged; overtakes everything.
    Page,
    /// Once, in order per room.
    Say,
    /// At most once.
    Run,
}

impl Lane {
    /// The word stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Lane::Page => "page",
            Lane::Say => "say",
            Lane::Run => "run",
        }
    }

    /// The lane a stored word means.
    #[must_use]
    pub fn parse(word: &str) -> Option<Lane> {
        [Lane::Page, Lane::Say, Lane::Run]
            .into_iter()
            .find(|l| l.word() == word)
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// To be sent at `due_at`.
    Waiting,
    /// Handed to an adapter; after a crash: a page is sent again, a line is verified, a run is asked
    /// after.
    Sending,
    /// Accepted at the other end.
    Done,
    /// Given up, with the error.
    Failed,
    /// No longer wanted, with the reason in `error`.
    Withdrawn,
}

impl Delivery {
    /// All of them.
    pub const ALL: [Delivery; 5] = [
        Delivery::Waiting,
        Delivery::Sending,
        Delivery::Done,
        Delivery::Failed,
        Delivery::Withdrawn,
    ];

    /// The word stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Delivery::Waiting => "waiting",
            Delivery::Sending => "sending",
            Delivery::Done => "done",
            Delivery::Failed => "failed",
            Delivery::Withdrawn => "withdrawn",
        }
    }

    /// The state a stored word means.
    #[must_use]
    pub fn parse(word: &str) -> Option<Delivery> {
        Delivery::ALL.into_iter().find(|d| d.word() == word)
    }
}

/// An effect on its way out. Its key `incident:seq:n` says which fact caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Given out in order.
    pub id: i64,
    /// Which incident.
    pub incident: IncidentId,
    /// The event that caused it.
    pub seq: Seq,
    /// Which of that event's effects.
    pub n: u32,
    /// What is promised.
    pub lane: Lane,
    /// Say: `platform`. Page: person id. Run: the machine it was handed to.
    pub target: String,
    /// Say: `room` or `channel:<name>`. Page: contact name. Run: the run's number.
    pub detail: String,
    /// Where it stands.
    pub state: Delivery,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before.
    pub due_at: Time,
    /// When it was written.
    pub created_at: Time,
    /// Last change.
    pub updated_at: Time,
    /// The last error or reason, in words; empty when none.
    pub error: String,
    /// Say: the room and message it became, with a space between; empty: none yet.
    pub remote: String,
}

/// A change to a known outbox row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxChange {
    /// Which.
    pub id: i64,
    /// New state.
    pub state: Delivery,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before.
    pub due_at: Time,
    /// When.
    pub updated_at: Time,
    /// Error or reason.
    pub error: String,
    /// The room and message it became, with a space between; empty: as before.
    pub remote: String,
}

/// A surface to be kept up to date; key `(incident, platform, surface)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowRow {
    /// Which incident.
    pub incident: IncidentId,
    /// Platform name.
    pub platform: String,
    /// `Surface::word`.
    pub surface: String,
    /// The seq that should be visible.
    pub want: Seq,
    /// The seq that is.
    pub have: Seq,
    /// The platform's id of the room or message; empty until it exists.
    pub remote: String,
    /// Failed tries since the last success.
    pub attempts: u32,
    /// Not before.
    pub due_at: Time,
    /// The last error in words; empty when none.
    pub error: String,
}

/// A run's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Which.
    pub id: RunId,
    /// Its incident.
    pub incident: IncidentId,
    /// Action id.
    pub action: String,
    /// `running`, or `Outcome::word`.
    pub state: String,
    /// When it was started.
    pub started_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// What it wrote, masked and capped.
    pub output: String,
    /// Bytes it wrote in all.
    pub bytes: i64,
    /// How its executor finds it again; empty: not started.
    pub handle: String,
    /// SHA-256 of `output` in hex, once it is over.
    pub digest: String,
    /// The message that shows its output, by platform; JSON, empty: none.
    pub told: String,
}

/// A file a run left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactRow {
    /// Which run.
    pub run: RunId,
    /// Counted from 0.
    pub n: i64,
    /// Its name, without anything in it that means something to a shell, a path or a browser.
    pub name: String,
    /// SHA-256 in hex: where its content is.
    pub sha256: String,
    /// Bytes.
    pub bytes: i64,
}

/// A payload that could not be understood; kept so that nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineRow {
    /// Given out in order.
    pub id: i64,
    /// When.
    pub at: Time,
    /// Source name.
    pub source: String,
    /// Path it came to.
    pub path: String,
    /// What was wrong, in words.
    pub reason: String,
    /// The payload, lossy UTF-8, first 64 KiB.
    pub body: String,
}

/// Something a person did on a chat platform, kept before the platform gets its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardRow {
    /// Given out in order.
    pub id: i64,
    /// The configured platform name.
    pub platform: String,
    /// Unique on the platform; the same key again is not inserted.
    pub key: String,
    /// When it came.
    pub at: Time,
    /// JSON of what was heard.
    pub body: String,
}

/// An account of a chat platform that stands for a person of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// The configured platform name.
    pub platform: String,
    /// The platform's immutable id of the account.
    pub account: String,
    /// Directory id.
    pub person: String,
    /// Since when.
    pub at: Time,
    /// `email`, `code`.
    pub how: String,
}

/// A one-time code for linking an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkCodeRow {
    /// SHA-256 of the code, hex: who reads the table cannot use it.
    pub code: String,
    /// The account that asked for it.
    pub platform: String,
    /// Its immutable id.
    pub account: String,
    /// Its display name, shown before anything is linked.
    pub name: String,
    /// Not after.
    pub expires_at: Time,
}

/// Everything one transaction writes. Building it does no I/O; `Store::commit` writes all or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangeSet {
    /// New occurrences, ids ascending.
    pub alerts: Vec<AlertRow>,
    /// Changes to known ones; the last one per alert counts.
    pub alert_changes: BTreeMap<AlertId, AlertChange>,
    /// Projections; the last one per incident counts.
    pub incidents: BTreeMap<IncidentId, IncidentRow>,
    /// Journal lines, positions ascending.
    pub events: Vec<EventRow>,
    /// Journal lines whose body is overwritten, by [`Event::Removed`] or by what may stay of it.
    pub redactions: Vec<(IncidentId, Seq, Event)>,
    /// Answered causes.
    pub inbox: Vec<InboxRow>,
    /// New effects, ids ascending.
    pub outbox: Vec<OutboxRow>,
    /// Changes to known ones; the last one per row counts.
    pub outbox_changes: BTreeMap<i64, OutboxChange>,
    /// Surfaces, inserted or replaced.
    pub shows: BTreeMap<(IncidentId, String, String), ShowRow>,
    /// Rooms, inserted unless a room of that kind and name exists.
    pub rooms: Vec<RoomRow>,
    /// Rooms that are called something else or are put away; the last one per room counts.
    pub room_changes: BTreeMap<RoomId, RoomChange>,
    /// Messages, inserted unless the key exists.
    pub posts: Vec<PostRow>,
    /// What became of known ones; the last one per message counts.
    pub post_changes: BTreeMap<i64, PostChange>,
    /// Files that were kept, inserted unless known.
    pub files: Vec<FileRow>,
    /// Files that were removed for good, by their event.
    pub files_removed: Vec<(IncidentId, Seq)>,
    /// Runs, inserted or replaced.
    pub runs: BTreeMap<RunId, RunRow>,
    /// Files runs left, inserted unless known.
    pub artifacts: Vec<ArtifactRow>,
    /// Runs whose files were removed for good.
    pub artifacts_removed: Vec<RunId>,
    /// Payloads that could not be understood.
    pub quarantine: Vec<QuarantineRow>,
    /// What was heard, inserted as waiting unless its key is known.
    pub heard: Vec<HeardRow>,
    /// What was worked off: id and `done` or `failed`.
    pub heard_done: Vec<(i64, String)>,
    /// What is worked off and older than this is forgotten.
    pub heard_old: Option<Time>,
    /// Accounts, inserted or replaced.
    pub links: Vec<LinkRow>,
    /// Codes, inserted; a known one only gets a new end.
    pub link_codes: Vec<LinkCodeRow>,
    /// Codes that end by then, those of this very change too, are forgotten.
    pub link_codes_old: Option<Time>,
    /// Secrets by name, inserted or replaced.
    pub keys: Vec<(String, String)>,
    /// Covers, inserted or replaced.
    pub covers: Vec<CoverRow>,
    /// Tries to wake people, ids ascending.
    pub attempts: Vec<AttemptRow>,
    /// What providers tell of them later, written after them.
    pub receipts: Vec<ReceiptChange>,
    /// Verified contacts, inserted or replaced.
    pub verified: Vec<VerifiedRow>,
    /// Codes under way, inserted or replaced.
    pub contact_codes: Vec<ContactCodeRow>,
    /// Where known alerts belong now.
    pub places: BTreeMap<AlertId, PlaceChange>,
    /// Every alert of the first incident belongs to the second now.
    pub moves: Vec<(IncidentId, IncidentId)>,
    /// Silences, inserted or replaced.
    pub silences: BTreeMap<String, SilenceRow>,
    /// What was said about them, inserted or replaced.
    pub marks: BTreeMap<String, Marks>,
    /// What they held, inserted unless it is known.
    pub held: Vec<Held>,
    /// Lines for channels, inserted; a known one only changes its state.
    pub notices: BTreeMap<String, NoticeRow>,
    /// News that is not told again, by key.
    pub told: Vec<(String, Time)>,
    /// Until when was looked for news of turns.
    pub looked: Option<Time>,
    /// Postmortems, inserted or replaced.
    pub postmortems: Vec<PostmortemRow>,
    /// What was changed in them, inserted.
    pub revisions: Vec<RevisionRow>,
    /// Revisions out of which words were removed for good, rewritten where they stand.
    pub revisions_rewritten: Vec<RevisionRow>,
    /// What is to be somewhere else, inserted or replaced.
    pub exports: Vec<ExportRow>,
    /// Words that are searched, inserted or replaced.
    pub lessons: Vec<LessonRow>,
    /// What is told to others.
    pub updates: Box<UpdateChanges>,
    /// How many incidents a policy has opened so far, by policy.
    pub turns: BTreeMap<String, u64>,
    /// Facts for the audit; whoever commits puts them into the chain.
    pub facts: Vec<Fact>,
    /// New entries of the audit's chain, in order.
    pub audit: Vec<Entry>,
    /// Signed ends of it.
    pub checkpoints: Vec<Checkpoint>,
    /// What runs hold, inserted or replaced.
    pub latches: BTreeMap<RunId, LatchRow>,
    /// Whether things run by themselves, inserted or replaced.
    pub switches: BTreeMap<String, (Switch, Time)>,
    /// Who turned what off and on, inserted unless the act is known.
    pub switch_log: Vec<SwitchedRow>,
    /// What incidents teach, inserted or replaced.
    pub teachings: BTreeMap<IncidentId, TeachingRow>,
    /// What was changed, and what is counted of past incidents.
    pub insight: InsightRows,
}

impl ChangeSet {
    /// Nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == ChangeSet::default()
    }
}

/// The highest number given out, per table; 0 when empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HighWater {
    /// `alerts.id`
    pub alert: i64,
    /// `incidents.id`
    pub incident: i64,
    /// `events.pos`
    pub event: i64,
    /// `outbox.id`
    pub outbox: i64,
    /// `rooms.id`
    pub room: i64,
    /// `posts.id`
    pub post: i64,
    /// Highest run in `runs` and in the journal's `run_asked`.
    pub run: i64,
    /// `quarantine.id`
    pub quarantine: i64,
    /// `heard.id`
    pub heard: i64,
    /// `attempts.id`
    pub attempt: i64,
}
