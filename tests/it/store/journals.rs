//! The journal: order, redaction, what a starting process reads, numbers never given out twice.

use super::{on_both, rows};
use firebell::core::id::{Actor, IncidentId, RunId};
use firebell::core::incident::{Event, Incident};
use firebell::store::{ChangeSet, HighWater, StoreFault};

#[tokio::test]
async fn only_open_incidents_and_those_that_wake_are_held_in_memory() {
    on_both(async |database| {
        let mine = database.mine().await;
        let mut wakes_later = rows::resolved(3);
        wakes_later.wake_at = Some(rows::at(1_000));
        mine.write(|c| {
            for row in [
                rows::incident(1),
                rows::resolved(2),
                wakes_later,
                rows::incident(4),
            ] {
                c.incidents.insert(row.id, row);
            }
            // interleaved, as a storm writes them
            let seqs = (1..=12).flat_map(|seq| (1..=4).map(move |id| (id, seq)));
            let events = (1..)
                .zip(seqs)
                .map(|(pos, (id, seq))| rows::event(pos, id, seq));
            c.events.extend(events);
        })
        .await;
        let incidents = mine.store.open_incidents().await.unwrap();
        let ids: Vec<i64> = incidents.iter().map(|i| i.id.0).collect();
        assert_eq!(ids, [1, 3, 4]);
        for incident in &incidents {
            let records = mine.store.journal(incident.id).await.unwrap();
            assert!(records.iter().map(|r| r.seq).eq(1..=12));
            assert_eq!(*incident, Incident::replay(incident.id, &records));
        }
        assert_eq!(mine.store.journal(IncidentId(2)).await.unwrap().len(), 12);
        assert_eq!(mine.store.journal(IncidentId(9)).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_start_knows_what_the_fold_of_each_journal_knows() {
    on_both(async |database| {
        let mine = database.mine().await;
        let shapes = every_shape();
        mine.write(|c| {
            c.incidents
                .extend((1..=5).map(|id| (IncidentId(id), rows::incident(id))));
            let places = (1..=5).flat_map(|id| (1..).zip(&shapes).map(move |(n, e)| (id, n, e)));
            c.events
                .extend((1..).zip(places).map(|(pos, (id, n, event))| {
                    let mut row = rows::event(pos, id, n);
                    row.record.event = event.clone();
                    row
                }));
        })
        .await;
        // one whose lines do not follow each other is read the long way
        database
            .raw("delete from events where incident = 2 and seq = 3")
            .await;
        let incidents = mine.store.open_incidents().await.unwrap();
        assert_eq!(incidents.len(), 5);
        for incident in incidents {
            let journal = mine.store.journal(incident.id).await.unwrap();
            assert!(journal.len() >= shapes.len() - 1);
            assert_eq!(incident, Incident::replay(incident.id, &journal));
        }
    })
    .await;
}

/// Every shape of event ever written, an opening first, and text that no format likes.
fn every_shape() -> Vec<Event> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/events");
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort_by_key(|path| (!path.ends_with("opened.json"), path.clone()));
    let read = |path: &std::path::PathBuf| {
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let mut shapes: Vec<Event> = files.iter().map(read).collect();
    assert!(shapes.len() > 25 && matches!(shapes[0], Event::Opened { .. }));
    for text in ["]],[[", "\"\\\n\t\r\u{1}\0", "\u{2028}\u{1f525}", ""] {
        shapes.push(Event::Noted {
            by: Actor::Firebell,
            text: text.to_owned(),
            happened_at: None,
        });
    }
    shapes
}

#[tokio::test]
async fn a_redacted_event_leaves_nothing_but_its_kind() {
    on_both(async |database| {
        let mine = database.mine().await;
        mine.write(|c| {
            c.events
                .extend((1..=3).map(|n| rows::event(n, 1, n as u32)));
        })
        .await;
        mine.write(|c| {
            let what = (IncidentId(1), 2, removed("noted"));
            c.redactions = vec![what.clone(), what];
        })
        .await;
        let journal = mine.store.journal(IncidentId(1)).await.unwrap();
        assert_eq!(journal[1].event, removed("noted"));
        assert_eq!((journal[1].seq, journal[1].at), (2, rows::at(2)));
        assert_eq!(journal[0], rows::event(1, 1, 1).record);
        assert_eq!(journal[2], rows::event(3, 1, 3).record);
    })
    .await;
}

#[tokio::test]
async fn a_redaction_that_finds_no_event_is_not_said_to_have_happened() {
    on_both(async |database| {
        let mine = database.mine().await;
        let changes = ChangeSet {
            redactions: vec![(IncidentId(1), 2, removed("noted"))],
            events: vec![rows::event(1, 1, 1)],
            ..ChangeSet::default()
        };
        assert!(mine.store.commit(mine.epoch, &changes).await.is_err());
        assert_eq!(mine.store.journal(IncidentId(1)).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn an_event_of_a_later_version_is_named_not_skipped() {
    on_both(async |database| {
        let mine = database.mine().await;
        mine.write(|c| {
            c.incidents.insert(IncidentId(7), rows::incident(7));
            c.events
                .extend((1..=3).map(|n| rows::event(n, 7, n as u32)));
        })
        .await;
        database
            .raw("update events set body = '{\"teleported\":{}}' where seq = 2")
            .await;
        let one = mine.store.journal(IncidentId(7)).await.map(drop);
        let all = mine.store.open_incidents().await.map(drop);
        for fault in [one, all] {
            let Err(StoreFault::Unreadable(words)) = fault else {
                panic!("{fault:?}");
            };
            assert!(words.contains("event 2 of incident #7"), "{words}");
            assert!(words.contains("teleported"), "{words}");
        }
    })
    .await;
}

#[tokio::test]
async fn words_the_outbox_does_not_know_are_named() {
    on_both(async |database| {
        let mine = database.mine().await;
        mine.write(|c| c.outbox.push(rows::outbox(5))).await;
        database
            .raw("update outbox set lane = 'carrier pigeon'")
            .await;
        let fault = mine.store.pending_outbox().await.unwrap_err().to_string();
        assert!(fault.contains("outbox row 5"), "{fault}");
        assert!(fault.contains("`carrier pigeon`"), "{fault}");
    })
    .await;
}

fn run_asked(run: i64) -> Event {
    Event::RunAsked {
        run: RunId(run),
        action: "restart".to_owned(),
        title: "Restart".to_owned(),
        digest: "d".to_owned(),
        argv: vec!["true".to_owned()],
        by: Actor::Firebell,
        needs: 1,
        expires: rows::at(60),
        terms: Box::default(),
    }
}

#[tokio::test]
async fn no_number_is_given_out_twice() {
    on_both(async |database| {
        let mine = database.mine().await;
        let empty = mine.store.high_water().await.unwrap();
        assert_eq!(empty, HighWater::default());
        let everything = rows::of_everything(4);
        mine.store.commit(mine.epoch, &everything).await.unwrap();
        // asked for in another order than numbered, never started, and one of them redacted since
        mine.write(|c| {
            for (pos, run) in [(11, 8), (12, 6)] {
                let mut event = rows::event(pos, 1, pos as u32);
                event.record.event = run_asked(run);
                c.events.push(event);
            }
            c.redactions.push((IncidentId(1), 11, removed("run_asked")));
            c.outbox.push(rows::outbox(21));
            c.rooms.push(rows::room(22));
            c.posts.push(rows::post(23, 1));
            c.quarantine.push(rows::quarantine(24));
            c.incidents.insert(IncidentId(25), rows::resolved(25));
            c.alerts.push(rows::alert(26));
        })
        .await;
        let expected = HighWater {
            alert: 26,
            incident: 25,
            event: 12,
            outbox: 21,
            room: 22,
            post: 23,
            run: 8,
            quarantine: 24,
            heard: 0,
            attempt: 0,
        };
        assert_eq!(mine.store.high_water().await.unwrap(), expected);
        mine.write(|c| {
            c.runs.insert(RunId(9), rows::run(9));
        })
        .await;
        assert_eq!(mine.store.high_water().await.unwrap().run, 9);
    })
    .await;
}

fn removed(kind: &str) -> Event {
    Event::Removed {
        kind: kind.to_owned(),
        platform: String::new(),
        message: String::new(),
    }
}
