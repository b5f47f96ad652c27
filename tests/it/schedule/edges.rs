//! The rules for what people get wrong, one test each.

use super::{
    at, layer, over, rotation, schedule, simple, temporary, turns, version, wall, who, within,
};
use chrono_tz::Tz;
use firebell::core::schedule::{Rotation, Source, check_override, parse_handoff};

const BERLIN: Tz = Tz::Europe__Berlin;

#[test]
fn source_of_truth_is_the_configuration_and_the_instant_and_nothing_that_was_asked_before() {
    let s = simple(BERLIN, "weekly", "2026-03-02 09:00", "abc");
    let instants = [
        "2026-03-03T12:00:00Z",
        "2031-03-03T12:00:00Z",
        "2026-03-10T12:00:00Z",
    ];
    let forward: Vec<_> = instants.iter().map(|t| s.on_call(at(t))).collect();
    let again = s.clone();
    let backward: Vec<_> = instants
        .iter()
        .rev()
        .map(|t| again.on_call(at(t)))
        .collect();
    assert!(forward.iter().eq(backward.iter().rev()));
    assert_eq!(forward[0].people, ["a"]);
    assert_eq!(forward[2].people, ["b"]);
}

#[test]
fn a_hand_off_at_a_missing_local_time_is_the_first_instant_after_the_gap() {
    let s = simple(BERLIN, "daily", "2026-03-28 02:30", "ab");
    assert_eq!(who(&s, "2026-03-29T00:59:59Z"), "a");
    assert_eq!(who(&s, "2026-03-29T01:00:00Z"), "b");
    let turn = s.on_call(at("2026-03-29T12:00:00Z"));
    let night = (at("2026-03-29T01:00:00Z"), at("2026-03-30T00:30:00Z"));
    assert_eq!((turn.since, turn.until), night);
    assert_eq!(who(&s, "2026-03-30T00:29:59Z"), "b");
    assert_eq!(who(&s, "2026-03-30T00:30:00Z"), "a");
}

#[test]
fn a_hand_off_at_a_repeated_local_time_is_the_first_occurrence() {
    let s = simple(BERLIN, "daily", "2026-10-24 02:30", "ab");
    assert_eq!(who(&s, "2026-10-25T00:29:59Z"), "a");
    assert_eq!(who(&s, "2026-10-25T00:30:00Z"), "b");
    // The clock goes back to 02:00; what has begun goes on.
    assert_eq!(who(&s, "2026-10-25T01:15:00Z"), "b");
    // 02:30 comes again an hour later; nothing happens.
    assert_eq!(who(&s, "2026-10-25T01:30:00Z"), "b");
    let turn = s.on_call(at("2026-10-25T01:45:00Z"));
    assert_eq!(
        (turn.since, turn.until),
        (at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z"))
    );
}

#[test]
fn a_window_that_ends_at_a_repeated_time_ends_at_the_last_so_coverage_never_shrinks() {
    let s = within(BERLIN, "weekly", "2026-10-01 00:00", "a", &["00:00-02:30"]);
    assert_eq!(who(&s, "2026-10-25T00:45:00Z"), "a");
    assert_eq!(who(&s, "2026-10-25T01:29:59Z"), "a");
    assert_eq!(who(&s, "2026-10-25T01:30:00Z"), "-");
    // It starts at the first: 02:30 to 04:00 lasts two and a half hours that night.
    let s = within(BERLIN, "weekly", "2026-10-01 00:00", "a", &["02:30-04:00"]);
    assert_eq!(who(&s, "2026-10-25T00:29:59Z"), "-");
    assert_eq!(who(&s, "2026-10-25T00:30:00Z"), "a");
    assert_eq!(who(&s, "2026-10-25T01:10:00Z"), "a");
}

#[test]
fn where_the_clock_skips_midnight_the_day_begins_with_the_first_instant_there_is() {
    // Santiago, 6 September 2026: after 5 September 23:59 comes 6 September 01:00.
    let s = within(
        Tz::America__Santiago,
        "daily",
        "2026-09-04 00:00",
        "abc",
        &["sun"],
    );
    assert_eq!(who(&s, "2026-09-06T03:59:59Z"), "-");
    assert_eq!(who(&s, "2026-09-06T04:00:00Z"), "c");
    assert_eq!(who(&s, "2026-09-07T02:59:59Z"), "c");
    assert_eq!(who(&s, "2026-09-07T03:00:00Z"), "-");
    // And in April midnight is told twice: Saturday has 25 hours.
    let s = within(
        Tz::America__Santiago,
        "daily",
        "2026-04-01 00:00",
        "abc",
        &["sat"],
    );
    assert_eq!(who(&s, "2026-04-04T03:00:00Z"), "a");
    assert_eq!(who(&s, "2026-04-05T03:59:59Z"), "a");
    assert_eq!(who(&s, "2026-04-05T04:00:00Z"), "-");
}

#[test]
fn day_31_of_a_month_is_clamped_to_its_last_day_and_is_31_again_after_it() {
    let s = simple(Tz::UTC, "monthly", "2026-01-31 09:00", "abcdef");
    let begins: Vec<String> = s
        .upcoming(at("2026-01-31T09:00:00Z"), 5)
        .iter()
        .map(|t| t.since.utc().format("%m-%d").to_string())
        .collect();
    assert_eq!(begins, ["01-31", "02-28", "03-31", "04-30", "05-31"]);
    // A leap year has its 29 February.
    assert_eq!(who(&s, "2028-02-29T08:59:59Z"), "a");
    assert_eq!(who(&s, "2028-02-29T09:00:00Z"), "b");
}

#[test]
fn a_boundary_belongs_to_the_new_turn() {
    let s = simple(Tz::UTC, "daily", "2026-03-02 09:00", "ab");
    assert_eq!(who(&s, "2026-03-03T08:59:59.999Z"), "a");
    assert_eq!(who(&s, "2026-03-03T09:00:00Z"), "b");
    let turn = s.on_call(at("2026-03-03T08:59:59.999Z"));
    assert_eq!(turn.until, s.on_call(at("2026-03-03T09:00:00Z")).since);
}

#[test]
fn many_people_are_on_call_at_once_by_group_by_count_and_by_layer() {
    let mut s = simple(Tz::UTC, "daily", "2026-03-02 00:00", "abc");
    let grouped = Rotation {
        turns: vec![vec!["x".to_owned(), "y".to_owned()], vec!["z".to_owned()]],
        ..rotation("daily", "2026-03-02 00:00", "")
    };
    let three_of_four = Rotation {
        count: 3,
        ..rotation("daily", "2026-03-02 00:00", "pqrs")
    };
    for (name, r) in [("grouped", grouped), ("three", three_of_four)] {
        let mut v = version(Tz::UTC, "daily", "2026-03-02 00:00", "");
        v.source = Source::Rotation(r);
        s.layers.push(layer(name, vec![v]));
    }
    assert_eq!(who(&s, "2026-03-02T12:00:00Z"), "apqrxy");
    assert_eq!(who(&s, "2026-03-03T12:00:00Z"), "bqrsz");
    assert_eq!(who(&s, "2026-03-04T12:00:00Z"), "cprsxy");
}

#[test]
fn the_highest_level_wins_where_it_has_somebody() {
    let mut high = version(Tz::UTC, "daily", "2026-03-02 00:00", "h");
    high.level = 2;
    high.windows = vec![firebell::core::schedule::Window::parse("mon-fri 09:00-17:00").unwrap()];
    let low = version(Tz::UTC, "daily", "2026-03-02 00:00", "l");
    // In any order of the file.
    for layers in [
        [("high", &high), ("low", &low)],
        [("low", &low), ("high", &high)],
    ] {
        let layers = layers.map(|(n, v)| layer(n, vec![v.clone()]));
        let s = schedule(Tz::UTC, layers.into());
        assert_eq!(who(&s, "2026-03-02T08:59:59Z"), "l");
        assert_eq!(who(&s, "2026-03-02T09:00:00Z"), "h");
        assert_eq!(who(&s, "2026-03-02T17:00:00Z"), "l");
        assert_eq!(who(&s, "2026-03-07T12:00:00Z"), "l");
    }
}

#[test]
fn a_dead_layer_falls_through_and_is_reported() {
    let mut dead = version(Tz::UTC, "daily", "2026-03-02 00:00", "---");
    dead.level = 1;
    let low = version(Tz::UTC, "daily", "2026-03-02 00:00", "l");
    let s = schedule(
        Tz::UTC,
        vec![layer("experts", vec![dead]), layer("all", vec![low])],
    );
    let turn = s.on_call(at("2026-03-02T12:00:00Z"));
    assert_eq!(turn.people, ["l"]);
    assert_eq!(turn.notes, ["layer experts has nobody"]);
    // A buffer among other turns is meant, and nothing to report.
    let mut buffer = version(Tz::UTC, "daily", "2026-03-02 00:00", "h-");
    buffer.level = 1;
    let low = version(Tz::UTC, "daily", "2026-03-02 00:00", "l");
    let s = schedule(
        Tz::UTC,
        vec![layer("experts", vec![buffer]), layer("all", vec![low])],
    );
    let turn = s.on_call(at("2026-03-03T12:00:00Z"));
    assert_eq!((turn.people, turn.notes.len()), (vec!["l".to_owned()], 0));
}

#[test]
fn an_override_always_wins_over_layers_and_the_newest_over_older_ones() {
    let mut s = simple(Tz::UTC, "weekly", "2026-03-02 09:00", "ab");
    s.layers[0].versions[0].level = 900;
    s.overrides.push(over(
        "a>x",
        "2026-03-03T00:00:00Z",
        "2026-03-05T00:00:00Z",
        5,
    ));
    assert_eq!(who(&s, "2026-03-03T12:00:00Z"), "x");
    // Made later, said first in the list.
    s.overrides.insert(
        0,
        over("a>y", "2026-03-04T00:00:00Z", "2026-03-04T06:00:00Z", 9),
    );
    assert_eq!(who(&s, "2026-03-03T12:00:00Z"), "x");
    assert_eq!(who(&s, "2026-03-04T05:59:59Z"), "y");
    assert_eq!(who(&s, "2026-03-04T06:00:00Z"), "x");
    let turn = s.on_call(at("2026-03-04T03:00:00Z"));
    assert_eq!(
        turn.why,
        ["override by lea: covers a, until Wed 4 Mar 06:00 UTC"]
    );
}

#[test]
fn covering_somebody_who_is_not_on_call_adds_with_a_warning_when_it_is_made() {
    let mut s = simple(Tz::UTC, "weekly", "2026-03-02 09:00", "ab");
    let new = over("b>x", "2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z", 1);
    let warnings = check_override(&s, &new).unwrap();
    assert_eq!(
        warnings,
        ["b is not on call on Web in that time, so x is on call in addition to whoever is"]
    );
    s.overrides.push(new);
    assert_eq!(who(&s, "2026-03-03T12:00:00Z"), "ax");
}

#[test]
fn covers_chain_whatever_was_said_first_and_circles_are_refused() {
    let span = ("2026-03-03T00:00:00Z", "2026-03-05T00:00:00Z");
    for (first, second) in [(1, 2), (2, 1)] {
        let mut s = simple(Tz::UTC, "weekly", "2026-03-02 09:00", "ab");
        s.overrides.push(over("a>b", span.0, span.1, first));
        s.overrides.push(over("b>c", span.0, span.1, second));
        let turn = s.on_call(at("2026-03-03T12:00:00Z"));
        assert_eq!(turn.people, ["c"]);
        assert!(
            turn.why[0].contains("covers b, who covers a"),
            "{:?}",
            turn.why
        );
    }
    let mut s = simple(Tz::UTC, "weekly", "2026-03-02 09:00", "ab");
    s.overrides.push(over("a>b", span.0, span.1, 1));
    s.overrides
        .push(over("b>c", span.0, "2026-03-04T00:00:00Z", 2));
    let refused = check_override(&s, &over("c>a", "2026-03-03T20:00:00Z", span.1, 3)).unwrap_err();
    assert_eq!(
        refused,
        "that would be a circle: c → a → b → c; end or change the override \"c covers b\" first"
    );
    // When the others are over it is none.
    assert!(check_override(&s, &over("c>a", "2026-03-04T00:00:00Z", span.1, 3)).is_ok());
    // Two sources may still make one: the newest link is cut, and somebody is on call.
    s.overrides.push(over("c>a", span.0, span.1, 3));
    assert_eq!(who(&s, "2026-03-03T12:00:00Z"), "c");
}

#[test]
fn an_edit_begins_to_count_when_it_says_and_the_past_stays() {
    let old = version(BERLIN, "weekly", "2026-03-02 09:00", "abc");
    let mut new = version(BERLIN, "daily", "2026-03-18 09:00", "xy");
    new.from = at("2026-03-18T08:00:00Z");
    let before = schedule(BERLIN, vec![layer("rotation", vec![old.clone()])]);
    let after = schedule(BERLIN, vec![layer("rotation", vec![old, new])]);
    let (from, edit) = (at("2026-03-02T08:00:00Z"), at("2026-03-18T08:00:00Z"));
    assert_eq!(before.shifts(from, edit), after.shifts(from, edit));
    assert_eq!(who(&after, "2026-03-18T07:59:59Z"), "c");
    assert_eq!(who(&after, "2026-03-18T08:00:00Z"), "x");
    assert_eq!(who(&after, "2026-03-19T08:00:00Z"), "y");
    assert_eq!(after.on_call(at("2026-03-17T12:00:00Z")).until, edit);
}

#[test]
fn whoever_joins_or_leaves_does_so_at_a_hand_off_and_the_current_person_is_kept_on_until_then() {
    // Wednesday: b has the week. From Monday on there are four, and d is next.
    let old = version(Tz::UTC, "weekly", "2026-03-02 09:00", "abc");
    let mut new = version(Tz::UTC, "weekly", "2026-03-16 09:00", "dcab");
    new.from = at("2026-03-16T09:00:00Z");
    let s = schedule(Tz::UTC, vec![layer("rotation", vec![old, new])]);
    let weeks: Vec<String> = s
        .upcoming(at("2026-03-11T00:00:00Z"), 4)
        .into_iter()
        .map(|t| t.people.concat())
        .collect();
    assert_eq!(weeks, ["b", "d", "c", "a"]);
    assert_eq!(who(&s, "2026-03-16T08:59:59Z"), "b");
}

#[test]
fn nobody_on_call_is_an_answer_with_an_end() {
    let s = within(
        Tz::UTC,
        "weekly",
        "2026-03-02 00:00",
        "a",
        &["mon-fri 09:00-17:00"],
    );
    let turn = s.on_call(at("2026-03-06T17:00:00Z"));
    assert!(turn.people.is_empty());
    assert_eq!(
        (turn.since, turn.until),
        (at("2026-03-06T17:00:00Z"), at("2026-03-09T09:00:00Z"))
    );
    let next = s.next_handoff(at("2026-03-06T18:00:00Z")).unwrap();
    assert_eq!(
        (next.people, next.since),
        (vec!["a".to_owned()], at("2026-03-09T09:00:00Z"))
    );
}

#[test]
fn a_restriction_across_a_hand_off_cuts_the_shift_and_both_keep_their_part() {
    let s = within(
        Tz::UTC,
        "weekly",
        "2026-03-02 12:00",
        "ab",
        &["mon-fri 09:00-17:00"],
    );
    assert_eq!(who(&s, "2026-03-09T09:00:00Z"), "a");
    assert_eq!(who(&s, "2026-03-09T11:59:59Z"), "a");
    assert_eq!(who(&s, "2026-03-09T12:00:00Z"), "b");
    assert_eq!(who(&s, "2026-03-09T17:00:00Z"), "-");
}

#[test]
fn a_layer_has_its_own_zone_and_the_schedules_when_it_names_none() {
    let tokyo = version(Tz::Asia__Tokyo, "daily", "2026-03-02 09:00", "t");
    let mut day = tokyo;
    day.windows = vec![firebell::core::schedule::Window::parse("09:00-17:00").unwrap()];
    let s = schedule(BERLIN, vec![layer("asia", vec![day])]);
    assert_eq!(who(&s, "2026-03-02T00:00:00Z"), "t");
    assert_eq!(who(&s, "2026-03-02T08:00:00Z"), "-");
    // Times are told in the schedule's.
    assert!(s.on_call(at("2026-03-02T00:00:00Z")).why[0].ends_with("until Mon 2 Mar 09:00 CET"));
}

#[test]
fn asking_late_gives_the_same_as_asking_in_time() {
    let s = simple(Tz::UTC, "hourly", "2026-03-02 09:00", "abc");
    let at_once = s.on_call(at("2026-03-04T10:30:00Z"));
    let step_by_step = s.upcoming(at("2026-03-02T09:00:00Z"), 50);
    assert_eq!(step_by_step.last(), Some(&at_once));
}

#[test]
fn a_temporary_schedule_masks_layers_and_overrides_and_a_hole_in_it_means_nobody() {
    let mut s = simple(Tz::UTC, "weekly", "2026-03-02 09:00", "ab");
    s.overrides.push(over(
        "a>x",
        "2026-03-02T00:00:00Z",
        "2026-03-09T00:00:00Z",
        1,
    ));
    s.temporary.push(temporary(
        "2026-03-03T00:00:00Z",
        "2026-03-05T00:00:00Z",
        &[
            ("y", "2026-03-03T00:00:00Z", "2026-03-03T12:00:00Z"),
            ("z", "2026-03-04T00:00:00Z", "2026-03-05T00:00:00Z"),
        ],
    ));
    assert_eq!(who(&s, "2026-03-02T23:59:59Z"), "x");
    assert_eq!(who(&s, "2026-03-03T00:00:00Z"), "y");
    let hole = s.on_call(at("2026-03-03T12:00:00Z"));
    assert_eq!(hole.people, Vec::<String>::new());
    assert_eq!(hole.notes, ["holiday roster has a hole here"]);
    assert_eq!(who(&s, "2026-03-04T00:00:00Z"), "z");
    assert_eq!(who(&s, "2026-03-05T00:00:00Z"), "x");
}

#[test]
fn a_nobody_turn_is_a_buffer() {
    let s = simple(Tz::UTC, "daily", "2026-03-02 00:00", "a-b");
    assert_eq!(who(&s, "2026-03-02T12:00:00Z"), "a");
    assert_eq!(who(&s, "2026-03-03T12:00:00Z"), "-");
    assert_eq!(who(&s, "2026-03-04T12:00:00Z"), "b");
    assert_eq!(
        s.on_call(at("2026-03-03T12:00:00Z")).until,
        at("2026-03-04T00:00:00Z")
    );
}

#[test]
fn before_the_first_turn_nobody_is_on_call() {
    let s = simple(Tz::UTC, "daily", "2026-03-02 09:00", "ab");
    let turn = s.on_call(at("2026-03-02T08:59:59Z"));
    assert_eq!(
        (turn.people.len(), turn.until),
        (0, at("2026-03-02T09:00:00Z"))
    );
    assert_eq!(turns("ab").len(), 2);
    assert_eq!(wall("2026-03-02 09:00").to_string(), "2026-03-02 09:00:00");
    assert!(
        parse_handoff("fortnightly")
            .unwrap_err()
            .contains("is not a hand-off")
    );
}
