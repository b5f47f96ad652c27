//! What is one person's: their shifts, the pages they got, their contacts, their calendar.

use super::Console;
use super::load::{self, Moment};
use super::told::Asker;
use super::trouble::Trouble;
use super::view::frame::Here;
use super::view::me::{self as draw, Mine};
use super::viewer::Viewer;
use crate::core::schedule::stints;
use crate::http::feed::{self, Whose};
use axum::extract::State;
use axum::response::Response;

/// How far shifts are shown, and how far back pages are looked at.
const AHEAD_MS: i64 = 60 * 86_400_000;
const BACK_MS: i64 = 60 * 86_400_000;
/// Pages shown.
const PAGES: i64 = 100;

/// The page.
pub(super) async fn me(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let body = match moment.viewer.id.clone() {
        id if id.is_empty() => draw::nobody(moment.scene()),
        id => draw::me(moment.scene(), &mine(&console, &moment, &id).await?),
    };
    load::page(&console, &moment, (Here::Me, "/me"), "My shifts", &body).await
}

async fn mine(console: &Console, moment: &Moment, id: &str) -> Result<Mine, Trouble> {
    let (now, engine) = (moment.now, &console.app.engine);
    let schedules = || moment.directory.schedules.values();
    let (back, ahead) = (now.plus_ms(-BACK_MS), now.plus_ms(AHEAD_MS));
    let mut past = stints(schedules(), id, back, now);
    past.retain(|s| s.until <= now);
    let pages = engine.store().pages_of(id, (back, now.plus_ms(1)), PAGES);
    Ok(Mine {
        shifts: stints(schedules(), id, now, ahead),
        past,
        pages: pages.await?,
        feed: feed::address(engine, &Whose::Person(id.to_owned())).await?,
    })
}

/// Ends the old address of whoever asks.
pub(super) async fn rotate(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
) -> Result<Response, Trouble> {
    if let Err(answer) = asker.actor(&console, &viewer) {
        return Ok(*answer);
    }
    feed::rotate(&console.app.engine, &Whose::Person(viewer.id)).await?;
    Ok(asker.tell(
        true,
        "Your calendar has a new address; the old one no longer works.",
    ))
}
