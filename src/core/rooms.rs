//! How rooms are to be: what they are called, who is asked into them, where they are announced, when
//! they are put away, and who may remove words from them. Pure, as configured.
//!
//! A name is a template of typed placeholders. What a service or a title says is carried over into
//! lower-case ASCII, letter by letter, because that is all Slack takes in a channel's name; the number
//! always stays, so two incidents never ask for the same name.

mod ascii;

pub use ascii::slug;

use super::directory::{Directory, Target};
use super::id::Severity;
use super::incident::Incident;
use super::time::Time;
use super::timeline;
use std::collections::BTreeSet;

/// Slack's limit for a channel's name, the tightest of the platforms.
pub const ROOM_CHARS: usize = 80;
/// Bytes of one file, unless the configuration says otherwise.
pub const FILE_BYTES: u64 = 20 * 1024 * 1024;
/// Bytes of all files of one incident, unless the configuration says otherwise.
pub const INCIDENT_BYTES: u64 = 200 * 1024 * 1024;

/// What `[rooms]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRules {
    /// What a room is called.
    pub name: Template,
    /// Address of the call for an incident; `None`: there is none.
    pub meeting: Option<Template>,
    /// Channel in which each incident with a room has one message that is kept up to date.
    pub announce: Option<String>,
    /// Only of this severity and worse; `None`: all that have a room.
    pub announce_at: Option<Severity>,
    /// Rooms are archived when their incident has been resolved for this long, milliseconds; `None`:
    /// people do that.
    pub archive_after_ms: Option<i64>,
    /// Incidents of these severities that get no room are talked about in a thread below their card.
    pub threads: BTreeSet<Severity>,
    /// Those of these services too, whatever their severity.
    pub thread_services: BTreeSet<String>,
    /// Who is asked into a room besides those who are woken for it or act on it.
    pub invite: Vec<Invite>,
    /// Roles that may remove words and files for good; authors may remove their own.
    pub redactors: Vec<String>,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files of one incident.
    pub incident_bytes: u64,
}

impl Default for RoomRules {
    fn default() -> RoomRules {
        RoomRules {
            name: Template(vec![
                Part::Text("inc-".to_owned()),
                Part::Field(Field::Id),
                Part::Text("-".to_owned()),
                Part::Field(Field::Service),
                Part::Text("-".to_owned()),
                Part::Field(Field::Title),
            ]),
            meeting: None,
            announce: None,
            announce_at: None,
            archive_after_ms: None,
            threads: BTreeSet::new(),
            thread_services: BTreeSet::new(),
            invite: Vec::new(),
            redactors: Vec::new(),
            file_bytes: FILE_BYTES,
            incident_bytes: INCIDENT_BYTES,
        }
    }
}

/// Somebody is asked into the rooms that everything said here fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invite {
    /// Of this severity and worse.
    pub severity: Option<Severity>,
    /// Of one of these services; empty: of all.
    pub services: Vec<String>,
    /// Persons, schedules and teams.
    pub targets: Vec<Target>,
    /// Everybody who holds one of these roles.
    pub roles: Vec<String>,
}

impl Invite {
    fn fits(&self, incident: &Incident) -> bool {
        let service = |s: &String| Some(s) == incident.service.as_ref();
        self.severity.is_none_or(|s| incident.severity <= s)
            && (self.services.is_empty() || self.services.iter().any(service))
    }
}

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The incident's number.
    Id,
    /// Its title.
    Title,
    /// The id of its service.
    Service,
    /// The id of its team.
    Team,
    /// The name of its severity as it is now.
    Severity,
    /// The day it was opened, `2026-11-22`, in the configuration's zone.
    Date,
}

impl Field {
    /// Every placeholder and its word.
    pub const ALL: [(&'static str, Field); 6] = [
        ("id", Field::Id),
        ("title", Field::Title),
        ("service", Field::Service),
        ("team", Field::Team),
        ("severity", Field::Severity),
        ("date", Field::Date),
    ];
}

/// Text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field),
}

impl Template {
    /// Reads `inc-{id}-{title}`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            if !rest[open..].starts_with('{') {
                return Err("a `}` closes nothing".to_owned());
            }
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let inner = &rest[open + 1..];
            let close = inner
                .find('}')
                .ok_or_else(|| format!("`{}` is not closed by a `}}`", &rest[open..]))?;
            let word = &inner[..close];
            let known = Field::ALL.iter().find(|(name, _)| *name == word);
            let Some((_, field)) = known else {
                let all: Vec<String> = Field::ALL.iter().map(|(n, _)| format!("{{{n}}}")).collect();
                return Err(format!(
                    "there is no `{{{word}}}`; there are {}",
                    all.join(", ")
                ));
            };
            parts.push(Part::Field(*field));
            rest = &inner[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Template(parts))
    }

    /// Whether this placeholder is in it.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.0.contains(&Part::Field(field))
    }

    /// As the name of a room: words of lower-case ASCII with dashes, at most [`ROOM_CHARS`]. When it is
    /// too long, words of the title are left out, then of everything, and never the number.
    #[must_use]
    pub fn room_name(&self, incident: &Incident, directory: &Directory) -> String {
        let service = slug(incident.service.as_deref().unwrap_or_default());
        let mut title = slug(&incident.title);
        if self.has(Field::Service)
            && !service.is_empty()
            && let Some(rest) = title.strip_prefix(&service)
        {
            // The service is said once.
            title = rest.trim_start_matches('-').to_owned();
        }
        let mut words: Vec<&str> = title.split('-').collect();
        loop {
            let name = self.fill(|field| match field {
                Field::Title => words.join("-"),
                // Nobody who reads the list of rooms shall take practice for the real thing.
                Field::Id if incident.nature.drill => format!("{}-drill", incident.id.0),
                other => slug(&value(other, incident, directory)),
            });
            let name = slug(&name);
            if name.len() <= ROOM_CHARS || words.is_empty() {
                return cut(&name, incident);
            }
            words.pop();
        }
    }

    /// As an address: what is put in is percent-encoded.
    #[must_use]
    pub fn address(&self, incident: &Incident, directory: &Directory) -> String {
        self.fill(|field| match field {
            Field::Title => super::text::percent(&slug(&incident.title)),
            other => super::text::percent(&value(other, incident, directory)),
        })
    }

    fn fill(&self, field: impl Fn(Field) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Field(f) => field(*f),
        };
        self.0.iter().map(part).collect()
    }
}

/// What is still too long loses its end; the number takes its place.
fn cut(name: &str, incident: &Incident) -> String {
    if name.len() <= ROOM_CHARS {
        return name.to_owned();
    }
    let tail = format!("-{}", incident.id.0);
    let head: String = name.chars().take(ROOM_CHARS - tail.len()).collect();
    format!("{}{tail}", head.trim_end_matches('-'))
}

fn value(field: Field, incident: &Incident, directory: &Directory) -> String {
    match field {
        Field::Id => incident.id.0.to_string(),
        Field::Title => incident.title.clone(),
        Field::Service => incident.service.clone().unwrap_or_default(),
        Field::Team => incident.team.clone().unwrap_or_default(),
        Field::Severity => directory.severity_name(incident.severity),
        Field::Date => timeline::format(incident.opened_at, directory.zone, "%Y-%m-%d"),
    }
}

impl RoomRules {
    /// Whether an incident without a room gets a thread below its card.
    #[must_use]
    pub fn threaded(&self, severity: Severity, service: Option<&str>) -> bool {
        self.threads.contains(&severity)
            || service.is_some_and(|s| self.thread_services.contains(s))
    }

    /// The channel an incident is announced in; `None`: it is not, or its card stands there anyway. Of a
    /// private one nothing is announced, and what was is veiled.
    #[must_use]
    pub fn announced(&self, incident: &Incident) -> Option<&str> {
        let channel = self.announce.as_deref()?;
        let bad = self.announce_at.is_none_or(|s| incident.severity <= s);
        let twice = incident.channel.as_deref() == Some(channel);
        (bad && incident.major && !twice).then_some(channel)
    }
}

/// Who belongs in the room of an incident: who was woken for it or did something, and who is asked in by
/// the rules. Ids of the directory, in order.
#[must_use]
pub fn crew(incident: &Incident, directory: &Directory, now: Time) -> Vec<String> {
    let mut crew = incident.crew.clone();
    if incident.nature.private {
        // No rule brings anybody in; who was let in without being known by name is in no crew.
        crew.extend(incident.admitted.iter().cloned());
        return crew.iter().cloned().collect();
    }
    let rules = directory.rooms.invite.iter();
    for rule in rules.filter(|r| r.fits(incident)) {
        for target in &rule.targets {
            match target {
                Target::Person(id) => drop(crew.insert(id.clone())),
                Target::Team(id) | Target::RoundRobin(id) => {
                    let team = directory.teams.get(id);
                    crew.extend(team.into_iter().flat_map(|t| t.members.clone()));
                }
                Target::Schedule(id) => {
                    let schedule = directory.schedules.get(id);
                    crew.extend(schedule.into_iter().flat_map(|s| s.on_call(now).people));
                }
                Target::Channel(_) | Target::Webhook(_) => {}
            }
        }
        let holds = |roles: &[String]| roles.iter().any(|r| rule.roles.contains(r));
        let people = directory.people.values().filter(|p| holds(&p.roles));
        crew.extend(people.map(|p| p.id.clone()));
    }
    crew.iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::IncidentId;

    fn incident(title: &str) -> Incident {
        Incident {
            title: title.to_owned(),
            service: Some("checkout".to_owned()),
            team: Some("web".to_owned()),
            ..Incident::new(IncidentId(42))
        }
    }

    fn named(template: &str, title: &str) -> String {
        let template = Template::parse(template).unwrap();
        template.room_name(&incident(title), &Directory::default())
    }

    #[test]
    fn a_name_is_made_of_typed_placeholders() {
        assert_eq!(named("war-{team}-{id}", "x"), "war-web-42");
        assert_eq!(
            named("{date}-{id}-{severity}", "x"),
            "1970-01-01-42-severity-1"
        );
        for (bad, why) in [
            ("inc-{nummer}", "there is no `{nummer}`"),
            ("inc-{id", "is not closed"),
            ("inc}-{id}", "closes nothing"),
        ] {
            let told = Template::parse(bad).unwrap_err();
            assert!(told.contains(why), "{bad}: {told}");
        }
    }

    #[test]
    fn other_alphabets_are_carried_over() {
        assert_eq!(
            named("inc-{id}-{title}", "Größe überschritten, naïve Œuvre"),
            "inc-42-groesse-ueberschritten-naive-oeuvre"
        );
        assert_eq!(
            named("inc-{id}-{title}", "Сбой оплаты"),
            "inc-42-sboy-oplaty"
        );
        assert_eq!(named("inc-{id}-{title}", "Πληρωμές"), "inc-42-pliromes");
        assert_eq!(named("inc-{id}-{title}", "支払い"), "inc-42");
    }

    #[test]
    fn a_long_title_loses_words_and_the_number_stays_wherever_it_stands() {
        let long = "word ".repeat(60);
        let name = named("{title}-{id}", &long);
        assert!(
            name.len() <= ROOM_CHARS && name.ends_with("-word-42"),
            "{name}"
        );
        let name = named(&format!("{}{{id}}", "x".repeat(90)), &long);
        assert!(name.len() <= ROOM_CHARS && name.ends_with("-42"), "{name}");
    }

    #[test]
    fn an_address_takes_no_text_as_it_is() {
        let template = Template::parse("https://meet.example/{service}?t={title}").unwrap();
        let made = template.address(&incident("a&b=<c>"), &Directory::default());
        assert_eq!(made, "https://meet.example/checkout?t=a-b-c");
        let odd = Incident {
            service: Some("a/b?c".to_owned()),
            ..incident("x")
        };
        assert_eq!(
            template.address(&odd, &Directory::default()),
            "https://meet.example/a%2Fb%3Fc?t=x"
        );
    }
}
