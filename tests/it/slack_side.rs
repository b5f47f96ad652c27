//! firebell and a Slack workspace: the real engine, adapter and ear against the stand-in.

mod acts;
mod declare;
mod lines;
mod live;
mod rooms;
mod troubles;

use crate::slack_world::{Message, RequestUrls, SlackWorld};
use crate::world;
use firebell::chat::heard::Voice;
use firebell::config::chat::{Net, Place, Rotation, Slack as Settings};
use firebell::core::alert::AlertKind;
use firebell::core::directory::{Contact, ContactKind, Directory, PlatformRules};
use firebell::core::id::IncidentId;
use firebell::core::incident::Incident;
use firebell::core::time::Time;
use firebell::engine::{Clock, Engine, Options};
use firebell::hear::Ear;
use firebell::metrics::Metrics;
use firebell::platform::slack::{self, Slack};
use firebell::store::Store;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Longer than anything here takes, shorter than anybody's patience.
const PATIENCE: Duration = Duration::from_secs(15);

/// firebell in a workspace.
pub struct Side {
    pub world: SlackWorld,
    pub engine: Engine,
    pub slack: Arc<Slack>,
    pub ear: Ear,
    scratch: Arc<tempfile::TempDir>,
}

/// How the workspace is configured, by Socket Mode.
pub fn settings(world: &SlackWorld) -> Settings {
    let words = |all: &[&str]| all.iter().map(|w| (*w).to_owned()).collect();
    Settings {
        place: Place {
            name: "slack".to_owned(),
            teams: Vec::new(),
            private_rooms: false,
            channel: "incidents".to_owned(),
            keep_reactions: words(&["pushpin"]),
            aliases: words(&["page", "oncall"]),
            net: Net {
                api_url: world.api_url(),
                proxy: None,
                extra_ca: None,
                timeout_ms: 700,
                pace_ms: 1,
            },
        },
        bot_token: SecretString::from(world.bot_token()),
        app_token: Some(SecretString::from(world.app_token())),
        signing_secrets: vec![SecretString::from(world.signing_secret())],
        rotation: None,
    }
}

/// The example directory, at home in this workspace; everybody but cy has an account in it.
pub fn directory(world: &SlackWorld) -> Directory {
    let mut directory = world::directory();
    directory.platforms = vec!["slack".to_owned()];
    let rules = PlatformRules {
        furnished: true,
        ..PlatformRules::default()
    };
    directory.rules = BTreeMap::from([("slack".to_owned(), rules)]);
    for (id, person) in &mut directory.people {
        if id == "cy" {
            continue;
        }
        let account = world.user(id).id().to_owned();
        person.identities = BTreeMap::from([("slack".to_owned(), account)]);
        person.contacts = vec![Contact {
            name: "slack".to_owned(),
            kind: ContactKind::Chat {
                platform: "slack".to_owned(),
            },
        }];
    }
    directory
}

pub async fn engine(scratch: &tempfile::TempDir, directory: Directory) -> Engine {
    let url = format!("sqlite://{}", scratch.path().join("fb.db").display());
    let options = Options {
        clock: Clock::Real,
        executors: crate::world::executors(scratch.path()),
        public_url: "http://firebell.test".to_owned(),
        metrics: Arc::new(Metrics::new()),
    };
    let store = Store::open(&url).await.unwrap();
    Engine::start(store, directory, options).await.unwrap()
}

/// A workspace without the limits that are not what a story is about.
pub async fn quick_world() -> SlackWorld {
    let world = SlackWorld::start().await;
    world.tune(|t| {
        t.post_burst = 10_000;
        t.tiers = false;
    });
    world
}

impl Side {
    /// Connected and ready.
    pub async fn start() -> Side {
        Side::with(quick_world().await, |_| {}).await
    }

    pub async fn with(world: SlackWorld, change: impl FnOnce(&mut Settings)) -> Side {
        let side = Side::unconnected(world, change).await;
        slack::start(std::slice::from_ref(&side.slack), &side.ear);
        side.up().await;
        side
    }

    pub async fn unconnected(world: SlackWorld, change: impl FnOnce(&mut Settings)) -> Side {
        let scratch = Arc::new(tempfile::tempdir().unwrap());
        let mut settings = settings(&world);
        change(&mut settings);
        let engine = engine(&scratch, directory(&world)).await;
        let slack = Arc::new(Slack::new(engine.clone(), &settings).unwrap());
        let ear = Ear::new(engine.clone(), vec![slack.clone()]);
        engine.deliver_through(vec![slack.clone()]);
        Side {
            world,
            engine,
            slack,
            ear,
            scratch,
        }
    }

    /// By signed HTTP instead of a socket.
    pub async fn by_http(world: SlackWorld) -> Side {
        let side = Side::unconnected(world, |s| s.app_token = None).await;
        slack::start(std::slice::from_ref(&side.slack), &side.ear);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = slack::router(side.slack.clone(), side.ear.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        side.world.speaks_http(RequestUrls {
            events: format!("{base}/events"),
            commands: format!("{base}/commands"),
            interactivity: format!("{base}/interactivity"),
        });
        side.up().await;
        side
    }

    /// The process ends and another one takes over, with the same workspace.
    pub async fn restarts(self) -> Side {
        let engine = engine(&self.scratch, directory(&self.world)).await;
        let slack = Arc::new(Slack::new(engine.clone(), &settings(&self.world)).unwrap());
        let ear = Ear::new(engine.clone(), vec![slack.clone()]);
        engine.deliver_through(vec![slack.clone()]);
        Side {
            engine,
            slack,
            ear,
            world: self.world,
            scratch: self.scratch,
        }
    }

    /// Waits until the link is up.
    pub async fn up(&self) {
        self.link("up", |trouble| trouble.is_none()).await;
    }

    /// Waits until the link says this.
    pub async fn down(&self, why: &str) {
        self.link(why, |trouble| trouble.is_some_and(|t| t.contains(why)))
            .await;
    }

    async fn link(&self, what: &str, fits: impl Fn(Option<&str>) -> bool) {
        let mut changes = self.slack.link().changes();
        let wait = async {
            while !fits(self.slack.link().state().trouble.as_deref()) {
                changes.changed().await.unwrap();
            }
        };
        let done = tokio::time::timeout(PATIENCE, wait).await;
        let state = self.slack.link().state();
        assert!(done.is_ok(), "the link is not {what}: {state:?}");
    }

    /// A major incident of checkout, which has a room and pages ana. Answers its room's id.
    pub async fn major(&self, title: &str) -> String {
        self.fires(title, "critical").await;
        self.room(1).await
    }

    pub async fn fires(&self, title: &str, severity: &str) {
        let labels = [("service", "checkout"), ("severity", severity)];
        let alert = world::alert(title, &labels, AlertKind::Firing, Time::FAR);
        self.engine.take(vec![alert]).await.unwrap();
    }

    /// The room of an incident, once it is there.
    pub async fn room(&self, id: i64) -> String {
        self.until("its room is open", |i| i.rooms.get("slack").cloned(), id)
            .await
    }

    /// Waits until something holds of an incident, and answers it.
    pub async fn until<T>(&self, what: &str, look: impl Fn(&Incident) -> Option<T>, id: i64) -> T {
        let mut changes = self.engine.changes();
        let wait = async {
            loop {
                if let Some(incident) = self.engine.incident(IncidentId(id)).await.unwrap()
                    && let Some(found) = look(&incident)
                {
                    return found;
                }
                // What was missed is looked for anyway.
                let _ = changes.recv().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await.ok();
        match waited {
            Some(found) => found,
            None => panic!(
                "{what} does not come true of #{id}: {:?}",
                self.story(id).await
            ),
        }
    }

    /// Waits until an event of the journal, written as JSON, holds a text.
    pub async fn until_told(&self, id: i64, text: &str) -> String {
        let mut changes = self.engine.changes();
        let wait = async {
            loop {
                let told = self.story(id).await.into_iter().find(|e| e.contains(text));
                if let Some(told) = told {
                    return told;
                }
                let _ = changes.recv().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await.ok();
        match waited {
            Some(told) => told,
            None => panic!("`{text}` is not told of #{id}: {:#?}", self.story(id).await),
        }
    }

    /// Every event of an incident, as JSON.
    pub async fn story(&self, id: i64) -> Vec<String> {
        let journal = self.engine.store().journal(IncidentId(id)).await.unwrap();
        let told = journal.iter().map(|r| serde_json::to_string(&r.event));
        told.map(Result::unwrap).collect()
    }

    /// The page of an incident in somebody's direct messages.
    pub async fn page(&self, name: &str, text: &str) -> Message {
        let direct = self.world.user(name).direct();
        self.world.expect_message(&direct, text).await
    }

    /// The card in a channel or room.
    pub async fn card(&self, channel: &str, text: &str) -> Message {
        let card = |m: &Message| m.blocks.iter().any(|b| b["type"] == "header");
        let fits = |m: &Message| card(m) && m.words().contains(text);
        let what = format!("a card with `{text}` in {channel}");
        self.world.expect_message_where(channel, &what, fits).await
    }
}

/// Token rotation as the workspace hands it out.
pub fn rotation(world: &SlackWorld) -> Rotation {
    let (refresh, id, secret) = world.rotates_tokens();
    Rotation {
        client_id: id,
        client_secret: SecretString::from(secret),
        refresh_token: SecretString::from(refresh),
    }
}
