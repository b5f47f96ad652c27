//! Pages of postmortems: reading, writing section by section, the way to closed, action items, what
//! goes elsewhere, downloads; the list of all, and the search.

use super::Console;
use super::load::{self, Moment};
use super::told::Asker;
use super::trouble::Trouble;
use super::view::frame::Here;
use super::view::postmortem::{self as draw, EditView, ListView, PageView, SearchView};
use super::viewer::{Viewer, go};
use crate::core::fairness;
use crate::core::id::IncidentId;
use crate::core::postmortem::{
    Act, Format, Postmortem, Priority, Stage, Template, anonymous, everybody, export, hash, html,
    layout,
};
use crate::core::schedule::parse_at;
use crate::engine::{Failure, Read};
use crate::share;
use crate::store::{PostmortemQuery, SearchFilter};
use axum::extract::{Form, Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;

/// Postmortems per page.
const PER_PAGE: i64 = 40;
/// What is found at most.
const FOUND: i64 = 50;

async fn read(console: &Console, id: i64) -> Result<Read, Trouble> {
    let found = console.app.engine.postmortem(IncidentId(id)).await?;
    found.ok_or_else(|| Trouble::NotFound(format!("There is no incident {}.", IncidentId(id))))
}

/// The page of one.
pub(super) async fn page(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<i64>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let read = read(&console, id).await?;
    let store = console.app.engine.store();
    let places = console.app.engine.places();
    let shown = PageView {
        id: IncidentId(id),
        blocks: layout(&read.document, &read.template),
        exports: store.exports(IncidentId(id)).await?,
        revisions: store.revisions(IncidentId(id)).await?,
        documents: places.names(true),
        trackers: places.names(false),
        model: console.app.engine.summariser(),
        proposal: store.proposal(IncidentId(id)).await?,
        read,
    };
    let body = draw::page(moment.scene(), &shown);
    let path = format!("/incidents/{id}/postmortem");
    let title = format!("Postmortem of {}", IncidentId(id));
    load::page(&console, &moment, (Here::Postmortems, &path), &title, &body).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Given {
    text: String,
    from: String,
    /// `save` or `preview`.
    act: String,
}

/// The form of one section.
pub(super) async fn edit(
    State(console): State<Console>,
    viewer: Viewer,
    Path((id, anchor)): Path<(i64, String)>,
) -> Result<Response, Trouble> {
    edited(&console, viewer, (id, &anchor), None, "").await
}

async fn edited(
    console: &Console,
    viewer: Viewer,
    (id, anchor): (i64, &str),
    given: Option<&Given>,
    why: &str,
) -> Result<Response, Trouble> {
    let moment = Moment::new(console, viewer);
    let read = read(console, id).await?;
    let section = read
        .document
        .section(anchor)
        .ok_or_else(|| Trouble::NotFound(format!("A postmortem has no section `{anchor}`.")))?;
    let shown = EditView {
        id: IncidentId(id),
        section: section.clone(),
        from: hash(&section.text),
        text: given.map_or_else(|| section.text.clone(), |g| g.text.clone()),
        preview: given.is_some(),
        why: why.to_owned(),
    };
    let body = draw::edit(moment.scene(), &shown);
    let path = format!("/incidents/{id}/postmortem/edit/{anchor}");
    let title = format!("{} of {}", section.title, IncidentId(id));
    load::page(console, &moment, (Here::Postmortems, &path), &title, &body).await
}

/// Saves a section, or shows how it will read.
pub(super) async fn save(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path((id, anchor)): Path<(i64, String)>,
    Form(given): Form<Given>,
) -> Result<Response, Trouble> {
    if given.act == "preview" {
        return edited(&console, viewer, (id, &anchor), Some(&given), "").await;
    }
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let read = read(&console, id).await?;
    let section = read
        .document
        .section(&anchor)
        .ok_or_else(|| Trouble::NotFound(format!("A postmortem has no section `{anchor}`.")))?;
    let act = Act::Edit {
        anchor: anchor.clone(),
        base: section.base.clone(),
        from: given.from.clone(),
        now: section.text.clone(),
        text: given.text.clone(),
    };
    match console.app.engine.amend(IncidentId(id), act, &who).await {
        Ok(said) => Ok(asker.send(&format!("/incidents/{id}/postmortem#{anchor}"), true, &said)),
        // What somebody wrote is shown again, never lost.
        Err(Failure::Refused(why)) => {
            edited(
                &console,
                viewer,
                (id, &anchor),
                Some(&given),
                &why.to_string(),
            )
            .await
        }
        Err(unavailable) => {
            edited(
                &console,
                viewer,
                (id, &anchor),
                Some(&given),
                &unavailable.to_string(),
            )
            .await
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Change {
    /// `stage`, `owner`, `meeting`, `item`, `done`, `open`, `drop`, `export`.
    act: String,
    stage: String,
    owner: String,
    at: String,
    item: Option<u32>,
    what: String,
    due: String,
    priority: String,
    link: String,
    target: String,
    /// `incident`: to its page; else to the postmortem.
    back: String,
}

/// Everything else that is changed on the page.
pub(super) async fn change(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(id): Path<i64>,
    Form(form): Form<Change>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let engine = &console.app.engine;
    let back = match form.back.as_str() {
        "incident" => format!("/incidents/{id}"),
        _ => format!("/incidents/{id}/postmortem"),
    };
    let incident = IncidentId(id);
    let result = if form.act == "export" {
        let sent = engine
            .export(incident, &form.target, &form.what, &who)
            .await;
        sent.map(|()| format!("On its way to {}.", form.target))
    } else {
        match act(&console, &viewer, &form) {
            Ok(act) => engine.amend(incident, act, &who).await,
            Err(why) => return Ok(asker.send(&back, false, &why)),
        }
    };
    match result {
        Ok(said) => Ok(asker.send(&back, true, &said)),
        Err(why) => Ok(asker.send(&back, false, &why.to_string())),
    }
}

fn act(console: &Console, viewer: &Viewer, form: &Change) -> Result<Act, String> {
    let engine = &console.app.engine;
    let person = |id: &str| {
        let known = engine.directory().people.contains_key(id);
        match (id, known) {
            ("", _) => Ok(None),
            (id, true) => Ok(Some(id.to_owned())),
            (id, false) => Err(format!("{id} is not in the directory.")),
        }
    };
    let item = || {
        form.item
            .ok_or_else(|| "The form names no action item.".to_owned())
    };
    match form.act.as_str() {
        "stage" => Stage::parse(&form.stage)
            .map(|to| Act::Move { to })
            .ok_or_else(|| format!("`{}` is no status of a postmortem.", form.stage)),
        "owner" => Ok(Act::Own {
            person: person(&form.owner)?,
        }),
        "meeting" => {
            let at = match form.at.trim() {
                "" => None,
                at => Some(parse_at(at, viewer.zone, engine.now())?),
            };
            Ok(Act::Meet { at })
        }
        "item" => Ok(Act::Item {
            id: form.item,
            what: form.what.clone(),
            owner: person(&form.owner)?,
            due: match form.due.trim() {
                "" => None,
                day => Some(
                    day.parse()
                        .map_err(|_| format!("`{day}` is no day: write it such as 2026-12-01."))?,
                ),
            },
            priority: Priority::parse(&form.priority).unwrap_or_default(),
            link: form.link.trim().to_owned(),
        }),
        "done" => Ok(Act::Done {
            id: item()?,
            done: true,
        }),
        "open" => Ok(Act::Done {
            id: item()?,
            done: false,
        }),
        "drop" => Ok(Act::Drop { id: item()? }),
        other => Err(format!("`{other}` is nothing that can be done here.")),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct How {
    anonymous: String,
}

/// A document as it may leave: with its people or without.
fn leaving(
    console: &Console,
    read: Read,
    how: &How,
) -> Result<(Postmortem, Arc<Template>), Trouble> {
    if how.anonymous.is_empty() {
        return Ok((read.document, read.template));
    }
    let people = everybody(&console.app.engine.directory());
    let document = anonymous(&read.document, &people).map_err(Trouble::Unavailable)?;
    Ok((document, read.template))
}

/// One of the formats, as a file.
pub(super) async fn download(
    console: Console,
    id: i64,
    how: How,
    format: Format,
) -> Result<Response, Trouble> {
    let (document, template) = leaving(&console, read(&console, id).await?, &how)?;
    let text = export(&document, &template, format);
    Ok(file(
        id,
        &how,
        format.ending(),
        format.media(),
        text.into_bytes(),
    ))
}

/// The page as paper.
pub(super) async fn pdf(
    State(console): State<Console>,
    Path(id): Path<i64>,
    Query(how): Query<How>,
) -> Result<Response, Trouble> {
    let (document, template) = leaving(&console, read(&console, id).await?, &how)?;
    let page = html(&layout(&document, &template), "en");
    let scratch = console.app.settings.data_dir.join("exports");
    match share::pdf(&page, &scratch).await {
        Ok(bytes) => Ok(file(id, &how, "pdf", "application/pdf", bytes)),
        Err(why) => Ok(go(&format!("/incidents/{id}/postmortem"), false, &why)),
    }
}

fn file(id: i64, how: &How, ending: &str, media: &'static str, bytes: Vec<u8>) -> Response {
    let kind = if how.anonymous.is_empty() {
        ""
    } else {
        "-anonymous"
    };
    let name = format!("attachment; filename=\"postmortem-{id}{kind}.{ending}\"");
    (
        [
            (header::CONTENT_TYPE, media.to_owned()),
            (header::CONTENT_DISPOSITION, name),
        ],
        bytes,
    )
        .into_response()
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    stage: String,
    owner: String,
    team: String,
    overdue: String,
    drills: String,
    page: i64,
}

/// All of them.
pub(super) async fn list(
    State(console): State<Console>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let some = |s: &String| Some(s.clone()).filter(|s| !s.is_empty());
    let page = asked.page.clamp(0, 1_000_000);
    let query = PostmortemQuery {
        stage: asked.stage.clone(),
        owner: some(&asked.owner),
        team: some(&asked.team),
        overdue_at: (!asked.overdue.is_empty()).then_some(moment.now),
        sight: moment.viewer.sight.clone(),
        drills: !asked.drills.is_empty(),
        offset: page * PER_PAGE,
        limit: PER_PAGE,
    };
    let (rows, total) = console.app.engine.store().postmortems(&query).await?;
    let shown = ListView {
        rows,
        total,
        page,
        limit: PER_PAGE,
        stage: asked.stage,
        owner: asked.owner,
        team: asked.team,
        overdue: !asked.overdue.is_empty(),
        drills: !asked.drills.is_empty(),
    };
    let body = draw::list(moment.scene(), &shown);
    let at = (Here::Postmortems, "/postmortems");
    load::page(&console, &moment, at, "Postmortems", &body).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Question {
    q: String,
    reviewed: String,
    drills: String,
    service: String,
    team: String,
    /// First day, on the clock of who asks.
    from: String,
    /// Last day.
    to: String,
}

/// The search over timelines, conversations and postmortems.
pub(super) async fn search(
    State(console): State<Console>,
    viewer: Viewer,
    Query(asked): Query<Question>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let some = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
    let on = |text: &str| some(text).map(|t| fairness::day(&t)).transpose();
    let zone = moment.viewer.zone;
    let from = on(&asked.from).map_err(Trouble::Invalid)?;
    let to = on(&asked.to).map_err(Trouble::Invalid)?;
    let filter = SearchFilter {
        reviewed: !asked.reviewed.is_empty(),
        sight: moment.viewer.sight.clone(),
        drills: !asked.drills.is_empty(),
        service: some(&asked.service),
        team: some(&asked.team),
        from: from.map(|day| fairness::span(zone, day, day).0),
        until: to.map(|day| fairness::span(zone, day, day).1),
    };
    let store = console.app.engine.store();
    let shown = SearchView {
        found: store.search(&asked.q, &filter, FOUND).await?,
        full: FOUND,
        question: asked.q,
        days: (asked.from, asked.to),
        filter,
    };
    let body = draw::search(moment.scene(), &shown);
    load::page(
        &console,
        &moment,
        (Here::Search, "/search"),
        "Search",
        &body,
    )
    .await
}
