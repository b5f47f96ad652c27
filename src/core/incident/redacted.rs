//! What is removed for good: that it was, by whom and why, is a fact; the words themselves are gone.

use super::command::Refusal;
use super::event::Event;
use super::{Incident, Record, Run};
use crate::core::id::{Actor, Seq};
use crate::core::text;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// In place of what a run wrote, and of what people wrote into a postmortem.
pub const GONE: &str = "(removed for good)";

/// Characters of a reason.
const WHY_CHARS: usize = 300;

/// Something was removed for good; where it stood in an event, that event's row was overwritten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redacted {
    /// Which event; 0: it stood in none, see `what`.
    pub seq: u32,
    /// Who.
    pub by: Actor,
    /// Why.
    pub why: String,
    /// What it was when it stood in no event: `what people wrote in “Impact” of the postmortem`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
}

impl Redacted {
    /// What was removed, in words: `line 7`, or what is no line.
    #[must_use]
    pub fn thing(&self) -> String {
        if self.what.is_empty() {
            format!("line {}", self.seq)
        } else {
            self.what.clone()
        }
    }
}

fn reason(why: &str) -> Result<String, Refusal> {
    if why.trim().is_empty() {
        return Err(Refusal::Invalid {
            why: "Say why it is removed: `redact 7 it holds a password`.".to_owned(),
        });
    }
    Ok(text::cut(why, WHY_CHARS))
}

/// One event for each line that bears the words, the one that was named first.
pub(super) fn lines(
    incident: &Incident,
    by: &Actor,
    (seq, also): (Seq, Vec<Seq>),
    why: &str,
) -> Result<Vec<Event>, Refusal> {
    let gone = |seq: &u32| *seq == 0 || *seq > incident.seq;
    if let Some(seq) = std::iter::once(&seq).chain(&also).find(|s| gone(s)) {
        return Err(Refusal::Invalid {
            why: format!("There is no line {seq} in this timeline."),
        });
    }
    let why = reason(why)?;
    let others = also.into_iter().filter(|s| *s != seq);
    let all = std::iter::once(seq).chain(others);
    Ok(all
        .map(|seq| {
            Event::Redacted(Redacted {
                seq,
                by: by.clone(),
                why: why.clone(),
                what: String::new(),
            })
        })
        .collect())
}

/// The event for what stood in no line of the journal.
pub(super) fn beside(by: Actor, what: String, why: &str) -> Result<Vec<Event>, Refusal> {
    let why = reason(why)?;
    let redacted = Redacted {
        seq: 0,
        by,
        why,
        what,
    };
    Ok(vec![Event::Redacted(redacted)])
}

/// What goes from the journal goes from the state: cards and boards are drawn from it.
pub(super) fn evolve(incident: &mut Incident, record: &Record) {
    let Event::Redacted(redacted) = &record.event else {
        return;
    };
    if let Some(conduct) = incident.conduct.known_mut() {
        let tasks = conduct.tasks.values_mut();
        for task in tasks.filter(|t| t.text_seq == redacted.seq) {
            GONE.clone_into(&mut task.text);
        }
        if let Some(report) = conduct.report.as_mut().filter(|r| r.seq == redacted.seq) {
            for part in [
                &mut report.conditions,
                &mut report.actions,
                &mut report.needs,
            ] {
                GONE.clone_into(part);
            }
        }
    }
    if incident.told.is_some() {
        let told = &mut *incident.told;
        if let Some((seq, _, update)) = &mut told.last
            && *seq == redacted.seq
        {
            update.forget();
        }
        if let Some(public) = told.public.as_mut().filter(|p| p.seq == redacted.seq) {
            GONE.clone_into(&mut public.announced.title);
        }
    }
    let seq = redacted.seq;
    let told = |run: &Arc<Run>| run.rehearsed_seq == seq || run.ended_seq == seq;
    for run in incident.runs.values_mut().filter(|run| told(run)) {
        let run = Arc::make_mut(run);
        if let Some((_, tail)) = &mut run.rehearsed
            && run.rehearsed_seq == redacted.seq
        {
            GONE.clone_into(tail);
        }
        if let Some(seen) = &mut run.seen
            && run.ended_seq == redacted.seq
        {
            GONE.clone_into(seen);
        }
    }
}
