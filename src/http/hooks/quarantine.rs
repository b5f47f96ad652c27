//! Payloads that cannot be understood are kept for people to look at, within a budget.

use super::{Hook, Hooks};
use crate::config::Source;
use crate::core::text::cut;
use crate::core::time::Time;
use crate::engine::{Counter, Failure};
use crate::store::{ChangeSet, QuarantineRow};
use std::sync::{Mutex, PoisonError};

/// Bytes of a payload that are kept.
const KEPT_BYTES: usize = 64 * 1024;
/// Payloads kept in a minute. A sender that repeats its mistake must not fill the disk; one row
/// of it is as good as a thousand.
const KEPT_A_MINUTE: u32 = 30;
const MINUTE_MS: i64 = 60_000;
/// Characters of the reason that are kept.
const REASON_CHARS: usize = 1000;

/// How much may still be kept in this minute.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<(Time, u32)>);

impl Budget {
    fn spend(&self, now: Time) -> bool {
        // The pair is whole after every assignment, so a panic elsewhere does not spoil it.
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !(0..MINUTE_MS).contains(&now.since_ms(window.0)) {
            *window = (now, 0);
        }
        window.1 += 1;
        window.1 <= KEPT_A_MINUTE
    }
}

impl Hooks {
    /// Keeps a payload, or says in the log why not; answers whether it is kept.
    ///
    /// # Errors
    /// When the store is down: then the sender must keep it.
    pub(super) async fn quarantine(
        &self,
        (source, path): (&str, &str),
        body: &[u8],
        secret: Option<&str>,
        errors: &[String],
    ) -> Result<bool, Failure> {
        let engine = &self.app.engine;
        let now = engine.now();
        let reason = cut(&errors.join("; "), REASON_CHARS);
        tracing::warn!(source, path, reason, "a payload could not be understood");
        if !self.budget.spend(now) {
            return Ok(false);
        }
        let row = QuarantineRow {
            id: engine.next_id(Counter::Quarantine),
            at: now,
            source: source.to_owned(),
            path: path.to_owned(),
            reason,
            body: kept(body, secret),
        };
        let changes = ChangeSet {
            quarantine: vec![row],
            ..ChangeSet::default()
        };
        engine.write(changes).await?;
        Ok(true)
    }
}

impl Hook {
    /// Keeps a payload of this door and counts it.
    ///
    /// # Errors
    /// When the store is down: then the sender must keep it.
    pub(super) async fn quarantine(
        &self,
        source: &Source,
        body: &[u8],
        secret: Option<&str>,
        errors: &[String],
    ) -> Result<(), Failure> {
        let place = (source.name.as_str(), self.format.path);
        if self.hooks.quarantine(place, body, secret, errors).await? {
            self.counters().quarantined.one();
        } else {
            self.counters().not_quarantined.one();
        }
        Ok(())
    }
}

/// The beginning of a payload as text the database can hold, without the sender's token.
fn kept(body: &[u8], secret: Option<&str>) -> String {
    let text = String::from_utf8_lossy(body).replace('\0', "\u{fffd}");
    let mut text = match secret.filter(|s| !s.is_empty()) {
        Some(secret) => text.replace(secret, "***"),
        None => text,
    };
    if text.len() <= KEPT_BYTES {
        return text;
    }
    let mut end = KEPT_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.push_str(&format!("… (the payload has {} bytes)", body.len()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_no_token_no_nul_and_an_end() {
        let body = [b"a\0\xff SECRET ".as_slice(), &vec![b'x'; KEPT_BYTES]].concat();
        let text = kept(&body, Some("SECRET"));
        assert!(
            text.starts_with("a\u{fffd}\u{fffd} *** x"),
            "{}",
            &text[..20]
        );
        assert!(text.ends_with("(the payload has 65547 bytes)"));
        assert!(text.len() < KEPT_BYTES + 100);
    }

    #[test]
    fn the_budget_is_per_minute() {
        let budget = Budget::default();
        let start = Time(1_000_000);
        let kept = (0..100).filter(|_| budget.spend(start)).count();
        assert_eq!(kept, 30);
        assert!(!budget.spend(start.plus_ms(59_999)));
        assert!(budget.spend(start.plus_ms(60_000)));
    }

    #[test]
    fn a_clock_that_goes_back_opens_a_new_minute() {
        let budget = Budget::default();
        while budget.spend(Time(1_000_000)) {}
        assert!(budget.spend(Time(1)));
    }
}
