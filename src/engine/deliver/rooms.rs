//! Lines and surfaces on their way: lines once and in order per room, surfaces as they are now.

use super::{Deliver, Finished, Poke, SHOWN_KEPT_MS, link, retry_at, wait_ms};
use crate::chat::{self, Chat, Fault, Line, Retry, RoomRef};
use crate::core::id::Seq;
use crate::core::incident::{Incident, Record, Surface};
use crate::core::time::Time;
use crate::engine::Engine;
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
}

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

    pub(super) fn line_done(&mut self, id: i64, result: Result<(), Fault>) -> Option<Settled> {
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

    pub(super) fn show_done(
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
