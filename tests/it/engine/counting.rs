//! What past incidents count for: read once when they are over, again when they change, and the same
//! whenever it is made.

use super::runs::echoes;
use crate::world::{START, World, person};
use firebell::core::analytics::{Asked, Fact, Span, fact};
use firebell::core::id::IncidentId;
use firebell::core::incident::{Command, Shape};
use firebell::core::time::Time;
use firebell::engine::counted;

const CHECKOUT: &[(&str, &str)] = &[("service", "checkout"), ("severity", "critical")];

const ALWAYS: Span = Span {
    from: Time(0),
    until: Time(i64::MAX),
};

async fn facts(w: &World) -> Vec<Fact> {
    w.settle().await;
    let mut last = None;
    // Learning has a task of its own: it is done when nothing is left to read.
    for _ in 0..1000 {
        let left = w
            .engine
            .store()
            .unmeasured(IncidentId(0), 10)
            .await
            .unwrap();
        if left.is_empty() {
            last = Some(w.engine.store().facts(ALWAYS).await.unwrap());
            break;
        }
        tokio::task::yield_now().await;
    }
    last.expect("it is read to the end")
}

#[tokio::test]
async fn an_incident_that_is_over_is_counted_from_its_journal_and_open_ones_are_not() {
    let w = World::on("sqlite::memory:").await;
    w.fire("Slow", CHECKOUT).await;
    assert_eq!(facts(&w).await, []);
    w.advance_secs(120).await;
    w.tell(1, Command::Acknowledge { by: person("ana") }).await;
    w.advance_secs(480).await;
    w.tell(1, Command::Resolve { by: person("ana") }).await;
    let all = facts(&w).await;
    let journal = w.journal(1).await;
    assert_eq!(all, [fact(IncidentId(1), &journal).unwrap()]);
    let first = &all[0];
    assert_eq!(first.acknowledge, Some(120_000));
    assert_eq!(first.resolve, 600_000);
    assert_eq!(first.service.as_deref(), Some("checkout"));
    assert_eq!((first.rules.len(), first.rules[0].fired), (1, 1));
    assert!(first.rules[0].quick.is_empty(), "somebody had it");
    assert!(!first.pages.is_empty());
    // Open again it counts for nothing, and then with the later end.
    w.tell(1, Command::Reopen { by: person("bo") }).await;
    assert_eq!(facts(&w).await, []);
    w.advance_secs(300).await;
    w.tell(1, Command::Resolve { by: person("bo") }).await;
    let again = facts(&w).await;
    assert_eq!((again[0].resolve, again[0].reopened), (900_000, 1));
}

#[tokio::test]
async fn what_cleared_by_itself_is_noise_and_what_was_merged_counts_with_the_survivor() {
    let w = World::on("sqlite::memory:").await;
    w.fire("Blip", CHECKOUT).await;
    w.advance_secs(240).await;
    w.clear("Blip", CHECKOUT).await;
    let blip = &facts(&w).await[0];
    // Within 5, 10, 15, 30 and 60 minutes, and not within 1 or 2.
    assert_eq!(blip.rules[0].quick, [0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(blip.acknowledge, None);
    w.fire("Slow", CHECKOUT).await;
    w.fire("Full", &[("service", "search"), ("severity", "critical")])
        .await;
    let merged = w
        .engine
        .merge("test:merge", IncidentId(3), IncidentId(2), person("ana"));
    merged.await.unwrap();
    w.tell(2, Command::Resolve { by: person("ana") }).await;
    let all = facts(&w).await;
    assert_eq!(
        all.iter().map(|f| f.merged).collect::<Vec<_>>(),
        [false, false, true]
    );
    let report = report(&w).await;
    assert_eq!((report.all.count, report.merged), (2, 1));
    let rules: Vec<(&str, u32)> = report
        .rules
        .iter()
        .map(|r| (r.rule.as_str(), r.fired))
        .collect();
    assert_eq!(
        rules,
        [("Blip", 1), ("Full", 1), ("Slow", 1)],
        "alerts of what was merged were real"
    );
}

/// Today's report.
async fn report(w: &World) -> firebell::core::analytics::Report {
    let zone = chrono_tz::Tz::UTC;
    let day = firebell::core::fairness::today(zone, START);
    let asked = Asked {
        from: day,
        to: day,
        zone,
        service: None,
        team: None,
        severity: None,
        minutes: 10,
    };
    let directory = w.engine.directory();
    let report = counted(w.engine.store(), &directory, &asked, w.engine.now()).await;
    report.unwrap()
}

#[tokio::test]
async fn a_drill_is_no_incident_no_load_no_noise_and_no_run_of_any_count_until_it_is_real() {
    let w = World::on("sqlite::memory:").await;
    let practised = [CHECKOUT, &[("drill", "yes")]].concat();
    w.fire("Blip", &practised).await;
    echoes(&w).await;
    while !w.kinds(1).await.contains(&"run_ended") {
        tokio::task::yield_now().await;
    }
    assert!(!w.incident(1).await.paged.is_empty(), "it woke somebody");
    w.advance_secs(240).await;
    w.clear("Blip", &practised).await;
    facts(&w).await;
    let told = report(&w).await;
    assert_eq!((told.all.count, told.drills), (0, 1));
    assert!(told.groups.iter().all(|g| g.rows.is_empty()));
    assert!(
        told.people.iter().all(|p| p.pages == 0),
        "{:?}",
        told.people
    );
    assert!(told.rules.is_empty(), "{:?}", told.rules);
    assert!(told.actions.is_empty(), "{:?}", told.actions);
    let scraped = w.engine.metrics().render(w.engine.now()).unwrap();
    let counted = |text: &str| {
        let ended = text
            .lines()
            .filter(|l| l.starts_with("firebell_incident_resolve_seconds_count"));
        ended
            .map(|l| l.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum::<f64>()
    };
    assert!(counted(&scraped).abs() < 0.5, "{scraped}");
    // It was real after all: it counts, whatever its sender's label says.
    let real = Shape::Drill { drill: false };
    let command = Command::Shape {
        by: person("ana"),
        shape: Box::new(real),
    };
    w.tell(1, command).await;
    facts(&w).await;
    let told = report(&w).await;
    assert_eq!((told.all.count, told.drills), (1, 0));
    assert_eq!(told.rules.len(), 1);
    assert_eq!(told.actions.len(), 1);
    assert!(told.people.iter().any(|p| p.pages > 0));
}

#[tokio::test]
async fn a_start_counts_what_an_older_version_never_did() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("firebell.db").display());
    let mut w = World::on(&url).await;
    w.fire("Slow", CHECKOUT).await;
    w.tell(1, Command::Resolve { by: person("ana") }).await;
    let before = facts(&w).await;
    assert_eq!(before.len(), 1);
    w.kill_and_restart().await;
    assert_eq!(facts(&w).await, before);
}
