//! What happened in leading an incident: kept for ever, additive only, like [`Event`](super::super::Event).

use crate::core::id::Actor;
use crate::core::time::Time;
use serde::{Deserialize, Serialize};

/// A fact about who does what, and what is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConductEvent {
    /// Somebody has to have these roles from now on. Their deadlines are frozen here.
    RolesNeeded {
        /// Which.
        roles: Vec<NeededRole>,
        /// Why now.
        why: String,
    },
    /// Somebody has a role. The commander's is [`Event::LeadChanged`](super::super::Event::LeadChanged).
    RoleGiven {
        /// Who said so.
        by: Actor,
        /// Id of the role.
        role: String,
        /// Its name then.
        name: String,
        /// Who has it.
        to: Actor,
        /// Who had it before, when only one may.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Actor>,
        /// `on call on Web until 09:00`; empty: somebody said so.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    /// Somebody is asked to take a role, and has not answered.
    RoleOffered {
        /// Who asks.
        by: Actor,
        /// Id of the role.
        role: String,
        /// Its name then.
        name: String,
        /// Who is asked.
        to: Actor,
    },
    /// Whoever was asked does not take it.
    RoleDeclined {
        /// Who.
        by: Actor,
        /// Id of the role.
        role: String,
        /// Its name then.
        name: String,
    },
    /// Somebody does not have a role any more, and nobody took it over.
    RoleReleased {
        /// Who said so.
        by: Actor,
        /// Id of the role.
        role: String,
        /// Its name then.
        name: String,
        /// Who had it.
        who: Actor,
        /// When the room is reminded that nobody has it; `None`: not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remind_at: Option<Time>,
    },
    /// Nobody has to have this role here, and nobody is reminded of it.
    RoleWaived {
        /// Who said so.
        by: Actor,
        /// Id of the role.
        role: String,
        /// Its name then.
        name: String,
    },
    /// Nobody has a role that is needed; the room was reminded.
    RoleVacant {
        /// Id of the role.
        role: String,
        /// Its name then.
        name: String,
        /// For how long, milliseconds.
        for_ms: i64,
    },
    /// Somebody takes part.
    ResponderJoined {
        /// Who said so.
        by: Actor,
        /// Who.
        who: Actor,
    },
    /// Somebody does not take part any more. What they had was handed over or let go before.
    ResponderLeft {
        /// Who said so.
        by: Actor,
        /// Who.
        who: Actor,
        /// Who goes on with what they had.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Actor>,
    },
    /// A checklist of the configuration is worked off here from now on, as it was at that moment.
    ChecklistAdded {
        /// Id of the checklist.
        list: String,
        /// Its heading then.
        title: String,
        /// What is to be done.
        items: Vec<CheckItem>,
        /// Why this one.
        why: String,
    },
    /// A line of a checklist is done, or is not after all.
    Ticked {
        /// Who.
        by: Actor,
        /// Its number.
        item: u32,
        /// What it says.
        text: String,
        /// Done.
        done: bool,
    },
    /// Lines of checklists that should be done by now; the room was reminded.
    Overdue {
        /// Which.
        items: Vec<DueThing>,
    },
    /// Something is to be done.
    TaskAdded {
        /// Who said so.
        by: Actor,
        /// Its number, counted within the incident and never given twice.
        task: u32,
        /// What.
        text: String,
        /// Whose it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Actor>,
        /// By when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Time>,
        /// After the incident: an action item of its postmortem.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        follow_up: bool,
    },
    /// A task is another one now, somebody else's, or due at another time.
    TaskChanged {
        /// Who said so.
        by: Actor,
        /// Its number.
        task: u32,
        /// What it says now.
        text: String,
        /// Whose it is now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Actor>,
        /// By when now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Time>,
        /// Whose it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<Actor>,
    },
    /// A task is done, or is not after all.
    TaskFinished {
        /// Who.
        by: Actor,
        /// Its number.
        task: u32,
        /// What it says.
        text: String,
        /// Done.
        done: bool,
    },
    /// A task is not to be done.
    TaskDropped {
        /// Who said so.
        by: Actor,
        /// Its number.
        task: u32,
        /// What it says.
        text: String,
    },
    /// Tasks that should be done by now; whoever owns them was told.
    TaskDue {
        /// Which.
        tasks: Vec<DueThing>,
    },
    /// Something was decided.
    Decided {
        /// Who says so.
        by: Actor,
        /// What.
        text: String,
        /// When, if not now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        happened_at: Option<Time>,
    },
    /// How it stands: conditions, actions, needs.
    Reported {
        /// Who.
        by: Actor,
        /// What is seen.
        conditions: String,
        /// What is being done.
        actions: String,
        /// What is missing.
        needs: String,
    },
}

/// A role somebody has to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeededRole {
    /// Its id.
    pub role: String,
    /// Its name then.
    pub name: String,
    /// When the room is reminded unless somebody has it; `None`: not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_at: Option<Time>,
    /// Why nobody got it by itself; empty: nobody is meant to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unfilled: String,
}

/// A line of a checklist, as an incident took it over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckItem {
    /// Its number, counted over all checklists of the incident.
    pub item: u32,
    /// What is to be done.
    pub text: String,
    /// Id of the role that sees to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Name of that role then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role_name: String,
    /// By when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Time>,
    /// Where to read on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub link: String,
    /// Id of the action that does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

/// Something whose time has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueThing {
    /// Its number.
    pub number: u32,
    /// What it says.
    pub text: String,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Actor>,
}

impl ConductEvent {
    /// The variant's name as stored.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            ConductEvent::RolesNeeded { .. } => "roles_needed",
            ConductEvent::RoleGiven { .. } => "role_given",
            ConductEvent::RoleOffered { .. } => "role_offered",
            ConductEvent::RoleDeclined { .. } => "role_declined",
            ConductEvent::RoleReleased { .. } => "role_released",
            ConductEvent::RoleWaived { .. } => "role_waived",
            ConductEvent::RoleVacant { .. } => "role_vacant",
            ConductEvent::ResponderJoined { .. } => "responder_joined",
            ConductEvent::ResponderLeft { .. } => "responder_left",
            ConductEvent::ChecklistAdded { .. } => "checklist_added",
            ConductEvent::Ticked { .. } => "ticked",
            ConductEvent::Overdue { .. } => "overdue",
            ConductEvent::TaskAdded { .. } => "task_added",
            ConductEvent::TaskChanged { .. } => "task_changed",
            ConductEvent::TaskFinished { .. } => "task_finished",
            ConductEvent::TaskDropped { .. } => "task_dropped",
            ConductEvent::TaskDue { .. } => "task_due",
            ConductEvent::Decided { .. } => "decided",
            ConductEvent::Reported { .. } => "reported",
        }
    }

    /// Who did it; `None`: firebell, because time had come or a rule says so.
    #[must_use]
    pub fn by(&self) -> Option<&Actor> {
        match self {
            ConductEvent::RoleGiven { by, .. }
            | ConductEvent::RoleOffered { by, .. }
            | ConductEvent::RoleDeclined { by, .. }
            | ConductEvent::RoleReleased { by, .. }
            | ConductEvent::RoleWaived { by, .. }
            | ConductEvent::ResponderJoined { by, .. }
            | ConductEvent::ResponderLeft { by, .. }
            | ConductEvent::Ticked { by, .. }
            | ConductEvent::TaskAdded { by, .. }
            | ConductEvent::TaskChanged { by, .. }
            | ConductEvent::TaskFinished { by, .. }
            | ConductEvent::TaskDropped { by, .. }
            | ConductEvent::Decided { by, .. }
            | ConductEvent::Reported { by, .. } => Some(by),
            ConductEvent::RolesNeeded { .. }
            | ConductEvent::RoleVacant { .. }
            | ConductEvent::ChecklistAdded { .. }
            | ConductEvent::Overdue { .. }
            | ConductEvent::TaskDue { .. } => None,
        }
    }

    /// Everybody it names besides who did it.
    pub fn named(&self) -> impl Iterator<Item = &Actor> {
        let mut named: Vec<&Actor> = Vec::new();
        match self {
            ConductEvent::RoleGiven { to, from, .. } => {
                named.push(to);
                named.extend(from);
            }
            ConductEvent::RoleOffered { to, .. } => named.push(to),
            ConductEvent::RoleReleased { who, .. } | ConductEvent::ResponderJoined { who, .. } => {
                named.push(who);
            }
            ConductEvent::ResponderLeft { who, to, .. } => {
                named.push(who);
                named.extend(to);
            }
            ConductEvent::TaskAdded { owner, .. } => named.extend(owner),
            ConductEvent::TaskChanged { owner, was, .. } => {
                named.extend(owner);
                named.extend(was);
            }
            ConductEvent::TaskDue { tasks } => {
                named.extend(tasks.iter().filter_map(|t| t.owner.as_ref()));
            }
            _ => {}
        }
        named.into_iter()
    }

    /// When its author says it happened.
    #[must_use]
    pub fn happened_at(&self) -> Option<Time> {
        match self {
            ConductEvent::Decided { happened_at, .. } => *happened_at,
            _ => None,
        }
    }
}
