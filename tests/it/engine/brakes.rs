//! Keys, switches and what starts by itself, through the engine: races, kills, two processes.

use super::*;
use crate::world::directory;
use firebell::core::directory::{Action, ActionClass, Auto, AutoLevel, Directory, Lock, Rollback};
use firebell::core::id::Actor;
use firebell::core::incident::{Ask, RunState};
use firebell::core::verdict::{Rule, Rules};
use firebell::engine::AutomationAct;
use std::sync::Arc;

const SEARCH: &[(&str, &str)] = &[("service", "checkout"), ("severity", "warning"), ("n", "2")];

/// Runs `program` under these keys.
fn locked(id: &str, program: &[&str], lock: Lock) -> Action {
    Action {
        class: ActionClass::Remediation,
        idempotent: true,
        reversible: true,
        lock,
        ..Action::of_program(id, program)
    }
}

fn with(actions: Vec<Action>) -> Directory {
    let mut directory = directory();
    for action in actions {
        directory
            .actions
            .insert(action.id.clone(), Arc::new(action));
    }
    directory
}

fn key(wait_ms: i64) -> Lock {
    Lock {
        keys: vec!["host:web-1".to_owned()],
        wait_ms,
        ..Lock::default()
    }
}

async fn ask(w: &World, id: i64, run: i64, action: &str) -> Result<(), Failure> {
    let ask = Command::AskRun {
        by: person("ana"),
        run: RunId(run),
        action: w.directory.actions[action].clone(),
        args: BTreeMap::new(),
        ask: Ask::default(),
    };
    let engine = &w.engine;
    engine
        .submit(&format!("ask:{run}"), IncidentId(id), ask)
        .await?;
    Ok(())
}

async fn press(w: &World, id: i64, run: i64, by: &str) -> Result<(), Failure> {
    let approve = Command::ApproveRun {
        by: person(by),
        run: RunId(run),
    };
    let cause = format!("press:{run}:{by}");
    w.engine.submit(&cause, IncidentId(id), approve).await?;
    Ok(())
}

async fn state(w: &World, id: i64, run: i64) -> RunState {
    w.incident(id).await.runs[&RunId(run)].state.clone()
}

/// Waits until the run is over.
async fn over(w: &World, id: i64, run: i64) -> Outcome {
    loop {
        if let RunState::Ended(outcome) = state(w, id, run).await {
            w.settle().await;
            return outcome;
        }
        tokio::task::yield_now().await;
    }
}

async fn started(w: &World, run: i64) {
    while w.engine.store().run(RunId(run)).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
}

fn lost(run: i64) -> Command {
    Command::RunEnded {
        run: RunId(run),
        outcome: Outcome::Unknown {
            why: "lost".to_owned(),
        },
        duration_ms: 0,
        bytes: 0,
        tail: String::new(),
        notes: Vec::new(),
    }
}

#[tokio::test]
async fn of_two_presses_on_two_incidents_one_gets_the_key_and_the_other_hears_who_has_it() {
    on_both(async |database| {
        let action = locked("restart-web", &["/bin/sleep", "30"], key(0));
        let w = World::with(&database.url, with(vec![action])).await;
        w.fire("Slow", CHECKOUT).await;
        w.fire("Down", SEARCH).await;
        ask(&w, 1, 1, "restart-web").await.unwrap();
        ask(&w, 2, 2, "restart-web").await.unwrap();
        let (one, two) = tokio::join!(press(&w, 1, 1, "ana"), press(&w, 2, 2, "bo"));
        let refused = [one, two].into_iter().filter_map(Result::err);
        let refused: Vec<String> = refused.map(|f| f.to_string()).collect();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(
            refused[0].contains("`host:web-1` is held by run-"),
            "{refused:?}"
        );
        let rows = w
            .engine
            .store()
            .latches(firebell::core::time::Time(0))
            .await
            .unwrap();
        assert_eq!(rows.iter().filter(|l| l.state.word() == "held").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn who_waits_for_a_key_goes_when_the_run_before_ends() {
    on_both(async |database| {
        let action = locked("restart-web", &["/bin/true"], key(600_000));
        let slow = locked("slow", &["/bin/sleep", "1"], key(600_000));
        let w = World::with(&database.url, with(vec![action, slow])).await;
        w.fire("Slow", CHECKOUT).await;
        w.fire("Down", SEARCH).await;
        ask(&w, 1, 1, "slow").await.unwrap();
        press(&w, 1, 1, "ana").await.unwrap();
        ask(&w, 2, 2, "restart-web").await.unwrap();
        press(&w, 2, 2, "bo").await.unwrap();
        assert!(matches!(state(&w, 2, 2).await, RunState::Queued { .. }));
        // The incident of the holder is over before its run is.
        w.tell(1, Command::Resolve { by: person("ana") }).await;
        assert!(matches!(state(&w, 2, 2).await, RunState::Queued { .. }));
        assert_eq!(over(&w, 1, 1).await, Outcome::Succeeded { exit: 0 });
        assert_eq!(over(&w, 2, 2).await, Outcome::Succeeded { exit: 0 });
    })
    .await;
}

#[tokio::test]
async fn a_key_is_held_across_a_crash_until_its_run_is_settled_even_when_its_incident_is_over() {
    on_both(async |database| {
        let slow = locked("slow", &["/bin/sleep", "30"], key(600_000));
        let mut w = World::with(&database.url, with(vec![slow])).await;
        w.fire("Slow", CHECKOUT).await;
        w.fire("Down", SEARCH).await;
        ask(&w, 1, 1, "slow").await.unwrap();
        press(&w, 1, 1, "ana").await.unwrap();
        started(&w, 1).await;
        ask(&w, 2, 2, "slow").await.unwrap();
        press(&w, 2, 2, "bo").await.unwrap();
        w.tell(1, Command::Resolve { by: person("ana") }).await;
        let old = w.engine.clone();
        w.kill_and_restart().await;
        // Whether it is found again or lost is the runner's; here its truth is lost.
        let _ = w.engine.submit("lost", IncidentId(1), lost(1)).await;
        assert!(matches!(
            state(&w, 1, 1).await,
            RunState::Ended(Outcome::Unknown { .. })
        ));
        w.kill_and_restart().await;
        assert!(matches!(state(&w, 2, 2).await, RunState::Queued { .. }));
        // What the process before still wants to say is not heard.
        let late = Command::RunEnded {
            run: RunId(1),
            outcome: Outcome::Succeeded { exit: 0 },
            duration_ms: 1,
            bytes: 0,
            tail: String::new(),
            notes: Vec::new(),
        };
        let late = old.submit("late", IncidentId(1), late).await;
        assert!(matches!(late, Err(Failure::Unavailable(_))), "{late:?}");
        assert!(matches!(state(&w, 2, 2).await, RunState::Queued { .. }));
        let settle = Command::SettleRun {
            by: person("bo"),
            run: RunId(1),
            good: true,
            note: "it is up".to_owned(),
        };
        w.tell(1, settle).await;
        assert!(!matches!(state(&w, 2, 2).await, RunState::Queued { .. }));
    })
    .await;
}

#[tokio::test]
async fn a_wait_that_outlasts_a_crash_is_refused_at_its_own_time() {
    on_both(async |database| {
        let slow = locked("slow", &["/bin/sleep", "30"], key(600_000));
        let mut w = World::with(&database.url, with(vec![slow])).await;
        w.fire("Slow", CHECKOUT).await;
        w.fire("Down", SEARCH).await;
        ask(&w, 1, 1, "slow").await.unwrap();
        press(&w, 1, 1, "ana").await.unwrap();
        started(&w, 1).await;
        ask(&w, 2, 2, "slow").await.unwrap();
        press(&w, 2, 2, "bo").await.unwrap();
        w.clock.advance_ms(300_000);
        w.kill_and_restart().await;
        w.advance_secs(299).await;
        assert!(matches!(state(&w, 2, 2).await, RunState::Queued { .. }));
        w.advance_secs(1).await;
        let Outcome::NotStarted { why } = over(&w, 2, 2).await else {
            panic!("it waits for ever");
        };
        assert!(
            why.contains("it waited 10m, and `host:web-1` is held by"),
            "{why}"
        );
    })
    .await;
}

fn healer(program: &[&str], delay_ms: i64) -> Action {
    Action {
        auto: Auto {
            level: AutoLevel::BeforePage,
            delay_ms,
            clear_within_ms: 300_000,
            ..Auto::default()
        },
        ..locked("heal", program, Lock::default())
    }
}

fn let_it(mut directory: Directory) -> Directory {
    let mut rules = Rules::default();
    rules.rules.push(Rule {
        id: "heal-checkout".to_owned(),
        auto: true,
        actions: vec!["heal".to_owned()],
        services: vec!["checkout".to_owned()],
        ..Rule::blank(true)
    });
    directory.permits = Arc::new(rules);
    directory
}

#[tokio::test]
async fn a_page_waits_for_a_run_and_leaves_at_its_deadline_whatever_crashed() {
    on_both(async |database| {
        let directory = let_it(with(vec![healer(&["/bin/true"], 0)]));
        let mut w = World::with(&database.url, directory).await;
        w.fire("Slow", CHECKOUT).await;
        assert_eq!(over(&w, 1, 1).await, Outcome::Succeeded { exit: 0 });
        assert!(w.platform.pages().is_empty());
        assert!(
            w.platform
                .lines("#web")
                .iter()
                .any(|l| l.contains("starts by itself"))
        );
        w.clock.advance_ms(200_000);
        w.kill_and_restart().await;
        assert!(w.platform.pages().is_empty());
        w.advance_secs(99).await;
        assert!(w.platform.pages().is_empty());
        w.advance_secs(1).await;
        assert_eq!(w.platform.pages(), ["ana"]);
    })
    .await;
}

#[tokio::test]
async fn a_page_leaves_at_once_when_the_run_fails_or_is_lost_in_a_crash() {
    on_both(async |database| {
        let directory = let_it(with(vec![healer(&["/bin/false"], 0)]));
        let w = World::with(&database.url, directory).await;
        w.fire("Slow", CHECKOUT).await;
        over(&w, 1, 1).await;
        w.settle().await;
        assert_eq!(w.platform.pages(), ["ana"], "it failed");
    })
    .await;
    on_both(async |database| {
        let directory = let_it(with(vec![healer(&["/bin/sleep", "30"], 0)]));
        let mut w = World::with(&database.url, directory).await;
        w.fire("Slow", CHECKOUT).await;
        started(&w, 1).await;
        w.kill_and_restart().await;
        let _ = w.engine.submit("lost", IncidentId(1), lost(1)).await;
        w.settle().await;
        assert_eq!(w.platform.pages(), ["ana"], "its truth is lost");
    })
    .await;
}

#[tokio::test]
async fn nobody_is_woken_when_the_run_clears_the_alert() {
    on_both(async |database| {
        let directory = let_it(with(vec![healer(&["/bin/true"], 0)]));
        let w = World::with(&database.url, directory).await;
        w.fire("Slow", CHECKOUT).await;
        over(&w, 1, 1).await;
        w.clear("Slow", CHECKOUT).await;
        w.advance_secs(86_400).await;
        assert!(w.platform.pages().is_empty());
        assert_eq!(w.incident(1).await.status, Status::Resolved);
    })
    .await;
}

fn act(cause: &str, on: bool, action: Option<&str>, by: Actor) -> AutomationAct {
    AutomationAct {
        cause: cause.to_owned(),
        by,
        action: action.map(str::to_owned),
        on,
        why: "deploy".to_owned(),
    }
}

#[tokio::test]
async fn automation_off_is_for_everybody_at_once_survives_a_crash_and_lets_the_page_go() {
    on_both(async |database| {
        let directory = let_it(with(vec![healer(&["/bin/true"], 60_000)]));
        let mut w = World::with(&database.url, directory).await;
        w.fire("Slow", CHECKOUT).await;
        assert!(matches!(state(&w, 1, 1).await, RunState::Armed { .. }));
        let guest = Actor::Unlinked {
            id: "slack:U9".to_owned(),
            name: "Kim".to_owned(),
        };
        let no = w.engine.automate(act("c0", false, None, guest)).await;
        assert!(matches!(
            no,
            Err(Failure::Refused(Refusal::Forbidden { .. }))
        ));
        let said = w
            .engine
            .automate(act("c1", false, None, person("ana")))
            .await
            .unwrap();
        assert!(
            said.contains("OFF since Mon 12:00 UTC by ana: deploy"),
            "{said}"
        );
        let again = w
            .engine
            .automate(act("c1", false, None, person("ana")))
            .await
            .unwrap();
        assert!(again.contains("off since"), "{again}");
        w.settle().await;
        assert!(matches!(
            state(&w, 1, 1).await,
            RunState::Ended(Outcome::NotStarted { .. })
        ));
        assert_eq!(
            w.platform.pages(),
            ["ana"],
            "nobody waits for what does not start"
        );
        assert!(
            w.platform
                .lines("#web")
                .iter()
                .any(|l| l.contains("Automation is OFF"))
        );
        w.kill_and_restart().await;
        assert!(w.engine.directory().switches.all_off().is_some());
        w.fire("Down", SEARCH).await;
        assert!(w.incident(2).await.runs.is_empty());
        w.engine
            .automate(act("c2", true, None, person("bo")))
            .await
            .unwrap();
        assert!(w.engine.directory().switches.all_off().is_none());
        assert_eq!(w.engine.store().switch_log(10).await.unwrap().len(), 2);
        w.fire("Third", CHECKOUT).await;
        assert_eq!(w.incident(3).await.runs.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_failed_twice_in_a_row_is_off_and_a_person_turns_it_on() {
    on_both(async |database| {
        let directory = let_it(with(vec![healer(&["/bin/false"], 0)]));
        let mut w = World::with(&database.url, directory).await;
        w.fire("Slow", CHECKOUT).await;
        over(&w, 1, 1).await;
        w.fire("Down", SEARCH).await;
        let second = *w.incident(2).await.runs.keys().next().unwrap();
        over(&w, 2, second.0).await;
        assert!(w.kinds(2).await.contains(&"auto_stopped"));
        assert!(
            w.platform
                .lines("#web")
                .iter()
                .any(|l| l.contains("DOES NOT START BY ITSELF"))
        );
        w.kill_and_restart().await;
        w.fire("Third", CHECKOUT).await;
        assert!(w.incident(3).await.runs.is_empty());
        let token = Actor::Token {
            name: "ci".to_owned(),
        };
        let no = w.engine.automate(act("t", true, Some("heal"), token)).await;
        assert!(matches!(
            no,
            Err(Failure::Refused(Refusal::Forbidden { .. }))
        ));
        w.engine
            .automate(act("p", true, Some("heal"), person("ana")))
            .await
            .unwrap();
        w.fire("Fourth", CHECKOUT).await;
        assert_eq!(w.incident(4).await.runs.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_undoes_a_run_is_asked_for_with_its_arguments_and_only_once() {
    on_both(async |database| {
        let mut drain = locked("drain", &["/bin/true"], Lock::default());
        drain.rollback = Some(Rollback {
            action: "restore".to_owned(),
            args: BTreeMap::new(),
        });
        let restore = locked("restore", &["/bin/true"], Lock::default());
        let w = World::with(&database.url, with(vec![drain, restore])).await;
        w.fire("Slow", CHECKOUT).await;
        ask(&w, 1, 101, "drain").await.unwrap();
        press(&w, 1, 101, "ana").await.unwrap();
        over(&w, 1, 101).await;
        let undo = |cause: &'static str| {
            let engine = w.engine.clone();
            async move {
                firebell::dispatch::perform(
                    &engine,
                    person("bo"),
                    "console",
                    Some(IncidentId(1)),
                    "rollback run-101",
                    cause,
                )
                .await
            }
        };
        let said = undo("u1").await;
        assert!(said.ok, "{}", said.text);
        let incident = w.incident(1).await;
        let asked = incident
            .runs
            .values()
            .find(|r| r.action == "restore")
            .unwrap();
        assert_eq!(asked.terms.undoes, Some(RunId(101)));
        assert!(
            matches!(asked.state, RunState::Asked { .. }),
            "the ordinary way"
        );
        let again = undo("u2").await;
        assert!(
            !again.ok && again.text.contains("asked for that already"),
            "{}",
            again.text
        );
    })
    .await;
}
