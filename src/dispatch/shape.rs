//! What an incident is to be: private, a drill, of a type, a part of another.

use super::{Desk, Reply};
use crate::chat::grammar::{Bulk, Invocation};
use crate::core::id::IncidentId;
use crate::core::incident::{Command, Incident, Shape};
use crate::engine::{Tie, person};

impl Desk<'_> {
    pub(super) async fn shape(&self, act: Invocation) -> Reply {
        match act {
            Invocation::Private { id, private, why } => self.private(id, private, why).await,
            Invocation::Invite { id, person: whom } => {
                let who = person(&self.directory, &whom);
                let name = who.name().to_owned();
                let said = |i: &Incident| format!("{name} may see {} now.", i.id);
                self.reshape(id, Shape::Invite { who }, said).await
            }
            Invocation::Drill { id, drill } => {
                let said = |i: &Incident| {
                    if drill {
                        format!("{} is a drill now: it counts nowhere.", i.id)
                    } else {
                        format!("{} is real.", i.id)
                    }
                };
                self.reshape(id, Shape::Drill { drill }, said).await
            }
            Invocation::Type { id, kind } => self.retype(id, kind).await,
            Invocation::Relate { id, to, why } => {
                let said = format!("{id} and {to} are related.");
                self.link_up(id, Tie::Relate { to, why }, said).await
            }
            Invocation::Unrelate { id, to } => {
                let said = format!("{id} and {to} have nothing to do with each other.");
                self.link_up(id, Tie::Unrelate { to }, said).await
            }
            Invocation::Parent { id, parent } => {
                let said = match parent {
                    Some(parent) => format!("{id} is a part of {parent} now."),
                    None => format!("{id} stands for itself now."),
                };
                self.link_up(id, Tie::Parent { parent }, said).await
            }
            other => Reply::no(None, format!("`{}` shapes nothing.", other.verb())),
        }
    }

    async fn reshape(
        &self,
        id: IncidentId,
        shape: Shape,
        said: impl FnOnce(&Incident) -> String,
    ) -> Reply {
        let command = Command::Shape {
            by: self.who.clone(),
            shape: Box::new(shape),
        };
        self.act(id, command, said).await
    }

    async fn private(&self, id: IncidentId, private: bool, why: String) -> Reply {
        let said = |i: &Incident| {
            if private {
                format!(
                    "{} is private now: only those it concerns see that it exists. What could be read until now stays known; the timeline says where.",
                    i.id
                )
            } else {
                format!("{} is public now, with everything that was said.", i.id)
            }
        };
        self.reshape(id, Shape::Private { private, why }, said)
            .await
    }

    async fn retype(&self, id: IncidentId, kind: Option<String>) -> Reply {
        let found = kind
            .as_deref()
            .and_then(|k| self.directory.kind(k))
            .cloned();
        let name = found.as_ref().map(|t| t.name.clone());
        let words = name.clone();
        let private = found.as_ref().is_some_and(|t| t.private);
        let said = |i: &Incident| match words {
            Some(name) if private && !i.nature.private => format!(
                "{} is of the type {name} now. Such incidents are private, and this one is not: `private {}` changes that.",
                i.id, i.id.0
            ),
            Some(name) => format!("{} is of the type {name} now.", i.id),
            None => format!("{} is of no type now.", i.id),
        };
        let shape = Shape::Type {
            type_id: kind,
            name,
            runs: found.map(|t| t.runs).unwrap_or_default(),
        };
        self.reshape(id, shape, said).await
    }

    async fn link_up(&self, id: IncidentId, link: Tie, said: String) -> Reply {
        let by = self.who.clone();
        match self.engine.tie(self.cause, id, link, by).await {
            Ok(_) => Reply::yes(Some(id), said).aloud(),
            Err(failure) => Reply::no(Some(id), failure.to_string()),
        }
    }

    /// Ends what is still open of an incident that is over.
    pub(super) async fn resolve_parts(&self, id: IncidentId) -> Reply {
        match self.look(id).await {
            Ok(incident) => {
                let parts = incident.open_parts();
                let reply = self.bulk(Bulk::Resolve, Some(parts.clone()), "").await;
                self.note_parts(id, parts).await;
                reply
            }
            Err(failure) => Reply::no(Some(id), failure.to_string()),
        }
    }

    /// A whole that is over is told how its parts stand as well, so that its card offers nothing stale.
    async fn note_parts(&self, whole: IncidentId, parts: Vec<IncidentId>) {
        for child in parts {
            let Ok(part) = self.look(child).await else {
                continue;
            };
            let shape = Box::new(Shape::ChildMoved {
                child,
                status: part.status.word().to_owned(),
            });
            let by = self.who.clone();
            let cause = format!("{}:part:{}", self.cause, child.0);
            // That it is known already, or cannot be written now, is no reason to fail: it is a copy.
            let _ = self
                .submit(&cause, whole, Command::Shape { by, shape })
                .await;
        }
    }
}
