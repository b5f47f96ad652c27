//! Changes on a timeline: each at its own time, and said to be context.

use super::{Entry, citation};
use crate::core::change::Preceding;
use crate::core::incident::{Event, Record};
use crate::core::text::{count, list};

/// Kind of the entries that tell of a change before the incident.
pub const KIND: &str = "change";

/// The line of the event itself.
pub(super) fn sentence(changes: &[Preceding]) -> String {
    let all: Vec<String> = changes
        .iter()
        .map(|p| format!("{} ({})", p.words(), p.why))
        .collect();
    format!(
        "{} came before it, which is context and not a cause: {}.",
        count(changes.len(), "known change"),
        list(&all)
    )
}

/// A line for each change, when it happened.
pub(super) fn entries(record: &Record) -> Vec<Entry> {
    let Event::Preceded { changes } = &record.event else {
        return Vec::new();
    };
    let entry = |p: &Preceding| Entry {
        seq: record.seq,
        happened_at: p.at,
        recorded_at: record.at,
        actor: p.source.clone(),
        kind: KIND,
        text: format!("Context, not a cause: {} ({}).", p.words(), p.why),
        source: format!("{}; {} as {}", citation(record), p.source, p.key),
    };
    changes.iter().map(entry).collect()
}
