//! Silences: one sentence each.

use super::*;

const NOW: Time = Time(1_794_830_400_000);

fn silence(id: &str, matchers: &[&str], from: i64, to: i64) -> Silence {
    Silence {
        id: id.to_owned(),
        kind: SilenceKind::Silence,
        matchers: matchers
            .iter()
            .map(|m| Matcher::parse(m).unwrap())
            .collect(),
        service: None,
        starts_at: NOW.plus_ms(from * 1000),
        ends_at: NOW.plus_ms(to * 1000),
        created_by: "Ana".to_owned(),
        owner: None,
        comment: "deploy".to_owned(),
        recurrence: None,
        updated_at: NOW,
    }
}

fn in_force(silences: Vec<Silence>) -> Directory {
    let all = silences.into_iter().map(|s| (s.id.clone(), Arc::new(s)));
    Directory {
        silences: Arc::new(all.collect()),
        ..Directory::default()
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn at(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

#[test]
fn an_alert_is_held_while_every_matcher_fits_and_not_a_moment_longer() {
    let d = in_force(vec![silence("a", &["job=api", "pod=~\"a.*\""], 0, 60)]);
    let fits = labels(&[("job", "api"), ("pod", "a1")]);
    let held = |labels: &Labels, ms| hold(&d, labels, None, NOW.plus_ms(ms)).map(|h| h.until);
    assert_eq!(held(&fits, -1), None);
    assert_eq!(held(&fits, 0), Some(NOW.plus_ms(60_000)));
    assert_eq!(held(&fits, 59_999), Some(NOW.plus_ms(60_000)));
    assert_eq!(held(&fits, 60_000), None);
    assert_eq!(held(&labels(&[("job", "api"), ("pod", "b")]), 0), None);
}

#[test]
fn silences_that_follow_without_a_gap_are_one_rest_and_the_longest_is_named() {
    let d = in_force(vec![
        silence("a", &["job=api"], 0, 60),
        silence("b", &["job=api"], 30, 90),
        silence("c", &["job=api"], 90, 120),
        silence("d", &["job=api"], 121, 180),
    ]);
    let h = hold(&d, &labels(&[("job", "api")]), None, NOW.plus_ms(45_000)).unwrap();
    assert_eq!(
        (h.silence.id.as_str(), h.until),
        ("b", NOW.plus_ms(120_000))
    );
}

#[test]
fn an_incident_is_held_only_while_every_alert_of_it_is() {
    let d = in_force(vec![
        silence("a", &["pod=a"], 0, 60),
        silence("b", &["pod=b"], 0, 30),
    ]);
    let (a, b, c) = (
        labels(&[("pod", "a")]),
        labels(&[("pod", "b")]),
        labels(&[("pod", "c")]),
    );
    let until = |all: &[&Labels]| hold_all(&d, all.iter().copied(), None, NOW).map(|h| h.until);
    assert_eq!(until(&[&a, &b]), Some(NOW.plus_ms(30_000)));
    assert_eq!(until(&[&a, &c]), None);
    assert_eq!(
        until(&[]),
        None,
        "an incident without alerts is not silenced"
    );
}

#[test]
fn maintenance_is_about_a_service_and_nothing_else() {
    let mut m = silence("m", &[], 0, 60);
    (m.kind, m.service) = (SilenceKind::Maintenance, Some("checkout".to_owned()));
    assert!(m.about(&Labels::new(), Some("checkout")));
    assert!(!m.about(&labels(&[("service", "checkout")]), Some("search")));
    assert!(!m.about(&Labels::new(), None));
    assert!(
        !silence("n", &[], 0, 60).about(&Labels::new(), None),
        "nothing named holds nothing"
    );
}

#[test]
fn a_window_that_recurs_keeps_to_the_wall_clock_through_the_change_to_summer_time() {
    let mut s = silence("r", &["job=api"], 0, 0);
    (s.starts_at, s.ends_at) = (at("2026-03-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    s.recurrence = Some(Recurrence {
        written: "0 22 * * SUN".to_owned(),
        cron: CronPlan::parse("0 22 * * SUN").unwrap(),
        zone: Tz::Europe__Berlin,
        duration_ms: 7_200_000,
    });
    let span = |t: &str| s.span(at(t)).unwrap();
    assert_eq!(span("2026-03-22T21:30:00Z").0, at("2026-03-22T21:00:00Z"));
    assert_eq!(s.state(at("2026-03-22T22:59:59Z")), SilenceState::Active);
    assert_eq!(s.state(at("2026-03-22T23:00:00Z")), SilenceState::Pending);
    assert_eq!(
        span("2026-03-22T23:00:00Z"),
        (at("2026-03-29T20:00:00Z"), at("2026-03-29T22:00:00Z"))
    );
    assert_eq!(
        s.last_span(at("2026-03-29T21:00:00Z")).unwrap().1,
        at("2026-03-22T23:00:00Z")
    );
    assert_eq!(
        s.last_span(at("2026-03-29T22:00:00Z")).unwrap().1,
        at("2026-03-29T22:00:00Z")
    );
    assert_eq!(s.state(at("2027-01-01T00:00:00Z")), SilenceState::Expired);
}

#[test]
fn a_silence_is_changed_in_place_only_where_that_cannot_mislead() {
    let before = silence("a", &["job=api"], -60, 60);
    let longer = put(
        Some(&before),
        silence("a", &["job=api"], -60, 600),
        "new",
        NOW,
    );
    assert_eq!((longer.len(), longer[0].id.as_str()), (1, "a"));
    let other = put(
        Some(&before),
        silence("a", &["job=web"], -60, 600),
        "new",
        NOW,
    );
    assert_eq!(other[0].ends_at, NOW, "the old one ends");
    assert_eq!((other[1].id.as_str(), other[1].starts_at), ("new", NOW));
    let moved = put(
        Some(&before),
        silence("a", &["job=api"], 30, 60),
        "new",
        NOW,
    );
    assert_eq!(moved.len(), 2, "the begin of an active one is history");
    let over = silence("a", &["job=api"], -60, -1);
    assert_eq!(
        put(Some(&over), silence("a", &["job=api"], 0, 60), "new", NOW).len(),
        1
    );
}

#[test]
fn what_would_hold_everything_or_nothing_is_refused() {
    let refused = |s: &Silence| check(s, NOW).unwrap_err();
    assert_eq!(
        refused(&silence("a", &["job=\"\""], 0, 60)),
        SilenceRefusal::Everything
    );
    assert_eq!(
        refused(&silence("a", &["job=~\".*\""], 0, 60)),
        SilenceRefusal::Everything
    );
    assert_eq!(
        refused(&silence("a", &["job=x"], 60, 60)),
        SilenceRefusal::Backwards
    );
    assert_eq!(
        refused(&silence("a", &["job=x"], -60, -1)),
        SilenceRefusal::Past
    );
    assert_eq!(
        check(&silence("a", &["job=x", "pod=\"\""], 0, 60), NOW),
        Ok(())
    );
}

#[test]
fn its_owner_is_reminded_before_its_end_each_day_it_lasts_and_when_it_is_over_once_each() {
    let s = silence("a", &["job=x"], 0, 2 * 86_400);
    let (rules, mut marks) = (ReminderRules::default(), Marks::default());
    let (mut said, mut now) = (Vec::new(), NOW);
    for _ in 0..20 {
        let (due, after) = reminders(&s, rules, marks, now);
        said.extend(due.into_iter().map(|r| (now.since_ms(NOW) / 60_000, r)));
        marks = after;
        match next_look(&s, rules, marks, now) {
            Some(next) => now = next,
            None => break,
        }
    }
    let span = (s.starts_at, s.ends_at);
    assert_eq!(
        said,
        [
            (1440, Reminder::Forgotten(span)),
            (2870, Reminder::Ending(span)),
            (2880, Reminder::Digest(span)),
        ]
    );
    let short = silence("b", &["job=x"], 0, 600);
    assert_eq!(
        next_look(&short, rules, Marks::default(), NOW),
        Some(short.ends_at)
    );
}
