//! What is told to others of an incident: its status on the configured scale, words for those who
//! wait, and when they hear again. The shapes of it, as events keep them.

use super::redacted::GONE;
use crate::core::board::Condition;
use crate::core::id::{Actor, Seq};
use crate::core::time::Time;
use serde::{Deserialize, Serialize};

/// Who may read an update.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// People inside: the room, the internal page, internal subscribers.
    #[default]
    Internal,
    /// Everybody: those, the public page and its subscribers.
    Public,
}

impl Audience {
    /// The word in commands and answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Audience::Internal => "internal",
            Audience::Public => "public",
        }
    }

    /// The audience a word means.
    #[must_use]
    pub fn parse(word: &str) -> Option<Audience> {
        [Audience::Internal, Audience::Public]
            .into_iter()
            .find(|a| a.word().eq_ignore_ascii_case(word))
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
    pub(super) fn is_internal(&self) -> bool {
        *self == Audience::Internal
    }
}

/// A place on the status scale, as the scale was then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its id: `monitoring`.
    pub id: String,
    /// What people read: `Monitoring`.
    pub name: String,
    /// People outside are no longer hurt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mitigated: bool,
    /// It is the last of the scale.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
}

/// How a component is because of an incident, from a public update on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// Id of the component.
    pub id: String,
    /// Its name then.
    pub name: String,
    /// How it is.
    pub condition: Condition,
}

/// What a public update says beside its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// What everybody reads as the title: never the incident's own.
    pub title: String,
    /// How its components are from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Affected>,
}

/// An update as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Who.
    pub by: Actor,
    /// The new status; `None`: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Standing>,
    /// In their words; empty: the status is all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Who may read it.
    #[serde(default, skip_serializing_if = "Audience::is_internal")]
    pub audience: Audience,
    /// What everybody reads; there exactly when it is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced: Option<Announced>,
    /// When the next one is due; `None`: nobody waits for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_due: Option<Time>,
    /// That time was promised to those who read it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub promised: bool,
}

impl Update {
    /// Takes its words away for good: text and public title. Status and components are no words.
    pub(crate) fn forget(&mut self) {
        GONE.clone_into(&mut self.text);
        if let Some(announced) = &mut self.announced {
            GONE.clone_into(&mut announced.title);
        }
    }
}

/// How often an update is due, changed by the files' rules or by somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CadenceSet {
    /// Who.
    pub by: Actor,
    /// From one to the next, milliseconds; `None`: nobody is reminded any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_ms: Option<i64>,
    /// When the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_due: Option<Time>,
    /// Why.
    pub why: String,
}

/// Somebody is reminded that an update is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateDue {
    /// Who sees to it; empty: whoever reads the room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Actor>,
    /// Why.
    pub why: String,
    /// When again; `None`: not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_due: Option<Time>,
}

/// What was told so far, as the journal tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Where it stands on the scale; `None`: nobody has said.
    pub standing: Option<Standing>,
    /// The newest update with words: its event, when, and what it says.
    pub last: Option<(Seq, Time, Update)>,
    /// What everybody reads now; `None`: nothing of it is public.
    pub public: Option<Published>,
    /// From one update to the next, milliseconds; `None`: none is asked for.
    pub every_ms: Option<i64>,
    /// When the next one is due while it is open.
    pub next_due: Option<Time>,
}

/// What everybody reads of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The newest public update.
    pub seq: Seq,
    /// The title.
    pub announced: Announced,
    /// The status as of the last public update.
    pub standing: Option<Standing>,
}

/// [`Told`], of which an incident that nobody told anything of takes no memory: there may be a hundred
/// thousand of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept(Option<Box<Told>>);

static NOTHING: Told = Told {
    standing: None,
    last: None,
    public: None,
    every_ms: None,
    next_due: None,
};

impl Kept {
    /// Whether anything was ever told or asked for.
    #[must_use]
    pub fn is_some(&self) -> bool {
        self.0.is_some()
    }
}

impl std::ops::Deref for Kept {
    type Target = Told;

    fn deref(&self) -> &Told {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl std::ops::DerefMut for Kept {
    fn deref_mut(&mut self) -> &mut Told {
        self.0.get_or_insert_default()
    }
}
