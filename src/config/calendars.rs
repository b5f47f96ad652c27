//! iCalendar files a configuration names: shifts of a layer, leave of a person, holidays.
//!
//! Paths are relative to the file that names them. A calendar that cannot be read is a fault; an event
//! in it that cannot be understood, or that names nobody, is a warning: calendars are edited by many.
//!
//! A calendar may also stand at an address. Nothing is fetched here: what is read is the last good
//! copy in the data folder, which the running firebell keeps up to date, so that a start without a
//! network knows the shifts. No copy yet is a warning, because it mends itself.

use super::chat::way;
use super::folders::Entry;
use super::reader::{Said, Sink, Table};
use super::secret::{Found, Secrets};
use super::settings::{loopback_host, web_address};
use crate::calendar::{Event, read};
use crate::core::digest;
use crate::core::directory::Person;
use crate::core::schedule::{Holidays, Leave, Listed, Shift};
use crate::core::time::Time;
use chrono_tz::Tz;
use secrecy::{ExposeSecret, SecretString};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A calendar of a company for years.
const FILE_MAX: u64 = 16 * 1024 * 1024;
/// Warnings of one calendar that are told one by one.
const WARNINGS: usize = 10;

/// How calendars at an address are fetched: `[calendars]`.
#[derive(Clone, Debug)]
pub struct Fetching {
    /// From one fetch to the next, milliseconds.
    pub every_ms: i64,
    /// HTTP proxy; may hold a password.
    pub proxy: Option<SecretString>,
    /// Another certificate authority, as a PEM file.
    pub extra_ca: Option<PathBuf>,
}

impl Default for Fetching {
    /// Rosters change by the day, and a change is seen before it is needed.
    fn default() -> Fetching {
        Fetching {
            every_ms: 5 * 60_000,
            proxy: None,
            extra_ca: None,
        }
    }
}

/// Reads `[calendars]` of `firebell.toml`.
pub(super) fn fetching(top: &Table<'_>, secrets: &Secrets<'_>) -> Fetching {
    let mut fetching = Fetching::default();
    let Some(table) = top.table("calendars", "[calendars]") else {
        return fetching;
    };
    if let Some(ms) = table.duration_ms("every", 60_000..=86_400_000) {
        fetching.every_ms = ms;
    }
    (fetching.proxy, fetching.extra_ca) = way(&table, secrets);
    if let Some(path) = fetching.extra_ca.as_ref().filter(|p| !p.is_file()) {
        let what = format!("`extra-ca` is no file: {}", path.display());
        let fix = "put the certificate authority there as PEM, or remove the key";
        table.sink.fault(&table.place_of("extra-ca"), what, fix);
    }
    table.done();
    fetching
}

/// A calendar at an address.
#[derive(Clone, Debug)]
pub struct Feed {
    /// For sentences: `the schedule web-primary`.
    pub of: String,
    /// The schedule it belongs to.
    pub schedule: Option<String>,
    /// The person it belongs to.
    pub person: Option<String>,
    /// The host, for sentences: the whole address may be a password.
    pub host: String,
    /// Where it is.
    pub url: SecretString,
    /// Where its last good copy is kept.
    pub copy: PathBuf,
    /// How it is fetched.
    pub fetching: Fetching,
    /// A copy older than this, milliseconds, does not count: rules then know nothing of it. `None`: however
    /// old, because people must be paged by something.
    pub max_age_ms: Option<i64>,
}

impl Feed {
    /// Beside the copy, while it is too old to count.
    #[must_use]
    pub fn stale(&self) -> PathBuf {
        self.copy.with_extension("stale")
    }

    /// Beside the copy: when the address last answered with a calendar, RFC 3339.
    #[must_use]
    pub fn seen(&self) -> PathBuf {
        self.copy.with_extension("seen")
    }
}

/// Where calendars are looked for.
pub(super) struct Calendars<'a> {
    /// Folder of the file that names them.
    pub folder: PathBuf,
    /// Whose they are: the schedule or person, and its id.
    pub of: (Entry, &'a str),
    /// Where copies of those at an address are.
    pub copies: PathBuf,
    /// For addresses that are kept secret.
    pub secrets: &'a Secrets<'a>,
    /// How those at an address are fetched.
    pub fetching: &'a Fetching,
    /// Files that were read, for watching.
    pub files: RefCell<Vec<PathBuf>>,
    /// Those at an address.
    pub feeds: RefCell<Vec<Feed>>,
}

impl Calendars<'_> {
    /// Where the last copy is, and what the calendar is called; `None`: the fault is said.
    fn at_address(&self, said: &Said<String>, sink: &Sink) -> Option<(PathBuf, String)> {
        let (entry, id) = &self.of;
        let id = (*id).to_owned();
        let person = matches!(entry, Entry::Person);
        let word = if person { "person" } else { "schedule" };
        let at = address(said, self.secrets, "decides who is on call", sink)?;
        let feed = Feed {
            of: format!("the {word} {id}"),
            schedule: (!person).then(|| id.clone()),
            person: person.then_some(id),
            ..at.feed(&self.copies, self.fetching)
        };
        let found = (feed.copy.clone(), format!("the calendar at {}", feed.host));
        self.feeds.borrow_mut().push(feed);
        Some(found)
    }

    /// The events of a calendar.
    fn events(&self, said: &Said<String>, zone: Tz, sink: &Sink) -> Option<Vec<Event>> {
        let named = &said.value;
        let address =
            named.contains("://") || named.starts_with("env:") || named.starts_with("file:");
        let (path, name, title) = if address {
            let (copy, name) = self.at_address(said, sink)?;
            self.files.borrow_mut().push(copy.clone());
            if !copy.exists() {
                let what = format!("{name} was not fetched yet, so it is as if it were empty");
                let fix = "nothing, if firebell was just told of it: it fetches it when it runs; `firebell doctor` tries it";
                sink.warn(&said.place, what, fix);
                return None;
            }
            (copy, name.clone(), name)
        } else {
            let path = self.folder.join(Path::new(named));
            self.files.borrow_mut().push(path.clone());
            (path, named.clone(), format!("the calendar {named:?}"))
        };
        let text = match std::fs::metadata(&path) {
            Ok(meta) if !meta.is_file() => Err("it is not a file".to_owned()),
            Ok(meta) if meta.len() > FILE_MAX => Err(format!("it is larger than {FILE_MAX} bytes")),
            _ => std::fs::read_to_string(&path).map_err(|e| e.to_string()),
        };
        match text.and_then(|text| read(&text, zone)) {
            Ok(found) => {
                for odd in found.odd.iter().take(WARNINGS) {
                    sink.warn(
                        &said.place,
                        format!("{name}: {odd}"),
                        "correct it in the calendar",
                    );
                }
                Some(found.events)
            }
            Err(why) => {
                let what = format!("{title} cannot be read: {why}");
                let fix = format!("put an iCalendar file at {}", path.display());
                sink.fault(&said.place, what, fix);
                None
            }
        }
    }

    /// What a calendar is called in sentences: an address may be a password.
    fn called(&self, said: &Said<String>) -> String {
        let feeds = self.feeds.borrow();
        let at = said.value.contains("://");
        let feed = feeds.last().filter(|_| at);
        feed.map_or_else(
            || said.value.clone(),
            |f| format!("the calendar at {}", f.host),
        )
    }

    /// When somebody is away.
    pub fn leave(&self, said: &Said<String>, zone: Tz, sink: &Sink) -> Vec<Leave> {
        let events = self.events(said, zone, sink).unwrap_or_default();
        let mut leave: Vec<Leave> = events
            .iter()
            .flat_map(|e| e.spans.iter().map(|span| (span, &e.title)))
            .map(|((since, until), title)| Leave {
                since: *since,
                until: *until,
                title: title.clone(),
            })
            .collect();
        leave.sort_by_key(|l| (l.since, l.until));
        leave
    }

    /// Dates of all-day events, with their names.
    pub fn holidays(&self, said: &Said<String>, zone: Tz, sink: &Sink) -> Holidays {
        let events = self.events(said, zone, sink).unwrap_or_default();
        let mut days = BTreeMap::new();
        for event in &events {
            for date in &event.dates {
                days.entry(*date).or_insert_with(|| event.title.clone());
            }
        }
        if days.is_empty() && !events.is_empty() {
            let what = format!(
                "the calendar {:?} has no all-day event, so no holiday",
                self.called(said)
            );
            sink.warn(
                &said.place,
                what,
                "holidays are all-day events (DTSTART;VALUE=DATE)",
            );
        }
        Arc::new(days)
    }

    /// Shifts by level: `[L3] ana` is on level 3, anything else on `level`.
    pub fn shifts(
        &self,
        said: &Said<String>,
        zone: Tz,
        level: i32,
        people: &BTreeMap<String, Person>,
        sink: &Sink,
    ) -> BTreeMap<i32, Listed> {
        let mut by_level: BTreeMap<i32, Vec<Shift>> = BTreeMap::new();
        let mut unknown = Vec::new();
        for event in self.events(said, zone, sink).unwrap_or_default() {
            let (of_title, title) = levelled(&event.title);
            let people = recognised(title, &event.attendees, people);
            if people.is_empty() {
                unknown.push(event.title.clone());
            }
            let (people, title): (Arc<[String]>, Arc<str>) = (people.into(), title.into());
            let shifts = event.spans.iter().map(|(since, until)| Shift {
                since: *since,
                until: *until,
                people: Arc::clone(&people),
                title: Arc::clone(&title),
            });
            by_level
                .entry(of_title.unwrap_or(level))
                .or_default()
                .extend(shifts);
        }
        for title in unknown.iter().take(WARNINGS) {
            let what = format!(
                "{}: {title:?} names nobody of the directory",
                self.called(said)
            );
            let fix = "write the id, name or e-mail address of a person as the event's title";
            sink.warn(&said.place, what, fix);
        }
        by_level
            .into_iter()
            .map(|(level, shifts)| (level, shifts.into_iter().collect()))
            .collect()
    }
}

/// An address that was checked.
struct At {
    url: SecretString,
    host: String,
}

impl At {
    fn feed(self, copies: &Path, fetching: &Fetching) -> Feed {
        let name = &digest::sha256(self.url.expose_secret().as_bytes())[..32];
        Feed {
            of: String::new(),
            schedule: None,
            person: None,
            host: self.host,
            copy: copies.join(format!("{name}.ics")),
            url: self.url,
            fetching: fetching.clone(),
            max_age_ms: None,
        }
    }
}

/// An address of the configuration, perhaps a secret one; `None`: the fault is said. `power`: what whoever
/// changes it on its way does.
fn address(said: &Said<String>, secrets: &Secrets<'_>, power: &str, sink: &Sink) -> Option<At> {
    let url = match secrets.find("the calendar", said, sink) {
        Found::Nothing => return None,
        Found::Secret(url) => url,
        Found::Literal(url) => SecretString::from(url),
    };
    let Some(host) = web_address(url.expose_secret()) else {
        let what = "the calendar is at no http or https address";
        let fix =
            "write an address such as https://example.org/roster.ics, or a file beside this one";
        sink.fault(&said.place, what, fix);
        return None;
    };
    if url.expose_secret().starts_with("http:") && !loopback_host(&host) {
        let what = format!(
            "the calendar at {host} would travel unencrypted, and whoever changes it on its way {power}"
        );
        sink.fault(&said.place, what, "use an https address");
        return None;
    }
    Some(At { url, host })
}

/// What rules need to read a calendar.
pub(super) struct Freezing<'a> {
    /// Where copies of those at an address are.
    pub copies: &'a Path,
    /// For addresses that are kept secret.
    pub secrets: &'a Secrets<'a>,
    /// How those at an address are fetched.
    pub fetching: &'a Fetching,
}

/// Spans from an address, by its last copy. A copy that is not there, or is too old by what the running firebell
/// found, is a fault: it may lack the freeze that counts.
pub(super) fn freeze_at(
    around: &Freezing<'_>,
    said: &Said<String>,
    (name, max_age_ms): (&str, i64),
    zone: Tz,
    (read_too, feeds): (&mut Vec<PathBuf>, &mut Vec<Feed>),
    sink: &Sink,
) -> Vec<(Time, Time, String)> {
    let power = "decides what may run";
    let Some(at) = address(said, around.secrets, power, sink) else {
        return Vec::new();
    };
    let feed = Feed {
        of: format!("the rules' calendar {name}"),
        max_age_ms: Some(max_age_ms),
        ..at.feed(around.copies, around.fetching)
    };
    let title = format!("the calendar at {}", feed.host);
    let (copy, stale) = (feed.copy.clone(), feed.stale());
    feeds.push(feed);
    read_too.extend([copy.clone(), stale.clone()]);
    if !copy.exists() {
        let what = format!("{title} was not fetched yet");
        let fix = "nothing, if firebell was just told of it: it fetches it when it runs; `firebell doctor` tries it";
        sink.fault(&said.place, what, fix);
        return Vec::new();
    }
    if stale.exists() {
        let what = format!(
            "{title} was not fetched for longer than its `max-age`, so nobody knows what it holds"
        );
        let fix = "mend the address, or raise `max-age`; `firebell doctor` tries it";
        sink.fault(&said.place, what, fix);
        return Vec::new();
    }
    spans_of(&copy, &title, &title, said, zone, sink)
}

/// Spans in which something is not to be done, from a file beside the rules. An event that cannot be
/// understood is a fault here: it may be the one that counts.
pub(super) fn freeze(
    folder: &Path,
    said: &Said<String>,
    zone: Tz,
    read_too: &mut Vec<PathBuf>,
    sink: &Sink,
) -> Vec<(Time, Time, String)> {
    let named = &said.value;
    let fault = |what: String, fix: &str| sink.fault(&said.place, what, fix);
    if named.contains("://") || named.starts_with("env:") || named.starts_with("file:") {
        let what = format!("{named:?} is no file beside the rules");
        fault(
            what,
            "keep the calendar in a file beside this one, or name an address by `url`",
        );
        return Vec::new();
    }
    let path = folder.join(Path::new(named));
    read_too.push(path.clone());
    let title = format!("the calendar {named:?}");
    spans_of(&path, &title, named, said, zone, sink)
}

/// The spans of a calendar's file, by their begin.
fn spans_of(
    path: &Path,
    title: &str,
    name: &str,
    said: &Said<String>,
    zone: Tz,
    sink: &Sink,
) -> Vec<(Time, Time, String)> {
    let fault = |what: String, fix: &str| sink.fault(&said.place, what, fix);
    let text = match std::fs::metadata(path) {
        Ok(meta) if !meta.is_file() => Err("it is not a file".to_owned()),
        Ok(meta) if meta.len() > FILE_MAX => Err(format!("it is larger than {FILE_MAX} bytes")),
        _ => std::fs::read_to_string(path).map_err(|e| e.to_string()),
    };
    let found = match text.and_then(|text| read(&text, zone)) {
        Ok(found) => found,
        Err(why) => {
            fault(
                format!("{title} cannot be read: {why}"),
                "put an iCalendar file there",
            );
            return Vec::new();
        }
    };
    for odd in found.odd {
        fault(format!("{name}: {odd}"), "correct it in the calendar");
    }
    let mut spans: Vec<(Time, Time, String)> = Vec::new();
    for event in found.events {
        let title = event.title;
        let of_event = event.spans.into_iter();
        spans.extend(of_event.map(|(since, until)| (since, until, title.clone())));
    }
    spans.sort();
    spans
}

/// The level before a title: `[L3] ana` or `[3] ana`.
fn levelled(title: &str) -> (Option<i32>, &str) {
    let title = title.trim();
    let parts = title
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    let level = parts.and_then(|(level, _)| {
        let level = level.trim();
        let level = level.strip_prefix(['L', 'l']).unwrap_or(level);
        level.parse().ok().filter(|l| (0..=1000).contains(l))
    });
    match (level, parts) {
        (Some(level), Some((_, rest))) => (Some(level), rest.trim()),
        _ => (None, title),
    }
}

/// People a title or the attendees mean, by id, name or e-mail address, in any case of letters.
///
/// A title may name several, separated by commas, `+` or `&`.
fn recognised(title: &str, attendees: &[String], people: &BTreeMap<String, Person>) -> Vec<String> {
    let find = |word: &str| {
        let word = word.trim().to_lowercase();
        let is = |p: &&Person| {
            p.id == word || p.name.to_lowercase() == word || p.email.as_deref() == Some(&word)
        };
        people.values().find(is).map(|p| p.id.clone())
    };
    let whole = find(title);
    let words = || title.split([',', '+', '&', ';']).filter_map(find).collect();
    let mut found: Vec<String> = whole.map_or_else(words, |p| vec![p]);
    if found.is_empty() {
        found = attendees.iter().filter_map(|a| find(a)).collect();
    }
    let mut once = Vec::new();
    for person in found {
        if !once.contains(&person) {
            once.push(person);
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_stands_in_brackets_before_the_title() {
        assert_eq!(levelled("[L3] ana"), (Some(3), "ana"));
        assert_eq!(levelled(" [2]Ana Alves "), (Some(2), "Ana Alves"));
        assert_eq!(levelled("[on call] ana"), (None, "[on call] ana"));
        assert_eq!(levelled("ana"), (None, "ana"));
    }
}
