//! Files that came with messages, fetched beside the messages: a download may take as long as a platform
//! lets it, and nobody's words wait for that.
//!
//! Promises: files of a room are kept in the order they came, one after the other; of a platform few at
//! once; the act a file came with is marked as worked off when its last file is, so that a crash in
//! between fetches what is missing and nothing twice.

use super::act::Errand;
use super::ear::Ear;
use super::talk;
use crate::chat::heard::{Deed, Heard};
use crate::engine::Failure;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Files of a platform that are fetched at once; each may fill the memory up to `[rooms] file-bytes`.
const AT_ONCE: usize = 4;

/// Platform and room.
type Place = (String, String);

/// What waits to be fetched.
#[derive(Default)]
pub(super) struct Porter {
    /// A room is in it while somebody works for it.
    rooms: Mutex<HashMap<Place, VecDeque<(i64, Heard)>>>,
    /// By platform.
    slots: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Porter {
    /// Takes an act over; `true`: nobody works for its room yet.
    fn queue(&self, id: i64, heard: Heard) -> bool {
        let place = (heard.platform.clone(), heard.room.clone());
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = !rooms.contains_key(&place);
        rooms.entry(place).or_default().push_back((id, heard));
        idle
    }

    /// The next act of a room; `None`: there is none, and nobody works for the room any more.
    fn next(&self, place: &Place) -> Option<(i64, Heard)> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let next = rooms.get_mut(place).and_then(VecDeque::pop_front);
        if next.is_none() {
            rooms.remove(place);
        }
        next
    }

    fn slots(&self, platform: &str) -> Arc<Semaphore> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let of = slots.entry(platform.to_owned());
        of.or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)))
            .clone()
    }
}

/// Whether something came with a message.
pub(super) fn carries(heard: &Heard) -> bool {
    matches!(&heard.deed, Deed::Said { files, .. } if !files.is_empty())
}

impl Ear {
    /// Fetches what came with a message whose words are in the journal, and marks the act as worked off.
    pub(super) fn carry(&self, id: i64, heard: Heard) {
        self.0.at_work.send_modify(|n| *n += 1);
        let place = (heard.platform.clone(), heard.room.clone());
        if !self.0.porter.queue(id, heard) {
            return;
        }
        let ear = self.clone();
        crate::engine::spawn(async move {
            let slots = ear.0.porter.slots(&place.0);
            while let Some((id, heard)) = ear.0.porter.next(&place) {
                // The semaphore is never closed.
                let slot = slots.acquire().await;
                ear.fetch(id, &heard).await;
                drop(slot);
                ear.0.at_work.send_modify(|n| *n -= 1);
            }
        });
    }

    async fn fetch(&self, id: i64, heard: &Heard) {
        let Some(voice) = self.0.voices.get(&heard.platform).cloned() else {
            self.done(id, "failed").await;
            return;
        };
        let errand = Errand::of(&self.0, voice.as_ref(), heard);
        match talk::files(&errand).await {
            Ok(()) => self.done(id, "done").await,
            Err(Failure::Refused(refusal)) => {
                tracing::debug!(heard.id = id, %refusal, "a file was refused");
                self.done(id, "done").await;
            }
            // What is missing is fetched at the next start.
            Err(Failure::Unavailable(why)) => {
                tracing::warn!(heard.id = id, %why, "files could not be kept yet");
            }
        }
    }
}
