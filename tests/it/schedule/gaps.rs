//! What will go wrong in the next days, said once each.

use super::{at, layer, listed, schedule, simple, version, within};
use chrono_tz::Tz;
use firebell::core::schedule::{Finding, Leave, Leaves, Schedule, Source, findings};

fn found(schedules: &[Schedule], leaves: &Leaves, unreachable: &str) -> Vec<String> {
    let why = |p: &str| (p == unreachable).then(|| "has no verified contact".to_owned());
    let (from, until) = (at("2026-03-02T00:00:00Z"), at("2026-03-09T00:00:00Z"));
    let all = findings(schedules, leaves, &why, from, until);
    let schedule = |f: &Finding| schedules.iter().find(|s| s.id == f.schedule).unwrap();
    all.iter()
        .map(|f| f.words(schedule(f), &|p| p.to_uppercase()))
        .collect()
}

fn second(mut s: Schedule) -> Schedule {
    (s.id, s.name) = ("db".to_owned(), "Database".to_owned());
    s
}

#[test]
fn all_is_well_when_somebody_is_there() {
    let s = simple(Tz::UTC, "daily", "2026-01-01 00:00", "ab");
    assert!(found(&[s], &Leaves::new(), "").is_empty());
}

#[test]
fn times_without_anybody_are_found() {
    let s = within(Tz::UTC, "weekly", "2026-01-05 00:00", "a", &["mon-sat"]);
    assert_eq!(
        found(&[s], &Leaves::new(), ""),
        ["Web: nobody is on call from Sun 8 Mar 00:00 UTC until Mon 9 Mar 00:00 UTC"]
    );
}

#[test]
fn one_person_on_two_schedules_at_once_is_found_once() {
    let web = simple(Tz::UTC, "daily", "2026-03-02 00:00", "abc");
    let db = second(simple(Tz::UTC, "weekly", "2026-03-02 00:00", "b"));
    assert_eq!(
        found(&[web, db], &Leaves::new(), ""),
        [
            "B is on call on Database and on web at once from Tue 3 Mar 00:00 UTC until Wed 4 Mar 00:00 UTC",
            "B is on call on Database and on web at once from Fri 6 Mar 00:00 UTC until Sat 7 Mar 00:00 UTC",
        ]
    );
}

#[test]
fn whoever_is_away_or_cannot_be_woken_is_found_while_on_call() {
    let s = simple(Tz::UTC, "daily", "2026-03-02 00:00", "aab");
    let leave = Leave {
        since: at("2026-03-03T12:00:00Z"),
        until: at("2026-03-05T12:00:00Z"),
        title: "skiing".to_owned(),
    };
    let leaves = Leaves::from([("a".to_owned(), vec![leave])]);
    assert_eq!(
        found(&[s], &leaves, "b"),
        [
            "A is on call on Web and on leave (\"skiing\") from Tue 3 Mar 12:00 UTC until Wed 4 Mar 00:00 UTC",
            "B is on call on Web and has no verified contact, from Wed 4 Mar 00:00 UTC until Thu 5 Mar 00:00 UTC",
            "A is on call on Web and on leave (\"skiing\") from Thu 5 Mar 00:00 UTC until Thu 5 Mar 12:00 UTC",
            "B is on call on Web and has no verified contact, from Sat 7 Mar 00:00 UTC until Sun 8 Mar 00:00 UTC",
        ]
    );
}

#[test]
fn a_layer_that_should_have_somebody_is_found_even_when_a_lower_one_shows_through() {
    let mut experts = version(Tz::UTC, "daily", "2026-03-02 00:00", "");
    experts.level = 1;
    // Two days of a daily rotation below: one finding.
    experts.source = Source::Listed(listed(&[(
        "",
        "2026-03-04T00:00:00Z",
        "2026-03-06T00:00:00Z",
    )]));
    let all = version(Tz::UTC, "daily", "2026-03-02 00:00", "ab");
    let s = schedule(
        Tz::UTC,
        vec![layer("experts", vec![experts]), layer("all", vec![all])],
    );
    assert_eq!(
        found(&[s], &Leaves::new(), ""),
        ["Web: layer experts has nobody from Wed 4 Mar 00:00 UTC until Fri 6 Mar 00:00 UTC"]
    );
}
