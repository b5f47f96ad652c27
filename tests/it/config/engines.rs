//! Actions that run elsewhere, and the connections they name.

use super::{Folder, each_is_said, fix_report, good};
use firebell::core::directory::How;
use std::collections::BTreeMap;

/// A configuration with one connection of each kind.
fn engines() -> Folder {
    let folder = Folder::new();
    folder.put_secret("secret");
    folder.put(
        "firebell.toml",
        r#"[paging]
catch-all = ["person:ana"]
[inventory]
web = ["web-1", "web-2"]
odd = ["a/b"]
[ssh.web]
user = "ops"
port = 2222
connect-timeout = "5s"
[rundeck.main]
url = "https://rundeck.example.org/"
token = "file:secret"
[kubernetes.prod]
url = "https://k8s.example.org:6443"
token = "file:secret"
"#,
    );
    folder
}

const ARGS: &str = "schema = 1
title = \"Far\"
class = \"diagnostic\"
services = [\"*\"]
[[arg]]
name = \"host\"
type = \"ref\"
list = \"web\"
default = \"web-1\"
[[arg]]
name = \"n\"
type = \"int\"
min = 1
max = 9
default = 3
[[arg]]
name = \"odd\"
type = \"ref\"
list = \"odd\"
default = \"a/b\"
";

const SSH: &str = "[run]
kind = \"ssh\"
server = \"web\"
host = \"{host}\"
command = \"/usr/local/libexec/fb\"
argv = [\"restart\", \"{n}\"]
";
const HTTP: &str = "[run]
kind = \"http\"
url = \"https://api.example.org/hosts/{host}/restart?n={n}\"
headers = { Authorization = \"file:secret\", X-From = \"firebell\" }
body = { host = \"{host}\", deep = [{ n = 1, text = \"n={n}\" }], ok = true }
[result]
success = [200, 202]
";
const RUNDECK: &str = "[run]
kind = \"rundeck\"
server = \"main\"
job = \"8a0b4c1e-0000-4000-8000-0123456789ab\"
project = \"operations\"
options = { host = \"{host}\" }
";
const KUBERNETES: &str = "[run]
kind = \"kubernetes\"
cluster = \"prod\"
namespace = \"operations\"
image = \"registry.example.org/tools:1.4\"
argv = [\"/usr/bin/tool\", \"--host={host}\"]
service-account = \"fb-runs\"
[limits]
memory = \"256MiB\"
";

#[test]
fn an_action_moves_to_another_engine_by_its_run_table() {
    let folder = engines();
    for (id, run) in [
        ("by-ssh", SSH),
        ("by-http", HTTP),
        ("by-rundeck", RUNDECK),
        ("by-kubernetes", KUBERNETES),
    ] {
        folder.put(&format!("actions/{id}.toml"), &format!("{ARGS}{run}"));
    }
    let loaded = good(folder.load(&[]));
    assert_eq!(loaded.warnings, [], "{}", fix_report(&loaded.warnings));
    let plan = |id: &str| {
        let a = &loaded.directory.actions[id];
        firebell::core::action::bind(a, &BTreeMap::new(), &BTreeMap::new()).unwrap()
    };
    let ssh = plan("by-ssh");
    assert_eq!(ssh.target, "ssh web-1 by web: /usr/local/libexec/fb");
    assert_eq!(ssh.argv, ["restart", "3"]);
    let http = plan("by-http");
    assert_eq!(
        http.argv,
        [
            "POST",
            "https://api.example.org/hosts/web-1/restart?n=3",
            r#"{"deep":[{"n":1,"text":"n=3"}],"host":"web-1","ok":true}"#
        ]
    );
    let How::Http(run) = &loaded.directory.actions["by-http"].how else {
        panic!();
    };
    assert_eq!(run.success, [200, 202]);
    assert!(run.headers["Authorization"].starts_with("file:/"));
    assert_eq!(plan("by-rundeck").argv, ["host=web-1"]);
    assert_eq!(
        plan("by-kubernetes").argv,
        ["/usr/bin/tool", "--host=web-1"]
    );
    let e = &loaded.settings.engines;
    assert_eq!(
        (e.ssh["web"].port, e.ssh["web"].connect_timeout_ms),
        (2222, 5000)
    );
    assert_eq!(e.rundeck["main"].url, "https://rundeck.example.org");
    assert_eq!(e.rundeck["main"].api_version, 41);
    assert!(!format!("{loaded:?}").contains("s3cret"));
}

/// Kind, what is replaced by what, and the sentence.
const WRONG_RUNS: &[(&str, &str, &str, &str)] = &[
    (SSH, "server = \"web\"", "server = \"wb\"", "[ssh.wb]"),
    (
        SSH,
        "\"{host}\"",
        "\"{host}.example.org\"",
        "cannot hold an argument",
    ),
    (SSH, "\"{host}\"", "\"{n}\"", "which is no name"),
    (SSH, "\"{host}\"", "\"{odd}\"", "is no host name"),
    (SSH, "\"{host}\"", "\"{hst}\"", "not an argument"),
    (SSH, "\"{host}\"", "\"root@web-1\"", "is no host name"),
    (SSH, "/fb\"", "/fb {n}\"", "a shell on the other side"),
    (SSH, "/fb\"", "/fb; id\"", "a shell on the other side"),
    (SSH, "argv", "user = \"x\"\nargv", "has no key `user`"),
    (
        SSH,
        "[run]",
        "[limits]\nmemory = \"1GiB\"\n[run]",
        "nothing keeps `memory`",
    ),
    (
        SSH,
        "[run]",
        "[limits]\nsandbox = \"landlock\"\n[run]",
        "nothing keeps `sandbox`",
    ),
    (
        HTTP,
        "https://api.example.org",
        "https://{host}.example.org",
        "would choose the host",
    ),
    (
        HTTP,
        "https://api.example.org",
        "https://api.example.org:{n}",
        "would choose the host",
    ),
    (HTTP, "https://api", "ftp://api", "not an http or https"),
    (
        HTTP,
        "https://api",
        "http://api",
        "would travel unencrypted",
    ),
    (HTTP, "https://api", "https://u:p@api", "holds a user"),
    (HTTP, "?n=", "?{n}=", "the name of a value of the query"),
    (HTTP, "/hosts/", "/../hosts/", "a path with . or .."),
    (HTTP, "?n={n}", "#n={n}", "which is never sent"),
    (
        HTTP,
        "\"file:secret\"",
        "\"Bearer abc\"",
        "secret in the open",
    ),
    (HTTP, "X-From", "Idempotency-Key", "cannot hold"),
    (HTTP, "\"firebell\"", "\"{host}\"", "is fixed"),
    (HTTP, "deep = ", "\"{host}\" = ", "is fixed"),
    (HTTP, "ok = true", "ok = 1.5", "`body` cannot hold"),
    (HTTP, "url", "method = \"GET\"\nurl", "a GET has no body"),
    (HTTP, "url", "method = \"TRACE\"\nurl", "`method` cannot be"),
    (HTTP, "[200, 202]", "[0]", "from 100 to 599"),
    (
        HTTP,
        "[result]",
        "[limits]\nkill-grace = \"1s\"\n[result]",
        "nothing keeps `kill-grace`",
    ),
    (RUNDECK, "-0123456789ab", "", "is not a UUID"),
    (RUNDECK, "\"main\"", "\"man\"", "[rundeck.man]"),
    (
        RUNDECK,
        "{ host",
        "{ firebell_run_id = \"1\", host",
        "firebell fills in",
    ),
    (
        RUNDECK,
        "[run]",
        "[result]\nsuccess = [0]\n[run]",
        "no exit code",
    ),
    (KUBERNETES, "\"prod\"", "\"test\"", "[kubernetes.test]"),
    (
        KUBERNETES,
        "\"operations\"",
        "\"Ops\"",
        "`namespace` cannot be",
    ),
    (KUBERNETES, "tools:1.4", "tools:{n}", "is fixed"),
    (KUBERNETES, "/usr/bin/tool\"", "{host}\"", "is fixed"),
    (
        KUBERNETES,
        "memory",
        "cpu = \"5s\"\nmemory",
        "nothing keeps `cpu`",
    ),
];

#[test]
fn faults_of_the_other_engines_name_the_fix() {
    for (run, from, to, what) in WRONG_RUNS {
        let folder = engines();
        let text = run.replacen(from, to, 1);
        assert_ne!(&text, run, "{from}");
        folder.put("actions/far.toml", &format!("{ARGS}{text}"));
        let loaded = good(folder.load(&[]));
        let found = loaded
            .warnings
            .iter()
            .any(|f| f.line > 0 && f.what.contains("far is disabled") && f.what.contains(what));
        assert!(found, "{to}: {what}\n{}", fix_report(&loaded.warnings));
        assert!(!loaded.directory.actions.contains_key("far"), "{to}");
    }
}

const PAGING: &str = "[paging]\ncatch-all = [\"person:ana\"]\n";

/// Text below [`PAGING`], line, sentence and fix.
const WRONG_CONNECTIONS: &[(&str, usize, &str, &str)] = &[
    (
        "[ssh.Web]\nuser = \"ops\"",
        3,
        "cannot be called \"Web\"",
        "another name",
    ),
    ("[ssh.web]", 3, "has no `user`", "user ="),
    (
        "[ssh.web]\nuser = \"a b\"",
        4,
        "`user` cannot be",
        "letters",
    ),
    (
        "[ssh.web]\nuser = \"-oX\"",
        4,
        "`user` cannot be",
        "letters",
    ),
    (
        "[ssh.web]\nuser = \"ops\"\nport = 0",
        5,
        "from 1 to 65535",
        "",
    ),
    (
        "[ssh.web]\nuser = \"ops\"\nidentity-file = \"/not/here\"",
        5,
        "is not a file",
        "create it",
    ),
    (
        "[ssh.web]\nuser = \"ops\"\nprogram = \"ssh\"",
        5,
        "`program` cannot be",
        "/usr/bin/ssh",
    ),
    (
        "[ssh.web]\nuser = \"ops\"\nhost = \"x\"",
        5,
        "no key `host`",
        "",
    ),
    (
        "[rundeck.main]\nurl = \"http://r.example.org\"",
        4,
        "the token is sent there",
        "https",
    ),
    (
        "[rundeck.main]\nurl = \"https://r.example.org\"",
        3,
        "has no `token`",
        "env:NAME",
    ),
    (
        "[rundeck.main]\nurl = \"https://r.example.org\"\ntoken = \"abc\"",
        5,
        "a secret in the open",
        "env:NAME",
    ),
    (
        "[rundeck.main]\nurl = \"https://r.example.org\"\ntoken = \"env:T\"\napi-version = 13",
        6,
        "from 41 to 59",
        "41",
    ),
    (
        "[kubernetes.prod]",
        3,
        "exactly one way",
        "in-cluster = true",
    ),
    (
        "[kubernetes.prod]\nin-cluster = true\nkubeconfig = \"/x\"",
        3,
        "exactly one way",
        "kubeconfig",
    ),
    (
        "[kubernetes.prod]\nin-cluster = true\ncontext = \"x\"",
        5,
        "`context` belongs to `kubeconfig`",
        "remove it",
    ),
    (
        "[kubernetes.prod]\nkubeconfig = \"/not/here\"",
        4,
        "is not a file",
        "create it",
    ),
    (
        "[inventory]\nweb = 1",
        4,
        "must be a list of names",
        "web-1",
    ),
    (
        "[inventory]\nweb = [\"a b\"]",
        4,
        "cannot hold \"a b\"",
        "without spaces",
    ),
    (
        "[inventory]\nweb = [\"-x\"]",
        4,
        "cannot hold \"-x\"",
        "a dash",
    ),
    (
        "[inventory]\nweb = [1]",
        4,
        "cannot hold",
        "visible characters",
    ),
    (
        "[inventory]\nweb = \"not/here.txt\"",
        4,
        "is in",
        "one name a line",
    ),
];

#[test]
fn faults_of_connections_and_lists_name_line_and_fix() {
    let rows = WRONG_CONNECTIONS;
    let texts: Vec<String> = rows
        .iter()
        .map(|(t, ..)| format!("{PAGING}{t}\n"))
        .collect();
    let rows: Vec<_> = rows
        .iter()
        .zip(&texts)
        .map(|((_, line, what, fix), text)| ("firebell.toml", text.as_str(), *line, *what, *fix))
        .collect();
    each_is_said(&rows);
}

#[test]
fn the_shipped_examples_connections_load_when_they_are_switched_on() {
    let text = include_str!("../../../deploy/firebell.example.toml");
    let begins = text.find("# [inventory]").unwrap();
    let block = &text[begins..begins + text[begins..].find("\n\n[paging]").unwrap()];
    let lines = block.lines().map(|line| match line.strip_prefix("# ") {
        // Files of its own are shown and are not there.
        Some(code) if code.contains("-file = ") || code.contains("known-hosts") => "",
        Some(code) if code.starts_with('[') || code.contains(" = ") => code,
        _ => line,
    });
    let folder = Folder::new();
    folder.put("inventory/db.txt", "db-1\n");
    folder.put("kubernetes", "s3cret\n");
    let block: String = lines.map(|l| format!("{l}\n")).collect();
    let block = block.replace("/etc/firebell/secrets/kubernetes", "kubernetes");
    folder.put("firebell.toml", &format!("{PAGING}{block}"));
    let loaded = good(folder.load(&[("RUNDECK_TOKEN", "s3cret")]));
    let e = &loaded.settings.engines;
    assert_eq!(e.ssh["web"].program.to_str(), Some("/usr/bin/ssh"));
    assert_eq!((e.ssh["web"].port, e.rundeck["main"].api_version), (22, 41));
    assert_eq!(e.kubernetes["prod"].way.timeout_ms, 10_000);
}
