//! `firebell export`, `import`, `search` and `replay`: incidents from their journals, without a running
//! server.

use super::{print, serve};
use crate::config::Loaded;
use crate::core::fairness;
use crate::core::id::IncidentId;
use crate::core::incident::{Incident, Record, wake_at};
use crate::core::postmortem::{self, Format, Postmortem, Template};
use crate::core::sight::Sight;
use crate::core::text::cut;
use crate::share;
use crate::store::{MARK, SearchFilter, Store};
use anyhow::{Context, bail};
use clap::builder::PossibleValue;
use secrecy::ExposeSecret;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How a postmortem is printed.
#[derive(Debug, clap::Args)]
pub struct How {
    /// What to print
    #[arg(long, default_value = "markdown", value_name = "FORMAT", value_parser = formats())]
    format: String,
    /// Write to this file instead of the terminal; a PDF needs one
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// People become roles with numbers, also in what was written
    #[arg(long)]
    anonymous: bool,
    /// Also when the incident is private
    #[arg(long)]
    private: bool,
}

/// Whoever reads the database may read everything in it; what is private must be asked for by name, so
/// that it does not end on a shared screen or in a pipe by mistake.
pub(super) fn open_to_all(id: IncidentId, private: bool, asked: bool) -> anyhow::Result<()> {
    if private && !asked {
        bail!("incident {id} is private; add --private to print it all the same");
    }
    Ok(())
}

/// The formats; the short names of old stay.
fn formats() -> clap::builder::PossibleValuesParser {
    let words = Format::ALL.iter().map(|f| {
        let value = PossibleValue::new(f.word());
        if *f == Format::Markdown {
            value.alias("md")
        } else {
            value
        }
    });
    words
        .chain([PossibleValue::new("pdf")])
        .collect::<Vec<_>>()
        .into()
}

/// Prints the postmortem.
///
/// # Errors
/// When the database cannot be read or holds no such incident, or the format cannot be made here.
pub async fn export(path: &Path, id: IncidentId, how: &How) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(path) else {
        return Ok(ExitCode::FAILURE);
    };
    let store = open(&loaded).await?;
    let journal = store.journal(id).await?;
    if journal.is_empty() {
        bail!("there is no incident {id} in this database");
    }
    let written = store
        .postmortem(id)
        .await?
        .map(|row| row.written)
        .unwrap_or_default();
    let directory = &loaded.directory;
    let document = postmortem::build(id, &journal, directory.zone)
        .with(&written, &|id| directory.person_name(id));
    open_to_all(id, document.nature.private, how.private)?;
    let template = directory.template(&document);
    let document = if how.anonymous {
        postmortem::anonymous(&document, &postmortem::everybody(directory))
            .map_err(anyhow::Error::msg)?
    } else {
        document
    };
    put(&document, &template, how, &loaded.settings.data_dir).await
}

/// Reads a JSON document and prints it in a format: as JSON the same bytes.
///
/// # Errors
/// When the file cannot be read or is no postmortem.
pub async fn import(path: &Path, how: &How) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let document = postmortem::import(&text).map_err(anyhow::Error::msg)?;
    if how.anonymous {
        bail!(
            "a document alone does not know everybody's names; use `firebell export --anonymous`"
        );
    }
    put(&document, &Template::default(), how, &std::env::temp_dir()).await
}

async fn put(
    document: &Postmortem,
    template: &Template,
    how: &How,
    scratch: &Path,
) -> anyhow::Result<ExitCode> {
    let bytes = match Format::parse(&how.format) {
        Some(format) => postmortem::export(document, template, format).into_bytes(),
        None => {
            let page = postmortem::html(&postmortem::layout(document, template), "en");
            share::pdf(&page, scratch)
                .await
                .map_err(anyhow::Error::msg)?
        }
    };
    match &how.output {
        Some(file) => std::fs::write(file, bytes)
            .with_context(|| format!("{} cannot be written", file.display()))?,
        None => match String::from_utf8(bytes) {
            Ok(text) => print(&text)?,
            Err(_) => bail!("a PDF is no text for a terminal: add --output postmortem.pdf"),
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// What narrows a search down.
#[derive(Debug, clap::Args)]
pub struct Narrow {
    /// Only postmortems that are reviewed
    #[arg(long)]
    reviewed: bool,
    /// Also in drills
    #[arg(long)]
    drills: bool,
    /// Also in private incidents
    #[arg(long)]
    private: bool,
    /// Only of this service
    #[arg(long, value_name = "ID")]
    service: Option<String>,
    /// Only of this team
    #[arg(long, value_name = "ID")]
    team: Option<String>,
    /// Opened on this day or later, such as 2026-11-01
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Opened on this day or earlier
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
}

/// Prints where words occur in what is over.
///
/// # Errors
/// When the database cannot be read.
pub async fn search(path: &Path, words: &[String], narrow: &Narrow) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(path) else {
        return Ok(ExitCode::FAILURE);
    };
    let store = open(&loaded).await?;
    let zone = loaded.directory.zone.unwrap_or(chrono_tz::Tz::UTC);
    let on = |text: &Option<String>| text.as_deref().map(fairness::day).transpose();
    let from = on(&narrow.from).map_err(anyhow::Error::msg)?;
    let to = on(&narrow.to).map_err(anyhow::Error::msg)?;
    let filter = SearchFilter {
        reviewed: narrow.reviewed,
        sight: if narrow.private {
            Sight::All
        } else {
            Sight::Public
        },
        drills: narrow.drills,
        service: narrow.service.clone(),
        team: narrow.team.clone(),
        from: from.map(|day| fairness::span(zone, day, day).0),
        until: to.map(|day| fairness::span(zone, day, day).1),
    };
    let found = store.search(&words.join(" "), &filter, 50).await?;
    let mut out = String::new();
    for f in &found {
        let stage = if f.stage.is_empty() {
            "no postmortem"
        } else {
            f.stage.as_str()
        };
        let title = cut(&f.title, 200);
        writeln!(out, "{}  {}  {title} ({stage})", f.incident, f.at.rfc3339())?;
        let snippet: String = f
            .snippet
            .chars()
            .filter(|c| *c != MARK.0 && *c != MARK.1)
            .collect();
        writeln!(out, "    {}", cut(&snippet, 400))?;
    }
    if found.is_empty() {
        writeln!(
            out,
            "Nothing has these words. Incidents are found once they are over and a server has run since."
        )?;
    }
    print(&out)?;
    Ok(if found.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn open(loaded: &Loaded) -> anyhow::Result<Store> {
    Store::open(loaded.settings.database_url.expose_secret())
        .await
        .context("the database could not be opened")
}

/// Prints the journal, line by line, and the state it folds to.
///
/// # Errors
/// When the database cannot be read or holds no such incident.
pub async fn replay(path: &Path, id: IncidentId, private: bool) -> anyhow::Result<ExitCode> {
    let Some((journal, _)) = journal(path, id).await? else {
        return Ok(ExitCode::FAILURE);
    };
    let incident = Incident::replay(id, &journal);
    open_to_all(id, incident.nature.private, private)?;
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
    let journal = open(&loaded).await?.journal(id).await?;
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
