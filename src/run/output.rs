//! What a program wrote, as people and the store get it: plain, masked, and of bounded size.

use super::mask::Mask;
use super::plain::Plain;
use super::veil::Veil;
use secrecy::{ExposeSecret, SecretString};

/// Characters of the last lines kept for the timeline and the chat.
pub const TAIL_CHARS: usize = 2000;

/// The output of one run. Memory is bounded by twice the bytes kept, whatever the program writes.
#[derive(Debug)]
pub struct Output {
    veil: Veil,
    plain: Plain,
    mask: Mask,
    /// The first quarter.
    head: String,
    /// What the head may hold; lowered to what it holds once something did not fit.
    head_bytes: usize,
    /// At least the last three quarters.
    recent: String,
    recent_bytes: usize,
    /// Bytes of plain, masked text.
    text_bytes: u64,
    /// Bytes as written.
    bytes: i64,
}

impl Output {
    /// Keeps `bytes` bytes: the first quarter and the last three, because the start says what was
    /// tried and the end says how it went.
    #[must_use]
    pub fn new(bytes: usize) -> Output {
        let head_bytes = bytes / 4;
        Output {
            veil: Veil::default(),
            plain: Plain::default(),
            mask: Mask::default(),
            head: String::new(),
            head_bytes,
            recent: String::new(),
            recent_bytes: bytes - head_bytes,
            text_bytes: 0,
            bytes: 0,
        }
    }

    /// Without these secrets, in whatever form they are written.
    #[must_use]
    pub fn without(mut self, secrets: &[SecretString]) -> Output {
        self.veil = Veil::over(secrets.iter().map(ExposeSecret::expose_secret));
        self
    }

    /// Takes bytes as the program wrote them.
    pub fn push(&mut self, bytes: &[u8]) {
        let count = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        self.bytes = self.bytes.saturating_add(count);
        let mut unveiled = Vec::with_capacity(bytes.len());
        self.veil.push(bytes, &mut unveiled);
        let text = self.plain.push(&unveiled);
        let mut clean = String::with_capacity(text.len());
        self.mask.push(&text, &mut clean);
        self.keep(&clean);
    }

    /// Takes what was held back, when no more bytes come.
    pub fn finish(&mut self) {
        let mut last = Vec::new();
        self.veil.finish(&mut last);
        let mut text = self.plain.push(&last);
        text.push_str(&self.plain.finish());
        let mut clean = String::new();
        self.mask.push(&text, &mut clean);
        self.mask.finish(&mut clean);
        self.keep(&clean);
    }

    /// Bytes the program wrote in all.
    #[must_use]
    pub fn bytes(&self) -> i64 {
        self.bytes
    }

    /// How many secrets were masked so far, exact ones and known shapes.
    #[must_use]
    pub fn masked(&self) -> u64 {
        self.veil.hits() + self.mask.hits()
    }

    /// Bytes of text in the middle that are not kept.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        let recent = last_bytes(&self.recent, self.recent_bytes);
        (self.text_bytes).saturating_sub((self.head.len() + recent.len()) as u64)
    }

    /// The text kept; a line says how many bytes are missing in the middle.
    #[must_use]
    pub fn text(&self) -> String {
        let recent = last_bytes(&self.recent, self.recent_bytes);
        let kept = (self.head.len() + recent.len()) as u64;
        let left_out = self.text_bytes.saturating_sub(kept);
        if left_out == 0 {
            return format!("{}{recent}", self.head);
        }
        let line_end = if self.head.is_empty() || self.head.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        format!(
            "{}{line_end}… {} bytes left out …\n{recent}",
            self.head,
            grouped(left_out)
        )
    }

    /// The last lines, at most [`TAIL_CHARS`] characters; a line cut at its start begins with `…`.
    #[must_use]
    pub fn tail(&self) -> String {
        tail(self.text().trim_end_matches('\n'))
    }

    fn keep(&mut self, text: &str) {
        self.text_bytes += text.len() as u64;
        let mut rest = text;
        if self.head.len() < self.head_bytes {
            let room = rest.floor_char_boundary(self.head_bytes - self.head.len());
            self.head.push_str(&rest[..room]);
            rest = &rest[room..];
            if !rest.is_empty() {
                self.head_bytes = self.head.len();
            }
        }
        self.recent.push_str(rest);
        // Trimmed at twice the size, so that each byte is moved at most once on average.
        if self.recent.len() > 2 * self.recent_bytes {
            let from = self.recent.len() - last_bytes(&self.recent, self.recent_bytes).len();
            self.recent.drain(..from);
        }
    }
}

/// The last `max` bytes, from a character on.
fn last_bytes(text: &str, max: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(max))..]
}

fn tail(text: &str) -> String {
    let Some((from, _)) = text.char_indices().rev().nth(TAIL_CHARS - 1) else {
        return text.to_owned();
    };
    if from == 0 || text[..from].ends_with('\n') {
        return text[from..].to_owned();
    }
    match text[from..].find('\n') {
        Some(end) => text[from + end + 1..].to_owned(),
        None => {
            let mut rest = text[from..].chars();
            rest.next();
            format!("…{}", rest.as_str())
        }
    }
}

/// `12345` as `12,345`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(d);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(limit: usize, chunks: &[&str]) -> Output {
        let mut output = Output::new(limit);
        for chunk in chunks {
            output.push(chunk.as_bytes());
        }
        output.finish();
        output
    }

    #[test]
    fn what_fits_is_kept_whole() {
        for text in ["", "a", "exactly sixteen\n"] {
            assert_eq!(of(16, &[text]).text(), text);
        }
    }

    #[test]
    fn what_does_not_fit_keeps_its_start_and_end_and_counts_the_rest() {
        let lines: String = (0..10_000).map(|n| format!("line {n:05}\n")).collect();
        for size in [1, 7, 1000, lines.len()] {
            let mut output = Output::new(440);
            for chunk in lines.as_bytes().chunks(size) {
                output.push(chunk);
            }
            output.finish();
            let text = output.text();
            assert_eq!(output.bytes(), 110_000);
            assert!(text.starts_with("line 00000\n"), "{text}");
            assert!(
                text.contains("line 00009\n… 109,560 bytes left out …\nline 09970\n"),
                "{text}"
            );
            assert!(text.ends_with("line 09999\n"));
        }
    }

    #[test]
    fn the_cut_never_splits_a_character() {
        let text = "ž".repeat(1000);
        for limit in 0..20 {
            let out = of(limit, &[&text]).text();
            assert!(out.contains("bytes left out"), "{limit}: {out}");
            assert!(!out.contains('\u{FFFD}'));
        }
    }

    #[test]
    fn the_tail_is_whole_lines_within_its_limit() {
        let lines: String = (0..1000).map(|n| format!("line {n:04}\n")).collect();
        let tail_of = of(1_000_000, &[&lines]).tail();
        assert!(tail_of.chars().count() <= TAIL_CHARS);
        assert!(
            tail_of.starts_with("line 0800\n") && tail_of.ends_with("line 0999"),
            "{tail_of}"
        );
        let long = of(1_000_000, &[&"ž".repeat(5000)]).tail();
        assert_eq!(long.chars().count(), TAIL_CHARS);
        assert!(long.starts_with('…'));
        assert_eq!(of(1000, &["short\n"]).tail(), "short");
        assert_eq!(tail(&"a".repeat(TAIL_CHARS)).len(), TAIL_CHARS);
    }
}
