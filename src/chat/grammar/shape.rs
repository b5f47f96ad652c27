//! What an incident is to be: private, a drill, of a type, a part of another.

use super::line::{Line, number};
use super::{Invocation, Listed, Usage, lookup};
use crate::core::id::IncidentId;

impl Line<'_> {
    pub(super) fn private(self, private: bool) -> Result<Invocation, Usage> {
        let id = self.about()?;
        let why = self.words.rest();
        Ok(Invocation::Private { id, private, why })
    }

    pub(super) fn drill(mut self, drill: bool) -> Result<Invocation, Usage> {
        let id = self.about()?;
        self.done(Invocation::Drill { id, drill })
    }

    pub(super) fn invite(mut self) -> Result<Invocation, Usage> {
        let Some(word) = self.words.next() else {
            return Err(self.wrong("person", "`person` is missing: say who may see it."));
        };
        let person = self.person("person", &word.text)?;
        let id = self.about()?;
        self.done(Invocation::Invite { id, person })
    }

    pub(super) fn kind(mut self) -> Result<Invocation, Usage> {
        let directory = self.context.directory;
        let known = || directory.types.iter().map(|t| t.id.as_str());
        let said = self.words.next().map(|w| w.text).unwrap_or_default();
        let kind = match (said.to_lowercase().as_str(), directory.kind(&said)) {
            ("none", _) => None,
            (_, Some(found)) => Some(found.id.clone()),
            (_, None) if directory.types.is_empty() => {
                let what = "No types are configured; [[types]] in firebell.toml has them.";
                return Err(self.wrong("type", what));
            }
            ("", None) => {
                let what = format!("`type` is missing. {}", lookup::hint("", known()));
                return Err(self.wrong("type", what));
            }
            (_, None) => {
                let near = lookup::hint(&said, known());
                return Err(self.wrong("type", format!("`type`: there is no `{said}`. {near}")));
            }
        };
        let id = self.about()?;
        self.done(Invocation::Type { id, kind })
    }

    pub(super) fn relate(mut self) -> Result<Invocation, Usage> {
        let to = self.other("to")?;
        let id = self.about()?;
        let why = self.words.rest();
        Ok(Invocation::Relate { id, to, why })
    }

    pub(super) fn unrelate(mut self) -> Result<Invocation, Usage> {
        let to = self.other("to")?;
        let id = self.about()?;
        self.done(Invocation::Unrelate { id, to })
    }

    pub(super) fn parent(mut self) -> Result<Invocation, Usage> {
        let none = self.words.peek();
        let none = none.is_some_and(|w| w.text.eq_ignore_ascii_case("none"));
        let parent = if none {
            self.words.next();
            None
        } else {
            Some(self.other("parent")?)
        };
        let id = self.about()?;
        self.done(Invocation::Parent { id, parent })
    }

    pub(super) fn list(mut self) -> Result<Invocation, Usage> {
        let which = match self.words.next().map(|w| w.text.to_lowercase()).as_deref() {
            None | Some("open") => Listed::Open,
            Some("all") => Listed::All,
            Some("drills") => Listed::Drills,
            Some(other) => {
                let what = format!("`which`: `{other}` is neither `open`, `all` nor `drills`.");
                return Err(self.wrong("which", what));
            }
        };
        self.done(Invocation::List { which })
    }

    /// The number of another incident.
    fn other(&mut self, argument: &str) -> Result<IncidentId, Usage> {
        let word = self.words.next();
        let found = word.as_ref().and_then(|w| number(w, true));
        found.ok_or_else(|| {
            let what = format!("`{argument}` is missing: write the number of the other incident.");
            self.wrong(argument, what)
        })
    }
}
