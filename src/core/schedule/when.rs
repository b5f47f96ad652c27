//! Times people type for what is to come: `fri 18:00`, `tomorrow`, `2026-12-24 09:00`, `8h`.

use super::wall::instant;
use crate::core::time::{Time, parse_duration_ms};
use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone, Weekday};
use chrono_tz::Tz;

/// What a line says when it cannot be read.
const REMEDY: &str = "write 18:00, fri 18:00, tomorrow 09:00, 2026-12-24 18:00, a length such as 8h, or an RFC 3339 time";

/// Which edge of a span a day without a clock means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The beginning of that day.
    From,
    /// Its end: who is away until Friday is away on Friday.
    Until,
}

/// Reads one or two words as the first such instant at or after `base`, on the wall clock of `zone`.
/// A length counts from `base`; a day without a clock is its edge.
///
/// # Errors
/// A sentence with the remedy.
pub fn parse_when(text: &str, zone: Tz, base: Time, edge: Edge) -> Result<Time, String> {
    let text = text.trim();
    if let Some(at) = Time::parse_rfc3339(text) {
        return Ok(at);
    }
    let fail = || format!("`{text}` is not a time: {REMEDY}");
    let words: Vec<&str> = text.split([' ', 'T']).filter(|w| !w.is_empty()).collect();
    let here = zone.from_utc_datetime(&base.utc().naive_utc());
    let today = here.date_naive();
    match words.as_slice() {
        [one] if one.eq_ignore_ascii_case("now") => Ok(base),
        [one] if clock(one).is_some() => {
            let clock = clock(one).unwrap_or_default();
            let at = instant(zone, today.and_time(clock));
            if at >= base {
                return Ok(at);
            }
            let next = today.succ_opt().ok_or_else(fail)?;
            Ok(instant(zone, next.and_time(clock)))
        }
        [one] if day(one, today).is_none() => {
            let ms = parse_duration_ms(one.trim_start_matches('+')).map_err(|_| fail())?;
            Ok(base.plus_ms(ms))
        }
        [one] => {
            let date = day(one, today).ok_or_else(fail)?;
            let date = match edge {
                Edge::From => date,
                Edge::Until => date.succ_opt().ok_or_else(fail)?,
            };
            Ok(instant(zone, date.and_time(NaiveTime::MIN)))
        }
        [first, second] => {
            let (date, clock) = (day(first, today), clock(second));
            let (date, clock) = date.zip(clock).ok_or_else(fail)?;
            let at = instant(zone, date.and_time(clock));
            // `fri 09:00` said on a Friday afternoon is next Friday's.
            if at < base && weekday(first).is_some() {
                let next = date.checked_add_days(Days::new(7)).ok_or_else(fail)?;
                return Ok(instant(zone, next.and_time(clock)));
            }
            Ok(at)
        }
        _ => Err(fail()),
    }
}

/// Whether a word is a day, so that a clock may follow it.
#[must_use]
pub fn is_day(word: &str) -> bool {
    day(word, NaiveDate::MIN).is_some()
}

/// Whether a word is a clock time.
#[must_use]
pub fn is_clock(word: &str) -> bool {
    clock(word).is_some()
}

fn clock(word: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(word, "%H:%M").ok()
}

fn weekday(word: &str) -> Option<Weekday> {
    // The crate reads `fri` and `friday`, and would read `2` as neither.
    word.parse().ok()
}

/// `today`, `tomorrow`, a weekday (today, if it is one), or a date.
fn day(word: &str, today: NaiveDate) -> Option<NaiveDate> {
    match word.to_lowercase().as_str() {
        "today" => return Some(today),
        "tomorrow" => return today.succ_opt(),
        _ => {}
    }
    if let Some(weekday) = weekday(word) {
        let ahead =
            (7 + weekday.num_days_from_monday() - today.weekday().num_days_from_monday()) % 7;
        return today.checked_add_days(Days::new(u64::from(ahead)));
    }
    NaiveDate::parse_from_str(word, "%Y-%m-%d").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(text: &str, edge: Edge) -> String {
        // A Wednesday afternoon.
        let now = Time::parse_rfc3339("2026-03-25T14:30:00+01:00").unwrap();
        parse_when(text, Tz::Europe__Berlin, now, edge).map_or_else(|e| e, Time::rfc3339)
    }

    #[test]
    fn what_people_type_is_the_next_such_instant() {
        for (text, at) in [
            ("now", "2026-03-25T13:30:00Z"),
            ("18:00", "2026-03-25T17:00:00Z"),
            ("09:00", "2026-03-26T08:00:00Z"),
            ("8h", "2026-03-25T21:30:00Z"),
            ("+90m", "2026-03-25T15:00:00Z"),
            ("fri 18:00", "2026-03-27T17:00:00Z"),
            ("Wednesday 09:00", "2026-04-01T07:00:00Z"),
            ("wed 15:00", "2026-03-25T14:00:00Z"),
            ("tomorrow 09:00", "2026-03-26T08:00:00Z"),
            ("2026-12-24 18:00", "2026-12-24T17:00:00Z"),
            ("2026-12-24T18:00", "2026-12-24T17:00:00Z"),
            ("2026-12-24T18:00:00-05:00", "2026-12-24T23:00:00Z"),
            // The night the clocks change: 02:30 does not exist.
            ("2026-03-29 02:30", "2026-03-29T01:00:00Z"),
            ("sat", "2026-03-27T23:00:00Z"),
        ] {
            let read = Time::parse_rfc3339(&when(text, Edge::From));
            assert_eq!(
                read,
                Time::parse_rfc3339(at),
                "{text}: {}",
                when(text, Edge::From)
            );
        }
        assert!(
            when("2026-12-26", Edge::Until).starts_with("2026-12-26T23:00:00"),
            "the whole day"
        );
    }

    #[test]
    fn what_is_no_time_is_answered_with_ways_to_write_one() {
        for text in ["", "later", "25:00", "fri 18", "fri 18:00 x", "2026-13-01"] {
            assert!(
                when(text, Edge::From).contains("write 18:00, fri 18:00"),
                "{text}"
            );
        }
    }
}
