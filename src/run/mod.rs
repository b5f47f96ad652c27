//! The hands: the port that carries out released runbook actions, and the executors behind it.
//!
//! Promises: one argv, never a shell; an environment that holds what the action names and nothing
//! else; limits that end everything a run started; output that is masked before anybody, including
//! the store, sees it. An executor starts a run at most once and never again by itself: what it
//! cannot prove ends as [`Outcome::Unknown`](crate::core::incident::Outcome::Unknown), which a person has to settle.
//!
//! Must never: read the configuration beyond the connections it is given, decide who may run what,
//! or try again.

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
mod shred;
pub mod ssh;
mod veil;
mod wire;

pub use mask::masked;
pub use output::{Output, TAIL_CHARS};
pub use shred::{shred, shred_folder};
pub use veil::Veil;

use crate::config::engines::Engines;
use crate::core::directory::How;
use http::HttpExecutor;
use kubernetes::KubernetesExecutor;
use port::Executor;
use process::ProcessExecutor;
use rundeck::RundeckExecutor;
use ssh::SshExecutor;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Who carries out what: the one list from an action's `kind` to its executor.
#[derive(Clone, Default)]
pub struct Executors {
    by_kind: BTreeMap<&'static str, Arc<dyn Executor>>,
    /// What runs left, by content.
    artifacts: Option<PathBuf>,
}

impl Executors {
    /// The programs of this machine, with their spool in `runs` of the data folder; `program` is firebell
    /// itself, `None` unless this process is a test.
    ///
    /// # Errors
    /// When the spool cannot be made.
    pub fn here(data: &Path, program: Option<PathBuf>) -> io::Result<Executors> {
        // The program this process was started from, also after its file was replaced by a newer one.
        let program = program.unwrap_or_else(|| PathBuf::from("/proc/self/exe"));
        let process = ProcessExecutor::new(&data.join("runs"), program)?;
        let mut here = Executors::default().with("process", Arc::new(process));
        here.artifacts = Some(data.join("artifacts"));
        Ok(here)
    }

    /// And those that reach other machines, over these connections. `ssh` keeps its log of a call in
    /// the data folder while the call lasts.
    ///
    /// # Errors
    /// In words, when a proxy or a certificate authority cannot be used.
    pub fn and_elsewhere(self, engines: &Engines, data: &Path) -> Result<Executors, String> {
        let ssh = SshExecutor::new(engines.ssh.clone(), data.join("ssh"));
        let kubernetes = KubernetesExecutor::new(engines.kubernetes.clone());
        Ok(self
            .with("http", Arc::new(HttpExecutor::new(&[])?))
            .with("ssh", Arc::new(ssh))
            .with("rundeck", Arc::new(RundeckExecutor::new(&engines.rundeck)?))
            .with("kubernetes", Arc::new(kubernetes)))
    }

    /// And this one, for actions of this kind ([`How::word`]).
    #[must_use]
    pub fn with(mut self, kind: &'static str, executor: Arc<dyn Executor>) -> Executors {
        self.by_kind.insert(kind, executor);
        self
    }

    /// Who carries this out.
    #[must_use]
    pub fn of(&self, how: &How) -> Option<Arc<dyn Executor>> {
        self.by_kind.get(how.word()).cloned()
    }

    /// The machine whose runs only this firebell knows; empty: none are.
    #[must_use]
    pub fn node(&self) -> &str {
        let mut nodes = self.by_kind.values().filter_map(|e| e.node());
        nodes.next_back().unwrap_or_default()
    }

    /// Where what runs left is kept, by its content's hash.
    #[must_use]
    pub fn artifacts(&self) -> Option<&Path> {
        self.artifacts.as_deref()
    }

    /// Forgets what is only kept for whoever wants to look, of runs that ended longer ago than this.
    pub fn clear(&self, older: Duration) {
        self.by_kind.values().for_each(|e| e.clear(older));
    }

    /// Removes for good what is kept of a run that has ended, of all of its tries.
    pub fn erase(&self, key: &str) {
        self.by_kind.values().for_each(|e| e.erase(key));
    }

    /// There may be runs soon.
    pub fn ready(&self) {
        self.by_kind.values().for_each(|e| e.ready());
    }
}

impl fmt::Debug for Executors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.by_kind.keys()).finish()
    }
}
