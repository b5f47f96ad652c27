//! Leading an incident: who has which role, who is here, checklists, tasks, the newest report, and the
//! forms for all of it. Made to be used on a phone in the night: what is pressed is large and says what
//! it does, what is written is one form away.

use super::Scene;
use super::parts::{face, hidden, outside, safe, when, words};
use crate::chat::words::doing;
use crate::core::directory::{COMMANDER, IncidentRole};
use crate::core::id::{Actor, IncidentId};
use crate::core::incident::{Check, CheckedList, Incident, Part, Report, Task, parts};
use crate::core::text::count;
use crate::http::console::viewer::Acting;
use crate::store::ExportRow;
use maud::{Markup, html};

/// Characters of a report's part and of a decision; what the core takes.
const TEXT: &str = "1000";

/// Where tasks can be sent, and what was sent there.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Trackers {
    /// By their names in the files; none while the incident is private.
    pub(in super::super) names: Vec<String>,
    /// What became of it.
    pub(in super::super) sent: Vec<ExportRow>,
}

/// The panel that changes with the incident: everything to look at, and what one press does.
pub(in super::super) fn panel(
    scene: Scene<'_>,
    incident: &Incident,
    trackers: &Trackers,
) -> Markup {
    let id = incident.id;
    html! {
        section.panel.command id="command" aria-label="Command" {
            h2 { "Command" }
            @if incident.is_open() {
                p.jumps {
                    // A field inside of a fold: going there opens it.
                    a.button href="#conditions" { "Report" } a.button href="#task-text" { "Task" }
                    a.button href="#decided" { "Decision" } a.button href="#role-role" { "Roles" }
                }
            }
            (roles(scene, incident))
            @if let Some(report) = &incident.conduct.report { (self::report(scene, report)) }
            @for list in &incident.conduct.checklists { (checklist(scene, id, list)) }
            (tasks(scene, incident, trackers))
            (responders(scene, incident))
        }
    }
}

/// A message of a room: the same, without what is only of use on the incident's page.
pub(in super::super) fn board(scene: Scene<'_>, incident: &Incident) -> Markup {
    let id = incident.id;
    html! {
        section.panel.command.board aria-label={ "Command of " (id) } {
            h3 { a href={ "/incidents/" (id.0) "#command" } { "Command of " (id) } }
            (roles(scene, incident))
            @if let Some(report) = &incident.conduct.report { (self::report(scene, report)) }
            @for list in &incident.conduct.checklists { (checklist(scene, id, list)) }
            (tasks(scene, incident, &Trackers::default()))
        }
    }
}

/// A button that is its own form.
fn press(
    scene: Scene<'_>,
    id: IncidentId,
    fields: &[(&str, &str)],
    label: &str,
    class: &str,
) -> Markup {
    html! {
        form.press method="post" action={ "/incidents/" (id.0) "/command" } {
            (hidden(scene))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class=(class) disabled[scene.viewer.acting == Acting::ReadOnly] { (label) }
        }
    }
}

fn is_me(scene: Scene<'_>, who: &Actor) -> bool {
    who.person().is_some_and(|id| id == scene.viewer.id)
}

fn roles(scene: Scene<'_>, incident: &Incident) -> Markup {
    let shown = scene.directory.conduct.roles.iter().filter(|r| {
        incident.is_open()
            || !incident.holders(&r.id).is_empty()
            || incident.conduct.needed.contains_key(&r.id)
    });
    html! {
        ul.roles { @for r in shown { (role(scene, incident, r)) } }
    }
}

fn role(scene: Scene<'_>, incident: &Incident, role: &IncidentRole) -> Markup {
    let (id, holders) = (incident.id, incident.holders(&role.id));
    let mine = holders.iter().any(|h| is_me(scene, h));
    let asked = incident.conduct.offers.get(&role.id);
    let asked_me = asked.is_some_and(|a| is_me(scene, a));
    let vacant = holders.is_empty() && incident.conduct.needed.contains_key(&role.id);
    html! {
        li data-vacant[vacant] {
            div.grow {
                strong title=(role.about) { @if !role.emoji.is_empty() { (role.emoji) " " } (role.name) ":" }
                " "
                @if holders.is_empty() { span.hint { @if vacant { "nobody yet: somebody has to" } @else { "nobody" } } }
                @else { (names(&holders)) }
                @if let Some(asked) = asked { span.hint { " · asked " (asked.name()) } }
                @if mine && !role.steps.is_empty() {
                    details data-keep={ "steps-" (role.id) } {
                        summary { "What to do" }
                        @if !role.about.is_empty() { p { (role.about) } }
                        ol.steps { @for step in &role.steps { li { (step) } } }
                    }
                }
            }
            @if incident.is_open() {
                div.act {
                    @if asked_me {
                        (press(scene, id, &[("verb", "role"), ("role", &role.id), ("who", "accept")], "Accept", "button primary"))
                        (press(scene, id, &[("verb", "role"), ("role", &role.id), ("who", "decline")], "Decline", "button"))
                    } @else if mine {
                        (press(scene, id, &[("verb", "role"), ("role", &role.id), ("who", "nobody")], "Let go", "button"))
                    } @else {
                        (press(scene, id, &[("verb", "role"), ("role", &role.id), ("who", "me")], "Take it", "button"))
                    }
                    @if vacant {
                        (press(scene, id, &[("verb", "role"), ("role", &role.id), ("who", "skip")], "Not needed", "button"))
                    }
                }
            }
        }
    }
}

fn names(people: &[&Actor]) -> Markup {
    html! {
        @for (n, who) in people.iter().enumerate() {
            @if n > 0 { ", " }
            (who.name())
        }
    }
}

fn report(scene: Scene<'_>, report: &Report) -> Markup {
    let or = |text: &str| {
        if text.is_empty() {
            "nothing".to_owned()
        } else {
            text.to_owned()
        }
    };
    html! {
        div.can {
            h3 { "Report by " (report.by.name()) " " (when(scene, report.at)) }
            dl.facts {
                div { dt { "Conditions" } dd { (words(&report.conditions)) } }
                div { dt { "Actions" } dd { (words(&or(&report.actions))) } }
                div { dt { "Needs" } dd { (words(&or(&report.needs))) } }
            }
        }
    }
}

fn checklist(scene: Scene<'_>, id: IncidentId, list: &CheckedList) -> Markup {
    let done = list.items.iter().filter(|c| c.done.is_some()).count();
    html! {
        h3 { (list.title) " " span.hint { (done) " of " (list.items.len()) } }
        ul.checks { @for c in &list.items { (check(scene, id, c)) } }
    }
}

fn check(scene: Scene<'_>, id: IncidentId, check: &Check) -> Markup {
    let item = &check.item;
    let number = item.item.to_string();
    let late = check.done.is_none() && item.due.is_some_and(|at| at <= scene.now);
    let verb = if check.done.is_some() {
        "untick"
    } else {
        "tick"
    };
    let label = if check.done.is_some() { "☑" } else { "☐" };
    html! {
        li data-done[check.done.is_some()] {
            form.press method="post" action={ "/incidents/" (id.0) "/command" } {
                (hidden(scene))
                input type="hidden" name="verb" value=(verb);
                input type="hidden" name="line" value=(number);
                button.button.tick aria-label={ (verb) " " (number) ": " (item.text) } disabled[scene.viewer.acting == Acting::ReadOnly] { (label) }
            }
            div.grow {
                span.no { (number) } " " (words(&item.text))
                p.hint {
                    @if let Some((who, at)) = &check.done { (who.name()) " " (when(scene, *at)) " " }
                    @else {
                        @if item.role.is_some() { span { (item.role_name) } " " }
                        @if let Some(due) = item.due { span.late[late] { @if late { "overdue since " } @else { "by " } (when(scene, due)) } " " }
                        @if let Some(action) = &item.action { a href={ "/incidents/" (id.0) "/run/" (action) } { "Run " (action) } " " }
                    }
                    @if safe(&item.link) { (outside(&item.link, "Read on")) }
                }
            }
        }
    }
}

fn tasks(scene: Scene<'_>, incident: &Incident, trackers: &Trackers) -> Markup {
    let all = &incident.conduct.tasks;
    let (open, done): (Vec<&Task>, Vec<&Task>) = all.values().partition(|t| t.done_at.is_none());
    html! {
        @if !all.is_empty() {
            h3 { "Tasks " span.hint { (open.len()) " open" } }
            ul.checks { @for t in &open { (task(scene, incident.id, t, trackers)) } }
            @if !done.is_empty() {
                details data-keep="tasks-done" {
                    summary { (count(done.len(), "task")) " done" }
                    ul.checks { @for t in &done { (task(scene, incident.id, t, trackers)) } }
                }
            }
        }
    }
}

fn task(scene: Scene<'_>, id: IncidentId, task: &Task, trackers: &Trackers) -> Markup {
    let number = task.task.to_string();
    let what = format!("item:{number}");
    let sent = |name: &str| {
        let mut all = trackers.sent.iter();
        all.find(|e| e.what == what && e.target == name)
    };
    let done = task.done_at.is_some();
    let late = !done && task.due.is_some_and(|at| at <= scene.now);
    let mine = task.owner.as_ref().is_some_and(|o| is_me(scene, o));
    let verb = if done { "undone" } else { "done" };
    html! {
        li data-done[done] {
            form.press method="post" action={ "/incidents/" (id.0) "/command" } {
                (hidden(scene))
                input type="hidden" name="verb" value=(verb);
                input type="hidden" name="task" value=(number);
                button.button.tick aria-label={ (verb) " " (number) ": " (task.text) } disabled[scene.viewer.acting == Acting::ReadOnly] { @if done { "☑" } @else { "☐" } }
            }
            div.grow {
                span.no { (number) } " " (words(&task.text))
                p.hint {
                    @match &task.owner { Some(owner) => { (owner.name()) } None => { "nobody yet" } }
                    @if let Some(due) = task.due { ", " span.late[late] { @if late { "was due " } @else { "due " } (when(scene, due)) } }
                    @if task.follow_up { ", after the incident" }
                    @for e in trackers.sent.iter().filter(|e| e.what == what) {
                        " · " (e.target) ": "
                        @if safe(&e.url) { (outside(&e.url, "issue")) } @else { (e.state) }
                        @if !e.error.is_empty() { ", " (e.error) }
                    }
                }
            }
            @if !done {
                // A failure never blocks anything: it stands here, is tried again, and can be once it was given up.
                @for name in trackers.names.iter().filter(|n| sent(n).is_none_or(|e| e.state == "failed")) {
                    form.press method="post" action={ "/incidents/" (id.0) "/postmortem/change" } {
                        (hidden(scene))
                        input type="hidden" name="act" value="export";
                        input type="hidden" name="back" value="incident";
                        input type="hidden" name="target" value=(name);
                        input type="hidden" name="what" value=(what);
                        button.button disabled[scene.viewer.acting != Acting::Yes] { "To " (name) }
                    }
                }
            }
            @if !done && !mine {
                div.act { (press(scene, id, &[("verb", "give"), ("task", &number)], "Mine", "button")) }
            }
        }
    }
}

fn responders(scene: Scene<'_>, incident: &Incident) -> Markup {
    let all = parts(incident, scene.directory);
    let (here, others): (Vec<&Part>, Vec<&Part>) = all.iter().partition(|p| p.is_responding());
    let joined = here.iter().any(|p| is_me(scene, &p.who));
    let id = incident.id;
    html! {
        h3 { "Responders " span.hint { (here.len()) } }
        @if here.is_empty() { p.quiet-line { "Nobody responds yet." } }
        ul.people { @for p in &here { (part(scene, incident, p)) } }
        @if !others.is_empty() {
            details data-keep="others" {
                summary { "Also paged or in the room: " (others.len()) }
                ul.people { @for p in &others { (part(scene, incident, p)) } }
            }
        }
        @if incident.is_open() {
            div.act {
                @if !joined { (press(scene, id, &[("verb", "join")], "Join", "button")) }
                @else { a.button href="#leave-to" { "Leave…" } }
            }
        }
    }
}

fn part(scene: Scene<'_>, incident: &Incident, p: &Part) -> Markup {
    html! {
        li {
            (face(p.who.person().unwrap_or_default(), p.who.name()))
            div.grow { strong { (p.who.name()) } p.hint { (doing(p, incident, scene.directory, Some(scene.viewer.zone)).join(", ")) } }
        }
    }
}

/// What is written: outside of the part that changes by itself, so that no word is lost.
pub(in super::super) fn forms(scene: Scene<'_>, incident: &Incident) -> Markup {
    let id = incident.id;
    html! {
        section.panel.command-forms aria-label="Lead it" {
            h2 { "Lead it" }
            @if incident.is_open() { (can_form(scene, incident)) }
            (task_form(scene, incident))
            (decision_form(scene, id))
            @if incident.is_open() { (role_form(scene, id)) (leave_form(scene, id)) }
        }
    }
}

fn open(scene: Scene<'_>, verb: &str) -> Markup {
    html! { (hidden(scene)) input type="hidden" name="verb" value=(verb); }
}

fn send(scene: Scene<'_>, label: &str) -> Markup {
    html! { div.actions { button.button.primary disabled[scene.viewer.acting != Acting::Yes] { (label) } } }
}

fn can_form(scene: Scene<'_>, incident: &Incident) -> Markup {
    let id = incident.id;
    html! {
        details #can data-keep="can" {
            summary { "Report: conditions, actions, needs" }
            form.sheet method="post" action={ "/incidents/" (id.0) "/command" } {
                (open(scene, "can"))
                div.field { label for="conditions" { "Conditions: what is seen" } textarea #conditions name="conditions" rows="2" maxlength=(TEXT) required {} }
                div.field { label for="actions" { "Actions: what is being done" } textarea #actions name="actions" rows="2" maxlength=(TEXT) {} }
                div.field { label for="needs" { "Needs: what is missing" } textarea #needs name="needs" rows="2" maxlength=(TEXT) {} }
                (send(scene, "Post the report"))
            }
        }
    }
}

fn task_form(scene: Scene<'_>, incident: &Incident) -> Markup {
    let id = incident.id;
    html! {
        details #task data-keep="task" {
            summary { @if incident.is_open() { "Task or follow-up" } @else { "Follow-up" } }
            form.sheet method="post" action={ "/incidents/" (id.0) "/command" } {
                (hidden(scene))
                div.field { label for="task-text" { "What is to be done?" } input #task-text name="text" maxlength="500" required autocomplete="off"; }
                div.field {
                    label for="task-owner" { "Whose is it?" }
                    select #task-owner name="owner" { option value="" { "Nobody yet" } (people(scene)) }
                }
                div.field {
                    label for="task-due" { "By when?" }
                    input #task-due name="due" placeholder="30m, 16:00, fri, 2026-12-24" autocomplete="off";
                    p.hint { "In your zone, " (scene.viewer.zone.name()) ". Whose it is is told then." }
                }
                div.actions {
                    @let off = scene.viewer.acting != Acting::Yes;
                    @if incident.is_open() { button.button.primary name="verb" value="task" disabled[off] { "Add the task" } }
                    button.button name="verb" value="followup" disabled[off] { "Add as a follow-up" }
                }
            }
        }
    }
}

fn decision_form(scene: Scene<'_>, id: IncidentId) -> Markup {
    html! {
        details #decision data-keep="decision" {
            summary { "Decision" }
            form.sheet method="post" action={ "/incidents/" (id.0) "/command" } {
                (open(scene, "decision"))
                div.field { label for="decided" { "What was decided, and why?" } textarea #decided name="text" rows="2" maxlength="3000" required {} }
                div.field {
                    label for="decided-at" { "When (empty: now)" }
                    input #decided-at name="at" placeholder="14:03" autocomplete="off";
                    p.hint { "In your zone, " (scene.viewer.zone.name()) "; or 2026-11-22 14:03." }
                }
                (send(scene, "Write it down"))
            }
        }
    }
}

fn role_form(scene: Scene<'_>, id: IncidentId) -> Markup {
    html! {
        details #role data-keep="role" {
            summary { "Give a role to somebody" }
            form.sheet method="post" action={ "/incidents/" (id.0) "/command" } {
                (open(scene, "role"))
                div.field {
                    label for="role-role" { "Which role?" }
                    select #role-role name="role" required {
                        @for r in &scene.directory.conduct.roles { option value=(r.id) selected[r.id == COMMANDER] { (r.name) } }
                    }
                }
                div.field {
                    label for="role-who" { "Who is to have it?" }
                    select #role-who name="who" required { option value="" { "Choose" } (people(scene)) }
                    p.hint { "They are told, and so is whoever had it." }
                }
                div.field { label.check { input type="checkbox" name="how" value="ask"; " Ask them first" } }
                (send(scene, "Give it to them"))
            }
        }
    }
}

fn leave_form(scene: Scene<'_>, id: IncidentId) -> Markup {
    html! {
        details #leave data-keep="leave" {
            summary { "Leave, and hand over what you have" }
            form.sheet method="post" action={ "/incidents/" (id.0) "/command" } {
                (open(scene, "leave"))
                div.field {
                    label for="leave-to" { "Who goes on with your roles and tasks?" }
                    select #leave-to name="to" { option value="" { "Nobody: they are free" } (people(scene)) }
                    p.hint { "If you have the incident, whoever you name is paged until they acknowledge." }
                }
                (send(scene, "Leave"))
            }
        }
    }
}

fn people(scene: Scene<'_>) -> Markup {
    html! {
        @if scene.directory.people.contains_key(&scene.viewer.id) { option value="me" { "Me" } }
        @for p in scene.directory.people.values() { option value=(p.id) { (p.name) } }
    }
}
