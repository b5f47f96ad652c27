//! What came of deliveries: their rows, and what the journal is told.

use super::Desk;
use crate::chat::{Fault, Retry};
use crate::core::incident::{A_LINE, A_REMOVED_MESSAGE, Command, Surface, THE_ROOM, Talk};
use crate::core::time::Time;
use crate::engine::Counter;
use crate::engine::draft::{Draft, GONE};
use crate::engine::memory::ShowKey;
use crate::engine::outgoing::Settled;
use crate::store::{AttemptRow, Delivery, Lane, OutboxChange, OutboxRow, RINGING};

impl Desk {
    pub(super) async fn settled(&mut self, draft: &mut Draft, settled: Settled) {
        match settled {
            Settled::Notice(row) => {
                draft.changes.notices.insert(row.key.clone(), row);
            }
            Settled::Claim { row } => mark(
                draft,
                &row,
                Delivery::Sending,
                row.attempts + 1,
                row.due_at,
                String::new(),
            ),
            Settled::Effect {
                row,
                result,
                retry_at,
                tell,
                ledger,
            } => {
                let via = self.keep_ledger(draft, ledger);
                self.effect_settled(draft, row, (result, via), retry_at, tell)
                    .await;
            }
            Settled::Show {
                key,
                have,
                result,
                retry_at,
            } => {
                let id = key.0;
                if self.load(id).await.is_err() {
                    return;
                }
                let Some(memory) = &mut self.memory else {
                    return;
                };
                let Some(show) = memory.shows.get_mut(&key) else {
                    return;
                };
                let command = match &result {
                    Ok((remote, note)) => {
                        (show.have, show.attempts, show.error) = (have, 0, String::new());
                        show.remote.clone_from(remote);
                        match Surface::parse(&key.2) {
                            Some(Surface::Room) => Some(Command::RoomReady {
                                platform: key.1.clone(),
                                room: remote.clone(),
                                name: note.clone(),
                            }),
                            Some(Surface::Shelf) if !remote.is_empty() => {
                                Some(Command::Talk(Box::new(Talk::Shelved {
                                    platform: key.1.clone(),
                                    room: remote.clone(),
                                })))
                            }
                            // Done as far as it goes; what is missing stays on the row.
                            _ => {
                                show.error.clone_from(note);
                                None
                            }
                        }
                    }
                    Err(fault) => {
                        let first = show.attempts == 0;
                        (show.attempts, show.error) = (show.attempts + 1, fault.why.clone());
                        match retry_at {
                            Some(at) => show.due_at = at,
                            // Given up: it is not behind any more, and the reason stays on the row.
                            None => show.have = show.want,
                        }
                        let gone = retry_at.is_none();
                        match Surface::parse(&key.2) {
                            Some(Surface::Room) if first || gone => Some(Command::RoomFailed {
                                platform: key.1.clone(),
                                why: fault.why.clone(),
                            }),
                            Some(surface) if gone => Some(place_failed(&key, surface, fault)),
                            _ => None,
                        }
                    }
                };
                draft.changes.shows.insert(key.clone(), show.clone());
                if show.want > show.have {
                    draft.behind.insert(key);
                }
                draft.touched.insert(id);
                if let Some(command) = command {
                    let _ = draft.apply(memory, "delivery", id, command);
                }
            }
        }
    }

    /// Writes every try down, and tells which provider took it where there was a choice.
    fn keep_ledger(&mut self, draft: &mut Draft, ledger: Vec<AttemptRow>) -> String {
        let mut via = String::new();
        for row in ledger {
            if row.error.is_empty() && row.provider != row.kind {
                via.clone_from(&row.provider);
            }
            // Acknowledged while it was on its way: it is cancelled like the others.
            draft.hush |= row.state == RINGING;
            draft.changes.attempts.push(AttemptRow {
                id: self.engine.next_id(Counter::Attempt),
                ..row
            });
        }
        via
    }

    pub(super) async fn effect_settled(
        &mut self,
        draft: &mut Draft,
        row: OutboxRow,
        (result, via): (Result<(), crate::chat::Fault>, String),
        retry_at: Option<Time>,
        tell: bool,
    ) {
        let id = row.incident;
        if row.lane == Lane::Page && result.is_err() && !self.still_wanted(&row) {
            // Withdrawn while it was tried: the row says why, and nobody is waiting for it.
            return;
        }
        let (person, contact) = (row.target.clone(), row.detail.clone());
        let command = match (&result, row.lane) {
            (Ok(()), Lane::Page) => Some(Command::PageDelivered {
                person,
                contact,
                attempts: row.attempts,
                via,
            }),
            (Err(fault), Lane::Page) if tell => {
                let still = if retry_at.is_some() {
                    "; still trying"
                } else {
                    ""
                };
                Some(Command::PageFailed {
                    person,
                    contact,
                    why: format!("{}{still}", fault.why),
                })
            }
            (Err(fault), Lane::Say) if tell => Some(Command::PlaceFailed {
                platform: row.target.clone(),
                place: match row.detail.strip_prefix("channel:") {
                    Some(channel) => format!("#{channel}"),
                    None if row.detail == GONE => A_REMOVED_MESSAGE.to_owned(),
                    None => in_room(A_LINE, fault).to_owned(),
                },
                why: fault.why.clone(),
            }),
            _ => None,
        };
        let error = result
            .as_ref()
            .err()
            .map(|f| f.why.clone())
            .unwrap_or_default();
        let outcome = match (result.is_ok(), retry_at.is_some()) {
            (true, _) => "done",
            (false, true) => "retry",
            (false, false) => "failed",
        };
        draft.metrics.delivered(row.lane, outcome);
        match (result.is_ok(), retry_at) {
            (true, _) => mark(draft, &row, Delivery::Done, row.attempts, row.due_at, error),
            (false, Some(at)) => mark(draft, &row, Delivery::Waiting, row.attempts, at, error),
            (false, None) => mark(
                draft,
                &row,
                Delivery::Failed,
                row.attempts,
                row.due_at,
                error,
            ),
        }
        if row.lane == Lane::Page
            && (result.is_ok() || retry_at.is_none())
            && let Some(memory) = &mut self.memory
        {
            memory.page_state(&OutboxRow {
                state: Delivery::Done,
                ..row.clone()
            });
        }
        let Some(command) = command else { return };
        if self.load(id).await.is_ok()
            && let Some(memory) = &mut self.memory
        {
            let _ = draft.apply(
                memory,
                &format!("delivery:{id}:{}:{}", row.seq, row.n),
                id,
                command,
            );
        }
    }
}

impl Desk {
    /// Whether a page has not been withdrawn. Without memory nothing is known, and paging goes on.
    fn still_wanted(&self, row: &OutboxRow) -> bool {
        let Some(memory) = &self.memory else {
            return true;
        };
        memory.pages.contains_key(&(row.incident, row.id))
    }
}

/// A surface that is given up is said on the other platforms.
fn place_failed(key: &ShowKey, surface: Surface, fault: &Fault) -> Command {
    let place = match surface {
        Surface::ChannelCard => "the team's channel",
        Surface::Topic => in_room("the topic of the room", fault),
        Surface::Crew => in_room("the list of people of the room", fault),
        Surface::Fixtures => in_room("the pinned things of the room", fault),
        Surface::Links => in_room("the links of the room", fault),
        Surface::Name => in_room("the name of the room", fault),
        Surface::Shelf => "the archiving of the room",
        Surface::Digest => "the channel for announcements",
        Surface::Board => in_room("the command board of the room", fault),
        Surface::Room | Surface::RoomCard => in_room("the card of the room", fault),
    };
    Command::PlaceFailed {
        platform: key.1.clone(),
        place: place.to_owned(),
        why: fault.why.clone(),
    }
}

/// What is not to be had in a room: this part of it, or, when the room is gone, all of it. Only then
/// another one is made.
fn in_room(part: &'static str, fault: &Fault) -> &'static str {
    match fault.retry {
        Retry::Gone => THE_ROOM,
        _ => part,
    }
}

pub(super) fn mark(
    draft: &mut Draft,
    row: &OutboxRow,
    state: Delivery,
    attempts: u32,
    due_at: Time,
    error: String,
) {
    // An acknowledgement in the same batch may have withdrawn it; what was delivered stays delivered.
    let change = OutboxChange {
        id: row.id,
        state,
        attempts,
        due_at,
        updated_at: draft.now,
        error,
        remote: row.remote.clone(),
    };
    draft.changes.outbox_changes.insert(row.id, change);
}
