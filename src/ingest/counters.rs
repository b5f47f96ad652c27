//! What came through each ingest path since the start, for metrics.

use super::FORMATS;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows. Relaxed: nothing is decided by it.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds one.
    pub fn one(&self) {
        self.many(1);
    }

    /// Adds `n`.
    pub fn many(&self, n: usize) {
        self.0.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// The number now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The numbers of one path.
#[derive(Debug, Default)]
pub struct PathCounters {
    /// The path, as routed.
    pub path: &'static str,
    /// Alerts taken and stored.
    pub accepted: Count,
    /// Alerts known as unchanged repeats by their hash.
    pub repeats: Count,
    /// Alerts refused, with the reason in the answer.
    pub refused: Count,
    /// Acknowledgements for alerts no open incident knows; accepted and dropped, as PagerDuty does.
    pub dropped: Count,
    /// Payloads put into quarantine.
    pub quarantined: Count,
    /// Bad payloads above the quarantine's rate, answered and logged but not kept.
    pub not_quarantined: Count,
    /// Requests without a known token.
    pub unauthorised: Count,
    /// Requests above the body limit.
    pub too_large: Count,
    /// Requests answered 503 because the store was down.
    pub unavailable: Count,
}

/// The numbers of all paths.
#[derive(Debug)]
pub struct Counters {
    /// One per entry of [`FORMATS`], in its order.
    pub paths: Vec<PathCounters>,
}

impl Default for Counters {
    fn default() -> Counters {
        let paths = FORMATS.iter().map(|format| PathCounters {
            path: format.path,
            ..PathCounters::default()
        });
        Counters {
            paths: paths.collect(),
        }
    }
}
