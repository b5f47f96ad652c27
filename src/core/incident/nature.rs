//! What an incident is, beside how bad: its type, whether only those it concerns may see it, and
//! whether it is a drill.

use super::Incident;
use crate::core::directory::RunsPolicy;
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

impl Incident {
    /// The title as it is shown to people: a drill says so before anything else.
    #[must_use]
    pub fn headline(&self) -> String {
        headline(&self.title, self.nature.drill)
    }
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
