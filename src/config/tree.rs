//! A TOML document with the place of every key and value, so that each fault can name its line.

use super::reader::Sink;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// File as shown in faults, or `environment NAME`.
    pub file: Arc<Path>,
    /// From 1; 0: no line.
    pub line: usize,
    /// Said by an environment variable: literal secrets are allowed there, numbers come as text.
    pub env: bool,
}

impl Place {
    /// A place in a file.
    pub fn in_file(file: &Arc<Path>, line: usize) -> Place {
        Place {
            file: Arc::clone(file),
            line,
            env: false,
        }
    }

    /// An environment variable.
    pub fn variable(name: &str) -> Place {
        Place {
            file: Path::new(&format!("environment {name}")).into(),
            line: 0,
            env: true,
        }
    }
}

/// A value and where it stands. No `Debug`: it may hold a secret.
#[derive(Clone)]
pub(super) struct Node {
    pub kind: Kind,
    pub place: Place,
}

/// What TOML can say.
#[derive(Clone)]
pub(super) enum Kind {
    Text(String),
    Int(i64),
    /// An integer beyond 64 bits or a fraction: no key takes one.
    Number,
    Bool(bool),
    Date(String),
    List(Vec<Node>),
    /// By key: the key's own place and the value.
    Table(BTreeMap<String, (Place, Node)>),
    /// A hole in a list that only environment variables filled.
    Missing,
}

impl Kind {
    /// For sentences: `text`, `a list`.
    pub fn words(&self) -> &'static str {
        match self {
            Kind::Text(_) => "text",
            Kind::Int(_) => "a whole number",
            Kind::Number => "a number",
            Kind::Bool(_) => "true or false",
            Kind::Date(_) => "a date",
            Kind::List(_) => "a list",
            Kind::Table(_) => "a table",
            Kind::Missing => "nothing",
        }
    }
}

/// Parses a document. Every syntax error is a fault; then there is no tree, because a repaired one
/// would bring faults that are not the user's.
pub(super) fn parse(text: &str, file: &Arc<Path>, sink: &Sink) -> Option<Node> {
    let lines = Lines::of(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| lines.line(span.start));
        let what = error.message().lines().next().unwrap_or("not TOML");
        sink.fault(
            &Place::in_file(file, at),
            format!("this is not valid TOML: {what}"),
            "correct the syntax on this line (text in quotes, one `key = value` per line)",
        );
    }
    if !errors.is_empty() {
        return None;
    }
    let place = Place::in_file(file, 1);
    let kind = table(root.get_ref(), file, &lines);
    Some(Node { kind, place })
}

fn table(entries: &DeTable<'_>, file: &Arc<Path>, lines: &Lines) -> Kind {
    let entry = |key: &Spanned<_>, value| {
        let place = Place::in_file(file, lines.line(key.span().start));
        (place, node(value, file, lines))
    };
    Kind::Table(
        entries
            .iter()
            .map(|(k, v)| (k.get_ref().to_string(), entry(k, v)))
            .collect(),
    )
}

fn node(value: &Spanned<DeValue<'_>>, file: &Arc<Path>, lines: &Lines) -> Node {
    let kind = match value.get_ref() {
        DeValue::String(text) => Kind::Text(text.to_string()),
        DeValue::Integer(n) => {
            i64::from_str_radix(n.as_str(), n.radix()).map_or(Kind::Number, Kind::Int)
        }
        DeValue::Float(_) => Kind::Number,
        DeValue::Boolean(b) => Kind::Bool(*b),
        DeValue::Datetime(d) => Kind::Date(d.to_string()),
        DeValue::Array(items) => {
            Kind::List(items.iter().map(|item| node(item, file, lines)).collect())
        }
        DeValue::Table(entries) => table(entries, file, lines),
    };
    let place = Place::in_file(file, lines.line(value.span().start));
    Node { kind, place }
}

/// Byte offsets of the line starts.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        let after = |(at, _): (usize, &str)| at + 1;
        Lines(
            std::iter::once(0)
                .chain(text.match_indices('\n').map(after))
                .collect(),
        )
    }

    /// From 1.
    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}
