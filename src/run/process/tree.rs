//! Processes as `/proc` shows them: who descends from whom, and whether an id still means the same one.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Between two looks at what is left, while there is something.
const LOOK: Duration = Duration::from_millis(2);

/// Lets some time go by in a process of one thread, which has nothing else to do.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no runtime here and no worker to block: the shim is one thread"
)]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// Its parent.
    pub parent: i32,
    /// It has ended and waits to be reaped.
    pub zombie: bool,
    /// Its threads.
    pub threads: u64,
    /// When it was started, clock ticks since boot.
    pub born: u64,
}

/// Reads it; `None`: there is no such process.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, parentheses too.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Stat {
        zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        threads: fields.get(17)?.parse().ok()?,
        born: fields.get(19)?.parse().ok()?,
    })
}

/// Which boot of the machine this is.
pub(super) fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.unwrap_or_default().trim().to_owned()
}

/// Whether this very process lives: the same id, started at the same time, in this boot.
pub(super) fn lives(pid: i32, born: u64, of_boot: &str) -> bool {
    of_boot == boot() && stat(pid).is_some_and(|s| s.born == born && !s.zombie)
}

fn all() -> BTreeMap<i32, Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|e| e.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: i32| Some((pid, stat(pid)?)))
        .collect()
}

/// Every process that descends from this one, itself not included: its own children first, and those that have
/// ended and wait to be reaped too.
pub(super) fn descendants(of: i32) -> Vec<(i32, Stat)> {
    let all = all();
    let mut found = vec![of];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(
            all.iter()
                .filter(|(_, s)| s.parent == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    let known = |pid: &i32| Some((*pid, *all.get(pid)?));
    found[1..].iter().filter_map(known).collect()
}

/// Threads of all living processes of a user: what `RLIMIT_NPROC` counts.
pub(super) fn threads_of(uid: u32) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let owned = |pid: &i32| std::fs::metadata(format!("/proc/{pid}")).is_ok_and(|m| m.uid() == uid);
    let all = all();
    all.iter()
        .filter(|(pid, _)| owned(pid))
        .map(|(_, s)| s.threads)
        .sum()
}

/// Reaps every child of ours that has ended, but for this one.
pub(super) fn reap(own: i32, but: i32) {
    for (pid, stat) in descendants(own) {
        if stat.zombie
            && stat.parent == own
            && pid != but
            && let Some(pid) = Pid::from_raw(pid)
        {
            // It is ours and has ended; what fails here is tried again.
            let _ = waitid(
                WaitId::Pid(pid),
                WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
            );
        }
    }
}

/// Kills and reaps everything that descends from us but `leader`, whatever group or session it is in,
/// until nothing is left or it is too late. Answers how many it found, and whether all are gone.
///
/// The leader is not reaped here: its id is its group's.
pub(super) fn sweep(own: i32, leader: i32, until: Instant) -> (u32, bool) {
    let mut met = BTreeSet::new();
    loop {
        let mut left = descendants(own);
        left.retain(|(pid, _)| *pid != leader);
        if left.is_empty() {
            return (u32::try_from(met.len()).unwrap_or(u32::MAX), true);
        }
        for (pid, stat) in left {
            let Some(id) = Pid::from_raw(pid) else {
                continue;
            };
            if stat.zombie {
                if stat.parent == own {
                    let _ = waitid(
                        WaitId::Pid(id),
                        WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
                    );
                }
            } else {
                met.insert((pid, stat.born));
                // As our descendant it cannot be reaped by a stranger between the look and this: its
                // id is its own until it, and whoever would reap it, is gone.
                let _ = kill_process(id, Signal::KILL);
            }
        }
        if Instant::now() > until {
            return (u32::try_from(met.len()).unwrap_or(u32::MAX), false);
        }
        pause(LOOK);
    }
}

/// As [`sweep`], for processes that multiply: all are stopped before any is killed, so that those that
/// are killed are not replaced.
pub(super) fn sweep_all(own: i32, leader: i32, until: Instant) -> bool {
    let mut stopped = BTreeSet::new();
    loop {
        let fresh: Vec<i32> = descendants(own)
            .into_iter()
            .filter(|(pid, stat)| !stat.zombie && stopped.insert((*pid, stat.born)))
            .map(|(pid, _)| pid)
            .collect();
        for pid in fresh.iter().filter_map(|pid| Pid::from_raw(*pid)) {
            let _ = kill_process(pid, Signal::STOP);
        }
        if fresh.is_empty() || Instant::now() > until {
            break;
        }
    }
    if let Some(leader) = Pid::from_raw(leader) {
        let _ = kill_process(leader, Signal::KILL);
    }
    sweep(own, leader, until).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_known_and_an_older_one_of_its_id_is_not() {
        let own = i32::try_from(std::process::id()).unwrap();
        let stat = stat(own).unwrap();
        assert!(!stat.zombie && stat.threads >= 1 && stat.born > 0);
        assert!(lives(own, stat.born, &boot()));
        assert!(!lives(own, stat.born + 1, &boot()));
        assert!(!lives(own, stat.born, "another boot"));
        assert!(threads_of(rustix::process::getuid().as_raw()) >= 1);
    }
}
