//! Silences: a list, and the form that makes one.

use super::parts::{hidden, icon, plain, when};
use super::{Scene, frame};
use crate::core::silence::{Silence, SilenceKind, SilenceState};
use crate::core::text::count;
use crate::http::console::viewer::Acting;
use crate::store::AlertRow;
use maud::{Markup, html};
use std::sync::Arc;

/// A silence and what it held.
pub(in super::super) struct SilenceView {
    pub(in super::super) silence: Arc<Silence>,
    /// Alerts held in its present window, or its last one.
    pub(in super::super) held: i64,
    /// The newest of them.
    pub(in super::super) alerts: Vec<AlertRow>,
}

/// What somebody typed; shown again when something was wrong with it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(in super::super) struct SilenceForm {
    /// `silence` or `maintenance`.
    pub(in super::super) kind: String,
    /// Service id; empty: by the labels alone.
    pub(in super::super) service: String,
    /// Conditions on labels.
    pub(in super::super) labels: String,
    /// `2h`, `until 09:00`.
    pub(in super::super) duration: String,
    /// Why.
    pub(in super::super) comment: String,
    /// One-time id of the form.
    pub(in super::super) click: String,
}

/// The page; `why` is what was wrong with the last try.
pub(in super::super) fn silences(
    scene: Scene<'_>,
    views: &[SilenceView],
    given: &SilenceForm,
    why: &str,
) -> Markup {
    let of = |state: SilenceState| {
        views
            .iter()
            .filter(move |v| v.silence.state(scene.now) == state)
    };
    html! {
        (frame::head("Silences", &html! { span.hint { (count(of(SilenceState::Active).count(), "active silence")) } }))
        p.about { "What a silence holds back is kept and listed, and pages nobody. What still fires at its end is routed then." }
        (group(scene, "Active", of(SilenceState::Active), "Nothing is silenced now."))
        (group(scene, "Planned", of(SilenceState::Pending), ""))
        section.panel.silence-form aria-labelledby="make-head" {
            h2 #make-head { "Hold alerts back" }
            @if !why.is_empty() { div.said.no role="alert" { (why) } }
            (form(scene, given))
        }
        (group(scene, "Over", of(SilenceState::Expired), ""))
    }
}

fn group<'a>(
    scene: Scene<'_>,
    head: &str,
    views: impl Iterator<Item = &'a SilenceView>,
    none: &str,
) -> Markup {
    let views: Vec<&SilenceView> = views.collect();
    html! {
        @if views.is_empty() && !none.is_empty() { p.empty { (icon("check")) (none) } }
        @if !views.is_empty() {
            h2.group-head { (head) }
            ul.plain { @for view in views { (item(scene, view)) } }
        }
    }
}

fn item(scene: Scene<'_>, view: &SilenceView) -> Markup {
    let s = &view.silence;
    let state = s.state(scene.now);
    let firing = view.alerts.iter().filter(|a| a.firing).count();
    html! {
        li.panel.silence data-item data-state=(state.word()) {
            div.alert-top {
                span.pill { (if s.kind == SilenceKind::Maintenance { "maintenance" } else { "silence" }) }
                strong.grow { (plain(&s.scope())) }
                span.times { (times(scene, s)) }
            }
            @if !s.comment.trim().is_empty() { p { (plain(&s.comment)) } }
            p.hint {
                "by " (plain(&s.created_by)) " · " code { (s.short()) }
                @if let Some(r) = &s.recurrence { " · again " code { (r.written) } " " (r.zone.name()) }
            }
            @if view.held > 0 {
                details data-keep={ "silence-" (s.id) } {
                    summary { "Held back " (count(usize::try_from(view.held).unwrap_or(0), "alert")) @if firing > 0 { ", " (firing) " firing" } }
                    ul.alerts { @for row in &view.alerts { (super::lists::alert_item(scene, row)) } }
                }
            } @else if state != SilenceState::Pending {
                p.hint { "Held back nothing." }
            }
            @if state != SilenceState::Expired {
                @if s.is_of_files() {
                    p.hint { "From a file; changed there." }
                } @else {
                    form method="post" action="/silences/end" {
                        (hidden(scene))
                        input type="hidden" name="id" value=(s.id);
                        button.button disabled[scene.viewer.acting != Acting::Yes] { @if state == SilenceState::Active { "End it now" } @else { "Cancel it" } }
                    }
                }
            }
        }
    }
}

fn times(scene: Scene<'_>, s: &Silence) -> Markup {
    let now = scene.now;
    html! {
        @match (s.state(now), s.span(now).or_else(|| s.last_span(now))) {
            (SilenceState::Active, Some((_, end))) => { "until " (when(scene, end)) },
            (SilenceState::Pending, Some((start, end))) => { (when(scene, start)) " to " (when(scene, end)) },
            _ => { "over since " (when(scene, s.ends_at)) },
        }
    }
}

/// The form that makes one.
pub(in super::super) fn form(scene: Scene<'_>, given: &SilenceForm) -> Markup {
    let planned = given.kind == "maintenance";
    html! {
        form.sheet method="post" action="/silences" {
            (hidden(scene))
            fieldset.field {
                legend { "What for?" }
                div.choices {
                    label.choice { input type="radio" name="kind" value="silence" checked[!planned]; "Quiet" }
                    label.choice { input type="radio" name="kind" value="maintenance" checked[planned]; "Planned work" }
                }
            }
            div.field {
                label for="service" { "Which service?" }
                select #service name="service" {
                    option value="" { "By labels only" }
                    @for s in scene.directory.services.values() { option value=(s.id) selected[given.service == s.id] { (s.name) } }
                }
            }
            div.field {
                label for="labels" { "Which labels?" }
                input #labels name="labels" value=(given.labels) placeholder="alertname=DiskFull host=~web-.*" autocomplete="off" spellcheck="false";
                p.hint { "All must hold; leave it empty for the whole service." }
            }
            div.field {
                label for="duration" { "How long?" }
                input #duration name="duration" required value=(given.duration) placeholder="2h" list="durations" autocomplete="off";
                datalist #durations { @for d in ["30m", "1h", "2h", "8h", "until tomorrow 09:00"] { option value=(d) {} } }
                p.hint { "2h, until 09:00, until tomorrow 09:00; planned work also tomorrow 22:00..23:30. On your clock." }
            }
            div.field {
                label for="comment" { "Why?" }
                input #comment name="comment" maxlength="300" value=(given.comment) placeholder="Deploying 4.1" autocomplete="off";
            }
            div.actions { button.button.primary disabled[scene.viewer.acting != Acting::Yes] { "Hold back" } }
        }
    }
}
