//! The kernel's own bound on a run: a control group (cgroup v2) of its own for memory and processes,
//! where firebell may divide the one it runs in.
//!
//! ```text
//! HOME                     what the system gave to firebell (systemd: Delegate=memory pids)
//! HOME/firebell            firebell itself and the shims
//! HOME/run-KEY             one run: the program and all it starts
//! ```
//!
//! A group that holds processes cannot be divided, so firebell moves itself into a leaf at its start. Where it
//! may not, a run is bound by `rlimit` as everywhere, and says so: that bounds each process, not the run.

use super::spool::Bounds;
use super::tree;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where firebell itself is; also what systemd's `DelegateSubgroup=firebell` makes.
const LEAF: &str = "firebell";
/// What is bound.
const CONTROLLERS: [&str; 2] = ["memory", "pids"];
/// In front of a run's key in the name of its group.
const RUN: &str = "run-";
/// What is dying is waited for this long before its group stays behind.
const END_WAIT: Duration = Duration::from_secs(2);

/// Makes room for runs beside this process; call it once, before the first shim.
///
/// # Errors
/// Why runs will be bound by `rlimit` only.
pub fn settle() -> Result<(), String> {
    divide(&own()?, std::process::id())
}

fn divide(at: &Path, own: u32) -> Result<(), String> {
    let inside = at.ends_with(LEAF);
    let home = at.parent().filter(|_| inside).unwrap_or(at);
    // Only the root of the whole machine has no type, and that is never ours to divide.
    if !home.join("cgroup.type").exists() {
        return Err("firebell runs in the machine's own control group".to_owned());
    }
    has(home, "cgroup.controllers").map_err(|missing| {
        format!("its control group has no {missing} controller (systemd: Delegate=memory pids)")
    })?;
    if !inside {
        let others = read(&home.join("cgroup.procs"))?;
        if let Some(other) = others.lines().find(|pid| *pid != own.to_string()) {
            return Err(format!(
                "its control group also holds process {other}, so it cannot be divided"
            ));
        }
        let leaf = home.join(LEAF);
        match fs::create_dir(&leaf) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(undivided(&e)),
            _ => {}
        }
        put(&leaf.join("cgroup.procs"), &own.to_string())?;
    }
    for controller in CONTROLLERS {
        put(
            &home.join("cgroup.subtree_control"),
            &format!("+{controller}"),
        )?;
    }
    // What a shim that was killed left behind; one that still holds something stays.
    let left = fs::read_dir(home).into_iter().flatten().flatten();
    for group in left.filter(|e| e.file_name().to_string_lossy().starts_with(RUN)) {
        let _ = fs::remove_dir(group.path());
    }
    Ok(())
}

/// The group runs are made in, as a shim finds it.
#[derive(Debug)]
pub(super) struct Home(PathBuf);

/// The group of one run. It is ended with [`Group::end`].
#[derive(Debug)]
pub(super) struct Group(PathBuf);

impl Home {
    /// Beside the leaf this process is in.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find() -> Result<Home, String> {
        Home::beside(&own()?)
    }

    fn beside(at: &Path) -> Result<Home, String> {
        let home = at.parent().filter(|_| at.ends_with(LEAF));
        let home = home
            .ok_or("firebell has no control group it may divide (systemd: Delegate=memory pids)")?;
        has(home, "cgroup.subtree_control").map_err(|missing| {
            format!("its control group does not pass the {missing} controller on")
        })?;
        Ok(Home(home.to_owned()))
    }

    /// Makes the group of a run with its bounds.
    ///
    /// # Errors
    /// Why it could not be made whole.
    pub fn make(&self, key: &str, bounds: &Bounds) -> Result<Group, String> {
        let group = Group(self.0.join(format!("{RUN}{key}")));
        fs::create_dir(&group.0).map_err(|e| undivided(&e))?;
        let made = group.bind(bounds);
        if made.is_err() {
            group.end();
        }
        made.map(|()| group)
    }
}

impl Group {
    fn bind(&self, bounds: &Bounds) -> Result<(), String> {
        if let Some(bytes) = bounds.memory {
            put(&self.0.join("memory.max"), &bytes.to_string())?;
            // A run is ended whole, not robbed of one of its processes.
            put(&self.0.join("memory.oom.group"), "1")?;
            // Not every kernel counts swap.
            let swap = self.0.join("memory.swap.max");
            if swap.exists() {
                put(&swap, "0")?;
            }
        }
        if let Some(most) = bounds.processes {
            put(&self.0.join("pids.max"), &most.to_string())?;
        }
        Ok(())
    }

    /// Puts a process into it; what that starts is in it too.
    ///
    /// # Errors
    /// When the kernel does not let it.
    pub fn take(&self, pid: u32) -> Result<(), String> {
        put(&self.0.join("cgroup.procs"), &pid.to_string())
    }

    /// The kernel ended something in it for want of memory.
    pub fn out_of_memory(&self) -> bool {
        self.counted("memory.events", "oom_kill") > 0
    }

    /// How often it wanted one process more than it may have.
    pub fn held_back(&self) -> u64 {
        self.counted("pids.events", "max")
    }

    fn counted(&self, file: &str, what: &str) -> u64 {
        let text = fs::read_to_string(self.0.join(file)).unwrap_or_default();
        let mut lines = text.lines();
        lines
            .find_map(|l| l.strip_prefix(what)?.trim().parse().ok())
            .unwrap_or(0)
    }

    /// Kills what is still in it, and removes it.
    pub fn end(&self) {
        // Older kernels have no such file; whatever is left was swept already.
        let kill = self.0.join("cgroup.kill");
        if kill.exists() {
            let _ = fs::write(kill, "1");
        }
        let until = Instant::now() + END_WAIT;
        while fs::remove_dir(&self.0).is_err() && Instant::now() < until {
            tree::pause(Duration::from_millis(5));
        }
    }
}

/// Whether a file of a group names every controller; else the first that is missing.
fn has(group: &Path, file: &str) -> Result<(), &'static str> {
    let text = fs::read_to_string(group.join(file)).unwrap_or_default();
    let named = |c: &&str| text.split_whitespace().any(|word| word == *c);
    match CONTROLLERS.into_iter().find(|c| !named(c)) {
        Some(missing) => Err(missing),
        None => Ok(()),
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
}

fn put(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()))
}

fn undivided(fault: &io::Error) -> String {
    format!("its control group cannot be divided: {fault} (systemd: Delegate=memory pids)")
}

/// The folder of the group this process is in.
fn own() -> Result<PathBuf, String> {
    let group = read(Path::new("/proc/self/cgroup"))?;
    let mounts = read(Path::new("/proc/self/mountinfo"))?;
    folder(&group, &mounts)
        .ok_or_else(|| "this machine has no control groups of version 2".to_owned())
}

fn folder(group: &str, mounts: &str) -> Option<PathBuf> {
    let path = group.lines().find_map(|l| l.strip_prefix("0::"))?;
    let mount = mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        after.starts_with("cgroup2 ").then_some((root, point))
    });
    let (root, point) = mount?;
    let below = if root == "/" {
        path
    } else {
        path.strip_prefix(root)?
    };
    Some(Path::new(point).join(below.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with the files of a group; the kernel's part of it is not there.
    fn pretend(home: &Path, procs: &str, controllers: &str) {
        fs::write(home.join("cgroup.type"), "domain\n").unwrap();
        fs::write(home.join("cgroup.procs"), procs).unwrap();
        fs::write(home.join("cgroup.controllers"), controllers).unwrap();
    }

    #[test]
    fn the_own_group_is_found_whatever_part_of_the_tree_is_mounted() {
        let mounts = "30 24 0:26 / /proc rw - proc proc rw\n41 31 0:38 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw\n";
        let group = "1:cpu:/x\n0::/system.slice/firebell.service\n";
        let at = folder(group, mounts).unwrap();
        assert_eq!(
            at,
            Path::new("/sys/fs/cgroup/system.slice/firebell.service")
        );
        let part = mounts.replace("0:38 / /sys", "0:38 /system.slice /sys");
        let at = folder(group, &part).unwrap();
        assert_eq!(at, Path::new("/sys/fs/cgroup/firebell.service"));
        assert_eq!(folder("1:cpu:/x\n", mounts), None, "version 1 alone");
        assert_eq!(
            folder(group, "30 24 0:26 / /proc rw - proc proc rw\n"),
            None
        );
    }

    #[test]
    fn a_group_is_divided_only_when_it_is_ours_alone() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let why = divide(home, 7).unwrap_err();
        assert!(why.contains("machine's own"), "{why}");
        pretend(home, "7\n", "cpu memory\n");
        let why = divide(home, 7).unwrap_err();
        assert!(why.contains("no pids controller"), "{why}");
        pretend(home, "7\n12\n", "cpu memory pids\n");
        let why = divide(home, 7).unwrap_err();
        assert!(why.contains("process 12"), "{why}");
        assert!(!home.join(LEAF).exists(), "nothing was moved");
        pretend(home, "7\n", "cpu memory pids\n");
        fs::create_dir(home.join("run-old")).unwrap();
        divide(home, 7).unwrap();
        let moved = fs::read_to_string(home.join("firebell/cgroup.procs")).unwrap();
        assert_eq!(moved, "7");
        assert!(!home.join("run-old").exists(), "what is empty goes");
        // A second start finds itself in the leaf, with others beside it there.
        divide(&home.join(LEAF), 8).unwrap();
    }

    #[test]
    fn a_run_gets_its_bounds_and_what_the_kernel_counted_is_read() {
        let home = tempfile::tempdir().unwrap();
        let leaf = home.path().join(LEAF);
        let why = Home::beside(home.path()).unwrap_err();
        assert!(why.contains("Delegate="), "{why}");
        let why = Home::beside(&leaf).unwrap_err();
        assert!(why.contains("memory controller"), "{why}");
        fs::write(home.path().join("cgroup.subtree_control"), "memory pids\n").unwrap();
        let bounds = Bounds {
            memory: Some(64 << 20),
            processes: Some(5),
            ..Bounds::default()
        };
        let group = Home::beside(&leaf).unwrap().make("fb-1", &bounds).unwrap();
        group.take(42).unwrap();
        let text = |file: &str| fs::read_to_string(group.0.join(file)).unwrap();
        assert_eq!(
            (text("memory.max").as_str(), text("pids.max").as_str()),
            ("67108864", "5")
        );
        assert_eq!(
            (
                text("memory.oom.group").as_str(),
                text("cgroup.procs").as_str()
            ),
            ("1", "42")
        );
        assert!(!group.out_of_memory() && group.held_back() == 0);
        fs::write(group.0.join("memory.events"), "low 0\noom 1\noom_kill 2\n").unwrap();
        fs::write(group.0.join("pids.events"), "max 3\n").unwrap();
        assert!(group.out_of_memory() && group.held_back() == 3);
        let twice = Home::beside(&leaf).unwrap().make("fb-1", &bounds);
        assert!(twice.unwrap_err().contains("cannot be divided"));
    }
}
