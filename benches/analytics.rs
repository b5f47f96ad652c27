//! A report over 100,000 incidents: reading the facts from the database, counting them, and the words.
//!
//! `cargo bench --bench analytics`. Everything is on this machine, in a file of SQLite in a folder of
//! its own; the page of the console is drawn from the same report.

#![expect(clippy::print_stdout, reason = "a benchmark tells its numbers")]

use firebell::core::analytics::{Asked, Fact, RuleFact, RunFact, told};
use firebell::core::directory::Directory;
use firebell::core::id::IncidentId;
use firebell::core::time::Time;
use firebell::engine::counted;
use firebell::store::{ChangeSet, InsightRows, MeasureRow, Store};
use std::time::{Duration, Instant};

/// Incidents of the span; as many lie in the span before.
const INCIDENTS: i64 = 100_000;
/// Runs; the median counts.
const RUNS: usize = 9;
const DAY_MS: i64 = 86_400_000;

fn fact(rng: &mut fastrand::Rng, opened: Time) -> Fact {
    let resolve = rng.i64(60_000..20_000_000);
    Fact {
        opened,
        detect: Some(rng.i64(0..120_000)),
        acknowledge: Some(rng.i64(0..resolve)),
        mitigate: rng.bool().then(|| rng.i64(0..resolve)),
        resolve,
        severity: rng.u8(0..4),
        service: Some(format!("service-{}", rng.u8(0..60))),
        team: Some(format!("team-{}", rng.u8(0..12))),
        rules: (0..rng.usize(1..4))
            .map(|_| RuleFact {
                rule: format!("Rule{}", rng.u16(0..300)),
                fired: rng.u32(1..5),
                distinct: 1,
                quick: vec![0, 0, 1, 1, 1, 1, 1],
            })
            .collect(),
        pages: (0..rng.usize(0..4))
            .map(|_| (format!("person-{}", rng.u8(0..80)), rng.i64(0..600_000)))
            .collect(),
        runs: if rng.u8(0..5) == 0 {
            vec![RunFact {
                action: "restart".to_owned(),
                worked: 1,
                ..RunFact::default()
            }]
        } else {
            Vec::new()
        },
        ..Fact::default()
    }
}

async fn filled(url: &str, begin: Time, span_ms: i64) -> Store {
    let store = Store::open(url).await.expect("a database");
    let epoch = store.take_over().await.expect("an epoch");
    let mut rng = fastrand::Rng::with_seed(7);
    let all = 2 * INCIDENTS;
    for chunk in 0..all / 1000 {
        let mut rows = InsightRows::default();
        for n in chunk * 1000..(chunk + 1) * 1000 {
            let opened = begin.plus_ms(n * 2 * span_ms / all);
            let row = MeasureRow {
                incident: IncidentId(n + 1),
                seq: 9,
                opened_at: opened,
                fact: Some(fact(&mut rng, opened)),
            };
            rows.measures.insert(row.incident, row);
        }
        let changes = ChangeSet {
            insight: rows,
            ..ChangeSet::default()
        };
        store.commit(epoch, &changes).await.expect("written");
    }
    store
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("bench.db").display());
    let asked = Asked {
        from: "2026-01-01".parse().expect("a day"),
        to: "2026-12-31".parse().expect("a day"),
        zone: chrono_tz::Tz::Europe__Berlin,
        service: None,
        team: None,
        severity: None,
        minutes: 10,
    };
    let (before, span) = (asked.before(), asked.span());
    let store = filled(&url, before.from, span.until.since_ms(span.from) - DAY_MS).await;
    let directory = Directory::default();
    let (mut whole, mut words) = (Vec::new(), Vec::new());
    let mut counted_all = 0;
    for _ in 0..RUNS {
        let begin = Instant::now();
        let report = counted(&store, &directory, &asked, span.until)
            .await
            .expect("a report");
        whole.push(begin.elapsed());
        let begin = Instant::now();
        let text = told(&directory, &report);
        words.push(begin.elapsed());
        assert!(!text.is_empty());
        counted_all = report.all.count + report.before.count;
    }
    println!(
        "{counted_all} incidents of two spans: read and counted in {:?}, told in {:?} (medians of {RUNS})",
        median(&mut whole),
        median(&mut words)
    );
}

fn median(all: &mut [Duration]) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}
