//! The first page: what is burning, who has it, who is on call now.

use super::card::{CardView, card};
use super::incident::list_item;
use super::oncall::{Duty, now_line};
use super::parts::icon;
use super::{Scene, frame};
use crate::core::text::count;
use crate::store::IncidentRow;
use maud::{Markup, html};

/// What the first page shows.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct OverviewView {
    /// Open incidents: those nobody has first, then by severity.
    pub(in super::super) cards: Vec<CardView>,
    /// How many are open in all.
    pub(in super::super) open: i64,
    /// Who is on call.
    pub(in super::super) duties: Vec<Duty>,
    /// The last ones that were resolved.
    pub(in super::super) past: Vec<IncidentRow>,
}

/// The whole page.
pub(in super::super) fn overview(scene: Scene<'_>, view: &OverviewView) -> Markup {
    html! {
        (frame::head("Now", &html! { a.button href="/declare" { (icon("plus")) "Declare" } }))
        div.overview data-live="incident directory" data-src="/fragments/overview" { (content(scene, view)) }
    }
}

/// The part that changes; also a fragment.
pub(in super::super) fn content(scene: Scene<'_>, view: &OverviewView) -> Markup {
    let waiting = view
        .cards
        .iter()
        .filter(|c| c.card.status == "triggered")
        .count();
    let shown = i64::try_from(view.cards.len()).unwrap_or(i64::MAX);
    html! {
        @if view.cards.is_empty() {
            (quiet(view))
        } @else {
            p.summary.hot[waiting > 0] role="status" { (summary(waiting, view)) }
            div.cards { @for c in &view.cards { (card(scene, c)) } }
            @if shown < view.open { p { a href="/incidents" { "All " (view.open) " open incidents" } } }
        }
        section.panel aria-label="On call now" {
            h2 { (icon("clock")) "On call now" a.hint href="/oncall" { "all turns" } }
            @if view.duties.is_empty() { p.quiet-line { "No schedule is configured." } }
            ul.duties { @for d in &view.duties { (now_line(scene, d)) } }
        }
        @if !view.past.is_empty() {
            section.panel aria-label="Recently resolved" {
                h2 { (icon("check")) "Recently resolved" }
                ol.rows { @for row in &view.past { (list_item(scene, row)) } }
            }
        }
    }
}

fn summary(waiting: usize, view: &OverviewView) -> String {
    let open = usize::try_from(view.open).unwrap_or(usize::MAX);
    let taken = "Somebody is at each of them.";
    match waiting {
        0 => format!(
            "{} open. {}",
            count(open, "incident"),
            if open == 1 {
                "Somebody is at it."
            } else {
                taken
            }
        ),
        n => format!(
            "{} open, {} waiting for somebody.",
            count(open, "incident"),
            n
        ),
    }
}

fn quiet(view: &OverviewView) -> Markup {
    let on = view
        .duties
        .iter()
        .filter(|d| !d.now.people.is_empty())
        .count();
    html! {
        div.all-quiet role="status" {
            (icon("check"))
            p.big { "All quiet." }
            p { "Nothing is open." @if on > 0 { " " (count(on, "schedule")) " with somebody on call." } }
        }
    }
}
