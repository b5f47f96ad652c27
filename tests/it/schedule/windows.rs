//! Restrictions by weekday, clock and holiday.

use super::{at, day, rendered, who, within};
use chrono_tz::Tz;
use firebell::core::schedule::{Days, OnHolidays, Schedule, Window};
use std::sync::Arc;

fn always_a(zone: Tz, windows: &[&str]) -> Schedule {
    within(zone, "weekly", "2026-01-05 00:00", "a", windows)
}

/// The stretches a is on call.
fn covered(s: &Schedule, from: &str, until: &str) -> Vec<String> {
    let shifts = rendered(s, from, until).into_iter();
    shifts
        .filter(|l| l.starts_with('a'))
        .map(|l| l[2..].to_owned())
        .collect()
}

#[test]
fn a_window_of_one_day_is_on_its_weekdays() {
    let s = always_a(Tz::UTC, &["mon-fri 09:00-17:00"]);
    assert_eq!(
        covered(&s, "2026-03-05T12:00:00Z", "2026-03-10T00:00:00Z"),
        [
            "03-05T12:00Z/03-05T17:00Z",
            "03-06T09:00Z/03-06T17:00Z",
            "03-09T09:00Z/03-09T17:00Z"
        ]
    );
}

#[test]
fn an_overnight_window_belongs_to_the_weekday_it_starts_on() {
    let s = always_a(Tz::UTC, &["fri 22:00-06:00"]);
    assert_eq!(
        covered(&s, "2026-03-05T00:00:00Z", "2026-03-10T00:00:00Z"),
        ["03-06T22:00Z/03-07T06:00Z"]
    );
    assert_eq!(who(&s, "2026-03-06T05:00:00Z"), "-");
}

#[test]
fn start_equal_to_end_is_a_whole_day_and_days_in_a_row_are_one_stretch() {
    let s = always_a(Tz::UTC, &["mon-fri 08:00-08:00"]);
    assert_eq!(
        covered(&s, "2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z"),
        ["03-02T08:00Z/03-07T08:00Z"]
    );
    let turn = s.on_call(at("2026-03-04T12:00:00Z"));
    assert!(
        turn.why[0].ends_with("until Sat 7 Mar 08:00 UTC"),
        "{:?}",
        turn.why
    );
    // Gaps on Friday, Saturday and Monday.
    let s = always_a(Tz::UTC, &["tue,wed,thu,sun"]);
    assert_eq!(
        covered(&s, "2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z"),
        [
            "03-01T00:00Z/03-02T00:00Z",
            "03-03T00:00Z/03-06T00:00Z",
            "03-08T00:00Z/03-09T00:00Z"
        ]
    );
}

#[test]
fn every_hour_of_every_day_is_no_restriction() {
    let (all, none) = (
        always_a(Tz::Europe__Berlin, &["10:00-10:00"]),
        always_a(Tz::Europe__Berlin, &[]),
    );
    let (from, until) = (at("2026-03-01T00:00:00Z"), at("2026-05-01T00:00:00Z"));
    assert_eq!(all.shifts(from, until), none.shifts(from, until));
    assert_eq!(all.shifts(from, until).len(), 1);
}

#[test]
fn several_windows_add_up() {
    let s = always_a(
        Tz::UTC,
        &[
            "mon 09:00-12:00",
            "mon 11:00-15:00",
            "mon 15:00-16:00",
            "tue 23:00-01:00",
        ],
    );
    assert_eq!(
        covered(&s, "2026-03-02T00:00:00Z", "2026-03-05T00:00:00Z"),
        ["03-02T09:00Z/03-02T16:00Z", "03-03T23:00Z/03-04T01:00Z"]
    );
}

#[test]
fn first_and_last_hour_of_a_day_on_days_of_23_and_25_hours() {
    let s = always_a(Tz::America__Chicago, &["00:00-01:00"]);
    assert_eq!(
        covered(&s, "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z"),
        ["03-08T06:00Z/03-08T07:00Z"]
    );
    // On 1 November 01:00 comes twice; the window ends at the second.
    assert_eq!(
        covered(&s, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"),
        ["11-01T05:00Z/11-01T07:00Z"]
    );
    let s = always_a(Tz::America__Chicago, &["23:00-24:00"]);
    assert_eq!(
        covered(&s, "2026-11-01T06:00:00Z", "2026-11-02T12:00:00Z"),
        ["11-02T05:00Z/11-02T06:00Z"]
    );
}

#[test]
fn a_window_inside_the_gap_is_not_there_that_day() {
    let s = always_a(Tz::Europe__Berlin, &["02:15-02:45"]);
    assert_eq!(
        covered(&s, "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z"),
        ["03-28T01:15Z/03-28T01:45Z", "03-30T00:15Z/03-30T00:45Z"]
    );
}

fn on_holidays(rule: OnHolidays, windows: &[&str]) -> Schedule {
    let mut s = always_a(Tz::Europe__Madrid, windows);
    s.layers[0].versions[0].on_holidays = rule;
    let days = [
        ("2026-12-24", "Eve"),
        ("2026-12-25", "Christmas"),
        ("2027-01-06", "Kings"),
    ];
    s.holidays = Arc::new(
        days.iter()
            .map(|(d, n)| (day(d), (*n).to_owned()))
            .collect(),
    );
    s
}

#[test]
fn a_layer_for_holidays_only_and_one_that_keeps_them_free() {
    let only = on_holidays(OnHolidays::Only, &[]);
    assert_eq!(
        covered(&only, "2026-12-01T00:00:00Z", "2027-02-01T00:00:00Z"),
        ["12-23T23:00Z/12-25T23:00Z", "01-05T23:00Z/01-06T23:00Z"]
    );
    assert_eq!(
        only.on_call(at("2026-12-01T00:00:00Z")).until,
        at("2026-12-23T23:00:00Z")
    );
    assert_eq!(
        only.on_call(at("2027-02-01T00:00:00Z")).until,
        firebell::core::time::Time::FAR
    );
    let never = on_holidays(OnHolidays::Never, &["mon-fri 09:00-17:00"]);
    assert_eq!(
        covered(&never, "2026-12-23T00:00:00Z", "2026-12-29T00:00:00Z"),
        ["12-23T08:00Z/12-23T16:00Z", "12-28T08:00Z/12-28T16:00Z"]
    );
    // A night that starts on a working day runs into the holiday; one that starts on a holiday is not there.
    let nights = on_holidays(OnHolidays::Never, &["20:00-06:00"]);
    assert_eq!(
        covered(&nights, "2026-12-23T12:00:00Z", "2026-12-27T12:00:00Z"),
        ["12-23T19:00Z/12-24T05:00Z", "12-26T19:00Z/12-27T05:00Z"]
    );
}

#[test]
fn windows_are_read_as_people_write_them() {
    let hour = 3_600_000;
    let read = |text: &str| Window::parse(text).map(|w| (w.days.0, w.start / hour, w.end / hour));
    assert_eq!(read("mon-fri 09:00-17:00"), Ok((0b001_1111, 9, 17)));
    assert_eq!(read("Sat,Sun"), Ok((0b110_0000, 0, 0)));
    assert_eq!(read("fri-mon 18:00-24:00"), Ok((0b111_0001, 18, 0)));
    assert_eq!(read("22:00-06:00"), Ok((Days::ALL.0, 22, 6)));
    for bad in [
        "",
        "mon 9-17",
        "mon 09:00",
        "noday 09:00-17:00",
        "mon 09:60-17:00",
        "24:00-06:00",
        "mon 09:00-17:00 x",
        "9:00-17:00",
    ] {
        assert!(
            Window::parse(bad).unwrap_err().contains("is not a window"),
            "{bad}"
        );
    }
}
