//! The people of the directory; in demo mode, the page to say which of them you are.

use super::parts::{face, hidden};
use super::{Scene, frame};
use crate::core::directory::Person;
use crate::core::schedule::clock;
use crate::http::console::viewer::Acting;
use maud::{Markup, html};

/// The page of people. `next` is where the choice leads back to.
pub(in super::super) fn people(scene: Scene<'_>, next: &str) -> Markup {
    let pick = scene.viewer.acting != Acting::ReadOnly;
    html! {
        (frame::head(if pick { "Who are you?" } else { "People" }, &html! {}))
        @if pick {
            p.about { "This is a demo: pick anybody and act as them. Signing in comes in a later version." }
        }
        @if scene.directory.people.is_empty() { p.empty { "Nobody is in the directory. Add a file to people/." } }
        form method="post" action="/people" {
            (hidden(scene))
            input type="hidden" name="next" value=(next);
            ul.grid.people { @for p in scene.directory.people.values() { (person(scene, p, pick)) } }
        }
    }
}

fn person(scene: Scene<'_>, person: &Person, pick: bool) -> Markup {
    let teams: Vec<&str> = scene
        .directory
        .teams
        .values()
        .filter(|t| t.members.contains(&person.id))
        .map(|t| t.name.as_str())
        .collect();
    let duties: Vec<&str> = scene
        .directory
        .schedules
        .values()
        .filter(|s| s.on_call(scene.now).people.contains(&person.id))
        .map(|s| s.name.as_str())
        .collect();
    let inside = html! {
        (face(&person.id, &person.name))
        span.grow {
            strong { (person.name) }
            span.hint { (teams.join(", ")) @if !teams.is_empty() { " · " } (clock(scene.now, person.zone)) " in " (person.zone.name()) }
            @if !person.roles.is_empty() { span.hint { (person.roles.join(", ")) } }
            @if !duties.is_empty() { span.pill.good { "on call: " (duties.join(", ")) } }
        }
    };
    html! {
        li data-item {
            @if pick {
                button.person name="person" value=(person.id) aria-pressed=(if scene.viewer.id == person.id { "true" } else { "false" }) { (inside) }
            } @else {
                div.person { (inside) }
            }
            a.hint href={ "/people/" (person.id) } { "Contacts and nights" }
        }
    }
}
