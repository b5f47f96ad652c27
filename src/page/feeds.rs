//! RSS 2.0 and Atom (RFC 4287): one entry per update, the newest first.

use super::json::changed;
use crate::core::board::{Board, Notice, Story};
use crate::core::time::Time;
use std::fmt::Write as _;

/// Entries of a feed; readers keep what they have.
const ENTRIES: usize = 50;

/// Text inside of an element or attribute. What XML 1.0 cannot hold is left out.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

fn entries(board: &Board) -> Vec<(&Story, &Notice)> {
    let stories = board.open.iter().chain(&board.past);
    let mut all: Vec<_> = stories
        .flat_map(|s| s.notices.iter().map(move |n| (s, n)))
        .collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(n.at));
    all.truncate(ENTRIES);
    all
}

fn head(story: &Story, notice: &Notice) -> String {
    match &notice.standing {
        Some(s) => format!("{}: {}", s.name, story.title),
        None => story.title.clone(),
    }
}

fn words(notice: &Notice) -> String {
    let mut text = notice.text.clone();
    for c in &notice.components {
        let _ = write!(text, "\n{}: {}", c.name, c.condition.words());
    }
    text
}

fn link(board: &Board, story: &Story) -> String {
    format!("{}/incidents/{}.html", board.url, story.key)
}

pub(super) fn rss(board: &Board) -> String {
    let date = |at: Time| at.utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\">\n\
         <channel>\n<title>{}</title>\n<link>{}</link>\n<description>{}</description>\n\
         <atom:link href=\"{}/feed.rss\" rel=\"self\" type=\"application/rss+xml\"/>\n<lastBuildDate>{}</lastBuildDate>\n",
        xml(&board.title),
        xml(&board.url),
        xml(if board.about.is_empty() {
            &board.title
        } else {
            &board.about
        }),
        xml(&board.url),
        date(changed(board)),
    );
    for (story, notice) in entries(board) {
        let _ = writeln!(
            out,
            "<item>\n<title>{}</title>\n<link>{}</link>\n<guid isPermaLink=\"false\">{}-{}</guid>\n\
             <pubDate>{}</pubDate>\n<description>{}</description>\n</item>",
            xml(&head(story, notice)),
            xml(&link(board, story)),
            story.key,
            notice.seq,
            date(notice.at),
            xml(&words(notice)),
        );
    }
    out.push_str("</channel>\n</rss>\n");
    out
}

pub(super) fn atom(board: &Board) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n<title>{}</title>\n\
         <id>{}/</id>\n<link href=\"{}/\"/>\n<link rel=\"self\" href=\"{}/feed.atom\"/>\n<updated>{}</updated>\n\
         <author><name>{}</name></author>\n",
        xml(&board.title),
        xml(&board.url),
        xml(&board.url),
        xml(&board.url),
        changed(board).rfc3339(),
        xml(&board.title),
    );
    for (story, notice) in entries(board) {
        let _ = writeln!(
            out,
            "<entry>\n<title>{}</title>\n<id>{}#{}</id>\n<link href=\"{}\"/>\n<updated>{}</updated>\n\
             <content type=\"text\">{}</content>\n</entry>",
            xml(&head(story, notice)),
            xml(&link(board, story)),
            notice.seq,
            xml(&link(board, story)),
            notice.at.rfc3339(),
            xml(&words(notice)),
        );
    }
    out.push_str("</feed>\n");
    out
}
