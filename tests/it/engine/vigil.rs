//! News of turns on both databases: told once, at their time, whatever crashed.

use super::covers::weekly;
use super::{CHECKOUT, Command, World, on_both, person};
use crate::process::{PATIENCE, until};
use crate::world::directory;
use firebell::core::directory::{Service, Target, Team};
use firebell::core::incident::ConductCommand;
use firebell::core::schedule::{Listed, Schedule, Shift, Temporary};
use firebell::engine::Clock;

/// From Monday noon, when the world starts, to a Monday.
const WEEK: i64 = 7 * 86_400;

#[tokio::test]
async fn a_turn_is_announced_an_hour_before_and_briefed_when_it_begins() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(weekly).await;
        w.fire("Slow", CHECKOUT).await;
        let report = ConductCommand::Report {
            by: person("ana"),
            conditions: "errors at 20 %".to_owned(),
            actions: String::new(),
            needs: "a DBA".to_owned(),
        };
        w.tell(1, Command::Conduct(report)).await;
        // Monday 08:00, an hour before Bo's turn.
        w.advance_secs(WEEK - 4 * 3600).await;
        let told = w.platform.lines("@bo");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("Your turn on Web begins at Mon 23 Nov 09:00 UTC, after ana, until Mon 30 Nov 09:00 UTC."),
            "{told:?}"
        );
        w.kill_and_restart().await;
        w.advance_secs(3600).await;
        let told = w.platform.lines("@bo");
        assert_eq!(told.len(), 2, "{told:?}");
        for part in [
            "You are on call on Web now, until Mon 30 Nov 09:00 UTC.",
            "The turn before: 1 incident.",
            "Open: #1 sev2 “Slow: Slow is bad”, with nobody yet.",
            "ana reported at Mon 16 Nov 12:00 UTC: errors at 20 %; actions: nothing; needs: a DBA.",
        ] {
            assert!(told[1].contains(part), "{part}: {told:?}");
        }
        w.kill_and_restart().await;
        w.advance_secs(60).await;
        assert_eq!(w.platform.lines("@bo").len(), 2, "told once");
        assert!(w.platform.lines("@ana").is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_will_go_wrong_is_told_once_as_a_digest_in_the_morning() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(|d| {
            weekly(d);
            // Nobody can reach Dee.
            d.people.get_mut("dee").unwrap().contacts.clear();
        })
        .await;
        let digests = |w: &World| {
            let said = w.platform.lines("#web").into_iter();
            let said = said.filter(|l| l.starts_with("On call in the next 30 days:"));
            said.collect::<Vec<_>>()
        };
        w.advance_secs(20 * 3600).await;
        assert!(digests(&w).is_empty(), "not in the night");
        w.advance_secs(3600).await;
        let told = digests(&w);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("dee is on call on Web and has no contact"),
            "{told:?}"
        );
        for _ in 0..3 {
            w.advance_secs(86_400).await;
        }
        w.kill_and_restart().await;
        w.advance_secs(86_400).await;
        assert_eq!(digests(&w).len(), 1, "no spam");
    })
    .await;
}

#[tokio::test]
async fn a_turn_is_told_by_the_clock_alone_when_nobody_asks() {
    let now = Clock::Real.now();
    let shift = |person: &str, from: i64, until: i64| Shift {
        since: now.plus_ms(from),
        until: now.plus_ms(until),
        people: [person.to_owned()].into(),
        title: "".into(),
    };
    let shifts = [
        shift("ana", -3_600_000, 2_000),
        shift("bo", 2_000, 7_200_000),
    ];
    let mut d = directory();
    let schedule = Schedule {
        id: "web".to_owned(),
        name: "Web".to_owned(),
        temporary: vec![Temporary {
            name: "the test".to_owned(),
            since: now.plus_ms(-3_600_000),
            until: now.plus_ms(7_200_000),
            shifts: shifts.into_iter().collect::<Listed>(),
        }],
        ..Schedule::default()
    };
    d.schedules.insert("web".to_owned(), schedule);
    let w = World::by_the_clock("sqlite::memory:", d).await;
    let told = until("Bo is told that the turn has begun", PATIENCE, async || {
        let lines = w.platform.lines("@bo");
        let told = lines
            .iter()
            .find(|l| l.starts_with("You are on call on Web now"));
        told.cloned().ok_or(lines)
    });
    assert!(told.await.contains("Nothing is open."));
}

#[tokio::test]
async fn a_brief_counts_the_incidents_of_its_own_schedule() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(|d| {
            weekly(d);
            // Another team with Ana in it, its own service, policy and ladder.
            let mut other = d.policies["web"].clone();
            other.id = "db".to_owned();
            other.rungs[0].targets = vec![Target::Schedule("db".to_owned())];
            d.policies.insert("db".to_owned(), other);
            let mut db = d.schedules["web"].clone();
            (db.id, db.name) = ("db".to_owned(), "Database".to_owned());
            d.schedules.insert("db".to_owned(), db);
            let team = Team {
                id: "db".to_owned(),
                policy: Some("db".to_owned()),
                ..d.teams["web"].clone()
            };
            d.teams.insert("db".to_owned(), team);
            let service = Service {
                id: "db".to_owned(),
                team: "db".to_owned(),
                policy: Some("db".to_owned()),
                ..d.services["checkout"].clone()
            };
            d.services.insert("db".to_owned(), service);
        })
        .await;
        w.fire("Slow", CHECKOUT).await;
        for name in ["A", "B", "C"] {
            w.fire(name, &[("service", "db"), ("severity", "warning")])
                .await;
        }
        w.advance_secs(WEEK - 3 * 3600).await;
        let briefs: Vec<String> = w.platform.lines("@bo");
        let of = |name: &str| {
            let brief = briefs
                .iter()
                .find(|l| l.starts_with(&format!("You are on call on {name} now")));
            brief
                .cloned()
                .unwrap_or_else(|| panic!("{name}: {briefs:?}"))
        };
        assert!(
            of("Web").contains("The turn before: 1 incident."),
            "{briefs:?}"
        );
        assert!(
            of("Database").contains("The turn before: 3 incidents."),
            "{briefs:?}"
        );
        assert!(!of("Web").contains("“A: A is bad”"), "{briefs:?}");
    })
    .await;
}
