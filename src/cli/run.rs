//! `firebell run`: asks for a runbook action over the REST API, as the person whose token it is.
//!
//! What only looks starts at once. Anything else waits for `firebell approve`, which prints what would
//! run and asks.

use super::approve::{Door, asked, shown};
use super::print;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// What is to run, and whom to ask.
#[derive(Debug, clap::Args)]
pub(super) struct What {
    /// The incident, such as 42 or #42
    #[arg(value_name = "INCIDENT", value_parser = incident)]
    incident: i64,
    /// Id of the action
    #[arg(value_name = "ACTION")]
    action: String,
    /// Its arguments
    #[arg(value_name = "NAME=VALUE", value_parser = pair)]
    args: Vec<(String, String)>,
    /// Only its dry run: it starts at once and changes nothing
    #[arg(long, conflicts_with = "break_glass")]
    dry_run: bool,
    /// Why, for the timeline
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Emergency: why it runs without its approval; everybody is told
    #[arg(long, value_name = "WHY", conflicts_with = "reason")]
    break_glass: Option<String>,
    #[command(flatten)]
    door: Door,
}

fn incident(text: &str) -> Result<i64, String> {
    match text.trim_start_matches('#').parse::<i64>() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("an incident is a number such as 42".to_owned()),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Asks, and says what follows.
///
/// # Errors
/// When firebell cannot be asked, or says no.
pub(super) async fn run(what: &What) -> anyhow::Result<ExitCode> {
    let (client, base, token) = what.door.open()?;
    let args: BTreeMap<_, _> = what.args.iter().cloned().collect();
    let reason = what.break_glass.as_ref().or(what.reason.as_ref());
    let body = json!({
        "action": what.action, "args": args, "dry_run": what.dry_run,
        "reason": reason, "break_glass": what.break_glass.is_some(),
    });
    let url = format!("{base}/api/v1/incidents/{}/runs", what.incident);
    let answer = asked(client.post(url).bearer_auth(&token).json(&body)).await?;
    print(&shown(&answer))?;
    let run = &answer["id"];
    print(&match answer["state"].as_str() {
        Some("asked") => format!("run-{run} waits: `firebell approve run-{run}`"),
        state => format!("run-{run}: {}", state.unwrap_or("asked for")),
    })?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incidents_and_arguments_are_written_as_in_chat() {
        assert_eq!(incident("#42"), Ok(42));
        assert!(incident("0").is_err() && incident("run-3").is_err());
        assert_eq!(
            pair("host=web-1=x"),
            Ok(("host".to_owned(), "web-1=x".to_owned()))
        );
        assert!(pair("host").is_err());
    }
}
