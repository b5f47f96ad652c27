//! Rules, calendars and slots.

use super::*;
use crate::core::directory::{Directory, Person, Waking};
use chrono_tz::Tz;

/// Monday, 2026-11-16, 12:00 UTC.
const NOON: Time = Time(1_794_830_400_000);

fn directory(rules: Vec<Rule>) -> Directory {
    let person = |id: &str, roles: &[&str]| Person {
        id: id.to_owned(),
        name: id.to_owned(),
        email: None,
        zone: Tz::UTC,
        identities: BTreeMap::new(),
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
        contacts: Vec::new(),
        waking: Waking::default(),
    };
    let people = [
        person("ana", &["responder"]),
        person("bo", &["responder", "commander"]),
        person("cy", &[]),
    ];
    let severities = ["sev1", "sev2", "sev3"].map(|name| crate::core::directory::SeverityName {
        name: name.to_owned(),
        labels: Vec::new(),
        urgency: crate::core::directory::Urgency::High,
        ..crate::core::directory::SeverityName::default()
    });
    Directory {
        people: people.into_iter().map(|p| (p.id.clone(), p)).collect(),
        severities: severities.into(),
        permits: std::sync::Arc::new(Rules {
            rules,
            ..Rules::default()
        }),
        ..Directory::default()
    }
}

fn who(id: &str) -> Actor {
    Actor::Person {
        id: id.to_owned(),
        name: id.to_owned(),
    }
}

fn action() -> Action {
    Action {
        class: ActionClass::Remediation,
        ..Action::of_program("web-restart", &["/bin/true"])
    }
}

fn scope() -> Scope<'static> {
    Scope {
        service: Some("checkout"),
        environment: Some("prod"),
        severity: Severity(1),
        state: Status::Triggered,
        lead: None,
    }
}

fn asked(directory: &Directory, by: &Actor, action: &Action, scope: Scope<'_>) -> Verdict {
    judge(&Case {
        who: by,
        action,
        scope,
        at: NOON,
        door: Some("slack"),
        directory,
    })
}

fn allow(id: &str, who: Vec<Who>) -> Rule {
    Rule {
        id: id.to_owned(),
        who,
        ..Rule::blank(true)
    }
}

fn deny(id: &str) -> Rule {
    Rule {
        id: id.to_owned(),
        ..Rule::blank(false)
    }
}

#[test]
fn without_a_file_people_of_the_directory_with_the_actions_role_may_run_it() {
    let directory = Directory {
        permits: std::sync::Arc::default(),
        ..directory(Vec::new())
    };
    let mut action = action();
    assert!(asked(&directory, &who("cy"), &action, scope()).allowed);
    action.roles = vec!["responder".to_owned()];
    let no = asked(&directory, &who("cy"), &action, scope());
    assert!(
        !no.allowed && no.said.contains("needs the role responder"),
        "{no:?}"
    );
    assert!(asked(&directory, &who("ana"), &action, scope()).allowed);
    let stranger = Actor::Unlinked {
        id: "slack:U1".to_owned(),
        name: "Guest".to_owned(),
    };
    assert!(!asked(&directory, &stranger, &action, scope()).allowed);
}

#[test]
fn nothing_is_allowed_that_no_rule_allows_and_the_verdict_says_what_each_rule_says() {
    let directory = directory(vec![allow(
        "commanders",
        vec![Who::Role("commander".to_owned())],
    )]);
    let no = asked(&directory, &who("ana"), &action(), scope());
    assert!(
        !no.allowed && no.said.starts_with("No rule lets ana run"),
        "{no:?}"
    );
    let lines = no.lines();
    assert!(
        lines.contains(&"allow commanders: no match: ana is not role:commander".to_owned()),
        "{lines:?}"
    );
    assert!(asked(&directory, &who("bo"), &action(), scope()).allowed);
}

#[test]
fn every_condition_of_a_rule_counts() {
    let base = || allow("r", vec![Who::Linked]);
    let fits = [
        base(),
        Rule {
            class: Some(ActionClass::Remediation),
            ..base()
        },
        Rule {
            risks: vec![Risk::Medium],
            ..base()
        },
        Rule {
            actions: vec!["web-restart".to_owned()],
            ..base()
        },
        Rule {
            environments: vec!["prod".to_owned()],
            ..base()
        },
        Rule {
            severities: vec![Severity(1)],
            ..base()
        },
        Rule {
            unless: vec![Severity(0)],
            ..base()
        },
        Rule {
            states: vec![Status::Triggered],
            ..base()
        },
        Rule {
            services: vec!["checkout".to_owned()],
            ..base()
        },
        Rule {
            doors: vec!["slack".to_owned()],
            ..base()
        },
    ];
    for rule in fits {
        let directory = directory(vec![rule.clone()]);
        assert!(
            asked(&directory, &who("cy"), &action(), scope()).allowed,
            "{rule:?}"
        );
    }
    let misses = [
        Rule {
            who: vec![Who::Person("ana".to_owned())],
            ..base()
        },
        Rule {
            class: Some(ActionClass::Diagnostic),
            ..base()
        },
        Rule {
            risks: vec![Risk::Low, Risk::High],
            ..base()
        },
        Rule {
            actions: vec!["other".to_owned()],
            ..base()
        },
        Rule {
            environments: vec!["staging".to_owned()],
            ..base()
        },
        Rule {
            severities: vec![Severity(0)],
            ..base()
        },
        Rule {
            unless: vec![Severity(1)],
            ..base()
        },
        Rule {
            states: vec![Status::Resolved],
            ..base()
        },
        Rule {
            services: vec!["search".to_owned()],
            ..base()
        },
        Rule {
            doors: vec!["discord".to_owned()],
            ..base()
        },
    ];
    for rule in misses {
        let directory = directory(vec![rule.clone()]);
        assert!(
            !asked(&directory, &who("cy"), &action(), scope()).allowed,
            "{rule:?}"
        );
    }
}

#[test]
fn what_is_not_known_counts_for_a_no_and_against_a_yes() {
    let unknown = Scope {
        environment: None,
        ..scope()
    };
    let in_prod = |rule: Rule| Rule {
        environments: vec!["prod".to_owned()],
        ..rule
    };
    let yes = directory(vec![in_prod(allow("a", vec![Who::Linked]))]);
    assert!(!asked(&yes, &who("ana"), &action(), unknown).allowed);
    let no = directory(vec![allow("a", vec![Who::Linked]), in_prod(deny("d"))]);
    assert!(!asked(&no, &who("ana"), &action(), unknown).allowed);
}

#[test]
fn a_change_freeze_holds_for_everybody_but_the_worst_trouble() {
    let frozen = |unless: Vec<Severity>| {
        let freeze = Rule {
            during: Some("freeze".to_owned()),
            class: Some(ActionClass::Remediation),
            unless,
            reason: "year end".to_owned(),
            ..deny("freeze")
        };
        let mut directory = directory(vec![allow("a", vec![Who::Linked]), freeze]);
        let calendar = Freeze {
            spans: vec![(NOON.plus_ms(-1), NOON.plus_ms(1), "year end".to_owned())],
            weekly: Vec::new(),
        };
        let rules = std::sync::Arc::make_mut(&mut directory.permits);
        rules.calendars.insert("freeze".to_owned(), calendar);
        directory
    };
    let no = asked(&frozen(Vec::new()), &who("ana"), &action(), scope());
    assert!(!no.allowed && no.said.ends_with(": year end"), "{no:?}");
    assert!(asked(&frozen(vec![Severity(1)]), &who("ana"), &action(), scope()).allowed);
    let look = Action {
        class: ActionClass::Diagnostic,
        ..action()
    };
    assert!(asked(&frozen(Vec::new()), &who("ana"), &look, scope()).allowed);
}

#[test]
fn a_weekly_span_goes_over_the_end_of_the_week_on_its_own_clock() {
    let span = Weekly::parse("fri 16:00 - mon 08:00", Tz::Europe__Berlin).unwrap();
    let freeze = Freeze {
        spans: Vec::new(),
        weekly: vec![span],
    };
    let at = |hours: i64| NOON.plus_ms(hours * 3_600_000);
    // Monday 12:00 UTC; in Berlin it is 13:00.
    assert_eq!(freeze.holds(at(0)), None);
    assert_eq!(freeze.holds(at(-5)), None, "Monday 08:00 there: it is over");
    assert!(freeze.holds(at(-6)).is_some(), "Monday 07:00 there");
    assert!(freeze.holds(at(-36)).is_some(), "Sunday");
    assert!(freeze.holds(at(4 * 24 + 3)).is_some(), "Friday 16:00 there");
    assert_eq!(freeze.holds(at(4 * 24 + 2)), None, "Friday 15:00 there");
    for bad in [
        "fri 16:00",
        "fri 25:00 - mon 08:00",
        "frx 1:00 - mon 2:00",
        "mon 1:00 - mon 1:00",
    ] {
        assert!(Weekly::parse(bad, Tz::UTC).is_err(), "{bad}");
    }
}

#[test]
fn nothing_runs_by_itself_without_a_rule_that_says_so() {
    let plain = directory(vec![allow("a", vec![Who::Anyone])]);
    let safe = Action {
        idempotent: true,
        reversible: true,
        ..action()
    };
    assert!(!asked(&plain, &Actor::Firebell, &safe, scope()).allowed);
    let auto = Rule {
        auto: true,
        ..allow("auto", Vec::new())
    };
    let by_itself = directory(vec![auto]);
    assert!(asked(&by_itself, &Actor::Firebell, &safe, scope()).allowed);
    assert!(
        !asked(&by_itself, &Actor::Firebell, &action(), scope()).allowed,
        "it may do harm twice"
    );
    assert!(
        !asked(&by_itself, &who("ana"), &safe, scope()).allowed,
        "it is for nobody else"
    );
    let stopped = directory(vec![
        Rule {
            auto: true,
            ..allow("auto", Vec::new())
        },
        deny("freeze"),
    ]);
    assert!(!asked(&stopped, &Actor::Firebell, &safe, scope()).allowed);
}

#[test]
fn broken_rules_let_nothing_run() {
    let mut directory = directory(vec![allow("a", vec![Who::Anyone])]);
    std::sync::Arc::make_mut(&mut directory.permits).broken = Some("rules.toml:3: x".to_owned());
    let no = asked(&directory, &who("ana"), &action(), scope());
    assert!(
        !no.allowed && no.forbidden() && no.said.contains("rules.toml:3"),
        "{no:?}"
    );
}

#[test]
fn whoever_leads_is_meant_by_their_id_and_not_by_their_name() {
    let directory = directory(vec![allow("lead", vec![Who::Lead])]);
    let lead = who("ana");
    let led = Scope {
        lead: Some(&lead),
        ..scope()
    };
    assert!(asked(&directory, &who("ana"), &action(), led).allowed);
    let same_name = Actor::Person {
        id: "bo".to_owned(),
        name: "ana".to_owned(),
    };
    assert!(!asked(&directory, &same_name, &action(), led).allowed);
}

/// A random rule whose conditions hold or not.
fn random(rng: &mut fastrand::Rng, n: usize) -> Rule {
    let whom = |rng: &mut fastrand::Rng| match rng.u8(0..6) {
        0 => Who::Anyone,
        1 => Who::Linked,
        2 => Who::Role("commander".to_owned()),
        3 => Who::Person("ana".to_owned()),
        4 => Who::Unlinked,
        _ => Who::Lead,
    };
    let some = |rng: &mut fastrand::Rng, texts: [&str; 2]| {
        let text = texts[rng.usize(0..2)];
        (rng.u8(0..3) == 0)
            .then(|| text.to_owned())
            .into_iter()
            .collect()
    };
    Rule {
        id: format!("r{n}"),
        who: (0..rng.usize(0..3)).map(|_| whom(rng)).collect(),
        class: (rng.u8(0..3) == 0).then_some(ActionClass::Remediation),
        environments: some(rng, ["prod", "staging"]),
        services: some(rng, ["checkout", "search"]),
        severities: (0..rng.usize(0..2))
            .map(|_| Severity(rng.u8(0..3)))
            .collect(),
        unless: (0..rng.usize(0..2))
            .map(|_| Severity(rng.u8(0..3)))
            .collect(),
        auto: rng.bool(),
        ..Rule::blank(rng.bool())
    }
}

#[test]
fn a_no_stands_whatever_else_is_said_and_in_whatever_order() {
    let mut rng = fastrand::Rng::with_seed(0x5e_ed);
    let (mut denials, mut allowed) = (0, 0);
    for round in 0..4000 {
        let count = rng.usize(0..6);
        let mut rules: Vec<Rule> = (0..count).map(|n| random(&mut rng, n)).collect();
        let by = match rng.u8(0..4) {
            0 => Actor::Firebell,
            1 => Actor::Unlinked {
                id: "slack:U1".to_owned(),
                name: "x".to_owned(),
            },
            2 => who("ana"),
            _ => who("bo"),
        };
        let here = Scope {
            environment: [None, Some("prod"), Some("dev")][rng.usize(0..3)],
            service: [None, Some("checkout")][rng.usize(0..2)],
            severity: Severity(rng.u8(0..3)),
            ..scope()
        };
        let before = asked(&directory(rules.clone()), &by, &action(), here);
        let matched = |v: &Verdict, allow: bool| {
            let found = v.findings.iter().filter(|f| f.rule.starts_with('r'));
            found.filter(|f| f.matched && f.allow == allow).count()
        };
        if matched(&before, false) > 0 {
            denials += 1;
            assert!(!before.allowed, "round {round}: a rule denies: {before:?}");
        }
        if before.allowed {
            allowed += 1;
            assert!(
                matched(&before, true) > 0,
                "round {round}: no rule allows: {before:?}"
            );
        }
        rng.shuffle(&mut rules);
        let other = asked(&directory(rules.clone()), &by, &action(), here);
        assert_eq!(
            before.allowed, other.allowed,
            "round {round}: the order means something"
        );
        let mut more = random(&mut rng, 9);
        more.allow = true;
        rules.push(more);
        let after = asked(&directory(rules), &by, &action(), here);
        assert!(
            matched(&before, false) == 0 || !after.allowed,
            "round {round}: a rule that allows took a no away"
        );
        assert!(
            !before.allowed || after.allowed,
            "round {round}: an allowing rule took a yes away"
        );
    }
    assert!(
        denials > 300 && allowed > 100,
        "too quiet: {denials} denials, {allowed} allowed"
    );
}

#[test]
fn seats_are_given_so_that_as_many_as_possible_are_taken() {
    // Whoever comes first could sit anywhere, the second only in the first seat.
    let both = fill(2, 2, &|person, slot| person == 0 || slot == 0);
    assert!(both.whole(), "{both:?}");
    let one = fill(3, 2, &|_, slot| slot == 0);
    assert_eq!(one.filled(), 1, "nobody fits the second seat");
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..2000 {
        let (people, slots) = (rng.usize(0..5), rng.usize(0..5));
        let table: Vec<Vec<bool>> = (0..people)
            .map(|_| (0..slots).map(|_| rng.bool()).collect())
            .collect();
        let found = fill(people, slots, &|p, s| table[p][s]);
        for (slot, seat) in found.slots.iter().enumerate() {
            assert!(
                seat.is_none_or(|p| table[p][slot]),
                "somebody sits where they may not"
            );
        }
        let seated: Vec<usize> = found.slots.iter().flatten().copied().collect();
        let mut once = seated.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(seated.len(), once.len(), "somebody sits twice");
        assert_eq!(
            found.filled(),
            best(&table, 0, &mut vec![false; slots]),
            "{table:?}"
        );
    }
}

/// By trying everything.
fn best(table: &[Vec<bool>], person: usize, taken: &mut Vec<bool>) -> usize {
    if person == table.len() {
        return 0;
    }
    let mut most = best(table, person + 1, taken);
    for slot in 0..taken.len() {
        if table[person][slot] && !taken[slot] {
            taken[slot] = true;
            most = most.max(1 + best(table, person + 1, taken));
            taken[slot] = false;
        }
    }
    most
}
