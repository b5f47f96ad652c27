//! Alerts in: one file per wire format, each a pure function from a request to normalised alerts.
//!
//! Promises: no clock, no randomness, no I/O (all of it comes in through [`Context`]); no input
//! panics; the valid alerts of a batch are kept when others are refused; nothing is cut or left
//! out without saying so, either in the answer or in the annotation [`NOTE`].
//!
//! To add a format: write its file, add one line to [`FORMATS`] and golden payloads under
//! `tests/golden/ingest`.

pub mod alertmanager_v2;
pub mod alertmanager_webhook;
pub mod change;
pub mod counters;
pub mod fingerprint;
pub mod generic;
pub mod instant;
pub mod pagerduty;
pub mod repeat;
mod shape;

use crate::config::{Limits, Mapping};
use crate::core::alert::Alert;
use crate::core::time::Time;
use serde::Serialize;

/// Annotation in which firebell says what it could not keep of an alert as it was sent.
pub const NOTE: &str = "firebell_note";

/// What a decoder may know besides the payload.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Configured name of the source whose token came with the request.
    pub source: &'a str,
    /// When the request arrived.
    pub now: Time,
    /// How long an alert without an end lives after its last repeat, milliseconds.
    pub resolve_timeout_ms: i64,
    /// Ceilings.
    pub limits: &'a Limits,
    /// The `dedup_key` a PagerDuty trigger without one gets.
    pub generated_key: &'a str,
    /// Where the generic format finds its fields.
    pub mapping: Option<&'a Mapping>,
}

/// What a payload holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Decoded {
    /// The valid alerts, in the sender's order.
    pub alerts: Vec<Alert>,
    /// The others.
    pub refused: Vec<Refused>,
}

/// One alert of a payload that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("alert {index}: {why}")]
pub struct Refused {
    /// Place in the payload, counted from 0.
    pub index: usize,
    /// What is wrong and how to put it right.
    pub why: String,
}

/// A payload of which nothing can be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", errors.join("; "))]
pub struct BadPayload {
    /// Everything that is wrong, one sentence each; never empty.
    pub errors: Vec<String>,
}

impl BadPayload {
    fn new(why: impl Into<String>) -> BadPayload {
        BadPayload {
            errors: vec![why.into()],
        }
    }
}

/// How requests of a format are authenticated and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Alertmanager's API: 200 with an empty body, errors as a JSON string.
    Alertmanager,
    /// PagerDuty's Events API: the token may be in the body, 202 with the `dedup_key`.
    PagerDuty,
    /// 200 with a small JSON summary.
    Plain,
}

/// A wire format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Name in logs, metrics and golden folders.
    pub name: &'static str,
    /// Path it is posted to.
    pub path: &'static str,
    /// How it is answered.
    pub door: Door,
    /// The decoder.
    pub decode: fn(&[u8], &Context) -> Result<Decoded, BadPayload>,
}

/// Every format.
#[rustfmt::skip]
pub const FORMATS: &[Format] = &[
    Format { name: "alertmanager_v2", path: "/api/v2/alerts", door: Door::Alertmanager, decode: alertmanager_v2::decode },
    Format { name: "alertmanager_webhook", path: "/v1/ingest/alertmanager", door: Door::Plain, decode: alertmanager_webhook::decode },
    Format { name: "pagerduty", path: "/v2/enqueue", door: Door::PagerDuty, decode: pagerduty::decode },
    Format { name: "generic", path: "/v1/ingest/generic", door: Door::Plain, decode: generic::decode },
];
