//! What becomes of a room's surfaces when the room is lost, or when somebody asks for another try.

use super::Draft;
use crate::core::id::IncidentId;
use crate::core::incident::{Event, Surface, THE_ROOM};
use crate::engine::memory::{Memory, ShowKey};

impl Draft {
    /// Somebody asked for another try: it is made now.
    pub(super) fn hurry(&mut self, memory: &mut Memory, id: IncidentId, surface: Surface) {
        let keys: Vec<ShowKey> = memory.shows_of(id).map(|(key, _)| key.clone()).collect();
        for key in keys.into_iter().filter(|k| k.2 == surface.word()) {
            if let Some(row) = memory.shows.get_mut(&key) {
                (row.attempts, row.due_at) = (0, self.now);
                row.error.clear();
                self.changes.shows.insert(key, row.clone());
            }
        }
    }

    /// A room that is lost is made anew, and nothing of the old one is known of the new one. So is the
    /// room of an incident that had a thread, and what was everybody's when the incident becomes private.
    pub(super) fn lose_room(&mut self, memory: &mut Memory, id: IncidentId, event: &Event) {
        let lost = match event {
            Event::PlaceFailed {
                platform, place, ..
            } if place == THE_ROOM => Some(platform),
            Event::Promoted { .. } | Event::Hidden(_) => None,
            _ => return,
        };
        let in_room = |key: &ShowKey| {
            let there = key.2 == Surface::Room.word()
                || Surface::parse(&key.2).is_some_and(Surface::in_the_room);
            key.0 == id && lost.is_none_or(|platform| key.1 == *platform) && there
        };
        let keys: Vec<ShowKey> = memory.shows_of(id).map(|(key, _)| key.clone()).collect();
        for key in keys.into_iter().filter(in_room) {
            if let Some(row) = memory.shows.get_mut(&key) {
                (row.remote, row.have, row.attempts) = (String::new(), 0, 0);
                row.due_at = self.now;
                self.changes.shows.insert(key.clone(), row.clone());
                self.behind.insert(key);
            }
        }
    }
}
