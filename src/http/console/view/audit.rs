//! The audit: who wanted what, what was said to it and what came of it.

use super::parts::when;
use super::{Scene, frame};
use crate::core::audit::{Checkpoint, Entry, Head};
use crate::core::text::percent;
use maud::{Markup, html};
use serde::Deserialize;

/// Which entries are wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Wanted {
    /// Directory id.
    pub(in super::super) person: String,
    pub(in super::super) action: String,
    /// Number.
    pub(in super::super) incident: String,
    /// Entries below this number.
    pub(in super::super) before: i64,
}

/// For who may not read it.
pub(in super::super) fn closed(roles: &[String]) -> Markup {
    html! {
        (frame::head("Audit", &html! {}))
        p.said.no role="alert" { "The audit is read by people with the role " (roles.join(" or ")) "." }
        p.about { "A role is given in a file of " code { "people/" } "; which roles read the audit stands in " code { "[audit] readers" } " of " code { "firebell.toml" } "." }
    }
}

/// The page.
pub(in super::super) fn audit(
    scene: Scene<'_>,
    wanted: &Wanted,
    entries: &[Entry],
    (head, signed): (&Head, Option<&Checkpoint>),
    more: bool,
) -> Markup {
    html! {
        (frame::head("Audit", &html! { span.hint { (head.n) " entries" } }))
        p.about {
            "Everything that was asked of runbook actions, and what came of it. Each entry holds the digest of the one before; "
            code { "firebell audit verify" } " finds whatever was changed. "
            @match signed {
                Some(c) => { "Signed up to entry " (c.n) " " (when(scene, c.at)) "." }
                None => "Not signed yet: that happens after a number of entries, and at every stop.",
            }
        }
        (filter(scene, wanted))
        @if entries.is_empty() { p.empty { "Nothing here." } } @else {
            section.panel.table-scroll aria-label="Entries" {
                table.audit {
                    thead { tr { th.num { "No." } th { "When" } th { "What" } th { "Who" } th { "Told" } th { "Incident" } } }
                    tbody { @for e in entries { (row(scene, e)) } }
                }
            }
        }
        @if more && let Some(last) = entries.last() {
            nav.pager aria-label="Pages" { a.button rel="next" href=(address(wanted, last.n)) { "Older" } }
        }
    }
}

fn row(scene: Scene<'_>, e: &Entry) -> Markup {
    html! {
        tr data-kind=(e.kind) {
            td.num title=(e.hash) { (e.n) }
            td { (when(scene, e.at)) }
            td { @if bad(&e.kind) { span.pill.warn { (words(&e.kind)) } } @else { (words(&e.kind)) } }
            td title=(e.who) { (e.name) }
            td.told { (e.text) }
            td { @if let Some(id) = e.incident { a href={ "/incidents/" (id) } { "#" (id) } } }
        }
    }
}

/// What somebody who reads the audit looks for first.
fn bad(kind: &str) -> bool {
    matches!(kind, "refused" | "break_glass" | "automation")
}

fn words(kind: &str) -> String {
    kind.trim_start_matches("run_").replace('_', " ")
}

fn filter(scene: Scene<'_>, wanted: &Wanted) -> Markup {
    html! {
        form.filter.labelled method="get" action="/audit" {
            label { "Person" select name="person" {
                option value="" { "Anybody" }
                @for p in scene.directory.people.values() { option value=(p.id) selected[p.id == wanted.person] { (p.name) } }
            } }
            label { "Action" select name="action" {
                option value="" { "Any" }
                @for a in scene.directory.actions.values() { option value=(a.id) selected[a.id == wanted.action] { (a.title) } }
            } }
            label { "Incident" input name="incident" inputmode="numeric" size="6" value=(wanted.incident) placeholder="42"; }
            button.button { "Show" }
        }
    }
}

fn address(wanted: &Wanted, before: i64) -> String {
    format!(
        "/audit?person={}&action={}&incident={}&before={before}",
        percent(&wanted.person),
        percent(&wanted.action),
        percent(&wanted.incident)
    )
}
