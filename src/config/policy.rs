//! `policies/ID.toml`: the ladder an incident climbs, and the targets its rungs name.

use super::folders::{Entry, Reading};
use super::hours;
use super::people;
use super::reader::{Said, Sink, Table, nearest};
use super::secret::Secrets;
use super::settings::channel_fault;
use crate::core::directory::{ContactKind, Policy, Rung, Target, When};
use crate::core::hours::parse_minute;
use std::collections::BTreeMap;

/// A ladder with more rungs pages for days.
const RUNGS_MAX: usize = 20;
/// Targets of one rung.
const TARGETS_MAX: usize = 20;
/// People one step can wait for: more never come together at night.
const ACKS_MAX: i64 = 10;
/// A reminder sooner than a minute is noise; later than a week is none.
const REMIND_MS: std::ops::RangeInclusive<i64> = 60_000..=7 * 86_400_000;

/// Until when somebody may rest after a night, minutes of the day: from its end to the next one.
const REST: std::ops::RangeInclusive<u16> = 7 * 60..=22 * 60;

/// `policies/ID.toml`.
pub(super) fn policy(id: &str, table: Table<'_>, reading: &Reading<'_>) -> Policy {
    let rungs: Vec<Rung> = table
        .tables("rungs", "[[rungs]]")
        .into_iter()
        .map(|rung| self::rung(rung, reading))
        .collect();
    if table.no_items("rungs") || rungs.len() > RUNGS_MAX {
        let what = format!("the policy {id} has {} rungs", rungs.len());
        let fix = format!("write 1 to {RUNGS_MAX} [[rungs]], each with targets and wait");
        reading.sink.fault(&table.place_of("rungs"), what, fix);
    }
    let wakes = |t: &Target| !matches!(t, Target::Channel(_) | Target::Webhook(_));
    let silent = !rungs.iter().any(|r| r.targets.iter().any(wakes));
    if silent && rungs.iter().any(|r| !r.targets.is_empty()) {
        let what = format!("no step of the policy {id} wakes a person");
        reading.sink.warn(
            &table.place_of("rungs"),
            what,
            "add a rung with targets = [\"schedule:web-primary\"]; until then the catch-all is the first to be woken",
        );
    }
    let repeat = table.int("repeat", 0..=20);
    let remind = table.duration_ms("remind-after", REMIND_MS);
    let rest = rest(&table);
    table.done();
    Policy {
        id: id.to_owned(),
        rungs,
        repeat: u8::try_from(repeat.unwrap_or(0)).unwrap_or(0),
        remind_secs: remind.and_then(|ms| u64::try_from(ms / 1000).ok()),
        rest_until: rest,
    }
}

/// `rest-after-night = "12:00"`.
fn rest(table: &Table<'_>) -> Option<u16> {
    let said = table.text("rest-after-night")?;
    let minute = parse_minute(&said.value).filter(|m| REST.contains(m));
    if minute.is_none() {
        let what = format!("`rest-after-night` cannot be {:?}", said.value);
        table.sink.fault(
            &said.place,
            what,
            "write rest-after-night = \"12:00\": between 07:00, when the night is over, and 22:00",
        );
    }
    minute
}

fn rung(rung: Table<'_>, reading: &Reading<'_>) -> Rung {
    let targets = targets(&rung, "targets", reading);
    if rung.no_items("targets") {
        let what = "this rung pages nobody";
        reading.sink.fault(
            &rung.place_of("targets"),
            what,
            "add targets = [\"schedule:web-primary\"]",
        );
    }
    let wait = rung.duration_ms("wait", 1000..=7 * 86_400_000);
    let acks = rung.int("acks", 1..=ACKS_MAX);
    let when = rung
        .table("when", "the `when` of a rung")
        .map_or_else(When::default, when);
    rung.done();
    Rung {
        targets,
        // Five minutes is the usual time to find a laptop.
        wait_secs: u64::try_from(wait.unwrap_or(300_000) / 1000).unwrap_or(300),
        acks: acks.and_then(|n| u8::try_from(n).ok()).unwrap_or(1),
        when,
    }
}

/// `when = { urgency = "high", hours = "inside", after = "30m" }`.
fn when(table: Table<'_>) -> When {
    let inside_hours = table.text("hours").and_then(|said| match said.value.as_str() {
        "inside" => Some(true),
        "outside" => Some(false),
        other => {
            let what = format!("`hours` cannot be {other:?}");
            let fix = "write hours = \"inside\" or \"outside\": of the hours of the incident's service";
            table.sink.fault(&said.place, what, fix);
            None
        }
    });
    let after = table.duration_ms("after", 1000..=7 * 86_400_000);
    let when = When {
        urgency: hours::urgency(&table, "urgency"),
        inside_hours,
        after_secs: after.and_then(|ms| u64::try_from(ms / 1000).ok()),
    };
    table.done();
    when
}

/// Targets such as `person:ana`, each with its place.
pub(super) fn targets(table: &Table<'_>, key: &'static str, reading: &Reading<'_>) -> Vec<Target> {
    let said = table.texts(key).unwrap_or_default();
    if said.len() > TARGETS_MAX {
        let what = format!("`{key}` has more than {TARGETS_MAX} targets");
        let fix = "name a team instead";
        reading.sink.fault(&table.place_of(key), what, fix);
    }
    said.iter()
        .filter_map(|s| target(key, s, reading))
        .collect()
}

fn target(key: &'static str, said: &Said<String>, reading: &Reading<'_>) -> Option<Target> {
    let (kind, id) = said.value.split_once(':').unwrap_or(("", &said.value));
    let id = Said {
        value: id.trim().to_owned(),
        place: said.place.clone(),
    };
    let (entry, make): (Entry, fn(String) -> Target) = match kind {
        "person" => (Entry::Person, Target::Person),
        "schedule" => (Entry::Schedule, Target::Schedule),
        "team" => (Entry::Team, Target::Team),
        "round-robin" => (Entry::Team, Target::RoundRobin),
        "channel" => return channel(key, id, reading.sink),
        "webhook" => return webhook(key, id, reading),
        _ => {
            let what = format!("`{key}` cannot page {:?}", said.value);
            let fix = "write \"person:ana\", \"schedule:web-primary\", \"team:web\", \"round-robin:web\", \"channel:web-alerts\" or \"webhook:bridge\"";
            reading.sink.fault(&said.place, what, fix);
            return None;
        }
    };
    reading.mention(entry, key, &id);
    Some(make(id.value))
}

fn channel(key: &str, said: Said<String>, sink: &Sink) -> Option<Target> {
    if let Some(what) = channel_fault(key, &said.value) {
        sink.fault(&said.place, what, "write it such as \"channel:web-alerts\"");
        return None;
    }
    Some(Target::Channel(said.value))
}

fn webhook(key: &str, said: Said<String>, reading: &Reading<'_>) -> Option<Target> {
    if reading.webhooks.contains_key(&said.value) {
        return Some(Target::Webhook(said.value));
    }
    let names = || reading.webhooks.keys().map(String::as_str);
    let fix = nearest(&said.value, names()).map_or_else(
        || {
            format!(
                "add [[webhooks]] with name = {:?} and url to firebell.toml",
                said.value
            )
        },
        |near| format!("did you mean `{near}`?"),
    );
    let what = format!(
        "`{key}` names the webhook {:?}, which does not exist",
        said.value
    );
    reading.sink.fault(&said.place, what, fix);
    None
}

/// `[[webhooks]]` of `firebell.toml`: where policies may post.
pub(super) fn webhooks(top: &Table<'_>, secrets: &Secrets<'_>) -> BTreeMap<String, ContactKind> {
    let mut found = BTreeMap::new();
    for table in top.tables("webhooks", "[[webhooks]]") {
        let name = table.need_text("name", "\"bridge\"");
        let url = table
            .need_text("url", "\"env:NAME\" or \"file:/path\"")
            .and_then(|said| people::webhook(&said, secrets, table.sink));
        let secret = table
            .text("secret")
            .and_then(|said| secrets.need("secret", &said, table.sink));
        let place = table.place_of("name");
        table.done();
        if let (Some(name), Some(url)) = (name, url)
            && found
                .insert(name.value.clone(), ContactKind::Webhook { url, secret })
                .is_some()
        {
            let what = format!("two webhooks are called {}", name.value);
            top.sink.fault(&place, what, "give each its own name");
        }
    }
    found
}
