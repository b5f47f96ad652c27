//! The page of runbook actions: what is not offered and why, and what is.

use super::parts::{icon, plain};
use super::{Scene, frame};
use crate::core::action::allowed;
use crate::core::directory::{Action, Disabled};
use crate::core::text::{count, list};
use crate::core::time::human_ms;
use maud::{Markup, html};

/// The whole page.
pub(in super::super) fn actions(scene: Scene<'_>) -> Markup {
    let directory = scene.directory;
    let wrong = || directory.disabled.iter().filter(|(_, d)| !d.lacking);
    let lacking = || directory.disabled.iter().filter(|(_, d)| d.lacking);
    html! {
        (frame::head("Runbook actions", &html! { span.hint { (count(directory.actions.len(), "action")) } }))
        p.about { "Each is a file of actions/. They are offered on the incidents they fit; docs/runbooks.md tells how to write one." }
        @if wrong().next().is_some() {
            section {
                h2.section { "Disabled" }
                ul.plain { @for (id, off) in wrong() { (disabled(id, off)) } }
            }
        }
        @if directory.actions.is_empty() { p.empty { "No action is offered. Add a file to actions/." } }
        @if wrong().next().is_some() && !directory.actions.is_empty() { h2.section { "Offered" } }
        ul.grid { @for action in directory.actions.values() { (one(action)) } }
        @if lacking().next().is_some() {
            section {
                h2.section { "Off on this machine" }
                p.hint { "Nothing is wrong with these files: a program they need is not installed here." }
                ul.plain { @for (id, off) in lacking() { (disabled(id, off)) } }
            }
        }
    }
}

fn disabled(id: &str, off: &Disabled) -> Markup {
    html! {
        li.panel data-item data-disabled=(id) {
            h2 { (plain(off.title.as_deref().unwrap_or(id))) span.hint { (id) } }
            @for reason in &off.why {
                p.said.no[!off.lacking] { code { (reason.place) } ": " (plain(&ended(&reason.what))) }
                p.hint { "Fix: " (plain(&ended(&reason.fix))) }
            }
        }
    }
}

/// A sentence with a mark at its end.
fn ended(text: &str) -> String {
    let done = text.ends_with(['.', '?', '!', '…']);
    format!("{text}{}", if done { "" } else { "." })
}

fn one(action: &Action) -> Markup {
    let people = action.approvals();
    html! {
        li.panel id=(action.id) data-item {
            h2 { (plain(&action.title)) span.pill { (action.class.word()) } }
            @if !action.about.is_empty() { p { (plain(&action.about)) } }
            dl.facts {
                div { dt { "Called" } dd { code { (action.id) } } }
                div { dt { "Risk" } dd { (action.risk.word()) } }
                div { dt { "Runs by" } dd { (action.how.word()) ", at most " (human_ms(action.limits.timeout_ms)) } }
                div { dt { "For" } dd { @if action.services.iter().any(|s| s == "*") { "every service" } @else { (list(&action.services)) } } }
                @if !action.environments.is_empty() { div { dt { "In" } dd { (list(&action.environments)) } } }
                div { dt { "Agreed by" } dd { @if people == 0 { "who asks" } @else { (count(usize::from(people), "other")) } } }
                @if !action.lock.keys.is_empty() { div { dt { "Holds" } dd { code { (list(&action.lock.keys)) } } } }
                @if let Some(rollback) = &action.rollback { div { dt { "Undone by" } dd { a href={ "#" (rollback.action) } { (rollback.action) } } } }
            }
            @if !action.args.is_empty() {
                details data-keep={ "args-" (action.id) } {
                    summary { (icon("list")) (count(action.args.len(), "argument")) }
                    dl.labels { @for arg in &action.args { div { dt { (arg.name) } dd { (plain(&allowed(arg))) } } } }
                }
            }
        }
    }
}
