//! A shim's watch over its program: the output is masked and kept, its limit and the wish to stop it are minded,
//! and nothing it started outlives it.

use super::shim::TICK;
use super::spool::{Folder, Order, PIECE, Verdict, Writer};
use super::tree;
use crate::run::veil::Veil;
use nix::sys::signal::SigSet;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid,
};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// After the program has ended, what it left behind may write this long before it is killed.
const DRAIN: Duration = Duration::from_millis(200);
/// What survives SIGKILL this long hangs in the kernel; nobody can say when it ends.
const KILL_WAIT: Duration = Duration::from_secs(5);
/// Bytes read at once: a pipe's usual capacity.
const READ: usize = 64 * 1024;

/// Who watches one program.
pub(super) struct Watch<'a> {
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

impl<'a> Watch<'a> {
    /// `output`: what it writes. `asked`: the signals that ask the shim to stop. `own`, `leader`: the shim's process
    /// id and the program's.
    pub fn of(
        order: &'a Order,
        folder: &'a Folder,
        verdict: &'a mut Verdict,
        output: Option<OwnedFd>,
        asked: SigSet,
        (own, leader): (i32, i32),
    ) -> Watch<'a> {
        Watch {
            veil: Veil::over(order.secrets.values().map(String::as_str)),
            writer: Writer::new(folder.clone(), PIECE),
            output,
            verdict,
            folder,
            order,
            leader,
            own,
            asked,
            buffer: vec![0; READ],
            clean: Vec::new(),
        }
    }

    /// Watches it from its beginning to its end, and ends what it leaves behind.
    pub fn through(mut self, begun: Instant) {
        let ended = self.follow_to_end(begun);
        self.leave(ended);
        (self.verdict.masked, self.verdict.dropped) = (self.veil.hits(), self.writer.dropped);
        let took = begun.elapsed().as_millis();
        self.verdict.duration_ms = i64::try_from(took).unwrap_or(i64::MAX);
    }

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
