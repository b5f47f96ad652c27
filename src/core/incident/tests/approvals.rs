//! Who has to agree, what they agree to, and what becomes of it.

use super::*;
use crate::core::directory::{Action, ActionClass, Approval, BreakGlass, How, Need, ProcessRun};
use crate::core::verdict::{Rule, Rules, still_good};
use std::sync::Arc;

fn actor(id: &str) -> Actor {
    Actor::Person {
        id: id.to_owned(),
        name: id.to_owned(),
    }
}

fn need(roles: &[&str], count: u8) -> Need {
    Need {
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
        count,
    }
}

/// An action that needs these slots, of which `ana` (admin and everything else), `bo` and `cy` may fill some.
fn action(required: Vec<Need>) -> Action {
    Action {
        class: ActionClass::Remediation,
        approval: Approval {
            required,
            break_glass: Some(BreakGlass {
                roles: vec!["commander".to_owned()],
                min_severity: Some(Severity(1)),
                notify: vec!["security".to_owned()],
            }),
            ..Approval::default()
        },
        ..Action::of_program("restart", &["/bin/true", "--now"])
    }
}

fn life(action: Action) -> Life {
    let mut life = Life::opened(ladder(&[person("ana")], 0));
    let roles = |life: &mut Life, id: &str, roles: &[&str]| {
        let person = life.directory.people.get_mut(id).unwrap();
        person.roles = roles.iter().map(|r| (*r).to_owned()).collect();
    };
    roles(&mut life, "ana", &["admin", "commander", "web", "db"]);
    roles(&mut life, "bo", &["web", "db"]);
    roles(&mut life, "cy", &["web"]);
    life.directory
        .actions
        .insert(action.id.clone(), Arc::new(action));
    life
}

fn ask_as(life: &mut Life, by: &str, ask: Ask) -> Result<Vec<&'static str>, Refusal> {
    let action = life.directory.actions["restart"].clone();
    life.try_tell(Command::AskRun {
        by: actor(by),
        run: RunId(1),
        action,
        args: BTreeMap::new(),
        ask,
    })
}

fn ask(life: &mut Life, by: &str) {
    ask_as(life, by, Ask::default()).unwrap();
}

fn yes(life: &mut Life, by: &str) -> Result<Vec<&'static str>, Refusal> {
    life.try_tell(Command::ApproveRun {
        by: actor(by),
        run: RunId(1),
    })
}

fn said(answer: Result<Vec<&'static str>, Refusal>) -> String {
    answer.unwrap_err().to_string()
}

fn run(life: &Life) -> &Run {
    &life.incident.runs[&RunId(1)]
}

#[test]
fn who_asked_does_not_count_even_as_admin_with_every_role() {
    let mut life = life(action(vec![need(&["admin", "web"], 1)]));
    ask(&mut life, "ana");
    assert!(said(yes(&mut life, "ana")).contains("cannot approve it"));
    assert_eq!(
        yes(&mut life, "bo").unwrap(),
        ["run_approved", "run_released"]
    );
}

#[test]
fn without_four_eyes_who_asked_may_fill_a_slot_and_only_one() {
    let mut action = action(vec![need(&["web"], 2)]);
    action.approval.four_eyes = false;
    let mut life = life(action);
    ask(&mut life, "ana");
    assert_eq!(yes(&mut life, "ana").unwrap(), ["run_approved"]);
    assert!(said(yes(&mut life, "ana")).contains("already approved"));
    assert_eq!(
        yes(&mut life, "bo").unwrap(),
        ["run_approved", "run_released"]
    );
}

#[test]
fn a_person_who_could_sit_elsewhere_keeps_nobody_out() {
    // Bo could fill both slots, Cy only the first: whoever comes first, both are filled.
    for order in [["bo", "cy"], ["cy", "bo"]] {
        let mut life = life(action(vec![need(&["web"], 1), need(&["db"], 1)]));
        ask(&mut life, "ana");
        assert_eq!(yes(&mut life, order[0]).unwrap(), ["run_approved"]);
        let last = yes(&mut life, order[1]).unwrap();
        assert_eq!(last, ["run_approved", "run_released"], "{order:?}");
    }
}

#[test]
fn whose_roles_fill_no_slot_that_is_left_is_told_what_is() {
    let mut life = life(action(vec![need(&["db"], 2)]));
    ask(&mut life, "ana");
    let why = said(yes(&mut life, "cy"));
    assert!(why.contains("2 approvals by db"), "{why}");
    yes(&mut life, "bo").unwrap();
    let why = said(yes(&mut life, "cy"));
    assert!(why.contains("1 approval by db"), "{why}");
}

#[test]
fn one_no_ends_it_and_a_yes_after_it_is_answered() {
    let mut life = life(action(vec![need(&["web"], 1)]));
    ask(&mut life, "ana");
    life.tell(Command::RejectRun {
        by: actor("cy"),
        run: RunId(1),
    });
    let why = said(yes(&mut life, "bo"));
    assert!(why.contains("rejected by cy"), "{why}");
}

#[test]
fn a_yes_at_the_instant_it_lapses_is_too_late_whether_or_not_time_was_put_to_it() {
    let mut life = life(action(vec![need(&["web"], 1)]));
    ask(&mut life, "ana");
    let RunState::Asked { expires } = run(&life).state else {
        panic!("it waits");
    };
    life.now = expires;
    assert!(said(yes(&mut life, "bo")).contains("lapsed"));
    life.tell(Command::Wake);
    assert!(matches!(
        run(&life).state,
        RunState::Ended(Outcome::NotStarted { .. })
    ));
    let why = said(yes(&mut life, "bo"));
    assert!(why.contains("lapsed") && why.contains("`restart`"), "{why}");
}

#[test]
fn a_file_that_was_edited_voids_what_was_agreed_on() {
    let mut life = life(action(vec![need(&["web"], 2)]));
    ask(&mut life, "ana");
    yes(&mut life, "bo").unwrap();
    let mut edited = (*life.directory.actions["restart"]).clone();
    edited.digest = "another".to_owned();
    life.directory
        .actions
        .insert("restart".to_owned(), Arc::new(edited));
    let why = said(yes(&mut life, "cy"));
    assert!(
        why.contains("the action changed") && why.contains("ask again"),
        "{why}"
    );
    life.directory.actions.remove("restart");
    assert!(said(yes(&mut life, "cy")).contains("no longer configured"));
}

#[test]
fn what_would_start_something_else_by_now_is_not_released() {
    let mut life = life(action(vec![need(&["web"], 1)]));
    ask(&mut life, "ana");
    // The same file, but a list it refers to has changed meanwhile.
    let mut other = (*life.directory.actions["restart"]).clone();
    other.how = How::Process(ProcessRun {
        argv: vec!["/bin/true".to_owned(), "--later".to_owned()],
        ..ProcessRun::default()
    });
    life.directory
        .actions
        .insert("restart".to_owned(), Arc::new(other));
    assert!(said(yes(&mut life, "bo")).contains("the action changed"));
}

#[test]
fn a_role_that_was_taken_away_between_yes_and_release_counts_no_more() {
    let mut life = life(action(vec![need(&["web"], 2)]));
    ask(&mut life, "ana");
    yes(&mut life, "bo").unwrap();
    life.directory.people.get_mut("bo").unwrap().roles.clear();
    assert_eq!(
        yes(&mut life, "cy").unwrap(),
        ["run_approved"],
        "one is left to be found"
    );
    assert!(matches!(run(&life).state, RunState::Asked { .. }));
}

#[test]
fn a_role_that_was_taken_away_between_release_and_start_stops_the_start() {
    let mut life = life(action(vec![need(&["web"], 1)]));
    ask(&mut life, "ana");
    yes(&mut life, "bo").unwrap();
    let good = |life: &Life| still_good(&life.incident, RunId(1), &life.directory, life.now);
    assert_eq!(good(&life), Ok(()));
    life.directory.people.get_mut("bo").unwrap().roles.clear();
    assert!(good(&life).unwrap_err().contains("no longer holds"));
    life.directory.people.get_mut("bo").unwrap().roles = vec!["web".to_owned()];
    life.now = life.now.plus_ms(600_001);
    assert!(good(&life).unwrap_err().contains("valid until"));
}

#[test]
fn the_rules_are_asked_again_at_every_step() {
    let mut life = life(action(vec![need(&["web"], 1)]));
    ask(&mut life, "ana");
    let mut rules = Rules::default();
    rules.rules.push(Rule {
        id: "freeze".to_owned(),
        ..Rule::blank(false)
    });
    life.directory.permits = Arc::new(rules);
    assert!(said(yes(&mut life, "bo")).contains("`freeze`"));
    life.directory.permits = Arc::default();
    yes(&mut life, "bo").unwrap();
    let broken = Rules {
        broken: Some("rules.toml:1: x".to_owned()),
        ..Rules::default()
    };
    life.directory.permits = Arc::new(broken);
    let why = still_good(&life.incident, RunId(1), &life.directory, life.now).unwrap_err();
    assert!(why.contains("rules.toml:1"), "{why}");
}

#[test]
fn what_the_rules_said_is_kept_with_the_run() {
    let mut life = life(action(vec![need(&["web"], 1)]));
    ask(&mut life, "ana");
    let verdict = &run(&life).terms.verdict;
    assert!(
        verdict
            .iter()
            .any(|l| l.starts_with("allow linked-people: matches")),
        "{verdict:?}"
    );
}

#[test]
fn a_button_drawn_for_something_else_approves_nothing() {
    let mut life = life(action(vec![need(&["web"], 1)]));
    ask(&mut life, "ana");
    let subject = run(&life).terms.subject.clone();
    let press = |life: &mut Life, seen: &str| {
        life.try_tell(Command::Through {
            door: "slack".to_owned(),
            seen: Some(seen.to_owned()),
            command: Box::new(Command::ApproveRun {
                by: actor("bo"),
                run: RunId(1),
            }),
        })
    };
    assert!(said(press(&mut life, &"0".repeat(16))).contains("look at it again"));
    assert!(
        said(press(&mut life, &subject[..8])).contains("look at it again"),
        "too short to be sure"
    );
    press(&mut life, &subject[..16]).unwrap();
}

#[test]
fn a_rehearsal_comes_first_and_what_it_wrote_is_agreed_on() {
    let mut action = action(vec![need(&["web"], 1)]);
    action.approval.dry_run_first = true;
    action.how = How::Process(ProcessRun {
        argv: vec!["/bin/true".to_owned()],
        dry_run: vec!["/bin/true".to_owned(), "--plan".to_owned()],
        ..ProcessRun::default()
    });
    let mut life = life(action);
    ask(&mut life, "ana");
    assert!(said(yes(&mut life, "bo")).contains("rehearsed"));
    let before = run(&life).terms.subject.clone();
    life.tell(Command::RunRehearsed {
        run: RunId(1),
        outcome: Outcome::Succeeded { exit: 0 },
        tail: "would restart web-1".to_owned(),
        digest: "d1".to_owned(),
    });
    let after = run(&life).terms.subject.clone();
    assert_ne!(
        before, after,
        "what was written is part of what is agreed on"
    );
    let stale = life.try_tell(Command::Through {
        door: "slack".to_owned(),
        seen: Some(before),
        command: Box::new(Command::ApproveRun {
            by: actor("bo"),
            run: RunId(1),
        }),
    });
    assert!(said(stale).contains("look at it again"));
    assert_eq!(
        yes(&mut life, "bo").unwrap(),
        ["run_approved", "run_released"]
    );
}

#[test]
fn the_glass_is_broken_with_role_severity_and_reason_and_loudly() {
    let glass = |reason: Option<&str>| Ask {
        break_glass: true,
        reason: reason.map(str::to_owned),
        ..Ask::default()
    };
    let mut life = life(action(vec![need(&["web"], 1)]));
    let why = said(ask_as(&mut life, "bo", glass(Some("now"))));
    assert!(why.contains("needs the role commander"), "{why}");
    for none in [None, Some("  ")] {
        assert!(said(ask_as(&mut life, "ana", glass(none))).contains("needs a reason"));
    }
    life.tell(Command::SetSeverity {
        by: actor("ana"),
        to: Severity(2),
    });
    let why = said(ask_as(&mut life, "ana", glass(Some("now"))));
    assert!(why.contains("from sev2 on; this is sev3"), "{why}");
    life.tell(Command::SetSeverity {
        by: actor("ana"),
        to: Severity(1),
    });
    ask_as(&mut life, "ana", glass(Some("the disk is full"))).unwrap();
    let record = life.journal.last().unwrap().clone();
    let effects = react(&life.incident, &record);
    let says = |to: Place| effects.contains(&Effect::Say { to });
    assert!(
        says(Place::Loud) && says(Place::Channel("security".to_owned())),
        "{effects:?}"
    );
    assert!(
        said(yes(&mut life, "bo")).contains("commander"),
        "only who may break it confirms"
    );
    assert_eq!(
        yes(&mut life, "ana").unwrap(),
        ["run_approved", "run_released"]
    );
    let terms = &run(&life).terms;
    assert!(terms.break_glass && terms.reason.as_deref() == Some("the disk is full"));
}

#[test]
fn an_approval_that_waits_for_a_key_too_long_lapses() {
    let mut life = life(action(vec![need(&["web"], 1)]));
    ask(&mut life, "ana");
    yes(&mut life, "bo").unwrap();
    let record = Record {
        seq: life.incident.seq + 1,
        at: life.now,
        cause: "test".to_owned(),
        event: Event::RunQueued {
            run: RunId(1),
            key: "host:web-1".to_owned(),
            behind: Some(RunId(9)),
            until: life.now.plus_ms(3_600_000),
        },
    };
    evolve(&mut life.incident, &record);
    life.now = life.now.plus_ms(600_000);
    assert!(life.tell(Command::Wake).contains(&"run_expired"));
}

#[test]
fn nobody_agrees_to_a_run_of_an_incident_that_is_over() {
    let mut life = life(action(vec![need(&["web"], 1)]));
    ask(&mut life, "ana");
    life.tell(Command::Resolve { by: actor("ana") });
    assert_eq!(yes(&mut life, "bo"), Err(Refusal::AlreadyResolved));
}
