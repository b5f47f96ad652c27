//! Where an alert belongs: service, policy, severity and group, with the reason of each.
//!
//! The root of the tree matches everything, so nothing escapes. Grouping changes presentation
//! only: an alert that joins an open incident is still journalled there by name.

use super::alert::{Alert, Labels};
use super::directory::{Action, AutoLevel, Directory, Policy, Route};
use super::id::Severity;
use super::incident::Ladder;

/// What becomes of a firing alert.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It belongs to an incident.
    Incident(Box<Routed>),
    /// It is kept, listed and pages nobody.
    Quiet {
        /// The reason, one sentence.
        why: String,
    },
}

/// The routing decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Routed {
    /// Alerts with the same key are one incident while it is open.
    pub group_key: String,
    /// Service id, if one is known.
    pub service: Option<String>,
    /// Owner team.
    pub team: Option<String>,
    /// How bad.
    pub severity: Severity,
    /// Major at this severity and worse.
    pub major_at: Severity,
    /// Resolve when the last alert clears.
    pub auto_resolve: bool,
    /// Resolve by itself when nothing has happened for this long, milliseconds.
    pub auto_resolve_after_ms: Option<i64>,
    /// That waits until no alert fires any more.
    pub hold_while_firing: bool,
    /// The policy to freeze; empty when none applies, and then the catch-all is alarmed.
    pub ladder: Ladder,
    /// How long to collect before the first page, milliseconds.
    pub group_wait_ms: i64,
    /// Id of the incident's type.
    pub type_id: Option<String>,
    /// One sentence for each of the above.
    pub why: Vec<String>,
}

/// The service an alert with these labels belongs to.
#[must_use]
pub fn service<'a>(directory: &'a Directory, labels: &Labels) -> Option<&'a str> {
    service_of(
        directory,
        descend(&directory.route, labels),
        labels,
        &mut Vec::new(),
    )
}

/// Routes a firing alert.
#[must_use]
pub fn route(directory: &Directory, alert: &Alert) -> Verdict {
    let node = descend(&directory.route, &alert.labels);
    if !node.page {
        return Verdict::Quiet {
            why: format!("route {} pages nobody", node.name),
        };
    }
    let mut why = vec![format!("route {}", node.name)];
    let service = service_of(directory, node, &alert.labels, &mut why);
    let team = service
        .and_then(|s| directory.services.get(s))
        .map(|s| s.team.clone());
    let severity = directory.severity_of_label(&alert.labels);
    why.push(match severity {
        Some(s) => format!(
            "severity {} from the alert's label",
            directory.severity_name(s)
        ),
        None => format!(
            "severity {} by the route, the alert names none",
            directory.severity_name(node.severity)
        ),
    });
    let ladder = policy_of(directory, node, service, team.as_deref(), &mut why);
    let entry = service.and_then(|s| directory.services.get(s));
    Verdict::Incident(Box::new(Routed {
        group_key: group_key(node, service, alert, &mut why),
        service: service.map(str::to_owned),
        team,
        severity: severity.unwrap_or(node.severity),
        major_at: entry.map_or(Severity(0), |s| s.major_at),
        auto_resolve: entry.is_none_or(|s| s.auto_resolve),
        auto_resolve_after_ms: entry.and_then(|s| s.auto_resolve_after_ms),
        hold_while_firing: entry.is_none_or(|s| s.hold_while_firing),
        ladder,
        group_wait_ms: node.group_wait_ms,
        type_id: node.type_id.clone(),
        why,
    }))
}

/// How far an action runs by itself on an incident with these labels: what the route says, else what
/// the action's own file does. The second value names the route that says it.
#[must_use]
pub fn automation<'a>(
    directory: &'a Directory,
    labels: &Labels,
    action: &Action,
) -> (AutoLevel, Option<&'a str>) {
    let node = descend(&directory.route, labels);
    let said = node.automation.get(&action.id);
    match said.or_else(|| node.automation.get("*")) {
        Some(level) => (*level, Some(&node.name)),
        None => (action.auto.level, None),
    }
}

fn descend<'a>(route: &'a Route, labels: &Labels) -> &'a Route {
    let child = route
        .children
        .iter()
        .find(|c| c.matchers.iter().all(|m| m.matches(labels)));
    child.map_or(route, |c| descend(c, labels))
}

fn service_of<'a>(
    directory: &'a Directory,
    node: &'a Route,
    labels: &Labels,
    why: &mut Vec<String>,
) -> Option<&'a str> {
    let by_labels = directory
        .services
        .values()
        .find(|s| !s.matchers.is_empty() && s.matchers.iter().all(|m| m.matches(labels)));
    if let Some(s) = by_labels {
        why.push(format!("service {} by its labels", s.id));
        return Some(&s.id);
    }
    if let Some(s) = labels
        .get("service")
        .and_then(|v| directory.services.get(v))
    {
        why.push(format!("service {} by the label service", s.id));
        return Some(&s.id);
    }
    let by_route = node.service.as_deref();
    why.push(by_route.map_or("no service matches".to_owned(), |s| {
        format!("service {s} by the route")
    }));
    by_route
}

fn policy_of(
    directory: &Directory,
    node: &Route,
    service: Option<&str>,
    team: Option<&str>,
    why: &mut Vec<String>,
) -> Ladder {
    let service = service.and_then(|s| directory.services.get(s));
    let of_team = team
        .and_then(|t| directory.teams.get(t))
        .and_then(|t| t.policy.as_deref());
    let named = [
        (
            node.policy
                .as_deref()
                .filter(|_| service.is_none_or(|s| s.policy.is_none())),
            "the route",
        ),
        (service.and_then(|s| s.policy.as_deref()), "the service"),
        (of_team, "the team"),
        (node.policy.as_deref(), "the route"),
    ];
    let found = named
        .iter()
        .find_map(|(id, by)| Some((directory.policies.get((*id)?)?, *by)));
    match found {
        Some((policy, by)) => {
            why.push(format!("policy {} by {by}", policy.id));
            freeze(policy)
        }
        None => {
            why.push("no policy applies: the catch-all is alarmed".to_owned());
            Ladder::default()
        }
    }
}

/// The part of a policy an incident keeps.
#[must_use]
pub fn freeze(policy: &Policy) -> Ladder {
    Ladder {
        policy: policy.id.clone(),
        rungs: policy.rungs.clone(),
        repeat: policy.repeat,
        remind_secs: policy.remind_secs,
        rest_until: policy.rest_until,
    }
}

fn group_key(node: &Route, service: Option<&str>, alert: &Alert, why: &mut Vec<String>) -> String {
    let mut key = format!("{}|{}", node.name, service.unwrap_or(""));
    if node.group_by.is_empty() {
        // No labels to group by: every alert is an incident of its own.
        key.push_str(&format!("|{}|{}", alert.source, alert.fingerprint));
        why.push("not grouped".to_owned());
        return key;
    }
    for name in &node.group_by {
        let value = alert.labels.get(name).map_or("", String::as_str);
        key.push_str(&format!("|{name}={value:?}"));
    }
    why.push(format!("grouped by {}", node.group_by.join(", ")));
    key
}
