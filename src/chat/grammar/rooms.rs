//! `rename`, `retry`, `archive`, `redact`: an incident's rooms, and what was said in them.

use super::line::Line;
use super::{Invocation, Usage};
use crate::core::id::Seq;

/// What is wanted of an incident's rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rooming {
    /// Another title.
    Rename {
        /// The new one.
        title: String,
    },
    /// Try again what failed.
    Retry,
    /// Put them away.
    Archive,
    /// Remove a line for good.
    Redact {
        /// Which.
        line: Seq,
        /// Why.
        why: String,
    },
}

impl Rooming {
    /// The command of the tree.
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Rooming::Rename { .. } => "rename",
            Rooming::Retry => "retry",
            Rooming::Archive => "archive",
            Rooming::Redact { .. } => "redact",
        }
    }
}

impl Line<'_> {
    pub(super) fn rooming(mut self) -> Result<Invocation, Usage> {
        let id = self.about()?;
        let what = match self.leaf.verb.as_str() {
            "rename" => {
                let title = self.words.rest();
                if title.trim().is_empty() {
                    let what = "`title` is missing: say in a few words what is wrong.";
                    return Err(self.wrong("title", what));
                }
                return Ok(Invocation::Room {
                    id,
                    what: Rooming::Rename { title },
                });
            }
            "redact" => return self.redact(),
            "archive" => Rooming::Archive,
            _ => Rooming::Retry,
        };
        self.done(Invocation::Room { id, what })
    }

    fn redact(mut self) -> Result<Invocation, Usage> {
        let id = self.about()?;
        let Some(word) = self.words.next() else {
            let what = "`line` is missing: the number of the event, as the timeline shows it.";
            return Err(self.wrong("line", what));
        };
        let digits = word.text.trim_start_matches(['#', 'e']);
        let line = match digits.parse::<Seq>() {
            Ok(line) if line > 0 => line,
            _ => {
                let what = format!(
                    "`line`: `{}` is no number of an event; the timeline shows them.",
                    word.text
                );
                return Err(self.wrong("line", what));
            }
        };
        let why = self.words.rest();
        if why.trim().is_empty() {
            let what = "`why` is missing: it stands in the place of what is removed.";
            return Err(self.wrong("why", what));
        }
        Ok(Invocation::Room {
            id,
            what: Rooming::Redact { line, why },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Context, Invocation, parse};
    use super::Rooming;
    use crate::chat::fixture::{at, directory};
    use crate::core::id::IncidentId;
    use chrono_tz::Tz;

    fn read(text: &str, here: Option<i64>) -> Result<Invocation, String> {
        let directory = directory();
        let context = Context {
            directory: &directory,
            now: at("2026-11-22T14:30:00Z"),
            zone: Tz::UTC,
            here: here.map(IncidentId),
        };
        parse(text, &context).map_err(|usage| usage.to_string())
    }

    #[test]
    fn a_line_is_removed_by_its_number_and_with_a_reason() {
        let wanted = |line| {
            Ok(Invocation::Room {
                id: IncidentId(42),
                what: Rooming::Redact {
                    line,
                    why: "it holds a password".to_owned(),
                },
            })
        };
        assert_eq!(read("redact #42 7 it holds a password", None), wanted(7));
        // In its room the first number is the line, not the incident.
        assert_eq!(read("redact 7 it holds a password", Some(42)), wanted(7));
        assert!(read("redact #42 7", None).unwrap_err().contains("`why`"));
        assert!(read("redact #42 it", None).unwrap_err().contains("`line`"));
        assert!(read("redact #42", None).unwrap_err().contains("`line`"));
    }

    #[test]
    fn a_new_title_keeps_its_numbers() {
        let made = read("rename 500 errors in the EU", Some(42)).unwrap();
        let what = Rooming::Rename {
            title: "500 errors in the EU".to_owned(),
        };
        let id = IncidentId(42);
        assert_eq!(made, Invocation::Room { id, what });
        assert!(read("rename #42", None).is_err());
        assert!(read("retry #42 now", None).is_err());
    }
}
