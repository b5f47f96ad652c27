//! Discord's limits on what is said: messages, embeds, buttons, menus, forms, choices.

use super::model::{list, text};
use super::problem::{Form, Problem};
use serde_json::Value;
use std::collections::BTreeSet;

/// Keeps a message within the limits, before anything of it is stored. `files` is how many come with it.
pub fn message(body: &Value, files: usize) -> Result<(), Problem> {
    let mut form = Form::default();
    if let Some(content) = body["content"].as_str() {
        form.length("content", content, 0, 2000);
    }
    embeds(&mut form, &body["embeds"]);
    components(&mut form, &body["components"]);
    let nonce = text(&body["nonce"]);
    form.length("nonce", &nonce, 0, 25);
    mentions(&mut form, &body["allowed_mentions"]);
    form.count("attachments", files, 0, 10);
    form.done()
}

/// A message must have something in it.
pub fn not_empty(body: &Value, files: usize) -> Result<(), Problem> {
    let said = !text(&body["content"]).trim().is_empty();
    let shown = ["embeds", "components", "sticker_ids"]
        .iter()
        .any(|key| !list(&body[*key]).is_empty());
    if said || shown || files > 0 {
        return Ok(());
    }
    Err(Problem::new(400, 50006, "Cannot send an empty message"))
}

fn mentions(form: &mut Form, allowed: &Value) {
    let parse = list(&allowed["parse"]);
    for key in ["users", "roles"] {
        let listed = list(&allowed[key]);
        form.count(&format!("allowed_mentions.{key}"), listed.len(), 0, 100);
        if !listed.is_empty() && parse.iter().any(|p| p == key) {
            let message = format!("parse:[\"{key}\"] and {key}: [ids...] are mutually exclusive.");
            form.fault(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                message,
            );
        }
    }
}

fn embeds(form: &mut Form, embeds: &Value) {
    form.count("embeds", list(embeds).len(), 0, 10);
    let mut total = 0;
    for (n, embed) in list(embeds).iter().enumerate() {
        let at = format!("embeds.{n}");
        for (value, path, most) in [
            (&embed["title"], "title", 256),
            (&embed["description"], "description", 4096),
            (&embed["footer"]["text"], "footer.text", 2048),
            (&embed["author"]["name"], "author.name", 256),
        ] {
            form.length(&format!("{at}.{path}"), &text(value), 0, most);
            total += text(value).chars().count();
        }
        let fields = list(&embed["fields"]);
        form.count(&format!("{at}.fields"), fields.len(), 0, 25);
        for (m, field) in fields.iter().enumerate() {
            for (key, most) in [("name", 256), ("value", 1024)] {
                let path = format!("{at}.fields.{m}.{key}");
                let value = text(&field[key]);
                if value.is_empty() {
                    form.required(&path);
                } else {
                    form.length(&path, &value, 1, most);
                }
                total += value.chars().count();
            }
        }
        links(form, &at, embed);
    }
    if total > 6000 {
        let message = "Embed size exceeds maximum size of 6000";
        form.fault("embeds", "MAX_EMBED_SIZE_EXCEEDED", message);
    }
}

fn links(form: &mut Form, at: &str, embed: &Value) {
    let places = [
        (&embed["url"], "url"),
        (&embed["thumbnail"]["url"], "thumbnail.url"),
        (&embed["image"]["url"], "image.url"),
        (&embed["author"]["url"], "author.url"),
    ];
    for (url, path) in places {
        link(form, &format!("{at}.{path}"), &text(url));
    }
}

fn link(form: &mut Form, path: &str, url: &str) {
    let known = ["http://", "https://", "attachment://", "discord://"];
    if !url.is_empty() && !known.iter().any(|scheme| url.starts_with(scheme)) {
        let message = "Scheme must be one of ('http', 'https', 'discord').";
        form.fault(path, "URL_TYPE_INVALID_SCHEME", message);
    }
}

fn components(form: &mut Form, rows: &Value) {
    let mut names = BTreeSet::new();
    form.count("components", list(rows).len(), 0, 5);
    for (n, row) in list(rows).iter().enumerate() {
        let at = format!("components.{n}");
        let parts = list(&row["components"]);
        if row["type"] != 1 {
            form.fault(
                &at,
                "UNION_TYPE_CHOICES",
                "Value of field \"type\" must be one of (1,).",
            );
            continue;
        }
        let buttons = parts.iter().filter(|part| part["type"] == 2).count();
        // A menu fills its row.
        let room = if buttons == parts.len() { 5 } else { 1 };
        form.count(&format!("{at}.components"), parts.len(), 1, room);
        for (m, part) in parts.iter().enumerate() {
            let at = format!("{at}.components.{m}");
            match part["type"].as_u64() {
                Some(2) => button(form, &at, part),
                Some(3 | 5..=8) => menu(form, &at, part),
                _ => form.fault(
                    &at,
                    "BASE_TYPE_CHOICES",
                    "This component cannot stand here.",
                ),
            }
            unique(form, &at, part, &mut names);
        }
    }
}

fn unique(form: &mut Form, at: &str, part: &Value, names: &mut BTreeSet<String>) {
    let name = text(&part["custom_id"]);
    if !name.is_empty() && !names.insert(name) {
        let message = "Component custom id cannot be duplicated";
        form.fault(
            &format!("{at}.custom_id"),
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            message,
        );
    }
}

fn button(form: &mut Form, at: &str, part: &Value) {
    form.length(&format!("{at}.label"), &text(&part["label"]), 0, 80);
    if text(&part["label"]).is_empty() && part["emoji"].is_null() {
        let message = "A button must have a label or an emoji.";
        form.fault(at, "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", message);
    }
    match part["style"].as_u64() {
        Some(1..=4) => custom_id(form, at, part),
        Some(5) => {
            if part["url"].is_null() {
                let message = "A url is required";
                form.fault(at, "BUTTON_COMPONENT_URL_REQUIRED", message);
            }
            form.length(&format!("{at}.url"), &text(&part["url"]), 0, 512);
            link(form, &format!("{at}.url"), &text(&part["url"]));
            if !part["custom_id"].is_null() {
                let message = "A custom id and url cannot both be specified";
                form.fault(
                    at,
                    "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
                    message,
                );
            }
        }
        _ => form.fault(
            &format!("{at}.style"),
            "BASE_TYPE_CHOICES",
            "Value must be one of (1, 2, 3, 4, 5).",
        ),
    }
}

fn custom_id(form: &mut Form, at: &str, part: &Value) {
    match part["custom_id"].as_str() {
        Some(name) => form.length(&format!("{at}.custom_id"), name, 1, 100),
        None => {
            let message = "A custom id is required";
            form.fault(at, "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", message);
        }
    }
}

fn menu(form: &mut Form, at: &str, part: &Value) {
    custom_id(form, at, part);
    form.length(
        &format!("{at}.placeholder"),
        &text(&part["placeholder"]),
        0,
        150,
    );
    if part["type"] != 3 {
        return;
    }
    let options = list(&part["options"]);
    form.count(&format!("{at}.options"), options.len(), 1, 25);
    let mut values = BTreeSet::new();
    for (n, option) in options.iter().enumerate() {
        let at = format!("{at}.options.{n}");
        for (key, least) in [("label", 1), ("value", 1), ("description", 0)] {
            form.length(&format!("{at}.{key}"), &text(&option[key]), least, 100);
        }
        if !values.insert(text(&option["value"])) {
            let message = "The specified option value is already used";
            form.fault(
                &format!("{at}.value"),
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                message,
            );
        }
    }
}

/// A form a person is shown: what `data` of a callback of type 9 may hold.
pub fn modal(data: &Value) -> Result<(), Problem> {
    let mut form = Form::default();
    form.length("data.title", &text(&data["title"]), 1, 45);
    form.length("data.custom_id", &text(&data["custom_id"]), 1, 100);
    let rows = list(&data["components"]);
    form.count("data.components", rows.len(), 1, 5);
    let mut names = BTreeSet::new();
    for (n, row) in rows.iter().enumerate() {
        let at = format!("data.components.{n}");
        let (part, at) = match row["type"].as_u64() {
            Some(1) => {
                form.count(
                    &format!("{at}.components"),
                    list(&row["components"]).len(),
                    1,
                    1,
                );
                (&row["components"][0], format!("{at}.components.0"))
            }
            Some(18) => {
                form.length(&format!("{at}.label"), &text(&row["label"]), 1, 45);
                form.length(
                    &format!("{at}.description"),
                    &text(&row["description"]),
                    0,
                    100,
                );
                (&row["component"], format!("{at}.component"))
            }
            _ => {
                form.fault(
                    &at,
                    "UNION_TYPE_CHOICES",
                    "Value of field \"type\" must be one of (1, 18).",
                );
                continue;
            }
        };
        if part["type"] == 4 {
            input(&mut form, &at, part, row["type"] == 1);
        }
        unique(&mut form, &at, part, &mut names);
    }
    form.done()
}

fn input(form: &mut Form, at: &str, part: &Value, labelled: bool) {
    custom_id(form, at, part);
    if labelled {
        form.length(&format!("{at}.label"), &text(&part["label"]), 1, 45);
    }
    form.length(
        &format!("{at}.placeholder"),
        &text(&part["placeholder"]),
        0,
        100,
    );
    form.length(&format!("{at}.value"), &text(&part["value"]), 0, 4000);
    if !matches!(part["style"].as_u64(), Some(1 | 2)) {
        form.fault(
            &format!("{at}.style"),
            "BASE_TYPE_CHOICES",
            "Value must be one of (1, 2).",
        );
    }
    for (key, least) in [("min_length", 0), ("max_length", 1)] {
        if let Some(value) = part[key].as_u64()
            && !(least..=4000).contains(&value)
        {
            let message = format!("int value should be between {least} and 4000.");
            form.fault(&format!("{at}.{key}"), "NUMBER_TYPE_MAX", message);
        }
    }
}

/// What a person is offered while typing.
pub fn choices(data: &Value) -> Result<(), Problem> {
    let mut form = Form::default();
    let choices = list(&data["choices"]);
    form.count("data.choices", choices.len(), 0, 25);
    for (n, choice) in choices.iter().enumerate() {
        form.length(
            &format!("data.choices.{n}.name"),
            &text(&choice["name"]),
            1,
            100,
        );
        if let Some(value) = choice["value"].as_str() {
            form.length(&format!("data.choices.{n}.value"), value, 0, 100);
        }
    }
    form.done()
}

/// A text channel's name as Discord keeps it: lower case, dashes for spaces, no punctuation.
pub fn channel_name(name: &str) -> String {
    let mut kept = String::new();
    for c in name.to_lowercase().chars() {
        let c = if c.is_whitespace() { '-' } else { c };
        let allowed = !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let repeated = c == '-' && kept.ends_with('-');
        if allowed && !repeated && !c.is_control() {
            kept.push(c);
        }
    }
    kept.trim_matches('-').to_owned()
}
