//! `[run]` of the engines behind an HTTP API. Addresses, names and keys are fixed; arguments stand
//! only where they cannot leave their place.

use super::super::reader::{Said, Sink, Table};
use super::super::settings::{loopback_host, web_address};
use super::super::tree::{Kind, Node};
use super::how::{argv, env, named, reference};
use super::{Ground, check_templates, fixed};
use crate::core::directory::{Arg, HttpRun, KubernetesRun, RundeckRun};
use serde_json::Value;
use std::collections::BTreeMap;

/// The methods of an HTTP action.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// Headers firebell or its client sets itself.
const OWN_HEADERS: [&str; 8] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "upgrade",
    "trailer",
    "idempotency-key",
];
/// The option by which firebell finds a run of Rundeck again.
const RUN_OPTION: &str = "firebell_run_id";

pub(super) fn http(table: &Table<'_>, args: &[Arg], ground: &Ground<'_>) -> HttpRun {
    let method = table.text("method").map_or_else(
        || "POST".to_owned(),
        |said| {
            if !METHODS.contains(&said.value.as_str()) {
                let what = format!("`method` cannot be {:?}", said.value);
                let fix = format!("write one of {}", METHODS.join(", "));
                table.sink.fault(&said.place, what, fix);
            }
            said.value
        },
    );
    let url = table.need_text("url", "\"https://api.example.org/v1/hosts/{host}/restart\"");
    let (headers, secret) = headers(table, ground);
    if let Some(said) = &url {
        check_url(said, args, secret, table.sink);
    }
    let body = table.get("body").map(|node| json(node, args, table.sink));
    if body.is_some() && method == "GET" {
        let what = "a GET has no body";
        let fix = "remove `body`, or write method = \"POST\"";
        table.sink.fault(&table.place_of("body"), what, fix);
    }
    HttpRun {
        method,
        url: url.map(|u| u.value).unwrap_or_default(),
        headers,
        body,
        success: Vec::new(),
        private: table.flag("private").unwrap_or(false),
    }
}

/// The fixed headers, and whether one is a secret.
fn headers(table: &Table<'_>, ground: &Ground<'_>) -> (BTreeMap<String, String>, bool) {
    let (mut headers, mut secret) = (BTreeMap::new(), false);
    for (name, said) in table.map("headers") {
        let token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let lower = name.to_ascii_lowercase();
        if name.is_empty() || !name.chars().all(token) || OWN_HEADERS.contains(&lower.as_str()) {
            let what = format!("`headers` cannot hold {name:?}");
            let fix =
                "name another header; Host, Content-Length and Idempotency-Key are set by firebell";
            table.sink.fault(&said.place, what, fix);
        }
        let refers = said.value.starts_with("env:") || said.value.starts_with("file:");
        if refers {
            secret = true;
            if let Some(reference) = reference(&name, &said, table, ground) {
                headers.insert(name, reference);
            }
            continue;
        }
        if lower == "authorization" || lower == "cookie" {
            let what = format!("the header {name} holds a secret in the open");
            let fix = format!(
                "write {name} = \"env:NAME\" or \"file:/path\"; the secret is the whole value"
            );
            table.sink.fault(&said.place, what, fix);
        }
        if said.value.chars().any(char::is_control) || !said.value.is_ascii() {
            let what = format!("the header {name} has characters that a header cannot hold");
            table.sink.fault(&said.place, what, "use printable ASCII");
        }
        fixed(&name, &said, table.sink);
        headers.insert(name, said.value);
    }
    (headers, secret)
}

/// Scheme, host and port are fixed; arguments stand in path segments and in values of the query.
fn check_url(said: &Said<String>, args: &[Arg], secret: bool, sink: &Sink) {
    let url = &said.value;
    let fault = |what: String, fix: &str| sink.fault(&said.place, what, fix);
    let after = url.find("://").map_or(0, |at| at + 3);
    let end = url[after..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |n| after + n);
    let (origin, rest) = url.split_at(end);
    if origin.contains(['{', '}']) {
        fault(
            format!("`url` cannot be {url:?}: an argument would choose the host"),
            "write scheme, host and port out; arguments stand in the path or in values of the query",
        );
        return;
    }
    let Some(host) = web_address(origin) else {
        fault(
            format!("`url` cannot be {url:?}: it is not an http or https address"),
            "write url = \"https://api.example.org/…\"",
        );
        return;
    };
    if origin.contains('@') {
        fault(
            "`url` holds a user or a password".to_owned(),
            "write headers = { Authorization = \"env:NAME\" }",
        );
    }
    if secret && origin.starts_with("http:") && !loopback_host(&host) {
        fault(
            "a secret header would travel unencrypted".to_owned(),
            "write an https address",
        );
    }
    if rest.contains('#') {
        fault(
            "`url` has a part behind `#`, which is never sent".to_owned(),
            "remove it",
        );
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let name_of = |pair: &str| pair.split('=').next().unwrap_or_default().contains('{');
    if query.split('&').any(name_of) {
        fault(
            "an argument would choose the name of a value of the query".to_owned(),
            "write name={argument}",
        );
    }
    if path.split('/').any(|s| s == "." || s == "..") {
        fault(
            "`url` has a path with . or .. in it".to_owned(),
            "write the path it leads to",
        );
    }
    let template = Said {
        value: rest.to_owned(),
        place: said.place.clone(),
    };
    check_templates([&template], args, sink);
}

/// A TOML value as JSON; its texts are templates.
fn json(node: &Node, args: &[Arg], sink: &Sink) -> Value {
    match &node.kind {
        Kind::Text(text) => {
            let said = Said {
                value: text.clone(),
                place: node.place.clone(),
            };
            check_templates([&said], args, sink);
            Value::String(text.clone())
        }
        Kind::Int(n) => Value::from(*n),
        Kind::Bool(b) => Value::Bool(*b),
        Kind::List(items) => items.iter().map(|item| json(item, args, sink)).collect(),
        Kind::Table(entries) => {
            let mut fields = serde_json::Map::new();
            for (name, (place, value)) in entries {
                let key = Said {
                    value: name.clone(),
                    place: place.clone(),
                };
                fixed("body", &key, sink);
                fields.insert(name.clone(), json(value, args, sink));
            }
            Value::Object(fields)
        }
        Kind::Number | Kind::Date(_) | Kind::Missing => {
            let what = format!("`body` cannot hold {}", node.kind.words());
            let fix = "write whole numbers, or put it in quotes";
            sink.fault(&node.place, what, fix);
            Value::Null
        }
    }
}

pub(super) fn rundeck(table: &Table<'_>, args: &[Arg], ground: &Ground<'_>) -> RundeckRun {
    let server = named(table, "server", "rundeck", ground.engines.rundeck.keys());
    let job = table.need_text("job", "\"8a0b4c1e-…\", the job's UUID");
    if let Some(said) = &job {
        let parts: Vec<usize> = said.value.split('-').map(str::len).collect();
        let digits = said
            .value
            .bytes()
            .all(|b| b.is_ascii_hexdigit() || b == b'-');
        if parts != [8, 4, 4, 4, 12] || !digits {
            let what = format!("`job` cannot be {:?}: it is not a UUID", said.value);
            let fix =
                "copy the UUID from the job's page in Rundeck; names can be given to another job";
            table.sink.fault(&said.place, what, fix);
        }
    }
    let project = table.need_text("project", "\"operations\"");
    if let Some(said) = &project {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.+ ".contains(c);
        if !said.value.chars().all(plain) || said.value.starts_with('.') {
            let what = format!("`project` cannot be {:?}", said.value);
            let fix = "write the project's name as Rundeck has it";
            table.sink.fault(&said.place, what, fix);
        }
    }
    let mut options = BTreeMap::new();
    for (name, said) in table.map("options") {
        if name == RUN_OPTION {
            let what = format!("`options` cannot hold {RUN_OPTION}, which firebell fills in");
            let fix = "remove it here; declare it in the job, so that a run can be found again";
            table.sink.fault(&said.place, what, fix);
        }
        check_templates([&said], args, table.sink);
        options.insert(name, said.value);
    }
    let text = |said: Option<Said<String>>| said.map(|s| s.value).unwrap_or_default();
    RundeckRun {
        server,
        job: text(job),
        project: text(project),
        options,
    }
}

/// Whether a text can be a name of Kubernetes: labels of a domain name.
fn cluster_name(text: &str, dots: bool) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && l.bytes().all(plain)
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label) && (dots || !text.contains('.'))
}

pub(super) fn kubernetes(table: &Table<'_>, args: &[Arg], ground: &Ground<'_>) -> KubernetesRun {
    let cluster = named(
        table,
        "cluster",
        "kubernetes",
        ground.engines.kubernetes.keys(),
    );
    let name = |said: &Said<String>, key: &str, dots: bool| {
        if !cluster_name(&said.value, dots) {
            let what = format!("`{key}` cannot be {:?}", said.value);
            let fix = "write a name of Kubernetes: lower-case letters, digits and -";
            table.sink.fault(&said.place, what, fix);
        }
    };
    let namespace = table.need_text("namespace", "\"operations\"");
    if let Some(said) = &namespace {
        name(said, "namespace", false);
    }
    let image = table.need_text("image", "\"registry.example.org/tools:1.4\"");
    if let Some(said) = &image {
        fixed("image", said, table.sink);
        if said
            .value
            .chars()
            .any(|c| c.is_whitespace() || c.is_control())
        {
            let what = format!("`image` cannot be {:?}", said.value);
            table
                .sink
                .fault(&said.place, what, "write it without spaces");
        }
    }
    let argv = argv(
        table,
        "argv",
        args,
        "[\"/usr/bin/program\", \"{argument}\"]",
    );
    let dry_run = table.texts("dry-run").unwrap_or_default();
    check_templates(dry_run.iter().skip(1), args, table.sink);
    for program in argv.first().into_iter().chain(dry_run.first()) {
        fixed("the program", program, table.sink);
    }
    let service_account = table.text("service-account");
    if let Some(said) = &service_account {
        name(said, "service-account", true);
    }
    let plain = |said: Vec<Said<String>>| said.into_iter().map(|s| s.value).collect();
    let text = |said: Option<Said<String>>| said.map(|s| s.value).unwrap_or_default();
    KubernetesRun {
        cluster,
        namespace: text(namespace),
        image: text(image),
        argv: plain(argv),
        dry_run: plain(dry_run),
        env: env(table),
        service_account: service_account.map(|s| s.value),
    }
}
