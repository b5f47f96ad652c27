//! What every provider that is reached by HTTP has in common: the client, and what an answer means.
//!
//! 2xx: taken. 408, 425, 429, 5xx, no connection, no answer in time: tried again, after
//! `Retry-After` (seconds or a date) when given, exactly. Anything else, redirects included: never
//! again, because the configuration has to be changed first. Addresses may hold secrets and appear
//! in no error.

use crate::chat::{Fault, Retry};
use crate::config::chat::Net;
use crate::core::text;
use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret;
use std::error::Error as _;
use std::time::Duration;

/// Of an answer, this much is read: for the words of an error, and to use the connection again.
const ANSWER_BYTES: usize = 4096;
/// Of an answer, this many characters are repeated in an error.
const QUOTED_CHARS: usize = 200;
/// Enough for every network that is up; a host that is down must not hold a page.
const CONNECT: Duration = Duration::from_secs(3);

/// A client for one provider, with its proxy and certificate authority.
///
/// # Errors
/// In words, when the proxy or the certificate cannot be used.
pub(super) fn client(net: &Net, name: &str) -> Result<Client, String> {
    let timeout = Duration::from_millis(net.timeout_ms.unsigned_abs());
    let mut client = Client::builder()
        .user_agent(concat!("firebell/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(timeout.min(CONNECT))
        .timeout(timeout)
        .tcp_nodelay(true);
    if let Some(proxy) = &net.proxy {
        // The address may hold a password, and reqwest's error the address.
        let proxy = reqwest::Proxy::all(proxy.expose_secret())
            .map_err(|_| format!("`proxy` of {name} is no proxy's address"))?;
        client = client.proxy(proxy);
    }
    if let Some(path) = &net.extra_ca {
        let what = |e: &dyn std::fmt::Display| {
            format!(
                "`extra-ca` of {name}, {}, cannot be used: {e}",
                path.display()
            )
        };
        let pem = std::fs::read(path).map_err(|e| what(&e))?;
        let authorities = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| what(&e))?;
        for authority in authorities {
            client = client.add_root_certificate(authority);
        }
    }
    client
        .build()
        .map_err(|e| format!("{name} cannot be set up: {e}"))
}

/// Sends, and answers the beginning of the body of a 2xx. `who` is for sentences (`the webhook`);
/// an error repeats the other end's words only without anything of `hidden`.
pub(super) async fn ask(
    request: RequestBuilder,
    who: &str,
    hidden: &[&str],
) -> Result<Vec<u8>, Fault> {
    let response = request.send().await.map_err(|e| unsent(&e, who))?;
    let (status, wait) = (response.status(), retry_after(response.headers()));
    let answer = read(response).await;
    if status.is_success() {
        return Ok(answer);
    }
    Err(refused(status, wait, &quoted(&answer, hidden), who))
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
pub(super) fn unsent(fault: &reqwest::Error, who: &str) -> Fault {
    let why = if fault.is_timeout() {
        format!("{who} did not answer in time")
    } else if fault.is_connect() {
        match system_words(fault) {
            Some(words) => format!("{who} cannot be reached: {words}"),
            None => format!("{who} cannot be reached"),
        }
    } else {
        format!("the connection to {who} broke off")
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

pub(super) fn refused(status: StatusCode, wait: Option<i64>, said: &str, who: &str) -> Fault {
    let reason = status.canonical_reason().unwrap_or("no name");
    if status.is_redirection() {
        return never(format!(
            "{who} answered {} ({reason}): redirects are not followed; put the final \
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
        why: format!("{who} answered {} ({reason}){said}", status.as_u16()),
        retry: match wait {
            _ if !again => Retry::Never,
            Some(ms) => Retry::AfterMs(ms),
            None => Retry::Backoff,
        },
    }
}

/// A fault that no repetition mends.
pub(super) fn never(why: String) -> Fault {
    Fault {
        why,
        retry: Retry::Never,
    }
}

/// The answer's text for an error, unless it repeats something that is not to be told.
fn quoted(answer: &[u8], hidden: &[&str]) -> String {
    let said = String::from_utf8_lossy(answer);
    let said = said.trim();
    // Words of three letters are everywhere and no secret.
    let repeats = |part: &&str| part.len() > 3 && said.contains(*part);
    if said.is_empty() || hidden.iter().any(repeats) {
        return String::new();
    }
    format!(": {:?}", text::cut(said, QUOTED_CHARS))
}

/// Milliseconds that `Retry-After` asks for (RFC 9110 §10.2.3).
pub(super) fn retry_after(headers: &HeaderMap) -> Option<i64> {
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
