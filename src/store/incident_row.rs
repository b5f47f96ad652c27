//! The incident as lists show it.

use crate::core::id::{IncidentId, Seq};
use crate::core::incident::Incident;
use crate::core::related::Glance;
use crate::core::time::Time;

/// The incident as lists show it; a projection of the journal, written with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRow {
    /// Which.
    pub id: IncidentId,
    /// Last event.
    pub seq: Seq,
    /// `triggered`, `acknowledged`, `resolved`.
    pub status: String,
    /// Index into the scale.
    pub severity: u8,
    /// Has a room.
    pub major: bool,
    /// One line.
    pub title: String,
    /// Service id.
    pub service: Option<String>,
    /// Team id.
    pub team: Option<String>,
    /// Group.
    pub group_key: String,
    /// When firebell opened it.
    pub opened_at: Time,
    /// When its first alert began.
    pub began_at: Time,
    /// First acknowledgement.
    pub acked_at: Option<Time>,
    /// Name of who has it.
    pub acked_by: Option<String>,
    /// When it was resolved.
    pub resolved_at: Option<Time>,
    /// Last change.
    pub updated_at: Time,
    /// When time must be put to it.
    pub wake_at: Option<Time>,
    /// Alerts that ever joined.
    pub alerts: u32,
    /// Alerts that fire now.
    pub firing: u32,
    /// Name of the lead.
    pub lead: Option<String>,
    /// Id of its type.
    pub type_id: Option<String>,
    /// Only [`IncidentRow::viewers`], and whom the configuration names, may see it.
    pub private: bool,
    /// It is practised and counts nowhere.
    pub drill: bool,
    /// Who may see it while it is private: a line each, with a line's end before and behind it.
    pub viewers: String,
    /// The incident it is a part of.
    pub parent: Option<IncidentId>,
}

impl IncidentRow {
    /// What is looked at when others are compared with it.
    #[must_use]
    pub fn glance(&self) -> Glance {
        Glance {
            id: self.id,
            title: self.title.clone(),
            service: self.service.clone(),
            team: self.team.clone(),
            began_at: self.began_at,
            open: self.status != "resolved",
            drill: self.drill,
        }
    }

    /// The projection of an incident.
    #[must_use]
    pub fn of(incident: &Incident) -> IncidentRow {
        IncidentRow {
            id: incident.id,
            seq: incident.seq,
            status: incident.status.word().to_owned(),
            severity: incident.severity.0,
            major: incident.major,
            title: incident.title.clone(),
            service: incident.service.clone(),
            team: incident.team.clone(),
            group_key: incident.group_key.clone(),
            opened_at: incident.opened_at,
            began_at: incident.began_at,
            acked_at: incident.acked_at,
            acked_by: incident.acked_by.as_ref().map(|a| a.name().to_owned()),
            resolved_at: incident.resolved_at,
            updated_at: incident.updated_at,
            wake_at: crate::core::incident::wake_at(incident),
            alerts: incident.alerts,
            firing: u32::try_from(incident.firing.len()).unwrap_or(u32::MAX),
            lead: incident.lead.as_ref().map(|a| a.name().to_owned()),
            type_id: incident.nature.type_id.clone(),
            private: incident.nature.private,
            drill: incident.nature.drill,
            viewers: viewers(incident),
            parent: incident.parent.as_ref().map(|(id, _)| *id),
        }
    }
}

/// Nobody has to be written down for what everybody may see.
fn viewers(incident: &Incident) -> String {
    if !incident.nature.private {
        return String::new();
    }
    let all = incident.viewers().into_iter();
    all.fold("\n".to_owned(), |text, key| format!("{text}{key}\n"))
}
