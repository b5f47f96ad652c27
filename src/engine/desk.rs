//! The desk: one task that decides everything, a batch at a time.
//!
//! Promises: what it answers is committed; what it hands to delivery is committed; time that has
//! come is put to the incidents before anything else. It must never wait for the outside world.
//!
//! While one batch is written the next is decided, on top of it: nobody hears of either before its
//! own commit, and a commit that fails takes the batch on top of it along. What a batch touches is
//! held in memory until it is committed, so whatever is read from the store here is as committed.

mod brakes;
mod causes;
mod commit;
mod hush;
mod merge;
mod restore;
mod rows;
mod settle;
mod tie;

use super::draft::Draft;
use super::intake::Intake;
use super::memory::Memory;
use super::outgoing::{Message, Settled};
use super::{AutomationAct, Done, Engine, Failure, SilenceAct, Tie, deliver, redact};
use crate::core::alert::Alert;
use crate::core::audit;
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{Command, Event, Incident, OpenAs, Refusal};
use crate::core::time::Time;
use crate::store::ChangeSet;
use causes::Causes;
use commit::{Batch, Commit, Turn, Waiting, sleep_until, written};
use std::sync::atomic::Ordering;
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
    Silence {
        act: SilenceAct,
        reply: Reply<String>,
    },
    Automate {
        act: AutomationAct,
        reply: Reply<String>,
    },
    Merge {
        cause: String,
        from: IncidentId,
        into: IncidentId,
        by: Actor,
        reply: Reply<Done>,
    },
    Tie {
        cause: String,
        id: IncidentId,
        tie: Tie,
        by: Actor,
        reply: Reply<Done>,
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

struct Desk {
    engine: Engine,
    epoch: i64,
    /// Gone after a failed commit, until the store can be read again.
    memory: Option<Memory>,
    failed_at: Time,
    /// What is being decided.
    open: Option<Batch>,
    /// What was decided before it and is being written: one batch at a time.
    committing: Option<Commit>,
    causes: Causes,
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
        open: None,
        committing: None,
        causes: Causes::new(),
    };
    desk.restore().await?;
    super::spawn(desk.causes.clone().learn(engine.store().clone()));
    deliver::start(engine, messages);
    super::spawn(async move {
        let mut taken = Vec::with_capacity(BATCH);
        while desk.turn(&mut jobs, &mut taken).await == Turn::Next {}
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
        let quiet = memory.quiet.next_due(self.committing.is_none());
        let lead = self.engine.0.options.clock.lead_ms();
        let wake = memory.next_wake().map(|at| at.plus_ms(-lead));
        let brakes = memory.brakes.next_due();
        [wake, lease, quiet, brakes, memory.next_rest()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Waits for something to do and does it: a commit has ended, jobs have come, time has come.
    async fn turn(&mut self, jobs: &mut mpsc::Receiver<Job>, taken: &mut Vec<Job>) -> Turn {
        let room = self.open.as_ref().map_or(BATCH, Batch::room);
        let (due, clock) = (self.next_due(), self.engine.0.options.clock.clone());
        let lingers = self.open.as_ref().filter(|_| self.committing.is_none());
        let until = lingers.map(Batch::lingers_until);
        tokio::select! {
            biased;
            outcome = written(&mut self.committing) => {
                if self.conclude(outcome) == Turn::Last {
                    return Turn::Last;
                }
            }
            n = jobs.recv_many(taken, room), if room > 0 => {
                if n == 0 {
                    return Turn::Last;
                }
                self.decide(taken).await;
            }
            () = clock.sleep_until(due), if room > 0 => self.decide(taken).await,
            () = sleep_until(until) => {}
        }
        let ready = self.open.as_ref().is_some_and(Batch::ready);
        if ready && self.committing.is_none() {
            self.round_off().await;
            return self.seal();
        }
        Turn::Next
    }

    /// What is collected is decided, and what follows for incidents that are not in memory.
    async fn round_off(&mut self) {
        let Some(mut batch) = self.open.take() else {
            return;
        };
        self.flush(&mut batch);
        self.tell_wholes(&mut batch.draft).await;
        self.open = Some(batch);
    }

    /// Decides what has come, and what is due, on top of what is being written.
    async fn decide(&mut self, taken: &mut Vec<Job>) {
        if self.memory.is_none() && !self.recover().await {
            for job in taken.drain(..) {
                job.refuse("the database does not answer");
            }
            return;
        }
        let batch = self.open.take();
        let mut batch = batch.unwrap_or_else(|| Batch::of(Draft::new(&self.engine)));
        batch.draft.now = self.engine.now();
        if let Some(memory) = &mut self.memory {
            memory.clock = batch.draft.now;
            batch.draft.know(&memory.quiet.silences);
            if self.engine.0.look.swap(false, Ordering::SeqCst) {
                memory.quiet.look_at = Some(Time(0));
            }
        }
        // Before time is put to incidents: what is silenced has no next step.
        self.mind_silences(&mut batch).await;
        self.fire_due(&mut batch);
        for job in taken.drain(..) {
            batch.count(&job);
            match job {
                Job::Take { alerts, reply } => {
                    self.take(&mut batch.draft, &mut batch.intake, alerts);
                    batch.waiting.push(Waiting::Unit(reply));
                }
                Job::Stop { reply } => batch.stop.push(reply),
                other => {
                    self.flush(&mut batch);
                    self.handle(&mut batch.draft, other, &mut batch.waiting)
                        .await;
                }
            }
        }
        let free = self.committing.is_none();
        let due = self.memory.as_ref().and_then(|m| m.quiet.next_due(free));
        if due.is_some_and(|at| at <= batch.draft.now) {
            // What a job made of silences is decided with it.
            self.flush(&mut batch);
            self.mind_silences(&mut batch).await;
        }
        self.open = Some(batch);
    }

    /// Wholes that are over and in memory no more are told as well how their parts stand now.
    async fn tell_wholes(&mut self, draft: &mut Draft) {
        while let Some(untold) = draft.untold.pop() {
            // It can only be told what is stored; a database that does not answer fails the batch too.
            if let Err(failure) = self.load(untold.whole).await {
                let (whole, part) = (untold.whole.0, untold.part.0);
                tracing::warn!(whole, part, %failure, "a whole could not be told how its part stands");
                continue;
            }
            if let Some(memory) = &mut self.memory {
                draft.tell_whole(memory, &untold);
                // Nothing may have come of it.
                draft.touched.insert(untold.whole);
            }
        }
    }

    fn fire_due(&mut self, batch: &mut Batch) {
        let Some(memory) = &mut self.memory else {
            return;
        };
        let draft = &mut batch.draft;
        if memory.brakes.next_due().is_some_and(|at| at <= draft.now) {
            // Before time refuses whoever waits: a key that is free now is theirs.
            draft.pump(memory);
            batch.urgent = true;
        }
        let (now, lead) = (draft.now, self.engine.0.options.clock.lead_ms());
        for _ in 0..DUE_AT_ONCE {
            let Some((id, due)) = memory.pop_due(now.plus_ms(lead)) else {
                break;
            };
            batch.size += 1;
            batch.urgent = true;
            self.engine.0.options.metrics.woke(now.since_ms(due).max(0));
            // For it, it is due.
            draft.now = now.max(due);
            if let Err(refusal) = draft.apply(memory, "wake", id, Command::Wake) {
                // Cannot be: the deadline came from the same state. Said, because a silent stop of time is the worst fault.
                tracing::error!(incident.id = id.0, %refusal, "a deadline was refused");
            }
        }
        draft.now = now;
        let mut leases = self
            .engine
            .0
            .leases
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let ended = batch.intake.expire(draft, memory, &mut leases, DUE_AT_ONCE);
        batch.size += ended;
        batch.urgent |= ended > 0;
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

    fn flush(&mut self, batch: &mut Batch) {
        let Some(memory) = &mut self.memory else {
            return;
        };
        let mut leases = self
            .engine
            .0
            .leases
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        (batch.intake).flush(&mut batch.draft, memory, &mut leases);
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
                rows::write(draft, *changes);
                waiting.push(Waiting::Unit(reply));
            }
            Job::Silence { act, reply } => {
                let result = self.silence(draft, act).await;
                waiting.push(Waiting::Silence(reply, result));
            }
            Job::Automate { act, reply } => {
                let result = self.automate(draft, act);
                waiting.push(Waiting::Silence(reply, result));
            }
            Job::Merge {
                cause,
                from,
                into,
                by,
                reply,
            } => {
                let result = self.merge(draft, &cause, (from, into), by).await;
                waiting.push(Waiting::Done(reply, result));
            }
            Job::Tie {
                cause,
                id,
                tie,
                by,
                reply,
            } => {
                let result = self.tie(draft, &cause, (id, tie), by).await;
                waiting.push(Waiting::Done(reply, result));
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
        if matches!(command, Command::Reopen { .. }) {
            self.may_reopen(id)?;
        }
        let mut command = command;
        let gone = match &mut command {
            Command::Redact { seq, also, .. } => {
                let journal = self.engine.store().journal(id).await?;
                let gone = redact::bearing(&journal, *seq)?;
                *also = gone.iter().skip(1).map(|r| r.seq).collect();
                gone.into_iter().cloned().collect()
            }
            _ => Vec::new(),
        };
        let memory = self
            .memory
            .as_mut()
            .ok_or_else(|| Failure::Unavailable("restarting".to_owned()))?;
        let mut refused = None;
        let tried = audit::about_a_run(&command).then(|| command.clone());
        let seq = draft.apply(memory, cause, id, command).inspect_err(|no| {
            let tried = tried.and_then(|c| audit::of_refusal(id, &c, &no.to_string()));
            refused = tried;
        });
        draft.changes.facts.extend(refused);
        let seq = seq?;
        for record in gone {
            let left = redact::left(&record.event);
            draft.changes.redactions.push((id, record.seq, left));
            if let Event::Attached(_) = record.event {
                draft.changes.files_removed.push((id, record.seq));
            }
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

    /// The same human act again (a double click, a chat platform's retry) gets the same answer.
    async fn answered(&self, draft: &Draft, cause: &str) -> Result<Option<Done>, Failure> {
        let decided = draft.changes.inbox.iter();
        let mut decided = decided.chain(self.committing.iter().flat_map(|c| &c.inbox));
        let known = match decided.find(|i| i.cause == cause) {
            Some(row) => Some(row.clone()),
            None if !self.causes.may_be(cause) => None,
            None => self.engine.store().answered(cause).await?,
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
        if memory.incidents.contains(id) {
            return Ok(());
        }
        let journal = self.engine.store().journal(id).await?;
        if journal.is_empty() {
            return Err(Refusal::NoSuchIncident.into());
        }
        for show in self.engine.store().shows(id).await? {
            memory.shows.insert(
                (show.incident, show.platform.clone(), show.surface.clone()),
                show,
            );
        }
        memory.hold(Arc::new(Incident::replay(id, &journal)));
        Ok(())
    }
}

impl Job {
    fn refuse(self, why: &str) {
        let failure = || Failure::Unavailable(why.to_owned());
        match self {
            Job::Take { reply, .. } | Job::Write { reply, .. } => drop(reply.send(Err(failure()))),
            Job::Submit { reply, .. }
            | Job::Open { reply, .. }
            | Job::Merge { reply, .. }
            | Job::Tie { reply, .. } => {
                drop(reply.send(Err(failure())));
            }
            Job::Silence { reply, .. } | Job::Automate { reply, .. } => {
                drop(reply.send(Err(failure())));
            }
            Job::Tick { reply } => drop(reply.send(Err(failure()))),
            Job::Stop { reply } => drop(reply.send(Ok(()))),
            Job::Settled(_, reply) => drop(reply.map(|r| r.send(Err(failure())))),
        }
    }
}
