//! iCalendar in and out.

use super::{at, over, simple};
use chrono_tz::Tz;
use firebell::calendar::{Feed, Found, of_person, of_schedule, read};
use firebell::core::time::Time;

const MADRID: Tz = Tz::Europe__Madrid;

fn calendar(events: &[&str]) -> String {
    let events: String = events
        .iter()
        .map(|e| {
            format!(
                "BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n",
                e.replace('|', "\r\n")
            )
        })
        .collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{events}END:VCALENDAR\r\n")
}

fn found(events: &[&str]) -> Found {
    read(&calendar(events), MADRID).unwrap()
}

/// Occurrences of all events as `title begin/end`.
fn told(events: &[&str]) -> Vec<String> {
    let short = |t: Time| t.utc().format("%m-%dT%H:%MZ").to_string();
    let found = found(events);
    assert_eq!(found.odd, Vec::<String>::new());
    let spans = found
        .events
        .iter()
        .flat_map(|e| e.spans.iter().map(move |s| (&e.title, s)));
    spans
        .map(|(t, s)| format!("{t} {}/{}", short(s.0), short(s.1)))
        .collect()
}

#[test]
fn single_events_in_utc_in_a_zone_floating_and_all_day() {
    assert_eq!(
        told(&[
            "UID:1|SUMMARY:utc|DTSTART:20260302T080000Z|DTEND:20260302T160000Z",
            "UID:2|SUMMARY:tokyo|DTSTART;TZID=Asia/Tokyo:20260302T090000|DTEND;TZID=Asia/Tokyo:20260302T170000",
            "UID:3|SUMMARY:floating|DTSTART:20260302T090000|DTEND:20260302T170000",
            "UID:4|SUMMARY:allday|DTSTART;VALUE=DATE:20260302|DTEND;VALUE=DATE:20260304",
            "UID:5|SUMMARY:long|DTSTART:20260302T080000Z|DURATION:P1DT2H30M",
            "UID:6|SUMMARY:oneday|DTSTART;VALUE=DATE:20260302",
            "UID:7|SUMMARY:path|DTSTART;TZID=/example.org/1/Europe/Lisbon:20260302T090000|DURATION:PT1H",
        ]),
        [
            "utc 03-02T08:00Z/03-02T16:00Z",
            "tokyo 03-02T00:00Z/03-02T08:00Z",
            "floating 03-02T08:00Z/03-02T16:00Z",
            "allday 03-01T23:00Z/03-03T23:00Z",
            "long 03-02T08:00Z/03-03T10:30Z",
            "oneday 03-01T23:00Z/03-02T23:00Z",
            "path 03-02T09:00Z/03-02T10:00Z",
        ]
    );
}

#[test]
fn a_weekly_shift_changes_hands_at_the_same_clock_all_year() {
    assert_eq!(
        told(&[
            "UID:1|SUMMARY:ana|DTSTART;TZID=Europe/Madrid:20260323T090000|DTEND;TZID=Europe/Madrid:20260330T090000|RRULE:FREQ=WEEKLY;COUNT=2"
        ]),
        // The clock goes forward on 29 March; a week of 167 hours still ends at nine.
        [
            "ana 03-23T08:00Z/03-30T07:00Z",
            "ana 03-30T07:00Z/04-06T07:00Z"
        ]
    );
}

#[test]
fn occurrences_in_a_gap_or_a_repeated_hour_follow_the_rules_of_rotations() {
    assert_eq!(
        told(&[
            "UID:1|SUMMARY:n|DTSTART;TZID=Europe/Madrid:20260328T023000|DURATION:PT2H|RRULE:FREQ=DAILY;COUNT=3"
        ]),
        [
            "n 03-28T01:30Z/03-28T03:30Z",
            "n 03-29T01:00Z/03-29T02:30Z",
            "n 03-30T00:30Z/03-30T02:30Z"
        ]
    );
    assert_eq!(
        told(&[
            "UID:1|SUMMARY:n|DTSTART;TZID=Europe/Madrid:20261024T013000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=2"
        ]),
        ["n 10-23T23:30Z/10-24T00:30Z", "n 10-24T23:30Z/10-25T01:30Z"]
    );
    // Midnight itself is skipped in Santiago.
    assert_eq!(
        told(&[
            "UID:1|SUMMARY:n|DTSTART;TZID=America/Santiago:20260905T000000|DURATION:P1D|RRULE:FREQ=DAILY;COUNT=2"
        ]),
        ["n 09-05T04:00Z/09-06T04:00Z", "n 09-06T04:00Z/09-07T03:00Z"]
    );
}

#[test]
fn exceptions_more_dates_and_ends_of_recurrence() {
    assert_eq!(
        told(&[
            "UID:1|SUMMARY:n|DTSTART;TZID=Europe/Madrid:20260302T090000|DURATION:PT8H|RRULE:FREQ=DAILY;UNTIL=20260306T080000Z|EXDATE;TZID=Europe/Madrid:20260303T090000,20260304T090000|RDATE;TZID=Europe/Madrid:20260310T120000"
        ]),
        [
            "n 03-02T08:00Z/03-02T16:00Z",
            "n 03-05T08:00Z/03-05T16:00Z",
            "n 03-06T08:00Z/03-06T16:00Z",
            "n 03-10T11:00Z/03-10T19:00Z"
        ]
    );
    // An exception in UTC, one by date, and an end that is a date.
    assert_eq!(
        told(&[
            "UID:1|SUMMARY:n|DTSTART;TZID=Europe/Madrid:20260302T090000|DURATION:PT8H|RRULE:FREQ=DAILY;UNTIL=20260305|EXDATE:20260303T080000Z|EXDATE;VALUE=DATE:20260304"
        ]),
        ["n 03-02T08:00Z/03-02T16:00Z", "n 03-05T08:00Z/03-05T16:00Z"]
    );
    assert_eq!(
        told(&[
            "UID:1|SUMMARY:n|DTSTART;VALUE=DATE:20260302|RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3"
        ])
        .len(),
        3
    );
}

#[test]
fn cancelled_moved_and_newer_events() {
    assert_eq!(
        told(&[
            "UID:1|SUMMARY:gone|STATUS:CANCELLED|DTSTART:20260302T080000Z|DTEND:20260302T160000Z",
            "UID:2|SUMMARY:n|DTSTART:20260302T080000Z|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=3",
            "UID:2|SUMMARY:moved|RECURRENCE-ID:20260303T080000Z|DTSTART:20260303T180000Z|DURATION:PT1H",
            "UID:2|SUMMARY:n|STATUS:CANCELLED|RECURRENCE-ID:20260304T080000Z|DTSTART:20260304T080000Z|DURATION:PT1H",
            "UID:3|SUMMARY:newer|SEQUENCE:2|DTSTART:20260305T080000Z|DURATION:PT1H",
            "UID:3|SUMMARY:older|SEQUENCE:1|DTSTART:20260309T080000Z|DURATION:PT1H",
        ]),
        [
            "n 03-02T08:00Z/03-02T09:00Z",
            "moved 03-03T18:00Z/03-03T19:00Z",
            "newer 03-05T08:00Z/03-05T09:00Z"
        ]
    );
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_read() {
    let found = found(&[
        "UID:1|SUMMARY:zone|DTSTART;TZID=Middle Earth:20260302T090000|DURATION:PT1H",
        "UID:2|SUMMARY:endless|DTSTART:20260302T080000Z",
        "UID:3|SUMMARY:rule|DTSTART:20260302T080000Z|DURATION:PT1H|RRULE:FREQ=SOMETIMES",
        "UID:4|SUMMARY:when|DTSTART:tomorrow|DURATION:PT1H",
        "UID:5|SUMMARY:good|DTSTART:20260302T080000Z|DURATION:PT1H",
    ]);
    let titles: Vec<&str> = found.events.iter().map(|e| e.title.as_str()).collect();
    assert_eq!(titles, ["zone", "good"]);
    let odd = found.odd.join("\n");
    for said in [
        "\"Middle Earth\", which is not an IANA name; Europe/Madrid is taken",
        "the event \"endless\": it has neither",
        "the event \"rule\": ",
        "the event \"when\" has a DTSTART that is not a time: \"tomorrow\"",
    ] {
        assert!(odd.contains(said), "{said} in {odd}");
    }
    for bad in ["", "hello", "<html>"] {
        assert!(
            read(bad, MADRID)
                .unwrap_err()
                .contains("not an iCalendar file"),
            "{bad}"
        );
    }
}

#[test]
fn a_recurrence_without_an_end_is_followed_for_decades() {
    let found = found(&["UID:1|SUMMARY:n|DTSTART:20200101T080000Z|DURATION:PT1H|RRULE:FREQ=DAILY"]);
    let last = found.events[0].spans.last().unwrap().0;
    assert_eq!(last, at("2049-12-31T08:00:00Z"));
    assert!(found.odd.is_empty());
}

#[test]
fn the_calendars_own_zone_goes_before_the_files() {
    let text = calendar(&["UID:1|SUMMARY:n|DTSTART:20260302T090000|DURATION:PT1H"]);
    let text = text.replace("VERSION:2.0", "VERSION:2.0\r\nX-WR-TIMEZONE:Asia/Tokyo");
    let found = read(&text, MADRID).unwrap();
    assert_eq!(found.events[0].spans[0].0, at("2026-03-02T00:00:00Z"));
}

#[test]
fn shifts_become_a_calendar_that_reads_back_as_the_same_shifts() {
    let mut s = simple(MADRID, "weekly", "2026-03-02 09:00", "ab");
    s.layers[0].versions[0].shadows = vec!["s".to_owned()];
    s.overrides.push(over(
        "b>c",
        "2026-03-10T00:00:00Z",
        "2026-03-12T00:00:00Z",
        1,
    ));
    let name = |p: &str| format!("{}, of Web", p.to_uppercase());
    let feed = |from: &str| Feed {
        from: at(from),
        until: at("2026-03-31T00:00:00Z"),
        stamp: at("2026-03-01T00:00:00Z"),
        name: &name,
    };
    let text = of_schedule(&s, &feed("2026-03-04T00:00:00Z"));
    let back = read(&text, Tz::UTC).unwrap();
    assert_eq!(back.odd, Vec::<String>::new());
    let of = |title: &str| -> Vec<(Time, Time)> {
        back.events
            .iter()
            .filter(|e| e.title == title)
            .flat_map(|e| e.spans.clone())
            .collect()
    };
    let turns = s.turns(at("2026-03-04T00:00:00Z"), at("2026-03-31T00:00:00Z"));
    for person in ["a", "b", "c"] {
        let own = turns
            .iter()
            .filter(|t| t.people.iter().any(|p| p == person));
        let expected: Vec<(Time, Time)> = own.map(|t| (t.since, t.until)).collect();
        assert!(!expected.is_empty());
        assert_eq!(of(&name(person)), expected, "{person}");
    }
    assert_eq!(of("S, of Web (shadow)").len(), turns.len());
    assert!(text.lines().all(|l| l.len() <= 75), "lines are folded");
    assert!(text.contains("X-WR-CALNAME:Web"));
    // Another day, another window: what is in both has the same identity.
    let uids = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|l| l.starts_with("UID:"))
            .map(str::to_owned)
            .collect()
    };
    let later = of_schedule(&s, &feed("2026-03-09T12:00:00Z"));
    assert!(uids(&later).iter().all(|uid| uids(&text).contains(uid)));
    assert!(uids(&later).len() < uids(&text).len());
    assert_eq!(text, of_schedule(&s, &feed("2026-03-04T00:00:00Z")));
}

#[test]
fn a_persons_calendar_has_their_turns_on_every_schedule_and_nobody_elses() {
    let web = simple(MADRID, "weekly", "2026-03-02 09:00", "ab");
    let mut db = simple(MADRID, "weekly", "2026-03-02 09:00", "ca");
    (db.id, db.name) = ("db".to_owned(), "Database".to_owned());
    db.layers[0].versions[0].shadows = vec!["b".to_owned()];
    let name = |p: &str| p.to_uppercase();
    let feed = Feed {
        from: at("2026-03-03T00:00:00Z"),
        until: at("2026-03-16T00:00:00Z"),
        stamp: Time(0),
        name: &name,
    };
    let titles = |person: &str| -> Vec<String> {
        let text = of_person(person, [&web, &db], &feed);
        read(&text, Tz::UTC)
            .unwrap()
            .events
            .into_iter()
            .map(|e| e.title)
            .collect()
    };
    assert_eq!(titles("a"), ["On call: Web", "On call: Database"]);
    assert_eq!(
        titles("b"),
        ["On call: Web", "Shadow: Database", "Shadow: Database"]
    );
    assert_eq!(titles("nobody"), Vec::<String>::new());
}
