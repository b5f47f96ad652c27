//! Postmortems for programs: the document in every format, what people add to it, where it goes, the
//! list and the search.

use super::answers::NotRead;
use super::body::{Body, Which};
use super::params::{Asked, FromParams, Paging, Params};
use super::shape::{All, Page};
use crate::core::id::{Actor, IncidentId};
use crate::core::postmortem::{
    Act, Format, Priority, Stage, Written, anonymous, everybody, export,
};
use crate::core::time::Time;
use crate::engine::Read;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use crate::store::{FoundRow, MARK, PostmortemQuery, SearchFilter};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What is found at most.
const FOUND: i64 = 100;
/// Words of the formats, and the short one of old.
const FORMATS: [&str; 7] = [
    "json",
    "md",
    "markdown",
    "html",
    "csv",
    "confluence",
    "transcript",
];

/// In which form the postmortem is wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FormatParams {
    /// `json` (the default), `markdown` (also `md`), `html`, `csv`, `confluence` or `transcript`.
    #[param(example = "md")]
    format: Option<String>,
    /// `true`: people become roles with numbers.
    anonymous: Option<String>,
}

impl FromParams for FormatParams {
    fn from_params(params: &mut Params) -> Result<FormatParams, Problem> {
        let format = params.choice("format", &FORMATS)?.map(str::to_owned);
        let anonymous = params.choice("anonymous", &["true", "false"])?;
        let anonymous = anonymous.map(str::to_owned);
        Ok(FormatParams { format, anonymous })
    }
}

async fn read(app: &App, id: IncidentId) -> Result<Read, Problem> {
    let found = app.engine.postmortem(id).await?;
    found.ok_or_else(|| super::incidents::missing(id))
}

/// The postmortem: facts from the journal and what people wrote; the same state gives the same bytes.
#[utoipa::path(
    get,
    path = "/incidents/{id}/postmortem",
    tag = "postmortems",
    params(("id" = i64, Path, description = "Its number"), FormatParams),
    responses(
        (status = 200, description = "The document", content(
        (serde_json::Value = "application/json"),
        (String = "text/markdown"),
        (String = "text/html"),
        (String = "text/csv"),
        (String = "text/plain"),
        )),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        NotRead,
    )
)]
pub async fn get_postmortem(
    State(app): State<App>,
    Which(id): Which,
    Asked(params): Asked<FormatParams>,
) -> Result<Response, Problem> {
    let Read {
        document, template, ..
    } = read(&app, id).await?;
    let format = params
        .format
        .as_deref()
        .and_then(Format::parse)
        .unwrap_or(Format::Json);
    let document = if params.anonymous.as_deref() == Some("true") {
        let people = everybody(&app.engine.directory());
        anonymous(&document, &people).map_err(|why| Problem::bad("not_anonymous", why))?
    } else {
        document
    };
    let text = export(&document, &template, format);
    Ok(([(header::CONTENT_TYPE, format.media())], text).into_response())
}

/// What somebody wants to change; exactly one of the fields.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    /// `draft`, `in_review`, `reviewed` or `closed`: one step on or back.
    stage: Option<String>,
    /// Directory id of who sees to it; empty: nobody.
    owner: Option<String>,
    /// When people meet about it, RFC 3339; empty: not.
    meeting: Option<String>,
    /// New words for a section.
    section: Option<SectionBody>,
    /// A new action item.
    item: Option<ItemBody>,
    /// Number of an action item that is done.
    done: Option<u32>,
    /// Where the document, or an action item of it, is to go.
    export: Option<ExportBody>,
}

/// New words for a section.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SectionBody {
    /// Its anchor, such as `impact`.
    anchor: String,
    /// Markdown.
    text: String,
    /// The text that is replaced, as `sections[].text` of the document has it: another one meanwhile is a refusal.
    was: String,
}

/// A new action item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemBody {
    /// One line.
    what: String,
    /// Directory id.
    #[serde(default)]
    owner: Option<String>,
    /// Day, `2026-12-01`.
    #[serde(default)]
    due: Option<String>,
    /// `high`, `medium` (the default) or `low`.
    #[serde(default)]
    priority: Option<String>,
    /// Web address.
    #[serde(default)]
    link: String,
}

/// Where something is to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportBody {
    /// NAME of an `[export.NAME]`.
    to: String,
    /// Number of an action item; absent: the document.
    #[serde(default)]
    item: Option<u32>,
}

/// What came of a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedOut {
    /// In words.
    said: String,
    /// Where it stands.
    postmortem: PostmortemOut,
}

/// Where a postmortem stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostmortemOut {
    /// Its incident.
    incident: i64,
    /// Title of the incident.
    title: String,
    /// `draft`, `in_review`, `reviewed`, `closed`.
    stage: String,
    /// Directory id of who sees to it.
    owner: Option<String>,
    /// When a review is due, RFC 3339.
    due: Option<String>,
    /// It is due and not reviewed.
    overdue: bool,
    /// Action items that are not done.
    open_items: usize,
    /// How often it was changed.
    revision: i64,
}

impl PostmortemOut {
    fn of(
        id: IncidentId,
        title: &str,
        written: &Written,
        revision: i64,
        now: Time,
    ) -> PostmortemOut {
        PostmortemOut {
            incident: id.0,
            title: title.to_owned(),
            stage: written.stage.word().to_owned(),
            owner: written.owner.clone(),
            due: written.due.map(Time::rfc3339),
            overdue: written.overdue(now),
            open_items: written.open_items().count(),
            revision,
        }
    }
}

/// Changes a postmortem: its way, its owner, a section, an action item, or where it goes.
#[utoipa::path(
    post,
    path = "/incidents/{id}/postmortem",
    tag = "postmortems",
    params(("id" = i64, Path, description = "Its number")),
    request_body = ChangeBody,
    responses(
        (status = 200, body = ChangedOut),
        (status = 400, description = "The body does not fit", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused, in words", body = ErrorBody),
        (status = 503, description = "The database does not answer; try again", body = ErrorBody),
    )
)]
pub async fn change_postmortem(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    Body(body): Body<ChangeBody>,
) -> Result<Json<ChangedOut>, Problem> {
    let by = Actor::Token {
        name: caller.name.clone(),
    };
    let before = read(&app, id).await?;
    let said = if let Some(export) = &body.export {
        let what = export
            .item
            .map_or("document".to_owned(), |n| format!("item:{n}"));
        app.engine.export(id, &export.to, &what, &by).await?;
        format!("On its way to {}.", export.to)
    } else {
        let act = act(&app, &before, body)?;
        app.engine.amend(id, act, &by).await?
    };
    let after = read(&app, id).await?;
    let now = app.engine.now();
    Ok(Json(ChangedOut {
        said,
        postmortem: PostmortemOut::of(
            id,
            &after.document.title,
            &after.written,
            after.revision,
            now,
        ),
    }))
}

fn act(app: &App, before: &Read, body: ChangeBody) -> Result<Act, Problem> {
    let bad = |why: String| Problem::bad("bad_body", why);
    let person = |id: Option<String>| match id.filter(|id| !id.is_empty()) {
        Some(id) if !app.engine.directory().people.contains_key(&id) => {
            Err(bad(format!("`{id}` is not in the directory.")))
        }
        id => Ok(id),
    };
    if let Some(stage) = &body.stage {
        let to = Stage::parse(stage).ok_or_else(|| {
            bad(format!(
                "`{stage}` is no stage; draft, in_review, reviewed and closed are."
            ))
        })?;
        return Ok(Act::Move { to });
    }
    if let Some(owner) = body.owner {
        return Ok(Act::Own {
            person: person(Some(owner))?,
        });
    }
    if let Some(at) = body.meeting {
        let at = match at.as_str() {
            "" => None,
            text => Some(Time::parse_rfc3339(text).ok_or_else(|| {
                bad(format!(
                    "`{text}` is no time: write it as 2026-12-01T14:00:00Z."
                ))
            })?),
        };
        return Ok(Act::Meet { at });
    }
    if let Some(section) = body.section {
        let now = before
            .document
            .section(&section.anchor)
            .ok_or_else(|| bad(format!("A postmortem has no section `{}`.", section.anchor)))?;
        return Ok(Act::Edit {
            anchor: section.anchor,
            base: now.base.clone(),
            from: crate::core::postmortem::hash(&section.was),
            now: now.text.clone(),
            text: section.text,
        });
    }
    if let Some(item) = body.item {
        let due = item.due.map(|d| {
            d.parse()
                .map_err(|_| bad(format!("`{d}` is no day: write it as 2026-12-01.")))
        });
        let priority = match item.priority.as_deref() {
            None => Priority::default(),
            Some(word) => Priority::parse(word).ok_or_else(|| {
                bad(format!(
                    "`{word}` is no priority; high, medium and low are."
                ))
            })?,
        };
        return Ok(Act::Item {
            id: None,
            what: item.what,
            owner: person(item.owner)?,
            due: due.transpose()?,
            priority,
            link: item.link,
        });
    }
    if let Some(id) = body.done {
        return Ok(Act::Done { id, done: true });
    }
    Err(bad(
        "The body names nothing to change; one of stage, owner, meeting, section, item, done and export does.".to_owned(),
    ))
}

/// Which postmortems.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// `draft`, `in_review`, `reviewed` or `closed`.
    stage: Option<String>,
    /// Directory id.
    owner: Option<String>,
    /// Team id.
    team: Option<String>,
    /// `true`: only those whose review is late.
    overdue: Option<String>,
    /// `true`: those of drills as well.
    drills: Option<String>,
    /// From 1.
    #[param(minimum = 1, default = 1)]
    page: Option<i64>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
}

impl FromParams for ListParams {
    fn from_params(params: &mut Params) -> Result<ListParams, Problem> {
        let stages = Stage::ALL.map(Stage::word);
        let stage = params.choice("stage", &stages)?.map(str::to_owned);
        let (owner, team) = (params.text("owner")?, params.text("team")?);
        let overdue = params
            .choice("overdue", &["true", "false"])?
            .map(str::to_owned);
        let drills = params
            .choice("drills", &["true", "false"])?
            .map(str::to_owned);
        let Paging { page, limit } = params.paging()?;
        Ok(ListParams {
            stage,
            owner,
            team,
            overdue,
            drills,
            page: Some(page),
            limit: Some(limit),
        })
    }
}

/// Postmortems people have touched or owe, newest incident first.
#[utoipa::path(
    get,
    path = "/postmortems",
    tag = "postmortems",
    params(ListParams),
    responses(
        (status = 200, body = Page<PostmortemOut>),
        NotRead,
    )
)]
pub async fn list_postmortems(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Asked(params): Asked<ListParams>,
) -> Result<Json<Page<PostmortemOut>>, Problem> {
    let paging = Paging {
        page: params.page.unwrap_or(1),
        limit: params.limit.unwrap_or(super::params::LIMIT_DEFAULT),
    };
    let now = app.engine.now();
    let query = PostmortemQuery {
        stage: params.stage.unwrap_or_default(),
        owner: params.owner,
        team: params.team,
        overdue_at: (params.overdue.as_deref() == Some("true")).then_some(now),
        sight: caller.sight(&app.engine.directory()),
        drills: params.drills.as_deref() == Some("true"),
        offset: paging.offset(),
        limit: paging.limit,
    };
    let (rows, total) = app.engine.store().postmortems(&query).await?;
    let out = |i: &crate::store::PostmortemItem| {
        PostmortemOut::of(
            i.row.incident,
            &i.title,
            &i.row.written,
            i.row.revision,
            now,
        )
    };
    Ok(Json(Page {
        items: rows.iter().map(out).collect(),
        page: paging.page,
        limit: paging.limit,
        total,
    }))
}

/// What is looked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchParams {
    /// Words; each must begin a word of what is found.
    q: Option<String>,
    /// `true`: only postmortems that are reviewed.
    reviewed: Option<String>,
    /// `true`: drills as well.
    drills: Option<String>,
    /// Service id.
    service: Option<String>,
    /// Team id.
    team: Option<String>,
    /// Opened not before this RFC 3339 time.
    from: Option<String>,
    /// Opened before this RFC 3339 time.
    until: Option<String>,
}

impl FromParams for SearchParams {
    fn from_params(params: &mut Params) -> Result<SearchParams, Problem> {
        let q = params.text("q")?;
        let reviewed = params
            .choice("reviewed", &["true", "false"])?
            .map(str::to_owned);
        let drills = params
            .choice("drills", &["true", "false"])?
            .map(str::to_owned);
        Ok(SearchParams {
            q,
            reviewed,
            drills,
            service: params.text("service")?,
            team: params.text("team")?,
            from: params.time("from")?.map(Time::rfc3339),
            until: params.time("until")?.map(Time::rfc3339),
        })
    }
}

/// Something that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundOut {
    /// Its incident.
    incident: i64,
    /// Title of the incident.
    title: String,
    /// Service id.
    service: Option<String>,
    /// Where its postmortem stands; empty: nobody has touched it.
    stage: String,
    /// When it was opened, RFC 3339.
    opened_at: String,
    /// The words around what was found, plain text.
    snippet: String,
}

impl From<FoundRow> for FoundOut {
    fn from(f: FoundRow) -> FoundOut {
        FoundOut {
            incident: f.incident.0,
            title: f.title,
            service: f.service,
            stage: f.stage,
            opened_at: f.at.rfc3339(),
            snippet: f.snippet.replace([MARK.0, MARK.1], ""),
        }
    }
}

/// Incidents that are over in whose timeline, conversation or postmortem words occur, the best first.
#[utoipa::path(
    get,
    path = "/search",
    tag = "postmortems",
    params(SearchParams),
    responses(
        (status = 200, body = All<FoundOut>),
        NotRead,
    )
)]
pub async fn search(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Asked(params): Asked<SearchParams>,
) -> Result<Json<All<FoundOut>>, Problem> {
    let time = |t: &Option<String>| t.as_deref().and_then(Time::parse_rfc3339);
    let filter = SearchFilter {
        reviewed: params.reviewed.as_deref() == Some("true"),
        sight: caller.sight(&app.engine.directory()),
        drills: params.drills.as_deref() == Some("true"),
        from: time(&params.from),
        until: time(&params.until),
        service: params.service,
        team: params.team,
    };
    let question = params.q.unwrap_or_default();
    let found = app.engine.store().search(&question, &filter, FOUND).await?;
    Ok(Json(All {
        items: found.into_iter().map(FoundOut::from).collect(),
    }))
}
