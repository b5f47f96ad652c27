//! Keeping what was heard, and working it off.

use super::act;
use super::people::People;
use super::porter::{self, Porter};
use crate::chat::form::{self, Form};
use crate::chat::grammar::{self, Context};
use crate::chat::heard::{Deed, Heard, Voice};
use crate::chat::surface;
use crate::chat::{Press, button};
use crate::core::directory::Directory;
use crate::core::id::IncidentId;
use crate::core::incident::Incident;
use crate::core::sight::Sight;
use crate::core::time::Time;
use crate::engine::{Counter, Engine, Failure};
use crate::store::{ChangeSet, HeardRow};
use chrono_tz::Tz;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, watch};

/// What is worked off is remembered this long: longer than any platform repeats itself.
const REMEMBER_MS: i64 = 3 * 24 * 3_600_000;
/// How often what is older is looked for: not with every act, because somebody waits for each.
const FORGET_EVERY_MS: i64 = 3_600_000;
/// Acts of one room that may wait for their turn.
const QUEUE: usize = 1024;

/// The ear of all chat platforms. Cheap to clone.
#[derive(Clone)]
pub struct Ear(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub engine: Engine,
    pub voices: HashMap<String, Arc<dyn Voice>>,
    pub people: People,
    /// Keys that are being kept right now.
    keeping: Mutex<HashSet<(String, String)>>,
    /// When old acts were last forgotten, `Time` in milliseconds.
    forgot_at: AtomicI64,
    /// Acts that are being worked off.
    pub(super) at_work: watch::Sender<usize>,
    /// Files that are being fetched.
    pub(super) porter: Porter,
    /// Queues of the platforms' messages.
    queues: Mutex<HashMap<String, mpsc::Sender<(i64, Heard)>>>,
}

impl Ear {
    /// An ear for these platforms.
    #[must_use]
    pub fn new(engine: Engine, voices: Vec<Arc<dyn Voice>>) -> Ear {
        let voices = voices
            .into_iter()
            .map(|v| (v.platform().to_owned(), v))
            .collect();
        let people = People::new(engine.clone());
        Ear(Arc::new(Inner {
            engine,
            voices,
            people,
            keeping: Mutex::default(),
            forgot_at: AtomicI64::new(0),
            at_work: watch::channel(0).0,
            porter: Porter::default(),
            queues: Mutex::default(),
        }))
    }

    /// The engine acts go to.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Works off what was kept and not finished when the process ended before.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn catch_up(&self) -> Result<(), Failure> {
        let waiting = self.0.engine.store().heard_waiting().await;
        for row in waiting? {
            match serde_json::from_str::<Heard>(&row.body) {
                Ok(heard) => self.work(row.id, heard).await,
                Err(error) => {
                    tracing::error!(heard.id = row.id, %error, "an act that was kept cannot be read; it is set aside");
                    self.done(row.id, "failed").await;
                }
            }
        }
        Ok(())
    }

    /// Keeps an act. When this returns `Ok` it is durable and will be worked off; `false`: it was
    /// heard before, and nothing new happens.
    ///
    /// # Errors
    /// `Unavailable`: it was not kept; the platform or the person must repeat it.
    pub async fn take(&self, heard: Heard) -> Result<bool, Failure> {
        let key = (heard.platform.clone(), heard.key.clone());
        if !self.keeping().insert(key.clone()) {
            return Ok(false);
        }
        let kept = self.keep(&heard).await;
        self.keeping().remove(&key);
        let Some(id) = kept? else {
            return Ok(false);
        };
        self.work(id, heard).await;
        Ok(true)
    }

    /// The row's number; `None`: the key is known.
    async fn keep(&self, heard: &Heard) -> Result<Option<i64>, Failure> {
        let engine = &self.0.engine;
        let known = engine.store().was_heard(&heard.platform, &heard.key).await;
        if known? {
            return Ok(None);
        }
        let body = serde_json::to_string(heard)
            .map_err(|e| Failure::Unavailable(format!("it cannot be written down: {e}")))?;
        let id = engine.next_id(Counter::Heard);
        let old = self.0.forgets();
        let changes = ChangeSet {
            heard: vec![HeardRow {
                id,
                platform: heard.platform.clone(),
                key: heard.key.clone(),
                at: engine.now(),
                body,
            }],
            heard_old: old,
            link_codes_old: old.map(|_| engine.now()),
            ..ChangeSet::default()
        };
        engine.write(changes).await?;
        Ok(Some(id))
    }

    /// Messages of a platform one after the other, everything else at once.
    async fn work(&self, id: i64, heard: Heard) {
        self.0.at_work.send_modify(|n| *n += 1);
        let in_order = matches!(
            heard.deed,
            Deed::Said { .. } | Deed::Edited { .. } | Deed::Deleted { .. }
        );
        if in_order {
            let queue = self.queue(&heard.platform);
            // The queue's task lives as long as this ear.
            if queue.send((id, heard)).await.is_err() {
                self.0.at_work.send_modify(|n| *n -= 1);
            }
            return;
        }
        let ear = self.clone();
        crate::engine::spawn(async move { ear.carry_out(id, heard).await });
    }

    fn queue(&self, platform: &str) -> mpsc::Sender<(i64, Heard)> {
        let mut queues = self.0.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(platform) {
            return queue.clone();
        }
        let (into, mut out) = mpsc::channel(QUEUE);
        let ear = self.clone();
        crate::engine::spawn(async move {
            while let Some((id, heard)) = out.recv().await {
                ear.carry_out(id, heard).await;
            }
        });
        queues.insert(platform.to_owned(), into.clone());
        into
    }

    async fn carry_out(&self, id: i64, heard: Heard) {
        self.try_out(id, heard).await;
        self.0.at_work.send_modify(|n| *n -= 1);
    }

    /// Returns when nothing is being worked off.
    pub async fn settle(&self) {
        let mut at_work = self.0.at_work.subscribe();
        // The sender lives in this ear.
        let _ = at_work.wait_for(|n| *n == 0).await;
    }

    async fn try_out(&self, id: i64, heard: Heard) {
        let Some(voice) = self.0.voices.get(&heard.platform).cloned() else {
            self.done(id, "failed").await;
            return;
        };
        match act::act(&self.0, voice.as_ref(), &heard).await {
            Ok(()) if porter::carries(&heard) => self.carry(id, heard),
            Ok(()) => self.done(id, "done").await,
            Err(Failure::Refused(refusal)) => {
                tracing::debug!(heard.id = id, %refusal, "an act was refused");
                self.done(id, "done").await;
            }
            // It stays as it is and is worked off at the next start; whoever waits was told.
            Err(Failure::Unavailable(why)) => {
                tracing::warn!(heard.id = id, %why, "an act could not be worked off yet");
            }
        }
    }

    pub(super) async fn done(&self, id: i64, how: &str) {
        let changes = ChangeSet {
            heard_done: vec![(id, how.to_owned())],
            ..ChangeSet::default()
        };
        // Not marked: it is worked off again at the next start, with the same cause.
        if let Err(failure) = self.0.engine.write(changes).await {
            tracing::warn!(heard.id = id, %failure, "an act that was worked off could not be marked so");
        }
    }

    fn keeping(&self) -> std::sync::MutexGuard<'_, HashSet<(String, String)>> {
        self.0
            .keeping
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The form to open for an act: a button that needs values, a command that lacks words. `None`:
    /// it can be carried out as it is. Fast: only memory is read.
    pub async fn form(&self, heard: &Heard) -> Option<Form> {
        let directory = self.0.engine.directory();
        match &heard.deed {
            Deed::Line { text } => {
                let here = self.0.here(heard).await;
                let context = self.0.context(heard, &directory, here);
                let wanting = grammar::wants_form(text, &context)?;
                let incident = self.shown(heard, wanting.incident).await;
                match &wanting.action {
                    Some(action) => form::of_action(action, &directory, incident.as_deref()?),
                    None if wanting.verb == "new" => {
                        form::of_declaration(&directory, &BTreeMap::new(), ("", ""))
                    }
                    None => form::of_verb(&wanting.verb, &directory, incident.as_deref()),
                }
            }
            Deed::Declare { text, link, .. } => {
                form::of_declaration(&directory, &BTreeMap::new(), (text, link))
            }
            Deed::Typed { verb, options }
                if verb == "new" && options.get("title").is_none_or(|t| t.trim().is_empty()) =>
            {
                form::of_declaration(&directory, options, ("", ""))
            }
            Deed::Typed { verb, options } if verb == "run" => {
                let said = |name: &str| options.get(name).is_some_and(|v| !v.trim().is_empty());
                let given = options.keys().any(|k| form::argument_of(k).is_some());
                if given || said("name=value") || said("break-glass") {
                    return None;
                }
                let incident = self.meant(heard, options).await?;
                if options.get("dry-run").is_some_and(|v| v == "yes") {
                    return form::of_dry_run(options.get("action")?, &directory, &incident);
                }
                form::of_action(options.get("action")?, &directory, &incident)
            }
            Deed::Press { token, .. } => {
                let key = self.0.engine.button_key();
                let token = key.read(&heard.platform, &heard.room, token)?;
                let incident = self.shown(heard, token.incident).await;
                match button::press(&token.word)? {
                    Press::Note => form::of_verb("note", &directory, Some(incident.as_deref()?)),
                    Press::Ask { verb } => {
                        form::of_verb(&verb, &directory, Some(incident.as_deref()?))
                    }
                    Press::Update => {
                        form::of_verb("update", &directory, Some(incident.as_deref()?))
                    }
                    Press::AskRun { action } => {
                        form::of_action(&action, &directory, incident.as_deref()?)
                    }
                    Press::DryRun { action } => {
                        form::of_dry_run(&action, &directory, incident.as_deref()?)
                    }
                    Press::Silence => {
                        let incident = incident.as_deref()?;
                        let proposed = self.0.engine.silence_proposal(incident).await;
                        form::of_silence(&directory, incident, &proposed.unwrap_or_default())
                    }
                    Press::Settle { run, good } => {
                        form::of_settling(run, good, incident.as_deref()?)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// What is wrong with a sent form: field and sentence; what is about no field of its is told at the
    /// first. Empty: it can be carried out, or has no field to tell it at and is answered in words.
    #[must_use]
    pub fn faults(&self, heard: &Heard) -> Vec<(String, String)> {
        let Deed::Submit { token, values } = &heard.deed else {
            return Vec::new();
        };
        let key = self.0.engine.button_key();
        let Some((verb, known)) = form::read_token(&key, &heard.platform, &heard.by.id, token)
        else {
            return Vec::new();
        };
        let options = form::options(known, values);
        let directory = self.0.engine.directory();
        let context = self.0.context(heard, &directory, None);
        match grammar::typed(&verb, &options, &context) {
            Ok(_) => Vec::new(),
            Err(usage) => {
                let argument = usage.argument.as_ref();
                let named = argument
                    .filter(|name| values.contains_key(*name))
                    .or_else(|| values.keys().next());
                named
                    .map(|name| (name.clone(), usage.what.clone()))
                    .into_iter()
                    .collect()
            }
        }
    }

    /// Values for a half-written option of a command: value and what people read, at most 25.
    pub async fn complete(&self, heard: &Heard, option: &str, part: &str) -> Vec<(String, String)> {
        let Deed::Typed { verb, options } = &heard.deed else {
            return Vec::new();
        };
        let directory = self.0.engine.directory();
        let part = part.to_lowercase();
        let mut found = match option {
            "incident" | "to" | "into" | "parent" => self.open_incidents(heard),
            "run" => self.waiting_runs(heard, options).await,
            "line" | "task" => self.numbered(heard, options, option == "line").await,
            _ => surface::tree()
                .find(verb)
                .and_then(|leaf| Some((leaf, leaf.args.iter().find(|a| a.name == option)?)))
                .map(|(leaf, arg)| surface::choices(leaf, arg, &directory))
                .unwrap_or_default(),
        };
        found.retain(|(value, read)| {
            value.to_lowercase().starts_with(&part) || read.to_lowercase().contains(&part)
        });
        found.truncate(surface::COMPLETIONS);
        found
    }

    fn open_incidents(&self, heard: &Heard) -> Vec<(String, String)> {
        let mut open = self.0.engine.open_incidents();
        let who = self.0.people.author(heard);
        let sight = Sight::of(&who, &self.0.engine.directory());
        open.retain(|i| sight.sees(i));
        open.sort_by_key(|i| std::cmp::Reverse(i.id));
        open.iter()
            .map(|i| (i.id.0.to_string(), format!("{} {}", i.id, i.headline())))
            .collect()
    }

    async fn waiting_runs(
        &self,
        heard: &Heard,
        options: &BTreeMap<String, String>,
    ) -> Vec<(String, String)> {
        let Some(incident) = self.meant(heard, options).await else {
            return Vec::new();
        };
        incident
            .waiting_runs()
            .map(|(id, run)| (id.0.to_string(), format!("{id} {}", run.title)))
            .collect()
    }

    /// Lines of checklists that are open, or tasks, by number.
    async fn numbered(
        &self,
        heard: &Heard,
        options: &BTreeMap<String, String>,
        lines: bool,
    ) -> Vec<(String, String)> {
        let Some(incident) = self.meant(heard, options).await else {
            return Vec::new();
        };
        let one = |n: u32, text: &str| (n.to_string(), format!("{n} {text}"));
        let conduct = &incident.conduct;
        if lines {
            let open = conduct.checks().filter(|c| c.done.is_none());
            return open.map(|c| one(c.item.item, &c.item.text)).collect();
        }
        let tasks = conduct.tasks.values();
        tasks.map(|t| one(t.task, &t.text)).collect()
    }

    /// The incident options name, else the one whose room it is.
    async fn meant(
        &self,
        heard: &Heard,
        options: &BTreeMap<String, String>,
    ) -> Option<Arc<Incident>> {
        let named = options.get("incident").and_then(|n| n.parse().ok());
        let id = match named.map(IncidentId) {
            Some(id) => id,
            None => self.0.here(heard).await?,
        };
        self.shown(heard, id).await
    }

    /// An incident whoever asks may see: in its room they do.
    async fn shown(&self, heard: &Heard, id: IncidentId) -> Option<Arc<Incident>> {
        let incident = self.incident(id).await?;
        let who = self.0.people.author(heard);
        let sees = Sight::of(&who, &self.0.engine.directory()).sees(&incident);
        (sees || self.0.here(heard).await == Some(id)).then_some(incident)
    }

    async fn incident(&self, id: IncidentId) -> Option<Arc<Incident>> {
        self.0.engine.incident(id).await.ok().flatten()
    }
}

impl Inner {
    /// Acts before this are to be forgotten now; `None`: that was done lately.
    fn forgets(&self) -> Option<Time> {
        let now = self.now();
        let last = Time(self.forgot_at.load(Ordering::Relaxed));
        if now.since_ms(last) < FORGET_EVERY_MS {
            return None;
        }
        self.forgot_at.store(now.0, Ordering::Relaxed);
        Some(now.plus_ms(-REMEMBER_MS))
    }

    /// The incident whose room an act was done in.
    pub(super) async fn here(&self, heard: &Heard) -> Option<IncidentId> {
        if heard.room.is_empty() {
            return None;
        }
        let store = self.engine.store();
        let found = store.incident_of_room(&heard.platform, &heard.room).await;
        found.ok().flatten()
    }

    /// What words are read against.
    pub(super) fn context<'a>(
        &self,
        heard: &Heard,
        directory: &'a Directory,
        here: Option<IncidentId>,
    ) -> Context<'a> {
        Context {
            directory,
            now: self.now(),
            zone: self.zone(heard),
            here,
        }
    }

    /// Whose clock the words are by.
    pub(super) fn zone(&self, heard: &Heard) -> Tz {
        let directory = self.engine.directory();
        self.engine
            .person_of(&heard.platform, &heard.by.id)
            .and_then(|id| directory.people.get(&id).map(|p| p.zone))
            .or(directory.zone)
            .unwrap_or(Tz::UTC)
    }

    /// Now.
    pub(super) fn now(&self) -> Time {
        self.engine.now()
    }
}
