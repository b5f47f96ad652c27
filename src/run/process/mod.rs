//! The process executor: one program of this machine, owned by a shim that outlives firebell.
//!
//! A start is an order on the standard input of a shim (`firebell __run`), and one is always waiting: nothing
//! has to be loaded or forked between a button and the program. What came of it is read from the
//! run's folder alone, by this process or by the next one.
//!
//! At most once: the shim claims the run before it starts anything, with a folder that only one can
//! move to the run's name ([`spool`]). Two firebells, a lost answer, a start that is repeated after a crash: the claim
//! decides, and who finds it taken adopts the run. Firebell can also take the claim itself, and then
//! knows that the run will never start here.
//!
//! Known limits: the folder belongs to one machine. Another machine's firebell cannot look into it
//! and says so; and after the machine itself has gone down in the middle of a run nobody knows.

pub mod cgroup;
mod keep;
mod launch;
mod means;
mod ready;
mod shim;
pub mod spool;
mod tree;
mod watch;

pub use keep::{LARGEST, MOST, TOTAL};

use super::port::{Answer, Cursor, Executor, Found, Handle, Job, News, NoAnswer, Stand, Start};
use crate::core::directory::How;
use crate::core::incident::Outcome;
use crate::run::shred_folder;
use means::{environment, login, node, secret};
use spool::{Bounds, Claimed, Folder, Kept, Order, PIECE, Verdict};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// A shim that has not said a word after this long says none.
const FIRST_WORD: Duration = Duration::from_secs(20);
/// Waiting for news, first and at most.
const LOOK: [Duration; 2] = [Duration::from_millis(3), Duration::from_millis(150)];
/// One question for news waits this long at most.
const NEWS: Duration = Duration::from_secs(2);
/// Bytes of output taken at once.
const AT_ONCE: usize = 256 * 1024;
/// Where runs of other users have their folders: firebell's own data is nobody else's to walk through.
const SHARED: &str = "/run/firebell";

/// The hidden commands of this program. `None`: it is none of them.
#[must_use]
pub fn hidden(command: &str) -> Option<ExitCode> {
    match command {
        "__run" => {
            let spool = std::env::args_os().nth(2)?;
            Some(shim::main(Path::new(&spool)))
        }
        "__exec" => Some(launch::main()),
        _ => None,
    }
}

/// Runs programs of this machine.
#[derive(Debug)]
pub struct ProcessExecutor {
    spool: PathBuf,
    /// What shims are: this very program.
    program: PathBuf,
    node: String,
    /// A shim that waits for its order.
    warm: Mutex<Option<Child>>,
}

impl ProcessExecutor {
    /// An executor over this spool; `program` is what `__run` is asked of, `/proc/self/exe` unless this
    /// process is a test.
    ///
    /// # Errors
    /// When the spool cannot be made.
    pub fn new(spool: &Path, program: PathBuf) -> io::Result<ProcessExecutor> {
        let spool = std::path::absolute(spool)?;
        spool::private(&spool)?;
        let node = node(&spool)?;
        Ok(ProcessExecutor {
            spool,
            program,
            node,
            warm: Mutex::default(),
        })
    }

    /// Which spool this is: another machine, or another data folder, has another one.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Has a shim waiting for the next run. Called once there is something to run for.
    pub fn warm_up(&self) {
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = warm
            .as_mut()
            .is_some_and(|c| matches!(c.try_wait(), Ok(None)));
        if idle {
            return;
        }
        // If it cannot be started now, it is tried again when there is a run.
        *warm = self.shim().ok();
    }

    fn shim(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .arg("__run")
            .arg(&self.spool)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(false)
            .spawn()
    }

    fn folder(&self, key: &str) -> Folder {
        Folder(self.spool.join(key))
    }

    fn handle(&self, job: &Job) -> Handle {
        Handle(format!("{}/{}", self.node, job.key))
    }

    /// The folder a handle means; `None`: it is another machine's.
    fn found(&self, handle: &Handle) -> Option<Folder> {
        let (node, key) = handle.0.split_once('/')?;
        (node == self.node).then(|| self.folder(key))
    }

    async fn start(&self, job: &Job) -> Start {
        let folder = self.folder(&job.key);
        let order = match Self::order(job, &folder) {
            Ok(order) => order,
            // Also for a shim of an earlier try that may still wait for the disk.
            Err(why) => return self.never(job, &folder, why),
        };
        let Ok(mut text) = serde_json::to_vec(&order) else {
            let why = "its order cannot be written".to_owned();
            return Start::NotStarted { why };
        };
        // The shim need not wait for the end of the line.
        text.push(b'\n');
        let waiting = self
            .warm
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut why = String::new();
        // A shim that waited may have been killed meanwhile; a fresh one has no such excuse.
        for ready in [waiting, None] {
            let shim = match ready.map_or_else(|| self.shim(), Ok) {
                Ok(shim) => shim,
                Err(e) => {
                    why = format!("the process that would watch it cannot be started: {e}");
                    continue;
                }
            };
            let said = timeout(FIRST_WORD, ask(shim, &text)).await;
            let said = said
                .unwrap_or_else(|_| Ok(String::new()))
                .unwrap_or_default();
            if said == shim::STARTED {
                // The next one is loaded when this program has been: they would be in each other's way.
                return Start::Started(self.handle(job));
            }
            self.warm_up();
            match said.as_str() {
                shim::TAKEN => return self.adopt(job, &folder),
                said => match said.strip_prefix(shim::REFUSED) {
                    Some(said) => return self.never(job, &folder, said.to_owned()),
                    None => {
                        "the process that would watch it ended without a word".clone_into(&mut why);
                    }
                },
            }
            if !matches!(folder.claimed(), Ok(Claimed::No)) {
                break;
            }
        }
        self.never(job, &folder, why)
    }

    /// Somebody has claimed it: this run is that one.
    fn adopt(&self, job: &Job, folder: &Folder) -> Start {
        match folder.claimed() {
            Ok(Claimed::Void) => Start::NotStarted {
                why: "it was given up before it started".to_owned(),
            },
            _ => Start::Started(self.handle(job)),
        }
    }

    /// Makes sure that it has not started and never will; if it has after all, it is adopted.
    fn never(&self, job: &Job, folder: &Folder, why: String) -> Start {
        match folder.void() {
            Ok(true) => Start::NotStarted { why },
            Ok(false) => match folder.verdict() {
                // Refused after the claim: the result says so.
                Ok(Some(Verdict {
                    refused: Some(why), ..
                })) => Start::NotStarted { why },
                _ => self.adopt(job, folder),
            },
            Err(e) => Start::Ambiguous {
                why: format!("{why}; and its folder cannot be looked into: {e}"),
            },
        }
    }

    fn order(job: &Job, folder: &Folder) -> Result<Order, String> {
        let How::Process(run) = &job.action.how else {
            return Err("it is not a program of this machine".to_owned());
        };
        let program = job.argv.first().ok_or("the action has no program")?;
        if !Path::new(program).is_absolute() {
            return Err(format!(
                "{program:?} is not an absolute path; firebell does not search PATH"
            ));
        }
        let cwd = run.cwd.as_ref().map(PathBuf::from);
        if let Some(cwd) = cwd.as_ref().filter(|c| !c.is_absolute() || !c.is_dir()) {
            return Err(format!(
                "its working folder {} is not a folder of this machine",
                cwd.display()
            ));
        }
        let login = run.user.as_deref().map(login).transpose()?.flatten();
        let place = match &login {
            Some(_) => Path::new(SHARED).join(&job.key),
            None => folder.0.clone(),
        };
        Ok(Order {
            folder: folder.0.clone(),
            place,
            argv: job.argv.clone(),
            cwd,
            env: environment(run),
            secrets: (run.secrets.iter())
                .map(|(name, reference)| Ok((name.clone(), secret(name, reference)?)))
                .collect::<Result<_, String>>()?,
            login,
            bounds: Bounds::of(&job.action.limits),
        })
    }

    async fn news(&self, job: &Job, folder: &Folder, from: u64) -> io::Result<News> {
        let until = Instant::now() + NEWS;
        let mut pause = LOOK[0];
        loop {
            // In this order: what is there when it has ended is all there will be.
            let claim = folder.claimed()?;
            let lives = matches!(&claim, Claimed::By(c) if c.lives());
            let verdict = folder.verdict()?;
            let (bytes, next) = folder.read(from, PIECE, AT_ONCE)?;
            let more = bytes.len() >= AT_ONCE;
            let stand = match verdict {
                _ if more => Stand::Running,
                Some(verdict) => ended(&job.action.success, &verdict),
                None if lives => Stand::Running,
                None => {
                    forget_secrets(&folder.0);
                    Stand::Ended {
                        outcome: Outcome::Unknown { why: lost(&claim) },
                        duration_ms: 0,
                        notes: Vec::new(),
                    }
                }
            };
            if stand != Stand::Running || !bytes.is_empty() || Instant::now() >= until {
                return Ok(News {
                    bytes,
                    cursor: Cursor(next.to_string()),
                    stand,
                });
            }
            sleep(pause).await;
            pause = (pause * 2).min(LOOK[1]);
        }
    }

    /// The order a shim would get for this: for tests that start one by hand.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn written(&self, job: &Job) -> Result<String, String> {
        let order = Self::order(job, &self.folder(&job.key))?;
        serde_json::to_string(&order).map_err(|e| e.to_string())
    }

    /// The files a run left, and where each is.
    #[must_use]
    pub fn artifacts(&self, key: &str) -> Vec<(Kept, PathBuf)> {
        let folder = self.folder(key);
        let verdict = folder.verdict().ok().flatten().unwrap_or_default();
        let place = |kept: Kept| {
            let path = folder.path("kept").join(&kept.sha256);
            (kept, path)
        };
        verdict.artifacts.into_iter().map(place).collect()
    }

    /// Removes the folders of runs whose end is known, told and older than this, and those that waited for a
    /// run with a shim that was killed. Only what has a result, or was voided, goes; a claim without either is evidence.
    pub fn clear(&self, older: Duration) {
        let over = spool::folders(&self.spool).filter(Folder::is_over);
        let lives = |f: &Folder| matches!(f.claimed(), Ok(Claimed::By(c)) if c.lives());
        let left = ready::waiting(&self.spool).filter(|f| !lives(f));
        for folder in over.chain(left) {
            let age = folder.0.metadata().and_then(|m| m.modified()).ok();
            let old = age.is_some_and(|at| at.elapsed().is_ok_and(|age| age > older));
            if old && let Err(e) = std::fs::remove_dir_all(&folder.0) {
                tracing::warn!(path = %folder.0.display(), "an old run's folder stays behind: {e}");
            }
        }
    }

    /// Removes for good what is kept of the runs with this key and of their other tries.
    pub fn erase(&self, key: &str) {
        for folder in spool::folders(&self.spool) {
            let name = folder.0.file_name().and_then(|n| n.to_str());
            let rest = name.and_then(|n| n.strip_prefix(key));
            if rest.is_some_and(|r| r.is_empty() || r.starts_with('-')) && folder.is_over() {
                shred_folder(&folder.0);
            }
        }
    }
}

impl Executor for ProcessExecutor {
    fn start<'a>(&'a self, job: &'a Job) -> Answer<'a, Start> {
        Box::pin(self.start(job))
    }

    fn poll<'a>(
        &'a self,
        job: &'a Job,
        handle: &'a Handle,
        cursor: &'a Cursor,
    ) -> Answer<'a, Result<News, NoAnswer>> {
        Box::pin(async move {
            let Some(folder) = self.found(handle) else {
                return Ok(elsewhere());
            };
            let from = cursor.0.parse().unwrap_or(0);
            let news = self.news(job, &folder, from).await;
            self.warm_up();
            news.map_err(|e| NoAnswer {
                why: format!("the run's folder cannot be read: {e}"),
            })
        })
    }

    fn cancel<'a>(&'a self, _job: &'a Job, handle: &'a Handle) -> Answer<'a, Result<(), NoAnswer>> {
        Box::pin(async move {
            let no = |why: String| Err(NoAnswer { why });
            match self.found(handle) {
                None => no("it runs on another machine".to_owned()),
                Some(folder) => folder
                    .cancel()
                    .or_else(|e| no(format!("the wish cannot be written down: {e}"))),
            }
        })
    }

    fn reconcile<'a>(&'a self, job: &'a Job, handle: Option<&'a Handle>) -> Answer<'a, Found> {
        Box::pin(async move {
            let own = self.handle(job);
            if handle.is_some_and(|h| self.found(h).is_none()) {
                return Found::Unknowable {
                    why: "it was started on another machine, whose folder of it is not here"
                        .to_owned(),
                };
            }
            let handle = handle.cloned().unwrap_or(own);
            match self.found(&handle).map(|f| f.claimed()) {
                Some(Ok(Claimed::No | Claimed::Void)) => Found::Absent,
                Some(Err(e)) => Found::NotNow {
                    why: format!("the run's folder cannot be read: {e}"),
                },
                _ => Found::Here(handle),
            }
        })
    }

    fn forbid<'a>(&'a self, job: &'a Job) -> Answer<'a, bool> {
        Box::pin(async move { self.folder(&job.key).void().unwrap_or(false) })
    }

    fn node(&self) -> Option<&str> {
        Some(&self.node)
    }

    fn artifacts(&self, job: &Job) -> Vec<(Kept, PathBuf)> {
        self.artifacts(&job.key)
    }

    fn clear(&self, older: Duration) {
        self.clear(older);
    }

    fn erase(&self, key: &str) {
        self.erase(key);
    }

    fn ready(&self) {
        self.warm_up();
    }
}

/// Gives a shim its order and waits for its word.
async fn ask(mut shim: Child, order: &[u8]) -> io::Result<String> {
    if let Some(mut stdin) = shim.stdin.take() {
        stdin.write_all(order).await?;
        stdin.shutdown().await?;
    }
    let mut said = String::new();
    if let Some(mut stdout) = shim.stdout.take() {
        stdout.read_to_string(&mut said).await?;
    }
    // Not waited for: it lives as long as its run. Whoever collects orphans collects it.
    drop(shim);
    Ok(said)
}

fn elsewhere() -> News {
    News {
        bytes: Vec::new(),
        cursor: Cursor::default(),
        stand: Stand::Ended {
            outcome: Outcome::Unknown {
                why: "it was started on another machine, whose folder of it is not here".to_owned(),
            },
            duration_ms: 0,
            notes: Vec::new(),
        },
    }
}

/// Nobody is left who would remove them.
fn forget_secrets(folder: &Path) {
    let shared = Path::new(SHARED).join(folder.file_name().unwrap_or_default());
    for place in [folder, &shared] {
        if let Err(e) = std::fs::remove_dir_all(place.join("secrets"))
            && e.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %place.display(), "a run's secrets stay behind: {e}");
        }
    }
}

/// A claim, nobody who watches, and no result.
fn lost(claim: &Claimed) -> String {
    match claim {
        Claimed::By(c) if c.boot == tree::boot() => {
            "the process that watched it was killed before it could write the result down"
                .to_owned()
        }
        Claimed::By(_) | Claimed::Torn => {
            "this machine went down or was started anew while it ran".to_owned()
        }
        Claimed::No | Claimed::Void => "its folder is gone".to_owned(),
    }
}

/// What a result means.
fn ended(success: &[i32], verdict: &Verdict) -> Stand {
    let outcome = match verdict {
        Verdict {
            refused: Some(why), ..
        } => Outcome::NotStarted { why: why.clone() },
        v if v.stuck => Outcome::Unknown {
            why: "it was killed and has not ended since; it hangs in the system".to_owned(),
        },
        v if v.timed_out => Outcome::TimedOut,
        v if v.cancelled => Outcome::Cancelled,
        v if v.out_of_memory => Outcome::OutOfMemory,
        v => match (v.exit, v.signal) {
            (Some(exit), _) if v.stopped || v.too_many => Outcome::Failed { exit },
            (Some(exit), _) if success.contains(&exit) => Outcome::Succeeded { exit },
            (Some(exit), _) => Outcome::Failed { exit },
            (None, Some(signal)) => Outcome::Killed { signal },
            (None, None) => Outcome::Unknown {
                why: "the system did not say how it ended".to_owned(),
            },
        },
    };
    Stand::Ended {
        outcome,
        duration_ms: verdict.duration_ms,
        notes: notes(verdict),
    }
}

fn notes(verdict: &Verdict) -> Vec<String> {
    use crate::core::text::count;
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let mut notes = Vec::new();
    if verdict.stopped {
        notes.push("it was stopped because firebell's machine or service was".to_owned());
    }
    if verdict.too_many {
        notes.push("it was stopped because it started more processes than it may".to_owned());
    }
    match verdict.sandbox.as_deref() {
        None | Some("FullyEnforced") => {}
        Some("PartiallyEnforced") => {
            notes.push("this kernel enforces only a part of its sandbox".to_owned());
        }
        Some(_) => notes.push("this kernel enforces nothing of its sandbox".to_owned()),
    }
    if let Some(limits) = &verdict.limits {
        notes.push(format!("limits: {limits}"));
    }
    if verdict.held_back > 0 {
        notes.push("the system kept it from starting more processes than it may".to_owned());
    }
    if verdict.stragglers > 0 {
        let left = match verdict.stragglers {
            1 => "a process it had left behind was".to_owned(),
            n => format!("{n} processes it had left behind were"),
        };
        notes.push(format!("{left} ended with it"));
    }
    if verdict.masked > 0 {
        let times = count(number(verdict.masked), "secret");
        notes.push(format!("{times} masked in its output"));
    }
    if verdict.dropped > 0 {
        notes.push(format!(
            "it wrote {} bytes, {} of them faster than they could be kept",
            verdict.bytes, verdict.dropped
        ));
    }
    notes.extend(verdict.notes.iter().cloned());
    notes
}
