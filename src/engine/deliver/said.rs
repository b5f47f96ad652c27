//! A line on its way: its words, the message it becomes, and messages of before whose words change.
//!
//! What was written on one platform is repeated on the others; when it is changed or taken back there,
//! the repetition is edited in place. Which message that is stands on the row of the line, and until the
//! row is written, here.

use super::link;
use crate::chat::{self, Chat, Fault, Line, Retry, RoomRef};
use crate::core::id::{Actor, IncidentId, Seq};
use crate::core::incident::{Event, Incident, Record};
use crate::engine::draft::GONE;
use crate::engine::{Engine, act};
use crate::store::{Lane, OutboxRow};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Lines remembered; longer than any commit takes.
const REMEMBERED: usize = 4096;

type Key = (IncidentId, Seq, String, String);

/// What lines became of late. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Said(Arc<Mutex<Late>>);

#[derive(Default)]
struct Late {
    known: HashMap<Key, String>,
    /// The oldest first.
    order: VecDeque<Key>,
}

impl Said {
    pub(super) fn remember(&self, row: &OutboxRow, remote: &str) {
        let key = key_of(row, row.seq);
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.known.insert(key.clone(), remote.to_owned());
        said.order.push_back(key);
        if said.order.len() > REMEMBERED
            && let Some(old) = said.order.pop_front()
        {
            said.known.remove(&old);
        }
    }

    fn find(&self, row: &OutboxRow, seq: Seq) -> Option<String> {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.known.get(&key_of(row, seq)).cloned()
    }
}

fn key_of(row: &OutboxRow, seq: Seq) -> Key {
    (row.incident, seq, row.target.clone(), row.detail.clone())
}

/// What is needed to say a line.
pub(super) struct Words<'a> {
    pub(super) engine: &'a Engine,
    pub(super) chat: &'a dyn Chat,
    pub(super) room: &'a RoomRef,
    pub(super) row: &'a OutboxRow,
    pub(super) incident: &'a Incident,
    pub(super) before: &'a Said,
}

impl Words<'_> {
    /// Says it; answers the room and message it became, or nothing when it changed another one.
    pub(super) async fn say(&self, record: Option<Record>, again: bool) -> Result<String, Fault> {
        let record = match record {
            Some(record) => record,
            None => self.recorded().await?,
        };
        if let Event::Redacted(gone) = &record.event {
            let done = self.remove(gone.seq, &gone.by, &gone.why).await;
            return done.map(|()| String::new());
        }
        let Some(mut line) = self.line(&record).await else {
            return Ok(String::new());
        };
        if let Event::Attached(_) = &record.event {
            let page = link(self.engine, self.incident.id);
            line.text = format!("{}: {page}/files/{}", line.text, record.seq);
        }
        if self.amend(&record, &line).await? {
            return Ok(String::new());
        }
        let message = self.chat.say(self.room, &line, again).await?;
        Ok(if message.is_empty() {
            message
        } else {
            format!("{} {message}", place(self.room))
        })
    }

    /// Its words here; what is private is not told where everybody reads.
    async fn line(&self, record: &Record) -> Option<Line> {
        // As it is now: it may have become private since the line was written.
        let newest = self.engine.incident(self.incident.id).await.ok().flatten();
        let private = newest.as_deref().unwrap_or(self.incident).nature.private;
        if private && matches!(self.room, RoomRef::Channel(_)) {
            return chat::card::line_outside(self.incident, record, self.row.n);
        }
        let directory = self.engine.directory();
        chat::card::line(self.incident, record, self.row.n, &directory)
    }

    /// Takes away what an event became here: lines of firebell's become a tombstone, and the message it
    /// was written as is deleted, where the platform lets firebell do that.
    async fn remove(&self, seq: Seq, by: &Actor, why: &str) -> Result<(), Fault> {
        let store = self.engine.store();
        let rows = store.deliveries(self.row.incident).await?;
        let mut lines = rows.into_iter().filter(|r| {
            r.lane == Lane::Say && r.seq == seq && r.target == self.row.target && r.detail != GONE
        });
        let mut failed = None;
        for row in lines.by_ref() {
            let known = self
                .before
                .find(&row, seq)
                .unwrap_or_else(|| row.remote.clone());
            let Some((place, message)) = known.rsplit_once(' ') else {
                continue;
            };
            let stone = Line {
                key: format!("{}:{seq}:{}", self.incident.id.0, row.n),
                incident: self.incident.id,
                seq,
                by: Actor::Firebell,
                text: format!("(removed for good by {}: {why})", by.name()),
                run: None,
                seen: String::new(),
            };
            let room = room_of(place);
            match self.chat.amend(&room, message, &stone).await {
                Err(fault) if fault.retry == Retry::Never => {
                    failed = self.chat.erase(&room, message).await.err().or(failed);
                }
                Err(fault) if fault.retry == Retry::Gone => {}
                done => done?,
            }
        }
        let journal = store.journal(self.row.incident).await?;
        let stood = journal.into_iter().find(|r| r.seq == seq).map(|r| r.event);
        if let Some(Event::RunEnded { run, .. } | Event::RunRehearsed { run, .. }) = stood {
            let newest = self.engine.incident(self.incident.id).await.ok().flatten();
            let incident = newest.as_deref().unwrap_or(self.incident);
            act::unshow(self.engine, self.chat, incident, run).await?;
        }
        if let Some(Event::Removed {
            platform, message, ..
        }) = stood
            && platform == self.row.target
            && !message.is_empty()
            && let Some(room) = self.room_then(&platform).await
        {
            match self.chat.erase(&room, &message).await {
                Err(fault) if fault.retry == Retry::Gone => {}
                Err(fault) => failed = Some(fault),
                Ok(()) => {}
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// The room people wrote in: the one that is there, or was put away.
    async fn room_then(&self, platform: &str) -> Option<RoomRef> {
        let newest = self.engine.incident(self.incident.id).await.ok().flatten();
        let incident = newest.as_deref().unwrap_or(self.incident);
        let shelved = incident.talk.shelved.get(platform);
        let room = incident.rooms.get(platform).or(shelved)?;
        Some(RoomRef::Room(room.clone()))
    }

    async fn recorded(&self) -> Result<Record, Fault> {
        let journal = self.engine.store().journal(self.row.incident).await?;
        let found = journal.into_iter().find(|r| r.seq == self.row.seq);
        found.ok_or_else(|| Fault {
            why: "its event is gone".to_owned(),
            retry: Retry::Never,
        })
    }

    /// Puts words that were changed or taken back in the place of those that were repeated here.
    async fn amend(&self, record: &Record, line: &Line) -> Result<bool, Fault> {
        let (Event::Reworded {
            platform, message, ..
        }
        | Event::Unsaid {
            platform, message, ..
        }) = &record.event
        else {
            return Ok(false);
        };
        let journal = self.engine.store().journal(self.row.incident).await?;
        let Some((seq, by)) = original(&journal, platform, message) else {
            return Ok(false);
        };
        let Some((n, remote)) = self.became(seq).await? else {
            return Ok(false);
        };
        // Of a room that is lost nothing can be changed.
        let here = place(self.room);
        let Some((_, id)) = remote.rsplit_once(' ').filter(|(r, _)| *r == here) else {
            return Ok(false);
        };
        let key = format!("{}:{seq}:{n}", self.incident.id.0);
        let Some(words) = chat::card::amended(record, (by, platform), key, line.clone()) else {
            return Ok(false);
        };
        match self.chat.amend(self.room, id, &words).await {
            Ok(()) => Ok(true),
            // Somebody deleted it, or it is too old to be edited: the new words stand below.
            Err(fault) if fault.retry == Retry::Never => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// The message an earlier line became here, and which of its event's lines it was.
    async fn became(&self, seq: Seq) -> Result<Option<(u32, String)>, Fault> {
        let rows = self.engine.store().deliveries(self.row.incident).await?;
        let row = rows.into_iter().find(|r| {
            r.lane == Lane::Say
                && r.seq == seq
                && r.target == self.row.target
                && r.detail == self.row.detail
        });
        Ok(row.and_then(|r| {
            let known = self.before.find(self.row, seq).unwrap_or(r.remote);
            (!known.is_empty()).then_some((r.n, known))
        }))
    }
}

/// A room or channel, as rows name it.
fn place(room: &RoomRef) -> String {
    match room {
        RoomRef::Room(id) => id.clone(),
        RoomRef::Channel(name) => format!("#{name}"),
        RoomRef::Person(id) => format!("@{id}"),
    }
}

fn room_of(place: &str) -> RoomRef {
    match (place.strip_prefix('#'), place.strip_prefix('@')) {
        (Some(name), _) => RoomRef::Channel(name.to_owned()),
        (_, Some(id)) => RoomRef::Person(id.to_owned()),
        _ => RoomRef::Room(place.to_owned()),
    }
}

/// The event that first told of a message, and who wrote it.
fn original<'j>(journal: &'j [Record], platform: &str, message: &str) -> Option<(Seq, &'j Actor)> {
    journal.iter().find_map(|r| match &r.event {
        Event::Spoke {
            by,
            platform: p,
            message: m,
            ..
        } if p == platform && m == message => Some((r.seq, by)),
        _ => None,
    })
}
