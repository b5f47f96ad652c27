//! How often those who wait hear of an incident.

use crate::core::id::Severity;
use crate::core::incident::Incident;
use crate::core::subscribe::Wordings;
use std::collections::BTreeMap;

/// `[updates]` of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateRules {
    /// From one update to the next by severity, milliseconds; what is not here asks for none.
    pub every: BTreeMap<Severity, i64>,
    /// The same for incidents of a type, by its id; where it says nothing, the rest holds.
    pub of_type: BTreeMap<String, BTreeMap<Severity, i64>>,
    /// How those who asked are told.
    pub wordings: Wordings,
    /// An incident that is given the last status is resolved by it.
    pub final_resolves: bool,
}

impl UpdateRules {
    /// From one update to the next for an incident of this severity; `None`: none is asked for.
    #[must_use]
    pub fn every_ms(&self, incident: &Incident, severity: Severity) -> Option<i64> {
        let own = incident.nature.type_id.as_ref();
        let own = own.and_then(|t| self.of_type.get(t)?.get(&severity));
        own.or(self.every.get(&severity)).copied()
    }
}
