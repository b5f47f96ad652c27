//! A normalised alert: what every source's wire format is decoded into.

use super::id::AlertId;
use super::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Label names and values; empty values are removed at the door, as Alertmanager does.
pub type Labels = BTreeMap<String, String>;

/// One alert as a sender told it. Identity is `(source, fingerprint)`, never the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Configured name of the source whose token it came with.
    pub source: String,
    /// Stable identity within the source: Alertmanager's label fingerprint, PagerDuty's `dedup_key`, ...
    pub fingerprint: String,
    /// What it is about.
    pub labels: Labels,
    /// What it says.
    pub annotations: Labels,
    /// When it began, by the sender's clock.
    pub starts_at: Time,
    /// When it ended, or when it will be taken as ended unless repeated. `Time::FAR`: until resolved explicitly.
    pub ends_at: Time,
    /// Link to the sender's own page, http or https; empty when none.
    pub generator_url: String,
    /// What the sender wants.
    pub kind: AlertKind,
}

/// What a message about an alert means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlertKind {
    /// It fires (again).
    Firing,
    /// It is over.
    Resolved,
    /// Somebody acknowledged it at the sender (PagerDuty `acknowledge`).
    Acknowledged,
}

impl Alert {
    /// The name people know it by: `alertname`, else the summary, else the fingerprint.
    #[must_use]
    pub fn name(&self) -> &str {
        self.labels
            .get("alertname")
            .or_else(|| self.annotations.get("summary"))
            .map_or(&self.fingerprint, String::as_str)
    }

    /// One line for a title: the summary, else the name.
    #[must_use]
    pub fn summary(&self) -> &str {
        self.annotations
            .get("summary")
            .or_else(|| self.annotations.get("description"))
            .map_or_else(|| self.name(), String::as_str)
    }
}

/// What the journal keeps of an alert that joined an incident: enough for card, timeline and postmortem.
/// Labels and annotations stay on the alert's own row; a storm must not be written twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRef {
    /// The occurrence.
    pub id: AlertId,
    /// Configured name of the source.
    pub source: String,
    /// Identity within the source.
    pub fingerprint: String,
    /// `Alert::name`, cut to 200 characters with an ellipsis.
    pub name: String,
    /// `Alert::summary`, cut to 500 characters with an ellipsis; the whole text stays on the alert.
    pub summary: String,
    /// When it began, by the sender's clock.
    pub starts_at: Time,
    /// Link to the sender's page; empty when none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}
