//! Reading tables key by key. Whatever is wrong goes to the [`Sink`] and reading goes on, so that
//! one run of `firebell check` shows everything. A key nobody asked for is a fault.

use super::Fault;
use super::tree::{Kind, Node, Place};
use crate::core::time::{human_ms, parse_duration_ms};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Characters of one text; longer ones are a pasted file, not a setting.
const TEXT_MAX: usize = 8192;

/// Collects faults and warnings.
#[derive(Default)]
pub(super) struct Sink {
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<Fault>>,
    absent: RefCell<Vec<Fault>>,
}

impl Sink {
    /// Something that refuses the load.
    pub fn fault(&self, place: &Place, what: impl Into<String>, fix: impl Into<String>) {
        self.faults.borrow_mut().push(at(place, what, fix));
    }

    /// Something that works but is probably not meant.
    pub fn warn(&self, place: &Place, what: impl Into<String>, fix: impl Into<String>) {
        self.warnings.borrow_mut().push(at(place, what, fix));
    }

    /// Something that is right, and that this machine lacks what is needed for.
    pub fn absent(&self, place: &Place, what: impl Into<String>, fix: impl Into<String>) {
        self.absent.borrow_mut().push(at(place, what, fix));
    }

    /// What this machine lacks.
    pub fn take_absent(&self) -> Vec<Fault> {
        self.absent.take()
    }

    /// Takes over a warning made elsewhere.
    pub fn warn_as(&self, warning: Fault) {
        self.warnings.borrow_mut().push(warning);
    }

    /// Faults and warnings, in order of file and line.
    pub fn into_parts(self) -> (Vec<Fault>, Vec<Fault>) {
        let sorted = |list: RefCell<Vec<Fault>>| {
            let mut list = list.into_inner();
            list.sort_by(|a, b| (&a.path, a.line, &a.what).cmp(&(&b.path, b.line, &b.what)));
            // A key that two readers look at is wrong once.
            list.dedup();
            list
        };
        (sorted(self.faults), sorted(self.warnings))
    }
}

fn at(place: &Place, what: impl Into<String>, fix: impl Into<String>) -> Fault {
    Fault {
        path: place.file.to_path_buf(),
        line: place.line,
        what: what.into(),
        fix: fix.into(),
    }
}

/// A value and where it was said.
#[derive(Clone)]
pub(super) struct Said<T> {
    pub value: T,
    pub place: Place,
}

/// A table being read.
pub(super) struct Table<'a> {
    entries: &'a BTreeMap<String, (Place, Node)>,
    /// Where it begins.
    pub place: Place,
    /// For sentences: `a person`, `[console]`.
    title: &'static str,
    asked: RefCell<Vec<&'static str>>,
    pub sink: &'a Sink,
}

impl<'a> Table<'a> {
    /// Opens a node that should be a table.
    pub fn open(node: &'a Node, title: &'static str, sink: &'a Sink) -> Option<Table<'a>> {
        let Kind::Table(entries) = &node.kind else {
            let what = format!("{title} must be a table, not {}", node.kind.words());
            sink.fault(
                &node.place,
                what,
                "write `key = value` pairs under a header or in { }",
            );
            return None;
        };
        Some(Table {
            entries,
            place: node.place.clone(),
            title,
            asked: RefCell::default(),
            sink,
        })
    }

    /// The value of a key; from now on the key is known.
    pub fn get(&self, key: &'static str) -> Option<&'a Node> {
        self.asked.borrow_mut().push(key);
        self.entries
            .get(key)
            .map(|(_, node)| node)
            .filter(|node| !matches!(node.kind, Kind::Missing))
    }

    /// Where a key stands, or else where the table begins.
    pub fn place_of(&self, key: &str) -> Place {
        let entry = self.entries.get(key);
        entry.map_or_else(|| self.place.clone(), |(place, _)| place.clone())
    }

    /// Whether the key is there, whatever its value.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Whether a list is absent or has no items; any other value is not empty.
    pub fn no_items(&self, key: &str) -> bool {
        self.entries
            .get(key)
            .is_none_or(|(_, node)| match &node.kind {
                Kind::List(items) => items.is_empty(),
                kind => matches!(kind, Kind::Missing),
            })
    }

    fn wrong(&self, key: &str, node: &Node, want: &str, example: &str) {
        let what = format!("`{key}` must be {want}, not {}", node.kind.words());
        self.sink
            .fault(&node.place, what, format!("write {key} = {example}"));
    }

    /// Text.
    pub fn text(&self, key: &'static str) -> Option<Said<String>> {
        let node = self.get(key)?;
        self.text_of(key, node)
    }

    fn text_of(&self, key: &str, node: &Node) -> Option<Said<String>> {
        let Kind::Text(text) = &node.kind else {
            self.wrong(key, node, "text", "\"…\" with quotes");
            return None;
        };
        if text.chars().count() > TEXT_MAX {
            let what = format!("`{key}` is longer than {TEXT_MAX} characters");
            self.sink.fault(&node.place, what, "shorten it");
            return None;
        }
        Some(Said {
            value: text.clone(),
            place: node.place.clone(),
        })
    }

    /// Text that has to be there.
    pub fn need_text(&self, key: &'static str, example: &str) -> Option<Said<String>> {
        let text = self.text(key);
        if !self.has(key) {
            self.missing(key, example);
        }
        let text = text?;
        if text.value.trim().is_empty() {
            let what = format!("`{key}` is empty");
            self.sink
                .fault(&text.place, what, format!("write {key} = {example}"));
            return None;
        }
        Some(text)
    }

    /// Says that a key is not there.
    pub fn missing(&self, key: &str, example: &str) {
        self.sink.fault(
            &self.place,
            format!("{} has no `{key}`", self.title),
            format!("add {key} = {example}"),
        );
    }

    /// A list of text; absent is `None`.
    pub fn texts(&self, key: &'static str) -> Option<Vec<Said<String>>> {
        let node = self.get(key)?;
        let Kind::List(items) = &node.kind else {
            self.wrong(key, node, "a list", "[\"…\", \"…\"]");
            return None;
        };
        Some(
            items
                .iter()
                .filter_map(|item| self.text_of(key, item))
                .collect(),
        )
    }

    /// A list of text without its places; absent is empty.
    pub fn words(&self, key: &'static str) -> Vec<String> {
        let said = self.texts(key).unwrap_or_default();
        said.into_iter().map(|s| s.value).collect()
    }

    /// A whole number in a range.
    pub fn int(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let node = self.get(key)?;
        let n = match &node.kind {
            Kind::Int(n) => Some(*n),
            Kind::Text(t) if node.place.env => t.trim().parse().ok(),
            _ => None,
        };
        let want = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(n) = n else {
            self.wrong(key, node, &want, &range.start().to_string());
            return None;
        };
        self.within(key, node, n, &range, &want).then_some(n)
    }

    /// A list of whole numbers in a range; absent is `None`.
    pub fn ints(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<Vec<i64>> {
        let node = self.get(key)?;
        let want = format!("whole numbers from {} to {}", range.start(), range.end());
        let Kind::List(items) = &node.kind else {
            self.wrong(key, node, &format!("a list of {want}"), "[0]");
            return None;
        };
        let one = |item: &Node| match &item.kind {
            Kind::Int(n) => self.within(key, item, *n, &range, &want).then_some(*n),
            _ => {
                self.wrong(key, item, &format!("a list of {want}"), "[0]");
                None
            }
        };
        Some(items.iter().filter_map(one).collect())
    }

    fn within(
        &self,
        key: &str,
        node: &Node,
        n: i64,
        range: &RangeInclusive<i64>,
        want: &str,
    ) -> bool {
        if !range.contains(&n) {
            let what = format!("`{key}` must be {want}, not {n}");
            let nearest = n.clamp(*range.start(), *range.end());
            self.sink
                .fault(&node.place, what, format!("write {key} = {nearest}"));
        }
        range.contains(&n)
    }

    /// True or false.
    pub fn flag(&self, key: &'static str) -> Option<bool> {
        let node = self.get(key)?;
        let flag = match &node.kind {
            Kind::Bool(b) => Some(*b),
            Kind::Text(t) if node.place.env => t.trim().to_ascii_lowercase().parse().ok(),
            _ => None,
        };
        if flag.is_none() {
            self.wrong(key, node, "true or false", "true");
        }
        flag
    }

    /// A length of time in milliseconds, within bounds.
    pub fn duration_ms(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let node = self.get(key)?;
        let Kind::Text(text) = &node.kind else {
            self.wrong(key, node, "a duration", "\"45s\", \"10m\" or \"1h30m\"");
            return None;
        };
        match parse_duration_ms(text) {
            Ok(ms) if range.contains(&ms) => Some(ms),
            Ok(_) => {
                let (low, high) = (human_ms(*range.start()), human_ms(*range.end()));
                let what = format!("`{key}` must be from {low} to {high}, not {text}");
                self.sink
                    .fault(&node.place, what, "write a length of time between the two");
                None
            }
            Err(why) => {
                let fix = format!("write {key} = \"10m\"");
                self.sink.fault(&node.place, format!("`{key}`: {why}"), fix);
                None
            }
        }
    }

    /// A size in bytes: a number, or text with KiB, MiB or GiB.
    pub fn bytes(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<usize> {
        let node = self.get(key)?;
        let size = match &node.kind {
            Kind::Int(n) => Some(*n),
            Kind::Text(text) => parse_bytes(text),
            _ => None,
        };
        let want = format!("a size from {} to {} bytes", range.start(), range.end());
        let Some(n) = size else {
            self.wrong(key, node, &want, "\"64KiB\" or \"1MiB\"");
            return None;
        };
        let fits = self.within(key, node, n, &range, &want);
        fits.then(|| usize::try_from(n).ok()).flatten()
    }

    /// A table under a key.
    pub fn table(&self, key: &'static str, title: &'static str) -> Option<Table<'a>> {
        Table::open(self.get(key)?, title, self.sink)
    }

    /// The tables of a list.
    pub fn tables(&self, key: &'static str, title: &'static str) -> Vec<Table<'a>> {
        let Some(node) = self.get(key) else {
            return Vec::new();
        };
        let Kind::List(items) = &node.kind else {
            self.wrong(
                key,
                node,
                "a list of tables",
                &format!("[{{ … }}], or use [[{key}]] headers"),
            );
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| Table::open(item, title, self.sink))
            .collect()
    }

    /// The tables of a table whose keys are names.
    pub fn named(&self, key: &'static str, title: &'static str) -> Vec<(String, Table<'a>)> {
        let open = |(name, node): (&'a String, &'a Node)| {
            Some((name.clone(), Table::open(node, title, self.sink)?))
        };
        self.entries_of(key, title)
            .into_iter()
            .filter_map(open)
            .collect()
    }

    /// The keys and values of a table whose keys are free.
    pub fn entries_of(
        &self,
        key: &'static str,
        title: &'static str,
    ) -> Vec<(&'a String, &'a Node)> {
        let Some(node) = self.get(key) else {
            return Vec::new();
        };
        let Kind::Table(entries) = &node.kind else {
            let what = format!("{title} must be a table, not {}", node.kind.words());
            self.sink
                .fault(&node.place, what, "write `name = …` under a header");
            return Vec::new();
        };
        entries
            .iter()
            .map(|(name, (_, node))| (name, node))
            .collect()
    }

    /// A table whose keys are free and whose values are text.
    pub fn map(&self, key: &'static str) -> Vec<(String, Said<String>)> {
        let Some(node) = self.get(key) else {
            return Vec::new();
        };
        let Kind::Table(entries) = &node.kind else {
            self.wrong(key, node, "a table of text", "{ name = \"value\" }");
            return Vec::new();
        };
        entries
            .iter()
            .filter_map(|(k, (_, v))| Some((k.clone(), self.text_of(k, v)?)))
            .collect()
    }

    /// Reports every key that nobody asked for.
    pub fn done(self) {
        let asked = self.asked.into_inner();
        for (key, (place, _)) in self.entries {
            if asked.iter().any(|a| a == key) {
                continue;
            }
            let fix = nearest(key, asked.iter().copied()).map_or_else(
                || format!("remove it; {} takes {}", self.title, asked.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let what = format!("{} has no key `{key}`", self.title);
            self.sink.fault(place, what, fix);
        }
    }
}

/// The candidate a mistyped word most likely meant: at most a third of its letters differ.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl Iterator<Item = &'c str>,
) -> Option<&'c str> {
    let limit = (word.chars().count() / 3).max(2);
    candidates
        .map(|c| (strsim::damerau_levenshtein(word, c), c))
        .filter(|(distance, c)| *distance <= limit && *distance < c.chars().count())
        .min()
        .map(|(_, c)| c)
}

/// `4096`, `64KiB`, `1MiB`.
fn parse_bytes(text: &str) -> Option<i64> {
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let n: i64 = text[..split].parse().ok()?;
    let unit = match text[split..].trim() {
        "" | "B" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        "GiB" => 1024 * 1024 * 1024,
        _ => return None,
    };
    n.checked_mul(unit)
}
