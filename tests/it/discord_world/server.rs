//! The door: reads a request, writes it down, lets planned faults happen, checks token, limits and
//! form, and hands it to the route.

use super::faults::{self, Fault};
use super::limits::{Told, Wait};
use super::problem::{self, Problem};
use super::routes::{self, Answer};
use super::spec;
use super::state::{Call, File, State};
use super::{Shared, gateway};
use crate::halt::Fate;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tower::ServiceExt;

/// Marks an answer that must never be sent: the connection ends instead.
#[derive(Clone)]
struct Abandoned;

/// Serves until the test's runtime ends.
pub async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = Router::new()
        .route("/gateway", get(gateway::connect))
        .route("/attachments/{id}/{name}", get(attachment))
        .fallback(answer)
        .with_state(shared);
    while let Ok((stream, _)) = listener.accept().await {
        let router = router.clone();
        let service = hyper::service::service_fn(move |request: hyper::Request<_>| {
            let router = router.clone();
            async move {
                let response = router.oneshot(request.map(Body::new)).await;
                let response = response.unwrap_or_else(|never| match never {});
                match response.extensions().get::<Abandoned>() {
                    Some(Abandoned) => Err(std::io::Error::other("ends here by plan")),
                    None => Ok(response),
                }
            }
        });
        let io = hyper_util::rt::TokioIo::new(stream);
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(io, service)
                .with_upgrades();
            // A client that goes away is its own affair.
            let _ = connection.await;
        });
    }
}

/// A file that came with a message: its address is signed, so nobody is asked who they are.
async fn attachment(
    axum::extract::State(shared): axum::extract::State<Arc<Shared>>,
    axum::extract::Path((id, _name)): axum::extract::Path<(super::model::Id, String)>,
    headers: HeaderMap,
) -> Response {
    shared.with(|state| {
        if headers.contains_key(header::AUTHORIZATION) {
            let line = "a token was sent to where files are kept".to_owned();
            state.violations.push(line);
        }
        match state.uploads.get(&id) {
            Some(content) => content.clone().into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    })
}

async fn answer(
    axum::extract::State(shared): axum::extract::State<Arc<Shared>>,
    request: Request,
) -> Response {
    let call = match read(request).await {
        Ok(call) => call,
        Err(problem) => return told(&problem, None),
    };
    match shared.with(|state| state.halt.next(call.method != "GET")) {
        Fate::Answered => {}
        Fate::DoneUnheard => {
            shared.with(|state| handle(state, &call));
            return std::future::pending().await;
        }
        Fate::Lost => return std::future::pending().await,
    }
    let (number, fault) = shared.with(|state| {
        state.calls.push(Call {
            at_ms: state.now_ms,
            ..call.clone()
        });
        let fault = faults::take(&mut state.faults, &call);
        (state.calls.len() - 1, fault)
    });
    let response = match fault {
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Dropped) => return abandon(),
        Some(Fault::DoneAndDropped) => {
            shared.with(|state| handle(state, &call));
            return abandon();
        }
        Some(Fault::Refuse(problem)) => told(&problem, None),
        Some(fault @ Fault::Limited { .. }) => limited(&fault),
        Some(Fault::Slow(by)) => {
            super::pause(by).await;
            shared.with(|state| handle(state, &call))
        }
        None => shared.with(|state| handle(state, &call)),
    };
    shared.with(|state| note(state, number, &response));
    response
}

/// Remembers what was answered, and counts answers that lead to a ban.
fn note(state: &mut State, number: usize, response: &Response) {
    let status = response.status().as_u16();
    state.calls[number].status = status;
    let shared = response.headers().get("x-ratelimit-scope");
    let shared = shared.is_some_and(|scope| scope == "shared");
    if matches!(status, 401 | 403 | 429) && !shared {
        state.invalid += 1;
    }
}

fn handle(state: &mut State, call: &Call) -> Response {
    if !routes::open(call) && !authorized(state, call) {
        return told(&problem::unauthorized(), None);
    }
    let now_ms = state.now_ms;
    let bucket = match state.buckets.pass(call, now_ms) {
        Ok(bucket) => bucket,
        Err((wait, bucket)) => return slow_down(&wait, Some(&bucket)),
    };
    judge(state, call);
    match routes::route(state, call) {
        Ok(answer) => {
            judge_own(state, call, &answer);
            given(&answer, &bucket)
        }
        Err(problem) => {
            if problem == problem::no_route() {
                let line = format!("{} {}: unknown to the stand-in", call.method, call.path);
                state.violations.push(line);
            }
            told(&problem, Some(&bucket))
        }
    }
}

fn authorized(state: &State, call: &Call) -> bool {
    let want = format!("Bot {}", state.token);
    call.headers.get("authorization") == Some(&want)
}

/// Holds the request against Discord's document.
fn judge(state: &mut State, call: &Call) {
    let Some(spec) = spec::spec() else { return };
    if call.body.is_null() && call.method == "GET" {
        return;
    }
    state
        .violations
        .extend(spec.request(&call.method, &call.path, &call.body));
}

/// Holds the stand-in's own answer against it.
fn judge_own(state: &mut State, call: &Call, answer: &Answer) {
    let Some(spec) = spec::spec() else { return };
    let faults = spec.response(&call.method, &call.path, answer.status, &answer.body);
    state.violations.extend(faults);
}

fn given(answer: &Answer, bucket: &Told) -> Response {
    let mut response = json_response(answer.status, &answer.body);
    rate_headers(response.headers_mut(), bucket);
    response
}

fn told(problem: &Problem, bucket: Option<&Told>) -> Response {
    if let Some(wait) = &problem.wait {
        return slow_down(wait, bucket);
    }
    let mut response = json_response(problem.status, &problem.body());
    if let Some(bucket) = bucket {
        rate_headers(response.headers_mut(), bucket);
    }
    response
}

fn limited(fault: &Fault) -> Response {
    let Fault::Limited {
        retry_after_secs,
        scope,
        global,
        told,
    } = fault
    else {
        unreachable!("asked of limits only");
    };
    if !told {
        let page = "<html><body>error code: 1015</body></html>";
        return (
            StatusCode::TOO_MANY_REQUESTS,
            [(header::CONTENT_TYPE, "text/html")],
            page,
        )
            .into_response();
    }
    let wait = Wait {
        retry_after_ms: (retry_after_secs * 1000.0) as i64,
        scope: *scope,
        global: *global,
    };
    slow_down(&wait, None)
}

fn slow_down(wait: &Wait, bucket: Option<&Told>) -> Response {
    let secs = secs(wait.retry_after_ms);
    let body = json!({
        "message": if wait.scope == Some("shared") { "The resource is being rate limited." }
                   else { "You are being rate limited." },
        "retry_after": secs, "global": wait.global,
    });
    let mut response = json_response(429, &body);
    let headers = response.headers_mut();
    let whole = (wait.retry_after_ms + 999) / 1000;
    headers.insert(header::RETRY_AFTER, whole.to_string().parse().unwrap());
    if let Some(scope) = wait.scope {
        headers.insert("x-ratelimit-scope", scope.parse().unwrap());
    }
    if wait.global {
        headers.insert("x-ratelimit-global", "true".parse().unwrap());
    } else if let Some(bucket) = bucket {
        rate_headers(headers, bucket);
    }
    response
}

fn secs(ms: i64) -> f64 {
    Duration::from_millis(ms.max(0) as u64).as_secs_f64()
}

fn rate_headers(headers: &mut HeaderMap, bucket: &Told) {
    let secs = |ms: i64| format!("{:.3}", secs(ms));
    for (name, value) in [
        ("x-ratelimit-limit", bucket.limit.to_string()),
        ("x-ratelimit-remaining", bucket.remaining.to_string()),
        ("x-ratelimit-reset", secs(bucket.reset_ms)),
        ("x-ratelimit-reset-after", secs(bucket.reset_after_ms)),
        ("x-ratelimit-bucket", bucket.bucket.clone()),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
}

fn json_response(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    // Clients tell Discord's own refusals from those of an edge proxy by it.
    let via = [(header::VIA, "1.1 google")];
    if body.is_null() {
        return (status, via).into_response();
    }
    (status, via, axum::Json(body)).into_response()
}

fn abandon() -> Response {
    let mut response = StatusCode::OK.into_response();
    response.extensions_mut().insert(Abandoned);
    response
}

async fn read(request: Request) -> Result<Call, Problem> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix("/api/v10");
    let path = path.ok_or_else(problem::no_route)?.to_owned();
    let query = parts.uri.query().unwrap_or_default();
    let query: BTreeMap<String, String> = url_pairs(query);
    let header = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        (
            name.to_string(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    };
    let mut call = Call {
        method: parts.method.to_string(),
        path,
        query,
        headers: parts.headers.iter().map(header).collect(),
        body: Value::Null,
        files: Vec::new(),
        at_ms: 0,
        at: tokio::time::Instant::now(),
        status: 0,
    };
    let bytes = axum::body::to_bytes(body, 64 * 1024 * 1024).await;
    let bytes = bytes.map_err(|_| Problem::new(413, 40005, "Request entity too large"))?;
    let kind = call
        .headers
        .get("content-type")
        .cloned()
        .unwrap_or_default();
    if kind.starts_with("multipart/form-data") {
        let request = Request::from_parts(parts, Body::from(bytes));
        parts_of(&mut call, request).await?;
    } else if !bytes.is_empty() {
        call.body = parse(&bytes)?;
    }
    Ok(call)
}

fn parse(bytes: &Bytes) -> Result<Value, Problem> {
    let text = "The request body contains invalid JSON.";
    serde_json::from_slice(bytes).map_err(|_| Problem::new(400, 50109, text))
}

fn url_pairs(query: &str) -> BTreeMap<String, String> {
    let uri = format!("http://any/?{query}").parse().unwrap_or_default();
    axum::extract::Query::try_from_uri(&uri).map_or_else(|_| BTreeMap::new(), |found| found.0)
}

async fn parts_of(call: &mut Call, request: Request) -> Result<(), Problem> {
    let broken = |_| Problem::new(400, 50035, "Invalid multipart body");
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| Problem::new(400, 50035, "Invalid multipart body"))?;
    while let Some(part) = form.next_field().await.map_err(broken)? {
        let field = part.name().unwrap_or_default().to_owned();
        let (name, kind) = (
            part.file_name().map(str::to_owned),
            part.content_type().map(str::to_owned),
        );
        let bytes = part.bytes().await.map_err(broken)?;
        if field == "payload_json" {
            call.body = parse(&bytes)?;
        } else if let Some(name) = name {
            let index = field.trim_start_matches("files[").trim_end_matches(']');
            call.files.push(File {
                index: index.parse().unwrap_or(call.files.len()),
                name,
                content_type: kind,
                bytes: bytes.to_vec(),
            });
        }
    }
    if call.body.is_null() {
        call.body = json!({});
    }
    Ok(())
}
