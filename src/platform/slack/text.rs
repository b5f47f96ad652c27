//! Slack's text, out and in.
//!
//! Outwards everything is untrusted. Words of others stand only in `plain_text`, where Slack reads
//! no mark-up, or in a notification's text, where escaping `&`, `<` and `>` takes away every mention
//! and link. `mrkdwn` holds words of ours and nothing else. Inwards mentions, links and entities become what a person reads on the screen.

use crate::core::text::deceives;

/// Escapes what Slack reads as mark-up of its own: mentions, links, dates (docs.slack.dev,
/// "Formatting text for app surfaces").
#[must_use]
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if deceives(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Cuts to `max` characters, with `…` at a cut, without what [`deceives`]. Line breaks stay.
#[must_use]
pub(super) fn clip(text: &str, max: usize) -> String {
    let mut shown = text.chars().filter(|c| !deceives(*c));
    let mut out: String = shown.by_ref().take(max).collect();
    if shown.next().is_some() {
        out.pop();
        out.push('…');
    }
    out
}

/// The longest beginning of `text` whose written form, made by `write`, has at most `max`
/// characters; with `…` at a cut, so no entity is ever cut in two.
#[must_use]
pub(super) fn fit(text: &str, max: usize, write: fn(&str) -> String) -> String {
    let whole = write(text);
    if whole.chars().count() <= max {
        return whole;
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        let written = write(c.encode_utf8(&mut [0; 4]));
        used += written.chars().count();
        if used > max {
            break;
        }
        out.push_str(&written);
    }
    out.push('…');
    out
}

/// A link with words of ours; `None` where the address is none a browser should follow.
#[must_use]
pub(super) fn link(url: &str, words: &str) -> Option<String> {
    let good = url.starts_with("https://") || url.starts_with("http://");
    let clean =
        good && url.len() <= 2000 && !url.chars().any(|c| "<>|\" ".contains(c) || c.is_control());
    clean.then(|| format!("<{}|{}>", url.replace('&', "&amp;"), escape(words)))
}

/// What a person reads: `<@U1>` becomes `@` and a name, `<#C1|web>` `#web`, links their address or
/// words, entities their characters. `name` knows people by their id.
#[must_use]
pub(super) fn plain(text: &str, name: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&entities(&rest[..at]));
        let inner = &rest[at + 1..];
        let Some(end) = inner.find('>') else {
            out.push_str(&entities(&rest[at..]));
            return out;
        };
        out.push_str(&reference(&inner[..end], name));
        rest = &inner[end + 1..];
    }
    out.push_str(&entities(rest));
    out
}

fn reference(inner: &str, name: &dyn Fn(&str) -> Option<String>) -> String {
    let (target, label) = match inner.split_once('|') {
        Some((target, label)) => (target, Some(label).filter(|l| !l.is_empty())),
        None => (inner, None),
    };
    let label = label.map(entities);
    if let Some(id) = target.strip_prefix('@') {
        let known = name(id).or(label).unwrap_or_else(|| id.to_owned());
        return format!("@{}", known.trim_start_matches('@'));
    }
    if let Some(id) = target.strip_prefix('#') {
        return format!("#{}", label.unwrap_or_else(|| id.to_owned()));
    }
    if let Some(special) = target.strip_prefix('!') {
        let word = special.split(['^', '|']).next().unwrap_or(special);
        return label.unwrap_or_else(|| format!("@{word}"));
    }
    let target = entities(target);
    match label {
        Some(words) if words == target || target.ends_with(&words) => words,
        Some(words) => format!("{words} ({target})"),
        None => target,
    }
}

fn entities(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// Ids of people mentioned in a text.
pub(super) fn mentioned(text: &str) -> impl Iterator<Item = &str> {
    text.split("<@")
        .skip(1)
        .filter_map(|rest| rest.split(['>', '|']).next())
        .filter(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// The text behind a mention of `user` that it begins with.
#[must_use]
pub(super) fn addressed<'a>(text: &'a str, user: &str) -> Option<&'a str> {
    let rest = text.trim_start().strip_prefix("<@")?.strip_prefix(user)?;
    let rest = match rest.strip_prefix('|') {
        Some(label) => label.split_once('>')?.1,
        None => rest.strip_prefix('>')?,
    };
    Some(rest.trim_start_matches([' ', ':', ',', '\u{a0}']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ana(id: &str) -> Option<String> {
        (id == "U1").then(|| "ana".to_owned())
    }

    #[test]
    fn references_and_entities_become_what_is_read() {
        for (raw, read) in [
            ("hi <@U1>, see <#C1|web>", "hi @ana, see #web"),
            ("<@U2|bo> and <@U3>", "@bo and @U3"),
            (
                "<https://x.example/a?b=1&amp;c=2>",
                "https://x.example/a?b=1&c=2",
            ),
            (
                "<https://x.example|the page>",
                "the page (https://x.example)",
            ),
            ("<http://x.example|x.example>", "x.example"),
            (
                "<!here> <!subteam^S1|@web> <!date^1^{date}|Monday>",
                "@here @web Monday",
            ),
            ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
            ("open <", "open <"),
            ("<>", ""),
            ("<@>", "@"),
        ] {
            assert_eq!(plain(raw, &ana), read, "{raw}");
        }
    }

    #[test]
    fn escaped_text_holds_no_reference_and_reads_back() {
        for hostile in [
            "<!channel> <!here> <@U1> <#C1> <https://x|click>",
            "&lt;!channel&gt;",
            "a\u{202e}b",
        ] {
            let out = escape(hostile);
            assert!(!out.contains(['<', '>']), "{out}");
            assert!(plain(&out, &ana) == hostile || hostile.contains('\u{202e}'));
        }
    }

    #[test]
    fn a_cut_leaves_no_half_entity() {
        for max in 1..40 {
            let out = fit("<<&>> <!channel>", max, escape);
            assert!(out.chars().count() <= max.max(1));
            let tail = out.rsplit('&').next().unwrap();
            assert!(!out.contains('&') || tail.contains(';'), "{out}");
        }
        assert_eq!(clip("abc", 3), "abc");
        assert_eq!(clip("abcd", 3), "ab…");
    }

    #[test]
    fn only_addresses_of_the_web_become_links() {
        assert_eq!(
            link("https://x/a?b&c", "open").as_deref(),
            Some("<https://x/a?b&amp;c|open>")
        );
        for bad in [
            "javascript:alert(1)",
            "https://x|y",
            "https://x>",
            "",
            "https://x y",
        ] {
            assert_eq!(link(bad, "open"), None, "{bad}");
        }
    }

    #[test]
    fn who_is_addressed_is_found() {
        assert_eq!(addressed("<@UB> ack #1", "UB"), Some("ack #1"));
        assert_eq!(addressed(" <@UB|firebell>: ack", "UB"), Some("ack"));
        assert_eq!(addressed("hi <@UB>", "UB"), None);
        assert_eq!(addressed("<@UBX> ack", "UB"), None);
        assert_eq!(
            mentioned("<@U1> <@U2|bo> <@> <@U3").collect::<Vec<_>>(),
            ["U1", "U2", "U3"]
        );
    }
}
