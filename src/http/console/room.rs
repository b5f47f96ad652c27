//! The page of a room.

use super::Console;
use super::load::{self, Moment};
use super::post;
use super::trouble::Trouble;
use super::view::frame::Here;
use super::view::room::{self as draw, RoomView};
use super::viewer::Viewer;
use crate::core::id::RoomId;
use crate::store::{PostRow, RoomRow};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

/// Messages in one window.
pub(super) const WINDOW: i64 = 60;

#[derive(Deserialize)]
pub(super) struct Window {
    before: Option<i64>,
    /// The message that is being answered.
    answers: Option<i64>,
}

/// A room this viewer may look into; another one is answered as if it were not there.
pub(super) async fn find(console: &Console, viewer: &Viewer, id: i64) -> Result<RoomRow, Trouble> {
    let room = console.app.engine.store().room(RoomId(id)).await?;
    let none = || Trouble::NotFound("There is no such room, or it is not yours.".to_owned());
    let room = room.filter(|r| load::may_see(viewer, r)).ok_or_else(none)?;
    if let Some(id) = room.incident {
        let seen = console.app.engine.seen(id, &viewer.sight).await?;
        seen.ok_or_else(none)?;
    }
    Ok(room)
}

/// Whether this message is for this viewer: answers are for whoever asked.
pub(super) fn for_viewer(viewer: &Viewer, row: &PostRow) -> bool {
    row.kind != "answer" || row.author.is_empty() || row.author == viewer.id
}

/// The messages below `before`, and whether there are older ones. Private answers count towards
/// the window before they are left out, so that paging never skips a message.
pub(super) async fn window(
    console: &Console,
    moment: &Moment,
    room: RoomId,
    before: i64,
) -> Result<(Vec<draw::PostView>, bool), Trouble> {
    let rows = console
        .app
        .engine
        .store()
        .posts(room, before, WINDOW)
        .await?;
    let more = i64::try_from(rows.len()).unwrap_or(0) >= WINDOW;
    let rows = rows
        .into_iter()
        .filter(|r| for_viewer(&moment.viewer, r))
        .collect();
    Ok((post::live(console, moment, rows).await?, more))
}

pub(super) async fn room(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<i64>,
    Query(asked): Query<Window>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let row = find(&console, &moment.viewer, id).await?;
    let before = asked.before.unwrap_or(i64::MAX);
    let (posts, more) = window(&console, &moment, row.id, before).await?;
    let (mut card, mut links) = (None, Vec::new());
    if let Some(incident) = row.incident {
        let incident = load::incident(&console, incident.0).await?;
        let page = format!("/incidents/{}", incident.id.0);
        links = crate::chat::card::links(&incident, &moment.directory, &page);
        card = Some(post::card_of(&console, &moment, &incident).await?);
    }
    let answers = match asked.answers {
        Some(id) => console.app.engine.store().post(id).await?,
        None => None,
    };
    let answers = answers
        .filter(|p| p.room == row.id && p.kind == "text" && p.state.is_empty())
        .map(|p| (p.id, p.author_name));
    let shown = RoomView {
        room: row,
        card,
        posts,
        more,
        newest: asked.before.is_none(),
        answers,
        links,
    };
    let body = draw::room(moment.scene(), &shown);
    let path = format!("/rooms/{id}");
    let here = Here::Room(RoomId(id));
    load::page(&console, &moment, (here, &path), draw::title(&shown), &body).await
}
