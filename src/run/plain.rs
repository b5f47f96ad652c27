//! From a program's bytes to plain text: lossy UTF-8 without terminal sequences and control characters.
//!
//! Output is shown in browsers, chats and terminals, and part of it is attacker-controlled (a log
//! line, a request path). What could move a cursor, set a title or reverse the reading direction
//! is taken out; a sequence that never ends is given up on, so that it cannot swallow the rest.

use std::mem;

/// Longest control sequence taken out; what follows is text again. xterm's own limit is similar.
const CSI_CHARS: usize = 128;

/// Longest operating-system command taken out. Titles and links are far shorter.
const OSC_CHARS: usize = 4096;

/// Turns chunks of bytes into plain text. A character or sequence split between two chunks is one.
#[derive(Debug, Default)]
pub struct Plain {
    /// The beginning of a character whose other bytes have not come yet; at most three bytes.
    partial: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After a carriage return: a line end, whether or not a line feed follows.
    Return,
    /// After ESC, also the one that ends a string.
    Escape,
    /// After ESC and an intermediate character: one more ends it.
    Designate,
    /// In a control sequence, this many characters long so far.
    Csi(usize),
    /// In a string (OSC, DCS, PM, APC, SOS), this many characters long so far.
    Osc(usize),
}

impl Plain {
    /// The text of these bytes, as far as it is certain.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut out = String::with_capacity(bytes.len());
        let joined;
        let mut rest = if self.partial.is_empty() {
            bytes
        } else {
            let mut whole = mem::take(&mut self.partial);
            whole.extend_from_slice(bytes);
            joined = whole;
            &joined
        };
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.text(text, &mut out);
                    return out;
                }
                Err(fault) => {
                    let (good, bad) = rest.split_at(fault.valid_up_to());
                    // Valid by `valid_up_to`; nothing is lost in the lossy reading.
                    self.text(&String::from_utf8_lossy(good), &mut out);
                    let Some(len) = fault.error_len() else {
                        self.partial = bad.to_vec();
                        return out;
                    };
                    self.char('\u{FFFD}', &mut out);
                    rest = &bad[len..];
                }
            }
        }
    }

    /// What was held back, when no more bytes come.
    pub fn finish(&mut self) -> String {
        let mut out = String::new();
        if !mem::take(&mut self.partial).is_empty() {
            self.char('\u{FFFD}', &mut out);
        }
        if mem::take(&mut self.state) == State::Return {
            out.push('\n');
        }
        out
    }

    fn text(&mut self, text: &str, out: &mut String) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.state == State::Text {
                // The common case, a run of printable characters, is copied whole.
                let plain = rest.find(special).unwrap_or(rest.len());
                out.push_str(&rest[..plain]);
                rest = &rest[plain..];
            }
            let mut chars = rest.chars();
            if let Some(c) = chars.next() {
                self.char(c, out);
            }
            rest = chars.as_str();
        }
    }

    fn char(&mut self, c: char, out: &mut String) {
        self.state = match (self.state, c) {
            (State::Return, '\n') => {
                out.push('\n');
                State::Text
            }
            (State::Return, '\r') => State::Return,
            (State::Return, _) => {
                out.push('\n');
                plain(c, out)
            }
            (State::Text, _) => plain(c, out),
            (State::Escape, '[') => State::Csi(0),
            (State::Escape, ']' | 'P' | 'X' | '^' | '_') => State::Osc(0),
            (State::Escape, ' '..='/') => State::Designate,
            (State::Escape, '0'..='~') | (State::Designate, ' '..='~') => State::Text,
            (State::Csi(n), ' '..='?') if n < CSI_CHARS => State::Csi(n + 1),
            (State::Csi(_), '@'..='~') => State::Text,
            (State::Osc(_), '\u{07}' | '\u{9C}') => State::Text,
            // The string terminator is ESC and a backslash; ESC and anything else begins anew.
            (State::Osc(_), '\u{1B}') => State::Escape,
            (State::Osc(n), _)
                if n < OSC_CHARS && !matches!(c, '\n' | '\r' | '\u{18}' | '\u{1A}') =>
            {
                State::Osc(n + 1)
            }
            // Not a sequence after all, or too long a one: this character is text again.
            _ => plain(c, out),
        };
    }
}

/// A character outside any sequence.
fn plain(c: char, out: &mut String) -> State {
    match c {
        '\u{1B}' => return State::Escape,
        '\u{9B}' => return State::Csi(0),
        '\u{90}' | '\u{98}' | '\u{9D}' | '\u{9E}' | '\u{9F}' => return State::Osc(0),
        '\r' => return State::Return,
        '\n' | '\t' => out.push(c),
        _ if special(c) => {}
        _ => out.push(c),
    }
    State::Text
}

/// Control characters, direction marks and overrides, and zero-width characters that join nothing.
fn special(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(chunks: &[&[u8]]) -> String {
        let mut plain = Plain::default();
        let mut out: String = chunks.iter().map(|c| plain.push(c)).collect();
        out.push_str(&plain.finish());
        out
    }

    #[test]
    fn terminal_sequences_are_taken_out_wherever_they_are_split() {
        let cases: [(&str, &str); 11] = [
            ("\x1b[1;31mred\x1b[0m", "red"),
            ("\x1b]0;title\x07after", "after"),
            ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1bP1;2|dcs\x1b\\x", "x"),
            ("\x1b(Bcharset", "charset"),
            ("\x1b7save\x1b8", "save"),
            ("\u{9b}31mC1", "C1"),
            ("a\x08b\x00c\x7f", "abc"),
            ("10%\r20%\r\nend\r", "10%\n20%\nend\n"),
            ("tab\tkept\n", "tab\tkept\n"),
            ("evil\u{202e}txt\u{200b}", "eviltxt"),
        ];
        for (raw, want) in cases {
            for at in 0..=raw.len() {
                let (a, b) = raw.as_bytes().split_at(at);
                assert_eq!(all(&[a, b]), want, "{raw:?} split at {at}");
            }
        }
    }

    #[test]
    fn a_character_split_between_chunks_is_one_character() {
        let text = "žluťoučký 🐎 €";
        for at in 0..=text.len() {
            let (a, b) = text.as_bytes().split_at(at);
            assert_eq!(all(&[a, b]), text, "split at {at}");
        }
        assert_eq!(all(&[b"a\xffb\xc3"]), "a\u{FFFD}b\u{FFFD}");
    }

    #[test]
    fn a_sequence_that_never_ends_does_not_swallow_the_rest() {
        let open = format!("\x1b]0;{}", "x".repeat(OSC_CHARS * 2));
        assert!(all(&[open.as_bytes()]).len() >= OSC_CHARS - 4);
        assert_eq!(all(&[b"\x1b]0;open\nnext line"]), "\nnext line");
        let digits = format!("\x1b[{}", "1".repeat(CSI_CHARS * 2));
        assert!(!all(&[digits.as_bytes()]).is_empty());
        assert_eq!(all(&[b"\x1b[12\nnext"]), "\nnext");
    }
}
