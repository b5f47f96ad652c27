//! The document as Markdown: `CommonMark` with GitHub's tables. Every text goes through
//! [`super::escape`]; the marks here are firebell's own.

use super::escape::{address, fence, piece};
use super::tree::{Block, Span};

/// What stands in for the drawing where none can be shown.
const NO_CHART: &str = "The timeline is drawn in the HTML export and on the console.";

/// The text, with a newline at the end.
#[must_use]
pub fn markdown(blocks: &[Block]) -> String {
    let mut out = String::new();
    write(&mut out, blocks, "");
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    out
}

/// `indent` begins every line of what stands inside a list or a quote.
fn write(out: &mut String, blocks: &[Block], indent: &str) {
    for block in blocks {
        match block {
            Block::Heading(level, spans) => {
                let marks = "#".repeat(usize::from((*level).clamp(1, 6)));
                line(out, indent, &format!("{marks} {}", spans_of(spans, false)));
                line(out, indent, "");
            }
            Block::Para(spans) => {
                let words = spans_of(spans, false);
                for part in words.trim().lines() {
                    line(out, indent, part.trim_start());
                }
                line(out, indent, "");
            }
            Block::List(start, items) => list(out, *start, items, indent),
            Block::Code(text) => {
                for part in fence(text).lines() {
                    line(out, indent, part);
                }
                line(out, indent, "");
            }
            Block::Quote(inner) => {
                write(out, inner, &format!("{indent}> "));
                line(out, indent, "");
            }
            Block::Table(head, rows) => table(out, head, rows, indent),
            Block::Chart(_) => {
                line(out, indent, &format!("_{NO_CHART}_"));
                line(out, indent, "");
            }
            Block::Edge(begin, anchor, hash) => {
                let word = if *begin { "begin" } else { "end" };
                line(
                    out,
                    indent,
                    &format!("<!-- firebell:{word} {anchor} {hash} -->"),
                );
                line(out, indent, "");
            }
            Block::Rule => {
                line(out, indent, "---");
                line(out, indent, "");
            }
        }
    }
}

fn line(out: &mut String, indent: &str, text: &str) {
    if text.is_empty() {
        out.push_str(indent.trim_end());
    } else {
        out.push_str(indent);
        out.push_str(text);
    }
    out.push('\n');
}

fn list(out: &mut String, start: Option<u64>, items: &[Vec<Block>], indent: &str) {
    // A list right after another would go on with it; a comment keeps them apart.
    for (n, item) in (0u64..).zip(items) {
        let mark = match start {
            Some(first) => format!("{}. ", first.saturating_add(n)),
            None => "- ".to_owned(),
        };
        let inside = format!("{indent}{}", " ".repeat(mark.len()));
        let mut text = String::new();
        write(&mut text, item, &inside);
        // The first line carries the mark instead of the indent.
        let body = text.strip_prefix(&inside).unwrap_or(&text);
        out.push_str(indent);
        out.push_str(&mark);
        out.push_str(body.trim_end());
        out.push('\n');
    }
    line(out, indent, "");
}

fn table(out: &mut String, head: &[Vec<Span>], rows: &[Vec<Vec<Span>>], indent: &str) {
    let row = |cells: &[Vec<Span>]| {
        let cells: Vec<String> = cells
            .iter()
            .map(|c| spans_of(c, true).trim().to_owned())
            .collect();
        format!("| {} |", cells.join(" | "))
    };
    line(out, indent, &row(head));
    line(out, indent, &format!("|{}", " --- |".repeat(head.len())));
    for cells in rows {
        line(out, indent, &row(cells));
    }
    line(out, indent, "");
}

fn spans_of(spans: &[Span], cell: bool) -> String {
    let mut out = String::new();
    let mut text = String::new();
    for (at, span) in spans.iter().enumerate() {
        match span {
            // Neighbours are one text: `www` and `.example`, escaped apart, would come alive together.
            Span::Text(part) => {
                text.push_str(part);
                if !matches!(spans.get(at + 1), Some(Span::Text(_))) {
                    out.push_str(&piece(&text));
                    text.clear();
                }
            }
            // Behind another backtick it would be part of a longer mark.
            Span::Code(text) if out.ends_with('`') => out.push_str(&piece(text)),
            Span::Code(text) => out.push_str(&code(text)),
            Span::Strong(inner) => around(&mut out, "**", &spans_of(inner, cell)),
            Span::Em(inner) => around(&mut out, "_", &spans_of(inner, cell)),
            Span::Strike(inner) => around(&mut out, "~~", &spans_of(inner, cell)),
            Span::Link(label, url) => {
                let label = spans_of(label, cell).replace('\n', " ");
                out.push_str(&format!("[{label}]({})", address(url)));
            }
            Span::Break if cell => out.push(' '),
            Span::Break => out.push_str("\\\n"),
        }
    }
    out
}

/// Marks only work right beside a letter.
fn around(out: &mut String, mark: &str, inner: &str) {
    let trimmed = inner.trim();
    if trimmed.is_empty() {
        out.push_str(inner);
        return;
    }
    let begin = inner.len() - inner.trim_start().len();
    let end = inner.trim_end().len();
    out.push_str(&inner[..begin]);
    out.push_str(mark);
    out.push_str(trimmed);
    out.push_str(mark);
    out.push_str(&inner[end..]);
}

/// A code span of what is nothing else anywhere; the rest is said as text.
fn code(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " _-./:=,+%".contains(c);
    let fits = !text.trim().is_empty() && text.chars().all(plain) && !text.contains("://");
    if fits {
        format!("`{text}`")
    } else {
        piece(text)
    }
}
