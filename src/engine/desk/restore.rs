//! After a start, and after the store has failed: memory is read again, and what was waiting or
//! interrupted goes on by its promise.

use super::Desk;
use super::commit::{Batch, written};
use crate::engine::draft::Draft;
use crate::engine::lease::Leases;
use crate::engine::memory::{Memory, Restored};
use crate::engine::outgoing::{Message, Outgoing};
use crate::engine::shelf::Shelf;
use crate::store::{Delivery, Lane, NoticeRow, StoreFault};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// After a failed commit the store is tried again at most this often.
pub(super) const RETRY_MS: i64 = 200;

impl Desk {
    pub(super) fn forget(&mut self, fault: &StoreFault) {
        tracing::error!(error = %fault, "nothing can be stored; senders are told to try again");
        self.engine.0.seen.clear();
        self.memory = None;
        self.failed_at = self.engine.now();
        if matches!(fault, StoreFault::Fenced) {
            self.engine.0.fenced.store(true, Ordering::SeqCst);
        }
    }

    pub(super) async fn recover(&mut self) -> bool {
        let now = self.engine.now();
        if self.engine.fenced() || now < self.failed_at.plus_ms(RETRY_MS) {
            return false;
        }
        match self.restore().await {
            // What it found to say at once could not be written.
            Ok(()) if self.memory.is_none() => false,
            Ok(()) => {
                tracing::info!("the database answers again");
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the database still does not answer");
                self.failed_at = now;
                false
            }
        }
    }

    /// Reads everything open and hands delivery what was waiting or interrupted.
    pub(super) async fn restore(&mut self) -> anyhow::Result<()> {
        let now = self.engine.now();
        let inner = self.engine.0.clone();
        inner.seen.clear();
        let mut leases = Leases::new(inner.seen.clone());
        let (memory, restored) = Memory::restore(&inner.store, &mut leases, now).await?;
        *inner.leases.write().unwrap_or_else(PoisonError::into_inner) = leases;
        let open = memory.incidents.open();
        let open: Shelf = open.map(|(id, kept)| (id, kept.clone())).collect();
        *inner.open.write().unwrap_or_else(PoisonError::into_inner) = open;
        self.engine.put_in_force(&memory.quiet.silences);
        self.engine.put_switches(&memory.brakes.switches);
        self.memory = Some(memory);
        self.resume(restored).await?;
        Ok(())
    }

    /// After a restart: pages and lines go on, and a run that was on its way is asked after.
    pub(super) async fn resume(&mut self, restored: Restored) -> anyhow::Result<()> {
        let mut draft = Draft::new(&self.engine);
        draft.behind.extend(restored.shows);
        // What the process before this one was sending may have arrived.
        let tried = |row: NoticeRow| NoticeRow {
            attempts: row.attempts.max(1),
            ..row
        };
        draft
            .notices
            .extend(restored.notices.into_iter().map(tried));
        let _ = self.engine.0.deliver.send(Message::Restart);
        for row in restored.outbox {
            self.load(row.incident).await?;
            let Some(memory) = &mut self.memory else {
                return Ok(());
            };
            let Some(incident) = memory.incidents.get(row.incident) else {
                continue;
            };
            let interrupted = row.state == Delivery::Sending;
            if row.lane == Lane::Run && self.engine.carries(&row) {
                continue;
            }
            let lane = row.lane;
            let journal = self.engine.store().journal(row.incident).await?;
            let record = journal.into_iter().find(|r| r.seq == row.seq);
            draft.outgoing.push(Outgoing {
                row,
                incident,
                record,
                // A line is not claimed before it is sent: one that waits may have been said.
                interrupted: interrupted || lane == Lane::Say,
                told: false,
            });
        }
        self.open = Some(Batch::of(draft));
        self.seal();
        let outcome = match self.committing {
            Some(_) => written(&mut self.committing).await,
            None => return Ok(()),
        };
        self.conclude(outcome);
        Ok(())
    }
}
