//! The port's neutral things as bodies of Discord's API. Pure: nothing here sends anything.
//!
//! Promises: every body keeps Discord's limits whatever is in it; text is escaped; only
//! [`ringing`] rings anybody, by ids the composer gives it.

use super::text::{CONTENT_CHARS, escape, fit, marked, nonce, plain, said, shorten};
use crate::chat::button::{self, Key, Token};
use crate::chat::form::{Entry, Field, Form};
use crate::chat::heard::Said;
use crate::chat::{Board, Button, Card, Line, Live, Page, Press, Style};
use crate::core::id::{Actor, IncidentId, Seq};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Characters of an embed all together are at most 6,000; these parts stay below it.
const TITLE_CHARS: usize = 256;
const LINES_CHARS: usize = 1800;
/// An embed's description takes 4,096.
const BOARD_CHARS: usize = 3800;
const FACTS_CHARS: usize = 3200;
const FACT_CHARS: usize = 600;
/// Fields of an embed.
const FIELDS: usize = 25;
/// Buttons in a row, and rows.
const ROW: usize = 5;
const ROWS: usize = 5;
const LABEL_CHARS: usize = 80;
/// Characters of an address on a button.
const URL_CHARS: usize = 512;
/// Pages told in one message.
const PAGES: usize = 5;
/// Accounts one message may ring.
const RINGS: usize = 100;
/// `EPHEMERAL`: for one pair of eyes.
pub(super) const EPHEMERAL: u64 = 1 << 6;
/// `SUPPRESS_EMBEDS`: links of a line show no preview.
const NO_PREVIEW: u64 = 1 << 2;

/// What buttons are signed for.
#[derive(Clone, Copy)]
pub(super) struct Sign<'a> {
    pub key: &'a Key,
    pub platform: &'a str,
    /// The channel they stand in.
    pub room: &'a str,
}

/// Nobody is rung, whatever the text says.
pub(super) fn nobody() -> Value {
    json!({"parse": []})
}

/// The mark of an incident's card.
pub(super) fn card_mark(incident: IncidentId) -> String {
    format!("card:{}", incident.0)
}

/// The mark of the message with a room's links.
pub(super) fn links_mark(incident: IncidentId) -> String {
    format!("links:{}", incident.0)
}

/// A card: a content for the lock screen, an embed with the facts, buttons.
pub(super) fn card(card: &Card, sign: Sign<'_>) -> Value {
    let mark = match card.emoji.as_str() {
        "" => String::new(),
        emoji => format!("{emoji} "),
    };
    let head = format!(
        "{mark}{} {} {}: {}",
        card.severity, card.incident, card.status, card.title
    );
    json!({
        "content": said(&head, 300),
        "embeds": [embed(card)],
        "components": rows(buttons(&card.buttons, card.incident, card.seq, sign), &card.url),
        "allowed_mentions": nobody(),
    })
}

fn embed(card: &Card) -> Value {
    let mut made = json!({
        "title": said(&format!("{} {}", card.incident, card.title), TITLE_CHARS),
        "color": colour(card),
        "fields": fields(&card.facts),
        "footer": {"text": card_mark(card.incident)},
    });
    if web(&card.url) {
        made["url"] = json!(card.url);
    }
    let lines: Vec<String> = card.lines.iter().map(|l| escape(l)).collect();
    if !lines.is_empty() {
        made["description"] = json!(fit(&lines.join("\n"), LINES_CHARS, &card.url));
    }
    made
}

/// Red, orange, yellow by severity while it burns; blue while somebody has it; green when over.
fn colour(card: &Card) -> u32 {
    match (card.status.as_str(), card.severity_index) {
        ("resolved", _) => 0x2e_7d32,
        ("acknowledged", _) => 0x15_65c0,
        _ if card.colour.is_some() => card.colour.unwrap_or_default(),
        (_, 0) => 0xc6_2828,
        (_, 1) => 0xef_6c00,
        (_, 2) => 0xf9_a825,
        _ => 0x60_7d8b,
    }
}

fn fields(facts: &[(String, String)]) -> Vec<Value> {
    let (mut made, mut used) = (Vec::new(), 0);
    for (n, (name, value)) in facts.iter().enumerate() {
        let (name, value) = (shown(name, 100), shown(value, FACT_CHARS));
        used += name.chars().count() + value.chars().count();
        let last = made.len() + 1 == FIELDS && n + 1 < facts.len();
        if last || used > FACTS_CHARS {
            let left = crate::core::text::count(facts.len() - n, "more fact");
            made.push(json!({"name": "and", "value": left, "inline": false}));
            break;
        }
        made.push(json!({"name": name, "value": value, "inline": value.chars().count() <= 40}));
    }
    made
}

/// Escaped and never empty, which Discord refuses.
fn shown(text: &str, max: usize) -> String {
    let text = said(text, max);
    if text.trim().is_empty() {
        "–".to_owned()
    } else {
        text
    }
}

/// Discord buttons; one whose token is too long is left out, the command that means the same stays.
fn buttons(all: &[Button], incident: IncidentId, seq: Seq, sign: Sign<'_>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let make = |b: &Button| {
        let word = button::word(&b.press);
        let signed = sign.key.sign(
            sign.platform,
            sign.room,
            &Token {
                incident,
                seq,
                word,
            },
        )?;
        let style = match b.style {
            Style::Primary => 1,
            Style::Plain => 2,
            Style::Danger => 4,
        };
        let label = shorten(&plain(&b.label).replace('\n', " "), LABEL_CHARS);
        let fresh = !label.trim().is_empty() && seen.insert(signed.clone());
        fresh.then(|| json!({"type": 2, "style": style, "label": label, "custom_id": signed}))
    };
    all.iter().filter_map(make).collect()
}

fn link_button(label: &str, url: &str) -> Option<Value> {
    let label = shorten(&plain(label).replace('\n', " "), LABEL_CHARS);
    let good = web(url) && !label.trim().is_empty();
    good.then(|| json!({"type": 2, "style": 5, "label": label, "url": url}))
}

fn web(url: &str) -> bool {
    let scheme = url.starts_with("https://") || url.starts_with("http://");
    scheme
        && url.chars().count() <= URL_CHARS
        && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Rows of five; the link to more is the last button there is room for.
fn rows(mut buttons: Vec<Value>, url: &str) -> Value {
    buttons.truncate(ROW * ROWS);
    if let Some(link) = link_button("Open", url) {
        buttons.truncate(ROW * ROWS - 1);
        buttons.push(link);
    }
    let row = |part: &[Value]| json!({"type": 1, "components": part});
    buttons.chunks(ROW).map(row).collect()
}

/// A line of a room. `url` is the incident's page.
pub(super) fn line(line: &Line, url: &str, sign: Sign<'_>) -> Value {
    let body = match &line.by {
        Actor::Firebell => escape(&line.text),
        by => format!("**{}**: {}", said(by.name(), 150), escape(&line.text)),
    };
    let offered = line.run.map_or_else(Vec::new, |run| {
        let button = |label: &str, press, style| Button {
            label: format!("{label} {run}"),
            press,
            style,
        };
        vec![
            button(
                "Approve",
                Press::Approve {
                    run,
                    seen: line.seen.clone(),
                },
                Style::Danger,
            ),
            button("Reject", Press::Reject { run }, Style::Plain),
        ]
    });
    let link = if line.run.is_some() { url } else { "" };
    json!({
        "content": marked(&body, &line.key, url),
        "components": rows(buttons(&offered, line.incident, line.seq, sign), link),
        "allowed_mentions": nobody(),
        "flags": NO_PREVIEW,
        "nonce": nonce(&line.key),
        "enforce_nonce": true,
    })
}

/// What a run writes.
pub(super) fn live(live: &Live, sign: Sign<'_>) -> Value {
    let mut body = escape(&live.title);
    if !live.tail.is_empty() {
        // Nothing in a fence means anything but its end.
        let tail = super::text::plain(&live.tail).replace('`', "\u{2cb}");
        body += &format!("\n```\n{tail}\n```");
    }
    json!({
        "content": marked(&body, &live.key, ""),
        "components": rows(buttons(&live.buttons, live.incident, live.seq, sign), ""),
        "allowed_mentions": nobody(),
        "flags": NO_PREVIEW,
        "nonce": nonce(&live.key),
        "enforce_nonce": true,
    })
}

/// Who does what, and what is to be done.
pub(super) fn board(board: &Board, sign: Sign<'_>) -> Value {
    let part = |(heading, lines): &(String, Vec<String>)| {
        let lines: Vec<String> = lines.iter().map(|l| escape(l)).collect();
        format!("**{}**\n{}", escape(heading), lines.join("\n"))
    };
    let parts: Vec<String> = board.parts.iter().map(part).collect();
    let mut embed = json!({
        "title": said(&board.title, TITLE_CHARS),
        "description": fit(&parts.join("\n"), BOARD_CHARS, &board.url),
        "footer": {"text": board.key},
    });
    if web(&board.url) {
        embed["url"] = json!(board.url);
    }
    json!({
        "embeds": [embed],
        "components": rows(buttons(&board.buttons, board.incident, board.seq, sign), &board.url),
        "allowed_mentions": nobody(),
        "nonce": nonce(&board.key),
        "enforce_nonce": true,
    })
}

/// Something that belongs to no incident.
pub(super) fn news(key: &str, text: &str) -> Value {
    json!({
        "content": marked(&escape(text), &news_mark(key), ""),
        "allowed_mentions": nobody(),
        "flags": NO_PREVIEW,
        "nonce": nonce(&format!("news:{key}")),
        "enforce_nonce": true,
    })
}

/// The mark of news; keys may be long and of any shape.
pub(super) fn news_mark(key: &str) -> String {
    format!("news:{}", nonce(key))
}

/// Pages as one direct message: the text first, for the lock screen. `home` lists all incidents.
pub(super) fn pages(pages: &[Page], home: &str, sign: Sign<'_>) -> Value {
    let Some(newest) = pages.last() else {
        return Value::Null;
    };
    let mut body = card(&newest.card, sign);
    let keys: Vec<&str> = pages.iter().map(|p| p.key.as_str()).collect();
    body["nonce"] = json!(nonce(&format!("page:{}:{}", sign.room, keys.join(" "))));
    body["enforce_nonce"] = json!(true);
    body["content"] = json!(if pages.len() == 1 {
        said(&newest.text, CONTENT_CHARS)
    } else {
        let mut lines = vec![format!("{} pages, newest first:", pages.len())];
        lines.extend(pages.iter().rev().take(PAGES).map(|p| said(&p.text, 250)));
        if pages.len() > PAGES {
            lines.push(format!(
                "… and {} more: {}",
                pages.len() - PAGES,
                shorten(home, 300)
            ));
        }
        lines.join("\n")
    });
    body
}

/// An answer to somebody. `home` is where the rest of a long one is when it names no place itself.
pub(super) fn answer(told: &Said, home: &str, sign: Sign<'_>) -> Value {
    let words = if told.text.trim().is_empty() {
        "Done.".to_owned()
    } else {
        escape(&told.text)
    };
    let words = if told.ok {
        words
    } else {
        format!("🚫 {words}")
    };
    let url = told.url.as_deref().unwrap_or_default();
    let offered = told
        .incident
        .map_or_else(Vec::new, |id| buttons(&told.buttons, id, told.seq, sign));
    json!({
        "content": fit(&words, CONTENT_CHARS, if web(url) { url } else { home }),
        "components": rows(offered, url),
        "allowed_mentions": nobody(),
    })
}

/// The message that holds a room's links; an address no button takes stands in its words.
pub(super) fn links(incident: IncidentId, links: &[(String, String)]) -> Value {
    let made: Vec<Value> = links
        .iter()
        .filter_map(|(title, url)| link_button(title, url))
        .take(ROW * ROWS)
        .collect();
    let left = links.len() - made.len();
    let words = match left {
        0 => "Links".to_owned(),
        n => format!(
            "Links; {} could not be shown",
            crate::core::text::count(n, "more")
        ),
    };
    let row = |part: &[Value]| json!({"type": 1, "components": part});
    let mark = links_mark(incident);
    json!({
        "content": marked(&words, &mark, ""),
        "components": made.chunks(ROW).map(row).collect::<Vec<_>>(),
        "allowed_mentions": nobody(),
        "nonce": nonce(&mark),
        "enforce_nonce": true,
    })
}

/// The only message that rings people in a room: those who were brought into it, by account id.
pub(super) fn ringing(accounts: &[String], key: &str) -> Value {
    let accounts: Vec<&String> = accounts
        .iter()
        .filter(|a| a.bytes().all(|b| b.is_ascii_digit()))
        .take(RINGS)
        .collect();
    let names: Vec<String> = accounts.iter().map(|a| format!("<@{a}>")).collect();
    json!({
        "content": marked(&format!("Asked to come: {}", shorten(&names.join(" "), 1500)), key, ""),
        "allowed_mentions": {"parse": [], "users": accounts},
        "nonce": nonce(key),
        "enforce_nonce": true,
    })
}

/// How a form's fields reach Discord.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fields {
    /// Labels, with menus where there is a choice.
    Labels,
    /// Text only, in rows: serenity's gateway drops what labels hold when the form is sent.
    Rows,
}

/// A form as a modal; `token` is what it carries.
pub(super) fn modal(form: &Form, token: &str, how: Fields) -> Value {
    let field = |f: &Field| match how {
        Fields::Labels => label(f),
        Fields::Rows => row(f),
    };
    json!({
        "title": shorten(&plain(&form.title), 45),
        "custom_id": token,
        "components": form.fields.iter().take(5).map(field).collect::<Vec<_>>(),
    })
}

fn label(field: &Field) -> Value {
    let mut label = json!({
        "type": 18, "label": shorten(&plain(&field.label), 45), "component": entry(field),
    });
    let help = shorten(&plain(&field.help), 100);
    if !help.is_empty() {
        label["description"] = json!(help);
    }
    label
}

fn row(field: &Field) -> Value {
    let (style, max) = match &field.entry {
        Entry::Line { max } => (1, *max),
        Entry::Text { max } => (2, *max),
        Entry::Choice(_) => (1, 100),
    };
    let mut input = text_input(field, style, max);
    input["label"] = json!(shorten(&plain(&field.label), 45));
    let help = match &field.entry {
        Entry::Choice(choices) => {
            let values: Vec<&str> = choices.iter().map(|(value, _)| value.as_str()).collect();
            format!("one of {}", values.join(", "))
        }
        _ => field.help.clone(),
    };
    let help = shorten(&plain(&help), 100);
    if !help.is_empty() {
        input["placeholder"] = json!(help);
    }
    json!({"type": 1, "components": [input]})
}

fn text_input(field: &Field, style: u8, max: u16) -> Value {
    let max = max.clamp(1, 4000);
    let mut input = json!({
        "type": 4, "custom_id": field.name, "style": style, "required": field.required,
        "max_length": max,
    });
    if let Some(value) = field.value.as_ref().filter(|v| !v.is_empty()) {
        input["value"] = json!(shorten(value, usize::from(max)));
    }
    input
}

fn entry(field: &Field) -> Value {
    match &field.entry {
        Entry::Line { max } => text_input(field, 1, *max),
        Entry::Text { max } => text_input(field, 2, *max),
        Entry::Choice(choices) => {
            let options = menu(choices, field.value.as_ref());
            if options.is_empty() {
                return text_input(field, 1, 100);
            }
            json!({
                "type": 3, "custom_id": field.name, "required": field.required, "options": options,
            })
        }
    }
}

/// A menu's options; a value that had to be cut would be another value.
fn menu(choices: &[(String, String)], chosen: Option<&String>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let fits = |value: &String| !value.is_empty() && value.chars().count() <= 100;
    let fresh = choices
        .iter()
        .filter(|(value, _)| fits(value) && seen.insert(value.clone()));
    let option = |(value, read): &(String, String)| {
        let read = plain(if read.is_empty() { value } else { read });
        let mut made = json!({"value": value, "label": shorten(&read, 100)});
        if chosen == Some(value) {
            made["default"] = json!(true);
        }
        made
    };
    fresh.take(25).map(option).collect()
}

/// What an option offers while it is typed: what people read, and the value.
pub(super) fn choices(found: &[(String, String)], integer: bool) -> Value {
    let choice = |(value, read): &(String, String)| {
        let value = if integer {
            json!(value.parse::<i64>().ok()?)
        } else {
            json!(value)
        };
        let long = value
            .as_str()
            .is_some_and(|v| v.chars().count() > 100 || v.is_empty());
        let read = shorten(&plain(read), 100);
        (!long && !read.trim().is_empty()).then(|| json!({"name": read, "value": value}))
    };
    json!({"choices": found.iter().filter_map(choice).take(25).collect::<Vec<_>>()})
}

#[cfg(test)]
mod documented;
#[cfg(test)]
#[path = "render/tests.rs"]
mod tests;
