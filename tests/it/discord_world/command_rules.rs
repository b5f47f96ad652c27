//! Discord's limits on what an application registers.

use super::model::{list, text};
use super::problem::{Form, Problem};
use regex::Regex;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Checks a whole list, as a bulk overwrite brings it; faults are told by index.
pub fn check_all(commands: &[Value]) -> Result<(), Problem> {
    let mut form = Form::default();
    let slash = commands.iter().filter(|c| kind(c) == 1).count();
    let menus = commands.iter().filter(|c| kind(c) == 3).count();
    if slash > 100 || menus > 15 {
        let message = "Maximum number of application commands reached (100)";
        return Err(Problem::new(400, 30032, message));
    }
    let mut names = BTreeSet::new();
    for (n, command) in commands.iter().enumerate() {
        check(&mut form, &n.to_string(), command);
        if !names.insert((kind(command), text(&command["name"]))) {
            let message = "Application command names must be unique";
            form.fault(
                &format!("{n}"),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                message,
            );
        }
    }
    form.done()
}

/// Checks one.
pub fn check_one(command: &Value) -> Result<(), Problem> {
    let mut form = Form::default();
    check(&mut form, "", command);
    form.done()
}

fn kind(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

fn join(at: &str, key: &str) -> String {
    if at.is_empty() {
        key.to_owned()
    } else {
        format!("{at}.{key}")
    }
}

fn name(form: &mut Form, path: &str, name: &str) {
    static RULE: OnceLock<Regex> = OnceLock::new();
    let rule = RULE.get_or_init(|| Regex::new(r"^[-_\p{L}\p{N}]{1,32}$").unwrap());
    if !rule.is_match(name) || name.to_lowercase() != name {
        let message = "Command name is invalid";
        form.fault(path, "APPLICATION_COMMAND_INVALID_NAME", message);
    }
}

fn check(form: &mut Form, at: &str, command: &Value) {
    let called = text(&command["name"]);
    let description = text(&command["description"]);
    match kind(command) {
        1 => {
            name(form, &join(at, "name"), &called);
            form.length(&join(at, "description"), &description, 1, 100);
            options(form, at, &command["options"], 0);
            if size(command) > 8000 {
                let message = "Command exceeds maximum size (8000)";
                form.fault(at, "APPLICATION_COMMAND_TOO_LARGE", message);
            }
        }
        2 | 3 => {
            form.length(&join(at, "name"), &called, 1, 32);
            if !description.is_empty() {
                let message = "Context menu commands cannot have description";
                form.fault(
                    &join(at, "description"),
                    "APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED",
                    message,
                );
            }
            form.count(&join(at, "options"), list(&command["options"]).len(), 0, 0);
        }
        _ => form.fault(
            &join(at, "type"),
            "BASE_TYPE_CHOICES",
            "Value must be one of (1, 2, 3, 4).",
        ),
    }
}

/// Everything a person reads of a command, counted together.
fn size(part: &Value) -> usize {
    let own = text(&part["name"]).chars().count() + text(&part["description"]).chars().count();
    let value = part["value"].as_str().map_or(0, |v| v.chars().count());
    let below = list(&part["options"]).iter().chain(list(&part["choices"]));
    own + value + below.map(size).sum::<usize>()
}

fn options(form: &mut Form, at: &str, options: &Value, depth: usize) {
    let all = list(options);
    form.count(&join(at, "options"), all.len(), 0, 25);
    let nested = |o: &Value| matches!(o["type"].as_u64(), Some(1 | 2));
    let mixed = all.iter().any(nested) && !all.iter().all(nested);
    if mixed {
        let message = "Sub-command and sub-command group option types are mutually exclusive to all other types";
        form.fault(
            &join(at, "options"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            message,
        );
    }
    let (mut names, mut optional) = (BTreeSet::new(), false);
    for (n, option) in all.iter().enumerate() {
        let at = join(at, &format!("options.{n}"));
        let called = text(&option["name"]);
        name(form, &join(&at, "name"), &called);
        form.length(
            &join(&at, "description"),
            &text(&option["description"]),
            1,
            100,
        );
        if !names.insert(called) {
            let message = "The name of this option is already in use";
            form.fault(
                &join(&at, "name"),
                "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
                message,
            );
        }
        match option["type"].as_u64() {
            Some(1) if depth < 2 => self::options(form, &at, &option["options"], 2),
            Some(2) if depth == 0 => self::options(form, &at, &option["options"], 1),
            Some(3..=11) if depth != 1 => value(form, &at, option),
            _ => form.fault(
                &join(&at, "type"),
                "BASE_TYPE_CHOICES",
                "This type cannot stand here.",
            ),
        }
        let required = option["required"] == json!(true);
        if required && optional {
            let message = "Required options must be placed before non-required options";
            form.fault(&at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message);
        }
        optional |= !required && !nested(option);
    }
}

fn value(form: &mut Form, at: &str, option: &Value) {
    let choices = list(&option["choices"]);
    form.count(&join(at, "choices"), choices.len(), 0, 25);
    let mut names = BTreeSet::new();
    for (n, choice) in choices.iter().enumerate() {
        let at = join(at, &format!("choices.{n}"));
        form.length(&join(&at, "name"), &text(&choice["name"]), 1, 100);
        if let Some(value) = choice["value"].as_str() {
            form.length(&join(&at, "value"), value, 1, 100);
        }
        if !names.insert(text(&choice["name"])) {
            let message = "The name of this choice is already in use";
            form.fault(
                &join(&at, "name"),
                "APPLICATION_COMMAND_OPTIONS_CHOICES_NAME_ALREADY_EXISTS",
                message,
            );
        }
    }
    if option["autocomplete"] == json!(true) && !choices.is_empty() {
        let message = "Options with choices cannot have autocomplete";
        form.fault(
            at,
            "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES",
            message,
        );
    }
    if option["autocomplete"] == json!(true) && !matches!(option["type"].as_u64(), Some(3 | 4 | 10))
    {
        let message = "Autocomplete is for strings, integers and numbers only";
        form.fault(at, "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_TYPE", message);
    }
}
