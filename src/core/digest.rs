//! Digests as people and files write them, and over several texts such that no two different lists of
//! texts read alike.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// SHA-256, hex, over each text with its length in bytes (8 bytes, big-endian) in front.
#[must_use]
pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

/// SHA-256 of some bytes, hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cut_elsewhere_have_another_digest() {
        assert_ne!(of(["ab", "c"]), of(["a", "bc"]));
        assert_ne!(of(["ab"]), of(["ab", ""]));
        assert_eq!(of(["ab", "c"]), of(["ab", "c"]));
    }
}
