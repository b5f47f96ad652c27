//! Lists: filters, order, paging, totals.

use super::writing::all_alerts;
use super::{Mine, Scratch, on_both, rows};
use firebell::core::id::{AlertId, IncidentId, RoomId};
use firebell::store::{AlertQuery, IncidentQuery};

async fn ids(mine: &Mine, query: &AlertQuery) -> Vec<i64> {
    let found = mine.store.alerts(query).await.unwrap();
    found.iter().map(|a| a.id.0).collect()
}

/// Alerts 1 to 30, of which every fourth ended; every third has an incident.
async fn with_alerts(database: &Scratch) -> Mine {
    let mine = database.mine().await;
    mine.write(|c| {
        c.alerts.extend((1..=30).map(rows::alert));
        let ended = (1..=30).filter(|n| n % 4 == 0);
        c.alert_changes
            .extend(ended.map(|n| (AlertId(n), rows::alert_change(n))));
    })
    .await;
    mine
}

#[tokio::test]
async fn every_filter_of_alerts_and_every_pair_of_them_holds() {
    on_both(async |database| {
        let mine = with_alerts(database).await;
        for firing in [None, Some(true), Some(false)] {
            for source in [None, Some("even"), Some("nobody")] {
                for incident in [None, Some(IncidentId(12)), Some(IncidentId(9))] {
                    for after in [0, 8] {
                        let query = AlertQuery {
                            firing,
                            source: source.map(str::to_owned),
                            incident,
                            after,
                            ..all_alerts()
                        };
                        let expected: Vec<i64> = (1..=30)
                            .filter(|n| firing.is_none_or(|f| f == (n % 4 != 0)))
                            .filter(|n| source.is_none_or(|s| rows::alert(*n).source == s))
                            .filter(|n| {
                                incident.is_none_or(|i| rows::alert(*n).incident == Some(i))
                            })
                            .filter(|n| *n > after)
                            .collect();
                        assert_eq!(ids(&mine, &query).await, expected, "{query:?}");
                        let count = mine.store.count_alerts(&query).await.unwrap();
                        assert_eq!(count, expected.len() as i64, "{query:?}");
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn alerts_are_walked_in_pieces_and_paged_by_offset() {
    on_both(async |database| {
        let mine = with_alerts(database).await;
        let (mut walked, mut after) = (Vec::new(), 0);
        loop {
            let query = AlertQuery {
                firing: Some(true),
                after,
                limit: 7,
                ..AlertQuery::default()
            };
            let piece = ids(&mine, &query).await;
            let Some(last) = piece.last() else { break };
            after = *last;
            walked.extend(piece);
        }
        assert!(walked.into_iter().eq((1..=30).filter(|n| n % 4 != 0)));
        let page = AlertQuery {
            offset: 10,
            limit: 5,
            ..AlertQuery::default()
        };
        assert_eq!(ids(&mine, &page).await, [11, 12, 13, 14, 15]);
        assert_eq!(mine.store.count_alerts(&page).await.unwrap(), 30);
        let backwards = AlertQuery {
            offset: -3,
            limit: -1,
            ..AlertQuery::default()
        };
        assert_eq!(ids(&mine, &backwards).await, [0i64; 0]);
    })
    .await;
}

async fn found(mine: &Mine, query: IncidentQuery) -> (Vec<i64>, i64) {
    let (rows, total) = mine.store.incidents(&query).await.unwrap();
    (rows.iter().map(|i| i.id.0).collect(), total)
}

fn any() -> IncidentQuery {
    IncidentQuery {
        limit: 100,
        ..IncidentQuery::default()
    }
}

/// 1 to 12 triggered, 13 to 16 acknowledged, 17 to 20 resolved, 20 of them still to wake.
async fn with_incidents(database: &Scratch) -> Mine {
    let mine = database.mine().await;
    mine.write(|c| {
        for n in 1..=20 {
            let mut row = if n > 16 {
                rows::resolved(n)
            } else {
                rows::incident(n)
            };
            if (13..=16).contains(&n) {
                "acknowledged".clone_into(&mut row.status);
            }
            if n == 20 {
                row.wake_at = Some(rows::at(500));
            }
            if n == 3 {
                "100% ÜBERLAST_auf!db".clone_into(&mut row.title);
            }
            c.incidents.insert(row.id, row);
        }
    })
    .await;
    mine
}

#[tokio::test]
async fn incidents_are_listed_newest_first_by_every_filter_with_their_total() {
    on_both(async |database| {
        let mine = with_incidents(database).await;
        let newest_first = |from: i64, to: i64| -> Vec<i64> { (from..=to).rev().collect() };
        let status = |status: &str| IncidentQuery {
            status: status.to_owned(),
            ..any()
        };
        assert_eq!(found(&mine, any()).await, (newest_first(1, 20), 20));
        assert_eq!(
            found(&mine, status("open")).await,
            (newest_first(1, 16), 16)
        );
        assert_eq!(
            found(&mine, status("acknowledged")).await,
            (newest_first(13, 16), 4)
        );
        assert_eq!(
            found(&mine, status("resolved")).await,
            (newest_first(17, 20), 4)
        );
        let page = IncidentQuery {
            offset: 5,
            limit: 3,
            ..status("open")
        };
        assert_eq!(found(&mine, page).await, (vec![11, 10, 9], 16));
        let beyond = IncidentQuery {
            offset: 50,
            ..any()
        };
        assert_eq!(found(&mine, beyond).await, (vec![], 20));
        let narrow = IncidentQuery {
            service: Some("service-0".to_owned()),
            team: Some("shop".to_owned()),
            severity: Some(2),
            ..status("open")
        };
        assert_eq!(found(&mine, narrow).await, (vec![10], 1));
    })
    .await;
}

#[tokio::test]
async fn titles_are_searched_in_any_case_and_to_the_letter() {
    on_both(async |database| {
        let mine = with_incidents(database).await;
        let search = |text: &str| IncidentQuery {
            text: Some(text.to_owned()),
            ..any()
        };
        for text in ["überlast", "ÜberLAST_AUF!", "100%", "_", "!", "%"] {
            assert_eq!(found(&mine, search(text)).await, (vec![3], 1), "{text}");
        }
        assert_eq!(found(&mine, search("cHeCkOuT 1")).await.1, 11);
        assert_eq!(found(&mine, search("")).await.1, 20);
        for nothing in ["a_b", "1%0", "'; drop table incidents; --", "\\"] {
            assert_eq!(found(&mine, search(nothing)).await.1, 0, "{nothing}");
        }
        assert_eq!(found(&mine, search(&"ü".repeat(60_000))).await.1, 0);
        assert_eq!(found(&mine, search(&"%".repeat(4_000))).await.1, 0);
    })
    .await;
}

#[tokio::test]
async fn a_room_is_read_backwards_in_pieces_and_each_piece_forwards() {
    on_both(async |database| {
        let mine = database.mine().await;
        mine.write(|c| {
            c.rooms.extend((1..=3).map(rows::room));
            c.posts.extend((1..=20).map(|n| rows::post(n, 1 + n % 2)));
        })
        .await;
        let page = async |before| {
            let posts = mine.store.posts(RoomId(1), before, 4).await.unwrap();
            posts.iter().map(|p| p.id).collect::<Vec<_>>()
        };
        assert_eq!(page(i64::MAX).await, [14, 16, 18, 20]);
        assert_eq!(page(14).await, [6, 8, 10, 12]);
        assert_eq!(page(2).await, [0i64; 0]);
        let newest = mine.store.newest_posts().await.unwrap();
        assert_eq!(newest, [(RoomId(1), 20), (RoomId(2), 19)]);
        let rooms = mine.store.rooms(2).await.unwrap();
        assert_eq!(rooms, [rows::room(3), rows::room(2)]);
        assert_eq!(
            mine.store.room(RoomId(2)).await.unwrap(),
            Some(rows::room(2))
        );
        assert_eq!(
            mine.store.room_named("channel", "inc-1").await.unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test]
async fn the_quarantine_shows_its_newest_and_counts_all() {
    on_both(async |database| {
        let mine = database.mine().await;
        mine.write(|c| c.quarantine.extend((1..=9).map(rows::quarantine)))
            .await;
        let (newest, total) = mine.store.quarantine(2).await.unwrap();
        assert_eq!(newest, [rows::quarantine(9), rows::quarantine(8)]);
        assert_eq!(total, 9);
    })
    .await;
}

#[tokio::test]
async fn surfaces_are_pending_while_their_incident_is_open_or_they_are_out_of_date() {
    on_both(async |database| {
        let mine = database.mine().await;
        // 1 open, 2 resolved and shown, 3 resolved and not shown yet, 4 resolved, shown, still to wake
        mine.write(|c| {
            let mut wakes = rows::resolved(4);
            wakes.wake_at = Some(rows::at(500));
            for row in [
                rows::incident(1),
                rows::resolved(2),
                rows::resolved(3),
                wakes,
            ] {
                let mut show = rows::show(row.id.0);
                if row.id.0 != 3 {
                    show.have = show.want;
                }
                let key = (show.incident, show.platform.clone(), show.surface.clone());
                c.shows.insert(key, show);
                c.incidents.insert(row.id, row);
            }
        })
        .await;
        let pending = mine.store.pending_shows().await.unwrap();
        let ids: Vec<i64> = pending.iter().map(|s| s.incident.0).collect();
        assert_eq!(ids, [1, 3, 4], "4 is over and has a deadline yet");
        assert_eq!(pending[1], rows::show(3));
        assert_eq!(mine.store.shows(IncidentId(4)).await.unwrap().len(), 1);
    })
    .await;
}
