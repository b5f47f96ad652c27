//! Overrides: added, taken off, covered for; and two that speak about one person.

use super::{at, over, rendered, simple, who};
use chrono_tz::Tz;
use firebell::core::schedule::{Override, Schedule, check_override};

const NOON: &str = "2026-03-03T12:00:00Z";
const SPAN: (&str, &str) = ("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z");

/// A week of a, with overrides in the order they were made.
fn with(overrides: &[&str]) -> Schedule {
    let mut s = simple(Tz::UTC, "weekly", "2026-03-02 00:00", "ab");
    let made = overrides.iter().zip(1..);
    s.overrides = made
        .map(|(what, age)| over(what, SPAN.0, SPAN.1, age))
        .collect();
    s
}

#[test]
fn overrides_of_one_instant_come_to_one_answer() {
    // Overrides in the order they were made, and who is on call.
    let table: &[(&[&str], &str)] = &[
        (&[], "a"),
        (&["+x"], "ax"),
        (&["-a"], "-"),
        (&["a>x"], "x"),
        (&["x>y"], "ay"),
        (&["-x"], "a"),
        // The newest about one person counts, and the older one is gone with what it added.
        (&["a>x", "a>y"], "y"),
        (&["a>x", "-a"], "-"),
        (&["-a", "a>x"], "x"),
        (&["-a", "+a"], "a"),
        (&["+a", "-a"], "-"),
        // Whoever is added again stands beside their cover.
        (&["a>x", "+a"], "ax"),
        (&["+a", "a>x"], "x"),
        // Chains, in any order.
        (&["a>x", "x>y"], "y"),
        (&["x>y", "a>x"], "y"),
        (&["a>x", "x>y", "y>z"], "z"),
        (&["y>z", "x>y", "a>x"], "z"),
        (&["a>x", "x>y", "x>z"], "z"),
        // Taken off before, put on call after: the newer counts.
        (&["-x", "a>x"], "x"),
        (&["a>x", "-x"], "-"),
        (&["+x", "x>y"], "ay"),
        // Two added, one covered for.
        (&["+x", "+y", "a>z"], "xyz"),
        (&["a>x", "+x"], "x"),
        // Circles that got in are cut at the newest link.
        (&["a>x", "x>a"], "x"),
        (&["a>x", "x>y", "y>a"], "y"),
        (&["a>a"], "a"),
    ];
    for (overrides, expected) in table {
        let mut s = with(overrides);
        assert_eq!(who(&s, NOON), *expected, "{overrides:?}");
        // In whatever order they come from the database.
        s.overrides.reverse();
        assert_eq!(who(&s, NOON), *expected, "{overrides:?} backwards");
        assert_eq!(
            who(&s, "2026-03-04T00:00:00Z"),
            "a",
            "{overrides:?} is over"
        );
    }
}

#[test]
fn an_override_in_the_middle_of_a_turn_splits_it() {
    let s = with(&["a>x"]);
    assert_eq!(
        rendered(&s, "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"),
        [
            "a 03-02T00:00Z/03-03T00:00Z",
            "x 03-03T00:00Z/03-04T00:00Z",
            "a 03-04T00:00Z/03-09T00:00Z"
        ]
    );
    assert_eq!(s.on_call(at("2026-03-02T12:00:00Z")).until, at(SPAN.0));
}

#[test]
fn a_cover_across_a_hand_off_covers_only_its_person() {
    let mut s = simple(Tz::UTC, "daily", "2026-03-02 12:00", "ab");
    s.overrides.push(over(
        "a>x",
        "2026-03-03T00:00:00Z",
        "2026-03-05T00:00:00Z",
        1,
    ));
    assert_eq!(
        rendered(&s, "2026-03-02T12:00:00Z", "2026-03-06T00:00:00Z"),
        [
            "a 03-02T12:00Z/03-03T00:00Z",
            "x 03-03T00:00Z/03-03T12:00Z",
            // b has the turn; x was promised for the span and stays.
            "bx 03-03T12:00Z/03-04T12:00Z",
            "x 03-04T12:00Z/03-05T00:00Z",
            "a 03-05T00:00Z/03-05T12:00Z",
            "b 03-05T12:00Z/03-06T00:00Z",
        ]
    );
}

#[test]
fn what_cannot_be_meant_is_refused_in_words() {
    let s = with(&["a>x"]);
    let refused = |o: &Override| check_override(&s, o).unwrap_err();
    assert!(
        refused(&over("x>a", SPAN.0, SPAN.1, 9)).starts_with("that would be a circle: x → a → x")
    );
    assert!(refused(&over("a>a", SPAN.0, SPAN.1, 9)).contains("cannot cover for themselves"));
    assert!(refused(&over("+x", SPAN.1, SPAN.0, 9)).contains("give a later end"));
    let nobody = Override {
        add: None,
        remove: None,
        ..over("+x", SPAN.0, SPAN.1, 9)
    };
    assert!(refused(&nobody).contains("names nobody"));
}

#[test]
fn what_is_probably_not_meant_is_warned_of() {
    let s = with(&["a>x"]);
    let warned = |o: &str| check_override(&s, &over(o, SPAN.0, SPAN.1, 9)).unwrap();
    assert_eq!(warned("x>y"), Vec::<String>::new());
    assert_eq!(
        warned("-b"),
        ["b is not on call on Web in that time, so nothing changes"]
    );
    assert_eq!(warned("+x"), ["x is on call anyway in that time"]);
    assert!(
        warned("a>y")
            .iter()
            .any(|w| w == "this counts instead of \"x covers a\" by lea, which is older")
    );
}

#[test]
fn an_override_is_kept_as_it_was() {
    let o = Override {
        note: "dentist".to_owned(),
        ..over("a>x", SPAN.0, SPAN.1, 9)
    };
    let text = serde_json::to_string(&o).unwrap();
    assert_eq!(serde_json::from_str::<Override>(&text).unwrap(), o);
    // What is not said is nothing.
    let short = r#"{"id":"1","add":"x","since":0,"until":9,"by":"lea","created":3}"#;
    let o: Override = serde_json::from_str(short).unwrap();
    assert_eq!((o.remove, o.note), (None, String::new()));
}
