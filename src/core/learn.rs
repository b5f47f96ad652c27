//! What worked before: lessons of past incidents, and what they say about an action.
//!
//! Pure and deterministic: a lesson is read from one journal and from nothing else, so all of it
//! can be read again at any time and comes out the same. Counting is honest by three rules: what
//! was merged, muted or only a drill teaches nothing; an action is compared with incidents that
//! were left alone for as long as it usually took to start it; and what is said rests on the lower
//! bound of Wilson's interval, which few cases keep low.

#[cfg(test)]
mod tests;

use super::alert::Labels;
use super::directory::{Action, ActionClass, AutoLevel, Directory};
use super::id::{Actor, IncidentId, RunId};
use super::incident::practised;
use super::incident::{Event, Incident, Origin, Outcome, Record, RunState};
use super::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Labels that tell places apart and not single machines; the rest of an alert's labels is too
/// fickle to be a pattern.
const STABLE: [&str; 6] = [
    "cluster",
    "env",
    "environment",
    "namespace",
    "region",
    "zone",
];
/// Incidents of one pattern that are looked back on.
pub const LOOK_BACK: usize = 20;
/// How soon a recovery counts, milliseconds, and the second, laxer look.
pub const SOON_MS: i64 = 10 * 60_000;
/// The laxer one.
pub const LATER_MS: i64 = 15 * 60_000;
/// Incidents an action must have run in before anything is said.
pub const ENOUGH: usize = 3;
/// Incidents left alone from which on they are a comparison.
const COMPARABLE: usize = 2;
/// The lower bound from which on it is offered.
const WORTH: f64 = 0.3;
/// Clean runs in a row before the next level is proposed.
pub const CLEAN: usize = 5;
/// Different people who started them.
pub const PEOPLE: usize = 2;
/// 95 % of a normal distribution lie below so many standard deviations.
const Z: f64 = 1.644_853_626_951_472_2;

/// What an incident is an example of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pattern {
    /// Service id.
    pub service: String,
    /// Name of the alert that opened it.
    pub alert: String,
    /// Its stable labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: Labels,
}

impl Pattern {
    /// The pattern of an incident of this service with these labels; `None`: no alert opened it, or
    /// it is of no service.
    #[must_use]
    pub fn of(service: Option<&str>, labels: &Labels) -> Option<Pattern> {
        let stable = labels
            .iter()
            .filter(|(name, value)| STABLE.contains(&name.as_str()) && !value.is_empty());
        Some(Pattern {
            service: service?.to_owned(),
            alert: labels.get("alertname").filter(|a| !a.is_empty())?.clone(),
            labels: stable.map(|(n, v)| (n.clone(), v.clone())).collect(),
        })
    }

    /// `HighErrorRate on checkout (env=prod)`.
    #[must_use]
    pub fn words(&self) -> String {
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            some => format!(" ({})", some.join(", ")),
        };
        format!("{} on {}{labels}", self.alert, self.service)
    }

    /// A key for tables: the same pattern, the same text.
    #[must_use]
    pub fn key(&self) -> String {
        // Strings and sorted maps always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What one incident teaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// Which incident.
    pub incident: IncidentId,
    /// The length of the journal it was read from.
    pub seq: u32,
    /// Its title.
    pub title: String,
    /// What it is an example of.
    pub pattern: Pattern,
    /// When it was opened.
    pub opened_at: Time,
    /// When it was over.
    pub resolved_at: Time,
    /// When all of its alerts had cleared; several times if it came back.
    pub cleared: Vec<Time>,
    /// What ran.
    pub runs: Vec<Ran>,
}

/// One run of a lesson.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// Which run.
    pub run: RunId,
    /// Id of its action.
    pub action: String,
    /// It changes something.
    pub remediates: bool,
    /// Directory id of who started it; `None`: firebell, or a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// It started by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto: bool,
    /// When it was released to start.
    pub started: Time,
    /// Alerts fired then.
    pub firing: bool,
    /// It did what it should; `None`: nobody knows, or it was cancelled.
    pub worked: Option<bool>,
}

impl Lesson {
    /// Whether every alert cleared within so many milliseconds after an instant.
    #[must_use]
    pub fn cleared_within(&self, from: Time, ms: i64) -> bool {
        let soon = |t: &Time| *t >= from && t.since_ms(from) <= ms;
        self.cleared.iter().any(soon)
    }

    fn ran(&self, action: &str) -> Option<&Ran> {
        self.runs.iter().find(|r| r.action == action)
    }
}

/// Reads what an incident teaches from its whole journal; `None`: it is not over, or it teaches
/// nothing.
#[must_use]
pub fn lesson(id: IncidentId, journal: &[Record]) -> Option<Lesson> {
    let mut incident = Incident::new(id);
    let (mut cleared, mut runs) = (Vec::new(), Vec::<Ran>::new());
    let mut fit = true;
    for record in journal {
        super::incident::evolve(&mut incident, record);
        match &record.event {
            Event::Opened { origin, .. } => fit &= matches!(origin, Origin::Alert { .. }),
            Event::Muted { .. } | Event::Merged { .. } => fit = false,
            Event::Cleared { left: 0, .. } => cleared.push(record.at),
            Event::RunReleased { run } => {
                // What a dry run shows is nothing the action did.
                if let Some(r) = incident.runs.get(run).filter(|r| !r.terms.dry) {
                    runs.push(Ran {
                        run: *run,
                        action: r.action.clone(),
                        remediates: r.terms.class == Some(ActionClass::Remediation),
                        by: r.by.person().map(str::to_owned),
                        auto: r.by == Actor::Firebell,
                        started: record.at,
                        firing: !incident.firing.is_empty(),
                        worked: None,
                    });
                }
            }
            _ => {}
        }
    }
    let labels = incident.labels();
    let drill = practised(&incident, journal);
    let pattern = Pattern::of(incident.service.as_deref(), &labels)?;
    let resolved_at = incident.resolved_at?;
    if !fit || drill {
        return None;
    }
    runs.retain(|r| !never(&incident, r.run));
    for ran in &mut runs {
        ran.worked = worked(&incident, ran.run);
    }
    Some(Lesson {
        incident: id,
        seq: incident.seq,
        title: incident.title,
        pattern,
        opened_at: incident.opened_at,
        resolved_at,
        cleared,
        runs,
    })
}

/// It was released and never started.
fn never(incident: &Incident, run: RunId) -> bool {
    let state = incident.runs.get(&run).map(|r| &r.state);
    matches!(state, Some(RunState::Ended(Outcome::NotStarted { .. })))
}

fn worked(incident: &Incident, run: RunId) -> Option<bool> {
    let run = incident.runs.get(&run)?;
    match (&run.state, &run.settled) {
        (RunState::Ended(Outcome::Unknown { .. }), Some((_, good))) => Some(*good),
        (RunState::Ended(Outcome::Unknown { .. }), None) => None,
        (RunState::Ended(outcome), _) => super::brakes::failed(outcome).map(|bad| !bad),
        _ => None,
    }
}

/// The lower end of Wilson's interval for a share of `good` in `all`, one-sided at 95 %. 0 for none.
#[must_use]
pub fn wilson(good: usize, all: usize) -> f64 {
    if all == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few dozen cases")]
    let (good, n) = (good as f64, all as f64);
    let p = good / n;
    let z2 = Z * Z;
    let centre = p + z2 / (2.0 * n);
    let margin = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - margin) / (1.0 + z2 / n)).clamp(0.0, 1.0)
}

/// What past incidents say about an action on a pattern.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Incidents like this that were looked back on, newest first.
    pub like: Vec<IncidentId>,
    /// Those in which it ran.
    pub ran: Vec<IncidentId>,
    /// Those in which it ran while alerts fired, and did what it should, and every alert cleared
    /// within ten minutes of its start.
    pub soon: Vec<IncidentId>,
    /// The same within fifteen minutes.
    pub later: Vec<IncidentId>,
    /// Runs that did not do what they should.
    pub failed: usize,
    /// From the opening to its start, the middle of all, milliseconds.
    pub delay_ms: i64,
    /// Incidents like this without any remediation that still fired that long after the opening.
    pub alone: usize,
    /// Those of them that cleared within ten minutes from there.
    pub alone_soon: usize,
    /// Lower bound: of the share that recovered soon; for what only looks, of how often it is run.
    pub bound: f64,
    /// It changes something.
    pub remediates: bool,
}

impl Evidence {
    /// Enough to be said, and better than doing nothing as far as that is known.
    #[must_use]
    pub fn convinces(&self) -> bool {
        if self.ran.len() < ENOUGH || self.bound < WORTH {
            return false;
        }
        // As good without it: cross-multiplied, so that nothing is rounded.
        let no_better = self.alone >= COMPARABLE
            && self.alone_soon * self.ran.len() >= self.soon.len() * self.alone;
        !self.remediates || !no_better
    }

    /// `` `web-restart` ran in 6 of the last 8 incidents like this; 5 recovered within 10 minutes``,
    /// and what happened without it.
    #[must_use]
    pub fn words(&self, action: &str) -> String {
        let mut words = format!(
            "`{action}` ran in {} of the last {} incidents like this",
            self.ran.len(),
            self.like.len()
        );
        if self.remediates {
            words.push_str(&format!(
                "; {} recovered within 10 minutes",
                self.soon.len()
            ));
            words.push_str(&match self.alone {
                0 => ", and none was left alone to compare with".to_owned(),
                n => format!("; left alone, {} of {n} did", self.alone_soon),
            });
        }
        words.push('.');
        words
    }
}

/// Lessons by pattern, newest first, at most [`LOOK_BACK`] of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learned {
    by_pattern: BTreeMap<Pattern, Vec<Arc<Lesson>>>,
}

impl Learned {
    /// From lessons in any order.
    #[must_use]
    pub fn of(lessons: impl IntoIterator<Item = Lesson>) -> Learned {
        let mut learned = Learned::default();
        for lesson in lessons {
            learned.add(lesson);
        }
        learned
    }

    /// Takes a lesson in; one of the same incident is replaced.
    pub fn add(&mut self, lesson: Lesson) {
        self.remove(lesson.incident);
        let all = self.by_pattern.entry(lesson.pattern.clone()).or_default();
        let newer =
            |l: &Arc<Lesson>| (l.opened_at, l.incident) > (lesson.opened_at, lesson.incident);
        let at = all.partition_point(newer);
        all.insert(at, Arc::new(lesson));
        all.truncate(LOOK_BACK);
    }

    /// An incident that was opened again teaches nothing until it is over.
    pub fn remove(&mut self, incident: IncidentId) {
        for lessons in self.by_pattern.values_mut() {
            lessons.retain(|l| l.incident != incident);
        }
        self.by_pattern.retain(|_, l| !l.is_empty());
    }

    /// Every pattern with its lessons.
    pub fn patterns(&self) -> impl Iterator<Item = (&Pattern, &[Arc<Lesson>])> {
        self.by_pattern.iter().map(|(p, l)| (p, l.as_slice()))
    }

    /// The lessons of one pattern, newest first.
    #[must_use]
    pub fn like(&self, pattern: &Pattern) -> &[Arc<Lesson>] {
        self.by_pattern.get(pattern).map_or(&[], Vec::as_slice)
    }

    /// What is known of an action on a pattern.
    #[must_use]
    pub fn evidence(&self, pattern: &Pattern, action: &str) -> Evidence {
        let lessons = self.like(pattern);
        let mut evidence = Evidence {
            like: lessons.iter().map(|l| l.incident).collect(),
            ..Evidence::default()
        };
        let mut delays = Vec::new();
        for lesson in lessons {
            let Some(first) = lesson.ran(action) else {
                continue;
            };
            evidence.ran.push(lesson.incident);
            evidence.remediates |= first.remediates;
            delays.push(first.started.since_ms(lesson.opened_at).max(0));
            let of = || lesson.runs.iter().filter(|r| r.action == action);
            evidence.failed += of().filter(|r| r.worked == Some(false)).count();
            let healed = |ms: i64| {
                of().any(|r| {
                    r.worked == Some(true) && r.firing && lesson.cleared_within(r.started, ms)
                })
            };
            if healed(SOON_MS) {
                evidence.soon.push(lesson.incident);
            }
            if healed(LATER_MS) {
                evidence.later.push(lesson.incident);
            }
        }
        delays.sort_unstable();
        evidence.delay_ms = delays.get(delays.len() / 2).copied().unwrap_or(0);
        for lesson in lessons
            .iter()
            .filter(|l| l.runs.iter().all(|r| !r.remediates))
        {
            let from = lesson.opened_at.plus_ms(evidence.delay_ms);
            let before = |t: &Time| *t < from;
            if lesson.resolved_at < from || lesson.cleared.iter().any(before) {
                continue;
            }
            evidence.alone += 1;
            evidence.alone_soon += usize::from(lesson.cleared_within(from, SOON_MS));
        }
        evidence.bound = if evidence.remediates {
            wilson(evidence.soon.len(), evidence.ran.len())
        } else {
            wilson(evidence.ran.len(), evidence.like.len())
        };
        evidence
    }

    /// What convinces on an incident, best first: actions and their evidence.
    #[must_use]
    pub fn suggestions(
        &self,
        directory: &Directory,
        incident: &Incident,
    ) -> Vec<(Arc<Action>, Evidence)> {
        let labels = incident.labels();
        let Some(pattern) = Pattern::of(incident.service.as_deref(), &labels) else {
            return Vec::new();
        };
        let ran: BTreeSet<&str> = self
            .like(&pattern)
            .iter()
            .flat_map(|l| l.runs.iter().map(|r| r.action.as_str()))
            .collect();
        let fits = |a: &&Arc<Action>| {
            super::action::offered(a, incident.service.as_deref(), &labels).is_ok()
        };
        let known = ran
            .iter()
            .filter_map(|id| directory.actions.get(*id))
            .filter(fits);
        let mut found: Vec<(Arc<Action>, Evidence)> = known
            .map(|a| (a.clone(), self.evidence(&pattern, &a.id)))
            .filter(|(_, e)| e.convinces())
            .collect();
        // What heals before what looks; then by the bound; equal ones by their ids.
        found.sort_by(|(a, x), (b, y)| {
            y.remediates
                .cmp(&x.remediates)
                .then(y.bound.total_cmp(&x.bound))
                .then(a.id.cmp(&b.id))
        });
        found
    }

    /// Whether the next level of automation is worth proposing for an action on a service.
    #[must_use]
    pub fn proposal(&self, action: &Action, service: &str) -> Option<Proposal> {
        let next = match action.auto.level {
            AutoLevel::Suggest => AutoLevel::OneClick,
            AutoLevel::OneClick => AutoLevel::Delayed,
            AutoLevel::Delayed => AutoLevel::BeforePage,
            AutoLevel::BeforePage => return None,
        };
        if super::automation::eligible(action).is_err() {
            return None;
        }
        if next == AutoLevel::BeforePage && action.class == ActionClass::Diagnostic {
            return None;
        }
        let of_service = self.patterns().filter(|(p, _)| p.service == service);
        let mut runs: Vec<(&Ran, IncidentId)> = of_service
            .flat_map(|(_, lessons)| lessons.iter())
            .flat_map(|l| l.runs.iter().map(|r| (r, l.incident)))
            .filter(|(r, _)| r.action == action.id)
            .collect();
        runs.sort_by_key(|(r, _)| std::cmp::Reverse((r.started, r.run)));
        // A run whose outcome nobody knows is not a clean one; one that was cancelled is a no.
        let clean: Vec<_> = runs
            .iter()
            .take_while(|(r, _)| r.worked == Some(true))
            .collect();
        let by_itself = clean.iter().filter(|(r, _)| r.auto).count();
        let people: BTreeSet<&str> = clean.iter().filter_map(|(r, _)| r.by.as_deref()).collect();
        let enough = if next == AutoLevel::BeforePage {
            by_itself >= CLEAN
        } else {
            clean.len() >= CLEAN && people.len() >= PEOPLE
        };
        let mut incidents: Vec<IncidentId> = clean.iter().map(|(_, i)| *i).collect();
        incidents.dedup();
        enough.then(|| Proposal {
            action: action.id.clone(),
            service: service.to_owned(),
            level: next,
            clean: clean.len(),
            people: people.len(),
            incidents,
        })
    }

    /// Every proposal there is, by action and service.
    #[must_use]
    pub fn proposals(&self, directory: &Directory) -> Vec<Proposal> {
        let services: BTreeSet<&str> = self.by_pattern.keys().map(|p| p.service.as_str()).collect();
        let actions = directory.actions.values();
        actions
            .flat_map(|a| services.iter().filter_map(|s| self.proposal(a, s)))
            .collect()
    }
}

/// The next level of automation, with what speaks for it. Only people promote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Id of the action.
    pub action: String,
    /// On incidents of this service.
    pub service: String,
    /// To this level.
    pub level: AutoLevel,
    /// Clean runs in a row.
    pub clean: usize,
    /// Different people who started them.
    pub people: usize,
    /// In which incidents, newest first.
    pub incidents: Vec<IncidentId>,
}

impl Proposal {
    /// One sentence.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "`{}` ran {} times in a row on {} without a failure, started by {}: it could go to `{}`.",
            self.action,
            self.clean,
            self.service,
            super::text::count(self.people, "person").replace("persons", "people"),
            self.level.word()
        )
    }

    /// What to write into the files to let it.
    #[must_use]
    pub fn snippet(&self) -> String {
        let Proposal {
            action, service, ..
        } = self;
        let level = self.level.word();
        let more = match self.level {
            AutoLevel::Suggest | AutoLevel::OneClick => "",
            AutoLevel::Delayed => "delay = \"2m\"\n",
            AutoLevel::BeforePage => "delay = \"0s\"\nclear-within = \"5m\"\n",
        };
        format!(
            "# actions/{action}.toml\n[auto]\nlevel = \"{level}\"\n{more}\n\
             # rules.toml\n[[rule]]\nid = \"auto-{action}-{service}\"\neffect = \"allow\"\nauto = true\n\
             action = [\"{action}\"]\nservice = [\"{service}\"]\n"
        )
    }
}
