//! `[rooms]`: what rooms are called, who is asked in, where they are announced, when they are put away,
//! and what is kept of their files.

use super::folders::{Entry, Reading};
use super::reader::{Said, Table, nearest};
use super::settings::{check_channel, web_address};
use crate::core::directory::Target;
use crate::core::id::Severity;
use crate::core::rooms::{Field, Invite, RoomRules, Template};

/// The longest delay before rooms are archived.
const ARCHIVE_MAX_MS: i64 = 365 * 86_400_000;
/// Bytes one file, and all files of an incident, may be set to.
const FILE_MAX: i64 = 1024 * 1024 * 1024;

/// `[rooms]` of `firebell.toml`; what it does not say stays as it is without it.
pub(super) fn rooms(top: &Table<'_>, reading: &Reading<'_>) -> RoomRules {
    let mut rules = RoomRules::default();
    let Some(table) = top.table("rooms", "[rooms]") else {
        return rules;
    };
    if let Some(name) = name(&table) {
        rules.name = name;
    }
    rules.meeting = meeting(&table);
    rules.announce = table.text("announce").map(|said| {
        check_channel(&table, "announce", &said);
        said.value
    });
    rules.announce_at = reading.severity(&table, "announce-at");
    if rules.announce.is_none() && table.has("announce-at") {
        let place = table.place_of("announce-at");
        table.sink.fault(
            &place,
            "`announce-at` says what is announced, and `announce` does not say where",
            "add announce = \"incidents\"",
        );
    }
    rules.archive_after_ms = table.duration_ms("archive-after", 0..=ARCHIVE_MAX_MS);
    for said in table.texts("threads").unwrap_or_default() {
        rules
            .threads
            .extend(level(&table, reading, "threads", &said));
    }
    let services = reading.many(Entry::Service, &table, "thread-services");
    rules.thread_services = services.into_iter().collect();
    if let Some(said) = table.texts("redactors") {
        rules.redactors = said.into_iter().map(|s| s.value).collect();
    }
    let bytes = |slot: &mut u64, said: Option<usize>| {
        *slot = said.and_then(|n| u64::try_from(n).ok()).unwrap_or(*slot);
    };
    bytes(
        &mut rules.file_bytes,
        table.bytes("file-bytes", 0..=FILE_MAX),
    );
    bytes(
        &mut rules.incident_bytes,
        table.bytes("incident-bytes", 0..=64 * FILE_MAX),
    );
    rules.invite = (table.tables("invite", "[[rooms.invite]]"))
        .into_iter()
        .map(|t| invite(t, reading))
        .collect();
    table.done();
    rules
}

fn template(
    table: &Table<'_>,
    key: &'static str,
    example: &str,
) -> Option<(Said<String>, Template)> {
    let said = table.text(key)?;
    match Template::parse(&said.value) {
        Ok(template) => Some((said, template)),
        Err(why) => {
            let what = format!("`{key}` cannot be {:?}: {why}", said.value);
            let fix = format!("write {key} = \"{example}\"");
            table.sink.fault(&said.place, what, fix);
            None
        }
    }
}

fn name(table: &Table<'_>) -> Option<Template> {
    let (said, template) = template(table, "name", "inc-{id}-{service}-{title}")?;
    if !template.has(Field::Id) {
        table.sink.fault(
            &said.place,
            "`name` has no {id}, so two incidents could ask for the same room",
            "write name = \"inc-{id}-{service}-{title}\"",
        );
    }
    Some(template)
}

fn meeting(table: &Table<'_>) -> Option<Template> {
    let (said, template) = template(table, "meeting", "https://meet.example.org/incident-{id}")?;
    if web_address(&said.value).is_none() {
        let what = format!(
            "`meeting` cannot be {:?}: it is not an http or https address",
            said.value
        );
        let fix = "write meeting = \"https://meet.example.org/incident-{id}\"";
        table.sink.fault(&said.place, what, fix);
    }
    Some(template)
}

fn level(
    table: &Table<'_>,
    reading: &Reading<'_>,
    key: &str,
    said: &Said<String>,
) -> Option<Severity> {
    let names = || reading.severities.iter().map(|s| s.name.as_str());
    let at = names().position(|n| n.eq_ignore_ascii_case(&said.value));
    if at.is_none() {
        let fix = nearest(&said.value, names()).map_or_else(
            || format!("write some of {}", names().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        let what = format!(
            "`{key}` names the severity {:?}, which is not on the scale",
            said.value
        );
        table.sink.fault(&said.place, what, fix);
    }
    u8::try_from(at?).ok().map(Severity)
}

fn invite(table: Table<'_>, reading: &Reading<'_>) -> Invite {
    let mut targets: Vec<Target> = Vec::new();
    let people = reading.many(Entry::Person, &table, "people");
    targets.extend(people.into_iter().map(Target::Person));
    let teams = reading.many(Entry::Team, &table, "teams");
    targets.extend(teams.into_iter().map(Target::Team));
    let schedules = reading.many(Entry::Schedule, &table, "schedules");
    targets.extend(schedules.into_iter().map(Target::Schedule));
    let invite = Invite {
        severity: reading.severity(&table, "severity"),
        services: reading.many(Entry::Service, &table, "services"),
        roles: table.words("roles"),
        targets,
    };
    if invite.targets.is_empty() && invite.roles.is_empty() {
        table.sink.fault(
            &table.place,
            "this invitation names nobody",
            "add people, teams, schedules or roles, such as teams = [\"security\"]",
        );
    }
    table.done();
    invite
}
