//! Declaring an incident.

use super::parts::hidden;
use super::{Scene, frame};
use crate::http::console::viewer::Acting;
use maud::{Markup, html};

/// What somebody typed; shown again when something was wrong with it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(in super::super) struct DeclareForm {
    /// One line.
    pub(in super::super) title: String,
    /// Name of the severity.
    pub(in super::super) severity: String,
    /// Service id; empty: none.
    pub(in super::super) service: String,
    /// Id of the type; empty: none.
    #[serde(rename = "type")]
    pub(in super::super) kind: String,
    /// More than the title.
    pub(in super::super) description: String,
    /// Only those it concerns may see it.
    #[serde(deserialize_with = "ticked")]
    pub(in super::super) private: bool,
    /// It is practised.
    #[serde(deserialize_with = "ticked")]
    pub(in super::super) drill: bool,
    /// One-time id of the form.
    pub(in super::super) click: String,
}

/// A box that is ticked is sent, whatever its value.
fn ticked<'de, D: serde::Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    <String as serde::Deserialize>::deserialize(value).map(|v| !v.is_empty())
}

/// The form; `why` is what was wrong with the last try.
pub(in super::super) fn declare(scene: Scene<'_>, given: &DeclareForm, why: &str) -> Markup {
    html! {
        (frame::head("Declare an incident", &html! {}))
        p.about { "It gets a room, you lead it, and the service's escalation policy pages." }
        @if !why.is_empty() { div.said.no role="alert" { (why) } }
        form.sheet method="post" action="/declare" {
            (hidden(scene))
            div.field {
                label for="title" { "What is wrong?" }
                input #title name="title" required maxlength="300" value=(given.title) placeholder="Checkout answers with errors" autocomplete="off";
            }
            @if !scene.directory.types.is_empty() { (types(scene, given)) }
            fieldset.field {
                legend { "How bad?" }
                div.choices {
                    @for (n, s) in scene.directory.severities.iter().enumerate().filter(|(_, s)| !s.alerts_only) {
                        @let chosen = given.severity == s.name;
                        label.choice {
                            input type="radio" name="severity" value=(s.name) checked[chosen];
                            (super::parts::severity(&s.name, u8::try_from(n).unwrap_or(u8::MAX)))
                            @if !s.title.is_empty() || !s.description.is_empty() { span { b { (s.title) } @if !s.description.is_empty() { span.hint { " " (s.description) } } } }
                        }
                    }
                }
                p.hint { "Without a choice: as its type or its service says." }
            }
            div.field {
                label for="service" { "Which service?" }
                select #service name="service" {
                    option value="" { "I do not know" }
                    @for s in scene.directory.services.values() { option value=(s.id) selected[given.service == s.id] { (s.name) } }
                }
                p.hint { "Without a service no policy starts: page somebody yourself from its room." }
            }
            div.field {
                label for="description" { "What else is known?" }
                textarea #description name="description" rows="4" maxlength="3000" placeholder="Goes on the timeline" { (given.description) }
            }
            fieldset.field {
                legend { "Who may see it, and is it real?" }
                label.tick { input type="checkbox" name="private" value="yes" checked[given.private]; span { "Private" span.hint { " only those it concerns see that it exists" } } }
                label.tick { input type="checkbox" name="drill" value="yes" checked[given.drill]; span { "A drill" span.hint { " marked everywhere, counted nowhere" @if !scene.directory.drills.page { ", pages nobody" } } } }
            }
            div.actions { button.button.primary disabled[scene.viewer.acting != Acting::Yes] { "Declare and page" } a.button href="/" { "Cancel" } }
        }
    }
}

/// What kind of incident it is, each with when to choose it and what it brings.
fn types(scene: Scene<'_>, given: &DeclareForm) -> Markup {
    html! {
        fieldset.field {
            legend { "What kind?" }
            div.kinds {
                label.kind { input type="radio" name="type" value="" checked[given.kind.is_empty()]; span { b { "No type" } } }
                @for t in &scene.directory.types {
                    label.kind {
                        input type="radio" name="type" value=(t.id) checked[given.kind == t.id];
                        span {
                            b { (t.name) }
                            @if t.private { span.pill { "private" } }
                            @if t.drill { span.pill { "drill" } }
                            @if let Some(s) = t.severity { span.pill { (scene.directory.severity_name(s)) } }
                            @if !t.description.is_empty() { span.hint { (t.description) } }
                        }
                    }
                }
            }
        }
    }
}
