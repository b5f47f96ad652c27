//! Who is here: everybody who was woken, has it, has a role or a task, said so, or is in a room.

use super::super::{Incident, Status};
use crate::core::directory::Directory;
use crate::core::id::Actor;
use crate::core::time::Time;

/// What somebody has to do with an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Who.
    pub who: Actor,
    /// Ids of their roles, the commander's first.
    pub roles: Vec<String>,
    /// Numbers of their open tasks.
    pub tasks: Vec<u32>,
    /// They have the incident.
    pub has_it: bool,
    /// How often they were paged.
    pub paged: u32,
    /// They said that they take part, and since when.
    pub joined: Option<Time>,
    /// They said that they do not any more.
    pub left: bool,
    /// Platforms on which they are in the room.
    pub rooms: Vec<String>,
}

impl Part {
    fn of(who: Actor) -> Part {
        Part {
            who,
            roles: Vec::new(),
            tasks: Vec::new(),
            has_it: false,
            paged: 0,
            joined: None,
            left: false,
            rooms: Vec::new(),
        }
    }

    /// Takes part: has something to do here, or said so.
    #[must_use]
    pub fn is_responding(&self) -> bool {
        !self.left
            && (self.has_it
                || self.joined.is_some()
                || !self.roles.is_empty()
                || !self.tasks.is_empty())
    }
}

/// Everybody who has to do with an incident: who responds first, then who is only there or was only
/// woken, by name.
#[must_use]
pub fn parts(incident: &Incident, directory: &Directory) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let conduct = &incident.conduct;
    if let Some(lead) = &incident.lead {
        of(&mut parts, lead);
    }
    for who in conduct.roles.values().flatten() {
        of(&mut parts, who);
    }
    if incident.status == Status::Acknowledged
        && let Some(by) = &incident.acked_by
    {
        of(&mut parts, by).has_it = true;
    }
    for (who, at) in &conduct.joined {
        of(&mut parts, who).joined = Some(*at);
    }
    for task in conduct.open_tasks() {
        if let Some(owner) = &task.owner {
            of(&mut parts, owner).tasks.push(task.task);
        }
    }
    for (platform, people) in &conduct.present {
        for who in people {
            of(&mut parts, who).rooms.push(platform.clone());
        }
    }
    for (id, n) in incident.paged.iter() {
        // Outgoing webhooks are paged too, and are nobody.
        if id.contains(':') {
            continue;
        }
        let who = Actor::Person {
            id: id.clone(),
            name: directory.person_name(id),
        };
        of(&mut parts, &who).paged = *n;
    }
    for who in &conduct.left {
        of(&mut parts, who).left = true;
    }
    for part in &mut parts {
        let roles = incident.roles_of(&part.who);
        part.roles = roles.into_iter().map(str::to_owned).collect();
    }
    let leads = |p: &Part| incident.lead.as_ref().is_some_and(|l| l.same(&p.who));
    parts.sort_by_cached_key(|p| {
        (
            !p.is_responding(),
            !leads(p),
            p.roles.is_empty(),
            p.who.name().to_lowercase(),
        )
    });
    parts
}

/// The part of somebody, made when there is none yet.
fn of<'a>(parts: &'a mut Vec<Part>, who: &Actor) -> &'a mut Part {
    let known = parts.iter().position(|p| p.who.same(who));
    let at = known.unwrap_or_else(|| {
        parts.push(Part::of(who.clone()));
        parts.len() - 1
    });
    &mut parts[at]
}
