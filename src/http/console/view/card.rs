//! An incident's card, and the strip at the top of its room: drawn from state, with its buttons.

use super::Scene;
use super::parts::{age, hidden, severity, status, when};
use crate::chat::button::word;
use crate::chat::{Button, Card, Press, Style};
use crate::core::id::IncidentId;
use crate::core::time::{Time, human_ms};
use crate::http::console::viewer::Acting;
use maud::{Markup, html};

/// A card with the instants the console shows as a running clock.
#[derive(Clone, Debug)]
pub(in super::super) struct CardView {
    pub(in super::super) card: Card,
    /// Begin of the earliest alert, or the opening.
    pub(in super::super) began_at: Time,
    /// When it was resolved.
    pub(in super::super) resolved_at: Option<Time>,
    /// A silence covers a part of it, in one sentence.
    pub(in super::super) partly: Option<String>,
}

/// The whole card; also a fragment, `live` with its incident.
pub(in super::super) fn card(scene: Scene<'_>, view: &CardView) -> Markup {
    let card = &view.card;
    let id = card.incident.0;
    html! {
        article.card data-status=(card.status) data-sev=(card.severity_index.min(super::scale::LEVELS - 1)) data-item
            data-live={ "incident:" (id) } data-src={ "/fragments/card/" (id) } aria-label={ "Incident " (card.incident) } {
            div.card-top {
                (severity(&card.severity, card.severity_index)) (status(&card.status))
                (clock(scene, view))
                a.no href={ "/incidents/" (id) } { (card.incident) }
            }
            h3 { a href={ "/incidents/" (id) } data-open { (card.title) } }
            @if !card.facts.is_empty() {
                dl.facts { @for fact in &card.facts { (self::fact(scene, view, fact)) } }
            }
            @if !card.lines.is_empty() {
                ul.latest { @for line in card.lines.iter().take(3) { li { (line) } } }
            }
            @if let Some(partly) = &view.partly { p.notice { (partly) } }
            (buttons(scene, view))
        }
    }
}

/// How long it has been going on, counting; or how long it took.
fn clock(scene: Scene<'_>, view: &CardView) -> Markup {
    html! {
        span.clock {
            @match view.resolved_at {
                Some(end) => { "took " (human_ms(end.since_ms(view.began_at))) }
                None => (age(scene, view.began_at)),
            }
        }
    }
}

/// The begin is shown by the viewer's clock, everything else as the card says it.
fn fact(scene: Scene<'_>, view: &CardView, (label, value): &(String, String)) -> Markup {
    html! {
        div { dt { (label) } dd { @if label == "since" { (when(scene, view.began_at)) } @else { (value) } } }
    }
}

/// Facts short enough, and needed enough, to stand above a room.
const STRIP_FACTS: [&str; 2] = ["who has it", "next"];

/// A few words for the top of a room: where it stands and the one thing to press.
pub(in super::super) fn strip(scene: Scene<'_>, view: &CardView) -> Markup {
    let card = &view.card;
    let id = card.incident.0;
    let main = card.buttons.iter().find(|b| b.style == Style::Primary);
    html! {
        div.strip data-status=(card.status) data-live={ "incident:" (id) } data-src={ "/fragments/strip/" (id) } {
            (severity(&card.severity, card.severity_index)) (status(&card.status)) (clock(scene, view))
            span.grow.strip-facts {
                @for (label, value) in card.facts.iter().filter(|f| STRIP_FACTS.contains(&f.0.as_str())) { span { b { (label) } " " (value) } }
            }
            @if let Some(button) = main { (one(scene, card, button)) }
        }
    }
}

/// Buttons shown beside the primary one before the rest folds away.
const SHOWN: usize = 2;

fn buttons(scene: Scene<'_>, view: &CardView) -> Markup {
    let card = &view.card;
    let (main, rest): (Vec<&Button>, Vec<&Button>) =
        card.buttons.iter().partition(|b| b.style == Style::Primary);
    let fold = rest.len() > SHOWN + 1;
    let (near, far) = rest.split_at(if fold { SHOWN } else { rest.len() });
    html! {
        @if !card.buttons.is_empty() {
            div.actions {
                @for b in &main { (one(scene, card, b)) }
                @for b in near { (one(scene, card, b)) }
                @if !far.is_empty() {
                    details.more data-keep={ "more-" (card.incident.0) } {
                        summary.button { "More…" }
                        div.more-actions { @for b in far { (one(scene, card, b)) } }
                    }
                }
            }
        }
    }
}

fn one(scene: Scene<'_>, card: &Card, button: &Button) -> Markup {
    let class = match button.style {
        Style::Primary => "button primary",
        Style::Plain => "button",
        Style::Danger => "button danger",
    };
    let home = format!("/incidents/{}", card.incident.0);
    html! {
        @match &button.press {
            Press::AskRun { action } => a class=(class) href={ (home) "/run/" (action) } { (button.label) },
            Press::Postmortem => a class=(class) href={ (home) "/postmortem" } { (button.label) },
            Press::DryRun { action } if asks(scene, action) => a class=(class) href={ (home) "/run/" (action) "?dry=yes" } { (button.label) },
            Press::Settle { run, .. } => a class=(class) href={ (home) "#run-" (run.0) } { (button.label) },
            Press::Silence => a class=(class) href={ (home) "/silence" } { (button.label) },
            Press::Ask { verb } => a class=(class) href={ (home) "#" (verb) } { (button.label) },
            Press::Update => a class=(class) href={ (home) "/update" } { (button.label) },
            Press::Note => a class=(class) href={ (home) "#note" } { (button.label) },
            press => (press_form(scene, card.incident, card.seq, press, &button.label, class)),
        }
    }
}

/// Whether somebody has to fill something in for an action.
fn asks(scene: Scene<'_>, action: &str) -> bool {
    let found = scene.directory.actions.get(action);
    found.is_some_and(|a| a.args.iter().any(|arg| arg.from_label.is_none()))
}

/// A button that is its own form.
pub(in super::super) fn press_form(
    scene: Scene<'_>,
    incident: IncidentId,
    seq: u32,
    press: &Press,
    label: &str,
    class: &str,
) -> Markup {
    html! {
        form.press method="post" action="/press" {
            (hidden(scene))
            input type="hidden" name="incident" value=(incident.0);
            input type="hidden" name="as_of" value=(seq);
            button class=(class) name="press" value=(word(press)) disabled[scene.viewer.acting == Acting::ReadOnly] { (label) }
        }
    }
}
