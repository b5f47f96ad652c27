//! Who carries how much, with the weights it is counted by.

use super::parts::{face, hue};
use super::{Scene, frame};
use crate::core::fairness::{Book, Row, hours};
use crate::core::schedule::Weights;
use chrono::{Datelike, Days, NaiveDate, Weekday};
use maud::{Markup, html};

/// What the page tells.
#[derive(Clone, Debug)]
pub(in super::super) struct Told {
    pub(in super::super) today: NaiveDate,
    pub(in super::super) book: Book,
}

/// The page.
pub(in super::super) fn fairness(scene: Scene<'_>, told: &Told) -> Markup {
    let book = &told.book;
    let most = book
        .rows
        .iter()
        .map(|r| r.share.weighted_ms)
        .max()
        .unwrap_or(0);
    html! {
        (frame::head("Fairness", &html! { a.button href="/oncall" { "On call" } }))
        (form(scene, told))
        p.about {
            (book.from.format("%-d %B %Y")) " to " (book.to.format("%-d %B %Y"))
            @if book.rows.len() > 1 { ": the weighted hours are " strong { (book.balance) "% even" } "." } @else { "." }
        }
        @if book.rows.is_empty() { p.empty { "No schedule has anybody." } } @else {
            section.panel.table-scroll aria-label="Hours" {
                table.fairness {
                    thead { tr {
                        th { "Who" } th { "Weighted" } th.num { "Hours" } th.num { "Nights" } th.num { "Weekends" } th.num { "Holidays" } th.num { "Shifts" } th.num { "Pages" }
                    } }
                    tbody { @for r in &book.rows { (row(scene, r, most)) } }
                }
            }
        }
        (weights(&scene.directory.fairness))
    }
}

fn row(scene: Scene<'_>, row: &Row, most: i64) -> Markup {
    let name = scene.directory.person_name(&row.person);
    let share = &row.share;
    let permille = (share.weighted_ms / 1000 * 1000)
        .checked_div(most / 1000)
        .unwrap_or(0);
    html! {
        tr {
            td { span.fair-who { (face(&row.person, &name)) span { (name) } } }
            td.fair-bar {
                svg width="100%" height="22" aria-hidden="true" {
                    rect.fair-all width="100%" height="100%" rx="5" {}
                    rect.cal-fill data-hue=(hue(&row.person)) width=(format!("{}.{}%", permille / 10, permille % 10)) height="100%" rx="5" {}
                }
                span { (hours(share.weighted_ms)) }
            }
            td.num { (hours(share.total_ms)) }
            td.num { (hours(share.night_ms)) }
            td.num { (hours(share.weekend_ms)) }
            td.num { (hours(share.holiday_ms)) }
            td.num { (share.shifts) }
            td.num { (row.pages) }
        }
    }
}

fn form(scene: Scene<'_>, told: &Told) -> Markup {
    let book = &told.book;
    let schedule = book.schedule.as_deref().unwrap_or_default();
    let link = |words: &str, from: Option<NaiveDate>, to: NaiveDate| {
        html! { @if let Some(from) = from { a.tab href={ "/fairness?from=" (from) "&to=" (to) "&schedule=" (schedule) } { (words) } } }
    };
    let today = told.today;
    let ahead = today.checked_add_days(Days::new(89)).unwrap_or(today);
    html! {
        form.filter method="get" action="/fairness" {
            input type="date" name="from" value=(book.from) aria-label="First day";
            input type="date" name="to" value=(book.to) aria-label="Last day";
            select name="schedule" aria-label="Schedule" {
                option value="" selected[book.schedule.is_none()] { "All schedules" }
                @for s in scene.directory.schedules.values() { option value=(s.id) selected[Some(&s.id) == book.schedule.as_ref()] { (s.name) } }
            }
            button.button { "Show" }
        }
        p.fair-links {
            (link("Last 30 days", today.checked_sub_days(Days::new(29)), today))
            (link("Last 90 days", today.checked_sub_days(Days::new(89)), today))
            (link("This year", NaiveDate::from_ymd_opt(today.year(), 1, 1), today))
            (link("Next 90 days", Some(today), ahead))
        }
    }
}

fn weights(w: &Weights) -> Markup {
    let clock = |ms: i64| format!("{:02}:{:02}", ms / 3_600_000 % 24, ms / 60_000 % 60);
    let all = [
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
        Weekday::Sat,
        Weekday::Sun,
    ];
    let weekend: Vec<String> = all
        .iter()
        .filter(|d| w.weekend.has(**d))
        .map(ToString::to_string)
        .collect();
    html! {
        section.panel.weights aria-label="How it is counted" {
            h2 { "How it is counted" }
            p { "Every hour on call counts once, and once more by each percentage that applies to it:" }
            ul.plain {
                li { strong { "+" (w.night_extra) "%" } " from " (clock(w.night_from)) " to " (clock(w.night_until)) " on the person's own clock" }
                li { strong { "+" (w.weekend_extra) "%" } " on " (weekend.join(", ")) " of the person" }
                li { strong { "+" (w.holiday_extra) "%" } " on holidays of the schedule's calendar" }
            }
            p.hint { "Hours are real ones: a night is an hour shorter when the clock goes forward. Pages are those that reached the person, on any schedule. " code { "[fairness]" } " in firebell.toml changes the weights." }
        }
    }
}
