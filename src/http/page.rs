//! The status page's own listener: a thread of its own with a runtime of its own, so that it answers
//! while the rest of the process is busy or its database is gone.
//!
//! Promises: what is served are bytes that were rendered before; no session, no cookie, nothing of the
//! rest of firebell. Connections are bounded, a client that is slow is cut. What people send (forms) is
//! handed over with a limit of time: while nobody takes it they are told to try again.

use crate::engine::{Door, Engine, Said};
use crate::page::{File, Kind, POLICY, Site, message};
use arc_swap::ArcSwap;
use axum::body::Body;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// What connections may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at once; beyond it new ones wait in the listener's queue.
    pub connections: usize,
    /// Headers of a request must arrive within this; also how long an idle connection is kept.
    pub headers_within: Duration,
    /// A connection lasts this long at most, however slow its client reads.
    pub whole: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            connections: 1024,
            headers_within: Duration::from_secs(10),
            whole: Duration::from_secs(120),
        }
    }
}

/// Forms are answered within this.
const FORM_WITHIN: Duration = Duration::from_secs(5);
/// Bytes of a form.
const FORM_BYTES: usize = 16 * 1024;
/// Forms that wait to be taken.
const FORMS: usize = 64;
/// After a failed accept, so that the loop does not burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a page may be shown before it is asked for again.
const CACHE: &str = "public, max-age=15, stale-if-error=86400";

type Answer = Response<Body>;
/// A form, and where its answer goes.
type Asked = (Door, oneshot::Sender<Option<Said>>);

/// Serves the page at this address until the process ends. What people send is carried out by `engine`.
///
/// # Errors
/// When the listener or its thread cannot be used.
pub fn serve(listener: TcpListener, engine: &Engine) -> std::io::Result<()> {
    serve_within(listener, engine, Bounds::default())
}

/// The same within other bounds.
///
/// # Errors
/// When the listener or its thread cannot be used.
pub fn serve_within(listener: TcpListener, engine: &Engine, bounds: Bounds) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let (forms, mut asked) = mpsc::channel::<Asked>(FORMS);
    let site = engine.site();
    let engine = engine.clone();
    crate::engine::spawn(async move {
        while let Some((door, reply)) = asked.recv().await {
            let outcome = engine.door(door).await;
            if let Err(failure) = &outcome {
                tracing::warn!(%failure, "a form of the status page could not be carried out");
            }
            let _ = reply.send(outcome.ok());
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("status-page".to_owned())
        .spawn(move || {
            runtime.block_on(accept(listener, site, forms, bounds));
        })?;
    Ok(())
}

async fn accept(
    listener: TcpListener,
    site: Arc<ArcSwap<Site>>,
    forms: mpsc::Sender<Asked>,
    bounds: Bounds,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(e) => return tracing::error!("the status page cannot be served: {e}"),
    };
    let seats = Arc::new(Semaphore::new(bounds.connections));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (site, forms) = (site.clone(), forms.clone());
        crate::engine::spawn(async move {
            let service = service_fn(move |request| {
                let (site, forms) = (site.load_full(), forms.clone());
                async move { Ok::<_, Infallible>(answer(request, &site, &forms).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(bounds.headers_within)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), service);
            // A client that breaks or dawdles is cut; that is all there is to it.
            let _ = tokio::time::timeout(bounds.whole, connection).await;
            drop(seat);
        });
    }
}

async fn answer(request: Request<Incoming>, site: &Site, forms: &mpsc::Sender<Asked>) -> Answer {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let head = request.method() == Method::HEAD;
    match *request.method() {
        Method::GET | Method::HEAD => {
            let name = if path == "index.html" {
                ""
            } else {
                path.as_str()
            };
            if let Some(file) = site.files.get(name) {
                return file_answer(file, request.headers(), head);
            }
            let token = request.uri().query().and_then(|q| field(q.as_bytes(), "t"));
            match (path.as_str(), token) {
                ("confirm", Some(token)) => ask(forms, Door::AskConfirm(token)).await,
                ("unsubscribe", Some(token)) => ask(forms, Door::AskUnsubscribe(token)).await,
                _ if site.files.is_empty() => small(
                    503,
                    "One moment",
                    "The page is being drawn. Try again.",
                    &Kind::Said,
                ),
                _ => small(
                    404,
                    "There is nothing here",
                    "The page is at the link below.",
                    &Kind::Said,
                ),
            }
        }
        Method::POST => post(request, &path, forms).await,
        _ => small(
            405,
            "Nothing was done",
            "The page is only read.",
            &Kind::Said,
        ),
    }
}

fn file_answer(file: &File, headers: &HeaderMap, head: bool) -> Answer {
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|v| v.to_str().ok());
    let same = |k: &str| {
        let k = k.trim();
        k == "*" || k.strip_prefix("W/").unwrap_or(k) == file.etag
    };
    let unchanged = known.is_some_and(|k| k.split(',').any(same));
    let packed = file.gzip.as_ref().filter(|_| takes_gzip(headers));
    let body = packed.unwrap_or(&file.body);
    let mut answer = Response::new(Body::from(if unchanged || head {
        Bytes::new()
    } else {
        body.clone()
    }));
    if unchanged {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let set = answer.headers_mut();
    rules(set);
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    set.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if file.kind.starts_with("application/json") {
        // Read-only and public: other pages may read it.
        set.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
    }
    if let Ok(etag) = HeaderValue::from_str(&file.etag) {
        set.insert(header::ETAG, etag);
    }
    if packed.is_some() {
        set.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if head {
        set.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    answer
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let wanted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|v| v.to_str().ok());
    wanted.is_some_and(|w| {
        w.split(',').any(|part| {
            let (name, how) = part.split_once(';').unwrap_or((part, ""));
            name.trim() == "gzip" && how.replace(' ', "") != "q=0"
        })
    })
}

/// What every answer says to a browser.
fn rules(set: &mut HeaderMap) {
    const RULES: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in RULES {
        set.insert(name, HeaderValue::from_static(value));
    }
}

fn small(status: u16, title: &str, words: &str, kind: &Kind) -> Answer {
    small_at((status, title, words, kind), "style.css", Some("./"))
}

/// A small page with its rules: an answer to a form or a link. `sheet` and `home` as of [`message`].
pub(super) fn small_at(
    (status, title, words, kind): (u16, &str, &str, &Kind),
    sheet: &str,
    home: Option<&str>,
) -> Answer {
    let mut answer = Response::new(Body::from(message(title, words, kind, sheet, home)));
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let set = answer.headers_mut();
    rules(set);
    set.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == 503 {
        set.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    answer
}

async fn post(request: Request<Incoming>, path: &str, forms: &mpsc::Sender<Asked>) -> Answer {
    // A mail program presses the button of the link it was given (RFC 8058): the token is in the address.
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = axum::body::to_bytes(Body::new(request.into_body()), FORM_BYTES);
    let Ok(Ok(body)) = tokio::time::timeout(FORM_WITHIN, body).await else {
        let words = "The form was too large or too slow.";
        return small(413, "Nothing was done", words, &Kind::Said);
    };
    let token = || field(&body, "t").or_else(|| field(query.as_bytes(), "t"));
    let door = match path {
        "subscribe" => field(&body, "email").map(|email| Door::Subscribe {
            email,
            components: fields(&body, "component"),
        }),
        "confirm" => token().map(Door::Confirm),
        "unsubscribe" => token().map(Door::Unsubscribe),
        _ => {
            return small(
                404,
                "There is nothing here",
                "The page is at the link below.",
                &Kind::Said,
            );
        }
    };
    match door {
        Some(door) => ask(forms, door).await,
        None => small(
            400,
            "Nothing was done",
            "The form was not whole. Go back and try again.",
            &Kind::Said,
        ),
    }
}

async fn ask(forms: &mpsc::Sender<Asked>, door: Door) -> Answer {
    let (reply, answer) = oneshot::channel();
    let taken = forms.try_send((door, reply)).is_ok();
    let said = match tokio::time::timeout(FORM_WITHIN, answer).await {
        Ok(Ok(Some(said))) if taken => said,
        _ => {
            let words = "Nothing was done, because firebell is busy or cannot store it. Try again in a minute.";
            return small(503, "Not right now", words, &Kind::Said);
        }
    };
    let (status, title, words, kind) = said;
    small(status, title, &words, &kind)
}

/// The first value of a field of a form.
pub(super) fn field(form: &[u8], name: &str) -> Option<String> {
    fields(form, name).into_iter().next()
}

/// The values of a field of `application/x-www-form-urlencoded`.
fn fields(form: &[u8], name: &str) -> Vec<String> {
    let form = std::str::from_utf8(form).unwrap_or_default();
    let decode = |text: &str| {
        let bytes = text.replace('+', " ").into_bytes();
        let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
        while at < bytes.len() {
            let hex = bytes
                .get(at + 1..at + 3)
                .and_then(|h| std::str::from_utf8(h).ok());
            let byte = hex
                .filter(|_| bytes[at] == b'%')
                .and_then(|h| u8::from_str_radix(h, 16).ok());
            out.push(byte.unwrap_or(bytes[at]));
            at += if byte.is_some() { 3 } else { 1 };
        }
        String::from_utf8_lossy(&out).into_owned()
    };
    form.split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(key, _)| decode(key) == name)
        .map(|(_, value)| decode(value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let form = b"email=a%2Bb%40example.org&component=shop&component=&x=%zz";
        assert_eq!(field(form, "email").as_deref(), Some("a+b@example.org"));
        assert_eq!(fields(form, "component"), ["shop", ""]);
        assert_eq!(field(form, "x").as_deref(), Some("%zz"));
        assert_eq!(field(form, "t"), None);
    }

    #[test]
    fn compression_is_used_when_it_is_asked_for() {
        let asks = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            takes_gzip(&headers)
        };
        assert!(asks("gzip, deflate, br") && asks("br;q=1.0, gzip;q=0.8"));
        assert!(!asks("identity") && !asks("gzip;q=0"));
    }
}
