//! A stand-in of Rundeck's API as its source says (versions 14 to 59): runs that take their time,
//! an output that is read by opaque offsets, aborts that are pending first, and a restart that
//! leaves what ran incomplete.
//!
//! A job's name says what it does; see `program`. Where a number is a string in the real replies,
//! it is one here.

#![expect(clippy::unused_self, reason = "every world makes its runs alike")]
#![expect(
    clippy::type_complexity,
    reason = "what a script writes and how it ends"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a server keeps time by its own clock"
)]

use super::conformance::{Does, Engine};
use super::proxy::Proxy;
use super::{SECRET, job, way};
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use firebell::config::engines::RundeckServer;
use firebell::core::directory::{How, RundeckRun};
use firebell::run::port::{Answer, Executor, Job};
use firebell::run::rundeck::RundeckExecutor;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const PROJECT: &str = "ops";
/// An abort that was taken takes effect after this long.
const ABORTING: Duration = Duration::from_millis(200);

type Map = BTreeMap<String, String>;

#[derive(Clone)]
struct Execution {
    job: String,
    options: Map,
    begun: Instant,
    unix: u128,
    /// What it writes and when, after its begin.
    script: Vec<(Duration, String)>,
    /// How it ends, and when; `None`: when it is released.
    end: (Option<Duration>, &'static str),
    released: Option<Instant>,
    abort: Option<Instant>,
    /// The server was restarted at this moment.
    incomplete: Option<Instant>,
    retried: Option<usize>,
}

pub struct Inner {
    executions: Vec<Execution>,
    /// Milliseconds between two lines.
    pub tick: u64,
    /// Answer runs of the job with this error instead.
    pub refuse: Option<(u16, &'static str, String)>,
    /// The log of what runs cannot be read yet.
    pub pending: bool,
    /// Paths and queries as they were asked.
    pub asked: Vec<String>,
    /// What the runs' bodies said.
    pub bodies: Vec<Value>,
}

pub struct RundeckWorld {
    pub inner: Arc<Mutex<Inner>>,
    pub proxy: Proxy,
}

pub async fn up() -> Option<RundeckWorld> {
    let inner = Arc::new(Mutex::new(Inner {
        executions: Vec::new(),
        tick: 60,
        refuse: None,
        pending: false,
        asked: Vec::new(),
        bodies: Vec::new(),
    }));
    let api = Router::new()
        .route("/api/{v}/job/{id}/run", post(run))
        .route("/api/{v}/job/{id}/executions", post(run))
        .route("/api/{v}/execution/{id}", get(info))
        .route("/api/{v}/execution/{id}/output", get(output))
        .route("/api/{v}/execution/{id}/abort", any(abort))
        .route("/api/{v}/project/{p}/executions", get(list))
        .layer(from_fn_with_state(inner.clone(), door))
        .with_state(inner.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, api).await });
    let proxy = Proxy::before(addr).await;
    Some(RundeckWorld { inner, proxy })
}

type World = State<Arc<Mutex<Inner>>>;

fn error(status: u16, code: &str, message: &str) -> Response {
    let body = json!({
        "error": true, "apiversion": 59, "errorCode": code, "message": message, "args": [],
    });
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

/// The version in the path and the token in its header.
async fn door(State(inner): World, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    inner.lock().unwrap().asked.push(request.uri().to_string());
    let version = path.split('/').nth(2).and_then(|v| v.parse::<u32>().ok());
    if !version.is_some_and(|v| (14..=59).contains(&v)) {
        let words = "Unsupported API Version. API Request: ".to_owned() + &path;
        return error(400, "api.error.api-version.unsupported", &words);
    }
    let token = request.headers().get("x-rundeck-auth-token");
    let token = token.map(|t| t.to_str().unwrap()).unwrap_or_default();
    if token != SECRET {
        let masked: String = token.chars().take(5).collect();
        let words = format!("(Token:{masked}****) is not authorized for: {path}");
        return error(403, "unauthorized", &words);
    }
    next.run(request).await
}

/// What a job of this name does. The script's times are in ticks.
fn program(name: &str, tick: u64) -> (Vec<(Duration, String)>, (Option<Duration>, &'static str)) {
    let after = |n: u64| Duration::from_millis(n * tick);
    let line = |n: u64, text: &str| (after(n), text.to_owned());
    match name {
        "lines" => {
            let lines = (1..=4).map(|n| line(n, &format!("line {n}"))).collect();
            (lines, (Some(after(5)), "succeeded"))
        }
        "unicode" => (
            vec![line(0, "žluť 火"), line(1, ""), line(2, "🔥\u{202e}")],
            (Some(after(2)), "succeeded"),
        ),
        "long" => (vec![line(0, "begun")], (None, "succeeded")),
        "fails" => (vec![line(1, "bad")], (Some(after(2)), "failed")),
        "retries" => (
            vec![line(0, "first try")],
            (Some(after(1)), "failed-with-retry"),
        ),
        "custom" => (Vec::new(), (Some(after(1)), "other:half done")),
        "timedout" => (Vec::new(), (Some(after(1)), "timedout")),
        "missed" => (Vec::new(), (Some(after(0)), "missed")),
        "many" => {
            let lines = (0..5000).map(|n| line(0, &format!("line {n}"))).collect();
            (lines, (Some(after(1)), "succeeded"))
        }
        other => panic!("no such job: {other}"),
    }
}

impl Execution {
    fn new(job: &str, options: Map, tick: u64) -> Execution {
        let (script, end) = program(job, tick);
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Execution {
            job: job.to_owned(),
            options,
            begun: Instant::now(),
            unix: unix.as_millis(),
            script,
            end,
            released: None,
            abort: None,
            incomplete: None,
            retried: None,
        }
    }

    /// When it ended and how, if it has.
    fn ended(&self) -> Option<(Instant, &'static str)> {
        let now = Instant::now();
        let own = match (self.end.0, self.released) {
            (Some(after), _) => Some(self.begun + after),
            (None, released) => released,
        };
        let ends = [
            own.map(|at| (at, self.end.1)),
            self.abort.map(|at| (at + ABORTING, "aborted")),
            self.incomplete.map(|at| (at, "other:incomplete")),
        ];
        let first = ends.into_iter().flatten().min_by_key(|(at, _)| *at);
        first.filter(|(at, _)| *at <= now)
    }

    fn status(&self) -> (&'static str, Option<&'static str>) {
        match self.ended().map(|(_, how)| how) {
            None => ("running", None),
            Some(how) => match how.split_once(':') {
                Some((status, custom)) => (status, Some(custom)),
                None => (how, None),
            },
        }
    }

    /// The log file so far: each line with what stands before it in the stored file.
    fn stored(&self) -> Vec<(usize, String)> {
        let until = self.ended().map_or_else(Instant::now, |(at, _)| at);
        let written = self
            .script
            .iter()
            .filter(|(at, _)| self.begun + *at <= until);
        let mut lines: Vec<String> = written.map(|(_, text)| text.clone()).collect();
        if self.end.0.is_none() && self.status().0 == "succeeded" {
            lines.push("done".to_owned());
        }
        let mut offset = 13;
        lines
            .into_iter()
            .map(|text| {
                offset += 57 + text.len();
                (offset, text)
            })
            .collect()
    }

    fn json(&self, id: usize) -> Value {
        let (status, custom) = self.status();
        let argstring: Vec<String> = self
            .options
            .iter()
            .map(|(k, v)| format!("-{k} {v}"))
            .collect();
        let date = |ms: u128| json!({"unixtime": ms, "date": "2026-01-01T00:00:00Z"});
        let mut json = json!({
            "id": id + 1, "status": status, "project": PROJECT, "executionType": "user",
            "user": "firebell", "date-started": date(self.unix), "href": "http://x/1",
            "permalink": "http://x/2", "jobDeleted": false, "argstring": argstring.join(" "),
            "job": {
                "id": self.job, "name": self.job, "group": "", "project": PROJECT,
                "description": "", "options": self.options, "averageDuration": 100,
            },
        });
        if let Some((at, _)) = self.ended() {
            let took = at.duration_since(self.begun).as_millis();
            json["date-ended"] = date(self.unix + took);
        }
        if let Some(custom) = custom {
            json["customStatus"] = custom.into();
        }
        if status == "aborted" {
            json["abortedby"] = "firebell".into();
        }
        if status == "failed" {
            json["failedNodes"] = json!(["web-1"]);
        }
        if let Some(next) = self.retried {
            json["retriedExecution"] = json!({"id": next + 1, "status": "running", "href": "x"});
        }
        json
    }
}

async fn run(
    State(inner): World,
    Path((_, job)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Response {
    let mut inner = inner.lock().unwrap();
    inner.bodies.push(body.clone());
    if let Some((status, code, words)) = inner.refuse.clone() {
        return error(status, code, &words);
    }
    if job == "none" {
        let words = format!("Job ID does not exist: {job}");
        return error(404, "api.error.item.doesnotexist", &words);
    }
    let options: Map = serde_json::from_value(body["options"].clone()).unwrap();
    if !options.contains_key("firebell_run_id") {
        let words = "Job options were not valid: Option 'firebell_run_id' is required.";
        return error(400, "api.error.job.options-invalid", words);
    }
    let tick = inner.tick;
    inner.executions.push(Execution::new(&job, options, tick));
    let id = inner.executions.len() - 1;
    Json(inner.executions[id].json(id)).into_response()
}

/// Retries follow by themselves.
fn known(inner: &mut Inner, id: &str) -> Option<usize> {
    let tick = inner.tick;
    let id: usize = id.parse::<usize>().ok()?.checked_sub(1)?;
    let found = inner.executions.get(id)?;
    if found.status().0 == "failed-with-retry" && found.retried.is_none() {
        let mut next = found.clone();
        next = Execution::new("lines", std::mem::take(&mut next.options), tick);
        inner.executions.push(next);
        inner.executions[id].retried = Some(inner.executions.len() - 1);
    }
    Some(id)
}

async fn info(State(inner): World, Path((_, id)): Path<(String, String)>) -> Response {
    let mut inner = inner.lock().unwrap();
    match known(&mut inner, &id) {
        Some(at) => Json(inner.executions[at].json(at)).into_response(),
        None => {
            let words = format!("Execution ID does not exist: {id}");
            error(404, "api.error.item.doesnotexist", &words)
        }
    }
}

async fn output(
    State(inner): World,
    Path((version, id)): Path<(String, String)>,
    Query(query): Query<Map>,
) -> Response {
    let mut inner = inner.lock().unwrap();
    let Some(at) = known(&mut inner, &id) else {
        // Not the usual error.
        let body =
            json!({"error": "Execution not found", "id": id, "offset": "0", "completed": false});
        return (StatusCode::NOT_FOUND, Json(body)).into_response();
    };
    let execution = &inner.executions[at];
    let stored = execution.stored();
    let over = execution.ended().is_some();
    let from: usize = query.get("offset").map_or(0, |o| o.parse().unwrap());
    let stamp = (execution.unix + stored.len() as u128).to_string();
    let took = execution.ended().map_or_else(Instant::now, |(at, _)| at) - execution.begun;
    let total = stored.last().map_or(0, |(end, _)| *end);
    let mut reply = json!({
        "id": id, "offset": from.to_string(), "lastModified": stamp, "completed": false,
        "execCompleted": over, "execState": execution.status().0, "hasFailedNodes": false,
        "execDuration": took.as_millis(), "percentLoaded": 100.0, "totalSize": total,
        "retryBackoff": 0, "clusterExec": false, "compacted": false, "entries": [],
    });
    if inner.pending && !over {
        reply["pending"] = true.into();
        reply["message"] = "Pending".into();
        return Json(reply).into_response();
    }
    let rest: Vec<&(usize, String)> = stored.iter().filter(|(end, _)| *end > from).collect();
    if rest.is_empty() && query.get("lastmod") == Some(&stamp) && !over {
        reply["unmodified"] = true.into();
        reply["message"] = "Unmodified".into();
        return Json(reply).into_response();
    }
    let most = query
        .get("maxlines")
        .map_or(usize::MAX, |n| n.parse().unwrap());
    let entries: Vec<Value> = rest
        .iter()
        .take(most)
        .map(|(_, text)| {
            let mut entry = json!({
                "time": "00:00:00", "absolute_time": "2026-01-01T00:00:00Z", "log": text,
                "level": "NORMAL", "user": "deploy", "stepctx": "1", "node": "web-1",
            });
            if version.parse::<u32>().unwrap() >= 43 {
                entry["metadata"] = json!({"stepctx": "1"});
            }
            entry
        })
        .collect();
    let end = rest
        .iter()
        .take(most)
        .next_back()
        .map_or(from, |(end, _)| *end);
    reply["offset"] = end.to_string().into();
    reply["completed"] = (over && end >= total).into();
    reply["entries"] = entries.into();
    Json(reply).into_response()
}

async fn abort(State(inner): World, Path((_, id)): Path<(String, String)>) -> Response {
    let mut inner = inner.lock().unwrap();
    let Some(at) = known(&mut inner, &id) else {
        let words = format!("Execution ID does not exist: {id}");
        return error(404, "api.error.item.doesnotexist", &words);
    };
    let execution = &mut inner.executions[at];
    let mut abort = json!({"status": "pending"});
    if execution.ended().is_some() {
        abort = json!({"status": "failed", "reason": "Job is not running"});
    } else {
        execution.abort.get_or_insert_with(Instant::now);
    }
    let status = execution.status().0;
    let execution = json!({"id": id, "status": status, "href": "x", "permalink": "y"});
    Json(json!({"abort": abort, "execution": execution})).into_response()
}

async fn list(
    State(inner): World,
    Path((_, project)): Path<(String, String)>,
    Query(query): Query<Map>,
) -> Response {
    let inner = inner.lock().unwrap();
    if project != PROJECT {
        let words = format!("Project does not exist: {project}");
        return error(404, "api.error.item.doesnotexist", &words);
    }
    let number = |key: &str, usual: usize| query.get(key).map_or(usual, |n| n.parse().unwrap());
    let (max, offset) = (number("max", 20), number("offset", 0));
    let ours =
        |e: &&(usize, &Execution)| query.get("jobIdListFilter").is_none_or(|j| *j == e.1.job);
    let all: Vec<(usize, &Execution)> = inner.executions.iter().enumerate().collect();
    let ours: Vec<_> = all.iter().rev().filter(ours).collect();
    let page: Vec<Value> = (ours.iter().skip(offset).take(max))
        .map(|(id, e)| e.json(*id))
        .collect();
    let paging = json!({"offset": offset, "max": max, "total": ours.len(), "count": page.len()});
    Json(json!({"paging": paging, "executions": page})).into_response()
}

impl RundeckWorld {
    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub fn servers(&self) -> BTreeMap<String, RundeckServer> {
        let server = RundeckServer {
            name: "main".to_owned(),
            url: self.proxy.url(),
            token: SECRET.into(),
            api_version: 41,
            way: way(),
        };
        BTreeMap::from([("main".to_owned(), server)])
    }

    pub fn with(&self, change: impl FnOnce(&mut RundeckServer)) -> RundeckExecutor {
        let mut servers = self.servers();
        change(servers.get_mut("main").unwrap());
        let executor = RundeckExecutor::new(&servers).unwrap();
        executor.paced(Duration::from_millis(20))
    }

    pub fn run(&self, name: &str, options: &[&str]) -> Job {
        let run = RundeckRun {
            server: "main".to_owned(),
            job: name.to_owned(),
            project: PROJECT.to_owned(),
            options: BTreeMap::new(),
        };
        job(How::Rundeck(run), options)
    }

    /// Runs of the job that firebell has nothing to do with.
    pub fn others(&self, name: &str, count: usize) {
        let mut inner = self.inner();
        let tick = inner.tick;
        for n in 0..count {
            let options = Map::from([("firebell_run_id".to_owned(), format!("other-{n}"))]);
            inner.executions.push(Execution::new(name, options, tick));
        }
    }

    /// The server is stopped and started: what ran is incomplete.
    pub fn restart_now(&self) {
        self.proxy.cut();
        for execution in &mut self.inner().executions {
            if execution.ended().is_none() {
                execution.incomplete = Some(Instant::now());
            }
        }
    }
}

impl Engine for RundeckWorld {
    fn executor(&self) -> Box<dyn Executor> {
        Box::new(self.with(|_| {}))
    }

    fn stranger(&self) -> Option<Box<dyn Executor>> {
        Some(Box::new(self.with(|s| s.token = "invalid-token".into())))
    }

    fn job(&self, does: Does) -> Job {
        let name = match does {
            Does::Lines => "lines",
            Does::Long => "long",
            Does::Fails => "fails",
        };
        self.run(name, &["host=web-1"])
    }

    fn runs(&self, job: &Job) -> usize {
        let ours = |e: &&Execution| e.options.get("firebell_run_id") == Some(&job.key);
        self.inner().executions.iter().filter(ours).count()
    }

    fn release(&self) {
        for execution in &mut self.inner().executions {
            execution.released.get_or_insert_with(Instant::now);
        }
    }

    fn lose_the_next_answer(&self) {
        self.proxy.swallow("/run ");
    }

    fn restart<'a>(&'a self, _: &'a Job) -> Answer<'a, ()> {
        Box::pin(async move { self.restart_now() })
    }

    fn lose(&self) {
        self.proxy.lose();
    }

    fn find_again(&self) {
        self.proxy.find_again();
    }

    fn after_its_restart(&self) -> &'static str {
        "unknown"
    }

    fn proves_absence(&self) -> bool {
        false
    }
}
