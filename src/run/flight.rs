//! Runs that live in this process: an HTTP request or an `ssh` connection under way.
//!
//! Nothing outlives firebell here, and nobody outside can be asked. What a run wrote and how it
//! ended is kept in memory until it was read and newer runs need the room.

use super::port::{Cursor, News, Stand, Start};
use crate::core::incident::Outcome;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Runs that are over and still remembered; older ones are forgotten.
const REMEMBERED: usize = 64;

/// All runs of one executor, by their key.
#[derive(Debug, Default)]
pub(super) struct Flights {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    flights: HashMap<String, Arc<Flight>>,
    /// Keys in the order they began.
    order: Vec<String>,
}

/// One run.
#[derive(Debug)]
pub(super) struct Flight {
    state: watch::Sender<State>,
    stop: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    /// What `start` answers, once it is known.
    start: Option<Start>,
    /// Bytes dropped before `bytes`.
    base: usize,
    bytes: Vec<u8>,
    room: usize,
    end: Option<Stand>,
}

/// The side that carries the run out. Dropped before it has said how it ended, it says that
/// nobody knows: a run never hangs on a fault of firebell's own.
#[derive(Debug)]
pub(super) struct Worker(Arc<Flight>);

impl Flights {
    /// The flight of a key, and the worker's side when it is new. Keeps at most `room` unread bytes.
    pub(super) fn begin(&self, key: &str, room: usize) -> (Arc<Flight>, Option<Worker>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = known.flights.get(key) {
            // What provably did not start may be tried again.
            if !matches!(flight.answered(), Some(Start::NotStarted { .. })) {
                return (flight.clone(), None);
            }
        }
        known.forget();
        let flight = Arc::new(Flight {
            state: watch::Sender::new(State {
                start: None,
                base: 0,
                bytes: Vec::new(),
                room,
                end: None,
            }),
            stop: watch::Sender::new(false),
        });
        known.flights.insert(key.to_owned(), flight.clone());
        known.order.retain(|k| k != key);
        known.order.push(key.to_owned());
        (flight.clone(), Some(Worker(flight)))
    }

    /// The flight of a key, if this process has it.
    pub(super) fn find(&self, key: &str) -> Option<Arc<Flight>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.flights.get(key).cloned()
    }
}

impl Known {
    fn forget(&mut self) {
        let over = |known: &Known, key: &String| {
            known.flights.get(key).is_none_or(|flight| flight.is_over())
        };
        while self.order.len() >= REMEMBERED {
            let Some(at) = self.order.iter().position(|key| over(self, key)) else {
                return;
            };
            let key = self.order.remove(at);
            self.flights.remove(&key);
        }
    }
}

impl Flight {
    fn answered(&self) -> Option<Start> {
        self.state.borrow().start.clone()
    }

    fn is_over(&self) -> bool {
        self.state.borrow().end.is_some()
    }

    /// Waits until it is known whether it started.
    pub(super) async fn started(&self) -> Start {
        let mut seen = self.state.subscribe();
        let known = seen.wait_for(|state| state.start.is_some()).await;
        let start = known.ok().and_then(|state| state.start.clone());
        // The sender is in `self`, so the wait ends with an answer.
        start.unwrap_or_else(|| Start::Ambiguous {
            why: "firebell lost sight of it".to_owned(),
        })
    }

    /// Waits at most so long for something after the cursor.
    pub(super) async fn poll(&self, cursor: &Cursor, wait: Duration) -> News {
        let from = cursor.0.parse().unwrap_or(0_usize);
        let mut seen = self.state.subscribe();
        let news = |state: &State| state.end.is_some() || state.base + state.bytes.len() > from;
        // No news in time are an answer too.
        let _ = tokio::time::timeout(wait, seen.wait_for(news)).await;
        let state = self.state.borrow();
        let skip = from.saturating_sub(state.base).min(state.bytes.len());
        let mut stand = state.end.clone().unwrap_or(Stand::Running);
        if let Stand::Ended { notes, .. } = &mut stand
            && state.base > from
        {
            notes.push(format!("{} bytes of output are lost", state.base - from));
        }
        News {
            bytes: state.bytes[skip..].to_vec(),
            cursor: Cursor((state.base + state.bytes.len()).max(from).to_string()),
            stand,
        }
    }

    /// Asks the worker to stop.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl Worker {
    /// Says what `start` answers.
    pub(super) fn begun(&self, start: Start) {
        self.0.state.send_modify(|state| state.start = Some(start));
    }

    /// Provably did not start.
    pub(super) fn not_started(self, why: String) {
        self.0.state.send_modify(|state| {
            state.start = Some(Start::NotStarted { why: why.clone() });
            state.end = Some(ended(Outcome::NotStarted { why }, 0, Vec::new()));
        });
    }

    /// Adds output; the oldest goes when there is no room.
    pub(super) fn push(&self, bytes: &[u8]) {
        self.0.state.send_modify(|state| {
            state.bytes.extend_from_slice(bytes);
            let over = state.bytes.len().saturating_sub(state.room);
            state.bytes.drain(..over);
            state.base += over;
        });
    }

    /// It is over.
    pub(super) fn end(self, outcome: Outcome, duration_ms: i64, notes: Vec<String>) {
        let stand = ended(outcome, duration_ms, notes);
        self.0.state.send_modify(|state| state.end = Some(stand));
    }

    /// Waits until somebody asks it to stop.
    pub(super) async fn stopped(&self) {
        let mut stop = self.0.stop.subscribe();
        if stop.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let why = "firebell itself lost sight of it";
        self.0.state.send_if_modified(|state| {
            let open = state.end.is_none() || state.start.is_none();
            if state.start.is_none() {
                let why = why.to_owned();
                state.start = Some(Start::Ambiguous { why });
            }
            if state.end.is_none() {
                let why = why.to_owned();
                state.end = Some(ended(Outcome::Unknown { why }, 0, Vec::new()));
            }
            open
        });
    }
}

pub(super) fn ended(outcome: Outcome, duration_ms: i64, notes: Vec<String>) -> Stand {
    Stand::Ended {
        outcome,
        duration_ms,
        notes,
    }
}

#[cfg(test)]
mod tests {
    use super::super::port::Handle;
    use super::*;

    fn here() -> Start {
        Start::Started(Handle("here".to_owned()))
    }

    const SOON: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_worker_that_disappears_leaves_an_unknown_outcome() {
        let flights = Flights::default();
        let (flight, worker) = flights.begin("a", 100);
        drop(worker);
        assert!(matches!(flight.started().await, Start::Ambiguous { .. }));
        let news = flight.poll(&Cursor::default(), SOON).await;
        let Stand::Ended { outcome, .. } = news.stand else {
            panic!("still running")
        };
        assert!(matches!(outcome, Outcome::Unknown { .. }));
    }

    #[tokio::test]
    async fn a_key_has_one_worker_unless_it_provably_did_not_start() {
        let flights = Flights::default();
        let (_, first) = flights.begin("a", 100);
        assert!(flights.begin("a", 100).1.is_none());
        first.unwrap().not_started("no".to_owned());
        let (flight, again) = flights.begin("a", 100);
        again.unwrap().begun(here());
        assert_eq!(flight.started().await, here());
        assert!(flights.begin("a", 100).1.is_none());
    }

    #[tokio::test]
    async fn what_had_no_room_is_counted() {
        let flights = Flights::default();
        let (flight, worker) = flights.begin("a", 4);
        let worker = worker.unwrap();
        worker.push(b"abcdefg");
        let first = flight.poll(&Cursor::default(), SOON).await;
        assert_eq!((&*first.bytes, &*first.cursor.0), (&b"defg"[..], "7"));
        worker.push(b"h");
        worker.end(Outcome::Cancelled, 1, Vec::new());
        let second = flight.poll(&first.cursor, SOON).await;
        assert_eq!(second.bytes, b"h");
        let again = flight.poll(&Cursor::default(), SOON).await;
        let Stand::Ended { notes, .. } = again.stand else {
            panic!("still running")
        };
        assert_eq!(notes, ["4 bytes of output are lost"]);
    }

    #[test]
    fn finished_runs_are_forgotten_when_there_are_many() {
        let flights = Flights::default();
        let (_, open) = flights.begin("open", 4);
        for n in 0..2 * REMEMBERED {
            let (_, worker) = flights.begin(&format!("k{n}"), 4);
            worker.unwrap().end(Outcome::Cancelled, 0, Vec::new());
        }
        assert!(flights.find("open").is_some() && flights.find("k0").is_none());
        assert!(flights.known.lock().unwrap().flights.len() <= REMEMBERED);
        drop(open);
    }
}
