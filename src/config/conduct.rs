//! `[[roles]]`, `[command]` and `checklists/ID.toml`: who does what in an incident, and what is to be done.

use super::folders::{Entry, Reading, check_id};
use super::reader::{Said, Sink, Table, nearest};
use crate::core::directory::{
    Checklist, ChecklistItem, ConductRules, IncidentRole, IncidentType, REMIND_AFTER_MS, RoleNeed,
    Target,
};
use crate::core::id::Severity;
use std::path::Path;
use std::sync::Arc;

/// How long a reminder may wait.
const REMIND_MS: std::ops::RangeInclusive<i64> = 60_000..=86_400_000;
/// How long after its begin a line of a checklist may be due.
const DUE_MS: std::ops::RangeInclusive<i64> = 60_000..=30 * 86_400_000;
/// Characters of a name.
const NAME_CHARS: usize = 40;
/// Characters of a line that is shown in a room.
const LINE_CHARS: usize = 300;
/// Lines of a checklist; a longer one is nobody's checklist.
const ITEMS: usize = 50;
/// Steps of a role.
const STEPS: usize = 20;

/// `[[roles]]` put over the roles firebell brings along, and `[command]`.
pub(super) fn rules(top: &Table<'_>, reading: &Reading<'_>) -> ConductRules {
    let mut rules = ConductRules::shipped();
    let mut said: Vec<String> = Vec::new();
    for table in top.tables("roles", "a role of [[roles]]") {
        let Some(role) = role(&table, &rules, reading) else {
            continue;
        };
        if said.contains(&role.id) {
            let what = format!("the role {:?} is there twice", role.id);
            table
                .sink
                .fault(&table.place_of("id"), what, "keep one of the two");
        }
        said.push(role.id.clone());
        table.done();
        let place = rules.roles.iter().position(|r| r.id == role.id);
        match place {
            Some(at) => rules.roles[at] = Arc::new(role),
            None => rules.roles.push(Arc::new(role)),
        }
    }
    if let Some(table) = top.table("command", "[command]") {
        let after = table.duration_ms("remind-after", REMIND_MS);
        let on = table.flag("remind").unwrap_or(true);
        rules.remind_after_ms = on.then(|| after.unwrap_or(REMIND_AFTER_MS));
        table.done();
    }
    rules
}

fn role(table: &Table<'_>, rules: &ConductRules, reading: &Reading<'_>) -> Option<IncidentRole> {
    let id = table.need_text("id", "\"liaison\"")?;
    if let Err(why) = check_id(&id.value) {
        let what = format!("`id` cannot be {:?}: {why}", id.value);
        table
            .sink
            .fault(&id.place, what, "write id = \"customer-liaison\"");
        return None;
    }
    let known = rules.role(&id.value).map(|r| r.as_ref().clone());
    let shipped = known.is_some();
    let mut role = known.unwrap_or_else(|| IncidentRole::named(&id.value, &id.value, "", &[]));
    if let Some(name) = short(table, "name", NAME_CHARS) {
        role.name = name.value;
    } else if !shipped && !table.has("name") {
        table.missing("name", "\"Customer liaison\"");
    }
    if let Some(about) = table.text("about") {
        role.about = about.value;
    }
    if let Some(steps) = table.texts("steps") {
        if steps.len() > STEPS {
            let what = format!(
                "`steps` has {} lines; at most {STEPS} are told",
                steps.len()
            );
            table
                .sink
                .fault(&table.place_of("steps"), what, "keep what is done first");
        }
        role.steps = steps.into_iter().map(|s| s.value).collect();
    }
    if let Some(emoji) = short(table, "emoji", 8) {
        role.emoji = emoji.value;
    }
    if let Some(needed) = needed(table, reading) {
        role.needed = needed;
    }
    let schedule = reading.one(Entry::Schedule, table, "from-schedule");
    let person = reading.one(Entry::Person, table, "from-person");
    if schedule.is_some() && person.is_some() {
        let what = "both `from-schedule` and `from-person` say who gets the role";
        table
            .sink
            .fault(&table.place_of("from-person"), what, "keep one of the two");
    }
    role.from = schedule
        .map(Target::Schedule)
        .or(person.map(Target::Person))
        .or(role.from);
    role.page = table.flag("page").unwrap_or(role.page);
    role.many = table.flag("many").unwrap_or(role.many);
    role.accept = table.flag("accept").unwrap_or(role.accept);
    if role.many && role.id == crate::core::directory::COMMANDER {
        let what = "an incident has one commander";
        table
            .sink
            .fault(&table.place_of("many"), what, "remove `many`");
    }
    if role.from.is_some() && role.needed == RoleNeed::Never {
        let what = "the role is filled when it is needed, and `required` says that it never is";
        table.sink.warn(
            &table.place_of("from-schedule"),
            what,
            "add required = \"major\"",
        );
    }
    Some(role)
}

fn needed(table: &Table<'_>, reading: &Reading<'_>) -> Option<RoleNeed> {
    let said = table.text("required")?;
    match said.value.as_str() {
        "never" => Some(RoleNeed::Never),
        "major" => Some(RoleNeed::Major),
        _ => severity(table, "required", &said, reading).map(RoleNeed::From),
    }
}

fn severity(
    table: &Table<'_>,
    key: &str,
    said: &Said<String>,
    reading: &Reading<'_>,
) -> Option<Severity> {
    let mut scale = reading.severities.iter();
    let at = scale.position(|s| s.name.eq_ignore_ascii_case(&said.value));
    if at.is_none() {
        let names: Vec<&str> = reading.severities.iter().map(|s| s.name.as_str()).collect();
        let what = format!("`{key}` cannot be {:?}: it is no severity", said.value);
        let also = if key == "required" {
            ", or \"major\", or \"never\""
        } else {
            ""
        };
        let fix = format!("write one of {}{also}", names.join(", "));
        table.sink.fault(&said.place, what, fix);
    }
    at.and_then(|n| u8::try_from(n).ok()).map(Severity)
}

/// Text that is not longer than people can take in.
fn short(table: &Table<'_>, key: &'static str, max: usize) -> Option<Said<String>> {
    let said = table.text(key)?;
    let chars = said.value.chars().count();
    if said.value.trim().is_empty() || chars > max || said.value.contains('\n') {
        let what = format!("`{key}` is one line of 1 to {max} characters, not {chars}");
        table.sink.fault(&said.place, what, "shorten it");
        return None;
    }
    Some(said)
}

/// Checks that the checklists that types name are there.
pub(super) fn of_types(named: &[Said<String>], rules: &ConductRules, sink: &Sink) {
    let known: Vec<&str> = rules.checklists.iter().map(|l| l.id.as_str()).collect();
    for said in named.iter().filter(|s| !known.contains(&s.value.as_str())) {
        let fix = nearest(&said.value, known.iter().copied()).map_or_else(
            || format!("create checklists/{}.toml, or leave it out", said.value),
            |near| format!("did you mean `{near}`?"),
        );
        let what = format!(
            "`checklist` names the checklist {:?}, which does not exist",
            said.value
        );
        sink.fault(&said.place, what, fix);
    }
}

/// Ids of configured types.
fn types(table: &Table<'_>, known: &[IncidentType]) -> Vec<String> {
    let said = table.texts("types").unwrap_or_default();
    for unknown in said
        .iter()
        .filter(|s| known.iter().all(|t| t.id != s.value))
    {
        let ids: Vec<&str> = known.iter().map(|t| t.id.as_str()).collect();
        let what = format!(
            "`types` names the type {:?}, which does not exist",
            unknown.value
        );
        let fix = if ids.is_empty() {
            "add [[types]] to firebell.toml, or leave it out".to_owned()
        } else {
            format!("write one of {}", ids.join(", "))
        };
        table.sink.fault(&unknown.place, what, fix);
    }
    said.into_iter().map(|s| s.value).collect()
}

/// `checklists/ID.toml`. `actions`: the folder of the actions.
pub(super) fn checklist(
    id: &str,
    table: Table<'_>,
    reading: &Reading<'_>,
    (rules, kinds): (&ConductRules, &[IncidentType]),
    actions: &Path,
) -> Option<Checklist> {
    let title = short(&table, "title", LINE_CHARS);
    if !table.has("title") {
        table.missing("title", "\"Major incident\"");
    }
    let from = table.text("from-severity");
    let from_severity = from.and_then(|s| severity(&table, "from-severity", &s, reading));
    let list = Checklist {
        id: id.to_owned(),
        title: title.map_or_else(|| id.to_owned(), |t| t.value),
        from_severity,
        types: types(&table, kinds),
        services: reading.many(Entry::Service, &table, "services"),
        teams: reading.many(Entry::Team, &table, "teams"),
        minor: table.flag("minor").unwrap_or(false),
        items: table
            .tables("item", "an [[item]] of a checklist")
            .into_iter()
            .filter_map(|t| item(t, rules, actions))
            .collect(),
    };
    if table.no_items("item") {
        let what = format!("the checklist {id} has no lines");
        table.sink.fault(
            &table.place,
            what,
            "add [[item]] with text = \"Name a commander\"",
        );
        return None;
    }
    if list.items.len() > ITEMS {
        let what = format!(
            "the checklist {id} has {} lines; at most {ITEMS} are worked off",
            list.items.len()
        );
        table
            .sink
            .fault(&table.place_of("item"), what, "split it into two files");
    }
    table.done();
    Some(list)
}

fn item(table: Table<'_>, rules: &ConductRules, actions: &Path) -> Option<ChecklistItem> {
    let text = short(&table, "text", LINE_CHARS);
    if !table.has("text") {
        table.missing("text", "\"Name a commander\"");
    }
    let role = table.text("role");
    if let Some(unknown) = role.as_ref().filter(|r| rules.role(&r.value).is_none()) {
        let known: Vec<&str> = rules.roles.iter().map(|r| r.id.as_str()).collect();
        let what = format!(
            "`role` cannot be {:?}: there is no such role",
            unknown.value
        );
        let fix = format!("write one of {}, or add it to [[roles]]", known.join(", "));
        table.sink.fault(&unknown.place, what, fix);
    }
    let link = table.text("link");
    let web = |l: &&Said<String>| !crate::core::postmortem::tree::safe(&l.value);
    if let Some(wrong) = link.as_ref().filter(web) {
        let what = format!("`link` cannot be {:?}: it is no web address", wrong.value);
        let fix = "write link = \"https://wiki.example.org/runbook\"";
        table.sink.fault(&wrong.place, what, fix);
    }
    let action = table.text("action");
    let absent = |a: &&Said<String>| !actions.join(format!("{}.toml", a.value)).is_file();
    if let Some(unknown) = action.as_ref().filter(absent) {
        let what = format!("`action`: there is no file actions/{}.toml", unknown.value);
        table
            .sink
            .fault(&unknown.place, what, "name an action that is there");
    }
    let due_ms = table.duration_ms("due", DUE_MS);
    table.done();
    Some(ChecklistItem {
        text: text?.value,
        role: role.map(|r| r.value),
        due_ms,
        link: link.map(|l| l.value).unwrap_or_default(),
        action: action.map(|a| a.value),
    })
}
