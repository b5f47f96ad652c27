//! `[[types]]`, `[drills]` and `[private]`: what incidents may be, and who sees the private ones.

use super::folders::{Entry, Reading, check_id};
use super::reader::{Said, Sink, Table, nearest};
use super::settings::check_channel;
use crate::core::directory::{Directory, DrillRules, IncidentType, Insiders, RunsPolicy};

/// A choice in every form: Discord's limit for a select, one less for "no type".
const TYPES_MAX: usize = 24;

/// What types name and is read later.
#[derive(Default)]
pub(super) struct Named {
    /// Postmortem templates.
    pub templates: Vec<Said<String>>,
    /// Checklists.
    pub checklists: Vec<Said<String>>,
}

/// Reads all three. Answers what types name and is read later.
pub(super) fn kinds(top: &Table<'_>, reading: &Reading<'_>, directory: &mut Directory) -> Named {
    let mut named = Named::default();
    directory.types = types(top, reading, &mut named);
    directory.drills = drills(top);
    directory.insiders = insiders(top, reading);
    named
}

/// Checks that the templates that types name are there.
pub(super) fn templates(named: &[Said<String>], directory: &Directory, sink: &Sink) {
    let known = &directory.postmortems.templates;
    for said in named.iter().filter(|s| !known.contains_key(&s.value)) {
        let fix = nearest(&said.value, known.keys().map(String::as_str)).map_or_else(
            || format!("create postmortem/{}.md, or leave it out", said.value),
            |near| format!("did you mean `{near}`?"),
        );
        let what = format!(
            "`postmortem` names the template {:?}, which does not exist",
            said.value
        );
        sink.fault(&said.place, what, fix);
    }
}

/// Checks that the types that routes name are there.
pub(super) fn named(said: &[Said<String>], directory: &Directory, sink: &Sink) {
    let known = || directory.types.iter().map(|t| t.id.as_str());
    for said in said.iter().filter(|s| known().all(|id| id != s.value)) {
        let fix = nearest(&said.value, known()).map_or_else(
            || format!("add [[types]] with id = {:?}", said.value),
            |near| format!("did you mean `{near}`?"),
        );
        let what = format!(
            "`type` names {:?}, which is no type of incident",
            said.value
        );
        sink.fault(&said.place, what, fix);
    }
}

fn types(top: &Table<'_>, reading: &Reading<'_>, named: &mut Named) -> Vec<IncidentType> {
    let mut found: Vec<IncidentType> = Vec::new();
    for table in top.tables("types", "[[types]]") {
        let place = table.place_of("id");
        if let Some(read) = one(table, reading, named) {
            if found.iter().any(|t| t.id.eq_ignore_ascii_case(&read.id)) {
                let what = format!("there are two types with the id {:?}", read.id);
                top.sink.fault(&place, what, "give each its own id");
            }
            found.push(read);
        }
    }
    if found.len() > TYPES_MAX {
        let what = format!("there are {} types", found.len());
        let fix = format!("keep to {TYPES_MAX}: more do not fit into a form");
        top.sink.fault(&top.place_of("types"), what, fix);
    }
    found
}

fn one(table: Table<'_>, reading: &Reading<'_>, named: &mut Named) -> Option<IncidentType> {
    let id = table.need_text("id", "\"outage\"");
    if let Some(said) = &id
        && let Err(why) = check_id(&said.value)
    {
        let what = format!("`id` cannot be {:?}: {why}", said.value);
        table.sink.fault(&said.place, what, "write id = \"outage\"");
    }
    let severity = reading.severity(&table, "severity");
    let channel = table.text("channel");
    if let Some(said) = &channel {
        check_channel(&table, "channel", said);
    }
    let template = table.text("postmortem");
    named.templates.extend(template.clone());
    let checklist = table.text("checklist");
    named.checklists.extend(checklist.clone());
    let text = |said: Option<Said<String>>| said.map(|s| s.value);
    let read = IncidentType {
        name: text(table.text("name")).unwrap_or_default(),
        description: text(table.text("description")).unwrap_or_default(),
        severity,
        private: table.flag("private").unwrap_or(false),
        drill: table.flag("drill").unwrap_or(false),
        channel: channel.map(|s| s.value),
        checklist: text(checklist),
        postmortem: text(template),
        runs: runs(&table).unwrap_or_default(),
        people: reading.many(Entry::Person, &table, "people"),
        roles: table.words("roles"),
        id: String::new(),
    };
    if !read.private && (table.has("people") || table.has("roles")) {
        let what = "`people` and `roles` say who sees private incidents of the type";
        let fix = "fine if some of them are made private by hand; else take them out, or set private = true";
        table.sink.warn(&table.place, what, fix);
    }
    table.done();
    let id = id?.value;
    Some(IncidentType {
        name: if read.name.is_empty() {
            id.clone()
        } else {
            read.name
        },
        id,
        ..read
    })
}

fn runs(table: &Table<'_>) -> Option<RunsPolicy> {
    let said = table.text("runs")?;
    let found = RunsPolicy::ALL.into_iter().find(|p| p.word() == said.value);
    if found.is_none() {
        let what = format!("`runs` cannot be {:?}", said.value);
        let fix = "write runs = \"all\", \"read-only\" or \"none\"";
        table.sink.fault(&said.place, what, fix);
    }
    found
}

fn drills(top: &Table<'_>) -> DrillRules {
    let mut rules = DrillRules::default();
    let Some(table) = top.table("drills", "[drills]") else {
        return rules;
    };
    rules.page = table.flag("page").unwrap_or(rules.page);
    rules.runs = runs(&table).unwrap_or(rules.runs);
    table.done();
    rules
}

fn insiders(top: &Table<'_>, reading: &Reading<'_>) -> Insiders {
    let Some(table) = top.table("private", "[private]") else {
        return Insiders::default();
    };
    let insiders = Insiders {
        people: reading.many(Entry::Person, &table, "people"),
        roles: table.words("roles"),
    };
    table.done();
    insiders
}
