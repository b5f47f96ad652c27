//! Noise by rule: what nobody had to look at, what went by itself, what comes again and again.

use super::fact::{Fact, LIMITS};
use crate::core::text::count;
use std::collections::BTreeMap;

/// Firings a rule must have before anything is proposed.
const ENOUGH: u32 = 5;
/// A rule that comes back within this time after the incident with it was over, milliseconds.
const AGAIN_MS: i64 = 86_400_000;
/// What the rules of private incidents are counted under.
pub const PRIVATE: &str = "private incidents";

/// How much noise a rule makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleNoise {
    /// Its name.
    pub rule: String,
    /// How often an alert of it joined an incident.
    pub fired: u32,
    /// In how many incidents.
    pub incidents: u32,
    /// Of the firings, those in incidents nobody ever acknowledged.
    pub unacknowledged: u32,
    /// Of the firings, those that cleared within the limit before anybody had them.
    pub by_itself: u32,
    /// Of the firings, those of an alert that had fired before in the same incident, and one for each
    /// incident that came within a day after another one with the rule on the same service.
    pub repeated: u32,
    /// What could be done about it; empty: nothing stands out.
    pub advice: String,
}

impl RuleNoise {
    /// The largest of the three, percent of the firings.
    #[must_use]
    pub fn noisy(&self) -> u32 {
        let most = self.unacknowledged.max(self.by_itself).max(self.repeated);
        share(most, self.fired)
    }
}

/// Percent, rounded down; 0 of nothing.
#[must_use]
pub fn share(part: u32, all: u32) -> u32 {
    u32::try_from(u64::from(part) * 100 / u64::from(all.max(1))).unwrap_or(100)
}

/// By rule, what fires most first. `minutes` is one of [`LIMITS`]; facts in the order of their opening.
pub(super) fn noise<'f>(facts: impl Iterator<Item = &'f Fact>, minutes: u32) -> Vec<RuleNoise> {
    let at = LIMITS.iter().position(|l| *l == minutes).unwrap_or(0);
    let mut rules: BTreeMap<&str, RuleNoise> = BTreeMap::new();
    let mut last: BTreeMap<(&str, Option<&str>), i64> = BTreeMap::new();
    for fact in facts {
        for rule in &fact.rules {
            let name = if fact.private { PRIVATE } else { &rule.rule };
            let found = rules.entry(name).or_default();
            found.fired += rule.fired;
            found.incidents += 1;
            if fact.acknowledge.is_none() {
                found.unacknowledged += rule.fired;
            }
            found.by_itself += rule.quick.get(at).copied().unwrap_or(0);
            found.repeated += rule.fired.saturating_sub(rule.distinct);
            let over = fact.opened.0.saturating_add(fact.resolve);
            let before = last.insert((name, fact.service.as_deref()), over);
            if before.is_some_and(|b| fact.opened.0 >= b && fact.opened.0 - b <= AGAIN_MS) {
                found.repeated += 1;
            }
        }
    }
    let mut out: Vec<RuleNoise> = rules
        .into_iter()
        .map(|(rule, mut noise)| {
            rule.clone_into(&mut noise.rule);
            noise.repeated = noise.repeated.min(noise.fired);
            if rule != PRIVATE {
                noise.advice = advice(&noise, minutes);
            }
            noise
        })
        .collect();
    out.sort_by(|a, b| b.fired.cmp(&a.fired).then_with(|| a.rule.cmp(&b.rule)));
    out
}

/// One sentence for what stands out most.
fn advice(n: &RuleNoise, minutes: u32) -> String {
    if n.fired < ENOUGH {
        return String::new();
    }
    let of = |part: u32| format!("{part} of {}", n.fired);
    if share(n.by_itself, n.fired) >= 50 {
        return format!(
            "{} cleared within {} before anybody had them: let the rule wait longer before it fires (`for:`).",
            of(n.by_itself),
            count(minutes as usize, "minute")
        );
    }
    if share(n.unacknowledged, n.fired) >= 80 {
        return format!(
            "Nobody ever acknowledged {}: if nobody has to act, lower its severity or let its route page nobody (`page = false`).",
            of(n.unacknowledged)
        );
    }
    if share(n.repeated, n.fired) >= 50 {
        return format!(
            "{} came back: keep it firing through short recoveries (`keep_firing_for:`), or mend what it tells of.",
            of(n.repeated)
        );
    }
    String::new()
}
