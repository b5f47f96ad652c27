//! What was changed, and what past incidents tell: `changes`, `analytics`, `summary`.

use super::line::Line;
use super::{Invocation, Summarise, Usage, lookup};
use crate::core::analytics::Words;
use crate::core::fairness::today;

impl Line<'_> {
    /// `changes`, `changes checkout`.
    pub(super) fn changes(mut self) -> Result<Invocation, Usage> {
        let word = self.words.next();
        let service = word.map(|w| self.service(&w.text)).transpose()?;
        self.done(Invocation::Changes { service })
    }

    /// `summary`, `summary ask`, `summary accept`, `summary accept In my words.`, `summary reject`.
    pub(super) fn summary(mut self) -> Result<Invocation, Usage> {
        let word = self.words.next().map(|w| w.text.to_lowercase());
        let id = self.about()?;
        let what = match word.as_deref() {
            None => Summarise::Told,
            Some("ask" | "propose") => Summarise::Ask,
            Some("reject") => Summarise::Reject,
            Some("accept") => {
                let words = self.words.rest();
                let words = Some(words.trim().to_owned()).filter(|w| !w.is_empty());
                return Ok(Invocation::Summary {
                    id,
                    what: Summarise::Accept(words),
                });
            }
            Some(other) => {
                let what = format!(
                    "`do`: `{other}` is none of `ask`, `accept` and `reject`; `summary` alone shows what is proposed."
                );
                return Err(self.wrong("do", what));
            }
        };
        self.done(Invocation::Summary { id, what })
    }

    /// `analytics`, `analytics checkout from=2026-11-01`, `analytics team=web sev=sev1`.
    pub(super) fn analytics(mut self) -> Result<Invocation, Usage> {
        let mut words = Words::default();
        while let Some(word) = self.words.next() {
            match word.text.split_once('=').filter(|_| !word.quoted) {
                Some(("from", date)) => date.clone_into(&mut words.from),
                Some(("to", date)) => date.clone_into(&mut words.to),
                Some(("sev", name)) => name.clone_into(&mut words.severity),
                Some(("team", id)) => {
                    let teams = &self.context.directory.teams;
                    if !teams.contains_key(id) {
                        let hint = lookup::hint(id, teams.keys().map(String::as_str));
                        return Err(self.wrong("team", format!("There is no team `{id}`. {hint}")));
                    }
                    id.clone_into(&mut words.team);
                }
                _ if words.service.is_empty() => words.service = self.service(&word.text)?,
                _ => {
                    return Err(self.usage(format!(
                        "`analytics` cannot do anything with `{}`: one service, `team=`, `sev=`, `from=` and `to=`.",
                        word.text
                    )));
                }
            }
        }
        let context = self.context;
        let today = today(context.zone, context.now);
        let asked = words
            .asked(context.directory, context.zone, today)
            .map_err(|what| self.usage(what))?;
        self.done(Invocation::Analytics {
            asked: Box::new(asked),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::fixture::{at, directory};
    use crate::chat::grammar::{Context, parse};
    use chrono_tz::Tz;

    #[test]
    fn a_summary_is_asked_for_looked_at_and_decided() {
        let directory = directory();
        let id = crate::core::id::IncidentId(7);
        let context = Context {
            directory: &directory,
            now: at("2026-11-22T14:30:00Z"),
            zone: Tz::UTC,
            here: Some(id),
        };
        let read = |text: &str| parse(text, &context).map_err(|u| u.to_string());
        let own = "It was the pool. [#3]".to_owned();
        for (text, what) in [
            ("summary", Summarise::Told),
            ("summary ask", Summarise::Ask),
            ("summary accept", Summarise::Accept(None)),
            (
                "summary accept It was the pool. [#3]",
                Summarise::Accept(Some(own)),
            ),
            ("summary reject", Summarise::Reject),
        ] {
            assert_eq!(read(text), Ok(Invocation::Summary { id, what }), "{text}");
        }
        let no = read("summary believe").expect_err("it is none of them");
        assert!(no.contains("`ask`, `accept` and `reject`"), "{no}");
        assert!(
            read("summary reject it").is_err(),
            "a word too much is refused"
        );
    }

    #[test]
    fn changes_are_of_all_services_or_of_one() {
        let directory = directory();
        let context = Context {
            directory: &directory,
            now: at("2026-11-22T14:30:00Z"),
            zone: Tz::UTC,
            here: None,
        };
        let read = |text: &str| parse(text, &context).map_err(|u| u.to_string());
        assert_eq!(read("changes"), Ok(Invocation::Changes { service: None }));
        let service = Some("checkout".to_owned());
        assert_eq!(
            read("deploys checkout"),
            Ok(Invocation::Changes { service })
        );
        let no = read("changes nowhere").expect_err("no such service");
        assert!(no.contains("nowhere"), "{no}");
        assert!(read("changes checkout now").is_err());
    }

    #[test]
    fn analytics_are_of_thirty_days_and_everything_unless_it_is_said() {
        let directory = directory();
        let context = Context {
            directory: &directory,
            now: at("2026-11-22T14:30:00Z"),
            zone: Tz::UTC,
            here: None,
        };
        let read = |text: &str| match parse(text, &context) {
            Ok(Invocation::Analytics { asked }) => Ok(*asked),
            Ok(other) => panic!("{other:?}"),
            Err(usage) => Err(usage.to_string()),
        };
        let all = read("analytics").unwrap();
        assert_eq!(all.from.to_string(), "2026-10-24");
        assert_eq!((all.service, all.team), (None, None));
        let one = read("stats from=2026-11-01 checkout to=2026-11-07").unwrap();
        assert_eq!(one.service.as_deref(), Some("checkout"));
        assert_eq!(one.to.to_string(), "2026-11-07");
        for (text, part) in [
            ("analytics nowhere", "nowhere"),
            ("analytics team=nobody", "no team `nobody`"),
            ("analytics sev=sev9", "is no severity"),
            (
                "analytics checkout twice",
                "cannot do anything with `twice`",
            ),
            ("analytics from=2026-12-24", "exchange them"),
        ] {
            let no = read(text).expect_err(text);
            assert!(no.contains(part), "{text}: {no}");
        }
    }
}
