//! PagerDuty's change events, `POST /v2/change/enqueue`: `payload.summary` is needed, everything else
//! is not. The format has no identity, so the same event within ten minutes is the same change.

use super::super::BadPayload;
use super::super::instant;
use super::{AGAIN_MS, Context, Decoded, Found, text};
use crate::core::alert::Labels;
use crate::core::change::{ChangeEvent, ChangeKind};
use crate::core::digest::sha256;
use crate::core::time::Time;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(expecting = "an object with payload")]
struct Event {
    payload: Option<Payload>,
    #[serde(default)]
    links: Option<Vec<Link>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with summary")]
struct Payload {
    summary: Option<Value>,
    source: Option<Value>,
    timestamp: Option<Value>,
    custom_details: Option<Value>,
}

#[derive(Deserialize)]
struct Link {
    href: Option<Value>,
}

/// Decodes one event into one change.
///
/// # Errors
/// Everything that is wrong with it, in PagerDuty's kind of sentences.
pub fn decode(body: &[u8], _: &str, ctx: &Context<'_>) -> Result<Decoded, BadPayload> {
    let event: Event = super::parsed(body, ctx)?;
    let Some(payload) = event.payload else {
        return Err(BadPayload::new("'payload' is missing"));
    };
    let summary = text(payload.summary.as_ref());
    if summary.trim().is_empty() {
        return Err(BadPayload::new("'payload.summary' is missing or blank"));
    }
    let stamp = text(payload.timestamp.as_ref());
    let happened = when(&stamp);
    if !stamp.is_empty() && happened.is_none() {
        return Err(BadPayload::new(
            "'payload.timestamp' must be ISO 8601, such as 2026-11-22T13:57:22.315+0000",
        ));
    }
    let source = text(payload.source.as_ref());
    let details = match payload.custom_details {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    let said = |name: &str| text(details.get(name));
    let links = event.links.unwrap_or_default();
    let url = links
        .first()
        .map_or(String::new(), |l| text(l.href.as_ref()));
    // What tells one event from another, without the key that authenticates it.
    let content = serde_json::to_string(&(&summary, &source, &stamp, &details, &url));
    let digest = sha256(content.unwrap_or_default().as_bytes());
    let mut labels = Labels::new();
    labels.insert("source".to_owned(), source.clone());
    for (name, value) in details
        .iter()
        .filter(|(_, v)| !v.is_object() && !v.is_array())
    {
        labels.insert(name.clone(), text(Some(value)));
    }
    labels.retain(|_, value| !value.is_empty());
    labels.entry("service".to_owned()).or_insert(source);
    let author = ["user", "author", "deployer"].map(said).into_iter();
    Found {
        event: ChangeEvent {
            key: format!("body:{}", &digest[..32]),
            kind: ChangeKind::parse(&said("kind")).unwrap_or_default(),
            summary,
            environment: said("environment"),
            author: author
                .into_iter()
                .find(|a| !a.is_empty())
                .unwrap_or_default(),
            url,
            at: happened.unwrap_or(ctx.now),
            ..ChangeEvent::default()
        },
        repository: repository(&said("repo")),
        labels,
        again_within_ms: happened.is_none().then_some(AGAIN_MS),
    }
    .told(ctx)
    .map(Decoded::one)
}

/// ISO 8601 as PagerDuty takes it: also `+0000`, and without a zone, which then is UTC.
fn when(text: &str) -> Option<Time> {
    let loose = || {
        let zoned = chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z");
        let plain = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
        let zoned = zoned.map(|t| t.to_utc()).ok();
        zoned.or(plain.map(|t| t.and_utc()).ok()).map(Time::from)
    };
    instant::rfc3339(text).or_else(loose)
}

/// `https://github.com/acme/checkout` as `acme/checkout`.
fn repository(url: &str) -> String {
    let path = url.split_once("://").map_or(url, |(_, rest)| {
        rest.split_once('/').map_or("", |(_, path)| path)
    });
    path.trim_matches('/').trim_end_matches(".git").to_owned()
}
