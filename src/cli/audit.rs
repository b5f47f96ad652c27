//! `firebell audit`: look whether the audit was touched, print it, sign its end.

use super::{Config, print, serve};
use crate::core::audit::{Checkpoint, Entry, Walk};
use crate::engine::{Clock, Sealer, Whole, checkpoint_file, genuine_all, verify_audit};
use crate::store::Store;
use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Entries read at once.
const PIECE: i64 = 1000;

/// What of the audit.
#[derive(Debug, clap::Subcommand)]
pub(super) enum What {
    /// Look whether an entry was changed, left out, put in, moved or cut off; names the first
    Verify {
        /// An export instead of the database
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Checkpoints that were kept elsewhere, one JSON object a line
        #[arg(long, value_name = "FILE")]
        checkpoints: Option<PathBuf>,
        /// The public key checkpoints must be signed with [default: of the key in the data folder]
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
        #[command(flatten)]
        config: Config,
    },
    /// Print every entry and checkpoint, one JSON object a line
    Export {
        #[command(flatten)]
        config: Config,
    },
    /// Sign the end of the chain and print that; keep it where the database's owner cannot change it
    Checkpoint {
        #[command(flatten)]
        config: Config,
    },
}

/// Does it.
///
/// # Errors
/// When the database or a file cannot be read.
pub(super) async fn audit(what: &What) -> anyhow::Result<ExitCode> {
    let (What::Verify { config, .. } | What::Export { config } | What::Checkpoint { config }) =
        what;
    let Some(loaded) = serve::load(&config.path) else {
        return Ok(ExitCode::FAILURE);
    };
    let settings = &loaded.settings;
    let given = settings
        .audit
        .key
        .as_ref()
        .map(|k| k.expose_secret().to_owned());
    let open = async || {
        Store::open(settings.database_url.expose_secret())
            .await
            .context("the database could not be opened")
    };
    match what {
        What::Verify {
            from,
            checkpoints,
            key,
            ..
        } => {
            let own = Sealer::existing(&settings.data_dir, given.as_deref());
            let key = key.clone().or_else(|| own.map(|s| s.public()));
            let mut kept = lines_of(&checkpoint_file(&settings.data_dir), false)?;
            if let Some(path) = checkpoints {
                kept.extend(lines_of(path, true)?);
            }
            let outcome = match from {
                Some(path) => from_file(path, kept, key.as_deref())?,
                None => verify_audit(&open().await?, kept, key.as_deref()).await?,
            };
            told(outcome)
        }
        What::Export { .. } => {
            let store = open().await?;
            let mut after = 0;
            loop {
                let piece = store.audit_after(after, PIECE).await?;
                let Some(last) = piece.last() else { break };
                after = last.n;
                for entry in &piece {
                    print(&serde_json::to_string(entry)?)?;
                }
            }
            for checkpoint in store.audit_checkpoints().await? {
                print(&serde_json::to_string(
                    &serde_json::json!({"checkpoint": checkpoint}),
                )?)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        What::Checkpoint { .. } => {
            let store = open().await?;
            let sealer = Sealer::open(&settings.data_dir, given.as_deref())?;
            let kept = lines_of(&checkpoint_file(&settings.data_dir), false)?;
            let key = sealer.public();
            // What is broken is not signed.
            let outcome = verify_audit(&store, kept, Some(&key)).await?;
            let Ok(seen) = &outcome else {
                return told(outcome);
            };
            let checkpoint = sealer.sign(&seen.head, Clock::Real.now());
            sealer.keep(&checkpoint)?;
            print(&serde_json::to_string(&checkpoint)?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn told(outcome: Result<Whole, String>) -> anyhow::Result<ExitCode> {
    match outcome {
        Ok(seen) => {
            let by = match (&seen.key, seen.checkpoints) {
                (_, 0) => {
                    "no checkpoint has signed them yet, so an end that was cut off would not show"
                        .to_owned()
                }
                (Some(key), n) => format!(
                    "{} signed with the key {key} agree",
                    crate::core::text::count(n, "checkpoint")
                ),
                (None, n) => format!(
                    "{} agree; compare their key with the one you wrote down",
                    crate::core::text::count(n, "checkpoint")
                ),
            };
            let entries = usize::try_from(seen.head.n).unwrap_or(0);
            let what = if entries == 1 {
                "1 entry".to_owned()
            } else {
                format!("{entries} entries")
            };
            print(&format!(
                "The audit is whole: {what}, ending in {}; {by}.",
                seen.head.hash
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(why) => {
            print(&format!("The audit was touched: {why}."))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The checkpoints of a file, one a line; no file is none unless it was named.
fn lines_of(path: &Path, named: bool) -> anyhow::Result<Vec<Checkpoint>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if !named && e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => bail!("the checkpoints {} cannot be read: {e}", path.display()),
    };
    let lines = text.lines().filter(|l| !l.trim().is_empty());
    lines
        .map(|line| {
            serde_json::from_str(line)
                .with_context(|| format!("{} holds a line that is no checkpoint", path.display()))
        })
        .collect()
}

/// A line of an export.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Line {
    Checkpoint { checkpoint: Checkpoint },
    Entry(Box<Entry>),
}

fn from_file(
    path: &Path,
    kept: Vec<Checkpoint>,
    key: Option<&str>,
) -> anyhow::Result<Result<Whole, String>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let (mut entries, mut all) = (Vec::new(), kept);
    for (n, line) in (1..).zip(text.lines()) {
        match serde_json::from_str::<Line>(line) {
            Ok(Line::Entry(entry)) => entries.push(entry),
            Ok(Line::Checkpoint { checkpoint }) => all.push(checkpoint),
            Err(_) => {
                let next = entries.len() + 1;
                return Ok(Err(format!(
                    "line {n} is no entry; entry {next} should stand there"
                )));
            }
        }
    }
    let all = match genuine_all(all, key) {
        Ok(all) => all,
        Err(why) => return Ok(Err(why)),
    };
    let checkpoints = all.len();
    let mut walk = Walk::new(all);
    for entry in &entries {
        if let Err(broken) = walk.step(entry) {
            return Ok(Err(broken.to_string()));
        }
    }
    Ok(walk.end().map_err(|b| b.to_string()).map(|head| Whole {
        head,
        checkpoints,
        key: key.map(str::to_owned),
    }))
}
