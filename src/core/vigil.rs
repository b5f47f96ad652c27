//! What people hear about their turns: a reminder before, a brief at the hand-over, and a digest of
//! what will go wrong. Pure: spans of time in, words out; what was told already is the caller's to know.

use super::directory::Directory;
use super::incident::Incident;
use super::schedule::{Finding, Kind, clock, instant};
use super::silence;
use super::text::{count, cut, list};
use super::time::Time;
use chrono::{NaiveTime, TimeZone};
use chrono_tz::Tz;

/// How long before a turn its people are reminded, milliseconds.
pub const REMIND_MS: i64 = 3_600_000;
/// How far ahead is looked for what will go wrong, milliseconds.
pub const AHEAD_MS: i64 = 30 * 86_400_000;
/// When the digest is told, on the configured zone's clock: when people are at work and can act.
const DIGEST: NaiveTime = match NaiveTime::from_hms_opt(9, 0, 0) {
    Some(at) => at,
    None => NaiveTime::MIN,
};
/// Incidents and findings one message names before it goes on with a number.
const NAMED: usize = 10;
/// Characters of each part of a report in a brief; the whole of it is on the incident's page.
const REPORTED: usize = 150;

/// A turn that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOver {
    /// Schedule id.
    pub schedule: String,
    /// When.
    pub at: Time,
    /// When the turn ends.
    pub until: Time,
    /// Who begins, by directory id.
    pub on: Vec<String>,
    /// Who ends.
    pub off: Vec<String>,
    /// When the turn before began.
    pub since: Time,
}

/// What happened in the turn before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Incidents opened.
    pub opened: usize,
    /// Who was paged at night, by name, in how many nights.
    pub nights: Vec<(String, usize)>,
}

/// Turns that begin after `after` and until `until`, on every schedule.
#[must_use]
pub fn hand_overs(directory: &Directory, after: Time, until: Time) -> Vec<HandOver> {
    let mut found = Vec::new();
    for schedule in directory.schedules.values() {
        let turns = schedule.turns(after, until.plus_ms(1));
        for pair in turns.windows(2) {
            let (before, next) = (&pair[0], &pair[1]);
            let not_in = |p: &&String, others: &[String]| !others.contains(p);
            let on: Vec<String> = next
                .people
                .iter()
                .filter(|p| not_in(p, &before.people))
                .cloned()
                .collect();
            if next.since <= after || next.since > until || on.is_empty() {
                continue;
            }
            let off = before.people.iter();
            found.push(HandOver {
                schedule: schedule.id.clone(),
                at: next.since,
                until: next.until,
                on,
                off: off.filter(|p| not_in(p, &next.people)).cloned().collect(),
                since: before.since,
            });
        }
    }
    found
}

/// When something is to be said next: a reminder, a brief or the digest.
#[must_use]
pub fn next(directory: &Directory, now: Time) -> Time {
    let ahead = now.plus_ms(REMIND_MS);
    let schedules = directory.schedules.values();
    let turns = schedules.flat_map(|s| {
        let brief = s.next_handoff(now).map(|t| t.since);
        let reminder = s.next_handoff(ahead).map(|t| t.since.plus_ms(-REMIND_MS));
        [brief, reminder]
    });
    turns
        .flatten()
        .filter(|at| *at > now)
        .chain([digest_after(directory, now)])
        .min()
        .unwrap_or(Time::FAR)
}

/// The first digest after an instant.
#[must_use]
pub fn digest_after(directory: &Directory, now: Time) -> Time {
    let zone = directory.zone.unwrap_or(Tz::UTC);
    let today = zone.from_utc_datetime(&now.utc().naive_utc()).date_naive();
    let at = instant(zone, today.and_time(DIGEST));
    if at > now {
        return at;
    }
    let tomorrow = today.succ_opt().unwrap_or(today);
    instant(zone, tomorrow.and_time(DIGEST))
}

/// `Your turn on Web primary begins at Mon 09:00 CET, until …`.
#[must_use]
pub fn reminder(directory: &Directory, over: &HandOver) -> String {
    let Some(schedule) = directory.schedules.get(&over.schedule) else {
        return String::new();
    };
    let off: Vec<String> = over.off.iter().map(|p| directory.person_name(p)).collect();
    let after = if off.is_empty() {
        String::new()
    } else {
        format!(", after {}", list(&off))
    };
    format!(
        "Your turn on {} begins at {}{after}, until {}. `page me` shows whether you can be reached; `cover me` asks for somebody else.",
        schedule.name,
        schedule.local(over.at),
        schedule.local(over.until)
    )
}

/// What whoever begins should know.
#[must_use]
pub fn brief(directory: &Directory, over: &HandOver, open: &[&Incident], past: &Past) -> String {
    let Some(schedule) = directory.schedules.get(&over.schedule) else {
        return String::new();
    };
    let mut lines = vec![format!(
        "You are on call on {} now, until {}.",
        schedule.name,
        schedule.local(over.until)
    )];
    let mut before = vec![count(past.opened, "incident")];
    for (name, nights) in &past.nights {
        before.push(format!("{name} was paged in {}", count(*nights, "night")));
    }
    lines.push(format!("The turn before: {}.", list(&before)));
    if open.is_empty() {
        lines.push("Nothing is open.".to_owned());
    }
    for incident in open.iter().take(NAMED) {
        let who = match &incident.acked_by {
            Some(by) => format!("with {}", by.name()),
            None => "with nobody yet".to_owned(),
        };
        lines.push(format!(
            "Open: {} {} “{}”, {who}.",
            incident.id,
            directory.severity_name(incident.severity),
            incident.headline()
        ));
        lines.extend(incident.conduct.report.as_ref().map(|r| {
            let or = |text: &str| cut(if text.is_empty() { "nothing" } else { text }, REPORTED);
            format!(
                "    {} reported at {}: {}; actions: {}; needs: {}.",
                r.by.name(),
                schedule.local(r.at),
                cut(&r.conditions, REPORTED),
                or(&r.actions),
                or(&r.needs)
            )
        }));
        let tasks = incident.conduct.open_tasks().count();
        if tasks > 0 {
            lines.push(format!(
                "    {} open: `tasks {}`.",
                count(tasks, "task"),
                incident.id
            ));
        }
    }
    if open.len() > NAMED {
        lines.push(format!("and {} more open.", open.len() - NAMED));
    }
    for held in silence::known(directory) {
        if let Some((_, end)) = held.active(over.at)
            && end <= over.until
        {
            lines.push(format!(
                "{} on {} ends at {}.",
                held.words(),
                held.scope(),
                clock(end, schedule.zone)
            ));
        }
    }
    lines.join("\n")
}

/// What identifies a finding, so that it is told once.
#[must_use]
pub fn finding_key(finding: &Finding) -> String {
    let what = match &finding.kind {
        Kind::Nobody => "nobody".to_owned(),
        Kind::DeadLayer { note } => format!("layer {note}"),
        Kind::Twice { person, other } => format!("twice {person} {other}"),
        Kind::OnLeave { person, title } => format!("leave {person} {title}"),
        // It ends when the contact is mended, not when the turn does.
        Kind::Unreachable { person, why } => return format!("unreachable {person} {why}"),
    };
    // The beginning may be cut by the span that is looked at; the end may not be known yet.
    format!(
        "{} {what} {}",
        finding.schedule,
        finding.until.0 / 3_600_000
    )
}

/// New findings as one message.
#[must_use]
pub fn digest(directory: &Directory, findings: &[&Finding]) -> String {
    let name = |id: &str| directory.person_name(id);
    let mut lines = vec!["On call in the next 30 days:".to_owned()];
    for finding in findings.iter().take(NAMED) {
        if let Some(schedule) = directory.schedules.get(&finding.schedule) {
            lines.push(format!("{}.", finding.words(schedule, &name)));
        }
    }
    if findings.len() > NAMED {
        lines.push(format!(
            "and {} more, on the console.",
            findings.len() - NAMED
        ));
    }
    lines.join("\n")
}
