//! A whole firebell: a real engine on SQLite with the real adapters of the platforms a story is
//! played on, in a runtime of its own, so that it can die in the middle as a process does.

use super::quick::{quick_discord, quick_slack};
use crate::discord_world::DiscordWorld;
use crate::slack_world::SlackWorld;
use crate::world::{self, alert};
use firebell::chat::Chat;
use firebell::chat::heard::Voice;
use firebell::chat::link::Link;
use firebell::config::chat::{Discord as DiscordSettings, Net, Place, Slack as SlackSettings};
use firebell::config::{Console, Limits, Settings};
use firebell::core::alert::{Alert, AlertKind};
use firebell::core::directory::{Action, Contact, ContactKind, Directory, PlatformRules};
use firebell::core::id::IncidentId;
use firebell::core::incident::{Command, Incident};
use firebell::core::rooms::RoomRules;
use firebell::core::time::Time;
use firebell::engine::{Change, Clock, Engine, Options};
use firebell::hear::Ear;
use firebell::http::App;
use firebell::metrics::Metrics;
use firebell::platform::console::{ConsoleChat, channels};
use firebell::platform::discord::{self, Discord};
use firebell::platform::slack::{self, Slack};
use firebell::platform::watch::{Listener, watch};
use firebell::store::Store;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, watch as latest};

/// Longer than anything here takes on a busy machine, shorter than anybody's patience.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a story may have otherwise than usual.
#[derive(Clone, Debug)]
pub struct Plan {
    pub slack: bool,
    pub discord: bool,
    pub console: bool,
    /// How long Slack may take to answer.
    pub slack_timeout_ms: i64,
    /// From one message of a channel to the next.
    pub pace_ms: i64,
    /// How rooms are to be.
    pub rooms: RoomRules,
    /// Where the database is; `None`: a file of its own folder.
    pub database: Option<String>,
    /// Actions besides those of the example directory.
    pub actions: Vec<Action>,
}

impl Plan {
    /// One platform alone, by its name.
    pub fn only(platform: &str) -> Plan {
        Plan {
            slack: platform == "slack",
            discord: platform == "discord",
            console: platform == "console",
            ..Plan::all()
        }
    }

    /// A company that uses everything.
    pub fn all() -> Plan {
        Plan {
            slack: true,
            discord: true,
            console: true,
            slack_timeout_ms: 2000,
            pace_ms: 2,
            rooms: RoomRules::default(),
            database: None,
            actions: Vec::new(),
        }
    }
}

/// firebell, the platforms around it, and the database it lives on.
pub struct House {
    pub slack: Option<SlackWorld>,
    pub discord: Option<DiscordWorld>,
    plan: Plan,
    directory: Directory,
    process: Mutex<Arc<Process>>,
    scratch: Arc<tempfile::TempDir>,
}

/// One life of it.
pub struct Process {
    pub engine: Engine,
    /// Where the console is.
    pub base: String,
    pub slack: Option<Arc<Slack>>,
    pub discord: Option<Arc<Discord>>,
    chats: Vec<Arc<dyn Chat>>,
    runtime: Mutex<Option<Runtime>>,
}

/// What a process is started with.
#[derive(Clone)]
struct Start {
    url: String,
    runs: std::path::PathBuf,
    directory: Directory,
    slack: Option<SlackSettings>,
    discord: Option<DiscordSettings>,
    console: bool,
    deliver: bool,
}

impl Process {
    /// The process is gone, whatever it was doing.
    fn dies(&self) {
        if let Some(runtime) = self.runtime.lock().unwrap().take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.dies();
    }
}

impl House {
    pub async fn open(plan: Plan) -> House {
        let slack = if plan.slack {
            Some(quick_slack().await)
        } else {
            None
        };
        let discord = if plan.discord {
            Some(quick_discord().await)
        } else {
            None
        };
        let scratch = Arc::new(tempfile::tempdir().unwrap());
        let directory = directory(&plan, slack.as_ref(), discord.as_ref());
        let start = start(&plan, &directory, (&slack, &discord), &scratch);
        let process = Mutex::new(Arc::new(live(start).await));
        let house = House {
            slack,
            discord,
            plan,
            directory,
            process,
            scratch,
        };
        house.is_connected().await;
        house
    }

    pub fn process(&self) -> Arc<Process> {
        self.process.lock().unwrap().clone()
    }

    pub fn engine(&self) -> Engine {
        self.process().engine.clone()
    }

    /// The process dies, and nothing takes its place.
    pub fn dies(&self) {
        self.process().dies();
    }

    /// The process dies, another one takes over.
    pub async fn restarts(&self) {
        self.lives_again(true).await;
        self.is_connected().await;
    }

    /// The same, but nothing goes out until [`House::delivers`].
    pub async fn restarts_mute(&self) {
        self.lives_again(false).await;
    }

    async fn lives_again(&self, deliver: bool) {
        self.process().dies();
        let worlds = (&self.slack, &self.discord);
        let mut start = start(&self.plan, &self.directory, worlds, &self.scratch);
        start.deliver = deliver;
        let process = Arc::new(live(start).await);
        *self.process.lock().unwrap() = process;
    }

    pub fn delivers(&self) {
        let process = self.process();
        process.engine.deliver_through(process.chats.clone());
    }

    /// Waits until every platform is connected.
    pub async fn is_connected(&self) {
        let process = self.process();
        if let Some(slack) = &process.slack {
            linked(Voice::link(slack.as_ref()), "up", Option::is_none).await;
        }
        if let Some(discord) = &process.discord {
            linked(discord.link(), "up", Option::is_none).await;
        }
    }

    /// Where it keeps everything.
    pub fn folder(&self) -> &std::path::Path {
        self.scratch.path()
    }

    /// Everything that may be news to somebody who waits.
    fn news(&self) -> News {
        News {
            slack: self.slack.as_ref().map(SlackWorld::changes),
            discord: self.discord.as_ref().map(DiscordWorld::changes),
            engine: self.engine().changes(),
        }
    }

    /// Waits until a probe finds something; it looks again whenever anything happened anywhere.
    pub async fn expect<T>(&self, what: &str, probe: impl AsyncFn() -> Option<T>) -> T {
        let mut news = self.news();
        let wait = async {
            loop {
                // Heeded before looking, so that nothing is missed in between.
                news.heed();
                if let Some(found) = probe().await {
                    return found;
                }
                news.next().await;
            }
        };
        if let Ok(found) = tokio::time::timeout(PATIENCE, wait).await {
            return found;
        }
        panic!("{what}: it never came.\n{}", self.account().await)
    }

    /// The journals so far, for a failure's message.
    async fn account(&self) -> String {
        let mut told = String::new();
        for id in 1..=3 {
            for record in self.story(id).await {
                told.push_str(&format!("  #{id} {record}\n"));
            }
        }
        told
    }

    /// Every event of an incident, as JSON.
    pub async fn story(&self, id: i64) -> Vec<String> {
        let journal = self.engine().store().journal(IncidentId(id)).await.unwrap();
        let told = journal.iter().map(|r| serde_json::to_string(&r.event));
        told.map(Result::unwrap).collect()
    }

    /// How many events of a kind there are.
    pub async fn count(&self, id: i64, kind: &str) -> usize {
        let journal = self.engine().store().journal(IncidentId(id)).await.unwrap();
        journal.iter().filter(|r| r.event.kind() == kind).count()
    }

    pub async fn incident(&self, id: i64) -> Option<Arc<Incident>> {
        self.engine().incident(IncidentId(id)).await.unwrap()
    }

    /// Waits until something holds of an incident.
    pub async fn until<T>(&self, id: i64, what: &str, look: impl Fn(&Incident) -> Option<T>) -> T {
        let probe = async || self.incident(id).await.as_deref().and_then(&look);
        self.expect(&format!("#{id}: {what}"), probe).await
    }

    /// Waits until the journal tells of something.
    pub async fn until_told(&self, id: i64, text: &str) -> String {
        let probe = async || self.story(id).await.into_iter().find(|e| e.contains(text));
        self.expect(&format!("`{text}` of #{id}"), probe).await
    }

    pub async fn fires(&self, name: &str, severity: &str) {
        self.fire_all(vec![firing(name, severity)]).await;
    }

    pub async fn fire_all(&self, alerts: Vec<Alert>) {
        self.engine().take(alerts).await.unwrap();
    }

    /// Something that is done past every platform, as by the REST API.
    pub async fn tells(&self, id: i64, command: Command) {
        let cause = format!("test:{}", fastrand::u64(..));
        let done = self.engine().submit(&cause, IncidentId(id), command).await;
        done.unwrap();
    }

    /// A note of Dee's, past every platform.
    pub async fn notes(&self, id: i64, text: &str) {
        let note = Command::Note {
            by: world::person("dee"),
            text: text.to_owned(),
            happened_at: None,
        };
        self.tells(id, note).await;
    }

    /// Looks after Slack's connection and tells the other platforms of it.
    pub fn watches_slack(&self, patience: Duration) {
        let process = self.process();
        let listeners = process.chats.iter().filter(|c| c.platform() != "slack");
        let others = listeners.map(|chat| Listener {
            chat: chat.clone(),
            channel: "general".to_owned(),
        });
        let others: Vec<Listener> = others.collect();
        let voice: Arc<dyn Voice> = process.slack.clone().unwrap();
        let watched = watch(process.engine.clone(), voice, others, patience);
        let runtime = process.runtime.lock().unwrap();
        runtime.as_ref().unwrap().spawn(watched);
    }
}

/// An alert of the checkout.
pub fn firing(name: &str, severity: &str) -> Alert {
    let labels = [("service", "checkout"), ("severity", severity)];
    alert(name, &labels, AlertKind::Firing, Time::FAR)
}

/// Waits until a link stands so.
pub async fn linked(link: &Link, what: &str, fits: impl Fn(&Option<String>) -> bool) {
    let mut changes = link.changes();
    let wait = async {
        while !fits(&link.state().trouble) {
            changes.changed().await.unwrap();
        }
    };
    let done = tokio::time::timeout(PATIENCE, wait).await;
    assert!(done.is_ok(), "the link is not {what}: {:?}", link.state());
}

/// What wakes whoever waits.
struct News {
    slack: Option<latest::Receiver<u64>>,
    discord: Option<latest::Receiver<u64>>,
    engine: broadcast::Receiver<Change>,
}

impl News {
    fn heed(&mut self) {
        for world in [&mut self.slack, &mut self.discord].into_iter().flatten() {
            world.mark_unchanged();
        }
        while self.engine.try_recv().is_ok() {}
    }

    async fn next(&mut self) {
        let engine = async {
            if let Err(broadcast::error::RecvError::Closed) = self.engine.recv().await {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = moved(self.slack.as_mut()) => {}
            () = moved(self.discord.as_mut()) => {}
            () = engine => {}
        }
    }
}

async fn moved(world: Option<&mut latest::Receiver<u64>>) {
    match world {
        // The sender lives as long as the world.
        Some(world) => drop(world.changed().await),
        None => std::future::pending().await,
    }
}

fn place(name: &str, api_url: String, timeout_ms: i64, pace_ms: i64) -> Place {
    Place {
        name: name.to_owned(),
        teams: Vec::new(),
        private_rooms: false,
        channel: "general".to_owned(),
        keep_reactions: vec!["pushpin".to_owned()],
        aliases: Vec::new(),
        net: Net {
            api_url,
            proxy: None,
            extra_ca: None,
            timeout_ms,
            pace_ms,
        },
    }
}

fn start(
    plan: &Plan,
    directory: &Directory,
    (slack, discord): (&Option<SlackWorld>, &Option<DiscordWorld>),
    scratch: &tempfile::TempDir,
) -> Start {
    let slack = slack.as_ref().map(|world| SlackSettings {
        place: place(
            "slack",
            world.api_url(),
            plan.slack_timeout_ms,
            plan.pace_ms,
        ),
        bot_token: SecretString::from(world.bot_token()),
        app_token: Some(SecretString::from(world.app_token())),
        signing_secrets: vec![SecretString::from(world.signing_secret())],
        rotation: None,
    });
    let discord = discord.as_ref().map(|world| DiscordSettings {
        place: place("discord", world.api(), 2000, plan.pace_ms),
        token: SecretString::from(world.token()),
        application: world.app().to_string(),
        guild: world.home().to_string(),
        public_key: None,
        category: "Incidents".to_owned(),
        remove_oldest: true,
        gateway_url: None,
    });
    Start {
        url: plan
            .database
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", scratch.path().join("fb.db").display())),
        runs: scratch.path().to_owned(),
        directory: directory.clone(),
        slack,
        discord,
        console: plan.console,
        deliver: true,
    }
}

/// Starts a process in a runtime of its own.
async fn live(start: Start) -> Process {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let mut process = runtime.spawn(put_up(start)).await.unwrap();
    process.runtime = Mutex::new(Some(runtime));
    process
}

async fn put_up(start: Start) -> Process {
    let metrics = Arc::new(Metrics::new());
    let options = Options {
        clock: Clock::Real,
        executors: crate::world::executors(&start.runs),
        public_url: "http://firebell.test".to_owned(),
        metrics: metrics.clone(),
    };
    let store = Store::open(&start.url).await.unwrap();
    let engine = Engine::start(store, start.directory.clone(), options);
    let engine = engine.await.unwrap();
    engine.keep_files_in(start.runs.join("files"));
    engine.finish_removals().await.unwrap();
    let mut chats: Vec<Arc<dyn Chat>> = Vec::new();
    let mut base = String::new();
    if start.console {
        let console = ConsoleChat::new(engine.clone());
        let names = channels(&["general".to_owned()], &start.directory);
        console.ensure_channels(names).await.unwrap();
        chats.push(Arc::new(console));
        base = serve(&engine, metrics).await;
    }
    let slack = start
        .slack
        .map(|s| Arc::new(Slack::new(engine.clone(), &s).unwrap()));
    let discord: Vec<Arc<Discord>> = start
        .discord
        .map(|s| discord::all(&engine, &[s]).unwrap())
        .unwrap_or_default();
    let slacks: Vec<Arc<Slack>> = slack.iter().cloned().collect();
    let voices = slacks.iter().map(|s| s.clone() as Arc<dyn Voice>);
    let voices = voices.chain(discord.iter().map(|d| d.clone() as Arc<dyn Voice>));
    let voices: Vec<Arc<dyn Voice>> = voices.collect();
    chats.extend(voices.iter().map(|v| v.clone() as Arc<dyn Chat>));
    let ear = Ear::new(engine.clone(), voices);
    slack::start(&slacks, &ear);
    discord::start(&discord, &ear);
    if start.deliver {
        engine.deliver_through(chats.clone());
    }
    ear.catch_up().await.unwrap();
    Process {
        engine,
        base,
        slack,
        discord: discord.first().cloned(),
        chats,
        runtime: Mutex::new(None),
    }
}

/// The console by HTTP; answers where.
async fn serve(engine: &Engine, metrics: Arc<Metrics>) -> String {
    let settings = Settings {
        page: firebell::config::status_page::PageServing::default(),
        slack: Vec::new(),
        discord: Vec::new(),
        notify: firebell::config::notify::Providers::default(),
        engines: firebell::config::engines::Engines::default(),
        insight: firebell::config::insight::Insight::default(),
        listen: "127.0.0.1:0".to_owned(),
        public_url: "http://firebell.test".to_owned(),
        data_dir: "/nowhere".into(),
        database_url: "sqlite::memory:".to_owned().into(),
        tokens: Vec::new(),
        sources: Vec::new(),
        console: Console {
            enabled: true,
            demo: true,
            channels: vec!["general".to_owned()],
        },
        limits: Limits::default(),
        audit: firebell::config::Audit::default(),
        exports: Vec::new(),
        log_format: "text".to_owned(),
        log_filter: "warn".to_owned(),
    };
    let app = App {
        chat: Arc::default(),
        engine: engine.clone(),
        settings: Arc::new(settings),
        metrics,
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = firebell::http::router(app, None);
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

/// The example directory: everybody but Cy is at home, and paged, on every platform there is.
fn directory(plan: &Plan, slack: Option<&SlackWorld>, discord: Option<&DiscordWorld>) -> Directory {
    let mut directory = world::directory();
    directory.rooms = plan.rooms.clone();
    let own = plan
        .actions
        .iter()
        .map(|a| (a.id.clone(), Arc::new(a.clone())));
    directory.actions.extend(own);
    directory.platforms.clear();
    let on = [
        (plan.console, "console"),
        (plan.slack, "slack"),
        (plan.discord, "discord"),
    ];
    for (_, platform) in on.into_iter().filter(|(on, _)| *on) {
        directory.platforms.push(platform.to_owned());
        let rules = PlatformRules {
            furnished: platform != "console",
            ..PlatformRules::default()
        };
        directory.rules.insert(platform.to_owned(), rules);
    }
    let platforms = directory.platforms.clone();
    for (id, person) in &mut directory.people {
        if id == "cy" {
            continue;
        }
        let contact = |platform: &String| Contact {
            name: platform.clone(),
            kind: ContactKind::Chat {
                platform: platform.clone(),
            },
        };
        person.contacts = platforms.iter().map(contact).collect();
        let accounts = [
            ("slack", slack.map(|w| w.user(id).id().to_owned())),
            ("discord", discord.map(|w| w.user(id).id().to_string())),
        ];
        if id == "ana" {
            person.roles.clone_from(&plan.rooms.redactors);
        }
        let known = accounts.into_iter();
        let known = known.filter_map(|(name, account)| Some((name.to_owned(), account?)));
        person.identities = known.collect::<BTreeMap<_, _>>();
    }
    directory
}
