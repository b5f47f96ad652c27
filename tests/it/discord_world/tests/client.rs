//! A plain client: REST by reqwest, the gateway by tungstenite, nothing clever.

use crate::discord_world::{DiscordWorld, PATIENCE, sessions as intents};
use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;

/// What a bot of ours asks the gateway for.
pub const INTENTS: u64 = intents::GUILDS
    | intents::GUILD_MESSAGES
    | intents::GUILD_MESSAGE_REACTIONS
    | intents::DIRECT_MESSAGES
    | intents::MESSAGE_CONTENT;

/// A bot's REST side.
pub struct Bot {
    pub http: Client,
    pub world: DiscordWorld,
}

impl Bot {
    pub fn new(world: &DiscordWorld) -> Bot {
        let http = Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Bot {
            http,
            world: world.clone(),
        }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}{path}", self.world.api());
        let token = format!("Bot {}", self.world.token());
        self.http
            .request(method, url)
            .header("authorization", token)
    }

    pub async fn raw(&self, method: &str, path: &str, body: &Value) -> Response {
        let request = self.request(method, path);
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        request.send().await.unwrap()
    }

    /// Status and body.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = self.raw(method, path, &body).await;
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// The body of what must succeed.
    pub async fn good(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, told) = self.call(method, path, body).await;
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {told}"
        );
        told
    }

    /// Status and code of what must fail.
    pub async fn bad(&self, method: &str, path: &str, body: Value) -> (u16, u64) {
        let (status, told) = self.call(method, path, body).await;
        (
            status,
            told["code"]
                .as_u64()
                .unwrap_or_else(|| panic!("{method} {path}: {status} {told}")),
        )
    }

    /// Registers one command `/fb` with what the tests use.
    pub async fn registers(&self) {
        let path = format!(
            "/applications/{}/guilds/{}/commands",
            self.world.app(),
            self.world.home()
        );
        self.good("PUT", &path, commands()).await;
    }

    /// Answers an interaction.
    pub async fn answers(&self, asked: &Value, body: Value) -> (u16, Value) {
        let (id, token) = (
            asked["id"].as_str().unwrap(),
            asked["token"].as_str().unwrap(),
        );
        self.call(
            "POST",
            &format!("/interactions/{id}/{token}/callback"),
            body,
        )
        .await
    }

    /// The path of an interaction's webhook.
    pub fn hook(&self, asked: &Value) -> String {
        format!(
            "/webhooks/{}/{}",
            self.world.app(),
            asked["token"].as_str().unwrap()
        )
    }
}

/// `/fb ack|run|note`, and a menu.
pub fn commands() -> Value {
    json!([
        {"name": "fb", "type": 1, "description": "Incidents", "options": [
            {"type": 1, "name": "ack", "description": "Take it", "options": [
                {"type": 4, "name": "incident", "description": "Which", "min_value": 1}]},
            {"type": 1, "name": "run", "description": "Run an action", "options": [
                {"type": 3, "name": "action", "description": "Which", "required": true, "autocomplete": true},
                {"type": 6, "name": "who", "description": "For whom"}]},
            {"type": 1, "name": "note", "description": "Write it down"}]},
        {"name": "Add to timeline", "type": 3},
    ])
}

type Socket = tokio_tungstenite::WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A bot's gateway side.
pub struct Line {
    socket: Socket,
    pub session: String,
    pub seq: u64,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Closed(Option<u16>),
    Lost,
}

impl Line {
    /// Connected and greeted, not identified.
    pub async fn open(world: &DiscordWorld) -> Line {
        let address = world
            .api()
            .replace("http://", "ws://")
            .replace("/api/v10", "/gateway?v=10&encoding=json");
        let (socket, _) = tokio_tungstenite::connect_async(address).await.unwrap();
        let mut line = Line {
            socket,
            session: String::new(),
            seq: 0,
        };
        assert_eq!(line.frame().await.unwrap()["op"], 10);
        line
    }

    /// Identified and told everything.
    pub async fn ready(world: &DiscordWorld) -> Line {
        let mut line = Line::open(world).await;
        line.identify(&world.token(), INTENTS).await;
        let ready = line.event("READY").await;
        line.session = ready["session_id"].as_str().unwrap().to_owned();
        line.event("GUILD_CREATE").await;
        line
    }

    pub async fn send(&mut self, value: &Value) {
        self.socket
            .send(Message::text(value.to_string()))
            .await
            .unwrap();
    }

    pub async fn identify(&mut self, token: &str, intents: u64) {
        self.send(&json!({"op": 2, "d": {"token": token, "intents": intents, "properties": {}}}))
            .await;
    }

    pub async fn resume(&mut self, token: &str, session: &str, seq: u64) {
        self.send(&json!({"op": 6, "d": {"token": token, "session_id": session, "seq": seq}}))
            .await;
    }

    /// The next frame, or how the connection ended.
    pub async fn frame(&mut self) -> Result<Value, End> {
        let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
        match next.expect("the gateway says nothing") {
            Some(Ok(Message::Text(text))) => {
                let value: Value = serde_json::from_str(&text).unwrap();
                self.seq = value["s"].as_u64().unwrap_or(self.seq);
                Ok(value)
            }
            Some(Ok(Message::Close(close))) => Err(End::Closed(
                close.map(|c| c.code.into()).filter(|c| *c != 1005),
            )),
            Some(Ok(other)) => panic!("an odd frame: {other:?}"),
            None | Some(Err(_)) => Err(End::Lost),
        }
    }

    /// The data of the next event of this name; others before it are passed over.
    pub async fn event(&mut self, name: &str) -> Value {
        loop {
            let frame = self
                .frame()
                .await
                .unwrap_or_else(|end| panic!("{end:?} before {name}"));
            if frame["t"] == name {
                return frame["d"].clone();
            }
        }
    }

    /// Whether the gateway acknowledges a heartbeat, with nothing else before.
    pub async fn beats(&mut self) -> Result<Value, End> {
        self.send(&json!({"op": 1, "d": self.seq})).await;
        self.frame().await
    }

    /// How it ends.
    pub async fn end(&mut self) -> End {
        loop {
            if let Err(end) = self.frame().await {
                return end;
            }
        }
    }
}
