//! Rows of summaries a model proposed: the newest of each incident.

use super::backend::{Backend, Cell};
use super::bulk::Bulk;
use super::open::Pools;
use super::plan::{Miss, Plan};
use super::rows::ChangeSet;
use super::select::Select;
use super::{Db, Store, StoreFault};
use crate::core::id::IncidentId;
use crate::core::summary::Proposal;

pub(super) const PROPOSALS: Bulk = Bulk {
    name: "write proposals",
    head: "insert into proposals (incident, at, seq, state, body) values ",
    width: 5,
    tail: " on conflict (incident) do update set at = excluded.at, seq = excluded.seq, \
        state = excluded.state, body = excluded.body",
};

impl<B: Backend> Plan<'_, B> {
    pub(super) fn proposals(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        let rows: Vec<(&IncidentId, &Proposal)> = changes.insight.proposals.iter().collect();
        self.rows(&PROPOSALS, Miss::Expected, &rows, |(incident, p)| {
            let body = serde_json::to_string(p)
                .map_err(|e| StoreFault::Database(sqlx::Error::Encode(e.into())))?;
            Ok([
                Cell::Int(incident.0),
                Cell::Int(p.at.0),
                Cell::Int(i64::from(p.seq)),
                Cell::Text(p.state.word()),
                Cell::Owned(body),
            ])
        })
    }
}

impl<B: Backend> Pools<B> {
    async fn proposal(&self, id: IncidentId) -> Result<Option<Proposal>, StoreFault> {
        Select::<B>::new("select body from proposals")
            .number("incident = ", Some(id.0))
            .first(&self.read, |mut row| {
                let body = row.text()?;
                serde_json::from_str(&body)
                    .map_err(|e| StoreFault::Unreadable(format!("the proposal {body}: {e}")))
            })
            .await
    }
}

impl Store {
    /// The newest summary that was proposed for an incident.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn proposal(&self, id: IncidentId) -> Result<Option<Proposal>, StoreFault> {
        on!(self, pools => pools.proposal(id).await)
    }
}
