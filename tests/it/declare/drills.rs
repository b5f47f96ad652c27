//! Drills are marked where somebody could mistake them, and count nowhere.

use super::*;
use firebell::core::time::Time;
use firebell::store::{IncidentQuery, SearchFilter};

fn drill(title: &str) -> Declaration {
    Declaration {
        drill: Some(true),
        service: Some("checkout".to_owned()),
        ..Declaration::of(title)
    }
}

#[tokio::test]
async fn a_drill_says_so_on_its_page_its_card_its_room_and_to_who_is_paged() {
    let town = Town::open().await;
    let id = town.declared(drill("the shop is gone")).await;
    let (status, page) = town.page("bo", &format!("/incidents/{}", id.0)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("DRILL: the shop is gone"), "{page}");
    assert!(page.contains("it is not real and does not count"));
    let said = town.said();
    let room = said.iter().find_map(|s| match s {
        Said::Room { name } => Some(name.clone()),
        _ => None,
    });
    assert_eq!(
        room.as_deref(),
        Some("inc-1-drill-checkout-the-shop-is-gone")
    );
    let pages: Vec<&Said> = said
        .iter()
        .filter(|s| matches!(s, Said::Page { .. }))
        .collect();
    assert!(
        !pages.is_empty(),
        "drills page people unless the files say otherwise"
    );
    let incident = town.incident(id).await;
    let directory = town.world.engine.directory();
    let text = firebell::chat::words::page_text(&incident, &directory, "");
    assert!(text.starts_with("DRILL sev1 #1"), "{text}");
    let topic = firebell::chat::card::topic(&incident, &directory);
    assert!(topic.starts_with("DRILL · "), "{topic}");
    let (_, list) = town.page("bo", "/incidents").await;
    assert!(list.contains("DRILL: the shop is gone"));
    let (_, only) = town.page("bo", "/incidents?drill=only").await;
    assert!(only.contains("the shop is gone"));
    let (_, without) = town.page("bo", "/incidents?drill=without").await;
    assert!(!without.contains("the shop is gone"));
    let listed = town.says("ana", "list drills").await;
    assert!(
        listed.text.contains("DRILL: the shop is gone"),
        "{}",
        listed.text
    );
}

#[tokio::test]
async fn a_drill_that_is_not_to_page_is_with_whoever_declares_it() {
    let mut directory = directory();
    directory.drills.page = false;
    let town = Town::with(directory).await;
    let id = town.declared(drill("the shop is gone")).await;
    let incident = town.incident(id).await;
    assert_eq!(incident.acked_by, Some(person("ana")));
    assert!(incident.paged.is_empty());
    let real = Declaration {
        service: Some("checkout".to_owned()),
        ..Declaration::of("no drill")
    };
    let real = town.declared(real).await;
    assert!(!town.incident(real).await.paged.is_empty());
}

#[tokio::test]
async fn drills_count_in_no_statistics_until_they_are_real() {
    let town = Town::open().await;
    let store = town.world.engine.store().clone();
    let id = town.declared(drill("practice makes perfect")).await;
    let pages = || async { store.pages_by_person(Time(0), Time::FAR).await.unwrap() };
    assert!(pages().await.is_empty(), "nobody carries a drill");
    town.tells(id, Command::Resolve { by: person("ana") }).await;
    let found = |drills: bool| {
        let how = SearchFilter {
            drills,
            ..SearchFilter::default()
        };
        let store = store.clone();
        async move { store.search("perfect", &how, 10).await.unwrap().len() }
    };
    assert_eq!((found(false).await, found(true).await), (0, 1));
    let (_, body) = town.api(PLAIN, "/api/v1/search?q=perfect").await;
    assert!(!body.contains("perfect"), "{body}");
    let (_, body) = town
        .api(PLAIN, "/api/v1/search?q=perfect&drills=true")
        .await;
    assert!(body.contains("perfect"), "{body}");
    // Nobody owes a review of it.
    assert!(store.owed().await.unwrap().is_empty());
    let counted = |drill| {
        let query = IncidentQuery {
            drill: Some(drill),
            limit: 10,
            ..IncidentQuery::default()
        };
        let store = store.clone();
        async move { store.incidents(&query).await.unwrap().1 }
    };
    assert_eq!((counted(true).await, counted(false).await), (1, 0));
    let reply = town.says("ana", "real #1").await;
    assert!(reply.ok, "{}", reply.text);
    assert!(!pages().await.is_empty(), "it was real, and woke somebody");
    assert_eq!(found(false).await, 1);
}

#[tokio::test]
async fn a_sender_may_say_that_its_alert_is_practised() {
    let town = Town::open().await;
    let labels = [
        ("service", "checkout"),
        ("severity", "critical"),
        ("drill", "yes"),
    ];
    town.world.fire("GameDay", &labels).await;
    let incident = town.world.incident(1).await;
    assert!(incident.nature.drill && incident.headline().starts_with("DRILL: "));
    assert!(!incident.paged.is_empty(), "an alert always finds somebody");
}
