//! Small pure helpers on text that people read. Alert text is attacker-controlled: nothing here trusts it.

use std::fmt::Write as _;

/// Whether a character makes a reader see the ones around it in another order, or hides among them
/// (Unicode's directional formatting and marks, its separators, and characters without width).
#[must_use]
pub fn deceives(c: char) -> bool {
    matches!(
        c,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{061c}' | '\u{feff}'
    )
}

/// Cuts to `max` characters; a cut text ends with `…`. Control characters become spaces, and what
/// [`deceives`] is left out.
#[must_use]
pub fn cut(text: &str, max: usize) -> String {
    let clean = text.chars().filter(|c| !deceives(*c));
    let clean = clean.map(|c| if c.is_control() { ' ' } else { c });
    let mut out: String = clean.clone().take(max).collect();
    if clean.count() > max {
        out.pop();
        out.push('…');
    }
    out
}

/// A text in pieces of at most `max` characters; what is blank gives none.
#[must_use]
pub fn pieces(text: &str, max: usize) -> Vec<String> {
    let chars: Vec<char> = text.trim().chars().collect();
    let pieces = chars.chunks(max.max(1));
    pieces.map(|piece| piece.iter().collect()).collect()
}

/// `1 alert`, `3 alerts`.
#[must_use]
pub fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", head.join(", "), last.as_ref())
        }
    }
}

/// Everything outside RFC 3986's unreserved characters becomes `%XX`.
#[must_use]
pub fn percent(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{b:02X}");
        }
        out
    })
}
