//! Times to come, as people write them: `2h`, `until 09:00`, `until tomorrow 09:00`,
//! `22:00..23:30`, `from 22:00 to 23:30`. A clock time means the next such one on the author's clock.

use super::Context;
use super::tokens::Words;
use crate::core::schedule::instant;
use crate::core::time::{Time, parse_duration_ms};
use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone, Weekday};
use chrono_tz::Tz;

/// How to write the end of something.
const HOW: &str = "write 2h, `until 09:00` or `until tomorrow 09:00`";

/// From when (absent: now) until when.
pub(super) type Window = (Option<Time>, Time);

/// Whether a time to come may begin with this word.
pub(super) fn begins(word: &str) -> bool {
    let word = word.to_lowercase();
    matches!(
        word.as_str(),
        "until" | "till" | "from" | "for" | "today" | "tomorrow"
    ) || parse_duration_ms(&word).is_ok()
        || word.contains("..")
}

/// Takes a duration or an `until` off the front.
///
/// # Errors
/// A sentence with the remedy.
pub(super) fn until(words: &mut Words<'_>, context: &Context<'_>) -> Result<Time, String> {
    let Some(word) = words.next() else {
        return Err(format!("say for how long: {HOW}"));
    };
    match word.text.to_lowercase().as_str() {
        "until" | "till" => moment(words, context.zone, context.now),
        "for" => until(words, context),
        text if text.chars().all(|c| c.is_ascii_digit()) => {
            Err(format!("`{text}` of what? Write `{text}m` or `{text}h`"))
        }
        text => {
            let ms = parse_duration_ms(text)
                .map_err(|_| format!("`{text}` is no length of time: {HOW}"))?;
            if ms <= 0 {
                return Err("it must be more than nothing".to_owned());
            }
            Ok(context.now.plus_ms(ms))
        }
    }
}

/// Takes a window off the front: as [`until`], or `from A to B`, or `A..B`.
///
/// # Errors
/// A sentence with the remedy.
pub(super) fn window(words: &mut Words<'_>, context: &Context<'_>) -> Result<Window, String> {
    let (zone, now) = (context.zone, context.now);
    let mut ahead = words.clone();
    let first = ahead
        .next()
        .map(|w| w.text.to_lowercase())
        .unwrap_or_default();
    if first == "from" {
        words.next();
        let from = moment(words, zone, now)?;
        let to = words.next().map(|w| w.text.to_lowercase());
        if !matches!(to.as_deref(), Some("to" | "until" | "till")) {
            return Err("write `from 22:00 to 23:30`".to_owned());
        }
        return Ok((Some(from), moment(words, zone, from)?));
    }
    let second = ahead.next().map(|w| w.text).unwrap_or_default();
    let (day, span) = match (first.contains(".."), second.contains("..")) {
        (true, _) => (None, first),
        (false, true) => (Some(first), second),
        _ => return until(words, context).map(|end| (None, end)),
    };
    words.next();
    if day.is_some() {
        words.next();
    }
    let (from, to) = span.split_once("..").unwrap_or_default();
    let day = day.map(|d| date(&d, zone, now)).transpose()?;
    let from = at(day, from, zone, now)?;
    Ok((Some(from), at(None, to, zone, from)?))
}

/// `09:00`, `tomorrow 09:00`, `mon 09:00`, `2026-11-30 09:00`, RFC 3339.
fn moment(words: &mut Words<'_>, zone: Tz, after: Time) -> Result<Time, String> {
    let Some(first) = words.next() else {
        return Err(format!("say until when: {HOW}"));
    };
    match date(&first.text, zone, after) {
        Ok(day) => {
            let Some(clock) = words.next() else {
                return Err(format!("`{}` at what time? Write `{0} 09:00`", first.text));
            };
            at(Some(day), &clock.text, zone, after)
        }
        Err(_) => at(None, &first.text, zone, after),
    }
}

fn date(word: &str, zone: Tz, now: Time) -> Result<NaiveDate, String> {
    let today = zone.from_utc_datetime(&now.utc().naive_utc()).date_naive();
    let word = word.to_lowercase();
    let ahead = |n: u64| today.checked_add_days(Days::new(n)).unwrap_or(today);
    match word.as_str() {
        "today" => return Ok(today),
        "tomorrow" => return Ok(ahead(1)),
        _ => {}
    }
    if word.chars().all(|c| c.is_ascii_alphabetic())
        && word.len() >= 3
        && let Ok(weekday) = word.parse::<Weekday>()
    {
        let found = (1..=7).map(ahead).find(|d| d.weekday() == weekday);
        return Ok(found.unwrap_or(today));
    }
    NaiveDate::parse_from_str(&word, "%Y-%m-%d").map_err(|_| format!("`{word}` is no day"))
}

/// A clock time on a day, or the next such one after an instant.
fn at(day: Option<NaiveDate>, text: &str, zone: Tz, after: Time) -> Result<Time, String> {
    let text = text.to_uppercase();
    if let Some(time) = Time::parse_rfc3339(&text) {
        return Ok(time);
    }
    if let Some((day, clock)) = text.split_once('T')
        && let (Ok(day), Ok(clock)) = (
            NaiveDate::parse_from_str(day, "%Y-%m-%d"),
            NaiveTime::parse_from_str(clock, "%H:%M"),
        )
    {
        return Ok(instant(zone, day.and_time(clock)));
    }
    let clock = NaiveTime::parse_from_str(&text, "%H:%M")
        .map_err(|_| format!("`{}` is no time: {HOW}", text.to_lowercase()))?;
    if let Some(day) = day {
        return Ok(instant(zone, day.and_time(clock)));
    }
    let today = zone
        .from_utc_datetime(&after.utc().naive_utc())
        .date_naive();
    let days = (0..=1).filter_map(|n| today.checked_add_days(Days::new(n)));
    let mut next = days.map(|d| instant(zone, d.and_time(clock)));
    next.find(|t| *t > after)
        .ok_or_else(|| format!("`{text}` is no time to come"))
}
