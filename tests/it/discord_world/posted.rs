//! A message as a test holds it: a handle that always tells how it stands now.

use super::DiscordWorld;
use super::model::{Id, Message, Rung, list, text};
use super::shapes;
use serde_json::Value;
use std::fmt;

/// A message somebody posted; `PartialEq` is identity.
#[derive(Clone)]
pub struct Posted {
    world: DiscordWorld,
    id: Id,
}

impl fmt::Debug for Posted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {:?}", self.id, self.text())
    }
}

impl PartialEq for Posted {
    fn eq(&self, other: &Posted) -> bool {
        self.id == other.id
    }
}

impl Posted {
    pub fn new(world: &DiscordWorld, id: Id) -> Posted {
        Posted {
            world: world.clone(),
            id,
        }
    }

    fn look<T>(&self, look: impl FnOnce(&Message) -> T) -> T {
        self.world
            .shared
            .look(|state| look(&state.messages[&self.id]))
    }

    pub fn id(&self) -> Id {
        self.id
    }

    pub fn channel(&self) -> Id {
        self.look(|m| m.channel)
    }

    /// As REST gives it.
    pub fn json(&self) -> Value {
        self.world
            .shared
            .look(|state| shapes::message(state, &state.messages[&self.id]))
    }

    /// Content and embeds as one reads them, a piece a line.
    pub fn text(&self) -> String {
        self.look(Message::text)
    }

    pub fn has(&self, piece: &str) -> bool {
        self.text().contains(piece)
    }

    /// Only the one who asked sees it.
    pub fn ephemeral(&self) -> bool {
        self.look(Message::ephemeral)
    }

    pub fn gone(&self) -> bool {
        self.look(|m| m.deleted)
    }

    pub fn pinned(&self) -> bool {
        self.look(|m| m.pinned_ms.is_some())
    }

    pub fn edits(&self) -> usize {
        self.look(|m| m.before.len())
    }

    /// Whom it rang.
    pub fn rung(&self) -> Rung {
        self.look(|m| m.rung.clone())
    }

    /// Emoji on it, with who put them there.
    pub fn reactions(&self) -> Vec<(String, Id)> {
        self.look(|m| m.reactions.clone())
    }

    /// Buttons and menus, in order.
    pub fn parts(&self) -> Vec<Value> {
        self.look(|m| {
            let rows = list(&m.components).iter();
            rows.flat_map(|row| list(&row["components"]))
                .cloned()
                .collect()
        })
    }

    /// The labels of its buttons that can be pressed.
    pub fn buttons(&self) -> Vec<String> {
        let parts = self.parts();
        let live = parts
            .iter()
            .filter(|p| p["type"] == 2 && p["disabled"] != true);
        live.map(|p| text(&p["label"])).collect()
    }
}

impl DiscordWorld {
    /// Everything in a room that is still there, oldest first; nothing for a room that does not exist.
    pub fn messages(&self, channel: &str) -> Vec<Posted> {
        self.shared.look(|state| {
            let Some(room) = state.channel_named(channel) else {
                return Vec::new();
            };
            let here = state.messages_in(room);
            here.map(|m| Posted::new(self, m.id)).collect()
        })
    }

    /// Waits for a message with this in it; the room may still have to be made.
    pub async fn expect_message(&self, channel: &str, piece: &str) -> Posted {
        let what = format!("message with {piece:?} in {channel}");
        self.expect(&what, |world| {
            world.messages(channel).into_iter().find(|m| m.has(piece))
        })
        .await
    }

    /// Waits for a message that passes the test.
    pub async fn expect_message_where(
        &self,
        channel: &str,
        what: &str,
        test: impl Fn(&Posted) -> bool,
    ) -> Posted {
        self.expect(what, |world| {
            world.messages(channel).into_iter().find(&test)
        })
        .await
    }

    /// What is pinned in a room.
    pub fn pinned(&self, channel: &str) -> Vec<Posted> {
        let mut all = self.messages(channel);
        all.retain(Posted::pinned);
        all
    }

    /// Messages of the bot that rang somebody.
    pub fn rung(&self) -> Vec<Posted> {
        self.shared.look(|state| {
            let loud = state
                .messages
                .values()
                .filter(|m| m.author == state.bot && !m.rung.nobody());
            loud.map(|m| Posted::new(self, m.id)).collect()
        })
    }

    /// Fails when any message of the bot rang anybody.
    pub fn nobody_was_rung(&self) {
        let rung = self.rung();
        assert!(rung.is_empty(), "these rang somebody: {rung:?}");
    }
}
