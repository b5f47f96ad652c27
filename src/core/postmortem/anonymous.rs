//! The document without people: everybody is a role with a number, everywhere, also in what people
//! wrote. For sharing what was learned beyond those who were there.
//!
//! Promises: whoever is in the directory or in the document keeps one role throughout; no name, id,
//! account or address of theirs is left, and no mail address at all. It fails rather than lets one
//! through. What it cannot know is a person nobody has told it of.

use super::Postmortem;
use crate::core::directory::{ContactKind, Directory};
use regex::{Regex, RegexBuilder};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::BTreeMap;

/// Fields that hold firebell's own words, instants and digests.
const OWN: [&str; 14] = [
    "anchor",
    "hash",
    "kind",
    "stage",
    "status",
    "zone",
    "utc",
    "local",
    "recorded_at",
    "starts_at",
    "cleared_at",
    "digest",
    "fingerprint",
    "priority",
];
/// Letters of a part of a name that is replaced by itself; two letters are half of all words.
const PART: usize = 3;
/// Bytes the expression of a large company's names may take.
const EXPRESSION: usize = 256 << 20;

/// Somebody who must not be recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Directory id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Accounts, numbers, mail addresses.
    pub addresses: Vec<String>,
    /// Name of the first team they are in.
    pub team: Option<String>,
}

/// Everybody of the directory, by id.
#[must_use]
pub fn everybody(directory: &Directory) -> Vec<Known> {
    let known = directory.people.values().map(|p| {
        let team = directory.teams.values().find(|t| t.members.contains(&p.id));
        let mut addresses: Vec<String> = p.identities.values().cloned().collect();
        addresses.extend(p.email.clone());
        for contact in &p.contacts {
            if let ContactKind::Direct { to, .. } = &contact.kind {
                addresses.push(to.expose_secret().to_owned());
            }
        }
        Known {
            id: p.id.clone(),
            name: p.name.clone(),
            addresses,
            team: team.map(|t| t.name.clone()),
        }
    });
    known.collect()
}

/// The document without people.
///
/// # Errors
/// In words, when it cannot be made sure: nothing is to be shared then.
pub fn anonymous(p: &Postmortem, people: &[Known]) -> Result<Postmortem, String> {
    let fail = |e: &dyn std::fmt::Display| format!("the document could not be made anonymous: {e}");
    let roles = Roles::of(p, people).map_err(|e| fail(&e))?;
    let mut value = serde_json::to_value(p).map_err(|e| fail(&e))?;
    roles.walk(&mut value);
    let mut out: Postmortem = serde_json::from_value(value).map_err(|e| fail(&e))?;
    for section in &mut out.sections {
        section.hash = super::hash(&section.base);
    }
    Ok(out)
}

struct Roles {
    /// What is looked for, the longest first.
    find: Regex,
    /// By lower-case words, and by words as they are for parts of names.
    roles: BTreeMap<String, String>,
}

impl Roles {
    fn of(p: &Postmortem, people: &[Known]) -> Result<Roles, regex::Error> {
        let mut all: Vec<Known> = people.to_vec();
        // Whoever took part and is not in the directory any more, or never was.
        for r in &p.responders {
            let known = all.iter_mut().find(|k| k.id == r.id);
            match known {
                // They may have been called something else then.
                Some(k) if k.name != r.name => k.addresses.push(r.name.clone()),
                Some(_) => {}
                None => all.push(Known {
                    id: r.id.clone(),
                    name: r.name.clone(),
                    addresses: r
                        .id
                        .split_once(':')
                        .map(|(_, a)| a.to_owned())
                        .into_iter()
                        .collect(),
                    team: None,
                }),
            }
        }
        // Whoever a deploy says did it is a person too, by an account nobody may have linked.
        for author in p
            .changes
            .iter()
            .map(|c| &c.author)
            .filter(|a| !a.is_empty())
        {
            let is =
                |k: &Known| k.id == *author || k.name == *author || k.addresses.contains(author);
            if !all.iter().any(is) {
                all.push(Known {
                    id: author.clone(),
                    name: author.clone(),
                    ..Known::default()
                });
            }
        }
        // Numbered in the order they took part, then by id: an absent colleague changes no number.
        let order = |k: &Known| {
            p.responders
                .iter()
                .position(|r| r.id == k.id)
                .unwrap_or(usize::MAX)
        };
        all.sort_by_key(|k| (order(k), k.id.clone()));
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let mut roles: BTreeMap<String, String> = BTreeMap::new();
        let mut alternatives: Vec<(String, bool)> = Vec::new();
        for k in &all {
            let of = k
                .team
                .as_ref()
                .map_or(String::new(), |t| format!(" of the team {t}"));
            let noun = if k.team.is_some() {
                "engineer"
            } else {
                "person"
            };
            let n = counts.entry(format!("{noun}{of}")).or_default();
            *n += 1;
            let role = format!("{noun} {n}{of}");
            for word in [&k.id, &k.name].into_iter().chain(&k.addresses) {
                add(&mut roles, &mut alternatives, word, &role, true);
                let escaped = super::escape::inline(word);
                add(&mut roles, &mut alternatives, &escaped, &role, true);
            }
            for part in k.name.split(|c: char| !c.is_alphanumeric()) {
                if part.chars().count() >= PART {
                    add(&mut roles, &mut alternatives, part, &role, false);
                }
            }
        }
        // The longest first, so that an address is not half replaced.
        alternatives.sort_by(|a, b| (b.0.len(), &a.0).cmp(&(a.0.len(), &b.0)));
        let each: Vec<String> = alternatives
            .iter()
            .map(|(word, any_case)| {
                let word = regex::escape(word);
                if *any_case {
                    format!("(?i:{word})")
                } else {
                    word
                }
            })
            .collect();
        let mail = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+";
        let whole = match each.as_slice() {
            [] => mail.to_owned(),
            each => format!("@?\u{200B}?(?:{})|{mail}", each.join("|")),
        };
        let find = RegexBuilder::new(&whole).size_limit(EXPRESSION).build()?;
        Ok(Roles { find, roles })
    }

    fn walk(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.replace(text),
            Value::Array(all) => all.iter_mut().for_each(|v| self.walk(v)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    if !OWN.contains(&key.as_str()) {
                        self.walk(value);
                    }
                }
            }
            _ => {}
        }
    }

    fn replace(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let (mut done, mut at) = (0, 0);
        while let Some(found) = self.find.find_at(text, at) {
            let (from, to) = (found.start(), found.end());
            let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            let inside =
                letter(text[..from].chars().next_back()) || letter(text[to..].chars().next());
            if inside {
                // Part of another word: looked at again from its next letter.
                let step = text[from..].chars().next().map_or(1, char::len_utf8);
                at = from + step;
                continue;
            }
            out.push_str(&text[done..from]);
            let word = found.as_str().trim_start_matches(['@', '\u{200B}']);
            let role = self
                .roles
                .get(word)
                .or_else(|| self.roles.get(&word.to_lowercase()));
            out.push_str(role.map_or("a mail address", String::as_str));
            (done, at) = (to, to);
        }
        out.push_str(&text[done..]);
        out
    }
}

/// The first who has a word keeps it.
fn add(
    roles: &mut BTreeMap<String, String>,
    alternatives: &mut Vec<(String, bool)>,
    word: &str,
    role: &str,
    any_case: bool,
) {
    let word = word.trim();
    let key = if any_case {
        word.to_lowercase()
    } else {
        word.to_owned()
    };
    if word.is_empty() || roles.contains_key(&key) {
        return;
    }
    roles.insert(key, role.to_owned());
    alternatives.push((word.to_owned(), any_case));
}
