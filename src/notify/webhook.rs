//! Pages as HTTP requests: one `POST` of JSON per try.
//!
//! # The body, version 1
//! Fields are only ever added under the same version.
//! ```json
//! {
//!   "version": 1, "event": "page", "key": "42:3:0", "at": "2026-11-22T03:04:05.678Z",
//!   "incident": {"id": 42, "title": "…", "severity": "critical", "status": "triggered",
//!                "service": "checkout", "url": "https://firebell.example/incidents/42"},
//!   "person": {"id": "ana", "name": "Ana", "why": "on call on web-primary since Mon 09:00"},
//!   "alerts": [{"name": "HighErrorRate", "summary": "…", "labels": {"severity": "critical"}}]
//! }
//! ```
//! `event` is `test` for a page somebody sends themselves to try it out; its incident has id 0.
//! `service` is null when there is none; `labels` is absent when empty. `also`, absent when empty,
//! holds further pages of the same shape for the same contact, when the receiver was behind and
//! they caught up in one request.
//!
//! The header `Idempotency-Key` names what the request holds: the page's `key`, or a name of its own
//! for several pages. A receiver that has seen it may answer 2xx and do nothing. A page may come
//! again in other company, so with `also` each `key` tells whether that page is new.
//!
//! # The signature
//! With a secret configured, `Firebell-Timestamp` (Unix seconds of the page) and
//! `Firebell-Signature: v1=HEX` are sent: HMAC-SHA256 with the secret over `timestamp.body`. The time
//! is that of the page, so a repeat carries the same signature; `Idempotency-Key` tells repeats.
//!
//! # What the answers mean
//! As `http.rs` beside this file says of every provider.
//!
//! # Where requests go
//! Only to the address in the configuration: nothing of it comes from an alert, redirects are not
//! followed, and the proxy variables of the environment are not read, so an internal address is
//! reached only when the owner of the configuration wrote it. The address may hold secrets (a
//! token in its path or query) and therefore appears in no error and no log.

use super::Page;
use super::http::{ask, never};
use crate::chat::Fault;
use crate::core::alert::Labels;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::Sha256;
use std::time::Duration;

/// Enough for every network that is up; a host that is down must not hold a page.
const CONNECT: Duration = Duration::from_secs(3);

/// The longest a try may take when the caller names no other limit.
const TOTAL: Duration = Duration::from_secs(10);

/// Idle connections are dropped before the usual server does so (nginx: 75 s).
const IDLE: Duration = Duration::from_secs(60);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TIMESTAMP: HeaderName = HeaderName::from_static("firebell-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("firebell-signature");

/// The client pages are sent with. Make one and keep it: it holds the connections.
///
/// # Panics
/// Never: building fails only for the system's own TLS or DNS configuration, and neither is used.
#[must_use]
pub fn client() -> Client {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    Client::builder()
        .user_agent(concat!("firebell/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tcp_nodelay(true)
        .connect_timeout(CONNECT)
        .timeout(TOTAL)
        .pool_idle_timeout(IDLE)
        .build()
        .expect("constant options with bundled TLS roots build")
}

/// Sends pages for one contact in one request, once. `timeout` covers everything from the
/// connection to the answer. No page at all is nothing to do.
///
/// # Errors
/// Why it was not taken, without the address, and whether to try again.
pub async fn send(
    client: &Client,
    url: &SecretString,
    pages: &[Page],
    timeout: Duration,
) -> Result<(), Fault> {
    send_signed(client, url, None, pages, timeout).await
}

/// As [`send`], signed when there is a secret.
///
/// # Errors
/// Why it was not taken, without the address, and whether to try again.
pub async fn send_signed(
    client: &Client,
    url: &SecretString,
    secret: Option<&SecretString>,
    pages: &[Page],
    timeout: Duration,
) -> Result<(), Fault> {
    let Some((page, also)) = pages.split_first() else {
        return Ok(());
    };
    let target = address(url)?;
    let key = HeaderValue::from_str(&super::key_of(pages))
        .map_err(|_| never("the page's key cannot be a header".to_owned()))?;
    let body = serde_json::to_vec(&Body::of_all(page, also))
        .map_err(|e| never(format!("the page cannot be written as JSON: {e}")))?;
    let mut request = client
        .post(target)
        .header(IDEMPOTENCY_KEY, key)
        .timeout(timeout);
    if let Some(secret) = secret {
        let stamp = (page.at.0 / 1000).to_string();
        let signed = signature(secret.expose_secret(), &stamp, &body);
        request = request.header(TIMESTAMP, stamp).header(SIGNATURE, signed);
    }
    let hidden = url.expose_secret().split_once("://");
    let hidden = hidden.map_or(url.expose_secret(), |(_scheme, rest)| rest);
    let hidden: Vec<&str> = hidden.split(['/', '?', '&', '=', ':', '@', '#']).collect();
    let asked = ask(request.body(body), "the webhook", &hidden);
    asked.await.map(drop)
}

/// Sends a document of another kind, once, with the same headers: `key` names it for ever, `at` is
/// the time of what it tells.
///
/// # Errors
/// Why it was not taken, without the address, and whether to try again.
pub async fn post(
    client: &Client,
    (url, secret): (&SecretString, Option<&SecretString>),
    (key, at): (&str, crate::core::time::Time),
    body: Vec<u8>,
) -> Result<(), Fault> {
    let key =
        HeaderValue::from_str(key).map_err(|_| never("its key cannot be a header".to_owned()))?;
    let mut request = client.post(address(url)?).header(IDEMPOTENCY_KEY, key);
    if let Some(secret) = secret {
        let stamp = (at.0 / 1000).to_string();
        let signed = signature(secret.expose_secret(), &stamp, &body);
        request = request.header(TIMESTAMP, stamp).header(SIGNATURE, signed);
    }
    let hidden = url.expose_secret().split_once("://");
    let hidden = hidden.map_or(url.expose_secret(), |(_scheme, rest)| rest);
    let hidden: Vec<&str> = hidden.split(['/', '?', '&', '=', ':', '@', '#']).collect();
    let asked = ask(request.body(body), "the webhook", &hidden);
    asked.await.map(drop)
}

/// `v1=` and the HMAC-SHA256 of `stamp.body`, hex.
fn signature(secret: &str, stamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(stamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    format!("v1={hex}")
}

/// Name of the server a page goes to, `host:port`: pages to one server share its fate. Not for
/// people: a host name may be a secret too.
#[must_use]
pub fn destination(url: &SecretString) -> String {
    address(url).map_or_else(
        |_| "nowhere".to_owned(),
        |u| {
            format!(
                "{}:{}",
                u.host_str().unwrap_or_default(),
                u.port_or_known_default().unwrap_or_default()
            )
        },
    )
}

fn address(url: &SecretString) -> Result<Url, Fault> {
    Url::parse(url.expose_secret())
        .ok()
        .filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
        .ok_or_else(|| {
            never("the webhook's address is not an http or https URL; correct it in the person's contacts".to_owned())
        })
}

#[derive(Serialize)]
struct Body<'a> {
    version: u8,
    event: &'static str,
    key: &'a str,
    at: String,
    incident: Incident<'a>,
    person: Person<'a>,
    alerts: Vec<Alert<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<Body<'a>>,
}

#[derive(Serialize)]
struct Incident<'a> {
    id: i64,
    title: &'a str,
    severity: &'a str,
    status: &'a str,
    service: Option<&'a str>,
    url: &'a str,
}

#[derive(Serialize)]
struct Person<'a> {
    id: &'a str,
    name: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct Alert<'a> {
    name: &'a str,
    summary: &'a str,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: &'a Labels,
}

impl<'a> Body<'a> {
    fn of_all(page: &'a Page, also: &'a [Page]) -> Body<'a> {
        Body {
            also: also.iter().map(Body::of).collect(),
            ..Body::of(page)
        }
    }

    fn of(page: &'a Page) -> Body<'a> {
        Body {
            version: 1,
            event: if page.incident.0 == 0 { "test" } else { "page" },
            key: &page.key,
            at: page.at.rfc3339(),
            incident: Incident {
                id: page.incident.0,
                title: &page.title,
                severity: &page.severity,
                status: &page.status,
                service: page.service.as_deref(),
                url: &page.url,
            },
            person: Person {
                id: &page.person,
                name: &page.person_name,
                why: &page.why,
            },
            alerts: page
                .alerts
                .iter()
                .map(|a| Alert {
                    name: &a.name,
                    summary: &a.summary,
                    labels: &a.labels,
                })
                .collect(),
            also: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_stamp_and_the_body() {
        // openssl dgst -sha256 -hmac secret over `1795000000.{}`
        let signed = signature("secret", "1795000000", b"{}");
        assert_eq!(signed.len(), "v1=".len() + 64);
        assert_ne!(signed, signature("secret", "1795000001", b"{}"));
        assert_ne!(signed, signature("Secret", "1795000000", b"{}"));
    }
}
