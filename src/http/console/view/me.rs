//! A person's own page.

use super::calendar::feed;
use super::parts::{icon, when};
use super::person::contact;
use super::{Scene, frame};
use crate::core::incident::headline;
use crate::core::schedule::{Stint, spoken};
use crate::core::text::count;
use crate::core::time::{Time, human_ms};
use crate::http::console::viewer::{Acting, READ_ONLY};
use crate::store::PagedRow;
use maud::{Markup, html};

/// What the page shows.
#[derive(Clone, Debug)]
pub(in super::super) struct Mine {
    /// Shifts that run and are to come.
    pub(in super::super) shifts: Vec<Stint>,
    /// Shifts that are over, oldest first.
    pub(in super::super) past: Vec<Stint>,
    /// Pages that arrived, newest first.
    pub(in super::super) pages: Vec<PagedRow>,
    /// Secret address of the feed.
    pub(in super::super) feed: String,
}

/// For somebody who has not said who they are.
pub(in super::super) fn nobody(scene: Scene<'_>) -> Markup {
    html! {
        (frame::head("My shifts", &html! {}))
        @if scene.viewer.acting == Acting::ReadOnly {
            p.empty { (READ_ONLY) }
        } @else {
            p.empty { a.button.primary href="/people?next=/me" { "Say who you are" } }
        }
    }
}

/// The page.
pub(in super::super) fn me(scene: Scene<'_>, mine: &Mine) -> Markup {
    html! {
        (frame::head("My shifts", &html! { span.hint { "times in " (scene.viewer.zone.name()) } }))
        div.columns {
            div.column {
                section.panel aria-label="To come" {
                    h2 { (icon("clock")) "The next 60 days" }
                    @if mine.shifts.is_empty() { p.quiet-line { "You have no shift." } }
                    ol.shifts { @for s in &mine.shifts { (shift(scene, s, None)) } }
                }
                section.panel aria-label="Paged" {
                    h2 { (icon("bell")) "The last 60 days" span.hint { (count(mine.pages.len(), "page")) } }
                    @if mine.past.is_empty() { p.quiet-line { "No shift of yours has ended." } }
                    ol.shifts {
                        @for s in mine.past.iter().rev().filter(|s| !s.shadow) { (shift(scene, s, Some(&mine.pages))) }
                    }
                    (other_pages(scene, mine))
                }
            }
            div.column {
                (contacts(scene))
                (feed(scene, &mine.feed, "/me/feed", "your shifts"))
            }
        }
    }
}

fn shift(scene: Scene<'_>, stint: &Stint, pages: Option<&Vec<PagedRow>>) -> Markup {
    let schedule = scene.directory.schedules.get(&stint.schedule);
    let name = schedule.map_or(stint.schedule.as_str(), |s| &s.name);
    let now = stint.since <= scene.now && scene.now < stint.until;
    let day = super::calendar::plan::date(stint.since.max(Time(0)), scene.viewer.zone);
    let within: Vec<&PagedRow> = pages
        .into_iter()
        .flatten()
        .filter(|p| in_it(stint, p))
        .collect();
    html! {
        li data-now[now] {
            p {
                a href={ "/oncall/" (stint.schedule) "?view=week&on=" (day) } { strong { (name) } }
                @if now { " " span.pill.good { "now" } }
                @if stint.shadow { " " span.pill { "shadow" } }
            }
            p { (begin(scene, stint)) " to " (spoken(stint.until, scene.viewer.zone)) @if let Some(long) = length(stint) { span.hint { " · " (long) } } }
            @if let Some(s) = schedule.filter(|s| stint.why.is_empty() && s.zone != scene.viewer.zone && stint.until < Time::FAR) {
                p.hint { "hands over at " (s.local(stint.until)) }
            }
            @if !stint.why.is_empty() { p.hint { (stint.why) } }
            @if !within.is_empty() { ul.plain.paged { @for p in within { (page(scene, p)) } } }
        }
    }
}

fn begin(scene: Scene<'_>, stint: &Stint) -> String {
    if stint.since.0 == i64::MIN {
        "always".to_owned()
    } else {
        spoken(stint.since, scene.viewer.zone)
    }
}

fn length(stint: &Stint) -> Option<String> {
    let known = stint.since.0 > i64::MIN && stint.until < Time::FAR;
    known.then(|| human_ms(stint.until.since_ms(stint.since)))
}

fn in_it(stint: &Stint, page: &PagedRow) -> bool {
    !stint.shadow && stint.since <= page.at && page.at < stint.until
}

fn page(scene: Scene<'_>, page: &PagedRow) -> Markup {
    html! {
        li { (when(scene, page.at)) " " a href={ "/incidents/" (page.incident.0) } { (page.incident) " " (headline(&page.title, page.drill)) } }
    }
}

/// Pages outside of every shift that is over: of the one that runs, by name, as the last resort.
fn other_pages(scene: Scene<'_>, mine: &Mine) -> Markup {
    let of_a_shift = |p: &&PagedRow| !mine.past.iter().any(|s| in_it(s, p));
    let others: Vec<&PagedRow> = mine.pages.iter().filter(of_a_shift).collect();
    html! {
        @if !others.is_empty() {
            h3 { "In the shift that runs, or outside of one" }
            ul.plain.paged { @for p in others { (page(scene, p)) } }
        }
    }
}

/// Addresses are in files and may hold secrets; here stands only how somebody is reached.
fn contacts(scene: Scene<'_>) -> Markup {
    html! {
        @if let Some(person) = scene.directory.people.get(&scene.viewer.id) {
            section.panel aria-label="Contacts" {
                h2 { (icon("people")) "How I am woken" }
                @if person.contacts.is_empty() { p.agenda-note { "You have no contact: nobody can wake you. Add one to people/" (person.id) ".toml." } }
                ul.ledger { @for c in &person.contacts { (contact(scene, person, &c.name, c.kind.word())) } }
                p.link-row { a href={ "/people/" (person.id) } { "Contacts, nights and tries" } }
                p.hint { "Your clock: " (person.zone.name()) ". Changes are made in " code { "people/" (person.id) ".toml" } "." }
            }
        }
    }
}
