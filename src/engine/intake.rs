//! Alerts become decisions: known or new, where they belong, which incident they join or open.
//!
//! Alerts of one batch that belong to the same incident are put to it as one command, so that a
//! storm costs one event per batch and incident, not one per alert.

use super::draft::Draft;
use super::lease::{self, GRACE_MS, Leases};
use super::memory::Memory;
use super::quiet::{self, Parked};
use crate::core::alert::{Alert, AlertKind, AlertRef};
use crate::core::forecast::opening;
use crate::core::id::{AlertId, IncidentId, Severity};
use crate::core::incident::{Command, alert_ref};
use crate::core::route::{Routed, Verdict, route};
use crate::core::time::Time;
use crate::store::{AlertChange, AlertRow, PlaceChange};
use serde::Serialize;
use std::collections::HashMap;

/// Alerts of a batch on their way to incidents, in the order of their groups' first appearance.
#[derive(Default)]
pub(super) struct Intake {
    fires: Vec<Joining>,
    by_group: HashMap<String, usize>,
    clears: Vec<(IncidentId, &'static str, Vec<AlertId>)>,
}

struct Joining {
    routed: Routed,
    alerts: Vec<(u128, AlertRef)>,
    worst: Severity,
    first: Alert,
}

impl Intake {
    /// Takes one alert.
    pub(super) fn take(
        &mut self,
        draft: &mut Draft,
        memory: &mut Memory,
        leases: &mut Leases,
        alert: Alert,
        hash: u128,
    ) {
        let key = lease::key(&alert.source, &alert.fingerprint);
        match (alert.kind, leases.get(key).is_some()) {
            (AlertKind::Firing, true) => self.repeat(draft, memory, leases, key, &alert, hash),
            (AlertKind::Firing, false) => self.fresh(draft, memory, leases, key, alert, hash),
            (AlertKind::Resolved, true) => {
                let ends_at = alert.ends_at.min(draft.now);
                self.ended(draft, memory, leases, key, ends_at, "ended at its source");
            }
            // An end of something firebell never saw fire, or an acknowledgement, which is a command and not an alert.
            (AlertKind::Resolved, false) | (AlertKind::Acknowledged, _) => {}
        }
    }

    /// Ends alerts whose lease is over, and tells how many.
    pub(super) fn expire(
        &mut self,
        draft: &mut Draft,
        memory: &mut Memory,
        leases: &mut Leases,
        most: usize,
    ) -> usize {
        for n in 0..most {
            let Some(key) = leases.pop_ended(draft.now) else {
                return n;
            };
            let ends_at = (leases.get(key)).map_or(draft.now, |live| leases.ends_at(live));
            self.ended(draft, memory, leases, key, ends_at, "not repeated in time");
        }
        most
    }

    /// Puts what was gathered to the incidents.
    pub(super) fn flush(&mut self, draft: &mut Draft, memory: &mut Memory, leases: &mut Leases) {
        self.flush_fires(draft, memory, leases);
        self.flush_clears(draft, memory);
    }

    fn repeat(
        &mut self,
        draft: &mut Draft,
        memory: &mut Memory,
        leases: &mut Leases,
        key: u128,
        alert: &Alert,
        hash: u128,
    ) {
        let Some(live) = leases.get(key) else { return };
        let said = body(alert);
        let (id, incident, before, digest) = (
            live.id,
            live.incident(),
            leases.ends_at(live),
            digest(&said),
        );
        let (changed, ends_at) = (digest != live.digest, alert.ends_at.max(before));
        // See lease.rs: within the grace an end needs no write.
        let durable = changed || ends_at > draft.now.plus_ms(GRACE_MS) && ends_at != before;
        if durable {
            leases.unpublish(key);
            let body = changed.then_some((digest, said));
            let change = AlertChange {
                id,
                firing: true,
                ends_at,
                updated_at: draft.now,
                body,
            };
            draft
                .changes
                .alert_changes
                .entry(id)
                .and_modify(|c| merge(c, &change))
                .or_insert(change);
        }
        leases.change(key, digest, ends_at);
        draft.hashes.push((key, hash));
        if changed {
            memory.quiet.reworded(id, alert);
        }
        if let Some(incident) = incident.filter(|_| changed) {
            self.worsened(draft, memory, leases, incident, alert);
        }
    }

    /// The same alert, worse than its incident: that must not pass unnoticed.
    fn worsened(
        &mut self,
        draft: &mut Draft,
        memory: &mut Memory,
        leases: &mut Leases,
        id: IncidentId,
        alert: &Alert,
    ) {
        let Some(now) = draft.directory.severity_of_label(&alert.labels) else {
            return;
        };
        self.flush_fires(draft, memory, leases);
        if memory
            .incidents
            .get(id)
            .is_some_and(|i| i.is_open() && now < i.severity)
        {
            let cause = cause(alert);
            let _ = draft.apply(
                memory,
                &cause,
                id,
                Command::Fire {
                    alerts: Vec::new(),
                    worst: now,
                },
            );
        }
    }

    fn fresh(
        &mut self,
        draft: &mut Draft,
        memory: &mut Memory,
        leases: &mut Leases,
        key: u128,
        alert: Alert,
        hash: u128,
    ) {
        if !self.clears.is_empty() {
            self.flush_clears(draft, memory);
        }
        let id = memory.next_alert();
        let said = body(&alert);
        let digest = digest(&said);
        leases.insert(key, id, None, digest, alert.ends_at);
        draft.hashes.push((key, hash));
        let verdict = route(&draft.directory, &alert);
        let held = match &verdict {
            Verdict::Quiet { .. } => None,
            Verdict::Incident(routed) => quiet::held(draft, &alert, routed),
        };
        let why = match (&verdict, &held) {
            (Verdict::Quiet { why }, _) => {
                draft.metrics.why("quiet", "route");
                format!("quiet: {why}")
            }
            (Verdict::Incident(_), Some(held)) => {
                draft.metrics.why("quiet", "silenced");
                held.why.clone()
            }
            (Verdict::Incident(routed), None) => routed.why.join("; "),
        };
        draft.fresh.insert(id, draft.changes.alerts.len());
        draft.changes.alerts.push(AlertRow {
            id,
            source: alert.source.clone(),
            fingerprint: alert.fingerprint.clone(),
            digest,
            firing: true,
            starts_at: alert.starts_at,
            ends_at: alert.ends_at,
            received_at: draft.now,
            updated_at: draft.now,
            incident: None,
            why,
            body: said,
        });
        match (verdict, held) {
            (Verdict::Incident(_), Some(held)) => {
                (draft.changes.held).push((held.silence.clone(), id, draft.now));
                memory.quiet.park(id, Parked::of(key, alert, held));
            }
            (Verdict::Incident(routed), None) => {
                self.join(*routed, key, alert_ref(id, &alert), alert);
            }
            (Verdict::Quiet { .. }, _) => {}
        }
    }

    /// Looks again at a parked alert: a silence may still hold it, else it goes where it belongs as if
    /// it had just arrived. Nothing is written while nothing changes.
    pub(super) fn unpark(&mut self, draft: &mut Draft, memory: &mut Memory, id: AlertId) {
        let Some(parked) = memory.quiet.unpark(id) else {
            return;
        };
        if !self.clears.is_empty() {
            self.flush_clears(draft, memory);
        }
        let verdict = route(&draft.directory, &parked.alert);
        let held = match &verdict {
            Verdict::Quiet { .. } => None,
            Verdict::Incident(routed) => quiet::held(draft, &parked.alert, routed),
        };
        if let Some(held) = held {
            if held.why != parked.why {
                let place = PlaceChange {
                    incident: None,
                    why: held.why.clone(),
                };
                draft.changes.places.insert(id, place);
                (draft.changes.held).push((held.silence.clone(), id, draft.now));
            }
            let again = Parked::of(parked.key, parked.alert, held);
            memory.quiet.park(id, again);
            return;
        }
        let before = parked.why.split(';').next().unwrap_or_default();
        let why = match &verdict {
            Verdict::Quiet { why } => format!("quiet: {why}; before: {before}"),
            Verdict::Incident(routed) => format!("{}; before: {before}", routed.why.join("; ")),
        };
        let place = PlaceChange {
            incident: None,
            why,
        };
        draft.changes.places.insert(id, place);
        if let Verdict::Incident(mut routed) = verdict {
            draft.metrics.why("open", "a silence ended");
            routed.why.push(format!("before: {before}"));
            let reference = alert_ref(id, &parked.alert);
            self.join(*routed, parked.key, reference, parked.alert);
        }
    }

    fn join(&mut self, routed: Routed, key: u128, reference: AlertRef, alert: Alert) {
        if let Some(at) = self.by_group.get(&routed.group_key) {
            let joining = &mut self.fires[*at];
            joining.worst = joining.worst.min(routed.severity);
            joining.alerts.push((key, reference));
            return;
        }
        self.by_group
            .insert(routed.group_key.clone(), self.fires.len());
        self.fires.push(Joining {
            worst: routed.severity,
            routed,
            alerts: vec![(key, reference)],
            first: alert,
        });
    }

    fn ended(
        &mut self,
        draft: &mut Draft,
        memory: &mut Memory,
        leases: &mut Leases,
        key: u128,
        ends_at: Time,
        why: &'static str,
    ) {
        if !self.fires.is_empty() {
            self.flush_fires(draft, memory, leases);
        }
        let Some(live) = leases.remove(key) else {
            return;
        };
        memory.quiet.unpark(live.id);
        let change = AlertChange {
            id: live.id,
            firing: false,
            ends_at,
            updated_at: draft.now,
            body: None,
        };
        draft
            .changes
            .alert_changes
            .entry(live.id)
            .and_modify(|c| merge(c, &change))
            .or_insert(change);
        let Some(incident) = live.incident() else {
            return;
        };
        match self
            .clears
            .iter_mut()
            .find(|(i, w, _)| *i == incident && *w == why)
        {
            Some((_, _, ids)) => ids.push(live.id),
            None => self.clears.push((incident, why, vec![live.id])),
        }
    }

    fn flush_fires(&mut self, draft: &mut Draft, memory: &mut Memory, leases: &mut Leases) {
        self.by_group.clear();
        for joining in std::mem::take(&mut self.fires) {
            let keys: Vec<(u128, AlertId)> =
                joining.alerts.iter().map(|(k, a)| (*k, a.id)).collect();
            let Some(incident) = enter(draft, memory, joining) else {
                continue;
            };
            for (key, id) in keys {
                leases.belongs(key, incident);
                if let Some(row) = draft
                    .fresh
                    .get(&id)
                    .and_then(|at| draft.changes.alerts.get_mut(*at))
                {
                    row.incident = Some(incident);
                }
                if let Some(place) = draft.changes.places.get_mut(&id) {
                    place.incident = Some(incident);
                }
            }
        }
    }

    fn flush_clears(&mut self, draft: &mut Draft, memory: &mut Memory) {
        for (incident, why, alerts) in std::mem::take(&mut self.clears) {
            let first = alerts.first().copied().unwrap_or_default();
            // A refusal means the incident no longer counts these alerts; their own rows are changed all the same.
            let _ = draft.apply(
                memory,
                &format!("{first} cleared"),
                incident,
                Command::Clear {
                    alerts,
                    why: why.to_owned(),
                },
            );
        }
    }
}

/// Joins the open incident of the group, or opens one.
fn enter(draft: &mut Draft, memory: &mut Memory, joining: Joining) -> Option<IncidentId> {
    let Joining {
        routed,
        alerts,
        worst,
        first,
    } = joining;
    let alerts: Vec<AlertRef> = alerts.into_iter().map(|(_, a)| a).collect();
    let cause = cause(&first);
    let open = memory.of_group(&routed.group_key).next();
    if let Some(id) = open {
        draft
            .apply(memory, &cause, id, Command::Fire { alerts, worst })
            .ok()?;
        return Some(id);
    }
    let id = memory.next_incident();
    let open = opening(&draft.directory, routed, &first, alerts, worst);
    draft
        .apply(memory, &cause, id, Command::Open(Box::new(open)))
        .ok()?;
    Some(id)
}

/// What the timeline cites for an alert: its source and identity there.
fn cause(alert: &Alert) -> String {
    format!("alert:{}:{}", alert.source, alert.fingerprint)
}

fn merge(known: &mut AlertChange, change: &AlertChange) {
    let body = change.body.clone().or(known.body.take());
    *known = AlertChange {
        body,
        ..change.clone()
    };
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    labels: &'a crate::core::alert::Labels,
    annotations: &'a crate::core::alert::Labels,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
}

fn body(alert: &Alert) -> String {
    let body = Body {
        labels: &alert.labels,
        annotations: &alert.annotations,
        generator_url: &alert.generator_url,
    };
    // Maps of strings always serialise.
    serde_json::to_string(&body).unwrap_or_default()
}

/// Hash of what the sender said, times aside: a repeat that only moves the end is not a change.
fn digest(said: &str) -> i64 {
    xxhash_rust::xxh3::xxh3_64(said.as_bytes()).cast_signed()
}
