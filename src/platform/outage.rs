//! Whether a platform is away, told by its own calls: one of them asks for all.
//!
//! Promises: while a platform is away only one call in [`PROBE`] leaves, whoever waits goes on within that
//! of its return, and nothing of one channel or method that is in trouble by itself stops the others: it
//! takes failures of several, without an answer in between. What may not leave was not sent, so whoever
//! asks later need not look whether it was. Cards are drawn after the wait ([`Outage::turn`]).
//!
//! The road not taken: each queue with a probe of its own. Twenty people, their cards and their rooms
//! asked a thousand times in ten seconds, and the last card came a quarter of a minute after the end.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// From a call that failed to the next one, while an outage is young.
const PROBE: Duration = Duration::from_millis(300);
/// And when it has lasted for [`YOUNG`].
const PROBE_LATER: Duration = Duration::from_secs(1);
/// Most outages end within seconds.
const YOUNG: Duration = Duration::from_secs(15);
/// A call that hangs is not waited for with the next one.
const HANGS: Duration = Duration::from_secs(1);
/// Failures at so many places, none answered in between, are an outage.
const PLACES: usize = 3;
/// How long a call waits for the end before whoever asked is told to ask again.
const WAIT: Duration = Duration::from_secs(5);

/// What is known of a platform's health.
pub struct Outage {
    state: Mutex<State>,
    ended: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// Where calls failed since the last answer.
    places: HashSet<String>,
    /// Since when it is away.
    since: Option<Instant>,
    /// The next call leaves then.
    next: Option<Instant>,
    /// It was promised to somebody who draws it.
    granted: bool,
}

impl Default for Outage {
    fn default() -> Outage {
        Outage {
            state: Mutex::default(),
            ended: watch::channel(0).0,
        }
    }
}

impl Outage {
    /// Waits until a call may leave; `true`: the platform is away, and this one asks for all. Who is not
    /// `patient` waits for nothing: what it sends was drawn already, and is old after a wait.
    ///
    /// # Errors
    /// How long to wait before it is asked again; it was not sent.
    pub async fn pass(&self, patient: bool) -> Result<bool, Duration> {
        let give_up = Instant::now() + WAIT;
        let mut ended = self.ended.subscribe();
        loop {
            let now = Instant::now();
            let next = match self.lock().admit(now) {
                Ok(asks) => return Ok(asks),
                Err(next) => next,
            };
            if !patient || now >= give_up {
                return Err(PROBE);
            }
            // The call that asks may fail at once, and then the next one is due sooner.
            let look = next.min(give_up).min(now + PROBE);
            tokio::select! {
                // The sender lives in here.
                _ = ended.changed() => {}
                () = tokio::time::sleep_until(look) => {}
            }
        }
    }

    /// Waits until it is worth drawing something for a call: for as long as it takes, because nothing is
    /// lost by it, and what is drawn after the wait is as it is then. The call of whoever comes back while
    /// the platform is away asks for all.
    pub async fn turn(&self) {
        let mut ended = self.ended.subscribe();
        loop {
            let now = Instant::now();
            let Err(next) = self.lock().grant(now) else {
                return;
            };
            tokio::select! {
                // The sender lives in here.
                _ = ended.changed() => {}
                () = tokio::time::sleep_until(next.min(now + PROBE)) => {}
            }
        }
    }

    /// Whether it is away, for whoever had to wait for something else since it passed.
    pub fn away(&self) -> bool {
        self.lock().since.is_some()
    }

    /// A call was answered, whatever the answer.
    pub fn answered(&self) {
        let mut state = self.lock();
        let away = state.since.is_some();
        *state = State::default();
        drop(state);
        if away {
            self.ended.send_modify(|n| *n += 1);
        }
    }

    /// A call was not. `place`: what it is separate for, such as its method and channel.
    pub fn failed(&self, place: &str) {
        let now = Instant::now();
        let mut state = self.lock();
        if state.places.len() < PLACES {
            state.places.insert(place.to_owned());
        }
        if state.places.len() == PLACES {
            let since = *state.since.get_or_insert(now);
            let young = now.duration_since(since) < YOUNG;
            state.next = Some(now + if young { PROBE } else { PROBE_LATER });
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a call that may leave asks for all; else when to come back.
    fn admit(&mut self, now: Instant) -> Result<bool, Instant> {
        match self.next {
            None => Ok(false),
            Some(_) if std::mem::take(&mut self.granted) => Ok(true),
            Some(next) if now < next => Err(next),
            Some(_) => {
                self.next = Some(now + HANGS);
                Ok(true)
            }
        }
    }

    /// The same for whoever makes the call a little later.
    fn grant(&mut self, now: Instant) -> Result<(), Instant> {
        match self.next {
            None => Ok(()),
            Some(next) if now < next => Err(next),
            Some(_) => {
                (self.next, self.granted) = (Some(now + HANGS), true);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn away() -> Arc<Outage> {
        let outage = Outage::default();
        for place in ["a", "b", "c"] {
            outage.failed(place);
        }
        Arc::new(outage)
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_of_one_place_stops_nothing() {
        let outage = Outage::default();
        for place in ["a", "b", "a", "b", "a"] {
            outage.failed(place);
        }
        let begin = Instant::now();
        outage.pass(true).await.unwrap();
        outage.failed("c");
        outage.answered();
        outage.failed("d");
        outage.pass(true).await.unwrap();
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_asks_for_all_and_its_answer_lets_all_go() {
        let outage = away();
        let begin = Instant::now();
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let outage = outage.clone();
                tokio::spawn(async move {
                    outage.pass(true).await.unwrap();
                    let failed = begin.elapsed() < Duration::from_secs(2);
                    if failed {
                        outage.failed("x");
                    } else {
                        outage.answered();
                    }
                    failed
                })
            })
            .collect();
        let mut probes = 0;
        for one in waiting {
            probes += usize::from(one.await.unwrap());
        }
        assert_eq!(probes, 6, "one in 300 ms for two seconds");
        assert!(begin.elapsed() < Duration::from_millis(2500));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_does_not_keep_the_next_one_from_asking() {
        let outage = away();
        outage.pass(true).await.unwrap();
        let begin = Instant::now();
        outage.pass(true).await.unwrap();
        assert_eq!(begin.elapsed(), HANGS);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_drawn_waits_as_long_as_it_takes_and_then_asks_for_all() {
        let outage = away();
        let begin = Instant::now();
        for _ in 0..100 {
            outage.turn().await;
            assert_eq!(outage.pass(true).await, Ok(true), "it was promised");
            outage.failed("x");
        }
        assert_eq!(
            begin.elapsed().as_secs(),
            100 - 35,
            "300 ms apart, later 1 s"
        );
        assert_eq!(outage.pass(false).await, Err(PROBE), "not old after a wait");
        assert_eq!(begin.elapsed().as_secs(), 65);
        let other = outage.clone();
        let waits = tokio::spawn(async move { other.turn().await });
        tokio::task::yield_now().await;
        outage.answered();
        waits.await.unwrap();
        assert_eq!(outage.pass(true).await, Ok(false));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let outage = away();
        let other = outage.clone();
        let failing = tokio::spawn(async move {
            loop {
                let half = tokio::time::timeout(PROBE / 2, std::future::pending::<()>());
                assert!(half.await.is_err());
                other.failed("x");
            }
        });
        let begin = Instant::now();
        assert_eq!(outage.pass(true).await, Err(PROBE));
        assert_eq!(begin.elapsed(), WAIT);
        failing.abort();
    }
}
