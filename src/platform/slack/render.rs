//! The neutral things of the port as Block Kit (docs.slack.dev, "Block Kit").
//!
//! Promises: what others wrote stands in `plain_text` only, so it cannot mention, link or format;
//! every limit of Slack is kept by cutting here, whatever comes in, and what is cut is counted;
//! the notification's text alone tells what, where, how bad and who has it.

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;

use super::text;
use crate::chat::button::{self, Key, Token};
use crate::chat::heard::Said;
use crate::chat::{Board, Button, Card, Line, Live, Page, Press, Style};
use crate::core::id::{Actor, IncidentId, Seq};
use crate::core::text::cut;
use serde_json::{Value, json};

/// Characters of a header.
const HEADER: usize = 150;
/// Characters of a section's text.
pub(super) const SECTION: usize = 3000;
/// Characters of one field, cut far below Slack's 2,000: a card is looked at, not read.
const FIELD: usize = 400;
/// Label and value of this many facts fill the ten fields of a section.
const FACTS: usize = 5;
/// Sections of facts.
const FACT_SECTIONS: usize = 3;
/// Paragraphs of a card.
const LINES: usize = 12;
/// Characters of a paragraph.
const LINE: usize = 1000;
/// Characters of a button's label.
const LABEL: usize = 75;
/// Buttons in one row of blocks; Slack takes 25.
const ROW: usize = 25;
/// Rows of buttons.
const ROWS: usize = 2;
/// Sections of one long text: 24,000 characters; then it goes on in the console.
const SECTIONS: usize = 8;
/// Characters of the text a notification shows.
const NOTICE: usize = 1000;
/// Characters of a name, with the place somebody wrote in.
const WRITER: usize = 150;
/// Parts of a board.
const PARTS: usize = 30;
/// Pages of a backlog that are shown one by one.
const PAGES: usize = 4;

/// A message: what a notification shows, and what the channel shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Drawn {
    /// Escaped, at most 3,000 characters.
    pub text: String,
    /// At most 50.
    pub blocks: Vec<Value>,
}

/// Signs the buttons of one channel.
pub(super) struct Signer<'a> {
    pub key: Key,
    pub platform: &'a str,
    pub room: &'a str,
}

impl Signer<'_> {
    fn sign(&self, incident: IncidentId, seq: Seq, press: &Press) -> Option<String> {
        let token = Token {
            incident,
            seq,
            word: button::word(press),
        };
        self.key.sign(self.platform, self.room, &token)
    }
}

/// The light in front of a title: how bad it is, and grey and green once somebody has it.
fn light(card: &Card) -> &str {
    match (card.status.as_str(), card.severity_index) {
        ("resolved", _) => "✅",
        ("acknowledged", _) => "🟣",
        _ if !card.emoji.is_empty() => &card.emoji,
        ("private", _) => "🔒",
        (_, 0) => "🔴",
        (_, 1) => "🟠",
        (_, 2) => "🟡",
        _ => "🔵",
    }
}

fn plain_text(words: &str, max: usize) -> Value {
    // Slack refuses an empty text; what is cut to nothing is shown as a dash.
    let shown = text::clip(words, max);
    let shown = if shown.trim().is_empty() {
        "–"
    } else {
        &shown
    };
    json!({"type": "plain_text", "text": shown, "emoji": false})
}

/// Words of ours.
fn mrkdwn(words: &str) -> Value {
    json!({"type": "mrkdwn", "text": words, "verbatim": true})
}

pub(super) fn section(words: &str) -> Value {
    json!({"type": "section", "text": plain_text(words, SECTION)})
}

pub(super) fn header(words: &str) -> Value {
    json!({"type": "header", "text": plain_text(&cut(words, HEADER), HEADER)})
}

fn small(words: &str) -> Value {
    json!({"type": "context", "elements": [plain_text(words, SECTION)]})
}

/// A line with one link, unless the address is none.
pub(super) fn linked(url: &str, words: &str) -> Option<Value> {
    let link = text::link(url, words)?;
    Some(json!({"type": "context", "elements": [mrkdwn(&link)]}))
}

/// A text of any length, in sections.
pub(super) fn sections(words: &str) -> Vec<Value> {
    let chars: Vec<char> = words.chars().collect();
    let mut parts: Vec<Value> = chars
        .chunks(SECTION)
        .take(SECTIONS)
        .map(|part| section(&part.iter().collect::<String>()))
        .collect();
    if chars.len() > SECTION * SECTIONS {
        let left = chars.len() - SECTION * SECTIONS;
        parts.push(small(&format!(
            "… and {left} more characters, on the timeline"
        )));
    }
    if parts.is_empty() {
        parts.push(section(""));
    }
    parts
}

fn notice(words: &str) -> String {
    text::fit(&cut(words, NOTICE), NOTICE * 2, text::escape)
}

/// Rows of buttons, and how many found no place or no token.
fn buttons(buttons: &[Button], incident: IncidentId, seq: Seq, signer: &Signer<'_>) -> Vec<Value> {
    let drawn: Vec<Value> = buttons
        .iter()
        .enumerate()
        .filter_map(|(n, b)| {
            let value = signer.sign(incident, seq, &b.press)?;
            Some(pressable(&b.label, b.style, &format!("press:{n}"), &value))
        })
        .take(ROW * ROWS)
        .collect();
    let mut blocks: Vec<Value> = drawn
        .chunks(ROW)
        .map(|row| json!({"type": "actions", "elements": row}))
        .collect();
    let left = buttons.len() - drawn.len();
    if left > 0 {
        blocks.push(small(&format!(
            "{left} more without a button: write `run` to firebell for the list."
        )));
    }
    blocks
}

fn pressable(label: &str, style: Style, action: &str, value: &str) -> Value {
    let mut drawn = json!({
        "type": "button",
        "text": plain_text(&cut(label, LABEL), LABEL),
        "action_id": action,
        "value": value,
    });
    match style {
        Style::Primary => drawn["style"] = json!("primary"),
        Style::Danger => drawn["style"] = json!("danger"),
        Style::Plain => {}
    }
    drawn
}

/// Labels beside values, five to a section.
fn facts(facts: &[(String, String)]) -> Vec<Value> {
    let shown: Vec<Value> = facts
        .chunks(FACTS)
        .take(FACT_SECTIONS)
        .map(|some| {
            let fields: Vec<Value> = some
                .iter()
                .flat_map(|(label, value)| [plain_text(label, 100), plain_text(value, FIELD)])
                .collect();
            json!({"type": "section", "fields": fields})
        })
        .collect();
    shown
}

fn lines(lines: &[String]) -> Vec<Value> {
    let mut shown: Vec<Value> = lines
        .iter()
        .take(LINES)
        .map(|l| small(&text::clip(l, LINE)))
        .collect();
    if lines.len() > LINES {
        let left = lines.len() - LINES;
        shown.push(small(&format!("… and {left} more, on the timeline")));
    }
    shown
}

fn fact<'a>(card: &'a Card, name: &str) -> &'a str {
    let found = card.facts.iter().find(|(k, _)| k == name);
    found.map_or("", |(_, v)| v.as_str())
}

/// What, where, how bad, who has it: one line.
fn headline(card: &Card) -> String {
    let Card {
        severity,
        incident,
        title,
        ..
    } = card;
    let light = light(card);
    let mut line = format!("{light} {severity} {incident} {}", cut(title, 200));
    for (label, name) in [("", "where"), ("who has it: ", "who has it")] {
        let value = fact(card, name);
        if !value.is_empty() {
            line.push_str(&format!(" · {label}{}", cut(value, 150)));
        }
    }
    format!("{line} · {}", card.status)
}

/// A live card.
pub(super) fn card(card: &Card, signer: &Signer<'_>) -> Drawn {
    let light = light(card);
    let title = format!(
        "{light} {} · {} {}",
        card.severity, card.incident, card.title
    );
    let mut all = vec![("status".to_owned(), card.status.clone())];
    all.extend(card.facts.iter().cloned());
    let mut blocks = vec![header(&title)];
    blocks.extend(facts(&all));
    blocks.extend(lines(&card.lines));
    blocks.extend(buttons(&card.buttons, card.incident, card.seq, signer));
    blocks.extend(linked(&card.url, "Timeline and details"));
    Drawn {
        text: notice(&headline(card)),
        blocks,
    }
}

/// A line of a room; what somebody wrote elsewhere says who and where.
pub(super) fn line(line: &Line, signer: &Signer<'_>) -> Drawn {
    let mut blocks = Vec::new();
    let mut words = line.text.clone();
    if line.by != Actor::Firebell {
        let writer = cut(line.by.name(), WRITER);
        words = format!("{writer}: {words}");
        blocks.push(small(&writer));
    }
    blocks.extend(sections(&line.text));
    if let Some(run) = line.run {
        let both = [
            (
                format!("Approve {run}"),
                Press::Approve {
                    run,
                    seen: line.seen.clone(),
                },
                Style::Danger,
            ),
            (format!("Reject {run}"), Press::Reject { run }, Style::Plain),
        ];
        let both = both.map(|(label, press, style)| Button {
            label,
            press,
            style,
        });
        blocks.extend(buttons(&both, line.incident, line.seq, signer));
    }
    Drawn {
        text: notice(&words),
        blocks,
    }
}

/// Pages to one person: one in full, a backlog as a count and the newest of it.
pub(super) fn page(
    pages: &[Page],
    signer: &Signer<'_>,
    with_buttons: bool,
    console: &str,
) -> Drawn {
    let Some(last) = pages.last() else {
        return Drawn::default();
    };
    if pages.len() == 1 {
        let card = &last.card;
        let mut blocks = vec![section(&last.text)];
        blocks.extend(facts(&card.facts));
        if with_buttons {
            blocks.extend(buttons(&card.buttons, card.incident, card.seq, signer));
        }
        blocks.extend(linked(&card.url, "Timeline and details"));
        return Drawn {
            text: notice(&last.text),
            blocks,
        };
    }
    let head = format!("{} pages. The newest: {}", pages.len(), last.text);
    let mut blocks = vec![section(&format!(
        "{} pages, the newest first:",
        pages.len()
    ))];
    for page in pages.iter().rev().take(PAGES) {
        let card = &page.card;
        blocks.push(section(&page.text));
        if with_buttons {
            let first: Vec<Button> = card.buttons.iter().take(2).cloned().collect();
            blocks.extend(buttons(&first, card.incident, card.seq, signer));
        }
        blocks.extend(linked(&card.url, "Timeline and details"));
    }
    if pages.len() > PAGES {
        let left = pages.len() - PAGES;
        blocks.push(small(&format!("… and {left} more.")));
        blocks.extend(linked(
            &format!("{console}/incidents"),
            "All open incidents",
        ));
    }
    Drawn {
        text: notice(&head),
        blocks,
    }
}

/// What a run writes.
pub(super) fn live(live: &Live, signer: &Signer<'_>) -> Drawn {
    let mut blocks = vec![section(&live.title)];
    if !live.tail.is_empty() {
        blocks.extend(sections(&live.tail));
    }
    blocks.extend(buttons(&live.buttons, live.incident, live.seq, signer));
    Drawn {
        text: notice(&live.title),
        blocks,
    }
}

/// Who does what, and what is to be done.
pub(super) fn board(board: &Board, signer: &Signer<'_>) -> Drawn {
    let mut blocks = vec![section(&board.title)];
    for (heading, lines) in board.parts.iter().take(PARTS) {
        blocks.push(section(&format!("{heading}\n{}", lines.join("\n"))));
    }
    if board.parts.len() > PARTS {
        let left = board.parts.len() - PARTS;
        blocks.push(small(&format!("… and {left} more, on the incident's page")));
    }
    blocks.extend(buttons(&board.buttons, board.incident, board.seq, signer));
    blocks.extend(linked(&board.url, "Timeline and details"));
    Drawn {
        text: notice(&board.title),
        blocks,
    }
}

/// Words that belong to no incident.
pub(super) fn words(words: &str) -> Drawn {
    Drawn {
        text: notice(words),
        blocks: sections(words),
    }
}

/// An answer.
pub(super) fn said(said: &Said, signer: &Signer<'_>) -> Drawn {
    let words = if said.ok {
        said.text.clone()
    } else {
        format!("✋ {}", said.text)
    };
    let mut blocks = sections(&words);
    if let Some(incident) = said.incident {
        blocks.extend(buttons(&said.buttons, incident, said.seq, signer));
    }
    let url = said.url.as_deref().unwrap_or_default();
    blocks.extend(linked(url, "Timeline and details"));
    Drawn {
        text: notice(&words),
        blocks,
    }
}
