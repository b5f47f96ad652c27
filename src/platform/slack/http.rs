//! Signed HTTP: Slack posts events, commands and interactions to us (docs.slack.dev, "Verifying
//! requests from Slack").
//!
//! Promises: a body is read only up to its limit; nothing of it is believed before its signature is
//! checked, over the raw bytes and in constant time, with the current secret or the one before;
//! a request is good for five minutes and once, where "once" counts from the moment it was taken,
//! so that Slack's repeat of one that failed gets through; what could not be kept is answered 503,
//! and Slack sends it again.

use super::Slack;
use super::hear::Verdict;
use super::inbound;
use crate::core::time::Time;
use crate::hear::Ear;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Bytes of a body; Slack's largest are some tens of kilobytes.
const BODY: usize = 1024 * 1024;
/// How far a request's time may be from ours, milliseconds.
const WINDOW_MS: i64 = 300_000;
/// How long a signature is remembered: longer than it is good.
const REMEMBER_MS: i64 = 2 * WINDOW_MS;
/// Slack gives up after three seconds and sends it again.
const ANSWER: Duration = Duration::from_millis(2500);

/// What the doors of one workspace share.
struct Door {
    slack: Arc<Slack>,
    ear: Ear,
    /// Signatures of requests that were taken or are being taken, and until when they are kept.
    seen: Mutex<HashMap<String, Time>>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Unsigned,
    Stale,
    Forged,
    Replayed,
}

/// The doors: `/events`, `/commands` and `/interactivity`, all the same one.
pub fn router(slack: Arc<Slack>, ear: Ear) -> Router {
    let door = Arc::new(Door {
        slack,
        ear,
        seen: Mutex::default(),
    });
    Router::new()
        .route("/events", post(receive))
        .route("/commands", post(receive))
        .route("/interactivity", post(receive))
        .with_state(door)
}

async fn receive(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let announced = text(&parts.headers, header::CONTENT_LENGTH.as_str());
    if announced.parse::<usize>().is_ok_and(|n| n > BODY) {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let Ok(body) = read(body).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let form = !text(&parts.headers, header::CONTENT_TYPE.as_str()).starts_with("application/json");
    if form && fields(&body).get("ssl_check").is_some_and(|v| v == "1") {
        // Slack looks whether the certificate is good; nothing is done for it.
        return StatusCode::OK.into_response();
    }
    let signature = match door.check(&parts.headers, &body) {
        Ok(signature) => signature,
        Err(why) => {
            tracing::warn!(platform = door.slack.name(), ?why, "a request was refused");
            return refuse(StatusCode::UNAUTHORIZED);
        }
    };
    let answer = door.answer(form, &body).await;
    if !answer.status().is_success() {
        // It was not taken: its repeat must get through.
        door.forget(&signature);
    }
    answer
}

async fn read(body: Body) -> Result<Vec<u8>, axum::Error> {
    Ok(to_bytes(body, BODY).await?.to_vec())
}

/// Slack need not send it again.
fn refuse(status: StatusCode) -> Response {
    (status, [("x-slack-no-retry", "1")]).into_response()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|v| v.to_str().ok());
    value.unwrap_or_default()
}

impl Door {
    /// Whether Slack sent it, now, for the first time. Answers what it is remembered by.
    fn check(&self, headers: &HeaderMap, body: &[u8]) -> Result<String, Refused> {
        let now = self.slack.engine.now();
        let stamp = text(headers, "x-slack-request-timestamp");
        let signature = text(headers, "x-slack-signature");
        verify(
            &self.slack.settings.signing_secrets,
            stamp,
            signature,
            body,
            now,
        )?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, until| *until > now);
        let once = format!("{stamp}:{signature}");
        match seen.insert(once.clone(), now.plus_ms(REMEMBER_MS)) {
            None => Ok(once),
            Some(_) => Err(Refused::Replayed),
        }
    }

    fn forget(&self, signature: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.remove(signature);
    }

    async fn answer(&self, form: bool, body: &[u8]) -> Response {
        let Some(payload) = payload(form, body) else {
            self.slack
                .engine
                .metrics()
                .unheard(self.slack.name(), "unreadable");
            return refuse(StatusCode::BAD_REQUEST);
        };
        if payload["type"] == "url_verification" {
            return axum::Json(json!({"challenge": payload["challenge"]})).into_response();
        }
        let own = match self.slack.myself().await {
            Ok(own) => own,
            Err(failed) => return busy(self.slack.name(), &failed.fault.why),
        };
        let app = payload["api_app_id"].as_str().unwrap_or_default();
        if !own.app.is_empty() && !app.is_empty() && own.app != app {
            tracing::warn!(
                platform = self.slack.name(),
                app,
                "a request for another app was refused"
            );
            return refuse(StatusCode::FORBIDDEN);
        }
        if !inbound::teams(&payload).contains(&own.team) {
            tracing::warn!(
                platform = self.slack.name(),
                "a request for another workspace was ignored"
            );
            return StatusCode::OK.into_response();
        }
        self.hear(payload).await
    }

    async fn hear(&self, payload: Value) -> Response {
        let (slack, ear) = (Arc::clone(&self.slack), self.ear.clone());
        let (tell, told) = tokio::sync::oneshot::channel();
        // On its own: what is half kept when Slack gives up is kept to its end.
        crate::engine::spawn(async move {
            let verdict = slack.hear(&ear, &payload).await;
            // Nobody waits for it any more.
            let _ = tell.send(verdict);
        });
        match tokio::time::timeout(ANSWER, told).await {
            Ok(Ok(Verdict::Taken(None))) => StatusCode::OK.into_response(),
            Ok(Ok(Verdict::Taken(Some(said)))) => axum::Json(said).into_response(),
            Ok(Ok(Verdict::Busy(why))) => busy(self.slack.name(), &why),
            _ => busy(self.slack.name(), "it could not be kept in time"),
        }
    }
}

fn busy(platform: &str, why: &str) -> Response {
    tracing::warn!(
        platform,
        why,
        "a request was not taken; Slack sends it again"
    );
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

/// Whether one of the secrets signed it, within the window.
fn verify(
    secrets: &[SecretString],
    stamp: &str,
    signature: &str,
    body: &[u8],
    now: Time,
) -> Result<(), Refused> {
    let secs: i64 = stamp.parse().map_err(|_| Refused::Unsigned)?;
    let claimed = signature.strip_prefix("v0=").ok_or(Refused::Unsigned)?;
    let sent = secs.checked_mul(1000).ok_or(Refused::Stale)?;
    let off = now.0.checked_sub(sent).map(i64::abs);
    if off.is_none_or(|ms| ms > WINDOW_MS) {
        return Err(Refused::Stale);
    }
    // Every secret is tried, so that the time tells nothing of which one it was.
    let good = secrets.iter().fold(false, |good, secret| {
        let ours = sign(secret, stamp, body);
        good | bool::from(ours.as_bytes().ct_eq(claimed.as_bytes()))
    });
    if good { Ok(()) } else { Err(Refused::Forged) }
}

fn sign(secret: &SecretString, stamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(format!("v0:{stamp}:").as_bytes());
    mac.update(body);
    let tag = mac.finalize().into_bytes();
    tag.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fields(body: &[u8]) -> HashMap<String, String> {
    let Ok(mut url) = "http://form/".parse::<reqwest::Url>() else {
        return HashMap::new();
    };
    url.set_query(Some(&String::from_utf8_lossy(body)));
    url.query_pairs().into_owned().collect()
}

/// The payload of a body: JSON, a form with JSON in `payload`, or a command as a form.
fn payload(form: bool, body: &[u8]) -> Option<Value> {
    if !form {
        return serde_json::from_slice(body).ok();
    }
    let mut fields = fields(body);
    if let Some(payload) = fields.remove("payload") {
        return serde_json::from_str(&payload).ok();
    }
    fields.contains_key("command").then(|| {
        let fields = fields.into_iter().map(|(k, v)| (k, Value::String(v)));
        Value::Object(fields.collect::<Map<String, Value>>())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const STAMP: &str = "1531420618";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn verified(
        secrets: &[&str],
        stamp: &str,
        signature: &str,
        body: &str,
        off_ms: i64,
    ) -> Result<(), Refused> {
        let secrets: Vec<SecretString> = secrets.iter().map(|s| SecretString::from(*s)).collect();
        let now = Time(1_531_420_618_000 + off_ms);
        verify(&secrets, stamp, signature, body.as_bytes(), now)
    }

    #[test]
    fn slacks_own_example_is_good_with_either_secret_for_five_minutes() {
        for secrets in [&[SECRET][..], &["new", SECRET], &[SECRET, "old"]] {
            assert_eq!(verified(secrets, STAMP, SIGNATURE, BODY, 0), Ok(()));
        }
        assert_eq!(verified(&[SECRET], STAMP, SIGNATURE, BODY, 300_000), Ok(()));
        assert_eq!(
            verified(&[SECRET], STAMP, SIGNATURE, BODY, -300_000),
            Ok(())
        );
        for off in [300_001, -300_001] {
            assert_eq!(
                verified(&[SECRET], STAMP, SIGNATURE, BODY, off),
                Err(Refused::Stale)
            );
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let changed = BODY.replace("roadrunner", "coyote");
        for (secret, stamp, signature, body) in [
            ("other", STAMP, SIGNATURE, BODY),
            (SECRET, STAMP, SIGNATURE, changed.as_str()),
            (SECRET, "1531420619", SIGNATURE, BODY),
            (SECRET, STAMP, "v0=", BODY),
            (SECRET, STAMP, "v1=00", BODY),
            (SECRET, STAMP, "", BODY),
            (SECRET, "", SIGNATURE, BODY),
            (SECRET, "-9223372036854775808", SIGNATURE, BODY),
            (SECRET, "9223372036854775807", SIGNATURE, BODY),
        ] {
            assert!(verified(&[secret], stamp, signature, body, 0).is_err());
        }
        assert!(verified(&[], STAMP, SIGNATURE, BODY, 0).is_err());
    }

    #[test]
    fn every_shape_of_body_is_read() {
        let command = payload(true, BODY.as_bytes()).unwrap();
        assert_eq!(command["command"], "/webhook-collect");
        let action = payload(true, b"payload=%7B%22type%22%3A%22view_closed%22%7D").unwrap();
        assert_eq!(action["type"], "view_closed");
        assert_eq!(payload(false, b"{\"type\":\"x\"}").unwrap()["type"], "x");
        for bad in [&b"payload=%7B"[..], b"", b"a=b", b"\xff\xfe#&&=="] {
            assert_eq!(payload(true, bad), None);
        }
        assert_eq!(payload(false, b"not json"), None);
    }
}
