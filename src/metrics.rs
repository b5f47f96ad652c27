//! What firebell counts about itself, in the Prometheus text format.
//!
//! Promises: recording is a few atomic additions, so the desk may do it in the middle of a batch;
//! label values come from the code or the configuration, never from an alert, so the number of
//! series is bounded. Ages are computed when asked for: a stalled engine shows a growing age.

use crate::core::incident::Status;
use crate::core::time::Time;
use crate::store::Lane;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The media type of [`Metrics::render`]: `OpenMetrics` 1.0, which every Prometheus since 2.5 reads.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// No undelivered effect.
const NOTHING: i64 = i64::MAX;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStatus {
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByLane {
    lane: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Told {
    lane: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TriedBy {
    kind: String,
    provider: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    kind: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Unheard {
    platform: String,
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySeverity {
    severity: String,
}

/// From half a minute to a week.
fn lengths() -> Histogram {
    Histogram::new(exponential_buckets(30.0, 2.5, 12))
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChangeTold {
    source: String,
    outcome: &'static str,
}

/// Counters, gauges and histograms of this process. Shared by `Arc`.
pub struct Metrics {
    registry: Mutex<Registry>,
    alerts: Gauge,
    incidents: [Gauge; 2],
    events: Counter,
    commits: Counter,
    commit_failures: Counter,
    commit_jobs: Histogram,
    commit_rows: Counter,
    commit_seconds: Histogram,
    outbox: [Gauge; 3],
    /// `Time` in milliseconds of the oldest undelivered effect, or [`NOTHING`].
    oldest_undelivered: AtomicI64,
    oldest_age: Gauge<f64, AtomicU64>,
    deliveries: Family<Told, Counter>,
    tries: Family<TriedBy, Counter>,
    try_seconds: Family<Kind, Histogram, fn() -> Histogram>,
    wake_lag: Histogram,
    decisions: Family<Why, Counter>,
    unheard: Family<Unheard, Counter>,
    changes: Family<ChangeTold, Counter>,
    acknowledge: Family<BySeverity, Histogram, fn() -> Histogram>,
    resolve: Family<BySeverity, Histogram, fn() -> Histogram>,
    requests: Family<Request, Counter>,
    request_seconds: Histogram,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

/// From a tenth of a millisecond to 13 seconds: a group commit on an SSD is about 1 ms.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 2.5, 14))
}

/// From a hundredth of a second to ten: providers answer over the internet.
fn try_seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.01, 2.0, 11))
}

impl Metrics {
    /// Everything at zero.
    #[must_use]
    pub fn new() -> Metrics {
        let mut registry = Registry::with_prefix("firebell");
        let alerts = Family::<State, Gauge>::default();
        let incidents = Family::<ByStatus, Gauge>::default();
        let outbox = Family::<ByLane, Gauge>::default();
        let metrics = Metrics {
            alerts: alerts.get_or_create_owned(&State { state: "active" }),
            incidents: [Status::Triggered, Status::Acknowledged]
                .map(|s| incidents.get_or_create_owned(&ByStatus { status: s.word() })),
            events: Counter::default(),
            commits: Counter::default(),
            commit_failures: Counter::default(),
            // Jobs of one group commit: 1 when idle, thousands in a storm.
            commit_jobs: Histogram::new(exponential_buckets(1.0, 2.0, 13)),
            commit_rows: Counter::default(),
            commit_seconds: seconds(),
            outbox: LANES.map(|l| outbox.get_or_create_owned(&ByLane { lane: l.word() })),
            oldest_undelivered: AtomicI64::new(NOTHING),
            oldest_age: Gauge::default(),
            deliveries: Family::default(),
            tries: Family::default(),
            try_seconds: Family::new_with_constructor(try_seconds),
            wake_lag: seconds(),
            decisions: Family::default(),
            unheard: Family::default(),
            changes: Family::default(),
            acknowledge: Family::new_with_constructor(lengths),
            resolve: Family::new_with_constructor(lengths),
            requests: Family::default(),
            request_seconds: seconds(),
            registry: Mutex::new(Registry::default()),
        };
        registry.register(
            "build",
            "The running version",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register("alerts", "Alerts held, by state", alerts);
        registry.register("incidents", "Open incidents, by status", incidents);
        registry.register("outbox_pending", "Effects not yet delivered", outbox);
        metrics.register_engine(&mut registry);
        metrics.register_edges(&mut registry);
        Metrics {
            registry: Mutex::new(registry),
            ..metrics
        }
    }

    fn register_engine(&self, registry: &mut Registry) {
        registry.register("events", "Journal lines written", self.events.clone());
        registry.register("commits", "Durable transactions", self.commits.clone());
        registry.register(
            "commit_failures",
            "Transactions the database refused",
            self.commit_failures.clone(),
        );
        registry.register(
            "commit_jobs",
            "Requests and wakes sharing one transaction",
            self.commit_jobs.clone(),
        );
        registry.register(
            "commit_rows",
            "Rows written by transactions",
            self.commit_rows.clone(),
        );
        registry.register(
            "commit_seconds",
            "Time one transaction took, until it was durable",
            self.commit_seconds.clone(),
        );
        registry.register(
            "wake_lag_seconds",
            "How late a deadline of an incident was put to it",
            self.wake_lag.clone(),
        );
        registry.register(
            "decisions",
            "Decisions by kind and reason: why paged, why quiet, why grouped, why not sent",
            self.decisions.clone(),
        );
    }

    fn register_edges(&self, registry: &mut Registry) {
        registry.register(
            "outbox_oldest_age_seconds",
            "Age of the oldest effect not yet delivered; 0: none waits",
            self.oldest_age.clone(),
        );
        registry.register(
            "deliveries",
            "Attempts to deliver an effect, by lane and outcome",
            self.deliveries.clone(),
        );
        registry.register(
            "page_tries",
            "Tries to wake somebody, by kind of contact, provider and outcome",
            self.tries.clone(),
        );
        registry.register_with_unit(
            "page_try",
            "From the begin of a try to the answer, by kind of contact",
            prometheus_client::registry::Unit::Seconds,
            self.try_seconds.clone(),
        );
        registry.register(
            "incident_acknowledge_seconds",
            "From the opening of incidents that are over to their first acknowledgement, by severity; drills and merged ones left out",
            self.acknowledge.clone(),
        );
        registry.register(
            "incident_resolve_seconds",
            "From the opening of incidents to their end, by severity; drills and merged ones left out",
            self.resolve.clone(),
        );
        registry.register(
            "change_events",
            "Changes that were told, by who told them and what became of them",
            self.changes.clone(),
        );
        registry.register(
            "chat_unheard",
            "Payloads of a chat platform nothing is known of, by kind",
            self.unheard.clone(),
        );
        registry.register(
            "http_requests",
            "Answered requests by route pattern and status",
            self.requests.clone(),
        );
        registry.register(
            "http_request_seconds",
            "Time from a request's headers to the answer's",
            self.request_seconds.clone(),
        );
    }

    /// Adds a source of numbers that is read at every scrape.
    pub fn collect(&self, collector: Box<dyn Collector>) {
        self.registry
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .register_collector(collector);
    }

    /// A chat platform sent something nothing is known of. `kind` must come from a short list: a
    /// platform's own names, cleaned by [`Metrics::kind`].
    pub fn unheard(&self, platform: &str, kind: &str) {
        let label = Unheard {
            platform: platform.to_owned(),
            kind: Metrics::kind(kind),
        };
        self.unheard.get_or_create(&label).inc();
    }

    /// An incident is over. `severity` is a name of the configured scale; lengths in milliseconds.
    pub fn incident_over(&self, severity: &str, acknowledge: Option<i64>, resolve: i64) {
        let label = BySeverity {
            severity: severity.to_owned(),
        };
        let seconds = |ms: i64| Duration::from_millis(ms.max(0).unsigned_abs()).as_secs_f64();
        if let Some(ms) = acknowledge {
            self.acknowledge.get_or_create(&label).observe(seconds(ms));
        }
        self.resolve.get_or_create(&label).observe(seconds(resolve));
    }

    /// A change was told. `source` is a name of the configuration, or `unknown`.
    pub fn change_told(&self, source: &str, outcome: &'static str) {
        let label = ChangeTold {
            source: source.to_owned(),
            outcome,
        };
        self.changes.get_or_create(&label).inc();
    }

    /// A kind as a label: what is no plain name is `other`.
    #[must_use]
    pub fn kind(kind: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
        match kind.len() {
            1..=48 if kind.chars().all(plain) => kind.to_owned(),
            _ => "other".to_owned(),
        }
    }

    /// One durable transaction: how many jobs shared it, the rows it wrote and how long it took.
    pub fn commit(&self, jobs: usize, rows: usize, took: Duration) {
        self.commits.inc();
        #[expect(clippy::cast_precision_loss, reason = "a batch is far below 2^52 jobs")]
        self.commit_jobs.observe(jobs as f64);
        self.commit_rows.inc_by(rows as u64);
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// The database refused a transaction or did not answer.
    pub fn commit_failed(&self) {
        self.commit_failures.inc();
    }

    /// `n` journal lines were written.
    pub fn events(&self, n: usize) {
        self.events.inc_by(n as u64);
    }

    /// Alerts held as firing.
    pub fn set_alerts(&self, n: usize) {
        self.alerts.set(gauge(n));
    }

    /// Open incidents of a status; resolved ones are not counted.
    pub fn set_incidents(&self, status: Status, n: usize) {
        match status {
            Status::Triggered => self.incidents[0].set(gauge(n)),
            Status::Acknowledged => self.incidents[1].set(gauge(n)),
            Status::Resolved => 0,
        };
    }

    /// Effects of a lane that wait or are being sent.
    pub fn set_outbox(&self, lane: Lane, n: usize) {
        let at = LANES.iter().position(|l| *l == lane).unwrap_or(0);
        self.outbox[at].set(gauge(n));
    }

    /// When the oldest undelivered effect was written; `None`: nothing waits.
    pub fn set_oldest_undelivered(&self, created_at: Option<Time>) {
        self.oldest_undelivered
            .store(created_at.map_or(NOTHING, |t| t.0), Ordering::Relaxed);
    }

    /// One try to deliver an effect: `done`, `retry`, `failed`, `withdrawn`.
    pub fn delivered(&self, lane: Lane, outcome: &'static str) {
        let lane = lane.word();
        self.deliveries.get_or_create(&Told { lane, outcome }).inc();
    }

    /// One try to wake somebody, by the kind of contact and the provider.
    pub fn tried(&self, kind: &str, provider: &str, outcome: &'static str, latency_ms: i64) {
        let by = TriedBy {
            kind: kind.to_owned(),
            provider: provider.to_owned(),
            outcome,
        };
        self.tries.get_or_create(&by).inc();
        let kind = Kind {
            kind: kind.to_owned(),
        };
        let latency = Duration::from_millis(u64::try_from(latency_ms).unwrap_or(0));
        self.try_seconds
            .get_or_create(&kind)
            .observe(latency.as_secs_f64());
    }

    /// A deadline was put to its incident this much late, milliseconds.
    pub fn woke(&self, lag_ms: i64) {
        let lag = u64::try_from(lag_ms).unwrap_or(0);
        self.wake_lag
            .observe(Duration::from_millis(lag).as_secs_f64());
    }

    /// A decision and its reason. Both are words of the code, such as `("page", "rung_due")`.
    pub fn why(&self, kind: &'static str, reason: &'static str) {
        self.decisions.get_or_create(&Why { kind, reason }).inc();
    }

    /// One answered request. `route` is the pattern (`/api/v1/incidents/{id}`), never the path.
    pub fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.requests
            .get_or_create(&Request {
                method,
                route,
                status,
            })
            .inc();
        self.request_seconds.observe(took.as_secs_f64());
    }

    /// All of it as text; media type [`CONTENT_TYPE`].
    ///
    /// # Errors
    /// Never in practice: only when a collector fails to format its numbers.
    pub fn render(&self, now: Time) -> Result<String, fmt::Error> {
        let oldest = self.oldest_undelivered.load(Ordering::Relaxed);
        let age_ms = if oldest == NOTHING {
            0
        } else {
            now.since_ms(Time(oldest)).max(0)
        };
        let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or(0));
        self.oldest_age.set(age.as_secs_f64());
        let mut out = String::with_capacity(8 * 1024);
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        text::encode(&mut out, &registry)?;
        Ok(out)
    }
}

const LANES: [Lane; 3] = [Lane::Page, Lane::Say, Lane::Run];

fn gauge(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, start: &str) -> String {
        text.lines()
            .find(|l| l.starts_with(start))
            .unwrap_or_else(|| panic!("no line starts with {start}:\n{text}"))
            .to_owned()
    }

    #[test]
    fn what_was_recorded_is_what_is_scraped() {
        let m = Metrics::new();
        m.set_alerts(7);
        m.set_incidents(Status::Triggered, 2);
        m.set_outbox(Lane::Page, 3);
        m.commit(64, 130, Duration::from_millis(2));
        m.events(5);
        m.why("page", "rung_due");
        m.delivered(Lane::Say, "done");
        m.request("GET", "/api/v1/incidents/{id}", 200, Duration::ZERO);
        let text = m.render(Time(0)).unwrap();
        for (start, value) in [
            ("firebell_alerts{state=\"active\"}", "7"),
            ("firebell_incidents{status=\"triggered\"}", "2"),
            ("firebell_incidents{status=\"acknowledged\"}", "0"),
            ("firebell_outbox_pending{lane=\"page\"}", "3"),
            ("firebell_events_total", "5"),
            ("firebell_commits_total", "1"),
            ("firebell_commit_jobs_sum", "64.0"),
            (
                "firebell_decisions_total{kind=\"page\",reason=\"rung_due\"}",
                "1",
            ),
            (
                "firebell_deliveries_total{lane=\"say\",outcome=\"done\"}",
                "1",
            ),
            (
                "firebell_http_requests_total{method=\"GET\",route=\"/api/v1/incidents/{id}\",status=\"200\"}",
                "1",
            ),
        ] {
            assert_eq!(line(&text, start), format!("{start} {value}"));
        }
    }

    #[test]
    fn the_oldest_undelivered_effect_ages_while_nobody_updates_it() {
        let m = Metrics::new();
        m.set_oldest_undelivered(Some(Time(1_000)));
        let text = m.render(Time(61_500)).unwrap();
        assert_eq!(
            line(&text, "firebell_outbox_oldest_age_seconds"),
            "firebell_outbox_oldest_age_seconds 60.5"
        );
        m.set_oldest_undelivered(None);
        let text = m.render(Time(61_500)).unwrap();
        assert_eq!(
            line(&text, "firebell_outbox_oldest_age_seconds"),
            "firebell_outbox_oldest_age_seconds 0.0"
        );
    }
}
