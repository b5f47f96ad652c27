//! The document as one HTML file: everything in it, nothing loaded, no script, made to be printed.
//!
//! Promises: every text is escaped, every address was looked at by [`safe`](super::tree::safe), and
//! the file's own content policy allows one style sheet, by its hash, and nothing else.

use super::chart;
use super::escape::invisible;
use super::tree::{Block, Span, plain};
use std::fmt::Write;

/// The style sheet of the file.
pub const STYLE: &str = include_str!("page.css");
/// SHA-256 of [`STYLE`], as the policy names it; a test holds the two together.
pub const STYLE_SHA256: &str = "sha256-f9Yd+nbDEfJ9zpVfVU3XH047BcV+d5LyRHgpXVwBc4M=";

/// A whole file.
#[must_use]
pub fn html(blocks: &[Block], language: &str) -> String {
    let title = blocks.iter().find_map(|b| match b {
        Block::Heading(_, spans) => Some(plain(spans)),
        _ => None,
    });
    format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{STYLE_SHA256}'; img-src data:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
        escape(language),
        escape(title.as_deref().unwrap_or("Postmortem")),
        body(blocks)
    )
}

/// The blocks alone, for a page that has its own frame.
#[must_use]
pub fn body(blocks: &[Block]) -> String {
    let mut out = String::new();
    write(&mut out, blocks);
    out
}

/// Text for an element or an attribute in double quotes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            '\r' => {}
            // Not a character of XML either; shown instead of obeyed.
            c if invisible(c) || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {
                // Writing to a String cannot fail.
                let _ = write!(out, "&lt;U+{:04X}&gt;", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

fn write(out: &mut String, blocks: &[Block]) {
    for block in blocks {
        match block {
            Block::Heading(level, spans) => {
                let n = (*level).clamp(1, 6);
                let _ = writeln!(out, "<h{n}>{}</h{n}>", spans_of(spans));
            }
            Block::Para(spans) => {
                let _ = writeln!(out, "<p>{}</p>", spans_of(spans));
            }
            Block::List(start, items) => {
                let (tag, from) = match start {
                    Some(n) if *n != 1 => ("ol", format!(" start=\"{n}\"")),
                    Some(_) => ("ol", String::new()),
                    None => ("ul", String::new()),
                };
                let _ = writeln!(out, "<{tag}{from}>");
                for item in items {
                    out.push_str("<li>");
                    match item.as_slice() {
                        [Block::Para(spans)] => out.push_str(&spans_of(spans)),
                        inner => write(out, inner),
                    }
                    out.push_str("</li>\n");
                }
                let _ = writeln!(out, "</{tag}>");
            }
            Block::Code(text) => {
                let _ = writeln!(out, "<pre><code>{}</code></pre>", escape(text));
            }
            Block::Quote(inner) => {
                out.push_str("<blockquote>\n");
                write(out, inner);
                out.push_str("</blockquote>\n");
            }
            Block::Table(head, rows) => table(out, head, rows),
            Block::Chart(chart) => {
                out.push_str("<figure>\n");
                out.push_str(&chart::svg(chart));
                out.push_str("</figure>\n");
            }
            Block::Edge(true, anchor, _) => {
                let _ = writeln!(out, "<div class=\"section\" id=\"{}\">", escape(anchor));
            }
            Block::Edge(false, ..) => out.push_str("</div>\n"),
            Block::Rule => out.push_str("<hr>\n"),
        }
    }
}

fn table(out: &mut String, head: &[Vec<Span>], rows: &[Vec<Vec<Span>>]) {
    out.push_str("<div class=\"scroll\"><table>\n");
    if head.iter().any(|c| !c.is_empty() && !plain(c).is_empty()) {
        out.push_str("<thead><tr>");
        for cell in head {
            let _ = write!(out, "<th>{}</th>", spans_of(cell));
        }
        out.push_str("</tr></thead>\n");
    }
    out.push_str("<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{}</td>", spans_of(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
}

/// What differs between HTML and the XHTML of a wiki.
pub(super) struct Marks {
    /// Attributes of a link, with a space in front.
    pub link: &'static str,
    /// The end of a line.
    pub line_break: &'static str,
}

/// A page of its own: where a link leads learns nothing of where it stood.
const HTML: Marks = Marks {
    link: " rel=\"noopener nofollow noreferrer\"",
    line_break: "<br>",
};

fn spans_of(spans: &[Span]) -> String {
    inline(spans, &HTML)
}

/// Text inside of a block, every word of it escaped.
pub(super) fn inline(spans: &[Span], marks: &Marks) -> String {
    let mut out = String::new();
    for span in spans {
        match span {
            Span::Text(text) => out.push_str(&escape(text)),
            Span::Code(text) => {
                let _ = write!(out, "<code>{}</code>", escape(text));
            }
            Span::Strong(inner) => {
                let _ = write!(out, "<strong>{}</strong>", inline(inner, marks));
            }
            Span::Em(inner) => {
                let _ = write!(out, "<em>{}</em>", inline(inner, marks));
            }
            Span::Strike(inner) => {
                let _ = write!(out, "<del>{}</del>", inline(inner, marks));
            }
            Span::Link(label, url) => {
                let _ = write!(
                    out,
                    "<a href=\"{}\"{}>{}</a>",
                    escape(url),
                    marks.link,
                    inline(label, marks)
                );
            }
            Span::Break => out.push_str(marks.line_break),
        }
    }
    out
}
