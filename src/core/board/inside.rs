//! The page inside: how each component and each service is by what is open right now, beside what everybody
//! reads of it.
//!
//! Promises: it is made of the incidents it is given, so whoever may not see one is given a page without it;
//! a drill changes no condition. Nothing of it is ever public.

use super::{Board, Condition, PageRules};
use crate::core::directory::Directory;
use crate::core::id::IncidentId;
use crate::core::incident::Incident;
use crate::core::time::Time;

/// A component of the page, or a service that feeds none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its id in the files.
    pub id: String,
    /// What people read.
    pub name: String,
    /// One line below it; may be empty.
    pub about: String,
    /// Its group on the page; empty: none.
    pub group: String,
    /// Names of the services that feed it; of a service: empty.
    pub fed_by: Vec<String>,
    /// How it is.
    pub condition: Condition,
    /// What makes it so, the worst first.
    pub because: Vec<IncidentId>,
    /// Maintenance that goes on, in its own words.
    pub maintenance: Vec<String>,
    /// What everybody reads of it; `None`: it is on no page.
    pub everybody: Option<Condition>,
}

impl Part {
    /// Everybody reads something else than what is.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.everybody.is_some_and(|read| read != self.condition)
    }
}

/// What an incident does to what it is about, for as long as it is open. A drill does nothing.
#[must_use]
pub fn effect(incident: &Incident, rules: &PageRules) -> Condition {
    if incident.nature.drill || !incident.is_open() {
        return Condition::Operational;
    }
    let given = rules.condition(incident.severity);
    match incident.told.standing.as_ref() {
        Some(s) if s.last => Condition::Operational,
        _ if incident.mitigated_at.is_some() => given.min(rules.mitigated),
        _ => given,
    }
}

/// The rules when no page is configured: the worst severity is a major outage, the next a partial one.
#[must_use]
pub fn usual() -> PageRules {
    PageRules {
        by_severity: vec![Condition::MajorOutage, Condition::PartialOutage],
        mitigated: Condition::Degraded,
        ..PageRules::default()
    }
}

/// Every component in the order of the page, then every service that feeds none, the most important first.
/// `open` is what the reader may see; `read` is what everybody reads.
#[must_use]
pub fn inside(
    directory: &Directory,
    open: &[&Incident],
    read: Option<&Board>,
    now: Time,
) -> Vec<Part> {
    let usual = usual();
    let rules = directory.page.as_deref().unwrap_or(&usual);
    let name = |id: &String| {
        let known = directory.services.get(id);
        known.map_or_else(|| id.clone(), |s| s.name.clone())
    };
    let mut parts: Vec<Part> = Vec::new();
    for c in &rules.components {
        let line = read.and_then(|b| b.lines.iter().find(|l| l.id == c.id));
        let part = Part {
            id: c.id.clone(),
            name: c.name.clone(),
            about: c.about.clone(),
            group: c.group.clone(),
            fed_by: c.services.iter().map(name).collect(),
            condition: Condition::Operational,
            because: Vec::new(),
            maintenance: Vec::new(),
            everybody: line.map(|l| l.condition),
        };
        parts.push(judged(part, &c.services, directory, (open, rules), now));
    }
    let shown = |id: &String| rules.components.iter().any(|c| c.services.contains(id));
    let mut rest: Vec<_> = directory.services.values().collect();
    rest.retain(|s| !shown(&s.id));
    rest.sort_by(|a, b| (a.tier, &a.name).cmp(&(b.tier, &b.name)));
    for s in rest {
        let part = Part {
            id: s.id.clone(),
            name: s.name.clone(),
            about: String::new(),
            group: String::new(),
            fed_by: Vec::new(),
            condition: Condition::Operational,
            because: Vec::new(),
            maintenance: Vec::new(),
            everybody: None,
        };
        let services = std::slice::from_ref(&s.id);
        parts.push(judged(part, services, directory, (open, rules), now));
    }
    parts
}

fn judged(
    mut part: Part,
    services: &[String],
    directory: &Directory,
    (open, rules): (&[&Incident], &PageRules),
    now: Time,
) -> Part {
    let mine = |service: Option<&str>| service.is_some_and(|s| services.iter().any(|o| o == s));
    let windows = directory.maintenance.values();
    let windows = windows.filter(|w| mine(w.service.as_deref()) && w.active(now).is_some());
    part.maintenance = windows.map(|w| w.words()).collect();
    if !part.maintenance.is_empty() {
        part.condition = Condition::Maintenance;
    }
    let about = open.iter().filter(|i| mine(i.service.as_deref()));
    let mut bad: Vec<(Condition, IncidentId)> = about.map(|i| (effect(i, rules), i.id)).collect();
    bad.retain(|(condition, _)| *condition > Condition::Maintenance);
    bad.sort_by_key(|(condition, id)| (std::cmp::Reverse(*condition), *id));
    if let Some((worst, _)) = bad.first() {
        part.condition = *worst;
    }
    part.because = bad.into_iter().map(|(_, id)| id).collect();
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::board::{Component, board};
    use crate::core::directory::Service;
    use crate::core::id::Severity;
    use crate::core::incident::Standing;
    use crate::core::silence::{Silence, SilenceKind};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    const NOON: Time = Time(1_794_830_400_000);

    fn directory() -> Directory {
        let service = |id: &str, tier: u8| Service {
            id: id.to_owned(),
            name: format!("the {id}"),
            tier,
            team: String::new(),
            depends_on: Vec::new(),
            links: BTreeMap::new(),
            policy: None,
            channel: None,
            matchers: Vec::new(),
            major_at: Severity(0),
            auto_resolve: false,
            support: None,
            auto_resolve_after_ms: None,
            hold_while_firing: false,
        };
        let all = [
            service("checkout", 2),
            service("vault", 1),
            service("mail", 3),
        ];
        let shop = Component {
            id: "shop".to_owned(),
            name: "Shop".to_owned(),
            services: vec!["checkout".to_owned()],
            ..Component::default()
        };
        Directory {
            services: all.into_iter().map(|s| (s.id.clone(), s)).collect(),
            page: Some(Arc::new(PageRules {
                components: vec![shop],
                ..usual()
            })),
            ..Directory::default()
        }
    }

    fn incident(id: i64, service: &str, severity: u8) -> Incident {
        Incident {
            id: IncidentId(id),
            seq: 1,
            service: Some(service.to_owned()),
            severity: Severity(severity),
            ..Incident::default()
        }
    }

    #[test]
    fn components_come_first_then_services_on_no_page_and_the_worst_incident_counts() {
        let d = directory();
        let read = board(d.page.as_ref().unwrap(), &[], Vec::new(), NOON, &|_| {
            String::new()
        });
        let mut eased = incident(2, "checkout", 0);
        eased.mitigated_at = Some(NOON);
        let all = [incident(1, "checkout", 1), eased, incident(3, "vault", 0)];
        let open: Vec<&Incident> = all.iter().collect();
        let parts = inside(&d, &open, Some(&read), NOON);
        let names: Vec<&str> = parts.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(names, ["shop", "vault", "mail"]);
        assert_eq!(parts[0].condition, Condition::PartialOutage);
        assert_eq!(parts[0].because, [IncidentId(1), IncidentId(2)]);
        assert_eq!(parts[0].fed_by, ["the checkout"]);
        assert!(parts[0].differs() && parts[0].everybody == Some(Condition::Operational));
        assert_eq!(parts[1].condition, Condition::MajorOutage);
        assert!(!parts[1].differs(), "nobody outside reads of it");
        assert_eq!(
            (parts[2].condition, parts[2].everybody),
            (Condition::Operational, None)
        );
    }

    #[test]
    fn a_drill_an_end_and_the_last_status_do_nothing_and_maintenance_is_named() {
        let mut d = directory();
        let mut drill = incident(1, "checkout", 0);
        drill.nature.drill = true;
        let mut last = incident(2, "checkout", 0);
        last.told.standing = Some(Standing {
            id: "resolved".to_owned(),
            name: "Resolved".to_owned(),
            mitigated: true,
            last: true,
        });
        let window = Silence {
            id: "maintenance/patches".to_owned(),
            kind: SilenceKind::Maintenance,
            matchers: Vec::new(),
            service: Some("vault".to_owned()),
            starts_at: NOON,
            ends_at: NOON.plus_secs(60),
            created_by: String::new(),
            owner: None,
            comment: "patches".to_owned(),
            recurrence: None,
            updated_at: NOON,
        };
        d.maintenance.insert("patches".to_owned(), Arc::new(window));
        let parts = inside(&d, &[&drill, &last], None, NOON);
        assert_eq!(parts[0].condition, Condition::Operational);
        assert!(parts[0].because.is_empty());
        assert_eq!(parts[1].condition, Condition::Maintenance);
        assert_eq!(parts[1].maintenance.len(), 1);
        let later = inside(&d, &[], None, NOON.plus_secs(60));
        assert_eq!(later[1].condition, Condition::Operational);
    }
}
