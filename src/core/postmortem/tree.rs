//! A document as typed nodes: what every export is written from.
//!
//! Promises: no text of anybody passes into a format as markup. What people write is read as Markdown
//! into these nodes and nothing else: raw HTML is text, images are links, and a link leads to the
//! web or to a mail address or it is text.

use super::chart::Chart;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Lists and quotes inside each other at most; deeper ones are read as text of the last level.
const DEPTH: usize = 12;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Span {
    /// Words as they are.
    Text(String),
    /// Words of a program.
    Code(String),
    /// Strong words.
    Strong(Vec<Span>),
    /// Stressed words.
    Em(Vec<Span>),
    /// Words that no longer hold.
    Strike(Vec<Span>),
    /// A link: what is read, and an address that [`safe`] has let through.
    Link(Vec<Span>, String),
    /// A new line.
    Break,
}

/// A piece of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A heading, 1 the highest.
    Heading(u8, Vec<Span>),
    /// A paragraph.
    Para(Vec<Span>),
    /// A list; a number: it counts from there.
    List(Option<u64>, Vec<Vec<Block>>),
    /// Text as it is.
    Code(String),
    /// Somebody else's words.
    Quote(Vec<Block>),
    /// Head and rows.
    Table(Vec<Vec<Span>>, Vec<Vec<Vec<Span>>>),
    /// The timeline, drawn.
    Chart(Chart),
    /// Where a section of people begins (true) or ends: its id and the hash of what firebell generated.
    Edge(bool, String, String),
    /// A line across.
    Rule,
}

/// Whether an address may be a link: plain http, https or mailto, and nothing that ends an attribute.
#[must_use]
pub fn safe(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    let scheme = ["http://", "https://", "mailto:"]
        .iter()
        .any(|s| lower.starts_with(s) && lower.len() > s.len());
    scheme
        && url
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'*+,;=%".contains(c))
}

/// A link, when the address is safe; else both as text.
#[must_use]
pub fn link(label: Vec<Span>, url: &str) -> Vec<Span> {
    if safe(url) {
        return vec![Span::Link(label, url.to_owned())];
    }
    let mut out = label;
    if !url.is_empty() {
        out.push(Span::Text(format!(": {url}")));
    }
    out
}

/// One span of text.
#[must_use]
pub fn text(words: impl Into<String>) -> Vec<Span> {
    vec![Span::Text(words.into())]
}

/// What stands in spans without its marks.
#[must_use]
pub fn plain(spans: &[Span]) -> String {
    let mut out = String::new();
    for span in spans {
        match span {
            Span::Text(t) | Span::Code(t) => out.push_str(t),
            Span::Strong(inner) | Span::Em(inner) | Span::Strike(inner) | Span::Link(inner, _) => {
                out.push_str(&plain(inner));
            }
            Span::Break => out.push(' '),
        }
    }
    out
}

/// Reads what a person wrote: `CommonMark` with tables and strikethrough, without HTML.
#[must_use]
pub fn read(markdown: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut reader = Reader {
        events: Parser::new_ext(markdown, options),
        depth: 0,
    };
    reader.blocks(None)
}

struct Reader<'a> {
    events: Parser<'a>,
    depth: usize,
}

impl Reader<'_> {
    /// Blocks until the end of what `end` opened, or of the text.
    fn blocks(&mut self, end: Option<TagEnd>) -> Vec<Block> {
        let mut out = Vec::new();
        // Inline text directly inside an item of a tight list.
        let mut loose: Vec<Span> = Vec::new();
        while let Some(event) = self.events.next() {
            let flush = |out: &mut Vec<Block>, loose: &mut Vec<Span>| {
                if !loose.is_empty() {
                    out.push(Block::Para(std::mem::take(loose)));
                }
            };
            match event {
                Event::End(tag) if Some(tag) == end => break,
                Event::Start(tag) => match inline_end(&tag) {
                    Some(_) => loose.extend(self.inline(tag)),
                    None => {
                        flush(&mut out, &mut loose);
                        out.extend(self.block(&tag));
                    }
                },
                Event::Rule => {
                    flush(&mut out, &mut loose);
                    out.push(Block::Rule);
                }
                other => loose.extend(leaf(other)),
            }
        }
        if !loose.is_empty() {
            out.push(Block::Para(loose));
        }
        out
    }

    fn block(&mut self, tag: &Tag<'_>) -> Vec<Block> {
        let end = tag.to_end();
        self.depth += 1;
        let out = match tag {
            Tag::Heading { level, .. } => vec![Block::Heading(*level as u8, self.spans(end))],
            Tag::Paragraph => vec![Block::Para(self.spans(end))],
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                vec![Block::Code(self.raw(end))]
            }
            Tag::HtmlBlock => {
                let raw = self.raw(end);
                vec![Block::Para(text(raw.trim_end()))]
            }
            Tag::List(start) if self.depth <= DEPTH => vec![Block::List(*start, self.items(end))],
            Tag::BlockQuote(_) if self.depth <= DEPTH => {
                vec![Block::Quote(self.blocks(Some(end)))]
            }
            Tag::Table(_) => self.table(end),
            _ => self.blocks(Some(end)),
        };
        self.depth -= 1;
        out
    }

    fn items(&mut self, end: TagEnd) -> Vec<Vec<Block>> {
        let mut items = Vec::new();
        while let Some(event) = self.events.next() {
            match event {
                Event::End(tag) if tag == end => break,
                Event::Start(Tag::Item) => items.push(self.blocks(Some(TagEnd::Item))),
                _ => {}
            }
        }
        items
    }

    fn table(&mut self, end: TagEnd) -> Vec<Block> {
        let (mut head, mut rows) = (Vec::new(), Vec::new());
        while let Some(event) = self.events.next() {
            match event {
                Event::End(tag) if tag == end => break,
                Event::Start(Tag::TableHead) => head = self.cells(TagEnd::TableHead),
                Event::Start(Tag::TableRow) => rows.push(self.cells(TagEnd::TableRow)),
                _ => {}
            }
        }
        vec![Block::Table(head, rows)]
    }

    fn cells(&mut self, end: TagEnd) -> Vec<Vec<Span>> {
        let mut cells = Vec::new();
        while let Some(event) = self.events.next() {
            match event {
                Event::End(tag) if tag == end => break,
                Event::Start(Tag::TableCell) => cells.push(self.spans(TagEnd::TableCell)),
                _ => {}
            }
        }
        cells
    }

    fn spans(&mut self, end: TagEnd) -> Vec<Span> {
        let mut out = Vec::new();
        while let Some(event) = self.events.next() {
            match event {
                Event::End(tag) if tag == end => break,
                Event::Start(tag) => out.extend(self.inline(tag)),
                other => out.extend(leaf(other)),
            }
        }
        out
    }

    fn inline(&mut self, tag: Tag<'_>) -> Vec<Span> {
        let end = tag.to_end();
        match tag {
            Tag::Strong => vec![Span::Strong(self.spans(end))],
            Tag::Emphasis => vec![Span::Em(self.spans(end))],
            Tag::Strikethrough => vec![Span::Strike(self.spans(end))],
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                let label = self.spans(end);
                link(label, &dest_url)
            }
            _ => self.spans(end),
        }
    }

    fn raw(&mut self, end: TagEnd) -> String {
        let mut out = String::new();
        for event in self.events.by_ref() {
            match event {
                Event::End(tag) if tag == end => break,
                Event::Text(t) | Event::Html(t) | Event::Code(t) => out.push_str(&t),
                Event::SoftBreak | Event::HardBreak => out.push('\n'),
                _ => {}
            }
        }
        out
    }
}

fn inline_end(tag: &Tag<'_>) -> Option<TagEnd> {
    matches!(
        tag,
        Tag::Strong | Tag::Emphasis | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. }
    )
    .then(|| tag.to_end())
}

fn leaf(event: Event<'_>) -> Option<Span> {
    match event {
        Event::Text(t) | Event::Html(t) | Event::InlineHtml(t) => Some(Span::Text(t.into_string())),
        Event::Code(t) | Event::InlineMath(t) | Event::DisplayMath(t) => {
            Some(Span::Code(t.into_string()))
        }
        Event::SoftBreak => Some(Span::Text(" ".to_owned())),
        Event::HardBreak => Some(Span::Break),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_read_as_text_and_a_link_leads_to_the_web_or_nowhere() {
        let read = read(
            "<script>x</script>\n\nSee [this](javascript:alert(1)) and [that](https://x.example/a) <b>b</b>\n",
        );
        let Block::Para(first) = &read[0] else {
            panic!("{read:?}");
        };
        assert_eq!(plain(first), "<script>x</script>");
        let Block::Para(second) = &read[1] else {
            panic!("{read:?}");
        };
        assert_eq!(
            plain(second),
            "See this: javascript:alert(1) and that <b>b</b>"
        );
        let links = second.iter().filter(|s| matches!(s, Span::Link(..)));
        assert_eq!(links.count(), 1);
    }

    #[test]
    fn lists_tables_and_code_are_read_with_what_is_in_them() {
        let read =
            read("- one\n- **two**\n  1. deep\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx\n```\n");
        assert!(matches!(&read[0], Block::List(None, items) if items.len() == 2));
        assert!(matches!(&read[1], Block::Table(head, rows) if head.len() == 2 && rows.len() == 1));
        assert_eq!(read[2], Block::Code("x\n".to_owned()));
    }
}
