//! Instants. The core never reads a clock: every `Time` comes in as a parameter.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An instant: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// The last instant the database can hold; "never" for deadlines.
    pub const FAR: Time = Time(i64::MAX);

    /// This instant `secs` seconds later.
    #[must_use]
    pub fn plus_secs(self, secs: u64) -> Time {
        self.plus_ms(i64::try_from(secs).unwrap_or(i64::MAX).saturating_mul(1000))
    }

    /// This instant `ms` milliseconds later (earlier when negative).
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Time {
        Time(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; negative when `earlier` is later.
    #[must_use]
    pub fn since_ms(self, earlier: Time) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same instant as a UTC calendar time. Out of range clamps to the calendar's end.
    #[must_use]
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// RFC 3339 with milliseconds and `Z`, as every API answer and export writes it.
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.utc().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// Reads RFC 3339 with any offset and up to nine digits of a second.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Time> {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|t| Time(t.timestamp_millis()))
    }
}

impl From<DateTime<Utc>> for Time {
    fn from(t: DateTime<Utc>) -> Time {
        Time(t.timestamp_millis())
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// A length of time for people: `42s`, `3m 20s`, `2h 5m`, `1d 3h`.
#[must_use]
pub fn human_ms(ms: i64) -> String {
    let secs = ms.max(0) / 1000;
    let (d, h, m, s) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60, secs % 60);
    match (d, h, m) {
        (0, 0, 0) => format!("{s}s"),
        (0, 0, _) if s == 0 => format!("{m}m"),
        (0, 0, _) => format!("{m}m {s}s"),
        (0, _, 0) => format!("{h}h"),
        (0, _, _) => format!("{h}h {m}m"),
        (_, 0, _) => format!("{d}d"),
        _ => format!("{d}d {h}h"),
    }
}

/// Reads `90`, `45s`, `10m`, `1h30m`, `2d` as milliseconds; a bare number is seconds.
///
/// # Errors
/// A sentence that says what is allowed.
pub fn parse_duration_ms(text: &str) -> Result<i64, String> {
    let fail = || format!("`{text}` is not a duration: write 45s, 10m, 2h, 1h30m or 1d");
    let (mut total, mut digits) = (0i64, String::new());
    let mut chars = text.trim().chars().peekable();
    if chars.peek().is_none() {
        return Err(fail());
    }
    while let Some(c) = chars.next() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            'm' if chars.peek() == Some(&'s') => {
                chars.next();
                1
            }
            's' => 1000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            'w' => 604_800_000,
            _ => return Err(fail()),
        };
        let n: i64 = digits.parse().map_err(|_| fail())?;
        total = n
            .checked_mul(unit)
            .and_then(|x| total.checked_add(x))
            .ok_or_else(fail)?;
        digits.clear();
    }
    if !digits.is_empty() {
        let n: i64 = digits.parse().map_err(|_| fail())?;
        total = n
            .checked_mul(1000)
            .and_then(|x| total.checked_add(x))
            .ok_or_else(fail)?;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        assert_eq!(parse_duration_ms("90"), Ok(90_000));
        assert_eq!(parse_duration_ms("1h30m"), Ok(5_400_000));
        assert_eq!(parse_duration_ms("250ms"), Ok(250));
        assert_eq!(parse_duration_ms("2d"), Ok(172_800_000));
        for bad in ["", "h", "10 minutes", "-5m", "99999999999999d"] {
            assert!(parse_duration_ms(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_are_short_for_people() {
        assert_eq!(human_ms(42_000), "42s");
        assert_eq!(human_ms(200_000), "3m 20s");
        assert_eq!(human_ms(7_500_000), "2h 5m");
        assert_eq!(human_ms(97_200_000), "1d 3h");
    }
}
