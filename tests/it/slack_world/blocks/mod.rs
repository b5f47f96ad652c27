//! Block Kit's rules, from the reference of each block on docs.slack.dev: what is allowed where, and
//! how long everything may be. What is wrong is said as Slack says it, with a path to the place.

mod elements;
pub mod views;

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    Message,
    Modal,
    Home,
}

/// Collects what is wrong.
pub struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, what: &str, path: &str) {
        self.0.push(format!("[ERROR] {what} [json-pointer:{path}]"));
    }

    /// A text of 1 to `most` characters.
    fn text(&mut self, value: Option<&str>, most: usize, path: &str) {
        match value.map(|text| text.chars().count()) {
            None => self.add("missing required field", path),
            Some(0) => self.add("must be more than 0 characters", path),
            Some(n) if n > most => {
                self.add(&format!("must be less than {} characters", most + 1), path);
            }
            Some(_) => {}
        }
    }

    /// An optional text of at most `most` characters.
    fn short(&mut self, value: &Value, most: usize, path: &str) {
        if !value.is_null() {
            self.text(value.as_str(), most, path);
        }
    }

    /// A text object; `plain` forbids mrkdwn.
    fn text_object(&mut self, value: &Value, most: usize, plain: bool, path: &str) {
        let kind = value["type"].as_str().unwrap_or("");
        if kind != "plain_text" && (plain || kind != "mrkdwn") {
            let wanted = if plain {
                "plain_text"
            } else {
                "plain_text or mrkdwn"
            };
            self.add(&format!("must be {wanted}"), &format!("{path}/type"));
        }
        let known: &[&str] = match kind {
            "mrkdwn" => &["type", "text", "verbatim"],
            _ => &["type", "text", "emoji"],
        };
        self.unknown(value, known, path);
        self.text(value["text"].as_str(), most, &format!("{path}/text"));
    }

    /// A list of `least` to `most` things.
    fn list<'a>(&mut self, value: &'a Value, least: usize, most: usize, path: &str) -> &'a [Value] {
        let all = value.as_array().map_or(&[][..], Vec::as_slice);
        if all.len() < least {
            self.add(&format!("no less than {least} items allowed"), path);
        }
        if all.len() > most {
            self.add(&format!("no more than {most} items allowed"), path);
        }
        all
    }

    fn unknown(&mut self, value: &Value, known: &[&str], path: &str) {
        for name in value.as_object().into_iter().flat_map(Map::keys) {
            if !known.contains(&name.as_str()) {
                self.add(&format!("invalid additional property: {name}"), path);
            }
        }
    }
}

/// The blocks with the ids Slack gives them, or what is wrong with them.
pub fn check(mut blocks: Vec<Value>, surface: Surface) -> Result<Vec<Value>, Vec<String>> {
    let mut faults = Faults(Vec::new());
    let most = if surface == Surface::Message { 50 } else { 100 };
    let whole = json!(blocks);
    faults.list(&whole, 0, most, "/blocks");
    let mut seen = BTreeSet::new();
    for (at, block) in blocks.iter().enumerate() {
        let path = format!("/blocks/{at}");
        faults.short(&block["block_id"], 255, &format!("{path}/block_id"));
        if let Some(id) = block["block_id"].as_str()
            && !seen.insert(id.to_owned())
        {
            faults.add(
                &format!("block_id {id} already exists"),
                &format!("{path}/block_id"),
            );
        }
        check_block(&mut faults, block, surface, &path);
    }
    if !faults.0.is_empty() {
        return Err(faults.0);
    }
    fill(&mut blocks);
    Ok(blocks)
}

fn check_block(f: &mut Faults, block: &Value, surface: Surface, path: &str) {
    let kind = block["type"].as_str().unwrap_or("");
    let (own, places): (&[&str], &[Surface]) = match kind {
        "section" => (&["text", "fields", "accessory", "expand"], &ALL),
        "header" => (&["text"], &ALL),
        "divider" => (&[], &ALL),
        "context" | "actions" => (&["elements"], &ALL),
        "image" => (&["image_url", "slack_file", "alt_text", "title"], &ALL),
        "input" => (
            &["label", "element", "hint", "optional", "dispatch_action"],
            &ALL,
        ),
        "rich_text" => (&["elements"], &ALL),
        "markdown" => (&["text"], &[Surface::Message]),
        "context_actions" | "table" | "video" | "file" => (&[], &[]),
        _ => (&[], &[]),
    };
    if !places.contains(&surface) {
        f.add(
            &format!("unsupported type: {kind}"),
            &format!("{path}/type"),
        );
        return;
    }
    let known: Vec<&str> = own.iter().chain(&["type", "block_id"]).copied().collect();
    f.unknown(block, &known, path);
    match kind {
        "section" => section(f, block, path),
        "header" => f.text_object(&block["text"], 150, true, &format!("{path}/text")),
        "context" => context(f, &block["elements"], &format!("{path}/elements")),
        "actions" => actions(f, &block["elements"], &format!("{path}/elements")),
        "image" => image(f, block, path),
        "input" => input(f, block, path),
        "rich_text" => {
            f.list(
                &block["elements"],
                1,
                usize::MAX,
                &format!("{path}/elements"),
            );
        }
        "markdown" => f.text(block["text"].as_str(), 12_000, &format!("{path}/text")),
        _ => {}
    }
}

const ALL: [Surface; 3] = [Surface::Message, Surface::Modal, Surface::Home];

fn section(f: &mut Faults, block: &Value, path: &str) {
    if block["text"].is_null() && block["fields"].is_null() {
        f.add("must have text or fields", path);
    }
    if !block["text"].is_null() {
        f.text_object(&block["text"], 3000, false, &format!("{path}/text"));
    }
    if !block["fields"].is_null() {
        let fields = f.list(&block["fields"], 1, 10, &format!("{path}/fields"));
        for (at, field) in fields.iter().enumerate() {
            f.text_object(field, 2000, false, &format!("{path}/fields/{at}"));
        }
    }
    if !block["accessory"].is_null() {
        elements::check(
            f,
            &block["accessory"],
            elements::Place::Accessory,
            &format!("{path}/accessory"),
        );
    }
}

fn context(f: &mut Faults, elements: &Value, path: &str) {
    for (at, element) in f.list(elements, 1, 10, path).iter().enumerate() {
        let path = format!("{path}/{at}");
        if element["type"] == "image" {
            image(f, element, &path);
        } else {
            f.text_object(element, 3000, false, &path);
        }
    }
}

fn actions(f: &mut Faults, elements: &Value, path: &str) {
    let mut seen = BTreeSet::new();
    for (at, element) in f.list(elements, 1, 25, path).iter().enumerate() {
        let path = format!("{path}/{at}");
        elements::check(f, element, elements::Place::Actions, &path);
        if let Some(id) = element["action_id"].as_str()
            && !seen.insert(id)
        {
            f.add(
                &format!("action_id {id} already exists"),
                &format!("{path}/action_id"),
            );
        }
    }
}

fn image(f: &mut Faults, image: &Value, path: &str) {
    f.text(
        image["alt_text"].as_str(),
        2000,
        &format!("{path}/alt_text"),
    );
    if image["slack_file"].is_null() {
        f.text(
            image["image_url"].as_str(),
            3000,
            &format!("{path}/image_url"),
        );
    }
    if !image["title"].is_null() {
        f.text_object(&image["title"], 2000, true, &format!("{path}/title"));
    }
}

fn input(f: &mut Faults, block: &Value, path: &str) {
    f.text_object(&block["label"], 2000, true, &format!("{path}/label"));
    if !block["hint"].is_null() {
        f.text_object(&block["hint"], 2000, true, &format!("{path}/hint"));
    }
    elements::check(
        f,
        &block["element"],
        elements::Place::Input,
        &format!("{path}/element"),
    );
}

/// Gives blocks and elements the ids they came without, as Slack does.
fn fill(blocks: &mut [Value]) {
    let id = || json!(format!("{:05x}", fastrand::u32(..0xfffff)));
    let interactive = |e: &Value| {
        e.is_object() && !matches!(e["type"].as_str(), Some("image" | "mrkdwn" | "plain_text"))
    };
    for block in blocks {
        if block["block_id"].is_null() {
            block["block_id"] = id();
        }
        let inner = match block["type"].as_str() {
            Some("actions") => block["elements"]
                .as_array_mut()
                .into_iter()
                .flatten()
                .collect(),
            Some("section") => block.get_mut("accessory").into_iter().collect(),
            Some("input") => block.get_mut("element").into_iter().collect(),
            _ => Vec::new(),
        };
        for element in inner {
            if interactive(element) && element["action_id"].is_null() {
                element["action_id"] = id();
            }
        }
    }
}
