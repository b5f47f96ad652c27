//! Calls of Discord's REST API.
//!
//! Serenity's own client is not used: it cannot be pointed elsewhere while its rate limiter is on,
//! and without the limiter it loses the body of a 429, and with it the wait Discord asks for. This
//! one is small: base address, proxy and certificate authority are configuration, every call has a
//! time-out and is tried once, and what failed says by its [`Fault`] whether and when to try again.
//!
//! A token that is refused is not used again but once a minute, because calls that are refused lead
//! to a ban of the whole address. Tokens of interactions are secrets too: no path is logged.

use super::limits::{Closed, Limits, Route, Told};
use crate::chat::{Fault, Retry};
use crate::config::chat::Net;
use crate::platform::outage::Outage;
use anyhow::Context;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A wait up to this long happens inside the call; a longer one is told, so that others go on.
const WAIT_INSIDE: Duration = Duration::from_secs(5);
/// A refused token is tried again this seldom.
const PROBE_EVERY: Duration = Duration::from_secs(60);
/// After a 429 that does not say how long, everything rests this long.
const UNTOLD_WAIT: Duration = Duration::from_secs(5);
/// Of an answer, this much is read; the largest is a guild's list of 500 channels.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Of Discord's words, this many characters are repeated.
const QUOTED_CHARS: usize = 200;

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// HTTP status; 0: no answer.
    pub status: u16,
    /// Discord's code; 0: none.
    pub code: u64,
    /// What it means for whoever asked.
    pub fault: Fault,
    /// It was refused for the bot's own token.
    pub unauthorized: bool,
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Fault {
        refused.fault
    }
}

/// A file that goes with a message.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub name: String,
    pub text: String,
}

/// The client of one bot; every guild it is in shares it.
pub(super) struct Rest {
    client: Client,
    base: String,
    token: SecretString,
    timeout: Duration,
    limits: Limits,
    outage: Outage,
    /// When a refused token was used last.
    revoked: Mutex<Option<Instant>>,
}

impl Rest {
    /// # Errors
    /// When the proxy or the certificate authority cannot be used.
    pub fn new(net: &Net, token: SecretString, home: &str) -> anyhow::Result<Rest> {
        let timeout = Duration::from_millis(net.timeout_ms.unsigned_abs());
        Ok(Rest {
            client: client(net, home)?,
            base: net.api_url.clone(),
            token,
            timeout,
            limits: Limits::default(),
            outage: Outage::default(),
            revoked: Mutex::default(),
        })
    }

    /// How long a call may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The connections, for the gateway's few calls.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    pub async fn get(&self, path: &str) -> Result<Value, Refused> {
        self.call(Method::GET, path, None, &[], "").await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        self.call(Method::POST, path, Some(body), &[], "").await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        self.call(Method::PATCH, path, Some(body), &[], "").await
    }

    pub async fn put(&self, path: &str, body: Option<&Value>) -> Result<Value, Refused> {
        self.call(Method::PUT, path, body, &[], "").await
    }

    /// A message that wakes somebody: it waits for nothing that does not.
    pub async fn page(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        self.send(Method::POST, path, Some(body), &[], "", true)
            .await
    }

    /// One call. `why` stands in the guild's audit log.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        files: &[File],
        why: &str,
    ) -> Result<Value, Refused> {
        self.send(method, path, body, files, why, false).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        files: &[File],
        why: &str,
        page: bool,
    ) -> Result<Value, Refused> {
        let route = Route::of(method.as_str(), path);
        let hook = route.major.starts_with("webhooks") || route.major.starts_with("interactions");
        let patient = page || method == Method::GET;
        loop {
            // Somebody waits for an answer, and not for long: it is tried in any case.
            let asks = hook || self.is_there(patient).await?;
            self.permit(&route, page).await?;
            if asks || !self.outage.away() {
                break;
            }
        }
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .timeout(self.timeout);
        if !hook {
            let value = format!("Bot {}", self.token.expose_secret());
            let mut value = HeaderValue::from_str(&value).map_err(|_| no_header())?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if !why.is_empty() {
            request = request.header("X-Audit-Log-Reason", why);
        }
        request = match body {
            Some(body) if !files.is_empty() => {
                let (kind, bytes) = multipart(body, files);
                request.header("Content-Type", kind).body(bytes)
            }
            Some(body) => request.json(body),
            None => request,
        };
        let done = match request.send().await {
            Ok(answer) => self.read(&route, hook, answer).await,
            Err(e) => Err(unsent(&e)),
        };
        match &done {
            Err(refused) if matches!(refused.status, 0 | 500..=599) => {
                self.outage
                    .failed(&format!("{} {}", route.path, route.major));
            }
            _ => {
                // Before those who waited go on.
                if self.outage.away() {
                    self.limits.pages_first();
                }
                self.outage.answered();
            }
        }
        done
    }

    /// Waits while Discord is away, before something is drawn.
    pub async fn turn(&self) {
        self.outage.turn().await;
    }

    /// Waits while Discord is away, if it has the patience; `true`: this call asks whether it still is.
    async fn is_there(&self, patient: bool) -> Result<bool, Refused> {
        self.outage.pass(patient).await.map_err(|wait| {
            let why = "Discord is away; firebell asks until it is back".to_owned();
            local(0, why, Retry::AfterMs(millis(wait)))
        })
    }

    async fn permit(&self, route: &Route, page: bool) -> Result<(), Refused> {
        let began = Instant::now();
        loop {
            self.probe(route)?;
            match self.limits.take(route, page) {
                Ok(()) => return Ok(()),
                Err(Closed::For(wait)) if began.elapsed() + wait <= WAIT_INSIDE => {
                    tokio::time::sleep(wait).await;
                }
                Err(Closed::For(wait)) => {
                    return Err(local(
                        429,
                        "Discord's rate limit is reached".to_owned(),
                        Retry::AfterMs(millis(wait)),
                    ));
                }
                Err(Closed::Refused(wait)) => {
                    let why = "Discord has refused so many calls that more of them could lead to a ban, so firebell rests; look for what it lost: its token, its place in the server, or permissions";
                    return Err(local(0, why.to_owned(), Retry::AfterMs(millis(wait))));
                }
            }
        }
    }

    /// A refused token is not used, but for one call a minute.
    fn probe(&self, route: &Route) -> Result<(), Refused> {
        if route.major.starts_with("webhooks") || route.major.starts_with("interactions") {
            return Ok(());
        }
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        match *revoked {
            Some(at) if at.elapsed() < PROBE_EVERY => Err(Refused {
                unauthorized: true,
                ..local(401, REVOKED.to_owned(), Retry::Backoff)
            }),
            Some(_) => {
                *revoked = Some(Instant::now());
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn read(&self, route: &Route, hook: bool, answer: Response) -> Result<Value, Refused> {
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        self.limits.learn(route, &told(&headers));
        let body = body(answer).await?;
        if !hook && status != 401 {
            *self.revoked.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        if (200..300).contains(&status) {
            if body.is_empty() {
                return Ok(Value::Null);
            }
            // Done, and unreadable: whoever asked must look before asking again.
            return serde_json::from_slice(&body).map_err(|e| {
                local(
                    status,
                    format!("Discord's answer cannot be read: {e}"),
                    Retry::Backoff,
                )
            });
        }
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        let shared = headers
            .get("x-ratelimit-scope")
            .is_some_and(|s| s == "shared");
        if matches!(status, 401 | 403 | 429) && !shared {
            self.limits.refused();
        }
        if status == 429 {
            self.slow_down(route, &headers, &said);
        }
        let unauthorized = status == 401 && !hook;
        if unauthorized {
            *self.revoked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        let code = said["code"].as_u64().unwrap_or(0);
        Err(Refused {
            status,
            code,
            fault: fault(status, code, &said, wait(&headers, &said), hook),
            unauthorized,
        })
    }

    fn slow_down(&self, route: &Route, headers: &HeaderMap, said: &Value) {
        let everything =
            said["global"].as_bool().unwrap_or(false) || headers.contains_key("x-ratelimit-global");
        match wait(headers, said) {
            Some(ms) => {
                self.limits
                    .close(route, Duration::from_millis(ms.unsigned_abs()), everything);
            }
            // Not Discord but what stands in front of it: it means the address.
            None => self.limits.close(route, UNTOLD_WAIT, true),
        }
    }
}

/// Why nothing is sent with a token that was refused.
pub(super) const REVOKED: &str = "Discord refuses the bot's token: it was reset or revoked. Put the new one where `token` of [[discord]] points and restart firebell";

fn client(net: &Net, home: &str) -> anyhow::Result<Client> {
    // Discord's rule: DiscordBot (address, version).
    let agent = format!("DiscordBot ({home}, {})", env!("CARGO_PKG_VERSION"));
    let timeout = Duration::from_millis(net.timeout_ms.unsigned_abs());
    let mut client = Client::builder()
        .user_agent(agent)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(timeout)
        .timeout(timeout)
        .tcp_nodelay(true);
    if let Some(proxy) = &net.proxy {
        // The address may hold a password, and reqwest's error the address.
        let proxy = reqwest::Proxy::all(proxy.expose_secret())
            .map_err(|_| anyhow::anyhow!("`proxy` of [[discord]] is no proxy's address"))?;
        client = client.proxy(proxy);
    }
    if let Some(path) = &net.extra_ca {
        let what = || {
            format!(
                "`extra-ca` of [[discord]], {}, cannot be used",
                path.display()
            )
        };
        let pem = std::fs::read(path).with_context(what)?;
        for authority in reqwest::Certificate::from_pem_bundle(&pem).with_context(what)? {
            client = client.add_root_certificate(authority);
        }
    }
    client
        .build()
        .context("no client for Discord could be made")
}

fn told(headers: &HeaderMap) -> Told {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let secs: f64 = text("x-ratelimit-reset-after")
        .and_then(|v| v.parse().ok())
        .unwrap_or(0.0);
    Told {
        bucket: text("x-ratelimit-bucket").map(str::to_owned),
        limit: text("x-ratelimit-limit")
            .and_then(|v| v.parse().ok())
            .unwrap_or(1),
        remaining: text("x-ratelimit-remaining").and_then(|v| v.parse().ok()),
        reset_after: Duration::try_from_secs_f64(secs).unwrap_or_default(),
    }
}

/// How long a 429 says to wait, milliseconds, rounded up: the body is finer than the header.
fn wait(headers: &HeaderMap, said: &Value) -> Option<i64> {
    let from_body = said["retry_after"].as_f64().map(|secs| format!("{secs}"));
    let from_header = || {
        headers
            .get("retry-after")
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned)
    };
    up_to_ms(&from_body.or_else(from_header)?)
}

/// Decimal seconds as milliseconds, rounded up without a detour by binary fractions.
fn up_to_ms(secs: &str) -> Option<i64> {
    let (whole, rest) = secs.trim().split_once('.').unwrap_or((secs.trim(), ""));
    if !rest.bytes().all(|b| b.is_ascii_digit()) || whole.is_empty() {
        return None;
    }
    let whole: i64 = whole.parse().ok().filter(|n| *n >= 0)?;
    let padded = format!("{rest:0<3}");
    let ms: i64 = padded[..3].parse().ok()?;
    let more = padded[3..].bytes().any(|b| b != b'0');
    whole
        .checked_mul(1000)?
        .checked_add(ms)?
        .checked_add(i64::from(more))
}

/// What an answer that says no means.
fn fault(status: u16, code: u64, said: &Value, wait: Option<i64>, hook: bool) -> Fault {
    let words: String = super::text::plain(said["message"].as_str().unwrap_or_default());
    let words = super::text::shorten(&words, QUOTED_CHARS);
    let (why, retry) = match (status, code) {
        (429, _) => (
            "Discord's rate limit is reached".to_owned(),
            wait.map_or(Retry::Backoff, Retry::AfterMs),
        ),
        (401, _) if hook => ("the time to answer this is over".to_owned(), Retry::Never),
        (401, _) => (REVOKED.to_owned(), Retry::Backoff),
        (_, 10003) => ("the channel is deleted".to_owned(), Retry::Gone),
        (_, 10004) => (
            "firebell is not in the Discord server: somebody has to invite it again".to_owned(),
            Retry::Backoff,
        ),
        (_, 50001) => (
            format!("Discord does not let firebell into the channel (Missing Access): give it {}", super::invite::named(super::invite::VIEW)),
            Retry::Gone,
        ),
        (_, 50013) => (
            "Discord says firebell lacks a permission there (Missing Permissions)".to_owned(),
            Retry::Never,
        ),
        (_, 50007 | 50278) => (
            "Discord does not let firebell write to this person: they have to be in the server and allow direct messages from its members (Privacy Settings of the server), and must not have blocked firebell".to_owned(),
            Retry::Never,
        ),
        (_, 50083) => ("the thread is archived".to_owned(), Retry::Gone),
        (_, 30013) => (
            "the Discord server has all the 500 channels it can have: delete some".to_owned(),
            Retry::Backoff,
        ),
        (_, 30003) => ("the channel has all the pins it can have".to_owned(), Retry::Never),
        (408 | 500..=599, _) => (format!("Discord answered {status}"), Retry::Backoff),
        (300..=399, _) => (format!("Discord's address redirects ({status}); correct `api-url`"), Retry::Never),
        _ if words.is_empty() => (format!("Discord answered {status}"), Retry::Never),
        _ => (format!("Discord answered {status}: {words} ({code})"), Retry::Never),
    };
    Fault { why, retry }
}

async fn body(mut answer: Response) -> Result<Vec<u8>, Refused> {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(e) => return Err(unsent(&e)),
        }
        if body.len() > ANSWER_BYTES {
            return Err(local(
                0,
                "Discord's answer is too large".to_owned(),
                Retry::Backoff,
            ));
        }
    }
}

/// A call nobody answered. It may have been carried out, unless there was no connection.
fn unsent(fault: &reqwest::Error) -> Refused {
    let why = if fault.is_timeout() {
        "Discord did not answer in time"
    } else if fault.is_connect() {
        "Discord cannot be reached"
    } else {
        "the connection to Discord broke off"
    };
    local(0, why.to_owned(), Retry::Backoff)
}

fn local(status: u16, why: String, retry: Retry) -> Refused {
    Refused {
        status,
        code: 0,
        fault: Fault { why, retry },
        unauthorized: false,
    }
}

fn no_header() -> Refused {
    local(
        0,
        "the token of [[discord]] holds characters no token has".to_owned(),
        Retry::Never,
    )
}

fn millis(wait: Duration) -> i64 {
    let up = wait.as_nanos().div_ceil(1_000_000);
    i64::try_from(up).unwrap_or(i64::MAX)
}

/// A body with files, as `multipart/form-data`.
fn multipart(body: &Value, files: &[File]) -> (String, Vec<u8>) {
    let boundary = format!("firebell-{}", uuid::Uuid::new_v4().simple());
    let mut out = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n{body}\r\n"
    );
    for (n, file) in files.iter().enumerate() {
        let safe = |c: char| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
                c
            } else {
                '-'
            }
        };
        let name: String = file.name.chars().map(safe).collect();
        out += &format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"files[{n}]\"; filename=\"{name}\"\r\nContent-Type: text/markdown; charset=utf-8\r\n\r\n{}\r\n",
            file.text
        );
    }
    out += &format!("--{boundary}--\r\n");
    (
        format!("multipart/form-data; boundary={boundary}"),
        out.into_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wait_is_exact_and_rounded_up_to_milliseconds() {
        for (secs, ms) in [
            ("1.1", 1100),
            ("0.3", 300),
            ("64.57", 64_570),
            ("2", 2000),
            ("1.0001", 1001),
            ("0.0001", 1),
            ("600.0", 600_000),
        ] {
            assert_eq!(up_to_ms(secs), Some(ms), "{secs}");
        }
        for bad in ["", "-1", "soon", "1e3", ".5"] {
            assert_eq!(up_to_ms(bad), None, "{bad}");
        }
    }

    #[test]
    fn answers_say_whether_to_try_again() {
        let of =
            |status, code| fault(status, code, &json!({"message": "words"}), None, false).retry;
        assert_eq!(of(404, 10003), Retry::Gone);
        assert_eq!(of(403, 50001), Retry::Gone);
        assert_eq!(of(403, 50013), Retry::Never);
        assert_eq!(of(403, 50007), Retry::Never);
        assert_eq!(of(401, 0), Retry::Backoff);
        assert_eq!(of(502, 0), Retry::Backoff);
        assert_eq!(of(429, 0), Retry::Backoff);
        assert_eq!(of(400, 50035), Retry::Never);
        let wait = fault(429, 0, &json!({}), Some(1500), false).retry;
        assert_eq!(wait, Retry::AfterMs(1500));
        assert_eq!(
            fault(401, 50027, &json!({}), None, true).retry,
            Retry::Never
        );
    }

    #[test]
    fn a_file_travels_with_its_message() {
        let file = File {
            name: "post mortem\".md".to_owned(),
            text: "# Über".to_owned(),
        };
        let (kind, bytes) = multipart(&json!({"content": "x"}), &[file]);
        let text = String::from_utf8(bytes).unwrap();
        assert!(kind.starts_with("multipart/form-data; boundary=firebell-"));
        assert!(text.contains("filename=\"post-mortem-.md\"") && text.contains("# Über\r\n--"));
    }
}
