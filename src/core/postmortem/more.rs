//! The other facts of a postmortem: what the response cost whom, what was told where, links, counts.

use super::parts::{ChangeLine, Counts, Linked, Load, Stamp, Told};
use crate::core::incident::{Event, PagedPerson, Record};
use crate::core::stats;
use crate::core::text::count;
use crate::core::time::Time;
use crate::core::timeline::citation;
use chrono::{TimeZone, Timelike};
use chrono_tz::Tz;

/// The hours of a night on the wall clock: from 22:00 to 08:00.
const NIGHT: std::ops::Range<u32> = 8..22;
/// Links of a document; a storm of a thousand alerts has one page each.
const LINKS: usize = 50;

/// What the response cost whom, in the order they were first paged.
pub(super) fn load(journal: &[Record], zone: Option<Tz>) -> Vec<Load> {
    let zone = zone.unwrap_or(Tz::UTC);
    let mut out: Vec<Load> = Vec::new();
    for record in journal {
        match &record.event {
            Event::Paged { people, .. }
            | Event::CatchAll { people, .. }
            | Event::Reminded { people, .. } => {
                for PagedPerson { id, name, .. } in people {
                    page(&mut out, (id, name), record.at, zone);
                }
            }
            Event::Chased { person, name, .. } => page(&mut out, (person, name), record.at, zone),
            _ => {}
        }
    }
    out
}

fn page(out: &mut Vec<Load>, (id, name): (&str, &str), at: Time, zone: Tz) {
    let known = out.iter().position(|l| l.person == id);
    let place = known.unwrap_or_else(|| {
        out.push(Load {
            person: id.to_owned(),
            name: name.to_owned(),
            ..Load::default()
        });
        out.len() - 1
    });
    let wall = zone.from_utc_datetime(&at.utc().naive_utc());
    let load = &mut out[place];
    load.pages += 1;
    load.out_of_hours += u32::from(stats::out_of_hours(at, zone));
    load.at_night += u32::from(!NIGHT.contains(&wall.hour()));
}

/// Where firebell told of it, and where it could not.
pub(super) fn told(journal: &[Record], zone: Option<Tz>) -> Vec<Told> {
    let mut out = Vec::new();
    for record in journal {
        let mut say = |place: String, what: String| {
            out.push(Told {
                at: Stamp::of(record.at, zone),
                place,
                what,
                source: citation(record),
            });
        };
        match &record.event {
            Event::Opened {
                channel: Some(channel),
                ..
            } => say(format!("#{channel}"), "the card of the incident".to_owned()),
            Event::Paged { channels, why, .. } => {
                for channel in channels {
                    say(format!("#{channel}"), format!("asked for somebody: {why}"));
                }
            }
            Event::RoomOpened { platform, name, .. } => {
                say(
                    format!("room {name} on {platform}"),
                    "the room was opened".to_owned(),
                );
            }
            Event::RoomFailed { platform, why } => {
                say(
                    format!("room on {platform}"),
                    format!("could not be made: {why}"),
                );
            }
            Event::PlaceFailed {
                platform,
                place,
                why,
            } => say(
                format!("{place} on {platform}"),
                format!("could not be posted in: {why}"),
            ),
            Event::Updated(update) if !update.text.is_empty() => {
                let status = update.status.as_ref();
                let status = status.map_or(String::new(), |s| format!("{}: ", s.name));
                let place = match &update.announced {
                    Some(a) => format!("everybody, as “{}”", a.title),
                    None => "people inside".to_owned(),
                };
                say(place, format!("{status}{}", update.text));
            }
            Event::Resolved { .. } => {
                say("every place above".to_owned(), "that it is over".to_owned());
            }
            _ => {}
        }
    }
    out
}

/// What was changed before it began, the highest rank first.
pub(super) fn changes(journal: &[Record], zone: Option<Tz>) -> Vec<ChangeLine> {
    let mut out = Vec::new();
    for record in journal {
        if let Event::Preceded { changes } = &record.event {
            out.extend(changes.iter().map(|p| ChangeLine {
                at: Stamp::of(p.at, zone),
                what: p.words(),
                author: p.author.clone(),
                points: p.points,
                why: p.why.clone(),
                url: p.url.clone(),
                source: citation(record),
            }));
        }
    }
    out.sort_by_key(|line| std::cmp::Reverse(line.points));
    out
}

/// Every address alerts brought, once each.
pub(super) fn links(journal: &[Record]) -> Vec<Linked> {
    let mut out: Vec<Linked> = Vec::new();
    let mut left = 0;
    for record in journal {
        if let Event::Opened { alerts, .. } | Event::Fired { alerts } = &record.event {
            for alert in alerts.iter().filter(|a| !a.url.is_empty()) {
                if out.iter().any(|l| l.url == alert.url) {
                    continue;
                }
                if out.len() == LINKS {
                    left += 1;
                    continue;
                }
                out.push(Linked {
                    label: format!("{} at {}", alert.name, alert.source),
                    url: alert.url.clone(),
                });
            }
        }
    }
    if left > 0 {
        out.push(Linked {
            label: format!("and {} of alerts in the appendix", count(left, "more link")),
            url: String::new(),
        });
    }
    out
}

/// How the response went, counted.
pub(super) fn counts(journal: &[Record]) -> Counts {
    let mut c = Counts::default();
    let add = |slot: &mut u32, n: usize| *slot += u32::try_from(n).unwrap_or(u32::MAX);
    for record in journal {
        match &record.event {
            Event::Opened { alerts, .. } | Event::Fired { alerts } => {
                add(&mut c.alerts, alerts.len());
            }
            Event::Paged { rung, people, .. } => {
                c.escalations += u32::from(rung.is_some());
                add(&mut c.pages, people.len());
            }
            Event::RungSkipped { .. } => c.escalations += 1,
            Event::CatchAll { people, .. } | Event::Reminded { people, .. } => {
                add(&mut c.pages, people.len());
            }
            Event::Chased { .. } => c.pages += 1,
            Event::Reassigned { .. } | Event::Unacknowledged { .. } | Event::LeadChanged { .. } => {
                c.handoffs += 1;
            }
            Event::Spoke { .. } => c.messages += 1,
            _ => {}
        }
    }
    c
}
