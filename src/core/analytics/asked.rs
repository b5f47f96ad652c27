//! What is asked, from the words people and programs send: the same rules at every door.

use super::fact::LIMITS;
use super::report::Asked;
use crate::core::directory::Directory;
use crate::core::fairness::day;
use crate::core::text::list;
use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

/// Days that are looked at when nothing is said, with today.
const DAYS: u64 = 30;
/// Two years and a little are compared with the two before.
const DAYS_MAX: i64 = 800;
/// Minutes within which an alert went by itself, when nothing is said.
const MINUTES: u32 = 10;

/// Words as they came; empty: nothing was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Service id.
    pub service: String,
    /// Team id.
    pub team: String,
    /// Name of a severity.
    pub severity: String,
    /// One of [`LIMITS`].
    pub minutes: String,
}

impl Words {
    /// What they ask.
    ///
    /// # Errors
    /// In words, with what is allowed.
    pub fn asked(
        &self,
        directory: &Directory,
        zone: Tz,
        today: NaiveDate,
    ) -> Result<Asked, String> {
        let to = if self.to.is_empty() {
            today
        } else {
            day(&self.to)?
        };
        let from = if self.from.is_empty() {
            to.checked_sub_days(Days::new(DAYS - 1)).unwrap_or(to)
        } else {
            day(&self.from)?
        };
        if from > to {
            return Err(format!(
                "The last day ({to}) is before the first ({from}); exchange them."
            ));
        }
        if (to - from).num_days() > DAYS_MAX {
            return Err(format!(
                "From {from} to {to} are more than {DAYS_MAX} days; ask for fewer."
            ));
        }
        let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        let severity = match self.severity.as_str() {
            "" => None,
            name => Some(directory.severity(name).ok_or_else(|| {
                let all: Vec<String> = directory
                    .severities
                    .iter()
                    .map(|s| format!("`{}`", s.name))
                    .collect();
                format!("`{name}` is no severity; there is {}.", list(&all))
            })?),
        };
        let minutes = match self.minutes.as_str() {
            "" => MINUTES,
            text => text
                .parse()
                .ok()
                .filter(|m| LIMITS.contains(m))
                .ok_or_else(|| {
                    let all = LIMITS.map(|m| m.to_string());
                    format!("`{text}` minutes are not counted; {} are.", list(&all))
                })?,
        };
        Ok(Asked {
            from,
            to,
            zone,
            service: some(&self.service),
            team: some(&self.team),
            severity: severity.map(|s| s.0),
            minutes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_thirty_days_unless_it_is_said_and_what_is_wrong_is_named() {
        let (directory, today) = (Directory::default(), day("2026-11-30").unwrap());
        let ask = |words: &Words| words.asked(&directory, Tz::UTC, today);
        let usual = ask(&Words::default()).unwrap();
        assert_eq!((usual.to - usual.from).num_days(), 29);
        assert_eq!(usual.minutes, 10);
        let wrong = |change: fn(&mut Words), part: &str| {
            let mut words = Words::default();
            change(&mut words);
            let no = ask(&words).unwrap_err();
            assert!(no.contains(part), "{no}");
        };
        wrong(|w| w.from = "soon".to_owned(), "is not a date such as");
        wrong(|w| w.from = "2026-12-24".to_owned(), "exchange them");
        wrong(|w| w.from = "2020-01-01".to_owned(), "more than 800 days");
        wrong(|w| w.severity = "sev9".to_owned(), "is no severity");
        wrong(
            |w| w.minutes = "7".to_owned(),
            "1, 2, 5, 10, 15, 30 and 60 are",
        );
    }
}
