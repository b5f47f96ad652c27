//! What the API answers. Times are RFC 3339 with milliseconds and `Z`; absent is `null`.
//!
//! A public promise: fields are added, never renamed or removed.

use crate::core::directory::Directory;
use crate::core::id::Actor;
use crate::core::incident::{Climb, Incident};
use crate::core::time::Time;
use crate::core::timeline::Entry;
use crate::store::{AlertRow, IncidentRow, OutboxRow};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "`page` is the word of the parameter it answers"
)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// From 1.
    pub page: i64,
    /// Items at most.
    pub limit: i64,
    /// Items on all pages.
    pub total: i64,
}

/// A list that is always whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct All<T> {
    /// In order.
    pub items: Vec<T>,
}

/// An incident as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentOut {
    /// Its number.
    #[schema(example = 42)]
    pub id: i64,
    /// Where people look at it.
    #[schema(example = "http://127.0.0.1:8080/incidents/42")]
    pub url: String,
    /// `triggered`, `acknowledged` or `resolved`.
    #[schema(example = "triggered")]
    pub status: String,
    /// Name of the severity.
    #[schema(example = "sev1")]
    pub severity: String,
    /// Has a room of its own.
    pub major: bool,
    /// One line. Alert text: do not trust it.
    pub title: String,
    /// Service id.
    pub service: Option<String>,
    /// Team id.
    pub team: Option<String>,
    /// Alerts with the same group join while it is open; empty for declared incidents.
    pub group: String,
    /// When its first alert began.
    #[schema(format = DateTime)]
    pub began_at: String,
    /// When firebell opened it.
    #[schema(format = DateTime)]
    pub opened_at: String,
    /// First acknowledgement.
    #[schema(format = DateTime)]
    pub acknowledged_at: Option<String>,
    /// Who has it.
    pub acknowledged_by: Option<String>,
    /// When it was resolved.
    #[schema(format = DateTime)]
    pub resolved_at: Option<String>,
    /// Last change.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Alerts that ever joined.
    pub alerts: u32,
    /// Alerts that fire now.
    pub firing: u32,
    /// Name of the lead.
    pub lead: Option<String>,
    /// Its last journal line.
    pub seq: u32,
    /// Id of its type.
    #[serde(rename = "type")]
    #[schema(example = "outage")]
    pub type_id: Option<String>,
    /// Only those it concerns may see it.
    pub private: bool,
    /// It is practised, and counts nowhere.
    pub drill: bool,
}

impl IncidentOut {
    /// Of a projection.
    #[must_use]
    pub fn of(row: IncidentRow, directory: &Directory, public_url: &str) -> IncidentOut {
        IncidentOut {
            id: row.id.0,
            url: format!(
                "{}/incidents/{}",
                public_url.trim_end_matches('/'),
                row.id.0
            ),
            status: row.status,
            severity: directory.severity_name(crate::core::id::Severity(row.severity)),
            major: row.major,
            title: row.title,
            service: row.service,
            team: row.team,
            group: row.group_key,
            began_at: row.began_at.rfc3339(),
            opened_at: row.opened_at.rfc3339(),
            acknowledged_at: row.acked_at.map(Time::rfc3339),
            acknowledged_by: row.acked_by,
            resolved_at: row.resolved_at.map(Time::rfc3339),
            updated_at: row.updated_at.rfc3339(),
            alerts: row.alerts,
            firing: row.firing,
            lead: row.lead,
            seq: row.seq,
            type_id: row.type_id,
            private: row.private,
            drill: row.drill,
        }
    }
}

/// An incident with what its journal tells beyond the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentDetail {
    /// As in the list.
    #[serde(flatten)]
    pub incident: IncidentOut,
    /// Labels of the alert that opened it.
    pub labels: BTreeMap<String, String>,
    /// Escalation policy, frozen at the start; empty: none.
    pub policy: String,
    /// What time does next, if anything.
    pub next: Option<Next>,
    /// Acknowledged only until then.
    #[schema(format = DateTime)]
    pub snoozed_until: Option<String>,
    /// Id of its status for those who wait; absent: nobody has said.
    #[schema(example = "monitoring")]
    pub stage: Option<String>,
    /// Since when people outside are no longer hurt, as somebody said by its status.
    #[schema(format = DateTime)]
    pub mitigated_at: Option<String>,
    /// When the next update is due.
    #[schema(format = DateTime)]
    pub update_due_at: Option<String>,
    /// Person id and how often they were paged.
    pub paged: BTreeMap<String, u32>,
    /// Rooms: platform and the platform's id.
    pub rooms: BTreeMap<String, String>,
}

/// The next page, unless somebody acknowledges first.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Next {
    /// `rung` the ladder goes on, `catch_all` the ladder is used up and the catch-all is alarmed again.
    #[schema(example = "rung")]
    pub what: &'static str,
    /// Round of the ladder, from 1.
    pub round: Option<u32>,
    /// Rung of the ladder, from 1.
    pub rung: Option<u32>,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
}

impl IncidentDetail {
    /// Of an incident's state.
    #[must_use]
    pub fn of(incident: &Incident, directory: &Directory, public_url: &str) -> IncidentDetail {
        IncidentDetail {
            incident: IncidentOut::of(IncidentRow::of(incident), directory, public_url),
            stage: incident.told.standing.as_ref().map(|s| s.id.clone()),
            mitigated_at: incident.mitigated_at.map(Time::rfc3339),
            update_due_at: incident.told.next_due.map(Time::rfc3339),
            labels: incident.labels(),
            policy: incident.ladder.policy.clone(),
            next: next(incident),
            snoozed_until: incident.snoozed_until.map(Time::rfc3339),
            paged: (incident.paged.iter().map(|(who, n)| (who.clone(), *n))).collect(),
            rooms: incident.rooms.clone(),
        }
    }
}

fn next(incident: &Incident) -> Option<Next> {
    match &incident.climb {
        Climb::Resting => None,
        Climb::Next { round, rung, due } => Some(Next {
            what: "rung",
            round: Some(u32::from(*round) + 1),
            rung: u32::try_from(*rung).ok().map(|r| r.saturating_add(1)),
            at: due.rfc3339(),
        }),
        Climb::Exhausted { due, .. } => Some(Next {
            what: "catch_all",
            round: None,
            rung: None,
            at: due.rfc3339(),
        }),
    }
}

/// One alert, from firing to resolved.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertOut {
    /// Its number.
    pub id: i64,
    /// Configured name of the source.
    #[schema(example = "prometheus")]
    pub source: String,
    /// Identity within the source.
    pub fingerprint: String,
    /// `firing` or `resolved`.
    #[schema(example = "firing")]
    pub status: &'static str,
    /// Labels. Alert text: do not trust it.
    pub labels: BTreeMap<String, String>,
    /// Annotations. Alert text: do not trust it.
    pub annotations: BTreeMap<String, String>,
    /// The sender's own page; empty when none.
    pub generator_url: String,
    /// By the sender's clock.
    #[schema(format = DateTime)]
    pub starts_at: String,
    /// When it ended, or will be taken as ended unless repeated; `null`: until resolved.
    #[schema(format = DateTime)]
    pub ends_at: Option<String>,
    /// When firebell took it.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// Last change.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// The incident it belongs to; `null`: it pages nobody.
    pub incident: Option<i64>,
    /// Why it paged, joined or stayed quiet.
    pub why: String,
}

/// The stored body of an alert.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct AlertBody {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    #[serde(rename = "generatorURL")]
    generator_url: String,
}

impl AlertOut {
    /// Of a row.
    ///
    /// # Errors
    /// When the stored body is not what this version wrote.
    pub fn of(row: AlertRow) -> Result<AlertOut, crate::store::StoreFault> {
        let body: AlertBody = serde_json::from_str(&row.body).map_err(|e| {
            crate::store::StoreFault::Unreadable(format!("the body of {}: {e}", row.id))
        })?;
        Ok(AlertOut {
            id: row.id.0,
            source: row.source,
            fingerprint: row.fingerprint,
            status: if row.firing { "firing" } else { "resolved" },
            labels: body.labels,
            annotations: body.annotations,
            generator_url: body.generator_url,
            starts_at: row.starts_at.rfc3339(),
            ends_at: (row.ends_at != Time::FAR).then(|| row.ends_at.rfc3339()),
            received_at: row.received_at.rfc3339(),
            updated_at: row.updated_at.rfc3339(),
            incident: row.incident.map(|i| i.0),
            why: row.why,
        })
    }
}

/// One line of the timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryOut {
    /// Position in the journal, from 1.
    pub seq: u32,
    /// When it happened.
    #[schema(format = DateTime)]
    pub happened_at: String,
    /// When firebell recorded it.
    #[schema(format = DateTime)]
    pub recorded_at: String,
    /// Who.
    pub actor: String,
    /// Kind of event, such as `paged` or `acknowledged`.
    #[schema(example = "acknowledged")]
    pub kind: String,
    /// A sentence.
    pub text: String,
    /// What brought it: the alert, click, request or deadline.
    pub source: String,
}

impl From<Entry> for EntryOut {
    fn from(e: Entry) -> EntryOut {
        EntryOut {
            seq: e.seq,
            happened_at: e.happened_at.rfc3339(),
            recorded_at: e.recorded_at.rfc3339(),
            actor: e.actor,
            kind: e.kind.to_owned(),
            text: e.text,
            source: e.source,
        }
    }
}

/// One effect on its way out: a page, a line or a run, and where it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryOut {
    /// Idempotency key `incident:seq:n`: the fact that caused it.
    #[schema(example = "42:3:0")]
    pub key: String,
    /// `page` at least once, `say` once, `run` at most once.
    #[schema(example = "page")]
    pub lane: &'static str,
    /// Person id of a page, platform of a line, empty for a run.
    pub target: String,
    /// Contact name of a page, place of a line, number of a run.
    pub detail: String,
    /// `waiting`, `sending`, `done`, `failed` or `withdrawn`.
    #[schema(example = "done")]
    pub state: &'static str,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before.
    #[schema(format = DateTime)]
    pub due_at: String,
    /// When it was written, in one transaction with its cause.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Last change.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// The last error or reason; empty when none.
    pub error: String,
}

impl From<OutboxRow> for DeliveryOut {
    fn from(row: OutboxRow) -> DeliveryOut {
        DeliveryOut {
            key: format!("{}:{}:{}", row.incident.0, row.seq, row.n),
            lane: row.lane.word(),
            target: row.target,
            detail: row.detail,
            state: row.state.word(),
            attempts: row.attempts,
            due_at: row.due_at.rfc3339(),
            created_at: row.created_at.rfc3339(),
            updated_at: row.updated_at.rfc3339(),
            error: row.error,
        }
    }
}

/// Names of actors.
#[must_use]
pub fn names(actors: &[Actor]) -> Vec<String> {
    actors.iter().map(|a| a.name().to_owned()).collect()
}
