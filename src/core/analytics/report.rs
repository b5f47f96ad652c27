//! From facts to a report: a span of days beside the span before it.

use super::fact::Fact;
use super::noise::{PRIVATE, RuleNoise, noise};
use super::people::{PersonLoad, people};
use crate::core::directory::Directory;
use crate::core::fairness;
use crate::core::id::Severity;
use crate::core::postmortem::{Stage, Written};
use crate::core::time::Time;
use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Below so many cases a number is said to rest on few.
pub const FEW: usize = 5;
/// From so many cases on a ninth decile says more than the largest value.
pub const ENOUGH: usize = 10;
/// Bars of the drawing, at most.
const BARS: i64 = 60;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// First day, on the clock of `zone`.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Whose days.
    pub zone: Tz,
    /// Only of this service.
    pub service: Option<String>,
    /// Only of this team.
    pub team: Option<String>,
    /// Only of this severity.
    pub severity: Option<u8>,
    /// Minutes within which an alert went by itself; one of [`LIMITS`](super::LIMITS).
    pub minutes: u32,
}

/// Instants, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First.
    pub from: Time,
    /// First one after it.
    pub until: Time,
}

impl Asked {
    /// The days as instants.
    #[must_use]
    pub fn span(&self) -> Span {
        let (from, until) = fairness::span(self.zone, self.from, self.to);
        Span { from, until }
    }

    /// As many days before them.
    #[must_use]
    pub fn before(&self) -> Span {
        let days = u64::try_from((self.to - self.from).num_days() + 1).unwrap_or(1);
        let first = self.from.checked_sub_days(Days::new(days));
        let from = fairness::span(self.zone, first.unwrap_or(self.from), self.to).0;
        Span {
            from,
            until: self.span().from,
        }
    }

    fn fits(&self, fact: &Fact) -> bool {
        // A private incident is in no list of one service: its being there would show it.
        let one = self.service.is_some() || self.team.is_some();
        !(one && fact.private)
            && self.service.is_none_or_is(fact.service.as_deref())
            && self.team.is_none_or_is(fact.team.as_deref())
            && self.severity.is_none_or(|s| s == fact.severity)
    }
}

trait NoneOr {
    fn is_none_or_is(&self, other: Option<&str>) -> bool;
}

impl NoneOr for Option<String> {
    fn is_none_or_is(&self, other: Option<&str>) -> bool {
        self.as_deref().is_none_or(|s| Some(s) == other)
    }
}

/// How long something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Cases in which it is known.
    pub known: usize,
    /// Cases in which it is not: it did not happen, or nobody said when.
    pub unknown: usize,
    /// Half of the known cases took no longer, milliseconds.
    pub median_ms: Option<i64>,
    /// Nine in ten took no longer, milliseconds; absent below [`ENOUGH`] cases.
    pub p90_ms: Option<i64>,
}

impl Measure {
    /// Nearest rank, so that every number is one that was measured.
    fn of(mut all: Vec<i64>, unknown: usize) -> Measure {
        all.sort_unstable();
        let n = all.len();
        let rank = |percent: usize| {
            all.get((n * percent).div_ceil(100).saturating_sub(1))
                .copied()
        };
        Measure {
            known: n,
            unknown,
            median_ms: rank(50),
            p90_ms: rank(90).filter(|_| n >= ENOUGH),
        }
    }

    /// It rests on few cases.
    #[must_use]
    pub fn few(&self) -> bool {
        self.known > 0 && self.known < FEW
    }
}

/// The four lengths of some incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// What they have in common, as it is stored; empty: nothing.
    pub key: String,
    /// The same for people.
    pub name: String,
    /// Incidents.
    pub count: usize,
    /// From the begin of the earliest alert to the opening.
    pub detect: Measure,
    /// From the opening to the first acknowledgement.
    pub acknowledge: Measure,
    /// From the opening until the harm was said to be over.
    pub mitigate: Measure,
    /// From the opening to the end.
    pub resolve: Measure,
}

impl Row {
    /// The four with what they are called.
    #[must_use]
    pub fn measures(&self) -> [(&'static str, Measure); 4] {
        [
            ("detect", self.detect),
            ("acknowledge", self.acknowledge),
            ("mitigate", self.mitigate),
            ("resolve", self.resolve),
        ]
    }
}

#[derive(Default)]
struct Sample {
    count: usize,
    lengths: [Vec<i64>; 4],
}

impl Sample {
    fn add(&mut self, fact: &Fact) {
        self.count += 1;
        let all = [
            fact.detect,
            fact.acknowledge,
            fact.mitigate,
            Some(fact.resolve),
        ];
        for (slot, length) in self.lengths.iter_mut().zip(all) {
            slot.extend(length);
        }
    }

    fn row(self, key: &str, name: String) -> Row {
        let count = self.count;
        let [detect, acknowledge, mitigate, resolve] = self.lengths.map(|all| {
            let unknown = count - all.len();
            Measure::of(all, unknown)
        });
        Row {
            key: key.to_owned(),
            name,
            count,
            detect,
            acknowledge,
            mitigate,
            resolve,
        }
    }
}

/// Rows of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouped {
    /// `service`, `team`, `severity`, `type`.
    pub by: &'static str,
    /// The largest first; severities by the scale.
    pub rows: Vec<Row>,
}

/// One bar of the drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Incidents by severity.
    pub by_severity: BTreeMap<u8, u32>,
    /// Median of the time to acknowledge, milliseconds.
    pub acknowledge_ms: Option<i64>,
    /// Median of the time to resolve, milliseconds.
    pub resolve_ms: Option<i64>,
}

/// How well an action does what it should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionRate {
    /// Id.
    pub action: String,
    /// Runs that were started.
    pub runs: u32,
    /// It did what it should.
    pub worked: u32,
    /// It did not.
    pub failed: u32,
    /// Nobody knows, or it was stopped.
    pub unknown: u32,
    /// Of the runs, those firebell started by itself.
    pub by_itself: u32,
}

/// Postmortems and their action items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Postmortems that have a deadline.
    pub due: usize,
    /// Reviewed by then.
    pub in_time: usize,
    /// Reviewed later.
    pub late: usize,
    /// Not reviewed and past it.
    pub overdue: usize,
    /// Not reviewed, and there is still time.
    pub running: usize,
    /// Closed, and when it was reviewed is not known.
    pub unknown: usize,
    /// Action items that are done.
    pub items_done: usize,
    /// Action items that are not.
    pub items_open: usize,
    /// Of these, past their day.
    pub items_overdue: usize,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was asked.
    pub asked: Asked,
    /// All incidents of the span.
    pub all: Row,
    /// All of the span before.
    pub before: Row,
    /// Drills of the span: they count for nothing else.
    pub drills: usize,
    /// Incidents that joined another one: that one counts for both.
    pub merged: usize,
    /// Incidents of the span that only few may see: counted, and named nowhere.
    pub private: usize,
    /// By service, team, severity and type.
    pub groups: Vec<Grouped>,
    /// Over time.
    pub series: Vec<Bucket>,
    /// By person.
    pub people: Vec<PersonLoad>,
    /// By rule.
    pub rules: Vec<RuleNoise>,
    /// By action.
    pub actions: Vec<ActionRate>,
    /// Postmortems of the span's incidents.
    pub ledger: Ledger,
}

/// Counts. `facts`: of incidents opened in the span and in the one before, in the order of their
/// opening. `ledger`: of the span's postmortems.
#[must_use]
pub fn report(directory: &Directory, asked: &Asked, facts: &[Fact], ledger: Ledger) -> Report {
    let (span, before) = (asked.span(), asked.before());
    let within = |s: Span, f: &Fact| f.opened >= s.from && f.opened < s.until;
    let of = |s: Span| {
        let fits = facts.iter().filter(move |f| within(s, f) && asked.fits(f));
        fits.collect::<Vec<&Fact>>()
    };
    let (now, then) = (of(span), of(before));
    // Pages, alerts and runs of what was merged were real; as an incident the survivor counts.
    let real: Vec<&Fact> = now.iter().filter(|f| !f.drill).copied().collect();
    let real_then: Vec<&Fact> = then.iter().filter(|f| !f.drill).copied().collect();
    let counted: Vec<&Fact> = real.iter().filter(|f| !f.merged).copied().collect();
    Report {
        asked: asked.clone(),
        all: sample(counted.iter().copied(), "", "All"),
        before: sample(
            real_then.iter().filter(|f| !f.merged).copied(),
            "",
            "The span before",
        ),
        drills: now.len() - real.len(),
        merged: real.len() - counted.len(),
        private: counted.iter().filter(|f| f.private).count(),
        groups: groups(directory, &counted),
        series: series(asked, &counted),
        people: people(directory, asked.zone, &real, &real_then),
        rules: noise(real.iter().copied(), asked.minutes),
        actions: actions(&real),
        ledger,
    }
}

fn sample<'f>(facts: impl Iterator<Item = &'f Fact>, key: &str, name: &str) -> Row {
    let mut sample = Sample::default();
    for fact in facts {
        sample.add(fact);
    }
    sample.row(key, name.to_owned())
}

fn groups(directory: &Directory, facts: &[&Fact]) -> Vec<Grouped> {
    let service = |f: &Fact| f.service.clone();
    let team = |f: &Fact| f.team.clone();
    let kind = |f: &Fact| f.kind.clone();
    let named = |id: &str| {
        let service = directory.services.get(id).map(|s| s.name.clone());
        service.unwrap_or_else(|| id.to_owned())
    };
    let team_named = |id: &str| {
        let team = directory.teams.get(id).map(|t| t.name.clone());
        team.unwrap_or_else(|| id.to_owned())
    };
    let mut out = vec![
        grouped("service", facts, &service, &named),
        grouped("team", facts, &team, &team_named),
        severities(directory, facts),
    ];
    if facts.iter().any(|f| f.kind.is_some()) {
        out.push(grouped("type", facts, &kind, &str::to_owned));
    }
    out
}

fn grouped(
    by: &'static str,
    facts: &[&Fact],
    key: &dyn Fn(&Fact) -> Option<String>,
    name: &dyn Fn(&str) -> String,
) -> Grouped {
    let mut samples: BTreeMap<(bool, Option<String>), Sample> = BTreeMap::new();
    for fact in facts {
        // Which service a private incident is of would show that there is one.
        let key = if fact.private { None } else { key(fact) };
        samples.entry((fact.private, key)).or_default().add(fact);
    }
    let row = |((private, key), sample): ((bool, Option<String>), Sample)| match key {
        Some(id) => sample.row(&id, name(&id)),
        None if private => sample.row("", PRIVATE.to_owned()),
        None => sample.row("", format!("no {by}")),
    };
    let mut rows: Vec<Row> = samples.into_iter().map(row).collect();
    rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    Grouped { by, rows }
}

fn severities(directory: &Directory, facts: &[&Fact]) -> Grouped {
    let mut samples: BTreeMap<u8, Sample> = BTreeMap::new();
    for fact in facts {
        samples.entry(fact.severity).or_default().add(fact);
    }
    let row = |(severity, sample): (u8, Sample)| {
        let name = directory.severity_name(Severity(severity));
        sample.row(&name.clone(), name)
    };
    Grouped {
        by: "severity",
        rows: samples.into_iter().map(row).collect(),
    }
}

/// Days, or as many days together as make at most [`BARS`] bars.
fn series(asked: &Asked, facts: &[&Fact]) -> Vec<Bucket> {
    let days = (asked.to - asked.from).num_days() + 1;
    let width = match (days + BARS - 1) / BARS {
        1 => 1,
        // Weeks are what people know.
        n => (n + 6) / 7 * 7,
    };
    let width = u64::try_from(width).unwrap_or(7);
    let mut buckets: Vec<(Time, Bucket, [Vec<i64>; 2])> = Vec::new();
    let mut from = asked.from;
    while from <= asked.to {
        let next = from
            .checked_add_days(Days::new(width))
            .unwrap_or(NaiveDate::MAX);
        let to = next.pred_opt().unwrap_or(next).min(asked.to);
        let bucket = Bucket {
            from,
            to,
            by_severity: BTreeMap::new(),
            acknowledge_ms: None,
            resolve_ms: None,
        };
        buckets.push((
            fairness::span(asked.zone, from, to).0,
            bucket,
            [Vec::new(), Vec::new()],
        ));
        from = next;
    }
    for fact in facts {
        let at = buckets.partition_point(|(begin, ..)| *begin <= fact.opened);
        let Some((_, bucket, lengths)) = at.checked_sub(1).and_then(|n| buckets.get_mut(n)) else {
            continue;
        };
        *bucket.by_severity.entry(fact.severity).or_default() += 1;
        lengths[0].extend(fact.acknowledge);
        lengths[1].push(fact.resolve);
    }
    buckets
        .into_iter()
        .map(|(_, bucket, [acknowledge, resolve])| Bucket {
            acknowledge_ms: Measure::of(acknowledge, 0).median_ms,
            resolve_ms: Measure::of(resolve, 0).median_ms,
            ..bucket
        })
        .collect()
}

fn actions(facts: &[&Fact]) -> Vec<ActionRate> {
    let mut rates: BTreeMap<&str, ActionRate> = BTreeMap::new();
    for run in facts.iter().flat_map(|f| &f.runs) {
        let rate = rates.entry(&run.action).or_default();
        rate.runs += run.worked + run.failed + run.unknown;
        rate.worked += run.worked;
        rate.failed += run.failed;
        rate.unknown += run.unknown;
        rate.by_itself += run.by_itself;
    }
    let mut out: Vec<ActionRate> = rates
        .into_iter()
        .map(|(action, rate)| ActionRate {
            action: action.to_owned(),
            ..rate
        })
        .collect();
    out.sort_by(|a, b| b.runs.cmp(&a.runs).then_with(|| a.action.cmp(&b.action)));
    out
}

/// Whether postmortems were reviewed in time, and what is still to be done.
#[must_use]
pub fn timeliness<'w>(
    written: impl IntoIterator<Item = &'w Written>,
    now: Time,
    zone: Tz,
) -> Ledger {
    let mut ledger = Ledger::default();
    let today = fairness::today(zone, now);
    for w in written {
        for item in &w.items {
            match item.done_at {
                Some(_) => ledger.items_done += 1,
                None => {
                    ledger.items_open += 1;
                    ledger.items_overdue += usize::from(item.due.is_some_and(|d| d < today));
                }
            }
        }
        let Some(due) = w.due else { continue };
        ledger.due += 1;
        let slot = match (w.stage, w.since <= due) {
            (Stage::Reviewed | Stage::Closed, true) => &mut ledger.in_time,
            (Stage::Reviewed, false) => &mut ledger.late,
            (Stage::Closed, false) => &mut ledger.unknown,
            _ if due <= now => &mut ledger.overdue,
            _ => &mut ledger.running,
        };
        *slot += 1;
    }
    ledger
}
