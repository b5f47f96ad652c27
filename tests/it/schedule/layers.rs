//! Layers, levels, shadows and what is rendered from them.

use super::{at, layer, listed, over, rendered, schedule, simple, temporary, version, who};
use chrono_tz::Tz;
use firebell::core::schedule::{Schedule, Source, Version, Window, differences};

fn on(level: i32, letters: &str, windows: &[&str]) -> Version {
    let mut v = version(Tz::UTC, "daily", "2026-03-02 00:00", letters);
    v.level = level;
    v.windows = windows.iter().map(|w| Window::parse(w).unwrap()).collect();
    v
}

fn of(layers: &[(&str, Version)]) -> Schedule {
    schedule(
        Tz::UTC,
        layers
            .iter()
            .map(|(n, v)| layer(n, vec![v.clone()]))
            .collect(),
    )
}

#[test]
fn a_lower_shift_is_covered_cut_and_split_by_a_higher_one() {
    let s = of(&[
        ("low", on(0, "l", &["06:00-20:00"])),
        ("high", on(1, "h", &["09:00-12:00"])),
        ("top", on(2, "t", &["19:00-21:00"])),
    ]);
    assert_eq!(
        rendered(&s, "2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z"),
        [
            "- 03-03T00:00Z/03-03T06:00Z",
            "l 03-03T06:00Z/03-03T09:00Z",
            "h 03-03T09:00Z/03-03T12:00Z",
            "l 03-03T12:00Z/03-03T19:00Z",
            "t 03-03T19:00Z/03-03T21:00Z",
            "- 03-03T21:00Z/03-04T00:00Z",
        ]
    );
}

#[test]
fn everybody_of_one_level_is_on_call_together_each_once() {
    let s = of(&[
        ("one", on(1, "ab", &[])),
        ("two", on(1, "b", &["12:00-18:00"])),
        ("low", on(0, "z", &[])),
    ]);
    assert_eq!(who(&s, "2026-03-02T08:00:00Z"), "a");
    assert_eq!(who(&s, "2026-03-02T13:00:00Z"), "ab");
    let turn = s.on_call(at("2026-03-03T13:00:00Z"));
    assert_eq!((turn.people.concat(), turn.why.len()), ("b".to_owned(), 1));
}

#[test]
fn shadows_are_shown_with_the_layer_that_is_on_call_and_never_paged() {
    let mut high = on(1, "h", &["09:00-17:00"]);
    high.shadows = vec!["s".to_owned(), "h".to_owned()];
    let mut low = on(0, "l", &[]);
    low.shadows = vec!["r".to_owned()];
    let mut trainees = on(7, "uv", &["10:00-11:00"]);
    trainees.paged = false;
    let s = of(&[("high", high), ("low", low), ("trainees", trainees)]);
    let turn = |t: &str| {
        let t = s.on_call(at(t));
        (t.people.concat(), t.shadows.concat())
    };
    // Whoever is paged does not shadow as well.
    assert_eq!(
        turn("2026-03-02T09:30:00Z"),
        ("h".to_owned(), "s".to_owned())
    );
    assert_eq!(
        turn("2026-03-02T10:30:00Z"),
        ("h".to_owned(), "us".to_owned())
    );
    assert_eq!(
        turn("2026-03-03T10:30:00Z"),
        ("h".to_owned(), "vs".to_owned())
    );
    assert_eq!(
        turn("2026-03-02T18:00:00Z"),
        ("l".to_owned(), "r".to_owned())
    );
    assert!(!s.names("u") && s.names("h"));
}

#[test]
fn the_reason_names_layer_turn_and_end() {
    let mut s = of(&[("weekdays", on(1, "ab", &[])), ("other", on(0, "z", &[]))]);
    let turn = s.on_call(at("2026-03-15T12:00:00Z"));
    assert_eq!(
        turn.why,
        ["layer weekdays, turn 14, until Mon 16 Mar 00:00 UTC"]
    );
    s.temporary.push(temporary(
        "2026-03-20T00:00:00Z",
        "2026-03-21T00:00:00Z",
        &[("y", "2026-03-20T00:00:00Z", "2026-03-21T00:00:00Z")],
    ));
    let turn = s.on_call(at("2026-03-20T12:00:00Z"));
    assert_eq!(turn.why, ["holiday roster, until Sat 21 Mar 00:00 UTC"]);
}

#[test]
fn what_makes_no_difference_does_not_cut_a_turn() {
    // A lower layer that changes hands below, a higher one that is nobody's for a day, an override of others.
    let weekly = version(Tz::UTC, "weekly", "2026-03-02 00:00", "ab");
    let high = on(1, "-h", &["mon 10:00-11:00"]);
    let mut s = of(&[("high", high), ("all", weekly), ("low", on(-1, "z", &[]))]);
    s.overrides.push(over(
        "-x",
        "2026-03-03T00:00:00Z",
        "2026-03-03T01:00:00Z",
        2,
    ));
    for asked in [
        "2026-03-02T00:00:00Z",
        "2026-03-02T10:30:00Z",
        "2026-03-04T00:00:00Z",
    ] {
        let turn = s.on_call(at(asked));
        let whole = (at("2026-03-02T00:00:00Z"), at("2026-03-09T00:00:00Z"));
        assert_eq!((turn.since, turn.until), whole, "{asked}");
    }
}

#[test]
fn shifts_join_what_goes_on_with_the_same_people_and_turns_do_not() {
    let s = simple(Tz::UTC, "daily", "2026-03-02 00:00", "aab");
    assert_eq!(
        rendered(&s, "2026-03-02T12:00:00Z", "2026-03-05T12:00:00Z"),
        [
            "a 03-02T12:00Z/03-04T00:00Z",
            "b 03-04T00:00Z/03-05T00:00Z",
            "a 03-05T00:00Z/03-05T12:00Z"
        ]
    );
    let turns = s.turns(at("2026-03-02T12:00:00Z"), at("2026-03-03T12:00:00Z"));
    assert_eq!(turns.len(), 2);
    assert_eq!(
        (turns[0].since, turns[1].until),
        (at("2026-03-02T00:00:00Z"), at("2026-03-04T00:00:00Z"))
    );
}

#[test]
fn listed_shifts_are_a_source_and_those_that_overlap_are_on_call_together() {
    let mut v = on(0, "", &[]);
    v.source = Source::Listed(listed(&[
        ("a", "2026-03-02T00:00:00Z", "2026-03-30T00:00:00Z"),
        ("b", "2026-03-05T00:00:00Z", "2026-03-06T00:00:00Z"),
        ("", "2026-04-01T00:00:00Z", "2026-04-02T00:00:00Z"),
        ("c", "2026-04-03T00:00:00Z", "2026-04-03T00:00:00Z"),
    ]));
    let s = of(&[("calendar", v)]);
    // The long one has begun before all others and is still found.
    assert_eq!(
        rendered(&s, "2026-03-04T00:00:00Z", "2026-03-07T00:00:00Z"),
        [
            "a 03-04T00:00Z/03-05T00:00Z",
            "ab 03-05T00:00Z/03-06T00:00Z",
            "a 03-06T00:00Z/03-07T00:00Z"
        ]
    );
    assert_eq!(
        s.on_call(at("2026-04-01T12:00:00Z")).notes,
        ["layer calendar has nobody"]
    );
    assert_eq!(
        s.on_call(at("2026-03-30T12:00:00Z")).until,
        at("2026-04-01T00:00:00Z")
    );
}

#[test]
fn a_preview_says_who_is_on_call_instead_of_whom() {
    let before = simple(Tz::UTC, "daily", "2026-03-02 00:00", "ab");
    let mut after = before.clone();
    let mut new = version(Tz::UTC, "daily", "2026-03-02 00:00", "abc");
    new.from = at("2026-03-04T00:00:00Z");
    after.layers[0].versions.push(new);
    let found = differences(
        &before,
        &after,
        at("2026-03-02T12:00:00Z"),
        at("2026-03-07T12:00:00Z"),
    );
    let told: Vec<String> = found
        .iter()
        .map(|d| d.words(&before, &|p| p.to_uppercase()))
        .collect();
    assert_eq!(
        told,
        [
            "from Wed 4 Mar 00:00 UTC until Thu 5 Mar 00:00 UTC: C instead of A",
            "from Thu 5 Mar 00:00 UTC until Fri 6 Mar 00:00 UTC: A instead of B",
            "from Fri 6 Mar 00:00 UTC until Sat 7 Mar 00:00 UTC: B instead of A",
            "from Sat 7 Mar 00:00 UTC until Sat 7 Mar 12:00 UTC: C instead of B",
        ]
    );
    assert!(
        differences(
            &before,
            &before,
            at("2026-03-02T12:00:00Z"),
            at("2027-03-06T12:00:00Z")
        )
        .is_empty()
    );
}

#[test]
fn who_is_next_is_found_behind_turns_that_change_nothing() {
    let s = simple(Tz::UTC, "daily", "2026-03-02 00:00", "aaab");
    let next = s.next_handoff(at("2026-03-02T12:00:00Z")).unwrap();
    assert_eq!(
        (next.people.concat(), next.since),
        ("b".to_owned(), at("2026-03-05T00:00:00Z"))
    );
    let own = |p: &str, t: &str| s.next_of(p, at(t)).map(|t| t.since);
    assert_eq!(
        own("b", "2026-03-02T12:00:00Z"),
        Some(at("2026-03-05T00:00:00Z"))
    );
    assert_eq!(
        own("b", "2026-03-05T12:00:00Z"),
        Some(at("2026-03-05T00:00:00Z"))
    );
    assert_eq!(own("z", "2026-03-05T12:00:00Z"), None);
    let alone = simple(Tz::UTC, "daily", "2026-03-02 00:00", "a");
    assert!(alone.next_handoff(at("2026-03-02T12:00:00Z")).is_none());
}
