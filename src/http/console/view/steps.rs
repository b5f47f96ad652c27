//! The rooms of an incident, step by step: what is done, what waits, what failed and why.

use super::Scene;
use super::incident::IncidentView;
use super::parts::hidden;
use crate::chat::{Press, button};
use crate::core::incident::Surface;
use crate::http::console::viewer::Acting;
use crate::store::ShowRow;
use maud::{Markup, html};

/// Whether a line of the timeline can be removed for good.
pub(super) fn removable(kind: &str) -> bool {
    matches!(
        kind,
        "noted" | "spoke" | "reworded" | "kept" | "attached" | "file_refused" | "run_ended"
    )
}

/// A step in words.
fn called(surface: Surface) -> &'static str {
    match surface {
        Surface::Room => "Room",
        Surface::RoomCard => "Card in the room",
        Surface::ChannelCard => "Card in the channel",
        Surface::Topic => "Topic",
        Surface::Crew => "People",
        Surface::Fixtures => "Pinned card",
        Surface::Links => "Links",
        Surface::Name => "Name",
        Surface::Shelf => "Archiving",
        Surface::Digest => "Announcement",
        Surface::Board => "Board in the room",
    }
}

fn state(row: &ShowRow) -> &'static str {
    match (row.want > row.have, row.error.is_empty()) {
        (true, true) => "waiting",
        (true, false) => "retrying",
        (false, false) if row.attempts > 0 => "failed",
        _ => "done",
    }
}

/// The panel; nothing before there is anything to show.
pub(super) fn rooms(scene: Scene<'_>, view: &IncidentView) -> Markup {
    let known = |row: &&ShowRow| Surface::parse(&row.surface).is_some();
    let rows: Vec<&ShowRow> = view.steps.iter().filter(known).collect();
    let (card, trouble) = (&view.card.card, rows.iter().any(|r| !r.error.is_empty()));
    let mut platforms: Vec<&str> = rows.iter().map(|r| r.platform.as_str()).collect();
    platforms.dedup();
    html! {
        @if !rows.is_empty() {
            section.panel aria-label="Rooms" {
                h2 { "Rooms" }
                @for platform in platforms {
                    details open[rows.iter().any(|r| r.platform == platform && !r.error.is_empty())] data-keep={ "rooms-" (platform) } {
                        summary { (platform) }
                        ul.ledger {
                            @for row in rows.iter().filter(|r| r.platform == platform) {
                                @if let Some(surface) = Surface::parse(&row.surface) {
                                    li data-state=(state(row)) {
                                        span.pill.(state(row)) { (state(row)) }
                                        div.grow {
                                            strong { (called(surface)) }
                                            @if row.attempts > 1 { " · " (row.attempts) " attempts" }
                                            @if !row.error.is_empty() { p.hint { (row.error) } }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                @if trouble {
                    form.press method="post" action="/press" {
                        (hidden(scene))
                        input type="hidden" name="incident" value=(card.incident.0);
                        input type="hidden" name="as_of" value=(card.seq);
                        button.button name="press" value=(button::word(&Press::RetryRooms)) disabled[scene.viewer.acting != Acting::Yes] { "Retry" }
                    }
                }
            }
        }
    }
}
