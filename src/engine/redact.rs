//! Removal for good: of words, of what bears the same words, of files, of a run's output and of what
//! people wrote into a postmortem.
//!
//! Words go from the postmortem first, because what they were is known only while the journal has them.
//! Then one commit overwrites the lines of the journal, forgets the files' names and orders the removal on
//! every platform. What follows it (the search index, what runs left, the files' content, the pages of
//! the database) is done again at the next start when it was interrupted. What stays is who removed
//! what, and why.

mod follow;
mod prose;

use super::outgoing::Message;
use super::{Engine, Failure};
use crate::core::directory::Directory;
use crate::core::id::{Actor, IncidentId, RunId, Seq};
use crate::core::incident::{Command, ConductEvent, Event, GONE, Record, Refusal};
use crate::core::postmortem::Words;

/// What is to be removed.
#[derive(Clone, Debug)]
pub struct Redaction {
    /// Who wants it.
    pub by: Actor,
    /// Of which incident.
    pub incident: IncidentId,
    /// The event whose words are removed; with it every other that bears the same message, or what the
    /// same run wrote.
    pub seq: Seq,
    /// Why; stands in its place.
    pub why: String,
}

/// What of a run's notes tells what it wrote or left.
const TELLING: [&str; 3] = ["it left ", "the artefact ", "output sha256 "];

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

/// The run whose output an event holds.
fn run_of(event: &Event) -> Option<RunId> {
    match event {
        Event::RunRehearsed { run, .. } | Event::RunEnded { run, .. } => Some(*run),
        _ => None,
    }
}

/// The task whose words an event holds.
fn task_of(event: &Event) -> Option<u32> {
    match event {
        Event::Conduct(
            ConductEvent::TaskAdded { task, .. }
            | ConductEvent::TaskChanged { task, .. }
            | ConductEvent::TaskFinished { task, .. }
            | ConductEvent::TaskDropped { task, .. },
        ) => Some(*task),
        _ => None,
    }
}

/// Whether an event holds words or a file of a person, or what a program wrote.
fn removable(event: &Event) -> bool {
    if let Event::Updated(update) = event {
        return !update.text.is_empty();
    }
    matches!(
        event,
        Event::Noted { .. }
            | Event::Spoke { .. }
            | Event::Reworded { .. }
            | Event::Kept(_)
            | Event::Attached(_)
            | Event::FileRefused(_)
            | Event::RunRehearsed { .. }
            | Event::RunEnded { .. }
            | Event::Conduct(
                ConductEvent::Decided { .. }
                    | ConductEvent::Reported { .. }
                    | ConductEvent::TaskAdded { .. }
                    | ConductEvent::TaskChanged { .. }
                    | ConductEvent::TaskFinished { .. }
                    | ConductEvent::TaskDropped { .. }
                    | ConductEvent::TaskDue { .. }
            )
    )
}

/// The words an event holds that go with it.
fn words_of(event: &Event) -> Vec<&str> {
    match event {
        Event::Noted { text, .. }
        | Event::Spoke { text, .. }
        | Event::Reworded { text, .. }
        | Event::Conduct(
            ConductEvent::Decided { text, .. }
            | ConductEvent::TaskAdded { text, .. }
            | ConductEvent::TaskChanged { text, .. }
            | ConductEvent::TaskFinished { text, .. }
            | ConductEvent::TaskDropped { text, .. },
        )
        | Event::RunRehearsed { tail: text, .. }
        | Event::RunEnded { tail: text, .. } => vec![text],
        Event::Conduct(ConductEvent::Reported {
            conditions,
            actions,
            needs,
            ..
        }) => vec![conditions, actions, needs],
        Event::Conduct(ConductEvent::TaskDue { tasks }) => {
            tasks.iter().map(|t| t.text.as_str()).collect()
        }
        Event::Kept(kept) => vec![&kept.text],
        Event::Updated(update) => vec![&update.text],
        _ => Vec::new(),
    }
}

/// The words of these events.
fn words(gone: &[&Record]) -> Words {
    let (output, said): (Vec<&Record>, Vec<&Record>) = gone
        .iter()
        .copied()
        .partition(|r| run_of(&r.event).is_some());
    let said = Words::of(said.iter().flat_map(|r| words_of(&r.event)));
    said.and_output(output.iter().flat_map(|r| words_of(&r.event)))
}

/// Of an event of the conduct, what is part of the state, without its words; `None`: nothing is.
fn blank(event: &ConductEvent) -> Option<ConductEvent> {
    let mut left = event.clone();
    match &mut left {
        ConductEvent::TaskAdded { text, .. }
        | ConductEvent::TaskChanged { text, .. }
        | ConductEvent::TaskFinished { text, .. }
        | ConductEvent::TaskDropped { text, .. } => GONE.clone_into(text),
        ConductEvent::TaskDue { tasks } => {
            for task in tasks {
                GONE.clone_into(&mut task.text);
            }
        }
        ConductEvent::Reported {
            conditions,
            actions,
            needs,
            ..
        } => {
            for part in [conditions, actions, needs] {
                GONE.clone_into(part);
            }
        }
        _ => return None,
    }
    Some(left)
}

/// What stands in an event's place.
pub(super) fn left(event: &Event) -> Event {
    if let Event::Conduct(conduct) = event
        && let Some(blank) = blank(conduct)
    {
        return Event::Conduct(blank);
    }
    match event {
        // How it went is part of the state, and so is what was agreed on; what it wrote is not.
        Event::RunEnded {
            run,
            outcome,
            duration_ms,
            bytes,
            notes,
            ..
        } => {
            let tells = |note: &&String| !TELLING.iter().any(|t| note.starts_with(t));
            Event::RunEnded {
                run: *run,
                outcome: outcome.clone(),
                duration_ms: *duration_ms,
                bytes: *bytes,
                tail: GONE.to_owned(),
                notes: notes.iter().filter(tells).cloned().collect(),
            }
        }
        // What was told of its status and components stays true.
        Event::Updated(update) => {
            let mut update = update.clone();
            update.forget();
            Event::Updated(update)
        }
        Event::RunRehearsed {
            run,
            outcome,
            digest,
            ..
        } => Event::RunRehearsed {
            run: *run,
            outcome: outcome.clone(),
            tail: GONE.to_owned(),
            digest: digest.clone(),
        },
        event => {
            let (platform, message) = message_of(event).unwrap_or_default();
            Event::Removed {
                kind: event.kind().to_owned(),
                platform: platform.to_owned(),
                message: message.to_owned(),
            }
        }
    }
}

/// Whether an event's words were removed.
fn is_gone(event: &Event) -> bool {
    match event {
        Event::Removed { .. } => true,
        Event::RunEnded { tail, .. } | Event::RunRehearsed { tail, .. } => tail == GONE,
        Event::Updated(update) => update.text == GONE,
        Event::Conduct(conduct) => {
            let words = words_of(event);
            blank(conduct).is_some() && !words.is_empty() && words.iter().all(|w| *w == GONE)
        }
        _ => false,
    }
}

/// The events that go: the one that is named first, then those with the same message, of the same run or
/// task, and tasks, reports and updates that bear the same words.
///
/// # Errors
/// It is none that can be removed.
pub(super) fn bearing(journal: &[Record], seq: Seq) -> Result<Vec<&Record>, Refusal> {
    let mut all = same(journal, seq)?;
    let words = words(&all);
    let bears = |r: &&Record| {
        let quotes = match &r.event {
            Event::Conduct(conduct) => blank(conduct).is_some(),
            Event::Updated(_) => true,
            _ => false,
        };
        quotes && words_of(&r.event).iter().any(|w| words.are_in(w))
    };
    let tasks: Vec<u32> = (journal.iter().filter(bears))
        .filter_map(|r| task_of(&r.event))
        .collect();
    let of_these = |r: &&Record| {
        let task = task_of(&r.event).is_some_and(|t| tasks.contains(&t));
        (task || bears(r)) && !is_gone(&r.event)
    };
    for record in journal.iter().filter(of_these) {
        if !all.iter().any(|r| r.seq == record.seq) {
            all.push(record);
        }
    }
    Ok(all)
}

/// The named event, then those that are the same message, run or task.
fn same(journal: &[Record], seq: Seq) -> Result<Vec<&Record>, Refusal> {
    let invalid = |why: String| Refusal::Invalid { why };
    let Some(named) = journal.iter().find(|r| r.seq == seq) else {
        return Err(invalid(format!("There is no line {seq} in this timeline.")));
    };
    if is_gone(&named.event) {
        return Err(Refusal::NothingToDo {
            what: format!("Line {seq} was removed already."),
        });
    }
    if !removable(&named.event) {
        return Err(invalid(format!(
            "Line {seq} is not something a person wrote; only notes, decisions, tasks, reports, updates, messages, files and what runs wrote can be removed."
        )));
    }
    let others = |same: &dyn Fn(&Event) -> bool| {
        let mut all = vec![named];
        all.extend((journal.iter()).filter(|r| {
            r.seq != seq && removable(&r.event) && !is_gone(&r.event) && same(&r.event)
        }));
        all
    };
    if let Some(run) = run_of(&named.event) {
        return Ok(others(&|e| run_of(e) == Some(run)));
    }
    if let Some(task) = task_of(&named.event) {
        return Ok(others(&|e| task_of(e) == Some(task)));
    }
    // A file goes by itself; with a message go its corrections and what came with it.
    if let Some(message) = message_of(&named.event)
        && !matches!(named.event, Event::Attached(_) | Event::FileRefused(_))
    {
        return Ok(others(&|e| message_of(e) == Some(message)));
    }
    Ok(vec![named])
}

/// Who wrote it.
fn author(event: &Event) -> Option<&Actor> {
    match event {
        Event::Noted { by, .. } | Event::Spoke { by, .. } | Event::Reworded { by, .. } => Some(by),
        Event::Conduct(conduct) => conduct.by(),
        Event::Attached(file) => Some(&file.by),
        Event::FileRefused(file) => Some(&file.by),
        Event::Updated(update) => Some(&update.by),
        _ => None,
    }
}

/// Whether somebody may remove what these have written: authors their own words, and whoever holds a
/// role of `[rooms] redactors` everything. `authors`: empty, it is nobody's.
fn permitted(by: &Actor, authors: &[Actor], directory: &Directory) -> Result<(), Refusal> {
    if !authors.is_empty() && authors.iter().all(|a| a.same(by)) {
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
    /// A refusal in words, or `Unavailable`: the line stands as it was.
    pub async fn redact(&self, cause: &str, wanted: Redaction) -> Result<String, Failure> {
        let (id, seq) = (wanted.incident, wanted.seq);
        let journal = self.store().journal(id).await?;
        if journal.is_empty() {
            return Err(Refusal::NoSuchIncident.into());
        }
        let again = self.store().answered(cause).await?.is_some();
        let mut states = 0;
        if !again {
            let gone = bearing(&journal, seq)?;
            // Who may remove words may remove them wherever they are repeated.
            for record in same(&journal, seq)? {
                let authors: Vec<Actor> = author(&record.event).into_iter().cloned().collect();
                permitted(&wanted.by, &authors, &self.directory())?;
            }
            if wanted.why.trim().is_empty() {
                return Err(Failure::Refused(Refusal::Invalid {
                    why: "Say why it is removed: `redact 7 it holds a password`.".to_owned(),
                }));
            }
            self.begin_scour((id, ""), cause).await?;
            states = self.forget_words(id, &gone).await?;
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
        let unwritten = self.scour(id, &journal).await?;
        self.end_scour((id, ""), cause).await?;
        let mut told = format!(
            "Line {seq} of {id} was removed for good from the journal, the search and the stored files, and is being removed on every platform; what a platform does not let go of is told on the timeline."
        );
        if states > 0 {
            told.push_str(
                " It stood in the postmortem too, and is gone from that and its revisions.",
            );
        }
        if !unwritten.is_empty() {
            told.push_str(&format!(
                " The database is too large to be written anew while firebell runs: an administrator runs `vacuum full` on {} to free its files of it.",
                unwritten.join(", ")
            ));
        }
        Ok(told)
    }
}
