//! The audit's chain as stored: read in order, appended to by the desk's own commits and never changed.

use super::StoreFault;
use super::backend::{Backend, Cell};
use super::open::Pools;
use super::select::Select;
use crate::core::audit::{Checkpoint, Entry, Head};
use crate::core::id::{IncidentId, RunId};
use crate::core::time::Time;

type Read<T> = Result<T, StoreFault>;

/// Which entries a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// The immutable id of who did it, such as `person:ana`.
    pub who: Option<String>,
    /// Action id.
    pub action: Option<String>,
    /// On this incident.
    pub incident: Option<IncidentId>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Only entries below this number; 0: from the newest on.
    pub before: i64,
    /// At most this many.
    pub limit: i64,
}

const ENTRY: &str =
    "select n, at, kind, who, name, incident, run, action, text, detail, prev, hash from audit";

fn entry<B: Backend>(mut row: super::backend::Reader<'_, B>) -> Read<Entry> {
    Ok(Entry {
        n: row.int()?,
        at: Time(row.int()?),
        kind: row.text()?,
        who: row.text()?,
        name: row.text()?,
        incident: row.maybe_int()?,
        run: row.maybe_int()?,
        action: row.text()?,
        text: row.text()?,
        detail: row.text()?,
        prev: row.text()?,
        hash: row.text()?,
    })
}

impl<B: Backend> Pools<B> {
    pub(super) async fn audit_head(&self) -> Read<Head> {
        let last = Select::<B>::new("select n, hash from audit order by n desc limit 1");
        let head = last.first(&self.read, |mut row| {
            Ok(Head {
                n: row.int()?,
                hash: row.text()?,
            })
        });
        Ok(head.await?.unwrap_or_default())
    }

    pub(super) async fn audit_after(&self, n: i64, limit: i64) -> Read<Vec<Entry>> {
        Select::<B>::new(ENTRY)
            .number("n > ", Some(n))
            .then(" order by n")
            .page(limit, 0)
            .all(&self.read, entry)
            .await
    }

    pub(super) async fn audit(&self, query: &AuditQuery) -> Read<Vec<Entry>> {
        let select = Select::<B>::new(ENTRY)
            .text("who = ", query.who.as_deref())
            .text("kind = ", query.kind.as_deref());
        // The partial indexes are only used when their own condition is said.
        let select = match &query.action {
            Some(action) => select.only("action <> ''").text("action = ", Some(action)),
            None => select,
        };
        let select = match query.incident {
            Some(id) => select
                .only("incident is not null")
                .number("incident = ", Some(id.0)),
            None => select,
        };
        select
            .number("n < ", (query.before > 0).then_some(query.before))
            .then(" order by n desc")
            .page(query.limit, 0)
            .all(&self.read, entry)
            .await
    }

    pub(super) async fn audit_checkpoints(&self) -> Read<Vec<Checkpoint>> {
        Select::<B>::new("select n, hash, at, key, signature from audit_checkpoints order by n, at")
            .all(&self.read, |mut row| {
                Ok(Checkpoint {
                    n: row.int()?,
                    hash: row.text()?,
                    at: Time(row.int()?),
                    key: row.text()?,
                    signature: row.text()?,
                })
            })
            .await
    }

    pub(super) async fn incident_of_run(&self, run: RunId) -> Read<Option<IncidentId>> {
        Select::<B>::new("select incident from events")
            .only("run is not null")
            .number("run = ", Some(run.0))
            .first(&self.read, |mut row| Ok(IncidentId(row.int()?)))
            .await
    }
}

pub(super) fn entry_cells(e: &Entry) -> [Cell<'_>; 12] {
    [
        Cell::Int(e.n),
        Cell::Int(e.at.0),
        Cell::Text(&e.kind),
        Cell::Text(&e.who),
        Cell::Text(&e.name),
        Cell::MaybeInt(e.incident),
        Cell::MaybeInt(e.run),
        Cell::Text(&e.action),
        Cell::Text(&e.text),
        Cell::Text(&e.detail),
        Cell::Text(&e.prev),
        Cell::Text(&e.hash),
    ]
}

pub(super) fn checkpoint_cells(c: &Checkpoint) -> [Cell<'_>; 5] {
    [
        Cell::Int(c.n),
        Cell::Int(c.at.0),
        Cell::Text(&c.hash),
        Cell::Text(&c.key),
        Cell::Text(&c.signature),
    ]
}
