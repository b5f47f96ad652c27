//! How often those who wait hear of an incident.

use crate::core::id::Severity;
use crate::core::incident::Incident;
use std::collections::BTreeMap;

/// `[updates]` of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateRules {
    /// From one update to the next by severity, milliseconds; what is not here asks for none.
    pub every: BTreeMap<Severity, i64>,
    /// An incident that is given the last status is resolved by it.
    pub final_resolves: bool,
}

impl UpdateRules {
    /// From one update to the next for an incident of this severity; `None`: none is asked for.
    #[must_use]
    pub fn every_ms(&self, _incident: &Incident, severity: Severity) -> Option<i64> {
        self.every.get(&severity).copied()
    }
}
