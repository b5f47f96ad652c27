//! Firing alerts in memory: who they are, and until when they are believed.
//!
//! A repeat of a firing alert only extends a lease, and most of what senders post is repeats, so
//! this is the hottest path of the house. A repeat whose bytes were seen before extends the lease
//! here, in shared memory, without parsing, decision or write.
//!
//! Why that loses nothing of what the reply promises: after a restart every firing alert is
//! believed for at least `GRACE_MS` more (nobody could repeat it while firebell was down), so a
//! lease that ends within the grace is covered by what is already on disk. A later end is written.

use crate::core::id::{AlertId, IncidentId};
use crate::core::time::Time;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// How long after a start a restored alert is believed without a repeat: Alertmanager's default
/// `resolve_timeout`, and longer than the four minutes Prometheus grants between repeats.
pub const GRACE_MS: i64 = 5 * 60 * 1000;

/// Enough that two cores rarely wait for each other, few enough to cost nothing when idle.
const SHARDS: usize = 64;

/// The hash of bytes that nobody has looked at.
const NEVER: Hash = [0, 0];

/// A hash as two words: a hundred thousand of them in tables have no room to lose for the alignment of one.
type Hash = [u64; 2];

fn words(hash: u128) -> Hash {
    #[expect(clippy::cast_possible_truncation, reason = "its halves")]
    [(hash >> 64) as u64, hash as u64]
}

/// Until when each alert is believed, by hash of the sender's bytes; shared with the doors. It is the part of a
/// firing alert that repeats touch.
#[derive(Debug)]
pub(super) struct Seen {
    shards: Vec<RwLock<HashMap<Hash, AtomicI64>>>,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
        }
    }
}

impl Seen {
    fn shard(&self, hash: Hash) -> &RwLock<HashMap<Hash, AtomicI64>> {
        // The hash is uniform already; its top bits choose the shard, the map uses the rest.
        &self.shards[(hash[0] >> 58) as usize % SHARDS]
    }

    /// Extends the lease of the alert with these bytes. False: not known, or the new end is one that must be written.
    pub(super) fn refresh(&self, hash: u128, ends_at: Time, now: Time) -> bool {
        if ends_at <= now || ends_at > now.plus_ms(GRACE_MS) {
            return false;
        }
        // Only ever forward: two replicas of a sender may differ by seconds.
        let forward = |known: &AtomicI64| known.fetch_max(ends_at.0, Ordering::Relaxed);
        self.look(words(hash), forward).is_some()
    }

    fn look<T>(&self, hash: Hash, look: impl FnOnce(&AtomicI64) -> T) -> Option<T> {
        let shard = self.shard(hash).read();
        shard
            .unwrap_or_else(PoisonError::into_inner)
            .get(&hash)
            .map(look)
    }

    fn insert(&self, hash: Hash, ends_at: Time) {
        let shard = self.shard(hash).write();
        let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
        shard.insert(hash, AtomicI64::new(ends_at.0));
    }

    fn remove(&self, hash: Hash) -> Option<Time> {
        let shard = self.shard(hash).write();
        let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
        shard.remove(&hash).map(|at| Time(at.into_inner()))
    }

    /// Forgets everything: the store failed, so nothing may be answered from memory.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            shard
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
        }
    }
}

/// A firing alert as the desk knows it.
#[derive(Debug)]
pub(super) struct Live {
    /// The occurrence.
    pub id: AlertId,
    /// Its incident; 0: not decided yet. No `Option`: there may be a hundred thousand of these.
    incident: IncidentId,
    /// Hash of what the sender said.
    pub digest: i64,
    /// Hash of its bytes; [`NEVER`] when they have not been seen since the start.
    hash: Hash,
    /// When it will be taken as ended, unless repeats say otherwise: then [`Seen`] knows.
    ends_at: Time,
    /// The heap entry that counts; older ones are ignored when they come up.
    queued_for: Time,
}

impl Live {
    /// Takes it out of what repeats are answered from, with what they said.
    fn hide(&mut self, seen: &Seen) {
        let hash = std::mem::replace(&mut self.hash, NEVER);
        if hash != NEVER
            && let Some(ends_at) = seen.remove(hash)
        {
            self.ends_at = ends_at;
        }
    }

    /// Its incident, when that is decided.
    pub(super) fn incident(&self) -> Option<IncidentId> {
        (self.incident != IncidentId(0)).then_some(self.incident)
    }
}

fn load(known: &AtomicI64) -> Time {
    Time(known.load(Ordering::Relaxed))
}

/// All firing alerts by identity, and their leases in order of their end.
#[derive(Debug)]
pub(super) struct Leases {
    /// A tree, which takes what is in it and never twice of that at once, as a table does when it grows.
    by_key: BTreeMap<Hash, Live>,
    due: BinaryHeap<Reverse<(Time, Hash)>>,
    seen: Arc<Seen>,
}

/// Identity within firebell: source and fingerprint.
pub(super) fn key(source: &str, fingerprint: &str) -> u128 {
    let mut bytes = Vec::with_capacity(source.len() + fingerprint.len() + 1);
    bytes.extend_from_slice(source.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(fingerprint.as_bytes());
    xxhash_rust::xxh3::xxh3_128(&bytes)
}

impl Leases {
    pub(super) fn new(seen: Arc<Seen>) -> Leases {
        Leases {
            by_key: BTreeMap::new(),
            due: BinaryHeap::new(),
            seen,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn get(&self, key: u128) -> Option<&Live> {
        self.by_key.get(&words(key))
    }

    /// When an alert will be taken as ended.
    pub(super) fn ends_at(&self, live: &Live) -> Time {
        let seen = (live.hash != NEVER).then(|| self.seen.look(live.hash, load));
        seen.flatten().unwrap_or(live.ends_at)
    }

    /// A new firing alert. It answers repeats only after `publish`.
    pub(super) fn insert(
        &mut self,
        key: u128,
        id: AlertId,
        incident: Option<IncidentId>,
        digest: i64,
        ends_at: Time,
    ) {
        let key = words(key);
        if ends_at < Time::FAR {
            self.due.push(Reverse((ends_at, key)));
        }
        self.by_key.insert(
            key,
            Live {
                id,
                incident: incident.unwrap_or(IncidentId(0)),
                digest,
                hash: NEVER,
                ends_at,
                queued_for: ends_at,
            },
        );
    }

    /// Which incident a fresh alert went to, once that is decided.
    pub(super) fn belongs(&mut self, key: u128, incident: IncidentId) {
        if let Some(live) = self.by_key.get_mut(&words(key)) {
            live.incident = incident;
        }
    }

    /// Every alert of one incident belongs to another now.
    pub(super) fn repoint(&mut self, from: IncidentId, into: IncidentId) {
        for live in self.by_key.values_mut() {
            if live.incident == from {
                live.incident = into;
            }
        }
    }

    /// A changed end or content.
    pub(super) fn change(&mut self, key: u128, digest: i64, ends_at: Time) {
        let key = words(key);
        let Some(live) = self.by_key.get_mut(&key) else {
            return;
        };
        live.digest = digest;
        live.ends_at = ends_at;
        if live.hash != NEVER {
            let store = |known: &AtomicI64| known.store(ends_at.0, Ordering::Relaxed);
            self.seen.look(live.hash, store);
        }
        // The heap may wake too early, never too late.
        if ends_at < live.queued_for {
            live.queued_for = ends_at;
            self.due.push(Reverse((ends_at, key)));
        }
    }

    /// What the sender's bytes look like now: repeats of them are answered from memory. Call after the commit.
    pub(super) fn publish(&mut self, key: u128, hash: u128) {
        let live = self.by_key.get_mut(&words(key));
        let hash = words(hash);
        let Some(live) = live.filter(|l| hash != NEVER && l.hash != hash) else {
            return;
        };
        live.hide(&self.seen);
        live.hash = hash;
        self.seen.insert(hash, live.ends_at);
    }

    /// Stops answering repeats of this alert from memory, before its change is committed.
    pub(super) fn unpublish(&mut self, key: u128) {
        if let Some(live) = self.by_key.get_mut(&words(key)) {
            live.hide(&self.seen);
        }
    }

    /// It no longer fires.
    pub(super) fn remove(&mut self, key: u128) -> Option<Live> {
        self.unpublish(key);
        self.by_key.remove(&words(key))
    }

    /// When the next lease may end.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// An alert whose lease has ended, if there is one; it is still held.
    pub(super) fn pop_ended(&mut self, now: Time) -> Option<u128> {
        while let Some(Reverse((at, key))) = self.due.peek().copied() {
            if at > now {
                return None;
            }
            self.due.pop();
            let live = self.by_key.get(&key).filter(|l| l.queued_for == at);
            let Some(ends_at) = live.map(|l| self.ends_at(l)) else {
                continue;
            };
            if ends_at <= now {
                return Some((u128::from(key[0]) << 64) | u128::from(key[1]));
            }
            if let Some(live) = self.by_key.get_mut(&key) {
                live.queued_for = ends_at;
            }
            if ends_at < Time::FAR {
                self.due.push(Reverse((ends_at, key)));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leases() -> (Leases, Arc<Seen>) {
        let seen = Arc::new(Seen::default());
        (Leases::new(seen.clone()), seen)
    }

    #[test]
    fn a_repeat_extends_the_lease_only_after_the_alert_is_committed() {
        let (mut leases, seen) = leases();
        let now = Time(1_000_000);
        leases.insert(7, AlertId(1), None, 0, now.plus_ms(60_000));
        assert!(!seen.refresh(99, now.plus_ms(240_000), now));
        leases.publish(7, 99);
        assert!(seen.refresh(99, now.plus_ms(240_000), now));
        assert_eq!(leases.pop_ended(now.plus_ms(60_000)), None);
        assert_eq!(leases.pop_ended(now.plus_ms(240_000)), Some(7));
    }

    #[test]
    fn an_end_beyond_the_grace_is_left_to_a_durable_write() {
        let (mut leases, seen) = leases();
        let now = Time(1_000_000);
        leases.insert(7, AlertId(1), None, 0, now.plus_ms(60_000));
        leases.publish(7, 99);
        assert!(!seen.refresh(99, now.plus_ms(GRACE_MS + 1), now));
        assert!(
            !seen.refresh(99, now, now),
            "an end in the past resolves, it does not repeat"
        );
    }

    #[test]
    fn a_new_occurrence_is_not_ended_by_the_lease_of_the_old_one() {
        let (mut leases, _) = leases();
        leases.insert(7, AlertId(1), None, 0, Time(100));
        leases.remove(7);
        leases.insert(7, AlertId(2), None, 0, Time(500));
        assert_eq!(leases.pop_ended(Time(200)), None);
        assert_eq!(leases.pop_ended(Time(500)), Some(7));
    }

    #[test]
    fn an_earlier_end_is_noticed_in_time() {
        let (mut leases, _) = leases();
        leases.insert(7, AlertId(1), None, 0, Time(1000));
        leases.change(7, 0, Time(300));
        assert_eq!(leases.pop_ended(Time(300)), Some(7));
    }
}
