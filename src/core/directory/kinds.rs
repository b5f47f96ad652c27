//! Types of incidents, who may see private ones, and what drills do: as configured.

use crate::core::id::Severity;
use serde::{Deserialize, Serialize};

/// A kind of incident people declare: `outage`, `security`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentType {
    /// What people type.
    pub id: String,
    /// Display name.
    pub name: String,
    /// When to choose it; shown in forms.
    pub description: String,
    /// How bad unless somebody says otherwise.
    pub severity: Option<Severity>,
    /// Private unless somebody says otherwise.
    pub private: bool,
    /// A drill unless somebody says otherwise.
    pub drill: bool,
    /// Channel of its cards instead of the service's or the team's.
    pub channel: Option<String>,
    /// Name of the checklist it begins with.
    pub checklist: Option<String>,
    /// Name of the postmortem template, `postmortem/NAME.md`.
    pub postmortem: Option<String>,
    /// Which actions may run on it.
    pub runs: RunsPolicy,
    /// People who see every private incident of the type, by id.
    pub people: Vec<String>,
    /// Roles whose holders do.
    pub roles: Vec<String>,
}

/// Which actions may run on an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunsPolicy {
    /// As the rules say.
    #[default]
    All,
    /// Only those that look and change nothing.
    ReadOnly,
    /// None.
    None,
}

impl RunsPolicy {
    /// Every word, in the order of the documentation.
    pub const ALL: [RunsPolicy; 3] = [RunsPolicy::All, RunsPolicy::ReadOnly, RunsPolicy::None];

    /// The word in files and journals.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            RunsPolicy::All => "all",
            RunsPolicy::ReadOnly => "read-only",
            RunsPolicy::None => "none",
        }
    }

    /// As the rules say; not written.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == RunsPolicy::All
    }

    /// The stricter of two.
    #[must_use]
    pub fn and(self, other: RunsPolicy) -> RunsPolicy {
        match (self, other) {
            (RunsPolicy::None, _) | (_, RunsPolicy::None) => RunsPolicy::None,
            (RunsPolicy::ReadOnly, _) | (_, RunsPolicy::ReadOnly) => RunsPolicy::ReadOnly,
            _ => RunsPolicy::All,
        }
    }
}

/// What drills do, `[drills]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillRules {
    /// They page people as real incidents do, with DRILL in front. False: the one who declares it has it.
    pub page: bool,
    /// Which actions may run on them.
    pub runs: RunsPolicy,
}

impl Default for DrillRules {
    fn default() -> DrillRules {
        DrillRules {
            page: true,
            runs: RunsPolicy::All,
        }
    }
}

/// Who sees every private incident beside those it concerns, `[private]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Insiders {
    /// By id.
    pub people: Vec<String>,
    /// Holders of these roles.
    pub roles: Vec<String>,
}
