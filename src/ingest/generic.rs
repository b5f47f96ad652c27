//! Any JSON, with the fields found by the JSON pointers (RFC 6901) the source's mapping names.
//!
//! An alert without an end: when the mapping knows a state that means "over", it fires until that
//! is sent; else it is taken as over `resolve_timeout` after its last repeat.

use super::fingerprint::fingerprint;
use super::instant;
use super::shape::{Notes, bounded, checked, identity, json_error, link};
use super::{BadPayload, Context, Decoded, Refused};
use crate::config::Mapping;
use crate::core::alert::{Alert, AlertKind, Labels};
use crate::core::text::cut;
use crate::core::time::Time;
use serde_json::Value;
use std::collections::BTreeMap;

/// Decodes the items the mapping points to.
///
/// # Errors
/// When there is no mapping, the body is not JSON, or there is nothing where the items should be.
pub fn decode(body: &[u8], ctx: &Context) -> Result<Decoded, BadPayload> {
    let mapping = ctx.mapping.ok_or_else(|| {
        BadPayload::new(format!(
            "source {} has no mapping, so the generic path is not open to it: add one to the source in firebell.toml",
            ctx.source
        ))
    })?;
    let text = checked(body, ctx.limits)?;
    let value: Value = serde_json::from_str(text)
        .map_err(|e| BadPayload::new(format!("the body is not JSON: {}", json_error(&e))))?;
    let mut decoded = Decoded::default();
    for (index, item) in items(&value, mapping)?.iter().enumerate() {
        match alert(item, mapping, ctx) {
            Ok(alert) => decoded.alerts.push(alert),
            Err(why) => decoded.refused.push(Refused { index, why }),
        }
    }
    Ok(decoded)
}

fn items<'a>(value: &'a Value, mapping: &Mapping) -> Result<&'a [Value], BadPayload> {
    match value.pointer(&mapping.items) {
        Some(Value::Array(items)) => Ok(items),
        Some(Value::Object(_)) if mapping.items.is_empty() => Ok(std::slice::from_ref(value)),
        Some(_) => Err(BadPayload::new(format!(
            "there is no alert at `{}`: an array is expected there",
            mapping.items
        ))),
        None => Err(BadPayload::new(format!(
            "there is nothing at `{}`, where the mapping expects the alerts",
            mapping.items
        ))),
    }
}

fn alert(item: &Value, mapping: &Mapping, ctx: &Context) -> Result<Alert, String> {
    let mut notes = Notes::default();
    let mut labels = all(item, &mapping.labels);
    if let Some(severity) = found(item, &mapping.severity) {
        labels.entry("severity".to_owned()).or_insert(severity);
    }
    let mut annotations = all(item, &mapping.annotations);
    if let Some(summary) = found(item, &mapping.summary) {
        annotations.entry("summary".to_owned()).or_insert(summary);
    }
    labels.retain(|_, value| !value.is_empty());
    let fingerprint = key(item, mapping, &labels, &mut notes)?;
    let labels = bounded("label", labels, ctx.limits, &mut notes)?;
    let mut annotations = bounded("annotation", annotations, ctx.limits, &mut notes)?;
    let starts_at = starts_at(item, mapping, ctx.now, &mut notes);
    let url = found(item, &mapping.url).unwrap_or_default();
    let generator_url = link(url, ctx.limits, &mut notes);
    let (kind, ends_at) = state(item, mapping, ctx);
    notes.write(&mut annotations);
    Ok(Alert {
        source: ctx.source.to_owned(),
        fingerprint,
        labels,
        annotations,
        starts_at,
        ends_at,
        generator_url,
        kind,
    })
}

/// The identity the mapping points to. Without a pointer the labels are the identity; a pointer
/// that finds nothing is refused, because any other identity could merge two alerts into one.
fn key(
    item: &Value,
    mapping: &Mapping,
    labels: &Labels,
    notes: &mut Notes,
) -> Result<String, String> {
    if mapping.fingerprint.is_empty() {
        return if labels.is_empty() {
            Err("no label was found, and the mapping names no fingerprint".to_owned())
        } else {
            Ok(fingerprint(labels))
        };
    }
    let missing = || {
        format!(
            "there is no fingerprint at `{}`, where the mapping expects it",
            mapping.fingerprint
        )
    };
    let given = found(item, &mapping.fingerprint).ok_or_else(missing)?;
    identity("the fingerprint", given, notes)
}

fn state(item: &Value, mapping: &Mapping, ctx: &Context) -> (AlertKind, Time) {
    let status = found(item, &mapping.status);
    if status.is_some_and(|s| mapping.resolved_values.contains(&s)) {
        return (AlertKind::Resolved, ctx.now);
    }
    let explicit = !mapping.status.is_empty() && !mapping.resolved_values.is_empty();
    let end = if explicit {
        Time::FAR
    } else {
        ctx.now.plus_ms(ctx.resolve_timeout_ms)
    };
    (AlertKind::Firing, end)
}

fn starts_at(item: &Value, mapping: &Mapping, now: Time, notes: &mut Notes) -> Time {
    let Some(text) = found(item, &mapping.starts_at) else {
        return now;
    };
    match instant::optional("the begin", Some(&text)) {
        Ok(time) => time.unwrap_or(now),
        Err(why) => {
            notes.add(format!("{}; the time of arrival is shown", cut(&why, 120)));
            now
        }
    }
}

fn all(item: &Value, pointers: &BTreeMap<String, String>) -> Labels {
    let found = pointers
        .iter()
        .filter_map(|(name, pointer)| Some((name.clone(), found(item, pointer)?)));
    found.collect()
}

/// What a pointer finds, as text: a string as it is, everything else as JSON. An empty pointer is
/// a field the mapping does not name; `null` is nothing.
fn found(item: &Value, pointer: &str) -> Option<String> {
    if pointer.is_empty() {
        return None;
    }
    match item.pointer(pointer)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
