//! `firebell summary`: over the REST API, as the person whose token it is.

use super::approve::{Door, asked};
use super::print;
use crate::core::id::IncidentId;
use serde_json::json;
use std::process::ExitCode;

/// What to do with the summary that a model proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum What {
    /// Print what is proposed
    Show,
    /// Ask the configured model; the timeline is sent to it
    Ask,
    /// Take it over into the postmortem
    Accept,
    /// Turn it down
    Reject,
}

/// Looks at it, asks for it, or decides.
///
/// # Errors
/// When firebell cannot be asked, or says no.
pub(super) async fn summary(
    door: &Door,
    id: IncidentId,
    what: What,
    text: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let (client, base, token) = door.open()?;
    let at = format!("{base}/api/v1/incidents/{}/summary", id.0);
    let request = match what {
        What::Show => client.get(at),
        What::Ask => client.post(at).json(&json!({"do": "ask"})),
        What::Accept => client.post(at).json(&json!({"do": "accept", "text": text})),
        What::Reject => client.post(at).json(&json!({"do": "reject"})),
    };
    let done = asked(request.bearer_auth(&token)).await?;
    print(done["told"].as_str().unwrap_or("Done."))?;
    Ok(ExitCode::SUCCESS)
}
