//! The typed arguments of a runbook action. There is no free text.

use super::engines::Inventory;
use super::folders::check_id;
use super::reader::{Said, Sink, Table, nearest};
use super::tree::{Kind, Place};
use crate::core::action::value;
use crate::core::alert::Labels;
use crate::core::directory::{Arg, ArgKind};
use crate::core::matcher::whole;
use std::collections::{BTreeMap, BTreeSet};

/// Arguments of one action; a form with more is a program's job.
const ARGS_MAX: usize = 20;
/// Values of one enum; a chat platform's menu holds no more.
const VALUES_MAX: usize = 100;
/// Characters of a text argument.
const TEXT_MAX: i64 = 1024;

/// The `[[arg]]` tables, in order.
pub(super) fn args(action: &Table<'_>, inventory: &Inventory) -> Vec<Arg> {
    let mut names = BTreeSet::new();
    let mut args = Vec::new();
    for table in action.tables("arg", "[[arg]]") {
        let place = table.place.clone();
        let Some(arg) = arg(table, inventory) else {
            continue;
        };
        if !names.insert(arg.name.clone()) {
            let what = format!("there are two arguments called {}", arg.name);
            action.sink.fault(&place, what, "give each its own name");
        }
        args.push(arg);
    }
    if args.len() > ARGS_MAX {
        let what = format!("there are more than {ARGS_MAX} arguments");
        action
            .sink
            .fault(&action.place_of("arg"), what, "make two actions of it");
    }
    args
}

fn arg(table: Table<'_>, inventory: &Inventory) -> Option<Arg> {
    let name = table.need_text("name", "\"host\"").filter(|said| {
        let good = check_id(&said.value).is_ok();
        if !good {
            let what = format!("an argument cannot be called {:?}", said.value);
            table
                .sink
                .fault(&said.place, what, "use lower-case letters, digits, - and _");
        }
        good
    });
    let help = table.text("help").map(|s| s.value).unwrap_or_default();
    let kind = kind(&table, inventory);
    let default = default(&table);
    let from_label = table.text("from-label");
    let strip_suffix = table.text("strip-suffix");
    if let (Some(default), Some(_)) = (&default, &from_label) {
        let what = "`default` is never used with `from-label`: without the label the action is not offered";
        table.sink.fault(&default.place, what, "remove one of them");
    }
    if let (Some(suffix), None) = (&strip_suffix, &from_label) {
        let what = "`strip-suffix` has no `from-label` to cut from";
        table.sink.fault(
            &suffix.place,
            what,
            "add from-label = \"instance\", or remove it",
        );
    }
    let place = table.place_of("default");
    let sink = table.sink;
    table.done();
    let arg = Arg {
        name: name?.value,
        help,
        kind: kind?,
        default: default.map(|d| d.value),
        from_label: from_label.map(|l| l.value),
        strip_suffix: strip_suffix.map(|s| s.value),
    };
    check_values(&arg, &place, sink);
    Some(arg)
}

/// The default, and every value that can be listed, must pass the check a typed value passes.
fn check_values(arg: &Arg, place: &Place, sink: &Sink) {
    let mut plain = Arg {
        from_label: None,
        ..arg.clone()
    };
    let candidates: Vec<String> = match &arg.kind {
        ArgKind::Enum(values) | ArgKind::Ref { values, .. } => {
            arg.default.iter().chain(values).cloned().collect()
        }
        _ => arg.default.iter().cloned().collect(),
    };
    for candidate in candidates {
        plain.default = Some(candidate);
        if let Err(why) = value(&plain, &BTreeMap::new(), &Labels::new()) {
            sink.fault(place, why, "write a value the argument itself allows");
            return;
        }
    }
}

/// A default may be written as the number or the yes or no it is.
fn default(table: &Table<'_>) -> Option<Said<String>> {
    let node = table.get("default")?;
    let value = match node.kind {
        Kind::Int(n) => n.to_string(),
        Kind::Bool(b) => b.to_string(),
        _ => return table.text("default"),
    };
    Some(Said {
        value,
        place: node.place.clone(),
    })
}

/// Every type of an argument.
const TYPES: [&str; 6] = ["enum", "int", "text", "bool", "duration", "ref"];

fn kind(table: &Table<'_>, inventory: &Inventory) -> Option<ArgKind> {
    let said = table.need_text("type", "\"enum\", \"int\" or \"text\"");
    let belongs: [(&'static str, &[&str]); 6] = [
        ("values", &["enum"]),
        ("min", &["int", "duration"]),
        ("max", &["int", "duration"]),
        ("regex", &["text"]),
        ("max-len", &["text"]),
        ("list", &["ref"]),
    ];
    for (key, owners) in belongs {
        table.get(key);
        let known = |s: &&Said<String>| TYPES.contains(&s.value.as_str());
        let other = said.as_ref().filter(known);
        let other = other.is_some_and(|s| !owners.contains(&s.value.as_str()));
        if other && table.has(key) {
            let what = format!("`{key}` belongs to type = {:?}", owners[0]);
            table
                .sink
                .fault(&table.place_of(key), what, "remove it, or change the type");
        }
    }
    let said = said?;
    match said.value.as_str() {
        "enum" => values(table),
        "int" => int(table),
        "text" => text(table),
        "bool" => Some(ArgKind::Bool),
        "duration" => duration(table),
        "ref" => listed(table, inventory),
        other => {
            let fix = nearest(other, TYPES.into_iter()).map_or_else(
                || format!("write one of {}; there is no free text", TYPES.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let what = format!("`type` cannot be {other:?}");
            table.sink.fault(&said.place, what, fix);
            None
        }
    }
}

fn duration(table: &Table<'_>) -> Option<ArgKind> {
    const RANGE: std::ops::RangeInclusive<i64> = 0..=365 * 86_400_000;
    let (min, max) = (
        table.duration_ms("min", RANGE),
        table.duration_ms("max", RANGE),
    );
    for (key, example) in [("min", "\"10s\""), ("max", "\"10m\"")] {
        if !table.has(key) {
            table.missing(key, example);
        }
    }
    let (min, max) = (min?, max?);
    if min > max || min % 1000 != 0 || max % 1000 != 0 {
        let what = "`min` and `max` are whole seconds, the shorter one first";
        table.sink.fault(
            &table.place_of("min"),
            what,
            "write min = \"10s\" and max = \"10m\"",
        );
        return None;
    }
    Some(ArgKind::Duration {
        min_secs: min / 1000,
        max_secs: max / 1000,
    })
}

fn listed(table: &Table<'_>, inventory: &Inventory) -> Option<ArgKind> {
    let said = table.need_text("list", "\"web\"")?;
    let Some(values) = inventory.list(&said.value) else {
        let fix = nearest(&said.value, inventory.names()).map_or_else(
            || {
                format!(
                    "add {} = [\"web-1\", \"web-2\"] under [inventory] in firebell.toml",
                    said.value
                )
            },
            |near| format!("did you mean `{near}`?"),
        );
        let what = format!(
            "`list` names the list {:?}, which [inventory] does not have",
            said.value
        );
        table.sink.fault(&said.place, what, fix);
        return None;
    };
    if values.is_empty() {
        let what = format!(
            "the list {} is empty, so the argument can have no value",
            said.value
        );
        table
            .sink
            .warn(&said.place, what, "add names to it in firebell.toml");
    }
    Some(ArgKind::Ref {
        list: said.value,
        values: values.clone(),
    })
}

fn values(table: &Table<'_>) -> Option<ArgKind> {
    let values = table.words("values");
    if table.no_items("values") || values.len() > VALUES_MAX {
        let what = format!("an enum needs 1 to {VALUES_MAX} `values`");
        table.sink.fault(
            &table.place_of("values"),
            what,
            "add values = [\"soft\", \"hard\"]",
        );
        return None;
    }
    Some(ArgKind::Enum(values))
}

fn int(table: &Table<'_>) -> Option<ArgKind> {
    let (min, max) = (
        table.int("min", i64::MIN..=i64::MAX),
        table.int("max", i64::MIN..=i64::MAX),
    );
    for key in ["min", "max"] {
        if !table.has(key) {
            table.missing(key, "0");
        }
    }
    let (min, max) = (min?, max?);
    if min > max {
        let what = format!("no number is from {min} to {max}");
        table
            .sink
            .fault(&table.place_of("min"), what, "swap `min` and `max`");
        return None;
    }
    Some(ArgKind::Int { min, max })
}

fn text(table: &Table<'_>) -> Option<ArgKind> {
    let max_len = table.int("max-len", 1..=TEXT_MAX).unwrap_or(200);
    // There is no free text: what may reach a program is always described.
    let said = table.need_text("regex", "'web-[0-9]{1,3}'")?;
    match whole(&said.value) {
        Ok(regex) => Some(ArgKind::Text {
            regex,
            max_len: usize::try_from(max_len).unwrap_or(200),
        }),
        Err(why) => {
            let what = format!("`regex`: {}", why.lines().next().unwrap_or_default());
            table.sink.fault(
                &said.place,
                what,
                "correct it; it must match the whole value",
            );
            None
        }
    }
}
