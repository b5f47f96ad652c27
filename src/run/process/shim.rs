//! `firebell __run`: the process that owns one run's program, and outlives firebell.
//!
//! In this order: leave firebell's session, become the reaper of every descendant, wait for the order,
//! claim the run, start the program, say so, watch it to its end, end what it left behind, write the
//! result down. The claim is on the disk before the program starts and the result after it has ended,
//! so whoever looks at the folder later knows: no claim, never started; a result, that is how it went;
//! a claim without a result and without this process, nobody knows.
//!
//! One thread, no runtime, nothing of firebell's state. It keeps firebell's own user even when the program runs
//! as another one, so that the program can neither kill it nor touch the result.

use super::cgroup::{Group, Home};
use super::keep;
use super::launch::{Instruction, Said};
use super::spool::{Bounds, Claim, Folder, Order, PIECE, Verdict, Writer, private};
use super::tree;
use crate::run::veil::Veil;
use nix::sys::signal::{SigSet, Signal as Nix};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process_group,
    pidfd_open, setrlimit, waitid,
};
use serde_json::Deserializer;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

/// Between two looks at the cancel file, the limit and the processes.
const TICK: Duration = Duration::from_millis(100);
/// After the program has ended, what it left behind may write this long before it is killed.
const DRAIN: Duration = Duration::from_millis(200);
/// What survives SIGKILL this long hangs in the kernel; nobody can say when it ends.
const KILL_WAIT: Duration = Duration::from_secs(5);
/// Bytes read at once: a pipe's usual capacity.
const READ: usize = 64 * 1024;

/// The shim's first word to firebell; after it comes nothing.
pub(super) const STARTED: &str = "started";
/// Somebody else has the run.
pub(super) const TAKEN: &str = "taken";
/// Before the reason why nothing was started.
pub(super) const REFUSED: &str = "refused ";

/// Runs the shim to its end.
pub(super) fn main() -> ExitCode {
    let mut stage = match Stage::set() {
        Ok(stage) => stage,
        Err(e) => return told(&format!("{REFUSED}the shim cannot set itself up: {e}")),
    };
    let mut text = String::new();
    let order = match io::stdin().read_to_string(&mut text) {
        // Firebell ended, or does not need this one any more.
        Ok(0) => return ExitCode::SUCCESS,
        Ok(_) => serde_json::from_str::<Order>(&text).map_err(|e| e.to_string()),
        Err(e) => Err(e.to_string()),
    };
    drop(text);
    let order = match order {
        Ok(order) => order,
        // Cut in the middle: firebell died while it wrote. Nothing is claimed.
        Err(e) => return told(&format!("{REFUSED}the order cannot be read: {e}")),
    };
    let folder = Folder(order.folder.clone());
    match folder.claim(&stage.own) {
        Ok(true) => {}
        Ok(false) => return told(TAKEN),
        Err(e) => {
            return told(&format!(
                "{REFUSED}the run cannot be claimed on the disk: {e}"
            ));
        }
    }
    let mut verdict = Verdict::default();
    let begun = Instant::now();
    match stage.start(&order, &folder, &mut verdict) {
        Err(why) => {
            verdict.refused = Some(why.clone());
            folder.tidy(&order.place);
            conclude(&folder, &verdict);
            told(&format!("{REFUSED}{why}"))
        }
        Ok(()) => {
            told(STARTED);
            stage.follow(&order, &folder, begun, verdict);
            ExitCode::SUCCESS
        }
    }
}

/// Firebell may be gone; then nobody needs to hear it.
fn told(word: &str) -> ExitCode {
    let mut out = io::stdout();
    let _ = out.write_all(word.as_bytes()).and_then(|()| out.flush());
    // The end of the line is what firebell waits for.
    if let Ok(null) = rustix::fs::open("/dev/null", OFlags::WRONLY, Mode::empty()) {
        let _ = rustix::stdio::dup2_stdout(null);
    }
    ExitCode::SUCCESS
}

/// A result that cannot be written is tried again: without it a known outcome is called unknown.
fn conclude(folder: &Folder, verdict: &Verdict) {
    for _ in 0..50 {
        if folder.conclude(verdict).is_ok() {
            return;
        }
        tree::pause(TICK);
    }
}

fn me() -> Claim {
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    Claim {
        pid,
        born: tree::stat(pid).map_or(0, |s| s.born),
        boot: tree::boot(),
    }
}

/// What is ready before there is an order.
struct Stage {
    /// Who this is; looked up while nobody waits for it.
    own: Claim,
    launcher: Child,
    line: UnixStream,
    output: OwnedFd,
    /// SIGTERM and its like, which are blocked.
    asked: SigSet,
    /// The run's own control group, where there may be one.
    group: Option<Group>,
}

impl Stage {
    fn set() -> io::Result<Stage> {
        // A leader of a group already is no fault.
        let _ = rustix::process::setsid();
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        rustix::thread::set_no_new_privs(true)?;
        rustix::process::umask(Mode::from_raw_mode(0o077));
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        setrlimit(Resource::Core, none)?;
        close_inherited();
        rustix::process::chdir("/")?;
        let asked: SigSet = [Nix::SIGTERM, Nix::SIGINT, Nix::SIGHUP]
            .into_iter()
            .collect();
        asked.thread_block()?;
        let (line, theirs) = UnixStream::pair()?;
        let (output, writer) = io::pipe()?;
        let second = writer.try_clone()?;
        let launcher = Command::new("/proc/self/exe")
            .arg("__exec")
            .env_clear()
            .stdin(OwnedFd::from(theirs))
            .stdout(writer)
            .stderr(second)
            .process_group(0)
            .spawn()?;
        Ok(Stage {
            own: me(),
            launcher,
            line,
            output: output.into(),
            asked,
            group: None,
        })
    }

    /// Makes the run's folders and lets the launcher become the program.
    fn start(
        &mut self,
        order: &Order,
        folder: &Folder,
        verdict: &mut Verdict,
    ) -> Result<(), String> {
        let place = &order.place;
        if *place != folder.0 {
            shared(place).map_err(words("its folder for another user cannot be made"))?;
            give(place, order)?;
        }
        let [work, artifacts, secrets] = ["work", "artifacts", "secrets"].map(|n| place.join(n));
        for path in [&work, &artifacts] {
            private(path).map_err(words("its folder cannot be made"))?;
            give(path, order)?;
        }
        let mut env = order.env.clone();
        if !order.secrets.is_empty() {
            private(&secrets).map_err(words("the folder of its secrets cannot be made"))?;
        }
        for (name, value) in &order.secrets {
            let path = secrets.join(name);
            let opened = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o400)
                .open(&path);
            opened
                .and_then(|mut f| f.write_all(value.as_bytes()))
                .map_err(words(format!("the secret {name} cannot be delivered")))?;
            give(&path, order)?;
            env.insert(format!("{name}_FILE"), path.display().to_string());
        }
        if !order.secrets.is_empty() {
            give(&secrets, order)?;
        }
        env.insert(
            "FIREBELL_ARTIFACTS".to_owned(),
            artifacts.display().to_string(),
        );
        let bounds = self.bound(order, verdict);
        let instruction = Instruction {
            argv: order.argv.clone(),
            cwd: order.cwd.clone().unwrap_or_else(|| work.clone()),
            env,
            login: order.login.clone(),
            bounds,
            own: vec![work, artifacts],
            look: vec![secrets],
        };
        let text = serde_json::to_vec(&instruction).map_err(|e| e.to_string())?;
        self.line
            .write_all(&text)
            .and_then(|()| self.line.shutdown(std::net::Shutdown::Write))
            .map_err(words("its launcher cannot be told"))?;
        let mut answer = String::new();
        self.line
            .read_to_string(&mut answer)
            .map_err(words("its launcher does not answer"))?;
        for said in Deserializer::from_str(&answer).into_iter::<Said>() {
            match said.map_err(|e| format!("its launcher's answer cannot be read: {e}"))? {
                Said::Sandbox(status) => verdict.sandbox = Some(status),
                Said::Note(note) => verdict.notes.push(note),
                Said::Failed(why) => return Err(why),
            }
        }
        // The line also closes when the launcher dies before it becomes the program.
        match self.launcher.try_wait() {
            Ok(Some(status)) if answer.is_empty() && status.code() != Some(0) && died(status) => {
                Err(format!(
                    "its launcher ended before the program began ({status})"
                ))
            }
            _ => Ok(()),
        }
    }

    /// Puts the launcher into a control group of the run's own, if there may be one; answers what is left
    /// for the launcher to bind itself.
    fn bound(&mut self, order: &Order, verdict: &mut Verdict) -> Bounds {
        let mut bounds = order.bounds.clone();
        if bounds.memory.is_none() && bounds.processes.is_none() {
            return bounds;
        }
        let key = order.folder.file_name().unwrap_or_default();
        let made = Home::find().and_then(|home| home.make(&key.to_string_lossy(), &bounds));
        let taken = made.and_then(|group| match group.take(self.launcher.id()) {
            Ok(()) => Ok(group),
            Err(why) => {
                group.end();
                Err(why)
            }
        });
        match taken {
            Ok(group) => {
                self.group = Some(group);
                verdict.limits = Some("cgroup".to_owned());
                (bounds.memory, bounds.processes) = (None, None);
            }
            Err(why) => verdict.limits = Some(format!("rlimit only: {why}")),
        }
        bounds
    }

    /// Watches it to its end, and writes the result down.
    fn follow(mut self, order: &Order, folder: &Folder, begun: Instant, mut verdict: Verdict) {
        let before = oom_kills();
        let leader = i32::try_from(self.launcher.id()).unwrap_or(i32::MAX);
        let mut watch = Watch {
            veil: Veil::over(order.secrets.values().map(String::as_str)),
            writer: Writer::new(folder.clone(), PIECE),
            output: Some(self.output),
            verdict: &mut verdict,
            folder,
            order,
            leader,
            own: self.own.pid,
            asked: self.asked,
            buffer: vec![0; READ],
            clean: Vec::new(),
        };
        let ended = watch.follow_to_end(begun);
        watch.leave(ended);
        let (veil, writer) = (watch.veil.hits(), watch.writer.dropped);
        (verdict.masked, verdict.dropped) = (veil, writer);
        verdict.duration_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        if verdict.stuck {
            // Whoever asks gets `unknown`; this process waits on, for what hangs to be reaped.
        } else if let Ok(status) = self.launcher.wait() {
            use std::os::unix::process::ExitStatusExt;
            (verdict.exit, verdict.signal) = (status.code(), status.signal());
        }
        let ours = verdict.timed_out || verdict.cancelled || verdict.stopped || verdict.too_many;
        verdict.out_of_memory = verdict.signal == Some(9)
            && !ours
            && oom_kills()
                .zip(before)
                .is_some_and(|(now, before)| now > before);
        if let Some(group) = &self.group {
            verdict.out_of_memory |= group.out_of_memory() && !ours;
            verdict.held_back = group.held_back();
            group.end();
        }
        keep::artifacts(order, folder, &mut verdict);
        folder.tidy(&order.place);
        conclude(folder, &verdict);
    }
}

fn words(what: impl std::fmt::Display) -> impl FnOnce(io::Error) -> String {
    move |e| format!("{what}: {e}")
}

/// A launcher that a signal ended; one that became the program may have ended in any way already.
fn died(status: std::process::ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(6)
}

/// Everything but the standard streams was opened by somebody before us.
fn close_inherited() {
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for fd in open {
        // One of them was the folder itself, which is closed already.
        let _ = nix::unistd::close(fd);
    }
}

/// Hands something to the user the program runs as.
fn give(path: &Path, order: &Order) -> Result<(), String> {
    match &order.login {
        Some(login) => std::os::unix::fs::chown(path, Some(login.uid), Some(login.gid))
            .map_err(|e| format!("{} cannot be handed to its user: {e}", path.display())),
        None => Ok(()),
    }
}

/// A folder another user can reach. What it is in belongs to us, and nobody can list or change that.
fn shared(place: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    if let Some(above) = place.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(above)?;
        std::fs::set_permissions(above, std::fs::Permissions::from_mode(0o711))?;
        let about = std::fs::symlink_metadata(above)?;
        if !about.is_dir() || about.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::Error::other(format!(
                "{} is not firebell's own",
                above.display()
            )));
        }
    }
    std::fs::DirBuilder::new().mode(0o700).create(place)
}

/// How often the kernel has killed for want of memory since the machine started.
fn oom_kills() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/vmstat").ok()?;
    text.lines()
        .find_map(|l| l.strip_prefix("oom_kill ")?.parse().ok())
}

struct Watch<'a> {
    veil: Veil,
    writer: Writer,
    /// `None` once everybody has closed the other end.
    output: Option<OwnedFd>,
    verdict: &'a mut Verdict,
    folder: &'a Folder,
    order: &'a Order,
    /// The program's process id, which is its group's.
    leader: i32,
    own: i32,
    asked: SigSet,
    buffer: Vec<u8>,
    clean: Vec<u8>,
}

impl Watch<'_> {
    /// Waits for the leader to end, and ends it when it must. `false`: it could not be ended. The leader is left
    /// unreaped: its id is the group's, and as long as it is not reaped it cannot be a stranger's.
    fn follow_to_end(&mut self, begun: Instant) -> bool {
        let bounds = &self.order.bounds;
        let limit = begun + Duration::from_millis(bounds.timeout_ms);
        let pidfd =
            Pid::from_raw(self.leader).and_then(|p| pidfd_open(p, PidfdFlags::empty()).ok());
        loop {
            if self.wait(limit.min(Instant::now() + TICK), pidfd.as_ref()) {
                return true;
            }
            tree::reap(self.own, self.leader);
            let now = Instant::now();
            if now >= limit {
                self.verdict.timed_out = true;
            } else if self.folder.cancelled() {
                self.verdict.cancelled = true;
            } else if self.told_to_stop() {
                self.verdict.stopped = true;
            } else if self.too_many() {
                self.verdict.too_many = true;
                // No grace: every moment there are more.
                let gone = tree::sweep_all(self.own, self.leader, now + KILL_WAIT);
                return gone && self.wait_ended(pidfd.as_ref(), now + KILL_WAIT);
            } else {
                continue;
            }
            self.signal(Signal::TERM);
            if self.wait_ended(pidfd.as_ref(), now + Duration::from_millis(bounds.grace_ms)) {
                return true;
            }
            self.signal(Signal::KILL);
            return self.wait_ended(pidfd.as_ref(), Instant::now() + KILL_WAIT);
        }
    }

    fn wait_ended(&mut self, pidfd: Option<&OwnedFd>, until: Instant) -> bool {
        loop {
            if self.wait(until.min(Instant::now() + TICK), pidfd) {
                return true;
            }
            tree::reap(self.own, self.leader);
            if Instant::now() >= until {
                return false;
            }
        }
    }

    /// Takes output until the leader has ended or it is time; answers whether it has.
    fn wait(&mut self, until: Instant, pidfd: Option<&OwnedFd>) -> bool {
        loop {
            if self.ended() {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.listen(left, pidfd);
        }
    }

    /// Waits for output or for the leader, and takes what there is.
    fn listen(&mut self, most: Duration, pidfd: Option<&OwnedFd>) {
        let readable = {
            let output = self.output.as_ref();
            let mut fds: Vec<PollFd<'_>> = [output, pidfd]
                .into_iter()
                .flatten()
                .map(|fd| PollFd::new(fd, PollFlags::IN))
                .collect();
            if fds.is_empty() {
                tree::pause(most.min(TICK));
                return;
            }
            let timeout = Timespec {
                tv_sec: i64::try_from(most.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(most.subsec_nanos()),
            };
            // Interrupted is as good as nothing: the caller looks again.
            let _ = poll(&mut fds, Some(&timeout));
            output.is_some() && !fds[0].revents().is_empty()
        };
        if readable {
            self.take();
        }
    }

    fn take(&mut self) {
        let Some(output) = &self.output else {
            return;
        };
        match rustix::io::read(output.as_fd(), &mut self.buffer[..]) {
            Ok(0) => self.output = None,
            Ok(n) => {
                self.verdict.bytes += n as u64;
                self.clean.clear();
                self.veil.push(&self.buffer[..n], &mut self.clean);
                self.writer.write(&self.clean);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => self.output = None,
        }
    }

    fn ended(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let Some(leader) = Pid::from_raw(self.leader) else {
            return true;
        };
        loop {
            match waitid(WaitId::Pid(leader), look) {
                Ok(None) => return false,
                Err(rustix::io::Errno::INTR) => {}
                Ok(Some(_)) | Err(_) => return true,
            }
        }
    }

    fn told_to_stop(&self) -> bool {
        let pending = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = pending.lines().filter_map(|l| {
            let hex = l
                .strip_prefix("SigPnd:")
                .or_else(|| l.strip_prefix("ShdPnd:"))?;
            u64::from_str_radix(hex.trim(), 16).ok()
        });
        let pending = mask.fold(0, |all, one| all | one);
        self.asked
            .iter()
            .any(|s| pending & (1 << (s as i32 - 1)) != 0)
    }

    fn too_many(&self) -> bool {
        let Some(most) = self.order.bounds.processes else {
            return false;
        };
        let threads = tree::descendants(self.own)
            .iter()
            .map(|(_, s)| s.threads)
            .sum::<u64>();
        threads > most
    }

    /// Signals the whole group. A group that is gone needs no signal.
    fn signal(&self, signal: Signal) {
        if let Some(group) = Pid::from_raw(self.leader) {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Ends everything it left behind, and takes the last of its output.
    fn leave(&mut self, ended: bool) {
        self.verdict.stuck = !ended;
        let drain = Instant::now() + DRAIN;
        while ended && self.output.is_some() && Instant::now() < drain {
            self.listen(drain.saturating_duration_since(Instant::now()), None);
        }
        self.signal(Signal::KILL);
        let (met, gone) = tree::sweep(self.own, self.leader, Instant::now() + KILL_WAIT);
        self.verdict.stragglers = met;
        self.verdict.stuck |= !gone;
        // Whoever could write is gone; what is in the pipe is all there is.
        let last = Instant::now() + KILL_WAIT;
        while gone && self.output.is_some() && Instant::now() < last {
            self.listen(TICK, None);
        }
        self.clean.clear();
        self.veil.finish(&mut self.clean);
        self.writer.write(&self.clean);
    }
}
