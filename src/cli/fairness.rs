//! `firebell fairness`: what being on call has cost whom, as the console's page counts it.

use super::kept::Kept;
use super::{print, serve};
use crate::core::fairness::{book, days, span, today, told};
use crate::engine::Clock;
use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

/// Which schedule, and when.
#[derive(Debug, clap::Args)]
pub(super) struct Question {
    /// Only this schedule, such as web-primary
    #[arg(value_name = "SCHEDULE")]
    schedule: Option<String>,
    /// First day, such as 2026-10-01 [default: ninety days with the last]
    #[arg(
        long,
        value_name = "DATE",
        default_value = "",
        hide_default_value = true
    )]
    from: String,
    /// Last day [default: today]
    #[arg(
        long,
        value_name = "DATE",
        default_value = "",
        hide_default_value = true
    )]
    to: String,
}

/// Prints the ledger.
///
/// # Errors
/// When there is no such schedule, a date cannot be read, or the database fails.
pub(super) async fn fairness(config: &Path, question: &Question) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(config) else {
        return Ok(ExitCode::FAILURE);
    };
    let now = Clock::Real.now();
    let kept = Kept::of(&loaded.settings).await;
    let directory = kept.over(loaded.directory, now).await;
    let zone = directory.zone.unwrap_or(Tz::UTC);
    let asked = days(&question.from, &question.to, today(zone, now)).map_err(anyhow::Error::msg)?;
    let (since, until) = span(zone, asked.0, asked.1);
    let pages = match kept.store() {
        Some(store) => Some(store.pages_by_person(since, until).await?),
        None => None,
    };
    let counted = pages.is_some();
    let pages: BTreeMap<String, i64> = pages.unwrap_or_default();
    let schedule = question.schedule.as_deref();
    let book = book(&directory, schedule, asked, zone, &pages).map_err(anyhow::Error::msg)?;
    print(&told(&directory, &book, counted, usize::MAX))?;
    Ok(ExitCode::SUCCESS)
}
