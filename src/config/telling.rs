//! `[[statuses]]` and `[updates]`: where an incident may stand for people who wait, and how often they hear.

use super::folders::{Reading, check_id};
use super::reader::{Said, Table};
use super::status_page::{self, PageServing};
use crate::core::directory::{Directory, SeverityName, UpdateRules};
use crate::core::id::Severity;
use crate::core::incident::{CADENCE_MAX_MS, CADENCE_MIN_MS, Standing};
use crate::core::subscribe::Wording;
use crate::core::time::parse_duration_ms;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Places on the scale: what a choice of every platform takes.
const MOST: usize = 9;

/// Everything that is told to others goes into the directory; answers with where the page is served.
/// The types must be there already.
pub(super) fn telling(
    top: &Table<'_>,
    reading: &Reading<'_>,
    base: &Path,
    directory: &mut Directory,
) -> PageServing {
    directory.statuses = statuses(top);
    let types: Vec<&str> = directory.types.iter().map(|t| t.id.as_str()).collect();
    directory.updates = updates(top, reading.severities, &types);
    let (page, serving) = status_page::page(top, reading, base).unzip();
    directory.subscribers = status_page::subscribers(top, reading, page.as_ref());
    directory.page = page.map(Arc::new);
    serving.unwrap_or_default()
}

/// The status scale, from the first to the last.
fn statuses(root: &Table<'_>) -> Vec<Standing> {
    if root.get("statuses").is_none() {
        return usual();
    }
    let mut scale: Vec<Standing> = Vec::new();
    let mut seen = BTreeSet::new();
    let (mut first, mut marked) = (None, false);
    for table in root.tables("statuses", "[[statuses]]") {
        let id = table.need_text("id", "\"monitoring\"");
        let name = table.text("name");
        let (is_first, last) = (table.flag("first"), table.flag("final").unwrap_or(false));
        let mitigated = table.flag("mitigated").unwrap_or(false) || last;
        let place = table.place.clone();
        marked |= last;
        if let Some(id) = id {
            check(&table, &id, &mut seen);
            if is_first == Some(true) {
                if first.is_some() {
                    let what = "two statuses are `first`";
                    table
                        .sink
                        .fault(&place, what, "keep it at the one incidents begin with");
                }
                first = Some(scale.len());
            }
            scale.push(Standing {
                name: name.map_or_else(|| capital(&id.value), |n| n.value),
                id: id.value,
                mitigated,
                last,
            });
        }
        table.done();
    }
    if scale.len() < 2 || scale.len() > MOST {
        let what = format!("the status scale has {} places", scale.len());
        let fix = format!(
            "write 2 to {MOST} [[statuses]], or none at all for investigating, identified, monitoring, resolved"
        );
        root.sink.fault(&root.place_of("statuses"), what, fix);
        return usual();
    }
    if let Some(first) = first {
        let found = scale.remove(first);
        scale.insert(0, found);
    }
    if !marked && let Some(last) = scale.last_mut() {
        (last.last, last.mitigated) = (true, true);
    }
    if scale.first().is_some_and(|s| s.last) {
        let what = "the first status is `final` as well";
        root.sink.fault(
            &root.place_of("statuses"),
            what,
            "mark another one as final = true",
        );
    }
    scale
}

fn check(table: &Table<'_>, id: &Said<String>, seen: &mut BTreeSet<String>) {
    if let Err(why) = check_id(&id.value) {
        let what = format!("`id` cannot be {:?}: {why}", id.value);
        table
            .sink
            .fault(&id.place, what, "write it such as \"monitoring\"");
    }
    if !seen.insert(id.value.clone()) {
        let what = format!("the status {:?} is given twice", id.value);
        table
            .sink
            .fault(&id.place, what, "keep it where it belongs");
    }
}

/// What users of hosted status pages know.
fn usual() -> Vec<Standing> {
    [
        ("investigating", false, false),
        ("identified", false, false),
        ("monitoring", true, false),
        ("resolved", true, true),
    ]
    .map(|(id, mitigated, last)| Standing {
        id: id.to_owned(),
        name: capital(id),
        mitigated,
        last,
    })
    .into()
}

fn capital(id: &str) -> String {
    let words = id.replace(['-', '_'], " ");
    let mut chars = words.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

/// `[updates]`: from one to the next by severity, and what the last status does.
fn updates(root: &Table<'_>, scale: &[SeverityName], types: &[&str]) -> UpdateRules {
    let mut rules = UpdateRules::default();
    let Some(table) = root.table("updates", "[updates]") else {
        return rules;
    };
    rules.every = cadence(&table, scale);
    for (id, own) in table.named("types", "[updates.types.ID]") {
        if !types.contains(&id.as_str()) {
            let what = format!("`types` names the type {id:?}, which is none of [[types]]");
            let fix = format!("there is {}", types.join(", "));
            own.sink.fault(&own.place, what, fix);
        }
        rules.of_type.insert(id, cadence(&own, scale));
        own.done();
    }
    let wordings = &mut rules.wordings;
    for (key, slot) in [
        ("mail-subject", &mut wordings.subject),
        ("mail", &mut wordings.mail),
        ("line", &mut wordings.line),
    ] {
        let Some(said) = table.text(key) else {
            continue;
        };
        match Wording::parse(&said.value) {
            Ok(wording) => *slot = wording,
            Err(why) => {
                let fix = "docs/status-page.md lists them; {title} is one";
                table
                    .sink
                    .fault(&said.place, format!("`{key}`: {why}"), fix);
            }
        }
    }
    rules.final_resolves = table.flag("final-resolves").unwrap_or(false);
    table.done();
    rules
}

/// `every = { sev1 = "30m" }`.
fn cadence(table: &Table<'_>, scale: &[SeverityName]) -> BTreeMap<Severity, i64> {
    let mut found = BTreeMap::new();
    for (name, said) in table.map("every") {
        let names = || scale.iter().map(|s| s.name.as_str());
        let Some(at) = names().position(|n| n == name) else {
            let what = format!("`every` names the severity {name:?}, which does not exist");
            let fix = format!("the scale is {}", names().collect::<Vec<_>>().join(", "));
            table.sink.fault(&said.place, what, fix);
            continue;
        };
        match parse_duration_ms(&said.value) {
            Ok(ms) if (CADENCE_MIN_MS..=CADENCE_MAX_MS).contains(&ms) => {
                found.insert(Severity(u8::try_from(at).unwrap_or(u8::MAX)), ms);
            }
            Ok(_) => {
                let what = format!("`every.{name}` must be from 1m to 7d, not {}", said.value);
                let fix = "write a length of time between the two";
                table.sink.fault(&said.place, what, fix);
            }
            Err(why) => {
                let what = format!("`every.{name}`: {why}");
                table
                    .sink
                    .fault(&said.place, what, format!("write {name} = \"30m\""));
            }
        }
    }
    found
}
