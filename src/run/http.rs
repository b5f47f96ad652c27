//! The HTTP executor: one request to an address that stands in the action's file.
//!
//! * **Where it goes.** Scheme, host and port are never templates; an argument is one encoded piece
//!   of the path, a query value, or inside of a JSON string. The host is resolved once, every
//!   address it has is judged by [`reach`](super::reach), and the connection is made to the
//!   judged address, so a name that changes its mind in between changes nothing. No proxy is used,
//!   no redirect is followed, no connection is shared, nothing is sent twice.
//! * **What is provable.** Until the first byte of the request nothing has happened on the other
//!   side: a refused address, a failed resolution, connection or TLS handshake is
//!   [`Start::NotStarted`]. After it a missing answer is [`Outcome::Unknown`], for an action whose
//!   file says that it is idempotent [`Outcome::TimedOut`] or [`Outcome::Cancelled`].
//! * **The other side's help.** `Idempotency-Key` is the run's key: a receiver that has seen it
//!   answers what it answered and does nothing.
//! * **A restart of firebell** in the middle of a request loses its answer, and nobody can be
//!   asked: [`Found::Unknowable`].

use super::flight::{Flights, Worker, ended};
use super::mask::MASK;
use super::port::{Answer, Cursor, Executor, Found, Handle, Job, News, NoAnswer, Start};
use super::{reach, wire};
use crate::core::directory::{How, HttpRun};
use crate::core::incident::Outcome;
use hyper::body::Body as _;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use reqwest::{Body, Url};
use rustls::pki_types::{CertificateDer, ServerName};
use secrecy::{ExposeSecret, SecretString};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

/// A host that does not take a connection in this time is not reached.
const CONNECT: Duration = Duration::from_secs(10);

/// A poll waits this long for news.
const WAIT: Duration = Duration::from_secs(3);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Headers that are firebell's or the protocol's business.
const OWN: [&str; 9] = [
    "host",
    "idempotency-key",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "expect",
];

/// Turns a host name and a port into addresses.
pub type Resolve =
    Arc<dyn Fn(String, u16) -> Answer<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Carries out HTTP actions.
pub struct HttpExecutor {
    flights: Flights,
    resolve: Resolve,
    tls: Arc<rustls::ClientConfig>,
}

impl HttpExecutor {
    /// Trusts Mozilla's roots, and `extra` beside them.
    ///
    /// # Errors
    /// In words, when a certificate cannot be used.
    pub fn new(extra: &[CertificateDer<'_>]) -> Result<HttpExecutor, String> {
        let mut roots = rustls::RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        for ca in extra {
            roots
                .add(ca.clone().into_owned())
                .map_err(|e| format!("the certificate authority cannot be used: {e}"))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| format!("TLS cannot be set up: {e}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(HttpExecutor {
            flights: Flights::default(),
            resolve: Arc::new(|host, port| {
                Box::pin(async move {
                    let found = tokio::net::lookup_host((host.as_str(), port)).await?;
                    Ok(found.collect())
                })
            }),
            tls: Arc::new(tls),
        })
    }

    /// Asks this instead of the system for addresses; for tests.
    #[must_use]
    pub fn resolving(self, resolve: Resolve) -> HttpExecutor {
        HttpExecutor { resolve, ..self }
    }

    async fn begin(&self, job: &Job) -> Start {
        let call = match Call::of(job, self) {
            Ok(call) => call,
            Err(why) => return Start::NotStarted { why },
        };
        let room = job.action.limits.output_bytes + 1024;
        let (flight, worker) = self.flights.begin(&job.key, room);
        if let Some(worker) = worker {
            tokio::spawn(call.carry(worker));
        }
        flight.started().await
    }
}

impl Executor for HttpExecutor {
    fn secrets(&self, job: &Job) -> Vec<SecretString> {
        let How::Http(run) = &job.action.how else {
            return Vec::new();
        };
        // One that cannot be read was not sent either.
        let sent = run.headers.values();
        let sent = sent.filter_map(|value| wire::secret(value).ok().flatten());
        sent.flat_map(|whole| {
            let bare = whole.expose_secret().split_once(' ');
            let bare = bare.map(|(_, bare)| SecretString::from(bare.to_owned()));
            std::iter::once(whole.clone()).chain(bare)
        })
        .collect()
    }

    fn start<'a>(&'a self, job: &'a Job) -> Answer<'a, Start> {
        Box::pin(self.begin(job))
    }

    fn poll<'a>(
        &'a self,
        job: &'a Job,
        _: &'a Handle,
        cursor: &'a Cursor,
    ) -> Answer<'a, Result<News, NoAnswer>> {
        Box::pin(async move {
            let Some(flight) = self.flights.find(&job.key) else {
                let why = LOST.to_owned();
                return Ok(News {
                    bytes: Vec::new(),
                    cursor: cursor.clone(),
                    stand: ended(Outcome::Unknown { why }, 0, Vec::new()),
                });
            };
            Ok(flight.poll(cursor, WAIT).await)
        })
    }

    fn cancel<'a>(&'a self, job: &'a Job, _: &'a Handle) -> Answer<'a, Result<(), NoAnswer>> {
        Box::pin(async move {
            if let Some(flight) = self.flights.find(&job.key) {
                flight.stop();
            }
            Ok(())
        })
    }

    fn reconcile<'a>(&'a self, job: &'a Job, _: Option<&'a Handle>) -> Answer<'a, Found> {
        Box::pin(async move {
            let Some(flight) = self.flights.find(&job.key) else {
                let why = LOST.to_owned();
                return Found::Unknowable { why };
            };
            match flight.started().await {
                Start::Started(handle) => Found::Here(handle),
                Start::NotStarted { .. } => Found::Absent,
                Start::Ambiguous { why } => Found::Unknowable { why },
            }
        })
    }
}

const LOST: &str =
    "firebell was restarted while the request was under way, and a request cannot be looked up";

/// A request, ready to be sent.
struct Call {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<String>,
    /// Header values that came by reference.
    secrets: Vec<SecretString>,
    success: Vec<u16>,
    private: bool,
    idempotent: bool,
    limit: Duration,
    room: usize,
    resolve: Resolve,
    tls: Arc<rustls::ClientConfig>,
}

impl Call {
    fn of(job: &Job, executor: &HttpExecutor) -> Result<Call, String> {
        let How::Http(run) = &job.action.how else {
            return Err("the action is not an HTTP action".to_owned());
        };
        let [method, url, body @ ..] = &job.argv[..] else {
            return Err("the action has no method and address".to_owned());
        };
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| format!("{method:?} is not an HTTP method"))?;
        let url = address(run, url)?;
        let mut secrets = Vec::new();
        let headers = headers(run, job, &url, !body.is_empty(), &mut secrets)?;
        Ok(Call {
            method,
            url,
            headers,
            body: body.first().cloned(),
            secrets,
            success: run.success.clone(),
            private: run.private,
            idempotent: job.action.idempotent,
            limit: Duration::from_millis(job.action.limits.timeout_ms.unsigned_abs()),
            room: job.action.limits.output_bytes,
            resolve: executor.resolve.clone(),
            tls: executor.tls.clone(),
        })
    }

    async fn carry(self, worker: Worker) {
        let begun = Instant::now();
        let within = CONNECT.min(self.limit);
        let stream = tokio::select! {
            stream = timeout(within, self.connect()) => stream,
            () = worker.stopped() => return worker.not_started("it was cancelled first".to_owned()),
        };
        let stream = match stream {
            Ok(Ok(stream)) => stream,
            Ok(Err(why)) => return worker.not_started(why),
            Err(_) => {
                let host = self.host();
                return worker.not_started(format!("{host} did not take a connection in time"));
            }
        };
        worker.begun(Start::Started(Handle("request".to_owned())));
        let mut got = Got::default();
        let outcome = tokio::select! {
            done = self.exchange(stream, &mut got) => self.judge(done, &got),
            () = tokio::time::sleep_until(begun + self.limit) => {
                self.unanswered(&got, Outcome::TimedOut, "there was no answer in time")
            }
            () = worker.stopped() => {
                self.unanswered(&got, Outcome::Cancelled, "it was cancelled before it was answered")
            }
        };
        worker.push(&self.masked(&got.body));
        let took = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        worker.end(outcome, took, got.notes);
    }

    fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Resolves, judges, connects. Until this has answered nothing was said to the other side.
    async fn connect(&self) -> Result<Box<dyn Stream>, String> {
        let host = self.host();
        let port = self.url.port_or_known_default().unwrap_or(443);
        let mut found = match self.literal() {
            Some(ip) => vec![SocketAddr::new(ip, port)],
            None => (self.resolve)(host.to_owned(), port)
                .await
                .map_err(|e| format!("{host} cannot be resolved: {}", e.kind()))?,
        };
        found.dedup();
        for address in &found {
            if let Some(why) = reach::refused(address.ip(), self.private) {
                let fix = if self.private {
                    ""
                } else {
                    "; `private = true` allows private networks"
                };
                return Err(format!(
                    "{host} leads to {}, {why}, which actions do not reach{fix}",
                    address.ip()
                ));
            }
        }
        let mut last = format!("{host} has no address");
        for address in &found {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Requests are small and answers are waited for.
                    let _ = stream.set_nodelay(true);
                    return self.encrypted(stream).await;
                }
                Err(e) => last = format!("{host} cannot be reached: {}", e.kind()),
            }
        }
        Err(last)
    }

    fn literal(&self) -> Option<IpAddr> {
        let host = self.host();
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        bare.unwrap_or(host).parse().ok()
    }

    async fn encrypted(&self, stream: TcpStream) -> Result<Box<dyn Stream>, String> {
        if self.url.scheme() == "http" {
            return Ok(Box::new(stream));
        }
        let host = self.host().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("{host} cannot be the name of a server with TLS"))?;
        let stream = TlsConnector::from(self.tls.clone())
            .connect(name, stream)
            .await
            .map_err(|e| format!("{host} has no TLS that can be trusted: {e}"))?;
        Ok(Box::new(stream))
    }

    /// Sends and reads. What was read is in `got`, however it ends.
    async fn exchange(&self, stream: Box<dyn Stream>, got: &mut Got) -> Result<(), hyper::Error> {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let body = self.body.clone().map_or_else(Body::default, Body::from);
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        request.headers_mut().clone_from(&self.headers);
        let query = self.url.query().map(|q| format!("?{q}"));
        let target = format!("{}{}", self.url.path(), query.unwrap_or_default());
        // A parsed URL's path and query are a valid request target.
        *request.uri_mut() = target.parse().unwrap_or_default();
        let asked = async {
            let answer = sender.send_request(request).await?;
            got.status = Some(answer.status().as_u16());
            self.read(answer, got).await
        };
        // The connection is driven here and nowhere else: when this is dropped, it is closed.
        tokio::pin!(asked);
        let mut connection = std::pin::pin!(connection);
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                done = &mut asked => return done,
                ended = &mut connection, if open => {
                    open = false;
                    ended?;
                }
            }
        }
    }

    async fn read(
        &self,
        answer: Response<hyper::body::Incoming>,
        got: &mut Got,
    ) -> Result<(), hyper::Error> {
        let mut body = answer.into_body();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            let room = self.room - got.body.len();
            got.body.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                let note = format!("the answer was cut after {} bytes", self.room);
                got.notes.push(note);
                break;
            }
        }
        Ok(())
    }

    fn judge(&self, done: Result<(), hyper::Error>, got: &Got) -> Outcome {
        match (done, got.status) {
            (_, Some(status)) => self.reported(status),
            (Ok(()), None) => self.unknown("there was no answer"),
            (Err(e), None) => {
                let words = wire::system_words(&e).map_or(String::new(), |w| format!(" ({w})"));
                self.unknown(&format!("the connection broke off{words}"))
            }
        }
    }

    fn reported(&self, status: u16) -> Outcome {
        let good = match &self.success[..] {
            [] => (200..300).contains(&status),
            listed => listed.contains(&status),
        };
        let more = if (300..400).contains(&status) && !good {
            "; redirects are not followed"
        } else {
            ""
        };
        Outcome::Reported {
            good,
            what: format!("answered {status}{more}"),
        }
    }

    /// Cut short by firebell. A status that was read is the truth; the rest of the body is not
    /// needed for it.
    fn unanswered(&self, got: &Got, harmless: Outcome, what: &str) -> Outcome {
        match got.status {
            Some(status) => self.reported(status),
            None if self.idempotent => harmless,
            None => self.unknown(what),
        }
    }

    fn unknown(&self, what: &str) -> Outcome {
        Outcome::Unknown {
            why: format!(
                "the request was sent to {}, and {what}; it may or may not have been carried out",
                self.host()
            ),
        }
    }

    /// The answer without the secrets of the request, which some servers send back.
    fn masked(&self, body: &[u8]) -> Vec<u8> {
        let mut text = body.to_vec();
        for secret in &self.secrets {
            let whole = secret.expose_secret();
            let bare = whole.split_once(' ').map_or(whole, |(_, bare)| bare);
            text = replaced(&text, bare.as_bytes());
        }
        text
    }
}

/// What came back.
#[derive(Default)]
struct Got {
    status: Option<u16>,
    body: Vec<u8>,
    notes: Vec<String>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

fn replaced(text: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while !secret.is_empty() && rest.len() >= secret.len() {
        if rest.starts_with(secret) {
            out.extend_from_slice(MASK.as_bytes());
            rest = &rest[secret.len()..];
        } else {
            out.push(rest[0]);
            rest = &rest[1..];
        }
    }
    out.extend_from_slice(rest);
    out
}

/// The address of this run: what the file fixed is where it was, and no argument climbs out of its
/// place in the path.
fn address(run: &HttpRun, rendered: &str) -> Result<Url, String> {
    let wrong = |why: &str| format!("the action's address {why}; correct `url` in its file");
    let url = Url::parse(rendered).map_err(|_| wrong("cannot be read"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("is no http or https address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "holds a name or a password, which belong into `headers`",
        ));
    }
    let (template, now) = (authority(&run.url), authority(rendered));
    if template != now || template.contains(['{', '}']) {
        return Err(wrong("does not fix its host and port"));
    }
    let path = rendered.split(['?', '#']).next().unwrap_or_default();
    let climbs = |part: &str| {
        let plain = part.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    if path.split(['/', '\\']).any(climbs) {
        return Err("an argument is a dot segment, which would lead to another path".to_owned());
    }
    Ok(url)
}

/// `scheme://host:port` as written.
fn authority(url: &str) -> &str {
    let after = url.find("://").map_or(0, |at| at + 3);
    let end = url[after..].find(['/', '?', '#', '\\']);
    &url[..end.map_or(url.len(), |n| after + n)]
}

fn headers(
    run: &HttpRun,
    job: &Job,
    url: &Url,
    has_body: bool,
    secrets: &mut Vec<SecretString>,
) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    map.insert(ACCEPT, HeaderValue::from_static("*/*"));
    let agent = concat!("firebell/", env!("CARGO_PKG_VERSION"));
    map.insert(USER_AGENT, HeaderValue::from_static(agent));
    if has_body {
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in &run.headers {
        let lower = name.to_ascii_lowercase();
        if OWN.contains(&lower.as_str()) {
            return Err(format!("the header `{name}` is set by firebell; remove it"));
        }
        let bad = || format!("the header `{name}` has a name or value that cannot be sent");
        let key = HeaderName::from_bytes(lower.as_bytes()).map_err(|_| bad())?;
        let found = wire::secret(value).map_err(|why| format!("the header `{name}`: {why}"))?;
        let text = found.as_ref().map_or(value.as_str(), |s| s.expose_secret());
        let mut sent = HeaderValue::from_str(text).map_err(|_| bad())?;
        if let Some(secret) = found {
            sent.set_sensitive(true);
            secrets.push(secret);
        }
        map.insert(key, sent);
    }
    let port = url.port().map(|port| format!(":{port}"));
    let host = format!(
        "{}{}",
        url.host_str().unwrap_or_default(),
        port.unwrap_or_default()
    );
    let own = |text: &str| HeaderValue::from_str(text).map_err(|_| "the run's key cannot be sent");
    map.insert(HOST, own(&host)?);
    map.insert(IDEMPOTENCY_KEY, own(&job.key)?);
    Ok(map)
}
