//! One incident in full: card, timeline, runs, who was paged, alerts, why it paged.

use super::card::{CardView, card};
use super::lists::alert_item;
use super::parts::{age, hidden, icon, severity, status, when, words};
use super::run::{RunView, run};
use super::{Scene, frame};
use crate::core::change::Preceding;
use crate::core::explain::{Explanation, Step};
use crate::core::id::{IncidentId, RoomId};
use crate::core::incident::Incident;
use crate::core::incident::headline;
use crate::core::text::count;
use crate::core::time::human_ms;
use crate::core::timeline::Entry;
use crate::http::console::viewer::Acting;
use crate::store::{
    AlertRow, AttemptRow, Delivery, FileRow, FoundRow, IncidentRow, Lane, OutboxRow, ShowRow,
};
use maud::{Markup, html};
use std::sync::Arc;

/// Steps to come that are shown at once; the rest of a ladder is a click away.
const SOON: usize = 3;

/// Everything the page of an incident shows.
#[derive(Clone, Debug)]
pub(in super::super) struct IncidentView {
    pub(in super::super) card: CardView,
    /// Who does what in it, and what is to be done.
    pub(in super::super) incident: Arc<Incident>,
    /// Where its tasks can be sent.
    pub(in super::super) trackers: super::conduct::Trackers,
    /// Its room in the console, once there is one.
    pub(in super::super) room: Option<RoomId>,
    /// By when things happened.
    pub(in super::super) timeline: Vec<Entry>,
    /// Why these people and no others, and what happens next.
    pub(in super::super) why: Explanation,
    pub(in super::super) runs: Vec<RunView>,
    /// What was changed before it began.
    pub(in super::super) preceded: Vec<Preceding>,
    /// What worked on incidents like it.
    pub(in super::super) worked: Vec<super::automation::Worked>,
    /// Everything that left or was to leave for it.
    pub(in super::super) deliveries: Vec<OutboxRow>,
    /// Every try to wake somebody, newest first.
    pub(in super::super) attempts: Vec<AttemptRow>,
    /// The newest alerts.
    pub(in super::super) alerts: Vec<AlertRow>,
    /// How many there are in all.
    pub(in super::super) alerts_total: i64,
    /// What was learned from one like it, while it is open.
    pub(in super::super) lesson: Option<FoundRow>,
    /// The newest other incidents that are open.
    pub(in super::super) others: Vec<IncidentRow>,
    /// How each thing about its rooms stands.
    pub(in super::super) steps: Vec<ShowRow>,
    /// Files that came with messages.
    pub(in super::super) files: Vec<FileRow>,
    /// What it is, and what it has to do with.
    pub(in super::super) shape: super::shape::ShapeView,
}

/// The whole page.
pub(in super::super) fn incident(scene: Scene<'_>, view: &IncidentView) -> Markup {
    let id = view.card.card.incident;
    html! {
        div.incident-page {
            h1.unseen { "Incident " (id) ": " (view.card.card.title) }
            div.beside.wide {
                @if let Some(room) = view.room { a.button href={ "/rooms/" (room.0) } { (icon("fire")) "Room" } }
                a.button href={ "/incidents/" (id.0) "/postmortem" } { (icon("list")) "Postmortem" }
            }
            @if let Some(found) = &view.lesson { (super::postmortem::lesson(found)) }
            div.columns data-live={ "incident:" (id.0) } data-src={ "/fragments/incident/" (id.0) } { (columns(scene, view)) }
            @if view.card.card.status != "resolved" { (super::hands::hand_on(scene, id, &view.others)) }
            (super::conduct::forms(scene, &view.incident))
            (super::shape::forms(scene, &view.shape, &view.others))
            (note_form(scene, id))
        }
    }
}

/// The part that changes; also a fragment.
pub(in super::super) fn columns(scene: Scene<'_>, view: &IncidentView) -> Markup {
    html! {
        div.column {
            (card(scene, &view.card))
            (super::conduct::panel(scene, &view.incident, &view.trackers))
            @for r in &view.runs { (run(scene, r)) }
            (timeline(scene, view.card.card.incident, &view.timeline, &view.files))
        }
        div.column.second {
            (super::changes::before(scene, &view.preceded))
            (super::automation::panel(&view.worked))
            (super::shape::ties(scene, &view.shape))
            (why(scene, &view.why))
            (super::steps::rooms(scene, view))
            (deliveries(scene, view))
            (alerts(scene, view))
        }
    }
}

fn timeline(scene: Scene<'_>, id: IncidentId, entries: &[Entry], files: &[FileRow]) -> Markup {
    html! {
        section.panel aria-label="Timeline" {
            h2 { "Timeline" }
            ol.timeline {
                @for e in entries.iter().rev() {
                    li data-kind=(e.kind) title=(e.source) {
                        (when(scene, e.happened_at))
                        div.grow {
                            (words(&e.text)) @if e.kind == "noted" || e.kind == "spoke" { span.hint { " " (e.actor) } }
                            @if let Some(f) = files.iter().find(|f| e.kind == "attached" && f.seq == e.seq) { (super::talk::file(f)) }
                            @if super::steps::removable(e.kind) {
                                " " a.hint.quiet href={ "/incidents/" (id.0) "/redact/" (e.seq) } title="Remove this line for good" { "#" (e.seq) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn why(scene: Scene<'_>, why: &Explanation) -> Markup {
    html! {
        section.panel aria-label="Why" {
            h2 { "Who is paged, and why?" }
            @if !why.next.is_empty() {
                h3 { "What happens next unless somebody acts" }
                (steps(scene, &why.next[..why.next.len().min(SOON)]))
                @if why.next.len() > SOON {
                    details data-keep="next" {
                        summary { "and " (count(why.next.len() - SOON, "more step")) " after that" }
                        (steps(scene, &why.next[SOON..]))
                    }
                }
            }
            @for note in &why.notes { p.notice { (note) } }
            h3 { "Who was paged" }
            @if why.paged.is_empty() { p.quiet-line { "Nobody has been paged." } }
            @else { (steps(scene, &why.paged)) }
            @if !why.passed_over.is_empty() {
                h3 { "Who was not" }
                (steps(scene, &why.passed_over))
            }
            @if !why.belongs.is_empty() {
                h3 { "Where it belongs" }
                ul.plain { @for sentence in &why.belongs { li { (sentence) } } }
            }
        }
    }
}

fn steps(scene: Scene<'_>, steps: &[Step]) -> Markup {
    html! { ol.timeline { @for s in steps { li { (when(scene, s.at)) div.grow { (s.what) } } } } }
}

fn deliveries(scene: Scene<'_>, view: &IncidentView) -> Markup {
    // Lines that arrived as they should are many and tell nothing; what went wrong always shows.
    let plain = |d: &&OutboxRow| d.lane == Lane::Say && d.state == Delivery::Done;
    let (lines, rest): (Vec<&OutboxRow>, Vec<&OutboxRow>) = view.deliveries.iter().partition(plain);
    html! {
        section.panel aria-label="Deliveries" {
            h2 { "Who was told, and did it arrive?" }
            @if view.deliveries.is_empty() { p.quiet-line { "Nothing has left firebell for this incident." } }
            ul.ledger { @for d in rest { (delivery(scene, d)) } }
            @if !view.attempts.is_empty() {
                details data-keep="tries" {
                    summary { (count(view.attempts.len(), "try").replace("trys", "tries")) " to wake somebody" }
                    ul.ledger { @for a in &view.attempts { (super::person::attempt(scene, a, false)) } }
                }
            }
            @if !lines.is_empty() {
                details data-keep="lines" {
                    summary { (count(lines.len(), "line")) " arrived" }
                    ul.ledger { @for d in lines { (delivery(scene, d)) } }
                }
            }
        }
    }
}

fn delivery(scene: Scene<'_>, d: &OutboxRow) -> Markup {
    html! {
        li data-state=(d.state.word()) {
            span.pill.(d.state.word()) { (d.state.word()) }
            div.grow {
                strong { (delivered_to(scene, d)) }
                @if d.attempts > 1 { " · " (d.attempts) " attempts" }
                @if !d.error.is_empty() { p.hint { (d.error) } }
            }
            (when(scene, d.updated_at))
        }
    }
}

fn delivered_to(scene: Scene<'_>, d: &OutboxRow) -> String {
    match d.lane {
        Lane::Page => format!(
            "Page to {} by {}",
            scene.directory.person_name(&d.target),
            d.detail
        ),
        Lane::Say => format!(
            "Line to {} ({})",
            d.detail.trim_start_matches("channel:"),
            d.target
        ),
        Lane::Run => match d.detail.strip_prefix("dry:") {
            Some(run) => format!("Rehearsal of run-{run}"),
            None => format!("Start of run-{}", d.detail),
        },
    }
}

fn alerts(scene: Scene<'_>, view: &IncidentView) -> Markup {
    let shown = i64::try_from(view.alerts.len()).unwrap_or(i64::MAX);
    html! {
        section.panel aria-label="Alerts" {
            h2 { "Alerts" @if view.alerts_total > 0 { span.count { (view.alerts_total) } } }
            @if view.alerts.is_empty() { p.quiet-line { "No alert belongs to it: it was declared by hand." } }
            ul.alerts { @for a in &view.alerts { (alert_item(scene, a)) } }
            @if shown < view.alerts_total { p.hint { "The newest " (shown) " of " (view.alerts_total) " are shown." } }
        }
    }
}

fn note_form(scene: Scene<'_>, id: IncidentId) -> Markup {
    html! {
        section.panel aria-label="Add a note" {
            h2 { "Remember something" }
            form.sheet method="post" action={ "/incidents/" (id.0) "/notes" } {
                (hidden(scene))
                div.field {
                    label for="note" { "Note" }
                    textarea #note name="text" rows="3" maxlength="4000" required {}
                }
                div.field {
                    label for="note-at" { "When (empty: now)" }
                    input #note-at name="at" placeholder="14:03" autocomplete="off";
                    p.hint { "In your zone, " (scene.viewer.zone.name()) "; or 2026-11-22 14:03." }
                }
                div.actions { button.button.primary disabled[scene.viewer.acting != Acting::Yes] { "Add to the timeline" } }
            }
        }
    }
}

/// A page of incidents.
#[derive(Clone, Debug)]
pub(in super::super) struct ListView {
    pub(in super::super) rows: Vec<IncidentRow>,
    pub(in super::super) total: i64,
    /// From 0.
    pub(in super::super) page: i64,
    /// Rows per page.
    pub(in super::super) limit: i64,
    /// `open`, `resolved`, or empty: all.
    pub(in super::super) status: String,
    /// Part of the title looked for.
    pub(in super::super) text: String,
    /// Id of a type; empty: all.
    pub(in super::super) kind: String,
    /// `only` drills, `without` them, or empty: both.
    pub(in super::super) drill: String,
}

/// The list of incidents.
pub(in super::super) fn list(scene: Scene<'_>, view: &ListView) -> Markup {
    html! {
        (frame::head("Incidents", &html! { a.button.primary href="/declare" { (icon("plus")) "Declare" } }))
        form.filter method="get" action="/incidents" role="search" {
            input name="text" type="search" value=(view.text) placeholder="Part of the title" aria-label="Part of the title";
            select name="status" aria-label="Status" {
                @for (value, words) in [("open", "open"), ("resolved", "resolved"), ("", "all")] {
                    option value=(value) selected[view.status == value] { (words) }
                }
            }
            @if !scene.directory.types.is_empty() {
                select name="type" aria-label="Type" {
                    option value="" { "every type" }
                    @for t in &scene.directory.types { option value=(t.id) selected[view.kind == t.id] { (t.name) } }
                }
            }
            select name="drill" aria-label="Drills" {
                @for (value, words) in [("", "real and drills"), ("without", "real"), ("only", "drills")] {
                    option value=(value) selected[view.drill == value] { (words) }
                }
            }
            button.button { "Show" }
        }
        @if view.rows.is_empty() { p.empty { "No incident matches." } }
        @let several = view.rows.iter().filter(|r| r.status != "resolved").count() > 1;
        @if several { (super::hands::bulk(scene)) }
        ol.rows { @for row in &view.rows { (choosable(scene, row, several)) } }
        (super::lists::pager("/incidents", &format!("status={}&text={}&type={}&drill={}", view.status, super::lists::query(&view.text), super::lists::query(&view.kind), super::lists::query(&view.drill)), view.page, view.limit, view.total))
    }
}

/// One incident as a line of a list.
pub(in super::super) fn list_item(scene: Scene<'_>, row: &IncidentRow) -> Markup {
    choosable(scene, row, false)
}

/// The same, with a box when something can be done to several.
fn choosable(scene: Scene<'_>, row: &IncidentRow, several: bool) -> Markup {
    let name = scene
        .directory
        .severity_name(crate::core::id::Severity(row.severity));
    html! {
        li.row data-item data-status=(row.status) {
            @if several && row.status != "resolved" { (super::hands::choice(row)) }
            a.row-main href={ "/incidents/" (row.id.0) } data-open { span.no { (row.id) } span.grow { (headline(&row.title, row.drill)) } }
            div.row-facts {
                (severity(&name, row.severity)) (status(&row.status)) (nature(scene, row))
                @if let Some(by) = &row.acked_by { span { (by) } }
                @if let Some(s) = &row.service { span { (s) } }
                span {
                    (age(scene, row.opened_at)) " ago"
                    @if let Some(end) = row.resolved_at { ", lasted " (human_ms(end.since_ms(row.opened_at))) }
                }
            }
        }
    }
}

/// What kind of incident it is, as marks.
fn nature(scene: Scene<'_>, row: &IncidentRow) -> Markup {
    let kind = row.type_id.as_ref().map(|id| {
        let known = scene.directory.types.iter().find(|t| t.id == *id);
        known.map_or(id.as_str(), |t| t.name.as_str())
    });
    html! {
        @if row.drill { span.pill.drill { "drill" } }
        @if row.private { span.pill.private { "private" } }
        @if let Some(kind) = kind { span.pill { (kind) } }
    }
}
