//! Files of chat platforms, fetched with the bot's token from the platform's own hosts and nowhere else.
//!
//! An address in a message is a stranger's words. It is followed only when it is https and its host is
//! one of the platform's (or the very host and port of the configured API, for a stand-in); redirects are
//! not followed; the token goes nowhere else; reading stops at the limit.

use crate::chat::{Fault, Retry};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use reqwest::{Client, StatusCode, Url, header};
use secrecy::{ExposeSecret, SecretString};

/// Where files may come from.
pub(super) struct Hosts<'a> {
    /// Names of hosts; one that begins with a dot means everything below it.
    pub names: &'a [&'a str],
    /// Base of the Web API.
    pub api_url: &'a str,
}

impl Hosts<'_> {
    /// The address, when it leads to one of the hosts.
    fn admit(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let own = Url::parse(self.api_url).ok();
        let same = |own: &Url| {
            (own.scheme(), own.host_str(), own.port_or_known_default())
                == (url.scheme(), url.host_str(), url.port_or_known_default())
        };
        if own.as_ref().is_some_and(same) {
            return Some(url);
        }
        // A name: an address that is written as numbers is nobody's.
        let host = url.domain()?.to_ascii_lowercase();
        let known = |name: &&str| match name.strip_prefix('.') {
            Some(_) => host.ends_with(*name),
            None => host == **name,
        };
        let usual = url.scheme() == "https" && url.port().is_none();
        (usual && self.names.iter().any(known)).then_some(url)
    }
}

fn never(why: impl Into<String>) -> Fault {
    Fault {
        why: why.into(),
        retry: Retry::Never,
    }
}

/// Fetches a file of at most so many bytes. [`Retry::Never`]: it is not to be had, and why.
pub(super) async fn fetch(
    client: &Client,
    url: &str,
    hosts: &Hosts<'_>,
    token: Option<&SecretString>,
    most: u64,
) -> Result<Bytes, Fault> {
    let Some(url) = hosts.admit(url) else {
        return Err(never(
            "its address does not lead to the platform's own hosts, and firebell fetches from no other",
        ));
    };
    let unclear = |what: &str| Fault {
        why: format!("it could not be fetched: {what}"),
        retry: Retry::Backoff,
    };
    let mut request = client.get(url);
    if let Some(token) = token {
        request = request.bearer_auth(token.expose_secret());
    }
    let answer = request
        .send()
        .await
        .map_err(|_| unclear("no connection, or no answer in time"))?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::TOO_MANY_REQUESTS => {
            let secs = answer.headers().get(header::RETRY_AFTER);
            let secs = secs.and_then(|v| v.to_str().ok()?.parse::<i64>().ok());
            return Err(Fault {
                retry: Retry::AfterMs(secs.unwrap_or(5) * 1000),
                ..unclear("the platform asks to wait")
            });
        }
        status if status.is_server_error() => {
            return Err(unclear(&format!("HTTP {}", status.as_u16())));
        }
        status if status.is_redirection() => {
            return Err(never(
                "the platform sends firebell elsewhere for it, where the bot's token does not go; the app may lack the right to read files",
            ));
        }
        status => {
            return Err(never(format!(
                "the platform refuses it: HTTP {}",
                status.as_u16()
            )));
        }
    }
    let too_much = |bytes: u64| never(crate::engine::too_large(bytes, most));
    if let Some(bytes) = answer.content_length().filter(|b| *b > most) {
        return Err(too_much(bytes));
    }
    let (mut content, mut parts) = (BytesMut::new(), answer.bytes_stream());
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| unclear("the connection broke"))?;
        content.extend_from_slice(&part);
        if content.len() as u64 > most {
            return Err(too_much(content.len() as u64));
        }
    }
    Ok(content.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_platforms_own_hosts_are_asked() {
        let hosts = Hosts {
            names: &["files.slack.com", ".slack-files.com"],
            api_url: "http://127.0.0.1:4100/api",
        };
        for good in [
            "https://files.slack.com/files-pri/T1-F1/chart.png",
            "https://a.slack-files.com/x",
            "http://127.0.0.1:4100/files/F1",
        ] {
            assert!(hosts.admit(good).is_some(), "{good}");
        }
        for bad in [
            "http://files.slack.com/x",
            "https://files.slack.com:8443/x",
            "https://files.slack.com.evil.example/x",
            "https://evilslack-files.com/x",
            "https://evil@files.slack.com/x",
            "https://169.254.169.254/latest/meta-data",
            "http://127.0.0.1:4101/x",
            "https://127.0.0.1:4100/x",
            "https://[::1]/x",
            "file:///etc/passwd",
            "//files.slack.com/x",
            "",
        ] {
            assert!(hosts.admit(bad).is_none(), "{bad}");
        }
    }
}
