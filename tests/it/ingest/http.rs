//! The doors themselves, on a real engine and database: what senders and readers are answered.

use crate::world::{START, World};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firebell::config::{Console, Limits, Settings, Source, Token};
use firebell::core::id::{Actor, IncidentId};
use firebell::http::{App, alertmanager, hooks};
use firebell::ingest::counters::{Counters, PathCounters};
use firebell::metrics::Metrics;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tower::ServiceExt;

pub const INGEST: &str = "0123456789abcdef0123456789abcdef";
const API: &str = "the API's token";

/// A world with its doors open.
struct House {
    world: World,
    router: Router,
    counters: Arc<Counters>,
}

/// What came back.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }
}

pub fn settings() -> Settings {
    let sha256 = |token: &str| Sha256::digest(token).into();
    let source = |name: &str, token: &str, mapping| Source {
        name: name.to_owned(),
        sha256: sha256(token),
        resolve_timeout_ms: 300_000,
        mapping,
    };
    Settings {
        page: firebell::config::status_page::PageServing::default(),
        slack: Vec::new(),
        discord: Vec::new(),
        notify: firebell::config::notify::Providers::default(),
        engines: firebell::config::engines::Engines::default(),
        listen: "127.0.0.1:0".to_owned(),
        public_url: "http://firebell.test".to_owned(),
        data_dir: "unused".into(),
        database_url: String::from("unused").into(),
        tokens: vec![Token {
            name: "ci".to_owned(),
            sha256: sha256(API),
            person: None,
            private: false,
        }],
        sources: vec![
            source("prom", INGEST, None),
            source("uptime", "uptime", Some(super::mapping())),
        ],
        console: Console {
            enabled: false,
            demo: false,
            channels: Vec::new(),
        },
        limits: Limits::default(),
        audit: firebell::config::Audit::default(),
        exports: Vec::new(),
        insight: firebell::config::insight::Insight::default(),
        log_format: "text".to_owned(),
        log_filter: "info".to_owned(),
    }
}

impl House {
    async fn open() -> House {
        let world = World::on("sqlite::memory:").await;
        let app = App {
            chat: Arc::default(),
            engine: world.engine.clone(),
            settings: Arc::new(settings()),
            metrics: Arc::new(Metrics::new()),
        };
        let (router, counters) = hooks::router(app.clone());
        House {
            world,
            router: router.merge(alertmanager::router(app)),
            counters,
        }
    }

    async fn ask(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
        }
    }

    async fn post(&self, path: &str, token: &str, body: impl Into<Body>) -> Reply {
        let request = Request::post(path).header(AUTHORIZATION, format!("Bearer {token}"));
        self.ask(request.body(body.into()).unwrap()).await
    }

    /// With the token as password of basic authentication, as amtool does.
    async fn get(&self, path: &str, token: &str) -> Reply {
        let pair = STANDARD.encode(format!("anybody:{token}"));
        let request = Request::get(path).header(AUTHORIZATION, format!("Basic {pair}"));
        self.ask(request.body(Body::empty()).unwrap()).await
    }

    async fn alerts(&self, query: &str) -> Vec<Value> {
        let reply = self.get(&format!("/api/v2/alerts{query}"), API).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        reply.json().as_array().unwrap().clone()
    }

    /// An event without a header: its token is in the body, as PagerDuty's clients send it.
    async fn pagerduty(&self, event: &Value) -> Reply {
        let request = Request::post("/v2/enqueue");
        self.ask(request.body(event.to_string().into()).unwrap())
            .await
    }

    fn path(&self, path: &str) -> &PathCounters {
        self.counters.paths.iter().find(|p| p.path == path).unwrap()
    }
}

fn firing(name: &str, instance: usize) -> Value {
    json!({
        "labels": {"alertname": name, "instance": format!("i-{instance}"), "severity": "warning"},
        "annotations": {"summary": format!("{name} is bad")},
        "startsAt": START.rfc3339(),
        "generatorURL": "http://prometheus.test/graph",
    })
}

fn batch(alerts: &[Value]) -> String {
    json!(alerts).to_string()
}

fn event(action: &str, key: &str) -> Value {
    json!({
        "routing_key": INGEST,
        "event_action": action,
        "dedup_key": key,
        "payload": {"summary": "db down", "source": "db-1", "severity": "critical"},
    })
}

#[tokio::test]
async fn what_prometheus_posts_is_answered_empty_and_listed() {
    let house = House::open().await;
    let body = batch(&[firing("Down", 1), firing("Down", 2)]);
    let reply = house.post("/api/v2/alerts", INGEST, body).await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, ""));
    let listed = house.alerts("").await;
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["labels"], firing("Down", 1)["labels"]);
    assert_eq!(listed[0]["generatorURL"], "http://prometheus.test/graph");
    assert_eq!(listed[0]["status"]["state"], "active");
    assert_eq!(listed[0]["receivers"], json!([{"name": "on-call"}]));
    assert_eq!(listed[0]["endsAt"], START.plus_ms(300_000).rfc3339());
    let one = house
        .alerts("?filter=instance%3D%22i-2%22&filter=alertname%3DDown")
        .await;
    assert_eq!(one.len(), 1);
    assert!(house.alerts("?active=false").await.is_empty());
    assert_eq!(house.world.incident(1).await.alerts, 2);
}

#[tokio::test]
async fn an_unchanged_repeat_moves_the_end_and_writes_nothing() {
    let house = House::open().await;
    let body = batch(&[firing("Down", 1)]);
    house.post("/api/v2/alerts", INGEST, body.clone()).await;
    // what came of the page belongs to before, too
    house.world.settle().await;
    let before = house.world.journal(1).await.len();
    house.world.advance_secs(60).await;
    let reply = house.post("/api/v2/alerts", INGEST, body).await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, ""));
    let path = house.path("/api/v2/alerts");
    assert_eq!((path.accepted.get(), path.repeats.get()), (1, 1));
    let listed = house.alerts("").await;
    assert_eq!(listed[0]["endsAt"], START.plus_ms(360_000).rfc3339());
    assert_eq!(house.world.journal(1).await.len(), before);
    // Four minutes after the first end it still fires, because of the repeat.
    house.world.advance_secs(299).await;
    assert_eq!(house.alerts("").await.len(), 1);
    house.world.advance_secs(2).await;
    assert!(house.alerts("").await.is_empty());
}

#[tokio::test]
async fn invalid_alerts_are_named_and_the_valid_ones_of_the_batch_kept() {
    let house = House::open().await;
    let body = batch(&[firing("Down", 1), json!({"labels": {}}), firing("Down", 2)]);
    let reply = house.post("/api/v2/alerts", INGEST, body.clone()).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let why = reply.json().as_str().unwrap().to_owned();
    assert!(why.contains("alert 1: at least one label"), "{why}");
    assert!(why.ends_with("2 alerts accepted"), "{why}");
    assert_eq!(house.alerts("").await.len(), 2);
    let (kept, n) = house.world.engine.store().quarantine(10).await.unwrap();
    assert_eq!((n, kept[0].body.as_str()), (1, body.as_str()));
    assert_eq!(
        (kept[0].source.as_str(), kept[0].path.as_str()),
        ("prom", "/api/v2/alerts")
    );
}

#[tokio::test]
async fn poison_is_refused_and_kept_for_people_on_every_path() {
    let house = House::open().await;
    for (path, token) in [
        ("/api/v2/alerts", INGEST),
        ("/v1/ingest/alertmanager", INGEST),
        ("/v2/enqueue", INGEST),
        ("/v1/ingest/generic", "uptime"),
    ] {
        let reply = house.post(path, token, &b"{not json\0\xff"[..]).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}");
        reply.json();
        assert_eq!(house.path(path).quarantined.get(), 1, "{path}");
    }
    let (kept, n) = house.world.engine.store().quarantine(10).await.unwrap();
    assert_eq!(n, 4);
    assert!(
        kept.iter()
            .all(|row| row.body == "{not json\u{fffd}\u{fffd}")
    );
}

#[tokio::test]
async fn a_stranger_is_told_how_to_authenticate_and_leaves_nothing_behind() {
    let house = House::open().await;
    for path in house.counters.paths.iter().map(|p| p.path) {
        for token in ["", "wrong", API] {
            let reply = house.post(path, token, "poison").await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{path}");
            assert!(reply.headers.contains_key(WWW_AUTHENTICATE), "{path}");
            assert!(reply.text().contains("bearer"), "{path}");
        }
        assert_eq!(house.path(path).unauthorised.get(), 3, "{path}");
    }
    assert_eq!(house.world.engine.store().quarantine(1).await.unwrap().1, 0);
    for path in ["alerts", "alerts/groups", "status", "receivers"] {
        let reply = house.get(&format!("/api/v2/{path}"), "wrong").await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{path}");
        let reply = house.get(&format!("/api/v2/{path}"), INGEST).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_with_the_limit() {
    let house = House::open().await;
    let limit = Limits::default().body_bytes;
    for path in house.counters.paths.iter().map(|p| p.path) {
        let reply = house.post(path, INGEST, " ".repeat(limit + 1)).await;
        assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert!(reply.text().contains(&limit.to_string()), "{path}");
        assert_eq!(house.path(path).too_large.get(), 1, "{path}");
    }
    let padded = format!("[{}]", " ".repeat(limit - 2));
    let reply = house.post("/api/v2/alerts", INGEST, padded).await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn a_store_that_is_gone_is_503_so_that_senders_come_back() {
    let house = House::open().await;
    house.world.engine.stop().await;
    for (path, body) in [
        ("/api/v2/alerts", batch(&[firing("Down", 1)])),
        ("/api/v2/alerts", "poison".to_owned()),
        (
            "/v1/ingest/alertmanager",
            json!({"version": "4", "status": "firing", "alerts": [firing("Down", 1)]}).to_string(),
        ),
        ("/v2/enqueue", event("trigger", "k").to_string()),
        ("/v2/enqueue", "poison".to_owned()),
    ] {
        let reply = house.post(path, INGEST, body).await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(reply.headers.contains_key(RETRY_AFTER), "{path}");
    }
}

#[tokio::test]
async fn pagerdutys_trigger_acknowledge_and_resolve_do_what_they_say() {
    let house = House::open().await;
    let done =
        json!({"status": "success", "message": "Event processed", "dedup_key": "srv01/http"});
    let reply = house.pagerduty(&event("trigger", "srv01/http")).await;
    assert_eq!(
        (reply.status, reply.json()),
        (StatusCode::ACCEPTED, done.clone())
    );
    let reply = house.pagerduty(&event("acknowledge", "srv01/http")).await;
    assert_eq!(
        (reply.status, reply.json()),
        (StatusCode::ACCEPTED, done.clone())
    );
    let incident = house.world.incident(1).await;
    let prom = Actor::Source {
        name: "prom".to_owned(),
    };
    assert_eq!(incident.acked_by, Some(prom));
    let reply = house.pagerduty(&event("resolve", "srv01/http")).await;
    assert_eq!((reply.status, reply.json()), (StatusCode::ACCEPTED, done));
    house.world.settle().await;
    assert!(house.world.incident(1).await.cleared_at.is_some());
}

#[tokio::test]
async fn an_acknowledgement_nobody_waits_for_is_accepted_and_dropped() {
    let house = House::open().await;
    let reply = house.pagerduty(&event("acknowledge", "unknown")).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    house.pagerduty(&event("trigger", "k")).await;
    for _ in 0..2 {
        let reply = house.pagerduty(&event("acknowledge", "k")).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED);
    }
    assert_eq!(house.path("/v2/enqueue").dropped.get(), 2);
}

#[tokio::test]
async fn a_trigger_without_a_key_gets_one_that_resolves_it() {
    let house = House::open().await;
    let mut trigger = event("trigger", "");
    trigger.as_object_mut().unwrap().remove("dedup_key");
    let (one, two) = (
        house.pagerduty(&trigger).await,
        house.pagerduty(&trigger).await,
    );
    let key = one.json()["dedup_key"].as_str().unwrap().to_owned();
    assert_eq!(key.len(), 32);
    assert_ne!(one.json(), two.json());
    house.pagerduty(&event("resolve", &key)).await;
    let left = house.alerts("").await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["fingerprint"], two.json()["dedup_key"]);
}

#[tokio::test]
async fn an_invalid_event_is_answered_as_pagerduty_does_and_its_token_not_kept() {
    let house = House::open().await;
    let mut bad = event("trigger", "k");
    bad["payload"] = json!({"summary": "", "severity": "high"});
    let reply = house.pagerduty(&bad).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.json()["status"], "invalid event");
    assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 3);
    let (kept, _) = house.world.engine.store().quarantine(1).await.unwrap();
    assert!(!kept[0].body.contains(INGEST), "{}", kept[0].body);
}

#[tokio::test]
async fn the_plain_doors_say_what_was_accepted_and_what_was_not() {
    let house = House::open().await;
    let hook = json!({"version": "4", "status": "firing", "alerts": [firing("Down", 1)]});
    let path = "/v1/ingest/alertmanager";
    let reply = house.post(path, INGEST, hook.to_string()).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(
        reply.json(),
        json!({"accepted": 1, "refused": 0, "errors": []})
    );
    let items = json!({"monitors": [{"id": 1, "name": "Home"}, {"name": "no id"}]});
    let path = "/v1/ingest/generic";
    let reply = house.post(path, "uptime", items.to_string()).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.json()["accepted"], 1);
    assert_eq!(reply.json()["errors"][0]["index"], 1);
    let reply = house.post(path, INGEST, items.to_string()).await;
    assert!(reply.text().contains("has no mapping"), "{}", reply.text());
    assert_eq!(house.alerts("").await.len(), 2);
}

#[tokio::test]
async fn lists_longer_than_a_page_arrive_whole() {
    let house = House::open().await;
    let all: Vec<Value> = (0..2500)
        .map(|i| firing(["A", "B", "C"][i % 3], i))
        .collect();
    let mut quiet = firing("Quiet", 9999);
    quiet["labels"]["severity"] = json!("none");
    for part in all.chunks(500).chain([&[quiet.clone()][..]]) {
        let reply = house.post("/api/v2/alerts", INGEST, batch(part)).await;
        assert_eq!(reply.status, StatusCode::OK);
    }
    assert_eq!(house.alerts("").await.len(), 2501);
    assert_eq!(house.alerts("?filter=alertname%3DA").await.len(), 834);
    assert_eq!(house.alerts("?receiver=nobody").await.len(), 1);
    let groups = house.get("/api/v2/alerts/groups", API).await.json();
    let found: Vec<(Value, Value, usize)> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|g| {
            let alerts = g["alerts"].as_array().unwrap().len();
            (g["labels"].clone(), g["receiver"]["name"].clone(), alerts)
        })
        .collect();
    assert_eq!(
        found,
        [
            (json!({}), json!("nobody"), 1),
            (json!({"alertname": "A"}), json!("on-call"), 834),
            (json!({"alertname": "B"}), json!("on-call"), 833),
            (json!({"alertname": "C"}), json!("on-call"), 833),
        ]
    );
    let one = house
        .get("/api/v2/alerts/groups?filter=instance%3D~%22i-.%22", API)
        .await;
    let sizes = one
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["alerts"].as_array().unwrap().len())
        .collect::<Vec<_>>();
    assert_eq!(sizes, [4, 3, 3]);
}

#[tokio::test]
async fn readers_and_probes_find_the_paths_they_expect() {
    let house = House::open().await;
    for path in ["/-/healthy", "/-/ready"] {
        let reply = house.get(path, "").await;
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (StatusCode::OK, "OK")
        );
    }
    assert_eq!(house.alerts("").await, Vec::<Value>::new());
    assert_eq!(
        house.get("/api/v2/alerts/groups", API).await.json(),
        json!([])
    );
    let status = house.get("/api/v2/status", API).await.json();
    assert_eq!(status["uptime"], START.rfc3339());
    let reply = house.get("/api/v2/alerts?filter=job", API).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(reply.json().as_str().unwrap().starts_with("filter: "));
    let open = house.world.engine.incident(IncidentId(1)).await.unwrap();
    assert!(open.is_none());
}
