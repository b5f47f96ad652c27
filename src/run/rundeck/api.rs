//! Rundeck's replies, and how they are asked for.

use crate::config::engines::RundeckServer;
use crate::core::incident::Outcome;
use crate::run::port::NoAnswer;
use crate::run::wire;
use reqwest::{Client, Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// Of a reply, this much is read: a chunk of output with its metadata.
const REPLY_BYTES: usize = 16 * 1024 * 1024;

/// One server.
pub(super) struct Api {
    client: Client,
    base: String,
    token: SecretString,
    name: String,
}

/// A reply that is not what was asked for.
#[derive(Debug)]
pub(super) struct Fault {
    /// In words, without the token and the address.
    pub why: String,
    /// The status, when there was one.
    pub status: Option<u16>,
    /// Nothing was sent.
    pub before: bool,
}

impl Fault {
    pub fn no_answer(self) -> NoAnswer {
        NoAnswer { why: self.why }
    }
}

impl Api {
    pub fn new(server: &RundeckServer) -> Result<Api, String> {
        let name = format!("[rundeck.{}]", server.name);
        Ok(Api {
            client: wire::client(&server.way, &name)?,
            base: format!("{}/api/{}", server.url, server.api_version),
            token: server.token.clone(),
            name: format!("rundeck {}", server.name),
        })
    }

    /// What it is asked with, to be masked where it comes back.
    pub fn token(&self) -> SecretString {
        self.token.clone()
    }

    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, Fault> {
        self.ask(self.request(Method::GET, path).query(query)).await
    }

    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Fault> {
        self.ask(self.request(Method::POST, path).json(body)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}/{path}", self.base))
            .header("X-Rundeck-Auth-Token", self.token.expose_secret())
            .header("Accept", "application/json")
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Fault> {
        let mut answer = request.send().await.map_err(|e| self.unsent(&e))?;
        let status = answer.status();
        let mut body = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= REPLY_BYTES => {
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break,
                Ok(Some(_)) => return Err(self.fault(None, "answers with too much")),
                Err(_) => return Err(self.fault(None, "broke off in the middle of an answer")),
            }
        }
        if !status.is_success() {
            let said = self.said(&body);
            return Err(self.fault(
                Some(status.as_u16()),
                &format!("answered {}{said}", status.as_u16()),
            ));
        }
        serde_json::from_slice(&body).map_err(|_| {
            self.fault(
                None,
                "answers in a way firebell cannot read; is it Rundeck, and is `url` its base?",
            )
        })
    }

    fn fault(&self, status: Option<u16>, what: &str) -> Fault {
        Fault {
            why: format!("{} {what}", self.name),
            status,
            before: false,
        }
    }

    fn unsent(&self, fault: &reqwest::Error) -> Fault {
        let words = wire::system_words(fault).map_or(String::new(), |w| format!(": {w}"));
        let why = if fault.is_connect() {
            format!("cannot be reached{words}")
        } else if fault.is_timeout() {
            "did not answer in time".to_owned()
        } else {
            format!("broke off{words}")
        };
        Fault {
            before: fault.is_connect() || fault.is_builder(),
            ..self.fault(None, &why)
        }
    }

    /// The words of an error: usually `message`; of the output's own errors `error` is a text.
    fn said(&self, body: &[u8]) -> String {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return String::new();
        };
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        match text("message").or_else(|| text("error")) {
            Some(words) => format!(": {}", wire::quoted(words, &[&self.token])),
            None => String::new(),
        }
    }
}

/// A number or a string of one, as a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number(pub String);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Number, D::Error> {
        match Value::deserialize(from)? {
            Value::String(text) => Ok(Number(text)),
            Value::Number(number) => Ok(Number(number.to_string())),
            other => Err(serde::de::Error::custom(format!("{other} is no number"))),
        }
    }
}

/// One execution.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Execution {
    pub id: Number,
    pub status: String,
    #[serde(default, alias = "customStatus")]
    custom_status: Option<String>,
    #[serde(default, rename = "date-started")]
    started: Option<Date>,
    #[serde(default, rename = "date-ended")]
    ended: Option<Date>,
    #[serde(default)]
    job: Option<JobRef>,
    #[serde(default)]
    argstring: Option<String>,
    #[serde(default, rename = "retriedExecution")]
    pub retried: Option<Retried>,
    #[serde(default, rename = "abortedby")]
    pub aborted_by: Option<String>,
    #[serde(default, rename = "failedNodes")]
    pub failed_nodes: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Date {
    unixtime: Number,
}

#[derive(Debug, Deserialize)]
struct JobRef {
    #[serde(default)]
    options: Option<BTreeMap<String, Value>>,
}

/// The execution that came after a failed one.
#[derive(Debug, Deserialize)]
pub(super) struct Retried {
    pub id: Number,
}

/// A page of executions.
#[derive(Debug, Deserialize)]
pub(super) struct Executions {
    pub executions: Vec<Execution>,
}

impl Execution {
    /// The key of the run that started it.
    pub fn run_id(&self) -> Option<String> {
        let options = self.job.as_ref().and_then(|job| job.options.as_ref());
        if let Some(value) = options.and_then(|options| options.get(super::RUN_ID)) {
            return value.as_str().map(str::to_owned);
        }
        let words: Vec<&str> = self.argstring.as_deref()?.split_whitespace().collect();
        let option = format!("-{}", super::RUN_ID);
        let at = words.iter().position(|word| **word == *option)?;
        words.get(at + 1).map(|word| (*word).to_owned())
    }

    pub fn took_ms(&self) -> Option<i64> {
        let ms = |date: &Option<Date>| date.as_ref()?.unixtime.0.parse::<i64>().ok();
        Some((ms(&self.ended)? - ms(&self.started)?).max(0))
    }

    /// How it ended; `None`: it has not.
    pub fn outcome(&self, took_ms: i64, limit_ms: i64) -> Option<Outcome> {
        let custom = self.custom_status.as_deref().unwrap_or_default();
        Some(match &*self.status {
            "succeeded" => Outcome::Reported {
                good: true,
                what: "Rundeck says succeeded".to_owned(),
            },
            "failed" => Outcome::Reported {
                good: false,
                what: "Rundeck says failed".to_owned(),
            },
            "aborted" if took_ms >= limit_ms => Outcome::TimedOut,
            "aborted" => Outcome::Cancelled,
            "timedout" => Outcome::TimedOut,
            "missed" => Outcome::NotStarted {
                why: "Rundeck says that it missed its time".to_owned(),
            },
            "incomplete" => unknown(),
            "other" if custom == "incomplete" => unknown(),
            "other" => Outcome::Reported {
                good: false,
                what: format!("Rundeck says {}", wire::quoted(custom, &[])),
            },
            "running" | "scheduled" | "queued" | "failed-with-retry" => return None,
            // A status of a later version, and it is over.
            status if self.ended.is_some() => Outcome::Unknown {
                why: format!("Rundeck says {}", wire::quoted(status, &[])),
            },
            _ => return None,
        })
    }
}

fn unknown() -> Outcome {
    Outcome::Unknown {
        why: "Rundeck says incomplete: its server was restarted while it ran".to_owned(),
    }
}

/// A piece of an execution's log.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    #[serde(default)]
    pub offset: Option<Number>,
    #[serde(default)]
    pub last_modified: Option<Number>,
    #[serde(default)]
    pub completed: bool,
    #[serde(default)]
    exec_completed: bool,
    #[serde(default)]
    exec_duration: Option<Number>,
    #[serde(default)]
    entries: Vec<Entry>,
}

/// One line. Compacted output, which is not asked for, would have a bare string.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Whole { log: Option<String> },
    Bare(String),
}

impl Output {
    /// The lines; Rundeck strips the end of each.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in &self.entries {
            let (Entry::Whole { log: Some(line) } | Entry::Bare(line)) = entry else {
                continue;
            };
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        bytes
    }

    pub fn runs_longer_than(&self, limit_ms: i64) -> bool {
        let took = self.exec_duration.as_ref();
        let took = took.and_then(|n| n.0.parse::<i64>().ok());
        !self.exec_completed && !self.completed && took.is_some_and(|ms| ms > limit_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution(json: Value) -> Execution {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn numbers_may_be_strings_and_the_run_is_found_by_its_option() {
        let e = execution(serde_json::json!({
            "id": "12", "status": "running",
            "job": {"options": {"firebell_run_id": "k-1", "n": 3}},
        }));
        assert_eq!(
            (e.id.0.as_str(), e.run_id().as_deref()),
            ("12", Some("k-1"))
        );
        let e = execution(serde_json::json!({
            "id": 12, "status": "running", "argstring": "-a b -firebell_run_id k-2",
        }));
        assert_eq!(e.run_id().as_deref(), Some("k-2"));
        let o: Output = serde_json::from_value(serde_json::json!({
            "id": "1", "offset": 120, "lastModified": "99", "execDuration": "61000",
            "entries": [{"log": "one"}, "two", {}, {"log": ""}],
        }))
        .unwrap();
        assert_eq!(o.bytes(), b"one\ntwo\n\n");
        assert!(o.runs_longer_than(60_000) && !o.runs_longer_than(61_000));
    }

    #[test]
    fn every_status_has_its_meaning() {
        let with = |status: &str, more: Value| {
            let mut json = serde_json::json!({"id": 1, "status": status});
            json.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            let e = execution(json);
            e.outcome(e.took_ms().unwrap_or(0), 5_000)
        };
        let none = || serde_json::json!({});
        let lasted = |ms: i64| serde_json::json!({"date-started": {"unixtime": 1000}, "date-ended": {"unixtime": 1000 + ms}});
        for waiting in [
            "running",
            "scheduled",
            "queued",
            "failed-with-retry",
            "new-one",
        ] {
            assert_eq!(with(waiting, none()), None, "{waiting}");
        }
        let word = |o: Option<Outcome>| o.map(|o| o.word());
        assert_eq!(word(with("succeeded", none())), Some("succeeded"));
        assert_eq!(word(with("failed", none())), Some("failed"));
        assert_eq!(word(with("aborted", lasted(100))), Some("cancelled"));
        assert_eq!(word(with("aborted", lasted(5_100))), Some("timed out"));
        assert_eq!(word(with("timedout", none())), Some("timed out"));
        assert_eq!(word(with("missed", none())), Some("not started"));
        let custom = |c: &str| serde_json::json!({"customStatus": c});
        assert_eq!(word(with("other", custom("incomplete"))), Some("unknown"));
        assert_eq!(word(with("other", custom("half done"))), Some("failed"));
        assert_eq!(word(with("new-one", lasted(1))), Some("unknown"));
    }
}
