//! The process executor: one program, its own process group, a clean environment, no shell.
//!
//! The leader of the group is watched with `waitid(WNOWAIT)` and reaped last of all, because its
//! process id is the group's id: as long as the leader is not reaped, the id cannot belong to
//! anybody else, and a signal to the group cannot hit a stranger.
//!
//! Known limits: a program that leaves its group (`setsid`) is not ended with it, and firebell
//! being killed leaves the program running; the run then ends as unknown. A separate shim process
//! that owns the program would close both and is the road for later.

use super::{Ended, Output, OutputSink, Progress, Runner, Running, Spec, Started, Update};
use crate::core::incident::Outcome;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until, timeout_at};

/// The sink hears of new output at most this often: what a person can follow.
const UPDATE_EVERY: Duration = Duration::from_millis(500);

/// After the program has ended, what it left behind may write this long before it is killed.
const DRAIN: Duration = Duration::from_secs(1);

/// What survives SIGKILL this long hangs in the kernel; nobody can say when it ends.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// Bytes read at once: a pipe's usual capacity.
const READ_BYTES: usize = 64 * 1024;

/// Runs programs of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessRunner;

impl Runner for ProcessRunner {
    fn run<'a>(&'a self, spec: &'a Spec, started: Started, output: OutputSink) -> Running<'a> {
        Box::pin(run(spec, started, output))
    }
}

/// Runs the program to its end. `started` is called once, when it provably runs.
///
/// Dropping the future kills the process group.
pub async fn run(spec: &Spec, started: impl FnOnce() + Send, sink: OutputSink) -> Ended {
    let begun = Instant::now();
    let (mut watched, workdir) = match start(spec, sink) {
        Ok(running) => running,
        Err(why) => return Ended::not_started(why),
    };
    started();
    let outcome = watched.follow(spec, begun).await;
    workdir.remove().await;
    watched.flush().await;
    Ended {
        outcome,
        duration_ms: i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX),
        bytes: watched.output.bytes(),
        tail: watched.output.tail(),
        output: watched.output.text(),
    }
}

/// Starts the program, or says in words why it never started.
fn start(spec: &Spec, sink: OutputSink) -> Result<(Watched, Workdir), String> {
    let program = spec.argv.first().ok_or("the action has no program")?;
    if !Path::new(program).is_absolute() {
        return Err(format!(
            "{program:?} is not an absolute path; firebell does not search PATH"
        ));
    }
    let workdir = Workdir::make(spec)?;
    let plumbing = |e: io::Error| format!("no pipe for its output: {e}");
    // One pipe for both streams keeps the order in which they were written.
    let (reader, writer) = io::pipe().map_err(plumbing)?;
    let second = writer.try_clone().map_err(plumbing)?;
    let pipe = pipe::Receiver::from_owned_fd(OwnedFd::from(reader)).map_err(plumbing)?;
    let sigchld = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::child())
        .map_err(|e| format!("firebell cannot watch programs: {e}"))?;
    let child = Command::new(program)
        .args(&spec.argv[1..])
        .env_clear()
        .envs(&spec.env)
        .current_dir(&workdir.path)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(second)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| in_words(program, &e))?;
    let group = child
        .id()
        .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let watched = Watched {
        // Invariant: a child that was not waited for has an id, and Linux ids fit an i32.
        group: group.ok_or("the system gave it no process id")?,
        child,
        sigchld,
        pipe: Some(pipe),
        buffer: vec![0; READ_BYTES],
        output: Output::new(spec.output_bytes),
        sink,
        unsaid: false,
        next_update: Instant::now() + UPDATE_EVERY,
        update: None,
        reaped: false,
    };
    Ok((watched, workdir))
}

fn in_words(program: &str, fault: &io::Error) -> String {
    match fault.kind() {
        io::ErrorKind::NotFound if Path::new(program).exists() => {
            format!("the interpreter that the first line of {program} names does not exist")
        }
        io::ErrorKind::NotFound => format!("{program} does not exist on this machine"),
        io::ErrorKind::PermissionDenied => {
            format!("{program} is not executable for the user firebell runs as")
        }
        io::ErrorKind::ArgumentListTooLong => {
            "its arguments are longer than the system allows".to_owned()
        }
        io::ErrorKind::InvalidInput => "an argument holds a NUL character".to_owned(),
        _ if fault.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            format!("{program} is not a program; a script needs a first line such as #!/bin/sh")
        }
        _ => format!("{program} could not be started: {fault}"),
    }
}

/// A running program.
struct Watched {
    child: Child,
    /// The leader's process id, which is the group's.
    group: Pid,
    sigchld: tokio::signal::unix::Signal,
    /// `None` once everybody has closed the other end.
    pipe: Option<pipe::Receiver>,
    buffer: Vec<u8>,
    output: Output,
    sink: OutputSink,
    /// There is output the sink has not been told of.
    unsaid: bool,
    next_update: Instant,
    /// The sink is being told.
    update: Option<Update>,
    /// The group's id may belong to somebody else from now on.
    reaped: bool,
}

/// What a program is watched for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The leader has ended.
    Ended,
    /// Everybody has closed the output.
    Closed,
}

impl Watched {
    /// Watches it, ends it when its time is over, sweeps its group, and reaps it.
    async fn follow(&mut self, spec: &Spec, begun: Instant) -> Outcome {
        let limit = begun + millis(spec.timeout_ms);
        let in_time = self.watch(Until::Ended, limit).await;
        if !in_time {
            self.signal(Signal::TERM);
            let grace = Instant::now() + millis(spec.kill_grace_ms);
            if !self.watch(Until::Ended, grace).await {
                self.signal(Signal::KILL);
                if !self.watch(Until::Ended, Instant::now() + KILL_WAIT).await {
                    return Outcome::Unknown {
                        why: "it was killed at its time limit and has not ended since; it hangs \
                              in the system"
                            .to_owned(),
                    };
                }
            }
        }
        self.watch(Until::Closed, Instant::now() + DRAIN).await;
        self.signal(Signal::KILL);
        self.watch(Until::Closed, Instant::now() + DRAIN).await;
        self.output.finish();
        let status = timeout_at(Instant::now() + KILL_WAIT, self.child.wait()).await;
        self.reaped = true;
        match status {
            Ok(Ok(_)) if !in_time => Outcome::TimedOut,
            Ok(Ok(status)) => outcome(status, &spec.success),
            Ok(Err(e)) => Outcome::Unknown {
                why: format!("the system did not say how it ended: {e}"),
            },
            Err(_) => Outcome::Unknown {
                why: "the system did not say how it ended".to_owned(),
            },
        }
    }

    /// Takes output until it happens, or until the deadline; answers whether it happened.
    async fn watch(&mut self, until: Until, deadline: Instant) -> bool {
        loop {
            if until == Until::Closed && self.pipe.is_none() {
                return true;
            }
            tokio::select! {
                biased;
                () = sleep_until(deadline) => return false,
                () = ended(&mut self.sigchld, self.group), if until == Until::Ended => return true,
                () = under_way(&mut self.update), if self.update.is_some() => self.update = None,
                () = sleep_until(self.next_update), if self.unsaid && self.update.is_none() => {
                    self.tell();
                }
                read = read(&mut self.pipe, &mut self.buffer), if self.pipe.is_some() => match read {
                    Ok(n) if n > 0 => {
                        self.output.push(&self.buffer[..n]);
                        self.unsaid = true;
                    }
                    _ => self.pipe = None,
                },
            }
        }
    }

    fn tell(&mut self) {
        self.unsaid = false;
        self.next_update = Instant::now() + UPDATE_EVERY;
        self.update = Some(self.sink.update(Progress {
            output: self.output.text(),
            bytes: self.output.bytes(),
        }));
    }

    /// Lets an update under way arrive, so that an older text does not overtake the last one.
    async fn flush(&mut self) {
        if let Some(update) = self.update.take()
            && timeout_at(Instant::now() + DRAIN, update).await.is_err()
        {
            tracing::warn!("gave up an update of a run's output that took over a second");
        }
    }

    /// Signals the whole group. A group that is gone needs no signal.
    fn signal(&self, signal: Signal) {
        if let Err(e) = kill_process_group(self.group, signal)
            && e != rustix::io::Errno::SRCH
        {
            let group = self.group.as_raw_nonzero().get();
            tracing::warn!(
                group,
                ?signal,
                "a run's program could not be signalled: {e}"
            );
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(Signal::KILL);
        }
    }
}

/// Returns when the leader has ended, and leaves it unreaped.
async fn ended(sigchld: &mut tokio::signal::unix::Signal, leader: Pid) {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(leader), look) {
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            // An error means it is no longer ours to wait for; `Child::wait` will say so.
            Ok(Some(_)) | Err(_) => return,
        }
        if sigchld.recv().await.is_none() {
            return;
        }
    }
}

async fn under_way(update: &mut Option<Update>) {
    if let Some(update) = update {
        update.await;
    }
}

async fn read(pipe: &mut Option<pipe::Receiver>, buffer: &mut [u8]) -> io::Result<usize> {
    match pipe {
        Some(pipe) => pipe.read(buffer).await,
        None => Ok(0),
    }
}

fn outcome(status: ExitStatus, success: &[i32]) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(exit), _) if success.contains(&exit) => Outcome::Succeeded { exit },
        (Some(exit), _) => Outcome::Failed { exit },
        (None, Some(signal)) => Outcome::Killed { signal },
        (None, None) => Outcome::Unknown {
            why: format!("the system said `{status}`"),
        },
    }
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// Where the program works; a fresh folder is removed afterwards.
struct Workdir {
    path: PathBuf,
    fresh: bool,
}

impl Workdir {
    fn make(spec: &Spec) -> Result<Workdir, String> {
        use std::os::unix::fs::DirBuilderExt;
        if let Some(path) = &spec.cwd {
            return if path.is_absolute() && path.is_dir() {
                Ok(Workdir {
                    path: path.clone(),
                    fresh: false,
                })
            } else {
                Err(format!(
                    "its working folder {} is not a folder of this machine",
                    path.display()
                ))
            };
        }
        // Absolute, because the program's own view of a relative path would be another one.
        let path = std::path::absolute(&spec.scratch)
            .map(|scratch| scratch.join(uuid::Uuid::new_v4().to_string()))
            .map_err(|e| format!("the scratch folder has no path: {e}"))?;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|e| format!("no working folder under {}: {e}", spec.scratch.display()))?;
        Ok(Workdir { path, fresh: true })
    }

    async fn remove(mut self) {
        if self.fresh {
            self.fresh = false;
            removed(&self.path, tokio::fs::remove_dir_all(&self.path).await);
        }
    }
}

impl Drop for Workdir {
    fn drop(&mut self) {
        if self.fresh {
            removed(&self.path, std::fs::remove_dir_all(&self.path));
        }
    }
}

fn removed(path: &Path, result: io::Result<()>) {
    if let Err(e) = result {
        tracing::warn!(path = %path.display(), "a run's working folder stays behind: {e}");
    }
}
