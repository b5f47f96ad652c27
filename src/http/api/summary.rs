//! A summary that a model proposes, by API: asked for, read, taken over, turned down.

use super::answers::{NotDone, NotSeen};
use super::body::{Body, Which};
use crate::core::summary::Proposal;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is to be done with it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SummaryBody {
    /// `ask`, `accept` or `reject`.
    #[serde(rename = "do")]
    #[schema(example = "ask")]
    act: String,
    /// Of `accept`: the words, when they are to be others than those that are proposed.
    text: Option<String>,
}

/// A sentence and the lines of the timeline it rests on.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentenceOut {
    /// Plain text.
    text: String,
    /// Numbers of events.
    cites: Vec<u32>,
}

/// A sentence that was not believed.
#[derive(Debug, Serialize, ToSchema)]
pub struct DroppedOut {
    /// Plain text.
    text: String,
    /// Why.
    why: String,
}

/// How the summary by a model stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct SummaryOut {
    /// `none`, `asking`, `proposed`, `accepted`, `rejected` or `failed`.
    state: String,
    /// All of it in words, as chat says it; of an act what came of it.
    told: String,
    /// Name of the model that was asked; empty: none was.
    model: String,
    /// Name of who asked.
    asked_by: String,
    /// Name of who decided; empty: nobody has.
    decided_by: String,
    /// Why there is none; empty: there is one.
    error: String,
    /// What is proposed, with its citations, as `accept` takes it over.
    text: String,
    /// The same, sentence by sentence.
    sentences: Vec<SentenceOut>,
    /// What was dropped.
    dropped: Vec<DroppedOut>,
}

impl SummaryOut {
    fn of(found: Option<Proposal>, told: String) -> SummaryOut {
        let state = found.as_ref().map_or("none", |p| p.state.word()).to_owned();
        let p = found.unwrap_or_default();
        let text = p.text();
        let sentences = p.checked.sentences.into_iter().map(|s| SentenceOut {
            text: s.text,
            cites: s.cites,
        });
        let dropped = p.checked.dropped.into_iter().map(|d| DroppedOut {
            text: d.text,
            why: d.why,
        });
        SummaryOut {
            state,
            told,
            model: p.model,
            asked_by: p.asked_by,
            decided_by: p.decided_by,
            error: p.error,
            text,
            sentences: sentences.collect(),
            dropped: dropped.collect(),
        }
    }
}

/// How the summary that a model proposes stands.
#[utoipa::path(
    get,
    path = "/incidents/{id}/summary",
    tag = "postmortems",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, description = "How it stands", body = SummaryOut),
        NotSeen,
    )
)]
pub async fn get_summary(
    State(app): State<App>,
    Which(id): Which,
) -> Result<Json<SummaryOut>, Problem> {
    let found = app.engine.incident(id).await?;
    found.ok_or_else(|| super::incidents::missing(id))?;
    let told = app.engine.summary_told(id).await?;
    let found = app.engine.store().proposal(id).await?;
    Ok(Json(SummaryOut::of(found, told)))
}

/// Asks the configured model for a summary, takes its proposal over into the postmortem, or turns it down.
/// The model is asked in the background: read it again until it is not `asking`.
#[utoipa::path(
    post,
    path = "/incidents/{id}/summary",
    tag = "postmortems",
    params(("id" = i64, Path, description = "Its number")),
    request_body = SummaryBody,
    responses(
        (status = 200, description = "Done; `told` says what came of it", body = SummaryOut),
        (status = 404, description = "There is no such incident", body = ErrorBody),
        (status = 409, description = "Refused: no proposal waits, or nothing would change", body = ErrorBody),
        NotDone,
    )
)]
pub async fn act_on_summary(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Which(id): Which,
    Body(body): Body<SummaryBody>,
) -> Result<Json<SummaryOut>, Problem> {
    let (engine, by) = (&app.engine, caller.actor());
    let told = match body.act.as_str() {
        "ask" => engine.ask_summary(id, &by).await?,
        "accept" => engine.accept_summary(id, body.text.as_deref(), &by).await?,
        "reject" => engine.decide_summary(id, None, &by).await?,
        other => {
            let why = format!("`do`: {other:?} is none of `ask`, `accept` and `reject`.");
            return Err(Problem::bad("bad_body", why));
        }
    };
    let found = engine.store().proposal(id).await?;
    Ok(Json(SummaryOut::of(found, told)))
}
