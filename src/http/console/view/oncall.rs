//! Who is on call now, until when, and who is next.

use super::calendar::coverage;
use super::parts::{face, short, when};
use super::{Scene, frame};
use crate::core::directory::{Policy, Target};
use crate::core::hours::minute_words;
use crate::core::schedule::{Finding, Turn};
use crate::core::text::list;
use crate::core::time::{Time, human_ms};
use chrono_tz::Tz;
use maud::{Markup, html};

/// A schedule as it is now.
#[derive(Clone, Debug)]
pub(in super::super) struct Duty {
    /// Id of the schedule.
    pub(in super::super) id: String,
    /// Display name of the schedule.
    pub(in super::super) name: String,
    /// Zone of its hand-offs.
    pub(in super::super) zone: Tz,
    /// The turn now.
    pub(in super::super) now: Turn,
    /// The turns after it.
    pub(in super::super) next: Vec<Turn>,
}

fn names(scene: Scene<'_>, turn: &Turn) -> String {
    let names: Vec<String> = turn
        .people
        .iter()
        .map(|p| scene.directory.person_name(p))
        .collect();
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        list(&names)
    }
}

/// One schedule as a line.
pub(in super::super) fn now_line(scene: Scene<'_>, duty: &Duty) -> Markup {
    let who = names(scene, &duty.now);
    html! {
        li.duty data-empty[duty.now.people.is_empty()] {
            (face(duty.now.people.first().map_or("", String::as_str), &who))
            div.grow { strong { (who) } div.hint { (duty.name) } }
            span.hint { "until " (until(scene, duty.now.until)) }
        }
    }
}

fn until(scene: Scene<'_>, at: Time) -> Markup {
    html! { @if at == Time::FAR { "further notice" } @else { (when(scene, at)) } }
}

/// The page of schedules and policies.
pub(in super::super) fn oncall(scene: Scene<'_>, duties: &[Duty], findings: &[Finding]) -> Markup {
    html! {
        (frame::head("On call", &html! {
            span.hint { "times in " (scene.viewer.zone.name()) }
            a.button href="/fairness" { "Fairness" }
        }))
        @if duties.is_empty() { p.empty { "No schedule is configured. Add a file to schedules/." } }
        ul.grid {
            @for d in duties {
                li.panel data-item {
                    h2 { a href={ "/oncall/" (d.id) } data-open { (d.name) } }
                    ul.duties { (now_line(scene, d)) }
                    (reasons(scene, &d.now))
                    h3 { "Next" }
                    ol.turns {
                        @for t in &d.next { li { (when(scene, t.since)) " " strong { (names(scene, t)) } } }
                        @if d.next.is_empty() { li { "No further hand-off." } }
                    }
                    p.link-row {
                        a href={ "/oncall/" (d.id) "?view=week" } { "Week" }
                        a href={ "/oncall/" (d.id) "?view=month" } { "Month" }
                        a href={ "/fairness?schedule=" (d.id) } { "Fairness" }
                    }
                    p.hint { "Hand-offs follow the clock in " (d.zone.name()) ", where it is " (short(scene.now, d.zone, scene.now)) "." }
                }
            }
        }
        div.oncall-coverage { (coverage(scene, findings)) }
        h2.section { "Escalation policies" }
        ul.grid { @for p in scene.directory.policies.values() { (policy(scene, p)) } }
    }
}

/// Why, who shadows, and what is wrong.
fn reasons(scene: Scene<'_>, turn: &Turn) -> Markup {
    let name = |id: &String| scene.directory.person_name(id);
    html! {
        @for why in &turn.why { p.hint { (why) } }
        @if !turn.shadows.is_empty() { p.hint { "Shadow, never paged: " (list(&turn.shadows.iter().map(name).collect::<Vec<_>>())) } }
        @for note in &turn.notes { p.agenda-note { (note) } }
    }
}

fn policy(scene: Scene<'_>, policy: &Policy) -> Markup {
    html! {
        li.panel data-item {
            h2 { (policy.id) }
            ol.ladder {
                @for rung in &policy.rungs {
                    li {
                        (list(&rung.targets.iter().map(|t| target(scene, t)).collect::<Vec<_>>()))
                        span.hint { " then after " (human_ms(i64::try_from(rung.wait_secs).unwrap_or(i64::MAX / 1000).saturating_mul(1000))) }
                    }
                }
                li { "everybody of last resort: " (list(&scene.directory.catch_all.iter().map(|t| target(scene, t)).collect::<Vec<_>>())) }
            }
            @if let Some(minute) = policy.rest_until { p.hint { "Whoever was paged in the night is spared what is not urgent until " (minute_words(minute)) "." } }
            @if policy.repeat > 0 { p.hint { "The ladder is climbed " (policy.repeat + 1) " times." } }
        }
    }
}

fn target(scene: Scene<'_>, target: &Target) -> String {
    let directory = scene.directory;
    match target {
        Target::Person(id) => directory.person_name(id),
        Target::Schedule(id) => match directory.schedules.get(id) {
            Some(s) => {
                let who: Vec<String> = s
                    .on_call(scene.now)
                    .people
                    .iter()
                    .map(|p| directory.person_name(p))
                    .collect();
                format!(
                    "{} ({} now)",
                    s.name,
                    if who.is_empty() {
                        "nobody".to_owned()
                    } else {
                        list(&who)
                    }
                )
            }
            None => id.clone(),
        },
        Target::Team(id) => format!("team {}", directory.teams.get(id).map_or(id, |t| &t.name)),
        Target::RoundRobin(_) | Target::Channel(_) | Target::Webhook(_) => target.words(),
    }
}
