//! One connection: opened, read, acknowledged over, watched, closed.

use super::Hub;
use crate::platform::slack::net::Net;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

/// Time limits without a word after which a connection is given up.
const SILENCE: u32 = 3;
/// How long a connection that is no longer needed is read and acknowledged over.
const GRACE: Duration = Duration::from_millis(1500);
/// Bytes of a message; Slack's largest are some tens of kilobytes.
const MESSAGE: usize = 4 * 1024 * 1024;

/// Tells a connection that the next one is open.
pub(super) type Stop = Arc<Notify>;

/// What became of a connection.
#[derive(Debug)]
pub(super) enum Ended {
    /// Slack announced that it will close it, with its reason.
    Leaving(String),
    /// It is closed, and why.
    Closed(String),
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An open connection over which Slack has said hello.
pub(super) struct Line {
    socket: Socket,
    timeout: Duration,
}

/// Opens a connection and waits for Slack's hello.
///
/// # Errors
/// In words, without the address: its ticket is a secret.
pub(super) async fn dial(net: &Net, url: &str) -> Result<Line, String> {
    let wrong = || "Slack named no address for a socket".to_owned();
    let parsed: reqwest::Url = url.parse().map_err(|_| wrong())?;
    let plain = parsed.scheme() == "ws" && net.api_url.starts_with("http:");
    if !plain && parsed.scheme() != "wss" {
        return Err(wrong());
    }
    let host = parsed.host_str().ok_or_else(wrong)?;
    let port = parsed.port_or_known_default().ok_or_else(wrong)?;
    let dialled = tokio::time::timeout(net.timeout, net.dial(host, port)).await;
    let stream = match dialled {
        Ok(Ok(stream)) => stream,
        Ok(Err(why)) => return Err(format!("the socket could not be opened: {why}")),
        Err(_) => return Err("the socket could not be opened in time".to_owned()),
    };
    // Acknowledgements are small and waited for.
    let _ = stream.set_nodelay(true);
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE))
        .max_frame_size(Some(MESSAGE));
    let tls = Connector::Rustls(Arc::clone(&net.tls));
    let shaken = client_async_tls_with_config(url, stream, Some(config), Some(tls)).await;
    let (socket, _) = shaken.map_err(|_| "Slack refused the socket".to_owned())?;
    let mut line = Line {
        socket,
        timeout: net.timeout,
    };
    match tokio::time::timeout(net.timeout, line.hello()).await {
        Ok(Ok(())) => Ok(line),
        Ok(Err(why)) => Err(why),
        Err(_) => Err("Slack did not say hello in time".to_owned()),
    }
}

impl Line {
    async fn hello(&mut self) -> Result<(), String> {
        while let Some(message) = self.socket.next().await {
            let Ok(Message::Text(text)) = message else {
                continue;
            };
            let said: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
            match said["type"].as_str().unwrap_or_default() {
                "hello" => return Ok(()),
                "disconnect" => {
                    let reason = said["reason"].as_str().unwrap_or("no reason given");
                    return Err(match reason {
                        "too_many_websockets" => "too many sockets of this app are open already: is another firebell running with its token?".to_owned(),
                        "link_disabled" => super::OFF.to_owned(),
                        reason => format!("Slack closed the socket at once ({reason})"),
                    });
                }
                _ => {}
            }
        }
        Err("the socket was closed before Slack said hello".to_owned())
    }

    /// Reads until it ends, and tells the hub.
    pub(super) async fn serve(
        mut self,
        hub: &Arc<Hub>,
        number: u64,
        stop: Stop,
        tell: mpsc::UnboundedSender<(u64, Ended)>,
    ) {
        let leave = |why: String| {
            // The hub lives as long as the process.
            let _ = tell.send((number, Ended::Leaving(why)));
        };
        let why = self.run(hub, &stop, &leave).await;
        let _ = tokio::time::timeout(self.timeout, self.socket.close(None)).await;
        let _ = tell.send((number, Ended::Closed(why)));
    }

    async fn run(&mut self, hub: &Arc<Hub>, stop: &Notify, leave: &impl Fn(String)) -> String {
        let (acks, mut outbox) = mpsc::unbounded_channel();
        let mut heard = Instant::now();
        let mut end: Option<Instant> = None;
        let mut beat = tokio::time::interval(self.timeout);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let over = end.unwrap_or_else(|| Instant::now() + self.timeout * 2);
            tokio::select! {
                message = self.socket.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => {
                            if let Some(why) = take(hub, &text, &acks).await {
                                leave(why);
                            }
                        }
                        Some(Ok(Message::Close(_))) | None => return "Slack closed it".to_owned(),
                        Some(Err(_)) => return "the connection broke".to_owned(),
                        // Pings are answered by the library.
                        Some(Ok(_)) => {}
                    }
                }
                Some(out) = outbox.recv() => if !self.send(out).await {
                    return "it takes nothing any more".to_owned();
                },
                _ = beat.tick() => {
                    if heard.elapsed() > self.timeout * SILENCE {
                        return "nothing was heard over it for too long".to_owned();
                    }
                    if !self.send(Message::Ping("firebell".into())).await {
                        return "it takes nothing any more".to_owned();
                    }
                }
                () = stop.notified() => end = Some(Instant::now() + GRACE),
                () = tokio::time::sleep_until(over), if end.is_some() => {
                    return "the next one is open".to_owned();
                }
            }
        }
    }

    async fn send(&mut self, message: Message) -> bool {
        let sent = tokio::time::timeout(self.timeout, self.socket.send(message)).await;
        matches!(sent, Ok(Ok(())))
    }
}

/// Works off one message; the reason when Slack announces the end.
async fn take(hub: &Arc<Hub>, text: &str, acks: &mpsc::UnboundedSender<Message>) -> Option<String> {
    let Ok(said) = serde_json::from_str::<Value>(text) else {
        return None;
    };
    match said["type"].as_str().unwrap_or_default() {
        "hello" => None,
        "disconnect" => {
            let reason = said["reason"].as_str().unwrap_or("no reason given");
            Some(reason.to_owned())
        }
        _ => {
            hub.envelope(&said, acks).await;
            None
        }
    }
}
