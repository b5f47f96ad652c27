//! Rows of what holds runs back and of what was learned: keys, switches, lessons.

use super::StoreFault;
use super::backend::{Backend, Cell};
use super::bulk;
use super::open::Pools;
use super::plan::{Miss, Plan};
use super::rows::ChangeSet;
use super::select::Select;
use crate::core::brakes::{Latch, Switch};
use crate::core::id::IncidentId;
use crate::core::learn::Lesson;
use crate::core::time::Time;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A run's keys as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatchRow {
    /// As decided.
    pub latch: Latch,
    /// The process that decided it.
    pub epoch: i64,
}

/// Somebody turned something off or on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchedRow {
    /// The act; the same act again is not written again.
    pub cause: String,
    /// Name of the switch.
    pub name: String,
    /// When.
    pub at: Time,
    /// The switch after it.
    pub switch: Switch,
    /// Who turned it on again; who turned it off is in the switch.
    pub by: String,
}

/// What an incident teaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeachingRow {
    /// Which incident.
    pub incident: IncidentId,
    /// The length of the journal it was read from.
    pub seq: u32,
    /// When that was.
    pub at: Time,
    /// `None`: it teaches nothing.
    pub lesson: Option<Lesson>,
}

fn json<T: Serialize>(value: &T) -> Result<Cell<'static>, StoreFault> {
    let text = serde_json::to_string(value);
    let text = text.map_err(|e| StoreFault::Database(sqlx::Error::Encode(e.into())))?;
    Ok(Cell::Owned(text))
}

fn read<T: DeserializeOwned>(what: &str, body: &str) -> Result<T, StoreFault> {
    serde_json::from_str(body).map_err(|e| StoreFault::Unreadable(format!("{what} {body}: {e}")))
}

impl<B: Backend> Plan<'_, B> {
    pub(super) fn brakes(&mut self, changes: &ChangeSet) -> Result<(), StoreFault> {
        use Miss::Expected;
        let latches: Vec<&LatchRow> = changes.latches.values().collect();
        self.rows(&bulk::LOCKS, Expected, &latches, |row| {
            let l = &row.latch;
            Ok([
                Cell::Int(l.run.0),
                Cell::Int(l.incident.0),
                Cell::Text(l.state.word()),
                Cell::Int(l.released.unwrap_or(l.since).0),
                Cell::MaybeInt(l.state.until().map(|t| t.0)),
                Cell::Int(row.epoch),
                json(l)?,
            ])
        })?;
        let switches: Vec<(&String, &(Switch, Time))> = changes.switches.iter().collect();
        self.rows(&bulk::SWITCHES, Expected, &switches, |(name, (s, at))| {
            Ok([Cell::Text(name), json(s)?, Cell::Int(at.0)])
        })?;
        self.rows(&bulk::SWITCH_LOG, Expected, &changes.switch_log, |s| {
            Ok([
                Cell::Text(&s.cause),
                Cell::Text(&s.name),
                Cell::Int(s.at.0),
                json(&(&s.by, &s.switch))?,
            ])
        })?;
        let teachings: Vec<&TeachingRow> = changes.teachings.values().collect();
        self.rows(&bulk::TEACHINGS, Expected, &teachings, |row| {
            let pattern = row.lesson.as_ref().map(|l| l.pattern.key());
            let body = match &row.lesson {
                Some(lesson) => json(lesson)?,
                None => Cell::Text(""),
            };
            Ok([
                Cell::Int(row.incident.0),
                Cell::Int(i64::from(row.seq)),
                Cell::Owned(pattern.unwrap_or_default()),
                Cell::Int(row.at.0),
                body,
            ])
        })
    }
}

impl<B: Backend> Pools<B> {
    /// What holds, waits or rests, and what was released since then.
    pub(super) async fn latches(&self, since: Time) -> Result<Vec<Latch>, StoreFault> {
        let live = Select::<B>::new("select body from locks")
            .only("state <> 'free'")
            .then(" union select body from locks where at >= ")
            .bind(Cell::Int(since.0));
        let found = live.all(&self.read, |mut row| read("the key", &row.text()?));
        found.await
    }

    pub(super) async fn switches(&self) -> Result<Vec<(String, Switch)>, StoreFault> {
        Select::<B>::new("select name, body from switches order by name")
            .all(&self.read, |mut row| {
                let name = row.text()?;
                Ok((name, read("the switch", &row.text()?)?))
            })
            .await
    }

    pub(super) async fn switch_log(&self, limit: i64) -> Result<Vec<SwitchedRow>, StoreFault> {
        Select::<B>::new("select cause, name, at, body from switch_log order by at desc, cause")
            .page(limit, 0)
            .all(&self.read, |mut row| {
                let (cause, name, at) = (row.text()?, row.text()?, Time(row.int()?));
                let (by, switch) = read("the switch", &row.text()?)?;
                Ok(SwitchedRow {
                    cause,
                    name,
                    at,
                    switch,
                    by,
                })
            })
            .await
    }

    /// The newest lessons, newest first.
    pub(super) async fn teachings(&self, limit: i64) -> Result<Vec<Lesson>, StoreFault> {
        Select::<B>::new("select body from teachings")
            .only("body <> ''")
            .then(" order by at desc, incident desc")
            .page(limit, 0)
            .all(&self.read, |mut row| read("the lesson", &row.text()?))
            .await
    }

    /// Incidents that are over and were not read, or not to their end; or that are open again.
    pub(super) async fn unlearned(
        &self,
        after: IncidentId,
        limit: i64,
    ) -> Result<Vec<IncidentId>, StoreFault> {
        Select::<B>::new("select i.id from incidents i left join teachings l on l.incident = i.id")
            .number("i.id > ", Some(after.0))
            .only("(l.incident is null and i.status = 'resolved' or l.seq < i.seq)")
            .then(" order by i.id")
            .page(limit, 0)
            .all(&self.read, |mut row| Ok(IncidentId(row.int()?)))
            .await
    }
}
