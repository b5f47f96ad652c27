//! The end of a run: what it left is kept, its row and the timeline say how it went, the rooms show it.

use super::Hand;
use super::follow::Ended;
use crate::chat::{Fault, Retry};
use crate::core::digest;
use crate::core::incident::{Command, Outcome};
use crate::engine::desk::Job as Errand;
use crate::engine::outgoing::Settled;
use crate::run::port::Job;
use crate::store::{ArtifactRow, ChangeSet, OutboxRow};
use std::path::Path;

impl Hand {
    pub(super) async fn report(&mut self, mut ended: Ended) {
        let digest = digest::sha256(ended.output.as_bytes());
        let mut notes = std::mem::take(&mut self.notes);
        notes.append(&mut ended.notes);
        let mut changes = ChangeSet::default();
        if let Some(job) = &ended.job {
            let (rows, lost) = self.artifacts(job);
            notes.extend(
                rows.iter()
                    .map(|a| format!("it left {} ({} bytes)", a.name, a.bytes)),
            );
            notes.extend(lost);
            changes.artifacts = rows;
        }
        if ended.bytes > 0 {
            notes.push(format!("output sha256 {digest}"));
        }
        let private = ended.job.as_ref().is_some_and(|j| j.action.private_output);
        self.record = self.ended_row(&ended, digest);
        changes.runs.insert(self.run, self.record.clone());
        // Without it the timeline still says how it went; the folder is there for whoever looks.
        if let Err(error) = self.engine.write(changes).await {
            tracing::warn!(%error, "a run's last output could not be stored");
        }
        let command = Command::RunEnded {
            run: self.run,
            outcome: ended.outcome.clone(),
            duration_ms: ended.duration_ms,
            bytes: u64::try_from(ended.bytes).unwrap_or(0),
            tail: if private { String::new() } else { ended.tail },
            notes,
        };
        self.submit("ended", command).await;
        if self.engine.fenced() {
            return;
        }
        if let Some(incident) = self.newest().await {
            self.tell_rooms(&incident).await;
        }
        self.settle(&ended.outcome).await;
    }

    /// The effect is done with, whatever came of it.
    pub(super) async fn settle(&self, outcome: &Outcome) {
        let result = match outcome {
            Outcome::Succeeded { .. } | Outcome::Reported { good: true, .. } => Ok(()),
            other => Err(Fault {
                why: other.word().to_owned(),
                retry: Retry::Never,
            }),
        };
        let row = OutboxRow {
            attempts: self.effect.row.attempts.max(1),
            ..self.effect.row.clone()
        };
        let settled = Box::new(Settled::Effect {
            row,
            result,
            retry_at: None,
            tell: false,
            ledger: Vec::new(),
        });
        let _ = self
            .engine
            .0
            .desk
            .send(Errand::Settled(settled, None))
            .await;
    }

    /// Moves what it left to where it is kept by content; answers the rows, and what could not be kept.
    fn artifacts(&self, job: &Job) -> (Vec<ArtifactRow>, Vec<String>) {
        let executors = &self.engine.0.options.executors;
        let (Some(executor), Some(place)) = (executors.of(&job.action.how), executors.artifacts())
        else {
            return (Vec::new(), Vec::new());
        };
        let (mut rows, mut lost) = (Vec::new(), Vec::new());
        for (kept, path) in executor.artifacts(job) {
            match file(&path, place, &kept.sha256) {
                Ok(()) => rows.push(ArtifactRow {
                    run: self.run,
                    n: i64::try_from(rows.len()).unwrap_or(i64::MAX),
                    name: kept.name,
                    sha256: kept.sha256,
                    bytes: i64::try_from(kept.bytes).unwrap_or(i64::MAX),
                }),
                Err(e) => lost.push(format!("the artefact {} could not be kept: {e}", kept.name)),
            }
        }
        (rows, lost)
    }
}

/// The same content again is the same file.
fn file(from: &Path, place: &Path, sha256: &str) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let hex = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
    if !hex {
        return Err(std::io::Error::other("its hash is no hash"));
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(place)?;
    let to = place.join(sha256);
    if !to.exists() {
        let new = place.join(format!("{sha256}.new"));
        std::fs::copy(from, &new)?;
        std::fs::File::open(&new)?.sync_all()?;
        std::fs::rename(new, to)?;
    }
    Ok(())
}
