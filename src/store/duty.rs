//! What being on call has cost whom, as far as the database knows it: pages that reached a person.
//!
//! A page counts once per fact that asked for it, through however many contacts it arrived. What was
//! withdrawn before it left, or failed everywhere, woke nobody and does not count. Drills are practised and
//! count nowhere.

use super::StoreFault;
use super::backend::{Backend, Cell};
use super::open::Pools;
use super::select::Select;
use crate::core::duty::Cover;
use crate::core::fairness::PageAt;
use crate::core::id::{IncidentId, Seq};
use crate::core::time::Time;
use std::collections::BTreeMap;

/// A cover and the act that made it.
#[derive(Clone, Debug, PartialEq)]
pub struct CoverRow {
    /// Unique per act.
    pub cause: String,
    /// As it is now.
    pub cover: Cover,
    /// Last change.
    pub updated_at: Time,
}

/// A page that reached a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagedRow {
    /// When it was sent.
    pub at: Time,
    /// About which incident.
    pub incident: IncidentId,
    /// Its title now.
    pub title: String,
    /// It was practised.
    pub drill: bool,
}

impl<B: Backend> Pools<B> {
    pub(super) async fn pages_by_person(
        &self,
        from: Time,
        until: Time,
    ) -> Result<BTreeMap<String, i64>, StoreFault> {
        // `lane` stands in the text because the partial index is only used for a value known when planning.
        let counted = Select::<B>::new(
            "select target, count(*) from (select distinct target, incident, seq from outbox \
             where lane = 'page' and state = 'done' \
             and incident not in (select id from incidents where drill = 1) and created_at >= ",
        )
        .bind(Cell::Int(from.0))
        .then(" and created_at < ")
        .bind(Cell::Int(until.0))
        .then(") as pages group by target");
        let rows = counted.all(&self.read, |mut row| Ok((row.text()?, row.int()?)));
        Ok(rows.await?.into_iter().collect())
    }

    pub(super) async fn page_times(
        &self,
        from: Time,
        until: Time,
        limit: i64,
    ) -> Result<Vec<PageAt>, StoreFault> {
        Select::<B>::new("select target, incident, seq, min(created_at) from outbox")
            .only("lane = 'page' and state = 'done'")
            .only("incident not in (select id from incidents where drill = 1)")
            .number("created_at >= ", Some(from.0))
            .number("created_at < ", Some(until.0))
            .then(" group by target, incident, seq order by min(created_at) desc")
            .page(limit, 0)
            .all(&self.read, |mut row| {
                Ok(PageAt {
                    person: row.text()?,
                    incident: IncidentId(row.int()?),
                    seq: Seq::try_from(row.int()?).unwrap_or(Seq::MAX),
                    at: Time(row.int()?),
                })
            })
            .await
    }

    pub(super) async fn pages_of(
        &self,
        person: &str,
        (from, until): (Time, Time),
        limit: i64,
    ) -> Result<Vec<PagedRow>, StoreFault> {
        Select::<B>::new(
            "select min(o.created_at), o.incident, i.title, i.drill from outbox o \
             join incidents i on i.id = o.incident",
        )
        .only("o.lane = 'page' and o.state = 'done'")
        .text("o.target = ", Some(person))
        .number("o.created_at >= ", Some(from.0))
        .number("o.created_at < ", Some(until.0))
        .then(" group by o.incident, o.seq, i.title, i.drill order by min(o.created_at) desc")
        .page(limit, 0)
        .all(&self.read, |mut row| {
            Ok(PagedRow {
                at: Time(row.int()?),
                incident: IncidentId(row.int()?),
                title: row.text()?,
                drill: row.flag()?,
            })
        })
        .await
    }
}
