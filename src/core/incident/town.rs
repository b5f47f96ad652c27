//! Several incidents under one set of brakes, as the desk holds them: keys, lines, what starts by
//! itself. First by hand, one sentence each; then at random, with the promises checked at each step.

mod by_itself;
mod random;

use super::tests::{NOON, alert, ana, directory, ladder, open_as, person};
use super::*;
use crate::core::brakes::{Brakes, Hold, Latch, Switches};
use crate::core::directory::{Action, ActionClass, Directory, Lock};
use std::sync::Arc;

/// Incidents, their journals, and what all of them hold.
struct Town {
    directory: Directory,
    now: Time,
    incidents: BTreeMap<IncidentId, Incident>,
    journals: BTreeMap<IncidentId, Vec<Record>>,
    brakes: Brakes,
    /// As the store would have them.
    rows: BTreeMap<RunId, Latch>,
    runs: i64,
}

fn restart(keys: &[&str]) -> Action {
    Action {
        class: ActionClass::Remediation,
        idempotent: true,
        reversible: true,
        lock: Lock {
            keys: keys.iter().map(|k| (*k).to_owned()).collect(),
            ..Lock::default()
        },
        ..Action::of_program("restart", &["/bin/true"])
    }
}

impl Town {
    fn with(actions: Vec<Action>) -> Town {
        let mut directory = directory();
        for action in actions {
            directory
                .actions
                .insert(action.id.clone(), Arc::new(action));
        }
        Town {
            directory,
            now: NOON,
            incidents: BTreeMap::new(),
            journals: BTreeMap::new(),
            brakes: Brakes::default(),
            rows: BTreeMap::new(),
            runs: 0,
        }
    }

    fn try_tell(&mut self, id: i64, command: Command) -> Result<Vec<Event>, Refusal> {
        let id = IncidentId(id);
        let incident = self
            .incidents
            .entry(id)
            .or_insert_with(|| Incident::new(id));
        let scene = Scene {
            now: self.now,
            directory: &self.directory,
            brakes: &self.brakes,
        };
        let events = decide(incident, &scene, command)?;
        for event in &events {
            let record = Record {
                seq: incident.seq + 1,
                at: self.now,
                cause: "town".to_owned(),
                event: event.clone(),
            };
            evolve(incident, &record);
            let moved = self.brakes.evolve(incident, &record);
            if let Some(run) = moved.latch {
                self.rows
                    .insert(run, self.brakes.latch(run).unwrap().clone());
            }
            self.journals.entry(id).or_default().push(record);
        }
        self.pump();
        Ok(events)
    }

    fn tell(&mut self, id: i64, command: Command) -> Vec<&'static str> {
        let events = self.try_tell(id, command).unwrap();
        events.iter().map(Event::kind).collect()
    }

    /// As the desk does it.
    fn pump(&mut self) {
        for run in self.brakes.sweep(self.now) {
            self.rows
                .insert(run, self.brakes.latch(run).unwrap().clone());
        }
        if let Some((id, run)) = self.brakes.ready(self.now).first().copied() {
            self.try_tell(id.0, Command::ReleaseRun { run })
                .expect("who is first in line and finds the key free goes");
        }
    }

    fn open(&mut self, id: i64) {
        let targets = [person("ana"), person("bo")];
        let open = open_as(Some(ladder(&targets, 0)));
        self.tell(id, Command::Open(Box::new(open)));
    }

    /// Asks for a run and confirms it.
    fn run(&mut self, id: i64, action: &str) -> Result<RunId, Refusal> {
        self.runs += 1;
        let run = RunId(self.runs);
        let ask = Command::AskRun {
            by: ana(),
            run,
            action: self.directory.actions[action].clone(),
            args: BTreeMap::new(),
            ask: Ask::default(),
        };
        self.try_tell(id, ask)?;
        self.try_tell(id, Command::ApproveRun { by: ana(), run })?;
        Ok(run)
    }

    fn end(&mut self, id: i64, run: RunId, outcome: Outcome) {
        let ended = Command::RunEnded {
            run,
            outcome,
            duration_ms: 1,
            bytes: 0,
            tail: String::new(),
            notes: Vec::new(),
        };
        self.tell(id, ended);
    }

    fn state(&self, run: RunId) -> RunState {
        let all = self.incidents.values();
        let mut found = all.filter_map(|i| i.runs.get(&run));
        found.next().unwrap().state.clone()
    }

    fn wait_ms(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.pump();
    }

    /// Puts due time to every incident.
    fn wake(&mut self) {
        let due = |i: &Incident| wake_at(i).is_some_and(|t| t <= self.now);
        let ids: Vec<i64> = self
            .incidents
            .values()
            .filter(|i| due(i))
            .map(|i| i.id.0)
            .collect();
        for id in ids {
            let _ = self.try_tell(id, Command::Wake);
        }
    }

    fn kinds(&self, id: i64) -> Vec<&'static str> {
        self.journals[&IncidentId(id)]
            .iter()
            .map(|r| r.event.kind())
            .collect()
    }

    /// The process dies: what it knows is what was written.
    fn restart(&mut self) {
        let since = self.now.plus_ms(-crate::core::brakes::HOUR_MS);
        let kept = |l: &&Latch| l.state != Hold::Free || l.released.unwrap_or(l.since) >= since;
        let rows = self.rows.values().filter(kept).cloned().collect();
        let open = self.incidents.values().filter(|i| i.is_open()).count();
        let switches = Switches::clone(&self.brakes.switches);
        self.brakes = Brakes::of(rows, switches, open);
    }
}

fn good() -> Outcome {
    Outcome::Succeeded { exit: 0 }
}

fn lost() -> Outcome {
    Outcome::Unknown {
        why: "lost".to_owned(),
    }
}

#[test]
fn a_key_that_is_held_is_refused_with_its_holder_across_incidents() {
    let mut t = Town::with(vec![restart(&["host:web-1"])]);
    (1..3).for_each(|id| t.open(id));
    let first = t.run(1, "restart").unwrap();
    let Err(Refusal::Busy { why, incident }) = t.run(2, "restart") else {
        panic!("two runs hold one key");
    };
    assert_eq!(incident, IncidentId(1));
    assert!(
        why.contains("`host:web-1` is held by run-1 (“restart” on #1)"),
        "{why}"
    );
    t.end(1, first, good());
    assert!(t.run(2, "restart").is_ok());
}

#[test]
fn who_waits_goes_when_the_key_comes_free_first_come_first_served() {
    let mut action = restart(&["host:web-1"]);
    action.lock.wait_ms = 60_000;
    let mut t = Town::with(vec![action]);
    (1..4).for_each(|id| t.open(id));
    let runs: Vec<RunId> = (1..4)
        .map(|id| {
            t.wait_ms(1);
            t.run(id, "restart").unwrap()
        })
        .collect();
    assert!(matches!(t.state(runs[1]), RunState::Queued { .. }));
    t.end(1, runs[0], good());
    assert_eq!(t.state(runs[1]), RunState::Released);
    assert!(matches!(t.state(runs[2]), RunState::Queued { .. }));
    t.end(2, runs[1], good());
    assert_eq!(t.state(runs[2]), RunState::Released);
}

#[test]
fn a_wait_that_is_over_is_refused_in_words_that_name_the_holder() {
    let mut action = restart(&["host:web-1"]);
    action.lock.wait_ms = 60_000;
    let mut t = Town::with(vec![action]);
    (1..3).for_each(|id| t.open(id));
    t.run(1, "restart").unwrap();
    let second = t.run(2, "restart").unwrap();
    t.wait_ms(60_000);
    t.wake();
    let RunState::Ended(Outcome::NotStarted { why }) = t.state(second) else {
        panic!("it still waits");
    };
    assert!(
        why.starts_with("it waited 1m, and `host:web-1` is held by run-1"),
        "{why}"
    );
}

#[test]
fn an_unknown_outcome_keeps_its_key_until_it_is_settled_or_its_time_is_over() {
    for ttl in [0, 600_000] {
        let mut action = restart(&["host:web-1"]);
        action.lock.unknown_ttl_ms = ttl;
        let mut t = Town::with(vec![action]);
        (1..3).for_each(|id| t.open(id));
        let run = t.run(1, "restart").unwrap();
        t.end(1, run, lost());
        let Err(Refusal::Busy { why, .. }) = t.run(2, "restart") else {
            panic!("the key of a run nobody knows the end of is free");
        };
        assert!(why.contains("settle that run first"), "{why}");
        t.wait_ms(600_000);
        if ttl == 0 {
            assert!(t.run(2, "restart").is_err());
            let settled = Command::SettleRun {
                by: ana(),
                run,
                good: true,
                note: String::new(),
            };
            t.tell(1, settled);
        }
        assert!(t.run(2, "restart").is_ok(), "{ttl}");
    }
}

#[test]
fn a_key_rests_after_a_run_that_started_and_not_after_one_that_did_not() {
    let mut action = restart(&["host:web-1"]);
    action.lock.cooldown_ms = 60_000;
    let mut t = Town::with(vec![action]);
    t.open(1);
    let run = t.run(1, "restart").unwrap();
    let why = "gone".to_owned();
    t.end(1, run, Outcome::NotStarted { why });
    let run = t.run(1, "restart").unwrap();
    t.end(1, run, good());
    let Err(Refusal::Busy { why, .. }) = t.run(1, "restart") else {
        panic!("it does not rest");
    };
    assert!(why.contains("rests until 12:01 UTC"), "{why}");
    t.wait_ms(60_000);
    assert!(t.run(1, "restart").is_ok());
}

#[test]
fn an_incident_that_is_over_keeps_the_keys_of_what_still_runs_and_starts_nothing_more() {
    let mut action = restart(&["host:web-1"]);
    action.lock.wait_ms = 60_000;
    let mut t = Town::with(vec![action]);
    (1..4).for_each(|id| t.open(id));
    let runs: Vec<RunId> = (1..4).map(|id| t.run(id, "restart").unwrap()).collect();
    t.tell(1, Command::Resolve { by: ana() });
    assert_eq!(t.state(runs[0]), RunState::Released, "it runs on");
    let merge = Command::Merge {
        by: ana(),
        into: IncidentId(3),
        title: "the same".to_owned(),
    };
    t.tell(2, merge);
    assert!(matches!(
        t.state(runs[1]),
        RunState::Ended(Outcome::NotStarted { .. })
    ));
    assert!(
        matches!(t.state(runs[2]), RunState::Queued { .. }),
        "the key is still held"
    );
    t.end(1, runs[0], good());
    assert_eq!(t.state(runs[2]), RunState::Released);
}

#[test]
fn several_keys_are_taken_all_or_none_so_nobody_waits_in_a_circle() {
    let action = |id: &str, keys: &[&str]| {
        let mut a = restart(keys);
        (a.id, a.lock.wait_ms) = (id.to_owned(), 600_000);
        a
    };
    let mut t = Town::with(vec![
        action("ab", &["a", "b"]),
        action("ba", &["b", "a"]),
        action("b", &["b"]),
    ]);
    (1..4).for_each(|id| t.open(id));
    let first = t.run(1, "b").unwrap();
    let (second, third) = (t.run(2, "ab").unwrap(), t.run(3, "ba").unwrap());
    assert!(
        t.brakes
            .live()
            .all(|l| l.run == first || matches!(l.state, Hold::Waiting { .. }))
    );
    t.end(1, first, good());
    assert_eq!(t.state(second), RunState::Released);
    t.end(2, second, good());
    assert_eq!(t.state(third), RunState::Released);
}

#[test]
fn a_file_says_how_often_in_an_incident_and_in_an_hour() {
    let mut action = restart(&[]);
    (action.lock.max_per_incident, action.lock.max_per_hour) = (Some(2), Some(3));
    let mut t = Town::with(vec![action]);
    (1..3).for_each(|id| t.open(id));
    for _ in 0..2 {
        let run = t.run(1, "restart").unwrap();
        t.end(1, run, good());
    }
    let why = t.run(1, "restart").unwrap_err().to_string();
    assert!(why.contains("ran 2 times in this incident"), "{why}");
    t.run(2, "restart").unwrap();
    t.restart();
    let why = t.run(2, "restart").unwrap_err().to_string();
    assert!(why.contains("ran 3 times within the last hour"), "{why}");
    t.wait_ms(crate::core::brakes::HOUR_MS);
    assert!(t.run(2, "restart").is_ok());
}
