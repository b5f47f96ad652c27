//! The console: the third chat platform, in the browser.
//!
//! Promises: every page works with forms and redirects alone, the script only saves reloads; cards
//! and runs are drawn from state, never from stored text; words of alerts and people are escaped by
//! the markup macro and never trusted; a double click has one effect, because the form carries a
//! one-time id that becomes the cause. Nothing is loaded from anywhere else, and the content
//! security policy says so.
//!
//! Handlers load, `view` draws: the functions in `view` are pure and take everything they show.
//!
//! Deliberately absent: login. Until it exists the console acts only in demo mode, where anybody
//! who can reach it may say who they are; otherwise it is read-only and says why.

mod act;
mod analytics;
mod assets;
mod audit;
mod automation;
mod calendar;
mod changes;
mod compose;
mod conduct;
mod fairness;
mod fragment;
mod guard;
mod hands;
mod incident;
mod live;
mod load;
mod me;
mod overview;
mod person;
mod post;
mod postmortem;
mod preview;
mod room;
mod run;
mod silences;
mod status;
mod summary;
mod talk;
mod told;
mod trouble;
mod view;
mod viewer;

use crate::core::postmortem::Format;
use crate::http::App;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::middleware;
use axum::routing::{get, post as on_post};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Bytes of a form; the longest field is a section of a postmortem, of which a character can be twelve
/// bytes on its way.
const FORM_BYTES: usize = 256 * 1024;

/// What the console's handlers share.
#[derive(Clone)]
pub(crate) struct Console {
    app: App,
    /// Made anew at every start; signs the tokens in forms.
    key: Arc<[u8; 32]>,
}

impl Console {
    fn new(app: App) -> Console {
        let mut hash = Sha256::new();
        hash.update(uuid::Uuid::new_v4().as_bytes());
        hash.update(uuid::Uuid::new_v4().as_bytes());
        Console {
            app,
            key: Arc::new(hash.finalize().into()),
        }
    }
}

/// The console's pages, forms, fragments and live stream, complete with their guards.
///
/// Merge it into the server's router; it answers `/` and claims no path under `/api`, `/v1` or `/v2`.
pub fn router(app: App) -> Router {
    let console = Console::new(app);
    let guard = middleware::from_fn_with_state(console.clone(), guard::guard);
    let most = usize::try_from(console.app.engine.directory().rooms.file_bytes);
    let most = most.unwrap_or(usize::MAX).saturating_add(talk::AROUND);
    // A reload may allow more; what is more than that now waits for the next start.
    let sent = Router::new()
        .route("/rooms/{id}/files", on_post(talk::upload))
        .layer(DefaultBodyLimit::max(most));
    pages()
        .merge(forms())
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .merge(sent)
        .layer(guard)
        .layer(middleware::from_fn(guard::headers))
        .with_state(console)
}

fn pages() -> Router<Console> {
    Router::new()
        .route("/", get(overview::overview))
        .route("/incidents", get(incident::list))
        .route("/incidents/{id}", get(incident::one))
        .route("/incidents/{id}/silence", get(hands::silence))
        .merge(documents())
        .route("/rooms/{id}", get(room::room))
        .route("/oncall", get(overview::oncall))
        .route("/fairness", get(fairness::fairness))
        .route("/oncall/{schedule}", get(calendar::calendar))
        .route("/oncall/{schedule}/preview", get(preview::preview))
        .route("/me", get(me::me))
        .route("/people/{id}", get(person::person))
        .route("/services", get(overview::services))
        .route("/actions", get(overview::actions))
        .route("/alerts", get(overview::alerts))
        .route("/quarantine", get(overview::quarantine))
        .route("/silences", get(silences::page))
        .route("/status", get(status::page))
        .route("/audit", get(audit::audit))
        .route("/changes", get(changes::changes))
        .route("/analytics", get(analytics::page))
        .route("/analytics/{table}", get(analytics::sheet))
        .route("/learn", get(automation::evidence))
        .route("/events", get(live::events))
        .route("/complete", get(compose::complete))
        .route("/fragments/overview", get(fragment::overview))
        .route("/fragments/side", get(fragment::side))
        .route("/fragments/card/{id}", get(fragment::card))
        .route("/fragments/strip/{id}", get(fragment::strip))
        .route("/fragments/incident/{id}", get(fragment::incident))
        .route("/fragments/room/{id}", get(fragment::room))
        .route("/fragments/room/{id}/changed", get(fragment::changed))
        .route("/fragments/run/{incident}/{id}", get(fragment::run))
        .route("/fragments/board/{id}", get(fragment::board))
        .route("/incidents/{incident}/runs/{run}/files/{n}", get(run::file))
        .route("/incidents/{id}/files/{seq}", get(talk::file))
        .route("/assets/{name}", get(assets::serve))
        .route("/severities.css", get(assets::severities))
}

/// Postmortems: to be read, taken along and looked for.
fn documents() -> Router<Console> {
    let mut router = Router::new()
        .route("/postmortems", get(postmortem::list))
        .route("/search", get(postmortem::search))
        .route("/incidents/{id}/postmortem", get(postmortem::page))
        .route("/incidents/{id}/postmortem.pdf", get(postmortem::pdf));
    for format in Format::ALL {
        let file = move |State(console): State<Console>,
                         Path(id): Path<i64>,
                         Query(how): Query<postmortem::How>| async move {
            postmortem::download(console, id, how, format).await
        };
        let path = format!("/incidents/{{id}}/postmortem.{}", format.ending());
        router = router.route(&path, get(file));
    }
    router
}

fn forms() -> Router<Console> {
    Router::new()
        .route(
            "/incidents/{id}/postmortem/edit/{anchor}",
            get(postmortem::edit).post(postmortem::save),
        )
        .route(
            "/incidents/{id}/postmortem/redact/{anchor}",
            get(talk::redact_section_form).post(talk::redact_section),
        )
        .route(
            "/incidents/{id}/postmortem/change",
            on_post(postmortem::change),
        )
        .route(
            "/incidents/{id}/postmortem/summary",
            on_post(summary::summary),
        )
        .route("/people", get(viewer::people).post(viewer::pick))
        .route("/theme", on_post(viewer::theme))
        .route("/declare", get(act::declare_form).post(act::declare))
        .route("/press", on_post(act::press))
        .route("/oncall/{schedule}/feed", on_post(calendar::rotate))
        .route("/me/feed", on_post(me::rotate))
        .route("/incidents/bulk", on_post(hands::bulk))
        .route("/incidents/{id}/notes", on_post(act::note))
        .route("/incidents/{id}/command", on_post(conduct::act))
        .route("/incidents/{id}/reassign", on_post(hands::reassign))
        .route("/incidents/{id}/merge", on_post(hands::merge))
        .route("/incidents/{id}/shape", on_post(hands::shape))
        .route(
            "/incidents/{incident}/runs/{run}/settle",
            on_post(hands::settle),
        )
        .route(
            "/incidents/{id}/run/{action}",
            get(run::form).post(run::confirm),
        )
        .route("/incidents/{id}/run/{action}/confirm", get(run::preview))
        .route("/rooms/{id}/posts", on_post(compose::say))
        .route("/rooms/{id}/posts/{post}/mark", on_post(talk::mark))
        .route("/rooms/{id}/posts/{post}/delete", on_post(talk::delete))
        .route(
            "/rooms/{id}/posts/{post}/edit",
            get(talk::edit_form).post(talk::edit),
        )
        .route(
            "/incidents/{id}/redact/{seq}",
            get(talk::redact_form).post(talk::redact),
        )
        .route(
            "/automation",
            get(automation::page).post(automation::switch),
        )
        .route(
            "/incidents/{id}/update",
            get(status::form).post(status::tell),
        )
        .route("/incidents/{id}/publish", on_post(status::publish))
        .route("/status/subscribe", on_post(status::subscribe))
        .route("/status/confirm", on_post(status::confirm))
        .route("/status/unsubscribe", on_post(status::unsubscribe))
        .route("/silences", on_post(silences::make))
        .route("/silences/end", on_post(silences::end))
}
