//! Where something is asked for, and what the asker gets.

use crate::core::id::IncidentId;

/// What the asker gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Plain text; the adapter escapes it.
    pub text: String,
    /// The incident it is about.
    pub incident: Option<IncidentId>,
    /// For everybody in the room; else for the asker alone.
    pub room: bool,
    /// Done, or answered; false: refused or impossible.
    pub ok: bool,
    /// A document to attach: the postmortem as Markdown.
    pub document: Option<String>,
}

impl Reply {
    pub(super) fn yes(id: Option<IncidentId>, text: String) -> Reply {
        Reply {
            text,
            incident: id,
            ok: true,
            ..Reply::default()
        }
    }

    pub(super) fn no(id: Option<IncidentId>, text: String) -> Reply {
        Reply {
            text,
            incident: id,
            ..Reply::default()
        }
    }

    pub(super) fn aloud(self) -> Reply {
        Reply { room: true, ..self }
    }
}

/// Where something is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct At<'a> {
    /// Configured name of the platform.
    pub platform: &'a str,
    /// The incident whose room it is.
    pub here: Option<IncidentId>,
    /// The platform's id of the room or channel; empty: there is none.
    pub room: &'a str,
}

impl<'a> From<(&'a str, Option<IncidentId>)> for At<'a> {
    fn from((platform, here): (&'a str, Option<IncidentId>)) -> At<'a> {
        At {
            platform,
            here,
            room: "",
        }
    }
}
