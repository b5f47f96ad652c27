//! Who is on call: a pure function of the configuration and an instant.
//!
//! There is no stored position. The n-th hand-off since the rotation's start gives the turn to the
//! n-th person, so history and future come from the same formula. Hand-offs are a cron expression
//! on the schedule's *wall clock*: a wall time that does not exist (spring) moves to the first
//! instant after the gap, one that exists twice (autumn) means the first. A turn is `[start, end)`.

use super::time::Time;
use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDateTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use std::str::FromStr;

/// A rotation with hand-offs.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Key.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Zone of the wall clock.
    pub zone: Tz,
    /// When hand-offs happen, on the wall clock.
    pub handoff: cron::Schedule,
    /// Wall time at which the first person's first turn begins. Nobody is on call before.
    pub starts: NaiveDateTime,
    /// Person ids in order of their turns.
    pub people: Vec<String>,
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who; empty: nobody.
    pub people: Vec<String>,
    /// First instant.
    pub since: Time,
    /// First instant that is no longer in it; `Time::FAR` when there is no next hand-off.
    pub until: Time,
}

impl Schedule {
    /// Who is on call at `at`.
    #[must_use]
    pub fn on_call(&self, at: Time) -> Turn {
        let mut since = instant(self.zone, self.starts);
        if self.people.is_empty() || at < since {
            let until = if self.people.is_empty() {
                Time::FAR
            } else {
                since
            };
            return Turn {
                people: Vec::new(),
                since: Time(i64::MIN),
                until,
            };
        }
        for (turn, handoff) in self.handoffs().enumerate() {
            if at < handoff {
                return self.turn(turn, since, handoff);
            }
            since = handoff;
        }
        // An expression with a last date: whoever had the last turn keeps it.
        self.turn(self.handoffs().count(), since, Time::FAR)
    }

    /// The turns from the one at `from`, at most `limit`.
    #[must_use]
    pub fn upcoming(&self, from: Time, limit: usize) -> Vec<Turn> {
        let mut turns = Vec::new();
        let mut at = from;
        while turns.len() < limit && at < Time::FAR {
            let turn = self.on_call(at);
            at = turn.until;
            turns.push(turn);
        }
        turns
    }

    /// A wall time for people: `Mon 09:00 CET`.
    #[must_use]
    pub fn local(&self, at: Time) -> String {
        if at == Time::FAR {
            return "further notice".to_owned();
        }
        self.zone
            .from_utc_datetime(&at.utc().naive_utc())
            .format("%a %-d %b %H:%M %Z")
            .to_string()
    }

    fn turn(&self, n: usize, since: Time, until: Time) -> Turn {
        Turn {
            people: vec![self.people[n % self.people.len()].clone()],
            since,
            until,
        }
    }

    /// Instants of the hand-offs after the start. Two wall times that fall on one instant are one hand-off.
    fn handoffs(&self) -> impl Iterator<Item = Time> + '_ {
        // The cron crate walks a calendar; given the wall clock dressed as UTC it never sees a DST change.
        let start: DateTime<Utc> = Utc.from_utc_datetime(&self.starts);
        let mut last = instant(self.zone, self.starts);
        self.handoff.after_owned(start).filter_map(move |wall| {
            let at = instant(self.zone, wall.naive_utc());
            (at > last).then(|| {
                last = at;
                at
            })
        })
    }
}

/// The instant of a wall time in a zone: first instant after a gap, first of two.
#[must_use]
pub fn instant(zone: Tz, wall: NaiveDateTime) -> Time {
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => Time(t.timestamp_millis()),
        LocalResult::None => after_gap(zone, wall),
    }
}

/// The transition out of a gap, found by bisection between a wall time before it and one after it.
fn after_gap(zone: Tz, wall: NaiveDateTime) -> Time {
    // No gap is longer than a day (the date line moved by one, Samoa 2011).
    let known = |w: NaiveDateTime| match zone.from_local_datetime(&w) {
        LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => Some(t.timestamp()),
        LocalResult::None => None,
    };
    let hours = |n: i64| wall + Duration::hours(n);
    let (Some(mut low), Some(mut high)) = (known(hours(-25)), known(hours(25))) else {
        return Time(wall.and_utc().timestamp_millis());
    };
    let wall_at = |secs: i64| {
        zone.timestamp_opt(secs, 0)
            .single()
            .map(|t| t.naive_local())
    };
    while high - low > 1 {
        let mid = low + (high - low) / 2;
        if wall_at(mid).is_some_and(|w| w >= wall) {
            high = mid;
        } else {
            low = mid;
        }
    }
    Time(high * 1000)
}

/// Reads a hand-off expression: the five classic fields (`0 9 * * 1`, weekday 0 or 7 is Sunday) or
/// the six of the `cron` crate with seconds first, or `daily`/`weekly` with a time: `weekly mon 09:00`.
///
/// # Errors
/// A sentence with the remedy.
pub fn parse_handoff(text: &str) -> Result<cron::Schedule, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let fail = |why: String| {
        format!("`{text}` is not a hand-off: {why}; write five cron fields such as `0 9 * * MON`")
    };
    let full = match words.as_slice() {
        [min, hour, day, month, weekday] => {
            format!("0 {min} {hour} {day} {month} {}", weekday_names(weekday))
        }
        [_, _, _, _, _, _] => text.to_owned(),
        _ => return Err(fail(format!("it has {} fields", words.len()))),
    };
    cron::Schedule::from_str(&full).map_err(|e| fail(e.to_string()))
}

/// Classic cron counts weekdays from 0 = Sunday, the crate from 1 = Sunday: names mean the same in both.
fn weekday_names(field: &str) -> String {
    const NAMES: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    let name = |part: &str| {
        part.parse::<usize>()
            .ok()
            .and_then(|n| NAMES.get(n))
            .map_or(part.to_owned(), |n| (*n).to_owned())
    };
    let range = |part: &str| part.split('-').map(name).collect::<Vec<_>>().join("-");
    field
        .split(',')
        .map(|part| match part.split_once('/') {
            Some((span, step)) => format!("{}/{step}", range(span)),
            None => range(part),
        })
        .collect::<Vec<_>>()
        .join(",")
}

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
    let wall = |date: chrono::NaiveDate| instant(zone, date.and_time(clock));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn weekly(zone: Tz, handoff: &str, starts: &str) -> Schedule {
        Schedule {
            id: "s".to_owned(),
            name: "S".to_owned(),
            zone,
            handoff: parse_handoff(handoff).unwrap(),
            starts: NaiveDateTime::parse_from_str(starts, "%Y-%m-%d %H:%M").unwrap(),
            people: vec!["ana".to_owned(), "bo".to_owned(), "cy".to_owned()],
        }
    }

    fn at(text: &str) -> Time {
        Time::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn the_turn_changes_at_the_wall_clock_time_and_the_new_turn_owns_the_instant() {
        let s = weekly(Tz::Europe__Berlin, "0 9 * * 1", "2026-03-02 09:00");
        // Winter time: 09:00 is 08:00Z; from 29 March it is 07:00Z.
        assert_eq!(
            s.on_call(at("2026-03-02T07:59:59Z")).people,
            Vec::<String>::new()
        );
        assert_eq!(s.on_call(at("2026-03-02T08:00:00Z")).people, ["ana"]);
        assert_eq!(s.on_call(at("2026-03-09T07:59:59.999Z")).people, ["ana"]);
        assert_eq!(s.on_call(at("2026-03-09T08:00:00Z")).people, ["bo"]);
        assert_eq!(
            s.on_call(at("2026-03-30T06:59:59Z")).people,
            ["ana"].map(|_| "ana").map(|_| s.people[3 % 3].as_str())
        );
        assert_eq!(s.on_call(at("2026-03-30T07:00:00Z")).people, ["bo"]);
    }

    #[test]
    fn a_missing_wall_time_moves_to_the_first_instant_after_the_gap_and_a_repeated_one_is_the_first()
     {
        let berlin = Tz::Europe__Berlin;
        let wall = |s: &str| NaiveDateTime::parse_from_str(s, "%Y-%m-%d %H:%M").unwrap();
        assert_eq!(
            instant(berlin, wall("2026-03-29 02:30")),
            at("2026-03-29T01:00:00Z")
        );
        assert_eq!(
            instant(berlin, wall("2026-10-25 02:30")),
            at("2026-10-25T00:30:00Z")
        );
        // Lord Howe skips half an hour; Santiago skips midnight itself.
        assert_eq!(
            instant(Tz::Australia__Lord_Howe, wall("2026-10-04 02:15")),
            at("2026-10-03T15:30:00Z")
        );
        assert_eq!(
            instant(Tz::America__Santiago, wall("2026-09-06 00:10")),
            at("2026-09-06T04:00:00Z")
        );
    }

    #[test]
    fn a_daily_hand_off_in_the_gap_still_hands_off_once() {
        let s = weekly(Tz::Europe__Berlin, "30 2 * * *", "2026-03-27 02:30");
        let turns = s.upcoming(at("2026-03-27T01:30:00Z"), 4);
        let names: Vec<&str> = turns.iter().map(|t| t.people[0].as_str()).collect();
        assert_eq!(names, ["ana", "bo", "cy", "ana"]);
        assert_eq!(turns[2].since, at("2026-03-29T01:00:00Z"));
        assert_eq!(turns[3].since, at("2026-03-30T00:30:00Z"));
    }

    #[test]
    fn classic_weekday_numbers_mean_what_they_mean_in_crontab() {
        let sunday = weekly(Tz::UTC, "0 0 * * 0", "2026-11-22 00:00");
        assert_eq!(sunday.on_call(at("2026-11-29T00:00:00Z")).people, ["bo"]);
        assert!(parse_handoff("0 9 * *").unwrap_err().contains("4 fields"));
        assert!(parse_handoff("0 99 * * 1").is_err());
    }

    #[test]
    fn a_clock_time_means_the_latest_one_that_is_past() {
        let now = at("2026-11-22T14:30:00Z");
        assert_eq!(
            parse_at("14:03", Tz::UTC, now),
            Ok(at("2026-11-22T14:03:00Z"))
        );
        assert_eq!(
            parse_at("15:03", Tz::UTC, now),
            Ok(at("2026-11-21T15:03:00Z"))
        );
        assert!(parse_at("quarter past", Tz::UTC, now).is_err());
    }
}
