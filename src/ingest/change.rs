//! Changes in: one file per wire format, each a pure function from a request to change events.
//!
//! Promises, as for alerts: no clock, no I/O, no input panics, nothing is cut or left out without
//! saying so. What a sender tells that is no change (a push to a side branch, a ping) is answered
//! with the reason it was left out, and is not an error.

pub mod generic;
pub mod github;
pub mod gitlab;
pub mod pagerduty;

use super::BadPayload;
use super::shape::{Notes, clean, json_error, link};
use crate::config::Limits;
use crate::config::insight::Teller;
use crate::core::alert::Labels;
use crate::core::change::{ChangeEvent, SUMMARY_CHARS, Told, service_of};
use crate::core::directory::Directory;
use crate::core::text::cut;
use crate::core::time::Time;
use serde::Deserialize;
use serde_json::Value;

/// Without an identity of its own, the same words within this time are the same change told again.
const AGAIN_MS: i64 = 600_000;
/// Characters of names: of people, environments, repositories.
const NAME_CHARS: usize = 100;
/// Bytes of a key; what a sender chose is not longer than PagerDuty's `dedup_key`.
const KEY_BYTES: usize = 255;

/// What a decoder may know besides the payload.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Configured name of who tells it.
    pub source: &'a str,
    /// When the request arrived.
    pub now: Time,
    /// Ceilings.
    pub limits: &'a Limits,
    /// Services and their links.
    pub directory: &'a Directory,
    /// What is configured for who tells it; `None`: an alert source at PagerDuty's door.
    pub teller: Option<&'a Teller>,
}

/// What a payload holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The changes.
    pub changes: Vec<Told>,
    /// Why something in it is not one; empty: all of it is.
    pub left_out: String,
}

impl Decoded {
    fn one(told: Told) -> Decoded {
        Decoded {
            changes: vec![told],
            left_out: String::new(),
        }
    }

    fn nothing(why: impl Into<String>) -> Decoded {
        Decoded {
            changes: Vec::new(),
            left_out: why.into(),
        }
    }
}

/// A change as the formats find it, before it is bounded.
#[derive(Debug, Default)]
struct Found {
    event: ChangeEvent,
    /// As the sender writes it: `acme/checkout`.
    repository: String,
    /// What else it says of itself, to find its service by.
    labels: Labels,
    again_within_ms: Option<i64>,
}

impl Found {
    /// Bounded, cleaned, and with its service.
    fn told(self, ctx: &Context<'_>) -> Result<Told, BadPayload> {
        let Found {
            mut event,
            repository,
            mut labels,
            again_within_ms,
        } = self;
        let mut notes = Notes::default();
        if event.summary.trim().is_empty() {
            return Err(BadPayload::new("the change has no summary"));
        }
        if event.key.is_empty() || event.key.len() > KEY_BYTES {
            return Err(BadPayload::new(format!(
                "the id of a change has 1 to {KEY_BYTES} bytes, not {}",
                event.key.len()
            )));
        }
        event.key = clean(event.key, &mut notes).replace('@', "%40");
        event.summary = short("the summary", &event.summary, SUMMARY_CHARS, &mut notes);
        event.environment = short(
            "the environment",
            &event.environment,
            NAME_CHARS,
            &mut notes,
        );
        event.author = short("the author", &event.author, NAME_CHARS, &mut notes);
        event.url = link(event.url, ctx.limits, &mut notes);
        if event.at > ctx.now.plus_ms(FUTURE_MS) {
            notes.add("its time lies ahead; the time of arrival is shown");
            event.at = ctx.now;
        }
        ctx.source.clone_into(&mut event.source);
        event.received_at = ctx.now;
        if !repository.is_empty() {
            labels.insert("repository".to_owned(), repository.clone());
        }
        if !event.environment.is_empty() {
            labels.insert("environment".to_owned(), event.environment.clone());
        }
        let written = ctx.teller.and_then(|t| t.service_for(&repository));
        event.service = service_of(ctx.directory, written, &repository, &labels)
            .or_else(|| ctx.teller.and_then(|t| t.service.clone()));
        event.note = notes.words();
        Ok(Told {
            event,
            again_within_ms,
        })
    }
}

/// A sender's clock may be this far ahead before it is not believed.
const FUTURE_MS: i64 = 300_000;

fn short(what: &str, text: &str, chars: usize, notes: &mut Notes) -> String {
    let n = text.chars().count();
    if n > chars {
        notes.add(format!("{what} was cut to {chars} of its {n} characters"));
    }
    cut(text, chars)
}

/// The payload as JSON.
fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8], ctx: &Context<'_>) -> Result<T, BadPayload> {
    let text = super::shape::checked(body, ctx.limits)?;
    serde_json::from_str(text).map_err(|e| {
        BadPayload::new(format!(
            "the body is not what this format writes: {}",
            json_error(&e)
        ))
    })
}

/// A scalar as text.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Text at a place of a payload; empty when there is none.
fn at(value: &Value, pointer: &str) -> String {
    text(value.pointer(pointer))
}

/// The first line of a commit's message.
fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or("").trim()
}

/// RFC 3339, or the time of arrival.
fn time(text: &str, ctx: &Context<'_>) -> Time {
    super::instant::rfc3339(text).unwrap_or(ctx.now)
}
