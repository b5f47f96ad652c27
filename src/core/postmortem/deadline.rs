//! Until when a postmortem is to be reviewed, by severity.

use crate::core::time::Time;
use chrono::{Datelike, Days, TimeZone, Weekday};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// How long people have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// Days by the calendar.
    Days(u32),
    /// Days from Monday to Friday.
    BusinessDays(u32),
}

/// Days at most; a review after a quarter of a year learns nothing.
pub const DAYS_MAX: u32 = 90;

impl Term {
    /// Reads `3d`, `3 days`, `5 business days`.
    ///
    /// # Errors
    /// A sentence that says what is allowed.
    pub fn parse(text: &str) -> Result<Term, String> {
        let fail = || {
            format!(
                "`{text}` is no deadline: write \"3 days\" or \"5 business days\", at most {DAYS_MAX}"
            )
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let days = |n: &str| {
            let n = n.parse::<u32>().ok();
            n.filter(|n| (1..=DAYS_MAX).contains(n)).ok_or_else(fail)
        };
        match words.as_slice() {
            [n, "day" | "days"] => Ok(Term::Days(days(n)?)),
            [n, "business", "day" | "days"] => Ok(Term::BusinessDays(days(n)?)),
            [one] => Ok(Term::Days(days(one.strip_suffix('d').ok_or_else(fail)?)?)),
            _ => Err(fail()),
        }
    }
}

/// Deadlines by name of the severity; a severity without one asks for no review.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deadlines(pub BTreeMap<String, Term>);

impl Deadlines {
    /// What holds unless configured: three days for the worst severity, five business days for the
    /// second (`PagerDuty`'s published practice).
    #[must_use]
    pub fn usual(scale: &[&str]) -> Deadlines {
        let terms = [Term::Days(3), Term::BusinessDays(5)];
        let named = scale.iter().map(|s| (*s).to_owned());
        Deadlines(named.zip(terms).collect())
    }

    /// Until when, for an incident of this severity that was resolved then.
    #[must_use]
    pub fn due(&self, severity: &str, resolved: Time, zone: Option<Tz>) -> Option<Time> {
        let zone = zone.unwrap_or(Tz::UTC);
        let term = *self.0.get(severity)?;
        let wall = zone
            .from_utc_datetime(&resolved.utc().naive_utc())
            .naive_local();
        let mut day = wall.date();
        match term {
            Term::Days(n) => day = day.checked_add_days(Days::new(n.into()))?,
            Term::BusinessDays(n) => {
                let mut left = n;
                while left > 0 {
                    day = day.checked_add_days(Days::new(1))?;
                    left -= u32::from(!matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
                }
            }
        }
        Some(crate::core::schedule::instant(
            zone,
            day.and_time(wall.time()),
        ))
    }
}

/// Half of the time people have.
#[must_use]
pub fn half(from: Time, due: Time) -> Time {
    from.plus_ms(due.since_ms(from) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn business_days_pass_over_the_weekend_and_the_clock_change() {
        let at = |s: &str| Time::parse_rfc3339(s).unwrap();
        let usual = Deadlines::usual(&["sev1", "sev2", "sev3"]);
        let berlin = Some(Tz::Europe__Berlin);
        // A Thursday; the clocks go back on Sunday, the wall time stays.
        let resolved = at("2026-10-22T12:00:00Z");
        assert_eq!(
            usual.due("sev1", resolved, berlin),
            Some(at("2026-10-25T13:00:00Z"))
        );
        assert_eq!(
            usual.due("sev2", resolved, berlin),
            Some(at("2026-10-29T13:00:00Z"))
        );
        assert_eq!(usual.due("sev3", resolved, berlin), None);
        assert_eq!(half(Time(0), Time(10)), Time(5));
    }

    #[test]
    fn a_deadline_reads_as_people_write_it() {
        assert_eq!(Term::parse("3d"), Ok(Term::Days(3)));
        assert_eq!(Term::parse("1 day"), Ok(Term::Days(1)));
        assert_eq!(Term::parse("5 business days"), Ok(Term::BusinessDays(5)));
        for bad in ["", "soon", "0d", "91 days", "5 weeks", "-1d"] {
            assert!(Term::parse(bad).is_err(), "{bad}");
        }
    }
}
