//! Hostile text into Markdown (`CommonMark`, with GitHub's tables and automatic links).
//!
//! Promises: what goes in is read, never obeyed. No HTML, no link or image, no mention, no table
//! cell and no heading can come out of a value. Nothing is dropped: what cannot be shown safely is
//! shown by its code point.

/// Characters that mean something inside a line.
const STRUCTURAL: &str = "\\`*_{}[]<>|~#&$";
/// Zero-width space: behind an `@` it stops mentions on every forge and chat platform, which look
/// at the rendered text, where a backslash is long gone.
const ZERO_WIDTH: char = '\u{200B}';

/// Words as Markdown that reads as exactly these words, line by line.
#[must_use]
pub fn plain_words(text: &str) -> String {
    text.lines().map(inline).collect::<Vec<_>>().join("\n")
}

/// One line of text. Line breaks become ` ⏎ `.
pub(super) fn inline(text: &str) -> String {
    piece(text.trim())
}

/// A piece of a line, with the spaces at its ends.
pub(super) fn piece(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut out = String::with_capacity(text.len() + 8);
    let chars: Vec<char> = text.chars().collect();
    for (at, c) in chars.iter().copied().enumerate() {
        match c {
            '\n' | '\r' => out.push_str(" ⏎ "),
            '\t' => out.push(' '),
            // Put there by the arm below, when what was escaped once is read and written again.
            ZERO_WIDTH if at > 0 && chars[at - 1] == '@' => {}
            c if invisible(c) => out.push_str(&format!("\\<U+{:04X}\\>", u32::from(c))),
            '@' => out.extend(['@', ZERO_WIDTH]),
            // `scheme://` and `www.` become links by themselves on GitHub.
            ':' if chars.get(at + 1) == Some(&'/') => out.push_str("\\:"),
            '.' if www_before(&chars, at) => out.push_str("\\."),
            // At the beginning these open lists and quotes; `1.` does as well.
            '-' | '+' | '=' if at == 0 => out.extend(['\\', c]),
            '.' | ')' if at > 0 && chars[..at].iter().all(char::is_ascii_digit) => {
                out.extend(['\\', c]);
            }
            c if STRUCTURAL.contains(c) => out.extend(['\\', c]),
            // An exclamation mark before a bracket would make it an image; the bracket is escaped anyway.
            c => out.push(c),
        }
    }
    out
}

/// Text as it is, in a fence longer than any run of backticks in it.
pub(super) fn fence(text: &str) -> String {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let ticks = "`".repeat((longest + 1).max(3));
    let body: String = text
        .replace("\r\n", "\n")
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c.to_string(),
            c if invisible(c) => format!("<U+{:04X}>", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    let end = if body.ends_with('\n') { "" } else { "\n" };
    format!("{ticks}text\n{body}{end}{ticks}\n")
}

/// An address that [`safe`](super::tree::safe) let through, for the round brackets of a link.
pub(super) fn address(url: &str) -> String {
    let url = url.replace('_', "%5F").replace('*', "%2A");
    // A mention in an address is one to some forges.
    if url.to_ascii_lowercase().starts_with("mailto:") {
        url
    } else {
        url.replace('@', "%40")
    }
}

fn www_before(chars: &[char], at: usize) -> bool {
    at >= 3
        && chars[at - 3..at]
            .iter()
            .all(|c| c.eq_ignore_ascii_case(&'w'))
}

/// Control characters, direction overrides and zero-width characters.
pub(super) fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_becomes_markup() {
        for (hostile, safe) in [
            (
                "<script>alert(1)</script>",
                "\\<script\\>alert(1)\\</script\\>",
            ),
            ("[x](javascript:alert(1))", "\\[x\\](javascript:alert(1))"),
            ("a|b", "a\\|b"),
            ("a\\|b", "a\\\\\\|b"),
            ("`rm`", "\\`rm\\`"),
            ("@everyone", "@\u{200B}everyone"),
            ("one\r\n# two", "one ⏎ \\# two"),
            ("see https://evil.example", "see https\\://evil.example"),
            ("WWW.evil.example", "WWW\\.evil.example"),
            ("1. one", "1\\. one"),
            ("- item", "\\- item"),
            ("&lt;b&gt;", "\\&lt;b\\&gt;"),
            ("a\u{202E}b", "a\\<U+202E\\>b"),
        ] {
            assert_eq!(inline(hostile), safe, "{hostile}");
        }
    }

    #[test]
    fn a_fence_cannot_be_closed_from_inside() {
        let out = fence("x\n````\n# free");
        assert!(out.starts_with("`````text\n"), "{out}");
        assert!(out.ends_with("\n`````\n"), "{out}");
    }
}
