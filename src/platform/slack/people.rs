//! Who people are and what channels are, as Slack tells it, believed for at most five minutes.

use super::Slack;
use super::api::Failed;
use super::text;
use crate::chat::Retry;
use crate::chat::heard::{Channel, Profile, User};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// What decides who may act is believed this long.
const BELIEVED: Duration = Duration::from_secs(240);
/// A name only has to be readable.
const NAMED: Duration = Duration::from_secs(24 * 3600);
/// Who could not be looked up is not looked up again so soon.
const NAMELESS: Duration = Duration::from_secs(60);
/// A name that takes longer is not waited for: the message has to be kept.
const NAME_WAIT: Duration = Duration::from_millis(1200);
/// Kept of each kind; then all is forgotten and asked for again.
const KEPT: usize = 20_000;

type Known<T> = Mutex<HashMap<String, (T, Instant)>>;

/// What is known of people and channels.
#[derive(Default)]
pub(super) struct People {
    profiles: Known<Profile>,
    names: Known<Option<String>>,
    channels: Known<Channel>,
    direct: Known<String>,
}

fn recall<T: Clone>(known: &Known<T>, id: &str, within: Duration) -> Option<T> {
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let (value, at) = known.get(id)?;
    (at.elapsed() < within).then(|| value.clone())
}

fn keep<T>(known: &Known<T>, id: &str, value: T) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= KEPT {
        known.clear();
    }
    known.insert(id.to_owned(), (value, Instant::now()));
}

impl People {
    /// A channel changed.
    pub(super) fn forget_channel(&self, id: &str) {
        let mut known = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(id);
    }

    /// A direct conversation is not what it was.
    pub(super) fn forget_direct(&self, user: &str) {
        let mut known = self.direct.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(user);
    }
}

/// Display name, else real name, else handle.
fn name_in(user: &Value) -> String {
    let said = |v: &Value| v.as_str().filter(|s| !s.is_empty()).map(str::to_owned);
    said(&user["profile"]["display_name"])
        .or_else(|| said(&user["profile"]["real_name"]))
        .or_else(|| said(&user["real_name"]))
        .or_else(|| said(&user["name"]))
        .unwrap_or_default()
}

/// Why an account may look and not act; `None`: a full member of the workspace.
fn limited(user: &Value, team: &str) -> Option<String> {
    let is = |name: &str| user[name] == true;
    let own = user["team_id"] == team
        || user["enterprise_user"]["teams"]
            .as_array()
            .is_some_and(|teams| teams.iter().any(|t| t == team));
    let why = if is("deleted") {
        "deactivated"
    } else if is("is_bot") || user["id"] == "USLACKBOT" {
        "a bot"
    } else if is("is_stranger") || !own {
        "from another organisation"
    } else if is("is_restricted") || is("is_ultra_restricted") {
        "a guest"
    } else {
        return None;
    };
    Some(why.to_owned())
}

fn profile(user: &Value, team: &str) -> Profile {
    let confirmed = user["is_email_confirmed"] == true;
    let email = user["profile"]["email"].as_str().filter(|_| confirmed);
    Profile {
        id: user["id"].as_str().unwrap_or_default().to_owned(),
        name: name_in(user),
        email: email.map(str::to_owned),
        limited: limited(user, team),
    }
}

impl Slack {
    /// Who somebody is.
    pub(super) async fn who(&self, user: &str) -> Result<Profile, Failed> {
        if let Some(known) = recall(&self.people.profiles, user, BELIEVED) {
            return Ok(known);
        }
        let own = self.myself().await?;
        let answer = self
            .read("users.info", &[("user", user.to_owned())])
            .await?;
        let found = profile(&answer["user"], &own.team);
        keep(&self.people.names, user, Some(found.name.clone()));
        keep(&self.people.profiles, user, found.clone());
        Ok(found)
    }

    /// What a channel is. A direct message is nobody else's.
    pub(super) async fn what(&self, room: &str) -> Result<Channel, Failed> {
        if room.starts_with('D') {
            return Ok(Channel::default());
        }
        if let Some(known) = recall(&self.people.channels, room, BELIEVED) {
            return Ok(known);
        }
        let params = [("channel", room.to_owned())];
        let answer = self.read("conversations.info", &params).await?;
        let channel = &answer["channel"];
        let is = |name: &str| channel[name] == true;
        let found = Channel {
            name: channel["name"].as_str().unwrap_or_default().to_owned(),
            shared: is("is_ext_shared") || is("is_org_shared") || is("is_pending_ext_shared"),
        };
        keep(&self.people.channels, room, found.clone());
        Ok(found)
    }

    /// A name people read, when it is known already: the directory's, else Slack's.
    pub(super) fn known_name(&self, user: &str) -> Option<String> {
        if let Some(person) = self.engine.person_of(self.name(), user) {
            return Some(self.engine.directory().person_name(&person));
        }
        recall(&self.people.names, user, NAMED).flatten()
    }

    /// Learns the names of people, as far as Slack tells them soon.
    pub(super) async fn learn_names(&self, users: Vec<String>) {
        let unknown = users.into_iter().filter(|user| {
            self.known_name(user).is_none() && recall(&self.people.names, user, NAMELESS).is_none()
        });
        let asked: Vec<_> = unknown
            .map(|user| async move {
                let found = tokio::time::timeout(NAME_WAIT, self.who(&user)).await;
                if !matches!(found, Ok(Ok(_))) {
                    keep(&self.people.names, &user, None);
                }
            })
            .collect();
        futures_util::future::join_all(asked).await;
    }

    /// The conversation with somebody; where it may not be opened, their own id, which Slack takes
    /// as a destination too.
    pub(super) async fn direct(&self, user: &str) -> Result<String, Failed> {
        if let Some(known) = recall(&self.people.direct, user, NAMED) {
            return Ok(known);
        }
        let body = serde_json::json!({"users": user});
        let opened = match self.call("conversations.open", &body).await {
            Err(f) if f.code == "missing_scope" => return Ok(user.to_owned()),
            Err(f) if ["user_disabled", "user_not_found", "cannot_dm_bot"].contains(&&*f.code) => {
                return Err(Failed::own(
                    format!("Slack takes no message for {user} ({})", f.code),
                    Retry::Never,
                ));
            }
            opened => opened?,
        };
        let id = opened["channel"]["id"].as_str().unwrap_or(user).to_owned();
        keep(&self.people.direct, user, id.clone());
        Ok(id)
    }

    /// The room a message stands in, where incidents have their rooms in threads of its channel: Slack tells
    /// of a reaction or a pin the channel alone. `None`: it stands in no thread.
    pub(super) async fn thread_room(
        &self,
        channel: &str,
        message: &str,
    ) -> Result<Option<String>, Failed> {
        let store = self.engine.store();
        let known = store.has_threads(self.name(), channel).await;
        // Most channels have none, and nobody is asked.
        if channel.contains(':') || !matches!(known, Ok(true)) {
            return Ok(None);
        }
        let params = [
            ("channel", channel.to_owned()),
            ("ts", message.to_owned()),
            ("limit", "1".to_owned()),
        ];
        let page = match self.read("conversations.replies", &params).await {
            Err(f) if f.code == "thread_not_found" => return Ok(None),
            page => page?,
        };
        // Asked for an answer Slack begins with the message above it, or tells that answer alone: both
        // name the thread.
        let thread = page["messages"][0]["thread_ts"].as_str();
        Ok(thread.map(|ts| format!("{channel}:{ts}")))
    }

    /// The words and author of a message; `None`: it is gone.
    pub(super) async fn words_of(
        &self,
        room: &str,
        message: &str,
    ) -> Result<Option<(User, String)>, Failed> {
        let (room, _) = super::post::channel_of(room);
        let bounds = [
            ("channel", room.to_owned()),
            ("latest", message.to_owned()),
            ("oldest", message.to_owned()),
            ("inclusive", "true".to_owned()),
            ("limit", "1".to_owned()),
        ];
        let page = self.read("conversations.history", &bounds).await?;
        let mut found = the_one(&page, message);
        if found.is_none() {
            // An answer in a thread is not part of the channel's history.
            let [channel, _, _, inclusive, _] = bounds;
            let params = [channel, ("ts", message.to_owned()), inclusive];
            found = match self.read("conversations.replies", &params).await {
                Err(f) if f.code == "thread_not_found" => None,
                page => the_one(&page?, message),
            };
        }
        let Some(found) = found else {
            return Ok(None);
        };
        let id = found["user"].as_str().unwrap_or_default().to_owned();
        let raw = found["text"].as_str().unwrap_or_default();
        let mut people: Vec<String> = text::mentioned(raw).map(str::to_owned).collect();
        people.push(id.clone());
        people.retain(|p| !p.is_empty());
        self.learn_names(people).await;
        let user = User {
            name: self.known_name(&id).unwrap_or_else(|| id.clone()),
            home: found["team"].as_str().unwrap_or_default().to_owned(),
            id,
        };
        let words = super::inbound::words(&found, &|id| self.known_name(id));
        Ok(Some((user, words)))
    }
}

fn the_one(page: &Value, ts: &str) -> Option<Value> {
    let mut all = page["messages"].as_array()?.iter();
    all.find(|m| m["ts"] == ts).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_full_members_of_this_workspace_are_unlimited() {
        let user = |more: Value| {
            let mut user = json!({"id": "U1", "team_id": "T1", "name": "ana"});
            for (name, value) in more.as_object().unwrap() {
                user[name] = value.clone();
            }
            limited(&user, "T1")
        };
        assert_eq!(user(json!({})), None);
        for (more, why) in [
            (json!({"deleted": true}), "deactivated"),
            (json!({"is_bot": true}), "a bot"),
            (json!({"id": "USLACKBOT"}), "a bot"),
            (json!({"is_stranger": true}), "from another organisation"),
            (json!({"team_id": "T2"}), "from another organisation"),
            (json!({"is_restricted": true}), "a guest"),
            (json!({"is_ultra_restricted": true}), "a guest"),
        ] {
            assert_eq!(user(more).as_deref(), Some(why));
        }
        let grid = json!({"team_id": "T2", "enterprise_user": {"teams": ["T1", "T2"]}});
        assert_eq!(user(grid), None);
    }

    #[test]
    fn an_address_counts_only_when_slack_has_confirmed_it() {
        let mut user = json!({"id": "U1", "team_id": "T1", "profile": {"email": "a@x.example", "real_name": "Ana"}});
        assert_eq!(profile(&user, "T1").email, None);
        user["is_email_confirmed"] = json!(true);
        assert_eq!(profile(&user, "T1").email.as_deref(), Some("a@x.example"));
        assert_eq!(profile(&user, "T1").name, "Ana");
    }
}
