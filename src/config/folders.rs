//! One file of `teams/`, `services/` or `schedules/`: what it says.
//!
//! Names of other entries are noted with their place and checked when everything has been read.

use super::hours;
use super::reader::{Said, Sink, Table, nearest};
use super::route::matchers;
use super::secret::Secrets;
use super::settings::{check_channel, web_address};
use super::tree::Place;
use crate::core::directory::{ContactKind, Means, Service, SeverityName, Team};
use crate::core::id::Severity;
use chrono_tz::Tz;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The kinds of entries other entries may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entry {
    Person,
    Team,
    Service,
    Schedule,
    Policy,
}

impl Entry {
    /// Every kind, in the order they are read.
    pub const ALL: [Entry; 5] = [
        Entry::Person,
        Entry::Team,
        Entry::Service,
        Entry::Schedule,
        Entry::Policy,
    ];

    /// For sentences.
    pub fn noun(self) -> &'static str {
        match self {
            Entry::Person => "person",
            Entry::Team => "team",
            Entry::Service => "service",
            Entry::Schedule => "schedule",
            Entry::Policy => "policy",
        }
    }

    /// Its folder.
    pub fn folder(self) -> &'static str {
        match self {
            Entry::Person => "people",
            Entry::Team => "teams",
            Entry::Service => "services",
            Entry::Schedule => "schedules",
            Entry::Policy => "policies",
        }
    }
}

/// A name of another entry, to be checked at the end.
pub(super) struct Mention {
    pub kind: Entry,
    pub id: String,
    pub key: &'static str,
    pub place: Place,
}

/// What reading an entry needs besides its file.
pub(super) struct Reading<'a> {
    pub sink: &'a Sink,
    pub secrets: &'a Secrets<'a>,
    /// For entries that name no zone.
    pub zone: Option<Tz>,
    pub severities: &'a [SeverityName],
    /// Chat platforms people can be reached on.
    pub platforms: &'a [String],
    /// Providers people can be reached through, by means and name.
    pub providers: &'a [(Means, String)],
    /// Outgoing webhooks, by name.
    pub webhooks: &'a BTreeMap<String, ContactKind>,
    pub mentions: &'a RefCell<Vec<Mention>>,
    /// Types of incidents that were named, to be checked at the end.
    pub kinds: &'a RefCell<Vec<Said<String>>>,
}

impl Reading<'_> {
    /// Notes a name of another entry.
    pub fn mention(&self, kind: Entry, key: &'static str, said: &Said<String>) {
        self.mentions.borrow_mut().push(Mention {
            kind,
            id: said.value.clone(),
            key,
            place: said.place.clone(),
        });
    }

    /// The id of another entry under a key.
    pub fn one(&self, kind: Entry, table: &Table<'_>, key: &'static str) -> Option<String> {
        let said = table.text(key)?;
        self.mention(kind, key, &said);
        Some(said.value)
    }

    /// Ids of other entries under a key.
    pub fn many(&self, kind: Entry, table: &Table<'_>, key: &'static str) -> Vec<String> {
        let said = table.texts(key).unwrap_or_default();
        for s in &said {
            self.mention(kind, key, s);
        }
        said.into_iter().map(|s| s.value).collect()
    }

    /// The id of a service under a key.
    pub fn service(&self, table: &Table<'_>, key: &'static str) -> Option<String> {
        self.one(Entry::Service, table, key)
    }

    /// The id of a policy under a key.
    pub fn policy(&self, table: &Table<'_>, key: &'static str) -> Option<String> {
        self.one(Entry::Policy, table, key)
    }

    /// A level of the severity scale under a key.
    pub fn severity(&self, table: &Table<'_>, key: &'static str) -> Option<Severity> {
        let said = table.text(key)?;
        let names = || self.severities.iter().map(|s| s.name.as_str());
        let at = names().position(|n| n.eq_ignore_ascii_case(&said.value));
        if at.is_none() {
            let fix = nearest(&said.value, names()).map_or_else(
                || format!("write one of {}", names().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let what = format!(
                "`{key}` names the severity {:?}, which is not on the scale",
                said.value
            );
            self.sink.fault(&said.place, what, fix);
        }
        u8::try_from(at?).ok().map(Severity)
    }
}

/// Whether a name can be an id: it appears in links, messages and file names.
///
/// # Errors
/// A sentence that says what is allowed.
pub(super) fn check_id(id: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let good = id.bytes().next().is_some_and(plain)
        && id.len() <= 63
        && id
            .bytes()
            .all(|b| plain(b) || matches!(b, b'-' | b'_' | b'.'));
    if good {
        return Ok(());
    }
    Err("an id has up to 63 lower-case letters, digits, -, _ and ., and begins with a letter or digit".to_owned())
}

/// `teams/ID.toml`.
pub(super) fn team(id: &str, table: Table<'_>, reading: &Reading<'_>) -> Team {
    let team = Team {
        id: id.to_owned(),
        name: table
            .text("name")
            .map_or_else(|| id.to_owned(), |s| s.value),
        members: reading.many(Entry::Person, &table, "members"),
        channel: channel(&table),
        policy: reading.policy(&table, "policy"),
    };
    if table.no_items("members") {
        let what = format!("the team {id} has no members, so paging it reaches nobody");
        reading
            .sink
            .warn(&table.place, what, "add members = [\"ana\"]");
    }
    table.done();
    team
}

fn channel(table: &Table<'_>) -> Option<String> {
    let said = table.text("channel")?;
    check_channel(table, "channel", &said);
    Some(said.value)
}

/// `services/ID.toml`.
pub(super) fn service(id: &str, table: Table<'_>, reading: &Reading<'_>) -> Service {
    let team = table.need_text("team", "\"web\"");
    if let Some(team) = &team {
        reading.mention(Entry::Team, "team", team);
    }
    let service = Service {
        id: id.to_owned(),
        name: table
            .text("name")
            .map_or_else(|| id.to_owned(), |s| s.value),
        team: team.map(|t| t.value).unwrap_or_default(),
        tier: table
            .int("tier", 1..=5)
            .and_then(|n| u8::try_from(n).ok())
            .unwrap_or(3),
        depends_on: reading.many(Entry::Service, &table, "depends-on"),
        links: links(&table),
        policy: reading.policy(&table, "policy"),
        channel: channel(&table),
        matchers: matchers(&table, "match"),
        major_at: reading.severity(&table, "major-at").unwrap_or(Severity(0)),
        auto_resolve: table.flag("auto-resolve").unwrap_or(true),
        support: hours::support(&table, reading),
        auto_resolve_after_ms: table.duration_ms("auto-resolve-after", 60_000..=365 * 86_400_000),
        hold_while_firing: table.flag("hold-while-firing").unwrap_or(true),
    };
    table.done();
    service
}

/// Links are clicked by people at night: only the web.
fn links(table: &Table<'_>) -> BTreeMap<String, String> {
    let mut links = BTreeMap::new();
    for (name, said) in table.map("links") {
        if web_address(&said.value).is_none() {
            let what = format!("the link {name} is not an http or https address");
            table
                .sink
                .fault(&said.place, what, format!("write {name} = \"https://…\""));
        }
        links.insert(name, said.value);
    }
    links
}
