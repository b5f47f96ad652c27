//! Leading an incident, as programs do.

use super::{CHECKOUT, House, TOKEN};
use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{Request, StatusCode};
use firebell::core::directory::{Checklist, ChecklistItem, ConductRules};
use serde_json::{Value, json};
use std::sync::Arc;

impl House {
    /// An incident under the shipped roles and one checklist.
    async fn led() -> House {
        let mut house = House::open().await;
        let mut rules = ConductRules::shipped();
        rules.checklists.push(Arc::new(Checklist {
            id: "minor".to_owned(),
            title: "Small trouble".to_owned(),
            minor: true,
            items: vec![ChecklistItem {
                text: "Look at the dashboard".to_owned(),
                ..ChecklistItem::default()
            }],
            ..Checklist::default()
        }));
        house.world.configure(|d| d.conduct = Arc::new(rules)).await;
        house.world.fire("Slow", CHECKOUT).await;
        house
    }

    async fn act(&self, path: &str, body: &Value) -> super::Reply {
        let reply = self.post(path, None, body.to_string()).await;
        self.world.settle().await;
        reply
    }

    async fn with(&self, method: &str, path: &str, body: &Value) -> super::Reply {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(AUTHORIZATION, format!("Bearer {TOKEN}"));
        let reply = self
            .send(request.body(Body::from(body.to_string())).unwrap())
            .await;
        self.world.settle().await;
        reply
    }
}

#[tokio::test]
async fn a_program_gives_roles_ticks_lines_and_writes_decisions_down() {
    let house = House::led().await;
    let body = json!({"role": "scribe", "person": "bo"});
    let reply = house.act("/incidents/1/roles", &body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let scribe = &reply.json()["roles"][2];
    assert_eq!(
        (&scribe["role"], &scribe["holders"][0]["person"]),
        (&json!("scribe"), &json!("bo"))
    );
    let reply = house
        .act("/incidents/1/roles", &json!({"role": "scribe"}))
        .await;
    assert_eq!(reply.json()["roles"][2]["holders"], json!([]));
    for (body, code, word) in [
        (json!({"role": "barista", "person": "bo"}), 400, "no role"),
        (json!({"role": "scribe", "person": "carl"}), 400, "`person`"),
        (
            json!({"role": "scribe", "person": "bo", "waive": true}),
            400,
            "not both",
        ),
        (json!({"role": "scribe"}), 409, "Nobody is Scribe"),
        (
            json!({"role": "scribe", "waive": true}),
            409,
            "nobody is reminded",
        ),
    ] {
        let reply = house.act("/incidents/1/roles", &body).await;
        assert_eq!(reply.status.as_u16(), code, "{body}: {}", reply.text());
        assert!(reply.text().contains(word), "{body}: {}", reply.text());
    }
    let body = json!({"person": "dee"});
    let reply = house.act("/incidents/1/responders", &body).await;
    assert_eq!(reply.json()["responders"][0]["person"], "dee");
    let body = json!({"person": "dee", "leaves": true});
    let reply = house.act("/incidents/1/responders", &body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let reply = house.act("/incidents/1/ticks", &json!({"line": 1})).await;
    let line = &reply.json()["checklists"][0]["lines"][0];
    assert_eq!(line["done_by"]["name"], "ci");
    let refused = house.act("/incidents/1/ticks", &json!({"line": 7})).await;
    assert_eq!(
        refused.status,
        StatusCode::BAD_REQUEST,
        "{}",
        refused.text()
    );
    let body = json!({"text": "we roll back"});
    house.act("/incidents/1/decisions", &body).await;
    let late = json!({"text": "x", "at": "2001-01-01T00:00:00Z"});
    let refused = house.act("/incidents/1/decisions", &late).await;
    assert!(
        refused.text().contains("more than a day before"),
        "{}",
        refused.text()
    );
    let refused = house.act("/incidents/1/notes", &late).await;
    assert!(
        refused.text().contains("more than a day before"),
        "{}",
        refused.text()
    );
    let body = json!({"conditions": "errors", "needs": "a DBA"});
    house.act("/incidents/1/reports", &body).await;
    let whole = house.get("/incidents/1/command").await.json();
    assert_eq!(whole["report"]["needs"], "a DBA");
    assert_eq!(whole["decisions"][0]["text"], "we roll back");
    let missing = house.get("/incidents/99/command").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_task_is_added_once_per_key_changed_done_and_dropped() {
    let house = House::led().await;
    let body = json!({"text": "look at the replicas", "owner": "bo", "due": "2h"}).to_string();
    let made = house
        .post("/incidents/1/tasks", Some("t1"), body.clone())
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let again = house.post("/incidents/1/tasks", Some("t1"), body).await;
    assert_eq!(again.status, StatusCode::OK);
    house.world.settle().await;
    let task = |reply: &super::Reply| reply.json()["tasks"][0].clone();
    assert_eq!(task(&again)["owner"]["person"], "bo");
    let path = "/incidents/1/tasks/1";
    let reply = house
        .with("PATCH", path, &json!({"owner": "", "text": "look again"}))
        .await;
    let changed = task(&reply);
    assert_eq!(
        (&changed["owner"], &changed["text"]),
        (&json!(null), &json!("look again"))
    );
    assert!(changed["due"].is_string(), "left as it was");
    let reply = house.with("PATCH", path, &json!({"done": true})).await;
    assert!(task(&reply)["done_at"].is_string());
    for body in [json!({}), json!({"done": false, "text": "x"})] {
        let reply = house.with("PATCH", path, &body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let reply = house.with("DELETE", path, &json!({})).await;
    assert_eq!(reply.json()["tasks"], json!([]));
    let reply = house.with("DELETE", path, &json!({})).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.text());
    for (body, word) in [
        (json!({"text": "x", "owner": "carl"}), "`owner`"),
        (json!({"text": "x", "due": "soon"}), "`due`"),
        (json!({"text": " "}), "needs words"),
        (
            json!({"text": "x", "due": "2001-01-01T00:00:00Z"}),
            "over already",
        ),
    ] {
        let reply = house.act("/incidents/1/tasks", &body).await;
        assert!(reply.text().contains(word), "{body}: {}", reply.text());
    }
}
