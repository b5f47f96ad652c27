//! Whom a rule is about.

use super::Case;
use crate::core::directory::{Directory, Target};
use crate::core::id::Actor;
use crate::core::time::Time;
use std::collections::BTreeSet;

/// Whom a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever holds this role.
    Role(String),
    /// Whoever is on call on this schedule then.
    OnCall(String),
    /// Whoever is on call then on a schedule that the service's policy pages.
    OnCallOfService,
    /// Whoever leads the incident.
    Lead,
    /// This person, by id.
    Person(String),
    /// Members of this team, by id.
    Team(String),
    /// Every person of the directory.
    Linked,
    /// Accounts no person of the directory is linked to: guests, people of other organisations,
    /// strangers. What the platform itself calls a guest is refused before any rule is asked.
    Unlinked,
    /// Everybody.
    Anyone,
}

impl Who {
    /// Reads `role:NAME`, `oncall:{service}`, `oncall:SCHEDULE`, `lead`, `person:ID`, `team:ID`,
    /// `linked`, `guest`, `external`, `unlinked` or `anyone`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Who> {
        let (kind, name) = text.split_once(':').unwrap_or((text, ""));
        let name = name.to_owned();
        Some(match (kind, name.is_empty()) {
            ("role", false) => Who::Role(name),
            ("oncall", false) if name == "{service}" => Who::OnCallOfService,
            ("oncall", false) => Who::OnCall(name),
            ("person", false) => Who::Person(name),
            ("team", false) => Who::Team(name),
            ("lead" | "commander", true) => Who::Lead,
            ("linked", true) => Who::Linked,
            ("guest" | "external" | "unlinked", true) => Who::Unlinked,
            ("anyone", true) => Who::Anyone,
            _ => return None,
        })
    }

    /// As a file writes it.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Who::Role(name) => format!("role:{name}"),
            Who::OnCall(name) => format!("oncall:{name}"),
            Who::OnCallOfService => "oncall:{service}".to_owned(),
            Who::Lead => "lead".to_owned(),
            Who::Person(id) => format!("person:{id}"),
            Who::Team(id) => format!("team:{id}"),
            Who::Linked => "linked".to_owned(),
            Who::Unlinked => "unlinked".to_owned(),
            Who::Anyone => "anyone".to_owned(),
        }
    }

    /// Whether the case's actor is meant, in words.
    pub(super) fn is(&self, case: &Case<'_>) -> Option<String> {
        let directory = case.directory;
        let person = case
            .who
            .person()
            .filter(|p| directory.people.contains_key(*p));
        let holds = match self {
            Who::Anyone => true,
            Who::Linked => person.is_some(),
            Who::Unlinked => person.is_none(),
            Who::Person(id) => person == Some(id),
            Who::Team(id) => {
                let team = directory.teams.get(id);
                person.is_some_and(|p| team.is_some_and(|t| t.members.iter().any(|m| m == p)))
            }
            Who::Role(role) => {
                let roles = person
                    .and_then(|p| directory.people.get(p))
                    .map(|p| &p.roles);
                roles.is_some_and(|r| r.contains(role))
            }
            Who::Lead => case
                .scope
                .lead
                .is_some_and(|lead: &Actor| lead.same(case.who)),
            Who::OnCall(schedule) => {
                let schedule = directory.schedules.get(schedule);
                let people = schedule.map(|s| s.on_call(case.at).people);
                person.is_some_and(|p| people.is_some_and(|l| l.iter().any(|x| x == p)))
            }
            Who::OnCallOfService => {
                let on_call = on_call_of_service(directory, case.scope.service, case.at);
                person.is_some_and(|p| on_call.contains(p))
            }
        };
        holds.then(|| self.words())
    }
}

/// Whoever is on call then on a schedule that the policy of the service, else of its team, pages.
#[must_use]
pub fn on_call_of_service(
    directory: &Directory,
    service: Option<&str>,
    at: Time,
) -> BTreeSet<String> {
    let service = service.and_then(|s| directory.services.get(s));
    let policy = service.and_then(|s| {
        let of_team = || directory.teams.get(&s.team).and_then(|t| t.policy.as_ref());
        s.policy.as_ref().or_else(of_team)
    });
    let rungs = policy
        .and_then(|p| directory.policies.get(p))
        .map(|p| &p.rungs);
    let targets = rungs.into_iter().flatten().flat_map(|r| &r.targets);
    let schedules = targets.filter_map(|t| match t {
        Target::Schedule(id) => directory.schedules.get(id),
        _ => None,
    });
    schedules.flat_map(|s| s.on_call(at).people).collect()
}
