//! Lines and surfaces on their way: lines once and in order per room, surfaces as they are now.

use super::{Deliver, Finished, Poke, SHOWN_KEPT_MS, link, retry_at, said, wait_ms};
use crate::chat::{self, Budget, Card, Chat, Fault, Retry, RoomRef};
use crate::core::id::Seq;
use crate::core::incident::{Incident, Surface};
use crate::core::time::Time;
use crate::engine::Engine;
use crate::engine::draft::GONE;
use crate::engine::memory::ShowKey;
use crate::engine::outgoing::Settled;
use crate::store::{OutboxRow, ShowRow};
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Lines {
    pub(super) waiting: VecDeque<i64>,
    pub(super) busy: bool,
    pub(super) blocked_until: Time,
}

pub(super) struct Surfaced {
    pub(super) row: ShowRow,
    pub(super) incident: Arc<Incident>,
    pub(super) busy: bool,
    /// An earlier try may have succeeded.
    pub(super) unsure: bool,
}

/// What came of showing a surface: the platform's id, and for a room its name.
pub(super) type Shown = (String, String);

/// Surfaces that wait for the room.
pub(super) const IN_THE_ROOM: [Surface; 8] = [
    Surface::RoomCard,
    Surface::Topic,
    Surface::Crew,
    Surface::Fixtures,
    Surface::Links,
    Surface::Name,
    Surface::Shelf,
    Surface::Board,
];

/// One surface to be brought up to date.
struct Errand {
    surface: Surface,
    room: Option<String>,
    incident: Arc<Incident>,
    have: Seq,
    remote: String,
    again: bool,
}

impl Errand {
    /// Waits its turn, draws the newest state and shows it. Answers the seq that is visible.
    async fn run(mut self, engine: &Engine, chat: &dyn Chat) -> Result<(Seq, Shown), Fault> {
        let place = match self.surface {
            Surface::ChannelCard => self.incident.channel.clone().map(RoomRef::Channel),
            Surface::Digest => {
                let directory = engine.directory();
                let channel = directory.rooms.announced(&self.incident);
                channel.map(|c| RoomRef::Channel(c.to_owned()))
            }
            Surface::Room => None,
            _ => self.room.clone().map(RoomRef::Room),
        };
        chat.turn(place.as_ref(), Budget::Card).await;
        if let Ok(Some(newest)) = engine.incident(self.incident.id).await
            && newest.seq > self.have
        {
            (self.have, self.incident) = (newest.seq, newest);
        }
        let shown = self.show(engine, chat, place).await?;
        Ok((self.have, shown))
    }

    async fn show(
        &self,
        engine: &Engine,
        chat: &dyn Chat,
        place: Option<RoomRef>,
    ) -> Result<Shown, Fault> {
        let incident = &self.incident;
        let directory = engine.directory();
        let unnamed = |id: String| (id, String::new());
        let room = self.room.as_deref().unwrap_or_default();
        match self.surface {
            Surface::Room => self.open(engine, chat).await,
            Surface::RoomCard | Surface::ChannelCard | Surface::Digest => {
                let Some(place) = place else {
                    // The incident has lost its channel; there is nothing to keep up to date.
                    return Ok((self.remote.clone(), String::new()));
                };
                let outside = self.surface != Surface::RoomCard;
                let mut card = match incident.nature.private && outside {
                    // It never stood there.
                    true if self.remote.is_empty() => return Ok(unnamed(String::new())),
                    true => chat::card::veiled(incident, &link(engine, incident.id)),
                    false => self.draw(engine),
                };
                if self.surface == Surface::Digest && !incident.nature.private {
                    let name = directory.rooms.name.room_name(incident, &directory);
                    card = chat::card::digest(card, Some(&name));
                }
                let shown = chat.show(&place, &card, &self.remote, self.again).await;
                shown.map(unnamed)
            }
            Surface::Board => {
                let Some(place) = place else {
                    return Ok(unnamed(self.remote.clone()));
                };
                let url = link(engine, incident.id);
                let board = chat::board::board(incident, &directory, &url);
                let shown = chat.board(&place, &board, &self.remote, self.again).await;
                shown.map(unnamed)
            }
            Surface::Topic => {
                let topic = chat::card::topic(incident, &directory);
                if topic != self.remote {
                    chat.topic(room, &topic).await?;
                }
                Ok(unnamed(topic))
            }
            Surface::Crew => self.crew(engine, chat, room).await,
            Surface::Fixtures => {
                let card = self.card(engine, chat, Surface::RoomCard).await?;
                chat.pin(room, &card).await?;
                Ok(unnamed(card))
            }
            Surface::Links => {
                let links = chat::card::links(incident, &directory, &link(engine, incident.id));
                let all: Vec<&str> = links.iter().map(|(_, to)| to.as_str()).collect();
                let all = all.join(" ");
                if all != self.remote {
                    chat.links(room, &links).await?;
                }
                Ok(unnamed(all))
            }
            Surface::Name => {
                let name = directory.rooms.name.room_name(incident, &directory);
                // It was made with the name it had then.
                if !self.remote.is_empty() && name != self.remote {
                    chat.rename(room, &name).await?;
                }
                Ok(unnamed(name))
            }
            Surface::Shelf if incident.talk.archived => {
                chat.shelve(room).await?;
                Ok(unnamed(room.to_owned()))
            }
            // It was opened again meanwhile.
            Surface::Shelf => Ok(unnamed(String::new())),
        }
    }

    fn draw(&self, engine: &Engine) -> Card {
        let url = link(engine, self.incident.id);
        chat::card::card(&self.incident, &engine.directory(), engine.now(), &url)
    }

    /// Makes the room, takes out the one that was put away, or opens a thread below the card.
    async fn open(&self, engine: &Engine, chat: &dyn Chat) -> Result<Shown, Fault> {
        let (incident, directory) = (&self.incident, engine.directory());
        let name = directory.rooms.name.room_name(incident, &directory);
        let card = self.draw(engine);
        if let Some(shelved) = incident.talk.shelved.get(chat.platform()) {
            match chat.unshelve(shelved, &card, &name).await {
                Err(fault) if fault.retry == Retry::Gone => {}
                done => return done,
            }
        }
        if incident.threads()
            && let Some(channel) = incident.channel.clone()
        {
            let message = self.card(engine, chat, Surface::ChannelCard).await?;
            let channel = RoomRef::Channel(channel);
            return chat.thread(&channel, &message, &card, &name).await;
        }
        chat.open_room(&card, &name).await
    }

    /// Brings in whoever is not there yet; who could not come is told behind it.
    async fn crew(&self, engine: &Engine, chat: &dyn Chat, room: &str) -> Result<Shown, Fault> {
        let crew = crate::core::rooms::crew(&self.incident, &engine.directory(), engine.now());
        let there: Vec<&str> = self.remote.split(' ').collect();
        let missing: Vec<String> = (crew.iter())
            .filter(|p| !there.contains(&p.as_str()))
            .cloned()
            .collect();
        let mut left_out = Vec::new();
        if !missing.is_empty() {
            let private = self.incident.nature.private;
            left_out = chat.invite(room, &missing, private).await?;
        }
        Ok((crew.join(" "), left_out.join("; ")))
    }

    /// The message of a card, which may not be there yet.
    async fn card(
        &self,
        engine: &Engine,
        chat: &dyn Chat,
        surface: Surface,
    ) -> Result<String, Fault> {
        let shows = engine.store().shows(self.incident.id).await?;
        let card = (shows.into_iter())
            .find(|s| s.platform == chat.platform() && s.surface == surface.word());
        match card.map(|s| s.remote).filter(|remote| !remote.is_empty()) {
            Some(remote) => Ok(remote),
            None => Err(Fault {
                why: "the card is not there yet".to_owned(),
                retry: Retry::AfterMs(CARD_WAIT_MS),
            }),
        }
    }
}

/// How long a line waits for another room before it looks again, milliseconds.
const NEW_ROOM_MS: i64 = 5000;
/// How long the things pinned in a room wait for its card to be looked for again, milliseconds.
const CARD_WAIT_MS: i64 = 1000;

impl Deliver {
    pub(super) fn send_line(&mut self, name: &str) {
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
                // What goes is looked for where it was said.
                None if row.detail == GONE => RoomRef::Channel(String::new()),
                // The room is not there yet; its coming pokes this queue.
                None => return,
            },
        };
        lines.busy = true;
        let (incident, record, again) = (
            effect.incident.clone(),
            effect.record.clone(),
            effect.interrupted,
        );
        let (engine, adapter) = (
            self.engine.clone(),
            self.chats.get(row.target.as_str()).cloned(),
        );
        let before = self.said.clone();
        self.outside(async move {
            let result = match adapter {
                Some(chat) => {
                    if row.detail != GONE {
                        chat.turn(Some(&room), Budget::Line).await;
                    }
                    let words = said::Words {
                        engine: &engine,
                        chat: chat.as_ref(),
                        room: &room,
                        row: &row,
                        incident: &incident,
                        before: &before,
                    };
                    words.say(record, again).await
                }
                None => Err(Fault {
                    why: format!("{} is not connected", row.target),
                    retry: Retry::Never,
                }),
            };
            Finished::Line { id, result }
        });
    }

    pub(super) fn line_done(&mut self, id: i64, result: Result<String, Fault>) -> Option<Settled> {
        let mut effect = self.effects.remove(&id)?;
        let result = result.map(|remote| {
            if !remote.is_empty() {
                self.said.remember(&effect.row, &remote);
            }
            effect.row.remote = remote;
        });
        let now = self.engine.now();
        effect.row.attempts += 1;
        // A call that ended without an answer may have been carried out: every later try looks first.
        effect.interrupted |= matches!(&result, Err(fault) if fault.retry == Retry::Backoff);
        let gone = matches!(&result, Err(fault) if fault.retry == Retry::Gone);
        let in_room = !effect.row.detail.starts_with("channel:") && effect.row.detail != GONE;
        let retry_at = match result.as_ref().err() {
            // It goes to the room that is made in place of the lost one.
            Some(_) if gone && in_room => Some(now.plus_ms(NEW_ROOM_MS)),
            Some(fault) => retry_at(fault, &effect.row, now),
            None => None,
        };
        let tell = result.is_err() && (gone || retry_at.is_none());
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
            tell,
            ledger: Vec::new(),
        })
    }

    pub(super) fn send_show(&mut self, key: &ShowKey) {
        let Some(shown) = self.shows.get_mut(key) else {
            return;
        };
        if shown.busy {
            return;
        }
        if shown.row.want <= shown.row.have {
            self.shows.remove(key);
            return;
        }
        if shown.row.due_at > self.engine.now() {
            return;
        }
        let Some(surface) = Surface::parse(&key.2) else {
            return;
        };
        let room = self.known_rooms.get(&(key.0, key.1.clone())).cloned();
        if room.is_none() && IN_THE_ROOM.contains(&surface) {
            // Its coming pokes this surface.
            return;
        }
        let lines = self.rooms.get(&format!("{}:{}", key.1, key.0.0));
        if surface == Surface::Shelf && lines.is_some_and(|l| l.busy || !l.waiting.is_empty()) {
            // What is still to be said in it comes first.
            let at = self.engine.now().plus_ms(NEW_ROOM_MS);
            self.later.push(Reverse((at, Poke::Show(key.clone()))));
            return;
        }
        shown.busy = true;
        let errand = Errand {
            surface,
            room,
            incident: shown.incident.clone(),
            have: shown.row.want,
            remote: shown.row.remote.clone(),
            again: shown.unsure,
        };
        let (engine, chat, key) = (
            self.engine.clone(),
            self.chats.get(key.1.as_str()).cloned(),
            key.clone(),
        );
        self.outside(async move {
            let before = errand.have;
            let done = match chat {
                Some(chat) => errand.run(&engine, chat.as_ref()).await,
                None => Err(Fault {
                    why: format!("{} is not connected", key.1),
                    retry: Retry::Never,
                }),
            };
            let (have, result) = match done {
                Ok((have, shown)) => (have, Ok(shown)),
                Err(fault) => (before, Err(fault)),
            };
            Finished::Show { key, have, result }
        });
    }

    pub(super) fn show_done(
        &mut self,
        key: ShowKey,
        have: Seq,
        result: Result<Shown, Fault>,
    ) -> Settled {
        let now = self.engine.now();
        let mut retry = None;
        if let Some(shown) = self.shows.get_mut(&key) {
            shown.busy = false;
            match &result {
                Ok((remote, _)) => {
                    shown.unsure = false;
                    (shown.row.have, shown.row.attempts) = (have, 0);
                    shown.row.remote.clone_from(remote);
                }
                Err(fault) => {
                    // A call that ended without an answer may have been carried out, whatever the
                    // next one is told.
                    shown.unsure |= fault.retry == Retry::Backoff;
                    shown.row.attempts += 1;
                    retry = wait_ms(fault, shown.row.attempts, key.0.0).map(|ms| now.plus_ms(ms));
                    shown.row.due_at = retry.unwrap_or(Time::FAR);
                }
            }
            let behind = shown.row.want > shown.row.have;
            if behind {
                self.poke_at(retry.unwrap_or(now), Poke::Show(key.clone()));
            } else {
                // The desk may not have heard of it when it asks again; see `surface`.
                let at = now.plus_ms(SHOWN_KEPT_MS);
                self.later.push(Reverse((at, Poke::Show(key.clone()))));
            }
        }
        Settled::Show {
            key,
            have,
            result,
            retry_at: retry,
        }
    }
}

pub(super) fn room_key(row: &OutboxRow) -> String {
    match row.detail.strip_prefix("channel:") {
        Some(channel) => format!("{}:channel:{channel}", row.target),
        None => format!("{}:{}", row.target, row.incident.0),
    }
}
