//! `rules.toml` and `rules/ID.toml`: who may run which action where and when.
//!
//! What is wrong here refuses no load, because people must still be paged: the rules are then broken as
//! a whole, no action runs until the file is mended, and every fault is said as loudly as a warning is.

use super::Fault;
use super::calendars::{self, Feed, Fetching, Freezing};
use super::cross::Known;
use super::folders::{Entry, check_id};
use super::reader::{Said, Sink, Table, nearest};
use super::secret::Secrets;
use super::settings::zone;
use super::tree::parse;
use crate::core::digest;
use crate::core::directory::{ActionClass, Directory, Risk};
use crate::core::incident::Status;
use crate::core::verdict::{Freeze, Rule, Rules, Weekly, Who};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A calendar at an address that was not fetched for longer than this does not count, milliseconds.
const MAX_AGE_MS: i64 = 86_400_000;

/// What a rule file may name besides the directory: its actions, as the folder has them.
pub(super) struct Around<'a> {
    pub directory: &'a Directory,
    pub known: &'a Known,
    /// Ids of every file of `actions/`, the disabled ones too.
    pub actions: &'a BTreeSet<String>,
    /// Where copies of calendars at an address are, and how they come there.
    pub copies: &'a Path,
    /// For addresses that are kept secret.
    pub secrets: &'a Secrets<'a>,
    /// How calendars at an address are fetched.
    pub fetching: &'a Fetching,
}

/// What was read besides the rules.
#[derive(Default)]
pub(super) struct Besides {
    /// Files, for watching.
    pub files: Vec<PathBuf>,
    /// Calendars at an address.
    pub feeds: Vec<Feed>,
}

/// A rule file that was read: its path, how it is called in faults, and its text.
pub(super) struct RuleFile {
    pub path: PathBuf,
    pub shown: Arc<Path>,
    pub text: Option<String>,
}

/// Reads every rule file. Faults are in `own`; what was read besides is added to `read`.
pub(super) fn rules(
    files: &[RuleFile],
    around: &Around<'_>,
    own: &Sink,
    read: &mut Besides,
) -> Rules {
    if files.is_empty() {
        return Rules::default();
    }
    let mut rules = Rules {
        rules: Vec::new(),
        calendars: BTreeMap::new(),
        broken: None,
        digest: digest::of(files.iter().filter_map(|f| f.text.as_deref())),
    };
    let mut named: Vec<Said<String>> = Vec::new();
    for file in files {
        let node = file.text.as_ref().and_then(|t| parse(t, &file.shown, own));
        let Some(table) = node
            .as_ref()
            .and_then(|n| Table::open(n, "a rule file", own))
        else {
            continue;
        };
        let folder = file.path.parent().unwrap_or(Path::new(""));
        for said in table.tables("calendar", "[[calendar]]") {
            calendar(said, around, (folder, &mut *read), &mut rules);
        }
        for said in table.tables("rule", "[[rule]]") {
            rule(said, around, &mut rules, &mut named);
        }
        table.done();
    }
    for said in named {
        if !rules.calendars.contains_key(&said.value) {
            let what = format!(
                "`during` names the calendar {:?}, which is not there",
                said.value
            );
            let fix = format!("add [[calendar]] with name = {:?}", said.value);
            own.fault(&said.place, what, fix);
        }
    }
    if !rules.rules.iter().any(|r| r.allow)
        && let Some(first) = files.first()
    {
        let place = super::tree::Place::in_file(&first.shown, 0);
        let what = "no rule allows anything, so no action runs";
        own.warn(&place, what, "add a [[rule]] with effect = \"allow\"");
    }
    rules
}

/// What a fault makes of the rules, in a sentence for whoever asks for a run.
pub(super) fn broken(first: &Fault) -> String {
    let line = match first.line {
        0 => String::new(),
        n => format!(":{n}"),
    };
    format!("{}{line}: {}", first.path.display(), first.what)
}

fn calendar(
    table: Table<'_>,
    around: &Around<'_>,
    (folder, read): (&Path, &mut Besides),
    rules: &mut Rules,
) {
    let name = table.need_text("name", "\"change-freeze\"");
    let zone = zone(&table, around.directory.zone);
    let mut freeze = Freeze::default();
    if let (Some(file), Some(zone)) = (table.text("file"), zone) {
        freeze.spans = calendars::freeze(folder, &file, zone, &mut read.files, table.sink);
    }
    let max_age = table.duration_ms("max-age", 3_600_000..=30 * 86_400_000);
    if let (Some(url), Some(zone)) = (table.text("url"), zone) {
        let called = name.as_ref().map_or("", |n| n.value.as_str());
        let spans = calendars::freeze_at(
            &Freezing {
                copies: around.copies,
                secrets: around.secrets,
                fetching: around.fetching,
            },
            &url,
            (called, max_age.unwrap_or(MAX_AGE_MS)),
            zone,
            (&mut read.files, &mut read.feeds),
            table.sink,
        );
        freeze.spans.extend(spans);
        freeze.spans.sort();
    } else if table.has("max-age") {
        let what = "`max-age` is about a `url`, and there is none";
        let fix = "remove it: a file beside the rules is as old as it is";
        table.sink.fault(&table.place_of("max-age"), what, fix);
    }
    for said in table.texts("weekly").unwrap_or_default() {
        let Some(zone) = zone else { continue };
        match Weekly::parse(&said.value, zone) {
            Ok(weekly) => freeze.weekly.push(weekly),
            Err(why) => table.sink.fault(
                &said.place,
                format!("`weekly`: {why}"),
                "write weekly = [\"fri 16:00 - mon 08:00\"]",
            ),
        }
    }
    if !table.has("file") && !table.has("url") && table.no_items("weekly") {
        table.missing(
            "file",
            "\"freeze.ics\", or url = \"https://…\", or weekly = [\"fri 16:00 - mon 08:00\"]",
        );
    }
    let (place, sink) = (table.place.clone(), table.sink);
    table.done();
    if let Some(name) = name
        && rules.calendars.insert(name.value.clone(), freeze).is_some()
    {
        let what = format!("there are two calendars called {:?}", name.value);
        sink.fault(&place, what, "give each its own name");
    }
}

fn rule(table: Table<'_>, around: &Around<'_>, rules: &mut Rules, named: &mut Vec<Said<String>>) {
    let id = table.need_text("id", "\"prod-remediation\"");
    let effect = table.need_text("effect", "\"allow\" or \"deny\"");
    let allow = effect.as_ref().is_some_and(|e| e.value == "allow");
    if let Some(wrong) = effect.filter(|e| e.value != "allow" && e.value != "deny") {
        let what = format!("`effect` cannot be {:?}", wrong.value);
        table
            .sink
            .fault(&wrong.place, what, "write effect = \"allow\" or \"deny\"");
    }
    let during = table.text("during").map(|said| Said {
        value: said.value.trim_start_matches("calendar:").to_owned(),
        place: said.place,
    });
    named.extend(during.iter().cloned());
    let rule = Rule {
        id: id.as_ref().map(|s| s.value.clone()).unwrap_or_default(),
        allow,
        who: who(&table, around),
        class: class(&table),
        risks: risks(&table),
        actions: actions(&table, around),
        environments: words(&table, "env"),
        severities: severities(&table, "severity", around.directory),
        unless: severities(&table, "unless-severity", around.directory),
        states: states(&table),
        services: services(&table, around),
        doors: doors(&table, around.directory),
        during: during.map(|d| d.value),
        auto: table.flag("auto").unwrap_or(false),
        reason: table.text("reason").map(|s| s.value).unwrap_or_default(),
    };
    if allow && rule.who.is_empty() && !rule.auto {
        table.missing("who", "[\"role:responder\"], or auto = true");
    }
    let (place, sink) = (table.place.clone(), table.sink);
    table.done();
    let Some(id) = id else { return };
    if let Err(why) = check_id(&id.value) {
        let what = format!("`id` cannot be {:?}: {why}", id.value);
        sink.fault(&id.place, what, "write id = \"prod-remediation\"");
    }
    if rules.rules.iter().any(|r| r.id == id.value) {
        let what = format!("there are two rules called {:?}", id.value);
        sink.fault(&place, what, "give each its own id");
    }
    rules.rules.push(rule);
}

fn who(table: &Table<'_>, around: &Around<'_>) -> Vec<Who> {
    let mut found = Vec::new();
    if table.has("who") && table.no_items("who") {
        table.missing("who", "[\"role:responder\"], or leave the key out");
    }
    for said in table.texts("who").unwrap_or_default() {
        let Some(who) = Who::parse(&said.value) else {
            let what = format!("`who` cannot hold {:?}", said.value);
            let fix = "write role:NAME, oncall:{service}, oncall:SCHEDULE, lead, person:ID, team:ID, linked, guest, external or anyone";
            table.sink.fault(&said.place, what, fix);
            continue;
        };
        let mention = match &who {
            Who::Person(id) => Some((Entry::Person, id)),
            Who::Team(id) => Some((Entry::Team, id)),
            Who::OnCall(id) => Some((Entry::Schedule, id)),
            Who::Role(role) => {
                if around.known.complete && around.known.holders(std::slice::from_ref(role)) == 0 {
                    let what = format!("nobody holds the role {role}");
                    let fix = "give it to somebody in people/, or name another";
                    table.sink.warn(&said.place, what, fix);
                }
                None
            }
            _ => None,
        };
        if let Some((kind, id)) = mention {
            around.known.check(kind, "who", id, &said.place, table.sink);
        }
        found.push(who);
    }
    found
}

fn class(table: &Table<'_>) -> Option<ActionClass> {
    let said = table.text("class")?;
    let class = match said.value.as_str() {
        "diagnostic" => Some(ActionClass::Diagnostic),
        "remediation" => Some(ActionClass::Remediation),
        "*" => return None,
        _ => None,
    };
    if class.is_none() {
        let what = format!("`class` cannot be {:?}", said.value);
        let fix = "write class = \"diagnostic\", \"remediation\", or leave it out for both";
        table.sink.fault(&said.place, what, fix);
    }
    class
}

/// A list that says `*` is no condition; an empty one would be a rule that never matches.
fn said(table: &Table<'_>, key: &'static str) -> Vec<Said<String>> {
    let said = table.texts(key).unwrap_or_default();
    if table.has(key) && table.no_items(key) {
        let what = format!("`{key}` is an empty list");
        table
            .sink
            .fault(&table.place_of(key), what, "leave it out for no condition");
    }
    if said.iter().any(|s| s.value == "*") {
        return Vec::new();
    }
    said
}

fn words(table: &Table<'_>, key: &'static str) -> Vec<String> {
    said(table, key).into_iter().map(|s| s.value).collect()
}

fn risks(table: &Table<'_>) -> Vec<Risk> {
    let all = [Risk::Low, Risk::Medium, Risk::High];
    choices(table, "risk", &all, Risk::word)
}

fn states(table: &Table<'_>) -> Vec<Status> {
    let mut found = Vec::new();
    for said in said(table, "incident") {
        match said.value.as_str() {
            "open" => found.extend([Status::Triggered, Status::Acknowledged]),
            "triggered" => found.push(Status::Triggered),
            "acknowledged" => found.push(Status::Acknowledged),
            "resolved" => found.push(Status::Resolved),
            other => {
                let what = format!("`incident` cannot hold {other:?}");
                let fix = "write open, triggered, acknowledged or resolved";
                table.sink.fault(&said.place, what, fix);
            }
        }
    }
    found
}

fn choices<T: Copy>(
    table: &Table<'_>,
    key: &'static str,
    all: &[T],
    word: fn(T) -> &'static str,
) -> Vec<T> {
    let mut found = Vec::new();
    for said in said(table, key) {
        match all.iter().find(|t| word(**t) == said.value) {
            Some(one) => found.push(*one),
            None => {
                let names: Vec<&str> = all.iter().map(|t| word(*t)).collect();
                let what = format!("`{key}` cannot hold {:?}", said.value);
                table
                    .sink
                    .fault(&said.place, what, format!("write {}", names.join(", ")));
            }
        }
    }
    found
}

fn severities(
    table: &Table<'_>,
    key: &'static str,
    directory: &Directory,
) -> Vec<crate::core::id::Severity> {
    let mut found = Vec::new();
    for said in said(table, key) {
        match directory.severity(&said.value) {
            Some(severity) => found.push(severity),
            None => {
                let names: Vec<&str> = directory
                    .severities
                    .iter()
                    .map(|s| s.name.as_str())
                    .collect();
                let what = format!(
                    "`{key}` names the severity {:?}, which is not on the scale",
                    said.value
                );
                table.sink.fault(
                    &said.place,
                    what,
                    format!("write one of {}", names.join(", ")),
                );
            }
        }
    }
    found
}

fn actions(table: &Table<'_>, around: &Around<'_>) -> Vec<String> {
    let said = said(table, "action");
    for one in said.iter().filter(|s| !around.actions.contains(&s.value)) {
        let what = format!(
            "`action` names {:?}, which is no file of actions/",
            one.value
        );
        let known = around.actions.iter().map(String::as_str);
        let fix = nearest(&one.value, known).map_or_else(
            || format!("create actions/{}.toml, or name another", one.value),
            |near| format!("did you mean `{near}`?"),
        );
        table.sink.fault(&one.place, what, fix);
    }
    said.into_iter().map(|s| s.value).collect()
}

fn services(table: &Table<'_>, around: &Around<'_>) -> Vec<String> {
    let said = said(table, "service");
    for one in &said {
        around.known.check(
            Entry::Service,
            "service",
            &one.value,
            &one.place,
            table.sink,
        );
    }
    said.into_iter().map(|s| s.value).collect()
}

fn doors(table: &Table<'_>, directory: &Directory) -> Vec<String> {
    let said = said(table, "door");
    let known: Vec<&str> = directory
        .platforms
        .iter()
        .map(String::as_str)
        .chain(["console", "api"])
        .collect();
    for one in said.iter().filter(|s| !known.contains(&s.value.as_str())) {
        let what = format!("`door` names {:?}, which is no way in", one.value);
        table.sink.fault(
            &one.place,
            what,
            format!("write one of {}", known.join(", ")),
        );
    }
    said.into_iter().map(|s| s.value).collect()
}
