//! `firebell automation` and `firebell learn`: the switch, and what past incidents say.

use super::{print, serve};
use crate::core::automation;
use crate::core::brakes::Switches;
use crate::core::learn::Learned;
use crate::core::text::list;
use crate::store::Store;
use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Lessons that are read.
const LESSONS: i64 = 5000;
/// How long the running firebell has to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum What {
    /// How it stands, read from the database
    Status,
    /// Nothing starts by itself any more, for everybody at once
    Off,
    /// On again
    On,
}

/// The switch.
#[derive(Debug, clap::Args)]
pub(super) struct Switch {
    /// What to do
    #[arg(value_enum, default_value_t = What::Status)]
    what: What,
    /// Only this action
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Why; said in every channel
    #[arg(long, default_value = "", value_name = "TEXT")]
    why: String,
    /// Address of the running firebell [default: `public-url` of the configuration]
    #[arg(long, env = "FIREBELL_URL", value_name = "URL")]
    url: Option<String>,
    /// A token of `[[tokens]]`; off and on need one
    #[arg(
        long,
        env = "FIREBELL_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    token: Option<secrecy::SecretString>,
}

/// Tells how automation stands, or asks the running firebell to turn it off or on.
///
/// # Errors
/// When the database cannot be read, or firebell does not answer or refuses.
pub(super) async fn automation(config: &Path, switch: &Switch) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(config) else {
        return Ok(ExitCode::FAILURE);
    };
    if switch.what == What::Status {
        let store = Store::open(loaded.settings.database_url.expose_secret())
            .await
            .context("the database could not be opened")?;
        let mut directory = loaded.directory;
        directory.switches = Arc::new(Switches::of(store.switches().await?));
        print(&automation::status(&directory))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(token) = &switch.token else {
        bail!("a token is missing: set FIREBELL_TOKEN to one of `[[tokens]]`, or use the console");
    };
    let base = switch.url.as_deref().unwrap_or(&loaded.settings.public_url);
    let client = reqwest::Client::builder().timeout(ANSWER_WITHIN).build()?;
    let answer = client
        .post(format!("{}/api/v1/automation", base.trim_end_matches('/')))
        .bearer_auth(token.expose_secret())
        .json(&json!({
            "on": switch.what == What::On,
            "action": switch.action,
            "why": switch.why,
        }))
        .send()
        .await
        .with_context(|| format!("firebell does not answer at {base}"))?;
    let status = answer.status();
    let body: serde_json::Value = answer.json().await.unwrap_or_default();
    if !status.is_success() {
        let why = body["error"]["message"]
            .as_str()
            .unwrap_or("it did not say why");
        bail!("firebell refused ({status}): {why}");
    }
    print(body["text"].as_str().unwrap_or("Done."))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what past incidents say about an action, or about the incidents of a service.
///
/// # Errors
/// When the database cannot be read, or nothing has this name.
pub(super) async fn learn(config: &Path, name: &str) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(config) else {
        return Ok(ExitCode::FAILURE);
    };
    let directory = &loaded.directory;
    if !directory.actions.contains_key(name) && !directory.services.contains_key(name) {
        let known: Vec<&String> = directory
            .actions
            .keys()
            .chain(directory.services.keys())
            .collect();
        bail!(
            "there is no action or service {name}; there is {}",
            list(&known)
        );
    }
    let store = Store::open(loaded.settings.database_url.expose_secret())
        .await
        .context("the database could not be opened")?;
    let learned = Learned::of(store.teachings(LESSONS).await?);
    print(&told(&learned, name))?;
    Ok(ExitCode::SUCCESS)
}

/// What is known, as text.
fn told(learned: &Learned, name: &str) -> String {
    let mut out = String::new();
    for (pattern, lessons) in learned.patterns() {
        let mut ids: Vec<&str> = lessons
            .iter()
            .flat_map(|l| l.runs.iter().map(|r| r.action.as_str()))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| pattern.service == name || *id == name);
        if ids.is_empty() {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", pattern.words());
        for id in ids {
            let evidence = learned.evidence(pattern, id);
            let _ = writeln!(out, "  {}", evidence.words(id));
            if evidence.remediates {
                let least = (evidence.bound * 100.0).floor();
                let _ = writeln!(
                    out,
                    "    at least {least:.0} % of the time, as far as so few cases tell"
                );
            }
            let numbers: Vec<String> = evidence.ran.iter().map(ToString::to_string).collect();
            let _ = writeln!(out, "    ran in {}", list(&numbers));
        }
    }
    if out.is_empty() {
        out =
            format!("Nothing is known of {name} yet: no run of it in an incident that is over.\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::{IncidentId, RunId};
    use crate::core::learn::{Lesson, Pattern, Ran};
    use crate::core::time::Time;

    #[test]
    fn what_is_known_is_told_by_action_and_by_service() {
        let lesson = |n: i64| Lesson {
            incident: IncidentId(n),
            seq: 9,
            title: "slow".to_owned(),
            pattern: Pattern {
                service: "checkout".to_owned(),
                alert: "Slow".to_owned(),
                labels: std::collections::BTreeMap::new(),
            },
            opened_at: Time(n),
            resolved_at: Time(600_000 + n),
            cleared: vec![Time(500_000 + n)],
            runs: vec![Ran {
                run: RunId(n),
                action: "web-restart".to_owned(),
                remediates: true,
                by: None,
                auto: false,
                started: Time(60_000 + n),
                firing: true,
                worked: Some(true),
            }],
        };
        let learned = Learned::of((1..=4).map(lesson));
        for name in ["web-restart", "checkout"] {
            let text = told(&learned, name);
            assert!(
                text.contains("ran in 4 of the last 4 incidents like this; 4 recovered"),
                "{text}"
            );
            assert!(text.contains("at least 59 %"), "{text}");
            assert!(text.contains("#4, #3, #2 and #1"), "{text}");
        }
        assert!(told(&learned, "search").starts_with("Nothing is known"));
    }
}
