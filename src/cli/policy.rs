//! `firebell policy explain`: what each rule says of a person, an action and an incident.

use super::{Config, incident, print, serve};
use crate::core::action;
use crate::core::alert::Labels;
use crate::core::directory::Directory;
use crate::core::id::{Actor, IncidentId, Severity};
use crate::core::incident::Incident;
use crate::core::schedule::{Edge, parse_when};
use crate::core::time::Time;
use crate::core::verdict::{Case, Scope, judge};
use crate::engine::{Clock, person};
use crate::store::Store;
use anyhow::{Context, bail};
use chrono_tz::Tz;
use secrecy::ExposeSecret;
use std::process::ExitCode;

/// What of the rules.
#[derive(Debug, clap::Subcommand)]
pub(super) enum What {
    /// Print each rule, whether it matches and why, and what they come to
    Explain(Question),
}

/// Who, what, where and when.
#[derive(Debug, clap::Args)]
pub(super) struct Question {
    /// Id of a person, or `firebell` for a run by itself
    #[arg(long, value_name = "ID")]
    user: String,
    /// Id of an action
    #[arg(long, value_name = "ID")]
    action: String,
    /// On this incident of the database; else on one with the labels given here
    #[arg(long, value_name = "ID", value_parser = incident)]
    incident: Option<IncidentId>,
    /// A label of the incident, such as `env=prod`; may be given several times
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// In this environment, whatever the labels say
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// On this service; without an incident
    #[arg(long, value_name = "ID", conflicts_with = "incident")]
    service: Option<String>,
    /// At this severity; without an incident [default: the worst]
    #[arg(long, value_name = "NAME", conflicts_with = "incident")]
    severity: Option<String>,
    /// At this time instead of now: `2026-12-24 18:00`, `fri 18:00`, or RFC 3339
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Through this door: `console`, `api`, or the name of a chat platform
    #[arg(long, value_name = "NAME")]
    door: Option<String>,
    #[command(flatten)]
    config: Config,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write a label as name=value".to_owned()),
    }
}

/// Prints the verdict. The exit code says it too: 0 allowed, 1 not.
///
/// # Errors
/// When there is no such person, action or incident.
pub(super) async fn explain(asked: &Question) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(&asked.config.path) else {
        return Ok(ExitCode::FAILURE);
    };
    let directory = &loaded.directory;
    let now = Clock::Real.now();
    let at = match &asked.at {
        None => now,
        Some(text) => {
            let zone = directory.zone.unwrap_or(Tz::UTC);
            parse_when(text, zone, now, Edge::From).map_err(anyhow::Error::msg)?
        }
    };
    let found = match asked.incident {
        None => None,
        Some(id) => {
            let store = Store::open(loaded.settings.database_url.expose_secret())
                .await
                .context("the database could not be opened")?;
            let journal = store.journal(id).await?;
            if journal.is_empty() {
                bail!("there is no incident {id} in this database");
            }
            Some(Incident::replay(id, &journal))
        }
    };
    let (text, allowed) = report(directory, asked, found.as_ref(), at)?;
    print(&text)?;
    Ok(if allowed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn report(
    directory: &Directory,
    asked: &Question,
    found: Option<&Incident>,
    at: Time,
) -> anyhow::Result<(String, bool)> {
    let who = match asked.user.as_str() {
        "firebell" => Actor::Firebell,
        id if directory.people.contains_key(id) => person(directory, id),
        // An account of a platform, as the audit writes it: `slack:U123`.
        id if id.contains(':') => Actor::Unlinked {
            id: id.to_owned(),
            name: id.to_owned(),
        },
        id => bail!("there is no person {id} in people/"),
    };
    let Some(action) = directory.actions.get(&asked.action) else {
        let known: Vec<&String> = directory.actions.keys().collect();
        bail!(
            "there is no action {} (or its file is wrong); there is {}",
            asked.action,
            crate::core::text::list(&known)
        );
    };
    let labels: Labels = match found {
        Some(incident) => incident.labels(),
        None => asked.labels.iter().cloned().collect(),
    };
    let severity = match &asked.severity {
        None => Severity(0),
        Some(name) => directory
            .severity(name)
            .with_context(|| format!("there is no severity {name}"))?,
    };
    let mut scope = match found {
        Some(incident) => Scope::of(incident),
        None => Scope::sample(asked.service.as_deref(), &labels, severity),
    };
    scope.environment = asked.env.as_deref().or(scope.environment);
    let mut lines = vec![format!(
        "May {} run `{}` ({}, {} risk) {} at {}?",
        who.name(),
        action.id,
        action.class.word(),
        action.risk.word(),
        whereabouts(found, &scope),
        at.rfc3339()
    )];
    if directory.permits.digest.is_empty() {
        lines.push("There is no rules.toml: these are firebell's own rules.".to_owned());
    }
    if let Err(why) = action::offered(action, scope.service, &labels) {
        lines.push(format!("Not offered here, whatever the rules say: {why}"));
    }
    let verdict = judge(&Case {
        who: &who,
        action,
        scope,
        at,
        door: asked.door.as_deref(),
        directory,
    });
    lines.extend(verdict.lines());
    let needs = action.approvals();
    if verdict.allowed && needs > 0 {
        lines.push(format!(
            "It then needs {} before it starts.",
            crate::core::text::count(usize::from(needs), "approval")
        ));
    }
    Ok((lines.join("\n"), verdict.allowed))
}

fn whereabouts(found: Option<&Incident>, scope: &Scope<'_>) -> String {
    let environment = scope.environment.map_or_else(
        || "with no environment named".to_owned(),
        |e| format!("in {e}"),
    );
    match found {
        Some(incident) => format!("on {} {environment}", incident.id),
        None => format!("on a sample incident {environment}"),
    }
}
