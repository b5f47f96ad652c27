//! Who was paged in the night, for decisions that spare them in the morning.
//!
//! A fact about people and not about an incident, so it stands in the directory's snapshot, as
//! silences do: the desk adds what leaves, and a start reads the last day from the store.

use super::Engine;
use super::outgoing::Outgoing;
use crate::core::directory::Directory;
use crate::core::hours::morning_after;
use crate::core::time::Time;
use crate::store::{Lane, Store, StoreFault};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A night is over after a day, wherever somebody lives.
const BACK_MS: i64 = 86_400_000;
/// Pages of the last day that are looked at; beyond them nobody sleeps anyway.
const PAGES: i64 = 100_000;

/// The directory with the nights of the last day, as the store knows them.
///
/// # Errors
/// When the store cannot be read.
pub async fn restored(
    store: &Store,
    directory: Directory,
    now: Time,
) -> Result<Directory, StoreFault> {
    let pages = store.page_times(now.plus_ms(-BACK_MS), now, PAGES).await?;
    let mut nights = BTreeMap::new();
    for page in pages {
        let _ = note(&directory, &mut nights, &page.person, page.at);
    }
    Ok(Directory {
        nights: Arc::new(nights),
        ..directory
    })
}

/// Keeps the first page of a person's newest night: one change of the snapshot a night is enough.
/// Answers whether this was it.
fn note(
    directory: &Directory,
    nights: &mut BTreeMap<String, Time>,
    person: &str,
    at: Time,
) -> bool {
    let Some(zone) = directory.people.get(person).map(|p| p.zone) else {
        return false;
    };
    let Some(morning) = morning_after(at, zone) else {
        return false;
    };
    let known = nights.get(person).copied();
    let known = known.and_then(|known| Some((morning_after(known, zone)?, known)));
    let first = known.is_none_or(|(of, known)| of < morning || (of == morning && at < known));
    if first {
        nights.insert(person.to_owned(), at);
    }
    first
}

impl Engine {
    /// Remembers the pages that leave now, when they leave at night.
    pub(super) fn remember_nights(&self, leaving: &[Outgoing]) {
        let mut pages = leaving
            .iter()
            .filter(|e| e.row.lane == Lane::Page)
            .peekable();
        // Most commits page nobody.
        if pages.peek().is_none() {
            return;
        }
        let now = self.directory();
        let mut nights = BTreeMap::clone(&now.nights);
        let mut found: Vec<(&str, Time)> = Vec::new();
        for row in pages.map(|e| &e.row) {
            if note(&now, &mut nights, &row.target, row.created_at) {
                found.push((&row.target, row.created_at));
            }
        }
        if found.is_empty() {
            return;
        }
        self.0.directory.rcu(|now| {
            let mut nights = BTreeMap::clone(&now.nights);
            for (person, at) in &found {
                note(now, &mut nights, person, *at);
            }
            Directory {
                nights: Arc::new(nights),
                ..Directory::clone(now)
            }
        });
    }
}
