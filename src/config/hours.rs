//! Urgency, hours and quiet: when somebody is woken, as files say it.

use super::folders::Reading;
use super::reader::{Said, Table, nearest};
use super::settings::zone;
use crate::core::directory::{Contact, Rule, Step, Support, Urgency, Waking};
use crate::core::hours::{DAY, Hours, Quiet, WeekDays, minute_words, parse_minute, within};
use std::collections::BTreeSet;

/// A person who has not answered after a day is not woken by a further message.
const STEP_MAX_MS: i64 = 86_400_000;
/// Steps of one rule.
const STEPS_MAX: usize = 20;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// `urgency = "low"`.
pub(super) fn urgency(table: &Table<'_>, key: &'static str) -> Option<Urgency> {
    let said = table.text(key)?;
    let urgency = Urgency::parse(&said.value);
    if urgency.is_none() {
        let what = format!("`{key}` cannot be {:?}", said.value);
        let fix = format!("write {key} = \"high\" or \"low\"");
        table.sink.fault(&said.place, what, fix);
    }
    urgency
}

/// `hours` and `urgency-outside` of a service.
pub(super) fn support(service: &Table<'_>, reading: &Reading<'_>) -> Option<Support> {
    let outside = urgency(service, "urgency-outside");
    let Some(table) = service.table("hours", "the hours of a service") else {
        if outside.is_some() && !service.has("hours") {
            let what = "`urgency-outside` says what happens outside of hours, and there are none";
            let fix = "add hours = { days = [\"mon\", \"fri\"], from = \"08:00\", to = \"18:00\" }, or remove it";
            service
                .sink
                .fault(&service.place_of("urgency-outside"), what, fix);
        }
        return None;
    };
    let days = days(&table).unwrap_or([true; 7]);
    let (from, to) = (
        minute(&table, "from", "08:00"),
        minute(&table, "to", "18:00"),
    );
    let zone = zone(&table, reading.zone);
    table.done();
    Some(Support {
        hours: Hours {
            days,
            from: from?,
            to: to?,
            zone: zone?,
        },
        outside: outside.unwrap_or(Urgency::Low),
    })
}

/// `rules` and `quiet` of a person.
pub(super) fn waking(person: &Table<'_>, contacts: &[Contact], reading: &Reading<'_>) -> Waking {
    let (mut rules, mut seen) = (Vec::new(), BTreeSet::new());
    for table in person.tables("rules", "a rule") {
        let place = table.place.clone();
        let urgency = urgency(&table, "urgency").unwrap_or_default();
        let steps = steps(&table, contacts);
        table.done();
        if !seen.insert(urgency) {
            let what = format!("there are two rules for {} urgency", urgency.word());
            let fix = "keep one, with all its steps";
            reading.sink.fault(&place, what, fix);
        }
        if !steps.is_empty() {
            rules.push(Rule { urgency, steps });
        }
    }
    let quiet = person.table("quiet", "quiet").and_then(quiet);
    Waking { rules, quiet }
}

fn steps(rule: &Table<'_>, contacts: &[Contact]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    if rule.no_items("steps") {
        rule.missing(
            "steps",
            "[{ contacts = [\"push\"] }, { after = \"3m\", contacts = [\"phone\"] }]",
        );
    }
    for table in rule.tables("steps", "a step") {
        let after = table.duration_ms("after", 0..=STEP_MAX_MS).unwrap_or(0);
        let said = table.texts("contacts").unwrap_or_default();
        if table.no_items("contacts") {
            table.missing("contacts", "[\"phone\"]");
        }
        for name in &said {
            known(&table, name, contacts);
        }
        let after_secs = u64::try_from(after / 1000).unwrap_or(0);
        if steps.last().is_some_and(|s| s.after_secs > after_secs) {
            let what = "the steps of a rule are not in order: `after` counts from the page on";
            let fix = "let each step have a later `after` than the one before";
            table.sink.fault(&table.place_of("after"), what, fix);
        }
        let contacts = said.into_iter().map(|s| s.value).collect();
        table.done();
        steps.push(Step {
            after_secs,
            contacts,
        });
    }
    if steps.len() > STEPS_MAX {
        let what = format!("a rule has more than {STEPS_MAX} steps");
        rule.sink.fault(
            &rule.place_of("steps"),
            what,
            "keep those that wake this person",
        );
    }
    steps
}

/// A misspelt contact in a rule would be found out at night.
fn known(table: &Table<'_>, name: &Said<String>, contacts: &[Contact]) {
    let names = || contacts.iter().map(|c| c.name.as_str());
    if names().any(|n| n == name.value) {
        return;
    }
    let fix = nearest(&name.value, names()).map_or_else(
        || {
            let names: Vec<&str> = names().collect();
            match names.as_slice() {
                [] => "add it under contacts".to_owned(),
                names => format!("write one of {}", names.join(", ")),
            }
        },
        |near| format!("did you mean `{near}`?"),
    );
    let what = format!("this person has no contact {:?}", name.value);
    table.sink.fault(&name.place, what, fix);
}

fn quiet(table: Table<'_>) -> Option<Quiet> {
    let (from, to) = (
        minute(&table, "from", "22:00"),
        minute(&table, "to", "07:00"),
    );
    let digest = table
        .text("digest")
        .and_then(|said| minute_of(&table, "digest", "08:30", &said));
    let days = days(&table).unwrap_or([false; 7]);
    let place = table.place_of("digest");
    let sink = table.sink;
    table.done();
    let (from, to) = (from?, to?);
    let digest = digest.unwrap_or(to) % DAY;
    if from != to && within(digest, from, to) {
        let what = format!(
            "the digest at {} would come in the quiet hours",
            minute_words(digest)
        );
        let fix = format!("write digest = \"{}\" or later", minute_words(to));
        sink.fault(&place, what, fix);
    }
    if days.iter().all(|d| *d) {
        let what = "every day is quiet, so what waits would never be told";
        sink.fault(&place, what, "leave a day out of `days`");
        return None;
    }
    Some(Quiet {
        from,
        to,
        digest,
        days,
    })
}

fn minute(table: &Table<'_>, key: &'static str, example: &str) -> Option<u16> {
    let said = table.need_text(key, &format!("\"{example}\""))?;
    minute_of(table, key, example, &said)
}

fn minute_of(table: &Table<'_>, key: &str, example: &str, said: &Said<String>) -> Option<u16> {
    let minute = parse_minute(&said.value);
    if minute.is_none() {
        let what = format!("`{key}` cannot be {:?}: it is no time of day", said.value);
        let fix = format!("write {key} = \"{example}\"");
        table.sink.fault(&said.place, what, fix);
    }
    minute
}

fn days(table: &Table<'_>) -> Option<WeekDays> {
    let said = table.texts("days")?;
    let mut days = [false; 7];
    for s in &said {
        let word = s.value.to_lowercase();
        match DAYS.iter().position(|d| word.starts_with(d)) {
            Some(n) => days[n] = true,
            None => table.sink.fault(
                &s.place,
                format!("`days` cannot hold {:?}", s.value),
                "write days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]",
            ),
        }
    }
    Some(days)
}
