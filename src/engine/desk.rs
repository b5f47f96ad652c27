//! The desk: one task that decides everything, a batch at a time.
//!
//! Promises: what it answers is committed; what it hands to delivery is committed; time that has
//! come is put to the incidents before anything else. It must never wait for the outside world.

mod restore;
mod settle;

use super::draft::Draft;
use super::intake::Intake;
use super::memory::Memory;
use super::outgoing::{Message, Settled};
use super::{Change, Done, Engine, Failure, deliver};
use crate::core::alert::Alert;
use crate::core::id::{IncidentId, Seq};
use crate::core::incident::{Command, Event, Incident, OpenAs, Refusal};
use crate::core::time::Time;
use crate::store::{ChangeSet, StoreFault};
use std::sync::{Arc, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Jobs decided in one transaction: large enough to share a sync among all who wait, small enough
/// that the first of them does not wait for ever.
const BATCH: usize = 512;
/// Deadlines taken up in one batch; the rest comes in the next, at once.
const DUE_AT_ONCE: usize = 512;

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
            return Some(self.failed_at.plus_ms(restore::RETRY_MS));
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
        let mut draft = Draft::new(&self.engine);
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
            let Some((id, due)) = memory.pop_due(draft.now) else {
                break;
            };
            self.engine.0.options.metrics.woke(draft.now.since_ms(due));
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
        let kind = match &command {
            Command::Redact { seq, .. } => Some(self.redactable(id, *seq).await?),
            _ => None,
        };
        let memory = self
            .memory
            .as_mut()
            .ok_or_else(|| Failure::Unavailable("restarting".to_owned()))?;
        let seq = draft.apply(memory, cause, id, command)?;
        if let Some((redacted, kind)) = kind {
            draft.changes.redactions.push((id, redacted, kind));
        }
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

    /// Kind of an event whose content may be removed: only what people wrote, because the state is a
    /// fold of everything else.
    async fn redactable(&self, id: IncidentId, seq: Seq) -> Result<(Seq, String), Failure> {
        let journal = self
            .engine
            .store()
            .journal(id)
            .await
            .map_err(|e| unavailable(&e))?;
        match journal.into_iter().find(|r| r.seq == seq).map(|r| r.event) {
            Some(
                event @ (Event::Noted { .. } | Event::Spoke { .. } | Event::Reworded { .. }),
            ) => Ok((seq, event.kind().to_owned())),
            Some(_) => Err(Refusal::Invalid {
                why: format!("Line {seq} is not something a person wrote; only notes and messages can be removed."),
            }
            .into()),
            None => Err(Refusal::Invalid { why: format!("There is no line {seq} in this timeline.") }.into()),
        }
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
                .map_err(|e| unavailable(&e))?,
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
        let journal = self
            .engine
            .store()
            .journal(id)
            .await
            .map_err(|e| unavailable(&e))?;
        if journal.is_empty() {
            return Err(Refusal::NoSuchIncident.into());
        }
        for show in self
            .engine
            .store()
            .shows(id)
            .await
            .map_err(|e| unavailable(&e))?
        {
            memory.shows.insert(
                (show.incident, show.platform.clone(), show.surface.clone()),
                show,
            );
        }
        memory.hold(Arc::new(Incident::replay(id, &journal)));
        Ok(())
    }

    /// Commits, then publishes, hands over and answers. A failed commit forgets the memory.
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
            let metrics = &self.engine.0.options.metrics;
            if let Err(fault) = self.engine.store().commit(self.epoch, &draft.changes).await {
                metrics.commit_failed();
                self.forget(&fault);
                for w in waiting {
                    w.refuse(&fault.to_string());
                }
                return;
            }
            metrics.commit(jobs, rows, started.elapsed());
            metrics.events(draft.changes.events.len());
        }
        // In this order: who has an answer must find what it says when they look.
        self.publish(draft);
        for w in waiting {
            w.answer(rows);
        }
    }

    /// What is committed becomes visible, and goes on its way.
    fn publish(&mut self, mut draft: Draft) {
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
        // Triggered and over in the same batch: its pages never leave.
        let withdrawn = &draft.withdrawn;
        draft
            .outgoing
            .retain(|effect| !withdrawn.contains(&effect.row.id));
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
    draft.changes.heard.extend(changes.heard);
    draft.changes.heard_done.extend(changes.heard_done);
    draft.changes.heard_old = draft.changes.heard_old.max(changes.heard_old);
    draft.changes.links.extend(changes.links);
    draft.changes.link_codes.extend(changes.link_codes);
    draft.changes.keys.extend(changes.keys);
}

fn unavailable(fault: &StoreFault) -> Failure {
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
