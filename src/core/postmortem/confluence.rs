//! The document in Confluence's storage format: XHTML with macros of its own, without a root element.
//!
//! Promises: well-formed XML whatever the texts hold; no entity but XML's five; code in CDATA, in
//! which `]]>` is split.

use super::html::{Marks, inline};
use super::tree::{Block, Span};
use std::fmt::Write;

const XHTML: Marks = Marks {
    link: "",
    line_break: "<br/>",
};

/// The storage format of a page's body.
#[must_use]
pub fn confluence(blocks: &[Block]) -> String {
    let mut out = String::new();
    write(&mut out, blocks);
    out
}

fn write(out: &mut String, blocks: &[Block]) {
    for block in blocks {
        match block {
            Block::Heading(level, spans) => {
                let n = (*level).clamp(1, 6);
                // Writing to a String cannot fail.
                let _ = writeln!(out, "<h{n}>{}</h{n}>", spans_of(spans));
            }
            Block::Para(spans) => {
                let _ = writeln!(out, "<p>{}</p>", spans_of(spans));
            }
            Block::List(start, items) => {
                let tag = if start.is_some() { "ol" } else { "ul" };
                let _ = writeln!(out, "<{tag}>");
                for item in items {
                    out.push_str("<li>");
                    write(out, item);
                    out.push_str("</li>\n");
                }
                let _ = writeln!(out, "</{tag}>");
            }
            Block::Code(text) => {
                let _ = writeln!(
                    out,
                    "<ac:structured-macro ac:name=\"code\"><ac:plain-text-body><![CDATA[{}]]></ac:plain-text-body></ac:structured-macro>",
                    cdata(text)
                );
            }
            Block::Quote(inner) => {
                out.push_str("<blockquote>");
                write(out, inner);
                out.push_str("</blockquote>\n");
            }
            Block::Table(head, rows) => table(out, head, rows),
            Block::Chart(_) => {
                out.push_str("<p><em>The timeline is drawn in the HTML export and on the console.</em></p>\n");
            }
            Block::Edge(..) => {}
            Block::Rule => out.push_str("<hr/>\n"),
        }
    }
}

fn table(out: &mut String, head: &[Vec<Span>], rows: &[Vec<Vec<Span>>]) {
    out.push_str("<table><tbody>\n");
    if head.iter().any(|c| !super::tree::plain(c).is_empty()) {
        out.push_str("<tr>");
        for cell in head {
            let _ = write!(out, "<th>{}</th>", spans_of(cell));
        }
        out.push_str("</tr>\n");
    }
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{}</td>", spans_of(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table>\n");
}

/// `]]>` cannot stand inside; a control character in no XML at all.
fn cdata(text: &str) -> String {
    let shown: String = text
        .replace("\r\n", "\n")
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c.to_string(),
            c if super::escape::invisible(c) || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {
                format!("<U+{:04X}>", u32::from(c))
            }
            c => c.to_string(),
        })
        .collect();
    shown.replace("]]>", "]]]]><![CDATA[>")
}

fn spans_of(spans: &[Span]) -> String {
    inline(spans, &XHTML)
}
