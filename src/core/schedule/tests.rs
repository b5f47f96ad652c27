//! Rotations, hand-offs and clocks: the plain cases. The rest is in `tests/it/schedule`.

use super::*;

fn weekly(zone: Tz, handoff: &str, starts: &str) -> Schedule {
    let starts = NaiveDateTime::parse_from_str(starts, "%Y-%m-%d %H:%M").unwrap();
    let handoff = parse_handoff(handoff).unwrap();
    Schedule::rotation("s", "S", zone, (handoff, starts), &["ana", "bo", "cy"])
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
    assert_eq!(s.on_call(at("2026-03-30T06:59:59Z")).people, ["ana"]);
    assert_eq!(s.on_call(at("2026-03-30T07:00:00Z")).people, ["bo"]);
}

#[test]
fn a_missing_wall_time_moves_to_the_first_instant_after_the_gap_and_a_repeated_one_is_the_first() {
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
