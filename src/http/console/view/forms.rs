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
    /// One-time id of the form.
    pub(in super::super) click: String,
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
            fieldset.field {
                legend { "How bad?" }
                div.choices {
                    @for (n, s) in scene.directory.severities.iter().enumerate() {
                        @let chosen = given.severity == s.name;
                        label.choice { input type="radio" name="severity" value=(s.name) checked[chosen] required; (super::parts::severity(&s.name, u8::try_from(n).unwrap_or(u8::MAX))) }
                    }
                }
            }
            div.field {
                label for="service" { "Which service?" }
                select #service name="service" {
                    option value="" { "I do not know" }
                    @for s in scene.directory.services.values() { option value=(s.id) selected[given.service == s.id] { (s.name) } }
                }
                p.hint { "Without a service no policy starts: page somebody yourself from its room." }
            }
            div.actions { button.button.primary disabled[scene.viewer.acting != Acting::Yes] { "Declare and page" } a.button href="/" { "Cancel" } }
        }
    }
}
