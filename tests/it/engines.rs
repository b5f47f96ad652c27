//! The executors that reach other machines, each against what it talks to: HTTP, SSH by a real
//! sshd, Rundeck and Kubernetes by stand-ins that fail as the real ones do.

mod conformance;
mod http;
mod http_world;
mod kubernetes;
mod kubernetes_judged;

mod kubernetes_world;
mod moved;
mod proxy;
mod rundeck;
mod rundeck_world;
mod secrets;
mod ssh;
mod ssh_world;

use firebell::config::engines::Way;
use firebell::core::directory::{Action, How};
use firebell::core::id::{IncidentId, RunId};
use firebell::core::incident::Outcome;
use firebell::run::port::{Cursor, Executor, Handle, Job, Stand, Start};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Long enough to be told from any other text, and the same everywhere.
const SECRET: &str = "s3cr3t-Th4t-must-n0t-be-seen";

async fn patient<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_| panic!("it hangs: {what}"))
}

/// Looks again until it is so. Another process, or a time of its own, decides when.
async fn until(what: &str, mut so: impl FnMut() -> bool) {
    patient(what, async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// A key nobody had before.
fn key() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("t{}-{n}", std::process::id())
}

/// The way to something on this machine.
fn way() -> Way {
    Way {
        proxy: None,
        extra_ca: None,
        timeout_ms: 5_000,
    }
}

fn job(how: How, argv: &[&str]) -> Job {
    let mut action = Action::of_program("act", &[]);
    action.how = how;
    action.limits.timeout_ms = 30_000;
    action.limits.kill_grace_ms = 500;
    Job {
        run: RunId(1),
        incident: IncidentId(1),
        key: key(),
        subject: "a1b2c3".to_owned(),
        action: Arc::new(action),
        argv: argv.iter().map(|a| (*a).to_owned()).collect(),
        args: BTreeMap::new(),
        rehearsal: false,
    }
}

/// Changes the action of a job.
fn with(mut job: Job, change: impl FnOnce(&mut Action)) -> Job {
    change(Arc::make_mut(&mut job.action));
    job
}

/// A run that is over.
#[derive(Debug)]
struct Ran {
    text: String,
    outcome: Outcome,
    duration_ms: i64,
    notes: Vec<String>,
}

/// A run that is followed.
struct Follow<'a> {
    executor: &'a dyn Executor,
    job: &'a Job,
    handle: Handle,
    cursor: Cursor,
    text: Vec<u8>,
}

impl<'a> Follow<'a> {
    async fn start(executor: &'a dyn Executor, job: &'a Job) -> Follow<'a> {
        match patient("start", executor.start(job)).await {
            Start::Started(handle) => Follow::from(executor, job, handle),
            other => panic!("did not start: {other:?}"),
        }
    }

    fn from(executor: &'a dyn Executor, job: &'a Job, handle: Handle) -> Follow<'a> {
        Follow {
            executor,
            job,
            handle,
            cursor: Cursor::default(),
            text: Vec::new(),
        }
    }

    /// One look.
    async fn look(&mut self) -> Stand {
        let polled = self.executor.poll(self.job, &self.handle, &self.cursor);
        // No answer is asked again, as the driver does.
        let Ok(news) = patient("poll", polled).await else {
            return Stand::Running;
        };
        self.text.extend_from_slice(&news.bytes);
        self.cursor = news.cursor;
        news.stand
    }

    fn text(&self) -> String {
        String::from_utf8(self.text.clone()).expect("text")
    }

    /// Until this was written.
    async fn wrote(&mut self, what: &str) {
        let begun = tokio::time::Instant::now();
        while !self.text().contains(what) {
            let stand = self.look().await;
            assert_eq!(
                stand,
                Stand::Running,
                "ended before {what:?}: {:?}",
                self.text()
            );
            assert!(begun.elapsed() < PATIENCE, "never wrote {what:?}");
        }
    }

    async fn ended(mut self) -> Ran {
        let begun = tokio::time::Instant::now();
        loop {
            if let Stand::Ended {
                outcome,
                duration_ms,
                notes,
            } = self.look().await
            {
                return Ran {
                    text: self.text(),
                    outcome,
                    duration_ms,
                    notes,
                };
            }
            assert!(begun.elapsed() < PATIENCE, "never ends: {:?}", self.text());
        }
    }
}

/// Starts it and follows it to its end.
async fn ran(executor: &dyn Executor, job: &Job) -> Ran {
    Follow::start(executor, job).await.ended().await
}

fn refused(start: &Start) -> &str {
    match start {
        Start::NotStarted { why } => why,
        other => panic!("expected that it provably did not start: {other:?}"),
    }
}
