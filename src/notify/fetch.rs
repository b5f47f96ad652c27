//! A document at an address of the configuration, read by HTTP: a calendar.
//!
//! Only that address is asked: redirects are not followed and the proxy variables of the environment
//! are not read, so an internal address is reached only when the owner of the configuration wrote
//! it. It may be a password and is in no error. What is too large or too slow is given up.

use super::http::{never, refused, retry_after, unsent};
use crate::chat::{Fault, Retry};
use crate::config::Fetching;
use reqwest::header::{ACCEPT, ETAG, IF_NONE_MATCH};
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// From the connection to the last byte.
const TOTAL: Duration = Duration::from_secs(15);
/// A host that is down must not hold anything up.
const CONNECT: Duration = Duration::from_secs(3);
/// A calendar of a company for years.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It is what it was when it had this tag.
    Same,
    /// The document, and its tag.
    New {
        /// As text.
        body: String,
        /// The server's name for this version.
        tag: Option<String>,
    },
}

/// The client documents are read with, by the configured way out.
///
/// # Errors
/// In words, without the proxy's address, which may hold a password.
pub fn client(way: &Fetching) -> Result<Client, String> {
    let mut client = Client::builder()
        .user_agent(concat!("firebell/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(TOTAL);
    if let Some(proxy) = &way.proxy {
        let proxy = reqwest::Proxy::all(proxy.expose_secret());
        let proxy = proxy.map_err(|_| "`proxy` of [calendars] is no proxy's address")?;
        client = client.proxy(proxy);
    }
    if let Some(path) = &way.extra_ca {
        let wrong = |e: String| {
            format!(
                "`extra-ca` of [calendars], {}, cannot be used: {e}",
                path.display()
            )
        };
        let pem = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
        let all = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| wrong(e.to_string()))?;
        if all.is_empty() {
            return Err(wrong("it holds no certificate".to_owned()));
        }
        client = all
            .into_iter()
            .fold(client, reqwest::ClientBuilder::add_root_certificate);
    }
    client.build().map_err(|e| e.to_string())
}

/// Reads the document once. `host` is for sentences; `tag` is that of the version that is known.
///
/// # Errors
/// In words without the address.
pub async fn fetch(
    client: &Client,
    url: &SecretString,
    host: &str,
    tag: Option<&str>,
) -> Result<Fetched, Fault> {
    let mut request = client
        .get(url.expose_secret())
        .header(ACCEPT, "text/calendar, */*;q=0.5");
    if let Some(tag) = tag {
        request = request.header(IF_NONE_MATCH, tag);
    }
    let mut response = request.send().await.map_err(|e| unsent(&e, host))?;
    let status = response.status();
    if status == StatusCode::NOT_MODIFIED && tag.is_some() {
        return Ok(Fetched::Same);
    }
    if status.is_redirection() {
        return Err(never(format!(
            "{host} answers with a redirect, which is not followed; write the final address"
        )));
    }
    if !status.is_success() {
        let wait = retry_after(response.headers());
        return Err(refused(status, wait, "", host));
    }
    let tag = response.headers().get(ETAG).and_then(|t| t.to_str().ok());
    let tag = tag.map(str::to_owned);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| unsent(&e, host))? {
        if body.len() + chunk.len() > BYTES_MAX {
            return Err(never(format!(
                "{host} sends more than {BYTES_MAX} bytes, which is no calendar of people"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    let body = String::from_utf8(body).map_err(|_| Fault {
        why: format!("what {host} sends is not text (UTF-8)"),
        retry: Retry::Backoff,
    })?;
    Ok(Fetched::New { body, tag })
}
