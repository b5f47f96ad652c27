//! Delivery: committed effects go out, each by its promise, and what happened comes back to the desk.
//!
//! Pages, lines and surfaces have queues of their own, so that nothing waits behind something
//! else's trouble: a page waits only for its own destination, a line for the one before it in its
//! room, a surface only for itself. A destination that fails is asked by one probe at a time until
//! it answers, so an outage costs a handful of requests and ends within a second of its end.

mod direct;
mod notices;
mod pages;
mod rooms;
mod said;

use super::desk::Job;
use super::memory::ShowKey;
use super::outgoing::{Message, Outgoing};
use super::{Engine, act};
use crate::chat::{Chat, Fault, Retry};
use crate::core::directory::{ContactKind, WEBHOOK};
use crate::core::id::{IncidentId, Seq};
use crate::core::incident::{Incident, Surface, THE_ROOM};
use crate::core::time::Time;
use crate::notify::{self, Tried};
use crate::store::{Lane, NoticeRow, OutboxRow, ShowRow};
use pages::Destination;
use rooms::{Lines, Surfaced, room_key};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// From one count of what waits to the next, milliseconds.
const MEASURE_EVERY_MS: i64 = 1000;
/// What was shown last is remembered this long, which is longer than any commit takes, milliseconds.
const SHOWN_KEPT_MS: i64 = 60_000;
/// A page that could not be delivered for this long is given up; the ladder has long gone on.
const PAGE_GIVE_UP_MS: i64 = 15 * 60 * 1000;

/// What comes back from a task that talked to the outside.
enum Finished {
    Line {
        id: i64,
        /// The room and message it became.
        result: Result<String, Fault>,
    },
    Pages {
        destination: String,
        ids: Vec<i64>,
        tried: Tried,
        began: Time,
    },
    Swept {
        left: bool,
    },
    Show {
        key: ShowKey,
        have: Seq,
        result: Result<rooms::Shown, Fault>,
    },
    Notice {
        key: String,
        result: Result<(), Fault>,
    },
}

/// What a point in time is waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Poke {
    Destination(String),
    Page(i64),
    Room(String),
    Show(ShowKey),
    Sweep,
    Notice(String),
}

struct Deliver {
    engine: Engine,
    client: reqwest::Client,
    chats: HashMap<String, Arc<dyn Chat>>,
    started: bool,
    /// What came with the start may have been on its way when the process before this one ended.
    restarted: bool,
    effects: HashMap<i64, Outgoing>,
    /// Pages that are being sent.
    flying: HashSet<i64>,
    /// Those of them that were withdrawn meanwhile: the try that is under way is the last.
    last_tries: HashSet<i64>,
    destinations: HashMap<String, Destination>,
    rooms: HashMap<String, Lines>,
    shows: HashMap<ShowKey, Surfaced>,
    /// Lines for channels, by key.
    notices: HashMap<String, NoticeRow>,
    /// Room ids by incident and platform, as the newest snapshot tells.
    known_rooms: HashMap<(IncidentId, String), String>,
    /// What lines became of late, which may not be in the store yet.
    said: said::Said,
    later: BinaryHeap<Reverse<(Time, Poke)>>,
    finished: mpsc::UnboundedSender<Finished>,
    in_flight: usize,
    moved: usize,
    settlers: Vec<oneshot::Sender<usize>>,
    measured_at: Time,
    /// What rings is looked through this often more, the one under way included.
    sweeps: u8,
}

/// Starts delivery. It waits for its adapters.
pub(super) fn start(engine: &Engine, mut messages: mpsc::UnboundedReceiver<Message>) {
    let (finished, mut done) = mpsc::unbounded_channel();
    let mut deliver = Deliver {
        engine: engine.clone(),
        client: notify::webhook::client(),
        chats: HashMap::new(),
        started: false,
        restarted: true,
        effects: HashMap::new(),
        flying: HashSet::new(),
        last_tries: HashSet::new(),
        destinations: HashMap::new(),
        rooms: HashMap::new(),
        shows: HashMap::new(),
        notices: HashMap::new(),
        known_rooms: HashMap::new(),
        said: said::Said::default(),
        later: BinaryHeap::new(),
        finished,
        in_flight: 0,
        moved: 0,
        settlers: Vec::new(),
        measured_at: Time(0),
        sweeps: 0,
    };
    super::spawn(async move {
        loop {
            let due = deliver.later.peek().map(|Reverse((at, _))| *at);
            let clock = deliver.engine.0.options.clock.clone();
            tokio::select! {
                message = messages.recv() => match message {
                    None | Some(Message::Stop) => return,
                    Some(message) => deliver.take(message),
                },
                Some(finished) = done.recv() => deliver.finish(finished).await,
                () = clock.sleep_until(due) => {}
            }
            deliver.wake();
            deliver.settled();
            deliver.measure();
        }
    });
}

impl Deliver {
    fn take(&mut self, message: Message) {
        match message {
            Message::Adapters(chats) => {
                self.chats = chats
                    .into_iter()
                    .map(|c| (c.platform().to_owned(), c))
                    .collect();
                self.started = true;
                self.poke_everything();
                // What rang when the process before this one ended.
                self.sweep();
            }
            Message::Effects(effects) => {
                // All first: what was decided together for one contact is one message.
                let pokes: BTreeSet<(Time, Poke)> =
                    effects.into_iter().filter_map(|e| self.accept(e)).collect();
                for (at, poke) in pokes {
                    self.poke_at(at, poke);
                }
            }
            Message::Shows(shows) => {
                for (row, incident) in shows {
                    self.surface(row, incident);
                }
                // The first shows after a start are those it restored.
                self.restarted = false;
            }
            Message::Withdraw(ids) => {
                for id in ids {
                    // One already on its way stays until it is back; a queued number without its effect is skipped.
                    if self.flying.contains(&id) {
                        self.last_tries.insert(id);
                    } else {
                        self.effects.remove(&id);
                    }
                }
            }
            Message::Hush => self.poke(&Poke::Sweep),
            Message::Reread(incident, seqs) => {
                let stale =
                    |e: &&mut Outgoing| e.row.incident == incident && seqs.contains(&e.row.seq);
                // Their words are not theirs any more: the journal is asked for them.
                self.effects
                    .values_mut()
                    .filter(stale)
                    .for_each(|e| e.record = None);
            }
            Message::Notices(rows) => {
                for row in rows {
                    self.notice(row);
                }
            }
            Message::Restart => {
                self.destinations.values_mut().for_each(|d| d.ready.clear());
                self.rooms.values_mut().for_each(|r| r.waiting.clear());
                self.restarted = true;
                self.shows.retain(|_, shown| shown.busy);
            }
            Message::Settle(reply) => self.settlers.push(reply),
            Message::Stop => {}
        }
    }

    fn poke_everything(&mut self) {
        let mut pokes: BTreeSet<Poke> = self
            .destinations
            .keys()
            .cloned()
            .map(Poke::Destination)
            .collect();
        pokes.extend(self.rooms.keys().cloned().map(Poke::Room));
        pokes.extend(self.shows.keys().cloned().map(Poke::Show));
        pokes.extend(self.notices.keys().cloned().map(Poke::Notice));
        for poke in pokes {
            self.poke(&poke);
        }
    }

    /// Queues an effect; answers what is to be poked, and when.
    fn accept(&mut self, effect: Outgoing) -> Option<(Time, Poke)> {
        let (id, row) = (effect.row.id, &effect.row);
        let due = row.due_at;
        self.know_rooms(&effect.incident.clone());
        match row.lane {
            Lane::Run => {
                act::start(&self.engine, effect);
                None
            }
            Lane::Page => {
                let name = self.destination_of(row);
                self.effects.insert(id, effect);
                self.destinations
                    .entry(name.clone())
                    .or_default()
                    .ready
                    .push_back(id);
                // It was decided early so as to be out in time.
                let lead = self.engine.0.options.clock.lead_ms();
                Some((due.plus_ms(-lead), Poke::Destination(name)))
            }
            Lane::Say => {
                let name = room_key(row);
                self.effects.insert(id, effect);
                self.rooms
                    .entry(name.clone())
                    .or_default()
                    .waiting
                    .push_back(id);
                Some((due, Poke::Room(name)))
            }
        }
    }

    /// A surface is behind. What was decided before the desk heard of the last result does not know it:
    /// a room that has just been made must not be made again.
    fn surface(&mut self, mut row: ShowRow, incident: Arc<Incident>) {
        self.know_rooms(&incident);
        let key = (row.incident, row.platform.clone(), row.surface.clone());
        let due = row.due_at;
        match self.shows.get_mut(&key) {
            Some(shown) => {
                // The desk may not have heard yet that it was shown; but of a room that is lost
                // nothing stands any more.
                let lost =
                    row.surface != Surface::ChannelCard.word() && incident.room_lost(&row.platform);
                if !lost {
                    row.have = row.have.max(shown.row.have);
                }
                if row.remote.is_empty() && !lost {
                    row.remote.clone_from(&shown.row.remote);
                }
                (shown.row, shown.incident) = (row, incident);
            }
            None => drop(self.shows.insert(
                key.clone(),
                Surfaced {
                    row,
                    incident,
                    busy: false,
                    unsure: self.restarted,
                },
            )),
        }
        self.poke_at(due, Poke::Show(key));
    }

    /// A room that has come into being lets its waiting lines, card and furniture go.
    fn know_rooms(&mut self, incident: &Incident) {
        for (platform, place) in &incident.closed {
            // A room that was lost: what is for it waits until there is another one.
            if place == THE_ROOM {
                self.known_rooms.remove(&(incident.id, platform.clone()));
            }
        }
        for platform in incident.talk.shelved.keys() {
            self.known_rooms.remove(&(incident.id, platform.clone()));
        }
        if incident.rooms.is_empty() && incident.major {
            // It had a thread, and gets a room.
            let threads = |(id, _): &(IncidentId, String)| *id == incident.id;
            self.known_rooms.retain(|key, _| !threads(key));
        }
        for (platform, room) in &incident.rooms {
            let before = self
                .known_rooms
                .insert((incident.id, platform.clone()), room.clone());
            if before.as_ref() != Some(room) {
                self.poke(&Poke::Room(format!("{platform}:{}", incident.id.0)));
                for surface in rooms::IN_THE_ROOM {
                    self.poke(&Poke::Show((
                        incident.id,
                        platform.clone(),
                        surface.word().to_owned(),
                    )));
                }
            }
        }
    }

    fn destination_of(&self, row: &OutboxRow) -> String {
        match self.contact(row) {
            // One queue a person: each is a channel of its own there, with a rate of its own.
            Some(ContactKind::Chat { platform }) => {
                format!("{}{platform} {}", pages::CHAT, row.target)
            }
            Some(ContactKind::Webhook { url, .. }) => notify::webhook::destination(&url),
            Some(ContactKind::Direct { means, .. }) => {
                direct::destination(means, &row.target, &row.detail)
            }
            None => "nowhere".to_owned(),
        }
    }

    fn contact(&self, row: &OutboxRow) -> Option<ContactKind> {
        let directory = self.engine.directory();
        if let Some(name) = row.target.strip_prefix(WEBHOOK) {
            return directory.webhooks.get(name).cloned();
        }
        let person = directory.people.get(&row.target)?;
        Some(
            person
                .contacts
                .iter()
                .find(|c| c.name == row.detail)?
                .kind
                .clone(),
        )
    }

    fn poke_at(&mut self, at: Time, poke: Poke) {
        if at > self.engine.now() {
            self.later.push(Reverse((at, poke)));
        } else {
            self.poke(&poke);
        }
    }

    fn wake(&mut self) {
        let now = self.engine.now();
        while let Some(Reverse((at, _))) = self.later.peek() {
            if *at > now {
                return;
            }
            if let Some(Reverse((_, poke))) = self.later.pop() {
                self.poke(&poke);
            }
        }
    }

    fn poke(&mut self, poke: &Poke) {
        if !self.started {
            return;
        }
        match poke {
            Poke::Destination(name) => self.send_pages(name),
            Poke::Page(id) => self.page_again(*id),
            Poke::Room(name) => self.send_line(name),
            Poke::Show(key) => self.send_show(key),
            Poke::Sweep => self.sweep(),
            Poke::Notice(key) => self.send_notice(key),
        }
    }

    /// Runs something that may wait for the outside world.
    fn outside(&mut self, call: impl Future<Output = Finished> + Send + 'static) {
        self.in_flight += 1;
        self.moved += 1;
        let finished = self.finished.clone();
        super::spawn(async move {
            let _ = finished.send(call.await);
        });
    }

    async fn finish(&mut self, finished: Finished) {
        self.in_flight -= 1;
        let settled = match finished {
            Finished::Line { id, result } => self.line_done(id, result).into_iter().collect(),
            Finished::Pages {
                destination,
                ids,
                tried,
                began,
            } => self.pages_done(&destination, ids, &tried, began),
            Finished::Swept { left } => {
                self.swept(left);
                Vec::new()
            }
            Finished::Show { key, have, result } => vec![self.show_done(key, have, result)],
            Finished::Notice { key, result } => {
                self.notice_done(&key, result).into_iter().collect()
            }
        };
        for settled in settled {
            // The desk never waits for delivery, so waiting for the desk here cannot lock up.
            let _ = self
                .engine
                .0
                .desk
                .send(Job::Settled(Box::new(settled), None))
                .await;
        }
    }

    /// What waits, by lane, and the oldest of it; not more often than people look.
    fn measure(&mut self) {
        let now = self.engine.now();
        // An empty outbox is told at once: there may be no next time for hours, and the age of what
        // has long been delivered would grow meanwhile.
        let waits = !self.effects.is_empty();
        if waits && now < self.measured_at.plus_ms(MEASURE_EVERY_MS) {
            return;
        }
        self.measured_at = now;
        let metrics = &self.engine.0.options.metrics;
        for lane in [Lane::Page, Lane::Say] {
            metrics.set_outbox(
                lane,
                self.effects.values().filter(|e| e.row.lane == lane).count(),
            );
        }
        metrics.set_oldest_undelivered(self.effects.values().map(|e| e.row.created_at).min());
    }

    fn settled(&mut self) {
        if self.in_flight == 0 && !self.settlers.is_empty() {
            let moved = std::mem::take(&mut self.moved);
            for reply in self.settlers.drain(..) {
                let _ = reply.send(moved);
            }
        }
    }
}

fn link(engine: &Engine, id: IncidentId) -> String {
    format!("{}/incidents/{}", engine.public_url(), id.0)
}

/// How long to wait before the next try; `None`: no more.
fn wait_ms(fault: &Fault, attempts: u32, seed: i64) -> Option<i64> {
    match fault.retry {
        Retry::Never | Retry::Gone => None,
        Retry::AfterMs(ms) => Some(ms),
        Retry::Backoff => Some(notify::backoff_ms(attempts, seed.unsigned_abs())),
    }
}

fn retry_at(fault: &Fault, row: &OutboxRow, now: Time) -> Option<Time> {
    if row.lane == Lane::Page && now.since_ms(row.created_at) > PAGE_GIVE_UP_MS {
        return None;
    }
    wait_ms(fault, row.attempts, row.id).map(|ms| now.plus_ms(ms))
}
