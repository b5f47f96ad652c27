//! Forges and trackers: stand-ins that answer as the published API documents say (GitHub REST
//! 2022-11-28, GitLab REST v4, Jira REST 2), with what they were asked kept for the test.

use super::repository::{Bare, document, export, net};
use crate::halt::{Fate, Halt};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use firebell::chat::Retry;
use firebell::config::postmortem::{Export, ExportKind, Forge};
use firebell::share::{Places, Task};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a forge holds and was asked.
#[derive(Default)]
pub struct Held {
    pub requests: Vec<Value>,
    pub issues: Vec<Value>,
    pub asked: Vec<String>,
    /// Answers everything with this.
    pub trouble: Option<(u16, &'static str)>,
    /// Stops answering as planned; here every call counts.
    pub halt: Halt,
}

#[derive(Clone, Default)]
pub struct Stand(pub Arc<Mutex<Held>>);

impl Stand {
    /// Serves it and tells where.
    pub async fn serve(&self) -> String {
        let router = Router::new()
            .route("/{*path}", any(answer))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        base
    }

    pub fn close_issue(&self, state: &Value) {
        let mut held = self.0.lock().unwrap();
        for (key, value) in state.as_object().unwrap() {
            held.issues[0][key] = value.clone();
        }
    }
}

async fn answer(
    State(stand): State<Stand>,
    method: Method,
    Path(path): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fate = stand.0.lock().unwrap().halt.next(true);
    if fate == Fate::Lost {
        std::future::pending::<()>().await;
    }
    let said = said(&stand, &method, (&path, &query), &headers, &body);
    if fate == Fate::DoneUnheard {
        std::future::pending::<()>().await;
    }
    said
}

fn said(
    stand: &Stand,
    method: &Method,
    (path, query): (&str, &BTreeMap<String, String>),
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let mut held = stand.0.lock().unwrap();
    held.asked.push(format!("{method} {path}"));
    if let Some((status, wait)) = held.trouble {
        let status = StatusCode::from_u16(status).unwrap();
        let body = json!({"message": "API rate limit exceeded"}).to_string();
        return (status, [("retry-after", wait)], body).into_response();
    }
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let known = [
        header("authorization") == "Bearer s3cret-token",
        header("authorization") == "Basic YW5hQGV4YW1wbGUub3JnOnMzY3JldC10b2tlbg==",
        header("private-token") == "s3cret-token",
    ];
    if !known.contains(&true) {
        return (
            StatusCode::UNAUTHORIZED,
            json!({"message": "Bad credentials"}).to_string(),
        )
            .into_response();
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let (status, value) = act(&mut held, method, path, query, body);
    (StatusCode::from_u16(status).unwrap(), value.to_string()).into_response()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a request is answered and gone"
)]
fn act(
    held: &mut Held,
    method: &Method,
    path: &str,
    query: &BTreeMap<String, String>,
    body: Value,
) -> (u16, Value) {
    let post = method == Method::POST;
    let last = path.rsplit('/').next().unwrap_or_default();
    let list = |all: &[Value]| (200, Value::Array(all.to_vec()));
    match path {
        "repos/acme/handbook/pulls" if post => {
            for needed in ["title", "head", "base", "body"] {
                assert!(body[needed].is_string(), "GitHub wants {needed}");
            }
            let n = held.requests.len() + 1;
            held.requests.push(json!({"number": n, "state": "open", "title": body["title"],
                "html_url": format!("https://github.example/acme/handbook/pull/{n}"), "head": body["head"]}));
            (201, held.requests[n - 1].clone())
        }
        "repos/acme/handbook/pulls" => {
            assert_eq!(query["head"], "acme:firebell/incident-42");
            list(&held.requests)
        }
        // axum decodes the path: `acme%2Fhandbook` arrives as one with a slash.
        "projects/acme/handbook/merge_requests" if post => {
            for needed in ["title", "source_branch", "target_branch"] {
                assert!(body[needed].is_string(), "GitLab wants {needed}");
            }
            let n = held.requests.len() + 1;
            held.requests.push(json!({"iid": n, "state": "opened",
                "web_url": format!("https://gitlab.example/acme/handbook/-/merge_requests/{n}")}));
            (201, held.requests[n - 1].clone())
        }
        "projects/acme/handbook/merge_requests" => list(&held.requests),
        "repos/acme/web/issues" if post => {
            let n = held.issues.len() + 1;
            held.issues.push(
                json!({"number": n, "state": "open", "body": body["body"], "title": body["title"],
                "html_url": format!("https://github.example/acme/web/issues/{n}")}),
            );
            (201, held.issues[n - 1].clone())
        }
        "projects/acme/web/issues" if post => {
            let n = held.issues.len() + 1;
            held.issues.push(json!({"iid": n, "state": "opened", "description": body["description"], "title": body["title"],
                "web_url": format!("https://gitlab.example/acme/web/-/issues/{n}")}));
            (201, held.issues[n - 1].clone())
        }
        "repos/acme/web/issues" | "projects/acme/web/issues" => list(&held.issues),
        "rest/api/2/issue" if post => {
            let n = held.issues.len() + 1;
            assert_eq!(body["fields"]["issuetype"]["name"], "Task");
            held.issues.push(json!({"key": format!("OPS-{n}"), "id": n.to_string(), "summary": body["fields"]["summary"],
                "self": format!("https://jira.example/rest/api/2/issue/{n}"),
                "fields": {"labels": body["fields"]["labels"], "status": {"name": "To Do", "statusCategory": {"key": "new"}}}}));
            (201, held.issues[n - 1].clone())
        }
        "rest/api/2/search" => {
            let label = query["jql"].rsplit('"').nth(1).unwrap().to_owned();
            let has = |i: &&Value| {
                i["fields"]["labels"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|l| *l == label.as_str())
            };
            let found: Vec<Value> = held.issues.iter().filter(has).cloned().collect();
            (200, json!({"issues": found}))
        }
        _ if path.starts_with("rest/api/2/issue/") || path.contains("/issues/") => {
            let known = held.issues.iter().find(|i| {
                let number = |key: &str| i[key].as_i64().is_some_and(|n| last.parse() == Ok(n));
                i["key"] == last || number("number") || number("iid")
            });
            known.map_or((404, json!({"message": "Not Found"})), |i| (200, i.clone()))
        }
        _ => (404, json!({"message": "Not Found"})),
    }
}

fn tracker(kind: ExportKind, base: &str) -> Export {
    Export {
        name: "web".to_owned(),
        net: net(base),
        token: Some("s3cret-token".to_owned().into()),
        kind,
    }
}

fn task(known: &str) -> Task {
    Task {
        incident: 42,
        item: 3,
        title: "Alert on the pool @everyone".to_owned(),
        body: "From the postmortem.".to_owned(),
        known: known.to_owned(),
    }
}

#[tokio::test]
async fn a_branch_gets_one_request_however_often_it_is_sent() {
    for (forge, at) in [
        (Forge::Github, "/pull/1"),
        (Forge::Gitlab, "/merge_requests/1"),
    ] {
        let Some(bare) = Bare::new() else { return };
        let (stand, scratch) = (Stand::default(), tempfile::tempdir().unwrap());
        let mut handbook = export(&bare.path());
        handbook.net = net(&stand.serve().await);
        handbook.token = Some("s3cret-token".to_owned().into());
        if let ExportKind::Git { forge: slot, .. } = &mut handbook.kind {
            *slot = Some((forge, "acme/handbook".to_owned()));
        }
        let places = Places::new(&[handbook], scratch.path()).unwrap();
        for text in ["# One\n", "# Two\n"] {
            let landed = places.document("handbook", &document(text)).await.unwrap();
            assert!(landed.url.ends_with(at), "{landed:?}");
        }
        let held = stand.0.lock().unwrap();
        assert_eq!(held.requests.len(), 1, "{:?}", held.asked);
        if forge == Forge::Github {
            let title = held.requests[0]["title"].as_str().unwrap();
            assert!(title.contains("@\u{200B}everyone"), "{title}");
        }
        let file = "firebell/incident-42:postmortems/incident-00042.md";
        assert_eq!(bare.ask(&["show", file]), "# Two\n");
    }
}

#[tokio::test]
async fn an_item_becomes_one_issue_and_its_state_is_read_back() {
    let kinds = [
        (
            ExportKind::Issues {
                documents: false,
                forge: Forge::Github,
                project: "acme/web".to_owned(),
            },
            "open",
            json!({"state": "closed"}),
        ),
        (
            ExportKind::Issues {
                documents: false,
                forge: Forge::Gitlab,
                project: "acme/web".to_owned(),
            },
            "opened",
            json!({"state": "closed"}),
        ),
        (
            ExportKind::Jira {
                project: "OPS".to_owned(),
                issue_type: "Task".to_owned(),
                user: Some("ana@example.org".to_owned()),
            },
            "To Do",
            json!({"fields": {"labels": ["firebell-42-3"], "status": {"name": "Done", "statusCategory": {"key": "done"}}}}),
        ),
    ];
    for (kind, open, closed) in kinds {
        let stand = Stand::default();
        let base = stand.serve().await;
        let places =
            Places::new(&[tracker(kind, &base)], std::path::Path::new("/nowhere")).unwrap();
        let made = places.task("web", &task("")).await.unwrap();
        assert_eq!((made.state.as_str(), made.closed), (open, false));
        assert!(made.url.starts_with("https://"), "{made:?}");
        // A process that died before it knew: the issue is found by its mark.
        let again = places.task("web", &task("")).await.unwrap();
        assert_eq!(again.url, made.url);
        assert_eq!(stand.0.lock().unwrap().issues.len(), 1);
        stand.close_issue(&closed);
        let later = places.task("web", &task(&made.url)).await.unwrap();
        assert!(later.closed, "{later:?}");
        assert_eq!(later.url, made.url);
    }
}

#[tokio::test]
async fn a_refusal_says_why_and_whether_to_try_again_and_never_the_token() {
    let stand = Stand::default();
    let base = stand.serve().await;
    let kind = || ExportKind::Issues {
        documents: false,
        forge: Forge::Github,
        project: "acme/web".to_owned(),
    };
    let places = Places::new(&[tracker(kind(), &base)], std::path::Path::new("/nowhere")).unwrap();
    stand.0.lock().unwrap().trouble = Some((403, "17"));
    let fault = places.task("web", &task("")).await.unwrap_err();
    assert_eq!(fault.retry, Retry::AfterMs(17_000));
    assert_eq!(
        fault.why,
        "web answered 403 (Forbidden): API rate limit exceeded"
    );
    stand.0.lock().unwrap().trouble = None;
    let mut wrong = tracker(kind(), &base);
    wrong.token = Some("another-token".to_owned().into());
    let places = Places::new(&[wrong], std::path::Path::new("/nowhere")).unwrap();
    let fault = places.task("web", &task("")).await.unwrap_err();
    assert_eq!(fault.retry, Retry::Never);
    assert!(
        fault.why.contains("Bad credentials") && !fault.why.contains("another-token"),
        "{fault}"
    );
    let fault = places.task("elsewhere", &task("")).await.unwrap_err();
    assert!(fault.why.contains("[export.elsewhere]"), "{fault}");
}
