//! The audit: who wanted to run what, what the answer was and what came of it, in a chain.
//!
//! Each entry has the digest of the one before it in its own, so that nothing can be changed, left
//! out, put in or moved without every later digest being another. Whoever can write the database can
//! write the whole chain anew; signed checkpoints, kept elsewhere too, make that evident.

#[cfg(test)]
mod tests;

use super::digest;
use super::id::{Actor, IncidentId, RunId};
use super::incident::{Command, Event, Incident, KeptFile, Outcome, Record, Redacted, Terms};
use super::time::Time;
use super::timeline::{self, Names};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// In front of everything an entry's digest is made of: the version of the encoding.
const VERSION: &str = "firebell audit 1";
/// The digest before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Something worth an entry, not yet in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// `run_asked`, `refused`, `break_glass`, `files_changed`, `automation`, `linked`, `redacted`.
    pub kind: String,
    /// Who did it.
    pub by: Actor,
    /// On which incident.
    pub incident: Option<IncidentId>,
    /// About which run.
    pub run: Option<RunId>,
    /// About which action; empty: none.
    pub action: String,
    /// One sentence for people.
    pub text: String,
    /// Everything else, as JSON with its keys in order.
    pub detail: String,
}

/// An entry of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Counted from 1 without gaps.
    pub n: i64,
    /// When.
    pub at: Time,
    /// See [`Fact::kind`].
    pub kind: String,
    /// The immutable id of who did it: `person:ana`, `unlinked:slack:U7`, `token:ci`, `firebell`.
    pub who: String,
    /// Their name then.
    pub name: String,
    /// On which incident.
    pub incident: Option<i64>,
    /// About which run.
    pub run: Option<i64>,
    /// About which action; empty: none.
    pub action: String,
    /// One sentence for people.
    pub text: String,
    /// Everything else, as JSON.
    pub detail: String,
    /// The digest of the entry before; [`GENESIS`] for the first.
    pub prev: String,
    /// The digest of this one.
    pub hash: String,
}

/// The end of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of the last entry; 0: there is none.
    pub n: i64,
    /// Its digest.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Head {
        Head {
            n: 0,
            hash: GENESIS.to_owned(),
        }
    }
}

/// A head that was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Number of the last entry then.
    pub n: i64,
    /// Its digest.
    pub hash: String,
    /// When.
    pub at: Time,
    /// The public key it was signed with, hex.
    pub key: String,
    /// The signature over [`Checkpoint::signed`], hex.
    pub signature: String,
}

impl Checkpoint {
    /// What is signed.
    #[must_use]
    pub fn signed(head: &Head, at: Time) -> String {
        format!(
            "firebell audit checkpoint 1\n{}\n{}\n{}\n",
            head.n, head.hash, at.0
        )
    }
}

/// The immutable id of an actor.
#[must_use]
pub fn who(by: &Actor) -> String {
    match by {
        Actor::Firebell => "firebell".to_owned(),
        Actor::Person { id, .. } => format!("person:{id}"),
        Actor::Unlinked { id, .. } => format!("unlinked:{id}"),
        Actor::Source { name } => format!("source:{name}"),
        Actor::Token { name } => format!("token:{name}"),
    }
}

impl Entry {
    /// The next entry of a chain.
    #[must_use]
    pub fn after(head: &Head, at: Time, fact: &Fact) -> Entry {
        // As the databases will give it back: no text of theirs holds a NUL.
        let kept = |text: &str| text.replace('\0', "\u{2400}");
        let mut entry = Entry {
            n: head.n + 1,
            at,
            kind: fact.kind.clone(),
            who: kept(&who(&fact.by)),
            name: kept(fact.by.name()),
            incident: fact.incident.map(|i| i.0),
            run: fact.run.map(|r| r.0),
            action: kept(&fact.action),
            text: kept(&fact.text),
            detail: kept(&fact.detail),
            prev: head.hash.clone(),
            hash: String::new(),
        };
        entry.hash = entry.digest();
        entry
    }

    /// What its digest has to be.
    #[must_use]
    pub fn digest(&self) -> String {
        let number = |n: Option<i64>| n.map_or_else(String::new, |n| n.to_string());
        digest::of([
            VERSION,
            self.prev.as_str(),
            &self.n.to_string(),
            &self.at.0.to_string(),
            &self.kind,
            &self.who,
            &self.name,
            &number(self.incident),
            &number(self.run),
            &self.action,
            &self.text,
            &self.detail,
        ])
    }

    /// The chain up to here.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            n: self.n,
            hash: self.hash.clone(),
        }
    }
}

/// What is wrong with a chain, at its first bad entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Its content does not give its digest.
    #[error("entry {n} was changed: its content does not give its digest")]
    Changed {
        /// Which.
        n: i64,
    },
    /// Numbers are left out.
    #[error("entry {n} is missing: entry {found} stands where it should")]
    Missing {
        /// The first that is.
        n: i64,
        /// What stands there.
        found: i64,
    },
    /// A number comes again, or late.
    #[error("entry {found} is out of order or was put in: entry {n} should stand there")]
    Moved {
        /// What should stand there.
        n: i64,
        /// What does.
        found: i64,
    },
    /// It does not follow from the one before.
    #[error("entry {n} does not follow from entry {before}: one of the two was put there later")]
    Unlinked {
        /// Which.
        n: i64,
        /// The one before.
        before: i64,
    },
    /// A checkpoint saw another entry.
    #[error("entry {n} is not the one that was signed at {at}: the chain was written anew")]
    Rewritten {
        /// Which.
        n: i64,
        /// When the checkpoint was made.
        at: String,
    },
    /// A checkpoint saw more.
    #[error("entry {n} is missing at the end: a checkpoint of {at} has seen {seen} entries")]
    Cut {
        /// The first that is missing.
        n: i64,
        /// How many there were.
        seen: i64,
        /// When the checkpoint was made.
        at: String,
    },
}

/// Walks a chain, entry by entry.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    head: Head,
    /// Ascending by number.
    checkpoints: Vec<Checkpoint>,
}

impl Walk {
    /// A walk that compares with checkpoints whose signatures are good.
    #[must_use]
    pub fn new(mut checkpoints: Vec<Checkpoint>) -> Walk {
        checkpoints.sort_by_key(|c| c.n);
        Walk {
            head: Head::default(),
            checkpoints,
        }
    }

    /// The next entry, as stored.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn step(&mut self, entry: &Entry) -> Result<(), Broken> {
        let n = self.head.n + 1;
        if entry.n > n {
            return Err(Broken::Missing { n, found: entry.n });
        }
        if entry.n < n {
            return Err(Broken::Moved { n, found: entry.n });
        }
        if entry.digest() != entry.hash {
            return Err(Broken::Changed { n });
        }
        if entry.prev != self.head.hash {
            return Err(Broken::Unlinked { n, before: n - 1 });
        }
        let other = |c: &&Checkpoint| c.n == n && c.hash != entry.hash;
        if let Some(seen) = self.checkpoints.iter().find(other) {
            return Err(Broken::Rewritten {
                n,
                at: seen.at.rfc3339(),
            });
        }
        self.head = entry.head();
        Ok(())
    }

    /// The end.
    ///
    /// # Errors
    /// A checkpoint has seen more.
    pub fn end(self) -> Result<Head, Broken> {
        match self.checkpoints.iter().max_by_key(|c| c.n) {
            Some(last) if last.n > self.head.n => Err(Broken::Cut {
                n: self.head.n + 1,
                seen: last.n,
                at: last.at.rfc3339(),
            }),
            _ => Ok(self.head),
        }
    }
}

/// A line was removed for good.
fn redacted(incident: &Incident, gone: &Redacted) -> Fact {
    let (by, id) = (&gone.by, incident.id);
    let mut detail = json!({"seq": gone.seq, "why": gone.why});
    if !gone.what.is_empty() {
        detail = json!({"what": gone.what, "why": gone.why});
    }
    Fact {
        kind: "redacted".to_owned(),
        by: by.clone(),
        incident: Some(id),
        run: None,
        action: String::new(),
        text: format!("{} removed {} of {id}.", by.name(), gone.thing()),
        detail: ordered(detail),
    }
}

/// A file that came with a message is counted by its hash.
fn file_kept(incident: &Incident, record: &Record, file: &KeptFile) -> Fact {
    Fact {
        kind: "file_kept".to_owned(),
        by: file.by.clone(),
        incident: Some(incident.id),
        run: None,
        action: String::new(),
        text: timeline::sentence(&record.event, &Names::default()),
        detail: ordered(json!({"sha256": file.sha256, "bytes": file.bytes,
            "platform": file.platform, "message": file.message})),
    }
}

/// The entry an event of an incident makes; `None`: it makes none.
#[must_use]
pub fn of_event(incident: &Incident, record: &Record) -> Option<Fact> {
    let (run, by, detail) = match &record.event {
        Event::RunAsked {
            run,
            by,
            digest,
            argv,
            needs,
            terms,
            ..
        } => (run, by.clone(), asked(digest, argv, *needs, terms)),
        Event::RunRehearsed {
            run,
            outcome,
            digest,
            ..
        } => (
            run,
            Actor::Firebell,
            json!({"outcome": outcome.word(), "digest": digest}),
        ),
        Event::RunApproved { run, by, subject } => (run, by.clone(), json!({"subject": subject})),
        Event::RunRejected { run, by } | Event::RunCancelAsked { run, by } => {
            (run, by.clone(), json!({}))
        }
        Event::RunExpired { run } | Event::RunReleased { run } | Event::RunStarted { run } => {
            (run, Actor::Firebell, json!({}))
        }
        Event::RunQueued { run, key, .. } => (run, Actor::Firebell, json!({"key": key})),
        Event::RunArmed { run, start, hold } => (
            run,
            Actor::Firebell,
            json!({"start": start.rfc3339(), "page_waits_until": hold.map(Time::rfc3339)}),
        ),
        Event::AutoStopped { action, why } => {
            return Some(Fact {
                kind: "automation".to_owned(),
                by: Actor::Firebell,
                incident: Some(incident.id),
                run: None,
                action: action.clone(),
                text: timeline::sentence(&record.event, &Names::default()),
                detail: ordered(json!({"on": false, "why": why})),
            });
        }
        Event::RunEnded {
            run,
            outcome,
            duration_ms,
            bytes,
            tail,
            notes,
        } => (
            run,
            Actor::Firebell,
            json!({"outcome": outcome.word(), "ended": ended(outcome), "duration_ms": duration_ms,
                "bytes": bytes, "tail_digest": digest::of([tail.as_str()]), "notes": notes}),
        ),
        Event::RunSettled {
            run,
            by,
            good,
            note,
        } => (run, by.clone(), json!({"good": good, "note": note})),
        Event::Redacted(gone) => return Some(redacted(incident, gone)),
        Event::Attached(file) => return Some(file_kept(incident, record, file)),
        _ => return None,
    };
    let of = incident.runs.get(run);
    let kind = match &record.event {
        Event::RunAsked { terms, .. } if terms.break_glass => "break_glass",
        Event::RunAsked { terms, .. } if terms.dry => "dry_run",
        event => event.kind(),
    };
    let mut names = Names::default();
    if let Some(found) = of {
        names.name_run(*run, &found.title);
        names.meet(&found.by);
    }
    names.learn(&record.event);
    Some(Fact {
        kind: kind.to_owned(),
        by,
        incident: Some(incident.id),
        run: Some(*run),
        action: of.map_or_else(String::new, |r| r.action.clone()),
        text: timeline::sentence(&silent(&record.event), &names),
        detail: ordered(detail),
    })
}

/// An event without what a program wrote: the chain is never rewritten, so what may be removed for good
/// must not stand in it. Its digest does.
fn silent(event: &Event) -> Event {
    let mut event = event.clone();
    if let Event::RunRehearsed { tail, .. } | Event::RunEnded { tail, .. } = &mut event {
        tail.clear();
    }
    event
}

fn asked(digest: &str, argv: &[String], needs: u8, terms: &Terms) -> Value {
    json!({
        "digest": digest, "argv": argv, "needs": needs, "subject": terms.subject,
        "target": terms.target, "environment": terms.environment, "reason": terms.reason,
        "break_glass": terms.break_glass, "auto": terms.auto, "verdict": terms.verdict,
        "door": terms.door, "undoes": terms.undoes, "dry_run": terms.dry, "checks": terms.checks,
    })
}

fn ended(outcome: &Outcome) -> Value {
    serde_json::to_value(outcome).unwrap_or(Value::Null)
}

/// JSON whose keys stand in order, so that the same facts are the same text.
#[must_use]
pub fn ordered(value: Value) -> String {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(fields) => {
                let mut pairs: Vec<(String, Value)> = fields.into_iter().collect();
                pairs.sort_by(|a, b| a.0.cmp(&b.0));
                let pairs = pairs.into_iter().map(|(k, v)| (k, sorted(v)));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
            other => other,
        }
    }
    sorted(value).to_string()
}

/// Whether a command is one that [`of_refusal`] tells of.
#[must_use]
pub fn about_a_run(command: &Command) -> bool {
    matches!(
        command,
        Command::Through { .. }
            | Command::AskRun { .. }
            | Command::ApproveRun { .. }
            | Command::RejectRun { .. }
            | Command::CancelRun { .. }
            | Command::SettleRun { .. }
    )
}

/// Who tried what with a run and why it was refused; `None`: the command is about no run.
#[must_use]
pub fn of_refusal(incident: IncidentId, command: &Command, why: &str) -> Option<Fact> {
    let (by, run, action, tried) = match command {
        Command::Through { command, .. } => return of_refusal(incident, command, why),
        Command::AskRun { by, action, .. } => (by, None, action.id.clone(), "run"),
        Command::ApproveRun { by, run } => (by, Some(*run), String::new(), "approve"),
        Command::RejectRun { by, run } => (by, Some(*run), String::new(), "reject"),
        Command::CancelRun { by, run } => (by, Some(*run), String::new(), "cancel"),
        Command::SettleRun { by, run, .. } => (by, Some(*run), String::new(), "settle"),
        _ => return None,
    };
    let what = run.map_or_else(|| format!("`{action}`"), |run| run.to_string());
    Some(Fact {
        kind: "refused".to_owned(),
        by: by.clone(),
        incident: Some(incident),
        run,
        text: format!(
            "{} wanted to {tried} {what} on {incident} and may not: {why}",
            by.name()
        ),
        detail: ordered(json!({"tried": tried, "why": why})),
        action,
    })
}
