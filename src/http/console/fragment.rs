//! Pieces of pages for the script to put in place: each is the same drawing the page uses.

use super::load::{self, Moment};
use super::room::WINDOW;
use super::trouble::Trouble;
use super::view::frame::Here;
use super::view::{
    card as draw_card, conduct as draw_conduct, frame, incident as draw_incident,
    overview as draw_overview, room as draw_room, run as draw_run,
};
use super::viewer::Viewer;
use super::{Console, post};
use crate::core::id::{RoomId, RunId};
use axum::extract::{Path, Query, State};
use axum::http::HeaderName;
use axum::response::{IntoResponse, Response};
use maud::Markup;
use serde::Deserialize;

/// More new messages than this since the last look: the page is loaded anew.
const CATCH_UP: i64 = 200;

pub(super) async fn overview(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Markup, Trouble> {
    let moment = Moment::new(&console, viewer);
    let shown = load::overview(&console, &moment).await?;
    Ok(draw_overview::content(moment.scene(), &shown))
}

#[derive(Deserialize)]
pub(super) struct At {
    #[serde(default)]
    at: String,
}

pub(super) async fn side(
    State(console): State<Console>,
    viewer: Viewer,
    Query(at): Query<At>,
) -> Result<Markup, Trouble> {
    let here = here(&at.at);
    let side = load::side(&console, &viewer, here).await?;
    Ok(frame::side_content(&side, here))
}

fn here(word: &str) -> Here {
    let room = word.strip_prefix("room-").and_then(|n| n.parse().ok());
    match (room, word) {
        (Some(id), _) => Here::Room(RoomId(id)),
        (_, "overview") => Here::Overview,
        (_, "incidents") => Here::Incidents,
        (_, "oncall") => Here::OnCall,
        (_, "me") => Here::Me,
        (_, "services") => Here::Services,
        (_, "actions") => Here::Actions,
        (_, "alerts") => Here::Alerts,
        (_, "silences") => Here::Silences,
        (_, "automation") => Here::Automation,
        (_, "quarantine") => Here::Quarantine,
        (_, "audit") => Here::Audit,
        (_, "analytics") => Here::Analytics,
        (_, "changes") => Here::Changes,
        (_, "postmortems") => Here::Postmortems,
        (_, "search") => Here::Search,
        (_, "declare") => Here::Declare,
        _ => Here::People,
    }
}

pub(super) async fn card(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<i64>,
) -> Result<Markup, Trouble> {
    let moment = Moment::new(&console, viewer);
    let incident = load::incident(&console, id).await?;
    Ok(draw_card::card(
        moment.scene(),
        &post::card_of(&console, &moment, &incident).await?,
    ))
}

pub(super) async fn strip(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<i64>,
) -> Result<Markup, Trouble> {
    let moment = Moment::new(&console, viewer);
    let incident = load::incident(&console, id).await?;
    Ok(draw_card::strip(
        moment.scene(),
        &post::card_of(&console, &moment, &incident).await?,
    ))
}

pub(super) async fn incident(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<i64>,
) -> Result<Markup, Trouble> {
    let moment = Moment::new(&console, viewer);
    let incident = load::incident(&console, id).await?;
    let shown = load::incident_view(&console, &moment, &incident).await?;
    Ok(draw_incident::columns(moment.scene(), &shown))
}

/// Who does what in an incident, as a message of its room shows it.
pub(super) async fn board(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<i64>,
) -> Result<Markup, Trouble> {
    let moment = Moment::new(&console, viewer);
    let incident = load::incident(&console, id).await?;
    Ok(draw_conduct::board(moment.scene(), &incident))
}

pub(super) async fn run(
    State(console): State<Console>,
    viewer: Viewer,
    Path((incident, id)): Path<(i64, i64)>,
) -> Result<Markup, Trouble> {
    let moment = Moment::new(&console, viewer);
    let incident = load::incident(&console, incident).await?;
    let run = post::run_of(&console, &incident, RunId(id)).await?;
    let shown = run.ok_or_else(|| {
        Trouble::NotFound(format!("There is no {} on {}.", RunId(id), incident.id))
    })?;
    Ok(draw_run::run(moment.scene(), &shown))
}

#[derive(Deserialize)]
pub(super) struct Since {
    since: i64,
}

/// Messages whose words, file or mark changed of late: those of the newest window.
pub(super) async fn changed(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<i64>,
    Query(asked): Query<Since>,
) -> Result<Markup, Trouble> {
    let moment = Moment::new(&console, viewer);
    let room = super::room::find(&console, &moment.viewer, id).await?;
    let (posts, _) = super::room::window(&console, &moment, room.id, i64::MAX).await?;
    let shown: Vec<_> = (posts.into_iter())
        .filter(|p| p.row.kind == "text" || p.row.changed_at.is_some())
        .filter(|p| p.row.id <= asked.since)
        .collect();
    Ok(draw_room::posts(moment.scene(), &shown))
}

#[derive(Deserialize)]
pub(super) struct Piece {
    after: Option<i64>,
    before: Option<i64>,
}

/// Messages after one, or a window before one. Headers tell what the markup cannot: the last id
/// seen, that there are older ones, that too much is new to be appended.
pub(super) async fn room(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<i64>,
    Query(piece): Query<Piece>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let room = super::room::find(&console, &moment.viewer, id).await?;
    if let Some(before) = piece.before {
        let (posts, more) = super::room::window(&console, &moment, room.id, before).await?;
        let head = more.then_some((HeaderName::from_static("x-firebell-more"), "1"));
        let body = draw_room::posts(moment.scene(), &posts);
        return Ok((axum::response::AppendHeaders(head), body).into_response());
    }
    let after = piece.after.unwrap_or(0);
    let rows = console
        .app
        .engine
        .store()
        .posts(room.id, i64::MAX, CATCH_UP)
        .await?;
    let full = i64::try_from(rows.len()).unwrap_or(0) >= CATCH_UP;
    let gap = full && after > 0 && rows.first().is_some_and(|r| r.id > after);
    let last = rows.last().map_or(after, |r| r.id);
    let keep = if after == 0 { WINDOW } else { CATCH_UP };
    let skip = rows
        .len()
        .saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX));
    let news = rows
        .into_iter()
        .skip(skip)
        .filter(|r| r.id > after && super::room::for_viewer(&moment.viewer, r))
        .collect();
    let posts = post::live(&console, &moment, news).await?;
    let mut head = vec![(HeaderName::from_static("x-firebell-last"), last.to_string())];
    if gap {
        head.push((HeaderName::from_static("x-firebell-gap"), "1".to_owned()));
    }
    let body = draw_room::posts(moment.scene(), &posts);
    Ok((axum::response::AppendHeaders(head), body).into_response())
}
