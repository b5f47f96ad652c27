//! `firebell __exec`: the last step before the program. It waits for its instruction on a socket, binds
//! itself (limits, user, `landlock`), says so, and begins the program when it is let go. An instruction alone
//! starts nothing: the shim gives it before the claim is on the disk, and lets go after.
//!
//! It is started before it is needed, so that neither a fork nor the loading of this binary stands
//! between a button and the program; and what it binds is itself alone, not the shim that watches.

use super::spool::{Bounds, Login};
use super::tree;
use landlock::{
    ABI, Access, AccessFs, AccessNet, NetPort, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// CPU time between being told (`SIGXCPU`) and being killed, seconds.
const CPU_GRACE: u64 = 2;
/// Where no program could be started; the shell's convention.
const NOT_STARTED: u8 = 127;

/// What lets it go.
pub(super) const GO: &[u8] = b"!";

/// What the launcher is told, on a line of its own. Holds no secrets.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Instruction {
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    pub env: BTreeMap<String, String>,
    pub login: Option<Login>,
    pub bounds: Bounds,
    /// May always be written: its working folder and where it leaves artefacts.
    pub own: Vec<PathBuf>,
    /// May always be read: its secrets.
    pub look: Vec<PathBuf>,
    /// Its processes are counted, and the launcher must not be one of them.
    pub alone: bool,
}

/// What it answers, a line each. One that ends without [`Said::Begun`], [`Said::Becomes`] or [`Said::Failed`] was
/// killed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    /// What became of the sandbox.
    Sandbox(String),
    /// Something to be known.
    Note(String),
    /// The program has begun, as this process.
    Begun(u32),
    /// The launcher is about to become the program; nothing else follows unless that fails.
    Becomes,
    /// The program does not start, and why.
    Failed(String),
}

/// Runs the launcher.
pub(super) fn main() -> ExitCode {
    // A copy that closes when the program begins: the shim sees the end of the line.
    let Ok(line) = io::stdin().as_fd().try_clone_to_owned() else {
        return ExitCode::from(NOT_STARTED);
    };
    rehearse();
    let mut line = UnixStream::from(line);
    let mut text = String::new();
    // The shim is gone, or does not need it any more.
    if io::stdin().lock().read_line(&mut text).is_err() || text.is_empty() {
        return ExitCode::SUCCESS;
    }
    let prepared = serde_json::from_str::<Instruction>(&text)
        .map_err(|e| format!("its instruction cannot be read: {e}"))
        .and_then(|i| bind(&i, &mut line).map(|command| (i, command)));
    let begun = match prepared {
        // Nobody lets it go: the run is not the shim's, or the shim is gone.
        Ok(_) if !let_go() => return ExitCode::SUCCESS,
        Ok((instruction, mut command)) => {
            let begun = begin(&mut line, &mut command, instruction.alone);
            begun.map_err(|fault| in_words(&instruction, &fault))
        }
        Err(why) => Err(why),
    };
    match begun {
        Ok(pid) => {
            say(&mut line, &Said::Begun(pid));
            ExitCode::SUCCESS
        }
        Err(why) => {
            say(&mut line, &Said::Failed(why));
            ExitCode::from(NOT_STARTED)
        }
    }
}

/// Begins the program beside this process, which ends: what it is bound by is inherited, and its memory, which
/// takes the system longer to take down than the program to begin, goes later. Where there is no
/// room for two, this process becomes the program.
fn begin(line: &mut UnixStream, command: &mut Command, alone: bool) -> io::Result<u32> {
    if !alone {
        match command.spawn() {
            Ok(program) => return Ok(program.id()),
            Err(e) if e.kind() == io::ErrorKind::OutOfMemory => {}
            Err(e) => return Err(e),
        }
    }
    say(line, &Said::Becomes);
    Err(command.exec())
}

/// Goes once through what will be done, with a program that is none: what is used for the first time comes in
/// page by page, which takes longer than the work, and nobody waits yet.
fn rehearse() {
    let nothing = Instruction {
        argv: vec!["/".to_owned()],
        cwd: PathBuf::from("/"),
        env: BTreeMap::from([("A".to_owned(), "B".to_owned())]),
        login: None,
        bounds: Bounds::default(),
        own: vec![PathBuf::from("/")],
        look: vec![PathBuf::from("/")],
        alone: false,
    };
    let text = serde_json::to_string(&nothing).unwrap_or_default();
    if let Ok(nothing) = serde_json::from_str::<Instruction>(&text)
        && let Some(mut command) = command(&nothing)
    {
        // A folder is no program.
        let _ = command.spawn();
    }
}

/// The program as it is to begin; `None`: there is none.
fn command(order: &Instruction) -> Option<Command> {
    let mut command = Command::new(order.argv.first()?);
    command
        .args(&order.argv[1..])
        .env_clear()
        .envs(&order.env)
        .current_dir(&order.cwd)
        .stdin(Stdio::null())
        .process_group(0);
    Some(command)
}

/// Waits for it; `false`: nobody will.
fn let_go() -> bool {
    let mut word = [0; GO.len()];
    io::stdin().lock().read_exact(&mut word).is_ok() && word == GO
}

fn say(line: &mut UnixStream, said: &Said) {
    if let Ok(mut text) = serde_json::to_vec(said) {
        text.push(b'\n');
        // If the shim is gone nobody listens.
        let _ = line.write_all(&text);
    }
}

/// Binds this process as the program is to be bound; answers what is left to be done.
///
/// # Errors
/// Why the program does not start.
fn bind(order: &Instruction, line: &mut UnixStream) -> Result<Command, String> {
    let command = command(order).ok_or("the action has no program")?;
    // The shim blocks what asks it to stop, and a mask is inherited.
    nix::sys::signal::SigSet::empty()
        .thread_set_mask()
        .map_err(|e| format!("it cannot be made to hear signals: {e}"))?;
    let uid = (order.login.as_ref()).map_or(rustix::process::getuid().as_raw(), |l| l.uid);
    // The kernel counts every process of the user, not of this run; looked at while `/proc` can be.
    let others = order.bounds.processes.map(|_| tree::threads_of(uid));
    // Rules are made as the user firebell is, who can open every path of them.
    let sandbox = order
        .bounds
        .sandbox
        .then(|| confine(order, Path::new(&order.argv[0])));
    if let Some(login) = &order.login {
        become_user(login).map_err(|e| format!("it cannot run as user {}: {e}", login.uid))?;
    }
    if let Some(status) = sandbox {
        let status = status.unwrap_or_else(|why| {
            say(line, &Said::Note(format!("no sandbox: {why}")));
            "NotEnforced".to_owned()
        });
        if order.bounds.sandbox_required && status != "FullyEnforced" {
            return Err(format!(
                "its sandbox is required and this kernel does not enforce it whole ({status})"
            ));
        }
        say(line, &Said::Sandbox(status));
    }
    if order.bounds.processes.is_some() && uid == 0 {
        let note = "processes are counted by firebell, because the kernel does not limit root's";
        say(line, &Said::Note(note.to_owned()));
    }
    // Last, because they bind this process too.
    limits(&order.bounds, others.unwrap_or(0))?;
    Ok(command)
}

fn limits(bounds: &Bounds, others: u64) -> Result<(), String> {
    let processes = bounds.processes.map(|n| others.saturating_add(n));
    let hard = bounds.cpu.map(|s| s.saturating_add(CPU_GRACE));
    let all = [
        (
            "file-size",
            Resource::Fsize,
            bounds.file_bytes,
            bounds.file_bytes,
        ),
        ("processes", Resource::Nproc, processes, processes),
        ("cpu", Resource::Cpu, bounds.cpu, hard),
        ("files", Resource::Nofile, bounds.files, bounds.files),
        ("memory", Resource::As, bounds.memory, bounds.memory),
    ];
    for (name, resource, soft, hard) in all {
        set(name, resource, soft, hard)?;
    }
    Ok(())
}

fn set(name: &str, resource: Resource, soft: Option<u64>, hard: Option<u64>) -> Result<(), String> {
    let (Some(soft), Some(hard)) = (soft, hard) else {
        return Ok(());
    };
    let most = rustix::process::getrlimit(resource).maximum;
    let within = |n: u64| most.map_or(n, |most| n.min(most));
    let limit = Rlimit {
        current: Some(within(soft)),
        maximum: Some(within(hard)),
    };
    setrlimit(resource, limit).map_err(|e| format!("the limit `{name}` cannot be set: {e}"))
}

fn become_user(login: &Login) -> io::Result<()> {
    use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
    let groups: Vec<Gid> = login.groups.iter().copied().map(Gid::from_raw).collect();
    let (uid, gid) = (Uid::from_raw(login.uid), Gid::from_raw(login.gid));
    setgroups(&groups)?;
    setresgid(gid, gid, gid)?;
    Ok(setresuid(uid, uid, uid)?)
}

/// Puts itself under `landlock`; answers how far the kernel enforces it.
fn confine(order: &Instruction, program: &Path) -> Result<String, String> {
    let abi = ABI::V5;
    let (look, all) = (AccessFs::from_read(abi), AccessFs::from_all(abi));
    let read = order.bounds.read.iter().chain(&order.look);
    let write = order.bounds.write.iter().chain(&order.own);
    let devices = ["/dev/null", "/dev/zero", "/dev/urandom"].map(PathBuf::from);
    let made = || -> Result<RestrictionStatus, RulesetError> {
        let mut rules = Ruleset::default().handle_access(all)?;
        if order.bounds.connect.is_some() {
            rules = rules.handle_access(AccessNet::ConnectTcp)?;
        }
        let mut rules = rules
            .create()?
            .add_rules(path_beneath_rules(read, look))?
            .add_rules(path_beneath_rules([program], look))?
            .add_rules(path_beneath_rules(write.chain(&devices), all))?;
        for port in order.bounds.connect.iter().flatten() {
            rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
        }
        rules.restrict_self()
    };
    let status = made().map_err(|e| e.to_string())?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => "FullyEnforced",
        RulesetStatus::PartiallyEnforced => "PartiallyEnforced",
        RulesetStatus::NotEnforced => "NotEnforced",
    }
    .to_owned())
}

fn in_words(order: &Instruction, fault: &io::Error) -> String {
    let (program, cwd) = (&order.argv[0], &order.cwd);
    match fault.kind() {
        io::ErrorKind::NotFound if !cwd.is_dir() => {
            format!(
                "its working folder {} is not a folder of this machine",
                cwd.display()
            )
        }
        io::ErrorKind::NotFound if Path::new(program).exists() => {
            format!("the interpreter that the first line of {program} names does not exist")
        }
        io::ErrorKind::NotFound => format!("{program} does not exist on this machine"),
        io::ErrorKind::PermissionDenied => {
            format!("{program} is not executable for the user it would run as")
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
