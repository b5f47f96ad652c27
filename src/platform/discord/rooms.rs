//! Channels: rooms of incidents in their category, configured ones by name.
//!
//! Discord's channels have no unique name, so a room bears its incident in its topic (`fb:42` and the
//! address of its page), and is looked for by that before one is made.

use super::guild::{Channel, NEWS, TEXT};
use super::rest::Refused;
use super::text::{bears, channel_name, nonce, plain, shorten};
use super::{Discord, invite, lock, render};
use crate::chat::{Card, Fault, Retry, RoomRef};
use reqwest::Method;
use serde_json::{Value, json};

/// Characters of a topic.
const TOPIC_CHARS: usize = 1024;
pub(super) const VIEW: u64 = invite::VIEW;
pub(super) const SEND: u64 = 1 << 11;
const EMBED: u64 = 1 << 14;
const ATTACH: u64 = 1 << 15;
const HISTORY: u64 = 1 << 16;
pub(super) const MANAGE_CHANNELS: u64 = 1 << 4;
const MANAGE_ROLES: u64 = 1 << 28;
const PIN: u64 = 1 << 51;

/// A refused call, and the permission it needs.
pub(super) fn with_permission(refused: Refused, bit: u64) -> Fault {
    match refused.code {
        50013 => Fault {
            why: invite::lacking(bit),
            retry: Retry::Never,
        },
        _ => refused.fault,
    }
}

/// The topic of a room: words, then what it is found again by.
fn topic(words: &str, url: &str, incident: i64) -> String {
    let tail = format!(" · {} fb:{incident}", shorten(url, 500));
    let room = TOPIC_CHARS - tail.chars().count();
    shorten(&plain(words).replace('\n', " "), room) + &tail
}

pub(super) fn is_room_of(channel: &Channel, url: &str, incident: i64) -> bool {
    let mark = format!("fb:{incident}");
    let mut words = channel.topic.split_whitespace();
    channel.kind == TEXT
        && words.clone().any(|w| w == mark)
        && words.any(|w| w == shorten(url, 500))
}

impl Discord {
    /// The id of a channel.
    pub(super) async fn place(&self, room: &RoomRef) -> Result<String, Fault> {
        match room {
            RoomRef::Room(id) => Ok(id.clone()),
            RoomRef::Channel(name) => self.channel_named(name).await,
            RoomRef::Person(id) => self.conversation(&self.account(id)?).await,
        }
    }

    async fn channel_named(&self, name: &str) -> Result<String, Fault> {
        let name = channel_name(name);
        let find = |list: &[Channel]| {
            list.iter()
                .find(|c| matches!(c.kind, TEXT | NEWS) && c.name == name)
                .map(|c| c.id.clone())
        };
        if let Some(id) = find(&self.channels(false).await?) {
            return Ok(id);
        }
        let _one = self.making.lock().await;
        if let Some(id) = find(&self.channels(true).await?) {
            return Ok(id);
        }
        let body = json!({"name": name, "type": TEXT});
        let made = self
            .make_channel(&body, "firebell: a configured channel was missing")
            .await;
        Ok(made.map_err(|r| with_permission(r, MANAGE_CHANNELS))?.id)
    }

    pub(super) async fn make_channel(&self, body: &Value, why: &str) -> Result<Channel, Refused> {
        let path = format!("/guilds/{}/channels", self.settings.guild);
        let made = self
            .rest
            .call(Method::POST, &path, Some(body), &[], why)
            .await;
        self.forget_channels();
        self.noticed(made).map(|made| Channel::read(&made))
    }

    /// The incident's room: found by its topic, else made.
    pub(super) async fn room_for(
        &self,
        card: &Card,
        name: &str,
    ) -> Result<(String, String), Fault> {
        let _one = self.making.lock().await;
        let channels = self.channels(true).await?;
        let number = card.incident.0;
        let room = match channels.iter().find(|c| is_room_of(c, &card.url, number)) {
            Some(room) => room.clone(),
            None => self.make_room(&channels, card, name).await?,
        };
        if card.private && !room.closed_to.contains(&self.settings.guild) {
            self.close(&room.id).await?;
        }
        lock(&self.rooms).insert(room.id.clone());
        Ok((room.id, room.name))
    }

    async fn make_room(
        &self,
        channels: &[Channel],
        card: &Card,
        name: &str,
    ) -> Result<Channel, Fault> {
        let mut body = json!({
            "name": channel_name(name),
            "type": TEXT,
            "topic": topic(&format!("{} {} · {}", card.severity, card.incident, card.title), &card.url, card.incident.0),
        });
        if self.settings.place.private_rooms || card.private {
            body["permission_overwrites"] = self.to_nobody();
        }
        let why = format!("firebell: the room of {}", card.incident);
        self.make_in(&self.settings.category, body, &why, channels)
            .await
    }

    /// The overwrites of a room nobody but the bot looks into.
    fn to_nobody(&self) -> Value {
        let own = VIEW | SEND | EMBED | ATTACH | HISTORY;
        json!([
            {"id": self.settings.guild, "type": 0, "allow": "0", "deny": VIEW.to_string()},
            {"id": self.me(), "type": 1, "allow": own.to_string(), "deny": "0"},
        ])
    }

    /// Closes a room that was made for everybody; who belongs in it is brought in again.
    async fn close(&self, room: &str) -> Result<(), Fault> {
        let body = json!({"permission_overwrites": self.to_nobody()});
        let done = self.patch(&format!("/channels/{room}"), &body).await;
        self.forget_channels();
        done.map(drop).map_err(|r| with_permission(r, MANAGE_ROLES))
    }

    /// Sets what stands above a room. Discord allows two changes in ten minutes.
    pub(super) async fn set_topic(&self, room: &str, words: &str) -> Result<(), Fault> {
        let found = self
            .engine
            .store()
            .incident_of_room(self.name(), room)
            .await;
        let incident = found.map_err(Fault::from)?.map_or(0, |id| id.0);
        let wanted = topic(words, &self.page_of(incident), incident);
        let known = self.channels(false).await?;
        if known.iter().any(|c| c.id == room && c.topic == wanted) {
            return Ok(());
        }
        let done = self
            .patch(&format!("/channels/{room}"), &json!({"topic": wanted}))
            .await;
        done.map(drop)
            .map_err(|r| with_permission(r, MANAGE_CHANNELS))
    }

    /// Brings people into a room: a private one is opened to them, in a public one they are rung.
    /// Answers who could not be, and why.
    pub(super) async fn bring(
        &self,
        room: &str,
        people: &[String],
        private: bool,
    ) -> Result<Vec<String>, Fault> {
        let (mut accounts, mut left_out) = (Vec::new(), Vec::new());
        for person in people {
            match self.engine.account_behind(self.name(), person) {
                Some(account) => accounts.push(account),
                // Known by an account somewhere else only.
                None if person.contains(':') => {}
                None => left_out.push(format!("{person} has no account on {}", self.name())),
            }
        }
        if accounts.is_empty() {
            return Ok(left_out);
        }
        if self.settings.place.private_rooms || private {
            left_out.extend(self.open_to(room, &accounts).await?);
            return Ok(left_out);
        }
        let mut sorted = accounts.clone();
        sorted.sort();
        let mark = format!("crew:{}", nonce(&format!("{room} {}", sorted.join(" "))));
        let there = self
            .own_message(room, |m| {
                bears(m["content"].as_str().unwrap_or_default(), &mark)
            })
            .await?;
        if there.is_none() {
            let body = render::ringing(&accounts, &mark);
            self.create(room, &body, None).await?;
        }
        Ok(left_out)
    }

    async fn open_to(&self, room: &str, accounts: &[String]) -> Result<Vec<String>, Fault> {
        let mut left_out = Vec::new();
        let allow = (VIEW | SEND | HISTORY).to_string();
        let body = json!({"type": 1, "allow": allow, "deny": "0"});
        for account in accounts {
            let path = format!("/channels/{room}/permissions/{account}");
            match self.put(&path, Some(&body)).await {
                // Somebody who is not in the server; pages do not depend on rooms.
                Err(r) if matches!(r.code, 10007 | 10009 | 10013) => {
                    left_out.push(format!("the account {account} is not in the server"));
                }
                Err(refused) => return Err(with_permission(refused, MANAGE_ROLES)),
                Ok(_) => {}
            }
        }
        Ok(left_out)
    }

    /// Pins one message with the links.
    pub(super) async fn hang_up(
        &self,
        room: &str,
        links: &[(String, String)],
    ) -> Result<(), Fault> {
        if links.is_empty() {
            return Ok(());
        }
        let found = self
            .engine
            .store()
            .incident_of_room(self.name(), room)
            .await;
        let Some(incident) = found.map_err(Fault::from)? else {
            return Ok(());
        };
        let body = render::links(incident, links);
        let mark = render::links_mark(incident);
        let ours = |m: &Value| bears(m["content"].as_str().unwrap_or_default(), &mark);
        let pinned = self.pinned(room).await?;
        let me = self.me();
        let before = match pinned
            .into_iter()
            .find(|m| m["author"]["id"] == me && ours(m))
        {
            Some(message) => Some(message),
            None => self.own_message(room, ours).await?,
        };
        let message = match before {
            Some(message) => {
                let id = super::inbound::text(&message, "id");
                self.edit(room, &id, &body).await?;
                id
            }
            None => self.create(room, &body, None).await?,
        };
        self.pin_up(room, &message).await
    }

    /// Pins a message.
    pub(super) async fn pin_up(&self, room: &str, message: &str) -> Result<(), Fault> {
        let done = self
            .put(&format!("/channels/{room}/messages/pins/{message}"), None)
            .await;
        done.map(drop).map_err(|r| with_permission(r, PIN))
    }

    /// Pinned messages, newest first.
    pub(super) async fn pinned(&self, room: &str) -> Result<Vec<Value>, Refused> {
        let list = self.get(&format!("/channels/{room}/messages/pins")).await?;
        let items = list["items"].as_array().into_iter().flatten();
        Ok(items.map(|i| i["message"].clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_found_by_its_topic_and_by_no_other() {
        let url = "https://f.test/incidents/42";
        let room = |topic: String| Channel {
            id: "1".to_owned(),
            kind: TEXT,
            name: "inc-42".to_owned(),
            topic,
            parent: String::new(),
            closed_to: Vec::new(),
        };
        let own = room(topic("sev1 · @everyone", url, 42));
        assert!(is_room_of(&own, url, 42));
        assert!(!is_room_of(&own, "https://f.test/incidents/4", 4));
        assert!(!is_room_of(&own, "https://other.test/incidents/42", 42));
        assert!(!is_room_of(&room("fb:42".to_owned()), url, 42));
        let long = topic(&"x".repeat(5000), url, 42);
        assert_eq!(long.chars().count(), TOPIC_CHARS);
        assert!(is_room_of(&room(long), url, 42));
    }
}
