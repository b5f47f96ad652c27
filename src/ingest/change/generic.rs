//! firebell's own format: one change, or an array of them. `docs/changes.md` has the fields.

use super::super::BadPayload;
use super::{AGAIN_MS, Context, Decoded, Found};
use crate::core::change::{ChangeEvent, ChangeKind, ChangeState};
use crate::core::digest::sha256;
use crate::core::text::cut;
use serde::{Deserialize, Serialize};

/// Changes of one request.
const AT_ONCE: usize = 100;

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Many(Vec<serde_json::Value>),
    One(serde_json::Value),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Change {
    summary: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    repository: Option<String>,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    at: Option<String>,
}

/// Decodes a change or an array of them: all, or none and everything that is wrong.
///
/// # Errors
/// Everything that is wrong, with the field and what is allowed.
pub fn decode(body: &[u8], _: &str, ctx: &Context<'_>) -> Result<Decoded, BadPayload> {
    let all = match super::parsed::<Body>(body, ctx)? {
        Body::Many(all) => all,
        Body::One(one) => vec![one],
    };
    if all.len() > AT_ONCE {
        return Err(BadPayload::new(format!(
            "{} changes are more than {AT_ONCE} of one request; send several",
            all.len()
        )));
    }
    let (mut decoded, mut errors) = (Decoded::default(), Vec::new());
    for (n, value) in all.into_iter().enumerate() {
        let change = serde_json::from_value::<Change>(value)
            .map_err(|e| super::json_error(&e))
            .and_then(|c| found(c, ctx))
            .and_then(|f| f.told(ctx).map_err(|bad| bad.to_string()));
        match change {
            Ok(told) => decoded.changes.push(told),
            Err(why) => errors.push(format!("change {n}: {why}")),
        }
    }
    if errors.is_empty() {
        Ok(decoded)
    } else {
        Err(BadPayload { errors })
    }
}

fn found(c: Change, ctx: &Context<'_>) -> Result<Found, String> {
    let written = serde_json::to_string(&c).unwrap_or_default();
    let one_of = |field: &str, word: &str, all: &[&str]| {
        format!(
            "`{field}` cannot be `{}`; allowed is {}",
            cut(word, 40),
            all.join(", ")
        )
    };
    let kind = match c.kind.as_deref() {
        None => ChangeKind::default(),
        Some(word) => ChangeKind::parse(word)
            .ok_or_else(|| one_of("kind", word, &ChangeKind::ALL.map(ChangeKind::word)))?,
    };
    let state = match c.state.as_deref() {
        None => ChangeState::default(),
        Some(word) => ChangeState::parse(word)
            .ok_or_else(|| one_of("state", word, &["started", "done", "failed"]))?,
    };
    let at = match c.at.as_deref() {
        None => None,
        Some(text) => Some(super::super::instant::rfc3339(text).ok_or_else(|| {
            format!(
                "`at` is an RFC 3339 time such as 2026-11-22T14:03:00Z, not `{}`",
                cut(text, 40)
            )
        })?),
    };
    let again = c.id.is_none() && at.is_none();
    let service = c.service.filter(|s| !s.is_empty());
    if let Some(id) = service
        .as_ref()
        .filter(|id| !ctx.directory.services.contains_key(*id))
    {
        return Err(format!("there is no service `{}`", cut(id, 60)));
    }
    Ok(Found {
        event: ChangeEvent {
            key: match c.id {
                Some(id) => format!("id:{id}"),
                None => format!("body:{}", &sha256(written.as_bytes())[..32]),
            },
            kind,
            state,
            summary: c.summary,
            environment: c.environment.unwrap_or_default(),
            author: c.author.unwrap_or_default(),
            url: c.url.unwrap_or_default(),
            at: at.unwrap_or(ctx.now),
            ..ChangeEvent::default()
        },
        repository: c.repository.unwrap_or_default(),
        labels: service
            .map(|s| ("service".to_owned(), s))
            .into_iter()
            .collect(),
        again_within_ms: again.then_some(AGAIN_MS),
    })
}
