//! A stand-in of the Kubernetes API, as far as Jobs with one pod and their logs go: what is created
//! runs by itself, conditions come late and in two steps, what is deleted takes its grace.
//!
//! An image's name says what its container does; see `program`.

#![expect(clippy::unused_self, reason = "worlds make runs alike")]
#![expect(clippy::type_complexity, reason = "a log, in one place")]
#![expect(clippy::disallowed_methods, reason = "a cluster's own clock")]

use super::conformance::{Does, Engine};
use super::proxy::Proxy;
use super::{SECRET, job, way};
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use firebell::config::engines::{Access, Cluster};
use firebell::core::directory::{How, KubernetesRun};
use firebell::run::kubernetes::KubernetesExecutor;
use firebell::run::port::{Answer, Executor, Job};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

const NAMESPACE: &str = "runbooks";
/// From a container's end to its Job's.
const CONTROLLER: i64 = 120;
/// From SIGTERM to a container's end.
const DYING: i64 = 60;

type Map = BTreeMap<String, String>;

/// One Job.
pub struct Made {
    pub object: Value,
    begun: DateTime<Utc>,
    released: Option<DateTime<Utc>>,
    deleted: Option<DateTime<Utc>>,
    /// Removed by its time to live.
    pub expired: bool,
}

/// One container of it.
struct Container {
    pod: String,
    started: DateTime<Utc>,
    /// When and how it ended: exit code and reason.
    ended: Option<(DateTime<Utc>, i64, &'static str)>,
    lines: Vec<(DateTime<Utc>, String)>,
    waiting: bool,
}

pub struct Inner {
    pub jobs: Vec<Made>,
    /// Milliseconds between two lines.
    pub tick: i64,
    /// So many log streams are cut in the middle of a line.
    pub cuts: u32,
    /// Log streams that were opened.
    pub streams: Vec<String>,
}

pub struct KubernetesWorld {
    pub inner: Arc<Mutex<Inner>>,
    pub proxy: Proxy,
}

pub async fn up() -> Option<KubernetesWorld> {
    let inner = Arc::new(Mutex::new(Inner {
        jobs: Vec::new(),
        tick: 60,
        cuts: 0,
        streams: Vec::new(),
    }));
    let jobs = "/apis/batch/v1/namespaces/{ns}/jobs";
    let pods = "/api/v1/namespaces/{ns}/pods";
    let api = Router::new()
        .route(jobs, post(create).get(list))
        .route(&format!("{jobs}/{{name}}"), get(one).delete(delete))
        .route(pods, get(pods_of))
        .route(&format!("{pods}/{{name}}/log"), get(log))
        .layer(from_fn_with_state(inner.clone(), door))
        .with_state(inner.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, api).await });
    let proxy = Proxy::before(addr).await;
    Some(KubernetesWorld { inner, proxy })
}

type World = State<Arc<Mutex<Inner>>>;

fn status(code: u16, reason: &str, message: &str) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    });
    (StatusCode::from_u16(code).unwrap(), Json(body)).into_response()
}

async fn door(State(_): World, request: Request, next: Next) -> Response {
    let sent = request.headers().get("authorization");
    if sent.is_none_or(|v| v != format!("Bearer {SECRET}").as_str()) {
        return status(401, "Unauthorized", "Unauthorized");
    }
    if !request
        .uri()
        .path()
        .contains(&format!("/namespaces/{NAMESPACE}/"))
    {
        let words = "User \"firebell\" cannot create resource \"jobs\" in API group \"batch\"";
        return status(403, "Forbidden", words);
    }
    next.run(request).await
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn after(at: DateTime<Utc>, ms: i64) -> DateTime<Utc> {
    at + TimeDelta::milliseconds(ms)
}

impl Made {
    fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap()
    }

    pub fn is_there(&self) -> bool {
        self.deleted.is_none() && !self.expired
    }

    fn deadline(&self) -> DateTime<Utc> {
        let secs = self.object["spec"]["activeDeadlineSeconds"].as_i64();
        after(self.begun, secs.unwrap_or(86_400) * 1000)
    }

    /// What its containers do: begin, lines, end; in ticks from the Job's begin.
    fn program(&self, tick: i64) -> Vec<Container> {
        let image = self.object["spec"]["template"]["spec"]["containers"][0]["image"].as_str();
        let at = |n: i64| after(self.begun, n * tick);
        let lines = |from: i64| {
            (1..=4)
                .map(|n| (at(from + n), format!("line {n}")))
                .collect()
        };
        let one = |lines, ended| Container {
            pod: format!("{}-x7k2p", self.name()),
            started: self.begun,
            ended,
            lines,
            waiting: false,
        };
        match image.unwrap() {
            "lines" => vec![one(lines(0), Some((at(5), 0, "Completed")))],
            "fails" => vec![one(
                vec![(at(1), "bad".to_owned())],
                Some((at(2), 3, "Error")),
            )],
            "oom" => vec![one(Vec::new(), Some((at(1), 137, "OOMKilled")))],
            "long" => {
                let mut all = vec![(at(0), "begun".to_owned())];
                all.extend(self.released.map(|at| (at, "done".to_owned())));
                vec![one(all, self.released.map(|at| (at, 0, "Completed")))]
            }
            // Many lines in one instant, and no end of line at the end.
            "burst" => {
                let text = "x".repeat(100);
                let many = (0..6000)
                    .map(|n| (at(n / 3000), format!("{n} {text}")))
                    .collect();
                vec![one(many, Some((at(4), 0, "Completed")))]
            }
            "twice" => {
                let first = one(
                    vec![(at(1), "line 1".to_owned())],
                    Some((at(2), 137, "Error")),
                );
                let second = Container {
                    pod: format!("{}-zz9q4", self.name()),
                    started: at(3),
                    ended: Some((at(8), 0, "Completed")),
                    lines: lines(3),
                    waiting: false,
                };
                vec![first, second]
            }
            "no-such-image" => vec![Container {
                waiting: true,
                ..one(Vec::new(), None)
            }],
            other => panic!("no such image: {other}"),
        }
    }

    /// Its containers as they are now.
    fn containers(&self, tick: i64) -> Vec<Container> {
        let now = Utc::now();
        let end = [self.deleted, Some(self.deadline())]
            .into_iter()
            .flatten()
            .min();
        let killed = end.map(|at| after(at, DYING));
        let mut all = self.program(tick);
        all.retain(|c| c.started <= now);
        for container in &mut all {
            let own = container.ended;
            let cut = killed.filter(|at| own.is_none_or(|(own, ..)| *at < own));
            container.ended = cut.map(|at| (at, 143, "Error")).or(own);
            let until = container.ended.map_or(now, |(at, ..)| at.min(now));
            container.lines.retain(|(at, _)| *at <= until);
            container.ended = container.ended.filter(|(at, ..)| *at <= now);
        }
        // A pod that was deleted is gone once its container has ended, or when it never had one.
        let gone = |at: DateTime<Utc>| after(at, DYING * 2) <= now;
        all.retain(|c| !end.is_some_and(|at| gone(at) || (c.waiting && at <= now)));
        all
    }

    fn json(&self, tick: i64) -> Value {
        let now = Utc::now();
        let mut object = self.object.clone();
        object["status"]["startTime"] = stamp(self.begun).into();
        let condition = |kind: &str, reason: &str, at: DateTime<Utc>| {
            json!({"type": kind, "status": "True", "reason": reason, "message": "",
                   "lastTransitionTime": stamp(at), "lastProbeTime": stamp(at)})
        };
        let all = self.program(tick);
        let last = all.last().and_then(|c| c.ended);
        let deadline = self.deadline();
        let (at, kind, reason, interim) = match last {
            Some((at, 0, _)) if at < deadline => {
                (at, "Complete", "CompletionsReached", "SuccessCriteriaMet")
            }
            Some((at, ..)) if at < deadline => {
                (at, "Failed", "BackoffLimitExceeded", "FailureTarget")
            }
            _ => (deadline, "Failed", "DeadlineExceeded", "FailureTarget"),
        };
        let mut conditions = Vec::new();
        if at <= now {
            conditions.push(condition(interim, reason, at));
        } else {
            object["status"]["active"] = 1.into();
        }
        let over = after(at, CONTROLLER);
        if over <= now {
            conditions.push(condition(kind, reason, over));
            if kind == "Complete" {
                object["status"]["completionTime"] = stamp(over).into();
                object["status"]["succeeded"] = 1.into();
            }
        }
        object["status"]["conditions"] = conditions.into();
        object
    }
}

async fn create(
    State(inner): World,
    Path(ns): Path<String>,
    Json(mut object): Json<Value>,
) -> Response {
    let mut inner = inner.lock().unwrap();
    let name = object["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let good = !name.is_empty() && name.len() <= 63 && name.bytes().all(label);
    if !good || object["kind"] != "Job" || name.ends_with('-') {
        let words = format!("Job.batch \"{name}\" is invalid: metadata.name");
        return status(422, "Invalid", &words);
    }
    if object["spec"]["template"]["spec"]["restartPolicy"] != "Never" {
        return status(
            422,
            "Invalid",
            "spec.template.spec.restartPolicy: Required value",
        );
    }
    if inner.jobs.iter().any(|j| j.is_there() && j.name() == name) {
        let words = format!("jobs.batch \"{name}\" already exists");
        return status(409, "AlreadyExists", &words);
    }
    let now = Utc::now();
    let uid = format!("00000000-0000-4000-8000-{:012}", inner.jobs.len() + 1);
    object["metadata"]["uid"] = uid.into();
    object["metadata"]["namespace"] = ns.into();
    object["metadata"]["creationTimestamp"] = stamp(now).into();
    object["metadata"]["resourceVersion"] = "1".into();
    object["status"] = json!({});
    inner.jobs.push(Made {
        object: object.clone(),
        begun: now,
        released: None,
        deleted: None,
        expired: false,
    });
    (StatusCode::CREATED, Json(object)).into_response()
}

fn there<'a>(inner: &'a mut Inner, name: &str) -> Result<&'a mut Made, Box<Response>> {
    let found = inner
        .jobs
        .iter_mut()
        .find(|j| j.is_there() && j.name() == name);
    found.ok_or_else(|| {
        let body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": format!("jobs.batch \"{name}\" not found"), "reason": "NotFound",
            "details": {"name": name, "group": "batch", "kind": "jobs"}, "code": 404,
        });
        Box::new((StatusCode::NOT_FOUND, Json(body)).into_response())
    })
}

async fn one(State(inner): World, Path((_, name)): Path<(String, String)>) -> Response {
    let mut inner = inner.lock().unwrap();
    let tick = inner.tick;
    match there(&mut inner, &name) {
        Ok(job) => Json(job.json(tick)).into_response(),
        Err(no) => *no,
    }
}

async fn list(State(inner): World, Query(query): Query<Map>) -> Response {
    let inner = inner.lock().unwrap();
    let wanted = query.get("labelSelector").and_then(|s| s.split_once('='));
    let items: Vec<Value> = (inner.jobs.iter())
        .filter(|j| j.is_there())
        .filter(|j| wanted.is_none_or(|(k, v)| j.object["metadata"]["labels"][k] == v))
        .map(|j| j.json(inner.tick))
        .collect();
    Json(json!({"kind": "JobList", "apiVersion": "batch/v1", "metadata": {}, "items": items}))
        .into_response()
}

async fn delete(
    State(inner): World,
    Path((_, name)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut inner = inner.lock().unwrap();
    let job = match there(&mut inner, &name) {
        Ok(job) => job,
        Err(no) => return *no,
    };
    let uid = &asked["preconditions"]["uid"];
    if !uid.is_null() && *uid != job.object["metadata"]["uid"] {
        let words = "the UID in the precondition does not match the UID in record";
        return status(409, "Conflict", words);
    }
    // Without this the pods would stay, and run on.
    if asked["propagationPolicy"] == "Background" {
        job.deleted = Some(Utc::now());
    } else {
        job.expired = true;
    }
    let words = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"});
    Json(words).into_response()
}

async fn pods_of(State(inner): World, Query(query): Query<Map>) -> Response {
    let inner = inner.lock().unwrap();
    let selector = query.get("labelSelector").unwrap();
    let name = selector
        .strip_prefix("batch.kubernetes.io/job-name=")
        .unwrap();
    let mut items = Vec::new();
    for job in inner.jobs.iter().filter(|j| j.name() == name && !j.expired) {
        for c in job.containers(inner.tick) {
            let (state, phase) = match c.ended {
                _ if c.waiting => {
                    let why =
                        json!({"reason": "ImagePullBackOff", "message": "Back-off pulling image"});
                    (json!({"waiting": why}), "Pending")
                }
                None => (
                    json!({"running": {"startedAt": stamp(c.started)}}),
                    "Running",
                ),
                Some((at, exit, reason)) => {
                    let end = json!({"exitCode": exit, "reason": reason,
                                     "startedAt": stamp(c.started), "finishedAt": stamp(at)});
                    let phase = if exit == 0 { "Succeeded" } else { "Failed" };
                    (json!({"terminated": end}), phase)
                }
            };
            let mut pod = json!({
                "metadata": {"name": c.pod, "namespace": NAMESPACE, "uid": c.pod,
                             "creationTimestamp": stamp(c.started), "labels": {}},
                "spec": {"containers": [{"name": "action"}]},
                "status": {"phase": phase, "containerStatuses": [{
                    "name": "action", "image": "x", "imageID": "x", "ready": false,
                    "restartCount": 0, "state": state,
                }]},
            });
            if let Some(at) = job.deleted {
                pod["metadata"]["deletionTimestamp"] = stamp(at).into();
            }
            items.push(pod);
        }
    }
    // In no order anybody may rely on.
    items.reverse();
    Json(json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}))
        .into_response()
}

/// The log of a pod from an index on, whether it is whole, and `None` when there is no such pod.
fn written(inner: &Inner, pod: &str, from: usize) -> Option<(Vec<(DateTime<Utc>, String)>, bool)> {
    let find = |job: &Made| {
        job.containers(inner.tick)
            .into_iter()
            .find(|c| c.pod == pod)
    };
    let container = inner.jobs.iter().filter(|j| !j.expired).find_map(find)?;
    let lines = container.lines.into_iter().skip(from).collect();
    Some((lines, container.ended.is_some()))
}

async fn log(
    State(inner): World,
    Path((_, pod)): Path<(String, String)>,
    Query(query): Query<Map>,
) -> Response {
    let (follow, since, cut) = {
        let mut inner = inner.lock().unwrap();
        inner.streams.push(format!("{query:?}"));
        if written(&inner, &pod, 0).is_none() {
            return status(404, "NotFound", &format!("pods \"{pod}\" not found"));
        }
        let follow = query.get("follow").is_some_and(|f| f == "true");
        let since = query
            .get("sinceTime")
            .map(|s| s.parse::<DateTime<Utc>>().unwrap());
        let cut = inner.cuts > 0;
        inner.cuts = inner.cuts.saturating_sub(1);
        (follow, since, cut)
    };
    assert_eq!(query["timestamps"], "true");
    let state = (inner, 0_usize, Flow::Open);
    let stream = futures_util::stream::unfold(state, move |(inner, mut at, flow)| {
        let pod = pod.clone();
        async move {
            match flow {
                Flow::Open => {}
                Flow::Over => return None,
                Flow::Cut => {
                    // What was sent before has to leave first.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    let dead = Err(std::io::Error::other("cut"));
                    return Some((dead, (inner, at, Flow::Over)));
                }
            }
            loop {
                let now = written(&inner.lock().unwrap(), &pod, at);
                let (lines, ended) = now.unwrap_or_default();
                at += lines.len();
                let mut text = String::new();
                for (when, line) in &lines {
                    if since.is_none_or(|since| *when >= since) {
                        text.push_str(&nanos(*when));
                        text.push_str(&format!(" {line}\n"));
                    }
                }
                if cut && !text.is_empty() {
                    // One whole line and half of another, and the connection goes dead.
                    let first = text.find('\n').unwrap() + 1;
                    text.truncate((first + 20).min(text.len() - 1).max(first));
                    return Some((Ok(Bytes::from(text)), (inner, at, Flow::Cut)));
                }
                let over = ended || !follow;
                if !text.is_empty() || over {
                    let flow = if over { Flow::Over } else { Flow::Open };
                    return Some((Ok(Bytes::from(text)), (inner, at, flow)));
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });
    Body::from_stream(stream).into_response()
}

/// What becomes of a log stream.
enum Flow {
    Open,
    Cut,
    Over,
}

/// As the kubelet writes it: nanoseconds without zeros at the end.
fn nanos(at: DateTime<Utc>) -> String {
    let text = at.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let text = text.trim_end_matches('Z').trim_end_matches('0');
    format!("{}Z", text.trim_end_matches('.'))
}

impl KubernetesWorld {
    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub fn with(&self, token: &str) -> KubernetesExecutor {
        cluster(&self.proxy.url(), token)
    }

    pub fn url(&self) -> String {
        self.proxy.url()
    }

    pub fn run(&self, image: &str, argv: &[&str]) -> Job {
        let run = KubernetesRun {
            cluster: "main".to_owned(),
            namespace: NAMESPACE.to_owned(),
            image: image.to_owned(),
            ..KubernetesRun::default()
        };
        job(How::Kubernetes(run), argv)
    }
}

/// An executor for the cluster at this address.
pub fn cluster(url: &str, token: &str) -> KubernetesExecutor {
    KubernetesExecutor::new(clusters(url, token))
}

/// The cluster at this address.
pub fn clusters(url: &str, token: &str) -> BTreeMap<String, Cluster> {
    let cluster = Cluster {
        name: "main".to_owned(),
        access: Access::Token {
            url: url.to_owned(),
            token: token.into(),
            token_file: None,
        },
        way: way(),
    };
    BTreeMap::from([("main".to_owned(), cluster)])
}

impl Engine for KubernetesWorld {
    fn executor(&self) -> Box<dyn Executor> {
        Box::new(self.with(SECRET))
    }

    fn stranger(&self) -> Option<Box<dyn Executor>> {
        Some(Box::new(self.with("somebody-else")))
    }

    fn job(&self, does: Does) -> Job {
        let image = match does {
            Does::Lines => "lines",
            Does::Long => "long",
            Does::Fails => "fails",
        };
        self.run(image, &["/bin/act"])
    }

    fn runs(&self, job: &Job) -> usize {
        let ours = |j: &&Made| j.object["metadata"]["labels"]["firebell.dev/run-id"] == *job.key;
        self.inner().jobs.iter().filter(ours).count()
    }

    fn release(&self) {
        for job in &mut self.inner().jobs {
            job.released.get_or_insert_with(Utc::now);
        }
    }

    fn lose_the_next_answer(&self) {
        self.proxy.swallow("POST /apis/batch/");
    }

    fn restart<'a>(&'a self, _: &'a Job) -> Answer<'a, ()> {
        // The API server is restarted; what runs in the cluster runs on.
        Box::pin(async move { self.proxy.cut() })
    }

    fn lose(&self) {
        self.proxy.lose();
    }

    fn find_again(&self) {
        self.proxy.find_again();
    }

    fn after_its_restart(&self) -> &'static str {
        "succeeded"
    }
}
