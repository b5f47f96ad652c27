//! Postmortems drawn: the document with the way into each of its sections, and what is done with it.

use super::parts::{hidden, icon, severity, when};
use super::{Scene, frame};
use crate::core::directory::Person;
use crate::core::id::{IncidentId, Severity};
use crate::core::postmortem::tree::{self, Block};
use crate::core::postmortem::{Format, Item, Priority, SECTION_CHARS, Section, Stage, html_body};
use crate::core::summary::Proposal;
use crate::core::text::count;
use crate::core::timeline;
use crate::engine::Read;
use crate::http::console::viewer::Acting;
use crate::store::{ExportRow, FoundRow, MARK, PostmortemItem, RevisionRow, SearchFilter};
use maud::{Markup, PreEscaped, html};

/// Everything the page of a postmortem shows.
pub(in super::super) struct PageView {
    pub(in super::super) id: IncidentId,
    /// The document.
    pub(in super::super) blocks: Vec<Block>,
    /// What it was made from.
    pub(in super::super) read: Read,
    /// Where it is, or is to be.
    pub(in super::super) exports: Vec<ExportRow>,
    /// Who changed what.
    pub(in super::super) revisions: Vec<RevisionRow>,
    /// Places for documents.
    pub(in super::super) documents: Vec<String>,
    /// Places for action items.
    pub(in super::super) trackers: Vec<String>,
    /// The model that may propose a summary, and its machine.
    pub(in super::super) model: Option<(String, String)>,
    /// What it proposed.
    pub(in super::super) proposal: Option<Proposal>,
}

/// The page.
pub(in super::super) fn page(scene: Scene<'_>, view: &PageView) -> Markup {
    let p = &view.read.document;
    let conflicts: Vec<&Section> = p.sections.iter().filter(|s| s.conflict.is_some()).collect();
    html! {
        (frame::head("Postmortem", &html! { (stage_pill(view.read.written.stage)) }))
        (frame::incident_link(view.id, &p.status, &p.title))
        @if p.status != "resolved" { p.notice { "The incident is still open; this is the postmortem as far as it goes." } }
        @if view.read.written.overdue(scene.now) {
            p.notice.hot-notice role="status" { (icon("clock")) "The review was due " @if let Some(due) = view.read.written.due { (when(scene, due)) } "." }
        }
        @for s in &conflicts {
            p.notice.hot-notice role="status" {
                (icon("list")) "The facts changed where people rewrote “" (s.title) "”. Both are shown; "
                a href=(edit_path(view.id, &s.anchor)) { "put them together" } "."
            }
        }
        div.pm-columns {
            article.pm-document aria-label="The document" { (document(view)) }
            aside.pm-side aria-label="About the document" {
                (way(scene, view))
                (super::summary::panel(scene, view.id, view.model.as_ref(), view.proposal.as_ref()))
                (items(scene, view))
                (downloads(view))
                (elsewhere(scene, view))
                (history(scene, view))
            }
        }
    }
}

fn edit_path(id: IncidentId, anchor: &str) -> String {
    format!("/incidents/{}/postmortem/edit/{anchor}", id.0)
}

fn stage_pill(stage: Stage) -> Markup {
    html! { span.pill.pm-stage data-stage=(stage.word()) { (stage.words()) } }
}

/// The document; a link into each section stands at its begin.
fn document(view: &PageView) -> Markup {
    // The exporter has escaped every text: these strings are made of nodes, see `core::postmortem::html`.
    let drawn = |blocks: &[Block]| PreEscaped(html_body(blocks));
    let mut parts: Vec<Markup> = Vec::new();
    let mut from = 0;
    for (at, block) in view.blocks.iter().enumerate() {
        let Block::Edge(begin, anchor, _) = block else {
            continue;
        };
        parts.push(drawn(&view.blocks[from..at]));
        parts.push(drawn(std::slice::from_ref(block)));
        if *begin {
            parts.push(html! { a.pm-edit href=(edit_path(view.id, anchor)) { "Edit" span.unseen { " " (anchor) } } });
        }
        from = at + 1;
    }
    parts.push(drawn(&view.blocks[from..]));
    html! { @for part in &parts { (part) } }
}

fn acting(scene: Scene<'_>) -> bool {
    scene.viewer.acting == Acting::Yes
}

fn form(scene: Scene<'_>, id: IncidentId, act: &str, body: &Markup) -> Markup {
    html! {
        form method="post" action={ "/incidents/" (id.0) "/postmortem/change" } {
            (hidden(scene))
            input type="hidden" name="act" value=(act);
            (body)
        }
    }
}

fn people(scene: Scene<'_>, name: &str, chosen: Option<&str>, nobody: &str) -> Markup {
    let mut all: Vec<&Person> = scene.directory.people.values().collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    html! {
        select name=(name) aria-label="Owner" {
            option value="" { (nobody) }
            @for p in all { option value=(p.id) selected[chosen == Some(p.id.as_str())] { (p.name) } }
        }
    }
}

fn way(scene: Scene<'_>, view: &PageView) -> Markup {
    let w = &view.read.written;
    let meets = w.meets.map_or(String::new(), |at| {
        timeline::format(at, Some(scene.viewer.zone), "%Y-%m-%d %H:%M")
    });
    html! {
        section.panel aria-label="Review" {
            h2 { "Review" }
            dl.facts {
                div { dt { "Due" } dd { @match w.due { Some(due) => (when(scene, due)), None => "no deadline" } } }
            }
            (form(scene, view.id, "owner", &html! {
                div.field {
                    label { "Who sees to it?" }
                    div.pm-row { (people(scene, "owner", w.owner.as_deref(), "nobody yet")) button.button disabled[!acting(scene)] { "Set" } }
                }
            }))
            (form(scene, view.id, "meeting", &html! {
                div.field {
                    label for="meets" { "Review meeting" }
                    div.pm-row { input #meets name="at" value=(meets) placeholder="2026-12-01 14:00" autocomplete="off"; button.button disabled[!acting(scene)] { "Set" } }
                    p.hint { "On your clock; empty: none." }
                }
            }))
            (form(scene, view.id, "stage", &html! {
                div.actions {
                    @for (n, to) in w.stage.next().iter().enumerate() {
                        button.button.primary[n == 0] name="stage" value=(to.word()) disabled[!acting(scene)] {
                            @if *to > w.stage { "To “" } @else { "Back to “" } (to.words()) "”"
                        }
                    }
                }
            }))
        }
    }
}

fn items(scene: Scene<'_>, view: &PageView) -> Markup {
    let w = &view.read.written;
    html! {
        section.panel aria-label="Action items" {
            h2 { "Action items" @if w.open_items().next().is_some() { span.count { (w.open_items().count()) } } }
            @if w.items.is_empty() { p.quiet-line { "Nothing is to be done yet." } }
            ul.pm-items { @for i in &w.items { (item(scene, view, i)) } }
            details data-keep="pm-item" {
                summary { "Add one" }
                (form(scene, view.id, "item", &html! {
                    div.field { label for="item-what" { "What?" } input #item-what name="what" required maxlength="500" autocomplete="off" placeholder="Alert on the pool before it is empty"; }
                    div.field { label { "Who?" } (people(scene, "owner", None, "nobody yet")) }
                    div.pm-row {
                        div.field { label for="item-due" { "Until" } input #item-due name="due" type="date"; }
                        div.field { label for="item-priority" { "Priority" } select #item-priority name="priority" {
                            @for p in Priority::ALL { option value=(p.word()) selected[p == Priority::Medium] { (p.word()) } }
                        } }
                    }
                    div.field { label for="item-link" { "Link" } input #item-link name="link" type="url" placeholder="https://…" autocomplete="off"; }
                    div.actions { button.button disabled[!acting(scene)] { "Add" } }
                }))
            }
        }
    }
}

fn item(scene: Scene<'_>, view: &PageView, i: &Item) -> Markup {
    let done = i.done_at.is_some();
    let link = i
        .external
        .as_ref()
        .map_or(i.link.as_str(), |e| e.url.as_str());
    html! {
        li data-done[done] {
            div.grow {
                strong { (i.what) }
                p.hint {
                    (i.priority.word()) " · " (i.owner.as_deref().map_or("nobody".to_owned(), |o| scene.directory.person_name(o)))
                    @if let Some(due) = i.due { " · until " (due) }
                    @if let Some(e) = &i.external { " · " (e.state) " in " (e.tracker) }
                    @if !link.is_empty() { " · " (super::parts::outside(link, "issue")) }
                }
            }
            (form(scene, view.id, if done { "open" } else { "done" }, &html! {
                input type="hidden" name="item" value=(i.id);
                button.button disabled[!acting(scene)] { @if done { "Reopen" } @else { "Done" } }
            }))
            @if !done { @for t in &view.trackers { (send(scene, view, t, &format!("item:{}", i.id), if i.external.is_some() { "Refresh" } else { "To" })) } }
        }
    }
}

fn send(scene: Scene<'_>, view: &PageView, target: &str, what: &str, word: &str) -> Markup {
    form(
        scene,
        view.id,
        "export",
        &html! {
            input type="hidden" name="target" value=(target);
            input type="hidden" name="what" value=(what);
            button.button disabled[!acting(scene)] { (word) " " (target) }
        },
    )
}

fn downloads(view: &PageView) -> Markup {
    let base = format!("/incidents/{}/postmortem", view.id.0);
    let all: Vec<(&str, &str)> = Format::ALL
        .iter()
        .map(|f| (f.ending(), f.label()))
        .chain([("pdf", "PDF")])
        .collect();
    let row = |suffix: &str| {
        html! { div.pm-downloads { @for (ending, word) in &all {
            a.button href={ (base) "." (ending) (suffix) } download[*ending != "pdf"] { (word) }
        } } }
    };
    html! {
        section.panel aria-label="Downloads" {
            h2 { "Take it along" }
            (row(""))
            details data-keep="pm-anonymous" {
                summary { "Without names" }
                p.hint { "People become roles with numbers, also in what was written." }
                (row("?anonymous=1"))
            }
        }
    }
}

fn elsewhere(scene: Scene<'_>, view: &PageView) -> Markup {
    html! {
        @if !view.documents.is_empty() || !view.exports.is_empty() {
            section.panel aria-label="Elsewhere" {
                h2 { "Elsewhere" }
                @if !view.documents.is_empty() {
                    div.pm-downloads { @for t in &view.documents { (send(scene, view, t, "document", "Send to")) } }
                }
                ul.ledger { @for e in &view.exports { li data-state=(e.state) {
                    span.pill.(e.state) { (e.state) }
                    div.grow {
                        strong { (e.target) } " · " (e.what)
                        @if !e.url.is_empty() { " · " (super::parts::outside(&e.url, "open")) }
                        @if e.attempts > 1 { " · " (count(e.attempts as usize, "try").replace("trys", "tries")) }
                        @if !e.error.is_empty() { p.hint { (e.error) @if e.state == "waiting" { "; tried again " (when(scene, e.due_at)) } } }
                        @if e.state == "failed" { (send(scene, view, &e.target, &e.what, "Try again:")) }
                    }
                    (when(scene, e.updated_at))
                } } }
            }
        }
    }
}

fn history(scene: Scene<'_>, view: &PageView) -> Markup {
    html! {
        @if !view.revisions.is_empty() {
            section.panel aria-label="History" {
                h2 { "Who changed what?" }
                ol.timeline { @for r in view.revisions.iter().rev().take(30) {
                    li { (when(scene, r.at)) div.grow { (r.author.name()) ": " (r.what) } }
                } }
                @if view.revisions.len() > 30 { p.hint { "The newest 30 of " (view.revisions.len()) " changes." } }
            }
        }
    }
}

/// The form of one section.
pub(in super::super) struct EditView {
    pub(in super::super) id: IncidentId,
    /// As it is now.
    pub(in super::super) section: Section,
    /// The text the form began with, by its hash.
    pub(in super::super) from: String,
    /// What stands in the field.
    pub(in super::super) text: String,
    /// Show how it will read.
    pub(in super::super) preview: bool,
    /// What was wrong with the last try.
    pub(in super::super) why: String,
}

/// The page to write one section.
pub(in super::super) fn edit(scene: Scene<'_>, view: &EditView) -> Markup {
    let s = &view.section;
    let other = view.preview && view.text.trim() != s.text.trim();
    html! {
        (frame::head(&s.title, &html! { a.button href={ "/incidents/" (view.id.0) "/postmortem#" (s.anchor) } { "Back without saving" } }))
        p.about { (s.prompt) }
        @if !view.why.is_empty() { div.said.no role="alert" { (view.why) } }
        @if let Some(both) = &s.conflict {
            section.panel aria-label="Both texts" {
                h2 { "The facts changed where this was rewritten" }
                p.hint { "Take from both what is right, and save: then the draft of today is known and the notice goes." }
                pre.pm-diff { @for line in both.lines() { (diff_line(line)) "\n" } }
            }
        }
        form.sheet.pm-form method="post" action=(edit_path(view.id, &s.anchor)) {
            (hidden(scene))
            input type="hidden" name="from" value=(view.from);
            div.field {
                label for="text" { "Text" }
                textarea #text name="text" rows="16" maxlength=(SECTION_CHARS) { (view.text) }
                p.hint { "Markdown: lists, **strong**, `code`, [links](https://…), tables. HTML is shown as text." }
            }
            div.actions {
                button.button.primary name="act" value="save" disabled[!acting(scene)] { "Save" }
                button.button name="act" value="preview" { "Preview" }
            }
        }
        @if view.preview {
            section.panel aria-label="Preview" {
                h2 { "How it will read" }
                div.pm-document { (PreEscaped(html_body(&tree::read(&view.text)))) }
            }
        }
        @if other && !view.why.is_empty() {
            section.panel aria-label="As it stands" {
                h2 { "As it stands now" }
                pre.pm-diff { (s.text) }
            }
        }
        @if !s.base.is_empty() && s.edited {
            details data-keep="pm-base" {
                summary { "What firebell drafts here" }
                pre.pm-diff { (s.base) }
                p.hint { "Save exactly this text to give the section back to firebell." }
            }
        }
        @if acting(scene) {
            p { a.hint.quiet href={ "/incidents/" (view.id.0) "/postmortem/redact/" (s.anchor) } { "Remove for good what was written here" } }
        }
    }
}

fn diff_line(line: &str) -> Markup {
    let mark = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];
    let edge = mark.iter().any(|m| line.starts_with(m));
    html! { @if edge { strong { (line) } } @else { (line) } }
}

/// A page of postmortems.
pub(in super::super) struct ListView {
    pub(in super::super) rows: Vec<PostmortemItem>,
    pub(in super::super) total: i64,
    /// From 0.
    pub(in super::super) page: i64,
    /// Rows per page.
    pub(in super::super) limit: i64,
    pub(in super::super) stage: String,
    pub(in super::super) owner: String,
    pub(in super::super) team: String,
    pub(in super::super) overdue: bool,
    pub(in super::super) drills: bool,
}

/// The list.
pub(in super::super) fn list(scene: Scene<'_>, view: &ListView) -> Markup {
    let query = format!(
        "stage={}&owner={}&team={}&overdue={}&drills={}",
        super::lists::query(&view.stage),
        super::lists::query(&view.owner),
        super::lists::query(&view.team),
        if view.overdue { "1" } else { "" },
        if view.drills { "1" } else { "" }
    );
    html! {
        (frame::head("Postmortems", &html! { a.button href="/search" { "Search them" } }))
        form.filter method="get" action="/postmortems" role="search" {
            select name="stage" aria-label="Status" {
                option value="" { "any status" }
                @for s in Stage::ALL { option value=(s.word()) selected[view.stage == s.word()] { (s.words()) } }
            }
            (people(scene, "owner", Some(view.owner.as_str()).filter(|o| !o.is_empty()), "anybody"))
            select name="team" aria-label="Team" {
                option value="" { "any team" }
                @for t in scene.directory.teams.values() { option value=(t.id) selected[view.team == t.id] { (t.name) } }
            }
            label.choice { input type="checkbox" name="overdue" value="1" checked[view.overdue]; "overdue" }
            label.choice { input type="checkbox" name="drills" value="1" checked[view.drills]; "drills too" }
            button.button { "Show" }
        }
        @if view.rows.is_empty() { p.empty { "No postmortem matches. One begins when an incident with a deadline is resolved, or when somebody writes in it." } }
        ol.rows { @for row in &view.rows { (list_item(scene, row)) } }
        (super::lists::pager("/postmortems", &query, view.page, view.limit, view.total))
    }
}

fn list_item(scene: Scene<'_>, item: &PostmortemItem) -> Markup {
    let (w, id) = (&item.row.written, item.row.incident);
    let name = scene.directory.severity_name(Severity(item.severity));
    let open = w.open_items().count();
    html! {
        li.row data-item {
            a.row-main href={ "/incidents/" (id.0) "/postmortem" } data-open { span.no { (id) } span.grow { (item.title) } }
            div.row-facts {
                (stage_pill(w.stage)) (severity(&name, item.severity))
                @if let Some(service) = &item.service { span { (service) } }
                span { (w.owner.as_deref().map_or("nobody sees to it".to_owned(), |o| scene.directory.person_name(o))) }
                @if let Some(due) = w.due { @if w.stage < Stage::Reviewed {
                    span.pm-late[w.overdue(scene.now)] { @if w.overdue(scene.now) { "overdue since " } @else { "due " } (when(scene, due)) }
                } }
                @if open > 0 { span { (count(open, "open item")) } }
            }
        }
    }
}

/// What was looked for and found.
pub(in super::super) struct SearchView {
    pub(in super::super) question: String,
    pub(in super::super) filter: SearchFilter,
    /// First and last day, as they were sent.
    pub(in super::super) days: (String, String),
    pub(in super::super) found: Vec<FoundRow>,
    /// What is found at most.
    pub(in super::super) full: i64,
}

/// The search.
pub(in super::super) fn search(scene: Scene<'_>, view: &SearchView) -> Markup {
    let all = i64::try_from(view.found.len()).unwrap_or(i64::MAX);
    html! {
        (frame::head("Search", &html! { a.button href="/postmortems" { "All postmortems" } }))
        form.filter method="get" action="/search" role="search" {
            input name="q" type="search" value=(view.question) placeholder="Words of timelines and postmortems" aria-label="Words" autofocus;
            select name="service" aria-label="Service" {
                option value="" { "All services" }
                @for s in scene.directory.services.values() { option value=(s.id) selected[view.filter.service.as_ref() == Some(&s.id)] { (s.name) } }
            }
            select name="team" aria-label="Team" {
                option value="" { "All teams" }
                @for t in scene.directory.teams.values() { option value=(t.id) selected[view.filter.team.as_ref() == Some(&t.id)] { (t.name) } }
            }
            input type="date" name="from" value=(view.days.0) aria-label="First day";
            input type="date" name="to" value=(view.days.1) aria-label="Last day";
            label.choice { input type="checkbox" name="reviewed" value="1" checked[view.filter.reviewed]; "reviewed only" }
            label.choice { input type="checkbox" name="drills" value="1" checked[view.filter.drills]; "drills too" }
            button.button { "Search" }
        }
        @if view.question.trim().is_empty() { p.about { "Timelines, conversations and postmortems of incidents that are over. Every word must begin a word of what is found." } }
        @else if view.found.is_empty() { p.empty { "Nothing has these words." } }
        ol.rows { @for f in &view.found {
            li.row data-item {
                a.row-main href={ "/incidents/" (f.incident.0) "/postmortem" } data-open { span.no { (f.incident) } span.grow { (f.title) } }
                p.pm-snippet { (snippet(&f.snippet)) }
                div.row-facts {
                    @if let Some(stage) = Stage::parse(&f.stage) { (stage_pill(stage)) }
                    @if let Some(service) = &f.service { span { (service) } }
                    span { (when(scene, f.at)) }
                }
            }
        } }
        @if all >= view.full { p.hint { "The first " (view.full) " are shown; another word narrows it down." } }
    }
}

/// Found words are marked; everything is escaped by the macro.
fn snippet(text: &str) -> Markup {
    let mut parts = text.split(MARK.0);
    let first = parts.next().unwrap_or_default();
    let rest: Vec<(&str, &str)> = parts
        .map(|p| p.split_once(MARK.1).unwrap_or((p, "")))
        .collect();
    html! { (first) @for (found, after) in rest { mark { (found) } (after) } }
}

/// One line on an incident: what was learned from one like it.
pub(in super::super) fn lesson(found: &FoundRow) -> Markup {
    html! {
        p.notice { (icon("list")) "It looks like " a href={ "/incidents/" (found.incident.0) "/postmortem" } { (found.incident) " “" (found.title) "”" } ", whose postmortem is reviewed." }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_marks_what_was_found_and_escapes_the_rest() {
        let text = format!("<b>{}pool{}</b> & more", MARK.0, MARK.1);
        assert_eq!(
            snippet(&text).into_string(),
            "&lt;b&gt;<mark>pool</mark>&lt;/b&gt; &amp; more"
        );
    }
}
