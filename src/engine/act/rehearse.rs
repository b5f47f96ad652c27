//! The "only look" mode of an action, run before anybody decides: what it writes stands on the card.
//!
//! It changes nothing by its action's own promise. It is carried out like any run, by the same executor
//! under a key of its own, so that a restart finds it again instead of starting it a second time.

use super::follow::Ended;
use super::{ASK_AGAIN, Hand, job};
use crate::core::digest;
use crate::core::id::RunId;
use crate::core::incident::{Command, Outcome, RunState};
use crate::run::Output;
use crate::run::port::{Cursor, Executor, Found, Job, Stand, Start};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Before the run's number in the row of a rehearsal.
pub(super) const WORD: &str = "dry:";
/// What an executor should have ended is given up this long after its limit.
const OVERTIME: Duration = Duration::from_secs(60);

/// The run a row means, and whether its rehearsal is meant.
pub(super) fn parse(detail: &str) -> Option<(RunId, bool)> {
    let number = detail.strip_prefix(WORD);
    let run = number.unwrap_or(detail).parse().ok()?;
    Some((RunId(run), number.is_some()))
}

impl Hand {
    pub(super) async fn rehearse(&mut self) {
        let Some(incident) = self.newest().await else {
            return;
        };
        let Some(run) = incident.runs.get(&self.run) else {
            return;
        };
        let waits = matches!(run.state, RunState::Asked { .. }) && run.rehearsed.is_none();
        let mut ended = Ended::not_started("it was decided before".to_owned());
        if waits {
            ended = match job::check(&self.engine, &incident, self.run, false) {
                Ok(checked) if checked.stale.is_none() => {
                    let job = Job {
                        key: format!("{}-dry", checked.job.key),
                        argv: run.terms.dry_run.clone(),
                        rehearsal: true,
                        ..checked.job
                    };
                    self.look(&job).await
                }
                Ok(checked) => Ended::not_started(checked.stale.unwrap_or_default()),
                Err(why) => Ended::not_started(why),
            };
            let command = Command::RunRehearsed {
                run: self.run,
                outcome: ended.outcome.clone(),
                tail: ended.tail.clone(),
                digest: digest::sha256(ended.output.as_bytes()),
            };
            self.submit("rehearsed", command).await;
        }
        if !self.engine.fenced() {
            self.settle(&ended.outcome).await;
        }
    }

    async fn look(&self, job: &Job) -> Ended {
        let Some(executor) = self.engine.0.options.executors.of(&job.action.how) else {
            let kind = job.action.how.word();
            return Ended::not_started(format!(
                "this firebell has nothing that runs {kind} actions"
            ));
        };
        if self.effect.interrupted {
            match self.reconcile(job, executor.as_ref()).await {
                Found::Here(handle) => return read(job, executor.as_ref(), handle).await,
                Found::Unknowable { why } | Found::NotNow { why } => return Ended::unknown(why),
                Found::Absent => {}
            }
        }
        match executor.start(job).await {
            Start::Started(handle) => read(job, executor.as_ref(), handle).await,
            Start::NotStarted { why } => Ended::not_started(why),
            Start::Ambiguous { why } => Ended::unknown(why),
        }
    }
}

/// Reads it to its end.
async fn read(job: &Job, executor: &dyn Executor, handle: crate::run::port::Handle) -> Ended {
    let limits = &job.action.limits;
    let bound = limits.timeout_ms.saturating_add(limits.kill_grace_ms);
    let late = Instant::now() + Duration::from_millis(u64::try_from(bound).unwrap_or(0)) + OVERTIME;
    let mut output = Output::new(limits.output_bytes).without(&executor.secrets(job));
    let mut cursor = Cursor::default();
    while Instant::now() < late {
        let Ok(news) = executor.poll(job, &handle, &cursor).await else {
            sleep(ASK_AGAIN).await;
            continue;
        };
        output.push(&news.bytes);
        cursor = news.cursor;
        if let Stand::Ended { outcome, .. } = news.stand {
            output.finish();
            return Ended {
                bytes: output.bytes(),
                tail: output.tail(),
                output: output.text(),
                ..Ended::of(outcome)
            };
        }
    }
    Ended::of(Outcome::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_means_a_run_or_its_rehearsal() {
        assert_eq!(parse("7"), Some((RunId(7), false)));
        assert_eq!(parse("dry:7"), Some((RunId(7), true)));
        assert_eq!(parse("dry:"), None);
        assert_eq!(parse(""), None);
    }
}
