//! Words for Discord: escaped so that text of an alert or a person formats, links and mentions
//! nothing, cut to a message's room, and marked so that firebell finds its own messages again.
//!
//! Only what Discord would read as a sign is escaped: a phone's notification shows the text as it
//! was sent, and `14:05` or `checkout_api` must stay readable there.

use crate::core::text::deceives;
use sha2::{Digest, Sha256};

/// Characters of a message's content.
pub(super) const CONTENT_CHARS: usize = 2000;
/// Characters of a nonce that are used; Discord takes 25.
const NONCE_CHARS: usize = 24;
/// In front of the mark of a message: Discord draws such a line small and grey.
const MARK: &str = "-# ";

/// Plain text as Discord's markdown that reads the same. Line breaks stay.
#[must_use]
pub fn escape(text: &str) -> String {
    let chars: Vec<char> = text.chars().filter(|c| !deceives(*c)).collect();
    // A bracket opens a link only when some `](` closes its label.
    let links = text.contains("](");
    let mut out = String::with_capacity(text.len() + 8);
    let mut line_start = true;
    for (at, c) in chars.iter().copied().enumerate() {
        let before = at.checked_sub(1).map(|n| chars[n]);
        let after = chars.get(at + 1).copied();
        if sign(c, before, after, line_start, links) || name(&chars[at..]) {
            out.push('\\');
        }
        out.push(if c.is_control() && c != '\n' { ' ' } else { c });
        line_start = c == '\n' || line_start && c.is_whitespace();
    }
    out
}

/// Whether Discord would read this character as a sign rather than show it.
fn sign(c: char, before: Option<char>, after: Option<char>, line_start: bool, links: bool) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let pair = after == Some(c) || before == Some(c);
    let blank = after.is_none_or(char::is_whitespace);
    match c {
        '\\' | '*' | '`' => true,
        '_' => !(word(before) && word(after)),
        '~' | '|' => pair,
        '[' => links,
        '<' => !blank && !after.is_some_and(|c| c.is_ascii_digit() || c == '='),
        // A scheme: nothing becomes a link by itself.
        ':' => after == Some('/'),
        '#' => line_start && (blank || after == Some('#')),
        '>' => line_start && (blank || after == Some('>')),
        '-' => line_start && (blank || after == Some('#')),
        '+' => line_start && blank,
        _ => false,
    }
}

/// `@everyone` and `@here`, which ring nobody without leave but look as if they did.
fn name(rest: &[char]) -> bool {
    let begins = |word: &str| {
        let mut word = word.chars();
        rest.iter()
            .skip(1)
            .zip(word.by_ref())
            .filter(|(a, b)| a.to_ascii_lowercase() == *b)
            .count()
    };
    rest.first() == Some(&'@') && (begins("everyone") == 8 || begins("here") == 4)
}

/// The same without escapes, where Discord shows text as it is (footers, labels, topics).
#[must_use]
pub fn plain(text: &str) -> String {
    let kept = text.chars().filter(|c| !deceives(*c));
    kept.map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect()
}

/// At most so many characters; what was cut ends with `…`.
#[must_use]
pub fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    // Half an escape would escape the ellipsis, or leave a sign without one.
    let slashes = short.chars().rev().take_while(|c| *c == '\\').count();
    if slashes % 2 == 1 {
        short.pop();
    }
    short.push('…');
    short
}

/// Escaped and cut: the escaped text is at most so many characters.
#[must_use]
pub fn said(text: &str, max: usize) -> String {
    // Escapes at most double a text, so what lies beyond can be left out before.
    let head: String = text.chars().take(max + 1).collect();
    shorten(&escape(&head), max)
}

/// An escaped body with a mark below it, in one content; the body gives way. `more` is the address of
/// what was cut.
#[must_use]
pub fn marked(body: &str, mark: &str, more: &str) -> String {
    let foot = format!("\n{MARK}{}", shorten(mark, 100));
    fit(body, CONTENT_CHARS - foot.chars().count(), more) + &foot
}

/// Whether a message is a line of a room, by its mark: `-# 42:7:0`.
#[must_use]
pub fn is_line(content: &str) -> bool {
    let mark = content.lines().last().and_then(|l| l.strip_prefix(MARK));
    let parts: Vec<&str> = mark.unwrap_or_default().split(':').collect();
    let number = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(number)
}

/// An escaped body within so many characters. What is too long ends at a line where there are lines,
/// and says how much is left out and where it is.
#[must_use]
pub fn fit(body: &str, room: usize, more: &str) -> String {
    let all = body.chars().count();
    if all <= room {
        return body.to_owned();
    }
    let at = if more.is_empty() {
        String::new()
    } else {
        format!(": {}", shorten(more, 300))
    };
    let tail = |n: usize, what: &str| format!("\n… and {}{at}", crate::core::text::count(n, what));
    let room = room.saturating_sub(tail(all, "more character").chars().count());
    let lines: Vec<&str> = body.lines().collect();
    let (mut kept, mut used) = (Vec::new(), 0);
    for line in &lines {
        let chars = line.chars().count() + 1;
        if used + chars > room {
            break;
        }
        used += chars;
        kept.push(*line);
    }
    // One long paragraph is cut within.
    if used * 2 < room {
        let short = shorten(body, room);
        let left = all - short.chars().count() + 1;
        return short + &tail(left, "more character");
    }
    kept.join("\n") + &tail(lines.len() - kept.len(), "more line")
}

/// Whether a content bears this mark.
#[must_use]
pub fn bears(content: &str, mark: &str) -> bool {
    content.lines().last() == Some(&format!("{MARK}{mark}"))
}

/// The nonce of a message: the same key gives the same one. 120 bits, so no two keys share it.
#[must_use]
pub fn nonce(key: &str) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let digest = Sha256::digest(key.as_bytes());
    let (mut out, mut bits, mut have) = (String::new(), 0u32, 0);
    for byte in digest {
        bits = (bits << 8 | u32::from(byte)) & 0xffff;
        have += 8;
        while have >= 5 && out.len() < NONCE_CHARS {
            have -= 5;
            out.push(char::from(LETTERS[(bits >> have & 31) as usize]));
        }
    }
    out
}

/// A name as Discord keeps a text channel's: lower case, dashes, no punctuation, at most 100.
#[must_use]
pub fn channel_name(name: &str) -> String {
    let mut kept = String::new();
    for c in name.to_lowercase().chars() {
        let c = if c.is_whitespace() { '-' } else { c };
        let allowed = !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if allowed
            && !c.is_control()
            && !(c == '-' && kept.ends_with('-'))
            && kept.chars().count() < 100
        {
            kept.push(c);
        }
    }
    kept.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_words_stay_as_they_are() {
        for text in [
            "sev1 #42 [checkout] Checkout: high error rate (5 of 7)",
            "14:05 UTC: p99 > 3 s, load < 5, a-b, checkout_api, e-mail ana@example.org",
            "1 + 1 = 2\nnext line",
        ] {
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn nothing_formats_links_or_mentions() {
        for (text, want) in [
            ("@everyone and @HERE", "\\@everyone and \\@HERE"),
            (
                "<@123> <@&4> <#5> <:a:6>",
                "\\<@123> \\<@&4> \\<#5> \\<:a:6>",
            ),
            ("[click](https://x.test)", "\\[click](https\\://x.test)"),
            (
                "**b** _i_ __u__ ~~s~~ ||spoiler||",
                "\\*\\*b\\*\\* \\_i\\_ \\_\\_u\\_\\_ \\~\\~s\\~\\~ \\|\\|spoiler\\|\\|",
            ),
            ("```\nfence", "\\`\\`\\`\nfence"),
            (
                "# head\n> quote\n- item\n-# small\n>>> all",
                "\\# head\n\\> quote\n\\- item\n\\-# small\n\\>>> all",
            ),
            ("\\*", "\\\\\\*"),
            ("a\u{202e}b\u{200b}c\u{7}d", "abc d"),
        ] {
            assert_eq!(escape(text), want);
        }
    }

    #[test]
    fn a_cut_never_halves_an_escape() {
        let long = "*".repeat(5000);
        for max in 5..40 {
            let short = said(&long, max);
            assert!(short.chars().count() <= max);
            let body = short.trim_end_matches('…');
            assert_eq!(body.len() % 2, 0, "{short}");
        }
        assert_eq!(said("short", 10), "short");
    }

    #[test]
    fn a_mark_stands_below_the_words_and_survives_any_length() {
        let content = marked(
            &escape(&"`x` ".repeat(3000)),
            "42:7:0",
            "https://f.test/incidents/42",
        );
        assert!(content.chars().count() <= CONTENT_CHARS);
        assert!(bears(&content, "42:7:0") && !bears(&content, "42:7:1"));
        assert!(
            content.contains("more characters: https://f.test"),
            "{content}"
        );
        // Words that end like a mark bear none: theirs is escaped.
        assert!(!bears(&escape("said\n-# 42:7:0"), "42:7:0"));
    }

    #[test]
    fn a_long_list_ends_at_a_line_with_a_count_and_a_link() {
        let list: Vec<String> = (1..=300)
            .map(|n| format!("#{n} something is slow"))
            .collect();
        let short = fit(&list.join("\n"), CONTENT_CHARS, "https://f.test/incidents");
        assert!(short.chars().count() <= CONTENT_CHARS);
        let last = short.lines().last().unwrap();
        let kept = short.lines().count() - 1;
        assert_eq!(
            last,
            format!("… and {} more lines: https://f.test/incidents", 300 - kept)
        );
    }

    #[test]
    fn nonces_are_short_stable_and_different() {
        assert_eq!(nonce("42:7:0").len(), 24);
        assert_eq!(nonce("42:7:0"), nonce("42:7:0"));
        assert_ne!(nonce("42:7:0"), nonce("42:7:1"));
    }

    #[test]
    fn channel_names_follow_discords_rules() {
        assert_eq!(channel_name("Web  Alerts!"), "web-alerts");
        assert_eq!(channel_name("inc-42-überlast"), "inc-42-überlast");
        assert_eq!(channel_name(&"a".repeat(300)).chars().count(), 100);
    }
}
