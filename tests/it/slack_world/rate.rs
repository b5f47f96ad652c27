//! How often a method may be called: the tiers of a minute, and a message a second and channel.

use super::state::State;
use std::collections::BTreeMap;

/// Tokens that fill again with time, by what they are for.
#[derive(Default)]
pub struct Buckets(BTreeMap<String, (f64, u64)>);

impl Buckets {
    /// Takes one, or says how many whole seconds there is to wait.
    fn take(&mut self, key: String, size: f64, per_sec: f64, now: u64) -> Result<(), u64> {
        let (left, at) = self.0.entry(key).or_insert((size, now));
        let passed = std::time::Duration::from_micros(now.saturating_sub(*at)).as_secs_f64();
        *left = (*left + passed * per_sec).min(size);
        *at = now;
        if *left >= 1.0 {
            *left -= 1.0;
            return Ok(());
        }
        Err(((1.0 - *left) / per_sec).ceil().max(1.0) as u64)
    }
}

/// Calls a minute, from the page of each method (docs.slack.dev, "rate limits").
fn tier(method: &str) -> u32 {
    match method {
        "apps.connections.open" | "oauth.v2.access" => 600,
        "auth.test" | "chat.getPermalink" => 600,
        "conversations.create" | "conversations.archive" | "conversations.unarchive" => 20,
        "conversations.rename" | "conversations.list" | "users.list" | "usergroups.list" => 20,
        "pins.add" | "pins.remove" | "pins.list" | "bookmarks.add" | "bookmarks.list" => 20,
        "bookmarks.edit" | "bookmarks.remove" | "conversations.setTopic" => 20,
        "conversations.setPurpose" => 20,
        "chat.postEphemeral" | "users.info" | "conversations.members" => 100,
        "views.open" | "views.update" | "views.push" | "views.publish" => 100,
        _ => 50,
    }
}

impl State {
    /// Counts a call; `Err` with the seconds of `Retry-After` when it is one too many.
    pub fn allow(&mut self, team: &str, method: &str, channel: &str) -> Result<(), u64> {
        let now = self.clock.micros();
        if method == "chat.postMessage" {
            let (size, per_sec) = (f64::from(self.tune.post_burst), self.tune.post_per_sec);
            let key = format!("{team}/post/{channel}");
            return self.buckets.take(key, size.max(1.0), per_sec, now);
        }
        let own = self.tune.per_minute.get(method).copied();
        if own.is_none() && !self.tune.tiers {
            return Ok(());
        }
        let size = f64::from(own.unwrap_or_else(|| tier(method)));
        let key = format!("{team}/{method}");
        self.buckets.take(key, size, size / 60.0, now)
    }
}
