//! A run of a runbook action: what exactly was asked for, where it stands, what it writes; and the
//! two steps that lead to it, typed arguments and the confirmation.

use super::card::press_form;
use super::parts::{age, hidden, icon, when};
use super::{Scene, frame};
use crate::chat::{Button, Press};
use crate::core::action::{Plan, allowed, shown};
use crate::core::alert::Labels;
use crate::core::directory::{Action, ActionClass, Arg, ArgKind, Directory};
use crate::core::id::{IncidentId, RunId, Seq};
use crate::core::incident::{Incident, Outcome, Run, RunState};
use crate::core::text::percent;
use crate::core::time::Time;
use crate::core::timeline;
use crate::core::verdict;
use crate::http::console::viewer::Acting;
use crate::store::{ArtifactRow, RunRow};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// A run with its output.
#[derive(Clone, Debug)]
pub(in super::super) struct RunView {
    pub(in super::super) incident: IncidentId,
    /// State of the incident it was drawn at.
    pub(in super::super) seq: Seq,
    pub(in super::super) id: RunId,
    pub(in super::super) run: Run,
    /// Its program, once started.
    pub(in super::super) row: Option<RunRow>,
    /// The files it left.
    pub(in super::super) files: Vec<ArtifactRow>,
    /// What it still needs, in words; empty: nothing.
    pub(in super::super) wants: String,
    /// The newest run that looked how it went, with what that wrote.
    pub(in super::super) check: Option<(RunId, Run, Option<RunRow>)>,
}

impl RunView {
    /// The runs of an incident, newest first.
    pub(in super::super) fn all(
        incident: &Incident,
        rows: &[RunRow],
        files: &[ArtifactRow],
        directory: &Directory,
        now: Time,
    ) -> Vec<RunView> {
        let view = |id: &RunId| RunView::one(incident, *id, rows, files, directory, now);
        incident.runs.keys().rev().filter_map(view).collect()
    }

    /// One of them; `rows` may hold others.
    pub(in super::super) fn one(
        incident: &Incident,
        id: RunId,
        rows: &[RunRow],
        files: &[ArtifactRow],
        directory: &Directory,
        now: Time,
    ) -> Option<RunView> {
        let run = incident.runs.get(&id)?;
        let row = |id: RunId| rows.iter().find(|r| r.id == id).cloned();
        let check = incident.check_of(id);
        Some(RunView {
            incident: incident.id,
            seq: incident.seq,
            id,
            run: Run::clone(run),
            row: row(id),
            files: files.iter().filter(|f| f.run == id).cloned().collect(),
            wants: verdict::wanting(incident, run, directory, now),
            check: check.map(|(id, run)| (id, run.clone(), row(id))),
        })
    }
}

/// One run; also a fragment.
pub(in super::super) fn run(scene: Scene<'_>, view: &RunView) -> Markup {
    let (word, mark) = standing(&view.run.state);
    html! {
        article.run id={ "run-" (view.id.0) } data-state=(mark) data-live={ "run:" (view.id.0) " incident:" (view.incident.0) } data-src={ "/fragments/run/" (view.incident.0) "/" (view.id.0) } {
            div.run-top {
                (icon("play")) strong { (view.run.title) } span.no { (view.id) }
                span.run-state { @if mark == "running" { span.spinner {} } (word) }
            }
            pre.argv { code { (shown(&view.run.argv)) } }
            @if view.run.terms.dry { p.run-by { "Only its dry run: it looks and changes nothing." } }
            @if let Some(checked) = view.run.terms.checks { p.run-by { "Looks how " (checked) " went." } }
            p.run-by { "asked by " (view.run.by.name()) (approvals(&view.run)) }
            (terms(&view.run))
            @if let Some(row) = &view.row { (output(scene, row)) }
            @if matches!(view.run.state, RunState::Asked { .. }) { (decision(scene, view)) }
            @if !view.files.is_empty() { (left(view)) }
            (under_way(scene, view))
        }
    }
}

fn standing(state: &RunState) -> (String, &'static str) {
    match state {
        RunState::Asked { .. } => ("waits".to_owned(), "asked"),
        RunState::Armed { .. } => ("starts by itself".to_owned(), "asked"),
        RunState::Queued { .. } => ("waits for its turn".to_owned(), "asked"),
        RunState::Released => ("starting".to_owned(), "running"),
        RunState::Running => ("running".to_owned(), "running"),
        RunState::Ended(outcome) => (
            timeline::outcome(outcome),
            match outcome {
                Outcome::Succeeded { .. } | Outcome::Reported { good: true, .. } => "good",
                Outcome::NotStarted { .. } => "none",
                Outcome::Unknown { .. } => "unknown",
                _ => "bad",
            },
        ),
    }
}

fn approvals(run: &Run) -> String {
    let names: Vec<&str> = run
        .approved
        .iter()
        .map(crate::core::id::Actor::name)
        .collect();
    let agreed = if run.needs == 0 {
        "confirmed"
    } else {
        "approved"
    };
    if names.is_empty() {
        String::new()
    } else {
        format!(", {agreed} by {}", crate::core::text::list(&names))
    }
}

/// What was agreed on beside the argv, and what the rules said.
fn terms(run: &Run) -> Markup {
    let terms = &run.terms;
    html! {
        @if terms.break_glass { p.said.no role="alert" { "The glass was broken: this passes over its approval." } }
        @if let (Some(class), Some(risk)) = (terms.class, terms.risk) {
            p.run-by {
                (class.word()) ", " (risk.word()) " risk, on " (terms.target)
                @match &terms.environment { Some(e) => { ", in " strong { (e) } } None => ", no environment named" }
            }
        }
        @if let Some(why) = &terms.reason { p.run-by { "Why: “" (why) "”" } }
        @if run.unrehearsed() { p.quiet-line { "Its only-look mode runs first; it can be approved when that is over." } }
        @if let Some((how, tail)) = &run.rehearsed {
            p.run-by { "Rehearsed in its only-look mode: " (timeline::outcome(how)) }
            @if !tail.is_empty() { pre.output tabindex="0" aria-label="What the rehearsal wrote" { (tail) } }
        }
        @if !terms.verdict.is_empty() {
            details data-keep={ "verdict-" (run.asked_seq) } {
                summary { "What the rules said" }
                ul.plain { @for line in &terms.verdict { li.hint { (line) } } }
            }
        }
    }
}

fn output(scene: Scene<'_>, row: &RunRow) -> Markup {
    html! {
        @if row.output.is_empty() {
            p.quiet-line { @if row.ended_at.is_some() { "It wrote nothing." } @else { "No output yet." } }
        } @else {
            pre.output tabindex="0" aria-label="Output" data-tail[row.ended_at.is_none()] { (row.output) }
        }
        p.run-by {
            "started " (when(scene, row.started_at))
            @match row.ended_at {
                Some(end) => { ", took " (took(end.since_ms(row.started_at))) }
                None => { ", for " (age(scene, row.started_at)) }
            }
        }
    }
}

fn took(ms: i64) -> String {
    if ms < 1000 {
        "less than a second".to_owned()
    } else {
        crate::core::time::human_ms(ms)
    }
}

fn left(view: &RunView) -> Markup {
    let home = format!("/incidents/{}/runs/{}/files/", view.incident.0, view.id.0);
    html! {
        p.run-by {
            "it left "
            @for (n, file) in view.files.iter().enumerate() {
                @if n > 0 { ", " }
                a href={ (home) (file.n) } download=(file.name) { (file.name) }
                " (" (file.bytes) " bytes)"
            }
        }
    }
}

/// Stopping it while it runs; marking it when nobody knows how it went.
fn under_way(scene: Scene<'_>, view: &RunView) -> Markup {
    let buttons = crate::chat::card::run_buttons(view.id, &view.run, scene.directory);
    let unknown = matches!(view.run.state, RunState::Ended(Outcome::Unknown { .. }));
    html! {
        @if let Some((by, good)) = &view.run.settled {
            p.quiet-line { (by.name()) " looked: it " @if *good { "worked" } @else { "did not work" } "." }
        }
        @if unknown && !buttons.is_empty() { (settle(scene, view, &buttons)) }
        @else if !buttons.is_empty() {
            div.actions {
                @for b in &buttons { (press_form(scene, view.incident, view.seq, &b.press, &b.label, "button")) }
            }
        }
    }
}

/// Nobody knows how it went: a way to look, what that saw, and the form that marks it with a note.
fn settle(scene: Scene<'_>, view: &RunView, buttons: &[Button]) -> Markup {
    let id = format!("how-{}", view.id.0);
    let off = scene.viewer.acting != Acting::Yes;
    let look = buttons
        .iter()
        .find(|b| matches!(b.press, Press::Check { .. }));
    html! {
        p.said.no role="alert" { "It may or may not have run. Look at the target, then mark it." }
        @if let Some(button) = look {
            div.actions { (press_form(scene, view.incident, view.seq, &button.press, &button.label, "button primary")) }
        }
        @if let Some((check, run, row)) = &view.check { (looked(scene, *check, run, row.as_ref())) }
        form.sheet.settle method="post" action={ "/incidents/" (view.incident.0) "/runs/" (view.id.0) "/settle" } {
            (hidden(scene))
            div.field {
                label for=(id) { "How do you know?" }
                textarea #(id) name="note" rows="2" maxlength="3000" data-typed disabled[off] {}
                p.hint { "For the timeline and the postmortem. Its keys are free from then on." }
            }
            div.actions {
                button.button name="how" value="worked" disabled[off] { "It worked" }
                button.button.danger name="how" value="failed" disabled[off] { "It did not work" }
            }
        }
    }
}

/// What a check saw.
fn looked(scene: Scene<'_>, id: RunId, run: &Run, row: Option<&RunRow>) -> Markup {
    let (word, _) = standing(&run.state);
    html! {
        p.run-by { (id) " “" (run.title) "”, asked by " (run.by.name()) ", looked: " (word) }
        @match row {
            Some(row) => (output(scene, row)),
            None => p.quiet-line { "It has not written anything yet." },
        }
    }
}

fn decision(scene: Scene<'_>, view: &RunView) -> Markup {
    let own = view.run.by.person() == Some(scene.viewer.id.as_str());
    let yes = if view.run.needs == 0 {
        "Run it"
    } else {
        "Approve"
    };
    let no = if own { "Withdraw" } else { "Reject" };
    let approve = Press::Approve {
        run: view.id,
        seen: view.run.terms.subject.clone(),
    };
    let others = view.run.terms.four_eyes || view.run.terms.required.is_empty();
    html! {
        @if !view.wants.is_empty() { p.run-by { "needs " strong { (view.wants) } } }
        div.actions {
            @if view.run.unrehearsed() {
            } @else if own && view.run.needs > 0 && others {
                p.quiet-line { "Waits for somebody else to approve." }
            } @else {
                (press_form(scene, view.incident, view.seq, &approve, yes, "button primary"))
            }
            (press_form(scene, view.incident, view.seq, &Press::Reject { run: view.id }, no, "button"))
        }
    }
}

/// First step: the typed arguments. `why` is what was wrong with the last try.
pub(in super::super) fn form(
    scene: Scene<'_>,
    incident: &Incident,
    action: &Action,
    (given, dry): (&BTreeMap<String, String>, bool),
    why: &str,
) -> Markup {
    let home = format!("/incidents/{}/run/{}", incident.id.0, action.id);
    let (method, to) = if dry {
        ("post", home)
    } else {
        ("get", format!("{home}/confirm"))
    };
    html! {
        (frame::head(&action.title, &html! { (class(action)) }))
        (frame::incident_link(incident.id, incident.status.word(), &incident.title))
        p.about { (action.about) }
        @if dry { p.about { "Its dry run only: it starts when you press, looks, and changes nothing." } }
        @if !why.is_empty() { div.said.no role="alert" { (why) } }
        form.sheet method=(method) action=(to) {
            @if dry { (hidden(scene)) input type="hidden" name="dry" value="yes"; }
            @if action.args.is_empty() { p.quiet-line { "It takes no arguments." } }
            @let labels = incident.labels();
            @for arg in &action.args { (field(arg, given, &labels)) }
            div.actions {
                button.button.primary disabled[scene.viewer.acting != Acting::Yes] {
                    @if dry { "Dry run" } @else { "Show me exactly what runs" }
                }
                a.button href={ "/incidents/" (incident.id.0) } { "Back" }
            }
        }
    }
}

fn class(action: &Action) -> Markup {
    html! {
        @match action.class {
            ActionClass::Diagnostic => span.pill { "changes nothing" },
            ActionClass::Remediation => span.pill.warn { "changes something" },
        }
    }
}

fn field(arg: &Arg, given: &BTreeMap<String, String>, labels: &Labels) -> Markup {
    let id = format!("arg-{}", arg.name);
    let name = format!("arg.{}", arg.name);
    let value = given
        .get(&arg.name)
        .or(arg.default.as_ref())
        .map_or("", String::as_str);
    html! {
        div.field {
            label for=(id) { (arg.name) }
            @if let Some(label) = &arg.from_label {
                @match crate::core::action::value(arg, &BTreeMap::new(), labels) {
                    Ok(fixed) => output #(id) { code { (fixed) } span.hint { "from the label " (label) } },
                    Err(why) => p.said.no role="alert" { (why) },
                }
            } @else {
                @match &arg.kind {
                    ArgKind::Enum(_) | ArgKind::Ref { .. } | ArgKind::Bool => select #(id) name=(name) {
                        @for v in arg.kind.choices().unwrap_or_default() { option value=(v) selected[v == value] { (v) } }
                    },
                    ArgKind::Duration { .. } => input #(id) name=(name) type="text" maxlength="20" value=(value) required autocomplete="off";,
                    ArgKind::Int { min, max } => input #(id) name=(name) type="number" min=(min) max=(max) step="1" value=(value) required;,
                    ArgKind::Text { max_len, .. } => input #(id) name=(name) type="text" maxlength=(max_len) value=(value) required autocomplete="off" spellcheck="false";,
                }
            }
            p.hint { (arg.help) @if !arg.help.is_empty() { " · " } (allowed(arg)) }
        }
    }
}

/// Second step: the exact program, to be confirmed.
pub(in super::super) fn confirm(
    scene: Scene<'_>,
    incident: &Incident,
    action: &Action,
    given: &BTreeMap<String, String>,
    plan: &Plan,
) -> Markup {
    let environment = incident.environment();
    let subject = plan.subject(action, incident.id, environment);
    let home = format!("/incidents/{}/run/{}", incident.id.0, action.id);
    let typed: Vec<String> = given
        .iter()
        .map(|(k, v)| format!("arg.{}={}", percent(k), percent(v)))
        .collect();
    let back = format!("{home}?{}", typed.join("&"));
    html! {
        (frame::head(&format!("Run “{}”?", action.title), &class(action)))
        (frame::incident_link(incident.id, incident.status.word(), &incident.title))
        div.sheet {
            p { "Exactly this starts, without a shell (" (plan.target) "):" }
            pre.argv.large { code { (shown(&plan.argv)) } }
            p.run-by {
                (action.class.word()) ", " (action.risk.word()) " risk"
                @match environment { Some(e) => { ", in " strong { (e) } } None => ", no environment named" }
            }
            p.hint { (consequences(action)) }
            @if !plan.dry_run.is_empty() {
                p.hint { "Its dry run is exactly this, starts at once and needs nobody's approval:" }
                pre.argv { code { (shown(&plan.dry_run)) } }
            }
            form.actions method="post" action=(home) {
                (hidden(scene))
                @for (k, v) in given { input type="hidden" name={ "arg." (k) } value=(v); }
                input type="hidden" name="subject" value=(subject);
                @if let Some(glass) = action.approval.break_glass.as_ref().filter(|_| action.approvals() > 0) {
                    div.field {
                        label for="glass" { "Emergency: run without approval" }
                        input #glass name="break-glass" type="text" maxlength="500" autocomplete="off";
                        p.hint { "Leave it empty to ask for approval. Else say why; for " (glass.roles.join(" or ")) ", and everybody is told." }
                    }
                }
                button.button.primary.danger[action.class == ActionClass::Remediation] disabled[scene.viewer.acting != Acting::Yes] {
                    @if action.approvals() == 0 { "Run it now" } @else { "Ask for approval" }
                }
                @if !plan.dry_run.is_empty() {
                    button.button name="dry" value="yes" disabled[scene.viewer.acting != Acting::Yes] { "Dry run" }
                }
                a.button href=(back) { "Change" }
                a.button href={ "/incidents/" (incident.id.0) } { "Cancel" }
            }
        }
    }
}

fn consequences(action: &Action) -> String {
    let limit = crate::core::time::human_ms(action.limits.timeout_ms);
    let approvals = match action.approvals() {
        0 => "Your confirmation is enough.".to_owned(),
        _ => format!(
            "{} must follow.",
            verdict::needs_words(&action.approval.required, action.approval.four_eyes)
        ),
    };
    format!("It is stopped after {limit}. {approvals} Its output and outcome go onto the timeline.")
}
