//! The API as programs use it: the whole router on a real engine and database.

mod conduct;
mod hands;
mod oncall;

use crate::store::on_both;
use crate::world::{Adapter, START, World, alert, directory, person};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use firebell::config::{Console, Limits, Settings, Token};
use firebell::core::alert::AlertKind;
use firebell::core::incident::Command;
use firebell::core::time::Time;
use firebell::engine::{Clock, Engine, Options};
use firebell::http::{App, router};
use firebell::metrics::Metrics;
use firebell::store::Store;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::Connection;
use std::sync::Arc;
use tower::ServiceExt;

const TOKEN: &str = "fb_0123456789abcdef";
const CHECKOUT: &[(&str, &str)] = &[("service", "checkout"), ("severity", "critical")];

/// A world with every door, and its database's file.
struct House {
    world: World,
    router: Router,
    url: String,
    _folder: tempfile::TempDir,
}

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

    /// The error's code, with the status beside it.
    fn refusal(&self) -> (u16, String) {
        let code = self.json()["error"]["code"].as_str().unwrap().to_owned();
        (self.status.as_u16(), code)
    }
}

fn settings() -> Settings {
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
            sha256: Sha256::digest(TOKEN).into(),
            person: None,
            private: false,
        }],
        sources: Vec::new(),
        console: Console {
            enabled: true,
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
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("firebell.db").display());
        let world = World::with(&url, directory()).await;
        let app = App {
            chat: Arc::default(),
            engine: world.engine.clone(),
            settings: Arc::new(settings()),
            metrics: Arc::new(Metrics::new()),
        };
        House {
            world,
            router: router(app, None),
            url,
            _folder: folder,
        }
    }

    /// With one open incident of the service checkout.
    async fn burning() -> House {
        let house = House::open().await;
        house.world.fire("Slow", CHECKOUT).await;
        house
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
        }
    }

    /// Without a token.
    async fn open_get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    async fn get(&self, path: &str) -> Reply {
        let request = Request::get(format!("/api/v1{path}"));
        let request = request.header(AUTHORIZATION, format!("Bearer {TOKEN}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A list's items.
    async fn list(&self, path: &str) -> Vec<Value> {
        let reply = self.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        reply.json()["items"].as_array().unwrap().clone()
    }

    async fn post(&self, path: &str, key: Option<&str>, body: impl Into<Body>) -> Reply {
        let mut request = Request::post(format!("/api/v1{path}"))
            .header(AUTHORIZATION, format!("Bearer {TOKEN}"));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        self.send(request.body(body.into()).unwrap()).await
    }
}

fn ids(items: &[Value]) -> Vec<i64> {
    items.iter().map(|i| i["id"].as_i64().unwrap()).collect()
}

fn described() -> Vec<(Method, String)> {
    let doc: Value = serde_json::from_str(&firebell::http::api::openapi()).unwrap();
    let paths = doc["paths"].as_object().unwrap().clone();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |m| {
                (
                    m.to_uppercase().parse().unwrap(),
                    path.replace("{id}", "1").replace("{task}", "1"),
                )
            })
        })
        .collect()
}

#[tokio::test]
async fn every_described_route_is_there_and_wants_a_token() {
    let house = House::burning().await;
    // So that each `{id}` can be 1.
    house.world.engine.replace_directory(oncall::roster("1"));
    let routes = described();
    assert!(routes.len() >= 42, "{}", routes.len());
    for (method, path) in routes {
        let request = || Request::builder().method(&method).uri(&path);
        for token in [None, Some("Bearer wrong"), Some("Basic Y2k6Y2k=")] {
            let mut request = request();
            if let Some(token) = token {
                request = request.header(AUTHORIZATION, token);
            }
            let reply = house.send(request.body(Body::empty()).unwrap()).await;
            let what = format!("{method} {path} {token:?}");
            assert_eq!(reply.refusal(), (401, "unauthorized".to_owned()), "{what}");
            assert!(reply.headers.contains_key(WWW_AUTHENTICATE), "{what}");
        }
        let known = request().header(AUTHORIZATION, format!("Bearer {TOKEN}"));
        let reply = house.send(known.body(Body::empty()).unwrap()).await;
        // Without a body declaring and noting are 400; nothing may be missing or of another method.
        let there = matches!(reply.status.as_u16(), 200 | 400 | 409)
            || path.starts_with("/api/v1/silences/") && reply.text().contains("no silence 1")
            || path.starts_with("/api/v1/runs/") && reply.text().contains("There is no run `1`");
        assert!(there, "{method} {path}: {}", reply.text());
    }
}

#[tokio::test]
async fn the_description_is_read_without_a_token() {
    let house = House::open().await;
    let reply = house.open_get("/api/v1/openapi.json").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.headers[CONTENT_TYPE], "application/json");
    assert_eq!(reply.text(), firebell::http::api::openapi());
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    let house = House::open().await;
    for n in 1..=5 {
        house.world.fire(&format!("Slow{n}"), CHECKOUT).await;
    }
    let all = house.get("/incidents?limit=2&page=2").await.json();
    assert_eq!(ids(all["items"].as_array().unwrap()), [3, 2]);
    assert_eq!(
        (&all["page"], &all["limit"], &all["total"]),
        (&json!(2), &json!(2), &json!(5))
    );
    assert_eq!(ids(&house.list("/incidents?limit=2&page=3").await), [1]);
    let beyond = house.list("/incidents?limit=2&page=4").await;
    assert!(beyond.is_empty());
    assert_eq!(ids(&house.list("/alerts?limit=3&page=2").await), [4, 5]);
    assert_eq!(house.get("/alerts?limit=3").await.json()["total"], 5);
}

#[tokio::test]
async fn incidents_are_found_by_status_service_severity_and_words() {
    let house = House::open().await;
    house.world.fire("Slow", CHECKOUT).await;
    house.world.fire("Full", &[("severity", "warning")]).await;
    house.world.fire("Gone", CHECKOUT).await;
    let by = person("ana");
    house
        .world
        .tell(2, Command::Acknowledge { by: by.clone() })
        .await;
    house.world.tell(3, Command::Resolve { by }).await;
    for (query, found) in [
        ("", vec![2, 1]),
        ("?status=open", vec![2, 1]),
        ("?status=all", vec![3, 2, 1]),
        ("?status=triggered", vec![1]),
        ("?status=acknowledged", vec![2]),
        ("?status=resolved", vec![3]),
        ("?service=checkout", vec![1]),
        ("?status=all&service=checkout", vec![3, 1]),
        ("?severity=sev2", vec![2]),
        ("?status=all&q=GON", vec![3]),
        ("?team=nobody", vec![]),
    ] {
        let items = house.list(&format!("/incidents{query}")).await;
        assert_eq!(ids(&items), found, "{query}");
    }
    assert_eq!(ids(&house.list("/alerts?incident=3").await), [3]);
    assert_eq!(ids(&house.list("/alerts?source=nobody").await), [0; 0]);
}

#[tokio::test]
async fn a_wrong_question_is_answered_with_what_is_allowed() {
    let house = House::open().await;
    for (path, says) in [
        ("/incidents?status=closed", "`acknowledged`"),
        ("/incidents?severity=p1", "`sev1` and `sev2`"),
        ("/incidents?stauts=open", "no parameter `stauts`"),
        ("/incidents?limit=501", "from 1 to 500"),
        ("/incidents?page=0", "`page`"),
        ("/alerts?status=closed", "`firing`"),
        ("/oncall?at=noon", "RFC 3339"),
    ] {
        let reply = house.get(path).await;
        assert_eq!(reply.refusal(), (400, "bad_parameter".to_owned()), "{path}");
        assert!(reply.text().contains(says), "{path}: {}", reply.text());
    }
    for path in [
        "/incidents/1",
        "/incidents/x",
        "/incidents/1/timeline",
        "/incidents/1/runs",
        "/incidents/1/deliveries",
        "/incidents/1/postmortem",
        "/oncall?schedule=nope",
        "/nowhere",
    ] {
        assert_eq!(
            house.get(path).await.refusal(),
            (404, "not_found".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_token_acknowledges_and_is_named_in_the_timeline() {
    let house = House::burning().await;
    let reply = house.post("/incidents/1/acknowledge", None, "").await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let incident = reply.json();
    assert_eq!(incident["status"], "acknowledged");
    assert_eq!(incident["acknowledged_by"], "ci");
    assert_eq!(incident["next"], Value::Null);
    assert_eq!(incident["url"], "http://firebell.test/incidents/1");
    let timeline = house.list("/incidents/1/timeline").await;
    let line = timeline.last().unwrap();
    assert_eq!(
        (&line["kind"], &line["actor"]),
        (&json!("acknowledged"), &json!("ci"))
    );
    assert!(line["source"].as_str().unwrap().contains("api:ci:"));
}

#[tokio::test]
async fn a_second_no_is_a_conflict_in_words() {
    let house = House::burning().await;
    house.post("/incidents/1/acknowledge", None, "{}").await;
    let again = house.post("/incidents/1/acknowledge", None, "{}").await;
    assert_eq!(again.refusal(), (409, "already_acknowledged".to_owned()));
    assert!(again.text().contains("ci has already acknowledged this."));
    house.post("/incidents/1/resolve", None, "").await;
    let late = house.post("/incidents/1/resolve", None, "").await;
    assert_eq!(late.refusal(), (409, "already_resolved".to_owned()));
    let nowhere = house.post("/incidents/9/resolve", None, "").await;
    assert_eq!(nowhere.refusal(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn the_same_key_is_the_same_act() {
    let house = House::burning().await;
    house.world.fire("Other", CHECKOUT).await;
    let note = json!({"text": "rolled back"}).to_string();
    let first = house
        .post("/incidents/1/notes", Some("k1"), note.clone())
        .await;
    let again = house
        .post("/incidents/1/notes", Some("k1"), note.clone())
        .await;
    assert_eq!(
        (first.status, again.status),
        (StatusCode::OK, StatusCode::OK)
    );
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(first.json()["seq"], again.json()["seq"]);
    let elsewhere = house.post("/incidents/2/notes", Some("k1"), note).await;
    assert_eq!(
        elsewhere.refusal(),
        (409, "idempotency_key_reused".to_owned())
    );
    let kinds = house.world.kinds(1).await;
    assert_eq!(kinds.iter().filter(|k| **k == "noted").count(), 1);
}

#[tokio::test]
async fn a_note_says_when_it_happened_and_must_fit() {
    let house = House::burning().await;
    let body = json!({"text": "rolled back", "at": "2026-11-16T11:59:00Z"}).to_string();
    let reply = house.post("/incidents/1/notes", None, body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let timeline = house.list("/incidents/1/timeline").await;
    let noted = timeline.iter().find(|e| e["kind"] == "noted").unwrap();
    assert_eq!(noted["happened_at"], "2026-11-16T11:59:00.000Z");
    for (body, code) in [
        (String::new(), "bad_body"),
        ("not json".to_owned(), "bad_body"),
        (json!({"text": "x", "by": "ana"}).to_string(), "bad_body"),
        (
            json!({"text": "x", "at": "teatime"}).to_string(),
            "bad_body",
        ),
        (json!({"text": "x".repeat(3001)}).to_string(), "invalid"),
    ] {
        let reply = house.post("/incidents/1/notes", None, body).await;
        assert_eq!(reply.refusal(), (400, code.to_owned()));
    }
    let huge = json!({"text": "x".repeat(70_000)}).to_string();
    let reply = house.post("/incidents/1/notes", None, huge).await;
    assert_eq!(reply.refusal(), (413, "too_large".to_owned()));
}

#[tokio::test]
async fn a_declared_incident_pages_and_is_opened_once_per_key() {
    let house = House::open().await;
    let body = json!({"title": "Customers cannot pay", "service": "checkout"}).to_string();
    let first = house.post("/incidents", Some("d1"), body.clone()).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    assert_eq!(first.json()["major"], true);
    house.world.settle().await;
    assert_eq!(house.world.platform.pages(), ["ana"]);
    let again = house.post("/incidents", Some("d1"), body).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json()["id"], first.json()["id"]);
    assert_eq!(house.list("/incidents?status=all").await.len(), 1);
    let quiet = json!({"title": "Drill", "page": false, "major": false}).to_string();
    house.post("/incidents", None, quiet).await;
    house.world.settle().await;
    assert_eq!(house.world.platform.pages(), ["ana"]);
    let wrong = json!({"title": "x", "service": "chekout"}).to_string();
    let wrong = house.post("/incidents", None, wrong).await;
    assert_eq!(wrong.refusal(), (400, "bad_parameter".to_owned()));
    assert!(wrong.text().contains("`checkout`"));
}

#[tokio::test]
async fn deliveries_and_the_postmortem_are_read_by_number() {
    let house = House::burning().await;
    let deliveries = house.list("/incidents/1/deliveries").await;
    let page = deliveries.iter().find(|d| d["lane"] == "page").unwrap();
    assert_eq!(
        (&page["target"], &page["state"]),
        (&json!("ana"), &json!("done"))
    );
    let md = house.get("/incidents/1/postmortem?format=md").await;
    assert_eq!(md.headers[CONTENT_TYPE], "text/markdown; charset=utf-8");
    assert!(md.text().starts_with("# "), "{}", md.text());
    let as_json = house.get("/incidents/1/postmortem").await;
    assert_eq!(as_json.headers[CONTENT_TYPE], "application/json");
    assert!(as_json.json().is_object());
    let wrong = house.get("/incidents/1/postmortem?format=pdf").await;
    assert_eq!(wrong.refusal(), (400, "bad_parameter".to_owned()));
}

#[tokio::test]
async fn the_directory_says_who_owns_what() {
    let house = House::open().await;
    let services = house.list("/services?q=check").await;
    assert_eq!(services.len(), 1);
    assert_eq!(services[0]["id"], "checkout");
    assert_eq!(services[0]["major_at"], "sev1");
    assert_eq!(house.list("/oncall").await.len(), 0);
}

#[tokio::test]
async fn a_process_that_lost_its_database_says_try_again_and_is_not_ready() {
    let house = House::burning().await;
    assert_eq!(house.open_get("/readyz").await.status, StatusCode::OK);
    let other = Store::open(&house.url).await.unwrap();
    other.take_over().await.unwrap();
    let reply = house.post("/incidents/1/acknowledge", None, "").await;
    assert_eq!(reply.refusal(), (503, "unavailable".to_owned()));
    assert!(reply.headers.contains_key(RETRY_AFTER));
    let ready = house.open_get("/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    let checks = ready.json()["checks"].clone();
    assert_eq!(
        (&checks[0]["name"], &checks[0]["ok"]),
        (&json!("database"), &json!(true))
    );
    assert_eq!(
        (&checks[1]["name"], &checks[1]["ok"]),
        (&json!("engine"), &json!(false))
    );
    assert_eq!(house.open_get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_read_the_database_refuses_is_a_503_without_its_words() {
    let house = House::burning().await;
    let mut connection = sqlx::SqliteConnection::connect(&house.url).await.unwrap();
    sqlx::query("alter table incidents rename to hidden")
        .execute(&mut connection)
        .await
        .unwrap();
    let reply = house.get("/incidents").await;
    assert_eq!(reply.refusal(), (503, "unavailable".to_owned()));
    assert!(!reply.text().contains("incidents"), "{}", reply.text());
}

#[tokio::test]
async fn prometheus_reads_what_is_held_what_waits_and_who_asked_for_what() {
    let (folder, metrics) = (tempfile::tempdir().unwrap(), Arc::new(Metrics::new()));
    let options = Options {
        clock: Clock::manual(START),
        executors: crate::world::executors(folder.path()),
        public_url: "http://firebell.test".to_owned(),
        metrics: metrics.clone(),
    };
    let store = Store::open("sqlite::memory:").await.unwrap();
    let engine = Engine::start(store, directory(), options).await.unwrap();
    engine.deliver_through(vec![Arc::new(Adapter(Arc::default()))]);
    let fires = |name| alert(name, CHECKOUT, AlertKind::Firing, Time::FAR);
    engine
        .take(vec![fires("Slow"), fires("Slower")])
        .await
        .unwrap();
    engine.settle().await;
    let settings = Arc::new(settings());
    let router = router(
        App {
            chat: Arc::default(),
            engine,
            settings,
            metrics,
        },
        None,
    );
    let get = async |path: &str, token: &str| {
        let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    get("/api/v1/incidents/1", TOKEN).await;
    get("/api/v1/incidents/2", TOKEN).await;
    let reply = get("/metrics", "").await;
    let kind = reply.headers()[CONTENT_TYPE].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"));
    let body = axum::body::to_bytes(reply.into_body(), usize::MAX).await;
    let text = String::from_utf8(body.unwrap().to_vec()).unwrap();
    let held = regex::Regex::new(r#"firebell_alerts\{state="[a-z]+"\} (\d+)"#).unwrap();
    let held = held
        .captures_iter(&text)
        .map(|c| c[1].parse::<u32>().unwrap());
    assert_eq!(held.sum::<u32>(), 2, "{text}");
    for line in [
        "firebell_incidents{status=\"triggered\"} 2",
        "firebell_outbox_pending{lane=\"page\"} 0",
        "firebell_outbox_pending{lane=\"say\"} 0",
        "firebell_outbox_oldest_age_seconds 0.0",
        "firebell_deliveries_total{lane=\"page\",outcome=\"done\"} 2",
        "firebell_http_requests_total{method=\"GET\",route=\"/api/v1/incidents/{id}\",status=\"200\"} 2",
    ] {
        assert!(text.lines().any(|l| l == line), "no {line} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_path_nobody_serves_is_json_for_programs_and_words_for_people() {
    let house = House::open().await;
    let program = house.open_get("/api/v3/incidents").await;
    assert_eq!(program.refusal(), (404, "not_found".to_owned()));
    let people = house.open_get("/nowhere").await;
    assert_eq!(people.status, StatusCode::NOT_FOUND);
    assert_eq!(people.text(), "There is nothing here.\n");
    assert_eq!(people.headers["x-content-type-options"], "nosniff");
    let wrong = Request::delete("/api/v1/incidents/1")
        .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
        .body(Body::empty())
        .unwrap();
    let wrong = house.send(wrong).await;
    assert_eq!(wrong.refusal(), (405, "wrong_method".to_owned()));
}

#[tokio::test]
async fn what_doctor_asks_works_on_both_databases_and_fences_nobody() {
    on_both(async |database| {
        let mine = database.mine().await;
        let probe = mine.store.probe().await.unwrap();
        assert!(probe.schema >= 1);
        let skew_ms = probe.now.since_ms(Clock::Real.now()).abs();
        assert!(skew_ms < 60_000, "{skew_ms}");
        mine.store.try_write().await.unwrap();
        mine.write(|_| {}).await;
        assert_eq!(mine.store.take_over().await.unwrap(), mine.epoch + 1);
    })
    .await;
}
