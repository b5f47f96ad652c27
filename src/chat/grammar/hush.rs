//! The arguments of silences, and of the commands that let an incident change hands.

use super::line::{Line, number};
use super::{Bulk, Invocation, Usage, Whom, lookup, when};
use crate::core::id::IncidentId;
use crate::core::matcher::Matcher;
use crate::core::time::Time;

/// The longest silence somebody may ask for in one line: longer is a file's business.
const SILENCE_MAX_MS: i64 = 366 * 86_400_000;

impl Line<'_> {
    /// `silence checkout 2h deploy`, `silence alertname=Disk host=~"web-.*" until 09:00`.
    pub(super) fn silence(mut self) -> Result<Invocation, Usage> {
        let (mut service, mut matchers) = (None, Vec::new());
        while let Some(word) = self.words.peek().cloned() {
            if !word.text.contains(['=', '!']) {
                if service.is_some()
                    || !matchers.is_empty()
                    || (when::begins(&word.text) && !word.quoted)
                {
                    break;
                }
                service = Some(self.service(&word.text)?);
                self.words.next();
                continue;
            }
            let text = word.text.trim_matches(['{', '}', ',']);
            let matcher = Matcher::parse(text).map_err(|why| self.usage(format!("{why}.")))?;
            matchers.push(matcher.to_string());
            self.words.next();
        }
        if service.is_none() && matchers.is_empty() {
            return Err(self.wrong(
                "what",
                "`what` is missing: name a service or labels. To quiet one incident, `snooze` it.",
            ));
        }
        let until = when::until(&mut self.words, self.context);
        let until = until.map_err(|why| self.wrong("duration", format!("`duration`: {why}.")))?;
        self.bounds(None, until)?;
        Ok(Invocation::Silence {
            service,
            matchers,
            until,
            comment: self.comment(),
        })
    }

    /// `maintenance checkout 2h`, `maintenance checkout tomorrow 22:00..23:30 patches`.
    pub(super) fn maintenance(mut self) -> Result<Invocation, Usage> {
        let Some(word) = self.words.next() else {
            return Err(self.wrong("service", "`service` is missing: name what is worked on."));
        };
        let service = self.service(&word.text)?;
        let window = when::window(&mut self.words, self.context);
        let (from, until) =
            window.map_err(|why| self.wrong("duration", format!("`duration`: {why}.")))?;
        self.bounds(from, until)?;
        Ok(Invocation::Maintenance {
            service,
            from,
            until,
            comment: self.comment(),
        })
    }

    fn comment(&self) -> String {
        let said = self.words.rest();
        said.strip_prefix("for ").unwrap_or(&said).trim().to_owned()
    }

    pub(super) fn service(&self, word: &str) -> Result<String, Usage> {
        let name = word.strip_prefix("service:").unwrap_or(word);
        let directory = self.context.directory;
        let found = lookup::service(directory, name).ok_or_else(|| {
            let known = directory.services.keys().map(String::as_str);
            self.wrong(
                "service",
                format!(
                    "There is no service `{name}`. {} Labels are written `name=value`.",
                    lookup::hint(name, known)
                ),
            )
        })?;
        Ok(found.id.clone())
    }

    fn bounds(&self, from: Option<Time>, until: Time) -> Result<(), Usage> {
        let from = from.unwrap_or(self.context.now);
        if until <= from {
            return Err(self.wrong("duration", "`duration`: it would end before it begins."));
        }
        if until.since_ms(self.context.now) > SILENCE_MAX_MS {
            return Err(self.wrong(
                "duration",
                "`duration` is at most a year; what is for ever belongs into the routing.",
            ));
        }
        Ok(())
    }

    /// `silences`, `silences all`.
    pub(super) fn silences(mut self) -> Result<Invocation, Usage> {
        let all = match self.words.next().map(|w| w.text.to_lowercase()).as_deref() {
            None | Some("open" | "active") => false,
            Some("all") => true,
            Some(other) => {
                return Err(self.wrong(
                    "which",
                    format!("`which`: `{other}` is neither `open` nor `all`."),
                ));
            }
        };
        self.done(Invocation::Silences { all })
    }

    /// `unsilence 7dd5dcac`.
    pub(super) fn unsilence(mut self) -> Result<Invocation, Usage> {
        let Some(word) = self.words.next() else {
            return Err(self.wrong(
                "silence",
                "`silence` is missing: `silences` lists their ids.",
            ));
        };
        self.done(Invocation::Unsilence { id: word.text })
    }

    /// `snooze 30m`, `snooze until tomorrow 09:00`.
    pub(super) fn snooze(mut self) -> Result<Invocation, Usage> {
        if self.words.peek().is_none() {
            return Err(self.wrong("duration", "`duration` is missing: say for how long."));
        }
        let until = when::until(&mut self.words, self.context);
        let until = until.map_err(|why| self.wrong("duration", format!("`duration`: {why}.")))?;
        let ms = until.since_ms(self.context.now);
        if !(1..=super::line::SNOOZE_MAX_MS).contains(&ms) {
            return Err(self.wrong(
                "duration",
                "`duration` must be more than nothing and at most 90d.",
            ));
        }
        let id = self.about()?;
        self.done(Invocation::Snooze { id, until })
    }

    /// `reassign #42 bo`.
    pub(super) fn reassign(mut self) -> Result<Invocation, Usage> {
        let Some(word) = self.words.next() else {
            return Err(self.wrong(
                "whom",
                "`whom` is missing: name a person, a schedule or a team.",
            ));
        };
        let Whom::Target(target) = self.whom(&word)? else {
            return Err(self.wrong(
                "whom",
                format!(
                    "`{}` is a service; name a person, a schedule or a team.",
                    word.text
                ),
            ));
        };
        let id = self.about()?;
        self.done(Invocation::Reassign { id, target })
    }

    /// `merge #42 into #40`.
    pub(super) fn merge(mut self) -> Result<Invocation, Usage> {
        let mut word = self.words.next();
        if word
            .as_ref()
            .is_some_and(|w| w.text.eq_ignore_ascii_case("into"))
        {
            word = self.words.next();
        }
        let into = word.as_ref().and_then(|w| number(w, true));
        let Some(into) = into else {
            return Err(self.wrong(
                "into",
                "`into` is missing: write the number of the incident that goes on.",
            ));
        };
        let from = self.about()?;
        self.done(Invocation::Merge { from, into })
    }

    /// One incident; or several, or all, with a note. A note to `resolve` needs a colon in front,
    /// because `resolve 12 13 not yet` must not resolve.
    pub(super) fn one_or_many(mut self, verb: Bulk) -> Result<Invocation, Usage> {
        let all = self
            .words
            .peek()
            .is_some_and(|w| !w.quoted && w.text.trim_end_matches(':').eq_ignore_ascii_case("all"));
        let mut colon = false;
        let mut ids: Vec<IncidentId> = self.id.into_iter().collect();
        if all && self.id.is_none() {
            colon |= self.words.next().is_some_and(|w| w.text.ends_with(':'));
        } else {
            while let Some(word) = self.words.peek() {
                let mut bare = word.clone();
                word.text
                    .trim_end_matches([':', ','])
                    .clone_into(&mut bare.text);
                let Some(id) = number(&bare, true) else {
                    break;
                };
                colon |= word.text.ends_with(':');
                if !ids.contains(&id) {
                    ids.push(id);
                }
                self.words.next();
            }
        }
        if !all && ids.len() < 2 {
            let id = self.about()?;
            return self.done(match verb {
                Bulk::Acknowledge => Invocation::Acknowledge { id },
                Bulk::Resolve => Invocation::Resolve { id },
            });
        }
        let note = self.words.rest();
        if verb == Bulk::Resolve && !colon && !note.trim().is_empty() {
            return Err(self.wrong("resolve", format!(
                "`resolve` cannot do anything with `{note}`, so nothing was done. A note needs a colon: `resolve 12 13: {note}`."
            )));
        }
        Ok(Invocation::Bulk {
            verb,
            ids: (!all).then_some(ids),
            note: note.trim().to_owned(),
        })
    }
}
