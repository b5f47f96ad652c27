//! Real senders: Prometheus straight to firebell, Prometheus through an Alertmanager, and amtool, with
//! the configuration files users get. A service goes down, its incident is lived through, it comes back.

mod silences;

use crate::house::{SOURCES, Sink, form, organisation, write};
use crate::process::{Firebell, PATIENCE, free_address, until};
use crate::tools;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use firebell::store::Store;
use reqwest::Client;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A real program on a port of its own. Killed when dropped; what it said is told when the test fails.
struct Daemon {
    address: String,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    async fn start(program: &Path, folder: &Path, args: &[&str]) -> Daemon {
        let address = free_address();
        let log = folder.join("log");
        let file = File::create(&log).unwrap();
        let mut command = Command::new(program);
        command.current_dir(folder).args(args);
        command.arg(format!("--web.listen-address={address}"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(file).spawn().unwrap();
        let daemon = Daemon {
            address,
            child,
            log,
        };
        let ready = format!("http://{}/-/ready", daemon.address);
        until("the daemon is ready", PATIENCE, async || {
            match client().get(&ready).send().await {
                Ok(answer) if answer.status().is_success() => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        daemon
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            eprintln!("{} said:\n{said}", self.log.display());
        }
    }
}

fn client() -> Client {
    Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

/// A service with `/metrics`, which can be down.
struct Target {
    address: String,
    up: Arc<AtomicBool>,
}

impl Target {
    async fn start() -> Target {
        let up = Arc::new(AtomicBool::new(true));
        let router = Router::new()
            .route("/metrics", get(metrics))
            .with_state(up.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Target { address, up }
    }

    fn up(&self, up: bool) {
        self.up.store(up, Ordering::SeqCst);
    }
}

async fn metrics(State(up): State<Arc<AtomicBool>>) -> Result<&'static str, StatusCode> {
    let up = up.load(Ordering::SeqCst);
    up.then_some("checkout_open_carts 3\n")
        .ok_or(StatusCode::SERVICE_UNAVAILABLE)
}

/// A shipped file with these pieces replaced; each must be there, or the file is not the one tested.
fn shipped(name: &str, changes: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    let mut text = std::fs::read_to_string(path.join(name)).unwrap();
    for (from, to) in changes {
        assert!(
            text.contains(from),
            "deploy/prometheus/{name} has no {from:?}"
        );
        text = text.replace(from, to);
    }
    text
}

fn token(source: &str) -> &'static str {
    SOURCES.iter().find(|(name, _)| *name == source).unwrap().1
}

/// Prometheus on the shipped files, sending to `receiver` and scraping the target and firebell.
async fn prometheus(
    program: &Path,
    folder: &Path,
    receiver: &str,
    target: &Target,
    firebell: &str,
) -> Daemon {
    let targets = format!("targets: [\"{}\"]", target.address);
    let text = shipped(
        "prometheus.yml",
        &[
            // An answer may take as long as this, also from a machine that does many things at once.
            ("scrape_interval: 15s", "scrape_interval: 2s"),
            ("evaluation_interval: 15s", "evaluation_interval: 200ms"),
            ("targets: [\"web-1:9100\", \"web-2:9100\"]", &targets),
            (
                "        - targets: [\"127.0.0.1:8080\"]\n\nscrape",
                &format!("        - targets: [\"{receiver}\"]\n\nscrape"),
            ),
            ("127.0.0.1:8080", firebell),
        ],
    );
    write(folder, "prometheus.yml", &text);
    write(
        folder,
        "rules.yml",
        &shipped("rules.yml", &[("for: 1m", "for: 0s")]),
    );
    write(folder, "ingest-token", token("prometheus"));
    Daemon::start(
        program,
        folder,
        &["--config.file=prometheus.yml", "--storage.tsdb.path=data"],
    )
    .await
}

async fn alertmanager(program: &Path, folder: &Path, firebell: &str) -> Daemon {
    let text = shipped(
        "alertmanager.yml",
        &[
            ("group_wait: 5s", "group_wait: 100ms"),
            ("group_interval: 30s", "group_interval: 500ms"),
            ("127.0.0.1:8080", firebell),
        ],
    );
    write(folder, "alertmanager.yml", &text);
    write(folder, "ingest-token", token("alertmanager"));
    let args = [
        "--config.file=alertmanager.yml",
        "--storage.path=data",
        "--cluster.listen-address=",
    ];
    Daemon::start(program, folder, &args).await
}

/// What a story happens in.
struct Story {
    firebell: Firebell,
    sink: Sink,
    target: Target,
    folder: TempDir,
}

impl Story {
    async fn begin() -> Story {
        let sink = Sink::open().await;
        let folder = organisation(&sink, "[\"alertname\", \"service\"]", None);
        Story {
            firebell: Firebell::serve(folder.path()).await,
            target: Target::start().await,
            sink,
            folder,
        }
    }

    fn address(&self) -> String {
        self.firebell.url().trim_start_matches("http://").to_owned()
    }

    async fn incident(&self) -> Value {
        let list = self.firebell.get_json("/api/v1/incidents?status=all").await;
        let items = list["items"].as_array().unwrap();
        assert!(items.len() <= 1, "one outage is one incident: {list}");
        items.first().cloned().unwrap_or_default()
    }

    async fn status(&self, want: &str) -> Value {
        until(want, PATIENCE, async || {
            let incident = self.incident().await;
            if incident["status"] == want {
                Ok(incident)
            } else {
                Err(incident)
            }
        })
        .await
    }

    async fn paged(&self) {
        until("Ana is paged on both contacts", PATIENCE, async || {
            let all = self
                .firebell
                .get_json("/api/v1/incidents/1/deliveries")
                .await;
            let items = all["items"].as_array().unwrap();
            let done = |contact: &str| {
                items.iter().any(|d| {
                    d["lane"] == "page"
                        && d["target"] == "ana"
                        && d["detail"] == contact
                        && d["state"] == "done"
                })
            };
            if done("console") && done("webhook") {
                Ok(())
            } else {
                Err(all)
            }
        })
        .await;
        let pages = self.sink.pages();
        assert_eq!(pages.len(), 1, "{pages:?}");
        assert_eq!(pages[0]["person"]["id"], "ana");
        assert_eq!(pages[0]["alerts"][0]["name"], "TargetDown");
    }

    async fn room(&self) {
        let url = format!(
            "sqlite:{}",
            self.folder.path().join("data/firebell.db").display()
        );
        let store = Store::open(&url).await.unwrap();
        until("a room is opened", PATIENCE, async || {
            let rooms = store.rooms(100).await.unwrap();
            let found = rooms.iter().any(|r| r.incident.is_some_and(|i| i.0 == 1));
            if found { Ok(()) } else { Err(rooms) }
        })
        .await;
    }

    /// Asked by one, approved by another, done.
    async fn run(&self) {
        form(&self.firebell, "ana", "/incidents/1/run/restart", &[]).await;
        let fields = [("incident", "1"), ("press", "approve:1"), ("as_of", "1")];
        form(&self.firebell, "bo", "/press", &fields).await;
        until("the run has ended", PATIENCE, async || {
            let runs = self.firebell.get_json("/api/v1/incidents/1/runs").await;
            if runs["items"][0]["state"] == "succeeded" {
                Ok(())
            } else {
                Err(runs)
            }
        })
        .await;
    }

    /// From the outage to its postmortem.
    async fn live_through(&self, source: &str) {
        self.target.up(false);
        let incident = self.status("triggered").await;
        assert_eq!(incident["service"], "checkout");
        assert_eq!(
            (&incident["major"], &incident["severity"]),
            (&true.into(), &"sev1".into())
        );
        self.paged().await;
        self.room().await;
        self.firebell
            .post_api("/api/v1/incidents/1/acknowledge", &serde_json::json!({}))
            .await;
        self.run().await;
        self.target.up(true);
        self.status("resolved").await;
        let alerts = self.firebell.get_json("/api/v1/alerts?status=all").await;
        let alerts = alerts["items"].as_array().unwrap();
        assert_eq!(alerts.len(), 1, "repeats are not alerts: {alerts:?}");
        assert_eq!(alerts[0]["source"], source);
        assert_eq!(
            alerts[0]["labels"]["instance"],
            self.target.address.as_str()
        );
        self.postmortem(source).await;
    }

    async fn postmortem(&self, source: &str) {
        let path = "/api/v1/incidents/1/postmortem";
        let told = self.firebell.get_json(path).await;
        assert_eq!(told["status"], "resolved");
        assert_eq!(told["alerts"][0]["source"], source);
        assert!(told["alerts"][0]["cleared_at"].is_string(), "{told}");
        let pages = told["pages"].as_array().unwrap();
        assert!(
            pages.len() >= 2 && pages.iter().all(|p| p["person"] == "ana"),
            "{told}"
        );
        assert_eq!(told["actions"][0]["argv"][1], "restarted");
        assert_eq!(told["actions"][0]["approved_by"][0], "Bo");
        assert!(told["dates"]["acknowledged"].is_object(), "{told}");
        let durations = told["durations"].as_object().unwrap();
        assert!(durations.values().any(Value::is_number), "{told}");
        let page = self.firebell.get_text(&format!("{path}?format=md")).await;
        for part in [
            "TargetDown",
            "Ana",
            "cknowledged",
            "restarted",
            "Bo",
            "tests",
        ] {
            assert!(page.contains(part), "no {part:?} in\n{page}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_seen_by_prometheus_is_paged_handled_and_resolved() {
    let Some(program) = tools::need("prometheus") else {
        return;
    };
    let story = Story::begin().await;
    let (scratch, firebell) = (tempfile::tempdir().unwrap(), story.address());
    let sender = prometheus(
        &program,
        scratch.path(),
        &firebell,
        &story.target,
        &firebell,
    )
    .await;
    scrapes(&sender).await;
    story.live_through("prometheus").await;
}

/// Prometheus understands what firebell counts of itself.
async fn scrapes(sender: &Daemon) {
    let url = format!("http://{}/api/v1/query", sender.address);
    for query in ["up{job=\"firebell\"} == 1", "up{job=\"checkout\"} == 1"] {
        until(query, PATIENCE, async || {
            let request = client().get(&url).query(&[("query", query)]);
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            let found = answer["data"]["result"].as_array().map_or(0, Vec::len);
            if found == 1 { Ok(()) } else { Err(answer) }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_that_comes_through_an_alertmanager_is_paged_handled_and_resolved() {
    let (Some(program), Some(between)) = (
        tools::need("prometheus"),
        tools::need("prometheus-alertmanager"),
    ) else {
        return;
    };
    let story = Story::begin().await;
    let (scratch, firebell) = (tempfile::tempdir().unwrap(), story.address());
    let folder = tempfile::tempdir().unwrap();
    let between = alertmanager(&between, folder.path(), &firebell).await;
    let receiver = &between.address;
    let sender = prometheus(&program, scratch.path(), receiver, &story.target, &firebell).await;
    scrapes(&sender).await;
    story.live_through("alertmanager").await;
}

/// One call of amtool with this client configuration; what it printed.
fn amtool(program: &Path, firebell: &Firebell, config: &Path, args: &[&str]) -> String {
    let output = Command::new(program)
        .arg(format!("--alertmanager.url={}", firebell.url()))
        .arg(format!("--http.config.file={}", config.display()))
        .args(args)
        .env("HOME", config.parent().unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "amtool {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amtool_adds_and_finds_alerts_with_either_kind_of_credentials() {
    let Some(program) = tools::need("amtool") else {
        return;
    };
    let story = Story::begin().await;
    let scratch = tempfile::tempdir().unwrap();
    let token = token("prometheus");
    let configs = [
        (
            "bearer",
            format!("authorization:\n  type: Bearer\n  credentials: {token}\n"),
        ),
        (
            "basic",
            format!("basic_auth:\n  username: firebell\n  password: {token}\n"),
        ),
    ];
    for (name, config) in configs {
        write(scratch.path(), name, &config);
        let config = scratch.path().join(name);
        let call = |args: &[&str]| amtool(&program, &story.firebell, &config, args);
        let label = format!("way={name}");
        call(&[
            "alert",
            "add",
            "Manual",
            &label,
            "service=checkout",
            "--annotation=summary=by hand",
        ]);
        let found = call(&["alert", "query", "-o", "json", "alertname=Manual", &label]);
        let found: Value = serde_json::from_str(&found).unwrap();
        assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
        assert_eq!(found[0]["annotations"]["summary"], "by hand");
        assert_eq!(found[0]["status"]["state"], "active");
        let table = call(&["alert", "query"]);
        assert!(table.contains("Manual"), "{table}");
    }
    let paged = Duration::from_secs(10);
    until("the alert by hand pages", paged, async || {
        let pages = story.sink.pages();
        if pages.is_empty() {
            Err("no page")
        } else {
            Ok(())
        }
    })
    .await;
}
