//! The arguments of covers: who, on which schedule, from when until when, and why.

use super::line::Line;
use super::{Covering, Invocation, Usage, lookup};
use crate::core::duty::Answer;
use crate::core::schedule::{Edge, is_clock, is_day, parse_when};
use crate::core::time::Time;

impl Line<'_> {
    /// `cover me|PERSON FROM UNTIL [schedule=…] [note]`, `swap PERSON …`.
    pub(super) fn cover(mut self) -> Result<Invocation, Usage> {
        let Some(who) = self.words.next() else {
            return Err(self.wrong("person", "`person` is missing: say who."));
        };
        let asks = self.leaf.verb == "swap";
        let me = who.text.eq_ignore_ascii_case("me");
        let wish = match (asks, me) {
            (true, true) => {
                return Err(self.wrong(
                    "person",
                    "`person`: name who is asked; `cover me` asks everybody.",
                ));
            }
            (true, false) => Covering::By(self.person("person", &who.text)?),
            (false, true) => Covering::Me,
            (false, false) => Covering::For(self.person("person", &who.text)?),
        };
        let (since, until) = self.span()?;
        let mut schedule = None;
        let note = self.rest(|line, name, value| {
            let is = name == "schedule";
            if is {
                schedule = Some(line.schedule(value)?);
            }
            Ok(is)
        })?;
        Ok(Invocation::Cover {
            wish,
            schedule,
            since,
            until,
            note,
        })
    }

    /// `override SCHEDULE PERSON FROM UNTIL [for=PERSON] [note]`.
    pub(super) fn put_on_call(mut self) -> Result<Invocation, Usage> {
        let Some(word) = self.words.next() else {
            return Err(self.wrong("schedule", "`schedule` is missing: say which."));
        };
        let schedule = self.schedule(&word.text)?;
        let Some(word) = self.words.next() else {
            return Err(self.wrong("person", "`person` is missing: say who is on call."));
        };
        let on = self.person("person", &word.text)?;
        let (since, until) = self.span()?;
        let mut off = None;
        let note = self.rest(|line, name, value| {
            let is = name == "for";
            if is {
                off = Some(line.person("for", value)?);
            }
            Ok(is)
        })?;
        Ok(Invocation::Cover {
            wish: Covering::Put { on, off },
            schedule: Some(schedule),
            since,
            until,
            note,
        })
    }

    /// `take cover-7`.
    pub(super) fn answer_cover(mut self, answer: Answer) -> Result<Invocation, Usage> {
        let Some(word) = self.words.next() else {
            return Err(self.wrong(
                "cover",
                "`cover` is missing: say which; `covers` lists them.",
            ));
        };
        let said = word.text.to_lowercase();
        let digits = said.strip_prefix("cover-").unwrap_or(&said);
        let cover = digits.parse().map_err(|_| {
            self.wrong(
                "cover",
                format!("`cover`: `{}` is no cover; write `cover-7`.", word.text),
            )
        })?;
        self.done(Invocation::AnswerCover { cover, answer })
    }

    pub(super) fn schedule(&self, word: &str) -> Result<String, Usage> {
        let directory = self.context.directory;
        let found = lookup::schedule(directory, word);
        found.map(|s| s.id.clone()).ok_or_else(|| {
            let known = directory.schedules.keys().map(String::as_str);
            let hint = lookup::hint(word, known);
            self.wrong(
                "schedule",
                format!("`schedule`: there is no `{word}`. {hint}"),
            )
        })
    }

    fn span(&mut self) -> Result<(Time, Time), Usage> {
        let now = self.context.now;
        let since = self.when("from", now, Edge::From)?;
        let until = self.when("until", since, Edge::Until)?;
        if until <= since {
            return Err(self.wrong("until", "`until` is not after `from`; give a later end."));
        }
        Ok((since, until))
    }

    /// One word or two: a clock may follow a day.
    pub(super) fn when(&mut self, argument: &str, base: Time, edge: Edge) -> Result<Time, Usage> {
        let Some(first) = self.words.next() else {
            return Err(self.wrong(
                argument,
                format!("`{argument}` is missing: such as 18:00, fri 18:00 or 2026-12-24."),
            ));
        };
        let clock = self.words.peek().filter(|w| is_clock(&w.text));
        let text = match clock.filter(|_| is_day(&first.text)) {
            Some(clock) => {
                let both = format!("{} {}", first.text, clock.text);
                self.words.next();
                both
            }
            None => first.text,
        };
        parse_when(&text, self.context.zone, base, edge)
            .map_err(|why| self.wrong(argument, format!("`{argument}`: {why}.")))
    }

    /// The rest as a note, without the named arguments, which `named` takes.
    fn rest(
        &mut self,
        mut named: impl FnMut(&Self, &str, &str) -> Result<bool, Usage>,
    ) -> Result<String, Usage> {
        let mut note = Vec::new();
        while let Some(word) = self.words.next() {
            if let Some((name, value)) = word.text.split_once('=').filter(|_| !word.quoted)
                && named(self, &name.to_lowercase(), value)?
            {
                continue;
            }
            note.push(word.text);
        }
        Ok(note.join(" "))
    }
}
