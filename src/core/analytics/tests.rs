//! Numbers against a slow oracle, over random incidents; and what is said about few cases.

use super::*;
use crate::core::directory::Directory;
use crate::core::id::Actor;
use crate::core::postmortem::{Item, Priority, Stage, Written};
use crate::core::time::Time;
use chrono::NaiveDate;
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: i64 = 86_400_000;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn asked(zone: Tz) -> Asked {
    Asked {
        from: day("2026-10-12"),
        to: day("2026-11-10"),
        zone,
        service: None,
        team: None,
        severity: None,
        minutes: 10,
    }
}

fn random(rng: &mut fastrand::Rng, begin: Time) -> Fact {
    let pick = |rng: &mut fastrand::Rng, all: &[&str]| {
        let n = rng.usize(0..=all.len());
        all.get(n).map(|s| (*s).to_owned())
    };
    let resolve = rng.i64(0..20_000_000);
    let rule = |rng: &mut fastrand::Rng| {
        let fired = rng.u32(1..6);
        let mut quick: Vec<u32> = (0..LIMITS.len()).map(|_| rng.u32(0..=fired)).collect();
        quick.sort_unstable();
        RuleFact {
            rule: ["Slow", "Down", "Full"][rng.usize(0..3)].to_owned(),
            fired,
            distinct: rng.u32(1..=fired),
            quick: if rng.bool() { quick } else { Vec::new() },
        }
    };
    let mut rules: Vec<RuleFact> = (0..rng.usize(0..3)).map(|_| rule(rng)).collect();
    rules.sort_by(|a, b| a.rule.cmp(&b.rule));
    rules.dedup_by(|a, b| a.rule == b.rule);
    Fact {
        opened: begin.plus_ms(rng.i64(0..70 * DAY_MS)),
        detect: rng.bool().then(|| rng.i64(0..600_000)),
        acknowledge: rng.bool().then(|| rng.i64(0..=resolve)),
        mitigate: rng.bool().then(|| rng.i64(0..=resolve)),
        resolve,
        severity: rng.u8(0..3),
        service: pick(rng, &["checkout", "search"]),
        team: pick(rng, &["web"]),
        kind: pick(rng, &["security"]),
        private: rng.u8(0..5) == 0,
        drill: rng.u8(0..5) == 0,
        merged: rng.u8(0..5) == 0,
        reopened: 0,
        rules,
        pages: (0..rng.usize(0..4))
            .map(|_| {
                (
                    ["ana", "bo"][rng.usize(0..2)].to_owned(),
                    rng.i64(0..7_200_000),
                )
            })
            .collect(),
        runs: (0..rng.usize(0..2))
            .map(|_| RunFact {
                action: "restart".to_owned(),
                worked: rng.u32(0..2),
                failed: rng.u32(0..2),
                unknown: rng.u32(0..2),
                by_itself: 0,
            })
            .collect(),
    }
}

/// By definition and by hand: the smallest measured value that so many percent do not exceed.
fn quantile(all: &[i64], percent: usize) -> Option<i64> {
    let mut candidates: Vec<i64> = all.to_vec();
    candidates.sort_unstable();
    candidates.into_iter().find(|c| {
        let below = all.iter().filter(|v| *v <= c).count();
        below * 100 >= percent * all.len()
    })
}

type Get = fn(&Fact) -> Option<i64>;

struct Oracle<'f> {
    facts: Vec<&'f Fact>,
}

impl Oracle<'_> {
    fn check(&self, row: &Row, fits: impl Fn(&Fact) -> bool) {
        let mine: Vec<&&Fact> = self.facts.iter().filter(|f| fits(f)).collect();
        assert_eq!(row.count, mine.len(), "{}", row.name);
        let gets: [Get; 4] = [
            |f| f.detect,
            |f| f.acknowledge,
            |f| f.mitigate,
            |f| Some(f.resolve),
        ];
        for ((name, measure), get) in row.measures().into_iter().zip(gets) {
            let known: Vec<i64> = mine.iter().filter_map(|f| get(f)).collect();
            assert_eq!(measure.known, known.len(), "{name}");
            assert_eq!(measure.unknown, mine.len() - known.len(), "{name}");
            assert_eq!(measure.median_ms, quantile(&known, 50), "{name}");
            let p90 = quantile(&known, 90).filter(|_| known.len() >= ENOUGH);
            assert_eq!(measure.p90_ms, p90, "{name}");
        }
    }
}

#[test]
fn a_report_says_what_counting_by_hand_says_over_random_incidents() {
    let directory = Directory::default();
    for seed in 0..60u64 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let zone = [Tz::UTC, Tz::Asia__Tokyo, Tz::America__New_York][rng.usize(0..3)];
        let asked = asked(zone);
        let begin = asked.before().from.plus_ms(-5 * DAY_MS);
        let mut facts: Vec<Fact> = (0..rng.usize(0..120))
            .map(|_| random(&mut rng, begin))
            .collect();
        facts.sort_by_key(|f| f.opened);
        let told = report(&directory, &asked, &facts, Ledger::default());
        let within = |f: &Fact, s: Span| f.opened >= s.from && f.opened < s.until;
        let span = asked.span();
        let real: Vec<&Fact> = facts
            .iter()
            .filter(|f| within(f, span) && !f.drill)
            .collect();
        let oracle = Oracle {
            facts: real.iter().filter(|f| !f.merged).copied().collect(),
        };
        oracle.check(&told.all, |_| true);
        let before = Oracle {
            facts: facts
                .iter()
                .filter(|f| within(f, asked.before()) && !f.drill && !f.merged)
                .collect(),
        };
        before.check(&told.before, |_| true);
        for group in &told.groups {
            let sum: usize = group.rows.iter().map(|r| r.count).sum();
            assert_eq!(
                sum, told.all.count,
                "every incident is in one row of {}",
                group.by
            );
            for row in &group.rows {
                let private = row.name == "private incidents";
                let key = (!row.key.is_empty()).then(|| row.key.clone());
                match group.by {
                    "service" => oracle.check(row, |f| {
                        f.private == private && (private || f.service == key)
                    }),
                    "team" => {
                        oracle.check(row, |f| f.private == private && (private || f.team == key));
                    }
                    "type" => {
                        oracle.check(row, |f| f.private == private && (private || f.kind == key));
                    }
                    _ => oracle.check(row, |f| {
                        directory.severity_name(crate::core::id::Severity(f.severity)) == row.key
                    }),
                }
            }
        }
        let bars: u32 = told
            .series
            .iter()
            .flat_map(|b| b.by_severity.values())
            .sum();
        assert_eq!(bars as usize, told.all.count);
        check_people(&told, &real, zone);
        check_rules(&told, &real);
        let runs: u32 = real
            .iter()
            .flat_map(|f| &f.runs)
            .map(|r| r.worked + r.failed + r.unknown)
            .sum();
        assert_eq!(told.actions.iter().map(|a| a.runs).sum::<u32>(), runs);
        assert_eq!(
            told.drills,
            facts.iter().filter(|f| within(f, span) && f.drill).count()
        );
        // Whatever it is, it can be said and written.
        assert!(!sheet::told(&directory, &told).is_empty());
        for table in TABLES {
            assert!(csv(&directory, &told, table).unwrap().ends_with("\r\n"));
        }
    }
}

fn check_people(told: &Report, real: &[&Fact], zone: Tz) {
    use chrono::{Datelike, TimeZone, Timelike};
    let mut pages: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for f in real {
        for (person, after) in &f.pages {
            pages.entry(person).or_default().push(f.opened.0 + after);
        }
    }
    for load in &told.people {
        let mut mine = pages.remove(load.person.as_str()).unwrap_or_default();
        assert_eq!(load.pages as usize, mine.len());
        mine.sort_unstable();
        let wall = |ms: &i64| zone.from_utc_datetime(&Time(*ms).utc().naive_utc());
        let night: Vec<i64> = mine
            .iter()
            .copied()
            .filter(|t| !(7..22).contains(&wall(t).hour()))
            .collect();
        assert_eq!(load.at_night as usize, night.len());
        let weekend = mine
            .iter()
            .filter(|t| wall(t).weekday().number_from_monday() > 5);
        assert_eq!(load.on_weekends as usize, weekend.count());
        // A page that has another one of the night within half an hour before it wakes nobody anew.
        let woken = (0..night.len())
            .filter(|n| *n == 0 || night[*n] - night[n - 1] > 1_800_000)
            .count();
        assert_eq!(load.interruptions as usize, woken);
    }
    assert!(pages.is_empty(), "{pages:?}");
}

fn check_rules(told: &Report, real: &[&Fact]) {
    let names: BTreeSet<&str> = real
        .iter()
        .flat_map(|f| {
            f.rules.iter().map(|r| {
                if f.private {
                    "private incidents"
                } else {
                    r.rule.as_str()
                }
            })
        })
        .collect();
    let found: BTreeSet<&str> = told.rules.iter().map(|r| r.rule.as_str()).collect();
    assert_eq!(names, found);
    let ten = LIMITS.iter().position(|l| *l == 10).unwrap();
    for noise in &told.rules {
        let mine: Vec<(&Fact, &RuleFact)> = real
            .iter()
            .flat_map(|f| f.rules.iter().map(move |r| (*f, r)))
            .filter(|(f, r)| {
                if f.private {
                    noise.rule == "private incidents"
                } else {
                    r.rule == noise.rule
                }
            })
            .collect();
        let sum = |get: &dyn Fn(&(&Fact, &RuleFact)) -> u32| mine.iter().map(get).sum::<u32>();
        assert_eq!(noise.fired, sum(&|(_, r)| r.fired));
        assert_eq!(
            noise.by_itself,
            sum(&|(_, r)| r.quick.get(ten).copied().unwrap_or(0))
        );
        assert_eq!(
            noise.unacknowledged,
            sum(&|(f, r)| if f.acknowledge.is_none() { r.fired } else { 0 })
        );
        assert!(noise.repeated <= noise.fired && noise.noisy() <= 100);
        assert!(noise.advice.is_empty() || noise.fired >= 5);
    }
}

#[test]
fn few_cases_are_said_to_be_few_and_compared_with_nothing() {
    let asked = asked(Tz::UTC);
    let fact = |n: i64, at: Time| Fact {
        opened: at.plus_ms(n * 3_600_000),
        acknowledge: Some(60_000 * (n + 1)),
        resolve: 600_000,
        ..Fact::default()
    };
    let (span, before) = (asked.span(), asked.before());
    let mut facts: Vec<Fact> = (0..9).map(|n| fact(n, before.from)).collect();
    facts.extend((0..3).map(|n| fact(n, span.from)));
    let told = report(&Directory::default(), &asked, &facts, Ledger::default());
    assert!(told.all.acknowledge.few() && !told.before.acknowledge.few());
    assert_eq!(
        told.before.acknowledge.p90_ms, None,
        "the largest of nine is no ninth decile"
    );
    let words = sheet::told(&Directory::default(), &told);
    assert!(
        words.contains("median 2m (of 3, which are few); too few to compare"),
        "{words}"
    );
    assert!(
        words.contains("Time to mitigate: unknown in all 3"),
        "{words}"
    );
    assert!(
        words.starts_with("2026-10-12 to 2026-11-10: 3 incidents, 9 in as many days before."),
        "{words}"
    );
}

#[test]
fn a_private_incident_is_counted_and_named_nowhere() {
    let asked = asked(Tz::UTC);
    let fact = Fact {
        opened: asked.span().from,
        service: Some("checkout".to_owned()),
        team: Some("web".to_owned()),
        kind: Some("security".to_owned()),
        private: true,
        rules: vec![RuleFact {
            rule: "Breach".to_owned(),
            fired: 9,
            distinct: 1,
            quick: Vec::new(),
        }],
        ..Fact::default()
    };
    let facts = [fact];
    let directory = Directory::default();
    let told = report(&directory, &asked, &facts, Ledger::default());
    assert_eq!((told.all.count, told.private), (1, 1));
    let mut shown = sheet::told(&directory, &told);
    for table in TABLES {
        shown.push_str(&csv(&directory, &told, table).unwrap());
    }
    for secret in ["checkout", "web", "security", "Breach"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    let of = Asked {
        service: Some("checkout".to_owned()),
        ..asked
    };
    let narrowed = report(&directory, &of, &facts, Ledger::default());
    assert_eq!(
        narrowed.all.count, 0,
        "asking for a service shows nothing either"
    );
}

#[test]
fn no_name_becomes_a_formula_of_a_spreadsheet() {
    let asked = asked(Tz::UTC);
    let rule = |name: &str| RuleFact {
        rule: name.to_owned(),
        fired: 1,
        distinct: 1,
        quick: Vec::new(),
    };
    let fact = Fact {
        opened: asked.span().from,
        rules: vec![
            rule("=cmd|'/c calc'!A1"),
            rule("+1"),
            rule("@SUM(1)"),
            rule("a\"b"),
        ],
        ..Fact::default()
    };
    let told = report(&Directory::default(), &asked, &[fact], Ledger::default());
    let sheet = csv(&Directory::default(), &told, "rules").unwrap();
    for line in ["\"'=cmd", "\"'+1\"", "\"'@SUM", "\"a\"\"b\""] {
        assert!(sheet.contains(line), "{line}: {sheet}");
    }
    assert_eq!(csv(&Directory::default(), &told, "salaries"), None);
}

#[test]
fn a_postmortem_is_in_time_late_overdue_or_still_running() {
    let now = Time(1_795_348_800_000);
    let with = |stage, since: i64, due: Option<i64>| Written {
        stage,
        since: now.plus_ms(since),
        due: due.map(|d| now.plus_ms(d)),
        ..Written::default()
    };
    let item = |due: &str, done| Item {
        id: 1,
        what: "x".to_owned(),
        owner: None,
        due: Some(day(due)),
        priority: Priority::default(),
        link: String::new(),
        external: None,
        task: false,
        done_at: done,
        by: Actor::Firebell,
    };
    let mut first = with(Stage::Reviewed, -2 * DAY_MS, Some(-DAY_MS));
    first.items = vec![
        item("2026-11-01", None),
        item("2026-11-01", Some(now)),
        item("2026-12-24", None),
    ];
    let all = [
        first,
        with(Stage::Reviewed, -DAY_MS, Some(-2 * DAY_MS)),
        with(Stage::Draft, -DAY_MS, Some(-DAY_MS)),
        with(Stage::InReview, -DAY_MS, Some(DAY_MS)),
        with(Stage::Closed, 0, Some(-DAY_MS)),
        with(Stage::Draft, 0, None),
    ];
    let l = timeliness(&all, now, Tz::UTC);
    assert_eq!(
        (l.due, l.in_time, l.late, l.overdue, l.running, l.unknown),
        (5, 1, 1, 1, 1, 1)
    );
    assert_eq!((l.items_open, l.items_overdue, l.items_done), (2, 1, 1));
}
