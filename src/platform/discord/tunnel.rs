//! A way to the gateway for a client that knows none: serenity takes neither a proxy nor a certificate authority.
//!
//! It is given an address of this machine instead. What it sends there goes on by the configured way, encrypted
//! from here on; only the head of its first request is changed, so that Discord finds its own name in it. The
//! address has a word nobody else on this machine knows; who comes without it is not carried.

use crate::config::chat::Net;
use crate::platform::way::{self, Proxy};
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The head of a request for a socket is some hundred bytes.
const HEAD: usize = 16 * 1024;

/// Where it leads.
struct Far {
    host: String,
    port: u16,
    /// Path in front of the query.
    path: String,
    tls: Option<TlsConnector>,
    proxy: Option<Proxy>,
    word: String,
    patience: Duration,
}

/// An open way; closed when it is dropped.
pub(super) struct Tunnel {
    /// What the client is given.
    pub url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tunnel {
    /// Opens one to a gateway. `None`: nothing stands in between, and the client finds it by itself.
    ///
    /// # Errors
    /// In words, without the proxy's address.
    pub(super) async fn open(net: &Net, gateway: &str) -> anyhow::Result<Option<Tunnel>> {
        if net.proxy.is_none() && net.extra_ca.is_none() {
            return Ok(None);
        }
        let far = Arc::new(Far::of(net, gateway)?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}/{}", listener.local_addr()?, far.word);
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = far.clone();
                crate::engine::spawn(async move {
                    if let Err(error) = far.carry(near).await {
                        // The client sees its line closed, and tries again.
                        tracing::warn!(%error, "the way to Discord's gateway is closed");
                    }
                });
            }
        });
        Ok(Some(Tunnel { url, task }))
    }
}

impl Far {
    fn of(net: &Net, gateway: &str) -> anyhow::Result<Far> {
        let wrong = || anyhow::anyhow!("Discord's gateway has no address that can be used");
        let url: reqwest::Url = gateway.parse().map_err(|_| wrong())?;
        let host = url.host_str().ok_or_else(wrong)?.to_owned();
        let secure = url.scheme() == "wss";
        let port = url.port().unwrap_or(if secure { 443 } else { 80 });
        let pem = net.extra_ca.as_ref().map(std::fs::read).transpose()?;
        let tls = way::tls(net.extra_ca.as_deref(), pem.as_deref())?;
        Ok(Far {
            host,
            port,
            path: url.path().to_owned(),
            tls: secure.then(|| TlsConnector::from(Arc::new(tls))),
            proxy: net.proxy.as_ref().map(way::proxy).transpose()?,
            word: uuid::Uuid::new_v4().simple().to_string(),
            patience: Duration::from_millis(u64::try_from(net.timeout_ms).unwrap_or(10_000)),
        })
    }

    async fn carry(&self, mut near: TcpStream) -> anyhow::Result<()> {
        let head = timeout(self.patience, head(&mut near)).await??;
        let head = self.rewritten(&head)?;
        let dialled = way::dial(self.proxy.as_ref(), &self.host, self.port);
        let far = timeout(self.patience, dialled).await??;
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        match &self.tls {
            None => through(near, far, &head).await,
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone())?;
                let far = timeout(self.patience, tls.connect(name, far)).await??;
                through(near, far, &head).await
            }
        }
    }

    /// The request as the gateway is to have it: its own path and its own name.
    fn rewritten(&self, head: &str) -> anyhow::Result<String> {
        let stranger = || anyhow::anyhow!("somebody else of this machine wanted to use it");
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let rest = first
            .strip_prefix("GET /")
            .and_then(|r| r.strip_prefix(self.word.as_str()))
            .ok_or_else(stranger)?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let mut out = format!("GET {}{rest}\r\n", self.path);
        for line in lines.filter(|l| !l.is_empty()) {
            let host = line
                .split_once(':')
                .is_some_and(|(name, _)| name.eq_ignore_ascii_case("host"));
            if host {
                out.push_str(&format!("Host: {}\r\n", self.host));
            } else {
                out.push_str(&format!("{line}\r\n"));
            }
        }
        out.push_str("\r\n");
        Ok(out)
    }
}

/// Everything up to the empty line, and nothing behind it.
async fn head(near: &mut TcpStream) -> anyhow::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(near.read_u8().await?);
        anyhow::ensure!(head.len() <= HEAD, "a request without an end");
    }
    Ok(String::from_utf8(head)?)
}

async fn through<F>(mut near: TcpStream, mut far: F, head: &str) -> anyhow::Result<()>
where
    F: AsyncRead + AsyncWrite + Unpin,
{
    far.write_all(head.as_bytes()).await?;
    far.flush().await?;
    copy_bidirectional(&mut near, &mut far).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(proxy: Option<String>) -> Net {
        Net {
            api_url: "https://discord.com/api/v10".to_owned(),
            proxy: proxy.map(Into::into),
            extra_ca: None,
            timeout_ms: 5000,
            pace_ms: 1,
        }
    }

    #[tokio::test]
    async fn without_anything_in_between_there_is_no_tunnel() {
        let none = Tunnel::open(&net(None), "wss://gateway.discord.gg").await;
        assert!(none.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_the_client_sends_goes_through_the_proxy_under_the_gateways_own_name() {
        // A proxy that opens the tunnel and then is the gateway.
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = proxy.local_addr().unwrap();
        let far = tokio::spawn(async move {
            let (mut line, _) = proxy.accept().await.unwrap();
            let asked = head(&mut line).await.unwrap();
            line.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let request = head(&mut line).await.unwrap();
            line.write_all(b"HTTP/1.1 101 Switching\r\n\r\nhello")
                .await
                .unwrap();
            (asked, request)
        });
        let net = net(Some(format!("http://me:secret@{at}")));
        let tunnel = Tunnel::open(&net, "ws://gateway.discord.gg/x").await;
        let tunnel = tunnel.unwrap().unwrap();
        let near = tunnel.url.strip_prefix("ws://").unwrap().to_owned();
        let (door, word) = near.split_once('/').unwrap();
        let stranger = TcpStream::connect(door).await;
        let mut stranger = stranger.unwrap();
        stranger
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut nothing = Vec::new();
        stranger.read_to_end(&mut nothing).await.unwrap();
        assert!(
            nothing.is_empty(),
            "who does not know the word is not carried"
        );
        let mut line = TcpStream::connect(door).await.unwrap();
        let ask =
            format!("GET /{word}/?v=10 HTTP/1.1\r\nhost: {door}\r\nUpgrade: websocket\r\n\r\n");
        line.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = vec![0; 5 + 26];
        line.read_exact(&mut answer).await.unwrap();
        assert!(answer.ends_with(b"hello"));
        let (asked, request) = far.await.unwrap();
        assert!(
            asked.starts_with("CONNECT gateway.discord.gg:80 HTTP/1.1\r\n"),
            "{asked}"
        );
        assert!(asked.contains("Proxy-Authorization: Basic "), "{asked}");
        assert_eq!(
            request,
            "GET /x?v=10 HTTP/1.1\r\nHost: gateway.discord.gg\r\nUpgrade: websocket\r\n\r\n"
        );
    }
}
