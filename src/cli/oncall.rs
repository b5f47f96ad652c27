//! `firebell oncall`: who is on call, with the covers people agreed on, for terminals and scripts.

use super::{kept, print, serve};
use crate::chat::grammar::Whom;
use crate::chat::words;
use crate::core::directory::Target;
use crate::core::schedule::{Edge, parse_when, spoken};
use crate::engine::Clock;
use anyhow::bail;
use chrono_tz::Tz;
use std::path::Path;
use std::process::ExitCode;

/// Whom and when.
#[derive(Debug, clap::Args)]
pub(super) struct Question {
    /// Only this schedule, such as web-primary
    #[arg(value_name = "SCHEDULE")]
    schedule: Option<String>,
    /// At this time instead of now: `2026-12-24 18:00`, `fri 18:00`, the next `18:00`, or RFC 3339
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// Prints who is on call, why, and the next two.
///
/// # Errors
/// When there is no such schedule, or the time cannot be read.
pub(super) async fn on_call(config: &Path, question: &Question) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(config) else {
        return Ok(ExitCode::FAILURE);
    };
    let now = Clock::Real.now();
    let directory = &kept::in_force(&loaded, now).await;
    let whom = match &question.schedule {
        None => None,
        Some(id) if directory.schedules.contains_key(id) => {
            Some(Whom::Target(Target::Schedule(id.clone())))
        }
        Some(id) => {
            let known: Vec<&String> = directory.schedules.keys().collect();
            bail!(
                "there is no schedule {id}; there is {}",
                crate::core::text::list(&known)
            );
        }
    };
    let zone = directory.zone.unwrap_or(Tz::UTC);
    let at = match &question.at {
        None => now,
        Some(text) => {
            let at = parse_when(text, zone, now, Edge::From).map_err(anyhow::Error::msg)?;
            print(&format!("At {}:", spoken(at, zone)))?;
            at
        }
    };
    print(&words::on_call(directory, whom.as_ref(), at))?;
    Ok(ExitCode::SUCCESS)
}
