//! Takes secret-looking text out of output before it is kept or shown.
//!
//! Known shapes only: Slack, AWS and GitHub tokens, `Bearer` credentials, PEM private keys. A shape
//! split between two reads is still one: text is held back until the end of its line, and a longer
//! line until every shape that could have begun in it is decided. Masking is a net, not a promise;
//! an action that prints a password of no known shape prints it.

use regex::Regex;
use std::sync::LazyLock;

/// What stands in for a secret.
pub const MASK: &str = "[masked]";

/// An unfinished line longer than this is let go in pieces, so that memory stays bounded.
const LINE_BYTES: usize = 16 * 1024;

/// Every shape below is recognised within this many bytes of its beginning.
const HOLD_BYTES: usize = 256;

/// Longest private key taken out; a 16,384-bit RSA key in PEM is under 13 KiB. A key that does not
/// end within this is given up on, so that a lone first line cannot hide the rest of the output.
const KEY_BYTES: usize = 16 * 1024;

/// The last line of a private key begins and ends with these, and is shorter than `KEY_LINE_BYTES`.
const KEY_END: (&str, &str) = ("-----END ", "PRIVATE KEY-----");

/// See [`KEY_END`]; as long as the first line, which has the same words.
const KEY_LINE_BYTES: usize = 128;

/// The shapes. `token` is masked, `keep` is not; `key` begins a private key.
static SHAPES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<key>-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY-----)",
        r"|(?P<keep>(?i:bearer)[ \t]{1,8})(?P<bearer>[A-Za-z0-9._~+/=-]{8,})",
        r"|(?P<token>xox[a-z]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}",
        r"|(?:AKIA|ASIA)[A-Z0-9]{16}",
        r"|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,})",
    ))
    // Invariant: a constant pattern, compiled by the tests below.
    .expect("the constant pattern is valid")
});

/// A text without the secrets in it that have a known shape.
#[must_use]
pub fn masked(text: &str) -> String {
    let (mut mask, mut out) = (Mask::default(), String::with_capacity(text.len()));
    mask.push(text, &mut out);
    mask.finish(&mut out);
    out
}

/// Masks a stream of text.
#[derive(Debug, Default)]
pub struct Mask {
    pending: String,
    inside: Inside,
    hits: u64,
}

#[derive(Clone, Copy, Debug, Default)]
enum Inside {
    #[default]
    Nothing,
    /// A masked token that may go on: its characters are dropped.
    Token,
    /// A private key, this many bytes of it dropped so far.
    Key(usize),
}

impl Mask {
    /// How many were masked so far.
    pub fn hits(&self) -> u64 {
        self.hits
    }

    /// Appends to `out` what is certain after this text.
    pub fn push(&mut self, text: &str, out: &mut String) {
        self.pending.push_str(text);
        let line = self.pending.rfind('\n').map_or(0, |at| at + 1);
        let cut = if self.pending.len() - line > LINE_BYTES {
            self.pending
                .floor_char_boundary(self.pending.len() - HOLD_BYTES)
        } else {
            line
        };
        self.release(cut, out);
    }

    /// Appends to `out` what was held back, when no more text comes.
    pub fn finish(&mut self, out: &mut String) {
        self.release(self.pending.len(), out);
        self.pending.clear();
        self.inside = Inside::Nothing;
    }

    /// Lets go of everything before `cut`, and of shapes that begin before it.
    fn release(&mut self, cut: usize, out: &mut String) {
        let text = std::mem::take(&mut self.pending);
        let mut at = 0;
        loop {
            at = match self.inside {
                Inside::Nothing => match self.shape(&text, at, cut, out) {
                    Some(end) => end,
                    None => break,
                },
                Inside::Token => {
                    let end = text[at..]
                        .find(|c: char| !token_char(c))
                        .map_or(text.len(), |n| at + n);
                    if end == text.len() {
                        at = end;
                        break;
                    }
                    self.inside = Inside::Nothing;
                    end
                }
                Inside::Key(dropped) => {
                    let end = self.key(&text, at, dropped);
                    if matches!(self.inside, Inside::Key(_)) {
                        at = end;
                        break;
                    }
                    end
                }
            };
        }
        if matches!(self.inside, Inside::Nothing) && at < cut {
            out.push_str(&text[at..cut]);
            at = cut;
        }
        self.pending.push_str(&text[at..]);
    }

    /// Masks the next shape that begins in `at..cut`; answers where it ends.
    fn shape(&mut self, text: &str, at: usize, cut: usize, out: &mut String) -> Option<usize> {
        let found = SHAPES.captures_at(text, at)?;
        let whole = found.get_match();
        if whole.start() >= cut {
            return None;
        }
        out.push_str(&text[at..whole.start()]);
        if let Some(keep) = found.name("keep") {
            out.push_str(keep.as_str());
        }
        out.push_str(MASK);
        self.hits += 1;
        if found.name("key").is_some() {
            self.inside = Inside::Key(0);
        } else if whole.end() == text.len() {
            self.inside = Inside::Token;
        }
        Some(whole.end())
    }

    /// Drops a private key from `at` on; answers where the text after it, or what must be kept, begins.
    fn key(&mut self, text: &str, at: usize, dropped: usize) -> usize {
        let last_line = text[at..].find(KEY_END.0).and_then(|begin| {
            let end = text[at + begin..].find(KEY_END.1)?;
            Some(begin + end + KEY_END.1.len())
        });
        if let Some(len) = last_line.filter(|len| dropped + len <= KEY_BYTES) {
            self.inside = Inside::Nothing;
            return at + len;
        }
        let room = KEY_BYTES.saturating_sub(dropped);
        if text.len() - at > room {
            self.inside = Inside::Nothing;
            return text.floor_char_boundary(at + room).max(at);
        }
        // The last line may itself be split.
        let keep = text
            .floor_char_boundary(text.len().saturating_sub(KEY_LINE_BYTES))
            .max(at);
        self.inside = Inside::Key(dropped + keep - at);
        keep
    }
}

fn token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(chunks: &[&str]) -> String {
        let (mut mask, mut out) = (Mask::default(), String::new());
        for chunk in chunks {
            mask.push(chunk, &mut out);
        }
        mask.finish(&mut out);
        out
    }

    const KEY: &str =
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\ndef+/=\n-----END RSA PRIVATE KEY-----";

    #[test]
    fn a_secret_is_masked_wherever_it_is_split() {
        let cases = [
            ("a xoxb-1234567890-abcdefghij z", "a [masked] z"),
            ("key=AKIAIOSFODNN7EXAMPLE;", "key=[masked];"),
            ("ghp_0123456789abcdefABCDEF0123456789abcd\n", "[masked]\n"),
            (
                "Authorization: Bearer eyJhbGciOi.eyJz_d-Q=\r",
                "Authorization: Bearer [masked]\r",
            ),
            ("bearer\tabcdefgh12345678 tail", "bearer\t[masked] tail"),
        ];
        for (raw, want) in cases {
            for i in 0..=raw.len() {
                for j in i..=raw.len() {
                    let got = masked(&[&raw[..i], &raw[i..j], &raw[j..]]);
                    assert_eq!(got, want, "{raw:?} split at {i} and {j}");
                }
            }
        }
    }

    #[test]
    fn a_private_key_is_masked_wherever_it_is_split() {
        let raw = format!("before\n{KEY}\nafter\n");
        for at in 0..=raw.len() {
            assert_eq!(
                masked(&[&raw[..at], &raw[at..]]),
                "before\n[masked]\nafter\n",
                "split at {at}"
            );
        }
        let bytewise: Vec<&str> = raw.split("").collect();
        assert_eq!(masked(&bytewise), "before\n[masked]\nafter\n");
        let twice = format!("-----BEGIN RSA PRIVATE KEY-----\n{KEY}");
        assert_eq!(masked(&[&twice]), MASK);
    }

    #[test]
    fn a_secret_in_a_line_without_an_end_is_masked_too() {
        let secret = "xoxb-1234567890-abcdefghij";
        for lead in [0, 1, LINE_BYTES - 10, LINE_BYTES, LINE_BYTES + HOLD_BYTES] {
            let raw = format!(
                "{}{secret} {}",
                ".".repeat(lead),
                ".".repeat(LINE_BYTES * 2)
            );
            for size in [100, 4096, 8191] {
                let (mut mask, mut out) = (Mask::default(), String::new());
                for chunk in raw.as_bytes().chunks(size) {
                    mask.push(std::str::from_utf8(chunk).unwrap(), &mut out);
                }
                mask.finish(&mut out);
                assert_eq!(
                    out,
                    raw.replace(secret, MASK),
                    "lead {lead}, chunks of {size}"
                );
            }
        }
    }

    #[test]
    fn a_token_longer_than_the_held_back_text_is_masked_whole() {
        let long = format!("xoxb-{} end", "a1".repeat(LINE_BYTES * 2));
        let (mut mask, mut out) = (Mask::default(), String::new());
        for chunk in long.as_bytes().chunks(1000) {
            mask.push(std::str::from_utf8(chunk).unwrap(), &mut out);
        }
        mask.finish(&mut out);
        assert_eq!(out, "[masked] end");
    }

    #[test]
    fn a_private_key_that_never_ends_does_not_hide_the_rest() {
        let raw = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\nthe end\n",
            "word\n".repeat(KEY_BYTES)
        );
        let (mut mask, mut out) = (Mask::default(), String::new());
        for chunk in raw.as_bytes().chunks(3000) {
            mask.push(std::str::from_utf8(chunk).unwrap(), &mut out);
        }
        mask.finish(&mut out);
        assert!(out.starts_with(MASK));
        assert!(out.ends_with("\nthe end\n"));
        assert_eq!(out.len(), raw.len() - 27 - KEY_BYTES + MASK.len());
    }

    #[test]
    fn ordinary_text_passes_unchanged_and_line_by_line() {
        let (mut mask, mut out) = (Mask::default(), String::new());
        mask.push("one\ntw", &mut out);
        assert_eq!(out, "one\n");
        mask.push("o\n", &mut out);
        assert_eq!(out, "one\ntwo\n");
        for text in ["the bearer of news", "xoxo-", "ghp_short", "AKIA", "žluť\n"] {
            assert_eq!(masked(&[text]), text);
        }
    }
}
