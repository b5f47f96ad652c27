//! The console over HTTP, on a real engine and database: what a browser sees and may do.

mod acting;
mod automation;
mod calendar;
mod conduct;
mod feeds;
mod hands;
mod insight;
mod looking;
mod postmortem;
mod runbook;

use super::world::{START, alert, directory};
use firebell::chat::Chat;
use firebell::config::{Console, Limits, Settings};
use firebell::core::alert::AlertKind;
use firebell::core::id::{IncidentId, RoomId};
use firebell::core::incident::Record;
use firebell::core::time::Time;
use firebell::engine::{Clock, Engine, Options};
use firebell::http::App;
use firebell::metrics::Metrics;
use firebell::platform::console::{ConsoleChat, channels};
use firebell::store::{PostRow, Store};
use reqwest::header::{ACCEPT, COOKIE, HOST, LOCATION, ORIGIN};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use std::sync::Arc;
use std::time::Duration;

const MAJOR: &[(&str, &str)] = &[("service", "checkout"), ("severity", "critical")];
/// A one-time id as a page would carry it.
const CLICK: &str = "0123456789abcdef0123456789abcdef";

/// A console somebody can open.
struct House {
    engine: Engine,
    chat: ConsoleChat,
    base: String,
    client: Client,
    clock: Clock,
    _scratch: tempfile::TempDir,
}

impl House {
    async fn open() -> House {
        House::build(true).await
    }

    async fn build(demo: bool) -> House {
        let scratch = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", scratch.path().join("firebell.db").display());
        let (metrics, clock) = (Arc::new(Metrics::new()), Clock::manual(START));
        let options = Options {
            clock: clock.clone(),
            executors: crate::world::executors(scratch.path()),
            public_url: "http://firebell.test".to_owned(),
            metrics: metrics.clone(),
        };
        let store = Store::open(&url).await.unwrap();
        let engine = Engine::start(store, directory(), options).await.unwrap();
        let chat = ConsoleChat::new(engine.clone());
        let names = channels(&["general".to_owned()], &directory());
        chat.ensure_channels(names).await.unwrap();
        engine.deliver_through(vec![Arc::new(chat.clone()) as Arc<dyn Chat>]);
        let app = App {
            chat: Arc::default(),
            engine: engine.clone(),
            settings: Arc::new(settings(demo)),
            metrics,
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = firebell::http::console::router(app.clone());
        let router = router.merge(firebell::http::feed::router(app));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        House {
            engine,
            chat,
            base,
            client,
            clock,
            _scratch: scratch,
        }
    }

    /// A major incident with its room.
    async fn burning() -> House {
        let house = House::open().await;
        house.fire("Slow", MAJOR).await;
        house
    }

    async fn fire(&self, name: &str, labels: &[(&str, &str)]) {
        let firing = alert(name, labels, AlertKind::Firing, Time::FAR);
        self.engine.take(vec![firing]).await.unwrap();
        self.engine.settle().await;
    }

    fn ask(&self, who: &str, path: &str) -> RequestBuilder {
        self.client
            .get(format!("{}{path}", self.base))
            .header(COOKIE, format!("firebell_who={who}"))
    }

    /// A page somebody looks at; it must be there.
    async fn page(&self, who: &str, path: &str) -> String {
        let answer = self.ask(who, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// A form as a browser sends it from our own page.
    fn form(&self, who: &str, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.client
            .post(format!("{}{path}", self.base))
            .header(COOKIE, format!("firebell_who={who}"))
            .header(ORIGIN, &self.base)
            .form(fields)
    }

    async fn post(&self, who: &str, path: &str, fields: &[(&str, &str)]) -> Response {
        let answer = self.form(who, path, fields).send().await.unwrap();
        self.engine.settle().await;
        answer
    }

    async fn press(&self, who: &str, press: &str, as_of: &str, click: &str) -> serde_json::Value {
        let fields = [
            ("incident", "1"),
            ("press", press),
            ("as_of", as_of),
            ("click", click),
        ];
        let form = self.form(who, "/press", &fields);
        let answer = form.header(ACCEPT, "application/json").send().await;
        self.engine.settle().await;
        answer.unwrap().json().await.unwrap()
    }

    async fn journal(&self) -> Vec<Record> {
        self.engine.store().journal(IncidentId(1)).await.unwrap()
    }

    async fn count(&self, kind: &str) -> usize {
        let journal = self.journal().await;
        journal.iter().filter(|r| r.event.kind() == kind).count()
    }

    async fn room(&self, kind: &str) -> RoomId {
        let rooms = self.engine.store().rooms(50).await.unwrap();
        let found = rooms.into_iter().find(|r| r.kind == kind);
        found.expect("no such room").id
    }

    async fn posts(&self, room: RoomId) -> Vec<PostRow> {
        let store = self.engine.store();
        store.posts(room, i64::MAX, 500).await.unwrap()
    }
}

fn location(answer: &Response) -> &str {
    answer.headers()[LOCATION].to_str().unwrap()
}

fn settings(demo: bool) -> Settings {
    Settings {
        page: firebell::config::status_page::PageServing::default(),
        slack: Vec::new(),
        discord: Vec::new(),
        notify: firebell::config::notify::Providers::default(),
        engines: firebell::config::engines::Engines::default(),
        listen: "127.0.0.1:0".to_owned(),
        public_url: "http://firebell.test".to_owned(),
        data_dir: std::env::temp_dir().join("firebell-console-tests"),
        database_url: "sqlite::memory:".to_owned().into(),
        tokens: Vec::new(),
        sources: Vec::new(),
        console: Console {
            enabled: true,
            demo,
            channels: vec!["general".to_owned()],
        },
        limits: Limits::default(),
        audit: firebell::config::Audit::default(),
        exports: Vec::new(),
        insight: firebell::config::insight::Insight::default(),
        log_format: "text".to_owned(),
        log_filter: "warn".to_owned(),
    }
}
