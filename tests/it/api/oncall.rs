//! Who is on call, and the shifts of a span, as programs ask for them.

use super::*;
use chrono::NaiveDateTime;
use firebell::core::directory::Directory;
use firebell::core::schedule::{Schedule, parse_handoff};

/// The world's directory, with a schedule on which ana and bo have a week each, from Mondays at nine in Berlin.
pub(super) fn roster(id: &str) -> Directory {
    let starts = NaiveDateTime::parse_from_str("2026-01-05 09:00", "%Y-%m-%d %H:%M").unwrap();
    let handoff = parse_handoff("0 9 * * 1").unwrap();
    let zone = chrono_tz::Tz::Europe__Berlin;
    let mut schedule = Schedule::rotation(id, "Web", zone, (handoff, starts), &["ana", "bo"]);
    schedule.layers[0].versions[0].shadows = vec!["dee".to_owned()];
    let mut d = directory();
    d.schedules.insert(id.to_owned(), schedule);
    d
}

async fn rostered() -> House {
    let house = House::open().await;
    house.world.engine.replace_directory(roster("web"));
    house
}

#[tokio::test]
async fn who_is_on_call_is_told_with_the_reason_now_and_at_any_time() {
    let house = rostered().await;
    let now = house.list("/oncall").await;
    let why = "layer rotation, turn 46, until Mon 23 Nov 09:00 CET";
    assert_eq!(
        now[0]["people"],
        json!([{"id": "bo", "name": "bo", "why": why}])
    );
    assert_eq!(now[0]["shadows"], json!([{"id": "dee", "name": "dee"}]));
    assert_eq!(
        now[0]["next"]["people"],
        json!([{"id": "ana", "name": "ana"}])
    );
    let later = house
        .list("/oncall?at=2026-12-24T18:00:00%2B01:00&schedule=web")
        .await;
    assert_eq!(later[0]["people"][0]["id"], "ana");
}

#[tokio::test]
async fn the_shifts_of_a_span_follow_each_other_without_a_hole() {
    let house = rostered().await;
    let span = "from=2026-11-18T00:00:00Z&to=2026-12-02T00:00:00Z";
    let shifts = house.list(&format!("/schedules/web/shifts?{span}")).await;
    let told: Vec<(&str, &str, &str)> = shifts
        .iter()
        .map(|s| {
            let text = |v: &'static str| s[v].as_str().unwrap();
            (
                s["people"][0]["id"].as_str().unwrap(),
                text("since"),
                text("until"),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("bo", "2026-11-18T00:00:00.000Z", "2026-11-23T08:00:00.000Z"),
            (
                "ana",
                "2026-11-23T08:00:00.000Z",
                "2026-11-30T08:00:00.000Z"
            ),
            ("bo", "2026-11-30T08:00:00.000Z", "2026-12-02T00:00:00.000Z"),
        ]
    );
    assert_eq!(shifts[0]["shadows"], json!([{"id": "dee", "name": "dee"}]));
    // Thirty days from now when nothing is said.
    let usual = house.list("/schedules/web/shifts").await;
    assert_eq!(usual[0]["since"], START.rfc3339());
    assert_eq!(
        usual.last().unwrap()["until"],
        START.plus_ms(30 * 86_400_000).rfc3339()
    );
    for (query, words) in [
        (
            "from=2026-11-18T00:00:00Z&to=2026-11-18T00:00:00Z",
            "not after",
        ),
        (
            "from=2020-11-18T00:00:00Z&to=2026-11-18T00:00:00Z",
            "366 days",
        ),
        ("form=2026-11-18T00:00:00Z", "no parameter `form`"),
        ("to=soon", "RFC 3339"),
    ] {
        let reply = house.get(&format!("/schedules/web/shifts?{query}")).await;
        assert_eq!(
            reply.refusal(),
            (400, "bad_parameter".to_owned()),
            "{query}"
        );
        assert!(reply.text().contains(words), "{query}: {}", reply.text());
    }
    let nope = house.get("/schedules/nope/shifts").await;
    assert_eq!(nope.refusal(), (404, "not_found".to_owned()));
    assert!(
        nope.text().contains("there is `web`") || nope.text().contains("there is web"),
        "{}",
        nope.text()
    );
}
