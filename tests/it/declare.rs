//! Incidents of a type, in private, as a drill, and tied to each other: every door of one house.

mod doors;
mod drills;
mod scale;
mod ties;
mod told;

use crate::world::{Said, World, directory, person};
use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, COOKIE, HOST};
use axum::http::{Request, StatusCode};
use firebell::chat::grammar::Invocation;
use firebell::config::{Console, Limits, Settings, Token};
use firebell::core::directory::Directory;
use firebell::core::id::IncidentId;
use firebell::core::incident::{Command, Declaration, Incident};
use firebell::dispatch::{self, Reply};
use firebell::http::{App, router};
use firebell::metrics::Metrics;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tower::ServiceExt;

/// A token without scopes, and one that may see private incidents.
const PLAIN: &str = "fb_plain_0123456789";
const SCOPED: &str = "fb_scoped_0123456789";
/// Bo's own.
pub const BO: &str = "fb_bo_0123456789";

/// A world with every door; its console lets anybody be anybody.
struct Town {
    world: World,
    router: Router,
    url: String,
    _folder: tempfile::TempDir,
}

fn settings() -> Settings {
    let token = |name: &str, text: &str, private: bool| Token {
        name: name.to_owned(),
        sha256: Sha256::digest(text).into(),
        person: None,
        private,
    };
    Settings {
        slack: Vec::new(),
        discord: Vec::new(),
        notify: firebell::config::notify::Providers::default(),
        engines: firebell::config::engines::Engines::default(),
        listen: "127.0.0.1:0".to_owned(),
        public_url: "http://firebell.test".to_owned(),
        data_dir: "unused".into(),
        database_url: String::from("unused").into(),
        tokens: vec![
            token("plain", PLAIN, false),
            token("scoped", SCOPED, true),
            Token {
                person: Some("bo".to_owned()),
                ..token("bo", BO, false)
            },
        ],
        sources: Vec::new(),
        console: Console {
            enabled: true,
            demo: true,
            channels: vec!["general".to_owned(), "web".to_owned()],
        },
        limits: Limits::default(),
        audit: firebell::config::Audit {
            readers: vec!["auditor".to_owned()],
            ..firebell::config::Audit::default()
        },
        exports: Vec::new(),
        page: firebell::config::status_page::PageServing::default(),
        insight: firebell::config::insight::Insight::default(),
        log_format: "text".to_owned(),
        log_filter: "info".to_owned(),
    }
}

/// Every door of an engine; its console lets anybody be anybody.
pub fn doors_of(engine: &firebell::engine::Engine) -> Router {
    let app = App {
        chat: Arc::default(),
        engine: engine.clone(),
        settings: Arc::new(settings()),
        metrics: Arc::new(Metrics::new()),
    };
    router(app, None)
}

impl Town {
    async fn open() -> Town {
        Town::with(directory()).await
    }

    async fn with(directory: Directory) -> Town {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("firebell.db").display());
        let world = World::with(&url, directory).await;
        Town {
            router: doors_of(&world.engine),
            world,
            url,
            _folder: folder,
        }
    }

    async fn declared(&self, said: Declaration) -> IncidentId {
        self.declared_by("ana", said).await
    }

    async fn declared_by(&self, who: &str, said: Declaration) -> IncidentId {
        let reply = self.does(who, Invocation::New(said)).await;
        assert!(reply.ok, "{}", reply.text);
        reply.incident.unwrap()
    }

    async fn does(&self, who: &str, what: Invocation) -> Reply {
        let cause = uuid::Uuid::new_v4().to_string();
        let engine = &self.world.engine;
        let reply = dispatch::invoke(engine, person(who), "console", what, &cause).await;
        self.world.settle().await;
        reply
    }

    async fn says(&self, who: &str, line: &str) -> Reply {
        let cause = uuid::Uuid::new_v4().to_string();
        let engine = &self.world.engine;
        let reply = dispatch::perform(engine, person(who), "console", None, line, &cause).await;
        self.world.settle().await;
        reply
    }

    async fn incident(&self, id: IncidentId) -> Arc<Incident> {
        self.world.incident(id.0).await
    }

    async fn tells(&self, id: IncidentId, command: Command) {
        self.world.tell(id.0, command).await;
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        // A stream of changes has no end; what it says at once is nothing.
        if response
            .headers()
            .get("content-type")
            .is_some_and(|t| t == "text/event-stream")
        {
            return (status, String::new());
        }
        let body = axum::body::to_bytes(response.into_body(), usize::MAX);
        let body = body.await.unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn api(&self, token: &str, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, token: &str, path: &str, body: serde_json::Value) -> (StatusCode, String) {
        let request = Request::post(path).header(AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    async fn page(&self, who: &str, path: &str) -> (StatusCode, String) {
        let request = Request::get(path)
            .header(HOST, "127.0.0.1")
            .header(COOKIE, format!("firebell_who={who}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// At which event the card in an incident's room was last drawn; 0: never.
    fn drawn(&self, id: IncidentId) -> u32 {
        let drawn = self.world.platform.cards(&format!("room-of-{}", id.0));
        drawn.last().copied().unwrap_or(0)
    }

    /// Everything that reached the chat platform.
    fn said(&self) -> Vec<Said> {
        self.world.platform.said.lock().unwrap().clone()
    }

    /// What was posted in a channel of the chat platform, and whether a card stands there.
    fn in_channel(&self, name: &str) -> (Vec<String>, bool) {
        let place = format!("#{name}");
        let said = self.said();
        let card = |s: &Said| matches!(s, Said::Card { room, .. } if *room == place);
        (self.world.platform.lines(&place), said.iter().any(card))
    }
}
