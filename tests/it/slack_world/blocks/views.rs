//! Modals and Home tabs as a whole.

use super::{Faults, Surface};
use serde_json::{Map, Value};

const KNOWN: [&str; 12] = [
    "type",
    "title",
    "blocks",
    "close",
    "submit",
    "private_metadata",
    "callback_id",
    "clear_on_close",
    "notify_on_close",
    "external_id",
    "submit_disabled",
    "state",
];

/// The view with the ids Slack gives it, or what is wrong.
pub fn check_view(view: Value, home: bool) -> Result<Map<String, Value>, Vec<String>> {
    let mut f = Faults(Vec::new());
    let (kind, surface) = if home {
        ("home", Surface::Home)
    } else {
        ("modal", Surface::Modal)
    };
    if view["type"] != kind {
        f.add(&format!("must be {kind}"), "/view/type");
    }
    f.unknown(&view, &KNOWN, "/view");
    let blocks = view["blocks"].as_array().cloned();
    if blocks.is_none() {
        f.add("missing required field", "/view/blocks");
    }
    let blocks = blocks.unwrap_or_default();
    if !home {
        f.text_object(&view["title"], 24, true, "/view/title");
        let input = blocks.iter().any(|b| b["type"] == "input");
        if input && view["submit"].is_null() {
            f.add("submit is required with input blocks", "/view/submit");
        }
    }
    for name in ["submit", "close"] {
        if !view[name].is_null() {
            f.text_object(&view[name], 24, true, &format!("/view/{name}"));
        }
    }
    for (name, most) in [
        ("private_metadata", 3000),
        ("callback_id", 255),
        ("external_id", 255),
    ] {
        let long = view[name]
            .as_str()
            .is_some_and(|t| t.chars().count() > most);
        if long {
            f.add(
                &format!("must be less than {} characters", most + 1),
                &format!("/view/{name}"),
            );
        }
    }
    let checked = super::check(blocks, surface);
    match checked {
        Err(more) => f.0.extend(more),
        Ok(blocks) if f.0.is_empty() => {
            let Value::Object(mut map) = view else {
                return Err(f.0);
            };
            map.insert("blocks".to_owned(), Value::Array(blocks));
            map.remove("state");
            return Ok(map);
        }
        Ok(_) => {}
    }
    Err(f.0)
}
