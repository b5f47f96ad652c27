//! Rows of what was changed: told by deploys and repositories, kept for a while.

use super::backend::{Backend, Cell, Reader};
use super::bulk::Bulk;
use super::measures::MeasureRow;
use super::open::Pools;
use super::plan::{Miss, Plan};
use super::rows::ChangeSet;
use super::select::Select;
use super::{Db, Store, StoreFault};
use crate::core::change::ChangeEvent;
use crate::core::id::IncidentId;
use crate::core::summary::Proposal;
use crate::core::time::Time;
use std::collections::BTreeMap;

/// Rows that are kept however young they are: the oldest of more go.
pub const CHANGES_KEPT: i64 = 100_000;

/// What one transaction writes of changes and of what is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InsightRows {
    /// What was changed, by source and key; inserted, or replaced by what is not older.
    pub change_events: BTreeMap<(String, String), ChangeEvent>,
    /// Changes that happened before this are forgotten.
    pub change_events_old: Option<Time>,
    /// What past incidents measure, inserted or replaced.
    pub measures: BTreeMap<IncidentId, MeasureRow>,
    /// Summaries that were proposed, inserted or replaced.
    pub proposals: BTreeMap<IncidentId, Proposal>,
}

impl InsightRows {
    /// Takes in what another one writes, later.
    pub fn extend(&mut self, later: InsightRows) {
        for (key, change) in later.change_events {
            let newer = self
                .change_events
                .get(&key)
                .is_none_or(|c| c.at <= change.at);
            if newer {
                self.change_events.insert(key, change);
            }
        }
        self.change_events_old = self.change_events_old.max(later.change_events_old);
        self.measures.extend(later.measures);
        self.proposals.extend(later.proposals);
    }
}

/// Which changes a list shows, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeQuery {
    /// Service id.
    pub service: Option<String>,
    /// Who told it.
    pub source: Option<String>,
    /// Not before.
    pub from: Option<Time>,
    /// Before.
    pub until: Option<Time>,
    /// From 0.
    pub offset: i64,
    /// At most this many.
    pub limit: i64,
}

/// A state that is older than the one known changes nothing.
pub(super) const CHANGE_EVENTS: Bulk = Bulk {
    name: "write change events",
    head: "insert into change_events (source, key, at, received_at, service, body) values ",
    width: 6,
    tail: " on conflict (source, key) do update set at = excluded.at, service = excluded.service, \
        body = excluded.body where excluded.at >= change_events.at",
};

/// For one row only: the instant before which they are forgotten.
pub(super) const CHANGE_EVENTS_OLD: Bulk = Bulk {
    name: "forget change events",
    head: "delete from change_events where at < ",
    width: 1,
    tail: "",
};

impl<B: Backend> Plan<'_, B> {
    pub(super) fn changes(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        use Miss::Expected;
        let told: Vec<&ChangeEvent> = changes.insight.change_events.values().collect();
        self.rows(&CHANGE_EVENTS, Expected, &told, |c| {
            let body = serde_json::to_string(c)
                .map_err(|e| StoreFault::Database(sqlx::Error::Encode(e.into())))?;
            Ok([
                Cell::Text(&c.source),
                Cell::Text(&c.key),
                Cell::Int(c.at.0),
                Cell::Int(c.received_at.0),
                Cell::MaybeText(c.service.as_deref()),
                Cell::Owned(body),
            ])
        })?;
        let old = changes.insight.change_events_old.as_slice();
        self.rows(&CHANGE_EVENTS_OLD, Expected, old, |before| {
            Ok([Cell::Int(before.0)])
        })
    }
}

fn read<B: Backend>(row: &mut Reader<'_, B>) -> Result<ChangeEvent, StoreFault> {
    let body = row.text()?;
    serde_json::from_str(&body)
        .map_err(|e| StoreFault::Unreadable(format!("the change {body}: {e}")))
}

fn filtered<B: Backend>(select: Select<B>, query: &ChangeQuery) -> Select<B> {
    select
        .text("service = ", query.service.as_deref())
        .text("source = ", query.source.as_deref())
        .number("at >= ", query.from.map(|t| t.0))
        .number("at < ", query.until.map(|t| t.0))
}

impl<B: Backend> Pools<B> {
    async fn change_events(
        &self,
        query: &ChangeQuery,
    ) -> Result<(Vec<ChangeEvent>, i64), StoreFault> {
        let rows = filtered(Select::<B>::new("select body from change_events"), query)
            .then(" order by at desc, source, key")
            .page(query.limit, query.offset)
            .all(&self.read, |mut row| read(&mut row))
            .await?;
        let total = filtered(
            Select::<B>::new("select count(*) from change_events"),
            query,
        )
        .count(&self.read)
        .await?;
        Ok((rows, total))
    }

    /// When the oldest of those that may stay happened; `None`: all may.
    async fn change_events_full(&self) -> Result<Option<Time>, StoreFault> {
        Select::<B>::new("select at from change_events order by at desc")
            .page(1, CHANGES_KEPT - 1)
            .first(&self.read, |mut row| Ok(Time(row.int()?)))
            .await
    }
}

impl Store {
    /// Changes, newest first, and how many match in all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn change_events(
        &self,
        query: &ChangeQuery,
    ) -> Result<(Vec<ChangeEvent>, i64), StoreFault> {
        on!(self, pools => pools.change_events(query).await)
    }

    /// When the oldest change happened that stays when there are too many; `None`: there are not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn change_events_full(&self) -> Result<Option<Time>, StoreFault> {
        on!(self, pools => pools.change_events_full().await)
    }
}
