//! The page of silences: what is held back, until when, by whom and what it held; making and ending one.

use super::Console;
use super::load::{self, Moment};
use super::told::{Asker, cause};
use super::trouble::Trouble;
use super::view::frame::Here;
use super::view::silences::{self as draw, SilenceForm, SilenceView};
use super::viewer::Viewer;
use crate::chat::grammar::{self, Context, Invocation};
use crate::core::silence::{self, Silence, SilenceState};
use crate::dispatch;
use crate::platform::console::PLATFORM;
use axum::extract::{Form, State};
use axum::response::Response;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far back silences that are over are shown, milliseconds.
const PAST_MS: i64 = 7 * 86_400_000;
/// Of those at most.
const PAST: i64 = 20;
/// Alerts listed with each.
const HELD: i64 = 10;

/// The page.
pub(super) async fn page(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Response, Trouble> {
    shown(&console, viewer, &SilenceForm::default(), "").await
}

async fn shown(
    console: &Console,
    viewer: Viewer,
    given: &SilenceForm,
    why: &str,
) -> Result<Response, Trouble> {
    let moment = Moment::new(console, viewer);
    let views = views(console, &moment).await?;
    let body = draw::silences(moment.scene(), &views, given, why);
    load::page(
        console,
        &moment,
        (Here::Silences, "/silences"),
        "Silences",
        &body,
    )
    .await
}

async fn views(console: &Console, moment: &Moment) -> Result<Vec<SilenceView>, Trouble> {
    let store = console.app.engine.store();
    let now = moment.now;
    let mut all: Vec<Arc<Silence>> = silence::known(&moment.directory).cloned().collect();
    all.retain(|s| s.state(now) != SilenceState::Expired);
    all.sort_by_key(|s| (s.state(now), s.span(now), s.id.clone()));
    let past = store
        .past_silences(now, now.plus_ms(-PAST_MS), PAST)
        .await?;
    all.extend(past.into_iter().map(Arc::new));
    let mut views = Vec::new();
    for silence in all {
        let span = silence.active(now).or_else(|| silence.last_span(now));
        let since = span.map_or(silence.starts_at, |(start, _)| start);
        views.push(SilenceView {
            held: store.count_held(&silence.id, since).await?,
            alerts: store.held_by(&silence.id, since, HELD).await?,
            silence,
        });
    }
    Ok(views)
}

/// Makes one.
pub(super) async fn make(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Form(form): Form<SilenceForm>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let invocation = match read(&console, &viewer, &form) {
        Ok(invocation) => invocation,
        Err(why) => return shown(&console, viewer, &form, &why).await,
    };
    let cause = cause(&form.click, "silence")?;
    let reply = dispatch::invoke(&console.app.engine, who, PLATFORM, invocation, &cause).await;
    if !reply.ok {
        return shown(&console, viewer, &form, &reply.text).await;
    }
    Ok(asker.send("/silences", true, &reply.text))
}

/// The form as the command it stands for, read by the command's own reader.
fn read(console: &Console, viewer: &Viewer, form: &SilenceForm) -> Result<Invocation, String> {
    let directory = console.app.engine.directory();
    let planned = form.kind == "maintenance";
    if planned && !form.labels.trim().is_empty() {
        return Err(
            "Planned work is about a whole service; leave the labels empty, or choose quiet."
                .to_owned(),
        );
    }
    let what = format!("{} {}", form.service, form.labels);
    let mut options = BTreeMap::from([("duration".to_owned(), form.duration.clone())]);
    if !form.comment.trim().is_empty() {
        options.insert("comment".to_owned(), form.comment.trim().to_owned());
    }
    let verb = if planned {
        options.insert("service".to_owned(), form.service.clone());
        "maintenance"
    } else {
        options.insert("what".to_owned(), what);
        "silence"
    };
    let context = Context {
        directory: &directory,
        now: console.app.engine.now(),
        zone: viewer.zone,
        here: None,
    };
    grammar::typed(verb, &options, &context).map_err(|usage| usage.what)
}

#[derive(Deserialize)]
pub(super) struct EndForm {
    id: String,
    click: String,
}

/// Ends one.
pub(super) async fn end(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Form(form): Form<EndForm>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let cause = cause(&form.click, &format!("unsilence:{}", form.id))?;
    let end = Invocation::Unsilence { id: form.id };
    let reply = dispatch::invoke(&console.app.engine, who, PLATFORM, end, &cause).await;
    Ok(asker.send("/silences", reply.ok, &reply.text))
}
