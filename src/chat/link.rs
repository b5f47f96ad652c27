//! How a platform is connected: what `/readyz`, the console and the other platforms are told.
//!
//! firebell never goes deaf silently: an adapter says here when its connection is lost or refused,
//! and when it is back; whoever shows it reads it from here.

use crate::core::time::Time;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// A connection to a platform.
#[derive(Debug)]
pub struct Link {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

/// How it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Since when it is as it is; `None`: it was never connected.
    pub since: Option<Time>,
    /// Why it is not connected, in words and without secrets; `None`: it is.
    pub trouble: Option<String>,
    /// What is missing although it is connected, one sentence each with what it costs: a scope, an
    /// intent, a permission.
    pub missing: Vec<String>,
}

impl Default for Link {
    fn default() -> Link {
        let state = State {
            trouble: Some("not connected yet".to_owned()),
            ..State::default()
        };
        Link {
            state: Mutex::new(state),
            changed: watch::channel(0).0,
        }
    }
}

impl Link {
    /// It is connected.
    pub fn up(&self, now: Time) {
        self.change(|state| {
            let news = state.trouble.take().is_some();
            if news {
                state.since = Some(now);
            }
            news
        });
    }

    /// It is not, and why. The first reason's time stays; the newest reason is shown.
    pub fn down(&self, why: &str, now: Time) {
        self.change(|state| {
            let was_up = state.trouble.is_none();
            if was_up || state.since.is_none() {
                state.since = Some(now);
            }
            let news = state.trouble.as_deref() != Some(why);
            state.trouble = Some(why.to_owned());
            news
        });
    }

    /// What is missing although it is connected.
    pub fn lacks(&self, missing: Vec<String>) {
        self.change(|state| {
            let news = state.missing != missing;
            state.missing = missing;
            news
        });
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> State {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clone()
    }

    /// Tells of every change from now on.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut State) -> bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if change(&mut state) {
            self.changed.send_modify(|n| *n += 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_keeps_its_begin_and_shows_its_newest_reason() {
        let link = Link::default();
        link.up(Time(10));
        assert_eq!(link.state().trouble, None);
        link.down("refused", Time(20));
        link.down("timed out", Time(30));
        let state = link.state();
        assert_eq!(state.since, Some(Time(20)));
        assert_eq!(state.trouble.as_deref(), Some("timed out"));
        link.up(Time(40));
        link.up(Time(50));
        assert_eq!(link.state().since, Some(Time(40)));
    }
}
