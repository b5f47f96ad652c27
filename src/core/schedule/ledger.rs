//! What being on call costs whom: hours, nights, weekends and holidays, by person and schedule.
//!
//! Promises: hours are real hours, so a night of spring is an hour shorter than one of autumn.
//! Nights, weekends and holidays are the *person's*: ten in the evening in Madrid is six in the
//! morning in Tokyo. The weighted sum is nothing more than said here: every hour counts once, and
//! once more by each percentage that applies to it.

use super::gaps::{Difference, differences};
use super::wall::{DAY_MS, first, midnight, naive, shown};
use super::window::{Days, Window};
use super::{Holidays, Schedule};
use crate::core::time::Time;
use chrono::{Datelike, NaiveDate, Weekday};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// What counts as a night and a weekend, and how much more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Nightfall, milliseconds of the person's day.
    pub night_from: i64,
    /// Its end; not after the beginning: on the next day.
    pub night_until: i64,
    /// Days that are a weekend.
    pub weekend: Days,
    /// How much more an hour at night counts, percent.
    pub night_extra: u32,
    /// How much more an hour on a weekend counts, percent.
    pub weekend_extra: u32,
    /// How much more an hour on a holiday counts, percent.
    pub holiday_extra: u32,
}

impl Default for Weights {
    fn default() -> Weights {
        let hour = DAY_MS / 24;
        Weights {
            night_from: 22 * hour,
            night_until: 7 * hour,
            weekend: Days::default().with(Weekday::Sat).with(Weekday::Sun),
            night_extra: 100,
            weekend_extra: 50,
            holiday_extra: 100,
        }
    }
}

/// What one person had; milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Stretches on call.
    pub shifts: u32,
    /// All of it.
    pub total_ms: i64,
    /// At night.
    pub night_ms: i64,
    /// On weekends.
    pub weekend_ms: i64,
    /// On holidays.
    pub holiday_ms: i64,
    /// All of it with the extra percentages.
    pub weighted_ms: i64,
}

impl Share {
    fn add(&mut self, other: &Share) {
        self.shifts += other.shifts;
        self.total_ms += other.total_ms;
        self.night_ms += other.night_ms;
        self.weekend_ms += other.weekend_ms;
        self.holiday_ms += other.holiday_ms;
        self.weighted_ms += other.weighted_ms;
    }
}

/// Shares by person and schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Person id, schedule id, share.
    pub rows: BTreeMap<String, BTreeMap<String, Share>>,
}

impl Ledger {
    /// What a person had on all schedules.
    #[must_use]
    pub fn person(&self, id: &str) -> Share {
        let mut sum = Share::default();
        let shares = self.rows.get(id).into_iter().flat_map(BTreeMap::values);
        shares.for_each(|s| sum.add(s));
        sum
    }

    /// How even the weighted shares of some people are, percent: the mean over all pairs of the
    /// smaller share by the larger. 100 for fewer than two people.
    #[must_use]
    pub fn balance<'a>(&self, people: impl IntoIterator<Item = &'a str>) -> u32 {
        let of = |p: &str| self.person(p).weighted_ms / 1000;
        let shares: Vec<i64> = people.into_iter().map(of).collect();
        let (mut sum, mut pairs) = (0i64, 0i64);
        for (n, a) in shares.iter().enumerate() {
            for b in &shares[n + 1..] {
                let (low, high) = ((*a).min(*b), (*a).max(*b));
                sum += (low * 10_000).checked_div(high).unwrap_or(10_000);
                pairs += 1;
            }
        }
        let percent = (sum + 50 * pairs).checked_div(pairs * 100).unwrap_or(100);
        u32::try_from(percent).unwrap_or(0)
    }
}

/// The ledger of `[from, until)`. `zone` says where a person lives.
#[must_use]
pub fn ledger<'a>(
    schedules: impl IntoIterator<Item = &'a Schedule>,
    weights: &Weights,
    zone: &dyn Fn(&str) -> Option<Tz>,
    from: Time,
    until: Time,
) -> Ledger {
    let mut ledger = Ledger::default();
    for schedule in schedules {
        let mut last: BTreeMap<String, Time> = BTreeMap::new();
        for turn in schedule.shifts(from, until) {
            for person in turn.people {
                let zone = zone(&person).unwrap_or(schedule.zone);
                let (since, until) = (turn.since, turn.until);
                let mut share = share(weights, &schedule.holidays, zone, since, until);
                // Going on in other company is not another shift.
                let goes_on = last.insert(person.clone(), until) == Some(since);
                share.shifts = u32::from(!goes_on);
                let row = ledger.rows.entry(person).or_default();
                row.entry(schedule.id.clone()).or_default().add(&share);
            }
        }
    }
    ledger
}

/// What a change of a schedule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Who would be on call instead of whom.
    pub differences: Vec<Difference>,
    /// What each carries now.
    pub before: Ledger,
    /// What each would carry.
    pub after: Ledger,
}

/// Compares two versions of a schedule in `[from, until)`, for a preview before it is saved.
#[must_use]
pub fn effect(
    before: &Schedule,
    after: &Schedule,
    weights: &Weights,
    zone: &dyn Fn(&str) -> Option<Tz>,
    from: Time,
    until: Time,
) -> Effect {
    Effect {
        differences: differences(before, after, from, until),
        before: ledger([before], weights, zone, from, until),
        after: ledger([after], weights, zone, from, until),
    }
}

/// What `[since, until)` costs somebody who lives in `zone`; counts no shift.
fn share(weights: &Weights, holidays: &Holidays, zone: Tz, since: Time, until: Time) -> Share {
    let within = |(a, b): (Time, Time)| b.min(until).since_ms(a.max(since)).max(0);
    let night = Window {
        days: Days::ALL,
        start: weights.night_from,
        end: weights.night_until,
    };
    let mut share = Share {
        total_ms: until.since_ms(since),
        ..Share::default()
    };
    let date = |t: Time| naive(shown(zone, t)).date();
    let yesterday = date(since).pred_opt().unwrap_or_default();
    for day in yesterday.iter_days().take_while(|d| *d <= date(until)) {
        share.night_ms += within(night.span(day, zone));
        let hours = || within(whole(day, zone));
        if weights.weekend.has(day.weekday()) {
            share.weekend_ms += hours();
        }
        if holidays.contains_key(&day) {
            share.holiday_ms += hours();
        }
    }
    let extra = |ms: i64, percent: u32| ms * i64::from(percent) / 100;
    share.weighted_ms = share.total_ms
        + extra(share.night_ms, weights.night_extra)
        + extra(share.weekend_ms, weights.weekend_extra)
        + extra(share.holiday_ms, weights.holiday_extra);
    share
}

/// A date from its first instant to the next one's; days do not overlap, so no hour is counted twice.
fn whole(day: NaiveDate, zone: Tz) -> (Time, Time) {
    let begin = midnight(day);
    (first(zone, begin), first(zone, begin + DAY_MS))
}
