//! A calendar's text → its events, with every occurrence as instants.

use super::recur::{HORIZON, Recurrence, date, wall};
use crate::core::schedule::{end_instant, instant};
use crate::core::time::Time;
use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use icalendar::{Calendar, Component, Event as Vevent, EventStatus, Property};
use std::collections::{BTreeMap, BTreeSet};

/// An event and when it takes place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The summary.
    pub title: String,
    /// E-mail addresses of attendees, lower case.
    pub attendees: Vec<String>,
    /// Occurrences as `[since, until)`, ascending.
    pub spans: Vec<(Time, Time)>,
    /// The dates it covers, when it is an all-day event.
    pub dates: BTreeSet<NaiveDate>,
}

/// What a calendar holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Events that take place at all.
    pub events: Vec<Event>,
    /// What could not be read, each in one sentence.
    pub odd: Vec<String>,
}

/// Reads a calendar. `zone` is that of times that name none; a calendar's own default goes before it.
///
/// Cancelled events are left out, moved single occurrences (`RECURRENCE-ID`) take the place of the one
/// they move, and of several versions of one event (`SEQUENCE`) the newest counts. Recurrence is
/// followed until 2050.
///
/// # Errors
/// Why the text is no calendar.
pub fn read(text: &str, zone: Tz) -> Result<Found, String> {
    let calendar: Calendar = text
        .parse()
        .map_err(|e: String| format!("it is not an iCalendar file: {}", first_line(&e)))?;
    if !text.to_ascii_uppercase().contains("BEGIN:VCALENDAR") {
        return Err("it is not an iCalendar file: BEGIN:VCALENDAR is missing".to_owned());
    }
    let zone = calendar
        .get_timezone()
        .and_then(|name| name.parse().ok())
        .unwrap_or(zone);
    let mut reader = Reader {
        zone,
        odd: Vec::new(),
    };
    let newest = newest(calendar.events());
    let moved = reader.moved(&newest);
    let mut events = Vec::new();
    for event in newest {
        if event.get_status() == Some(EventStatus::Cancelled) {
            continue;
        }
        let moved = match (event.get_uid(), recurrence_id(event)) {
            (Some(uid), None) => moved.get(uid).cloned().unwrap_or_default(),
            _ => Vec::new(),
        };
        match reader.event(event, moved) {
            Ok(found) if !found.spans.is_empty() => events.push(found),
            Ok(_) => {}
            Err(why) => reader.odd.push(format!("{}: {why}", name(event))),
        }
    }
    Ok(Found {
        events,
        odd: reader.odd,
    })
}

/// `the event "Ana on call"`, for sentences.
fn name(event: &Vevent) -> String {
    let title = event.get_summary().or(event.get_uid()).unwrap_or("");
    format!("the event {title:?}")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn recurrence_id(event: &Vevent) -> Option<&Property> {
    event.properties().get("RECURRENCE-ID")
}

/// Of several versions of the same event the one with the highest sequence, the later of equals.
fn newest<'a>(events: impl Iterator<Item = &'a Vevent>) -> Vec<&'a Vevent> {
    let mut kept: Vec<&Vevent> = Vec::new();
    let mut at: BTreeMap<(String, String), usize> = BTreeMap::new();
    for event in events {
        let id = recurrence_id(event).map_or("", Property::value).to_owned();
        let Some(uid) = event.get_uid() else {
            kept.push(event);
            continue;
        };
        match at.get(&(uid.to_owned(), id.clone())) {
            Some(n) if event.get_sequence() >= kept[*n].get_sequence() => kept[*n] = event,
            Some(_) => {}
            None => {
                at.insert((uid.to_owned(), id), kept.len());
                kept.push(event);
            }
        }
    }
    kept
}

/// A date or a date and time, on the wall of a zone.
#[derive(Clone, Copy)]
enum When {
    Day(NaiveDate),
    At(NaiveDateTime, Tz),
}

impl When {
    fn wall(self) -> NaiveDateTime {
        match self {
            When::Day(date) => date.and_time(chrono::NaiveTime::MIN),
            When::At(wall, _) => wall,
        }
    }
}

struct Reader {
    zone: Tz,
    odd: Vec<String>,
}

impl Reader {
    /// By UID, the wall times of occurrences that are told elsewhere.
    fn moved(&mut self, events: &[&Vevent]) -> BTreeMap<String, Vec<When>> {
        let mut moved: BTreeMap<String, Vec<When>> = BTreeMap::new();
        for event in events {
            let (Some(uid), Some(id)) = (event.get_uid(), recurrence_id(event)) else {
                continue;
            };
            let when = self.times(event, id).into_iter();
            moved.entry(uid.to_owned()).or_default().extend(when);
        }
        moved
    }

    fn event(&mut self, event: &Vevent, moved: Vec<When>) -> Result<Event, String> {
        let start = event.properties().get("DTSTART");
        let start = start.ok_or("it has no DTSTART")?;
        let start = self.times(event, start).into_iter().next();
        let start = start.ok_or("its DTSTART is not a time")?;
        let length = self.length(event, start)?;
        let zone = match start {
            When::Day(_) => self.zone,
            When::At(_, zone) => zone,
        };
        let (mut except, mut except_dates) = (Vec::new(), Vec::new());
        let exdates = self.listed(event, "EXDATE");
        for when in exdates.into_iter().chain(moved) {
            match when {
                When::Day(date) => except_dates.push(date),
                When::At(..) => except.push(in_zone(when, zone)),
            }
        }
        let extra = self.listed(event, "RDATE");
        let single = recurrence_id(event).is_some();
        let recurrence = Recurrence {
            start: start.wall(),
            zone,
            rules: if single {
                Vec::new()
            } else {
                values(event, "RRULE")
            },
            extra: extra.into_iter().map(|w| in_zone(w, zone)).collect(),
            except,
            except_dates,
        };
        let (walls, more) = recurrence.occurrences()?;
        let last = walls.last().map_or(0, Datelike::year);
        if more && last < HORIZON - 1 {
            let last = walls.last().map(ToString::to_string).unwrap_or_default();
            self.odd.push(format!(
                "{} repeats too often: what comes after {last} is left out",
                name(event)
            ));
        }
        let mut found = Event {
            title: event.get_summary().unwrap_or_default().trim().to_owned(),
            attendees: attendees(event),
            ..Event::default()
        };
        for begin in walls {
            let end = begin + length;
            let span = (instant(zone, begin), end_instant(zone, end));
            if span.0 < span.1 {
                found.spans.push(span);
            }
            if matches!(start, When::Day(_)) {
                let days = begin.date().iter_days().take_while(|d| *d < end.date());
                found.dates.extend(days);
            }
        }
        Ok(found)
    }

    /// How long it is on the wall.
    fn length(&mut self, event: &Vevent, start: When) -> Result<Duration, String> {
        let end = event.properties().get("DTEND");
        if let Some(end) = end {
            let end = self.times(event, end).into_iter().next();
            let end = end.ok_or("its DTEND is not a time")?;
            let end = match (start, end) {
                (When::At(_, zone), When::At(..)) => in_zone(end, zone),
                _ => end.wall(),
            };
            let length = end - start.wall();
            return match (length > Duration::zero(), start) {
                (true, _) => Ok(length),
                // Some write the same date twice for one day.
                (false, When::Day(_)) => Ok(Duration::days(1)),
                (false, When::At(..)) => Err("it ends when it begins or before".to_owned()),
            };
        }
        if let Some(text) = event.property_value("DURATION") {
            return duration(text).ok_or_else(|| format!("{text} is not a DURATION"));
        }
        match start {
            When::Day(_) => Ok(Duration::days(1)),
            When::At(..) => {
                Err("it has neither DTEND nor DURATION, so it takes no time".to_owned())
            }
        }
    }

    /// The times of all properties of a name.
    fn listed(&mut self, event: &Vevent, key: &str) -> Vec<When> {
        let single = event.properties().get(key);
        let many = event.multi_properties().get(key);
        let all: Vec<&Property> = single
            .into_iter()
            .chain(many.into_iter().flatten())
            .collect();
        all.into_iter().flat_map(|p| self.times(event, p)).collect()
    }

    /// The times of one property; what is none is said.
    fn times(&mut self, event: &Vevent, property: &Property) -> Vec<When> {
        let zone = match property.params().get("TZID") {
            Some(tzid) => self.zone_of(event, tzid.value()),
            None => self.zone,
        };
        let mut times = Vec::new();
        for text in property.value().split(',').map(str::trim) {
            // A period is its beginning; the length is the event's.
            let text = text.split('/').next().unwrap_or_default();
            let utc = text.ends_with(['Z', 'z']);
            let zone = if utc { Tz::UTC } else { zone };
            match (date(text), wall(text, zone)) {
                (Some(day), _) => times.push(When::Day(day)),
                (None, Some(wall)) => times.push(When::At(wall, zone)),
                (None, None) => {
                    let key = property.key();
                    self.odd.push(format!(
                        "{} has a {key} that is not a time: {text:?}",
                        name(event)
                    ));
                }
            }
        }
        times
    }

    fn zone_of(&mut self, event: &Vevent, tzid: &str) -> Tz {
        let tzid = tzid.trim_matches('"');
        // Some put a path of their own before the name: /example.org/20220101/Europe/Berlin.
        let tails = tzid.match_indices('/').map(|(at, _)| &tzid[at + 1..]);
        let known = std::iter::once(tzid)
            .chain(tails)
            .find_map(|n| n.parse().ok());
        known.unwrap_or_else(|| {
            self.odd.push(format!(
                "{} is in the zone {tzid:?}, which is not an IANA name; {} is taken",
                name(event),
                self.zone.name()
            ));
            self.zone
        })
    }
}

/// A time on the wall of a zone.
fn in_zone(when: When, zone: Tz) -> NaiveDateTime {
    match when {
        When::At(wall, from) if from != zone => {
            use chrono::TimeZone;
            zone.from_utc_datetime(&instant(from, wall).utc().naive_utc())
                .naive_local()
        }
        other => other.wall(),
    }
}

fn values<'a>(event: &'a Vevent, key: &str) -> Vec<&'a str> {
    let single = event.properties().get(key);
    let many = event.multi_properties().get(key);
    let all = single.into_iter().chain(many.into_iter().flatten());
    all.map(Property::value).collect()
}

fn attendees(event: &Vevent) -> Vec<String> {
    let addresses = values(event, "ATTENDEE").into_iter().map(|a| {
        let a = a.trim().to_lowercase();
        a.strip_prefix("mailto:").map_or(a.clone(), str::to_owned)
    });
    addresses.collect()
}

/// `P1D`, `PT8H30M`, `P1W`, `P1DT12H`.
fn duration(text: &str) -> Option<Duration> {
    let rest = text.trim().trim_start_matches('+').strip_prefix('P')?;
    let (mut secs, mut digits, mut time) = (0i64, String::new(), false);
    for c in rest.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match (c, time) {
            ('T', false) => {
                time = true;
                continue;
            }
            ('W', false) => 604_800,
            ('D', false) => 86_400,
            ('H', true) => 3600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return None,
        };
        let n: i64 = std::mem::take(&mut digits).parse().ok()?;
        secs = n.checked_mul(unit).and_then(|s| secs.checked_add(s))?;
    }
    // Ten years are no shift.
    (digits.is_empty() && (1..315_360_000).contains(&secs)).then(|| Duration::seconds(secs))
}
