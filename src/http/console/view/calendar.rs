//! The calendar of one schedule: strips of days, and the same turns as a list with the reasons, which is
//! what a phone shows of a week.

pub(in super::super) mod plan;
mod strip;

use super::oncall::{Duty, now_line};
use super::parts::{face, hidden, icon};
use super::{Scene, frame};
use crate::core::schedule::{Finding, Schedule, Turn};
use crate::core::text::list;
use crate::core::time::Time;
use crate::http::console::viewer::Acting;
use chrono::{Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;
use maud::{Markup, html};
use plan::{Plan, Strip, span};

/// Turns a list shows; an hourly rotation has more of them in a month than anybody reads.
const LISTED: usize = 200;

/// How much of a calendar is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Range {
    /// Seven days from a Monday.
    Week,
    /// The weeks that have days of a month.
    Month,
}

/// Which calendar is asked for: all that its address says.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Asked<'a> {
    pub(in super::super) schedule: &'a Schedule,
    pub(in super::super) range: Range,
    /// A date in it.
    pub(in super::super) on: NaiveDate,
    /// On the schedule's clock instead of the viewer's.
    pub(in super::super) theirs: bool,
}

/// Everything the page shows beside the calendar itself.
#[derive(Clone, Debug)]
pub(in super::super) struct Around {
    pub(in super::super) duty: Option<Duty>,
    pub(in super::super) findings: Vec<Finding>,
    /// Secret address of its feed.
    pub(in super::super) feed: String,
}

impl Asked<'_> {
    fn href(&self, range: Range, on: Option<NaiveDate>, theirs: bool) -> String {
        let view = match range {
            Range::Week => "week",
            Range::Month => "month",
        };
        let on = on.map_or(String::new(), |on| format!("&on={on}"));
        let zone = if theirs { "&zone=schedule" } else { "" };
        format!("/oncall/{}?view={view}{on}{zone}", self.schedule.id)
    }

    /// The address of exactly this page.
    pub(in super::super) fn here(&self) -> String {
        self.href(self.range, Some(self.on), self.theirs)
    }

    fn first(&self) -> NaiveDate {
        match self.range {
            Range::Week => monday(self.on),
            Range::Month => self.on.with_day(1).unwrap_or(self.on),
        }
    }

    /// The first date of the page before or after.
    fn beside(&self, forward: bool) -> Option<NaiveDate> {
        let first = self.first();
        match (self.range, forward) {
            (Range::Week, true) => first.checked_add_days(Days::new(7)),
            (Range::Week, false) => first.checked_sub_days(Days::new(7)),
            (Range::Month, true) => first.checked_add_months(Months::new(1)),
            (Range::Month, false) => first.checked_sub_months(Months::new(1)),
        }
    }

    /// The Mondays of its weeks.
    fn weeks(&self) -> Vec<NaiveDate> {
        let first = self.first();
        match self.range {
            Range::Week => vec![first],
            Range::Month => {
                let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
                let mondays = monday(first).iter_weeks();
                mondays.take_while(|d| *d < next).take(6).collect()
            }
        }
    }

    fn title(&self) -> String {
        let first = self.first();
        match self.range {
            Range::Month => first.format("%B %Y").to_string(),
            Range::Week => {
                let last = first.checked_add_days(Days::new(6)).unwrap_or(first);
                let begin = match (first.year() == last.year(), first.month() == last.month()) {
                    (true, true) => first.format("%-d"),
                    (true, false) => first.format("%-d %B"),
                    (false, _) => first.format("%-d %B %Y"),
                };
                format!("{begin} to {}", last.format("%-d %B %Y"))
            }
        }
    }
}

fn monday(date: NaiveDate) -> NaiveDate {
    let back = u64::from(date.weekday().num_days_from_monday());
    date.checked_sub_days(Days::new(back)).unwrap_or(date)
}

/// Where the list tells of a turn.
fn anchor(since: Time) -> String {
    format!("turn-{}", since.0 / 1000)
}

/// The whole page.
pub(in super::super) fn calendar(scene: Scene<'_>, asked: Asked<'_>, around: &Around) -> Markup {
    let zone = if asked.theirs {
        asked.schedule.zone
    } else {
        scene.viewer.zone
    };
    let plan = Plan::new(scene.directory, asked.schedule, zone);
    let weeks = asked.weeks();
    let begin = |date: NaiveDate| {
        crate::core::schedule::instant(zone, date.and_time(chrono::NaiveTime::MIN))
    };
    let last = weeks.last().map_or(asked.on, |d| *d);
    let over = (
        weeks.first().map_or(scene.now, |d| begin(*d)),
        begin(last.checked_add_days(Days::new(7)).unwrap_or(last)),
    );
    let turns = asked.schedule.turns(over.0, over.1);
    let strip = |week: &NaiveDate| plan.strip(*week, 7, over, &turns);
    let strips: Vec<Strip> = weeks.iter().map(strip).collect();
    html! {
        (frame::head(&asked.schedule.name, &tabs(asked)))
        (walk(scene, asked, zone))
        (grid(&asked, &strips, scene.now))
        (agenda(scene, asked, zone, &turns))
        (beside(scene, asked, around))
    }
}

fn tabs(asked: Asked<'_>) -> Markup {
    let tab = |range: Range, words: &str| {
        html! {
            a.tab href=(asked.href(range, Some(asked.on), asked.theirs))
                aria-current=[(asked.range == range).then_some("page")] { (words) }
        }
    };
    html! { (tab(Range::Week, "Week")) (tab(Range::Month, "Month")) }
}

fn walk(scene: Scene<'_>, asked: Asked<'_>, zone: Tz) -> Markup {
    let today = asked.href(asked.range, None, asked.theirs);
    let step = |forward: bool, words: &str| {
        let to = asked
            .beside(forward)
            .map(|on| asked.href(asked.range, Some(on), asked.theirs));
        html! { @if let Some(to) = to { a.button href=(to) { (words) } } }
    };
    html! {
        nav.cal-walk aria-label="Calendar" {
            h2.grow { (asked.title()) }
            (step(false, "Previous")) a.button href=(today) { "Today" } (step(true, "Next"))
        }
        p.cal-zones.hint {
            "On the clock of " strong { (zone.name()) }
            @if asked.theirs { ", the schedule's." } @else { ", yours." }
            @if scene.viewer.zone != asked.schedule.zone {
                @let other = if asked.theirs { scene.viewer.zone } else { asked.schedule.zone };
                " In " (other.name()) " it is " (crate::core::schedule::spoken(scene.now, other)) " now. "
                a href=(asked.href(asked.range, Some(asked.on), !asked.theirs)) {
                    @if asked.theirs { "Show my clock" } @else { "Show the schedule's clock" }
                }
            }
        }
    }
}

fn grid(asked: &Asked<'_>, strips: &[Strip], now: Time) -> Markup {
    let (view, measure, month) = match asked.range {
        Range::Week => (
            "week",
            strip::Measure {
                lane: 26,
                on_call: 40,
            },
            None,
        ),
        Range::Month => {
            let month = Some(asked.first().month());
            (
                "month",
                strip::Measure {
                    lane: 18,
                    on_call: 26,
                },
                month,
            )
        }
    };
    html! {
        section.panel.calendar data-view=(view) aria-label="Calendar" {
            @for s in strips { (strip::strip(s, measure, month, now)) }
        }
    }
}

fn agenda(scene: Scene<'_>, asked: Asked<'_>, zone: Tz, turns: &[Turn]) -> Markup {
    html! {
        section.panel aria-label="Turns" {
            h2 { (icon("list")) "Turns, and why" }
            ol.agenda {
                @for t in turns.iter().take(LISTED) { (turn(scene, asked.schedule, zone, t)) }
            }
            @if turns.len() > LISTED { p.hint { "and " (turns.len() - LISTED) " more; look at single weeks." } }
        }
    }
}

fn turn(scene: Scene<'_>, schedule: &Schedule, zone: Tz, turn: &Turn) -> Markup {
    let now = turn.since <= scene.now && scene.now < turn.until;
    let name = |id: &String| scene.directory.person_name(id);
    html! {
        li id=(anchor(turn.since)) data-empty[turn.people.is_empty()] data-now[now] {
            p.agenda-when {
                (span(turn.since, turn.until, zone))
                @if zone != schedule.zone { span.hint { (span(turn.since, turn.until, schedule.zone)) } }
                @if now { span.pill.good { "now" } }
            }
            div {
                @if turn.people.is_empty() { p.agenda-who { strong { "Nobody is on call" } } }
                @for (n, id) in turn.people.iter().enumerate() {
                    div.agenda-who {
                        (face(id, &name(id)))
                        div.grow {
                            strong { (name(id)) }
                            @if let Some(why) = turn.why.get(n) { p.hint { (why) } }
                        }
                    }
                }
                @if !turn.shadows.is_empty() {
                    p.hint { "Shadow, never paged: " (list(&turn.shadows.iter().map(name).collect::<Vec<_>>())) }
                }
                @for note in &turn.notes { p.agenda-note { (note) } }
            }
        }
    }
}

fn beside(scene: Scene<'_>, asked: Asked<'_>, around: &Around) -> Markup {
    html! {
        div.grid.cal-beside {
            section.panel aria-label="On call now" {
                h2 { (icon("clock")) "Now" }
                @match &around.duty {
                    Some(duty) => ul.duties { (now_line(scene, duty)) },
                    None => p.quiet-line { "Nobody." },
                }
                p.link-row {
                    a href="/oncall" { "All schedules" }
                    a href={ "/fairness?schedule=" (asked.schedule.id) } { "Fairness" }
                    a href={ "/oncall/" (asked.schedule.id) "/preview" } { "What if" }
                }
            }
            (coverage(scene, &around.findings))
            (feed(scene, &around.feed, &format!("/oncall/{}/feed", asked.schedule.id), "this schedule"))
        }
    }
}

/// What will go wrong in the next days.
pub(in super::super) fn coverage(scene: Scene<'_>, findings: &[Finding]) -> Markup {
    let name = |id: &str| scene.directory.person_name(id);
    html! {
        section.panel aria-label="Coverage" {
            h2 { (icon("siren")) "Next 30 days" }
            @if findings.is_empty() { p.quiet-line { "Somebody who can be woken is on call at every instant." } }
            ul.findings {
                @for f in findings.iter().take(12) {
                    @if let Some(schedule) = scene.directory.schedules.get(&f.schedule) {
                        li { a href={ "/oncall/" (f.schedule) "?view=week&on=" (plan::date(f.since, scene.viewer.zone)) } { (f.words(schedule, &name)) } }
                    }
                }
            }
            @if findings.len() > 12 { p.hint { "and " (findings.len() - 12) " more; `firebell doctor` lists them." } }
        }
    }
}

/// A calendar to subscribe to, and the way to another address.
pub(in super::super) fn feed(scene: Scene<'_>, address: &str, rotate: &str, what: &str) -> Markup {
    html! {
        section.panel aria-label="Calendar to subscribe to" {
            h2 { (icon("mail")) "Calendar to subscribe to" }
            p.hint { "Give this address to your calendar program. Whoever has it reads " (what) ", and needs no password." }
            input.feed readonly value=(address) aria-label="Address of the calendar";
            form.actions method="post" action=(rotate) {
                (hidden(scene))
                button.button disabled[scene.viewer.acting != Acting::Yes] { "New address" }
                p.quiet-line { "The old one then stops working." }
            }
        }
    }
}
