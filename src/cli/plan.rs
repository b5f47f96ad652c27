//! `firebell plan`: what a changed configuration changes, before it is put in force.
//!
//! Who is on call is compared minute by minute over the days ahead, with what each would carry;
//! policies, services and the catch-all by what they say. Nothing is changed: the database is read.

use super::kept::Kept;
use super::{print, serve};
use crate::core::directory::{Directory, Policy, Target};
use crate::core::fairness::{self, PageAt};
use crate::core::hours::minute_words;
use crate::core::text::{count, list};
use crate::core::time::{Time, human_ms};
use crate::engine::Clock;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Differences of one schedule that are listed.
const LISTED: usize = 50;
/// Pages of the past a preview counts with at most.
const PAGES: i64 = 100_000;

/// Prints what `new` changes against `old` in the next `days`.
///
/// # Errors
/// When the text cannot be printed.
pub(super) async fn plan(old: &Path, new: &Path, days: u16) -> anyhow::Result<ExitCode> {
    let (Some(before), Some(after)) = (serve::load(old), serve::load(new)) else {
        return Ok(ExitCode::FAILURE);
    };
    let now = Clock::Real.now();
    let kept = Kept::of(&after.settings).await;
    let until = now.plus_ms(i64::from(days) * DAY_MS);
    let pages = match kept.store() {
        None => None,
        Some(store) => {
            let since = fairness::before(now, until);
            Some(store.page_times(since, now, PAGES).await?)
        }
    };
    let before = kept.over(before.directory, now).await;
    let after = kept.over(after.directory, now).await;
    print(&report(&before, &after, pages.as_deref(), now, days))?;
    Ok(ExitCode::SUCCESS)
}

/// What a new configuration changes from `now` on. `pages`: those of the weeks before, if known.
#[must_use]
pub fn report(
    before: &Directory,
    after: &Directory,
    pages: Option<&[PageAt]>,
    now: Time,
    days: u16,
) -> String {
    let until = now.plus_ms(i64::from(days) * DAY_MS);
    let mut out = String::new();
    on_call((before, after), pages, (now, until), &mut out);
    policies(before, after, &mut out);
    services(before, after, &mut out);
    contacts(before, after, &mut out);
    let last = |d: &Directory| -> Vec<String> { d.catch_all.iter().map(Target::words).collect() };
    let (old, new) = (last(before), last(after));
    if old != new {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "catch-all\n  - {}\n  + {}", list(&old), list(&new));
    }
    if out.is_empty() {
        return format!(
            "Nothing changes: the same people are paged in the next {}.\n",
            count(usize::from(days), "day")
        );
    }
    out
}

fn ids<'a, T>(
    before: &'a std::collections::BTreeMap<String, T>,
    after: &'a std::collections::BTreeMap<String, T>,
) -> BTreeSet<&'a String> {
    before.keys().chain(after.keys()).collect()
}

fn on_call(
    (before, after): (&Directory, &Directory),
    pages: Option<&[PageAt]>,
    (from, until): (Time, Time),
    out: &mut String,
) {
    for id in ids(&before.schedules, &after.schedules) {
        let (old, new) = (before.schedules.get(id), after.schedules.get(id));
        let (Some(old), Some(new)) = (old, new) else {
            let what = if new.is_some() { "is new" } else { "is gone" };
            let _ = writeln!(out, "schedule {id} {what}");
            continue;
        };
        let past = pages.unwrap_or_default();
        let preview = fairness::preview(after, (old, new), past, from, until);
        let found = &preview.differences;
        if found.is_empty() {
            continue;
        }
        let ms: i64 = found.iter().map(|d| d.until.since_ms(d.since)).sum();
        let _ = writeln!(out, "schedule {id}: other people for {}", human_ms(ms));
        let name = |p: &str| after.person_name(p);
        for difference in found.iter().take(LISTED) {
            let _ = writeln!(out, "  {}", difference.words(new, &name));
        }
        if found.len() > LISTED {
            let _ = writeln!(out, "  and {} more spans", found.len() - LISTED);
        }
        let (now, then) = preview.balance;
        let pages = pages.is_some();
        let guess = if pages {
            "; pages as if those of the weeks before came again"
        } else {
            "; pages are counted when the database is there"
        };
        let _ = writeln!(out, "  what each carries, {now}% → {then}% even{guess}:");
        for line in fairness::previewed(after, &preview, pages).lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
}

fn policies(before: &Directory, after: &Directory, out: &mut String) {
    for id in ids(&before.policies, &after.policies) {
        let (old, new) = (before.policies.get(id), after.policies.get(id));
        if old == new {
            continue;
        }
        let _ = writeln!(out, "policy {id}");
        changed(old.map(steps).as_deref(), new.map(steps).as_deref(), out);
    }
}

/// A policy, a line a step.
fn steps(policy: &Policy) -> Vec<String> {
    let mut lines: Vec<String> = policy
        .rungs
        .iter()
        .map(|rung| {
            let who: Vec<String> = rung.targets.iter().map(Target::words).collect();
            let ms = i64::try_from(rung.wait_secs).unwrap_or(i64::MAX / 1000);
            let acks = match rung.acks {
                0 | 1 => String::new(),
                n => format!(", needs {n} people"),
            };
            format!(
                "{} for {}{acks}",
                list(&who),
                human_ms(ms.saturating_mul(1000))
            )
        })
        .collect();
    if policy.repeat > 0 {
        lines.push(format!("climbed {} times", u16::from(policy.repeat) + 1));
    }
    if let Some(secs) = policy.remind_secs {
        let ms = i64::try_from(secs)
            .unwrap_or(i64::MAX / 1000)
            .saturating_mul(1000);
        lines.push(format!("reminds after {}", human_ms(ms)));
    }
    if let Some(minute) = policy.rest_until {
        let until = minute_words(minute);
        lines.push(format!(
            "spares whoever was paged in the night until {until}"
        ));
    }
    lines
}

/// The lines that are gone, and those that are new.
fn changed(old: Option<&[String]>, new: Option<&[String]>, out: &mut String) {
    let (old, new) = (old.unwrap_or(&[]), new.unwrap_or(&[]));
    for line in old.iter().filter(|l| !new.contains(l)) {
        let _ = writeln!(out, "  - {line}");
    }
    for line in new.iter().filter(|l| !old.contains(l)) {
        let _ = writeln!(out, "  + {line}");
    }
    let same = |a: &[String], b: &[String]| a.iter().all(|l| b.contains(l));
    if old != new && same(old, new) && same(new, old) {
        let _ = writeln!(out, "  the same steps in another order: {}", new.join("; "));
    }
}

fn services(before: &Directory, after: &Directory, out: &mut String) {
    for id in ids(&before.services, &after.services) {
        let policy = |d: &Directory| -> Option<Vec<String>> {
            let service = d.services.get(id)?;
            let of_team = d.teams.get(&service.team).and_then(|t| t.policy.clone());
            let policy = service.policy.clone().or(of_team);
            let policy = policy.unwrap_or_else(|| "the route's".to_owned());
            Some(vec![format!("team {}, policy {policy}", service.team)])
        };
        let (old, new) = (policy(before), policy(after));
        if old != new {
            let _ = writeln!(out, "service {id}");
            changed(old.as_deref(), new.as_deref(), out);
        }
    }
}

fn contacts(before: &Directory, after: &Directory, out: &mut String) {
    for id in ids(&before.people, &after.people) {
        let ways = |d: &Directory| -> Option<Vec<String>> {
            let person = d.people.get(id)?;
            let names: Vec<&str> = person.contacts.iter().map(|c| c.name.as_str()).collect();
            Some(vec![format!("woken by {}", list(&names))])
        };
        let (old, new) = (ways(before), ways(after));
        if old != new {
            let _ = writeln!(out, "person {id}");
            changed(old.as_deref(), new.as_deref(), out);
        }
    }
}
