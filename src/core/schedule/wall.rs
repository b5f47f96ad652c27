//! Wall clocks: from what a clock on the wall shows to the instant that is meant, and back.
//!
//! Promises: a wall time that does not exist (spring) means the first instant after the gap; one
//! that exists twice (autumn) means the first, and for the *end* of a window the last, so that
//! coverage never shrinks. All arithmetic of rotations happens on wall milliseconds: the local
//! date and time read as if it were UTC. A day there always has 24 hours, so that a turn changes at
//! the same time of day all year.
//!
//! Road not taken: adding real hours and mending the result by the change of the offset. It works
//! until a hand-off itself falls into a gap.

use crate::core::time::Time;
use chrono::{
    DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, Offset, TimeZone, Timelike,
};
use chrono_tz::Tz;

/// Milliseconds of a day on the wall.
pub(super) const DAY_MS: i64 = 86_400_000;

/// Instants outside of 1900 to 2500 are taken as these: no calendar knows their zones.
const EARLIEST: i64 = -2_208_988_800_000;
const LATEST: i64 = 16_725_225_600_000;

/// The instant of a wall time in a zone: first instant after a gap, first of two.
#[must_use]
pub fn instant(zone: Tz, wall: NaiveDateTime) -> Time {
    first(zone, wall_ms(wall))
}

/// The instant of a wall time that ends something: first instant after a gap, last of two.
#[must_use]
pub fn end_instant(zone: Tz, wall: NaiveDateTime) -> Time {
    last(zone, wall_ms(wall))
}

/// Wall milliseconds of a local date and time.
pub(super) fn wall_ms(wall: NaiveDateTime) -> i64 {
    wall.and_utc().timestamp_millis()
}

/// Wall milliseconds of a date's 00:00.
pub(super) fn midnight(date: NaiveDate) -> i64 {
    wall_ms(date.and_time(chrono::NaiveTime::MIN))
}

/// The local date and time of wall milliseconds.
pub(super) fn naive(wall: i64) -> NaiveDateTime {
    // Hand-offs of the last instants lie beyond them.
    let far = LATEST - EARLIEST;
    DateTime::from_timestamp_millis(wall.clamp(EARLIEST - far, LATEST + far))
        .unwrap_or_default()
        .naive_utc()
}

/// An instant the zones are known at.
pub(super) fn sane(at: Time) -> Time {
    Time(at.0.clamp(EARLIEST, LATEST))
}

/// What the clock on the wall shows at an instant.
pub(super) fn shown(zone: Tz, at: Time) -> i64 {
    let at = sane(at);
    at.0 + offset(zone, at)
}

fn offset(zone: Tz, at: Time) -> i64 {
    let offset = zone.offset_from_utc_datetime(&at.utc().naive_utc());
    i64::from(offset.fix().local_minus_utc()) * 1000
}

/// The instant of a wall time: first instant after a gap, first of two.
pub(super) fn first(zone: Tz, wall: i64) -> Time {
    match zone.from_local_datetime(&naive(wall)) {
        LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => Time(t.timestamp_millis()),
        LocalResult::None => after_gap(zone, wall),
    }
}

/// The instant of a wall time that ends something: first instant after a gap, last of two.
pub(super) fn last(zone: Tz, wall: i64) -> Time {
    match zone.from_local_datetime(&naive(wall)) {
        LocalResult::Single(t) | LocalResult::Ambiguous(_, t) => Time(t.timestamp_millis()),
        LocalResult::None => after_gap(zone, wall),
    }
}

/// The latest wall time whose first occurrence is not after `at`. While a repeated hour runs for the
/// second time everything up to its end has been reached already.
pub(super) fn reached(zone: Tz, at: Time) -> i64 {
    let wall = shown(zone, at);
    let LocalResult::Ambiguous(one, two) = zone.from_local_datetime(&naive(wall)) else {
        return wall;
    };
    let (one, two) = (one.timestamp_millis(), two.timestamp_millis());
    if sane(at).0 < two {
        return wall;
    }
    // The clock went back at some instant between the two.
    let before = offset(zone, Time(one));
    let change = bisect(one, two, |t| offset(zone, Time(t)) != before);
    change + before - 1
}

/// The first instant at or after a wall time that is skipped.
fn after_gap(zone: Tz, wall: i64) -> Time {
    // No gap is longer than a day (the date line moved by one, Samoa 2011).
    let known = |w: i64| zone.from_local_datetime(&naive(w)).earliest();
    let (Some(low), Some(high)) = (known(wall - 25 * 3_600_000), known(wall + 25 * 3_600_000))
    else {
        return Time(wall);
    };
    let (low, high) = (low.timestamp_millis(), high.timestamp_millis());
    Time(bisect(low, high, |t| shown(zone, Time(t)) >= wall))
}

/// The first whole second in `(low, high]` of which `late` is true; it is false at `low`, true at `high`.
fn bisect(low: i64, high: i64, late: impl Fn(i64) -> bool) -> i64 {
    let (mut low, mut high) = (low.div_euclid(1000), -(-high).div_euclid(1000));
    while high - low > 1 {
        let mid = low + (high - low) / 2;
        if late(mid * 1000) {
            high = mid;
        } else {
            low = mid;
        }
    }
    high * 1000
}

/// A wall time for people: `Mon 2 Mar 09:00 CET`; `further notice` for [`Time::FAR`].
#[must_use]
pub fn spoken(at: Time, zone: Tz) -> String {
    if at == Time::FAR {
        return "further notice".to_owned();
    }
    let t = zone.from_utc_datetime(&sane(at).utc().naive_utc());
    let (day, month) = (t.weekday(), MONTHS[t.month0() as usize]);
    format!(
        "{day} {} {month} {:02}:{:02} {}",
        t.day(),
        t.hour(),
        t.minute(),
        t.offset()
    )
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Reads `14:03` as the latest such wall time at or before `now`, or RFC 3339, or `2026-11-22 14:03`.
///
/// # Errors
/// A sentence with the remedy.
pub fn parse_at(text: &str, zone: Tz, now: Time) -> Result<Time, String> {
    if let Some(t) = Time::parse_rfc3339(text) {
        return Ok(t);
    }
    if let Ok(wall) = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M") {
        return Ok(instant(zone, wall));
    }
    let clock = chrono::NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| {
        format!("`{text}` is not a time: write 14:03, 2026-11-22 14:03 or an RFC 3339 time")
    })?;
    let today = zone.from_utc_datetime(&now.utc().naive_utc()).date_naive();
    let wall = |date: NaiveDate| instant(zone, date.and_time(clock));
    let at = wall(today);
    Ok(if at > now {
        today.pred_opt().map_or(at, wall)
    } else {
        at
    })
}

/// `14:03` in a zone.
#[must_use]
pub fn clock(at: Time, zone: Tz) -> String {
    let t = zone.from_utc_datetime(&at.utc().naive_utc());
    format!("{:02}:{:02}", t.hour(), t.minute())
}

/// `2026-11-22 14:03` in a zone.
#[must_use]
pub fn stamp(at: Time, zone: Tz) -> String {
    let t = zone.from_utc_datetime(&at.utc().naive_utc());
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.minute()
    )
}
