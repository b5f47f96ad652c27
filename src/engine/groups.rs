//! Which incidents may be of which group, in little memory: a hash and a number each, since there may be a
//! hundred thousand of them, and the group's name stands in the incident.

use crate::core::id::IncidentId;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

/// Incidents by the hash of their groups. Two groups may share a hash, so what is found is a guess to be
/// looked at; who sends alerts cannot aim for that, because every process hashes in its own way.
#[derive(Debug, Default)]
pub(super) struct Groups {
    known: BTreeSet<(u64, IncidentId)>,
    hasher: RandomState,
}

impl Groups {
    /// An incident is of this group.
    pub(super) fn insert(&mut self, group: &str, id: IncidentId) {
        self.known.insert((self.hasher.hash_one(group), id));
    }

    /// It is not any more.
    pub(super) fn remove(&mut self, group: &str, id: IncidentId) {
        self.known.remove(&(self.hasher.hash_one(group), id));
    }

    /// Which incidents may be of this group, the newest first.
    pub(super) fn guess(&self, group: &str) -> impl Iterator<Item = IncidentId> {
        let hash = self.hasher.hash_one(group);
        let all = (hash, IncidentId(i64::MIN))..=(hash, IncidentId(i64::MAX));
        self.known.range(all).rev().map(|(_, id)| *id)
    }
}
