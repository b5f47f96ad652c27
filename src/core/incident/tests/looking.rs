//! What only looks: the dry run of an action, and the check of a run nobody knows the end of.

use super::*;
use crate::core::brakes::Brakes;
use crate::core::directory::{Action, ActionClass, Approval, How, Lock, ProcessRun};
use crate::core::timeline::{self, Names};
use crate::core::verdict::{Rule, Rules, Who};
use std::sync::Arc;

/// Needs somebody else, holds a key, and has a dry run.
fn drain() -> Action {
    Action {
        title: "Drain".to_owned(),
        class: ActionClass::Remediation,
        approval: Approval::by_others(1),
        check: Some("pool".to_owned()),
        lock: Lock {
            keys: vec!["host:web-1".to_owned()],
            max_per_incident: Some(1),
            ..Lock::default()
        },
        how: How::Process(ProcessRun {
            argv: vec!["/bin/drain".to_owned()],
            dry_run: vec!["/bin/drain".to_owned(), "--plan".to_owned()],
            ..ProcessRun::default()
        }),
        ..Action::of_program("drain", &[])
    }
}

fn life() -> Life {
    let mut life = Life::opened(ladder(&[person("ana")], 0));
    for action in [drain(), Action::of_program("pool", &["/bin/pool"])] {
        let action = Arc::new(action);
        life.directory.actions.insert(action.id.clone(), action);
    }
    life
}

fn ask(life: &mut Life, run: i64, action: &str, ask: Ask) -> Result<Vec<&'static str>, Refusal> {
    let action = life.directory.actions[action].clone();
    life.try_tell(Command::AskRun {
        by: ana(),
        run: RunId(run),
        action,
        args: BTreeMap::new(),
        ask,
    })
}

fn dry() -> Ask {
    Ask {
        dry: true,
        ..Ask::default()
    }
}

fn checks(run: i64) -> Ask {
    Ask {
        checks: Some(RunId(run)),
        ..Ask::default()
    }
}

fn end(life: &mut Life, run: i64, outcome: Outcome, tail: &str) {
    life.tell(Command::RunEnded {
        run: RunId(run),
        outcome,
        duration_ms: 1,
        bytes: 0,
        tail: tail.to_owned(),
        notes: Vec::new(),
    });
}

fn lost() -> Outcome {
    Outcome::Unknown {
        why: "the machine went down".to_owned(),
    }
}

#[test]
fn a_dry_run_starts_at_once_with_the_dry_argv_alone_and_needs_nobody() {
    let mut life = life();
    let kinds = ask(&mut life, 1, "drain", dry()).unwrap();
    assert_eq!(kinds, ["run_asked", "run_approved", "run_released"]);
    let run = &life.incident.runs[&RunId(1)];
    assert_eq!(run.argv, ["/bin/drain", "--plan"]);
    assert_eq!((run.needs, run.title.as_str()), (0, "Drain (dry run)"));
    assert_eq!(run.terms.class, Some(ActionClass::Diagnostic));
    assert!(run.terms.dry && run.terms.locks.is_empty() && run.terms.required.is_empty());
    let asked = &life.journal.iter().find(|r| r.event.kind() == "run_asked");
    let told = timeline::sentence(&asked.unwrap().event, &Names::default());
    assert!(
        told.contains("asked for a dry run") && told.ends_with("It only looks."),
        "{told}"
    );
    // It is still good when it starts, although the action itself waits for somebody.
    let good =
        crate::core::verdict::still_good(&life.incident, RunId(1), &life.directory, life.now);
    assert_eq!(good, Ok(()));
}

#[test]
fn a_dry_run_is_no_run_of_its_action() {
    let mut life = life();
    ask(&mut life, 1, "drain", dry()).unwrap();
    end(&mut life, 1, Outcome::Succeeded { exit: 0 }, "would drain");
    let journal = life.journal.clone();
    let mut brakes = Brakes::default();
    let mut incident = Incident::new(life.incident.id);
    for record in &journal {
        evolve(&mut incident, record);
        brakes.evolve(&incident, record);
    }
    assert_eq!(brakes.starts("drain", life.now, false), 0);
    assert!(brakes.latch(RunId(1)).is_none());
    // One start on this incident is the most, and this was none.
    let asked = ask(&mut life, 2, "drain", Ask::default());
    assert_eq!(asked.unwrap(), ["run_asked"]);
    let undo = Ask {
        undoes: Some(RunId(1)),
        ..Ask::default()
    };
    let why = ask(&mut life, 3, "pool", undo).unwrap_err().to_string();
    assert!(why.contains("was a dry run: it changed nothing"), "{why}");
}

#[test]
fn an_action_without_a_dry_run_says_so() {
    let mut life = life();
    let why = ask(&mut life, 1, "pool", dry()).unwrap_err().to_string();
    assert!(why.contains("`pool` has no dry run"), "{why}");
}

#[test]
fn the_rules_are_asked_about_a_dry_run_as_about_a_diagnostic() {
    let mut life = life();
    let looks = Rule {
        id: "look".to_owned(),
        who: vec![Who::Linked],
        class: Some(ActionClass::Diagnostic),
        ..Rule::blank(true)
    };
    life.directory.permits = Arc::new(Rules {
        rules: vec![looks],
        ..Rules::default()
    });
    let whole = ask(&mut life, 1, "drain", Ask::default()).unwrap_err();
    assert!(whole.to_string().contains("No rule lets"), "{whole}");
    ask(&mut life, 2, "drain", dry()).unwrap();
    let mut rules = (*life.directory.permits).clone();
    rules.rules.push(Rule {
        id: "not-this".to_owned(),
        actions: vec!["drain".to_owned()],
        ..Rule::blank(false)
    });
    life.directory.permits = Arc::new(rules);
    let denied = ask(&mut life, 3, "drain", dry()).unwrap_err();
    assert!(denied.to_string().contains("not-this"), "{denied}");
}

#[test]
fn what_nobody_knows_is_looked_at_by_the_action_its_file_names_and_by_nothing_else() {
    let mut life = life();
    life.directory.actions.insert(
        "other".to_owned(),
        Arc::new(Action::of_program("other", &["/bin/true"])),
    );
    ask(&mut life, 1, "drain", Ask::default()).unwrap();
    let bo = Actor::Person {
        id: "bo".to_owned(),
        name: "Bo".to_owned(),
    };
    life.tell(Command::ApproveRun {
        by: bo,
        run: RunId(1),
    });
    let early = ask(&mut life, 2, "pool", checks(1)).unwrap_err();
    assert!(early.to_string().contains("no unknown outcome"), "{early}");
    end(&mut life, 1, lost(), "");
    let wrong = ask(&mut life, 2, "other", checks(1)).unwrap_err();
    assert!(wrong.to_string().contains("is not what checks"), "{wrong}");
    let kinds = ask(&mut life, 2, "pool", checks(1)).unwrap();
    assert_eq!(kinds, ["run_asked", "run_approved", "run_released"]);
    end(&mut life, 2, Outcome::Succeeded { exit: 0 }, "web-1 is out");
    let (check, looked) = life.incident.check_of(RunId(1)).unwrap();
    assert_eq!(
        (check, looked.seen.as_deref()),
        (RunId(2), Some("web-1 is out"))
    );
    life.tell(Command::SettleRun {
        by: ana(),
        run: RunId(1),
        good: true,
        note: "it is out".to_owned(),
    });
    let late = ask(&mut life, 3, "pool", checks(1)).unwrap_err();
    assert!(late.to_string().contains("no unknown outcome"), "{late}");
}

#[test]
fn what_a_dry_run_showed_teaches_nothing() {
    let mut life = life();
    ask(&mut life, 1, "drain", dry()).unwrap();
    end(&mut life, 1, Outcome::Succeeded { exit: 0 }, "");
    life.tell(Command::Resolve { by: ana() });
    let mut journal = life.journal.clone();
    if let Event::Opened {
        labels, service, ..
    } = &mut journal[0].event
    {
        labels.insert("alertname".to_owned(), "Slow".to_owned());
        *service = Some("checkout".to_owned());
    }
    let lesson = crate::core::learn::lesson(life.incident.id, &journal).unwrap();
    assert!(lesson.runs.is_empty(), "{:?}", lesson.runs);
}
