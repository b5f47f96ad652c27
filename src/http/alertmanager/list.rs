//! `GET /api/v2/alerts`.

use super::query::Filter;
use super::row;
use super::{App, Pieces};
use crate::core::time::Time;
use crate::engine::Engine;
use crate::store::{AlertQuery, AlertRow, StoreFault};
use axum::body::Bytes;

/// Rows of one piece: large enough that the query's overhead vanishes, small enough to hold.
pub(super) const PAGE: i64 = 1000;

/// When a firing alert will be taken as ended: the engine knows of repeats the row does not.
pub(super) fn ends_at(engine: &Engine, row: &AlertRow) -> Time {
    let known = engine.ends_at(&row.source, &row.fingerprint);
    known.unwrap_or(row.ends_at)
}

/// A walk over all firing alerts by id.
pub(super) struct Walk {
    engine: Engine,
    filter: Filter,
    after: i64,
    /// What stands before the next alert.
    lead: char,
    over: bool,
}

impl Walk {
    pub(super) fn new(app: &App, filter: Filter) -> Walk {
        Walk {
            engine: app.engine.clone(),
            filter,
            after: 0,
            lead: '[',
            over: false,
        }
    }
}

impl Pieces for Walk {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreFault> {
        if self.over {
            return Ok(None);
        }
        let mut out = String::new();
        // A piece without an alert is not sent, but the walk goes on.
        while out.is_empty() && !self.over {
            self.page(&mut out).await?;
        }
        Ok(Some(out.into()))
    }
}

impl Walk {
    async fn page(&mut self, out: &mut String) -> Result<(), StoreFault> {
        let query = AlertQuery {
            firing: Some(true),
            after: self.after,
            limit: PAGE,
            ..AlertQuery::default()
        };
        let rows = if self.filter.nothing() {
            Vec::new()
        } else {
            self.engine.store().alerts(&query).await?
        };
        let (directory, now) = (self.engine.directory(), self.engine.now());
        for row in &rows {
            let held = Filter::held_by(row, &directory, now);
            if !self.filter.admits(row, !held.is_empty()) {
                continue;
            }
            out.push(self.lead);
            self.lead = ',';
            row::write(out, row, ends_at(&self.engine, row), &held);
        }
        match rows.last() {
            Some(last) => self.after = last.id.0,
            None => {
                self.over = true;
                out.push_str(if self.lead == '[' { "[]\n" } else { "]\n" });
            }
        }
        Ok(())
    }
}
