//! Covers from a line or a form: which schedule is meant, and the answer in words.

use super::{Desk, Reply};
use crate::chat::grammar::Covering;
use crate::core::duty::{Answer, Cover, Decided, State, Wish};
use crate::core::text::list;
use crate::core::time::Time;

/// Covers one answer lists.
const LISTED: usize = 20;

impl Desk<'_> {
    pub(super) async fn cover(
        &self,
        wish: Covering,
        schedule: Option<String>,
        (since, until): (Time, Time),
        note: String,
    ) -> Reply {
        let Some(me) = self.who.person().map(str::to_owned) else {
            return Reply::no(
                None,
                "firebell does not know who you are here; `link` your account first.".to_owned(),
            );
        };
        let (relieved, wish) = match wish {
            Covering::Me => (Some(me), Wish::Ask { of: None }),
            Covering::By(of) => (Some(me), Wish::Ask { of: Some(of) }),
            Covering::For(off) => (
                Some(off.clone()),
                Wish::Put {
                    on: me,
                    off: Some(off),
                },
            ),
            Covering::Put { on, off } => (off.clone(), Wish::Put { on, off }),
        };
        let schedule = match schedule.ok_or(relieved) {
            Ok(schedule) => schedule,
            Err(relieved) => match self.schedule_of(relieved.as_deref(), since, until) {
                Ok(schedule) => schedule,
                Err(why) => return Reply::no(None, why),
            },
        };
        let wanted = (schedule.as_str(), since, until);
        let done = self
            .engine
            .cover(self.cause, &self.who, wanted, wish, note)
            .await;
        match done {
            Ok(decided) => self.covered(&decided),
            Err(failure) => Reply::no(None, failure.to_string()),
        }
    }

    /// The one schedule somebody is on call on in a span.
    fn schedule_of(
        &self,
        person: Option<&str>,
        since: Time,
        until: Time,
    ) -> Result<String, String> {
        let person = person.unwrap_or_default();
        let on = self.directory.schedules.values().filter(|s| {
            let turns = s.shifts(since, until);
            turns.iter().any(|t| t.people.iter().any(|p| p == person))
        });
        let found: Vec<&str> = on.map(|s| s.id.as_str()).collect();
        let name = self.directory.person_name(person);
        match found.as_slice() {
            [one] => Ok((*one).to_owned()),
            [] => Err(format!(
                "{name} is not on call in that time, so there is nothing to take over."
            )),
            several => Err(format!(
                "{name} is on call on {} in that time; say which: `schedule={}`.",
                list(several),
                several[0]
            )),
        }
    }

    pub(super) async fn answer_cover(&self, id: i64, answer: Answer) -> Reply {
        match self.engine.answer_cover(&self.who, id, answer).await {
            Ok(decided) => self.covered(&decided),
            Err(failure) => Reply::no(None, failure.to_string()),
        }
    }

    pub(super) fn covers(&self) -> Reply {
        let covers = self.engine.covers();
        let current =
            |c: &&Cover| matches!(c.state, State::Asked | State::Agreed) && c.until > self.now;
        let mut all: Vec<&Cover> = covers.values().filter(current).collect();
        if all.is_empty() {
            return Reply::yes(
                None,
                "Nobody covers for anybody, and nobody asks for it.".to_owned(),
            );
        }
        all.sort_by_key(|c| (c.since, c.id));
        let mut lines: Vec<String> = all
            .iter()
            .take(LISTED)
            .map(|c| self.cover_line(c))
            .collect();
        if all.len() > LISTED {
            lines.push(format!("and {} more, on the console.", all.len() - LISTED));
        }
        Reply::yes(None, lines.join("\n"))
    }

    fn cover_line(&self, cover: &Cover) -> String {
        let words = cover.words(&self.directory);
        match (cover.state, &cover.on) {
            (State::Asked, Some(on)) => format!(
                "{}: {words}; {} is asked.",
                cover.name(),
                self.directory.person_name(on)
            ),
            (State::Asked, None) => format!("{0}: {words}; `take {0}`.", cover.name()),
            _ => format!("{}: {words}.", cover.name()),
        }
    }

    fn covered(&self, decided: &Decided) -> Reply {
        let cover = &decided.cover;
        let (name, words) = (cover.name(), cover.words(&self.directory));
        let mut said = match cover.state {
            State::Asked => {
                let asked: Vec<String> = decided
                    .notices
                    .iter()
                    .filter_map(|n| Some(self.directory.person_name(n.to.as_ref()?)))
                    .collect();
                format!("Asked as {name}: {words}. Told: {}.", list(&asked))
            }
            State::Agreed => format!("Agreed as {name}: {words}."),
            State::Declined => format!("Declined {name}."),
            State::Expired | State::Ended => format!("{name} is ended: {words}."),
        };
        for warning in &decided.warnings {
            said.push_str(&format!("\nMind: {warning}."));
        }
        Reply::yes(None, said)
    }
}
