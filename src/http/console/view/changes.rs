//! Changes: the list of all, and those that came before an incident.

use super::lists::{pager, query};
use super::parts::{age, outside, plain, when};
use super::{Scene, frame};
use crate::core::change::{ChangeEvent, ChangeState, Preceding};
use maud::{Markup, html};

/// What the page tells.
#[derive(Clone, Debug)]
pub(in super::super) struct Told {
    pub(in super::super) rows: Vec<ChangeEvent>,
    pub(in super::super) total: i64,
    /// From 0.
    pub(in super::super) page: i64,
    /// Rows per page.
    pub(in super::super) limit: i64,
    /// Service id; empty: all.
    pub(in super::super) service: String,
    /// Who told it; empty: anybody.
    pub(in super::super) source: String,
    /// Everybody who may tell.
    pub(in super::super) sources: Vec<String>,
}

/// The page.
pub(in super::super) fn changes(scene: Scene<'_>, told: &Told) -> Markup {
    html! {
        (frame::head("Changes", &html! { span.hint { (told.total) " told" } }))
        p.about { "Deploys, pushes, releases and whatever else was told to have changed. A change is context for an incident and is never said to be its cause." }
        form.filters method="get" action="/changes" {
            label { "Service" select name="service" {
                option value="" { "All" }
                @for s in scene.directory.services.values() { option value=(s.id) selected[s.id == told.service] { (s.name) } }
            } }
            label { "Told by" select name="source" {
                option value="" { "Anybody" }
                @for s in &told.sources { option value=(s) selected[*s == told.source] { (s) } }
            } }
            button.button { "Show" }
        }
        @if told.rows.is_empty() {
            p.empty { "No change was told. " code { "docs/changes.md" } " says how deploys and repositories tell firebell." }
        } @else {
            ol.rows.changes { @for c in &told.rows { (change(scene, c)) } }
        }
        (pager("/changes", &format!("service={}&source={}", query(&told.service), query(&told.source)), told.page, told.limit, told.total))
    }
}

fn change(scene: Scene<'_>, c: &ChangeEvent) -> Markup {
    html! {
        li.row data-item {
            div.row-main {
                span.pill { (c.kind.word()) }
                span.grow { (plain(&c.summary)) }
                (state(c.state))
            }
            div.row-facts {
                @match &c.service {
                    Some(s) => a href={ "/changes?service=" (query(s)) } { (s) },
                    None => span { "no service known" },
                }
                @if !c.environment.is_empty() { span { (plain(&c.environment)) } }
                @if !c.author.is_empty() { span { "by " (plain(&c.author)) } }
                span { (when(scene, c.at)) ", " (age(scene, c.at)) " ago" }
                span { "told by " (c.source) }
                @if !c.url.is_empty() { (outside(&c.url, "Look")) }
                @if !c.note.is_empty() { span.hint { (plain(&c.note)) } }
            }
        }
    }
}

fn state(state: ChangeState) -> Markup {
    html! {
        @match state {
            ChangeState::Done => {},
            ChangeState::Started => span.pill { "under way" },
            ChangeState::Failed => span.pill.warn { "failed" },
        }
    }
}

/// What came before an incident, the highest rank first.
pub(in super::super) fn before(scene: Scene<'_>, preceded: &[Preceding]) -> Markup {
    html! {
        @if !preceded.is_empty() {
            section.panel aria-label="Changed before" {
                h2 { "What was changed before it began" }
                ul.ledger.before {
                    @for p in preceded {
                        li {
                            span.pill.warn[p.close] title="How much it deserves a look: 100 is the only change of a week, a moment before" { (p.points) }
                            div.grow {
                                strong { (plain(&p.words())) }
                                p.hint { (plain(&p.why)) }
                                @if !p.url.is_empty() { p.hint { (outside(&p.url, "Look")) } }
                            }
                            (when(scene, p.at))
                        }
                    }
                }
                p.hint { "Context, not causes: ranked by service and time, as " code { "docs/changes.md" } " says. " a href="/changes" { "All changes" } }
            }
        }
    }
}
