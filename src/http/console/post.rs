//! Messages with what their live kinds show: cards and runs, drawn from state as it is now.

use super::Console;
use super::load::Moment;
use super::trouble::Trouble;
use super::view::card::CardView;
use super::view::room::PostView;
use super::view::run::RunView;
use crate::chat;
use crate::core::id::{IncidentId, RunId};
use crate::core::incident::Incident;
use crate::store::PostRow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The card of an incident as it is now.
pub(super) async fn card_of(
    console: &Console,
    moment: &Moment,
    incident: &Incident,
) -> Result<CardView, Trouble> {
    let home = console.app.settings.public_url.trim_end_matches('/');
    let url = format!("{home}/incidents/{}", incident.id.0);
    Ok(CardView {
        card: chat::card::card(incident, &moment.directory, moment.now, &url),
        began_at: incident.began_at,
        resolved_at: incident.resolved_at,
        partly: console.app.engine.partly(incident).await?,
    })
}

/// One run of an incident, with its output.
pub(super) async fn run_of(
    console: &Console,
    incident: &Incident,
    id: RunId,
) -> Result<Option<RunView>, Trouble> {
    let store = console.app.engine.store();
    let mut rows: Vec<_> = store.run(id).await?.into_iter().collect();
    if let Some((check, _)) = incident.check_of(id) {
        rows.extend(store.run(check).await?);
    }
    let files = store.artifacts(id).await?;
    let (directory, now) = (console.app.engine.directory(), console.app.engine.now());
    Ok(RunView::one(incident, id, &rows, &files, &directory, now))
}

/// Adds the live parts. Each incident is read once, however many messages show it.
pub(super) async fn live(
    console: &Console,
    moment: &Moment,
    rows: Vec<PostRow>,
) -> Result<Vec<PostView>, Trouble> {
    let mut known: BTreeMap<IncidentId, Option<Arc<Incident>>> = BTreeMap::new();
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        let mut view = PostView {
            card: None,
            run: None,
            row,
        };
        if let Some(id) = view
            .row
            .incident
            .filter(|_| matches!(view.row.kind.as_str(), "card" | "page" | "run"))
        {
            let incident = match known.get(&id) {
                Some(incident) => incident.clone(),
                None => {
                    let found = console.app.engine.incident(id).await?;
                    known.insert(id, found.clone());
                    found
                }
            };
            if let Some(incident) = incident.as_deref() {
                match (view.row.kind.as_str(), view.row.seq) {
                    ("run", Some(n)) => view.run = run_of(console, incident, RunId(n)).await?,
                    ("run", None) => {}
                    _ => view.card = Some(card_of(console, moment, incident).await?),
                }
            }
        }
        views.push(view);
    }
    Ok(views)
}
