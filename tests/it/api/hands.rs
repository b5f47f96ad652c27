//! Silences, changing hands and acts on several incidents, as programs ask for them.

use super::{CHECKOUT, House, TOKEN};
use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

impl House {
    async fn post_json(&self, path: &str, key: &str, body: &Value) -> super::Reply {
        let reply = self.post(path, Some(key), body.to_string()).await;
        self.world.settle().await;
        reply
    }

    async fn delete(&self, path: &str) -> super::Reply {
        let request = Request::delete(format!("/api/v1{path}"));
        let request = request.header(AUTHORIZATION, format!("Bearer {TOKEN}"));
        let reply = self.send(request.body(Body::empty()).unwrap()).await;
        self.world.settle().await;
        reply
    }
}

#[tokio::test]
async fn a_silence_is_made_once_per_key_listed_and_ended() {
    let house = House::open().await;
    let body = json!({"service": "checkout", "for": "2h", "comment": "deploy"});
    let made = house.post_json("/silences", "k1", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let silence = made.json();
    assert_eq!(
        (&silence["status"], &silence["created_by"]),
        (&json!("active"), &json!("ci"))
    );
    let again = house.post_json("/silences", "k1", &body).await.json();
    assert_eq!(again["id"], silence["id"]);
    house.world.fire("Slow", CHECKOUT).await;
    assert!(house.world.platform.pages().is_empty());
    let list = house.list("/silences").await;
    assert_eq!((list.len(), &list[0]["held"]), (1, &json!(1)));
    let path = format!("/silences/{}", silence["id"].as_str().unwrap());
    let over = house.delete(&path).await;
    assert_eq!(over.json()["status"], "expired");
    assert_eq!(house.world.platform.pages(), ["ana"]);
    assert!(house.list("/silences").await.is_empty());
    assert_eq!(house.list("/silences?status=expired").await.len(), 1);
}

#[tokio::test]
async fn a_silence_that_makes_no_sense_is_refused_with_the_field() {
    let house = House::open().await;
    for (body, word) in [
        (json!({"for": "2h"}), "matcher"),
        (json!({"service": "nowhere", "for": "2h"}), "`service`"),
        (json!({"service": "checkout"}), "exactly one"),
        (
            json!({"service": "checkout", "for": "soon"}),
            "not a duration",
        ),
        (json!({"matchers": ["job"], "for": "2h"}), "`matchers`"),
        (
            json!({"matchers": ["job=x"], "for": "2h", "maintenance": true}),
            "needs a `service`",
        ),
        (
            json!({"service": "checkout", "ends_at": "2020-01-01T00:00:00Z"}),
            "before end time",
        ),
    ] {
        let reply = house
            .post_json(
                "/silences",
                &format!("k{word}").replace([' ', '`'], "-"),
                &body,
            )
            .await;
        assert_eq!(
            reply.status,
            StatusCode::BAD_REQUEST,
            "{body}: {}",
            reply.text()
        );
        assert!(reply.text().contains(word), "{body}: {}", reply.text());
    }
    let unknown = "/silences/11111111-1111-1111-1111-111111111111";
    assert_eq!(house.delete(unknown).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_incident_goes_from_hand_to_hand() {
    let house = House::burning().await;
    let empty = json!({});
    let status = async |verb: &str, key: &str, body: &Value| {
        let reply = house
            .post_json(&format!("/incidents/1/{verb}"), key, body)
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{verb}: {}", reply.text());
        reply.json()["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        status("snooze", "1", &json!({"for": "30m"})).await,
        "acknowledged"
    );
    assert_eq!(status("unacknowledge", "2", &empty).await, "triggered");
    assert_eq!(
        status("reassign", "3", &json!({"to": "person:bo"})).await,
        "triggered"
    );
    assert_eq!(status("resolve", "4", &empty).await, "resolved");
    assert_eq!(status("reopen", "5", &empty).await, "triggered");
    let bad = house
        .post_json("/incidents/1/reassign", "6", &json!({"to": "bo"}))
        .await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    house.world.fire("Other", CHECKOUT).await;
    let merged = house
        .post_json("/incidents/2/merge", "7", &json!({"into": 1}))
        .await;
    assert_eq!(
        (merged.status, &merged.json()["id"]),
        (StatusCode::OK, &json!(1))
    );
    let again = house
        .post_json("/incidents/2/merge", "8", &json!({"into": 1}))
        .await;
    assert_eq!(again.refusal(), (409, "nothing_to_do".to_owned()));
}

#[tokio::test]
async fn several_are_acknowledged_with_a_note_and_refusals_are_told_apart() {
    let house = House::burning().await;
    house.world.fire("Other", CHECKOUT).await;
    let body = json!({"ids": [1, 2, 9], "note": "the database"});
    let reply = house
        .post_json("/incidents/acknowledge", "b", &body)
        .await
        .json();
    assert_eq!(reply["done"], json!([1, 2]));
    assert_eq!(
        (&reply["refused"][0]["id"], &reply["refused"][0]["code"]),
        (&json!(9), &json!("not_found"))
    );
    let again = house
        .post_json("/incidents/acknowledge", "b", &body)
        .await
        .json();
    assert_eq!(again["done"], json!([1, 2]), "the same key is the same act");
    let noted = house
        .world
        .kinds(2)
        .await
        .iter()
        .filter(|k| **k == "noted")
        .count();
    assert_eq!(noted, 1);
}

#[tokio::test]
async fn automation_is_turned_off_and_on_and_tells_how_it_stands() {
    let house = House::open().await;
    let off = json!({"on": false, "why": "deploy"});
    let answer = house.post_json("/automation", "a1", &off).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let body = answer.json();
    assert_eq!(
        (&body["on"], &body["off"]["by"], &body["off"]["why"]),
        (&json!(false), &json!("ci"), &json!("deploy"))
    );
    let again = house.post_json("/automation", "a1", &off).await.json();
    assert_eq!(again["off"], body["off"]);
    let nowhere = json!({"on": true, "action": "nowhere"});
    let no = house.post_json("/automation", "a2", &nowhere).await;
    assert_eq!(no.status, StatusCode::BAD_REQUEST, "{}", no.text());
    let on = house
        .post_json("/automation", "a3", &json!({"on": true}))
        .await;
    assert_eq!(on.json()["on"], true);
}
