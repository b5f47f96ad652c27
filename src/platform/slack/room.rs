//! Rooms and channels: made, found again, joined, described and furnished.
//!
//! A room is known by its purpose, which ends in the address of its incident on this firebell, and
//! by having been created by this bot; its name is for people. Races it knows: an earlier try that
//! made the room and died before the purpose was set (a room of that name by us without a purpose
//! is that one), and two calls that look for the same channel (they share one list).

use super::Slack;
use super::api::Failed;
use super::{post, text};
use crate::chat::{Card, Retry, RoomRef};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Characters of a channel's name.
const NAME: usize = 80;
/// Characters of a topic and of a purpose.
const TOPIC: usize = 250;
/// Names tried when one is taken: the plain one and `-2` to `-20`.
const NAMES: u32 = 20;
/// Channels of one page of a list; Slack advises at most 200 and allows this.
const PAGE: u32 = 999;
/// Pages of a list: a workspace with more channels than that finds none by name.
const PAGES: usize = 100;
/// Channels found by name are believed this long; a renamed one is noticed at once by its event.
const BELIEVED: Duration = Duration::from_secs(600);
/// People of one invitation.
const INVITED: usize = 100;
/// What Slack says of a person who cannot be brought in; the others still can.
const NOT_THEM: [&str; 12] = [
    "already_in_channel",
    "cant_invite",
    "cant_invite_self",
    "user_not_found",
    "user_disabled",
    "ura_max_channels",
    "user_is_restricted",
    "user_is_ultra_restricted",
    "user_team_not_in_channel",
    "no_user",
    "org_user_not_in_team",
    "no_external_invite_permission",
];

/// Channels by name.
#[derive(Default)]
pub(super) struct Rooms {
    by_name: Mutex<HashMap<String, (String, Instant)>>,
    /// Held while the list is read.
    listing: tokio::sync::Mutex<()>,
}

impl Rooms {
    /// The id of a channel that was found lately.
    pub(super) fn known(&self, name: &str) -> Option<String> {
        let (id, at) = self.lock().get(name)?.clone();
        (at.elapsed() < BELIEVED).then_some(id)
    }

    fn learn(&self, name: &str, id: &str) {
        let entry = (id.to_owned(), Instant::now());
        self.lock().insert(name.to_owned(), entry);
    }

    /// What was known of a channel is no longer so.
    pub(super) fn forget(&self, id: &str) {
        self.lock().retain(|_, (known, _)| known != id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (String, Instant)>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id and name of a room, as the port answers them.
fn named_room(room: &Value) -> (String, String) {
    let name = room["name"].as_str().unwrap_or_default().to_owned();
    (id_of(room), name)
}

fn id_of(channel: &Value) -> String {
    channel["id"].as_str().unwrap_or_default().to_owned()
}

impl Slack {
    /// The id of a room or channel. A channel is joined, and made when there is none of its name.
    pub(super) async fn place(&self, room: &RoomRef) -> Result<String, Failed> {
        let name = match room {
            RoomRef::Room(id) => return Ok(id.clone()),
            RoomRef::Person(id) => return self.direct(&self.account(id)?).await,
            RoomRef::Channel(name) => name.trim_start_matches('#'),
        };
        if let Some(id) = self.rooms.known(name) {
            return Ok(id);
        }
        let _one = self.rooms.listing.lock().await;
        if let Some(id) = self.rooms.known(name) {
            return Ok(id);
        }
        match self.named(name).await? {
            Some(channel) if channel["is_archived"] == true => {
                Err(Failed::said("conversations.list", "is_archived", channel))
            }
            Some(channel) => {
                let id = id_of(&channel);
                if channel["is_member"] == false {
                    self.join(&id).await?;
                }
                self.rooms.learn(name, &id);
                Ok(id)
            }
            None => {
                let body = json!({"name": name, "is_private": false});
                let made = self.call("conversations.create", &body).await;
                let made = made.map_err(|f| match f.code.as_str() {
                    "name_taken" => Failed::own(
                        format!("#{name} is a private channel firebell is not in: invite it there"),
                        Retry::Never,
                    ),
                    _ => f,
                })?;
                let id = id_of(&made["channel"]);
                self.rooms.learn(name, &id);
                Ok(id)
            }
        }
    }

    async fn named(&self, name: &str) -> Result<Option<Value>, Failed> {
        self.find_channel(|c| c["name"] == name).await
    }

    /// The first channel that fits, of all that firebell sees. Without the scope for private ones
    /// only the public ones are looked at.
    async fn find_channel(
        &self,
        fits: impl Fn(&Value) -> bool + Send,
    ) -> Result<Option<Value>, Failed> {
        let mut types = "public_channel,private_channel";
        let mut cursor = String::new();
        let mut archived = None;
        for _ in 0..PAGES {
            let mut params = vec![("types", types.to_owned()), ("limit", PAGE.to_string())];
            if !cursor.is_empty() {
                params.push(("cursor", cursor.clone()));
            }
            let page = match self.read("conversations.list", &params).await {
                Err(f) if f.code == "missing_scope" && types != "public_channel" => {
                    types = "public_channel";
                    continue;
                }
                page => page?,
            };
            for channel in page["channels"].as_array().into_iter().flatten() {
                if fits(channel) {
                    if channel["is_archived"] != true {
                        return Ok(Some(channel.clone()));
                    }
                    archived = Some(channel.clone());
                }
            }
            let next = page["response_metadata"]["next_cursor"].as_str();
            next.unwrap_or_default().clone_into(&mut cursor);
            if cursor.is_empty() {
                break;
            }
        }
        Ok(archived)
    }

    /// Makes the room of an incident, or finds the one made before.
    pub(super) async fn make_room(
        &self,
        card: &Card,
        name: &str,
    ) -> Result<(String, String), Failed> {
        let own = self.myself().await?;
        if self.rooms.known(&unsure(card)).is_some() {
            // An earlier try ended without an answer: the room may be there, under another title.
            let ours = |c: &Value| {
                c["creator"] == own.user.as_str() && bears(c, &card.url) && closed_enough(c, card)
            };
            let found = self.find_channel(ours).await?;
            if let Some(room) = found.filter(|c| c["is_archived"] != true) {
                return Ok(named_room(&room));
            }
        }
        let made = self.first_free(card, name, &own.user).await;
        match &made {
            Err(f) if f.fault.retry == Retry::Backoff => self.rooms.learn(&unsure(card), "?"),
            _ => {
                self.rooms.lock().remove(&unsure(card));
            }
        }
        made
    }

    async fn first_free(
        &self,
        card: &Card,
        name: &str,
        user: &str,
    ) -> Result<(String, String), Failed> {
        for n in 1..=NAMES {
            let name = numbered(name, n);
            let private = self.settings.place.private_rooms || card.private;
            let body = json!({"name": name, "is_private": private});
            let room = match self.call("conversations.create", &body).await {
                Ok(made) => made["channel"].clone(),
                Err(f) if f.code == "name_taken" => match self.named(&name).await? {
                    Some(room) if is_ours(&room, card, user) => room,
                    _ => continue,
                },
                Err(f) => return Err(f),
            };
            if !bears(&room, &card.url) {
                self.tag(&id_of(&room), card).await?;
            }
            return Ok(named_room(&room));
        }
        Err(taken(name))
    }

    /// Writes into the purpose whose room it is.
    async fn tag(&self, room: &str, card: &Card) -> Result<(), Failed> {
        let words = format!("Incident {}, kept by firebell: ", card.incident);
        let room_left = TOPIC.saturating_sub(words.chars().count());
        let purpose = format!("{words}{}", text::clip(&card.url, room_left));
        let body = json!({"channel": room, "purpose": purpose});
        self.call_in(room, "conversations.setPurpose", &body)
            .await
            .map(drop)
    }

    /// Sets what stands above a room.
    pub(super) async fn set_topic(&self, room: &str, topic: &str) -> Result<(), Failed> {
        let topic = text::fit(topic, TOPIC, text::escape);
        let body = json!({"channel": room, "topic": topic});
        self.call_in(room, "conversations.setTopic", &body)
            .await
            .map(drop)
    }

    /// Brings people in. Answers who has no account here or cannot come, and why.
    pub(super) async fn bring(&self, room: &str, people: &[String]) -> Result<Vec<String>, Failed> {
        let mut left_out = Vec::new();
        if post::channel_of(room).1.is_some() {
            // Whoever reads the channel reads its threads.
            return Ok(left_out);
        }
        let mut accounts: Vec<(String, &str)> = Vec::new();
        for person in people {
            match self.engine.account_behind(self.name(), person) {
                Some(account) => accounts.push((account, person)),
                // Known by an account somewhere else only.
                None if person.contains(':') => {}
                None => left_out.push(format!("{person} has no account on {}", self.name())),
            }
        }
        for some in accounts.chunks(INVITED) {
            let users: Vec<&str> = some.iter().map(|(a, _)| a.as_str()).collect();
            match self.invite_all(room, &users.join(",")).await {
                Err(f) if NOT_THEM.contains(&f.code.as_str()) => {
                    for (account, person) in some {
                        left_out.extend(self.invite_one(room, account, person).await?);
                    }
                }
                done => {
                    for (user, code) in done? {
                        let who = some.iter().find(|(a, _)| *a == user);
                        let who = who.map_or(user.as_str(), |(_, person)| person);
                        left_out.extend(not_in(who, &code));
                    }
                }
            }
        }
        Ok(left_out)
    }

    /// Who of them was left out, and why.
    async fn invite_all(&self, room: &str, users: &str) -> Result<Vec<(String, String)>, Failed> {
        let body = json!({"channel": room, "users": users, "force": true});
        let done = self.call_in(room, "conversations.invite", &body).await?;
        let word = |error: &Value, key: &str| error[key].as_str().unwrap_or_default().to_owned();
        let errors = done["errors"].as_array().into_iter().flatten();
        Ok(errors
            .map(|e| (word(e, "user"), word(e, "error")))
            .collect())
    }

    async fn invite_one(
        &self,
        room: &str,
        account: &str,
        person: &str,
    ) -> Result<Option<String>, Failed> {
        match self.invite_all(room, account).await {
            Err(f) if NOT_THEM.contains(&f.code.as_str()) => Ok(not_in(person, &f.code)),
            Err(f) => Err(f),
            Ok(errors) => Ok(errors.first().and_then(|(_, code)| not_in(person, code))),
        }
    }

    /// Pins the card, once.
    pub(super) async fn pin_card(&self, room: &str, card: &str) -> Result<(), Failed> {
        let body = json!({"channel": room, "timestamp": card});
        match self.call_in(room, "pins.add", &body).await {
            Err(f) if f.code == "already_pinned" => Ok(()),
            done => done.map(drop),
        }
    }

    /// Hangs up the links, once each, and takes down those of its own that are not wanted any more.
    pub(super) async fn hang_up(
        &self,
        room: &str,
        links: &[(String, String)],
    ) -> Result<(), Failed> {
        let own = self.myself().await?;
        let body = json!({"channel_id": room});
        let listed = self.call_in(room, "bookmarks.list", &body).await?;
        let hung: Vec<&Value> = (listed["bookmarks"].as_array().into_iter().flatten()).collect();
        let wanted: Vec<(String, &str)> = (links.iter())
            .filter(|(title, link)| text::link(link, title).is_some())
            .map(|(title, link)| (text::clip(title, 100), link.as_str()))
            .collect();
        for (title, link) in &wanted {
            if hung.iter().any(|b| b["link"] == *link) {
                continue;
            }
            let body = json!({"channel_id": room, "title": title, "type": "link", "link": link});
            self.call_in(room, "bookmarks.add", &body).await?;
        }
        let theirs = |b: &Value| b["last_updated_by_user_id"] != own.user.as_str();
        for old in hung {
            let link = old["link"].as_str().unwrap_or_default();
            if theirs(old) || wanted.iter().any(|(_, w)| *w == link) {
                continue;
            }
            let body = json!({"channel_id": room, "bookmark_id": old["id"]});
            self.call_in(room, "bookmarks.remove", &body).await?;
        }
        Ok(())
    }

    /// Calls a room something else; when the name is taken, with a number behind it.
    pub(super) async fn call_it(&self, room: &str, name: &str) -> Result<(), Failed> {
        for n in 1..=NAMES {
            let body = json!({"channel": room, "name": numbered(name, n)});
            match self.call_in(room, "conversations.rename", &body).await {
                Err(f) if f.code == "name_taken" => {}
                done => return done.map(drop),
            }
        }
        Err(taken(name))
    }

    /// Archives a room.
    pub(super) async fn put_away(&self, room: &str) -> Result<(), Failed> {
        let room = post::channel_of(room);
        if room.1.is_some() {
            // A thread stands in somebody's channel and goes nowhere.
            return Ok(());
        }
        let body = json!({"channel": room.0});
        match self.call_in(room.0, "conversations.archive", &body).await {
            Err(f) if f.code == "already_archived" => Ok(()),
            done => done.map(drop),
        }
    }

    /// Takes a room out of the archive. Slack does that for bots in some workspaces only: where it does
    /// not, it is gone, and another one is made.
    pub(super) async fn take_out(&self, room: &str) -> Result<(String, String), Failed> {
        let (channel, thread) = post::channel_of(room);
        if thread.is_some() {
            return Ok((room.to_owned(), String::new()));
        }
        let params = [("channel", channel.to_owned())];
        // It reads no JSON.
        match self.read("conversations.unarchive", &params).await {
            Err(f) if f.code == "not_archived" => {}
            Err(mut f) if !f.code.is_empty() && f.fault.retry == Retry::Never => {
                // Whatever keeps it shut: people need a room now.
                f.fault.retry = Retry::Gone;
                return Err(f);
            }
            done => drop(done?),
        }
        let _ = self.join(channel).await;
        let info = self.read("conversations.info", &params).await?;
        Ok(named_room(&info["channel"]))
    }
}

/// Why somebody was not brought in; who is there already was.
fn not_in(who: &str, code: &str) -> Option<String> {
    let why = match code {
        "already_in_channel" | "cant_invite_self" => return None,
        "user_disabled" => "the account is deactivated",
        "user_is_restricted" | "user_is_ultra_restricted" | "ura_max_channels" => {
            "a guest, who is let into channels by an administrator"
        }
        "user_not_found" | "no_user" => "no such account",
        "user_team_not_in_channel" | "org_user_not_in_team" | "no_external_invite_permission" => {
            "of another workspace"
        }
        code => code,
    };
    Some(format!("{who} was not brought in: {why}"))
}

/// No name is free.
fn taken(name: &str) -> Failed {
    Failed::own(
        format!("{NAMES} channels are called like {name} already"),
        Retry::Never,
    )
}

/// Under which an incident is remembered whose room may have been made.
fn unsure(card: &Card) -> String {
    format!("\n{}", card.incident.0)
}

/// `name`, or `name-2` and so on within the limit of a name.
fn numbered(name: &str, n: u32) -> String {
    if n == 1 {
        return name.chars().take(NAME).collect();
    }
    let tail = format!("-{n}");
    let head: String = name.chars().take(NAME - tail.len()).collect();
    format!("{}{tail}", head.trim_end_matches('-'))
}

/// Whether a channel's purpose names this incident of this firebell.
fn bears(channel: &Value, url: &str) -> bool {
    let purpose = channel["purpose"]["value"].as_str().unwrap_or_default();
    let read = text::plain(purpose, &|_| None);
    !url.is_empty() && read.split_whitespace().any(|word| word == url)
}

/// Whether this is the incident's room: made by us, tagged for it or not tagged yet, and open.
fn is_ours(room: &Value, card: &Card, user: &str) -> bool {
    let untagged = room["purpose"]["value"].as_str().is_none_or(str::is_empty);
    room["creator"] == user
        && room["is_archived"] != true
        && (untagged || bears(room, &card.url))
        && closed_enough(room, card)
}

/// Slack makes no public channel private: what was made for everybody is not a private incident's room.
fn closed_enough(room: &Value, card: &Card) -> bool {
    !card.private || room["is_private"] == true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_numbers_stay_within_the_limit() {
        let long = "x".repeat(200);
        for n in [1, 2, 20] {
            assert_eq!(numbered(&long, n).chars().count(), NAME);
        }
        assert_eq!(numbered("inc-42-web", 1), "inc-42-web");
        assert_eq!(numbered("inc-42-web", 2), "inc-42-web-2");
        let edge = format!("{}-tail", "x".repeat(77));
        assert!(numbered(&edge, 3).ends_with("x-3"));
    }

    #[test]
    fn a_room_is_ours_by_its_creator_and_its_purpose() {
        let card = Card {
            url: "https://fb.example/incidents/4".to_owned(),
            ..Card::default()
        };
        let room = |creator: &str, purpose: &str| json!({"creator": creator, "is_archived": false, "purpose": {"value": purpose}});
        let url = "<https://fb.example/incidents/4>";
        assert!(is_ours(
            &room("UB", &format!("Incident #4: {url}")),
            &card,
            "UB"
        ));
        assert!(is_ours(&room("UB", ""), &card, "UB"));
        let private = Card {
            private: true,
            ..card.clone()
        };
        assert!(
            !is_ours(&room("UB", ""), &private, "UB"),
            "made for everybody"
        );
        let mut closed = room("UB", "");
        closed["is_private"] = json!(true);
        assert!(is_ours(&closed, &private, "UB"));
        assert!(!is_ours(
            &room("U1", &format!("Incident #4: {url}")),
            &card,
            "UB"
        ));
        assert!(!is_ours(
            &room("UB", "<https://fb.example/incidents/42>"),
            &card,
            "UB"
        ));
        assert!(!is_ours(
            &room("UB", "<https://other.example/incidents/4>"),
            &card,
            "UB"
        ));
    }
}
