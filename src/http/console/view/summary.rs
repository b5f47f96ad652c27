//! A proposed summary drawn: what is sent where, what was proposed, what was dropped and why.

use super::Scene;
use super::parts::{hidden, plain, when};
use crate::core::id::IncidentId;
use crate::core::summary::{Proposal, State};
use crate::core::text::count;
use crate::http::console::viewer::Acting;
use maud::{Markup, html};

/// The panel beside the document; nothing without a model.
pub(in super::super) fn panel(
    scene: Scene<'_>,
    id: IncidentId,
    model: Option<&(String, String)>,
    proposal: Option<&Proposal>,
) -> Markup {
    html! {
        @if model.is_some() || proposal.is_some() {
            section.panel.proposal aria-label="Proposed summary" {
                h2 { "Summary by a model" }
                @if let Some(p) = proposal { (proposed(scene, id, p)) }
                @if let Some((name, host)) = model {
                    @let again = proposal.is_some();
                    @let busy = proposal.is_some_and(|p| p.state == State::Asking);
                    (form(scene, id, "ask", &html! {
                        p.hint { "The lines of the timeline go to " strong { (name) } " at " strong { (host) } ", with secrets masked and removed lines left out. It can only propose: nothing is changed before somebody takes it over." }
                        div.actions { button.button disabled[busy || scene.viewer.acting != Acting::Yes] { @if again { "Ask again" } @else { "Propose a summary" } } }
                    }))
                }
            }
        }
    }
}

fn form(scene: Scene<'_>, id: IncidentId, act: &str, body: &Markup) -> Markup {
    html! {
        form method="post" action={ "/incidents/" (id.0) "/postmortem/summary" } {
            (hidden(scene))
            input type="hidden" name="act" value=(act);
            (body)
        }
    }
}

fn proposed(scene: Scene<'_>, id: IncidentId, p: &Proposal) -> Markup {
    let state = match p.state {
        State::Asking => "being asked",
        State::Proposed => "proposed, not taken over",
        State::Accepted => "taken over",
        State::Rejected => "turned down",
        State::Failed => "nothing came of it",
    };
    html! {
        p { span.pill { (state) } " " @if !p.decided_by.is_empty() { "by " (p.decided_by) } }
        p.hint {
            (p.model) " at " (p.host) ", asked by " (p.asked_by) " " (when(scene, p.at)) " with " (count(p.lines, "line"))
            @if p.left_out > 0 { ", " (count(p.left_out, "line")) " of the middle did not fit" } "."
        }
        @if !p.error.is_empty() { p.said.no role="alert" { (plain(&p.error)) } }
        @if p.state == State::Proposed {
            ol.proposal-lines {
                @for s in &p.checked.sentences {
                    li { (plain(&s.text)) @for n in &s.cites { " " span.count title={ "Line " (n) " of the journal" } { "#" (n) } } }
                }
            }
            (form(scene, id, "accept", &html! {
                div.field {
                    label for="proposal" { "As it will stand in the postmortem; change what is not right" }
                    textarea #proposal name="text" rows="6" maxlength="20000" required { (p.text()) }
                }
                div.actions { button.button.primary disabled[scene.viewer.acting != Acting::Yes] { "Take over" } }
            }))
            (form(scene, id, "reject", &html! {
                div.actions { button.button disabled[scene.viewer.acting != Acting::Yes] { "Turn down" } }
            }))
        }
        @if !p.checked.dropped.is_empty() {
            details data-keep="dropped" {
                summary { (count(p.checked.dropped.len() + p.checked.more_dropped, "sentence")) " dropped" }
                ul.plain { @for d in &p.checked.dropped { li { (plain(&d.text)) p.hint { (d.why) } } } }
                @if p.checked.more_dropped > 0 { p.hint { "and " (p.checked.more_dropped) " more." } }
            }
        }
    }
}
