//! What goes to the app and how it is taken: over a socket or as a signed request, within three
//! seconds, and once more when it was not.

use super::Core;
use super::signed;
use super::sockets::{Ack, Order};
use super::state::{RequestUrls, Sent};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

pub const EVENTS: &str = "events_api";
pub const COMMANDS: &str = "slash_commands";
pub const INTERACTIVE: &str = "interactive";

/// What came of something that was sent.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Whether it was acknowledged in time, the first or the second time.
    pub acked: bool,
    pub took: Duration,
    /// What the acknowledgement carried.
    pub body: Option<Value>,
    /// What Slack would tell the person: `dispatch_failed`, `operation_timeout`.
    pub error: Option<String>,
}

/// An envelope on its way: its place in `sent`, its id and its acknowledgement.
struct Placed {
    at: usize,
    id: String,
    ack: oneshot::Receiver<Ack>,
}

/// Counts while it lives.
struct OnTheWay(Arc<Core>);

impl OnTheWay {
    fn begins(core: &Arc<Core>) -> OnTheWay {
        core.change(|state| state.on_the_way += 1);
        OnTheWay(core.clone())
    }
}

impl Drop for OnTheWay {
    fn drop(&mut self) {
        self.0.change(|state| state.on_the_way -= 1);
    }
}

impl Core {
    /// Sends the events that happened, in their order, without waiting for the app.
    pub fn flush(self: &Arc<Core>) {
        let (events, times) = self.change(|state| {
            let times = if state.tune.duplicate_events { 2 } else { 1 };
            if state.holding {
                return (Vec::new(), 0);
            }
            (std::mem::take(&mut state.events), times)
        });
        for event in events {
            for _ in 0..times {
                self.send(EVENTS, event.clone());
            }
        }
    }

    /// Sends on its own.
    pub fn send(self: &Arc<Core>, kind: &'static str, payload: Value) {
        tokio::spawn(self.deliver(kind, payload));
    }

    /// Sends now; what is returned waits for the outcome.
    pub fn deliver(
        self: &Arc<Core>,
        kind: &'static str,
        payload: Value,
    ) -> impl Future<Output = Outcome> + Send + use<> {
        let core = self.clone();
        let urls = self.change(|state| state.urls.clone());
        let first = urls.is_none().then(|| self.place(kind, &payload, 0));
        let on_the_way = OnTheWay::begins(self);
        async move {
            let _on_the_way = on_the_way;
            match (urls, first.flatten()) {
                (Some(urls), _) => core.by_http(urls, kind, payload).await,
                (None, Some(placed)) => core.by_socket(placed, kind, payload).await,
                (None, None) => {
                    if kind == EVENTS {
                        core.change(|state| state.undelivered.push((kind, payload)));
                    }
                    Outcome {
                        error: Some("dispatch_failed".to_owned()),
                        ..Outcome::default()
                    }
                }
            }
        }
    }

    /// What found no socket goes over the one that just opened.
    pub fn retry_undelivered(self: &Arc<Core>) {
        let left = self.change(|state| std::mem::take(&mut state.undelivered));
        for (kind, payload) in left {
            let placed = self.place(kind, &payload, 1);
            let core = self.clone();
            let on_the_way = OnTheWay::begins(self);
            tokio::spawn(async move {
                let _on_the_way = on_the_way;
                if let Some(placed) = placed {
                    core.acked(placed).await;
                }
            });
        }
    }

    fn place(&self, kind: &'static str, payload: &Value, retry: u32) -> Option<Placed> {
        let id = uuid::Uuid::new_v4().to_string();
        let mut envelope = json!({
            "envelope_id": id,
            "payload": payload,
            "type": kind,
            "accepts_response_payload": kind != EVENTS,
        });
        if kind == EVENTS || retry > 0 {
            envelope["retry_attempt"] = json!(retry);
            envelope["retry_reason"] = json!(if retry > 0 { "timeout" } else { "" });
        }
        self.change(|state| {
            let socket = state.sockets.next()?;
            socket.orders.send(Order::Envelope(envelope)).ok()?;
            let (tell, ack) = oneshot::channel();
            let since = tokio::time::Instant::now();
            state.sockets.waiting.insert(id.clone(), (since, tell));
            state.sent.push(Sent {
                kind,
                payload: payload.clone(),
                envelope_id: id.clone(),
                retry,
                ..Sent::default()
            });
            Some(Placed {
                at: state.sent.len() - 1,
                id,
                ack,
            })
        })
    }

    async fn by_socket(&self, first: Placed, kind: &'static str, payload: Value) -> Outcome {
        let outcome = self.acked(first).await;
        let resend = self.change(|state| state.tune.resend);
        if outcome.acked || !resend {
            return outcome;
        }
        match self.place(kind, &payload, 1) {
            Some(again) => self.acked(again).await,
            None => {
                self.change(|state| state.undelivered.push((kind, payload)));
                outcome
            }
        }
    }

    /// Waits for the acknowledgement, as long as Slack does.
    async fn acked(&self, placed: Placed) -> Outcome {
        let within = self.change(|state| state.tune.ack_within);
        let Placed { at, id, ack } = placed;
        match tokio::time::timeout(within, ack).await {
            Ok(Ok((body, took))) => {
                self.change(|state| {
                    state.sent[at].acked_after = Some(took);
                    state.sent[at].answer.clone_from(&body);
                });
                Outcome {
                    acked: true,
                    took,
                    body,
                    error: None,
                }
            }
            _ => {
                self.change(|state| {
                    if let Some((since, _)) = state.sockets.waiting.remove(&id) {
                        state.sockets.overdue.insert(id.clone(), since);
                        let what = described(&state.sent[at]);
                        let told = format!("{what} was not acknowledged within {within:?}");
                        state.late.push(told);
                    }
                });
                Outcome {
                    took: within,
                    error: Some("operation_timeout".to_owned()),
                    ..Outcome::default()
                }
            }
        }
    }

    async fn by_http(&self, urls: RequestUrls, kind: &'static str, payload: Value) -> Outcome {
        let (url, body, form) = match kind {
            EVENTS => (urls.events, payload.to_string(), false),
            COMMANDS => (urls.commands, signed::form_of(&payload), true),
            _ => {
                let field = json!({"payload": payload.to_string()});
                (urls.interactivity, signed::form_of(&field), true)
            }
        };
        let mut outcome = Outcome::default();
        let mut reason = "";
        for retry in 0..2 {
            let mut posted = self.sign(&url, &body, form);
            if retry > 0 {
                let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
                posted.headers.push(header("x-slack-retry-num", "1"));
                posted.headers.push(header("x-slack-retry-reason", reason));
            }
            let answered = self.post(&posted).await;
            outcome = answered.outcome;
            posted.status = answered.status;
            self.change(|state| {
                let took = outcome.took;
                if !outcome.acked {
                    state
                        .late
                        .push(format!("{url} was not answered well within {took:?}"));
                }
                state.sent.push(Sent {
                    kind,
                    payload: payload.clone(),
                    retry,
                    acked_after: outcome.acked.then_some(took),
                    answer: outcome.body.clone(),
                    http: Some(posted),
                    ..Sent::default()
                });
            });
            let resend = self.change(|state| state.tune.resend);
            // only events are sent again; a person clicks again
            if outcome.acked || answered.no_retry || !resend || kind != EVENTS {
                break;
            }
            reason = if answered.status == 0 {
                "http_timeout"
            } else {
                "http_error"
            };
        }
        outcome
    }
}

/// Kind, and the event, command or action it is about.
fn described(sent: &Sent) -> String {
    let payload = &sent.payload;
    let about = [
        &payload["event"]["type"],
        &payload["command"],
        &payload["type"],
    ];
    let about = about.iter().find_map(|v| v.as_str()).unwrap_or("");
    format!("{} {about} ({})", sent.kind, sent.envelope_id)
}
