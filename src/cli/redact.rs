//! `firebell redact`: over the REST API, as the person whose token it is.

use super::approve::{Door, asked};
use super::print;
use crate::core::id::IncidentId;
use serde_json::json;
use std::process::ExitCode;

/// Removes a line for good.
///
/// # Errors
/// When firebell cannot be asked, or says no.
pub(super) async fn redact(
    door: &Door,
    id: IncidentId,
    line: u32,
    why: &str,
) -> anyhow::Result<ExitCode> {
    let (client, base, token) = door.open()?;
    let to = format!("{base}/api/v1/incidents/{}/timeline/{line}/redact", id.0);
    let done = client
        .post(to)
        .bearer_auth(&token)
        .json(&json!({"why": why}));
    let done = asked(done).await?;
    print(done["told"].as_str().unwrap_or("Done."))?;
    Ok(ExitCode::SUCCESS)
}
