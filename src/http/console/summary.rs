//! A summary a model proposes: asked for, taken over, turned down.

use super::Console;
use super::told::Asker;
use super::trouble::Trouble;
use super::viewer::Viewer;
use crate::core::id::IncidentId;
use axum::extract::{Form, Path, State};
use axum::response::Response;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Wanted {
    /// `ask`, `accept` or `reject`.
    act: String,
    /// Of `accept`: the words, as somebody left them.
    text: String,
}

/// What the form wants.
pub(super) async fn summary(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(id): Path<i64>,
    Form(form): Form<Wanted>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let (engine, incident) = (&console.app.engine, IncidentId(id));
    let back = format!("/incidents/{id}/postmortem");
    let result = match form.act.as_str() {
        "ask" => engine.ask_summary(incident, &who).await,
        "accept" => {
            engine
                .decide_summary(incident, Some(&form.text), &who)
                .await
        }
        "reject" => engine.decide_summary(incident, None, &who).await,
        other => {
            let why = format!("`{other}` is nothing that can be done with a proposal.");
            return Ok(asker.send(&back, false, &why));
        }
    };
    match result {
        Ok(said) => Ok(asker.send(&back, true, &said)),
        Err(why) => Ok(asker.send(&back, false, &why.to_string())),
    }
}
