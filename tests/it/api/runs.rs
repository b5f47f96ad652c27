//! Runs as programs ask for them, stop them and settle them, in the name of the person of their token.

use super::*;
use crate::api::settings;
use firebell::core::directory::{Action, ActionClass, How, ProcessRun};
use firebell::core::id::{IncidentId, RunId};
use firebell::core::incident::Outcome;
use std::collections::BTreeMap;

const ANA: &str = "fb_ana_0123456789";

impl House {
    /// With a token of Ana's, an action that sleeps and has a dry run, and one incident.
    async fn of_ana() -> House {
        let mut house = House::burning().await;
        house
            .world
            .configure(|d| {
                let slow = Action {
                    class: ActionClass::Remediation,
                    check: Some("echo".to_owned()),
                    how: How::Process(ProcessRun {
                        argv: vec!["/bin/sleep".to_owned(), "300".to_owned()],
                        dry_run: vec!["/bin/echo".to_owned(), "would sleep".to_owned()],
                        ..ProcessRun::default()
                    }),
                    ..Action::of_program("slow", &[])
                };
                d.actions.insert("slow".to_owned(), Arc::new(slow));
            })
            .await;
        let mut settings = settings();
        settings.tokens.push(Token {
            name: "ana-laptop".to_owned(),
            sha256: Sha256::digest(ANA).into(),
            person: Some("ana".to_owned()),
            private: false,
        });
        let app = App {
            chat: Arc::default(),
            engine: house.world.engine.clone(),
            settings: Arc::new(settings),
            metrics: Arc::new(Metrics::new()),
        };
        house.router = router(app, None);
        house
    }

    /// As Ana.
    async fn tells(&self, path: &str, key: &str, body: &Value) -> Reply {
        let request = Request::post(format!("/api/v1{path}"))
            .header(AUTHORIZATION, format!("Bearer {ANA}"))
            .header("Idempotency-Key", key);
        self.send(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    async fn run_is(&self, run: i64, state: &str) -> Value {
        loop {
            let now = self.get(&format!("/runs/{run}")).await.json();
            if now["state"] == state {
                return now;
            }
            tokio::task::yield_now().await;
        }
    }

    /// `slow`, asked for, confirmed and running.
    async fn running(&self) -> i64 {
        let asked = self
            .tells("/incidents/1/runs", "ask", &json!({"action": "slow"}))
            .await;
        assert_eq!(asked.status, StatusCode::CREATED, "{}", asked.text());
        let asked = asked.json();
        assert_eq!(
            (&asked["state"], &asked["dry_run"]),
            (&json!("asked"), &json!(false))
        );
        let run = asked["id"].as_i64().unwrap();
        let body = json!({"subject": asked["subject"]});
        let yes = self
            .tells(&format!("/runs/{run}/approve"), "yes", &body)
            .await;
        assert_eq!(yes.status, StatusCode::OK, "{}", yes.text());
        self.run_is(run, "running").await;
        run
    }
}

#[tokio::test]
async fn a_dry_run_starts_at_once_and_the_same_key_is_the_same_run() {
    let house = House::of_ana().await;
    let body = json!({"action": "slow", "dry_run": true});
    let asked = house.tells("/incidents/1/runs", "k1", &body).await;
    assert_eq!(asked.status, StatusCode::CREATED, "{}", asked.text());
    let asked = asked.json();
    assert_eq!(asked["argv"], json!(["/bin/echo", "would sleep"]));
    assert_eq!(
        (&asked["dry_run"], &asked["class"]),
        (&json!(true), &json!("diagnostic"))
    );
    let run = asked["id"].as_i64().unwrap();
    let again = house.tells("/incidents/1/runs", "k1", &body).await.json();
    assert_eq!(again["id"], asked["id"]);
    let over = house.run_is(run, "succeeded").await;
    assert_eq!(over["output"], "would sleep\n");
    assert_eq!(house.list("/incidents/1/runs").await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_the_reason() {
    let house = House::of_ana().await;
    let of = async |body: Value| house.tells("/incidents/1/runs", "bad", &body).await;
    let no = of(json!({"action": "nothing"})).await;
    assert_eq!(no.refusal(), (400, "bad_body".to_owned()));
    let no = of(json!({"action": "echo", "dry_run": true})).await;
    assert_eq!(no.status.as_u16(), 400);
    assert!(no.text().contains("has no dry run"), "{}", no.text());
    let both = json!({"action": "slow", "dry_run": true, "break_glass": true});
    assert_eq!(of(both).await.status.as_u16(), 400);
    // A token of a program is nobody who may run anything.
    let body = json!({"action": "slow", "dry_run": true}).to_string();
    let no = house.post("/incidents/1/runs", Some("ci"), body).await;
    assert_eq!(no.status.as_u16(), 403, "{}", no.text());
    assert!(house.list("/incidents/1/runs").await.is_empty());
}

#[tokio::test]
async fn a_run_is_stopped_once_and_what_is_over_is_not() {
    let house = House::of_ana().await;
    let run = house.running().await;
    let path = format!("/runs/{run}/stop");
    let stopped = house.tells(&path, "stop", &json!({})).await;
    assert_eq!(stopped.status, StatusCode::OK, "{}", stopped.text());
    let again = house.tells(&path, "stop", &json!({})).await;
    assert_eq!(again.status, StatusCode::OK, "the same key is the same act");
    house.run_is(run, "cancelled").await;
    let late = house.tells(&path, "later", &json!({})).await;
    assert_eq!(late.status.as_u16(), 409);
    assert!(
        late.text().contains("is over: cancelled"),
        "{}",
        late.text()
    );
    let nobody = house.tells("/runs/99/stop", "x", &json!({})).await;
    assert_eq!(nobody.status.as_u16(), 404);
    let ci = house
        .post(&format!("/runs/{run}/stop"), Some("ci"), "{}")
        .await;
    assert!(
        ci.status.as_u16() == 403 || ci.status.as_u16() == 409,
        "{}",
        ci.text()
    );
    let kinds = house.world.kinds(1).await;
    let asked = kinds.iter().filter(|k| **k == "run_cancel_asked");
    assert_eq!(asked.count(), 1, "{kinds:?}");
}

#[tokio::test]
async fn an_unknown_outcome_is_checked_and_settled_with_a_note_and_a_known_one_is_not() {
    let house = House::of_ana().await;
    // Its truth is lost: nobody carries it out any more.
    let ask = Command::AskRun {
        by: person("ana"),
        run: RunId(40),
        action: house.world.directory.actions["slow"].clone(),
        args: BTreeMap::new(),
        ask: firebell::core::incident::Ask::default(),
    };
    house.world.tell(1, ask).await;
    let early = json!({"good": true, "note": "x"});
    let no = house.tells("/runs/40/settle", "s0", &early).await;
    assert_eq!(no.status.as_u16(), 409, "{}", no.text());
    let yes = Command::ApproveRun {
        by: person("ana"),
        run: RunId(40),
    };
    house.world.tell(1, yes).await;
    house.run_is(40, "running").await;
    let lost = Command::RunEnded {
        run: RunId(40),
        outcome: Outcome::Unknown {
            why: "the machine went down".to_owned(),
        },
        duration_ms: 0,
        bytes: 0,
        tail: String::new(),
        notes: Vec::new(),
    };
    let done = house.world.engine.submit("lost", IncidentId(1), lost).await;
    done.unwrap();
    let check = house.tells("/runs/40/check", "c1", &json!({})).await;
    assert_eq!(check.status, StatusCode::CREATED, "{}", check.text());
    let check = check.json();
    assert_eq!(
        (&check["checks"], &check["action"]),
        (&json!(40), &json!("echo"))
    );
    house
        .run_is(check["id"].as_i64().unwrap(), "succeeded")
        .await;
    let bad = house
        .tells("/runs/40/settle", "s1", &json!({"note": "x"}))
        .await;
    assert_eq!(bad.refusal(), (400, "bad_body".to_owned()));
    let body = json!({"good": false, "note": "  still in the pool "});
    let settled = house.tells("/runs/40/settle", "s2", &body).await;
    assert_eq!(settled.status, StatusCode::OK, "{}", settled.text());
    let settled = settled.json();
    assert_eq!(
        (&settled["settled_good"], &settled["settled_by"]),
        (&json!(false), &json!("ana"))
    );
    let told = house.list("/incidents/1/timeline").await;
    let line = told.iter().find(|e| e["kind"] == "run_settled").unwrap();
    assert!(
        line["text"].as_str().unwrap().contains("still in the pool"),
        "{line}"
    );
    let late = house.tells("/runs/40/settle", "s3", &body).await;
    assert_eq!(late.status.as_u16(), 409);
    assert!(late.text().contains("already settled"), "{}", late.text());
    let over = house.tells("/runs/40/check", "c2", &json!({})).await;
    assert_eq!(over.status.as_u16(), 409, "{}", over.text());
}
