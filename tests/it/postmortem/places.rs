//! Whole documents to chat platforms and trackers: stand-ins that answer as the published API documents
//! say (docs.slack.dev: `canvases.create`, `canvases.edit`, `files.list`, `files.info`; discord.com:
//! Create, Edit and Get Channel Messages with `multipart/form-data`), and keep what they were asked.

use super::forges::Stand;
use super::repository::{document, net};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use firebell::chat::Retry;
use firebell::config::postmortem::{Export, ExportKind, Forge};
use firebell::share::{Document, Places};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Held {
    canvases: Vec<Value>,
    messages: Vec<Value>,
    asked: Vec<String>,
    /// Answers the next call with this.
    trouble: Option<(u16, Value)>,
    /// Does what it is asked, and the answer is lost.
    deaf: bool,
    /// A workspace that pays nothing: one canvas in a channel, as a tab.
    free: bool,
}

#[derive(Clone, Default)]
struct Rooms(Arc<Mutex<Held>>);

impl Rooms {
    async fn serve(&self) -> String {
        let router = Router::new()
            .route("/{*path}", any(answer))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        base
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }
}

async fn answer(
    State(rooms): State<Rooms>,
    method: Method,
    Path(path): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut held = rooms.0.lock().unwrap();
    held.asked.push(format!("{method} {path}"));
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("")
    };
    if let Some((status, said)) = held.trouble.take() {
        return (StatusCode::from_u16(status).unwrap(), said.to_string()).into_response();
    }
    let said = if path.starts_with("channels/") {
        assert_eq!(header("authorization"), "Bot s3cret-token");
        discord(&mut held, &method, &path, header("content-type"), &body)
    } else {
        assert_eq!(header("authorization"), "Bearer s3cret-token");
        slack(&mut held, &path, &query, (header("content-type"), &body))
    };
    if std::mem::take(&mut held.deaf) {
        return (StatusCode::BAD_GATEWAY, "").into_response();
    }
    (StatusCode::OK, said.to_string()).into_response()
}

/// What a canvas takes, in characters (docs.slack.dev, `document_content`).
const CANVAS_CHARS: usize = 1_048_576;

/// Arguments of a call that writes: `application/x-www-form-urlencoded`, the one content type documented for
/// `canvases.create`; what is structured in them is JSON.
fn form(media: &str, body: &Bytes) -> BTreeMap<String, Value> {
    assert_eq!(media, "application/x-www-form-urlencoded");
    let fields = reqwest::Url::parse(&format!("http://x/?{}", std::str::from_utf8(body).unwrap()));
    let read = |name: &str, value: &str| match name {
        "document_content" | "changes" => serde_json::from_str(value).unwrap(),
        _ => json!(value),
    };
    let fields = fields.unwrap();
    let pairs = fields.query_pairs();
    pairs
        .map(|(name, value)| (name.to_string(), read(&name, &value)))
        .collect()
}

fn slack(
    held: &mut Held,
    path: &str,
    query: &BTreeMap<String, String>,
    (media, body): (&str, &Bytes),
) -> Value {
    let content = |v: &Value| {
        assert_eq!(v["type"], "markdown");
        let text = v["markdown"].as_str().unwrap();
        assert!(text.chars().count() <= CANVAS_CHARS, "{}", text.len());
        v["markdown"].clone()
    };
    match path {
        "files.list" => {
            assert_eq!(query["channel"], "C0123ABCD");
            json!({"ok": true, "files": held.canvases, "paging": {"count": 200, "total": held.canvases.len(), "page": 1, "pages": 1}})
        }
        "files.info" => {
            let id = query["file"].as_str();
            let file = held.canvases.iter().find(|c| c["id"] == id);
            file.map_or_else(
                || json!({"ok": false, "error": "file_not_found"}),
                |f| json!({"ok": true, "file": f}),
            )
        }
        "canvases.create" => {
            let asked = form(media, body);
            let known = ["title", "document_content", "channel_id"];
            assert!(
                asked.keys().all(|k| known.contains(&k.as_str())),
                "{asked:?}"
            );
            // Without a channel it is nobody's tab, which free workspaces do not take at all.
            let tab = asked.get("channel_id").filter(|c| **c == "C0123ABCD");
            match (held.free, tab.is_some()) {
                (true, false) => {
                    let error = "free_teams_cannot_create_non_tabbed_canvases";
                    return json!({"ok": false, "error": error});
                }
                (true, true) if !held.canvases.is_empty() => {
                    return json!({"ok": false, "error": "free_team_canvas_tab_already_exists"});
                }
                (_, tab) => assert!(tab, "a tab of the channel is promised"),
            }
            let id = format!("F{:03}", held.canvases.len() + 1);
            held.canvases.push(json!({
                "id": id, "title": asked["title"], "filetype": "quip",
                "permalink": format!("https://acme.slack.test/docs/T01/{id}"),
                "markdown": content(&asked["document_content"]),
            }));
            json!({"ok": true, "canvas_id": id})
        }
        "canvases.edit" => {
            let asked = form(media, body);
            let [change] = asked["changes"].as_array().unwrap().as_slice() else {
                panic!("one change");
            };
            assert_eq!(change["operation"], "replace");
            let text = content(&change["document_content"]);
            let id = asked["canvas_id"].clone();
            match held.canvases.iter_mut().find(|c| c["id"] == id) {
                Some(canvas) => {
                    canvas["markdown"] = text;
                    json!({"ok": true})
                }
                None => json!({"ok": false, "error": "canvas_not_found"}),
            }
        }
        other => panic!("no such method: {other}"),
    }
}

/// The two parts of a form, as RFC 7578 has them.
fn parts(media: &str, body: &[u8]) -> (Value, String) {
    let boundary = media
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap();
    let text = std::str::from_utf8(body).unwrap();
    let mark = format!("--{boundary}");
    let mut parts = text.split(&mark).skip(1);
    let mut next = || {
        let part = parts.next().unwrap().strip_prefix("\r\n").unwrap();
        let (head, body) = part.split_once("\r\n\r\n").unwrap();
        (
            head.to_owned(),
            body.strip_suffix("\r\n").unwrap().to_owned(),
        )
    };
    let (head, payload) = next();
    assert!(head.contains("name=\"payload_json\""), "{head}");
    let (head, file) = next();
    assert!(
        head.contains("name=\"files[0]\"; filename=\"firebell-incident-00042.md\""),
        "{head}"
    );
    (serde_json::from_str(&payload).unwrap(), file)
}

fn discord(held: &mut Held, method: &Method, path: &str, media: &str, body: &Bytes) -> Value {
    if *method == Method::GET {
        return json!(held.messages);
    }
    let (payload, file) = parts(media, body);
    assert_eq!(payload["allowed_mentions"], json!({"parse": []}));
    let name = payload["attachments"][0]["filename"].clone();
    let message = |id: &str| {
        json!({
            "id": id, "channel_id": "234567", "author": {"id": "1", "bot": true},
            "content": payload["content"], "attachments": [{"id": "9", "filename": name, "text": file}],
        })
    };
    match (method.as_str(), path.rsplit_once("messages").unwrap().1) {
        ("POST", "") => {
            let id = (1000 + held.messages.len()).to_string();
            held.messages.insert(0, message(&id));
            message(&id)
        }
        ("PATCH", id) => {
            let id = id.trim_start_matches('/');
            let at = held.messages.iter().position(|m| m["id"] == id).unwrap();
            held.messages[at] = message(id);
            message(id)
        }
        other => panic!("{other:?}"),
    }
}

fn places(base: &str, kind: ExportKind) -> Places {
    let export = Export {
        name: "there".to_owned(),
        net: net(base),
        token: Some("s3cret-token".to_owned().into()),
        kind,
    };
    Places::new(&[export], std::path::Path::new("/nowhere")).unwrap()
}

fn again(url: &str, markdown: &str) -> Document {
    Document {
        known: url.to_owned(),
        ..document(markdown)
    }
}

#[tokio::test]
async fn a_document_is_one_canvas_however_often_it_is_sent() {
    let rooms = Rooms::default();
    let base = rooms.serve().await;
    let channel = "C0123ABCD".to_owned();
    let places = places(&base, ExportKind::SlackCanvas { channel });
    assert_eq!(places.names(true), ["there"]);
    let first = places
        .document("there", &document("# One\n"))
        .await
        .unwrap()
        .url;
    assert_eq!(first, "https://acme.slack.test/docs/T01/F001");
    assert_eq!(
        rooms.asked(),
        ["GET files.list", "POST canvases.create", "GET files.info"]
    );
    // As if the answer had been lost: it is found again by its mark.
    let landed = places
        .document("there", &document("# Two\n"))
        .await
        .unwrap();
    assert_eq!(landed.url, first);
    let landed = places
        .document("there", &again(&first, "# Three\n"))
        .await
        .unwrap();
    assert_eq!(landed.url, first);
    let held = rooms.0.lock().unwrap();
    assert_eq!(held.canvases.len(), 1);
    assert_eq!(held.canvases[0]["markdown"], "# Three\n");
    let title = held.canvases[0]["title"].as_str().unwrap();
    assert!(title.ends_with("(postmortem firebell-42)"), "{title}");
}

#[tokio::test]
async fn each_incident_has_a_canvas_of_its_own_and_a_plan_that_takes_one_says_so() {
    let rooms = Rooms::default();
    let base = rooms.serve().await;
    let channel = "C0123ABCD".to_owned();
    let places = places(&base, ExportKind::SlackCanvas { channel });
    let first = places
        .document("there", &document("# One\n"))
        .await
        .unwrap();
    let other = Document {
        incident: 43,
        ..document("# Other & one = two % + more\n")
    };
    let second = places.document("there", &other).await.unwrap();
    assert_ne!(first.url, second.url, "two tabs of one channel");
    let markdown = rooms.0.lock().unwrap().canvases[1]["markdown"].clone();
    assert_eq!(
        markdown, "# Other & one = two % + more\n",
        "as it was written"
    );
    {
        let mut held = rooms.0.lock().unwrap();
        held.canvases.truncate(1);
        held.free = true;
    }
    let fault = places.document("there", &other).await.unwrap_err();
    assert!(
        fault.why.contains("a channel takes one canvas"),
        "{}",
        fault.why
    );
    assert_eq!(fault.retry, Retry::Never);
    // What is there is brought up to date all the same.
    let again = places.document("there", &document("# One more\n")).await;
    assert_eq!(again.unwrap().url, first.url);
    // What Slack does not like about a document is said in its words.
    let said = json!({"ok": false, "error": "canvas_creation_failed", "detail": "line 19: Unsupported table type"});
    rooms.0.lock().unwrap().trouble = Some((200, said));
    let fault = places.document("there", &other).await.unwrap_err();
    assert!(
        fault.why.contains("line 19: Unsupported table type"),
        "{}",
        fault.why
    );
}

#[tokio::test]
async fn slack_says_no_with_200_and_a_word_and_what_passes_is_tried_again() {
    let rooms = Rooms::default();
    let base = rooms.serve().await;
    let channel = "C0123ABCD".to_owned();
    let places = places(&base, ExportKind::SlackCanvas { channel });
    for (status, said, part, never) in [
        (
            200,
            json!({"ok": false, "error": "missing_scope", "needed": "files:read"}),
            "needs the scope files:read",
            true,
        ),
        (
            200,
            json!({"ok": false, "error": "internal_error"}),
            "internal_error",
            false,
        ),
        (429, json!({}), "429", false),
        (503, json!({}), "503", false),
        (200, json!("x"), "unknown_error", true),
    ] {
        rooms.0.lock().unwrap().trouble = Some((status, said));
        let fault = places
            .document("there", &document("# x\n"))
            .await
            .unwrap_err();
        assert!(fault.why.contains(part), "{}", fault.why);
        assert_eq!(fault.retry == Retry::Never, never, "{}", fault.why);
        assert!(!fault.why.contains("s3cret"), "{}", fault.why);
    }
    assert!(rooms.0.lock().unwrap().canvases.is_empty());
}

#[tokio::test]
async fn a_document_is_one_file_in_a_channel_also_when_an_answer_is_lost() {
    let rooms = Rooms::default();
    let base = rooms.serve().await;
    let channel = "234567".to_owned();
    let places = places(&base, ExportKind::DiscordFile { channel });
    rooms.0.lock().unwrap().deaf = true;
    let lost = places.document("there", &document("# One\n")).await;
    assert!(lost.is_err(), "the search was answered by nobody");
    let landed = places
        .document("there", &document("# One\n"))
        .await
        .unwrap();
    assert_eq!(landed.url, "https://discord.com/channels/@me/234567/1000");
    // Posted, and the answer is lost.
    rooms.asked();
    let landed = places
        .document("there", &document("# Two\n"))
        .await
        .unwrap();
    assert_eq!(
        rooms.asked(),
        [
            "GET channels/234567/messages",
            "PATCH channels/234567/messages/1000"
        ]
    );
    let known = again(&landed.url, "# Three @everyone\n");
    places.document("there", &known).await.unwrap();
    assert_eq!(rooms.asked(), ["PATCH channels/234567/messages/1000"]);
    let held = rooms.0.lock().unwrap();
    assert_eq!(held.messages.len(), 1);
    assert_eq!(
        held.messages[0]["attachments"][0]["text"],
        "# Three @everyone\n"
    );
}

#[tokio::test]
async fn a_document_is_one_issue_where_the_place_says_so() {
    let stand = Stand::default();
    let base = stand.serve().await;
    let kind = ExportKind::Issues {
        documents: true,
        forge: Forge::Github,
        project: "acme/web".to_owned(),
    };
    let places = places(&base, kind);
    assert_eq!(
        (places.names(true).len(), places.names(false).len()),
        (1, 0)
    );
    let landed = places
        .document("there", &document("# One\n"))
        .await
        .unwrap();
    assert!(landed.url.ends_with("/issues/1"), "{}", landed.url);
    let held = stand.0.lock().unwrap();
    assert_eq!(held.issues.len(), 1);
    let body = held.issues[0]["body"].as_str().unwrap();
    assert!(
        body.contains("# One") && body.contains("<!-- firebell-42 -->"),
        "{body}"
    );
}
