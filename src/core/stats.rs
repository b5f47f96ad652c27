//! Numbers of one incident, folded from its journal: how long each stretch took, who was woken.

use super::incident::{Event, Record};
use super::time::Time;
use chrono::{Datelike, TimeZone, Timelike, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Working hours on the wall clock, `[from, to)`, Monday to Friday; everything else is out of hours.
const WORKING_HOURS: std::ops::Range<u32> = 9..18;

/// The turning points of an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// Begin of the earliest alert by its sender's clock; the opening when there is none.
    pub began: Option<Time>,
    /// Opened by firebell.
    pub opened: Option<Time>,
    /// First acknowledgement, or the declaration by somebody who has it.
    pub acknowledged: Option<Time>,
    /// The last alert cleared and nothing fired after it, or somebody said by its status that nobody
    /// is hurt any more, whichever was first.
    pub mitigated: Option<Time>,
    /// Resolved.
    pub resolved: Option<Time>,
}

/// Lengths in milliseconds; `None`: it did not (yet) happen. A clock that runs ahead counts as 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    /// From the begin of the earliest alert to the opening; `None` for a declared incident.
    pub detect_ms: Option<i64>,
    /// From the opening to the first acknowledgement.
    pub acknowledge_ms: Option<i64>,
    /// From the opening to the last all-clear.
    pub mitigate_ms: Option<i64>,
    /// From the opening to the resolution.
    pub resolve_ms: Option<i64>,
}

/// Finds the turning points.
#[must_use]
pub fn moments(journal: &[Record]) -> Moments {
    let mut m = Moments::default();
    for record in journal {
        let at = record.at;
        match &record.event {
            Event::Opened {
                alerts,
                first_page,
                origin,
                ..
            } => {
                m.opened = Some(at);
                m.began = alerts.iter().map(|a| a.starts_at.min(at)).min();
                let declared = matches!(origin, super::incident::Origin::Declared { .. });
                m.acknowledged = (declared && first_page.is_none()).then_some(at);
            }
            Event::Acknowledged { .. } | Event::Snoozed { .. } => {
                m.acknowledged.get_or_insert(at);
            }
            Event::Fired { .. } => m.mitigated = None,
            Event::Cleared { left: 0, .. } => m.mitigated = Some(at),
            Event::Updated(update) => match &update.status {
                Some(s) if s.mitigated => drop(m.mitigated.get_or_insert(at)),
                Some(_) => m.mitigated = None,
                None => {}
            },
            Event::Resolved { .. } => m.resolved = Some(at),
            Event::Reopened { .. } => m.resolved = None,
            _ => {}
        }
    }
    m
}

/// The lengths between the turning points.
#[must_use]
pub fn durations(moments: &Moments) -> Durations {
    let from_open = |to: Option<Time>| Some(to?.since_ms(moments.opened?).max(0));
    Durations {
        detect_ms: moments
            .began
            .and_then(|began| Some(moments.opened?.since_ms(began).max(0))),
        acknowledge_ms: from_open(moments.acknowledged),
        mitigate_ms: from_open(moments.mitigated),
        resolve_ms: from_open(moments.resolved),
    }
}

/// Whether an instant is outside Monday to Friday, 09:00 to 18:00, on this zone's wall clock.
#[must_use]
pub fn out_of_hours(at: Time, zone: Tz) -> bool {
    let wall = zone.from_utc_datetime(&at.utc().naive_utc());
    matches!(wall.weekday(), Weekday::Sat | Weekday::Sun) || !WORKING_HOURS.contains(&wall.hour())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_night_and_the_weekend_are_out_of_hours_on_the_local_clock() {
        let at = |s: &str| Time::parse_rfc3339(s).unwrap();
        // Monday 08:30Z is half past nine in Berlin in winter.
        assert!(!out_of_hours(
            at("2026-11-23T08:30:00Z"),
            Tz::Europe__Berlin
        ));
        assert!(out_of_hours(at("2026-11-23T08:30:00Z"), Tz::UTC));
        assert!(out_of_hours(at("2026-11-23T17:00:00Z"), Tz::Europe__Berlin));
        assert!(out_of_hours(at("2026-11-22T12:00:00Z"), Tz::UTC));
    }
}
