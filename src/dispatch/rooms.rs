//! An incident's rooms, and the removal of what was said in them.

use super::{Desk, Reply};
use crate::chat::grammar::Rooming;
use crate::core::id::IncidentId;
use crate::core::incident::{Command, Incident, Talk};
use crate::core::time::Time;
use crate::engine::Redaction;

impl Desk<'_> {
    pub(super) async fn note(
        &self,
        id: IncidentId,
        text: String,
        happened_at: Option<Time>,
    ) -> Reply {
        let note = Command::Note {
            by: self.who.clone(),
            text,
            happened_at,
        };
        let said = |i: &Incident| format!("Noted on the timeline of {}.", i.id);
        self.act(id, note, said).await
    }

    pub(super) async fn rooming(&self, id: IncidentId, what: Rooming) -> Reply {
        let by = self.who.clone();
        let talk = |talk| Command::Talk(Box::new(talk));
        match what {
            Rooming::Rename { title } => {
                let said = |i: &Incident| format!("{} is called “{}” now.", i.id, i.title);
                self.act(id, talk(Talk::Retitle { by, title }), said).await
            }
            Rooming::Retry => {
                let said = |i: &Incident| {
                    format!(
                        "What failed of the rooms of {} is tried again now; what fails again is told.",
                        i.id
                    )
                };
                self.act(id, talk(Talk::Retry { by }), said).await
            }
            Rooming::Archive => {
                let said = |i: &Incident| {
                    format!(
                        "The rooms of {} are archived; `reopen` takes them out.",
                        i.id
                    )
                };
                self.act(id, talk(Talk::Archive { by }), said).await
            }
            Rooming::Redact { line, why } => {
                let wanted = Redaction {
                    by,
                    incident: id,
                    seq: line,
                    why,
                };
                match self.engine.redact(self.cause, wanted).await {
                    Ok(told) => Reply::yes(Some(id), told),
                    Err(failure) => Reply::no(Some(id), failure.to_string()),
                }
            }
        }
    }
}
