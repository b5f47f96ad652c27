//! Restrictions: the hours of the week (and the holidays) a layer is there at all.
//!
//! Promises: a window belongs to the weekday it starts on; one whose end is not after its start runs
//! over midnight; start = end is 24 hours, and such days in a row are one stretch. It starts at the
//! first occurrence of its clock and ends at the last, so an hour that is repeated is covered twice
//! and none is lost; `[start, end)`. Where the clock skips midnight the next day begins at the first
//! instant after the gap.

use super::Holidays;
use super::wall::{DAY_MS, first, last, midnight, naive, shown};
use crate::core::time::Time;
use chrono::{Datelike, NaiveDate, Weekday};
use chrono_tz::Tz;

/// Windows without an end in sight are followed for this many stretches.
const STRETCHES: usize = 10;
/// A layer that is off is looked ahead for this many days, when no list of dates says more.
const LOOK_DAYS: u64 = 60;

/// A span of the local clock on some weekdays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Days it starts on.
    pub days: Days,
    /// Milliseconds of the day.
    pub start: i64,
    /// Milliseconds of the day; not after the start: on the day after.
    pub end: i64,
}

/// A set of weekdays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days(pub u8);

impl Days {
    /// All seven.
    pub const ALL: Days = Days(0b111_1111);

    /// With one more.
    #[must_use]
    pub fn with(self, day: Weekday) -> Days {
        Days(self.0 | 1 << day.num_days_from_monday())
    }

    /// Whether a weekday is in it.
    #[must_use]
    pub fn has(self, day: Weekday) -> bool {
        self.0 & (1 << day.num_days_from_monday()) != 0
    }
}

/// On which dates windows open at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnHolidays {
    /// On all.
    #[default]
    Also,
    /// On holidays only.
    Only,
    /// Never on a holiday.
    Never,
}

/// Windows of a layer with what they need to be told apart.
pub(super) struct Restriction<'a> {
    pub windows: &'a [Window],
    pub rule: OnHolidays,
    pub holidays: &'a Holidays,
    pub zone: Tz,
}

/// Whether an instant is inside, and since and until when that is so at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cover {
    pub inside: bool,
    pub since: Time,
    pub until: Time,
}

/// A whole day, for layers that are restricted by date only.
const WHOLE_DAYS: &[Window] = &[Window {
    days: Days::ALL,
    start: 0,
    end: 0,
}];

impl Window {
    /// Its instants when it starts on a date.
    pub(super) fn span(&self, date: NaiveDate, zone: Tz) -> (Time, Time) {
        let day = midnight(date);
        let over = if self.end > self.start { 0 } else { DAY_MS };
        let start = first(zone, day + self.start);
        (start, last(zone, day + over + self.end).max(start))
    }

    /// Every hour of every day.
    fn always(&self) -> bool {
        self.days == Days::ALL && self.start == self.end
    }
}

impl Restriction<'_> {
    /// Whether there is no restriction.
    pub fn none(&self) -> bool {
        self.rule == OnHolidays::Also
            && (self.windows.is_empty() || self.windows.iter().any(Window::always))
    }

    fn windows(&self) -> &[Window] {
        if self.windows.is_empty() {
            WHOLE_DAYS
        } else {
            self.windows
        }
    }

    fn open(&self, date: NaiveDate) -> bool {
        match self.rule {
            OnHolidays::Also => true,
            OnHolidays::Only => self.holidays.contains_key(&date),
            OnHolidays::Never => !self.holidays.contains_key(&date),
        }
    }

    /// The spans of the windows that start on a date.
    fn spans(&self, date: NaiveDate) -> impl Iterator<Item = (Time, Time)> {
        let open = self.open(date);
        let windows = self.windows().iter();
        windows
            .filter(move |w| open && w.days.has(date.weekday()))
            .map(move |w| w.span(date, self.zone))
            .filter(|(start, end)| start < end)
    }

    /// The spans an instant is in, joined.
    fn around(&self, date: NaiveDate, at: Time) -> Option<(Time, Time)> {
        // A window of the day before runs over midnight; one of the day after has begun already
        // when the clock goes back over midnight.
        let dates = [date.pred_opt(), Some(date), date.succ_opt()];
        dates
            .into_iter()
            .flatten()
            .flat_map(|d| self.spans(d))
            .filter(|(start, end)| *start <= at && at < *end)
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// What holds at an instant.
    pub fn cover(&self, at: Time) -> Cover {
        let date = |t: Time| naive(shown(self.zone, t)).date();
        let today = date(at);
        let Some((mut since, mut until)) = self.around(today, at) else {
            return Cover {
                inside: false,
                since: self.closed_since(today, at),
                until: self.opens(today, at),
            };
        };
        for _ in 0..STRETCHES {
            match self.around(date(until), until) {
                Some((_, end)) if end > until => until = end,
                _ => break,
            }
        }
        for _ in 0..STRETCHES {
            let before = since.plus_ms(-1);
            match self.around(date(before), before) {
                Some((start, _)) if start < since => since = start,
                _ => break,
            }
        }
        Cover {
            inside: true,
            since,
            until,
        }
    }

    /// When the next window starts; earlier when that is far away.
    fn opens(&self, today: NaiveDate, at: Time) -> Time {
        let near = today.pred_opt().unwrap_or(today).iter_days();
        let listed = self.holidays.range(today..).map(|(d, _)| *d);
        let mut dates: Box<dyn Iterator<Item = NaiveDate>> = match self.rule {
            OnHolidays::Only => Box::new(today.pred_opt().into_iter().chain(listed)),
            _ => Box::new(near.take(usize::try_from(LOOK_DAYS).unwrap_or(60))),
        };
        let next = dates.find_map(|d| {
            let starts = self.spans(d).map(|(start, _)| start);
            starts.filter(|start| *start > at).min()
        });
        next.unwrap_or_else(|| match self.rule {
            OnHolidays::Never => at.plus_ms(DAY_MS * 50),
            _ => Time::FAR,
        })
    }

    /// When the last window ended; later when that is long ago.
    fn closed_since(&self, today: NaiveDate, at: Time) -> Time {
        let from = today.succ_opt().unwrap_or(today);
        let ends = from
            .iter_days()
            .rev()
            .take(usize::try_from(LOOK_DAYS).unwrap_or(60))
            .find_map(|d| {
                let ends = self.spans(d).map(|(_, end)| end);
                ends.filter(|end| *end <= at).max()
            });
        ends.unwrap_or(at.plus_ms(-DAY_MS * 50))
    }
}

/// Names of weekdays, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Window {
    /// Reads `mon-fri 09:00-17:00`, `sat,sun` (whole days) or `22:00-06:00` (every day, over midnight).
    ///
    /// # Errors
    /// A sentence with the remedy.
    pub fn parse(text: &str) -> Result<Window, String> {
        let fail = || format!("`{text}` is not a window: write `mon-fri 09:00-17:00`");
        let words: Vec<&str> = text.split_whitespace().collect();
        let (days, hours) = match words.as_slice() {
            [one] if one.starts_with(|c: char| c.is_ascii_digit()) => (None, Some(*one)),
            [one] => (Some(*one), None),
            [days, hours] => (Some(*days), Some(*hours)),
            _ => return Err(fail()),
        };
        let days = match days {
            Some(days) => Days::parse(days).ok_or_else(fail)?,
            None => Days::ALL,
        };
        let (start, end) = match hours {
            Some(hours) => {
                let (start, end) = hours.split_once('-').ok_or_else(fail)?;
                (
                    of_day(start).ok_or_else(fail)?,
                    of_day(end).ok_or_else(fail)?,
                )
            }
            None => (0, 0),
        };
        if start == DAY_MS {
            return Err(fail());
        }
        // 24:00 is the midnight the next day begins with.
        let end = if end == DAY_MS { 0 } else { end };
        Ok(Window { days, start, end })
    }
}

impl Days {
    /// Reads `mon-fri`, `sat,sun`, `fri-mon`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Days> {
        let day = |name: &str| {
            let name = name.trim().to_ascii_lowercase();
            DAYS.iter().position(|d| *d == name)
        };
        let mut set = Days::default();
        for part in text.split(',') {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (day(first)?, day(last)?),
                None => (day(part)?, day(part)?),
            };
            let length = (last + 7 - first) % 7;
            for n in 0..=length {
                set.0 |= 1 << ((first + n) % 7);
            }
        }
        Some(set)
    }
}

/// `09:00` as milliseconds of the day; up to `24:00`.
pub(super) fn of_day(text: &str) -> Option<i64> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two = |t: &str| t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
    if !two(hour) || !two(minute) {
        return None;
    }
    let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
    let ms = (hour * 60 + minute) * 60_000;
    (minute < 60 && ms <= DAY_MS).then_some(ms)
}
