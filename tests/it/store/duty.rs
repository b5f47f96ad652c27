//! Pages that reached people, as the fairness page and people's own pages count them.

use super::{on_both, rows};
use firebell::core::id::IncidentId;
use firebell::core::time::Time;
use firebell::store::{Delivery, Lane, OutboxRow};
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
    })
    .await;
}
