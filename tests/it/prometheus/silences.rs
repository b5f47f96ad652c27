//! Silences over Alertmanager's API v2: by the real amtool, and side by side with a real Alertmanager.

use super::{Daemon, Story, amtool, client, token};
use crate::house::write;
use crate::process::{Firebell, PATIENCE, until};
use crate::tools;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;

/// amtool as a user calls it, with the credentials of a source.
struct Amtool<'a> {
    program: &'a Path,
    firebell: &'a Firebell,
    config: &'a Path,
}

impl<'a> Amtool<'a> {
    fn new(program: &'a Path, firebell: &'a Firebell, config: &'a Path) -> Amtool<'a> {
        Amtool {
            program,
            firebell,
            config,
        }
    }

    fn call(&self, args: &[&str]) -> String {
        amtool(self.program, self.firebell, self.config, args)
    }

    fn json(&self, args: &[&str]) -> Vec<Value> {
        serde_json::from_str(&self.call(args)).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amtool_adds_queries_updates_imports_and_expires_silences() {
    let Some(program) = tools::need("amtool") else {
        return;
    };
    let mut story = Story::begin().await;
    let scratch = tempfile::tempdir().unwrap();
    let bearer = format!(
        "authorization:\n  type: Bearer\n  credentials: {}\n",
        token("prometheus")
    );
    write(scratch.path(), "config", &bearer);
    let config = scratch.path().join("config");
    let am = Amtool::new(&program, &story.firebell, &config);
    let add = [
        "silence",
        "add",
        "-a",
        "ana",
        "-c",
        "deploy",
        "-d",
        "1h",
        "alertname=Manual",
        "env!~prod|live",
    ];
    let id = am.call(&add).trim().to_owned();
    am.call(&["alert", "add", "Manual", "service=checkout"]);
    let query = ["silence", "query", "-o", "json", "alertname=Manual"];
    let found = am.json(&query);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["id"], &found[0]["status"]["state"]),
        (&json!(id), &json!("active"))
    );
    assert_eq!(found[0]["createdBy"], "ana");
    assert_eq!(found[0]["matchers"][1]["isEqual"], false);
    assert!(am.call(&["silence", "query"]).contains("Manual"));
    assert!(
        am.json(&["silence", "query", "-o", "json", "alertname=Other"])
            .is_empty()
    );
    let held = am.json(&[
        "alert",
        "query",
        "-o",
        "json",
        "--silenced",
        "alertname=Manual",
    ]);
    assert_eq!(held[0]["status"]["state"], "suppressed", "{held:?}");
    assert_eq!(held[0]["status"]["silencedBy"], json!([id]));
    assert!(
        am.json(&[
            "alert",
            "query",
            "-o",
            "json",
            "--active",
            "alertname=Manual"
        ])
        .is_empty()
    );
    am.call(&["silence", "update", "-d", "2h", &id]);
    let longer = am.json(&query);
    assert_eq!(longer[0]["id"], json!(id), "changed in place");
    assert!(longer[0]["endsAt"].as_str() > found[0]["endsAt"].as_str());
    story.firebell.kill();
    let again = Firebell::serve(story.folder.path()).await;
    let am = Amtool::new(&program, &again, &config);
    assert_eq!(
        am.json(&query),
        longer,
        "acknowledged means kept through a kill"
    );
    assert!(story.sink.pages().is_empty(), "and still held");
    let kept = am.call(&["silence", "query", "-o", "json"]);
    am.call(&["silence", "expire", &id]);
    assert!(am.json(&query).is_empty());
    let over = am.json(&["silence", "query", "-o", "json", "--expired"]);
    assert_eq!(over[0]["status"]["state"], "expired");
    until("what fired meanwhile pages", PATIENCE, async || {
        if story.sink.pages().is_empty() {
            Err("no page")
        } else {
            Ok(())
        }
    })
    .await;
    // An import of what was exported makes it again, under a new id.
    write(scratch.path(), "kept.json", &kept);
    let file = scratch.path().join("kept.json").display().to_string();
    am.call(&["silence", "import", "--force", &file]);
    let imported = am.json(&query);
    assert_eq!(imported.len(), 1, "{imported:?}");
    assert_ne!(imported[0]["id"], json!(id));
}

/// One request and what became of it; ids and times by their kind, because they are everybody's own.
async fn ask(
    base: &str,
    token: &str,
    method: &Method,
    path: &str,
    body: Option<&str>,
) -> (u16, Value) {
    let mut request = client()
        .request(method.clone(), format!("{base}{path}"))
        .bearer_auth(token);
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_owned());
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn shape(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let one = |(k, v): (&String, &Value)| {
                let own = matches!(k.as_str(), "id" | "silenceID" | "updatedAt" | "startsAt");
                (k.clone(), if own { json!("…") } else { shape(v) })
            };
            map.iter().map(one).collect()
        }
        Value::Array(items) => items.iter().map(shape).collect(),
        other => other.clone(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one conversation, told twice")]
async fn silences_are_answered_as_alertmanager_answers_them() {
    let Some(program) = tools::need("prometheus-alertmanager") else {
        return;
    };
    let story = Story::begin().await;
    let folder = tempfile::tempdir().unwrap();
    let config = "route: {receiver: none}\nreceivers: [{name: none}]\n";
    write(folder.path(), "alertmanager.yml", config);
    let args = [
        "--config.file=alertmanager.yml",
        "--storage.path=data",
        "--cluster.listen-address=",
    ];
    let real = Daemon::start(&program, folder.path(), &args).await;
    let bases = [format!("http://{}", real.address), story.firebell.url()];
    let body = |matchers: Value, start: &str, end: &str| json!({"matchers": matchers, "startsAt": start, "endsAt": end, "createdBy": "me", "comment": "c"});
    let one = json!([{"name": "a", "value": "b", "isRegex": false}]);
    let (past, soon, late) = (
        "2020-01-01T00:00:00Z",
        "2090-01-01T00:00:00Z",
        "2095-01-01T00:00:00.000Z",
    );
    let without = |key: &str| {
        let mut whole = body(one.clone(), past, late);
        whole.as_object_mut().unwrap().remove(key);
        whole
    };
    let unknown = "11111111-1111-1111-1111-111111111111";
    let mut of_unknown = body(one.clone(), past, late);
    of_unknown["id"] = json!(unknown);
    let posts = [
        body(one.clone(), past, late),
        body(
            json!([{"name": "a", "value": "c.*", "isRegex": true, "isEqual": false}, {"name": "x", "value": "y", "isRegex": false}]),
            soon,
            late,
        ),
        body(json!([]), past, late),
        body(
            json!([{"name": "a", "value": "", "isRegex": false}]),
            past,
            late,
        ),
        body(one.clone(), late, soon),
        body(one.clone(), past, "2020-01-02T00:00:00Z"),
        without("createdBy"),
        without("comment"),
        without("matchers"),
        of_unknown,
    ];
    let mut asked: Vec<(Method, String, Option<String>)> = posts
        .iter()
        .map(|b| {
            (
                Method::POST,
                "/api/v2/silences".to_owned(),
                Some(b.to_string()),
            )
        })
        .collect();
    for path in [
        "/api/v2/silences",
        "/api/v2/silences?filter=a%3D%22b%22",
        "/api/v2/silences?filter=a!%3D%22b%22",
        "/api/v2/silences?filter=x%3D~%22y%7Cz%22",
        "/api/v2/silences?filter=none%3D%22b%22",
        "/api/v2/silence/nope",
        &format!("/api/v2/silence/{unknown}"),
    ] {
        asked.push((Method::GET, path.to_owned(), None));
    }
    for (method, path, body) in &asked {
        let [want, got] = [&bases[0], &bases[1]]
            .map(|base| ask(base, token("prometheus"), method, path, body.as_deref()));
        let ((want_status, want), (status, got)) = tokio::join!(want, got);
        assert_eq!(
            status, want_status,
            "{method} {path} {body:?}: {got} for {want}"
        );
        assert_eq!(shape(&got), shape(&want), "{method} {path} {body:?}");
    }
    // The life of one, on both: changed in place, changed into another, expired, expired again.
    for base in &bases {
        let ask = async |method: Method, path: &str, body: Option<String>| {
            ask(base, token("prometheus"), &method, path, body.as_deref()).await
        };
        let made = ask(
            Method::POST,
            "/api/v2/silences",
            Some(body(one.clone(), past, late).to_string()),
        )
        .await
        .1;
        let id = made["silenceID"].as_str().unwrap().to_owned();
        let path = format!("/api/v2/silence/{id}");
        let mut change = ask(Method::GET, &path, None).await.1;
        change["comment"] = json!("longer");
        let same = ask(Method::POST, "/api/v2/silences", Some(change.to_string()))
            .await
            .1;
        assert_eq!(same["silenceID"], json!(id), "{base}");
        change["matchers"][0]["value"] = json!("other");
        let other = ask(Method::POST, "/api/v2/silences", Some(change.to_string()))
            .await
            .1;
        assert_ne!(other["silenceID"], json!(id), "{base}");
        let old = ask(Method::GET, &path, None).await.1;
        assert_eq!(
            (&old["status"]["state"], &old["comment"]),
            (&json!("expired"), &json!("longer")),
            "{base}"
        );
        let path = format!("/api/v2/silence/{}", other["silenceID"].as_str().unwrap());
        for _ in 0..2 {
            assert_eq!(ask(Method::DELETE, &path, None).await.0, 200, "{base}");
        }
        assert_eq!(
            ask(Method::GET, &path, None).await.1["status"]["state"],
            "expired",
            "{base}"
        );
    }
}
