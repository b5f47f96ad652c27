//! `actions/ID.toml`: a runbook action. A file that is wrong disables that action alone.

use super::args::args;
use super::cross::Known;
use super::folders::{Entry, check_id};
use super::reader::{Said, Sink, Table};
use super::route::matchers;
use super::secret::{hex, sha256};
use super::tree::parse;
use crate::core::action::placeholders;
use crate::core::directory::{self, Action, ActionClass, Arg, How, Limits, ProcessRun};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

/// The version of the file format this firebell reads.
const SCHEMA: i64 = 1;

/// Reads and checks one file; faults go to `sink` and then there is no action.
pub(super) fn action(
    id: &str,
    text: &str,
    file: &Arc<Path>,
    known: &Known,
    sink: &Sink,
) -> Option<Action> {
    let root = parse(text, file, sink)?;
    let table = Table::open(&root, "an action", sink)?;
    schema(&table);
    if let Err(why) = check_id(id) {
        sink.fault(
            &table.place,
            format!("the file name {id:?} is no id: {why}"),
            "rename the file",
        );
    }
    let args = args(&table);
    let title = table.need_text("title", "\"Restart a web server\"");
    let about = table.text("about").map(|s| s.value).unwrap_or_default();
    let (class, services) = (class(&table), services(&table, known));
    let matchers = matchers(&table, "match");
    let run = run(&table, &args);
    let success = success(&table);
    let approval = approval(&table, known);
    table.done();
    let base = Action::of_program(id, &[]);
    Some(Action {
        title: title?.value,
        about,
        class: class?,
        services,
        matchers,
        args,
        how: How::Process(ProcessRun {
            argv: run.argv,
            cwd: run.cwd,
            env: run.env,
            ..ProcessRun::default()
        }),
        limits: Limits {
            timeout_ms: run.timeout_ms,
            kill_grace_ms: run.kill_grace_ms,
            output_bytes: run.output_bytes,
            ..Limits::default()
        },
        success,
        approval: directory::Approval {
            request_ttl_ms: approval.ttl_ms,
            ..directory::Approval::by_others(approval.count)
        },
        roles: approval.roles,
        digest: hex(&sha256(text.as_bytes())),
        ..base
    })
}

fn schema(table: &Table<'_>) {
    table.int("schema", SCHEMA..=SCHEMA);
    if !table.has("schema") {
        table.missing("schema", &SCHEMA.to_string());
    }
}

fn class(table: &Table<'_>) -> Option<ActionClass> {
    let said = table.need_text("class", "\"diagnostic\" or \"remediation\"")?;
    match said.value.as_str() {
        "diagnostic" => Some(ActionClass::Diagnostic),
        "remediation" => Some(ActionClass::Remediation),
        other => {
            let what = format!("`class` cannot be {other:?}");
            table.sink.fault(
                &said.place,
                what,
                "write class = \"diagnostic\" when it changes nothing, else \"remediation\"",
            );
            None
        }
    }
}

fn services(table: &Table<'_>, known: &Known) -> Vec<String> {
    if table.no_items("services") {
        table.get("services");
        table.missing("services", "[\"*\"] for all, or the services it is for");
        return Vec::new();
    }
    let said = table.texts("services").unwrap_or_default();
    for service in said.iter().filter(|s| s.value != "*") {
        known.check(
            Entry::Service,
            "services",
            &service.value,
            &service.place,
            table.sink,
        );
    }
    said.into_iter().map(|s| s.value).collect()
}

/// The `[run]` table.
#[derive(Default)]
struct Run {
    argv: Vec<String>,
    cwd: Option<String>,
    env: BTreeMap<String, String>,
    timeout_ms: i64,
    kill_grace_ms: i64,
    output_bytes: usize,
}

fn run(action: &Table<'_>, args: &[Arg]) -> Run {
    let Some(table) = action.table("run", "[run]") else {
        if !action.has("run") {
            action.missing(
                "[run]",
                "[\"/usr/bin/program\", \"{argument}\"] as its argv",
            );
        }
        return Run::default();
    };
    let argv = table.texts("argv").unwrap_or_default();
    if table.no_items("argv") {
        table.missing("argv", "[\"/usr/bin/program\", \"{argument}\"]");
    }
    if let Some(program) = argv.first() {
        check_program(program, table.sink);
    }
    for element in argv.iter().skip(1) {
        if let Err(why) = placeholders(&element.value, args) {
            table.sink.fault(
                &element.place,
                why,
                "name an [[arg]] between braces; {{ is a brace",
            );
        }
    }
    if argv.iter().any(|a| a.value.contains('\0')) {
        table.sink.fault(
            &table.place_of("argv"),
            "`argv` has a NUL byte",
            "remove it",
        );
    }
    let cwd = table.text("cwd");
    if let Some(said) = cwd
        .as_ref()
        .filter(|c| !Path::new(&c.value).is_dir() || !c.value.starts_with('/'))
    {
        let what = format!(
            "`cwd` cannot be {:?}: it is not an absolute path of a folder",
            said.value
        );
        table.sink.fault(
            &said.place,
            what,
            "create it, or remove the key: each run then gets an empty folder",
        );
    }
    let run = Run {
        argv: argv.into_iter().map(|a| a.value).collect(),
        cwd: cwd.map(|c| c.value),
        env: env(&table),
        timeout_ms: table
            .duration_ms("timeout", 1000..=3_600_000)
            .unwrap_or(60_000),
        kill_grace_ms: table.duration_ms("kill-grace", 0..=60_000).unwrap_or(5_000),
        output_bytes: table
            .bytes("output", 1024..=16 * 1024 * 1024)
            .unwrap_or(1024 * 1024),
    };
    table.done();
    run
}

fn env(table: &Table<'_>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for (name, said) in table.map("env") {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if name.is_empty() || !name.bytes().all(plain) || said.value.contains('\0') {
            let what = format!("`env` cannot hold a variable {name:?} with this value");
            table.sink.fault(
                &said.place,
                what,
                "use letters, digits and _ for the name, and no NUL byte",
            );
        }
        if said.value.starts_with("env:") || said.value.starts_with("file:") {
            // A program's environment can be read by its children and in /proc.
            let what = format!("`env` cannot hand a secret to the program ({name})");
            table.sink.fault(
                &said.place,
                what,
                "let the program read the secret from its own file",
            );
        }
        env.insert(name, said.value);
    }
    env
}

/// The program: absolute, fixed, there, executable, and nobody else's to change.
fn check_program(said: &Said<String>, sink: &Sink) {
    let program = &said.value;
    let fault = |what: String, fix: &str| sink.fault(&said.place, what, fix);
    if !program.starts_with('/') || program.contains(['{', '}']) {
        fault(
            format!("the program {program:?} must be an absolute path without an argument in it"),
            "write the whole path first, such as \"/usr/bin/systemctl\"",
        );
        return;
    }
    let Ok(meta) = std::fs::metadata(program) else {
        fault(
            format!("the program {program} is not on this machine"),
            "install it, or correct the path",
        );
        return;
    };
    let mode = meta.permissions().mode();
    if !meta.is_file() || mode & 0o111 == 0 {
        fault(
            format!("{program} is not an executable file"),
            "name a program, or chmod +x it",
        );
    } else if mode & 0o022 != 0 {
        fault(
            format!("others than its owner may change the program {program}"),
            "chmod go-w it, so that only its owner decides what runs",
        );
    }
}

fn success(action: &Table<'_>) -> Vec<i32> {
    let Some(table) = action.table("result", "[result]") else {
        return vec![0];
    };
    let codes = table.ints("success", 0..=255);
    if table.has("success") && table.no_items("success") {
        table.sink.fault(
            &table.place_of("success"),
            "no exit code would mean success",
            "write success = [0]",
        );
    }
    table.done();
    let codes = codes.unwrap_or_else(|| vec![0]);
    codes
        .into_iter()
        .filter_map(|n| i32::try_from(n).ok())
        .collect()
}

/// The `[approval]` table.
struct Approval {
    count: u8,
    roles: Vec<String>,
    ttl_ms: i64,
}

fn approval(action: &Table<'_>, known: &Known) -> Approval {
    // Without the table the requester's own confirmation is enough, for a quarter of an hour.
    let mut approval = Approval {
        count: 0,
        roles: Vec::new(),
        ttl_ms: 900_000,
    };
    let Some(table) = action.table("approval", "[approval]") else {
        return approval;
    };
    let count = table.int("count", 0..=5).and_then(|n| u8::try_from(n).ok());
    approval.count = count.unwrap_or(0);
    approval.roles = table.words("roles");
    approval.ttl_ms = table
        .duration_ms("ttl", 60_000..=86_400_000)
        .unwrap_or(900_000);
    let able = known.holders(&approval.roles);
    if able <= usize::from(approval.count) && known.complete {
        let need = usize::from(approval.count) + 1;
        table.sink.warn(
            &table.place,
            format!("the action needs {need} people who may ask or approve, and the directory has {able}"),
            "give the role to more people, or lower `count`",
        );
    }
    table.done();
    approval
}
