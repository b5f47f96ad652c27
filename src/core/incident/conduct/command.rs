//! What is asked about leading an incident.

use crate::core::id::Actor;
use crate::core::time::Time;

/// What is asked. Imperative; answered with events or a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConductCommand {
    /// Somebody is to have a role.
    GiveRole {
        /// Who says so.
        by: Actor,
        /// Id of the role.
        role: String,
        /// Who is to have it.
        to: Actor,
        /// They are asked first.
        ask: bool,
    },
    /// Answer to being asked.
    AnswerRole {
        /// Who.
        by: Actor,
        /// Id of the role.
        role: String,
        /// They take it.
        yes: bool,
    },
    /// Somebody is not to have a role any more.
    ReleaseRole {
        /// Who says so.
        by: Actor,
        /// Id of the role.
        role: String,
        /// Who has it; `None`: everybody who does.
        who: Option<Actor>,
    },
    /// Nobody has to have this role here.
    WaiveRole {
        /// Who says so.
        by: Actor,
        /// Id of the role.
        role: String,
    },
    /// Somebody takes part.
    Join {
        /// Who says so.
        by: Actor,
        /// Who.
        who: Actor,
    },
    /// Somebody does not any more.
    Leave {
        /// Who says so.
        by: Actor,
        /// Who.
        who: Actor,
        /// Who goes on with what they have.
        to: Option<Actor>,
    },
    /// A line of a checklist is done, or is not.
    Tick {
        /// Who.
        by: Actor,
        /// Its number.
        item: u32,
        /// Done.
        done: bool,
    },
    /// Something is to be done.
    AddTask {
        /// Who says so.
        by: Actor,
        /// What.
        text: String,
        /// Whose it is.
        owner: Option<Actor>,
        /// By when.
        due: Option<Time>,
        /// After the incident.
        follow_up: bool,
        /// Numbers up to this one belong to action items that are in no journal.
        floor: u32,
    },
    /// A task is to be another one, somebody else's, or due at another time.
    ChangeTask {
        /// Who says so.
        by: Actor,
        /// Its number.
        task: u32,
        /// What changes.
        change: TaskChange,
    },
    /// A task is done, or is not.
    FinishTask {
        /// Who.
        by: Actor,
        /// Its number.
        task: u32,
        /// Done.
        done: bool,
    },
    /// A task is not to be done.
    DropTask {
        /// Who says so.
        by: Actor,
        /// Its number.
        task: u32,
    },
    /// Something was decided.
    Decide {
        /// Who says so.
        by: Actor,
        /// What.
        text: String,
        /// When, if not now.
        happened_at: Option<Time>,
    },
    /// How it stands.
    Report {
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

/// What changes of a task; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskChange {
    /// What it says.
    pub text: Option<String>,
    /// Whose it is; `Some(None)`: nobody's.
    pub owner: Option<Option<Actor>>,
    /// By when; `Some(None)`: at no time.
    pub due: Option<Option<Time>>,
}
