//! The one place that reads a clock.

use crate::core::time::Time;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A timer of the runtime wakes up to a millisecond late, the commit that is being written when it came up takes one or
/// two, its own as long, a request half of one; so nearly every page is out when it is due, and none leaves more than
/// this before. Measured: `timers` in docs/benchmarks.md.
const LEAD_MS: i64 = 5;

/// Where the engine takes its time from. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's.
    #[default]
    Real,
    /// A test's: stands still until it is moved.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at` until moved.
    #[must_use]
    pub fn manual(at: Time) -> Clock {
        Clock::Manual(Arc::new(AtomicI64::new(at.0)))
    }

    /// Now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    pub fn now(&self) -> Time {
        match self {
            Clock::Real => Time::from(chrono::Utc::now()),
            Clock::Manual(at) => Time(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward; the real one cannot be moved.
    pub fn advance_ms(&self, ms: i64) {
        if let Clock::Manual(at) = self {
            at.fetch_add(ms, Ordering::SeqCst);
        }
    }

    /// Deadlines are decided so much before they are due, milliseconds: as long as it takes to write the
    /// decision down and to send it. A manual clock stands still meanwhile.
    pub(super) fn lead_ms(&self) -> i64 {
        match self {
            Clock::Real => LEAD_MS,
            Clock::Manual(_) => 0,
        }
    }

    /// Sleeps until `at`, not a millisecond longer than the runtime's timer needs; for ever when there is nothing to wait for or the clock is manual.
    pub(super) async fn sleep_until(&self, at: Option<Time>) {
        match (self, at) {
            (Clock::Real, Some(at)) => {
                tokio::time::sleep(until(at)).await;
            }
            _ => std::future::pending().await,
        }
    }
}

/// From this very moment to `at`. Whole milliseconds would be up to one too many.
#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
fn until(at: Time) -> std::time::Duration {
    let now_us = chrono::Utc::now().timestamp_micros();
    let us = at.0.saturating_mul(1000).saturating_sub(now_us);
    std::time::Duration::from_micros(u64::try_from(us).unwrap_or(0))
}
