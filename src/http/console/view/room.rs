//! A room: its head, its messages, the box to write in.

use super::Scene;
use super::card::{CardView, card, strip};
use super::parts::{face, hidden, icon, when, words};
use super::run::{RunView, run};
use super::talk::{deeds, file, gone, sender};
use crate::core::id::Seq;
use crate::core::incident::Incident;
use crate::http::console::viewer::Acting;
use crate::store::{FileRow, PostRow, RoomRow};
use maud::{Markup, html};
use std::sync::Arc;

/// A message with what its live kind shows.
#[derive(Clone, Debug)]
pub(in super::super) struct PostView {
    pub(in super::super) row: PostRow,
    /// For `card` and `page`.
    pub(in super::super) card: Option<CardView>,
    /// For `run`.
    pub(in super::super) run: Option<RunView>,
    /// The file it tells of.
    pub(in super::super) file: Option<FileRow>,
    /// It is on the timeline.
    pub(in super::super) marked: bool,
    /// The event that tells of it.
    pub(in super::super) seq: Option<Seq>,
    /// The message it answers, who wrote that, and its first words.
    pub(in super::super) answers: Option<(i64, String, String)>,
    /// For `board`.
    pub(in super::super) board: Option<Arc<Incident>>,
}

/// A room with a window of its messages.
#[derive(Clone, Debug)]
pub(in super::super) struct RoomView {
    pub(in super::super) room: RoomRow,
    /// The incident of an incident room, as a card.
    pub(in super::super) card: Option<CardView>,
    /// Oldest first.
    pub(in super::super) posts: Vec<PostView>,
    /// There are older ones.
    pub(in super::super) more: bool,
    /// This window ends at the newest message.
    pub(in super::super) newest: bool,
    /// The message that is being answered, and who wrote it.
    pub(in super::super) answers: Option<(i64, String)>,
    /// What hangs in the room: title and address.
    pub(in super::super) links: Vec<(String, String)>,
}

/// The whole room.
pub(in super::super) fn room(scene: Scene<'_>, view: &RoomView) -> Markup {
    let id = view.room.id;
    let last = view.posts.last().map_or(0, |p| p.row.id);
    html! {
        section.room data-room=(id.0) {
            (head(scene, view))
            div.scroll #scroll tabindex="0" aria-label="Messages" {
                @if view.more {
                    @let first = view.posts.first().map_or(0, |p| p.row.id);
                    a #older.button.older href={ "/rooms/" (id.0) "?before=" (first) } data-before=(first) { "Earlier messages" }
                } @else {
                    p.beginning { (beginning(view)) }
                }
                ol #posts.posts data-after=(last) data-live={ "room:" (id.0) } data-newest[view.newest] {
                    (posts(scene, &view.posts))
                }
                @if !view.newest {
                    a.button.older href={ "/rooms/" (id.0) } { "To the newest messages" }
                }
            }
            (composer(scene, view))
        }
    }
}

fn head(scene: Scene<'_>, view: &RoomView) -> Markup {
    html! {
        div.room-head {
            h1 { (icon(match view.room.kind.as_str() { "channel" => "hash", "direct" => "mail", _ => "fire" })) (title(view)) }
            @if let Some(c) = &view.card {
                p.topic { a href={ "/incidents/" (c.card.incident.0) } { (c.card.incident) " " (c.card.title) } }
                (strip(scene, c))
                @if !view.links.is_empty() {
                    p.room-links { @for (title, to) in &view.links { a href=(to) rel="noopener noreferrer" { (title) } " " } }
                }
            }
        }
    }
}

/// The name of the room for people.
pub(in super::super) fn title(view: &RoomView) -> &str {
    if view.room.kind == "direct" {
        "Messages to you"
    } else {
        &view.room.name
    }
}

fn beginning(view: &RoomView) -> &'static str {
    match view.room.kind.as_str() {
        "incident" => {
            "The room of this incident begins here. Everything said in it goes onto the timeline."
        }
        "direct" => "Pages and answers meant for you alone arrive here.",
        _ => "This channel begins here.",
    }
}

/// Messages as list items; also a fragment.
pub(in super::super) fn posts(scene: Scene<'_>, views: &[PostView]) -> Markup {
    html! { @for v in views { (post(scene, v)) } }
}

fn post(scene: Scene<'_>, view: &PostView) -> Markup {
    let row = &view.row;
    html! {
        li.post id={ "post-" (row.id) } data-id=(row.id) data-kind=(row.kind) {
            @match row.kind.as_str() {
                "line" => (line(scene, row)),
                "file" => @if let Some(f) = &view.file { (file(f)) },
                "card" => @if let Some(c) = &view.card { (card(scene, c)) },
                "board" => @if let Some(i) = &view.board {
                    div data-live={ "incident:" (i.id.0) } data-src={ "/fragments/board/" (i.id.0) } { (super::conduct::board(scene, i)) }
                },
                "page" => (page(scene, view)),
                "run" => {
                    (line(scene, row))
                    @if let Some(r) = &view.run { (run(scene, r)) }
                }
                "answer" => (said(scene, view, "firebell", if row.author.is_empty() { "" } else { "only you see this" })),
                _ => (said(scene, view, &row.author_name, if view.marked { "📌 on the timeline" } else { "" })),
            }
        }
    }
}

fn line(scene: Scene<'_>, row: &PostRow) -> Markup {
    html! {
        div.line {
            span.line-text { @match gone(row) { Some(gone) => i { (gone) }, None => (words(&row.text)) } }
            (when(scene, row.at))
        }
    }
}

fn page(scene: Scene<'_>, view: &PostView) -> Markup {
    html! {
        div.page-note {
            p.page-head { (icon("bell")) strong { "You are paged" } " " (when(scene, view.row.at)) }
            @if !view.row.text.is_empty() { p { (words(&view.row.text)) } }
            @if let Some(c) = &view.card { (card(scene, c)) }
        }
    }
}

fn said(scene: Scene<'_>, view: &PostView, name: &str, hint: &str) -> Markup {
    let row = &view.row;
    let answer = row.kind == "answer";
    html! {
        div.said-by {
            @if answer { span.face.bell aria-hidden="true" { (icon("bell")) } } @else { (face(&row.author, name)) }
            div.grow {
                p.by { strong { (name) } (when(scene, row.at)) @if !hint.is_empty() { span.hint { (hint) } } }
                @if let Some((to, who, text)) = &view.answers {
                    p.quoted { "↪ " a href={ "#post-" (to) } { (who) } ": " (text) }
                }
                @match gone(row) {
                    Some(gone) => div.text { i { (gone) } },
                    None => div.text { (words(&row.text)) },
                }
                @if row.changed_at.is_some() && row.state.is_empty() { span.hint { "edited" } }
                @if let Some(f) = &view.file { (file(f)) }
                (deeds(scene, view))
            }
        }
    }
}

fn composer(scene: Scene<'_>, view: &RoomView) -> Markup {
    let room = view.room.id;
    html! {
        @match scene.viewer.acting {
            _ if view.room.archived_at.is_some() => p.composer.locked {
                (icon("box")) " This room is archived. Reopening its incident opens it again."
            },
            Acting::Yes => {
            @if view.room.incident.is_some() { (sender(scene, room)) }
            form #composer.composer method="post" action={ "/rooms/" (room.0) "/posts" } autocomplete="off" {
                (hidden(scene))
                @if let Some((post, who)) = &view.answers {
                    p.answering {
                        input type="hidden" name="answers" value=(post);
                        "Answering " strong { (who) } " " a href={ "/rooms/" (room.0) } { "not" }
                    }
                }
                ul #completions.completions role="listbox" aria-label="Completions" hidden {}
                div.compose-row {
                    textarea #message name="text" rows="1" maxlength="4000" required enterkeyhint="send"
                        placeholder="Message, or / for commands" aria-label="Message"
                        role="combobox" aria-expanded="false" aria-controls="completions" aria-autocomplete="list" {}
                    button.button.primary.send aria-label="Send" { (icon("send")) }
                }
            }
            },
            Acting::PickFirst => p.composer.locked { a.button.primary href={ "/people?next=/rooms/" (room.0) } { "Say who you are to write here" } },
            Acting::ReadOnly => p.composer.locked { (icon("lock")) " Read-only until signing in exists." },
        }
    }
}
