//! Delivery: committed effects go out, each by its promise, and what happened comes back to the desk.
//!
//! Pages, lines and surfaces have queues of their own, so that nothing waits behind something
//! else's trouble: a page waits only for its own destination, a line for the one before it in its
//! room, a surface only for itself. A destination that fails is asked by one probe at a time until
//! it answers, so an outage costs a handful of requests and ends within a second of its end.

use super::desk::Job;
use super::memory::ShowKey;
use super::outgoing::{Message, Outgoing, Settled};
use super::{Engine, act};
use crate::chat::{self, Chat, Fault, Line, Retry, RoomRef};
use crate::core::alert::Labels;
use crate::core::directory::{ContactKind, Directory};
use crate::core::id::{IncidentId, Seq};
use crate::core::incident::{Event, Incident, Record, Surface};
use crate::core::time::Time;
use crate::notify;
use crate::store::{AlertQuery, Lane, OutboxRow, ShowRow};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A page that has not got through for this long is told in the timeline and lets the ladder go
/// on, while firebell keeps trying: longer than a receiver's restart, shorter than anyone's patience.
const TELL_AFTER_MS: i64 = 30 * 1000;
/// A page that could not be delivered for this long is given up; the ladder has long gone on.
const PAGE_GIVE_UP_MS: i64 = 15 * 60 * 1000;
/// Requests on their way to one destination at a time: begins low, so that a rate limit costs a few
/// refusals and not a flood of them, and grows by one with each success.
const WINDOW: std::ops::RangeInclusive<usize> = 4..=64;
/// Pages to one contact that share a request once its destination is behind.
const BUNDLE: usize = 200;
/// A destination that failed this often in a row is probed, not flooded.
const FAILS_TO_PROBE: u32 = 3;
/// A receiver that takes longer is taken for failed.
const PAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Alerts named in one page; the console has the rest, and the incident says how many there are.
const ALERTS_TOLD: i64 = 100;
/// From one probe to the next at most, milliseconds.
const PROBE_MS: i64 = 800;

/// What comes back from a task that talked to the outside.
enum Finished {
    Line {
        id: i64,
        result: Result<(), Fault>,
    },
    Pages {
        destination: String,
        ids: Vec<i64>,
        result: Result<(), Fault>,
    },
    Show {
        key: ShowKey,
        have: Seq,
        result: Result<(String, String), Fault>,
    },
}

/// What a point in time is waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Poke {
    Destination(String),
    Page(i64),
    Room(String),
    Show(ShowKey),
}

/// Where pages go.
struct Destination {
    ready: VecDeque<i64>,
    in_flight: usize,
    window: usize,
    failures: u32,
    /// It refused for its rate limit or failed, and has not answered well since.
    behind: bool,
    blocked_until: Time,
}

impl Default for Destination {
    fn default() -> Destination {
        let window = *WINDOW.start();
        Destination {
            ready: VecDeque::new(),
            in_flight: 0,
            window,
            failures: 0,
            behind: false,
            blocked_until: Time(0),
        }
    }
}

/// A room's lines, in order.
#[derive(Default)]
struct Lines {
    waiting: VecDeque<i64>,
    busy: bool,
    blocked_until: Time,
}

/// A page on its way.
struct ToPage {
    row: OutboxRow,
    incident: Arc<Incident>,
    why: String,
}

impl ToPage {
    fn of(effect: &Outgoing) -> ToPage {
        let why = effect
            .record
            .as_ref()
            .map(|r| why(&r.event, &effect.row.target))
            .unwrap_or_default();
        ToPage {
            row: effect.row.clone(),
            incident: effect.incident.clone(),
            why,
        }
    }
}

/// Why this person, and why now; as the event says it.
fn why(event: &Event, person: &str) -> String {
    let (people, why) = match event {
        Event::Paged { people, why, .. } => (people, why),
        Event::CatchAll { people, why, .. } => (people, why),
        _ => return String::new(),
    };
    let own = people
        .iter()
        .find(|p| p.id == person)
        .map(|p| p.why.as_str());
    [own, Some(why.as_str())]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ")
}

struct Surfaced {
    row: ShowRow,
    incident: Arc<Incident>,
    busy: bool,
}

struct Deliver {
    engine: Engine,
    client: reqwest::Client,
    chats: HashMap<&'static str, Arc<dyn Chat>>,
    started: bool,
    effects: HashMap<i64, Outgoing>,
    /// Pages that are being sent.
    flying: HashSet<i64>,
    destinations: HashMap<String, Destination>,
    rooms: HashMap<String, Lines>,
    shows: HashMap<ShowKey, Surfaced>,
    /// Room ids by incident and platform, as the newest snapshot tells.
    known_rooms: HashMap<(IncidentId, String), String>,
    later: BinaryHeap<Reverse<(Time, Poke)>>,
    finished: mpsc::UnboundedSender<Finished>,
    in_flight: usize,
    moved: usize,
    settlers: Vec<oneshot::Sender<usize>>,
}

/// Starts delivery. It waits for its adapters.
pub(super) fn start(engine: &Engine, mut messages: mpsc::UnboundedReceiver<Message>) {
    let (finished, mut done) = mpsc::unbounded_channel();
    let mut deliver = Deliver {
        engine: engine.clone(),
        client: notify::webhook::client(),
        chats: HashMap::new(),
        started: false,
        effects: HashMap::new(),
        flying: HashSet::new(),
        destinations: HashMap::new(),
        rooms: HashMap::new(),
        shows: HashMap::new(),
        known_rooms: HashMap::new(),
        later: BinaryHeap::new(),
        finished,
        in_flight: 0,
        moved: 0,
        settlers: Vec::new(),
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
        }
    });
}

impl Deliver {
    fn take(&mut self, message: Message) {
        match message {
            Message::Adapters(chats) => {
                self.chats = chats.into_iter().map(|c| (c.platform(), c)).collect();
                self.started = true;
                self.poke_everything();
            }
            Message::Effects(effects) => {
                for effect in effects {
                    self.accept(effect);
                }
            }
            Message::Shows(shows) => {
                for (row, incident) in shows {
                    self.surface(row, incident);
                }
            }
            Message::Withdraw(ids) => {
                for id in ids {
                    // One already on its way stays until it is back; a queued number without its effect is skipped.
                    if !self.flying.contains(&id) {
                        self.effects.remove(&id);
                    }
                }
            }
            Message::Restart => {
                self.destinations.values_mut().for_each(|d| d.ready.clear());
                self.rooms.values_mut().for_each(|r| r.waiting.clear());
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
        for poke in pokes {
            self.poke(&poke);
        }
    }

    fn accept(&mut self, effect: Outgoing) {
        let (id, row) = (effect.row.id, &effect.row);
        let due = row.due_at;
        self.know_rooms(&effect.incident.clone());
        match row.lane {
            Lane::Run => act::start(&self.engine, effect),
            Lane::Page => {
                let name = self.destination_of(row);
                self.effects.insert(id, effect);
                self.destinations
                    .entry(name.clone())
                    .or_default()
                    .ready
                    .push_back(id);
                self.poke_at(due, Poke::Destination(name));
            }
            Lane::Say => {
                let name = room_key(row);
                self.effects.insert(id, effect);
                self.rooms
                    .entry(name.clone())
                    .or_default()
                    .waiting
                    .push_back(id);
                self.poke_at(due, Poke::Room(name));
            }
        }
    }

    fn surface(&mut self, row: ShowRow, incident: Arc<Incident>) {
        self.know_rooms(&incident);
        let key = (row.incident, row.platform.clone(), row.surface.clone());
        let due = row.due_at;
        match self.shows.get_mut(&key) {
            Some(shown) => (shown.row, shown.incident) = (row, incident),
            None => drop(self.shows.insert(
                key.clone(),
                Surfaced {
                    row,
                    incident,
                    busy: false,
                },
            )),
        }
        self.poke_at(due, Poke::Show(key));
    }

    /// A room that has come into being lets its waiting lines and card go.
    fn know_rooms(&mut self, incident: &Incident) {
        for (platform, room) in &incident.rooms {
            let new = self
                .known_rooms
                .insert((incident.id, platform.clone()), room.clone())
                .is_none();
            if new {
                self.poke(&Poke::Room(format!("{platform}:{}", incident.id.0)));
                self.poke(&Poke::Show((
                    incident.id,
                    platform.clone(),
                    Surface::RoomCard.word().to_owned(),
                )));
            }
        }
    }

    fn destination_of(&self, row: &OutboxRow) -> String {
        match self.contact(row) {
            Some(ContactKind::Chat { platform }) => format!("chat {platform}"),
            Some(ContactKind::Webhook { url }) => notify::webhook::destination(&url),
            None => "nowhere".to_owned(),
        }
    }

    fn contact(&self, row: &OutboxRow) -> Option<ContactKind> {
        let directory = self.engine.directory();
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
        }
    }

    fn send_pages(&mut self, name: &str) {
        let now = self.engine.now();
        while let Some(destination) = self.destinations.get_mut(name) {
            if destination.blocked_until > now {
                if !destination.ready.is_empty() {
                    self.later.push(Reverse((
                        destination.blocked_until,
                        Poke::Destination(name.to_owned()),
                    )));
                }
                return;
            }
            let window = if destination.failures >= FAILS_TO_PROBE {
                1
            } else {
                destination.window
            };
            if destination.in_flight >= window {
                return;
            }
            let Some(bundle) = destination.next(&self.effects) else {
                return;
            };
            destination.in_flight += 1;
            self.send_bundle(name.to_owned(), bundle);
        }
    }

    fn send_bundle(&mut self, destination: String, ids: Vec<i64>) {
        let pages: Vec<_> = ids
            .iter()
            .filter_map(|id| self.effects.get(id))
            .map(ToPage::of)
            .collect();
        let Some(first) = pages.first() else { return };
        let contact = self.contact(&first.row);
        self.flying.extend(&ids);
        let chat = match &contact {
            Some(ContactKind::Chat { platform }) => self.chats.get(platform.as_str()).cloned(),
            _ => None,
        };
        let (engine, client) = (self.engine.clone(), self.client.clone());
        self.outside(async move {
            let result = page(&engine, &client, contact, chat, &pages).await;
            Finished::Pages {
                destination,
                ids,
                result,
            }
        });
    }

    fn send_line(&mut self, name: &str) {
        let now = self.engine.now();
        let Some(lines) = self.rooms.get_mut(name) else {
            return;
        };
        if lines.busy {
            return;
        }
        if lines.blocked_until > now {
            self.later
                .push(Reverse((lines.blocked_until, Poke::Room(name.to_owned()))));
            return;
        }
        let Some(id) = lines.waiting.front().copied() else {
            return;
        };
        let Some(effect) = self.effects.get(&id) else {
            lines.waiting.pop_front();
            return self.send_line(name);
        };
        let row = effect.row.clone();
        let room = match row.detail.strip_prefix("channel:") {
            Some(channel) => RoomRef::Channel(channel.to_owned()),
            None => match self.known_rooms.get(&(row.incident, row.target.clone())) {
                Some(room) => RoomRef::Room(room.clone()),
                // The room is not there yet; its coming pokes this queue.
                None => return,
            },
        };
        lines.busy = true;
        let (incident, record, again) = (
            effect.incident.clone(),
            effect.record.clone(),
            effect.interrupted || row.attempts > 0,
        );
        let (engine, adapter) = (
            self.engine.clone(),
            self.chats.get(row.target.as_str()).cloned(),
        );
        self.outside(async move {
            let result = match adapter {
                Some(chat) => {
                    say(
                        &engine,
                        chat.as_ref(),
                        &room,
                        &row,
                        &incident,
                        record,
                        again,
                    )
                    .await
                }
                None => Err(Fault {
                    why: format!("{} is not connected", row.target),
                    retry: Retry::Never,
                }),
            };
            Finished::Line { id, result }
        });
    }

    fn send_show(&mut self, key: &ShowKey) {
        let Some(shown) = self.shows.get_mut(key) else {
            return;
        };
        if shown.busy || shown.row.want <= shown.row.have || shown.row.due_at > self.engine.now() {
            return;
        }
        let surface = Surface::parse(&key.2);
        let room = match surface {
            Some(Surface::RoomCard) => match self.known_rooms.get(&(key.0, key.1.clone())) {
                Some(room) => Some(RoomRef::Room(room.clone())),
                None => return,
            },
            Some(Surface::ChannelCard) => shown.incident.channel.clone().map(RoomRef::Channel),
            _ => None,
        };
        shown.busy = true;
        let (incident, have, remote) = (
            shown.incident.clone(),
            shown.row.want,
            shown.row.remote.clone(),
        );
        let (engine, chat, key) = (
            self.engine.clone(),
            self.chats.get(key.1.as_str()).cloned(),
            key.clone(),
        );
        self.outside(async move {
            let card = chat::card::card(
                &incident,
                &engine.directory(),
                engine.now(),
                &link(&engine, incident.id),
            );
            let result = match (chat, room) {
                (None, _) => Err(Fault {
                    why: format!("{} is not connected", key.1),
                    retry: Retry::Never,
                }),
                (Some(chat), Some(room)) => chat
                    .show(&room, &card, &remote)
                    .await
                    .map(|id| (id, String::new())),
                (Some(chat), None) => {
                    chat.open_room(&card, &chat::card::room_name(&incident))
                        .await
                }
            };
            Finished::Show { key, have, result }
        });
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
                result,
            } => self.pages_done(&destination, ids, &result),
            Finished::Show { key, have, result } => vec![self.show_done(key, have, result)],
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

    fn line_done(&mut self, id: i64, result: Result<(), Fault>) -> Option<Settled> {
        let mut effect = self.effects.remove(&id)?;
        let now = self.engine.now();
        effect.row.attempts += 1;
        let retry_at = result
            .as_ref()
            .err()
            .and_then(|fault| retry_at(fault, &effect.row, now));
        let row = effect.row.clone();
        let name = room_key(&row);
        let lines = self.rooms.entry(name.clone()).or_default();
        lines.busy = false;
        if let Some(at) = retry_at {
            // The next line waits: order is part of the promise.
            lines.blocked_until = at;
            self.effects.insert(id, effect);
        } else {
            lines.waiting.retain(|x| *x != id);
        }
        if lines.waiting.is_empty() {
            self.rooms.remove(&name);
        } else {
            self.poke_at(retry_at.unwrap_or(now), Poke::Room(name));
        }
        Some(Settled::Effect {
            row,
            result,
            retry_at,
            tell: false,
        })
    }

    fn pages_done(
        &mut self,
        name: &str,
        ids: Vec<i64>,
        result: &Result<(), Fault>,
    ) -> Vec<Settled> {
        let now = self.engine.now();
        let destination = self.destinations.entry(name.to_owned()).or_default();
        destination.in_flight = destination.in_flight.saturating_sub(1);
        destination.learn(result, now);
        let probing = destination.failures >= FAILS_TO_PROBE || destination.blocked_until > now;
        let mut settled = Vec::with_capacity(ids.len());
        for id in ids.into_iter().rev() {
            self.flying.remove(&id);
            let Some(mut effect) = self.effects.remove(&id) else {
                continue;
            };
            let retry_at = result
                .as_ref()
                .err()
                .and_then(|fault| retry_at(fault, &effect.row, now));
            let old = now.since_ms(effect.row.created_at) > TELL_AFTER_MS;
            let tell = result.is_err() && (retry_at.is_none() || old && !effect.told);
            settled.push(Settled::Effect {
                row: effect.row.clone(),
                result: result.clone(),
                retry_at,
                tell,
            });
            if let Some(at) = retry_at {
                effect.row.attempts += 1;
                effect.told |= tell;
                self.effects.insert(id, effect);
                if probing {
                    // The destination's own gate decides; in front, because it has waited longest.
                    destination.ready.push_front(id);
                } else {
                    self.later.push(Reverse((at, Poke::Page(id))));
                }
            }
        }
        self.send_pages(name);
        settled
    }

    /// A page whose own wait is over joins its destination's queue again.
    fn page_again(&mut self, id: i64) {
        let Some(effect) = self.effects.get(&id) else {
            return;
        };
        let name = self.destination_of(&effect.row);
        self.destinations
            .entry(name.clone())
            .or_default()
            .ready
            .push_front(id);
        self.send_pages(&name);
    }

    fn show_done(
        &mut self,
        key: ShowKey,
        have: Seq,
        result: Result<(String, String), Fault>,
    ) -> Settled {
        let now = self.engine.now();
        let mut retry = None;
        if let Some(shown) = self.shows.get_mut(&key) {
            shown.busy = false;
            match &result {
                Ok((remote, _)) => {
                    (shown.row.have, shown.row.attempts) = (have, 0);
                    shown.row.remote.clone_from(remote);
                }
                Err(fault) => {
                    shown.row.attempts += 1;
                    retry = wait_ms(fault, shown.row.attempts, key.0.0).map(|ms| now.plus_ms(ms));
                    shown.row.due_at = retry.unwrap_or(Time::FAR);
                }
            }
            let behind = shown.row.want > shown.row.have;
            if behind {
                self.poke_at(retry.unwrap_or(now), Poke::Show(key.clone()));
            } else {
                self.shows.remove(&key);
            }
        }
        Settled::Show {
            key,
            have,
            result,
            retry_at: retry,
        }
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

impl Destination {
    /// The next request: one page, or, while the destination is behind, all that wait for the same contact.
    fn next(&mut self, effects: &HashMap<i64, Outgoing>) -> Option<Vec<i64>> {
        let first = loop {
            let id = self.ready.pop_front()?;
            // A withdrawn one may still be queued.
            if let Some(effect) = effects.get(&id) {
                break effect;
            }
        };
        let mut bundle = vec![first.row.id];
        if self.behind {
            let same =
                |e: &Outgoing| e.row.target == first.row.target && e.row.detail == first.row.detail;
            self.ready.retain(|id| {
                let joins = bundle.len() < BUNDLE && effects.get(id).is_some_and(same);
                if joins {
                    bundle.push(*id);
                }
                !joins
            });
        }
        Some(bundle)
    }

    fn learn(&mut self, result: &Result<(), Fault>, now: Time) {
        match result.as_ref().map_err(|f| f.retry) {
            Ok(()) => {
                (self.failures, self.behind) = (0, false);
                self.window = (self.window + 1).min(*WINDOW.end());
            }
            // It answered; it just does not want this one.
            Err(Retry::Never) => self.failures = 0,
            Err(Retry::AfterMs(ms)) => {
                (self.behind, self.window) = (true, *WINDOW.start());
                self.blocked_until = self.blocked_until.max(now.plus_ms(ms));
            }
            Err(Retry::Backoff) => {
                self.failures += 1;
                if self.failures >= FAILS_TO_PROBE {
                    (self.behind, self.window) = (true, *WINDOW.start());
                    let doublings = (self.failures - FAILS_TO_PROBE).min(3);
                    self.blocked_until = now.plus_ms((PROBE_MS / 8) << doublings);
                }
            }
        }
    }
}

fn room_key(row: &OutboxRow) -> String {
    match row.detail.strip_prefix("channel:") {
        Some(channel) => format!("{}:channel:{channel}", row.target),
        None => format!("{}:{}", row.target, row.incident.0),
    }
}

fn link(engine: &Engine, id: IncidentId) -> String {
    format!("{}/incidents/{}", engine.public_url(), id.0)
}

/// How long to wait before the next try; `None`: no more.
fn wait_ms(fault: &Fault, attempts: u32, seed: i64) -> Option<i64> {
    match fault.retry {
        Retry::Never => None,
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

async fn page(
    engine: &Engine,
    client: &reqwest::Client,
    contact: Option<ContactKind>,
    chat: Option<Arc<dyn Chat>>,
    pages: &[ToPage],
) -> Result<(), Fault> {
    let never = |why: String| Fault {
        why,
        retry: Retry::Never,
    };
    let directory = engine.directory();
    match contact {
        None => {
            let lost = pages
                .first()
                .map(|p| format!("{} has no contact {} any more", p.row.target, p.row.detail));
            Err(never(lost.unwrap_or_default()))
        }
        Some(ContactKind::Chat { platform }) => {
            let chat = chat.ok_or_else(|| never(format!("{platform} is not connected")))?;
            for ToPage { row, incident, why } in pages {
                let card = chat::card::card(
                    incident,
                    &directory,
                    engine.now(),
                    &link(engine, incident.id),
                );
                let text = chat::words::page_text(incident, &directory, why);
                chat.page(&row.target, &page_key(row), &card, &text).await?;
            }
            Ok(())
        }
        Some(ContactKind::Webhook { url }) => {
            let mut told = Vec::with_capacity(pages.len());
            for page in pages {
                told.push(told_by_webhook(engine, &directory, page).await);
            }
            notify::webhook::send(client, &url, &told, PAGE_TIMEOUT).await
        }
    }
}

fn page_key(row: &OutboxRow) -> String {
    format!("{}:{}:{}", row.incident.0, row.seq, row.n)
}

async fn told_by_webhook(engine: &Engine, directory: &Directory, page: &ToPage) -> notify::Page {
    let ToPage { row, incident, why } = page;
    notify::Page {
        key: page_key(row),
        incident: incident.id,
        title: incident.title.clone(),
        severity: directory.severity_name(incident.severity),
        status: incident.status.word().to_owned(),
        service: incident.service.clone(),
        person: row.target.clone(),
        person_name: directory.person_name(&row.target),
        why: why.clone(),
        url: link(engine, incident.id),
        at: row.created_at,
        alerts: alerts_told(engine, incident).await,
    }
}

/// The alerts a page names. One alert is in the incident itself; more are read, newest left out beyond the limit.
async fn alerts_told(engine: &Engine, incident: &Incident) -> Vec<notify::PagedAlert> {
    let own = || notify::PagedAlert {
        name: incident
            .labels
            .get("alertname")
            .cloned()
            .unwrap_or_default(),
        summary: incident.title.clone(),
        labels: incident.labels.clone(),
    };
    if incident.alerts <= 1 {
        return if incident.labels.is_empty() {
            Vec::new()
        } else {
            vec![own()]
        };
    }
    let query = AlertQuery {
        incident: Some(incident.id),
        firing: Some(true),
        limit: ALERTS_TOLD,
        ..AlertQuery::default()
    };
    // A page must leave even when the list of its alerts cannot be read.
    let rows = engine.store().alerts(&query).await.unwrap_or_default();
    rows.iter().filter_map(told_alert).collect()
}

fn told_alert(row: &crate::store::AlertRow) -> Option<notify::PagedAlert> {
    #[derive(serde::Deserialize)]
    struct Body {
        labels: Labels,
        annotations: Labels,
    }
    let body: Body = serde_json::from_str(&row.body).ok()?;
    let said = |name: &str| body.annotations.get(name).cloned();
    Some(notify::PagedAlert {
        name: body
            .labels
            .get("alertname")
            .cloned()
            .unwrap_or_else(|| row.fingerprint.clone()),
        summary: said("summary")
            .or_else(|| said("description"))
            .unwrap_or_default(),
        labels: body.labels,
    })
}

async fn say(
    engine: &Engine,
    chat: &dyn Chat,
    room: &RoomRef,
    row: &OutboxRow,
    incident: &Incident,
    record: Option<Record>,
    again: bool,
) -> Result<(), Fault> {
    let record = match record {
        Some(record) => record,
        None => {
            let journal = engine.store().journal(row.incident).await;
            let journal = journal.map_err(|e| Fault {
                why: e.to_string(),
                retry: Retry::Backoff,
            })?;
            let found = journal.into_iter().find(|r| r.seq == row.seq);
            found.ok_or_else(|| Fault {
                why: "its event is gone".to_owned(),
                retry: Retry::Never,
            })?
        }
    };
    let line: Option<Line> = chat::card::line(incident, &record, row.n);
    match line {
        Some(line) => chat.say(room, &line, again).await.map(|_| ()),
        None => Ok(()),
    }
}
