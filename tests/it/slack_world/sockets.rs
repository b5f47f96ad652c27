//! Socket Mode: the connections of an app, and what goes over them
//! (docs.slack.dev, "Using Socket Mode").

use super::Core;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Connections an app may have.
const MOST: usize = 10;

/// What a connection is told to do.
#[derive(Debug)]
pub enum Order {
    Envelope(Value),
    /// Ends with a close frame.
    Close(u16),
    /// Ends without one.
    Drop,
    /// Says nothing any more, not even a pong, and stays open.
    Freeze,
}

pub struct Socket {
    pub number: u64,
    pub orders: mpsc::UnboundedSender<Order>,
    /// It was told to go, or went silent for good: nothing more is sent over it.
    pub leaving: bool,
}

/// What an acknowledgement brought, and how long it took.
pub type Ack = (Option<Value>, Duration);

#[derive(Default)]
pub struct Sockets {
    tickets: BTreeSet<String>,
    pub open: Vec<Socket>,
    /// Over which one the latest envelope went; they take turns.
    turn: u64,
    count: u64,
    /// Envelopes that wait for an acknowledgement, and since when.
    pub waiting: BTreeMap<String, (Instant, oneshot::Sender<Ack>)>,
    /// Envelopes that were given up.
    pub overdue: BTreeMap<String, Instant>,
    /// Acknowledged envelopes.
    pub done: BTreeSet<String>,
}

impl Sockets {
    pub fn ticket(&mut self) -> String {
        let ticket = format!("{:032x}", fastrand::u128(..));
        self.tickets.insert(ticket.clone());
        ticket
    }

    /// Whose turn it is.
    pub fn next(&mut self) -> Option<&Socket> {
        let usable = |s: &&Socket| !s.leaving && !s.orders.is_closed();
        let after = self
            .open
            .iter()
            .filter(usable)
            .find(|s| s.number > self.turn);
        let next = after.or_else(|| self.open.iter().find(usable))?;
        self.turn = next.number;
        Some(next)
    }
}

/// Opens a socket for a ticket, which is good once.
pub async fn link(
    State(core): State<Arc<Core>>,
    Query(query): Query<BTreeMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let ticket = query.get("ticket").cloned().unwrap_or_default();
    if !core.change(|state| state.sockets.tickets.remove(&ticket)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    upgrade.on_upgrade(move |socket| connected(core, socket))
}

async fn connected(core: Arc<Core>, mut socket: WebSocket) {
    let (orders, mut inbox) = mpsc::unbounded_channel();
    let (number, open) = core.change(|state| {
        state.sockets.count += 1;
        let number = state.sockets.count;
        (number, state.sockets.open.len() + 1)
    });
    let hello = if open > MOST {
        disconnect("too_many_websockets")
    } else {
        json!({
            "type": "hello",
            "num_connections": open,
            "connection_info": {"app_id": core.change(|s| s.app_id.clone())},
            "debug_info": {"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
        })
    };
    if socket.send(Message::text(hello.to_string())).await.is_err() || open > MOST {
        return;
    }
    core.change(|state| {
        state.sockets.open.push(Socket {
            number,
            orders,
            leaving: false,
        });
    });
    core.retry_undelivered();
    serve(&core, &mut socket, &mut inbox).await;
    core.change(|state| state.sockets.open.retain(|s| s.number != number));
}

pub fn disconnect(reason: &str) -> Value {
    json!({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}})
}

/// Until one side ends it. Several things happen at once here; whichever is first is served.
async fn serve(core: &Core, socket: &mut WebSocket, inbox: &mut mpsc::UnboundedReceiver<Order>) {
    let mut cut = core.cut.subscribe();
    loop {
        let every = core.change(|state| state.tune.ping_every);
        tokio::select! {
            order = inbox.recv() => match order {
                Some(Order::Envelope(envelope)) => {
                    if socket.send(Message::text(envelope.to_string())).await.is_err() {
                        return;
                    }
                }
                Some(Order::Close(code)) => {
                    let frame = CloseFrame { code, reason: "".into() };
                    // whether it still gets there does not matter
                    let _ = socket.send(Message::Close(Some(frame))).await;
                    return;
                }
                Some(Order::Freeze) => {
                    tokio::select! { _ = cut.changed() => {}, () = std::future::pending() => {} }
                    return;
                }
                Some(Order::Drop) | None => return,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => core.acknowledged(text.as_str()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            () = tokio::time::sleep(every) => {
                if socket.send(Message::Ping("slack".into())).await.is_err() {
                    return;
                }
            }
            _ = cut.changed() => return,
        }
    }
}

impl Core {
    /// An acknowledgement came in.
    fn acknowledged(&self, text: &str) {
        self.change(|state| {
            let Ok(ack) = serde_json::from_str::<Value>(text) else {
                return state.violation(format!("the socket got no JSON: {text}"));
            };
            let id = ack["envelope_id"].as_str().unwrap_or("").to_owned();
            let body = ack.get("payload").filter(|p| !p.is_null()).cloned();
            if let Some((since, waiting)) = state.sockets.waiting.remove(&id) {
                state.sockets.done.insert(id);
                // nobody waits for it any more when the test is over
                let _ = waiting.send((body, since.elapsed()));
            } else if let Some(since) = state.sockets.overdue.remove(&id) {
                let took = since.elapsed();
                state
                    .late
                    .push(format!("{id} was acknowledged after {took:?}"));
                state.sockets.done.insert(id);
            } else if state.sockets.done.contains(&id) {
                state.violation(format!("{id} was acknowledged twice"));
            } else {
                state.violation(format!("an acknowledgement of nothing: {text}"));
            }
        });
    }
}
