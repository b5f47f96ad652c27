//! The ledger: hours, nights, weekends and holidays, where the person lives.

use super::{at, day, layer, over, schedule, simple, version};
use chrono_tz::Tz;
use firebell::core::schedule::{Ledger, Schedule, Share, Weights, effect, ledger};
use std::sync::Arc;

const HOUR: i64 = 3_600_000;

fn of(schedules: &[Schedule], zone: Tz, from: &str, until: &str) -> Ledger {
    ledger(
        schedules,
        &Weights::default(),
        &|_| Some(zone),
        at(from),
        at(until),
    )
}

fn hours(share: Share) -> [i64; 4] {
    [
        share.total_ms,
        share.night_ms,
        share.weekend_ms,
        share.holiday_ms,
    ]
    .map(|ms| ms / HOUR)
}

#[test]
fn a_plain_week_is_counted_by_hand() {
    let s = simple(Tz::UTC, "weekly", "2026-03-02 00:00", "ab");
    let l = of(
        std::slice::from_ref(&s),
        Tz::UTC,
        "2026-03-02T00:00:00Z",
        "2026-03-16T00:00:00Z",
    );
    // Seven nights of nine hours: seven hours before the first morning, two before the last midnight.
    assert_eq!(hours(l.person("a")), [168, 63, 48, 0]);
    assert_eq!(l.person("a"), l.person("b"));
    assert_eq!(l.person("a").weighted_ms / HOUR, 168 + 63 + 24);
    assert_eq!((l.person("a").shifts, l.balance(["a", "b"])), (1, 100));
    assert_eq!(l.balance(["a", "b", "nobody"]), 33);
    assert_eq!(l.balance(["a"]), 100);
}

#[test]
fn night_and_weekend_are_the_persons_own() {
    let s = simple(Tz::UTC, "weekly", "2026-03-02 00:00", "a");
    let mut daytime = s.clone();
    daytime.layers[0].versions[0].windows =
        vec![firebell::core::schedule::Window::parse("fri 13:00-21:00").unwrap()];
    let span = ("2026-03-06T00:00:00Z", "2026-03-07T00:00:00Z");
    let here = of(std::slice::from_ref(&daytime), Tz::UTC, span.0, span.1);
    assert_eq!(hours(here.person("a")), [8, 0, 0, 0]);
    // In Tokyo that is Friday 22:00 to Saturday 06:00.
    let there = of(&[daytime], Tz::Asia__Tokyo, span.0, span.1);
    assert_eq!(hours(there.person("a")), [8, 8, 6, 0]);
}

#[test]
fn hours_are_real_hours_when_the_clock_changes() {
    let s = simple(Tz::Europe__Berlin, "weekly", "2026-03-02 00:00", "a");
    // Saturday noon to Monday noon, in spring and in autumn.
    let spring = of(
        std::slice::from_ref(&s),
        Tz::Europe__Berlin,
        "2026-03-28T11:00:00Z",
        "2026-03-30T10:00:00Z",
    );
    assert_eq!(hours(spring.person("a")), [47, 17, 35, 0]);
    let autumn = of(
        &[s],
        Tz::Europe__Berlin,
        "2026-10-24T10:00:00Z",
        "2026-10-26T11:00:00Z",
    );
    assert_eq!(hours(autumn.person("a")), [49, 19, 37, 0]);
}

#[test]
fn holidays_are_the_schedules_dates_and_shifts_are_counted_once() {
    let mut s = simple(Tz::UTC, "daily", "2026-12-21 00:00", "ab");
    s.holidays = Arc::new([(day("2026-12-25"), "Christmas".to_owned())].into());
    // c beside a for a while: a's turn is in two pieces and still one shift.
    s.overrides.push(over(
        "+c",
        "2026-12-25T06:00:00Z",
        "2026-12-25T12:00:00Z",
        1,
    ));
    let l = of(
        &[s],
        Tz::UTC,
        "2026-12-21T00:00:00Z",
        "2026-12-28T00:00:00Z",
    );
    assert_eq!(hours(l.person("a")), [96, 36, 24, 24]);
    assert_eq!(
        (
            l.person("a").shifts,
            l.person("b").shifts,
            l.person("c").shifts
        ),
        (4, 3, 1)
    );
    assert_eq!(hours(l.person("c")), [6, 1, 0, 6]);
}

#[test]
fn a_preview_shows_what_a_change_does_to_whom() {
    let before = simple(Tz::UTC, "weekly", "2026-03-02 00:00", "ab");
    let after = simple(Tz::UTC, "weekly", "2026-03-02 00:00", "abc");
    let (from, until) = (at("2026-03-02T00:00:00Z"), at("2026-04-13T00:00:00Z"));
    let e = effect(&before, &after, &Weights::default(), &|_| None, from, until);
    let weeks = |l: &Ledger, p: &str| l.person(p).total_ms / HOUR / 168;
    assert_eq!([weeks(&e.before, "a"), weeks(&e.before, "c")], [3, 0]);
    assert_eq!([weeks(&e.after, "a"), weeks(&e.after, "c")], [2, 2]);
    // c instead of a, a instead of b, b instead of a, c instead of b.
    assert_eq!(e.differences.len(), 4);
    assert_eq!(
        (
            e.before.balance(["a", "b", "c"]),
            e.after.balance(["a", "b", "c"])
        ),
        (33, 100)
    );
}

#[test]
fn the_ledger_tells_schedules_apart_and_adds_them_up() {
    let web = simple(Tz::UTC, "weekly", "2026-03-02 00:00", "a");
    let mut db = schedule(
        Tz::UTC,
        vec![layer(
            "x",
            vec![version(Tz::UTC, "weekly", "2026-03-04 00:00", "ab")],
        )],
    );
    db.id = "db".to_owned();
    let l = of(
        &[web, db],
        Tz::UTC,
        "2026-03-02T00:00:00Z",
        "2026-03-09T00:00:00Z",
    );
    assert_eq!(l.rows["a"]["web"].total_ms / HOUR, 168);
    assert_eq!(l.rows["a"]["db"].total_ms / HOUR, 120);
    assert_eq!(l.person("a").total_ms / HOUR, 288);
    assert!(!l.rows.contains_key("b"));
}
