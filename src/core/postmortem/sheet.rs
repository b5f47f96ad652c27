//! The flat exports: the timeline as a sheet, the conversation as a transcript, the document as the
//! body of an issue.

use super::Postmortem;
use super::escape::invisible;
use std::fmt::Write;

/// Bytes of an issue's body: GitHub takes 65,536 characters; a byte is at least one.
pub const ISSUE_BYTES: usize = 60_000;

/// The timeline with the conversation in it, RFC 4180 with every field in quotes. A field a
/// spreadsheet would take for a formula begins with an apostrophe (OWASP, CSV injection).
#[must_use]
pub fn csv(p: &Postmortem) -> String {
    let local = format!("local ({})", p.zone);
    let mut out = String::new();
    let head = [
        "event", "utc", &local, "recorded", "actor", "kind", "what", "source",
    ];
    row(&mut out, head);
    let mut said = p.conversation.iter().peekable();
    let mut speak = |out: &mut String, until: Option<&str>| {
        while let Some(s) = said.next_if(|s| until.is_none_or(|u| s.at.utc.as_str() < u)) {
            row(
                out,
                [
                    "",
                    &s.at.utc,
                    &s.at.local,
                    "",
                    &s.by,
                    "spoke",
                    &s.text,
                    &s.source,
                ],
            );
            for before in &s.earlier {
                let was = format!("until {}: {}", before.until.utc, before.text);
                let (at, by) = (&s.at, &s.by);
                row(
                    out,
                    [
                        "",
                        &at.utc,
                        &at.local,
                        "",
                        by,
                        "spoke before",
                        &was,
                        &s.source,
                    ],
                );
            }
        }
    };
    for l in &p.timeline {
        speak(&mut out, Some(&l.at.utc));
        let seq = l.seq.to_string();
        row(
            &mut out,
            [
                &seq,
                &l.at.utc,
                &l.at.local,
                &l.recorded_at,
                &l.actor,
                &l.kind,
                &l.text,
                &l.source,
            ],
        );
    }
    speak(&mut out, None);
    out
}

/// A line of a sheet, every field in quotes and none of them a formula.
pub fn row<const N: usize>(out: &mut String, fields: [&str; N]) {
    for (n, field) in fields.into_iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        out.push('"');
        // Also what looks like the signs: full-width forms are normalised by some programs.
        let begins = |c: char| {
            matches!(
                c,
                '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'
            )
        };
        if field.starts_with(begins) || field.trim_start().starts_with(begins) {
            out.push('\'');
        }
        for c in field.chars() {
            match c {
                '"' => out.push_str("\"\""),
                '\n' | '\t' => out.push(c),
                '\r' => {}
                c if invisible(c) => {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "<U+{:04X}>", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
    out.push_str("\r\n");
}

/// Everything that was said, as plain text: one message a paragraph.
#[must_use]
pub fn transcript(p: &Postmortem) -> String {
    let mut out = format!("Incident {}: {}\n", p.id, line(&p.title));
    let _ = writeln!(
        out,
        "{} messages; times in {}.\n",
        p.conversation.len(),
        p.zone
    );
    for s in &p.conversation {
        let _ = writeln!(
            out,
            "{}  {}  [{}]",
            s.at.local,
            line(&s.by),
            line(&s.source)
        );
        for part in s.text.lines() {
            let _ = writeln!(out, "    {}", line(part));
        }
        for before in &s.earlier {
            let _ = writeln!(out, "    [until {} it said:]", before.until.local);
            for part in before.text.lines() {
                let _ = writeln!(out, "    | {}", line(part));
            }
        }
        out.push('\n');
    }
    out
}

fn line(text: &str) -> String {
    text.chars()
        .map(|c| {
            if invisible(c) {
                format!("<U+{:04X}>", u32::from(c))
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// Markdown that fits into an issue: cut between lines, with a count and the way to the rest.
#[must_use]
pub fn issue_body(markdown: &str, url: &str, limit: usize) -> String {
    if markdown.len() <= limit {
        return markdown.to_owned();
    }
    let room = limit.saturating_sub(url.len() + 200);
    let mut kept = 0;
    let mut fence: Option<&str> = None;
    let mut used = 0;
    for text in markdown.split_inclusive('\n') {
        if used + text.len() > room {
            break;
        }
        used += text.len();
        kept += 1;
        // A cut inside of a fence would swallow the words below.
        let bare = text.trim_end();
        match fence {
            Some(open) if bare == open => fence = None,
            None if bare.starts_with("```") => fence = Some(bare.trim_end_matches("text")),
            _ => {}
        }
    }
    let mut out = markdown[..used].to_owned();
    if let Some(open) = fence {
        let _ = writeln!(out, "{open}");
    }
    let left = markdown.lines().count().saturating_sub(kept);
    let _ = write!(
        out,
        "\n**{left} more lines did not fit here.** The whole document: <{url}>\n"
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for hostile in [
            "=HYPERLINK(1)",
            "@SUM(A1)",
            "\t=1",
            "+1",
            "-1",
            "＝1",
            " =1",
            "\n=1",
        ] {
            let mut out = String::new();
            row(&mut out, [hostile, "", "", "", "", "", "", "x\"y"]);
            assert!(out.starts_with("\"'"), "{out}");
            assert!(out.ends_with(",\"x\"\"y\"\r\n"), "{out}");
        }
    }

    #[test]
    fn a_long_body_is_cut_between_lines_with_a_count_and_closes_its_fence() {
        let long = format!("# T\n\n````text\n{}````\nend\n", "row\n".repeat(500));
        let cut = issue_body(
            &long,
            "https://firebell.example/incidents/1/postmortem",
            1000,
        );
        assert!(cut.len() <= 1000, "{}", cut.len());
        assert!(cut.contains("more lines did not fit here"), "{cut}");
        assert_eq!(cut.matches("````").count(), 2);
        assert_eq!(issue_body("short\n", "https://x", 1000), "short\n");
    }
}
