//! `/metrics`, and the counting of requests by route pattern.

use crate::http::App;
use crate::http::error::Problem;
use crate::ingest::counters::{Counters, PathCounters};
use crate::metrics::{CONTENT_TYPE, Metrics};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use std::fmt;
use std::sync::Arc;

/// Everything counted, as text for Prometheus. No token: numbers only, and scrapers have none.
pub async fn metrics(State(app): State<App>) -> Response {
    app.engine.measure();
    match app.metrics.render(app.engine.now()) {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(_) => Problem::unavailable("The numbers could not be written.").into_response(),
    }
}

/// Counts a request by its route's pattern, so that the number of series stays bounded whatever is asked for.
pub async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    // Monotonic: a length of time, not an instant, so the engine's clock has no part in it.
    let start = tokio::time::Instant::now();
    let method = word(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    app.metrics
        .request(method, route, response.status().as_u16(), start.elapsed());
    response
}

/// A method as a label: a client may send any word, the series must not follow.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Has the numbers of the ingest doors read at every scrape; the doors themselves only add to them.
pub fn count_ingest(metrics: &Metrics, counters: Arc<Counters>) {
    metrics.collect(Box::new(Ingest(counters)));
}

#[derive(Debug)]
struct Ingest(Arc<Counters>);

/// An outcome's word and where its number is.
type Outcome = (&'static str, fn(&PathCounters) -> u64);

/// What becomes of alerts.
const ALERTS: [Outcome; 4] = [
    ("accepted", |c| c.accepted.get()),
    ("repeated", |c| c.repeats.get()),
    ("refused", |c| c.refused.get()),
    ("dropped", |c| c.dropped.get()),
];

/// What becomes of requests that bring none.
const REQUESTS: [Outcome; 5] = [
    ("quarantined", |c| c.quarantined.get()),
    ("not_quarantined", |c| c.not_quarantined.get()),
    ("unauthorised", |c| c.unauthorised.get()),
    ("too_large", |c| c.too_large.get()),
    ("unavailable", |c| c.unavailable.get()),
];

impl Collector for Ingest {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let families: [(&str, &str, &[Outcome]); 2] = [
            (
                "ingest_alerts",
                "Alerts that came in, by path and what became of them",
                &ALERTS,
            ),
            (
                "ingest_rejections",
                "Requests to an ingest path that brought no alert, by path and reason",
                &REQUESTS,
            ),
        ];
        for (name, help, outcomes) in families {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for path in &self.0.paths {
                for (outcome, number) in outcomes {
                    let labels = [("path", path.path), ("outcome", *outcome)];
                    ConstCounter::new(number(path)).encode(family.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::time::Time;

    #[test]
    fn what_the_ingest_doors_count_is_scraped() {
        let (metrics, counters) = (Metrics::new(), Arc::new(Counters::default()));
        counters.paths[0].accepted.many(3);
        let path = counters.paths[0].path;
        count_ingest(&metrics, counters);
        let text = metrics.render(Time(0)).unwrap();
        let line =
            format!("\nfirebell_ingest_alerts_total{{path=\"{path}\",outcome=\"accepted\"}} 3");
        assert!(text.contains(&line), "{text}");
    }
}
