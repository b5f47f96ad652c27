//! What the desk knows without asking the store: open incidents, their groups, surfaces and deadlines.

use super::groups::Groups;
use super::lease::{self, GRACE_MS, Leases};
use super::quiet::Quiet;
use super::shelf::{Kept, Packer, REST_MS, Shelf};
use crate::core::audit::{Entry, Fact, Head};
use crate::core::brakes::{Brakes, HOUR_MS, Switches};
use crate::core::id::{AlertId, IncidentId, Seq};
use crate::core::incident::{Incident, Ladder, wake_at};
use crate::core::time::Time;
use crate::store::{
    Delivery, HighWater, Lane, LiveAlert, NoticeRow, OutboxRow, ShowRow, Store, StoreFault,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

/// Policies whose copies are shared: as many as are looked through in less than a commit takes.
const LADDERS: usize = 256;

/// Incidents packed between two batches: half a millisecond. A quarter of it does not keep up with a thousand
/// that are opened and a thousand that are paged a second.
const REST_AT_ONCE: usize = 32;

/// Key of a surface: incident, platform, surface word.
pub(super) type ShowKey = (IncidentId, String, String);

/// The desk's memory. Rebuilt from the store at start and after every failed commit.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Open incidents, and closed ones that something still waits for.
    pub incidents: Shelf,
    /// Open incidents by their groups.
    groups: Groups,
    /// Surfaces of the incidents held.
    pub shows: BTreeMap<ShowKey, ShowRow>,
    /// Pages that have not left or are on their way, by incident.
    pub pages: BTreeMap<(IncidentId, i64), OutboxRow>,
    /// Highest numbers given out.
    pub high: HighWater,
    /// Silences, and what they hold.
    pub quiet: Quiet,
    /// The end of the audit's chain.
    pub audit: Head,
    /// How many incidents each policy that takes turns has opened.
    pub turns: HashMap<String, u64>,
    /// What holds runs back, of all incidents.
    pub brakes: Brakes,
    /// When it was last decided; what is taken into memory now is at rest so much later.
    pub clock: Time,
    /// Ladders that incidents share, one copy each.
    ladders: Vec<Arc<Ladder>>,
    /// Since when each incident may be at rest, with the fact it had then; stale entries are skipped.
    touched: VecDeque<(Time, IncidentId, Seq)>,
    packer: Packer,
    /// When incidents want to be woken; stale entries are skipped when they come up.
    wakes: BinaryHeap<Reverse<(Time, IncidentId)>>,
}

/// Everything a restart hands to delivery.
pub(super) struct Restored {
    /// Waiting and interrupted effects, in order.
    pub outbox: Vec<OutboxRow>,
    /// Surfaces that are behind.
    pub shows: Vec<ShowKey>,
    /// Lines for channels that are still to be said.
    pub notices: Vec<NoticeRow>,
}

impl Memory {
    /// Reads everything open.
    pub(super) async fn restore(
        store: &Store,
        leases: &mut Leases,
        now: Time,
    ) -> Result<(Memory, Restored), StoreFault> {
        let mut memory = Memory {
            high: store.high_water().await?,
            turns: store.turns().await?.into_iter().collect(),
            audit: store.audit_head().await?,
            ..Memory::default()
        };
        let believed = store.live_alerts(|alert| believe(leases, &alert, now));
        let (incidents, ()) = futures_util::try_join!(store.open_incidents(), believed)?;
        for mut incident in incidents {
            memory.share_ladder(&mut incident);
            memory.hold(Arc::new(incident));
        }
        let mut behind = Vec::new();
        for show in store.pending_shows().await? {
            let key = (show.incident, show.platform.clone(), show.surface.clone());
            if show.want > show.have {
                behind.push(key.clone());
            }
            memory.shows.insert(key, show);
        }
        let outbox = store.pending_outbox().await?;
        for row in outbox.iter().filter(|r| r.lane == Lane::Page) {
            memory.page_state(row);
        }
        memory.quiet = Quiet::restore(store, now).await?;
        let latches = store.latches(now.plus_ms(-HOUR_MS)).await?;
        let open = memory.incidents.open().count();
        memory.brakes = Brakes::of(latches, Switches::of(store.switches().await?), open);
        Ok((
            memory,
            Restored {
                outbox,
                shows: behind,
                notices: store.waiting_notices().await?,
            },
        ))
    }

    /// Puts facts into the audit's chain, in order.
    pub(super) fn chain(&mut self, facts: &[Fact], now: Time) -> Vec<Entry> {
        let link = |fact: &Fact| {
            let entry = Entry::after(&self.audit, now, fact);
            self.audit = entry.head();
            entry
        };
        facts.iter().map(link).collect()
    }

    /// Takes an incident as it is now: its group, its deadline.
    pub(super) fn hold(&mut self, incident: Arc<Incident>) {
        if incident.is_open() {
            for group in incident.groups() {
                self.groups.insert(group, incident.id);
            }
        }
        if let Some(at) = wake_at(&incident) {
            self.wakes.push(Reverse((at, incident.id)));
        }
        let entry = (self.clock, incident.id, incident.seq);
        self.touched.push_back(entry);
        self.incidents.insert(incident.id, Kept::Whole(incident));
    }

    /// An incident to be worked with: it stays whole from now on.
    pub(super) fn awake(&mut self, id: IncidentId) -> Option<Arc<Incident>> {
        let kept = self.incidents.kept(id)?;
        let incident = kept.whole();
        if matches!(kept, Kept::Packed(_)) {
            let entry = (self.clock, id, incident.seq);
            self.touched.push_back(entry);
            self.incidents.insert(id, Kept::Whole(incident.clone()));
        }
        Some(incident)
    }

    /// When the next incident is at rest.
    pub(super) fn next_rest(&self) -> Option<Time> {
        (self.touched.front()).map(|(since, ..)| since.plus_ms(REST_MS))
    }

    /// Whether there is something that may be at rest.
    pub(super) fn may_rest(&self) -> bool {
        self.next_rest().is_some_and(|at| at <= self.clock)
    }

    /// Packs incidents at rest, a few at a time, for the desk and for readers alike: what is not yet, or not
    /// any more, as readers have it is on its way into the store and waits.
    pub(super) fn rest(&mut self, readers: &mut Shelf) {
        for _ in 0..REST_AT_ONCE {
            if !self.may_rest() {
                return;
            }
            let Some((_, id, seq)) = self.touched.pop_front() else {
                return;
            };
            if self.touched.is_empty() {
                // It may have held a storm.
                self.touched = VecDeque::new();
            }
            let Some(Kept::Whole(incident)) = self.incidents.kept(id) else {
                continue;
            };
            // Touched since: another entry is on its way. Over: it is let go soon.
            if incident.seq != seq || !incident.is_open() {
                continue;
            }
            if !readers.is_whole(id, incident) {
                self.touched.push_back((self.clock, id, seq));
                continue;
            }
            if let Some(packed) = self.packer.pack(incident).map(Arc::new) {
                readers.insert(id, Kept::Packed(packed.clone()));
                self.incidents.insert(id, Kept::Packed(packed));
            }
        }
    }

    /// Lets an incident go that nothing will happen to by itself.
    pub(super) fn release(&mut self, id: IncidentId) {
        let Some(incident) = self.incidents.get(id) else {
            return;
        };
        // One resolved by hand still hears of the ends of its alerts.
        if incident.is_open() || wake_at(&incident).is_some() || !incident.firing.is_empty() {
            return;
        }
        for group in incident.groups() {
            self.forget_group(group, id);
        }
        let keys: Vec<ShowKey> = self.shows_of(id).map(|(k, _)| k.clone()).collect();
        let behind = keys
            .iter()
            .any(|k| self.shows.get(k).is_some_and(|s| s.want > s.have));
        if !behind {
            for key in keys {
                self.shows.remove(&key);
            }
            self.incidents.remove(id);
        }
    }

    /// A group no longer leads to an incident that is over.
    pub(super) fn forget_group(&mut self, group: &str, id: IncidentId) {
        self.groups.remove(group, id);
    }

    /// The open incidents of a group, the newest first.
    pub(super) fn of_group(&self, group: &str) -> impl Iterator<Item = IncidentId> {
        let guessed = self.groups.guess(group);
        guessed.filter(move |id| {
            let known = self.incidents.get(*id).filter(|i| i.is_open());
            known.is_some_and(|i| i.groups().any(|g| g == group))
        })
    }

    /// The surfaces of an incident.
    pub(super) fn shows_of(&self, id: IncidentId) -> impl Iterator<Item = (&ShowKey, &ShowRow)> {
        let from = (id, String::new(), String::new());
        self.shows.range(from..).take_while(move |(k, _)| k.0 == id)
    }

    /// When the next incident wants to be woken.
    pub(super) fn next_wake(&self) -> Option<Time> {
        self.wakes.peek().map(|Reverse((at, _))| *at)
    }

    /// An incident that is due and since when, if there is one.
    pub(super) fn pop_due(&mut self, now: Time) -> Option<(IncidentId, Time)> {
        while let Some(Reverse((at, id))) = self.wakes.peek().copied() {
            if at > now {
                return None;
            }
            self.wakes.pop();
            // Only the deadline the incident has now counts; an older entry is skipped.
            if self.awake(id).and_then(|i| wake_at(&i)) == Some(at) {
                return Some((id, at));
            }
        }
        None
    }

    /// The next alert number.
    pub(super) fn next_alert(&mut self) -> AlertId {
        self.high.alert += 1;
        AlertId(self.high.alert)
    }

    /// The next incident number.
    pub(super) fn next_incident(&mut self) -> IncidentId {
        self.high.incident += 1;
        IncidentId(self.high.incident)
    }

    /// The next place in the order of everything.
    pub(super) fn next_event(&mut self) -> i64 {
        self.high.event += 1;
        self.high.event
    }

    /// The next turn of a policy, counted from 0.
    pub(super) fn next_turn(&mut self, policy: &str) -> u64 {
        let next = self.turns.entry(policy.to_owned()).or_default();
        *next += 1;
        *next - 1
    }

    /// The next outbox number.
    pub(super) fn next_outbox(&mut self) -> i64 {
        self.high.outbox += 1;
        self.high.outbox
    }

    /// Forgets pages of an incident that have not left, all or one person's, and hands them over.
    pub(super) fn take_pages(&mut self, id: IncidentId, person: Option<&str>) -> Vec<OutboxRow> {
        let of_it = self.pages.range((id, i64::MIN)..=(id, i64::MAX));
        let theirs = of_it.filter(|(_, row)| person.is_none_or(|p| row.target == p));
        let keys: Vec<(IncidentId, i64)> = theirs.map(|(key, _)| *key).collect();
        (keys.iter().filter_map(|key| self.pages.remove(key))).collect()
    }

    /// Incidents that follow the same policy hold one copy of it.
    pub(super) fn share_ladder(&mut self, incident: &mut Incident) {
        if let Some(known) = self.ladders.iter().find(|l| **l == incident.ladder) {
            incident.ladder = known.clone();
            return;
        }
        if self.ladders.len() >= LADDERS {
            self.ladders.retain(|l| Arc::strong_count(l) > 1);
        }
        // More policies than that share nothing, rather than making every opening look through all.
        if self.ladders.len() < LADDERS {
            self.ladders.push(incident.ladder.clone());
        }
    }

    /// Remembers how a page stands, so that an acknowledgement can withdraw it.
    pub(super) fn page_state(&mut self, row: &OutboxRow) {
        let key = (row.incident, row.id);
        if matches!(row.state, Delivery::Waiting | Delivery::Sending) {
            self.pages.insert(key, row.clone());
        } else {
            self.pages.remove(&key);
        }
    }
}

/// Nobody could repeat it while firebell was down: it is believed for the grace at least.
fn believe(leases: &mut Leases, alert: &LiveAlert<'_>, now: Time) {
    let ends_at = if alert.ends_at == Time::FAR {
        Time::FAR
    } else {
        alert.ends_at.max(now.plus_ms(GRACE_MS))
    };
    let key = lease::key(alert.source, alert.fingerprint);
    leases.insert(key, alert.id, alert.incident, alert.digest, ends_at);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::incident::Status;

    fn of(group: &str, id: i64, status: Status) -> Arc<Incident> {
        Arc::new(Incident {
            id: IncidentId(id),
            seq: 1,
            group_key: group.to_owned(),
            status,
            ..Incident::default()
        })
    }

    #[test]
    fn a_group_leads_to_its_open_incidents_the_newest_first() {
        let (mut memory, mut readers) = (Memory::default(), Shelf::default());
        for (id, status) in [
            (1, Status::Triggered),
            (2, Status::Acknowledged),
            (3, Status::Resolved),
        ] {
            let one = of("disk", id, status);
            readers.insert(one.id, Kept::Whole(one.clone()));
            memory.hold(one);
        }
        let known =
            |memory: &Memory, group| memory.of_group(group).map(|id| id.0).collect::<Vec<_>>();
        assert_eq!(known(&memory, "disk"), [2, 1]);
        // At rest it is found as well.
        memory.clock = Time(REST_MS);
        memory.rest(&mut readers);
        assert_eq!(known(&memory, "disk"), [2, 1]);
        // What only has the same hash is of another group, and what is over is not open.
        memory.groups.insert("other", IncidentId(1));
        memory.groups.insert("disk", IncidentId(3));
        assert_eq!(known(&memory, "other"), Vec::<i64>::new());
        assert_eq!(known(&memory, "disk"), [2, 1]);
        memory.forget_group("disk", IncidentId(2));
        assert_eq!(known(&memory, "disk"), [1]);
    }
}
