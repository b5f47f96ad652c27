//! Knowing an unchanged repeat by its raw text, without reading it.
//!
//! A firing alert is sent again every minute or so with nothing but a later end. The hash of its
//! raw text under a key nobody outside this process knows tells such a repeat from a change: 128
//! bits, so that a change is never taken for a repeat by chance, and the key, so that nobody can
//! look for two texts with the same hash. Another order of the labels or other white space only
//! costs the slow path.

use xxhash_rust::xxh3::xxh3_128_with_secret;

/// XXH3's own secret has this many bytes.
const SECRET_BYTES: usize = 192;

/// Spreads each piece over all 128 bits before the next one is added; odd, so nothing is lost.
const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// Stands for a field that was not sent, which differs from every field that was.
const ABSENT: u128 = 0x243f_6a88_85a3_08d3_1319_8a2e_0370_7344;

/// The key of this process.
pub struct RepeatKey {
    secret: Box<[u8; SECRET_BYTES]>,
}

impl RepeatKey {
    /// A key from a generator of random bytes.
    pub fn new(mut random: impl FnMut() -> [u8; 16]) -> RepeatKey {
        let mut secret = Box::new([0; SECRET_BYTES]);
        for chunk in secret.chunks_exact_mut(16) {
            chunk.copy_from_slice(&random());
        }
        RepeatKey { secret }
    }

    /// The hash of a text that all alerts of a request have in common: its source.
    #[must_use]
    pub fn start(&self, source: &str) -> u128 {
        self.piece(source)
    }

    /// The hash of fields in their order, on top of [`RepeatKey::start`].
    #[must_use]
    pub fn hash(&self, start: u128, fields: &[Option<&str>]) -> u128 {
        fields.iter().fold(start, |sum, field| {
            let piece = field.map_or(ABSENT, |text| self.piece(text));
            (sum.rotate_left(29) ^ piece).wrapping_mul(SPREAD)
        })
    }

    fn piece(&self, text: &str) -> u128 {
        xxh3_128_with_secret(text.as_bytes(), &self.secret[..])
    }
}

impl std::fmt::Debug for RepeatKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RepeatKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u64) -> RepeatKey {
        let mut rng = fastrand::Rng::with_seed(seed);
        RepeatKey::new(|| rng.u128(..).to_le_bytes())
    }

    #[test]
    fn only_the_same_fields_of_the_same_source_have_the_same_hash() {
        let key = key(1);
        let of = |source: &str, fields: &[Option<&str>]| key.hash(key.start(source), fields);
        let all = [
            of("a", &[Some("x"), Some("y")]),
            of("b", &[Some("x"), Some("y")]),
            of("a", &[Some("y"), Some("x")]),
            of("a", &[Some("xy"), Some("")]),
            of("a", &[Some("x"), None]),
            of("a", &[None, Some("x")]),
            of("a", &[Some("x"), Some("y"), None]),
        ];
        assert_eq!(all[0], of("a", &[Some("x"), Some("y")]));
        let distinct: std::collections::BTreeSet<u128> = all.into();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn another_process_hashes_otherwise() {
        let fields = [Some("x")];
        let (one, two) = (key(1), key(2));
        assert_ne!(
            one.hash(one.start("a"), &fields),
            two.hash(two.start("a"), &fields)
        );
    }
}
