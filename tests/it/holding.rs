//! The real program, killed while the first page waits for a run that starts by itself: no page is skipped.

use crate::house::{Sink, organisation, write};
use crate::process::{Firebell, PATIENCE, pass, until};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the page waits: the shortest a file may say.
const HOLD: Duration = Duration::from_secs(10);
/// Surely before its end.
const BEFORE: Duration = Duration::from_secs(9);

const HEAL: &str = "schema = 1
title = \"Heal\"
class = \"remediation\"
idempotent = true
reversible = true
services = [\"checkout\"]
[run]
argv = [\"/bin/sleep\", \"120\"]
[limits]
timeout = \"2m\"
[auto]
level = \"before-page\"
delay = \"0s\"
clear-within = \"10s\"
";

const RULES: &str = "[[rule]]
id = \"people\"
effect = \"allow\"
who = [\"linked\"]
[[rule]]
id = \"heal\"
effect = \"allow\"
action = [\"heal\"]
auto = true
";

fn heals(folder: &Path) {
    write(folder, "actions/heal.toml", HEAL);
    write(folder, "rules.toml", RULES);
}

async fn fires(firebell: &Firebell) -> Instant {
    let alert = json!([{
        "labels": {"alertname": "Down", "service": "checkout", "severity": "warning"},
        "annotations": {"summary": "it is down"},
    }]);
    let at = Instant::now();
    firebell.post_ingest("/api/v2/alerts", &alert).await;
    at
}

/// Waits until the run is under way, and nobody was paged.
async fn is_held(firebell: &Firebell, sink: &Sink) {
    until("the run is under way", PATIENCE, async || {
        let runs = firebell.get_json("/api/v1/incidents/1/runs").await;
        match runs["items"][0]["state"].as_str() {
            Some("running") => Ok(()),
            state => Err(format!("{state:?}")),
        }
    })
    .await;
    assert!(sink.pages().is_empty(), "the page waits for the run");
}

async fn is_paged(sink: &Sink) {
    until("Ana is paged", PATIENCE, async || {
        if sink.pages().is_empty() {
            Err("no page")
        } else {
            Ok(())
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_waits_for_a_run_leaves_at_its_own_time_although_firebell_was_killed() {
    let sink = Sink::open().await;
    let folder = organisation(&sink, "[]", None);
    heals(folder.path());
    let mut firebell = Firebell::serve(folder.path()).await;
    let fired = fires(&firebell).await;
    is_held(&firebell, &sink).await;
    firebell.kill();
    firebell.restart().await;
    if fired.elapsed() < BEFORE {
        assert!(sink.pages().is_empty(), "a restart is no reason to page");
    }
    is_paged(&sink).await;
    let after = fired.elapsed();
    assert!(after >= BEFORE, "paged after {after:?}");
    let told = firebell.get_json("/api/v1/incidents/1/timeline").await;
    let told = told.to_string();
    assert!(told.contains("did not clear it in time"), "{told}");
    let runs = firebell.get_json("/api/v1/incidents/1/runs").await;
    assert_eq!(
        runs["items"].as_array().unwrap().len(),
        1,
        "and it ran once: {runs}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_whose_time_passed_while_firebell_was_dead_leaves_at_its_start() {
    let sink = Sink::open().await;
    let folder = organisation(&sink, "[]", None);
    heals(folder.path());
    let mut firebell = Firebell::serve(folder.path()).await;
    let fired = fires(&firebell).await;
    is_held(&firebell, &sink).await;
    firebell.kill();
    pass((HOLD + Duration::from_secs(1)).saturating_sub(fired.elapsed())).await;
    assert!(sink.pages().is_empty());
    firebell.restart().await;
    let up = Instant::now();
    is_paged(&sink).await;
    assert!(
        up.elapsed() < Duration::from_secs(8),
        "{:?} after its start",
        up.elapsed()
    );
}
