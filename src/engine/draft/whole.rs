//! What an incident is told when a part of it moves: of its own batch, and when it is over and in memory
//! no more, before that batch ends.

use super::Draft;
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{Command, Incident, Shape, Status};
use crate::engine::memory::Memory;

/// A whole that has to hear how a part of it stands.
pub(in crate::engine) struct Untold {
    pub(in crate::engine) whole: IncidentId,
    pub(in crate::engine) part: IncidentId,
    /// Where the part stood before, and whether it was private.
    before: (Status, bool),
    cause: String,
}

impl Untold {
    /// What there is to tell of a part that was decided about; `None`: nothing a whole shows has moved.
    pub(super) fn of(part: &Incident, before: (Status, bool), cause: &str) -> Option<Untold> {
        let (whole, _) = part.parent.as_ref()?;
        let moved = (part.status, part.nature.private) != before;
        moved.then(|| Untold {
            whole: *whole,
            part: part.id,
            before,
            cause: cause.to_owned(),
        })
    }
}

impl Draft {
    /// Tells a whole that is in memory how a part of it stands.
    pub(in crate::engine) fn tell_whole(&mut self, memory: &mut Memory, untold: &Untold) {
        let Some(part) = memory.incidents.get(untold.part) else {
            return;
        };
        if let Some((whole, shape)) = tells_whole(memory, &part, untold.before) {
            // It may know that already.
            let command = Command::Shape {
                by: Actor::Firebell,
                shape: Box::new(shape),
            };
            let _ = self.apply(memory, &untold.cause, whole, command);
        }
    }
}

/// What the incident it is a part of is to be told: where it stands now, or, when it has become
/// private, nothing any more.
fn tells_whole(
    memory: &Memory,
    incident: &Incident,
    (status, private): (Status, bool),
) -> Option<(IncidentId, Shape)> {
    let (parent, _) = incident.parent.as_ref()?;
    let whole = memory.incidents.get(*parent)?;
    whole.children.get(&incident.id)?;
    let child = incident.id;
    if incident.nature.private && !private && !whole.nature.private {
        return Some((*parent, Shape::Orphan { child }));
    }
    (incident.status != status).then(|| {
        let status = incident.status.word().to_owned();
        (*parent, Shape::ChildMoved { child, status })
    })
}
