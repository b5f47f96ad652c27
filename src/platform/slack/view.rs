//! Forms as modals, and the Home tab.

use super::render::{header, linked, section};
use super::text;
use crate::chat::form::{CHOICES, Entry, FIELDS, Field, Form};
use crate::chat::heard::Home;
use crate::core::text::cut;
use serde_json::{Value, json};

/// What our modals are known by.
pub(super) const CALLBACK: &str = "firebell_form";
/// The one element of a field's block.
pub(super) const VALUE: &str = "value";
/// Characters of a modal's title and buttons.
const TITLE: usize = 24;
/// Characters of an option's value; a longer one could not be read back.
const OPTION_VALUE: usize = 150;
/// Characters of an option's and a button's text.
const OPTION: usize = 75;
/// Characters of an input.
const INPUT: u16 = 3000;
/// Sections of a home page, and lines in each: far below Slack's 100 blocks.
const SECTIONS: usize = 20;

fn plain(words: &str, max: usize) -> Value {
    let shown = cut(words, max);
    let shown = if shown.trim().is_empty() {
        "–".to_owned()
    } else {
        shown
    };
    json!({"type": "plain_text", "text": shown, "emoji": false})
}

/// A modal. `token` is what the sent form carries, `room` where it was asked for.
pub(super) fn modal(form: &Form, token: &str, room: &str) -> Value {
    let mut blocks = Vec::new();
    if !form.about.trim().is_empty() {
        blocks.push(section(&form.about));
    }
    blocks.extend(form.fields.iter().take(FIELDS).map(input));
    json!({
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": json!({"token": token, "room": room}).to_string(),
        "title": plain(&form.title, TITLE),
        "submit": plain(&form.submit, TITLE),
        "close": plain("Cancel", TITLE),
        "blocks": blocks,
    })
}

fn input(field: &Field) -> Value {
    let mut block = json!({
        "type": "input",
        "block_id": field.name,
        "label": plain(&field.label, 2000),
        "optional": !field.required,
        "element": element(field),
    });
    if !field.help.trim().is_empty() {
        block["hint"] = plain(&field.help, OPTION_VALUE);
    }
    block
}

fn element(field: &Field) -> Value {
    let line = |max: u16, several: bool| {
        let max = max.clamp(1, INPUT);
        let mut element = json!({
            "type": "plain_text_input",
            "action_id": VALUE,
            "multiline": several,
            "max_length": max,
        });
        if let Some(value) = field.value.as_deref().filter(|v| !v.is_empty()) {
            element["initial_value"] = json!(text::clip(value, max.into()));
        }
        element
    };
    match &field.entry {
        Entry::Line { max } => line(*max, false),
        Entry::Text { max } => line(*max, true),
        Entry::Choice(choices) => {
            let short = |(value, _): &&(String, String)| {
                (1..=OPTION_VALUE).contains(&value.chars().count())
            };
            let options: Vec<Value> = choices
                .iter()
                .filter(short)
                .take(CHOICES)
                .map(|(value, read)| json!({"text": plain(read, OPTION), "value": value}))
                .collect();
            if options.is_empty() {
                return line(200, false);
            }
            let first = options
                .iter()
                .find(|o| field.value.as_deref().is_some_and(|v| o["value"] == v));
            let mut element = json!({
                "type": "static_select",
                "action_id": VALUE,
                "placeholder": plain("Choose", OPTION),
                "options": options,
            });
            if let Some(first) = first.cloned() {
                element["initial_option"] = first;
            }
            element
        }
    }
}

/// What was entered, by field; what was left empty is missing.
pub(super) fn values(view: &Value) -> std::collections::BTreeMap<String, String> {
    let blocks = view["state"]["values"].as_object();
    let held = |state: &Value| {
        let text = state["value"].as_str();
        let chosen = state["selected_option"]["value"].as_str();
        text.or(chosen).filter(|v| !v.is_empty()).map(str::to_owned)
    };
    blocks
        .into_iter()
        .flatten()
        .filter_map(|(name, elements)| {
            let first = elements.as_object()?.values().next()?;
            Some((name.clone(), held(first)?))
        })
        .collect()
}

/// Somebody's Home tab.
pub(super) fn home(home: &Home) -> Value {
    let mut blocks = vec![section(&home.head)];
    for (title, lines) in home.sections.iter().take(SECTIONS) {
        blocks.push(header(title));
        blocks.push(section(&lines.join("\n")));
    }
    let left = home.sections.len().saturating_sub(SECTIONS);
    if left > 0 {
        blocks.push(section(&format!("… and {left} more parts, on the console")));
    }
    blocks.extend(linked(&home.url, "Open the console"));
    json!({"type": "home", "blocks": blocks})
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn monstrous() -> Form {
        let words = "<!channel> x".repeat(5000);
        let field = |name: &str, entry: Entry| Field {
            name: name.to_owned(),
            label: words.clone(),
            help: words.clone(),
            entry,
            value: Some(words.clone()),
            required: true,
        };
        let choices = (0..500).map(|n| (format!("v{n}"), words.clone())).collect();
        let long = vec![(words.clone(), "unreadable".to_owned())];
        Form {
            verb: "note".to_owned(),
            incident: None,
            given: BTreeMap::new(),
            title: words.clone(),
            submit: words.clone(),
            about: words.clone(),
            fields: vec![
                field("a", Entry::Line { max: 0 }),
                field("b", Entry::Text { max: u16::MAX }),
                field("c", Entry::Choice(choices)),
                field("d", Entry::Choice(long)),
            ],
        }
    }

    #[test]
    fn a_monstrous_form_keeps_the_limits_of_a_modal() {
        let view = modal(&monstrous(), "token", "C1");
        let chars = |v: &Value| v.as_str().unwrap().chars().count();
        assert!(chars(&view["title"]["text"]) <= 24 && chars(&view["submit"]["text"]) <= 24);
        assert!(chars(&view["private_metadata"]) <= 3000);
        let blocks = view["blocks"].as_array().unwrap();
        assert!(chars(&blocks[0]["text"]["text"]) <= 3000);
        for block in &blocks[1..] {
            assert!(
                chars(&block["label"]["text"]) <= 2000 && chars(&block["hint"]["text"]) <= 2000
            );
            let max = block["element"]["max_length"].as_u64().unwrap_or(1);
            assert!((1..=3000).contains(&max));
            for option in block["element"]["options"].as_array().into_iter().flatten() {
                assert!(chars(&option["text"]["text"]) <= 75 && chars(&option["value"]) <= 150);
            }
        }
        assert_eq!(
            blocks[3]["element"]["options"].as_array().unwrap().len(),
            CHOICES
        );
        assert_eq!(blocks[4]["element"]["type"], "plain_text_input");
    }

    #[test]
    fn what_was_entered_is_read_by_field() {
        let view = json!({"state": {"values": {
            "title": {VALUE: {"type": "plain_text_input", "value": "slow"}},
            "sev": {VALUE: {"type": "static_select", "selected_option": {"value": "sev1"}}},
            "empty": {VALUE: {"type": "plain_text_input", "value": null}},
            "odd": [], "odder": {},
        }}});
        let wanted = [("sev", "sev1"), ("title", "slow")];
        let wanted = wanted.map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(values(&view), BTreeMap::from(wanted));
        assert!(values(&Value::Null).is_empty());
    }

    #[test]
    fn a_home_of_any_length_fits() {
        let words = "<@U1> ".repeat(3000);
        let long = Home {
            head: words.clone(),
            sections: vec![(words.clone(), vec![words.clone(); 50]); 500],
            url: "https://fb.example".to_owned(),
        };
        let view = home(&long);
        let blocks = view["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 100);
        assert_eq!(home(&Home::default())["blocks"][0]["text"]["text"], "–");
    }
}
