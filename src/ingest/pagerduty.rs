//! PagerDuty's Events API v2, `POST /v2/enqueue`: trigger, acknowledge, resolve.
//!
//! An event that breaks PagerDuty's own rules is refused with PagerDuty's kind of errors. Text
//! beyond our limits never costs the page: it is cut, and the cut is said in a note.

use super::instant;
use super::shape::{Notes, bounded, checked, identity, json_error, link, shortened};
use super::{BadPayload, Context, Decoded};
use crate::core::alert::{Alert, AlertKind, Labels};
use crate::core::text::cut;
use crate::core::time::Time;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
#[serde(expecting = "an object with event_action")]
struct Event<'a> {
    #[serde(rename = "event_action")]
    action: Option<Value>,
    dedup_key: Option<Value>,
    #[serde(borrow)]
    payload: Option<Payload<'a>>,
    client: Option<Value>,
    client_url: Option<Value>,
    #[serde(borrow)]
    links: Option<&'a RawValue>,
    #[serde(borrow)]
    images: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with summary")]
struct Payload<'a> {
    summary: Option<Value>,
    source: Option<Value>,
    severity: Option<Value>,
    timestamp: Option<Value>,
    component: Option<Value>,
    group: Option<Value>,
    class: Option<Value>,
    #[serde(borrow)]
    custom_details: Option<&'a RawValue>,
}

/// The key in the body that authenticates the event.
#[must_use]
pub fn routing_key(body: &[u8]) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Keyed<'a> {
        #[serde(borrow)]
        routing_key: Cow<'a, str>,
    }
    let keyed: Keyed = serde_json::from_slice(body).ok()?;
    Some(keyed.routing_key)
}

/// Decodes one event into one alert.
///
/// # Errors
/// Everything that is wrong with it, one sentence each.
pub fn decode(body: &[u8], ctx: &Context) -> Result<Decoded, BadPayload> {
    let text = checked(body, ctx.limits)?;
    let event: Event = serde_json::from_str(text).map_err(|e| {
        BadPayload::new(format!(
            "the body is not a JSON event of version 2: {}",
            json_error(&e)
        ))
    })?;
    let mut errors = Vec::new();
    let kind = kind(&event, &mut errors);
    let mut notes = Notes::default();
    let key = key(&event, kind, ctx, &mut notes, &mut errors);
    if kind == Some(AlertKind::Firing) {
        required(event.payload.as_ref(), &mut errors);
    }
    let (Some(kind), true) = (kind, errors.is_empty()) else {
        return Err(BadPayload { errors });
    };
    let alert = alert(&event, kind, key, notes, ctx).map_err(BadPayload::new)?;
    Ok(Decoded {
        alerts: vec![alert],
        refused: Vec::new(),
    })
}

fn kind(event: &Event, errors: &mut Vec<String>) -> Option<AlertKind> {
    let kind = match event.action.as_ref().and_then(Value::as_str) {
        Some("trigger") => Some(AlertKind::Firing),
        Some("acknowledge") => Some(AlertKind::Acknowledged),
        Some("resolve") => Some(AlertKind::Resolved),
        _ => None,
    };
    if kind.is_none() {
        errors.push("'event_action' must be one of 'trigger', 'acknowledge', 'resolve'".to_owned());
    }
    kind
}

fn key(
    event: &Event,
    kind: Option<AlertKind>,
    ctx: &Context,
    notes: &mut Notes,
    errors: &mut Vec<String>,
) -> String {
    let given = text(event.dedup_key.as_ref());
    if given.is_empty() {
        if kind != Some(AlertKind::Firing) {
            errors.push("'dedup_key' is missing or blank".to_owned());
        }
        return ctx.generated_key.to_owned();
    }
    identity("'dedup_key'", given, notes).unwrap_or_else(|why| {
        errors.push(why);
        String::new()
    })
}

fn required(payload: Option<&Payload>, errors: &mut Vec<String>) {
    let Some(payload) = payload else {
        errors.push("'payload' is missing".to_owned());
        return;
    };
    for (name, value) in [("summary", &payload.summary), ("source", &payload.source)] {
        if text(value.as_ref()).trim().is_empty() {
            errors.push(format!("'payload.{name}' is missing or blank"));
        }
    }
    let severity = text(payload.severity.as_ref());
    if !["critical", "error", "warning", "info"].contains(&severity.as_str()) {
        errors.push(format!(
            "'payload.severity' must be one of 'critical', 'error', 'warning', 'info', not '{}'",
            cut(&severity, 30)
        ));
    }
}

fn alert(
    event: &Event,
    kind: AlertKind,
    fingerprint: String,
    mut notes: Notes,
    ctx: &Context,
) -> Result<Alert, String> {
    let payload = event.payload.as_ref();
    let field = |get: fn(&Payload) -> Option<Value>| text(payload.and_then(get).as_ref());
    let mut labels: Labels = [
        ("source", field(|p| p.source.clone())),
        ("severity", field(|p| p.severity.clone())),
        ("component", field(|p| p.component.clone())),
        ("group", field(|p| p.group.clone())),
        ("class", field(|p| p.class.clone())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    labels.retain(|_, value| !value.is_empty());
    let mut annotations: Labels = [
        ("summary", field(|p| p.summary.clone())),
        ("client", text(event.client.as_ref())),
        (
            "custom_details",
            json(payload.and_then(|p| p.custom_details)),
        ),
        ("links", json(event.links)),
        ("images", json(event.images)),
    ]
    .map(|(name, value)| {
        (
            name.to_owned(),
            shortened(name, value, ctx.limits, &mut notes),
        )
    })
    .into();
    annotations.retain(|_, value| !value.is_empty());
    let labels = bounded("label", labels, ctx.limits, &mut notes)?;
    let mut annotations = bounded("annotation", annotations, ctx.limits, &mut notes)?;
    let starts_at = starts_at(&field(|p| p.timestamp.clone()), ctx.now, &mut notes);
    let generator_url = link(text(event.client_url.as_ref()), ctx.limits, &mut notes);
    notes.write(&mut annotations);
    Ok(Alert {
        source: ctx.source.to_owned(),
        fingerprint,
        labels,
        annotations,
        starts_at,
        ends_at: match kind {
            AlertKind::Resolved => ctx.now,
            _ => Time::FAR,
        },
        generator_url,
        kind,
    })
}

/// ISO 8601 as PagerDuty takes it: also `+0000`, and without a zone, which then is UTC.
fn starts_at(timestamp: &str, now: Time, notes: &mut Notes) -> Time {
    if timestamp.is_empty() {
        return now;
    }
    let loose = || {
        let zoned = chrono::DateTime::parse_from_str(timestamp, "%Y-%m-%dT%H:%M:%S%.f%z");
        let plain = chrono::NaiveDateTime::parse_from_str(timestamp, "%Y-%m-%dT%H:%M:%S%.f");
        let zoned = zoned.map(|t| t.to_utc()).ok();
        zoned.or(plain.map(|t| t.and_utc()).ok()).map(Time::from)
    };
    instant::rfc3339(timestamp)
        .or_else(loose)
        .unwrap_or_else(|| {
            notes.add(format!(
                "the timestamp `{}` is not ISO 8601; the time of arrival is shown",
                cut(timestamp, 40)
            ));
            now
        })
}

/// A scalar as text; senders write numbers where the documentation says string.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A JSON value as annotation: the text of a string, else the JSON as it was sent.
fn json(raw: Option<&RawValue>) -> String {
    let Some(raw) = raw
        .map(RawValue::get)
        .filter(|r| !matches!(*r, "{}" | "[]"))
    else {
        return String::new();
    };
    serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned())
}
