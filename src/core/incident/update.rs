//! Updates: deciding what is told, when the next one is due, and what everybody would read.
//!
//! Promises: nothing becomes public that its author has not read in exactly these words; an alert's
//! text, an incident's own title and people's names are in nothing public. An update that is due is
//! told once for each time it is due, whatever crashed; nobody is reminded once it is over.

use super::command::{Refusal, Scene};
use super::event::Event;
use super::redacted::GONE;
use super::told::{
    Affected, Announced, Audience, CadenceSet, Published, Standing, Update, UpdateDue,
};
use super::{Incident, NOTE_CHARS, Record, Status};
use crate::core::board::Condition;
use crate::core::digest;
use crate::core::directory::Directory;
use crate::core::id::{Actor, Severity};
use crate::core::text::{count, cut, deceives, list};
use crate::core::time::{Time, human_ms};
use crate::core::timeline;
use serde::{Deserialize, Serialize};

/// The role of whoever tells others.
const COMMUNICATIONS: &str = "communications";
/// Characters of a public title.
pub const PUBLIC_TITLE_CHARS: usize = 200;
/// From one update to the next: not more often than anybody can write, milliseconds.
pub const CADENCE_MIN_MS: i64 = 60_000;
/// Not more seldom than this, milliseconds.
pub const CADENCE_MAX_MS: i64 = 7 * 86_400_000;

/// What somebody wants to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Who.
    pub by: Actor,
    /// Id or name of the new status; `None`: it stays.
    pub status: Option<String>,
    /// In their words.
    pub text: String,
    /// Who may read it.
    pub audience: Audience,
    /// The public title; `None`: as it was before.
    pub title: Option<String>,
    /// Components and how they are, by id; empty: by the services that feed them and the severity.
    pub components: Vec<(String, Condition)>,
    /// When the next one follows, milliseconds from now; `None`: by the cadence.
    pub next_ms: Option<i64>,
    /// Digest of the public text its author has read ([`Preview::digest`]).
    pub seen: Option<String>,
}

impl Wish {
    /// Words of somebody, for people inside.
    #[must_use]
    pub fn internal(by: Actor, text: &str) -> Wish {
        Wish {
            by,
            status: None,
            text: text.to_owned(),
            audience: Audience::Internal,
            title: None,
            components: Vec::new(),
            next_ms: None,
            seen: None,
        }
    }
}

/// What everybody would read, and its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// As plain text, line by line.
    pub text: String,
    /// What the author shows to have read, hexadecimal.
    pub digest: String,
}

fn invalid(why: String) -> Refusal {
    Refusal::Invalid { why }
}

/// The status somebody means.
fn standing(directory: &Directory, word: &str) -> Result<Standing, Refusal> {
    directory.status(word).cloned().ok_or_else(|| {
        let names: Vec<&str> = directory.statuses.iter().map(|s| s.id.as_str()).collect();
        invalid(match names.as_slice() {
            [] => "There is no status scale; write [[statuses]] in firebell.toml.".to_owned(),
            _ => format!(
                "There is no status {:?}. The scale is {}.",
                cut(word, 40),
                list(&names)
            ),
        })
    })
}

/// The update a wish comes to.
///
/// # Errors
/// When it says nothing, or names what is not there.
pub fn compose(
    incident: &Incident,
    directory: &Directory,
    now: Time,
    wish: &Wish,
) -> Result<Update, Refusal> {
    if let Some(into) = incident.merged_into {
        let why = format!("It was merged into {into}; write the update there.");
        return Err(invalid(why));
    }
    let text = tidy(&wish.text);
    if text.chars().count() > NOTE_CHARS {
        let why = format!("`text`: an update is at most {NOTE_CHARS} characters; shorten it.");
        return Err(invalid(why));
    }
    let status = wish.status.as_deref();
    let status = status.map(|w| standing(directory, w)).transpose()?;
    let same = status.is_some() && status == incident.told.standing;
    if text.is_empty() && status.is_none() {
        let why = "`text` is missing: say how it stands, or give it another status.";
        return Err(invalid(why.to_owned()));
    }
    if text.is_empty() && same && wish.audience.is_internal() {
        let name = status.as_ref().map_or("", |s| &s.name);
        return Err(Refusal::NothingToDo {
            what: format!("Its status already is {name}."),
        });
    }
    if let Some(ms) = wish.next_ms
        && !(CADENCE_MIN_MS..=CADENCE_MAX_MS).contains(&ms)
    {
        return Err(invalid(format!(
            "`next` is from {} to {}.",
            human_ms(CADENCE_MIN_MS),
            human_ms(CADENCE_MAX_MS)
        )));
    }
    let over = !incident.is_open() || status.as_ref().is_some_and(|s| s.last);
    let wait = wish.next_ms.or(incident.told.every_ms).filter(|_| !over);
    let announced = match wish.audience {
        Audience::Public => Some(announced(
            incident,
            directory,
            wish,
            status.as_ref(),
            &text,
        )?),
        Audience::Internal => None,
    };
    Ok(Update {
        by: wish.by.clone(),
        status,
        text,
        audience: wish.audience,
        announced,
        next_due: wait.map(|ms| now.plus_ms(ms)),
        promised: wish.next_ms.is_some() && !over,
    })
}

/// Line breaks stay; what hides or turns text around does not.
fn tidy(text: &str) -> String {
    let keep = |c: &char| !deceives(*c) && (!c.is_control() || *c == '\n');
    let text = text.replace("\r\n", "\n").replace('\t', " ");
    text.chars()
        .filter(keep)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Who may write what everybody reads: people of the directory with one of the roles, and programs.
fn may_publish(by: &Actor, directory: &Directory, roles: &[String]) -> Result<(), Refusal> {
    if matches!(by, Actor::Token { .. }) {
        return Ok(());
    }
    let person = by.person().and_then(|id| directory.people.get(id));
    let allowed =
        person.is_some_and(|p| roles.is_empty() || roles.iter().any(|r| p.roles.contains(r)));
    if allowed {
        return Ok(());
    }
    let need = match roles {
        [] => "to be a person of the directory; `link` says how".to_owned(),
        roles => format!("the role {}", roles.join(" or ")),
    };
    Err(Refusal::Forbidden {
        why: format!("{} needs {need} to write a public update.", by.name()),
    })
}

fn announced(
    incident: &Incident,
    directory: &Directory,
    wish: &Wish,
    status: Option<&Standing>,
    text: &str,
) -> Result<Announced, Refusal> {
    let Some(page) = &directory.page else {
        let why = "There is no public status page; write [status_page] in firebell.toml.";
        return Err(invalid(why.to_owned()));
    };
    if text.is_empty() {
        let why =
            "`text` is missing: a public update says in your words what everybody is to know.";
        return Err(invalid(why.to_owned()));
    }
    may_publish(&wish.by, directory, &page.publishers)?;
    if incident.nature.drill || incident.nature.private {
        let what = if incident.nature.drill {
            "a drill"
        } else {
            "private"
        };
        return Err(Refusal::Forbidden {
            why: format!("It is {what}: nothing of it becomes public. Leave `audience` out."),
        });
    }
    let known = incident.told.public.as_ref();
    let title = match wish.title.as_deref().map(|t| cut(t.trim(), PUBLIC_TITLE_CHARS + 1)) {
        Some(title) if title.chars().count() > PUBLIC_TITLE_CHARS => {
            let why = format!("`title` is at most {PUBLIC_TITLE_CHARS} characters; shorten it.");
            return Err(invalid(why));
        }
        Some(title) if !title.is_empty() => title,
        _ => known
            .map(|p| p.announced.title.clone())
            .filter(|title| title != GONE)
            .ok_or_else(|| {
                invalid(
                    "`title` is missing: the first public update says what everybody reads as the title, \
                     because the incident's own is not public. For example: title=\"Checkout is slow\"."
                        .to_owned(),
                )
            })?,
    };
    let standing = status.or(known.and_then(|p| p.standing.as_ref()));
    let by_rule = |given: Condition| match standing {
        Some(s) if s.last => Condition::Operational,
        Some(s) if s.mitigated => page.mitigated.min(given),
        _ => given,
    };
    let mut components: Vec<Affected> = Vec::new();
    let mut put = |id: &str, condition: Condition| -> Result<(), Refusal> {
        let Some(found) = page.component(id) else {
            let names: Vec<&str> = page.components.iter().map(|c| c.id.as_str()).collect();
            return Err(invalid(format!(
                "`components`: there is no component {:?}. The page has {}.",
                cut(id, 40),
                list(&names)
            )));
        };
        components.retain(|c| c.id != id);
        components.push(Affected {
            id: found.id.clone(),
            name: found.name.clone(),
            condition,
        });
        Ok(())
    };
    // What was affected before stays on the page until it is said to work.
    let before = known.map_or(&[][..], |p| &p.announced.components);
    for c in before.iter().filter(|c| page.component(&c.id).is_some()) {
        put(&c.id, by_rule(c.condition))?;
    }
    if before.is_empty() && wish.components.is_empty() {
        let service = incident.service.as_deref().unwrap_or_default();
        for c in page.fed_by(service) {
            put(&c.id, by_rule(page.condition(incident.severity)))?;
        }
    }
    for (id, condition) in &wish.components {
        put(id, *condition)?;
    }
    Ok(Announced { title, components })
}

/// Exactly what everybody would read of an update.
#[must_use]
pub fn preview(incident: &Incident, update: &Update, zone: Option<chrono_tz::Tz>) -> Preview {
    let announced = update.announced.clone().unwrap_or_default();
    let known = incident.told.public.as_ref();
    let standing = update.status.as_ref();
    let standing = standing.or(known.and_then(|p| p.standing.as_ref()));
    let mut lines = vec![announced.title.clone()];
    lines.extend(standing.map(|s| format!("Status: {}", s.name)));
    for c in &announced.components {
        lines.push(format!("{}: {}", c.name, c.condition.words()));
    }
    lines.push(update.text.clone());
    // Counted from when it is sent, so that a minute of reading changes nothing.
    if let Some(at) = update.next_due.filter(|_| update.promised) {
        let at = timeline::format(at, zone, "%H:%M %Z");
        lines.push(format!("Next update by {at}"));
    }
    let shown = lines.join("\n");
    let fixed = &lines[..lines.len() - usize::from(update.promised)];
    Preview {
        digest: digest::sha256(fixed.join("\n").as_bytes()),
        text: shown,
    }
}

pub(super) fn decide(
    incident: &Incident,
    scene: &Scene<'_>,
    wish: &Wish,
) -> Result<Vec<Event>, Refusal> {
    let update = compose(incident, scene.directory, scene.now, wish)?;
    if update.audience == Audience::Public {
        let wanted = preview(incident, &update, scene.directory.zone).digest;
        match wish.seen.as_deref() {
            Some(seen) if !seen.is_empty() && wanted.starts_with(seen) && seen.len() >= 8 => {}
            Some(_) => {
                return Err(Refusal::Stale {
                    now: "what everybody would read is another text".to_owned(),
                });
            }
            None => {
                return Err(invalid(
                    "A public update is sent once its author has read what everybody will read."
                        .to_owned(),
                ));
            }
        }
    }
    let ends = update.status.as_ref().is_some_and(|s| s.last);
    let by = update.by.clone();
    let mut events = vec![Event::Updated(Box::new(update))];
    if ends && incident.is_open() && scene.directory.updates.final_resolves {
        events.push(Event::Resolved {
            by,
            still_firing: u32::try_from(incident.firing.len()).unwrap_or(u32::MAX),
            why: "its status is the last of the scale".to_owned(),
        });
    }
    Ok(events)
}

/// Sets how often an update is due: `None` stops the reminders, `next` moves the next one alone.
pub(super) fn set_cadence(
    incident: &Incident,
    scene: &Scene<'_>,
    by: Actor,
    every_ms: Option<i64>,
    next: Option<Time>,
) -> Result<Vec<Event>, Refusal> {
    if !incident.is_open() {
        return Err(Refusal::AlreadyResolved);
    }
    let range = CADENCE_MIN_MS..=CADENCE_MAX_MS;
    let ms = every_ms
        .into_iter()
        .chain(next.map(|t| t.since_ms(scene.now)));
    if let Some(ms) = ms.into_iter().find(|ms| !range.contains(ms)) {
        return Err(invalid(format!(
            "{} is too {}: from {} to {} can be said.",
            human_ms(ms),
            if ms < CADENCE_MIN_MS { "short" } else { "long" },
            human_ms(CADENCE_MIN_MS),
            human_ms(CADENCE_MAX_MS)
        )));
    }
    if every_ms.is_none() && next.is_none() && incident.told.every_ms.is_none() {
        return Err(Refusal::NothingToDo {
            what: "Nobody is reminded of updates here.".to_owned(),
        });
    }
    let why = match (every_ms, next) {
        (_, Some(_)) => "put off by hand",
        (None, None) => "turned off by hand",
        (Some(_), None) => "set by hand",
    };
    let next_due = next.or(every_ms.map(|ms| scene.now.plus_ms(ms)));
    let every_ms = if next.is_some() {
        incident.told.every_ms
    } else {
        every_ms
    };
    Ok(vec![Event::CadenceSet(Box::new(CadenceSet {
        by,
        every_ms,
        next_due,
        why: why.to_owned(),
    }))])
}

/// The rules' cadence for a severity, when the files have one.
fn by_rule(incident: &Incident, scene: &Scene<'_>, severity: Severity) -> Option<CadenceSet> {
    let every_ms = scene.directory.updates.every_ms(incident, severity);
    if every_ms == incident.told.every_ms {
        return None;
    }
    let name = scene.directory.severity_name(severity);
    let from = incident
        .told
        .last
        .as_ref()
        .map_or(scene.now, |(_, at, _)| *at);
    let due = |ms: i64| from.plus_ms(ms).max(scene.now.plus_ms(CADENCE_MIN_MS));
    Some(CadenceSet {
        by: Actor::Firebell,
        every_ms,
        next_due: every_ms.map(due),
        why: format!("it is {name}"),
    })
}

/// What follows for updates from what was decided: a cadence with the opening and with another
/// severity, the last status with the end, the first one when it is not over after all.
pub(super) fn aftermath(incident: &Incident, scene: &Scene<'_>, events: &[Event]) -> Vec<Event> {
    let told = &incident.told;
    let quiet = |by: &Actor, status: &Standing| {
        let update = Update {
            by: by.clone(),
            status: Some(status.clone()),
            text: String::new(),
            audience: Audience::Internal,
            announced: None,
            next_due: None,
            promised: false,
        };
        Event::Updated(Box::new(update))
    };
    let said = events.iter().rev().find_map(|e| match e {
        Event::Updated(update) => update.status.as_ref(),
        _ => None,
    });
    let standing = said.or(told.standing.as_ref());
    let mut more = Vec::new();
    for event in events {
        match event {
            Event::Opened { .. } => {
                let mut opened = incident.clone();
                super::opening::after(&mut opened, scene, std::slice::from_ref(event));
                let set = by_rule(&opened, scene, opened.severity);
                more.extend(set.map(|s| Event::CadenceSet(Box::new(s))));
            }
            Event::SeverityChanged { to, .. } if incident.is_open() => {
                // What somebody set by hand stays as they set it.
                let usual = scene
                    .directory
                    .updates
                    .every_ms(incident, incident.severity);
                let set = by_rule(incident, scene, *to).filter(|_| usual == told.every_ms);
                more.extend(set.map(|s| Event::CadenceSet(Box::new(s))));
            }
            Event::Resolved { by, .. } | Event::Merged { by, .. } => {
                let last = scene.directory.statuses.iter().find(|s| s.last);
                if let (Some(now), Some(last)) = (standing, last)
                    && !now.last
                {
                    more.push(quiet(by, last));
                }
                more.extend(
                    still_public(incident, events).map(|due| Event::UpdateDue(Box::new(due))),
                );
            }
            Event::Reopened { by } => {
                let first = scene.directory.statuses.first();
                if let (Some(now), Some(first)) = (standing, first)
                    && now.last
                {
                    more.push(quiet(by, first));
                }
            }
            _ => {}
        }
    }
    more
}

/// It is over, and everybody still reads that it is not.
fn still_public(incident: &Incident, events: &[Event]) -> Option<UpdateDue> {
    let told = events.iter().any(|e| {
        matches!(e, Event::Updated(u) if u.audience == Audience::Public
            && u.status.as_ref().is_some_and(|s| s.last))
    });
    let public = incident.told.public.as_ref().filter(|_| !told)?;
    let standing = public.standing.as_ref();
    if standing.is_some_and(|s| s.last) {
        return None;
    }
    let name = standing.map_or("open", |s| &s.name);
    Some(UpdateDue {
        people: who_tells(incident),
        why: format!("it is over, and the public page still says “{name}”"),
        next_due: None,
    })
}

/// Who sees to updates: whoever has the part of communications, else whoever leads. Empty: whoever reads
/// the room.
fn who_tells(incident: &Incident) -> Vec<Actor> {
    let people = |all: Vec<&Actor>| -> Vec<Actor> {
        let people = all.into_iter().filter(|a| a.person().is_some());
        people.cloned().collect()
    };
    let theirs = people(incident.holders(COMMUNICATIONS));
    if theirs.is_empty() {
        return people(incident.lead.iter().collect());
    }
    theirs
}

/// When an update is due: not while a silence covers all of it or somebody has put it off.
pub(super) fn due_at(incident: &Incident) -> Option<Time> {
    let due = incident.told.next_due?;
    let mute = incident.muted.as_ref().map(|m| m.until);
    let snooze = incident
        .snoozed_until
        .filter(|_| incident.status == Status::Acknowledged);
    Some(
        [Some(due), mute, snooze]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(due),
    )
}

/// The reminder, when it is time.
pub(super) fn due(incident: &Incident, scene: &Scene<'_>) -> Option<Event> {
    due_at(incident).filter(|t| *t <= scene.now)?;
    let since = incident.told.last.as_ref();
    let why = match since {
        Some((_, at, _)) => format!("the last one was {} ago", human_ms(scene.now.since_ms(*at))),
        None => {
            let open = human_ms(scene.now.since_ms(incident.opened_at));
            format!("none was written in the {open} since it was opened")
        }
    };
    let every = incident.told.every_ms;
    Some(Event::UpdateDue(Box::new(UpdateDue {
        people: who_tells(incident),
        why,
        next_due: every.map(|ms| scene.now.plus_ms(ms)),
    })))
}

pub(super) fn evolve(incident: &mut Incident, record: &Record) {
    let told = &mut incident.told;
    match &record.event {
        Event::Updated(update) => {
            if let Some(status) = &update.status {
                if status.mitigated {
                    incident.mitigated_at.get_or_insert(record.at);
                } else {
                    incident.mitigated_at = None;
                }
                told.standing = Some(status.clone());
            }
            if let Some(announced) = &update.announced {
                let before = told.public.take().and_then(|p| p.standing);
                told.public = Some(Published {
                    seq: record.seq,
                    announced: announced.clone(),
                    standing: update.status.clone().or(before),
                });
            }
            if !update.text.is_empty() {
                told.last = Some((record.seq, record.at, Update::clone(update)));
            }
            told.next_due = update.next_due;
        }
        Event::CadenceSet(set) => {
            (told.every_ms, told.next_due) = (set.every_ms, set.next_due);
        }
        Event::UpdateDue(due) => told.next_due = due.next_due,
        Event::Resolved { .. } | Event::Merged { .. } if told.is_some() => told.next_due = None,
        Event::Reopened { .. } if told.is_some() => {
            told.next_due = told.every_ms.map(|ms| record.at.plus_ms(ms));
        }
        _ => {}
    }
}

/// `public`, `for people inside`: who reads it, and how many components change with it.
pub(in crate::core) fn readers(update: &Update) -> String {
    match &update.announced {
        None => "for people inside".to_owned(),
        Some(a) if a.components.is_empty() => format!("for everybody, as “{}”", a.title),
        Some(a) => format!(
            "for everybody, as “{}”, about {}",
            a.title,
            count(a.components.len(), "component")
        ),
    }
}
