//! What the desk hands to delivery after a commit, and what comes back.

use super::memory::ShowKey;
use crate::chat::{Chat, Fault};
use crate::core::id::{IncidentId, Seq};
use crate::core::incident::{Incident, Record};
use crate::store::{AttemptRow, NoticeRow, OutboxRow, ShowRow};
use std::sync::Arc;
use tokio::sync::oneshot;

/// From the desk (or the outside) to delivery.
pub(super) enum Message {
    /// The adapters to deliver through; delivery starts with this.
    Adapters(Vec<Arc<dyn Chat>>),
    /// Committed effects.
    Effects(Vec<Outgoing>),
    /// Surfaces that are behind, as they stand.
    Shows(Vec<(ShowRow, Arc<Incident>)>),
    /// Pages that need not leave any more.
    Withdraw(Vec<i64>),
    /// Something may ring that need not any more.
    Hush,
    /// The words of these events were removed: they are not to be said as they were.
    Reread(IncidentId, Vec<Seq>),
    /// Lines for channels that belong to no incident.
    Notices(Vec<NoticeRow>),
    /// Do what is due, answer with how much was done once nothing is on its way.
    Settle(oneshot::Sender<usize>),
    /// The desk reads everything again: what follows replaces what was waiting here.
    Restart,
    /// End.
    Stop,
}

/// An effect with what is needed to carry it out.
pub(super) struct Outgoing {
    /// Its row.
    pub row: OutboxRow,
    /// The incident right after the event.
    pub incident: Arc<Incident>,
    /// The event it says; absent after a restart, then read from the journal.
    pub record: Option<Record>,
    /// It was on its way when firebell stopped: look before sending again.
    pub interrupted: bool,
    /// The timeline knows that it does not get through.
    pub told: bool,
}

/// From delivery back to the desk.
#[derive(Debug)]
pub(super) enum Settled {
    /// An effect was tried.
    Effect {
        /// Its row as it was handed out.
        row: OutboxRow,
        /// How it went.
        result: Result<(), Fault>,
        /// Not before, when it is to be tried again.
        retry_at: Option<crate::core::time::Time>,
        /// It is worth a line in the timeline, and lets the ladder go on.
        tell: bool,
        /// What the ledger is told of it; the numbers are given when it is written.
        ledger: Vec<AttemptRow>,
    },
    /// A run is about to start: its row must say so before it does.
    Claim {
        /// Its row.
        row: OutboxRow,
    },
    /// A line for a channel was said, or not; its row as it is now.
    Notice(NoticeRow),
    /// A surface was brought up to date, or not.
    Show {
        /// Which.
        key: ShowKey,
        /// The seq that is visible now.
        have: u32,
        /// The platform's id, and for a room its name.
        result: Result<(String, String), Fault>,
        /// Not before, when it is to be tried again.
        retry_at: Option<crate::core::time::Time>,
    },
}
