//! Alertmanager's API v2, `POST /api/v2/alerts`: what Prometheus, vmalert, Thanos, Mimir and amtool send.
//!
//! The rules of time are Alertmanager's (`api/v2/api.go`, `postAlerts`), the identity is the label
//! fingerprint. [`sort`] is the hot path: an unchanged repeat is known by the hash of its raw text
//! ([`super::repeat`]) and never decoded.

use super::fingerprint::fingerprint;
use super::instant;
use super::repeat::RepeatKey;
use super::shape::{Notes, bounded, json_error, link, utf8};
use super::{BadPayload, Context, Decoded, Refused};
use crate::core::alert::{Alert, AlertKind, Labels};
use crate::core::time::Time;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One alert, found but not read. JSON's `null` counts as absent, as in Go.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(expecting = "an object with labels")]
struct Raw<'a> {
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow, rename = "startsAt")]
    starts_at: Option<&'a RawValue>,
    #[serde(borrow, rename = "endsAt")]
    ends_at: Option<&'a RawValue>,
    #[serde(borrow, rename = "generatorURL")]
    generator_url: Option<&'a RawValue>,
}

/// A payload with its repeats taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// How many were known as repeats; nothing is left to do for them.
    pub repeats: usize,
    /// The others, each with the hash its next repeat will have.
    pub fresh: Vec<(Alert, u128)>,
    /// The invalid ones.
    pub refused: Vec<Refused>,
}

/// Decodes every alert.
///
/// # Errors
/// When the body is not a JSON array.
pub fn decode(body: &[u8], ctx: &Context) -> Result<Decoded, BadPayload> {
    let mut decoded = Decoded::default();
    for (index, raw) in elements(utf8(body)?)?.into_iter().enumerate() {
        match raw.and_then(|raw| alert(&raw, ctx)) {
            Ok(alert) => decoded.alerts.push(alert),
            Err(why) => decoded.refused.push(Refused { index, why }),
        }
    }
    Ok(decoded)
}

/// Decodes what `refresh` does not know. It is given the hash and the new end of each alert that
/// fires, and answers whether it has extended exactly that alert's lease.
///
/// # Errors
/// When the body is not a JSON array.
pub fn sort(
    body: &[u8],
    ctx: &Context,
    key: &RepeatKey,
    mut refresh: impl FnMut(u128, Time) -> bool,
) -> Result<Sorted, BadPayload> {
    let start = key.start(ctx.source);
    let mut sorted = Sorted::default();
    // After an alert that ended, a repeat in the same payload may be the same alert firing anew;
    // extending a lease would then come before the end that was sent first.
    let mut ended = false;
    for (index, raw) in elements(utf8(body)?)?.into_iter().enumerate() {
        let outcome = raw.and_then(|raw| {
            let (starts_at, ends_at) = times(&raw, ctx)?;
            let hash = raw.hash(key, start);
            if ends_at <= ctx.now {
                ended = true;
            } else if !ended && refresh(hash, ends_at) {
                return Ok(None);
            }
            Ok(Some((content(&raw, starts_at, ends_at, ctx)?, hash)))
        });
        match outcome {
            Ok(None) => sorted.repeats += 1,
            Ok(Some(fresh)) => sorted.fresh.push(fresh),
            Err(why) => sorted.refused.push(Refused { index, why }),
        }
    }
    Ok(sorted)
}

impl Raw<'_> {
    fn hash(&self, key: &RepeatKey, start: u128) -> u128 {
        let fields = [
            self.labels,
            self.annotations,
            self.starts_at,
            self.generator_url,
        ];
        key.hash(start, &fields.map(|field| field.map(RawValue::get)))
    }
}

/// The alerts of the array. One that has the wrong shape does not spoil the others.
fn elements(text: &str) -> Result<Vec<Result<Raw<'_>, String>>, BadPayload> {
    if let Ok(all) = serde_json::from_str::<Vec<Raw>>(text) {
        return Ok(all.into_iter().map(Ok).collect());
    }
    let each: Vec<&RawValue> = serde_json::from_str(text).map_err(|e| {
        BadPayload::new(format!(
            "the body is not a JSON array of alerts: {}",
            json_error(&e)
        ))
    })?;
    let raw = each.into_iter().map(|value| {
        serde_json::from_str(value.get()).map_err(|e| format!("not an alert: {}", json_error(&e)))
    });
    Ok(raw.collect())
}

fn alert(raw: &Raw, ctx: &Context) -> Result<Alert, String> {
    let (starts_at, ends_at) = times(raw, ctx)?;
    content(raw, starts_at, ends_at, ctx)
}

/// Begin and end by Alertmanager's rules: no begin is now, or the end if there is one; no end is
/// `resolve_timeout` from now; the end may not come before the begin.
fn times(raw: &Raw, ctx: &Context) -> Result<(Time, Time), String> {
    let starts_at = time("startsAt", raw.starts_at)?;
    let ends_at = time("endsAt", raw.ends_at)?;
    let starts_at = starts_at.or(ends_at).unwrap_or(ctx.now);
    let ends_at = ends_at.unwrap_or_else(|| ctx.now.plus_ms(ctx.resolve_timeout_ms));
    if ends_at < starts_at {
        return Err(format!(
            "startsAt {} is after the end {}",
            starts_at.rfc3339(),
            ends_at.rfc3339()
        ));
    }
    Ok((starts_at, ends_at))
}

fn time(field: &str, raw: Option<&RawValue>) -> Result<Option<Time>, String> {
    match raw {
        None => Ok(None),
        Some(raw) => instant::optional(field, Some(&string(field, raw)?)),
    }
}

/// A JSON string; without a copy when nothing in it is escaped.
fn string<'a>(field: &str, raw: &'a RawValue) -> Result<Cow<'a, str>, String> {
    let inner = raw
        .get()
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    match inner {
        Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        _ => serde_json::from_str::<String>(raw.get())
            .map(Cow::Owned)
            .map_err(|_| format!("{field} is not a JSON string")),
    }
}

fn map(field: &str, raw: Option<&RawValue>) -> Result<Labels, String> {
    match raw {
        None => Ok(Labels::new()),
        Some(raw) => serde_json::from_str(raw.get()).map_err(|e| {
            format!(
                "{field} is not an object of names and strings: {}",
                json_error(&e)
            )
        }),
    }
}

fn content(raw: &Raw, starts_at: Time, ends_at: Time, ctx: &Context) -> Result<Alert, String> {
    let mut notes = Notes::default();
    let mut labels = map("labels", raw.labels)?;
    labels.retain(|_, value| !value.is_empty());
    if labels.is_empty() {
        return Err("at least one label with a value is required".to_owned());
    }
    let fingerprint = fingerprint(&labels);
    let labels = bounded("label", labels, ctx.limits, &mut notes)?;
    let annotations = map("annotations", raw.annotations)?;
    let mut annotations = bounded("annotation", annotations, ctx.limits, &mut notes)?;
    let url = match raw.generator_url {
        None => String::new(),
        Some(raw) => string("generatorURL", raw)?.into_owned(),
    };
    let generator_url = link(url, ctx.limits, &mut notes);
    notes.write(&mut annotations);
    Ok(Alert {
        source: ctx.source.to_owned(),
        fingerprint,
        labels,
        annotations,
        starts_at,
        ends_at,
        generator_url,
        kind: if ends_at <= ctx.now {
            AlertKind::Resolved
        } else {
            AlertKind::Firing
        },
    })
}
