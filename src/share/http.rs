//! The client of forges and trackers, and what their answers mean.

use super::basic;
use crate::chat::{Fault, Retry};
use crate::config::chat::Net;
use crate::config::postmortem::{Export, ExportKind, Forge};
use crate::core::text;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::time::Duration;

/// An answer that is longer is not one of ours; a page of a hundred issues fits many times.
const ANSWER_BYTES: usize = 8 << 20;
/// Of an answer, this many characters are repeated in an error.
const QUOTED_CHARS: usize = 200;

/// One forge or tracker.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    name: String,
    headers: HeaderMap,
}

impl Client {
    pub(super) fn new(export: &Export) -> Result<Client, String> {
        let section = format!("export.{}", export.name);
        Client::with(&export.net, &section, &export.name, headers(export)?)
    }

    /// For whoever is asked with these headers. `section` of the configuration; `name` in errors.
    pub(super) fn with(
        net: &Net,
        section: &str,
        name: &str,
        headers: HeaderMap,
    ) -> Result<Client, String> {
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("firebell/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_millis(net.timeout_ms.unsigned_abs()));
        if let Some(proxy) = &net.proxy {
            // The address may hold a password, and reqwest's error the address.
            let proxy = reqwest::Proxy::all(proxy.expose_secret())
                .map_err(|_| format!("`proxy` of [{section}] is no proxy's address"))?;
            http = http.proxy(proxy);
        }
        if let Some(path) = &net.extra_ca {
            let what = |e: &dyn std::fmt::Display| {
                format!(
                    "`extra-ca` of [{section}], {}, cannot be used: {e}",
                    path.display()
                )
            };
            let pem = std::fs::read(path).map_err(|e| what(&e))?;
            for authority in reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| what(&e))? {
                http = http.add_root_certificate(authority);
            }
        }
        let http = http
            .build()
            .map_err(|e| format!("[{section}] cannot be set up: {e}"))?;
        Ok(Client {
            http,
            base: net.api_url.trim_end_matches('/').to_owned(),
            name: name.to_owned(),
            headers,
        })
    }

    /// Asks, and answers the JSON of a 2xx.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Fault> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .headers(self.headers.clone())
            .query(query);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(request).await
    }

    /// Sends bytes of a kind of their own, and answers the JSON of a 2xx.
    pub(super) async fn put(
        &self,
        method: Method,
        path: &str,
        (media, body): (String, Vec<u8>),
    ) -> Result<Value, Fault> {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .headers(self.headers.clone())
            .header(reqwest::header::CONTENT_TYPE, media)
            .body(body);
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, Fault> {
        let who = &self.name;
        let response = request.send().await.map_err(|e| Fault {
            why: if e.is_timeout() {
                format!("{who} did not answer in time")
            } else if e.is_connect() {
                format!("{who} cannot be reached")
            } else {
                format!("the connection to {who} broke off")
            },
            retry: Retry::Backoff,
        })?;
        let (status, wait) = (response.status(), wait_ms(response.headers()));
        let answer = read(response).await;
        if status.is_success() {
            return serde_json::from_slice(&answer)
                .map_err(|_| never(format!("{who} answered something that is not JSON")));
        }
        Err(refused(who, status, wait, &answer))
    }
}

/// How each is told who asks, by its published documents.
fn headers(export: &Export) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let Some(token) = &export.token else {
        return Ok(headers);
    };
    let bearer = format!("Bearer {}", token.expose_secret());
    let forge = match &export.kind {
        ExportKind::Git { forge, .. } => forge.as_ref().map(|(f, _)| *f),
        ExportKind::Issues { forge, .. } => Some(*forge),
        _ => None,
    };
    let (name, value) = match (&export.kind, forge) {
        (ExportKind::DiscordFile { .. }, _) => {
            (AUTHORIZATION, format!("Bot {}", token.expose_secret()))
        }
        (_, Some(Forge::Gitlab)) => (
            HeaderName::from_static("private-token"),
            token.expose_secret().to_owned(),
        ),
        (
            ExportKind::Jira {
                user: Some(user), ..
            },
            _,
        ) => (AUTHORIZATION, basic(user, token)),
        _ => (AUTHORIZATION, bearer),
    };
    let mut value = HeaderValue::from_str(&value).map_err(|_| {
        format!(
            "the token of [export.{}] has a character no header can hold",
            export.name
        )
    })?;
    value.set_sensitive(true);
    headers.insert(name, value);
    if forge == Some(Forge::Github) {
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/vnd.github+json"),
        );
        let version = HeaderName::from_static("x-github-api-version");
        headers.insert(version, HeaderValue::from_static("2022-11-28"));
    }
    Ok(headers)
}

async fn read(mut response: reqwest::Response) -> Vec<u8> {
    let mut answer = Vec::new();
    while answer.len() < ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => answer.extend_from_slice(&chunk),
            // The status decides; what is cut off is no JSON and said to be none.
            Ok(None) | Err(_) => break,
        }
    }
    answer
}

/// Milliseconds `Retry-After` asks for.
fn wait_ms(headers: &HeaderMap) -> Option<i64> {
    let secs: i64 = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(secs.clamp(0, 86_400) * 1000)
}

fn refused(who: &str, status: StatusCode, wait: Option<i64>, answer: &[u8]) -> Fault {
    let reason = status.canonical_reason().unwrap_or("no name");
    // GitHub, GitLab and Jira each have a field of words.
    let said: Value = serde_json::from_slice(answer).unwrap_or_default();
    let words = [&said["message"], &said["error"], &said["errorMessages"][0]]
        .into_iter()
        .find_map(|v| v.as_str().map(str::to_owned))
        .or_else(|| said.get("errors").map(ToString::to_string))
        .map_or(String::new(), |w| {
            format!(": {}", text::cut(&w, QUOTED_CHARS))
        });
    // GitHub says 403 for its rate limits too, then with the header.
    let again = status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        )
        || wait.is_some();
    Fault {
        why: format!("{who} answered {} ({reason}){words}", status.as_u16()),
        retry: match wait {
            Some(ms) => Retry::AfterMs(ms),
            None if again => Retry::Backoff,
            None => Retry::Never,
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
