//! RFC 3339, fast for the one shape every sender writes.

use crate::core::time::Time;

/// Go's zero time `0001-01-01T00:00:00Z`, which Go programs send for "not set".
pub const GO_ZERO: Time = Time(-62_135_596_800_000);

/// Reads RFC 3339. `2006-01-02T15:04:05[.fraction](Z|±hh:mm)` is read by hand (it is on the path
/// of every repeat of every alert); whatever else the standard allows goes to the calendar library.
#[must_use]
pub fn rfc3339(text: &str) -> Option<Time> {
    common(text.as_bytes()).or_else(|| Time::parse_rfc3339(text))
}

/// Reads a sender's optional time: absent, empty and Go's zero time are `None`.
///
/// # Errors
/// A sentence naming the field when it is not RFC 3339.
pub(super) fn optional(field: &str, text: Option<&str>) -> Result<Option<Time>, String> {
    let Some(text) = text.filter(|t| !t.is_empty()) else {
        return Ok(None);
    };
    match rfc3339(text) {
        Some(time) => Ok(Some(time).filter(|t| *t != GO_ZERO)),
        None => Err(format!(
            "{field} `{}` is not an RFC 3339 time such as 2026-11-22T13:57:22Z",
            crate::core::text::cut(text, 40)
        )),
    }
}

fn common(b: &[u8]) -> Option<Time> {
    if b.len() < 20 || b[4] != b'-' || b[7] != b'-' || b[10] != b'T' {
        return None;
    }
    if b[13] != b':' || b[16] != b':' {
        return None;
    }
    let year = number(&b[0..4])?;
    let month = number(&b[5..7]).filter(|m| (1..=12).contains(m))?;
    let day = number(&b[8..10]).filter(|d| (1..=days_in(year, month)).contains(d))?;
    let hour = number(&b[11..13]).filter(|h| *h < 24)?;
    let minute = number(&b[14..16]).filter(|m| *m < 60)?;
    let second = number(&b[17..19]).filter(|s| *s < 60)?;
    let (milli, rest) = fraction(&b[19..])?;
    let secs = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Time((secs - offset(rest)?) * 1000 + milli))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |n, d| {
        d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0'))
    })
}

/// Milliseconds of an optional `.123456789` and what follows it.
fn fraction(b: &[u8]) -> Option<(i64, &[u8])> {
    let Some(after) = b.strip_prefix(b".") else {
        return Some((0, b));
    };
    let len = after.iter().take_while(|c| c.is_ascii_digit()).count();
    let places = [100, 10, 1];
    let digits = after[..len].iter().zip(places);
    let milli = digits.map(|(d, place)| i64::from(d - b'0') * place).sum();
    (1..=9).contains(&len).then(|| (milli, &after[len..]))
}

/// Seconds east of Greenwich.
fn offset(b: &[u8]) -> Option<i64> {
    match b {
        b"Z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let hours = number(&[*h1, *h2]).filter(|h| *h < 24)?;
            let minutes = number(&[*m1, *m2]).filter(|m| *m < 60)?;
            let secs = hours * 3600 + minutes * 60;
            Some(if *sign == b'-' { -secs } else { secs })
        }
        _ => None,
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar. Years are counted from March, so
/// that the leap day is the last day of its year and needs no case of its own.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719 468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leaps + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_reader_agrees_with_the_calendar_library() {
        let seed = fastrand::u64(..);
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..20_000 {
            let ms = rng.i64(GO_ZERO.0..253_402_300_800_000);
            let zone = rng.i32(-14 * 60..=14 * 60);
            let fixed = chrono::FixedOffset::east_opt(zone * 60).unwrap();
            let text = Time(ms).utc().with_timezone(&fixed).to_rfc3339();
            assert_eq!(
                common(text.as_bytes()).or(Time::parse_rfc3339(&text)),
                Time::parse_rfc3339(&text),
                "seed {seed}: {text}"
            );
        }
    }

    #[test]
    fn common_times_need_no_library() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:34:56.123Z", 951_827_696_123),
            ("2000-02-29T13:34:56.123456789+01:00", 951_827_696_123),
            ("1969-12-31T23:59:59.5Z", -500),
            ("0001-01-01T00:00:00Z", GO_ZERO.0),
        ] {
            assert_eq!(common(text.as_bytes()), Some(Time(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+25:00",
            "2026-01-01T00:00:00Zä",
            "äääääääääääääääääääääää",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }
}
