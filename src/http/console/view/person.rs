//! The page of one person.

use super::parts::when;
use super::{Scene, frame};
use crate::core::directory::{Person, Urgency};
use crate::core::hours::{Night, day_words, minute_words};
use crate::core::text::{count, list};
use crate::core::time::human_ms;
use crate::store::AttemptRow;
use maud::{Markup, html};

/// What is shown of a person.
#[derive(Clone, Debug)]
pub(in super::super) struct PersonView {
    pub(in super::super) person: Person,
    /// Newest first.
    pub(in super::super) attempts: Vec<AttemptRow>,
    /// Latest first.
    pub(in super::super) nights: Vec<Night>,
}

/// How they are woken, whether it works, and how they slept.
pub(in super::super) fn person(scene: Scene<'_>, view: &PersonView) -> Markup {
    let person = &view.person;
    html! {
        (frame::head(&person.name, &html! {}))
        section.panel aria-label="Contacts" {
            h2 { "Contacts" }
            @if person.contacts.is_empty() { p.notice { "There are none, so nobody can be woken here. Add contacts to people/" (person.id) ".toml." } }
            ul.ledger { @for c in &person.contacts { (contact(scene, person, &c.name, c.kind.word())) } }
            @for urgency in [Urgency::High, Urgency::Low] { p.hint { (rule(person, urgency)) } }
            @if let Some(words) = quiet(person) { p.hint { (words) } }
        }
        section.panel aria-label="Nights" {
            h2 { "Nights, in the last two weeks" }
            @if view.nights.is_empty() { p.quiet-line { "No page left between 22:00 and 07:00, " (person.zone.name()) "." } }
            ul.ledger { @for night in &view.nights { (woken(scene, night)) } }
        }
        section.panel aria-label="Tries" {
            h2 { "Tries to reach them" }
            @if view.attempts.is_empty() { p.quiet-line { "None yet. `page me` sends a test page through every contact." } }
            ul.ledger { @for a in &view.attempts { (attempt(scene, a, true)) } }
        }
    }
}

pub(super) fn contact(scene: Scene<'_>, person: &Person, name: &str, kind: &str) -> Markup {
    let unverified = scene.directory.is_unverified(&person.id, name);
    html! {
        li data-state=(if unverified { "failed" } else { "done" }) {
            span.pill.(if unverified { "failed" } else { "done" }) { (if unverified { "not verified" } else { "ready" }) }
            div.grow {
                strong { (name) } " · " (kind)
                @if unverified { p.hint { "Used only while no other contact is verified. They write: verify " (name) } }
            }
        }
    }
}

fn rule(person: &Person, urgency: Urgency) -> String {
    let word = urgency.word();
    let Some(rule) = person.waking.rules.iter().find(|r| r.urgency == urgency) else {
        return format!("For {word} urgency: every contact at once.");
    };
    let steps = rule.steps.iter().map(|s| {
        let by = list(&s.contacts);
        match i64::try_from(s.after_secs) {
            Ok(0) => format!("{by} at once"),
            Ok(secs) => format!("{by} after {}", human_ms(secs.saturating_mul(1000))),
            Err(_) => by,
        }
    });
    let steps: Vec<String> = steps.collect();
    format!("For {word} urgency: {}.", steps.join(", then "))
}

fn quiet(person: &Person) -> Option<String> {
    let quiet = person.waking.quiet.as_ref()?;
    let days = if quiet.days.iter().any(|d| *d) {
        format!(" and all of {}", day_words(&quiet.days))
    } else {
        String::new()
    };
    Some(format!(
        "Low urgency waits from {} to {}{days}, and is told at {} ({}).",
        minute_words(quiet.from),
        minute_words(quiet.to),
        minute_words(quiet.digest),
        person.zone.name()
    ))
}

fn woken(scene: Scene<'_>, night: &Night) -> Markup {
    html! {
        li data-state="failed" {
            span.pill.failed { "woken" }
            div.grow {
                strong { "The night to " (night.morning.format("%a %-d %b")) }
                " · " (count(night.pages as usize, "page"))
            }
            (when(scene, night.last))
        }
    }
}

/// One line of the ledger.
pub(in super::super) fn attempt(scene: Scene<'_>, a: &AttemptRow, with_incident: bool) -> Markup {
    let pill = match a.state.as_str() {
        "failed" | "undelivered" => "failed",
        "ringing" => "sending",
        "cancelled" => "withdrawn",
        _ => "done",
    };
    html! {
        li data-state=(pill) {
            span.pill.(pill) { (a.state) }
            div.grow {
                strong { (scene.directory.person_name(&a.person)) " by " (a.contact) }
                " · " (a.kind) @if a.provider != a.kind { " through " (a.provider) }
                ", " (a.latency_ms) " ms"
                @if a.pages > 1 { " · " (a.pages) " pages in one" }
                @if a.purpose != "page" { " · " (a.purpose) }
                @if with_incident { @if let Some(id) = a.incident { " · " a href={ "/incidents/" (id.0) } { (id) } } }
                @if !a.status.is_empty() { p.hint { "the provider says: " (a.status) } }
                @if !a.error.is_empty() { p.hint { (a.error) } }
            }
            (when(scene, a.at))
        }
    }
}
