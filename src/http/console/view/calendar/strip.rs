//! A strip of days as SVG: the one way to draw widths by numbers that a policy without inline styles
//! allows. Each row is an image as wide as there is room, with places in percent.

use super::super::parts::initials;
use super::plan::{Bar, Day, Kind, Look, Row, Strip};
use crate::core::time::Time;
use chrono::{Datelike, Weekday};
use maud::{Markup, html};

/// Heights of a lane, and of one of the row of who is on call, in pixels.
#[derive(Clone, Copy)]
pub(super) struct Measure {
    pub(super) lane: u32,
    pub(super) on_call: u32,
}

/// Height of the head, in pixels.
const HEAD: u32 = 40;

/// A strip. Days of other months than `month` are paler.
pub(super) fn strip(strip: &Strip, measure: Measure, month: Option<u32>, now: Time) -> Markup {
    let pale = |day: &Day| month.is_some_and(|m| m != day.date.month());
    html! {
        div.cal-strip {
            div.cal-name.cal-week { "Week " (strip.days.first().map_or(0, |d| d.date.iso_week().week())) }
            svg.cal-head width="100%" height=(HEAD) {
                @for day in &strip.days { (head(strip, day, pale(day), now)) }
            }
            @for row in &strip.rows {
                div.cal-name data-kind=(row.kind.word()) { (row.name) }
                (bars(strip, row, measure, now))
            }
        }
    }
}

fn place(strip: &Strip, since: Time, until: Time) -> (String, String) {
    let (left, right) = (strip.percent(since), strip.percent(until));
    (format!("{left:.3}%"), format!("{:.3}%", right - left))
}

fn head(strip: &Strip, day: &Day, pale: bool, now: Time) -> Markup {
    let (left, width) = place(strip, day.since, day.until);
    let today = day.since <= now && now < day.until;
    html! {
        svg x=(left) y="0" width=(width) height=(HEAD) class={ "cal-day" @if today { " today" } @if pale { " pale" } } {
            @if today { rect.cal-today width="100%" height="100%" rx="6" {} }
            text x="7" y="16" { (day.date.format("%a %-d")) }
            text.cal-note x="7" y="32" { (note(day)) }
            @if let Some(name) = &day.holiday { title { (name) } }
        }
    }
}

/// What is special about a day: its length when the clock changes, a holiday, a new month.
fn note(day: &Day) -> String {
    let length = day.until.since_ms(day.since);
    if length != 86_400_000 {
        let (hours, minutes) = (length / 3_600_000, length / 60_000 % 60);
        return match minutes {
            0 => format!("{hours} h"),
            _ => format!("{hours} h {minutes} m"),
        };
    }
    match &day.holiday {
        Some(name) => name.clone(),
        None if day.date.day() == 1 => day.date.format("%B").to_string(),
        None => String::new(),
    }
}

fn bars(strip: &Strip, row: &Row, measure: Measure, now: Time) -> Markup {
    let lane = if row.kind == Kind::OnCall {
        measure.on_call
    } else {
        measure.lane
    };
    let height = lane * row.lanes + 4;
    html! {
        svg.cal-row data-kind=(row.kind.word()) width="100%" height=(height) {
            @for day in strip.days.iter().filter(|d| matches!(d.date.weekday(), Weekday::Sat | Weekday::Sun)) {
                @let (left, width) = place(strip, day.since, day.until);
                rect.cal-off x=(left) y="0" width=(width) height="100%" {}
            }
            @for day in strip.days.iter().skip(1) {
                @let left = place(strip, day.since, day.until).0;
                line.cal-line x1=(left) x2=(left) y1="0" y2="100%" {}
            }
            @for b in row.bars.iter().filter(|b| b.since < strip.until && strip.since < b.until) { (bar(strip, b, lane)) }
            @if strip.has(now) {
                @let left = place(strip, now, now).0;
                line.cal-now x1=(left) x2=(left) y1="0" y2="100%" { title { "now" } }
            }
        }
    }
}

/// A bar leads to the turn that is in force where it begins: there stands why, also for fingers.
fn bar(strip: &Strip, bar: &Bar, lane: u32) -> Markup {
    let (left, width) = place(strip, bar.since, bar.until);
    let words = short(bar, strip.percent(bar.until) - strip.percent(bar.since));
    let (look, hue) = match bar.look {
        Look::Person(hue) => ("person", Some(hue)),
        Look::Shadow(hue) => ("shadow", Some(hue)),
        Look::Gap => ("gap", None),
        Look::Note => ("note", None),
    };
    html! {
        a.cal-bar data-look=(look) data-hue=[hue] href={ "#" (super::anchor(bar.turn)) } aria-label=(bar.story) {
            svg x=(left) y=(bar.lane * lane + 2) width=(width) height=(lane) {
                title { (bar.story) }
                rect x="1" y="1" width="100%" height=(lane - 2) rx="5" {}
                text x="7" y=(lane / 2) dominant-baseline="central" { (words) }
            }
        }
    }
}

/// As much of a name as a bar of this width, in percent of the strip, has room for on a desk.
fn short(bar: &Bar, width: f64) -> String {
    let person = matches!(bar.look, Look::Person(_) | Look::Shadow(_));
    match width {
        _ if !person => bar.label.clone(),
        12.0.. => bar.label.clone(),
        7.5.. => bar
            .label
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned(),
        3.0.. => initials(&bar.label),
        _ => String::new(),
    }
}
