//! The Rundeck executor: a job of a Rundeck server, run with options.
//!
//! By the server's source, API 59 (rundeck `2f047102`); works with 41 and later.
//!
//! * **No idempotency key.** Rundeck has none (`meta` is not returned), so a job that firebell may
//!   run declares the option `firebell_run_id`, which carries the run's key, and a start looks for
//!   an execution with it first. That is no lock: two starts at the same instant are kept apart by
//!   firebell, not by Rundeck.
//! * **Reconcile** lists the job's executions, newest first, and compares the option here. Found
//!   is proof; not found is none, because a start may still be on its way: [`Found::Unknowable`].
//! * **Numbers** are read whether they are numbers or strings: the output's `offset` and
//!   `lastModified` are strings, the execution's `id` is a number in one reply and a string in
//!   another.
//! * **A server that is restarted** marks what ran as `other` with the custom status `incomplete`:
//!   nobody knows, [`Outcome::Unknown`].
//! * **The time limit** is kept here: a run that Rundeck has timed longer than the action allows
//!   (`execDuration`, by the server's own clock) is aborted, and its end is a time-out.

mod api;

use super::flight::ended;
use super::port::{Answer, Cursor, Executor, Found, Handle, Job, News, NoAnswer, Stand, Start};
use super::wire;
use crate::config::engines::RundeckServer;
use crate::core::directory::{How, RundeckRun};
use crate::core::incident::Outcome;
use crate::core::text::percent;
use api::{Api, Execution, Fault, Output};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::Mutex;

/// The option that carries the run's key; the job has to declare it.
pub const RUN_ID: &str = "firebell_run_id";

/// Executions of one page of the list.
const PAGE: usize = 100;
/// Pages looked at for a lost run: a job that ran two thousand times since is not looked through.
const PAGES: usize = 20;
/// Pages looked at before a start: the same start came moments ago or not at all.
const PAGES_BEFORE: usize = 1;

/// Lines of one reply.
const LINES: usize = 2000;

/// Retries of a job followed in one look.
const RETRIES: usize = 20;

/// Carries out Rundeck jobs.
pub struct RundeckExecutor {
    servers: BTreeMap<String, Api>,
    /// Starts go one after the other: each looks first whether it was done.
    starting: Mutex<()>,
    pace: Duration,
}

/// Where one run goes.
struct Target<'a> {
    api: &'a Api,
    run: &'a RundeckRun,
}

impl RundeckExecutor {
    /// # Errors
    /// In words, when a server's proxy or certificate cannot be used.
    pub fn new(servers: &BTreeMap<String, RundeckServer>) -> Result<RundeckExecutor, String> {
        let apis = servers
            .iter()
            .map(|(name, server)| Ok((name.clone(), Api::new(server)?)))
            .collect::<Result<_, String>>()?;
        Ok(RundeckExecutor {
            servers: apis,
            starting: Mutex::new(()),
            pace: Duration::from_secs(2),
        })
    }

    /// Waits so long between two looks when there is nothing new; 2 s unless set.
    #[must_use]
    pub fn paced(self, pace: Duration) -> RundeckExecutor {
        RundeckExecutor { pace, ..self }
    }

    fn target<'a>(&'a self, job: &'a Job) -> Result<Target<'a>, String> {
        let How::Rundeck(run) = &job.action.how else {
            return Err("the action is not a Rundeck action".to_owned());
        };
        let api = self.servers.get(&run.server).ok_or_else(|| {
            format!(
                "firebell.toml has no [rundeck.{}]; add it, or correct `server` of the action",
                run.server
            )
        })?;
        Ok(Target { api, run })
    }

    async fn begin(&self, job: &Job) -> Start {
        let not = |why| Start::NotStarted { why };
        let target = match self.target(job) {
            Ok(target) => target,
            Err(why) => return not(why),
        };
        let _one = self.starting.lock().await;
        match target.find(job, PAGES_BEFORE).await {
            Ok(Some(id)) => return Start::Started(Handle(id)),
            Ok(None) => {}
            Err(fault) => {
                return not(format!(
                    "whether it ran already cannot be looked up: {}",
                    fault.why
                ));
            }
        }
        let options = match options(job) {
            Ok(options) => options,
            Err(why) => return not(why),
        };
        let path = format!("job/{}/run", target.run.job);
        let body = json!({"options": options, "loglevel": "INFO"});
        match target.api.post::<Execution>(&path, &body).await {
            Ok(execution) => Start::Started(Handle(execution.id.0)),
            // Refused, with or without an error of Rundeck's own: nothing was run.
            Err(fault) if fault.status.is_some_and(|s| (400..500).contains(&s)) => not(fault.why),
            Err(fault) if fault.before => not(fault.why),
            Err(fault) => Start::Ambiguous { why: fault.why },
        }
    }

    async fn look(&self, job: &Job, handle: &Handle, cursor: &Cursor) -> Result<News, NoAnswer> {
        let target = self.target(job).map_err(|why| NoAnswer { why })?;
        let mut at = Place::read(cursor, handle);
        let output = match target.output(&at).await {
            Ok(output) => output,
            Err(fault) if fault.status == Some(404) => {
                let why = format!("Rundeck no longer knows execution {}", at.execution);
                return Ok(at.news(Vec::new(), ended(Outcome::Unknown { why }, 0, Vec::new())));
            }
            Err(fault) => return Err(fault.no_answer()),
        };
        if output.runs_longer_than(job.action.limits.timeout_ms) {
            target
                .abort(&at.execution)
                .await
                .map_err(Fault::no_answer)?;
        }
        let bytes = output.bytes();
        let quiet = bytes.is_empty();
        at.step(&output);
        let mut stand = Stand::Running;
        if output.completed {
            stand = target.stand(job, &mut at).await?;
        }
        if quiet && stand == Stand::Running {
            tokio::time::sleep(self.pace).await;
        }
        Ok(at.news(bytes, stand))
    }
}

/// `option=value` elements, as the plan has them, and the run's key.
fn options(job: &Job) -> Result<Map<String, Value>, String> {
    let mut options = Map::new();
    for element in &job.argv {
        let (name, value) = element
            .split_once('=')
            .ok_or_else(|| format!("{element:?} is not an option of a Rundeck job"))?;
        options.insert(name.to_owned(), Value::String(value.to_owned()));
    }
    if options.contains_key(RUN_ID) {
        return Err(format!(
            "the option {RUN_ID} is firebell's own; remove it from the action"
        ));
    }
    options.insert(RUN_ID.to_owned(), Value::String(job.key.clone()));
    Ok(options)
}

impl Target<'_> {
    /// The execution that carries the run's key. The oldest, when there are several: a retry by
    /// Rundeck repeats the options.
    async fn find(&self, job: &Job, pages: usize) -> Result<Option<String>, Fault> {
        let path = format!("project/{}/executions", percent(&self.run.project));
        let mut found = None;
        for page in 0..pages {
            let query = [
                ("jobIdListFilter", self.run.job.clone()),
                ("max", PAGE.to_string()),
                ("offset", (page * PAGE).to_string()),
            ];
            let list: api::Executions = self.api.get(&path, &query).await?;
            let carries = |e: &&Execution| e.run_id().as_deref() == Some(&job.key);
            let here = list.executions.iter().rfind(carries);
            found = here.map(|e| e.id.0.clone()).or(found);
            if list.executions.len() < PAGE || (found.is_some() && here.is_none()) {
                break;
            }
        }
        Ok(found)
    }

    async fn output(&self, at: &Place) -> Result<Output, Fault> {
        let path = format!("execution/{}/output", percent(&at.execution));
        let query = [
            ("offset", at.offset.clone()),
            ("lastmod", at.last_modified.clone()),
            ("maxlines", LINES.to_string()),
        ];
        self.api.get(&path, &query).await
    }

    async fn abort(&self, execution: &str) -> Result<(), Fault> {
        let path = format!("execution/{}/abort", percent(execution));
        // `failed` means that it is not running; the next look says how it ended.
        self.api.post::<Value>(&path, &json!({})).await.map(drop)
    }

    /// Where an execution whose log is complete stands; a retry of it becomes the place.
    async fn stand(&self, job: &Job, at: &mut Place) -> Result<Stand, NoAnswer> {
        let path = format!("execution/{}", percent(&at.execution));
        let execution: Execution = match self.api.get(&path, &[]).await {
            Ok(execution) => execution,
            Err(fault) => return Err(fault.no_answer()),
        };
        if execution.status == "failed-with-retry" {
            let Some(next) = execution.retried.as_ref() else {
                return Ok(Stand::Running);
            };
            if at.retries >= RETRIES {
                let why = format!("Rundeck has retried it more than {RETRIES} times");
                return Ok(ended(Outcome::Unknown { why }, 0, Vec::new()));
            }
            *at = Place {
                execution: next.id.0.clone(),
                retries: at.retries + 1,
                ..Place::default()
            };
            return Ok(Stand::Running);
        }
        let took = execution.took_ms().unwrap_or(0);
        let Some(outcome) = execution.outcome(took, job.action.limits.timeout_ms) else {
            return Ok(Stand::Running);
        };
        let mut notes = Vec::new();
        if at.retries > 0 {
            notes.push(format!("Rundeck retried it {} times", at.retries));
        }
        if let Some(who) = execution
            .aborted_by
            .filter(|_| outcome == Outcome::Cancelled)
        {
            notes.push(format!("aborted in Rundeck by {}", wire::quoted(&who, &[])));
        }
        if !execution.failed_nodes.is_empty() {
            let nodes = execution.failed_nodes.join(", ");
            notes.push(format!("failed on {}", wire::quoted(&nodes, &[])));
        }
        Ok(ended(outcome, took, notes))
    }
}

/// Up to where the output was read: execution, offset, modification, retries.
#[derive(Default)]
struct Place {
    execution: String,
    offset: String,
    last_modified: String,
    retries: usize,
}

impl Place {
    fn read(cursor: &Cursor, handle: &Handle) -> Place {
        let mut parts = cursor.0.split(' ').map(str::to_owned);
        let first = parts.next().filter(|p| !p.is_empty());
        let mut next = || parts.next().filter(|p| !p.is_empty());
        Place {
            execution: first.unwrap_or_else(|| handle.0.clone()),
            offset: next().unwrap_or_else(|| "0".to_owned()),
            last_modified: next().unwrap_or_else(|| "0".to_owned()),
            retries: next().and_then(|n| n.parse().ok()).unwrap_or(0),
        }
    }

    fn step(&mut self, output: &Output) {
        if let Some(offset) = output.offset.as_ref() {
            self.offset.clone_from(&offset.0);
        }
        // With this, a log that did not change is told in a few bytes.
        if let Some(stamp) = output.last_modified.as_ref() {
            self.last_modified.clone_from(&stamp.0);
        }
    }

    fn news(self, bytes: Vec<u8>, stand: Stand) -> News {
        let or_zero = |text: String| {
            if text.is_empty() {
                "0".to_owned()
            } else {
                text
            }
        };
        let cursor = format!(
            "{} {} {} {}",
            self.execution,
            or_zero(self.offset),
            or_zero(self.last_modified),
            self.retries
        );
        News {
            bytes,
            cursor: Cursor(cursor),
            stand,
        }
    }
}

impl Executor for RundeckExecutor {
    /// The token firebell signs in with: a job that prints what called it must not show it.
    fn secrets(&self, job: &Job) -> Vec<SecretString> {
        let How::Rundeck(run) = &job.action.how else {
            return Vec::new();
        };
        let server = self.servers.get(&run.server);
        server.map(Api::token).into_iter().collect()
    }

    fn start<'a>(&'a self, job: &'a Job) -> Answer<'a, Start> {
        Box::pin(self.begin(job))
    }

    fn poll<'a>(
        &'a self,
        job: &'a Job,
        handle: &'a Handle,
        cursor: &'a Cursor,
    ) -> Answer<'a, Result<News, NoAnswer>> {
        Box::pin(self.look(job, handle, cursor))
    }

    fn cancel<'a>(&'a self, job: &'a Job, handle: &'a Handle) -> Answer<'a, Result<(), NoAnswer>> {
        Box::pin(async move {
            let target = self.target(job).map_err(|why| NoAnswer { why })?;
            // A retry has an execution of its own; the last one is what runs.
            let mut execution = handle.0.clone();
            for _ in 0..RETRIES {
                let path = format!("execution/{}", percent(&execution));
                let now: Execution = target.api.get(&path, &[]).await.map_err(Fault::no_answer)?;
                match now.retried.filter(|_| now.status == "failed-with-retry") {
                    Some(next) => execution = next.id.0,
                    None => break,
                }
            }
            target.abort(&execution).await.map_err(Fault::no_answer)
        })
    }

    fn reconcile<'a>(&'a self, job: &'a Job, _: Option<&'a Handle>) -> Answer<'a, Found> {
        Box::pin(async move {
            let target = match self.target(job) {
                Ok(target) => target,
                Err(why) => return Found::NotNow { why },
            };
            match target.find(job, PAGES).await {
                Ok(Some(id)) => Found::Here(Handle(id)),
                Ok(None) => Found::Unknowable {
                    why: format!(
                        "Rundeck lists no execution of this job with {RUN_ID} {}, and a start that \
                         was on its way cannot be ruled out",
                        job.key
                    ),
                },
                Err(fault) => Found::NotNow { why: fault.why },
            }
        })
    }
}
