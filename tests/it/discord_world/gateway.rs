//! The gateway: a websocket that greets, identifies, resumes, keeps time, and breaks in every way the
//! real one does.

use super::Shared;
use super::sessions::{Out, PRIVILEGED, Session};
use super::shapes;
use super::state::State;
use axum::extract::State as Given;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// `GET /gateway?v=10&encoding=json`. Compression is accepted and not used: frames of text are
/// always allowed.
pub async fn connect(Given(shared): Given<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|socket| serve(socket, shared))
}

/// One connection.
struct Line {
    shared: Arc<Shared>,
    out: UnboundedSender<Out>,
    /// The session it speaks for, once identified or resumed.
    session: Option<String>,
    zombie: bool,
}

async fn serve(mut socket: WebSocket, shared: Arc<Shared>) {
    let (out, mut orders) = unbounded_channel();
    let interval = shared.with(|state| state.settings.heartbeat_ms);
    let hello = json!({"op": 10, "s": null, "t": null, "d": {"heartbeat_interval": interval, "_trace": []}});
    let mut line = Line {
        shared: shared.clone(),
        out,
        session: None,
        zombie: false,
    };
    if socket.send(frame(&hello)).await.is_ok() {
        talk(
            &mut socket,
            &mut line,
            &mut orders,
            Duration::from_millis(interval * 2),
        )
        .await;
    }
    shared.with(|state| hang_up(state, &line));
}

/// The session stays to be resumed; only its line is gone.
fn hang_up(state: &mut State, line: &Line) {
    for session in &mut state.sessions {
        let own = session
            .line
            .as_ref()
            .is_some_and(|out| out.same_channel(&line.out));
        if own {
            session.line = None;
        }
    }
}

fn frame(value: &Value) -> Message {
    Message::Text(value.to_string().into())
}

async fn talk(
    socket: &mut WebSocket,
    line: &mut Line,
    orders: &mut UnboundedReceiver<Out>,
    silence: Duration,
) {
    let mut heard = tokio::time::Instant::now();
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(order) = order else { return };
                if !obey(socket, line, order).await {
                    return;
                }
            }
            got = tokio::time::timeout_at(heard + silence, socket.recv()) => match got {
                Ok(Some(Ok(Message::Text(text)))) => {
                    heard = tokio::time::Instant::now();
                    take(line, &text);
                }
                Ok(Some(Ok(Message::Close(close)))) => {
                    closed_by_client(line, close.map(|c| c.code));
                    return;
                }
                Ok(Some(Ok(_))) => {}
                Ok(None | Some(Err(_))) => return,
                Err(_) if line.zombie => heard = tokio::time::Instant::now(),
                // No heartbeat came in two intervals.
                Err(_) => {
                    forget(line);
                    obey(socket, line, Out::Close(Some(4009))).await;
                    return;
                }
            },
        }
    }
}

/// False when the connection ends.
async fn obey(socket: &mut WebSocket, line: &mut Line, order: Out) -> bool {
    match order {
        Out::Frame(_) if line.zombie => true,
        Out::Frame(value) => socket.send(frame(&value)).await.is_ok(),
        Out::Zombie => {
            line.zombie = true;
            true
        }
        Out::Drop => false,
        Out::Close(code) => {
            let close = code.map(|code| CloseFrame {
                code,
                reason: reason(code).into(),
            });
            // The client may be gone already.
            let _ = socket.send(Message::Close(close)).await;
            // A close is answered; a client that does not answer is left behind.
            let _ = tokio::time::timeout(Duration::from_secs(2), socket.recv()).await;
            false
        }
    }
}

fn reason(code: u16) -> &'static str {
    match code {
        4000 => "Unknown error.",
        4003 => "Not authenticated.",
        4004 => "Authentication failed.",
        4005 => "Already authenticated.",
        4007 => "Invalid seq.",
        4008 => "Rate limited.",
        4009 => "Session timed out.",
        4013 => "Invalid intent(s).",
        4014 => "Disallowed intent(s).",
        _ => "",
    }
}

fn forget(line: &Line) {
    line.shared.with(|state| {
        for session in &mut state.sessions {
            session.valid &= line.session.as_ref() != Some(&session.id);
        }
    });
}

/// A client that says goodbye (1000, 1001) gives its session up.
fn closed_by_client(line: &Line, code: Option<u16>) {
    if matches!(code, Some(1000 | 1001)) {
        forget(line);
    }
}

fn take(line: &mut Line, text: &str) {
    if line.zombie {
        return;
    }
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return tell(line, Out::Close(Some(4002)));
    };
    match value["op"].as_u64() {
        Some(1) => tell(
            line,
            Out::Frame(json!({"op": 11, "s": null, "t": null, "d": null})),
        ),
        Some(2 | 6) if line.session.is_some() => tell(line, Out::Close(Some(4005))),
        Some(2) => identify(line, &value["d"]),
        Some(6) => resume(line, &value["d"]),
        Some(3 | 4 | 8 | 31) if line.session.is_some() => {
            let shared = line.shared.clone();
            shared.with(|state| members_asked(state, line, &value));
        }
        Some(3 | 4 | 8 | 31) => tell(line, Out::Close(Some(4003))),
        _ => tell(line, Out::Close(Some(4001))),
    }
}

fn tell(line: &Line, out: Out) {
    // The loop that reads this ends with the connection.
    let _ = line.out.send(out);
}

fn members_asked(state: &mut State, line: &Line, value: &Value) {
    let guild = super::model::id_of(&value["d"]["guild_id"]).and_then(|id| state.guilds.get(&id));
    let Some(guild) = guild.filter(|_| value["op"] == 8) else {
        return;
    };
    let members: Vec<Value> = guild
        .members
        .keys()
        .map(|m| shapes::member(state, guild, *m))
        .collect();
    let chunk = json!({
        "guild_id": guild.id.to_string(), "members": members, "chunk_index": 0, "chunk_count": 1,
        "not_found": [], "presences": [], "nonce": value["d"]["nonce"],
    });
    if let Some(session) = state
        .sessions
        .iter_mut()
        .find(|s| Some(&s.id) == line.session.as_ref())
    {
        session.tell("GUILD_MEMBERS_CHUNK", &chunk);
    }
}

/// Tokens may come with or without their prefix.
fn known(state: &State, given: &Value) -> bool {
    let given = given.as_str().unwrap_or_default();
    given.strip_prefix("Bot ").unwrap_or(given) == state.token
}

fn identify(line: &mut Line, data: &Value) {
    let shared = line.shared.clone();
    let refused = shared.with(|state| {
        let intents = data["intents"].as_u64().unwrap_or(0);
        if !known(state, &data["token"]) {
            return Some(4004);
        }
        let off = !state.settings.privileged | state.settings.refuses_intents;
        if intents & PRIVILEGED & off != 0 {
            return Some(4014);
        }
        line.session = Some(begin(state, intents, line.out.clone(), &data["shard"]));
        None
    });
    if let Some(code) = refused {
        tell(line, Out::Close(Some(code)));
    }
}

fn begin(state: &mut State, intents: u64, out: UnboundedSender<Out>, shard: &Value) -> String {
    let id = format!("{:032x}", state.snowflake());
    let mine = state
        .guilds
        .values()
        .filter(|g| g.members.contains_key(&state.bot));
    let guilds: Vec<_> = mine.map(|g| g.id).collect();
    let away = guilds
        .iter()
        .map(|g| json!({"id": g.to_string(), "unavailable": true}));
    let ready = json!({
        "v": 10, "user": shapes::own_user(state), "guilds": away.collect::<Vec<_>>(), "session_id": id,
        "resume_gateway_url": format!("ws://{}/gateway", state.address), "session_type": "normal",
        "application": {"id": state.app.to_string(), "flags": shapes::application_flags(state)},
        "shard": if shard.is_null() { json!([0, 1]) } else { shard.clone() },
        "user_settings": {}, "relationships": [], "private_channels": [], "presences": [],
        "guild_join_requests": [], "geo_ordered_rtc_regions": [], "auth": {}, "_trace": [],
    });
    let mut session = Session {
        id: id.clone(),
        intents,
        seq: 0,
        told: Vec::new(),
        line: Some(out),
        valid: true,
        resumes: 0,
    };
    let tells = state.settings.tells_ready;
    if tells {
        session.tell("READY", &ready);
    }
    if tells && intents & super::sessions::GUILDS != 0 {
        for guild in guilds {
            session.tell("GUILD_CREATE", &shapes::whole_guild(state, guild));
        }
    }
    state.sessions.push(session);
    id
}

fn resume(line: &mut Line, data: &Value) {
    let shared = line.shared.clone();
    let refused = shared.with(|state| {
        if !known(state, &data["token"]) {
            return Some(Out::Close(Some(4004)));
        }
        let id = data["session_id"].as_str().unwrap_or_default();
        let seq = data["seq"].as_u64().unwrap_or(0);
        let found = state.sessions.iter_mut().find(|s| s.id == id && s.valid);
        let Some(session) = found else {
            return Some(Out::Frame(
                json!({"op": 9, "s": null, "t": null, "d": false}),
            ));
        };
        if seq > session.seq {
            return Some(Out::Close(Some(4007)));
        }
        line.session = Some(session.id.clone());
        session.line = Some(line.out.clone());
        session.resumes += 1;
        let missed: Vec<Value> = session
            .told
            .iter()
            .filter(|(s, _)| *s > seq)
            .map(|(_, f)| f.clone())
            .collect();
        for frame in missed {
            session.send(Out::Frame(frame));
        }
        session.tell("RESUMED", &json!({"_trace": []}));
        None
    });
    if let Some(out) = refused {
        tell(line, out);
    }
}
