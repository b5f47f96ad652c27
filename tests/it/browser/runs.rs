//! The life of a run in two browsers: asked for, approved by somebody else, carried out, undone; and one of
//! which nobody knows how it went. Every page of it fits a desk and a phone.

use super::driver::{Driver, Screen, Tab};
use crate::house::{Sink, organisation, write};
use crate::process::{Firebell, PATIENCE, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::path::Path;

const ACTIONS: [(&str, &str); 5] = [
    (
        "actions/web-drain.toml",
        "schema = 1\ntitle = \"Take a web server out\"\nabout = \"Out of the load balancer of checkout.\"\n\
         class = \"remediation\"\nservices = [\"checkout\"]\ncheck = \"web-pool\"\n\
         [[arg]]\nname = \"host\"\nhelp = \"Which.\"\ntype = \"enum\"\nvalues = [\"web-7\", \"web-8\"]\n\
         [run]\nargv = [\"/bin/sh\", \"-c\", \"echo $0 marked down; sleep 3; echo 12 connections left\", \"{host}\"]\n\
         dry-run = [\"/bin/echo\", \"would mark {host} down\"]\n\
         [approval]\ncount = 1\nroles = [\"responder\"]\n\
         [rollback]\naction = \"web-undrain\"\nargs = { host = \"{host}\" }\n",
    ),
    (
        "actions/web-undrain.toml",
        "schema = 1\ntitle = \"Put a web server back\"\nclass = \"remediation\"\nservices = [\"checkout\"]\n\
         [[arg]]\nname = \"host\"\ntype = \"enum\"\nvalues = [\"web-7\", \"web-8\"]\n\
         [run]\nargv = [\"/bin/echo\", \"{host} is up\"]\n",
    ),
    (
        "actions/web-pool.toml",
        "schema = 1\ntitle = \"Show the pool\"\nclass = \"diagnostic\"\nservices = [\"checkout\"]\n\
         [run]\nargv = [\"/bin/echo\", \"web-7 is down, 5 others are up\"]\n",
    ),
    (
        "actions/flush.toml",
        "schema = 1\ntitle = \"Flush the cache\"\nclass = \"remediation\"\nservices = [\"checkout\"]\ncheck = \"web-pool\"\n\
         [run]\nargv = [\"/bin/sleep\", \"300\"]\n",
    ),
    (
        "rules.toml",
        "[[rule]]\nid = \"people\"\neffect = \"allow\"\nwho = [\"linked\"]\n",
    ),
];

async fn state_of(firebell: &Firebell, run: i64, state: &str) {
    until(state, PATIENCE, async || {
        // A press of a button has not arrived yet when the first look is.
        let runs = firebell.get_json("/api/v1/incidents/1/runs").await;
        let mut found = runs["items"].as_array().unwrap().iter();
        match found.find(|r| r["id"] == run) {
            Some(now) if now["state"] == state => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

/// A part of the page as a picture of the gallery, with `UPDATE=1`.
async fn gallery(tab: &Tab, css: &str, name: &str) {
    if std::env::var("UPDATE").is_ok() {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/messages/gallery");
        // Alone at the top of the page, where nothing lies over it.
        tab.js(&format!(
            "document.querySelectorAll('.toasts').forEach(t => t.style.display = 'none');
             const copy = document.querySelector('{css}').cloneNode(true);
             copy.id = 'picture';
             copy.style.cssText = 'width:44rem;max-width:none';
             document.querySelector('main').prepend(copy);
             scrollTo(0, 0);"
        ))
        .await;
        let picture = tab.find("#picture").await.screenshot().await.unwrap();
        tab.js("document.querySelector('#picture').remove();
             document.querySelectorAll('.toasts').forEach(t => t.style.display = '');")
            .await;
        std::fs::write(home.join(format!("{name}-console.png")), picture).unwrap();
    }
}

/// Looks at the pages of a run on both screens.
async fn in_order(tabs: [&Tab; 2], path: &str, name: &str) {
    for tab in tabs {
        tab.goto(path).await;
        tab.sees("main", "").await;
        tab.fits_the_screen(path).await;
        tab.shoot(name).await;
    }
}

async fn start() -> (Firebell, tempfile::TempDir, Sink) {
    let sink = Sink::open().await;
    let folder = organisation(&sink, "[]", None);
    let main = std::fs::read_to_string(folder.path().join("firebell.toml")).unwrap();
    write(
        folder.path(),
        "firebell.toml",
        &format!("{main}[audit]\nreaders = [\"responder\"]\n"),
    );
    std::fs::remove_file(folder.path().join("actions/restart.toml")).unwrap();
    std::fs::remove_file(folder.path().join("actions/slow.toml")).unwrap();
    for (name, text) in ACTIONS {
        write(folder.path(), name, text);
    }
    let firebell = Firebell::serve(folder.path()).await;
    let alert = json!([{
        "labels": {"alertname": "HighErrorRate", "service": "checkout", "severity": "warning", "env": "prod"},
        "annotations": {"summary": "one request in ten is answered 502"},
    }]);
    firebell.post_ingest("/api/v2/alerts", &alert).await;
    (firebell, folder, sink)
}

#[tokio::test]
async fn a_run_is_asked_for_approved_by_a_second_person_run_and_undone() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let (firebell, _folder, _sink) = start().await;
    let base = firebell.url();
    let ana = driver.open("ana", Screen::Desktop, &base).await;
    ana.pick("ana").await;
    let bo = driver.open("bo", Screen::Phone, &base).await;
    bo.pick("bo").await;
    let home = "/incidents/1";
    in_order([&ana, &bo], home, "run-offers").await;
    ana.goto(home).await;
    ana.press("More…").await;
    ana.sees(".card", "Run: Take a web server out").await;
    gallery(&ana, ".card", "offers").await;

    // Looking first: nobody has to agree to that.
    in_order([&bo, &ana], "/incidents/1/run/web-drain?dry=yes", "run-dry").await;
    ana.submit("Dry run").await;
    state_of(&firebell, 1, "succeeded").await;
    ana.goto(home).await;
    ana.sees("#run-1", "would mark web-7 down").await;
    ana.sees("#run-1", "it looks and changes nothing").await;

    in_order([&bo, &ana], "/incidents/1/run/web-drain", "run-form").await;
    ana.press("Show me exactly what runs").await;
    ana.sees("main", "Its dry run is exactly this").await;
    ana.fits_the_screen("confirm").await;
    ana.shoot("run-confirm").await;
    ana.submit("Ask for approval").await;
    state_of(&firebell, 2, "asked").await;
    in_order([&bo, &ana], home, "run-waits").await;
    ana.sees("#run-2", "Waits for somebody else to approve.")
        .await;
    gallery(&ana, "#run-2", "waits").await;
    ana.mark().await;
    bo.click("#run-2 .button.primary").await;
    state_of(&firebell, 2, "running").await;
    ana.sees("#run-2", "web-7 marked down").await;
    ana.is_still_marked().await;
    ana.shoot("run-live").await;
    state_of(&firebell, 2, "succeeded").await;
    ana.sees("#run-2", "12 connections left").await;
    in_order([&bo, &ana], home, "run-over").await;

    ana.sees(".card", "").await;
    ana.press("More…").await;
    gallery(&ana, ".card", "undo").await;
    ana.press("Undo run-2").await;
    state_of(&firebell, 3, "asked").await;
    ana.goto(home).await;
    ana.sees("#run-3", "web-7").await;
    ana.click("#run-3 .button.primary").await;
    state_of(&firebell, 3, "succeeded").await;
    ana.sees("#run-3", "web-7 is up").await;
    in_order([&bo, &ana], "/audit", "audit").await;
    for (kind, words) in [
        ("dry_run", "dry run"),
        ("run_approved", "approved"),
        ("run_released", "released"),
    ] {
        ana.sees(&format!("main tr[data-kind={kind}]"), words).await;
    }
    for tab in [&ana, &bo] {
        tab.has_no_complaints().await;
    }
}

/// Its shim is gone, as when the machine went down.
fn loses_its_shim(folder: &Path) {
    let runs = std::fs::read_dir(folder.join("data/runs"))
        .unwrap()
        .flatten();
    let claims = runs.map(|e| e.path().join("claim")).filter(|p| p.exists());
    for claim in claims.filter(|c| !c.with_file_name("result.json").exists()) {
        let claim: Value = serde_json::from_str(&std::fs::read_to_string(claim).unwrap()).unwrap();
        let pid = i32::try_from(claim["pid"].as_i64().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }
}

#[tokio::test]
async fn an_outcome_nobody_knows_is_looked_at_and_settled_with_a_note() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let (mut firebell, folder, _sink) = start().await;
    let base = firebell.url();
    let ana = driver.open("ana", Screen::Desktop, &base).await;
    ana.pick("ana").await;
    let bo = driver.open("bo", Screen::Phone, &base).await;
    bo.pick("bo").await;
    ana.goto("/incidents/1/run/flush").await;
    ana.press("Show me exactly what runs").await;
    ana.submit("Run it now").await;
    state_of(&firebell, 1, "running").await;
    firebell.kill();
    loses_its_shim(folder.path());
    firebell.restart().await;
    state_of(&firebell, 1, "unknown").await;
    let home = "/incidents/1";
    in_order([&bo, &ana], home, "run-unknown").await;
    ana.sees("#run-1", "It may or may not have run").await;
    ana.write("#how-1", "I looked at").await;
    ana.click("#run-1 .button.primary").await;
    state_of(&firebell, 2, "succeeded").await;
    ana.sees("#run-1", "web-7 is down, 5 others are up").await;
    // What was half written is there, although the part was drawn anew.
    ana.write("#how-1", " the pool").await;
    gallery(&ana, "#run-1", "unknown").await;
    ana.shoot("run-checked").await;
    ana.click("#run-1 button[value=worked]").await;
    ana.sees("#run-1", "looked: it worked").await;
    let told = firebell
        .get_json("/api/v1/incidents/1/timeline")
        .await
        .to_string();
    assert!(told.contains("I looked at the pool"), "{told}");
    in_order([&bo, &ana], home, "run-settled").await;
}
