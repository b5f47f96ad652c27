//! What an incident is, beside how bad: its type, whether only those it concerns may see it, and
//! whether it is a drill.

use super::Incident;
use crate::core::directory::{ActionClass, RunsPolicy};
use crate::core::id::{Actor, IncidentId};
use serde::{Deserialize, Serialize};

/// In front of the title of a drill, wherever a person could mistake it.
pub const DRILL: &str = "DRILL";

/// What an incident is. Frozen at the start, and changed by events of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nature {
    /// Id of the configured type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_id: Option<String>,
    /// What the type was called then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// Only those it concerns may see it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// It is practised and not real: it counts in no statistics.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// Which actions may run on it.
    #[serde(skip_serializing_if = "RunsPolicy::is_all")]
    pub runs: RunsPolicy,
}

impl Nature {
    /// Of no type, seen by everybody and real: as all incidents were before there were types.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Nature::default()
    }

    /// `a drill, it is not real and does not count; of the type Outage`, to stand behind "it is"; empty
    /// when there is nothing to say.
    #[must_use]
    pub fn words(&self) -> String {
        let name = self.type_name.as_ref().or(self.type_id.as_ref());
        let mut parts: Vec<String> = Vec::new();
        if self.drill {
            parts.push("a drill, it is not real and does not count".to_owned());
        }
        if let Some(name) = name {
            parts.push(format!("of the type {name}"));
        }
        if self.private {
            parts.push("private, only those it concerns see it".to_owned());
        }
        match self.runs {
            RunsPolicy::All => {}
            RunsPolicy::ReadOnly => parts.push("only actions that look may run on it".to_owned()),
            RunsPolicy::None => parts.push("no actions run on it".to_owned()),
        }
        parts.join("; ")
    }
}

impl Nature {
    /// Whether actions of a class may run on such an incident.
    #[must_use]
    pub fn permits(&self, class: ActionClass) -> bool {
        match self.runs {
            RunsPolicy::All => true,
            RunsPolicy::ReadOnly => class == ActionClass::Diagnostic,
            RunsPolicy::None => false,
        }
    }

    /// Why an action may not, with the remedy.
    #[must_use]
    pub fn why_not(&self) -> String {
        let what = match self.runs {
            RunsPolicy::None => "No action runs",
            _ => "Only actions that look and change nothing run",
        };
        let whose = match (&self.type_name, self.drill) {
            (Some(name), _) => format!("on incidents of the type {name}"),
            (None, _) => "on drills".to_owned(),
        };
        let fix = if self.drill {
            "If this is real, say `real`"
        } else {
            "If that is wrong, say `type` with another one"
        };
        format!("{what} {whose}, by firebell.toml. {fix}.")
    }
}

impl Incident {
    /// The title as it is shown to people: a drill says so before anything else.
    #[must_use]
    pub fn headline(&self) -> String {
        headline(&self.title, self.nature.drill)
    }

    /// The parts of it that are not resolved.
    #[must_use]
    pub fn open_parts(&self) -> Vec<IncidentId> {
        let open = self.children.iter();
        let open = open.filter(|(_, c)| c.status != super::Status::Resolved.word());
        open.map(|(id, _)| *id).collect()
    }

    /// Whether it concerns somebody: they were paged, did something about it, or were let in.
    #[must_use]
    pub fn concerns(&self, key: &str) -> bool {
        self.crew.contains(key) || self.admitted.contains(key) || self.paged.contains_key(key)
    }

    /// Everybody it concerns.
    #[must_use]
    pub fn viewers(&self) -> std::collections::BTreeSet<&str> {
        let all = (self.crew.iter())
            .chain(self.admitted.iter())
            .chain(self.paged.keys());
        all.map(String::as_str).collect()
    }
}

/// What somebody wants an incident to be from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Seen only by those it concerns, or by everybody again.
    Private {
        /// Which.
        private: bool,
        /// In words; may be empty.
        why: String,
    },
    /// Practised, or real after all.
    Drill {
        /// Which.
        drill: bool,
    },
    /// Of another type. Its name and what may run are as configured now.
    Type {
        /// Id; `None`: of no type.
        type_id: Option<String>,
        /// Display name.
        name: Option<String>,
        /// Which actions may run on it.
        runs: RunsPolicy,
    },
    /// Somebody may see it, though it did not concern them.
    Invite {
        /// Who.
        who: Actor,
    },
    /// It has to do with another incident.
    Relate {
        /// Which.
        to: IncidentId,
        /// Its title; empty when that is not for everybody who sees this one.
        title: String,
        /// Why, in words.
        why: String,
    },
    /// It has not.
    Unrelate {
        /// Which.
        to: IncidentId,
    },
    /// It is a part of another incident, or of none.
    Parent {
        /// Which, and its title; `None`: it stands for itself.
        parent: Option<(IncidentId, String)>,
    },
    /// Another incident is a part of it now.
    Child {
        /// Which.
        child: IncidentId,
        /// Its title.
        title: String,
        /// Where it stands.
        status: String,
    },
    /// Another incident is no part of it any more.
    Orphan {
        /// Which.
        child: IncidentId,
    },
    /// Where a part of it stands.
    ChildMoved {
        /// Which.
        child: IncidentId,
        /// Now.
        status: String,
    },
    /// Something like it was looked at before.
    Recall(Recalled),
}

/// It was made private.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// Who says so.
    pub by: Actor,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Where it was to be read until then: that cannot be undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exposed: Vec<String>,
}

/// It is private no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revealed {
    /// Who says so.
    pub by: Actor,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// Somebody was let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// Who says so.
    pub by: Actor,
    /// Who may see it now.
    pub who: Actor,
}

/// It is a drill, or real after all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillSet {
    /// Who says so.
    pub by: Actor,
    /// Which.
    pub drill: bool,
    /// Which actions may run on it now.
    #[serde(default, skip_serializing_if = "RunsPolicy::is_all")]
    pub runs: RunsPolicy,
}

/// It is of another type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeSet {
    /// Who says so.
    pub by: Actor,
    /// Id of the configured type; absent: none.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_id: Option<String>,
    /// What it was called then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// Which actions may run on it.
    #[serde(default, skip_serializing_if = "RunsPolicy::is_all")]
    pub runs: RunsPolicy,
}

/// It has to do with another incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// Who says so.
    pub by: Actor,
    /// Which.
    pub to: IncidentId,
    /// Its title then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// It has nothing to do with another incident after all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unrelated {
    /// Who says so.
    pub by: Actor,
    /// Which.
    pub to: IncidentId,
}

/// It is a part of another incident, or stands for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentSet {
    /// Who says so.
    pub by: Actor,
    /// Of which; absent: of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<IncidentId>,
    /// Its title then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
}

/// Another incident is a part of it, or is no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildSet {
    /// Who says so.
    pub by: Actor,
    /// Which.
    pub child: IncidentId,
    /// Its title then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Where it stands; absent: it is no part any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// A part of it stands somewhere else now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildMoved {
    /// Which.
    pub child: IncidentId,
    /// Where.
    pub status: String,
}

/// An incident with the same alert of the same service has a postmortem that people agreed on. No title:
/// whoever reads this need not be among those who may see that one, should it become private.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recalled {
    /// Which.
    pub of: IncidentId,
    /// The alert they have in common.
    pub alert: String,
}

/// A part of an incident, as that one knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub status: String,
}

/// Under which somebody is known to a private incident: a person's id, or `platform:id` of an account
/// without a person; `None`: a program, or firebell.
#[must_use]
pub fn key(who: &Actor) -> Option<&str> {
    match who {
        Actor::Person { id, .. } | Actor::Unlinked { id, .. } => Some(id),
        Actor::Firebell | Actor::Source { .. } | Actor::Token { .. } => None,
    }
}

/// Whether a sender says that its alert is practised: the label `drill`, unless it is `false`.
#[must_use]
pub fn labelled_drill(labels: &crate::core::alert::Labels) -> bool {
    labels.get("drill").is_some_and(|d| d != "false")
}

/// Whether it was practised and counts for nothing: as people said last; where nobody has, as its sender's
/// label says, which is all that journals older than drills have.
#[must_use]
pub fn practised(incident: &super::Incident, journal: &[super::Record]) -> bool {
    let mut events = journal.iter().map(|r| &r.event);
    let said = events.any(|e| matches!(e, super::Event::DrillSet(_)));
    incident.nature.drill || !said && labelled_drill(&incident.labels())
}

/// A title as it is shown to people: a drill says so before anything else.
#[must_use]
pub fn headline(title: &str, drill: bool) -> String {
    if drill {
        format!("{DRILL}: {title}")
    } else {
        title.to_owned()
    }
}
