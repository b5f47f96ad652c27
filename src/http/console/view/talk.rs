//! Messages: what can be done with one, the files that came along, the forms to change and remove words.

use super::Scene;
use super::parts::{hidden, icon, when, words};
use super::room::PostView;
use crate::core::id::{IncidentId, RoomId};
use crate::core::incident::size;
use crate::core::postmortem::Section;
use crate::core::timeline::Entry;
use crate::engine::is_picture;
use crate::http::console::viewer::Acting;
use crate::store::{FileRow, PostRow, RoomRow};
use maud::{Markup, html};

/// What stands in the place of a message that is gone.
pub(super) fn gone(row: &PostRow) -> Option<&'static str> {
    match row.state.as_str() {
        "deleted" => Some("(deleted by its author)"),
        "removed" => Some("(removed for good)"),
        _ => None,
    }
}

/// A file: a picture is shown, everything else is offered.
pub(super) fn file(row: &FileRow) -> Markup {
    let to = format!("/incidents/{}/files/{}", row.incident.0, row.seq);
    html! {
        @if row.removed { p.hint { "A file was removed for good." } }
        @else if is_picture(&row.kind) {
            a.picture href=(to) { img src=(to) alt=(row.name) loading="lazy"; }
        } @else {
            p.attached { (icon("box")) a href=(to) download { (row.name) } " " span.hint { (size(row.bytes.unsigned_abs())) } }
        }
    }
}

/// What somebody may do with a message.
pub(super) fn deeds(scene: Scene<'_>, view: &PostView) -> Markup {
    let row = &view.row;
    let at = format!("/rooms/{}/posts/{}", row.room.0, row.id);
    let standing = row.kind == "text" && row.state.is_empty();
    let own = standing && row.seq.is_none() && row.author == scene.viewer.id;
    let act = |path: &str, label: &str, title: &str| {
        html! {
            form method="post" action={ (at) "/" (path) } class="press" {
                (hidden(scene)) button.small title=(title) { (label) }
            }
        }
    };
    html! {
        @if standing && row.incident.is_some() && scene.viewer.acting == Acting::Yes {
            div.deeds {
                @if view.marked { (act("mark", "📌 Unmark", "Take it off the timeline again")) }
                @else { (act("mark", "📌 Mark", "Put it on the timeline with its own time")) }
                a.small href={ "/rooms/" (row.room.0) "?answers=" (row.id) "#message" } { "Answer" }
                @if own {
                    a.small href={ (at) "/edit" } { "Change" }
                    (act("delete", "Delete", "Take it back, here and where it is repeated"))
                }
                @if let (Some(incident), Some(seq)) = (row.incident, view.seq) {
                    a.small href={ "/incidents/" (incident.0) "/redact/" (seq) } { "Remove for good" }
                }
            }
        }
    }
}

/// The form to send a file.
pub(super) fn sender(scene: Scene<'_>, room: RoomId) -> Markup {
    html! {
        details.sender data-keep="sender" {
            summary aria-label="Send a file" { (icon("plus")) span.unseen { "Send a file" } }
            form method="post" action={ "/rooms/" (room.0) "/files" } enctype="multipart/form-data" {
                (hidden(scene))
                input type="file" name="file" required aria-label="File";
                input name="text" maxlength="4000" placeholder="Words to it" aria-label="Words to it" autocomplete="off";
                button.button.primary { "Send the file" }
            }
        }
    }
}

/// The form to change a message.
pub(in super::super) fn edit(scene: Scene<'_>, room: &RoomRow, post: &PostRow) -> Markup {
    html! {
        (super::frame::head("Change a message", &html! {}))
        form.sheet method="post" action={ "/rooms/" (room.id.0) "/posts/" (post.id) "/edit" } {
            (hidden(scene))
            div.field {
                label for="text" { "Message" }
                textarea #text name="text" rows="4" maxlength="4000" required { (post.text) }
                p.hint { "It is changed where it is repeated too. The timeline keeps what it said before." }
            }
            div.actions {
                button.button.primary { "Change" }
                a.button href={ "/rooms/" (room.id.0) } { "Leave it" }
            }
        }
    }
}

/// The form to remove a line for good.
pub(in super::super) fn redact(scene: Scene<'_>, id: IncidentId, line: &Entry) -> Markup {
    let what = html! {
        p { (when(scene, line.happened_at)) " " (words(&line.text)) }
        p.hint { (line.source) }
    };
    let notice = "This cannot be undone. The words go from the journal, from every platform firebell may change, from the \
        search, from the postmortem and from stored files, with corrections and files of the same message; of a run, all it \
        wrote and left. That you removed it, and why, stays.";
    let act = format!("/incidents/{}/redact/{}", id.0, line.seq);
    let back = format!("/incidents/{}", id.0);
    remove(scene, &what, notice, (&act, &back))
}

/// The form to remove for good what people wrote into a section of a postmortem.
pub(in super::super) fn redact_section(
    scene: Scene<'_>,
    id: IncidentId,
    section: &Section,
) -> Markup {
    let what = html! {
        h2 { (section.title) }
        pre.pm-diff { (section.text) }
    };
    let notice = "This cannot be undone. All that people wrote here goes, with every revision of it, and the section is firebell's \
        draft again; documents elsewhere are sent again. That you removed it, and why, stays.";
    let back = format!("/incidents/{}/postmortem", id.0);
    let act = format!("{back}/redact/{}", section.anchor);
    remove(scene, &what, notice, (&act, &back))
}

fn remove(scene: Scene<'_>, what: &Markup, notice: &str, (act, back): (&str, &str)) -> Markup {
    html! {
        (super::frame::head("Remove for good", &html! {}))
        section.panel { (what) }
        form.sheet method="post" action=(act) {
            (hidden(scene))
            p.notice { (notice) }
            div.field {
                label for="why" { "Why" }
                input #why name="why" maxlength="300" required autocomplete="off" placeholder="it holds a password";
            }
            div.actions {
                button.button.danger disabled[scene.viewer.acting != Acting::Yes] { "Remove for good" }
                a.button href=(back) { "Leave it" }
            }
        }
    }
}
