//! `firebell analytics`: what past incidents measure, as the console's page counts it.

use super::kept::Kept;
use super::{print, serve};
use crate::core::analytics::{TABLES, Words, csv, told};
use crate::core::fairness::today;
use crate::engine::{Clock, counted};
use anyhow::bail;
use chrono_tz::Tz;
use std::path::Path;
use std::process::ExitCode;

/// Which incidents, and in which form.
#[derive(Debug, clap::Args)]
pub(super) struct Question {
    /// First day, such as 2026-11-01 [default: thirty days with the last]
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
    /// Only of this service
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    service: String,
    /// Only of this team
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    team: String,
    /// Only of this severity
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    severity: String,
    /// Minutes within which an alert went by itself: 1, 2, 5, 10, 15, 30 or 60 [default: 10]
    #[arg(
        long,
        value_name = "MINUTES",
        default_value = "",
        hide_default_value = true
    )]
    minutes: String,
    /// Print a sheet (CSV) instead of words
    #[arg(long, value_name = "TABLE", value_parser = TABLES)]
    csv: Option<String>,
}

/// Prints the report.
///
/// # Errors
/// When a word cannot be read, or there is no database.
pub(super) async fn analytics(config: &Path, question: &Question) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(config) else {
        return Ok(ExitCode::FAILURE);
    };
    let now = Clock::Real.now();
    let kept = Kept::of(&loaded.settings).await;
    let Some(store) = kept.store() else {
        bail!("there is nothing to count without the database");
    };
    let directory = &loaded.directory;
    let zone = directory.zone.unwrap_or(Tz::UTC);
    let words = Words {
        from: question.from.clone(),
        to: question.to.clone(),
        service: question.service.clone(),
        team: question.team.clone(),
        severity: question.severity.clone(),
        minutes: question.minutes.clone(),
    };
    let asked = words
        .asked(directory, zone, today(zone, now))
        .map_err(anyhow::Error::msg)?;
    let report = counted(store, directory, &asked, now).await?;
    let text = match &question.csv {
        Some(table) => csv(directory, &report, table).unwrap_or_default(),
        None => told(directory, &report),
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
