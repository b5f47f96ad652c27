//! What both stories share: the engine, and what happens to its incident.

use crate::world::{alert, directory, person};
use firebell::config::chat::{Net, Place};
use firebell::core::alert::AlertKind;
use firebell::core::directory::{Contact, ContactKind, Directory, PlatformRules};
use firebell::core::id::IncidentId;
use firebell::core::incident::{Command, Event};
use firebell::core::time::Time;
use firebell::engine::{Clock, Engine, Options};
use firebell::metrics::Metrics;
use firebell::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where people are sent for more.
pub const PUBLIC_URL: &str = "https://firebell.test";
/// The page of the one incident there is.
pub const PAGE_URL: &str = "https://firebell.test/incidents/1";
/// Its room's name.
pub const ROOM: &str = "inc-1-checkout-down-down-is-bad";

/// An engine on SQLite that knows people by their accounts on one platform.
pub struct Stage {
    pub engine: Engine,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// `account` of everybody by name.
    pub async fn set(platform: &str, account: impl Fn(&str) -> String) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/f.db", folder.path().display());
        let options = Options {
            clock: Clock::Real,
            executors: crate::world::executors(folder.path()),
            public_url: PUBLIC_URL.to_owned(),
            metrics: Arc::new(Metrics::new()),
        };
        let store = Store::open(&url).await.unwrap();
        let people = people(platform, account);
        Stage {
            engine: Engine::start(store, people, options).await.unwrap(),
            _folder: folder,
        }
    }

    /// A major incident of the checkout, which has a room and pages Ana.
    pub async fn breaks(&self) {
        let labels = [("severity", "critical"), ("service", "checkout")];
        let alert = alert("Down", &labels, AlertKind::Firing, Time::FAR);
        self.engine.take(vec![alert]).await.unwrap();
    }

    /// By Bo.
    pub async fn notes(&self, text: &str) {
        let note = Command::Note {
            by: person("bo"),
            text: text.to_owned(),
            happened_at: None,
        };
        self.does(note).await;
    }

    pub async fn does(&self, command: Command) {
        let cause = format!("test:{}", fastrand::u64(..));
        let id = IncidentId(1);
        self.engine.submit(&cause, id, command).await.unwrap();
    }

    /// `triggered`, `acknowledged`, `resolved`.
    pub async fn status(&self) -> &'static str {
        let found = self.engine.incident(IncidentId(1)).await.unwrap();
        found.map_or("nothing", |i| i.status.word())
    }

    /// What of its journal is of this kind.
    pub async fn told(&self, kind: &str) -> Vec<Event> {
        let journal = self.engine.store().journal(IncidentId(1)).await.unwrap();
        let events = journal.into_iter().map(|r| r.event);
        events.filter(|e| e.kind() == kind).collect()
    }
}

/// Both platforms alike, but for their address.
pub fn place(platform: &str, api_url: String) -> Place {
    Place {
        name: platform.to_owned(),
        teams: Vec::new(),
        private_rooms: false,
        channel: "incidents".to_owned(),
        keep_reactions: vec!["pushpin".to_owned()],
        aliases: Vec::new(),
        net: Net {
            api_url,
            proxy: None,
            extra_ca: None,
            timeout_ms: 5000,
            pace_ms: 5,
        },
    }
}

fn people(platform: &str, account: impl Fn(&str) -> String) -> Directory {
    let mut directory = directory();
    directory.platforms = vec![platform.to_owned()];
    let rules = PlatformRules {
        furnished: true,
        teams: Vec::new(),
    };
    directory.rules.insert(platform.to_owned(), rules);
    for (id, person) in &mut directory.people {
        person.identities = BTreeMap::from([(platform.to_owned(), account(id))]);
        let kind = ContactKind::Chat {
            platform: platform.to_owned(),
        };
        person.contacts = vec![Contact {
            name: platform.to_owned(),
            kind,
        }];
    }
    directory
}
