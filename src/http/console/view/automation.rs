//! Automation: the switch, what is about to start, what has earned more, and the evidence.

use super::parts::{hidden, icon, when};
use super::{Scene, frame};
use crate::core::automation::eligible;
use crate::core::brakes::{Off, Switches};
use crate::core::directory::Action;
use crate::core::id::{IncidentId, RunId};
use crate::core::incident::Incident;
use crate::core::learn::{Evidence, Lesson, Pattern, Proposal, Ran, SOON_MS};
use crate::core::text::count;
use crate::core::text::percent;
use crate::core::time::{Time, human_ms};
use crate::http::console::viewer::Acting;
use crate::store::SwitchedRow;
use maud::{Markup, html};
use std::sync::Arc;

/// What is known of an action on a pattern.
#[derive(Clone, Debug)]
pub(in super::super) struct Worked {
    pub(in super::super) action: String,
    pub(in super::super) pattern: Pattern,
    pub(in super::super) evidence: Evidence,
}

/// The page of automation.
pub(in super::super) struct AutomationView {
    /// What starts by itself soon, the next first.
    pub(in super::super) armed: Vec<(Time, Arc<Incident>, RunId)>,
    /// Actions whose files want more than a suggestion, or that are off.
    pub(in super::super) actions: Vec<Arc<Action>>,
    pub(in super::super) proposals: Vec<Proposal>,
    /// Newest first.
    pub(in super::super) log: Vec<SwitchedRow>,
    /// By pattern.
    pub(in super::super) known: Vec<(Pattern, Vec<Worked>)>,
}

/// The incidents behind a sentence.
pub(in super::super) struct EvidenceView {
    pub(in super::super) worked: Worked,
    /// Newest first.
    pub(in super::super) lessons: Vec<Arc<Lesson>>,
}

/// The page.
pub(in super::super) fn automation(scene: Scene<'_>, view: &AutomationView) -> Markup {
    let off = scene.directory.switches.all_off();
    html! {
        (frame::head("Automation", &html! { span.pill.(if off.is_some() { "failed" } else { "done" }) { (if off.is_some() { "off" } else { "on" }) } }))
        p.about { "What firebell starts by itself, only where a file asks for it and a rule lets it. Turning it off stops it for everybody at once, and is said in every channel." }
        div.column {
        (switch(scene, off))
        section.panel aria-label="About to start" {
            h2 { "About to start" }
            @if view.armed.is_empty() { p.quiet-line { "Nothing starts by itself soon." } }
            ul.ledger { @for (start, incident, run) in &view.armed {
                li { span.pill.sending { "armed" } div.grow {
                    a href={ "/incidents/" (incident.id.0) } { (incident.id) " " (incident.title) }
                    " · " (incident.runs.get(run).map_or("", |r| r.title.as_str())) " (" (run) ")"
                } (when(scene, *start)) }
            } }
        }
        (actions(scene, &view.actions))
        (proposals(&view.proposals))
        (known(&view.known))
        section.panel aria-label="Log" {
            h2 { "Who turned what off and on" }
            @if view.log.is_empty() { p.quiet-line { "Nobody has, so far." } }
            ul.ledger { @for row in &view.log { (logged(scene, row)) } }
        }
        }
    }
}

fn switch(scene: Scene<'_>, off: Option<&Off>) -> Markup {
    let may = scene.viewer.acting == Acting::Yes;
    html! {
        section.panel aria-label="Switch" {
            @match off {
                None => {
                    h2 { "It is on" }
                    form.sheet method="post" action="/automation" {
                        (hidden(scene))
                        input type="hidden" name="on" value="off";
                        div.field {
                            label for="why" { "Why off?" }
                            input #why name="why" maxlength="300" placeholder="It makes things worse" autocomplete="off";
                        }
                        div.actions { button.button.danger disabled[!may] { "Turn everything off" } }
                    }
                },
                Some(off) => {
                    h2 { "It is off" }
                    p { "Automation is " (off.words(scene.directory.zone)) "." }
                    form method="post" action="/automation" {
                        (hidden(scene))
                        input type="hidden" name="on" value="on";
                        button.button.primary disabled[!may] { "Turn it on again" }
                    }
                }
            }
        }
    }
}

fn actions(scene: Scene<'_>, actions: &[Arc<Action>]) -> Markup {
    html! {
        section.panel aria-label="Actions" {
            h2 { "Actions that ask for more than a suggestion" }
            @if actions.is_empty() { p.quiet-line { "None: every action waits for somebody to press its button." } }
            ul.ledger { @for action in actions { (one(scene, action)) } }
        }
    }
}

fn one(scene: Scene<'_>, action: &Action) -> Markup {
    let off = scene.directory.switches.own_off(&action.id);
    let failures = scene.directory.switches.failures(&action.id);
    html! {
        li data-state=(if off.is_some() { "failed" } else { "done" }) {
            span.pill.(if off.is_some() { "failed" } else { "done" }) { (if off.is_some() { "off" } else { action.auto.level.word() }) }
            div.grow {
                strong { (action.title) } " · " code { (action.id) }
                @if let Some(off) = off { p.hint { "It is " (off.words(scene.directory.zone)) "." } }
                @else if failures > 0 { p.hint { (count(failures as usize, "failure")) " in a row so far." } }
                @if let Err(why) = eligible(action) { p.hint { "It stays a suggestion: " (why) "." } }
            }
            form method="post" action="/automation" {
                (hidden(scene))
                input type="hidden" name="on" value=(if off.is_some() { "on" } else { "off" });
                input type="hidden" name="action" value=(action.id);
                button.button disabled[scene.viewer.acting != Acting::Yes] { @if off.is_some() { "Turn on again" } @else { "Turn off" } }
            }
        }
    }
}

fn proposals(proposals: &[Proposal]) -> Markup {
    html! {
        @if !proposals.is_empty() {
            section.panel aria-label="Proposals" {
                h2 { "What has earned the next level" }
                p.hint { "firebell never promotes by itself. Who wants it writes it into the files:" }
                @for p in proposals {
                    p { (spoken(&p.words())) " " (incidents(&p.incidents)) }
                    pre.argv { code { (p.snippet()) } }
                }
            }
        }
    }
}

fn known(known: &[(Pattern, Vec<Worked>)]) -> Markup {
    html! {
        section.panel aria-label="What worked before" {
            h2 { "What worked before" }
            @if known.is_empty() { p.quiet-line { "No action has run in an incident that is over. What worked shows here after the first." } }
            @for (pattern, worked) in known {
                h3 { (pattern.words()) }
                ul.plain { @for w in worked { li { (sentence(w)) } } }
            }
        }
    }
}

/// The sentence with the way to what it rests on; also on an incident's page.
pub(in super::super) fn sentence(worked: &Worked) -> Markup {
    let Worked {
        action,
        pattern,
        evidence,
    } = worked;
    let to = format!(
        "/learn?action={}&pattern={}",
        percent(action),
        percent(&pattern.key())
    );
    html! {
        (spoken(&evidence.words(action))) " "
        @if evidence.remediates { span.hint { "At least " (in_percent(evidence.bound)) " of the time, as far as so few cases tell. " } }
        a href=(to) { "Evidence" }
    }
}

/// What worked before on incidents like this one.
pub(in super::super) fn panel(worked: &[Worked]) -> Markup {
    html! {
        @if !worked.is_empty() {
            section.panel aria-label="What worked before" {
                h2 { "What worked before" }
                ul.plain { @for w in worked { li { (sentence(w)) } } }
            }
        }
    }
}

/// Names between backticks, set as code.
fn spoken(text: &str) -> Markup {
    html! { @for (n, part) in text.split('`').enumerate() { @if n % 2 == 1 { code { (part) } } @else { (part) } } }
}

fn in_percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).floor())
}

fn incidents(ids: &[IncidentId]) -> Markup {
    html! { @for id in ids { a href={ "/incidents/" (id.0) } { (id) } " " } }
}

fn logged(scene: Scene<'_>, row: &SwitchedRow) -> Markup {
    let all = row.name == Switches::name(None);
    let on = row.switch.off.is_none();
    html! {
        li data-state=(if on { "done" } else { "failed" }) {
            span.pill.(if on { "done" } else { "failed" }) { (if on { "on" } else { "off" }) }
            div.grow {
                strong { @if all { "Everything" } @else { (row.name.trim_start_matches("action:")) } } " by " (row.by)
                @if let Some(off) = &row.switch.off { @if !off.why.is_empty() { p.hint { (off.why) } } }
            }
            (when(scene, row.at))
        }
    }
}

/// The incidents behind a sentence: what ran in each, and whether it cleared.
pub(in super::super) fn evidence(scene: Scene<'_>, view: &EvidenceView) -> Markup {
    let w = &view.worked;
    let e = &w.evidence;
    html! {
        (frame::head(&w.action, &html! { a.button href="/automation" { (icon("list")) "All that is known" } }))
        p.about { (spoken(&e.words(&w.action))) }
        div.column {
        section.panel aria-label="How it is counted" {
            h2 { "How it is counted" }
            ul.plain {
                li { "Incidents like this: " strong { (w.pattern.words()) } ", the last " (e.like.len()) " that are over. Merged and silenced ones and drills do not count." }
                li { "Recovered: the run did what it should while alerts fired, and every alert cleared within " (human_ms(SOON_MS)) " of its start; " (e.later.len()) " within 15 minutes." }
                @if e.failed > 0 { li { (count(e.failed, "run")) " did not do what it should." } }
                @if e.remediates {
                    li { "It was usually started " (human_ms(e.delay_ms)) " after the opening. Of the incidents that were left alone and still fired then, " (e.alone_soon) " of " (e.alone) " cleared within the same time." }
                    li { "With so few cases the share is at least " (in_percent(e.bound)) " (Wilson's lower bound, 95 %). That number decides the order of buttons." }
                }
            }
        }
        section.panel aria-label="Incidents" {
            h2 { "Incidents" }
            ul.ledger { @for lesson in &view.lessons { (one_lesson(scene, lesson, &w.action)) } }
        }
        }
    }
}

fn one_lesson(scene: Scene<'_>, lesson: &Lesson, action: &str) -> Markup {
    let runs: Vec<&Ran> = lesson.runs.iter().filter(|r| r.action == action).collect();
    let soon = runs
        .iter()
        .any(|r| r.worked == Some(true) && r.firing && lesson.cleared_within(r.started, SOON_MS));
    let (word, state) = match (runs.is_empty(), soon) {
        (true, _) => ("did not run", "withdrawn"),
        (false, true) => ("recovered", "done"),
        (false, false) => ("did not recover", "failed"),
    };
    html! {
        li data-state=(state) {
            span.pill.(state) { (word) }
            div.grow {
                a href={ "/incidents/" (lesson.incident.0) } { (lesson.incident) " " (lesson.title) }
                @for r in &runs { p.hint { (r.run) ", " (human_ms(r.started.since_ms(lesson.opened_at))) " after the opening: " (match r.worked { Some(true) => "it worked", Some(false) => "it failed", None => "nobody knows how it went" }) @if r.auto { ", by itself" } } }
                @if let Some(at) = lesson.cleared.first() { p.hint { "every alert had cleared after " (human_ms(at.since_ms(lesson.opened_at))) } }
                @else { p.hint { "its alerts never cleared before it was resolved" } }
            }
            (when(scene, lesson.opened_at))
        }
    }
}

/// A line above every page while nothing starts by itself.
pub(in super::super) fn banner(scene: Scene<'_>) -> Markup {
    html! {
        @if let Some(off) = scene.directory.switches.all_off() {
            p.notice role="status" { (icon("lock")) "Automation is " (off.words(scene.directory.zone)) ". " a href="/automation" { "Look" } }
        }
    }
}
