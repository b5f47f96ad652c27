//! `GET /api/v2/alerts/groups`: one group per incident, and one of the alerts that page nobody.
//!
//! Two passes, so that only ids are held: the first walks the table and notes which alert belongs
//! where, the second fetches group by group. An alert that ends in between is left out.

use super::list::{PAGE, ends_at};
use super::query::{Filter, labels_of, receiver_of};
use super::row;
use super::{App, Pieces};
use crate::core::alert::Labels;
use crate::core::directory::{Directory, Route};
use crate::core::id::IncidentId;
use crate::engine::Engine;
use crate::store::{AlertQuery, AlertRow, StoreFault};
use axum::body::Bytes;
use serde_json::json;
use std::sync::Arc;

/// Bytes after which a piece is sent.
const PIECE_BYTES: usize = 256 * 1024;

/// An alert's place: its incident, 0 for none, and its id.
type Place = (i64, i64);

/// A walk over the groups.
pub(super) struct Walk {
    engine: Engine,
    directory: Arc<Directory>,
    /// Sorted, so that groups are ranges.
    places: Vec<Place>,
    /// The first place that is not written yet.
    at: usize,
    /// The end of the group that is open: its labels and receiver.
    tail: Option<String>,
    /// What stands before the next group.
    lead: char,
    over: bool,
}

impl Walk {
    pub(super) async fn new(app: &App, filter: &Filter) -> Result<Walk, StoreFault> {
        let mut places = places(&app.engine, filter).await?;
        places.sort_unstable();
        Ok(Walk {
            engine: app.engine.clone(),
            directory: app.engine.directory(),
            places,
            at: 0,
            tail: None,
            lead: '[',
            over: false,
        })
    }
}

async fn places(engine: &Engine, filter: &Filter) -> Result<Vec<Place>, StoreFault> {
    let (store, directory, now) = (engine.store(), engine.directory(), engine.now());
    let mut places = Vec::new();
    let mut after = 0;
    if filter.nothing() {
        return Ok(places);
    }
    loop {
        let query = AlertQuery {
            firing: Some(true),
            after,
            limit: PAGE,
            ..AlertQuery::default()
        };
        let rows = store.alerts(&query).await?;
        let Some(last) = rows.last() else {
            return Ok(places);
        };
        after = last.id.0;
        let admitted = rows.iter().filter(|row| {
            let held = Filter::held_by(row, &directory, now);
            filter.admits(row, !held.is_empty())
        });
        places.extend(admitted.map(place));
    }
}

fn place(row: &AlertRow) -> Place {
    (row.incident.map_or(0, |i| i.0), row.id.0)
}

impl Pieces for Walk {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreFault> {
        if self.over {
            return Ok(None);
        }
        let mut out = String::new();
        while self.at < self.places.len() && out.len() < PIECE_BYTES {
            self.page(&mut out).await?;
        }
        if self.at == self.places.len() {
            self.over = true;
            out.push_str(if self.lead == '[' { "[]\n" } else { "]\n" });
        }
        Ok(Some(out.into()))
    }
}

impl Walk {
    /// Writes the next alerts of one group, and its end with the last of them.
    async fn page(&mut self, out: &mut String) -> Result<(), StoreFault> {
        let (group, first) = self.places[self.at];
        let len = self.places[self.at..].partition_point(|(g, _)| *g == group);
        let end = self.at + len;
        let query = AlertQuery {
            firing: Some(true),
            incident: (group != 0).then_some(IncidentId(group)),
            after: first - 1,
            // The group of those that page nobody has no filter of its own: others lie between.
            limit: if group == 0 {
                PAGE
            } else {
                i64::try_from(len).map_or(PAGE, |n| n.min(PAGE))
            },
            ..AlertQuery::default()
        };
        let rows = self.engine.store().alerts(&query).await?;
        for row in &rows {
            if self.places[self.at..end].binary_search(&place(row)).is_ok() {
                self.alert(out, row).await?;
            }
        }
        let reached = rows.last().map_or(i64::MAX, |row| row.id.0);
        self.at += self.places[self.at..end].partition_point(|(_, id)| *id <= reached);
        if self.at == end
            && let Some(tail) = self.tail.take()
        {
            out.push_str(&tail);
        }
        Ok(())
    }

    async fn alert(&mut self, out: &mut String, row: &AlertRow) -> Result<(), StoreFault> {
        if self.tail.is_none() {
            out.push(self.lead);
            self.lead = ',';
            out.push_str(r#"{"alerts":["#);
            let labels = self.group_labels(row).await?;
            self.tail = Some(format!(
                r#"],"labels":{},"receiver":{}}}"#,
                json!(labels),
                json!({ "name": receiver_of(row) })
            ));
        } else {
            out.push(',');
        }
        let held = Filter::held_by(row, &self.directory, self.engine.now());
        row::write(out, row, ends_at(&self.engine, row), &held);
        Ok(())
    }

    /// The labels the group has in common: those its route groups by, with the values of its
    /// first alert; all of them when the route does not group. None when the route is gone.
    async fn group_labels(&self, row: &AlertRow) -> Result<Labels, StoreFault> {
        let Some(id) = row.incident else {
            return Ok(Labels::new());
        };
        let incident = self.engine.store().incident(id).await?;
        let route = incident.and_then(|i| route_of(&self.directory.route, &i.group_key));
        let Some(group_by) = route.map(|r| &r.group_by) else {
            return Ok(Labels::new());
        };
        let mut labels = labels_of(row);
        labels.retain(|name, _| group_by.is_empty() || group_by.contains(name));
        Ok(labels)
    }
}

/// The node a group key begins with (`core::route` writes `name|service|…`).
fn route_of<'a>(route: &'a Route, key: &str) -> Option<&'a Route> {
    let rest = key.strip_prefix(&route.name);
    if rest.is_some_and(|rest| rest.starts_with('|')) {
        return Some(route);
    }
    route.children.iter().find_map(|child| route_of(child, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_key_leads_back_to_its_route() {
        let node = |name: &str, children| Route {
            name: name.to_owned(),
            children,
            ..Route::default()
        };
        let web = node("default/web", vec![node("default/web/eu", vec![])]);
        let root = node("default", vec![web, node("default/db", vec![])]);
        for (key, name) in [
            ("default|shop|a=\"b\"", Some("default")),
            ("default/web|", Some("default/web")),
            ("default/web/eu||x", Some("default/web/eu")),
            ("default/we|", None),
            ("", None),
        ] {
            let found = route_of(&root, key).map(|r| r.name.as_str());
            assert_eq!(found, name, "{key}");
        }
    }
}
