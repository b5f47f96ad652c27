//! What a changed rotation would mean: who carries what before and after, and the lines for the file.

use super::parts::face;
use super::{Scene, frame};
use crate::core::fairness::{Load, Preview, hours};
use crate::core::schedule::{Schedule, Source};
use maud::{Markup, html};

/// Differences that are listed.
const LISTED: usize = 30;

/// What somebody wants to try.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(in super::super) struct PreviewForm {
    /// Name of the layer.
    pub(in super::super) layer: String,
    /// `ana, bo + chandra, none`.
    pub(in super::super) people: String,
    /// As in the file; empty: as it is.
    pub(in super::super) handoff: String,
    /// Wall time from which it counts.
    pub(in super::super) starts: String,
    /// Days ahead.
    pub(in super::super) days: i64,
}

/// What came of it.
pub(in super::super) struct Previewed {
    pub(in super::super) effect: Preview,
    /// The lines that make it so.
    pub(in super::super) file: String,
}

/// The page; `why` is what is wrong with what was asked.
pub(in super::super) fn preview(
    scene: Scene<'_>,
    schedule: &Schedule,
    asked: &PreviewForm,
    shown: Option<&Previewed>,
    why: &str,
) -> Markup {
    html! {
        (frame::head(&format!("{}: what if", schedule.name), &html! { a.button href={ "/oncall/" (schedule.id) } { "Calendar" } }))
        p.about { "Try another order or other hand-offs, and see what each would carry. Nothing is changed here." }
        @if !why.is_empty() { div.said.no role="alert" { (why) } }
        section.panel aria-label="Rotation" { (form(schedule, asked)) }
        @if let Some(shown) = shown {
            (effect(scene, asked, &shown.effect))
            (differences(scene, schedule, &shown.effect))
            section.panel aria-label="For the file" {
                h2 { "To make it so" }
                p.hint { "Add this version to " code { "schedules/" (schedule.id) ".toml" } ", below the one there is; " code { "firebell plan" } " shows the same at a terminal." }
                pre.output tabindex="0" { (shown.file) }
            }
        }
    }
}

fn form(schedule: &Schedule, asked: &PreviewForm) -> Markup {
    let rotates = |source: &Source| matches!(source, Source::Rotation(_));
    let layers = schedule.layers.iter();
    let layers = layers.filter(|l| l.versions.last().is_some_and(|v| rotates(&v.source)));
    html! {
        form.sheet method="get" action={ "/oncall/" (schedule.id) "/preview" } {
            div.field {
                label for="layer" { "Which layer?" }
                select #layer name="layer" { @for l in layers { option value=(l.name) selected[l.name == asked.layer] { (l.name) } } }
            }
            div.field {
                label for="people" { "Who, in order?" }
                input #people name="people" required value=(asked.people) placeholder="ana, bo + chandra, none" autocomplete="off" spellcheck="false";
                p.hint { "Commas between turns, + for people on call together, none for nobody's turn." }
            }
            div.field {
                label for="handoff" { "Hand-offs" }
                input #handoff name="handoff" value=(asked.handoff) placeholder="as they are" autocomplete="off" spellcheck="false";
                p.hint { "weekly, every 3 days, 0 9 * * MON, or 4d, 3d; empty: as they are." }
            }
            div.field {
                label for="starts" { "From when?" }
                input #starts name="starts" value=(asked.starts) placeholder="2026-12-07 09:00" autocomplete="off";
                p.hint { "On the wall clock in " (schedule.zone.name()) "." }
            }
            div.field {
                label for="days" { "How many days ahead?" }
                input #days name="days" type="number" min="1" max="366" value=(asked.days);
            }
            div.actions { button.button.primary { "Show" } }
        }
    }
}

fn effect(scene: Scene<'_>, asked: &PreviewForm, effect: &Preview) -> Markup {
    let (now, then) = effect.balance;
    html! {
        p.about {
            "The next " (asked.days) " days: "
            @if effect.differences.is_empty() { "the same people at every instant." }
            @else { "the weighted hours are " strong { (then) "% even" } " instead of " (now) "%." }
        }
        section.panel.table-scroll aria-label="What each would carry" {
            table.fairness {
                thead { tr {
                    th { "Who" } th.num { "Weighted" } th.num { "Hours" } th.num { "Nights" } th.num { "Weekends" } th.num { "Holidays" } th.num { "Pages" }
                } }
                tbody { @for (id, now, then) in &effect.rows { (row(scene, id, now, then)) } }
            }
        }
        p.hint { "Pages are those of the weeks before, as if they came again at the same weekday and hour." }
    }
}

fn row(scene: Scene<'_>, id: &str, now: &Load, then: &Load) -> Markup {
    let name = scene.directory.person_name(id);
    let (a, b) = (&now.share, &then.share);
    html! {
        tr {
            td { span.fair-who { (face(id, &name)) span { (name) } } }
            td.num { (both(&hours(a.weighted_ms), &hours(b.weighted_ms))) }
            td.num { (both(&hours(a.total_ms), &hours(b.total_ms))) }
            td.num { (both(&hours(a.night_ms), &hours(b.night_ms))) }
            td.num { (both(&hours(a.weekend_ms), &hours(b.weekend_ms))) }
            td.num { (both(&hours(a.holiday_ms), &hours(b.holiday_ms))) }
            td.num { (both(&now.pages.to_string(), &then.pages.to_string())) }
        }
    }
}

/// Before and after, or once what stays the same.
fn both(now: &str, then: &str) -> Markup {
    html! { @if now == then { (now) } @else { span.hint { (now) " → " } strong { (then) } } }
}

fn differences(scene: Scene<'_>, schedule: &Schedule, effect: &Preview) -> Markup {
    let name = |id: &str| scene.directory.person_name(id);
    let found = &effect.differences;
    html! {
        @if !found.is_empty() {
            section.panel aria-label="Differences" {
                h2 { "Who would be on call instead of whom" }
                ul.plain { @for d in found.iter().take(LISTED) { li { (d.words(schedule, &name)) } } }
                @if found.len() > LISTED { p.hint { "and " (found.len() - LISTED) " more spans" } }
            }
        }
    }
}
