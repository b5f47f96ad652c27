//! The World: a real engine on a real database, a clock that is moved by hand, and a chat platform
//! that remembers everything said to it. Nothing here sleeps: `settle` runs until nothing moves.

mod setting;

pub use setting::directory;

use firebell::chat::{Answer, Card, Chat, Fault, Line, Live, Page, RoomRef};
use firebell::config::engines::Engines;
use firebell::config::notify::Providers;
use firebell::core::alert::{Alert, AlertKind, Labels};
use firebell::core::directory::Directory;
use firebell::core::id::{Actor, IncidentId};
use firebell::core::incident::{Command, Incident, Record};
use firebell::core::time::Time;
use firebell::engine::{Clock, Engine, Options};
use firebell::metrics::Metrics;
use firebell::notify::Notifiers;
use firebell::run::Executors;
use firebell::store::{OutboxRow, Store};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A Monday, 12:00 UTC.
pub const START: Time = Time(1_794_830_400_000);

/// Something that reached the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Line {
        room: String,
        text: String,
        key: String,
    },
    Card {
        room: String,
        seq: u32,
    },
    Page {
        person: String,
        key: String,
        why: String,
    },
    Room {
        name: String,
    },
}

/// What the platform does with the next calls.
#[derive(Clone, Debug, Default)]
pub enum Mood {
    #[default]
    Well,
    /// Refuses everything with this.
    Refuses(Fault),
    /// Does what it is asked and dies before it answers.
    TakesAndHangs,
}

/// A chat platform in memory; survives the engine, as a real one would.
#[derive(Default)]
pub struct Platform {
    pub said: Mutex<Vec<Said>>,
    /// Every drawing of a run's output: the room, the message it edits, and what it shows.
    pub live: Mutex<Vec<(String, String, Live)>>,
    mood: Mutex<Mood>,
    keys: Mutex<BTreeSet<String>>,
}

impl Platform {
    pub fn mood(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn pages(&self) -> Vec<String> {
        self.said
            .lock()
            .unwrap()
            .iter()
            .filter_map(|s| {
                if let Said::Page { person, .. } = s {
                    Some(person.clone())
                } else {
                    None
                }
            })
            .collect()
    }

    pub fn lines(&self, room: &str) -> Vec<String> {
        let said = self.said.lock().unwrap();
        said.iter()
            .filter_map(|s| match s {
                Said::Line { room: r, text, .. } if r == room => Some(text.clone()),
                _ => None,
            })
            .collect()
    }

    pub fn rooms(&self) -> Vec<String> {
        self.said
            .lock()
            .unwrap()
            .iter()
            .filter_map(|s| {
                if let Said::Room { name } = s {
                    Some(name.clone())
                } else {
                    None
                }
            })
            .collect()
    }

    pub fn cards(&self, room: &str) -> Vec<u32> {
        let said = self.said.lock().unwrap();
        said.iter()
            .filter_map(|s| match s {
                Said::Card { room: r, seq } if r == room => Some(*seq),
                _ => None,
            })
            .collect()
    }

    async fn answer(&self, said: Said, id: String) -> Result<String, Fault> {
        let mood = self.mood.lock().unwrap().clone();
        match mood {
            Mood::Refuses(fault) => Err(fault),
            Mood::Well => {
                self.said.lock().unwrap().push(said);
                Ok(id)
            }
            Mood::TakesAndHangs => {
                self.said.lock().unwrap().push(said);
                std::future::pending().await
            }
        }
    }
}

fn place(room: &RoomRef) -> String {
    match room {
        RoomRef::Room(id) => id.clone(),
        RoomRef::Channel(name) => format!("#{name}"),
        RoomRef::Person(id) => format!("@{id}"),
    }
}

/// The adapter of one engine; the platform behind it is shared.
pub struct Adapter(pub Arc<Platform>);

impl Chat for Adapter {
    fn platform(&self) -> &'static str {
        "console"
    }

    fn open_room<'a>(&'a self, card: &'a Card, name: &'a str) -> Answer<'a, (String, String)> {
        Box::pin(async move {
            let id = format!("room-of-{}", card.incident.0);
            // Idempotent by incident, as the port demands.
            if self.0.keys.lock().unwrap().contains(&id) {
                return Ok((id, name.to_owned()));
            }
            let id = self
                .0
                .answer(
                    Said::Room {
                        name: name.to_owned(),
                    },
                    id,
                )
                .await?;
            self.0.keys.lock().unwrap().insert(id.clone());
            Ok((id, name.to_owned()))
        })
    }

    fn say<'a>(&'a self, room: &'a RoomRef, line: &'a Line, again: bool) -> Answer<'a, String> {
        Box::pin(async move {
            let fresh = self.0.keys.lock().unwrap().insert(line.key.clone());
            if !fresh && again {
                return Ok(line.key.clone());
            }
            let said = Said::Line {
                room: place(room),
                text: line.text.clone(),
                key: line.key.clone(),
            };
            let answer = self.0.answer(said, line.key.clone()).await;
            if answer.is_err() {
                self.0.keys.lock().unwrap().remove(&line.key);
            }
            answer
        })
    }

    fn show<'a>(
        &'a self,
        room: &'a RoomRef,
        card: &'a Card,
        _remote: &'a str,
        _again: bool,
    ) -> Answer<'a, String> {
        Box::pin(self.0.answer(
            Said::Card {
                room: place(room),
                seq: card.seq,
            },
            format!("card-{}", card.incident.0),
        ))
    }

    fn live<'a>(
        &'a self,
        room: &'a RoomRef,
        live: &'a Live,
        remote: &'a str,
        _again: bool,
    ) -> Answer<'a, String> {
        let mut drawn = self.0.live.lock().unwrap();
        drawn.push((place(room), remote.to_owned(), live.clone()));
        Box::pin(std::future::ready(Ok(live.key.clone())))
    }

    fn page<'a>(&'a self, person: &'a str, pages: &'a [Page]) -> Answer<'a, String> {
        Box::pin(async move {
            let mut last = String::new();
            for page in pages {
                let said = Said::Page {
                    person: person.to_owned(),
                    key: page.key.clone(),
                    why: page.text.clone(),
                };
                last = self.0.answer(said, page.key.clone()).await?;
            }
            Ok(last)
        })
    }

    fn tell<'a>(
        &'a self,
        room: &'a RoomRef,
        key: &'a str,
        text: &'a str,
        again: bool,
    ) -> Answer<'a, ()> {
        let said = Said::Line {
            room: place(room),
            text: text.to_owned(),
            key: key.to_owned(),
        };
        Box::pin(async move {
            if again && self.0.said.lock().unwrap().contains(&said) {
                return Ok(());
            }
            self.0.answer(said, String::new()).await.map(drop)
        })
    }
}

/// Everything a story needs.
pub struct World {
    pub engine: Engine,
    pub clock: Clock,
    pub platform: Arc<Platform>,
    pub directory: Directory,
    /// Who wakes people beside the platform.
    providers: Providers,
    /// What carries out actions elsewhere.
    elsewhere: Engines,
    url: String,
    scratch: tempfile::TempDir,
}

impl World {
    /// On the database at `url`, with the example directory.
    pub async fn on(url: &str) -> World {
        World::with(url, directory()).await
    }

    pub async fn with(url: &str, directory: Directory) -> World {
        Box::pin(World::waking(url, directory, Providers::default())).await
    }

    /// With providers that wake people.
    pub async fn waking(url: &str, directory: Directory, providers: Providers) -> World {
        World::at(
            url,
            directory,
            providers,
            Clock::manual(START),
            Engines::default(),
        )
        .await
    }

    /// With engines that carry out actions elsewhere.
    pub async fn reaching(url: &str, directory: Directory, engines: Engines) -> World {
        let clock = Clock::manual(START);
        World::at(url, directory, Providers::default(), clock, engines).await
    }

    /// By the machine's clock, which nobody moves.
    pub async fn by_the_clock(url: &str, directory: Directory) -> World {
        let providers = Providers::default();
        World::at(url, directory, providers, Clock::Real, Engines::default()).await
    }

    async fn at(
        url: &str,
        directory: Directory,
        providers: Providers,
        clock: Clock,
        elsewhere: Engines,
    ) -> World {
        let platform = Arc::new(Platform::default());
        let scratch = tempfile::tempdir().unwrap();
        let home = (url, scratch.path(), &elsewhere);
        let engine = Box::pin(start(home, &directory, &providers, &clock, &platform)).await;
        World {
            engine,
            clock,
            platform,
            directory,
            providers,
            elsewhere,
            url: url.to_owned(),
            scratch,
        }
    }

    /// The data folder.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// The process dies: nothing is told to stop, a new one takes the database over.
    pub async fn kill_and_restart(&mut self) {
        self.engine = Box::pin(start(
            (&self.url, self.scratch.path(), &self.elsewhere),
            &self.directory,
            &self.providers,
            &self.clock,
            &self.platform,
        ))
        .await;
        self.settle().await;
    }

    /// The files change, and are read again.
    pub async fn configure(&mut self, change: impl FnOnce(&mut Directory)) {
        change(&mut self.directory);
        self.engine.replace_directory(self.directory.clone());
        self.engine.offer_policies().await;
        self.settle().await;
    }

    /// The console's adapter, for a test that adds another platform beside it.
    pub fn adapter(&self) -> Arc<dyn Chat> {
        Arc::new(Adapter(self.platform.clone()))
    }

    pub async fn settle(&self) {
        self.engine.settle().await;
    }

    pub async fn advance_secs(&self, secs: i64) {
        self.clock.advance_ms(secs * 1000);
        self.settle().await;
    }

    /// An alert that fires until it is cleared.
    pub async fn fire(&self, name: &str, labels: &[(&str, &str)]) {
        self.engine
            .take(vec![alert(name, labels, AlertKind::Firing, Time::FAR)])
            .await
            .unwrap();
        self.settle().await;
    }

    pub async fn clear(&self, name: &str, labels: &[(&str, &str)]) {
        self.engine
            .take(vec![alert(
                name,
                labels,
                AlertKind::Resolved,
                self.clock.now(),
            )])
            .await
            .unwrap();
        self.settle().await;
    }

    pub async fn tell(&self, id: i64, command: Command) {
        let cause = format!("test:{}", fastrand::u64(..));
        self.engine
            .submit(&cause, IncidentId(id), command)
            .await
            .unwrap();
        self.settle().await;
    }

    pub async fn incident(&self, id: i64) -> Arc<Incident> {
        self.engine
            .incident(IncidentId(id))
            .await
            .unwrap()
            .expect("no such incident")
    }

    pub async fn journal(&self, id: i64) -> Vec<Record> {
        self.engine.store().journal(IncidentId(id)).await.unwrap()
    }

    pub async fn kinds(&self, id: i64) -> Vec<&'static str> {
        self.journal(id)
            .await
            .iter()
            .map(|r| r.event.kind())
            .collect()
    }

    pub async fn deliveries(&self, id: i64) -> Vec<OutboxRow> {
        self.engine
            .store()
            .deliveries(IncidentId(id))
            .await
            .unwrap()
    }
}

/// Executors as `serve` has them, with the real program as their shim.
pub fn executors(data: &Path) -> Executors {
    Executors::here(data, Some(env!("CARGO_BIN_EXE_firebell").into())).unwrap()
}

async fn start(
    (url, scratch, elsewhere): (&str, &Path, &Engines),
    directory: &Directory,
    providers: &Providers,
    clock: &Clock,
    platform: &Arc<Platform>,
) -> Engine {
    let store = Store::open(url).await.unwrap();
    let options = Options {
        clock: clock.clone(),
        executors: executors(scratch)
            .and_elsewhere(elsewhere, scratch)
            .unwrap(),
        public_url: "http://firebell.test".to_owned(),
        metrics: Arc::new(Metrics::new()),
    };
    let engine = Engine::start(store, directory.clone(), options)
        .await
        .unwrap();
    engine.notify_through(Notifiers::new(providers, "http://firebell.test").unwrap());
    engine.deliver_through(vec![Arc::new(Adapter(platform.clone()))]);
    engine
}

/// An alert whose identity is its name and labels.
pub fn alert(name: &str, labels: &[(&str, &str)], kind: AlertKind, ends_at: Time) -> Alert {
    let mut all: Labels = labels
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    all.insert("alertname".to_owned(), name.to_owned());
    Alert {
        source: "prom".to_owned(),
        fingerprint: format!("{all:?}"),
        annotations: Labels::from([("summary".to_owned(), format!("{name} is bad"))]),
        labels: all,
        starts_at: START.plus_ms(-60_000),
        ends_at,
        generator_url: "http://prometheus.test/graph".to_owned(),
        kind,
    }
}

pub fn person(id: &str) -> Actor {
    Actor::Person {
        id: id.to_owned(),
        name: id.to_owned(),
    }
}
