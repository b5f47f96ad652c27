//! `firebell simulate` and `firebell explain`: the future of an alert on paper, and the reasons of
//! an incident.

use super::export::journal;
use super::{kept, print, serve};
use crate::config::Limits;
use crate::core::alert::{Alert, AlertKind, Labels};
use crate::core::directory::Directory;
use crate::core::explain::{self, foretold};
use crate::core::forecast::{Script, of_alert};
use crate::core::id::IncidentId;
use crate::core::incident::{Event, Incident};
use crate::core::schedule::parse_at;
use crate::core::time::{Time, human_ms};
use crate::core::timeline::{self, Names};
use crate::engine::Clock;
use crate::ingest::{
    Context as Payload, Decoded, alertmanager_v2, alertmanager_webhook, pagerduty,
};
use anyhow::{Context, bail};
use chrono_tz::Tz;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How far a simulation looks: longer than any ladder people climb.
const AHEAD_SECS: u64 = 7 * 86_400;

/// What is simulated.
#[derive(Debug, clap::Args)]
pub(super) struct Simulation {
    /// File with the alert as its sender posts it: Alertmanager's API v2 or webhook, or a PagerDuty event
    #[arg(long, value_name = "FILE", required_unless_present = "labels")]
    alert: Option<PathBuf>,
    /// A label of the alert, instead of a file; may be repeated
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// When the alert comes: RFC 3339, `2026-03-29 02:30` or `02:30` [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// A contact that fails, such as ana/phone; may be repeated
    #[arg(long, value_name = "PERSON/CONTACT", value_parser = contact)]
    broken: Vec<(String, String)>,
}

pub(super) fn label(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or("write it as severity=critical")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn contact(text: &str) -> Result<(String, String), String> {
    let (person, contact) = text.split_once('/').ok_or("write it as ana/phone")?;
    Ok((person.to_owned(), contact.to_owned()))
}

/// Prints what would happen to an alert, until the ladder ends.
///
/// # Errors
/// When the alert cannot be read, or the time.
pub(super) async fn simulate(config: &Path, what: &Simulation) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(config) else {
        return Ok(ExitCode::FAILURE);
    };
    let now = Clock::Real.now();
    let directory = &kept::in_force(&loaded, now).await;
    let zone = directory.zone.unwrap_or(Tz::UTC);
    let at = match &what.at {
        None => now,
        Some(text) => parse_at(text, zone, now).map_err(anyhow::Error::msg)?,
    };
    for (person, contact) in &what.broken {
        let known = directory.people.get(person);
        if !known.is_some_and(|p| p.contacts.iter().any(|c| c.name == *contact)) {
            bail!("{person} has no contact {contact:?}; look at people/{person}.toml");
        }
    }
    let alerts = match &what.alert {
        Some(file) => read(file, at, &loaded.settings.limits)?,
        None => vec![by_labels(&what.labels, at)],
    };
    for alert in alerts {
        let script = Script {
            broken: what.broken.iter().cloned().collect(),
            ..Script::default()
        };
        print(&told(directory, &alert, at, script))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The future of one alert as text.
#[must_use]
pub fn told(directory: &Directory, alert: &Alert, at: Time, script: Script) -> String {
    let clock = |t: Time| timeline::format(t, directory.zone, "%a %Y-%m-%d %H:%M:%S %Z");
    let mut out = format!("{} at {}\n", alert.name(), clock(at));
    if alert.kind != AlertKind::Firing {
        out.push_str("  it does not fire, so it pages nobody\n");
        return out;
    }
    let facts = match of_alert(directory, alert, at, script, at.plus_secs(AHEAD_SECS)) {
        Ok(facts) => facts,
        Err(why) => {
            let _ = writeln!(
                out,
                "  quiet: {why}; it is kept and listed, and pages nobody"
            );
            return out;
        }
    };
    let names = Names::of(&facts).in_zone(directory.zone);
    for fact in &facts {
        let after = human_ms(fact.at.since_ms(at));
        let sentence = foretold(&fact.event, &names);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  +{after:<8} {}  {sentence}", clock(fact.at));
    }
    if matches!(facts.last().map(|f| &f.event), Some(Event::CatchAll { .. })) {
        out.push_str("  from then on the catch-all is alarmed again and again, until somebody acknowledges\n");
    }
    out
}

pub(super) fn by_labels(labels: &[(String, String)], at: Time) -> Alert {
    let labels: Labels = labels.iter().cloned().collect();
    Alert {
        source: "simulate".to_owned(),
        fingerprint: "simulate".to_owned(),
        labels,
        annotations: Labels::new(),
        starts_at: at,
        ends_at: Time::FAR,
        generator_url: String::new(),
        kind: AlertKind::Firing,
    }
}

/// The alerts of a payload, in whichever format it is.
pub(super) fn read(file: &Path, at: Time, limits: &Limits) -> anyhow::Result<Vec<Alert>> {
    let body = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let json: Value =
        serde_json::from_slice(&body).with_context(|| format!("{} is not JSON", file.display()))?;
    let payload = Payload {
        source: "simulate",
        now: at,
        resolve_timeout_ms: 300_000,
        limits,
        generated_key: "simulate",
        mapping: None,
    };
    let decoded = if json.is_array() {
        alertmanager_v2::decode(&body, &payload)
    } else if json.get("alerts").is_some() {
        alertmanager_webhook::decode(&body, &payload)
    } else if json.get("event_action").is_some() {
        pagerduty::decode(&body, &payload)
    } else {
        bail!(
            "{} is in no format firebell knows: an Alertmanager API v2 list, an Alertmanager webhook or a PagerDuty event",
            file.display()
        )
    };
    let Decoded { alerts, refused } =
        decoded.map_err(|e| anyhow::anyhow!("{}: {e}", file.display()))?;
    if let Some(refused) = refused.first() {
        bail!("{}: {refused}", file.display());
    }
    Ok(alerts)
}

/// Prints why an incident paged whom it paged, and what happens next.
///
/// # Errors
/// When the database cannot be read or holds no such incident.
pub(super) async fn explain(
    config: &Path,
    id: IncidentId,
    private: bool,
) -> anyhow::Result<ExitCode> {
    let Some((journal, loaded)) = journal(config, id).await? else {
        return Ok(ExitCode::FAILURE);
    };
    let incident = Incident::replay(id, &journal);
    super::export::open_to_all(id, incident.nature.private, private)?;
    let now = Clock::Real.now();
    let directory = &kept::in_force(&loaded, now).await;
    let told = explain::explain(&incident, &journal, directory, now);
    print(&told.text(directory.zone))?;
    Ok(ExitCode::SUCCESS)
}
