//! Row 23: the postmortem of an incident with 10,000 messages, beside merely reading and printing it.
//!
//! `cargo bench --bench export`. Everything is on this machine: a database file, the journal, the
//! document. No chat platform is configured, so none could be asked for its history.

#![expect(clippy::print_stdout, reason = "a benchmark tells its numbers")]

use firebell::core::alert::{AlertRef, Labels};
use firebell::core::directory::Urgency;
use firebell::core::id::{Actor, AlertId, IncidentId, Severity};
use firebell::core::incident::{Event, Ladder, Origin, Record};
use firebell::core::postmortem::{self, Format, Template};
use firebell::core::time::Time;
use firebell::store::{ChangeSet, EventRow, Store};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const ID: IncidentId = IncidentId(1);
/// Runs of each; the median counts.
const RUNS: usize = 15;

fn journal(messages: u32) -> Vec<Record> {
    let begin = 1_794_830_400_000;
    let at = |seq: u32| Time(begin + i64::from(seq) * 700);
    let alert = AlertRef {
        id: AlertId(1),
        source: "prometheus".to_owned(),
        fingerprint: "f00".to_owned(),
        name: "CheckoutErrors".to_owned(),
        summary: "12% of requests to /pay fail".to_owned(),
        starts_at: Time(begin),
        url: "https://prometheus.example/graph?g0.expr=up".to_owned(),
    };
    let opened = Event::Opened {
        origin: Origin::Alert {
            source: "prometheus".to_owned(),
        },
        title: "Checkout answers with errors".to_owned(),
        severity: Severity(0),
        severity_name: "sev1".to_owned(),
        major_at: Severity(0),
        service: Some("checkout".to_owned()),
        team: Some("web".to_owned()),
        channel: None,
        group_key: "k".to_owned(),
        labels: Labels::new(),
        auto_resolve: true,
        ladder: Ladder::default(),
        turn: 0,
        first_page: None,
        alerts: vec![alert],
        why: vec!["the label service is checkout".to_owned()],
        urgency: Urgency::High,
        auto_resolve_after_ms: None,
        hold_while_firing: false,
        nature: firebell::core::incident::Nature::default(),
    };
    let person = |n: u32| Actor::Person {
        id: format!("person-{}", n % 23),
        name: format!("Person {}", n % 23),
    };
    let said = (0..messages).map(|n| Event::Spoke {
        by: person(n),
        text: format!(
            "Message {n}: the `pool` of web-{} is at {} %, and *nobody* <knows> why | yet",
            n % 7,
            n % 101
        ),
        platform: "slack".to_owned(),
        message: format!("{}.{n:06}", begin / 1000),
        answers: None,
    });
    let resolved = Event::Resolved {
        by: person(1),
        still_firing: 0,
        why: "it is over".to_owned(),
    };
    [opened]
        .into_iter()
        .chain(said)
        .chain([resolved])
        .zip(1u32..)
        .map(|(event, seq)| Record {
            seq,
            at: at(seq),
            cause: format!("slack:Ev{seq}"),
            event,
        })
        .collect()
}

fn median(mut runs: Vec<Duration>) -> Duration {
    runs.sort_unstable();
    runs[runs.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("firebell.db").display());
    let store = Store::open(&url).await.expect("a database");
    let epoch = store.take_over().await.expect("the database");
    let events = journal(10_000).into_iter().zip(1i64..);
    let changes = ChangeSet {
        events: events
            .map(|(record, pos)| EventRow {
                pos,
                incident: ID,
                record,
            })
            .collect(),
        ..ChangeSet::default()
    };
    store.commit(epoch, &changes).await.expect("a journal");
    let template = Template::default();
    let mut floor = Vec::new();
    let mut printed = 0;
    for _ in 0..RUNS {
        let since = Instant::now();
        let mut out = String::new();
        for record in store.journal(ID).await.expect("the journal") {
            if let Event::Spoke { by, text, .. } = &record.event {
                let _ = writeln!(out, "{} {}: {text}", record.at.rfc3339(), by.name());
            }
        }
        printed = out.len();
        floor.push(since.elapsed());
    }
    let floor = median(floor);
    println!(
        "read and print: {:.1} ms, {printed} bytes",
        floor.as_secs_f64() * 1000.0
    );
    for format in Format::ALL {
        let (mut runs, mut bytes) = (Vec::new(), 0);
        for _ in 0..RUNS {
            let since = Instant::now();
            let journal = store.journal(ID).await.expect("the journal");
            let document = postmortem::build(ID, &journal, None);
            bytes = postmortem::export(&document, &template, format).len();
            runs.push(since.elapsed());
        }
        let took = median(runs);
        println!(
            "{}: {:.1} ms, {bytes} bytes, {:.2}x",
            format.word(),
            took.as_secs_f64() * 1000.0,
            took.as_secs_f64() / floor.as_secs_f64()
        );
    }
}
