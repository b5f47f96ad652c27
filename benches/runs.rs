//! From a button to its program: `cargo bench --bench runs`.
//!
//! Each round confirms a run and measures until its program has done its first act, which is to make a
//! file; then the same program is started bare, measured the same way, so that the ratio is of one machine
//! in one minute. Everything is on: the journal's commit (`synchronous=FULL`), the claim on the disk, the shim.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use anyhow::Context;
use firebell::core::directory::{Action, Directory, Limits};
use firebell::core::id::{Actor, IncidentId, RunId, Severity};
use firebell::core::incident::{Ask, Command, OpenAs, Origin};
use firebell::engine::{Clock, Engine, Options};
use firebell::metrics::Metrics;
use firebell::run::Executors;
use firebell::store::Store;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Firebell's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: i64 = 200;
/// Before each measurement: the shim for a run has long been waiting by then, and what came before it has ended.
const REST: Duration = Duration::from_millis(60);
/// Between two looks for the program's file.
const LOOK: Duration = Duration::from_micros(50);

/// Waits in a thread until the program has made its file; the instant it was seen. Looking costs the same
/// for both.
#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own that only looks"
)]
fn made(file: PathBuf) -> std::thread::JoinHandle<std::io::Result<Instant>> {
    std::thread::spawn(move || {
        while !file.exists() {
            std::thread::sleep(LOOK);
        }
        let at = Instant::now();
        std::fs::remove_file(file)?;
        Ok(at)
    })
}

fn joined(waiter: std::thread::JoinHandle<std::io::Result<Instant>>) -> anyhow::Result<Instant> {
    let at = waiter
        .join()
        .map_err(|_| anyhow::anyhow!("the waiting thread died"))?;
    Ok(at?)
}

fn median(mut all: Vec<Duration>) -> (f64, f64) {
    all.sort_unstable();
    let ms = |d: Duration| d.as_secs_f64() * 1000.0;
    (ms(all[all.len() / 2]), ms(all[all.len() * 95 / 100]))
}

fn argv(file: &Path) -> Vec<String> {
    ["/bin/cp", "/dev/null"]
        .iter()
        .map(|s| (*s).to_owned())
        .chain([file.display().to_string()])
        .collect()
}

async fn press(
    engine: &Engine,
    id: IncidentId,
    run: i64,
    action: &Arc<Action>,
    file: &Path,
) -> anyhow::Result<Duration> {
    let by = Actor::Person {
        id: "ana".to_owned(),
        name: "Ana".to_owned(),
    };
    let run = RunId(run);
    let ask = Command::AskRun {
        by: by.clone(),
        run,
        action: action.clone(),
        args: BTreeMap::new(),
        ask: Ask::default(),
    };
    engine.submit(&format!("ask:{run}"), id, ask).await?;
    tokio::time::sleep(REST).await;
    let waiter = made(file.to_owned());
    let begun = Instant::now();
    engine
        .submit(&format!("press:{run}"), id, Command::ApproveRun { by, run })
        .await?;
    let at = tokio::task::spawn_blocking(move || joined(waiter)).await??;
    Ok(at - begun)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("mark");
    let firebell = env!("CARGO_BIN_EXE_firebell").into();
    let executors = Executors::here(folder.path(), Some(firebell))?;
    executors.ready();
    let program = argv(&file);
    let borrowed: Vec<&str> = program.iter().map(String::as_str).collect();
    let plain = Arc::new(Action::of_program("plain", &borrowed));
    let bound = Arc::new(Action {
        limits: Limits {
            memory_bytes: Some(1 << 30),
            cpu_secs: Some(30),
            files: Some(256),
            ..Limits::default()
        },
        ..Action::of_program("bound", &borrowed)
    });
    let mut directory = Directory::default();
    for action in [&plain, &bound] {
        directory.actions.insert(action.id.clone(), action.clone());
    }
    directory.people.insert("ana".to_owned(), firebell_person());
    let options = Options {
        clock: Clock::Real,
        executors,
        public_url: "http://firebell.test".to_owned(),
        metrics: Arc::new(Metrics::new()),
    };
    let url = format!("sqlite://{}", folder.path().join("bench.db").display());
    let engine = Engine::start(Store::open(&url).await?, directory, options).await?;
    engine.deliver_through(Vec::new());
    let declared = OpenAs {
        origin: Origin::Declared {
            by: Actor::Firebell,
        },
        title: "bench".to_owned(),
        severity: Severity(0),
        major_at: Severity(0),
        major: false,
        service: None,
        team: None,
        channel: None,
        group_key: "bench".to_owned(),
        labels: BTreeMap::new(),
        auto_resolve: false,
        auto_resolve_after_ms: None,
        hold_while_firing: false,
        ladder: None,
        turn: 0,
        group_wait_ms: 0,
        why: Vec::new(),
        alerts: Vec::new(),
        nature: firebell::core::incident::Nature::default(),
        said: Vec::new(),
        auto: Vec::new(),
    };
    let id = engine.open("open", declared).await?.incident;
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for round in 0..ROUNDS {
        tokio::time::sleep(REST).await;
        let waiter = made(file.clone());
        let begun = Instant::now();
        let mut child = std::process::Command::new(&program[0])
            .args(&program[1..])
            .spawn()
            .context("the bare program")?;
        times
            .entry("bare spawn")
            .or_default()
            .push(joined(waiter)? - begun);
        child.wait()?;
        for (n, (name, action)) in [
            (1, ("button", &plain)),
            (2, ("button, with limits", &bound)),
        ] {
            let took = press(&engine, id, round * 2 + n, action, &file).await?;
            times.entry(name).or_default().push(took);
        }
    }
    let (bare, _) = median(times["bare spawn"].clone());
    for (name, all) in times {
        let (p50, p95) = median(all);
        println!(
            "{name}: p50 {p50:.2} ms, p95 {p95:.2} ms, {:.1}x a bare spawn",
            p50 / bare
        );
    }
    engine.stop().await;
    Ok(())
}

fn firebell_person() -> firebell::core::directory::Person {
    firebell::core::directory::Person {
        id: "ana".to_owned(),
        name: "Ana".to_owned(),
        zone: chrono_tz::Tz::UTC,
        email: None,
        identities: BTreeMap::new(),
        roles: Vec::new(),
        contacts: Vec::new(),
        waking: firebell::core::directory::Waking::default(),
    }
}
