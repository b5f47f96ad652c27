//! The port every executor implements: start, poll, cancel, reconcile.
//!
//! The four verbs are what any engine can answer, from a child process to a job of a cluster. An
//! executor keeps no memory that decides: everything it needs to find a run again is in its
//! [`Handle`], which is stored with the run, or in the run's own key. It never starts a run a
//! second time by itself, and it says [`Start::Ambiguous`] rather than guess.

use crate::core::directory::Action;
use crate::core::id::{IncidentId, RunId};
use crate::core::incident::Outcome;
use crate::run::process::spool::Kept;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// A run to be carried out, completely: an executor looks nowhere else, except into the
/// connections and secrets it was made with.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which run.
    pub run: RunId,
    /// Of which incident.
    pub incident: IncidentId,
    /// Unique for this run of this installation, `[a-z0-9-]`, at most 40 characters: the
    /// idempotency key where an engine has one. Two databases never share one.
    pub key: String,
    /// What was agreed on, SHA-256 in hex; a run found again must carry the same.
    pub subject: String,
    /// The action in the version that was approved.
    pub action: Arc<Action>,
    /// Exactly what runs; see [`Plan::argv`](crate::core::action::Plan::argv).
    pub argv: Vec<String>,
    /// The checked arguments by name.
    pub args: BTreeMap<String, String>,
    /// This is the "only look" mode, whose argv is in `argv`.
    pub rehearsal: bool,
}

/// How an executor finds a run again; its own words, stored with the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle(pub String);

/// Up to where a run's output was read; an executor's own words. Empty: from the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor(pub String);

/// What came of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// It runs, or has run already, under this handle: also when it had been started before.
    Started(Handle),
    /// It provably did not start.
    NotStarted {
        /// Why, in words.
        why: String,
    },
    /// It may or may not have started.
    Ambiguous {
        /// What is known.
        why: String,
    },
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Not over.
    Running,
    /// Over.
    Ended {
        /// How.
        outcome: Outcome,
        /// From start to end, milliseconds; 0: not known.
        duration_ms: i64,
        /// What else is to be known, for the run's page: a sandbox the kernel lacks, a log that
        /// was cut at its source.
        notes: Vec<String>,
    },
}

/// News of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Output since the cursor, as the program wrote it: not masked, not capped.
    pub bytes: Vec<u8>,
    /// Where to go on.
    pub cursor: Cursor,
    /// Where it stands. Output may still come while it is [`Stand::Running`], and none after.
    pub stand: Stand,
}

/// What is known of a run after the truth may have been lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It was started; poll it.
    Here(Handle),
    /// It provably never started: it may be started, even when it is not idempotent.
    Absent,
    /// Nobody can say, now or ever.
    Unknowable {
        /// What is known.
        why: String,
    },
    /// Nobody can say now; ask again.
    NotNow {
        /// Why.
        why: String,
    },
}

/// The engine behind it did not answer; the same question may be asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    /// Why, in words, without secrets.
    pub why: String,
}

/// An answer to come.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that carries out runs. It keeps the action's time limit itself, by what its engine
/// has for that, so that the limit holds while firebell is away; a run that was ended for it is
/// [`Outcome::TimedOut`].
pub trait Executor: Send + Sync {
    /// Starts it, at most once per [`Job::key`] wherever the engine allows to prove that.
    fn start<'a>(&'a self, job: &'a Job) -> Answer<'a, Start>;

    /// Waits for news, at most some seconds, and answers what there is.
    fn poll<'a>(
        &'a self,
        job: &'a Job,
        handle: &'a Handle,
        cursor: &'a Cursor,
    ) -> Answer<'a, Result<News, NoAnswer>>;

    /// Asks it to stop, with the action's grace. Answers when the wish has arrived, not when it
    /// has stopped; asking again is harmless.
    fn cancel<'a>(&'a self, job: &'a Job, handle: &'a Handle) -> Answer<'a, Result<(), NoAnswer>>;

    /// Says what became of a run whose start was not recorded, or whose handle answers no more.
    fn reconcile<'a>(&'a self, job: &'a Job, handle: Option<&'a Handle>) -> Answer<'a, Found>;

    /// Makes sure that a run that is absent never starts: a start that was on its way may come late.
    /// `false`: it is not absent any more, or nobody can say.
    fn forbid<'a>(&'a self, job: &'a Job) -> Answer<'a, bool> {
        let _ = job;
        Box::pin(std::future::ready(true))
    }

    /// The machine whose runs it alone knows; `None`: every machine's firebell reaches the same engine.
    fn node(&self) -> Option<&str> {
        None
    }

    /// Secrets the run was given, to be masked in what it writes. Empty: its output is masked already,
    /// or it has none.
    fn secrets(&self, job: &Job) -> Vec<SecretString> {
        let _ = job;
        Vec::new()
    }

    /// Files a run that has ended left, and where each is.
    fn artifacts(&self, job: &Job) -> Vec<(Kept, PathBuf)> {
        let _ = job;
        Vec::new()
    }

    /// Forgets what it only keeps for whoever wants to look, of runs that ended longer ago than this.
    fn clear(&self, older: Duration) {
        let _ = older;
    }

    /// Removes for good what it keeps of the runs with this key, and with keys that go on with `-`: later
    /// tries and the look before. What still runs is left alone.
    fn erase(&self, key: &str) {
        let _ = key;
    }

    /// There may be runs soon: have ready what takes time.
    fn ready(&self) {}
}
