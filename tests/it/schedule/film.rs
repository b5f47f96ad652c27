//! The oracle: a film of a zone's wall clock, one frame a minute, and definitions that look at nothing else.
//!
//! It never asks what a wall time means; it looks when the clock first shows it, and when it stops
//! showing less. That is written without the engine and without `from_local_datetime`.

use chrono::{NaiveDate, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// Minutes since the epoch, of instants and of the wall.
pub type Minutes = i64;

pub fn offset(zone: Tz, at: Minutes) -> Minutes {
    let utc = chrono::DateTime::from_timestamp(at * 60, 0)
        .unwrap()
        .naive_utc();
    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) / 60
}

pub fn of_wall(wall: NaiveDateTime) -> Minutes {
    wall.and_utc().timestamp() / 60
}

pub struct Film {
    from: Minutes,
    /// The latest the clock has shown until a frame.
    reached: Vec<Minutes>,
    /// The earliest it will show from a frame on.
    coming: Vec<Minutes>,
}

impl Film {
    pub fn of(zone: Tz, from: Minutes, until: Minutes) -> Film {
        let shown: Vec<Minutes> = (from..until).map(|t| t + offset(zone, t)).collect();
        let mut reached = shown.clone();
        for n in 1..reached.len() {
            reached[n] = reached[n].max(reached[n - 1]);
        }
        let mut coming = shown;
        for n in (1..coming.len()).rev() {
            coming[n - 1] = coming[n - 1].min(coming[n]);
        }
        Film {
            from,
            reached,
            coming,
        }
    }

    fn frame(&self, at: Minutes) -> usize {
        usize::try_from(at - self.from).unwrap()
    }

    pub fn reached(&self, at: Minutes) -> Minutes {
        self.reached[self.frame(at)]
    }

    /// How many of some wall times, ascending, are past: the clock has shown them or later.
    pub fn past(&self, at: Minutes, walls: &[Minutes]) -> usize {
        let reached = self.reached(at);
        walls.iter().filter(|w| **w <= reached).count()
    }

    /// In a window once its start has been shown, and for as long as something before its end is or
    /// will be shown, or its end itself will be once more.
    pub fn inside(&self, at: Minutes, start: Minutes, end: Minutes) -> bool {
        let now = self.frame(at);
        let later = self.coming.get(now + 1).copied().unwrap_or(Minutes::MAX);
        start <= self.reached(at) && (self.coming[now] < end || later <= end)
    }
}

/// Every change of a zone's offset in some years: first minute with the new one, and both offsets.
pub fn transitions(zone: Tz, from: i32, until: i32) -> Vec<(Minutes, Minutes, Minutes)> {
    let year = |y: i32| {
        of_wall(
            NaiveDate::from_ymd_opt(y, 1, 1)
                .unwrap()
                .and_time(chrono::NaiveTime::MIN),
        )
    };
    let (mut at, end) = (year(from), year(until));
    let mut found = Vec::new();
    // No zone changes twice within this.
    let step = 3 * 24 * 60;
    let mut before = offset(zone, at);
    while at < end {
        let next = at + step;
        let after = offset(zone, next);
        if after != before {
            let (mut low, mut high) = (at, next);
            while high - low > 1 {
                let mid = low + (high - low) / 2;
                if offset(zone, mid) == before {
                    low = mid;
                } else {
                    high = mid;
                }
            }
            found.push((high, before, after));
        }
        (at, before) = (next, after);
    }
    found
}
