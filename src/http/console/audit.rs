//! The audit of runbook actions, for people who lead.

use super::Console;
use super::load::{self, Moment};
use super::trouble::Trouble;
use super::view::audit::{self as draw, Wanted};
use super::view::frame::Here;
use super::viewer::Viewer;
use crate::core::id::IncidentId;
use crate::store::AuditQuery;
use axum::extract::{Query, State};
use axum::response::Response;

/// Entries per page.
const PER_PAGE: i64 = 100;

/// The page, newest first; anybody else is told which role it takes.
pub(super) async fn audit(
    State(console): State<Console>,
    viewer: Viewer,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let roles = &console.app.settings.audit.readers;
    let person = moment.directory.people.get(&moment.viewer.id);
    if !person.is_some_and(|p| p.roles.iter().any(|r| roles.contains(r))) {
        let body = draw::closed(roles);
        return load::page(&console, &moment, (Here::Audit, "/audit"), "Audit", &body).await;
    }
    let some = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
    let incident = match wanted.incident.trim().trim_start_matches('#') {
        "" => None,
        text => Some(IncidentId(text.parse().map_err(|_| {
            Trouble::Invalid(format!(
                "`{text}` is no incident; write its number, such as 42."
            ))
        })?)),
    };
    let query = AuditQuery {
        who: some(&wanted.person).map(|id| format!("person:{id}")),
        action: some(&wanted.action),
        incident,
        kind: None,
        before: wanted.before,
        limit: PER_PAGE,
    };
    let store = console.app.engine.store();
    let mut entries = store.audit(&query).await?;
    let hidden = store.hidden(&moment.viewer.sight).await?;
    let full = i64::try_from(entries.len()).unwrap_or(0) == PER_PAGE;
    entries.retain(|e| !e.incident.is_some_and(|i| hidden.contains(&IncidentId(i))));
    let head = store.audit_head().await?;
    let signed = store.audit_checkpoints().await?.pop();
    let more = full;
    let body = draw::audit(
        moment.scene(),
        &wanted,
        &entries,
        (&head, signed.as_ref()),
        more,
    );
    load::page(&console, &moment, (Here::Audit, "/audit"), "Audit", &body).await
}
