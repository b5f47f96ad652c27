//! The folder of a run: what survives firebell, and the order a shim is given.
//!
//! ```text
//! runs/node              which machine's spool this is, made once
//! runs/ready/ID          a folder that waits for its run, claimed by the shim that waits with it
//! runs/KEY/claim         without it the program provably never started
//! runs/KEY/output.N      what it wrote; the first piece is kept, of the others the newest
//! runs/KEY/cancel        somebody wants it to stop
//! runs/KEY/result.json   how it ended; appears whole or not at all
//! runs/KEY/work, artifacts, secrets, kept
//! ```
//!
//! A run is claimed by moving a whole folder to its name: a folder that holds something is never replaced,
//! so of many that try one succeeds. What is in it was on the disk before; the move is there when the spool is synced.
//!
//! Everything is for firebell's user alone (folders 0700). Secrets are never in it, but for their own
//! files of mode 0400, which go when the program has ended.

use super::ready::{PARTS, Ready};
use super::tree;
use crate::core::directory::{Limits, Sandbox};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Content of a claim that says: this run must never start here.
pub(super) const VOID: &str = "void";
/// A claim or result is a few lines.
const SMALL: u64 = 1024 * 1024;

/// What a shim is told to do, on its standard input. Holds secrets: never written to a disk.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// The run's folder, absolute.
    pub folder: PathBuf,
    /// Where its working folder, artefacts and secrets are made: the run's folder, or, for another
    /// user's run, one that user can reach.
    pub place: PathBuf,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Working folder; `None`: `work` of the run's folder.
    pub cwd: Option<PathBuf>,
    /// The environment without what the shim adds.
    pub env: BTreeMap<String, String>,
    /// Secrets by name.
    pub secrets: BTreeMap<String, String>,
    /// Who it runs as; `None`: as firebell itself.
    pub login: Option<Login>,
    /// Bounds.
    pub bounds: Bounds,
}

/// A user, as numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// User.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// All groups.
    pub groups: Vec<u32>,
}

/// The bounds of one run, as the shim enforces them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Asked to stop after this long, milliseconds.
    pub timeout_ms: u64,
    /// From SIGTERM to SIGKILL, milliseconds.
    pub grace_ms: u64,
    /// CPU seconds.
    pub cpu: Option<u64>,
    /// Address space of each process, bytes.
    pub memory: Option<u64>,
    /// Open files.
    pub files: Option<u64>,
    /// Bytes of a file.
    pub file_bytes: Option<u64>,
    /// Processes and threads at once.
    pub processes: Option<u64>,
    /// `landlock` is asked for.
    pub sandbox: bool,
    /// Does not run where the kernel cannot enforce it whole.
    pub sandbox_required: bool,
    /// May be read and executed.
    pub read: Vec<PathBuf>,
    /// May also be written.
    pub write: Vec<PathBuf>,
    /// TCP ports that may be connected to.
    pub connect: Option<Vec<u16>>,
}

impl Bounds {
    /// The bounds of an action's limits.
    #[must_use]
    pub fn of(limits: &Limits) -> Bounds {
        let Sandbox {
            on,
            required,
            read,
            write,
            connect,
        } = &limits.sandbox;
        let paths = |all: &[String]| all.iter().map(PathBuf::from).collect();
        Bounds {
            timeout_ms: u64::try_from(limits.timeout_ms).unwrap_or(0),
            grace_ms: u64::try_from(limits.kill_grace_ms).unwrap_or(0),
            cpu: limits.cpu_secs,
            memory: limits.memory_bytes,
            files: limits.files,
            file_bytes: limits.file_bytes,
            processes: limits.processes,
            sandbox: *on,
            sandbox_required: *required,
            read: paths(read),
            write: paths(write),
            connect: connect.clone(),
        }
    }
}

/// Bytes of a piece of output: what firebell may be behind before something of an endless output is
/// lost, and a third of what that may take of the disk.
pub const PIECE: u64 = 2 * 1024 * 1024;

/// Who claimed a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The shim's process id.
    pub pid: i32,
    /// When that process was started, clock ticks since boot: ids are used again.
    pub born: u64,
    /// Of which boot.
    pub boot: String,
}

impl Claim {
    /// Whether the shim lives: this very process, not another one with its id.
    #[must_use]
    pub fn lives(&self) -> bool {
        tree::lives(self.pid, self.born, &self.boot)
    }
}

/// How a program ended, as the shim writes it down.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and several may hold"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Verdict {
    /// It never started, and why.
    pub refused: Option<String>,
    /// Exit code.
    pub exit: Option<i32>,
    /// Signal that ended it.
    pub signal: Option<i32>,
    /// Stopped at its time limit.
    pub timed_out: bool,
    /// Stopped because somebody asked.
    pub cancelled: bool,
    /// Stopped because the machine or somebody stopped the shim.
    pub stopped: bool,
    /// It started more processes than it may.
    pub too_many: bool,
    /// It hangs in the kernel and could not be ended.
    pub stuck: bool,
    /// Ended by the kernel for want of memory.
    pub out_of_memory: bool,
    /// From start to end, milliseconds.
    pub duration_ms: i64,
    /// Bytes it wrote.
    pub bytes: u64,
    /// Bytes of them that are not kept.
    pub dropped: u64,
    /// Secrets masked in them.
    pub masked: u64,
    /// What became of the sandbox: `FullyEnforced` and so on; `None`: not asked for.
    pub sandbox: Option<String>,
    /// What binds its memory and processes: `cgroup`, or `rlimit only: ` and why; `None`: no such limit
    /// was asked for.
    pub limits: Option<String>,
    /// How often the kernel kept it from starting one process more than it may have.
    pub held_back: u64,
    /// Processes that had left its group and were ended with it.
    pub stragglers: u32,
    /// What else is to be known, in words.
    pub notes: Vec<String>,
    /// Files it left, in `kept`.
    pub artifacts: Vec<Kept>,
}

/// A file a run left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its name, `[A-Za-z0-9._-]` only.
    pub name: String,
    /// SHA-256 in hex; its name in `kept`.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
}

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    /// Where something of it is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The spool it is in.
    fn spool(&self) -> io::Result<&Path> {
        let none = || io::Error::other("a run's folder is in no spool");
        self.0.parent().ok_or_else(none)
    }

    /// Takes the run with what has waited for it. `false`: somebody has it already, or it was voided.
    ///
    /// The claim stands, but is on the disk only after [`Folder::hold`]: nothing may start before.
    ///
    /// # Errors
    /// When the disk does not take it; the claim may then exist or not.
    pub(super) fn take(&self, ready: &Ready) -> io::Result<bool> {
        match std::fs::rename(ready.path(), &self.0) {
            Ok(()) => Ok(true),
            Err(e) => match e.kind() {
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => Ok(false),
                _ => Err(e),
            },
        }
    }

    /// Has the claim on the disk.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn hold(&self) -> io::Result<()> {
        File::open(self.spool()?)?.sync_all()
    }

    /// Makes sure that the run never starts here; on the disk before this returns. `false`: it is claimed already.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn void(&self) -> io::Result<bool> {
        let taken = self.take(&Ready::with(self.spool()?, VOID, &[])?)?;
        if taken {
            self.hold()?;
        }
        Ok(taken)
    }

    /// What the claim says.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn claimed(&self) -> io::Result<Claimed> {
        let Some(text) = small(&self.path("claim"))? else {
            return Ok(Claimed::No);
        };
        if text == VOID {
            return Ok(Claimed::Void);
        }
        // A disk that lost it leaves it empty: claimed, by nobody who lives.
        Ok(serde_json::from_str(&text).map_or(Claimed::Torn, Claimed::By))
    }

    /// Writes the result: whole, or not at all.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn conclude(&self, verdict: &Verdict) -> io::Result<()> {
        let (new, last) = (self.path("result.new"), self.path("result.json"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(&serde_json::to_vec(verdict)?)?;
        file.sync_all()?;
        std::fs::rename(new, last)?;
        File::open(&self.0)?.sync_all()
    }

    /// The result, once there is one.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn verdict(&self) -> io::Result<Option<Verdict>> {
        let Some(text) = small(&self.path("result.json"))? else {
            return Ok(None);
        };
        Ok(Some(serde_json::from_str(&text)?))
    }

    /// Whether its end is known, or it can never begin.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.path("result.json").exists() || matches!(self.claimed(), Ok(Claimed::Void))
    }

    /// Asks the shim to stop the program.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn cancel(&self) -> io::Result<()> {
        File::create(self.path("cancel"))?.sync_all()?;
        File::open(&self.0)?.sync_all()
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.path("cancel").exists()
    }

    /// A piece of output.
    #[must_use]
    pub fn piece(&self, n: u64) -> PathBuf {
        self.path(&format!("output.{n}"))
    }

    /// Output from this byte on, at most about `most` bytes, and where the next begins. What is not kept
    /// any more is skipped.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn read(&self, from: u64, piece: u64, most: usize) -> io::Result<(Vec<u8>, u64)> {
        let (mut at, mut bytes) = (from, Vec::new());
        while bytes.len() < most {
            let n = at / piece;
            let mut file = match File::open(self.piece(n)) {
                Ok(file) => file,
                Err(e) if e.kind() == io::ErrorKind::NotFound => match self.next_piece(n)? {
                    Some(next) => {
                        at = next * piece;
                        continue;
                    }
                    None => break,
                },
                Err(e) => return Err(e),
            };
            file.seek(SeekFrom::Start(at % piece))?;
            let room = (piece - at % piece).min((most - bytes.len()) as u64);
            let got = file.take(room).read_to_end(&mut bytes)?;
            at += got as u64;
            if (got as u64) < room {
                break;
            }
        }
        Ok((bytes, at))
    }

    /// The first piece after `n` that is there.
    fn next_piece(&self, n: u64) -> io::Result<Option<u64>> {
        let mut next = None;
        for entry in std::fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let number = name
                .to_str()
                .and_then(|n| n.strip_prefix("output.")?.parse().ok());
            next = [next, number.filter(|m| *m > n)]
                .into_iter()
                .flatten()
                .min();
        }
        Ok(next)
    }

    /// Removes what is only of use while the program runs.
    pub fn tidy(&self, place: &Path) {
        let gone = |path: &Path| {
            if let Err(e) = std::fs::remove_dir_all(path)
                && e.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), "a run's folder stays behind: {e}");
            }
        };
        for name in PARTS {
            gone(&place.join(name));
        }
        if place != self.0 {
            gone(place);
        }
    }
}

/// What is in a spool.
pub(super) fn folders(spool: &Path) -> impl Iterator<Item = Folder> + use<> {
    let entries = std::fs::read_dir(spool).into_iter().flatten().flatten();
    entries.map(|e| Folder(e.path()))
}

/// What a claim says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// There is none: the program provably never started.
    No,
    /// It must never start here.
    Void,
    /// A shim has it.
    By(Claim),
    /// Its writer died in the middle of it.
    Torn,
}

/// Makes a folder for this user alone.
pub(super) fn private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(super) fn exclusive(path: &Path) -> io::Result<File> {
    let mut open = OpenOptions::new();
    open.write(true).create_new(true).mode(0o600).open(path)
}

fn small(path: &Path) -> io::Result<Option<String>> {
    match File::open(path) {
        Ok(file) => {
            let mut text = String::new();
            file.take(SMALL).read_to_string(&mut text)?;
            Ok(Some(text))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// The output as the shim writes it: pieces of one size, of which the first and the two newest stay.
#[derive(Debug)]
pub(super) struct Writer {
    folder: Folder,
    piece: u64,
    at: u64,
    file: Option<File>,
    /// Bytes of pieces that were removed or could not be written.
    pub dropped: u64,
}

impl Writer {
    pub fn new(folder: Folder, piece: u64) -> Writer {
        Writer {
            folder,
            piece,
            at: 0,
            file: None,
            dropped: 0,
        }
    }

    pub fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let n = self.at / self.piece;
            if self.file.is_none() {
                self.file = File::create(self.folder.piece(n)).ok();
                if n >= 3 && std::fs::remove_file(self.folder.piece(n - 2)).is_ok() {
                    self.dropped += self.piece;
                }
            }
            let room = self.piece - self.at % self.piece;
            let (now, later) =
                bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            // A full disk must not stop the program: what it writes is lost, and counted.
            if self.file.as_mut().is_none_or(|f| f.write_all(now).is_err()) {
                self.dropped += now.len() as u64;
            }
            self.at += now.len() as u64;
            if self.at.is_multiple_of(self.piece) {
                self.file = None;
            }
            bytes = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ready::waiting;
    use super::*;

    fn folder(dir: &tempfile::TempDir) -> Folder {
        Folder(dir.path().join("r"))
    }

    #[test]
    fn a_run_is_claimed_once() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(&dir);
        assert_eq!(folder.claimed().unwrap(), Claimed::No);
        let claim = Claim {
            pid: 1,
            born: 2,
            boot: "b".to_owned(),
        };
        let take = |folder: &Folder| {
            let ready = Ready::make(dir.path(), &claim).unwrap();
            folder.take(&ready).unwrap()
        };
        assert!(take(&folder));
        assert!(!take(&folder));
        assert!(!folder.void().unwrap());
        assert_eq!(folder.claimed().unwrap(), Claimed::By(claim.clone()));
        assert!(PARTS.iter().all(|part| folder.path(part).is_dir()));
        let other = Folder(dir.path().join("s"));
        assert!(other.void().unwrap());
        assert!(!take(&other));
        assert_eq!(other.claimed().unwrap(), Claimed::Void);
        assert_eq!(waiting(dir.path()).count(), 0);
        std::fs::write(folder.path("claim"), "{\"pi").unwrap();
        assert_eq!(folder.claimed().unwrap(), Claimed::Torn);
    }

    #[test]
    fn of_endless_output_the_first_and_the_newest_stay() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(&dir);
        private(&folder.0).unwrap();
        let mut writer = Writer::new(folder.clone(), 10);
        let all: Vec<u8> = (0..99u8).collect();
        for chunk in all.chunks(7) {
            writer.write(chunk);
        }
        let mut got = Vec::new();
        let mut at = 0;
        loop {
            let (bytes, next) = folder.read(at, 10, 4).unwrap();
            if bytes.is_empty() {
                break;
            }
            got.extend(bytes);
            at = next;
        }
        let want: Vec<u8> = (0..10).chain(80..99).collect();
        assert_eq!((got, writer.dropped), (want, 70));
        assert_eq!(at, 99);
    }

    #[test]
    fn the_result_is_whole_or_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(&dir);
        private(&folder.0).unwrap();
        assert_eq!(folder.verdict().unwrap(), None);
        std::fs::write(folder.path("result.new"), "{").unwrap();
        assert_eq!(folder.verdict().unwrap(), None);
        let verdict = Verdict {
            exit: Some(3),
            ..Verdict::default()
        };
        folder.conclude(&verdict).unwrap();
        assert_eq!(folder.verdict().unwrap(), Some(verdict));
    }
}
