//! The hands: the port that runs a released runbook action, and the process executor behind it.
//!
//! Promises: one argv, never a shell; an environment that holds what the action names and nothing
//! else; a time limit that ends the whole process group; output that is masked before anybody,
//! including the store, sees it. An executor starts a run at most once and never again by itself:
//! what it cannot prove ends as [`Outcome::Unknown`], which a person has to settle.
//!
//! Must never: read the configuration, decide who may run what, or try again.

mod flight;
pub mod http;
pub mod kubernetes;
mod mask;
mod output;
mod plain;
pub mod port;
pub mod process;
mod reach;
pub mod rundeck;
pub mod ssh;
mod wire;

pub use output::Output;

use crate::core::directory::{Action, How};
use crate::core::incident::Outcome;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

/// What to start, completely: an executor looks nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Program and arguments, delivered as they are. The program is an absolute path.
    pub argv: Vec<String>,
    /// Working folder, absolute; `None`: a fresh empty one under `scratch`, removed afterwards.
    pub cwd: Option<PathBuf>,
    /// The whole environment. No `PATH` unless it is named here.
    pub env: BTreeMap<String, String>,
    /// Asked to stop after this long, milliseconds.
    pub timeout_ms: i64,
    /// Killed this long after it was asked to stop, milliseconds.
    pub kill_grace_ms: i64,
    /// Bytes of output kept: the first quarter and the last three.
    pub output_bytes: usize,
    /// Exit codes that mean success.
    pub success: Vec<i32>,
    /// Where fresh working folders are made.
    pub scratch: PathBuf,
}

impl Spec {
    /// The run of `action` with an argv that was bound and approved.
    #[must_use]
    pub fn of(action: &Action, argv: Vec<String>, scratch: PathBuf) -> Spec {
        let (cwd, env) = match &action.how {
            How::Process(run) => (run.cwd.clone().map(PathBuf::from), run.env.clone()),
            _ => (None, BTreeMap::new()),
        };
        Spec {
            argv,
            cwd,
            env,
            timeout_ms: action.limits.timeout_ms,
            kill_grace_ms: action.limits.kill_grace_ms,
            output_bytes: action.limits.output_bytes,
            success: action.success.clone(),
            scratch,
        }
    }
}

/// How it ended and what it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The outcome.
    pub outcome: Outcome,
    /// From the start to the end, milliseconds; 0 when it never started.
    pub duration_ms: i64,
    /// Bytes it wrote in all, before masking and capping.
    pub bytes: i64,
    /// The last lines, at most [`output::TAIL_CHARS`] characters.
    pub tail: String,
    /// What it wrote: plain text, masked and capped.
    pub output: String,
}

impl Ended {
    /// A run that provably never started.
    #[must_use]
    pub fn not_started(why: String) -> Ended {
        Ended {
            outcome: Outcome::NotStarted { why },
            duration_ms: 0,
            bytes: 0,
            tail: String::new(),
            output: String::new(),
        }
    }
}

/// What a run has written so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The whole text so far, masked and capped; it replaces the one before.
    pub output: String,
    /// Bytes written so far, before masking and capping.
    pub bytes: i64,
}

type Update = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the output of a running program goes while it runs.
///
/// Called at most every 500 ms and never twice at once; a slow receiver gets fewer, newer texts
/// and never slows the program down. The last text is in [`Ended`], not here.
#[derive(Clone)]
pub struct OutputSink(Arc<dyn Fn(Progress) -> Update + Send + Sync>);

impl OutputSink {
    /// A sink that calls `receive` with the whole text so far.
    pub fn new<F, Fut>(receive: F) -> OutputSink
    where
        F: Fn(Progress) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        OutputSink(Arc::new(move |progress| Box::pin(receive(progress))))
    }

    /// A sink nobody listens to.
    #[must_use]
    pub fn discard() -> OutputSink {
        OutputSink::new(|_| std::future::ready(()))
    }

    fn update(&self, progress: Progress) -> Update {
        (self.0)(progress)
    }
}

impl fmt::Debug for OutputSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OutputSink")
    }
}

/// Called once, when the program provably runs.
pub type Started = Box<dyn FnOnce() + Send>;

/// A run under way. Dropping it ends the program: its whole process group is killed.
pub type Running<'a> = Pin<Box<dyn Future<Output = Ended> + Send + 'a>>;

/// Something that can run an action.
pub trait Runner: Send + Sync {
    /// Runs it to its end. Always answers; what went wrong is an [`Outcome`].
    fn run<'a>(&'a self, spec: &'a Spec, started: Started, output: OutputSink) -> Running<'a>;
}
