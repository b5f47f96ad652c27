//! The real program, killed or robbed of its database at the worst moments: what it has answered for
//! is there afterwards, and what it cannot keep it does not take.

use crate::house::{Sink, form, organisation};
use crate::postgres;
use crate::process::{Firebell, PATIENCE, until};
use crate::store::on_both;
use firebell::store::Store;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection, Executor, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// Alerts of the storm, and connections they come over.
const ALERTS: usize = 300;
const CONNECTIONS: usize = 8;
/// Requests one receiver is sent at a time at most: what a crash may make it hear twice.
const IN_FLIGHT: usize = 64;

fn client() -> Client {
    Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

fn alert(n: usize, severity: &str) -> Value {
    json!([{
        "labels": {"alertname": "Crash", "service": "checkout", "severity": severity, "n": n.to_string()},
        "annotations": {"summary": format!("number {n}")},
    }])
}

/// Posts one alert as Prometheus does; the status, or none when nobody answered.
async fn fire(client: &Client, firebell: &Door, n: usize, severity: &str) -> Option<StatusCode> {
    let request = client.post(format!("{}/api/v2/alerts", firebell.url));
    let request = request
        .bearer_auth(&firebell.token)
        .json(&alert(n, severity));
    Some(request.send().await.ok()?.status())
}

/// What a sender needs to know; outlives the process behind it.
#[derive(Clone)]
struct Door {
    url: String,
    token: String,
}

impl Door {
    fn of(firebell: &Firebell) -> Door {
        Door {
            url: firebell.url(),
            token: firebell.ingest_token(),
        }
    }
}

/// Every alert firebell knows: its number and its incident.
async fn known(firebell: &Firebell) -> BTreeMap<usize, i64> {
    let mut known = BTreeMap::new();
    for page in 1.. {
        let list = firebell
            .get_json(&format!("/api/v1/alerts?limit=100&page={page}"))
            .await;
        for item in list["items"].as_array().unwrap() {
            let n = item["labels"]["n"].as_str().unwrap().parse().unwrap();
            known.insert(n, item["incident"].as_i64().unwrap());
        }
        if list["total"].as_i64().unwrap() <= page * 100 {
            break;
        }
    }
    known
}

async fn kinds(firebell: &Firebell, id: i64) -> Vec<String> {
    let timeline = firebell
        .get_json(&format!("/api/v1/incidents/{id}/timeline"))
        .await;
    let items = timeline["items"].as_array().unwrap();
    items
        .iter()
        .map(|i| {
            format!(
                "{}: {}",
                i["kind"].as_str().unwrap(),
                i["text"].as_str().unwrap()
            )
        })
        .collect()
}

/// What was said in every room of the console, room by room.
async fn said(folder: &std::path::Path) -> Vec<(String, String)> {
    let url = format!("sqlite:{}", folder.join("data/firebell.db").display());
    let store = Store::open(&url).await.unwrap();
    let mut said = Vec::new();
    for room in store.rooms(100).await.unwrap() {
        for post in store.posts(room.id, i64::MAX, 1000).await.unwrap() {
            said.push((room.name.clone(), format!("{} {}", post.key, post.text)));
        }
    }
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_with_200_is_there_after_a_kill_and_pages() {
    let seed = std::env::var("FIREBELL_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("FIREBELL_SEED={seed}");
    let kill_after = fastrand::Rng::with_seed(seed).usize(1..ALERTS - CONNECTIONS);
    on_both(async |database| storm(&database.url, kill_after).await).await;
}

/// Kills firebell after this many answers and looks for what they promised.
async fn storm(database: &str, kill_after: usize) {
    let sink = Sink::open().await;
    let folder = organisation(&sink, "[]", Some(database));
    let mut firebell = Firebell::serve(folder.path()).await;

    let (taken, mut answers) = mpsc::unbounded_channel();
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..CONNECTIONS {
        let (door, taken, next) = (Door::of(&firebell), taken.clone(), next.clone());
        tokio::spawn(async move {
            let client = client();
            loop {
                let n = next.fetch_add(1, Ordering::SeqCst);
                if n >= ALERTS || fire(&client, &door, n, "warning").await != Some(StatusCode::OK) {
                    return;
                }
                taken.send(n).unwrap();
            }
        });
    }
    drop(taken);
    let mut kept = BTreeSet::new();
    while let Some(n) = answers.recv().await {
        kept.insert(n);
        if kept.len() == kill_after {
            firebell.kill();
        }
    }
    assert!(kept.len() >= kill_after, "only {} were taken", kept.len());

    firebell.restart().await;
    let known = known(&firebell).await;
    let lost: Vec<_> = kept.iter().filter(|n| !known.contains_key(n)).collect();
    assert!(lost.is_empty(), "answered with 200 and lost: {lost:?}");
    let owed: BTreeSet<i64> = known.values().copied().collect();
    assert_eq!(
        owed.len(),
        known.len(),
        "each alert is an incident of its own"
    );
    until("every incident has paged", PATIENCE, async || {
        let paged = sink.pages();
        let paged: BTreeSet<i64> = paged
            .iter()
            .filter_map(|p| p["incident"]["id"].as_i64())
            .collect();
        let silent: Vec<_> = owed.difference(&paged).copied().collect();
        if silent.is_empty() {
            Ok(())
        } else {
            Err(silent)
        }
    })
    .await;
    let twice = sink
        .times()
        .into_values()
        .filter(|times| *times > 1)
        .count();
    assert!(twice <= IN_FLIGHT, "{twice} pages were sent again");
}

#[tokio::test]
async fn a_page_killed_on_its_way_is_delivered_and_no_line_is_said_twice() {
    let sink = Sink::open().await;
    let folder = organisation(&sink, "[]", None);
    let mut firebell = Firebell::serve(folder.path()).await;
    sink.silent(true);
    let door = Door::of(&firebell);
    assert_eq!(
        fire(&client(), &door, 0, "critical").await,
        Some(StatusCode::OK)
    );
    until("the page is on its way", PATIENCE, async || {
        if sink.pages().is_empty() {
            Err("nothing arrived")
        } else {
            Ok(())
        }
    })
    .await;
    firebell.kill();
    sink.silent(false);
    firebell.restart().await;
    until("the page is delivered", PATIENCE, async || {
        delivered(&firebell, "webhook").await
    })
    .await;
    assert_eq!(
        sink.times().into_values().collect::<Vec<_>>(),
        [2],
        "one page, told again"
    );
    until("the room has its lines", PATIENCE, async || {
        let open = firebell.get_json("/api/v1/incidents/1/deliveries").await;
        let open = open["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|d| d["state"] != "done")
            .cloned();
        let open: Vec<_> = open.collect();
        if open.is_empty() { Ok(()) } else { Err(open) }
    })
    .await;
    let said = said(folder.path()).await;
    let once: BTreeSet<_> = said.iter().collect();
    assert!(said.len() > 2 && once.len() == said.len(), "{said:#?}");
    let headlines = said.iter().filter(|(_, text)| text.contains("number 0"));
    assert!(headlines.count() > 0, "{said:#?}");
}

async fn delivered(firebell: &Firebell, contact: &str) -> Result<(), Value> {
    let all = firebell.get_json("/api/v1/incidents/1/deliveries").await;
    let done = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .any(|d| d["lane"] == "page" && d["detail"] == contact && d["state"] == "done");
    if done { Ok(()) } else { Err(all) }
}

/// The state of the first incident's only run.
async fn run_state(firebell: &Firebell) -> String {
    let runs = firebell.get_json("/api/v1/incidents/1/runs").await;
    runs["items"][0]["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

async fn reaches(firebell: &Firebell, want: &str) {
    until(want, PATIENCE, async || match run_state(firebell).await {
        is if is == want => Ok(()),
        is => Err(is),
    })
    .await;
}

/// An organisation with an action that counts in a file, and takes a moment.
async fn counting(sink: &Sink) -> (tempfile::TempDir, Firebell, std::path::PathBuf) {
    let folder = organisation(sink, "[]", None);
    let counter = folder.path().join("counter");
    let text = format!(
        "printf x >> {}; /bin/sleep 0.3; echo done",
        counter.display()
    );
    crate::house::write(
        folder.path(),
        "actions/count.toml",
        &format!(
            "schema = 1\ntitle = \"Count\"\nclass = \"diagnostic\"\nservices = [\"*\"]\n\
             [run]\nargv = [\"/bin/sh\", \"-c\", \"{text}\"]\n"
        ),
    );
    let firebell = Firebell::serve(folder.path()).await;
    let status = fire(&client(), &Door::of(&firebell), 0, "critical").await;
    assert_eq!(status, Some(StatusCode::OK));
    (folder, firebell, counter)
}

/// Presses Run as a browser does; the answer does not matter, and may never come.
async fn press(door: &str, who: &str, click: u128) {
    let request = client()
        .post(format!("{door}/incidents/1/run/count"))
        .header("cookie", format!("firebell_who={who}"))
        .header("origin", door)
        .header("accept", "application/json")
        .form(&[("click", format!("{click:032x}"))]);
    let _ = request.send().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firebell_is_killed_at_any_moment_of_a_run_and_it_has_run_once() {
    let sink = Sink::open().await;
    let (_folder, mut firebell, counter) = counting(&sink).await;
    let count = || std::fs::read(&counter).map_or(0, |b| b.len());
    let seed = std::env::var("FIREBELL_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("FIREBELL_SEED={seed}");
    let mut dice = fastrand::Rng::with_seed(seed);
    let (mut ran, mut lost) = (0, 0);
    for round in 1..=12u32 {
        // From before the press is stored to after the program has ended, most of them in its middle.
        let after = std::time::Duration::from_micros(
            u64::from(dice.u32(0..60_000)) * u64::from(round % 3 + 1),
        );
        let (door, click) = (firebell.url(), dice.u128(..));
        let before = count();
        let pressed = tokio::spawn(async move { press(&door, "ana", click).await });
        crate::process::pass(after).await;
        firebell.kill();
        let _ = pressed.await;
        firebell.restart().await;
        until("every run is over", PATIENCE, async || {
            let runs = firebell.get_json("/api/v1/incidents/1/runs").await;
            let items = runs["items"].as_array().unwrap().clone();
            let open = items
                .iter()
                .find(|r| ["released", "running"].contains(&r["state"].as_str().unwrap()));
            open.map_or(Ok(()), |r| Err(r.clone()))
        })
        .await;
        let runs = firebell.get_json("/api/v1/incidents/1/runs").await;
        let items = runs["items"].as_array().unwrap();
        let done = items.iter().filter(|r| r["state"] == "succeeded").count();
        assert!(
            items
                .iter()
                .all(|r| ["succeeded", "asked"].contains(&r["state"].as_str().unwrap())),
            "{items:#?}"
        );
        // Truth in both directions: what is told to have run has, once, and nothing else has.
        assert_eq!(count(), done, "round {round}: {items:#?}");
        if count() > before {
            ran += 1;
        } else {
            lost += 1;
        }
    }
    println!("{ran} ran, {lost} presses were never stored or confirmed");
    assert!(
        ran > 3,
        "the kills come too early to prove anything: {ran} ran"
    );
}

#[tokio::test]
async fn the_same_press_from_two_doors_at_once_runs_once() {
    let sink = Sink::open().await;
    let (_folder, firebell, counter) = counting(&sink).await;
    let door = firebell.url();
    futures_util::join!(
        press(&door, "ana", 7),
        press(&door, "ana", 7),
        press(&door, "ana", 7)
    );
    reaches(&firebell, "succeeded").await;
    assert_eq!(std::fs::read(&counter).unwrap().len(), 1);
}

#[tokio::test]
async fn a_run_whose_shim_is_killed_is_unknown_and_said_so_where_everybody_looks() {
    let sink = Sink::open().await;
    let folder = organisation(&sink, "[]", None);
    let firebell = Firebell::serve(folder.path()).await;
    let door = Door::of(&firebell);
    assert_eq!(
        fire(&client(), &door, 0, "critical").await,
        Some(StatusCode::OK)
    );
    form(&firebell, "ana", "/incidents/1/run/slow", &[]).await;
    reaches(&firebell, "running").await;
    let runs = folder.path().join("data/runs");
    let claim = std::fs::read_dir(runs).unwrap().flatten();
    let claim = claim
        .map(|e| e.path().join("claim"))
        .find(|p| p.exists())
        .unwrap();
    let claim: Value = serde_json::from_str(&std::fs::read_to_string(claim).unwrap()).unwrap();
    let shim = i32::try_from(claim["pid"].as_i64().unwrap()).unwrap();
    let shim = rustix::process::Pid::from_raw(shim).unwrap();
    rustix::process::kill_process(shim, rustix::process::Signal::KILL).unwrap();
    reaches(&firebell, "unknown").await;
    let timeline = kinds(&firebell, 1).await;
    let ended: Vec<_> = timeline
        .iter()
        .filter(|l| l.starts_with("run_ended"))
        .collect();
    assert!(
        ended.len() == 1 && ended[0].contains("It may or may not have run. Check, then mark it."),
        "{timeline:#?}"
    );
    until(
        "the room and the channel hear of it",
        PATIENCE,
        async || {
            let said = said(folder.path()).await;
            let rooms: BTreeSet<_> = said
                .iter()
                .filter(|(_, text)| text.to_lowercase().contains("unknown"))
                .map(|(room, _)| room.clone())
                .collect();
            if rooms.len() >= 2 { Ok(()) } else { Err(said) }
        },
    )
    .await;
    form(
        &firebell,
        "bo",
        "/press",
        &[("incident", "1"), ("as_of", "1"), ("press", "worked:1")],
    )
    .await;
    let timeline = kinds(&firebell, 1).await;
    assert!(
        timeline.iter().any(|l| l.starts_with("run_settled")),
        "{timeline:#?}"
    );
}

/// While the database is away everything is 503, which senders repeat; afterwards it works by itself.
async fn refuses(firebell: &Firebell) {
    let client = client();
    let door = Door::of(firebell);
    for n in 100..103 {
        let status = fire(&client, &door, n, "critical").await;
        assert_eq!(status, Some(StatusCode::SERVICE_UNAVAILABLE));
    }
    let act = client.post(format!("{}/api/v1/incidents/1/acknowledge", firebell.url()));
    let answer = act.bearer_auth(firebell.api_token()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let ready = client
        .get(format!("{}/readyz", firebell.url()))
        .send()
        .await;
    assert_eq!(ready.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
}

async fn recovers(firebell: &Firebell, sink: &Sink) {
    let (client, door) = (client(), Door::of(firebell));
    until("alerts are taken again", PATIENCE, async || {
        match fire(&client, &door, 100, "critical").await {
            Some(StatusCode::OK) => Ok(()),
            Some(StatusCode::SERVICE_UNAVAILABLE) => Err("503"),
            other => panic!("{other:?} while the database comes back"),
        }
    })
    .await;
    let known = known(firebell).await;
    assert_eq!(
        known.keys().copied().collect::<Vec<_>>(),
        [0, 100],
        "what was refused is not there, what was taken is"
    );
    until("the alert that had to wait pages", PATIENCE, async || {
        let paged = sink.pages();
        if paged.iter().any(|p| p["incident"]["id"] == known[&100]) {
            Ok(())
        } else {
            Err(paged)
        }
    })
    .await;
}

#[tokio::test]
async fn a_database_another_program_holds_is_waited_for() {
    let sink = Sink::open().await;
    let folder = organisation(&sink, "[]", None);
    let firebell = Firebell::serve(folder.path()).await;
    let door = Door::of(&firebell);
    assert_eq!(
        fire(&client(), &door, 0, "critical").await,
        Some(StatusCode::OK)
    );
    until("the first page is out", PATIENCE, async || {
        delivered(&firebell, "webhook").await
    })
    .await;
    let file = folder.path().join("data/firebell.db");
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    other.execute("begin immediate").await.unwrap();
    refuses(&firebell).await;
    other.execute("rollback").await.unwrap();
    recovers(&firebell, &sink).await;
}

#[tokio::test]
async fn a_postgresql_server_that_stops_is_waited_for() {
    let Some(mut cluster) = postgres::alone() else {
        return;
    };
    let sink = Sink::open().await;
    let url = cluster.fresh().await;
    let folder = organisation(&sink, "[]", Some(&url));
    let firebell = Firebell::serve(folder.path()).await;
    let door = Door::of(&firebell);
    assert_eq!(
        fire(&client(), &door, 0, "critical").await,
        Some(StatusCode::OK)
    );
    until("the first page is out", PATIENCE, async || {
        delivered(&firebell, "webhook").await
    })
    .await;
    cluster.stop();
    until("the server is gone", PATIENCE, async || {
        if cluster.answers().await {
            Err("it answers")
        } else {
            Ok(())
        }
    })
    .await;
    refuses(&firebell).await;
    cluster.start();
    recovers(&firebell, &sink).await;
}
