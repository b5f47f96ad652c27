//! `firebell check`: every fault with file, line and fix, and what the configuration means today.

use crate::config::{Loaded, fix_report, load};
use crate::core::directory::Target;
use crate::core::text::{count, list};
use crate::core::time::Time;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Checks the configuration at `config` and prints the result to standard output. `now` decides
/// who is on call.
///
/// # Errors
/// When there are faults (after printing them), so that the process ends with a failure.
pub fn run(config: &Path, now: Time) -> anyhow::Result<()> {
    let (report, faults) = report(config, now);
    std::io::stdout().lock().write_all(report.as_bytes())?;
    if faults == 0 {
        return Ok(());
    }
    anyhow::bail!("{} in {}", count(faults, "fault"), config.display())
}

/// The text [`run`] prints, and the number of faults.
#[must_use]
pub fn report(config: &Path, now: Time) -> (String, usize) {
    match load(config) {
        Ok(loaded) => (summary(&loaded, now), 0),
        Err(faults) => (fix_report(&faults), faults.len()),
    }
}

/// Warnings, counts, and who is on call now.
#[must_use]
pub fn summary(loaded: &Loaded, now: Time) -> String {
    let d = &loaded.directory;
    let mut out = String::new();
    if !loaded.warnings.is_empty() {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "{}:", count(loaded.warnings.len(), "warning"));
        out.push_str(&fix_report(&loaded.warnings));
        out.push('\n');
    }
    let parts = [
        count(d.people.len(), "person").replace("persons", "people"),
        count(d.teams.len(), "team"),
        count(d.services.len(), "service"),
        count(d.schedules.len(), "schedule"),
        count(d.policies.len(), "policy").replace("policys", "policies"),
        count(d.actions.len(), "action"),
        count(loaded.settings.sources.len(), "source"),
        count(loaded.settings.tokens.len(), "token"),
    ];
    let _ = writeln!(out, "good: {}", list(&parts));
    for schedule in d.schedules.values() {
        let turn = schedule.on_call(now);
        let names: Vec<String> = turn.people.iter().map(|id| d.person_name(id)).collect();
        let until = schedule.local(turn.until);
        let who = if names.is_empty() {
            "nobody".to_owned()
        } else {
            list(&names)
        };
        let _ = writeln!(out, "on call, {}: {who} until {until}", schedule.id);
    }
    let codes = d.people.values().flat_map(|p| &p.contacts);
    let codes = codes.filter(|c| c.kind.needs_code()).count();
    if codes > 0 {
        let _ = writeln!(
            out,
            "{} used only once verified (`verify CONTACT`); doctor tells which are",
            match codes {
                1 => "1 contact is".to_owned(),
                n => format!("{n} contacts are"),
            }
        );
    }
    let targets: Vec<String> = d.catch_all.iter().map(Target::words).collect();
    let _ = writeln!(out, "when nobody else can be reached: {}", list(&targets));
    out
}
