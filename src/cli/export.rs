//! `firebell export` and `firebell replay`: an incident from its journal, without a running server.

use super::{Format, print, serve};
use crate::config::Loaded;
use crate::core::id::IncidentId;
use crate::core::incident::{Incident, Record, wake_at};
use crate::core::postmortem;
use crate::store::Store;
use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

/// Prints the postmortem.
///
/// # Errors
/// When the database cannot be read or holds no such incident.
pub async fn export(path: &Path, id: IncidentId, format: Format) -> anyhow::Result<ExitCode> {
    let Some((journal, loaded)) = journal(path, id).await? else {
        return Ok(ExitCode::FAILURE);
    };
    let draft = postmortem::build(id, &journal, loaded.directory.zone);
    print(&match format {
        Format::Md => postmortem::markdown(&draft),
        Format::Json => postmortem::json(&draft),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the journal, line by line, and the state it folds to.
///
/// # Errors
/// When the database cannot be read or holds no such incident.
pub async fn replay(path: &Path, id: IncidentId) -> anyhow::Result<ExitCode> {
    let Some((journal, _)) = journal(path, id).await? else {
        return Ok(ExitCode::FAILURE);
    };
    print(&told(id, &journal)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The journal and the configuration; `None`: the configuration's faults have been told.
pub(super) async fn journal(
    path: &Path,
    id: IncidentId,
) -> anyhow::Result<Option<(Vec<Record>, Loaded)>> {
    let Some(loaded) = serve::load(path) else {
        return Ok(None);
    };
    let store = Store::open(loaded.settings.database_url.expose_secret())
        .await
        .context("the database could not be opened")?;
    let journal = store.journal(id).await?;
    if journal.is_empty() {
        bail!("there is no incident {id} in this database");
    }
    Ok(Some((journal, loaded)))
}

fn told(id: IncidentId, journal: &[Record]) -> anyhow::Result<String> {
    let mut out = String::new();
    for record in journal {
        writeln!(
            out,
            "{:>5}  {}  {:<16} {}\n       {}",
            record.seq,
            record.at.rfc3339(),
            record.event.kind(),
            record.cause,
            serde_json::to_string(&record.event)?
        )?;
    }
    let incident = Incident::replay(id, journal);
    writeln!(out, "\n{incident:#?}")?;
    match wake_at(&incident) {
        Some(at) => writeln!(out, "\ntime is put to it next at {}", at.rfc3339())?,
        None => writeln!(out, "\ntime changes nothing more")?,
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::Actor;
    use crate::core::incident::Event;
    use crate::core::time::Time;

    #[test]
    fn a_replay_shows_every_line_with_its_cause_and_the_state() {
        let note = |seq| Record {
            seq,
            at: Time(0),
            cause: format!("api:ci:{seq}"),
            event: Event::Noted {
                by: Actor::Firebell,
                text: "rolled back".to_owned(),
                happened_at: None,
            },
        };
        let text = told(IncidentId(7), &[note(1), note(2)]).unwrap();
        assert!(text.contains("noted"), "{text}");
        assert!(text.contains("api:ci:2"), "{text}");
        assert!(text.contains("\"text\":\"rolled back\""), "{text}");
        assert!(text.contains("seq: 2"), "{text}");
    }
}
