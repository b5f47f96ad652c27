//! A change-set as statements: the half of writing that needs no database.
//!
//! All copying and encoding happens here, in the caller's task, so that the transaction itself is a
//! row of prepared statements and holds the one writer for as short as possible.

use super::StoreFault;
use super::audit;
use super::backend::{Backend, COMMIT, Cell, Dialect, IMMEDIATE};
use super::bulk::{self, Bulk, Texts};
use super::incident_row::IncidentRow;
use super::ledger;
use super::rooms::PostRow;
use super::rows::{
    AlertChange, AlertRow, ChangeSet, EventRow, OutboxChange, OutboxRow, QuarantineRow, RunRow,
    ShowRow,
};
use crate::core::id::{IncidentId, Seq};
use crate::core::incident::Event;
use sqlx::{Arguments, AssertSqlSafe, SqlSafeStr, SqlStr};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What it means when a statement touches fewer rows than it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// What `on conflict` is there for.
    Expected,
    /// The row was removed behind our back. Said in the log; the rest of the set must not be held up by it.
    Odd,
    /// A promise would be broken: nothing of the set is written.
    Fatal,
    /// Another process has taken over: nothing of the set is written.
    Fenced,
}

/// Statements for at most so many rows of a kind travel together: whoever waits for a small commit waits
/// for the way to the database's thread and back, which takes longer than the statement. More rows would
/// make a new text of nearly every batch, and a text is prepared once.
const SMALL: usize = 2;
/// At most so many.
const TOGETHER: usize = 16;

/// In front of a policy's id in the key of its counter.
pub(super) const TURNS: &str = "turns:";

/// Key of the instant until which news of turns was looked for.
pub(super) const LOOKED: &str = "looked";

/// What goes to the database at once: one statement, or on SQLite several small ones.
pub(super) struct Step<B: Backend> {
    pub parts: Vec<Part>,
    pub arguments: B::Arguments,
    /// It ends the transaction as well.
    pub commits: bool,
    /// Others may join.
    small: bool,
}

/// One statement of a transaction.
pub(super) struct Part {
    pub name: &'static str,
    pub rows: usize,
    pub miss: Miss,
    text: Arc<str>,
}

impl<B: Backend> Step<B> {
    /// The text of it; whoever repeats a text finds it prepared.
    pub(super) fn sql(&self) -> SqlStr {
        match self.parts.as_slice() {
            [only] => AssertSqlSafe(only.text.clone()).into_sql_str(),
            parts => {
                let texts: Vec<&str> = parts.iter().map(|p| p.text.as_ref()).collect();
                AssertSqlSafe(texts.join(";\n")).into_sql_str()
            }
        }
    }
}

/// The statements that write a change-set under an epoch, in order. On SQLite the first begins the transaction, and
/// a small set ends it as well: one way to the database's thread and back, of which each wakes two cores.
///
/// # Errors
/// When a value cannot be encoded.
pub(super) fn plan<B: Backend>(
    texts: &Texts,
    epoch: i64,
    changes: &ChangeSet,
) -> Result<Vec<Step<B>>, StoreFault> {
    let mut plan = Plan {
        texts,
        steps: Vec::new(),
    };
    if B::DIALECT == Dialect::Sqlite {
        plan.arguments_for(word(IMMEDIATE), true);
    }
    plan.rows(&bulk::FENCE, Miss::Fenced, &[epoch], |e| {
        Ok([Cell::Int(*e)])
    })?;
    plan.alerts(changes)?;
    plan.journal(changes)?;
    plan.effects(changes)?;
    plan.console(changes)?;
    plan.chat(changes)?;
    plan.waking(changes)?;
    plan.silences(changes)?;
    plan.audit(changes)?;
    plan.rooms(changes)?;
    plan.brakes(changes)?;
    plan.postmortems(changes)?;
    plan.lessons(changes)?;
    plan.updates(changes)?;
    plan.changes(changes)?;
    plan.measures(changes)?;
    plan.proposals(changes)?;
    plan.commit();
    Ok(plan.steps)
}

/// A word about the transaction.
fn word(word: &'static str) -> Part {
    Part {
        name: word,
        rows: 0,
        miss: Miss::Expected,
        text: word.into(),
    }
}

pub(super) struct Plan<'t, B: Backend> {
    texts: &'t Texts,
    steps: Vec<Step<B>>,
}

impl<B: Backend> Plan<'_, B> {
    /// What is one text on SQLite and stops by itself where it must not be committed takes its `commit` along.
    fn commit(&mut self) {
        let alone = B::DIALECT == Dialect::Sqlite && self.steps.len() == 1;
        let Some(step) = self.steps.last_mut().filter(|_| alone) else {
            return;
        };
        if step.parts.iter().all(|part| part.miss != Miss::Fatal) {
            step.parts.push(word(COMMIT));
            step.commits = true;
        }
    }

    pub(super) fn rows<'r, T, const N: usize>(
        &mut self,
        bulk: &Bulk,
        miss: Miss,
        rows: &'r [T],
        cells: impl Fn(&'r T) -> Result<[Cell<'r>; N], StoreFault>,
    ) -> Result<(), StoreFault> {
        debug_assert_eq!(bulk.width, N, "{}", bulk.name);
        for piece in bulk::pieces(rows) {
            let text = self.texts.get(bulk, piece.len()).ok_or_else(|| {
                encode(format!("no text for {} rows of {}", piece.len(), bulk.name).into())
            })?;
            let part = Part {
                name: bulk.name,
                rows: piece.len(),
                miss,
                text,
            };
            let arguments = self.arguments_for(part, rows.len() <= SMALL);
            arguments.reserve(piece.len() * N, piece.len() * N * 8);
            for row in piece {
                for cell in cells(row)? {
                    B::put(arguments, cell).map_err(encode)?;
                }
            }
        }
        Ok(())
    }

    /// Takes a statement up; its values are appended to these.
    fn arguments_for(&mut self, part: Part, small: bool) -> &mut B::Arguments {
        let small = small && B::DIALECT == Dialect::Sqlite;
        let open = |step: &Step<B>| step.small && step.parts.len() < TOGETHER;
        if !small || !self.steps.last().is_some_and(open) {
            self.steps.push(Step {
                parts: Vec::new(),
                arguments: B::Arguments::default(),
                commits: false,
                small,
            });
        }
        let last = self.steps.len() - 1;
        let step = &mut self.steps[last];
        step.parts.push(part);
        &mut step.arguments
    }

    fn alerts(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        use Miss::{Expected, Odd};
        self.rows(&bulk::ALERTS, Expected, &changes.alerts, |a| Ok(alert(a)))?;
        self.rows(&bulk::ALERT_STATES, Expected, &changes.alerts, |a| {
            Ok(state(a.id.0, a.firing, a.ends_at.0, a.updated_at.0))
        })?;
        let changed: Vec<&AlertChange> = changes.alert_changes.values().collect();
        self.rows(&bulk::ALERT_STATE_CHANGES, Odd, &changed, |c| {
            Ok(state(c.id.0, c.firing, c.ends_at.0, c.updated_at.0))
        })?;
        let reworded: Vec<(i64, i64, &str)> = (changed.iter())
            .filter_map(|c| c.body.as_ref().map(|(d, body)| (c.id.0, *d, body.as_str())))
            .collect();
        self.rows(
            &bulk::ALERT_BODY_CHANGES,
            Odd,
            &reworded,
            |(id, d, body)| Ok([Cell::Int(*id), Cell::Int(*d), Cell::Text(body)]),
        )
    }

    fn journal(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        use Miss::{Expected, Fatal};
        let turns = changes.turns.iter();
        let turns = turns.map(|(policy, n)| {
            let n = i64::try_from(*n).unwrap_or(i64::MAX);
            (format!("{TURNS}{policy}"), n)
        });
        let looked = changes.looked.map(|at| (LOOKED.to_owned(), at.0));
        let counters: Vec<(String, i64)> = turns.chain(looked).collect();
        self.rows(&bulk::COUNTERS, Expected, &counters, |(key, value)| {
            Ok([Cell::Text(key), Cell::Int(*value)])
        })?;
        self.rows(&bulk::TOLD, Expected, &changes.told, |(key, at)| {
            Ok([Cell::Text(key), Cell::Int(at.0)])
        })?;
        let incidents: Vec<&IncidentRow> = changes.incidents.values().collect();
        self.rows(&bulk::INCIDENTS, Expected, &incidents, |i| Ok(incident(i)))?;
        self.rows(&bulk::EVENTS, Expected, &changes.events, event)?;
        let redactions: BTreeMap<(IncidentId, Seq), &Event> = (changes.redactions.iter())
            .map(|(id, seq, left)| ((*id, *seq), left))
            .collect();
        let redactions: Vec<_> = redactions.into_iter().collect();
        self.rows(
            &bulk::REDACTIONS,
            Fatal,
            &redactions,
            |((id, seq), left)| {
                let body = serde_json::to_string(left);
                Ok([
                    Cell::Int(id.0),
                    Cell::Int(i64::from(*seq)),
                    Cell::Text(left.kind()),
                    Cell::Owned(body.map_err(|e| encode(e.into()))?),
                ])
            },
        )?;
        self.rows(&bulk::INBOX, Expected, &changes.inbox, |i| {
            Ok([
                Cell::Text(&i.cause),
                Cell::Int(i.at.0),
                Cell::Int(i.incident.0),
                Cell::Int(i64::from(i.seq)),
            ])
        })
    }

    fn effects(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        use Miss::{Expected, Odd};
        self.rows(&bulk::OUTBOX, Expected, &changes.outbox, |o| Ok(outbox(o)))?;
        let moved: Vec<&OutboxChange> = changes.outbox_changes.values().collect();
        self.rows(&bulk::OUTBOX_CHANGES, Odd, &moved, |c| {
            Ok([
                Cell::Int(c.id),
                Cell::Text(c.state.word()),
                Cell::Int(i64::from(c.attempts)),
                Cell::Int(c.due_at.0),
                Cell::Int(c.updated_at.0),
                Cell::Text(&c.error),
                Cell::Text(&c.remote),
            ])
        })?;
        let shows: Vec<&ShowRow> = changes.shows.values().collect();
        self.rows(&bulk::SHOWS, Expected, &shows, |s| Ok(show(s)))?;
        let runs: Vec<&RunRow> = changes.runs.values().collect();
        self.rows(&bulk::RUNS, Expected, &runs, |r| Ok(run(r)))?;
        self.rows(&bulk::ARTIFACTS, Expected, &changes.artifacts, |a| {
            Ok([
                Cell::Int(a.run.0),
                Cell::Int(a.n),
                Cell::Text(&a.name),
                Cell::Text(&a.sha256),
                Cell::Int(a.bytes),
            ])
        })?;
        let removed = &changes.artifacts_removed;
        self.rows(&bulk::ARTIFACTS_REMOVED, Expected, removed, |run| {
            Ok([Cell::Int(run.0)])
        })
    }

    fn console(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        use Miss::Expected;
        self.rows(&bulk::ROOMS, Expected, &changes.rooms, |r| {
            Ok([
                Cell::Int(r.id.0),
                Cell::Text(&r.name),
                Cell::Text(&r.kind),
                Cell::MaybeInt(r.incident.map(|i| i.0)),
                Cell::Int(r.created_at.0),
            ])
        })?;
        self.rows(&bulk::POSTS, Expected, &changes.posts, |p| Ok(post(p)))?;
        self.rows(&bulk::QUARANTINE, Expected, &changes.quarantine, |q| {
            Ok(quarantine(q))
        })
    }
}

impl<B: Backend> Plan<'_, B> {
    fn audit(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        debug_assert!(
            changes.facts.is_empty(),
            "facts that nobody put into the chain"
        );
        // All of it or a failure: its numbers are unique.
        self.rows(&bulk::AUDIT, Miss::Expected, &changes.audit, |e| {
            Ok(audit::entry_cells(e))
        })?;
        self.rows(
            &bulk::CHECKPOINTS,
            Miss::Expected,
            &changes.checkpoints,
            |c| Ok(audit::checkpoint_cells(c)),
        )
    }

    fn waking(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        use Miss::Expected;
        self.rows(&bulk::ATTEMPTS, Expected, &changes.attempts, |a| {
            Ok(ledger::attempt_cells(a))
        })?;
        // One at a time: several changes of one receipt count in their order.
        for change in &changes.receipts {
            let one = std::slice::from_ref(change);
            self.rows(&bulk::RECEIPTS, Expected, one, |r| {
                Ok(ledger::receipt_cells(r))
            })?;
        }
        self.rows(&bulk::VERIFIED, Expected, &changes.verified, |v| {
            Ok(ledger::verified_cells(v))
        })?;
        self.rows(
            &bulk::CONTACT_CODES,
            Expected,
            &changes.contact_codes,
            |c| Ok(ledger::code_cells(c)),
        )
    }

    fn chat(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        use Miss::{Expected, Odd};
        self.rows(&bulk::HEARD, Expected, &changes.heard, |h| {
            Ok([
                Cell::Int(h.id),
                Cell::Text(&h.platform),
                Cell::Text(&h.key),
                Cell::Int(h.at.0),
                Cell::Text("waiting"),
                Cell::Text(&h.body),
            ])
        })?;
        self.rows(&bulk::HEARD_DONE, Odd, &changes.heard_done, |(id, how)| {
            Ok([Cell::Int(*id), Cell::Text(how)])
        })?;
        self.rows(
            &bulk::HEARD_OLD,
            Expected,
            changes.heard_old.as_slice(),
            |before| Ok([Cell::Int(before.0)]),
        )?;
        self.rows(&bulk::COVERS, Expected, &changes.covers, |c| {
            let body = serde_json::to_string(&c.cover).map_err(|e| encode(e.into()))?;
            Ok([
                Cell::Int(c.cover.id),
                Cell::Text(&c.cause),
                Cell::Text(&c.cover.schedule),
                Cell::Text(c.cover.state.word()),
                Cell::Int(c.cover.until.0),
                Cell::Owned(body),
                Cell::Int(c.updated_at.0),
            ])
        })?;
        self.rows(&bulk::LINKS, Expected, &changes.links, |l| {
            Ok([
                Cell::Text(&l.platform),
                Cell::Text(&l.account),
                Cell::Text(&l.person),
                Cell::Int(l.at.0),
                Cell::Text(&l.how),
            ])
        })?;
        self.rows(&bulk::LINK_CODES, Expected, &changes.link_codes, |c| {
            Ok([
                Cell::Text(&c.code),
                Cell::Text(&c.platform),
                Cell::Text(&c.account),
                Cell::Text(&c.name),
                Cell::Int(c.expires_at.0),
            ])
        })?;
        self.rows(
            &bulk::LINK_CODES_OLD,
            Expected,
            changes.link_codes_old.as_slice(),
            |until| Ok([Cell::Int(until.0)]),
        )?;
        self.rows(&bulk::KEYS, Expected, &changes.keys, |(name, value)| {
            Ok([Cell::Text(name), Cell::Text(value)])
        })
    }
}

fn encode(error: sqlx::error::BoxDynError) -> StoreFault {
    StoreFault::Database(sqlx::Error::Encode(error))
}

fn flag(yes: bool) -> Cell<'static> {
    Cell::Int(i64::from(yes))
}

fn alert(a: &AlertRow) -> [Cell<'_>; 9] {
    [
        Cell::Int(a.id.0),
        Cell::Text(&a.source),
        Cell::Text(&a.fingerprint),
        Cell::Int(a.digest),
        Cell::Int(a.starts_at.0),
        Cell::Int(a.received_at.0),
        Cell::MaybeInt(a.incident.map(|i| i.0)),
        Cell::Text(&a.why),
        Cell::Text(&a.body),
    ]
}

fn state(id: i64, firing: bool, ends_at: i64, updated_at: i64) -> [Cell<'static>; 4] {
    let (id, ends_at) = (Cell::Int(id), Cell::Int(ends_at));
    [id, flag(firing), ends_at, Cell::Int(updated_at)]
}

fn incident(i: &IncidentRow) -> [Cell<'_>; 25] {
    [
        Cell::Int(i.id.0),
        Cell::Int(i64::from(i.seq)),
        Cell::Text(&i.status),
        Cell::Int(i64::from(i.severity)),
        flag(i.major),
        Cell::Text(&i.title),
        Cell::Owned(i.title.to_lowercase()),
        Cell::MaybeText(i.service.as_deref()),
        Cell::MaybeText(i.team.as_deref()),
        Cell::Text(&i.group_key),
        Cell::Int(i.opened_at.0),
        Cell::Int(i.began_at.0),
        Cell::MaybeInt(i.acked_at.map(|t| t.0)),
        Cell::MaybeText(i.acked_by.as_deref()),
        Cell::MaybeInt(i.resolved_at.map(|t| t.0)),
        Cell::Int(i.updated_at.0),
        Cell::MaybeInt(i.wake_at.map(|t| t.0)),
        Cell::Int(i64::from(i.alerts)),
        Cell::Int(i64::from(i.firing)),
        Cell::MaybeText(i.lead.as_deref()),
        Cell::MaybeText(i.type_id.as_deref()),
        flag(i.private),
        flag(i.drill),
        Cell::Text(&i.viewers),
        Cell::MaybeInt(i.parent.map(|p| p.0)),
    ]
}

fn event(e: &EventRow) -> Result<[Cell<'_>; 8], StoreFault> {
    let body = serde_json::to_string(&e.record.event).map_err(|error| encode(error.into()))?;
    let run = match &e.record.event {
        Event::RunAsked { run, .. } => Some(run.0),
        _ => None,
    };
    Ok([
        Cell::Int(e.pos),
        Cell::Int(e.incident.0),
        Cell::Int(i64::from(e.record.seq)),
        Cell::Int(e.record.at.0),
        Cell::Text(&e.record.cause),
        Cell::Text(e.record.event.kind()),
        Cell::MaybeInt(run),
        Cell::Owned(body),
    ])
}

fn outbox(o: &OutboxRow) -> [Cell<'_>; 13] {
    [
        Cell::Int(o.id),
        Cell::Int(o.incident.0),
        Cell::Int(i64::from(o.seq)),
        Cell::Int(i64::from(o.n)),
        Cell::Text(o.lane.word()),
        Cell::Text(&o.target),
        Cell::Text(&o.detail),
        Cell::Text(o.state.word()),
        Cell::Int(i64::from(o.attempts)),
        Cell::Int(o.due_at.0),
        Cell::Int(o.created_at.0),
        Cell::Int(o.updated_at.0),
        Cell::Text(&o.error),
    ]
}

fn show(s: &ShowRow) -> [Cell<'_>; 9] {
    [
        Cell::Int(s.incident.0),
        Cell::Text(&s.platform),
        Cell::Text(&s.surface),
        Cell::Int(i64::from(s.want)),
        Cell::Int(i64::from(s.have)),
        Cell::Text(&s.remote),
        Cell::Int(i64::from(s.attempts)),
        Cell::Int(s.due_at.0),
        Cell::Text(&s.error),
    ]
}

fn run(r: &RunRow) -> [Cell<'_>; 11] {
    [
        Cell::Int(r.id.0),
        Cell::Int(r.incident.0),
        Cell::Text(&r.action),
        Cell::Text(&r.state),
        Cell::Int(r.started_at.0),
        Cell::MaybeInt(r.ended_at.map(|t| t.0)),
        Cell::Text(&r.output),
        Cell::Int(r.bytes),
        Cell::Text(&r.handle),
        Cell::Text(&r.digest),
        Cell::Text(&r.told),
    ]
}

fn post(p: &PostRow) -> [Cell<'_>; 12] {
    [
        Cell::Int(p.id),
        Cell::Int(p.room.0),
        Cell::Int(p.at.0),
        Cell::Text(&p.author),
        Cell::Text(&p.author_name),
        Cell::Text(&p.kind),
        Cell::MaybeInt(p.incident.map(|i| i.0)),
        Cell::MaybeInt(p.seq),
        Cell::Text(&p.text),
        Cell::Text(&p.key),
        Cell::Text(&p.state),
        Cell::MaybeInt(p.answers),
    ]
}

fn quarantine(q: &QuarantineRow) -> [Cell<'_>; 6] {
    [
        Cell::Int(q.id),
        Cell::Int(q.at.0),
        Cell::Text(&q.source),
        Cell::Text(&q.path),
        Cell::Text(&q.reason),
        Cell::Text(&q.body),
    ]
}
