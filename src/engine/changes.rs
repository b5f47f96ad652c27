//! Changes: kept before they are answered, known to every decision from then on, and put beside the
//! open incidents they came before.
//!
//! Promises: what was answered is on the disk; the same change told again is one; a change is context,
//! so nothing here is ever in the way of a page, and a failure to look back is logged and mended at the
//! next start.

use super::{Engine, Failure, spawn};
use crate::core::change::{BEFORE_MS, ChangeEvent, Recent, Told};
use crate::core::directory::Directory;
use crate::core::incident::{Command, Incident};
use crate::core::time::Time;
use crate::store::{ChangeQuery, ChangeSet, InsightRows, StoreFault};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Changes of how long ago are held in memory, milliseconds.
const HELD_MS: i64 = 8 * 86_400_000;
/// Changes a start takes up.
const TAKEN_UP: i64 = 5_000;
/// How often is looked for what is to be forgotten, milliseconds.
const FORGET_EVERY_MS: i64 = 3_600_000;

/// What tasks share about changes.
#[derive(Debug)]
pub(super) struct Shared {
    /// Held by whoever takes one in.
    write: tokio::sync::Mutex<()>,
    /// How long they are kept, milliseconds.
    keep_ms: AtomicI64,
    /// When was last looked for what is to be forgotten.
    forgot: AtomicI64,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared {
            write: tokio::sync::Mutex::default(),
            keep_ms: AtomicI64::new(90 * 86_400_000),
            forgot: AtomicI64::new(i64::MIN),
        }
    }
}

/// What a start knows of changes.
pub(super) async fn restored(engine: &Engine) -> Result<(), StoreFault> {
    let query = ChangeQuery {
        from: Some(engine.now().plus_ms(-HELD_MS)),
        limit: TAKEN_UP,
        ..ChangeQuery::default()
    };
    let (known, _) = engine.store().change_events(&query).await?;
    if !known.is_empty() {
        engine.know_changes(Recent::of(known));
        spawn(look_back(engine.clone(), engine.now()));
    }
    Ok(())
}

impl Engine {
    /// Changes are kept for so long from now on, milliseconds.
    pub fn keep_changes(&self, ms: i64) {
        self.0.told.keep_ms.store(ms, Ordering::SeqCst);
    }

    /// Takes changes in; when this returns they are on the disk. Answers with how many of them were
    /// known already.
    ///
    /// # Errors
    /// `Unavailable`: nothing was taken, the sender must repeat.
    pub async fn record_changes(&self, told: Vec<Told>) -> Result<usize, Failure> {
        let _one = self.0.told.write.lock().await;
        let (now, all) = (self.now(), told.len());
        let mut recent = self.directory().changes.as_ref().clone();
        let mut fresh: Vec<ChangeEvent> = Vec::new();
        for told in told {
            let event = told.event;
            if let Some(window) = told.again_within_ms {
                let since = now.plus_ms(-window);
                if recent.told_since(&event.source, &event.key, since) {
                    continue;
                }
            }
            let event = match told.again_within_ms {
                Some(_) => ChangeEvent {
                    key: format!("{}@{}", event.key, now.0),
                    ..event
                },
                None => event,
            };
            if recent.iter().any(|known| same(known, &event)) {
                continue;
            }
            recent.put(event.clone());
            fresh.push(event);
        }
        let repeated = all - fresh.len();
        if fresh.is_empty() {
            return Ok(repeated);
        }
        let mut rows = InsightRows {
            change_events_old: self.forget_before(now).await?,
            ..InsightRows::default()
        };
        for event in fresh {
            rows.change_events
                .insert((event.source.clone(), event.key.clone()), event);
        }
        self.write(ChangeSet {
            insight: rows,
            ..ChangeSet::default()
        })
        .await?;
        recent.forget_before(now.plus_ms(-HELD_MS));
        self.know_changes(recent);
        // The sender waits for none of it.
        spawn(look_back(self.clone(), now));
        Ok(repeated)
    }

    fn know_changes(&self, recent: Recent) {
        let changes = Arc::new(recent);
        self.0.directory.rcu(|now| Directory {
            changes: changes.clone(),
            ..Directory::clone(now)
        });
    }

    /// Once an hour: before when changes are forgotten.
    async fn forget_before(&self, now: Time) -> Result<Option<Time>, StoreFault> {
        let shared = &self.0.told;
        let last = shared.forgot.load(Ordering::SeqCst);
        if now.0.saturating_sub(last) < FORGET_EVERY_MS {
            return Ok(None);
        }
        shared.forgot.store(now.0, Ordering::SeqCst);
        let old = now.plus_ms(-shared.keep_ms.load(Ordering::SeqCst));
        let full = self.store().change_events_full().await?;
        Ok(Some(full.map_or(old, |full| full.max(old))))
    }
}

/// Told again with nothing new in it.
fn same(known: &ChangeEvent, told: &ChangeEvent) -> bool {
    let known = ChangeEvent {
        received_at: told.received_at,
        ..known.clone()
    };
    known == *told
}

/// Every open incident that began lately looks at what came before it.
async fn look_back(engine: Engine, now: Time) {
    let since = now.plus_ms(-2 * BEFORE_MS);
    let mut open: Vec<Arc<Incident>> = engine.open_incidents();
    open.retain(|i| i.began_at >= since);
    open.sort_by_key(|i| i.id);
    for incident in open {
        let cause = format!("changes:{}:{}", incident.id.0, now.0);
        match engine.submit(&cause, incident.id, Command::LookBack).await {
            // Most of them have nothing to see.
            Ok(_) | Err(Failure::Refused(_)) => {}
            Err(failure) => {
                tracing::warn!(incident = incident.id.0, %failure, "changes before an incident could not be put beside it");
                return;
            }
        }
    }
}
