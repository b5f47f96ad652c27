//! What only shows when everything has been read: names that lead nowhere, circles, a catch-all that reaches nobody.

use super::folders::{Entry, Mention};
use super::reader::{Sink, nearest};
use super::tree::Place;
use crate::core::directory::{Directory, Person, Target};
use std::collections::{BTreeMap, BTreeSet};

/// Which entries there are. A file that is wrong still counts as there: one fault is enough.
#[derive(Default)]
pub(super) struct Known {
    ids: BTreeMap<Entry, BTreeSet<String>>,
    /// Roles by person, of the people that could be read.
    roles: Vec<Vec<String>>,
    /// Every person could be read, so counting them means something.
    pub complete: bool,
}

impl Known {
    /// Notes an entry.
    pub fn add(&mut self, kind: Entry, id: &str) {
        self.ids.entry(kind).or_default().insert(id.to_owned());
    }

    /// Notes who holds which roles.
    pub fn count_roles(&mut self, people: &BTreeMap<String, Person>) {
        self.roles = people.values().map(|p| p.roles.clone()).collect();
        let there = self.ids.get(&Entry::Person).map_or(0, BTreeSet::len);
        self.complete = there == people.len();
    }

    /// How many people hold one of the roles; no roles: everybody.
    pub fn holders(&self, roles: &[String]) -> usize {
        let holds = |p: &&Vec<String>| roles.is_empty() || p.iter().any(|r| roles.contains(r));
        self.roles.iter().filter(holds).count()
    }

    /// A fault when the name leads nowhere.
    pub fn check(&self, kind: Entry, key: &str, id: &str, place: &Place, sink: &Sink) {
        let none = BTreeSet::new();
        let ids = self.ids.get(&kind).unwrap_or(&none);
        if ids.contains(id) {
            return;
        }
        let noun = kind.noun();
        let fix = nearest(id, ids.iter().map(String::as_str)).map_or_else(
            || format!("create {}/{id}.toml, or name another {noun}", kind.folder()),
            |near| format!("did you mean `{near}`?"),
        );
        sink.fault(
            place,
            format!("`{key}` names the {noun} {id:?}, which does not exist"),
            fix,
        );
    }
}

/// Checks every name.
pub(super) fn mentions(mentions: &[Mention], known: &Known, sink: &Sink) {
    for m in mentions {
        known.check(m.kind, m.key, &m.id, &m.place, sink);
    }
}

/// Checks that alarms of last resort reach somebody.
pub(super) fn catch_all(directory: &Directory, said: bool, place: &Place, sink: &Sink) {
    if directory.catch_all.is_empty() {
        // A list of unreadable targets is already said.
        if !said {
            sink.fault(
                place,
                "`catch-all` names nobody, so an alarm nobody else can be reached for would be lost",
                "write catch-all = [\"person:ana\"] under [paging]",
            );
        }
        return;
    }
    let reaches = |id: &str| {
        directory
            .people
            .get(id)
            .is_some_and(|p| !p.contacts.is_empty())
    };
    let anybody = directory.catch_all.iter().any(|target| match target {
        Target::Person(id) => reaches(id),
        Target::Schedule(id) => {
            let schedule = directory.schedules.get(id);
            schedule.is_some_and(|s| s.everybody().into_iter().any(reaches))
        }
        // A channel wakes nobody, and a webhook is not known to.
        Target::Channel(_) | Target::Webhook(_) => false,
        Target::Team(id) | Target::RoundRobin(id) => {
            let team = directory.teams.get(id);
            team.is_some_and(|t| t.members.iter().any(|m| reaches(m)))
        }
    });
    if !anybody {
        let who: Vec<String> = directory.catch_all.iter().map(Target::words).collect();
        sink.fault(
            place,
            format!(
                "`catch-all` ({}) has nobody with a contact, so nobody would be woken",
                who.join(", ")
            ),
            "add contacts = [{ kind = \"console\" }] to one of them, or name somebody who has one",
        );
    }
}

/// Two people with one identity: an act could not be told whose it is.
pub(super) fn identities(directory: &Directory, places: &BTreeMap<String, Place>, sink: &Sink) {
    let mut seen: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for person in directory.people.values() {
        for (platform, id) in &person.identities {
            let Some(other) = seen.insert((platform, id), &person.id) else {
                continue;
            };
            if let Some(place) = places.get(&person.id) {
                let what = format!(
                    "{other} and {} have the same {platform} identity {id:?}",
                    person.id
                );
                sink.fault(place, what, "give each person their own");
            }
        }
    }
}

/// Services without anybody to page, and services that need each other in a circle.
pub(super) fn services(directory: &Directory, places: &BTreeMap<String, Place>, sink: &Sink) {
    for service in directory.services.values() {
        let Some(place) = places.get(&service.id) else {
            continue;
        };
        let team = directory.teams.get(&service.team);
        if service.policy.is_none() && team.is_some_and(|t| t.policy.is_none()) {
            sink.warn(
                place,
                format!("neither the service {} nor its team {} names a policy, so its alerts go to the catch-all", service.id, service.team),
                "add policy = \"…\" to one of them",
            );
        }
        if let Some(circle) = circle(directory, &service.id) {
            sink.warn(
                place,
                format!(
                    "services need each other in a circle: {}",
                    circle.join(" → ")
                ),
                "remove one `depends-on`; a circle says nothing about which one broke first",
            );
        }
    }
}

/// The circle a service is on, told once: from its smallest id.
fn circle(directory: &Directory, from: &str) -> Option<Vec<String>> {
    // Breadth first, so that the shortest circle is told and no graph takes longer than its edges.
    let mut came: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        let needs = directory.services.get(at)?.depends_on.iter();
        for next in needs.filter(|n| directory.services.contains_key(*n)) {
            if next == from {
                let mut path = vec![from.to_owned(), at.to_owned()];
                let mut back = at;
                while let Some(before) = came.get(back) {
                    path.push((*before).to_owned());
                    back = before;
                }
                if at == from {
                    path.truncate(2);
                }
                path.reverse();
                return path.iter().all(|id| id.as_str() >= from).then_some(path);
            }
            if !came.contains_key(next.as_str()) && next != at {
                came.insert(next, at);
                queue.push_back(next);
            }
        }
    }
    None
}
