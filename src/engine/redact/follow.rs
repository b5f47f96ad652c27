//! What follows a removal, as often as it takes: copies, what runs left, files, exports, the database's
//! own pages. All of it is found again from the journal, so a start goes on where a process died.

use super::{Engine, Failure, is_gone, run_of};
use crate::core::id::{IncidentId, RunId, Seq};
use crate::core::incident::{Event, GONE, Record};
use crate::core::summary::{Checked, State};
use crate::engine::{Change, act, exports};
use crate::run::shred;
use crate::store::{ChangeSet, NoticeRow, PostChange, PostRow, RunRow};
use std::collections::{BTreeMap, BTreeSet};

/// A removal has begun, and one is through: keys of what is told once, with the incident, the section of
/// the postmortem (empty: a line of the journal) and the cause.
const BEGUN: &str = "scour:";
const THROUGH: &str = "scoured:";

impl Engine {
    /// From here on a start looks whether it was finished.
    pub(super) async fn begin_scour(
        &self,
        (id, anchor): (IncidentId, &str),
        cause: &str,
    ) -> Result<(), Failure> {
        self.mark(format!("{BEGUN}{}:{anchor}:{cause}", id.0)).await
    }

    /// Nothing is left to be done.
    pub(super) async fn end_scour(
        &self,
        (id, anchor): (IncidentId, &str),
        cause: &str,
    ) -> Result<(), Failure> {
        self.mark(format!("{THROUGH}{}:{anchor}:{cause}", id.0))
            .await
    }

    async fn mark(&self, key: String) -> Result<(), Failure> {
        let changes = ChangeSet {
            told: vec![(key, self.now())],
            ..ChangeSet::default()
        };
        self.write(changes).await
    }

    /// Finishes what removals left undone when the process before this one ended. To be said once, after
    /// [`Engine::keep_files_in`].
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn finish_removals(&self) -> Result<(), Failure> {
        let told = self.store().told().await?;
        for key in &told {
            let Some(act) = key.strip_prefix(BEGUN) else {
                continue;
            };
            let mut parts = act.splitn(3, ':');
            let (Some(Ok(id)), Some(anchor), Some(cause)) =
                (parts.next().map(str::parse), parts.next(), parts.next())
            else {
                continue;
            };
            if told.contains(&format!("{THROUGH}{act}")) {
                continue;
            }
            let id = IncidentId(id);
            if !anchor.is_empty() && self.store().answered(cause).await?.is_some() {
                self.forget_section(id, anchor).await?;
            }
            self.scour(id, &[]).await?;
            self.end_scour((id, anchor), cause).await?;
        }
        // Content whose name the journal has lost is found by what is in the folder.
        self.sweep_files().await
    }

    /// The console's copies, what runs wrote and left, a summary that was made of it, the words that are
    /// searched, documents elsewhere, the content of files nobody needs any more, and the pages of the
    /// database. Answers the tables that were too large to be written anew.
    pub(super) async fn scour(
        &self,
        id: IncidentId,
        before: &[Record],
    ) -> Result<Vec<String>, Failure> {
        let now = self.store().journal(id).await?;
        let gone = || now.iter().filter(|r| is_gone(&r.event));
        let seqs: BTreeSet<Seq> = gone().map(|r| r.seq).collect();
        let runs: BTreeSet<RunId> = gone().filter_map(|r| run_of(&r.event)).collect();
        let updates: Vec<Seq> = gone()
            .filter(|r| matches!(r.event, Event::Updated(_)))
            .map(|r| r.seq)
            .collect();
        let (notices, mut copies) = self.told_of(id, &updates).await?;
        copies.extend(self.copies(id, &seqs).await?);
        let mut changes = ChangeSet {
            post_changes: copies,
            notices,
            exports: self.sent_again(id).await?,
            ..ChangeSet::default()
        };
        for run in runs {
            self.erase(run).await?;
            changes.artifacts_removed.push(run);
            let row = self.store().run(run).await?;
            changes.runs.extend(row.and_then(wiped));
        }
        if !changes.is_empty() {
            self.write(changes).await?;
        }
        self.withdraw_summary(id).await?;
        self.index_again(id).await?;
        let lost = before.iter().filter(|r| seqs.contains(&r.seq));
        let hashes: Vec<String> = lost
            .filter_map(|r| match &r.event {
                Event::Attached(file) => Some(file.sha256.clone()),
                _ => None,
            })
            .collect();
        self.drop_content(&hashes).await?;
        let unwritten = self.store().scrub().await?;
        self.announce(Change::Incident(id));
        if !updates.is_empty() {
            self.announce(Change::Updates);
        }
        self.0.after.moved.notify_one();
        Ok(unwritten)
    }

    /// What a run left, and what its executor keeps of what it wrote.
    async fn erase(&self, run: RunId) -> Result<(), Failure> {
        let executors = &self.0.options.executors;
        if let Some(place) = executors.artifacts() {
            for left in self.store().artifacts(run).await? {
                let others = self.store().artifacts_of(&left.sha256).await?;
                let hash = left.sha256.len() == 64;
                if hash && others.iter().all(|o| o.run == run) {
                    shred(&place.join(&left.sha256));
                }
            }
        }
        let (executors, key) = (executors.clone(), act::key(self, run));
        let done = tokio::task::spawn_blocking(move || executors.erase(&key)).await;
        done.map_err(|error| Failure::Unavailable(error.to_string()))
    }

    /// The console's messages that say these events.
    async fn copies(
        &self,
        id: IncidentId,
        gone: &BTreeSet<Seq>,
    ) -> Result<BTreeMap<i64, PostChange>, Failure> {
        let posts = self.store().posts_of(id, gone).await?;
        Ok(posts.iter().map(|post| self.without_words(post)).collect())
    }

    fn without_words(&self, post: &PostRow) -> (i64, PostChange) {
        let change = PostChange {
            id: post.id,
            text: String::new(),
            state: "removed".to_owned(),
            changed_at: self.now(),
        };
        (post.id, change)
    }

    /// What updates became for those who asked to be told of them: what was not said yet is not said any
    /// more, and the console's copies go. Elsewhere they stay, as mails do.
    async fn told_of(
        &self,
        id: IncidentId,
        updates: &[Seq],
    ) -> Result<(BTreeMap<String, NoticeRow>, BTreeMap<i64, PostChange>), Failure> {
        let (mut notices, mut copies) = (BTreeMap::new(), BTreeMap::new());
        for seq in updates {
            for mut row in self.store().lines_of(id, *seq).await? {
                row.text.clear();
                if row.state == "waiting" {
                    "failed".clone_into(&mut row.state);
                    "its words were removed for good".clone_into(&mut row.error);
                }
                notices.insert(row.key.clone(), row);
            }
            let posts = self.store().copies_of(id, *seq).await?;
            copies.extend(posts.iter().map(|post| self.without_words(post)));
        }
        Ok((notices, copies))
    }

    /// Documents that are somewhere else are brought up to date there.
    async fn sent_again(&self, id: IncidentId) -> Result<Vec<crate::store::ExportRow>, Failure> {
        let mut rows = self.store().exports(id).await?;
        rows.retain(|row| row.what == exports::DOCUMENT && row.state == "done");
        for row in &mut rows {
            "waiting".clone_into(&mut row.state);
            (row.attempts, row.due_at, row.updated_at) = (0, self.now(), self.now());
        }
        Ok(rows)
    }

    /// What a model made of the timeline of before is nobody's proposal any more.
    async fn withdraw_summary(&self, id: IncidentId) -> Result<(), Failure> {
        let _one = self.0.summaries.one.lock().await;
        let Some(mut proposal) = self.store().proposal(id).await? else {
            return Ok(());
        };
        let words = proposal.checked != Checked::default();
        if !words && proposal.state != State::Asking {
            return Ok(());
        }
        proposal.checked = Checked::default();
        if matches!(proposal.state, State::Asking | State::Proposed) {
            proposal.state = State::Failed;
            "something of the timeline was removed for good after it was asked for"
                .clone_into(&mut proposal.error);
        }
        self.keep_proposal(id, &proposal).await
    }
}

/// A run without what it wrote; `None`: there is nothing left of that.
fn wiped(row: RunRow) -> Option<(RunId, RunRow)> {
    (!row.output.is_empty() && row.output != GONE).then(|| {
        let row = RunRow {
            output: GONE.to_owned(),
            digest: String::new(),
            ..row
        };
        (row.id, row)
    })
}
