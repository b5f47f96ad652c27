//! `[limits]`, `[result]` and `[lock]`: the bounds of one run, how its end is read, and what must
//! not run beside it. What an executor cannot enforce is refused, so that nobody relies on it.

use super::super::reader::{Said, Table};
use super::check_templates;
use super::how::{BOUNDS, Run};
use crate::core::directory::{Action, Arg, How, Limits, Lock, Sandbox};

/// Until when an outcome that stays unknown holds its keys, unless the file says: a day.
const UNKNOWN_TTL_MS: i64 = 86_400_000;
/// Keys of one action.
const KEYS_MAX: usize = 10;
/// Every key of `[limits]` and the kinds of `[run]` that can enforce it.
const ENFORCED: &[(&str, &[&str])] = &[
    (
        "timeout",
        &["process", "ssh", "http", "rundeck", "kubernetes"],
    ),
    (
        "output",
        &["process", "ssh", "http", "rundeck", "kubernetes"],
    ),
    ("kill-grace", &["process", "ssh", "kubernetes"]),
    ("memory", &["process", "kubernetes"]),
    ("cpu", &["process"]),
    ("files", &["process"]),
    ("file-size", &["process"]),
    ("processes", &["process"]),
    ("sandbox", &["process"]),
    ("sandbox-required", &["process"]),
    ("read", &["process"]),
    ("write", &["process"]),
    ("connect", &["process"]),
];

/// The bounds of one run; `[run]` is done with afterwards.
pub(super) fn limits(action: &Table<'_>, run: Option<&Run<'_>>) -> Limits {
    let own = action.table("limits", "[limits]");
    let mut limits = Limits::default();
    if let Some(run) = run {
        if let Some(own) = &own {
            for key in BOUNDS
                .into_iter()
                .filter(|k| own.has(k) && run.table.has(k))
            {
                let what = format!("`{key}` stands in [run] and in [limits]");
                let fix = "keep the one in [limits]";
                own.sink.fault(&run.table.place_of(key), what, fix);
            }
        }
        enforced(&run.table, run.how.word(), &BOUNDS);
        basic(&run.table, &mut limits);
    }
    if let Some(own) = own {
        if let Some(run) = run {
            let all: Vec<&str> = ENFORCED.iter().map(|(key, _)| *key).collect();
            enforced(&own, run.how.word(), &all);
        }
        basic(&own, &mut limits);
        let count = |key, range| own.int(key, range).and_then(|n| u64::try_from(n).ok());
        limits.cpu_secs = own
            .duration_ms("cpu", 1000..=86_400_000)
            .and_then(|ms| u64::try_from(ms.div_euclid(1000)).ok());
        let bytes = |key, range| own.bytes(key, range).map(|n| n as u64);
        limits.memory_bytes = bytes("memory", 4 * 1024 * 1024..=1024 * 1024 * 1024 * 1024);
        limits.file_bytes = bytes("file-size", 0..=1024 * 1024 * 1024 * 1024);
        limits.files = count("files", 8..=1_048_576);
        limits.processes = count("processes", 1..=100_000);
        limits.sandbox = sandbox(&own);
        own.done();
    }
    limits
}

/// Time and output, which `[run]` may hold too.
fn basic(table: &Table<'_>, limits: &mut Limits) {
    if let Some(ms) = table.duration_ms("timeout", 1000..=3_600_000) {
        limits.timeout_ms = ms;
    }
    if let Some(ms) = table.duration_ms("kill-grace", 0..=60_000) {
        limits.kill_grace_ms = ms;
    }
    if let Some(bytes) = table.bytes("output", 1024..=16 * 1024 * 1024) {
        limits.output_bytes = bytes;
    }
}

/// A fault for each limit that this kind of `[run]` cannot keep.
fn enforced(table: &Table<'_>, kind: &str, keys: &[&str]) {
    for (key, kinds) in ENFORCED.iter().filter(|(key, _)| keys.contains(key)) {
        if table.has(key) && !kinds.contains(&kind) {
            let what = format!("nothing keeps `{key}` when kind = {kind:?}");
            let fix = format!(
                "remove it, and set the bound over there; it is kept for {}",
                kinds.join(" and ")
            );
            table.sink.fault(&table.place_of(key), what, fix);
        }
    }
}

fn sandbox(table: &Table<'_>) -> Sandbox {
    let said = table.text("sandbox");
    let on = said.as_ref().is_some_and(|s| s.value == "landlock");
    if let Some(said) = said.filter(|s| !["landlock", "none"].contains(&s.value.as_str())) {
        let what = format!("`sandbox` cannot be {:?}", said.value);
        let fix = "write sandbox = \"landlock\" or \"none\"";
        table.sink.fault(&said.place, what, fix);
    }
    for key in ["sandbox-required", "read", "write", "connect"] {
        if table.has(key) && !on {
            let what = format!("`{key}` says nothing without a sandbox");
            let fix = "add sandbox = \"landlock\", or remove it";
            table.sink.fault(&table.place_of(key), what, fix);
        }
    }
    let paths = |key| -> Vec<String> {
        let said = table.texts(key).unwrap_or_default();
        for s in said.iter().filter(|s| !s.value.starts_with('/')) {
            let what = format!("`{key}` cannot hold {:?}: it is not absolute", s.value);
            table.sink.fault(&s.place, what, "write the whole path");
        }
        said.into_iter().map(|s| s.value).collect()
    };
    let (read, write) = (paths("read"), paths("write"));
    let port = |n: i64| u16::try_from(n).ok();
    let connect = table.ints("connect", 1..=65_535);
    Sandbox {
        on,
        required: table.flag("sandbox-required").unwrap_or(false),
        read,
        write,
        connect: connect.map(|ports| ports.into_iter().filter_map(port).collect()),
    }
}

/// How the end of a run is read.
pub(super) struct Ending {
    pub success: Vec<i32>,
    pub retryable: Vec<i32>,
    /// The statuses that mean success, for HTTP.
    pub statuses: Vec<u16>,
}

pub(super) fn result(action: &Table<'_>, run: Option<&Run<'_>>, idempotent: bool) -> Ending {
    let mut ending = Ending {
        success: vec![0],
        retryable: Vec::new(),
        statuses: Vec::new(),
    };
    let Some(table) = action.table("result", "[result]") else {
        return ending;
    };
    let web = run.is_some_and(|r| matches!(r.how, How::Http(_)));
    if run.is_some_and(|r| matches!(r.how, How::Rundeck(_))) {
        let what = "Rundeck tells no exit code";
        let fix = "remove [result]; the job's own state decides";
        table.sink.fault(&table.place, what, fix);
    }
    let range = if web { 100..=599 } else { 0..=255 };
    let success = table.ints("success", range.clone());
    if table.has("success") && table.no_items("success") {
        table.sink.fault(
            &table.place_of("success"),
            "no exit code would mean success",
            "write success = [0]",
        );
    }
    let retryable = table.ints("retryable", range).unwrap_or_default();
    if !retryable.is_empty() && !idempotent {
        let what = "`retryable` starts the action again, and it is not idempotent";
        let fix = "add idempotent = true if a second start does no harm, or remove `retryable`";
        table.sink.fault(&table.place_of("retryable"), what, fix);
    }
    let good = success.clone().unwrap_or_else(|| vec![0]);
    if let Some(both) = retryable.iter().find(|n| good.contains(n)) {
        let what = format!("{both} cannot be both `success` and `retryable`");
        table
            .sink
            .fault(&table.place_of("retryable"), what, "keep it in one of them");
    }
    table.done();
    let codes = |list: Vec<i64>| list.into_iter().filter_map(|n| i32::try_from(n).ok());
    ending.retryable = codes(retryable).collect();
    if web {
        let status = |n: i64| u16::try_from(n).ok();
        ending.statuses = success
            .unwrap_or_default()
            .into_iter()
            .filter_map(status)
            .collect();
    } else {
        ending.success = codes(good).collect();
    }
    ending
}

/// Statuses belong to the request.
pub(super) fn success_of(action: &mut Action, statuses: Vec<u16>) {
    if let How::Http(run) = &mut action.how {
        run.success = statuses;
    }
}

pub(super) fn lock(action: &Table<'_>, args: &[Arg]) -> Lock {
    let mut lock = Lock {
        unknown_ttl_ms: UNKNOWN_TTL_MS,
        ..Lock::default()
    };
    let Some(table) = action.table("lock", "[lock]") else {
        return lock;
    };
    let keys = keys(&table);
    check_templates(&keys, args, table.sink);
    for key in &keys {
        let odd = key
            .value
            .chars()
            .any(|c| c.is_control() || c.is_whitespace());
        if key.value.is_empty() || key.value.chars().count() > 200 || odd {
            let what = format!("`key` cannot hold {:?}", key.value);
            let fix = "write it such as \"host:{host}\", without spaces";
            table.sink.fault(&key.place, what, fix);
        }
    }
    if keys.len() > KEYS_MAX {
        let what = format!("`key` has more than {KEYS_MAX} keys");
        let fix = "lock what really must not run twice";
        table.sink.fault(&table.place_of("key"), what, fix);
    }
    for held in ["wait", "cooldown", "unknown-ttl"] {
        if table.has(held) && keys.is_empty() {
            let what = format!("`{held}` has no `key` to hold");
            let fix = "add key = [\"host:{host}\"], or remove it";
            table.sink.fault(&table.place_of(held), what, fix);
        }
    }
    lock.keys = keys.into_iter().map(|k| k.value).collect();
    lock.wait_ms = table.duration_ms("wait", 0..=3_600_000).unwrap_or(0);
    lock.cooldown_ms = table.duration_ms("cooldown", 0..=86_400_000).unwrap_or(0);
    if let Some(ms) = table.duration_ms("unknown-ttl", 60_000..=30 * 86_400_000) {
        lock.unknown_ttl_ms = ms;
    }
    let cap = |key| table.int(key, 1..=1000).and_then(|n| u32::try_from(n).ok());
    lock.max_per_incident = cap("max-per-incident");
    lock.max_per_hour = cap("max-per-hour");
    table.done();
    lock
}

/// One key as text, or several as a list.
fn keys(table: &Table<'_>) -> Vec<Said<String>> {
    use super::super::tree::Kind;
    match table.get("key").map(|node| &node.kind) {
        None => Vec::new(),
        Some(Kind::Text(_)) => table.text("key").into_iter().collect(),
        Some(_) => table.texts("key").unwrap_or_default(),
    }
}
