//! Tying two incidents: both journals change in one commit, and neither tells of a private one to whom
//! that is not for.

use super::Desk;
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{Command, Incident, Refusal, Shape};
use crate::engine::draft::Draft;
use crate::engine::{Done, Failure, Tie};
use std::sync::Arc;

/// Wholes of wholes that are looked at; deeper is nobody's idea of a part.
const DEEP: usize = 20;

impl Desk {
    /// Ties `id` as wanted; answers about it.
    pub(super) async fn tie(
        &mut self,
        draft: &mut Draft,
        cause: &str,
        (id, tie): (IncidentId, Tie),
        by: Actor,
    ) -> Result<Done, Failure> {
        if let Some(done) = self.answered(draft, cause).await? {
            return Ok(done);
        }
        let own = self.held(id).await?;
        let acts = match tie {
            Tie::Relate { to, why } => {
                let other = self.held(to).await?;
                related(&own, &other, &why)
            }
            Tie::Unrelate { to } => {
                let other = self.held(to).await?;
                let mut acts = vec![(id, Shape::Unrelate { to })];
                if other.related.contains_key(&id) {
                    acts.push((to, Shape::Unrelate { to: id }));
                }
                acts
            }
            Tie::Parent { parent } => self.parted(&own, parent).await?,
        };
        let Some(memory) = &mut self.memory else {
            return Err(Failure::Unavailable("restarting".to_owned()));
        };
        let command = |shape: Shape| Command::Shape {
            by: by.clone(),
            shape: Box::new(shape),
        };
        // All must be willing before one changes.
        for (id, shape) in &acts {
            draft.would(memory, *id, command(shape.clone()))?;
        }
        let mut seq = own.seq;
        for (at, shape) in acts {
            let after = draft.apply(memory, cause, at, command(shape))?;
            if at == id {
                seq = after;
            }
        }
        draft.answered(cause, id, seq);
        Ok(Done {
            incident: id,
            seq,
            repeated: false,
        })
    }

    async fn held(&mut self, id: IncidentId) -> Result<Arc<Incident>, Failure> {
        self.load(id).await?;
        let memory = self.memory.as_ref();
        let found = memory.and_then(|m| m.incidents.get(id));
        found.ok_or(Failure::Refused(Refusal::NoSuchIncident))
    }

    /// What changes when it becomes a part of another one, or of none.
    async fn parted(
        &mut self,
        own: &Incident,
        parent: Option<IncidentId>,
    ) -> Result<Vec<(IncidentId, Shape)>, Failure> {
        let mut acts = Vec::new();
        if let Some((before, _)) = own.parent
            && Some(before) != parent
            && self.held(before).await?.children.contains_key(&own.id)
        {
            acts.push((before, Shape::Orphan { child: own.id }));
        }
        let Some(parent) = parent else {
            acts.push((own.id, Shape::Parent { parent: None }));
            return Ok(acts);
        };
        let whole = self.held(parent).await?;
        self.no_circle(own.id, &whole).await?;
        if whole.nature.private && !own.nature.private {
            return Err(invalid(format!(
                "{} is private and {} is not: a part of it must be private too. `private {1}` first.",
                whole.id, own.id
            )));
        }
        let title = titled(&whole);
        acts.push((
            own.id,
            Shape::Parent {
                parent: Some((parent, title)),
            },
        ));
        // Whoever reads the whole must not learn of a part that is not for them.
        if whole.nature.private || !own.nature.private {
            acts.push((
                parent,
                Shape::Child {
                    child: own.id,
                    title: titled(own),
                    status: own.status.word().to_owned(),
                },
            ));
        }
        Ok(acts)
    }

    async fn no_circle(&mut self, id: IncidentId, whole: &Incident) -> Result<(), Failure> {
        let mut at = whole.parent.as_ref().map(|(id, _)| *id);
        for _ in 0..DEEP {
            match at {
                None => return Ok(()),
                Some(above) if above == id => {
                    return Err(invalid(format!(
                        "{} is itself a part of {id}, so {id} cannot be a part of it.",
                        whole.id
                    )));
                }
                Some(above) => at = self.held(above).await?.parent.as_ref().map(|(id, _)| *id),
            }
        }
        Err(invalid(format!(
            "{} is a part of a part, {DEEP} deep; tie it to one nearer to the top.",
            whole.id
        )))
    }
}

fn invalid(why: String) -> Failure {
    Failure::Refused(Refusal::Invalid { why })
}

/// The title for another one's journal; of a private one none.
fn titled(incident: &Incident) -> String {
    if incident.nature.private {
        String::new()
    } else {
        incident.title.clone()
    }
}

/// Both know of each other, but a public one of no private one.
fn related(own: &Incident, other: &Incident, why: &str) -> Vec<(IncidentId, Shape)> {
    let tie = |at: &Incident, to: &Incident| {
        let shape = Shape::Relate {
            to: to.id,
            title: titled(to),
            why: why.to_owned(),
        };
        (at.id, shape)
    };
    let silent = |at: &Incident, to: &Incident| to.nature.private && !at.nature.private;
    let mut acts = Vec::new();
    if !silent(own, other) {
        acts.push(tie(own, other));
    }
    let known = other.related.contains_key(&own.id);
    if !silent(other, own) && !known && own.id != other.id {
        acts.push(tie(other, own));
    }
    acts
}
