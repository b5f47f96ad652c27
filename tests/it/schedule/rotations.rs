//! Rotations of every kind: lengths, sequences, groups, and what daylight saving makes of them.

use super::{at, rendered, rotation, schedule, simple, version, wall, who};
use chrono_tz::Tz;
use firebell::core::schedule::{Handoff, Rotation, Schedule, Source, Version, parse_handoff};
use firebell::core::time::Time;

const CHICAGO: Tz = Tz::America__Chicago;

fn lengths(s: &Schedule, from: &str, count: usize) -> Vec<i64> {
    s.upcoming(at(from), count)
        .iter()
        .map(|t| t.until.since_ms(t.since) / 3_600_000)
        .collect()
}

#[test]
fn a_day_has_23_or_25_hours_and_a_week_an_hour_more_or_less_when_the_clock_changes() {
    let daily = simple(CHICAGO, "daily", "2026-03-06 09:00", "ab");
    assert_eq!(lengths(&daily, "2026-03-06T15:00:00Z", 4), [24, 23, 24, 24]);
    assert_eq!(lengths(&daily, "2026-10-30T14:00:00Z", 4), [24, 25, 24, 24]);
    let weekly = simple(CHICAGO, "weekly", "2026-03-02 09:00", "ab");
    assert_eq!(lengths(&weekly, "2026-03-02T15:00:00Z", 2), [167, 168]);
    assert_eq!(lengths(&weekly, "2026-10-26T14:00:00Z", 2), [169, 168]);
}

#[test]
fn an_hour_that_is_skipped_is_nobodys_and_one_that_is_repeated_is_one_turn_of_two() {
    let s = simple(CHICAGO, "hourly", "2026-03-08 00:00", "abcd");
    // 00:00 a, 01:00 b, 02:00 does not exist and would have been c's, 03:00 d.
    assert_eq!(
        rendered(&s, "2026-03-08T06:00:00Z", "2026-03-08T10:00:00Z"),
        [
            "a 03-08T06:00Z/03-08T07:00Z",
            "b 03-08T07:00Z/03-08T08:00Z",
            "d 03-08T08:00Z/03-08T09:00Z",
            "a 03-08T09:00Z/03-08T10:00Z",
        ]
    );
    let s = simple(CHICAGO, "hourly", "2026-11-01 00:00", "abcd");
    assert_eq!(
        rendered(&s, "2026-11-01T05:00:00Z", "2026-11-01T09:00:00Z"),
        [
            "a 11-01T05:00Z/11-01T06:00Z",
            "b 11-01T06:00Z/11-01T08:00Z",
            "c 11-01T08:00Z/11-01T09:00Z",
        ]
    );
}

#[test]
fn daily_is_every_24_hours_on_the_wall_and_weekly_seven_days() {
    for (a, b) in [
        ("daily", "every 24 hours"),
        ("weekly", "every 7 days"),
        ("weekly", "every 1 week"),
        ("daily", "0 9 * * *"),
        ("monthly", "every 1 month"),
    ] {
        let (one, other) = (
            simple(CHICAGO, a, "2026-02-20 09:00", "abc"),
            simple(CHICAGO, b, "2026-02-20 09:00", "abc"),
        );
        let mut t = at("2026-02-20T00:00:00Z");
        while t < at("2026-04-20T00:00:00Z") {
            assert_eq!(one.on_call(t), other.on_call(t), "{a} and {b} at {t:?}");
            t = t.plus_ms(47 * 60_000);
        }
    }
}

#[test]
fn every_n_hours_days_weeks_and_months() {
    let begin = |handoff: &str, n: usize| {
        let s = simple(Tz::UTC, handoff, "2026-01-30 08:00", "abc");
        let turns = s.upcoming(at("2026-01-30T08:00:00Z"), n + 1);
        (
            turns[n].since.utc().format("%Y-%m-%d %H:%M").to_string(),
            turns[n].people.concat(),
        )
    };
    let is = |time: &str, who: &str| (time.to_owned(), who.to_owned());
    assert_eq!(begin("every 12 hours", 3), is("2026-01-31 20:00", "a"));
    assert_eq!(begin("every 3 days", 2), is("2026-02-05 08:00", "c"));
    assert_eq!(begin("every 2 weeks", 1), is("2026-02-13 08:00", "b"));
    assert_eq!(begin("every 3 months", 4), is("2027-01-30 08:00", "b"));
    assert_eq!(begin("every 1 months", 1), is("2026-02-28 08:00", "b"));
    for bad in [
        "every 0 days",
        "every -1 days",
        "every two days",
        "every 2 fortnights",
        "every 400 days",
        "every 13 months",
        "every 3",
        "",
    ] {
        assert!(
            parse_handoff(bad)
                .unwrap_err()
                .contains("is not a hand-off"),
            "{bad}"
        );
    }
}

fn split(lengths: &[&str], letters: &str) -> Schedule {
    let rotation = Rotation {
        handoff: Handoff::sequence(lengths.iter().copied()).unwrap(),
        ..rotation("daily", "2026-03-02 09:00", letters)
    };
    let version = Version::of(CHICAGO, Source::Rotation(rotation));
    schedule(CHICAGO, vec![super::layer("split", vec![version])])
}

#[test]
fn a_sequence_splits_the_week_and_uneven_lists_make_it_fair() {
    let s = split(&["4d", "3d"], "abc");
    let turns = s.upcoming(at("2026-03-02T15:00:00Z"), 6);
    let told: Vec<String> = turns
        .iter()
        .map(|t| format!("{} {}", t.people.concat(), t.since.utc().format("%a")))
        .collect();
    // Three people and two kinds of turn: everybody has both kinds in turn.
    assert_eq!(told, ["a Mon", "b Fri", "c Mon", "a Fri", "b Mon", "c Fri"]);
    // Weekdays and weekend, Friday 17:00 to Monday 09:00, through the change of the clock.
    let s = split(&["4d8h", "2d16h"], "abba");
    assert_eq!(who(&s, "2026-03-06T22:59:59Z"), "a");
    assert_eq!(who(&s, "2026-03-06T23:00:00Z"), "b");
    assert_eq!(who(&s, "2026-03-09T13:59:59Z"), "b");
    assert_eq!(who(&s, "2026-03-09T14:00:00Z"), "b");
    assert_eq!(
        s.on_call(at("2026-03-10T00:00:00Z")).since,
        at("2026-03-09T14:00:00Z")
    );
    assert_eq!(who(&s, "2026-03-13T22:00:00Z"), "a");
    for bad in [&["4d", "30m"][..], &[], &["4 days"], &["400d"]] {
        assert!(Handoff::sequence(bad.iter().copied()).is_err(), "{bad:?}");
    }
}

#[test]
fn cycles_run_for_ever_and_far_away_is_as_quick_as_near() {
    let s = simple(Tz::UTC, "weekly", "2000-01-03 09:00", "abc");
    let weeks = at("2099-12-28T09:00:00Z").since_ms(at("2000-01-03T09:00:00Z")) / 604_800_000;
    let expected = ["a", "b", "c"][usize::try_from(weeks % 3).unwrap()];
    assert_eq!(who(&s, "2099-12-28T09:00:00Z"), expected);
    assert_eq!(
        s.on_call(at("2099-12-28T09:00:00Z")).why,
        [format!(
            "layer rotation, turn {}, until Mon 4 Jan 09:00 UTC",
            weeks + 1
        )]
    );
}

#[test]
fn instants_without_a_calendar_are_answered_too() {
    let s = simple(Tz::Europe__Madrid, "daily", "2026-01-01 00:00", "ab");
    assert!(s.on_call(Time(i64::MIN)).people.is_empty());
    assert_eq!(s.on_call(Time::FAR).people.len(), 1);
    assert!(!s.upcoming(Time::FAR, 3).is_empty());
    assert!(s.shifts(Time::FAR, Time::FAR).is_empty());
    assert_eq!(s.local(Time::FAR), "further notice");
}

#[test]
fn a_yearly_cron_keeps_its_person_for_a_year_and_an_impossible_one_is_refused() {
    let s = simple(Tz::UTC, "0 9 1 1 *", "2026-01-01 09:00", "ab");
    assert_eq!(who(&s, "2026-12-31T23:59:59Z"), "a");
    assert_eq!(who(&s, "2027-01-01T09:00:00Z"), "b");
    assert!(
        parse_handoff("0 9 31 2 *")
            .unwrap_err()
            .contains("never happens")
    );
    assert!(parse_handoff("0 9 29 2 *").is_ok());
    assert!(
        parse_handoff("*/30 * * * *")
            .unwrap_err()
            .contains("shorter than an hour")
    );
    assert!(parse_handoff("0 9 * *").unwrap_err().contains("4 fields"));
    assert!(parse_handoff("0 99 * * 1").is_err());
}

#[test]
fn more_people_than_turns_of_a_restricted_day_all_get_theirs() {
    // Five people, mornings only: nobody is left out, order follows the calendar.
    let mut v = version(Tz::UTC, "daily", "2026-03-02 00:00", "abcde");
    v.windows = vec![firebell::core::schedule::Window::parse("mon-fri 08:00-12:00").unwrap()];
    let s = schedule(Tz::UTC, vec![super::layer("mornings", vec![v])]);
    assert_eq!(
        rendered(&s, "2026-03-05T00:00:00Z", "2026-03-10T00:00:00Z")
            .into_iter()
            .filter(|l| !l.starts_with('-'))
            .collect::<Vec<_>>(),
        [
            "d 03-05T08:00Z/03-05T12:00Z",
            "e 03-06T08:00Z/03-06T12:00Z",
            "c 03-09T08:00Z/03-09T12:00Z",
        ]
    );
    assert_eq!(wall("2026-03-02 00:00").to_string(), "2026-03-02 00:00:00");
}
