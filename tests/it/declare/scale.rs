//! A level that only alerts are: nobody declares it or sets it by hand, whatever door they take.

use super::*;
use firebell::chat::form;
use firebell::core::id::{Actor, Severity};
use firebell::core::incident::Refusal;
use firebell::engine::Failure;

const WHY: &str = "Only alerts are sev1; by hand it is sev2.";

async fn town() -> Town {
    let mut directory = directory();
    directory.severities[0].alerts_only = true;
    Town::with(directory).await
}

#[tokio::test]
async fn an_alert_may_be_so_bad_and_a_person_may_not_say_so() {
    let town = town().await;
    let critical = [("service", "checkout"), ("severity", "critical")];
    town.world.fire("Down", &critical).await;
    let first = IncidentId(1);
    assert_eq!(town.incident(first).await.severity, Severity(0));
    // Down by hand it goes, and up again by an alert alone.
    let reply = town.says("ana", "sev #1 sev2").await;
    assert!(reply.ok, "{}", reply.text);
    let reply = town.says("ana", "sev #1 sev1").await;
    assert!(!reply.ok && reply.text.contains(WHY), "{}", reply.text);
    assert_eq!(town.incident(first).await.severity, Severity(1));
    let by_token = Actor::Token {
        name: "ci".to_owned(),
    };
    let command = Command::SetSeverity {
        by: by_token,
        to: Severity(0),
    };
    let refused = town.world.engine.submit("api:1", first, command).await;
    match refused {
        Err(Failure::Refused(Refusal::Invalid { why })) => assert_eq!(why, WHY),
        other => panic!("{other:?}"),
    }
    let critical = [
        ("service", "checkout"),
        ("severity", "critical"),
        ("instance", "b"),
    ];
    town.world.fire("Down", &critical).await;
    assert_eq!(town.incident(first).await.severity, Severity(0));
}

#[tokio::test]
async fn nobody_declares_it_by_words_by_the_api_or_by_a_form() {
    let town = town().await;
    for line in ["new sev1 the shop is gone", "new sev=sev1 the shop is gone"] {
        let reply = town.says("ana", line).await;
        assert!(!reply.ok && reply.text.contains(WHY), "{}", reply.text);
    }
    let body = serde_json::json!({"title": "the shop is gone", "severity": "sev1"});
    let (status, answer) = town.post(SCOPED, "/api/v1/incidents", body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    assert!(answer.contains(WHY), "{answer}");
    let engine = &town.world.engine;
    assert!(engine.incident(IncidentId(1)).await.unwrap().is_none());
    let (_, page) = town.page("ana", "/declare").await;
    assert!(page.contains("value=\"sev2\"") && !page.contains("value=\"sev1\""));
    let directory = engine.directory();
    for verb in ["new", "sev"] {
        let form = form::of_verb(verb, &directory, None).unwrap();
        let offered = form.fields.iter().find_map(|f| match &f.entry {
            form::Entry::Choice(all) if f.name.starts_with("sev") => Some(all.clone()),
            _ => None,
        });
        let names: Vec<String> = offered.unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["sev2"], "{verb}");
    }
}

#[tokio::test]
async fn who_says_nothing_of_it_declares_the_nearest_that_people_may() {
    let town = town().await;
    let said = Declaration {
        service: Some("checkout".to_owned()),
        ..Declaration::of("the shop is gone")
    };
    let id = town.declared(said).await;
    assert_eq!(town.incident(id).await.severity, Severity(1));
    let (_, page) = town.page("ana", &format!("/incidents/{}", id.0)).await;
    assert!(
        page.contains("only alerts are sev1, so it is sev2"),
        "{page}"
    );
    // The type brings the same level, and is treated the same.
    let said = Declaration {
        type_id: Some("security".to_owned()),
        ..Declaration::of("somebody is in")
    };
    let id = town.declared(said).await;
    assert_eq!(town.incident(id).await.severity, Severity(1));
}
