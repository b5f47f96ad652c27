//! What paging costs people: how often, in which nights and on which weekends of theirs.

use super::fact::Fact;
use crate::core::directory::Directory;
use crate::core::schedule::Weights;
use crate::core::time::Time;
use chrono::{Datelike, TimeZone, Timelike};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Pages of one night this close together wake somebody once, milliseconds.
const AWAKE_MS: i64 = 1_800_000;

/// What paging cost one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonLoad {
    /// Directory id.
    pub person: String,
    /// How often firebell decided to wake them, later steps included.
    pub pages: u32,
    /// In how many incidents.
    pub incidents: u32,
    /// Of the pages, those in their night.
    pub at_night: u32,
    /// Of the pages, those on their weekend.
    pub on_weekends: u32,
    /// How often their night was broken: pages of a night within half an hour are one.
    pub interruptions: u32,
    /// Pages in the span before.
    pub before: u32,
}

/// Whoever was paged most first.
pub(super) fn people(
    directory: &Directory,
    zone: Tz,
    now: &[&Fact],
    before: &[&Fact],
) -> Vec<PersonLoad> {
    let mut loads: BTreeMap<&str, PersonLoad> = BTreeMap::new();
    let mut times: BTreeMap<&str, Vec<Time>> = BTreeMap::new();
    for fact in now {
        let mut seen: Vec<&str> = Vec::new();
        for (person, after) in &fact.pages {
            times
                .entry(person)
                .or_default()
                .push(fact.opened.plus_ms(*after));
            if !seen.contains(&person.as_str()) {
                seen.push(person);
                loads.entry(person).or_default().incidents += 1;
            }
        }
    }
    for (person, _) in before.iter().flat_map(|f| &f.pages) {
        loads.entry(person).or_default().before += 1;
    }
    for (person, times) in &mut times {
        times.sort_unstable();
        let zone = directory.people.get(*person).map_or(zone, |p| p.zone);
        let load = loads.entry(person).or_default();
        let mut awake_until = None;
        for at in times.iter() {
            let (night, weekend) = when(&directory.fairness, zone, *at);
            load.pages += 1;
            load.on_weekends += u32::from(weekend);
            if night {
                load.at_night += 1;
                load.interruptions += u32::from(awake_until.is_none_or(|until| *at > until));
                awake_until = Some(at.plus_ms(AWAKE_MS));
            }
        }
    }
    let mut out: Vec<PersonLoad> = loads
        .into_iter()
        .map(|(person, load)| PersonLoad {
            person: person.to_owned(),
            ..load
        })
        .collect();
    out.sort_by(|a, b| {
        (b.pages, b.before)
            .cmp(&(a.pages, a.before))
            .then_with(|| a.person.cmp(&b.person))
    });
    out
}

/// Whether an instant is in the night, and on the weekend, of somebody's clock.
pub(super) fn when(weights: &Weights, zone: Tz, at: Time) -> (bool, bool) {
    let wall = zone.from_utc_datetime(&at.utc().naive_utc());
    let ms = i64::from(wall.num_seconds_from_midnight()) * 1000;
    let (from, until) = (weights.night_from, weights.night_until);
    let night = if from < until {
        (from..until).contains(&ms)
    } else {
        ms >= from || ms < until
    };
    (night, weights.weekend.has(wall.weekday()))
}
