//! The driver of runs: started at most once, followed to the true end, whatever happens meanwhile.
//!
//! A run is written as on its way in the commit that releases it, with the machine it is handed to.
//! From then on only an executor's proof counts: after a restart every run that is not over is
//! reconciled, and what provably never started is started, what is there is followed, and what
//! nobody can know is called unknown, loudly. What executors are asked is derived from the run's
//! number and this installation alone, so a question asked twice is the same question.
//!
//! Output is read again from its beginning after a restart: that costs a moment and makes masking,
//! cutting and counting the same as without the restart.

mod follow;
mod job;
mod rehearse;
mod report;
mod rooms;

pub(super) use job::key;
pub(super) use rooms::{Shown, unshow};

use super::desk::Job as Errand;
use super::outgoing::{Outgoing, Settled};
use super::{Engine, Failure};
use crate::core::id::RunId;
use crate::core::incident::{Command, Incident, Outcome, RunState};
use crate::run::port::{Executor, Found, Handle, Start};
use crate::store::{Delivery, OutboxRow, RunRow};
use follow::Ended;
use job::Checked;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// A released run that provably did not start for this long is not started any more, milliseconds.
const STALE_MS: i64 = 10 * 60 * 1000;
/// An engine that cannot say what became of a run is asked again at this pace, which doubles up to a minute.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// And for this long, before the outcome is called unknown.
const ASK_FOR: Duration = Duration::from_secs(15 * 60);
/// Starts of one run at most, when it may be repeated and asks for it.
const TRIES: u32 = 3;
/// From one try to the next, times the number of tries.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// Carries out a released run, unless this process has it already.
pub(super) fn start(engine: &Engine, effect: Outgoing) {
    let Some((run, dry)) = rehearse::parse(&effect.row.detail) else {
        return;
    };
    let row = effect.row.id;
    let fresh = {
        let mut running = engine
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        running.insert(row)
    };
    if !fresh {
        return;
    }
    let engine = engine.clone();
    super::spawn(async move {
        let mut hand = Hand {
            notes: Vec::new(),
            record: RunRow {
                id: run,
                incident: effect.row.incident,
                action: String::new(),
                state: "running".to_owned(),
                started_at: engine.now(),
                ended_at: None,
                output: String::new(),
                bytes: 0,
                handle: String::new(),
                digest: String::new(),
                told: String::new(),
            },
            run,
            effect,
            engine: engine.clone(),
        };
        if dry {
            hand.rehearse().await;
        } else {
            hand.carry_out().await;
        }
        let mut running = engine
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        running.remove(&row);
    });
}

impl Engine {
    /// Whether this very process is carrying the run of this row out: then its truth is not lost.
    pub(super) fn carries(&self, row: &OutboxRow) -> bool {
        let running = self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        running.contains(&row.id)
    }
}

impl Engine {
    /// Where a file is that a run left.
    #[must_use]
    pub fn artifact(&self, sha256: &str) -> Option<std::path::PathBuf> {
        let place = self.0.options.executors.artifacts()?.join(sha256);
        place.is_file().then_some(place)
    }
}

/// One run under way.
struct Hand {
    engine: Engine,
    effect: Outgoing,
    run: RunId,
    /// The run's row as it was last written.
    record: RunRow,
    /// What is told beside the outcome.
    notes: Vec<String>,
}

impl Hand {
    async fn carry_out(&mut self) {
        let old = self.effect.interrupted;
        if !old && self.effect.row.state == Delivery::Waiting && self.claim().await.is_err() {
            // Nothing was started and the row still waits: the next start of the store picks it up.
            return;
        }
        if old {
            let known = self.engine.store().run(self.run).await;
            if let Ok(Some(known)) = known {
                self.engine.0.shown.remember(self.run, &known.told);
                self.record = known;
            }
        }
        let Some(incident) = self.incident().await else {
            return;
        };
        let Some(run) = incident.runs.get(&self.run) else {
            return;
        };
        if let RunState::Ended(outcome) = &run.state {
            // Only its end was still to be told in the rooms.
            self.tell_rooms(&incident).await;
            return self.settle(outcome).await;
        }
        run.action.clone_into(&mut self.record.action);
        let ended = match job::check(&self.engine, &incident, self.run, old) {
            Err(why) if old => Ended::unknown(why),
            Err(why) => Ended::not_started(why),
            Ok(checked) => self.tries(&checked).await,
        };
        // Another process has taken the database over: it follows the run, and says how it ended.
        if self.engine.fenced() {
            return;
        }
        self.report(ended).await;
    }

    /// The incident as it is now; `None`: this process is stopping.
    async fn incident(&self) -> Option<Arc<Incident>> {
        if !self.effect.interrupted {
            return Some(self.effect.incident.clone());
        }
        self.newest().await
    }

    async fn newest(&self) -> Option<Arc<Incident>> {
        loop {
            match self.engine.incident(self.effect.row.incident).await {
                Ok(incident) => return incident,
                Err(_) if self.engine.fenced() || !self.engine.alive() => return None,
                Err(_) => sleep(ASK_AGAIN).await,
            }
        }
    }

    /// Who wants it to stop.
    async fn cancelled_by(&self) -> Option<String> {
        let incident = self
            .engine
            .incident(self.effect.row.incident)
            .await
            .ok()??;
        let by = incident.runs.get(&self.run)?.cancel.as_ref()?;
        Some(by.name().to_owned())
    }

    /// Starts it, and again when it says "not now" and may be repeated.
    async fn tries(&mut self, checked: &Checked) -> Ended {
        let executor = self.engine.0.options.executors.of(&checked.job.action.how);
        let Some(executor) = executor else {
            let kind = checked.job.action.how.word();
            return Ended::not_started(format!(
                "this firebell has nothing that runs {kind} actions"
            ));
        };
        let mut tries = 1;
        loop {
            let job = checked.attempt(tries);
            let ended = self.attempt(checked, &job, &executor).await;
            let action = &job.action;
            let again = action.idempotent
                && match &ended.outcome {
                    Outcome::Failed { exit } => action.retryable.contains(exit),
                    _ => ended.ambiguous,
                };
            if !again || tries >= TRIES || self.cancelled_by().await.is_some() {
                return ended;
            }
            self.notes.push(format!(
                "try {tries}: {}; it may be repeated, and was started again",
                crate::core::timeline::outcome(&ended.outcome)
            ));
            sleep(TRY_AGAIN * tries).await;
            tries += 1;
        }
    }

    /// One start, or what became of one before a restart.
    async fn attempt(
        &mut self,
        checked: &Checked,
        job: &crate::run::port::Job,
        executor: &Arc<dyn Executor>,
    ) -> Ended {
        if self.effect.interrupted {
            let node = executor.node();
            if node.is_some_and(|n| n != self.effect.row.target) {
                return Ended::unknown(
                    "it was handed to firebell on another machine or data folder, which alone knows".to_owned(),
                );
            }
            match self.reconcile(job, executor.as_ref()).await {
                Found::Here(handle) => return self.follow(job, executor.as_ref(), handle).await,
                Found::Unknowable { why } | Found::NotNow { why } => return Ended::unknown(why),
                Found::Absent => {}
            }
        }
        if let Some(why) = self.too_late(checked).await {
            // A start that was on its way may still arrive: only then it is certain.
            return if executor.forbid(job).await {
                Ended::not_started(why)
            } else {
                let found = self.reconcile(job, executor.as_ref()).await;
                match found {
                    Found::Here(handle) => self.follow(job, executor.as_ref(), handle).await,
                    Found::Absent => Ended::not_started(why),
                    Found::Unknowable { why } | Found::NotNow { why } => Ended::unknown(why),
                }
            };
        }
        match executor.start(job).await {
            Start::Started(handle) => self.follow(job, executor.as_ref(), handle).await,
            Start::NotStarted { why } => Ended::not_started(why),
            // An engine that took the start and could not say so knows it under the run's key. That it
            // knows nothing proves nothing yet: the start may be on its way.
            Start::Ambiguous { why } => match executor.reconcile(job, None).await {
                Found::Here(handle) => self.follow(job, executor.as_ref(), handle).await,
                _ => Ended {
                    ambiguous: true,
                    ..Ended::unknown(why)
                },
            },
        }
    }

    /// Why it must not be started any more.
    async fn too_late(&self, checked: &Checked) -> Option<String> {
        if let Some(by) = self.cancelled_by().await {
            return Some(format!("{by} stopped it before it started"));
        }
        if let Some(why) = &checked.stale {
            return Some(why.clone());
        }
        let waited = self.engine.now().since_ms(self.effect.row.created_at);
        let old = self.effect.interrupted && waited > STALE_MS;
        old.then(|| {
            "firebell was down when it was released; ask again if it is still wanted".to_owned()
        })
    }

    async fn reconcile(&self, job: &crate::run::port::Job, executor: &dyn Executor) -> Found {
        let known = (!self.record.handle.is_empty()).then(|| Handle(self.record.handle.clone()));
        let until = Instant::now() + ASK_FOR;
        let mut pause = ASK_AGAIN;
        loop {
            match executor.reconcile(job, known.as_ref()).await {
                Found::NotNow { .. } if Instant::now() < until => {
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(60));
                }
                found => return found,
            }
        }
    }

    /// For a row that waits, as journals of earlier versions left them.
    async fn claim(&self) -> Result<(), Failure> {
        let (reply, answer) = oneshot::channel();
        let gone = || Failure::Unavailable("stopping".to_owned());
        let settled = Box::new(Settled::Claim {
            row: self.effect.row.clone(),
        });
        let job = Errand::Settled(settled, Some(reply));
        self.engine.0.desk.send(job).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    async fn submit(&self, what: &str, command: Command) {
        let cause = format!("{}:{what}", self.run);
        loop {
            let done = self
                .engine
                .submit(&cause, self.effect.row.incident, command.clone())
                .await;
            match done {
                Err(Failure::Unavailable(_)) if !self.engine.fenced() && self.engine.alive() => {
                    sleep(ASK_AGAIN).await;
                }
                _ => return,
            }
        }
    }
}
