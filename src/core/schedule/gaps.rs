//! What will go wrong: nobody on call, somebody twice at once, on leave, or without a way to be woken.
//!
//! Promises: it looks at the same shifts that will be paged, and says each stretch once. It decides
//! nothing: who is unreachable is asked of the caller, and what to do about a finding is for people.

use super::{Schedule, Turn};
use crate::core::text::list;
use crate::core::time::Time;
use std::collections::BTreeMap;

/// A time somebody is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leave {
    /// First instant.
    pub since: Time,
    /// First instant they are back.
    pub until: Time,
    /// What the calendar calls it; may be empty.
    pub title: String,
}

/// Leave by person id.
pub type Leaves = BTreeMap<String, Vec<Leave>>;

/// Something somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Id of the schedule; of the first of two.
    pub schedule: String,
    /// First instant, within the span looked at.
    pub since: Time,
    /// First instant that is no longer in it.
    pub until: Time,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nobody is on call.
    Nobody,
    /// A layer should have somebody and has not; a lower one shows through, or nobody does.
    DeadLayer {
        /// As the turn notes it: `layer experts has nobody`.
        note: String,
    },
    /// The same person is on call on two schedules.
    Twice {
        /// Person id.
        person: String,
        /// Id of the other schedule.
        other: String,
    },
    /// Whoever is on call is away.
    OnLeave {
        /// Person id.
        person: String,
        /// What their calendar says; may be empty.
        title: String,
    },
    /// Whoever is on call cannot be woken.
    Unreachable {
        /// Person id.
        person: String,
        /// Why not: `has no verified contact`.
        why: String,
    },
}

impl Finding {
    /// One sentence, with times in the schedule's zone and names as `name` gives them.
    #[must_use]
    pub fn words(&self, schedule: &Schedule, name: &dyn Fn(&str) -> String) -> String {
        let span = format!(
            "from {} until {}",
            schedule.local(self.since),
            schedule.local(self.until)
        );
        let title = &schedule.name;
        match &self.kind {
            Kind::Nobody => format!("{title}: nobody is on call {span}"),
            Kind::DeadLayer { note } => format!("{title}: {note} {span}"),
            Kind::Twice { person, other } => format!(
                "{} is on call on {title} and on {other} at once {span}",
                name(person)
            ),
            Kind::OnLeave { person, title: why } => {
                let why = if why.is_empty() {
                    String::new()
                } else {
                    format!(" (\"{why}\")")
                };
                format!(
                    "{} is on call on {title} and on leave{why} {span}",
                    name(person)
                )
            }
            Kind::Unreachable { person, why } => {
                format!("{} is on call on {title} and {why}, {span}", name(person))
            }
        }
    }
}

/// Everything in `[from, until)`, in order of time. `unreachable` says why a person cannot be woken.
#[must_use]
pub fn findings<'a>(
    schedules: impl IntoIterator<Item = &'a Schedule>,
    leaves: &Leaves,
    unreachable: &dyn Fn(&str) -> Option<String>,
    from: Time,
    until: Time,
) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut duties: BTreeMap<String, Vec<(&str, Time, Time)>> = BTreeMap::new();
    for schedule in schedules {
        let shifts = schedule.shifts(from, until);
        for shift in &shifts {
            let find = |kind| finding(kind, &schedule.id, shift.since, shift.until);
            if shift.people.is_empty() {
                found.push(find(Kind::Nobody));
            }
            let notes = shift.notes.iter().cloned();
            found.extend(notes.map(|note| find(Kind::DeadLayer { note })));
        }
        for (person, since, until) in stints(&shifts) {
            let id = &schedule.id;
            if let Some(why) = unreachable(&person) {
                let person = person.clone();
                found.push(finding(Kind::Unreachable { person, why }, id, since, until));
            }
            found.extend(away(leaves, &person, id, since, until));
            let duties = duties.entry(person).or_default();
            duties.push((id, since, until));
        }
    }
    for (person, duties) in &duties {
        found.extend(twice(person, duties));
    }
    let mut found = joined(found);
    found.sort_by(|a, b| (a.since, &a.schedule, a.until).cmp(&(b.since, &b.schedule, b.until)));
    found
}

fn finding(kind: Kind, schedule: &str, since: Time, until: Time) -> Finding {
    Finding {
        kind,
        schedule: schedule.to_owned(),
        since,
        until,
    }
}

/// Who is on call from when until when, whoever is beside them.
fn stints(shifts: &[Turn]) -> Vec<(String, Time, Time)> {
    let mut stints: Vec<(String, Time, Time)> = Vec::new();
    for shift in shifts {
        for person in &shift.people {
            let before = stints.iter_mut().rev().find(|(p, ..)| p == person);
            match before {
                Some((_, _, until)) if *until == shift.since => *until = shift.until,
                _ => stints.push((person.clone(), shift.since, shift.until)),
            }
        }
    }
    stints
}

fn away(leaves: &Leaves, person: &str, schedule: &str, since: Time, until: Time) -> Vec<Finding> {
    let leaves = leaves.get(person).map_or(&[][..], Vec::as_slice);
    let overlap = |l: &&Leave| l.since < until && since < l.until;
    let one = |l: &Leave| {
        let kind = Kind::OnLeave {
            person: person.to_owned(),
            title: l.title.clone(),
        };
        finding(kind, schedule, l.since.max(since), l.until.min(until))
    };
    leaves.iter().filter(overlap).map(one).collect()
}

fn twice(person: &str, duties: &[(&str, Time, Time)]) -> Vec<Finding> {
    let mut sorted = duties.to_vec();
    sorted.sort_by_key(|d| d.1);
    let mut found = Vec::new();
    let mut running: Vec<(&str, Time, Time)> = Vec::new();
    for duty in sorted {
        let (id, since, until) = duty;
        running.retain(|(_, _, end)| *end > since);
        for (other, _, end) in running.iter().filter(|(o, ..)| *o != id) {
            // The smaller id first, so that two stretches of the same two are one.
            let (first, second) = if *other < id {
                (*other, id)
            } else {
                (id, *other)
            };
            let kind = Kind::Twice {
                person: person.to_owned(),
                other: second.to_owned(),
            };
            found.push(finding(kind, first, since, until.min(*end)));
        }
        running.push(duty);
    }
    found
}

/// Findings of one kind that follow each other without a break are one.
fn joined(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by_key(|f| f.since);
    let mut once: Vec<Finding> = Vec::new();
    for f in found {
        let same = |o: &&mut Finding| o.schedule == f.schedule && o.kind == f.kind;
        match once.iter_mut().rev().find(same) {
            Some(before) if before.until >= f.since => before.until = before.until.max(f.until),
            _ => once.push(f),
        }
    }
    once
}

/// What differs in who is on call between two versions of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// First instant.
    pub since: Time,
    /// First instant that is no longer in it.
    pub until: Time,
    /// Who is on call now.
    pub before: Vec<String>,
    /// Who would be.
    pub after: Vec<String>,
}

impl Difference {
    /// `from Mon 2 Mar 09:00 CET until …: ana instead of bo`.
    #[must_use]
    pub fn words(&self, schedule: &Schedule, name: &dyn Fn(&str) -> String) -> String {
        let who = |people: &[String]| {
            let names: Vec<String> = people.iter().map(|p| name(p)).collect();
            if names.is_empty() {
                "nobody".to_owned()
            } else {
                list(&names)
            }
        };
        format!(
            "from {} until {}: {} instead of {}",
            schedule.local(self.since),
            schedule.local(self.until),
            who(&self.after),
            who(&self.before)
        )
    }
}

/// Where two versions of a schedule differ in `[from, until)`; the order of people does not count.
#[must_use]
pub fn differences(
    before: &Schedule,
    after: &Schedule,
    from: Time,
    until: Time,
) -> Vec<Difference> {
    let (old, new) = (before.shifts(from, until), after.shifts(from, until));
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    let mut found: Vec<Difference> = Vec::new();
    while let (Some(a), Some(b)) = (old.peek().copied(), new.peek().copied()) {
        let (since, end) = (a.since.max(b.since), a.until.min(b.until));
        let same =
            a.people.len() == b.people.len() && a.people.iter().all(|p| b.people.contains(p));
        if !same && since < end {
            match found.last_mut() {
                Some(d) if d.until == since && d.before == a.people && d.after == b.people => {
                    d.until = end;
                }
                _ => found.push(Difference {
                    since,
                    until: end,
                    before: a.people.clone(),
                    after: b.people.clone(),
                }),
            }
        }
        if a.until <= end {
            old.next();
        }
        if b.until <= end {
            new.next();
        }
    }
    found
}
