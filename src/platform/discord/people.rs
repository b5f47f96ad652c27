//! Who somebody is, as the guild vouches for it.

use super::inbound::{display, text};
use super::{Discord, lock};
use crate::chat::Fault;
use crate::chat::heard::Profile;
use crate::core::time::Time;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Profiles are at most this old.
const KEEP: Duration = Duration::from_secs(300);
/// Profiles kept before old ones are forgotten.
const FORGET_ABOVE: usize = 5000;

/// What was learnt lately.
#[derive(Default)]
pub(super) struct People(Mutex<HashMap<String, (Instant, Profile)>>);

impl People {
    pub fn known(&self, user: &str) -> Option<Profile> {
        let known = lock(&self.0);
        known
            .get(user)
            .filter(|(at, _)| at.elapsed() < KEEP)
            .map(|(_, p)| p.clone())
    }

    pub fn learn(&self, profile: Profile) {
        let mut known = lock(&self.0);
        if known.len() > FORGET_ABOVE {
            known.retain(|_, (at, _)| at.elapsed() < KEEP);
        }
        known.insert(profile.id.clone(), (Instant::now(), profile));
    }

    pub fn forget(&self, user: &str) {
        lock(&self.0).remove(user);
    }
}

/// A member as a profile. Discord tells a bot no e-mail.
pub(super) fn profile(member: &Value, now: Time) -> Profile {
    let user = &member["user"];
    let timeout = Time::parse_rfc3339(&text(member, "communication_disabled_until"));
    let limited = if user["bot"].as_bool().unwrap_or(false) {
        Some("a bot")
    } else if member["pending"].as_bool().unwrap_or(false) {
        Some("not through the server's rules screening yet")
    } else if timeout.is_some_and(|until| until > now) {
        Some("timed out by the server's moderators")
    } else {
        None
    };
    Profile {
        id: text(user, "id"),
        name: display(member, user),
        email: None,
        limited: limited.map(str::to_owned),
    }
}

impl Discord {
    pub(super) async fn look_up(&self, user: &str) -> Result<Profile, Fault> {
        if let Some(known) = self.people.known(user) {
            return Ok(known);
        }
        if user.is_empty() {
            return Err(Fault {
                why: "Discord did not say who it was".to_owned(),
                retry: crate::chat::Retry::Never,
            });
        }
        let member = self
            .get(&format!("/guilds/{}/members/{user}", self.settings.guild))
            .await;
        let found = match member {
            Ok(member) => profile(&member, self.engine.now()),
            // Unknown Member, Unknown User.
            Err(refused) if matches!(refused.code, 10007 | 10013) => Profile {
                id: user.to_owned(),
                limited: Some("not a member of the server".to_owned()),
                ..Profile::default()
            },
            Err(refused) => return Err(refused.fault),
        };
        self.people.learn(found.clone());
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_full_members_act() {
        let member = |more: Value| {
            let mut member = json!({"user": {"id": "7", "username": "ana"}, "nick": "Ana"});
            for (key, value) in more.as_object().unwrap() {
                member[key] = value.clone();
            }
            profile(&member, Time(1_700_000_000_000)).limited
        };
        assert_eq!(member(json!({})), None);
        assert!(member(json!({"pending": true})).is_some());
        assert!(member(json!({"user": {"id": "7", "bot": true}})).is_some());
        assert!(
            member(json!({"communication_disabled_until": "2030-01-01T00:00:00+00:00"})).is_some()
        );
        assert_eq!(
            member(json!({"communication_disabled_until": "2020-01-01T00:00:00+00:00"})),
            None
        );
    }
}
