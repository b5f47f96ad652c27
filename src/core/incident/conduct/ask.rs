//! Roles: given, asked for, answered, released, waived.

use super::super::{Event, Incident, Refusal, Scene};
use super::{ConductEvent, evolve::taken};
use crate::core::directory::{COMMANDER, IncidentRole};
use crate::core::id::Actor;
use crate::core::text;
use crate::core::time::Time;

type Decision = Result<Vec<Event>, Refusal>;

pub(super) fn nothing(what: impl Into<String>) -> Refusal {
    Refusal::NothingToDo { what: what.into() }
}

pub(super) fn invalid(why: impl Into<String>) -> Refusal {
    Refusal::Invalid { why: why.into() }
}

/// Id and name of a role, and how it is configured.
struct Meant<'a> {
    id: &'a str,
    name: String,
    spec: Option<&'a IncidentRole>,
}

/// A role of the configuration, or one that somebody still has.
fn meant<'a>(incident: &Incident, scene: &Scene<'a>, role: &'a str) -> Result<Meant<'a>, Refusal> {
    let rules = &scene.directory.conduct;
    let spec = rules.role(role).map(AsRef::as_ref);
    let known = role == COMMANDER || incident.conduct.roles.contains_key(role);
    if spec.is_none() && !known {
        let there_are: Vec<String> = rules.roles.iter().map(|r| format!("`{}`", r.id)).collect();
        return Err(invalid(match there_are.as_slice() {
            [] => format!("There is no role `{role}`; `[[roles]]` in firebell.toml makes one."),
            some => format!("There is no role `{role}`. There is {}.", text::list(some)),
        }));
    }
    let name = spec.map_or_else(
        || incident.conduct.name(role).to_owned(),
        |s| s.name.clone(),
    );
    Ok(Meant {
        id: role,
        name,
        spec,
    })
}

/// A program has nobody behind it who could do what a role asks for.
pub(super) fn somebody(who: &Actor, what: &str) -> Result<(), Refusal> {
    match who {
        Actor::Person { .. } | Actor::Unlinked { .. } => Ok(()),
        other => Err(invalid(format!(
            "{} is no person, and cannot {what}; name somebody.",
            other.name()
        ))),
    }
}

/// Whether somebody who is to have a role is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Manner {
    /// As the role is configured.
    Usual,
    /// In any case.
    Ask,
    /// Not: whoever had it leaves, and nobody would have it meanwhile.
    Hand,
}

/// Somebody is to have a role, or is asked to take it.
pub(in super::super) fn give(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    role: &str,
    to: Actor,
    manner: Manner,
) -> Decision {
    let role = meant(incident, scene, role)?;
    // Who led is known after the end as well; everything else is of a response that goes on.
    if !incident.is_open() && role.id != COMMANDER {
        return Err(Refusal::AlreadyResolved);
    }
    somebody(&to, &format!("be {}", role.name))?;
    if incident.holders(role.id).iter().any(|h| h.same(&to)) {
        return Err(nothing(if role.id == COMMANDER {
            format!("{} already leads.", to.name())
        } else {
            format!("{} already is {}.", to.name(), role.name)
        }));
    }
    let asked = incident.conduct.offers.get(role.id);
    let ask = match manner {
        Manner::Usual => role.spec.is_some_and(|s| s.accept),
        Manner::Ask => true,
        Manner::Hand => false,
    };
    if ask && !to.same(&by) {
        if asked.is_some_and(|a| a.same(&to)) {
            return Err(nothing(format!(
                "{} was asked already, and has not answered.",
                to.name()
            )));
        }
        return Ok(vec![Event::Conduct(ConductEvent::RoleOffered {
            by,
            role: role.id.to_owned(),
            name: role.name,
            to,
        })]);
    }
    Ok(vec![given(incident, by, &role, to, String::new())])
}

/// The fact that somebody has a role of the configuration.
pub(super) fn filled(incident: &Incident, spec: &IncidentRole, to: Actor, why: String) -> Event {
    let role = Meant {
        id: &spec.id,
        name: spec.name.clone(),
        spec: Some(spec),
    };
    given(incident, Actor::Firebell, &role, to, why)
}

fn given(incident: &Incident, by: Actor, role: &Meant<'_>, to: Actor, why: String) -> Event {
    if role.id == COMMANDER {
        return Event::LeadChanged {
            by,
            lead: to,
            from: incident.lead.clone(),
            why,
        };
    }
    let many = role.spec.is_some_and(|s| s.many);
    let holder = incident.holders(role.id).into_iter().next().cloned();
    Event::Conduct(ConductEvent::RoleGiven {
        by,
        role: role.id.to_owned(),
        name: role.name.clone(),
        to,
        from: holder.filter(|_| !many),
        why,
    })
}

/// Somebody leads: nobody is asked to any more, and they take part.
pub(in super::super) fn lead_given(incident: &mut Incident, lead: &Actor) {
    taken(incident, COMMANDER);
    super::back(incident, lead);
    incident.lead = Some(lead.clone());
}

/// Whoever was asked answers.
pub(super) fn answer(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    role: &str,
    yes: bool,
) -> Decision {
    let role = meant(incident, scene, role)?;
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    match incident.conduct.offers.get(role.id) {
        Some(asked) if asked.same(&by) => {}
        Some(asked) => {
            return Err(Refusal::Forbidden {
                why: format!(
                    "{} was asked to be {}, not you; `role {} me` takes it.",
                    asked.name(),
                    role.name,
                    role.id
                ),
            });
        }
        None => {
            return Err(nothing(format!(
                "Nobody is asked to be {}; `role {} me` takes it.",
                role.name, role.id
            )));
        }
    }
    if yes {
        return Ok(vec![given(incident, by.clone(), &role, by, String::new())]);
    }
    Ok(vec![Event::Conduct(ConductEvent::RoleDeclined {
        by,
        role: role.id.to_owned(),
        name: role.name,
    })])
}

/// Somebody, or everybody who does, is not to have it any more.
pub(super) fn release(
    incident: &Incident,
    scene: &Scene<'_>,
    by: &Actor,
    role: &str,
    who: Option<&Actor>,
) -> Decision {
    let role = meant(incident, scene, role)?;
    let holders = incident.holders(role.id);
    let going: Vec<Actor> = holders
        .iter()
        .filter(|h| who.is_none_or(|w| w.same(h)))
        .map(|h| (*h).clone())
        .collect();
    if going.is_empty() {
        let whom = who.map_or_else(|| "Nobody".to_owned(), |w| w.name().to_owned());
        let is = if who.is_some() { "is not" } else { "is" };
        return Err(nothing(format!("{whom} {is} {}.", role.name)));
    }
    let last = going.len() == holders.len();
    let remind_at = reminder(incident, scene, role.id).filter(|_| last);
    let fact = |who: Actor| {
        Event::Conduct(ConductEvent::RoleReleased {
            by: by.clone(),
            role: role.id.to_owned(),
            name: role.name.clone(),
            who,
            remind_at,
        })
    };
    Ok(going.into_iter().map(fact).collect())
}

/// One holder goes and another comes, in one act: nobody is asked first.
pub(super) fn hand(
    incident: &Incident,
    scene: &Scene<'_>,
    by: &Actor,
    role: &str,
    (who, to): (&Actor, &Actor),
) -> Decision {
    let mut events = Vec::new();
    let has = incident.holders(role).iter().any(|h| h.same(to));
    let many = meant(incident, scene, role)?.spec.is_some_and(|s| s.many);
    if many || has {
        // Whoever comes does not push anybody out.
        events.extend(release(incident, scene, by, role, Some(who))?);
        for event in &mut events {
            if let Event::Conduct(ConductEvent::RoleReleased { remind_at, .. }) = event {
                *remind_at = None;
            }
        }
    }
    if !has {
        let to = to.clone();
        events.extend(give(incident, scene, by.clone(), role, to, Manner::Hand)?);
    }
    Ok(events)
}

/// When the room is reminded of a needed role that becomes empty now.
pub(super) fn reminder(incident: &Incident, scene: &Scene<'_>, role: &str) -> Option<Time> {
    let needed = incident.is_open() && incident.conduct.needed.contains_key(role);
    let after = scene.directory.conduct.remind_after_ms;
    after.filter(|_| needed).map(|ms| scene.now.plus_ms(ms))
}

/// Nobody has to have it here.
pub(super) fn waive(incident: &Incident, scene: &Scene<'_>, by: Actor, role: &str) -> Decision {
    let role = meant(incident, scene, role)?;
    if !incident.conduct.needed.contains_key(role.id) {
        return Err(nothing(format!(
            "Nobody has to be {} in this incident, so nobody is reminded.",
            role.name
        )));
    }
    Ok(vec![Event::Conduct(ConductEvent::RoleWaived {
        by,
        role: role.id.to_owned(),
        name: role.name,
    })])
}
