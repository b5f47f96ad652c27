//! Hours of the day on a wall clock: when a service is supported, when a person sleeps.
//!
//! Pure functions of an instant and a zone. A wall time that does not exist (spring) means the first
//! instant after the gap, one that exists twice (autumn) the first: the rule of `core::schedule`.
//! Road not taken: cron expressions. They name instants; these are spans, and people write them so.

use super::time::Time;
use chrono::{
    Datelike, Days, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Timelike, Weekday,
};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Minutes of a day.
pub const DAY: u16 = 24 * 60;
/// When most people sleep, for [`disturbed`]: 22:00 to 07:00, in minutes.
const NIGHT: (u16, u16) = (22 * 60, 7 * 60);
/// Digests are looked for this many days ahead; a week holds every day there is.
const DAYS_AHEAD: u64 = 8;

/// Days of a week, Monday first.
pub type WeekDays = [bool; 7];

/// A span of the day on some days of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// On which days it begins.
    pub days: WeekDays,
    /// First minute of the day, 0 to 1439.
    pub from: u16,
    /// First minute that is no longer in it, 1 to 1440; not later than `from`: on the next day.
    pub to: u16,
    /// Zone of the wall clock.
    pub zone: Tz,
}

/// When a person is not to be woken for what can wait. Its zone is the person's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// First minute of the day.
    pub from: u16,
    /// First minute that is no longer quiet; not later than `from`: on the next day.
    pub to: u16,
    /// Minute of the day at which what waited is told.
    pub digest: u16,
    /// Days that are quiet from midnight to midnight.
    pub days: WeekDays,
}

/// How a night went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Night {
    /// The day it ended on.
    pub morning: NaiveDate,
    /// Pages in it.
    pub pages: u32,
    /// The last of them.
    pub last: Time,
}

impl Hours {
    /// Whether `at` lies in them.
    #[must_use]
    pub fn covers(&self, at: Time) -> bool {
        let (day, minute) = wall(self.zone, at);
        if self.to > self.from {
            return on(self.days, day) && (self.from..self.to).contains(&minute);
        }
        on(self.days, day) && minute >= self.from || on(self.days, day.pred()) && minute < self.to
    }

    /// `Mon-Fri 08:00-18:00 Europe/Berlin`.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "{} {}-{} {}",
            day_words(&self.days),
            minute_words(self.from),
            minute_words(self.to),
            self.zone.name()
        )
    }
}

impl Quiet {
    /// When what can wait at `at` is told; `None`: it need not wait.
    #[must_use]
    pub fn until(&self, at: Time, zone: Tz) -> Option<Time> {
        let (day, minute) = wall(zone, at);
        if !on(self.days, day) && !within(minute, self.from, self.to) {
            return None;
        }
        let today = at.utc().with_timezone(&zone).date_naive();
        let mornings = (0..DAYS_AHEAD).filter_map(|n| today.checked_add_days(Days::new(n)));
        mornings
            .filter(|d| !on(self.days, d.weekday()))
            .filter_map(|d| Some(instant(zone, wall_time(d, self.digest)?)))
            .find(|t| *t > at)
    }
}

/// Whether a minute of the day lies in a span that may go over midnight.
#[must_use]
pub fn within(minute: u16, from: u16, to: u16) -> bool {
    if to > from {
        (from..to).contains(&minute)
    } else {
        minute >= from || minute < to
    }
}

/// Reads `08:30` or `24:00` as minutes of the day.
#[must_use]
pub fn parse_minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    if hours.is_empty() || hours.len() > 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let of_day = hours * 60 + minutes;
    (hours <= 24 && minutes < 60 && of_day <= DAY).then_some(of_day)
}

/// `08:30`.
#[must_use]
pub fn minute_words(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// The nights, latest first, in which pages went out at these instants, in this zone.
#[must_use]
pub fn disturbed(pages: &[Time], zone: Tz) -> Vec<Night> {
    let mut nights: BTreeMap<NaiveDate, Night> = BTreeMap::new();
    for at in pages {
        let Some(morning) = morning_after(*at, zone) else {
            continue;
        };
        let night = nights.entry(morning).or_insert(Night {
            morning,
            pages: 0,
            last: *at,
        });
        night.pages += 1;
        night.last = night.last.max(*at);
    }
    nights.into_values().rev().collect()
}

/// The morning after an instant, when that is at night in a zone.
#[must_use]
pub fn morning_after(at: Time, zone: Tz) -> Option<NaiveDate> {
    let local = at.utc().with_timezone(&zone);
    let minute = minute_of(&local.naive_local());
    if !within(minute, NIGHT.0, NIGHT.1) {
        return None;
    }
    let today = local.date_naive();
    Some(if minute >= NIGHT.0 {
        today.checked_add_days(Days::new(1)).unwrap_or(today)
    } else {
        today
    })
}

/// Three at night on the wall of a zone, the last time before an instant.
#[must_use]
pub fn last_night(at: Time, zone: Tz) -> Time {
    let today = at.utc().with_timezone(&zone).date_naive();
    let three = |day: NaiveDate| wall_time(day, 3 * 60).map(|wall| instant(zone, wall));
    let mut nights = [Some(today), today.pred_opt()].into_iter().flatten();
    nights
        .find_map(|day| three(day).filter(|t| *t <= at))
        .unwrap_or(at)
}

/// Until when somebody rests who was paged at `at`: that minute of the day after the night. `None`: it
/// was not at night where they live.
#[must_use]
pub fn rests_until(at: Time, zone: Tz, minute: u16) -> Option<Time> {
    let morning = morning_after(at, zone)?;
    Some(instant(zone, wall_time(morning, minute)?))
}

fn on(days: WeekDays, day: Weekday) -> bool {
    days[day.num_days_from_monday() as usize]
}

fn wall(zone: Tz, at: Time) -> (Weekday, u16) {
    let local = at.utc().with_timezone(&zone).naive_local();
    (local.weekday(), minute_of(&local))
}

fn minute_of(local: &NaiveDateTime) -> u16 {
    u16::try_from(local.hour() * 60 + local.minute()).unwrap_or(0)
}

fn wall_time(day: NaiveDate, minute: u16) -> Option<NaiveDateTime> {
    day.and_hms_opt(u32::from(minute / 60), u32::from(minute % 60), 0)
}

/// The instant a wall time means.
fn instant(zone: Tz, wall: NaiveDateTime) -> Time {
    let mut wall = wall;
    // No gap of the zone database is longer than a day.
    for _ in 0..=DAY {
        match zone.from_local_datetime(&wall) {
            LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => {
                return Time(t.timestamp_millis());
            }
            LocalResult::None => wall += Duration::minutes(1),
        }
    }
    Time(wall.and_utc().timestamp_millis())
}

/// `Mon-Fri`, `Sat, Sun`, `every day`.
#[must_use]
pub fn day_words(days: &WeekDays) -> String {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    if days.iter().all(|d| *d) {
        return "every day".to_owned();
    }
    let (mut parts, mut at) = (Vec::new(), 0);
    while at < 7 {
        if !days[at] {
            at += 1;
            continue;
        }
        let end = (at..7).take_while(|d| days[*d]).last().unwrap_or(at);
        if end > at + 1 {
            parts.push(format!("{}-{}", NAMES[at], NAMES[end]));
        } else {
            parts.extend(NAMES[at..=end].iter().map(|n| (*n).to_owned()));
        }
        at = end + 1;
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: WeekDays = [true, true, true, true, true, false, false];
    const WEEKEND: WeekDays = [false, false, false, false, false, true, true];

    fn at(text: &str) -> Time {
        Time::parse_rfc3339(text).unwrap()
    }

    fn quiet() -> Quiet {
        Quiet {
            from: 22 * 60,
            to: 7 * 60,
            digest: 8 * 60 + 30,
            days: WEEKEND,
        }
    }

    #[test]
    fn office_hours_are_those_of_the_zone() {
        let hours = Hours {
            days: WORK,
            from: 8 * 60,
            to: 18 * 60,
            zone: Tz::Europe__Berlin,
        };
        // A Friday in summer: 08:00 in Berlin is 06:00 UTC.
        assert!(hours.covers(at("2026-07-03T06:00:00Z")));
        assert!(!hours.covers(at("2026-07-03T05:59:59Z")));
        assert!(!hours.covers(at("2026-07-03T16:00:00Z")));
        assert!(!hours.covers(at("2026-07-04T10:00:00Z")));
        assert_eq!(hours.words(), "Mon-Fri 08:00-18:00 Europe/Berlin");
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_they_begin_on() {
        let hours = Hours {
            days: WORK,
            from: 20 * 60,
            to: 6 * 60,
            zone: Tz::UTC,
        };
        assert!(hours.covers(at("2026-07-04T05:59:00Z")), "Friday's night");
        assert!(!hours.covers(at("2026-07-06T05:59:00Z")), "Sunday's night");
        assert!(hours.covers(at("2026-07-06T20:00:00Z")));
    }

    #[test]
    fn what_can_wait_is_told_on_the_next_morning_that_is_not_quiet() {
        let until = |t: &str| quiet().until(at(t), Tz::UTC);
        assert_eq!(until("2026-07-02T21:59:00Z"), None);
        assert_eq!(
            until("2026-07-02T23:00:00Z"),
            Some(at("2026-07-03T08:30:00Z"))
        );
        assert_eq!(
            until("2026-07-03T03:00:00Z"),
            Some(at("2026-07-03T08:30:00Z"))
        );
        // Friday evening to Monday morning.
        assert_eq!(
            until("2026-07-03T22:00:00Z"),
            Some(at("2026-07-06T08:30:00Z"))
        );
        assert_eq!(
            until("2026-07-05T12:00:00Z"),
            Some(at("2026-07-06T08:30:00Z"))
        );
        assert_eq!(until("2026-07-06T07:00:00Z"), None);
    }

    #[test]
    fn a_morning_that_the_clock_skips_begins_after_the_gap() {
        let early = Quiet {
            digest: 2 * 60 + 30,
            from: 22 * 60,
            to: 2 * 60,
            days: [false; 7],
        };
        // In Berlin 02:30 of 29 March 2026 does not exist; 03:00 summer time is 01:00 UTC.
        let told = early.until(at("2026-03-28T23:00:00Z"), Tz::Europe__Berlin);
        assert_eq!(told, Some(at("2026-03-29T01:00:00Z")));
    }

    #[test]
    fn a_night_is_counted_in_the_zone_of_who_sleeps() {
        let pages = [
            at("2026-07-02T13:00:00Z"),
            at("2026-07-02T21:30:00Z"),
            at("2026-07-03T01:00:00Z"),
            at("2026-07-04T04:59:00Z"),
        ];
        let nights = disturbed(&pages, Tz::Europe__Berlin);
        let told: Vec<_> = nights
            .iter()
            .map(|n| (n.morning.to_string(), n.pages))
            .collect();
        assert_eq!(
            told,
            [("2026-07-04".to_owned(), 1), ("2026-07-03".to_owned(), 2)]
        );
        // In Tokyo the first was at 22:00, and the third at ten in the morning.
        let told = disturbed(&pages, Tz::Asia__Tokyo);
        assert_eq!((told.len(), told[0].pages), (1, 2));
    }

    #[test]
    fn who_was_paged_at_night_rests_until_the_noon_after_it() {
        let noon = |t: &str, zone| rests_until(at(t), zone, 12 * 60);
        let of = |t: &str| Some(at(t));
        let berlin = Tz::Europe__Berlin;
        assert_eq!(
            noon("2026-07-02T21:30:00Z", berlin),
            of("2026-07-03T10:00:00Z")
        );
        assert_eq!(
            noon("2026-07-03T01:00:00Z", berlin),
            of("2026-07-03T10:00:00Z")
        );
        assert_eq!(
            noon("2026-07-03T05:00:00Z", berlin),
            None,
            "seven in the morning"
        );
        assert_eq!(noon("2026-07-03T01:00:00Z", Tz::Asia__Tokyo), None);
        // The night the clock goes back: noon is an hour later than a day before.
        assert_eq!(
            noon("2026-10-24T23:30:00Z", berlin),
            of("2026-10-25T11:00:00Z")
        );
        assert!(morning_after(at("2026-07-02T20:00:00Z"), berlin).is_some());
        assert_eq!(
            last_night(at("2026-07-03T06:00:00Z"), berlin),
            at("2026-07-03T01:00:00Z")
        );
        assert_eq!(
            last_night(at("2026-07-03T00:00:00Z"), berlin),
            at("2026-07-02T01:00:00Z")
        );
    }

    #[test]
    fn times_of_day_read_as_people_write_them() {
        assert_eq!(parse_minute("08:30"), Some(510));
        assert_eq!(parse_minute("7:05"), Some(425));
        assert_eq!(parse_minute("24:00"), Some(DAY));
        for bad in ["", "8", "08:3", "24:01", "12:60", "-1:00", "123:00"] {
            assert_eq!(parse_minute(bad), None, "{bad:?}");
        }
    }
}
