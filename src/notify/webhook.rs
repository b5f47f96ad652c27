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
//! `service` is null when there is none; `labels` is absent when empty. `also`, absent when empty,
//! holds further pages of the same shape for the same contact, when the receiver was behind and
//! they caught up in one request.
//!
//! The header `Idempotency-Key` names what the request holds: the page's `key`, or a name of its own
//! for several pages. A receiver that has seen it may answer 2xx and do nothing. A page may come
//! again in other company, so with `also` each `key` tells whether that page is new.
//!
//! # What the answers mean
//! 2xx: taken. 408, 425, 429, 5xx, no connection, no answer in time: tried again, after
//! `Retry-After` (seconds or a date) when given, exactly. Anything else, redirects included: never
//! again, because the configuration has to be changed first.
//!
//! # Where requests go
//! Only to the address in the configuration: nothing of it comes from an alert, redirects are not
//! followed, and the proxy variables of the environment are not read, so an internal address is
//! reached only when the owner of the configuration wrote it. The address may hold secrets (a
//! token in its path or query) and therefore appears in no error and no log.

use super::Page;
use crate::chat::{Fault, Retry};
use crate::core::alert::Labels;
use crate::core::text;
use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::header::{
    ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::error::Error as _;
use std::time::Duration;

/// Enough for every network that is up; a host that is down must not hold a page.
const CONNECT: Duration = Duration::from_secs(3);

/// The longest a try may take when the caller names no other limit.
const TOTAL: Duration = Duration::from_secs(10);

/// Idle connections are dropped before the usual server does so (nginx: 75 s).
const IDLE: Duration = Duration::from_secs(60);

/// Of an answer, this much is read: for the words of an error, and to use the connection again.
const ANSWER_BYTES: usize = 4096;

/// Of an answer, this many characters are repeated in an error.
const QUOTED_CHARS: usize = 200;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

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
    let Some((page, also)) = pages.split_first() else {
        return Ok(());
    };
    let target = address(url)?;
    let key = HeaderValue::from_str(&name_of(page, also))
        .map_err(|_| never("the page's key cannot be a header".to_owned()))?;
    let body = serde_json::to_vec(&Body::of_all(page, also))
        .map_err(|e| never(format!("the page cannot be written as JSON: {e}")))?;
    let request = client
        .post(target)
        .header(IDEMPOTENCY_KEY, key)
        .timeout(timeout)
        .body(body);
    let response = request.send().await.map_err(|e| unsent(&e))?;
    let (status, wait) = (response.status(), retry_after(response.headers()));
    let answer = read(response).await;
    if status.is_success() {
        return Ok(());
    }
    Err(refused(status, wait, &quoted(&answer, url)))
}

/// What a request is known by. Another set of pages has another name, even with the same first
/// page: a receiver that dropped it as a repeat would lose the rest.
fn name_of(page: &Page, also: &[Page]) -> String {
    let mut keys = page.key.clone();
    if also.is_empty() {
        return keys;
    }
    for other in also {
        keys.push('\n');
        keys.push_str(&other.key);
    }
    let digest = xxhash_rust::xxh3::xxh3_128(keys.as_bytes());
    format!("{}+{}:{digest:032x}", page.key, also.len())
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

/// Reads the beginning of an answer. A long one is dropped with its connection.
async fn read(mut response: Response) -> Vec<u8> {
    let mut answer = Vec::new();
    while answer.len() < ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = ANSWER_BYTES - answer.len();
                answer.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            // The status has been received, and it decides; the words are a courtesy.
            Ok(None) | Err(_) => break,
        }
    }
    answer
}

/// A request nobody answered.
fn unsent(fault: &reqwest::Error) -> Fault {
    let why = if fault.is_timeout() {
        "the webhook did not answer in time".to_owned()
    } else if fault.is_connect() {
        match system_words(fault) {
            Some(words) => format!("the webhook cannot be reached: {words}"),
            None => "the webhook cannot be reached".to_owned(),
        }
    } else {
        "the connection to the webhook broke off".to_owned()
    };
    Fault {
        why,
        retry: if fault.is_builder() {
            Retry::Never
        } else {
            Retry::Backoff
        },
    }
}

/// What the system said, such as `connection refused`. Its kind only: other texts may name the address.
fn system_words(fault: &reqwest::Error) -> Option<String> {
    let mut source = fault.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && io.raw_os_error().is_some()
        {
            return Some(io.kind().to_string());
        }
        source = cause.source();
    }
    None
}

fn refused(status: StatusCode, wait: Option<i64>, said: &str) -> Fault {
    let reason = status.canonical_reason().unwrap_or("no name");
    if status.is_redirection() {
        return never(format!(
            "the webhook answered {} ({reason}): redirects are not followed; put the final \
             address into the contact",
            status.as_u16()
        ));
    }
    let again = status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        );
    Fault {
        why: format!("the webhook answered {} ({reason}){said}", status.as_u16()),
        retry: match wait {
            _ if !again => Retry::Never,
            Some(ms) => Retry::AfterMs(ms),
            None => Retry::Backoff,
        },
    }
}

fn never(why: String) -> Fault {
    Fault {
        why,
        retry: Retry::Never,
    }
}

/// The answer's text for an error, unless it repeats a part of the address.
fn quoted(answer: &[u8], url: &SecretString) -> String {
    let said = String::from_utf8_lossy(answer);
    let said = said.trim();
    let address = url.expose_secret();
    let (_scheme, rest) = address.split_once("://").unwrap_or(("", address));
    // Words of three letters are everywhere and no secret.
    let repeats = rest
        .split(['/', '?', '&', '=', ':', '@', '#'])
        .any(|part| part.len() > 3 && said.contains(part));
    if said.is_empty() || repeats {
        return String::new();
    }
    format!(": {:?}", text::cut(said, QUOTED_CHARS))
}

/// Milliseconds that `Retry-After` asks for (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<i64> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit mean longer than anybody waits.
        return Some(
            value
                .parse::<i64>()
                .unwrap_or(i64::MAX)
                .saturating_mul(1000),
        );
    }
    let until = http_date(value)?;
    // The sender's own clock, when it tells: two clocks that disagree would shift the wait.
    let now = headers
        .get(DATE)
        .and_then(|d| http_date(d.to_str().ok()?))
        .unwrap_or_else(local_now);
    Some(until.signed_duration_since(now).num_milliseconds().max(0))
}

#[expect(
    clippy::disallowed_methods,
    reason = "only for a server that sends no Date; the wait is relative and decides nothing else"
)]
fn local_now() -> DateTime<Utc> {
    Utc::now()
}

/// The three date formats a recipient must understand (RFC 9110 §5.6.7).
fn http_date(value: &str) -> Option<DateTime<Utc>> {
    [
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
    ]
    .iter()
    .find_map(|format| NaiveDateTime::parse_from_str(value, format).ok())
    .map(|t| t.and_utc())
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
            event: "page",
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
    fn all_three_date_formats_are_understood() {
        let want = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(want.timestamp(), 784_111_777);
        assert_eq!(http_date("Sunday, 06-Nov-94 08:49:37 GMT"), Some(want));
        assert_eq!(http_date("Sun Nov  6 08:49:37 1994"), Some(want));
        assert_eq!(http_date("tomorrow"), None);
    }

    #[test]
    fn a_date_is_measured_by_the_clock_that_wrote_it() {
        let headers = |after: &str, date: &str| {
            let mut h = HeaderMap::new();
            h.insert(RETRY_AFTER, after.parse().unwrap());
            h.insert(DATE, date.parse().unwrap());
            retry_after(&h)
        };
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(headers("Sun, 06 Nov 1994 08:50:07 GMT", date), Some(30_000));
        assert_eq!(headers("Sun, 06 Nov 1994 08:00:00 GMT", date), Some(0));
        assert_eq!(headers("120", date), Some(120_000));
        assert_eq!(headers("99999999999999999999", date), Some(i64::MAX));
        for odd in ["soon", "-5", "1.5", ""] {
            assert_eq!(headers(odd, date), None, "{odd:?}");
        }
    }
}
