//! Random lives: thousands of incidents lived with random commands and a random clock, with the
//! invariants of ARCHITECTURE.md checked after every step. A failing life prints its seed;
//! `FIREBELL_SEED=n cargo test lives` lives that one again.

mod cast;
mod leading;

use super::tests::{NOON, alert, directory, ladder, open_as};
use super::*;
use crate::core::brakes::Brakes;
use crate::core::directory::{Action, ActionClass, Approval, Directory, Policy, Target};
use crate::core::verdict;
use std::sync::Arc;

const LIVES: u64 = 2000;
const STEPS: usize = 60;

struct Life {
    rng: fastrand::Rng,
    directory: Directory,
    now: Time,
    incident: Incident,
    journal: Vec<Record>,
    /// Somebody has it: no page may leave by itself.
    peace: bool,
    released: BTreeMap<RunId, u32>,
    refusals: usize,
    brakes: Brakes,
}

fn actor(n: usize) -> Actor {
    let (id, name) = [("ana", "Ana"), ("bo", "Bo"), ("cy", "Cy")][n % 3];
    Actor::Person {
        id: id.to_owned(),
        name: name.to_owned(),
    }
}

fn action(approvals: u8) -> Action {
    Action {
        class: ActionClass::Remediation,
        approval: Approval {
            request_ttl_ms: 600_000,
            break_glass: Some(crate::core::directory::BreakGlass {
                roles: vec!["responder".to_owned()],
                min_severity: Some(Severity(1)),
                notify: vec!["security".to_owned()],
            }),
            ..Approval::by_others(approvals)
        },
        roles: vec!["responder".to_owned()],
        digest: format!("digest-{approvals}"),
        ..Action::of_program(&format!("act-{approvals}"), &["/bin/true"])
    }
}

impl Life {
    fn new(seed: u64) -> Life {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut directory = directory();
        for approvals in 0..3 {
            directory
                .actions
                .insert(format!("act-{approvals}"), Arc::new(action(approvals)));
        }
        cast::equip(&mut rng, &mut directory);
        let policy = Policy {
            id: "p".to_owned(),
            rungs: ladder(&[Target::Person("bo".to_owned())], 0).rungs,
            repeat: 1,
            remind_secs: Some(600),
            rest_until: None,
        };
        directory.policies.insert(policy.id.clone(), policy);
        if rng.u8(0..3) == 0 {
            let told = (0..rng.u8(1..9)).map(|n| cast::change(&mut rng, n));
            directory.changes = Arc::new(told.collect::<Vec<_>>().into_iter().collect());
        }
        if rng.u8(0..10) == 0 {
            directory.catch_all = vec![Target::Person("cy".to_owned())];
        }
        Life {
            rng,
            directory,
            now: NOON,
            incident: Incident::new(IncidentId(7)),
            journal: Vec::new(),
            peace: false,
            released: BTreeMap::new(),
            refusals: 0,
            brakes: Brakes::default(),
        }
    }

    fn target(&mut self) -> Target {
        match self.rng.u8(0..8) {
            6 => Target::RoundRobin("web".to_owned()),
            7 => Target::Channel("alerts".to_owned()),
            0 => Target::Person("ana".to_owned()),
            1 => Target::Person("cy".to_owned()),
            2 => Target::Schedule("web".to_owned()),
            3 => Target::Team("nobody".to_owned()),
            4 => Target::Team("web".to_owned()),
            _ => Target::Schedule("gone".to_owned()),
        }
    }

    fn open(&mut self) -> Command {
        let n = self.rng.usize(0..4);
        let targets: Vec<Target> = (0..n).map(|_| self.target()).collect();
        let mut ladder = (self.rng.u8(0..8) > 0).then(|| ladder(&targets, self.rng.u8(0..3)));
        if let Some(ladder) = &mut ladder {
            ladder.remind_secs = self.rng.bool().then(|| self.rng.u64(60..900));
            for rung in &mut ladder.rungs {
                rung.acks = self.rng.u8(0..4);
            }
        }
        let declared = ladder.is_none() || self.rng.u8(0..4) == 0;
        let mut open = open_as(ladder);
        if declared {
            open.origin = Origin::Declared { by: actor(0) };
            open.alerts.clear();
        }
        open.severity = Severity(self.rng.u8(0..3));
        if !declared && self.rng.bool() {
            open.auto = vec![(RunId(1), self.directory.actions["auto"].clone())];
        }
        open.group_wait_ms = if self.rng.bool() { 0 } else { 30_000 };
        open.major = self.rng.bool();
        open.auto_resolve = self.rng.bool();
        open.auto_resolve_after_ms = (self.rng.u8(0..3) == 0).then(|| self.rng.i64(1..4_000_000));
        open.hold_while_firing = self.rng.bool();
        Command::Open(Box::new(open))
    }

    fn command(&mut self) -> Command {
        if self.incident.seq == 0 {
            return self.open();
        }
        let by = actor(self.rng.usize(0..3));
        let run = RunId(self.rng.i64(1..6));
        match self.rng.u8(0..37) {
            30..=36 => leading::command(&mut self.rng, self.now, by),
            29 if self.rng.bool() => Command::PolicyEdited,
            29 if self.rng.bool() => Command::LookBack,
            29 => Command::AdoptPolicy { by },
            0 => Command::Fire {
                alerts: vec![alert(self.rng.i64(1..9))],
                worst: Severity(self.rng.u8(0..3)),
            },
            1 | 2 => Command::Clear {
                alerts: vec![AlertId(self.rng.i64(1..9))],
                why: "cleared".to_owned(),
            },
            3..=6 => Command::Wake,
            7 => Command::Acknowledge { by },
            8 => Command::Snooze {
                by,
                until: self.now.plus_secs(self.rng.u64(0..4000)),
            },
            9 => {
                if self.rng.u8(0..4) == 0 {
                    Command::Resolve { by }
                } else {
                    Command::Promote { by }
                }
            }
            10 => Command::Escalate {
                by,
                as_of: Some(self.rng.u32(0..=self.incident.seq)),
            },
            11 => Command::Page {
                by,
                target: self.target(),
                message: "help".to_owned(),
            },
            12 => Command::SetSeverity {
                by,
                to: Severity(self.rng.u8(0..4)),
            },
            13 if self.rng.bool() => cast::shape(&mut self.rng, by),
            13 => Command::Lead {
                by: by.clone(),
                lead: by,
            },
            14 => Command::Note {
                by,
                text: "x".repeat(self.rng.usize(0..3)),
                happened_at: None,
            },
            15 => {
                let run = RunId(i64::try_from(self.incident.runs.len()).unwrap() + 1);
                let action = self.directory.actions[&format!("act-{}", self.rng.u8(0..3))].clone();
                Command::AskRun {
                    by,
                    run,
                    action,
                    args: BTreeMap::new(),
                    ask: Ask {
                        break_glass: self.rng.u8(0..4) == 0,
                        reason: self.rng.bool().then(|| "the disk is full".to_owned()),
                        ..Ask::default()
                    },
                }
            }
            16 => Command::ApproveRun { by, run },
            17 => self.presses(by, run),
            18 => {
                if self.rng.bool() {
                    Command::RejectRun { by, run }
                } else {
                    Command::RunStarted { run }
                }
            }
            24 => self.stops_or_settles(by, run),
            19 => {
                let outcome = if self.rng.bool() {
                    Outcome::Succeeded { exit: 0 }
                } else {
                    Outcome::Unknown {
                        why: "lost".to_owned(),
                    }
                };
                Command::RunEnded {
                    run,
                    outcome,
                    duration_ms: 1,
                    bytes: 0,
                    tail: String::new(),
                    notes: Vec::new(),
                }
            }
            20..=23 => self.changes_hands(by),
            25 => cast::tells(&mut self.rng, by, &self.incident),
            _ => self.brought_back(by),
        }
    }

    /// A button that was drawn for this run, for another state of it, or without a subject.
    fn presses(&mut self, by: Actor, run: RunId) -> Command {
        let found = self.incident.runs.get(&run);
        let subject = found.map_or_else(String::new, |r| r.terms.subject.clone());
        let seen = match self.rng.u8(0..4) {
            0 => None,
            1 => Some("0".repeat(16)),
            _ => Some(subject.chars().take(16).collect()),
        };
        Command::Through {
            door: "slack".to_owned(),
            seen,
            command: Box::new(Command::ApproveRun { by, run }),
        }
    }

    /// Roles and rules change while runs wait.
    fn changes_the_files(&mut self) {
        use crate::core::verdict::{Rule, Rules};
        let bo = self.directory.people.get_mut("bo");
        if let Some(bo) = bo.filter(|_| self.rng.u8(0..20) == 0) {
            bo.roles = if bo.roles.is_empty() {
                vec!["responder".to_owned()]
            } else {
                Vec::new()
            };
        }
        if self.rng.u8(0..40) == 0 {
            let mut rules = Rules::default();
            match self.rng.u8(0..4) {
                0 => rules.broken = Some("rules.toml:1: it is wrong".to_owned()),
                1 => rules.rules.push(Rule {
                    id: "no".to_owned(),
                    ..Rule::blank(false)
                }),
                _ => {}
            }
            self.directory.permits = Arc::new(rules);
        }
    }

    fn stops_or_settles(&mut self, by: Actor, run: RunId) -> Command {
        match self.rng.u8(0..5) {
            3 => Command::ReleaseRun { run },
            4 => Command::Disarm {
                action: None,
                why: "automation is off".to_owned(),
            },
            0 => Command::CancelRun { by, run },
            1 => Command::RunRehearsed {
                run,
                outcome: Outcome::Succeeded { exit: 0 },
                tail: String::new(),
                digest: "d".to_owned(),
            },
            _ => Command::SettleRun {
                by,
                run,
                good: self.rng.bool(),
                note: String::new(),
            },
        }
    }

    /// Silences, and verbs that give it to somebody else.
    fn changes_hands(&mut self, by: Actor) -> Command {
        match self.rng.u8(0..10) {
            0..=2 => Command::Mute {
                silence: format!("s{}", self.rng.u8(0..2)),
                words: "s (deploy)".to_owned(),
                until: self.now.plus_secs(self.rng.u64(0..2000)),
            },
            3 => Command::Unmute {
                why: "it ended".to_owned(),
            },
            4 | 5 => Command::Unacknowledge { by },
            6 => Command::Reopen { by },
            7 => Command::Reassign {
                by,
                target: self.target(),
            },
            8 => {
                let mut from = Incident::new(IncidentId(self.rng.i64(6..9)));
                from.firing.insert(AlertId(self.rng.i64(20..25)));
                (from.alerts, from.severity) = (1, Severity(self.rng.u8(0..3)));
                Command::Absorb {
                    by,
                    from: Box::new(from),
                }
            }
            _ if self.rng.u8(0..3) == 0 => Command::Merge {
                by,
                into: IncidentId(self.rng.i64(6..9)),
                title: "the same".to_owned(),
            },
            _ => Command::AsOf {
                seq: self.rng.u32(0..=self.incident.seq),
                command: Box::new(Command::Acknowledge { by }),
            },
        }
    }

    /// What adapters bring back.
    fn brought_back(&mut self, by: Actor) -> Command {
        let person = ["ana", "bo"][self.rng.usize(0..2)].to_owned();
        let contact = ["console", "phone"][self.rng.usize(0..2)].to_owned();
        match self.rng.u8(0..6) {
            5 => self.about_rooms(by),
            0 => Command::PageFailed {
                person,
                contact,
                why: "410".to_owned(),
            },
            1 => self.in_a_room(by),
            2 => Command::PlaceFailed {
                platform: "slack".to_owned(),
                place: [THE_ROOM, "#web"][self.rng.usize(0..2)].to_owned(),
                why: "archived".to_owned(),
            },
            3 => Command::RoomReady {
                platform: "slack".to_owned(),
                room: format!("C{}", self.rng.u8(0..3)),
                name: "inc-7".to_owned(),
            },
            _ => Command::PageDelivered {
                person,
                contact,
                attempts: 1,
                via: String::new(),
            },
        }
    }

    fn about_rooms(&mut self, by: Actor) -> Command {
        let (platform, message) = ("slack".to_owned(), format!("m{}", self.rng.u8(0..3)));
        Command::Talk(Box::new(cast::talk(
            &mut self.rng,
            by,
            (platform, message),
            self.now,
        )))
    }

    fn in_a_room(&mut self, by: Actor) -> Command {
        let (platform, message) = ("slack".to_owned(), format!("m{}", self.rng.u8(0..3)));
        match self.rng.u8(0..5) {
            0 => Command::Speak {
                by,
                text: "hello".to_owned(),
                platform,
                message,
                answers: None,
            },
            1 => Command::Reword {
                by,
                text: "hello there".to_owned(),
                platform,
                message,
            },
            2 => Command::Unsay {
                by,
                platform,
                message,
            },
            3 => Command::Join { by, platform },
            _ => Command::Leave { by, platform },
        }
    }

    fn pass_time(&mut self) {
        self.now = match (self.rng.u8(0..4), wake_at(&self.incident)) {
            (0, Some(at)) => at.max(self.now),
            (1, Some(at)) => at.plus_ms(-1).max(self.now),
            (2, _) => self.now,
            _ => self.now.plus_secs(self.rng.u64(0..900)),
        };
    }

    fn step(&mut self) {
        self.pass_time();
        self.changes_the_files();
        let command = self.command();
        let scene = Scene {
            now: self.now,
            directory: &self.directory,
            brakes: &self.brakes,
        };
        let was_due = wake_at(&self.incident);
        let by_hand = matches!(
            command,
            Command::Page { .. }
                | Command::Escalate { .. }
                | Command::Promote { .. }
                | Command::SetSeverity { .. }
        );
        let (wake, before) = (matches!(command, Command::Wake), self.incident.clone());
        let Ok(events) = decide(&self.incident, &scene, command) else {
            self.refusals += 1;
            assert!(
                !(wake && was_due.is_some_and(|t| t <= self.now)),
                "a due wake was refused"
            );
            return;
        };
        assert!(!events.is_empty(), "a decision without a fact");
        for event in events {
            self.record(event, by_hand);
        }
        if wake {
            let next = wake_at(&self.incident);
            assert!(
                next != was_due || before == self.incident,
                "I6: a wake left its own deadline {was_due:?}"
            );
        }
        self.check();
    }

    fn record(&mut self, event: Event, by_hand: bool) {
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(
            serde_json::from_str::<Event>(&json).unwrap(),
            event,
            "I11: an event reads back as written"
        );
        let record = Record {
            seq: self.incident.seq + 1,
            at: self.now,
            cause: "life".to_owned(),
            event,
        };
        evolve(&mut self.incident, &record);
        self.brakes.evolve(&self.incident, &record);
        let effects = react(&self.incident, &record);
        match &record.event {
            Event::Acknowledged { .. }
            | Event::Snoozed { .. }
            | Event::Resolved { .. }
            | Event::Merged { .. } => self.peace = true,
            Event::Retriggered { .. }
            | Event::Unacknowledged { .. }
            | Event::Reopened { .. }
            | Event::Reassigned { .. } => self.peace = false,
            // Asked again, and nobody else.
            Event::Reminded { people, .. } => {
                assert!(
                    self.peace && people.len() == 1,
                    "a reminder to whoever has it"
                );
                return self.journal.push(record);
            }
            Event::RunReleased { run } => {
                *self.released.entry(*run).or_default() += 1;
                let good = verdict::still_good(&self.incident, *run, &self.directory, self.now);
                assert_eq!(good, Ok(()), "I7: released although it does not hold");
            }
            Event::CatchAll { people, .. } if people.is_empty() => {
                assert!(
                    effects.contains(&Effect::Say {
                        to: Place::Everywhere
                    }),
                    "nobody alarmed and nobody told"
                );
            }
            _ => {}
        }
        for effect in &effects {
            match effect {
                Effect::Page { .. } => {
                    assert!(
                        !self.peace || by_hand,
                        "I8: a page although somebody has it"
                    );
                    let muted = self.incident.muted_at(self.now).is_some();
                    assert!(!muted || by_hand, "I8: a page although it is silenced");
                }
                Effect::Run { run } => assert_eq!(
                    self.released.get(run),
                    Some(&1),
                    "I7: {run} started without or after its one release"
                ),
                _ => {}
            }
        }
        self.journal.push(record);
    }

    fn check(&self) {
        leading::check(&self.incident, &self.journal);
        let numbers: Vec<Seq> = self.journal.iter().map(|r| r.seq).collect();
        assert_eq!(
            numbers,
            (1..=self.incident.seq).collect::<Vec<_>>(),
            "the journal has a gap"
        );
        assert_eq!(
            Incident::replay(self.incident.id, &self.journal),
            self.incident,
            "I13: the fold differs from the state"
        );
        let climbing = self.incident.status == Status::Triggered;
        assert!(
            !climbing || wake_at(&self.incident).is_some(),
            "somebody must have it, and time stands still"
        );
        assert!(
            climbing || self.incident.chase.is_empty(),
            "somebody has it, and somebody is still to be woken"
        );
        let chases = self.incident.chase.values();
        assert!(
            chases.into_iter().all(|c| !c.steps.is_empty()),
            "nothing is left to be done for somebody who is to be woken"
        );
        if let (Some(held), Climb::Next { due, .. }) = (self.incident.held, &self.incident.climb) {
            assert!(
                *due <= held.until || self.incident.muted.is_some(),
                "the first page waits longer for a run than was said"
            );
        }
        for run in self.incident.runs.values() {
            let own = run.needs > 0 && run.approved.iter().any(|a| a.same(&run.by));
            assert!(!own, "I7: {} approved their own run", run.by.name());
            let glass = !run.terms.break_glass || run.terms.reason.is_some();
            assert!(glass, "a glass was broken without a reason");
        }
        assert!(
            self.released.values().all(|n| *n == 1),
            "I7: released twice"
        );
    }
}

#[test]
fn random_lives_keep_the_invariants() {
    let one = std::env::var("FIREBELL_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let first = one.unwrap_or_else(|| fastrand::u64(..u64::MAX - LIVES));
    let (mut steps, mut refusals) = (0, 0);
    for seed in first..first + one.map_or(LIVES, |_| 1) {
        let lived = std::panic::catch_unwind(|| {
            let mut life = Life::new(seed);
            (0..STEPS).for_each(|_| life.step());
            (life.journal.len(), life.refusals)
        });
        match lived {
            Ok((n, r)) => (steps, refusals) = (steps + n, refusals + r),
            Err(panic) => {
                eprintln!("life with FIREBELL_SEED={seed} failed");
                std::panic::resume_unwind(panic);
            }
        }
    }
    assert!(
        one.is_some() || (steps > 10_000 && refusals > 1000),
        "the lives were too quiet: {steps} events, {refusals} refusals"
    );
}
