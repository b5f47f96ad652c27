//! What is said and what is not.

use super::*;
use crate::core::directory::Auto;

const MINUTE: i64 = 60_000;

fn pattern() -> Pattern {
    let labels = Labels::from([
        ("alertname".to_owned(), "Slow".to_owned()),
        ("env".to_owned(), "prod".to_owned()),
        ("pod".to_owned(), "web-7c9f".to_owned()),
    ]);
    Pattern::of(Some("checkout"), &labels).unwrap()
}

/// Incident `n`: what ran, by whom, whether it worked; cleared so many minutes after the opening.
fn past(n: i64, runs: &[(&str, &str, Option<bool>)], cleared: Option<i64>) -> Lesson {
    let opened = Time(n * 1000 * MINUTE);
    let ran = |(k, (action, by, worked)): (usize, &(&str, &str, Option<bool>))| Ran {
        run: RunId(n * 10 + i64::try_from(k).unwrap()),
        action: (*action).to_owned(),
        remediates: !action.starts_with("look"),
        by: (*by != "firebell").then(|| (*by).to_owned()),
        auto: *by == "firebell",
        started: opened.plus_ms(MINUTE),
        firing: true,
        worked: *worked,
    };
    Lesson {
        incident: IncidentId(n),
        seq: 9,
        title: "slow".to_owned(),
        pattern: pattern(),
        opened_at: opened,
        resolved_at: opened.plus_ms(100 * MINUTE),
        cleared: cleared
            .map(|m| opened.plus_ms(m * MINUTE))
            .into_iter()
            .collect(),
        runs: runs.iter().enumerate().map(ran).collect(),
    }
}

fn action(id: &str) -> Action {
    Action {
        class: ActionClass::Remediation,
        idempotent: true,
        reversible: true,
        ..Action::of_program(id, &["/bin/true"])
    }
}

#[test]
fn the_bound_is_wilsons() {
    for (good, all, floor) in [
        (2, 3, 25),
        (3, 3, 52),
        (4, 4, 59),
        (5, 6, 49),
        (8, 10, 54),
        (13, 13, 82),
    ] {
        let bound = wilson(good, all);
        assert!(
            bound >= f64::from(floor) / 100.0 && bound < f64::from(floor + 1) / 100.0,
            "{good}/{all}: {bound}"
        );
    }
    assert!(wilson(0, 0).abs() < f64::EPSILON && wilson(0, 9).abs() < f64::EPSILON);
    let more = (1..50).map(|n| wilson(n, n));
    assert!(
        more.clone().zip(more.skip(1)).all(|(a, b)| a < b),
        "more cases say more"
    );
}

#[test]
fn a_pattern_is_the_service_the_alert_and_what_tells_places_apart() {
    assert_eq!(pattern().words(), "Slow on checkout (env=prod)");
    assert_eq!(
        serde_json::from_str::<Pattern>(&pattern().key()).unwrap(),
        pattern()
    );
    assert_eq!(Pattern::of(None, &Labels::new()), None);
    assert_eq!(Pattern::of(Some("checkout"), &Labels::new()), None);
}

#[test]
fn below_a_minimum_nothing_is_said_and_what_is_no_better_than_waiting_is_not_offered() {
    let heal = |n| past(n, &[("heal", "ana", Some(true))], Some(3));
    let convinces = |lessons: Vec<Lesson>| {
        Learned::of(lessons)
            .evidence(&pattern(), "heal")
            .convinces()
    };
    assert!(!convinces((1..=2).map(heal).collect()));
    assert!(convinces((1..=3).map(heal).collect()));
    let alone = |n| past(n, &[], Some(4));
    let both: Vec<Lesson> = (1..=3).map(heal).chain((4..=6).map(alone)).collect();
    assert!(!convinces(both), "it clears as often without it");
    let slow = |n| past(n, &[], Some(50));
    let both: Vec<Lesson> = (1..=3).map(heal).chain((4..=6).map(slow)).collect();
    assert!(convinces(both));
}

#[test]
fn what_cleared_before_the_action_usually_starts_is_no_comparison() {
    let lessons = vec![
        past(1, &[("heal", "ana", Some(true))], Some(3)),
        past(2, &[], Some(0)),
        past(3, &[], Some(5)),
        past(4, &[("look", "bo", Some(true))], Some(60)),
        past(5, &[("other", "bo", Some(true))], Some(5)),
    ];
    let e = Learned::of(lessons).evidence(&pattern(), "heal");
    assert_eq!((e.delay_ms, e.alone, e.alone_soon), (MINUTE, 2, 1));
}

#[test]
fn a_run_that_failed_or_started_when_nothing_fired_healed_nothing() {
    let mut quiet = past(1, &[("heal", "ana", Some(true))], Some(3));
    quiet.runs[0].firing = false;
    let lessons = vec![
        quiet,
        past(2, &[("heal", "ana", Some(false))], Some(3)),
        past(3, &[("heal", "ana", None)], Some(3)),
        past(4, &[("heal", "ana", Some(true))], Some(13)),
        past(5, &[("heal", "ana", Some(true))], Some(11)),
    ];
    let e = Learned::of(lessons).evidence(&pattern(), "heal");
    assert_eq!(
        (e.soon, e.later, e.failed),
        (vec![IncidentId(5)], vec![IncidentId(5), IncidentId(4)], 1)
    );
}

#[test]
fn only_the_last_twenty_count_and_their_order_of_arrival_does_not() {
    let lessons: Vec<Lesson> = (1..=30)
        .map(|n| past(n, &[("heal", "ana", Some(n > 10))], Some(3)))
        .collect();
    let forwards = Learned::of(lessons.clone());
    let backwards = Learned::of(lessons.into_iter().rev());
    assert_eq!(forwards.like(&pattern()), backwards.like(&pattern()));
    assert_eq!(forwards.evidence(&pattern(), "heal").soon.len(), LOOK_BACK);
}

#[test]
fn the_next_level_is_earned_by_five_clean_runs_of_two_people() {
    let run = |n: i64, by: &str, worked| past(n, &[("heal", by, worked)], Some(3));
    let by = |n: i64| if n % 2 == 0 { "ana" } else { "bo" };
    let earned = |lessons: Vec<Lesson>| {
        let proposal = Learned::of(lessons).proposal(&action("heal"), "checkout");
        proposal.map(|p| (p.level, p.clean, p.people))
    };
    let clean: Vec<Lesson> = (1..=5).map(|n| run(n, by(n), Some(true))).collect();
    assert_eq!(earned(clean.clone()), Some((AutoLevel::OneClick, 5, 2)));
    assert_eq!(earned(clean[..4].to_vec()), None);
    assert_eq!(
        earned((1..=9).map(|n| run(n, "ana", Some(true))).collect()),
        None,
        "one person"
    );
    let failed = clean
        .iter()
        .cloned()
        .chain([run(6, "ana", Some(false))])
        .collect();
    assert_eq!(earned(failed), None, "the newest failed");
    let unknown = clean.iter().cloned().chain([run(6, "ana", None)]).collect();
    assert_eq!(earned(unknown), None, "nobody knows");
    let risky = Action {
        reversible: false,
        ..action("heal")
    };
    assert_eq!(
        Learned::of(clean.clone()).proposal(&risky, "checkout"),
        None
    );
    let delayed = Action {
        auto: Auto {
            level: AutoLevel::Delayed,
            ..Auto::default()
        },
        ..action("heal")
    };
    assert_eq!(
        Learned::of(clean).proposal(&delayed, "checkout"),
        None,
        "by hand is not by itself"
    );
    let by_itself = (1..=5).map(|n| run(n, "firebell", Some(true)));
    let proposal = Learned::of(by_itself)
        .proposal(&delayed, "checkout")
        .unwrap();
    assert_eq!(proposal.level, AutoLevel::BeforePage);
    assert!(proposal.snippet().contains("level = \"before-page\""));
}

#[test]
fn what_heals_comes_before_what_looks_and_the_surer_before_the_luckier() {
    let lessons = (1..=6).map(|n| {
        let mut runs = vec![("look", "ana", Some(true)), ("sure", "ana", Some(true))];
        if n > 3 {
            runs.push(("lucky", "ana", Some(true)));
        }
        past(n, &runs, Some(3))
    });
    let mut directory = Directory::default();
    for id in ["look", "lucky", "sure"] {
        let class = if id == "look" {
            ActionClass::Diagnostic
        } else {
            ActionClass::Remediation
        };
        let a = Action {
            class,
            ..action(id)
        };
        directory.actions.insert(id.to_owned(), Arc::new(a));
    }
    let mut incident = Incident::new(IncidentId(99));
    incident.service = Some("checkout".to_owned());
    let tags = [("alertname", "Slow"), ("env", "prod")];
    incident.tags = tags
        .map(|(k, v)| (k.into(), v.into()))
        .into_iter()
        .collect();
    let found = Learned::of(lessons).suggestions(&directory, &incident);
    let order: Vec<&str> = found.iter().map(|(a, _)| a.id.as_str()).collect();
    assert_eq!(order, ["sure", "lucky", "look"]);
}
