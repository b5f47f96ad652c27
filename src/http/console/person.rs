//! One person: how they are woken, whether it works, and how they slept.

use super::Console;
use super::load::{self, Moment};
use super::trouble::Trouble;
use super::view;
use super::view::frame::Here;
use super::view::person::PersonView;
use super::viewer::Viewer;
use crate::core::hours::disturbed;
use crate::store::AttemptQuery;
use axum::extract::{Path, State};
use axum::response::Response;

/// Tries shown.
const TRIES: i64 = 50;
/// Nights looked back on, milliseconds: two weeks, a usual turn and the one before.
const NIGHTS_MS: i64 = 14 * 86_400_000;

pub(super) async fn person(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let found = moment.directory.people.get(&id).cloned();
    let person =
        found.ok_or_else(|| Trouble::NotFound(format!("{id} is not in the directory.")))?;
    let store = console.app.engine.store();
    let query = AttemptQuery {
        person: Some(id.clone()),
        sight: moment.viewer.sight.clone(),
        limit: TRIES,
        ..AttemptQuery::default()
    };
    let (attempts, _) = store.attempts(&query).await?;
    let since = moment.now.plus_ms(-NIGHTS_MS);
    let nights = disturbed(&store.paged_at(&id, since).await?, person.zone);
    let title = person.name.clone();
    let shown = PersonView {
        person,
        attempts,
        nights,
    };
    let body = view::person::person(moment.scene(), &shown);
    let path = format!("/people/{id}");
    load::page(&console, &moment, (Here::People, &path), &title, &body).await
}
