//! `firebell __run`: the process that owns one run's program, and outlives firebell.
//!
//! In this order: leave firebell's session, become the reaper of every descendant, make a folder for whatever
//! run may come, wait for the order, claim the run with that folder, tell the launcher what to become, have the claim on
//! the disk, let the launcher go, say so, watch the program to its end, end what it left behind, write the
//! result down. The launcher prepares itself while the disk works, and does nothing until it is let go:
//! the claim is on the disk before the program starts and the result after it has ended,
//! so whoever looks at the folder later knows: no claim, never started; a result, that is how it went;
//! a claim without a result and without this process, nobody knows.
//!
//! One thread, no runtime, nothing of firebell's state. It keeps firebell's own user even when the program runs
//! as another one, so that the program can neither kill it nor touch the result.

use super::cgroup::{Group, Home};
use super::keep;
use super::launch::{GO, Instruction, Said};
use super::ready::{PARTS, Ready};
use super::spool::{Bounds, Claim, Folder, Order, Verdict, private};
use super::tree;
use super::watch::Watch;
use nix::sys::signal::{SigSet, Signal as Nix};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Resource, Rlimit, WaitOptions, setrlimit, waitpid};
use serde_json::Deserializer;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

/// Between two looks at the cancel file, the limit and the processes.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// The shim's first word to firebell; after it comes nothing.
pub(super) const STARTED: &str = "started";
/// Somebody else has the run.
pub(super) const TAKEN: &str = "taken";
/// Before the reason why nothing was started.
pub(super) const REFUSED: &str = "refused ";

/// Runs the shim of this spool to its end.
pub(super) fn main(spool: &Path) -> ExitCode {
    let mut stage = match Stage::set() {
        Ok(stage) => stage,
        Err(e) => return told(&format!("{REFUSED}the shim cannot set itself up: {e}")),
    };
    let ready = Ready::make(spool, &stage.own).ok();
    rehearse(spool);
    let mut text = String::new();
    let order = match io::stdin().lock().read_line(&mut text) {
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
    let taken = ready.and_then(|ready| folder.take(&ready).ok());
    // What waited may have been removed, or the disk was full and is not any more.
    let again = || folder.take(&Ready::make(spool, &stage.own)?);
    match taken.map_or_else(again, Ok) {
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
    /// The program's process id, which is its group's: the launcher's until it has begun beside it.
    leader: i32,
    /// What it writes; taken by who watches it.
    output: Option<OwnedFd>,
    /// SIGTERM and its like, which are blocked.
    asked: SigSet,
    /// Where there may be control groups for runs, and else why not; looked up while nobody waits for it.
    home: Result<Home, String>,
    /// The run's own.
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
            // Address space that is only reserved counts against a bound on the program's memory.
            .env("MIMALLOC_ARENA_RESERVE", "0")
            .stdin(OwnedFd::from(theirs))
            .stdout(writer)
            .stderr(second)
            .process_group(0)
            .spawn()?;
        Ok(Stage {
            own: me(),
            leader: id(&launcher),
            launcher,
            line,
            output: Some(output.into()),
            asked,
            home: Home::find(),
            group: None,
        })
    }

    /// Tells the launcher what to become, and lets it once the claim is on the disk.
    fn start(
        &mut self,
        order: &Order,
        folder: &Folder,
        verdict: &mut Verdict,
    ) -> Result<(), String> {
        let place = &order.place;
        if *place != folder.0 {
            shared(place).map_err(words("its folder for another user cannot be made"))?;
            for path in PARTS.map(|part| place.join(part)) {
                private(&path).map_err(words("its folder cannot be made"))?;
            }
        }
        let [work, artifacts, secrets] = PARTS.map(|part| place.join(part));
        for path in [place, &work, &artifacts] {
            give(path, order)?;
        }
        let bounds = self.bound(order, verdict);
        self.line
            .write_all(&told_to(order, bounds)?)
            .map_err(words("its launcher cannot be told"))?;
        // It prepares itself meanwhile.
        for (name, value) in &order.secrets {
            let file = secrets.join(name);
            deliver(&file, value)
                .map_err(words(format!("the secret {name} cannot be delivered")))?;
            give(&file, order)?;
        }
        give(&secrets, order)?;
        folder
            .hold()
            .map_err(words("the run cannot be claimed on the disk"))?;
        // One that has failed meanwhile does not hear it, and has said why.
        let _ = self.line.write_all(GO);
        self.heard(verdict)
    }

    /// What the launcher says until it has begun the program, or is it.
    fn heard(&mut self, verdict: &mut Verdict) -> Result<(), String> {
        let (mut answer, mut begun, mut becomes) = (Vec::new(), None, false);
        let deaf = match self.line.read_to_end(&mut answer) {
            // What lets it go was left unread.
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => true,
            Err(e) => return Err(format!("its launcher does not answer: {e}")),
            Ok(_) => false,
        };
        for said in Deserializer::from_slice(&answer).into_iter::<Said>() {
            match said.map_err(|e| format!("its launcher's answer cannot be read: {e}"))? {
                Said::Sandbox(status) => verdict.sandbox = Some(status),
                Said::Note(note) => verdict.notes.push(note),
                Said::Begun(program) => begun = i32::try_from(program).ok(),
                Said::Becomes => becomes = true,
                Said::Failed(why) => return Err(why),
            }
        }
        if deaf {
            return Err("its launcher ended before the program began".to_owned());
        }
        if becomes {
            return Ok(());
        }
        // When the launcher is gone the program is ours to wait for; also where it was killed before it could say
        // that there is one.
        let status = self.launcher.wait();
        let program = begun.or_else(|| Some(tree::descendants(self.own.pid).first()?.0));
        self.leader = program.ok_or_else(|| {
            let status = status.map_or_else(|e| e.to_string(), |s| s.to_string());
            format!("its launcher ended before the program began ({status})")
        })?;
        Ok(())
    }

    /// Puts the launcher into a control group of the run's own, if there may be one; answers what is left
    /// for the launcher to bind itself.
    fn bound(&mut self, order: &Order, verdict: &mut Verdict) -> Bounds {
        let mut bounds = order.bounds.clone();
        if bounds.memory.is_none() && bounds.processes.is_none() {
            return bounds;
        }
        let key = order.folder.file_name().unwrap_or_default();
        let home = self.home.as_ref().map_err(String::clone);
        let made = home.and_then(|home| home.make(&key.to_string_lossy(), &bounds));
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
        let (output, asked) = (self.output.take(), self.asked);
        let pids = (self.own.pid, self.leader);
        Watch::of(order, folder, &mut verdict, output, asked, pids).through(begun);
        if verdict.stuck {
            // Whoever asks gets `unknown`; this process waits on, for what hangs to be reaped.
        } else if let Some(status) = self.reaped() {
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

    /// How the program ended, which is reaped by that.
    fn reaped(&mut self) -> Option<ExitStatus> {
        if self.leader == id(&self.launcher) {
            return self.launcher.wait().ok();
        }
        let program = Pid::from_raw(self.leader);
        let (_, status) = waitpid(program, WaitOptions::empty()).ok()??;
        Some(ExitStatus::from_raw(status.as_raw()))
    }
}

fn id(child: &Child) -> i32 {
    i32::try_from(child.id()).unwrap_or(i32::MAX)
}

/// For a fault, what it kept from being done.
fn words(what: impl std::fmt::Display) -> impl FnOnce(io::Error) -> String {
    move |e| format!("{what}: {e}")
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

/// The launcher's instruction, on its line.
fn told_to(order: &Order, bounds: Bounds) -> Result<Vec<u8>, String> {
    let [work, artifacts, secrets] = PARTS.map(|part| order.place.join(part));
    let mut env = order.env.clone();
    for name in order.secrets.keys() {
        env.insert(format!("{name}_FILE"), shown(&secrets.join(name)));
    }
    env.insert("FIREBELL_ARTIFACTS".to_owned(), shown(&artifacts));
    let instruction = Instruction {
        argv: order.argv.clone(),
        cwd: order.cwd.clone().unwrap_or_else(|| work.clone()),
        env,
        login: order.login.clone(),
        bounds,
        own: vec![work, artifacts],
        look: vec![secrets],
        alone: order.bounds.processes.is_some(),
    };
    let mut text = serde_json::to_vec(&instruction).map_err(|e| e.to_string())?;
    text.push(b'\n');
    Ok(text)
}

/// Goes once through what an order takes that leaves no trace: what is used for the first time comes in page by
/// page, which takes longer than the work, and nobody waits yet.
fn rehearse(spool: &Path) {
    let one = BTreeMap::from([("A".to_owned(), "B".to_owned())]);
    let nothing = Order {
        folder: spool.join("nothing"),
        place: spool.join("nothing"),
        argv: vec!["/".to_owned()],
        cwd: None,
        env: one.clone(),
        secrets: one,
        login: None,
        bounds: Bounds::default(),
    };
    let text = serde_json::to_string(&nothing).unwrap_or_default();
    if let Ok(nothing) = serde_json::from_str::<Order>(&text) {
        let _ = told_to(&nothing, nothing.bounds.clone());
    }
}

/// A secret's file, which only its reader can open.
fn deliver(path: &Path, value: &str) -> io::Result<()> {
    let mut open = std::fs::OpenOptions::new();
    let mut file = open.write(true).create_new(true).mode(0o400).open(path)?;
    file.write_all(value.as_bytes())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
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
