//! `actions/ID.toml`: a runbook action. A file that is wrong disables that action alone.
//!
//! This file reads what an action is; beside it: how it runs (`how`, `remote`, `program`), its
//! bounds (`bounds`), who must agree and what it does by itself (`agree`), and what only shows when
//! every file has been read (`after`, `check`).

mod after;
mod agree;
mod bounds;
mod check;
mod how;
mod program;
mod remote;

pub(super) use after::after;

use super::args::args;
use super::cross::Known;
use super::engines::{Engines, Inventory};
use super::folders::{Entry, Reading, check_id};
use super::reader::{Said, Sink, Table, nearest};
use super::route::matchers;
use super::tree::parse;
use crate::core::action::placeholders;
use crate::core::alert::Labels;
use crate::core::digest;
use crate::core::directory::{Action, ActionClass, Arg, Risk};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The version of the file format this firebell reads.
const SCHEMA: i64 = 1;
/// Samples of one action.
const SAMPLES_MAX: usize = 20;

/// What an action may name besides what is in its own file.
pub(super) struct Ground<'a> {
    pub reading: &'a Reading<'a>,
    pub known: &'a Known,
    pub engines: &'a Engines,
    pub inventory: &'a Inventory,
}

/// An example of an alert and of arguments an action must take; `firebell actions check` renders it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// The incident's labels.
    pub labels: Labels,
    /// What a person would fill in.
    pub args: BTreeMap<String, String>,
    /// Line of the file.
    pub line: usize,
}

/// What one file says.
pub(super) struct Written {
    pub action: Action,
    pub samples: Vec<Sample>,
    /// Lines of `[rollback]` and of `check`.
    pub lines: (usize, usize),
}

/// Reads and checks one file; faults go to `sink` and then there is no action.
pub(super) fn action(
    id: &str,
    text: &str,
    file: &Arc<Path>,
    ground: &Ground<'_>,
    sink: &Sink,
) -> Option<Written> {
    let root = parse(text, file, sink)?;
    let table = Table::open(&root, "an action", sink)?;
    schema(&table);
    own_name(&table, id);
    let args = args(&table, ground.inventory);
    let title = table.need_text("title", "\"Restart a web server\"");
    let about = table.text("about").map(|s| s.value).unwrap_or_default();
    let (class, services) = (class(&table), services(&table, ground.known));
    let risk = risk(&table, class);
    let idempotent = table.flag("idempotent").unwrap_or(false);
    let reversible = table.flag("reversible").unwrap_or(false);
    let environments = environments(&table);
    let matchers = matchers(&table, "match");
    let run = how::run(&table, &args, ground);
    let limits = bounds::limits(&table, run.as_ref());
    let ended = bounds::result(&table, run.as_ref(), idempotent);
    let lock = bounds::lock(&table, &args);
    let agreed = agree::approval(&table, ground, run.as_ref());
    let rollback = agree::rollback(&table, &args);
    let check = table.text("check").map(|said| said.value);
    let private_output = private_output(&table);
    let samples = samples(&table);
    let mut action = Action {
        title: title.map(|t| t.value).unwrap_or_default(),
        about,
        class: class.unwrap_or(ActionClass::Remediation),
        risk,
        idempotent,
        reversible,
        environments,
        services,
        matchers,
        args,
        limits,
        success: ended.success,
        retryable: ended.retryable,
        lock,
        approval: agreed.approval,
        roles: agreed.roles,
        rollback,
        check,
        private_output,
        digest: digest::sha256(text.as_bytes()),
        ..Action::of_program(id, &[])
    };
    action.auto = agree::auto(&table, &action);
    let lines = (
        table.place_of("rollback").line,
        table.place_of("check").line,
    );
    let place = table.place.clone();
    table.done();
    let how::Run {
        how, table: of_run, ..
    } = run?;
    of_run.done();
    // A missing class is a fault, so what stands in for it is never used.
    action.how = how;
    bounds::success_of(&mut action, ended.statuses);
    if agree::twice(&action) {
        let what = "Kubernetes may start a Job's program twice, and this action is not idempotent";
        let fix = "make it so that a second start does no harm and say idempotent = true, or run it elsewhere";
        sink.warn(&place, what, fix);
    }
    Some(Written {
        action,
        samples,
        lines,
    })
}

fn schema(table: &Table<'_>) {
    table.int("schema", SCHEMA..=SCHEMA);
    if !table.has("schema") {
        table.missing("schema", &SCHEMA.to_string());
    }
}

/// The file's name is the id; a file that also says it must say the same.
fn own_name(table: &Table<'_>, id: &str) {
    if let Err(why) = check_id(id) {
        table.sink.fault(
            &table.place,
            format!("the file name {id:?} is no id: {why}"),
            "rename the file",
        );
    }
    if let Some(said) = table.text("id").filter(|s| s.value != id) {
        let what = format!("`id` is {:?}, and the file is called {id}.toml", said.value);
        let fix = "rename the file, or remove `id`: the file's name is the id";
        table.sink.fault(&said.place, what, fix);
    }
}

/// One word of a fixed choice.
fn choice<T: Copy>(table: &Table<'_>, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
    let said = table.text(key)?;
    let found = words.iter().find(|(word, _)| *word == said.value);
    if found.is_none() {
        let names = || words.iter().map(|(word, _)| *word);
        let fix = nearest(&said.value, names()).map_or_else(
            || {
                let quoted: Vec<String> = names().map(|n| format!("{n:?}")).collect();
                format!("write {key} = {}", quoted.join(" or "))
            },
            |near| format!("did you mean `{near}`?"),
        );
        let what = format!("`{key}` cannot be {:?}", said.value);
        table.sink.fault(&said.place, what, fix);
    }
    found.map(|(_, value)| *value)
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

/// Without the key: looking is of low risk, changing of medium.
fn risk(table: &Table<'_>, class: Option<ActionClass>) -> Risk {
    let words = [
        ("low", Risk::Low),
        ("medium", Risk::Medium),
        ("high", Risk::High),
    ];
    choice(table, "risk", &words).unwrap_or(match class {
        Some(ActionClass::Diagnostic) => Risk::Low,
        _ => Risk::Medium,
    })
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

fn environments(table: &Table<'_>) -> Vec<String> {
    let said = table.texts("environments").unwrap_or_default();
    for s in said.iter().filter(|s| s.value.trim().is_empty()) {
        let what = "`environments` has an empty name";
        let fix = "name the values of the label `environment`, such as [\"prod\"], or remove the key for all";
        table.sink.fault(&s.place, what, fix);
    }
    said.into_iter().map(|s| s.value).collect()
}

fn private_output(table: &Table<'_>) -> bool {
    let words = [("room", false), ("console", true)];
    choice(table, "output-visibility", &words).unwrap_or(false)
}

fn samples(table: &Table<'_>) -> Vec<Sample> {
    let mut samples = Vec::new();
    for sample in table.tables("sample", "[[sample]]") {
        let pairs = |key| sample.map(key).into_iter().map(|(k, v)| (k, v.value));
        let (labels, args) = (pairs("labels").collect(), pairs("args").collect());
        samples.push(Sample {
            labels,
            args,
            line: sample.place.line,
        });
        sample.done();
    }
    if samples.len() > SAMPLES_MAX {
        let what = format!("there are more than {SAMPLES_MAX} samples");
        table
            .sink
            .fault(&table.place_of("sample"), what, "keep those that differ");
    }
    samples
}

/// Faults of templates: a brace that does not close, or a name that is no argument.
fn check_templates<'s>(
    templates: impl IntoIterator<Item = &'s Said<String>>,
    args: &[Arg],
    sink: &Sink,
) {
    for template in templates {
        if let Err(why) = placeholders(&template.value, args) {
            let fix = "name an [[arg]] between braces; {{ is a brace";
            sink.fault(&template.place, why, fix);
        }
        if template.value.contains('\0') {
            let what = format!("{:?} has a NUL byte", template.value);
            sink.fault(&template.place, what, "remove it");
        }
    }
}

/// A fault when a template has an argument where none may stand.
fn fixed(key: &str, said: &Said<String>, sink: &Sink) -> bool {
    let good = !said.value.contains(['{', '}']);
    if !good {
        let what = format!(
            "`{key}` is fixed and cannot hold an argument, and it is {:?}",
            said.value
        );
        sink.fault(
            &said.place,
            what,
            "write it out; make two actions if it differs",
        );
    }
    good
}
