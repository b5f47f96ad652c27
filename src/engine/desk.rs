//! The desk: one task that decides everything, a batch at a time.
//!
//! Promises: what it answers is committed; what it hands to delivery is committed; time that has
//! come is put to the incidents before anything else. It must never wait for the outside world.

use super::draft::Draft;
use super::intake::Intake;
use super::memory::{Memory, Restored};
use super::outgoing::{Message, Outgoing, Settled};
use super::{Change, Done, Engine, Failure, deliver};
use crate::core::alert::Alert;
use crate::core::id::IncidentId;
use crate::core::incident::{Command, Incident, OpenAs, Outcome, Refusal, Surface};
use crate::core::time::Time;
use crate::store::{ChangeSet, Delivery, Lane, OutboxChange, OutboxRow, StoreFault};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Jobs decided in one transaction: large enough to share a sync among all who wait, small enough
/// that the first of them does not wait for ever.
const BATCH: usize = 512;
/// Deadlines taken up in one batch; the rest comes in the next, at once.
const DUE_AT_ONCE: usize = 512;
/// After a failed commit the store is tried again at most this often.
const RETRY_MS: i64 = 200;
/// A released run that did not start for this long after a restart is not started any more.
const RUN_STALE_MS: i64 = 10 * 60 * 1000;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Failure>>;

/// Something for the desk.
pub(super) enum Job {
    Take {
        alerts: Vec<(Alert, u128)>,
        reply: Reply<()>,
    },
    Submit {
        cause: String,
        id: IncidentId,
        command: Box<Command>,
        reply: Reply<Done>,
    },
    Open {
        cause: String,
        open: Box<OpenAs>,
        reply: Reply<Done>,
    },
    Write {
        changes: Box<ChangeSet>,
        reply: Reply<()>,
    },
    /// Delivery tells how something went.
    Settled(Box<Settled>, Option<Reply<()>>),
    /// Do what is due; answers with how many rows that wrote.
    Tick {
        reply: Reply<usize>,
    },
    Stop {
        reply: Reply<()>,
    },
}

/// Answers that go out when the batch is committed.
enum Waiting {
    Unit(Reply<()>),
    Done(Reply<Done>, Result<Done, Failure>),
    Count(Reply<usize>),
}

struct Desk {
    engine: Engine,
    epoch: i64,
    /// Gone after a failed commit, until the store can be read again.
    memory: Option<Memory>,
    failed_at: Time,
}

/// Restores the memory and starts the desk and delivery.
pub(super) async fn start(
    engine: &Engine,
    epoch: i64,
    mut jobs: mpsc::Receiver<Job>,
    messages: mpsc::UnboundedReceiver<Message>,
) -> anyhow::Result<()> {
    let mut desk = Desk {
        engine: engine.clone(),
        epoch,
        memory: None,
        failed_at: Time(0),
    };
    desk.restore().await?;
    deliver::start(engine, messages);
    super::spawn(async move {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let due = desk.next_due();
            let clock = desk.engine.0.options.clock.clone();
            tokio::select! {
                biased;
                n = jobs.recv_many(&mut batch, BATCH) => if n == 0 { return },
                () = clock.sleep_until(due) => {}
            }
            if desk.step(&mut batch).await {
                return;
            }
        }
    });
    Ok(())
}

impl Desk {
    fn next_due(&self) -> Option<Time> {
        let Some(memory) = &self.memory else {
            return Some(self.failed_at.plus_ms(RETRY_MS));
        };
        let lease = self
            .engine
            .0
            .leases
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .next_due();
        [memory.next_wake(), lease].into_iter().flatten().min()
    }

    /// Decides a batch, commits it, answers it. True: this was the last one.
    async fn step(&mut self, batch: &mut Vec<Job>) -> bool {
        if self.memory.is_none() && !self.recover().await {
            for job in batch.drain(..) {
                job.refuse("the database does not answer");
            }
            return false;
        }
        let started = std::time::Instant::now();
        let jobs = batch.len();
        let mut draft = Draft::new(self.engine.now(), self.engine.directory());
        let (mut waiting, mut stop) = (Vec::with_capacity(jobs), Vec::new());
        let mut intake = Intake::default();
        self.fire_due(&mut draft, &mut intake);
        for job in batch.drain(..) {
            match job {
                Job::Take { alerts, reply } => {
                    self.take(&mut draft, &mut intake, alerts);
                    waiting.push(Waiting::Unit(reply));
                }
                Job::Stop { reply } => stop.push(reply),
                other => {
                    self.flush(&mut draft, &mut intake);
                    self.handle(&mut draft, other, &mut waiting).await;
                }
            }
        }
        self.flush(&mut draft, &mut intake);
        self.finish(draft, waiting, jobs, started).await;
        let last = !stop.is_empty();
        for reply in stop {
            let _ = reply.send(Ok(()));
        }
        last
    }

    fn fire_due(&mut self, draft: &mut Draft, intake: &mut Intake) {
        let Some(memory) = &mut self.memory else {
            return;
        };
        for _ in 0..DUE_AT_ONCE {
            let Some(id) = memory.pop_due(draft.now) else {
                break;
            };
            if let Err(refusal) = draft.apply(memory, "wake", id, Command::Wake) {
                // Cannot be: the deadline came from the same state. Said, because a silent stop of time is the worst fault.
                tracing::error!(incident.id = id.0, %refusal, "a deadline was refused");
            }
        }
        let mut leases = self
            .engine
            .0
            .leases
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        intake.expire(draft, memory, &mut leases, DUE_AT_ONCE);
    }

    fn take(&mut self, draft: &mut Draft, intake: &mut Intake, alerts: Vec<(Alert, u128)>) {
        let Some(memory) = &mut self.memory else {
            return;
        };
        let mut leases = self
            .engine
            .0
            .leases
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for (alert, hash) in alerts {
            intake.take(draft, memory, &mut leases, alert, hash);
        }
    }

    fn flush(&mut self, draft: &mut Draft, intake: &mut Intake) {
        let Some(memory) = &mut self.memory else {
            return;
        };
        let mut leases = self
            .engine
            .0
            .leases
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        intake.flush(draft, memory, &mut leases);
    }

    async fn handle(&mut self, draft: &mut Draft, job: Job, waiting: &mut Vec<Waiting>) {
        match job {
            Job::Submit {
                cause,
                id,
                command,
                reply,
            } => {
                let result = self.submit(draft, &cause, id, *command).await;
                waiting.push(Waiting::Done(reply, result));
            }
            Job::Open { cause, open, reply } => {
                let result = self.open(draft, &cause, *open).await;
                waiting.push(Waiting::Done(reply, result));
            }
            Job::Write { changes, reply } => {
                write(draft, *changes);
                waiting.push(Waiting::Unit(reply));
            }
            Job::Settled(settled, reply) => {
                self.settled(draft, *settled).await;
                waiting.extend(reply.map(Waiting::Unit));
            }
            Job::Tick { reply } => waiting.push(Waiting::Count(reply)),
            Job::Take { .. } | Job::Stop { .. } => {}
        }
    }

    async fn submit(
        &mut self,
        draft: &mut Draft,
        cause: &str,
        id: IncidentId,
        command: Command,
    ) -> Result<Done, Failure> {
        if let Some(done) = self.answered(draft, cause).await? {
            return Ok(done);
        }
        self.load(id).await?;
        let memory = self
            .memory
            .as_mut()
            .ok_or_else(|| Failure::Unavailable("restarting".to_owned()))?;
        let seq = draft.apply(memory, cause, id, command)?;
        draft.answered(cause, id, seq);
        Ok(Done {
            incident: id,
            seq,
            repeated: false,
        })
    }

    async fn open(
        &mut self,
        draft: &mut Draft,
        cause: &str,
        open: OpenAs,
    ) -> Result<Done, Failure> {
        if let Some(done) = self.answered(draft, cause).await? {
            return Ok(done);
        }
        let memory = self
            .memory
            .as_mut()
            .ok_or_else(|| Failure::Unavailable("restarting".to_owned()))?;
        let id = memory.next_incident();
        let seq = draft.apply(memory, cause, id, Command::Open(Box::new(open)))?;
        draft.answered(cause, id, seq);
        Ok(Done {
            incident: id,
            seq,
            repeated: false,
        })
    }

    /// The same human act again (a double click, a chat platform's retry) gets the same answer.
    async fn answered(&self, draft: &Draft, cause: &str) -> Result<Option<Done>, Failure> {
        let known = match draft.changes.inbox.iter().find(|i| i.cause == cause) {
            Some(row) => Some(row.clone()),
            None => self
                .engine
                .store()
                .answered(cause)
                .await
                .map_err(unavailable)?,
        };
        Ok(known.map(|row| Done {
            incident: row.incident,
            seq: row.seq,
            repeated: true,
        }))
    }

    /// Brings an incident that is not open into memory.
    async fn load(&mut self, id: IncidentId) -> Result<(), Failure> {
        let Some(memory) = &mut self.memory else {
            return Ok(());
        };
        if memory.incidents.contains_key(&id) {
            return Ok(());
        }
        let journal = self.engine.store().journal(id).await.map_err(unavailable)?;
        if journal.is_empty() {
            return Err(Refusal::NoSuchIncident.into());
        }
        for show in self.engine.store().shows(id).await.map_err(unavailable)? {
            memory.shows.insert(
                (show.incident, show.platform.clone(), show.surface.clone()),
                show,
            );
        }
        memory.hold(Arc::new(Incident::replay(id, &journal)));
        Ok(())
    }

    async fn settled(&mut self, draft: &mut Draft, settled: Settled) {
        match settled {
            Settled::Claim { row } => mark(
                draft,
                &row,
                Delivery::Sending,
                row.attempts + 1,
                row.due_at,
                String::new(),
            ),
            Settled::Effect {
                row,
                result,
                retry_at,
                tell,
            } => {
                self.effect_settled(draft, row, result, retry_at, tell)
                    .await
            }
            Settled::Show {
                key,
                have,
                result,
                retry_at,
            } => {
                let id = key.0;
                if self.load(id).await.is_err() {
                    return;
                }
                let Some(memory) = &mut self.memory else {
                    return;
                };
                let Some(show) = memory.shows.get_mut(&key) else {
                    return;
                };
                let command = match &result {
                    Ok((remote, name)) => {
                        (show.have, show.attempts, show.error) = (have, 0, String::new());
                        show.remote.clone_from(remote);
                        (key.2 == Surface::Room.word()).then(|| Command::RoomReady {
                            platform: key.1.clone(),
                            room: remote.clone(),
                            name: name.clone(),
                        })
                    }
                    Err(fault) => {
                        let first = show.attempts == 0;
                        (show.attempts, show.error) = (show.attempts + 1, fault.why.clone());
                        match retry_at {
                            Some(at) => show.due_at = at,
                            // Given up: it is not behind any more, and the reason stays on the row.
                            None => show.have = show.want,
                        }
                        let failed = key.2 == Surface::Room.word() && (first || retry_at.is_none());
                        failed.then(|| Command::RoomFailed {
                            platform: key.1.clone(),
                            why: fault.why.clone(),
                        })
                    }
                };
                draft.changes.shows.insert(key.clone(), show.clone());
                if show.want > show.have {
                    draft.behind.insert(key);
                }
                draft.touched.insert(id);
                if let Some(command) = command {
                    let _ = draft.apply(memory, "delivery", id, command);
                }
            }
        }
    }

    async fn effect_settled(
        &mut self,
        draft: &mut Draft,
        row: OutboxRow,
        result: Result<(), crate::chat::Fault>,
        retry_at: Option<Time>,
        tell: bool,
    ) {
        let id = row.incident;
        let (person, contact) = (row.target.clone(), row.detail.clone());
        let command = match (&result, row.lane) {
            (Ok(()), Lane::Page) => Some(Command::PageDelivered {
                person,
                contact,
                attempts: row.attempts,
            }),
            (Err(fault), Lane::Page) if tell => {
                let still = if retry_at.is_some() {
                    "; still trying"
                } else {
                    ""
                };
                Some(Command::PageFailed {
                    person,
                    contact,
                    why: format!("{}{still}", fault.why),
                })
            }
            _ => None,
        };
        let error = result
            .as_ref()
            .err()
            .map(|f| f.why.clone())
            .unwrap_or_default();
        match (result.is_ok(), retry_at) {
            (true, _) => mark(draft, &row, Delivery::Done, row.attempts, row.due_at, error),
            (false, Some(at)) => mark(draft, &row, Delivery::Waiting, row.attempts, at, error),
            (false, None) => mark(
                draft,
                &row,
                Delivery::Failed,
                row.attempts,
                row.due_at,
                error,
            ),
        }
        if row.lane == Lane::Page && (result.is_ok() || retry_at.is_none()) {
            if let Some(memory) = &mut self.memory {
                memory.page_state(&OutboxRow {
                    state: Delivery::Done,
                    ..row.clone()
                });
            }
        }
        let Some(command) = command else { return };
        if self.load(id).await.is_ok() {
            if let Some(memory) = &mut self.memory {
                let _ = draft.apply(
                    memory,
                    &format!("delivery:{id}:{}:{}", row.seq, row.n),
                    id,
                    command,
                );
            }
        }
    }

    /// Commits, then answers, publishes and hands over. A failed commit forgets the memory.
    async fn finish(
        &mut self,
        mut draft: Draft,
        waiting: Vec<Waiting>,
        jobs: usize,
        started: std::time::Instant,
    ) {
        let Some(memory) = &mut self.memory else {
            return;
        };
        draft.project(memory);
        let rows = draft.changes.events.len()
            + draft.changes.alerts.len()
            + draft.changes.alert_changes.len()
            + draft.changes.outbox.len()
            + draft.changes.outbox_changes.len();
        if !draft.changes.is_empty() {
            if let Err(fault) = self.engine.store().commit(self.epoch, &draft.changes).await {
                self.forget(&fault);
                for w in waiting {
                    w.refuse(&fault.to_string());
                }
                return;
            }
            tracing::debug!(
                jobs,
                rows,
                duration_us = started.elapsed().as_micros() as u64,
                "committed"
            );
        }
        for w in waiting {
            w.answer(rows);
        }
        self.publish(draft);
    }

    /// What is committed becomes visible, and goes on its way.
    fn publish(&mut self, draft: Draft) {
        let Some(memory) = &mut self.memory else {
            return;
        };
        let inner = &self.engine.0;
        if !draft.hashes.is_empty() {
            let mut leases = inner.leases.write().unwrap_or_else(PoisonError::into_inner);
            for (key, hash) in draft.hashes {
                leases.publish(key, hash);
            }
        }
        let shows: Vec<_> = draft
            .behind
            .iter()
            .filter_map(|key| {
                Some((
                    memory.shows.get(key)?.clone(),
                    memory.incidents.get(&key.0)?.clone(),
                ))
            })
            .collect();
        if !draft.touched.is_empty() {
            let mut open = inner.open.write().unwrap_or_else(PoisonError::into_inner);
            for id in &draft.touched {
                match memory.incidents.get(id) {
                    Some(i) if i.is_open() => open.insert(*id, i.clone()),
                    _ => open.remove(id),
                };
                memory.release(*id);
            }
        }
        for message in [
            (!draft.withdrawn.is_empty()).then(|| Message::Withdraw(draft.withdrawn)),
            (!draft.outgoing.is_empty()).then(|| Message::Effects(draft.outgoing)),
            (!shows.is_empty()).then(|| Message::Shows(shows)),
        ] {
            let _ = message.map(|m| inner.deliver.send(m));
        }
        for change in draft
            .touched
            .into_iter()
            .map(Change::Incident)
            .chain(draft.rooms.into_iter().map(Change::Room))
            .chain(
                draft
                    .runs
                    .into_iter()
                    .map(|(run, incident)| Change::Run(run, incident)),
            )
        {
            self.engine.announce(change);
        }
    }

    fn forget(&mut self, fault: &StoreFault) {
        tracing::error!(error = %fault, "nothing can be stored; senders are told to try again");
        self.engine.0.seen.clear();
        self.memory = None;
        self.failed_at = self.engine.now();
        if matches!(fault, StoreFault::Fenced) {
            self.engine.0.fenced.store(true, Ordering::SeqCst);
        }
    }

    async fn recover(&mut self) -> bool {
        let now = self.engine.now();
        if self.engine.fenced() || now < self.failed_at.plus_ms(RETRY_MS) {
            return false;
        }
        match self.restore().await {
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
    async fn restore(&mut self) -> anyhow::Result<()> {
        let now = self.engine.now();
        let inner = self.engine.0.clone();
        inner.seen.clear();
        let mut leases = super::Leases::new(inner.seen.clone());
        let (memory, restored) = Memory::restore(&inner.store, &mut leases, now).await?;
        *inner.leases.write().unwrap_or_else(PoisonError::into_inner) = leases;
        let open = memory
            .incidents
            .iter()
            .filter(|(_, i)| i.is_open())
            .map(|(id, i)| (*id, i.clone()))
            .collect();
        *inner.open.write().unwrap_or_else(PoisonError::into_inner) = open;
        self.memory = Some(memory);
        self.resume(restored).await?;
        Ok(())
    }

    /// After a restart: pages and lines go on, a run that was on its way is lost and says so.
    async fn resume(&mut self, restored: Restored) -> anyhow::Result<()> {
        let mut draft = Draft::new(self.engine.now(), self.engine.directory());
        draft.behind.extend(restored.shows);
        let _ = self.engine.0.deliver.send(Message::Restart);
        for row in restored.outbox {
            self.load(row.incident).await?;
            let Some(memory) = &mut self.memory else {
                return Ok(());
            };
            let Some(incident) = memory.incidents.get(&row.incident).cloned() else {
                continue;
            };
            let interrupted = row.state == Delivery::Sending;
            if row.lane == Lane::Run && self.engine.carries(&row) {
                continue;
            }
            if row.lane == Lane::Run
                && (interrupted || draft.now.since_ms(row.created_at) > RUN_STALE_MS)
            {
                lose(&mut draft, memory, &row, interrupted);
                continue;
            }
            let journal = self.engine.store().journal(row.incident).await?;
            let record = journal.into_iter().find(|r| r.seq == row.seq);
            draft.outgoing.push(Outgoing {
                row,
                incident,
                record,
                interrupted,
                told: false,
            });
        }
        self.finish(draft, Vec::new(), 0, std::time::Instant::now())
            .await;
        Ok(())
    }
}

/// A run whose truth is lost, or that waited too long to be started now.
fn lose(draft: &mut Draft, memory: &mut Memory, row: &OutboxRow, interrupted: bool) {
    let Ok(run) = row.detail.parse().map(crate::core::id::RunId) else {
        return;
    };
    let outcome = if interrupted {
        Outcome::Unknown {
            why: "firebell stopped while it ran; it may or may not have finished".to_owned(),
        }
    } else {
        Outcome::NotStarted {
            why: "firebell was down when it was released; ask again if it is still wanted"
                .to_owned(),
        }
    };
    let word = outcome.word().to_owned();
    mark(draft, row, Delivery::Failed, row.attempts, row.due_at, word);
    let ended = Command::RunEnded {
        run,
        outcome,
        duration_ms: 0,
        bytes: 0,
        tail: String::new(),
    };
    let _ = draft.apply(memory, "restart", row.incident, ended);
}

fn mark(
    draft: &mut Draft,
    row: &OutboxRow,
    state: Delivery,
    attempts: u32,
    due_at: Time,
    error: String,
) {
    // An acknowledgement in the same batch may have withdrawn it; what was delivered stays delivered.
    let change = OutboxChange {
        id: row.id,
        state,
        attempts,
        due_at,
        updated_at: draft.now,
        error,
    };
    draft.changes.outbox_changes.insert(row.id, change);
}

fn write(draft: &mut Draft, changes: ChangeSet) {
    draft.rooms.extend(changes.posts.iter().map(|p| p.room));
    draft
        .runs
        .extend(changes.runs.values().map(|r| (r.id, r.incident)));
    draft.changes.rooms.extend(changes.rooms);
    draft.changes.posts.extend(changes.posts);
    draft.changes.runs.extend(changes.runs);
    draft.changes.quarantine.extend(changes.quarantine);
}

fn unavailable(fault: StoreFault) -> Failure {
    Failure::Unavailable(fault.to_string())
}

impl Job {
    fn refuse(self, why: &str) {
        let failure = || Failure::Unavailable(why.to_owned());
        match self {
            Job::Take { reply, .. } | Job::Write { reply, .. } => drop(reply.send(Err(failure()))),
            Job::Submit { reply, .. } | Job::Open { reply, .. } => drop(reply.send(Err(failure()))),
            Job::Tick { reply } => drop(reply.send(Err(failure()))),
            Job::Stop { reply } => drop(reply.send(Ok(()))),
            Job::Settled(_, reply) => drop(reply.map(|r| r.send(Err(failure())))),
        }
    }
}

impl Waiting {
    fn answer(self, rows: usize) {
        match self {
            Waiting::Unit(reply) => drop(reply.send(Ok(()))),
            Waiting::Done(reply, result) => drop(reply.send(result)),
            Waiting::Count(reply) => drop(reply.send(Ok(rows))),
        }
    }

    fn refuse(self, why: &str) {
        let failure = Failure::Unavailable(why.to_owned());
        match self {
            Waiting::Unit(reply) => drop(reply.send(Err(failure))),
            Waiting::Done(reply, _) => drop(reply.send(Err(failure))),
            Waiting::Count(reply) => drop(reply.send(Err(failure))),
        }
    }
}
