//! What a commit promises.

use super::{on_both, rows};
use firebell::core::id::{AlertId, IncidentId, RoomId, RunId};
use firebell::core::time::Time;
use firebell::store::{
    AlertChange, AlertQuery, AlertRow, ChangeSet, Delivery, HighWater, IncidentQuery, LiveAlert,
    OutboxRow, PostRow, Store, StoreFault,
};
use futures_util::FutureExt;

/// One of each prepared size of a bulk statement: 128, 32, 8, 2 and 1.
const EVERY_SIZE: i64 = 171;

pub fn all_alerts() -> AlertQuery {
    AlertQuery {
        limit: 10_000,
        ..AlertQuery::default()
    }
}

async fn holds_everything(store: &Store, n: i64, written: &ChangeSet) {
    assert_eq!(store.alerts(&all_alerts()).await.unwrap(), written.alerts);
    let query = IncidentQuery {
        limit: n,
        ..IncidentQuery::default()
    };
    let (mut incidents, total) = store.incidents(&query).await.unwrap();
    incidents.reverse();
    assert_eq!(total, n);
    assert!(incidents.iter().eq(written.incidents.values()));
    for event in &written.events {
        let journal = store.journal(event.incident).await.unwrap();
        assert_eq!(journal, std::slice::from_ref(&event.record));
    }
    for answer in &written.inbox {
        let found = store.answered(&answer.cause).await.unwrap();
        assert_eq!(found.as_ref(), Some(answer));
    }
    assert_eq!(store.pending_outbox().await.unwrap(), written.outbox);
    let shows = store.pending_shows().await.unwrap();
    assert!(shows.iter().eq(written.shows.values()));
    let mut rooms = store.rooms(n).await.unwrap();
    rooms.reverse();
    assert_eq!(rooms, written.rooms);
    for post in &written.posts {
        let found = store.post_by_key(&post.key).await.unwrap();
        assert_eq!(found.as_ref(), Some(post));
    }
    for run in written.runs.values() {
        assert_eq!(store.run(run.id).await.unwrap().as_ref(), Some(run));
    }
    let (mut quarantine, total) = store.quarantine(n).await.unwrap();
    quarantine.reverse();
    assert_eq!((quarantine, total), (written.quarantine.clone(), n));
}

#[tokio::test]
async fn every_row_comes_back_as_it_was_written_in_every_size_of_batch() {
    on_both(async |database| {
        let mine = database.mine().await;
        let everything = rows::of_everything(EVERY_SIZE);
        mine.store.commit(mine.epoch, &everything).await.unwrap();
        holds_everything(&mine.store, EVERY_SIZE, &everything).await;
        drop(mine);
        holds_everything(&database.open().await, EVERY_SIZE, &everything).await;
    })
    .await;
}

#[tokio::test]
async fn everything_works_in_memory_too() {
    let store = Store::open("sqlite::memory:").await.unwrap();
    let epoch = store.take_over().await.unwrap();
    let everything = rows::of_everything(40);
    store.commit(epoch, &everything).await.unwrap();
    holds_everything(&store, 40, &everything).await;
    store.checkpoint().await.unwrap();
    let other = Store::open("sqlite::memory:").await.unwrap();
    assert_eq!(other.high_water().await.unwrap(), HighWater::default());
}

#[tokio::test]
async fn empty_fields_come_back_empty_and_extremes_whole() {
    on_both(async |database| {
        let mine = database.mine().await;
        let bare = AlertRow {
            incident: None,
            starts_at: Time(i64::MIN),
            ends_at: Time(0),
            digest: i64::MAX,
            why: String::new(),
            ..rows::alert(1)
        };
        let mut incident = rows::incident(1);
        incident.service = None;
        incident.team = None;
        (incident.acked_at, incident.acked_by) = (None, None);
        (incident.wake_at, incident.lead) = (None, None);
        let post = PostRow {
            incident: None,
            seq: None,
            author: String::new(),
            text: "x".repeat(70_000),
            ..rows::post(1, 1)
        };
        mine.write(|c| {
            c.alerts.push(bare.clone());
            c.incidents.insert(incident.id, incident.clone());
            c.posts.push(post.clone());
        })
        .await;
        assert_eq!(mine.store.alerts(&all_alerts()).await.unwrap(), [bare]);
        let found = mine.store.incident(incident.id).await.unwrap();
        assert_eq!(found, Some(incident));
        let found = mine.store.post_by_key("key-1").await.unwrap();
        assert_eq!(found, Some(post));
    })
    .await;
}

#[tokio::test]
async fn a_null_character_cannot_stop_a_commit() {
    on_both(async |database| {
        let mine = database.mine().await;
        mine.write(|c| {
            c.posts.push(PostRow {
                text: "a\0b".to_owned(),
                ..rows::post(1, 1)
            });
        })
        .await;
        let found = mine.store.post_by_key("key-1").await.unwrap().unwrap();
        assert_eq!(found.text, "a␀b");
    })
    .await;
}

#[tokio::test]
async fn a_change_set_with_a_conflicting_event_leaves_no_trace() {
    on_both(async |database| {
        let mine = database.mine().await;
        mine.write(|c| c.events.push(rows::event(1, 1, 1))).await;
        let mut conflicting = rows::of_everything(3);
        conflicting.events = vec![rows::event(2, 1, 2), rows::event(3, 1, 1)];
        // So small that on SQLite its `commit` is in the same text.
        let small = ChangeSet {
            events: conflicting.events.clone(),
            inbox: vec![rows::inbox(1)],
            ..ChangeSet::default()
        };
        for changes in [&conflicting, &small] {
            let fault = mine.store.commit(mine.epoch, changes).await;
            let Err(StoreFault::Database(sqlx::Error::Database(error))) = fault else {
                panic!("{fault:?}");
            };
            assert!(error.is_unique_violation(), "{error}");
        }
        let expected = HighWater {
            event: 1,
            ..HighWater::default()
        };
        assert_eq!(mine.store.high_water().await.unwrap(), expected);
        assert_eq!(mine.store.answered("click:1").await.unwrap(), None);
        assert_eq!(mine.store.pending_shows().await.unwrap(), []);
        // and the connection is fit for the next commit
        mine.write(|c| c.events.push(rows::event(2, 1, 2))).await;
    })
    .await;
}

#[tokio::test]
async fn a_process_whose_database_was_taken_over_can_write_no_more() {
    on_both(async |database| {
        let old = database.mine().await;
        old.write(|c| c.alerts.push(rows::alert(1))).await;
        let new = database.mine().await;
        assert!(new.epoch > old.epoch);
        let mut late = ChangeSet::default();
        late.alerts.push(rows::alert(2));
        // Of what the new one has written meanwhile too: the fence counts, not the conflict behind it.
        let mut taken = ChangeSet::default();
        taken.alerts.push(rows::alert(1));
        let mut large = rows::of_everything(40);
        large.alerts.push(rows::alert(1));
        for changes in [&late, &taken, &large, &ChangeSet::default()] {
            let fault = old.store.commit(old.epoch, changes).await;
            assert!(matches!(fault, Err(StoreFault::Fenced)), "{fault:?}");
        }
        let expected = HighWater {
            alert: 1,
            ..HighWater::default()
        };
        assert_eq!(new.store.high_water().await.unwrap(), expected);
        new.write(|c| c.alerts.push(rows::alert(2))).await;
        assert_eq!(new.store.high_water().await.unwrap().alert, 2);
    })
    .await;
}

#[tokio::test]
async fn small_sets_come_back_as_they_were_written_whatever_is_in_them() {
    for n in [1, 2, 5] {
        on_both(async |database| {
            let mine = database.mine().await;
            let everything = rows::of_everything(n);
            mine.store.commit(mine.epoch, &everything).await.unwrap();
            holds_everything(&mine.store, n, &everything).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_commit_ends_even_when_its_caller_goes_away() {
    on_both(async |database| {
        let mine = database.mine().await;
        let mut changes = ChangeSet::default();
        changes.alerts.push(rows::alert(1));
        let mut commit = Box::pin(mine.store.commit(mine.epoch, &changes));
        assert!(commit.as_mut().now_or_never().is_none());
        drop(commit);
        let arrives = async {
            while mine.store.high_water().await.unwrap().alert == 0 {
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(20);
        tokio::time::timeout(limit, arrives)
            .await
            .expect("the commit was lost with its caller");
    })
    .await;
}

#[tokio::test]
async fn concurrent_commits_all_arrive() {
    on_both(async |database| {
        let mine = database.mine().await;
        let commits = (1..=24).map(|n| {
            let mine = &mine;
            async move { mine.write(|c| c.alerts.push(rows::alert(n))).await }
        });
        futures_util::future::join_all(commits).await;
        let count = mine.store.count_alerts(&all_alerts()).await.unwrap();
        assert_eq!(count, 24);
        mine.store.checkpoint().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_first_answer_to_a_cause_stays_and_a_message_is_posted_once() {
    on_both(async |database| {
        let mine = database.mine().await;
        mine.write(|c| {
            c.inbox.push(rows::inbox(1));
            c.posts.push(rows::post(1, 1));
        })
        .await;
        let mut again = rows::inbox(1);
        again.seq = 99;
        let mut repeated = rows::post(2, 1);
        repeated.key = "key-1".to_owned();
        let twin = PostRow {
            id: 4,
            ..rows::post(3, 1)
        };
        mine.write(|c| {
            c.inbox.extend([again, rows::inbox(2)]);
            c.posts.extend([repeated, rows::post(3, 1), twin]);
        })
        .await;
        let first = mine.store.answered("click:1").await.unwrap();
        assert_eq!(first, Some(rows::inbox(1)));
        assert!(mine.store.answered("click:2").await.unwrap().is_some());
        let mut causes = Vec::new();
        let each = |cause: &str| causes.push(cause.to_owned());
        mine.store.causes(each).await.unwrap();
        causes.sort_unstable();
        assert_eq!(causes, ["click:1", "click:2"]);
        let posts = mine.store.posts(RoomId(1), i64::MAX, 10).await.unwrap();
        assert_eq!(posts, [rows::post(1, 1), rows::post(3, 1)]);
    })
    .await;
}

#[tokio::test]
async fn a_room_of_the_same_kind_and_name_is_not_made_twice() {
    on_both(async |database| {
        let mine = database.mine().await;
        let mut twin = rows::room(2);
        twin.name = rows::room(1).name;
        let mut other_kind = rows::room(3);
        (other_kind.name, other_kind.kind) = (rows::room(1).name, "channel".to_owned());
        mine.write(|c| c.rooms.push(rows::room(1))).await;
        mine.write(|c| c.rooms.extend([twin, other_kind.clone()]))
            .await;
        let found = mine.store.rooms(10).await.unwrap();
        assert_eq!(found, [other_kind, rows::room(1)]);
        let named = mine.store.room_named("incident", "inc-1").await.unwrap();
        assert_eq!(named, Some(rows::room(1)));
        assert_eq!(mine.store.room(RoomId(2)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_change_to_an_alert_touches_only_what_it_names() {
    on_both(async |database| {
        let mine = database.mine().await;
        mine.write(|c| c.alerts.extend((1..=EVERY_SIZE).map(rows::alert)))
            .await;
        let reworded = AlertChange {
            firing: true,
            body: Some((42, "{}".to_owned())),
            ..rows::alert_change(2)
        };
        mine.write(|c| {
            let ended = (1..EVERY_SIZE).map(|n| (AlertId(n), rows::alert_change(n)));
            c.alert_changes.extend(ended);
            c.alert_changes.insert(AlertId(2), reworded);
        })
        .await;
        let expected: Vec<AlertRow> = (1..=EVERY_SIZE)
            .map(|n| {
                let mut row = rows::alert(n);
                if n < EVERY_SIZE {
                    let change = rows::alert_change(n);
                    row.firing = n == 2;
                    (row.ends_at, row.updated_at) = (change.ends_at, change.updated_at);
                }
                if n == 2 {
                    (row.digest, row.body) = (42, "{}".to_owned());
                }
                row
            })
            .collect();
        assert_eq!(mine.store.alerts(&all_alerts()).await.unwrap(), expected);
        let mut live = Vec::new();
        let each = |a: LiveAlert<'_>| {
            let texts = (a.source.to_owned(), a.fingerprint.to_owned());
            live.push((a.id.0, a.digest, a.ends_at, texts));
        };
        mine.store.live_alerts(each).await.unwrap();
        let ids: Vec<i64> = live.iter().map(|l| l.0).collect();
        assert_eq!(ids, [2, EVERY_SIZE]);
        let texts = ("even".to_owned(), "f2".to_owned());
        assert_eq!(live[0], (2, 42, rows::at(102), texts));
    })
    .await;
}

#[tokio::test]
async fn an_alert_may_arrive_and_change_in_the_same_set() {
    on_both(async |database| {
        let mine = database.mine().await;
        mine.write(|c| {
            c.alerts.push(rows::alert(1));
            c.alert_changes.insert(AlertId(1), rows::alert_change(1));
            c.outbox.push(rows::outbox(1));
            let done = rows::outbox_change(1, Delivery::Done);
            c.outbox_changes.insert(1, done);
        })
        .await;
        let mut live = 0;
        mine.store.live_alerts(|_| live += 1).await.unwrap();
        assert_eq!(live, 0);
        assert_eq!(mine.store.pending_outbox().await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn an_effect_is_pending_until_it_is_settled_and_stays_in_the_ledger() {
    on_both(async |database| {
        let mine = database.mine().await;
        mine.write(|c| c.outbox.extend((1..=EVERY_SIZE).map(rows::outbox)))
            .await;
        let state = |n: i64| Delivery::ALL[usize::try_from(n % 5).unwrap()];
        mine.write(|c| {
            let moved = (1..=EVERY_SIZE).map(|n| (n, rows::outbox_change(n, state(n))));
            c.outbox_changes.extend(moved);
        })
        .await;
        let moved = |n: i64| {
            let change = rows::outbox_change(n, state(n));
            OutboxRow {
                state: change.state,
                attempts: change.attempts,
                due_at: change.due_at,
                updated_at: change.updated_at,
                error: change.error,
                remote: change.remote,
                ..rows::outbox(n)
            }
        };
        let open = |n: &i64| n % 5 < 2;
        let expected: Vec<_> = (1..=EVERY_SIZE).filter(open).map(moved).collect();
        assert_eq!(mine.store.pending_outbox().await.unwrap(), expected);
        let of_seven: Vec<_> = (1..=EVERY_SIZE)
            .filter(|n| n % 10 == 7)
            .map(moved)
            .collect();
        let ledger = mine.store.deliveries(IncidentId(7)).await.unwrap();
        assert_eq!(ledger, of_seven);
    })
    .await;
}

#[tokio::test]
async fn projections_surfaces_and_runs_are_replaced_by_the_newest() {
    on_both(async |database| {
        let mine = database.mine().await;
        let everything = rows::of_everything(EVERY_SIZE);
        mine.store.commit(mine.epoch, &everything).await.unwrap();
        let mut newer = ChangeSet {
            incidents: everything.incidents.clone(),
            shows: everything.shows.clone(),
            runs: everything.runs.clone(),
            ..ChangeSet::default()
        };
        for incident in newer.incidents.values_mut() {
            incident.seq = 9;
            incident.title = "Neuer Titel: ÄRGER".to_owned();
            incident.lead = None;
        }
        newer.shows.values_mut().for_each(|s| s.have = s.want);
        newer.runs.values_mut().for_each(|r| r.output.push('!'));
        mine.store.commit(mine.epoch, &newer).await.unwrap();
        for incident in newer.incidents.values() {
            let found = mine.store.incident(incident.id).await.unwrap();
            assert_eq!(found.as_ref(), Some(incident));
        }
        let shows = mine.store.shows(IncidentId(5)).await.unwrap();
        let mut shown = rows::show(5);
        shown.have = shown.want;
        assert_eq!(shows, [shown]);
        let runs = mine.store.runs(IncidentId(5)).await.unwrap();
        assert!(runs.iter().all(|r| r.output.ends_with('!')));
        assert_eq!(runs.len(), 17);
        assert_eq!(mine.store.run(RunId(EVERY_SIZE + 1)).await.unwrap(), None);
    })
    .await;
}
