//! Runs of runbook actions: at most once.
//!
//! The outbox row says "on its way" before the program is started, so a crash at any later point
//! finds it and calls the outcome `unknown`; one that still waits provably never started.

use super::desk::Job;
use super::outgoing::{Outgoing, Settled};
use super::{Engine, Failure};
use crate::chat::Fault;
use crate::core::id::RunId;
use crate::core::incident::{Command, Outcome};
use crate::run::{self, Ended, OutputSink, Spec};
use crate::store::{ChangeSet, OutboxRow, RunRow};
use std::time::Duration;
use tokio::sync::oneshot;

/// The outcome of a program that has run must reach the journal; it is offered again at this pace.
const REPORT_AGAIN: Duration = Duration::from_secs(1);

/// Starts a released run, unless this process has it already.
pub(super) fn start(engine: &Engine, effect: Outgoing) {
    let Ok(run) = effect.row.detail.parse().map(RunId) else {
        return;
    };
    let fresh = engine
        .0
        .running
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .insert(run);
    if !fresh {
        return;
    }
    let engine = engine.clone();
    super::spawn(async move {
        carry_out(&engine, &effect, run).await;
        engine
            .0
            .running
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .remove(&run);
    });
}

impl Engine {
    /// Whether this very process is carrying the run of this row out: then its truth is not lost.
    pub(super) fn carries(&self, row: &OutboxRow) -> bool {
        let running = self
            .0
            .running
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        row.detail
            .parse()
            .is_ok_and(|n| running.contains(&RunId(n)))
    }
}

async fn carry_out(engine: &Engine, effect: &Outgoing, run: RunId) {
    let row = &effect.row;
    if claim(engine, row).await.is_err() {
        // Nothing was started and the row still waits: the next start of the store picks it up.
        return;
    }
    let ended = match spec(engine, effect, run) {
        Err(why) => Ended::not_started(why),
        Ok((action, spec)) => perform(engine, row, run, &action, spec).await,
    };
    report(engine, row, run, ended).await;
}

async fn claim(engine: &Engine, row: &OutboxRow) -> Result<(), Failure> {
    let (reply, answer) = oneshot::channel();
    let gone = || Failure::Unavailable("stopping".to_owned());
    let settled = Box::new(Settled::Claim { row: row.clone() });
    engine
        .0
        .desk
        .send(Job::Settled(settled, Some(reply)))
        .await
        .map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}

/// What is started is what everybody saw: the argv of the journal, under the limits of the same file version.
fn spec(engine: &Engine, effect: &Outgoing, run: RunId) -> Result<(String, Spec), String> {
    let asked = effect
        .incident
        .runs
        .get(&run)
        .ok_or("the run is not in the journal")?;
    let directory = engine.directory();
    let action = directory
        .actions
        .get(&asked.action)
        .ok_or_else(|| format!("{} is no longer configured", asked.action))?;
    if action.digest != asked.digest {
        return Err(format!(
            "the file of {} was changed after the approval",
            asked.action
        ));
    }
    Ok((
        asked.action.clone(),
        Spec::of(action, asked.argv.clone(), engine.0.options.scratch.clone()),
    ))
}

async fn perform(engine: &Engine, row: &OutboxRow, run: RunId, action: &str, spec: Spec) -> Ended {
    let base = RunRow {
        id: run,
        incident: row.incident,
        action: action.to_owned(),
        state: "running".to_owned(),
        started_at: engine.now(),
        ended_at: None,
        output: String::new(),
        bytes: 0,
    };
    keep(engine, base.clone()).await;
    let (sink_engine, sink_row) = (engine.clone(), base.clone());
    let sink = OutputSink::new(move |progress: run::Progress| {
        let (engine, row) = (sink_engine.clone(), sink_row.clone());
        async move {
            keep(
                &engine,
                RunRow {
                    output: progress.output,
                    bytes: progress.bytes,
                    ..row
                },
            )
            .await;
        }
    });
    let (started_engine, id) = (engine.clone(), row.incident);
    let started = move || {
        super::spawn(async move {
            let _ = started_engine
                .submit(&format!("{run}:started"), id, Command::RunStarted { run })
                .await;
        });
    };
    let ended = run::process::run(&spec, started, sink).await;
    let last = RunRow {
        state: ended.outcome.word().to_owned(),
        ended_at: Some(engine.now()),
        output: ended.output.clone(),
        bytes: ended.bytes,
        ..base
    };
    keep(engine, last).await;
    ended
}

/// Output is kept as well as it can be; losing an update of it loses nothing that decides.
async fn keep(engine: &Engine, row: RunRow) {
    let mut changes = ChangeSet::default();
    changes.runs.insert(row.id, row);
    if let Err(error) = engine.write(changes).await {
        tracing::warn!(%error, "a run's output could not be stored");
    }
}

async fn report(engine: &Engine, row: &OutboxRow, run: RunId, ended: Ended) {
    let result = match &ended.outcome {
        Outcome::Succeeded { .. } => Ok(()),
        other => Err(Fault {
            why: other.word().to_owned(),
            retry: crate::chat::Retry::Never,
        }),
    };
    let command = Command::RunEnded {
        run,
        outcome: ended.outcome,
        duration_ms: ended.duration_ms,
        bytes: u64::try_from(ended.bytes).unwrap_or(0),
        tail: ended.tail,
        notes: Vec::new(),
    };
    let cause = format!("{run}:ended");
    loop {
        match engine.submit(&cause, row.incident, command.clone()).await {
            Err(Failure::Unavailable(_)) if !engine.fenced() => {
                tokio::time::sleep(REPORT_AGAIN).await;
            }
            _ => break,
        }
    }
    let row = OutboxRow {
        attempts: row.attempts + 1,
        ..row.clone()
    };
    let settled = Box::new(Settled::Effect {
        row,
        result,
        retry_at: None,
        tell: false,
        ledger: Vec::new(),
    });
    let _ = engine.0.desk.send(Job::Settled(settled, None)).await;
}
