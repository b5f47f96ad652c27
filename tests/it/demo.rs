//! What `firebell demo` promises in the README, of the real process.

use crate::process::{Firebell, PATIENCE, free_address, program, until};
use regex::Regex;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use std::process::{Output, Stdio};
use std::time::Duration;

async fn items(firebell: &Firebell, path: &str) -> Vec<Value> {
    let answer = firebell.get_json(path).await;
    answer["items"].as_array().unwrap().clone()
}

/// Both incidents of the story are open and the outage has both its alerts: its number.
async fn begun(firebell: &Firebell) -> i64 {
    until("the story has begun", PATIENCE, async || {
        let open = items(firebell, "/api/v1/incidents?status=open").await;
        let firing = items(firebell, "/api/v1/alerts?status=firing").await;
        let outage = open.iter().find(|i| i["service"] == "checkout");
        match (outage, open.len(), firing.len()) {
            (Some(outage), 2, 3) => Ok(outage["id"].as_i64().unwrap()),
            _ => Err((open, firing)),
        }
    })
    .await
}

/// Kinds of the timeline's entries, in order.
async fn kinds(firebell: &Firebell, id: i64) -> Vec<String> {
    let path = format!("/api/v1/incidents/{id}/timeline?limit=500");
    let kind = |e: &Value| e["kind"].as_str().unwrap().to_owned();
    items(firebell, &path).await.iter().map(kind).collect()
}

fn text(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}\n{said}{complained}",
        output.status
    );
    said
}

#[tokio::test]
async fn the_demo_prints_one_line_and_has_something_to_answer_within_five_seconds() {
    let firebell = Firebell::demo(false).await;
    let ready = std::time::Instant::now();
    until(
        "there is something to answer",
        Duration::from_secs(5),
        async || {
            let page = firebell.get_text("/").await;
            if page.contains("checkout answers") {
                Ok(())
            } else {
                Err(page)
            }
        },
    )
    .await;
    assert!(ready.elapsed() < Duration::from_secs(5));
    assert_eq!(firebell.stdout(), format!("console: {}/\n", firebell.url()));
    let env = std::fs::read_to_string(firebell.folder().join("demo.env")).unwrap();
    let variables = Regex::new(r"(?m)^export ([A-Z_]+)=(\S+)$").unwrap();
    let variables: Vec<(&str, &str)> = variables
        .captures_iter(&env)
        .map(|c| c.extract::<2>().1)
        .map(|[name, value]| (name, value))
        .collect();
    let (url, api, ingest) = (
        firebell.url(),
        firebell.api_token(),
        firebell.ingest_token(),
    );
    assert_eq!(
        variables,
        [
            ("FIREBELL_URL", url.as_str()),
            ("FIREBELL_API_TOKEN", &api),
            ("FIREBELL_INGEST_TOKEN", &ingest)
        ]
    );
    // PagerDuty's routing keys have 32 characters.
    assert_eq!(ingest.len(), 32);
}

#[tokio::test]
async fn the_demo_has_a_status_page_that_the_console_leads_to_and_starts_without_it_where_its_port_is_taken()
 {
    let mut firebell = Firebell::demo(true).await;
    let inside = firebell.get_text("/status").await;
    let link = Regex::new(r#"Everybody reads <a href="http://([0-9.:]+)">Example shop status"#);
    let address = link.unwrap().captures(&inside).map(|c| c[1].to_owned());
    let address = address.unwrap_or_else(|| panic!("{inside}"));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let shown = client.get(format!("http://{address}/")).send().await;
    let shown = shown.unwrap().text().await.unwrap();
    assert!(
        shown.contains("Checkout") && shown.contains("Search"),
        "{shown}"
    );
    firebell.stop().await;
    let taken = std::net::TcpListener::bind(&address).unwrap();
    firebell.restart().await;
    let inside = firebell.get_text("/status").await;
    assert!(!inside.contains(&address), "{inside}");
    assert!(firebell.log().contains("there is no status page this time"));
    drop(taken);
}

#[tokio::test]
async fn a_quiet_demo_fires_nothing_until_somebody_else_does() {
    let firebell = Firebell::demo(true).await;
    let labels = json!({"alertname": "Mine", "service": "search", "severity": "warning"});
    firebell
        .post_ingest("/api/v2/alerts", &json!([{"labels": labels}]))
        .await;
    let found = until("the one alert is there", PATIENCE, async || {
        let found = items(&firebell, "/api/v1/alerts?status=all").await;
        if found.is_empty() {
            Err("none")
        } else {
            Ok(found)
        }
    })
    .await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["labels"]["alertname"], "Mine");
}

#[tokio::test]
async fn starting_again_goes_on_where_it_was() {
    let mut firebell = Firebell::demo(false).await;
    let id = begun(&firebell).await;
    let path = format!("/api/v1/incidents/{id}");
    firebell
        .post_api(&format!("{path}/acknowledge"), &json!({}))
        .await;
    for end in ["ctrl-c", "kill -9"] {
        let before = kinds(&firebell, id).await;
        if end == "ctrl-c" {
            firebell.stop().await;
        } else {
            firebell.kill();
        }
        firebell.restart().await;
        assert_eq!(firebell.get_json(&path).await["status"], "acknowledged");
        told_again(&firebell).await;
        assert_eq!(kinds(&firebell, id).await, before, "after {end}");
        let all = items(&firebell, "/api/v1/incidents?status=all").await;
        assert_eq!(all.len(), 2, "after {end}: {all:?}");
    }
}

/// The story's first turn after a start has repeated the two alerts of the outage.
async fn told_again(firebell: &Firebell) {
    until("the story goes on", PATIENCE, async || {
        let metrics = firebell.get_text("/metrics").await;
        let line = Regex::new(r#"(?m)^firebell_ingest_alerts_total\{path="/api/v2/alerts",outcome="(accepted|repeated)"\} 2$"#);
        if line.unwrap().is_match(&metrics) {
            return Ok(());
        }
        Err(metrics)
    })
    .await;
}

#[tokio::test]
async fn an_incident_survives_kill_9_at_once() {
    let mut firebell = Firebell::demo(true).await;
    let labels = json!({"alertname": "Mine", "service": "checkout", "severity": "critical"});
    firebell
        .post_ingest("/api/v2/alerts", &json!([{"labels": labels}]))
        .await;
    firebell.kill();
    firebell.restart().await;
    until(
        "the alert taken before the kill pages",
        PATIENCE,
        async || {
            let open = items(&firebell, "/api/v1/incidents?status=open").await;
            let id = open
                .first()
                .and_then(|i| i["id"].as_i64())
                .ok_or("no incident")?;
            let kinds = kinds(&firebell, id).await;
            let paged = kinds.iter().any(|k| k == "paged");
            if paged { Ok(()) } else { Err("nobody paged") }
        },
    )
    .await;
}

#[tokio::test]
async fn the_other_commands_work_beside_a_running_demo() {
    let firebell = Firebell::demo(false).await;
    let id = begun(&firebell).await.to_string();
    let check = text(&firebell.command(&["check"]));
    assert!(
        check.contains("5 people") && check.contains("4 services"),
        "{check}"
    );
    let doctor = text(&firebell.command(&["doctor"]));
    assert!(doctor.contains("0 failures"), "{doctor}");
    let markdown = text(&firebell.command(&["export", &id]));
    assert!(markdown.contains("checkout"), "{markdown}");
    let json = text(&firebell.command(&["export", &id, "--format", "json"]));
    serde_json::from_str::<Value>(&json).unwrap();
    let replay = text(&firebell.command(&["replay", &id]));
    assert!(replay.contains("opened"), "{replay}");
    let missing = firebell.command(&["export", "999"]);
    assert_eq!(missing.status.code(), Some(1));
    let said = String::from_utf8(missing.stderr).unwrap();
    assert!(said.contains("there is no incident #999"), "{said}");
}

/// What may differ from run to run: numbers, digests, ids.
fn masked(text: &str) -> Vec<String> {
    let told = Regex::new("[0-9a-f]{8,}[0-9a-f-]*|[0-9]+([.,:][0-9]+)*( ?(d|h|m|s))?").unwrap();
    let lines = text
        .lines()
        .filter(|l| !l.starts_with('|') && !l.is_empty());
    lines
        .map(|l| told.replace_all(l, "0").into_owned())
        .collect()
}

/// `UPDATE=1 cargo test --test it demo` writes `docs/postmortems/example.md`.
#[tokio::test]
async fn the_example_in_the_docs_is_what_the_demo_makes() {
    let firebell = Firebell::demo(false).await;
    let id = begun(&firebell).await;
    let acts = format!("/api/v1/incidents/{id}");
    let note = "the payment provider answered slowly since 13:58";
    firebell
        .post_api(&format!("{acts}/acknowledge"), &json!({}))
        .await;
    firebell
        .post_api(&format!("{acts}/notes"), &json!({"text": note}))
        .await;
    firebell
        .post_api(&format!("{acts}/resolve"), &json!({}))
        .await;
    let postmortem = format!("{acts}/postmortem");
    let sections = [
        (
            "impact",
            "For a quarter of an hour, one in eight customers could not pay. Nobody was charged twice.",
        ),
        (
            "trigger",
            "The payment provider answered in 4 s instead of 200 ms.",
        ),
        (
            "contributing-factors",
            "- Each request held a connection of the pool while it waited.\n- The pool had no limit on waiting, so healthy requests queued behind it.\n- The alert on the pool was written for a size we doubled last month.",
        ),
        (
            "went-well",
            "- The card showed both alerts as one incident.",
        ),
        (
            "lucky",
            "It was Monday, and somebody looked at the load balancer by chance.",
        ),
        (
            "surprised",
            "We believed that the pool times out. It never did.",
        ),
    ];
    for (anchor, text) in sections {
        let now = firebell
            .get_json(&format!("{postmortem}?format=json"))
            .await;
        let now = now["sections"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["anchor"] == anchor)
            .unwrap();
        let text = match now["base"].as_str().unwrap() {
            "" => text.to_owned(),
            base => format!("{base}\n\n{text}"),
        };
        let body = json!({"section": {"anchor": anchor, "was": now["text"], "text": text}});
        firebell.post_api(&postmortem, &body).await;
    }
    for body in [
        json!({"owner": "ana"}),
        json!({"item": {"what": "Give the pool a limit on waiting", "owner": "bo", "due": "2026-12-15", "priority": "high"}}),
        json!({"item": {"what": "Alert on the pool in percent of its size", "owner": "ana"}}),
        json!({"done": 2}),
        json!({"stage": "in_review"}),
    ] {
        firebell.post_api(&postmortem, &body).await;
    }
    let made = text(&firebell.command(&["export", &id.to_string()]));
    let example =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/postmortems/example.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(example.parent().unwrap()).unwrap();
        std::fs::write(&example, &made).unwrap();
    }
    let shown = std::fs::read_to_string(&example).unwrap_or_default();
    assert_eq!(
        masked(&shown),
        masked(&made),
        "UPDATE=1 writes docs/postmortems/example.md"
    );
}

#[tokio::test]
async fn serve_takes_the_demos_folder_too() {
    let mut demo = Firebell::demo(true).await;
    demo.stop().await;
    let mut served = Firebell::serve(demo.folder()).await;
    assert_eq!(served.stdout(), "");
    assert!(served.get_text("/").await.contains("All quiet."));
    served.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_said_with_the_fix() {
    let firebell = Firebell::demo(true).await;
    let folder = tempfile::tempdir().unwrap();
    let mut second = program();
    let address = firebell.url().replace("http://", "");
    second.args(["demo", "--quiet", "--listen", &address, "--data"]);
    let ended = second
        .arg(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("--listen"), "{said}");
    assert_ne!(free_address(), address);
}

/// A browser without JavaScript: pages, forms and cookies.
#[tokio::test]
async fn without_javascript_a_form_acknowledges() {
    let firebell = Firebell::demo(false).await;
    let id = begun(&firebell).await;
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none());
    let http = builder.build().unwrap();
    let field = |page: &str, name: &str| {
        let field = Regex::new(&format!(r#"name="{name}" value="([^"]*)""#)).unwrap();
        field
            .captures(page)
            .unwrap_or_else(|| panic!("{name}: {page}"))[1]
            .to_owned()
    };
    let url = firebell.url();
    let who = http.get(format!("{url}/people")).send().await.unwrap();
    let token = field(&who.text().await.unwrap(), "token");
    let form = [("token", token.as_str()), ("person", "bo"), ("next", "/")];
    let picked = http
        .post(format!("{url}/people"))
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(picked.status(), 303);
    let cookies = picked.headers().get_all(SET_COOKIE).iter();
    let cookies: Vec<&str> = cookies
        .filter_map(|c| c.to_str().unwrap().split(';').next())
        .collect();
    let cookies = cookies.join("; ");

    let card = format!("{url}/incidents/{id}");
    let page = http
        .get(&card)
        .header(COOKIE, &cookies)
        .send()
        .await
        .unwrap();
    let page = page.text().await.unwrap();
    let (incident, token) = (id.to_string(), field(&page, "token"));
    let (click, as_of) = (field(&page, "click"), field(&page, "as_of"));
    let form = [
        ("token", token.as_str()),
        ("click", &click),
        ("incident", &incident),
        ("as_of", &as_of),
        ("press", "acknowledge"),
    ];
    let press = http.post(format!("{url}/press")).header(COOKIE, &cookies);
    assert_eq!(press.form(&form).send().await.unwrap().status(), 303);
    let now = firebell.get_json(&format!("/api/v1/incidents/{id}")).await;
    assert_eq!(now["status"], "acknowledged", "{now}");
    assert!(now.to_string().contains("Bo Lindqvist"), "{now}");
}
