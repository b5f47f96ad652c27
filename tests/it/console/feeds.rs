//! Calendars to subscribe to: what is in them, who may read them, and how an address ends.

use super::*;
use crate::tools;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use firebell::calendar::read;
use firebell::core::directory::Directory;
use firebell::core::schedule::{Schedule, parse_handoff};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

fn schedule(id: &str, handoff: &str, people: &[&str]) -> Schedule {
    let starts = NaiveDateTime::parse_from_str("2026-01-05 09:00", "%Y-%m-%d %H:%M").unwrap();
    let handoff = parse_handoff(handoff).unwrap();
    let zone = Tz::Europe__Berlin;
    Schedule::rotation(id, &id.to_uppercase(), zone, (handoff, starts), people)
}

fn with_schedules() -> Directory {
    let mut d = directory();
    for s in [
        schedule("web", "0 9 * * 1", &["ana", "bo"]),
        schedule("db", "daily", &["bo", "cy"]),
    ] {
        d.schedules.insert(s.id.clone(), s);
    }
    d
}

async fn house() -> House {
    let house = House::open().await;
    house.engine.replace_directory(with_schedules());
    house
}

/// The secret address a page shows, as a path of this server.
async fn address(h: &House, who: &str, page: &str) -> String {
    let page = h.page(who, page).await;
    let address = page.split("http://firebell.test").nth(1);
    let address = address.unwrap_or_else(|| panic!("no address: {page}"));
    address.split('"').next().unwrap().to_owned()
}

/// As a calendar program asks: without a cookie.
async fn fetch(h: &House, path: &str, etag: Option<&str>) -> Response {
    let mut request = h.client.get(format!("{}{path}", h.base));
    if let Some(etag) = etag {
        request = request.header("if-none-match", etag);
    }
    request.send().await.unwrap()
}

async fn text(h: &House, path: &str) -> String {
    let answer = fetch(h, path, None).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.text().await.unwrap()
}

/// Title, begin and end of everything in it.
fn events(text: &str) -> BTreeSet<(String, Time, Time)> {
    let found = read(text, Tz::UTC).unwrap();
    assert_eq!(found.odd, Vec::<String>::new());
    let spans = found.events.into_iter().flat_map(|e| {
        let title = e.title;
        e.spans.into_iter().map(move |(a, b)| (title.clone(), a, b))
    });
    spans.collect()
}

const DAY: i64 = 86_400_000;

/// The day the test begins on, as the feed counts days.
fn today() -> Time {
    Time(START.0 - START.0.rem_euclid(DAY))
}

#[tokio::test]
async fn a_schedules_feed_has_its_turns_and_reads_back_as_them() {
    let h = house().await;
    let path = address(&h, "ana", "/oncall/web").await;
    assert!(
        path.starts_with("/calendar/") && path.rsplit('.').next() == Some("ics"),
        "{path}"
    );
    let answer = fetch(&h, &path, None).await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/calendar; charset=utf-8");
    assert_eq!(header("cache-control"), "private, max-age=300");
    assert_eq!(
        header("content-disposition"),
        "inline; filename=\"web.ics\""
    );
    let body = answer.text().await.unwrap();
    let expected: BTreeSet<_> = with_schedules().schedules["web"]
        .turns(today().plus_ms(-31 * DAY), today().plus_ms(184 * DAY))
        .into_iter()
        .map(|t| (t.people[0].clone(), t.since, t.until))
        .collect();
    assert!(expected.len() > 25);
    assert_eq!(events(&body), expected);
    assert!(body.contains("DTSTAMP:20261116T120000Z") && !body.contains("19700101"));
}

#[tokio::test]
async fn a_persons_feed_has_their_turns_on_every_schedule_and_nobody_elses() {
    let h = house().await;
    let path = address(&h, "bo", "/me").await;
    let got = events(&text(&h, &path).await);
    let mut expected = BTreeSet::new();
    for s in with_schedules().schedules.values() {
        for t in s.turns(today().plus_ms(-31 * DAY), today().plus_ms(184 * DAY)) {
            if t.people == ["bo"] {
                expected.insert((format!("On call: {}", s.name), t.since, t.until));
            }
        }
    }
    assert!(
        expected.len() > 100,
        "every second day, and every second week"
    );
    assert_eq!(got, expected);
    assert_ne!(path, address(&h, "ana", "/me").await);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again_and_what_has_is() {
    let h = house().await;
    let path = address(&h, "ana", "/oncall/web").await;
    let etag = fetch(&h, &path, None).await.headers()["etag"]
        .to_str()
        .unwrap()
        .to_owned();
    for known in [etag.clone(), format!("\"x\", W/{etag}"), "*".to_owned()] {
        let again = fetch(&h, &path, Some(&known)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(again.headers()["etag"].to_str().unwrap(), etag);
        assert!(again.bytes().await.unwrap().is_empty());
    }
    let mut changed = with_schedules();
    changed.schedules.insert(
        "web".to_owned(),
        schedule("web", "0 9 * * 1", &["bo", "ana"]),
    );
    h.engine.replace_directory(changed);
    let anew = fetch(&h, &path, Some(&etag)).await;
    assert_eq!(anew.status(), StatusCode::OK);
    assert_ne!(anew.headers()["etag"].to_str().unwrap(), etag);
}

#[tokio::test]
async fn a_new_address_ends_the_old_one_and_nobody_elses() {
    let h = house().await;
    let (web, db) = (
        address(&h, "ana", "/oncall/web").await,
        address(&h, "ana", "/oncall/db").await,
    );
    let (ana, bo) = (
        address(&h, "ana", "/me").await,
        address(&h, "bo", "/me").await,
    );
    for (form, page, old) in [
        ("/oncall/web/feed", "/oncall/web", &web),
        ("/me/feed", "/me", &ana),
    ] {
        let answer = h.post("ana", form, &[("click", CLICK)]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{form}");
        assert_eq!(
            fetch(&h, old, None).await.status(),
            StatusCode::NOT_FOUND,
            "{old}"
        );
        let new = address(&h, "ana", page).await;
        assert_ne!(&new, old);
        text(&h, &new).await;
    }
    for other in [&db, &bo] {
        text(&h, other).await;
    }
    // It stays so after the next look, and a second time ends the second.
    let second = address(&h, "ana", "/oncall/web").await;
    h.post("ana", "/oncall/web/feed", &[("click", CLICK)]).await;
    assert_eq!(
        fetch(&h, &second, None).await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(fetch(&h, &web, None).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_has_not_said_who_they_are_or_comes_from_elsewhere_ends_no_address() {
    let h = house().await;
    let web = address(&h, "ana", "/oncall/web").await;
    let guest = h.post("", "/oncall/web/feed", &[("click", CLICK)]).await;
    assert!(location(&guest).starts_with("/people"), "{guest:?}");
    let form = h.client.post(format!("{}/oncall/web/feed", h.base));
    let foreign = form
        .header(COOKIE, "firebell_who=ana")
        .header(ORIGIN, "https://evil.example")
        .form(&[("click", CLICK)]);
    assert_eq!(
        foreign.send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
    let unknown = h
        .post("ana", "/oncall/nope/feed", &[("click", CLICK)])
        .await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    text(&h, &web).await;
}

#[tokio::test]
async fn whatever_is_wrong_with_an_address_gets_the_same_answer() {
    let h = house().await;
    let web = address(&h, "ana", "/oncall/web").await;
    let mut bent = web.clone().into_bytes();
    let at = bent.len() - 8;
    bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
    // Signed by us for something else: it must not open a calendar.
    let key = h.engine.button_key();
    let other = key.seal("link", "schedule web first");
    let nobody = key.seal("calendar", "person mallory first");
    let wrong = [
        String::from_utf8(bent).unwrap(),
        web.trim_end_matches(".ics").to_owned(),
        format!("{web}x"),
        "/calendar/web.ics".to_owned(),
        "/calendar/.ics".to_owned(),
        format!("/calendar/{other}.ics"),
        format!("/calendar/{nobody}.ics"),
    ];
    let mut bodies = BTreeSet::new();
    for path in wrong {
        let answer = fetch(&h, &path, None).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        bodies.insert(answer.text().await.unwrap());
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    // A schedule that is gone takes its feed along.
    h.engine.replace_directory(directory());
    assert_eq!(fetch(&h, &web, None).await.status(), StatusCode::NOT_FOUND);
}

/// The Python of the judges when it has `icalendar`.
fn judge() -> Option<std::path::PathBuf> {
    let own = std::env::var_os("FIREBELL_JUDGE_PYTHON").map(std::path::PathBuf::from);
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/judges/bin/python");
    let python = own.unwrap_or_else(usual);
    let asked = Command::new(&python)
        .args(["-c", "import icalendar"])
        .stderr(Stdio::null())
        .status();
    if asked.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    tools::skip("no Python with icalendar (FIREBELL_JUDGE_PYTHON)");
    None
}

#[tokio::test]
async fn a_library_written_by_others_reads_the_same_shifts_from_a_feed() {
    let Some(python) = judge() else {
        return;
    };
    let h = house().await;
    for (who, page) in [("ana", "/oncall/web"), ("bo", "/me")] {
        let body = text(&h, &address(&h, who, page).await).await;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/ics.py");
        let mut child = Command::new(&python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(body.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{page}");
        let told: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let time = |v: &Value| Time::parse_rfc3339(v.as_str().unwrap()).unwrap();
        let told: BTreeSet<_> = told
            .iter()
            .map(|e| {
                (
                    e["title"].as_str().unwrap().to_owned(),
                    time(&e["begin"]),
                    time(&e["end"]),
                )
            })
            .collect();
        assert_eq!(told, events(&body), "{page}");
    }
}
