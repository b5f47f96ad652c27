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
        partly: super::hands::partly(console, moment, incident).await?,
        of_alerts: incident.is_open() && incident.alerts > 0,
    })
}

/// One run of an incident, with its output.
pub(super) async fn run_of(
    console: &Console,
    incident: &Incident,
    id: RunId,
) -> Result<Option<RunView>, Trouble> {
    let Some(run) = incident.runs.get(&id) else {
        return Ok(None);
    };
    Ok(Some(RunView {
        incident: incident.id,
        seq: incident.seq,
        id,
        run: run.clone(),
        row: console.app.engine.store().run(id).await?,
        wants: crate::core::verdict::wanting(
            incident,
            run,
            &console.app.engine.directory(),
            console.app.engine.now(),
        ),
        files: console.app.engine.store().artifacts(id).await?,
    }))
}

/// Adds the live parts. Each incident is read once, however many messages show it.
pub(super) async fn live(
    console: &Console,
    moment: &Moment,
    rows: Vec<PostRow>,
) -> Result<Vec<PostView>, Trouble> {
    let mut known: BTreeMap<IncidentId, Option<Arc<Incident>>> = BTreeMap::new();
    let mut views = Vec::with_capacity(rows.len());
    let sight = &moment.viewer.sight;
    let hidden = console.app.engine.store().hidden(sight).await?;
    // What was said of an incident before it became private is not shown to others any more.
    let shown = |r: &PostRow| !r.incident.is_some_and(|i| hidden.contains(&i));
    for row in rows.into_iter().filter(shown) {
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
