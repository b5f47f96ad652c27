//! Which sections of `firebell.toml` a running firebell cannot take over, and whether they changed.

use super::secret::Secrets;
use super::tree::{Kind, Node};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Top-level keys that are read at the start alone; everything else is put in force by a reload.
const AT_START: [&str; 16] = [
    "listen",
    "public-url",
    "data-dir",
    "database",
    "tokens",
    "sources",
    "console",
    "slack",
    "discord",
    "ssh",
    "rundeck",
    "kubernetes",
    "limits",
    "changes",
    "summary",
    "log",
];

/// What each of them says, as a digest: values and what references lead to, and not their places.
pub(super) fn sections(root: &Node, secrets: &Secrets<'_>) -> BTreeMap<String, [u8; 32]> {
    let Kind::Table(entries) = &root.kind else {
        return BTreeMap::new();
    };
    let at_start = entries
        .iter()
        .filter(|(key, _)| AT_START.contains(&key.as_str()));
    let whole = at_start.map(|(key, (_, node))| (key.clone(), node));
    // Of the page only where it is served; what stands on it is put in force at once.
    let page = entries.get("status_page").map(|(_, node)| &node.kind);
    let part = ["listen", "folder"]
        .into_iter()
        .filter_map(|key| match page {
            Some(Kind::Table(page)) => Some((format!("status_page.{key}"), &page.get(key)?.1)),
            _ => None,
        });
    whole
        .chain(part)
        .map(|(key, node)| {
            let mut hash = Sha256::new();
            digest(node, secrets, &mut hash);
            (key, hash.finalize().into())
        })
        .collect()
}

/// The sections that differ between two loads ([`Loaded::at_start`](super::Loaded::at_start)), in order.
#[must_use]
pub fn changed(old: &BTreeMap<String, [u8; 32]>, new: &BTreeMap<String, [u8; 32]>) -> Vec<String> {
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let differs = |key: &&String| old.get(*key) != new.get(*key);
    keys.into_iter().filter(differs).cloned().collect()
}

fn digest(node: &Node, secrets: &Secrets<'_>, hash: &mut Sha256) {
    hash.update(node.kind.words());
    match &node.kind {
        Kind::Text(text) => {
            hash.update(text);
            hash.update([0]);
            if let Some(path) = text.strip_prefix("file:") {
                // A secret that cannot be read is a fault that refuses the load.
                let secret = std::fs::read(secrets.base.join(path.trim()));
                hash.update(secret.unwrap_or_default());
            }
        }
        Kind::Date(text) => hash.update(text),
        Kind::Int(n) => hash.update(n.to_le_bytes()),
        Kind::Bool(b) => hash.update([u8::from(*b)]),
        Kind::List(items) => {
            hash.update(items.len().to_le_bytes());
            for item in items {
                digest(item, secrets, hash);
            }
        }
        Kind::Table(entries) => {
            hash.update(entries.len().to_le_bytes());
            for (key, (_, item)) in entries {
                hash.update(key);
                hash.update([0]);
                digest(item, secrets, hash);
            }
        }
        Kind::Number | Kind::Missing => {}
    }
}
