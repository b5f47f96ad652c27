//! The identity of a label set, bit for bit as Prometheus and Alertmanager compute it.

use crate::core::alert::Labels;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;
/// Between names and values; never part of valid UTF-8.
const SEPARATOR: u8 = 0xff;

/// FNV-1a of 64 bits over the labels in the order of their names, as 16 hexadecimal digits
/// (`LabelSet.Fingerprint` of prometheus/common).
#[must_use]
pub fn fingerprint(labels: &Labels) -> String {
    let hash = labels.iter().fold(OFFSET, |hash, (name, value)| {
        let hash = add(hash, name.as_bytes());
        add(hash, value.as_bytes())
    });
    format!("{hash:016x}")
}

fn add(hash: u64, text: &[u8]) -> u64 {
    let bytes = text.iter().chain(&[SEPARATOR]);
    bytes.fold(hash, |h, b| (h ^ u64::from(*b)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_labels_have_the_offset_as_identity() {
        assert_eq!(fingerprint(&Labels::new()), "cbf29ce484222325");
    }

    #[test]
    fn the_identity_is_what_alertmanager_says() {
        // As Alertmanager 0.25 itself answered for these three labels.
        let labels = [
            ("alertname", "DBDown"),
            ("instance", "db1"),
            ("severity", "critical"),
        ];
        let labels = labels.map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(fingerprint(&labels.into()), "8c9f15c485bf57d2");
    }
}
