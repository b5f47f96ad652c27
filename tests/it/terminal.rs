//! Runs from a terminal: asked for, stopped, settled, as the person whose token it is.

use crate::house::{Sink, organisation, write};
use crate::process::{Firebell, PATIENCE, program, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

const TOKEN: &str = "33333333333333333333333333333333";

const DRAIN: &str = "schema = 1
title = \"Drain\"
class = \"remediation\"
services = [\"*\"]
check = \"pool\"
[[arg]]
name = \"host\"
type = \"enum\"
values = [\"web-1\", \"web-2\"]
[run]
argv = [\"/bin/sleep\", \"300\"]
dry-run = [\"/bin/echo\", \"would drain {host}\"]
";

/// What looks whether it is out.
const POOL: &str = "schema = 1
title = \"Pool\"
class = \"diagnostic\"
services = [\"*\"]
[[arg]]
name = \"host\"
type = \"enum\"
values = [\"web-1\", \"web-2\"]
[run]
argv = [\"/bin/echo\", \"{host} is in the pool\"]
";

/// A firebell with one incident, `drain`, and a token of Ana's.
async fn burning() -> (Firebell, tempfile::TempDir, Sink) {
    let sink = Sink::open().await;
    let folder = organisation(&sink, "[]", None);
    let main = std::fs::read_to_string(folder.path().join("firebell.toml")).unwrap();
    let tokens = format!(
        "{main}\n[[tokens]]\nname = \"ana-laptop\"\ntoken = \"file:secrets/ana\"\nperson = \"ana\"\n"
    );
    write(folder.path(), "firebell.toml", &tokens);
    write(folder.path(), "secrets/ana", TOKEN);
    write(folder.path(), "actions/drain.toml", DRAIN);
    write(folder.path(), "actions/pool.toml", POOL);
    let firebell = Firebell::serve(folder.path()).await;
    let alert = json!([{
        "labels": {"alertname": "Down", "service": "checkout", "severity": "critical"},
    }]);
    firebell.post_ingest("/api/v2/alerts", &alert).await;
    (firebell, folder, sink)
}

fn says(firebell: &Firebell, args: &[&str]) -> Output {
    let mut command = program();
    command.args(args).args(["--url", &firebell.url()]);
    command.env("FIREBELL_TOKEN", TOKEN).output().unwrap()
}

fn text(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(both).unwrap()
}

async fn run_is(firebell: &Firebell, run: i64, state: &str) -> Value {
    let path = format!("/api/v1/runs/{run}");
    until(state, PATIENCE, async || {
        let now = firebell.get_json(&path).await;
        if now["state"] == state {
            Ok(now)
        } else {
            Err(now["state"].to_string())
        }
    })
    .await
}

/// The number of the run a command told of: `run-7 waits: …`.
fn told(output: &Output) -> i64 {
    let said = text(output);
    let from = said.rfind("run-").unwrap_or_else(|| panic!("{said}"));
    let digits: String = said[from + 4..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap_or_else(|_| panic!("{said}"))
}

/// Asked for, approved and running.
async fn running(firebell: &Firebell) -> i64 {
    let asked = says(
        firebell,
        &["run", "#1", "drain", "host=web-1", "--reason", "it hangs"],
    );
    assert!(asked.status.success(), "{}", text(&asked));
    assert!(
        text(&asked).contains("waits: `firebell approve run-"),
        "{}",
        text(&asked)
    );
    let run = told(&asked);
    let subject = run_is(firebell, run, "asked").await["subject"]
        .as_str()
        .unwrap()
        .to_owned();
    let name = format!("run-{run}");
    let yes = says(
        firebell,
        &["approve", &name, "--yes", "--subject", &subject],
    );
    assert!(yes.status.success(), "{}", text(&yes));
    run_is(firebell, run, "running").await;
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_and_a_stop_from_a_terminal() {
    let (firebell, _folder, _sink) = burning().await;
    let dry = says(&firebell, &["run", "1", "drain", "host=web-2", "--dry-run"]);
    assert!(dry.status.success(), "{}", text(&dry));
    let over = run_is(&firebell, told(&dry), "succeeded").await;
    assert_eq!(
        (&over["output"], &over["dry_run"]),
        (&json!("would drain web-2\n"), &json!(true))
    );
    let wrong = says(&firebell, &["run", "1", "drain", "host=db-1"]);
    assert!(
        !wrong.status.success() && text(&wrong).contains("`host` cannot be"),
        "{}",
        text(&wrong)
    );
    let run = running(&firebell).await;
    let name = format!("run-{run}");
    let stopped = says(&firebell, &["stop", &name]);
    assert!(stopped.status.success(), "{}", text(&stopped));
    run_is(&firebell, run, "cancelled").await;
    let late = says(&firebell, &["stop", &name]);
    assert!(
        !late.status.success() && text(&late).contains("is over: cancelled"),
        "{}",
        text(&late)
    );
    let nobody = program()
        .args(["stop", &name, "--url", &firebell.url()])
        .output()
        .unwrap();
    assert!(
        !nobody.status.success() && text(&nobody).contains("no token"),
        "{}",
        text(&nobody)
    );
}

/// The machine went down while it ran: its shim is gone without a result.
fn loses_its_shim(folder: &Path) {
    let runs = std::fs::read_dir(folder.join("data/runs"))
        .unwrap()
        .flatten();
    let claims = runs.map(|e| e.path().join("claim")).filter(|p| p.exists());
    for claim in claims.filter(|c| !c.with_file_name("result.json").exists()) {
        let text = std::fs::read_to_string(claim).unwrap();
        let claim: Value = serde_json::from_str(&text).unwrap();
        let pid = i32::try_from(claim["pid"].as_i64().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_outcome_is_settled_from_a_terminal_with_a_note_and_once() {
    let (mut firebell, folder, _sink) = burning().await;
    let run = running(&firebell).await;
    let name = format!("run-{run}");
    let early = says(&firebell, &["settle", &name, "worked"]);
    assert!(
        !early.status.success() && text(&early).contains("is not over"),
        "{}",
        text(&early)
    );
    firebell.kill();
    loses_its_shim(folder.path());
    firebell.restart().await;
    let unknown = run_is(&firebell, run, "unknown").await;
    assert!(unknown["settled_good"].is_null(), "{unknown}");
    let look = says(&firebell, &["look", &name]);
    assert!(look.status.success(), "{}", text(&look));
    let saw = run_is(&firebell, told(&look), "succeeded").await;
    assert_eq!(
        (&saw["output"], &saw["checks"]),
        (&json!("web-1 is in the pool\n"), &json!(run))
    );
    let settled = says(
        &firebell,
        &["settle", &name, "failed", "--note", "still in the pool"],
    );
    assert!(settled.status.success(), "{}", text(&settled));
    let now = run_is(&firebell, run, "unknown").await;
    assert_eq!(
        (&now["settled_good"], &now["settled_by"]),
        (&json!(false), &json!("Ana"))
    );
    let timeline = firebell
        .get_json("/api/v1/incidents/1/timeline")
        .await
        .to_string();
    assert!(timeline.contains("still in the pool"), "{timeline}");
    let again = says(&firebell, &["settle", &name, "worked"]);
    assert!(
        !again.status.success() && text(&again).contains("already settled"),
        "{}",
        text(&again)
    );
    let known = says(&firebell, &["look", &name]);
    assert!(
        !known.status.success() && text(&known).contains("has no unknown outcome"),
        "{}",
        text(&known)
    );
}
