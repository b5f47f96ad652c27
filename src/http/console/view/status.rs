//! What others are told, as pages: how everything is, the form of an update, and what everybody would read.

use super::parts::{hidden, icon, plain, severity, when};
use super::{Scene, frame};
use crate::core::board::{Condition, Part};
use crate::core::id::IncidentId;
use crate::core::incident::{Affected, Audience, Incident, Update, headline};
use crate::core::subscribe::{FILE, Subscriber, Topics, Via};
use crate::core::text::count;
use crate::http::console::viewer::Acting;
use crate::store::{BulletinRow, SubscriberRow, UpdateRow};
use maud::{Markup, html};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Updates of one incident that are shown at once.
const TOLD: usize = 3;

/// Everything the page shows.
pub(in super::super) struct StatusView {
    /// Every component, and every service on no page.
    pub(in super::super) parts: Vec<Part>,
    /// What was told of what is open, the newest first.
    pub(in super::super) updates: BTreeMap<IncidentId, Vec<UpdateRow>>,
    pub(in super::super) open: Vec<Arc<Incident>>,
    /// Of the files.
    pub(in super::super) files: Vec<Arc<Subscriber>>,
    /// Who asked.
    pub(in super::super) asked: Vec<SubscriberRow>,
    /// What became of the newest tellings.
    pub(in super::super) tellings: Vec<(String, BulletinRow)>,
    /// There is a public page.
    pub(in super::super) served: bool,
}

/// What the form of an update shows.
pub(in super::super) struct UpdateView {
    pub(in super::super) incident: Arc<Incident>,
    /// What everybody would read, and its components.
    pub(in super::super) waiting: Option<(String, Vec<Affected>)>,
    /// What became of the updates so far.
    pub(in super::super) tellings: Vec<(String, BulletinRow)>,
}

/// What somebody typed; shown again when something was wrong with it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(in super::super) struct UpdateForm {
    pub(in super::super) text: String,
    pub(in super::super) status: String,
    pub(in super::super) audience: String,
    pub(in super::super) title: String,
    pub(in super::super) next: String,
    pub(in super::super) click: String,
}

/// Who is to be told of what.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(in super::super) struct SubscribeForm {
    /// `mail` or `channel`.
    pub(in super::super) kind: String,
    pub(in super::super) address: String,
    pub(in super::super) service: String,
    pub(in super::super) component: String,
    pub(in super::super) severity: String,
}

/// The page.
pub(in super::super) fn status(scene: Scene<'_>, view: &StatusView) -> Markup {
    let page = scene.directory.page.as_ref().filter(|_| view.served);
    html! {
        (frame::head("Status", &html! { span.hint { (count(view.open.len(), "open incident")) } }))
        p.about {
            "How everything is for people inside, and what those who wait are told. "
            @if let Some(page) = page { "Everybody reads " a href=(page.url) { (page.title) } "." }
        }
        (parts(view))
        h2.section { "What is open" }
        @if view.open.is_empty() { p.empty { (icon("check")) "Nothing is open." } }
        ul.plain { @for incident in &view.open { (standing(scene, incident, view.updates.get(&incident.id).map_or(&[], Vec::as_slice))) } }
        section.panel aria-labelledby="who-head" {
            h2 #who-head { "Who is told" }
            (subscribers(scene, view))
            (subscribe(scene))
        }
        section.panel aria-labelledby="told-head" {
            h2 #told-head { "What became of it" }
            (tellings(scene, &view.tellings))
        }
    }
}

/// How each component and service is. What is as it should be and on no page takes one line.
fn parts(view: &StatusView) -> Markup {
    let worst = view.parts.iter().map(|p| p.condition).max();
    let (public, own): (Vec<&Part>, Vec<&Part>) =
        view.parts.iter().partition(|p| p.everybody.is_some());
    let (fine, bad): (Vec<&Part>, Vec<&Part>) =
        (own.into_iter()).partition(|p| p.condition == Condition::Operational);
    let mut groups: Vec<(&str, Vec<&Part>)> = Vec::new();
    for part in public {
        match groups.iter_mut().find(|(g, _)| *g == part.group) {
            Some((_, parts)) => parts.push(part),
            None => groups.push((&part.group, vec![part])),
        }
    }
    html! {
        section.panel.health aria-labelledby="how-head" {
            h2 #how-head { "How it is" @if let Some(worst) = worst { (condition(worst)) } }
            @if view.parts.is_empty() { p.hint { "There is no service and no component in the files." } }
            @for (group, parts) in &groups {
                @if !group.is_empty() { h3 { (plain(group)) } }
                ul.plain { @for p in parts { (part(p)) } }
            }
            @if !bad.is_empty() || !fine.is_empty() {
                @if !groups.is_empty() { h3 { "On no page" } }
                @if !bad.is_empty() { ul.plain { @for p in bad { (part(p)) } } }
                @if !fine.is_empty() {
                    p.fine { (condition(Condition::Operational)) " "
                        @for (n, p) in fine.iter().enumerate() { @if n > 0 { ", " } a href={ "/services#" (p.id) } { (plain(&p.name)) } }
                    }
                }
            }
        }
    }
}

fn condition(condition: Condition) -> Markup {
    html! { span.condition data-condition=(condition.word()) { (condition.words()) } }
}

fn part(p: &Part) -> Markup {
    html! {
        li data-part=(p.id) {
            div.part {
                strong.grow { (plain(&p.name)) }
                (condition(p.condition))
            }
            @if !p.about.is_empty() { p.hint { (plain(&p.about)) } }
            p.part-facts {
                @if !p.fed_by.is_empty() { span { "fed by " (plain(&crate::core::text::list(&p.fed_by))) } }
                @if !p.because.is_empty() { span { "because of " @for (n, id) in p.because.iter().enumerate() { @if n > 0 { ", " } a href={ "/incidents/" (id.0) } { (id) } } } }
                @for words in &p.maintenance { span { (plain(words)) } }
                @if let Some(read) = p.everybody { span data-differs[p.differs()] { "everybody reads “" (read.words()) "”" } }
            }
        }
    }
}

fn standing(scene: Scene<'_>, i: &Incident, updates: &[UpdateRow]) -> Markup {
    let told = &i.told;
    let name = scene.directory.severity_name(i.severity);
    // One that was removed for good, or that only gave another status, says nothing here.
    let words: Vec<(&UpdateRow, &Update)> = (updates.iter())
        .filter_map(|r| Some((r, r.update.as_ref()?)))
        .filter(|(_, u)| !u.text.is_empty())
        .collect();
    html! {
        li.panel data-item {
            (frame::incident_link(i.id, i.status.word(), &headline(&i.title, i.nature.drill)))
            p.row-facts {
                (severity(&name, i.severity.0))
                @match &told.standing { Some(s) => span.pill { (plain(&s.name)) }, None => span.hint { "no status yet" } }
                @if i.nature.drill { span.pill.drill { "drill" } }
                @if i.nature.private { span.pill.private { "private" } }
                @if told.public.is_some() { span.pill { "public" } }
                @if let Some(due) = told.next_due { span.hint { "next update due " (when(scene, due)) } }
            }
            @if i.nature.drill || i.nature.private {
                p.hint { @if i.nature.drill { "A drill: nobody beside those who take part is told, and no component changes." } @else { "Private: only whom it concerns sees it here, and nothing of it becomes public." } }
            }
            @if words.is_empty() { p.hint { "Nobody was told anything yet." } }
            ul.told { @for (row, update) in words.iter().take(TOLD) {
                li data-audience=(update.audience.word()) {
                    (plain(&update.text)) " "
                    span.hint { "— " (plain(update.by.name())) ", " (when(scene, row.at)) ", " (update.audience.word()) }
                }
            } }
            @if words.len() > TOLD { p.hint { a href={ "/incidents/" (i.id.0) } { "and " (count(words.len() - TOLD, "older update")) } } }
            p { a.button href={ "/incidents/" (i.id.0) "/update" } { "Update" } }
        }
    }
}

fn subscribers(scene: Scene<'_>, view: &StatusView) -> Markup {
    let off = |id: &str| view.asked.iter().any(|r| r.id == id && r.state == "off");
    let asked: Vec<&SubscriberRow> = view.asked.iter().filter(|r| r.state != "off").collect();
    html! {
        @if view.files.is_empty() && asked.is_empty() { p.hint { "Nobody yet." } }
        ul.plain {
            @for s in &view.files {
                li {
                    strong { (plain(s.id.trim_start_matches(FILE))) } " " (plain(&s.via.shown()))
                    " " span.hint { (s.audience.word()) ", " (plain(&s.topics.words())) @if s.private { ", private incidents too" } ", of the files" }
                    @if off(&s.id) { " " span.pill { "ended by a link of a mail" } }
                }
            }
            @for r in asked { (asked_row(scene, r)) }
        }
    }
}

fn asked_row(scene: Scene<'_>, r: &SubscriberRow) -> Markup {
    let via = Via::read(&r.kind, &r.address);
    let shown = via.map_or_else(|| "of a later version".to_owned(), |v| v.shown());
    let topics: Topics = serde_json::from_str(&r.topics).unwrap_or_default();
    let may = scene.viewer.acting == Acting::Yes;
    html! {
        li {
            strong { (plain(&shown)) } " "
            span.hint { (r.audience.word()) ", " (plain(&topics.words())) ", since " (when(scene, r.asked_at)) }
            @if r.state == "asked" && r.audience == Audience::Internal {
                form.inline method="post" action="/status/confirm" {
                    (hidden(scene)) input type="hidden" name="id" value=(r.id);
                    label { "Code " input name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="6" size="7" required; }
                    button.button disabled[!may] { "Confirm" }
                }
            } @else if r.state == "asked" { " " span.pill { "not confirmed yet" } }
            form.inline method="post" action="/status/unsubscribe" {
                (hidden(scene)) input type="hidden" name="id" value=(r.id);
                button.button disabled[!may] { "End" }
            }
        }
    }
}

fn subscribe(scene: Scene<'_>) -> Markup {
    let d = scene.directory;
    let components = d.page.iter().flat_map(|p| &p.components);
    html! {
        details data-keep="subscribe" {
            summary { "Tell somebody else" }
            form.sheet method="post" action="/status/subscribe" {
                (hidden(scene))
                fieldset.field { legend { "How?" } div.choices {
                    label.choice { input type="radio" name="kind" value="mail" checked; "By mail" }
                    label.choice { input type="radio" name="kind" value="channel"; "In a channel" }
                } }
                div.field { label for="address" { "Address or channel" } input #address name="address" required maxlength="254" autocomplete="email"; }
                div.field { label for="of-service" { "Only this service" } select #of-service name="service" { option value="" { "Any" } @for s in d.services.values() { option value=(s.id) { (plain(&s.name)) } } } }
                div.field { label for="of-component" { "Only this component" } select #of-component name="component" { option value="" { "Any" } @for c in components { option value=(c.id) { (plain(&c.name)) } } } }
                div.field { label for="of-severity" { "Only this severity" } select #of-severity name="severity" { option value="" { "Any" } @for s in &d.severities { option value=(s.name) { (plain(&s.name)) } } } }
                div.actions { button.button.primary disabled[scene.viewer.acting != Acting::Yes] { "Ask" } }
            }
        }
    }
}

fn tellings(scene: Scene<'_>, rows: &[(String, BulletinRow)]) -> Markup {
    html! {
        @if rows.is_empty() { p.hint { "Nobody was sent anything yet." } }
        ul.plain {
            @for (name, row) in rows {
                li data-state=(row.state) {
                    span.pill { (outcome(&row.state)) } " " (plain(name)) " "
                    @if row.incident.0 == 0 { span.hint { "a code" } } @else { a href={ "/incidents/" (row.incident.0) } { (row.incident) } }
                    " " span.hint { (when(scene, row.updated_at)) ", " (count(row.attempts as usize, "try").replace("trys", "tries")) }
                    @if !row.error.is_empty() { " " (plain(&row.error)) }
                }
            }
        }
    }
}

fn outcome(state: &str) -> &str {
    match state {
        "done" => "sent",
        "passed" => "passed over",
        other => other,
    }
}

/// The form of an update.
pub(in super::super) fn update(
    scene: Scene<'_>,
    view: &UpdateView,
    given: &UpdateForm,
    why: &str,
) -> Markup {
    let i = &view.incident;
    let may = scene.viewer.acting == Acting::Yes;
    html! {
        (frame::head(&format!("Update of {}", i.id), &html! { a.button href={ "/incidents/" (i.id.0) } { "Back" } }))
        p.about { (plain(&i.title)) }
        @if !why.is_empty() { div.said.no role="alert" { (why) } }
        @if let Some((text, components)) = &view.waiting { (waiting(scene, i, text, components, may)) }
        section.panel aria-labelledby="write-head" {
            h2 #write-head { "Tell others how it stands" }
            form.sheet method="post" action={ "/incidents/" (i.id.0) "/update" } {
                (hidden(scene))
                div.field { label for="text" { "How does it stand?" } textarea #text name="text" rows="4" maxlength="3000" { (given.text) } p.hint { "For somebody who was not in the room." } }
                div.field { label for="status" { "Status" } select #status name="status" {
                    option value="" { "As it is" @if let Some(s) = &i.told.standing { " (" (plain(&s.name)) ")" } }
                    @for s in &scene.directory.statuses { option value=(s.id) selected[given.status == s.id] { (plain(&s.name)) } }
                } }
                fieldset.field { legend { "Who reads it?" } div.choices {
                    label.choice { input type="radio" name="audience" value="internal" checked[given.audience != "public"]; "People inside" }
                    label.choice { input type="radio" name="audience" value="public" checked[given.audience == "public"]; "Everybody" }
                } p.hint { "What everybody reads is shown to you first." } }
                div.field { label for="title" { "Public title" } input #title name="title" maxlength="200" value=(public_title(i, given)) autocomplete="off"; p.hint { "The incident's own title is never public." } }
                div.field { label for="next" { "Next update in" } input #next name="next" value=(given.next) placeholder="30m" autocomplete="off"; }
                div.actions { button.button.primary disabled[!may] { "Tell" } }
            }
        }
        section.panel aria-labelledby="sent-head" { h2 #sent-head { "Who was told" } (tellings(scene, &view.tellings)) }
    }
}

fn public_title<'a>(i: &'a Incident, given: &'a UpdateForm) -> &'a str {
    let known = i
        .told
        .public
        .as_ref()
        .map_or("", |p| p.announced.title.as_str());
    if given.title.is_empty() {
        known
    } else {
        &given.title
    }
}

fn waiting(
    scene: Scene<'_>,
    i: &Incident,
    text: &str,
    components: &[Affected],
    may: bool,
) -> Markup {
    let now: Vec<String> = components
        .iter()
        .map(|c| format!("{}:{}", c.id, c.condition.word()))
        .collect();
    html! {
        section.panel aria-labelledby="read-head" {
            h2 #read-head { "Exactly what everybody will read" }
            pre.public-text { (text) }
            div.actions {
                form method="post" action={ "/incidents/" (i.id.0) "/publish" } {
                    (hidden(scene))
                    button.button.danger disabled[!may] { "Send it to everybody" }
                }
            }
            form.sheet method="post" action={ "/incidents/" (i.id.0) "/publish" } {
                (hidden(scene))
                div.field { label for="components" { "Components" } input #components name="components" value=(now.join(", ")) autocomplete="off" spellcheck="false";
                    p.hint { "operational, maintenance, degraded, partial or major; it is shown anew before it is sent." } }
                div.actions { button.button disabled[!may] { "Show it with these" } }
            }
        }
    }
}
