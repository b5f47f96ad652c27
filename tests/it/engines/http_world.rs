//! A server that honours `Idempotency-Key`, and is slow, breaks off or fails as it is told.

use super::conformance::{Does, Engine};
use super::proxy::Proxy;
use super::{SECRET, job};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use firebell::core::directory::{How, HttpRun};
use firebell::run::http::HttpExecutor;
use firebell::run::port::{Answer, Executor, Job};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::sync::watch;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

pub struct Inner {
    pub asked: Mutex<Vec<Asked>>,
    /// What was answered to a key.
    done: Mutex<BTreeMap<String, (u16, String)>>,
    released: watch::Sender<bool>,
}

pub struct HttpWorld {
    pub addr: SocketAddr,
    pub inner: Arc<Inner>,
    pub proxy: Proxy,
    folder: TempDir,
}

pub async fn up() -> Option<HttpWorld> {
    let inner = Arc::new(Inner {
        asked: Mutex::default(),
        done: Mutex::default(),
        released: watch::Sender::new(false),
    });
    let router = Router::new()
        .route("/{*what}", any(answer))
        .with_state(inner.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("token"), format!("{SECRET}\n")).unwrap();
    Some(HttpWorld {
        addr,
        inner,
        proxy: Proxy::before(addr).await,
        folder,
    })
}

impl HttpWorld {
    pub fn token(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    pub fn to(&self, method: &str, path: &str) -> Job {
        let url = format!("{}/{path}", self.proxy.url());
        let bearer = format!("Bearer file:{}", self.token().display());
        let run = HttpRun {
            method: method.to_owned(),
            url: url.clone(),
            headers: BTreeMap::from([("Authorization".to_owned(), bearer)]),
            private: true,
            ..HttpRun::default()
        };
        job(How::Http(run), &[method, &url, r#"{"a":1}"#])
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.inner.asked.lock().unwrap().clone()
    }
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    Path(what): Path<String>,
    method: axum::http::Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = headers
        .get("idempotency-key")
        .map(|v| v.to_str().unwrap().to_owned());
    let key = key.unwrap_or_default();
    if let Some((status, text)) = inner.done.lock().unwrap().get(&key) {
        return (StatusCode::from_u16(*status).unwrap(), text.clone()).into_response();
    }
    inner.asked.lock().unwrap().push(Asked {
        method: method.to_string(),
        path: uri.to_string(),
        headers: headers.clone(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let (status, text) = match &*what {
        "lines" => (200, "line 1\nline 2\nline 3\nline 4\n".to_owned()),
        "long" => {
            let mut released = inner.released.subscribe();
            released.wait_for(|r| *r).await.unwrap();
            (200, "begun\ndone\n".to_owned())
        }
        "fails" => (500, "bad".to_owned()),
        "moved" => {
            let to = [("location", "/lines")];
            return (StatusCode::FOUND, to, "elsewhere").into_response();
        }
        "mirror" => (200, format!("{headers:?}")),
        "teapot" => (418, "short and stout".to_owned()),
        "endless" => {
            let piece = || Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 4096]));
            let pieces = futures_util::stream::repeat_with(piece);
            return Body::from_stream(pieces).into_response();
        }
        _ => (200, "ok".to_owned()),
    };
    inner
        .done
        .lock()
        .unwrap()
        .insert(key, (status, text.clone()));
    (StatusCode::from_u16(status).unwrap(), text).into_response()
}

impl Engine for HttpWorld {
    fn executor(&self) -> Box<dyn Executor> {
        Box::new(HttpExecutor::new(&[]).unwrap())
    }

    fn stranger(&self) -> Option<Box<dyn Executor>> {
        None
    }

    fn job(&self, does: Does) -> Job {
        match does {
            Does::Lines => self.to("POST", "lines"),
            Does::Long => self.to("POST", "long"),
            Does::Fails => self.to("POST", "fails"),
        }
    }

    fn runs(&self, job: &Job) -> usize {
        let ours = |asked: &&Asked| asked.headers["idempotency-key"] == *job.key;
        self.asked().iter().filter(ours).count()
    }

    fn release(&self) {
        self.inner.released.send_replace(true);
    }

    fn lose_the_next_answer(&self) {
        self.proxy.swallow("POST ");
    }

    fn restart<'a>(&'a self, job: &'a Job) -> Answer<'a, ()> {
        Box::pin(async move {
            super::until("the request has arrived", || self.runs(job) == 1).await;
            self.proxy.cut();
        })
    }

    fn lose(&self) {
        self.proxy.lose();
    }

    fn find_again(&self) {
        self.proxy.find_again();
    }

    fn late_output(&self) -> bool {
        true
    }

    fn after_cancel(&self) -> &'static str {
        "unknown"
    }

    fn after_our_restart(&self) -> &'static str {
        "unknown"
    }

    fn after_its_restart(&self) -> &'static str {
        "unknown"
    }

    fn finds_what_it_lost(&self) -> bool {
        false
    }

    fn proves_absence(&self) -> bool {
        false
    }
}
