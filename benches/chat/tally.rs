//! What is measured: when something was told, how often, and how that is written down.

use std::time::Duration;
use tokio::time::Instant;

/// Writes a line of the report.
#[expect(clippy::print_stdout, reason = "a benchmark tells its numbers")]
pub fn say(line: &str) {
    println!("{line}");
}

/// Waits until an instant; scenarios keep a rate or last for a time.
pub async fn until(at: Instant) {
    tokio::time::sleep_until(at).await;
}

/// Waits so long.
pub async fn pass(time: Duration) {
    until(Instant::now() + time).await;
}

/// Durations in ascending order.
pub struct Spread(Vec<Duration>);

impl Spread {
    pub fn of(mut all: Vec<Duration>) -> Spread {
        all.sort();
        Spread(all)
    }

    /// The value below which this part of a hundred is.
    pub fn percentile(&self, part: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let at = (self.0.len() * part).div_ceil(100).saturating_sub(1);
        self.0.get(at.min(last)).copied().unwrap_or_default()
    }

    pub fn max(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// `p50 1.23 ms, p99 4.56 ms of 300`.
    pub fn words(&self) -> String {
        let (p50, p99) = (ms(self.percentile(50)), ms(self.percentile(99)));
        format!(
            "p50 {p50}, p99 {p99}, most {} of {}",
            ms(self.max()),
            self.count()
        )
    }
}

/// Milliseconds as people read them.
pub fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    if ms < 100.0 {
        format!("{ms:.2} ms")
    } else {
        format!("{ms:.0} ms")
    }
}

/// Seconds as people read them.
pub fn secs(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// How many times the first is of the second.
pub fn ratio(one: Duration, other: Duration) -> String {
    format!("{:.2}x", one.as_secs_f64() / other.as_secs_f64())
}
