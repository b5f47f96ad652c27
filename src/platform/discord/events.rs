//! What the gateway tells, sorted out: to the ear, to what is known of the guild, to the link.

use super::guild::AGAIN;
use super::inbound::{Here, Reading, display, read, text};
use super::{Discord, inbound, lock};
use crate::chat::heard::{Deed, Heard, User};
use crate::core::id::IncidentId;
use crate::core::incident::{Command, THE_ROOM};
use crate::engine::Failure;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// An act that could not be kept is offered again, while the database is away.
const OFFER_AGAIN: Duration = Duration::from_secs(2);
const OFFERS: u32 = 150;
/// Discord tells of a pin twice: that there is one, and who did it. The second is waited for.
const WHO_PINNED: Duration = Duration::from_millis(700);
/// A deletion of a message older than what is remembered of messages is passed on unasked.
const REMEMBERED_MS: i64 = 3 * 24 * 3_600_000;

impl Discord {
    /// Who reads, for events of this channel.
    pub(super) fn here(&self, channel: &str, is_room: bool) -> Here {
        Here {
            platform: self.name().to_owned(),
            guild: self.settings.guild.clone(),
            me: self.me(),
            keep: self.keep.clone(),
            names: self.names(),
            rooms: if is_room {
                BTreeSet::from([channel.to_owned()])
            } else {
                BTreeSet::new()
            },
            now: self.engine.now(),
        }
    }

    /// Whether a channel is the room of an incident.
    pub(super) async fn is_room(&self, channel: &str) -> bool {
        if channel.is_empty() {
            return false;
        }
        if lock(&self.rooms).contains(channel) {
            return true;
        }
        let found = self
            .engine
            .store()
            .incident_of_room(self.name(), channel)
            .await;
        let room = matches!(found, Ok(Some(_)));
        if room {
            lock(&self.rooms).insert(channel.to_owned());
        }
        room
    }

    /// The room a thread is in. A channel that is no thread is in none.
    async fn above(&self, channel: &str) -> Option<String> {
        if let Some(known) = lock(&self.threads).get(channel) {
            return known.clone();
        }
        let listed = self.channels(false).await.ok()?;
        let direct = lock(&self.direct).values().any(|d| d == channel);
        if channel.is_empty() || direct || listed.iter().any(|c| c.id == channel) {
            return None;
        }
        let found = self.get(&format!("/channels/{channel}")).await.ok()?;
        let thread = (10..=12).contains(&found["type"].as_u64().unwrap_or(0));
        let parent = text(&found, "parent_id");
        let above = (thread && self.is_room(&parent).await).then_some(parent);
        lock(&self.threads).insert(channel.to_owned(), above.clone());
        above
    }

    /// Counts and logs a shape nobody expected.
    pub(super) fn unheard(&self, kind: &str) {
        self.engine.metrics().unheard(self.name(), kind);
        tracing::warn!(
            platform = self.name(),
            kind,
            "Discord sent a shape firebell does not know"
        );
    }

    /// An event of this guild, or of a direct message. Messages come in the order they were written.
    pub(super) async fn event(self: &Arc<Self>, kind: &str, event: &Value) {
        match kind {
            "MESSAGE_CREATE"
            | "MESSAGE_UPDATE"
            | "MESSAGE_DELETE"
            | "MESSAGE_REACTION_ADD"
            | "MESSAGE_REACTION_REMOVE" => {
                self.message_event(kind, event).await;
            }
            "CHANNEL_PINS_UPDATE" => self.pins(event).await,
            "CHANNEL_CREATE" | "CHANNEL_UPDATE" => self.forget_channels(),
            "CHANNEL_DELETE" => self.channel_gone(&text(event, "id")).await,
            // Events overtake each other: only asking tells whether this one is the last word.
            "GUILD_CREATE" => self.recheck(),
            "GUILD_DELETE" => self.guild_gone(event),
            "GUILD_MEMBER_REMOVE" => self.member_gone(event).await,
            "GUILD_MEMBER_UPDATE" => {
                let user = text(&event["user"], "id");
                self.people.forget(&user);
                if user == self.me() {
                    self.recheck();
                }
            }
            "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE" | "GUILD_ROLE_DELETE" => self.recheck(),
            _ => {}
        }
    }

    /// Asks what the bot may, again and again until it is answered or something newer is told.
    fn recheck(self: &Arc<Self>) {
        if self.me().is_empty() {
            // Its first introduction is still to come, and asks the same.
            return;
        }
        let mut told = 0;
        self.stand(|s| {
            s.told += 1;
            told = s.told;
        });
        let own = self.clone();
        crate::engine::spawn(async move {
            let mut wait = AGAIN.0;
            while let Err(fault) = own.check_permissions().await {
                tracing::warn!(platform = own.name(), %fault, "what firebell may do could not be looked up");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(AGAIN.1);
                if lock(&own.standing).told != told {
                    return;
                }
            }
        });
    }

    async fn message_event(self: &Arc<Self>, kind: &str, event: &Value) {
        let mut channel = text(event, "channel_id");
        let mut room = self.is_room(&channel).await;
        let mut lifted = None;
        let in_guild = event["guild_id"].is_string();
        if !room
            && in_guild
            && let Some(above) = self.above(&channel).await
        {
            lifted = Some(inbound::lifted(event, &above));
            (channel, room) = (above, true);
        }
        let event = lifted.as_ref().unwrap_or(event);
        match read(kind, event, &self.here(&channel, room)) {
            Reading::Heard(heard) => {
                if room
                    && let (Deed::Said { .. }, Ok(id)) = (&heard.deed, text(event, "id").parse())
                {
                    self.have_seen(&channel, id);
                }
                self.hear(*heard).await;
            }
            Reading::Ignored(why) => tracing::trace!(platform = self.name(), kind, why, "ignored"),
            Reading::Unknown(kind) => self.unheard(&kind),
        }
    }

    pub(super) fn have_seen(&self, channel: &str, id: u64) {
        let mut seen = lock(&self.seen);
        let newest = seen.entry(channel.to_owned()).or_insert(id);
        *newest = id.max(*newest);
    }

    /// Hands an act over, again and again while it cannot be kept: nobody repeats it.
    pub(super) async fn hear(&self, heard: Heard) {
        let Some(ear) = self.ear.get() else { return };
        if let Deed::Deleted { message } = &heard.deed
            && !self.was_kept(message).await
        {
            return;
        }
        for _ in 0..OFFERS {
            match ear.take(heard.clone()).await {
                Ok(_) => return,
                Err(Failure::Refused(_)) => return,
                Err(failure) => {
                    tracing::warn!(platform = self.name(), %failure, "something heard could not be kept; it is offered again");
                    tokio::time::sleep(OFFER_AGAIN).await;
                }
            }
        }
        tracing::error!(
            platform = self.name(),
            "something heard was not kept: the database was away for too long"
        );
    }

    /// Whether a message was heard: firebell's own are deleted without anybody's notice.
    async fn was_kept(&self, message: &str) -> bool {
        let old = inbound::made_at(message)
            .is_some_and(|at| self.engine.now().since_ms(at) > REMEMBERED_MS);
        let known = self
            .engine
            .store()
            .was_heard(self.name(), &format!("msg:{message}"))
            .await;
        old || known.unwrap_or(true)
    }

    async fn pins(self: &Arc<Self>, event: &Value) {
        let channel = text(event, "channel_id");
        if !self.is_room(&channel).await {
            return;
        }
        let own = self.clone();
        crate::engine::spawn(async move {
            tokio::time::sleep(WHO_PINNED).await;
            own.keep_pins(&channel).await;
        });
    }

    /// Puts what is pinned on the timeline; what is there stays there once.
    pub(super) async fn keep_pins(&self, channel: &str) {
        let pinned = match self.pinned(channel).await {
            Ok(pinned) => pinned,
            Err(refused) => {
                tracing::warn!(platform = self.name(), fault = %refused.fault, "pins could not be looked up");
                return;
            }
        };
        let here = self.here(channel, true);
        for message in pinned.iter().rev() {
            let ours = text(&message["author"], "id") == here.me;
            let line = ours && super::text::is_line(&text(message, "content"));
            if inbound::author(message, &here).is_none() && !line {
                continue;
            }
            let kept = inbound::kept(
                &here,
                (inbound::somebody(), channel.to_owned(), text(message, "id")),
                "pinned",
                "pin",
            );
            if let Reading::Heard(heard) = kept {
                self.hear(*heard).await;
            }
        }
    }

    pub(super) async fn channel_gone(&self, channel: &str) {
        self.forget_channels();
        let found = self
            .engine
            .store()
            .incident_of_room(self.name(), channel)
            .await;
        lock(&self.rooms).remove(channel);
        if let Ok(Some(incident)) = found {
            self.room_gone(incident, channel).await;
        }
    }

    /// Tells the engine that a room is lost, so that another one is made.
    pub(super) async fn room_gone(&self, incident: IncidentId, channel: &str) {
        let now = self.engine.incident(incident).await;
        // A room that was replaced long ago, or of an incident that is over, is nobody's loss.
        let current = matches!(&now, Ok(Some(i)) if i.is_open() && i.rooms.get(self.name()).is_some_and(|r| r == channel));
        if !current {
            return;
        }
        let command = Command::PlaceFailed {
            platform: self.name().to_owned(),
            place: THE_ROOM.to_owned(),
            why: "its channel was deleted".to_owned(),
        };
        let cause = format!("{}:gone:{channel}", self.name());
        if let Err(failure) = self.engine.submit(&cause, incident, command).await {
            tracing::debug!(platform = self.name(), %failure, "a deleted room changes nothing");
        }
    }

    fn guild_gone(&self, event: &Value) {
        let why = if event["unavailable"].as_bool().unwrap_or(false) {
            "the Discord server is away by a fault of Discord's own".to_owned()
        } else {
            self.not_there()
        };
        self.forget_channels();
        self.stand(|s| {
            s.told += 1;
            s.guild = Some(why.clone());
        });
    }

    /// Somebody left the server, and with it every room they were called to.
    async fn member_gone(&self, event: &Value) {
        let user = &event["user"];
        let id = text(user, "id");
        self.people.forget(&id);
        let Some(person) = self.engine.person_of(self.name(), &id) else {
            return;
        };
        let now = self.engine.now();
        for incident in self.engine.open_incidents() {
            let Some(room) = incident
                .rooms
                .get(self.name())
                .filter(|_| incident.crew.contains(&person))
            else {
                continue;
            };
            let heard = Heard {
                platform: self.name().to_owned(),
                // Discord numbers this event in no way; twice within a minute is once.
                key: format!("left:{id}:{}:{}", incident.id.0, now.0 / 60_000),
                at: now,
                by: User {
                    id: id.clone(),
                    name: display(event, user),
                    home: self.settings.guild.clone(),
                },
                room: room.clone(),
                deed: Deed::Left,
                reply_to: BTreeMap::new(),
            };
            self.hear(heard).await;
        }
    }
}
