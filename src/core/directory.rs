//! The directory: people, teams, services, schedules, policies and routes as configured.
//!
//! One immutable snapshot, replaced as a whole when the files change. Decisions read it through
//! the `Scene`; nothing in the core changes it. Names are keys, display names are for people.

mod action;
mod auto;
mod conduct;
mod kinds;
mod telling;
mod waking;

pub use action::{
    Action, ActionClass, Approval, Arg, ArgKind, BreakGlass, Disabled, How, HttpRun, KubernetesRun,
    Limits, Lock, Need, ProcessRun, Reason, Risk, Rollback, RundeckRun, Sandbox, SshRun,
};
pub use auto::{Auto, AutoLevel};
pub use conduct::{
    COMMANDER, Checklist, ChecklistItem, ConductRules, IncidentRole, REMIND_AFTER_MS, RoleNeed,
};
pub use kinds::{DrillRules, IncidentType, Insiders, RunsPolicy};
pub use telling::UpdateRules;
pub use waking::{Means, Rule, Step, Support, Urgency, Waking};

use super::alert::Labels;
use super::board::PageRules;
use super::brakes::Switches;
use super::change::Recent;
use super::id::Severity;
use super::incident::Standing;
use super::learn::Learned;
use super::matcher::Matcher;
use super::postmortem::PostmortemRules;
use super::rooms::RoomRules;
use super::schedule::{Leaves, Schedule, Weights};
use super::silence::{ReminderRules, Silence};
use super::subscribe::Subscriber;
use super::time::Time;
use super::verdict::Rules;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything the SRE lead keeps in files, checked and cross-referenced.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// By id.
    pub people: BTreeMap<String, Person>,
    /// By id.
    pub teams: BTreeMap<String, Team>,
    /// By id.
    pub services: BTreeMap<String, Service>,
    /// By id.
    pub schedules: BTreeMap<String, Schedule>,
    /// By id.
    pub policies: BTreeMap<String, Policy>,
    /// By id.
    pub actions: BTreeMap<String, Arc<Action>>,
    /// Actions whose file is there and which are not offered, by id.
    pub disabled: BTreeMap<String, Disabled>,
    /// The routing tree; the root matches everything.
    pub route: Route,
    /// Worst first; `Severity(n)` is the n-th.
    pub severities: Vec<SeverityName>,
    /// Where an incident may stand for people who wait, from the first to the last.
    pub statuses: Vec<Standing>,
    /// How often an update is due.
    pub updates: UpdateRules,
    /// The status page, when there is one.
    pub page: Option<Arc<PageRules>>,
    /// Who is told of updates, by the files.
    pub subscribers: Vec<Arc<Subscriber>>,
    /// Types of incidents, in the order of the file.
    pub types: Vec<IncidentType>,
    /// What drills do.
    pub drills: DrillRules,
    /// Who sees every private incident.
    pub insiders: Insiders,
    /// Outgoing webhooks policies may name.
    pub webhooks: BTreeMap<String, ContactKind>,
    /// Who is alarmed when everybody else could not be. Never empty in a checked configuration.
    pub catch_all: Vec<Target>,
    /// Chat platforms that are switched on, by configured name, in order of preference.
    pub platforms: Vec<String>,
    /// What is special about a platform; one that is not here takes everything and has no furniture.
    pub rules: BTreeMap<String, PlatformRules>,
    /// Zone used where a file names none.
    pub zone: Option<Tz>,
    /// People's silences that may still hold something, by id. The desk keeps them up to date.
    pub silences: Arc<BTreeMap<String, Arc<Silence>>>,
    /// Maintenance windows of the files, by id.
    pub maintenance: BTreeMap<String, Arc<Silence>>,
    /// When silences are talked about.
    pub reminders: ReminderRules,
    /// When each person was last paged in their night, by id. Not from the files: the engine knows.
    pub nights: Arc<BTreeMap<String, Time>>,
    /// When people are away, by id.
    pub leaves: Leaves,
    /// Until when postmortems are due, and how they read.
    pub postmortems: PostmortemRules,
    /// Roles of an incident and checklists.
    pub conduct: Arc<ConductRules>,
    /// What counts as a night and a weekend in the fairness ledger, and how much.
    pub fairness: Weights,
    /// Who may run which action where and when.
    pub permits: Arc<Rules>,
    /// Person and contact name of what nobody has shown to lead to that person yet. Not from the
    /// files: the engine knows which codes came back.
    pub unverified: BTreeSet<(String, String)>,
    /// Whether things run by themselves. Not from the files: people turn it off and on.
    pub switches: Arc<Switches>,
    /// How rooms are to be.
    pub rooms: RoomRules,
    /// What worked before. Not from the files: the engine learns it from the journals.
    pub learned: Arc<Learned>,
    /// What was changed lately. Not from the files: it is told.
    pub changes: Arc<Recent>,
}

/// What is special about a chat platform: a workspace or guild.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlatformRules {
    /// Rooms there have a topic, members and pinned things to keep up to date.
    pub furnished: bool,
    /// Only incidents of these teams go there; empty: all.
    pub teams: Vec<String>,
}

/// Someone who can be paged, may act, or both.
#[derive(Clone, Debug)]
pub struct Person {
    /// Key and immutable id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// By which a platform that has verified it may link an account to this person.
    pub email: Option<String>,
    /// Where they live; times are shown to them in it.
    pub zone: Tz,
    /// Immutable ids by chat platform: `slack = "U123"`.
    pub identities: BTreeMap<String, String>,
    /// Roles for authorisation, such as `responder` or `incident-commander`.
    pub roles: Vec<String>,
    /// Ways to wake this person. May be empty: then the next rung is climbed at once.
    pub contacts: Vec<Contact>,
    /// In which order, and when not.
    pub waking: Waking,
}

/// One way to reach a person.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Unique within the person; journalled instead of the address.
    pub name: String,
    /// How.
    pub kind: ContactKind,
}

/// The ways a page can travel. A new notifier adds its variant here and one file in `notify/`.
#[derive(Clone, Debug)]
pub enum ContactKind {
    /// A direct message on a chat platform.
    Chat {
        /// Platform name.
        platform: String,
    },
    /// A JSON POST.
    Webhook {
        /// Where to; may hold secrets, so it is never journalled or shown.
        url: secrecy::SecretString,
        /// What requests are signed with, when the receiver checks.
        secret: Option<secrecy::SecretString>,
    },
    /// An address that a provider of `firebell.toml` reaches.
    Direct {
        /// By which kind of provider.
        means: Means,
        /// Mail address, topic, user key or number; never journalled or shown.
        to: secrecy::SecretString,
        /// Name of the provider to try first; absent: in the order of the file.
        via: Option<String>,
    },
}

impl ContactKind {
    /// Whether a code has to come back before it counts as a way to this person. Chat accounts are
    /// known by the platform, and a webhook leads to a machine.
    #[must_use]
    pub fn needs_code(&self) -> bool {
        matches!(self, ContactKind::Direct { .. })
    }

    /// The kind in one word, for ledgers: the platform of a chat, else the means.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            ContactKind::Chat { platform } => platform,
            ContactKind::Webhook { .. } => "webhook",
            ContactKind::Direct { means, .. } => means.word(),
        }
    }
}

/// A group of people that owns services.
#[derive(Clone, Debug)]
pub struct Team {
    /// Key.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Ids of people.
    pub members: Vec<String>,
    /// Channel of minor incidents' cards, by name; `None`: no card is posted.
    pub channel: Option<String>,
    /// Policy for services that name none.
    pub policy: Option<String>,
}

/// One entry of the service directory.
#[derive(Clone, Debug)]
pub struct Service {
    /// Key.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Owner team.
    pub team: String,
    /// 1 is the most important.
    pub tier: u8,
    /// Services this one needs.
    pub depends_on: Vec<String>,
    /// Named links: runbook, dashboard, repository.
    pub links: BTreeMap<String, String>,
    /// Escalation policy; `None`: the team's.
    pub policy: Option<String>,
    /// Channel of its cards; `None`: the team's.
    pub channel: Option<String>,
    /// An alert belongs to the service when all of these match. Empty: never by labels.
    pub matchers: Vec<Matcher>,
    /// This severity and worse make an incident major: it gets a room.
    pub major_at: Severity,
    /// Resolve by itself when every alert has cleared.
    pub auto_resolve: bool,
    /// When somebody is to be woken for it; absent: always.
    pub support: Option<Support>,
    /// Resolve by itself when nothing has happened for this long, milliseconds.
    pub auto_resolve_after_ms: Option<i64>,
    /// Not while an alert still fires.
    pub hold_while_firing: bool,
}

/// An escalation policy: the ladder an incident freezes when it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Key.
    pub id: String,
    /// From the first to the last.
    pub rungs: Vec<Rung>,
    /// How often the whole ladder is climbed again after the first time.
    pub repeat: u8,
    /// Whoever has acknowledged is asked again when nothing has moved for so many seconds, and the
    /// ladder is climbed anew when nothing moves after that either. `None`: an acknowledgement rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_secs: Option<u64>,
    /// Whoever was paged in their night is passed over for what is not urgent until this minute of
    /// their day, when somebody else is there. `None`: nobody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest_until: Option<u16>,
}

/// One step of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Who is paged.
    pub targets: Vec<Target>,
    /// How long they have, in seconds, before the next rung.
    pub wait_secs: u64,
    /// How many different people must acknowledge while this is the last rung climbed, at least 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub acks: u8,
    /// Climbed only then; else it is passed over at once.
    #[serde(default, skip_serializing_if = "When::always")]
    pub when: When,
}

/// When a step counts. Everything that is said must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// Only for incidents of this urgency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// Only inside (true) or outside (false) the hours of the incident's service, on its clock. A
    /// service without hours is always inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside_hours: Option<bool>,
    /// Only when the incident has been open for so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_secs: Option<u64>,
}

impl When {
    /// Nothing is said: it always counts.
    #[must_use]
    pub fn always(&self) -> bool {
        *self == When::default()
    }
}

/// One acknowledgement is what everybody expects: not written.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape serde asks for"
)]
fn is_one(acks: &u8) -> bool {
    *acks == 1
}

fn one() -> u8 {
    1
}

/// Whom a rung pages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One person, by id.
    Person(String),
    /// Whoever is on call on this schedule at that instant.
    Schedule(String),
    /// Everybody of a team.
    Team(String),
    /// One of a team, the next one for each incident of the policy.
    RoundRobin(String),
    /// A chat channel: everybody who reads it, nobody in particular.
    Channel(String),
    /// An outgoing webhook of the configuration, by name.
    Webhook(String),
}

impl Target {
    /// `person ana`, `schedule web-primary`: for sentences.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Target::Person(id) => format!("person {id}"),
            Target::Schedule(id) => format!("schedule {id}"),
            Target::Team(id) => format!("team {id}"),
            Target::RoundRobin(id) => format!("one of team {id} in turn"),
            Target::Channel(name) => format!("channel #{}", name.trim_start_matches('#')),
            Target::Webhook(name) => format!("webhook {name}"),
        }
    }
}

/// In front of a webhook's name where a person's id would stand; no id has a colon.
pub const WEBHOOK: &str = "webhook:";

/// One level of the severity scale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeverityName {
    /// `sev1`; what people type.
    pub name: String,
    /// What it is called for people: `Critical`; empty: its name is all.
    pub title: String,
    /// When to choose it; shown in forms.
    pub description: String,
    /// Drawn in front of it where a platform takes one; empty: the platform's usual light.
    pub emoji: String,
    /// Its colour where a platform takes one, as 0xRRGGBB; `None`: the usual one of its place on the scale.
    pub colour: Option<u32>,
    /// Only alerts are so bad; nobody declares it by hand.
    pub alerts_only: bool,
    /// Values of the alert's `severity` label that mean it: `critical`, `page`.
    pub labels: Vec<String>,
    /// Whether its pages may wait for the morning.
    pub urgency: Urgency,
}

/// A node of the routing tree. The first child that matches is descended into; a node inherits
/// from its parent what it does not say itself (already merged when the directory is built).
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// Path for explanations: `default`, `default/web`.
    pub name: String,
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// Labels whose values make one incident.
    pub group_by: Vec<String>,
    /// How long an incident collects alerts before the first page, milliseconds.
    pub group_wait_ms: i64,
    /// Service for alerts no service matches by its labels.
    pub service: Option<String>,
    /// Policy that overrides the service's.
    pub policy: Option<String>,
    /// Type of the incidents it opens, by id.
    pub type_id: Option<String>,
    /// Severity when the alert names none.
    pub severity: Severity,
    /// False: alerts here are kept and listed, and page nobody. The reason is stored on the alert.
    pub page: bool,
    /// How far actions run by themselves here, whatever their files say: by action id, `*` is every
    /// other. What a file, a rule or a brake forbids stays forbidden.
    pub automation: BTreeMap<String, AutoLevel>,
    /// Tried in order.
    pub children: Vec<Route>,
}

impl Directory {
    /// The severity people mean by `name`; falls back to none.
    #[must_use]
    pub fn severity(&self, name: &str) -> Option<Severity> {
        let at = self
            .severities
            .iter()
            .position(|s| s.name.eq_ignore_ascii_case(name))?;
        u8::try_from(at).ok().map(Severity)
    }

    /// The status people mean by its id or name.
    #[must_use]
    pub fn status(&self, word: &str) -> Option<&Standing> {
        let word = word.trim().to_lowercase();
        let named = |s: &&Standing| s.id == word || s.name.to_lowercase() == word;
        self.statuses.iter().find(named)
    }

    /// The name of a severity; a level the scale no longer has is shown by number.
    #[must_use]
    pub fn severity_name(&self, severity: Severity) -> String {
        self.severities.get(usize::from(severity.0)).map_or_else(
            || format!("severity {}", severity.0 + 1),
            |s| s.name.clone(),
        )
    }

    /// The configured type people mean by `name`: its id or its name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&IncidentType> {
        let by_id = self.types.iter().find(|t| t.id.eq_ignore_ascii_case(name));
        by_id.or_else(|| {
            self.types
                .iter()
                .find(|t| t.name.eq_ignore_ascii_case(name))
        })
    }

    /// How the postmortem of such an incident reads.
    #[must_use]
    pub fn template(
        &self,
        document: &super::postmortem::Postmortem,
    ) -> Arc<super::postmortem::Template> {
        let told = super::postmortem::TemplateBy::of(document);
        let kind = told
            .type_id
            .and_then(|id| self.types.iter().find(|t| t.id == id));
        let named = kind.and_then(|t| t.postmortem.as_deref());
        self.postmortems.template(&told, named)
    }

    /// The level of the scale, if it still has that one.
    #[must_use]
    pub fn level(&self, severity: Severity) -> Option<&SeverityName> {
        self.severities.get(usize::from(severity.0))
    }

    /// Why nobody says by hand that an incident is so bad; `None`: people may.
    #[must_use]
    pub fn only_alerts_are(&self, severity: Severity) -> Option<String> {
        let level = self.level(severity).filter(|l| l.alerts_only)?;
        let others = self.severities.iter().filter(|s| !s.alerts_only);
        let others: Vec<&str> = others.map(|s| s.name.as_str()).collect();
        Some(format!(
            "Only alerts are {}; by hand it is {}.",
            level.name,
            super::text::list(&others).replace(" and ", " or ")
        ))
    }

    /// Whether people may say that an incident is as bad as the level of this name.
    #[must_use]
    pub fn by_hand(&self, name: &str) -> bool {
        let level = self.severities.iter().find(|s| s.name == *name);
        level.is_none_or(|s| !s.alerts_only)
    }

    /// The nearest level people may declare when nobody said one: the same, else the next that is less
    /// bad, else the least bad of the worse ones.
    #[must_use]
    pub fn declarable(&self, severity: Severity) -> Severity {
        let levels = self.severities.iter().enumerate();
        let may = levels.filter(|(_, s)| !s.alerts_only);
        let may: Vec<u8> = may.filter_map(|(n, _)| u8::try_from(n).ok()).collect();
        if self.level(severity).is_none_or(|l| !l.alerts_only) {
            return severity;
        }
        let less = may.iter().find(|n| **n > severity.0);
        less.or(may.last()).map_or(severity, |n| Severity(*n))
    }

    /// The severity an alert's `severity` label means, if it means one.
    #[must_use]
    pub fn severity_of_label(&self, labels: &Labels) -> Option<Severity> {
        let value = labels.get("severity").or_else(|| labels.get("priority"))?;
        let at = self.severities.iter().position(|s| {
            s.name.eq_ignore_ascii_case(value)
                || s.labels.iter().any(|l| l.eq_ignore_ascii_case(value))
        })?;
        u8::try_from(at).ok().map(Severity)
    }

    /// The person a platform's user id is linked to.
    #[must_use]
    pub fn person_by_identity(&self, platform: &str, id: &str) -> Option<&Person> {
        self.people
            .values()
            .find(|p| p.identities.get(platform).is_some_and(|x| x == id))
    }

    /// The platforms an incident of this team is shown on.
    pub fn platforms_of<'a>(&'a self, team: Option<&'a str>) -> impl Iterator<Item = &'a str> {
        self.platforms
            .iter()
            .map(String::as_str)
            .filter(move |name| {
                let teams = self.rules.get(*name).map_or(&[][..], |r| &r.teams);
                teams.is_empty() || team.is_some_and(|t| teams.iter().any(|x| x == t))
            })
    }

    /// Whether rooms of this platform have a topic, members and pinned things.
    #[must_use]
    pub fn furnished(&self, platform: &str) -> bool {
        self.rules.get(platform).is_some_and(|r| r.furnished)
    }

    /// Display name of a person, or the id when the directory no longer has them.
    #[must_use]
    pub fn person_name(&self, id: &str) -> String {
        self.people
            .get(id)
            .map_or_else(|| id.to_owned(), |p| p.name.clone())
    }

    /// Why a person cannot be woken, to stand behind their name; `None`: they can be.
    #[must_use]
    pub fn unreachable(&self, id: &str) -> Option<String> {
        match self.people.get(id) {
            None => Some("is not in the directory".to_owned()),
            Some(p) if p.contacts.is_empty() => Some("has no contact".to_owned()),
            Some(p) if self.usable(p).1 => Some("has no verified contact".to_owned()),
            Some(_) => None,
        }
    }

    /// Every channel teams, services, policies and types name, once.
    #[must_use]
    pub fn channels(&self) -> BTreeSet<&str> {
        let teams = self.teams.values().filter_map(|t| t.channel.as_deref());
        let services = self.services.values().filter_map(|s| s.channel.as_deref());
        let rungs = self.policies.values().flat_map(|p| &p.rungs);
        let told = rungs.flat_map(|r| &r.targets).filter_map(|t| match t {
            Target::Channel(name) => Some(name.as_str()),
            _ => None,
        });
        let announced = self.rooms.announce.as_deref();
        let kinds = self.types.iter().filter_map(|t| t.channel.as_deref());
        let named = teams.chain(services).chain(told);
        named.chain(announced).chain(kinds).collect()
    }

    /// The channel a service's (or else a team's) cards go to.
    #[must_use]
    pub fn channel(&self, service: Option<&str>, team: Option<&str>) -> Option<&str> {
        service
            .and_then(|s| self.services.get(s))
            .and_then(|s| s.channel.as_deref())
            .or_else(|| {
                team.and_then(|t| self.teams.get(t))
                    .and_then(|t| t.channel.as_deref())
            })
    }
}
