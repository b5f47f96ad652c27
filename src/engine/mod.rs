//! The boiler room: the only caller of `core::incident::decide`, the only owner of time.
//!
//! One task, the [`desk`], takes everything that happens in batches, decides it against memory,
//! and writes the whole batch in one transaction before anybody gets an answer (group commit).
//! What a batch wants done outside goes to [`deliver`] only after the commit.
//!
//! Races it knows: the next batch is decided while one is written, and a commit that fails forgets
//! both and reads the memory again, so nobody hears of what is not stored; a second process on the database fences this
//! one, which then answers 503 to everything and asks to be stopped.

mod accounts;
mod act;
mod audit;
mod automate;
mod beside;
mod board;
mod bulletins;
mod changes;
mod clock;
mod counted;
mod covers;
mod deliver;
mod desk;
mod doors;
mod draft;
mod exports;
mod feeds;
mod files;
mod followers;
mod groups;
mod hints;
mod intake;
mod items;
mod learn;
mod lease;
mod memory;
mod offers;
mod outgoing;
mod partly;
mod postmortems;
mod quiet;
mod reason;
mod redact;
mod rest;
mod shelf;
mod still;
mod summary;
mod told;
mod vigil;
mod waking;

pub use accounts::person;
pub use audit::{Sealer, Whole, checkpoint_file, genuine, genuine_all, verify_audit};
pub use automate::AutomationAct;
pub use clock::Clock;
pub use counted::counted;
pub use covers::covered;
pub use doors::{Door, Said};
pub use feeds::first_copies;
pub use files::{Incoming, is_picture, not_kept, too_large};
pub use lease::GRACE_MS;
pub use partly::proposed;
pub use postmortems::Read;
pub use quiet::SilenceAct;
pub use redact::Redaction;
pub use rest::restored;
pub use told::{Change, Counter, Done, Failure, Tie};
pub use waking::{AckLink, Tested, overlay};

use crate::chat::Chat;
use crate::chat::button::Key;
use crate::core::alert::Alert;
use crate::core::directory::Directory;
use crate::core::duty::Cover;
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{Command, Incident, OpenAs, Status};
use crate::core::sight::Sight;
use crate::core::silence::Silence;
use crate::core::time::Time;
use crate::metrics::Metrics;
use crate::notify::Notifiers;
use crate::run::Executors;
use crate::store::{ChangeSet, Store};
use arc_swap::ArcSwap;
use covers::Covers;
use lease::{Leases, Seen};
use sha2::Digest;
use shelf::{Kept, Shelf};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::{broadcast, mpsc, oneshot};

/// Jobs that may wait for the desk; beyond it callers wait their turn, nothing is dropped.
const DESK_QUEUE: usize = 4096;
/// Changes a slow reader may be behind before it is told to look at everything again.
const CHANGES_KEPT: usize = 4096;
/// Name of the secret that buttons are signed with.
const BUTTONS: &str = "buttons";
/// Name of the key that tells this database from every other.
const INSTALLATION: &str = "installation";
/// Its characters: with a run's number it stays below every engine's limit for a name.
const INSTALLATION_CHARS: usize = 10;

/// How an engine is to run.
#[derive(Clone)]
pub struct Options {
    /// Where time comes from.
    pub clock: Clock,
    /// Who carries actions out.
    pub executors: Executors,
    /// Base of links, without a trailing slash.
    pub public_url: String,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// The running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

/// What the engine's tasks and callers share.
pub(crate) struct Inner {
    store: Store,
    directory: ArcSwap<Directory>,
    options: Options,
    desk: mpsc::Sender<desk::Job>,
    deliver: mpsc::UnboundedSender<outgoing::Message>,
    changes: broadcast::Sender<Change>,
    /// Open incidents as committed.
    open: RwLock<Shelf>,
    leases: RwLock<Leases>,
    seen: Arc<Seen>,
    counters: [AtomicI64; 6],
    fenced: AtomicBool,
    /// The files' maintenance windows may have changed: the desk is to look at them.
    look: AtomicBool,
    /// Rows of the runs this process carries out.
    running: Mutex<HashSet<i64>>,
    /// What rooms show of them.
    shown: act::Shown,
    /// This database's own name: what engines know its runs by.
    installation: String,
    /// What buttons are signed with.
    key: Key,
    /// Accounts linked beside the files: platform and account to person.
    links: RwLock<HashMap<(String, String), String>>,
    /// Held by whoever changes a cover.
    covers: tokio::sync::Mutex<Covers>,
    /// The covers as stored.
    agreed: ArcSwap<BTreeMap<i64, Cover>>,
    /// A cover has changed.
    covers_moved: tokio::sync::Notify,
    /// Held by whoever tells news of turns.
    vigil: tokio::sync::Mutex<()>,
    /// Held by whoever learns; tells how far it has come.
    learning: tokio::sync::Mutex<learn::Progress>,
    /// Incidents that teach something else than what was read.
    unlearned: Mutex<BTreeSet<IncidentId>>,
    /// What changes postmortems, and where they may go.
    after: postmortems::Shared,
    /// The status page, and who is told of updates.
    board: board::Shared,
    /// What was changed, as it is told.
    told: changes::Shared,
    /// The model that may propose summaries.
    summaries: summary::Shared,
    /// Calendars at an address.
    feeds: tokio::sync::Mutex<feeds::Feeds>,
    /// They are others now.
    feeds_moved: tokio::sync::Notify,
    /// What people who look at the console should know of.
    troubles: ArcSwap<BTreeMap<&'static str, Vec<String>>>,
    /// Where files that came with messages are kept.
    files: std::sync::OnceLock<std::path::PathBuf>,
    /// Held by whoever keeps a file or deletes what is not needed.
    filing: tokio::sync::Mutex<()>,
    /// Providers that wake people.
    notifiers: ArcSwap<Notifiers>,
    /// Chat platforms, for test pages.
    chats: RwLock<Vec<Arc<dyn Chat>>>,
    /// Contacts of which a code came back.
    verified: RwLock<waking::Verified>,
}

impl Engine {
    /// Takes the database over, restores what was open and starts the desk. Delivery starts with
    /// [`Engine::deliver_through`]; until then effects wait.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(
        store: Store,
        directory: Directory,
        options: Options,
    ) -> anyhow::Result<Engine> {
        // In a place of its own: whoever waits for it need not hold all of it.
        Box::pin(Engine::begin(store, directory, options)).await
    }

    async fn begin(store: Store, directory: Directory, options: Options) -> anyhow::Result<Engine> {
        let epoch = store.take_over().await?;
        let high = store.high_water().await?;
        let known = store.key(BUTTONS).await?;
        // The first start makes the secret.
        let secret = known.clone().unwrap_or_else(|| {
            [(); 2]
                .map(|()| uuid::Uuid::new_v4().simple().to_string())
                .concat()
        });
        let named = store.key(INSTALLATION).await?;
        let installation = named.clone().unwrap_or_else(|| {
            let mut id = uuid::Uuid::new_v4().simple().to_string();
            id.truncate(INSTALLATION_CHARS);
            id
        });
        let links = store.links().await?;
        let links = links
            .into_iter()
            .map(|l| ((l.platform, l.account), l.person))
            .collect();
        let covers = Covers::of(store.covers().await?);
        let agreed = ArcSwap::from_pointee(covers.all.clone());
        let directory = covers::put_in_force(directory, &covers.all, options.clock.now());
        let verified: waking::Verified = (store.verified().await?.into_iter())
            .map(|v| ((v.person, v.contact), v.digest))
            .collect();
        let directory = waking::overlaid(directory, &verified);
        let directory = rest::restored(&store, directory, options.clock.now()).await?;
        let (desk_in, desk_out) = mpsc::channel(DESK_QUEUE);
        let (deliver_in, deliver_out) = mpsc::unbounded_channel();
        let seen = Arc::new(Seen::default());
        let counters = [
            high.room,
            high.post,
            high.run,
            high.quarantine,
            high.heard,
            high.attempt,
        ]
        .map(AtomicI64::new);
        let inner = Arc::new(Inner {
            store,
            directory: ArcSwap::from_pointee(directory),
            options,
            desk: desk_in,
            deliver: deliver_in,
            changes: broadcast::channel(CHANGES_KEPT).0,
            open: RwLock::default(),
            leases: RwLock::new(Leases::new(seen.clone())),
            seen,
            counters,
            fenced: AtomicBool::new(false),
            look: AtomicBool::new(false),
            running: Mutex::default(),
            shown: act::Shown::default(),
            installation: installation.clone(),
            // Hashed, so that a value of any length somebody put there is a key.
            key: Key::new(sha2::Sha256::digest(secret.as_bytes()).into()),
            links: RwLock::new(links),
            covers: tokio::sync::Mutex::new(covers),
            agreed,
            covers_moved: tokio::sync::Notify::new(),
            vigil: tokio::sync::Mutex::default(),
            learning: tokio::sync::Mutex::default(),
            unlearned: Mutex::default(),
            after: postmortems::Shared::default(),
            board: board::Shared::default(),
            told: changes::Shared::default(),
            summaries: summary::Shared::default(),
            feeds: tokio::sync::Mutex::default(),
            feeds_moved: tokio::sync::Notify::new(),
            troubles: ArcSwap::default(),
            files: std::sync::OnceLock::new(),
            filing: tokio::sync::Mutex::default(),
            notifiers: ArcSwap::default(),
            chats: RwLock::default(),
            verified: RwLock::new(verified),
        });
        let engine = Engine(inner);
        desk::start(&engine, epoch, desk_out, deliver_out).await?;
        let fresh = [
            known.is_none().then(|| (BUTTONS.to_owned(), secret)),
            (named.is_none()).then(|| (INSTALLATION.to_owned(), installation)),
        ];
        let keys: Vec<_> = fresh.into_iter().flatten().collect();
        if !keys.is_empty() {
            let changes = ChangeSet {
                keys,
                ..ChangeSet::default()
            };
            engine.write(changes).await?;
        }
        changes::restored(&engine).await?;
        beside::start(&engine);
        Ok(engine)
    }

    /// What buttons are signed with.
    #[must_use]
    pub fn button_key(&self) -> Key {
        self.0.key.clone()
    }

    /// Starts delivery through these chat platforms, the notifiers and the runner.
    pub fn deliver_through(&self, chats: Vec<Arc<dyn Chat>>) {
        let kept = self.0.chats.write();
        kept.unwrap_or_else(PoisonError::into_inner)
            .clone_from(&chats);
        let _ = self.0.deliver.send(outgoing::Message::Adapters(chats));
    }

    /// Now, by the engine's clock.
    #[must_use]
    pub fn now(&self) -> Time {
        self.0.options.clock.now()
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.options.metrics
    }

    /// Base of links, without a trailing slash.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.0.options.public_url
    }

    /// The configuration in force.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.0.directory.load_full()
    }

    /// Puts a new configuration in force. Incidents keep what they froze at their start.
    pub fn replace_directory(&self, directory: Directory) {
        let directory = self.overlay(directory);
        self.0.directory.rcu(|now| {
            let directory = Directory {
                // People's silences are not the files' to change.
                silences: now.silences.clone(),
                switches: now.switches.clone(),
                learned: now.learned.clone(),
                changes: now.changes.clone(),
                nights: now.nights.clone(),
                ..directory.clone()
            };
            covers::put_in_force(directory, &self.0.agreed.load(), self.now())
        });
        self.0.look.store(true, Ordering::SeqCst);
        // Nobody waits for it; a full queue means that the desk is awake anyway.
        let (reply, _) = oneshot::channel();
        let _ = self.0.desk.try_send(desk::Job::Tick { reply });
        self.announce(Change::Directory);
    }

    /// Readers see these silences from now on.
    fn put_in_force(&self, silences: &Arc<BTreeMap<String, Arc<Silence>>>) {
        self.0.directory.rcu(|now| Directory {
            silences: silences.clone(),
            ..Directory::clone(now)
        });
    }

    /// Merges one incident into another, which goes on; answers about that one.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when nothing could be stored.
    pub async fn merge(
        &self,
        cause: &str,
        from: IncidentId,
        into: IncidentId,
        by: Actor,
    ) -> Result<Done, Failure> {
        self.ask(|reply| desk::Job::Merge {
            cause: cause.to_owned(),
            from,
            into,
            by,
            reply,
        })
        .await
    }

    /// Ties an incident to another one, or unties it.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when nothing could be stored.
    pub async fn tie(
        &self,
        cause: &str,
        id: IncidentId,
        tie: Tie,
        by: Actor,
    ) -> Result<Done, Failure> {
        self.ask(|reply| desk::Job::Tie {
            cause: cause.to_owned(),
            id,
            tie,
            by,
            reply,
        })
        .await
    }

    /// For reading.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Another process has taken the database over; this one must stop.
    #[must_use]
    pub fn fenced(&self) -> bool {
        self.0.fenced.load(Ordering::SeqCst)
    }

    /// Its tasks are running. False: one of them has ended, and only a new start helps.
    #[must_use]
    pub fn alive(&self) -> bool {
        !self.0.desk.is_closed() && !self.0.deliver.is_closed()
    }

    /// Puts a command to an incident. `cause` makes it idempotent: unique per human act, such as `click:<id>`.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when nothing could be stored.
    pub async fn submit(
        &self,
        cause: &str,
        id: IncidentId,
        command: Command,
    ) -> Result<Done, Failure> {
        self.ask(|reply| desk::Job::Submit {
            cause: cause.to_owned(),
            id,
            command: Box::new(command),
            reply,
        })
        .await
    }

    /// Opens an incident and gives it a number.
    ///
    /// # Errors
    /// `Unavailable` when nothing could be stored.
    pub async fn open(&self, cause: &str, open: OpenAs) -> Result<Done, Failure> {
        self.ask(|reply| desk::Job::Open {
            cause: cause.to_owned(),
            open: Box::new(open),
            reply,
        })
        .await
    }

    /// Takes alerts. When this returns `Ok` they are durable, and so is every decision about them.
    ///
    /// # Errors
    /// `Unavailable`: nothing was taken, the sender must repeat.
    pub async fn take(&self, alerts: Vec<Alert>) -> Result<(), Failure> {
        self.take_hashed(alerts.into_iter().map(|a| (a, 0)).collect())
            .await
    }

    /// As [`Engine::take`], with a hash of each alert's bytes (0: none), so that a repeat of the
    /// same bytes can be answered by [`Engine::refresh`].
    ///
    /// # Errors
    /// `Unavailable`: nothing was taken, the sender must repeat.
    pub async fn take_hashed(&self, alerts: Vec<(Alert, u128)>) -> Result<(), Failure> {
        self.ask(|reply| desk::Job::Take { alerts, reply }).await
    }

    /// Extends the lease of a firing alert whose bytes were seen before. False: take it the long way.
    #[must_use]
    pub fn refresh(&self, hash: u128, ends_at: Time, now: Time) -> bool {
        self.0.seen.refresh(hash, ends_at, now)
    }

    /// Writes rows that need no decision: messages, run output, quarantine.
    ///
    /// # Errors
    /// `Unavailable` when nothing could be stored.
    pub async fn write(&self, changes: ChangeSet) -> Result<(), Failure> {
        self.ask(|reply| desk::Job::Write {
            changes: Box::new(changes),
            reply,
        })
        .await
    }

    /// The next number of a counter.
    #[must_use]
    pub fn next_id(&self, counter: Counter) -> i64 {
        self.0.counters[counter as usize].fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The incident as committed: from memory for open ones, from its journal for others.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    pub async fn incident(&self, id: IncidentId) -> Result<Option<Arc<Incident>>, Failure> {
        let kept = {
            let open = self.0.open.read().unwrap_or_else(PoisonError::into_inner);
            open.kept(id).cloned()
        };
        if let Some(kept) = kept {
            return Ok(Some(kept.whole()));
        }
        let journal = self.0.store.journal(id).await?;
        Ok((!journal.is_empty()).then(|| Arc::new(Incident::replay(id, &journal))))
    }

    /// The same, for somebody who may see so much: what they may not see is not there.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    pub async fn seen(
        &self,
        id: IncidentId,
        sight: &Sight,
    ) -> Result<Option<Arc<Incident>>, Failure> {
        Ok(self.incident(id).await?.filter(|i| sight.sees(i)))
    }

    /// Every open incident as committed, in no order.
    #[must_use]
    pub fn open_incidents(&self) -> Vec<Arc<Incident>> {
        let kept: Vec<Kept> = {
            let open = self.0.open.read().unwrap_or_else(PoisonError::into_inner);
            open.all().map(|(_, kept)| kept.clone()).collect()
        };
        // Unpacked where nobody waits for it.
        kept.iter().map(Kept::whole).collect()
    }

    /// The incident a firing alert with this identity belongs to.
    #[must_use]
    pub fn incident_of_alert(&self, source: &str, fingerprint: &str) -> Option<IncidentId> {
        let leases = self.0.leases.read().unwrap_or_else(PoisonError::into_inner);
        leases.get(lease::key(source, fingerprint))?.incident()
    }

    /// Until when a firing alert is believed; later than its row says when repeats only extended it in memory.
    #[must_use]
    pub fn ends_at(&self, source: &str, fingerprint: &str) -> Option<Time> {
        let leases = self.0.leases.read().unwrap_or_else(PoisonError::into_inner);
        let live = leases.get(lease::key(source, fingerprint))?;
        Some(leases.ends_at(live))
    }

    /// Brings the gauges of [`Metrics`] up to date; call before rendering them.
    pub fn measure(&self) {
        let metrics = &self.0.options.metrics;
        metrics.set_alerts(self.firing());
        let open = self.0.open.read().unwrap_or_else(PoisonError::into_inner);
        for status in [Status::Triggered, Status::Acknowledged] {
            // Drills count nowhere.
            let real = open.all().filter(|(_, i)| !i.is_drill());
            metrics.set_incidents(status, real.filter(|(_, i)| i.status() == status).count());
        }
    }

    /// How many alerts fire.
    #[must_use]
    pub fn firing(&self) -> usize {
        self.0
            .leases
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Tells of every committed change from now on.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }

    /// Announces a change an adapter made.
    pub fn announce(&self, change: Change) {
        // Nobody listening is fine.
        let _ = self.0.changes.send(change);
    }

    async fn ask<T>(&self, job: impl FnOnce(desk::Reply<T>) -> desk::Job) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let gone = || Failure::Unavailable("firebell is stopping".to_owned());
        self.0.desk.send(job(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// The one door for background tasks: named, so that a stray one is found by looking for this.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}
