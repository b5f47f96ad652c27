//! Rotations: which turn it is, by arithmetic on the wall clock.
//!
//! Promises: the n-th turn is found without walking there, for every kind of hand-off. A turn that
//! lies wholly in a skipped span of the wall clock is nobody's, and the order goes on as if it had
//! been had; so the order follows the calendar and never depends on who looked when. A hand-off that
//! is repeated happens once, the first time: that turn is longer.
//!
//! Road not taken: a stored position that a job moves on. Then history is what the job did and the
//! future is what a formula says, and the two part company when the list of people changes.

use super::cron::CronPlan;
use super::wall::{DAY_MS, midnight, naive, wall_ms};
use crate::core::time::parse_duration_ms;
use chrono::{Datelike, NaiveDate, NaiveDateTime};

/// The shortest turn, milliseconds on the wall.
const TURN_MIN_MS: i64 = 3_600_000;
/// The longest.
const TURN_MAX_MS: i64 = 366 * DAY_MS;
const WEEK_MS: i64 = 7 * DAY_MS;

/// When turns change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handoff {
    /// After these lengths on the wall clock, milliseconds, again and again from the start: one day;
    /// seven days; four days and then three.
    Steps(Vec<i64>),
    /// Every so many months on the day of the month the rotation started on, clamped to the month's last.
    Months(u32),
    /// At the times of a cron expression.
    Cron(Box<CronPlan>),
}

/// Who takes turns, and when they change.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Wall time at which the first turn begins. Nobody is on call before.
    pub starts: NaiveDateTime,
    /// When turns change.
    pub handoff: Handoff,
    /// Groups of person ids in order of their turns; an empty one is nobody's turn.
    pub turns: Vec<Vec<String>>,
    /// How many groups in a row are on call at once; 1 is usual.
    pub count: usize,
}

/// A turn on the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// From 0.
    pub n: i64,
    /// Wall milliseconds.
    pub since: i64,
    /// Wall milliseconds; `None`: there is no other hand-off.
    pub until: Option<i64>,
}

impl Handoff {
    /// The turn a wall time is in; `None` before the start.
    pub(super) fn slot(&self, starts: i64, at: i64) -> Option<Slot> {
        if at < starts {
            return None;
        }
        match self {
            Handoff::Steps(steps) => steps_slot(steps, starts, at),
            Handoff::Months(every) => Some(months_slot(i64::from((*every).max(1)), starts, at)),
            Handoff::Cron(plan) => Some(Slot {
                n: plan.count(starts, at),
                since: plan.previous(at, starts).map_or(starts, |w| w.max(starts)),
                until: plan.next(at),
            }),
        }
    }

    /// A sequence of lengths such as `4d` and `3d`, or `4d8h` and `2d16h`.
    ///
    /// # Errors
    /// A sentence with the remedy.
    pub fn sequence<'a>(lengths: impl IntoIterator<Item = &'a str>) -> Result<Handoff, String> {
        let mut steps = Vec::new();
        for text in lengths {
            let ms = parse_duration_ms(text)?;
            if !(TURN_MIN_MS..=TURN_MAX_MS).contains(&ms) {
                return Err(format!("`{text}` is not from one hour to 366 days"));
            }
            steps.push(ms);
        }
        if steps.is_empty() {
            return Err("the list of lengths is empty: write [\"4d\", \"3d\"]".to_owned());
        }
        Ok(Handoff::Steps(steps))
    }
}

fn steps_slot(steps: &[i64], starts: i64, at: i64) -> Option<Slot> {
    let period: i64 = steps.iter().sum();
    if period <= 0 {
        return None;
    }
    let (round, mut rest) = ((at - starts) / period, (at - starts) % period);
    let mut since = at - rest;
    let count = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    for (k, step) in (0i64..).zip(steps) {
        if rest < *step {
            return Some(Slot {
                n: round * count + k,
                since,
                until: Some(since + step),
            });
        }
        (rest, since) = (rest - step, since + step);
    }
    None
}

fn months_slot(every: i64, starts: i64, at: i64) -> Slot {
    let begin = |n: i64| month_after(starts, n * every);
    let index = |w: i64| {
        let date = naive(w).date();
        i64::from(date.year()) * 12 + i64::from(date.month0())
    };
    let mut n = (index(at) - index(starts)) / every;
    // The month has come, its day not yet.
    if begin(n) > at {
        n -= 1;
    }
    Slot {
        n,
        since: begin(n),
        until: Some(begin(n + 1)),
    }
}

/// The same day and time `months` later; day 31 becomes the last of a shorter month and is 31 again after it.
fn month_after(starts: i64, months: i64) -> i64 {
    let from = naive(starts).date();
    let month = i64::from(from.year()) * 12 + i64::from(from.month0()) + months;
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12));
    let first = i32::try_from(year)
        .ok()
        .and_then(|y| NaiveDate::from_ymd_opt(y, u32::try_from(month).ok()? + 1, 1));
    let Some(first) = first else {
        return i64::MAX;
    };
    let day = i64::from(from.day().min(u32::from(first.num_days_in_month())));
    midnight(first) + (day - 1) * DAY_MS + (starts - midnight(from))
}

impl Rotation {
    /// The turn at a wall time that was reached, and its people's groups; `None` before the start.
    pub(super) fn slot(&self, reached: i64) -> Option<Slot> {
        self.handoff.slot(wall_ms(self.starts), reached)
    }

    /// Start of the first turn, wall milliseconds.
    pub(super) fn begin(&self) -> i64 {
        wall_ms(self.starts)
    }

    /// Who has the n-th turn; empty: nobody, or nobody was ever named.
    pub(super) fn group(&self, n: i64) -> impl Iterator<Item = &str> {
        let len = i64::try_from(self.turns.len()).unwrap_or(i64::MAX);
        let count = i64::try_from(self.count.clamp(1, self.turns.len().max(1))).unwrap_or(1);
        (0..count)
            .filter_map(move |k| {
                let at = usize::try_from((n + k).checked_rem_euclid(len)?).ok()?;
                self.turns.get(at)
            })
            .flatten()
            .map(String::as_str)
    }
}

/// Reads a hand-off: `hourly`, `daily`, `weekly`, `monthly`, `every 3 days` (hours, weeks, months), or a
/// cron expression of five classic fields (`0 9 * * 1`, weekday 0 or 7 is Sunday) or six with seconds first.
///
/// # Errors
/// A sentence with the remedy.
pub fn parse_handoff(text: &str) -> Result<Handoff, String> {
    let fail = |why: String| {
        format!(
            "`{text}` is not a hand-off: {why}; write `weekly`, `every 2 weeks` or five cron fields such as `0 9 * * MON`"
        )
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let every = |n: i64, ms: i64| {
        let length = n.checked_mul(ms).filter(|l| (1..=TURN_MAX_MS).contains(l));
        length
            .map(|l| Handoff::Steps(vec![l]))
            .ok_or_else(|| fail("a turn has at most 366 days".to_owned()))
    };
    match words.as_slice() {
        ["hourly"] => every(1, TURN_MIN_MS),
        ["daily"] => every(1, DAY_MS),
        ["weekly"] => every(1, WEEK_MS),
        ["monthly"] => Ok(Handoff::Months(1)),
        ["every", n, unit] => {
            let n: i64 = n
                .parse()
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| fail(format!("`{n}` is not a number above 0")))?;
            match unit.trim_end_matches('s') {
                "hour" => every(n, TURN_MIN_MS),
                "day" => every(n, DAY_MS),
                "week" => every(n, WEEK_MS),
                "month" if n <= 12 => Ok(Handoff::Months(u32::try_from(n).unwrap_or(12))),
                "month" => Err(fail("a turn has at most 12 months".to_owned())),
                other => Err(fail(format!(
                    "`{other}` is not hours, days, weeks or months"
                ))),
            }
        }
        _ => Ok(Handoff::Cron(Box::new(
            CronPlan::parse(text).map_err(fail)?,
        ))),
    }
}
