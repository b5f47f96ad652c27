//! The time a workspace lives by: the machine's, plus what a test lets pass without waiting.

use std::time::Duration;

/// Microseconds since 1970, moved ahead by hand.
#[derive(Default)]
pub struct Clock {
    ahead: Duration,
    /// The machine's time when it was stopped.
    stopped: Option<u64>,
    last_ts: u64,
}

impl Clock {
    /// The instant in microseconds since 1970.
    pub fn micros(&self) -> u64 {
        self.stopped.unwrap_or_else(micros) + self.ahead.as_micros() as u64
    }

    pub fn stop(&mut self) {
        self.stopped = self.stopped.or_else(|| Some(micros()));
    }

    pub fn secs(&self) -> u64 {
        self.micros() / 1_000_000
    }

    pub fn advance(&mut self, by: Duration) {
        self.ahead += by;
    }

    /// A timestamp as Slack writes them; never the same twice, each later than the one before.
    pub fn ts(&mut self) -> String {
        self.last_ts = self.micros().max(self.last_ts + 1);
        format!(
            "{}.{:06}",
            self.last_ts / 1_000_000,
            self.last_ts % 1_000_000
        )
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a stand-in for another machine has that machine's clock; clients check our timestamps"
)]
fn micros() -> u64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_micros() as u64
}

/// A timestamp as a number that sorts; text that is none is 0.
pub fn number(ts: &str) -> u64 {
    let (secs, micros) = ts.split_once('.').unwrap_or((ts, "0"));
    let micros = format!("{micros:0<6}");
    secs.parse::<u64>().unwrap_or(0) * 1_000_000 + micros[..6].parse::<u64>().unwrap_or(0)
}

#[test]
fn timestamps_ascend_and_sort_as_numbers() {
    let mut clock = Clock::default();
    let all: Vec<String> = (0..1000).map(|_| clock.ts()).collect();
    assert!(all.windows(2).all(|w| number(&w[0]) < number(&w[1])));
    assert_eq!(number("1595926230.009600"), 1_595_926_230_009_600);
    assert_eq!(number("1595926230"), 1_595_926_230_000_000);
}
