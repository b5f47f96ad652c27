//! Pages through providers: one queue per contact, so that a provider's trouble is only that of its
//! own contacts, and a storm to one person is one message a minute with a count.
//!
//! What rings until it is cancelled (Pushover) is swept when something is acknowledged, at a start,
//! and while something could not be cancelled: the ledger says what still rings.

use super::pages::{ToPage, told_in_words};
use super::{Deliver, Finished, Poke};
use crate::core::directory::{Directory, Means};
use crate::core::id::{IncidentId, Seq};
use crate::core::incident::Status;
use crate::engine::Engine;
use crate::notify::{Message, Tried, What, key_of};
use crate::store::{AttemptRow, ChangeSet, ReceiptChange};
use secrecy::{ExposeSecret, SecretString};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// In front of the names of destinations that are a contact of a provider.
pub(super) const DIRECT: &str = "direct ";
/// What could not be cancelled is tried again after this long, milliseconds.
const SWEEP_AGAIN_MS: i64 = 30_000;

/// The queue of a contact.
pub(super) fn destination(means: Means, person: &str, contact: &str) -> String {
    format!("{DIRECT}{} {person} {contact}", means.word())
}

/// By what a destination's pages go; `None`: it is of another kind.
pub(super) fn means_of(destination: &str) -> Option<Means> {
    let rest = destination.strip_prefix(DIRECT)?;
    Means::parse(rest.split(' ').next()?)
}

/// Sends pages to one contact as one message.
pub(super) async fn page(
    engine: &Engine,
    directory: &Directory,
    (means, via, to): (Means, Option<&str>, &SecretString),
    pages: &[ToPage],
) -> Tried {
    let told: Vec<_> = pages
        .iter()
        .map(|p| told_in_words(engine, directory, p))
        .collect();
    let incidents = pages.iter().map(|p| (p.incident.id, p.row.seq));
    let incidents: Vec<(IncidentId, Seq)> = incidents.collect();
    let (person, contact, since) = pages.first().map_or_else(Default::default, |p| {
        (p.row.target.clone(), p.row.detail.clone(), p.row.created_at)
    });
    let message = Message {
        key: key_of(&told),
        person: directory.person_name(&person),
        ack_url: engine.ack_url(&person, &contact, &incidents, since),
        what: What::Pages(told),
    };
    let notifiers = engine.notifiers();
    notifiers
        .send(means, via, to.expose_secret(), &message)
        .await
}

impl Deliver {
    /// Cancels what rings for incidents that somebody has.
    pub(super) fn sweep(&mut self) {
        // One is under way: once more after it, however often that is asked for.
        self.sweeps = (self.sweeps + 1).min(2);
        if self.sweeps > 1 {
            return;
        }
        let engine = self.engine.clone();
        self.outside(async move {
            let left = cancelled(&engine).await;
            Finished::Swept { left }
        });
    }

    pub(super) fn swept(&mut self, left: bool) {
        if std::mem::take(&mut self.sweeps) > 1 {
            self.sweep();
        } else if left {
            let at = self.engine.now().plus_ms(SWEEP_AGAIN_MS);
            self.later.push(Reverse((at, Poke::Sweep)));
        }
    }
}

/// Whether something is left that could not be cancelled.
async fn cancelled(engine: &Engine) -> bool {
    let Ok(rows) = engine.store().ringing().await else {
        return true;
    };
    let mut messages: BTreeMap<String, Vec<AttemptRow>> = BTreeMap::new();
    for row in rows {
        messages.entry(row.receipt.clone()).or_default().push(row);
    }
    let mut left = false;
    for (receipt, rows) in messages {
        if still_rings(engine, &rows).await {
            continue;
        }
        left |= !cancel(engine, &receipt, &rows).await;
    }
    left
}

/// Something of the message still waits for somebody.
async fn still_rings(engine: &Engine, rows: &[AttemptRow]) -> bool {
    for id in rows.iter().filter_map(|r| r.incident) {
        match engine.incident(id).await {
            Ok(Some(incident)) if incident.status != Status::Triggered => {}
            Ok(None) => {}
            _ => return true,
        }
    }
    false
}

async fn cancel(engine: &Engine, receipt: &str, rows: &[AttemptRow]) -> bool {
    let Some(row) = rows.first() else { return true };
    let means = Means::parse(&row.kind);
    let notifier = means.and_then(|m| engine.notifiers().named(m, &row.provider));
    let (state, error) = match notifier {
        // Its provider is no longer configured; it ends by itself.
        None => ("accepted", "not cancelled: its provider is gone".to_owned()),
        Some(notifier) => match notifier.cancel(receipt).await {
            Ok(()) => ("cancelled", String::new()),
            Err(fault) if fault.retry == crate::chat::Retry::Never => {
                ("accepted", format!("not cancelled: {}", fault.why))
            }
            Err(fault) => {
                tracing::warn!(why = %fault.why, "a message goes on ringing for now");
                return false;
            }
        },
    };
    let change = ReceiptChange {
        receipt: receipt.to_owned(),
        state: state.to_owned(),
        status: String::new(),
        updated_at: engine.now(),
        error,
    };
    let changes = ChangeSet {
        receipts: vec![change],
        ..ChangeSet::default()
    };
    engine.write(changes).await.is_ok()
}
