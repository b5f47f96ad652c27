//! What somebody says when they declare an incident, and what follows for its opening: one answer
//! for chat, console and API.

use super::command::OpenAs;
use super::nature::Nature;
use super::parts::{Ladder, Origin};
use crate::core::alert::Labels;
use crate::core::directory::{Directory, IncidentType};
use crate::core::id::{Actor, Severity};

/// What is said, already checked against the directory. Absent: the type's default, else the usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declaration {
    /// One line.
    pub title: String,
    /// How bad.
    pub severity: Option<Severity>,
    /// Service id.
    pub service: Option<String>,
    /// Id of a configured type.
    pub type_id: Option<String>,
    /// Only those it concerns may see it.
    pub private: Option<bool>,
    /// It is practised and not real.
    pub drill: Option<bool>,
    /// More than fits on one line; empty: nothing. A note on the timeline.
    pub description: String,
    /// Address of the message it was declared from; empty: none. Kept in the timeline.
    pub link: String,
}

/// What the journal keeps of a title; a longer one is on the timeline as a whole.
pub const TITLE_CHARS: usize = 300;

impl Declaration {
    /// Just this title.
    #[must_use]
    pub fn of(title: impl Into<String>) -> Declaration {
        Declaration {
            title: title.into(),
            ..Declaration::default()
        }
    }

    /// The configured type, if one was named that is still there.
    #[must_use]
    pub fn kind<'d>(&self, directory: &'d Directory) -> Option<&'d IncidentType> {
        let id = self.type_id.as_deref()?;
        directory.types.iter().find(|t| t.id == id)
    }

    /// Why it cannot be declared so; `None`: it can.
    #[must_use]
    pub fn refusal(&self, directory: &Directory) -> Option<String> {
        directory.only_alerts_are(self.severity?)
    }

    /// What it is by what was said, and else by its type.
    #[must_use]
    pub fn nature(&self, directory: &Directory) -> Nature {
        let kind = self.kind(directory);
        let drill = self.drill.unwrap_or(kind.is_some_and(|t| t.drill));
        let runs = kind.map(|t| t.runs).unwrap_or_default();
        Nature {
            type_id: self.type_id.clone(),
            type_name: kind.map(|t| t.name.clone()),
            private: self.private.unwrap_or(kind.is_some_and(|t| t.private)),
            drill,
            runs: if drill {
                runs.and(directory.drills.runs)
            } else {
                runs
            },
        }
    }

    /// The opening: declared by `by`, for a team when no service brings one, and by this ladder. A drill
    /// that is not to page has none.
    #[must_use]
    pub fn open(
        self,
        by: Actor,
        team: Option<String>,
        ladder: Option<Ladder>,
        directory: &Directory,
    ) -> OpenAs {
        self.open_at(None, by, team, ladder, directory)
    }

    /// The same, as bad as `usual` where neither words nor its type say how bad.
    #[must_use]
    pub fn open_at(
        self,
        usual: Option<Severity>,
        by: Actor,
        team: Option<String>,
        ladder: Option<Ladder>,
        directory: &Directory,
    ) -> OpenAs {
        let nature = self.nature(directory);
        let service = self.service.as_deref();
        let entry = service.and_then(|s| directory.services.get(s));
        let team = entry.map(|s| s.team.clone()).or(team);
        let kind = self.kind(directory);
        let major_at = entry.map_or(Severity(0), |s| s.major_at);
        let named = self.severity.or(kind.and_then(|t| t.severity));
        let named = named.or(usual).unwrap_or(major_at);
        let severity = directory.declarable(named);
        let mut why = Vec::new();
        if severity != named {
            why.push(format!(
                "only alerts are {}, so it is {}",
                directory.severity_name(named),
                directory.severity_name(severity)
            ));
        }
        let silent = nature.drill && !directory.drills.page;
        if silent && ladder.is_some() {
            why.push("drills page nobody, by [drills]".to_owned());
        }
        if let Some(kind) = kind
            && self.severity.is_none()
            && kind.severity.is_some()
        {
            why.push(format!("severity by the type {}", kind.name));
        }
        let mut said = Vec::new();
        if self.title.chars().count() > TITLE_CHARS {
            said.push(self.title.clone());
        }
        match (self.description.trim(), self.link.as_str()) {
            ("", "") => {}
            ("", link) => said.push(format!("Declared from the message {link}")),
            (words, "") => said.push(words.to_owned()),
            (words, link) => said.push(format!("{words}\n\nDeclared from the message {link}")),
        }
        let own = kind.and_then(|t| t.channel.clone());
        let usual = || directory.channel(service, team.as_deref());
        OpenAs {
            origin: Origin::Declared { by },
            title: self.title,
            severity,
            major_at,
            major: true,
            channel: own.or_else(|| usual().map(str::to_owned)),
            service: self.service,
            team,
            group_key: String::new(),
            labels: Labels::new(),
            // Only alerts can clear by themselves; whoever declared it, or a person, says when it is over.
            auto_resolve: false,
            auto_resolve_after_ms: None,
            hold_while_firing: true,
            ladder: ladder.filter(|_| !silent),
            turn: 0,
            group_wait_ms: 0,
            why,
            alerts: Vec::new(),
            nature,
            said,
            auto: Vec::new(),
        }
    }
}
