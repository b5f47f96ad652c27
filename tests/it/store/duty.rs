//! Pages that reached people, as the fairness page and people's own pages count them.

use super::{on_both, rows};
use firebell::core::id::IncidentId;
use firebell::core::time::Time;
use firebell::store::{Delivery, Lane, OutboxRow, Store};
use std::collections::BTreeMap;

#[tokio::test]
async fn a_page_counts_once_per_fact_and_only_when_it_arrived() {
    on_both(async |database| {
        let mine = database.mine().await;
        let page = |id: i64, seq: u32, who: &str, at: i64, state: Delivery| OutboxRow {
            incident: IncidentId(1),
            seq,
            lane: Lane::Page,
            target: who.to_owned(),
            detail: format!("contact-{id}"),
            state,
            created_at: Time(at),
            ..rows::outbox(id)
        };
        let mut line = page(9, 9, "ana", 1500, Delivery::Done);
        line.lane = Lane::Say;
        mine.write(|c| {
            let incident = rows::incident(1);
            c.incidents.insert(incident.id, incident);
            c.outbox = vec![
                page(1, 1, "ana", 1000, Delivery::Done),
                // the same fact through another contact
                page(2, 1, "ana", 1000, Delivery::Done),
                page(3, 2, "ana", 1999, Delivery::Done),
                page(4, 2, "bo", 1999, Delivery::Withdrawn),
                page(5, 3, "bo", 1200, Delivery::Failed),
                page(6, 4, "bo", 1300, Delivery::Done),
                // just outside
                page(7, 5, "ana", 999, Delivery::Done),
                page(8, 6, "ana", 2000, Delivery::Done),
                line,
            ];
        })
        .await;
        let counted = mine
            .store
            .pages_by_person(Time(1000), Time(2000))
            .await
            .unwrap();
        let expected = [("ana".to_owned(), 2), ("bo".to_owned(), 1)];
        assert_eq!(counted, BTreeMap::from(expected));
        let span = (Time(1000), Time(2000));
        let ana = mine.store.pages_of("ana", span, 10).await.unwrap();
        let title = rows::incident(1).title;
        assert_eq!(ana.iter().map(|p| p.at.0).collect::<Vec<_>>(), [1999, 1000]);
        assert!(ana.iter().all(|p| p.incident.0 == 1 && p.title == title));
        assert_eq!(mine.store.pages_of("ana", span, 1).await.unwrap(), ana[..1]);
        assert_eq!(mine.store.pages_of("cy", span, 10).await.unwrap(), []);
        // One by one, newest first: those of a fact are one for each person.
        let all = mine.store.page_times(Time(1000), Time(2000), 10).await;
        let all: Vec<_> = all
            .unwrap()
            .into_iter()
            .map(|p| (p.at.0, p.person, p.seq))
            .collect();
        let page = |at, who: &str, seq| (at, who.to_owned(), seq);
        assert_eq!(
            all,
            [
                page(1999, "ana", 2),
                page(1300, "bo", 4),
                page(1000, "ana", 1)
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn who_only_looks_makes_nothing_and_disturbs_nobody() {
    on_both(async |database| {
        if database.name == "sqlite" {
            assert!(Store::look(&database.url).await.unwrap().is_none());
            assert!(Store::look("sqlite::memory:").await.unwrap().is_none());
        } else {
            let empty = Store::look(&database.url).await.unwrap_err().to_string();
            assert!(empty.contains("_sqlx_migrations"), "{empty}");
        }
        let mine = database.mine().await;
        let seen = Store::look(&database.url).await.unwrap().unwrap();
        assert_eq!(seen.covers().await.unwrap().len(), 0);
        assert!(seen.take_over().await.is_err(), "for reading alone");
        mine.write(|c| c.told.push(("still mine".to_owned(), Time(1))))
            .await;
        assert!(seen.told().await.unwrap().contains("still mine"));
    })
    .await;
}
