//! Waking people: what a page says, and when to try again.
//!
//! A page is sent at least once until somebody acknowledges; every try carries the same key, so
//! that a receiver can tell a repeat from a new one. One file per way to wake a person; those that are
//! reached through providers are listed in `providers.rs`, which also knows whom to try next.

pub mod email;
pub mod fetch;
mod http;
mod letter;
pub mod ntfy;
pub mod providers;
pub mod pushover;
pub mod sms;
pub mod twilio;
pub mod voice;
pub mod webhook;
pub mod words;

pub use letter::Letter;
pub use providers::{Notifiers, Tried, Try};

use crate::chat::Answer;
use crate::core::alert::Labels;
use crate::core::directory::Means;
use crate::core::id::IncidentId;
use crate::core::time::Time;

/// One page to one person on one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Idempotency key: the same for every try of this page, never used for another.
    pub key: String,
    /// The incident.
    pub incident: IncidentId,
    /// One line; written by an alert's sender, so not to be trusted.
    pub title: String,
    /// Name of the severity.
    pub severity: String,
    /// `triggered`, `acknowledged`, `resolved`.
    pub status: String,
    /// Service id, if the incident has one.
    pub service: Option<String>,
    /// Directory id of the person paged.
    pub person: String,
    /// Their display name.
    pub person_name: String,
    /// Why this person: `on call on web-primary since Mon 09:00`.
    pub why: String,
    /// Where the incident can be acknowledged.
    pub url: String,
    /// When the page was decided.
    pub at: Time,
    /// The alerts it is about, as many as the caller wants told.
    pub alerts: Vec<PagedAlert>,
    /// It waited for the morning.
    pub waited: bool,
}

/// What is sent to one contact at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The same for every try of it.
    pub key: String,
    /// Display name of who gets it.
    pub person: String,
    /// What it is.
    pub what: What,
    /// Where a button acknowledges everything it holds, signed; empty: there is nothing to acknowledge.
    pub ack_url: String,
}

/// What a message is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum What {
    /// Pages, the oldest first; never empty.
    Pages(Vec<Page>),
    /// Somebody tries out their contacts.
    #[default]
    Test,
    /// A code that shows that this contact is theirs.
    Code(String),
}

/// A provider took a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Its name for it; empty: none.
    pub id: String,
    /// It goes on ringing until [`Notifier::cancel`].
    pub rings: bool,
}

/// A provider: it carries messages to addresses of one kind.
pub trait Notifier: Send + Sync {
    /// What kind.
    fn means(&self) -> Means;

    /// Its configured name.
    fn name(&self) -> &str;

    /// Sends once. The fault says whether this provider may be tried again, in words without the address.
    fn send<'a>(&'a self, to: &'a str, message: &'a Message) -> Answer<'a, Receipt>;

    /// Sends a letter, if it is a mail server.
    fn letter<'a>(&'a self, _to: &'a str, _letter: &'a Letter) -> Answer<'a, Receipt> {
        Box::pin(async { Err(http::never("it carries no mail".to_owned())) })
    }

    /// Stops what rings.
    fn cancel<'a>(&'a self, _receipt: &'a str) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Whether a request to firebell is this provider's own: `url` as it was asked for, the form's
    /// fields, the signature that came with it.
    fn signed(&self, _url: &str, _fields: &[(String, String)], _signature: &str) -> bool {
        false
    }
}

/// An alert as a page tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PagedAlert {
    /// The name people know it by.
    pub name: String,
    /// One line.
    pub summary: String,
    /// Its labels; may be empty.
    pub labels: Labels,
}

/// What a message with these pages is known by. Another set of pages has another name, even with the
/// same first page: a receiver that dropped it as a repeat would lose the rest.
#[must_use]
pub fn key_of(pages: &[Page]) -> String {
    let Some((first, also)) = pages.split_first() else {
        return String::new();
    };
    if also.is_empty() {
        return first.key.clone();
    }
    let keys: Vec<&str> = pages.iter().map(|p| p.key.as_str()).collect();
    let digest = xxhash_rust::xxh3::xxh3_128(keys.join("\n").as_bytes());
    format!("{}+{}:{digest:032x}", first.key, also.len())
}

/// First delay after a failed try, milliseconds: long enough for a restart behind a balancer.
const FIRST_MS: u64 = 250;

/// Longest delay before jitter, milliseconds; with jitter 60 s, which is what a page may be late
/// by when its receiver comes back.
const LONGEST_MS: u64 = 48_000;

/// Milliseconds to wait after the `attempt`-th try failed (counted from 1): doubling from 250 ms
/// to a minute. `seed` adds up to a quarter, so that many pages of one failed receiver spread.
#[must_use]
pub fn backoff_ms(attempt: u32, seed: u64) -> i64 {
    let doublings = attempt.saturating_sub(1).min(16);
    let base = (FIRST_MS << doublings).min(LONGEST_MS);
    let jitter = scramble(seed ^ u64::from(attempt).rotate_left(32)) % (base / 4 + 1);
    i64::try_from(base + jitter).unwrap_or(i64::MAX)
}

/// SplitMix64's mixing function: neighbouring seeds give unrelated numbers.
fn scramble(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_from_a_quarter_second_to_a_minute() {
        let table = [
            (0, 250, 312),
            (1, 250, 312),
            (2, 500, 625),
            (3, 1_000, 1_250),
            (4, 2_000, 2_500),
            (8, 32_000, 40_000),
            (9, 48_000, 60_000),
            (20, 48_000, 60_000),
            (u32::MAX, 48_000, 60_000),
        ];
        for (attempt, least, most) in table {
            for seed in 0..1000 {
                let ms = backoff_ms(attempt, seed);
                assert!((least..=most).contains(&ms), "attempt {attempt}: {ms}");
            }
        }
    }

    #[test]
    fn many_pages_of_one_receiver_spread_and_each_is_repeatable() {
        let mut seen: Vec<i64> = (0..1000).map(|seed| backoff_ms(9, seed)).collect();
        assert_eq!(seen[7], backoff_ms(9, 7));
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.len() > 900, "only {} different delays", seen.len());
        assert!(seen[0] < 49_000 && seen[seen.len() - 1] > 59_000);
    }
}
