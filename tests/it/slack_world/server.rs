//! The doors of the workspace: the Web API, `response_url`s, uploads and the socket.
//!
//! Connections are served by hand rather than by `axum::serve`, because a test must be able to close
//! one without an answer, to cut all of them at once, and to refuse new ones.

use super::Core;
use super::args::{Answer, Args, Fail};
use super::fault::Trouble;
use super::methods;
use super::model::Call;
use super::{hooks, sockets};
use crate::halt::Fate;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use base64::Engine;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// Marks a response that is never sent; its connection is closed instead.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the connection is to be dropped")]
struct Dropped;

/// Larger than anything Slack takes.
const BODY: usize = 16 * 1024 * 1024;

pub async fn serve(core: Arc<Core>, listener: TcpListener) {
    let router = Router::new()
        .route("/api/{method}", any(api))
        .route("/link", get(sockets::link))
        .route("/link/", get(sockets::link))
        .route("/hooks/{*path}", post(hooks::respond))
        .route("/upload/{id}", post(methods::files::upload))
        .route("/files-pri/{id}/{name}", get(methods::files::download))
        .with_state(core.clone());
    while let Ok((stream, _)) = listener.accept().await {
        if core.refusing.load(std::sync::atomic::Ordering::SeqCst) {
            continue;
        }
        tokio::spawn(connection(core.clone(), router.clone(), stream));
    }
}

async fn connection(core: Arc<Core>, router: Router, stream: TcpStream) {
    let mut cut = core.cut.subscribe();
    let service = hyper::service::service_fn(move |request: hyper::Request<_>| {
        let router = router.clone();
        async move {
            let response = router.oneshot(request.map(Body::new)).await;
            let response = response.map_err(|never| match never {})?;
            match response.extensions().get::<Dropped>() {
                Some(dropped) => Err(dropped.clone()),
                None => Ok(response),
            }
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        _ = served => {}
        _ = cut.changed() => {}
    }
}

/// A response that closes the connection instead of being sent.
pub fn dropped() -> Response {
    let mut response = StatusCode::OK.into_response();
    response.extensions_mut().insert(Dropped);
    response
}

async fn api(
    State(core): State<Arc<Core>>,
    Path(method): Path<String>,
    request: Request,
) -> Response {
    let call = match read(method, request, &core).await {
        Ok(call) => call,
        Err(error) => return Json(json!({"ok": false, "error": error})).into_response(),
    };
    let (channel, index) = core.change(|state| {
        core.spec
            .iter()
            .for_each(|spec| spec.check(&call, &mut state.violations));
        let channel = methods::channel_of(state, &call);
        state.calls.push(call.clone());
        (channel, state.calls.len() - 1)
    });
    match core.change(|state| state.halt.next(writes(&call.method))) {
        Fate::Answered => {}
        Fate::DoneUnheard => {
            work(&core, &call, &channel, index);
            return std::future::pending().await;
        }
        Fate::Lost => return std::future::pending().await,
    }
    let trouble = core.change(|state| state.trouble(&call.method, &channel));
    if let Some(Trouble::Slow(by)) = trouble {
        tokio::time::sleep(by).await;
    }
    match trouble {
        Some(Trouble::Hang) => std::future::pending().await,
        Some(Trouble::Drop) => dropped(),
        Some(Trouble::RateLimited(secs)) => limited(&core, index, secs),
        Some(Trouble::Error(error)) => answered(&core, index, Err(Fail::from(error.as_str()))),
        Some(Trouble::Status(status)) => {
            core.change(|state| state.calls[index].status = status);
            let status = StatusCode::from_u16(status).unwrap();
            (status, "<html>upstream is not well</html>").into_response()
        }
        None | Some(Trouble::Slow(_)) => work(&core, &call, &channel, index),
        Some(Trouble::DoThenDrop) => {
            work(&core, &call, &channel, index);
            dropped()
        }
        Some(Trouble::DoThenHang) => {
            work(&core, &call, &channel, index);
            std::future::pending().await
        }
    }
}

/// Whether a call changes something people see.
fn writes(method: &str) -> bool {
    let reads = [
        "list",
        "info",
        "history",
        "replies",
        "members",
        "test",
        "open",
        "access",
        "lookupByEmail",
    ];
    let last = method.rsplit('.').next().unwrap_or(method);
    !reads.contains(&last)
}

/// Who it is, whether it may, whether it is too often, and then the method itself.
fn work(core: &Arc<Core>, call: &Call, channel: &str, index: usize) -> Response {
    enum Done {
        Answer(Answer),
        Wait(u64),
    }
    let done = core.change(|state| {
        let args = Args(&call.args);
        if call.method == "oauth.v2.access" {
            return Done::Answer(state.exchange(args));
        }
        let token = match state.authenticate(call.token.as_deref(), &call.method) {
            Ok(token) => token,
            Err(fail) => return Done::Answer(Err(fail)),
        };
        state.calls[index].team = Some(token.team.clone());
        if let Some(fail) = methods::refused_scope(state, call, channel) {
            return Done::Answer(Err(fail));
        }
        if let Err(secs) = state.allow(&token.team, &call.method, channel) {
            return Done::Wait(secs);
        }
        Done::Answer(methods::run(state, &token.team, call))
    });
    match done {
        Done::Answer(answer) => answered(core, index, answer),
        Done::Wait(secs) => limited(core, index, secs),
    }
}

fn answered(core: &Arc<Core>, index: usize, answer: Answer) -> Response {
    let mut body = Map::from_iter([("ok".to_owned(), Value::Bool(answer.is_ok()))]);
    match answer {
        Ok(fields) => body.extend(fields),
        Err(fail) => {
            body.insert("error".to_owned(), Value::String(fail.error));
            body.extend(fail.extra);
        }
    }
    let body = Value::Object(body);
    let scopes = core.change(|state| {
        state.calls[index].answer = Some(body.clone());
        state.calls[index].status = 200;
        state.granted()
    });
    core.flush();
    let id = format!("{:032x}", fastrand::u128(..));
    let headers = [("x-oauth-scopes", scopes), ("x-slack-req-id", id)];
    (headers, Json(body)).into_response()
}

fn limited(core: &Arc<Core>, index: usize, secs: u64) -> Response {
    let body = json!({"ok": false, "error": "ratelimited"});
    core.change(|state| {
        state.calls[index].answer = Some(body.clone());
        state.calls[index].status = 429;
    });
    let headers = [(header::RETRY_AFTER, secs.to_string())];
    (StatusCode::TOO_MANY_REQUESTS, headers, Json(body)).into_response()
}

/// The call of a request. Arguments are read from the address, then from the body.
async fn read(method: String, request: Request, core: &Core) -> Result<Call, &'static str> {
    let (parts, body) = request.into_parts();
    let mut args = form(parts.uri.query().unwrap_or(""));
    let body = axum::body::to_bytes(body, BODY).await;
    let body = body.map_err(|_| "request_timeout")?;
    let kind = header_of(&parts.headers, header::CONTENT_TYPE.as_str()).unwrap_or("");
    let json = kind.starts_with("application/json");
    if json && parts.method == Method::POST && !body.is_empty() {
        let value: Value = serde_json::from_slice(&body).map_err(|_| "invalid_json")?;
        let Value::Object(mut map) = value else {
            return Err("json_not_object");
        };
        // an argument that is null counts as not given
        map.retain(|_, value| !value.is_null());
        args.extend(map);
    } else if kind.starts_with("multipart/") {
        args.extend(multipart(parts.headers.clone(), body).await);
    } else if !body.is_empty() {
        args.extend(form(&String::from_utf8_lossy(&body)));
    }
    let authorization = header_of(&parts.headers, "authorization");
    if let Some((id, secret)) = authorization.and_then(basic) {
        args.insert("client_id".to_owned(), Value::String(id));
        args.insert("client_secret".to_owned(), Value::String(secret));
    }
    let mut token = authorization
        .and_then(|b| b.strip_prefix("Bearer "))
        .map(str::to_owned);
    if let Some(Value::String(own)) = args.remove("token") {
        // Slack reads no token out of a JSON body
        token = token.or((!json).then_some(own));
    }
    let at_micros = core.change(|state| state.clock.micros());
    Ok(Call {
        method,
        team: None,
        token,
        args,
        json,
        answer: None,
        status: 0,
        at_micros,
    })
}

/// A client's id and secret, as `oauth.v2.access` also takes them.
fn basic(authorization: &str) -> Option<(String, String)> {
    let text = authorization.strip_prefix("Basic ")?;
    let bytes = base64::prelude::BASE64_STANDARD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

pub fn header_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

async fn multipart(headers: HeaderMap, body: axum::body::Bytes) -> Map<String, Value> {
    use axum::extract::{FromRequest, Multipart};
    let mut request = Request::new(Body::from(body));
    *request.headers_mut() = headers;
    *request.method_mut() = Method::POST;
    let mut fields = Map::new();
    let Ok(mut parts) = Multipart::from_request(request, &()).await else {
        return fields;
    };
    while let Ok(Some(field)) = parts.next_field().await {
        let name = field.name().unwrap_or("").to_owned();
        let text = field.text().await.unwrap_or_default();
        fields.insert(name, Value::String(text));
    }
    fields
}

/// `application/x-www-form-urlencoded`.
pub fn form(text: &str) -> Map<String, Value> {
    let address = format!("http://x/?{text}");
    let parsed = reqwest::Url::parse(&address).unwrap();
    let pairs = parsed.query_pairs();
    let own = |(k, v): (std::borrow::Cow<str>, std::borrow::Cow<str>)| {
        (k.into_owned(), Value::String(v.into_owned()))
    };
    pairs.map(own).collect()
}
