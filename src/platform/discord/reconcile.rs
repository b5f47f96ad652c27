//! After a session that began anew: what happened while nobody listened is read from REST.
//!
//! Everything goes through the ear with the keys live events have, so nothing counts twice. What
//! cannot be found out afterwards: messages that were deleted meanwhile.

use super::inbound::text;
use super::{Discord, lock};
use crate::core::id::IncidentId;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Messages in one page, Discord's most; and pages read of one room.
const PAGE: usize = 100;
const PAGES: usize = 10;
/// How often is looked whether the bot knows itself.
const LOOK: Duration = Duration::from_millis(200);

impl Discord {
    /// Looks through the rooms of all open incidents.
    pub(super) async fn reconcile(self: Arc<Self>) {
        // Without its own id the bot would take its own words for somebody's.
        while self.me().is_empty() {
            tokio::time::sleep(LOOK).await;
        }
        self.forget_channels();
        for incident in self.engine.open_incidents() {
            if let Some(room) = incident.rooms.get(self.name()) {
                self.read_room(incident.id, room).await;
            }
        }
    }

    async fn read_room(self: &Arc<Self>, incident: IncidentId, room: &str) {
        lock(&self.rooms).insert(room.to_owned());
        let mut after = lock(&self.seen).get(room).copied();
        for _ in 0..PAGES {
            let path = match after {
                Some(id) => format!("/channels/{room}/messages?limit={PAGE}&after={id}"),
                // Nothing is remembered: the newest page, of which the keys know what is old.
                None => format!("/channels/{room}/messages?limit={PAGE}"),
            };
            let mut page = match self.get(&path).await {
                Ok(page) => page.as_array().cloned().unwrap_or_default(),
                Err(refused) if refused.code == 10003 => {
                    return self.room_gone(incident, room).await;
                }
                Err(refused) => {
                    tracing::warn!(platform = self.name(), fault = %refused.fault, "a room could not be read after the connection was lost");
                    return;
                }
            };
            let full = page.len() == PAGE && after.is_some();
            page.sort_by_key(id_of);
            after = page.last().map(id_of).or(after);
            for message in page {
                self.read_again(message).await;
            }
            if !full {
                break;
            }
        }
        self.keep_pins(room).await;
    }

    async fn read_again(self: &Arc<Self>, mut message: Value) {
        message["guild_id"] = json!(self.settings.guild);
        let key = format!("msg:{}", text(&message, "id"));
        let known = self
            .engine
            .store()
            .was_heard(self.name(), &key)
            .await
            .unwrap_or(false);
        // What was not heard yet is heard with the words it has now.
        let kind = if known {
            "MESSAGE_UPDATE"
        } else {
            "MESSAGE_CREATE"
        };
        self.event(kind, &message).await;
    }
}

fn id_of(message: &Value) -> u64 {
    text(message, "id").parse().unwrap_or(0)
}
