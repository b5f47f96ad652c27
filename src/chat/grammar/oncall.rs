//! `oncall`, `shifts` and `fairness`.

use super::line::{Line, number};
use super::{Conducting, Invocation, Usage};
use crate::core::fairness::{days, today};
use crate::core::id::IncidentId;
use crate::core::schedule::Edge;

impl Line<'_> {
    /// `oncall`, `oncall web-primary`, `oncall at 18:00`, `oncall web-primary at 2026-12-24 18:00`.
    pub(super) fn on_call(mut self) -> Result<Invocation, Usage> {
        // `who #42`, `who here`: who takes part, not who is on call.
        if let Some(id) = self.asks_who_is_here() {
            self.words.next();
            let what = Conducting::Responders;
            return self.done(Invocation::Conduct { id, what });
        }
        let says_at = |line: &Line<'_>| {
            let word = line.words.peek().filter(|w| !w.quoted);
            word.is_some_and(|w| w.text.eq_ignore_ascii_case("at"))
        };
        let whom = match self.words.peek() {
            Some(_) if !says_at(&self) => self.words.next(),
            _ => None,
        };
        let whom = whom.map(|w| self.whom(&w)).transpose()?;
        let at = if says_at(&self) {
            self.words.next();
            Some(self.when("at", self.context.now, Edge::From)?)
        } else {
            None
        };
        self.done(Invocation::OnCall { whom, at })
    }

    fn asks_who_is_here(&self) -> Option<IncidentId> {
        let word = self.words.peek().filter(|w| !w.quoted)?;
        if word.text.eq_ignore_ascii_case("here") {
            return self.context.here;
        }
        number(word, false)
    }

    /// `shifts`, `shifts bo`.
    pub(super) fn shifts(mut self) -> Result<Invocation, Usage> {
        let person = self.somebody()?;
        self.done(Invocation::Shifts { person })
    }

    /// `fairness`, `fairness web-primary from=2026-10-01 to=2026-12-31`.
    pub(super) fn fairness(mut self) -> Result<Invocation, Usage> {
        let (mut schedule, mut from, mut to) = (None, String::new(), String::new());
        while let Some(word) = self.words.next() {
            match word.text.split_once('=').filter(|_| !word.quoted) {
                Some(("from", date)) => date.clone_into(&mut from),
                Some(("to", date)) => date.clone_into(&mut to),
                _ if schedule.is_none() => schedule = Some(self.schedule(&word.text)?),
                _ => {
                    return Err(self.usage(format!(
                        "`fairness` cannot do anything with `{}`: one schedule, `from=` and `to=`.",
                        word.text
                    )));
                }
            }
        }
        let today = today(self.context.zone, self.context.now);
        let asked = days(&from, &to, today).map_err(|what| self.usage(what))?;
        self.done(Invocation::Fairness {
            schedule,
            from: asked.0,
            to: asked.1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::fixture::{at, directory};
    use crate::chat::grammar::{Context, Whom, parse};
    use crate::core::directory::Target;
    use crate::core::time::Time;
    use chrono_tz::Tz;

    /// At half past two in the afternoon, UTC; in Madrid it is an hour later.
    fn read(text: &str) -> Result<Invocation, String> {
        let directory = directory();
        let context = Context {
            directory: &directory,
            now: at("2026-11-22T14:30:00Z"),
            zone: Tz::Europe__Madrid,
            here: None,
        };
        parse(text, &context).map_err(|usage| usage.to_string())
    }

    fn when(text: &str) -> Option<Time> {
        match read(text) {
            Ok(Invocation::OnCall { at, .. }) => at,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_bare_clock_is_the_next_such_time_where_the_asker_is() {
        assert_eq!(when("oncall"), None);
        let cases = [
            ("oncall at 18:00", "2026-11-22T17:00:00Z"),
            ("oncall at 15:29", "2026-11-23T14:29:00Z"),
            ("oncall checkout at 02:30", "2026-11-23T01:30:00Z"),
            ("oncall at 2026-12-24 18:00", "2026-12-24T17:00:00Z"),
            ("who AT 2020-07-01 09:00", "2020-07-01T07:00:00Z"),
            (
                "oncall at 2026-11-22T14:03:00+01:00",
                "2026-11-22T13:03:00Z",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(when(text), Some(at(expected)), "{text}");
        }
    }

    #[test]
    fn what_is_too_much_or_too_little_is_said_and_nothing_is_answered() {
        let cases = [
            ("oncall at", "`at` is missing: such as 18:00"),
            ("oncall at noon", "`at`: `noon` is not a time"),
            ("oncall at 18:00 sharp", "cannot do anything with `sharp`"),
            (
                "oncall checkout tomorrow",
                "cannot do anything with `tomorrow`",
            ),
            (
                "oncall nobody-of-that-name",
                "is no person, schedule, team or service",
            ),
            ("shifts nobody-of-that-name", "is not in the directory"),
            ("shifts me you", "cannot do anything with `you`"),
        ];
        for (text, words) in cases {
            let usage = read(text).expect_err(text);
            assert!(usage.contains(words), "{text}: {usage}");
        }
    }

    #[test]
    fn shifts_are_the_askers_unless_somebody_is_named() {
        for text in ["shifts", "shifts me", "/fb myshifts"] {
            assert_eq!(
                read(text),
                Ok(Invocation::Shifts { person: None }),
                "{text}"
            );
        }
        let person = Some("ana".to_owned());
        assert_eq!(read("shifts @ana"), Ok(Invocation::Shifts { person }));
    }

    #[test]
    fn fairness_is_of_ninety_days_and_all_schedules_unless_it_is_said() {
        let day = |text: &str| crate::core::fairness::day(text).unwrap();
        let fairness = |schedule: Option<&str>, from, to| {
            Ok(Invocation::Fairness {
                schedule: schedule.map(str::to_owned),
                from: day(from),
                to: day(to),
            })
        };
        let all = fairness(None, "2026-08-25", "2026-11-22");
        assert_eq!(read("fairness"), all);
        assert_eq!(
            read("fairness to=2026-10-31 web-primary from=2026-10-01"),
            fairness(Some("web-primary"), "2026-10-01", "2026-10-31")
        );
        for (text, words) in [
            ("fairness nowhere", "there is no `nowhere`"),
            ("fairness from=oct", "`oct` is not a date"),
            ("fairness from=2026-12-02 to=2026-12-01", "exchange them"),
            ("fairness web-primary two", "cannot do anything with `two`"),
        ] {
            let usage = read(text).expect_err(text);
            assert!(usage.contains(words), "{text}: {usage}");
        }
    }

    #[test]
    fn a_name_in_quotes_is_never_the_word_at() {
        let named = read("oncall \"at\" at 18:00").expect_err("nothing is called at");
        assert!(named.contains("`at` is no person"), "{named}");
        let whom = Some(Whom::Target(Target::Person("ana".to_owned())));
        let asked = read("oncall person:ana at 18:00");
        assert!(matches!(asked, Ok(Invocation::OnCall { whom: w, at: Some(_) }) if w == whom));
    }
}
