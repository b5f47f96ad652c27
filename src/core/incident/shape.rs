//! What an incident is changes: private or public, a drill or real, of another type, a part of another.

use super::Incident;
use super::command::{Refusal, Scene};
use super::event::Event;
use super::nature::{
    Child, ChildMoved, ChildSet, DrillSet, Hidden, Invited, ParentSet, Recalled, Related, Revealed,
    Shape, TypeSet, Unrelated, key,
};
use super::{Record, THE_ROOM};
use crate::core::id::{Actor, IncidentId};
use crate::core::sight::Sight;
use crate::core::text::{cut, list};

/// Characters of a reason.
const WHY_CHARS: usize = 500;
/// Related incidents of one; more relate to nothing.
const RELATED: usize = 50;
/// Parts of one.
const CHILDREN: usize = 100;

/// Decides.
pub(super) fn decide(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    shape: Shape,
) -> Result<Vec<Event>, Refusal> {
    let event = match shape {
        Shape::Private { private: true, why } => hide(incident, by, &why)?,
        Shape::Private { why, .. } => reveal(incident, scene, by, &why)?,
        Shape::Drill { drill } if drill == incident.nature.drill => {
            let what = if drill {
                "It is a drill already."
            } else {
                "It is no drill."
            };
            return Err(nothing(what));
        }
        Shape::Drill { drill } => {
            let own = incident.nature.type_id.as_ref();
            let kind = own.and_then(|id| scene.directory.types.iter().find(|t| t.id == *id));
            let runs = kind.map(|t| t.runs).unwrap_or_default();
            Event::DrillSet(DrillSet {
                by,
                drill,
                runs: if drill {
                    runs.and(scene.directory.drills.runs)
                } else {
                    runs
                },
            })
        }
        Shape::Type { type_id, .. } if type_id == incident.nature.type_id => {
            return Err(nothing("It is of that type already."));
        }
        Shape::Type {
            type_id,
            name,
            runs,
        } => Event::TypeSet(TypeSet {
            by,
            type_id,
            type_name: name,
            runs: if incident.nature.drill {
                runs.and(scene.directory.drills.runs)
            } else {
                runs
            },
        }),
        Shape::Invite { who } => invite(incident, by, who)?,
        Shape::Recall(found) => recall(incident, found)?,
        other => return relate(incident, by, other),
    };
    Ok(vec![event])
}

/// Once, and while somebody can still use it.
fn recall(incident: &Incident, found: Recalled) -> Result<Event, Refusal> {
    if incident.recalled.is_some() || found.of == incident.id {
        return Err(nothing("It was recalled already."));
    }
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    Ok(Event::Recalled(found))
}

fn nothing(what: impl Into<String>) -> Refusal {
    Refusal::NothingToDo { what: what.into() }
}

fn hide(incident: &Incident, by: Actor, why: &str) -> Result<Event, Refusal> {
    if incident.nature.private {
        return Err(nothing("It is private already."));
    }
    let mut exposed = Vec::new();
    exposed.extend(
        incident
            .channel
            .as_ref()
            .map(|c| format!("its card in #{c}")),
    );
    exposed.extend(incident.rooms.keys().map(|p| format!("its room on {p}")));
    exposed.push("the lists of the console and the API".to_owned());
    Ok(Event::Hidden(Hidden {
        by,
        why: cut(why, WHY_CHARS),
        exposed,
    }))
}

/// To make it public is not to be undone, so not everybody who sees it may.
fn reveal(incident: &Incident, scene: &Scene<'_>, by: Actor, why: &str) -> Result<Event, Refusal> {
    if !incident.nature.private {
        return Err(nothing("It is not private."));
    }
    let leads = incident.lead.as_ref().is_some_and(|l| l.same(&by));
    let program = matches!(by, Actor::Token { .. });
    let named = match Sight::of(&by, scene.directory) {
        Sight::All => true,
        Sight::Of { types, .. } => {
            let own = incident.nature.type_id.as_ref();
            own.is_some_and(|t| types.contains(t))
        }
        Sight::Public => false,
    };
    if !leads && !named && !program {
        let lead = incident.lead.as_ref().map_or("nobody yet", Actor::name);
        return Err(Refusal::Forbidden {
            why: format!(
                "Only its lead ({lead}), or whom [private] or its type names in firebell.toml, may make it public."
            ),
        });
    }
    Ok(Event::Revealed(Revealed {
        by,
        why: cut(why, WHY_CHARS),
    }))
}

fn invite(incident: &Incident, by: Actor, who: Actor) -> Result<Event, Refusal> {
    let Some(name) = key(&who) else {
        return Err(Refusal::Invalid {
            why: "Only people can be let in.".to_owned(),
        });
    };
    if incident.crew.contains(name) || incident.admitted.contains(name) {
        return Err(nothing(format!("{} is in already.", who.name())));
    }
    Ok(Event::Invited(Invited { by, who }))
}

fn relate(incident: &Incident, by: Actor, shape: Shape) -> Result<Vec<Event>, Refusal> {
    let itself = |other: IncidentId| {
        (other == incident.id).then(|| Refusal::Invalid {
            why: "That is the incident itself; name another one.".to_owned(),
        })
    };
    let event = match shape {
        Shape::Relate { to, title, why } => {
            if let Some(no) = itself(to) {
                return Err(no);
            }
            if incident.related.contains_key(&to) {
                return Err(nothing(format!("{to} is related to it already.")));
            }
            if incident.related.len() >= RELATED {
                return Err(Refusal::Invalid {
                    why: format!(
                        "It has {RELATED} related incidents; `parent` holds together what is one."
                    ),
                });
            }
            Event::Related(Related {
                by,
                to,
                title,
                why: cut(&why, WHY_CHARS),
            })
        }
        Shape::Unrelate { to } if !incident.related.contains_key(&to) => {
            return Err(nothing(format!("{to} is not related to it.")));
        }
        Shape::Unrelate { to } => Event::Unrelated(Unrelated { by, to }),
        Shape::Parent { parent } => {
            if let Some(no) = parent.as_ref().and_then(|(id, _)| itself(*id)) {
                return Err(no);
            }
            let (id, title) = parent.map_or((None, String::new()), |(id, t)| (Some(id), t));
            if id == incident.parent.as_ref().map(|(id, _)| *id) {
                return Err(nothing(match id {
                    Some(id) => format!("It is a part of {id} already."),
                    None => "It stands for itself.".to_owned(),
                }));
            }
            Event::ParentSet(ParentSet {
                by,
                parent: id,
                title,
            })
        }
        Shape::Child {
            child,
            title,
            status,
        } => {
            if incident.children.len() >= CHILDREN {
                return Err(Refusal::Invalid {
                    why: format!(
                        "It has {CHILDREN} parts; an incident of more tells nobody anything."
                    ),
                });
            }
            Event::ChildSet(ChildSet {
                by,
                child,
                title,
                status: Some(status),
            })
        }
        Shape::Orphan { child } if !incident.children.contains_key(&child) => {
            return Err(nothing(format!("{child} is no part of it.")));
        }
        Shape::Orphan { child } => Event::ChildSet(ChildSet {
            by,
            child,
            title: String::new(),
            status: None,
        }),
        Shape::ChildMoved { child, status } => {
            if incident
                .children
                .get(&child)
                .is_none_or(|c| c.status == status)
            {
                return Err(nothing("That is known."));
            }
            Event::ChildMoved(ChildMoved { child, status })
        }
        // `decide` sends nothing else here.
        _ => return Err(nothing("There is nothing to do.")),
    };
    Ok(vec![event])
}

/// Remembers.
pub(super) fn evolve(incident: &mut Incident, record: &Record) {
    match &record.event {
        Event::Hidden(hidden) => {
            incident.nature.private = true;
            incident.admitted.extend(key(&hidden.by).map(str::to_owned));
            // What was made for everybody is not its room any more: each platform makes another one, or
            // closes this one.
            for platform in std::mem::take(&mut incident.rooms).into_keys() {
                incident.closed.insert((platform, THE_ROOM.to_owned()));
            }
        }
        Event::Revealed(_) => incident.nature.private = false,
        Event::Invited(invited) => {
            if let Some(id) = invited.who.person() {
                incident.crew.insert(id.to_owned());
            }
            incident
                .admitted
                .extend(key(&invited.who).map(str::to_owned));
        }
        Event::DrillSet(set) => {
            incident.nature.drill = set.drill;
            incident.nature.runs = set.runs;
        }
        Event::TypeSet(set) => {
            incident.nature.type_id.clone_from(&set.type_id);
            incident.nature.type_name.clone_from(&set.type_name);
            incident.nature.runs = set.runs;
        }
        Event::Related(related) => {
            let why = (related.title.clone(), related.why.clone());
            incident.related.insert(related.to, why);
        }
        Event::Unrelated(gone) => drop(incident.related.remove(&gone.to)),
        Event::ParentSet(set) => {
            incident.parent = set.parent.map(|id| (id, set.title.clone()));
        }
        Event::ChildSet(set) => match &set.status {
            Some(status) => {
                let child = Child {
                    title: set.title.clone(),
                    status: status.clone(),
                };
                incident.children.insert(set.child, child);
            }
            None => drop(incident.children.remove(&set.child)),
        },
        Event::ChildMoved(moved) => {
            if let Some(child) = incident.children.get_mut(&moved.child) {
                child.status.clone_from(&moved.status);
            }
        }
        Event::Recalled(found) => incident.recalled = Some(Box::new(found.clone())),
        _ => {}
    }
}

/// Whoever may see it because of an event, while it is private: those who come into its room and speak
/// there were let in by somebody who is in it.
pub(super) fn admit(incident: &mut Incident, event: &Event) {
    use super::parts::Origin;
    let who = match event {
        Event::Opened {
            origin: Origin::Declared { by },
            ..
        }
        | Event::Acknowledged { by }
        | Event::AckCounted { by, .. }
        | Event::Snoozed { by, .. }
        | Event::LeadChanged { lead: by, .. } => Some(by),
        Event::Joined { by, .. } | Event::Spoke { by, .. } if incident.nature.private => Some(by),
        _ => None,
    };
    incident
        .admitted
        .extend(who.and_then(key).map(str::to_owned));
}

/// The sentence of such an event.
#[must_use]
pub fn sentence(event: &Event) -> Option<String> {
    let because = |why: &str| match why {
        "" => String::new(),
        why => format!(" Why: {why}."),
    };
    let titled = |title: &str| match title {
        "" => String::new(),
        title => format!(" “{title}”"),
    };
    Some(match event {
        Event::Hidden(e) => {
            let places = match e.exposed.as_slice() {
                [] => String::new(),
                places => format!(
                    " Until then it could be read in {}, in mails, feeds and copies of them: that is not undone.",
                    list(places)
                ),
            };
            format!(
                "{} made it private: from now on only those it concerns see that it exists.{}{places}",
                e.by.name(),
                because(&e.why)
            )
        }
        Event::Revealed(e) => format!(
            "{} made it public: everybody may see it, with everything that was said while it was private.{}",
            e.by.name(),
            because(&e.why)
        ),
        Event::Invited(e) => format!("{} let {} in.", e.by.name(), e.who.name()),
        Event::DrillSet(e) if e.drill => format!(
            "{} made it a drill: it is not real, and counts nowhere.",
            e.by.name()
        ),
        Event::DrillSet(e) => format!("{} says that this is real and no drill.", e.by.name()),
        Event::TypeSet(e) => match e.type_name.as_ref().or(e.type_id.as_ref()) {
            Some(name) => format!("{} made it an incident of the type {name}.", e.by.name()),
            None => format!("{} took its type away.", e.by.name()),
        },
        Event::Related(e) => format!(
            "{} related it to {}{}.{}",
            e.by.name(),
            e.to,
            titled(&e.title),
            because(&e.why)
        ),
        Event::Unrelated(e) => format!(
            "{} says that {} has nothing to do with it.",
            e.by.name(),
            e.to
        ),
        Event::ParentSet(e) => match e.parent {
            Some(parent) => format!(
                "{} made it a part of {parent}{}.",
                e.by.name(),
                titled(&e.title)
            ),
            None => format!(
                "{} took it out of the incident it was a part of.",
                e.by.name()
            ),
        },
        Event::ChildSet(e) => match &e.status {
            Some(status) => format!(
                "{} made {}{} a part of it; that one is {status}.",
                e.by.name(),
                e.child,
                titled(&e.title)
            ),
            None => format!("{} took {} out of it.", e.by.name(), e.child),
        },
        Event::ChildMoved(e) => format!("Its part {} is {} now.", e.child, e.status),
        Event::Recalled(e) => format!(
            "Seen before: {} had the alert {} on the same service, and its postmortem is agreed on.",
            e.of,
            cut(&e.alert, 80)
        ),
        _ => return None,
    })
}
