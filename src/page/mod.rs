//! The status page as bytes: every address it has, rendered once for each change.
//!
//! Promises: what is rendered is a [`Board`] and nothing else, so nothing else can be on it; text is
//! escaped where it is drawn; there is no script, no inline style, no cookie and nothing from
//! elsewhere. Links are relative, so that the same files work below any address and from a folder.

mod feeds;
mod html;
mod json;
mod write;

pub use html::{Kind, message};
pub use write::write_folder;

use crate::core::board::Board;
use crate::core::digest;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::io::Write as _;

/// What a browser is told about a page: nothing is loaded but the style sheet beside it, forms go home.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The style sheet.
pub const STYLE: &str = include_str!("style.css");
/// Shorter texts do not get shorter by compression.
const WORTH_IT: usize = 600;

/// One address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its media type.
    pub kind: &'static str,
    /// What it holds.
    pub body: Bytes,
    /// The same, compressed, where that is shorter.
    pub gzip: Option<Bytes>,
    /// What it is known by, with quotes.
    pub etag: String,
}

impl File {
    fn new(kind: &'static str, text: String) -> File {
        let body = Bytes::from(text);
        let etag = format!("\"{}\"", &digest::sha256(&body)[..32]);
        let gzip = (body.len() > WORTH_IT).then(|| gzip(&body)).flatten();
        File {
            kind,
            gzip: gzip.filter(|g| g.len() < body.len()),
            body,
            etag,
        }
    }
}

fn gzip(body: &[u8]) -> Option<Bytes> {
    // No time in the header: the same text is the same bytes.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// Everything a page serves, by path without a leading slash; the empty path is its first page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// By path.
    pub files: BTreeMap<String, File>,
}

/// Renders every address of a page. `subscribe`: there is a mail server, so the page offers mail.
#[must_use]
pub fn render(board: &Board, subscribe: bool) -> Site {
    const HTML: &str = "text/html; charset=utf-8";
    const JSON: &str = "application/json; charset=utf-8";
    let mut files = BTreeMap::new();
    let mut put = |path: String, kind, text| {
        files.insert(path, File::new(kind, text));
    };
    put(String::new(), HTML, html::home(board, subscribe));
    put("history.html".to_owned(), HTML, html::history(board));
    for story in board.open.iter().chain(&board.past) {
        let path = format!("incidents/{}.html", story.key);
        put(path, HTML, html::story(board, story));
    }
    put(
        "style.css".to_owned(),
        "text/css; charset=utf-8",
        STYLE.to_owned(),
    );
    put(
        "feed.rss".to_owned(),
        "application/rss+xml; charset=utf-8",
        feeds::rss(board),
    );
    put(
        "feed.atom".to_owned(),
        "application/atom+xml; charset=utf-8",
        feeds::atom(board),
    );
    for (path, value) in json::all(board) {
        put(path.to_owned(), JSON, value.to_string());
    }
    put(
        "robots.txt".to_owned(),
        "text/plain; charset=utf-8",
        "User-agent: *\nAllow: /\n".to_owned(),
    );
    Site { files }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_board_is_the_same_bytes() {
        let board = Board::default();
        let (one, two) = (render(&board, true), render(&board, true));
        assert_eq!(one, two);
        assert!(one.files[""].gzip.is_some());
        let feed = std::str::from_utf8(&one.files["feed.atom"].body).unwrap();
        roxmltree::Document::parse(feed).unwrap();
    }
}
