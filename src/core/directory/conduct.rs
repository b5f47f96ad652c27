//! What is configured about leading an incident: its roles, who fills them, and checklists.
//!
//! An incident's role (commander, scribe) is what somebody does in one incident. It has nothing to
//! do with [`Person::roles`](super::Person::roles), which say what somebody may do.

use super::Target;
use crate::core::id::Severity;
use std::sync::Arc;

/// Id of the role that leads; its holder is the incident's lead.
pub const COMMANDER: &str = "commander";
/// How long a role that is needed may stay empty before everybody is reminded, milliseconds: long
/// enough to look at the trouble first, short enough that ten people do not work past each other.
pub const REMIND_AFTER_MS: i64 = 10 * 60_000;

/// Everything that is configured about leading an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConductRules {
    /// In the order they are shown; the commander first.
    pub roles: Vec<Arc<IncidentRole>>,
    /// By id.
    pub checklists: Vec<Arc<Checklist>>,
    /// How long a needed role may stay empty before the room is reminded, milliseconds; `None`: nobody
    /// is reminded.
    pub remind_after_ms: Option<i64>,
}

/// What somebody does in one incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentRole {
    /// What people type.
    pub id: String,
    /// What people read: `Commander`.
    pub name: String,
    /// What it is about, in a sentence or two; told to whoever gets it.
    pub about: String,
    /// What to do first, one line each; told to whoever gets it.
    pub steps: Vec<String>,
    /// Shown in front of the name; may be empty.
    pub emoji: String,
    /// In which incidents somebody has to have it.
    pub needed: RoleNeed,
    /// Who gets it as soon as it is needed: whoever is on call on a schedule, or a person.
    pub from: Option<Target>,
    /// Whoever gets it that way is paged.
    pub page: bool,
    /// Several people may have it at once.
    pub many: bool,
    /// Whoever is to have it must agree first.
    pub accept: bool,
}

/// In which incidents somebody has to have a role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoleNeed {
    /// In none.
    #[default]
    Never,
    /// In every major one.
    Major,
    /// From this severity on, this one and worse.
    From(Severity),
}

/// A list of things to be done, which an incident takes over as it is at that moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checklist {
    /// Name of its file.
    pub id: String,
    /// Heading.
    pub title: String,
    /// This severity and worse; `None`: any.
    pub from_severity: Option<Severity>,
    /// Only incidents of these types; empty: of any.
    pub types: Vec<String>,
    /// Only of these services; empty: of any.
    pub services: Vec<String>,
    /// Only of these teams; empty: of any.
    pub teams: Vec<String>,
    /// Also for incidents that are not major.
    pub minor: bool,
    /// In order; never empty.
    pub items: Vec<ChecklistItem>,
}

/// One line of a checklist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChecklistItem {
    /// What is to be done.
    pub text: String,
    /// Id of the role that sees to it.
    pub role: Option<String>,
    /// To be done within so many milliseconds after the list has begun.
    pub due_ms: Option<i64>,
    /// Where to read on.
    pub link: String,
    /// Id of the action that does it.
    pub action: Option<String>,
}

impl ConductRules {
    /// The roles firebell brings along, and the usual reminder.
    #[must_use]
    pub fn shipped() -> ConductRules {
        let roles = [
            IncidentRole {
                needed: RoleNeed::Major,
                emoji: "🧭".to_owned(),
                ..IncidentRole::named(
                    COMMANDER,
                    "Commander",
                    "Leads the response: decides, hands out work, keeps everybody on one plan. Does not debug.",
                    &[
                        "Say in the room that you lead.",
                        "Ask for a report: conditions, actions, needs (`can`).",
                        "Fill the roles that are needed; hand out tasks with an owner (`task`).",
                        "Write decisions down (`decision`), and hand over before you are tired.",
                    ],
                )
            },
            IncidentRole {
                emoji: "📣".to_owned(),
                ..IncidentRole::named(
                    "communications",
                    "Communications",
                    "Tells everybody outside the room what is known, and keeps them out of it.",
                    &[
                        "Ask the commander what may be said, and to whom.",
                        "Send a first update, and say when the next one comes.",
                    ],
                )
            },
            IncidentRole {
                emoji: "📝".to_owned(),
                ..IncidentRole::named(
                    "scribe",
                    "Scribe",
                    "Writes down what is done and decided, while it happens.",
                    &[
                        "Put what is said elsewhere on the timeline (`note at 14:03 …`).",
                        "Write decisions down (`decision`), and ask who owns what (`task`).",
                    ],
                )
            },
        ];
        ConductRules {
            roles: roles.map(Arc::new).into(),
            checklists: Vec::new(),
            remind_after_ms: Some(REMIND_AFTER_MS),
        }
    }

    /// The role of this id.
    #[must_use]
    pub fn role(&self, id: &str) -> Option<&Arc<IncidentRole>> {
        self.roles.iter().find(|r| r.id == id)
    }

    /// The role people mean by a word: its id or its name, whatever the case.
    #[must_use]
    pub fn meant(&self, word: &str) -> Option<&Arc<IncidentRole>> {
        let like = |r: &&Arc<IncidentRole>| {
            r.id.eq_ignore_ascii_case(word) || r.name.to_lowercase() == word.to_lowercase()
        };
        self.roles.iter().find(like)
    }

    /// The name of a role, or its id when it is configured no more.
    #[must_use]
    pub fn role_name(&self, id: &str) -> String {
        match self.role(id) {
            Some(role) => role.name.clone(),
            None if id == COMMANDER => "Commander".to_owned(),
            None => id.to_owned(),
        }
    }
}

impl IncidentRole {
    /// A role that is nobody's duty, and one person's at a time.
    #[must_use]
    pub fn named(id: &str, name: &str, about: &str, steps: &[&str]) -> IncidentRole {
        IncidentRole {
            id: id.to_owned(),
            name: name.to_owned(),
            about: about.to_owned(),
            steps: steps.iter().map(|s| (*s).to_owned()).collect(),
            page: true,
            ..IncidentRole::default()
        }
    }

    /// Whether an incident of this severity needs somebody to have it.
    #[must_use]
    pub fn is_needed(&self, major: bool, severity: Severity) -> bool {
        match self.needed {
            RoleNeed::Never => false,
            RoleNeed::Major => major,
            RoleNeed::From(worst) => severity <= worst,
        }
    }
}
