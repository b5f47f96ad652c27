//! A started run, followed to its end: its output is taken as it comes, and it is stopped when somebody
//! wants that or its time is over.

use super::{ASK_AGAIN, ASK_FOR, Hand};
use crate::core::incident::{Command, Outcome};
use crate::engine::Change;
use crate::run::Output;
use crate::run::port::{Cursor, Executor, Found, Handle, Job, News, NoAnswer, Stand};
use crate::store::{ChangeSet, RunRow};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep};

/// Output is stored at most this often: what a person can follow.
const KEEP_EVERY: Duration = Duration::from_millis(500);
/// What an executor should have ended by itself is asked to stop this long after its limit.
const OVERTIME: Duration = Duration::from_secs(10);
/// And given up this long after that.
const STUCK: Duration = Duration::from_secs(10 * 60);

/// How a run ended and what it wrote.
pub(super) struct Ended {
    pub outcome: Outcome,
    pub duration_ms: i64,
    /// Bytes as written.
    pub bytes: i64,
    /// The last lines.
    pub tail: String,
    /// Plain text, masked and cut.
    pub output: String,
    pub notes: Vec<String>,
    /// Its very start is in doubt.
    pub ambiguous: bool,
    /// What it left is asked of this job.
    pub job: Option<Job>,
}

impl Ended {
    /// It ended so, and nothing else is known.
    pub fn of(outcome: Outcome) -> Ended {
        Ended {
            outcome,
            duration_ms: 0,
            bytes: 0,
            tail: String::new(),
            output: String::new(),
            notes: Vec::new(),
            ambiguous: false,
            job: None,
        }
    }

    /// It provably never started.
    pub fn not_started(why: String) -> Ended {
        Ended::of(Outcome::NotStarted { why })
    }

    /// The truth is lost.
    pub fn unknown(why: String) -> Ended {
        Ended::of(Outcome::Unknown { why })
    }
}

/// What is waited for beside news.
enum Woken {
    News(Result<News, NoAnswer>),
    Stop,
}

impl Hand {
    pub(super) async fn follow(
        &mut self,
        job: &Job,
        executor: &dyn Executor,
        handle: Handle,
    ) -> Ended {
        self.record.handle.clone_from(&handle.0);
        self.record.output.clear();
        self.submit("started", Command::RunStarted { run: self.run })
            .await;
        self.keep().await;
        let secrets = executor.secrets(job);
        let mut output = Output::new(job.action.limits.output_bytes).without(&secrets);
        let mut changes = self.engine.changes();
        let limits = &job.action.limits;
        let bound = Duration::from_millis(
            u64::try_from(limits.timeout_ms.saturating_add(limits.kill_grace_ms)).unwrap_or(0),
        );
        let late = Instant::now() + bound + OVERTIME;
        let (mut cursor, mut stopping, mut overdue) = (Cursor::default(), false, false);
        let (mut kept, mut silent) = (Instant::now(), None);
        let stand = loop {
            let wanted = !stopping && self.cancelled_by().await.is_some();
            overdue |= Instant::now() > late;
            if (wanted || overdue) && !stopping {
                stopping = executor.cancel(job, &handle).await.is_ok();
            }
            if Instant::now() > late + STUCK {
                break lost("it has not ended long after its time limit".to_owned());
            }
            let polled = executor.poll(job, &handle, &cursor);
            let news = match self.woken(polled, &mut changes, stopping).await {
                Woken::Stop => continue,
                Woken::News(Ok(news)) => news,
                Woken::News(Err(NoAnswer { why })) => {
                    let since = *silent.get_or_insert_with(Instant::now);
                    if since.elapsed() > ASK_FOR {
                        match self.reconcile(job, executor).await {
                            Found::Here(_) => {
                                break lost(format!("{why}, for a quarter of an hour"));
                            }
                            Found::Absent => {
                                break lost("nothing is known of it any more".to_owned());
                            }
                            Found::Unknowable { why } | Found::NotNow { why } => break lost(why),
                        }
                    }
                    sleep(ASK_AGAIN).await;
                    continue;
                }
            };
            silent = None;
            cursor = news.cursor;
            output.push(&news.bytes);
            if !news.bytes.is_empty() {
                self.record.bytes = output.bytes();
            }
            if news.stand != Stand::Running {
                break news.stand;
            }
            if !news.bytes.is_empty() && kept.elapsed() >= KEEP_EVERY {
                self.record.output = output.text();
                self.keep().await;
                kept = Instant::now();
            }
            if self.engine.fenced() {
                break lost("another firebell has taken over".to_owned());
            }
        };
        over(job, output, stand, overdue)
    }

    /// Waits for news, or for the wish to stop it.
    async fn woken(
        &self,
        mut polled: crate::run::port::Answer<'_, Result<News, NoAnswer>>,
        changes: &mut Receiver<Change>,
        stopping: bool,
    ) -> Woken {
        loop {
            tokio::select! {
                news = &mut polled => return Woken::News(news),
                change = changes.recv(), if !stopping => {
                    let ours = match change {
                        Ok(Change::Incident(id)) => id == self.effect.row.incident,
                        Ok(_) => false,
                        Err(RecvError::Lagged(_)) => true,
                        // The engine is going; so will this task.
                        Err(RecvError::Closed) => return Woken::News(polled.await),
                    };
                    if ours && self.cancelled_by().await.is_some() {
                        return Woken::Stop;
                    }
                }
            }
        }
    }

    /// Output is kept as well as it can be; losing an update of it loses nothing that decides.
    pub(super) async fn keep(&mut self) {
        self.record.told = self.engine.0.shown.told(self.run);
        let mut changes = ChangeSet::default();
        changes.runs.insert(self.run, self.record.clone());
        if let Err(error) = self.engine.write(changes).await {
            tracing::warn!(%error, "a run's output could not be stored");
        }
        self.stream();
    }
}

/// What is told of a run that is over.
fn over(job: &Job, mut output: Output, stand: Stand, overdue: bool) -> Ended {
    output.finish();
    let Stand::Ended {
        outcome,
        duration_ms,
        mut notes,
    } = stand
    else {
        return Ended::unknown("it was given up while it ran".to_owned());
    };
    if output.masked() > 0 {
        let n = usize::try_from(output.masked()).unwrap_or(usize::MAX);
        let times = crate::core::text::count(n, "secret");
        notes.push(format!("{times} masked in its output"));
    }
    if output.left_out() > 0 {
        let n = output.left_out();
        notes.push(format!(
            "{n} bytes in the middle of its output were left out"
        ));
    }
    let outcome = match outcome {
        Outcome::Cancelled if overdue => Outcome::TimedOut,
        outcome => outcome,
    };
    Ended {
        outcome,
        duration_ms,
        bytes: output.bytes(),
        tail: output.tail(),
        output: output.text(),
        notes,
        ambiguous: false,
        job: Some(job.clone()),
    }
}

fn lost(why: String) -> Stand {
    Stand::Ended {
        outcome: Outcome::Unknown { why },
        duration_ms: 0,
        notes: Vec::new(),
    }
}

impl Hand {
    /// The row as it ends.
    pub(super) fn ended_row(&self, ended: &Ended, digest: String) -> RunRow {
        RunRow {
            state: ended.outcome.word().to_owned(),
            ended_at: Some(self.engine.now()),
            output: ended.output.clone(),
            bytes: ended.bytes,
            digest,
            told: self.engine.0.shown.told(self.run),
            ..self.record.clone()
        }
    }
}
