//! The way out of this machine, as configured: a proxy, and another certificate authority beside the usual
//! ones. The proxy variables of the environment are not read.

use anyhow::{Context, bail};
use base64::Engine as _;
use hyper::header::HeaderValue;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A head of a proxy's answer that is longer is no answer.
const PROXY_HEAD: usize = 8 * 1024;

/// Where the proxy is and what it is told.
pub(super) struct Proxy {
    pub host: String,
    pub port: u16,
    pub auth: Option<HeaderValue>,
}

/// A connection to a host: straight, or through the proxy.
///
/// # Errors
/// In words, without the proxy's address.
pub(super) async fn dial(
    proxy: Option<&Proxy>,
    host: &str,
    port: u16,
) -> anyhow::Result<TcpStream> {
    let Some(proxy) = proxy else {
        return Ok(TcpStream::connect((host, port)).await?);
    };
    let mut stream = TcpStream::connect((proxy.host.as_str(), proxy.port))
        .await
        .context("the proxy does not answer")?;
    let mut ask = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(auth) = proxy.auth.as_ref().and_then(|a| a.to_str().ok()) {
        ask.push_str(&format!("Proxy-Authorization: {auth}\r\n"));
    }
    ask.push_str("\r\n");
    stream.write_all(ask.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        // Byte by byte: what comes behind the head belongs to the tunnel.
        let byte = stream.read_u8().await.context("the proxy hung up")?;
        head.push(byte);
        if head.len() > PROXY_HEAD {
            bail!("the proxy's answer has no end");
        }
    }
    let head = String::from_utf8_lossy(&head);
    match head.split(' ').nth(1) {
        Some("200") => Ok(stream),
        Some("407") => bail!("the proxy wants a name and a password, or refused them"),
        status => bail!(
            "the proxy refused the tunnel: {}",
            status.unwrap_or("no status")
        ),
    }
}

/// The usual authorities and the configured one, with the provider named: two in one process, or
/// none, would end it at the first connection.
///
/// # Errors
/// When the file holds no authority.
pub(super) fn tls(path: Option<&Path>, pem: Option<&[u8]>) -> anyhow::Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let (Some(path), Some(pem)) = (path, pem) {
        let mut found = 0;
        for ca in CertificateDer::pem_slice_iter(pem) {
            let ca = ca.with_context(|| format!("extra-ca {} is no PEM", path.display()))?;
            roots
                .add(ca)
                .with_context(|| format!("extra-ca {} holds no authority", path.display()))?;
            found += 1;
        }
        if found == 0 {
            bail!("extra-ca {} holds no certificate", path.display());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Reads `http://[name:password@]host:port`.
///
/// # Errors
/// In words, without the address.
pub(super) fn proxy(url: &SecretString) -> anyhow::Result<Proxy> {
    let wrong = "the proxy's address cannot be used: it is http://host:port";
    let url: reqwest::Url = url.expose_secret().parse().ok().context(wrong)?;
    let host = url.host_str().context(wrong)?.to_owned();
    if url.scheme() != "http" {
        bail!("{wrong}");
    }
    let auth = (!url.username().is_empty()).then(|| {
        let both = format!("{}:{}", url.username(), url.password().unwrap_or_default());
        let coded = base64::engine::general_purpose::STANDARD.encode(both);
        HeaderValue::from_str(&format!("Basic {coded}"))
    });
    Ok(Proxy {
        host,
        port: url.port_or_known_default().unwrap_or(80),
        auth: auth.transpose()?,
    })
}
