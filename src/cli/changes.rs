//! `firebell changes`: what was changed lately, as the console's page lists it.

use super::{print, serve};
use crate::core::change::told;
use crate::engine::Clock;
use crate::store::{ChangeQuery, Store};
use anyhow::bail;
use chrono_tz::Tz;
use secrecy::ExposeSecret;
use std::path::Path;
use std::process::ExitCode;

/// Of which service, and how many.
#[derive(Debug, clap::Args)]
pub(super) struct Question {
    /// Only this service, such as checkout
    #[arg(value_name = "SERVICE")]
    service: Option<String>,
    /// Days back
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
}

/// Prints them, newest first.
///
/// # Errors
/// When there is no such service, or the database cannot be read.
pub(super) async fn changes(config: &Path, question: &Question) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(config) else {
        return Ok(ExitCode::FAILURE);
    };
    let directory = &loaded.directory;
    if let Some(id) = &question.service
        && !directory.services.contains_key(id)
    {
        bail!("there is no service {id}");
    }
    let url = loaded.settings.database_url.expose_secret();
    let Some(store) = Store::look(url).await? else {
        bail!("there is no database yet: start firebell once");
    };
    let now = Clock::Real.now();
    let query = ChangeQuery {
        service: question.service.clone(),
        from: Some(now.plus_ms(-i64::from(question.days) * 86_400_000)),
        limit: i64::from(question.limit),
        ..ChangeQuery::default()
    };
    let (rows, total) = store.change_events(&query).await?;
    let zone = directory.zone.unwrap_or(Tz::UTC);
    let shown = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let mut text = match rows.as_slice() {
        [] => format!("No change was told in {} days.", question.days),
        rows => told(rows, zone),
    };
    if total > shown {
        text.push_str(&format!(
            "\nThe newest {shown} of {total}; --limit shows more."
        ));
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
