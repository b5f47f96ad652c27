//! An app of a few lines, for the rules that need one.

use crate::slack_world::SlackWorld;
use futures_util::{SinkExt, StreamExt};
use reqwest::Client;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// An app's way to the Web API.
#[derive(Clone)]
pub struct App {
    pub world: SlackWorld,
    pub client: Client,
    token: String,
}

/// An answer that never came.
pub type Unanswered = reqwest::Error;

impl App {
    pub fn of(world: &SlackWorld) -> App {
        let client = Client::builder().no_proxy().timeout(PATIENCE);
        App {
            world: world.clone(),
            client: client.build().unwrap(),
            token: world.bot_token().to_owned(),
        }
    }

    pub fn with_token(&self, token: &str) -> App {
        App {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    pub fn url(&self, method: &str) -> String {
        format!("{}/{method}", self.world.api_url())
    }

    /// Calls with a JSON body.
    pub async fn call(&self, method: &str, args: Value) -> Value {
        self.tries(method, args).await.unwrap()
    }

    /// Calls, and may get no answer.
    pub async fn tries(&self, method: &str, args: Value) -> Result<Value, Unanswered> {
        let request = self.client.post(self.url(method)).bearer_auth(&self.token);
        request.json(&args).send().await?.json().await
    }

    /// Reads with arguments in the address.
    pub async fn reads(&self, method: &str, args: &[(&str, &str)]) -> Value {
        let request = self.client.get(self.url(method)).bearer_auth(&self.token);
        request
            .query(args)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// The code a call is refused with.
    pub async fn refusal(&self, method: &str, args: Value) -> String {
        let answer = self.call(method, args).await;
        assert_eq!(answer["ok"], false, "{method}: {answer}");
        answer["error"].as_str().unwrap().to_owned()
    }

    /// A channel the app made; its id.
    pub async fn creates(&self, name: &str) -> String {
        let made = self
            .call("conversations.create", json!({"name": name}))
            .await;
        made["channel"]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{made}"))
            .to_owned()
    }

    /// A message of text alone; its timestamp.
    pub async fn posts(&self, channel: &str, text: &str) -> String {
        let args = json!({"channel": channel, "text": text});
        let said = self.call("chat.postMessage", args).await;
        said["ts"]
            .as_str()
            .unwrap_or_else(|| panic!("{said}"))
            .to_owned()
    }

    /// A socket that has said hello.
    pub async fn connects(&self) -> Socket {
        let app = self.with_token(self.world.app_token());
        let opened = app.call("apps.connections.open", json!({})).await;
        let url = opened["url"].as_str().unwrap_or_else(|| panic!("{opened}"));
        let (stream, _) = connect_async(url).await.unwrap();
        let mut socket = Socket { stream };
        let hello = socket.next().await.unwrap();
        assert_eq!(hello["type"], "hello", "{hello}");
        socket
    }

    /// A socket that acknowledges everything on its own, events or not.
    pub async fn listens(&self) {
        let mut socket = self.connects().await;
        tokio::spawn(async move {
            while let Some(envelope) = socket.next().await {
                if envelope["envelope_id"].is_string() {
                    socket.acks(&envelope, None).await;
                }
            }
        });
    }
}

/// The app's end of Socket Mode.
pub struct Socket {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// What comes next; `None` when the connection ended. Fails when nothing comes for long.
    pub async fn next(&mut self) -> Option<Value> {
        let next = tokio::time::timeout(PATIENCE, self.next_text()).await;
        let text = next.expect("something comes over the socket")?;
        Some(serde_json::from_str(&text).unwrap())
    }

    async fn next_text(&mut self) -> Option<String> {
        loop {
            match self.stream.next().await? {
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next envelope of this type; others are acknowledged on the way.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let envelope = self.next().await.expect("the socket is open");
            if envelope["type"] == kind {
                return envelope;
            }
            self.acks(&envelope, None).await;
        }
    }

    /// The next event of this type; others are acknowledged on the way, and so is this one.
    pub async fn next_event(&mut self, kind: &str) -> Value {
        loop {
            let envelope = self.next_of("events_api").await;
            self.acks(&envelope, None).await;
            if envelope["payload"]["event"]["type"] == kind {
                return envelope["payload"].clone();
            }
        }
    }

    pub async fn acks(&mut self, envelope: &Value, payload: Option<Value>) {
        let mut ack = json!({"envelope_id": envelope["envelope_id"]});
        if let Some(payload) = payload {
            ack["payload"] = payload;
        }
        self.stream
            .send(Message::text(ack.to_string()))
            .await
            .unwrap();
    }
}
