//! A report in words for chats and terminals, and as sheets for programs.

use super::noise::share;
use super::report::{ActionRate, Asked, Measure, Report, Row};
use super::{PersonLoad, RuleNoise};
use crate::core::directory::Directory;
use crate::core::postmortem::csv_row;
use crate::core::text::count;
use crate::core::time::human_ms;
use std::fmt::Write as _;

/// The sheets there are.
pub const TABLES: [&str; 4] = ["incidents", "people", "rules", "actions"];
/// Lines of a part of the answer in words.
const LINES: usize = 5;

/// The report in words, a few lines a part.
#[must_use]
pub fn told(directory: &Directory, report: &Report) -> String {
    let (all, before) = (&report.all, &report.before);
    let mut out = format!(
        "{} to {}{}: {}",
        report.asked.from,
        report.asked.to,
        narrowed(directory, &report.asked),
        count(all.count, "incident")
    );
    let _ = write!(out, ", {} in as many days before.", before.count);
    let _ = write!(out, "{}", left_out(report));
    for ((name, now), (_, then)) in all.measures().iter().zip(before.measures()) {
        let _ = write!(out, "\nTime to {name}: {}", measured(*now));
        out.push_str(&compared(*now, then));
    }
    for group in &report.groups {
        if group.rows.len() < 2 {
            continue;
        }
        let rows: Vec<String> = group.rows.iter().take(LINES).map(short).collect();
        let _ = write!(out, "\nBy {}: {}", group.by, rows.join("; "));
        let more = group.rows.len().saturating_sub(LINES);
        if more > 0 {
            let _ = write!(out, "; and {more} more");
        }
    }
    for person in report.people.iter().filter(|p| p.pages > 0).take(LINES) {
        let _ = write!(
            out,
            "\n{}: {}, {} at night, {} on weekends, {}",
            directory.person_name(&person.person),
            count(person.pages as usize, "page"),
            person.at_night,
            person.on_weekends,
            woken(person.interruptions),
        );
    }
    for rule in report
        .rules
        .iter()
        .filter(|r| !r.advice.is_empty())
        .take(LINES)
    {
        let _ = write!(out, "\nNoise, {}: {}", rule.rule, rule.advice);
    }
    for action in report.actions.iter().take(LINES) {
        let _ = write!(out, "\n{}", rate(action));
    }
    let l = &report.ledger;
    if l.due > 0 || l.items_open > 0 {
        let _ = write!(
            out,
            "\nPostmortems: {} of {} reviewed in time, {} overdue; action items: {} open, {} overdue.",
            l.in_time, l.due, l.overdue, l.items_open, l.items_overdue
        );
    }
    out
}

/// `woken from sleep once`, `3 times`.
fn woken(times: u32) -> String {
    match times {
        0 => "never woken from sleep".to_owned(),
        1 => "woken from sleep once".to_owned(),
        n => format!("woken from sleep {n} times"),
    }
}

/// What was asked beside the days, to stand behind them.
fn narrowed(directory: &Directory, asked: &Asked) -> String {
    let severity = asked
        .severity
        .map(|s| directory.severity_name(crate::core::id::Severity(s)));
    let parts = [
        asked.service.as_ref().map(|s| format!("service {s}")),
        asked.team.as_ref().map(|t| format!("team {t}")),
        severity,
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    }
}

fn left_out(report: &Report) -> String {
    let mut out = String::new();
    if report.drills > 0 {
        let _ = write!(out, " {} left out.", count(report.drills, "drill"));
    }
    if report.merged > 0 {
        let _ = write!(
            out,
            " {} joined another one and count with it.",
            count(report.merged, "incident")
        );
    }
    out
}

/// `median 4m, nine in ten within 20m (of 31; 2 unknown)`.
#[must_use]
pub fn measured(m: Measure) -> String {
    let Some(median) = m.median_ms else {
        return match m.unknown {
            0 => "nothing to measure".to_owned(),
            n => format!("unknown in all {n}"),
        };
    };
    let mut out = format!("median {}", human_ms(median));
    if let Some(p90) = m.p90_ms {
        let _ = write!(out, ", nine in ten within {}", human_ms(p90));
    }
    let _ = write!(out, " (of {}", m.known);
    if m.few() {
        out.push_str(", which are few");
    }
    if m.unknown > 0 {
        let _ = write!(out, "; {} unknown", m.unknown);
    }
    out.push(')');
    out
}

/// Beside the span before, where both rest on enough.
fn compared(now: Measure, then: Measure) -> String {
    match (now.median_ms, then.median_ms) {
        (Some(a), Some(b)) if !now.few() && !then.few() => {
            format!("; before: {}", human_ms(b))
                + match a.cmp(&b) {
                    std::cmp::Ordering::Less => ", so faster now",
                    std::cmp::Ordering::Greater => ", so slower now",
                    std::cmp::Ordering::Equal => ", the same",
                }
        }
        (Some(_), Some(_)) => "; too few to compare".to_owned(),
        _ => String::new(),
    }
}

fn short(row: &Row) -> String {
    let median = row.resolve.median_ms.map_or(String::new(), |ms| {
        format!(", resolved in {}", human_ms(ms))
    });
    format!("{} {}{median}", row.name, row.count)
}

/// `restart: 12 runs, 9 worked, 2 failed, 1 unknown`.
fn rate(a: &ActionRate) -> String {
    format!(
        "Action {}: {}, {} worked ({}%), {} failed, {} unknown",
        a.action,
        count(a.runs as usize, "run"),
        a.worked,
        share(a.worked, a.runs),
        a.failed,
        a.unknown
    )
}

/// One of [`TABLES`] as RFC 4180; a field a spreadsheet would take for a formula is defused. `None`:
/// there is no such table.
#[must_use]
pub fn csv(directory: &Directory, report: &Report, table: &str) -> Option<String> {
    let mut out = String::new();
    match table {
        "incidents" => incidents(&mut out, report),
        "people" => {
            people(&mut out, directory, &report.people);
        }
        "rules" => rules(&mut out, &report.rules, report.asked.minutes),
        "actions" => actions(&mut out, &report.actions),
        _ => return None,
    }
    Some(out)
}

fn incidents(out: &mut String, report: &Report) {
    csv_row(
        out,
        [
            "by",
            "name",
            "incidents",
            "detect known",
            "detect median ms",
            "detect p90 ms",
            "acknowledge known",
            "acknowledge median ms",
            "acknowledge p90 ms",
            "mitigate known",
            "mitigate median ms",
            "mitigate p90 ms",
            "resolve known",
            "resolve median ms",
            "resolve p90 ms",
        ],
    );
    incident_row(out, "all", &report.all);
    incident_row(out, "span before", &report.before);
    for group in &report.groups {
        for row in &group.rows {
            incident_row(out, group.by, row);
        }
    }
}

fn incident_row(out: &mut String, by: &str, row: &Row) {
    let text = |ms: Option<i64>| ms.map_or(String::new(), |ms| ms.to_string());
    let count = row.count.to_string();
    let cells = row
        .measures()
        .map(|(_, m)| [m.known.to_string(), text(m.median_ms), text(m.p90_ms)]);
    let [d, a, m, r] = &cells;
    csv_row(
        out,
        [
            by, &row.name, &count, &d[0], &d[1], &d[2], &a[0], &a[1], &a[2], &m[0], &m[1], &m[2],
            &r[0], &r[1], &r[2],
        ],
    );
}

fn people(out: &mut String, directory: &Directory, all: &[PersonLoad]) {
    csv_row(
        out,
        [
            "person",
            "name",
            "pages",
            "incidents",
            "at night",
            "on weekends",
            "sleep interruptions",
            "pages before",
        ],
    );
    for p in all {
        let numbers = [
            p.pages,
            p.incidents,
            p.at_night,
            p.on_weekends,
            p.interruptions,
            p.before,
        ]
        .map(|n| n.to_string());
        let name = directory.person_name(&p.person);
        csv_row::<8>(out, cells(&[&p.person, &name], &numbers, &[]));
    }
}

fn rules(out: &mut String, all: &[RuleNoise], minutes: u32) {
    let within = format!("cleared by itself within {minutes} min");
    csv_row(
        out,
        [
            "rule",
            "fired",
            "incidents",
            "never acknowledged",
            &within,
            "repeated",
            "advice",
        ],
    );
    for r in all {
        let numbers = [
            r.fired,
            r.incidents,
            r.unacknowledged,
            r.by_itself,
            r.repeated,
        ]
        .map(|n| n.to_string());
        csv_row::<7>(out, cells(&[&r.rule], &numbers, &[&r.advice]));
    }
}

fn actions(out: &mut String, all: &[ActionRate]) {
    csv_row(
        out,
        ["action", "runs", "worked", "failed", "unknown", "by itself"],
    );
    for a in all {
        let numbers = [a.runs, a.worked, a.failed, a.unknown, a.by_itself].map(|n| n.to_string());
        csv_row::<6>(out, cells(&[&a.action], &numbers, &[]));
    }
}

/// Texts, numbers and texts as one line; what is beyond its length is left out, what lacks is empty.
fn cells<'c, const N: usize>(
    front: &[&'c str],
    numbers: &'c [String],
    behind: &[&'c str],
) -> [&'c str; N] {
    let mut all = front
        .iter()
        .copied()
        .chain(numbers.iter().map(String::as_str))
        .chain(behind.iter().copied());
    std::array::from_fn(|_| all.next().unwrap_or_default())
}
