//! Forms that do something: buttons of cards, notes, declaring an incident.

use super::Console;
use super::load::{self, Moment};
use super::told::{Asker, cause};
use super::trouble::Trouble;
use super::view;
use super::view::forms::{self as draw, DeclareForm};
use super::view::frame::Here;
use super::viewer::Viewer;
use crate::chat::grammar::Invocation;
use crate::core::id::IncidentId;
use crate::core::incident::{Declaration, TITLE_CHARS};
use crate::core::route;
use crate::core::schedule::parse_at;
use crate::core::text::cut;
use crate::dispatch::{self, Reply};
use crate::platform::console::PLATFORM;
use crate::store::AlertQuery;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

/// Characters of a note or message; what the other platforms let people send.
pub(super) const TEXT_CHARS: usize = 4000;

#[derive(Deserialize)]
pub(super) struct PressForm {
    incident: i64,
    press: String,
    as_of: u32,
    click: String,
}

/// A button of a card.
pub(super) async fn press(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Form(form): Form<PressForm>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let press = crate::chat::button::press(&form.press).ok_or_else(|| {
        Trouble::Invalid(format!(
            "`{}` is not a button of this version; load the page again.",
            form.press
        ))
    })?;
    let cause = cause(&form.click, &format!("{}:{}", form.incident, form.press))?;
    let id = IncidentId(form.incident);
    let reply = dispatch::press(
        &console.app.engine,
        who,
        PLATFORM,
        id,
        &press,
        form.as_of,
        &cause,
    )
    .await;
    Ok(asker.tell(reply.ok, &reply.text))
}

#[derive(Deserialize)]
pub(super) struct NoteForm {
    text: String,
    #[serde(default)]
    at: String,
    click: String,
}

/// A note for the timeline.
pub(super) async fn note(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(id): Path<i64>,
    Form(form): Form<NoteForm>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let text = form.text.trim();
    if text.is_empty() || text.chars().count() > TEXT_CHARS {
        return Ok(asker.tell(
            false,
            &format!("A note has 1 to {TEXT_CHARS} characters; nothing was noted."),
        ));
    }
    let happened_at = match form.at.trim() {
        "" => None,
        at => match parse_at(at, viewer.zone, console.app.engine.now()) {
            Ok(at) => Some(at),
            Err(why) => return Ok(asker.tell(false, &format!("{why}. Nothing was noted."))),
        },
    };
    let note = Invocation::Note {
        id: IncidentId(id),
        text: text.to_owned(),
        happened_at,
    };
    let cause = cause(&form.click, &format!("{id}:note"))?;
    let reply = dispatch::invoke(&console.app.engine, who, PLATFORM, note, &cause).await;
    Ok(asker.tell(reply.ok, &reply.text))
}

/// What the form begins with.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct From {
    /// Number of an alert.
    alert: Option<i64>,
}

/// The form to declare an incident: empty, or with what an alert says.
pub(super) async fn declare_form(
    State(console): State<Console>,
    viewer: Viewer,
    Query(from): Query<From>,
) -> Result<Response, Trouble> {
    let given = match from.alert {
        Some(n) => of_alert(&console, &viewer, n).await?,
        None => DeclareForm::default(),
    };
    declare_page(&console, viewer, &given, "").await
}

/// What an alert says, in the fields of the form.
async fn of_alert(console: &Console, viewer: &Viewer, n: i64) -> Result<DeclareForm, Trouble> {
    let query = AlertQuery {
        after: n - 1,
        sight: viewer.sight.clone(),
        limit: 1,
        ..AlertQuery::default()
    };
    let found = console.app.engine.store().alerts(&query).await?;
    let row = found.into_iter().find(|row| row.id.0 == n);
    let row = row.ok_or_else(|| Trouble::NotFound(format!("There is no alert {n}.")))?;
    let told = view::lists::Body::of(&row);
    let directory = console.app.engine.directory();
    let severity = directory.severity_of_label(&told.labels);
    let severity = severity
        .and_then(|s| directory.level(s))
        .filter(|l| !l.alerts_only);
    let mut description = format!(
        "Declared from {} of {}, fingerprint {}.",
        row.id, row.source, row.fingerprint
    );
    for line in [told.annotations.get("description"), Some(&told.url)] {
        if let Some(line) = line.filter(|l| !l.is_empty()) {
            description = format!("{description}\n{line}");
        }
    }
    Ok(DeclareForm {
        title: cut(&told.headline(&row), TITLE_CHARS),
        severity: severity.map_or_else(String::new, |l| l.name.clone()),
        service: route::service(&directory, &told.labels)
            .unwrap_or_default()
            .to_owned(),
        description,
        ..DeclareForm::default()
    })
}

async fn declare_page(
    console: &Console,
    viewer: Viewer,
    given: &DeclareForm,
    why: &str,
) -> Result<Response, Trouble> {
    let moment = Moment::new(console, viewer);
    let body = draw::declare(moment.scene(), given, why);
    load::page(
        console,
        &moment,
        (Here::Declare, "/declare"),
        "Declare an incident",
        &body,
    )
    .await
}

/// Declares an incident and leads to its page.
pub(super) async fn declare(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Form(form): Form<DeclareForm>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let invocation = match read(&console, &form) {
        Ok(invocation) => invocation,
        Err(why) => return declare_page(&console, viewer, &form, &why).await,
    };
    let cause = cause(&form.click, "declare")?;
    let reply = dispatch::invoke(&console.app.engine, who, PLATFORM, invocation, &cause).await;
    match reply {
        Reply {
            ok: true,
            incident: Some(id),
            text,
            ..
        } => Ok(asker.send(&format!("/incidents/{}", id.0), true, &text)),
        refused => Ok(declare_page(&console, viewer, &form, &refused.text)
            .await?
            .into_response()),
    }
}

fn read(console: &Console, form: &DeclareForm) -> Result<Invocation, String> {
    let directory = console.app.engine.directory();
    let title = form.title.trim();
    if title.is_empty() {
        return Err("Say in one line what is wrong.".to_owned());
    }
    let severity = match form.severity.as_str() {
        "" => None,
        name => Some(
            directory
                .severity(name)
                .ok_or_else(|| format!("`{name}` is not a severity; choose one of the list."))?,
        ),
    };
    let service = Some(form.service.clone()).filter(|s| !s.is_empty());
    if let Some(unknown) = service
        .as_ref()
        .filter(|s| !directory.services.contains_key(*s))
    {
        return Err(format!(
            "The service `{unknown}` is not configured; choose one of the list."
        ));
    }
    let type_id = Some(form.kind.clone()).filter(|t| !t.is_empty());
    if let Some(unknown) = type_id.as_ref().filter(|t| directory.kind(t).is_none()) {
        return Err(format!(
            "The type `{unknown}` is not configured; choose one of the list."
        ));
    }
    Ok(Invocation::New(Declaration {
        title: title.to_owned(),
        severity,
        service,
        type_id,
        // A box that is not ticked says nothing; the type's default holds then.
        private: form.private.then_some(true),
        drill: form.drill.then_some(true),
        description: form.description.clone(),
        link: String::new(),
    }))
}
