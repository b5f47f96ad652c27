//! What starts by itself: how it stands, off and on.

use super::answers::NotDone;
use super::body::{Body, cause};
use crate::core::brakes::Off;
use crate::core::time::Time;
use crate::engine::AutomationAct;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{ErrorBody, Problem};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What starts by itself.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AutomationOut {
    /// Things may start by themselves, as far as files and rules let them.
    pub on: bool,
    /// Why not, when it is off.
    pub off: Option<OffOut>,
    /// Actions that are turned off by themselves.
    pub actions_off: Vec<ActionOff>,
    /// The same in words.
    pub text: String,
}

/// Who turned something off, when and why.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OffOut {
    /// Who; `firebell` after failures in a row.
    pub by: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
    /// In their words.
    pub why: String,
}

/// An action that does not start by itself.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ActionOff {
    /// Action id.
    pub action: String,
    /// Who, when and why.
    pub off: OffOut,
}

/// Turn it off, or on again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AutomationBody {
    /// On; else off.
    pub on: bool,
    /// Only this action.
    #[serde(default)]
    pub action: Option<String>,
    /// Said in every channel.
    #[serde(default)]
    #[schema(example = "deploy in progress")]
    pub why: String,
}

fn off(off: &Off) -> OffOut {
    OffOut {
        by: off.by.name().to_owned(),
        since: Time::rfc3339(off.at),
        why: off.why.clone(),
    }
}

fn shown(app: &App) -> AutomationOut {
    let directory = app.engine.directory();
    let switches = &directory.switches;
    AutomationOut {
        on: switches.all_off().is_none(),
        off: switches.all_off().map(off),
        actions_off: switches
            .actions_off()
            .map(|(action, o)| ActionOff {
                action: action.to_owned(),
                off: off(o),
            })
            .collect(),
        text: crate::core::automation::status(&directory),
    }
}

/// How it stands.
#[utoipa::path(
    get,
    path = "/automation",
    tag = "automation",
    responses(
        (status = 200, description = "How it stands", body = AutomationOut),
        (status = 401, description = "No valid token", body = ErrorBody),
    )
)]
pub async fn get_automation(State(app): State<App>) -> Json<AutomationOut> {
    Json(shown(&app))
}

/// Turns everything that starts by itself off, or on again; or one action.
#[utoipa::path(
    post,
    path = "/automation",
    tag = "automation",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same act and does nothing new")),
    request_body = AutomationBody,
    responses(
        (status = 200, description = "Done, or it was so already", body = AutomationOut),
        (status = 403, description = "What failed by itself is turned on again by a person only", body = ErrorBody),
        NotDone,
    )
)]
pub async fn set_automation(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(body): Body<AutomationBody>,
) -> Result<Json<AutomationOut>, Problem> {
    let act = AutomationAct {
        cause: cause(&caller, &headers)?,
        by: caller.actor(),
        action: body.action,
        on: body.on,
        why: body.why,
    };
    app.engine.automate(act).await?;
    Ok(Json(shown(&app)))
}
