//! Shifts that are listed one by one: from a calendar, or of a temporary schedule.

use crate::core::time::Time;
use std::sync::Arc;

/// A fixed shift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// First instant.
    pub since: Time,
    /// First instant that is no longer in it.
    pub until: Time,
    /// Person ids. Empty: somebody should be here, but nobody of the directory was recognised.
    pub people: Arc<[String]>,
    /// What the list calls it; may be empty.
    pub title: Arc<str>,
}

/// Shifts in order of their beginnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    shifts: Vec<Shift>,
    /// The longest of them, milliseconds: how far back one that still runs can have begun.
    longest: i64,
}

/// What a list says at an instant.
pub(super) struct Found<'a> {
    /// The shifts that run; may be empty.
    pub shifts: Vec<&'a Shift>,
    /// Since when that is so at least.
    pub since: Time,
    /// Until when.
    pub until: Time,
}

impl FromIterator<Shift> for Listed {
    fn from_iter<I: IntoIterator<Item = Shift>>(shifts: I) -> Listed {
        let mut shifts: Vec<Shift> = shifts.into_iter().filter(|s| s.since < s.until).collect();
        shifts.sort_by_key(|s| (s.since, s.until));
        let length = |s: &Shift| s.until.since_ms(s.since);
        let longest = shifts.iter().map(length).max().unwrap_or(0);
        Listed { shifts, longest }
    }
}

impl Listed {
    /// All of them.
    #[must_use]
    pub fn shifts(&self) -> &[Shift] {
        &self.shifts
    }

    pub(super) fn at(&self, at: Time) -> Found<'_> {
        let begun = self.shifts.partition_point(|s| s.since <= at);
        let mut found = Found {
            shifts: Vec::new(),
            since: Time(i64::MIN),
            until: self.shifts.get(begun).map_or(Time::FAR, |s| s.since),
        };
        let back = self.shifts[..begun].iter().rev();
        for shift in back.take_while(|s| at.since_ms(s.since) <= self.longest) {
            if shift.until > at {
                found.shifts.push(shift);
                found.since = found.since.max(shift.since);
                found.until = found.until.min(shift.until);
            } else {
                found.since = found.since.max(shift.until);
            }
        }
        found.shifts.reverse();
        found
    }
}
