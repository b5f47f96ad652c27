//! `firebell.toml` under environment variables, laid over each other by the `config` crate.
//!
//! `FIREBELL__CONSOLE__DEMO=true` is `[console] demo`, a single `_` stands for `-`, a number is a
//! place in a list (`FIREBELL__SOURCES__0__TOKEN`), and a value that is a TOML list or inline
//! table is one. The crate knows no lines; they are looked up again in the parsed file.

use super::load::Variables;
use super::reader::Sink;
use super::tree::{Kind, Node, Place, parse};
use config::{Config, ConfigError, File, FileFormat, Map, Source, Value, ValueKind};
use std::path::Path;
use std::sync::Arc;

/// Variables that begin so belong to firebell's configuration.
const PREFIX: &str = "FIREBELL__";

/// The longest list a variable may reach into; the crate fills the gap, so this bounds memory.
const LIST_MAX: usize = 1000;

/// The merged document; `None` when the file is not TOML.
pub(super) fn read(
    text: &str,
    file: &Arc<Path>,
    variables: &Variables,
    sink: &Sink,
) -> Option<Node> {
    let said = parse(text, file, sink)?;
    let mut builder = Config::builder().add_source(File::from_str(text, FileFormat::Toml));
    // One source for each variable, by name: a later one wins over an earlier one, always the same way.
    for (name, value) in variables {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        match key_path(rest) {
            Ok(path) => {
                builder = builder.add_source(Override {
                    path,
                    value: literal(name, value),
                });
            }
            Err(why) => sink.fault(
                &Place::variable(name),
                why,
                "name it FIREBELL__SECTION__KEY, such as FIREBELL__CONSOLE__DEMO or FIREBELL__SOURCES__0__TOKEN",
            ),
        }
    }
    match builder.build() {
        Ok(merged) => Some(locate(&merged.cache, Some(&said), &said.place)),
        Err(error) => {
            sink.fault(
                &said.place,
                format!("the file could not be read: {error}"),
                "a number here is larger than 64 bits can hold; write a smaller one",
            );
            None
        }
    }
}

/// `SOURCES__0__RESOLVE_TIMEOUT` as the crate's `sources[0].resolve-timeout`.
fn key_path(rest: &str) -> Result<String, String> {
    let mut path = String::new();
    for word in rest.split("__") {
        let key = word.to_ascii_lowercase().replace('_', "-");
        let plain = key
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if key.is_empty() || !plain {
            return Err("this variable does not name a key".to_owned());
        }
        match key.parse::<usize>() {
            Ok(n) if n >= LIST_MAX || path.is_empty() => {
                return Err(format!("{n} is not a place in a list of this file"));
            }
            Ok(n) => path.push_str(&format!("[{n}]")),
            Err(_) if path.is_empty() => path = key,
            Err(_) => path.push_str(&format!(".{key}")),
        }
    }
    Ok(path)
}

/// A list or inline table in TOML; everything else stays text and is read as what the key takes.
fn literal(name: &str, text: &str) -> Value {
    let origin = name.to_owned();
    if !text.trim_start().starts_with(['[', '{']) {
        return Value::new(Some(&origin), text.to_owned());
    }
    let quiet = Sink::default();
    let file: Arc<Path> = Path::new(name).into();
    let parsed = parse(&format!("v = {}", text.trim()), &file, &quiet);
    match parsed.map(|n| n.kind) {
        Some(Kind::Table(mut root)) if root.len() == 1 => root.remove("v").map_or_else(
            || Value::new(Some(&origin), text.to_owned()),
            |(_, v)| with_origin(v, &origin),
        ),
        _ => Value::new(Some(&origin), text.to_owned()),
    }
}

fn with_origin(node: Node, origin: &String) -> Value {
    let kind = match node.kind {
        Kind::Text(t) | Kind::Date(t) => ValueKind::String(t),
        Kind::Int(n) => ValueKind::I64(n),
        Kind::Number => ValueKind::Float(f64::NAN),
        Kind::Bool(b) => ValueKind::Boolean(b),
        Kind::Missing => ValueKind::Nil,
        Kind::List(items) => {
            ValueKind::Array(items.into_iter().map(|n| with_origin(n, origin)).collect())
        }
        Kind::Table(entries) => ValueKind::Table(
            entries
                .into_iter()
                .map(|(k, (_, v))| (k, with_origin(v, origin)))
                .collect(),
        ),
    };
    Value::new(Some(origin), kind)
}

/// Puts places back: the variable when one said it, else the line of the file.
fn locate(value: &Value, said: Option<&Node>, around: &Place) -> Node {
    let place = match (value.origin(), said) {
        (Some(variable), _) => Place::variable(variable),
        (None, Some(node)) => node.place.clone(),
        (None, None) => around.clone(),
    };
    let kind = match &value.kind {
        ValueKind::Nil => Kind::Missing,
        ValueKind::Boolean(b) => Kind::Bool(*b),
        ValueKind::I64(n) => Kind::Int(*n),
        ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) | ValueKind::Float(_) => {
            Kind::Number
        }
        ValueKind::String(text) => Kind::Text(text.clone()),
        ValueKind::Array(items) => Kind::List(locate_list(items, said, &place)),
        ValueKind::Table(entries) => locate_table(entries, said, &place),
    };
    Node { kind, place }
}

fn locate_list(items: &[Value], said: Option<&Node>, place: &Place) -> Vec<Node> {
    let before = match said.map(|n| &n.kind) {
        Some(Kind::List(before)) => before.as_slice(),
        _ => &[],
    };
    items
        .iter()
        .enumerate()
        .map(|(i, item)| locate(item, before.get(i), place))
        .collect()
}

fn locate_table(entries: &Map<String, Value>, said: Option<&Node>, place: &Place) -> Kind {
    let before = match said.map(|n| &n.kind) {
        Some(Kind::Table(before)) => Some(before),
        _ => None,
    };
    let located = entries.iter().map(|(key, value)| {
        let was = before.and_then(|b| b.get(key));
        let node = locate(value, was.map(|(_, n)| n), place);
        let key_place = was.map_or_else(|| node.place.clone(), |(p, _)| p.clone());
        (key.clone(), (key_place, node))
    });
    Kind::Table(located.collect())
}

/// One environment variable as a source of the `config` crate. `Debug` does not show the value.
#[derive(Clone)]
struct Override {
    path: String,
    value: Value,
}

impl std::fmt::Debug for Override {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Override({})", self.path)
    }
}

impl Source for Override {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(Map::from_iter([(self.path.clone(), self.value.clone())]))
    }
}
