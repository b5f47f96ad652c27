//! A second opinion: the Kubernetes executor against `kmock`, an emulator of the API by the author
//! of Kopf, who does not know us. It needs a Python with `tests/judges/requirements.txt`.

use super::kubernetes_world::cluster;
use super::{Follow, job, patient, refused};
use crate::tools;
use firebell::core::directory::{How, KubernetesRun};
use firebell::core::incident::Outcome;
use firebell::run::port::{Executor, Found, Job, Stand, Start};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The Python of the judges, or `None` after saying that it is missing.
fn python() -> Option<PathBuf> {
    let own = std::env::var_os("FIREBELL_JUDGE_PYTHON").map(PathBuf::from);
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/judges/bin/python");
    let python = own.unwrap_or_else(usual);
    let asked = std::process::Command::new(&python)
        .args(["-c", "import kmock"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if asked.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    tools::skip("no Python with kmock (FIREBELL_JUDGE_PYTHON)");
    None
}

struct Judge {
    _child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    url: String,
}

impl Judge {
    async fn up() -> Option<Judge> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/kubernetes.py");
        let mut child = Command::new(python()?)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut judge = Judge {
            stdin: child.stdin.take().unwrap(),
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            url: String::new(),
            _child: child,
        };
        let first = judge.line().await;
        let url = first.strip_prefix("URL ").expect("its address");
        url.clone_into(&mut judge.url);
        Some(judge)
    }

    async fn line(&mut self) -> String {
        let line = patient("the judge", self.lines.next_line()).await;
        line.unwrap().expect("the judge has ended")
    }

    async fn tell(&mut self, what: Value) -> String {
        let line = format!("{what}\n");
        self.stdin.write_all(line.as_bytes()).await.unwrap();
        self.line().await
    }

    /// What it was asked, `METHOD path`.
    async fn asked(&mut self) -> Vec<String> {
        let said = self.tell(json!({"asked": true})).await;
        let pairs: Vec<(String, String)> =
            serde_json::from_str(said.strip_prefix("ASKED ").unwrap()).unwrap();
        pairs.into_iter().map(|(m, p)| format!("{m} {p}")).collect()
    }
}

fn a_job() -> Job {
    let run = KubernetesRun {
        cluster: "main".to_owned(),
        namespace: "runbooks".to_owned(),
        image: "registry.example/act:1".to_owned(),
        ..KubernetesRun::default()
    };
    job(How::Kubernetes(run), &["/bin/act"])
}

#[tokio::test]
async fn a_run_from_its_start_to_its_end() {
    let Some(mut judge) = Judge::up().await else {
        return;
    };
    let (job, executor) = (a_job(), cluster(&judge.url, "token"));
    let mut run = Follow::start(&executor, &job).await;
    let name = format!("fb-{}", job.key);
    // The same again is the same; the same name for something else is not.
    let again = patient("start", executor.start(&job)).await;
    assert_eq!(again, Start::Started(run.handle.clone()));
    let mut other = job.clone();
    other.subject = "something else".to_owned();
    refused(&patient("start", executor.start(&other)).await);
    let found = patient("reconcile", executor.reconcile(&job, None)).await;
    assert_eq!(found, Found::Here(run.handle.clone()));

    assert_eq!(run.look().await, Stand::Running, "no pod yet");
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "act-1", "namespace": "runbooks",
                     "creationTimestamp": "2026-01-01T00:00:00Z"},
        "status": {"phase": "Running", "containerStatuses": [{
            "name": "action", "image": "x", "imageID": "x", "ready": true, "restartCount": 0,
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        }]},
    });
    let text = "2026-01-01T00:00:00.5Z one\n2026-01-01T00:00:01.25Z two\n";
    judge.tell(json!({"log": "act-1", "text": text})).await;
    judge.tell(json!({"pod": pod})).await;
    run.wrote("one\ntwo\n").await;
    pod["status"] = json!({"phase": "Succeeded", "containerStatuses": [{
        "name": "action", "image": "x", "imageID": "x", "ready": false, "restartCount": 0,
        "state": {"running": null, "terminated": {
            "exitCode": 0, "reason": "Completed",
            "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:02Z",
        }},
    }]});
    judge.tell(json!({"pod": pod})).await;
    assert_eq!(
        run.look().await,
        Stand::Running,
        "the Job has not said so yet"
    );
    let over = json!({"conditions": [
        {"type": "SuccessCriteriaMet", "status": "True"},
        {"type": "Complete", "status": "True"},
    ]});
    judge.tell(json!({"job": name, "status": over})).await;
    let done = run.ended().await;
    assert_eq!(done.text, "one\ntwo\n", "the log was told once");
    assert_eq!(done.outcome, Outcome::Succeeded { exit: 0 });
    assert_eq!(done.duration_ms, 2000);

    let asked = judge.asked().await;
    let jobs = "/apis/batch/v1/namespaces/runbooks/jobs";
    let made = asked.iter().filter(|a| **a == format!("POST {jobs}"));
    assert_eq!(made.count(), 3, "{asked:?}");
    let allowed = [
        format!("POST {jobs}"),
        format!("GET {jobs}/{name}"),
        "GET /api/v1/namespaces/runbooks/pods".to_owned(),
        "GET /api/v1/namespaces/runbooks/pods/act-1/log".to_owned(),
    ];
    let strange: Vec<_> = asked.iter().filter(|a| !allowed.contains(a)).collect();
    assert!(
        strange.is_empty(),
        "beyond the rights it is documented to need: {strange:?}"
    );
}

#[tokio::test]
async fn a_cancel_deletes_the_job_and_an_answer_that_is_not_a_clusters_proves_nothing() {
    let Some(mut judge) = Judge::up().await else {
        return;
    };
    let (job, executor) = (a_job(), cluster(&judge.url, "token"));
    let run = Follow::start(&executor, &job).await;
    executor.cancel(&job, &run.handle).await.unwrap();
    // Again is harmless.
    executor.cancel(&job, &run.handle).await.unwrap();
    let path = format!("/apis/batch/v1/namespaces/runbooks/jobs/fb-{}", job.key);
    assert!(judge.asked().await.contains(&format!("DELETE {path}")));
    // kmock says 404 without the words of an API server.
    let found = patient("reconcile", executor.reconcile(&job, None)).await;
    assert!(matches!(found, Found::NotNow { .. }), "{found:?}");
}
