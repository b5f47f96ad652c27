//! Leading an incident: who does what, who takes part, what is to be done, what was decided.
//!
//! Promises: a role is one person's at a time unless it is several people's by its configuration;
//! who has left has neither a role nor an open task; a checklist is taken over as it is and changes no
//! more; every reminder is a deadline of the incident (`wake_at`) and is told once, whatever crashes.
//!
//! The commander is [`Incident::lead`]: the role has a name of its own since later versions, the fact
//! ([`Event::LeadChanged`](super::Event::LeadChanged)) and the state have not changed.

mod ask;
mod command;
mod decide;
mod due;
mod event;
mod evolve;
mod needs;
mod react;
mod tasks;
mod who;

pub use command::{ConductCommand, TaskChange};
pub use event::{CheckItem, ConductEvent, DueThing, NeededRole};
pub use who::{Part, parts};

pub(super) use ask::{Manner, give, lead_given};
pub(super) use decide::{decide, when_checked};
pub(super) use due::{due, next};
pub(super) use evolve::{back, evolve};
pub(super) use needs::aftermath;
pub(super) use react::react;

use super::Incident;
use crate::core::directory::COMMANDER;
use crate::core::id::{Actor, Platform, Seq};
use crate::core::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a task: one line.
pub const TASK_CHARS: usize = 500;
/// Tasks of one incident; a list nobody reads is no list.
pub const TASKS: usize = 200;
/// Characters of each part of a report.
pub const REPORT_CHARS: usize = 1000;

/// Who does what, and what is to be done, as the journal tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conduct {
    /// Holders by id of the role; the commander is [`Incident::lead`].
    pub roles: BTreeMap<String, Vec<Actor>>,
    /// What each role was called when it was last told of.
    pub names: BTreeMap<String, String>,
    /// Who is asked to take which role.
    pub offers: BTreeMap<String, Actor>,
    /// Roles somebody has to have.
    pub needed: BTreeMap<String, Vacancy>,
    /// Roles nobody has to have here after all.
    pub waived: BTreeSet<String>,
    /// Who said that they take part, and since when.
    pub joined: Vec<(Actor, Time)>,
    /// Who said that they do not any more.
    pub left: Vec<Actor>,
    /// Who is in its room, by platform.
    pub present: BTreeMap<Platform, Vec<Actor>>,
    /// In the order they began.
    pub checklists: Vec<CheckedList>,
    /// By number.
    pub tasks: BTreeMap<u32, Task>,
    /// The highest number a task ever had.
    pub last_task: u32,
    /// The newest report.
    pub report: Option<Report>,
}

/// A role that is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vacancy {
    /// When the room is reminded unless somebody has it.
    pub remind_at: Option<Time>,
    /// Since when it counts as empty.
    pub since: Time,
}

/// A checklist that is worked off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedList {
    /// Id of the checklist it was.
    pub list: String,
    /// Heading.
    pub title: String,
    /// In order.
    pub items: Vec<Check>,
}

/// A line of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// As it was taken over.
    pub item: CheckItem,
    /// Who did it, and when.
    pub done: Option<(Actor, Time)>,
    /// The room was reminded of it.
    pub told: bool,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its number.
    pub task: u32,
    /// What.
    pub text: String,
    /// Seq of the event that said so.
    pub text_seq: Seq,
    /// Whose it is.
    pub owner: Option<Actor>,
    /// By when.
    pub due: Option<Time>,
    /// After the incident: an action item of its postmortem. What is still open when an incident is
    /// resolved becomes one.
    pub follow_up: bool,
    /// Who wanted it.
    pub by: Actor,
    /// When it was done.
    pub done_at: Option<Time>,
    /// Its owner was told that it is due.
    pub told: bool,
}

/// A report of how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// Seq of the event.
    pub seq: Seq,
    /// What is seen.
    pub conditions: String,
    /// What is being done.
    pub actions: String,
    /// What is missing.
    pub needs: String,
}

/// Nobody does anything yet, as in most of a hundred thousand incidents: that takes a pointer's room.
static NOTHING: Conduct = Conduct {
    roles: BTreeMap::new(),
    names: BTreeMap::new(),
    offers: BTreeMap::new(),
    needed: BTreeMap::new(),
    waived: BTreeSet::new(),
    joined: Vec::new(),
    left: Vec::new(),
    present: BTreeMap::new(),
    checklists: Vec::new(),
    tasks: BTreeMap::new(),
    last_task: 0,
    report: None,
};

/// [`Conduct`], in room of its own once there is any. Writing to it makes that room.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Conducted(Option<Box<Conduct>>);

impl std::ops::Deref for Conducted {
    type Target = Conduct;

    fn deref(&self) -> &Conduct {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl std::ops::DerefMut for Conducted {
    fn deref_mut(&mut self) -> &mut Conduct {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Conducted {
    fn eq(&self, other: &Conducted) -> bool {
        **self == **other
    }
}

impl Conducted {
    /// What there is to change; `None`: nothing is there, and nothing is made.
    pub fn known_mut(&mut self) -> Option<&mut Conduct> {
        self.0.as_deref_mut()
    }
}

impl Conduct {
    /// Every line of every checklist.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.checklists.iter().flat_map(|l| &l.items)
    }

    /// The line of this number.
    #[must_use]
    pub fn check(&self, item: u32) -> Option<&Check> {
        self.checks().find(|c| c.item.item == item)
    }

    /// Tasks that are not done.
    pub fn open_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().filter(|t| t.done_at.is_none())
    }

    /// What a role was called last.
    #[must_use]
    pub fn name<'a>(&'a self, role: &'a str) -> &'a str {
        match self.names.get(role) {
            Some(name) => name,
            None if role == COMMANDER => "Commander",
            None => role,
        }
    }

    /// Whether there is anything to show of it in a room.
    #[must_use]
    pub fn has_board(&self) -> bool {
        !self.checklists.is_empty()
            || !self.tasks.is_empty()
            || self.report.is_some()
            || !self.offers.is_empty()
            || self.roles.values().any(|holders| !holders.is_empty())
    }
}

impl Incident {
    /// Who has a role.
    #[must_use]
    pub fn holders(&self, role: &str) -> Vec<&Actor> {
        if role == COMMANDER {
            return self.lead.iter().collect();
        }
        let holders = self.conduct.roles.get(role);
        holders.map_or_else(Vec::new, |h| h.iter().collect())
    }

    /// The roles somebody has, the commander's first.
    #[must_use]
    pub fn roles_of(&self, who: &Actor) -> Vec<&str> {
        let leads = self.lead.as_ref().is_some_and(|l| l.same(who));
        let roles = self.conduct.roles.iter();
        let held = roles.filter(|(_, holders)| holders.iter().any(|h| h.same(who)));
        let lead = leads.then_some(COMMANDER);
        lead.into_iter()
            .chain(held.map(|(role, _)| role.as_str()))
            .collect()
    }

    /// Roles somebody has to have and nobody has.
    pub fn vacant(&self) -> impl Iterator<Item = (&str, &Vacancy)> {
        let needed = self.conduct.needed.iter();
        needed
            .map(|(role, vacancy)| (role.as_str(), vacancy))
            .filter(|(role, _)| self.holders(role).is_empty())
    }
}
