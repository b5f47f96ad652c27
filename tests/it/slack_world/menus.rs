//! Finding what a person presses or chooses among blocks, and what Slack reports of it.

use super::state::State;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// People and channels by name, for the menus that list them.
pub struct Names {
    users: BTreeMap<String, String>,
    channels: BTreeMap<String, String>,
}

impl Names {
    pub fn of(state: &State, team: &str) -> Names {
        let users = state.users.iter().filter(|u| u.team == team);
        let channels = state.channels.iter().filter(|c| c.team == team);
        Names {
            users: users.map(|u| (u.name.clone(), u.id.clone())).collect(),
            channels: channels.map(|c| (c.name.clone(), c.id.clone())).collect(),
        }
    }

    fn user(&self, name: &str) -> &str {
        let name = name.trim_start_matches('@');
        self.users
            .get(name)
            .unwrap_or_else(|| panic!("there is no {name}"))
    }

    fn channel(&self, name: &str) -> &str {
        let name = name.trim_start_matches('#');
        self.channels
            .get(name)
            .unwrap_or_else(|| panic!("there is no #{name}"))
    }
}

/// Everything that can be pressed or set, with the block it stands in.
pub fn elements(blocks: &[Value]) -> Vec<(&Value, &Value)> {
    let mut found = Vec::new();
    for block in blocks {
        let inner: Vec<&Value> = match block["type"].as_str() {
            Some("actions") => block["elements"].as_array().into_iter().flatten().collect(),
            Some("section") => block.get("accessory").into_iter().collect(),
            Some("input") => block.get("element").into_iter().collect(),
            _ => Vec::new(),
        };
        found.extend(inner.into_iter().map(|element| (block, element)));
    }
    found
}

/// The action of a button, by its text.
pub fn button(blocks: &[Value], text: &str) -> Value {
    let all = elements(blocks);
    let buttons = || all.iter().filter(|(_, e)| e["type"] == "button");
    let found = buttons().find(|(_, e)| e["text"]["text"] == text);
    let (block, button) = found.unwrap_or_else(|| {
        let there: Vec<&str> = buttons()
            .filter_map(|(_, e)| e["text"]["text"].as_str())
            .collect();
        panic!("there is no button `{text}`, only {there:?}")
    });
    let mut action = json!({
        "action_id": button["action_id"],
        "block_id": block["block_id"],
        "text": button["text"],
        "type": "button",
    });
    for name in ["value", "style", "url"] {
        if !button[name].is_null() {
            action[name] = button[name].clone();
        }
    }
    action
}

/// The action of a menu that is set to a choice.
pub fn choice(blocks: &[Value], menu: &str, choice: &str, names: &Names) -> Value {
    let all = elements(blocks);
    let named = |(block, e): &&(&Value, &Value)| {
        [
            &e["action_id"],
            &e["placeholder"]["text"],
            &block["label"]["text"],
            &block["block_id"],
        ]
        .iter()
        .any(|name| **name == menu)
    };
    let found = all
        .iter()
        .filter(|(_, e)| e["type"] != "button")
        .find(named);
    let (block, element) = found.unwrap_or_else(|| panic!("there is no menu `{menu}`"));
    let mut action = value(element, choice, names);
    action["action_id"] = element["action_id"].clone();
    action["block_id"] = block["block_id"].clone();
    action
}

/// What an element holds when a person enters this; several choices are separated by commas.
pub fn value(element: &Value, entered: &str, names: &Names) -> Value {
    let kind = element["type"].as_str().unwrap_or("");
    let several = || entered.split(',').map(str::trim).filter(|s| !s.is_empty());
    let (field, held) = match kind {
        "static_select" | "radio_buttons" | "overflow" => {
            ("selected_option", option(element, entered))
        }
        "multi_static_select" | "checkboxes" => (
            "selected_options",
            several().map(|s| option(element, s)).collect(),
        ),
        "users_select" => ("selected_user", json!(names.user(entered))),
        "multi_users_select" => (
            "selected_users",
            several().map(|s| json!(names.user(s))).collect(),
        ),
        "channels_select" => ("selected_channel", json!(names.channel(entered))),
        "conversations_select" => ("selected_conversation", json!(names.channel(entered))),
        "datepicker" => ("selected_date", json!(entered)),
        "timepicker" => ("selected_time", json!(entered)),
        "datetimepicker" => ("selected_date_time", json!(entered.parse::<u64>().unwrap())),
        _ => ("value", json!(entered)),
    };
    json!({"type": kind, field: held})
}

/// An option by its text or its value.
fn option(element: &Value, text: &str) -> Value {
    let grouped = element["option_groups"].as_array().into_iter().flatten();
    let grouped = grouped.flat_map(|g| g["options"].as_array().into_iter().flatten());
    let all: Vec<&Value> = (element["options"].as_array().into_iter().flatten())
        .chain(grouped)
        .collect();
    let found = all
        .iter()
        .find(|o| o["text"]["text"] == text || o["value"] == text);
    let found = found.unwrap_or_else(|| {
        let there: Vec<&str> = all
            .iter()
            .filter_map(|o| o["text"]["text"].as_str())
            .collect();
        panic!("there is no option `{text}`, only {there:?}")
    });
    (**found).clone()
}

/// What an element holds before anybody touches it.
pub fn initial(element: &Value) -> Value {
    let kind = element["type"].as_str().unwrap_or("");
    let given = |name: &str| element[name].clone();
    let (field, held) = match kind {
        "static_select" | "radio_buttons" => ("selected_option", given("initial_option")),
        "multi_static_select" | "checkboxes" => {
            let chosen = element["initial_options"].as_array().cloned();
            ("selected_options", json!(chosen.unwrap_or_default()))
        }
        "users_select" => ("selected_user", given("initial_user")),
        "multi_users_select" => {
            let chosen = element["initial_users"].as_array().cloned();
            ("selected_users", json!(chosen.unwrap_or_default()))
        }
        "channels_select" => ("selected_channel", given("initial_channel")),
        "conversations_select" => ("selected_conversation", given("initial_conversation")),
        "datepicker" => ("selected_date", given("initial_date")),
        "timepicker" => ("selected_time", given("initial_time")),
        "datetimepicker" => ("selected_date_time", given("initial_date_time")),
        _ => ("value", given("initial_value")),
    };
    json!({"type": kind, field: held})
}

/// Keeps what was chosen in a view, so that its state tells of it.
pub fn remember(state: &mut State, view: &str, action: &Value) {
    if action["type"] == "button" {
        return;
    }
    let (block, id) = (action["block_id"].as_str(), action["action_id"].as_str());
    let (Some(block), Some(id)) = (block, id) else {
        return;
    };
    let mut held = action.clone();
    if let Some(fields) = held.as_object_mut() {
        fields.retain(|name, _| !["action_id", "block_id", "action_ts"].contains(&name.as_str()));
    }
    let view = state.view_mut(view).expect("a view");
    let values = view.values.entry(block).or_insert_with(|| json!({}));
    values[id] = held;
}
