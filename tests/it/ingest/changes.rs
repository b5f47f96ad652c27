//! Changes: golden payloads of every format, and the doors on a real engine and database.

use crate::world::{START, World, directory};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use firebell::config::Limits;
use firebell::config::insight::{Insight, Teller, TellerKind};
use firebell::core::id::IncidentId;
use firebell::core::incident::Event;
use firebell::core::time::Time;
use firebell::http::{App, hooks};
use firebell::ingest::BadPayload;
use firebell::ingest::change::{Context, Decoded, generic, github, gitlab, pagerduty};
use firebell::metrics::Metrics;
use firebell::store::ChangeQuery;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::path::Path;
use std::sync::Arc;
use tower::ServiceExt;

const SECRET: &str = "a secret of sixteen and more";
const MINUTE: i64 = 60_000;

type Decode = fn(&[u8], &str, &Context<'_>) -> Result<Decoded, BadPayload>;

fn teller(name: &str, kind: TellerKind) -> Teller {
    Teller {
        name: name.to_owned(),
        kind,
        secret: SECRET.to_owned().into(),
        services: [("acme/payments".to_owned(), "payments".to_owned())].into(),
        service: None,
    }
}

fn out(decoded: &Result<Decoded, BadPayload>) -> String {
    let value = match decoded {
        Ok(d) => json!({
            "changes": d.changes.iter().map(|t| {
                let mut v = serde_json::to_value(&t.event).unwrap();
                v["at"] = t.event.at.rfc3339().into();
                v["received_at"] = t.event.received_at.rfc3339().into();
                v["words"] = t.event.words().into();
                v["again_within_ms"] = t.again_within_ms.into();
                v
            }).collect::<Vec<_>>(),
            "left_out": d.left_out,
        }),
        Err(bad) => json!({ "errors": bad.errors }),
    };
    format!("{}\n", serde_json::to_string_pretty(&value).unwrap())
}

#[test]
fn every_golden_payload_becomes_the_same_changes_as_ever() {
    let formats: [(&str, Decode, TellerKind); 4] = [
        ("pagerduty", pagerduty::decode, TellerKind::Generic),
        ("github", github::decode, TellerKind::Github),
        ("gitlab", gitlab::decode, TellerKind::Gitlab),
        ("generic", generic::decode, TellerKind::Generic),
    ];
    let (directory, limits) = (directory(), Limits::default());
    let update = std::env::var_os("UPDATE").is_some();
    let mut differing = Vec::new();
    for (name, decode, kind) in formats {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden/changes")
            .join(name);
        let teller = teller(name, kind);
        for (path, body) in super::payloads(&folder) {
            // The event stands in the name: `push-side-branch.json` is a push.
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let event = stem.split('-').next().unwrap();
            let ctx = Context {
                source: name,
                now: super::NOW,
                limits: &limits,
                directory: &directory,
                teller: Some(&teller).filter(|_| name != "pagerduty"),
            };
            let said = out(&decode(&body, event, &ctx));
            let expected = path.with_extension("out.json");
            if update {
                std::fs::write(&expected, &said).unwrap();
            } else if std::fs::read_to_string(&expected).ok() != Some(said) {
                differing.push(expected);
            }
            for n in 0..body.len() {
                // Broken off anywhere it is refused or read, and never panics.
                let _ = decode(&body[..n], event, &ctx);
            }
        }
    }
    assert!(differing.is_empty(), "{differing:?}: UPDATE=1 writes them");
}

/// A world with its doors open to changes.
struct House {
    world: World,
    router: Router,
}

impl House {
    async fn open() -> House {
        House::on(World::on("sqlite::memory:").await)
    }

    fn on(world: World) -> House {
        let mut settings = super::http::settings();
        settings.insight = Insight {
            tellers: vec![
                teller("github", TellerKind::Github),
                teller("gitlab", TellerKind::Gitlab),
                teller("ci", TellerKind::Generic),
            ],
            ..Insight::default()
        };
        let app = App {
            chat: Arc::default(),
            engine: world.engine.clone(),
            settings: Arc::new(settings),
            metrics: Arc::new(Metrics::new()),
        };
        House {
            router: hooks::router(app).0,
            world,
        }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, Value) {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        (status, serde_json::from_slice(&body.unwrap()).unwrap())
    }

    async fn ci(&self, change: &Value) -> (StatusCode, Value) {
        let bearer = format!("Bearer {SECRET}");
        let headers = [("authorization", bearer.as_str())];
        self.post("/v1/changes/ci", &headers, &change.to_string())
            .await
    }

    async fn stored(&self) -> Vec<String> {
        let query = ChangeQuery {
            limit: 100,
            ..ChangeQuery::default()
        };
        let (rows, total) = self
            .world
            .engine
            .store()
            .change_events(&query)
            .await
            .unwrap();
        assert_eq!(i64::try_from(rows.len()).unwrap(), total);
        rows.iter()
            .map(firebell::core::change::ChangeEvent::words)
            .collect()
    }
}

#[tokio::test]
async fn a_pagerduty_change_is_answered_as_documented_stored_and_told_once() {
    let house = House::open().await;
    let event = json!({
        "routing_key": super::http::INGEST,
        "payload": {"summary": "Deployed checkout", "source": "checkout"},
    });
    let post = async |event: &Value| {
        house
            .post("/v2/change/enqueue", &[], &event.to_string())
            .await
    };
    let (status, said) = post(&event).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{said}");
    assert_eq!(
        said,
        json!({"status": "success", "message": "Event processed"})
    );
    assert_eq!(
        house.stored().await,
        ["change of checkout “Deployed checkout”"]
    );
    // The same again is a sender's retry; after ten minutes it is another change.
    assert_eq!(post(&event).await.0, StatusCode::ACCEPTED);
    assert_eq!(house.stored().await.len(), 1);
    house.world.advance_secs(601).await;
    assert_eq!(post(&event).await.0, StatusCode::ACCEPTED);
    assert_eq!(house.stored().await.len(), 2);
    let (status, said) = post(&json!({"routing_key": super::http::INGEST, "payload": {}})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        said,
        json!({
            "status": "invalid event",
            "message": "Event object is invalid",
            "errors": ["'payload.summary' is missing or blank"],
        })
    );
    let (status, _) = post(&json!({"routing_key": "x", "payload": {"summary": "x"}})).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn github_and_gitlab_must_prove_who_they_are() {
    let house = House::open().await;
    let body = include_str!("../../golden/changes/github/deployment.json");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let tag = mac.finalize().into_bytes();
    let good = format!(
        "sha256={}",
        tag.iter().map(|b| format!("{b:02x}")).collect::<String>()
    );
    let signed = |signature: &str| {
        vec![
            ("x-github-event".to_owned(), "deployment".to_owned()),
            ("x-hub-signature-256".to_owned(), signature.to_owned()),
        ]
    };
    for bad in [
        "",
        "sha256=",
        &good[..70],
        &good.to_uppercase(),
        "sha1=0000",
    ] {
        let headers = signed(bad);
        let headers: Vec<_> = headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let (status, said) = house.post("/v1/changes/github", &headers, body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{bad}: {said}");
    }
    assert_eq!(house.stored().await, Vec::<String>::new());
    let headers = [
        ("x-github-event", "deployment"),
        ("x-hub-signature-256", good.as_str()),
    ];
    let (status, said) = house.post("/v1/changes/github", &headers, body).await;
    assert_eq!(
        (status, &said["accepted"]),
        (StatusCode::ACCEPTED, &json!(1)),
        "{said}"
    );
    // A body that was touched on its way is nobody's.
    let (status, _) = house
        .post(
            "/v1/changes/github",
            &headers,
            &body.replace("v2.31", "v2.32"),
        )
        .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let body = include_str!("../../golden/changes/gitlab/deployment.json");
    for (token, want) in [
        ("wrong", StatusCode::UNAUTHORIZED),
        (SECRET, StatusCode::ACCEPTED),
    ] {
        let headers = [
            ("x-gitlab-event", "Deployment Hook"),
            ("x-gitlab-token", token),
        ];
        assert_eq!(
            house.post("/v1/changes/gitlab", &headers, body).await.0,
            want
        );
    }
    assert_eq!(house.stored().await.len(), 2);
    for nobody in ["/v1/changes/nobody", "/v1/changes/ci"] {
        let (status, _) = house.post(nobody, &[], "{}").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{nobody}");
    }
}

fn told(at: Time, id: &str) -> Value {
    json!({"summary": format!("release {id}"), "id": id, "kind": "deploy", "service": "checkout", "at": at.rfc3339(), "author": "ana"})
}

/// The changes on the timeline of incident 1.
async fn before(world: &World) -> Vec<String> {
    let journal = world.journal(1).await;
    let found = journal.iter().filter_map(|r| match &r.event {
        Event::Preceded { changes } => Some(changes),
        _ => None,
    });
    found.flatten().map(|p| p.key.clone()).collect()
}

#[tokio::test]
async fn a_change_stands_beside_the_incident_it_came_before_also_when_it_is_told_late() {
    let house = House::open().await;
    let w = &house.world;
    let known = told(START.plus_ms(-10 * MINUTE), "31");
    assert_eq!(house.ci(&known).await.0, StatusCode::ACCEPTED);
    w.fire("Slow", &[("service", "checkout"), ("severity", "critical")])
        .await;
    assert_eq!(before(w).await, ["id:31"]);
    let late = told(START.plus_ms(-2 * MINUTE), "32");
    assert_eq!(house.ci(&late).await.1["accepted"], 1);
    w.settle().await;
    assert_eq!(before(w).await, ["id:31", "id:32"]);
    // Told again, and told of what came after: nothing is added.
    assert_eq!(house.ci(&late).await.1["repeated"], 1);
    house.ci(&told(START.plus_ms(5 * MINUTE), "33")).await;
    w.settle().await;
    assert_eq!(before(w).await, ["id:31", "id:32"]);
    let incident = w.incident(1).await;
    let card = firebell::chat::card::card(&incident, &w.engine.directory(), START, "http://x");
    let fact = card
        .facts
        .iter()
        .find(|(k, _)| k == "changed before")
        .unwrap();
    assert_eq!(
        fact.1,
        "deploy of checkout “release 32” by ana, 1m before it began"
    );
    let read = w.engine.postmortem(IncidentId(1)).await.unwrap().unwrap();
    let document = firebell::core::postmortem::markdown(&read.document);
    assert!(document.contains("### Changes before"), "{document}");
    assert!(document.contains("context, not causes"), "{document}");
    let lines = read.document.timeline.iter().filter(|l| l.kind == "change");
    let at: Vec<&str> = lines.map(|l| l.at.utc.as_str()).collect();
    assert_eq!(at, ["2026-11-16T11:50:00.000Z", "2026-11-16T11:58:00.000Z"]);
}

#[tokio::test]
async fn after_a_crash_changes_are_known_and_old_ones_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("firebell.db").display());
    let mut world = World::on(&url).await;
    let house = House::on(world);
    house.ci(&told(START.plus_ms(-10 * MINUTE), "31")).await;
    world = house.world;
    world.kill_and_restart().await;
    world
        .fire("Slow", &[("service", "checkout"), ("severity", "critical")])
        .await;
    assert_eq!(before(&world).await, ["id:31"]);
    world.advance_secs(91 * 86_400).await;
    let house = House::on(world);
    house.ci(&told(house.world.engine.now(), "32")).await;
    assert_eq!(
        house.stored().await,
        ["deploy of checkout “release 32” by ana"]
    );
}
