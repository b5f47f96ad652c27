//! Where rooms stand: their categories and Discord's limits, and what becomes of rooms that are put away.
//!
//! A category holds 50 channels and a server 500. Rooms spill into `Incidents 2` and so on, and rooms
//! that are put away stand in `Incidents archive`, locked. When the server is full, the oldest of those
//! that firebell itself has put away is removed, unless the configuration says otherwise: what was said
//! in it stays on the timeline, and its removal is told in the platform's own channel.

use super::guild::{CATEGORY, Channel};
use super::rest::Refused;
use super::rooms::{MANAGE_CHANNELS, SEND, VIEW, with_permission};
use super::text::{channel_name, plain, shorten};
use super::{Discord, lock};
use crate::chat::{Card, Chat, Fault, Retry, RoomRef};
use reqwest::Method;
use serde_json::{Value, json};

/// Channels one category holds.
const IN_CATEGORY: usize = 50;
/// Categories firebell fills before it gives up; a guild has 500 channels.
const CATEGORIES: usize = 10;
/// Discord's code: the server has as many channels as it may have.
const FULL: u64 = 30013;
/// Discord's code: the message has a thread already, whose id is the message's.
const THREADED: u64 = 160_004;
/// A thread goes to sleep after a week without a word, minutes; the next word wakes it.
const SLEEPS: u64 = 10_080;
/// Discord's kinds of threads.
const THREADS: std::ops::RangeInclusive<u64> = 10..=12;

impl Discord {
    /// Makes a channel in the first category of this name with room in it.
    pub(super) async fn make_in(
        &self,
        category: &str,
        mut body: Value,
        why: &str,
        channels: &[Channel],
    ) -> Result<Channel, Fault> {
        let (mut full, mut freed) = (0, false);
        loop {
            let made = match self.category(category, channels, full).await {
                Ok(parent) => {
                    body["parent_id"] = json!(parent);
                    self.make_channel(&body, why).await
                }
                Err(refused) => Err(refused),
            };
            match made {
                Ok(room) => return Ok(room),
                // Somebody filled the category in between.
                Err(refused) if refused.code == 50035 && full < CATEGORIES => full += 1,
                Err(refused) if refused.code == FULL && !freed => {
                    self.make_way().await?;
                    freed = true;
                }
                Err(refused) => return Err(with_permission(refused, MANAGE_CHANNELS)),
            }
        }
    }

    /// The first category with room, made when there is none. `full`: so many were found full.
    async fn category(
        &self,
        base: &str,
        channels: &[Channel],
        full: usize,
    ) -> Result<String, Refused> {
        let base = shorten(&plain(base), 90);
        for n in 1 + full..=CATEGORIES {
            let name = if n == 1 {
                base.clone()
            } else {
                format!("{base} {n}")
            };
            let found = channels
                .iter()
                .find(|c| c.kind == CATEGORY && c.name.eq_ignore_ascii_case(&name));
            let Some(category) = found else {
                let body = json!({"name": name, "type": CATEGORY});
                let made = self
                    .make_channel(&body, "firebell: a category for rooms")
                    .await;
                return Ok(made?.id);
            };
            let inside = channels.iter().filter(|c| c.parent == category.id).count();
            if inside < IN_CATEGORY {
                return Ok(category.id.clone());
            }
        }
        Err(Refused {
            status: 0,
            code: 0,
            unauthorized: false,
            fault: Fault {
                why: format!(
                    "the categories “{base}” to “{base} {CATEGORIES}” are full: delete rooms that are over, or let them be archived ([rooms] archive-after)"
                ),
                retry: Retry::Backoff,
            },
        })
    }

    /// The name of the category rooms are put away in.
    fn attic(&self) -> String {
        format!("{} archive", self.settings.category)
    }

    /// The server is full: the oldest room that was put away goes.
    async fn make_way(&self) -> Result<(), Fault> {
        let channels = self.channels(true).await?;
        let attic = self.attic().to_lowercase();
        let shelves: Vec<&str> = (channels.iter())
            .filter(|c| c.kind == CATEGORY && c.name.to_lowercase().starts_with(&attic))
            .map(|c| c.id.as_str())
            .collect();
        // Ids ascend with time; only what bears firebell's mark is firebell's to remove.
        let home = format!("{}/incidents/", self.engine.public_url());
        let ours = |c: &&Channel| {
            shelves.contains(&c.parent.as_str())
                && c.topic.contains(" fb:")
                && c.topic.contains(&home)
        };
        let oldest = (channels.iter())
            .filter(ours)
            .min_by_key(|c| c.id.parse::<u64>().unwrap_or(u64::MAX));
        let full = "the Discord server has all the channels it may have (500)";
        let Some(oldest) = oldest.filter(|_| self.settings.remove_oldest) else {
            let fix = if self.settings.remove_oldest {
                "and none of them is an archived room of firebell's"
            } else {
                "and `when-full` says that none is to be removed"
            };
            return Err(Fault {
                why: format!("{full}, {fix}: delete channels nobody needs"),
                retry: Retry::Backoff,
            });
        };
        let why = "firebell: the server is full, and this was the oldest archived room";
        let path = format!("/channels/{}", oldest.id);
        let gone = (self.rest)
            .call(Method::DELETE, &path, None, &[], why)
            .await;
        self.forget_channels();
        match self.noticed(gone) {
            Err(refused) if refused.code != 10003 => {
                return Err(with_permission(refused, MANAGE_CHANNELS));
            }
            _ => {}
        }
        let told = format!(
            "{full}, so the oldest archived room, {}, was removed. What was said in it stays on its timeline: {}",
            oldest.name,
            oldest.topic.rsplit(" · ").next().unwrap_or_default()
        );
        let place = RoomRef::Channel(self.settings.place.channel.clone());
        let key = format!("full:{}", oldest.id);
        if let Err(fault) = self.tell(&place, &key, &told, false).await {
            tracing::warn!(platform = self.name(), %fault, told, "a removed room could not be told of");
        }
        Ok(())
    }

    /// The channel of a room; `None`: it is a thread.
    async fn standing(&self, room: &str) -> Result<Option<Channel>, Fault> {
        let channels = self.channels(true).await?;
        if let Some(known) = channels.iter().find(|c| c.id == room) {
            return Ok(Some(known.clone()));
        }
        let found = self.get(&format!("/channels/{room}")).await;
        let found = Channel::read(&found.map_err(gone)?);
        Ok(Some(found).filter(|c| !THREADS.contains(&c.kind)))
    }

    /// Puts a room away: locked, in the category for that; a thread is archived.
    pub(super) async fn put_away(&self, room: &str) -> Result<(), Fault> {
        let Some(channel) = self.standing(room).await? else {
            let body = json!({"archived": true, "locked": true});
            let done = self.patch(&format!("/channels/{room}"), &body).await;
            return done.map(drop).map_err(gone);
        };
        self.move_to(&channel, &self.attic(), SEND).await
    }

    /// Takes a room out of where it was put away.
    pub(super) async fn take_out(&self, room: &str) -> Result<(String, String), Fault> {
        lock(&self.rooms).insert(room.to_owned());
        let Some(channel) = self.standing(room).await? else {
            let body = json!({"archived": false, "locked": false});
            let done = self.patch(&format!("/channels/{room}"), &body).await;
            let name = super::inbound::text(&done.map_err(gone)?, "name");
            return Ok((room.to_owned(), name));
        };
        self.move_to(&channel, &self.settings.category, 0).await?;
        Ok((channel.id, channel.name))
    }

    async fn move_to(&self, channel: &Channel, category: &str, deny: u64) -> Result<(), Fault> {
        let _one = self.making.lock().await;
        let mut channels = self.channels(true).await?.as_ref().clone();
        // It takes no room where it stands already.
        channels.retain(|c| c.id != channel.id);
        let parent = match self.category(category, &channels, 0).await {
            Err(refused) if refused.code == FULL => {
                self.make_way().await?;
                self.category(category, &channels, 0).await
            }
            found => found,
        };
        let parent = parent.map_err(|r| with_permission(r, MANAGE_CHANNELS))?;
        if parent != channel.parent {
            let body = json!({"parent_id": parent});
            let moved = self
                .patch(&format!("/channels/{}", channel.id), &body)
                .await;
            self.forget_channels();
            moved.map_err(gone)?;
        }
        let hidden = channel.closed_to.contains(&self.settings.guild);
        let deny = if self.settings.place.private_rooms || hidden {
            deny | VIEW
        } else {
            deny
        };
        let path = format!(
            "/channels/{}/permissions/{}",
            channel.id, self.settings.guild
        );
        let body = json!({"type": 0, "allow": "0", "deny": deny.to_string()});
        match self.put(&path, Some(&body)).await {
            // Without that permission it stands where it belongs, and is not locked.
            Err(refused) if refused.code == 50013 => {
                tracing::info!(
                    platform = self.name(),
                    "a room could not be locked: firebell lacks the permission Manage Roles"
                );
                Ok(())
            }
            done => done.map(drop).map_err(gone),
        }
    }

    /// Calls a room something else. Discord allows two changes in ten minutes.
    pub(super) async fn call_it(&self, room: &str, name: &str) -> Result<(), Fault> {
        let body = json!({"name": channel_name(name)});
        let done = self.patch(&format!("/channels/{room}"), &body).await;
        self.forget_channels();
        done.map(drop)
            .map_err(|r| with_permission(r, MANAGE_CHANNELS))
    }

    /// Opens the thread below a card.
    pub(super) async fn open_thread(
        &self,
        channel: &RoomRef,
        message: &str,
        card: &Card,
        name: &str,
    ) -> Result<(String, String), Fault> {
        let channel = self.place(channel).await?;
        let name = channel_name(name);
        let body = json!({"name": name, "auto_archive_duration": SLEEPS});
        let why = format!("firebell: the thread of {}", card.incident);
        let path = format!("/channels/{channel}/messages/{message}/threads");
        let made = (self.rest)
            .call(Method::POST, &path, Some(&body), &[], &why)
            .await;
        let id = match self.noticed(made) {
            Ok(thread) => super::inbound::text(&thread, "id"),
            Err(refused) if refused.code == THREADED => message.to_owned(),
            Err(refused) => return Err(gone(refused)),
        };
        lock(&self.rooms).insert(id.clone());
        Ok((id, name))
    }
}

/// A channel that is not there any more is gone.
fn gone(refused: Refused) -> Fault {
    match refused.code {
        10003 => Fault {
            why: "its channel was deleted".to_owned(),
            retry: Retry::Gone,
        },
        _ => with_permission(refused, MANAGE_CHANNELS),
    }
}
