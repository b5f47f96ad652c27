//! Takes the exact secrets of a run out of what it writes, in every form programs like to print them.
//!
//! Works on bytes, before anything else reads them, and across the borders of chunks: what could be
//! the beginning of a secret is held back until it is decided, and nothing else is. A secret is
//! looked for as it is, line by line, in base64 (in the middle of other bytes too, which has three
//! alignments), in hexadecimal, percent-encoded and escaped as in JSON.
//!
//! Known limit: a form nobody thought of (reversed, compressed, one character a line) passes.

use super::mask::MASK;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use std::collections::BTreeSet;

/// Shorter ones are not looked for: masking every `on` or `42` would make output unreadable, and
/// protects nothing.
const SHORTEST: usize = 4;
/// A single line of a longer secret counts as one itself from this length on.
const SHORTEST_LINE: usize = 8;

/// Masks exact values in a stream of bytes.
#[derive(Debug, Default)]
pub struct Veil {
    /// Longest first; none is empty.
    forms: Vec<Vec<u8>>,
    /// Whether a form begins with this byte.
    begins: Vec<bool>,
    held: Vec<u8>,
    hits: u64,
}

impl Veil {
    /// A veil over these secrets; with none it lets everything through.
    #[must_use]
    pub fn over<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Veil {
        let mut forms = BTreeSet::new();
        for secret in secrets {
            let whole = secret.trim_matches(['\r', '\n']);
            for part in [secret, whole].into_iter().chain(lines(whole)) {
                if part.len() >= SHORTEST {
                    forms.extend(variants(part));
                }
            }
        }
        let mut forms: Vec<Vec<u8>> = forms.into_iter().filter(|f| f.len() >= SHORTEST).collect();
        forms.sort_by_key(|f| std::cmp::Reverse(f.len()));
        let mut begins = vec![false; 256];
        for form in &forms {
            begins[usize::from(form[0])] = true;
        }
        Veil {
            forms,
            begins,
            held: Vec::new(),
            hits: 0,
        }
    }

    /// How many were masked so far.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits
    }

    /// Appends to `out` what is certain after these bytes.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.forms.is_empty() {
            out.extend_from_slice(bytes);
            return;
        }
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(bytes);
        let kept = self.pass(&text, false, out);
        text.drain(..kept);
        self.held = text;
    }

    /// Appends to `out` what was held back, when no more bytes come.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let text = std::mem::take(&mut self.held);
        self.pass(&text, true, out);
    }

    /// Masks `text`; answers up to where it is decided.
    fn pass(&mut self, text: &[u8], last: bool, out: &mut Vec<u8>) -> usize {
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if !self.begins[usize::from(rest[0])] {
                out.push(rest[0]);
                at += 1;
                continue;
            }
            // Longest first: while a longer form may still come, a shorter one is not masked alone.
            let begun = |f: &&Vec<u8>| {
                rest.starts_with(f) || (!last && f.len() > rest.len() && f.starts_with(rest))
            };
            match self.forms.iter().find(begun) {
                Some(form) if form.len() <= rest.len() => {
                    out.extend_from_slice(MASK.as_bytes());
                    self.hits += 1;
                    at += form.len();
                }
                Some(_) => return at,
                None => {
                    out.push(rest[0]);
                    at += 1;
                }
            }
        }
        at
    }
}

fn lines(secret: &str) -> impl Iterator<Item = &str> {
    let several = secret.contains('\n');
    secret
        .lines()
        .map(str::trim)
        .filter(move |l| several && l.len() >= SHORTEST_LINE)
}

/// Every form a program may print it in.
fn variants(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let hex = |upper: bool| -> String {
        let digit = |b: &u8| {
            if upper {
                format!("{b:02X}")
            } else {
                format!("{b:02x}")
            }
        };
        bytes.iter().map(digit).collect()
    };
    let mut forms = vec![secret.to_owned(), hex(true), hex(false)];
    for lower in [false, true] {
        // RFC 3986, HTML forms, JavaScript.
        forms.push(percent(bytes, lower, false, b"-._~"));
        forms.push(percent(bytes, lower, true, b"-._*"));
        forms.push(percent(bytes, lower, false, b"-._~!*'()"));
    }
    // Every byte, as what hides from a filter does.
    for digits in [hex(true), hex(false)] {
        let pairs = digits.as_bytes().chunks(2);
        forms.push(
            pairs
                .flat_map(|p| ['%', p[0].into(), p[1].into()])
                .collect(),
        );
    }
    forms.extend(in_json(secret));
    forms.push(STANDARD.encode(bytes));
    forms.push(URL_SAFE.encode(bytes));
    for before in 0..3 {
        forms.push(base64(bytes, before, &STANDARD_NO_PAD));
        forms.push(base64(bytes, before, &URL_SAFE_NO_PAD));
    }
    forms.into_iter().map(String::into_bytes).collect()
}

/// The characters that every base64 text has in which these bytes follow `before` others (modulo 3).
fn base64(bytes: &[u8], before: usize, engine: &impl base64::Engine) -> String {
    let mut padded = vec![0; before];
    padded.extend_from_slice(bytes);
    let text = engine.encode(&padded);
    // The first characters hold bits of what stands before, the last one those of what follows.
    let from = (before * 8).div_ceil(6);
    let until = padded.len() * 8 / 6;
    text[from.min(until)..until].to_owned()
}

/// `lower`: hexadecimal in small letters; `plus`: a space is a plus, as in forms.
fn percent(bytes: &[u8], lower: bool, plus: bool, plain: &[u8]) -> String {
    let one = |b: &u8| match b {
        b' ' if plus => "+".to_owned(),
        b if b.is_ascii_alphanumeric() || plain.contains(b) => char::from(*b).to_string(),
        b if lower => format!("%{b:02x}"),
        b => format!("%{b:02X}"),
    };
    bytes.iter().map(one).collect()
}

/// As a JSON string without its quotes: as short as can be, with escaped slashes, and in ASCII.
fn in_json(secret: &str) -> Vec<String> {
    let short = serde_json::to_string(secret).unwrap_or_default();
    let short = short.trim_start_matches('"');
    let short = short.strip_suffix('"').unwrap_or(short).to_owned();
    let ascii = |text: &str| -> String {
        let mut units = [0; 2];
        let one = |c: char| match c {
            c if c.is_ascii() => c.to_string(),
            c => c
                .encode_utf16(&mut units)
                .iter()
                .map(|u| format!("\\u{u:04x}"))
                .collect(),
        };
        text.chars().map(one).collect()
    };
    // As Go's encoder does.
    let html = ["<", ">", "&"].iter().fold(short.clone(), |t, c| {
        t.replace(c, &format!("\\u{:04x}", u32::from(c.as_bytes()[0])))
    });
    let slashes = short.replace('/', "\\/");
    vec![ascii(&short), ascii(&slashes), html, slashes, short]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: [&str; 4] = [
        "s3cr3t/+ \"pass\" wörd",
        "aaaaab",
        "correct horse battery staple",
        "p&q<r>'s",
    ];

    fn through(veil: &mut Veil, chunks: &[&[u8]]) -> String {
        let mut out = Vec::new();
        for chunk in chunks {
            veil.push(chunk, &mut out);
        }
        veil.finish(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// What programs print of a secret, in the middle of other text.
    fn printed(secret: &str) -> Vec<String> {
        let b = secret.as_bytes();
        let mut all = vec![
            secret.to_owned(),
            STANDARD.encode(secret),
            URL_SAFE.encode(secret),
            STANDARD.encode(format!("u:{secret}")),
            STANDARD.encode(format!("user:{secret}")),
            STANDARD.encode(format!("me:{secret}\n")),
            URL_SAFE.encode(format!("x{secret}yz")),
            b.iter().map(|b| format!("{b:02x}")).collect(),
            b.iter().map(|b| format!("{b:02X}")).collect(),
            serde_json::to_string(secret).unwrap(),
            serde_json::to_string(secret).unwrap().replace('/', "\\/"),
        ];
        let client = reqwest::Url::parse_with_params("http://h/", [("p", secret)]).unwrap();
        all.push(client.query().unwrap().to_owned());
        all.push(percent(b, false, false, b"-._~"));
        all.push(percent(b, true, false, b"-._~!*'()"));
        all
    }

    #[test]
    fn every_form_is_masked_wherever_it_is_split() {
        for secret in SECRETS {
            for form in printed(secret) {
                let raw = format!("before={form};after");
                for at in 0..=raw.len() {
                    let (a, b) = raw.as_bytes().split_at(at);
                    let mut veil = Veil::over(SECRETS);
                    let got = through(&mut veil, &[a, b]);
                    assert!(got.contains(MASK), "{raw:?} split at {at}: {got:?}");
                    assert!(got.starts_with("before=") && got.ends_with(";after"));
                    assert!(veil.hits() > 0);
                    // Of an encoding only the two characters it shares with its neighbours may stay.
                    let left = got.len() - MASK.len() - "before=;after".len();
                    assert!(left <= 22, "{raw:?} split at {at}: {got:?}");
                    assert!(!got.contains(&form), "{got:?}");
                }
                let bytes: Vec<&[u8]> = raw.as_bytes().chunks(1).collect();
                assert!(through(&mut Veil::over(SECRETS), &bytes).contains(MASK));
            }
        }
    }

    #[test]
    fn nothing_else_is_changed_or_kept_back() {
        let text = "aaaa aaaab s3cr3 corre\nct horse \u{fffd} plain text, %20, QUJD";
        let mut veil = Veil::over(SECRETS);
        assert_eq!(through(&mut veil, &[text.as_bytes()]), text);
        assert_eq!(veil.hits(), 0);
        let mut out = Vec::new();
        veil.push(b"a line\n", &mut out);
        assert_eq!(out, b"a line\n");
        let mut none = Veil::over([]);
        assert_eq!(through(&mut none, &[b"a\xffb"]), "a\u{fffd}b");
    }

    #[test]
    fn of_two_that_begin_alike_the_longer_is_masked_whole() {
        let mut veil = Veil::over(["token-1", "token-1234"]);
        assert_eq!(
            through(&mut veil, &[b"token-1", b"234 token-1."]),
            format!("{MASK} {MASK}.")
        );
    }

    #[test]
    fn a_run_of_its_first_letter_hides_no_secret() {
        let mut veil = Veil::over(["aaaaab"]);
        assert_eq!(
            through(&mut veil, &[b"aaaaaaaa", b"aab."]),
            format!("aaaaa{MASK}.")
        );
    }

    #[test]
    fn each_line_of_a_long_secret_counts() {
        let key = "-----BEGIN X-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END X-----\n";
        let mut veil = Veil::over([key]);
        assert_eq!(
            through(&mut veil, &[b"one MIIEvQIBADANBg two"]),
            format!("one {MASK} two")
        );
        assert_eq!(
            through(&mut Veil::over(["on"]), &[b"on and on"]),
            "on and on"
        );
    }

    #[test]
    fn random_secrets_in_random_chunks_never_survive() {
        let seed = std::env::var("FIREBELL_SEED")
            .ok()
            .and_then(|s| s.parse().ok());
        let seed = seed.unwrap_or_else(|| fastrand::u64(..));
        println!("FIREBELL_SEED={seed}");
        let mut dice = fastrand::Rng::with_seed(seed);
        for _ in 0..300 {
            let secret: String = (0..dice.usize(6..40))
                .map(|_| dice.char(' '..'\u{17f}'))
                .collect();
            let forms = printed(&secret);
            let raw: String = (0..8)
                .map(|_| format!("{} ", dice.choice(&forms).unwrap()))
                .collect();
            let mut veil = Veil::over([secret.as_str()]);
            let mut out = Vec::new();
            let mut rest = raw.as_bytes();
            while !rest.is_empty() {
                let (now, later) = rest.split_at(dice.usize(1..=rest.len().min(17)));
                veil.push(now, &mut out);
                rest = later;
            }
            veil.finish(&mut out);
            let got = String::from_utf8_lossy(&out);
            assert!(veil.hits() >= 8, "{secret:?}: {got}");
            assert!(!got.contains(&secret), "{secret:?}: {got}");
        }
    }
}
