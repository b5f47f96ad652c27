//! What starts by itself: the page that waits, and every brake.

use super::*;
use crate::core::brakes::{Off, Switch};
use crate::core::directory::{Auto, AutoLevel};
use crate::core::verdict::{Rule, Rules};

/// Starts by itself before anybody is paged.
fn healer() -> Action {
    Action {
        auto: Auto {
            level: AutoLevel::BeforePage,
            delay_ms: 0,
            clear_within_ms: 300_000,
            ..Auto::default()
        },
        ..restart(&["host:web-1"])
    }
}

/// A rule lets it; how far its file says.
pub(super) fn rule(level: AutoLevel) -> AutoLevel {
    level
}

pub(super) fn letting() -> Arc<Rules> {
    let mut rules = Rules::default();
    rules.rules.push(Rule {
        id: "let-it".to_owned(),
        auto: true,
        ..Rule::blank(true)
    });
    Arc::new(rules)
}

impl Town {
    fn by_itself(mut action: Action, rule: Option<AutoLevel>) -> Town {
        let level = rule.unwrap_or(action.auto.level);
        action.auto.level = action.auto.level.min(level);
        let mut town = Town::with(vec![action]);
        if rule.is_some() {
            town.directory.permits = letting();
        }
        town
    }

    fn fire(&mut self, id: i64) {
        self.runs += 1;
        let targets = [person("ana"), person("bo")];
        let mut open = open_as(Some(ladder(&targets, 0)));
        open.alerts = vec![alert(id)];
        let wanted = self.directory.actions.values().cloned();
        open.auto = wanted.map(|a| (RunId(self.runs), a)).collect();
        self.tell(id, Command::Open(Box::new(open)));
    }
}

#[test]
fn a_page_waits_for_the_run_and_leaves_when_the_alert_has_not_cleared_in_time() {
    let mut t = Town::by_itself(healer(), Some(rule(AutoLevel::BeforePage)));
    t.fire(1);
    assert_eq!(
        t.kinds(1),
        ["opened", "run_asked", "run_armed", "run_released"]
    );
    t.end(1, RunId(1), good());
    t.wait_ms(299_999);
    t.wake();
    assert!(!t.kinds(1).contains(&"paged"), "it pages too early");
    t.wait_ms(1);
    t.wake();
    assert_eq!(t.kinds(1).last(), Some(&"paged"));
    let told = t.journals[&IncidentId(1)].last().unwrap();
    assert!(
        matches!(&told.event, Event::Paged { why, .. } if why.contains("run-1 did not clear it in time"))
    );
}

#[test]
fn nobody_is_paged_when_the_alert_clears_in_time() {
    let mut t = Town::by_itself(healer(), Some(rule(AutoLevel::BeforePage)));
    t.fire(1);
    t.end(1, RunId(1), good());
    let clear = Command::Clear {
        alerts: vec![AlertId(1)],
        why: "ended".to_owned(),
    };
    assert_eq!(t.tell(1, clear), ["cleared", "resolved"]);
    assert_eq!(wake_at(&t.incidents[&IncidentId(1)]), None);
}

#[test]
fn the_page_leaves_at_once_when_the_run_fails_is_lost_refused_or_stopped() {
    let no = |why: &str| Outcome::NotStarted {
        why: why.to_owned(),
    };
    let bad = [
        Outcome::Failed { exit: 1 },
        lost(),
        no("gone"),
        Outcome::Cancelled,
        Outcome::TimedOut,
    ];
    for outcome in bad {
        let mut t = Town::by_itself(healer(), Some(rule(AutoLevel::BeforePage)));
        t.fire(1);
        t.wait_ms(1000);
        t.end(1, RunId(1), outcome.clone());
        assert_eq!(
            wake_at(&t.incidents[&IncidentId(1)]),
            Some(t.now),
            "{outcome:?}"
        );
        t.wake();
        assert!(t.kinds(1).contains(&"paged"), "{outcome:?}");
    }
    let mut t = Town::by_itself(
        Action {
            auto: Auto {
                delay_ms: 60_000,
                ..healer().auto
            },
            ..healer()
        },
        Some(rule(AutoLevel::BeforePage)),
    );
    t.fire(1);
    t.wait_ms(1000);
    t.tell(
        1,
        Command::RejectRun {
            by: ana(),
            run: RunId(1),
        },
    );
    t.wake();
    assert!(t.kinds(1).contains(&"paged"), "stopped by the button");
}

#[test]
fn without_a_rule_or_beyond_its_level_nothing_waits_and_nothing_starts() {
    let mut t = Town::by_itself(healer(), None);
    t.fire(1);
    assert_eq!(t.kinds(1), ["opened", "paged"]);
    let Event::Opened { why, .. } = &t.journals[&IncidentId(1)][0].event else {
        panic!();
    };
    assert!(
        why.last().unwrap().contains("No rule lets firebell"),
        "{why:?}"
    );
    let mut t = Town::by_itself(healer(), Some(rule(AutoLevel::Delayed)));
    t.fire(1);
    assert_eq!(
        t.kinds(1),
        ["opened", "run_asked", "run_armed", "run_released", "paged"],
        "the rule lets it start and not hold the page"
    );
    let mut t = Town::by_itself(healer(), Some(rule(AutoLevel::OneClick)));
    t.fire(1);
    assert_eq!(t.kinds(1), ["opened", "paged"]);
    let mut t = Town::by_itself(
        Action {
            idempotent: false,
            ..healer()
        },
        Some(rule(AutoLevel::BeforePage)),
    );
    t.fire(1);
    assert_eq!(t.kinds(1), ["opened", "paged"], "it could do harm");
}

#[test]
fn a_delay_can_be_stopped_by_the_button_by_the_alert_and_by_the_end_and_not_by_an_acknowledgement()
{
    let slow = || Action {
        auto: Auto {
            level: AutoLevel::Delayed,
            delay_ms: 60_000,
            ..Auto::default()
        },
        ..restart(&[])
    };
    let armed = || {
        let mut t = Town::by_itself(slow(), Some(rule(AutoLevel::Delayed)));
        t.fire(1);
        assert_eq!(t.kinds(1), ["opened", "run_asked", "run_armed", "paged"]);
        t
    };
    let clear = Command::Clear {
        alerts: vec![AlertId(1)],
        why: "ended".to_owned(),
    };
    let stops = [
        Command::RejectRun {
            by: ana(),
            run: RunId(1),
        },
        Command::CancelRun {
            by: ana(),
            run: RunId(1),
        },
        Command::Resolve { by: ana() },
        Command::Disarm {
            action: None,
            why: "automation is off".to_owned(),
        },
        clear,
    ];
    for stop in stops {
        let mut t = armed();
        t.tell(1, stop.clone());
        t.wait_ms(60_000);
        t.wake();
        assert!(!t.kinds(1).contains(&"run_released"), "{stop:?}");
    }
    let mut t = armed();
    t.tell(1, Command::Acknowledge { by: ana() });
    t.wait_ms(60_000);
    t.wake();
    assert!(t.kinds(1).contains(&"run_released"));
}

#[test]
fn failures_in_a_row_turn_it_off_until_a_person_turns_it_on() {
    let mut t = Town::by_itself(
        Action {
            lock: Lock::default(),
            ..healer()
        },
        Some(rule(AutoLevel::BeforePage)),
    );
    for id in 1..=2 {
        t.fire(id);
        t.end(id, RunId(id), Outcome::Failed { exit: 1 });
    }
    assert!(t.kinds(2).contains(&"auto_stopped"));
    t.restart();
    t.fire(3);
    assert_eq!(t.kinds(3), ["opened", "paged"]);
    let on = Switch::default();
    Arc::make_mut(&mut t.brakes.switches).set(Switches::name(Some("restart")), on);
    t.fire(4);
    assert!(t.kinds(4).contains(&"run_released"));
}

#[test]
fn automation_off_a_storm_a_silence_and_the_hourly_cap_each_hold_it_back() {
    let mut t = Town::by_itself(healer(), Some(rule(AutoLevel::BeforePage)));
    let off = Off {
        by: ana(),
        at: NOON,
        why: "deploy".to_owned(),
    };
    let switch = Switch {
        off: Some(off),
        failures: 0,
    };
    Arc::make_mut(&mut t.brakes.switches).set(Switches::name(None), switch);
    t.fire(1);
    assert_eq!(t.kinds(1), ["opened", "paged"]);
    let why = format!("{:?}", t.journals[&IncidentId(1)][0].event);
    assert!(
        why.contains("automation is off since Mon 12:00 UTC by Ana: deploy"),
        "{why}"
    );

    let mut t = Town::by_itself(
        Action {
            lock: Lock::default(),
            auto: Auto {
                storm: 2,
                ..healer().auto
            },
            ..healer()
        },
        Some(rule(AutoLevel::BeforePage)),
    );
    (1..=3).for_each(|id| t.fire(id));
    assert!(t.kinds(2).contains(&"run_released"));
    assert_eq!(
        t.kinds(3),
        ["opened", "paged"],
        "the third one open is a storm"
    );

    let mut t = Town::by_itself(
        Action {
            lock: Lock::default(),
            auto: Auto {
                max_per_hour: 1,
                ..healer().auto
            },
            ..healer()
        },
        Some(rule(AutoLevel::BeforePage)),
    );
    (1..=2).for_each(|id| t.fire(id));
    assert_eq!(t.kinds(2), ["opened", "paged"]);

    let mut t = Town::by_itself(
        Action {
            auto: Auto {
                level: AutoLevel::Delayed,
                delay_ms: 60_000,
                ..Auto::default()
            },
            ..restart(&[])
        },
        Some(rule(AutoLevel::Delayed)),
    );
    t.fire(1);
    let mute = Command::Mute {
        silence: "s".to_owned(),
        words: "s (deploy)".to_owned(),
        until: NOON.plus_secs(3600),
    };
    t.tell(1, mute);
    t.wait_ms(60_000);
    t.wake();
    assert!(matches!(
        t.state(RunId(1)),
        RunState::Ended(Outcome::NotStarted { .. })
    ));
}
