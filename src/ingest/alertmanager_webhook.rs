//! Alertmanager's webhook, version 4, and Grafana's, which calls the same shape version 1.
//!
//! The word `status` says whether a member fires: Alertmanager sends the year 1 as the end of one
//! that does, and repeats it only every few hours, so it fires until its end is sent.

use super::fingerprint::fingerprint;
use super::instant;
use super::shape::{Notes, bounded, checked, identity, json_error, link};
use super::{BadPayload, Context, Decoded, Refused};
use crate::core::alert::{Alert, AlertKind, Labels};
use crate::core::text::{count, cut};
use crate::core::time::Time;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(expecting = "an object with alerts")]
struct Webhook<'a> {
    version: Option<Value>,
    status: Option<String>,
    #[serde(rename = "truncatedAlerts")]
    truncated: Option<i64>,
    #[serde(borrow)]
    alerts: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with labels")]
struct Member {
    status: Option<String>,
    labels: Option<Labels>,
    annotations: Option<Labels>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    #[serde(rename = "generatorURL")]
    generator_url: Option<String>,
    fingerprint: Option<String>,
}

/// Decodes every member.
///
/// # Errors
/// When the body is not JSON of that shape, or of another version.
pub fn decode(body: &[u8], ctx: &Context) -> Result<Decoded, BadPayload> {
    let text = checked(body, ctx.limits)?;
    let hook: Webhook = serde_json::from_str(text).map_err(|e| {
        BadPayload::new(format!(
            "the body is not an Alertmanager webhook: {}",
            json_error(&e)
        ))
    })?;
    version(hook.version.as_ref())?;
    let truncated = hook.truncated.unwrap_or(0);
    let mut decoded = Decoded::default();
    for (index, raw) in hook.alerts.iter().enumerate() {
        let member: Result<Member, String> = serde_json::from_str(raw.get())
            .map_err(|e| format!("not an alert: {}", json_error(&e)));
        match member.and_then(|m| alert(m, hook.status.as_deref(), truncated, ctx)) {
            Ok(alert) => decoded.alerts.push(alert),
            Err(why) => decoded.refused.push(Refused { index, why }),
        }
    }
    Ok(decoded)
}

fn version(version: Option<&Value>) -> Result<(), BadPayload> {
    let word = match version {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(word)) => word.clone(),
        Some(other) => other.to_string(),
    };
    match word.as_str() {
        "4" | "1" => Ok(()),
        _ => Err(BadPayload::new(format!(
            "version `{}` of the webhook is not known: 4 (Alertmanager) and 1 (Grafana) are",
            cut(&word, 20)
        ))),
    }
}

fn alert(
    member: Member,
    of_all: Option<&str>,
    truncated: i64,
    ctx: &Context,
) -> Result<Alert, String> {
    let mut notes = Notes::default();
    let mut labels = member.labels.unwrap_or_default();
    labels.retain(|_, value| !value.is_empty());
    let fingerprint = match member.fingerprint.filter(|f| !f.is_empty()) {
        Some(given) => identity("fingerprint", given, &mut notes)?,
        None if labels.is_empty() => return Err("neither labels nor a fingerprint".to_owned()),
        None => fingerprint(&labels),
    };
    let starts_at = instant::optional("startsAt", member.starts_at.as_deref())?;
    let ends_at = instant::optional("endsAt", member.ends_at.as_deref())?;
    let (kind, ends_at) = state(member.status.as_deref().or(of_all), ends_at, ctx.now)?;
    let labels = bounded("label", labels, ctx.limits, &mut notes)?;
    let annotations = member.annotations.unwrap_or_default();
    let mut annotations = bounded("annotation", annotations, ctx.limits, &mut notes)?;
    let url = member.generator_url.unwrap_or_default();
    let generator_url = link(url, ctx.limits, &mut notes);
    if let Some(n) = usize::try_from(truncated).ok().filter(|n| *n > 0) {
        notes.add(format!(
            "the sender left {} of this group out (max_alerts)",
            count(n, "alert")
        ));
    }
    notes.write(&mut annotations);
    Ok(Alert {
        source: ctx.source.to_owned(),
        fingerprint,
        labels,
        annotations,
        starts_at: starts_at.unwrap_or(ctx.now),
        ends_at,
        generator_url,
        kind,
    })
}

fn state(
    status: Option<&str>,
    ends_at: Option<Time>,
    now: Time,
) -> Result<(AlertKind, Time), String> {
    let firing = match status {
        Some("firing") => true,
        Some("resolved") => false,
        None => ends_at.is_none_or(|end| end > now),
        Some(other) => {
            return Err(format!(
                "status `{}` is neither firing nor resolved",
                cut(other, 20)
            ));
        }
    };
    // An end that contradicts the word is a clock that is off; the word counts.
    Ok(if firing {
        let end = ends_at.filter(|end| *end > now);
        (AlertKind::Firing, end.unwrap_or(Time::FAR))
    } else {
        let end = ends_at.filter(|end| *end <= now);
        (AlertKind::Resolved, end.unwrap_or(now))
    })
}
