//! The demo's incident: what a Prometheus and an Alertmanager would send, over HTTP to ourselves.
//!
//! Nothing takes a short cut: the alerts go through the same doors, tokens and limits as anybody's.
//! There is one story per data folder. Which of its alerts are known, and which still fire, is
//! asked of firebell itself, so a restart goes on where it was and never begins a second one.

use crate::core::time::Time;
use crate::engine::Engine;
use crate::ingest::fingerprint::fingerprint;
use anyhow::{Context, bail};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// From one look at the world to the next.
const TICK: Duration = Duration::from_secs(5);
/// Repeats every minute, as Prometheus does with its default settings.
const TICKS_PER_REPEAT: u64 = 12;
/// The warning goes away by itself after two minutes.
const WARNING_ENDS_TICK: u64 = 24;
/// An alert not repeated for four minutes is over: four times Prometheus's evaluation interval.
const HOLD_MS: i64 = 4 * 60 * 1000;
/// firebell answers itself in milliseconds; longer means it is stopping.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What the story needs of `demo.env`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    api: String,
    ingest: String,
}

impl Tokens {
    /// Reads `NAME=value` lines.
    ///
    /// # Errors
    /// When the file or one of the two tokens is missing.
    pub fn read(path: &Path) -> anyhow::Result<Tokens> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} could not be read", path.display()))?;
        Tokens::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> anyhow::Result<Tokens> {
        let value = |name: &str| {
            let found = text.lines().find_map(|line| {
                let (key, value) = line.split_once('=')?;
                let key = key.trim().trim_start_matches("export ").trim();
                (key == name).then(|| value.trim().trim_matches(['"', '\'']).to_owned())
            });
            found.with_context(|| {
                format!("{name} is missing; remove the file to have it written anew")
            })
        };
        Ok(Tokens {
            api: value("FIREBELL_API_TOKEN")?,
            ingest: value("FIREBELL_INGEST_TOKEN")?,
        })
    }
}

/// How an alert travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// As Prometheus sends it: Alertmanager's API v2.
    Api,
    /// As Alertmanager sends it: webhook v4.
    Webhook,
}

/// One alert of the cast.
#[derive(Clone, Copy, Debug)]
struct Role {
    way: Way,
    labels: &'static [(&'static str, &'static str)],
    annotations: &'static [(&'static str, &'static str)],
    /// Which tick it enters at; the first is 0.
    enters: u64,
    /// How long it had been pending when it fired.
    pending_ms: i64,
}

const CAST: [Role; 3] = [
    Role {
        way: Way::Api,
        labels: &[
            ("alertname", "HighErrorRate"),
            ("service", "checkout"),
            ("severity", "critical"),
            ("instance", "web-3:9100"),
            ("env", "production"),
        ],
        annotations: &[
            ("summary", "checkout answers 18% of requests with an error"),
            (
                "description",
                "18.2% of POST /pay on web-3 failed with 502 in the last 5 minutes; the objective is 0.1%.",
            ),
        ],
        enters: 0,
        pending_ms: 90_000,
    },
    Role {
        way: Way::Webhook,
        labels: &[
            ("alertname", "SearchLatencyHigh"),
            ("service", "search"),
            ("severity", "warning"),
            ("instance", "web-6:9100"),
            ("env", "production"),
        ],
        annotations: &[
            ("summary", "search takes 900 ms at the 95th percentile"),
            (
                "description",
                "p95 of GET /search on web-6 is 0.9 s over the last 10 minutes; the objective is 0.5 s.",
            ),
        ],
        enters: 0,
        pending_ms: 300_000,
    },
    // The same failure on a second machine: joins the first one's incident.
    Role {
        way: Way::Api,
        labels: &[
            ("alertname", "HighErrorRate"),
            ("service", "checkout"),
            ("severity", "critical"),
            ("instance", "web-4:9100"),
            ("env", "production"),
        ],
        annotations: &[
            ("summary", "checkout answers 11% of requests with an error"),
            (
                "description",
                "11.4% of POST /pay on web-4 failed with 502 in the last 5 minutes; the objective is 0.1%.",
            ),
        ],
        enters: 1,
        pending_ms: 60_000,
    },
];

impl Role {
    fn name(&self) -> &'static str {
        self.labels[0].1
    }

    /// Whether an alert as the API shows it is this one.
    fn is(&self, alert: &Value) -> bool {
        alert["labels"]
            .as_object()
            .is_some_and(|l| l.len() == self.labels.len())
            && self
                .labels
                .iter()
                .all(|(name, value)| alert["labels"][*name] == *value)
    }
}

/// Where an alert of the cast stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Has not entered.
    Waiting,
    /// Fires since.
    Firing { since: Time },
    /// Has left for good.
    Gone,
}

/// What is sent at a tick: the alert, since when, and whether it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Send {
    role: usize,
    since: Time,
    over: bool,
}

/// What somebody else has ended, as with a `curl` line, stays ended: the story does not fire it again.
fn end(states: &mut [State; CAST.len()], over: &[Value]) {
    for (state, role) in states.iter_mut().zip(&CAST) {
        if matches!(state, State::Firing { .. }) && over.iter().any(|a| role.is(a)) {
            *state = State::Gone;
        }
    }
}

/// The next state of each alert and what is sent for it. `resolved[n]`: people resolved its incident.
fn step(
    states: &mut [State; CAST.len()],
    resolved: [bool; CAST.len()],
    tick: u64,
    now: Time,
) -> Vec<Send> {
    let mut sends = Vec::new();
    for (n, role) in CAST.iter().enumerate() {
        let quiet_now = role.way == Way::Webhook && tick >= WARNING_ENDS_TICK;
        let (next, send) = match states[n] {
            State::Waiting if tick >= role.enters => {
                let since = now.plus_ms(-role.pending_ms);
                (State::Firing { since }, Some((since, false)))
            }
            State::Firing { since } if resolved[n] || quiet_now => {
                (State::Gone, Some((since, true)))
            }
            State::Firing { since } if tick.is_multiple_of(TICKS_PER_REPEAT) => {
                (states[n], Some((since, false)))
            }
            same => (same, None),
        };
        states[n] = next;
        sends.extend(send.map(|(since, over)| Send {
            role: n,
            since,
            over,
        }));
    }
    sends
}

/// The storyteller.
#[derive(Clone)]
pub struct Story {
    url: String,
    tokens: Tokens,
    http: Client,
    engine: Engine,
}

impl Story {
    /// A story told to the firebell that listens on `address`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(address: &str, tokens: Tokens, engine: Engine) -> anyhow::Result<Story> {
        let http = Client::builder()
            .timeout(ANSWER_WITHIN)
            .no_proxy()
            .build()
            .context("the demo's HTTP client could not be made")?;
        Ok(Story {
            url: format!("http://{address}"),
            tokens,
            http,
            engine,
        })
    }

    /// Tells it until the process ends or everything in it is over.
    pub async fn tell(self) {
        let mut ticks = tokio::time::interval(TICK);
        let mut states = None;
        let mut tick = 0;
        loop {
            ticks.tick().await;
            if states.is_none() {
                states = self.known().await.map_err(|e| complain(&e)).ok();
            }
            let Some(states) = states.as_mut() else {
                continue;
            };
            if let Err(e) = self.turn(states, tick).await {
                complain(&e);
            }
            if states.iter().all(|s| *s == State::Gone) {
                return;
            }
            tick += 1;
        }
    }

    async fn turn(&self, states: &mut [State; CAST.len()], tick: u64) -> anyhow::Result<()> {
        end(states, &self.alerts("resolved").await?);
        let resolved = self.resolved().await?;
        let now = self.engine.now();
        // Remembered only when everything was taken: what failed is sent again at the next tick.
        let mut after = *states;
        for send in step(&mut after, resolved, tick, now) {
            let role = &CAST[send.role];
            let request = match role.way {
                Way::Api => self
                    .http
                    .post(format!("{}/api/v2/alerts", self.url))
                    .json(&posted(role, send, now)),
                Way::Webhook => self
                    .http
                    .post(format!("{}/v1/ingest/alertmanager", self.url))
                    .json(&hooked(role, send, now)),
            };
            answered(request.bearer_auth(&self.tokens.ingest)).await?;
        }
        *states = after;
        Ok(())
    }

    /// Where the story stands by what firebell knows of its alerts.
    async fn known(&self) -> anyhow::Result<[State; CAST.len()]> {
        let known = self.alerts("all").await?;
        Ok(CAST.map(|role| {
            let mut told = known.iter().filter(|a| role.is(a));
            match told.next_back() {
                // Alerts of a story that was begun and not told to the end stay away.
                None if !known.is_empty() => State::Gone,
                None => State::Waiting,
                Some(a) if a["status"] == "firing" => State::Firing {
                    since: a["starts_at"]
                        .as_str()
                        .and_then(Time::parse_rfc3339)
                        .unwrap_or_else(|| self.engine.now()),
                },
                Some(_) => State::Gone,
            }
        }))
    }

    /// Whether the incident of each alert has been resolved by people while the alert fires.
    async fn resolved(&self) -> anyhow::Result<[bool; CAST.len()]> {
        let mut resolved = [false; CAST.len()];
        for alert in self.alerts("firing").await? {
            let role = CAST.iter().position(|r| r.is(&alert));
            let (Some(role), Some(id)) = (role, alert["incident"].as_i64()) else {
                continue;
            };
            let incident = self.get(&format!("/api/v1/incidents/{id}")).await?;
            resolved[role] = incident["status"] == "resolved";
        }
        Ok(resolved)
    }

    /// Alerts that are the story's, oldest first; somebody trying the README's curl lines may have sent more.
    async fn alerts(&self, status: &str) -> anyhow::Result<Vec<Value>> {
        let mut found = Vec::new();
        for page in 1.. {
            let path = format!("/api/v1/alerts?status={status}&limit=500&page={page}");
            let answer = self.get(&path).await?;
            let Some(items) = answer["items"].as_array() else {
                bail!("{path} answered without items");
            };
            let ours = |a: &&Value| CAST.iter().any(|r| r.is(a));
            found.extend(items.iter().filter(ours).cloned());
            if items.len() < 500 {
                break;
            }
        }
        Ok(found)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.http.get(format!("{}{path}", self.url));
        let text = answered(request.bearer_auth(&self.tokens.api)).await?;
        serde_json::from_str(&text).with_context(|| format!("{path} did not answer JSON"))
    }
}

fn complain(e: &anyhow::Error) {
    let gone = |e: &reqwest::Error| e.is_connect();
    if e.downcast_ref().is_some_and(gone) {
        // We live in the process we talk to: the door is closed because it is stopping.
        tracing::debug!("the demo's story ends: {e:#}");
        return;
    }
    tracing::warn!("the demo's story could not go on and will be tried again: {e:#}");
}

async fn answered(request: RequestBuilder) -> anyhow::Result<String> {
    let response = request.send().await?;
    let (status, path) = (response.status(), response.url().path().to_owned());
    let text = response.text().await?;
    if !status.is_success() {
        bail!(
            "{path} answered {status}: {}",
            crate::core::text::cut(&text, 300)
        );
    }
    Ok(text)
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn generator(role: &Role) -> String {
    format!("http://prometheus.example/graph?g0.expr={}", role.name())
}

/// The body Prometheus posts to `/api/v2/alerts`.
fn posted(role: &Role, send: Send, now: Time) -> Value {
    let end = if send.over { now } else { now.plus_ms(HOLD_MS) };
    json!([{
        "labels": map(role.labels),
        "annotations": map(role.annotations),
        "startsAt": send.since.rfc3339(),
        "endsAt": end.rfc3339(),
        "generatorURL": generator(role),
    }])
}

/// The body Alertmanager posts to a webhook (version 4).
fn hooked(role: &Role, send: Send, now: Time) -> Value {
    let status = if send.over { "resolved" } else { "firing" };
    // Alertmanager writes Go's zero time while an alert fires.
    let end = if send.over {
        now.rfc3339()
    } else {
        "0001-01-01T00:00:00Z".to_owned()
    };
    let labels = map(role.labels);
    json!({
        "version": "4",
        "groupKey": format!("{{}}:{{alertname=\"{}\"}}", role.name()),
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "firebell",
        "groupLabels": {"alertname": role.name()},
        "commonLabels": labels,
        "commonAnnotations": map(role.annotations),
        "externalURL": "http://alertmanager.example",
        "alerts": [{
            "status": status,
            "labels": labels,
            "annotations": map(role.annotations),
            "startsAt": send.since.rfc3339(),
            "endsAt": end,
            "generatorURL": generator(role),
            "fingerprint": fingerprint(&labels),
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [bool; CAST.len()] = [false; CAST.len()];

    fn names(sends: &[Send]) -> Vec<(&'static str, bool)> {
        sends
            .iter()
            .map(|s| (CAST[s.role].name(), s.over))
            .collect()
    }

    #[test]
    fn the_story_begins_at_once_and_a_related_alert_joins() {
        let mut states = [State::Waiting; CAST.len()];
        let first = step(&mut states, NONE, 0, Time(1_000_000));
        assert_eq!(
            names(&first),
            [("HighErrorRate", false), ("SearchLatencyHigh", false)]
        );
        assert_eq!(first[0].since, Time(910_000));
        let second = step(&mut states, NONE, 1, Time(1_005_000));
        assert_eq!(names(&second), [("HighErrorRate", false)]);
        assert_eq!(step(&mut states, NONE, 2, Time(1_010_000)), []);
    }

    #[test]
    fn what_fires_is_repeated_every_minute_with_the_same_begin() {
        let mut states = [State::Firing { since: Time(7) }; CAST.len()];
        let repeats = step(&mut states, NONE, TICKS_PER_REPEAT, Time(60_000));
        assert_eq!(repeats.len(), CAST.len());
        assert!(repeats.iter().all(|s| s.since == Time(7) && !s.over));
    }

    #[test]
    fn the_warning_goes_away_by_itself_and_the_outage_when_people_resolve_it() {
        let mut states = [State::Firing { since: Time(7) }; CAST.len()];
        let ends = step(&mut states, NONE, WARNING_ENDS_TICK + 1, Time(0));
        assert_eq!(names(&ends), [("SearchLatencyHigh", true)]);
        let ends = step(&mut states, [true, false, true], 26, Time(0));
        assert_eq!(
            names(&ends),
            [("HighErrorRate", true), ("HighErrorRate", true)]
        );
        assert_eq!(states, [State::Gone; CAST.len()]);
        assert_eq!(step(&mut states, NONE, 36, Time(0)), []);
    }

    #[test]
    fn what_somebody_else_has_ended_is_not_fired_again() {
        let firing = State::Firing { since: Time(7) };
        let mut states = [firing, firing, State::Waiting];
        let over = |n: usize| json!({"labels": map(CAST[n].labels), "status": "resolved"});
        end(&mut states, &[over(0), over(2)]);
        assert_eq!(states, [State::Gone, firing, State::Waiting]);
    }

    #[test]
    fn a_prometheus_alert_ends_unless_repeated_and_a_webhook_says_when_it_is_over() {
        let send = |over| Send {
            role: 0,
            since: Time(0),
            over,
        };
        let body = posted(&CAST[0], send(false), Time(0));
        assert_eq!(body[0]["endsAt"], "1970-01-01T00:04:00.000Z");
        let body = hooked(&CAST[1], send(true), Time(60_000));
        assert_eq!(body["status"], "resolved");
        assert_eq!(body["alerts"][0]["endsAt"], "1970-01-01T00:01:00.000Z");
        assert_eq!(body["alerts"][0]["fingerprint"].as_str().unwrap().len(), 16);
    }

    #[test]
    fn tokens_are_read_as_a_shell_would() {
        let text = "# demo\nFIREBELL_URL=http://x\nexport FIREBELL_API_TOKEN=\"fb_a\"\nFIREBELL_INGEST_TOKEN=fb_i\n";
        let tokens = Tokens::parse(text).unwrap();
        assert_eq!(
            (tokens.api.as_str(), tokens.ingest.as_str()),
            ("fb_a", "fb_i")
        );
        let missing = Tokens::parse("FIREBELL_API_TOKEN=x").unwrap_err();
        assert!(missing.to_string().contains("FIREBELL_INGEST_TOKEN"));
    }
}
