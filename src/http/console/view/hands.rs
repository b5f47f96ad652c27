//! Forms by which an incident changes hands, and the one that holds its alerts back.

use super::parts::{hidden, icon};
use super::silences::{SilenceForm, form};
use super::{Scene, frame};
use crate::core::id::IncidentId;
use crate::core::incident::Incident;
use crate::core::text::{count, cut};
use crate::http::console::viewer::Acting;
use crate::store::IncidentRow;
use maud::{Markup, html};

/// Characters of a title in a list to choose from.
const TITLE: usize = 80;

/// Giving an open incident on, or joining it with another. `others`: the open ones it may join.
pub(in super::super) fn hand_on(
    scene: Scene<'_>,
    id: IncidentId,
    others: &[IncidentRow],
) -> Markup {
    let directory = scene.directory;
    let off = scene.viewer.acting != Acting::Yes;
    html! {
        section.panel.hand-on aria-label="Hand it on" {
            details data-keep="hand-on" {
                summary { "Give it to somebody else, or merge it" }
                form.sheet method="post" action={ "/incidents/" (id.0) "/reassign" } {
                    (hidden(scene))
                    div.field {
                        label for="whom" { "Who is to have it?" }
                        select #whom name="whom" required {
                            option value="" { "Choose" }
                            optgroup label="Whoever is on call" {
                                @for s in directory.schedules.values() { option value={ "schedule:" (s.id) } { (s.name) } }
                            }
                            optgroup label="People" {
                                @for p in directory.people.values() { option value={ "person:" (p.id) } { (p.name) } }
                            }
                            optgroup label="Teams" {
                                @for t in directory.teams.values() { option value={ "team:" (t.id) } { (t.name) } }
                            }
                        }
                        p.hint { "They are paged, and it is theirs once they acknowledge." }
                    }
                    div.actions { button.button disabled[off] { "Give it to them" } }
                }
                form.sheet method="post" action={ "/incidents/" (id.0) "/merge" } {
                    (hidden(scene))
                    div.field {
                        label for="into" { "Which incident is the same trouble?" }
                        select #into name="into" required disabled[others.is_empty()] {
                            option value="" { @if others.is_empty() { "No other incident is open" } @else { "Choose" } }
                            @for row in others { option value=(row.id.0) { (row.id) " " (cut(&row.title, TITLE)) } }
                        }
                        p.hint { (id) " is closed; its alerts, and later ones like them, belong to the other." }
                    }
                    div.actions { button.button disabled[off || others.is_empty()] { "Merge" } }
                }
            }
        }
    }
}

/// What is done to the incidents chosen in a list; their boxes belong to this form by its id.
pub(in super::super) fn bulk(scene: Scene<'_>) -> Markup {
    let off = scene.viewer.acting != Acting::Yes;
    html! {
        form.bulk #bulk method="post" action="/incidents/bulk" {
            (hidden(scene))
            input name="note" maxlength="4000" placeholder="Note for each of them" aria-label="Note for each of them" autocomplete="off";
            button.button name="verb" value="ack" disabled[off] { "Acknowledge chosen" }
            button.button name="verb" value="resolve" disabled[off] { "Resolve chosen" }
        }
    }
}

/// The box of one incident of a list.
pub(in super::super) fn choice(row: &IncidentRow) -> Markup {
    html! {
        input.choose type="checkbox" form="bulk" name={ "i" (row.id.0) } aria-label={ "Choose " (row.id) };
    }
}

/// The page that silences what an incident is about.
pub(in super::super) fn silence(
    scene: Scene<'_>,
    incident: &Incident,
    firing: usize,
    given: &SilenceForm,
) -> Markup {
    html! {
        (frame::head("Hold its alerts back", &html! { a.button href={ "/incidents/" (incident.id.0) } { (icon("fire")) (incident.id) } }))
        (frame::incident_link(incident.id, incident.status.word(), &incident.title))
        p.about {
            @if firing == 0 { "Nothing fires in it now; the labels are those of the alert that opened it." }
            @else { (count(firing, "alert")) " in it: the labels are what they have in common." }
            @if incident.is_open() { " The incident rests while every alert of it is covered, and pages again at the end." }
        }
        section.panel.silence-form aria-label="Silence" { (form(scene, given)) }
    }
}
