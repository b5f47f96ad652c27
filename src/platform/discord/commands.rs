//! The command tree as Discord registers it: one root with a subcommand per verb (in a group where the
//! tree says so, because Discord takes 25 beside each other) and typed options, the families that stand
//! apart (because it takes 8,000 characters of one command), the roots a team has switched on besides, and a command in the menu of a message.
//!
//! Promises: every list fits Discord's limits; a new argument of the tree appears by itself; what a
//! person sends reads back as the verb and the argument names of the tree ([`options`]).

use crate::chat::surface::{Argument, Kind, Leaf, Needs, Tree};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The root that is always there.
const ROOT: &str = "firebell";
/// The command in a message's menu.
pub(super) const KEEP: &str = "Add to timeline";
/// The other one.
pub(super) const DECLARE: &str = "Declare an incident";
/// Option for an action's pairs, whose name in the tree no option can have.
const ARGUMENTS: &str = "arguments";
/// Option for the incident's number.
const INCIDENT: &str = "incident";
/// Text a person may write into one option.
const TEXT_CHARS: u32 = 3000;

/// Everything to be registered in a guild. `aliases` are the roots switched on besides.
#[must_use]
pub fn commands(tree: &Tree, aliases: &[String]) -> Value {
    let mut all = vec![root(tree, ROOT)];
    all.extend(tree.groups.iter().filter(|g| g.apart).map(|group| {
        fit(json!({
            "type": 1, "name": group.name, "description": group.help,
            "options": verbs(tree, Some(&group.name)),
        }))
    }));
    for alias in aliases {
        match tree.find(alias).filter(|leaf| leaf.verb == *alias) {
            Some(leaf) => all.push(json!({
                "type": 1, "name": alias, "description": leaf.help, "options": leaf_options(leaf),
            })),
            None => all.push(root(tree, alias)),
        }
    }
    all.push(json!({"type": 3, "name": KEEP}));
    all.push(json!({"type": 3, "name": DECLARE}));
    Value::Array(all)
}

/// Characters of names, descriptions and values of one command that Discord takes.
const SIZE: usize = 8000;
/// To how many characters the words about options are cut, step by step, until the command fits.
const SHORTER: [usize; 5] = [70, 50, 36, 26, 18];

/// Cuts what is said about options until Discord takes the command: it has every verb there is.
fn fit(mut command: Value) -> Value {
    for max in SHORTER {
        if size(&command) <= SIZE {
            break;
        }
        cut_options(&mut command, max);
    }
    command
}

/// Options of verbs, not the verbs themselves: whoever chooses one reads what it does.
fn cut_options(command: &mut Value, max: usize) {
    for option in command["options"].as_array_mut().into_iter().flatten() {
        if matches!(option["type"].as_u64(), Some(1 | 2)) {
            cut_options(option, max);
        } else if let Some(words) = option["description"].as_str() {
            option["description"] = json!(crate::core::text::cut(words, max));
        }
    }
}

/// Characters of names, descriptions and values, as Discord counts them.
fn size(part: &Value) -> usize {
    let own = |key: &str| part[key].as_str().map_or(0, |t| t.chars().count());
    let below = |key: &str| {
        part[key]
            .as_array()
            .into_iter()
            .flatten()
            .map(size)
            .sum::<usize>()
    };
    own("name") + own("description") + own("value") + below("options") + below("choices")
}

/// The verbs of a group as subcommands; `None`: those of no group.
fn verbs(tree: &Tree, group: Option<&str>) -> Vec<Value> {
    let verb = |leaf: &Leaf| {
        json!({
            "type": 1, "name": leaf.verb, "description": leaf.help, "options": leaf_options(leaf),
        })
    };
    let own = tree.commands.iter();
    own.filter(|leaf| leaf.group.as_deref() == group)
        .map(verb)
        .collect()
}

fn root(tree: &Tree, name: &str) -> Value {
    let mut options = verbs(tree, None);
    options.extend(tree.groups.iter().filter(|g| !g.apart).map(|group| {
        json!({
            "type": 2, "name": group.name, "description": group.help,
            "options": verbs(tree, Some(&group.name)),
        })
    }));
    fit(json!({
        "type": 1, "name": name, "description": "Incidents, pages and who is on call.",
        "options": options,
    }))
}

/// Required ones first, as Discord demands.
fn leaf_options(leaf: &Leaf) -> Vec<Value> {
    let must = |a: &Argument| a.required && !opens_form(leaf);
    let (required, rest): (Vec<_>, Vec<_>) = leaf.args.iter().partition(|a| must(a));
    let made = |a: &Argument| option(a, must(a));
    let mut options: Vec<Value> = required.into_iter().chain(rest).map(made).collect();
    if leaf.incident != Needs::None {
        options.push(json!({
            "type": 4, "name": INCIDENT, "description": "Its number; may be left out in its room.",
            "required": false, "autocomplete": true, "min_value": 1,
        }));
    }
    options
}

/// Without its words it opens its form, so none of them must be there.
fn opens_form(leaf: &Leaf) -> bool {
    leaf.verb == "new"
}

fn option(arg: &Argument, required: bool) -> Value {
    let mut made = json!({
        "type": 3, "name": option_name(arg), "description": arg.help, "required": required,
    });
    match arg.kind {
        Kind::Text | Kind::Pairs | Kind::More => made["max_length"] = json!(TEXT_CHARS),
        Kind::Clock | Kind::Cover | Kind::Line | Kind::Incident => made["max_length"] = json!(100),
        Kind::Choice => {
            let choice = |c: &String| json!({"name": c, "value": c});
            made["choices"] = arg.choices.iter().map(choice).collect();
        }
        Kind::Severity
        | Kind::Status
        | Kind::Service
        | Kind::Type
        | Kind::Person
        | Kind::Target
        | Kind::Action
        | Kind::Run
        | Kind::Duration
        | Kind::Schedule
        | Kind::When
        | Kind::What
        | Kind::Silence
        | Kind::Role
        | Kind::Holder
        | Kind::Item
        | Kind::Verb => made["autocomplete"] = json!(true),
    }
    made
}

fn option_name(arg: &Argument) -> &str {
    if arg.kind == Kind::Pairs {
        ARGUMENTS
    } else {
        &arg.name
    }
}

/// The tree's name of an option.
#[must_use]
pub fn tree_name(leaf: &Leaf, option: &str) -> String {
    let arg = leaf.args.iter().find(|a| option_name(a) == option);
    arg.map_or(option, |a| a.name.as_str()).to_owned()
}

/// Verb, options by the names of the tree, and the option that is being typed with what is written of it.
pub type Sent = (String, BTreeMap<String, String>, Option<(String, String)>);

/// A sent command: the verb, its options by the names of the tree, and the option that is being
/// typed. `None`: the tree has no such command.
#[must_use]
pub fn options<'d>(tree: &Tree, data: &'d Value) -> Option<Sent> {
    let root = data["name"].as_str()?;
    let given = data["options"].as_array();
    let first = |all: &'d Vec<Value>, kind: u64| all.iter().find(|o| o["type"] == kind);
    let group = given.and_then(|all| first(all, 2));
    let given = group.map_or(given, |group| group["options"].as_array());
    let below = given.and_then(|all| first(all, 1));
    let (verb, given) = match below {
        Some(sub) => (sub["name"].as_str()?, sub["options"].as_array()),
        None => (root, given),
    };
    let leaf = tree.find(verb)?;
    let (mut named, mut typing) = (BTreeMap::new(), None);
    for option in given.into_iter().flatten() {
        let name = tree_name(leaf, option["name"].as_str().unwrap_or_default());
        let value = match &option["value"] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        if option["focused"].as_bool().unwrap_or(false) {
            typing = Some((name.clone(), value.clone()));
        }
        named.insert(name, value);
    }
    Some((leaf.verb.clone(), named, typing))
}

/// Whether what Discord has registered means the same. Discord adds ids and defaults to it.
#[must_use]
pub fn same(registered: &Value, wanted: &Value) -> bool {
    let plain = |all: &Value| {
        let mut all: Vec<Value> = all.as_array().into_iter().flatten().map(essence).collect();
        all.sort_by_key(ToString::to_string);
        all
    };
    plain(registered) == plain(wanted)
}

/// What makes a command or option what it is.
fn essence(part: &Value) -> Value {
    let mut kept = serde_json::Map::new();
    for key in [
        "type",
        "name",
        "description",
        "min_value",
        "max_value",
        "min_length",
        "max_length",
        "choices",
    ] {
        let value = &part[key];
        let nothing = value.is_null()
            || value.as_str() == Some("")
            || value.as_array().is_some_and(Vec::is_empty);
        if nothing {
            continue;
        }
        let number = value.as_f64().map(|n| json!(n));
        kept.insert(key.to_owned(), number.unwrap_or_else(|| value.clone()));
    }
    if let Some(choices) = part["choices"].as_array().filter(|c| !c.is_empty()) {
        let pair = |c: &Value| json!([c["name"], c["value"]]);
        kept.insert("choices".to_owned(), choices.iter().map(pair).collect());
    }
    for key in ["required", "autocomplete"] {
        if part[key].as_bool().unwrap_or(false) {
            kept.insert(key.to_owned(), json!(true));
        }
    }
    let options: Vec<Value> = part["options"]
        .as_array()
        .into_iter()
        .flatten()
        .map(essence)
        .collect();
    if !options.is_empty() {
        kept.insert("options".to_owned(), Value::Array(options));
    }
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::surface::tree;
    use crate::config::chat::ALIASES;

    fn all() -> Value {
        commands(tree(), &ALIASES.map(str::to_owned))
    }

    #[test]
    fn commands_discord_json_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/commands/discord.json");
        let made = serde_json::to_string_pretty(&all()).unwrap() + "\n";
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        let have = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            have == made,
            "commands/discord.json is old: UPDATE=1 cargo test discord, review, commit"
        );
    }

    fn check(part: &Value, top: bool) {
        let name = part["name"].as_str().unwrap();
        if part["type"] == 3 && top {
            assert!(name.chars().count() <= 32);
            return;
        }
        assert!(
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{name}"
        );
        assert!((1..=32).contains(&name.len()));
        assert!(
            (1..=100).contains(&part["description"].as_str().unwrap().chars().count()),
            "{name}"
        );
        let empty = Vec::new();
        let options = part["options"].as_array().unwrap_or(&empty);
        assert!(options.len() <= 25, "{name}: {}", options.len());
        let required: Vec<bool> = options.iter().map(|o| o["required"] == true).collect();
        assert!(
            required.is_sorted_by(|a, b| a >= b),
            "{name}: required options come first"
        );
        for option in options {
            check(option, false);
        }
    }

    #[test]
    fn everything_fits_discords_limits() {
        let all = all();
        for command in all.as_array().unwrap() {
            check(command, true);
            assert!(size(command) <= 8000, "{}", size(command));
        }
    }

    #[test]
    fn a_tree_of_many_words_is_cut_until_it_fits() {
        let option =
            |n: usize| json!({"type": 3, "name": format!("o{n}"), "description": "w".repeat(100)});
        let verb = |n: usize| {
            let options: Vec<Value> = (0..5).map(option).collect();
            json!({"type": 1, "name": format!("v{n}"), "description": "h".repeat(90), "options": options})
        };
        let verbs: Vec<Value> = (0..25).map(verb).collect();
        let fitted = fit(json!({"name": "firebell", "description": "x", "options": verbs}));
        assert!(size(&fitted) <= SIZE, "{}", size(&fitted));
        assert_eq!(
            fitted["options"][0]["description"],
            "h".repeat(90),
            "verbs keep their words"
        );
    }

    #[test]
    fn a_sent_command_reads_as_the_tree_names_it() {
        let data = json!({"name": "firebell", "options": [{"type": 1, "name": "run", "options": [
            {"type": 3, "name": "action", "value": "restart"},
            {"type": 3, "name": "arguments", "value": "lines=10"},
            {"type": 4, "name": "incident", "value": 42, "focused": true},
        ]}]});
        let (verb, named, typing) = options(tree(), &data).unwrap();
        assert_eq!(verb, "run");
        assert_eq!(named["name=value"], "lines=10");
        assert_eq!(named["incident"], "42");
        assert_eq!(typing, Some(("incident".to_owned(), "42".to_owned())));
        let grouped = json!({"name": "firebell", "options": [{"type": 2, "name": "quiet", "options": [
            {"type": 1, "name": "unsilence", "options": [{"type": 3, "name": "silence", "value": "7dd5"}]},
        ]}]});
        let (verb, named, _) = options(tree(), &grouped).unwrap();
        assert_eq!(
            (verb.as_str(), named["silence"].as_str()),
            ("unsilence", "7dd5")
        );
        let apart = json!({"name": "crew", "options": [{"type": 1, "name": "tick", "options": [
            {"type": 3, "name": "line", "value": "3"},
        ]}]});
        let (verb, named, _) = options(tree(), &apart).unwrap();
        assert_eq!((verb.as_str(), named["line"].as_str()), ("tick", "3"));
        let alias =
            json!({"name": "oncall", "options": [{"type": 3, "name": "whom", "value": "web"}]});
        assert_eq!(options(tree(), &alias).unwrap().0, "oncall");
        assert_eq!(options(tree(), &json!({"name": "explode"})), None);
        let deeper = json!({"name": "firebell", "options": [{"type": 2, "name": "duty", "options": [
            {"type": 1, "name": "take", "options": [{"type": 3, "name": "cover", "value": "7"}]},
        ]}]});
        let (verb, named, _) = options(tree(), &deeper).unwrap();
        assert_eq!((verb.as_str(), named["cover"].as_str()), ("take", "7"));
    }

    #[test]
    fn what_discord_adds_makes_no_difference() {
        let mut registered = all();
        for command in registered.as_array_mut().unwrap() {
            command["id"] = json!("1");
            command["version"] = json!("7");
            command["nsfw"] = json!(false);
            command["default_member_permissions"] = Value::Null;
        }
        assert!(same(&registered, &all()));
        registered[0]["options"][0]["description"] = json!("other words");
        assert!(!same(&registered, &all()));
    }
}
