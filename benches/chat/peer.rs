//! Alertmanager, telling a Slack webhook of the same alerts on the same machine.

use crate::bell::Sent;
use crate::it::process::{PATIENCE, free_address, until};
use crate::tally::{self, Spread};
use crate::tools;
use crate::wire::name;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use reqwest::Client;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

type Got = Arc<Mutex<Vec<(Instant, String)>>>;

/// Ends with the benchmark.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How long it took until each alert was told of; `None` without Alertmanager on this machine.
pub async fn run(rate: u32, alerts: usize) -> Option<Spread> {
    let program = tools::need("prometheus-alertmanager")?;
    let got = Got::default();
    let hook = receiver(got.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "route: {{receiver: chat, group_by: [alertname], group_wait: 0s}}\n\
         receivers: [{{name: chat, slack_configs: [{{api_url: \"{hook}\", channel: \"#c\", send_resolved: false}}]}}]\n"
    );
    std::fs::write(folder.path().join("am.yml"), config).unwrap();
    let address = free_address();
    let mut command = Command::new(program);
    command.current_dir(folder.path());
    command.args([
        "--config.file=am.yml",
        "--storage.path=data",
        "--cluster.listen-address=",
    ]);
    command.arg(format!("--web.listen-address={address}"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _running = Running(command.spawn().unwrap());
    let client = Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .unwrap();
    let ready = format!("http://{address}/-/ready");
    until("Alertmanager is ready", PATIENCE, async || {
        let answer = client.get(&ready).send().await;
        answer
            .is_ok_and(|a| a.status().is_success())
            .then_some(())
            .ok_or("not yet")
    })
    .await;
    let begin = Instant::now();
    let mut sent = BTreeMap::new();
    for n in 0..alerts {
        tally::until(begin + Duration::from_secs(1) / rate * u32::try_from(n).unwrap()).await;
        let name = name(n);
        let body = json!([{"labels": {"alertname": name, "severity": "warning"}, "annotations": {"summary": "it is bad"}}]);
        let request = client
            .post(format!("http://{address}/api/v2/alerts"))
            .json(&body);
        let at = Sent::now();
        assert!(request.send().await.unwrap().status().is_success());
        sent.insert(name, at);
    }
    tally::pass(Duration::from_secs(2)).await;
    let told = got.lock().unwrap().clone();
    let told = told.into_iter().map(|(at, body)| (body, at));
    Some(crate::wire::firsts(&sent, told, |sent, at| at - sent.at))
}

/// A webhook that takes everything; its address.
async fn receiver(got: Got) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let take = async |State(got): State<Got>, body: Bytes| {
        let at = Instant::now();
        let text = String::from_utf8_lossy(&body).into_owned();
        got.lock().unwrap().push((at, text));
        "ok"
    };
    let router = Router::new().route("/hook", post(take)).with_state(got);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}
