//! The frame around every page: head, side bar, top bar, what the last form did.

use super::Scene;
use super::parts::{face, icon, status};
use crate::core::id::{IncidentId, RoomId};
use crate::core::text::percent;
use crate::http::console::assets::{CSS_ADDRESS, ICON_ADDRESS, JS_ADDRESS, scale_address};
use crate::http::console::viewer::{Acting, READ_ONLY, Theme};
use maud::{DOCTYPE, Markup, html};

/// Which page this is, for the mark in the side bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Here {
    Overview,
    Incidents,
    OnCall,
    Me,
    Services,
    Actions,
    Alerts,
    Silences,
    Status,
    Automation,
    Quarantine,
    Audit,
    Changes,
    Analytics,
    People,
    Declare,
    Postmortems,
    Search,
    Room(RoomId),
}

/// A room in the side bar.
#[derive(Clone, Debug)]
pub(in super::super) struct SideRoom {
    pub(in super::super) id: RoomId,
    pub(in super::super) name: String,
    /// `channel`, `incident`, `direct`.
    pub(in super::super) kind: String,
    /// Newest message, for unread marks.
    pub(in super::super) newest: i64,
    /// Status of its incident while that is open.
    pub(in super::super) status: Option<String>,
}

/// What the side bar shows.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Side {
    pub(in super::super) rooms: Vec<SideRoom>,
    /// Open incidents.
    pub(in super::super) open: i64,
    /// Open incidents nobody has.
    pub(in super::super) triggered: i64,
    /// Alerts that fire.
    pub(in super::super) firing: i64,
    /// Silences that hold now.
    pub(in super::super) silenced: i64,
    /// Actions whose file is wrong.
    pub(in super::super) disabled: i64,
    /// Payloads nobody understood.
    pub(in super::super) quarantined: i64,
    /// Chat platforms that are not connected, one sentence each.
    pub(in super::super) troubles: Vec<String>,
}

/// A whole page. `path` is where its own forms come back to.
pub(in super::super) fn page(
    scene: Scene<'_>,
    side: &Side,
    here: Here,
    title: &str,
    path: &str,
    body: &Markup,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[scene.viewer.theme.word()] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content";
                meta name="color-scheme" content="light dark";
                title { @if side.triggered > 0 { "(" (side.triggered) ") " } (title) " · firebell" }
                link rel="icon" type="image/svg+xml" href=(ICON_ADDRESS.as_str());
                link rel="stylesheet" href=(CSS_ADDRESS.as_str());
                @if let Some(address) = scale_address(&scene.directory.severities) { link rel="stylesheet" href=(address); }
                script src=(JS_ADDRESS.as_str()) defer {}
            }
            body data-who=(scene.viewer.id) data-now=(scene.now.0) {
                a.skip href="#main" { "Skip to content" }
                input #menu.menu-toggle type="checkbox" aria-label="Menu";
                (top(side, title))
                (side_bar(scene, side, here, path))
                label.shade for="menu" aria-hidden="true" {}
                main #main tabindex="-1" { (notices(scene, here, path)) (body) }
                div #lost.lost role="status" hidden { span.spinner {} "Reconnecting… what you see may be old." }
                div #toasts.toasts role="status" aria-live="polite" {}
                (help())
            }
        }
    }
}

fn top(side: &Side, title: &str) -> Markup {
    html! {
        header.top {
            label.menu-button for="menu" aria-hidden="true" {
                (icon("menu"))
                span.count.hot hidden[side.triggered == 0] { (side.triggered) }
            }
            span.top-title { span.top-brand { "firebell" } span.top-room { (title) } }
            a.top-home href="/" aria-label="Overview" { (icon("bell")) }
        }
    }
}

fn side_bar(scene: Scene<'_>, side: &Side, here: Here, path: &str) -> Markup {
    let at = match here {
        Here::Room(id) => format!("room-{}", id.0),
        other => format!("{other:?}").to_lowercase(),
    };
    html! {
        nav.side aria-label="firebell" {
            a.brand href="/" { (icon("bell")) "firebell" }
            div #side.side-scroll data-live="room incident directory" data-src={ "/fragments/side?at=" (at) } {
                (side_content(side, here))
            }
            (foot(scene, path))
        }
    }
}

/// The part of the side bar that changes; also a fragment.
pub(in super::super) fn side_content(side: &Side, here: Here) -> Markup {
    let open_kind = |r: &&SideRoom| r.kind == "incident" && r.status.is_some();
    let old_kind = |r: &&SideRoom| r.kind == "incident" && r.status.is_none();
    html! {
        @for trouble in &side.troubles { p.trouble role="alert" { (trouble) } }
        ul.links data-triggered=(side.triggered) {
            (link("/", "fire", "Overview", here == Here::Overview, side.open, side.triggered > 0))
            (link("/incidents", "list", "Incidents", here == Here::Incidents, 0, false))
            (link("/oncall", "clock", "On call", here == Here::OnCall, 0, false))
            (link("/me", "people", "My shifts", here == Here::Me, 0, false))
            (link("/services", "box", "Services", here == Here::Services, 0, false))
            (link("/actions", "play", "Actions", here == Here::Actions, side.disabled, side.disabled > 0))
            (link("/alerts", "siren", "Alerts", here == Here::Alerts, side.firing, false))
            (link("/silences", "mute", "Silences", here == Here::Silences, side.silenced, false))
            (link("/status", "siren", "Status", here == Here::Status, 0, false))
            (link("/analytics", "box", "Analytics", here == Here::Analytics, 0, false))
            (link("/changes", "send", "Changes", here == Here::Changes, 0, false))
            (link("/automation", "play", "Automation", here == Here::Automation, 0, false))
            (link("/postmortems", "book", "Postmortems", here == Here::Postmortems, 0, false))
            (link("/search", "glass", "Search", here == Here::Search, 0, false))
            (link("/quarantine", "jar", "Quarantine", here == Here::Quarantine, side.quarantined, false))
            (link("/audit", "list", "Audit", here == Here::Audit, 0, false))
        }
        (rooms("Incident rooms", side.rooms.iter().filter(open_kind), here))
        (rooms("Direct", side.rooms.iter().filter(|r| r.kind == "direct"), here))
        (rooms("Channels", side.rooms.iter().filter(|r| r.kind == "channel"), here))
        @if side.rooms.iter().any(|r| old_kind(&r)) {
            @let inside = side.rooms.iter().any(|r| old_kind(&r) && here == Here::Room(r.id));
            details.old data-keep="old" open[inside] {
                summary { "Past incidents" }
                (rooms("", side.rooms.iter().filter(old_kind), here))
            }
        }
    }
}

fn link(to: &str, sign: &str, words: &str, here: bool, count: i64, hot: bool) -> Markup {
    html! {
        li { a href=(to) aria-current=[here.then_some("page")] {
            (icon(sign)) span.grow { (words) }
            @if count > 0 { span.count.hot[hot] { (count) } }
        } }
    }
}

fn rooms<'a>(head: &str, rooms: impl Iterator<Item = &'a SideRoom>, here: Here) -> Markup {
    let rooms: Vec<&SideRoom> = rooms.collect();
    html! {
        @if !rooms.is_empty() {
            @if !head.is_empty() { h2 { (head) } }
            ul.links.rooms {
                @for room in rooms {
                    li { a href={ "/rooms/" (room.id.0) } aria-current=[(here == Here::Room(room.id)).then_some("page")]
                        data-room=(room.id.0) data-newest=(room.newest) {
                        (icon(match room.kind.as_str() { "channel" => "hash", "direct" => "mail", _ => "fire" }))
                        span.grow title=(room_name(room)) { (room_name(room)) }
                        @if let Some(word) = &room.status { span.dot data-status=(word) title=(word) {} }
                        span.unread hidden { "new" }
                    } }
                }
            }
        }
    }
}

fn room_name(room: &SideRoom) -> &str {
    if room.kind == "direct" {
        "Messages to you"
    } else {
        &room.name
    }
}

fn foot(scene: Scene<'_>, path: &str) -> Markup {
    let viewer = scene.viewer;
    html! {
        div.foot {
            @match viewer.acting {
                Acting::Yes => a.me href={ "/people?next=" (percent(path)) } title="Somebody else?" {
                    (face(&viewer.id, &viewer.name)) span.grow { (viewer.name) }
                },
                Acting::PickFirst => a.button.primary href={ "/people?next=" (percent(path)) } { "Who are you?" },
                Acting::ReadOnly => span.me { (icon("lock")) "read-only" },
            }
            button #keys.quiet type="button" aria-label="Keys" hidden { "?" }
            form method="post" action="/theme" {
                (super::parts::hidden(scene))
                input type="hidden" name="next" value=(path);
                @let (to, sign) = if viewer.theme == Theme::Dark { ("light", "sun") } else { ("dark", "moon") };
                button.quiet.theme name="theme" value=(to) aria-label={ "Switch to " (to) " colours" } { (icon(sign)) }
            }
        }
    }
}

fn notices(scene: Scene<'_>, here: Here, path: &str) -> Markup {
    html! {
        @if let Some((ok, text)) = &scene.viewer.said {
            div.said.no[!*ok] role="status" { (text) }
        }
        (super::automation::banner(scene))
        @match scene.viewer.acting {
            Acting::ReadOnly => p.notice { (icon("lock")) (READ_ONLY) },
            Acting::PickFirst if here == Here::People => {},
            Acting::PickFirst => p.notice {
                (icon("people")) "You are looking only. "
                a href={ "/people?next=" (percent(path)) } { "Say who you are" } " to answer."
            },
            Acting::Yes => {}
        }
    }
}

fn help() -> Markup {
    let keys = [
        ("/", "write a message or command"),
        ("a", "to the first thing to answer"),
        ("g o", "overview"),
        ("g i", "incidents"),
        ("g c", "who is on call"),
        ("g s", "services"),
        ("g a", "alerts"),
        ("g m", "silences"),
        ("n", "declare an incident"),
        ("j / k", "next and previous in a list"),
        ("Enter", "open"),
        ("?", "this help"),
        ("Esc", "close, leave the field"),
    ];
    html! {
        dialog #help.help aria-labelledby="help-head" {
            h2 #help-head { "Keys" }
            dl { @for (key, what) in keys { dt { @for k in key.split(' ') { @if k == "/" && key != "/" { " / " } @else { kbd { (k) } " " } } } dd { (what) } } }
            form method="dialog" { button.button { "Close" } }
        }
    }
}

/// The head of a page: what it is, and what stands beside it.
pub(in super::super) fn head(title: &str, beside: &Markup) -> Markup {
    html! { div.head { h1 { (title) } div.beside { (beside) } } }
}

/// An incident's number, status and title as one link.
pub(in super::super) fn incident_link(id: IncidentId, word: &str, title: &str) -> Markup {
    html! { a.incident-link href={ "/incidents/" (id.0) } { (status(word)) span.no { (id) } span.grow { (title) } } }
}
