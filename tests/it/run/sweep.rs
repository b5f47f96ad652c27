//! At most once, and the truth afterwards: starts that race, shims and machines that die at any point.
//!
//! The counter in the outside world is a file the program appends a byte to. Whatever happens it
//! must never hold two, it must hold one when the run is told to have run, and none when it is told
//! not to have started.

use super::*;
use crate::process::until;
use serde_json::Value;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

/// A run that counts, and how often it did.
fn counting(scratch: &TempDir) -> (Spec, PathBuf) {
    let counter = scratch
        .path()
        .join(format!("counter-{}", fastrand::u64(..)));
    let text = format!("printf x >> {}; echo done", counter.display());
    (script(scratch, &text), counter)
}

fn count(counter: &Path) -> usize {
    std::fs::read(counter).map_or(0, |b| b.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_start_it_at_once_it_runs_once() {
    let scratch = TempDir::new().unwrap();
    for round in 0..5 {
        let (spec, counter) = counting(&scratch);
        let key = format!("fb-{round}");
        let starts = (0..8).map(|_| {
            let (executor, job) = (executor(&spec.data), job(&spec, &key));
            tokio::spawn(async move {
                let handle = started(&executor, &job).await;
                follow(&executor, &job, &handle).await.outcome
            })
        });
        for outcome in futures_util::future::join_all(starts).await {
            assert_eq!(outcome.unwrap(), Outcome::Succeeded { exit: 0 });
        }
        assert_eq!(count(&counter), 1);
    }
}

#[tokio::test]
async fn what_is_forbidden_never_starts_and_what_started_cannot_be_forbidden() {
    let scratch = TempDir::new().unwrap();
    let (spec, counter) = counting(&scratch);
    let (executor, job) = (executor(&spec.data), job(&spec, "fb-v"));
    assert!(matches!(
        executor.reconcile(&job, None).await,
        Found::Absent
    ));
    assert!(executor.forbid(&job).await);
    assert!(matches!(
        executor.reconcile(&job, None).await,
        Found::Absent
    ));
    let late = patient(Executor::start(&executor, &job)).await;
    assert!(matches!(late, Start::NotStarted { .. }), "{late:?}");
    assert_eq!(count(&counter), 0);
    let other = super::job(&spec, "fb-w");
    let handle = started(&executor, &other).await;
    assert!(!executor.forbid(&other).await);
    assert_eq!(executor.reconcile(&other, None).await, Found::Here(handle));
}

#[tokio::test]
async fn another_firebell_on_the_same_folder_finds_it_and_one_elsewhere_says_that_it_cannot() {
    let scratch = TempDir::new().unwrap();
    let (spec, _) = counting(&scratch);
    let job = job(&spec, "fb-x");
    let handle = started(&executor(&spec.data), &job).await;
    let next = executor(&spec.data);
    assert_eq!(
        next.reconcile(&job, None).await,
        Found::Here(handle.clone())
    );
    let ended = follow(&next, &job, &handle).await;
    assert_eq!(ended.outcome, Outcome::Succeeded { exit: 0 });
    assert_eq!(ended.output, "done\n");
    let elsewhere = executor(&scratch.path().join("another"));
    let found = elsewhere.reconcile(&job, Some(&handle)).await;
    assert!(matches!(found, Found::Unknowable { .. }), "{found:?}");
    let told = follow(&elsewhere, &job, &handle).await;
    assert!(matches!(told.outcome, Outcome::Unknown { .. }));
}

#[tokio::test]
async fn a_claim_without_a_result_and_without_a_shim_is_unknown() {
    let scratch = TempDir::new().unwrap();
    let (spec, _) = counting(&scratch);
    let (executor, job) = (executor(&spec.data), job(&spec, "fb-y"));
    let folder = spec.data.join("runs/fb-y");
    std::fs::create_dir_all(&folder).unwrap();
    let handle = Handle(format!("{}/fb-y", executor.node()));
    for claim in ["", "{\"pid\":1,\"born\":1,\"boot\":\"another\"}"] {
        std::fs::write(folder.join("claim"), claim).unwrap();
        assert_eq!(
            executor.reconcile(&job, None).await,
            Found::Here(handle.clone())
        );
        let Outcome::Unknown { why } = follow(&executor, &job, &handle).await.outcome else {
            panic!("it is known after all")
        };
        assert!(why.contains("this machine went down"), "{why}");
    }
}

/// Starts a shim of this spool by hand, with `strace` killing it at its n-th of some system calls; answers whether
/// it was killed. `all`: what it starts is watched too, and has ended when this returns.
fn shim_killed_at(
    (strace, calls, n): (&Path, &str, usize),
    all: bool,
    spool: &Path,
    order: &str,
) -> bool {
    let mut shim = Command::new(strace)
        .args(["-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:signal=KILL:when={n}")])
        .args(all.then_some("-f"))
        .arg(env!("CARGO_BIN_EXE_firebell"))
        .arg("__run")
        .arg(spool)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It may have been killed before it reads.
    let _ = shim.stdin.take().unwrap().write_all(order.as_bytes());
    let status = shim.wait().unwrap();
    let killed = status.signal() == Some(9);
    assert!(killed || status.success(), "strace: {status}");
    killed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launcher_that_was_told_and_not_let_go_does_nothing() {
    let Some(strace) = crate::tools::need("strace") else {
        return;
    };
    let scratch = TempDir::new().unwrap();
    let (spec, counter) = counting(&scratch);
    let (executor, job) = (executor(&spec.data), job(&spec, "fb-z"));
    let order = executor.written(&job).unwrap();
    // Two syncs make the folder that waits; at the third, of the claim, the launcher has been told.
    let (spool, at) = (spec.data.join("runs"), (&*strace, "fsync", 3));
    assert!(shim_killed_at(at, true, &spool, &order));
    let Found::Here(handle) = executor.reconcile(&job, None).await else {
        panic!("it had been claimed");
    };
    assert_eq!(count(&counter), 0);
    let told = follow(&executor, &job, &handle).await.outcome;
    assert!(matches!(told, Outcome::Unknown { .. }), "{told:?}");
}

/// Waits until so many folders wait for a run.
async fn claims(ready: &Path, n: usize) {
    let whole = |e: &std::fs::DirEntry| {
        let claim = std::fs::read_to_string(e.path().join("claim"));
        claim.is_ok_and(|c| c.ends_with('}'))
    };
    until("folders wait for a run", PATIENCE, async || {
        let entries = std::fs::read_dir(ready).into_iter().flatten().flatten();
        match entries.filter(whole).count() {
            seen if seen == n => Ok(()),
            seen => Err(seen),
        }
    })
    .await;
}

#[tokio::test]
async fn a_shim_whose_folder_was_taken_away_makes_another_one() {
    let scratch = TempDir::new().unwrap();
    let (spec, counter) = counting(&scratch);
    let (executor, job) = (executor(&spec.data), job(&spec, "fb-u"));
    let ready = spec.data.join("runs/ready");
    executor.warm_up();
    claims(&ready, 1).await;
    std::fs::rename(&ready, scratch.path().join("elsewhere")).unwrap();
    let handle = started(&executor, &job).await;
    let ended = follow(&executor, &job, &handle).await;
    assert_eq!(ended.outcome, Outcome::Succeeded { exit: 0 });
    assert_eq!(count(&counter), 1);
}

#[tokio::test]
async fn what_waited_with_a_shim_that_is_gone_is_cleared_and_what_waits_is_not() {
    let scratch = TempDir::new().unwrap();
    let (spec, counter) = counting(&scratch);
    let (executor, job) = (executor(&spec.data), job(&spec, "fb-t"));
    let left = spec.data.join("runs/ready/left");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(
        left.join("claim"),
        "{\"pid\":1,\"born\":1,\"boot\":\"another\"}",
    )
    .unwrap();
    executor.warm_up();
    claims(left.parent().unwrap(), 2).await;
    executor.clear(Duration::ZERO);
    assert!(!left.exists());
    claims(left.parent().unwrap(), 1).await;
    let handle = started(&executor, &job).await;
    follow(&executor, &job, &handle).await;
    assert_eq!(count(&counter), 1);
    executor.clear(Duration::ZERO);
    assert_eq!(executor.reconcile(&job, None).await, Found::Absent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shim_killed_at_any_system_call_leaves_the_truth_or_unknown() {
    let Some(strace) = crate::tools::need("strace") else {
        return;
    };
    let scratch = TempDir::new().unwrap();
    let (mut unknown, mut known, mut never) = (0, 0, 0);
    // What it does to the disk and to processes, in the order it does it.
    for calls in [
        "openat",
        "write",
        "fsync",
        "mkdir",
        "clone,clone3,vfork",
        "rename",
        "waitid",
    ] {
        for n in (1..).map(|n: usize| n * n.div_ceil(4)) {
            let (spec, counter) = counting(&scratch);
            let key = format!("fb-{}-{n}", calls.replace(',', "-"));
            let (executor, job) = (executor(&spec.data), job(&spec, &key));
            let order = executor.written(&job).unwrap();
            let killed =
                shim_killed_at((&strace, calls, n), false, &spec.data.join("runs"), &order);
            let handle = Handle(format!("{}/{key}", executor.node()));
            let told = match executor.reconcile(&job, None).await {
                Found::Absent => {
                    // Proof enough to start it again, although it is not idempotent.
                    assert_eq!(count(&counter), 0, "{calls} {n}");
                    let handle = started(&executor, &job).await;
                    never += 1;
                    follow(&executor, &job, &handle).await.outcome
                }
                Found::Here(found) => {
                    assert_eq!(found, handle);
                    follow(&executor, &job, &handle).await.outcome
                }
                other => panic!("{calls} {n}: {other:?}"),
            };
            // A shim that was killed leaves its program to end by itself.
            match told {
                Outcome::Succeeded { exit: 0 } => {
                    known += 1;
                    assert_eq!(count(&counter), 1, "{calls} {n}");
                }
                Outcome::Unknown { .. } => {
                    unknown += 1;
                    assert!(killed, "{calls} {n}");
                    assert!(count(&counter) <= 1, "{calls} {n}");
                }
                other => panic!("{calls} {n}: {other:?}"),
            }
            if !killed {
                break;
            }
        }
    }
    println!("known {known}, unknown {unknown}, started again {never}");
    assert!(
        known > 5 && unknown > 5 && never > 5,
        "{known} {unknown} {never}"
    );
}

/// A shim that waits for its order, started by hand, and its launcher, which `strace` kills at its n-th system call
/// from now on.
async fn launcher_killed_at(strace: &Path, n: usize, spool: &Path) -> (Child, Child) {
    let shim = Command::new(env!("CARGO_BIN_EXE_firebell"))
        .arg("__run")
        .arg(spool)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    claims(&spool.join("ready"), 1).await;
    let children = format!("/proc/{0}/task/{0}/children", shim.id());
    let child = || std::fs::read_to_string(&children).unwrap_or_default();
    until("the launcher is itself", PATIENCE, async || {
        let own = std::fs::read_to_string(format!("/proc/{}/cmdline", child().trim()));
        match own {
            Ok(own) if own.contains("__exec") => Ok(()),
            other => Err(other),
        }
    })
    .await;
    let launcher = child().trim().to_owned();
    let mut killer = Command::new(strace)
        .args(["-q", "-p", &launcher, "-o"])
        .arg(spool.join("log"))
        .args(["-e", "trace=all"])
        .args(["-e", &format!("inject=all:signal=KILL:when={n}")])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{launcher}/status");
    until("strace watches", PATIENCE, async || {
        // The read it waits in counts: at the first it is killed at once.
        if killer.try_wait().unwrap().is_some() {
            return Ok(());
        }
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        match status.lines().find(|l| l.starts_with("TracerPid:")) {
            Some(line) if !line.ends_with("\t0") => Ok(()),
            other => Err(other.map(str::to_owned)),
        }
    })
    .await;
    (shim, killer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launcher_killed_at_any_system_call_loses_no_program_and_starts_none_twice() {
    let Some(strace) = crate::tools::need("strace") else {
        return;
    };
    let scratch = TempDir::new().unwrap();
    let (mut never, mut after, mut sound) = (0, 0, 0);
    for n in 1.. {
        let (spec, counter) = counting(&scratch);
        let (spool, key) = (spec.data.join("runs"), format!("fb-l{n}"));
        let (executor, job) = (executor(&spec.data), job(&spec, &key));
        let order = executor.written(&job).unwrap();
        let (mut shim, mut killer) = launcher_killed_at(&strace, n, &spool).await;
        (shim.stdin.take().unwrap())
            .write_all(format!("{order}\n").as_bytes())
            .unwrap();
        shim.wait().unwrap();
        killer.wait().unwrap();
        let log = std::fs::read_to_string(spool.join("log")).unwrap();
        let killed = log.contains("killed by SIGKILL");
        let verdict = std::fs::read_to_string(spool.join(key).join("result.json")).unwrap();
        let verdict: Value = serde_json::from_str(&verdict).unwrap();
        match (&verdict["refused"], &verdict["exit"]) {
            (Value::String(why), _) => {
                let honest = ["before the program began", "cannot be told"];
                assert!(killed && honest.iter().any(|h| why.contains(h)), "{why}");
                assert_eq!(count(&counter), 0, "{n}");
                never += 1;
            }
            (_, exit) => {
                // It had begun: it is followed to its end like any other.
                assert_eq!(
                    (exit.as_i64(), count(&counter)),
                    (Some(0), 1),
                    "{n}: {verdict}"
                );
                if killed { after += 1 } else { sound += 1 }
            }
        }
        if !killed {
            break;
        }
    }
    assert!(
        never > 1 && after > 3 && sound == 1,
        "{never} {after} {sound}"
    );
}
