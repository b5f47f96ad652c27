//! The listener: HTTP/1.1 connections with limits, and a stop that lets answers finish.
//!
//! `axum::serve` sets no limit on how long a client may take for its headers, so one slow sender
//! could hold connections for ever; hyper is used directly instead.

use crate::http::{App, router};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::Response;
use futures_util::StreamExt;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Headers of a request must arrive within this; also how long an idle connection is kept.
/// A minute and a half: Prometheus and Alertmanager send every 60 s or less over one connection.
const HEADERS_WITHIN: Duration = Duration::from_secs(90);
/// Connections at once; beyond it new ones wait in the listener's queue. Console tabs hold one each.
const CONNECTIONS: usize = 4096;
/// Answers under way may finish for this long after the stop.
const DRAIN: Duration = Duration::from_secs(5);
/// After a failed accept (no file descriptors left), so that the loop does not burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` completes, then stops accepting, ends live streams and lets answers finish for five seconds.
pub async fn serve(app: App, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    // Dropped when the shutdown comes: that is what the streams wait for.
    let (serving, stopped) = watch::channel(());
    let shutdown = async move {
        shutdown.await;
        drop(serving);
    };
    serve_router(router(app, Some(stopped)), listener, shutdown).await;
}

/// Ends a live stream when its channel closes; browsers then connect again by themselves.
/// Without this every open console would hold up the stop for the whole of [`DRAIN`].
pub(super) async fn end_streams(State(stopped): State<Stopped>, response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|k| k.as_bytes().starts_with(b"text/event-stream")) {
        return response;
    }
    let until = async move {
        let mut stopped = stopped;
        while stopped.changed().await.is_ok() {}
    };
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(Box::pin(until))))
}

/// Closes when the server is told to stop.
pub type Stopped = watch::Receiver<()>;

/// [`serve`] for a router that is already made.
pub async fn serve_router(
    router: Router,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &seats) => accepted,
            // Ended connections are collected here, or the set would grow for ever.
            Some(_) = connections.join_next() => continue,
        };
        let Some((stream, seat)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let watcher = graceful.watcher();
        let service = TowerToHyperService::new(router.clone());
        connections.spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS_WITHIN)
                .serve_connection(TokioIo::new(stream), service);
            // A connection that breaks is the client's affair.
            let _: Result<(), hyper::Error> = watcher.watch(connection).await;
            drop(seat);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::debug!("some connections were still open at the stop and are cut");
    }
    connections.shutdown().await;
}

/// The next connection with its seat; `None`: the system refused, try again a little later.
async fn accept(
    listener: &TcpListener,
    seats: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let seat = Arc::clone(seats).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small and whole: waiting to fill a packet only delays them.
                if let Err(e) = stream.set_nodelay(true) {
                    tracing::debug!("a connection ended before it began: {e}");
                }
                return Some((stream, seat));
            }
            Err(e) if gone_already(&e) => {}
            Err(e) => {
                tracing::warn!("a connection could not be accepted: {e}");
                return None;
            }
        }
    }
}

/// The client left between its connect and our accept.
fn gone_already(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::{Notify, oneshot};

    async fn listening() -> (TcpListener, std::net::SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[tokio::test]
    async fn an_answer_under_way_is_finished_before_the_stop() {
        let (listener, address) = listening().await;
        let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let handler = {
            let (asked, go) = (Arc::clone(&asked), Arc::clone(&go));
            move || async move {
                asked.notify_one();
                go.notified().await;
                "done"
            }
        };
        let router = Router::new().route("/", get(handler));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve_router(router, listener, async move {
            let _ = stopped.await;
        }));
        let mut client = TcpStream::connect(address).await.unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        asked.notified().await;
        stop.send(()).unwrap();
        go.notify_one();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("done"), "{answer}");
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn a_live_stream_ends_with_the_server() {
        let (serving, stopped) = watch::channel(());
        let endless = futures_util::stream::pending::<Result<&str, std::io::Error>>();
        let mut live = Response::new(Body::from_stream(endless));
        let kind = HeaderValue::from_static("text/event-stream");
        live.headers_mut().insert(header::CONTENT_TYPE, kind);
        let live = end_streams(State(stopped), live).await;
        drop(serving);
        let whole = axum::body::to_bytes(live.into_body(), 10).await.unwrap();
        assert!(whole.is_empty());
    }

    #[tokio::test]
    async fn one_connection_carries_many_requests() {
        let (listener, address) = listening().await;
        let router = Router::new().route("/", get(|| async { "ok" }));
        let server = tokio::spawn(serve_router(router, listener, std::future::pending()));
        let mut client = TcpStream::connect(address).await.unwrap();
        for _ in 0..3 {
            client
                .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                .await
                .unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\nok") {
                let mut byte = [0];
                client.read_exact(&mut byte).await.unwrap();
                answer.push(byte[0]);
            }
        }
        server.abort();
    }
}
