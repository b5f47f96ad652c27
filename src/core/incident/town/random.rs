//! Random lives of several incidents under one set of brakes.

use super::by_itself::letting;
use super::*;
use crate::core::directory::{Auto, AutoLevel};

/// No two runs hold one key; the rows tell what the memory knows; and whoever waits for a run is
/// paged or sees it clear.
fn check(t: &Town, seed: u64) {
    let holds = |l: &&Latch| match l.state {
        Hold::Held => true,
        Hold::Unknown { until } => until.is_none_or(|u| u > t.now),
        _ => false,
    };
    let mut held = BTreeSet::new();
    for latch in t.brakes.live().filter(holds) {
        for key in &latch.keys {
            assert!(held.insert(key.clone()), "seed {seed}: {key} is held twice");
        }
    }
    for incident in t.incidents.values() {
        let waits = incident.status == Status::Triggered && incident.muted.is_none();
        let Some(held) = incident.held.filter(|_| waits) else {
            continue;
        };
        let due = wake_at(incident).unwrap();
        assert!(
            due <= held.until,
            "seed {seed}: {} waits beyond its deadline",
            incident.id
        );
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one arm for each thing that may happen"
)]
fn random(seed: u64) -> (usize, usize) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut actions = Vec::new();
    for (n, keys) in [&["a"][..], &["b"], &["a", "b"], &["b", "a"], &["c", "a"]]
        .iter()
        .enumerate()
    {
        let mut action = restart(keys);
        action.id = format!("act-{n}");
        action.lock.wait_ms = rng.i64(0..3) * 60_000;
        action.lock.cooldown_ms = rng.i64(0..3) * 30_000;
        action.lock.unknown_ttl_ms = rng.i64(0..3) * 60_000;
        if n < 2 {
            action.auto = Auto {
                level: AutoLevel::BeforePage,
                delay_ms: rng.i64(0..2) * 30_000,
                clear_within_ms: rng.i64(1..300_000),
                ..Auto::default()
            };
        }
        actions.push(action);
    }
    let mut t = Town::with(actions);
    t.directory.permits = letting();
    (1..=4).for_each(|id| {
        t.runs += 10;
        let mut open = open_as(Some(ladder(&[person("ana")], 0)));
        open.alerts = vec![alert(id)];
        let wanted = t
            .directory
            .actions
            .values()
            .take(1 + rng.usize(0..2))
            .cloned();
        open.auto = (t.runs..).map(RunId).zip(wanted).collect();
        t.tell(id, Command::Open(Box::new(open)));
        check(&t, seed);
    });
    t.runs += 10;
    let (mut releases, mut waits) = (0, 0);
    for _ in 0..80 {
        let id = rng.i64(1..=4);
        let all: Vec<RunId> = t.incidents[&IncidentId(id)].runs.keys().copied().collect();
        let run = rng.choice(all).unwrap_or(RunId(0));
        match rng.u8(0..12) {
            0..=3 => {
                let action = format!("act-{}", rng.u8(0..5));
                let _ = t.run(id, &action);
            }
            4 | 5 => {
                let outcome =
                    [good(), lost(), Outcome::Failed { exit: 1 }][rng.usize(0..3)].clone();
                let ended = Command::RunEnded {
                    run,
                    outcome,
                    duration_ms: 1,
                    bytes: 0,
                    tail: String::new(),
                    notes: Vec::new(),
                };
                let _ = t.try_tell(id, ended);
            }
            6 => {
                let _ = t.try_tell(
                    id,
                    Command::SettleRun {
                        by: ana(),
                        run,
                        good: rng.bool(),
                        note: String::new(),
                    },
                );
            }
            7 => {
                let _ = t.try_tell(id, Command::RejectRun { by: ana(), run });
            }
            8 => {
                t.restart();
            }
            9 if rng.u8(0..6) == 0 => {
                let _ = t.try_tell(id, Command::Resolve { by: ana() });
            }
            _ => {
                t.wait_ms(rng.i64(0..90_000));
                t.wake();
            }
        }
        releases = t
            .journals
            .values()
            .flatten()
            .filter(|r| r.event.kind() == "run_released")
            .count();
        waits = t
            .journals
            .values()
            .flatten()
            .filter(|r| r.event.kind() == "run_queued")
            .count();
        check(&t, seed);
    }
    // Left alone, everybody who was waited for is paged.
    for _ in 0..50 {
        let due = t.incidents.values().filter_map(wake_at).min();
        let Some(due) = due.filter(|d| *d < NOON.plus_secs(86_400)) else {
            break;
        };
        t.now = t.now.max(due);
        t.pump();
        t.wake();
        check(&t, seed);
    }
    for (id, journal) in &t.journals {
        let held = journal
            .iter()
            .any(|r| matches!(r.event, Event::RunArmed { hold: Some(_), .. }));
        let answered = journal.iter().any(|r| {
            matches!(
                r.event,
                Event::Paged { .. } | Event::CatchAll { .. } | Event::Resolved { .. }
            )
        });
        assert!(
            !held || answered,
            "seed {seed}: {id} waited for a run and nobody was paged"
        );
    }
    (releases, waits)
}

#[test]
fn no_key_is_held_twice_and_no_page_is_skipped_over_random_lives_of_several_incidents() {
    let one = std::env::var("FIREBELL_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let first = one.unwrap_or_else(|| fastrand::u64(..u64::MAX - 1000));
    let (mut releases, mut waits) = (0, 0);
    for seed in first..first + one.map_or(500, |_| 1) {
        let lived = std::panic::catch_unwind(|| random(seed));
        match lived {
            Ok((r, w)) => (releases, waits) = (releases + r, waits + w),
            Err(panic) => {
                eprintln!("a town with FIREBELL_SEED={seed} failed");
                std::panic::resume_unwind(panic);
            }
        }
    }
    assert!(
        one.is_some() || releases > 1000 && waits > 200,
        "{releases} releases, {waits} waits"
    );
}
