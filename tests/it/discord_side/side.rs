//! One side of a conversation with Discord: engine, adapter and ear, and what a story asks of them.

use crate::discord_world::{DiscordWorld, Id, PATIENCE};
use crate::world::{alert, directory};
use firebell::chat::heard::Voice;
use firebell::chat::link::State;
use firebell::chat::{self, Chat, Page};
use firebell::config::chat::{Discord as Settings, Net, Place};
use firebell::core::alert::AlertKind;
use firebell::core::directory::{Action, Arg, ArgKind, ContactKind, Directory, PlatformRules};
use firebell::core::id::IncidentId;
use firebell::core::incident::Command;
use firebell::core::time::Time;
use firebell::engine::{Clock, Engine, Options};
use firebell::hear::Ear;
use firebell::metrics::Metrics;
use firebell::platform::discord::{self, Discord};
use firebell::store::Store;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The room of incident 1, when it is about `Down`.
pub const ROOM: &str = "inc-1-checkout-down-down-is-bad";

/// A firebell with one guild.
pub struct Side {
    pub world: DiscordWorld,
    pub engine: Engine,
    pub discord: Arc<Discord>,
    folder: tempfile::TempDir,
}

impl Side {
    /// Connected and at home.
    pub async fn start() -> Side {
        Side::with(|_, _| ()).await
    }

    /// With a world or settings of its own.
    pub async fn with(change: impl FnOnce(&DiscordWorld, &mut Settings)) -> Side {
        let side = Side::on(DiscordWorld::start().await, change).await;
        side.world.expect_ready().await;
        side.expect("it at home", |s| s.link().trouble.is_none())
            .await;
        side
    }

    /// Signed HTTP instead of the gateway.
    pub async fn http() -> Side {
        let world = DiscordWorld::start().await;
        let hex = world.public_key();
        let side = Side::on(world, |_, settings| {
            let bytes: Vec<u8> = (0..32)
                .map(|n| u8::from_str_radix(&hex[n * 2..n * 2 + 2], 16).unwrap())
                .collect();
            settings.public_key = bytes.try_into().ok();
        })
        .await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://{}/discord/discord/interactions",
            listener.local_addr().unwrap()
        );
        let router =
            axum::Router::new().nest("/discord/discord/interactions", side.discord.router());
        tokio::spawn(async move { axum::serve(listener, router).await });
        side.world.uses_endpoint(&url);
        side.expect("it at home", |s| s.link().trouble.is_none())
            .await;
        side
    }

    /// Started, not yet connected.
    pub async fn on(
        world: DiscordWorld,
        change: impl FnOnce(&DiscordWorld, &mut Settings),
    ) -> Side {
        let mut settings = settings(&world);
        change(&world, &mut settings);
        Side::all(world, &[settings]).await
    }

    /// At home in two servers with one bot: `discord`, and `discord-2` with its channel `ops`.
    pub async fn in_two() -> Side {
        let world = DiscordWorld::start().await;
        let second = world.guild("Second");
        world.channel(second, "ops");
        for name in ["ana", "bo", "dee"] {
            world.user(name).joins(second);
        }
        let first = settings(&world);
        let mut other = first.clone();
        "discord-2".clone_into(&mut other.place.name);
        other.guild = second.to_string();
        let side = Side::all(world, &[first, other]).await;
        side.world.expect_ready().await;
        side
    }

    async fn all(world: DiscordWorld, settings: &[Settings]) -> Side {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<&str> = settings.iter().map(|s| s.place.name.as_str()).collect();
        let engine = engine(&folder, people(&world, &names)).await;
        let all = discord::all(&engine, settings).unwrap();
        let voices = all.iter().map(|d| d.clone() as Arc<dyn Voice>).collect();
        let ear = Ear::new(engine.clone(), voices);
        ear.catch_up().await.unwrap();
        engine.deliver_through(all.iter().map(|d| d.clone() as Arc<dyn Chat>).collect());
        discord::start(&all, &ear);
        Side {
            world,
            engine,
            discord: all[0].clone(),
            folder,
        }
    }

    /// Another process takes the database over: this one can keep nothing any more.
    pub async fn is_fenced(&self) -> Engine {
        engine(&self.folder, people(&self.world, &["discord"])).await
    }

    /// A critical alert of the checkout.
    pub async fn fires(&self, name: &str) {
        let labels = [("severity", "critical"), ("service", "checkout")];
        self.engine
            .take(vec![alert(name, &labels, AlertKind::Firing, Time::FAR)])
            .await
            .unwrap();
    }

    pub async fn tells(&self, id: i64, command: Command) {
        let cause = format!("test:{}", fastrand::u64(..));
        self.engine
            .submit(&cause, IncidentId(id), command)
            .await
            .unwrap();
    }

    pub fn link(&self) -> State {
        self.discord.link().state()
    }

    /// Waits for something on this side.
    pub async fn expect(&self, what: &str, probe: impl Fn(&Side) -> bool) {
        let mut changes = self.discord.link().changes();
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                changes.borrow_and_update();
                if probe(self) {
                    return;
                }
                let _ = changes.changed().await;
            }
        });
        assert!(
            found.await.is_ok(),
            "firebell never saw {what}: {:?}",
            self.link()
        );
    }

    pub async fn expect_trouble(&self, words: &str) {
        let what = format!("trouble with {words:?}");
        self.expect(&what, |s| {
            s.link().trouble.is_some_and(|t| t.contains(words))
        })
        .await;
    }

    pub async fn status(&self, id: i64) -> &'static str {
        let found = self.engine.incident(IncidentId(id)).await.unwrap();
        found.map_or("nothing", |i| i.status.word())
    }

    pub async fn expect_status(&self, id: i64, status: &str) {
        self.until(PATIENCE, status, async || {
            (self.status(id).await == status).then_some(())
        })
        .await;
    }

    /// The first event of a kind, as it is stored.
    pub async fn expect_kind(&self, id: i64, kind: &str) -> String {
        self.expect_kinds(id, kind, 1).await
    }

    /// The last of so many events of a kind.
    pub async fn expect_kinds(&self, id: i64, kind: &str, n: usize) -> String {
        self.expect_kinds_within(id, kind, n, PATIENCE).await
    }

    pub async fn expect_kinds_within(
        &self,
        id: i64,
        kind: &str,
        n: usize,
        patience: Duration,
    ) -> String {
        let what = format!("{n} events {kind}");
        self.until(patience, &what, async || {
            let journal = self.engine.store().journal(IncidentId(id)).await.unwrap();
            let mut all = journal.into_iter().filter(|r| r.event.kind() == kind);
            all.nth(n - 1).map(|r| format!("{:?}", r.event))
        })
        .await
    }

    /// The rooms of an incident by platform, once each platform has one.
    pub async fn rooms(&self, id: i64) -> BTreeMap<String, String> {
        let all = self.engine.directory().platforms.len();
        self.until(PATIENCE, "its rooms", async || {
            let found = self.engine.incident(IncidentId(id)).await.unwrap()?;
            (found.rooms.len() == all).then(|| found.rooms.clone())
        })
        .await
    }

    pub async fn count(&self, id: i64, kind: &str) -> usize {
        let journal = self.engine.store().journal(IncidentId(id)).await.unwrap();
        journal.iter().filter(|r| r.event.kind() == kind).count()
    }

    /// Looks again whenever something was committed.
    async fn until<T>(
        &self,
        patience: Duration,
        what: &str,
        probe: impl AsyncFn() -> Option<T>,
    ) -> T {
        let mut changes = self.engine.changes();
        let found = tokio::time::timeout(patience, async {
            loop {
                if let Some(found) = probe().await {
                    return found;
                }
                let _ = changes.recv().await;
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => {
                let journal = self.engine.store().journal(IncidentId(1)).await.unwrap();
                let kinds: Vec<_> = journal.iter().map(|r| r.event.kind()).collect();
                panic!("firebell never saw {what}: {kinds:?} {:?}", self.link())
            }
        }
    }

    /// Until nothing is on its way any more.
    pub async fn rests(&self) {
        // Twice the pace of a channel, and of a retry: whatever would come a second time has come.
        let _ =
            tokio::time::timeout(Duration::from_millis(1500), std::future::pending::<()>()).await;
    }

    /// A page about an incident, as the engine draws it.
    pub async fn page(&self, id: i64) -> Page {
        let incident = self.engine.incident(IncidentId(id)).await.unwrap().unwrap();
        let directory = self.engine.directory();
        let url = format!("{}/incidents/{id}", self.engine.public_url());
        Page {
            key: format!("{id}:test:0"),
            card: chat::card::card(&incident, &directory, self.engine.now(), &url),
            text: chat::words::page_text(&incident, &directory, ""),
        }
    }

    /// Only those who were brought into a room were rung, by the message that is there for it.
    pub fn only_the_crew_was_rung(&self) {
        for rung in self.world.rung() {
            assert!(rung.text().starts_with("Asked to come: <@"), "{rung:?}");
            assert!(!rung.rung().everyone && rung.rung().roles.is_empty());
        }
    }

    /// A text channel in a category.
    pub fn inside(&self, category: Id, name: &str) {
        self.world.channel_in(self.world.home(), name, category);
    }
}

fn settings(world: &DiscordWorld) -> Settings {
    Settings {
        place: Place {
            name: "discord".to_owned(),
            teams: Vec::new(),
            private_rooms: false,
            channel: "incidents".to_owned(),
            keep_reactions: vec!["pushpin".to_owned(), "stopwatch".to_owned()],
            aliases: Vec::new(),
            net: Net {
                api_url: world.api(),
                proxy: None,
                extra_ca: None,
                timeout_ms: 1000,
                pace_ms: 20,
            },
        },
        token: SecretString::from(world.token()),
        application: world.app().to_string(),
        guild: world.home().to_string(),
        public_key: None,
        category: "Incidents".to_owned(),
        remove_oldest: true,
        gateway_url: None,
    }
}

/// The example directory, with accounts on Discord: Ana, Bo and Dee have one, Cy is unknown.
fn people(world: &DiscordWorld, platforms: &[&str]) -> Directory {
    let mut directory = directory();
    let mut tail = Action::clone(&directory.actions["echo"]);
    for name in [&mut tail.id, &mut tail.title] {
        "tail".clone_into(name);
    }
    tail.how = Action::of_program("tail", &["/bin/echo", "{lines} lines"]).how;
    tail.args = vec![Arg {
        name: "lines".to_owned(),
        help: "How many.".to_owned(),
        kind: ArgKind::Int { min: 1, max: 100 },
        default: None,
        from_label: None,
        strip_suffix: None,
    }];
    directory.actions.insert("tail".to_owned(), Arc::new(tail));
    directory.platforms = platforms.iter().map(|p| (*p).to_owned()).collect();
    for platform in platforms {
        let rules = PlatformRules {
            furnished: true,
            teams: Vec::new(),
        };
        directory.rules.insert((*platform).to_owned(), rules);
    }
    for (id, person) in &mut directory.people {
        for contact in &mut person.contacts {
            "discord".clone_into(&mut contact.name);
            contact.kind = ContactKind::Chat {
                platform: "discord".to_owned(),
            };
        }
        for platform in platforms.iter().filter(|_| id != "cy") {
            let account = world.user(id).id().to_string();
            person.identities.insert((*platform).to_owned(), account);
        }
    }
    directory
}

async fn engine(folder: &tempfile::TempDir, directory: Directory) -> Engine {
    let url = format!("sqlite://{}/f.db", folder.path().display());
    let options = Options {
        clock: Clock::Real,
        executors: crate::world::executors(folder.path()),
        public_url: "https://firebell.test".to_owned(),
        metrics: Arc::new(Metrics::new()),
    };
    let store = Store::open(&url).await.unwrap();
    Engine::start(store, directory, options).await.unwrap()
}

/// The adapter is one of the port's.
const _: fn(Arc<Discord>) -> Arc<dyn Chat> = |d| d;
