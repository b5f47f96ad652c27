//! `[run]`: who carries an action out, and what exactly. Programs of this machine and of others by
//! `ssh`; the engines behind an API are in `remote`.

use super::super::reader::{Said, Table, nearest};
use super::program::check_program;
use super::{Ground, check_templates, fixed, remote};
use crate::core::directory::{Arg, ArgKind, How, ProcessRun, SshRun};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The kinds of `[run]`.
const KINDS: [&str; 5] = ["process", "ssh", "http", "rundeck", "kubernetes"];
/// Bounds that `[run]` took before `[limits]` was there.
pub(super) const BOUNDS: [&str; 3] = ["timeout", "kill-grace", "output"];

/// What `[run]` says.
pub(super) struct Run<'a> {
    pub how: How,
    /// It has a "only look" mode.
    pub rehearses: bool,
    /// The table itself: it may hold bounds, and is done with when they are read.
    pub table: Table<'a>,
}

pub(super) fn run<'a>(action: &Table<'a>, args: &[Arg], ground: &Ground<'_>) -> Option<Run<'a>> {
    let Some(table) = action.table("run", "[run]") else {
        if !action.has("run") {
            let fix = "add [run] with argv = [\"/usr/bin/program\", \"{argument}\"]";
            action
                .sink
                .fault(&action.place, "an action has no [run]", fix);
        }
        return None;
    };
    for key in BOUNDS {
        table.get(key);
    }
    let said = table.text("kind");
    let kind = said.as_ref().map_or("process", |s| s.value.as_str());
    let how = match kind {
        "process" => Some(How::Process(process(&table, args, ground))),
        "ssh" => Some(How::Ssh(ssh(&table, args, ground))),
        "http" => Some(How::Http(remote::http(&table, args, ground))),
        "rundeck" => Some(How::Rundeck(remote::rundeck(&table, args, ground))),
        "kubernetes" => Some(How::Kubernetes(remote::kubernetes(&table, args, ground))),
        other => {
            let fix = nearest(other, KINDS.into_iter()).map_or_else(
                || format!("write one of {}", KINDS.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let what = format!("`kind` cannot be {other:?}");
            table.sink.fault(&table.place_of("kind"), what, fix);
            None
        }
    };
    let how = how?;
    let rehearses = match &how {
        How::Process(run) => !run.dry_run.is_empty(),
        How::Ssh(run) => !run.dry_run.is_empty(),
        How::Kubernetes(run) => !run.dry_run.is_empty(),
        How::Http(_) | How::Rundeck(_) => false,
    };
    Some(Run {
        how,
        rehearses,
        table,
    })
}

fn process(table: &Table<'_>, args: &[Arg], ground: &Ground<'_>) -> ProcessRun {
    let user = user(table);
    let program = |argv: &[Said<String>]| {
        if let Some(program) = argv.first() {
            check_program(program, user.as_deref(), table.sink);
        }
    };
    let argv = argv(
        table,
        "argv",
        args,
        "[\"/usr/bin/program\", \"{argument}\"]",
    );
    program(&argv);
    let dry_run = table.texts("dry-run").unwrap_or_default();
    // The same program is said once.
    if dry_run.first().map(|p| &p.value) != argv.first().map(|p| &p.value) {
        program(&dry_run);
    }
    check_templates(dry_run.iter().skip(1), args, table.sink);
    let env = env(table);
    let env_pass = env_pass(table, &env);
    let secrets = secrets(table, ground, &env);
    ProcessRun {
        argv: plain(argv),
        dry_run: plain(dry_run),
        cwd: cwd(table),
        env,
        env_pass,
        secrets,
        user,
    }
}

fn plain(said: Vec<Said<String>>) -> Vec<String> {
    said.into_iter().map(|s| s.value).collect()
}

/// A program and its arguments; the first element is fixed.
pub(super) fn argv(
    table: &Table<'_>,
    key: &'static str,
    args: &[Arg],
    example: &str,
) -> Vec<Said<String>> {
    let argv = table.texts(key).unwrap_or_default();
    if table.no_items(key) {
        table.missing(key, example);
    }
    check_templates(argv.iter().skip(1), args, table.sink);
    argv
}

fn cwd(table: &Table<'_>) -> Option<String> {
    let said = table.text("cwd")?;
    if !Path::new(&said.value).is_dir() || !said.value.starts_with('/') {
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
    Some(said.value)
}

fn user(table: &Table<'_>) -> Option<String> {
    let said = table.text("user")?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let named = said.value.bytes().all(plain) && !said.value.starts_with(['-', '.']);
    let number = said.value.bytes().all(|b| b.is_ascii_digit());
    if !named || number || said.value == "root" {
        let what = format!("`user` cannot be {:?}", said.value);
        let fix = "name an account that may do only this, such as \"fb-run\"; root is refused";
        table.sink.fault(&said.place, what, fix);
    }
    Some(said.value)
}

/// Whether a name can be a variable's.
fn variable(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !name.is_empty() && name.bytes().all(plain) && !name.as_bytes()[0].is_ascii_digit()
}

/// The fixed variables of `env`.
pub(super) fn env(table: &Table<'_>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for (name, said) in table.map("env") {
        if !variable(&name) || said.value.contains('\0') {
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
                format!("write secrets = {{ {name} = {:?} }}: the program finds it in the file named by {name}_FILE", said.value),
            );
        }
        env.insert(name, said.value);
    }
    env
}

fn env_pass(table: &Table<'_>, env: &BTreeMap<String, String>) -> Vec<String> {
    let said = table.texts("env-pass").unwrap_or_default();
    for s in &said {
        let what = if !variable(&s.value) {
            format!("`env-pass` cannot hold {:?}", s.value)
        } else if s.value.starts_with("FIREBELL") {
            // Those hold firebell's own tokens.
            format!(
                "`env-pass` cannot hand {}, which is firebell's own, to a program",
                s.value
            )
        } else if env.contains_key(&s.value) {
            format!("{} is in `env` and in `env-pass`", s.value)
        } else {
            continue;
        };
        let fix = "name variables such as \"HTTPS_PROXY\", each once; secrets go under `secrets`";
        table.sink.fault(&s.place, what, fix);
    }
    plain(said)
}

fn secrets(
    table: &Table<'_>,
    ground: &Ground<'_>,
    env: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut secrets = BTreeMap::new();
    for (name, said) in table.map("secrets") {
        if !variable(&name) || env.contains_key(&format!("{name}_FILE")) {
            let what = format!("`secrets` cannot hold {name:?}: its path is given in {name}_FILE");
            let fix = "use letters, digits and _, and a name that `env` does not have";
            table.sink.fault(&said.place, what, fix);
        }
        if let Some(reference) = reference(&name, &said, table, ground) {
            secrets.insert(name, reference);
        }
    }
    secrets
}

/// A reference to a secret that is there, with an absolute path when it is a file.
pub(super) fn reference(
    name: &str,
    said: &Said<String>,
    table: &Table<'_>,
    ground: &Ground<'_>,
) -> Option<String> {
    let secrets = ground.reading.secrets;
    secrets.need(name, said, table.sink)?;
    let Some(path) = said.value.strip_prefix("file:") else {
        return Some(said.value.clone());
    };
    let path = secrets.base.join(path.trim());
    let path = std::path::absolute(&path).unwrap_or(path);
    Some(format!("file:{}", path.display()))
}

fn ssh(table: &Table<'_>, args: &[Arg], ground: &Ground<'_>) -> SshRun {
    let server = named(table, "server", "ssh", ground.engines.ssh.keys());
    let host = table.need_text("host", "\"web-1.example.org\" or \"{host}\"");
    if let Some(said) = &host {
        check_host(said, args, table);
    }
    let command = table.need_text("command", "\"/usr/local/libexec/firebell-remote\"");
    if let Some(said) = &command {
        let safe = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        if !said.value.starts_with('/') || !said.value.chars().all(safe) {
            // The shell of the other side reads it.
            let what = format!(
                "`command` cannot be {:?}: a shell on the other side reads it",
                said.value
            );
            let fix = "write the absolute path of a program there, nothing else; arguments go into `argv`";
            table.sink.fault(&said.place, what, fix);
        }
    }
    let argv = table.texts("argv").unwrap_or_default();
    let dry_run = table.texts("dry-run").unwrap_or_default();
    check_templates(argv.iter().chain(&dry_run), args, table.sink);
    let text = |said: Option<Said<String>>| said.map(|s| s.value).unwrap_or_default();
    SshRun {
        server,
        host: text(host),
        command: text(command),
        argv: plain(argv),
        dry_run: plain(dry_run),
    }
}

/// A host is written out, or is exactly one argument whose values can be hosts.
fn check_host(said: &Said<String>, args: &[Arg], table: &Table<'_>) {
    let inner = said
        .value
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let Some(name) = inner else {
        if fixed("host", said, table.sink) && !crate::core::action::host_name(&said.value) {
            let what = format!("`host` cannot be {:?}: it is no host name", said.value);
            let fix =
                "write a name such as \"web-1.example.org\"; user and port stand in [ssh.NAME]";
            table.sink.fault(&said.place, what, fix);
        }
        return;
    };
    let Some(arg) = args.iter().find(|a| a.name == name) else {
        let what = format!("`host` names `{name}`, which is not an argument");
        let fix = format!("add an [[arg]] with name = {name:?}, or write the host out");
        table.sink.fault(&said.place, what, fix);
        return;
    };
    let wrong = match &arg.kind {
        ArgKind::Enum(values) | ArgKind::Ref { values, .. } => values
            .iter()
            .find(|v| !crate::core::action::host_name(v))
            .map(|v| format!("`host` takes `{name}`, and {v:?} is no host name")),
        ArgKind::Text { .. } => None,
        ArgKind::Int { .. } | ArgKind::Bool | ArgKind::Duration { .. } => {
            Some(format!("`host` takes `{name}`, which is no name"))
        }
    };
    if let Some(what) = wrong {
        let fix = "use an argument of type ref, enum or text whose values are host names";
        table.sink.fault(&said.place, what, fix);
    }
}

/// The name of a connection, which must be there.
pub(super) fn named<'k>(
    table: &Table<'_>,
    key: &'static str,
    section: &str,
    known: impl Iterator<Item = &'k String>,
) -> String {
    let known: BTreeSet<&str> = known.map(String::as_str).collect();
    let example = known.first().copied().unwrap_or("prod");
    let Some(said) = table.need_text(key, &format!("{example:?}")) else {
        return String::new();
    };
    if !known.contains(said.value.as_str()) {
        let fix = nearest(&said.value, known.iter().copied()).map_or_else(
            || format!("add [{section}.{}] to firebell.toml", said.value),
            |near| format!("did you mean `{near}`?"),
        );
        let what = format!(
            "`{key}` names [{section}.{}], which firebell.toml does not have",
            said.value
        );
        table.sink.fault(&said.place, what, fix);
    }
    said.value
}
