//! Rows of what past incidents measure: one compact text each, read a hundred thousand at a time.

use super::backend::{Backend, Cell};
use super::bulk::Bulk;
use super::open::Pools;
use super::plan::{Miss, Plan};
use super::rows::ChangeSet;
use super::select::Select;
use super::{Db, Store, StoreFault};
use crate::core::analytics::{FORM, Fact, Span};
use crate::core::id::IncidentId;
use crate::core::postmortem::Written;
use crate::core::time::Time;

/// What an incident counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureRow {
    /// Which incident.
    pub incident: IncidentId,
    /// The length of the journal it was read from.
    pub seq: u32,
    /// When it was opened.
    pub opened_at: Time,
    /// `None`: it is not over.
    pub fact: Option<Fact>,
}

pub(super) const MEASURES: Bulk = Bulk {
    name: "write measures",
    head: "insert into measures (incident, seq, form, opened_at, body) values ",
    width: 5,
    tail: " on conflict (incident) do update set seq = excluded.seq, form = excluded.form, \
        opened_at = excluded.opened_at, body = excluded.body",
};

fn json<T: serde::Serialize>(value: &T) -> Result<Cell<'static>, StoreFault> {
    let text = serde_json::to_string(value);
    let text = text.map_err(|e| StoreFault::Database(sqlx::Error::Encode(e.into())))?;
    Ok(Cell::Owned(text))
}

impl<B: Backend> Plan<'_, B> {
    pub(super) fn measures(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        let rows: Vec<&MeasureRow> = changes.insight.measures.values().collect();
        self.rows(&MEASURES, Miss::Expected, &rows, |row| {
            let body = match &row.fact {
                Some(fact) => json(fact)?,
                None => Cell::Text(""),
            };
            Ok([
                Cell::Int(row.incident.0),
                Cell::Int(i64::from(row.seq)),
                Cell::Int(i64::from(FORM)),
                Cell::Int(row.opened_at.0),
                body,
            ])
        })
    }
}

impl<B: Backend> Pools<B> {
    async fn facts(&self, span: Span) -> Result<Vec<Fact>, StoreFault> {
        Select::<B>::new("select body from measures")
            .number("opened_at >= ", Some(span.from.0))
            .number("opened_at < ", Some(span.until.0))
            .only("body <> ''")
            .then(" order by opened_at, incident")
            .all(&self.read, |mut row| {
                let body = row.text()?;
                serde_json::from_str(&body)
                    .map_err(|e| StoreFault::Unreadable(format!("the measure {body}: {e}")))
            })
            .await
    }

    /// Incidents that are over and were not read, not to their end, or by another version; or that
    /// are open again.
    async fn unmeasured(
        &self,
        after: IncidentId,
        limit: i64,
    ) -> Result<Vec<IncidentId>, StoreFault> {
        Select::<B>::new("select i.id from incidents i left join measures m on m.incident = i.id")
            .number("i.id > ", Some(after.0))
            .only("(m.incident is null and i.status = 'resolved'")
            .then(" or m.seq < i.seq and (i.status = 'resolved' or m.body <> '') or m.form <> ")
            .bind(Cell::Int(i64::from(FORM)))
            .then(") order by i.id")
            .page(limit, 0)
            .all(&self.read, |mut row| Ok(IncidentId(row.int()?)))
            .await
    }

    async fn written_in(&self, span: Span) -> Result<Vec<Written>, StoreFault> {
        Select::<B>::new(
            "select p.body from measures m join postmortems p on p.incident = m.incident",
        )
        .number("m.opened_at >= ", Some(span.from.0))
        .number("m.opened_at < ", Some(span.until.0))
        .then(" order by m.opened_at, m.incident")
        .all(&self.read, |mut row| {
            let body = row.text()?;
            serde_json::from_str(&body)
                .map_err(|e| StoreFault::Unreadable(format!("a postmortem: {e}")))
        })
        .await
    }
}

impl Store {
    /// What the incidents opened in a span count for, in the order of their opening.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn facts(&self, span: Span) -> Result<Vec<Fact>, StoreFault> {
        on!(self, pools => pools.facts(span).await)
    }

    /// Incidents after this one whose journals have more to count, ids ascending, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unmeasured(
        &self,
        after: IncidentId,
        limit: i64,
    ) -> Result<Vec<IncidentId>, StoreFault> {
        on!(self, pools => pools.unmeasured(after, limit).await)
    }

    /// What people wrote in the postmortems of incidents opened in a span.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn written_in(&self, span: Span) -> Result<Vec<Written>, StoreFault> {
        on!(self, pools => pools.written_in(span).await)
    }
}
