//! An action that says everything, what is safe when it says nothing, and what hangs on other files.

use super::{ACTION, Folder, fix_report, good, said};
use firebell::core::directory::{AutoLevel, How, Risk};

const ALL: &str = r#"schema = 1
id = "all"
title = "All"
class = "remediation"
risk = "high"
idempotent = true
reversible = true
environments = ["prod", "staging"]
services = ["*"]
match = ['team="web"']
output-visibility = "console"

[[arg]]
name = "host"
type = "ref"
list = "web"
default = "web-1"
[[arg]]
name = "replica"
type = "ref"
list = "db"
default = "db-2"
[[arg]]
name = "hard"
type = "bool"
default = false
[[arg]]
name = "wait"
type = "duration"
min = "10s"
max = "10m"
default = "30s"

[run]
argv = ["/bin/echo", "{host}", "{replica}", "{hard}", "{wait}"]
dry-run = ["/bin/echo", "would", "{host}"]
cwd = "/tmp"
env = { LANG = "C.UTF-8" }
env-pass = ["HTTPS_PROXY"]
secrets = { TOKEN = "file:secret" }
user = "nobody"

[limits]
timeout = "2m"
kill-grace = "3s"
output = "64KiB"
cpu = "30s"
memory = "1GiB"
files = 64
file-size = "10MiB"
processes = 16
sandbox = "landlock"
sandbox-required = true
read = ["/usr", "/etc"]
write = ["/tmp"]
connect = [443]

[result]
success = [0, 3]
retryable = [75]

[lock]
key = ["host:{host}"]
wait = "10s"
cooldown = "5m"
max-per-incident = 2
max-per-hour = 4
unknown-ttl = "2h"

[approval]
roles = ["responder"]
request-ttl = "20m"
valid-for = "5m"
dry-run-first = true
four-eyes = true
[[approval.required]]
roles = ["responder"]
count = 1
[approval.break-glass]
roles = ["responder"]
min-severity = "sev1"
notify = ["security"]

[rollback]
action = "look"
args = { path = "/tmp" }

[auto]
level = "one-click"
max-per-hour = 3
failures = 1
storm = 20

[[sample]]
labels = { team = "web", env = "prod" }
args = { host = "web-2", wait = "1m" }
"#;

#[test]
fn a_file_that_says_everything_is_read_whole() {
    let folder = Folder::new();
    folder.put_secret("secret");
    folder.put(
        "firebell.toml",
        "[paging]\ncatch-all = [\"person:ana\"]\n[inventory]\nweb = [\"web-1\", \"web-2\"]\ndb = \"db.txt\"\n",
    );
    folder.put("db.txt", "# replicas\ndb-1\n\ndb-2 # the big one\n");
    folder.put("actions/all.toml", ALL);
    let loaded = good(folder.load(&[]));
    assert_eq!(loaded.warnings, [], "{}", fix_report(&loaded.warnings));
    let a = &loaded.directory.actions["all"];
    assert_eq!(
        (a.risk, a.idempotent, a.reversible),
        (Risk::High, true, true)
    );
    assert!(a.private_output);
    let How::Process(run) = &a.how else {
        panic!("{:?}", a.how);
    };
    assert_eq!(run.user.as_deref(), Some("nobody"));
    assert_eq!(run.env_pass, ["HTTPS_PROXY"]);
    assert_eq!(
        run.secrets["TOKEN"],
        format!("file:{}", folder.path("secret").display())
    );
    let l = &a.limits;
    assert_eq!(
        (l.timeout_ms, l.kill_grace_ms, l.output_bytes, l.cpu_secs),
        (120_000, 3000, 65_536, Some(30))
    );
    assert_eq!(
        (l.memory_bytes, l.files, l.file_bytes, l.processes),
        (Some(1 << 30), Some(64), Some(10 << 20), Some(16))
    );
    assert!(l.sandbox.on && l.sandbox.required);
    assert_eq!(l.sandbox.connect, Some(vec![443]));
    assert_eq!((&a.success[..], &a.retryable[..]), (&[0, 3][..], &[75][..]));
    let k = &a.lock;
    assert_eq!(
        (
            k.wait_ms,
            k.cooldown_ms,
            k.unknown_ttl_ms,
            k.max_per_incident,
            k.max_per_hour
        ),
        (10_000, 300_000, 7_200_000, Some(2), Some(4))
    );
    let p = &a.approval;
    assert_eq!(a.roles, ["responder"]);
    assert_eq!((p.request_ttl_ms, p.valid_for_ms), (1_200_000, 300_000));
    assert!(p.dry_run_first && p.four_eyes && a.approvals() == 1);
    let glass = p.break_glass.as_ref().unwrap();
    assert_eq!(
        (&glass.roles[..], &glass.notify[..]),
        (&["responder".to_owned()][..], &["security".to_owned()][..])
    );
    assert_eq!(a.rollback.as_ref().unwrap().action, "look");
    assert_eq!(a.auto.level, AutoLevel::OneClick);
    assert_eq!(
        (a.auto.max_per_hour, a.auto.failures, a.auto.storm),
        (3, 1, 20)
    );
    let file = loaded.actions.iter().find(|f| f.id == "all").unwrap();
    let sample = &file.samples[0];
    let plan = firebell::core::action::bind(a, &sample.args, &sample.labels).unwrap();
    assert_eq!(plan.argv, ["/bin/echo", "web-2", "db-2", "false", "60"]);
    assert_eq!(plan.dry_run, ["/bin/echo", "would", "web-2"]);
    assert_eq!(plan.locks, ["host:web-2"]);
}

#[test]
fn brakes_are_on_when_a_file_says_nothing_of_them() {
    let loaded = good(Folder::new().load(&[]));
    let auto = &loaded.directory.actions["look"].auto;
    assert_eq!(auto.level, AutoLevel::Suggest);
    assert!(auto.max_per_hour > 0 && auto.failures > 0 && auto.storm > 0);
    assert!(loaded.directory.actions["look"].lock.unknown_ttl_ms > 0);
}

#[test]
fn only_what_is_harmless_or_can_be_undone_may_run_itself() {
    let changing = ACTION.replace("\"diagnostic\"", "\"remediation\"");
    let by_itself = "[auto]\nlevel = \"delayed\"\n";
    let both = "idempotent = true\nreversible = true\n[[arg]]";
    let able = changing.replace("[[arg]]", both);
    let rows = [
        (
            format!("{changing}{by_itself}"),
            "idempotent and reversible",
        ),
        (
            format!("{}{by_itself}", able.replace("default = \"/\"\n", "")),
            "neither a default nor a label",
        ),
        (
            format!("{able}[approval]\ncount = 1\n{by_itself}"),
            "must approve cannot start by itself",
        ),
    ];
    for (text, what) in rows {
        let folder = Folder::new();
        folder.put("actions/look.toml", &text);
        let loaded = good(folder.load(&[]));
        let said = loaded.warnings.iter().any(|f| f.what.contains(what));
        assert!(said, "{what}: {}", fix_report(&loaded.warnings));
        assert!(loaded.directory.actions.is_empty());
    }
    for text in [format!("{able}{by_itself}"), format!("{ACTION}{by_itself}")] {
        let folder = Folder::new();
        folder.put("actions/look.toml", &text);
        let loaded = good(folder.load(&[]));
        assert_eq!(loaded.warnings, []);
        assert_eq!(
            loaded.directory.actions["look"].auto.level,
            AutoLevel::Delayed
        );
    }
}

#[test]
fn a_program_that_is_not_here_switches_off_and_is_no_fault_of_the_file() {
    let folder = Folder::new();
    let away = ACTION.replace("/bin/df", "/opt/not/here");
    folder.put("actions/away.toml", &away);
    folder.put(
        "actions/back.toml",
        &format!("{ACTION}[rollback]\naction = \"away\"\n"),
    );
    let loaded = good(folder.load(&[]));
    for (id, what) in [
        ("away", "/opt/not/here is not on this machine"),
        ("back", "away, which undoes it, is off on this machine"),
    ] {
        assert!(!loaded.directory.actions.contains_key(id));
        let disabled = &loaded.directory.disabled[id];
        assert!(disabled.lacking, "{disabled:?}");
        assert!(disabled.why[0].what.contains(what), "{disabled:?}");
        // It can still be looked at.
        let file = loaded.actions.iter().find(|f| f.id == id).unwrap();
        assert!(file.faults.is_empty() && file.action.is_some() && !file.is_on());
    }
}

#[test]
fn a_wrong_rollback_is_told_also_where_the_program_is_missing() {
    let folder = Folder::new();
    let away = ACTION.replace("/bin/df", "/opt/not/here");
    folder.put(
        "actions/away.toml",
        &format!("{away}[rollback]\naction = \"nothing\"\n"),
    );
    let loaded = good(folder.load(&[]));
    said(
        &loaded.warnings,
        "actions/away.toml",
        12,
        "does not exist",
        "",
    );
    assert!(!loaded.directory.disabled["away"].lacking);
}

#[test]
fn an_action_that_undoes_another_goes_with_it() {
    let folder = Folder::new();
    let pair = |other: &str| {
        format!("{ACTION}[rollback]\naction = \"{other}\"\nargs = {{ path = \"{{path}}\" }}\n")
    };
    folder.put("actions/drain.toml", &pair("undrain"));
    folder.put("actions/undrain.toml", &pair("drain"));
    let loaded = good(folder.load(&[]));
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.directory.actions.len(), 3);
    folder.put("actions/undrain.toml", "schema = 1\n");
    let loaded = good(folder.load(&[]));
    assert_eq!(
        loaded.directory.actions.keys().collect::<Vec<_>>(),
        ["look"]
    );
    let why = &loaded.directory.disabled["drain"].why[0];
    assert!(
        why.what.contains("undrain, which undoes it, is disabled"),
        "{why:?}"
    );
}

#[test]
fn a_sample_that_does_not_bind_is_warned_about() {
    let folder = Folder::new();
    folder.put(
        "actions/look.toml",
        &format!("{ACTION}[[sample]]\nargs = {{ path = \"/etc\" }}\n"),
    );
    let loaded = good(folder.load(&[]));
    said(
        &loaded.warnings,
        "actions/look.toml",
        12,
        "does not take this sample: `path` cannot be \"/etc\"",
        "[[sample]]",
    );
    assert!(loaded.directory.actions.contains_key("look"));
}
