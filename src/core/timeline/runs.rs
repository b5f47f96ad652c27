//! The sentences about runs of runbook actions.

use super::Names;
use crate::core::incident::{Event, Outcome};
use crate::core::text::cut;
use crate::core::time::human_ms;

#[expect(clippy::too_many_lines, reason = "one sentence for each event")]
pub(super) fn run(event: &Event, names: &Names) -> String {
    match event {
        Event::RunRehearsed {
            run,
            outcome: how,
            tail,
            ..
        } => {
            let said = format!(
                "{} was rehearsed in its only-look mode, which {}.",
                names.run(*run),
                outcome(how)
            );
            match cut(tail.trim(), 500) {
                wrote if wrote.is_empty() => said,
                wrote => format!("{said} It wrote: {wrote}"),
            }
        }
        Event::RunArmed { run, start, hold } => {
            let page = hold.map_or(String::new(), |until| {
                format!(
                    " The first page waits for it until {}, and leaves before when it fails.",
                    names.time(until)
                )
            });
            format!(
                "{} starts by itself at {}, unless somebody stops it or every alert clears first.{page}",
                names.run(*run),
                names.time(*start)
            )
        }
        Event::AutoStopped { action, why } => format!(
            "`{action}` DOES NOT START BY ITSELF ANY MORE, on any incident: {why}. Somebody has to look, and then turn it on again: `automation on {action}`."
        ),
        Event::RunQueued {
            run,
            key,
            behind,
            until,
        } => format!(
            "{} waits for `{key}`, {}, until {}.",
            names.run(*run),
            behind.map_or_else(
                || "which rests after a run".to_owned(),
                |other| format!("which {other} holds")
            ),
            names.time(*until)
        ),
        Event::RunCancelAsked { run, by } => {
            format!("{} wants {} to stop.", by.name(), names.run(*run))
        }
        Event::RunSettled {
            run,
            by,
            good,
            note,
        } => {
            let how = if *good {
                "it worked"
            } else {
                "it did not work"
            };
            let said = format!("{} looked at {}: {how}.", by.name(), names.run(*run));
            if note.is_empty() {
                said
            } else {
                format!("{said} “{note}”")
            }
        }
        Event::RunApproved { run, by, .. } => {
            format!("{} approved {}.", by.name(), names.run(*run))
        }
        Event::RunRejected { run, by } => {
            format!(
                "{} said no to {}; it did not run.",
                by.name(),
                names.run(*run)
            )
        }
        Event::RunExpired { run } => format!(
            "Nobody approved {} in time; it did not run.",
            names.run(*run)
        ),
        Event::RunReleased { run } => {
            format!("{} was released to start, once.", names.run(*run))
        }
        Event::RunStarted { run } => format!("{} started.", names.run(*run)),
        Event::RunEnded {
            run,
            outcome: how,
            duration_ms,
            bytes,
            notes,
            ..
        } => {
            let said = match how {
                Outcome::Unknown { .. } | Outcome::NotStarted { .. } => {
                    format!("{}: {}.", names.run(*run), outcome(how))
                }
                _ => format!(
                    "{} {} after {} and wrote {bytes} bytes.",
                    names.run(*run),
                    outcome(how),
                    human_ms(*duration_ms)
                ),
            };
            if notes.is_empty() {
                said
            } else {
                format!("{said} To be known: {}.", notes.join("; "))
            }
        }
        _ => String::new(),
    }
}

/// How a run ended, in words; an unknown outcome is shouted, because somebody has to look.
#[must_use]
pub fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded { exit } => format!("succeeded (exit code {exit})"),
        Outcome::Failed { exit } => format!("failed (exit code {exit})"),
        Outcome::Killed { signal } => format!("was ended by signal {signal}"),
        Outcome::TimedOut => "was stopped at its time limit".to_owned(),
        Outcome::Cancelled => "was cancelled".to_owned(),
        Outcome::OutOfMemory => "was ended by the system, out of memory".to_owned(),
        Outcome::Reported { good: true, what } => format!("succeeded ({what})"),
        Outcome::Reported { good: false, what } => format!("failed ({what})"),
        Outcome::NotStarted { why } => format!("it was not started: {why}"),
        Outcome::Unknown { why } => {
            format!("OUTCOME UNKNOWN: {why}. It may or may not have run. Check, then mark it")
        }
    }
}
