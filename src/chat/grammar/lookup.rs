//! Names people type, looked up in the directory; a name that is not there is answered with the nearest.

use super::Whom;
use crate::core::directory::{Directory, Person, Policy, Service, Target};
use crate::core::schedule::Schedule;
use crate::core::text;

/// Names an error lists before it goes on with a number.
const LISTED: usize = 12;

/// The candidate most like `word`, when it is like it at all.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    let like = |c: &str| {
        let c = c.to_lowercase();
        let starts = !word.is_empty() && c.starts_with(&word);
        // Jaro-Winkler alone puts `sev` near `ls`; an edit distance alone puts every short word near every other.
        strsim::jaro_winkler(&word, &c) + if starts { 0.2 } else { 0.0 }
    };
    candidates
        .into_iter()
        .map(|c| (like(c), c))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= 0.7)
        .map(|(_, c)| c)
}

/// `Did you mean `x`?`, else what there is.
pub(super) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(word, known.clone()) {
        return format!("Did you mean `{near}`?");
    }
    let all: Vec<&str> = known.into_iter().collect();
    if all.is_empty() {
        return "None is configured.".to_owned();
    }
    let mut shown: Vec<String> = all.iter().take(LISTED).map(|k| format!("`{k}`")).collect();
    if all.len() > LISTED {
        shown.push(format!("{} more", all.len() - LISTED));
    }
    format!("There is {}.", text::list(&shown))
}

/// A person by id, name, or mention in a platform's form.
pub(super) fn person<'a>(directory: &'a Directory, word: &str) -> Option<&'a Person> {
    let mention = word
        .strip_prefix("<@")
        .and_then(|w| w.strip_suffix('>'))
        .map(|w| w.trim_start_matches('!').split('|').next().unwrap_or(w));
    if let Some(id) = mention {
        let linked = |p: &&Person| p.identities.values().any(|x| x == id);
        return directory.people.values().find(linked);
    }
    let word = word.trim_start_matches('@');
    let named = |p: &&Person| is(word, &p.id, &p.name);
    directory
        .people
        .get(word)
        .or_else(|| directory.people.values().find(named))
}

/// A service by id or name.
pub(super) fn service<'a>(directory: &'a Directory, word: &str) -> Option<&'a Service> {
    let named = |s: &&Service| is(word, &s.id, &s.name);
    directory
        .services
        .get(word)
        .or_else(|| directory.services.values().find(named))
}

/// A schedule by id or name.
pub(super) fn schedule<'a>(directory: &'a Directory, word: &str) -> Option<&'a Schedule> {
    let named = |s: &&Schedule| is(word, &s.id, &s.name);
    let word = word.strip_prefix("schedule:").unwrap_or(word);
    directory
        .schedules
        .get(word)
        .or_else(|| directory.schedules.values().find(named))
}

/// Whom a word means: person, schedule, team, service, in this order; `team:web` says which.
pub(super) fn whom(directory: &Directory, word: &str) -> Result<Whom, String> {
    let (kind, name) = match word.split_once(':') {
        Some((k @ ("person" | "schedule" | "team" | "service"), name)) => (k, name),
        _ => ("", word),
    };
    let any = |k: &str| kind.is_empty() || kind == k;
    if any("person")
        && let Some(p) = person(directory, name)
    {
        return Ok(Whom::Target(Target::Person(p.id.clone())));
    }
    if any("schedule") {
        let mut schedules = directory.schedules.values();
        if let Some(s) = schedules.find(|s| is(name, &s.id, &s.name)) {
            return Ok(Whom::Target(Target::Schedule(s.id.clone())));
        }
    }
    if any("team")
        && let Some(t) = directory.teams.values().find(|t| is(name, &t.id, &t.name))
    {
        return Ok(Whom::Target(Target::Team(t.id.clone())));
    }
    if any("service")
        && let Some(s) = service(directory, name)
    {
        return Ok(Whom::Service(s.id.clone()));
    }
    let known: Vec<&str> = directory
        .schedules
        .keys()
        .chain(directory.teams.keys())
        .chain(directory.services.keys())
        .chain(directory.people.keys())
        .map(String::as_str)
        .collect();
    Err(format!(
        "`{word}` is no person, schedule, team or service. {}",
        hint(name.trim_start_matches('@'), known)
    ))
}

/// The policy of a service: its own, else its team's.
pub(crate) fn policy<'a>(directory: &'a Directory, service: &str) -> Option<&'a Policy> {
    let service = directory.services.get(service)?;
    let team = directory.teams.get(&service.team);
    let id = service
        .policy
        .as_ref()
        .or_else(|| team.and_then(|t| t.policy.as_ref()))?;
    directory.policies.get(id)
}

fn is(word: &str, id: &str, name: &str) -> bool {
    id.eq_ignore_ascii_case(word) || name.to_lowercase() == word.to_lowercase()
}
