//! Which causes have been answered: a no without a way to the database and back.
//!
//! Every human act asks whether its cause was answered before, and nearly none was. A Bloom filter (Burton H.
//! Bloom, 1970) over all of them answers "certainly not" for nearly all of those; whatever it does not rule
//! out is looked up. It rules nothing out until it has read what was answered before this process began, which
//! goes on beside the desk. Nobody else can answer a cause meanwhile: their commit would end this process's.

use crate::store::{Store, storable};
use std::sync::{Arc, Mutex, PoisonError};
use xxhash_rust::xxh3::xxh3_128;

/// Bits: of a million causes one in forty is looked up for nothing. A megabyte, and of few causes a few pages.
const BITS: u64 = 1 << 23;
/// Bits of a cause.
const MARKS: u64 = 4;

/// Causes that may have been answered. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Causes(Arc<Mutex<Filter>>);

#[derive(Debug)]
struct Filter {
    bits: Vec<u64>,
    /// Whether everything that was answered before is in it.
    whole: bool,
}

impl Causes {
    /// One that rules nothing out yet.
    pub(super) fn new() -> Causes {
        let words = usize::try_from(BITS / 64).unwrap_or(1);
        Causes(Arc::new(Mutex::new(Filter {
            bits: vec![0; words],
            whole: false,
        })))
    }

    /// Takes one up that is being answered.
    pub(super) fn add(&self, cause: &str) {
        let mut filter = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (word, bit) in marks(cause) {
            if let Some(word) = filter.bits.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// Whether it may have been answered; `false` is certain.
    pub(super) fn may_be(&self, cause: &str) -> bool {
        let filter = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let set = |(word, bit): (usize, u64)| filter.bits.get(word).is_none_or(|w| w & bit != 0);
        !filter.whole || marks(cause).all(set)
    }

    /// Reads what was answered before. When the store does not answer, everything is looked up as before.
    pub(super) async fn learn(self, store: Store) {
        match store.causes(|cause| self.add(cause)).await {
            Ok(()) => {
                let mut filter = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                filter.whole = true;
            }
            Err(error) => tracing::warn!(
                %error,
                "what was answered before could not be read; it is looked up each time"
            ),
        }
    }
}

/// Words and bits of a cause as the store keeps it.
fn marks(cause: &str) -> impl Iterator<Item = (usize, u64)> {
    let hash = xxh3_128(storable(cause).as_bytes()).to_le_bytes();
    // Two halves make as many hashes as are wanted (Kirsch and Mitzenmacher, 2006).
    let half = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    let (first, step) = (half(0), half(8) | 1);
    (0..MARKS).map(move |n| {
        let bit = first.wrapping_add(n.wrapping_mul(step)) % BITS;
        (
            usize::try_from(bit / 64).unwrap_or(usize::MAX),
            1 << (bit % 64),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn store() -> Store {
        Store::open("sqlite::memory:").await.unwrap()
    }

    #[tokio::test]
    async fn it_rules_nothing_out_before_it_has_read_everything_and_never_what_was_answered() {
        let causes = Causes::new();
        causes.add("click:1");
        assert!(causes.may_be("click:1") && causes.may_be("click:2"));
        causes.clone().learn(store().await).await;
        assert!(causes.may_be("click:1") && !causes.may_be("click:2"));
        for n in 0..10_000 {
            causes.add(&format!("run:{n}"));
        }
        assert!((0..10_000).all(|n| causes.may_be(&format!("run:{n}"))));
        let wrong = (0..10_000).filter(|n| causes.may_be(&format!("other:{n}")));
        assert!(wrong.count() < 20);
        causes.add("a\0b");
        assert!(causes.may_be("a\u{2400}b"));
    }
}
