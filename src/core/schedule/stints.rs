//! When one person has turns, across schedules.
//!
//! Promises: each stint is a turn of [`Schedule::turns`], with its own beginning and end, so it is
//! the same shift the pager, the calendar and the feed know. Turns that follow each other for the
//! same reason (somebody joined or left beside them) are one.

use super::Schedule;
use crate::core::time::Time;

/// A turn of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stint {
    /// Id of the schedule.
    pub schedule: String,
    /// First instant; `Time(i64::MIN)` when nothing is known before.
    pub since: Time,
    /// First instant that is no longer in it; `Time::FAR`: no hand-off is in sight.
    pub until: Time,
    /// Why, as the turn says it; empty for a shadow.
    pub why: String,
    /// Shown beside whoever is on call, never paged.
    pub shadow: bool,
}

/// Every turn of a person that touches `[from, until)`, in order of time.
#[must_use]
pub fn stints<'a>(
    schedules: impl IntoIterator<Item = &'a Schedule>,
    person: &str,
    from: Time,
    until: Time,
) -> Vec<Stint> {
    let mut all: Vec<Stint> = Vec::new();
    for schedule in schedules {
        let begin = all.len();
        for turn in schedule.turns(from, until) {
            let at = turn.people.iter().position(|p| p == person);
            let shadow = at.is_none();
            if shadow && !turn.shadows.iter().any(|p| p == person) {
                continue;
            }
            let why = at.and_then(|n| turn.why.get(n)).cloned();
            let why = why.unwrap_or_default();
            match all.get_mut(begin..).and_then(<[Stint]>::last_mut) {
                Some(last)
                    if last.until == turn.since && last.why == why && last.shadow == shadow =>
                {
                    last.until = turn.until;
                }
                _ => all.push(Stint {
                    schedule: schedule.id.clone(),
                    since: turn.since,
                    until: turn.until,
                    why,
                    shadow,
                }),
            }
        }
    }
    all.sort_by(|a, b| (a.since, a.until, &a.schedule).cmp(&(b.since, b.until, &b.schedule)));
    all
}
