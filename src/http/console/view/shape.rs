//! What an incident is and what it has to do with: shown, and changed by forms.

use super::Scene;
use super::parts::{hidden, status};
use crate::core::id::IncidentId;
use crate::core::incident::Incident;
use crate::core::related::Suggestion;
use crate::core::text::cut;
use crate::http::console::viewer::Acting;
use crate::store::IncidentRow;
use maud::{Markup, html};

/// Characters of a title in a list to choose from.
const TITLE: usize = 80;

/// What the panels show.
#[derive(Clone, Debug)]
pub(in super::super) struct ShapeView {
    pub(in super::super) incident: Incident,
    /// What it may have to do with, best first.
    pub(in super::super) suggested: Vec<Suggestion>,
}

/// What it is a part of, its parts, what it has to do with and what it might; part of what changes.
pub(in super::super) fn ties(scene: Scene<'_>, view: &ShapeView) -> Markup {
    let i = &view.incident;
    let nothing = i.parent.is_none()
        && i.children.is_empty()
        && i.related.is_empty()
        && view.suggested.is_empty();
    html! {
        @if !nothing {
            section.panel aria-label="Other incidents" {
                h2 { "What it has to do with" }
                @if let Some((id, title)) = &i.parent {
                    h3 { "It is a part of" }
                    ul.ties { li { (link(*id, title)) (undo(scene, i.id, "parent", "parent", "none", "Take it out")) } }
                }
                @if !i.children.is_empty() {
                    h3 { "Its parts" }
                    ul.ties { @for (id, child) in &i.children { li { (link(*id, &child.title)) (status(&child.status)) } } }
                }
                @if !i.related.is_empty() {
                    h3 { "Related" }
                    ul.ties {
                        @for (id, (title, why)) in &i.related {
                            li { (link(*id, title)) @if !why.is_empty() { span.hint { (why) } } (undo(scene, i.id, "unrelate", "to", &id.0.to_string(), "Not related")) }
                        }
                    }
                }
                @if !view.suggested.is_empty() {
                    h3 { "Perhaps" }
                    ul.ties {
                        @for s in &view.suggested {
                            li {
                                (link(s.id, &s.title)) span.hint { (s.why) }
                                form.press method="post" action={ "/incidents/" (i.id.0) "/shape" } {
                                    (hidden(scene))
                                    input type="hidden" name="verb" value="relate";
                                    input type="hidden" name="to" value=(s.id.0);
                                    input type="hidden" name="why" value=(s.why);
                                    button.button disabled[off(scene)] { "Relate" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn off(scene: Scene<'_>) -> bool {
    scene.viewer.acting != Acting::Yes
}

fn link(id: IncidentId, title: &str) -> Markup {
    html! { a.grow href={ "/incidents/" (id.0) } data-open { (id) " " (cut(title, TITLE)) } }
}

fn undo(
    scene: Scene<'_>,
    id: IncidentId,
    verb: &str,
    field: &str,
    value: &str,
    label: &str,
) -> Markup {
    html! {
        form.press method="post" action={ "/incidents/" (id.0) "/shape" } {
            (hidden(scene))
            input type="hidden" name="verb" value=(verb);
            input type="hidden" name=(field) value=(value);
            button.button disabled[off(scene)] { (label) }
        }
    }
}

/// The forms. `others`: the open ones it may be tied to.
pub(in super::super) fn forms(
    scene: Scene<'_>,
    view: &ShapeView,
    others: &[IncidentRow],
) -> Markup {
    let i = &view.incident;
    let to = format!("/incidents/{}/shape", i.id.0);
    html! {
        section.panel.hand-on aria-label="What it is" {
            details data-keep="shape" {
                summary { "Private, a drill, of a type, a part of another" }
                (privacy(scene, i, &to))
                (kind(scene, i, &to))
                form.sheet method="post" action=(to) {
                    (hidden(scene))
                    div.field {
                        label for="tie" { "What does it have to do with?" }
                        select #tie name="other" required disabled[others.is_empty()] {
                            option value="" { @if others.is_empty() { "No other incident is open" } @else { "Choose" } }
                            @for row in others { option value=(row.id.0) { (row.id) " " (cut(&row.title, TITLE)) } }
                        }
                    }
                    div.actions {
                        button.button name="verb" value="relate" disabled[off(scene) || others.is_empty()] { "They are related" }
                        button.button name="verb" value="parent" disabled[off(scene) || others.is_empty()] { "It is a part of that" }
                    }
                }
            }
        }
    }
}

fn privacy(scene: Scene<'_>, i: &Incident, to: &str) -> Markup {
    let private = i.nature.private;
    html! {
        form.sheet method="post" action=(to) {
            (hidden(scene))
            div.field {
                label for="shape-why" { @if private { "Why may everybody see it now?" } @else { "Why is it not for everybody?" } }
                input #shape-why name="why" maxlength="500" autocomplete="off";
                p.hint {
                    @if private { "Its lead, and whom firebell.toml names, may make it public: with everything that was said." }
                    @else { "Only those it concerns see it then. What could be read until now stays known." }
                }
            }
            div.actions {
                @if private { button.button.danger name="verb" value="public" disabled[off(scene)] { "Make it public" } }
                @else { button.button name="verb" value="private" disabled[off(scene)] { "Make it private" } }
            }
        }
        @if private {
            form.sheet method="post" action=(to) {
                (hidden(scene))
                div.field {
                    label for="invite" { "Who else may see it?" }
                    select #invite name="person" required {
                        option value="" { "Choose" }
                        @for p in scene.directory.people.values() {
                            @if !i.concerns(&p.id) { option value=(p.id) { (p.name) } }
                        }
                    }
                    p.hint { "It concerns " (crate::core::text::list(&viewers(scene, i))) "." }
                }
                div.actions { button.button name="verb" value="invite" disabled[off(scene)] { "Let them in" } }
            }
        }
    }
}

fn viewers(scene: Scene<'_>, i: &Incident) -> Vec<String> {
    let all = i.viewers().into_iter();
    all.map(|id| scene.directory.person_name(id)).collect()
}

fn kind(scene: Scene<'_>, i: &Incident, to: &str) -> Markup {
    let types = &scene.directory.types;
    html! {
        form.sheet method="post" action=(to) {
            (hidden(scene))
            @if !types.is_empty() {
                div.field {
                    label for="shape-type" { "What type of incident is it?" }
                    select #shape-type name="type" {
                        option value="none" selected[i.nature.type_id.is_none()] { "No type" }
                        @for t in types { option value=(t.id) selected[i.nature.type_id.as_ref() == Some(&t.id)] { (t.name) } }
                    }
                }
            }
            div.actions {
                @if !types.is_empty() { button.button name="verb" value="type" disabled[off(scene)] { "Change the type" } }
                @if i.nature.drill { button.button name="verb" value="real" disabled[off(scene)] { "This is real" } }
                @else { button.button name="verb" value="drill" disabled[off(scene)] { "It is a drill" } }
            }
        }
    }
}
