//! The stream of changes: tells which incident, room or run changed, never what it says. The page
//! then asks for the piece it shows, under its own rights.
//!
//! A listener that falls behind is told to look at everything (`resync`) instead of silently
//! missing something. The same holds for a listener that reconnects: the page looks at everything
//! whenever the stream opens, so nothing is lost between two connections.

use super::Console;
use super::viewer::Viewer;
use crate::core::sight::Sight;
use crate::engine::{Change, Engine};
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt};
use std::convert::Infallible;
use std::time::Duration;
use tokio_stream::wrappers::BroadcastStream;

/// Shorter than the idle limits of common proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn events(
    State(console): State<Console>,
    viewer: Viewer,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = BroadcastStream::new(console.app.engine.changes());
    let engine = console.app.engine.clone();
    let stream = changes.filter_map(move |change| {
        let (engine, sight) = (engine.clone(), viewer.sight.clone());
        async move {
            match change {
                Ok(change) => concerns(&engine, &sight, &change)
                    .await
                    .then(|| Ok(told(&change))),
                Err(_) => Some(Ok(event("resync", ""))),
            }
        }
    });
    // The first event makes proxies and browsers open the stream at once.
    let hello = futures_util::stream::once(async {
        Ok(Event::default()
            .retry(Duration::from_secs(1))
            .comment("hello"))
    });
    Sse::new(hello.chain(stream)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Not even that something happens is told of what somebody may not see.
async fn concerns(engine: &Engine, sight: &Sight, change: &Change) -> bool {
    let id = match change {
        Change::Incident(id) | Change::Run(_, id) => *id,
        Change::Room(_) | Change::Directory | Change::Updates => return true,
    };
    match engine.incident(id).await {
        Ok(Some(incident)) => sight.sees(&incident),
        // The page asks for the piece under its own rights.
        _ => *sight == Sight::All,
    }
}

fn told(change: &Change) -> Event {
    match change {
        Change::Incident(id) => event("incident", &id.0.to_string()),
        Change::Room(id) => event("room", &id.0.to_string()),
        Change::Run(id, _) => event("run", &id.0.to_string()),
        Change::Directory => event("directory", ""),
        Change::Updates => event("updates", ""),
    }
}

fn event(kind: &str, data: &str) -> Event {
    // An event without data would be dropped by browsers.
    Event::default()
        .event(kind)
        .data(if data.is_empty() { "-" } else { data })
}
