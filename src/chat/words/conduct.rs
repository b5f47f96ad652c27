//! Words about leading an incident: what somebody is told in person, who is here, what is to be done,
//! and the brief for who takes over.

use crate::chat::board;
use crate::core::directory::{COMMANDER, Directory};
use crate::core::id::Actor;
use crate::core::incident::{ConductEvent, Event, Incident, Part, Record, Task, parts};
use crate::core::text::{count, cut, list};
use crate::core::time::Time;
use crate::core::timeline::{self, Names};
use chrono_tz::Tz;

/// Characters of a decision in a brief.
const DECISION_CHARS: usize = 200;
/// Decisions in a brief.
const DECISIONS: usize = 5;

/// What an event is to one person, told to them alone: the sentence, what the role asks for, and where
/// to look. Plain text.
#[must_use]
pub fn concerning(
    incident: &Incident,
    record: &Record,
    person: &str,
    directory: &Directory,
    url: &str,
) -> String {
    let mut names = Names::default().in_zone(zone_of(person, directory));
    names.learn(&record.event);
    let said = timeline::sentence(&record.event, &names);
    let mut lines = vec![format!(
        "{} “{}”: {said}",
        incident.id,
        cut(&incident.headline(), 200)
    )];
    let is_me = |who: &Actor| who.person() == Some(person);
    let role = match &record.event {
        Event::LeadChanged { lead, .. } if is_me(lead) => Some(COMMANDER),
        Event::Conduct(ConductEvent::RoleGiven { role, to, .. }) if is_me(to) => {
            Some(role.as_str())
        }
        Event::Conduct(ConductEvent::RoleOffered { role, to, .. }) if is_me(to) => {
            Some(role.as_str())
        }
        _ => None,
    };
    lines.extend(role.and_then(|r| role_brief(r, directory)));
    let lost = match &record.event {
        Event::LeadChanged { lead, .. } => !is_me(lead),
        Event::Conduct(ConductEvent::RoleGiven { to, .. }) => !is_me(to),
        Event::Conduct(ConductEvent::RoleReleased { who, .. }) => is_me(who),
        _ => false,
    };
    if lost {
        lines.push(
            "Please hand over what only you know: what was tried, what is open, who was told what."
                .to_owned(),
        );
    }
    lines.push(url.to_owned());
    lines.join("\n")
}

fn zone_of(person: &str, directory: &Directory) -> Option<Tz> {
    let own = directory.people.get(person).map(|p| p.zone);
    own.or(directory.zone)
}

/// What a role is about and what to do first; `None`: nothing is configured.
#[must_use]
pub fn role_brief(role: &str, directory: &Directory) -> Option<String> {
    let spec = directory.conduct.role(role)?;
    let mut lines = Vec::new();
    if !spec.about.is_empty() {
        lines.push(format!("{}: {}", spec.name, spec.about));
    }
    let steps = spec.steps.iter().enumerate();
    lines.extend(steps.map(|(n, step)| format!("{}. {step}", n + 1)));
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Answer to `role` without a name: who has which.
#[must_use]
pub fn roles(incident: &Incident, directory: &Directory) -> String {
    let mut lines: Vec<String> = directory
        .conduct
        .roles
        .iter()
        .map(|role| {
            let holders = incident.holders(&role.id);
            let names: Vec<&str> = holders.into_iter().map(Actor::name).collect();
            let who = match (names.as_slice(), incident.conduct.offers.get(&role.id)) {
                ([], Some(asked)) => format!("{} was asked", asked.name()),
                ([], None) if incident.conduct.needed.contains_key(&role.id) => {
                    "nobody yet, and somebody has to".to_owned()
                }
                ([], None) => "nobody".to_owned(),
                (names, Some(asked)) => format!("{}; {} was asked", list(names), asked.name()),
                (names, None) => list(names),
            };
            format!("{} (`{}`): {who}", role.name, role.id)
        })
        .collect();
    if lines.is_empty() {
        let leads = incident.lead.as_ref().map_or("nobody", Actor::name);
        lines.push(format!("Commander (`{COMMANDER}`): {leads}"));
    }
    lines.push(
        "`role ROLE me` takes one, `role ROLE @bo` gives it, `role ROLE nobody` ends it."
            .to_owned(),
    );
    lines.join("\n")
}

/// Answer to `responders`: who is here, and as what.
#[must_use]
pub fn responders(incident: &Incident, directory: &Directory, zone: Tz) -> String {
    let all = parts(incident, directory);
    if all.is_empty() {
        return format!(
            "Nobody has to do with {} yet: nobody was paged and nobody joined.",
            incident.id
        );
    }
    let (here, others): (Vec<&Part>, Vec<&Part>) = all.iter().partition(|p| p.is_responding());
    let mut lines = Vec::new();
    if here.is_empty() {
        lines.push(format!(
            "Nobody responds to {} yet; `join` takes part.",
            incident.id
        ));
    }
    lines.extend(here.iter().map(|p| part(p, incident, directory, zone)));
    if !others.is_empty() {
        lines.push("Also:".to_owned());
        lines.extend(others.iter().map(|p| part(p, incident, directory, zone)));
    }
    lines.join("\n")
}

fn part(p: &Part, incident: &Incident, directory: &Directory, zone: Tz) -> String {
    format!(
        "{}: {}",
        p.who.name(),
        doing(p, incident, directory, Some(zone)).join(", ")
    )
}

/// What somebody has to do with an incident, in words.
#[must_use]
pub fn doing(
    p: &Part,
    incident: &Incident,
    directory: &Directory,
    zone: Option<Tz>,
) -> Vec<String> {
    let mut does: Vec<String> = Vec::new();
    for role in &p.roles {
        let known = directory.conduct.role(role);
        does.push(known.map_or_else(
            || incident.conduct.name(role).to_owned(),
            |r| r.name.clone(),
        ));
    }
    if p.has_it {
        does.push("has it".to_owned());
    }
    if let Some(at) = p.joined {
        does.push(format!("joined {}", timeline::format(at, zone, "%H:%M")));
    }
    if !p.tasks.is_empty() {
        let numbers: Vec<String> = p.tasks.iter().map(u32::to_string).collect();
        does.push(format!("task {}", list(&numbers)));
    }
    if p.left {
        does.push("has left".to_owned());
    }
    match p.paged {
        0 => {}
        1 => does.push("was paged".to_owned()),
        n => does.push(format!("was paged {n} times")),
    }
    if !p.rooms.is_empty() {
        does.push(format!("in the room on {}", list(&p.rooms)));
    }
    does
}

/// Answer to `tasks`.
#[must_use]
pub fn tasks(incident: &Incident, only: Option<&Actor>, all: bool, zone: Tz) -> String {
    let mine = |t: &&Task| {
        only.is_none_or(|me| t.owner.as_ref().is_some_and(|o| o.same(me)))
            && (all || t.done_at.is_none())
    };
    let shown: Vec<String> = incident
        .conduct
        .tasks
        .values()
        .filter(mine)
        .map(|t| task_line(t, Some(zone)))
        .collect();
    if shown.is_empty() {
        return match (only, incident.conduct.tasks.len()) {
            (_, 0) => format!(
                "{} has no tasks; `task TEXT owner=@bo due=16:00` adds one.",
                incident.id
            ),
            (Some(_), _) => format!("None of the tasks of {} is yours.", incident.id),
            (None, n) => format!("All {} of {} are done.", count(n, "task"), incident.id),
        };
    }
    shown.join("\n")
}

/// `☐ task 3 restart the pool · Bo, due Mon 23 Nov 16:00 UTC`.
#[must_use]
pub fn task_line(task: &Task, zone: Option<Tz>) -> String {
    let mark = if task.done_at.is_some() { "☑" } else { "☐" };
    let what = if task.follow_up { "follow-up" } else { "task" };
    let owner = task.owner.as_ref().map_or("nobody", Actor::name);
    let due = task.due.map_or(String::new(), |at| {
        format!(", due {}", timeline::format(at, zone, "%a %-d %b %H:%M %Z"))
    });
    format!("{mark} {what} {} {} · {owner}{due}", task.task, task.text)
}

/// Answer to `checklist`.
#[must_use]
pub fn checklists(incident: &Incident, directory: &Directory) -> String {
    if incident.conduct.checklists.is_empty() {
        return format!(
            "{} has no checklist; files in checklists/ of the configuration make them.",
            incident.id
        );
    }
    let drawn = board::board(incident, directory, "");
    let lists = drawn.parts.into_iter().skip(1);
    let lists = lists.take(incident.conduct.checklists.len());
    let one = |(title, lines): (String, Vec<String>)| format!("{title}\n{}", lines.join("\n"));
    lists.map(one).collect::<Vec<_>>().join("\n")
}

/// What somebody who takes over has to know. `journal`: for the decisions.
#[must_use]
pub fn brief(incident: &Incident, journal: &[Record], directory: &Directory, zone: Tz) -> String {
    let clock = |at: Time| timeline::format(at, Some(zone), "%a %H:%M %Z");
    let severity = directory.severity_name(incident.severity);
    let has = match &incident.acked_by {
        Some(by) if incident.is_open() => format!(", {} has it", by.name()),
        _ => String::new(),
    };
    let mut lines = vec![format!(
        "{} {severity} {}{has}, since {}: {}",
        incident.id,
        incident.status.word(),
        clock(incident.began_at),
        incident.headline()
    )];
    if !incident.firing.is_empty() {
        lines.push(format!("{} fire.", count(incident.firing.len(), "alert")));
    }
    let roles = board::roles_line(incident, directory);
    if !roles.is_empty() {
        lines.push(format!("Roles: {roles}"));
    }
    if let Some(r) = &incident.conduct.report {
        lines.push(format!("Report by {} at {}:", r.by.name(), clock(r.at)));
        for (name, text) in [
            ("Conditions", &r.conditions),
            ("Actions", &r.actions),
            ("Needs", &r.needs),
        ] {
            let text = if text.is_empty() { "nothing" } else { text };
            lines.push(format!("  {name}: {text}"));
        }
    } else {
        lines.push("No report yet: `can` asks for conditions, actions and needs.".to_owned());
    }
    lines.extend(decided(journal, clock));
    let open: Vec<String> = incident
        .conduct
        .checks()
        .filter(|c| c.done.is_none())
        .map(|c| format!("  {} {}", c.item.item, c.item.text))
        .collect();
    if !open.is_empty() {
        lines.push("Open on the checklist:".to_owned());
        lines.extend(open);
    }
    let tasks: Vec<String> = incident
        .conduct
        .open_tasks()
        .map(|t| format!("  {}", task_line(t, Some(zone))))
        .collect();
    if !tasks.is_empty() {
        lines.push("Open tasks:".to_owned());
        lines.extend(tasks);
    }
    let here: Vec<String> = parts(incident, directory)
        .iter()
        .filter(|p| p.is_responding())
        .map(|p| p.who.name().to_owned())
        .collect();
    if !here.is_empty() {
        lines.push(format!("Here: {}.", list(&here)));
    }
    lines.join("\n")
}

/// The newest decisions, oldest first.
fn decided(journal: &[Record], clock: impl Fn(Time) -> String) -> Vec<String> {
    let made: Vec<String> = journal
        .iter()
        .filter_map(|r| match &r.event {
            Event::Conduct(ConductEvent::Decided {
                by,
                text,
                happened_at,
            }) => Some(format!(
                "  {} {}: {}",
                clock(happened_at.unwrap_or(r.at)),
                by.name(),
                cut(text, DECISION_CHARS)
            )),
            _ => None,
        })
        .collect();
    if made.is_empty() {
        return made;
    }
    let earlier = made.len().saturating_sub(DECISIONS);
    let mut lines = vec!["Decided:".to_owned()];
    if earlier > 0 {
        lines.push(format!("  … {earlier} earlier, on the timeline"));
    }
    lines.extend(made.into_iter().skip(earlier));
    lines
}
