//! A batch from its first decision to its answers.
//!
//! It is open while the batch before it is written, then sealed: what readers and delivery will see
//! is taken as it is at that moment, because the next batch is decided before this one is committed.

use super::{BATCH, Desk, Job, Reply};
use crate::core::brakes::Switches;
use crate::core::id::IncidentId;
use crate::core::incident::Incident;
use crate::core::silence::Silence;
use crate::engine::draft::Draft;
use crate::engine::intake::Intake;
use crate::engine::outgoing::{Message, Outgoing};
use crate::engine::shelf::Kept;
use crate::engine::{Change, Done, Failure, act};
use crate::store::{InboxRow, Lane, ShowRow, StoreFault};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// What came of deliveries waits this long for company before it is written by itself. Nobody waits
/// for it, and a crash meanwhile repeats a page, as it would if it came before the answer.
const LINGER: Duration = Duration::from_millis(3);

/// Whether the desk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    Next,
    Last,
}

/// Answers that go out when the batch is committed.
pub(super) enum Waiting {
    Unit(Reply<()>),
    Done(Reply<Done>, Result<Done, Failure>),
    Count(Reply<usize>),
    Silence(Reply<String>, Result<String, Failure>),
}

/// What is decided and not yet being written.
pub(super) struct Batch {
    pub draft: Draft,
    pub intake: Intake,
    pub waiting: Vec<Waiting>,
    /// Who waits for the end.
    pub stop: Vec<Reply<()>>,
    /// Jobs and deadlines.
    pub size: usize,
    /// Somebody waits for it.
    pub urgent: bool,
    jobs: usize,
    since: Instant,
}

/// What is being written, and what is to happen then.
pub(super) struct Commit {
    /// Causes it answers.
    pub inbox: Vec<InboxRow>,
    written: oneshot::Receiver<Result<(), StoreFault>>,
    draft: Draft,
    waiting: Vec<Waiting>,
    stop: Vec<Reply<()>>,
    /// Surfaces that are behind, as they were decided.
    shows: Vec<(ShowRow, Arc<Incident>)>,
    /// Incidents it changes; `None`: not open any more.
    open: Vec<(IncidentId, Option<Arc<Incident>>)>,
    /// Silences in force from now on, when it changes them.
    silences: Option<Arc<BTreeMap<String, Arc<Silence>>>>,
    /// What runs by itself from now on, when it changes that.
    switches: Option<Arc<Switches>>,
    /// It writes something.
    stored: bool,
    jobs: usize,
    events: usize,
    rows: usize,
    since: Instant,
}

impl Batch {
    pub(super) fn of(draft: Draft) -> Batch {
        Batch {
            draft,
            intake: Intake::default(),
            waiting: Vec::new(),
            stop: Vec::new(),
            size: 0,
            urgent: false,
            jobs: 0,
            since: Instant::now(),
        }
    }

    /// Counts a job in. The outcome of a delivery can wait for company, everything else cannot.
    pub(super) fn count(&mut self, job: &Job) {
        self.size += 1;
        self.jobs += 1;
        self.urgent |= !matches!(job, Job::Settled(_, None));
    }

    /// How much more may come.
    pub(super) fn room(&self) -> usize {
        if self.stop.is_empty() {
            BATCH.saturating_sub(self.size)
        } else {
            0
        }
    }

    pub(super) fn lingers_until(&self) -> Instant {
        self.since + LINGER
    }

    /// Nothing of it is stored.
    fn refuse(self, why: &str) -> Turn {
        for w in self.waiting {
            w.refuse(why);
        }
        ended(self.stop)
    }

    /// Worth a commit.
    pub(super) fn ready(&self) -> bool {
        self.urgent || self.room() == 0 || self.since.elapsed() >= LINGER
    }
}

/// The outcome of the commit under way; for ever when there is none.
pub(super) async fn written(committing: &mut Option<Commit>) -> Result<(), StoreFault> {
    match committing {
        Some(commit) => (&mut commit.written).await.unwrap_or_else(|_| {
            let words = "the task that commits has ended by a fault of its own";
            Err(StoreFault::Unusable(words.to_owned()))
        }),
        None => std::future::pending().await,
    }
}

/// For ever when there is nothing to wait for.
pub(super) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl Desk {
    /// Ends the deciding of the open batch, which is rounded off, and begins to write it. None may be being
    /// written.
    pub(super) fn seal(&mut self) -> Turn {
        let Some(batch) = self.open.take() else {
            return Turn::Next;
        };
        let Some(memory) = &mut self.memory else {
            return batch.refuse("the database does not answer");
        };
        let (since, mut draft) = (Instant::now(), batch.draft);
        draft.project(memory);
        // Chained here, one batch after the other: what is sealed is written in this order or not at all.
        let facts = std::mem::take(&mut draft.changes.facts);
        draft.changes.audit = memory.chain(&facts, draft.now);
        let shows = (draft.behind.iter())
            .filter_map(|key| {
                let incident = memory.incidents.get(key.0)?;
                Some((memory.shows.get(key)?.clone(), incident))
            })
            .collect();
        let open = (draft.touched.iter())
            .map(|id| {
                let open = memory.incidents.get(*id).filter(|i| i.is_open());
                (*id, open)
            })
            .collect();
        let silences = draft.silenced.then(|| memory.quiet.silences.clone());
        let switches = draft.switched.then(|| memory.brakes.switches.clone());
        let mut changes = std::mem::take(&mut draft.changes);
        for row in changes.latches.values_mut() {
            row.epoch = self.epoch;
        }
        let rows = changes.events.len()
            + changes.alerts.len()
            + changes.alert_changes.len()
            + changes.outbox.len()
            + changes.outbox_changes.len()
            + changes.silences.len()
            + changes.notices.len()
            + changes.places.len();
        (changes.inbox.iter()).for_each(|row| self.causes.add(&row.cause));
        let (tell, written) = oneshot::channel();
        let stored = !changes.is_empty();
        self.committing = Some(Commit {
            inbox: changes.inbox.clone(),
            written,
            draft,
            waiting: batch.waiting,
            stop: batch.stop,
            shows,
            open,
            silences,
            switches,
            stored,
            jobs: batch.jobs,
            events: changes.events.len(),
            rows,
            since,
        });
        if !stored {
            return self.conclude(Ok(()));
        }
        let (store, epoch) = (self.engine.store().clone(), self.epoch);
        crate::engine::spawn(async move {
            // Nobody to tell: the desk has ended.
            let _ = tell.send(store.commit(epoch, &changes).await);
        });
        Turn::Next
    }

    /// Publishes what is committed, hands it over and answers. A failed commit forgets the memory,
    /// and what was decided on top of it meanwhile.
    pub(super) fn conclude(&mut self, outcome: Result<(), StoreFault>) -> Turn {
        let Some(mut commit) = self.committing.take() else {
            return Turn::Next;
        };
        let metrics = &self.engine.0.options.metrics;
        let (waiting, stop) = (
            std::mem::take(&mut commit.waiting),
            std::mem::take(&mut commit.stop),
        );
        if let Err(fault) = outcome {
            metrics.commit_failed();
            self.forget(&fault);
            for w in waiting {
                w.refuse(&fault.to_string());
            }
            let above = self.open.take();
            let above = above.map_or(Turn::Next, |batch| batch.refuse(&fault.to_string()));
            return ended(stop).max(above);
        }
        if commit.stored {
            metrics.commit(commit.jobs, commit.rows, commit.since.elapsed());
            metrics.events(commit.events);
        }
        let rows = commit.rows;
        // In this order: who has an answer must find what it says when they look.
        let runs = self.publish(commit);
        for w in waiting {
            w.answer(rows);
        }
        // Last, so that they are what this thread does next: they wait for nothing, and people wait for them.
        for run in runs {
            act::start(&self.engine, run);
        }
        self.rest();
        ended(stop)
    }

    /// Packs what is at rest: when everything is on its way, because nobody waits for that.
    fn rest(&mut self) {
        if let Some(memory) = self.memory.as_mut().filter(|m| m.may_rest()) {
            let open = &self.engine.0.open;
            memory.rest(&mut open.write().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// What is committed becomes visible, and goes on its way; answers which runs are to start.
    fn publish(&mut self, commit: Commit) -> Vec<Outgoing> {
        let (mut draft, inner) = (commit.draft, &self.engine.0);
        if !draft.hashes.is_empty() {
            let mut leases = inner.leases.write().unwrap_or_else(PoisonError::into_inner);
            for (key, hash) in draft.hashes {
                leases.publish(key, hash);
            }
        }
        if let Some(silences) = commit.silences {
            self.engine.put_in_force(&silences);
            self.engine.announce(Change::Directory);
        }
        if let Some(switches) = commit.switches {
            self.engine.put_switches(&switches);
            self.engine.announce(Change::Directory);
        }
        if !draft.relearn.is_empty() {
            let mut unlearned = (inner.unlearned)
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            unlearned.extend(std::mem::take(&mut draft.relearn));
        }
        let none = BTreeSet::new();
        let above = self.open.as_ref().map(|batch| &batch.draft);
        if !commit.open.is_empty() {
            let held = above.map_or(&none, |draft| &draft.touched);
            let mut open = inner.open.write().unwrap_or_else(PoisonError::into_inner);
            for (id, incident) in commit.open {
                match incident {
                    Some(incident) => open.insert(id, Kept::Whole(incident)),
                    None => open.remove(id),
                }
                // What the next batch has changed is in no store yet.
                if let Some(memory) = self.memory.as_mut().filter(|_| !held.contains(&id)) {
                    memory.release(id);
                }
            }
        }
        // Triggered and over in the same batch, or before it was committed: its pages never leave.
        // Should the next commit fail, they are found again in the store.
        let above = above.map_or(&[][..], |draft| &draft.withdrawn);
        let withdrawn = |id: i64| draft.withdrawn.contains(&id) || above.contains(&id);
        draft.outgoing.retain(|effect| !withdrawn(effect.row.id));
        self.engine.remember_nights(&draft.outgoing);
        let run = |effect: &mut Outgoing| effect.row.lane == Lane::Run;
        let runs = draft.outgoing.extract_if(.., run).collect();
        for message in [
            (!draft.withdrawn.is_empty()).then(|| Message::Withdraw(draft.withdrawn)),
            draft.hush.then_some(Message::Hush),
            (!draft.outgoing.is_empty()).then(|| Message::Effects(draft.outgoing)),
            (!commit.shows.is_empty()).then(|| Message::Shows(commit.shows)),
            (!draft.notices.is_empty()).then(|| Message::Notices(draft.notices)),
        ] {
            let _ = message.map(|m| inner.deliver.send(m));
        }
        if draft.informed {
            self.engine.announce(Change::Updates);
        }
        let incidents = draft.touched.into_iter().map(Change::Incident);
        let rooms = draft.rooms.into_iter().map(Change::Room);
        let changed = draft.runs.into_iter();
        let changed = changed.map(|(run, incident)| Change::Run(run, incident));
        for change in incidents.chain(rooms).chain(changed) {
            self.engine.announce(change);
        }
        runs
    }
}

/// Tells those who waited for the end that it has come.
fn ended(stop: Vec<Reply<()>>) -> Turn {
    let mut turn = Turn::Next;
    for reply in stop {
        let _ = reply.send(Ok(()));
        turn = Turn::Last;
    }
    turn
}

impl Waiting {
    fn answer(self, rows: usize) {
        match self {
            Waiting::Unit(reply) => drop(reply.send(Ok(()))),
            Waiting::Done(reply, result) => drop(reply.send(result)),
            Waiting::Count(reply) => drop(reply.send(Ok(rows))),
            Waiting::Silence(reply, result) => drop(reply.send(result)),
        }
    }

    fn refuse(self, why: &str) {
        let failure = Failure::Unavailable(why.to_owned());
        match self {
            Waiting::Unit(reply) => drop(reply.send(Err(failure))),
            Waiting::Done(reply, _) => drop(reply.send(Err(failure))),
            Waiting::Count(reply) => drop(reply.send(Err(failure))),
            Waiting::Silence(reply, _) => drop(reply.send(Err(failure))),
        }
    }
}
