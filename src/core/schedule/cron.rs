//! Cron expressions as hand-offs, counted instead of walked.
//!
//! The `cron` crate reads the expression; what it allows is kept as bit sets, so that "how many
//! hand-offs were there since 2019" is a sum over months and not a walk over every one of them. Its
//! meaning is the crate's: day of month *and* day of week must both fit.

use super::wall::{DAY_MS, midnight, naive};
use chrono::{Datelike, NaiveDate};
use cron::TimeUnitSpec;
use std::str::FromStr;

/// Turns are at least this long.
const TURN_MIN_SECS: u32 = 3600;
/// An expression without a hand-off in this many years has none: 29 February on one weekday comes
/// every 28 years, 40 around the turn of a century.
const YEARS: i32 = 50;

/// When hand-offs are, on the wall clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronPlan {
    /// Milliseconds of the day, ascending.
    times: Vec<i64>,
    /// Bit n: the n-th month, from 1.
    months: u16,
    /// By weekday of the first of the month, Monday first: bit n is the n-th day, from 1.
    days: [u32; 7],
}

impl CronPlan {
    /// Reads the five classic fields or the six of the `cron` crate.
    ///
    /// # Errors
    /// Why it is no hand-off.
    pub fn parse(text: &str) -> Result<CronPlan, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let full = match words.as_slice() {
            [min, hour, day, month, weekday] => {
                format!("0 {min} {hour} {day} {month} {}", weekday_names(weekday))
            }
            [_, _, _, _, _, _] => text.to_owned(),
            _ => return Err(format!("it has {} fields", words.len())),
        };
        let read = cron::Schedule::from_str(&full).map_err(|e| {
            let why = e.to_string();
            why.lines().next().unwrap_or_default().to_owned()
        })?;
        let times = times(&read)?;
        let plan = CronPlan {
            times,
            months: (1..=12)
                .filter(|m| read.months().includes(*m))
                .fold(0, |set, m| set | 1 << m),
            days: std::array::from_fn(|first| days(&read, first)),
        };
        let from = midnight(NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default());
        if plan.next(from).is_none() {
            return Err("it never happens".to_owned());
        }
        Ok(plan)
    }

    /// The allowed days of a month.
    fn month(&self, year: i32, month: u32) -> u32 {
        let Some(first) = NaiveDate::from_ymd_opt(year, month, 1) else {
            return 0;
        };
        if self.months & (1 << month) == 0 {
            return 0;
        }
        let length = u32::from(first.num_days_in_month());
        self.days[first.weekday().num_days_from_monday() as usize] & through(length)
    }

    /// Hand-offs from the beginning of `from`'s month until `wall`, included.
    fn until(&self, from: NaiveDate, wall: i64) -> i64 {
        let to = naive(wall);
        let (date, of_day) = (to.date(), wall - midnight(to.date()));
        let mut days = 0;
        let (mut year, mut month) = (from.year(), from.month());
        while (year, month) < (date.year(), date.month()) {
            days += i64::from(self.month(year, month).count_ones());
            (year, month) = after((year, month));
        }
        let set = self.month(year, month);
        days += i64::from((set & ((1 << date.day()) - 1)).count_ones());
        let today = if set & (1 << date.day()) == 0 {
            0
        } else {
            self.times.partition_point(|t| *t <= of_day)
        };
        let (per_day, today) = (self.times.len(), today);
        let wide = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        days * wide(per_day) + wide(today)
    }

    /// How many hand-offs there are after `from` and not after `to`; wall milliseconds.
    pub(super) fn count(&self, from: i64, to: i64) -> i64 {
        let base = naive(from).date();
        self.until(base, to) - self.until(base, from)
    }

    /// The first hand-off after a wall time.
    pub(crate) fn next(&self, wall: i64) -> Option<i64> {
        let at = naive(wall);
        let (date, of_day) = (at.date(), wall - midnight(at.date()));
        let set = self.month(date.year(), date.month());
        if set & (1 << date.day()) != 0
            && let Some(time) = self.times.iter().find(|t| **t > of_day)
        {
            return Some(wall - of_day + time);
        }
        let (mut year, mut month) = (date.year(), date.month());
        // The days after today.
        let mut rest = set & !through(date.day());
        while year <= date.year() + YEARS {
            if rest != 0 {
                let day = NaiveDate::from_ymd_opt(year, month, rest.trailing_zeros())?;
                return Some(midnight(day) + self.times.first()?);
            }
            (year, month) = after((year, month));
            rest = self.month(year, month);
        }
        None
    }

    /// The last hand-off at or before a wall time, not looking behind `floor`.
    pub(crate) fn previous(&self, wall: i64, floor: i64) -> Option<i64> {
        let at = naive(wall);
        let (date, of_day) = (at.date(), wall - midnight(at.date()));
        let set = self.month(date.year(), date.month());
        if set & (1 << date.day()) != 0
            && let Some(time) = self.times.iter().rev().find(|t| **t <= of_day)
        {
            return Some(wall - of_day + time);
        }
        let (mut year, mut month) = (date.year(), date.month());
        let end = naive(floor).date();
        let mut rest = set & ((1 << date.day()) - 1);
        while (year, month) >= (end.year(), end.month()) {
            if rest != 0 {
                let day = NaiveDate::from_ymd_opt(year, month, rest.ilog2())?;
                return Some(midnight(day) + self.times.last()?);
            }
            (year, month) = match month {
                1 => (year - 1, 12),
                m => (year, m - 1),
            };
            rest = self.month(year, month);
        }
        None
    }
}

fn after((year, month): (i32, u32)) -> (i32, u32) {
    match month {
        12 => (year + 1, 1),
        m => (year, m + 1),
    }
}

/// The bits of the days up to one, which is at most 31.
fn through(day: u32) -> u32 {
    u32::MAX >> (31 - day)
}

/// The times of a day, in milliseconds.
fn times(read: &cron::Schedule) -> Result<Vec<i64>, String> {
    let mut times = Vec::new();
    for hour in read.hours().iter() {
        for minute in read.minutes().iter() {
            times.extend(read.seconds().iter().map(|s| hour * 3600 + minute * 60 + s));
        }
    }
    times.sort_unstable();
    // What the hours of a day cannot show across midnight shows within one of them.
    if times.windows(2).any(|w| w[1] - w[0] < TURN_MIN_SECS) {
        return Err("it makes turns shorter than an hour".to_owned());
    }
    let ms = times
        .iter()
        .map(|s| i64::from(*s) * 1000)
        .collect::<Vec<_>>();
    debug_assert!(
        ms.iter().all(|t| *t < DAY_MS),
        "a time of day is within a day"
    );
    Ok(ms)
}

/// The allowed days of a month of 31 days that begins on a weekday (0 is Monday).
fn days(read: &cron::Schedule, first: usize) -> u32 {
    let fits = |day: &u32| {
        // The crate counts weekdays from 1, Sunday.
        let weekday = (u32::try_from(first).unwrap_or(0) + day - 1) % 7;
        let from_sunday = (weekday + 1) % 7 + 1;
        read.days_of_month().includes(*day) && read.days_of_week().includes(from_sunday)
    };
    (1..=31).filter(fits).fold(0, |set, day| set | 1 << day)
}

/// Classic cron counts weekdays from 0 = Sunday, the crate from 1 = Sunday: names mean the same in both.
fn weekday_names(field: &str) -> String {
    const NAMES: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    let name = |part: &str| {
        part.parse::<usize>()
            .ok()
            .and_then(|n| NAMES.get(n))
            .map_or(part.to_owned(), |n| (*n).to_owned())
    };
    let range = |part: &str| part.split('-').map(name).collect::<Vec<_>>().join("-");
    field
        .split(',')
        .map(|part| match part.split_once('/') {
            Some((span, step)) => format!("{}/{step}", range(span)),
            None => range(part),
        })
        .collect::<Vec<_>>()
        .join(",")
}
