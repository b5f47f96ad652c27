//! Merging two incidents: both journals, the alerts and their leases change in one commit.

use super::Desk;
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::Command;
use crate::engine::draft::Draft;
use crate::engine::{Done, Failure};
use std::sync::PoisonError;

impl Desk {
    /// Closes `from` and lets `into` go on with its alerts; answers about `into`.
    pub(super) async fn merge(
        &mut self,
        draft: &mut Draft,
        cause: &str,
        (from, into): (IncidentId, IncidentId),
        by: Actor,
    ) -> Result<Done, Failure> {
        if let Some(done) = self.answered(draft, cause).await? {
            return Ok(done);
        }
        self.load(from).await?;
        self.load(into).await?;
        let Some(memory) = &mut self.memory else {
            return Err(Failure::Unavailable("restarting".to_owned()));
        };
        let (Some(source), Some(target)) = (memory.incidents.get(from), memory.incidents.get(into))
        else {
            return Err(crate::core::incident::Refusal::NoSuchIncident.into());
        };
        if source.nature.private != target.nature.private {
            let (hidden, open) = if source.nature.private {
                (from, into)
            } else {
                (into, from)
            };
            // The one would tell of the other.
            return Err(crate::core::incident::Refusal::Invalid {
                why: format!(
                    "{hidden} is private and {open} is not: make both alike first, with `private {open}` or `public {hidden}`."
                ),
            }
            .into());
        }
        let close = Command::Merge {
            by: by.clone(),
            into,
            title: target.title.clone(),
        };
        let absorb = Command::Absorb {
            by,
            from: Box::new(source.as_ref().clone()),
        };
        // Both must be willing before either changes.
        draft.would(memory, from, close.clone())?;
        let seq = draft.apply(memory, cause, into, absorb)?;
        draft.apply(memory, cause, from, close)?;
        draft.changes.moves.push((from, into));
        let mut leases = self
            .engine
            .0
            .leases
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        leases.repoint(from, into);
        draft.answered(cause, into, seq);
        Ok(Done {
            incident: into,
            seq,
            repeated: false,
        })
    }
}
