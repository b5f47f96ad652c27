//! `oncall` and `shifts` on a real engine: who, why, and what comes.

use crate::world::{World, directory, person};
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use firebell::core::directory::Directory;
use firebell::core::id::Actor;
use firebell::core::schedule::{Override, Schedule, Source, parse_handoff};
use firebell::core::time::Time;
use firebell::dispatch::{Reply, perform};

fn at(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

fn rotation(id: &str, name: &str, handoff: &str, people: &[&str]) -> Schedule {
    let starts = NaiveDateTime::parse_from_str("2026-10-26 09:00", "%Y-%m-%d %H:%M").unwrap();
    let handoff = parse_handoff(handoff).unwrap();
    Schedule::rotation(id, name, Tz::Europe__Berlin, (handoff, starts), people)
}

/// Ana lives in Tokyo; Bo covers her tonight; Dee shadows the database.
fn small() -> Directory {
    let mut d = directory();
    d.people.get_mut("ana").unwrap().zone = Tz::Asia__Tokyo;
    let mut web = rotation("web-primary", "Web primary", "weekly", &["ana", "bo", "cy"]);
    web.overrides.push(Override {
        id: "o1".to_owned(),
        remove: Some("ana".to_owned()),
        add: Some("bo".to_owned()),
        since: at("2026-11-16T17:00:00Z"),
        until: at("2026-11-17T05:00:00Z"),
        by: "lea".to_owned(),
        created: at("2026-11-01T00:00:00Z"),
        note: String::new(),
    });
    let mut db = rotation("db", "Database", "weekly", &["cy"]);
    db.layers[0].versions[0].shadows = vec!["dee".to_owned()];
    let mut pair = rotation("pair", "Pair", "daily", &["ana", "bo"]);
    if let Source::Rotation(r) = &mut pair.layers[0].versions[0].source {
        r.turns = vec![vec![], vec!["ana".to_owned(), "bo".to_owned()]];
    }
    for s in [web, db, pair] {
        d.schedules.insert(s.id.clone(), s);
    }
    d
}

async fn says(who: Actor, text: &str) -> Reply {
    let w = World::with("sqlite::memory:", small()).await;
    perform(&w.engine, who, "slack", None, text, "test:1").await
}

async fn told(text: &str) -> String {
    let reply = says(person("ana"), text).await;
    assert!(reply.ok && !reply.room, "{text}: {reply:?}");
    reply.text
}

#[tokio::test]
async fn who_is_on_call_is_told_with_the_reason_and_the_next_two() {
    assert_eq!(
        told("oncall web-primary").await,
        "Web primary: ana until Mon 16 Nov 18:00 CET, then bo until Tue 17 Nov 06:00 CET, then ana. \
         Because: layer rotation, turn 4, until Mon 23 Nov 09:00 CET."
    );
    // A rotation of one hands over to nobody; who shadows is said.
    assert_eq!(
        told("oncall db").await,
        "Database: cy until further notice. Because: layer rotation, turn 4, until Mon 23 Nov 09:00 CET. \
         Shadow: dee."
    );
    assert_eq!(
        told("oncall pair").await,
        "Pair: ana and bo until Tue 17 Nov 09:00 CET, then nobody until Wed 18 Nov 09:00 CET, then ana and bo. \
         Because: ana by layer rotation, turn 22; bo by layer rotation, turn 22."
    );
}

#[tokio::test]
async fn another_time_is_named_on_the_askers_clock() {
    // Seven in the morning of tomorrow in Tokyo is eleven tonight in Berlin: Bo covers.
    assert_eq!(
        told("oncall web-primary at 07:00").await,
        "At Tue 17 Nov 07:00 JST:\n\
         Web primary: bo until Tue 17 Nov 06:00 CET, then ana until Mon 23 Nov 09:00 CET, then bo. \
         Because: override by lea: covers ana."
    );
    let christmas = told("oncall web-primary at 2026-12-24 18:00").await;
    assert!(
        christmas
            .starts_with("At Thu 24 Dec 18:00 JST:\nWeb primary: cy until Mon 28 Dec 09:00 CET"),
        "{christmas}"
    );
}

#[tokio::test]
async fn of_a_person_it_says_whether_they_are_and_when_they_are_next() {
    let bo = told("oncall bo").await;
    assert!(
        bo.starts_with("bo is on call on Pair. Next: Web primary from Mon 16 Nov 18:00 CET.\n"),
        "{bo}"
    );
    assert_eq!(told("oncall dee").await, "dee is on no schedule.");
}

#[tokio::test]
async fn my_shifts_are_on_my_clock_and_somebody_elses_too() {
    let mine = told("shifts").await;
    let lines: Vec<&str> = mine.lines().collect();
    assert_eq!(lines[0], "Shifts of ana in the next 60 days:");
    assert_eq!(lines[1], "now until Tue 17 Nov 02:00 JST: Web primary");
    assert_eq!(lines[2], "now until Tue 17 Nov 17:00 JST: Pair");
    assert_eq!(
        lines[3],
        "Tue 17 Nov 14:00 JST until Mon 23 Nov 17:00 JST: Web primary"
    );
    assert_eq!(lines.len(), 14, "twelve, and how many more: {mine}");
    assert!(lines[13].ends_with("more, on the console."));
    let dee = told("shifts dee").await;
    assert_eq!(
        dee, "dee has no shift in the next 60 days.",
        "a shadow is not paged"
    );
    let kim = Actor::Unlinked {
        id: "slack:U9".to_owned(),
        name: "Kim".to_owned(),
    };
    let stranger = says(kim, "shifts").await;
    assert!(
        !stranger.ok && stranger.text.contains("`shifts ana`"),
        "{stranger:?}"
    );
}
