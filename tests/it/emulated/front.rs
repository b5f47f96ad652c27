//! What stands in front of an emulator: passes calls on, bridges a gap where one is known, and keeps
//! the answers for the test to judge.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// Bytes of a body; none here comes near it.
const BODY: usize = 4 * 1024 * 1024;

/// A call as firebell made it, with the body a gap may need.
pub struct Call {
    pub method: Method,
    /// Path and query.
    pub path: String,
    pub body: Value,
}

/// What is done with a call.
pub enum Way {
    /// As it is.
    On,
    /// As a POST, the query as a form.
    AsPost,
    /// Answered here.
    Here(Value),
}

/// A call and its answer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// `GET /api/v10/users/@me`, without the query.
    pub call: String,
    pub status: StatusCode,
    pub body: Value,
}

struct Inner {
    upstream: String,
    client: reqwest::Client,
    way: Box<dyn Fn(&Call) -> Way + Send + Sync>,
    answered: Mutex<Vec<Answered>>,
}

/// Listens for as long as the test's runtime lives.
pub struct Front {
    inner: Arc<Inner>,
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
}

impl Front {
    /// In front of `upstream`, an address.
    pub async fn start(
        upstream: &str,
        way: impl Fn(&Call) -> Way + Send + Sync + 'static,
    ) -> Front {
        let inner = Arc::new(Inner {
            upstream: upstream.to_owned(),
            client: client(),
            way: Box::new(way),
            answered: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(pass).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Front { inner, origin }
    }

    /// Everything that was answered so far.
    pub fn answered(&self) -> Vec<Answered> {
        self.inner.answered.lock().unwrap().clone()
    }
}

/// For calls past firebell too.
pub fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy();
    builder.timeout(crate::process::PATIENCE).build().unwrap()
}

async fn pass(State(front): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY).await.unwrap();
    let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let call = Call {
        method: parts.method.clone(),
        path: path.to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let plain = path.split('?').next().unwrap_or_default();
    let name = format!("{} {plain}", call.method);
    let (status, bytes) = match (front.way)(&call) {
        Way::Here(answer) => (StatusCode::OK, answer.to_string().into_bytes()),
        way => {
            let on = if matches!(way, Way::AsPost) {
                let query = parts.uri.query().unwrap_or_default().to_owned();
                let form = "application/x-www-form-urlencoded";
                let url = format!("http://{}{plain}", front.upstream);
                let asked = front.client.post(url).body(query);
                asked.header(header::CONTENT_TYPE, form)
            } else {
                let url = format!("http://{}{path}", front.upstream);
                let mut asked = front.client.request(call.method.clone(), url).body(body);
                if let Some(kind) = parts.headers.get(header::CONTENT_TYPE) {
                    asked = asked.header(header::CONTENT_TYPE, kind);
                }
                asked
            };
            let on = match parts.headers.get(header::AUTHORIZATION) {
                Some(token) => on.header(header::AUTHORIZATION, token),
                None => on,
            };
            let Ok(answer) = on.send().await else {
                return StatusCode::BAD_GATEWAY.into_response();
            };
            (answer.status(), answer.bytes().await.unwrap().to_vec())
        }
    };
    front.answered.lock().unwrap().push(Answered {
        call: name,
        status,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    });
    let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    (status, kind, Body::from(bytes)).into_response()
}
