//! The way to a run: typed arguments, the exact program, and the confirmation.
//!
//! The first two steps change nothing and are plain GETs, so they can be reloaded and gone back to.

use super::Console;
use super::load::{self, Moment};
use super::told::{Asker, cause};
use super::trouble::Trouble;
use super::view::frame::Here;
use super::view::run as draw;
use super::viewer::Viewer;
use crate::core::action;
use crate::core::directory::Action;
use crate::core::id::{Actor, RunId};
use crate::core::incident::{Ask, Command, Incident};
use crate::core::verdict::needs_words;
use crate::engine::{Counter, Failure};
use crate::platform::console::PLATFORM;
use axum::extract::{Form, Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::sync::Arc;

type Fields = Vec<(String, String)>;

/// The arguments among a form's fields.
fn args(fields: &Fields) -> BTreeMap<String, String> {
    let arg =
        |(k, v): &(String, String)| Some((k.strip_prefix("arg.")?.to_owned(), v.trim().to_owned()));
    fields.iter().filter_map(arg).collect()
}

struct Asked {
    incident: Arc<Incident>,
    action: Arc<Action>,
}

async fn asked(console: &Console, id: i64, name: &str) -> Result<Asked, Trouble> {
    let incident = load::incident(console, id).await?;
    let directory = console.app.engine.directory();
    let action = directory
        .actions
        .get(name)
        .ok_or_else(|| Trouble::NotFound(format!("The action `{name}` is not configured.")))?;
    action::offered(action, incident.service.as_deref(), &incident.labels())
        .map_err(Trouble::Invalid)?;
    Ok(Asked {
        incident,
        action: action.clone(),
    })
}

/// First step.
pub(super) async fn form(
    State(console): State<Console>,
    viewer: Viewer,
    Path((id, name)): Path<(i64, String)>,
    Query(fields): Query<Fields>,
) -> Result<Response, Trouble> {
    let asked = asked(&console, id, &name).await?;
    let dry = fields.iter().any(|(k, v)| k == "dry" && v == "yes");
    form_page(&console, viewer, &asked, (&args(&fields), dry), "").await
}

async fn form_page(
    console: &Console,
    viewer: Viewer,
    asked: &Asked,
    given: (&BTreeMap<String, String>, bool),
    why: &str,
) -> Result<Response, Trouble> {
    let moment = Moment::new(console, viewer);
    let body = draw::form(moment.scene(), &asked.incident, &asked.action, given, why);
    let path = format!("/incidents/{}/run/{}", asked.incident.id.0, asked.action.id);
    load::page(
        console,
        &moment,
        (Here::Incidents, &path),
        &asked.action.title,
        &body,
    )
    .await
}

/// Second step: exactly what would run.
pub(super) async fn preview(
    State(console): State<Console>,
    viewer: Viewer,
    Path((id, name)): Path<(i64, String)>,
    Query(fields): Query<Fields>,
) -> Result<Response, Trouble> {
    let asked = asked(&console, id, &name).await?;
    let given = args(&fields);
    let plan = match action::bind(&asked.action, &given, &asked.incident.labels()) {
        Ok(plan) => plan,
        Err(why) => return form_page(&console, viewer, &asked, (&given, false), &why).await,
    };
    let moment = Moment::new(&console, viewer);
    let body = draw::confirm(
        moment.scene(),
        &asked.incident,
        &asked.action,
        &given,
        &plan,
    );
    let path = format!("/incidents/{id}/run/{name}");
    load::page(
        &console,
        &moment,
        (Here::Incidents, &path),
        &asked.action.title,
        &body,
    )
    .await
}

/// Third step: asks for the run and, when nobody else has to agree, confirms it.
pub(super) async fn confirm(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path((id, name)): Path<(i64, String)>,
    Form(fields): Form<Fields>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let asked = asked(&console, id, &name).await?;
    let click = fields
        .iter()
        .find(|f| f.0 == "click")
        .map_or("", |f| f.1.as_str());
    let cause = cause(click, &format!("{id}:run:{name}"))?;
    let field = |name: &str| {
        let found = fields.iter().find(|f| f.0 == name);
        found
            .map(|f| f.1.trim().to_owned())
            .filter(|v| !v.is_empty())
    };
    let (reason, seen) = (field("break-glass"), field("subject"));
    let dry = field("dry").is_some();
    let ask = Ask {
        break_glass: reason.is_some() && !dry,
        reason,
        dry,
        ..Ask::default()
    };
    match start(&console, &asked, who, (args(&fields), ask, seen), &cause).await {
        Ok(text) => {
            let home = load::room_of(&asked.incident).map_or_else(
                || format!("/incidents/{id}"),
                |room| format!("/rooms/{}", room.0),
            );
            Ok(asker.send(&home, true, &text))
        }
        Err(Failure::Refused(refusal)) => {
            let page = form_page(
                &console,
                viewer,
                &asked,
                (&args(&fields), dry),
                &refusal.to_string(),
            )
            .await?;
            Ok(page.into_response())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// A file a run left. Always saved, never shown: whatever is in it is the program's.
pub(super) async fn file(
    State(console): State<Console>,
    _viewer: Viewer,
    Path((incident, run, n)): Path<(i64, i64, i64)>,
) -> Result<Response, Trouble> {
    let gone = || Trouble::NotFound("This run left no such file.".to_owned());
    let incident = load::incident(&console, incident).await?;
    if !incident.runs.contains_key(&RunId(run)) {
        return Err(gone());
    }
    let engine = &console.app.engine;
    let files = engine.store().artifacts(RunId(run)).await?;
    let file = files.into_iter().find(|f| f.n == n).ok_or_else(gone)?;
    let place = engine.artifact(&file.sha256).ok_or_else(gone)?;
    let content = tokio::fs::read(place).await.map_err(|_| gone())?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", file.name),
        ),
    ];
    Ok((headers, content).into_response())
}

async fn start(
    console: &Console,
    asked: &Asked,
    who: Actor,
    (args, ask, seen): (BTreeMap<String, String>, Ask, Option<String>),
    cause: &str,
) -> Result<String, Failure> {
    let engine = &console.app.engine;
    let id = asked.incident.id;
    let through = |command, seen| Command::Through {
        door: PLATFORM.to_owned(),
        seen,
        command: Box::new(command),
    };
    let confirmed = ask.break_glass || asked.action.approvals() == 0;
    let dry = ask.dry;
    let ask = Command::AskRun {
        by: who.clone(),
        run: RunId(engine.next_id(Counter::Run)),
        action: asked.action.clone(),
        args,
        ask,
    };
    let done = engine.submit(cause, id, through(ask, None)).await?;
    // Found by its event: when the form was sent twice this is the run of the first time.
    let now = engine.incident(id).await?;
    let run = now.and_then(|i| {
        let found = i.run_asked_by(done.seq);
        found.map(|(run, r)| (run, r.unrehearsed()))
    });
    match run {
        Some((run, _)) if dry => Ok(format!(
            "{run}: the dry run of “{}” starts.",
            asked.action.title
        )),
        Some((run, true)) => Ok(format!(
            "{run} “{}” is rehearsed in its only-look mode first.",
            asked.action.title
        )),
        // The page before showed exactly what starts: what it showed is what is confirmed.
        Some((run, false)) if confirmed => {
            let approve = through(Command::ApproveRun { by: who, run }, seen);
            engine
                .submit(&format!("{cause}:confirm"), id, approve)
                .await?;
            Ok(format!("{run} “{}” starts.", asked.action.title))
        }
        Some((run, false)) => Ok(format!(
            "{run} “{}” waits for {}.",
            asked.action.title,
            needs_words(
                &asked.action.approval.required,
                asked.action.approval.four_eyes
            )
        )),
        None => Ok(format!("“{}” was asked for.", asked.action.title)),
    }
}
