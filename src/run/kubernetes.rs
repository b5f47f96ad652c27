//! The Kubernetes executor: one Job with one container for each run.
//!
//! * **Once by name.** The Job is called `fb-` and the run's key, and a cluster has one Job of a
//!   name: a second start answers 409, and the Job that is there is adopted when its label and its
//!   annotation say that it is this run and was agreed on like this. A GET by that name is the
//!   look-up: the cluster's own 404 is proof that it never started.
//! * **At least once inside.** Kubernetes says itself that the program of a Job "may sometimes be
//!   started twice", even with one completion, one at a time and no retries: when a node is lost
//!   and comes back. Then the run's page says how often it was started. An action that must not
//!   run twice has to check that itself, or stay with an executor that can promise it.
//! * **Output** is followed with time stamps. A stream that breaks is resumed at the second of the
//!   last line and what was read already is dropped (`log.rs`).
//! * **The crate.** `kube` is used although a handful of REST calls would do, because who firebell
//!   is in a cluster is not a handful of lines: tokens that a cluster replaces in their file,
//!   client certificates, kubeconfigs with their contexts and sign-in programs. It costs 48 s of
//!   CPU in a cold `cargo check` (`k8s-openapi` 23 s of it), half of that on two cores. Its retries
//!   are off; what is repeated is decided by firebell.
//! * **Nothing is expanded.** Kubernetes replaces `$(NAME)` in arguments and environment and takes
//!   `$$` for `$`, so every `$` is doubled: the program gets what was approved.

mod log;
mod manifest;
mod verdict;

use super::flight::ended;
use super::port::{Answer, Cursor, Executor, Found, Handle, Job, News, NoAnswer, Stand, Start};
use super::wire;
use crate::config::engines::{Access, Cluster};
use crate::core::directory::{How, KubernetesRun};
use crate::core::incident::Outcome;
use k8s_openapi::api::batch::v1::Job as Batch;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, PostParams, Preconditions};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep_until, timeout};

/// Carries the run's key; selects nothing else.
pub const LABEL: &str = "firebell.dev/run-id";
/// What was agreed on.
pub const SUBJECT: &str = "firebell.dev/subject-hash";
/// The label Kubernetes gives the pods of a Job.
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

/// A poll follows the log this long.
const WAIT: Duration = Duration::from_secs(4);
/// Looks at a Job that has no pod yet, or whose end is not said yet, this far apart.
const PACE: Duration = Duration::from_millis(500);

/// Carries out Kubernetes Jobs.
pub struct KubernetesExecutor {
    clusters: BTreeMap<String, Known>,
    /// Jobs that were deleted here because somebody asked for it.
    cancelled: Mutex<HashSet<String>>,
}

struct Known {
    cluster: Cluster,
    /// Made at the first use: it belongs to the runtime it is made in.
    client: OnceCell<Client>,
}

/// Where one run goes.
struct Target<'a> {
    run: &'a KubernetesRun,
    jobs: Api<Batch>,
    pods: Api<Pod>,
    limit: Duration,
    name: &'a str,
}

/// A call that did not come to an answer.
struct Fault {
    why: String,
    /// What the API server answered: status and reason.
    status: Option<(u16, String)>,
    /// Nothing was sent.
    before: bool,
}

impl Fault {
    fn is(&self, code: u16) -> bool {
        self.status.as_ref().is_some_and(|(c, _)| *c == code)
    }

    fn no_answer(self) -> NoAnswer {
        NoAnswer { why: self.why }
    }
}

impl KubernetesExecutor {
    /// Clusters by the name actions use.
    #[must_use]
    pub fn new(clusters: BTreeMap<String, Cluster>) -> KubernetesExecutor {
        let known = |(name, cluster)| {
            let client = OnceCell::new();
            (name, Known { cluster, client })
        };
        KubernetesExecutor {
            clusters: clusters.into_iter().map(known).collect(),
            cancelled: Mutex::default(),
        }
    }

    async fn target<'a>(&'a self, job: &'a Job) -> Result<Target<'a>, String> {
        let How::Kubernetes(run) = &job.action.how else {
            return Err("the action is not a Kubernetes action".to_owned());
        };
        let known = self.clusters.get(&run.cluster).ok_or_else(|| {
            format!(
                "firebell.toml has no [kubernetes.{}]; add it, or correct `cluster` of the action",
                run.cluster
            )
        })?;
        let client = known
            .client
            .get_or_try_init(|| client(&known.cluster))
            .await?
            .clone();
        Ok(Target {
            run,
            jobs: Api::namespaced(client.clone(), &run.namespace),
            pods: Api::namespaced(client, &run.namespace),
            limit: Duration::from_millis(known.cluster.way.timeout_ms.unsigned_abs()),
            name: &run.cluster,
        })
    }

    async fn begin(&self, job: &Job) -> Start {
        let not = |why| Start::NotStarted { why };
        let target = match self.target(job).await {
            Ok(target) => target,
            Err(why) => return not(why),
        };
        let manifest = match manifest::of(job, target.run) {
            Ok(manifest) => manifest,
            Err(why) => return not(why),
        };
        let params = PostParams::default();
        match target.ask(target.jobs.create(&params, &manifest)).await {
            Ok(made) => Start::Started(handle(&made)),
            Err(fault) if fault.is(409) => match target.look(job).await {
                Ok(Some(there)) => match adopt(job, &there) {
                    Ok(handle) => Start::Started(handle),
                    Err(why) => not(why),
                },
                // It was deleted between the two calls, and it was not ours to begin with, or it
                // was and has been cancelled: nobody can say.
                Ok(None) => Start::Ambiguous {
                    why: format!("a Job called {} was there and is gone", name(job)),
                },
                Err(fault) => Start::Ambiguous { why: fault.why },
            },
            Err(fault) if fault.before => not(fault.why),
            // The API server refused it; 408 and 429 are refusals as well.
            Err(fault)
                if fault
                    .status
                    .as_ref()
                    .is_some_and(|(c, _)| (400..500).contains(c)) =>
            {
                not(fault.why)
            }
            Err(fault) => Start::Ambiguous { why: fault.why },
        }
    }

    async fn news(&self, job: &Job, handle: &Handle, cursor: &Cursor) -> Result<News, NoAnswer> {
        let target = self.target(job).await.map_err(|why| NoAnswer { why })?;
        let until = Instant::now() + WAIT;
        let mut place = log::Place::read(cursor);
        let mut bytes = Vec::new();
        loop {
            let there = target.look(job).await.map_err(Fault::no_answer)?;
            let there = there.filter(|there| same(handle, there));
            let pods = target.pods(job).await.map_err(Fault::no_answer)?;
            let over = there
                .as_ref()
                .is_none_or(|there| verdict::finished(there).is_some());
            let rest = log::read(&target, &pods, &mut place, &mut bytes, until).await?;
            let more = rest == log::Rest::More;
            if !more && over && verdict::quiet(&pods) {
                let stand = match &there {
                    Some(there) => verdict::of(there, &pods, &job.action.success),
                    None => self.gone(job),
                };
                return Ok(place.news(bytes, stand));
            }
            if more || !bytes.is_empty() || Instant::now() >= until {
                return Ok(place.news(bytes, Stand::Running));
            }
            sleep_until(until.min(Instant::now() + PACE)).await;
        }
    }

    /// The Job is not there any more, and none of its pods runs.
    fn gone(&self, job: &Job) -> Stand {
        let cancelled = self
            .cancelled
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let outcome = if cancelled.contains(&job.key) {
            Outcome::Cancelled
        } else {
            Outcome::Unknown {
                why: format!(
                    "the Job {} was deleted before its end was seen: by somebody, or by the cluster",
                    name(job)
                ),
            }
        };
        ended(outcome, 0, Vec::new())
    }
}

/// The Job's name. A key has at most 40 characters of `[a-z0-9-]`, so this is a DNS label, unless
/// the key ends in a dash, which no key does.
fn name(job: &Job) -> String {
    format!("fb-{}", job.key)
}

/// Name and uid: a Job of the same name that is made later is another.
fn handle(there: &Batch) -> Handle {
    let meta = &there.metadata;
    Handle(format!(
        "{} {}",
        meta.name.as_deref().unwrap_or_default(),
        meta.uid.as_deref().unwrap_or_default()
    ))
}

fn uid(handle: &Handle) -> Option<&str> {
    let (_, uid) = handle.0.split_once(' ')?;
    Some(uid).filter(|uid| !uid.is_empty())
}

fn same(handle: &Handle, there: &Batch) -> bool {
    match (uid(handle), there.metadata.uid.as_deref()) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => true,
    }
}

/// The handle of a Job that is there already, when it is this run.
fn adopt(job: &Job, there: &Batch) -> Result<Handle, String> {
    let is = |map: &Option<BTreeMap<String, String>>, key: &str, want: &str| {
        map.as_ref().and_then(|m| m.get(key)).map(String::as_str) == Some(want)
    };
    let meta = &there.metadata;
    if is(&meta.labels, LABEL, &job.key) && is(&meta.annotations, SUBJECT, &job.subject) {
        return Ok(handle(there));
    }
    Err(format!(
        "there is a Job called {} that is not this run, or was agreed on otherwise; look at it, and \
         delete it if nobody needs it",
        name(job)
    ))
}

impl Target<'_> {
    /// The Job; `None`: the cluster says of this very name that there is none. The 404 of a load
    /// balancer, or of an address that is no cluster's, is an answer that is not understood.
    async fn look(&self, job: &Job) -> Result<Option<Batch>, Fault> {
        let name = name(job);
        match timeout(self.limit, self.jobs.get(&name)).await {
            Ok(Err(kube::Error::Api(status)))
                if status.code == 404
                    && status.reason == "NotFound"
                    && status.details.as_ref().is_some_and(|d| d.name == name) =>
            {
                Ok(None)
            }
            Ok(Err(fault)) => Err(self.fault(&fault)),
            Ok(Ok(there)) => Ok(Some(there)),
            Err(_) => Err(self.late()),
        }
    }

    /// The Job's pods, the oldest first.
    async fn pods(&self, job: &Job) -> Result<Vec<Pod>, Fault> {
        let params = ListParams::default().labels(&format!("{JOB_NAME}={}", name(job)));
        let mut pods = self.ask(self.pods.list(&params)).await?.items;
        pods.sort_by(|a, b| {
            let key = |p: &Pod| {
                let meta = &p.metadata;
                (
                    meta.creation_timestamp.as_ref().map(|t| t.0),
                    meta.name.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        Ok(pods)
    }

    async fn ask<T>(&self, call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Fault> {
        match timeout(self.limit, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(fault)) => Err(self.fault(&fault)),
            Err(_) => Err(self.late()),
        }
    }

    fn late(&self) -> Fault {
        Fault {
            why: format!("kubernetes {} did not answer in time", self.name),
            status: None,
            before: false,
        }
    }

    fn fault(&self, fault: &kube::Error) -> Fault {
        let (what, status, before) = match fault {
            kube::Error::Api(status) => {
                let words = wire::quoted(&status.message, &[]);
                let what = format!("answered {} {}: {words}", status.code, status.reason);
                (what, Some((status.code, status.reason.clone())), false)
            }
            kube::Error::Auth(_) => ("does not let firebell sign in".to_owned(), None, true),
            kube::Error::Service(inner) => {
                let words = wire::system_words(inner.as_ref());
                let words = words.map_or(String::new(), |w| format!(": {w}"));
                if connecting(inner.as_ref()) {
                    (format!("cannot be reached{words}"), None, true)
                } else {
                    (format!("broke off{words}"), None, false)
                }
            }
            kube::Error::SerdeError(_) => (
                "answers in a way firebell cannot read".to_owned(),
                None,
                false,
            ),
            _ => ("broke off".to_owned(), None, false),
        };
        Fault {
            why: format!("kubernetes {} {what}", self.name),
            status,
            before,
        }
    }
}

/// Whether the connection itself failed: then nothing was sent.
fn connecting(fault: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(fault);
    while let Some(fault) = cause {
        if let Some(client) = fault.downcast_ref::<hyper_util::client::legacy::Error>() {
            return client.is_connect();
        }
        cause = fault.source();
    }
    false
}

async fn client(cluster: &Cluster) -> Result<Client, String> {
    let title = format!("[kubernetes.{}]", cluster.name);
    let mut config = match &cluster.access {
        Access::Token {
            url,
            token,
            token_file,
        } => {
            let url = url.parse();
            let mut config =
                Config::new(url.map_err(|_| format!("`url` of {title} is no address"))?);
            match token_file.as_ref().and_then(|path| path.to_str()) {
                Some(path) => config.auth_info.token_file = Some(path.to_owned()),
                None => config.auth_info.token = Some(token.expose_secret().to_owned().into()),
            }
            config
        }
        Access::Kubeconfig { path, context } => {
            // Its errors name files and contexts, not what is in them.
            let unusable = |e| format!("`kubeconfig` of {title} cannot be used: {e}");
            let options = KubeConfigOptions {
                context: context.clone(),
                ..KubeConfigOptions::default()
            };
            let kubeconfig = Kubeconfig::read_from(path).map_err(unusable)?;
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
            config.map_err(unusable)?
        }
        Access::InCluster => Config::incluster()
            .map_err(|e| format!("{title} says in-cluster, and firebell is in none: {e}"))?,
    };
    // The client sends the file as it is. One that Kubernetes writes and renews has no line break; one that a
    // person wrote has, and stays as it is.
    let written = (config.auth_info.token_file.as_ref())
        .and_then(|path| std::fs::read_to_string(path).ok())
        .filter(|text| text.trim() != text.as_str());
    if let Some(text) = written {
        config.auth_info.token_file = None;
        config.auth_info.token = Some(text.trim().to_owned().into());
    }
    // Neither the environment's proxies nor repetitions behind firebell's back.
    config.proxy_url = match &cluster.way.proxy {
        None => None,
        Some(proxy) => Some(
            proxy
                .expose_secret()
                .parse()
                .map_err(|_| format!("`proxy` of {title} is no proxy's address"))?,
        ),
    };
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_millis(cluster.way.timeout_ms.unsigned_abs()));
    if let Some(path) = &cluster.way.extra_ca {
        config.root_cert_file = Some(path.clone());
    }
    Client::try_from(config).map_err(|_| format!("the way to {title} cannot be set up"))
}

/// Where a pod finds the token of its own account; a fact of Kubernetes, as its client has it.
const OWN_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Every secret that gives access this way.
fn signs_in_with(access: &Access) -> Vec<SecretString> {
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path).ok()?;
        Some(SecretString::from(text.trim().to_owned()))
    };
    match access {
        Access::Token {
            token, token_file, ..
        } => {
            let newest = token_file.as_deref().and_then(read);
            newest.into_iter().chain([token.clone()]).collect()
        }
        // Every user of the file: what belongs to another context is no less a secret.
        Access::Kubeconfig { path, .. } => {
            let file = Kubeconfig::read_from(path).ok();
            let users = file.into_iter().flat_map(|f| f.auth_infos);
            let all = users.filter_map(|u| u.auth_info).flat_map(|user| {
                let files = [user.token_file, user.client_key];
                let of_files = files.map(|f| f.as_deref().map(Path::new).and_then(read));
                let said = [user.token, user.password, user.client_key_data];
                said.into_iter().chain(of_files).flatten()
            });
            all.collect()
        }
        Access::InCluster => read(Path::new(OWN_TOKEN)).into_iter().collect(),
    }
}

impl Executor for KubernetesExecutor {
    /// What firebell signs in with, as it is now: it may have been replaced since the start. What a sign-in
    /// program of a kubeconfig hands out is read by the client alone and not known here.
    fn secrets(&self, job: &Job) -> Vec<SecretString> {
        let How::Kubernetes(run) = &job.action.how else {
            return Vec::new();
        };
        let known = self.clusters.get(&run.cluster);
        known.map_or_else(Vec::new, |k| signs_in_with(&k.cluster.access))
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
        Box::pin(self.news(job, handle, cursor))
    }

    fn cancel<'a>(&'a self, job: &'a Job, handle: &'a Handle) -> Answer<'a, Result<(), NoAnswer>> {
        Box::pin(async move {
            let target = self.target(job).await.map_err(|why| NoAnswer { why })?;
            let mut params = DeleteParams::background();
            params.preconditions = uid(handle).map(|uid| Preconditions {
                uid: Some(uid.to_owned()),
                resource_version: None,
            });
            match target.ask(target.jobs.delete(&name(job), &params)).await {
                Ok(_) => {
                    let mut cancelled = self
                        .cancelled
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    cancelled.insert(job.key.clone());
                    Ok(())
                }
                // Gone, or another Job of the name: there is nothing to stop.
                Err(fault) if fault.is(404) || fault.is(409) => Ok(()),
                Err(fault) => Err(fault.no_answer()),
            }
        })
    }

    fn reconcile<'a>(&'a self, job: &'a Job, _: Option<&'a Handle>) -> Answer<'a, Found> {
        Box::pin(async move {
            let target = match self.target(job).await {
                Ok(target) => target,
                Err(why) => return Found::NotNow { why },
            };
            match target.look(job).await {
                Ok(None) => Found::Absent,
                Ok(Some(there)) => match adopt(job, &there) {
                    Ok(handle) => Found::Here(handle),
                    Err(why) => Found::Unknowable { why },
                },
                Err(fault) => Found::NotNow { why: fault.why },
            }
        })
    }
}
