//! What others are told: where each open incident stands for those who wait, who is told of it, what
//! became of each telling; writing an update, and reading a public one before everybody does.

use super::Console;
use super::load::{self, Moment};
use super::told::{Asker, cause};
use super::trouble::Trouble;
use super::view::frame::Here;
use super::view::status::{self as draw, SubscribeForm, UpdateForm, UpdateView};
use super::viewer::Viewer;
use crate::chat::grammar::{self, Context, Invocation};
use crate::core::board::{Condition, inside};
use crate::core::id::IncidentId;
use crate::core::incident::{Incident, UpdateWish, compose, preview};
use crate::core::subscribe::Topics;
use crate::dispatch;
use crate::engine::{Engine, Failure};
use crate::platform::console::PLATFORM;
use crate::store::{SubscriberRow, UpdateRow};
use axum::extract::{Form, Path, State};
use axum::response::Response;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Tellings shown.
const TELLINGS: i64 = 50;

/// The page inside: how everything is for people here, and what is told to whom.
pub(super) async fn page(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let engine = &console.app.engine;
    let mut open = engine.open_incidents();
    open.retain(|i| moment.viewer.sight.sees(i));
    open.sort_by_key(|i| (i.severity, std::cmp::Reverse(i.id)));
    let read = engine.board().await?;
    let seen: Vec<&Incident> = open.iter().map(Arc::as_ref).collect();
    let parts = inside(&moment.directory, &seen, read.as_ref(), moment.now);
    let hidden = engine.store().hidden(&moment.viewer.sight).await?;
    let mut tellings = engine.tellings(None, TELLINGS).await?;
    tellings.retain(|(_, row)| !hidden.contains(&row.incident));
    let mut asked = engine.store().subscribers().await?;
    asked.retain_mut(|row| without(row, &hidden));
    let view = draw::StatusView {
        updates: updates(engine, &open).await?,
        parts,
        open,
        files: moment.directory.subscribers.clone(),
        asked,
        tellings,
        served: console.app.settings.page.listen.is_some(),
    };
    let body = draw::status(moment.scene(), &view);
    load::page(
        &console,
        &moment,
        (Here::Status, "/status"),
        "Status",
        &body,
    )
    .await
}

/// A subscription less the incidents the viewer may not see; false: nothing of it is left to see.
fn without(row: &mut SubscriberRow, hidden: &BTreeSet<IncidentId>) -> bool {
    let Ok(mut topics) = serde_json::from_str::<Topics>(&row.topics) else {
        return true;
    };
    if topics.incidents.is_empty() {
        return true;
    }
    topics.incidents.retain(|id| !hidden.contains(id));
    // Strings and numbers always serialise.
    row.topics = serde_json::to_string(&topics).unwrap_or_default();
    !topics.incidents.is_empty()
}

/// What was told of what is open, the newest first.
async fn updates(
    engine: &Engine,
    open: &[Arc<Incident>],
) -> Result<BTreeMap<IncidentId, Vec<UpdateRow>>, Failure> {
    let told = open.iter().filter(|i| i.told.last.is_some());
    let Some(since) = told.map(|i| i.opened_at).min() else {
        return Ok(BTreeMap::new());
    };
    let mut found: BTreeMap<IncidentId, Vec<UpdateRow>> = BTreeMap::new();
    for row in engine.store().updates_since(None, since).await? {
        if open.iter().any(|i| i.id == row.incident) {
            found.entry(row.incident).or_default().insert(0, row);
        }
    }
    Ok(found)
}

/// The form of an update, with what everybody would read when a public one waits for its author.
pub(super) async fn form(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<i64>,
) -> Result<Response, Trouble> {
    shown(&console, viewer, IncidentId(id), &UpdateForm::default(), "").await
}

async fn shown(
    console: &Console,
    viewer: Viewer,
    id: IncidentId,
    given: &UpdateForm,
    why: &str,
) -> Result<Response, Trouble> {
    let moment = Moment::new(console, viewer);
    let engine = &console.app.engine;
    let found = engine.incident(id).await?;
    let Some(incident) = found.filter(|i| moment.viewer.sight.sees(i)) else {
        return Err(Trouble::NotFound(format!("There is no incident {id}.")));
    };
    let draft = engine.store().update_draft(id, &moment.viewer.id).await?;
    let wish = draft.and_then(|d| serde_json::from_str::<UpdateWish>(&d.body).ok());
    let mut waiting = None;
    if let Some(wish) = wish {
        // In the configuration's zone, as everybody will read it.
        let directory = engine.directory();
        let composed = compose(&incident, &directory, moment.now, &wish);
        waiting = composed.ok().map(|update| {
            let components = update.announced.as_ref().map(|a| a.components.clone());
            (
                preview(&incident, &update, directory.zone).text,
                components.unwrap_or_default(),
            )
        });
    }
    let view = UpdateView {
        tellings: engine.tellings(Some(id), TELLINGS).await?,
        incident,
        waiting,
    };
    let body = draw::update(moment.scene(), &view, given, why);
    let path = format!("/incidents/{}/update", id.0);
    load::page(console, &moment, (Here::Incidents, &path), "Update", &body).await
}

/// Tells people inside, or keeps what everybody would read for its author to look at.
pub(super) async fn tell(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(id): Path<i64>,
    Form(form): Form<UpdateForm>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let directory = console.app.engine.directory();
    let given = [
        ("incident", id.to_string()),
        ("status", form.status.clone()),
        ("audience", form.audience.clone()),
        ("title", form.title.clone()),
        ("next", form.next.clone()),
        ("text", form.text.clone()),
    ];
    let options: BTreeMap<String, String> = given
        .into_iter()
        .filter(|(_, v)| !v.trim().is_empty())
        .map(|(k, v)| (k.to_owned(), v.trim().to_owned()))
        .collect();
    let context = Context {
        directory: &directory,
        now: console.app.engine.now(),
        zone: viewer.zone,
        here: None,
    };
    let invocation = match grammar::typed("update", &options, &context) {
        Ok(invocation) => invocation,
        Err(usage) => return shown(&console, viewer, IncidentId(id), &form, &usage.what).await,
    };
    let public = form.audience == "public";
    let cause = cause(&form.click, &format!("{id}:update"))?;
    let reply = dispatch::invoke(&console.app.engine, who, PLATFORM, invocation, &cause).await;
    if !reply.ok {
        return shown(&console, viewer, IncidentId(id), &form, &reply.text).await;
    }
    if public {
        let words = "Nothing is public yet: read what everybody will read, then send it.";
        return Ok(asker.send(&format!("/incidents/{id}/update"), true, words));
    }
    Ok(asker.send(&format!("/incidents/{id}"), true, &reply.text))
}

#[derive(Deserialize)]
pub(super) struct PublishForm {
    click: String,
    /// `id:condition` of each component, when they are to be others.
    #[serde(default)]
    components: String,
}

/// Sends the public update its author has read, or shows it anew with other components.
pub(super) async fn publish(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(id): Path<i64>,
    Form(form): Form<PublishForm>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let pairs = form.components.split(',').filter(|p| !p.trim().is_empty());
    let read = |pair: &str| {
        let (id, how) = pair.split_once(':')?;
        Some((id.trim().to_owned(), Condition::parse(how.trim())?))
    };
    let components: Option<Vec<_>> = pairs.map(read).collect();
    let Some(components) = components else {
        let why = "Components are written shop:partial, api:operational.";
        return shown(
            &console,
            viewer,
            IncidentId(id),
            &UpdateForm::default(),
            why,
        )
        .await;
    };
    let others = !components.is_empty();
    let publish = Invocation::Publish {
        id: IncidentId(id),
        components: Some(components).filter(|c| !c.is_empty()),
    };
    let cause = cause(&form.click, &format!("{id}:publish"))?;
    let reply = dispatch::invoke(&console.app.engine, who, PLATFORM, publish, &cause).await;
    if !reply.ok || others {
        let why = if reply.ok { "" } else { &reply.text };
        return shown(
            &console,
            viewer,
            IncidentId(id),
            &UpdateForm::default(),
            why,
        )
        .await;
    }
    Ok(asker.send(&format!("/incidents/{id}"), true, &reply.text))
}

/// Somebody asks to be told.
pub(super) async fn subscribe(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Form(form): Form<SubscribeForm>,
) -> Result<Response, Trouble> {
    if let Err(answer) = asker.actor(&console, &viewer) {
        return Ok(*answer);
    }
    let engine = &console.app.engine;
    let one = |word: &str| {
        Some(word.to_owned())
            .filter(|w| !w.is_empty())
            .into_iter()
            .collect()
    };
    let topics = Topics {
        services: one(&form.service),
        components: one(&form.component),
        severities: one(&form.severity),
        incidents: Vec::new(),
    };
    let outcome = match form.kind.as_str() {
        "channel" => {
            engine
                .subscribe_channel(&form.address, topics, &viewer.id)
                .await
        }
        _ => {
            engine
                .subscribe_mail(&form.address, topics, &viewer.id)
                .await
        }
    };
    match outcome {
        Ok(_) if form.kind == "channel" => {
            Ok(asker.send("/status", true, "The channel is told from now on."))
        }
        Ok(_) => Ok(asker.send(
            "/status",
            true,
            "A mail with a code is on its way; enter the code below.",
        )),
        Err(Failure::Refused(refusal)) => Ok(asker.send("/status", false, &refusal.to_string())),
        Err(failure) => Err(failure.into()),
    }
}

#[derive(Deserialize)]
pub(super) struct CodeForm {
    id: String,
    #[serde(default)]
    code: String,
}

/// Enters the code of a mail.
pub(super) async fn confirm(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Form(form): Form<CodeForm>,
) -> Result<Response, Trouble> {
    if let Err(answer) = asker.actor(&console, &viewer) {
        return Ok(*answer);
    }
    let good = console
        .app
        .engine
        .confirm_subscription(&form.id, &form.code)
        .await?;
    let words = if good {
        "That address is told from now on."
    } else {
        "That is not the code of the last mail, or it was tried too often; ask again for a new one."
    };
    Ok(asker.send("/status", good, words))
}

/// Ends a subscription.
pub(super) async fn unsubscribe(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Form(form): Form<CodeForm>,
) -> Result<Response, Trouble> {
    if let Err(answer) = asker.actor(&console, &viewer) {
        return Ok(*answer);
    }
    console.app.engine.unsubscribe(&form.id).await?;
    Ok(asker.send("/status", true, "It has ended; nothing more is sent there."))
}
