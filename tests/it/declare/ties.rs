//! Incidents that have to do with each other, wholes and their parts.

use super::*;
use firebell::core::incident::Event;

async fn three(town: &Town) -> (IncidentId, IncidentId, IncidentId) {
    let of = |title: &str| Declaration {
        service: Some("checkout".to_owned()),
        ..Declaration::of(title)
    };
    (
        town.declared(of("the shop is down")).await,
        town.declared(of("search is slow")).await,
        town.declared(of("payments fail")).await,
    )
}

#[tokio::test]
async fn a_whole_knows_how_its_parts_stand_and_offers_to_end_them() {
    let town = Town::open().await;
    let (whole, a, b) = three(&town).await;
    for part in [a, b] {
        let reply = town.says("ana", &format!("parent {part} {whole}")).await;
        assert!(reply.ok, "{}", reply.text);
    }
    let shown = town.incident(whole).await;
    assert_eq!(shown.children[&a].status, "triggered");
    assert_eq!(
        town.incident(a).await.parent,
        Some((whole, "the shop is down".to_owned()))
    );
    let (_, page) = town.page("bo", "/incidents/1").await;
    assert!(
        page.contains("Its parts") && page.contains("search is slow"),
        "{page}"
    );
    town.tells(a, Command::Resolve { by: person("bo") }).await;
    assert_eq!(town.incident(whole).await.children[&a].status, "resolved");
    let reply = town.says("ana", "resolve 1").await;
    assert!(
        reply.text.contains("Still open and a part of it: #3"),
        "{}",
        reply.text
    );
    assert!(town.incident(b).await.is_open(), "nothing is forced");
    let card = |i: &Incident| {
        let directory = town.world.engine.directory();
        firebell::chat::card::card(i, &directory, town.world.engine.now(), "")
    };
    let labels: Vec<String> = card(&*town.incident(whole).await)
        .buttons
        .into_iter()
        .map(|b| b.label)
        .collect();
    assert!(
        labels.contains(&"Resolve 1 open part".to_owned()),
        "{labels:?}"
    );
    let press = firebell::chat::Press::ResolveParts;
    let engine = &town.world.engine;
    let pressed = dispatch::press(
        engine,
        person("ana"),
        "console",
        whole,
        &press,
        99,
        "click:parts",
    )
    .await;
    assert!(pressed.ok, "{}", pressed.text);
    town.world.settle().await;
    assert!(!town.incident(b).await.is_open());
    // A start folds it all again.
    let again = engine.store().journal(whole).await.unwrap();
    let again = Incident::replay(whole, &again);
    assert!(again.children.values().all(|c| c.status == "resolved"));
}

#[tokio::test]
async fn nothing_is_a_part_of_itself_however_far_around() {
    let town = Town::open().await;
    let (a, b, c) = three(&town).await;
    for (part, whole) in [(b, a), (c, b)] {
        assert!(town.says("ana", &format!("parent {part} {whole}")).await.ok);
    }
    let no = town.says("ana", &format!("parent {a} {c}")).await;
    assert!(
        !no.ok && no.text.contains("itself a part of #1"),
        "{}",
        no.text
    );
    let no = town.says("ana", &format!("parent {a} {a}")).await;
    assert!(
        !no.ok && no.text.contains("the incident itself"),
        "{}",
        no.text
    );
    let out = town.says("ana", &format!("parent {b} none")).await;
    assert!(out.ok, "{}", out.text);
    assert!(town.incident(a).await.children.is_empty());
    assert!(
        town.says("ana", &format!("parent {a} {c}")).await.ok,
        "it is no circle now"
    );
}

#[tokio::test]
async fn what_is_related_is_known_on_both_sides_and_suggested_with_a_reason() {
    let town = Town::open().await;
    let (a, b, c) = three(&town).await;
    let (_, ties) = town.api(PLAIN, "/api/v1/incidents/1/related").await;
    let ties: serde_json::Value = serde_json::from_str(&ties).unwrap();
    let ids: Vec<i64> = ties["suggested"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [c.0, b.0]);
    let why = ties["suggested"][0]["words"].as_str().unwrap();
    assert!(why.contains("the same service checkout"), "{why}");
    let body = serde_json::json!({"to": b.0, "why": "the same deploy"});
    let (status, said) = town.post(PLAIN, "/api/v1/incidents/1/relate", body).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert!(town.incident(a).await.related.contains_key(&b));
    assert!(town.incident(b).await.related.contains_key(&a));
    let (_, ties) = town.api(PLAIN, "/api/v1/incidents/1/related").await;
    assert!(!ties.contains("\"suggested\":[{\"id\":2"), "{ties}");
    assert!(town.says("ana", "unrelate 2 1").await.ok);
    assert!(town.incident(a).await.related.is_empty());
}

#[tokio::test]
async fn a_public_incident_never_learns_of_a_private_one() {
    let town = Town::open().await;
    let (public, ..) = three(&town).await;
    let secret = Declaration {
        private: Some(true),
        ..Declaration::of("the zebra escaped")
    };
    let secret = town.declared(secret).await;
    assert!(
        town.says("ana", &format!("relate {secret} {public}"))
            .await
            .ok
    );
    assert!(
        town.says("ana", &format!("parent {secret} {public}"))
            .await
            .ok
    );
    let open = town.incident(public).await;
    assert!(open.related.is_empty() && open.children.is_empty());
    assert!(town.incident(secret).await.related.contains_key(&public));
    let no = town.says("ana", &format!("parent {public} {secret}")).await;
    assert!(!no.ok, "{}", no.text);
    let no = town
        .says("ana", &format!("merge {secret} into {public}"))
        .await;
    assert!(
        !no.ok && no.text.contains("make both alike first"),
        "{}",
        no.text
    );
    let journal = town.world.engine.store().journal(public).await.unwrap();
    assert!(!format!("{journal:?}").contains("zebra"));
    // One that was known before is taken out.
    let part = town.declared(Declaration::of("a part")).await;
    assert!(
        town.says("ana", &format!("parent {part} {public}"))
            .await
            .ok
    );
    assert!(
        town.says("ana", &format!("private {part} secret after all"))
            .await
            .ok
    );
    assert!(!town.incident(public).await.children.contains_key(&part));
    let journal = town.world.engine.store().journal(part).await.unwrap();
    assert!(journal.iter().any(|r| matches!(r.event, Event::Hidden(_))));
}

#[tokio::test]
async fn a_part_that_ends_by_itself_after_its_whole_is_shown_so_on_the_wholes_card() {
    let mut town = Town::open().await;
    let labels = [("service", "checkout"), ("severity", "critical")];
    town.world.fire("Slow", &labels).await;
    let part = IncidentId(1);
    let whole = town.declared(Declaration::of("the shop is down")).await;
    assert!(town.says("ana", &format!("parent {part} {whole}")).await.ok);
    assert!(town.says("ana", &format!("resolve {whole}")).await.ok);
    let shown = town.incident(whole).await;
    assert!(!shown.is_open() && shown.children[&part].status == "triggered");
    // A start has only what is open in memory.
    town.world.kill_and_restart().await;
    town.world.settle().await;
    let drawn = town.drawn(whole);
    town.world.clear("Slow", &labels).await;
    town.world.settle().await;
    assert!(!town.incident(part).await.is_open(), "its alert is over");
    let shown = town.incident(whole).await;
    assert_eq!(shown.children[&part].status, "resolved");
    assert!(town.drawn(whole) > drawn, "its card is drawn again");
    assert_eq!(town.drawn(whole), shown.seq, "as it is now");
    let journal = town.world.engine.store().journal(whole).await.unwrap();
    let folded = Incident::replay(whole, &journal);
    assert_eq!(folded.children, shown.children);
    assert!(!shown.is_open(), "and it stays over");
}
