//! Spans of time that rules may name: a calendar's events, and hours of every week.

use crate::core::time::Time;
use chrono::{DateTime, Datelike, Timelike};
use chrono_tz::Tz;

/// Minutes of a week.
const WEEK: u32 = 7 * 24 * 60;

/// When a calendar holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freeze {
    /// `[since, until)` with a title, by their begin.
    pub spans: Vec<(Time, Time, String)>,
    /// Every week.
    pub weekly: Vec<Weekly>,
}

/// A span of every week, on a wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weekly {
    /// Minutes from Monday 00:00, the first that is inside.
    pub from: u32,
    /// The first that is outside again; before `from`: it goes over the end of the week.
    pub to: u32,
    /// Whose clock.
    pub zone: Tz,
}

impl Weekly {
    /// Reads `fri 16:00 - mon 08:00`.
    ///
    /// # Errors
    /// What it should look like.
    pub fn parse(text: &str, zone: Tz) -> Result<Weekly, String> {
        let wrong = || format!("{text:?} is no span of a week; write \"fri 16:00 - mon 08:00\"");
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (
            minute(from).ok_or_else(wrong)?,
            minute(to).ok_or_else(wrong)?,
        );
        if from == to {
            return Err(format!("{text:?} begins and ends at the same minute"));
        }
        Ok(Weekly { from, to, zone })
    }

    fn holds(&self, at: Time) -> bool {
        let Some(utc) = DateTime::from_timestamp_millis(at.0) else {
            return true;
        };
        let wall = utc.with_timezone(&self.zone);
        let day = wall.weekday().num_days_from_monday();
        let now = day * 1440 + wall.hour() * 60 + wall.minute();
        if self.from < self.to {
            (self.from..self.to).contains(&now)
        } else {
            now >= self.from || now < self.to
        }
    }

    fn words(&self) -> String {
        format!(
            "every week {} to {} {}",
            named(self.from),
            named(self.to),
            self.zone
        )
    }
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn minute(text: &str) -> Option<u32> {
    let (day, clock) = text.trim().split_once(' ')?;
    let day = DAYS
        .iter()
        .position(|d| d.eq_ignore_ascii_case(day.trim()))?;
    let minute = crate::core::hours::parse_minute(clock.trim())?;
    let at = u32::try_from(day).ok()? * 1440 + u32::from(minute);
    Some(at % WEEK)
}

fn named(minute: u32) -> String {
    let day = usize::try_from(minute / 1440).unwrap_or(0) % 7;
    let of_day = u16::try_from(minute % 1440).unwrap_or(0);
    format!("{} {}", DAYS[day], crate::core::hours::minute_words(of_day))
}

impl Freeze {
    /// What holds at this instant, in words.
    #[must_use]
    pub fn holds(&self, at: Time) -> Option<String> {
        let span = self
            .spans
            .iter()
            .find(|(since, until, _)| *since <= at && at < *until);
        if let Some((_, until, title)) = span {
            return Some(format!("“{title}” until {}", until.rfc3339()));
        }
        self.weekly.iter().find(|w| w.holds(at)).map(Weekly::words)
    }
}
