//! What one incident counts for, as compact as a hundred thousand of them need it.

use crate::core::directory::WEBHOOK;
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{
    Event, Incident, Origin, Outcome, PagedPerson, Record, RunState, evolve, practised,
};
use crate::core::stats;
use crate::core::text::cut;
use crate::core::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of [`Fact`]'s text: rows of another one are read again from their journals.
pub const FORM: u32 = 1;
/// Minutes within which an alert that cleared by itself is counted.
pub const LIMITS: [u32; 7] = [1, 2, 5, 10, 15, 30, 60];
/// Rules of one incident; a storm of more is counted under `other rules`.
const RULES: usize = 50;
/// Pages of one incident.
const PAGES: usize = 500;
/// Characters of a rule's name.
const NAME_CHARS: usize = 100;
/// What stands for the rules beyond [`RULES`].
const OTHER: &str = "other rules";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn zero(n: &u32) -> bool {
    *n == 0
}

/// What one incident that is over counts for. Times but `opened` are milliseconds from the opening.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fact {
    /// When it was opened.
    #[serde(rename = "o")]
    pub opened: Time,
    /// From the begin of its earliest alert to the opening; `None`: no alert opened it.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none")]
    pub detect: Option<i64>,
    /// To the first acknowledgement.
    #[serde(rename = "a", skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<i64>,
    /// Until somebody said that the harm was over.
    #[serde(rename = "m", skip_serializing_if = "Option::is_none")]
    pub mitigate: Option<i64>,
    /// To the end.
    #[serde(rename = "r")]
    pub resolve: i64,
    /// Index into the scale, at the end.
    #[serde(rename = "s")]
    pub severity: u8,
    /// Service id.
    #[serde(rename = "v", skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Team id.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Id of its type.
    #[serde(rename = "k", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Counted, and never shown.
    #[serde(rename = "p", skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// An exercise: counts for nothing but itself.
    #[serde(rename = "d", skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// It joined another one, which counts for both.
    #[serde(rename = "g", skip_serializing_if = "std::ops::Not::not")]
    pub merged: bool,
    /// How often it was opened again.
    #[serde(rename = "n", skip_serializing_if = "zero")]
    pub reopened: u32,
    /// Its alerts by rule.
    #[serde(rename = "l", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleFact>,
    /// Who was to be woken, and when.
    #[serde(rename = "w", skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<(String, i64)>,
    /// Actions that were started.
    #[serde(rename = "x", skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunFact>,
}

/// Alerts of one rule in one incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleFact {
    /// Name of the rule: `alertname`, else what the alert is called.
    #[serde(rename = "n")]
    pub rule: String,
    /// How often an alert of it joined.
    #[serde(rename = "f")]
    pub fired: u32,
    /// Different alerts among them.
    #[serde(rename = "u")]
    pub distinct: u32,
    /// How many cleared before anybody had it, within each of [`LIMITS`].
    #[serde(rename = "c", skip_serializing_if = "Vec::is_empty")]
    pub quick: Vec<u32>,
}

/// Runs of one action in one incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFact {
    /// Id of the action.
    #[serde(rename = "a")]
    pub action: String,
    /// It did what it should.
    #[serde(rename = "w", skip_serializing_if = "zero")]
    pub worked: u32,
    /// It did not.
    #[serde(rename = "f", skip_serializing_if = "zero")]
    pub failed: u32,
    /// Nobody knows, or somebody stopped it.
    #[serde(rename = "u", skip_serializing_if = "zero")]
    pub unknown: u32,
    /// Of all these, started by firebell itself.
    #[serde(rename = "s", skip_serializing_if = "zero")]
    pub by_itself: u32,
}

/// An alert on its way from firing to clear.
struct Firing {
    rule: usize,
    since: Time,
}

#[derive(Default)]
struct Reading {
    rules: Vec<(RuleFact, BTreeSet<(String, String)>)>,
    firing: BTreeMap<i64, Firing>,
    pages: Vec<(String, i64)>,
    reopened: u32,
    declared: bool,
    had: bool,
}

/// Reads what an incident counts for from its whole journal; `None`: it is not over.
#[must_use]
pub fn fact(id: IncidentId, journal: &[Record]) -> Option<Fact> {
    let mut incident = Incident::new(id);
    let mut reading = Reading::default();
    for record in journal {
        evolve(&mut incident, record);
        reading.take(incident.opened_at, record);
    }
    if incident.seq == 0 || incident.is_open() {
        return None;
    }
    let moments = stats::moments(journal);
    let opened = incident.opened_at;
    let since = |at: Option<Time>| at.map(|at| at.since_ms(opened).max(0));
    let over = incident.resolved_at.unwrap_or(incident.updated_at);
    Some(Fact {
        opened,
        // What another incident brought with it began before, and was detected by that one.
        detect: moments
            .began
            .filter(|_| !reading.declared)
            .map(|began| opened.since_ms(began).max(0)),
        acknowledge: since(moments.acknowledged),
        mitigate: since(incident.mitigated_at),
        resolve: over.since_ms(opened).max(0),
        severity: incident.severity.0,
        service: incident.service.clone(),
        team: incident.team.clone(),
        kind: incident.nature.type_id.clone(),
        private: incident.nature.private,
        drill: practised(&incident, journal),
        merged: incident.merged_into.is_some(),
        reopened: reading.reopened,
        rules: reading.rules.into_iter().map(|(rule, _)| rule).collect(),
        pages: reading.pages,
        runs: runs(&incident),
    })
}

impl Reading {
    fn take(&mut self, opened: Time, record: &Record) {
        let at = record.at;
        match &record.event {
            Event::Opened {
                origin,
                alerts,
                first_page,
                ..
            } => {
                self.declared = matches!(origin, Origin::Declared { .. });
                // Declared by somebody who is at it already.
                self.had = self.declared && first_page.is_none();
                for alert in alerts {
                    self.fired(
                        &alert.name,
                        (&alert.source, &alert.fingerprint),
                        alert.id.0,
                        at,
                    );
                }
            }
            Event::Fired { alerts } => {
                for alert in alerts {
                    self.fired(
                        &alert.name,
                        (&alert.source, &alert.fingerprint),
                        alert.id.0,
                        at,
                    );
                }
            }
            Event::Cleared { alerts, .. } => {
                for id in alerts {
                    self.cleared(id.0, at);
                }
            }
            Event::Acknowledged { .. } | Event::Snoozed { .. } | Event::AckCounted { .. } => {
                self.had = true;
            }
            Event::Reopened { .. } => self.reopened += 1,
            Event::Paged { people, .. }
            | Event::CatchAll { people, .. }
            | Event::Reminded { people, .. } => {
                for PagedPerson { id, .. } in people {
                    self.page(id, at.since_ms(opened));
                }
            }
            Event::Chased { person, .. } => self.page(person, at.since_ms(opened)),
            _ => {}
        }
    }

    fn page(&mut self, person: &str, after: i64) {
        if self.pages.len() < PAGES && !person.starts_with(WEBHOOK) {
            self.pages.push((person.to_owned(), after.max(0)));
        }
    }

    fn fired(&mut self, name: &str, key: (&str, &str), id: i64, at: Time) {
        let name = cut(name, NAME_CHARS);
        let known = self.rules.iter().position(|(r, _)| r.rule == name);
        let place = known.unwrap_or_else(|| {
            let full = self.rules.len() >= RULES;
            let name = if full { OTHER.to_owned() } else { name };
            let other = self.rules.iter().position(|(r, _)| full && r.rule == name);
            other.unwrap_or_else(|| {
                self.rules.push((
                    RuleFact {
                        rule: name,
                        ..RuleFact::default()
                    },
                    BTreeSet::new(),
                ));
                self.rules.len() - 1
            })
        });
        let (rule, keys) = &mut self.rules[place];
        rule.fired += 1;
        rule.distinct += u32::from(keys.insert((key.0.to_owned(), key.1.to_owned())));
        self.firing.insert(
            id,
            Firing {
                rule: place,
                since: at,
            },
        );
    }

    /// By itself, if nobody had it yet.
    fn cleared(&mut self, id: i64, at: Time) {
        let Some(firing) = self.firing.remove(&id).filter(|_| !self.had) else {
            return;
        };
        let took = at.since_ms(firing.since);
        let within: Vec<bool> = LIMITS
            .iter()
            .map(|minutes| took <= i64::from(*minutes) * 60_000)
            .collect();
        let quick = &mut self.rules[firing.rule].0.quick;
        if !within.contains(&true) {
            return;
        }
        quick.resize(LIMITS.len(), 0);
        for (n, within) in quick.iter_mut().zip(within) {
            *n += u32::from(within);
        }
    }
}

/// By action, in the order they were first asked for. What never started is not counted.
fn runs(incident: &Incident) -> Vec<RunFact> {
    let mut out: Vec<RunFact> = Vec::new();
    for run in incident.runs.values() {
        let worked = match (&run.state, &run.settled) {
            (RunState::Ended(Outcome::NotStarted { .. }), _) => continue,
            (RunState::Ended(Outcome::Unknown { .. }), Some((_, good))) => Some(*good),
            (RunState::Ended(Outcome::Unknown { .. }), None) => None,
            (RunState::Ended(outcome), _) => crate::core::brakes::failed(outcome).map(|bad| !bad),
            (RunState::Running | RunState::Released, _) => None,
            _ => continue,
        };
        let place = out.iter().position(|r| r.action == run.action);
        let place = place.unwrap_or_else(|| {
            out.push(RunFact {
                action: run.action.clone(),
                ..RunFact::default()
            });
            out.len() - 1
        });
        let fact = &mut out[place];
        match worked {
            Some(true) => fact.worked += 1,
            Some(false) => fact.failed += 1,
            None => fact.unknown += 1,
        }
        fact.by_itself += u32::from(run.by == Actor::Firebell);
    }
    out
}
