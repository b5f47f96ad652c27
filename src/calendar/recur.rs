//! Recurrence on the wall clock: RRULE, RDATE, EXDATE → wall times.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use rrule::{RRule, RRuleSet, Unvalidated};

/// Recurrences are followed until the beginning of this year: every start of the process and every
/// machine comes to the same end.
pub(super) const HORIZON: i32 = 2050;
/// Occurrences of one event; daily for 54 years is fewer.
const OCCURRENCES: u16 = 20_000;

/// What an event says about its recurrence.
pub(super) struct Recurrence<'a> {
    /// First occurrence on the wall.
    pub start: NaiveDateTime,
    /// Zone of the event: `UNTIL` is usually in UTC.
    pub zone: Tz,
    /// Values of RRULE.
    pub rules: Vec<&'a str>,
    /// More occurrences, on the wall.
    pub extra: Vec<NaiveDateTime>,
    /// Occurrences that do not take place, on the wall.
    pub except: Vec<NaiveDateTime>,
    /// Dates of which none takes place.
    pub except_dates: Vec<NaiveDate>,
}

impl Recurrence<'_> {
    /// Wall times of the occurrences, ascending, and whether there would have been more.
    ///
    /// # Errors
    /// Why a rule cannot be read.
    pub fn occurrences(&self) -> Result<(Vec<NaiveDateTime>, bool), String> {
        let start = dressed(self.start);
        let mut set = RRuleSet::new(start);
        for rule in &self.rules {
            let rule = self.rule(rule)?;
            let rule = rule.validate(start).map_err(|e| one_line(&e.to_string()))?;
            set = set.rrule(rule);
        }
        let dress = |list: &[NaiveDateTime]| list.iter().map(|w| dressed(*w)).collect();
        // Without a rule the first occurrence has to be said; with one it is there by the RFC even
        // when the rule does not give it.
        let mut extra: Vec<DateTime<rrule::Tz>> = dress(&self.extra);
        extra.push(start);
        set = set.set_rdates(extra).set_exdates(dress(&self.except));
        let end = Utc.with_ymd_and_hms(HORIZON, 1, 1, 0, 0, 0).single();
        let end = end.unwrap_or(DateTime::<Utc>::MAX_UTC);
        let found = set
            .before(end.with_timezone(&rrule::Tz::UTC))
            .all(OCCURRENCES);
        let mut walls: Vec<NaiveDateTime> = found
            .dates
            .iter()
            .map(chrono::DateTime::naive_utc)
            .filter(|w| !self.except_dates.contains(&w.date()))
            .collect();
        walls.sort_unstable();
        walls.dedup();
        Ok((walls, found.limited))
    }

    /// A rule whose end is on the wall clock.
    fn rule(&self, text: &str) -> Result<RRule<Unvalidated>, String> {
        let parts = text.split(';').filter(|p| !p.is_empty());
        let (until, rest): (Vec<&str>, Vec<&str>) =
            parts.partition(|p| p.to_ascii_uppercase().starts_with("UNTIL="));
        let rule: RRule<Unvalidated> = format!("RRULE:{}", rest.join(";"))
            .parse()
            .map_err(|e: rrule::RRuleError| one_line(&e.to_string()))?;
        let Some(until) = until.first().and_then(|u| u.split_once('=')) else {
            return Ok(rule);
        };
        let until = until.1.trim();
        let end = wall(until, self.zone)
            .or_else(|| date(until).and_then(|d| d.and_hms_opt(23, 59, 59)))
            .ok_or_else(|| format!("UNTIL={until} is not a time"))?;
        Ok(rule.until(dressed(end)))
    }
}

fn dressed(wall: NaiveDateTime) -> DateTime<rrule::Tz> {
    rrule::Tz::UTC.from_utc_datetime(&wall)
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// `20261122`.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y%m%d").ok()
}

/// `20261122T140300` as it is, `20261122T140300Z` on the wall of a zone.
pub(super) fn wall(text: &str, zone: Tz) -> Option<NaiveDateTime> {
    let (text, utc) = match text.strip_suffix(['Z', 'z']) {
        Some(text) => (text, true),
        None => (text, false),
    };
    let time = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").ok()?;
    Some(if utc {
        zone.from_utc_datetime(&time).naive_local()
    } else {
        time
    })
}
