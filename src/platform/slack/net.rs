//! The ways out to Slack: one TLS configuration, one proxy, one time limit for all of them.
//!
//! Everything goes where the configuration says: calls of the Web API to `api-url`, what Slack
//! itself names (a `response_url`, an upload, a socket) only to hosts that are checked where it is
//! named. The proxy variables of the environment are not read.

use crate::config::chat::Net as Settings;
use crate::platform::way::{self, Proxy};
use anyhow::Context;
use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use slack_morphism::errors::SlackClientError;
use slack_morphism::prelude::{
    SlackApiToken, SlackApiTokenValue, SlackClient, SlackClientHyperConnector,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

type Https<C> = SlackClient<SlackClientHyperConnector<HttpsConnector<C>>>;

/// Slack's client, with or without a proxy in between.
enum Client {
    Direct(Https<HttpConnector>),
    Tunnel(Https<Tunnel<HttpConnector>>),
}

/// The ways out of one workspace.
pub(super) struct Net {
    client: Client,
    /// For what is no method of the Web API, and for answers whose headers matter.
    pub(super) http: reqwest::Client,
    /// For sockets.
    pub(super) tls: Arc<rustls::ClientConfig>,
    proxy: Option<Proxy>,
    /// Base of the Web API.
    pub(super) api_url: String,
    /// A call that takes longer is taken for failed.
    pub(super) timeout: Duration,
}

impl Net {
    /// # Errors
    /// When the proxy's address or the certificate file cannot be used.
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Net> {
        let pem = match &settings.extra_ca {
            Some(path) => Some(
                std::fs::read(path)
                    .with_context(|| format!("extra-ca {} cannot be read", path.display()))?,
            ),
            None => None,
        };
        let tls = way::tls(settings.extra_ca.as_deref(), pem.as_deref())?;
        let proxy = settings.proxy.as_ref().map(way::proxy).transpose()?;
        let timeout = Duration::from_millis(u64::try_from(settings.timeout_ms).unwrap_or(10_000));
        Ok(Net {
            client: client(&settings.api_url, tls.clone(), proxy.as_ref(), timeout)?,
            http: http(settings, pem.as_deref(), timeout)?,
            tls: Arc::new(tls),
            proxy,
            api_url: settings.api_url.clone(),
            timeout,
        })
    }

    /// Calls a method with JSON.
    pub(super) async fn post(
        &self,
        token: &SecretString,
        method: &str,
        body: &Value,
    ) -> Result<Value, SlackClientError> {
        let token = bearer(token);
        match &self.client {
            Client::Direct(client) => post(client, &token, method, body).await,
            Client::Tunnel(client) => post(client, &token, method, body).await,
        }
    }

    /// Calls a method that reads its arguments from the address only.
    pub(super) async fn get(
        &self,
        token: &SecretString,
        method: &str,
        params: &[(&str, String)],
    ) -> Result<Value, SlackClientError> {
        let token = bearer(token);
        match &self.client {
            Client::Direct(client) => get(client, &token, method, params).await,
            Client::Tunnel(client) => get(client, &token, method, params).await,
        }
    }

    /// A connection for a socket: straight, or through the proxy.
    pub(super) async fn dial(&self, host: &str, port: u16) -> anyhow::Result<TcpStream> {
        way::dial(self.proxy.as_ref(), host, port).await
    }
}

fn bearer(token: &SecretString) -> SlackApiToken {
    SlackApiToken::new(SlackApiTokenValue::new(token.expose_secret().to_owned()))
}

async fn post<C>(
    client: &Https<C>,
    token: &SlackApiToken,
    method: &str,
    body: &Value,
) -> Result<Value, SlackClientError>
where
    HttpsConnector<C>: Connect + Clone + Send + Sync + 'static,
{
    // Without rate control parameters nothing is throttled: the gates per channel do that.
    let session = client.open_session(token);
    session.http_session_api.http_post(method, body, None).await
}

async fn get<C>(
    client: &Https<C>,
    token: &SlackApiToken,
    method: &str,
    params: &[(&str, String)],
) -> Result<Value, SlackClientError>
where
    HttpsConnector<C>: Connect + Clone + Send + Sync + 'static,
{
    let params: Vec<(&str, Option<&String>)> = params.iter().map(|(k, v)| (*k, Some(v))).collect();
    let session = client.open_session(token);
    session
        .http_session_api
        .http_get(method, &params, None)
        .await
}

fn client(
    api_url: &str,
    tls: rustls::ClientConfig,
    proxy: Option<&Proxy>,
    timeout: Duration,
) -> anyhow::Result<Client> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(timeout));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1();
    let Some(proxy) = proxy else {
        let connector = SlackClientHyperConnector::with_connector(https.wrap_connector(tcp));
        let connector = connector.with_slack_api_url(api_url);
        return Ok(Client::Direct(SlackClient::new(connector)));
    };
    let to: Uri = format!("http://{}:{}", proxy.host, proxy.port)
        .parse()
        .context("the proxy's address cannot be used")?;
    let mut tunnel = Tunnel::new(to, tcp);
    if let Some(auth) = &proxy.auth {
        tunnel = tunnel.with_auth(auth.clone());
    }
    let connector = SlackClientHyperConnector::with_connector(https.wrap_connector(tunnel));
    let connector = connector.with_slack_api_url(api_url);
    Ok(Client::Tunnel(SlackClient::new(connector)))
}

fn http(
    settings: &Settings,
    pem: Option<&[u8]>,
    timeout: Duration,
) -> anyhow::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("firebell/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(timeout)
        .timeout(timeout);
    if let Some(proxy) = &settings.proxy {
        let proxy = reqwest::Proxy::all(proxy.expose_secret())
            .map_err(|_| anyhow::anyhow!("the proxy's address cannot be used"))?;
        builder = builder.proxy(proxy);
    }
    for ca in reqwest::Certificate::from_pem_bundle(pem.unwrap_or_default())? {
        builder = builder.add_root_certificate(ca);
    }
    Ok(builder.build()?)
}
