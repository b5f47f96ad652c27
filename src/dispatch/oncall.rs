//! Who is on call, when somebody has shifts, and what that has cost whom.

use super::{Desk, Reply, unreadable};
use crate::chat::grammar::Whom;
use crate::chat::words;
use crate::core::directory::Target;
use crate::core::fairness;
use crate::core::schedule::spoken;
use crate::core::time::Time;
use chrono::NaiveDate;

/// People an answer lists; whoever carries most is first.
const PEOPLE: usize = 25;

impl Desk<'_> {
    /// Now, or at another instant, which the answer then names.
    pub(super) fn on_call(&self, whom: Option<&Whom>, at: Option<Time>) -> Reply {
        let asker = self.who.person().filter(|_| whom == Some(&Whom::Me));
        let me = asker.map(|id| Whom::Target(Target::Person(id.to_owned())));
        let whom = me.as_ref().or(whom);
        let lines = words::on_call(&self.directory, whom, at.unwrap_or(self.now));
        let text = match at {
            Some(at) => format!("At {}:\n{lines}", spoken(at, self.zone())),
            None => lines,
        };
        Reply::yes(None, text)
    }

    /// `person` absent: whoever asks, if the directory knows them.
    pub(super) fn shifts(&self, person: Option<String>) -> Reply {
        let person = person.or_else(|| self.who.person().map(str::to_owned));
        match person {
            Some(id) => {
                let text = words::shifts(&self.directory, &id, self.zone(), self.now);
                Reply::yes(None, text)
            }
            None => Reply::no(
                None,
                "I do not know who you are here. Name somebody: `shifts ana`, or write `link`."
                    .to_owned(),
            ),
        }
    }

    /// What the console's page shows, in words.
    pub(super) async fn fairness(
        &self,
        schedule: Option<&str>,
        asked: (NaiveDate, NaiveDate),
    ) -> Reply {
        let (since, until) = fairness::span(self.zone(), asked.0, asked.1);
        let pages = match self.engine.store().pages_by_person(since, until).await {
            Ok(pages) => pages,
            Err(fault) => return unreadable(None, &fault),
        };
        match fairness::book(&self.directory, schedule, asked, self.zone(), &pages) {
            Ok(book) => Reply::yes(None, fairness::told(&self.directory, &book, true, PEOPLE)),
            Err(why) => Reply::no(None, why),
        }
    }
}
