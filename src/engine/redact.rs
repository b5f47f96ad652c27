//! Removal for good: of words, of what bears the same words, of files and of a run's output.
//!
//! One commit overwrites the lines of the journal, forgets the files' names and orders the removal on
//! every platform; what follows it (the search index, the files' content, the pages of the database) is
//! done again at the next start when it was interrupted. What stays is who removed which line, and why.

use super::outgoing::Message;
use super::{Engine, Failure};
use crate::core::directory::Directory;
use crate::core::id::{Actor, IncidentId, RunId, Seq};
use crate::core::incident::{Command, ConductEvent, Event, Record, Refusal};
use crate::store::{ChangeSet, PostChange, RunRow};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be removed.
#[derive(Clone, Debug)]
pub struct Redaction {
    /// Who wants it.
    pub by: Actor,
    /// Of which incident.
    pub incident: IncidentId,
    /// The event whose words are removed; with it every other that bears the same message.
    pub seq: Seq,
    /// Why; stands in its place.
    pub why: String,
}

/// In place of what a run wrote.
const GONE: &str = "(removed for good)";

/// The message an event bears: platform and the platform's id.
fn message_of(event: &Event) -> Option<(&str, &str)> {
    match event {
        Event::Spoke {
            platform, message, ..
        }
        | Event::Reworded {
            platform, message, ..
        }
        | Event::Unsaid {
            platform, message, ..
        } => Some((platform, message)),
        Event::Kept(kept) => Some((&kept.platform, &kept.message)),
        Event::Attached(file) => Some((&file.platform, &file.message)),
        Event::FileRefused(file) => Some((&file.platform, &file.message)),
        _ => None,
    }
}

/// Whether an event holds words or a file of a person, or what a program wrote.
fn removable(event: &Event) -> bool {
    matches!(
        event,
        Event::Noted { .. }
            | Event::Spoke { .. }
            | Event::Reworded { .. }
            | Event::Kept(_)
            | Event::Attached(_)
            | Event::FileRefused(_)
            | Event::RunEnded { .. }
            | Event::Conduct(ConductEvent::Decided { .. })
    )
}

/// What stands in an event's place.
pub(super) fn left(event: &Event) -> Event {
    if let Event::RunEnded {
        run,
        outcome,
        duration_ms,
        bytes,
        notes,
        ..
    } = event
    {
        // How it went is part of the state; what it wrote is not.
        return Event::RunEnded {
            run: *run,
            outcome: outcome.clone(),
            duration_ms: *duration_ms,
            bytes: *bytes,
            tail: GONE.to_owned(),
            notes: notes.clone(),
        };
    }
    let (platform, message) = message_of(event).unwrap_or_default();
    Event::Removed {
        kind: event.kind().to_owned(),
        platform: platform.to_owned(),
        message: message.to_owned(),
    }
}

/// The events that go: the one that is named first, then those with the same message.
///
/// # Errors
/// It is none that can be removed.
pub(super) fn bearing(journal: &[Record], seq: Seq) -> Result<Vec<&Record>, Refusal> {
    let invalid = |why: String| Refusal::Invalid { why };
    let Some(named) = journal.iter().find(|r| r.seq == seq) else {
        return Err(invalid(format!("There is no line {seq} in this timeline.")));
    };
    if let Event::Removed { .. } = named.event {
        return Err(Refusal::NothingToDo {
            what: format!("Line {seq} was removed already."),
        });
    }
    if !removable(&named.event) {
        return Err(invalid(format!(
            "Line {seq} is not something a person wrote; only notes, decisions, messages, files and what runs wrote can be removed."
        )));
    }
    let mut all = vec![named];
    // A file goes by itself; with a message go its corrections and what came with it.
    if let Some(message) = message_of(&named.event)
        && !matches!(named.event, Event::Attached(_) | Event::FileRefused(_))
    {
        let same = |r: &&Record| {
            r.seq != seq && removable(&r.event) && message_of(&r.event) == Some(message)
        };
        all.extend(journal.iter().filter(same));
    }
    Ok(all)
}

/// Who wrote it.
fn author(event: &Event) -> Option<&Actor> {
    match event {
        Event::Noted { by, .. } | Event::Spoke { by, .. } | Event::Reworded { by, .. } => Some(by),
        Event::Conduct(ConductEvent::Decided { by, .. }) => Some(by),
        Event::Attached(file) => Some(&file.by),
        Event::FileRefused(file) => Some(&file.by),
        _ => None,
    }
}

/// Whether somebody may remove this: authors their own words, and whoever holds a role of
/// `[rooms] redactors` everything.
fn may(by: &Actor, event: &Event, directory: &Directory) -> Result<(), Refusal> {
    if author(event).is_some_and(|a| a.same(by)) {
        return Ok(());
    }
    let roles = &directory.rooms.redactors;
    let person = by.person().and_then(|id| directory.people.get(id));
    if person.is_some_and(|p| p.roles.iter().any(|r| roles.contains(r))) {
        return Ok(());
    }
    let why = if roles.is_empty() {
        "Only its author may remove this: `[rooms] redactors` names no role that may remove what others wrote.".to_owned()
    } else {
        format!(
            "Only its author and people with the role {} may remove this.",
            roles.join(" or ")
        )
    };
    Err(Refusal::Forbidden { why })
}

impl Engine {
    /// Removes words for good; answers what was done, in words. The same cause is the same act.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable`: nothing was removed.
    pub async fn redact(&self, cause: &str, wanted: Redaction) -> Result<String, Failure> {
        let (id, seq) = (wanted.incident, wanted.seq);
        let journal = self.store().journal(id).await?;
        if journal.is_empty() {
            return Err(Refusal::NoSuchIncident.into());
        }
        let again = self.store().answered(cause).await?.is_some();
        if !again {
            let gone = bearing(&journal, seq)?;
            for record in &gone {
                may(&wanted.by, &record.event, &self.directory())?;
            }
            let also: Vec<Seq> = gone.iter().skip(1).map(|r| r.seq).collect();
            let command = Command::Redact {
                by: wanted.by.clone(),
                seq,
                also,
                why: wanted.why.clone(),
            };
            let seqs = gone.iter().map(|r| r.seq).collect();
            self.submit(cause, id, command).await?;
            let _ = self.0.deliver.send(Message::Reread(id, seqs));
        }
        self.scour(id, &journal).await?;
        Ok(format!(
            "Line {seq} of {id} was removed for good from the journal, the search and the stored files, and is being removed on every platform; what a platform does not let go of is told on the timeline."
        ))
    }

    /// What follows the removal: the console's copies, the words that are searched, what a run wrote, the
    /// content of files nobody needs any more, and the pages of the database they stood on.
    async fn scour(&self, id: IncidentId, before: &[Record]) -> Result<(), Failure> {
        let now = self.store().journal(id).await?;
        let gone: BTreeSet<Seq> = (now.iter())
            .filter(|r| is_gone(&r.event))
            .map(|r| r.seq)
            .collect();
        let mut changes = ChangeSet::default();
        for record in before.iter().filter(|r| gone.contains(&r.seq)) {
            if let Event::RunEnded { run, .. } = record.event {
                let row = self.store().run(run).await?;
                changes.runs.extend(row.and_then(wiped));
            }
        }
        changes.post_changes = self.copies(id, &gone).await?;
        if !changes.is_empty() {
            self.write(changes).await?;
        }
        self.index_again(id).await?;
        let needed = |r: &&Record| gone.contains(&r.seq);
        let hashes: Vec<String> = (before.iter().filter(needed))
            .filter_map(|r| match &r.event {
                Event::Attached(file) => Some(file.sha256.clone()),
                _ => None,
            })
            .collect();
        self.drop_content(&hashes).await?;
        self.store().scrub().await?;
        self.announce(super::Change::Incident(id));
        Ok(())
    }

    /// The console's messages that say these events.
    async fn copies(
        &self,
        id: IncidentId,
        gone: &BTreeSet<Seq>,
    ) -> Result<BTreeMap<i64, PostChange>, Failure> {
        let mut changes = BTreeMap::new();
        for post in self.store().posts_of(id, gone).await? {
            let change = PostChange {
                id: post.id,
                text: String::new(),
                state: "removed".to_owned(),
                changed_at: self.now(),
            };
            changes.insert(post.id, change);
        }
        Ok(changes)
    }
}

fn is_gone(event: &Event) -> bool {
    match event {
        Event::Removed { .. } => true,
        Event::RunEnded { tail, .. } => tail == GONE,
        _ => false,
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
