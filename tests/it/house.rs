//! A small organisation on disk for the real program, a receiver of its pages, and the way a browser
//! presses its buttons.

use crate::process::Firebell;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use reqwest::Client;
use reqwest::header::{ACCEPT, COOKIE, ORIGIN};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A receiver of pages on a loopback port, as somebody's pager would be; outlives firebell's crashes.
pub struct Sink {
    /// Where pages are posted.
    pub url: String,
    received: Arc<Received>,
}

#[derive(Default)]
struct Received {
    pages: Mutex<Vec<Value>>,
    silent: AtomicBool,
}

impl Sink {
    pub async fn open() -> Sink {
        let received = Arc::new(Received::default());
        let router = Router::new()
            .route("/page", post(receive))
            .with_state(received.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/page", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Sink { url, received }
    }

    /// From now on it takes requests and never answers, or answers again.
    pub fn silent(&self, silent: bool) {
        self.received.silent.store(silent, Ordering::SeqCst);
    }

    /// Every page that arrived, those that shared a request one by one.
    pub fn pages(&self) -> Vec<Value> {
        self.received.pages.lock().unwrap().clone()
    }

    /// How often each page arrived, by its key.
    pub fn times(&self) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for page in self.pages() {
            *times
                .entry(page["key"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        times
    }
}

async fn receive(State(received): State<Arc<Received>>, Json(mut body): Json<Value>) -> StatusCode {
    let silent = received.silent.load(Ordering::SeqCst);
    let also = body["also"].take();
    let also = also.as_array().cloned().unwrap_or_default();
    received
        .pages
        .lock()
        .unwrap()
        .extend(std::iter::once(body).chain(also));
    if silent {
        std::future::pending::<()>().await;
    }
    StatusCode::NO_CONTENT
}

/// Everything but `firebell.toml`: Ana is on call and has the console and a webhook, Bo may approve.
const FILES: [(&str, &str); 8] = [
    (
        "people/bo.toml",
        "name = \"Bo\"\nzone = \"UTC\"\nroles = [\"responder\"]\ncontacts = [{ kind = \"console\" }]\n",
    ),
    (
        "teams/web.toml",
        "name = \"Web\"\nmembers = [\"ana\", \"bo\"]\nchannel = \"web\"\npolicy = \"standard\"\n",
    ),
    (
        "services/checkout.toml",
        "name = \"Checkout\"\nteam = \"web\"\ntier = 1\nmatch = ['service=\"checkout\"']\nmajor-at = \"sev2\"\n",
    ),
    (
        "schedules/primary.toml",
        "name = \"Primary\"\nzone = \"UTC\"\nhandoff = \"0 9 * * MON\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\"]\n",
    ),
    (
        "policies/standard.toml",
        "repeat = 1\n[[rungs]]\ntargets = [\"schedule:primary\"]\nwait = \"30m\"\n",
    ),
    (
        "actions/restart.toml",
        "schema = 1\ntitle = \"Restart\"\nclass = \"remediation\"\nservices = [\"checkout\"]\n\
         [run]\nargv = [\"/bin/echo\", \"restarted\"]\n[approval]\ncount = 1\nroles = [\"responder\"]\n",
    ),
    (
        "actions/slow.toml",
        "schema = 1\ntitle = \"Slow\"\nclass = \"diagnostic\"\nservices = [\"*\"]\n\
         [run]\nargv = [\"/bin/sleep\", \"15\"]\n",
    ),
    ("secrets/api-token", "0123456789abcdef0123456789abcdef\n"),
];

/// Ingest tokens, by the name of their source.
pub const SOURCES: [(&str, &str); 2] = [
    ("prometheus", "11111111111111111111111111111111"),
    ("alertmanager", "22222222222222222222222222222222"),
];

/// Writes the organisation; `group_by` is TOML, `database` an address.
pub fn organisation(sink: &Sink, group_by: &str, database: Option<&str>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut main = format!(
        "data-dir = \"data\"\n[console]\ndemo = true\n[paging]\ncatch-all = [\"person:bo\"]\n\
         [route]\ngroup-by = {group_by}\npolicy = \"standard\"\n\
         [[tokens]]\nname = \"tests\"\ntoken = \"file:secrets/api-token\"\n"
    );
    for (name, token) in SOURCES {
        let file = if name == "prometheus" {
            "ingest-token".to_owned()
        } else {
            format!("{name}-token")
        };
        main += &format!("[[sources]]\nname = \"{name}\"\ntoken = \"file:secrets/{file}\"\n");
        write(folder.path(), &format!("secrets/{file}"), token);
    }
    main += &database.map_or_else(String::new, |url| format!("[database]\nurl = \"{url}\"\n"));
    let ana = format!(
        "name = \"Ana\"\nzone = \"UTC\"\nroles = [\"responder\"]\n\
         contacts = [{{ kind = \"console\" }}, {{ kind = \"webhook\", url = \"{}\" }}]\n",
        sink.url
    );
    write(folder.path(), "firebell.toml", &main);
    write(folder.path(), "people/ana.toml", &ana);
    for (name, text) in FILES {
        write(folder.path(), name, text);
    }
    folder
}

/// Writes a file only its owner may read, as secrets must be.
pub fn write(folder: &Path, name: &str, text: &str) {
    use std::io::Write;
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Sends a form of the console as this person's browser would; it must be done.
pub async fn form(firebell: &Firebell, who: &str, path: &str, fields: &[(&str, &str)]) {
    let click = format!("{:032x}", fastrand::u128(..));
    let mut all = vec![("click", click.as_str())];
    all.extend_from_slice(fields);
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("{}{path}", firebell.url()))
        .header(COOKIE, format!("firebell_who={who}"))
        .header(ORIGIN, firebell.url())
        .header(ACCEPT, "application/json")
        .form(&all);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    let told: Value = serde_json::from_str(&text)
        .unwrap_or_else(|e| panic!("{path}: {status} and no JSON ({e}): {text}"));
    assert_eq!(told["ok"], true, "{path}: {status} {told}");
}
