//! What an incident's rooms are about: how they are planned, put away and opened again, what of their
//! messages stands on the timeline, and the files that came with them.
//!
//! Promises: a deadline at which rooms are put away is data like any other; a message is on the timeline
//! once, whoever marks it however often, and whoever marked it can take that back; nothing about a file
//! that was not kept is silent.

use super::command::{Refusal, Scene};
use super::event::Event;
use super::{Incident, Record, Status, THE_ROOM};
use crate::core::id::{Actor, Platform, Seq, Severity};
use crate::core::text::{self, count};
use crate::core::time::{Time, human_ms};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Characters of a title; the same as at the opening.
const TITLE_CHARS: usize = 300;

/// How the rooms of an incident are to be, frozen at its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomPlan {
    /// While it has no room it is talked about in a thread below its card.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub thread: bool,
    /// Its rooms are archived this long after its end, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_after_ms: Option<i64>,
}

/// It is called something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retitled {
    /// Who said so.
    pub by: Actor,
    /// Before.
    pub from: String,
    /// Now.
    pub title: String,
}

/// Its rooms are put away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutAway {
    /// Who.
    pub by: Actor,
    /// Why.
    pub why: String,
}

/// A room was put away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShelvedRoom {
    /// Where.
    pub platform: Platform,
    /// The platform's id of the room.
    pub room: String,
}

/// A message was taken off the timeline again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unkept {
    /// Who.
    pub by: Actor,
    /// The event that had put it there.
    pub seq: u32,
    /// In which way.
    pub how: String,
}

/// The message another one answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The platform's id of it.
    pub message: String,
    /// Seq of the event that tells it; absent: nobody told firebell of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// Who wrote it, as far as it is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// A message that was put on the timeline with its own time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptMessage {
    /// Who put it there.
    pub by: Actor,
    /// Where it was written.
    pub platform: Platform,
    /// The platform's id of it.
    pub message: String,
    /// Its words then.
    pub text: String,
    /// Who wrote it, by name; empty: nobody knows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// When it was written.
    pub written_at: Time,
    /// `pinned`, `marked with :pushpin:`, `added by shortcut`.
    pub how: String,
}

/// A file that came with a message and was kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptFile {
    /// Who sent it.
    pub by: Actor,
    /// Where.
    pub platform: Platform,
    /// The platform's id of the message it came with.
    pub message: String,
    /// Its name, without anything that means something to a path, a header or a browser.
    pub name: String,
    /// What it is by its first bytes: `image/png`, `application/octet-stream`.
    pub kind: String,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 in hex: where its content is.
    pub sha256: String,
}

/// A file that came with a message and was not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusedFile {
    /// Who sent it.
    pub by: Actor,
    /// Where.
    pub platform: Platform,
    /// The platform's id of the message it came with.
    pub message: String,
    /// Its name.
    pub name: String,
    /// In words.
    pub why: String,
}

/// What is asked about rooms and what is said in them.
#[derive(Clone, Debug)]
pub enum Talk {
    /// Give it another title.
    Retitle {
        /// Who.
        by: Actor,
        /// The new one.
        title: String,
    },
    /// Put its rooms away now.
    Archive {
        /// Who.
        by: Actor,
    },
    /// The room was put away.
    Shelved {
        /// Where.
        platform: Platform,
        /// The platform's id of it.
        room: String,
    },
    /// Try again what failed of its rooms.
    Retry {
        /// Who.
        by: Actor,
    },
    /// Put a message on the timeline.
    Keep(Box<KeptMessage>),
    /// Take that back.
    Unkeep {
        /// Who.
        by: Actor,
        /// Where.
        platform: Platform,
        /// The platform's id of the message.
        message: String,
        /// The way it was put there.
        how: String,
    },
    /// A file was kept.
    Attach(Box<KeptFile>),
    /// A file was not.
    Refuse(Box<RefusedFile>),
}

/// Who put a message on the timeline, by which event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// The event.
    pub seq: Seq,
    /// Who.
    pub by: Actor,
    /// In which way.
    pub how: String,
}

/// What an incident knows of its rooms besides where they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rooms {
    /// How they are to be.
    pub plan: RoomPlan,
    /// They are put away, or about to be.
    pub archived: bool,
    /// Rooms that were put away, by platform.
    pub shelved: BTreeMap<Platform, String>,
    /// Messages on the timeline, by platform and id.
    pub kept: BTreeMap<(Platform, String), Mark>,
    /// Bytes of the files that were kept.
    pub file_bytes: u64,
    /// What failed and was not done since, by platform and place, and why.
    pub trouble: BTreeMap<(Platform, String), String>,
}

impl Incident {
    /// Whether it has, or is about to have, a place to be talked about on each platform.
    #[must_use]
    pub fn talks(&self) -> bool {
        self.major || self.threads()
    }

    /// Whether that place is a thread below its card.
    #[must_use]
    pub fn threads(&self) -> bool {
        let own = self.major || self.nature.private;
        self.talk.plan.thread && !own && self.channel.is_some()
    }

    /// When its rooms are put away unless it is opened again.
    #[must_use]
    pub fn archives_at(&self) -> Option<Time> {
        let after = self.talk.plan.archive_after_ms?;
        let over = self.status == Status::Resolved && !self.talk.archived && self.talks();
        self.resolved_at
            .filter(|_| over)
            .map(|at| at.plus_ms(after))
    }
}

/// How the rooms of an incident that is opened now are to be; `None`: nothing is said of it.
pub(super) fn planned(
    scene: &Scene<'_>,
    severity: Severity,
    service: Option<&str>,
    private: bool,
) -> Option<Event> {
    let rules = &scene.directory.rooms;
    let plan = RoomPlan {
        // A thread stands where everybody reads.
        thread: !private && rules.threaded(severity, service),
        archive_after_ms: rules.archive_after_ms,
    };
    (plan != RoomPlan::default()).then_some(Event::RoomPlanned(plan))
}

/// What time brings.
pub(super) fn due(incident: &Incident, scene: &Scene<'_>) -> Option<Event> {
    incident.archives_at().filter(|at| *at <= scene.now)?;
    let ms = incident.talk.plan.archive_after_ms.unwrap_or_default();
    Some(Event::Archived(PutAway {
        by: Actor::Firebell,
        why: format!("resolved for {}", human_ms(ms)),
    }))
}

pub(super) fn decide(
    incident: &Incident,
    scene: &Scene<'_>,
    talk: Talk,
) -> Result<Vec<Event>, Refusal> {
    match talk {
        Talk::Retitle { by, title } => retitle(incident, by, &title),
        Talk::Archive { by } => archive(incident, by),
        Talk::Shelved { platform, room } => shelved(incident, platform, room),
        Talk::Retry { by } => retry(incident, by),
        Talk::Keep(kept) => keep(incident, scene, *kept),
        Talk::Unkeep {
            by,
            platform,
            message,
            how,
        } => unkeep(incident, by, &(platform, message), &how),
        Talk::Attach(file) => Ok(vec![Event::Attached(file)]),
        Talk::Refuse(file) => Ok(vec![Event::FileRefused(file)]),
    }
}

fn nothing(what: &str) -> Refusal {
    Refusal::NothingToDo {
        what: what.to_owned(),
    }
}

fn retitle(incident: &Incident, by: Actor, title: &str) -> Result<Vec<Event>, Refusal> {
    let title = text::cut(title.trim(), TITLE_CHARS);
    if title.is_empty() {
        return Err(Refusal::Invalid {
            why: "A title needs words: `rename #42 checkout is slow in the EU`.".to_owned(),
        });
    }
    if title == incident.title {
        return Err(nothing("It is called so already."));
    }
    Ok(vec![Event::Retitled(Retitled {
        by,
        from: incident.title.clone(),
        title,
    })])
}

fn archive(incident: &Incident, by: Actor) -> Result<Vec<Event>, Refusal> {
    if incident.is_open() {
        return Err(Refusal::Invalid {
            why: "Its rooms are in use: resolve it first.".to_owned(),
        });
    }
    if incident.talk.archived {
        return Err(nothing("Its rooms are archived already."));
    }
    if !incident.talks() {
        return Err(nothing("It has no room."));
    }
    Ok(vec![Event::Archived(PutAway {
        by,
        why: "asked for by hand".to_owned(),
    })])
}

fn shelved(incident: &Incident, platform: Platform, room: String) -> Result<Vec<Event>, Refusal> {
    if incident.rooms.get(&platform) != Some(&room) {
        return Err(nothing("That room is not in use."));
    }
    Ok(vec![Event::RoomShelved(ShelvedRoom { platform, room })])
}

fn retry(incident: &Incident, by: Actor) -> Result<Vec<Event>, Refusal> {
    if incident.talk.trouble.is_empty() {
        return Err(nothing("Nothing about its rooms failed."));
    }
    Ok(vec![Event::RoomRetried { by }])
}

fn keep(
    incident: &Incident,
    scene: &Scene<'_>,
    mut kept: KeptMessage,
) -> Result<Vec<Event>, Refusal> {
    if kept.text.trim().is_empty() {
        return Err(Refusal::Invalid {
            why: "That message has no words to put on the timeline.".to_owned(),
        });
    }
    let place = (kept.platform.clone(), kept.message.clone());
    if let Some(mark) = incident.talk.kept.get(&place) {
        return Err(Refusal::NothingToDo {
            what: format!(
                "{} has put that message on the timeline already.",
                mark.by.name()
            ),
        });
    }
    kept.written_at = kept.written_at.min(scene.now);
    Ok(vec![Event::Kept(Box::new(kept))])
}

fn unkeep(
    incident: &Incident,
    by: Actor,
    place: &(Platform, String),
    how: &str,
) -> Result<Vec<Event>, Refusal> {
    let Some(mark) = incident.talk.kept.get(place) else {
        return Err(nothing("That message is not on the timeline."));
    };
    // Somebody else's mark stays, and so does one that was made in another way too.
    if !mark.by.same(&by) || mark.how != how {
        return Err(Refusal::NothingToDo {
            what: format!(
                "It stays on the timeline: {} has put it there ({}).",
                mark.by.name(),
                mark.how
            ),
        });
    }
    Ok(vec![Event::Unkept(Unkept {
        by,
        seq: mark.seq,
        how: mark.how.clone(),
    })])
}

/// What of the rooms a fact changes.
pub(super) fn evolve(incident: &mut Incident, record: &Record) {
    match &record.event {
        Event::RoomPlanned(plan) => incident.talk.plan = *plan,
        // It gets a room, which is another place than its thread.
        Event::Promoted { .. } if incident.threads() => incident.rooms.clear(),
        Event::Retitled(e) => incident.title.clone_from(&e.title),
        Event::Archived { .. } => incident.talk.archived = true,
        Event::Reopened { .. } => incident.talk.archived = false,
        Event::RoomShelved(e) => {
            incident.rooms.remove(&e.platform);
            (incident.talk.shelved).insert(e.platform.clone(), e.room.clone());
        }
        // What everybody could read is not taken out again.
        Event::Hidden(_) => incident.talk.shelved.clear(),
        Event::RoomOpened { platform, .. } => {
            incident.talk.shelved.remove(platform);
            (incident.talk.trouble).remove(&(platform.clone(), THE_ROOM.to_owned()));
        }
        Event::RoomFailed { platform, why } => {
            let place = (platform.clone(), THE_ROOM.to_owned());
            incident.talk.trouble.insert(place, why.clone());
        }
        Event::PlaceFailed {
            platform,
            place,
            why,
        } if !passing(place) => {
            let place = (platform.clone(), place.clone());
            incident.talk.trouble.insert(place, why.clone());
        }
        Event::RoomRetried { .. } => {
            incident.talk.trouble.clear();
            incident.closed.clear();
            incident.rooms_lost.clear();
        }
        Event::Kept(kept) => {
            let mark = Mark {
                seq: record.seq,
                by: kept.by.clone(),
                how: kept.how.clone(),
            };
            let place = (kept.platform.clone(), kept.message.clone());
            incident.talk.kept.insert(place, mark);
        }
        Event::Unkept(e) => incident.talk.kept.retain(|_, mark| mark.seq != e.seq),
        Event::Attached(file) => {
            incident.talk.file_bytes = incident.talk.file_bytes.saturating_add(file.bytes);
        }
        _ => {}
    }
}

/// A line, a message that is to go, a channel: another try of the rooms does nothing about it.
fn passing(place: &str) -> bool {
    place.starts_with('#') || [A_LINE, A_REMOVED_MESSAGE].contains(&place)
}

/// A line that cannot be said, among the places of an incident.
pub const A_LINE: &str = "a line of the room";
/// A message that cannot be taken away, among the places of an incident.
pub const A_REMOVED_MESSAGE: &str = "a message that was removed";

/// `1 file`, for sentences: a name and how much it is.
#[must_use]
pub fn file_words(name: &str, kind: &str, bytes: u64) -> String {
    format!("{name} ({kind}, {})", size(bytes))
}

/// `900 bytes`, `12 kB`, `3.4 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => count(usize::try_from(bytes).unwrap_or(0), "byte"),
        1000..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
#[path = "talk/tests.rs"]
mod tests;
