//! Completion: what could come next, from the tree and the directory.

use super::{Argument, Kind, Leaf, Needs, tree};
use crate::core::directory::Directory;
use crate::core::id::IncidentId;

/// Completions offered at once: Discord's limit, and more than anybody reads.
pub const COMPLETIONS: usize = 25;

/// One way to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The whole text after taking it, ready for the next word.
    pub insert: String,
    /// The word.
    pub label: String,
    /// What it is.
    pub help: String,
}

/// Ways to go on from `text`, best first, at most [`COMPLETIONS`]. The last word may be half written.
/// `here`: the incident whose room this is.
#[must_use]
pub fn complete(text: &str, directory: &Directory, here: Option<IncidentId>) -> Vec<Completion> {
    let start = text.rfind(char::is_whitespace).map_or(0, |at| {
        at + text[at..].chars().next().map_or(1, char::len_utf8)
    });
    let (before, mut part) = text.split_at(start);
    let mut head = before.to_owned();
    let mut words: Vec<&str> = before.split_whitespace().collect();
    if let Some(first) = words.first_mut() {
        *first = first.trim_start_matches('/');
    } else if let Some(rest) = part.strip_prefix('/') {
        head.push('/');
        part = rest;
    }
    if words.first().is_some_and(|w| tree().is_root(w)) {
        words.remove(0);
    }
    let mut found = match words.split_first() {
        None => verbs(),
        Some((verb, given)) => tree().find(verb).map_or(Vec::new(), |leaf| {
            of_leaf(leaf, given, part, directory, here)
        }),
    };
    let part = part.to_lowercase();
    found.retain(|(label, _)| label.to_lowercase().starts_with(&part));
    found.truncate(COMPLETIONS);
    found
        .into_iter()
        .map(|(label, help)| {
            let space = if label.ends_with('=') { "" } else { " " };
            Completion {
                insert: format!("{head}{label}{space}"),
                label,
                help,
            }
        })
        .collect()
}

pub(crate) type Found = Vec<(String, String)>;

fn verbs() -> Found {
    let leaves = &tree().commands;
    let aliases = leaves.iter().flat_map(|c| {
        c.aliases
            .iter()
            .map(|a| (a.clone(), format!("= {}. {}", c.verb, c.help)))
    });
    leaves
        .iter()
        .map(|c| (c.verb.clone(), c.help.clone()))
        .chain(aliases)
        .collect()
}

fn of_leaf(
    leaf: &Leaf,
    given: &[&str],
    part: &str,
    directory: &Directory,
    here: Option<IncidentId>,
) -> Found {
    let is_number = |w: &&str| {
        let digits = w.trim_start_matches('#');
        !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
    };
    let about = leaf.incident != Needs::None;
    let given: Vec<&str> = match given.split_first() {
        Some((first, rest)) if about && is_number(first) => rest.to_vec(),
        _ => given.to_vec(),
    };
    let mut found = Found::new();
    if let (true, true, Some(id)) = (about, given.is_empty() && part.starts_with('#'), here) {
        found.push((id.to_string(), "this incident".to_owned()));
    }
    let plain: Vec<&str> = given.iter().copied().filter(|w| !w.contains('=')).collect();
    let in_order: Vec<&Argument> = leaf.args.iter().filter(|a| !a.named).collect();
    if let Some(pairs) = leaf.args.iter().find(|a| a.kind == Kind::Pairs)
        && let Some(action) = plain.first()
        && pairs.kind == Kind::Pairs
    {
        found.extend(pairs_of(action, directory));
        return found;
    }
    // Behind an action its own arguments are offered, and these with them.
    let pairs = leaf.args.iter().any(|a| a.kind == Kind::Pairs);
    for arg in leaf.args.iter().filter(|a| a.named && !pairs) {
        if given
            .iter()
            .any(|w| w.starts_with(&format!("{}=", arg.name)))
        {
            continue;
        }
        if part.starts_with(&format!("{}=", arg.name)) {
            let values = values(leaf, arg, directory).into_iter();
            found.extend(values.map(|(v, help)| (format!("{}={v}", arg.name), help)));
        } else {
            found.push((format!("{}=", arg.name), arg.help.clone()));
        }
    }
    match in_order.get(plain.len()) {
        // A title or message is one argument of many words: only its first word can be a severity.
        Some(arg) if arg.kind == Kind::Text && leaf.verb == "new" => {
            let may = severities(directory).into_iter();
            found.splice(0..0, may.filter(|(name, _)| directory.by_hand(name)));
        }
        Some(arg) => {
            found.splice(0..0, values(leaf, arg, directory));
        }
        None => {}
    }
    found
}

fn values(leaf: &Leaf, arg: &Argument, directory: &Directory) -> Found {
    let people = || {
        let people = directory.people.values();
        people
            .map(|p| (p.id.clone(), p.name.clone()))
            .collect::<Found>()
    };
    let services = || {
        let services = directory.services.values();
        let line = |s: &crate::core::directory::Service| {
            (s.id.clone(), format!("service {}, team {}", s.name, s.team))
        };
        services.map(line).collect::<Found>()
    };
    match arg.kind {
        // What only alerts are is looked for and never said.
        Kind::Severity => {
            let mut found = severities(directory);
            found.retain(|(name, _)| !says_severity(leaf) || directory.by_hand(name));
            found
        }
        Kind::Service => services(),
        Kind::Type => types(directory),
        Kind::Person => {
            let mut found = vec![("me".to_owned(), "yourself".to_owned())];
            found.extend(people());
            found
        }
        Kind::Target => {
            let schedules = directory.schedules.values();
            let mut found: Found = schedules
                .map(|s| (s.id.clone(), format!("schedule {}", s.name)))
                .collect();
            let teams = directory.teams.values();
            found.extend(teams.map(|t| (t.id.clone(), format!("team {}", t.name))));
            found.extend(services());
            found.extend(people());
            found
        }
        Kind::Action => directory
            .actions
            .values()
            .map(|a| (a.id.clone(), a.title.clone()))
            .collect(),
        Kind::Duration => ["15m", "30m", "1h", "4h"]
            .map(|d| {
                (
                    d.to_owned(),
                    "for so long; `until 09:00` works as well".to_owned(),
                )
            })
            .into(),
        Kind::Schedule => {
            let schedules = directory.schedules.values();
            schedules.map(|s| (s.id.clone(), s.name.clone())).collect()
        }
        Kind::When => ["now", "tomorrow 09:00", "fri 18:00", "8h"]
            .map(|w| (w.to_owned(), arg.help.clone()))
            .into(),
        Kind::Clock => vec![("at".to_owned(), arg.help.clone())],
        Kind::Choice => {
            let choices = arg.choices.iter();
            choices.map(|c| (c.clone(), arg.help.clone())).collect()
        }
        Kind::Verb => {
            let commands = tree().commands.iter();
            commands.map(|c| (c.verb.clone(), c.help.clone())).collect()
        }
        Kind::Role => {
            let roles = directory.conduct.roles.iter();
            roles.map(|r| (r.id.clone(), r.name.clone())).collect()
        }
        Kind::Holder => holders(people()),
        // Free words; runs are on the card, with their buttons; covers are in the question.
        Kind::Text
        | Kind::Pairs
        | Kind::Run
        | Kind::Cover
        | Kind::More
        | Kind::Line
        | Kind::Incident
        | Kind::Item => Found::new(),
        Kind::Status => {
            let scale = directory.statuses.iter();
            scale.map(|s| (s.id.clone(), s.name.clone())).collect()
        }
        Kind::What => services(),
        Kind::Silence => crate::core::silence::known(directory)
            .map(|s| {
                (
                    s.short().to_owned(),
                    format!("{} on {}", s.words(), s.scope()),
                )
            })
            .collect(),
    }
}

/// What may stand for whom a role goes to.
fn holders(people: Found) -> Found {
    let words = [
        ("me", "yourself"),
        ("nobody", "nobody has it any more"),
        ("skip", "nobody has to have it"),
        ("accept", "you take it"),
        ("decline", "you cannot"),
    ];
    let words = words.map(|(word, help)| (word.to_owned(), help.to_owned()));
    words.into_iter().chain(people).collect()
}

/// The values an argument of a command may have: the value, and what people read of it.
pub(crate) fn choices(leaf: &Leaf, arg: &Argument, directory: &Directory) -> Found {
    let read = |(value, help): (String, String)| {
        let read = if help.is_empty() {
            value.clone()
        } else {
            format!("{value}: {help}")
        };
        (value, read)
    };
    values(leaf, arg, directory).into_iter().map(read).collect()
}

fn types(directory: &Directory) -> Found {
    let types = directory.types.iter();
    types.map(|t| (t.id.clone(), about(t))).collect()
}

/// `Outage. Customers cannot use something. Private.`
fn about(kind: &crate::core::directory::IncidentType) -> String {
    let mut words = kind.name.clone();
    if !kind.description.is_empty() {
        words = format!("{words}. {}", kind.description);
    }
    for (said, word) in [(kind.private, "Private."), (kind.drill, "A drill.")] {
        if said {
            words = format!("{} {word}", words.trim_end());
        }
    }
    words
}

/// Whether a command says how bad an incident is.
fn says_severity(leaf: &Leaf) -> bool {
    matches!(leaf.verb.as_str(), "new" | "sev")
}

fn severities(directory: &Directory) -> Found {
    let scale = directory.severities.iter();
    scale
        .map(|s| {
            let said = [s.title.as_str(), s.description.as_str()];
            let said: Vec<&str> = said.into_iter().filter(|t| !t.is_empty()).collect();
            let words = if said.is_empty() {
                s.labels.join(", ")
            } else {
                said.join(". ")
            };
            (s.name.clone(), words)
        })
        .collect()
}

fn pairs_of(action: &str, directory: &Directory) -> Found {
    let Some(action) = directory.actions.get(action) else {
        return Found::new();
    };
    let typed = action.args.iter().filter(|a| a.from_label.is_none());
    let dry = (!action.how.dry_run().is_empty())
        .then(|| ("dry".to_owned(), "only its dry run, at once".to_owned()));
    let glass = (action.approval.break_glass.is_some() && action.approvals() > 0).then(|| {
        let help = "emergency: why it runs without its approval".to_owned();
        ("--break-glass".to_owned(), help)
    });
    let pairs: Found = typed
        .flat_map(|arg| match arg.kind.choices() {
            Some(values) => values
                .iter()
                .map(|v| (format!("{}={v}", arg.name), arg.help.clone()))
                .collect::<Found>(),
            None => {
                let allowed = crate::core::action::allowed(arg);
                vec![(format!("{}=", arg.name), format!("{} {allowed}", arg.help))]
            }
        })
        .collect();
    pairs.into_iter().chain(dry).chain(glass).collect()
}
