//! Lines for channels and people that belong to no incident: said at least once, by a key that the platform
//! is asked for before one is said again.

use super::{Deliver, Finished, Poke, wait_ms};
use crate::chat::{Budget, Fault, Retry, RoomRef};
use crate::engine::outgoing::Settled;
use crate::store::{NoticeRow, PERSON, ROOM};

/// A line that could not be said for this long is given up, milliseconds.
const GIVE_UP_MS: i64 = 86_400_000;

/// Where a notice is said.
fn place(channel: &str) -> RoomRef {
    if let Some(person) = channel.strip_prefix(PERSON) {
        return RoomRef::Person(person.to_owned());
    }
    match channel.strip_prefix(ROOM) {
        Some(room) => RoomRef::Room(room.to_owned()),
        None => RoomRef::Channel(channel.to_owned()),
    }
}

impl Deliver {
    /// Takes one in, or takes back one that is not to be said any more. One that is on its way already
    /// stays as it is.
    pub(super) fn notice(&mut self, row: NoticeRow) {
        if row.state != "waiting" {
            self.notices.remove(&row.key);
            return;
        }
        let (key, due) = (row.key.clone(), row.due_at);
        self.notices.entry(key.clone()).or_insert(row);
        self.poke_at(due, Poke::Notice(key));
    }

    pub(super) fn send_notice(&mut self, key: &str) {
        let Some(row) = self.notices.get_mut(key).filter(|r| r.state == "waiting") else {
            return;
        };
        "sending".clone_into(&mut row.state);
        let (row, chat) = (row.clone(), self.chats.get(row.platform.as_str()).cloned());
        self.outside(async move {
            let place = place(&row.channel);
            let result = match chat {
                Some(chat) => {
                    chat.turn(Some(&place), Budget::Line).await;
                    chat.tell(&place, &row.key, &row.text, row.attempts > 0)
                        .await
                }
                None => Err(Fault {
                    why: format!("{} is not connected", row.platform),
                    retry: Retry::Never,
                }),
            };
            Finished::Notice {
                key: row.key,
                result,
            }
        });
    }

    pub(super) fn notice_done(&mut self, key: &str, result: Result<(), Fault>) -> Option<Settled> {
        let mut row = self.notices.remove(key)?;
        let now = self.engine.now();
        row.attempts += 1;
        "done".clone_into(&mut row.state);
        row.error = String::new();
        if let Err(fault) = result {
            let late = now.since_ms(row.created_at) > GIVE_UP_MS;
            let wait = wait_ms(&fault, row.attempts, row.created_at.0).filter(|_| !late);
            if wait.is_some() { "waiting" } else { "failed" }.clone_into(&mut row.state);
            row.error = fault.why;
            if let Some(ms) = wait {
                row.due_at = now.plus_ms(ms);
                self.notice(row.clone());
            } else {
                tracing::warn!(error = %row.error, key, "a line for a channel is given up");
            }
        }
        Some(Settled::Notice(row))
    }
}
